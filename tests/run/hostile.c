/*
 * What a candidate may try, one verb each. Exit status 0: it worked; 1: refused, with the reason on standard output; 2:
 * usage. Runs inside a cell, from its workspace.
 */

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/vm_sockets.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static int
verdict(long result)
{
	if (result >= 0)
		return 0;
	printf("%s\n", strerrorname_np(errno));
	return 1;
}

static int
do_write(char **args)
{
	int fd = open(args[0], O_WRONLY | O_CREAT | O_APPEND, 0644);
	return verdict(fd < 0 ? -1 : write(fd, "x\n", 2));
}

static int
do_read(char **args)
{
	char bytes[65536];
	int fd = open(args[0], O_RDONLY);
	ssize_t got = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));
	return verdict(got);
}

static int
do_list(char **args)
{
	return verdict(opendir(args[0]) ? 0 : -1);
}

static int
do_chmod(char **args)
{
	return verdict(chmod(args[0], 0777));
}

static int
do_touch(char **args)
{
	return verdict(utimensat(AT_FDCWD, args[0], NULL, 0));
}

static int
do_link(char **args)
{
	return verdict(link(args[0], args[1]));
}

static int
do_remount(char **args)
{
	return verdict(mount(NULL, args[0], NULL, MS_REMOUNT | MS_BIND, NULL));
}

static int
do_mount(char **args)
{
	return verdict(mount("none", args[0], "tmpfs", 0, NULL));
}

static int
do_umount(char **args)
{
	return verdict(umount2(args[0], MNT_DETACH));
}

static int
do_fsopen(char **args)
{
	return verdict(syscall(SYS_fsopen, args[0], 0));
}

static int
connect_to(int type, int protocol, const char *port)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, type, protocol);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return verdict(-1);
	return verdict(send(fd, "x", 1, MSG_NOSIGNAL));
}

static int
do_tcp(char **args)
{
	return connect_to(SOCK_STREAM, 0, args[0]);
}

static int
do_udp(char **args)
{
	return connect_to(SOCK_DGRAM, 0, args[0]);
}

static int
do_mptcp(char **args)
{
	return connect_to(SOCK_STREAM, IPPROTO_MPTCP, args[0]);
}

static int
do_vsock(char **args)
{
	(void)args;
	return verdict(socket(AF_VSOCK, SOCK_STREAM, 0));
}

static int
do_packet(char **args)
{
	(void)args;
	return verdict(socket(AF_PACKET, SOCK_RAW, 0));
}

/* Families are 32 bits wide for the kernel; a filter that compares 64 is passed by this. */
static int
do_wide_vsock(char **args)
{
	(void)args;
	return verdict(syscall(SYS_socket, 0x100000000UL | AF_VSOCK, SOCK_STREAM, 0));
}

static int
unix_to(const char *path, bool abstract)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
	snprintf(address.sun_path + abstract, sizeof(address.sun_path) - abstract, "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	return verdict(fd < 0 ? -1 : connect(fd, (struct sockaddr *)&address, len));
}

static int
do_abstract(char **args)
{
	return unix_to(args[0], true);
}

static int
do_unix(char **args)
{
	return unix_to(args[0], false);
}

static int
do_kill(char **args)
{
	return verdict(kill(atoi(args[0]), SIGTERM));
}

static int
do_ptrace(char **args)
{
	return verdict(ptrace(PTRACE_SEIZE, atoi(args[0]), NULL, NULL));
}

/* A tracer of its own child, as LeakSanitizer is one. */
static int
do_ptrace_own(char **args)
{
	(void)args;
	pid_t child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	int result = verdict(ptrace(PTRACE_SEIZE, child, NULL, NULL));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return result;
}

static int
do_unshare_user(char **args)
{
	(void)args;
	return verdict(unshare(CLONE_NEWUSER));
}

static int
do_clone_user(char **args)
{
	(void)args;
	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, 0);
	if (pid == 0)
		_exit(0);
	return verdict(pid);
}

static int
do_clone3_user(char **args)
{
	(void)args;
	uint64_t clone_args[8] = {CLONE_NEWUSER, 0, 0, 0, SIGCHLD};
	long pid = syscall(SYS_clone3, clone_args, sizeof(clone_args));
	if (pid == 0)
		_exit(0);
	return verdict(pid);
}

static int
do_setns(char **args)
{
	int fd = open(args[0], O_RDONLY);
	return verdict(fd < 0 ? -1 : setns(fd, 0));
}

static int
terminal(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
		return -1;
	return master;
}

static int
do_pty(char **args)
{
	(void)args;
	int master = terminal();
	const char *name = master < 0 ? NULL : ptsname(master);
	return verdict(name ? open(name, O_RDWR) : -1);
}

static int
do_tiocsti(char **args)
{
	(void)args;
	char byte = 'x';
	/* A descriptor that is no terminal gives ENOTTY where the filter lets the request through. */
	return verdict(ioctl(0, TIOCSTI, &byte));
}

static int
do_wide_tiocsti(char **args)
{
	(void)args;
	char byte = 'x';
	return verdict(syscall(SYS_ioctl, 0, 0x100000000UL | TIOCSTI, &byte));
}

static int
do_keyctl(char **args)
{
	(void)args;
	return verdict(syscall(SYS_keyctl, 0, -3, 1));
}

static int
do_bpf(char **args)
{
	(void)args;
	char attr[128] = {0};
	return verdict(syscall(SYS_bpf, 0, attr, sizeof(attr)));
}

static int
do_uring(char **args)
{
	(void)args;
	struct io_uring_params params = {0};
	return verdict(syscall(SYS_io_uring_setup, 1, &params));
}

static int
do_userfaultfd(char **args)
{
	(void)args;
	return verdict(syscall(SYS_userfaultfd, 1));
}

static int
do_handle(char **args)
{
	(void)args;
	struct file_handle handle = {.handle_bytes = 0};
	return verdict(open_by_handle_at(AT_FDCWD, &handle, O_RDONLY));
}

/* A 32-bit call from a 64-bit program. */
static int
do_foreign(char **args)
{
	(void)args;
#ifdef __x86_64__
	long result;
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
	return verdict(result);
#else
	raise(SIGSYS);
	return 0;
#endif
}

static int
do_x32(char **args)
{
	(void)args;
#ifdef __x86_64__
	return verdict(syscall(0x40000000 | SYS_getpid));
#else
	raise(SIGSYS);
	return 0;
#endif
}

static int
do_open_fds(char **args)
{
	(void)args;
	int count = 0;
	for (int fd = 3; fd < 4096; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	errno = EBADF;
	return count ? 0 : verdict(-1);
}

static void
ignore_all(void)
{
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_IGN);
}

/* daemons N: each in a session of its own, twice forked, deaf to signals, with the streams held; the program itself
 * exits. */
static int
do_daemons(char **args)
{
	for (int i = atoi(args[0]); i > 0; i--) {
		if (fork() != 0)
			continue;
		setsid();
		if (fork() != 0)
			_exit(0);
		setsid();
		ignore_all();
		for (;;)
			pause();
	}
	while (wait(NULL) > 0)
		;
	return 0;
}

/* Never the same pid for long: forks and leaves the rest to the child. */
static int
do_hop(char **args)
{
	(void)args;
	if (fork() != 0)
		return 0;
	setsid();
	ignore_all();
	for (;;) {
		if (fork() > 0)
			_exit(0);
		usleep(200);
	}
}

/* storm N: up to N processes at once (the bound is this test's, not the cell's), each forking whenever there is room.
 */
static int
do_storm(char **args)
{
	int *count = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int max = atoi(args[0]);
	if (count == MAP_FAILED)
		return verdict(-1);
	*count = 1;
	ignore_all();
	for (;;) {
		if (__atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST) > max || fork() < 0) {
			__atomic_sub_fetch(count, 1, __ATOMIC_SEQ_CST);
			usleep(1000);
		}
	}
}

/* forks N: how many children can be had; prints the number. */
static int
do_forks(char **args)
{
	int got = 0, max = atoi(args[0]);
	for (; got < max; got++) {
		pid_t pid = fork();
		if (pid < 0)
			break;
		if (pid == 0) {
			pause();
			_exit(0);
		}
	}
	printf("%d\n", got);
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM);
	return got < max ? 1 : 0;
}

static int
do_sleep(char **args)
{
	(void)args;
	ignore_all();
	while (pause() < 0)
		;
	return 0;
}

/* beat FILE: a byte every 20 ms, from a deaf process in another session. */
static int
do_beat(char **args)
{
	if (fork() == 0) {
		setsid();
		ignore_all();
	}
	int fd = open(args[0], O_WRONLY | O_CREAT | O_APPEND, 0644);
	while (fd >= 0 && write(fd, "x", 1) == 1)
		usleep(20000);
	return verdict(-1);
}

static int
do_flood(char **args)
{
	char bytes[65536];
	long long left = atoll(args[0]);
	memset(bytes, 'a', sizeof(bytes));
	for (; left > 0; left -= (long long)sizeof(bytes))
		if (write(1, bytes, left > (long long)sizeof(bytes) ? sizeof(bytes) : (size_t)left) < 0)
			return 1;
	return 0;
}

/* fill DIR MIB: writes until it is refused, at most so much. */
static int
do_fill(char **args)
{
	char bytes[65536] = {0}, path[4096];
	snprintf(path, sizeof(path), "%s/fill", args[0]);
	int fd = open(path, O_WRONLY | O_CREAT, 0644);
	for (long i = 0; i < atol(args[1]) * 16; i++)
		if (fd < 0 || write(fd, bytes, sizeof(bytes)) < 0)
			return verdict(-1);
	return 0;
}

static int
do_hog(char **args)
{
	size_t size = (size_t)atol(args[0]) << 20;
	volatile char *memory = malloc(size);
	for (size_t i = 0; memory && i < size; i += 4096)
		memory[i] = 1;
	return verdict(memory ? 0 : -1);
}

static int
do_loopback(char **args)
{
	(void)args;
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	if (server < 0 || bind(server, (struct sockaddr *)&address, len) < 0 || listen(server, 1) < 0 ||
	    getsockname(server, (struct sockaddr *)&address, &len) < 0)
		return verdict(-1);
	return verdict(connect(client, (struct sockaddr *)&address, len));
}

static int
do_semaphore(char **args)
{
	(void)args;
	sem_t *semaphore = sem_open("/hostile", O_CREAT, 0600, 1);
	return verdict(semaphore == SEM_FAILED ? -1 : sem_wait(semaphore));
}

static int
do_signal_self(char **args)
{
	signal(atoi(args[0]), SIG_DFL);
	raise(atoi(args[0]));
	return 0;
}

static int
do_session(char **args)
{
	(void)args;
	sigset_t blocked;
	sigprocmask(SIG_SETMASK, NULL, &blocked);
	int ignored = 0;
	for (int number = 1; number < NSIG; number++) {
		struct sigaction action;
		if (sigaction(number, NULL, &action) == 0)
			ignored += action.sa_handler != SIG_DFL || sigismember(&blocked, number) == 1;
	}
	struct rlimit core;
	getrlimit(RLIMIT_CORE, &core);
	printf("leader %d, tty %d, signals %d, core %d\n", getsid(0) == getpid(), open("/dev/tty", O_RDWR) >= 0,
	       ignored, (int)core.rlim_max);
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int args;
		int (*run)(char **args);
	} verbs[] = {
	    {"write", 1, do_write},
	    {"read", 1, do_read},
	    {"list", 1, do_list},
	    {"chmod", 1, do_chmod},
	    {"touch", 1, do_touch},
	    {"link", 2, do_link},
	    {"remount", 1, do_remount},
	    {"mount", 1, do_mount},
	    {"umount", 1, do_umount},
	    {"fsopen", 1, do_fsopen},
	    {"tcp", 1, do_tcp},
	    {"udp", 1, do_udp},
	    {"mptcp", 1, do_mptcp},
	    {"vsock", 0, do_vsock},
	    {"packet", 0, do_packet},
	    {"wide-vsock", 0, do_wide_vsock},
	    {"abstract", 1, do_abstract},
	    {"unix", 1, do_unix},
	    {"kill", 1, do_kill},
	    {"ptrace", 1, do_ptrace},
	    {"ptrace-own", 0, do_ptrace_own},
	    {"unshare-user", 0, do_unshare_user},
	    {"clone-user", 0, do_clone_user},
	    {"clone3-user", 0, do_clone3_user},
	    {"setns", 1, do_setns},
	    {"pty", 0, do_pty},
	    {"tiocsti", 0, do_tiocsti},
	    {"wide-tiocsti", 0, do_wide_tiocsti},
	    {"keyctl", 0, do_keyctl},
	    {"bpf", 0, do_bpf},
	    {"io-uring", 0, do_uring},
	    {"userfaultfd", 0, do_userfaultfd},
	    {"handle", 0, do_handle},
	    {"foreign", 0, do_foreign},
	    {"x32", 0, do_x32},
	    {"open-fds", 0, do_open_fds},
	    {"daemons", 1, do_daemons},
	    {"hop", 0, do_hop},
	    {"storm", 1, do_storm},
	    {"forks", 1, do_forks},
	    {"sleep", 1, do_sleep},
	    {"beat", 1, do_beat},
	    {"flood", 1, do_flood},
	    {"fill", 2, do_fill},
	    {"hog", 1, do_hog},
	    {"loopback", 0, do_loopback},
	    {"semaphore", 0, do_semaphore},
	    {"signal", 1, do_signal_self},
	    {"session", 0, do_session},
	};
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, argv[1]) == 0 && argc - 2 >= verbs[i].args)
			return verbs[i].run(argv + 2);
	fprintf(stderr, "hostile: no such verb, or too few arguments\n");
	return 2;
}
