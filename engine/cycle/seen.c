#include "cycle/seen.h"

#include <stdlib.h>
#include <string.h>

#include "git/export.h"
#include "model/glob.h"
#include "support/mem.h"

enum { GITLINK = 0160000 };
#define MODULE_NAMES ".gitmodules"

struct filter {
	struct rt_repo *repo;
	const struct rt_strs *globs;
	const char *prefix; /* of the tree in hand, with a slash at the end, or "" */
	RT_VEC(struct rt_update) keep;
	struct rt_strs paths;
};

/* Does the pattern take everything below the directory (given without a slash at its end)? */
static bool
takes_whole(const struct rt_strs *globs, const char *dir)
{
	for (size_t i = 0; i < globs->n; i++) {
		size_t len = strlen(globs->at[i]);
		if (rt_ends_with(globs->at[i], "/**")) {
			rt_auto(free) char *top = rt_strndup(globs->at[i], len - 3);
			if (rt_glob_match(top, dir))
				return true;
		} else if (rt_glob_match(globs->at[i], dir)) {
			return true; /* a pattern that names a directory takes all below it */
		}
	}
	return false;
}

static bool
is_literal(const char *part, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (strchr("*?[\\", part[i]))
			return false;
	return true;
}

/* Could the pattern match something below the directory? Its literal leading components must agree; a wildcard may. */
static bool
may_reach(const char *glob, const char *dir)
{
	for (;;) {
		size_t g = strcspn(glob, "/"), d = strcspn(dir, "/");
		if (!is_literal(glob, g))
			return true;
		if (g != d || memcmp(glob, dir, g) != 0)
			return false;
		if (!dir[d])
			return true;
		if (!glob[g])
			return true;
		glob += g + 1;
		dir += d + 1;
	}
}

static bool
any_may_reach(const struct rt_strs *globs, const char *dir)
{
	for (size_t i = 0; i < globs->n; i++)
		if (may_reach(globs->at[i], dir))
			return true;
	return false;
}

static int
filter_entry(void *data, const char *name, const struct rt_entry *entry, struct rt_err *err)
{
	struct filter *f = data;
	rt_auto(free) char *path = rt_format("%s%s", f->prefix, name);
	bool is_dir = entry->mode == 0040000;
	if (is_dir && !takes_whole(f->globs, path)) {
		if (!any_may_reach(f->globs, path))
			return 0;
		rt_auto(free) char *prefix = rt_format("%s/", path);
		const char *outer = f->prefix;
		f->prefix = prefix;
		int failed = rt_tree_list(f->repo, &entry->id, "", filter_entry, f, err);
		f->prefix = outer;
		return failed;
	}
	/* a submodule is one commit: seen whole where a pattern reaches into it */
	bool is_module = entry->mode == GITLINK && any_may_reach(f->globs, path);
	if (!is_dir && !is_module && !rt_globs_match(f->globs, path))
		return 0;
	rt_strs_add(&f->paths, path);
	rt_push(&f->keep)->entry = *entry;
	return 0;
}

/* Which clone fills a submodule is said in .gitmodules alone: it comes with the submodules that are seen. */
static int
keep_module_names(struct filter *f, const struct rt_oid *tree, struct rt_err *err)
{
	rt_auto(strs) struct rt_strs modules = {0};
	struct rt_entry entry;
	bool seen = false;
	if (rt_strs_has(&f->paths, MODULE_NAMES))
		return 0;
	if (rt_submodule_paths(f->repo, tree, &modules, err) < 0)
		return -1;
	for (size_t i = 0; i < modules.n; i++)
		seen |= rt_globs_match(f->globs, modules.at[i]) || any_may_reach(f->globs, modules.at[i]);
	if (!seen)
		return 0;
	if (rt_tree_entry(f->repo, tree, MODULE_NAMES, &entry, err) < 0)
		return -1;
	rt_strs_add(&f->paths, MODULE_NAMES);
	rt_push(&f->keep)->entry = entry;
	return 0;
}

int
rt_tree_filter(struct rt_repo *repo, const struct rt_oid *tree, const struct rt_strs *globs, struct rt_oid *out,
	       struct rt_err *err)
{
	if (globs->n == 0) {
		*out = *tree;
		return 0;
	}
	struct filter f = {.repo = repo, .globs = globs, .prefix = ""};
	int result = rt_tree_list(repo, tree, "", filter_entry, &f, err);
	if (result == 0)
		result = keep_module_names(&f, tree, err);
	for (size_t i = 0; i < f.keep.n; i++)
		f.keep.at[i].path = f.paths.at[i];
	if (result == 0)
		result = rt_tree_update(repo, &(struct rt_oid){""}, f.keep.at, f.keep.n, out, err);
	free(f.keep.at);
	rt_strs_release(&f.paths);
	return result < 0 ? -1 : 0;
}

int
rt_tree_without_submodules(struct rt_repo *repo, const struct rt_oid *tree, struct rt_oid *out, struct rt_err *err)
{
	const struct rt_update gone = {.path = MODULE_NAMES};
	struct rt_entry entry;
	*out = *tree;
	if (rt_tree_entry(repo, tree, MODULE_NAMES, &entry, err) < 0)
		return -1;
	return entry.mode ? rt_tree_update(repo, tree, &gone, 1, out, err) : 0;
}
