#ifndef RT_GIT_GITINDEX_FORMAT_H
#define RT_GIT_GITINDEX_FORMAT_H

/* The layout of gitformat-index, for the two files that read and write it. */

#include <stdint.h>
#include <string.h>

#include "support/sha1.h"

enum {
	RT_GITINDEX_HEADER = 12, /* "DIRC", version, number of entries */
	/* of an entry: ten numbers (two times, dev, ino, mode, uid, gid, size), the id, flags, then maybe more flags */
	RT_GITINDEX_ID = 40,
	RT_GITINDEX_FLAGS = 60,
	RT_GITINDEX_FIXED = 62,
	RT_GITINDEX_FIXED_EXTENDED = 64,
	RT_GITINDEX_NAME_MAX = 0xfff, /* flags hold the name's length up to this */
	RT_GITINDEX_EXTENDED = 0x4000,
	RT_GITINDEX_SKIP_WORKTREE = 0x4000, /* in the second flags */
	RT_GITINDEX_EXTENSION = 8,	    /* four letters, size */
};

static inline uint32_t
rt_be16(const char *at)
{
	const unsigned char *b = (const unsigned char *)at;

	return (uint32_t)b[0] << 8 | b[1];
}

static inline uint32_t
rt_be32(const char *at)
{
	return rt_be16(at) << 16 | rt_be16(at + 2);
}

/* Where an entry's name begins, relative to the entry; of version 4, the length that is taken from the name before. */
static inline size_t
rt_gitindex_fixed(const char *entry)
{
	return (rt_be16(entry + RT_GITINDEX_FLAGS) & RT_GITINDEX_EXTENDED) != 0 ? RT_GITINDEX_FIXED_EXTENDED
										: RT_GITINDEX_FIXED;
}

/* Up to version 3 an entry ends in one to eight NULs, so that the next begins at a multiple of eight. */
static inline size_t
rt_gitindex_padded(size_t fixed, size_t name)
{
	return (fixed + name + 8) & ~(size_t)7;
}

#endif
