#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "box.h"
#include "git/binary.h"
#include "git/touched.h"

TestSuite(touched);

static struct rt_strs paths;
static struct rt_buf why = RT_BUF_INIT;

static int
scan_with(const char *patch, struct rt_apply_limits limits)
{
	rt_strs_release(&paths);
	rt_buf_cut(&why, 0);
	return rt_touched_scan(patch, strlen(patch), &limits, &paths, &why);
}

static int
scan(const char *patch)
{
	return scan_with(patch, (struct rt_apply_limits)RT_APPLY_LIMITS);
}

static void
expect_path(const char *patch, const char *path)
{
	cr_assert_eq(scan(patch), 0, "%s", why.data);
	cr_expect(rt_strs_has(&paths, path), "%s is not found", path);
}

static void
expect_unquoted(const char *quoted, const char *want)
{
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;

	cr_assert(rt_touched_unquote(quoted, strlen(quoted), &out), "%s", quoted);
	cr_expect_str_eq(out.data, want);
}

static void
expect_no_quoting(const char *quoted)
{
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;

	cr_expect_not(rt_touched_unquote(quoted, strlen(quoted), &out), "%s", quoted);
}

/* ---- quoting ---- */

Test(touched, quoting_is_undone_as_git_makes_it)
{
	expect_unquoted("\"plain\"", "plain");
	expect_unquoted("\"a\\tb\\nc\\\\d\\\"e\"", "a\tb\nc\\d\"e");
	expect_unquoted("\"\\a\\b\\f\\r\\v\"", "\a\b\f\r\v");
	expect_unquoted("\"\\303\\251\\001\"", "\303\251\001");
	expect_unquoted("\"a\" and what follows", "a");
}

Test(touched, a_name_ends_at_a_quoted_nul)
{
	expect_unquoted("\"a\\000b\"", "a");
}

Test(touched, malformed_quoting_is_told)
{
	expect_no_quoting("plain");
	expect_no_quoting("\"open");
	expect_no_quoting("\"\\");
	expect_no_quoting("\"\\8\"");
	expect_no_quoting("\"\\400\"");
	expect_no_quoting("\"\\12\"");
	expect_no_quoting("\"\\x41\"");
}

/* ---- names ---- */

Test(touched, both_names_of_a_header_are_found)
{
	expect_path("diff --git a/d/old b/d/new\n--- a/d/old\n+++ b/d/new\n@@ -1 +1 @@\n-a\n+b\n", "d/old");
	cr_expect(rt_strs_has(&paths, "d/new"));
}

Test(touched, a_header_without_name_lines_names_its_file)
{
	expect_path("diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n", "run.sh");
	expect_path("diff --git a/b b/x a/b b/x\nold mode 100644\nnew mode 100755\n", "b b/x");
	expect_path("diff --git no prefix no prefix\nold mode 100644\nnew mode 100755\n", "no prefix");
	expect_path("diff --git a/new\tname b/new\tname\nnew file mode 100644\n", "new\tname");
}

Test(touched, quoted_names_are_found_wherever_they_stand)
{
	expect_path("diff --git \"a/\\303\\251\" \"b/\\303\\251\"\nnew file mode 100644\n", "\303\251");
	expect_path("diff --git a/x \"b/q\\\"\"\nsimilarity index 100%\nrename from x\nrename to \"q\\\"\"\n", "q\"");
	expect_path("diff --git \"a/t\\tb\" b/plain\n--- \"a/t\\tb\"\n+++ b/plain\n", "t\tb");
}

Test(touched, renames_and_copies_name_both_sides)
{
	expect_path("diff --git a/d/1 b/e/2\nsimilarity index 100%\nrename from d/1\nrename to e/2\n", "d/1");
	cr_expect(rt_strs_has(&paths, "e/2"));
	expect_path("diff --git a/d/1 b/e/2\nsimilarity index 100%\ncopy from d/1\ncopy to e/2\n", "e/2");
	expect_path("diff --git a/d/1 b/e/2\nrename old d/1\nrename new e/2\n", "d/1");
}

Test(touched, plain_headers_may_carry_time_stamps)
{
	expect_path(
	    "--- a/f 2010-07-05 19:41:17.620000023 -0500\n+++ b/f\t2010-07-05 19:41:17 +0000\n@@ -1,2 +1,2 @@\n a\n",
	    "f");
	expect_path("--- d/f\t1970-01-01\n+++ d/f\t2010-07-05\n@@ -1,2 +1,2 @@\n a\n", "d/f");
	expect_path("--- a/x 2010-07-05 19:41:17 -0500\n+++ b/x 2010-07-05 19:41:17 -0500\n@@ -1,2 +1,2 @@\n a\n",
		    "x 2010-07-05 19:41:17 -0500");
}

Test(touched, bare_names_count_from_the_top)
{
	expect_path("--- f\n+++ f\n@@ -1,2 +1,2 @@\n a\n-b\n", "f");
	expect_path("diff --git d/f d/f\n--- d/f\n+++ d/f\n@@ -1 +1 @@\n-a\n+b\n", "d/f");
}

Test(touched, runs_of_slashes_are_one)
{
	expect_path("diff --git a/d//f b/d//f\n--- a/d//f\n+++ b/d//f\n@@ -1 +1 @@\n-a\n+b\n", "d/f");
}

Test(touched, carriage_returns_end_a_name)
{
	expect_path("diff --git a/f b/f\r\n--- a/f\r\n+++ b/f\r\n@@ -1 +1 @@\r\n-a\r\n+b\r\n", "f");
}

Test(touched, lines_of_a_hunk_name_nothing)
{
	cr_assert_eq(
	    scan("diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n--- a/sql comment\n+++ b/other\n x\n"), 0);
	cr_expect_not(rt_strs_has(&paths, "sql comment"));
	cr_expect_not(rt_strs_has(&paths, "other"));
}

Test(touched, prose_names_nothing)
{
	cr_assert_eq(scan("Dear all,\n\nrename from here\n--- \nliteral 99999999999\n"), 0);
	cr_expect_eq(paths.n, 0);
	cr_assert_eq(scan(""), 0);
	cr_expect_eq(paths.n, 0);
}

Test(touched, paths_are_sorted_and_unique)
{
	size_t i;

	cr_assert_eq(scan("diff --git a/b b/b\n--- a/b\n+++ b/b\ndiff --git a/a b/a\n--- a/a\n+++ b/a\n"), 0);
	cr_assert_gt(paths.n, 2);
	for (i = 1; i < paths.n; i++)
		cr_expect_lt(strcmp(paths.at[i - 1], paths.at[i]), 0);
}

/* ---- limits ---- */

Test(touched, a_patch_over_the_size_limit_is_not_read)
{
	cr_expect_eq(scan_with("diff --git a/f b/f\n", (struct rt_apply_limits){5, 100, 100}), 2);
	cr_expect_str_eq(why.data, "bytes of patch: 19, the limit is 5\n");
	cr_expect_eq(paths.n, 0);
}

Test(touched, more_files_than_the_limit_are_refused)
{
	static const char patch[] = "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-a\n+b\n"
				    "--- a/c\n+++ b/c\n@@ -1,1 +1,1 @@\n-a\n+b\n";

	cr_expect_eq(scan_with(patch, (struct rt_apply_limits){1000, 100, 2}), 0);
	cr_expect_eq(scan_with(patch, (struct rt_apply_limits){1000, 100, 1}), 2);
	cr_expect_str_eq(why.data, "files in the patch: 2, the limit is 1\n");
}

Test(touched, a_binary_hunk_may_not_declare_more_than_the_limit)
{
	static const char patch[] =
	    "diff --git a/f b/f\nGIT binary patch\nliteral 1000\nzc\n\nliteral 0\nHcmV?d00001\n\n";

	cr_expect_eq(scan_with(patch, (struct rt_apply_limits){1000, 1000, 10}), 0);
	cr_expect_eq(scan_with(patch, (struct rt_apply_limits){1000, 999, 10}), 2);
	cr_expect_str_eq(why.data, "bytes of a binary hunk: 1000, the limit is 999\n");
}

Test(touched, the_backward_hunk_counts_too)
{
	cr_expect_eq(scan_with("diff --git a/f b/f\nGIT binary patch\nliteral 0\nHcmV?d00001\n\nliteral 1000\nzc\n\n",
			       (struct rt_apply_limits){1000, 999, 10}),
		     2);
}

Test(touched, a_negative_size_is_over_the_limit)
{
	cr_expect_eq(scan("diff --git a/f b/f\nGIT binary patch\nliteral -1\nzc\n\n"), 2);
	cr_expect_eq(scan("diff --git a/f b/f\nGIT binary patch\ndelta 99999999999999999999999999999999999\nzc\n\n"),
		     2);
}

Test(touched, what_follows_a_size_is_ignored_as_git_ignores_it)
{
	cr_expect_eq(
	    scan("diff --git a/f b/f\nGIT binary patch\nliteral 34 2010-07-05 19:41:17.620000023 -0500\nzc\n\n"), 0);
}

Test(touched, many_binary_hunks_have_a_limit_together)
{
	rt_auto(buf) struct rt_buf patch = RT_BUF_INIT;
	int i;

	for (i = 0; i < 4; i++)
		rt_buf_addf(&patch, "diff --git a/%d b/%d\nGIT binary patch\nliteral 100\nzc\n\n", i, i);
	cr_expect_eq(scan_with(patch.data, (struct rt_apply_limits){1000, 100, 10}), 0);
	rt_buf_adds(&patch, "diff --git a/x b/x\nGIT binary patch\nliteral 100\nzc\n\n");
	cr_expect_eq(scan_with(patch.data, (struct rt_apply_limits){1000, 100, 10}), 2);
	cr_expect_str_eq(why.data, "bytes of all binary hunks: 500, the limit is 400\n");
}

Test(touched, a_file_with_the_mode_of_a_directory_is_refused)
{
	cr_expect_eq(scan("diff --git a/f b/f\nnew file mode 040000\nindex 0000000..1234567\n--- /dev/null\n+++ b/f\n"),
		     2);
	cr_expect_str_eq(why.data, "it gives a file the mode of a directory\n");
	cr_expect_eq(scan("diff --git a/f b/f\nindex 0000000..1234567 40000\n"), 2);
	cr_expect_eq(scan("diff --git a/f b/f\nnew file mode 160000\nindex 0000000..1234567\n"), 0);
}

/* A delta of 40 bytes in one line of base 85, made by git for a file of 70,000 zeros that got an "x" at its end. */
TestSuite(touched_delta, .init = box_setup, .fini = box_teardown);

Test(touched_delta, what_a_delta_makes_counts_against_the_limit)
{
	rt_auto(free) char *patch = NULL;
	struct rt_apply_limits limits = RT_APPLY_LIMITS;

	sh("head -c 70000 /dev/zero >f && git add f && git commit -q -m one && printf x >>f");
	patch = sh_out("git diff --binary");
	cr_assert_not_null(strstr(patch, "\ndelta "), "%s", patch);
	cr_expect_eq(scan_with(patch, limits), 0);
	limits.max_blob = 70000;
	cr_expect_eq(scan_with(patch, limits), 2);
	cr_expect_str_eq(why.data, "bytes of a binary hunk: 70001, the limit is 70000\n");
	limits.max_blob = 70001;
	cr_expect_eq(scan_with(patch, limits), 0);
}

Test(touched_delta, a_damaged_delta_makes_nothing)
{
	cr_expect_eq(rt_binary_delta_result("", 0), 0);
	cr_expect_eq(rt_binary_delta_result("zzzzz\n\n", 7), 0);
	cr_expect_eq(rt_binary_delta_result("c\n", 2), 0);
	cr_expect_eq(rt_binary_delta_result("no line end", 11), 0);
}
