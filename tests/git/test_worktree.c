#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box.h"
#include "git/worktree.h"
#include "support/clock.h"
#include "support/tempname.h"

static struct rt_err err = RT_ERR_INIT;
static struct rt_buf why = RT_BUF_INIT;
static char gitdir[128];

static void
setup(void)
{
	box_setup();
	(void)snprintf(gitdir, sizeof(gitdir), "%s/repo/.git", box_root);
}

static void
teardown(void)
{
	rt_buf_release(&why);
	box_teardown();
}
TestSuite(worktree, .init = setup, .fini = teardown);

/* Makes commits `old` (what the first command leaves) and `new` (what the second does); the work tree stays at old. */
static void
two_commits(const char *first, const char *second)
{
	sh("%s\ngit add -A && git commit -q --allow-empty -m old && git tag old", first);
	sh("%s\ngit add -A && git commit -q --allow-empty -m new && git tag new && git reset -q --hard old", second);
}

static int
check(void)
{
	struct rt_oid old = sh_oid("git rev-parse old^0"), new = sh_oid("git rev-parse new^0");

	rt_buf_cut(&why, 0);
	return rt_worktree_check(gitdir, &old, &new, NULL, NULL, &why, &err);
}

static int
move(void)
{
	struct rt_oid old = sh_oid("git rev-parse old^0"), new = sh_oid("git rev-parse new^0");

	rt_buf_cut(&why, 0);
	return rt_worktree_move(gitdir, &old, &new, NULL, rt_clock_ms() + 300, &why, &err);
}

/* As a landing does: the work tree, then the ref. */
static void
land(void)
{
	int moved = move();

	cr_assert_eq(moved, 1, "%d %s %s", moved, why.data, err.text);
	sh("git update-ref refs/heads/main new");
}

static void
expect_status(const char *want)
{
	rt_auto(free) char *status = sh_out("git status --porcelain");

	cr_expect_str_eq(status, want);
}

static void
expect_refused(const char *part)
{
	rt_auto(free) char *before = sh_out("git ls-files -s; git status --porcelain --ignored");
	rt_auto(free) char *after = NULL;
	int checked = check(), moved;

	cr_expect_eq(checked, 0, "check: %d %s", checked, err.text);
	cr_expect_not_null(strstr(why.data, part), "%s", why.data);
	moved = move();
	cr_expect_eq(moved, 0, "move: %d %s", moved, err.text);
	cr_expect_not_null(strstr(why.data, part), "%s", why.data);
	after = sh_out("git ls-files -s; git status --porcelain --ignored");
	cr_expect_str_eq(after, before);
	cr_expect_eq(sh_status("test ! -e .git/index.lock && ! ls -A . .git | grep -q ratchet"), 0);
}

/* ---- moving ---- */

Test(worktree, a_clean_work_tree_moves_and_is_clean)
{
	two_commits("mkdir -p d/e && echo 1 >d/e/x && echo 1 >f && echo 1 >gone && ln -s f l && echo 1 >run",
		    "echo 2 >d/e/x && git rm -q gone && mkdir n && echo n >n/n && ln -sf d l && chmod +x run");
	cr_expect_eq(check(), 1, "%s", why.data);
	land();
	expect_status("");
	cr_expect_eq(
	    sh_status("test -x run && test \"$(readlink l)\" = d && test ! -e gone && git diff-index --quiet HEAD"), 0);
	cr_expect_eq(sh_status("test ! -e .git/index.lock && ! ls -A . .git d/e n | grep -q ratchet"), 0);
}

Test(worktree, moving_twice_changes_nothing)
{
	two_commits("echo 1 >f; echo 1 >g", "echo 2 >f; git rm -q g; echo 2 >h");
	cr_expect_eq(move(), 1, "%s", why.data);
	sh("stat -c '%%i %%y' f h >../before");
	cr_expect_eq(move(), 1, "%s", why.data);
	cr_expect_eq(sh_status("stat -c '%%i %%y' f h | cmp - ../before"), 0);
	sh("git update-ref refs/heads/main new");
	expect_status("");
}

Test(worktree, staged_edited_and_untracked_files_elsewhere_stay)
{
	two_commits("echo 1 >f; echo 1 >edited; echo 1 >staged; echo 1 >both", "echo 2 >f");
	sh("echo e >edited; echo s >staged; git add staged; echo b >both; git add both; echo c >both; echo u "
	   ">untracked");
	sh("echo w >wip && git add -N wip && git update-index --assume-unchanged edited");
	land();
	sh("git update-index --no-assume-unchanged edited");
	expect_status("MM both\n M edited\nM  staged\n A wip\n?? untracked");
	cr_expect_eq(sh_status("test \"$(cat f edited staged both untracked | tr -d '\\n')\" = 2escu"), 0);
}

Test(worktree, folders_that_become_empty_go_and_the_root_stays)
{
	two_commits("mkdir -p a/b/c && echo 1 >a/b/c/x && mkdir k && echo 1 >k/x", "git rm -rq a k");
	sh("echo u >k/untracked");
	cr_expect_eq(move(), 1, "%s", why.data);
	cr_expect_eq(sh_status("test ! -e a && test -e k/untracked && test ! -e k/x && test -d ."), 0);
}

Test(worktree, a_file_becomes_a_folder_and_a_folder_a_file)
{
	two_commits("mkdir -p d/e && echo 1 >d/e/x && echo 1 >d/y && echo 1 >f && ln -s d l",
		    "git rm -rq d f l && echo 2 >d && mkdir -p f/g l && echo 2 >f/g/h && echo 2 >l/x");
	land();
	expect_status("");
	cr_expect_eq(sh_status("test \"$(cat d f/g/h l/x | tr -d '\\n')\" = 222"), 0);
}

Test(worktree, the_umask_and_not_the_repository_decides_permissions)
{
	two_commits("echo 1 >f", "echo 2 >f; echo 2 >x; chmod +x x");
	umask(027);
	land();
	cr_expect_eq(sh_status("test $(stat -c %%a f) = 640 && test $(stat -c %%a x) = 750"), 0);
}

Test(worktree, with_file_mode_off_only_the_content_counts)
{
	two_commits("echo 1 >f", "echo 2 >f");
	sh("git config core.fileMode false && chmod +x f");
	land();
	expect_status("");
}

Test(worktree, a_file_removed_by_hand_counts_as_unchanged_as_in_git)
{
	two_commits("echo 1 >f; echo 1 >g", "echo 2 >f; git rm -q g");
	sh("rm f g");
	land();
	expect_status("");
}

/* Puts a submodule's commit, one digit 40 times, at a path of the index. */
#define SUB(path, digit) "git update-index --add --cacheinfo 160000,$(printf " digit "%%.0s $(seq 40))," path "; "

Test(worktree, a_submodule_moves_in_the_index_alone)
{
	sh("mkdir s u && git -C s init -q && git -C s commit -q --allow-empty -m one && echo keep >s/keep");
	sh(SUB("s", "1") SUB("u", "5") "echo 1 >f; git add f; git commit -q -m old && git tag old");
	sh(SUB("s", "2") SUB("t", "3") "git rm -q --cached u f; " SUB("f", "4") "git commit -q -m new && git tag new");
	sh("git reset -q --mixed old");
	land();
	cr_expect_eq(sh_status("git diff --cached --quiet && test -e s/keep && test -d t && test ! -e u && test -d f"),
		     0);
}

Test(worktree, a_linked_worktree_moves_by_its_own_index)
{
	struct rt_oid old, new;
	rt_auto(free) char *side = NULL;
	rt_auto(free) char *status = NULL;

	two_commits("echo 1 >f", "echo 2 >f; echo 2 >g");
	sh("git worktree add -q -b side ../side old");
	old = sh_oid("git rev-parse old^0");
	new = sh_oid("git rev-parse new^0");
	side = rt_format("%s/worktrees/side", gitdir);
	cr_assert_eq(rt_worktree_move(side, &old, &new, NULL, rt_clock_ms(), &why, &err), 1, "%s %s", why.data,
		     err.text);
	sh("git update-ref refs/heads/side new");
	status = sh_out("git -C ../side status --porcelain");
	cr_expect_str_eq(status, "");
	cr_expect_eq(sh_status("test $(cat ../side/f) = 2 && test $(cat f) = 1"), 0);
	expect_status("");
}

/* A check that keeps what it read, something meanwhile, and the move. */
static void
check_then_move(const char *meanwhile)
{
	struct rt_oid old = sh_oid("git rev-parse old^0"), new = sh_oid("git rev-parse new^0");
	struct rt_seen_index *seen = NULL;
	int rc = rt_worktree_check(gitdir, &old, &new, NULL, &seen, &why, &err);

	cr_assert_eq(rc, 1, "%s %s", why.data, err.text);
	sh("%s", meanwhile);
	rc = rt_worktree_move(gitdir, &old, &new, &seen, rt_clock_ms(), &why, &err);
	cr_expect_eq(rc, 1, "%s %s", why.data, err.text);
	rt_index_seen_free(&seen);
	sh("git update-ref refs/heads/main new");
	cr_expect_eq(sh_status("test -z \"$(ls .git | grep ratchet)\""), 0, "temporary files are left");
}

Test(worktree, a_move_takes_the_index_that_its_check_read)
{
	two_commits("echo 1 >f; echo 1 >kept", "echo 2 >f; echo 2 >g; git rm -q --cached kept; rm kept");
	check_then_move("true");
	expect_status("");
	cr_expect_eq(sh_status("test $(cat f) = 2 && test $(cat g) = 2 && ! test -e kept"), 0);
}

Test(worktree, an_index_that_was_replaced_after_the_check_is_read_again)
{
	two_commits("echo 1 >f", "echo 2 >f");
	check_then_move("echo mine >mine && git add mine");
	expect_status("A  mine");
}

Test(worktree, an_index_that_was_written_in_place_after_the_check_is_read_again)
{
	two_commits("echo 1 >f", "echo 2 >f");
	check_then_move("echo mine >mine && cp .git/index ../before && git add mine && cp .git/index ../after && "
			"cp ../before .git/index && sleep 0.02 && cat ../after >.git/index");
	expect_status("A  mine");
}

Test(worktree, a_link_to_the_index_that_a_killed_check_left_is_swept)
{
	pid_t pid;

	two_commits("echo 1 >f", "echo 2 >f");
	pid = fork();
	if (pid == 0) {
		char name[RT_TEMP_NAME], path[256];

		rt_temp_name(name, "ratchet-seen-");
		(void)snprintf(path, sizeof(path), "%s/%s", gitdir, name);
		_exit(link("repo/.git/index", path) < 0);
	}
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	cr_expect_eq(sh_status("ls .git | grep -q ratchet-seen"), 0);
	cr_expect_eq(rt_worktree_drop_lock(gitdir, &err), 0, "%s", err.text);
	cr_expect_eq(sh_status("ls .git | grep -q ratchet-seen"), 1);
}

Test(worktree, a_work_tree_named_by_core_worktree_moves)
{
	two_commits("echo 1 >f", "echo 2 >f; echo 2 >g");
	sh("mkdir ../elsewhere && git config core.worktree ../../elsewhere && git -C .. --git-dir=repo/.git checkout "
	   "-q -f old^0");
	cr_assert_eq(move(), 1, "%s %s", why.data, err.text);
	cr_expect_eq(sh_status("test $(cat ../elsewhere/f) = 2 && test $(cat ../elsewhere/g) = 2 && test $(cat f) = 1"),
		     0);
}

Test(worktree, objects_of_a_quarantine_serve_the_check)
{
	struct rt_oid old, new;
	rt_auto(free) char *objects = rt_format("%s/other/.git/objects", box_root);

	two_commits("echo 1 >f", "echo 1 >f");
	sh("git clone -q . ../other && cd ../other && echo 2 >f && git commit -q -a -m far");
	old = sh_oid("git rev-parse HEAD");
	new = sh_oid("git -C ../other rev-parse HEAD");
	cr_expect_eq(rt_worktree_check(gitdir, &old, &new, objects, NULL, &why, &err), 1, "%s %s", why.data, err.text);
	cr_expect_eq(rt_worktree_check(gitdir, &old, &new, NULL, NULL, &why, &err), -1);
}

/* ---- what is in the way ---- */

Test(worktree, an_edited_file_is_refused_with_the_mend)
{
	two_commits("echo 1 >f; echo 1 >g", "echo 2 >f; echo 2 >g");
	sh("echo mine >f");
	expect_refused("f has changes that are not committed; commit or stash them\n");
	cr_expect_eq(sh_status("test $(cat f) = mine && test $(cat g) = 1"), 0);
}

Test(worktree, an_edit_within_the_instant_of_the_index_is_seen)
{
	two_commits("echo 1 >f", "echo 2 >f");
	/* Same size, and the same times as far as the index knows. */
	sh("git update-index --refresh && echo 3 >f && touch -r .git/index f && git update-index --really-refresh; "
	   "cp -p f ../f; echo 1 >f; touch -r .git/index f; git update-index --refresh; "
	   "touch -r f .git/index; echo 3 >f; touch -r .git/index f");
	expect_refused("f has changes");
}

Test(worktree, a_staged_change_of_a_touched_file_is_refused)
{
	two_commits("echo 1 >f", "echo 2 >f");
	sh("echo mine >f && git add f && echo 1 >f");
	expect_refused("f has staged changes");
}

Test(worktree, a_removal_staged_by_the_user_is_refused)
{
	two_commits("echo 1 >f", "echo 2 >f");
	sh("git rm -q --cached f");
	expect_refused("f is removed from the index");
}

Test(worktree, an_untracked_file_in_the_way_is_refused)
{
	two_commits("echo 1 >f", "echo 2 >new");
	sh("echo mine >new");
	expect_refused("new is not tracked");
}

Test(worktree, an_ignored_file_in_the_way_is_refused_although_git_overwrites_it)
{
	two_commits("echo new >.gitignore", "echo 2 >new && git add -f new");
	sh("echo mine >new");
	expect_refused("new is not tracked");
}

Test(worktree, an_untracked_file_that_is_as_the_new_tree_has_it_is_taken_over)
{
	two_commits("echo 1 >f", "echo 2 >new");
	sh("echo 2 >new");
	land();
	expect_status("");
}

Test(worktree, an_untracked_file_in_a_folder_that_becomes_a_file_is_refused)
{
	two_commits("mkdir d && echo 1 >d/x", "git rm -rq d && echo 2 >d");
	sh("mkdir d/sub && echo mine >d/sub/u");
	expect_refused("d/sub/u is not tracked");
	sh("rm d/sub/u");
	land();
	expect_status("");
}

Test(worktree, an_untracked_file_where_a_new_folder_goes_is_refused)
{
	two_commits("echo 1 >f", "mkdir d && echo 2 >d/x");
	sh("echo mine >d");
	expect_refused("d is not tracked");
}

Test(worktree, a_staged_file_where_a_new_folder_goes_is_refused)
{
	two_commits("echo 1 >f", "mkdir d && echo 2 >d/x");
	sh("echo mine >d && git add d");
	expect_refused("d has staged changes");
}

Test(worktree, staged_files_below_what_becomes_a_file_are_refused)
{
	two_commits("mkdir d && echo 1 >d/x", "git rm -rq d && echo 2 >d");
	sh("echo mine >d/mine && git add d/mine");
	expect_refused("d/mine has staged changes");
}

Test(worktree, a_folder_swapped_for_a_link_never_leads_outside)
{
	two_commits("mkdir d && echo 1 >d/x && echo 1 >d/y", "echo 2 >d/x && git rm -q d/y && echo 2 >d/z");
	sh("mkdir ../outside && mv d/* ../outside/ && rmdir d && ln -s ../outside d");
	cr_expect_eq(check(), 0);
	cr_expect_eq(move(), 0);
	cr_expect_not_null(strstr(why.data, "d has changes"), "%s", why.data);
	cr_expect_eq(
	    sh_status("test $(cat ../outside/x) = 1 && test $(cat ../outside/y) = 1 && test ! -e ../outside/z"), 0);
}

Test(worktree, conflicts_in_the_index_are_refused)
{
	two_commits("echo 1 >f; echo 1 >other", "echo 2 >f");
	sh("printf '100644 %%s 1\\tother\\n100644 %%s 2\\tother\\n' $(git rev-parse :f :f) | "
	   "(git rm -q --cached other; git update-index --index-info)");
	expect_refused("has conflicts in its index");
}

Test(worktree, a_merge_rebase_or_bisect_under_way_is_refused)
{
	static const char *const files[] = {"MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "BISECT_LOG"};

	two_commits("echo 1 >f", "echo 2 >f");
	for (size_t i = 0; i < RT_COUNT(files); i++) {
		sh("git commit-tree -m other HEAD^{tree} >.git/%s", files[i]);
		cr_expect_eq(check(), 0, "%s", files[i]);
		cr_expect_not_null(strstr(why.data, "is under way; finish or abort it"), "%s", why.data);
		sh("rm .git/%s", files[i]);
	}
	sh("mkdir .git/rebase-merge");
	cr_expect_eq(check(), 0);
	cr_expect_eq(move(), 0);
	sh("rmdir .git/rebase-merge");
	cr_expect_eq(check(), 1);
}

Test(worktree, a_merge_of_what_the_branch_holds_is_over)
{
	two_commits("echo 1 >f", "echo 2 >f");
	sh("git rev-parse HEAD >.git/MERGE_HEAD");
	cr_expect_eq(check(), 1, "git removes MERGE_HEAD only after post-merge: %s", why.data);
	sh("git commit-tree -m other HEAD^{tree} >>.git/MERGE_HEAD");
	cr_expect_eq(check(), 0, "one of an octopus is not held");
	sh(": >.git/MERGE_HEAD");
	cr_expect_eq(check(), 0, "an empty one says nothing");
}

Test(worktree, a_split_index_is_refused_with_the_mend)
{
	two_commits("echo 1 >f", "echo 2 >f");
	sh("git update-index --split-index");
	cr_expect_eq(check(), 0, "%s", err.text);
	cr_expect_not_null(strstr(why.data, "--no-split-index"), "%s", why.data);
	cr_expect_eq(move(), 0);
	sh("git update-index --no-split-index");
	cr_expect_eq(check(), 1);
}

Test(worktree, a_sparse_index_and_a_sparse_checkout_are_refused_with_the_mend)
{
	two_commits("mkdir a b && echo 1 >a/f && echo 1 >b/f", "echo 2 >b/f && mkdir c && echo 2 >c/f && echo 2 >a/f");
	sh("git sparse-checkout set --cone --sparse-index a");
	cr_expect_eq(check(), 0, "%s", err.text);
	cr_expect_not_null(strstr(why.data, "--no-sparse-index"), "%s", why.data);
	sh("git sparse-checkout reapply --no-sparse-index");
	expect_refused("b/f lies outside the sparse checkout");
	cr_expect_not_null(strstr(why.data, "c/f lies outside"), "%s", why.data);
	sh("git sparse-checkout disable");
	cr_expect_eq(check(), 1, "%s", why.data);
}

Test(worktree, a_configured_filter_program_is_refused_and_never_run)
{
	two_commits("echo '*.bin filter=prog' >.gitattributes; echo 1 >x.bin", "echo 2 >x.bin");
	cr_expect_eq(check(), 1, "a driver that nobody configured does nothing: %s", why.data);
	sh("git config filter.prog.smudge 'touch ran; cat' && git config filter.prog.clean 'touch ran; cat'");
	cr_expect_eq(check(), 0);
	cr_expect_not_null(strstr(why.data, "x.bin: the filter program prog is never run"), "%s", why.data);
	cr_expect_eq(move(), 0);
	cr_expect_eq(sh_status("test ! -e ran && test $(cat x.bin) = 1"), 0);
}

Test(worktree, a_filter_that_the_new_tree_asks_for_through_a_macro_is_refused)
{
	two_commits("echo 1 >x.bin", "printf '[attr]big filter=prog\\n*.bin big\\n' >.gitattributes; echo 2 >x.bin");
	sh("git config filter.prog.process run-me");
	cr_expect_eq(check(), 0);
	cr_expect_not_null(strstr(why.data, "filter program prog"), "%s", why.data);
}

Test(worktree, working_tree_encoding_is_refused)
{
	two_commits("echo 1 >f", "echo '*.txt working-tree-encoding=UTF-16' >.gitattributes; git add .gitattributes; "
				 "printf 'a\\0' >n.txt; printf '\\377\\376a\\0' >n.txt");
	cr_expect_eq(check(), 0);
	cr_expect_not_null(strstr(why.data, "working-tree-encoding"), "%s", why.data);
}

Test(worktree, a_path_that_git_does_not_check_out_is_refused_before_anything_is_written)
{
	struct rt_oid old, new;

	two_commits("echo 1 >f", "echo 2 >f");
	old = sh_oid("git rev-parse old^{tree}");
	new = sh_oid("printf '100644 blob %%s\\tgit~1\\n' $(git rev-parse old:f) | git mktree");
	cr_expect_eq(rt_worktree_move(gitdir, &old, &new, NULL, 0, &why, &err), 0, "%s", err.text);
	cr_expect_not_null(strstr(why.data, "git~1 has a name or mode"), "%s", why.data);
}

/* ---- line ends and ident, as git writes them ---- */

/* Moves, and compares with what git itself writes in a second work tree. */
static void
expect_as_git_writes(const char *files)
{
	land();
	expect_status("");
	sh("rm -rf ../ref && cp -r . ../ref && cd ../ref && rm -f %s && git checkout -q -f new", files);
	cr_expect_eq(sh_status("for f in %s; do cmp $f ../ref/$f || exit 1; done", files), 0);
}

Test(worktree, line_ends_follow_the_attributes_of_the_new_tree)
{
	two_commits(
	    "printf 'a\\nb\\n' >f.txt; printf 'a\\nb\\n' >g.txt; printf 'x\\0y\\n' >bin",
	    "echo '*.txt text eol=crlf' >.gitattributes; printf 'a\\nc\\n' >f.txt; mkdir d; printf 'd\\n' >d/n.txt; "
	    "printf 'x\\0z\\n' >bin; echo '* -text' >d/.gitattributes");
	expect_as_git_writes("f.txt bin d/n.txt");
	cr_expect_eq(sh_status("grep -q $'a\\r' f.txt || printf 'a\\r\\nc\\r\\n' | cmp - f.txt"), 0);
	cr_expect_eq(sh_status("printf 'd\\n' | cmp - d/n.txt"), 0);
}

Test(worktree, line_ends_follow_autocrlf_of_the_user)
{
	two_commits("printf 'a\\nb\\n' >f; printf 'a\\0\\n' >bin; printf 'x\\r\\ny\\n' >mixed",
		    "printf 'a\\nc\\n' >f; printf 'b\\0\\n' >bin; printf 'n\\n' >new; printf 'x\\r\\nz\\n' >mixed");
	sh("git config core.autocrlf true && rm f bin mixed && git checkout -q -f old");
	sh("git checkout -q -f main");
	expect_as_git_writes("f bin new mixed");
	cr_expect_eq(sh_status("printf 'a\\r\\nc\\r\\n' | cmp - f"), 0);
}

Test(worktree, ident_is_expanded)
{
	two_commits("echo 'f ident' >.gitattributes; echo '$Id$ 1' >f", "echo '$Id$ 2' >f");
	sh("rm f && git checkout -q f");
	expect_as_git_writes("f");
	cr_expect_eq(sh_status("grep -q '[$]Id: [0-9a-f]* [$] 2' f"), 0);
}

Test(worktree, a_converted_file_that_was_touched_is_still_clean)
{
	two_commits("echo '* text eol=crlf' >.gitattributes; printf 'a\\r\\n' >f", "printf 'b\\r\\n' >f");
	sh("rm f && git checkout -q f && touch -d '1 hour ago' f");
	land();
	expect_status("");
	cr_expect_eq(sh_status("printf 'b\\r\\n' | cmp - f"), 0);
}

Test(worktree, a_file_with_crlf_in_the_repository_counts_as_clean_where_git_says_so)
{
	two_commits("printf 'a\\r\\n' >f", "printf 'b\\r\\n' >f; echo 1 >g");
	sh("echo '* text=auto' >.git/info/attributes && touch -d '1 hour ago' f");
	cr_expect_eq(check(), 1, "%s", why.data);
}

/* ---- the lock ---- */

Test(worktree, a_held_index_lock_is_waited_for_and_then_named)
{
	two_commits("echo 1 >f", "echo 2 >f");
	sh("touch .git/index.lock");
	cr_expect_eq(move(), -1);
	cr_expect_eq(err.code, RT_ECONFLICT);
	cr_expect_not_null(strstr(err.text, "index.lock is held for"), "%s", err.text);
	cr_expect_eq(sh_status("test -e .git/index.lock && test $(cat f) = 1 && ! ls -A .git | grep -q ratchet"), 0);
	sh("(sleep 0.2; rm .git/index.lock) >/dev/null 2>&1 &");
	struct rt_oid old = sh_oid("git rev-parse old^0"), new = sh_oid("git rev-parse new^0");
	cr_expect_eq(rt_worktree_move(gitdir, &old, &new, NULL, rt_clock_ms() + 5000, &why, &err), 1, "%s", err.text);
}

Test(worktree, somebody_elses_lock_is_not_removed)
{
	two_commits("echo 1 >f", "echo 2 >f");
	cr_expect_eq(rt_worktree_drop_lock(gitdir, &err), 0);
	sh("touch .git/index.lock");
	cr_expect_eq(rt_worktree_drop_lock(gitdir, &err), 0);
	sh("cp .git/index .git/index.lock");
	cr_expect_eq(rt_worktree_drop_lock(gitdir, &err), 0);
	sh("ln -sf ../f .git/index.lock");
	cr_expect_eq(rt_worktree_drop_lock(gitdir, &err), 0);
	cr_expect_eq(sh_status("test -L .git/index.lock"), 0);
}

/* ---- the index file ---- */

Test(worktree, an_index_of_version_4_keeps_its_version)
{
	two_commits("echo 1 >f", "echo 2 >f");
	sh("git update-index --index-version 4");
	land();
	expect_status("");
	cr_expect_eq(sh_status("test $(od -An -tu1 -j7 -N1 .git/index) = 4"), 0);
}

Test(worktree, entries_that_were_doubtful_do_not_become_trusted)
{
	two_commits("echo 1 >f; echo 1 >g", "echo 2 >f");
	/* g changes in the very instant of the index, keeping its size: only a look at the content finds out. */
	sh("git update-index --refresh; echo 3 >g; touch -r .git/index g; stat -c %%Y.%%y g >../t");
	sh("git update-index --really-refresh -q; git ls-files -s g >/dev/null; true");
	land();
	cr_expect_eq(sh_status("git status --porcelain | grep -q ' M g'"), 0);
}

/* ---- which work trees ---- */

static char *
worktrees_on(const char *ref)
{
	struct rt_strs found = {0};
	struct rt_buf out = RT_BUF_INIT;

	must(rt_worktrees_on(box_repo, ref, &found, &err) == 0);
	for (size_t i = 0; i < found.n; i++)
		rt_buf_addf(&out, "%s;", found.at[i] + strlen(box_root));
	rt_strs_release(&found);
	return rt_buf_steal(&out);
}

Test(worktree, main_and_linked_work_trees_of_a_branch_are_found)
{
	rt_auto(free) char *main = NULL;
	rt_auto(free) char *side = NULL;
	rt_auto(free) char *none = NULL;

	sh("git commit -q --allow-empty -m one && git worktree add -q -b side ../side && git worktree add -q -f ../two "
	   "side");
	sh("git worktree add -q --detach ../det && git worktree add -q -f ../lost side && rm -rf ../lost");
	main = worktrees_on("refs/heads/main");
	cr_expect_str_eq(main, "/repo/.git;");
	side = worktrees_on("refs/heads/side");
	cr_expect_str_eq(side, "/repo/.git/worktrees/side;/repo/.git/worktrees/two;");
	none = worktrees_on("refs/heads/none");
	cr_expect_str_eq(none, "");
}

Test(worktree, a_bare_repository_has_only_linked_work_trees)
{
	struct rt_strs found = {0};
	struct rt_repo *bare = NULL;

	sh("git commit -q --allow-empty -m one && git clone -q --bare . ../bare.git && git -C ../bare.git worktree add "
	   "-q -f ../w main");
	must(rt_repo_open(&bare, "bare.git", &err) == 0);
	must(rt_worktrees_on(bare, "refs/heads/main", &found, &err) == 0);
	cr_assert_eq(found.n, 1);
	cr_expect(rt_ends_with(found.at[0], "/bare.git/worktrees/w"));
	rt_strs_release(&found);
	rt_repo_free(bare);
}

Test(worktree, a_work_tree_in_the_middle_of_a_rebase_of_the_branch_counts)
{
	rt_auto(free) char *found = NULL;

	sh("echo 1 >f && git add f && git commit -q -m one && git checkout -q -b side && echo 2 >f && git commit -q -a "
	   "-m two");
	sh("git checkout -q main && echo 3 >f && git commit -q -a -m three && git checkout -q side");
	cr_expect_neq(sh_status("git rebase main >/dev/null 2>&1"), 0);
	found = worktrees_on("refs/heads/side");
	cr_expect_str_eq(found, "/repo/.git;");
}

/* ---- taking back ---- */

Test(worktree, restoring_takes_back_what_a_killed_move_wrote_and_leaves_the_users_changes)
{
	struct rt_oid old, new;

	two_commits("echo 1 >f; echo 1 >g; echo 1 >gone; mkdir d; echo 1 >d/x; echo 1 >mine",
		    "echo 2 >f; echo 2 >g; git rm -q gone; git rm -rq d; echo 2 >d; echo 2 >add; echo 2 >mine");
	/* Half of it, and an edit of the user. */
	sh("echo 2 >f; rm gone; rm -r d; echo 2 >d; echo 2 >add; echo user >mine");
	old = sh_oid("git rev-parse old^0");
	new = sh_oid("git rev-parse new^0");
	cr_expect_eq(move(), 0);
	rt_buf_cut(&why, 0);
	cr_expect_eq(rt_worktree_restore(gitdir, &old, &new, 0, &why, &err), 1, "%s %s", why.data, err.text);
	cr_expect_not_null(strstr(why.data, "mine"), "%s", why.data);
	expect_status(" M mine");
	cr_expect_eq(sh_status("test $(cat mine) = user && test $(cat d/x) = 1 && test -e gone"), 0);
}

Test(worktree, restoring_after_the_index_was_written_takes_that_back_too)
{
	struct rt_oid old, new;

	two_commits("echo 1 >f; echo 1 >gone", "echo 2 >f; git rm -q gone; echo 2 >add");
	cr_assert_eq(move(), 1);
	old = sh_oid("git rev-parse old^0");
	new = sh_oid("git rev-parse new^0");
	cr_expect_eq(rt_worktree_restore(gitdir, &old, &new, 0, &why, &err), 1, "%s %s", why.data, err.text);
	expect_status("");
}

/* ---- the tree of an index ---- */

static int
index_tree(const char *file, struct rt_oid *out)
{
	rt_buf_cut(&why, 0);
	return rt_index_tree(box_repo, file, out, &why, &err);
}

Test(worktree, the_tree_of_the_index_is_what_git_would_commit)
{
	struct rt_oid mine, gits;

	sh("mkdir -p a/b && echo 1 >a/b/x && echo 1 >f && chmod +x f && ln -s f l && git add -A && echo 2 >f");
	cr_expect_eq(index_tree(NULL, &mine), 1, "%s", err.text);
	gits = sh_oid("git write-tree");
	cr_expect_str_eq(mine.hex, gits.hex);
}

Test(worktree, intents_to_add_are_left_out_and_the_index_file_is_not_written)
{
	struct rt_oid mine, gits;

	sh("mkdir d && echo 1 >f && git add f && echo 1 >d/new && git add -N d/new && cp -p .git/index ../index");
	cr_expect_eq(index_tree(NULL, &mine), 1, "%s", err.text);
	cr_expect_eq(sh_status("cmp .git/index ../index && test ! .git/index -nt ../index"), 0);
	gits = sh_oid("git write-tree");
	cr_expect_str_eq(mine.hex, gits.hex);
}

Test(worktree, the_index_of_a_partial_commit_is_read_where_it_is)
{
	struct rt_oid mine, gits;

	sh("echo 1 >f && echo 1 >g && git add -A && GIT_INDEX_FILE=../next git update-index --add f");
	cr_expect_eq(index_tree("next", &mine), 1, "%s", err.text);
	gits = sh_oid("GIT_INDEX_FILE=../next git write-tree");
	cr_expect_str_eq(mine.hex, gits.hex);
}

Test(worktree, a_conflict_or_a_split_index_has_no_tree)
{
	struct rt_oid tree;

	sh("echo 1 >f && git add f && git commit -q -m one && git update-index --split-index");
	cr_expect_eq(index_tree(NULL, &tree), 0, "%s", err.text);
	cr_expect_not_null(strstr(why.data, "split"), "%s", why.data);
	sh("git update-index --no-split-index; printf '100644 %%s 2\\tg\\n' $(git rev-parse :f) | git update-index "
	   "--index-info");
	cr_expect_eq(index_tree(NULL, &tree), 0, "%s", err.text);
	cr_expect_not_null(strstr(why.data, "conflict at g"), "%s", why.data);
}
