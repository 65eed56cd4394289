/*
 * The descendants of a process by /proc, for levels without a pid namespace. All are stopped before any is killed, so
 * that none can fork away while its relatives die; signals go through pidfds whose process was checked again, so that a
 * reused pid is never hit.
 */

#include "run/inner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/clock.h"

struct process {
	pid_t pid, parent;
	char state;
	bool below; /* a descendant of the root in question */
	unsigned long long start;
};

struct table {
	RT_VEC(struct process) all;
};

static void
table_release(struct table *table)
{
	free(table->all.at);
	memset(table, 0, sizeof(*table));
}
RT_DEFINE_AUTO(table, struct table, table_release);

/* The name in field 2 may hold anything, ")" included: what follows its last one is regular (proc(5)). */
static bool
read_process(pid_t pid, struct process *process)
{
	char path[32], text[1024];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	rt_auto(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (len <= 0)
		return false;
	text[len] = '\0';
	const char *rest = strrchr(text, ')');
	int parent;
	if (!rest || sscanf(rest, ") %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
			    &process->state, &parent, &process->start) != 3)
		return false;
	process->pid = pid;
	process->parent = parent;
	process->below = false;
	return true;
}

static void
table_read(struct table *table)
{
	DIR *dir = opendir("/proc");
	if (!dir)
		return;
	for (struct dirent *entry; (entry = readdir(dir));) {
		struct process process;
		uint64_t pid;
		if (rt_parse_u64(entry->d_name, &pid) == 0 && read_process((pid_t)pid, &process))
			*rt_push(&table->all) = process;
	}
	closedir(dir);
}

static bool
spared(struct rt_spare spare, pid_t pid)
{
	for (size_t i = 0; i < spare.n; i++)
		if (spare.at[i] == pid)
			return true;
	return false;
}

static bool
is_below(const struct table *table, pid_t root, pid_t parent)
{
	if (parent == root)
		return true;
	for (size_t i = 0; i < table->all.n; i++)
		if (table->all.at[i].pid == parent)
			return table->all.at[i].below;
	return false;
}

/* Marks and counts the living descendants; pids need not rise from parent to child, hence the repetition. */
static unsigned
table_mark(struct table *table, pid_t root, struct rt_spare spare)
{
	bool changed = true;
	while (changed) {
		changed = false;
		for (size_t i = 0; i < table->all.n; i++) {
			struct process *process = &table->all.at[i];
			if (process->below || (process->parent == root && spared(spare, process->pid)))
				continue;
			process->below = is_below(table, root, process->parent);
			changed |= process->below;
		}
	}
	unsigned alive = 0;
	for (size_t i = 0; i < table->all.n; i++)
		alive += table->all.at[i].below && table->all.at[i].state != 'Z' && table->all.at[i].state != 'X';
	return alive;
}

static void
send_signal(const struct process *process, int number)
{
	struct process again;
	rt_auto(fd) int fd = (int)syscall(SYS_pidfd_open, process->pid, 0);
	if (fd >= 0 && read_process(process->pid, &again) && again.start == process->start)
		syscall(SYS_pidfd_send_signal, fd, number, NULL, 0);
}

/* Returns how many got the signal. States in skip need none. */
static unsigned
signal_all(pid_t root, struct rt_spare spare, int number, const char *skip)
{
	rt_auto(table) struct table table = {0};
	unsigned sent = 0;
	table_read(&table);
	table_mark(&table, root, spare);
	for (size_t i = 0; i < table.all.n; i++) {
		const struct process *process = &table.all.at[i];
		if (!process->below || strchr(skip, process->state))
			continue;
		send_signal(process, number);
		sent++;
	}
	return sent;
}

/* With a spared child, whose status belongs to somebody else, only what is known to be below is reaped. */
static void
reap_killed(pid_t root, struct rt_spare spare)
{
	rt_auto(table) struct table table = {0};
	table_read(&table);
	table_mark(&table, root, spare);
	for (size_t i = 0; i < table.all.n; i++)
		if (table.all.at[i].below && table.all.at[i].parent == root)
			waitpid(table.all.at[i].pid, NULL, WNOHANG);
}

/*
 * A process that hops from pid to pid slips through a scan. A subreaper without children has no descendants, which is
 * exact; where children are spared, three scans in a row have to do.
 */
static bool
none_left(pid_t root, struct rt_spare spare)
{
	if (spare.n == 0) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		return errno == ECHILD;
	}
	for (int scan = 0; scan < 3; scan++) {
		reap_killed(root, spare);
		if (rt_tree_count(root, spare))
			return false;
	}
	return true;
}

unsigned
rt_tree_count(pid_t root, struct rt_spare spare)
{
	rt_auto(table) struct table table = {0};
	table_read(&table);
	return table_mark(&table, root, spare);
}

bool
rt_tree_kill(pid_t root, struct rt_spare spare, int64_t until)
{
	for (;;) {
		/* A round without anything left to stop: nobody can fork any more. The bound is for a process stuck in
		 * the kernel. */
		for (int round = 0; round < 200 && rt_clock_ms() < until; round++)
			if (signal_all(root, spare, SIGSTOP, "TZX") == 0)
				break;
		signal_all(root, spare, SIGKILL, "ZX");
		if (none_left(root, spare))
			return true;
		if (rt_clock_ms() >= until)
			return false;
		usleep(1000);
	}
}

void
rt_tree_children(pid_t pid, pid_t **at, size_t *n)
{
	rt_auto(table) struct table table = {0};
	table_read(&table);
	for (size_t i = 0; i < table.all.n; i++) {
		if (table.all.at[i].parent != pid)
			continue;
		*at = rt_realloc(*at, *n + 1, sizeof(**at));
		(*at)[(*n)++] = table.all.at[i].pid;
	}
}
