#ifndef RT_CYCLE_ACCEPTED_H
#define RT_CYCLE_ACCEPTED_H

/*
 * Which commits do entries accept: in this writer's chain, and in those of ratchet.trustedWriter. Hooks ask this at
 * every commit, merge and push, so what was read of a chain is noted in <ratchet>/accepted, and only entries that are
 * newer are read again. The notes decide nothing that `verify` does not find out from the entries themselves.
 */

#include "cycle/home.h"
#include "support/file.h"

/* Of one chain; see accepted.c. */
struct rt_notes {
	char *map; /* the file; NULL: none */
	size_t map_len;
	size_t len;	     /* of it, up to the last whole mark */
	struct rt_buf fresh; /* what stands behind that */
	struct rt_lock lock; /* on the file, as long as it is looked at: nobody makes it shorter meanwhile */
};

struct rt_accepting {
	RT_VEC(struct rt_notes) chains;
};
int rt_accepting_read(struct rt_accepting *accepting, struct rt_home *home, struct rt_err *err) RT_MUST_USE;
/* Did a chain land this commit? */
bool rt_accepting_landed(const struct rt_accepting *accepting, const char *commit);
/* Did one land it, or accept it with this tree? Not by fast checks alone, unless fast_too. */
bool rt_accepting_has(const struct rt_accepting *accepting, const char *commit, const char *tree, bool fast_too);
void rt_accepting_release(struct rt_accepting *accepting);
RT_DEFINE_AUTO(accepting, struct rt_accepting, rt_accepting_release);

#endif
