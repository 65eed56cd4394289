#ifndef RT_GIT_CLAIM_H
#define RT_GIT_CLAIM_H

/*
 * git's lock on a ref is a file, which outlives a process that is killed, and then blocks everybody for ever. So every
 * swap of a ref by ratchet is claimed first: a lock that the kernel releases, <git dir>/ratchet/ref-claim, held while
 * git's lock is, whose text names the ref and the value it gets. Who takes the claim and finds a text knows that its
 * writer died in between, and removes the lock file that it left: where its content is empty or that value. Any other
 * lock file is somebody else's, and is waited for.
 */

#include "git/repo.h"
#include "support/file.h"

/*
 * Takes the claim on a swap of name to new (NULL: its removal), after settling what a dead claimant left. RT_SWAPPED
 * taken, RT_SWAP_LOCKED another process still has it at the deadline, -1.
 */
int rt_claim_take(struct rt_lock *claim, struct rt_repo *repo, const char *name, const struct rt_oid *new,
		  int64_t deadline, struct rt_err *err) RT_MUST_USE;
/*
 * Gives it back, after a swap with that result. Where a lock file of ours is left, because it could not be removed, the
 * text stays, for the next to settle.
 */
void rt_claim_drop(struct rt_lock *claim, struct rt_repo *repo, const char *name, const struct rt_oid *new, int result);
/*
 * For recovery: settles what a dead claimant left, and removes locks below refs/ratchet/ that are older than this boot
 * (no process survives one, and a power cut may have taken the claim's text). Names each removed file in removed.
 */
int rt_claim_settle(struct rt_repo *repo, struct rt_strs *removed, int64_t deadline, struct rt_err *err) RT_MUST_USE;

#endif
