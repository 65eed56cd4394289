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

#include "git/internal.h"
#include "support/tempname.h"

/* 1; 0 split or sparse: why says so with the mend; -1. An absent file is an empty index. */
int rt_index_load(git_index **out, const char *path, struct rt_buf *why, struct rt_err *err) RT_MUST_USE;

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
 * A private copy of the index that can be changed, and later put in its place, durable. Only under the lock. The new
 * file keeps the old one's modification time: git compares an entry's time with it to know which entries it must not
 * trust by their stat data alone, and entries that were doubtful must not become trusted by our writing the file again.
 * Those of this move are doubtful too, and git looks at them once more.
 */
struct rt_index_copy {
	git_index *index;
	char *path;	    /* of the copy; NULL: none */
	struct stat before; /* of the index; st_ino 0: there was none */
	bool placed;	    /* it is the index now, even where commit failed after that */
};
/* 1, 0 with why, -1. */
int rt_index_copy_open(struct rt_index_copy *copy, const char *gitdir, struct rt_buf *why,
		       struct rt_err *err) RT_MUST_USE;
int rt_index_copy_commit(struct rt_index_copy *copy, const char *gitdir, struct rt_err *err) RT_MUST_USE;
void rt_index_copy_release(struct rt_index_copy *copy);
RT_DEFINE_AUTO(index_copy, struct rt_index_copy, rt_index_copy_release);

/*
 * Reads the index of gitdir for a check and remembers it in seen (NULL: not): a large index takes longer to read than
 * all else of a landing. index is the list's if *kept, else the caller's. 1, 0 with why, -1.
 */
int rt_index_see(struct rt_seen_index **seen, const char *gitdir, git_index **index, bool *kept, struct stat *st,
		 struct rt_buf *why, struct rt_err *err) RT_MUST_USE;
/* As rt_index_copy_open, but with the index that was seen, if its file is still the same. */
int rt_index_copy_seen(struct rt_index_copy *copy, struct rt_seen_index **seen, const char *gitdir, struct rt_buf *why,
		       struct rt_err *err) RT_MUST_USE;

#endif
