#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "box.h"
#include "git/apply.h"
#include "support/file.h"

/*
 * Every case is compared with `git apply --cached --3way` in the box's repository: the same tree, or a refusal by both.
 * The base is the repository's HEAD, the patch the file `p` beside it.
 */

static struct rt_err err = RT_ERR_INIT;
static struct rt_quarantine *quarantine;
static struct rt_buf patch = RT_BUF_INIT, why = RT_BUF_INIT;
static struct rt_oid base, result;
static struct rt_apply_limits limits = RT_APPLY_LIMITS;

static void
setup(void)
{
	box_setup();
	must(rt_quarantine_new(&quarantine, box_repo, "q", &err) == 0);
}

static void
teardown(void)
{
	rt_quarantine_free(quarantine);
	rt_buf_release(&patch);
	rt_buf_release(&why);
	box_teardown();
}

TestSuite(apply, .init = setup, .fini = teardown);

static void
commit(const char *commands)
{
	sh("%s", commands);
	sh("git add -A . && git commit -q --allow-empty -m c");
}

/* Our answer for the file ../p on HEAD. */
static int
apply_file(void)
{
	char *path = rt_format("%s/p", box_root);

	rt_buf_cut(&patch, 0);
	rt_buf_cut(&why, 0);
	must(rt_file_read(AT_FDCWD, path, 1u << 30, &patch, &err) == 0);
	free(path);
	base = sh_oid("git rev-parse 'HEAD^{tree}'");
	return rt_apply(quarantine, &base, patch.data, patch.len, &limits, &result, &why, &err);
}

static void
expect_tree_of_git(void)
{
	struct rt_oid want;
	int ours = apply_file();

	cr_assert_eq(ours, 1, "%d: %s%s", ours, why.data, err.text);
	sh("git read-tree HEAD && git apply --cached --3way ../p 2>/dev/null");
	want = sh_oid("git write-tree");
	cr_expect_str_eq(result.hex, want.hex);
	cr_expect_eq(why.len, 0, "%s", why.data);
}

static void
expect_refused_by_both(int kind, const char *word)
{
	int ours = apply_file();

	cr_expect_eq(ours, kind, "%d: %s%s", ours, why.data, err.text);
	cr_expect_not_null(strstr(why.data, word), "no \"%s\" in: %s", word, why.data);
	cr_expect_neq(sh_status("git read-tree HEAD && git apply --cached --3way ../p 2>/dev/null"), 0);
}

static void
write_patch(const char *text)
{
	char *path = rt_format("%s/p", box_root);

	must(rt_file_write_durable(AT_FDCWD, path, text, strlen(text), 0644, &err) == 0);
	free(path);
}

/* The patch is what commands change in the work tree, which is put back; HEAD stays. */
static void
change(const char *commands, const char *options)
{
	sh("{ %s\n} && git add -A . && git diff --cached %s HEAD >../p && git reset -q --hard", commands, options);
}

#define LINES "seq 1 30 >f"

/* ---- what applies ---- */

Test(apply, changed_lines)
{
	commit(LINES);
	change("sed -i 5s/.*/five/ f", "");
	expect_tree_of_git();
}

Test(apply, files_added_and_deleted)
{
	commit(LINES " && mkdir d && echo x >d/only");
	change("git rm -q d/only && mkdir -p n/m && echo new >n/m/file", "");
	expect_tree_of_git();
}

Test(apply, empty_files_added_and_deleted)
{
	commit(LINES " && : >empty");
	change("rm empty && : >other", "");
	expect_tree_of_git();
}

Test(apply, modes_are_kept_when_only_the_content_changes)
{
	commit(LINES " && chmod +x f");
	change("echo more >>f", "");
	sh("sed -i '/^index/d' ../p");
	expect_tree_of_git();
}

Test(apply, modes_that_change_alone)
{
	commit(LINES);
	change("chmod +x f", "");
	expect_tree_of_git();
}

Test(apply, renames_and_copies)
{
	commit(LINES " && seq 40 70 >g && chmod +x g");
	change("mkdir d && git mv f d/f2 && cp g copy && echo x >>g", "-M -C");
	expect_tree_of_git();
}

Test(apply, renames_in_a_circle)
{
	commit("seq 1 30 >a && seq 40 70 >b");
	change("git mv a t && git mv b a && git mv t b", "-B -M");
	expect_tree_of_git();
}

Test(apply, symbolic_links)
{
	commit(LINES " && ln -s f link");
	change("ln -sfn g link && ln -s ../outside other", "");
	expect_tree_of_git();
}

Test(apply, a_link_to_a_file_and_back_as_two_patches)
{
	commit(LINES " && ln -s f link");
	change("rm link && cp f link", "");
	expect_tree_of_git();
}

Test(apply, binary_literals_and_deltas)
{
	commit("head -c 20000 /dev/zero >z && printf 'a\\0b' >s");
	change("printf x >>z && printf 'c\\0d' >s && head -c 3000 /dev/zero >n", "--binary");
	expect_tree_of_git();
}

Test(apply, a_missing_last_newline)
{
	commit("printf 'a\\nb' >f && printf 'c\\nd\\n' >g");
	change("printf 'a\\nb\\n' >f && printf 'c\\nd' >g", "");
	expect_tree_of_git();
}

Test(apply, carriage_returns_in_the_content)
{
	commit("printf 'a\\r\\nb\\r\\n' >f");
	change("printf 'a\\r\\nc\\r\\n' >f", "");
	expect_tree_of_git();
}

Test(apply, names_that_git_quotes)
{
	commit("echo 1 >'sp ace' && printf 2 >\"$(printf 'ta\\tb')\" && echo 3 >'q\"uote' && echo 4 >\"$(printf "
	       "'n\\nl')\" && "
	       "echo 5 >back\\\\slash && echo 6 >\"$(printf 'u\\303\\251')\"");
	change("for f in *; do echo more >>\"$f\"; done", "");
	expect_tree_of_git();
}

Test(apply, submodule_commits)
{
	commit(LINES);
	sh("git update-index --add --cacheinfo 160000,1111111111111111111111111111111111111111,sub && git commit -q -m "
	   "sub");
	write_patch("diff --git a/sub b/sub\nindex 1111111..2222222 160000\n--- a/sub\n+++ b/sub\n@@ -1 +1 @@\n"
		    "-Subproject commit 1111111111111111111111111111111111111111\n"
		    "+Subproject commit 2222222222222222222222222222222222222222\n");
	expect_tree_of_git();
}

Test(apply, patches_that_git_did_not_write)
{
	commit(LINES " && mkdir d && cp f d/g");
	write_patch("--- d/g.orig 2010-07-05 19:41:17.620000023 -0500\n+++ d/g 2010-07-05 19:42:17.620000023 -0500\n"
		    "@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n");
	sh("sed -i 's,^--- d,--- a/d,; s,^+++ d,+++ b/d,' ../p");
	expect_tree_of_git();
}

Test(apply, bare_names_without_a_directory)
{
	commit(LINES);
	write_patch("--- f\n+++ f\n@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n");
	expect_tree_of_git();
}

Test(apply, hunks_at_an_offset)
{
	commit(LINES);
	change("sed -i 15s/.*/fifteen/ f", "");
	commit("seq 100 120 >t && cat f >>t && mv t f");
	expect_tree_of_git();
}

Test(apply, three_way_where_the_context_moved_on)
{
	commit(LINES);
	change("sed -i 15s/.*/fifteen/ f", "--full-index");
	commit("sed -i 12s/.*/twelve/ f");
	expect_tree_of_git();
}

Test(apply, a_patch_that_is_there_already)
{
	commit(LINES);
	change("sed -i 15s/.*/fifteen/ f", "--full-index");
	commit("sed -i 15s/.*/fifteen/ f");
	expect_tree_of_git();
	cr_expect_str_eq(result.hex, base.hex);
}

Test(apply, attributes_of_the_tree_decide_a_three_way_merge)
{
	commit("mkdir d && echo one >d/log && echo 'log merge=union' >d/.gitattributes");
	change("echo two >>d/log", "--full-index");
	commit("echo three >>d/log");
	expect_tree_of_git();
	commit("git rm -q d/.gitattributes");
	expect_refused_by_both(0, "conflict");
}

Test(apply, a_file_that_a_patch_names_twice)
{
	commit(LINES);
	change("sed -i 5s/.*/five/ f", "-U1");
	sh("sed s/five/FIVE/ ../p >../p2 && sed -i s/^-5/-five/ ../p2 && cat ../p2 >>../p");
	expect_tree_of_git();
}

Test(apply, a_directory_that_becomes_a_file)
{
	commit("mkdir -p d/e && echo 1 >d/e/f && echo 2 >d/g && echo 3 >d-x");
	change("rm -r d && echo file >d", "");
	expect_tree_of_git();
}

Test(apply, a_file_that_becomes_a_directory)
{
	commit("echo file >d && echo 3 >d-x");
	change("rm d && mkdir -p d/e && echo 1 >d/e/f", "");
	expect_tree_of_git();
}

Test(apply, only_the_named_files_change_in_a_deep_tree)
{
	commit("for i in 1 2 3 4; do mkdir -p a/$i/b && echo $i >a/$i/b/f && echo $i >a/$i/g; done");
	change("echo x >>a/3/b/f && rm a/4/b/f", "");
	expect_tree_of_git();
}

Test(apply, prose_around_a_patch_is_ignored)
{
	commit(LINES);
	change("sed -i 5s/.*/five/ f", "");
	sh("{ echo 'Dear all,'; echo; echo '--- not a header'; cat ../p; echo '-- '; echo 2.39; } >../p2 && mv ../p2 "
	   "../p");
	expect_tree_of_git();
}

Test(apply, the_result_is_complete_for_git_once_promoted)
{
	commit(LINES);
	change("mkdir -p x/y && echo 1 >x/y/z && sed -i 5s/.*/five/ f", "");
	cr_assert_eq(apply_file(), 1);
	cr_expect_neq(sh_status("git cat-file -e %s 2>/dev/null", result.hex), 0);
	must(rt_quarantine_promote(quarantine, &err) == 0);
	sh("git ls-tree -r %s >/dev/null && git fsck --strict >/dev/null 2>&1", result.hex);
}

Test(apply, no_index_or_work_tree_of_the_user_is_touched)
{
	rt_auto(free) char *before = NULL, *after = NULL;

	commit(LINES);
	change("sed -i 5s/.*/five/ f", "");
	sh("echo staged >s && git add s && echo dirty >>f");
	before = sh_out("git status --porcelain && md5sum .git/index && find .git/refs .git/HEAD .git/logs | sort");
	cr_assert_eq(apply_file(), 1);
	after = sh_out("git status --porcelain && md5sum .git/index && find .git/refs .git/HEAD .git/logs | sort");
	cr_expect_str_eq(after, before);
}

Test(apply, no_program_of_the_repository_runs)
{
	commit(LINES " && echo '* filter=evil merge=evil diff=evil' >.gitattributes");
	change("sed -i 15s/.*/fifteen/ f", "--full-index");
	commit("sed -i 12s/.*/twelve/ f");
	sh("for k in core.fsmonitor filter.evil.clean filter.evil.smudge merge.evil.driver diff.evil.textconv; do "
	   "git config $k 'touch ../ran'; done; git config core.hooksPath ../hooks");
	box_reopen();
	rt_quarantine_free(quarantine);
	must(rt_quarantine_new(&quarantine, box_repo, "q", &err) == 0);
	cr_expect_eq(apply_file(), 1, "%s%s", why.data, err.text);
	sh("test ! -e ../ran");
}

/* ---- what does not ---- */

Test(apply, a_wrong_preimage)
{
	commit(LINES);
	write_patch("diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n 1\n-zwei\n+two\n 3\n");
	expect_refused_by_both(0, "f: patch does not apply\n");
	cr_expect_not_null(strstr(why.data, "patch failed: f:1\n"));
	cr_expect_null(strstr(why.data, "error: "));
}

Test(apply, a_conflict_of_a_three_way_merge)
{
	commit(LINES);
	change("sed -i 15s/.*/fifteen/ f", "--full-index");
	commit("sed -i 15s/.*/FIFTEEN/ f");
	expect_refused_by_both(0, "with conflicts");
}

Test(apply, a_new_file_over_an_existing_one)
{
	commit(LINES);
	write_patch("diff --git a/f b/f\nnew file mode 100644\n--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+x\n");
	expect_refused_by_both(0, "with conflicts");
}

Test(apply, a_rename_over_an_existing_file)
{
	commit(LINES " && echo g >g");
	write_patch("diff --git a/f b/g\nsimilarity index 100%\nrename from f\nrename to g\n");
	expect_refused_by_both(0, "f: patch does not apply");
}

Test(apply, deleting_a_file_with_other_content)
{
	commit(LINES);
	write_patch("diff --git a/f b/f\ndeleted file mode 100644\n--- a/f\n+++ /dev/null\n@@ -1 +0,0 @@\n-other\n");
	expect_refused_by_both(0, "f: patch does not apply");
}

Test(apply, a_file_that_is_not_there)
{
	commit(LINES);
	write_patch("diff --git a/g b/g\n--- a/g\n+++ b/g\n@@ -1 +1 @@\n-a\n+b\n");
	expect_refused_by_both(0, "g: does not exist in index");
}

Test(apply, a_path_below_a_symbolic_link)
{
	commit(LINES " && ln -s /tmp lnk");
	write_patch(
	    "diff --git a/lnk/x b/lnk/x\nnew file mode 100644\n--- /dev/null\n+++ b/lnk/x\n@@ -0,0 +1 @@\n+x\n");
	expect_refused_by_both(0, "beyond a symbolic link");
}

Test(apply, a_directory_swapped_for_a_link_and_written_through)
{
	commit("mkdir d && echo 1 >d/f");
	write_patch("diff --git a/d/f b/d/f\ndeleted file mode 100644\n--- a/d/f\n+++ /dev/null\n@@ -1 +0,0 @@\n-1\n"
		    "diff --git a/d b/d\nnew file mode 120000\n--- /dev/null\n+++ b/d\n@@ -0,0 +1 @@\n+/tmp\n"
		    "\\ No newline at end of file\n"
		    "diff --git a/d/g b/d/g\nnew file mode 100644\n--- /dev/null\n+++ b/d/g\n@@ -0,0 +1 @@\n+x\n");
	expect_refused_by_both(0, "beyond a symbolic link");
}

Test(apply, a_file_below_a_file)
{
	commit(LINES);
	write_patch("diff --git a/f/x b/f/x\nnew file mode 100644\n--- /dev/null\n+++ b/f/x\n@@ -0,0 +1 @@\n+x\n");
	expect_refused_by_both(0, "as both a file and as a directory");
}

Test(apply, a_file_where_a_directory_is)
{
	commit("mkdir -p d/e/f && echo 1 >d/e/f/g && echo 2 >d/e/f/h");
	write_patch("diff --git a/d b/d\nnew file mode 100644\n--- /dev/null\n+++ b/d\n@@ -0,0 +1 @@\n+x\n");
	expect_refused_by_both(0, "as both a file and as a directory");
}

Test(apply, a_file_where_something_of_a_directory_stays)
{
	commit("mkdir d && echo 1 >d/a && echo 2 >d/b");
	write_patch("diff --git a/d/a b/d/a\ndeleted file mode 100644\n--- a/d/a\n+++ /dev/null\n@@ -1 +0,0 @@\n-1\n"
		    "diff --git a/d b/d\nnew file mode 100644\n--- /dev/null\n+++ b/d\n@@ -0,0 +1 @@\n+x\n");
	expect_refused_by_both(0, "as both a file and as a directory");
}

Test(apply, a_change_of_type_in_place)
{
	commit(LINES);
	write_patch("diff --git a/f b/f\nold mode 100644\nnew mode 120000\n");
	expect_refused_by_both(0, "does not match");
}

static void
new_file_at(const char *path)
{
	char *text =
	    rt_format("diff --git a/%s b/%s\nnew file mode 100644\n--- /dev/null\n+++ b/%s\n@@ -0,0 +1 @@\n+x\n", path,
		      path, path);

	write_patch(text);
	free(text);
}

Test(apply, paths_out_of_the_tree)
{
	commit(LINES);
	new_file_at("../x");
	expect_refused_by_both(0, "invalid path");
	new_file_at("d/../../x");
	expect_refused_by_both(0, "invalid path");
	new_file_at("./x");
	expect_refused_by_both(0, "invalid path");
	write_patch("diff --git \"a/\\056\\056/x\" \"b/\\056\\056/x\"\nnew file mode 100644\n--- /dev/null\n+++ "
		    "\"b/\\056\\056/x\"\n"
		    "@@ -0,0 +1 @@\n+x\n");
	expect_refused_by_both(0, "invalid path");
}

Test(apply, an_absolute_path)
{
	commit(LINES);
	new_file_at("/x");
	expect_refused_by_both(0, "invalid path '/x'");
}

Test(apply, an_absolute_path_of_a_plain_patch_means_one_in_the_tree)
{
	commit(LINES);
	write_patch("--- /etc/passwd\n+++ /etc/passwd\n@@ -0,0 +1,1 @@\n+x\n");
	expect_tree_of_git();
}

Test(apply, the_git_directory_in_any_spelling)
{
	static const char *const names[] = {".git/config", ".GIT/x",  "git~1/x",
					    ".git./x",	   ".git /x", "sub/.git/hooks/x"};
	size_t i;

	commit(LINES);
	for (i = 0; i < RT_COUNT(names); i++) {
		new_file_at(names[i]);
		expect_refused_by_both(0, "invalid path");
	}
}

Test(apply, a_binary_hunk_with_the_wrong_result)
{
	commit("printf 'a\\0b' >f");
	change("printf 'c\\0d' >f", "--binary");
	sh("sed -i 's/^index \\(.*\\)\\.\\.[0-9a-f]* /index \\1..1111111111111111111111111111111111111111 /' ../p");
	expect_refused_by_both(0, "incorrect result");
}

Test(apply, a_patch_with_changed_line_ends)
{
	commit(LINES);
	change("sed -i 5s/.*/five/ f", "");
	sh("sed -i 's/$/\\r/' ../p");
	expect_refused_by_both(0, "");
}

Test(apply, a_path_that_a_patch_deletes_twice)
{
	commit("echo 1 >f");
	change("rm f", "");
	sh("cat ../p ../p >../p2 && mv ../p2 ../p");
	expect_refused_by_both(0, "f");
}

/* ---- what is no patch ---- */

Test(apply, nothing_and_prose_are_no_patch)
{
	commit(LINES);
	write_patch("");
	expect_refused_by_both(0, "no changes found in it\n");
	write_patch("I would like to change the file f.\n");
	expect_refused_by_both(0, "no changes found in it\n");
	write_patch("diff --git a/f b/f\n");
	expect_refused_by_both(0, "no changes found in it\n");
}

Test(apply, damaged_patches_are_malformed)
{
	commit(LINES);
	write_patch("diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n 1\n-2\n");
	expect_refused_by_both(2, "corrupt patch at line 7");
	write_patch("@@ -1 +1 @@\n-a\n+b\n");
	expect_refused_by_both(2, "patch fragment without header");
	write_patch("diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1,4294967295 +1 @@\n 1\n-2\n");
	expect_refused_by_both(2, "corrupt patch");
	write_patch("diff --git a/f b/g\nold mode 100644\nnew mode 100755\n");
	expect_refused_by_both(2, "lacks filename");
	write_patch("diff --git a/f b/f\nindex 1..2\nGIT binary patch\nliteral 5\nnot base 85\n\n");
	expect_refused_by_both(2, "corrupt binary patch");
}

Test(apply, what_makes_git_itself_fail_is_malformed)
{
	commit(LINES);
	write_patch("diff --git a/a b/a\nnew fil mode 100644\nindex 0000000..0f55c1d\n--- /dev/null\n+++ b/a\n@@ -0,0 "
		    "+1,2 @@\n+x\n+y\n");
	expect_refused_by_both(2, "Assertion");
}

Test(apply, limits_hold_before_git_sees_a_patch)
{
	commit(LINES);
	change("sed -i 5s/.*/five/ f && head -c 5000 /dev/zero >z", "--binary");
	limits.max_blob = 4999;
	cr_expect_eq(apply_file(), 2);
	cr_expect_str_eq(why.data, "bytes of a binary hunk: 5000, the limit is 4999\n");
	limits = (struct rt_apply_limits){100, 10000, 10};
	cr_expect_eq(apply_file(), 2);
	limits = (struct rt_apply_limits){100000, 10000, 1};
	cr_expect_eq(apply_file(), 2);
	limits = (struct rt_apply_limits){100000, 10000, 2};
	cr_expect_eq(apply_file(), 1);
}

Test(apply, a_missing_base_tree_is_an_error)
{
	struct rt_oid absent = {"1111111111111111111111111111111111111111"};

	commit(LINES);
	change("sed -i 5s/.*/five/ f", "");
	cr_assert_eq(apply_file(), 1);
	cr_expect_eq(rt_apply(quarantine, &absent, patch.data, patch.len, &limits, &result, &why, &err), -1);
	cr_expect_neq(err.code, RT_ENONE);
}

Test(apply, the_first_files_of_a_repository)
{
	commit("true");
	change("mkdir d && echo 1 >d/f && echo 2 >g", "");
	expect_tree_of_git();
}
