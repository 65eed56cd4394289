#ifndef RT_CYCLE_WARM_H
#define RT_CYCLE_WARM_H

/*
 * Warm workspaces (`workspace: warm`): what the warm cells wrote on a clean tree of the target lies below the
 * candidate's changes, so that a build repeats only what they touch. In <ratchet>/warm/<key>/, where the key covers
 * what is run and the machine, not the tree:
 *
 *   note     written last: the target's tree (the ground), the boot that the rest was written in, the newest time in it
 *   <cell>/  what that cell of the plan wrote
 *
 * Beside it <key>.lock, held shared while cells look, alone by whoever makes or removes it. The ground may be older
 * than the base: the delta from it holds more, that is all.
 *
 * Sound for builds that go by time: changed files are newer than everything built, the others keep their time. Where
 * that is not enough no warm workspace is used: a path is removed or changes its type; a watched file or a makefile
 * changes (make does not notice changed commands); the build wrote a tracked file, or one dated in the future. What is
 * red in a warm workspace is run again in a clean one before anything is concluded. No candidate's process ever writes
 * into the store.
 */

#include "cycle/matrix.h"

struct rt_warm {
	bool on;
	struct rt_oid ground;  /* the target's tree that was built */
	char *dir;	       /* <ratchet>/warm/<key> */
	char *scratch;	       /* for the deltas */
	bool *has;	       /* by cell: what it wrote is there */
	struct timespec stamp; /* the time of all changed files: one, so that a later cell finds them no newer */
	struct rt_lock lock;   /* shared */
};
#define RT_WARM_INIT                 \
	{                            \
		.lock = RT_LOCK_INIT \
	}

/*
 * Finds, or makes with one clean run on base, what lies below matrix's warm cells, and decides whether it serves for
 * the matrix's tree. `on` says whether it does; that it does not is no error. The caller sets it as the matrix's
 * `warm`.
 */
int rt_warm_prepare(struct rt_warm *warm, const struct rt_matrix *matrix, const struct rt_oid *base,
		    struct rt_err *err) RT_MUST_USE;
/*
 * Appends the layers of a cell, topmost first: for every cell of its closure what it wrote here, and for warm ones
 * below that what they wrote on the ground, under one delta to the present tree. Marks the cell as warm if there is
 * any; the stack then holds the layers of the ground, of which the cell's part is *ground.
 */
int rt_warm_lowers(const struct rt_warm *warm, struct rt_matrix *matrix, size_t cell, struct rt_strs *lowers,
		   struct rt_oid *ground, struct rt_err *err) RT_MUST_USE;
/* Removes what lies there, that nobody has and that does not fit the room; adds how many went. */
int rt_warm_sweep(struct rt_home *home, uint64_t *room, size_t *removed, struct rt_err *err) RT_MUST_USE;
void rt_warm_release(struct rt_warm *warm);
RT_DEFINE_AUTO(warm, struct rt_warm, rt_warm_release);

#endif
