#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "support/clock.h"
#include "temp.h"

TestSuite(lock, .init = temp_make, .fini = temp_drop);

static struct rt_err err = RT_ERR_INIT;

static int
take(struct rt_lock *lock, bool shared)
{
	return rt_lock_take(lock, "lock", shared, 0, "me", NULL, &err);
}

Test(lock, excludes_the_second_taker_and_names_the_first)
{
	rt_auto(lock) struct rt_lock one = RT_LOCK_INIT;
	rt_auto(lock) struct rt_lock two = RT_LOCK_INIT;
	rt_auto(buf) struct rt_buf holder = RT_BUF_INIT;

	cr_assert_eq(rt_lock_take(&one, "lock", false, 0, "first", NULL, &err), 0);
	cr_assert_eq(rt_lock_take(&two, "lock", false, 0, "second", &holder, &err), 1);
	cr_assert_str_eq(holder.data, "first");
	cr_assert_eq(two.fd, -1);
}

Test(lock, may_be_taken_again_after_it_was_dropped)
{
	rt_auto(lock) struct rt_lock one = RT_LOCK_INIT;
	rt_auto(lock) struct rt_lock two = RT_LOCK_INIT;

	cr_assert_eq(take(&one, false), 0);
	rt_lock_drop(&one);
	cr_assert_eq(one.fd, -1);
	rt_lock_drop(&one);
	cr_assert_eq(take(&two, false), 0);
}

Test(lock, text_of_a_longer_holder_before_is_gone)
{
	rt_auto(lock) struct rt_lock one = RT_LOCK_INIT;
	rt_auto(lock) struct rt_lock two = RT_LOCK_INIT;
	rt_auto(buf) struct rt_buf holder = RT_BUF_INIT;

	cr_assert_eq(rt_lock_take(&one, "lock", false, 0, "a long name", NULL, &err), 0);
	rt_lock_drop(&one);
	cr_assert_eq(rt_lock_take(&one, "lock", false, 0, "b", NULL, &err), 0);
	cr_assert_eq(rt_lock_take(&two, "lock", false, 0, "c", &holder, &err), 1);
	cr_assert_str_eq(holder.data, "b");
}

Test(lock, is_shared_among_readers_only)
{
	rt_auto(lock) struct rt_lock one = RT_LOCK_INIT;
	rt_auto(lock) struct rt_lock two = RT_LOCK_INIT;
	rt_auto(lock) struct rt_lock writer = RT_LOCK_INIT;

	cr_assert_eq(take(&one, true), 0);
	cr_assert_eq(take(&two, true), 0);
	cr_assert_eq(take(&writer, false), 1);
	rt_lock_drop(&one);
	cr_assert_eq(take(&writer, false), 1);
	rt_lock_drop(&two);
	cr_assert_eq(take(&writer, false), 0);
	cr_assert_eq(take(&one, true), 1);
}

Test(lock, waits_no_longer_than_the_deadline)
{
	rt_auto(lock) struct rt_lock one = RT_LOCK_INIT;
	rt_auto(lock) struct rt_lock two = RT_LOCK_INIT;
	int64_t start = rt_clock_ms(), took;

	cr_assert_eq(take(&one, false), 0);
	cr_assert_eq(rt_lock_take(&two, "lock", false, start + 200, "me", NULL, &err), 1);
	took = rt_clock_ms() - start;
	cr_assert_geq(took, 200);
	cr_assert_lt(took, 5000);
}

/* Starts a process that holds the lock; it says so by closing the pipe that is read here. */
static pid_t
hold_in_child(unsigned ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	int ends[2];
	char byte;
	pid_t pid;

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		struct rt_lock lock = RT_LOCK_INIT;

		if (rt_lock_take(&lock, "lock", false, 0, "child", NULL, &err))
			_exit(1);
		rt_close(ends[0]);
		rt_close(ends[1]);
		nanosleep(&time, NULL);
		_exit(0);
	}
	rt_close(ends[1]);
	cr_assert_eq(read(ends[0], &byte, 1), 0);
	rt_close(ends[0]);
	return pid;
}

Test(lock, waits_until_the_holder_ends)
{
	rt_auto(lock) struct rt_lock lock = RT_LOCK_INIT;
	pid_t pid = hold_in_child(300);

	cr_assert_eq(take(&lock, false), 1);
	cr_assert_eq(rt_lock_take(&lock, "lock", false, rt_clock_ms() + 20000, "me", NULL, &err), 0);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

Test(lock, is_free_when_its_holder_was_killed)
{
	rt_auto(lock) struct rt_lock lock = RT_LOCK_INIT;
	pid_t pid = hold_in_child(60000);

	cr_assert_eq(take(&lock, false), 1);
	cr_assert_eq(kill(pid, SIGKILL), 0);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	cr_assert_eq(take(&lock, false), 0);
}

Test(lock, descriptor_is_closed_in_programs)
{
	rt_auto(lock) struct rt_lock lock = RT_LOCK_INIT;

	cr_assert_eq(take(&lock, false), 0);
	cr_assert(fcntl(lock.fd, F_GETFD) & FD_CLOEXEC);
}

Test(lock, is_dropped_even_while_a_forked_child_lives)
{
	rt_auto(lock) struct rt_lock one = RT_LOCK_INIT;
	rt_auto(lock) struct rt_lock two = RT_LOCK_INIT;
	pid_t pid;

	cr_assert_eq(take(&one, false), 0);
	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	rt_lock_drop(&one);
	cr_expect_eq(take(&two, false), 0);
	cr_assert_eq(kill(pid, SIGKILL), 0);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

Test(lock, on_a_removed_file_excludes_nobody)
{
	rt_auto(lock) struct rt_lock one = RT_LOCK_INIT;
	rt_auto(lock) struct rt_lock two = RT_LOCK_INIT;
	rt_auto(lock) struct rt_lock three = RT_LOCK_INIT;

	cr_assert_eq(take(&one, false), 0);
	cr_assert_eq(unlink("lock"), 0);
	cr_assert_eq(take(&two, false), 0);
	cr_assert(rt_exists(AT_FDCWD, "lock"));
	cr_assert_eq(take(&three, false), 1);
}

Test(lock, follows_no_link)
{
	rt_auto(lock) struct rt_lock lock = RT_LOCK_INIT;

	temp_write("target", "precious");
	cr_assert_eq(symlink("target", "lock"), 0);
	cr_assert_eq(take(&lock, false), -1);
	cr_assert(strstr(err.text, "can't lock lock"), "%s", err.text);
}

Test(lock, in_a_missing_directory_is_an_error)
{
	rt_auto(lock) struct rt_lock lock = RT_LOCK_INIT;

	cr_assert_eq(rt_lock_take(&lock, "no/lock", false, 0, "me", NULL, &err), -1);
	cr_assert(strstr(err.text, "no/lock: No such file"), "%s", err.text);
}
