#ifndef RT_GIT_BELOW_H
#define RT_GIT_BELOW_H

/*
 * Touching files below one directory by their paths, never through a link: each path's folder is opened by openat2 with
 * RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS, and everything happens relative to that descriptor. A folder that somebody
 * swaps for a link meanwhile is an obstacle, not a way out.
 */

#include <sys/stat.h>

#include "support/buf.h"
#include "support/err.h"

struct rt_below {
	int root;     /* borrowed */
	int fd;	      /* the folder last opened; -1: none */
	char *folder; /* its path, "" is the root itself */
};
#define RT_BELOW_INIT                \
	{                            \
		.root = -1, .fd = -1 \
	}
void rt_below_release(struct rt_below *below);
RT_DEFINE_AUTO(below, struct rt_below, rt_below_release);

enum rt_below_found {
	RT_BELOW_ABSENT,  /* no such name, or no such folder */
	RT_BELOW_THERE,	  /* st tells */
	RT_BELOW_BLOCKED, /* something on the way is a file or a link */
};
/* lstat. Returns enum rt_below_found or -1. */
int rt_below_stat(struct rt_below *below, const char *path, struct stat *st, struct rt_err *err) RT_MUST_USE;
/*
 * The folder of path and the name in it, valid until the next call. Returns 0, 1 when the folder is not there or
 * blocked, -1. With make, missing folders are made; each one that was made is added to made (may be NULL).
 */
int rt_below_folder(struct rt_below *below, const char *path, bool make, struct rt_strs *made, const char **name,
		    struct rt_err *err) RT_MUST_USE;
/* Forgets the folder last opened: after removing or renaming folders. */
void rt_below_forget(struct rt_below *below);
/* The content of the file at path (a link's: its target). It must be there. */
int rt_below_read(struct rt_below *below, const char *path, const struct stat *st, struct rt_buf *out,
		  struct rt_err *err) RT_MUST_USE;
/* Removes the empty folders that lead to path, from the deepest up to where one is not empty. The root stays. */
void rt_below_prune(struct rt_below *below, const char *path);
/* Removes a folder that holds nothing but empty folders. 0, 1 it holds something, -1. */
int rt_below_remove_empty(struct rt_below *below, const char *path, struct rt_err *err) RT_MUST_USE;

/* The same file, unchanged, by what lstat shows; a rename changes only the ctime, which counts only with ctime. */
bool rt_same_stat(const struct stat *a, const struct stat *b, bool with_ctime);

#endif
