#ifndef RT_CYCLE_SPARE_H
#define RT_CYCLE_SPARE_H

/*
 * `git:` of a check: the cell, and every cell that needs it, finds a throwaway repository in its workspace
 * (git/spare.h), whose HEAD is the commit of the tree that is tested. It is made for one run of the matrix; the objects
 * of the target's own history come from a store that runs share, <ratchet>/spare/<commit>.<depth>/, read-only below the
 * cell's overlay as any layer is. Beside each store <name>.lock: held shared while a cell looks at it.
 */

#include "cycle/matrix.h"

void rt_spare_release(struct rt_spare *spare);

/*
 * Appends the layers of the cell's repository, if it has one; files: the layers of its tree. The matrix's head must be
 * set then.
 */
int rt_spare_lowers(struct rt_matrix *matrix, size_t cell, const struct rt_strs *files, struct rt_strs *lowers,
		    struct rt_err *err) RT_MUST_USE;
/* Removes stores that nobody looks at, but the newest `keep` that fit the room; adds how many went. */
int rt_spare_sweep(struct rt_home *home, size_t keep, uint64_t *room, size_t *removed, struct rt_err *err) RT_MUST_USE;

#endif
