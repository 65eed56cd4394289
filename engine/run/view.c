/*
 * One tmpfs carries all that the cell may fill: its subdirectory `root` becomes the new root, read-only; `tmp`, `home`,
 * `shm` are mounted in it writable; `up` and `work` serve the overlay and are not visible. One file system, one size
 * cap, few mounts: each costs time twice, going up and coming down. It is attached on top of "/": absolute paths still
 * start below it at the host's root, and pivot_root needs it attached. All host paths are resolved before the pivot.
 */

#include "run/inner.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "support/file.h"

#define GUARDED (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

struct view {
	const struct rt_launch *launch;
	int store; /* the tmpfs */
	int files; /* its directory root, writable: mount points and small files are made here */
	int root;  /* the mount of that directory */
};

static int
new_mount(const char *type, const char *const *options, unsigned attributes, struct rt_err *err)
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

static int
attach(int mount, int at, const char *target, struct rt_err *err)
{
	if (move_mount(mount, "", at, target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return rt_fail_errno(err, "cannot mount on /%s in the cell", target);
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

/* An empty directory or file for a mount to go on. Its parents mostly exist. */
static int
make_point(int at, const char *path, bool dir, struct rt_err *err)
{
	if (try_point(at, path, dir) == 0)
		return 0;
	const char *slash = strrchr(path, '/');
	rt_auto(free) char *parent = rt_strndup(path, slash ? (size_t)(slash - path) : 0);
	if (errno == ENOENT && slash && rt_mkdirs(at, parent, 0755, err) < 0)
		return -1;
	return try_point(at, path, dir) < 0 ? rt_fail_errno(err, "cannot make /%s in the cell", path) : 0;
}

static int
make_file(int at, const char *path, const char *text, struct rt_err *err)
{
	rt_auto(fd) int fd = openat(at, path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || rt_write_all(fd, text, strlen(text)) < 0)
		return rt_fail_errno(err, "cannot write /%s in the cell", path);
	return 0;
}

/* Recursive, because a mount namespace of lesser rights cannot show a directory without what is mounted below it. */
static int
clone_mount(int at, const char *path, unsigned flags, struct rt_err *err)
{
	int fd = open_tree(at, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | flags);
	return fd < 0 ? rt_fail_errno(err, "cannot show %s in the cell", path) : fd;
}

static int
set_attributes(int mount, const char *path, unsigned attributes, struct rt_err *err)
{
	struct mount_attr attr = {.attr_set = attributes};
	if (mount_setattr(mount, path, AT_RECURSIVE | (*path ? 0 : AT_EMPTY_PATH), &attr, sizeof(attr)) < 0)
		return rt_fail_errno(err, "cannot protect the mounts of the cell");
	return 0;
}

/* Shows a host path at target, below the root; attributes come later for all. */
static int
show(const struct view *view, const char *path, const char *target, bool dir, struct rt_err *err)
{
	rt_auto(fd) int mount = clone_mount(AT_FDCWD, path, 0, err);
	if (mount < 0 || make_point(view->files, target, dir, err) < 0)
		return -1;
	return attach(mount, view->root, target, err);
}

static int
store_make(struct view *view, struct rt_err *err)
{
	static const char *const dirs[] = {"root",	     "root/etc",  "root/dev", "root/dev/pts",
					   "root/dev/shm",   "root/proc", "root/tmp", "root/home",
					   "root/home/user", "root/src",  "root/out", "root/run",
					   "root/var",	     "home",	  "up",	      "work"};
	char size[32], inodes[32];
	snprintf(size, sizeof(size), "%llu", (unsigned long long)view->launch->tmp_bytes);
	snprintf(inodes, sizeof(inodes), "%llu", (unsigned long long)view->launch->tmp_bytes / 4096 + 65536);
	const char *const options[] = {"size", size, "nr_inodes", inodes, "mode", "755", NULL};
	view->store = new_mount("tmpfs", options, GUARDED, err);
	if (view->store < 0 || attach(view->store, AT_FDCWD, "/", err) < 0)
		return -1;
	for (size_t i = 0; i < RT_COUNT(dirs); i++)
		if (mkdirat(view->store, dirs[i], 0755) < 0)
			return rt_fail_errno(err, "cannot make %s in the cell", dirs[i]);
	if (mkdirat(view->store, "tmp", 0777) < 0 || fchmodat(view->store, "tmp", 01777, 0) < 0 ||
	    mkdirat(view->store, "shm", 0777) < 0 || fchmodat(view->store, "shm", 01777, 0) < 0 ||
	    symlinkat("../tmp", view->store, "root/var/tmp") < 0)
		return rt_fail_errno(err, "cannot make the directories of the cell");
	view->files = openat(view->store, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	view->root = clone_mount(view->store, "root", 0, err);
	return view->root < 0 ? -1 : attach(view->root, view->store, "root", err);
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

static bool
is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);
	return strncmp(path, dir, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

/*
 * A path below one of the cell's own writable places is mounted there later; below the others it can't be. Returns the
 * directory that its mount point is made in, or -1.
 */
static int
place_of(const char *path, struct rt_err *err)
{
	static const char *const own[] = {RT_CELL_WORKSPACE, RT_CELL_REPORTS, "/proc", "/dev"};
	for (size_t i = 0; i < RT_COUNT(own); i++)
		if (is_below(path, own[i]))
			return rt_fail(err, RT_ECONFIG,
				       "%s cannot be shown in a cell, where %s is its own; move it elsewhere", path,
				       own[i]);
	return is_below(path, "/tmp") || is_below(path, "/home/user") ? 1 : 0;
}

static bool
is_shown(const char *path)
{
	size_t n;
	const struct rt_shown *shown = rt_shown_system(&n);
	for (size_t i = 0; i < n; i++)
		if (is_below(path, shown[i].path))
			return true;
	return false;
}

/* The same content below the cell's HOME, where its owner's programs look for it. */
static int
link_from_home(const struct view *view, const char *path, struct rt_err *err)
{
	const char *home = view->launch->spec->home_of;
	if (!home || !is_below(path, home) || strcmp(path, home) == 0 || strcmp(home, "/home/user") == 0)
		return 0;
	rt_auto(free) char *link = rt_format("home/%s", path + strlen(home) + 1);
	char *slash = strrchr(link, '/');
	*slash = '\0';
	if (rt_mkdirs(view->store, link, 0755, err) < 0)
		return -1;
	*slash = '/';
	if (symlinkat(path, view->store, link) < 0 && errno != EEXIST)
		return rt_fail_errno(err, "cannot make a link to %s in the cell's home", path);
	return 0;
}

/* late: those that lie in a place that is mounted itself. */
static int
show_extras(const struct view *view, const char *const *paths, bool late, struct rt_err *err)
{
	for (; paths && *paths; paths++) {
		const char *path = *paths;
		struct stat st;
		int place = place_of(path, err);
		if (place < 0)
			return -1;
		if (place != late || is_shown(path))
			continue;
		if (stat(path, &st) < 0)
			return rt_fail_errno(err, "cannot show %s in the cell", path);
		if (link_from_home(view, path, err) < 0)
			return -1;
		if (!late && show(view, path, path + 1, S_ISDIR(st.st_mode), err) < 0)
			return -1;
		if (!late)
			continue;
		/* /tmp/x lies in the store's tmp, /home/user/x in its home. */
		rt_auto(free) char *point =
		    is_below(path, "/tmp") ? rt_strdup(path + 1) : rt_format("home%s", path + strlen("/home/user"));
		rt_auto(fd) int mount = clone_mount(AT_FDCWD, path, 0, err);
		if (mount < 0 || make_point(view->store, point, S_ISDIR(st.st_mode), err) < 0 ||
		    set_attributes(mount, "", MOUNT_ATTR_RDONLY | GUARDED, err) < 0 ||
		    attach(mount, view->root, path + 1, err) < 0)
			return -1;
	}
	return 0;
}

/* Layers are named by descriptor: no page limit, no escaping, and /proc/mounts tells the candidate nothing of the
 * host's paths. */
static int
open_layers(const struct rt_cell_spec *spec, struct rt_buf *names, struct rt_err *err)
{
	for (const char *const *lower = spec->lowers; *lower; lower++) {
		int fd = open(*lower, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return rt_fail_errno(err, "cannot open the layer %s", *lower);
		rt_buf_addf(names, "%s%d", names->len ? ":" : "", fd);
	}
	return 0;
}

static int
open_upper(const struct view *view, int *upper, int *work, struct rt_err *err)
{
	const struct rt_launch *launch = view->launch;
	bool memory = launch->workspace == RT_WORKSPACE_MEMORY;
	*upper = openat(view->store, memory ? "up" : launch->tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*work = openat(view->store, memory ? "work" : launch->work, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*upper < 0 || *work < 0)
		return rt_fail_errno(err, "cannot open the upper layer of the workspace");
	if (launch->rehearsal && memory && fsetxattr(*upper, "user.overlay.try", "y", 1, 0) < 0)
		return rt_fail_errno(err, "a tmpfs keeps no user attributes here (Linux 6.6 is the first that does)");
	return 0;
}

/* The descriptors are closed by the caller's close_range. Durability is the engine's affair, hence volatile: no sync at
 * the end. */
static int
overlay_make(const struct view *view, int *upper_fd, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf lowers = RT_BUF_INIT;
	char upper_name[16], work_name[16];
	int upper, work;
	if (open_layers(view->launch->spec, &lowers, err) < 0 || open_upper(view, &upper, &work, err) < 0)
		return -1;
	snprintf(upper_name, sizeof(upper_name), "%d", upper);
	snprintf(work_name, sizeof(work_name), "%d", work);
	const char *const options[] = {"lowerdir",  lowers.data, "upperdir", upper_name, "workdir", work_name,
				       "userxattr", NULL,	 "volatile", NULL,	 NULL};
	if (chdir("/proc/self/fd") < 0)
		return rt_fail_errno(err, "cannot enter /proc/self/fd");
	int mount = new_mount("overlay", options, GUARDED, err);
	if (mount >= 0 && view->launch->workspace == RT_WORKSPACE_MEMORY)
		*upper_fd = upper;
	return mount;
}

static int
show_workspace(const struct view *view, int *upper_fd, struct rt_err *err)
{
	bool copy = view->launch->workspace == RT_WORKSPACE_COPY;
	int mount = copy ? clone_mount(AT_FDCWD, view->launch->tree, 0, err) : overlay_make(view, upper_fd, err);
	if (mount < 0 || (copy && set_attributes(mount, "", GUARDED, err) < 0))
		return -1;
	return attach(mount, view->root, "src", err);
}

static int
show_reports(const struct view *view, struct rt_err *err)
{
	if (!view->launch->spec->reports)
		return 0;
	int mount = clone_mount(AT_FDCWD, view->launch->spec->reports, 0, err);
	if (mount < 0 || set_attributes(mount, "", GUARDED, err) < 0)
		return -1;
	return attach(mount, view->root, "out", err);
}

/* Subdirectories of the store: their mounts inherit its attributes. */
static int
show_own(const struct view *view, struct rt_err *err)
{
	static const char *const own[][2] = {{"tmp", "tmp"}, {"home", "home/user"}, {"shm", "dev/shm"}};
	for (size_t i = 0; i < RT_COUNT(own); i++) {
		int mount = clone_mount(view->store, own[i][0], 0, err);
		if (mount < 0 || attach(mount, view->root, own[i][1], err) < 0)
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
		if (make_point(view->files, devices[i], false, err) < 0)
			return -1;
	for (size_t i = 0; i < RT_COUNT(links); i++)
		if (symlinkat(links[i][0], view->files, links[i][1]) < 0)
			return rt_fail_errno(err, "cannot make /%s in the cell", links[i][1]);
	return 0;
}

static int
show_devices(const struct view *view, struct rt_err *err)
{
	static const char *const options[] = {"newinstance", NULL, "ptmxmode", "0666", "mode", "620", NULL};
	for (size_t i = 0; i < RT_COUNT(devices); i++) {
		rt_auto(free) char *path = rt_format("/%s", devices[i]);
		int mount = clone_mount(AT_FDCWD, path, 0, err);
		if (mount < 0 || attach(mount, view->root, devices[i], err) < 0)
			return -1;
	}
	int pts = new_mount("devpts", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, err);
	return pts < 0 ? -1 : attach(pts, view->root, "dev/pts", err);
}

static void
set_kernel(const struct view *view, const char *path, uint64_t value)
{
	rt_auto(fd) int fd = openat(view->root, path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		dprintf(fd, "%llu", (unsigned long long)value);
}

/*
 * Limits of the cell's own namespaces. Pids: from Linux 6.14; elsewhere a control group or RLIMIT_NPROC has to do (300
 * are never used again). Namespaces: a second lock behind the system call filter; and a nested sandbox of root's may
 * not have cgroup namespaces, in which it could mount, and as the owner write to, the control groups that the engine is
 * in.
 */
static void
limit_kernel(const struct view *view)
{
	set_kernel(view, "proc/sys/kernel/pid_max", view->launch->max_pids + 300);
	/* without a user namespace of its own the command can't have a cgroup namespace either */
	set_kernel(view,
		   view->launch->spec->nested ? "proc/sys/user/max_cgroup_namespaces"
					      : "proc/sys/user/max_user_namespaces",
		   0);
}

static int
mount_proc(const struct view *view, const char *target, unsigned attributes, struct rt_err *err)
{
	static const char *const options[] = {NULL};
	int mount = new_mount("proc", options, GUARDED | MOUNT_ATTR_NOEXEC | attributes, err);
	return mount < 0 ? -1 : attach(mount, view->root, target, err);
}

/*
 * Where the caller is root, the kernel's own settings below /proc belong to the cell's user, and writing to them takes
 * no capability at all: they are covered. A sandbox inside could then not mount a /proc of its own, because the kernel
 * asks for an uncovered one that permits as much: for those there is a second one at /run/proc, read-only as a whole,
 * and theirs is read-only too.
 */
static int
show_proc(const struct view *view, struct rt_err *err)
{
	struct stat st;
	struct rt_err ignored = RT_ERR_INIT;
	if (mount_proc(view, "proc", 0, &ignored) < 0)
		return mount_proc(view, "proc", MOUNT_ATTR_RDONLY, err);
	limit_kernel(view);
	if (fstatat(view->root, "proc/sys", &st, 0) < 0 || st.st_uid != getuid())
		return 0;
	if (view->launch->spec->nested && (make_point(view->files, "run/proc", true, err) < 0 ||
					   mount_proc(view, "run/proc", MOUNT_ATTR_RDONLY, err) < 0))
		return -1;
	const struct rt_strs *covers = rt_shown_proc_covers();
	for (size_t i = 0; i < covers->n; i++) {
		rt_auto(free) char *path = rt_format("proc/%s", covers->at[i]);
		rt_auto(fd) int cover = clone_mount(view->root, path, 0, err);
		if (cover < 0 || set_attributes(cover, "", MOUNT_ATTR_RDONLY, err) < 0 ||
		    attach(cover, view->root, path, err) < 0)
			return -1;
	}
	return 0;
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

int
rt_loopback_up(struct rt_err *err)
{
	rt_auto(fd) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		return rt_fail_errno(err, "cannot bring the loopback interface up");
	return 0;
}

int
rt_view_enter(const struct rt_launch *launch, int *upper_fd, struct rt_err *err)
{
	struct view view = {.launch = launch, .store = -1, .files = -1, .root = -1};
	const struct rt_cell_spec *spec = launch->spec;
	*upper_fd = -1;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return rt_fail_errno(err, "cannot make the mounts private");
	if (store_make(&view, err) < 0 || show_system(&view, err) < 0 || make_accounts(&view, err) < 0 ||
	    show_extras(&view, spec->tools, false, err) < 0 || show_extras(&view, spec->caches, false, err) < 0 ||
	    make_device_points(&view, err) < 0)
		return -1;
	if (set_attributes(view.root, "", MOUNT_ATTR_RDONLY | GUARDED, err) < 0)
		return -1;
	if (show_workspace(&view, upper_fd, err) < 0 || show_reports(&view, err) < 0 || show_own(&view, err) < 0 ||
	    show_extras(&view, spec->tools, true, err) < 0 || show_extras(&view, spec->caches, true, err) < 0 ||
	    show_devices(&view, err) < 0 || show_proc(&view, err) < 0)
		return -1;
	return pivot(&view, err);
}
