#include "support/defence.h"

#ifdef RT_CHEATS

#include <stdlib.h>
#include <string.h>

bool
rt_defended_by(enum rt_defence defence)
{
	static const char *const names[] = {
#define X(name, text) text,
	    RT_DEFENCES(X)
#undef X
	};
	/* asked once: a cell's command shares its init's memory until it has an environment of its own */
	static const char *all;
	const char *without = all = all ? all : getenv("RATCHET_WITHOUT");
	size_t len = strlen(names[defence]);
	while (without && *without) {
		size_t word = strcspn(without, ",");
		if (word == len && strncmp(without, names[defence], len) == 0)
			return false;
		without += word + (without[word] == ',');
	}
	return true;
}

#endif
