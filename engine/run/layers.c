#include "run/cell.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "support/file.h"
#include "support/index.h"

/* The directories of one path in all layers that have it and are not hidden, topmost first. */
struct stack {
	RT_VEC(int) dirs;
};

static void
stack_release(struct stack *stack)
{
	for (size_t i = 0; i < stack->dirs.n; i++)
		rt_close(stack->dirs.at[i]);
	free(stack->dirs.at);
	memset(stack, 0, sizeof(*stack));
}
RT_DEFINE_AUTO(stack, struct stack, stack_release);

/* Names that a higher layer has settled already. */
struct seen {
	struct rt_index index;
	struct rt_strs names;
};

static void
seen_release(struct seen *seen)
{
	rt_index_release(&seen->index);
	rt_strs_release(&seen->names);
}
RT_DEFINE_AUTO(seen, struct seen, seen_release);

static const char *
seen_key(const void *owner, size_t position)
{
	return ((const struct rt_strs *)owner)->at[position];
}

/* Whether name is new; it is not from now on. */
static bool
seen_add(struct seen *seen, const char *name)
{
	seen->index.owner = &seen->names;
	seen->index.key = seen_key;
	if (rt_index_find(&seen->index, name) != RT_INDEX_NONE)
		return false;
	rt_strs_add(&seen->names, name);
	rt_index_add(&seen->index, seen->names.n - 1);
	return true;
}

static bool
is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

static bool
is_opaque(int dir)
{
	char value = 0;
	return fgetxattr(dir, "user.overlay.opaque", &value, 1) == 1 && value == 'y';
}

static int
copy_bytes(int from, int to, const char *name, struct rt_err *err)
{
	char bytes[65536];
	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	for (;;) {
		ssize_t copied = copy_file_range(from, NULL, to, NULL, (size_t)1 << 30, 0);
		if (copied == 0)
			return 0;
		if (copied < 0 && errno != EINTR)
			break;
	}
	/* Between file systems, and on some of them: by hand, from where that stopped. */
	for (;;) {
		ssize_t got = read(from, bytes, sizeof(bytes));
		if (got == 0)
			return 0;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 || rt_write_all(to, bytes, (size_t)got) < 0)
			return rt_fail_errno(err, "cannot copy %s", name);
	}
}

static int
copy_file(int dir, const char *name, const struct stat *st, int out, struct rt_err *err)
{
	rt_auto(fd) int from = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (from < 0)
		return rt_fail_errno(err, "cannot read %s in a layer", name);
	rt_auto(fd) int to = openat(out, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return rt_fail_errno(err, "cannot make %s in the workspace", name);
	if (copy_bytes(from, to, name, err) < 0)
		return -1;
	const struct timespec times[2] = {st->st_atim, st->st_mtim};
	/* Never setuid: a layer was written by a candidate. */
	if (fchmod(to, st->st_mode & 0777) < 0 || futimens(to, times) < 0)
		return rt_fail_errno(err, "cannot set the mode and time of %s", name);
	return 0;
}

static int
copy_link(int dir, const char *name, const struct stat *st, int out, struct rt_err *err)
{
	char target[4097];
	ssize_t len = readlinkat(dir, name, target, sizeof(target) - 1);
	if (len < 0)
		return rt_fail_errno(err, "cannot read the link %s in a layer", name);
	target[len] = '\0';
	const struct timespec times[2] = {st->st_atim, st->st_mtim};
	if (symlinkat(target, out, name) < 0 || utimensat(out, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return rt_fail_errno(err, "cannot make the link %s in the workspace", name);
	return 0;
}

/* Opens name in layers from first on, down to where something hides the rest. */
static int
stack_open(const struct stack *parent, size_t first, const char *name, struct stack *stack, struct rt_err *err)
{
	for (size_t i = first; i < parent->dirs.n; i++) {
		struct stat st;
		if (fstatat(parent->dirs.at[i], name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			if (errno == ENOENT)
				continue;
			return rt_fail_errno(err, "cannot look at %s in a layer", name);
		}
		if (!S_ISDIR(st.st_mode))
			return 0;
		int fd = openat(parent->dirs.at[i], name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return rt_fail_errno(err, "cannot open the directory %s in a layer", name);
		*rt_push(&stack->dirs) = fd;
		if (is_opaque(fd))
			return 0;
	}
	return 0;
}

static int merge(const struct stack *stack, int out, struct rt_err *err);

static int
copy_dir(const struct stack *parent, size_t first, const char *name, const struct stat *st, int out, struct rt_err *err)
{
	rt_auto(stack) struct stack stack = {0};
	if (stack_open(parent, first, name, &stack, err) < 0)
		return -1;
	if (mkdirat(out, name, 0700) < 0)
		return rt_fail_errno(err, "cannot make the directory %s in the workspace", name);
	rt_auto(fd) int below = openat(out, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (below < 0)
		return rt_fail_errno(err, "cannot open the directory %s in the workspace", name);
	if (merge(&stack, below, err) < 0)
		return -1;
	const struct timespec times[2] = {st->st_atim, st->st_mtim};
	if (fchmod(below, st->st_mode & 01777) < 0 || futimens(below, times) < 0)
		return rt_fail_errno(err, "cannot set the mode and time of %s", name);
	return 0;
}

/* Sockets and devices are left out: neither means anything in a copy. */
static int
copy_entry(const struct stack *stack, size_t layer, const char *name, int out, struct rt_err *err)
{
	struct stat st;
	int dir = stack->dirs.at[layer];
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return rt_fail_errno(err, "cannot look at %s in a layer", name);
	if (is_whiteout(&st))
		return 0;
	if (S_ISDIR(st.st_mode))
		return copy_dir(stack, layer, name, &st, out, err);
	if (S_ISREG(st.st_mode))
		return copy_file(dir, name, &st, out, err);
	if (S_ISLNK(st.st_mode))
		return copy_link(dir, name, &st, out, err);
	if (S_ISFIFO(st.st_mode) && mkfifoat(out, name, st.st_mode & 0777) < 0)
		return rt_fail_errno(err, "cannot make the pipe %s in the workspace", name);
	return 0;
}

static int
merge_layer(const struct stack *stack, size_t layer, struct seen *seen, int out, struct rt_err *err)
{
	int fd = openat(stack->dirs.at[layer], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		rt_close(fd);
		return rt_fail_errno(err, "cannot list a directory of a layer");
	}
	int rc = 0;
	for (struct dirent *entry; rc == 0 && (errno = 0, entry = readdir(dir));) {
		const char *name = entry->d_name;
		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && seen_add(seen, name))
			rc = copy_entry(stack, layer, name, out, err);
	}
	if (rc == 0 && errno)
		rc = rt_fail_errno(err, "cannot list a directory of a layer");
	closedir(dir);
	return rc;
}

static int
merge(const struct stack *stack, int out, struct rt_err *err)
{
	rt_auto(seen) struct seen seen = {0};
	for (size_t i = 0; i < stack->dirs.n; i++)
		if (merge_layer(stack, i, &seen, out, err) < 0)
			return -1;
	return 0;
}

int
rt_layers_flatten(const char *const *lowers, const char *dir, struct rt_err *err)
{
	rt_auto(stack) struct stack stack = {0};
	for (; *lowers; lowers++) {
		int fd = open(*lowers, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return rt_fail_errno(err, "cannot open the layer %s", *lowers);
		*rt_push(&stack.dirs) = fd;
	}
	if (rt_mkdirs(AT_FDCWD, dir, 0755, err) < 0)
		return -1;
	rt_auto(fd) int out = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (out < 0)
		return rt_fail_errno(err, "cannot open %s", dir);
	if (merge(&stack, out, err) < 0)
		return rt_err_while(err, "copying the layers to %s", dir);
	return 0;
}
