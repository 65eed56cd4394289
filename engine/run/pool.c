/*
 * The poll loop. Each cell has up to four descriptors in it: the pidfd of its init, the note socket, the pipes of
 * standard output and error. A cell is over when its init was reaped, the socket is at its end and the pipes are, or a
 * second after the last of them should have been.
 */

#include "run/cell.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/inner.h"
#include "support/clock.h"
#include "support/file.h"

#define SETUP_MS (10 * 60 * 1000) /* copying a workspace is the slow case */
#define KILL_MS 30000		  /* without namespaces the supervisor takes up to 20 s */
#define STUCK_MS 10000		  /* after SIGKILL to init */
#define DRAIN_MS 1000
#define DEFAULT_STDOUT ((uint64_t)1 << 30)
#define NEVER INT64_MAX

struct cell {
	struct rt_cell_outcome outcome; /* first: what the caller frees is the cell */
	struct rt_launch launch;
	struct rt_cage cage;
	struct rt_log log;
	pid_t pid;
	int pidfd, sock, out, errs;
	bool ready, reaped, ended; /* the command runs; init is no more; the outcome is decided */
	bool idle;		   /* the command and all it started are no more */
	struct rt_spaces spaces;   /* lent to the next cell, if it is quiet */
	bool quiet;
	bool full;	  /* no more output is kept */
	unsigned blows;	  /* how often it was killed: the second time is rougher */
	uint64_t written; /* bytes of output so far */
	int64_t ready_ms, deadline, silent_at, stuck_at, drained_at;
};

/* Namespaces of a cell that is over. */
struct lent {
	struct rt_spaces spaces;
	enum rt_network network;
};

struct rt_pool {
	RT_VEC(struct cell *) cells;
	RT_VEC(struct lent) lent;
	bool subreaper;
	pid_t *strangers; /* children that the engine had before the pool was made */
	size_t n_strangers;
};

/* For the signal handler, which has no pool at hand. */
static atomic_int wake_fd = -1;

struct rt_pool *
rt_pool_new(void)
{
	struct rt_pool *pool = rt_alloc(1, sizeof(*pool));
	if (atomic_load(&wake_fd) < 0)
		atomic_store(&wake_fd, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	return pool;
}

void
rt_pool_interrupt(void)
{
	int saved = errno, fd = atomic_load(&wake_fd);
	uint64_t one = 1;
	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0)
		errno = saved;
	errno = saved;
}

size_t
rt_pool_running(const struct rt_pool *pool)
{
	size_t running = 0;
	for (size_t i = 0; i < pool->cells.n; i++)
		running += !pool->cells.at[i]->idle;
	return running;
}

size_t
rt_pool_size(const struct rt_pool *pool)
{
	return pool->cells.n;
}

/* Takes over what a cell with the same network left, if there is any. */
static void
borrow(struct rt_pool *pool, struct cell *cell)
{
	const struct rt_cell_spec *spec = cell->outcome.spec;
	/* a sandbox inside the cell would set limits of the user namespace; the host's network is nobody's to lend */
	cell->launch.lends = spec->level == RT_LEVEL_OF_NAMESPACES && !spec->nested && spec->network != RT_NETWORK_HOST;
	for (size_t i = 0; i < pool->lent.n && cell->launch.lends; i++) {
		if (pool->lent.at[i].network != spec->network)
			continue;
		cell->launch.spaces = cell->spaces = pool->lent.at[i].spaces;
		pool->lent.at[i] = pool->lent.at[--pool->lent.n];
		return;
	}
}

static void
lend(struct rt_pool *pool, struct cell *cell)
{
	if (!cell->quiet || !cell->idle || !cell->reaped || cell->spaces.fds[0] < 0)
		return;
	*rt_push(&pool->lent) = (struct lent){cell->spaces, cell->outcome.spec->network};
	cell->spaces = (struct rt_spaces)RT_SPACES_INIT;
}

static void
cell_close(struct cell *cell)
{
	int *const fds[] = {&cell->pidfd, &cell->sock, &cell->out, &cell->errs};
	for (size_t i = 0; i < RT_COUNT(fds); i++) {
		rt_close(*fds[i]);
		*fds[i] = -1;
	}
}

void
rt_cell_outcome_free(struct rt_cell_outcome *outcome)
{
	struct cell *cell = (struct cell *)outcome;
	if (!cell)
		return;
	cell_close(cell);
	rt_spaces_close(&cell->spaces);
	rt_cage_release(&cell->cage);
	rt_close(outcome->upper_fd);
	rt_launch_release(&cell->launch);
	rt_log_release(&cell->log);
	rt_buf_release(&outcome->log);
	rt_buf_release(&outcome->problem);
	free(cell);
}

static struct cell *
cell_new(const struct rt_cell_spec *spec)
{
	struct cell *cell = rt_alloc(1, sizeof(*cell));
	*cell = (struct cell){
	    .outcome = {.spec = spec, .level = spec->level, .log = RT_BUF_INIT, .problem = RT_BUF_INIT, .upper_fd = -1},
	    .launch = RT_LAUNCH_INIT,
	    .cage = RT_CAGE_INIT,
	    .log = RT_LOG_INIT,
	    .spaces = RT_SPACES_INIT,
	    .pidfd = -1,
	    .sock = -1,
	    .out = -1,
	    .errs = -1,
	    .silent_at = NEVER,
	    .stuck_at = NEVER,
	    .drained_at = NEVER};
	return cell;
}

/* Both streams share a pipe, which keeps their order, unless standard output is wanted by itself. */
static int
open_channels(struct cell *cell, struct rt_err *err)
{
	int out[2], errs[2], ends[2];
	if (pipe2(out, O_CLOEXEC) < 0)
		return rt_fail_errno(err, "cannot make a pipe");
	cell->out = out[0];
	cell->launch.out = cell->launch.errs = out[1];
	if (cell->outcome.spec->stdout_fd >= 0) {
		if (pipe2(errs, O_CLOEXEC) < 0)
			return rt_fail_errno(err, "cannot make a pipe");
		cell->errs = errs[0];
		cell->launch.errs = errs[1];
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return rt_fail_errno(err, "cannot make a socket pair");
	cell->sock = ends[0];
	cell->launch.sock = ends[1];
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

/* Should a supervisor be killed by its cell, what it left comes to the engine, and not to the machine's init. */
static void
become_subreaper(struct rt_pool *pool)
{
	if (pool->subreaper)
		return;
	rt_tree_children(getpid(), &pool->strangers, &pool->n_strangers);
	for (size_t i = 0; i < pool->cells.n; i++)
		for (size_t k = 0; k < pool->n_strangers; k++)
			if (pool->strangers[k] == pool->cells.at[i]->pid)
				pool->strangers[k] = 0;
	pool->subreaper = prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
}

static enum rt_workspace
place_of_changes(void)
{
	const struct rt_machine *machine = rt_machine();
	if (machine->overlay_in_memory)
		return RT_WORKSPACE_MEMORY;
	return machine->overlay ? RT_WORKSPACE_DISK : RT_WORKSPACE_COPY;
}

/* With new namespaces where those of an earlier cell can't be entered. */
static int
spawn(struct cell *cell, struct rt_err *err)
{
	struct rt_err why = RT_ERR_INIT;
	if (cell->launch.spaces.fds[0] >= 0) {
		if (rt_spawn(&cell->launch, cell->cage.dir, &cell->pid, &cell->pidfd, &why) == 0)
			return 0;
		rt_spaces_close(&cell->spaces);
		cell->launch.spaces = cell->spaces;
	}
	return rt_spawn(&cell->launch, cell->cage.dir, &cell->pid, &cell->pidfd, err);
}

static int
cell_start(struct cell *cell, struct rt_err *err)
{
	const struct rt_cell_spec *spec = cell->outcome.spec;
	enum rt_workspace how = spec->level == RT_LEVEL_OF_NAMESPACES ? place_of_changes() : RT_WORKSPACE_COPY;
	if (rt_launch_prepare(&cell->launch, spec, how, err) < 0 || open_channels(cell, err) < 0)
		return -1;
	rt_cage_make(&cell->cage, spec);
	if (spawn(cell, err) < 0) {
		rt_machine_forget();
		return -1;
	}
	rt_cage_admit(&cell->cage, cell->pid);
	close_child_ends(&cell->launch);
	cell->ready_ms = rt_clock_ms();
	cell->deadline = cell->ready_ms + SETUP_MS;
	cell->outcome.upper_is_copy = cell->launch.workspace == RT_WORKSPACE_COPY;
	/* A failure shows as the end of the socket. */
	if (send(cell->sock, "", 1, MSG_NOSIGNAL) < 0)
		errno = 0;
	return 0;
}

int
rt_pool_start(struct rt_pool *pool, const struct rt_cell_spec *spec, struct rt_err *err)
{
	struct cell *cell = cell_new(spec);
	if (spec->level != RT_LEVEL_OF_NAMESPACES)
		become_subreaper(pool);
	borrow(pool, cell);
	if (cell_start(cell, err) < 0) {
		rt_cell_outcome_free(&cell->outcome);
		return rt_err_while(err, "starting %s", spec->name);
	}
	*rt_push(&pool->cells) = cell;
	return 0;
}

static void
set_problem(struct cell *cell, const char *text)
{
	if (cell->outcome.problem.len == 0)
		rt_buf_adds(&cell->outcome.problem, text);
}

static void
decide(struct cell *cell, enum rt_end end, int code)
{
	if (cell->ended)
		return;
	cell->ended = true;
	cell->outcome.end = end;
	cell->outcome.exit_code = code;
}

/* With namespaces init's death is everything's. Without, the supervisor gets its time to kill the tree before it is
 * killed itself. */
static void
cell_kill(struct cell *cell)
{
	bool namespaces = cell->outcome.spec->level == RT_LEVEL_OF_NAMESPACES;
	cell->deadline = cell->silent_at = NEVER;
	if (cell->reaped)
		return;
	if (rt_cage_kill(&cell->cage) || namespaces || cell->blows > 0)
		syscall(SYS_pidfd_send_signal, cell->pidfd, SIGKILL, NULL, 0);
	else
		shutdown(cell->sock, SHUT_WR);
	cell->stuck_at = rt_clock_ms() + (cell->blows++ ? STUCK_MS : KILL_MS);
}

static void
hear_exit(struct cell *cell, const struct rt_note *note)
{
	cell->outcome.leaked = note->leaked;
	cell->idle = note->leaked == 0;
	cell->quiet = note->quiet;
	cell->outcome.duration_ms = note->ms - cell->ready_ms;
	if (WIFSIGNALED(note->status)) {
		bool memory = WTERMSIG(note->status) == SIGKILL && rt_cage_out_of_memory(&cell->cage);
		if (memory && !cell->ended)
			rt_buf_addf(&cell->outcome.problem, "out of memory: more than %llu bytes",
				    (unsigned long long)cell->cage.memory_bytes);
		decide(cell, memory ? RT_END_LIMIT : RT_END_SIGNAL, 128 + WTERMSIG(note->status));
	} else {
		decide(cell, RT_END_EXIT, WEXITSTATUS(note->status));
	}
	/* Init goes by itself; what keeps the processor busy is helped along. Without a group that is init's own work.
	 */
	cell->deadline = cell->silent_at = NEVER;
	cell->stuck_at = rt_clock_ms() + KILL_MS;
	if (cell->outcome.leaked)
		rt_cage_kill(&cell->cage);
}

static void
hear(struct cell *cell, const struct rt_note *note, struct rt_carried *carried)
{
	const struct rt_cell_spec *spec = cell->outcome.spec;
	switch (note->kind) {
	case RT_NOTE_READY:
		cell->ready = true;
		cell->ready_ms = note->ms;
		cell->outcome.start_ns = note->start_ns;
		rt_close(cell->outcome.upper_fd);
		cell->outcome.upper_fd = carried->upper;
		carried->upper = -1;
		if (carried->spaces.fds[0] >= 0) {
			rt_spaces_close(&cell->spaces);
			cell->spaces = carried->spaces;
			carried->spaces = (struct rt_spaces)RT_SPACES_INIT;
		}
		if (cell->ended)
			return;
		cell->deadline = spec->timeout_ms > 0 ? note->ms + spec->timeout_ms : NEVER;
		cell->silent_at = spec->silence_ms > 0 ? note->ms + spec->silence_ms : NEVER;
		return;
	case RT_NOTE_EXIT:
		hear_exit(cell, note);
		break;
	case RT_NOTE_PROBLEM:
		set_problem(cell, note->text);
		decide(cell, RT_END_SETUP, 0);
		break;
	default:
		break;
	}
}

static void
read_notes(struct cell *cell)
{
	struct rt_note note;
	struct rt_carried carried;
	int got;
	while ((got = rt_note_receive(cell->sock, &note, &carried)) == 1) {
		hear(cell, &note, &carried);
		rt_carried_close(&carried);
	}
	if (got == 0 || errno != EAGAIN) {
		rt_close(cell->sock);
		cell->sock = -1;
	}
}

static uint64_t
output_limit(const struct rt_cell_spec *spec)
{
	return spec->stdout_max ? spec->stdout_max : DEFAULT_STDOUT;
}

static void
stop_output(struct cell *cell)
{
	cell->full = true;
	/* Also when the command has ended: what it wrote is not all there. */
	if (cell->outcome.end == RT_END_EXIT || cell->outcome.end == RT_END_SIGNAL)
		cell->ended = false;
	decide(cell, RT_END_LIMIT, 0);
	cell_kill(cell);
}

static void
keep_output(struct cell *cell, const char *bytes, size_t len, bool to_file)
{
	const struct rt_cell_spec *spec = cell->outcome.spec;
	if (cell->full)
		return;
	uint64_t room = output_limit(spec) - cell->written;
	size_t part = len > room ? (size_t)room : len;
	rt_log_add(&cell->log, bytes, part);
	cell->written += part;
	if (cell->silent_at != NEVER)
		cell->silent_at = rt_clock_ms() + spec->silence_ms;
	if (to_file && rt_write_all(spec->stdout_fd, bytes, part) < 0)
		rt_buf_addf(&cell->outcome.problem, "cannot keep the standard output: %s", strerror(errno));
	else if (part < len)
		rt_buf_addf(&cell->outcome.problem, "more than %llu bytes of output",
			    (unsigned long long)output_limit(spec));
	else
		return;
	stop_output(cell);
}

/* A few pieces at a time, so that a flood in one cell does not keep the others waiting. */
static void
read_output(struct cell *cell, int *fd, bool to_file)
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

/* A supervisor that died without a word was killed; what it looked after is the engine's child now. */
static void
kill_orphans(struct rt_pool *pool)
{
	RT_VEC(pid_t) spare = {0};
	for (size_t i = 0; i < pool->cells.n; i++)
		if (!pool->cells.at[i]->reaped)
			*rt_push(&spare) = pool->cells.at[i]->pid;
	for (size_t i = 0; i < pool->n_strangers; i++)
		*rt_push(&spare) = pool->strangers[i];
	/* A first entry that matches nobody: with an empty list every child would be reaped. */
	*rt_push(&spare) = 0;
	rt_tree_kill(getpid(), (struct rt_spare){spare.at, spare.n}, rt_clock_ms() + STUCK_MS);
	free(spare.at);
}

static void
reap(struct rt_pool *pool, struct cell *cell)
{
	siginfo_t info = {0};
	bool namespaces = cell->outcome.spec->level == RT_LEVEL_OF_NAMESPACES;
	if (waitid(P_PIDFD, (id_t)cell->pidfd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
		return;
	cell->reaped = true;
	cell->stuck_at = NEVER;
	cell->drained_at = rt_clock_ms() + DRAIN_MS;
	rt_close(cell->pidfd);
	cell->pidfd = -1;
	if (cell->sock >= 0)
		read_notes(cell);
	if (!namespaces && (info.si_code != CLD_EXITED || info.si_status != 0))
		kill_orphans(pool);
	if (cell->ended)
		return;
	bool memory = rt_cage_out_of_memory(&cell->cage);
	set_problem(cell, memory	? "out of memory"
			  : cell->ready ? "the cell was killed from outside"
					: "the isolation ended before the command started");
	decide(cell, cell->ready ? RT_END_LIMIT : RT_END_SETUP, 0);
}

static void
expire(struct cell *cell, int64_t now)
{
	if (now >= cell->deadline) {
		set_problem(cell, cell->ready ? "deadline" : "setting up the isolation took too long");
		decide(cell, cell->ready ? RT_END_TIMEOUT : RT_END_SETUP, 0);
		cell->outcome.duration_ms = now - cell->ready_ms;
		cell_kill(cell);
	} else if (now >= cell->silent_at) {
		set_problem(cell, "no output");
		decide(cell, RT_END_SILENT, 0);
		cell->outcome.duration_ms = now - cell->ready_ms;
		cell_kill(cell);
	}
	if (now < cell->stuck_at)
		return;
	if (cell->blows < 2) {
		cell_kill(cell);
	} else if (cell->pidfd >= 0) {
		set_problem(cell, "a process of the cell cannot be killed; it waits in the kernel");
		cell->reaped = true;
		cell->stuck_at = NEVER;
		cell->drained_at = now;
		syscall(SYS_pidfd_send_signal, cell->pidfd, SIGKILL, NULL, 0);
	}
}

static bool
is_over(const struct cell *cell, int64_t now)
{
	return cell->reaped && ((cell->out < 0 && cell->errs < 0 && cell->sock < 0) || now >= cell->drained_at);
}

/* Opens the upper directory where it is the host's, and writes the log out. */
static struct rt_cell_outcome *
finish(struct rt_pool *pool, size_t at)
{
	struct cell *cell = pool->cells.at[at];
	struct rt_cell_outcome *outcome = &cell->outcome;
	pool->cells.at[at] = pool->cells.at[--pool->cells.n];
	if (cell->out >= 0 || cell->errs >= 0)
		set_problem(cell, "a pipe of the cell was still held after its processes were dead");
	if (outcome->end == RT_END_SETUP)
		rt_machine_forget();
	lend(pool, cell);
	cell_close(cell);
	rt_cage_release(&cell->cage);
	rt_log_write(&cell->log, &outcome->log);
	rt_log_release(&cell->log);
	if (cell->launch.tree && outcome->end != RT_END_SETUP) {
		rt_close(outcome->upper_fd);
		outcome->upper_fd = open(cell->launch.tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return outcome;
}

struct polled {
	struct pollfd *fds;
	size_t n;
};

static int64_t
earliest(const struct rt_pool *pool, int64_t until)
{
	int64_t first = until > 0 ? until : NEVER;
	for (size_t i = 0; i < pool->cells.n; i++) {
		const struct cell *cell = pool->cells.at[i];
		const int64_t times[] = {cell->deadline, cell->silent_at, cell->stuck_at, cell->drained_at};
		for (size_t k = 0; k < RT_COUNT(times); k++)
			first = times[k] < first ? times[k] : first;
	}
	return first;
}

static int
wait_for_events(const struct rt_pool *pool, struct pollfd *fds, int64_t until, struct rt_err *err)
{
	fds[0] = (struct pollfd){.fd = atomic_load(&wake_fd), .events = POLLIN};
	for (size_t i = 0; i < pool->cells.n; i++) {
		const struct cell *cell = pool->cells.at[i];
		const int list[4] = {cell->pidfd, cell->sock, cell->out, cell->errs};
		for (size_t k = 0; k < 4; k++)
			fds[1 + 4 * i + k] = (struct pollfd){.fd = list[k], .events = POLLIN};
	}
	int64_t first = earliest(pool, until), now = rt_clock_ms();
	int64_t left = first == NEVER ? 60000 : first - now;
	left = left < 0 ? 0 : left > 60000 ? 60000 : left;
	if (poll(fds, 1 + 4 * pool->cells.n, (int)left) < 0 && errno != EINTR && errno != EAGAIN)
		return rt_fail_errno(err, "cannot wait for the cells");
	return 0;
}

static void
handle(struct rt_pool *pool, struct cell *cell, const struct pollfd *fds)
{
	bool own = cell->outcome.spec->stdout_fd >= 0;
	/* What init had to say comes before its end, and the output it knows of before both. */
	if (fds[2].revents)
		read_output(cell, &cell->out, own);
	if (fds[3].revents)
		read_output(cell, &cell->errs, false);
	if (fds[1].revents && cell->sock >= 0)
		read_notes(cell);
	if (fds[0].revents && cell->pidfd >= 0)
		reap(pool, cell);
	expire(cell, rt_clock_ms());
}

static bool
take_interrupt(void)
{
	uint64_t count;
	int fd = atomic_load(&wake_fd);
	return fd >= 0 && read(fd, &count, sizeof(count)) == sizeof(count);
}

int
rt_pool_wait(struct rt_pool *pool, int64_t until, struct rt_cell_outcome **out, struct rt_err *err)
{
	rt_auto(free) struct pollfd *fds = rt_alloc(1 + 4 * pool->cells.n, sizeof(*fds));
	size_t running = rt_pool_running(pool);
	*out = NULL;
	while (pool->cells.n) {
		for (size_t i = 0; i < pool->cells.n; i++) {
			if (!is_over(pool->cells.at[i], rt_clock_ms()))
				continue;
			*out = finish(pool, i);
			return 0;
		}
		if (take_interrupt() || (until > 0 && (rt_clock_ms() >= until || rt_pool_running(pool) < running)))
			return 0;
		if (wait_for_events(pool, fds, until, err) < 0)
			return -1;
		for (size_t i = 0; i < pool->cells.n; i++)
			handle(pool, pool->cells.at[i], fds + 1 + 4 * i);
	}
	return 0;
}

void
rt_pool_kill(struct rt_pool *pool)
{
	struct rt_err ignored = RT_ERR_INIT;
	int64_t until = rt_clock_ms() + KILL_MS + STUCK_MS;
	for (size_t i = 0; i < pool->cells.n; i++) {
		decide(pool->cells.at[i], RT_END_SIGNAL, 128 + SIGKILL);
		cell_kill(pool->cells.at[i]);
	}
	while (pool->cells.n && rt_clock_ms() < until) {
		rt_auto(cell_outcome) struct rt_cell_outcome *outcome = NULL;
		if (rt_pool_wait(pool, until, &outcome, &ignored) < 0)
			break;
	}
	while (pool->cells.n)
		rt_cell_outcome_free(finish(pool, 0));
}

void
rt_pool_free(struct rt_pool *pool)
{
	if (!pool)
		return;
	rt_pool_kill(pool);
	for (size_t i = 0; i < pool->lent.n; i++)
		rt_spaces_close(&pool->lent.at[i].spaces);
	free(pool->lent.at);
	free(pool->strangers);
	free(pool->cells.at);
	free(pool);
}
