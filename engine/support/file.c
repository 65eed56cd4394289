#include "support/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/stop.h"
#include "support/tempname.h"

#define READ_STEP (64 * 1024)
#define BENEATH_TRIES 32 /* openat2 gives EAGAIN when something below dir is renamed meanwhile */

/* A pipe or a terminal may stay silent for ever: until there is something to read, or the wish to end. */
static int
await_input(int fd, struct rt_err *err)
{
	struct pollfd input = {.fd = fd, .events = POLLIN};

	for (;;) {
		if (rt_stopped())
			return rt_stop_fail(err, "reading");
		if (poll(&input, 1, RT_STOP_TICK_MS) > 0)
			return 0;
	}
}

int
rt_file_read_fd(int fd, size_t max, const char *name, struct rt_buf *out, struct rt_err *err)
{
	size_t start = out->len;
	struct stat st;
	size_t step = READ_STEP;
	ssize_t got;
	bool waits = fstat(fd, &st) || !S_ISREG(st.st_mode);

	/* One byte more than the size, so that a plain file is read and its end is seen without growing again. */
	if (!waits && st.st_size > 0 && (uintmax_t)st.st_size < max)
		step = (size_t)st.st_size + 1;
	for (;;) {
		rt_buf_reserve(out, step);
		if (waits && await_input(fd, err)) {
			rt_buf_cut(out, start);
			return -1;
		}
		got = read(fd, out->data + out->len, step);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		out->len += (size_t)got;
		out->data[out->len] = '\0';
		if (out->len - start > max) {
			rt_buf_cut(out, start);
			errno = EFBIG;
			return rt_fail(err, RT_EIO, "%s has more than the %zu bytes that are read of it", name, max);
		}
		step = step == READ_STEP || (size_t)got < step ? READ_STEP : step;
	}
	if (!got)
		return 0;
	rt_buf_cut(out, start);
	return rt_fail_errno(err, "can't read %s", name);
}

/* 0 when fd is a regular file. */
static int
want_regular(int fd, const char *path, struct rt_err *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return rt_fail_errno(err, "can't look at %s", path);
	if (S_ISREG(st.st_mode))
		return 0;
	errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	return rt_fail(err, RT_EIO, "%s is not a regular file", path);
}

int
rt_file_read(int at, const char *path, size_t max, struct rt_buf *out, struct rt_err *err)
{
	/* Not blocking: opening a FIFO that nobody writes to would wait for ever. */
	rt_auto(fd) int fd = openat(at, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return rt_fail_errno(err, "can't open %s", path);
	if (want_regular(fd, path, err))
		return -1;
	return rt_file_read_fd(fd, max, path, out, err);
}

/* A missing parent is absence when reading, and trouble when the caller wanted the file made. */
static bool
is_absence(int flags)
{
	return !(flags & O_CREAT) && (errno == ENOENT || errno == ENOTDIR);
}

int
rt_file_open_beneath(int dir, const char *path, int flags, mode_t mode, struct rt_err *err)
{
	rt_auto(fd) int fd = -1;
	struct open_how how = {
	    .flags = (uint64_t)(flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY),
	    .mode = flags & O_CREAT ? mode : 0,
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int tries, opened;

	for (tries = 0; tries < BENEATH_TRIES; tries++) {
		fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	if (fd < 0 && is_absence(flags)) {
		if (err)
			*err = (struct rt_err)RT_ERR_INIT;
		return -1;
	}
	if (fd < 0 && (errno == ELOOP || errno == EXDEV))
		return rt_fail_errno(err, "%s leads through a link or out of its directory", path);
	if (fd < 0)
		return rt_fail_errno(err, "can't open %s", path);
	if (want_regular(fd, path, err))
		return -1;
	opened = fd;
	fd = -1;
	return opened;
}

int
rt_write_all(int fd, const void *bytes, size_t len)
{
	const char *from = bytes;
	ssize_t put;

	while (len) {
		put = write(fd, from, len);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		if (!put) {
			errno = ENOSPC;
			return -1;
		}
		from += put;
		len -= (size_t)put;
	}
	return 0;
}

/* Opens the directory that holds path; *name is the last part of path. */
static int
open_parent(int at, const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	rt_auto(free) char *parent = NULL;

	*name = slash ? slash + 1 : path;
	if (!slash)
		parent = rt_strdup(".");
	else
		parent = slash == path ? rt_strdup("/") : rt_strndup(path, (size_t)(slash - path));
	return openat(at, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Writes, syncs and closes a new file. */
static int
write_new(int dir, const char *name, const void *bytes, size_t len, mode_t mode)
{
	rt_auto(fd) int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	int closing;

	if (fd < 0 || rt_write_all(fd, bytes, len) || fsync(fd))
		return -1;
	/* NFS and quotas report a failed write as late as here. */
	closing = fd;
	fd = -1;
	return close(closing);
}

int
rt_file_write_durable(int at, const char *path, const void *bytes, size_t len, mode_t mode, struct rt_err *err)
{
	const char *name;
	char temp[RT_TEMP_NAME];
	rt_auto(fd) int dir = open_parent(at, path, &name);

	if (dir < 0)
		return rt_fail_errno(err, "can't open the directory of %s", path);
	rt_temp_name(temp, RT_TEMP_PREFIX);
	if (write_new(dir, temp, bytes, len, mode)) {
		rt_fail_errno(err, "can't write %s", path);
		unlinkat(dir, temp, 0);
		return -1;
	}
	if (renameat(dir, temp, dir, name)) {
		rt_fail_errno(err, "can't put %s in place", path);
		unlinkat(dir, temp, 0);
		return -1;
	}
	if (fsync(dir))
		return rt_fail_errno(err, "can't sync the directory of %s", path);
	return 0;
}

/* Makes one directory; a directory, or a link to one, that is there already is fine. */
static int
make_dir(int at, const char *path, mode_t mode)
{
	struct stat st;
	int failed;

	if (!mkdirat(at, path, mode))
		return 0;
	/* What matters is whether it is there: mkdir may say EROFS or EACCES of a directory that exists. */
	failed = errno;
	if (!fstatat(at, path, &st, 0) && S_ISDIR(st.st_mode))
		return 0;
	errno = failed == EEXIST ? ENOTDIR : failed;
	return -1;
}

int
rt_mkdirs(int at, const char *path, mode_t mode, struct rt_err *err)
{
	rt_auto(free) char *part = rt_strdup(path);
	char *slash;

	/* Mostly its parents exist, or all of it does; where not, the walk from the top names what is in the way. */
	if (!make_dir(at, path, mode))
		return 0;
	for (slash = part; (slash = strchr(slash, '/')); slash++) {
		if (slash == part)
			continue;
		*slash = '\0';
		if (make_dir(at, part, mode))
			return rt_fail_errno(err, "can't make the directory %s", part);
		*slash = '/';
	}
	if (make_dir(at, path, mode))
		return rt_fail_errno(err, "can't make the directory %s", path);
	return 0;
}

int
rt_sync_dir(int at, const char *path, struct rt_err *err)
{
	rt_auto(fd) int fd = -1;
	int synced;

	do
		fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return rt_fail_errno(err, "can't sync the directory %s", path);
	do
		synced = fsync(fd);
	while (synced < 0 && errno == EINTR);
	return synced < 0 ? rt_fail_errno(err, "can't sync the directory %s", path) : 0;
}

bool
rt_exists(int at, const char *path)
{
	struct stat st;

	return !fstatat(at, path, &st, AT_SYMLINK_NOFOLLOW);
}

int
rt_list_dir(int at, const char *path, int (*each)(void *data, const char *name, struct rt_err *err), void *data,
	    struct rt_err *err)
{
	rt_auto(strs) struct rt_strs names = {0};
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	int failed, result;
	size_t i;
	DIR *dir;

	if (fd < 0)
		return errno == ENOENT ? 0 : rt_fail_errno(err, "can't open the directory %s", path);
	dir = fdopendir(fd);
	if (!dir) {
		rt_close(fd);
		return rt_fail_errno(err, "can't read the directory %s", path);
	}
	for (errno = 0; (entry = readdir(dir)); errno = 0)
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			rt_strs_add(&names, entry->d_name);
	failed = errno;
	closedir(dir);
	errno = failed;
	if (failed)
		return rt_fail_errno(err, "can't read the directory %s", path);
	rt_strs_sort(&names);
	for (i = 0, result = 0; i < names.n && !result; i++)
		result = each(data, names.at[i], err);
	return result;
}
