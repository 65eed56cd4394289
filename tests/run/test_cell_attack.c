/* The attack matrix: each way out of a cell is tried from inside and must fail, with the reason that says what stopped
 * it. */

#include "cells.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void
setup(void)
{
	cells_setup(RT_LEVEL_OF_NAMESPACES);
}

TestSuite(attack, .init = setup, .fini = cells_teardown);

static void
expect_refused(const struct rt_cell_outcome *outcome, const char *reason)
{
	cells_expect(outcome, 1);
	cr_assert(!reason || strcmp(outcome->log.data, reason) == 0, "refused, but by %s", outcome->log.data);
}

Test(attack, cannot_write_to_the_system)
{
	expect_refused(cells_hostile("write", "/etc/passwd"), NULL);
	expect_refused(cells_hostile("write", "/usr/bin/evil"), NULL);
	expect_refused(cells_hostile("write", "/evil"), NULL);
	expect_refused(cells_hostile("write", "/dev/evil"), NULL);
	expect_refused(cells_hostile("chmod", "/usr/bin/env"), "EROFS\n");
	expect_refused(cells_hostile("chmod", "/etc/passwd"), "EROFS\n");
	expect_refused(cells_hostile("touch", "/usr/bin/env"), "EROFS\n");
}

Test(attack, places_shared_by_name_are_not_the_hosts)
{
	static const char *const places[] = {"/tmp", "/var/tmp", "/dev/shm"};
	for (size_t i = 0; i < RT_COUNT(places); i++) {
		rt_auto(free) char *path = rt_format("%s/cells-evil-%d", places[i], (int)getpid());
		cells_expect(cells_hostile("write", path), 0);
		cr_assert(access(path, F_OK) < 0);
	}
}

Test(attack, cannot_link_out_of_the_workspace)
{
	expect_refused(cells_hostile("link", "hostile", "/tmp/evil"), "EXDEV\n");
	expect_refused(cells_hostile("link", "/usr/bin/env", "evil"), "EXDEV\n");
}

Test(attack, cannot_remount_mount_or_unmount)
{
	expect_refused(cells_hostile("remount", "/"), "EPERM\n");
	expect_refused(cells_hostile("remount", "/usr"), "EPERM\n");
	expect_refused(cells_hostile("mount", "/tmp"), "EPERM\n");
	expect_refused(cells_hostile("umount", "/proc/sys"), "EPERM\n");
	expect_refused(cells_hostile("umount", "/src"), "EPERM\n");
	expect_refused(cells_hostile("fsopen", "tmpfs"), "EPERM\n");
}

Test(attack, the_old_root_is_gone)
{
	cells_expect(cells_sh("test \"$(ls /..)\" = \"$(ls /)\" && test ! -e /../root && ! grep -E ' "
			      "(/sys|/run|/boot)[ /]' /proc/mounts && ! ls /proc/1/root/"),
		     0);
	cells_expect(cells_sh("test $(awk '$2 == \"/\"' /proc/mounts | wc -l) = 1"), 0);
}

Test(attack, the_hosts_files_and_processes_are_not_there)
{
	const char *file = cells_write("private", "secret");
	expect_refused(cells_hostile("read", file), "ENOENT\n");
	expect_refused(cells_hostile("list", "/root"), "ENOENT\n");
	expect_refused(cells_hostile("list", "/home/user/.ssh"), "ENOENT\n");
	expect_refused(cells_hostile("list", "/var/lib"), "ENOENT\n");
	expect_refused(cells_hostile("list", "/sys"), "ENOENT\n");
	expect_refused(cells_hostile("read", "/etc/shadow"), "ENOENT\n");
	expect_refused(cells_hostile("list", "/etc/ssl/private"), "ENOENT\n");
	cells_expect(cells_sh("test $(ls /proc | grep -c '^[0-9]') -lt 10"), 0);
}

/* Where the engine's user is root, the kernel's settings have the cell's user as owner. */
Test(attack, cannot_change_the_kernels_settings)
{
	expect_refused(cells_hostile("write", "/proc/sys/kernel/core_pattern"), NULL);
	expect_refused(cells_hostile("write", "/proc/sys/vm/drop_caches"), NULL);
	expect_refused(cells_hostile("write", "/proc/sys/kernel/pid_max"), NULL);
	expect_refused(cells_hostile("write", "/proc/sysrq-trigger"), NULL);
	expect_refused(cells_hostile("read", "/proc/kcore"), NULL);
}

Test(attack, init_cannot_be_touched)
{
	expect_refused(cells_hostile("ptrace", "1"), "EPERM\n");
	expect_refused(cells_hostile("read", "/proc/1/environ"), NULL);
	expect_refused(cells_hostile("read", "/proc/1/mem"), NULL);
	expect_refused(cells_hostile("write", "/proc/1/fd/0"), NULL);
	cells_expect(cells_sh("kill -9 1; kill -15 1; kill -19 1; true"), 0);
}

static int
listen_on(int type, char port[16])
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, type, 0);
	cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&address, len) == 0);
	cr_assert(type == SOCK_DGRAM || listen(fd, 1) == 0);
	cr_assert(getsockname(fd, (struct sockaddr *)&address, &len) == 0);
	snprintf(port, 16, "%d", ntohs(address.sin_port));
	return fd;
}

Test(attack, the_hosts_servers_are_out_of_reach)
{
	char port[16], byte;
	int tcp = listen_on(SOCK_STREAM, port);
	expect_refused(cells_hostile("tcp", port), "ECONNREFUSED\n");
	expect_refused(cells_hostile("mptcp", port), "EPROTONOSUPPORT\n");
	int udp = listen_on(SOCK_DGRAM, port);
	(void)cells_hostile("udp", port);
	cr_assert(recv(udp, &byte, 1, MSG_DONTWAIT) < 0);
	close(tcp);
	close(udp);
}

Test(attack, the_hosts_abstract_sockets_are_out_of_reach)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int len = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "cells-%d", (int)getpid());
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	cr_assert(bind(fd, (struct sockaddr *)&address, (socklen_t)(sizeof(sa_family_t) + 1 + (size_t)len)) == 0 &&
		  listen(fd, 1) == 0);
	struct rt_cell_spec spec = cells_spec(CELLS_ARGV("./hostile", "abstract", address.sun_path + 1));
	expect_refused(cells_run(&spec), NULL);
	spec.network = RT_NETWORK_HOST;
	expect_refused(cells_run(&spec), NULL);
	close(fd);
}

Test(attack, odd_socket_families_do_not_exist)
{
	expect_refused(cells_hostile("vsock"), "EAFNOSUPPORT\n");
	expect_refused(cells_hostile("wide-vsock"), "EAFNOSUPPORT\n");
	expect_refused(cells_hostile("packet"), "EAFNOSUPPORT\n");
}

Test(attack, the_hosts_processes_cannot_be_signalled_or_traced)
{
	char pid[16];
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	expect_refused(cells_hostile("kill", pid), "ESRCH\n");
	expect_refused(cells_hostile("ptrace", pid), "ESRCH\n");
	cells_expect(cells_hostile("ptrace-own"), 0);
}

Test(attack, user_namespaces_are_refused_in_every_spelling)
{
	expect_refused(cells_hostile("unshare-user"), "EPERM\n");
	expect_refused(cells_hostile("clone-user"), "EPERM\n");
	expect_refused(cells_hostile("clone3-user"), "ENOSYS\n");
	expect_refused(cells_hostile("setns", "/proc/self/ns/mnt"), "EPERM\n");
	cells_expect(cells_sh("unshare -Ur true 2>/dev/null"), 1);
}

Test(attack, dangerous_calls_are_refused)
{
	expect_refused(cells_hostile("keyctl"), "EPERM\n");
	expect_refused(cells_hostile("bpf"), "EPERM\n");
	expect_refused(cells_hostile("io-uring"), "EPERM\n");
	expect_refused(cells_hostile("userfaultfd"), "EPERM\n");
	expect_refused(cells_hostile("handle"), "EPERM\n");
	expect_refused(cells_hostile("tiocsti"), "EPERM\n");
	expect_refused(cells_hostile("wide-tiocsti"), "EPERM\n");
}

#ifdef __x86_64__
/* A kernel without the 32-bit entry answers it with SIGSEGV by itself. */
Test(attack, foreign_system_calls_kill)
{
	const struct rt_cell_outcome *outcome = cells_hostile("foreign");
	cr_assert_eq(outcome->end, RT_END_SIGNAL, "%s", outcome->log.data);
	cr_assert(outcome->exit_code == 128 + SIGSYS || outcome->exit_code == 128 + SIGSEGV);
	outcome = cells_hostile("x32");
	cr_assert(outcome->end == RT_END_SIGNAL && outcome->exit_code == 128 + SIGSYS, "%s", outcome->log.data);
}
#endif

Test(attack, no_capability_and_no_way_to_one)
{
	cells_expect(cells_sh("grep -q '^CapEff:.0*$' /proc/self/status && grep -q '^CapPrm:.0*$' /proc/self/status && "
			      "grep -q '^NoNewPrivs:.1' /proc/self/status"),
		     0);
}
