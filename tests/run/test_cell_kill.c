/* The kill-tree matrix: nothing outlives its cell, at any level, whatever it does. */

#include "cells.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/clock.h"
#include "support/file.h"

static void
setup_namespaces(void)
{
	cells_setup(RT_LEVEL_OF_NAMESPACES);
}

static void
setup_landlock(void)
{
	cells_setup(RT_LEVEL_OF_LANDLOCK);
}

static void
setup_none(void)
{
	cells_setup(RT_LEVEL_OF_NONE);
}

TestSuite(kill_namespaces, .init = setup_namespaces, .fini = cells_teardown);
TestSuite(kill_landlock, .init = setup_landlock, .fini = cells_teardown);
TestSuite(kill_none, .init = setup_none, .fini = cells_teardown);

/* Eight daemons hold the pipes and ignore every signal; the command itself ends well. */
static void
daemons_are_counted_and_die(const char *token)
{
	int64_t start = rt_clock_ms();
	const struct rt_cell_outcome *outcome = cells_hostile("daemons", "8", token);
	cr_assert_eq(outcome->end, RT_END_EXIT, "%s", outcome->problem.data);
	cr_assert_eq(outcome->exit_code, 0);
	cr_assert_eq(outcome->leaked, 8);
	cr_assert_eq(outcome->problem.len, 0, "%s", outcome->problem.data);
	cr_assert_eq(cells_alive(token), 0);
	cr_assert(rt_clock_ms() - start < 5000);
}

static void
daemons_die_at_the_deadline(const char *token)
{
	rt_auto(free) char *script =
	    rt_format("./hostile daemons 8 %s; ./hostile hop %s; ./hostile sleep %s", token, token, token);
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("sh", "-c", script));
	spec.timeout_ms = 1000;
	const struct rt_cell_outcome *outcome = cells_run(&spec);
	cr_assert_eq(outcome->end, RT_END_TIMEOUT, "%s", outcome->problem.data);
	cr_assert_eq(cells_alive(token), 0);
}

static void
pid_hopper_dies(const char *token)
{
	const struct rt_cell_outcome *outcome = cells_hostile("hop", token);
	cr_assert_eq(outcome->end, RT_END_EXIT);
	cr_assert_gt(outcome->leaked, 0);
	cr_assert_eq(cells_alive(token), 0);
}

/* Whoever looks after the cell has always one more child to bury. */
static void
storm_of_endings_puts_no_deadline_off(void)
{
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("sh", "-c", "while :; do ( (:) & ); done"));
	spec.timeout_ms = 500;
	int64_t start = rt_clock_ms();
	const struct rt_cell_outcome *outcome = cells_run(&spec);
	cr_assert_eq(outcome->end, RT_END_TIMEOUT, "%s", outcome->problem.data);
	cr_assert_lt(rt_clock_ms() - start, 8000);
}

static void
fork_storm_dies(const char *token)
{
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("./hostile", "storm", "100", token));
	spec.timeout_ms = 700;
	int64_t start = rt_clock_ms();
	const struct rt_cell_outcome *outcome = cells_run(&spec);
	cr_assert_eq(outcome->end, RT_END_TIMEOUT, "%s", outcome->problem.data);
	cr_assert_eq(cells_alive(token), 0);
	cr_assert(rt_clock_ms() - start < 30000);
}

static void
pool_free_kills(const char *token)
{
	struct rt_err err = RT_ERR_INIT;
	struct rt_pool *pool = rt_pool_new();
	rt_auto(free) char *script = rt_format("./hostile daemons 3 %s; ./hostile sleep %s", token, token);
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("sh", "-c", script));
	struct rt_cell_outcome *outcome;
	cr_assert(rt_pool_start(pool, &spec, &err) == 0, "%s", err.text);
	int64_t until = rt_clock_ms() + 10000;
	unsigned alive;
	/* counted once: what makes the daemons counts too, and is gone a moment later */
	while ((alive = cells_alive(token)) < 4 && rt_clock_ms() < until)
		cr_assert(rt_pool_wait(pool, rt_clock_ms() + 20, &outcome, &err) == 0);
	cr_assert_geq(alive, 4);
	rt_pool_free(pool);
	cr_assert_eq(cells_alive(token), 0);
}

static off_t
size_of(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 ? st.st_size : 0;
}

/* The engine is killed itself: a process of its own plays it, and a file on the host shows whether the cell's heart
 * still beats. */
static void
nothing_outlives_the_engine(const char *token)
{
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("true"));
	rt_auto(free) char *path = rt_format("%s/beats", spec.reports);
	spec.argv = CELLS_ARGV("./hostile", "beat", spec.level == RT_LEVEL_OF_NAMESPACES ? "/out/beats" : path, token);
	pid_t engine = fork();
	if (engine == 0) {
		struct rt_err err = RT_ERR_INIT;
		struct rt_pool *pool = rt_pool_new();
		struct rt_cell_outcome *outcome;
		if (rt_pool_start(pool, &spec, &err) == 0 && rt_pool_wait(pool, 0, &outcome, &err) == 0)
			_exit(1);
		_exit(2);
	}
	int64_t until = rt_clock_ms() + 10000;
	while (size_of(path) < 5 && rt_clock_ms() < until)
		usleep(10000);
	cr_assert_geq(size_of(path), 5);
	kill(engine, SIGKILL);
	cr_assert(waitpid(engine, NULL, 0) == engine);
	until = rt_clock_ms() + 5000;
	while (cells_alive(token) && rt_clock_ms() < until)
		usleep(10000);
	cr_assert_eq(cells_alive(token), 0);
	off_t before = size_of(path);
	usleep(200000);
	cr_assert_eq(size_of(path), before);
}

Test(kill_namespaces, daemons_are_counted_and_die)
{
	daemons_are_counted_and_die("token-n1");
}

Test(kill_namespaces, daemons_die_at_the_deadline)
{
	daemons_die_at_the_deadline("token-n2");
}

Test(kill_namespaces, pid_hopper_dies)
{
	pid_hopper_dies("token-n3");
}

Test(kill_namespaces, fork_storm_dies)
{
	fork_storm_dies("token-n4");
}

Test(kill_namespaces, storm_of_endings_puts_no_deadline_off)
{
	storm_of_endings_puts_no_deadline_off();
}

Test(kill_namespaces, pool_free_kills)
{
	pool_free_kills("token-n5");
}

Test(kill_namespaces, nothing_outlives_the_engine)
{
	nothing_outlives_the_engine("token-n6");
}

/* A keeper has no process of a cell's any more when its pool goes; it is waited for later. */
Test(kill_namespaces, no_keeper_is_left_when_the_next_pool_is_made)
{
	struct rt_err err = RT_ERR_INIT;
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("true"));
	rt_auto(cell_outcome) struct rt_cell_outcome *outcome = NULL;
	struct rt_pool *pool = rt_pool_new();
	cr_assert(rt_pool_start(pool, &spec, &err) == 0, "%s", err.text);
	cr_assert(rt_pool_wait(pool, 0, &outcome, &err) == 0, "%s", err.text);
	cells_expect(outcome, 0);
	rt_pool_free(pool);
	pool = rt_pool_new();
	cr_expect(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
	rt_pool_free(pool);
}

Test(kill_landlock, daemons_are_counted_and_die)
{
	daemons_are_counted_and_die("token-l1");
}

Test(kill_landlock, daemons_die_at_the_deadline)
{
	daemons_die_at_the_deadline("token-l2");
}

Test(kill_landlock, pid_hopper_dies)
{
	pid_hopper_dies("token-l3");
}

Test(kill_landlock, fork_storm_dies)
{
	fork_storm_dies("token-l4");
}

Test(kill_landlock, storm_of_endings_puts_no_deadline_off)
{
	storm_of_endings_puts_no_deadline_off();
}

Test(kill_landlock, pool_free_kills)
{
	pool_free_kills("token-l5");
}

Test(kill_landlock, nothing_outlives_the_engine)
{
	nothing_outlives_the_engine("token-l6");
}

Test(kill_none, daemons_are_counted_and_die)
{
	daemons_are_counted_and_die("token-o1");
}

Test(kill_none, nothing_outlives_the_engine)
{
	nothing_outlives_the_engine("token-o2");
}

/* Without Landlock nothing protects the supervisor from its cell. What it leaves comes to the engine and is killed
 * there. */
Test(kill_none, supervisor_killed_by_the_cell_leaves_nothing)
{
	const struct rt_cell_outcome *outcome =
	    cells_sh("./hostile daemons 3 token-o3; kill -9 $PPID; ./hostile sleep token-o3");
	cr_assert_eq(outcome->end, RT_END_LIMIT);
	cr_assert_gt(outcome->problem.len, 0);
	cr_assert_eq(cells_alive("token-o3"), 0);
}
