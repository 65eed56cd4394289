#ifndef RT_GIT_GITINDEX_H
#define RT_GIT_GITINDEX_H

/*
 * The bytes of a work tree's index file (gitformat-index, versions 2 to 4). Entries are found in them where they lie,
 * and a changed index is written by copying the stretches between the changes: a move costs one pass over the bytes,
 * however many entries there are, and what it does not name stays as it is to the bit.
 *
 * What git makes again by itself is not carried over: the untracked cache, fsmonitor's marks, the offsets for threads,
 * and whatever else need not be understood. REUC stays; TREE stays without the folders that lie above a change.
 */

#include <sys/stat.h>

#include "git/repo.h"

struct rt_gitindex {
	struct rt_buf bytes;
	struct rt_buf names; /* of version 4, where the file has only what differs from the name before */
	struct rt_gitindex_spot {
		uint32_t at, name; /* where the entry begins in bytes; where its name is, in bytes or names */
	} * spots;
	size_t n;
	uint32_t version;
	size_t end; /* of the entries, in bytes */
	bool unmerged;
	struct stat file; /* st_ino 0: there is none, which is an empty index */
};
#define RT_GITINDEX_INIT                                                 \
	{                                                                \
		.bytes = RT_BUF_INIT, .names = RT_BUF_INIT, .version = 2 \
	}
/* 1; 0 split or sparse: why says so with the mend; -1, also where the checksum or the order of entries is wrong. */
int rt_gitindex_read(struct rt_gitindex *index, const char *path, struct rt_buf *why, struct rt_err *err) RT_MUST_USE;
void rt_gitindex_release(struct rt_gitindex *index);
RT_DEFINE_AUTO(gitindex, struct rt_gitindex, rt_gitindex_release);

/* One entry's fields, as git names them. The name lives as long as the index. */
struct rt_gitindex_entry {
	const char *name;
	struct rt_entry what;
	uint32_t ctime, ctime_ns, mtime, mtime_ns, dev, ino, uid, gid, size;
	bool skip_worktree;
};
const char *rt_gitindex_name(const struct rt_gitindex *index, size_t i);
struct rt_gitindex_entry rt_gitindex_entry(const struct rt_gitindex *index, size_t i);
/* The first entry whose name is not below this one in bytewise order; n: none. */
size_t rt_gitindex_lower(const struct rt_gitindex *index, const char *name);
/* The entry of that name (at any stage); n: none. */
size_t rt_gitindex_find(const struct rt_gitindex *index, const char *name);

struct rt_gitindex_change {
	const char *path;    /* borrowed */
	struct rt_entry new; /* mode 0: removed, if it is there */
	bool clean;	     /* st is what the file was when it had new's content */
	struct stat st;
};
/*
 * Writes the index with these changes, which are sorted by path, into fd. An entry that comes takes the place of those
 * below it and of a file above it. The index must have no unmerged entries.
 */
int rt_gitindex_write(const struct rt_gitindex *index, const struct rt_gitindex_change *changes, size_t n, int fd,
		      struct rt_err *err) RT_MUST_USE;

#endif
