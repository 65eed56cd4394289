#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "git/internal.h"
#include "support/clock.h"
#include "support/file.h"

/*
 * Setting a key of <commondir>/config. git's lock on it, config.lock, outlives a process that is killed and then blocks
 * every `git config`. So it is never made empty and filled: the new text is made aside, in <ratchet>/config.new, and
 * becomes the lock as a second link to the same file, which is how the next one knows whose it is. All of that happens
 * under a lock that the kernel releases.
 */

enum { PATIENCE_MS = 3000, PAUSE_MS = 20, CONFIG_MAX = 64 << 20 };

struct setting {
	const char *key, *value; /* value NULL: removed */
	char *path, *lock;	 /* the file itself, links followed, and git's lock on it */
	char *aside, *aside_lock;
	char *claim;
};

static void
setting_release(struct setting *s)
{
	free(s->path);
	free(s->lock);
	free(s->aside);
	free(s->aside_lock);
	free(s->claim);
}
RT_DEFINE_AUTO(setting, struct setting, setting_release);

static int
setting_init(struct setting *s, const struct rt_repo *repo, struct rt_err *err)
{
	rt_auto(free) char *given = rt_format("%s/config", repo->commondir);
	rt_auto(free) char *dir = rt_format("%s/ratchet", repo->commondir);

	s->path = realpath(given, NULL);
	if (s->path == NULL)
		s->path = rt_steal(&given);
	s->lock = rt_format("%s.lock", s->path);
	s->aside = rt_format("%s/config.new", dir);
	s->aside_lock = rt_format("%s.lock", s->aside);
	s->claim = rt_format("%s/config-claim", dir);
	return rt_exists(AT_FDCWD, dir) ? 0 : rt_mkdirs(AT_FDCWD, dir, 0755, err);
}

static int
drop(const char *path, struct rt_err *err)
{
	return unlink(path) == 0 || errno == ENOENT ? 0 : rt_fail_errno(err, "cannot remove %s", path);
}

/* What one that was killed left. 1 when git's lock was among it. Under the claim. */
static int
settle(const struct setting *s, struct rt_err *err)
{
	struct stat lock, aside;
	int ours = 0;

	if (lstat(s->aside, &aside) == 0 && lstat(s->lock, &lock) == 0)
		ours = lock.st_dev == aside.st_dev && lock.st_ino == aside.st_ino;
	if ((ours && drop(s->lock, err) < 0) || drop(s->aside, err) < 0 || drop(s->aside_lock, err) < 0)
		return -1;
	return ours;
}

static int
set_once(git_config *config, const char *key, const char *value)
{
	int rc;

	if (value == NULL) {
		rc = git_config_delete_multivar(config, key, ".*");
		return rc == GIT_ENOTFOUND ? 0 : rc;
	}
	rc = git_config_set_string(config, key, value);
	/* A key that stands there more than once is refused: then all of them get the value. */
	if (rc < 0 && rc != GIT_ELOCKED)
		rc = git_config_set_multivar(config, key, ".*", value);
	return rc;
}

/* The new text, aside. */
static int
prepare(const struct setting *s, const struct rt_buf *old, struct rt_err *err)
{
	rt_auto(git_config) git_config *config = NULL;
	struct stat st;
	mode_t mode = stat(s->path, &st) == 0 ? st.st_mode & 07777 : 0644;
	rt_auto(fd) int fd = open(s->aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || rt_write_all(fd, old->data, old->len) < 0)
		return rt_fail_errno(err, "cannot write %s", s->aside);
	if (git_config_open_ondisk(&config, s->aside) < 0)
		return rt_git_error(err, RT_ECONFIG, "cannot read %s", s->path);
	if (set_once(config, s->key, s->value) < 0)
		return rt_git_error(err, RT_EIO, "cannot set %s in %s", s->key, s->path);
	if (chmod(s->aside, mode) < 0)
		return rt_fail_errno(err, "cannot write %s", s->aside);
	return 0;
}

static int
read_config(const struct setting *s, struct rt_buf *out, struct rt_err *err)
{
	return rt_exists(AT_FDCWD, s->path) ? rt_file_read(AT_FDCWD, s->path, CONFIG_MAX, out, err) : 0;
}

static int
sync_file(const char *path, struct rt_err *err)
{
	rt_auto(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? rt_fail_errno(err, "cannot write %s", path) : 0;
}

/* Under the lock: what was read must still be there. 0, 1 it changed meanwhile, -1. */
static int
put_in_place(const struct setting *s, const struct rt_buf *old, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf now = RT_BUF_INIT;
	rt_auto(free) char *dir = rt_strndup(s->path, (size_t)(strrchr(s->path, '/') - s->path));

	if (read_config(s, &now, err) < 0)
		return -1;
	if (now.len != old->len || memcmp(now.data, old->data, now.len) != 0)
		return 1;
	if (rename(s->lock, s->path) < 0)
		return rt_fail_errno(err, "cannot write %s", s->path);
	return rt_sync_dir(AT_FDCWD, dir, err);
}

/* Where a file system has no links: with the lock that libgit2 makes, which a kill leaves behind. 0, 1 locked, -1. */
static int
set_directly(const struct setting *s, struct rt_err *err)
{
	rt_auto(git_config) git_config *config = NULL;
	int rc;

	if (git_config_open_ondisk(&config, s->path) < 0)
		return rt_git_error(err, RT_ECONFIG, "cannot read %s", s->path);
	rc = set_once(config, s->key, s->value);
	if (rc < 0 && rc != GIT_ELOCKED)
		return rt_git_error(err, RT_EIO, "cannot set %s in %s", s->key, s->path);
	return rc == GIT_ELOCKED;
}

/* 0 set, 1 locked or changed meanwhile, -1. */
static int
try_set(const struct setting *s, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf old = RT_BUF_INIT;
	int result;

	if (read_config(s, &old, err) < 0 || prepare(s, &old, err) < 0 || sync_file(s->aside, err) < 0)
		return -1;
	if (link(s->aside, s->lock) < 0) {
		if (errno == EPERM || errno == EOPNOTSUPP)
			return set_directly(s, err);
		return errno == EEXIST ? 1 : rt_fail_errno(err, "cannot lock %s", s->path);
	}
	result = put_in_place(s, &old, err);
	if (result != 0)
		unlink(s->lock);
	return result;
}

/* Takes the claim and settles what was left under it: 0, 1 git's lock was among it, -1. */
static int
take_claim(struct rt_lock *claim, const struct setting *s, int64_t deadline, struct rt_err *err)
{
	int busy = rt_lock_take(claim, s->claim, false, deadline, NULL, NULL, err);

	if (busy)
		return busy > 0 ? rt_fail(err, RT_ECONFLICT, "%s is held by another ratchet; try again", s->claim) : -1;
	return settle(s, err);
}

int
rt_repo_config_set(struct rt_repo *repo, const char *key, const char *value, struct rt_err *err)
{
	rt_auto(setting) struct setting s = {.key = key, .value = value};
	rt_auto(lock) struct rt_lock claim = RT_LOCK_INIT;
	struct rt_err ignored = RT_ERR_INIT;
	int64_t deadline = rt_clock_ms() + PATIENCE_MS;
	int result;

	if (setting_init(&s, repo, err) < 0 || take_claim(&claim, &s, deadline, err) < 0)
		return -1;
	while ((result = try_set(&s, err)) > 0 && rt_clock_ms() < deadline) {
		if (settle(&s, err) < 0)
			return -1;
		(void)nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000 * 1000}, NULL);
	}
	if (settle(&s, result < 0 ? &ignored : err) < 0)
		return -1;
	if (result > 0)
		return rt_fail(err, RT_ECONFLICT, "cannot set %s: %s is held; remove it if no git runs", key, s.lock);
	return result;
}

int
rt_repo_config_settle(struct rt_repo *repo, struct rt_strs *removed, int64_t deadline, struct rt_err *err)
{
	rt_auto(setting) struct setting s = {0};
	rt_auto(lock) struct rt_lock claim = RT_LOCK_INIT;
	int dropped;

	if (setting_init(&s, repo, err) < 0)
		return -1;
	/* nobody ever set a key, or nothing was left */
	if (!rt_exists(AT_FDCWD, s.aside) && !rt_exists(AT_FDCWD, s.aside_lock))
		return 0;
	dropped = take_claim(&claim, &s, deadline, err);
	if (dropped > 0)
		rt_strs_add(removed, s.lock);
	return dropped < 0 ? -1 : 0;
}
