#ifndef RT_GIT_PREIMAGE_H
#define RT_GIT_PREIMAGE_H

/*
 * The part of a tree that decides what a patch does: the entries at the paths that it could touch, what stands in their
 * way (a file where a directory is wanted, something below where a file is wanted), and the .gitattributes that speak
 * for them. Written as an index file for git, read back, compared.
 */

#include "git/internal.h"

struct rt_pre_entry {
	char *path; /* owned by the arena */
	uint32_t mode;
	git_oid id;
};
struct rt_preimage {
	struct rt_pre_entry *at; /* by path */
	size_t n, cap;
	struct rt_arena paths;
};

/* paths: sorted and unique; NULL: the whole tree. */
int rt_preimage_read(struct rt_repo *repo, const struct rt_oid *tree, const struct rt_strs *paths,
		     struct rt_preimage *out, struct rt_err *err) RT_MUST_USE;
/* Writes an index file (version 2), unsynced. */
int rt_preimage_write(const struct rt_preimage *pre, const char *file, struct rt_err *err) RT_MUST_USE;
/* Reads an index file; unmerged entries are an error. */
int rt_preimage_load(const char *file, struct rt_preimage *out, struct rt_err *err) RT_MUST_USE;
void rt_preimage_release(struct rt_preimage *pre);
RT_DEFINE_AUTO(preimage, struct rt_preimage, rt_preimage_release);

/*
 * tree with what differs between pre and post replaced, written to repo. Checked: the result differs from tree in
 * exactly that.
 */
int rt_preimage_tree(struct rt_repo *repo, const struct rt_oid *tree, const struct rt_preimage *pre,
		     const struct rt_preimage *post, struct rt_oid *out, struct rt_err *err) RT_MUST_USE;

#endif
