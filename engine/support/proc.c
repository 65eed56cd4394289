#include "support/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/clock.h"
#include "support/stop.h"

#define PATH_DIRS "/usr/local/bin:/usr/bin:/bin"
#define TIMEOUT_MS 60000
#define DRAIN_MS 1000
#define OUT_MAX (256ul << 20)
#define ERRS_MAX (64ul << 10)
#define READ_STEP (64 * 1024)

/* One run. Descriptors are ours of the pipes, -1 when closed or never there. */
struct run {
	struct rt_proc *proc;
	pid_t pid; /* 0: not started or reaped */
	int in, out, errs, pidfd;
	int childs[3]; /* the child's ends; 0: /dev/null */
	size_t in_done;
	size_t out_start, errs_start; /* lengths of the buffers before */
	int64_t deadline;
	bool over;	 /* the child has ended and is not reaped yet */
	sigset_t before; /* the thread's signal mask */
};

static void
close_fd(int *fd)
{
	rt_close(*fd);
	*fd = -1;
}

/*
 * Kills the group and reaps the child. The child is reaped after the kill, so that its id can't have become another's;
 * by then the group is the child and what it left behind.
 */
static void
finish(struct run *run)
{
	int status = 0;
	pid_t got;

	if (!run->pid)
		return;
	kill(-run->pid, SIGKILL);
	kill(run->pid, SIGKILL);
	do
		got = waitpid(run->pid, &status, 0);
	while (got < 0 && errno == EINTR);
	run->proc->exit_code = got < 0 ? -1 : WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	run->pid = 0;
}

/* Takes a SIGPIPE of ours out of the queue before the mask is put back. */
static void
unblock_pipe(const sigset_t *before)
{
	static const struct timespec now = {0};
	sigset_t pipes, pending;

	sigemptyset(&pipes);
	sigaddset(&pipes, SIGPIPE);
	if (!sigismember(before, SIGPIPE) && !sigpending(&pending) && sigismember(&pending, SIGPIPE))
		sigtimedwait(&pipes, NULL, &now);
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

static void
block_pipe(sigset_t *before)
{
	sigset_t pipes;

	sigemptyset(&pipes);
	sigaddset(&pipes, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipes, before);
}

static void
run_release(struct run *run)
{
	int i;

	finish(run);
	close_fd(&run->in);
	close_fd(&run->out);
	close_fd(&run->errs);
	close_fd(&run->pidfd);
	for (i = 0; i < 3; i++)
		close_fd(&run->childs[i]);
	unblock_pipe(&run->before);
}
RT_DEFINE_AUTO(run, struct run, run_release);

/* The program's path, which the caller frees, or NULL. */
static char *
find_program(const char *name)
{
	const char *dir, *end;
	struct stat st;

	if (strchr(name, '/'))
		return rt_strdup(name);
	for (dir = PATH_DIRS; *dir; dir = *end ? end + 1 : end) {
		rt_auto(free) char *path = NULL;

		end = strchrnul(dir, ':');
		path = rt_format("%.*s/%s", (int)(end - dir), dir, name);
		if (!access(path, X_OK) && !stat(path, &st) && S_ISREG(st.st_mode))
			return rt_steal(&path);
	}
	return NULL;
}

/* Above the standard three: were one of those closed in us, the child's redirections would overwrite each other. */
static int
move_up(int *fd)
{
	int up;

	if (*fd > STDERR_FILENO)
		return 0;
	up = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (up < 0)
		return -1;
	rt_close(*fd);
	*fd = up;
	return 0;
}

static int
make_pipe(int *reading, int *writing, int *ours)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return -1;
	*reading = ends[0];
	*writing = ends[1];
	if (move_up(reading) || move_up(writing))
		return -1;
	return fcntl(*ours, F_SETFL, O_NONBLOCK);
}

static int
make_pipes(struct run *run)
{
	const struct rt_proc *proc = run->proc;

	if (proc->in && proc->in_len && make_pipe(&run->childs[0], &run->in, &run->in))
		return -1;
	if (proc->out && make_pipe(&run->out, &run->childs[1], &run->out))
		return -1;
	if (proc->errs && make_pipe(&run->errs, &run->childs[2], &run->errs))
		return -1;
	return 0;
}

/* 0 or an error number, as posix_spawn has it. */
static int
describe_files(const struct run *run, posix_spawn_file_actions_t *actions)
{
	int fd, failed = 0;

	for (fd = 0; fd < 3 && !failed; fd++) {
		if (run->childs[fd] < 0)
			failed =
			    posix_spawn_file_actions_addopen(actions, fd, "/dev/null", fd ? O_WRONLY : O_RDONLY, 0);
		else
			failed = posix_spawn_file_actions_adddup2(actions, run->childs[fd], fd);
	}
	if (!failed && run->proc->cwd)
		failed = posix_spawn_file_actions_addchdir_np(actions, run->proc->cwd);
	/* Everything of ours is close-on-exec; what we inherited may not be. */
	return failed ? failed : posix_spawn_file_actions_addclosefrom_np(actions, 3);
}

/* A group of its own, so that it can be killed whole, and no signal blocked or ignored. */
static int
describe_child(posix_spawnattr_t *attributes)
{
	sigset_t none, all;
	int failed;

	sigemptyset(&none);
	sigfillset(&all);
	failed = posix_spawnattr_setpgroup(attributes, 0);
	if (!failed)
		failed = posix_spawnattr_setsigmask(attributes, &none);
	if (!failed)
		failed = posix_spawnattr_setsigdefault(attributes, &all);
	if (failed)
		return failed;
	return posix_spawnattr_setflags(attributes,
					POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

static int
spawn(struct run *run, const char *path)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	rt_auto(strs) struct rt_strs env = {0};
	const char *const *name;
	int failed;

	rt_strs_add(&env, "PATH=" PATH_DIRS);
	rt_strs_add(&env, "LC_ALL=C");
	for (name = run->proc->env; name && *name; name++)
		rt_strs_add(&env, *name);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	failed = describe_files(run, &actions);
	if (!failed)
		failed = describe_child(&attributes);
	if (!failed)
		failed = posix_spawn(&run->pid, path, &actions, &attributes, (char *const *)run->proc->argv, env.at);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	if (failed)
		run->pid = 0;
	errno = failed;
	return failed ? -1 : 0;
}

static int
status_lost(const struct rt_proc *proc, struct rt_err *err)
{
	return rt_fail(err, RT_EUNKNOWN, "the exit status of %s is lost: SIGCHLD is ignored", proc->argv[0]);
}

static int
start(struct run *run, struct rt_err *err)
{
	const char *name = run->proc->argv[0];
	rt_auto(free) char *path = find_program(name);
	int i;

	if (!path)
		return rt_fail(err, RT_EUNKNOWN, "%s is not in " PATH_DIRS "; install it", name);
	if (make_pipes(run))
		return rt_fail_errno(err, "can't make the pipes of %s", name);
	if (spawn(run, path)) {
		rt_fail_errno(err, "can't start %s%s%s", path, run->proc->cwd ? " in " : "",
			      run->proc->cwd ? run->proc->cwd : "");
		if (err)
			err->code = RT_EUNKNOWN;
		return -1;
	}
	for (i = 0; i < 3; i++)
		close_fd(&run->childs[i]);
	run->pidfd = pidfd_open(run->pid, 0);
	if (run->pidfd >= 0)
		return 0;
	/* An unreaped child cannot be missing: a quick one was reaped by the kernel, and its pid may be another's. */
	if (errno == ESRCH) {
		run->pid = 0;
		return status_lost(run->proc, err);
	}
	return rt_fail_errno(err, "can't watch %s", name);
}

static void
feed(struct run *run)
{
	const struct rt_proc *proc = run->proc;
	ssize_t put = write(run->in, proc->in + run->in_done, proc->in_len - run->in_done);

	if (put > 0)
		run->in_done += (size_t)put;
	/* EPIPE: it has read what it wanted, which is its own affair. */
	if (run->in_done == proc->in_len || (put < 0 && errno != EAGAIN && errno != EINTR))
		close_fd(&run->in);
}

/* Reads once; closes at the end. Returns -1 on an error of reading. */
static int
take(int *fd, struct rt_buf *out)
{
	ssize_t got;

	rt_buf_reserve(out, READ_STEP);
	got = read(*fd, out->data + out->len, READ_STEP);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (!got)
		close_fd(fd);
	out->len += (size_t)got;
	out->data[out->len] = '\0';
	return 0;
}

static int
take_outputs(struct run *run, const struct pollfd *fds, struct rt_err *err)
{
	struct rt_proc *proc = run->proc;
	size_t max = proc->max_out ? proc->max_out : OUT_MAX;

	if (fds[1].revents && take(&run->out, proc->out))
		return rt_fail_errno(err, "can't read the output of %s", proc->argv[0]);
	if (fds[2].revents && take(&run->errs, proc->errs))
		return rt_fail_errno(err, "can't read the messages of %s", proc->argv[0]);
	if (proc->out && proc->out->len - run->out_start > max)
		return rt_fail(err, RT_EUNKNOWN, "%s wrote more than %zu bytes", proc->argv[0], max);
	/* Read on to keep it going, and forgotten. */
	if (proc->errs && proc->errs->len - run->errs_start > ERRS_MAX)
		rt_buf_cut(proc->errs, run->errs_start + ERRS_MAX);
	return 0;
}

/* One turn of waiting. Returns 1 when everything is done, 0 when not, -1 on error. */
static int
turn(struct run *run, struct rt_err *err)
{
	struct pollfd fds[] = {
	    {.fd = run->in, .events = POLLOUT},
	    {.fd = run->out, .events = POLLIN},
	    {.fd = run->errs, .events = POLLIN},
	    {.fd = run->over ? -1 : run->pidfd, .events = POLLIN},
	};
	int64_t left = run->deadline - rt_clock_ms(), drain;

	if (run->over && (left <= 0 || (run->out < 0 && run->errs < 0)))
		return 1;
	if (left <= 0)
		return rt_fail(err, RT_EUNKNOWN, "%s did not end in time; it was killed", run->proc->argv[0]);
	if (rt_stopped())
		return rt_stop_fail(err, "a program ran");
	if (poll(fds, RT_COUNT(fds), left > RT_STOP_TICK_MS ? RT_STOP_TICK_MS : (int)left) < 0)
		return errno == EINTR ? 0 : rt_fail_errno(err, "can't wait for %s", run->proc->argv[0]);
	if (take_outputs(run, fds, err))
		return -1;
	if (run->in >= 0 && fds[0].revents)
		feed(run);
	if (fds[3].revents) {
		/* Whoever holds the pipes now is not whom we asked: what is in them is ours, waiting for more is not.
		 */
		drain = rt_clock_ms() + DRAIN_MS;
		run->deadline = drain < run->deadline ? drain : run->deadline;
		run->over = true;
		close_fd(&run->in);
	}
	return 0;
}

int
rt_proc_run(struct rt_proc *proc, struct rt_err *err)
{
	rt_auto(run) struct run run = {
	    .proc = proc, .in = -1, .out = -1, .errs = -1, .pidfd = -1, .childs = {-1, -1, -1}};
	int done;

	block_pipe(&run.before);
	run.out_start = proc->out ? proc->out->len : 0;
	run.errs_start = proc->errs ? proc->errs->len : 0;
	run.deadline = rt_clock_ms() + (proc->timeout_ms > 0 ? proc->timeout_ms : TIMEOUT_MS);
	if (start(&run, err))
		return -1;
	while (!(done = turn(&run, err)))
		;
	if (done < 0)
		return -1;
	finish(&run);
	return proc->exit_code < 0 ? status_lost(proc, err) : 0;
}
