#ifndef RT_GIT_INDEXFILE_H
#define RT_GIT_INDEXFILE_H

/*
 * A work tree's index file, and git's lock on it.
 *
 * index.lock is made by link(2), so that it appears with its content: a line that says it is ratchet's, the id of the
 * move, and the folders in which the move may leave temporary files. That is what rt_worktree_drop_lock goes by when
 * the holder was killed. The index itself is written to a file of its own and renamed, the lock is then removed.
 */

#include <sys/stat.h>

#include "git/gitindex.h"
#include "git/worktree.h"
#include "support/tempname.h"

struct rt_index_lock {
	char *gitdir;	       /* NULL: not held */
	int fd;		       /* the lock file, to add folders to */
	bool keep;	       /* a temporary file could not be removed: the lock stays, for recovery to go by */
	char id[RT_TEMP_NAME]; /* of this move, naming its process (support/tempname.h); its temporary files carry it */
};
#define RT_INDEX_LOCK_INIT \
	{                  \
		.fd = -1   \
	}
/* Takes it, waiting until deadline; then RT_ECONFLICT naming path and age. */
int rt_index_lock_take(struct rt_index_lock *lock, const char *gitdir, int64_t deadline,
		       struct rt_err *err) RT_MUST_USE;
/* Notes the folders, durable, before anything is written there. */
int rt_index_lock_note(struct rt_index_lock *lock, const struct rt_strs *folders, struct rt_err *err) RT_MUST_USE;
void rt_index_lock_drop(struct rt_index_lock *lock);
RT_DEFINE_AUTO(index_lock, struct rt_index_lock, rt_index_lock_drop);

/* ".ratchet-<id>-": how the temporary files of a move begin. */
#define RT_MOVE_PREFIX ".ratchet-"

/*
 * Writes the index with these changes (git/gitindex.h) beside it and puts that in its place, durable. Only under the
 * lock. *placed: it is the index now, even where this fails after that. The new file keeps the old one's modification
 * time: git compares an entry's time with it to know which entries it must not trust by their stat data alone, and
 * entries that were doubtful must not become trusted by our writing the file again. Those of this move are doubtful
 * too, and git looks at them once more.
 */
int rt_index_replace(const struct rt_index_lock *lock, const struct rt_gitindex *old,
		     const struct rt_gitindex_change *changes, size_t n, bool *placed, struct rt_err *err) RT_MUST_USE;

/* Keeps what a check read, for a move by the same process: a large index takes a while to read. Takes its content. */
void rt_index_remember(struct rt_seen_index **seen, const char *gitdir, struct rt_gitindex *index);
/* The index of gitdir: what was remembered (seen may be NULL) if its file is still the same, else read. 1, 0 with why,
 * -1. */
int rt_index_read(struct rt_gitindex *index, struct rt_seen_index **seen, const char *gitdir, struct rt_buf *why,
		  struct rt_err *err) RT_MUST_USE;

#endif
