#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "box.h"
#include "git/apply.h"

/* Replays the branch `pick` onto main and compares with `git cherry-pick` there. */

static struct rt_err err = RT_ERR_INIT;
static struct rt_quarantine *quarantine;
static struct rt_buf why = RT_BUF_INIT;
static struct rt_oid base, result;

static void
setup(void)
{
	box_setup();
	sh("mkdir d && seq 1 30 >f && seq 50 90 >d/g && seq 7 >d/h && git add . && git commit -q -m base && git branch "
	   "pick");
	must(rt_quarantine_new(&quarantine, box_repo, "q", &err) == 0);
}

static void
teardown(void)
{
	rt_quarantine_free(quarantine);
	rt_buf_release(&why);
	box_teardown();
}

TestSuite(replay, .init = setup, .fini = teardown);

static void
on(const char *branch, const char *commands)
{
	sh("git checkout -q %s && { %s\n} && git add -A . && git commit -q --allow-empty -m c && git checkout -q main",
	   branch, commands);
}

static int
replay(void)
{
	struct rt_oid commit = sh_oid("git rev-parse pick");

	base = sh_oid("git rev-parse 'main^{tree}'");
	rt_buf_cut(&why, 0);
	return rt_apply_commit(quarantine, &base, &commit, &result, &why, &err);
}

static void
expect_tree_of_git(void)
{
	struct rt_oid want;
	int ours = replay();

	cr_assert_eq(ours, 1, "%d: %s%s", ours, why.data, err.text);
	sh("git cherry-pick --allow-empty --keep-redundant-commits pick >/dev/null 2>&1");
	want = sh_oid("git rev-parse 'HEAD^{tree}'");
	cr_expect_str_eq(result.hex, want.hex);
	cr_expect_eq(why.len, 0, "%s", why.data);
}

static void
expect_conflict(const char *word)
{
	int ours = replay();

	cr_expect_eq(ours, 0, "%d: %s", ours, err.text);
	cr_expect_not_null(strstr(why.data, word), "no \"%s\" in: %s", word, why.data);
	cr_expect_neq(sh_status("git cherry-pick --allow-empty pick >/dev/null 2>&1"), 0);
}

Test(replay, onto_its_own_parent_gives_its_own_tree)
{
	struct rt_oid want;

	on("pick", "echo more >>f");
	want = sh_oid("git rev-parse 'pick^{tree}'");
	cr_assert_eq(replay(), 1);
	cr_expect_str_eq(result.hex, want.hex);
}

Test(replay, changes_of_different_places_are_merged)
{
	on("pick", "sed -i 5s/.*/five/ f && echo n >new");
	on("main", "sed -i 25s/.*/x/ f && echo o >other");
	expect_tree_of_git();
}

Test(replay, a_change_that_is_there_already_gives_the_base)
{
	on("pick", "sed -i 5s/.*/five/ f");
	on("main", "sed -i 5s/.*/five/ f && echo o >other");
	expect_tree_of_git();
	cr_expect_str_eq(result.hex, base.hex);
}

Test(replay, a_commit_without_changes_gives_the_base)
{
	on("pick", "true");
	on("main", "echo o >other");
	expect_tree_of_git();
	cr_expect_str_eq(result.hex, base.hex);
}

Test(replay, a_change_follows_a_renamed_file)
{
	on("pick", "sed -i 5s/.*/five/ f");
	on("main", "git mv f moved");
	expect_tree_of_git();
}

Test(replay, a_rename_takes_our_change_along)
{
	on("pick", "git mv f moved && chmod +x moved");
	on("main", "sed -i 5s/.*/five/ f");
	expect_tree_of_git();
}

Test(replay, changes_of_the_same_lines_conflict)
{
	on("pick", "sed -i 5s/.*/five/ f");
	on("main", "sed -i 5s/.*/FIVE/ f");
	expect_conflict("CONFLICT (content): Merge conflict in f\n");
}

Test(replay, a_change_of_a_deleted_file_conflicts)
{
	on("pick", "sed -i 5s/.*/five/ f");
	on("main", "git rm -q f");
	expect_conflict("CONFLICT (modify/delete)");
}

Test(replay, a_file_added_to_a_renamed_directory_conflicts)
{
	on("pick", "echo n >d/new");
	on("main", "git mv d e");
	expect_conflict("CONFLICT (file location)");
}

Test(replay, a_file_and_a_directory_of_one_name_conflict)
{
	on("pick", "mkdir n && echo 1 >n/x");
	on("main", "echo 2 >n");
	expect_conflict("CONFLICT");
}

Test(replay, attributes_of_our_tree_decide)
{
	on("main", "mkdir l && echo one >l/log && echo 'log merge=union' >l/.gitattributes");
	sh("git branch -f pick main");
	on("pick", "echo two >>l/log");
	on("main", "echo three >>l/log");
	expect_tree_of_git();
}

Test(replay, attributes_that_the_commit_brings_do_not_decide)
{
	on("main", "mkdir l && echo one >l/log");
	sh("git branch -f pick main");
	on("pick", "echo two >>l/log && echo 'log merge=union' >l/.gitattributes");
	on("main", "echo three >>l/log");
	expect_conflict("l/log");
}

Test(replay, a_root_commit_adds_its_files)
{
	sh("git checkout -q --orphan fresh && git rm -q -r -f . && echo r >root && git add root && git commit -q -m "
	   "root && "
	   "git checkout -q main && git branch -f pick fresh");
	expect_tree_of_git();
}

Test(replay, a_merge_is_refused)
{
	on("pick", "echo p >p");
	on("main", "echo m >m");
	sh("git checkout -q pick && git merge -q --no-edit main && git checkout -q main");
	cr_expect_eq(replay(), 0);
	cr_expect_not_null(strstr(why.data, "is a merge"), "%s", why.data);
}

Test(replay, no_helper_commit_stays_behind)
{
	on("pick", "sed -i 5s/.*/five/ f");
	on("main", "sed -i 25s/.*/x/ f");
	cr_assert_eq(replay(), 1);
	must(rt_quarantine_promote(quarantine, &err) == 0);
	sh("test -z \"$(git fsck --unreachable --no-reflogs 2>/dev/null | grep commit)\" && git ls-tree -r %s "
	   ">/dev/null",
	   result.hex);
}

Test(replay, a_missing_commit_is_an_error)
{
	struct rt_oid absent = {"1111111111111111111111111111111111111111"};

	base = sh_oid("git rev-parse 'main^{tree}'");
	cr_expect_eq(rt_apply_commit(quarantine, &base, &absent, &result, &why, &err), -1);
}

/* ---- the merge driver ---- */

static bool
wants_tsv(void *data, const char *path)
{
	(void)data;
	return strstr(path, ".tsv") != NULL;
}

/* Ours and theirs, one after the other; a conflict when theirs says so. */
static int
join_both(void *data, const char *path, const struct rt_buf *old, const struct rt_buf *ours,
	  const struct rt_buf *theirs, struct rt_buf *out, struct rt_err *e)
{
	(void)path;
	(void)e;
	++*(int *)data;
	rt_buf_addf(out, "%zu:%s%s", old->len, ours->data, theirs->data);
	return strcmp(theirs->data, "conflict\n") == 0 ? 0 : 1;
}

static int joins;

static void
use_driver(void)
{
	struct rt_merge_driver driver = {wants_tsv, join_both, &joins};

	joins = 0;
	rt_merge_driver_set(box_repo, &driver);
}

Test(replay, the_merge_driver_joins_what_both_sides_changed)
{
	rt_auto(free) char *text = NULL;

	use_driver();
	on("main", "mkdir b && echo old >b/x.tsv");
	sh("git branch -f pick main");
	on("pick", "echo theirs >b/x.tsv && sed -i 5s/.*/five/ f");
	on("main", "echo ours >b/x.tsv && sed -i 25s/.*/x/ f");
	cr_assert_eq(replay(), 1, "%s%s", why.data, err.text);
	cr_expect_eq(joins, 1);
	must(rt_quarantine_promote(quarantine, &err) == 0);
	text = sh_out("git cat-file blob %s:b/x.tsv && git cat-file blob %s:f | grep -c -e five -e x", result.hex,
		      result.hex);
	cr_expect_str_eq(text, "4:ours\ntheirs\n2");
}

Test(replay, the_merge_driver_is_not_asked_for_what_one_side_changed)
{
	use_driver();
	on("pick", "echo theirs >x.tsv");
	on("main", "echo other >y.tsv");
	expect_tree_of_git();
	cr_expect_eq(joins, 0);
}

Test(replay, the_merge_driver_does_not_hide_other_conflicts)
{
	use_driver();
	on("main", "echo old >x.tsv");
	sh("git branch -f pick main");
	on("pick", "echo theirs >x.tsv && sed -i 5s/.*/five/ f");
	on("main", "echo ours >x.tsv && sed -i 5s/.*/FIVE/ f");
	expect_conflict("Merge conflict in f");
}

Test(replay, a_conflict_of_the_merge_driver_is_one)
{
	use_driver();
	on("main", "echo old >x.tsv");
	sh("git branch -f pick main");
	on("pick", "echo conflict >x.tsv");
	on("main", "echo ours >x.tsv");
	cr_expect_eq(replay(), 0);
	cr_expect_not_null(strstr(why.data, "x.tsv"), "%s", why.data);
}
