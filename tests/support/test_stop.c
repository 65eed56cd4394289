#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "support/clock.h"
#include "support/proc.h"
#include "support/stop.h"
#include "temp.h"

static struct rt_err err = RT_ERR_INIT;

TestSuite(stop, .init = temp_make, .fini = temp_drop);

Test(stop, is_asked_for_once_and_for_good)
{
	cr_expect_not(rt_stopped());
	rt_stop();
	cr_expect(rt_stopped());
	rt_stop();
	cr_expect(rt_stopped());
}

Test(stop, ends_the_wait_for_a_lock)
{
	rt_auto(lock) struct rt_lock one = RT_LOCK_INIT;
	rt_auto(lock) struct rt_lock two = RT_LOCK_INIT;

	cr_assert_eq(rt_lock_take(&one, "lock", false, 0, "first", NULL, &err), 0);
	rt_stop();
	cr_assert_eq(rt_lock_take(&two, "lock", false, rt_clock_ms() + 3600000, "second", NULL, &err), -1);
	cr_expect_str_eq(err.text, "interrupted while waiting for a lock");
	cr_expect_eq(two.fd, -1);
}

Test(stop, keeps_nobody_from_a_free_lock)
{
	rt_auto(lock) struct rt_lock lock = RT_LOCK_INIT;

	rt_stop();
	cr_assert_eq(rt_lock_take(&lock, "lock", false, 0, "me", NULL, &err), 0, "%s", err.text);
}

Test(stop, ends_the_wait_for_input)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	rt_stop();
	cr_assert_eq(rt_file_read_fd(ends[0], 100, "the pipe", &text, &err), -1);
	cr_expect_str_eq(err.text, "interrupted while reading");
	cr_expect_eq(text.len, 0);
}

Test(stop, keeps_nobody_from_a_plain_file)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;

	temp_write("f", "text");
	rt_stop();
	cr_assert_eq(rt_file_read(AT_FDCWD, "f", 100, &text, &err), 0, "%s", err.text);
	cr_expect_str_eq(text.data, "text");
}

Test(stop, kills_a_program_that_runs)
{
	const char *const argv[] = {"sleep", "3600", NULL};
	struct rt_proc proc = {.argv = argv, .timeout_ms = 3600000};

	rt_stop();
	cr_assert_eq(rt_proc_run(&proc, &err), -1);
	cr_expect_str_eq(err.text, "interrupted while a program ran");
}
