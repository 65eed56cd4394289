#ifndef RT_GIT_CHECKOUT_H
#define RT_GIT_CHECKOUT_H

/* Carrying a plan out: the files first, all or none as far as this process lives, the index last. Under the lock. */

#include "git/indexfile.h"
#include "git/twotree.h"

/*
 * 1 done; 0 something changed since the plan was made: why names it, everything is as before; -1 error, likewise as
 * before. What could not be put back is said in err or why.
 */
int rt_checkout(struct rt_twotree *plan, struct rt_index_lock *lock, struct rt_err *err) RT_MUST_USE;

#endif
