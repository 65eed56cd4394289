#ifndef RT_GIT_TWOTREE_H
#define RT_GIT_TWOTREE_H

/*
 * The two-tree rules: what moving a work tree from one tree to another has to do at each path that differs, or what is
 * in the way. The table is that of git-read-tree(1) for `-m -u OLD NEW`, with these differences:
 *
 * - a path whose file is already as the new tree has it counts as done (git: not up to date, or untracked in the way),
 * because a move that was killed is done again;
 * - an ignored file in the way is an obstacle (git overwrites it);
 * - a conflict anywhere in the index, a split or sparse index, attributes that ask for a program are obstacles.
 */

#include "git/below.h"
#include "git/convert.h"
#include "git/gitindex.h"

enum rt_step_act {
	RT_STEP_KEEP,	   /* neither file nor index entry is touched */
	RT_STEP_INDEX,	   /* the file is as it shall be; the index entry is not */
	RT_STEP_WRITE,	   /* the file gets the new content */
	RT_STEP_REMOVE,	   /* the file goes */
	RT_STEP_SUBMODULE, /* an (empty) folder for a submodule is made, or removed if it is empty */
};

struct rt_step {
	char *path;
	struct rt_entry old, new; /* canonical modes; 0: not there */
	enum rt_step_act act;
	bool there;	  /* something is at path */
	bool folder;	  /* a folder that holds nothing of worth is at path and gives way */
	struct stat seen; /* of what is there */
	/* while it is carried out: */
	char *draft; /* the new content, staged under this name in path's folder; after the exchange: the old file */
	char *aside; /* where the removed file waits, in the root folder */
	bool placed; /* done, to be undone when a later step fails */
	struct stat wrote; /* of the staged file */
};

struct rt_twotree {
	struct rt_repo *repo; /* borrowed */
	/*
	 * Taking back an interrupted move: what is in the way of a path leaves that path alone and is no obstacle, and
	 * a file that is ahead of its index entry is one that the move wrote.
	 */
	bool taking_back;
	int root;
	struct rt_below below;
	struct rt_convert old, new;
	struct {
		struct rt_step *at; /* by path */
		size_t n, cap;
	} steps;
	const struct rt_gitindex *index; /* borrowed */
	struct rt_buf *why;		 /* borrowed */
	size_t obstacles;
	bool file_mode, symlinks, sparse; /* core.fileMode, core.symlinks, core.sparseCheckout */
};
#define RT_TWOTREE_INIT                            \
	{                                          \
		.root = -1, .below = RT_BELOW_INIT \
	}

/*
 * 1 planned; 0 something is in the way: why has a line for each; -1. The index is the caller's and must live as long as
 * the plan.
 */
int rt_twotree_make(struct rt_twotree *plan, struct rt_repo *repo, const struct rt_oid trees[2],
		    const struct rt_gitindex *index, struct rt_buf *why, struct rt_err *err) RT_MUST_USE;
void rt_twotree_release(struct rt_twotree *plan);
RT_DEFINE_AUTO(twotree, struct rt_twotree, rt_twotree_release);

/* 1 what is at path is that entry: kind, executable bit, content after conversion. 0, -1. */
int rt_twotree_matches(struct rt_twotree *plan, struct rt_convert *convert, const char *path,
		       const struct rt_entry *entry, const struct stat *st, struct rt_err *err) RT_MUST_USE;
/* A line into why: path with control bytes replaced, what is the matter. */
void rt_twotree_obstacle(struct rt_twotree *plan, const char *path, const char *text);

#endif
