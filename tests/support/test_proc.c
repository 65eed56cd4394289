#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "support/clock.h"
#include "support/proc.h"
#include "temp.h"

static struct rt_err err = RT_ERR_INIT;
static struct rt_buf out = RT_BUF_INIT, errs = RT_BUF_INIT;

static void
make(void)
{
	temp_make();
}

static void
drop(void)
{
	rt_buf_release(&out);
	rt_buf_release(&errs);
	temp_drop();
}

TestSuite(proc, .init = make, .fini = drop);

#define SHELL(script)                    \
	(const char *const[])            \
	{                                \
		"sh", "-c", script, NULL \
	}

static void
expect_text(const char *part)
{
	cr_assert(strstr(err.text, part), "\"%s\" is not in: %s", part, err.text);
}

Test(proc, gives_output_messages_and_exit_code)
{
	struct rt_proc proc = {.argv = SHELL("echo out; echo err >&2; exit 3"), .out = &out, .errs = &errs};

	cr_assert_eq(rt_proc_run(&proc, &err), 0, "%s", err.text);
	cr_assert_eq(proc.exit_code, 3);
	cr_assert_str_eq(out.data, "out\n");
	cr_assert_str_eq(errs.data, "err\n");
}

Test(proc, appends_to_what_is_there)
{
	struct rt_proc proc = {.argv = SHELL("echo x"), .out = &out};

	rt_buf_adds(&out, "before ");
	cr_assert_eq(rt_proc_run(&proc, &err), 0);
	cr_assert_str_eq(out.data, "before x\n");
}

Test(proc, death_by_signal_is_128_and_its_number)
{
	struct rt_proc proc = {.argv = SHELL("kill -TERM $$")};

	cr_assert_eq(rt_proc_run(&proc, &err), 0);
	cr_assert_eq(proc.exit_code, 128 + SIGTERM);
}

Test(proc, environment_is_what_was_given_and_no_more)
{
	const char *const env[] = {"NAME=value", "OTHER=x y", NULL};
	struct rt_proc proc = {.argv = (const char *const[]){"env", NULL}, .env = env, .out = &out};

	setenv("LEAKED", "1", 1);
	cr_assert_eq(rt_proc_run(&proc, &err), 0);
	cr_assert_str_eq(out.data, "PATH=/usr/local/bin:/usr/bin:/bin\nLC_ALL=C\nNAME=value\nOTHER=x y\n");
}

Test(proc, program_is_not_looked_up_on_the_callers_path)
{
	struct rt_proc proc = {.argv = (const char *const[]){"true", NULL}};

	temp_write("true", "#!/bin/sh\nexit 9\n");
	cr_assert_eq(chmod("true", 0755), 0);
	setenv("PATH", temp_dir, 1);
	cr_assert_eq(rt_proc_run(&proc, &err), 0);
	cr_assert_eq(proc.exit_code, 0);
}

Test(proc, missing_program_is_named)
{
	struct rt_proc proc = {.argv = (const char *const[]){"no-such-program", NULL}};

	cr_assert_eq(rt_proc_run(&proc, &err), -1);
	cr_assert_eq(err.code, RT_EUNKNOWN);
	expect_text("no-such-program is not in /usr/local/bin:/usr/bin:/bin");
}

Test(proc, program_that_cannot_start_is_named)
{
	struct rt_proc proc = {.argv = (const char *const[]){"/nowhere/program", NULL}};

	cr_assert_eq(rt_proc_run(&proc, &err), -1);
	cr_assert_eq(err.code, RT_EUNKNOWN);
	expect_text("can't start /nowhere/program: No such file or directory");
}

Test(proc, runs_in_the_directory_asked_for)
{
	struct rt_proc proc = {.argv = SHELL("pwd -P"), .cwd = "/usr", .out = &out};

	cr_assert_eq(rt_proc_run(&proc, &err), 0);
	cr_assert_str_eq(out.data, "/usr\n");
}

Test(proc, missing_directory_is_named)
{
	struct rt_proc proc = {.argv = SHELL("true"), .cwd = "/nowhere"};

	cr_assert_eq(rt_proc_run(&proc, &err), -1);
	expect_text("in /nowhere: No such file");
}

Test(proc, standard_input_is_empty_unless_given)
{
	struct rt_proc proc = {.argv = SHELL("cat; readlink /proc/self/fd/0"), .out = &out};

	cr_assert_eq(rt_proc_run(&proc, &err), 0);
	cr_assert_str_eq(out.data, "/dev/null\n");
}

Test(proc, feeds_and_reads_at_the_same_time)
{
	size_t len = 8 << 20;
	rt_auto(free) char *in = rt_alloc(len, 1);
	struct rt_proc proc = {.argv = SHELL("cat"), .in = in, .in_len = len, .out = &out};

	memset(in, 'x', len);
	cr_assert_eq(rt_proc_run(&proc, &err), 0, "%s", err.text);
	cr_assert_eq(out.len, len);
	cr_assert(!memcmp(in, out.data, len));
}

Test(proc, program_that_does_not_read_its_input_is_fine)
{
	size_t len = 8 << 20;
	rt_auto(free) char *in = rt_alloc(len, 1);
	struct rt_proc proc = {
	    .argv = SHELL("exec 0</dev/null; sleep 0.1; echo done"), .in = in, .in_len = len, .out = &out};
	sigset_t mask, pending;

	cr_assert_eq(rt_proc_run(&proc, &err), 0, "%s", err.text);
	cr_assert_str_eq(out.data, "done\n");
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	cr_assert_eq(sigismember(&mask, SIGPIPE), 0);
	cr_assert_eq(sigpending(&pending), 0);
	cr_assert_eq(sigismember(&pending, SIGPIPE), 0);
}

Test(proc, broken_pipe_signal_reaches_the_program)
{
	struct rt_proc proc = {.argv = SHELL("sh -c 'kill -PIPE $$'; echo $?"), .out = &out};

	signal(SIGPIPE, SIG_IGN);
	cr_assert_eq(rt_proc_run(&proc, &err), 0);
	cr_assert_str_eq(out.data, "141\n");
}

Test(proc, deadline_kills_the_program_and_its_children)
{
	struct rt_proc proc = {.argv = SHELL("sleep 60 & echo $! >&2; trap '' TERM; while :; do sleep 60; done"),
			       .timeout_ms = 300,
			       .errs = &errs};
	int64_t start = rt_clock_ms();
	struct timespec nap = {.tv_nsec = 20000000};
	pid_t pid;
	int i;

	cr_assert_eq(rt_proc_run(&proc, &err), -1);
	cr_assert_eq(err.code, RT_EUNKNOWN);
	expect_text("sh did not end in time");
	cr_assert_lt(rt_clock_ms() - start, 5000);
	pid = (pid_t)strtol(errs.data, NULL, 10);
	cr_assert_gt(pid, 0);
	/* Its new parent may take a moment to reap it. */
	for (i = 0; i < 500 && !kill(pid, 0); i++) {
		rt_auto(buf) struct rt_buf state = RT_BUF_INIT;
		rt_auto(free) char *path = rt_format("/proc/%d/stat", pid);

		if (!rt_file_read(AT_FDCWD, path, 4096, &state, &err) && strstr(state.data, ") Z "))
			return;
		nanosleep(&nap, NULL);
	}
	cr_assert_lt(i, 500);
}

Test(proc, silent_program_is_held_to_the_deadline_too)
{
	struct rt_proc proc = {.argv = SHELL("exec sleep 60"), .timeout_ms = 200};

	cr_assert_eq(rt_proc_run(&proc, &err), -1);
	expect_text("did not end in time");
}

Test(proc, program_that_closed_its_output_is_still_waited_for)
{
	struct rt_proc proc = {.argv = SHELL("exec >&- 2>&-; sleep 0.2; exit 5"), .out = &out, .errs = &errs};

	cr_assert_eq(rt_proc_run(&proc, &err), 0, "%s", err.text);
	cr_assert_eq(proc.exit_code, 5);
}

Test(proc, grandchild_with_the_pipe_delays_by_a_second_at_most)
{
	struct rt_proc proc = {.argv = SHELL("echo mine; (setsid sleep 3) & exit 4"), .out = &out, .errs = &errs};
	int64_t start = rt_clock_ms(), took;

	cr_assert_eq(rt_proc_run(&proc, &err), 0, "%s", err.text);
	took = rt_clock_ms() - start;
	cr_assert_eq(proc.exit_code, 4);
	cr_assert_str_eq(out.data, "mine\n");
	cr_assert_lt(took, 2800);
}

Test(proc, output_that_was_still_in_the_pipe_is_read)
{
	struct rt_proc proc = {.argv = SHELL("head -c 60000 /dev/zero"), .out = &out};

	cr_assert_eq(rt_proc_run(&proc, &err), 0);
	cr_assert_eq(out.len, 60000);
}

Test(proc, output_of_exactly_the_limit_is_read)
{
	struct rt_proc proc = {.argv = SHELL("printf 12345"), .out = &out, .max_out = 5};

	cr_assert_eq(rt_proc_run(&proc, &err), 0, "%s", err.text);
	cr_assert_str_eq(out.data, "12345");
}

Test(proc, too_much_output_is_an_error)
{
	struct rt_proc proc = {.argv = SHELL("exec cat /dev/zero"), .out = &out, .max_out = 100000};

	cr_assert_eq(rt_proc_run(&proc, &err), -1);
	cr_assert_eq(err.code, RT_EUNKNOWN);
	expect_text("sh wrote more than 100000 bytes");
}

Test(proc, only_the_first_messages_are_kept)
{
	struct rt_proc proc = {.argv = SHELL("head -c 1000000 /dev/zero >&2; exit 6"), .errs = &errs};

	cr_assert_eq(rt_proc_run(&proc, &err), 0, "%s", err.text);
	cr_assert_eq(proc.exit_code, 6);
	cr_assert_eq(errs.len, 65536);
}

Test(proc, descriptors_of_ours_are_not_inherited)
{
	struct rt_proc proc = {.argv = (const char *const[]){"ls", "/proc/self/fd", NULL}, .out = &out, .errs = &errs};
	int leaky = open("/dev/null", O_RDONLY); /* without O_CLOEXEC */

	cr_assert_eq(rt_proc_run(&proc, &err), 0);
	rt_close(leaky);
	/* 3 is what ls reads the folder by. */
	cr_assert_str_eq(out.data, "0\n1\n2\n3\n");
}

Test(proc, works_when_our_standard_descriptors_are_closed)
{
	struct rt_proc proc = {.argv = SHELL("cat; echo err >&2"), .in = "in", .in_len = 2, .out = &out, .errs = &errs};
	int kept[3], i, failed;

	for (i = 0; i < 3; i++) {
		kept[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
		rt_close(i);
	}
	failed = rt_proc_run(&proc, &err);
	for (i = 0; i < 3; i++)
		dup2(kept[i], i);
	cr_assert_eq(failed, 0, "%s", err.text);
	cr_assert_str_eq(out.data, "in");
	cr_assert_str_eq(errs.data, "err\n");
}

Test(proc, leaves_no_descriptor_and_no_child_behind)
{
	struct rt_proc proc = {.argv = SHELL("cat"), .in = "x", .in_len = 1, .out = &out, .errs = &errs};
	int before = open("/dev/null", O_RDONLY | O_CLOEXEC), after;

	rt_close(before);
	cr_assert_eq(rt_proc_run(&proc, &err), 0);
	proc.argv = (const char *const[]){"/nowhere/program", NULL};
	cr_assert_eq(rt_proc_run(&proc, &err), -1);
	after = open("/dev/null", O_RDONLY | O_CLOEXEC);
	rt_close(after);
	cr_assert_eq(before, after);
}

Test(proc, lost_exit_status_is_an_error)
{
	struct rt_proc proc = {.argv = SHELL("exit 0")};

	signal(SIGCHLD, SIG_IGN);
	cr_assert_eq(rt_proc_run(&proc, &err), -1);
	expect_text("SIGCHLD is ignored");
}
