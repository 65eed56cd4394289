#ifndef RT_GIT_MERGETREE_H
#define RT_GIT_MERGETREE_H

/*
 * Three-way merges of trees by git itself (`git merge-tree --write-tree`, the "ort" strategy), so that a replayed
 * commit gives what `git cherry-pick` gives, directory renames and attributes included. It reads only the directories
 * that matter. libgit2's merge, for which rt_merge_trees stands, reads whole trees and knows neither.
 */

#include "git/quarantine_internal.h"

struct rt_three_trees {
	struct rt_oid base, ours, theirs; /* trees; "" is the empty one */
	bool directory_renames;		  /* a file added to a directory that the other side renamed is a conflict */
};
/* 1 merged, 0 conflict (why: git's words), -1. The merge driver of the quarantine's or the home repository decides
 * first. */
int rt_quarantine_merge(struct rt_quarantine *quarantine, const struct rt_three_trees *trees, struct rt_oid *out,
			struct rt_buf *why, struct rt_err *err) RT_MUST_USE;

#endif
