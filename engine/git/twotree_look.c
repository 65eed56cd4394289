#include "git/twotree_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char mend_changed[] = "has changes that are not committed; commit or stash them";
static const char mend_untracked[] = "is not tracked and would be overwritten; move or remove it";

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

/* An entry's stat data say that the file is as it was when git last compared it. Not trusted within the index's own
 * instant. */
static bool
is_stat_clean(const struct rt_twotree *plan, const struct rt_gitindex_entry *entry, const struct stat *st)
{
	bool exec = (st->st_mode & 0100) != 0;

	if (S_ISLNK(st->st_mode) != (entry->what.mode == RT_MODE_LINK) ||
	    (plan->file_mode && S_ISREG(st->st_mode) && exec != (entry->what.mode == RT_MODE_EXEC)))
		return false;
	if (entry->size != (uint32_t)st->st_size || entry->ino != (uint32_t)st->st_ino ||
	    entry->uid != (uint32_t)st->st_uid || entry->gid != (uint32_t)st->st_gid ||
	    entry->mtime != (uint32_t)st->st_mtim.tv_sec || entry->mtime_ns != (uint32_t)st->st_mtim.tv_nsec ||
	    entry->ctime != (uint32_t)st->st_ctim.tv_sec || entry->ctime_ns != (uint32_t)st->st_ctim.tv_nsec)
		return false;
	return st->st_mtim.tv_sec < plan->index->file.st_mtim.tv_sec ||
	       (st->st_mtim.tv_sec == plan->index->file.st_mtim.tv_sec &&
		st->st_mtim.tv_nsec < plan->index->file.st_mtim.tv_nsec);
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
	if (!S_ISREG(st->st_mode) || !rt_is_file(entry))
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
	step = rt_twotree_step(scan->plan, scan->path.data);
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
		const struct rt_step *other = rt_twotree_step(plan, above);
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
look_at_file(struct rt_twotree *plan, struct rt_step *step, const struct rt_gitindex_entry *entry, struct rt_err *err)
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
	if (rt_is_gitlink(&step->old) && (step->new.mode == 0 || rt_is_gitlink(&step->new)))
		return 1;
	if (rt_is_gitlink(&step->new) && step->old.mode == 0) {
		step->act = RT_STEP_INDEX;
		return 1;
	}
	/* A file that becomes a folder: an earlier attempt was here. */
	if ((step->new.mode == 0 && is_new_below(plan, step->path)) || rt_is_gitlink(&step->new)) {
		step->there = false;
		step->act = RT_STEP_INDEX;
		return look_into_folder(plan, step, false, err);
	}
	if (step->new.mode != 0 && (step->old.mode == 0 || rt_is_gitlink(&step->old))) {
		step->folder = true;
		return look_into_folder(plan, step, true, err);
	}
	rt_twotree_obstacle(plan, step->path, mend_changed);
	return 0;
}

static enum rt_step_act
act_of(const struct rt_step *step)
{
	if (rt_is_gitlink(&step->old) && rt_is_gitlink(&step->new))
		return RT_STEP_INDEX;
	if (rt_is_gitlink(&step->new) || (rt_is_gitlink(&step->old) && step->new.mode == 0))
		return RT_STEP_SUBMODULE;
	return step->new.mode != 0 ? RT_STEP_WRITE : RT_STEP_REMOVE;
}

int
rt_twotree_look(struct rt_twotree *plan, struct rt_step *step, const struct rt_gitindex_entry *entry,
		struct rt_err *err)
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
	if (rt_is_gitlink(&step->old)) {
		rt_twotree_obstacle(plan, step->path, mend_changed);
		return 0;
	}
	return look_at_file(plan, step, entry, err);
}

int
rt_twotree_check_gone(struct rt_twotree *plan, struct rt_step *step, struct rt_err *err)
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
