/*
 * What is a cell's own: workspace, reports, /tmp, home, shared memory, terminals, /proc. A copy of the keeper's view
 * has empty places for them.
 *
 * One tmpfs carries all that the cell may fill: `tmp`, `home` and `shm` are mounted at their places, `up` and `work`
 * serve the overlay and are not visible. One file system, one size cap, few mounts: each costs time twice, going up and
 * coming down. From Linux 6.15 it may serve them while it is attached nowhere; the cell has it below its /tmp then,
 * where no path leads, so that it goes with the cell's other mounts. Before, it has to be attached among the host's
 * paths: on /proc, which the keeper has no more use for, until the cell is over. Taking it off there waits for the
 * whole machine.
 */

#include "run/own.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "run/mounts.h"
#include "support/file.h"

void
rt_own_release(struct rt_own *own)
{
	const int fds[] = {own->workspace, own->home,  own->shm,  own->tmp,  own->reports,
			   own->terminals, own->store, own->proc, own->upper};
	for (size_t i = 0; i < RT_COUNT(fds); i++)
		rt_close(fds[i]);
	for (size_t i = 0; i < own->extras.n; i++)
		rt_close(own->extras.at[i].mount);
	free(own->extras.at);
	*own = (struct rt_own)RT_OWN_INIT;
}

/* ---- on the host ---- */

static int
store_make(const struct rt_launch *launch, struct rt_err *err)
{
	static const struct {
		const char *name;
		mode_t mode;
	} dirs[] = {{"tmp", 01777}, {"home", 0755}, {"shm", 01777}, {"up", 0755}, {"work", 0755}};
	char size[32], inodes[32];
	snprintf(size, sizeof(size), "%llu", (unsigned long long)launch->tmp_bytes);
	snprintf(inodes, sizeof(inodes), "%llu", (unsigned long long)launch->tmp_bytes / 4096 + 65536);
	const char *const options[] = {"size", size, "nr_inodes", inodes, "mode", "755", NULL};
	rt_auto(fd) int store = rt_mount_new("tmpfs", options, RT_GUARDED, err);
	if (store < 0)
		return -1;
	mode_t mask = umask(0);
	bool made = true;
	for (size_t i = 0; i < RT_COUNT(dirs); i++)
		made = made && mkdirat(store, dirs[i].name, dirs[i].mode) == 0;
	umask(mask);
	if (!made)
		return rt_fail_errno(err, "cannot make the directories of the cell");
	int result = store;
	store = -1;
	return result;
}

/* For kernels that need it. */
static int
attach_store(struct rt_own *own, int store, struct rt_err *err)
{
	own->on_host = true;
	return rt_mount_attach(store, AT_FDCWD, RT_OWN_STORE, err);
}

/* Layers are named by descriptor: no page limit, no escaping, and /proc/mounts tells the candidate nothing of the
 * host's paths. */
static int
open_lowers(const struct rt_cell_spec *spec, int fds[], struct rt_buf *names, struct rt_err *err)
{
	for (size_t i = 0; spec->lowers[i]; i++) {
		fds[i] = open(spec->lowers[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fds[i] < 0)
			return rt_fail_errno(err, "cannot open the layer %s", spec->lowers[i]);
		rt_buf_addf(names, "%s%d", names->len ? ":" : "", fds[i]);
	}
	return 0;
}

static int
open_upper(const struct rt_launch *launch, int store, int *upper, int *work, struct rt_err *err)
{
	bool memory = launch->workspace == RT_WORKSPACE_MEMORY;
	*upper = openat(store, memory ? "up" : launch->tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*work = openat(store, memory ? "work" : launch->work, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*upper < 0 || *work < 0)
		return rt_fail_errno(err, "cannot open the upper layer of the workspace");
	if (launch->rehearsal && memory && fsetxattr(*upper, "user.overlay.try", "y", 1, 0) < 0)
		return rt_fail_errno(err, "a tmpfs keeps no user attributes here (Linux 6.6 is the first that does)");
	return 0;
}

/* Durability is the engine's affair, hence volatile: no sync at the end. */
static int
mount_overlay(const char *lowers, int upper, int work, int numbers, struct rt_err *err)
{
	char upper_name[16], work_name[16];
	snprintf(upper_name, sizeof(upper_name), "%d", upper);
	snprintf(work_name, sizeof(work_name), "%d", work);
	const char *const options[] = {"lowerdir",  lowers, "upperdir", upper_name, "workdir", work_name,
				       "userxattr", NULL,   "volatile", NULL,	    NULL};
	if (fchdir(numbers) < 0)
		return rt_fail_errno(err, "cannot enter /proc/self/fd");
	return rt_mount_new("overlay", options, RT_GUARDED, err);
}

static int
make_overlay(struct rt_own *own, const struct rt_launch *launch, int store, int numbers, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf names = RT_BUF_INIT;
	rt_auto(fd) int upper = -1;
	rt_auto(fd) int work = -1;
	size_t n = 0;
	while (launch->spec->lowers[n])
		n++;
	rt_auto(free) int *lowers = rt_alloc(n, sizeof(*lowers));
	memset(lowers, -1, n * sizeof(*lowers));
	if (open_lowers(launch->spec, lowers, &names, err) == 0 && open_upper(launch, store, &upper, &work, err) == 0) {
		own->workspace = mount_overlay(names.data, upper, work, numbers, err);
		if (own->workspace < 0 && !own->on_host && attach_store(own, store, err) == 0)
			own->workspace = mount_overlay(names.data, upper, work, numbers, err);
	}
	for (size_t i = 0; i < n; i++)
		rt_close(lowers[i]);
	if (own->workspace >= 0 && launch->workspace == RT_WORKSPACE_MEMORY) {
		own->upper = upper;
		upper = -1;
	}
	return own->workspace < 0 ? -1 : 0;
}

/* A directory of the host's, to be written to. */
static int
make_clone(int *mount, const char *path, struct rt_err *err)
{
	*mount = rt_mount_clone(AT_FDCWD, path, err);
	return *mount < 0 ? -1 : rt_mount_restrict(*mount, RT_GUARDED, err);
}

/* Subdirectories of the store: their mounts inherit its attributes. */
static int
make_places(struct rt_own *own, int store, struct rt_err *err)
{
	own->home = rt_mount_clone(store, "home", err);
	if (own->home < 0 && attach_store(own, store, err) == 0)
		own->home = rt_mount_clone(store, "home", err);
	own->shm = own->home < 0 ? -1 : rt_mount_clone(store, "shm", err);
	own->tmp = own->shm < 0 ? -1 : rt_mount_clone(store, "tmp", err);
	return own->tmp < 0 ? -1 : 0;
}

/* The same content below the cell's HOME, where its owner's programs look for it. */
static int
link_from_home(int store, const char *home, const char *const *paths, struct rt_err *err)
{
	for (; home && strcmp(home, "/home/user") != 0 && paths && *paths; paths++) {
		size_t len = strlen(home);
		if (!rt_starts_with(*paths, home) || (*paths)[len] != '/' ||
		    rt_shown_place(*paths, err) == RT_PLACE_SYSTEM)
			continue;
		rt_auto(free) char *link = rt_format("home%s", *paths + len);
		rt_auto(free) char *parent = rt_strndup(link, (size_t)(strrchr(link, '/') - link));
		if (rt_mkdirs(store, parent, 0755, err) < 0)
			return -1;
		if (symlinkat(*paths, store, link) < 0 && errno != EEXIST)
			return rt_fail_errno(err, "cannot make a link to %s in the cell's home", *paths);
	}
	return 0;
}

/* Tools and caches that lie in a place of the cell's own: /tmp/x in the store's tmp, /home/user/x in its home. */
static int
make_extras(struct rt_own *own, int store, const char *const *paths, struct rt_err *err)
{
	for (; paths && *paths; paths++) {
		struct stat st;
		if (rt_shown_place(*paths, err) != RT_PLACE_OWN)
			continue;
		if (stat(*paths, &st) < 0)
			return rt_fail_errno(err, "cannot show %s in the cell", *paths);
		rt_auto(free) char *point = rt_starts_with(*paths, "/tmp")
						? rt_strdup(*paths + 1)
						: rt_format("home%s", *paths + strlen("/home/user"));
		int fd = rt_mount_clone(AT_FDCWD, *paths, err);
		if (fd < 0)
			return -1;
		*rt_push(&own->extras) = (struct rt_own_extra){*paths, fd};
		if (rt_mount_restrict(fd, MOUNT_ATTR_RDONLY | RT_GUARDED, err) < 0 ||
		    rt_mount_point(store, point, S_ISDIR(st.st_mode), err) < 0)
			return -1;
	}
	return 0;
}

static int
make_all(struct rt_own *own, const struct rt_launch *launch, int store, int numbers, struct rt_err *err)
{
	static const char *const terminals[] = {"newinstance", NULL, "ptmxmode", "0666", "mode", "620", NULL};
	const struct rt_cell_spec *spec = launch->spec;
	if (make_places(own, store, err) < 0)
		return -1;
	if ((launch->workspace == RT_WORKSPACE_COPY ? make_clone(&own->workspace, launch->tree, err)
						    : make_overlay(own, launch, store, numbers, err)) < 0)
		return -1;
	if (spec->reports && make_clone(&own->reports, spec->reports, err) < 0)
		return -1;
	if (link_from_home(store, spec->home_of, spec->tools, err) < 0 ||
	    link_from_home(store, spec->home_of, spec->caches, err) < 0 ||
	    make_extras(own, store, spec->tools, err) < 0 || make_extras(own, store, spec->caches, err) < 0)
		return -1;
	own->terminals = rt_mount_new("devpts", terminals, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, err);
	return own->terminals < 0 ? -1 : 0;
}

int
rt_own_make(struct rt_own *own, const struct rt_launch *launch, int numbers, struct rt_err *err)
{
	rt_auto(fd) int store = store_make(launch, err);
	if (store < 0 || make_all(own, launch, store, numbers, err) < 0)
		return -1;
	if (!own->on_host) {
		own->store = store;
		store = -1;
	}
	return 0;
}

/* ---- in the cell ---- */

int
rt_own_show(const struct rt_own *own, struct rt_err *err)
{
	const struct {
		int mount;
		const char *at;
	} all[] = {{own->store, "/tmp"},	   {own->workspace, RT_CELL_WORKSPACE},
		   {own->home, "/home/user"},	   {own->tmp, "/tmp"},
		   {own->shm, "/dev/shm"},	   {own->terminals, "/dev/pts"},
		   {own->reports, RT_CELL_REPORTS}};
	for (size_t i = 0; i < RT_COUNT(all); i++)
		if (all[i].mount >= 0 && rt_mount_attach(all[i].mount, AT_FDCWD, all[i].at, err) < 0)
			return -1;
	for (size_t i = 0; i < own->extras.n; i++)
		if (rt_mount_attach(own->extras.at[i].mount, AT_FDCWD, own->extras.at[i].path, err) < 0)
			return -1;
	return 0;
}

/* ---- in the cell's process namespace ---- */

static void
set_kernel(const char *path, uint64_t value)
{
	rt_auto(fd) int fd = open(path, O_WRONLY | O_CLOEXEC);
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
limit_kernel(const struct rt_launch *launch, bool again)
{
	set_kernel("/proc/sys/kernel/pid_max", launch->max_pids + 300);
	if (again)
		return;
	/* without a user namespace of its own the command can't have a cgroup namespace either */
	set_kernel(launch->spec->nested ? "/proc/sys/user/max_cgroup_namespaces" : "/proc/sys/user/max_user_namespaces",
		   0);
}

static int
set_read_only(int mount, bool on)
{
	struct mount_attr attr = {.attr_set = on ? MOUNT_ATTR_RDONLY : 0, .attr_clr = on ? 0 : MOUNT_ATTR_RDONLY};
	return mount_setattr(mount, "", AT_EMPTY_PATH, &attr, sizeof(attr));
}

/* Each is a piece of the whole while that is read-only, which its mount inherits. */
static int
cover_settings(int proc, struct rt_err *err)
{
	const struct rt_strs *covers = rt_shown_proc_covers();
	if (set_read_only(proc, true) < 0)
		return rt_fail_errno(err, "cannot protect the mounts of the cell");
	for (size_t i = 0; i < covers->n; i++) {
		rt_auto(fd) int cover = rt_mount_clone(proc, covers->at[i], err);
		if (cover < 0 || rt_mount_attach(cover, proc, covers->at[i], err) < 0)
			return -1;
	}
	return set_read_only(proc, false) < 0 ? rt_fail_errno(err, "cannot make /proc writable in the cell") : 0;
}

/*
 * Where the caller is root, the kernel's own settings below /proc belong to the cell's user, and writing to them takes
 * no capability at all: they are covered. A sandbox inside could then not mount a /proc of its own, because the kernel
 * asks for an uncovered one that permits as much: for those there is a second one at /run/proc, read-only as a whole,
 * and theirs is read-only too. Inside such a sandbox no other can be had, and nothing needs a cover.
 */
int
rt_own_show_proc(struct rt_own *own, const struct rt_launch *launch, bool again, struct rt_err *err)
{
	static const char *const options[] = {NULL};
	unsigned attributes = RT_GUARDED | MOUNT_ATTR_NOEXEC;
	struct stat st;
	int proc = own->proc = rt_mount_new("proc", options, attributes | MOUNT_ATTR_RDONLY, err);
	if (proc < 0)
		return -1;
	bool writable = set_read_only(proc, false) == 0;
	if (rt_mount_attach(proc, AT_FDCWD, "/proc", err) < 0)
		return -1;
	if (!writable)
		return 0;
	limit_kernel(launch, again);
	if (fstatat(proc, "sys", &st, 0) < 0 || st.st_uid != getuid())
		return 0;
	if (launch->spec->nested) {
		rt_auto(fd) int second = rt_mount_new("proc", options, attributes | MOUNT_ATTR_RDONLY, err);
		if (second < 0 || rt_mount_attach(second, AT_FDCWD, "/run/proc", err) < 0)
			return -1;
	}
	return cover_settings(proc, err);
}
