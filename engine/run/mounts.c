#include "run/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/file.h"

int
rt_mount_new(const char *type, const char *const *options, unsigned attributes, struct rt_err *err)
{
	rt_auto(fd) int context = fsopen(type, FSOPEN_CLOEXEC);
	if (context < 0)
		return rt_fail_errno(err, "cannot make a %s", type);
	for (; *options; options += 2)
		if (fsconfig(context, options[1] ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, options[0], options[1], 0) <
		    0)
			return rt_fail_errno(err, "%s does not take the option %s", type, options[0]);
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return rt_fail_errno(err, "cannot create a %s", type);
	int fd = fsmount(context, FSMOUNT_CLOEXEC, attributes);
	return fd < 0 ? rt_fail_errno(err, "cannot mount a %s", type) : fd;
}

int
rt_mount_clone(int at, const char *path, struct rt_err *err)
{
	int fd = open_tree(at, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	return fd < 0 ? rt_fail_errno(err, "cannot show %s in the cell", path) : fd;
}

int
rt_mount_attach(int mount, int at, const char *target, struct rt_err *err)
{
	if (move_mount(mount, "", at, target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return rt_fail_errno(err, "cannot mount on /%s in the cell", *target == '/' ? target + 1 : target);
	return 0;
}

int
rt_mount_restrict(int mount, unsigned attributes, struct rt_err *err)
{
	struct mount_attr attr = {.attr_set = attributes};
	if (mount_setattr(mount, "", AT_RECURSIVE | AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return rt_fail_errno(err, "cannot protect the mounts of the cell");
	return 0;
}

static int
try_point(int at, const char *path, bool dir)
{
	if (dir)
		return mkdirat(at, path, 0755) < 0 && errno != EEXIST ? -1 : 0;
	rt_auto(fd) int fd = openat(at, path, O_CREAT | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
	return fd < 0 ? -1 : 0;
}

int
rt_mount_point(int at, const char *path, bool dir, struct rt_err *err)
{
	if (try_point(at, path, dir) == 0)
		return 0;
	const char *slash = strrchr(path, '/');
	rt_auto(free) char *parent = rt_strndup(path, slash ? (size_t)(slash - path) : 0);
	if (errno == ENOENT && slash && rt_mkdirs(at, parent, 0755, err) < 0)
		return -1;
	return try_point(at, path, dir) < 0 ? rt_fail_errno(err, "cannot make /%s in the cell", path) : 0;
}
