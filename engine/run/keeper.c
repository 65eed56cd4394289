/*
 * The keeper of cells: a process in the user, network, host name and control group namespaces of the cells that it
 * serves one after the other, and pid 1 of a process namespace that theirs lie in, so that all they are dies with it.
 * It builds once what all its cells see (view.c). A cell starts with a copy of that and with mount, process and
 * inter-process communication namespaces of its own; whoever is first in them is the cell's init (init.c). What passes
 * from cell to cell are the namespaces that cost most to make and hold nothing: another cell is served only if the last
 * one left no process and nothing ever went over its loopback interface, by which a network namespace could tell.
 *
 * Init is no copy of the keeper, which would cost more than all mounts, but runs on its memory while the keeper
 * sleeps (CLONE_VFORK); the memory is the engine's as it was when the keeper started. An init that ended in another way
 * than by itself may have left it in any state, and the keeper ends too.
 */

#include "run/inner.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/own.h"
#include "support/clock.h"
#include "support/file.h"

#define MUCH_FILES 200
#define MUCH_BYTES ((uint64_t)16 << 20)
#define INIT_STACK ((size_t)512 << 10)

struct keeper {
	const struct rt_launch *first; /* its socket is the keeper's */
	int host;		       /* mount namespace: a copy of the host's */
	int view;		       /* mount namespace: what cells start with */
	int numbers;		       /* /proc/self/fd */
	int traffic;		       /* /proc/net/dev of its network namespace */
	int root, dev;		       /* directories of what cells start with */
	bool again;		       /* it has served a cell */
	bool busy;		       /* that cell wrote so much that it goes slowly */
	bool on_host;		       /* that cell's tmpfs is still attached among the host's mounts */
};

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
loopback_up(struct rt_err *err)
{
	rt_auto(fd) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		return rt_fail_errno(err, "cannot bring the loopback interface up");
	return 0;
}

static int
open_file(const char *path, int flags, int *fd, struct rt_err *err)
{
	*fd = open(path, flags | O_CLOEXEC);
	return *fd < 0 ? rt_fail_errno(err, "cannot open %s", path) : 0;
}

static int
enter(struct keeper *keeper, uid_t uid, gid_t gid, struct rt_err *err)
{
	const struct rt_launch *launch = keeper->first;
	if (map_ids(uid, gid, err) < 0)
		return -1;
	/*
	 * Only now, so that the group the keeper was started in is its root. An outer sandbox may allow none (ENOSPC;
	 * ours does): then the group's name shows, and its files are out of reach all the same, because only who owns
	 * the namespace may mount them.
	 */
	if (unshare(CLONE_NEWCGROUP) < 0 && errno != ENOSPC)
		return rt_fail_errno(err, "cannot make a cgroup namespace");
	if (sethostname("localhost", strlen("localhost")) < 0)
		return rt_fail_errno(err, "cannot set the host name");
	if (launch->spec->network == RT_NETWORK_LOOPBACK && loopback_up(err) < 0)
		return -1;
	if (open_file("/proc/self/ns/mnt", O_RDONLY, &keeper->host, err) < 0 ||
	    open_file("/proc/self/fd", O_RDONLY, &keeper->numbers, err) < 0 ||
	    open_file("/proc/net/dev", O_RDONLY, &keeper->traffic, err) < 0)
		return -1;
	if (unshare(CLONE_NEWNS) < 0)
		return rt_fail_errno(err, "cannot make a mount namespace");
	if (rt_view_enter(launch, err) < 0 || open_file("/proc/self/ns/mnt", O_RDONLY, &keeper->view, err) < 0 ||
	    open_file("/", O_PATH, &keeper->root, err) < 0 || open_file("/dev", O_PATH, &keeper->dev, err) < 0)
		return -1;
	hide_arguments();
	prctl(PR_SET_DUMPABLE, 0);
	return 0;
}

static int
enter_host(const struct keeper *keeper, struct rt_err *err)
{
	if (setns(keeper->host, CLONE_NEWNS) < 0)
		return rt_fail_errno(err, "cannot go to the host's mounts");
	return 0;
}

/* Out of the last cell, whose mounts and memory go with that. */
static int
go_home(struct keeper *keeper, struct rt_err *err)
{
	if (enter_host(keeper, err) < 0)
		return -1;
	bool on_host = keeper->on_host;
	keeper->on_host = false;
	if (on_host && umount2(RT_OWN_STORE, MNT_DETACH) < 0)
		return rt_fail_errno(err, "cannot leave the last cell");
	return 0;
}

/* Makes what the cell needs of the host, and goes to the cell's namespaces with it. */
static int
enter_cell(const struct keeper *keeper, const struct rt_launch *launch, struct rt_own *own, struct rt_err *err)
{
	if (rt_copy_workspace(launch, err) < 0 || rt_own_make(own, launch, keeper->numbers, err) < 0)
		return -1;
	if (setns(keeper->view, CLONE_NEWNS) < 0)
		return rt_fail_errno(err, "cannot go to the mounts of all cells");
	if (unshare(CLONE_NEWNS | CLONE_NEWIPC) < 0)
		return rt_fail_errno(err, "cannot make namespaces for a cell");
	return rt_own_show(own, err);
}

/* The kernel takes some 15 us for each file of a tmpfs that goes, and a millisecond for 16 MiB. */
static bool
wrote_much(int store)
{
	struct statfs fs;
	if (fstatfs(store, &fs) < 0)
		return false;
	return fs.f_files - fs.f_ffree > MUCH_FILES || fs.f_blocks - fs.f_bfree > MUCH_BYTES / (uint64_t)fs.f_bsize;
}

struct birth {
	const struct keeper *keeper;
	const struct rt_launch *launch;
	struct rt_own *own;
	struct rt_cradle cradle;
};

static int
make_domain(struct birth *birth, struct rt_err *err)
{
	const struct rt_own *own = birth->own;
	const struct rt_launch *launch = birth->launch;
	const int writable[] = {own->workspace, own->reports, own->tmp, own->home, birth->keeper->dev, own->proc};
	return rt_landlock_make_view(&birth->cradle.domain, launch->landlock, launch->spec->nested, birth->keeper->root,
				     writable, RT_COUNT(writable), err);
}

static int
first_in_cell(void *data)
{
	struct birth *birth = data;
	struct rt_err err = RT_ERR_INIT;
	prctl(PR_SET_NAME, "init");
	if (rt_own_show_proc(birth->own, birth->launch, birth->keeper->again, &err) < 0 || make_domain(birth, &err) < 0)
		rt_give_up(birth->launch, &err);
	rt_init_main(birth->launch, &birth->cradle);
}

/* Returns when init has ended, or was killed: it needs the room on this stack until then. */
static pid_t
start_init(struct birth *birth)
{
	_Alignas(16) char stack[INIT_STACK];
	return clone(first_in_cell, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | CLONE_NEWPID | SIGCHLD, birth);
}

/* Returns whether another cell may follow: this one's init ended by itself and said that it was quiet. */
static bool
serve(struct keeper *keeper, const struct rt_launch *launch)
{
	struct rt_err err = RT_ERR_INIT;
	rt_auto(own) struct rt_own own = RT_OWN_INIT;
	int status = 0;
	if (enter_cell(keeper, launch, &own, &err) < 0)
		rt_give_up(launch, &err);
	keeper->on_host = own.on_host;
	struct birth birth = {.keeper = keeper,
			      .launch = launch,
			      .own = &own,
			      .cradle = {.upper = own.upper, .traffic = keeper->traffic, .domain = -1}};
	pid_t init = start_init(&birth);
	if (init < 0) {
		rt_fail_errno(&err, "cannot start a process in namespaces of its own");
		rt_give_up(launch, &err);
	}
	/* before it can be known that the cell is over: the pipes have to be at their end then */
	rt_close(launch->out);
	if (launch->errs != launch->out)
		rt_close(launch->errs);
	while (waitpid(init, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	own.proc = -1; /* a number among init's descriptors, not ours */
	keeper->again = true;
	keeper->busy = wrote_much(own.tmp);
	return launch->lends && birth.cradle.quiet && status == 0;
}

/* The engine need not wait until the mounts are gone. */
static bool
is_asked_again(struct keeper *keeper, struct rt_request *request)
{
	struct rt_err err = RT_ERR_INIT;
	struct rt_note over = {.kind = RT_NOTE_OVER, .busy = keeper->busy}, home = {.kind = RT_NOTE_HOME};
	if (rt_note_send(keeper->first->sock, &over, -1) < 0)
		return false;
	if (go_home(keeper, &err) < 0)
		rt_give_up(keeper->first, &err);
	if (keeper->busy && rt_note_send(keeper->first->sock, &home, -1) < 0)
		return false;
	return rt_request_receive(request, keeper->first) == 0;
}

_Noreturn void
rt_keeper_main(const struct rt_launch *launch, uid_t uid, gid_t gid)
{
	struct rt_err err = RT_ERR_INIT;
	struct keeper keeper = {
	    .first = launch, .host = -1, .view = -1, .numbers = -1, .traffic = -1, .root = -1, .dev = -1};
	struct rt_request request;
	if (enter(&keeper, uid, gid, &err) < 0 || enter_host(&keeper, &err) < 0)
		rt_give_up(launch, &err);
	bool more = serve(&keeper, launch);
	while (more && is_asked_again(&keeper, &request)) {
		more = serve(&keeper, &request.launch);
		request.launch.out = request.launch.errs = -1; /* serve closed them */
		rt_request_release(&request);
	}
	_exit(0);
}
