#include "git/indexfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "git/below.h"
#include "git/internal.h"
#include "support/clock.h"
#include "support/file.h"
#include "support/stop.h"

#define MARK "ratchet is moving the work tree "
#define LOCK_DRAFT "ratchet-index-lock-"
#define INDEX_DRAFT "ratchet-index"
#define SEEN_LINK "ratchet-seen-" /* to an index that a check had read: made no more, and swept still */
#define MAX_LOCK ((size_t)1 << 30)

/* ---- the lock ---- */

static int
write_draft(const struct rt_index_lock *lock, const char *path, struct rt_err *err)
{
	rt_auto(free) char *text = rt_format(MARK "%s\n", lock->id);
	rt_auto(fd) int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	/* synced, because a lock without its text is nobody's, and stays */
	if (fd < 0 || rt_write_all(fd, text, strlen(text)) < 0 || fsync(fd) < 0)
		return rt_fail_errno(err, "cannot write %s", path);
	return 0;
}

static int
say_held(const char *path, struct rt_err *err)
{
	struct stat st;
	long long age = 0;

	if (stat(path, &st) == 0)
		age = (long long)time(NULL) - (long long)st.st_mtime;
	return rt_fail(err, RT_ECONFLICT, "%s is held for %lld s by another program; remove it if no git is running",
		       path, age < 0 ? 0 : age);
}

static int
link_until(const char *draft, const char *path, int64_t deadline, struct rt_err *err)
{
	for (int64_t pause_ms = 1;;) {
		int64_t left;

		if (link(draft, path) == 0)
			return 0;
		if (errno != EEXIST)
			return rt_fail_errno(err, "cannot make %s", path);
		left = deadline - rt_clock_ms();
		if (left <= 0 || rt_stopped())
			return say_held(path, err);
		pause_ms = pause_ms > left ? left : pause_ms;
		(void)nanosleep(&(struct timespec){.tv_nsec = pause_ms * 1000 * 1000}, NULL);
		pause_ms = pause_ms < 64 ? pause_ms * 2 : pause_ms;
	}
}

int
rt_index_lock_take(struct rt_index_lock *lock, const char *gitdir, int64_t deadline, struct rt_err *err)
{
	rt_auto(free) char *path = rt_format("%s/index.lock", gitdir);
	rt_auto(free) char *draft = NULL;
	int rc;

	rt_temp_name(lock->id, "");
	draft = rt_format("%s/" LOCK_DRAFT "%s", gitdir, lock->id);
	rc = write_draft(lock, draft, err);
	if (rc == 0)
		rc = link_until(draft, path, deadline, err);
	(void)unlink(draft);
	if (rc < 0)
		return -1;
	lock->gitdir = rt_strdup(gitdir);
	lock->fd = open(path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
	return lock->fd < 0 ? rt_fail_errno(err, "cannot open %s", path) : 0;
}

int
rt_index_lock_note(struct rt_index_lock *lock, const struct rt_strs *folders, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;

	for (size_t i = 0; i < folders->n; i++)
		rt_buf_add(&text, folders->at[i], strlen(folders->at[i]) + 1);
	if (rt_write_all(lock->fd, text.data, text.len) < 0 || fsync(lock->fd) < 0)
		return rt_fail_errno(err, "cannot write %s/index.lock", lock->gitdir);
	return rt_sync_dir(AT_FDCWD, lock->gitdir, err);
}

void
rt_index_lock_drop(struct rt_index_lock *lock)
{
	if (lock->gitdir != NULL && !lock->keep) {
		rt_auto(free) char *path = rt_format("%s/index.lock", lock->gitdir);

		(void)unlink(path);
	}
	rt_close(lock->fd);
	free(lock->gitdir);
	*lock = (struct rt_index_lock)RT_INDEX_LOCK_INIT;
}

/* ---- what a killed move left behind ---- */

/* 1 it is a lock of ours, text holds it, and its process is dead; 0, -1. fd stays open to compare. */
static int
read_lock(const char *path, int *fd, struct rt_buf *text, struct rt_err *err)
{
	struct stat st;
	rt_auto(free) char *id = NULL;

	*fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (*fd < 0)
		return errno == ENOENT || errno == ELOOP ? 0 : rt_fail_errno(err, "cannot read %s", path);
	if (fstat(*fd, &st) < 0)
		return rt_fail_errno(err, "cannot look at %s", path);
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)strlen(MARK))
		return 0;
	if (rt_file_read_fd(*fd, MAX_LOCK, path, text, err) < 0)
		return -1;
	if (!rt_starts_with(text->data, MARK))
		return 0;
	id = rt_strndup(text->data + strlen(MARK), strcspn(text->data + strlen(MARK), "\n"));
	return rt_temp_is_stale(id, "");
}

/* What can't be removed is an error, and the lock stays: it is all that says where the file lies. */
static int
sweep_folder(struct rt_below *below, const char *folder, const char *prefix, struct rt_err *err)
{
	rt_auto(free) char *inside = rt_format("%s%sx", folder, folder[0] != '\0' ? "/" : "");
	const char *name;
	const struct dirent *entry;
	DIR *dir;
	int fd, failed = 0;

	if (rt_below_folder(below, inside, false, NULL, &name, NULL) != 0)
		return 0;
	fd = dup(below->fd);
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (dir == NULL) {
		rt_close(fd);
		return 0;
	}
	rewinddir(dir);
	while ((entry = readdir(dir)) != NULL)
		if (rt_starts_with(entry->d_name, prefix) && unlinkat(dirfd(dir), entry->d_name, 0) < 0)
			failed = rt_fail_errno(err, "cannot remove %s/%s", folder, entry->d_name);
	closedir(dir);
	rt_below_prune(below, inside);
	return failed;
}

static int
sweep_temporaries(const char *gitdir, const struct rt_buf *text, struct rt_err *err)
{
	rt_auto(repo) struct rt_repo *repo = NULL;
	rt_auto(fd) int root = -1;
	rt_auto(below) struct rt_below below = RT_BELOW_INIT;
	const char *id = text->data + strlen(MARK), *end = text->data + text->len;
	size_t id_len = strcspn(id, "\n");
	rt_auto(free) char *prefix = rt_format(RT_MOVE_PREFIX "%.*s-", (int)id_len, id);

	if (rt_repo_open_gitdir(&repo, gitdir, err) < 0)
		return -1;
	root = repo->workdir != NULL ? open(repo->workdir, O_DIRECTORY | O_RDONLY | O_CLOEXEC) : -1;
	if (root < 0)
		return 0;
	below.root = root;
	for (const char *at = id + id_len + 1; at < end; at += strlen(at) + 1)
		if (sweep_folder(&below, at, prefix, err) < 0)
			return -1;
	return 0;
}

static int
remove_drafts(void *data, const char *name, struct rt_err *err)
{
	const char *gitdir = data;

	(void)err;
	if (rt_temp_is_stale(name, LOCK_DRAFT) || rt_temp_is_stale(name, SEEN_LINK) || strcmp(name, INDEX_DRAFT) == 0) {
		rt_auto(free) char *path = rt_format("%s/%s", gitdir, name);

		(void)unlink(path);
	}
	return 0;
}

int
rt_worktree_drop_lock(const char *gitdir, struct rt_err *err)
{
	rt_auto(free) char *path = rt_format("%s/index.lock", gitdir);
	rt_auto(free) char *folder = rt_strdup(gitdir);
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	rt_auto(fd) int fd = -1;
	struct stat held, now;
	int ours = read_lock(path, &fd, &text, err);

	if (ours < 0)
		return -1;
	if (ours == 0) {
		/* Killed before it had the lock, or after it gave it back. A living one would have the lock, or none of
		 * these. */
		return rt_exists(AT_FDCWD, path) ? 0 : rt_list_dir(AT_FDCWD, gitdir, remove_drafts, folder, err);
	}
	if (sweep_temporaries(gitdir, &text, err) < 0 || rt_list_dir(AT_FDCWD, gitdir, remove_drafts, folder, err) < 0)
		return -1;
	if (fstat(fd, &held) < 0 || lstat(path, &now) < 0 || held.st_ino != now.st_ino || held.st_dev != now.st_dev)
		return 0;
	if (unlink(path) < 0)
		return rt_fail_errno(err, "cannot remove %s", path);
	return 1;
}

/* ---- a new index in its place ---- */

static bool
is_same_file(const char *path, const struct stat *before)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == ENOENT && before->st_ino == 0;
	return st.st_dev == before->st_dev && st.st_ino == before->st_ino && st.st_size == before->st_size &&
	       st.st_mtim.tv_sec == before->st_mtim.tv_sec && st.st_mtim.tv_nsec == before->st_mtim.tv_nsec &&
	       st.st_ctim.tv_sec == before->st_ctim.tv_sec && st.st_ctim.tv_nsec == before->st_ctim.tv_nsec;
}

static int
write_new(const char *path, const struct rt_gitindex *old, const struct rt_gitindex_change *changes, size_t n,
	  struct rt_err *err)
{
	const struct stat *before = &old->file;
	struct timespec times[2] = {before->st_atim, before->st_mtim};
	rt_auto(fd) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (fd < 0)
		return rt_fail_errno(err, "cannot write %s", path);
	if (rt_gitindex_write(old, changes, n, fd, err) < 0)
		return -1;
	if (before->st_ino != 0 && (futimens(fd, times) < 0 || fchmod(fd, before->st_mode & 0777) < 0))
		return rt_fail_errno(err, "cannot set the time of %s", path);
	if (fsync(fd) < 0)
		return rt_fail_errno(err, "cannot write %s", path);
	return 0;
}

static int
put_in_place(const char *draft, const char *path, const struct rt_gitindex *old, struct rt_err *err)
{
	if (!is_same_file(path, &old->file))
		return rt_fail(err, RT_ECONFLICT, "%s was written by a program that does not lock it", path);
	return rename(draft, path) < 0 ? rt_fail_errno(err, "cannot replace %s", path) : 0;
}

int
rt_index_replace(const struct rt_index_lock *lock, const struct rt_gitindex *old,
		 const struct rt_gitindex_change *changes, size_t n, bool *placed, struct rt_err *err)
{
	rt_auto(free) char *path = rt_format("%s/index", lock->gitdir);
	rt_auto(free) char *draft = rt_format("%s/" INDEX_DRAFT, lock->gitdir);

	/* What an earlier move left behind; nobody else uses this name, and we hold the lock. */
	(void)unlink(draft);
	if (write_new(draft, old, changes, n, err) < 0 || put_in_place(draft, path, old, err) < 0) {
		(void)unlink(draft);
		return -1;
	}
	*placed = true;
	return rt_sync_dir(AT_FDCWD, lock->gitdir, err);
}

/* ---- an index that was read already ---- */

struct rt_seen_index {
	struct rt_seen_index *next;
	char *gitdir;
	struct rt_gitindex index;
};

/* NULL: the first of any. */
static struct rt_seen_index *
seen_pop(struct rt_seen_index **seen, const char *gitdir)
{
	for (; seen != NULL && *seen != NULL; seen = &(*seen)->next) {
		struct rt_seen_index *one = *seen;

		if (gitdir != NULL && strcmp(one->gitdir, gitdir) != 0)
			continue;
		*seen = one->next;
		return one;
	}
	return NULL;
}

static void
seen_drop(struct rt_seen_index *one)
{
	if (one == NULL)
		return;
	rt_gitindex_release(&one->index);
	free(one->gitdir);
	free(one);
}

void
rt_index_seen_free(struct rt_seen_index **seen)
{
	struct rt_seen_index *one;

	while ((one = seen_pop(seen, NULL)) != NULL)
		seen_drop(one);
}

void
rt_index_remember(struct rt_seen_index **seen, const char *gitdir, struct rt_gitindex *index)
{
	struct rt_seen_index *one = rt_alloc(1, sizeof(*one));

	seen_drop(seen_pop(seen, gitdir));
	one->gitdir = rt_strdup(gitdir);
	one->index = *index;
	*index = (struct rt_gitindex)RT_GITINDEX_INIT;
	one->next = *seen;
	*seen = one;
}

int
rt_index_read(struct rt_gitindex *index, struct rt_seen_index **seen, const char *gitdir, struct rt_buf *why,
	      struct rt_err *err)
{
	rt_auto(free) char *path = rt_format("%s/index", gitdir);
	struct rt_seen_index *one = seen_pop(seen, gitdir);
	bool same = one != NULL && is_same_file(path, &one->index.file);

	if (same) {
		*index = one->index;
		one->index = (struct rt_gitindex)RT_GITINDEX_INIT;
	}
	seen_drop(one);
	return same ? 1 : rt_gitindex_read(index, path, why, err);
}
