/* What a cell promises to an honest command, in namespaces. */

#include "cells.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "support/clock.h"
#include "support/file.h"

static void
setup(void)
{
	cells_setup(RT_LEVEL_OF_NAMESPACES);
}

TestSuite(cell, .init = setup, .fini = cells_teardown);

static void
expect_log(const struct rt_cell_outcome *outcome, const char *text)
{
	cells_expect(outcome, 0);
	cr_assert_str_eq(outcome->log.data, text);
}

static bool
has_program(const char *name)
{
	rt_auto(free) char *path = rt_format("/usr/bin/%s", name);
	return access(path, X_OK) == 0;
}

Test(cell, runs_the_command_in_the_workspace)
{
	expect_log(cells_sh("pwd; ls"), "/src\nhostile\n");
}

Test(cell, gives_the_exit_status)
{
	cells_expect(cells_sh("exit 42"), 42);
}

Test(cell, tells_a_signal_from_an_exit)
{
	const struct rt_cell_outcome *outcome = cells_hostile("signal", "9");
	cr_assert_eq(outcome->end, RT_END_SIGNAL);
	cr_assert_eq(outcome->exit_code, 128 + 9);
	cells_expect(cells_sh("exit 137"), 137);
}

Test(cell, missing_program_is_127_and_one_that_cannot_run_126)
{
	cells_expect(cells_run(cells_keep(cells_spec(CELLS_ARGV("no-such-program")))), 127);
	cells_expect(cells_run(cells_keep(cells_spec(CELLS_ARGV("/etc")))), 126);
}

Test(cell, environment_is_the_allowlist_and_the_additions)
{
	setenv("RATCHET_SECRET", "1", 1);
	setenv("LD_PRELOAD_EVIL", "1", 1);
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("sh", "-c", "env | grep -v ^PWD= | sort"));
	spec.env = CELLS_ARGV("FLAVOUR=plain", "TZ=Asia/Tokyo");
	expect_log(cells_run(&spec), "FLAVOUR=plain\nHOME=/home/user\nLANG=C.UTF-8\nLC_ALL=C.UTF-8\nLOGNAME=user\n"
				     "PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin\n"
				     "SHELL=/bin/sh\nTERM=dumb\nTMPDIR=/tmp\nTZ=Asia/Tokyo\nUSER=user\n");
}

Test(cell, nothing_in_it_names_the_engine)
{
	cells_expect(
	    cells_sh(
		"! env | grep -i ratchet && test -z \"$(cat /proc/1/cmdline)\" && test \"$(cat /proc/1/comm)\" = init"),
	    0);
}

Test(cell, command_has_three_descriptors_and_its_own_session)
{
	int leaked = open("/dev/null", O_RDONLY);
	cr_assert(leaked >= 0);
	cells_expect(cells_hostile("open-fds"), 1);
	signal(SIGPIPE, SIG_IGN);
	expect_log(cells_hostile("session"), "leader 1, tty 0, signals 0, core 0\n");
	expect_log(cells_sh("cat | wc -c"), "0\n");
	close(leaked);
}

Test(cell, standard_output_goes_to_the_file_and_both_to_the_log)
{
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("sh", "-c", "echo one; echo two >&2"));
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	struct rt_err err = RT_ERR_INIT;
	rt_auto(fd) int fd = open(cells_path("stdout"), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	spec.output_fd = fd;
	spec.streams = RT_STREAMS_OUT;
	const struct rt_cell_outcome *outcome = cells_run(&spec);
	cells_expect(outcome, 0);
	lseek(fd, 0, SEEK_SET);
	cr_assert(rt_file_read_fd(fd, 100, "stdout", &text, &err) == 0);
	cr_assert_str_eq(text.data, "one\n");
	cr_assert(strstr(outcome->log.data, "one\n") && strstr(outcome->log.data, "two\n"));
}

static void
expect_kept(enum rt_streams streams, const char *want)
{
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("sh", "-c", "echo one; echo two >&2; echo three"));
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	struct rt_err err = RT_ERR_INIT;
	rt_auto(fd) int fd = open(cells_path("kept"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	spec.output_fd = fd;
	spec.streams = streams;
	cells_expect(cells_run(&spec), 0);
	lseek(fd, 0, SEEK_SET);
	cr_assert(rt_file_read_fd(fd, 100, "kept", &text, &err) == 0);
	cr_assert_str_eq(text.data, want);
}

Test(cell, standard_error_goes_to_the_file_alone_or_in_its_place)
{
	expect_kept(RT_STREAMS_ERR, "two\n");
	expect_kept(RT_STREAMS_BOTH, "one\ntwo\nthree\n");
}

Test(cell, log_keeps_head_and_tail)
{
	const struct rt_cell_outcome *outcome = cells_sh("echo first; ./hostile flood 1000000; echo last");
	cells_expect(outcome, 0);
	cr_assert(rt_starts_with(outcome->log.data, "first\n"));
	cr_assert(rt_ends_with(outcome->log.data, "last\n"));
	cr_assert(strstr(outcome->log.data, "[... 737867 bytes left out ...]"), "%.20s",
		  strstr(outcome->log.data, "[..."));
	cr_assert(outcome->log.len < (257 << 10));
}

Test(cell, more_output_than_allowed_ends_it)
{
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("./hostile", "flood", "100000000000"));
	rt_auto(fd) int fd = open(cells_path("stdout"), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	struct stat st;
	spec.output_fd = fd;
	spec.streams = RT_STREAMS_OUT;
	spec.output_max = 1000000;
	const struct rt_cell_outcome *outcome = cells_run(&spec);
	cr_assert_eq(outcome->end, RT_END_LIMIT);
	cr_assert(strstr(outcome->problem.data, "1000000 bytes"));
	cr_assert(fstat(fd, &st) == 0 && st.st_size == 1000000);
}

Test(cell, deadline_kills_it)
{
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("./hostile", "sleep", "token-deadline"));
	spec.timeout_ms = 300;
	int64_t start = rt_clock_ms();
	const struct rt_cell_outcome *outcome = cells_run(&spec);
	cr_assert_eq(outcome->end, RT_END_TIMEOUT);
	cr_assert(rt_clock_ms() - start < 5000);
	cr_assert_eq(cells_alive("token-deadline"), 0);
}

Test(cell, silence_kills_it_and_output_puts_that_off)
{
	struct rt_cell_spec spec =
	    cells_spec(CELLS_ARGV("sh", "-c", "for i in 1 2 3 4 5 6; do echo $i; sleep 0.2; done; sleep 100"));
	spec.silence_ms = 700;
	const struct rt_cell_outcome *outcome = cells_run(&spec);
	cr_assert_eq(outcome->end, RT_END_SILENT);
	cr_assert_str_eq(outcome->log.data, "1\n2\n3\n4\n5\n6\n");
}

/* A quick command is announced together with its end, a slow one before. */
Test(cell, quick_and_slow_commands_say_the_same_of_themselves)
{
	static const char *const scripts[] = {"echo new >made", "sleep 0.2; echo new >made; exit 0"};
	for (size_t i = 0; i < RT_COUNT(scripts); i++) {
		struct timespec before, after;
		clock_gettime(CLOCK_REALTIME_COARSE, &before);
		const struct rt_cell_outcome *outcome = cells_sh(scripts[i]);
		clock_gettime(CLOCK_REALTIME, &after);
		cells_expect(outcome, 0);
		cr_expect(outcome->upper_fd >= 0 && rt_exists(outcome->upper_fd, "made"));
		cr_expect_geq(outcome->start_ns, (int64_t)before.tv_sec * 1000000000 + before.tv_nsec);
		cr_expect_leq(outcome->start_ns, (int64_t)after.tv_sec * 1000000000 + after.tv_nsec);
		cr_expect_geq(outcome->duration_ms, i ? 200 : 0);
		cr_expect_lt(outcome->duration_ms, 20000);
	}
}

Test(cell, writes_land_in_the_upper_directory_alone)
{
	const struct rt_cell_outcome *outcome =
	    cells_sh("echo new > made; echo changed >> hostile; mkdir d; echo x > d/y");
	struct rt_err err = RT_ERR_INIT;
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	cells_expect(outcome, 0);
	cr_assert_not(outcome->upper_is_copy);
	cr_assert(outcome->upper_fd >= 0);
	cr_assert(rt_file_read(outcome->upper_fd, "made", 100, &text, &err) == 0, "%s", err.text);
	cr_assert_str_eq(text.data, "new\n");
	cr_assert(rt_exists(outcome->upper_fd, "d/y"));
	cr_assert_not(rt_exists(AT_FDCWD, cells_path("layer/made")));
	cells_expect(cells_sh("test ! -e made && ./hostile signal 0"), 0);
}

Test(cell, killed_cell_still_shows_what_it_wrote)
{
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("sh", "-c", "echo 1 > report.xml; exec sleep 100"));
	spec.timeout_ms = 1000;
	const struct rt_cell_outcome *outcome = cells_run(&spec);
	cr_assert_eq(outcome->end, RT_END_TIMEOUT);
	cr_assert(rt_exists(outcome->upper_fd, "report.xml"));
}

/* A build step's result below the step that needs it: removed and replaced directories stay so. */
Test(cell, kept_upper_is_the_next_cells_layer)
{
	cells_make_dir("layer/old");
	cells_write("layer/old/a", "a");
	cells_make_dir("layer/swap");
	cells_write("layer/swap/b", "b");
	cells_write("layer/gone", "g");
	const char *kept = cells_make_dir("kept");
	struct rt_cell_spec first = cells_spec(
	    CELLS_ARGV("sh", "-c", "rm gone; rm -r old; rm -r swap; mkdir swap; echo c > swap/c; echo n > new"));
	first.upper = kept;
	const struct rt_cell_outcome *outcome = cells_run(&first);
	cells_expect(outcome, 0);
	cr_assert(rt_exists(outcome->upper_fd, "new"));
	struct rt_cell_spec second = cells_spec(CELLS_ARGV("sh", "-c", "find . -type f -o -type d | sort"));
	const char *const lowers[] = {cells_path("kept/tree"), cells_path("layer"), NULL};
	second.lowers = lowers;
	expect_log(cells_run(&second), ".\n./hostile\n./new\n./swap\n./swap/c\n");
}

Test(cell, forty_layers_are_stacked)
{
	const char *lowers[42] = {NULL};
	for (int i = 0; i < 40; i++) {
		char name[128];
		snprintf(name, sizeof(name), "layers/a-rather-long-name-for-a-layer-so-that-no-page-holds-them/%d", i);
		lowers[i] = cells_make_dir(name);
		snprintf(name, sizeof(name), "layers/a-rather-long-name-for-a-layer-so-that-no-page-holds-them/%d/f%d",
			 i, i);
		cells_write(name, "");
		snprintf(name, sizeof(name), "layers/a-rather-long-name-for-a-layer-so-that-no-page-holds-them/%d/top",
			 i);
		cells_write(name, i ? "below\n" : "first\n");
	}
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("sh", "-c", "ls | wc -l; cat top"));
	spec.lowers = lowers;
	expect_log(cells_run(&spec), "41\nfirst\n");
}

Test(cell, reports_reach_the_host)
{
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("sh", "-c", "echo done > /out/report"));
	cells_expect(cells_run(&spec), 0);
	rt_auto(free) char *path = rt_format("%s/report", spec.reports);
	struct stat st;
	cr_assert(stat(path, &st) == 0 && st.st_uid == geteuid());
}

Test(cell, tools_are_on_the_path_and_cannot_be_written)
{
	cells_make_dir("host-home/.cargo/bin");
	chmod(cells_write("host-home/.cargo/bin/mytool", "#!/bin/sh\necho tool\n"), 0755);
	cells_make_dir("host-home/cache");
	cells_write("host-home/cache/entry", "cached\n");
	cells_write("host-home/secret", "s");
	struct rt_cell_spec spec =
	    cells_spec(CELLS_ARGV("sh", "-c",
				  "mytool; cat ~/cache/entry; cat $0/cache/entry; ls ~/.cargo/bin; ls $0; ! touch "
				  "$0/cache/x ~/.cargo/bin/y && ! test -e $0/secret",
				  cells_path("host-home")));
	spec.tools = CELLS_ARGV(cells_path("host-home/.cargo"));
	spec.caches = CELLS_ARGV(cells_path("host-home/cache"));
	spec.home_of = cells_path("host-home");
	const struct rt_cell_outcome *outcome = cells_run(&spec);
	cells_expect(outcome, 0);
	cr_assert(rt_starts_with(outcome->log.data, "tool\ncached\ncached\nmytool\ncache\n"), "%s", outcome->log.data);
}

Test(cell, home_and_tmp_are_empty_and_writable)
{
	expect_log(cells_sh("find /home/user /tmp /dev/shm /run -mindepth 1; touch ~/a /tmp/b /dev/shm/c /var/tmp/d"),
		   "");
	cells_expect(cells_sh("test ! -e ~/a -a ! -e /tmp/b -a ! -e /dev/shm/c"), 0);
}

Test(cell, full_tmp_is_refused_and_nothing_else_happens)
{
	struct rt_cell_spec spec = cells_spec(
	    CELLS_ARGV("sh", "-c", "./hostile fill /tmp 64; ./hostile fill . 64; rm /tmp/fill; echo ok > small"));
	spec.tmp_bytes = 16 << 20;
	expect_log(cells_run(&spec), "ENOSPC\nENOSPC\n");
}

Test(cell, loopback_serves)
{
	cells_expect(cells_hostile("loopback"), 0);
}

Test(cell, network_none_has_not_even_loopback)
{
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("./hostile", "loopback"));
	spec.network = RT_NETWORK_NONE;
	const struct rt_cell_outcome *outcome = cells_run(&spec);
	cells_expect(outcome, 1);
	cr_assert_str_eq(outcome->log.data, "ENETUNREACH\n");
}

Test(cell, network_host_is_the_hosts)
{
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("readlink", "/proc/self/ns/net"));
	char own[64] = "";
	spec.network = RT_NETWORK_HOST;
	cr_assert(readlink("/proc/self/ns/net", own, sizeof(own) - 1) > 0);
	const struct rt_cell_outcome *outcome = cells_run(&spec);
	cells_expect(outcome, 0);
	cr_assert(rt_starts_with(outcome->log.data, own));
}

Test(cell, terminals_semaphores_and_links_of_dev_work)
{
	cells_expect(cells_hostile("pty"), 0);
	cells_expect(cells_hostile("semaphore"), 0);
	cells_expect(
	    cells_sh("echo x > /dev/stdout; echo x > /dev/null; head -c1 /dev/zero > /dev/fd/1; test -c /dev/full"), 0);
}

Test(cell, python_multiprocessing_works)
{
	if (!has_program("python3"))
		cells_skip("no python3");
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV(
	    "python3", "-c",
	    "import multiprocessing as m\nif __name__ == '__main__':\n"
	    "  with m.Pool(2) as p: print(sum(p.map(abs, [-1, -2])))\n  q = m.Queue(); q.put(1); q.get()\n"));
	spec.argv = CELLS_ARGV(
	    "/usr/bin/python3", "-c",
	    "import multiprocessing as m\np = m.Pool(2)\nprint(sum(p.map(abs, [-1, -2])))\np.close(); p.join()\n");
	expect_log(cells_run(&spec), "3\n");
}

/* LeakSanitizer stops and reads its process as a debugger does. */
Test(cell, leak_sanitizer_finds_a_leak)
{
	if (!has_program("cc"))
		cells_skip("no compiler");
	const struct rt_cell_outcome *outcome =
	    cells_sh("echo 'char *p; int main(void) { p = __builtin_malloc(7); p = 0; return 0; }' > l.c && cc -g "
		     "-fsanitize=address -o l l.c || exit 99; "
		     "ASAN_OPTIONS=exitcode=23 ./l");
	cr_assert(outcome->exit_code == 99 || strstr(outcome->log.data, "7 byte(s) leaked"), "%s", outcome->log.data);
	cr_assert(outcome->exit_code == 99 || outcome->exit_code == 23);
}

Test(cell, criterion_program_runs)
{
	if (!has_program("cc"))
		cells_skip("no compiler");
	const struct rt_cell_outcome *outcome = cells_sh("printf '#include <criterion/criterion.h>\\nTest(a, b) { "
							 "cr_assert(1); }\\nTest(a, c) { cr_assert(0); }\\n' > t.c && "
							 "cc -o t t.c -lcriterion || exit 99; ./t --xml=/out/t.xml");
	cr_assert(outcome->exit_code == 99 ||
		      (outcome->exit_code == 1 && strstr(outcome->log.data, "Passing: 1 | Failing: 1")),
		  "%s", outcome->log.data);
	cr_assert_eq(outcome->leaked, 0);
}

Test(cell, programs_and_libraries_of_the_system_work)
{
	static const char *const lines[] = {"perl -e 'use POSIX; print floor(1.5)' | grep -q 1",
					    "awk 'BEGIN { exit 0 }'",
					    "git --version",
					    "openssl version",
					    "date",
					    "id -un | grep -qx user",
					    "getent hosts localhost",
					    "hostname",
					    "python3 -c 'import ssl, ctypes'",
					    "node -e 'require(\"os\").networkInterfaces()'",
					    "java -version",
					    "go version"};
	for (size_t i = 0; i < RT_COUNT(lines); i++) {
		char name[32];
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(lines[i], " "), lines[i]);
		if (has_program(name)) {
			struct rt_cell_spec spec = cells_spec(CELLS_ARGV("sh", "-c", lines[i]));
			spec.env = CELLS_ARGV("PATH=/usr/bin:/bin");
			cells_expect(cells_run(&spec), 0);
		}
	}
}

/* In a cell of a cell of root's, ids can't be mapped and no limit of processes be set by way of it. */
static void
want_writable_proc(void)
{
	if (cells_sh("test -w /proc/self/comm")->exit_code != 0)
		cells_skip("inside another sandbox /proc is read-only");
}

Test(cell, nested_keeps_user_namespaces_and_mounts)
{
	want_writable_proc();
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("sh", "-c",
							 "unshare -Ur true && unshare -Urm mount -t tmpfs none /tmp && "
							 "./hostile clone-user && ./hostile clone3-user"));
	spec.nested = true;
	cells_expect(cells_run(&spec), 0);
}

Test(cell, nested_still_protects_the_rest)
{
	struct rt_cell_spec spec =
	    cells_spec(CELLS_ARGV("sh", "-c",
				  "! unshare -Urm mount -o remount,rw,bind / && ! unshare -Urm umount /proc/sys && ! "
				  "unshare -Urm umount -l /usr && ! ./hostile keyctl && "
				  "! ./hostile vsock && ! unshare -Urm ./hostile write /proc/sys/kernel/core_pattern "
				  "&& ! ./hostile remount /"));
	spec.nested = true;
	cells_expect(cells_run(&spec), 0);
}

Test(cell, setup_that_fails_says_why_and_runs_nothing)
{
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("true"));
	spec.lowers = CELLS_ARGV("/no/such/layer");
	const struct rt_cell_outcome *outcome = cells_run(&spec);
	cr_assert_eq(outcome->end, RT_END_SETUP);
	cr_assert(strstr(outcome->problem.data, "/no/such/layer"), "%s", outcome->problem.data);
	spec.lowers = CELLS_ARGV(cells_path("layer"));
	spec.tools = CELLS_ARGV("/src/tools");
	outcome = cells_run(&spec);
	cr_assert_eq(outcome->end, RT_END_SETUP);
	cr_assert(strstr(outcome->problem.data, "/src/tools"), "%s", outcome->problem.data);
}

Test(cell, too_many_processes_are_refused)
{
	want_writable_proc();
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("./hostile", "forks", "2000"));
	spec.max_pids = 200;
	const struct rt_cell_outcome *outcome = cells_run(&spec);
	cr_assert_eq(outcome->exit_code, 1, "%s", outcome->log.data);
	cr_assert(atoi(outcome->log.data) <= 200, "%s", outcome->log.data);
}

Test(cell, too_much_memory_is_a_limit)
{
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("./hostile", "hog", "400"));
	spec.memory_bytes = 100 << 20;
	const struct rt_cell_outcome *outcome = cells_run(&spec);
	if (outcome->end == RT_END_EXIT && outcome->exit_code == 0)
		cells_skip("no writable memory control group");
	cr_assert_eq(outcome->end, RT_END_LIMIT);
	cr_assert(strstr(outcome->problem.data, "memory"), "%s", outcome->problem.data);
}

/* In v2 from the beginning, in v1 a moment later. */
Test(cell, a_cell_that_goes_on_has_a_limit_of_memory_that_nobody_asked_for)
{
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("sh", "-c", "sleep 1.5 & wait; cat /proc/self/cgroup"));
	const struct rt_cell_outcome *outcome = cells_run(&spec);
	cr_assert_eq(outcome->end, RT_END_EXIT, "%s", outcome->problem.data);
	/* "4:memory:/cell-..." in v1; in v2 the group is the root of what the cell sees */
	if (!strstr(outcome->log.data, ":memory:"))
		cells_skip("no memory control group of version 1");
	if (access("/sys/fs/cgroup/memory/cgroup.procs", W_OK) < 0)
		cells_skip("no writable memory control group");
	cr_assert(strstr(outcome->log.data, "cell-"), "%s", outcome->log.data);
}

/* Order of ending, not of starting. */
Test(cell, pool_runs_several_and_gives_the_first_that_ends)
{
	struct rt_err err = RT_ERR_INIT;
	struct rt_pool *pool = rt_pool_new();
	struct rt_cell_spec slow = cells_spec(CELLS_ARGV("sleep", "1")), fast = cells_spec(CELLS_ARGV("true"));
	int one = 1, two = 2;
	slow.data = &one;
	fast.data = &two;
	cr_assert(rt_pool_start(pool, &slow, &err) == 0 && rt_pool_start(pool, &fast, &err) == 0);
	cr_assert_eq(rt_pool_running(pool), 2);
	for (int expected = 2; expected >= 1; expected--) {
		rt_auto(cell_outcome) struct rt_cell_outcome *outcome = NULL;
		cr_assert(rt_pool_wait(pool, 0, &outcome, &err) == 0);
		cr_assert_eq(*(int *)outcome->spec->data, expected);
	}
	cr_assert_eq(rt_pool_running(pool), 0);
	rt_pool_free(pool);
}

/* What one command after the other prints in cells of one pool. The caller frees. */
static char *
one_after_the_other(const struct rt_cell_spec *const *specs)
{
	struct rt_err err = RT_ERR_INIT;
	struct rt_pool *pool = rt_pool_new();
	struct rt_buf text = RT_BUF_INIT;
	for (; *specs; specs++) {
		rt_auto(cell_outcome) struct rt_cell_outcome *outcome = NULL;
		cr_assert(rt_pool_start(pool, *specs, &err) == 0, "%s", err.text);
		cr_assert(rt_pool_wait(pool, 0, &outcome, &err) == 0, "%s", err.text);
		rt_buf_adds(&text, outcome->log.data);
	}
	rt_pool_free(pool);
	return rt_buf_steal(&text);
}

#define SPACES "readlink /proc/self/ns/user /proc/self/ns/net /proc/self/ns/uts | tr '\\n' ' '; echo"

/* How many different lines two cells print that show their namespaces. */
static size_t
spaces_of(struct rt_cell_spec first, struct rt_cell_spec second)
{
	const struct rt_cell_spec *const specs[] = {&first, &second, NULL};
	rt_auto(free) char *text = one_after_the_other(specs);
	char *end = strchr(text, '\n');
	cr_assert(end && strncmp(text, "user:[", 6) == 0, "%s", text);
	return strncmp(text, end + 1, (size_t)(end - text)) == 0 ? 1 : 2;
}

Test(cell, namespaces_of_a_quiet_cell_serve_the_next)
{
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("sh", "-c", SPACES));
	spec.network = RT_NETWORK_LOOPBACK;
	cr_expect_eq(spaces_of(spec, spec), 1);
}

/* Whatever differs from cell to cell has to reach the keeper that serves them. */
Test(cell, a_cell_in_namespaces_of_another_has_its_own_command_layers_and_places)
{
	struct rt_cell_spec first =
	    cells_spec(CELLS_ARGV("sh", "-c", SPACES "; echo one >left; echo one >/tmp/left; echo one >/out/report"));
	struct rt_cell_spec second = cells_spec(
	    CELLS_ARGV("sh", "-c", SPACES "; cat left /tmp/left 2>/dev/null; ls /out; cat below; echo $WORD >left"));
	cells_make_dir("other");
	cells_write("other/below", "");
	second.lowers = CELLS_ARGV(cells_path("other"));
	second.env = CELLS_ARGV("WORD=two");
	second.upper = cells_make_dir("upper");
	const struct rt_cell_spec *const specs[] = {&first, &second, NULL};
	rt_auto(free) char *text = one_after_the_other(specs);
	char *end = strchr(text, '\n');
	cr_assert(end && strlen(end + 1) == (size_t)(end + 1 - text), "%s", text);
	cr_expect_eq(strncmp(text, end + 1, (size_t)(end + 1 - text)), 0, "%s", text);
	rt_auto(buf) struct rt_buf left = RT_BUF_INIT;
	struct rt_err err = RT_ERR_INIT;
	cr_assert_eq(rt_file_read(AT_FDCWD, cells_path("upper/tree/left"), 64, &left, &err), 0, "%s", err.text);
	cr_expect_str_eq(left.data, "two\n");
}

Test(cell, namespaces_of_a_cell_that_wrote_much_serve_another_when_that_is_gone)
{
	struct rt_err err = RT_ERR_INIT;
	struct rt_pool *pool = rt_pool_new();
	struct rt_cell_spec much = cells_spec(
	    CELLS_ARGV("sh", "-c", SPACES "; i=0; while [ $i -lt 1000 ]; do echo $i >/tmp/$i; i=$((i + 1)); done"));
	struct rt_cell_spec next = cells_spec(CELLS_ARGV("sh", "-c", SPACES "; ls /tmp"));
	rt_auto(free) char *first = NULL;
	bool again = false;
	for (int tries = 0; tries < 200 && !again; tries++) {
		rt_auto(cell_outcome) struct rt_cell_outcome *outcome = NULL;
		cr_assert(rt_pool_start(pool, first ? &next : &much, &err) == 0, "%s", err.text);
		cr_assert(rt_pool_wait(pool, 0, &outcome, &err) == 0, "%s", err.text);
		cr_assert(outcome->end == RT_END_EXIT && outcome->exit_code == 0, "%s", outcome->problem.data);
		again = first && strcmp(first, outcome->log.data) == 0;
		if (!first)
			first = rt_strdup(outcome->log.data);
	}
	rt_pool_free(pool);
	cr_assert(again);
}

/* A request to a keeper is one message, which holds only so much. */
Test(cell, a_command_too_long_for_a_keeper_runs_in_new_namespaces)
{
	rt_auto(free) char *word = rt_alloc(100001, 1);
	memset(word, 'x', 100000);
	struct rt_cell_spec first = cells_spec(CELLS_ARGV("sh", "-c", SPACES));
	struct rt_cell_spec second = cells_spec(CELLS_ARGV("sh", "-c", SPACES "; echo ${#1}", "sh", word));
	const struct rt_cell_spec *const specs[] = {&first, &second, NULL};
	rt_auto(free) char *text = one_after_the_other(specs);
	char *end = strchr(text, '\n');
	cr_assert(end);
	cr_expect_neq(strncmp(text, end + 1, (size_t)(end - text)), 0, "%s", text);
	cr_expect_str_eq(strchr(end + 1, '\n'), "\n100000\n");
}

Test(cell, namespaces_whose_loopback_was_used_serve_nobody_else)
{
	struct rt_cell_spec first =
	    cells_spec(CELLS_ARGV("sh", "-c",
				  SPACES "; perl -e 'use IO::Socket::INET; $s = IO::Socket::INET->new(Proto "
					 "=> q(udp), PeerAddr => q(127.0.0.1:9)); $s->send(q(x))'"));
	struct rt_cell_spec second = cells_spec(CELLS_ARGV("sh", "-c", SPACES));
	first.network = second.network = RT_NETWORK_LOOPBACK;
	cr_expect_eq(spaces_of(first, second), 2);
}

Test(cell, namespaces_of_a_cell_that_left_a_process_serve_nobody_else)
{
	struct rt_cell_spec first = cells_spec(CELLS_ARGV("sh", "-c", SPACES "; sleep 60 >/dev/null 2>&1 &"));
	struct rt_cell_spec second = cells_spec(CELLS_ARGV("sh", "-c", SPACES));
	cr_expect_eq(spaces_of(first, second), 2);
}

Test(cell, namespaces_pass_only_between_cells_of_the_same_network)
{
	struct rt_cell_spec first = cells_spec(CELLS_ARGV("sh", "-c", SPACES));
	struct rt_cell_spec second = first;
	first.network = RT_NETWORK_LOOPBACK;
	second.network = RT_NETWORK_NONE;
	cr_expect_eq(spaces_of(first, second), 2);
}

Test(cell, a_nested_sandbox_has_namespaces_of_its_own)
{
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("sh", "-c", SPACES));
	struct rt_cell_spec nested = spec;
	nested.nested = true;
	cr_expect_eq(spaces_of(spec, nested), 2);
	cr_expect_eq(spaces_of(nested, nested), 2);
}

Test(cell, a_cell_in_namespaces_of_another_is_as_closed_as_the_first)
{
	static const char script[] =
	    "hostname; id -u; unshare -Ur true 2>&1; unshare -C true 2>&1; ls / /home /tmp /out | sort; "
	    "cat /proc/net/dev | grep -c lo:; grep -c . /proc/self/mountinfo; grep -E 'Cap|Seccomp|NoNew' "
	    "/proc/self/status";
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("sh", "-c", script));
	const struct rt_cell_spec *const once[] = {&spec, NULL}, *const twice[] = {&spec, &spec, NULL};
	rt_auto(free) char *first = one_after_the_other(once);
	rt_auto(free) char *both = one_after_the_other(twice);
	cr_assert_eq(strlen(both), 2 * strlen(first), "%s", both);
	cr_expect_str_eq(both + strlen(first), first);
	cr_expect(strstr(first, "not permitted") || strstr(first, "No space"), "%s", first);
}

Test(cell, pool_wait_ends_at_its_deadline_and_on_interrupt)
{
	struct rt_err err = RT_ERR_INIT;
	struct rt_pool *pool = rt_pool_new();
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("./hostile", "sleep", "token-pool"));
	struct rt_cell_outcome *outcome;
	cr_assert(rt_pool_start(pool, &spec, &err) == 0);
	cr_assert(rt_pool_wait(pool, rt_clock_ms() + 100, &outcome, &err) == 0);
	cr_assert_null(outcome);
	rt_pool_interrupt();
	cr_assert(rt_pool_wait(pool, 0, &outcome, &err) == 0);
	cr_assert_null(outcome);
	rt_pool_free(pool);
	cr_assert_eq(cells_alive("token-pool"), 0);
}
