/* Cells without namespaces: Landlock and seccomp over a copied workspace; and with nothing at all. */

#include "cells.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/file.h"

static void
setup(void)
{
	cells_setup(RT_LEVEL_OF_LANDLOCK);
}

static void
setup_none(void)
{
	cells_setup(RT_LEVEL_OF_NONE);
}

TestSuite(landlock, .init = setup, .fini = cells_teardown);
TestSuite(none, .init = setup_none, .fini = cells_teardown);

static void
expect_refused(const struct rt_cell_outcome *outcome, const char *reason)
{
	cells_expect(outcome, 1);
	cr_assert(!reason || strcmp(outcome->log.data, reason) == 0, "refused, but by %s", outcome->log.data);
}

Test(landlock, runs_over_a_copy_of_the_layers)
{
	cells_make_dir("upper");
	cells_write("upper/top", "top\n");
	struct rt_cell_spec spec =
	    cells_spec(CELLS_ARGV("sh", "-c", "cat top; echo new > made; touch ~/a $TMPDIR/b; ls"));
	const char *const lowers[] = {cells_path("upper"), cells_path("layer"), NULL};
	spec.lowers = lowers;
	const struct rt_cell_outcome *outcome = cells_run(&spec);
	cells_expect(outcome, 0);
	cr_assert_str_eq(outcome->log.data, "top\nhostile\nmade\ntop\n");
	cr_assert(outcome->upper_is_copy);
	cr_assert(rt_exists(outcome->upper_fd, "made"));
	cr_assert(rt_exists(outcome->upper_fd, "hostile"));
	cr_assert_not(rt_exists(AT_FDCWD, cells_path("layer/made")));
}

/* Reports in the workspace are told from copied files by their time. */
Test(landlock, start_time_separates_copied_from_written)
{
	const struct rt_cell_outcome *outcome = cells_sh("echo new > made");
	struct stat made, copied;
	cells_expect(outcome, 0);
	cr_assert(fstatat(outcome->upper_fd, "made", &made, 0) == 0 &&
		  fstatat(outcome->upper_fd, "hostile", &copied, 0) == 0);
	cr_assert((int64_t)made.st_ctim.tv_sec * 1000000000 + made.st_ctim.tv_nsec >= outcome->start_ns);
	cr_assert((int64_t)copied.st_ctim.tv_sec * 1000000000 + copied.st_ctim.tv_nsec < outcome->start_ns);
}

Test(landlock, kept_upper_is_the_whole_tree)
{
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("sh", "-c", "echo new > made"));
	spec.upper = cells_make_dir("kept");
	cells_expect(cells_run(&spec), 0);
	struct rt_cell_spec next = cells_spec(CELLS_ARGV("ls"));
	next.lowers = CELLS_ARGV(cells_path("kept/tree"));
	const struct rt_cell_outcome *outcome = cells_run(&next);
	cells_expect(outcome, 0);
	cr_assert_str_eq(outcome->log.data, "hostile\nmade\n");
}

Test(landlock, scratch_is_removed_with_the_outcome)
{
	struct rt_err err = RT_ERR_INIT;
	struct rt_pool *pool = rt_pool_new();
	struct rt_cell_outcome *outcome = NULL;
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("sh", "-c", "pwd; mkdir -m 0 locked"));
	cr_assert(rt_pool_start(pool, &spec, &err) == 0 && rt_pool_wait(pool, 0, &outcome, &err) == 0);
	rt_auto(free) char *place = rt_strndup(outcome->log.data, strcspn(outcome->log.data, "\n"));
	cr_assert(access(place, F_OK) == 0, "%s", place);
	rt_cell_outcome_free(outcome);
	rt_pool_free(pool);
	cr_assert(access(place, F_OK) < 0);
}

/* Inside a cell these are places of the cell's own, so that they can be written but for Landlock. */
Test(landlock, cannot_write_outside)
{
	const char *file = cells_write("private", "mine");
	rt_auto(free) char *beside = rt_format("%s-evil", file);
	expect_refused(cells_hostile("write", file), "EACCES\n");
	expect_refused(cells_hostile("write", beside), "EACCES\n");
	expect_refused(cells_hostile("write", "/tmp/cells-evil"), "EACCES\n");
	expect_refused(cells_hostile("write", "/var/tmp/cells-evil"), "EACCES\n");
	expect_refused(cells_hostile("write", "/dev/shm/cells-evil"), "EACCES\n");
	/* by Landlock, or already by a mount that is read-only */
	expect_refused(cells_hostile("write", "/etc/passwd"), NULL);
	expect_refused(cells_hostile("write", "/proc/sys/kernel/core_pattern"), NULL);
	expect_refused(cells_hostile("link", "hostile", "/tmp/cells-evil"), NULL);
	cells_expect(cells_hostile("write", "inside"), 0);
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("sh", "-c", "echo x > $0/report"));
	spec.argv = CELLS_ARGV("sh", "-c", "echo x > $0/report", spec.reports);
	cells_expect(cells_run(&spec), 0);
}

/* What this machine (or the cell that this runs in) does not have cannot be read either. */
static void
expect_hidden(const char *how, const char *path)
{
	expect_refused(cells_hostile(how, path), rt_exists(AT_FDCWD, path) ? "EACCES\n" : "ENOENT\n");
}

Test(landlock, cannot_read_what_is_not_listed)
{
	const char *file = cells_write("private", "secret");
	expect_refused(cells_hostile("read", file), "EACCES\n");
	expect_refused(cells_hostile("list", cells_dir), "EACCES\n");
	expect_refused(cells_hostile("list", "/tmp"), "EACCES\n");
	expect_hidden("list", "/root");
	expect_hidden("list", "/home");
	expect_hidden("read", "/etc/shadow");
}

Test(landlock, tools_can_be_read_and_are_linked_from_home)
{
	cells_make_dir("host-home/tool/bin");
	chmod(cells_write("host-home/tool/bin/mytool", "#!/bin/sh\necho tool\n"), 0755);
	struct rt_cell_spec spec =
	    cells_spec(CELLS_ARGV("sh", "-c", "mytool && ~/tool/bin/mytool && ! echo >> ~/tool/bin/mytool"));
	spec.tools = CELLS_ARGV(cells_path("host-home/tool"));
	spec.home_of = cells_path("host-home");
	cells_expect(cells_run(&spec), 0);
}

Test(landlock, no_network_of_any_kind)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	char port[16];
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert(bind(fd, (struct sockaddr *)&address, len) == 0 && listen(fd, 1) == 0 &&
		  getsockname(fd, (struct sockaddr *)&address, &len) == 0);
	snprintf(port, sizeof(port), "%d", ntohs(address.sin_port));
	expect_refused(cells_hostile("tcp", port), "EAFNOSUPPORT\n");
	expect_refused(cells_hostile("udp", port), "EAFNOSUPPORT\n");
	expect_refused(cells_hostile("mptcp", port), NULL);
	expect_refused(cells_hostile("vsock"), "EAFNOSUPPORT\n");
	expect_refused(cells_hostile("abstract", "x"), "EAFNOSUPPORT\n");
	expect_refused(cells_hostile("unix", "/var/run/docker.sock"), "EAFNOSUPPORT\n");
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("./hostile", "tcp", port));
	spec.network = RT_NETWORK_HOST;
	cells_expect(cells_run(&spec), 0);
	close(fd);
}

/* Signals are kept in from ABI 6 on; tracing always is. */
Test(landlock, host_processes_cannot_be_traced)
{
	char pid[16];
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	expect_refused(cells_hostile("ptrace", pid), "EPERM\n");
	cells_expect(cells_hostile("ptrace-own"), 0);
}

Test(landlock, calls_are_filtered_as_in_namespaces)
{
	expect_refused(cells_hostile("unshare-user"), "EPERM\n");
	expect_refused(cells_hostile("clone3-user"), "ENOSYS\n");
	expect_refused(cells_hostile("mount", "/tmp"), "EPERM\n");
	expect_refused(cells_hostile("keyctl"), "EPERM\n");
	expect_refused(cells_hostile("bpf"), "EPERM\n");
	expect_refused(cells_hostile("io-uring"), "EPERM\n");
	expect_refused(cells_hostile("tiocsti"), "EPERM\n");
}

Test(landlock, root_has_no_capability_left)
{
	cells_expect(cells_sh("grep -q '^CapEff:.0*$' /proc/self/status && grep -q '^CapBnd:.0*$' /proc/self/status || "
			      "test $(id -u) != 0"),
		     0);
	cells_expect(cells_sh("grep -q '^CapEff:.0*$' /proc/self/status && grep -q '^CapPrm:.0*$' /proc/self/status"),
		     0);
}

Test(landlock, environment_points_to_places_of_its_own)
{
	setenv("RATCHET_SECRET", "1", 1);
	cells_expect(cells_sh("test -d \"$HOME\" -a -d \"$TMPDIR\" -a \"$HOME\" != \"$TMPDIR\" && ! env | grep -i "
			      "ratchet && test -z \"$(find ~ -mindepth 1)\""),
		     0);
}

Test(landlock, deadline_and_exit_codes_are_as_in_namespaces)
{
	cells_expect(cells_sh("exit 7"), 7);
	cr_assert_eq(cells_hostile("signal", "11")->end, RT_END_SIGNAL);
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("sleep", "100"));
	spec.timeout_ms = 300;
	cr_assert_eq(cells_run(&spec)->end, RT_END_TIMEOUT);
}

Test(none, runs_over_a_copy_without_protection)
{
	const struct rt_cell_outcome *outcome = cells_sh("echo new > made; grep -q '^Seccomp:.0' /proc/self/status");
	cr_assert_eq(outcome->end, RT_END_EXIT);
	cr_assert(outcome->upper_is_copy);
	cr_assert(rt_exists(outcome->upper_fd, "made"));
	cr_assert_not(rt_exists(AT_FDCWD, cells_path("layer/made")));
	cr_assert_eq(outcome->level, RT_LEVEL_OF_NONE);
}
