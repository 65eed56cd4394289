#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "temp.h"

TestSuite(file, .init = temp_make, .fini = temp_drop);
TestSuite(remove, .init = temp_make, .fini = temp_drop);

static struct rt_err err = RT_ERR_INIT;

static void
expect_text(const char *part)
{
	cr_assert(strstr(err.text, part), "\"%s\" is not in: %s", part, err.text);
}

/* The root user reads everything; what is about permissions happens as nobody. */
static void
become_nobody(void)
{
	if (geteuid())
		return;
	cr_assert_eq(chown(temp_dir, 65534, 65534), 0);
	cr_assert_eq(setegid(65534), 0);
	cr_assert_eq(seteuid(65534), 0);
}

static void
become_self(void)
{
	if (!getuid())
		cr_assert_eq(seteuid(0), 0);
}

static int
collect(void *data, const char *name, struct rt_err *error)
{
	(void)error;
	rt_strs_add(data, name);
	return 0;
}

static size_t
entries_here(void)
{
	rt_auto(strs) struct rt_strs names = {0};

	cr_assert_eq(rt_list_dir(AT_FDCWD, ".", collect, &names, &err), 0);
	return names.n;
}

Test(file, reads_a_whole_file_after_what_is_there)
{
	rt_auto(buf) struct rt_buf buf = RT_BUF_INIT;

	temp_write("f", "content");
	rt_buf_adds(&buf, "before ");
	cr_assert_eq(rt_file_read(AT_FDCWD, "f", 100, &buf, &err), 0);
	cr_assert_str_eq(buf.data, "before content");
}

Test(file, reads_a_file_of_exactly_the_limit)
{
	rt_auto(buf) struct rt_buf buf = RT_BUF_INIT;

	temp_write("f", "1234567");
	cr_assert_eq(rt_file_read(AT_FDCWD, "f", 7, &buf, &err), 0);
	cr_assert_str_eq(buf.data, "1234567");
}

Test(file, refuses_a_file_beyond_the_limit_and_leaves_the_buffer)
{
	rt_auto(buf) struct rt_buf buf = RT_BUF_INIT;

	temp_write("f", "1234567");
	rt_buf_adds(&buf, "x");
	cr_assert_eq(rt_file_read(AT_FDCWD, "f", 6, &buf, &err), -1);
	expect_text("f has more than the 6 bytes");
	cr_assert_eq(err.code, RT_EIO);
	cr_assert_str_eq(buf.data, "x");
}

Test(file, reads_large_files)
{
	rt_auto(buf) struct rt_buf all = RT_BUF_INIT;
	rt_auto(buf) struct rt_buf buf = RT_BUF_INIT;
	int i;

	for (i = 0; i < 100000; i++)
		rt_buf_addf(&all, "%d\n", i);
	cr_assert_eq(rt_file_write_durable(AT_FDCWD, "f", all.data, all.len, 0644, &err), 0);
	cr_assert_eq(rt_file_read(AT_FDCWD, "f", SIZE_MAX, &buf, &err), 0);
	cr_assert_eq(buf.len, all.len);
	cr_assert(!memcmp(buf.data, all.data, all.len));
}

Test(file, reads_files_that_have_no_size)
{
	rt_auto(buf) struct rt_buf buf = RT_BUF_INIT;

	cr_assert_eq(rt_file_read(AT_FDCWD, "/proc/self/stat", 100000, &buf, &err), 0);
	cr_assert_gt(buf.len, 0);
}

Test(file, missing_file_is_named_and_errno_tells)
{
	rt_auto(buf) struct rt_buf buf = RT_BUF_INIT;

	cr_assert_eq(rt_file_read(AT_FDCWD, "nowhere", 7, &buf, &err), -1);
	cr_assert_eq(errno, ENOENT);
	expect_text("nowhere");
}

Test(file, does_not_wait_for_a_fifo)
{
	rt_auto(buf) struct rt_buf buf = RT_BUF_INIT;

	cr_assert_eq(mkfifo("fifo", 0600), 0);
	cr_assert_eq(rt_file_read(AT_FDCWD, "fifo", 7, &buf, &err), -1);
	expect_text("not a regular file");
}

Test(file, refuses_to_read_a_directory_or_device)
{
	rt_auto(buf) struct rt_buf buf = RT_BUF_INIT;

	cr_assert_eq(rt_file_read(AT_FDCWD, ".", 7, &buf, &err), -1);
	expect_text("not a regular file");
	cr_assert_eq(rt_file_read(AT_FDCWD, "/dev/zero", 7, &buf, &err), -1);
	expect_text("not a regular file");
}

Test(file, reads_a_pipe_to_its_end)
{
	rt_auto(buf) struct rt_buf buf = RT_BUF_INIT;
	int ends[2];

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	cr_assert_eq(rt_write_all(ends[1], "piped", 5), 0);
	rt_close(ends[1]);
	cr_assert_eq(rt_file_read_fd(ends[0], 5, "pipe", &buf, &err), 0);
	rt_close(ends[0]);
	cr_assert_str_eq(buf.data, "piped");
}

Test(file, opens_beneath_a_directory)
{
	rt_auto(fd) int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rt_auto(fd) int fd = -1;

	cr_assert_eq(rt_mkdirs(AT_FDCWD, "a/b", 0755, &err), 0);
	temp_write("a/b/f", "x");
	fd = rt_file_open_beneath(dir, "a/b/f", O_RDONLY, 0, &err);
	cr_assert_geq(fd, 0, "%s", err.text);
	cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

Test(file, makes_a_file_beneath_a_directory)
{
	rt_auto(fd) int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rt_auto(fd) int fd = rt_file_open_beneath(dir, "new", O_WRONLY | O_CREAT | O_EXCL, 0600, &err);

	cr_assert_geq(fd, 0, "%s", err.text);
	cr_assert(rt_exists(AT_FDCWD, "new"));
}

Test(file, absence_beneath_is_no_error)
{
	rt_auto(fd) int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	temp_write("f", "x");
	rt_fail(&err, RT_EIO, "old");
	cr_assert_eq(rt_file_open_beneath(dir, "none", O_RDONLY, 0, &err), -1);
	cr_assert_eq(err.code, RT_ENONE);
	cr_assert_eq(rt_file_open_beneath(dir, "no/where", O_RDONLY, 0, &err), -1);
	cr_assert_eq(err.code, RT_ENONE);
	cr_assert_eq(rt_file_open_beneath(dir, "f/below", O_RDONLY, 0, &err), -1);
	cr_assert_eq(err.code, RT_ENONE);
}

Test(file, parent_that_is_missing_is_an_error_when_making)
{
	rt_auto(fd) int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	cr_assert_eq(rt_file_open_beneath(dir, "no/where", O_WRONLY | O_CREAT, 0600, &err), -1);
	cr_assert_eq(err.code, RT_EIO);
}

Test(file, follows_no_link_beneath_a_directory)
{
	rt_auto(fd) int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	cr_assert_eq(rt_mkdirs(AT_FDCWD, "real", 0755, &err), 0);
	temp_write("real/f", "x");
	cr_assert_eq(symlink("real", "linked"), 0);
	cr_assert_eq(symlink("real/f", "last"), 0);
	cr_assert_eq(symlink("nowhere", "dangling"), 0);
	cr_assert_eq(rt_file_open_beneath(dir, "linked/f", O_RDONLY, 0, &err), -1);
	cr_assert_eq(err.code, RT_EIO);
	expect_text("linked/f leads through a link");
	cr_assert_eq(rt_file_open_beneath(dir, "last", O_RDONLY, 0, &err), -1);
	cr_assert_eq(err.code, RT_EIO);
	cr_assert_eq(rt_file_open_beneath(dir, "dangling", O_RDONLY, 0, &err), -1);
	cr_assert_eq(err.code, RT_EIO);
}

Test(file, does_not_leave_the_directory)
{
	rt_auto(fd) int dir = -1;

	cr_assert_eq(rt_mkdirs(AT_FDCWD, "sub", 0755, &err), 0);
	temp_write("f", "x");
	dir = open("sub", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_eq(rt_file_open_beneath(dir, "../f", O_RDONLY, 0, &err), -1);
	cr_assert_eq(err.code, RT_EIO);
	cr_assert_eq(rt_file_open_beneath(dir, "/etc/passwd", O_RDONLY, 0, &err), -1);
	cr_assert_eq(err.code, RT_EIO);
}

Test(file, opens_only_regular_files_beneath)
{
	rt_auto(fd) int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	cr_assert_eq(mkfifo("fifo", 0600), 0);
	cr_assert_eq(rt_mkdirs(AT_FDCWD, "sub", 0755, &err), 0);
	cr_assert_eq(rt_file_open_beneath(dir, "fifo", O_RDONLY, 0, &err), -1);
	expect_text("not a regular file");
	cr_assert_eq(rt_file_open_beneath(dir, "sub", O_RDONLY, 0, &err), -1);
	expect_text("not a regular file");
}

Test(file, durable_write_makes_a_file)
{
	rt_auto(buf) struct rt_buf buf = RT_BUF_INIT;
	struct stat st;

	umask(022);
	cr_assert_eq(rt_file_write_durable(AT_FDCWD, "f", "data", 4, 0600, &err), 0);
	cr_assert_eq(rt_file_read(AT_FDCWD, "f", 100, &buf, &err), 0);
	cr_assert_str_eq(buf.data, "data");
	cr_assert_eq(stat("f", &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0600);
	cr_assert_eq(entries_here(), 1);
}

Test(file, durable_write_replaces_a_file)
{
	rt_auto(buf) struct rt_buf buf = RT_BUF_INIT;

	temp_write("f", "something longer");
	cr_assert_eq(rt_file_write_durable(AT_FDCWD, "f", "new", 3, 0644, &err), 0);
	cr_assert_eq(rt_file_read(AT_FDCWD, "f", 100, &buf, &err), 0);
	cr_assert_str_eq(buf.data, "new");
}

Test(file, durable_write_goes_below_the_directory_descriptor)
{
	rt_auto(fd) int dir = -1;

	cr_assert_eq(rt_mkdirs(AT_FDCWD, "a/b", 0755, &err), 0);
	dir = open("a", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_eq(rt_file_write_durable(dir, "b/f", "x", 1, 0644, &err), 0, "%s", err.text);
	cr_assert(rt_exists(AT_FDCWD, "a/b/f"));
}

Test(file, durable_write_replaces_a_link_and_not_its_target)
{
	rt_auto(buf) struct rt_buf buf = RT_BUF_INIT;

	temp_write("target", "kept");
	cr_assert_eq(symlink("target", "link"), 0);
	cr_assert_eq(rt_file_write_durable(AT_FDCWD, "link", "x", 1, 0644, &err), 0);
	cr_assert_eq(rt_file_read(AT_FDCWD, "target", 100, &buf, &err), 0);
	cr_assert_str_eq(buf.data, "kept");
}

Test(file, durable_write_leaves_nothing_behind_when_it_cannot_rename)
{
	cr_assert_eq(rt_mkdirs(AT_FDCWD, "dir", 0755, &err), 0);
	cr_assert_eq(rt_file_write_durable(AT_FDCWD, "dir", "x", 1, 0644, &err), -1);
	expect_text("can't put dir in place");
	cr_assert_eq(entries_here(), 1);
}

Test(file, durable_write_leaves_nothing_behind_when_it_cannot_write)
{
	struct rlimit small = {.rlim_cur = 100, .rlim_max = 100};
	char bytes[1000] = {0};

	temp_write("f", "old");
	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	cr_assert_eq(rt_file_write_durable(AT_FDCWD, "f", bytes, sizeof(bytes), 0644, &err), -1);
	expect_text("can't write f: File too large");
	cr_assert_eq(entries_here(), 1);
}

Test(file, durable_write_into_a_missing_directory_is_an_error)
{
	cr_assert_eq(rt_file_write_durable(AT_FDCWD, "no/f", "x", 1, 0644, &err), -1);
	expect_text("can't open the directory of no/f");
}

Test(file, write_to_a_full_device_is_an_error)
{
	rt_auto(fd) int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	cr_assert_eq(rt_write_all(fd, "x", 1), -1);
	cr_assert_eq(errno, ENOSPC);
}

Test(file, mkdirs_makes_every_level_and_may_be_repeated)
{
	struct stat st;

	cr_assert_eq(rt_mkdirs(AT_FDCWD, "a/b//c/", 0755, &err), 0, "%s", err.text);
	cr_assert_eq(rt_mkdirs(AT_FDCWD, "a/b/c", 0755, &err), 0, "%s", err.text);
	cr_assert_eq(rt_mkdirs(AT_FDCWD, "/", 0755, &err), 0, "%s", err.text);
	cr_assert_eq(stat("a/b/c", &st), 0);
	cr_assert(S_ISDIR(st.st_mode));
}

Test(file, mkdirs_goes_through_links_to_directories)
{
	cr_assert_eq(rt_mkdirs(AT_FDCWD, "real", 0755, &err), 0);
	cr_assert_eq(symlink("real", "link"), 0);
	cr_assert_eq(rt_mkdirs(AT_FDCWD, "link/sub", 0755, &err), 0, "%s", err.text);
	cr_assert(rt_exists(AT_FDCWD, "real/sub"));
}

Test(file, mkdirs_names_the_file_in_the_way)
{
	temp_write("f", "x");
	cr_assert_eq(rt_mkdirs(AT_FDCWD, "f/sub", 0755, &err), -1);
	expect_text("can't make the directory f: Not a directory");
	cr_assert_eq(symlink("nowhere", "dangling"), 0);
	cr_assert_eq(rt_mkdirs(AT_FDCWD, "dangling", 0755, &err), -1);
	cr_assert_eq(rt_mkdirs(AT_FDCWD, "", 0755, &err), -1);
}

Test(file, syncs_a_directory_and_names_a_missing_one)
{
	cr_assert_eq(rt_sync_dir(AT_FDCWD, ".", &err), 0);
	cr_assert_eq(rt_sync_dir(AT_FDCWD, "none", &err), -1);
	expect_text("none");
}

Test(file, dangling_link_exists)
{
	cr_assert_not(rt_exists(AT_FDCWD, "link"));
	cr_assert_eq(symlink("nowhere", "link"), 0);
	cr_assert(rt_exists(AT_FDCWD, "link"));
}

Test(file, lists_a_directory_in_bytewise_order)
{
	rt_auto(strs) struct rt_strs names = {0};

	temp_write("b", "");
	temp_write("B", "");
	temp_write(".hidden", "");
	cr_assert_eq(rt_list_dir(AT_FDCWD, ".", collect, &names, &err), 0);
	cr_assert_eq(names.n, 3);
	cr_assert_str_eq(names.at[0], ".hidden");
	cr_assert_str_eq(names.at[1], "B");
	cr_assert_str_eq(names.at[2], "b");
}

static int
stop_at_b(void *data, const char *name, struct rt_err *error)
{
	++*(int *)data;
	return strcmp(name, "b") ? 0 : rt_fail(error, RT_EREFUSED, "stopped");
}

Test(file, listing_stops_when_told)
{
	int calls = 0;

	temp_write("a", "");
	temp_write("b", "");
	temp_write("c", "");
	cr_assert_eq(rt_list_dir(AT_FDCWD, ".", stop_at_b, &calls, &err), -1);
	cr_assert_eq(calls, 2);
	expect_text("stopped");
}

Test(file, listing_a_missing_directory_calls_nobody)
{
	rt_auto(strs) struct rt_strs names = {0};

	cr_assert_eq(rt_list_dir(AT_FDCWD, "none", collect, &names, &err), 0);
	cr_assert_eq(names.n, 0);
	temp_write("f", "");
	cr_assert_eq(rt_list_dir(AT_FDCWD, "f", collect, &names, &err), -1);
	expect_text("f");
}

Test(remove, takes_a_whole_tree)
{
	cr_assert_eq(rt_mkdirs(AT_FDCWD, "t/a/b", 0755, &err), 0);
	cr_assert_eq(rt_mkdirs(AT_FDCWD, "t/c", 0755, &err), 0);
	temp_write("t/f", "x");
	temp_write("t/a/g", "x");
	temp_write("t/a/b/h", "x");
	cr_assert_eq(rt_remove_tree(AT_FDCWD, "t", &err), 0, "%s", err.text);
	cr_assert_eq(entries_here(), 0);
}

Test(remove, takes_a_single_file_and_an_empty_directory)
{
	temp_write("f", "x");
	cr_assert_eq(rt_mkdirs(AT_FDCWD, "d", 0755, &err), 0);
	cr_assert_eq(rt_remove_tree(AT_FDCWD, "f", &err), 0);
	cr_assert_eq(rt_remove_tree(AT_FDCWD, "d", &err), 0);
	cr_assert_eq(entries_here(), 0);
}

Test(remove, what_is_not_there_is_no_error)
{
	temp_write("f", "x");
	cr_assert_eq(rt_remove_tree(AT_FDCWD, "none", &err), 0);
	cr_assert_eq(rt_remove_tree(AT_FDCWD, "no/where", &err), 0);
	cr_assert_eq(rt_remove_tree(AT_FDCWD, "f/below", &err), 0);
	cr_assert(rt_exists(AT_FDCWD, "f"));
}

Test(remove, takes_links_and_not_what_they_name)
{
	cr_assert_eq(rt_mkdirs(AT_FDCWD, "kept", 0755, &err), 0);
	cr_assert_eq(rt_mkdirs(AT_FDCWD, "t", 0755, &err), 0);
	temp_write("kept/f", "x");
	cr_assert_eq(symlink("../kept", "t/dir"), 0);
	cr_assert_eq(symlink("../kept/f", "t/file"), 0);
	cr_assert_eq(symlink("kept", "top"), 0);
	cr_assert_eq(rt_remove_tree(AT_FDCWD, "t", &err), 0, "%s", err.text);
	cr_assert_eq(rt_remove_tree(AT_FDCWD, "top", &err), 0, "%s", err.text);
	cr_assert(rt_exists(AT_FDCWD, "kept/f"));
	cr_assert_eq(entries_here(), 1);
}

Test(remove, takes_fifos_and_sockets)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "t/socket"};
	rt_auto(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_eq(rt_mkdirs(AT_FDCWD, "t", 0755, &err), 0);
	cr_assert_eq(mkfifo("t/fifo", 0600), 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(rt_remove_tree(AT_FDCWD, "t", &err), 0, "%s", err.text);
	cr_assert_eq(entries_here(), 0);
}

/* Long names, so that the path is far beyond PATH_MAX; 64 descriptors, so that none may be held a level. */
Test(remove, takes_ten_thousand_levels)
{
	struct rlimit few = {.rlim_cur = 64, .rlim_max = 64};
	char name[101];
	int fd, next, i;

	memset(name, 'd', 100);
	name[100] = '\0';
	cr_assert_eq(mkdir("t", 0755), 0);
	fd = open("t", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (i = 0; i < 10000; i++) {
		cr_assert_eq(mkdirat(fd, name, 0755), 0);
		if (i % 1000 == 0)
			cr_assert_eq(mkdirat(fd, "beside", 0755), 0);
		next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		cr_assert_geq(next, 0);
		rt_close(fd);
		fd = next;
	}
	rt_close(fd);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	cr_assert_eq(rt_remove_tree(AT_FDCWD, "t", &err), 0, "%s", err.text);
	cr_assert_eq(entries_here(), 0);
}

Test(remove, takes_wide_directories)
{
	char name[32];
	int i;

	cr_assert_eq(mkdir("t", 0755), 0);
	for (i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "t/%d", i);
		cr_assert_eq(mkdir(name, 0755), 0);
		snprintf(name, sizeof(name), "t/%d/f", i);
		temp_write(name, "");
	}
	cr_assert_eq(rt_remove_tree(AT_FDCWD, "t", &err), 0, "%s", err.text);
	cr_assert_eq(entries_here(), 0);
}

Test(remove, takes_directories_that_their_owner_closed)
{
	int failed;

	become_nobody();
	cr_assert_eq(rt_mkdirs(AT_FDCWD, "t/none/sub", 0755, &err), 0);
	cr_assert_eq(rt_mkdirs(AT_FDCWD, "t/readonly/sub", 0755, &err), 0);
	cr_assert_eq(rt_mkdirs(AT_FDCWD, "t/noenter/sub", 0755, &err), 0);
	temp_write("t/none/sub/f", "x");
	temp_write("t/readonly/f", "x");
	cr_assert_eq(chmod("t/none/sub", 0), 0);
	cr_assert_eq(chmod("t/none", 0), 0);
	cr_assert_eq(chmod("t/readonly", 0500), 0);
	cr_assert_eq(chmod("t/noenter", 0600), 0);
	cr_assert_eq(chmod("t", 0), 0);
	failed = rt_remove_tree(AT_FDCWD, "t", &err);
	become_self();
	cr_assert_eq(failed, 0, "%s", err.text);
	cr_assert_eq(entries_here(), 0);
}

Test(remove, names_what_it_cannot_take)
{
	int failed;

	become_nobody();
	cr_assert_eq(rt_mkdirs(AT_FDCWD, "closed/t", 0755, &err), 0);
	cr_assert_eq(chmod("closed", 0500), 0);
	failed = rt_remove_tree(AT_FDCWD, "closed/t", &err);
	become_self();
	cr_assert_eq(failed, -1);
	expect_text("can't remove closed/t: Permission denied");
}

/* In a child, so that the mount is in a namespace of its own. Exit 77: not allowed to mount here. */
static int
remove_with_mount(void)
{
	struct rt_err error = RT_ERR_INIT;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("outside", "t/mounted", NULL, MS_BIND, NULL))
		return 77;
	return rt_remove_tree(AT_FDCWD, "t", &error) ? 0 : 1;
}

Test(remove, does_not_go_into_what_is_mounted)
{
	int status;
	pid_t pid;

	cr_assert_eq(rt_mkdirs(AT_FDCWD, "outside", 0755, &err), 0);
	cr_assert_eq(rt_mkdirs(AT_FDCWD, "t/mounted", 0755, &err), 0);
	temp_write("outside/f", "x");
	pid = fork();
	if (!pid)
		_exit(remove_with_mount());
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		cr_skip("mounting is not allowed here");
	cr_assert_eq(status, 0);
	cr_assert(rt_exists(AT_FDCWD, "outside/f"));
}

/* ---- many at once ---- */

static void
open_many(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		rt_auto(free) char *name = rt_format("many-%zu", i);

		fds[i] = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		cr_assert_geq(fds[i], 0);
		cr_assert_eq(rt_write_all(fds[i], name, strlen(name)), 0);
	}
}

Test(file, files_are_synced_at_once_however_many_there_are)
{
	static const size_t some[] = {0, 1, 2, 8, 9, 20};
	int fds[20];

	open_many(fds, RT_COUNT(fds));
	for (size_t i = 0; i < RT_COUNT(some); i++)
		cr_expect_eq(rt_sync_all(fds, some[i]), 0);
	for (size_t i = 0; i < RT_COUNT(fds); i++)
		close(fds[i]);
}

Test(file, one_of_many_that_can_not_be_synced_is_an_error)
{
	static const size_t bad[] = {0, 1, 7, 8, 19};
	int fds[20], ends[2];

	open_many(fds, RT_COUNT(fds));
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	for (size_t i = 0; i < RT_COUNT(bad); i++) {
		int kept = fds[bad[i]];

		fds[bad[i]] = ends[0];
		errno = 0;
		cr_expect_eq(rt_sync_all(fds, RT_COUNT(fds)), -1, "number %zu", bad[i]);
		cr_expect_eq(errno, EINVAL);
		fds[bad[i]] = kept;
	}
	cr_expect_eq(rt_sync_all(ends, 1), -1);
	for (size_t i = 0; i < RT_COUNT(fds); i++)
		close(fds[i]);
}
