#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "run/cell.h"
#include "support/file.h"

static char dir[64];
static int at = -1;
static bool whiteouts;

static void
setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/layers-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	whiteouts = mknodat(at, "try", S_IFCHR, makedev(0, 0)) == 0;
}

static void
teardown(void)
{
	struct rt_err err = RT_ERR_INIT;
	rt_close(at);
	if (rt_remove_tree(AT_FDCWD, dir, &err) < 0)
		fprintf(stderr, "%s\n", err.text);
}

static void
skip(const char *reason)
{
	teardown();
	cr_skip("%s", reason);
}

TestSuite(layers, .init = setup, .fini = teardown);

static void
put(const char *path, const char *text)
{
	struct rt_err err = RT_ERR_INIT;
	const char *slash = strrchr(path, '/');
	rt_auto(free) char *parent = rt_strndup(path, (size_t)(slash - path));
	cr_assert(rt_mkdirs(at, parent, 0755, &err) == 0, "%s", err.text);
	rt_auto(fd) int fd = openat(at, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	cr_assert(fd >= 0 && rt_write_all(fd, text, strlen(text)) == 0);
}

static void
whiteout(const char *path)
{
	cr_assert(mknodat(at, path, S_IFCHR, makedev(0, 0)) == 0);
}

/* Flattens the layers a (top), b, c as far as they exist, into out. */
static void
flatten(void)
{
	struct rt_err err = RT_ERR_INIT;
	rt_auto(free) char *a = rt_format("%s/a", dir);
	rt_auto(free) char *b = rt_format("%s/b", dir);
	rt_auto(free) char *c = rt_format("%s/c", dir);
	rt_auto(free) char *out = rt_format("%s/out", dir);
	const char *const lowers[] = {a, rt_exists(at, "b") ? b : NULL, rt_exists(at, "c") ? c : NULL, NULL};
	cr_assert(rt_layers_flatten(lowers, out, &err) == 0, "%s", err.text);
}

static void
expect(const char *path, const char *text)
{
	struct rt_err err = RT_ERR_INIT;
	rt_auto(buf) struct rt_buf got = RT_BUF_INIT;
	cr_assert(rt_file_read(at, path, 1 << 20, &got, &err) == 0, "%s", err.text);
	cr_assert_str_eq(got.data, text);
}

Test(layers, topmost_file_wins_and_directories_merge)
{
	put("a/d/x", "a");
	put("b/d/x", "b");
	put("b/d/y", "b");
	put("c/z", "c");
	flatten();
	expect("out/d/x", "a");
	expect("out/d/y", "b");
	expect("out/z", "c");
}

Test(layers, whiteout_hides_what_is_below)
{
	if (!whiteouts)
		skip("this user cannot make whiteouts");
	put("a/keep", "a");
	put("b/gone", "b");
	put("b/dir/file", "b");
	put("c/gone", "c");
	whiteout("a/gone");
	whiteout("a/dir");
	flatten();
	cr_assert_not(rt_exists(at, "out/gone"));
	cr_assert_not(rt_exists(at, "out/dir"));
	expect("out/keep", "a");
}

Test(layers, opaque_directory_hides_the_content_below)
{
	put("a/d/new", "a");
	put("b/d/old", "b");
	put("c/d/older", "c");
	rt_auto(fd) int fd = openat(at, "a/d", O_RDONLY | O_CLOEXEC);
	if (fsetxattr(fd, "user.overlay.opaque", "y", 1, 0) < 0)
		skip("no user attributes on /tmp");
	flatten();
	cr_assert_not(rt_exists(at, "out/d/old"));
	cr_assert_not(rt_exists(at, "out/d/older"));
	expect("out/d/new", "a");
}

Test(layers, whiteout_in_the_middle_ends_the_stack)
{
	if (!whiteouts)
		skip("this user cannot make whiteouts");
	put("a/d/top", "a");
	put("b/other", "b");
	whiteout("b/d");
	put("c/d/bottom", "c");
	flatten();
	expect("out/d/top", "a");
	cr_assert_not(rt_exists(at, "out/d/bottom"));
}

Test(layers, file_over_directory_and_directory_over_file)
{
	put("a/one", "file");
	put("b/one/below", "x");
	put("a/two/below", "y");
	put("b/two", "file");
	flatten();
	expect("out/one", "file");
	expect("out/two/below", "y");
}

Test(layers, modes_times_and_links_are_kept)
{
	put("a/program", "#!/bin/sh\n");
	const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 2000}};
	struct stat st;
	char target[32] = "";
	cr_assert(fchmodat(at, "a/program", 04755, 0) == 0 && utimensat(at, "a/program", times, 0) == 0);
	cr_assert(symlinkat("/somewhere/else", at, "a/link") == 0);
	flatten();
	cr_assert(fstatat(at, "out/program", &st, 0) == 0);
	cr_assert_eq(st.st_mode & 07777, 0755);
	cr_assert_eq(st.st_mtim.tv_sec, 2000);
	cr_assert(readlinkat(at, "out/link", target, sizeof(target) - 1) > 0);
	cr_assert_str_eq(target, "/somewhere/else");
}

Test(layers, large_file_is_copied_whole)
{
	size_t size = (size_t)5 << 20;
	rt_auto(free) char *text = malloc(size + 1);
	struct stat st;
	memset(text, 'x', size);
	text[size] = '\0';
	put("a/large", text);
	flatten();
	cr_assert(fstatat(at, "out/large", &st, 0) == 0 && (size_t)st.st_size == size);
}

Test(layers, error_names_the_layer)
{
	struct rt_err err = RT_ERR_INIT;
	rt_auto(free) char *out = rt_format("%s/out", dir);
	const char *const lowers[] = {"/no/such/layer", NULL};
	cr_assert(rt_layers_flatten(lowers, out, &err) < 0);
	cr_assert(strstr(err.text, "/no/such/layer"));
}
