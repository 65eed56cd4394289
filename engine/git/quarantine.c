#include "git/quarantine.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "git/loose.h"
#include "git/quarantine_internal.h"

#define TRIES 8
#define SMALL_FILE_MAX (64u << 20) /* shallow and alternates files */

/*
 * Removes a quarantine whose lock we hold, and lets go of the lock. On NFS and FUSE an open file that is removed stays
 * under another name until it is closed, and the folder with it.
 */
static int
remove_held(const char *dir, struct rt_lock *lock, struct rt_err *err)
{
	int failed = rt_remove_tree(AT_FDCWD, dir, err);

	rt_lock_drop(lock);
	return failed && rmdir(dir) && errno != ENOENT ? -1 : 0;
}

/*
 * A sweep may take the lock of a quarantine between the moments that it is made and locked; then it is gone, and making
 * it is done again.
 */
static int
claim(struct rt_quarantine *quarantine, bool *done, struct rt_err *err)
{
	rt_auto(free) char *path = rt_format("%s/lock", quarantine->dir);
	bool fresh = !mkdir(quarantine->dir, 0700);
	int taken;

	*done = false;
	if (!fresh && errno != EEXIST)
		return rt_fail_errno(err, "can't make the quarantine %s", quarantine->dir);
	taken = rt_lock_take(&quarantine->lock, path, false, 0, "quarantine", NULL, err);
	if (taken < 0)
		return rt_exists(AT_FDCWD, quarantine->dir) ? -1 : 0;
	if (taken)
		return fresh ? 0
			     : rt_fail(err, RT_ECONFLICT, "the quarantine %s is in use by another process",
				       quarantine->dir);
	*done = fresh;
	if (fresh)
		return 0;
	/* Left behind by a process that died. */
	return remove_held(quarantine->dir, &quarantine->lock, err);
}

static int
put_file(int dir, const char *name, const char *bytes, size_t len, struct rt_err *err)
{
	rt_auto(fd) int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (fd < 0 || rt_write_all(fd, bytes, len))
		return rt_fail_errno(err, "can't write %s of the quarantine", name);
	return 0;
}

/*
 * The repository's own alternates are found through it, but for relative ones: libgit2 takes those only at the first
 * level, so they are written out here.
 */
static int
add_relative_alternates(struct rt_buf *list, const char *objects, struct rt_err *err)
{
	rt_auto(free) char *path = rt_format("%s/info/alternates", objects);
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	const char *line, *end;

	if (!rt_exists(AT_FDCWD, path))
		return 0;
	if (rt_file_read(AT_FDCWD, path, SMALL_FILE_MAX, &text, err))
		return -1;
	for (line = text.data; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		if (end != line && !strchr("/#\"", *line))
			rt_buf_addf(list, "%s/%.*s\n", objects, (int)(end - line), line);
	}
	return 0;
}

static int
put_alternates(int dir, const struct rt_repo *home, struct rt_err *err)
{
	rt_auto(free) char *objects = rt_format("%s/objects", rt_repo_commondir(home));
	rt_auto(buf) struct rt_buf list = RT_BUF_INIT;

	/* One path a line, and libgit2 undoes no quoting. */
	if (strpbrk(objects, "\n\r"))
		return rt_fail(err, RT_ECONFIG, "the repository's path holds a line break; move it");
	rt_buf_addf(&list, "%s\n", objects);
	if (add_relative_alternates(&list, objects, err))
		return -1;
	return put_file(dir, "objects/info/alternates", list.data, list.len, err);
}

/* Without the list of where history was cut off, walking it would run into commits that are not there. */
static int
put_shallow(int dir, const struct rt_repo *home, struct rt_err *err)
{
	rt_auto(free) char *path = rt_format("%s/shallow", rt_repo_commondir(home));
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;

	if (!rt_exists(AT_FDCWD, path))
		return 0;
	if (rt_file_read(AT_FDCWD, path, SMALL_FILE_MAX, &text, err))
		return -1;
	return put_file(dir, "shallow", text.data, text.len, err);
}

static int
furnish(struct rt_quarantine *quarantine, struct rt_err *err)
{
	static const char *const dirs[] = {"objects", "objects/info", "refs", "work", "scratch"};
	static const char head[] = "ref: refs/heads/none\n";
	/* Nothing in here outlives a crash. */
	static const char config[] = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n\tfsync = none\n"
				     "[gc]\n\tauto = 0\n";
	rt_auto(fd) int dir = open(quarantine->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t i;

	if (dir < 0)
		return rt_fail_errno(err, "can't open the quarantine %s", quarantine->dir);
	for (i = 0; i < RT_COUNT(dirs); i++)
		if (mkdirat(dir, dirs[i], 0777))
			return rt_fail_errno(err, "can't make %s of the quarantine", dirs[i]);
	if (put_file(dir, "HEAD", head, strlen(head), err) || put_file(dir, "config", config, strlen(config), err))
		return -1;
	return put_alternates(dir, quarantine->home, err) || put_shallow(dir, quarantine->home, err) ? -1 : 0;
}

static int
set_up(struct rt_quarantine *quarantine, const char *id, struct rt_err *err)
{
	rt_auto(free) char *parent = rt_format("%s/ratchet/quarantine", rt_repo_commondir(quarantine->home));
	bool done = false;
	int tries;

	quarantine->dir = rt_format("%s/%s", parent, id);
	quarantine->objects = rt_format("%s/objects", quarantine->dir);
	quarantine->work = rt_format("%s/work", quarantine->dir);
	quarantine->scratch = rt_format("%s/scratch", quarantine->dir);
	if (!*id || *id == '.' || strchr(id, '/'))
		return rt_fail(err, RT_EINTERNAL, "\"%s\" is no name for a quarantine", id);
	if (rt_mkdirs(AT_FDCWD, parent, 0777, err))
		return -1;
	for (tries = 0; tries < TRIES && !done; tries++)
		if (claim(quarantine, &done, err))
			return -1;
	if (!done)
		return rt_fail(err, RT_ECONFLICT, "the quarantine %s is removed again and again", quarantine->dir);
	if (furnish(quarantine, err) || rt_repo_open_gitdir(&quarantine->repo, quarantine->dir, err))
		return -1;
	return rt_loose_install(quarantine->repo, quarantine->objects, false, err);
}

int
rt_quarantine_new(struct rt_quarantine **out, struct rt_repo *home, const char *id, struct rt_err *err)
{
	rt_auto(quarantine) struct rt_quarantine *quarantine = rt_alloc(1, sizeof(*quarantine));

	quarantine->home = home;
	quarantine->lock = (struct rt_lock)RT_LOCK_INIT;
	if (set_up(quarantine, id, err))
		return -1;
	*out = rt_steal(&quarantine);
	return 0;
}

struct rt_repo *
rt_quarantine_repo(struct rt_quarantine *quarantine)
{
	return quarantine->repo;
}

int
rt_quarantine_add_alternate(struct rt_quarantine *quarantine, const char *objects, struct rt_err *err)
{
	rt_auto(free) char *path = rt_format("%s/info/alternates", quarantine->objects);
	rt_auto(free) char *line = rt_format("%s\n", objects);
	rt_auto(fd) int fd = -1;

	if (*objects != '/' || strpbrk(objects, "\n\r"))
		return rt_fail(err, RT_ECONFIG, "the object directory %s is not absolute or holds a line break",
			       objects);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0 || rt_write_all(fd, line, strlen(line)))
		return rt_fail_errno(err, "can't write %s", path);
	return rt_repo_add_alternate(quarantine->repo, objects, err);
}

const char *
rt_quarantine_dir(const struct rt_quarantine *quarantine)
{
	return quarantine->scratch;
}

char *
rt_quarantine_file(struct rt_quarantine *quarantine, const char *name)
{
	return rt_format("%s/%s-%u", quarantine->scratch, name, ++quarantine->files);
}

void
rt_quarantine_free(struct rt_quarantine *quarantine)
{
	if (!quarantine)
		return;
	rt_repo_free(quarantine->repo);
	/* What can't be removed now is swept later. Without the lock it is not ours to remove. */
	if (quarantine->lock.fd >= 0)
		(void)!remove_held(quarantine->dir, &quarantine->lock, NULL);
	free(quarantine->dir);
	free(quarantine->objects);
	free(quarantine->work);
	free(quarantine->scratch);
	free(quarantine);
}

struct sweep {
	const char *parent;
	size_t *removed;
};

static int
sweep_one(void *data, const char *name, struct rt_err *err)
{
	const struct sweep *sweep = data;
	rt_auto(free) char *dir = rt_format("%s/%s", sweep->parent, name);
	rt_auto(free) char *path = rt_format("%s/lock", dir);
	rt_auto(lock) struct rt_lock lock = RT_LOCK_INIT;
	struct rt_err trouble = RT_ERR_INIT;
	struct stat st;
	int taken = 0;

	if (lstat(dir, &st))
		return 0;
	if (S_ISDIR(st.st_mode))
		taken = rt_lock_take(&lock, path, false, 0, "sweep", NULL, &trouble);
	/* Gone meanwhile, held, or another user's: not ours to remove. */
	if (taken)
		return 0;
	if (remove_held(dir, &lock, err))
		return -1;
	++*sweep->removed;
	return 0;
}

int
rt_quarantine_sweep(struct rt_repo *home, size_t *removed, struct rt_err *err)
{
	rt_auto(free) char *parent = rt_format("%s/ratchet/quarantine", rt_repo_commondir(home));
	struct sweep sweep = {parent, removed};

	return rt_list_dir(AT_FDCWD, parent, sweep_one, &sweep, err);
}
