/*
 * Between vfork and exec: what the command may use of the machine, and the locks it puts on behind itself. It runs on
 * the memory of its init, and leaves nothing there but `environ`, which init sets back.
 */

#include "run/inner.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/file.h"

extern char **environ;

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
confine(const struct rt_launch *launch, int domain, struct rt_err *err)
{
	switch (launch->spec->level) {
	case RT_LEVEL_OF_NAMESPACES:
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			return rt_fail_errno(err, "cannot set no_new_privs");
		if (domain >= 0 && rt_landlock_enter(domain, err) < 0)
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

_Noreturn void
rt_command_main(const struct rt_launch *launch, int domain)
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
		rt_give_up(launch, &err);
	set_limits(launch);
	const char *workspace = namespaces ? RT_CELL_WORKSPACE : launch->tree;
	if (chdir(workspace) < 0) {
		rt_fail_errno(&err, "cannot enter the workspace %s", workspace);
		rt_give_up(launch, &err);
	}
	environ = launch->env.at;
	if (confine(launch, domain, &err) < 0)
		rt_give_up(launch, &err);
	/* Behind confine: a change of credentials clears it. */
	if (!namespaces)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
	execvp(argv[0], argv);
	int code = errno == ENOENT || errno == ENOTDIR ? 127 : 126;
	dprintf(2, "%s: %s\n", argv[0], strerror(errno));
	_exit(code);
}
