#ifndef RT_GIT_EXPORT_H
#define RT_GIT_EXPORT_H

/*
 * Writing trees as directories, without filters or attributes: blobs byte for byte, modes 0644 and 0755, symlinks. dir must exist and be empty.
 */

#include "git/repo.h"

/* A whole tree, or of it only the paths for which keep returns true (NULL: all). Submodules: an empty directory unless modules (a list of "path") ... see rt_export_submodules. */
int rt_export_tree(struct rt_repo *repo, const struct rt_oid *tree, const char *dir, bool (*keep)(void *data, const char *path),
		   void *data, struct rt_err *err) RT_MUST_USE;
/*
 * What must lie above a directory with old's content to make it new's, in the form overlayfs has for layers: changed files whole, removed ones
 * as character devices 0:0 (whiteouts), removed directories as one whiteout.
 */
int rt_export_delta(struct rt_repo *repo, const struct rt_oid *old, const struct rt_oid *new, const char *dir,
		    struct rt_err *err) RT_MUST_USE;

#endif
