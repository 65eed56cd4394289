#ifndef RT_GIT_WORKTREE_H
#define RT_GIT_WORKTREE_H

/*
 * Moving checked-out work trees from one tree to another by the two-tree rules of git-read-tree(1) (-m -u OLD NEW), as
 * `git merge --ff-only` does: only the paths that differ are touched, what the user staged or edited elsewhere stays,
 * an uncommitted change is never overwritten. Written so that it can be killed at any instant and done again: each path
 * holds its old or its new content, never anything else; the index is replaced last, under git's own index.lock.
 *
 * eol and ident conversion follow the user's configuration. An external filter, working-tree-encoding, a split or
 * sparse index on a touched work tree is refused in the check, with the mend.
 */

#include "git/repo.h"

/* The work trees (main and linked) whose HEAD is the branch; gitdirs: their git directories. */
int rt_worktrees_on(struct rt_repo *repo, const char *ref, struct rt_strs *gitdirs, struct rt_err *err) RT_MUST_USE;

/* The indexes that a check read: a move by the same process need not read one again that nobody replaced meanwhile. */
struct rt_seen_index;
void rt_index_seen_free(struct rt_seen_index **seen);

/*
 * Could the work tree of gitdir move from old to new? 1 yes; 0 no: why names each path in the way and the mend; -1
 * error. Also 0 while a merge, rebase, cherry-pick or bisect is under way there that the move would disturb; a merge of
 * commits that old holds is over, which post-merge sees. objects:
 * an object directory that has new's objects when the repository has not (a quarantine's), or NULL. seen: kept for the
 * move, or NULL.
 */
int rt_worktree_check(const char *gitdir, const struct rt_oid *old, const struct rt_oid *new, const char *objects,
		      struct rt_seen_index **seen, struct rt_buf *why, struct rt_err *err) RT_MUST_USE;
/*
 * Moves it. Idempotent: paths that have the new content already are left. 1 done; 0 a path is neither old nor new (why
 * names it; the paths written by this call are put back); -1 error. Holds index.lock meanwhile, waiting for it until
 * deadline.
 */
int rt_worktree_move(const char *gitdir, const struct rt_oid *old, const struct rt_oid *new,
		     struct rt_seen_index **seen, int64_t deadline, struct rt_buf *why, struct rt_err *err) RT_MUST_USE;

/*
 * Takes back what a killed rt_worktree_move(old, new) did: each path that holds new's content gets old's again, in the
 * work tree and in the index; what the user changed meanwhile is left alone, with a line in why. 1 done; 0 nothing was
 * changed, why says what is in the way; -1.
 */
int rt_worktree_restore(const char *gitdir, const struct rt_oid *old, const struct rt_oid *new, int64_t deadline,
			struct rt_buf *why, struct rt_err *err) RT_MUST_USE;

/*
 * Removes the index.lock that a killed rt_worktree_move left behind, and that move's temporary files. Only the lock's
 * own bytes and its inode decide whether it is ratchet's, and they name the process that made it, which must be dead: 1
 * removed, 0 there is none or it is somebody else's, -1. The caller holds the lane, so that nobody begins a move.
 */
int rt_worktree_drop_lock(const char *gitdir, struct rt_err *err) RT_MUST_USE;
/* The same for all work trees of a repository; the git directories of those that had such a lock are added. */
int rt_worktrees_drop_locks(struct rt_repo *repo, struct rt_strs *gitdirs, struct rt_err *err) RT_MUST_USE;

/* The tree that an index file (NULL: the work tree's own) would commit, written to repo's object store: what pre-commit
 * judges. Unmerged entries: 0 with why. */
int rt_index_tree(struct rt_repo *repo, const char *index_file, struct rt_oid *tree, struct rt_buf *why,
		  struct rt_err *err) RT_MUST_USE;

#endif
