#include "run/live.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/clock.h"
#include "support/file.h"

#define SETUP_MS (10 * 60 * 1000) /* copying a workspace is the slow case */
#define DRAIN_MS 1000
#define TIGHTEN_MS 1000 /* what ends before costs nothing more */
#define DEFAULT_STDOUT ((uint64_t)1 << 30)

void
rt_live_close(struct rt_live *cell)
{
	int *const fds[] = {&cell->out, &cell->errs};
	for (size_t i = 0; i < RT_COUNT(fds); i++) {
		rt_close(*fds[i]);
		*fds[i] = -1;
	}
}

/* With namespaces the kernel kills all that is below before it reports the minder's end. */
void
rt_minder_dismiss(struct rt_minder *minder)
{
	siginfo_t info;
	rt_close(minder->sock);
	if (minder->pidfd >= 0) {
		syscall(SYS_pidfd_send_signal, minder->pidfd, SIGKILL, NULL, 0);
		while (waitid(P_PIDFD, (id_t)minder->pidfd, &info, WEXITED) < 0 && errno == EINTR)
			;
		rt_close(minder->pidfd);
	}
	rt_cage_release(&minder->cage);
	free(minder->kind);
	*minder = (struct rt_minder)RT_MINDER_INIT;
}

void
rt_cell_outcome_free(struct rt_cell_outcome *outcome)
{
	struct rt_live *cell = (struct rt_live *)outcome;
	if (!cell)
		return;
	rt_live_close(cell);
	rt_minder_dismiss(&cell->minder);
	rt_close(outcome->upper_fd);
	rt_launch_release(&cell->launch);
	rt_log_release(&cell->log);
	rt_buf_release(&outcome->log);
	rt_buf_release(&outcome->problem);
	free(cell);
}

struct rt_live *
rt_live_new(const struct rt_cell_spec *spec)
{
	struct rt_live *cell = rt_alloc(1, sizeof(*cell));
	*cell = (struct rt_live){
	    .outcome = {.spec = spec, .level = spec->level, .log = RT_BUF_INIT, .problem = RT_BUF_INIT, .upper_fd = -1},
	    .launch = RT_LAUNCH_INIT,
	    .minder = RT_MINDER_INIT,
	    .log = RT_LOG_INIT,
	    .out = -1,
	    .errs = -1,
	    .silent_at = RT_LIVE_NEVER,
	    .stuck_at = RT_LIVE_NEVER,
	    .tighten_at = RT_LIVE_NEVER,
	    .drained_at = RT_LIVE_NEVER};
	return cell;
}

/* Both streams share a pipe, which keeps their order, unless one is wanted by itself. */
static int
open_channels(struct rt_live *cell, struct rt_err *err)
{
	int out[2], errs[2];
	if (pipe2(out, O_CLOEXEC) < 0)
		return rt_fail_errno(err, "cannot make a pipe");
	cell->out = out[0];
	cell->launch.out = cell->launch.errs = out[1];
	if (cell->outcome.spec->output_fd >= 0 && cell->outcome.spec->streams != RT_STREAMS_BOTH) {
		if (pipe2(errs, O_CLOEXEC) < 0)
			return rt_fail_errno(err, "cannot make a pipe");
		cell->errs = errs[0];
		cell->launch.errs = errs[1];
	}
	fcntl(cell->out, F_SETFL, O_NONBLOCK);
	if (cell->errs >= 0)
		fcntl(cell->errs, F_SETFL, O_NONBLOCK);
	return 0;
}

static void
close_child_ends(struct rt_launch *launch)
{
	rt_close(launch->sock);
	rt_close(launch->out);
	if (launch->errs != launch->out)
		rt_close(launch->errs);
	launch->sock = launch->out = launch->errs = -1;
}

static enum rt_workspace
place_of_changes(void)
{
	const struct rt_machine *machine = rt_machine();
	if (machine->overlay_in_memory)
		return RT_WORKSPACE_MEMORY;
	return machine->overlay ? RT_WORKSPACE_DISK : RT_WORKSPACE_COPY;
}

static int
start_minder(struct rt_live *cell, struct rt_err *err)
{
	struct rt_minder *minder = &cell->minder;
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return rt_fail_errno(err, "cannot make a socket pair");
	minder->sock = ends[0];
	cell->launch.sock = ends[1];
	rt_cage_make(&minder->cage, cell->outcome.spec);
	if (rt_spawn(&cell->launch, minder->cage.dir, &minder->pid, &minder->pidfd, err) < 0) {
		rt_machine_forget();
		return -1;
	}
	rt_cage_admit(&minder->cage, minder->pid);
	/* A failure shows as the end of the socket. */
	if (send(minder->sock, "", 1, MSG_NOSIGNAL) < 0)
		errno = 0;
	return 0;
}

/* By a new one where the one at hand can't be asked. */
static int
ask_minder(struct rt_live *cell, struct rt_err *err)
{
	struct rt_minder *minder = &cell->minder;
	if (minder->pidfd >= 0) {
		if (rt_request_send(minder->sock, &cell->launch) == 0)
			return 0;
		char *kind = rt_steal(&minder->kind);
		rt_minder_dismiss(minder);
		minder->kind = kind;
	}
	return start_minder(cell, err);
}

int
rt_live_start(struct rt_live *cell, struct rt_err *err)
{
	const struct rt_cell_spec *spec = cell->outcome.spec;
	enum rt_workspace how = spec->level == RT_LEVEL_OF_NAMESPACES ? place_of_changes() : RT_WORKSPACE_COPY;
	if (rt_launch_prepare(&cell->launch, spec, how, err) < 0 || open_channels(cell, err) < 0)
		return -1;
	cell->launch.lends = cell->minder.kind;
	if (ask_minder(cell, err) < 0)
		return -1;
	close_child_ends(&cell->launch);
	cell->ready_ms = rt_clock_ms();
	cell->deadline = cell->ready_ms + SETUP_MS;
	cell->outcome.upper_is_copy = cell->launch.workspace == RT_WORKSPACE_COPY;
	return 0;
}

void
rt_live_problem(struct rt_live *cell, const char *text)
{
	if (cell->outcome.problem.len == 0)
		rt_buf_adds(&cell->outcome.problem, text);
}

void
rt_live_decide(struct rt_live *cell, enum rt_end end, int code)
{
	if (cell->ended)
		return;
	cell->ended = true;
	cell->outcome.end = end;
	cell->outcome.exit_code = code;
}

/* With namespaces the keeper's death is everything's. Without, the supervisor gets its time to kill the tree before it
 * is killed itself. */
void
rt_live_kill(struct rt_live *cell)
{
	bool namespaces = cell->outcome.spec->level == RT_LEVEL_OF_NAMESPACES;
	cell->deadline = cell->silent_at = cell->tighten_at = RT_LIVE_NEVER;
	if (cell->reaped || cell->over)
		return;
	if (rt_cage_kill(&cell->minder.cage) || namespaces || cell->blows > 0)
		syscall(SYS_pidfd_send_signal, cell->minder.pidfd, SIGKILL, NULL, 0);
	else
		shutdown(cell->minder.sock, SHUT_WR);
	cell->stuck_at = rt_clock_ms() + (cell->blows++ ? RT_LIVE_STUCK_MS : RT_LIVE_KILL_MS);
}

static void
hear_exit(struct rt_live *cell, const struct rt_note *note)
{
	cell->outcome.leaked = note->leaked;
	/* what a group has run out of is for one cell to answer for */
	cell->idle = note->leaked == 0 && !rt_cage_out_of_memory(&cell->minder.cage);
	cell->outcome.duration_ms = note->ms - cell->ready_ms;
	if (WIFSIGNALED(note->status)) {
		bool memory = WTERMSIG(note->status) == SIGKILL && rt_cage_out_of_memory(&cell->minder.cage);
		if (memory && !cell->ended)
			rt_buf_addf(&cell->outcome.problem, "out of memory: more than %llu bytes",
				    (unsigned long long)cell->minder.cage.memory_bytes);
		rt_live_decide(cell, memory ? RT_END_LIMIT : RT_END_SIGNAL, 128 + WTERMSIG(note->status));
	} else {
		rt_live_decide(cell, RT_END_EXIT, WEXITSTATUS(note->status));
	}
	/* Init goes by itself; what keeps the processor busy is helped along. Without a group that is init's own work.
	 */
	cell->deadline = cell->silent_at = cell->tighten_at = RT_LIVE_NEVER;
	cell->stuck_at = rt_clock_ms() + RT_LIVE_KILL_MS;
	if (cell->outcome.leaked)
		rt_cage_kill(&cell->minder.cage);
}

void
rt_live_set_down(struct rt_live *cell)
{
	cell->stuck_at = RT_LIVE_NEVER;
	cell->drained_at = rt_clock_ms() + DRAIN_MS;
}

static void
hear_start(struct rt_live *cell, const struct rt_note *note, int *upper)
{
	const struct rt_cell_spec *spec = cell->outcome.spec;
	cell->ready = true;
	cell->ready_ms = note->ms;
	cell->outcome.start_ns = note->start_ns;
	rt_close(cell->outcome.upper_fd);
	cell->outcome.upper_fd = *upper;
	*upper = -1;
	if (cell->ended)
		return;
	cell->deadline = spec->timeout_ms > 0 ? note->ms + spec->timeout_ms : RT_LIVE_NEVER;
	cell->silent_at = spec->silence_ms > 0 ? note->ms + spec->silence_ms : RT_LIVE_NEVER;
	cell->tighten_at = note->ms + TIGHTEN_MS;
}

static void
hear(struct rt_live *cell, const struct rt_note *note, int *upper)
{
	switch (note->kind) {
	case RT_NOTE_READY:
		hear_start(cell, note, upper);
		return;
	case RT_NOTE_EXIT:
		hear_exit(cell, note);
		break;
	case RT_NOTE_HOME:
		break;
	case RT_NOTE_PROBLEM:
		rt_live_problem(cell, note->text);
		rt_live_decide(cell, RT_END_SETUP, 0);
		break;
	case RT_NOTE_OVER:
		/* Of a keeper that was killed meanwhile or left something out the end is waited for, and no other cell
		 * shall answer for memory that ran out in this one. */
		cell->over = cell->ended && cell->blows == 0 && !rt_cage_out_of_memory(&cell->minder.cage);
		cell->minder.busy = note->busy;
		if (cell->over)
			rt_live_set_down(cell);
		else if (cell->blows == 0)
			rt_live_kill(cell);
		break;
	default:
		break;
	}
}

void
rt_live_read_notes(struct rt_live *cell)
{
	struct rt_note note;
	int got, upper;
	while ((got = rt_note_receive(cell->minder.sock, &note, &upper)) == 1) {
		hear(cell, &note, &upper);
		rt_close(upper);
		/* what comes behind it is another cell's */
		if (cell->over)
			return;
	}
	if (got == 0 || errno != EAGAIN) {
		rt_close(cell->minder.sock);
		cell->minder.sock = -1;
	}
}

static uint64_t
output_limit(const struct rt_cell_spec *spec)
{
	return spec->output_max ? spec->output_max : DEFAULT_STDOUT;
}

static void
stop_output(struct rt_live *cell)
{
	cell->full = true;
	/* Also when the command has ended: what it wrote is not all there. */
	if (cell->outcome.end == RT_END_EXIT || cell->outcome.end == RT_END_SIGNAL)
		cell->ended = false;
	rt_live_decide(cell, RT_END_LIMIT, 0);
	rt_live_kill(cell);
}

static void
keep_output(struct rt_live *cell, const char *bytes, size_t len, bool to_file)
{
	const struct rt_cell_spec *spec = cell->outcome.spec;
	if (cell->full)
		return;
	uint64_t room = output_limit(spec) - cell->written;
	size_t part = len > room ? (size_t)room : len;
	rt_log_add(&cell->log, bytes, part);
	cell->written += part;
	if (cell->silent_at != RT_LIVE_NEVER)
		cell->silent_at = rt_clock_ms() + spec->silence_ms;
	if (to_file && rt_write_all(spec->output_fd, bytes, part) < 0)
		rt_buf_addf(&cell->outcome.problem, "cannot keep the output: %s", strerror(errno));
	else if (part < len)
		rt_buf_addf(&cell->outcome.problem, "more than %llu bytes of output",
			    (unsigned long long)output_limit(spec));
	else
		return;
	stop_output(cell);
}

/* A few pieces at a time, so that a flood in one cell does not keep the others waiting. */
void
rt_live_read_output(struct rt_live *cell, int *fd, bool to_file)
{
	char bytes[65536];
	for (int piece = 0; piece < 16; piece++) {
		ssize_t got = read(*fd, bytes, sizeof(bytes));
		if (got > 0) {
			keep_output(cell, bytes, (size_t)got, to_file);
			continue;
		}
		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0 || errno != EAGAIN) {
			rt_close(*fd);
			*fd = -1;
		}
		return;
	}
}

void
rt_live_expire(struct rt_live *cell, int64_t now)
{
	if (now >= cell->tighten_at) {
		cell->tighten_at = RT_LIVE_NEVER;
		rt_cage_tighten(&cell->minder.cage);
	}
	if (now >= cell->deadline) {
		rt_live_problem(cell, cell->ready ? "deadline" : "setting up the isolation took too long");
		rt_live_decide(cell, cell->ready ? RT_END_TIMEOUT : RT_END_SETUP, 0);
		cell->outcome.duration_ms = now - cell->ready_ms;
		rt_live_kill(cell);
	} else if (now >= cell->silent_at) {
		rt_live_problem(cell, "no output");
		rt_live_decide(cell, RT_END_SILENT, 0);
		cell->outcome.duration_ms = now - cell->ready_ms;
		rt_live_kill(cell);
	}
	if (now < cell->stuck_at)
		return;
	if (cell->blows < 2) {
		rt_live_kill(cell);
	} else if (cell->minder.pidfd >= 0) {
		rt_live_problem(cell, "a process of the cell cannot be killed; it waits in the kernel");
		cell->reaped = true;
		cell->stuck_at = RT_LIVE_NEVER;
		cell->drained_at = now;
		syscall(SYS_pidfd_send_signal, cell->minder.pidfd, SIGKILL, NULL, 0);
	}
}
