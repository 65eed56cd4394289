#include "cycle/workspace.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "cycle/seen.h"
#include "cycle/spare.h"
#include "cycle/warm.h"

void
rt_workspace_closure(const struct rt_plan *plan, size_t cell, bool *mark)
{
	if (mark[cell])
		return;
	mark[cell] = true;
	for (size_t i = 0; i < plan->cells.at[cell].needs.n; i++)
		rt_workspace_closure(plan, plan->cells.at[cell].needs.at[i], mark);
}

/* The patterns of everything that the cell sees; false: the whole tree. */
static bool
gather_globs(const struct rt_plan *plan, size_t cell, struct rt_strs *globs)
{
	rt_auto(free) bool *closure = rt_alloc(plan->cells.n, sizeof(*closure));
	rt_workspace_closure(plan, cell, closure);
	for (size_t i = 0; i < plan->cells.n; i++) {
		const struct rt_check *check = plan->cells.at[i].check;
		if (!closure[i])
			continue;
		if (!check->has_inputs)
			return false;
		for (size_t k = 0; k < check->inputs.n; k++)
			rt_strs_add(globs, check->inputs.at[k]);
	}
	rt_strs_sort(globs);
	rt_strs_unique(globs);
	return true;
}

int
rt_workspace_tree(struct rt_matrix *matrix, size_t cell, const struct rt_oid *tree, struct rt_oid *out, bool *whole,
		  struct rt_err *err)
{
	rt_auto(strs) struct rt_strs globs = {0};
	bool filtered = gather_globs(matrix->plan, cell, &globs);
	if (whole)
		*whole = !filtered;
	struct rt_oid all = *tree;
	if (matrix->trusted->config.no_submodules && rt_tree_without_submodules(matrix->repo, tree, &all, err) < 0)
		return -1;
	*out = all;
	return filtered ? rt_tree_filter(matrix->repo, &all, &globs, out, err) : 0;
}

/* The stack of a tree for as long as the matrix lives: many cells see the same. NULL with err. */
static const struct rt_stack *
stack_of(struct rt_matrix *matrix, const struct rt_oid *tree, const struct rt_oid *near, struct rt_err *err)
{
	for (size_t i = 0; i < matrix->stacks.n; i++)
		if (rt_oid_equal(&matrix->stacks.at[i]->tree, tree))
			return &matrix->stacks.at[i]->stack;
	struct rt_kept_stack *kept = rt_alloc(1, sizeof(*kept));
	kept->tree = *tree;
	kept->stack = (struct rt_stack)RT_STACK_INIT;
	if (rt_layers_get(matrix->home, matrix->repo, tree, near, &kept->stack, err) < 0) {
		rt_stack_release(&kept->stack);
		free(kept);
		return NULL;
	}
	*rt_push(&matrix->stacks) = kept;
	return &kept->stack;
}

/* The base's own layer first: the candidate's delta lies on it, and so will those of the next proposals. Once a run. */
static int
export_near(struct rt_matrix *matrix, const struct rt_oid *near, bool whole, struct rt_err *err)
{
	struct rt_oid last;
	if (rt_oid_equal(near, whole ? &matrix->exported.whole : &matrix->exported.part))
		return 0;
	if (rt_layers_last(matrix->home, &last, err) < 0 || !stack_of(matrix, near, whole ? &last : NULL, err))
		return -1;
	*(whole ? &matrix->exported.whole : &matrix->exported.part) = *near;
	return whole ? rt_layers_set_last(matrix->home, near, err) : 0;
}

static void
add_stack(const struct rt_stack *stack, struct rt_strs *lowers)
{
	for (size_t i = 0; i < stack->dirs.n; i++)
		rt_strs_add(lowers, stack->dirs.at[i]);
}

int
rt_workspace_lowers(struct rt_matrix *matrix, size_t cell, struct rt_strs *lowers, struct rt_err *err)
{
	const struct rt_stack *stack;
	struct rt_oid tree, near = {""};
	bool whole;
	if (rt_warm_lowers(matrix->warm, matrix, cell, lowers, &tree, err) < 0)
		return -1;
	if (matrix->cells[cell].warm) {
		stack = stack_of(matrix, &tree, NULL, err);
		if (!stack)
			return -1;
		add_stack(stack, lowers);
		return 0;
	}
	if (rt_workspace_tree(matrix, cell, &matrix->tree, &tree, &whole, err) < 0)
		return -1;
	if (matrix->near.hex[0] && rt_workspace_tree(matrix, cell, &matrix->near, &near, NULL, err) < 0)
		return -1;
	if (near.hex[0] && !rt_oid_equal(&near, &tree) && export_near(matrix, &near, whole, err) < 0)
		return -1;
	stack = stack_of(matrix, &tree, near.hex[0] ? &near : NULL, err);
	if (!stack || rt_spare_lowers(matrix, cell, &stack->dirs, lowers, err) < 0)
		return -1;
	add_stack(stack, lowers);
	return 0;
}

struct hiding {
	struct rt_repo *repo;
	int dir;
};

static int
hide_removed(void *data, const char *name, const struct rt_entry *entry, struct rt_err *err)
{
	const struct hiding *hiding = data;
	struct stat st;
	if (fstatat(hiding->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT || mknodat(hiding->dir, name, S_IFCHR, makedev(0, 0)) < 0)
			return rt_fail_errno(err, "marking %s as removed", name);
		return 0;
	}
	if (entry->mode != 0040000 || !S_ISDIR(st.st_mode))
		return 0;
	rt_auto(fd) int below = openat(hiding->dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct hiding inner = {hiding->repo, below};
	/* closed by the cell itself: nobody sees into it either */
	return below < 0 ? 0 : rt_tree_list(hiding->repo, &entry->id, "", hide_removed, &inner, err);
}

int
rt_workspace_hide_removed(struct rt_matrix *matrix, size_t cell, const char *dir, struct rt_err *err)
{
	struct rt_oid tree;
	if (rt_workspace_tree(matrix, cell, &matrix->tree, &tree, NULL, err) < 0)
		return -1;
	rt_auto(fd) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct hiding hiding = {matrix->repo, fd};
	if (fd < 0)
		return rt_fail_errno(err, "opening %s", dir);
	return rt_tree_list(matrix->repo, &tree, "", hide_removed, &hiding, err);
}
