#include "support/tempname.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/wait.h>

#include "temp.h"

TestSuite(tempname, .init = temp_make, .fini = temp_drop);

static struct rt_err err = RT_ERR_INIT;

/* The name that a process which is no more gave to a file. */
static void
name_of_a_dead_process(char name[RT_TEMP_NAME])
{
	int pipes[2];

	cr_assert_eq(pipe(pipes), 0);
	pid_t pid = fork();
	if (pid == 0) {
		rt_temp_name(name, RT_TEMP_PREFIX);
		_exit(write(pipes[1], name, RT_TEMP_NAME) != RT_TEMP_NAME);
	}
	cr_assert_eq(read(pipes[0], name, RT_TEMP_NAME), RT_TEMP_NAME);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	close(pipes[0]);
	close(pipes[1]);
}

Test(tempname, a_name_of_a_living_process_is_not_stale)
{
	char name[RT_TEMP_NAME], other[RT_TEMP_NAME];

	rt_temp_name(name, RT_TEMP_PREFIX);
	rt_temp_name(other, RT_TEMP_PREFIX);
	cr_expect_str_neq(name, other);
	cr_expect_not(rt_temp_is_stale(name, RT_TEMP_PREFIX), "%s", name);
}

Test(tempname, a_name_of_a_dead_process_is_stale)
{
	char name[RT_TEMP_NAME];

	name_of_a_dead_process(name);
	cr_expect(rt_temp_is_stale(name, RT_TEMP_PREFIX), "%s", name);
	cr_expect_not(rt_temp_is_stale(name, "other-"));
}

Test(tempname, a_pid_that_was_used_again_is_told_by_its_start)
{
	rt_auto(free) char *name = rt_format(RT_TEMP_PREFIX "%ld-12-%llx-0123456789abcdef", (long)getpid(),
					     (unsigned long long)rt_process_space());

	cr_expect(rt_temp_is_stale(name, RT_TEMP_PREFIX));
}

Test(tempname, a_name_from_another_pid_namespace_is_nobodys)
{
	rt_auto(free) char *name = rt_format(RT_TEMP_PREFIX "%ld-12-%llx-0123456789abcdef", (long)getpid(),
					     (unsigned long long)rt_process_space() + 1);

	cr_expect_not(rt_temp_is_stale(name, RT_TEMP_PREFIX));
}

Test(tempname, names_of_another_form_are_nobodys)
{
	static const char *const names[] = {
	    RT_TEMP_PREFIX,
	    RT_TEMP_PREFIX "1-1",
	    RT_TEMP_PREFIX "0-0-0123456789abcdef.x",
	    RT_TEMP_PREFIX "0-0-1-0123456789abcdeg",
	    RT_TEMP_PREFIX "x-1-1-0123456789abcdef",
	};

	for (size_t i = 0; i < RT_COUNT(names); i++)
		cr_expect_not(rt_temp_is_stale(names[i], RT_TEMP_PREFIX), "%s", names[i]);
}

Test(tempname, a_sweep_takes_what_dead_processes_left_and_no_more)
{
	char dead[RT_TEMP_NAME], living[RT_TEMP_NAME];
	size_t n = 0;

	name_of_a_dead_process(dead);
	rt_temp_name(living, RT_TEMP_PREFIX);
	temp_write(dead, "x");
	temp_write(living, "x");
	temp_write("file", "x");
	cr_expect_eq(rt_temp_sweep(".", RT_TEMP_PREFIX, &n, &err), 0, "%s", err.text);
	cr_expect_eq(n, 1);
	cr_expect(!rt_exists(AT_FDCWD, dead) && rt_exists(AT_FDCWD, living) && rt_exists(AT_FDCWD, "file"));
	cr_expect_eq(rt_temp_sweep("absent", RT_TEMP_PREFIX, &n, &err), 0);
}
