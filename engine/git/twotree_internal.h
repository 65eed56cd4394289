#ifndef RT_GIT_TWOTREE_INTERNAL_H
#define RT_GIT_TWOTREE_INTERNAL_H

/* Between the plan (twotree.c) and its looks into the work tree (twotree_look.c). */

#include "git/twotree.h"

/* The step at a path; NULL: both trees have the same there. */
struct rt_step *rt_twotree_step(const struct rt_twotree *plan, const char *path);

static inline bool
rt_is_file(const struct rt_entry *entry)
{
	return (entry->mode & 0170000u) == 0100000u;
}

static inline bool
rt_is_gitlink(const struct rt_entry *entry)
{
	return entry->mode == RT_MODE_GITLINK;
}

/*
 * Notes in the step what is at the path, and what has to be done there. entry: of the index, which is the step's old
 * one; NULL: it says nothing about the file. 1, 0 with why, -1.
 */
int rt_twotree_look(struct rt_twotree *plan, struct rt_step *step, const struct rt_gitindex_entry *entry,
		    struct rt_err *err) RT_MUST_USE;
/*
 * Row 2 of the table, and a removal that the user staged: the file must be gone too. A folder in its place is another
 * matter. 1, 0 with why, -1.
 */
int rt_twotree_check_gone(struct rt_twotree *plan, struct rt_step *step, struct rt_err *err) RT_MUST_USE;

#endif
