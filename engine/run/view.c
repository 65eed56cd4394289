/*
 * What all cells of a keeper see: the system, tools and caches, accounts, devices, and empty places for what is a
 * cell's own (own.c). A tmpfs holds the places and the small files; its subdirectory `root` becomes the root of the
 * keeper's mount namespace, read-only, and a cell starts with a copy of that namespace: the kernel copies thirty mounts
 * in a fraction of the time that it takes to make them.
 *
 * The tmpfs is attached on top of "/": absolute paths still start below it at the host's root, and pivot_root needs it
 * attached. All host paths are resolved before the pivot.
 */

#include "run/inner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "run/mounts.h"
#include "support/file.h"

struct view {
	const struct rt_launch *launch;
	int store; /* the tmpfs */
	int files; /* its directory root, writable: mount points and small files are made here */
	int root;  /* the mount of that directory */
};

static int
make_file(int at, const char *path, const char *text, struct rt_err *err)
{
	rt_auto(fd) int fd = openat(at, path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || rt_write_all(fd, text, strlen(text)) < 0)
		return rt_fail_errno(err, "cannot write /%s in the cell", path);
	return 0;
}

/* Shows a host path at target, below the root; attributes come later for all. */
static int
show(const struct view *view, const char *path, const char *target, bool dir, struct rt_err *err)
{
	rt_auto(fd) int mount = rt_mount_clone(AT_FDCWD, path, err);
	if (mount < 0 || rt_mount_point(view->files, target, dir, err) < 0)
		return -1;
	return rt_mount_attach(mount, view->root, target, err);
}

static int
store_make(struct view *view, struct rt_err *err)
{
	static const char *const dirs[] = {"root",	"root/etc", "root/dev",	     "root/dev/pts",   "root/dev/shm",
					   "root/proc", "root/tmp", "root/home",     "root/home/user", "root/src",
					   "root/out",	"root/run", "root/run/proc", "root/var"};
	static const char *const options[] = {"mode", "755", NULL};
	/* without a nested sandbox nothing is mounted on /run/proc, and /run is empty */
	const struct rt_cell_spec *spec = view->launch->spec;
	view->store = rt_mount_new("tmpfs", options, RT_GUARDED, err);
	if (view->store < 0 || rt_mount_attach(view->store, AT_FDCWD, "/", err) < 0)
		return -1;
	for (size_t i = 0; i < RT_COUNT(dirs); i++)
		if ((spec->nested || strcmp(dirs[i], "root/run/proc") != 0) && mkdirat(view->store, dirs[i], 0755) < 0)
			return rt_fail_errno(err, "cannot make %s in the cell", dirs[i]);
	if (symlinkat("../tmp", view->store, "root/var/tmp") < 0)
		return rt_fail_errno(err, "cannot make the directories of the cell");
	view->files = openat(view->store, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	view->root = rt_mount_clone(view->store, "root", err);
	return view->root < 0 ? -1 : rt_mount_attach(view->root, view->store, "root", err);
}

static int
show_system(const struct view *view, struct rt_err *err)
{
	size_t n;
	const struct rt_shown *shown = rt_shown_system(&n);
	for (size_t i = 0; i < n; i++) {
		const char *target = shown[i].path + 1;
		if (!shown[i].link) {
			if (show(view, shown[i].path, target, shown[i].dir, err) < 0)
				return -1;
		} else if (symlinkat(shown[i].link, view->files, target) < 0) {
			return rt_fail_errno(err, "cannot make /%s in the cell", target);
		}
	}
	return 0;
}

static int
make_accounts(const struct view *view, struct rt_err *err)
{
	static const char *const files[][2] = {
	    {"etc/passwd", "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home/user:/bin/sh\n"
			   "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"},
	    {"etc/group", "root:x:0:\nuser:x:1000:\nnogroup:x:65534:\n"},
	    {"etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n"},
	    {"etc/hosts", "127.0.0.1 localhost\n::1 localhost ip6-localhost\n"},
	    {"etc/hostname", "localhost\n"},
	};
	bool host = view->launch->spec->network == RT_NETWORK_HOST;
	for (size_t i = 0; i < RT_COUNT(files); i++)
		if (make_file(view->files, files[i][0], files[i][1], err) < 0)
			return -1;
	if (host && rt_exists(AT_FDCWD, "/etc/resolv.conf") &&
	    show(view, "/etc/resolv.conf", "etc/resolv.conf", false, err) < 0)
		return -1;
	return host && rt_exists(AT_FDCWD, "/etc/hosts") ? show(view, "/etc/hosts", "etc/hosts", false, err) : 0;
}

static int
show_extras(const struct view *view, const char *const *paths, struct rt_err *err)
{
	for (; paths && *paths; paths++) {
		struct stat st;
		int place = rt_shown_place(*paths, err);
		if (place < 0)
			return -1;
		if (place != RT_PLACE_VIEW)
			continue;
		if (stat(*paths, &st) < 0)
			return rt_fail_errno(err, "cannot show %s in the cell", *paths);
		if (show(view, *paths, *paths + 1, S_ISDIR(st.st_mode), err) < 0)
			return -1;
	}
	return 0;
}

static const char *const devices[] = {"dev/null", "dev/zero", "dev/full", "dev/random", "dev/urandom", "dev/tty"};

static int
make_device_points(const struct view *view, struct rt_err *err)
{
	static const char *const links[][2] = {{"/proc/self/fd", "dev/fd"},
					       {"/proc/self/fd/0", "dev/stdin"},
					       {"/proc/self/fd/1", "dev/stdout"},
					       {"/proc/self/fd/2", "dev/stderr"},
					       {"pts/ptmx", "dev/ptmx"}};
	for (size_t i = 0; i < RT_COUNT(devices); i++)
		if (rt_mount_point(view->files, devices[i], false, err) < 0)
			return -1;
	for (size_t i = 0; i < RT_COUNT(links); i++)
		if (symlinkat(links[i][0], view->files, links[i][1]) < 0)
			return rt_fail_errno(err, "cannot make /%s in the cell", links[i][1]);
	return 0;
}

static int
show_devices(const struct view *view, struct rt_err *err)
{
	for (size_t i = 0; i < RT_COUNT(devices); i++) {
		rt_auto(free) char *path = rt_format("/%s", devices[i]);
		rt_auto(fd) int mount = rt_mount_clone(AT_FDCWD, path, err);
		if (mount < 0 || rt_mount_attach(mount, view->root, devices[i], err) < 0)
			return -1;
	}
	return 0;
}

/*
 * The keeper's, which shows nobody but the keeper; each cell's own is mounted on top of it. The kernel allows that only
 * where one can be seen that permits as much. Read-only: a nested sandbox, for which this one counts too, may not have
 * a writable one (own.c).
 */
static int
show_proc(const struct view *view, struct rt_err *err)
{
	static const char *const options[] = {NULL};
	rt_auto(fd) int mount = rt_mount_new("proc", options, RT_GUARDED | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY, err);
	return mount < 0 ? -1 : rt_mount_attach(mount, view->root, "proc", err);
}

static int
pivot(const struct view *view, struct rt_err *err)
{
	if (fchdir(view->root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return rt_fail_errno(err, "cannot change the root");
	/* What lies on the new root is the old one, and on that the store: one call for each. Left there, ".." would
	 * lead to it. */
	if (umount2(".", MNT_DETACH) < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return rt_fail_errno(err, "cannot leave the old root");
	return 0;
}

static int
build(struct view *view, struct rt_err *err)
{
	const struct rt_cell_spec *spec = view->launch->spec;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return rt_fail_errno(err, "cannot make the mounts private");
	if (store_make(view, err) < 0 || show_system(view, err) < 0 || make_accounts(view, err) < 0 ||
	    show_extras(view, spec->tools, err) < 0 || show_extras(view, spec->caches, err) < 0 ||
	    make_device_points(view, err) < 0 ||
	    rt_mount_restrict(view->root, MOUNT_ATTR_RDONLY | RT_GUARDED, err) < 0 || show_devices(view, err) < 0 ||
	    show_proc(view, err) < 0)
		return -1;
	return pivot(view, err);
}

int
rt_view_enter(const struct rt_launch *launch, struct rt_err *err)
{
	struct view view = {.launch = launch, .store = -1, .files = -1, .root = -1};
	int rc = build(&view, err);
	rt_close(view.store);
	rt_close(view.files);
	rt_close(view.root);
	return rc;
}
