/*
 * The cell's init. It is pid 1 of the namespaces, or a subreaper without them. It keeps its capabilities in the cell's
 * user namespace and is not dumpable, so the command, which has none, can neither trace it nor open its descriptors.
 */

#include "run/inner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/clock.h"
#include "support/defence.h"

/* How long a process that is just ending may take after the command before it counts as left behind. */
#define GRACE_MS 100
/* How long the supervisor of a cell without namespaces tries to kill what is left. */
#define TREE_MS 20000

extern char **environ;

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

/* Each line of /proc/net/dev (proc(5)) is "name: bytes packets ..." with what was received first. */
static bool
loopback_is_unused(int traffic)
{
	char text[4096];
	ssize_t len = pread(traffic, text, sizeof(text) - 1, 0);
	if (len < 0)
		return false;
	text[len] = '\0';
	const char *line = strstr(text, "lo:");
	return line && strtoull(line + strlen("lo:"), NULL, 10) == 0;
}

static _Noreturn void
supervise(const struct rt_launch *launch, int signals, pid_t command, struct rt_cradle *cradle)
{
	bool namespaces = launch->spec->level == RT_LEVEL_OF_NAMESPACES;
	struct rt_note note = {.kind = RT_NOTE_EXIT};
	struct rt_spare nobody = {0};
	bool ended = wait_for(launch, command, signals, &note.status);
	note.ms = rt_clock_ms();
	if (ended)
		note.leaked = settle(namespaces);
	if (cradle)
		cradle->quiet = ended && note.leaked == 0 && loopback_is_unused(cradle->traffic);
	/* With namespaces everything dies with us, at once and by the kernel. */
	if (!namespaces)
		rt_tree_kill(getpid(), nobody, rt_clock_ms() + TREE_MS);
	if (ended)
		rt_note_send(launch->sock, &note, -1);
	_exit(0);
}

static void
announce(const struct rt_launch *launch, int upper)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	struct rt_note note = {
	    .kind = RT_NOTE_READY, .ms = rt_clock_ms(), .start_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec};
	rt_note_send(launch->sock, &note, upper);
}

/* No copy of the memory, which costs more than all mounts: the child goes straight to exec, or leaves with _exit. */
static pid_t
start_command(const struct rt_launch *launch, int domain)
{
	pid_t command = vfork();
	if (command == 0)
		rt_command_main(launch, domain);
	return command;
}

_Noreturn void
rt_init_main(const struct rt_launch *launch, struct rt_cradle *cradle)
{
	struct rt_err err = RT_ERR_INIT;
	char **own_environment = environ;
	int domain = cradle ? cradle->domain : -1;
	sigset_t child;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	int signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	announce(launch, cradle ? cradle->upper : -1);
	if (launch->rehearsal)
		_exit(0);
	/* Not even until its exec shall the command have anything else. */
	rt_close_others(
	    (int[]){launch->sock, launch->out, launch->errs, signals, domain, cradle ? cradle->traffic : -1}, 6);
	pid_t command = start_command(launch, domain);
	environ = own_environment;
	if (command < 0) {
		rt_fail_errno(&err, "cannot start a process");
		rt_give_up(launch, &err);
	}
	/* From here on nothing of ours holds a pipe: its end means that the command and all it started are gone. */
	rt_close(domain);
	rt_close(launch->out);
	if (launch->errs != launch->out)
		rt_close(launch->errs);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd < 3 && null >= 0; fd++)
		dup2(null, fd);
	supervise(launch, signals, command, cradle);
}
