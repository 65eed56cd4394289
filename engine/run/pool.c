/*
 * The poll loop. Each cell has up to four descriptors in it: the pidfd of its minder, the note socket, the pipes of
 * standard output and error. A cell is over when its keeper says so, or when its minder was reaped and the socket is at
 * its end; and when the pipes are at theirs, or a second after they should have been.
 */

#include "run/cell.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/live.h"
#include "support/clock.h"
#include "support/file.h"

struct rt_pool {
	RT_VEC(struct rt_live *) cells;
	RT_VEC(struct rt_minder) keepers; /* that wait for a cell */
	bool subreaper;
	pid_t *strangers; /* children that the engine had before the pool was made */
	size_t n_strangers;
};

/* For the signal handler, which has no pool at hand. */
static atomic_int wake_fd = -1;

/*
 * Keepers that were killed. They serve no cell, and taking their namespaces down is the kernel's work of half a
 * millisecond, which need not be waited for before the program ends.
 */
static RT_VEC(struct rt_minder) sent_off;

static void
dismiss_sent_off(void)
{
	for (size_t i = 0; i < sent_off.n; i++)
		rt_minder_dismiss(&sent_off.at[i]);
	free(sent_off.at);
	memset(&sent_off, 0, sizeof(sent_off));
}

static void
send_off(struct rt_minder keeper)
{
	static bool registered;
	if (!registered && atexit(dismiss_sent_off) != 0) {
		rt_minder_dismiss(&keeper);
		return;
	}
	registered = true;
	syscall(SYS_pidfd_send_signal, keeper.pidfd, SIGKILL, NULL, 0);
	*rt_push(&sent_off) = keeper;
}

struct rt_pool *
rt_pool_new(void)
{
	struct rt_pool *pool = rt_alloc(1, sizeof(*pool));
	dismiss_sent_off();
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

/* Asks only those that said they would be: nothing is to be heard of the others. */
static bool
is_home(struct rt_minder *keeper)
{
	struct rt_note note;
	rt_auto(fd) int none = -1;
	if (keeper->busy && rt_note_receive(keeper->sock, &note, &none) == 1)
		keeper->busy = note.kind != RT_NOTE_HOME;
	return !keeper->busy;
}

/* The keeper of a cell of the same kind that is over, if there is one: the one that has waited longest, because the
 * last may still be taking its cell's mounts down. */
static void
find_keeper(struct rt_pool *pool, struct rt_live *cell)
{
	rt_auto(free) char *kind = rt_request_kind(cell->outcome.spec);
	for (size_t i = 0; kind && i < pool->keepers.n; i++) {
		if (strcmp(pool->keepers.at[i].kind, kind) != 0 || !is_home(&pool->keepers.at[i]))
			continue;
		cell->minder = pool->keepers.at[i];
		pool->keepers.n--;
		memmove(pool->keepers.at + i, pool->keepers.at + i + 1,
			(pool->keepers.n - i) * sizeof(*pool->keepers.at));
		return;
	}
	cell->minder.kind = rt_steal(&kind);
}

static void
release_keeper(struct rt_pool *pool, struct rt_live *cell)
{
	if (!cell->over)
		return;
	*rt_push(&pool->keepers) = cell->minder;
	cell->minder = (struct rt_minder)RT_MINDER_INIT;
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
			if (pool->strangers[k] == pool->cells.at[i]->minder.pid)
				pool->strangers[k] = 0;
	pool->subreaper = prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
}

int
rt_pool_start(struct rt_pool *pool, const struct rt_cell_spec *spec, struct rt_err *err)
{
	struct rt_live *cell = rt_live_new(spec);
	if (spec->level != RT_LEVEL_OF_NAMESPACES)
		become_subreaper(pool);
	find_keeper(pool, cell);
	if (rt_live_start(cell, err) < 0) {
		rt_cell_outcome_free(&cell->outcome);
		return rt_err_while(err, "starting %s", spec->name);
	}
	*rt_push(&pool->cells) = cell;
	return 0;
}

/* A supervisor that died without a word was killed; what it looked after is the engine's child now. */
static void
kill_orphans(struct rt_pool *pool)
{
	RT_VEC(pid_t) spare = {0};
	for (size_t i = 0; i < pool->cells.n; i++)
		if (!pool->cells.at[i]->reaped)
			*rt_push(&spare) = pool->cells.at[i]->minder.pid;
	for (size_t i = 0; i < pool->keepers.n; i++)
		*rt_push(&spare) = pool->keepers.at[i].pid;
	for (size_t i = 0; i < pool->n_strangers; i++)
		*rt_push(&spare) = pool->strangers[i];
	/* A first entry that matches nobody: with an empty list every child would be reaped. */
	*rt_push(&spare) = 0;
	rt_tree_kill(getpid(), (struct rt_spare){spare.at, spare.n}, rt_clock_ms() + RT_LIVE_STUCK_MS);
	free(spare.at);
}

static void
reap(struct rt_pool *pool, struct rt_live *cell)
{
	siginfo_t info = {0};
	bool namespaces = cell->outcome.spec->level == RT_LEVEL_OF_NAMESPACES;
	if (waitid(P_PIDFD, (id_t)cell->minder.pidfd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
		return;
	cell->reaped = true;
	rt_live_set_down(cell);
	rt_close(cell->minder.pidfd);
	cell->minder.pidfd = -1;
	if (cell->minder.sock >= 0)
		rt_live_read_notes(cell);
	if (!namespaces && (info.si_code != CLD_EXITED || info.si_status != 0))
		kill_orphans(pool);
	if (cell->ended)
		return;
	bool memory = rt_cage_out_of_memory(&cell->minder.cage);
	rt_live_problem(cell, memory	    ? "out of memory"
			      : cell->ready ? "the cell was killed from outside"
					    : "the isolation ended before the command started");
	rt_live_decide(cell, cell->ready ? RT_END_LIMIT : RT_END_SETUP, 0);
}

static bool
is_over(const struct rt_live *cell, int64_t now)
{
	bool told = cell->over || (cell->reaped && cell->minder.sock < 0);
	return (cell->over || cell->reaped) && ((told && cell->out < 0 && cell->errs < 0) || now >= cell->drained_at);
}

/* Opens the upper directory where it is the host's, and writes the log out. */
static struct rt_cell_outcome *
finish(struct rt_pool *pool, size_t at)
{
	struct rt_live *cell = pool->cells.at[at];
	struct rt_cell_outcome *outcome = &cell->outcome;
	pool->cells.at[at] = pool->cells.at[--pool->cells.n];
	if (cell->out >= 0 || cell->errs >= 0)
		rt_live_problem(cell, "a pipe of the cell was still held after its processes were dead");
	if (outcome->end == RT_END_SETUP)
		rt_machine_forget();
	release_keeper(pool, cell);
	rt_live_close(cell);
	/* reaped, or given up: there is nothing to wait for */
	rt_close(cell->minder.pidfd);
	cell->minder.pidfd = -1;
	rt_minder_dismiss(&cell->minder);
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
	int64_t first = until > 0 ? until : RT_LIVE_NEVER;
	for (size_t i = 0; i < pool->cells.n; i++) {
		const struct rt_live *cell = pool->cells.at[i];
		const int64_t times[] = {cell->deadline, cell->silent_at, cell->stuck_at, cell->drained_at,
					 cell->tighten_at};
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
		const struct rt_live *cell = pool->cells.at[i];
		const int list[4] = {cell->minder.pidfd, cell->minder.sock, cell->out, cell->errs};
		for (size_t k = 0; k < 4; k++)
			fds[1 + 4 * i + k] = (struct pollfd){.fd = list[k], .events = POLLIN};
	}
	int64_t first = earliest(pool, until), now = rt_clock_ms();
	int64_t left = first == RT_LIVE_NEVER ? 60000 : first - now;
	left = left < 0 ? 0 : left > 60000 ? 60000 : left;
	if (poll(fds, 1 + 4 * pool->cells.n, (int)left) < 0 && errno != EINTR && errno != EAGAIN)
		return rt_fail_errno(err, "cannot wait for the cells");
	return 0;
}

static void
handle(struct rt_pool *pool, struct rt_live *cell, const struct pollfd *fds)
{
	const struct rt_cell_spec *spec = cell->outcome.spec;
	enum rt_streams kept = spec->output_fd >= 0 ? spec->streams : RT_STREAMS_NONE;
	/* What init had to say comes before its end, and the output it knows of before both. */
	if (fds[2].revents)
		rt_live_read_output(cell, &cell->out, kept & RT_STREAMS_OUT);
	if (fds[3].revents)
		rt_live_read_output(cell, &cell->errs, kept & RT_STREAMS_ERR);
	if (fds[1].revents && cell->minder.sock >= 0)
		rt_live_read_notes(cell);
	if (fds[0].revents && cell->minder.pidfd >= 0)
		reap(pool, cell);
	rt_live_expire(cell, rt_clock_ms());
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
	int64_t until = rt_clock_ms() + RT_LIVE_KILL_MS + RT_LIVE_STUCK_MS;
	for (size_t i = 0; i < pool->cells.n; i++) {
		rt_live_decide(pool->cells.at[i], RT_END_SIGNAL, 128 + SIGKILL);
		rt_live_kill(pool->cells.at[i]);
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
	for (size_t i = 0; i < pool->keepers.n; i++)
		send_off(pool->keepers.at[i]);
	free(pool->keepers.at);
	free(pool->strangers);
	free(pool->cells.at);
	free(pool);
}
