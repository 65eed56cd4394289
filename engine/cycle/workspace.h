#ifndef RT_CYCLE_WORKSPACE_H
#define RT_CYCLE_WORKSPACE_H

/*
 * What a cell finds in its workspace: the paths of the tree that are inputs of it or of what it needs, and above them
 * what the cells it needs wrote. A check without inputs sees the whole tree.
 */

#include "cycle/matrix.h"

/* Marks a cell and all that it needs, directly or not. */
void rt_workspace_closure(const struct rt_plan *plan, size_t cell, bool *mark);
/* What of a tree the cell sees; whole (may be NULL) says that it is all of it. */
int rt_workspace_tree(struct rt_matrix *matrix, size_t cell, const struct rt_oid *tree, struct rt_oid *out, bool *whole,
		      struct rt_err *err) RT_MUST_USE;
/*
 * Where the workspace was a copy, what the cell wrote is the whole of it: marks in that directory which files of the
 * cell's tree it removed, as an overlay would have, so that they stay hidden from the cells that need it.
 */
int rt_workspace_hide_removed(struct rt_matrix *matrix, size_t cell, const char *dir, struct rt_err *err) RT_MUST_USE;
/* Host directories of its layers, topmost first; the matrix holds the locks on those of trees. */
int rt_workspace_lowers(struct rt_matrix *matrix, size_t cell, struct rt_strs *lowers, struct rt_err *err) RT_MUST_USE;

#endif
