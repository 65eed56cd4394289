/*
 * The system call filter: everything is allowed but what follows. ptrace, process_vm_* and perf stay: they reach no
 * further than the pid namespace or the Landlock domain, and LeakSanitizer and debuggers need them.
 */

#include "run/inner.h"

#include <errno.h>
#include <linux/filter.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/file.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
/* Newer than this libseccomp's tables; the same number on every architecture. */
#define NR_OPEN_TREE_ATTR 467

/* Kernel surface that no build or test needs, or that reaches beyond the cell. */
static const int never[] = {
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(bpf),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(acct),
    SCMP_SYS(quotactl),
    SCMP_SYS(quotactl_fd),
    SCMP_SYS(syslog),
    SCMP_SYS(fanotify_init),
};

static const int mounts[] = {
    SCMP_SYS(mount),	     SCMP_SYS(umount),	SCMP_SYS(umount2),  SCMP_SYS(pivot_root), SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),     SCMP_SYS(fsopen),	SCMP_SYS(fsconfig), SCMP_SYS(fsmount),	  SCMP_SYS(fspick),
    SCMP_SYS(mount_setattr), NR_OPEN_TREE_ATTR, SCMP_SYS(setns),
};

static int
deny_all(scmp_filter_ctx ctx, const int *calls, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), calls[i], 0);
		/* A call that this architecture or library does not have cannot be made either. */
		if (rc < 0 && rc != -EDOM && rc != -EINVAL)
			return rc;
	}
	return 0;
}

/*
 * A filter cannot look into clone3's struct, so where user namespaces are denied it does not exist; libraries then fall
 * back to clone.
 */
static int
deny_namespaces(scmp_filter_ctx ctx)
{
	int rc = deny_all(ctx, mounts, RT_COUNT(mounts));
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(unshare), 1,
				      SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER));
#ifdef __s390x__
	struct scmp_arg_cmp flags = SCMP_A1(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER);
#else
	struct scmp_arg_cmp flags = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER);
#endif
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, flags);
	return rc;
}

/* Pushing characters into a terminal's input. The kernel looks at 32 bits of the request, so the filter must not look
 * at more. */
static int
deny_terminal_input(scmp_filter_ctx ctx)
{
	static const unsigned requests[] = {TIOCSTI, TIOCLINUX};
	int rc = 0;
	for (size_t i = 0; i < RT_COUNT(requests) && rc == 0; i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
				      SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, requests[i]));
	return rc;
}

/*
 * Families: UNIX, INET, INET6 and the routing part of NETLINK (getifaddrs). Without namespaces the network stays out by
 * denying INET, and UNIX too, because Landlock does not keep a path from being connected to (the socket of a container
 * daemon would be the whole host).
 */
static int
deny_sockets(scmp_filter_ctx ctx, bool namespaces, enum rt_network network)
{
	int rc = 0;
	for (int family = 0; family <= AF_NETLINK && rc == 0; family++) {
		bool inet = family == AF_INET || family == AF_INET6;
		if (family == AF_NETLINK || (namespaces && (inet || family == AF_UNIX)) ||
		    (network == RT_NETWORK_HOST && inet))
			continue;
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
				      SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffff, (scmp_datum_t)family));
	}
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
				      SCMP_A0(SCMP_CMP_GT, AF_NETLINK));
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPROTONOSUPPORT), SCMP_SYS(socket), 2,
				      SCMP_A0(SCMP_CMP_EQ, AF_NETLINK), SCMP_A2(SCMP_CMP_NE, 0));
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPROTONOSUPPORT), SCMP_SYS(socket), 1,
				      SCMP_A2(SCMP_CMP_MASKED_EQ, 0xffffffff, IPPROTO_MPTCP));
	return rc;
}

static int export(scmp_filter_ctx ctx, struct sock_fprog *program, struct rt_err *err)
{
	rt_auto(fd) int fd = memfd_create("filter", MFD_CLOEXEC);
	rt_auto(buf) struct rt_buf bytes = RT_BUF_INIT;
	if (fd < 0)
		return rt_fail_errno(err, "cannot make a memory file for the system call filter");
	int rc = seccomp_export_bpf(ctx, fd);
	if (rc < 0)
		return rt_fail(err, RT_EINTERNAL, "cannot compile the system call filter: %s", strerror(-rc));
	if (lseek(fd, 0, SEEK_SET) < 0 ||
	    rt_file_read_fd(fd, (size_t)1 << 20, "the system call filter", &bytes, err) < 0)
		return -1;
	program->len = (unsigned short)(bytes.len / sizeof(struct sock_filter));
	program->filter = (struct sock_filter *)(void *)rt_buf_steal(&bytes);
	return 0;
}

static int
compile(enum rt_isolation level, bool nested, enum rt_network network, struct sock_fprog *program, struct rt_err *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	if (!ctx)
		return rt_fail(err, RT_EINTERNAL, "cannot make a system call filter");
	bool namespaces = level == RT_LEVEL_OF_NAMESPACES;
	int rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (rc == 0)
		rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (rc == 0)
		rc = deny_all(ctx, never, RT_COUNT(never));
	if (rc == 0 && !(namespaces && nested))
		rc = deny_namespaces(ctx);
	if (rc == 0)
		rc = deny_terminal_input(ctx);
	if (rc == 0)
		rc = deny_sockets(ctx, namespaces, network);
	int result = rc < 0 ? rt_fail(err, RT_EINTERNAL, "cannot build the system call filter: %s", strerror(-rc))
			    : export(ctx, program, err);
	seccomp_release(ctx);
	return result;
}

const struct sock_fprog *
rt_seccomp_filter(enum rt_isolation level, bool nested, enum rt_network network, struct rt_err *err)
{
	static struct sock_fprog programs[2][2][2];
	struct sock_fprog *program = &programs[level == RT_LEVEL_OF_NAMESPACES][nested][network == RT_NETWORK_HOST];
	if (!program->filter && compile(level, nested, network, program, err) < 0)
		return NULL;
	return program;
}

int
rt_seccomp_enter(const struct sock_fprog *filter, struct rt_err *err)
{
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter, 0, 0) < 0)
		return rt_fail_errno(err, "cannot install the system call filter");
	return 0;
}
