#include "git/checkout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/file.h"

/* Up to here every file is synced by itself; beyond, the file system once. */
#define FEW 64

struct checkout {
	struct rt_twotree *plan;
	struct rt_index_lock *lock;
	struct rt_strs made; /* folders that this move made */
	size_t drafts;	     /* how many temporary names were given out */
	bool few;
	bool replaced; /* the index is the new one */
};

static const char changed_meanwhile[] = "changed while the work tree was being moved; commit or stash the change";

static char *
new_name(struct checkout *co)
{
	return rt_format(RT_MOVE_PREFIX "%s-%zu", co->lock->id, co->drafts++);
}

/* ---- where temporary files may lie ---- */

static int
note_folders(struct checkout *co, struct rt_err *err)
{
	rt_auto(strs) struct rt_strs folders = {0};

	rt_strs_add(&folders, "");
	for (size_t i = 0; i < co->plan->steps.n; i++) {
		const struct rt_step *step = &co->plan->steps.at[i];
		const char *slash = strrchr(step->path, '/');

		if (step->act == RT_STEP_WRITE && slash != NULL)
			rt_strs_addn(&folders, step->path, (size_t)(slash - step->path));
	}
	rt_strs_sort(&folders);
	rt_strs_unique(&folders);
	return rt_index_lock_note(co->lock, &folders, err);
}

/* ---- staging: the new content beside its place ---- */

static int
write_draft(struct checkout *co, struct rt_step *step, const struct rt_buf *bytes, struct rt_err *err)
{
	int folder = co->plan->below.fd;
	rt_auto(fd) int fd = -1;

	if (step->new.mode == RT_MODE_LINK) {
		if (symlinkat(bytes->data, folder, step->draft) < 0)
			return rt_fail_errno(err, "cannot make the link %s", step->path);
		if (fstatat(folder, step->draft, &step->wrote, AT_SYMLINK_NOFOLLOW) < 0)
			return rt_fail_errno(err, "cannot look at %s", step->path);
		return 0;
	}
	/* The mode is left to the umask, as git does. */
	fd = openat(folder, step->draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    step->new.mode == RT_MODE_EXEC ? 0777 : 0666);
	if (fd < 0 || rt_write_all(fd, bytes->data, bytes->len) < 0 || (co->few && fsync(fd) < 0) ||
	    fstat(fd, &step->wrote) < 0)
		return rt_fail_errno(err, "cannot write %s", step->path);
	return 0;
}

/* 0 staged, 1 its folder can't be made yet (something that will be removed is in the way), -1. */
static int
stage(struct checkout *co, struct rt_step *step, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf bytes = RT_BUF_INIT;
	const char *name;
	int rc;

	if (step->draft != NULL)
		return 0;
	rc = rt_below_folder(&co->plan->below, step->path, true, &co->made, &name, err);
	if (rc != 0)
		return rc;
	if (step->new.mode == RT_MODE_LINK)
		rc = rt_blob_read(co->plan->repo, &step->new.id, UINT64_MAX, &bytes, err);
	else
		rc = rt_convert_out(&co->plan->new, step->path, &step->new.id, &bytes, err);
	if (rc < 0)
		return -1;
	step->draft = new_name(co);
	return write_draft(co, step, &bytes, err);
}

/* With must, what can't be staged is an obstacle. */
static int
stage_all(struct checkout *co, bool must, struct rt_err *err)
{
	for (size_t i = 0; i < co->plan->steps.n; i++) {
		struct rt_step *step = &co->plan->steps.at[i];
		int rc = step->act == RT_STEP_WRITE ? stage(co, step, err) : 0;

		if (rc < 0)
			return -1;
		if (rc == 1 && must) {
			rt_twotree_obstacle(co->plan, step->path,
					    "can't be written: something stands where its folder was to be");
			return 0;
		}
	}
	if (!co->few && syncfs(co->plan->root) < 0)
		return rt_fail_errno(err, "cannot write to %s", co->plan->repo->workdir);
	return 1;
}

/* ---- removing ---- */

/* Into the root folder, so that the folder it was in may go. Nothing is deleted before everything succeeded. */
static int
take_away(struct checkout *co, struct rt_step *step, struct rt_err *err)
{
	struct stat st;
	const char *name;
	int rc = rt_below_folder(&co->plan->below, step->path, false, NULL, &name, err);

	if (rc < 0)
		return -1;
	if (rc == 1) {
		rt_twotree_obstacle(co->plan, step->path, changed_meanwhile);
		return 0;
	}
	step->aside = new_name(co);
	if (renameat(co->plan->below.fd, name, co->plan->root, step->aside) < 0)
		return rt_fail_errno(err, "cannot remove %s", step->path);
	step->placed = true;
	if (fstatat(co->plan->root, step->aside, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !rt_same_stat(&st, &step->seen, false)) {
		rt_twotree_obstacle(co->plan, step->path, changed_meanwhile);
		return 0;
	}
	return 1;
}

static int
remove_all(struct checkout *co, struct rt_err *err)
{
	for (size_t i = co->plan->steps.n; i-- > 0;) {
		struct rt_step *step = &co->plan->steps.at[i];
		bool file_to_submodule = step->act == RT_STEP_SUBMODULE && step->there && !S_ISDIR(step->seen.st_mode);
		int rc;

		if (step->act != RT_STEP_REMOVE && !file_to_submodule)
			continue;
		rc = take_away(co, step, err);
		if (rc != 1)
			return rc;
		rt_below_prune(&co->plan->below, step->path);
	}
	return 1;
}

/* ---- placing ---- */

/*
 * The file at path is exchanged with the draft, so that what was there can be looked at before it is lost. A file
 * system that can't do that gets two renames: between them the path is empty, which a second attempt takes for
 * unchanged.
 */
static int
exchange(int folder, const char *draft, const char *name, const char *spare)
{
	if (renameat2(folder, draft, folder, name, RENAME_EXCHANGE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (renameat(folder, name, folder, spare) < 0 || renameat(folder, draft, folder, name) < 0)
		return -1;
	return renameat(folder, spare, folder, draft);
}

/* Moves a file to a name that must be free. -1 with errno. */
static int
put_new(int from, const char *draft, int to, const char *name)
{
	if (renameat2(from, draft, to, name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (linkat(from, draft, to, name, 0) < 0)
		return -1;
	return unlinkat(from, draft, 0);
}

/* Is something of worth under the draft's name after the exchange? */
static bool
is_replacing(const struct rt_step *step)
{
	return step->there && !step->folder;
}

static int
place(struct checkout *co, struct rt_step *step, struct rt_err *err)
{
	rt_auto(free) char *spare = new_name(co);
	struct stat st;
	const char *name;
	int rc;

	if (step->folder) {
		rt_below_forget(&co->plan->below);
		rc = rt_below_remove_empty(&co->plan->below, step->path, err);
		if (rc < 0)
			return -1;
		if (rc == 1) {
			rt_twotree_obstacle(co->plan, step->path, changed_meanwhile);
			return 0;
		}
	}
	rc = rt_below_folder(&co->plan->below, step->path, false, NULL, &name, err);
	if (rc < 0)
		return -1;
	if (rc == 0)
		rc = is_replacing(step) ? exchange(co->plan->below.fd, step->draft, name, spare)
					: put_new(co->plan->below.fd, step->draft, co->plan->below.fd, name);
	if (rc < 0 && errno != EEXIST && errno != ENOENT)
		return rt_fail_errno(err, "cannot put %s in its place", step->path);
	if (rc == 0) {
		step->placed = true;
		if (!is_replacing(step))
			return 1;
		if (fstatat(co->plan->below.fd, step->draft, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    rt_same_stat(&st, &step->seen, false))
			return 1;
	}
	rt_twotree_obstacle(co->plan, step->path, changed_meanwhile);
	return 0;
}

static int
place_submodule(struct checkout *co, struct rt_step *step, struct rt_err *err)
{
	const char *name;
	int rc = rt_below_folder(&co->plan->below, step->path, step->new.mode != 0, &co->made, &name, err);

	if (rc < 0)
		return -1;
	if (step->new.mode == 0) {
		/* As git does: a submodule that holds something stays where it is. */
		if (rc == 0 && unlinkat(co->plan->below.fd, name, AT_REMOVEDIR) == 0) {
			step->placed = true;
			rt_below_prune(&co->plan->below, step->path);
		}
		return 1;
	}
	if (rc == 0 && mkdirat(co->plan->below.fd, name, 0777) == 0) {
		rt_strs_add(&co->made, step->path);
		return 1;
	}
	rt_twotree_obstacle(co->plan, step->path, changed_meanwhile);
	return 0;
}

static int
place_all(struct checkout *co, struct rt_err *err)
{
	for (size_t i = 0; i < co->plan->steps.n; i++) {
		struct rt_step *step = &co->plan->steps.at[i];
		int rc = step->act == RT_STEP_WRITE	  ? place(co, step, err)
			 : step->act == RT_STEP_SUBMODULE ? place_submodule(co, step, err)
							  : 1;

		if (rc != 1)
			return rc;
	}
	return 1;
}

static int
sync_folders(struct checkout *co, struct rt_err *err)
{
	if (!co->few) {
		if (syncfs(co->plan->root) < 0)
			return rt_fail_errno(err, "cannot write to %s", co->plan->repo->workdir);
		return 0;
	}
	for (size_t i = 0; i < co->plan->steps.n; i++) {
		const struct rt_step *step = &co->plan->steps.at[i];
		const char *name;
		int rc;

		if (!step->placed)
			continue;
		rc = rt_below_folder(&co->plan->below, step->path, false, NULL, &name, err);
		if (rc < 0)
			return -1;
		if (rc == 0 && fsync(co->plan->below.fd) < 0)
			return rt_fail_errno(err, "cannot write the folder of %s", step->path);
	}
	for (size_t i = 0; i < co->made.n; i++) {
		const char *name;

		if (rt_below_folder(&co->plan->below, co->made.at[i], false, NULL, &name, err) == 0 &&
		    fsync(co->plan->below.fd) < 0)
			return rt_fail_errno(err, "cannot write the folder of %s", co->made.at[i]);
	}
	return 0;
}

/* ---- undoing ---- */

static int
take_back_file(struct checkout *co, struct rt_step *step)
{
	const char *name;

	if (rt_below_folder(&co->plan->below, step->path, false, NULL, &name, NULL) != 0)
		return -1;
	if (step->placed && is_replacing(step)) {
		/* What was there may be a folder by now: it can be exchanged, but not renamed over a file. */
		if (renameat2(co->plan->below.fd, step->draft, co->plan->below.fd, name, RENAME_EXCHANGE) < 0)
			return renameat(co->plan->below.fd, step->draft, co->plan->below.fd, name);
		return unlinkat(co->plan->below.fd, step->draft, 0);
	}
	return unlinkat(co->plan->below.fd, step->placed ? name : step->draft, 0);
}

/* A file that was taken away, or the folder of a submodule. */
static int
put_back(struct checkout *co, struct rt_step *step)
{
	const char *name;

	if (rt_below_folder(&co->plan->below, step->path, true, NULL, &name, NULL) != 0)
		return -1;
	if (step->aside == NULL)
		return mkdirat(co->plan->below.fd, name, 0777);
	return put_new(co->plan->root, step->aside, co->plan->below.fd, name);
}

/* In reverse: new files go, folders that were made go, old files come back. Where that fails, why says which. */
static void
undo(struct checkout *co)
{
	struct rt_twotree *plan = co->plan;

	for (size_t i = plan->steps.n; i-- > 0;)
		if (plan->steps.at[i].draft != NULL && take_back_file(co, &plan->steps.at[i]) < 0 &&
		    plan->steps.at[i].placed)
			rt_twotree_obstacle(plan, plan->steps.at[i].path, "could not be put back; see `git status`");
	rt_below_forget(&plan->below);
	for (size_t i = co->made.n; i-- > 0;) {
		const char *name;

		if (rt_below_folder(&plan->below, co->made.at[i], false, NULL, &name, NULL) == 0)
			(void)unlinkat(plan->below.fd, name, AT_REMOVEDIR);
		rt_below_forget(&plan->below);
	}
	for (size_t i = 0; i < plan->steps.n; i++)
		if (plan->steps.at[i].draft == NULL && plan->steps.at[i].placed && put_back(co, &plan->steps.at[i]) < 0)
			rt_twotree_obstacle(plan, plan->steps.at[i].path, "could not be put back; see `git status`");
}

static int
drop_file(int folder, const char *name, const char *path, struct rt_err *err)
{
	if (unlinkat(folder, name, 0) == 0 || errno == ENOENT)
		return 0;
	return rt_fail_errno(err, "cannot remove %s, which holds the old content of %s", name, path);
}

/* After success: what was replaced and removed is dropped. */
static int
drop_old(struct checkout *co, struct rt_err *err)
{
	for (size_t i = 0; i < co->plan->steps.n; i++) {
		const struct rt_step *step = &co->plan->steps.at[i];
		const char *name;

		if (step->aside != NULL && drop_file(co->plan->root, step->aside, step->path, err) < 0)
			return -1;
		if (step->draft != NULL && is_replacing(step) &&
		    rt_below_folder(&co->plan->below, step->path, false, NULL, &name, NULL) == 0 &&
		    drop_file(co->plan->below.fd, step->draft, step->path, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- the index ---- */

static int
change_of(struct checkout *co, const struct rt_step *step, struct rt_gitindex_change *change, struct rt_err *err)
{
	const struct stat *known = step->placed ? &step->wrote : &step->seen;
	int found = RT_BELOW_ABSENT;

	change->path = step->path;
	change->new = step->new;
	if (step->new.mode != 0 && step->new.mode != RT_MODE_GITLINK)
		found = rt_below_stat(&co->plan->below, step->path, &change->st, err);
	/* Without stat data git compares the content; so it does when somebody wrote to the file since. */
	change->clean = found == RT_BELOW_THERE && rt_same_stat(&change->st, known, !step->placed);
	return found < 0 ? -1 : 0;
}

static int
write_index(struct checkout *co, struct rt_err *err)
{
	struct rt_twotree *plan = co->plan;
	RT_VEC(struct rt_gitindex_change) changes = {0};
	int rc = 0;

	rt_below_forget(&plan->below);
	for (size_t i = 0; i < plan->steps.n && rc == 0; i++)
		if (plan->steps.at[i].act != RT_STEP_KEEP)
			rc = change_of(co, &plan->steps.at[i], rt_push(&changes), err);
	if (rc == 0 && changes.n > 0)
		rc = rt_index_replace(co->lock, plan->index, changes.at, changes.n, &co->replaced, err);
	free(changes.at);
	return rc;
}

/* ---- all of it ---- */

static int
carry_out(struct checkout *co, struct rt_err *err)
{
	int rc;

	if (note_folders(co, err) < 0)
		return -1;
	/* Whatever can be written without removing anything is written first: a full disk shows before anything is
	 * lost. */
	rc = stage_all(co, false, err);
	if (rc == 1)
		rc = remove_all(co, err);
	rt_below_forget(&co->plan->below);
	if (rc == 1)
		rc = stage_all(co, true, err);
	if (rc == 1)
		rc = place_all(co, err);
	if (rc == 1 && (sync_folders(co, err) < 0 || write_index(co, err) < 0))
		rc = -1;
	return rc;
}

int
rt_checkout(struct rt_twotree *plan, struct rt_index_lock *lock, struct rt_err *err)
{
	struct checkout co = {.plan = plan, .lock = lock};
	size_t files = 0;
	int rc;

	for (size_t i = 0; i < plan->steps.n; i++)
		files += plan->steps.at[i].act == RT_STEP_WRITE;
	co.few = files <= FEW;
	rc = carry_out(&co, err);
	rt_below_forget(&plan->below);
	if (rc != 1 && co.replaced) {
		/* with the new index there is no way back; what is left of the old files goes with the lock */
		lock->keep = true;
	} else if (rc != 1) {
		undo(&co);
	} else if (drop_old(&co, err) < 0) {
		lock->keep = true;
		rc = -1;
	}
	rt_strs_release(&co.made);
	return rc;
}
