#include "git/internal.h"

#include <string.h>

void
rt_merge_driver_set(struct rt_repo *repo, const struct rt_merge_driver *driver)
{
	repo->driver = *driver;
}

int
rt_merge_driver_of(struct rt_repo *repo, const char *path, struct rt_buf *name, struct rt_err *err)
{
	const char *value;

	if (git_attr_get(&value, repo->git, GIT_ATTR_CHECK_FILE_THEN_INDEX | GIT_ATTR_CHECK_INCLUDE_HEAD, path,
			 "merge") < 0)
		return rt_git_error(err, RT_EUNKNOWN, "cannot read the attributes of %s", path);
	if (git_attr_value(value) != GIT_ATTR_VALUE_STRING)
		return 0;
	rt_buf_adds(name, value);
	return 1;
}

/* ---- what the driver decides, before any text is merged ---- */

struct joined {
	char *path;
	struct rt_entry entry;
};
struct join {
	struct rt_repo *repo;
	const struct rt_oid *base, *ours, *theirs;
	struct rt_strs *conflicts;
	struct {
		struct joined *at;
		size_t n, cap;
	} done;
};

static void
join_release(struct join *join)
{
	for (size_t i = 0; i < join->done.n; i++)
		free(join->done.at[i].path);
	free(join->done.at);
}
RT_DEFINE_AUTO(join, struct join, join_release);

static bool
is_file(const struct rt_entry *entry)
{
	return (entry->mode & 0170000u) == 0100000u;
}

static int
join_files(struct join *join, const char *path, const struct rt_entry *base, const struct rt_entry *ours,
	   const struct rt_entry *theirs, struct rt_err *err)
{
	const struct rt_merge_driver *driver = &join->repo->driver;
	rt_auto(buf) struct rt_buf a = RT_BUF_INIT;
	rt_auto(buf) struct rt_buf b = RT_BUF_INIT;
	rt_auto(buf) struct rt_buf old = RT_BUF_INIT;
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;
	struct joined *done;
	int rc;

	if ((is_file(base) && rt_blob_read(join->repo, &base->id, UINT64_MAX, &old, err) < 0) ||
	    rt_blob_read(join->repo, &ours->id, UINT64_MAX, &a, err) < 0 ||
	    rt_blob_read(join->repo, &theirs->id, UINT64_MAX, &b, err) < 0)
		return -1;
	rc = driver->join(driver->data, path, &old, &a, &b, &out, err);
	if (rc <= 0) {
		if (rc == 0)
			rt_strs_add(join->conflicts, path);
		return rc;
	}
	done = rt_push(&join->done);
	done->path = rt_strdup(path);
	done->entry.mode = ours->mode;
	return rt_blob_write(join->repo, out.data, out.len, &done->entry.id, err);
}

/* Called for what theirs changed; the driver is asked where ours changed it too. */
static int
join_change(void *data, const struct rt_change_of *change, struct rt_err *err)
{
	struct join *join = data;
	const struct rt_merge_driver *driver = &join->repo->driver;
	struct rt_entry ours;

	if (!is_file(&change->new) || !driver->wants(driver->data, change->path))
		return 0;
	if (rt_tree_entry(join->repo, join->ours, change->path, &ours, err) < 0)
		return -1;
	if (!is_file(&ours) || rt_oid_equal(&ours.id, &change->old.id) || rt_oid_equal(&ours.id, &change->new.id))
		return 0;
	return join_files(join, change->path, &change->old, &ours, &change->new, err) < 0 ? -1 : 0;
}

/* Puts the joined files into a tree. */
static int
put_joined(const struct join *join, const struct rt_oid *tree, struct rt_oid *out, struct rt_err *err)
{
	rt_auto(free) struct rt_update *updates = rt_alloc(join->done.n + 1, sizeof(*updates));

	for (size_t i = 0; i < join->done.n; i++) {
		updates[i].path = join->done.at[i].path;
		updates[i].entry = join->done.at[i].entry;
	}
	return rt_tree_update(join->repo, tree, updates, join->done.n, out, err);
}

/* ---- the merge of the rest ---- */

static int
list_conflicts(git_index *index, struct rt_strs *conflicts, struct rt_err *err)
{
	git_index_conflict_iterator *each = NULL;
	const git_index_entry *sides[3];
	int rc;

	if (git_index_conflict_iterator_new(&each, index) < 0)
		return rt_git_error(err, RT_EINTERNAL, "cannot list the conflicts of a merge");
	while ((rc = git_index_conflict_next(&sides[0], &sides[1], &sides[2], each)) == 0)
		for (size_t i = 0; i < 3; i++)
			if (sides[i] != NULL && !rt_strs_has(conflicts, sides[i]->path))
				rt_strs_add(conflicts, sides[i]->path);
	git_index_conflict_iterator_free(each);
	if (rc != GIT_ITEROVER)
		return rt_git_error(err, RT_EINTERNAL, "cannot list the conflicts of a merge");
	git_error_clear();
	return 0;
}

static int
merge_trees(struct rt_repo *repo, const struct rt_oid *base, const struct rt_oid *ours, const struct rt_oid *theirs,
	    git_index **out, struct rt_err *err)
{
	git_merge_options options = GIT_MERGE_OPTIONS_INIT;
	rt_auto(git_tree) git_tree *base_tree = NULL;
	rt_auto(git_tree) git_tree *our_tree = NULL;
	rt_auto(git_tree) git_tree *their_tree = NULL;

	if (rt_tree_open(repo, base, &base_tree, err) < 0 || rt_tree_open(repo, ours, &our_tree, err) < 0 ||
	    rt_tree_open(repo, theirs, &their_tree, err) < 0)
		return -1;
	options.flags = GIT_MERGE_FIND_RENAMES;
	/* git's default is 7,000, with shortcuts that libgit2 does not take: there it is quadratic. */
	options.target_limit = 1000;
	if (git_merge_trees(out, repo->git, base_tree, our_tree, their_tree, &options) < 0)
		return rt_git_error(err, RT_EUNKNOWN, "cannot merge tree %s into %s", theirs->hex, ours->hex);
	return 0;
}

int
rt_merge_trees(struct rt_repo *repo, const struct rt_oid *base, const struct rt_oid *ours, const struct rt_oid *theirs,
	       struct rt_oid *out, struct rt_strs *conflicts, struct rt_err *err)
{
	rt_auto(join) struct join join = {
	    .repo = repo, .base = base, .ours = ours, .theirs = theirs, .conflicts = conflicts};
	rt_auto(git_index) git_index *index = NULL;
	struct rt_oid our_tree = *ours, their_tree = *theirs, base_tree = *base;
	size_t before = conflicts->n;
	git_oid oid;

	if (repo->driver.join != NULL) {
		if (rt_tree_diff(repo, base, theirs, false, join_change, &join, err) < 0)
			return -1;
		/* Equal on all sides, a joined file can't conflict a second time. */
		if (put_joined(&join, ours, &our_tree, err) < 0 || put_joined(&join, theirs, &their_tree, err) < 0 ||
		    put_joined(&join, base, &base_tree, err) < 0)
			return -1;
	}
	if (merge_trees(repo, &base_tree, &our_tree, &their_tree, &index, err) < 0)
		return -1;
	if (git_index_has_conflicts(index) && list_conflicts(index, conflicts, err) < 0)
		return -1;
	if (conflicts->n > before)
		return 0;
	if (git_index_write_tree_to(&oid, index, repo->git) < 0)
		return rt_git_error(err, RT_EIO, "cannot write the merged tree to %s", repo->commondir);
	rt_oid_from_git(out, &oid);
	return 1;
}

int
rt_merge_text(const struct rt_buf *base, const struct rt_buf *ours, const struct rt_buf *theirs, struct rt_buf *out,
	      struct rt_err *err)
{
	git_merge_file_options options = GIT_MERGE_FILE_OPTIONS_INIT;
	git_merge_file_input sides[3] = {GIT_MERGE_FILE_INPUT_INIT, GIT_MERGE_FILE_INPUT_INIT,
					 GIT_MERGE_FILE_INPUT_INIT};
	const struct rt_buf *const texts[] = {base, ours, theirs};
	git_merge_file_result result = {0};

	if (rt_git_init(err) < 0)
		return -1;
	for (size_t i = 0; i < RT_COUNT(sides); i++) {
		sides[i].ptr = texts[i]->data;
		sides[i].size = texts[i]->len;
	}
	options.our_label = "ours";
	options.their_label = "theirs";
	if (git_merge_file(&result, &sides[0], &sides[1], &sides[2], &options) < 0)
		return rt_git_error(err, RT_EUNKNOWN, "cannot merge the texts");
	rt_buf_add(out, result.ptr, result.len);
	int clean = result.automergeable;
	git_merge_file_result_free(&result);
	return clean;
}
