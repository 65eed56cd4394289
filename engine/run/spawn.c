/*
 * The cell's init and its command. Init is pid 1 of the namespaces, or a subreaper without them. It keeps its
 * capabilities in the cell's user namespace and is not dumpable, so the command, which has none, can neither trace it
 * nor open its descriptors.
 */

#include "run/inner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/clock.h"
#include "support/defence.h"
#include "support/file.h"

/* How long a process that is just ending may take after the command before it counts as left behind. */
#define GRACE_MS 100
/* How long the supervisor of a cell without namespaces tries to kill what is left. */
#define TREE_MS 20000

extern char **environ;

/* Closes every descriptor from 3 up but those of keep, which is in rising order; -1 and doubles do no harm. */
static void
close_others(const int *keep, size_t n)
{
	unsigned from = 3;
	for (size_t i = 0; i < n; i++) {
		if (keep[i] < (int)from)
			continue;
		if (keep[i] > (int)from)
			syscall(SYS_close_range, from, (unsigned)keep[i] - 1, 0);
		from = (unsigned)keep[i] + 1;
	}
	syscall(SYS_close_range, from, ~0U, 0);
}

static int
by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* A lock of the engine must not live on in its child. */
static void
close_inherited(const struct rt_launch *launch)
{
	int keep[] = {launch->sock, launch->out, launch->errs};
	qsort(keep, RT_COUNT(keep), sizeof(keep[0]), by_number);
	close_others(keep, RT_COUNT(keep));
}

static _Noreturn void
give_up(const struct rt_launch *launch, const struct rt_err *err)
{
	struct rt_note note = {.kind = RT_NOTE_PROBLEM, .ms = rt_clock_ms()};
	snprintf(note.text, sizeof(note.text), "%s", err->text);
	rt_note_send(launch->sock, &note, NULL);
	_exit(125);
}

static void
set_limit(int resource, rlim_t soft, rlim_t hard)
{
	struct rlimit limit;
	if (getrlimit((unsigned)resource, &limit) < 0)
		return;
	limit.rlim_max = hard < limit.rlim_max ? hard : limit.rlim_max;
	limit.rlim_cur = soft < limit.rlim_max ? soft : limit.rlim_max;
	setrlimit((unsigned)resource, &limit);
}

/* All of the user's processes count against RLIMIT_NPROC without a user namespace, and none of root's do anywhere. */
static rlim_t
process_limit(const struct rt_launch *launch)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	struct rt_err err = RT_ERR_INIT;
	/* "0.00 0.01 0.05 1/234 5678": the number behind the slash is all tasks of the machine. */
	if (launch->spec->level == RT_LEVEL_OF_NAMESPACES ||
	    rt_file_read(AT_FDCWD, "/proc/loadavg", 4096, &text, &err) < 0 || !strchr(text.data, '/'))
		return launch->max_pids;
	return launch->max_pids + strtoul(strchr(text.data, '/') + 1, NULL, 10);
}

static void
set_limits(const struct rt_launch *launch)
{
	set_limit(RLIMIT_CORE, 0, 0);
	set_limit(RLIMIT_NOFILE, 65536, 65536);
	set_limit(RLIMIT_FSIZE, (rlim_t)64 << 30, (rlim_t)64 << 30);
	set_limit(RLIMIT_STACK, (rlim_t)8 << 20, RLIM_INFINITY);
	rlim_t processes = process_limit(launch);
	set_limit(RLIMIT_NPROC, processes, processes);
	/* When memory runs out, the command goes before its init and the engine. */
	rt_auto(fd) int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		dprintf(fd, "500");
}

static int
set_streams(const struct rt_launch *launch, struct rt_err *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return rt_fail_errno(err, "cannot open /dev/null in the cell");
	if (dup2(null, 0) < 0 || dup2(launch->out, 1) < 0 || dup2(launch->errs, 2) < 0)
		return rt_fail_errno(err, "cannot set the command's streams");
	return 0;
}

static int
confine(const struct rt_launch *launch, struct rt_err *err)
{
	switch (launch->spec->level) {
	case RT_LEVEL_OF_NAMESPACES:
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			return rt_fail_errno(err, "cannot set no_new_privs");
		if (rt_landlock_enter_view(launch->landlock, launch->spec->nested, err) < 0)
			return -1;
		break;
	case RT_LEVEL_OF_LANDLOCK:
		if (rt_privilege_drop(err) < 0 || rt_landlock_enter_host(launch, err) < 0)
			return -1;
		break;
	case RT_LEVEL_OF_NONE:
	default:
		return 0;
	}
	return rt_seccomp_enter(launch->filter, err);
}

static _Noreturn void
command_main(const struct rt_launch *launch)
{
	struct rt_err err = RT_ERR_INIT;
	char *const *argv = launch->argv.at;
	sigset_t none;
	bool namespaces = launch->spec->level == RT_LEVEL_OF_NAMESPACES;
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	umask(022);
	if (set_streams(launch, &err) < 0)
		give_up(launch, &err);
	set_limits(launch);
	const char *workspace = namespaces ? RT_CELL_WORKSPACE : launch->tree;
	if (chdir(workspace) < 0) {
		rt_fail_errno(&err, "cannot enter the workspace %s", workspace);
		give_up(launch, &err);
	}
	environ = launch->env.at;
	if (confine(launch, &err) < 0)
		give_up(launch, &err);
	/* Behind confine: a change of credentials clears it. */
	if (!namespaces)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
	execvp(argv[0], argv);
	int code = errno == ENOENT || errno == ENOTDIR ? 127 : 126;
	dprintf(2, "%s: %s\n", argv[0], strerror(errno));
	_exit(code);
}

/* /proc of the cell shows only its own processes; init is not one of them. */
static unsigned
count_visible(void)
{
	DIR *dir = opendir("/proc");
	unsigned count = 0;
	if (!dir)
		return 1;
	for (struct dirent *entry; (entry = readdir(dir));)
		count += entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && strcmp(entry->d_name, "1") != 0;
	closedir(dir);
	return count;
}

/*
 * A process that hops from pid to pid slips through a scan of /proc, but not past the kernel: pid 1 may signal nobody
 * only when nobody is there, and a subreaper is without children only when it is without descendants.
 */
static unsigned
count_left(bool namespaces)
{
	struct rt_spare nobody = {0};
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	if (namespaces ? kill(-1, 0) < 0 : errno == ECHILD)
		return 0;
	unsigned seen = namespaces ? count_visible() : rt_tree_count(getpid(), nobody);
	return seen ? seen : 1;
}

/* Waits a moment for what is on its way out: a pipeline's last stage may end just after the shell. */
static unsigned
settle(bool namespaces)
{
	int64_t until = rt_clock_ms() + GRACE_MS;
	unsigned left;
	while ((left = count_left(namespaces)) && (rt_clock_ms() < until || !rt_defended(TREE)))
		usleep(2000);
	return left;
}

/* Returns whether the command ended; false: the engine wants everything dead, or is dead itself. */
static bool
wait_for(const struct rt_launch *launch, pid_t command, int signals, int *status)
{
	struct pollfd fds[2] = {{.fd = signals, .events = POLLIN}, {.fd = launch->sock, .events = POLLIN}};
	struct signalfd_siginfo info[16];
	for (;;) {
		for (pid_t pid; (pid = waitpid(-1, status, WNOHANG)) > 0;)
			if (pid == command)
				return true;
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return false;
		if (fds[1].revents)
			return false;
		if (fds[0].revents && read(signals, info, sizeof(info)) < 0 && errno != EAGAIN)
			return false;
	}
}

static _Noreturn void
supervise(const struct rt_launch *launch, int signals, pid_t command)
{
	bool namespaces = launch->spec->level == RT_LEVEL_OF_NAMESPACES;
	struct rt_note note = {.kind = RT_NOTE_EXIT};
	struct rt_spare nobody = {0};
	bool ended = wait_for(launch, command, signals, &note.status);
	note.ms = rt_clock_ms();
	if (ended)
		note.leaked = settle(namespaces);
	note.quiet = ended && launch->lends && note.leaked == 0 && rt_spaces_quiet();
	/* With namespaces everything dies with us, at once and by the kernel. */
	if (!namespaces)
		rt_tree_kill(getpid(), nobody, rt_clock_ms() + TREE_MS);
	if (ended)
		rt_note_send(launch->sock, &note, NULL);
	_exit(0);
}

static int
write_proc(const char *path, const char *text, struct rt_err *err)
{
	rt_auto(fd) int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || rt_write_all(fd, text, strlen(text)) < 0)
		return rt_fail_errno(err, "cannot write %s", path);
	return 0;
}

/* One id each way, and not 0 inside: exec then drops every capability, and files still belong to the caller outside. */
static int
map_ids(uid_t uid, gid_t gid, struct rt_err *err)
{
	char map[64];
	if (write_proc("/proc/self/setgroups", "deny", err) < 0)
		return -1;
	snprintf(map, sizeof(map), "1000 %u 1\n", uid);
	if (write_proc("/proc/self/uid_map", map, err) < 0)
		return -1;
	snprintf(map, sizeof(map), "1000 %u 1\n", gid);
	return write_proc("/proc/self/gid_map", map, err);
}

/* The command can read the arguments of pid 1; they would tell it who runs it. Nothing of the spec may be used
 * afterwards: its strings may be these arguments. Fields 48 and 49 of stat (proc(5)) say where they are. */
static void
hide_arguments(void)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	struct rt_err err = RT_ERR_INIT;
	unsigned long from = 0, to = 0;
	if (rt_file_read(AT_FDCWD, "/proc/self/stat", 4096, &text, &err) < 0)
		return;
	const char *at = strrchr(text.data, ')');
	for (int field = 2; at && field < 48; field++)
		at = strchr(at + 1, ' ');
	if (at && sscanf(at, "%lu %lu", &from, &to) == 2 && from && to > from)
		explicit_bzero((void *)from, to - from); /* NOLINT(performance-no-int-to-ptr) */
	prctl(PR_SET_NAME, "init");
}

static int
enter_namespaces(const struct rt_launch *launch, uid_t uid, gid_t gid, struct rt_enclosed *enclosed, struct rt_err *err)
{
	bool fresh = launch->spaces.fds[0] < 0;
	if (fresh && map_ids(uid, gid, err) < 0)
		return -1;
	/*
	 * Only now, so that the group the cell was started in is its root. An outer sandbox may allow none (ENOSPC;
	 * ours does): then the group's name shows, and its files are out of reach all the same, because only who owns
	 * the namespace may mount them.
	 */
	if (unshare(CLONE_NEWCGROUP) < 0 && errno != ENOSPC)
		return rt_fail_errno(err, "cannot make a cgroup namespace");
	if (fresh && sethostname("localhost", strlen("localhost")) < 0)
		return rt_fail_errno(err, "cannot set the host name");
	if (fresh && launch->spec->network == RT_NETWORK_LOOPBACK && rt_loopback_up(err) < 0)
		return -1;
	if (fresh && launch->lends && rt_spaces_open(&enclosed->spaces, err) < 0)
		return -1;
	if (rt_view_enter(launch, &enclosed->upper, err) < 0)
		return -1;
	hide_arguments();
	prctl(PR_SET_DUMPABLE, 0);
	return 0;
}

#define TICK_TRIES 2000 /* of half a millisecond: a clock that was set back is not waited for */

/*
 * A copied file's times must be older than the start, or the command's own could not be told from it. The start is read
 * from the coarse clock, which lags; a file's time may be exact (multigrain timestamps, Linux 6.13), so the coarse
 * clock has to pass what the exact one says now.
 */
static void
wait_for_tick(void)
{
	struct timespec exact, coarse;
	clock_gettime(CLOCK_REALTIME, &exact);
	for (int tries = 0; tries < TICK_TRIES; tries++) {
		clock_gettime(CLOCK_REALTIME_COARSE, &coarse);
		if (coarse.tv_sec > exact.tv_sec || (coarse.tv_sec == exact.tv_sec && coarse.tv_nsec > exact.tv_nsec))
			return;
		usleep(500);
	}
}

static int
enter_host(const struct rt_launch *launch, struct rt_err *err)
{
	const struct rt_cell_spec *spec = launch->spec;
	/* From here on the end of the socket tells of the engine's death, because there will be children to kill first.
	 */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 || prctl(PR_SET_PDEATHSIG, 0) < 0)
		return rt_fail_errno(err, "cannot become a subreaper");
	prctl(PR_SET_DUMPABLE, 0);
	const char *const *const lists[] = {spec->tools, spec->caches};
	for (size_t i = 0; i < RT_COUNT(lists); i++)
		for (const char *const *path = lists[i]; path && *path; path++) {
			size_t len = spec->home_of ? strlen(spec->home_of) : 0;
			if (!len || strncmp(*path, spec->home_of, len) != 0 || (*path)[len] != '/')
				continue;
			rt_auto(free) char *link = rt_format("%s%s", launch->home, *path + len);
			rt_auto(free) char *parent = rt_strndup(link, (size_t)(strrchr(link, '/') - link));
			if (rt_mkdirs(AT_FDCWD, parent, 0755, err) < 0)
				return -1;
			if (symlink(*path, link) < 0 && errno != EEXIST)
				return rt_fail_errno(err, "cannot make the link %s", link);
		}
	return 0;
}

static int
copy_workspace(const struct rt_launch *launch, struct rt_err *err)
{
	if (launch->workspace != RT_WORKSPACE_COPY || launch->rehearsal)
		return 0;
	if (rt_layers_flatten(launch->spec->lowers, launch->tree, err) < 0)
		return -1;
	wait_for_tick();
	return 0;
}

static void
announce(const struct rt_launch *launch, const struct rt_enclosed *enclosed)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	struct rt_note note = {
	    .kind = RT_NOTE_READY, .ms = rt_clock_ms(), .start_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec};
	rt_note_send(launch->sock, &note, enclosed);
}

/* The engine's byte says that it is alive and has done its part; without it, leave. */
static void
wait_for_go(const struct rt_launch *launch)
{
	char byte;
	ssize_t got;
	do
		got = recv(launch->sock, &byte, 1, 0);
	while (got < 0 && errno == EINTR);
	if (got != 1)
		_exit(125);
}

static _Noreturn void
init_main(const struct rt_launch *launch, uid_t uid, gid_t gid)
{
	struct rt_err err = RT_ERR_INIT;
	bool namespaces = launch->spec->level == RT_LEVEL_OF_NAMESPACES;
	struct rt_enclosed enclosed = RT_ENCLOSED_INIT;
	sigset_t child;
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close_inherited(launch);
	wait_for_go(launch);
	if (copy_workspace(launch, &err) < 0)
		give_up(launch, &err);
	if ((namespaces ? enter_namespaces(launch, uid, gid, &enclosed, &err) : enter_host(launch, &err)) < 0)
		give_up(launch, &err);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	announce(launch, &enclosed);
	if (launch->rehearsal)
		_exit(0);
	/* No copy of the memory, which costs more than all mounts: the child goes straight to exec, or leaves with
	 * _exit. */
	pid_t command = vfork();
	if (command == 0)
		command_main(launch);
	if (command < 0) {
		rt_fail_errno(&err, "cannot start a process");
		give_up(launch, &err);
	}
	/* From here on nothing of ours holds a pipe: its end means that the command and all it started are gone. */
	close_others(&launch->sock, 1);
	int null = open("/dev/null", O_RDWR);
	for (int fd = 0; fd < 3 && null >= 0; fd++)
		dup2(null, fd);
	supervise(launch, signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK), command);
}

static void
reset_handlers(void)
{
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
}

static uint64_t
namespace_flags(const struct rt_launch *launch)
{
	if (launch->spec->level != RT_LEVEL_OF_NAMESPACES)
		return 0;
	uint64_t flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC;
	if (launch->spaces.fds[0] >= 0)
		return flags;
	flags |= CLONE_NEWUSER | CLONE_NEWUTS;
	return launch->spec->network == RT_NETWORK_HOST ? flags : flags | CLONE_NEWNET;
}

/* clone3, or clone where an outer sandbox hides it or the group cannot be entered. */
static pid_t
clone_init(uint64_t flags, int cgroup)
{
	/* a child of the parent's takes the signal that the caller itself ends with */
	uint64_t ends_with = flags & CLONE_PARENT ? 0 : SIGCHLD;
	struct clone_args args = {.flags = flags | (cgroup >= 0 ? CLONE_INTO_CGROUP : 0),
				  .exit_signal = ends_with,
				  .cgroup = cgroup >= 0 ? (uint64_t)cgroup : 0};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0)
		pid = (pid_t)syscall(SYS_clone, flags | ends_with, NULL, NULL, NULL, 0);
	return pid;
}

static _Noreturn void
start_init(const struct rt_launch *launch, uid_t uid, gid_t gid)
{
	sigset_t none;
	reset_handlers();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	init_main(launch, uid, gid);
}

/*
 * A process that has entered another user namespace can't come back, so one in between does, on the engine's memory
 * (vfork), and makes init a child of the engine's.
 */
static pid_t
spawn_in_spaces(const struct rt_launch *launch, int cgroup, uid_t uid, gid_t gid)
{
	volatile pid_t pid = -1;
	volatile int failed = 0;
	pid_t between = vfork();
	if (between == 0) {
		if (rt_spaces_enter(&launch->spaces) == 0)
			pid = clone_init(namespace_flags(launch) | CLONE_PARENT, cgroup);
		if (pid == 0)
			start_init(launch, uid, gid);
		failed = errno;
		_exit(0);
	}
	while (between > 0 && waitpid(between, NULL, 0) < 0 && errno == EINTR)
		;
	if (pid < 0 && between > 0)
		errno = failed;
	return pid;
}

int
rt_spawn(const struct rt_launch *launch, int cgroup, pid_t *pid, int *pidfd, struct rt_err *err)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	sigset_t all, before;
	/* A signal handler of the engine must not run in the child. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	*pidfd = -1;
	if (launch->spaces.fds[0] >= 0)
		*pid = spawn_in_spaces(launch, cgroup, uid, gid);
	else if ((*pid = clone_init(namespace_flags(launch), cgroup)) == 0)
		start_init(launch, uid, gid);
	/* nobody else waits for the child, so that its number is still its own */
	if (*pid > 0)
		*pidfd = (int)syscall(SYS_pidfd_open, *pid, 0);
	int saved = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = saved;
	if (*pid < 0)
		return rt_fail_errno(
		    err, "cannot start %s",
		    launch->spec->level == RT_LEVEL_OF_NAMESPACES ? "a process in namespaces of its own" : "a process");
	if (*pidfd < 0) {
		int failed = errno;
		kill(*pid, SIGKILL);
		waitpid(*pid, NULL, 0);
		errno = failed;
		return rt_fail_errno(err, "cannot hold on to a process");
	}
	return 0;
}
