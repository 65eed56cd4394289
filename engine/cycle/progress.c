#include "cycle/progress.h"

#include <stdbool.h>
#include <string.h>

#include "support/buf.h"

static const struct {
	const char *label, *text;
	bool control;
} runs[] = {
    {"candidate-base", ", on the base", false},
    {"support", ", with the target's support files", false},
    {"support-base", ", on the base", false},
    {"control-target", ", on the target with tests made to pass and to fail", true},
    {"control", ", with tests made to pass and to fail", true},
    {"control-again", ", the same again", true},
    {"control-base", ", the same on the base", true},
};

void
rt_progress_cell(const struct rt_progress *progress, const char *label, const char *cell, const char *state, int64_t ms)
{
	const char *text = "";
	if (!progress->tell)
		return;
	for (size_t i = 0; i < RT_COUNT(runs); i++) {
		if (strcmp(runs[i].label, label) != 0)
			continue;
		text = runs[i].text;
		if (runs[i].control && strcmp(state, "failed") == 0)
			state = "checked";
	}
	rt_auto(free) char *shown = rt_format("%s%s", cell, text);
	progress->tell(progress->data, shown, state, ms);
}
