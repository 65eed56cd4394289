#include "support/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Removing a tree that hostile code made. Going down and up with one descriptor, by "..", works at any depth: paths do
 * not fit PATH_MAX, a descriptor a level would run out, and so would the stack. What is found above must be the
 * directory that we came from; a tree that somebody rearranges meanwhile is an error and not a walk elsewhere.
 */
struct level {
	dev_t dev;
	ino_t ino;
	char *name;	      /* of this directory in the one above */
	struct rt_strs names; /* entries that are still to be removed */
	size_t next;
};

struct walk {
	RT_VEC(struct level) levels;
	int fd; /* the directory of the last level */
};

static void
walk_release(struct walk *walk)
{
	size_t i;

	for (i = 0; i < walk->levels.n; i++) {
		free(walk->levels.at[i].name);
		rt_strs_release(&walk->levels.at[i].names);
	}
	free(walk->levels.at);
	rt_close(walk->fd);
}
RT_DEFINE_AUTO(walk, struct walk, walk_release);

static int
add_name(void *names, const char *name, struct rt_err *err)
{
	(void)err;
	rt_strs_add(names, name);
	return 0;
}

/* Opens a directory for removal, giving its owner access; what is mounted on it is EXDEV. */
static int
open_dir(int at, const char *name, bool top)
{
	struct open_how how = {
	    .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
	    .resolve = top ? 0 : RESOLVE_NO_XDEV,
	};
	int fd = (int)syscall(SYS_openat2, at, name, &how, sizeof(how));

	if (fd >= 0 || errno != EACCES)
		return fd;
	/* Through /proc in glibc, so that a link put in its place is not followed. */
	if (fchmodat(at, name, 0700, AT_SYMLINK_NOFOLLOW)) {
		errno = EACCES;
		return -1;
	}
	return (int)syscall(SYS_openat2, at, name, &how, sizeof(how));
}

/* Makes name, a directory in at, the last level. */
static int
descend(struct walk *walk, int at, const char *name)
{
	rt_auto(fd) int fd = open_dir(at, name, !walk->levels.n);
	struct level *level;
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return -1;
	/* Fails where the directory is somebody else's, and then what needs it fails below. */
	if ((st.st_mode & 0700) != 0700 && fchmod(fd, 0700) && errno != EPERM)
		return -1;
	level = rt_push(&walk->levels);
	level->dev = st.st_dev;
	level->ino = st.st_ino;
	level->name = rt_strdup(name);
	if (rt_list_dir(fd, ".", add_name, &level->names, NULL))
		return -1;
	rt_close(walk->fd);
	walk->fd = fd;
	fd = -1;
	return 0;
}

/* 0 removed, 1 a directory with something in it, -1 error. */
static int
remove_entry(int at, const char *name)
{
	if (!unlinkat(at, name, 0) || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return -1;
	if (!unlinkat(at, name, AT_REMOVEDIR) || errno == ENOENT)
		return 0;
	return errno == ENOTEMPTY || errno == EEXIST || errno == EACCES ? 1 : -1;
}

/* Goes up from an emptied directory and removes it; below the first level only. */
static int
ascend(struct walk *walk)
{
	struct level *gone = &walk->levels.at[walk->levels.n - 1], *above = gone - 1;
	rt_auto(fd) int fd = openat(walk->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return -1;
	if (st.st_dev != above->dev || st.st_ino != above->ino) {
		errno = ESTALE;
		return -1;
	}
	if (unlinkat(fd, gone->name, AT_REMOVEDIR) && errno != ENOENT)
		return -1;
	free(gone->name);
	rt_strs_release(&gone->names);
	walk->levels.n--;
	rt_close(walk->fd);
	walk->fd = fd;
	fd = -1;
	return 0;
}

static int
empty_tree(struct walk *walk, const char *path, struct rt_err *err)
{
	for (;;) {
		struct level *level = &walk->levels.at[walk->levels.n - 1];
		const char *name = level->next < level->names.n ? level->names.at[level->next++] : NULL;
		int kind;

		if (!name && walk->levels.n == 1)
			return 0;
		if (!name) {
			if (ascend(walk))
				return rt_fail_errno(err, "can't remove a directory %zu levels below %s",
						     walk->levels.n - 1, path);
			continue;
		}
		kind = remove_entry(walk->fd, name);
		if (kind < 0 || (kind && descend(walk, walk->fd, name)))
			return rt_fail_errno(err, "can't remove %s, %zu levels below %s", name, walk->levels.n, path);
	}
}

int
rt_remove_tree(int at, const char *path, struct rt_err *err)
{
	rt_auto(walk) struct walk walk = {.fd = -1};
	int kind = remove_entry(at, path);

	if (!kind || (kind < 0 && errno == ENOTDIR))
		return 0;
	if (kind < 0 || descend(&walk, at, path))
		return rt_fail_errno(err, "can't remove %s", path);
	if (empty_tree(&walk, path, err))
		return -1;
	if (unlinkat(at, path, AT_REMOVEDIR) && errno != ENOENT)
		return rt_fail_errno(err, "can't remove %s", path);
	return 0;
}
