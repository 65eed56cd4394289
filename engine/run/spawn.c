/*
 * Starts the process that looks after a cell: a keeper in namespaces (keeper.c), or without them the cell's init
 * itself.
 */

#include "run/inner.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/clock.h"
#include "support/file.h"

static int
by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

void
rt_close_others(int *keep, size_t n)
{
	unsigned from = 3;
	qsort(keep, n, sizeof(*keep), by_number);
	for (size_t i = 0; i < n; i++) {
		if (keep[i] < (int)from)
			continue;
		if (keep[i] > (int)from)
			syscall(SYS_close_range, from, (unsigned)keep[i] - 1, 0);
		from = (unsigned)keep[i] + 1;
	}
	syscall(SYS_close_range, from, ~0U, 0);
}

_Noreturn void
rt_give_up(const struct rt_launch *launch, const struct rt_err *err)
{
	struct rt_note note = {.kind = RT_NOTE_PROBLEM, .ms = rt_clock_ms()};
	snprintf(note.text, sizeof(note.text), "%s", err->text);
	rt_note_send(launch->sock, &note, -1);
	_exit(125);
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

int
rt_copy_workspace(const struct rt_launch *launch, struct rt_err *err)
{
	if (launch->workspace != RT_WORKSPACE_COPY || launch->rehearsal)
		return 0;
	if (rt_layers_flatten(launch->spec->lowers, launch->tree, err) < 0)
		return -1;
	wait_for_tick();
	return 0;
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
child_main(const struct rt_launch *launch, uid_t uid, gid_t gid)
{
	struct rt_err err = RT_ERR_INIT;
	sigset_t none;
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* a lock of the engine must not live on in its child */
	rt_close_others((int[]){launch->sock, launch->out, launch->errs}, 3);
	wait_for_go(launch);
	if (launch->spec->level == RT_LEVEL_OF_NAMESPACES)
		rt_keeper_main(launch, uid, gid);
	if (rt_copy_workspace(launch, &err) < 0 || enter_host(launch, &err) < 0)
		rt_give_up(launch, &err);
	rt_init_main(launch, NULL);
}

static uint64_t
namespace_flags(const struct rt_launch *launch)
{
	uint64_t flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS;
	if (launch->spec->level != RT_LEVEL_OF_NAMESPACES)
		return 0;
	return launch->spec->network == RT_NETWORK_HOST ? flags : flags | CLONE_NEWNET;
}

/* clone3, or clone where an outer sandbox hides it or the group cannot be entered. */
static pid_t
clone_child(uint64_t flags, int cgroup)
{
	struct clone_args args = {.flags = flags | (cgroup >= 0 ? CLONE_INTO_CGROUP : 0),
				  .exit_signal = SIGCHLD,
				  .cgroup = cgroup >= 0 ? (uint64_t)cgroup : 0};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0)
		pid = (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, 0);
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
	*pid = clone_child(namespace_flags(launch), cgroup);
	if (*pid == 0)
		child_main(launch, uid, gid);
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
