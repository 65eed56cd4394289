#ifndef RT_CYCLE_SEEN_H
#define RT_CYCLE_SEEN_H

/* What of a tree a check sees, as trees of their own. */

#include "git/repo.h"

/*
 * The tree that holds just the paths that the globs match (with no globs: the tree itself), written to repo. Subtrees
 * that a pattern takes whole or not at all are not read. A submodule into which a pattern reaches is in it, and
 * .gitmodules with it.
 */
int rt_tree_filter(struct rt_repo *repo, const struct rt_oid *tree, const struct rt_strs *globs, struct rt_oid *out,
		   struct rt_err *err) RT_MUST_USE;
/* The tree without .gitmodules, written to repo: every submodule is an empty folder when it is exported. */
int rt_tree_without_submodules(struct rt_repo *repo, const struct rt_oid *tree, struct rt_oid *out,
			       struct rt_err *err) RT_MUST_USE;

#endif
