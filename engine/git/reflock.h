#ifndef RT_GIT_REFLOCK_H
#define RT_GIT_REFLOCK_H

/* Holding git's own lock on one ref while something else is done that must agree with it (the work trees of a landing).
 */

#include "git/repo.h"

struct rt_ref_lock;

/* RT_SWAPPED taken, RT_SWAP_LOCKED somebody else holds it still at the deadline (err names the file and its age), -1.
 */
int rt_ref_lock_take(struct rt_ref_lock **out, struct rt_repo *repo, const char *name, int64_t deadline,
		     struct rt_err *err) RT_MUST_USE;
/* Moves the ref to target, durable, and lets go of the lock. */
int rt_ref_lock_commit(struct rt_ref_lock *lock, const struct rt_oid *target, const char *message,
		       struct rt_err *err) RT_MUST_USE;
/* Lets go without moving. Accepts NULL. */
void rt_ref_lock_free(struct rt_ref_lock *lock);
static inline void
rt_auto_ref_lock(struct rt_ref_lock **lock)
{
	rt_ref_lock_free(*lock);
}

#endif
