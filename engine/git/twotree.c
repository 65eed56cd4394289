#include "git/twotree_internal.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define MAX_LINES 50

static const char mend_staged[] = "has staged changes; commit or unstage them";
static const char mend_sparse[] = "lies outside the sparse checkout; run `git sparse-checkout disable`";

void
rt_twotree_obstacle(struct rt_twotree *plan, const char *path, const char *text)
{
	plan->obstacles++;
	if (plan->obstacles > MAX_LINES)
		return;
	for (const char *c = path; *c != '\0'; c++)
		rt_buf_addc(plan->why, (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c);
	rt_buf_addf(plan->why, " %s\n", text);
}

/* ---- the steps ---- */

/* Trees of old times hold 0100664; the index and the work tree know two modes of files. */
static struct rt_entry
canonical(const struct rt_entry *entry)
{
	struct rt_entry out = *entry;

	if (rt_is_file(entry))
		out.mode = (entry->mode & 0100) != 0 ? RT_MODE_EXEC : RT_MODE_FILE;
	return out;
}

static int
add_step(void *data, const struct rt_change_of *change, struct rt_err *err)
{
	struct rt_twotree *plan = data;
	struct rt_step step = {.old = canonical(&change->old), .new = canonical(&change->new)};
	struct rt_step *added;

	(void)err;
	if (step.old.mode == step.new.mode && rt_oid_equal(&step.old.id, &step.new.id))
		return 0;
	added = rt_push(&plan->steps);
	*added = step;
	added->path = rt_strdup(change->path);
	return 0;
}

static int
step_cmp(const void *key, const void *step)
{
	return strcmp(key, ((const struct rt_step *)step)->path);
}

struct rt_step *
rt_twotree_step(const struct rt_twotree *plan, const char *path)
{
	if (plan->steps.n == 0)
		return NULL;
	return bsearch(path, plan->steps.at, plan->steps.n, sizeof(*plan->steps.at), step_cmp);
}

/* ---- the index ---- */

static bool
is_in_index(const struct rt_twotree *plan, const char *path)
{
	return rt_gitindex_find(plan->index, path) < plan->index->n;
}

static bool
entry_is(const struct rt_gitindex_entry *entry, const struct rt_entry *want)
{
	if (entry == NULL || want->mode == 0)
		return entry == NULL && want->mode == 0;
	return entry->what.mode == want->mode && rt_oid_equal(&entry->what.id, &want->id);
}

/* A path of the index that the move does not remove stands where a new folder or file goes: the user staged it. */
static bool
is_clear_in_index(struct rt_twotree *plan, const struct rt_step *step)
{
	rt_auto(free) char *prefix = rt_format("%s/", step->path);

	for (const char *slash = strchr(step->path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		rt_auto(free) char *above = rt_strndup(step->path, (size_t)(slash - step->path));
		const struct rt_step *other = rt_twotree_step(plan, above);

		if (is_in_index(plan, above) && (other == NULL || other->new.mode != 0)) {
			rt_twotree_obstacle(plan, above, mend_staged);
			return false;
		}
	}
	for (size_t at = rt_gitindex_lower(plan->index, prefix); at < plan->index->n; at++) {
		const char *below = rt_gitindex_name(plan->index, at);
		const struct rt_step *other = rt_twotree_step(plan, below);

		if (!rt_starts_with(below, prefix))
			return true;
		if (other == NULL || other->new.mode != 0) {
			rt_twotree_obstacle(plan, below, mend_staged);
			return false;
		}
	}
	return true;
}

static int
check_conversion(struct rt_twotree *plan, const struct rt_step *step, struct rt_err *err)
{
	struct rt_buf *why = plan->why;
	int rc = 1;

	if (rt_is_file(&step->old))
		rc = rt_convert_check(&plan->old, step->path, why, err);
	if (rc == 1 && rt_is_file(&step->new))
		rc = rt_convert_check(&plan->new, step->path, why, err);
	plan->obstacles += rc == 0;
	return rc;
}

static int
plan_step(struct rt_twotree *plan, struct rt_step *step, struct rt_err *err)
{
	size_t at = rt_gitindex_find(plan->index, step->path);
	struct rt_gitindex_entry there = {0};
	const struct rt_gitindex_entry *entry = NULL;
	bool is_old;
	int convertible;

	if (at < plan->index->n) {
		there = rt_gitindex_entry(plan->index, at);
		entry = &there;
	}
	is_old = entry_is(entry, &step->old);
	if (!is_old && !entry_is(entry, &step->new)) {
		rt_twotree_obstacle(plan, step->path,
				    entry == NULL ? "is removed from the index; commit that or restore it"
						  : mend_staged);
		return 0;
	}
	if (there.skip_worktree || (plan->sparse && step->old.mode == 0)) {
		rt_twotree_obstacle(plan, step->path, mend_sparse);
		return 0;
	}
	if (!plan->symlinks && (step->old.mode == RT_MODE_LINK || step->new.mode == RT_MODE_LINK)) {
		rt_twotree_obstacle(plan, step->path, "is a symbolic link, and core.symlinks is off; set it to true");
		return 0;
	}
	if (!is_old && !plan->taking_back)
		return step->new.mode == 0 ? rt_twotree_check_gone(plan, step, err) : 1;
	if (step->old.mode == 0 && !is_clear_in_index(plan, step))
		return 0;
	convertible = check_conversion(plan, step, err);
	/* An entry that is not the old one says nothing about the file. */
	return convertible == 1 ? rt_twotree_look(plan, step, is_old ? entry : NULL, err) : convertible;
}

/* What libgit2 would not take into an index is found out before anything is written. */
static int
check_names(struct rt_twotree *plan, struct rt_err *err)
{
	for (size_t i = 0; i < plan->steps.n; i++) {
		const struct rt_step *step = &plan->steps.at[i];
		rt_auto(git_index) git_index *trial = NULL;
		git_index_entry entry = {.path = step->path, .mode = step->new.mode};

		if (step->new.mode == 0)
			continue;
		if (git_index_new(&trial) < 0 || rt_oid_to_git(&entry.id, &step->new.id, err) < 0)
			return rt_git_error(err, RT_EINTERNAL, "cannot make an index");
		if (git_index_add(trial, &entry) < 0) {
			git_error_clear();
			rt_twotree_obstacle(plan, step->path, "has a name or mode that git does not check out");
		}
	}
	return 0;
}

static int
prepare(struct rt_twotree *plan, const struct rt_oid trees[2], struct rt_err *err)
{
	plan->root = open(plan->repo->workdir, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (plan->root < 0)
		return rt_fail_errno(err, "cannot open the work tree %s", plan->repo->workdir);
	plan->below.root = plan->root;
	plan->file_mode = rt_repo_config_bool(plan->repo, "core.filemode", true);
	plan->symlinks = rt_repo_config_bool(plan->repo, "core.symlinks", true);
	plan->sparse = rt_repo_config_bool(plan->repo, "core.sparsecheckout", false);
	if (rt_tree_diff(plan->repo, &trees[0], &trees[1], false, add_step, plan, err) < 0 ||
	    rt_convert_init(&plan->old, plan->repo, &trees[0], err) < 0 ||
	    rt_convert_init(&plan->new, plan->repo, &trees[1], err) < 0)
		return -1;
	for (size_t i = 0; i < plan->steps.n; i++)
		if (rt_convert_prepare(&plan->old, plan->steps.at[i].path, err) < 0 ||
		    rt_convert_prepare(&plan->new, plan->steps.at[i].path, err) < 0)
			return -1;
	return check_names(plan, err);
}

int
rt_twotree_make(struct rt_twotree *plan, struct rt_repo *repo, const struct rt_oid trees[2],
		const struct rt_gitindex *index, struct rt_buf *why, struct rt_err *err)
{
	plan->repo = repo;
	plan->index = index;
	plan->why = why;
	if (prepare(plan, trees, err) < 0)
		return -1;
	if (index->unmerged) {
		rt_buf_addf(why, "%s has conflicts in its index; resolve and commit them\n", repo->workdir);
		return 0;
	}
	for (size_t i = 0; i < plan->steps.n; i++) {
		int rc = plan_step(plan, &plan->steps.at[i], err);

		if (rc < 0)
			return -1;
		if (rc == 0)
			plan->steps.at[i].act = RT_STEP_KEEP;
	}
	if (plan->obstacles > MAX_LINES)
		rt_buf_addf(why, "and %zu more\n", plan->obstacles - MAX_LINES);
	return plan->obstacles == 0 || plan->taking_back;
}

void
rt_twotree_release(struct rt_twotree *plan)
{
	for (size_t i = 0; i < plan->steps.n; i++) {
		free(plan->steps.at[i].path);
		free(plan->steps.at[i].draft);
		free(plan->steps.at[i].aside);
	}
	free(plan->steps.at);
	rt_convert_release(&plan->old);
	rt_convert_release(&plan->new);
	rt_below_release(&plan->below);
	rt_close(plan->root);
	*plan = (struct rt_twotree)RT_TWOTREE_INIT;
}
