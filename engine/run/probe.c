#include "run/inner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/clock.h"
#include "support/file.h"

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

/* Returns whether init said that all is ready; the problem otherwise goes into err. */
static bool
hear(int sock, int pidfd, struct rt_err *err)
{
	struct pollfd fds = {.fd = sock, .events = POLLIN};
	struct rt_note note;
	rt_auto(fd) int upper = -1;
	while (poll(&fds, 1, PROBE_MS) < 0 && errno == EINTR)
		;
	int got = rt_note_receive(sock, &note, &upper);
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

/* ---- good news is kept ---- */

static char *kept_at;

void
rt_isolation_keep(const char *path)
{
	free(kept_at);
	kept_at = rt_strdup(path);
}

static void
add_link(struct rt_buf *facts, const char *path)
{
	char target[64];
	ssize_t len = readlink(path, target, sizeof(target));
	rt_buf_add(facts, target, len < 0 ? 0 : (size_t)len);
	rt_buf_addc(facts, '\n');
}

/* All that decides whether a trial would end as the last one did: this boot's kernel, who asks from where, and what
 * forbids namespaces. */
static void
list_facts(struct rt_buf *facts)
{
	static const char *const files[] = {"/proc/sys/kernel/random/boot_id",
					    "/proc/sys/user/max_user_namespaces",
					    "/proc/sys/user/max_net_namespaces",
					    "/proc/sys/kernel/unprivileged_userns_clone",
					    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
					    "/proc/self/attr/current"};
	struct rt_err ignored = RT_ERR_INIT;
	rt_buf_addf(facts, "1 %u %u %d\n", geteuid(), getegid(), prctl(PR_GET_SECCOMP));
	add_link(facts, "/proc/self/ns/user");
	add_link(facts, "/proc/self/ns/mnt");
	for (size_t i = 0; i < RT_COUNT(files); i++)
		if (rt_file_read(AT_FDCWD, files[i], 4096, facts, &ignored) < 0)
			rt_buf_adds(facts, "-\n");
}

static bool
is_kept(const struct rt_buf *facts)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	struct rt_err ignored = RT_ERR_INIT;
	return rt_exists(AT_FDCWD, kept_at) && rt_file_read(AT_FDCWD, kept_at, 65536, &text, &ignored) == 0 &&
	       text.len == facts->len && memcmp(text.data, facts->data, text.len) == 0;
}

/* Not durable, and no trouble where it can't be written: the next command tries again. */
static void
keep(const struct rt_buf *facts)
{
	rt_auto(free) char *own = rt_format("%s.%ld", kept_at, (long)getpid());
	rt_auto(fd) int fd = open(own, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return;
	if (rt_write_all(fd, facts->data, facts->len) < 0 || rename(own, kept_at) < 0)
		unlink(own);
}

void
rt_machine_forget(void)
{
	if (kept_at)
		unlink(kept_at);
}

static void
examine_or_remember(struct rt_machine *machine)
{
	rt_auto(buf) struct rt_buf facts = RT_BUF_INIT;
	if (!kept_at) {
		examine(machine);
		return;
	}
	list_facts(&facts);
	if (is_kept(&facts)) {
		machine->landlock = rt_landlock_abi();
		machine->namespaces = machine->overlay = machine->overlay_in_memory = true;
		return;
	}
	examine(machine);
	if (machine->overlay_in_memory && machine->landlock >= 2)
		keep(&facts);
}

const struct rt_machine *
rt_machine(void)
{
	static struct rt_machine machine;
	static bool known;
	if (!known) {
		examine_or_remember(&machine);
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
