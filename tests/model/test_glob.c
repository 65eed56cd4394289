#include <criterion/criterion.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/glob.h"
#include "support/file.h"
#include "support/proc.h"

/* A repository that only exists to ask git what a pattern matches. */
static char repo[] = "/tmp/ratchet-glob-XXXXXX";

static const char *const paths[] = {
    "Makefile",
    "README.md",
    "a",
    "src/a.c",
    "src/b.c",
    "src/a.h",
    "src/deep/a.c",
    "src/deep/er/a.c",
    "src/deep/er/b.h",
    "src2/a.c",
    "tests/a.c",
    "tests/unit/test_a.c",
    "tests/conftest.py",
    "conftest.py",
    "pkg/conftest.py",
    "pkg/sub/conftest.py",
    ".github/workflows/ci.yml",
    ".hidden",
    "dir/.hidden",
    "we*ird/file",
    "we[i]rd/file",
    "weird/file",
    "back\\slash",
    "a-b/c]d",
    "x1/y2/z3",
    "x/y",
    "foo/bar/baz/qux",
    "foo/baz",
    "foobar/baz",
    "sp ace/na me",
    "d/a.tar.gz",
    "d/ab/c",
    "d/aab/c",
    "a1b2",
    "A/B",
    "m/[x]",
};

static const char *const patterns[] = {
    "*",
    "**",
    "**/*",
    "*.c",
    "**/*.c",
    "src",
    "src/",
    "src/*",
    "src/**",
    "src/*.c",
    "src/**/*.c",
    "src/**/a.c",
    "src/*/a.c",
    "**/src/**",
    "**/a.c",
    "tests/**",
    "**/conftest.py",
    "pkg/**/conftest.py",
    "?",
    "a?",
    "s?c/a.c",
    "src?a.c",
    "[a-z]",
    "[!a-z]*",
    "[^a-z]*",
    "src/[ab].[ch]",
    "src/[!a].c",
    "x[0-9]/y[[:digit:]]/z?",
    "[[:upper:]]/*",
    "[[:alpha:]]*",
    "[]]",
    "a-b/c[]]d",
    "a-b/c]d",
    "we*ird",
    "we*ird/*",
    "we\\*ird/*",
    "we[i]rd",
    "we[i]rd/file",
    "we\\[i\\]rd/file",
    "back\\\\slash",
    "back\\slash",
    "foo/**/qux",
    "foo/**/baz",
    "foo**/baz",
    "foo**baz",
    "**foo/baz",
    "**/baz",
    "foo/***/qux",
    "**/**/a.c",
    "**/deep/**/*.h",
    "./src/*.c",
    "src//a.c",
    "src/./a.c",
    ".",
    ".github",
    ".github/**",
    ".*",
    "*/.*",
    "**/.hidden",
    "sp ace",
    "sp*/na*",
    "d/*.gz",
    "d/*a*b/c",
    "d/**b/c",
    "*/*/*",
    "*/*/*/*",
    "a*b*",
    "x/y/",
    "x/y/z",
    "nothing",
    "src/[",
    "src/[a",
    "[--z]",
    "[a-]-b/**",
    "m/[[]x]",
    "m/\\[x]",
    "m/[x]",
    "[[:nope:]]",
    "[![:nope:]]",
    "s[r-r]c/a.c",
    "**a.c",
    "src/**.c",
    "a/**",
    "**/",
    "src/**/",
    "*/",
    "A",
    "tests/[!u]*",
};

static void
git(const char *const *argv, struct rt_buf *out)
{
	static const char *const env[] = {"HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
					  NULL};
	struct rt_proc proc = {.argv = argv, .env = env, .cwd = repo, .out = out};
	struct rt_err err = RT_ERR_INIT;

	cr_assert_eq(rt_proc_run(&proc, &err), 0, "%s", err.text);
	cr_assert_eq(proc.exit_code, 0, "git %s", argv[1]);
}

static void
make_repo(void)
{
	const char *init[] = {"git", "init", "-q", ".", NULL}, *add[] = {"git", "add", "-A", "-f", ".", NULL};
	struct rt_err err = RT_ERR_INIT;
	size_t i;

	cr_assert_not_null(mkdtemp(repo));
	git(init, NULL);
	for (i = 0; i < RT_COUNT(paths); i++) {
		rt_auto(free) char *path = rt_format("%s/%s", repo, paths[i]);
		int fd;

		*strrchr(path, '/') = '\0';
		cr_assert_eq(rt_mkdirs(AT_FDCWD, path, 0777, &err), 0, "%s", err.text);
		path[strlen(path)] = '/';
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
		cr_assert_geq(fd, 0, "%s", path);
		close(fd);
	}
	git(add, NULL);
}

static void
drop_repo(void)
{
	struct rt_err err = RT_ERR_INIT;

	cr_expect_eq(rt_remove_tree(AT_FDCWD, repo, &err), 0, "%s", err.text);
}

TestSuite(glob_git, .init = make_repo, .fini = drop_repo);

/* The paths that git lists for a pattern, as NUL-terminated strings in out. */
static bool
git_lists(const struct rt_buf *out, const char *path)
{
	const char *s;

	for (s = out->data; s < out->data + out->len; s += strlen(s) + 1)
		if (!strcmp(s, path))
			return true;
	return false;
}

Test(glob_git, matches_what_git_ls_files_lists)
{
	size_t i, j;

	for (i = 0; i < RT_COUNT(patterns); i++) {
		rt_auto(free) char *spec = rt_format(":(top,glob)%s", patterns[i]);
		const char *ls[] = {"git", "ls-files", "-z", "--", spec, NULL};
		rt_auto(buf) struct rt_buf out = RT_BUF_INIT;

		git(ls, &out);
		for (j = 0; j < RT_COUNT(paths); j++)
			cr_expect_eq(rt_glob_match(patterns[i], paths[j]), git_lists(&out, paths[j]),
				     "%s on %s: git says %d", patterns[i], paths[j], git_lists(&out, paths[j]));
	}
}

/* Patterns of a small alphabet, so that stars, slashes and brackets meet in every order; a fixed seed. */
Test(glob_git, matches_what_git_lists_for_random_patterns)
{
	static const char *const parts[] = {"*",   "**",   "/",	   "a", "b",	"c",   "?",
					    "src", "[ab]", "[!a]", ".", "deep", "**/", "/**"};
	uint32_t seed = 7;
	int round;
	size_t j;

	for (round = 0; round < 400; round++) {
		rt_auto(buf) struct rt_buf spec = RT_BUF_INIT, out = RT_BUF_INIT;
		const char *ls[] = {"git", "ls-files", "-z", "--", NULL, NULL};
		const char *pattern;
		int n;

		rt_buf_adds(&spec, ":(top,glob)");
		for (n = 1 + round % 6; n; n--) {
			seed = seed * 1664525 + 1013904223;
			rt_buf_adds(&spec, parts[(seed >> 16) % RT_COUNT(parts)]);
		}
		pattern = spec.data + strlen(":(top,glob)");
		/* Outside the repository, which git refuses. */
		if (*pattern == '/' || strstr(pattern, ".."))
			continue;
		ls[4] = spec.data;
		git(ls, &out);
		for (j = 0; j < RT_COUNT(paths); j++)
			cr_expect_eq(rt_glob_match(pattern, paths[j]), git_lists(&out, paths[j]),
				     "%s on %s: git says %d", pattern, paths[j], git_lists(&out, paths[j]));
	}
}

Test(glob, a_hostile_path_takes_no_exponential_time)
{
	static char path[4096];

	memset(path, 'a', sizeof(path) - 1);
	cr_assert_not(rt_glob_match("*a*a*a*a*a*a*a*a*a*a*b", path));
	cr_assert_not(rt_glob_match("**/a*a*a*a*/**/a*a*a*a*/**/b", path));
}

Test(glob, any_of_several_patterns_matches)
{
	rt_auto(strs) struct rt_strs globs = {0};

	cr_assert_not(rt_globs_match(&globs, "a"));
	rt_strs_add(&globs, "b/**");
	rt_strs_add(&globs, "*.c");
	cr_assert(rt_globs_match(&globs, "a.c"));
	cr_assert(rt_globs_match(&globs, "b/x/y"));
	cr_assert_not(rt_globs_match(&globs, "c/a.c"));
}

Test(glob, over_ids_a_star_takes_slashes_and_brackets_are_letters)
{
	cr_assert(rt_glob_match_id("unit[cc=*]/*::old_?", "unit[cc=gcc]/a/b::old_1"));
	cr_assert(rt_glob_match_id("unit/*", "unit/a/b"));
	cr_assert(rt_glob_match_id("*", ""));
	cr_assert(rt_glob_match_id("unit/a\\tb", "unit/a\\tb"));
	cr_assert_not(rt_glob_match_id("unit/a", "unit/ab"));
	cr_assert_not(rt_glob_match_id("unit/?", "unit/"));
	cr_assert_not(rt_glob_match_id("unit[ab]/x", "unita/x"));
	cr_assert(rt_glob_match_id("*b*c", "abbcbc"));
}
