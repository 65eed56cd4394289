/*
 * Control groups. A v2 group of its own lets the engine kill a fork storm without competing with it for the processor;
 * memory and pids are limited where a controller is at hand. The group's name holds the engine's pid and start time, so
 * that the next engine can tell and remove what a killed one left behind.
 *
 * Nobody needs to ask for a limit of memory: a test that takes all of it would have the kernel look for a victim in the
 * whole machine. In v2 it is one write. In v1 moving a process waits for all processors, which costs more than a small
 * cell, so that it is left to those that go on.
 */

#include "run/inner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "support/file.h"
#include "support/tempname.h"

#define TEXT_MAX ((size_t)1 << 20)
/* a group that is being killed is gone in some milliseconds */
#define REMOVE_TRIES 200
#define REMOVE_PAUSE_NS 5000000
#define FREEZE_TRIES 50
#define FREEZE_PAUSE_NS 1000000

struct group {
	char *dir; /* our own group, writable; NULL: none */
};

static struct group unified, memory, pids;

static bool
read_text(const char *path, struct rt_buf *out)
{
	struct rt_err ignored = RT_ERR_INIT;
	return rt_file_read(AT_FDCWD, path, TEXT_MAX, out, &ignored) == 0;
}

static bool
has_word(const char *list, const char *word)
{
	size_t len = strlen(word);
	for (const char *at = list; (at = strstr(at, word)); at += len)
		if ((at == list || at[-1] == ',') && (at[len] == ',' || at[len] == '\0'))
			return true;
	return false;
}

/* Our group in the hierarchy of a controller ("" is v2): lines of /proc/self/cgroup read "id:controllers:path". */
static char *
own_group(const char *text, const char *controller)
{
	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		const char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL,
			   *end = strchr(line, '\n');
		if (!path || !end)
			return NULL;
		rt_auto(free) char *controllers = rt_strndup(list + 1, (size_t)(path - list - 1));
		if (*controller ? has_word(controllers, controller) : *controllers == '\0')
			return rt_strndup(path + 1, (size_t)(end - path - 1));
	}
	return NULL;
}

/* A line of mountinfo (proc(5)): "id parent dev root point options [tags] - type source super-options". */
static char *
mount_of(const char *text, const char *controller, char **root)
{
	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		char from[1024], point[1024], type[32], options[1024];
		const char *end = strchr(line, '\n'), *rest = strstr(line, " - ");
		if (!end)
			return NULL;
		if (!rest || rest > end || sscanf(line, "%*d %*d %*s %1023s %1023s", from, point) != 2 ||
		    sscanf(rest, " - %31s %*s %1023s", type, options) != 2)
			continue;
		if (*controller ? strcmp(type, "cgroup") != 0 || !has_word(options, controller)
				: strcmp(type, "cgroup2") != 0)
			continue;
		*root = rt_strdup(from);
		return rt_strdup(point);
	}
	return NULL;
}

static void
locate(struct group *group, const char *controller)
{
	rt_auto(buf) struct rt_buf groups = RT_BUF_INIT;
	rt_auto(buf) struct rt_buf mounts = RT_BUF_INIT;
	if (!read_text("/proc/self/cgroup", &groups) || !read_text("/proc/self/mountinfo", &mounts))
		return;
	rt_auto(free) char *root = NULL;
	rt_auto(free) char *own = own_group(groups.data, controller);
	rt_auto(free) char *point = mount_of(mounts.data, controller, &root);
	if (!own || !point)
		return;
	const char *below = own;
	if (strcmp(root, "/") != 0 && rt_starts_with(own, root))
		below += strlen(root);
	rt_auto(free) char *dir = rt_format("%s/%s", point, below + (*below == '/'));
	rt_auto(free) char *procs = rt_format("%s/cgroup.procs", dir);
	if (access(dir, W_OK) == 0 && access(procs, W_OK) == 0)
		group->dir = rt_steal(&dir);
}

/*
 * rmdir takes only groups without processes, and what a killed engine left in one may still be dying: the kernel's own
 * kill of a whole group makes sure that it does.
 */
static void
remove_group(int dir, const char *name)
{
	rt_auto(free) char *kill = rt_format("%s/cgroup.kill", name);
	for (int tries = 0; tries < REMOVE_TRIES && unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno == EBUSY; tries++) {
		rt_auto(fd) int fd = openat(dir, kill, O_WRONLY | O_CLOEXEC);
		if (fd >= 0 && write(fd, "1", 1) < 0)
			return;
		nanosleep(&(struct timespec){.tv_nsec = REMOVE_PAUSE_NS}, NULL);
	}
}

static void
sweep(const struct group *group)
{
	DIR *dir = group->dir ? opendir(group->dir) : NULL;
	if (!dir)
		return;
	for (struct dirent *entry; (entry = readdir(dir));) {
		int pid;
		uint64_t start, space;
		if (sscanf(entry->d_name, "cell-%d-%" SCNu64 "-%" SCNx64 "-", &pid, &start, &space) == 3 &&
		    rt_process_is_gone(pid, start, space))
			remove_group(dirfd(dir), entry->d_name);
	}
	closedir(dir);
}

static void
locate_all(void)
{
	static bool known;
	if (known)
		return;
	known = true;
	locate(&unified, "");
	locate(&memory, "memory");
	locate(&pids, "pids");
	sweep(&unified);
	sweep(&memory);
	sweep(&pids);
}

static char *
make_group(const struct group *group)
{
	static unsigned count;
	static uint64_t start;
	if (!start)
		start = rt_process_start(getpid());
	char *path = rt_format("%s/cell-%d-%" PRIu64 "-%" PRIx64 "-%u", group->dir, (int)getpid(), start,
			       rt_process_space(), count++);
	if (mkdir(path, 0755) == 0)
		return path;
	free(path);
	return NULL;
}

static bool
write_value(const char *dir, const char *file, unsigned long long value)
{
	rt_auto(free) char *path = rt_format("%s/%s", dir, file);
	rt_auto(fd) int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && dprintf(fd, "%llu", value) > 0;
}

static uint64_t
number_in(const char *dir, const char *file)
{
	rt_auto(free) char *path = dir ? rt_format("%s/%s", dir, file) : NULL;
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	/* "max" is no number, and no limit */
	return path && read_text(path, &text) && text.data[0] >= '0' && text.data[0] <= '9'
		   ? strtoull(text.data, NULL, 10)
		   : UINT64_MAX;
}

/* Three quarters of the memory that there is for the engine's own group. */
static uint64_t
default_memory(void)
{
	static uint64_t bytes;
	struct sysinfo info;
	if (bytes)
		return bytes;
	uint64_t all = sysinfo(&info) < 0 ? (uint64_t)1 << 30 : (uint64_t)info.totalram * info.mem_unit;
	const uint64_t own[] = {number_in(unified.dir, "memory.max"), number_in(memory.dir, "memory.limit_in_bytes")};
	for (size_t i = 0; i < RT_COUNT(own); i++)
		all = own[i] < all ? own[i] : all;
	return bytes = all / 4 * 3;
}

/* The keeper and init count, too, and shall not be what the limit falls short by. */
static unsigned long long
limit_of_pids(const struct rt_cell_spec *spec)
{
	return spec->max_pids + (spec->level == RT_LEVEL_OF_NAMESPACES ? 2 : 1);
}

/* Only for a limit: moving a process between v1 groups waits for the whole machine (milliseconds). */
static void
make_v1(struct rt_cage *cage, const struct rt_cell_spec *spec)
{
	if (spec->memory_bytes && !cage->memory_bytes && memory.dir && (cage->paths[1] = make_group(&memory)) &&
	    write_value(cage->paths[1], "memory.limit_in_bytes", spec->memory_bytes))
		cage->memory_bytes = spec->memory_bytes;
	if (spec->max_pids && pids.dir && (cage->paths[2] = make_group(&pids)))
		write_value(cage->paths[2], "pids.max", limit_of_pids(spec));
}

void
rt_cages_sweep(void)
{
	locate_all();
}

void
rt_cage_make(struct rt_cage *cage, const struct rt_cell_spec *spec)
{
	locate_all();
	if (unified.dir && (cage->paths[0] = make_group(&unified))) {
		cage->dir = open(cage->paths[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		uint64_t bytes = spec->memory_bytes ? spec->memory_bytes : default_memory();
		if (write_value(cage->paths[0], "memory.max", bytes))
			cage->memory_bytes = bytes;
		if (spec->max_pids)
			write_value(cage->paths[0], "pids.max", limit_of_pids(spec));
	}
	make_v1(cage, spec);
}

static bool
is_frozen(const struct rt_cage *cage)
{
	rt_auto(free) char *path = rt_format("%s/cgroup.events", cage->paths[0]);
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	return read_text(path, &text) && strstr(text.data, "frozen 1");
}

static void
admit_all(const struct rt_cage *cage)
{
	rt_auto(free) char *path = rt_format("%s/cgroup.procs", cage->paths[0]);
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	if (!read_text(path, &text))
		return;
	for (const char *line = text.data; *line; line = strchr(line, '\n') + 1) {
		write_value(cage->paths[1], "cgroup.procs", strtoull(line, NULL, 10));
		if (!strchr(line, '\n'))
			return;
	}
}

void
rt_cage_tighten(struct rt_cage *cage)
{
	if (cage->memory_bytes || !cage->paths[0] || cage->paths[1] || !memory.dir ||
	    !(cage->paths[1] = make_group(&memory)) ||
	    !write_value(cage->paths[1], "memory.limit_in_bytes", default_memory()) ||
	    !write_value(cage->paths[0], "cgroup.freeze", 1))
		return;
	for (int tries = 0; tries < FREEZE_TRIES && !is_frozen(cage); tries++)
		nanosleep(&(struct timespec){.tv_nsec = FREEZE_PAUSE_NS}, NULL);
	admit_all(cage);
	cage->memory_bytes = default_memory();
	if (!write_value(cage->paths[0], "cgroup.freeze", 0))
		rt_cage_kill(cage);
}

void
rt_cage_admit(const struct rt_cage *cage, pid_t pid)
{
	for (size_t i = 1; i < RT_COUNT(cage->paths); i++)
		if (cage->paths[i])
			write_value(cage->paths[i], "cgroup.procs", (unsigned long long)pid);
}

bool
rt_cage_kill(const struct rt_cage *cage)
{
	rt_auto(fd) int fd = cage->dir < 0 ? -1 : openat(cage->dir, "cgroup.kill", O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, "1", 1) == 1;
}

bool
rt_cage_out_of_memory(const struct rt_cage *cage)
{
	static const char *const files[] = {"memory.events", "memory.oom_control"};
	for (size_t i = 0; i < RT_COUNT(files); i++) {
		if (!cage->memory_bytes || !cage->paths[i])
			continue;
		rt_auto(free) char *path = rt_format("%s/%s", cage->paths[i], files[i]);
		rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
		const char *at = read_text(path, &text) ? strstr(text.data, "oom_kill ") : NULL;
		if (at && strtoull(at + strlen("oom_kill "), NULL, 10) > 0)
			return true;
	}
	return false;
}

void
rt_cage_release(struct rt_cage *cage)
{
	rt_close(cage->dir);
	for (size_t i = 0; i < RT_COUNT(cage->paths); i++) {
		if (cage->paths[i])
			rmdir(cage->paths[i]);
		free(cage->paths[i]);
	}
	*cage = (struct rt_cage)RT_CAGE_INIT;
}

const char *
rt_cage_describe(void)
{
	locate_all();
	if (unified.dir)
		return "a control group (v2) of its own for each cell";
	if (memory.dir || pids.dir)
		return "control groups (v1) where a limit is set, else resource limits";
	return "resource limits alone: no control group is writable here";
}
