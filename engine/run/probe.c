#include "run/inner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/clock.h"

#define PROBE_MS 10000

static const char *const names[] = {
#define X(name, text) text,
    RT_ISOLATIONS(X)
#undef X
};

const char *
rt_isolation_name(enum rt_isolation level)
{
	return names[level];
}

int
rt_isolation_parse(const char *name, enum rt_isolation *out)
{
	for (size_t i = 0; i < RT_COUNT(names); i++) {
		if (strcmp(names[i], name) == 0) {
			*out = (enum rt_isolation)i;
			return 0;
		}
	}
	return -1;
}

/* Returns whether init said that all is ready; its problem otherwise goes into err. */
static bool
hear(int sock, int pidfd, struct rt_err *err)
{
	struct pollfd fds = {.fd = sock, .events = POLLIN};
	struct rt_note note;
	int fd = -1;
	while (poll(&fds, 1, PROBE_MS) < 0 && errno == EINTR)
		;
	int got = rt_note_receive(sock, &note, &fd);
	rt_close(fd);
	syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	if (got == 1 && note.kind == RT_NOTE_READY)
		return true;
	if (got == 1)
		rt_fail(err, RT_EUNKNOWN, "%s", note.text);
	else
		rt_fail(err, RT_EUNKNOWN, "the trial process ended without a word");
	return false;
}

/* Builds a whole cell, but runs nothing in it. */
static bool
rehearse(enum rt_workspace how, struct rt_err *err)
{
	static const char *const argv[] = {"true", NULL}, *const lowers[] = {"/usr", NULL};
	struct rt_cell_spec spec = {
	    .name = "probe", .argv = argv, .lowers = lowers, .level = RT_LEVEL_OF_NAMESPACES, .tmp_bytes = 1 << 20};
	struct rt_launch launch = RT_LAUNCH_INIT;
	rt_auto(fd) int pidfd = -1;
	int ends[2] = {-1, -1};
	pid_t pid;
	bool ready = false;
	launch.rehearsal = true;
	if (rt_launch_prepare(&launch, &spec, how, err) == 0 &&
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0) {
		launch.sock = ends[1];
		if (rt_spawn(&launch, -1, &pid, &pidfd, err) == 0) {
			rt_close(launch.sock);
			launch.sock = -1;
			if (send(ends[0], "", 1, MSG_NOSIGNAL) == 1)
				ready = hear(ends[0], pidfd, err);
			while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
				;
		}
	}
	rt_close(ends[0]);
	rt_launch_release(&launch);
	return ready;
}

static void
examine(struct rt_machine *machine)
{
	struct rt_err err = RT_ERR_INIT;
	machine->landlock = rt_landlock_abi();
	if (machine->landlock < 2)
		rt_strs_addf(
		    &machine->why,
		    "Landlock: ABI %d, 2 is needed; boot a kernel with CONFIG_SECURITY_LANDLOCK and lsm=landlock,...",
		    machine->landlock);
	machine->overlay_in_memory = rehearse(RT_WORKSPACE_MEMORY, &err);
	if (machine->overlay_in_memory) {
		machine->namespaces = machine->overlay = true;
		return;
	}
	rt_strs_addf(&machine->why, "workspace in memory: %s", err.text);
	machine->overlay = rehearse(RT_WORKSPACE_DISK, &err);
	machine->namespaces = machine->overlay || rehearse(RT_WORKSPACE_COPY, &err);
	if (!machine->overlay && machine->namespaces)
		rt_strs_addf(
		    &machine->why,
		    "overlays: not in a user namespace here; every cell copies its workspace (Linux 5.11 mends it)");
	if (!machine->namespaces)
		rt_strs_addf(&machine->why,
			     "namespaces: %s; allow user namespaces (sysctl user.max_user_namespaces, "
			     "kernel.unprivileged_userns_clone=1, "
			     "kernel.apparmor_restrict_unprivileged_userns=0; in a container: --security-opt "
			     "seccomp=unconfined)",
			     err.text);
}

const struct rt_machine *
rt_machine(void)
{
	static struct rt_machine machine;
	static bool known;
	if (!known) {
		examine(&machine);
		known = true;
	}
	return &machine;
}

enum rt_isolation
rt_isolation_probe(struct rt_strs *why)
{
	const struct rt_machine *machine = rt_machine();
	const char *lower = getenv("RATCHET_TEST_ISOLATION");
	enum rt_isolation best = machine->namespaces	  ? RT_LEVEL_OF_NAMESPACES
				 : machine->landlock >= 2 ? RT_LEVEL_OF_LANDLOCK
							  : RT_LEVEL_OF_NONE;
	enum rt_isolation wanted;
	for (size_t i = 0; why && i < machine->why.n; i++)
		rt_strs_add(why, machine->why.at[i]);
	if (!lower || rt_isolation_parse(lower, &wanted) < 0 || wanted >= best)
		return best;
	if (why)
		rt_strs_addf(why, "RATCHET_TEST_ISOLATION lowers the level to %s", lower);
	return wanted;
}

bool
rt_overlay_works(void)
{
	return rt_machine()->overlay;
}
