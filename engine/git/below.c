#include "git/below.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/file.h"

#define TRIES 32 /* openat2 gives EAGAIN when something is renamed meanwhile */

static int
open_beneath(int root, const char *path, int flags)
{
	struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC),
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
	int fd = -1;

	for (int i = 0; i < TRIES; i++) {
		fd = (int)syscall(SYS_openat2, root, path[0] != '\0' ? path : ".", &how, sizeof(how));
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return fd;
}

void
rt_below_forget(struct rt_below *below)
{
	rt_close(below->fd);
	below->fd = -1;
	free(below->folder);
	below->folder = NULL;
}

void
rt_below_release(struct rt_below *below)
{
	rt_below_forget(below);
}

/* Makes one folder whose parent is there. -1 with errno. */
static int
make_one(struct rt_below *below, const char *folder, struct rt_strs *made)
{
	const char *slash = strrchr(folder, '/');
	rt_auto(free) char *above = rt_strndup(folder, slash != NULL ? (size_t)(slash - folder) : 0);
	rt_auto(fd) int parent = open_beneath(below->root, above, O_DIRECTORY | O_RDONLY);

	if (parent < 0)
		return -1;
	if (mkdirat(parent, slash != NULL ? slash + 1 : folder, 0777) < 0)
		return errno == EEXIST ? 0 : -1;
	if (made != NULL)
		rt_strs_add(made, folder);
	return 0;
}

/* Its descriptor, or -1 with errno. */
static int
make_folder(struct rt_below *below, const char *folder, struct rt_strs *made)
{
	for (const char *end = strchr(folder, '/'); end != NULL; end = strchr(end + 1, '/')) {
		rt_auto(free) char *part = rt_strndup(folder, (size_t)(end - folder));

		if (make_one(below, part, made) < 0)
			return -1;
	}
	if (make_one(below, folder, made) < 0)
		return -1;
	return open_beneath(below->root, folder, O_DIRECTORY | O_RDONLY);
}

int
rt_below_folder(struct rt_below *below, const char *path, bool make, struct rt_strs *made, const char **name,
		struct rt_err *err)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash != NULL ? (size_t)(slash - path) : 0;
	rt_auto(free) char *folder = rt_strndup(path, len);

	*name = slash != NULL ? slash + 1 : path;
	if (below->fd >= 0 && strcmp(below->folder, folder) == 0)
		return 0;
	rt_below_forget(below);
	below->fd = open_beneath(below->root, folder, O_DIRECTORY | O_RDONLY);
	if (below->fd < 0 && errno == ENOENT && make)
		below->fd = make_folder(below, folder, made);
	if (below->fd < 0) {
		if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
			return 1;
		return rt_fail_errno(err, "cannot open the folder %s", folder);
	}
	below->folder = rt_steal(&folder);
	return 0;
}

int
rt_below_stat(struct rt_below *below, const char *path, struct stat *st, struct rt_err *err)
{
	const char *name;
	int rc = rt_below_folder(below, path, false, NULL, &name, err);

	if (rc < 0)
		return -1;
	/* errno is that of the open that failed. */
	if (rc == 1)
		return errno == ENOENT ? RT_BELOW_ABSENT : RT_BELOW_BLOCKED;
	if (fstatat(below->fd, name, st, AT_SYMLINK_NOFOLLOW) == 0)
		return RT_BELOW_THERE;
	if (errno == ENOENT)
		return RT_BELOW_ABSENT;
	return rt_fail_errno(err, "cannot look at %s", path);
}

static int
read_link(struct rt_below *below, const char *path, const char *name, struct rt_buf *out, struct rt_err *err)
{
	char target[4097];
	ssize_t n = readlinkat(below->fd, name, target, sizeof(target));

	if (n < 0 || n == (ssize_t)sizeof(target))
		return rt_fail_errno(err, "cannot read the link %s", path);
	rt_buf_add(out, target, (size_t)n);
	return 0;
}

int
rt_below_read(struct rt_below *below, const char *path, const struct stat *st, struct rt_buf *out, struct rt_err *err)
{
	rt_auto(fd) int fd = -1;
	const char *name;
	int rc = rt_below_folder(below, path, false, NULL, &name, err);

	if (rc < 0)
		return -1;
	if (rc == 1)
		return rt_fail(err, RT_ECONFLICT, "%s went away while it was read", path);
	if (S_ISLNK(st->st_mode))
		return read_link(below, path, name, out, err);
	fd = openat(below->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return rt_fail_errno(err, "cannot read %s", path);
	return rt_file_read_fd(fd, SIZE_MAX / 4, path, out, err);
}

void
rt_below_prune(struct rt_below *below, const char *path)
{
	rt_auto(free) char *folder = rt_strdup(path);
	char *slash;

	rt_below_forget(below);
	while ((slash = strrchr(folder, '/')) != NULL) {
		const char *name;

		*slash = '\0';
		/* A folder that is not there any more has a parent that may be empty. */
		if (rt_below_folder(below, folder, false, NULL, &name, NULL) != 0)
			continue;
		if (unlinkat(below->fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
			return;
	}
}

static int sweep_folder(int at, const char *name, unsigned depth);

static int
sweep_entries(int fd, unsigned depth)
{
	DIR *dir = fdopendir(fd);
	const struct dirent *entry;
	int rc = 0;

	if (dir == NULL) {
		rt_close(fd);
		return -1;
	}
	while (rc == 0 && (errno = 0, entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			rc = sweep_folder(dirfd(dir), entry->d_name, depth + 1);
	closedir(dir);
	return rc;
}

/* 0, 1 something in it is not a folder, -1 with errno. */
static int
sweep_folder(int at, const char *name, unsigned depth)
{
	int fd, rc;

	if (unlinkat(at, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno == ENOTDIR || depth > 4096)
		return 1;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return -1;
	fd = openat(at, name, O_DIRECTORY | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	rc = sweep_entries(fd, depth);
	if (rc != 0)
		return rc;
	return unlinkat(at, name, AT_REMOVEDIR);
}

int
rt_below_remove_empty(struct rt_below *below, const char *path, struct rt_err *err)
{
	const char *name;
	int rc = rt_below_folder(below, path, false, NULL, &name, err);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	rc = sweep_folder(below->fd, name, 0);
	return rc < 0 ? rt_fail_errno(err, "cannot remove the folder %s", path) : rc;
}

bool
rt_same_stat(const struct stat *a, const struct stat *b, bool with_ctime)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_mode == b->st_mode &&
	       a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       (!with_ctime || (a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec));
}
