#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box.h"
#include "git/quarantine.h"

static struct rt_err err = RT_ERR_INIT;
static struct rt_quarantine *quarantine;

static void
open_quarantine(void)
{
	must(rt_quarantine_new(&quarantine, box_repo, "q1", &err) == 0);
}

static void
setup(void)
{
	box_setup();
	sh("echo one >f && git add f && git commit -q -m one");
	open_quarantine();
}

static void
teardown(void)
{
	rt_quarantine_free(quarantine);
	quarantine = NULL;
	box_teardown();
}

TestSuite(quarantine, .init = setup, .fini = teardown);

static struct rt_oid
blob(const char *text)
{
	struct rt_oid id;

	must(rt_blob_write(rt_quarantine_repo(quarantine), text, strlen(text), &id, &err) == 0);
	return id;
}

static void
promote(void)
{
	must(rt_quarantine_promote(quarantine, &err) == 0);
}

#define HERE ".git/ratchet/quarantine/q1"

/* ---- while it is there ---- */

Test(quarantine, what_is_written_there_is_not_in_the_repository)
{
	struct rt_oid id = blob("secret\n");

	cr_expect(rt_object_exists(rt_quarantine_repo(quarantine), &id));
	cr_expect_not(rt_object_exists(box_repo, &id));
	cr_expect_neq(sh_status("git cat-file -e %s 2>/dev/null", id.hex), 0);
}

Test(quarantine, reads_see_the_repository)
{
	struct rt_oid id = sh_oid("git rev-parse HEAD:f");
	struct rt_buf out = RT_BUF_INIT;

	must(rt_blob_read(rt_quarantine_repo(quarantine), &id, 100, &out, &err) == 0);
	cr_expect_str_eq(out.data, "one\n");
	rt_buf_release(&out);
}

Test(quarantine, what_the_repository_has_is_not_written_again)
{
	struct rt_oid id = blob("one\n"), want = sh_oid("git rev-parse HEAD:f");

	cr_expect_str_eq(id.hex, want.hex);
	cr_expect_neq(sh_status("test -e " HERE "/objects/%.2s", id.hex), 0);
}

Test(quarantine, git_takes_it_for_a_repository)
{
	rt_auto(free) char *text = NULL;
	struct rt_oid id = blob("two\n");

	text = sh_out("git --git-dir=" HERE " cat-file blob %s", id.hex);
	cr_expect_str_eq(text, "two");
	sh("git --git-dir=" HERE " fsck --strict 2>/dev/null >&2");
	sh("test \"$(git --git-dir=" HERE " cat-file -t HEAD 2>/dev/null || echo none)\" = none");
}

Test(quarantine, a_large_object_is_written_whole)
{
	rt_auto(buf) struct rt_buf bytes = RT_BUF_INIT;
	rt_auto(buf) struct rt_buf again = RT_BUF_INIT;
	struct rt_oid id, want;
	size_t i;

	for (i = 0; i < 300000; i++)
		rt_buf_addf(&bytes, "%zu ", i * 2654435761u);
	must(rt_blob_write(rt_quarantine_repo(quarantine), bytes.data, bytes.len, &id, &err) == 0);
	must(rt_blob_read(rt_quarantine_repo(quarantine), &id, bytes.len, &again, &err) == 0);
	cr_expect_eq(again.len, bytes.len);
	cr_expect_eq(memcmp(again.data, bytes.data, bytes.len), 0);
	want = sh_oid("git --git-dir=" HERE " cat-file blob %s | git hash-object --stdin", id.hex);
	cr_expect_str_eq(id.hex, want.hex);
}

Test(quarantine, trees_and_commits_are_written_there)
{
	struct rt_oid base = sh_oid("git rev-parse HEAD"), tree;
	struct rt_update update = {"d/new", {0100644, {""}}};
	struct rt_repo *repo = rt_quarantine_repo(quarantine);

	update.entry.id = blob("new\n");
	must(rt_tree_update(repo, &base, &update, 1, &tree, &err) == 0);
	sh("git --git-dir=" HERE " cat-file -p %s:d/new >/dev/null", tree.hex);
	cr_expect_neq(sh_status("git cat-file -e %s 2>/dev/null", tree.hex), 0);
}

Test(quarantine, its_folder_is_for_scratch_files)
{
	struct stat st;

	cr_assert_eq(stat(rt_quarantine_dir(quarantine), &st), 0);
	cr_expect(S_ISDIR(st.st_mode));
}

Test(quarantine, others_may_not_look_inside)
{
	cr_expect_eq(sh_status("test \"$(stat -c %%a " HERE ")\" = 700"), 0);
}

/* ---- promotion ---- */

Test(quarantine, promotion_gives_the_repository_every_object)
{
	struct rt_oid one = blob("p1\n"), two = blob("p2\n");

	promote();
	cr_expect(rt_object_exists(box_repo, &one));
	cr_expect(rt_object_exists(box_repo, &two));
	sh("git cat-file -e %s && git cat-file -e %s && git fsck --strict >/dev/null 2>&1", one.hex, two.hex);
}

Test(quarantine, promoted_objects_are_read_only)
{
	struct rt_oid id = blob("p1\n");

	promote();
	cr_expect_eq(sh_status("test \"$(stat -c %%a .git/objects/%.2s/%s)\" = 444", id.hex, id.hex + 2), 0);
}

Test(quarantine, promoted_objects_outlive_the_quarantine)
{
	struct rt_oid id = blob("p1\n");

	promote();
	rt_quarantine_free(quarantine);
	quarantine = NULL;
	sh("git cat-file -e %s", id.hex);
}

Test(quarantine, promotion_can_be_repeated)
{
	struct rt_oid one = blob("p1\n"), two;

	promote();
	promote();
	two = blob("p2\n");
	promote();
	sh("git cat-file -e %s && git cat-file -e %s", one.hex, two.hex);
}

Test(quarantine, promotion_of_nothing_changes_nothing)
{
	rt_auto(free) char *before = sh_out("find .git/objects | sort"), *after = NULL;

	promote();
	after = sh_out("find .git/objects | sort");
	cr_expect_str_eq(after, before);
}

Test(quarantine, a_promotion_that_was_cut_short_is_completed)
{
	struct rt_oid one = blob("p1\n"), two = blob("p2\n");

	sh("mkdir -p .git/objects/%.2s && ln " HERE "/objects/%.2s/%s .git/objects/%.2s/", one.hex, one.hex,
	   one.hex + 2, one.hex);
	promote();
	sh("git cat-file -e %s && git cat-file -e %s && git fsck --strict >/dev/null 2>&1", one.hex, two.hex);
}

Test(quarantine, unfinished_objects_are_not_promoted)
{
	sh("echo half >" HERE "/objects/tmp_obj_x && mkdir " HERE "/objects/ab && echo half >" HERE
	   "/objects/ab/tmp_obj_y");
	promote();
	cr_expect_neq(sh_status("find .git/objects | grep tmp_obj"), 0);
}

Test(quarantine, packs_are_promoted)
{
	struct rt_oid id = blob("packed\n");

	sh("echo %s | git --git-dir=" HERE " pack-objects -q " HERE "/objects/pack/pack >/dev/null 2>&1 || "
	   "{ mkdir -p " HERE "/objects/pack && echo %s | git --git-dir=" HERE " pack-objects -q " HERE
	   "/objects/pack/pack; } >/dev/null",
	   id.hex, id.hex);
	sh("rm -r " HERE "/objects/%.2s", id.hex);
	promote();
	sh("ls .git/objects/pack/*.idx .git/objects/pack/*.pack >/dev/null && git cat-file -e %s", id.hex);
}

Test(quarantine, many_objects_are_promoted)
{
	char text[32];
	int i;

	for (i = 0; i < 300; i++) {
		(void)snprintf(text, sizeof(text), "number %d\n", i);
		blob(text);
	}
	promote();
	cr_expect_eq(sh_status("test $(git cat-file --batch-all-objects --batch-check | wc -l) = 303"), 0);
}

Test(quarantine, a_shared_repository_stays_shared)
{
	struct rt_oid id;

	sh("git config core.sharedRepository group");
	box_reopen();
	rt_quarantine_free(quarantine);
	umask(077);
	open_quarantine();
	id = blob("shared\n");
	promote();
	cr_expect_eq(sh_status("test \"$(stat -c %%a .git/objects/%.2s/%s)\" = 440", id.hex, id.hex + 2), 0);
	cr_expect_eq(sh_status("test \"$(stat -c %%a .git/objects/%.2s)\" = 2770", id.hex), 0);
}

/* ---- where it lies ---- */

Test(quarantine, relative_alternates_of_the_repository_are_followed)
{
	struct rt_oid id = sh_oid("git rev-parse HEAD:f");
	struct rt_repo *repo = NULL;
	struct rt_quarantine *other = NULL;
	char *dir = rt_format("%s/repo2", box_root);

	sh("git init -q ../repo2 && echo ../../../repo/.git/objects >../repo2/.git/objects/info/alternates");
	must(rt_repo_open(&repo, dir, &err) == 0);
	must(rt_quarantine_new(&other, repo, "q", &err) == 0);
	cr_expect(rt_object_exists(rt_quarantine_repo(other), &id));
	sh("git --git-dir=../repo2/.git/ratchet/quarantine/q cat-file -e %s", id.hex);
	rt_quarantine_free(other);
	rt_repo_free(repo);
	free(dir);
}

Test(quarantine, an_added_alternate_is_read_by_us_and_by_git)
{
	struct rt_oid id = sh_oid("git init -q ../repo3 && cd ../repo3 && echo third | git hash-object -w --stdin");
	char *objects = rt_format("%s/repo3/.git/objects", box_root);

	must(rt_quarantine_add_alternate(quarantine, objects, &err) == 0);
	cr_expect(rt_object_exists(rt_quarantine_repo(quarantine), &id));
	sh("git --git-dir=" HERE " cat-file -e %s", id.hex);
	cr_expect_eq(rt_quarantine_add_alternate(quarantine, "relative", &err), -1);
	free(objects);
}

Test(quarantine, a_linked_worktree_shares_the_place)
{
	struct rt_repo *repo = NULL;
	struct rt_quarantine *other = NULL;
	char *dir = rt_format("%s/linked", box_root);

	sh("git worktree add -q ../linked");
	must(rt_repo_open(&repo, dir, &err) == 0);
	must(rt_quarantine_new(&other, repo, "q2", &err) == 0);
	sh("test -d .git/ratchet/quarantine/q2");
	rt_quarantine_free(other);
	rt_repo_free(repo);
	free(dir);
}

Test(quarantine, a_shallow_repository_has_a_shallow_quarantine)
{
	struct rt_repo *repo = NULL;
	struct rt_quarantine *other = NULL;
	char *dir = rt_format("%s/shallow", box_root);

	sh("echo two >f && git commit -q -a -m two && git clone -q --depth=1 file://\"$PWD\" ../shallow");
	must(rt_repo_open(&repo, dir, &err) == 0);
	must(rt_quarantine_new(&other, repo, "q", &err) == 0);
	cr_expect(rt_repo_is_shallow(rt_quarantine_repo(other)));
	sh("h=$(git rev-parse HEAD); test $(git --git-dir=../shallow/.git/ratchet/quarantine/q rev-list $h | wc -l) = "
	   "1");
	rt_quarantine_free(other);
	rt_repo_free(repo);
	free(dir);
}

Test(quarantine, a_repository_whose_path_has_a_line_break_is_refused)
{
	struct rt_repo *repo = NULL;
	struct rt_quarantine *other = NULL;
	char *dir = rt_format("%s/line\nbreak", box_root);

	sh("git init -q '%s'", dir);
	must(rt_repo_open(&repo, dir, &err) == 0);
	cr_expect_eq(rt_quarantine_new(&other, repo, "q", &err), -1);
	cr_expect_eq(err.code, RT_ECONFIG);
	cr_expect_null(other);
	rt_repo_free(repo);
	free(dir);
}

Test(quarantine, a_name_that_leads_elsewhere_is_refused)
{
	struct rt_quarantine *other = NULL;

	cr_expect_eq(rt_quarantine_new(&other, box_repo, "../x", &err), -1);
	cr_expect_eq(rt_quarantine_new(&other, box_repo, "", &err), -1);
	cr_expect_eq(rt_quarantine_new(&other, box_repo, "..", &err), -1);
}

/* ---- whose it is ---- */

Test(quarantine, freeing_removes_it)
{
	rt_quarantine_free(quarantine);
	quarantine = NULL;
	sh("test ! -e " HERE);
	rt_quarantine_free(NULL);
}

Test(quarantine, one_in_use_is_refused_to_others)
{
	struct rt_quarantine *other = NULL;

	cr_expect_eq(rt_quarantine_new(&other, box_repo, "q1", &err), -1);
	cr_expect_eq(err.code, RT_ECONFLICT);
	sh("test -d " HERE "/objects");
}

Test(quarantine, one_in_use_is_not_swept)
{
	size_t removed = 0;

	must(rt_quarantine_sweep(box_repo, &removed, &err) == 0);
	cr_expect_eq(removed, 0);
	sh("test -d " HERE "/objects");
}

/* Leaves behind what a killed process leaves. */
static void
die_holding(const char *id)
{
	struct rt_quarantine *other = NULL;
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (!pid) {
		if (rt_quarantine_new(&other, box_repo, id, &err))
			_exit(1);
		raise(SIGKILL);
	}
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	sh("test -d .git/ratchet/quarantine/%s/objects", id);
}

Test(quarantine, what_dead_processes_left_is_swept)
{
	size_t removed = 0;

	die_holding("d1");
	die_holding("d2");
	sh("mkdir .git/ratchet/quarantine/empty");
	must(rt_quarantine_sweep(box_repo, &removed, &err) == 0);
	cr_expect_eq(removed, 3);
	sh("test \"$(ls .git/ratchet/quarantine)\" = q1");
}

Test(quarantine, what_a_dead_process_left_is_replaced)
{
	struct rt_quarantine *other = NULL;

	die_holding("d1");
	sh("touch .git/ratchet/quarantine/d1/old");
	must(rt_quarantine_new(&other, box_repo, "d1", &err) == 0);
	sh("test ! -e .git/ratchet/quarantine/d1/old");
	rt_quarantine_free(other);
}

Test(quarantine, sweeping_where_none_ever_was_removes_nothing)
{
	size_t removed = 0;

	rt_quarantine_free(quarantine);
	quarantine = NULL;
	sh("rm -r .git/ratchet");
	must(rt_quarantine_sweep(box_repo, &removed, &err) == 0);
	cr_expect_eq(removed, 0);
}
