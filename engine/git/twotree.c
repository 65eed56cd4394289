#include "git/twotree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define MAX_LINES 50

static const char mend_changed[] = "has changes that are not committed; commit or stash them";
static const char mend_staged[] = "has staged changes; commit or unstage them";
static const char mend_untracked[] = "is not tracked and would be overwritten; move or remove it";
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

static bool
is_file(const struct rt_entry *entry)
{
	return (entry->mode & 0170000u) == 0100000u;
}

static bool
is_gitlink(const struct rt_entry *entry)
{
	return entry->mode == RT_MODE_GITLINK;
}

/* Trees of old times hold 0100664; the index and the work tree know two modes of files. */
static struct rt_entry
canonical(const struct rt_entry *entry)
{
	struct rt_entry out = *entry;

	if (is_file(entry))
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

static struct rt_step *
find_step(const struct rt_twotree *plan, const char *path)
{
	if (plan->steps.n == 0)
		return NULL;
	return bsearch(path, plan->steps.at, plan->steps.n, sizeof(*plan->steps.at), step_cmp);
}

/* Does the new tree have something below the folder path? */
static bool
is_new_below(const struct rt_twotree *plan, const char *path)
{
	rt_auto(free) char *prefix = rt_format("%s/", path);
	size_t low = 0, high = plan->steps.n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(plan->steps.at[mid].path, prefix) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < plan->steps.n && rt_starts_with(plan->steps.at[low].path, prefix); low++)
		if (plan->steps.at[low].new.mode != 0)
			return true;
	return false;
}

/* ---- the index ---- */

static bool
entry_is(const git_index_entry *entry, const struct rt_entry *want)
{
	struct rt_oid id;

	if (entry == NULL || want->mode == 0)
		return entry == NULL && want->mode == 0;
	rt_oid_from_git(&id, &entry->id);
	return entry->mode == want->mode && rt_oid_equal(&id, &want->id);
}

/* A path of the index that the move does not remove stands where a new folder or file goes: the user staged it. */
static bool
is_clear_in_index(struct rt_twotree *plan, const struct rt_step *step)
{
	rt_auto(free) char *prefix = rt_format("%s/", step->path);
	size_t at;

	for (const char *slash = strchr(step->path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		rt_auto(free) char *above = rt_strndup(step->path, (size_t)(slash - step->path));
		const struct rt_step *other = find_step(plan, above);

		if (git_index_get_bypath(plan->index, above, 0) != NULL && (other == NULL || other->new.mode != 0)) {
			rt_twotree_obstacle(plan, above, mend_staged);
			return false;
		}
	}
	if (git_index_find_prefix(&at, plan->index, prefix) < 0)
		return true;
	for (; at < git_index_entrycount(plan->index); at++) {
		const char *below = git_index_get_byindex(plan->index, at)->path;
		const struct rt_step *other = find_step(plan, below);

		if (!rt_starts_with(below, prefix))
			return true;
		if (other == NULL || other->new.mode != 0) {
			rt_twotree_obstacle(plan, below, mend_staged);
			return false;
		}
	}
	return true;
}

/* ---- the work tree ---- */

/* An entry's stat data say that the file is as it was when git last compared it. Not trusted within the index's own
 * instant. */
static bool
is_stat_clean(const struct rt_twotree *plan, const git_index_entry *entry, const struct stat *st)
{
	bool exec = (st->st_mode & 0100) != 0;

	if (S_ISLNK(st->st_mode) != (entry->mode == RT_MODE_LINK) ||
	    (plan->file_mode && S_ISREG(st->st_mode) && exec != (entry->mode == RT_MODE_EXEC)))
		return false;
	if (entry->file_size != (uint32_t)st->st_size || entry->ino != (uint32_t)st->st_ino ||
	    entry->uid != (uint32_t)st->st_uid || entry->gid != (uint32_t)st->st_gid ||
	    entry->mtime.seconds != (int32_t)st->st_mtim.tv_sec ||
	    entry->mtime.nanoseconds != (uint32_t)st->st_mtim.tv_nsec ||
	    entry->ctime.seconds != (int32_t)st->st_ctim.tv_sec ||
	    entry->ctime.nanoseconds != (uint32_t)st->st_ctim.tv_nsec)
		return false;
	return st->st_mtim.tv_sec < plan->index_stat.st_mtim.tv_sec ||
	       (st->st_mtim.tv_sec == plan->index_stat.st_mtim.tv_sec &&
		st->st_mtim.tv_nsec < plan->index_stat.st_mtim.tv_nsec);
}

int
rt_twotree_matches(struct rt_twotree *plan, struct rt_convert *convert, const char *path, const struct rt_entry *entry,
		   const struct stat *st, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf bytes = RT_BUF_INIT;
	rt_auto(buf) struct rt_buf target = RT_BUF_INIT;

	if (S_ISLNK(st->st_mode)) {
		if (entry->mode != RT_MODE_LINK)
			return 0;
		if (rt_below_read(&plan->below, path, st, &bytes, err) < 0 ||
		    rt_blob_read(plan->repo, &entry->id, UINT64_MAX, &target, err) < 0)
			return -1;
		return bytes.len == target.len && memcmp(bytes.data, target.data, bytes.len) == 0;
	}
	if (!S_ISREG(st->st_mode) || !is_file(entry))
		return 0;
	if (plan->file_mode && ((st->st_mode & 0100) != 0) != (entry->mode == RT_MODE_EXEC))
		return 0;
	if (rt_below_read(&plan->below, path, st, &bytes, err) < 0)
		return -1;
	return rt_convert_equal(convert, path, &entry->id, &bytes, err);
}

struct scan {
	struct rt_twotree *plan;
	bool removed; /* what the move removes may be there; else: what it puts there */
	struct rt_buf path;
};

static int scan_folder(struct scan *scan, int fd, struct rt_err *err);

static int
scan_entry(struct scan *scan, int at, const char *name, struct rt_err *err)
{
	const struct rt_step *step;
	size_t base = scan->path.len;
	int fd, rc = 1;

	rt_buf_addf(&scan->path, "/%s", name);
	fd = openat(at, name, O_DIRECTORY | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	step = find_step(scan->plan, scan->path.data);
	if (fd >= 0 && scan->path.len < 4096) {
		rc = scan_folder(scan, fd, err);
	} else {
		rt_close(fd);
		if (step == NULL ||
		    (scan->removed ? step->old.mode == 0 || step->new.mode != 0 : step->new.mode == 0)) {
			rt_twotree_obstacle(scan->plan, scan->path.data, mend_untracked);
			rc = 0;
		}
	}
	rt_buf_cut(&scan->path, base);
	return rc;
}

/* Takes fd. 1, 0 with why, -1. */
static int
scan_folder(struct scan *scan, int fd, struct rt_err *err)
{
	const struct dirent *entry;
	DIR *dir = fdopendir(fd);
	int rc = 1;

	if (dir == NULL) {
		rt_close(fd);
		return rt_fail_errno(err, "cannot list the folder %s", scan->path.data);
	}
	while (rc == 1 && (entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			rc = scan_entry(scan, dirfd(dir), entry->d_name, err);
	closedir(dir);
	return rc;
}

/*
 * A folder is where the move needs something else. It may hold empty folders, and what the move removes (a file takes
 * the folder's place) or what it puts there (the folder takes a file's place, and an earlier attempt began). 1, 0 with
 * why, -1.
 */
static int
look_into_folder(struct rt_twotree *plan, const struct rt_step *step, bool removed, struct rt_err *err)
{
	struct scan scan = {.plan = plan, .removed = removed, .path = RT_BUF_INIT};
	const char *name;
	int fd, rc = rt_below_folder(&plan->below, step->path, false, NULL, &name, err);

	if (rc != 0)
		return rc < 0 ? -1 : rt_fail(err, RT_ECONFLICT, "%s went away while it was looked at", step->path);
	fd = openat(plan->below.fd, name, O_DIRECTORY | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return rt_fail_errno(err, "cannot list the folder %s", step->path);
	rt_buf_adds(&scan.path, step->path);
	rc = scan_folder(&scan, fd, err);
	rt_buf_release(&scan.path);
	return rc;
}

/* Something on the way to path is no folder. That is as it shall be when the move removes it, or has put it there. */
static int
look_at_blocked(struct rt_twotree *plan, const struct rt_step *step, struct rt_err *err)
{
	for (const char *slash = strchr(step->path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		rt_auto(free) char *above = rt_strndup(step->path, (size_t)(slash - step->path));
		const struct rt_step *other = find_step(plan, above);
		struct stat st;
		int found = rt_below_stat(&plan->below, above, &st, err);

		if (found < 0)
			return -1;
		if (found == RT_BELOW_THERE && S_ISDIR(st.st_mode))
			continue;
		if (other != NULL && (step->new.mode != 0 ? other->new.mode == 0 : other->new.mode != 0))
			return 1;
		rt_twotree_obstacle(plan, above, step->new.mode != 0 ? mend_untracked : mend_changed);
		return 0;
	}
	return 1;
}

/* The file at path is there: it must be the old content (then the act is done) or already the new one. */
static int
look_at_file(struct rt_twotree *plan, struct rt_step *step, const git_index_entry *entry, struct rt_err *err)
{
	int same = 0;

	if (!S_ISREG(step->seen.st_mode) && !S_ISLNK(step->seen.st_mode)) {
		rt_twotree_obstacle(plan, step->path, mend_untracked);
		return 0;
	}
	if (entry != NULL && is_stat_clean(plan, entry, &step->seen))
		return 1;
	if (step->old.mode != 0)
		same = rt_twotree_matches(plan, &plan->old, step->path, &step->old, &step->seen, err);
	if (same != 0)
		return same;
	if (step->new.mode != 0)
		same = rt_twotree_matches(plan, &plan->new, step->path, &step->new, &step->seen, err);
	if (same == 1)
		step->act = RT_STEP_INDEX;
	if (same == 0)
		rt_twotree_obstacle(plan, step->path, step->old.mode != 0 ? mend_changed : mend_untracked);
	return same;
}

static int
look_at_folder(struct rt_twotree *plan, struct rt_step *step, struct rt_err *err)
{
	/* A submodule's folder is its own business; only a file that takes its place needs it to be empty. */
	if (is_gitlink(&step->old) && (step->new.mode == 0 || is_gitlink(&step->new)))
		return 1;
	if (is_gitlink(&step->new) && step->old.mode == 0) {
		step->act = RT_STEP_INDEX;
		return 1;
	}
	/* A file that becomes a folder: an earlier attempt was here. */
	if ((step->new.mode == 0 && is_new_below(plan, step->path)) || is_gitlink(&step->new)) {
		step->there = false;
		step->act = RT_STEP_INDEX;
		return look_into_folder(plan, step, false, err);
	}
	if (step->new.mode != 0 && (step->old.mode == 0 || is_gitlink(&step->old))) {
		step->folder = true;
		return look_into_folder(plan, step, true, err);
	}
	rt_twotree_obstacle(plan, step->path, mend_changed);
	return 0;
}

static enum rt_step_act
act_of(const struct rt_step *step)
{
	if (is_gitlink(&step->old) && is_gitlink(&step->new))
		return RT_STEP_INDEX;
	if (is_gitlink(&step->new) || (is_gitlink(&step->old) && step->new.mode == 0))
		return RT_STEP_SUBMODULE;
	return step->new.mode != 0 ? RT_STEP_WRITE : RT_STEP_REMOVE;
}

/* The index entry is the old one: what has to be done at the path? 1, 0 with why, -1. */
static int
look_at_path(struct rt_twotree *plan, struct rt_step *step, const git_index_entry *entry, struct rt_err *err)
{
	int found = rt_below_stat(&plan->below, step->path, &step->seen, err);

	step->act = act_of(step);
	if (found < 0)
		return -1;
	if (found == RT_BELOW_BLOCKED) {
		int clear = look_at_blocked(plan, step, err);

		if (clear != 1)
			return clear;
	}
	if (found != RT_BELOW_THERE) {
		/* As git does, a file that the user removed without telling the index counts as unchanged. */
		if (step->act == RT_STEP_REMOVE)
			step->act = RT_STEP_INDEX;
		return 1;
	}
	step->there = true;
	if (S_ISDIR(step->seen.st_mode))
		return look_at_folder(plan, step, err);
	if (is_gitlink(&step->old)) {
		rt_twotree_obstacle(plan, step->path, mend_changed);
		return 0;
	}
	return look_at_file(plan, step, entry, err);
}

/* Row 2 of the table, and a removal that the user staged: the file must be gone too. A folder in its place is another
 * matter. */
static int
check_gone(struct rt_twotree *plan, struct rt_step *step, struct rt_err *err)
{
	struct stat st;
	int found = rt_below_stat(&plan->below, step->path, &st, err);

	step->act = RT_STEP_KEEP;
	if (found < 0)
		return -1;
	if (found == RT_BELOW_THERE && !S_ISDIR(st.st_mode)) {
		rt_twotree_obstacle(plan, step->path, mend_untracked);
		return 0;
	}
	return 1;
}

static int
check_conversion(struct rt_twotree *plan, const struct rt_step *step, struct rt_err *err)
{
	struct rt_buf *why = plan->why;
	int rc = 1;

	if (is_file(&step->old))
		rc = rt_convert_check(&plan->old, step->path, why, err);
	if (rc == 1 && is_file(&step->new))
		rc = rt_convert_check(&plan->new, step->path, why, err);
	plan->obstacles += rc == 0;
	return rc;
}

static int
plan_step(struct rt_twotree *plan, struct rt_step *step, struct rt_err *err)
{
	const git_index_entry *entry = git_index_get_bypath(plan->index, step->path, 0);
	bool is_old = entry_is(entry, &step->old);
	int convertible;

	if (!is_old && !entry_is(entry, &step->new)) {
		rt_twotree_obstacle(plan, step->path,
				    entry == NULL ? "is removed from the index; commit that or restore it"
						  : mend_staged);
		return 0;
	}
	if ((entry != NULL && (entry->flags_extended & GIT_INDEX_ENTRY_SKIP_WORKTREE) != 0) ||
	    (plan->sparse && step->old.mode == 0)) {
		rt_twotree_obstacle(plan, step->path, mend_sparse);
		return 0;
	}
	if (!plan->symlinks && (step->old.mode == RT_MODE_LINK || step->new.mode == RT_MODE_LINK)) {
		rt_twotree_obstacle(plan, step->path, "is a symbolic link, and core.symlinks is off; set it to true");
		return 0;
	}
	if (!is_old && !plan->taking_back)
		return step->new.mode == 0 ? check_gone(plan, step, err) : 1;
	if (step->old.mode == 0 && !is_clear_in_index(plan, step))
		return 0;
	convertible = check_conversion(plan, step, err);
	/* An entry that is not the old one says nothing about the file. */
	return convertible == 1 ? look_at_path(plan, step, is_old ? entry : NULL, err) : convertible;
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
rt_twotree_make(struct rt_twotree *plan, struct rt_repo *repo, const struct rt_oid trees[2], git_index *index,
		const struct stat *index_stat, struct rt_buf *why, struct rt_err *err)
{
	plan->repo = repo;
	plan->index = index;
	plan->index_stat = *index_stat;
	plan->why = why;
	if (prepare(plan, trees, err) < 0)
		return -1;
	if (git_index_has_conflicts(index)) {
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
