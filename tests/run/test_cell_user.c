/* The same as other users and in other surroundings than the test's own. Each scene is played in a process that changes
 * itself first. */

#include "cells.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/file.h"

static void
setup(void)
{
	cells_setup(RT_LEVEL_OF_NONE);
}

TestSuite(cell_user, .init = setup, .fini = cells_teardown);

/* In a child: no assertions. Returns 0 when the script succeeded at that level. */
static int
play(const struct rt_cell_spec *spec)
{
	struct rt_err err = RT_ERR_INIT;
	struct rt_pool *pool = rt_pool_new();
	struct rt_cell_outcome *outcome = NULL;
	int code = 1;
	if (rt_pool_start(pool, spec, &err) < 0 || rt_pool_wait(pool, 0, &outcome, &err) < 0)
		fprintf(stderr, "%s\n", err.text);
	else if (outcome->end == RT_END_EXIT && outcome->exit_code == 0 && outcome->leaked == 0)
		code = 0;
	else
		fprintf(stderr, "end %d, code %d: %s\n%s", (int)outcome->end, outcome->exit_code, outcome->problem.data,
			outcome->log.data);
	rt_cell_outcome_free(outcome);
	rt_pool_free(pool);
	return code;
}

static int
status_of(pid_t pid)
{
	int status = 0;
	cr_assert(pid > 0 && waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static bool
put(const char *path, const char *text)
{
	rt_auto(fd) int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && rt_write_all(fd, text, strlen(text)) == 0;
}

static bool
become_nobody(void)
{
	/* A program that this user starts is dumpable; one that changes its user is not, until it says so. */
	return setgroups(0, NULL) == 0 && setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0 &&
	       prctl(PR_SET_DUMPABLE, 1) == 0;
}

/* As `unshare -Ur` does. */
static bool
become_root_of_a_namespace(void)
{
	char map[64];
	uid_t uid = geteuid();
	gid_t gid = getegid();
	if (unshare(CLONE_NEWUSER) < 0 || !put("/proc/self/setgroups", "deny"))
		return false;
	snprintf(map, sizeof(map), "0 %u 1", uid);
	if (!put("/proc/self/uid_map", map))
		return false;
	snprintf(map, sizeof(map), "0 %u 1", gid);
	return put("/proc/self/gid_map", map);
}

static void
give_to_nobody(const struct rt_cell_spec *spec)
{
	cr_assert(chown(spec->reports, 65534, 65534) == 0 && chown(cells_dir, 65534, 65534) == 0);
}

Test(cell_user, ordinary_user_has_namespaces)
{
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("sh", "-c",
							 "echo x > /out/report && echo y > made && ./hostile loopback "
							 "&& ! ./hostile write /proc/sys/kernel/core_pattern"));
	struct stat st;
	if (geteuid() != 0)
		cells_skip("needs root to become somebody else");
	give_to_nobody(&spec);
	spec.level = RT_LEVEL_OF_NAMESPACES;
	pid_t pid = fork();
	if (pid == 0)
		_exit(!become_nobody() ? 3 : rt_isolation_probe(NULL) < RT_LEVEL_OF_NAMESPACES ? 77 : play(&spec));
	int code = status_of(pid);
	if (code == 77)
		cells_skip("no namespaces for an ordinary user here");
	cr_assert_eq(code, 0);
	rt_auto(free) char *report = rt_format("%s/report", spec.reports);
	cr_assert(stat(report, &st) == 0 && st.st_uid == 65534);
}

Test(cell_user, ordinary_user_has_landlock)
{
	struct rt_cell_spec spec = cells_spec(
	    CELLS_ARGV("sh", "-c", "echo y > made && ! ./hostile write /var/tmp/x && ! ./hostile list /home"));
	if (geteuid() != 0)
		cells_skip("needs root to become somebody else");
	give_to_nobody(&spec);
	spec.level = RT_LEVEL_OF_LANDLOCK;
	pid_t pid = fork();
	if (pid == 0)
		_exit(!become_nobody() ? 3 : rt_isolation_probe(NULL) < RT_LEVEL_OF_LANDLOCK ? 77 : play(&spec));
	int code = status_of(pid);
	if (code == 77)
		cells_skip("no Landlock here");
	cr_assert_eq(code, 0);
}

Test(cell_user, kept_upper_serves_an_ordinary_user)
{
	struct rt_cell_spec first = cells_spec(CELLS_ARGV("sh", "-c", "rm hostile; mkdir -p d; echo x > d/y"));
	struct rt_cell_spec second = cells_spec(CELLS_ARGV("sh", "-c", "test ! -e hostile -a -e d/y"));
	if (geteuid() != 0)
		cells_skip("needs root to become somebody else");
	give_to_nobody(&first);
	give_to_nobody(&second);
	first.level = second.level = RT_LEVEL_OF_NAMESPACES;
	first.upper = cells_make_dir("kept");
	cr_assert(chown(first.upper, 65534, 65534) == 0);
	const char *const lowers[] = {cells_path("kept/tree"), cells_path("layer"), NULL};
	second.lowers = lowers;
	pid_t pid = fork();
	if (pid == 0)
		_exit(!become_nobody()					  ? 3
		      : rt_isolation_probe(NULL) < RT_LEVEL_OF_NAMESPACES ? 77
		      : play(&first)					  ? 1
									  : play(&second));
	int code = status_of(pid);
	if (code == 77)
		cells_skip("no namespaces for an ordinary user here");
	cr_assert_eq(code, 0);
}

Test(cell_user, root_of_a_user_namespace_has_namespaces)
{
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("sh", "-c", "echo y > made && id -u | grep -qx 1000"));
	spec.level = RT_LEVEL_OF_NAMESPACES;
	pid_t pid = fork();
	if (pid == 0)
		_exit(!become_root_of_a_namespace() || rt_isolation_probe(NULL) < RT_LEVEL_OF_NAMESPACES ? 77
													 : play(&spec));
	int code = status_of(pid);
	if (code == 77)
		cells_skip("no user namespaces here");
	cr_assert_eq(code, 0);
}

Test(cell_user, probe_steps_down_and_says_why_where_namespaces_are_forbidden)
{
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("sh", "-c", "echo y > made"));
	spec.level = RT_LEVEL_OF_LANDLOCK;
	pid_t pid = fork();
	if (pid == 0) {
		rt_auto(strs) struct rt_strs why = {0};
		if (!become_root_of_a_namespace() || !put("/proc/sys/user/max_user_namespaces", "0"))
			_exit(77);
		enum rt_isolation level = rt_isolation_probe(&why);
		bool told = false;
		for (size_t i = 0; i < why.n; i++)
			told |= rt_starts_with(why.at[i], "namespaces: ") && strstr(why.at[i], "max_user_namespaces");
		_exit(level == RT_LEVEL_OF_NAMESPACES || !told ? 4 : level < RT_LEVEL_OF_LANDLOCK ? 77 : play(&spec));
	}
	int code = status_of(pid);
	if (code == 77)
		cells_skip("no user namespaces to forbid, or no Landlock");
	cr_assert_eq(code, 0);
}

/* A cell of the wrong level is a failed setup, never a quiet run with less. */
Test(cell_user, cell_never_runs_at_a_lower_level_than_asked)
{
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("sh", "-c", "echo x > /out/ran; echo x > $0/ran"));
	spec.argv = CELLS_ARGV("sh", "-c", "echo x > $0/ran", spec.reports);
	spec.level = RT_LEVEL_OF_NAMESPACES;
	pid_t pid = fork();
	if (pid == 0) {
		if (!become_root_of_a_namespace() || !put("/proc/sys/user/max_user_namespaces", "0"))
			_exit(77);
		_exit(play(&spec));
	}
	int code = status_of(pid);
	if (code == 77)
		cells_skip("no user namespaces to forbid");
	rt_auto(free) char *ran = rt_format("%s/ran", spec.reports);
	cr_assert_eq(code, 1);
	cr_assert(access(ran, F_OK) < 0);
}

Test(cell_user, environment_variable_lowers_the_level_for_tests)
{
	rt_auto(strs) struct rt_strs why = {0};
	setenv("RATCHET_TEST_ISOLATION", "none", 1);
	cr_assert_eq(rt_isolation_probe(&why), RT_LEVEL_OF_NONE);
	cr_assert_gt(why.n, 0);
}

Test(cell_user, names_of_levels_read_back)
{
	for (int i = RT_LEVEL_OF_NONE; i <= RT_LEVEL_OF_NAMESPACES; i++) {
		enum rt_isolation level;
		cr_assert(rt_isolation_parse(rt_isolation_name((enum rt_isolation)i), &level) == 0 && (int)level == i);
	}
	enum rt_isolation level;
	cr_assert(rt_isolation_parse("strict", &level) < 0);
}
