#ifndef RT_GIT_EXPORT_H
#define RT_GIT_EXPORT_H

/*
 * Writing trees as directories, without filters or attributes: blobs byte for byte, modes 0644 and 0755 whatever the
 * umask is, symlinks, 0755 for folders. Nothing is fsynced: who relies on the result syncs it once. dir must exist and
 * be empty.
 */

#include "git/repo.h"

/* A whole tree, or of it only the paths for which keep returns true (NULL: all). A submodule is an empty directory. */
int rt_export_tree(struct rt_repo *repo, const struct rt_oid *tree, const char *dir,
		   bool (*keep)(void *data, const char *path), void *data, struct rt_err *err) RT_MUST_USE;
/*
 * What must lie above a directory with old's content to make it new's, in the form overlayfs has for layers: changed
 * files whole, removed ones as character devices 0:0 (whiteouts), removed directories as one whiteout. A submodule
 * whose commit changed is an empty directory.
 */
int rt_export_delta(struct rt_repo *repo, const struct rt_oid *old, const struct rt_oid *new, const char *dir,
		    struct rt_err *err) RT_MUST_USE;
/*
 * Fills the directories of tree's submodules (and theirs) from the clones that `git submodule update` left in
 * the git directory of home, or that lie in its work tree, at the recorded commits, without fetching. Called after
 * rt_export_tree on the same dir; keep as there. What is not at hand is RT_EUNKNOWN naming the submodule and the mend.
 */
int rt_export_submodules(struct rt_repo *repo, const struct rt_repo *home, const struct rt_oid *tree, const char *dir,
			 bool (*keep)(void *data, const char *path), void *data, struct rt_err *err) RT_MUST_USE;
/* The paths that .gitmodules of the tree names, in its order; none without that file. */
int rt_submodule_paths(struct rt_repo *repo, const struct rt_oid *tree, struct rt_strs *paths,
		       struct rt_err *err) RT_MUST_USE;

#endif
