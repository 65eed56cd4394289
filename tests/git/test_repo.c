#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "box.h"
#include "support/clock.h"

TestSuite(repo, .init = box_setup, .fini = box_teardown);

static struct rt_err err = RT_ERR_INIT;

Test(repo, opens_from_a_folder_inside_the_work_tree)
{
	struct rt_repo *repo = NULL;

	sh("mkdir -p a/b");
	must(rt_repo_open(&repo, "repo/a/b", &err) == 0);
	cr_expect_str_eq(rt_repo_workdir(repo), rt_repo_workdir(box_repo));
	cr_expect(rt_ends_with(rt_repo_gitdir(repo), "/repo/.git"));
	cr_expect_str_eq(rt_repo_gitdir(repo), rt_repo_commondir(repo));
	rt_repo_free(repo);
}

Test(repo, opens_a_bare_repository_without_work_tree)
{
	struct rt_repo *repo = NULL;

	sh("git init -q --bare ../bare.git");
	must(rt_repo_open(&repo, "bare.git", &err) == 0);
	cr_expect_null(rt_repo_workdir(repo));
	rt_repo_free(repo);
}

Test(repo, tells_a_linked_worktree_from_the_common_folder)
{
	struct rt_repo *repo = NULL;

	sh("git commit -q --allow-empty -m one && git worktree add -q ../side");
	must(rt_repo_open(&repo, "side", &err) == 0);
	cr_expect(rt_ends_with(rt_repo_gitdir(repo), "/repo/.git/worktrees/side"));
	cr_expect(rt_ends_with(rt_repo_commondir(repo), "/repo/.git"));
	cr_expect(rt_ends_with(rt_repo_workdir(repo), "/side"));
	rt_repo_free(repo);
}

Test(repo, opens_a_linked_worktree_by_its_git_directory)
{
	struct rt_repo *repo = NULL;

	sh("git commit -q --allow-empty -m one && git worktree add -q ../side");
	must(rt_repo_open_gitdir(&repo, "repo/.git/worktrees/side", &err) == 0);
	cr_expect(rt_ends_with(rt_repo_workdir(repo), "/side"));
	rt_repo_free(repo);
}

Test(repo, a_linked_worktree_of_a_bare_repository_has_a_work_tree)
{
	struct rt_repo *repo = NULL;

	sh("git commit -q --allow-empty -m one && git clone -q --bare . ../bare.git && git -C ../bare.git worktree add "
	   "-q ../side");
	must(rt_repo_open(&repo, "side", &err) == 0);
	cr_expect(rt_ends_with(rt_repo_workdir(repo), "/side"));
	rt_repo_free(repo);
}

Test(repo, opening_a_git_directory_does_not_search_above_it)
{
	struct rt_repo *repo = NULL;

	sh("mkdir inside");
	cr_expect_eq(rt_repo_open_gitdir(&repo, "repo/inside", &err), -1);
	cr_expect_eq(err.code, RT_ECONFIG);
}

Test(repo, a_folder_outside_is_refused_with_the_mend)
{
	struct rt_repo *repo = NULL;

	cr_expect_eq(rt_repo_open(&repo, "home", &err), -1);
	cr_expect_eq(err.code, RT_ECONFIG);
	cr_expect_not_null(strstr(err.text, "git init"));
}

Test(repo, sha256_objects_are_refused_by_name)
{
	struct rt_repo *repo = NULL;

	sh("git init -q --object-format=sha256 ../wide");
	cr_expect_eq(rt_repo_open(&repo, "wide", &err), -1);
	cr_expect_eq(err.code, RT_ECONFIG);
	cr_expect_not_null(strstr(err.text, "SHA-1"), "%s", err.text);
}

Test(repo, reftable_is_refused_with_the_mend)
{
	struct rt_repo *repo = NULL;

	sh("git config core.repositoryformatversion 1 && git config extensions.refstorage reftable");
	cr_expect_eq(rt_repo_open(&repo, "repo", &err), -1);
	cr_expect_eq(err.code, RT_ECONFIG);
	cr_expect_not_null(strstr(err.text, "git refs migrate"), "%s", err.text);
}

Test(repo, another_owner_is_refused_naming_safe_directory)
{
	struct rt_repo *repo = NULL;

	if (geteuid() != 0)
		cr_skip_test("needs root to make a foreign repository");
	sh("git init -q ../foreign && chown -R 65534 ../foreign");
	cr_expect_eq(rt_repo_open(&repo, "foreign", &err), -1);
	cr_expect_eq(err.code, RT_ECONFIG);
	cr_expect_not_null(strstr(err.text, "safe.directory"), "%s", err.text);
}

Test(repo, another_owner_is_told_the_path_that_git_wants)
{
	struct rt_repo *repo = NULL;

	if (geteuid() != 0)
		cr_skip_test("needs root to make a foreign repository");
	sh("git init -q ../foreign && mkdir ../foreign/below && chown -R 65534 ../foreign");
	rt_auto(free) char *top = realpath("foreign", NULL);
	rt_auto(free) char *want = rt_format("--add safe.directory %s`", top);
	cr_expect_eq(rt_repo_open(&repo, "foreign/below", &err), -1);
	cr_expect_not_null(strstr(err.text, want), "%s", err.text);
}

Test(repo, another_owner_is_trusted_where_safe_directory_says_so)
{
	struct rt_repo *repo = NULL;

	if (geteuid() != 0)
		cr_skip_test("needs root to make a foreign repository");
	sh("git init -q ../foreign && chown -R 65534 ../foreign && git config --global safe.directory '*'");
	must(rt_repo_open(&repo, "foreign", &err) == 0);
	rt_repo_free(repo);
}

Test(repo, git_of_the_environment_is_ignored)
{
	struct rt_repo *repo = NULL;

	setenv("GIT_DIR", "/nowhere", 1);
	must(rt_repo_open(&repo, "repo", &err) == 0);
	cr_expect(rt_ends_with(rt_repo_gitdir(repo), "/repo/.git"));
	rt_repo_free(repo);
}

Test(repo, a_depth_1_clone_is_shallow)
{
	struct rt_repo *repo = NULL;

	sh("git commit -q --allow-empty -m one && git commit -q --allow-empty -m two");
	sh("git clone -q --depth=1 file://$PWD ../thin");
	cr_expect_not(rt_repo_is_shallow(box_repo));
	must(rt_repo_open(&repo, "thin", &err) == 0);
	cr_expect(rt_repo_is_shallow(repo));
	rt_repo_free(repo);
}

Test(repo, a_repository_with_sparse_checkout_configuration_opens_and_its_own_file_is_read)
{
	struct rt_buf value = RT_BUF_INIT;

	sh("echo x >f && git add f && git commit -q -m one && git sparse-checkout set dir");
	box_reopen();
	cr_expect_eq(rt_repo_config(box_repo, "core.sparseCheckout", &value, &err), 1);
	cr_expect_str_eq(value.data, "true");
	rt_buf_release(&value);
}

Test(repo, a_partial_clone_opens_and_says_how_to_get_a_missing_object)
{
	struct rt_repo *repo = NULL;
	struct rt_buf blob = RT_BUF_INIT;
	struct rt_oid id;

	sh("echo x >f && git add f && git commit -q -m one && git config uploadpack.allowFilter true");
	id = sh_oid("git rev-parse HEAD:f");
	sh("git clone -q --bare --filter=blob:none file://$PWD ../part.git");
	must(rt_repo_open(&repo, "part.git", &err) == 0);
	cr_expect_eq(rt_blob_read(repo, &id, 100, &blob, &err), -1);
	cr_expect_not_null(strstr(err.text, "--refetch"), "%s", err.text);
	rt_repo_free(repo);
}

/* ---- configuration ---- */

Test(repo, configuration_reads_the_users_and_the_repositorys_levels)
{
	struct rt_buf value = RT_BUF_INIT;

	cr_expect_eq(rt_repo_config(box_repo, "ratchet.key", &value, &err), 0);
	sh("git config --global ratchet.key far && git config --global user.other 1");
	cr_expect_eq(rt_repo_config(box_repo, "ratchet.key", &value, &err), 1);
	cr_expect_str_eq(value.data, "far");
	rt_buf_cut(&value, 0);
	sh("git config ratchet.key near");
	cr_expect_eq(rt_repo_config(box_repo, "ratchet.key", &value, &err), 1);
	cr_expect_str_eq(value.data, "near");
	rt_buf_release(&value);
}

Test(repo, configuration_lists_every_value_in_order)
{
	struct rt_strs values = {0};

	sh("git config --add ratchet.trustedWriter b && git config --add ratchet.trustedWriter a");
	cr_expect_eq(rt_repo_config_all(box_repo, "ratchet.trustedwriter", &values, &err), 1);
	cr_assert_eq(values.n, 2);
	cr_expect_str_eq(values.at[0], "b");
	cr_expect_str_eq(values.at[1], "a");
	rt_strs_release(&values);
}

Test(repo, configuration_sets_replaces_and_removes_a_key)
{
	rt_auto(free) char *first = NULL;
	rt_auto(free) char *second = NULL;

	must(rt_repo_config_set(box_repo, "ratchet.key", "one", &err) == 0);
	first = sh_out("git config ratchet.key");
	cr_expect_str_eq(first, "one");
	sh("git config --add ratchet.key two");
	must(rt_repo_config_set(box_repo, "ratchet.key", "three", &err) == 0);
	second = sh_out("git config --get-all ratchet.key | sort -u");
	cr_expect_str_eq(second, "three");
	must(rt_repo_config_set(box_repo, "ratchet.key", NULL, &err) == 0);
	cr_expect_eq(sh_status("git config ratchet.key"), 1);
	must(rt_repo_config_set(box_repo, "ratchet.key", NULL, &err) == 0);
}

/* As a process that is killed between locking the file and putting the new one in its place. */
Test(repo, a_setting_of_the_configuration_that_was_killed_leaves_no_lock)
{
	rt_auto(strs) struct rt_strs removed = {0};
	rt_auto(free) char *before = sh_out("cat .git/config");
	rt_auto(free) char *after = NULL;

	sh("mkdir -p .git/ratchet && cp .git/config .git/ratchet/config.new && "
	   "ln .git/ratchet/config.new .git/config.lock && touch .git/ratchet/config.new.lock");
	must(rt_repo_config_settle(box_repo, &removed, rt_clock_ms() + 1000, &err) == 0);
	cr_expect_eq(removed.n, 1);
	cr_expect_eq(sh_status("ls .git/config.lock .git/ratchet/config.new*"), 2);
	after = sh_out("cat .git/config");
	cr_expect_str_eq(before, after);
	sh("cp .git/config .git/ratchet/config.new && ln .git/ratchet/config.new .git/config.lock");
	must(rt_repo_config_set(box_repo, "ratchet.key", "one", &err) == 0);
	cr_expect_eq(sh_status("test \"$(git config ratchet.key)\" = one"), 0);
	cr_expect_eq(sh_status("ls .git/config.lock .git/ratchet/config.new"), 2);
}

Test(repo, a_lock_on_the_configuration_that_is_another_programs_is_waited_for_and_left)
{
	rt_auto(strs) struct rt_strs removed = {0};

	sh("mkdir -p .git/ratchet && touch .git/config.lock .git/ratchet/config.new");
	must(rt_repo_config_settle(box_repo, &removed, rt_clock_ms() + 1000, &err) == 0);
	cr_expect_eq(removed.n, 0);
	cr_expect_eq(rt_repo_config_set(box_repo, "ratchet.key", "one", &err), -1);
	cr_expect_eq(err.code, RT_ECONFLICT);
	cr_expect(strstr(err.text, "config.lock is held") != NULL, "%s", err.text);
	cr_expect_eq(sh_status("test -e .git/config.lock && ! test -e .git/ratchet/config.new"), 0);
}

Test(repo, setting_a_key_keeps_the_mode_of_the_file_and_follows_a_link)
{
	sh("mv .git/config elsewhere && chmod 640 elsewhere && ln -s ../elsewhere .git/config");
	must(rt_repo_config_set(box_repo, "ratchet.key", "one", &err) == 0);
	cr_expect_eq(sh_status("test -L .git/config && test \"$(stat -c %%a elsewhere)\" = 640"), 0);
	cr_expect_eq(sh_status("test \"$(git config ratchet.key)\" = one"), 0);
}

Test(repo, configuration_reads_booleans_as_git_does)
{
	sh("git config ratchet.yes on && git config ratchet.no 0 && printf '[ratchet]\\n\\tbare\\n' >>.git/config");
	cr_expect(rt_repo_config_bool(box_repo, "ratchet.yes", false));
	cr_expect_not(rt_repo_config_bool(box_repo, "ratchet.no", true));
	cr_expect(rt_repo_config_bool(box_repo, "ratchet.bare", false));
	cr_expect(rt_repo_config_bool(box_repo, "ratchet.unset", true));
}

/* ---- objects ---- */

Test(repo, a_commit_is_read_as_it_was_written)
{
	struct rt_commit commit = {0};
	struct rt_oid head, parent;

	sh("git commit -q --allow-empty -m one && git commit -q --allow-empty -m 'two' -m 'body'");
	head = sh_oid("git rev-parse HEAD");
	parent = sh_oid("git rev-parse HEAD^");
	must(rt_commit_read(box_repo, &head, &commit, &err) == 0);
	cr_expect_str_eq(commit.id.hex, head.hex);
	cr_expect_eq(commit.n_parents, 1);
	cr_expect_str_eq(commit.parents[0].hex, parent.hex);
	cr_expect_str_eq(commit.author, "Ann Author <ann@example.org> 1700000000 +0100");
	cr_expect_str_eq(commit.committer, "Cem Committer <cem@example.org> 1700000000 +0100");
	cr_expect_str_eq(commit.message, "two\n\nbody\n");
	cr_expect_null(commit.encoding);
	cr_expect_null(commit.signature);
	rt_commit_release(&commit);
}

Test(repo, writing_what_was_read_gives_the_same_id)
{
	struct rt_commit commit = {0};
	struct rt_oid head;

	sh("git commit -q --allow-empty -m one && git checkout -q -b side && git commit -q --allow-empty -m two");
	sh("git checkout -q main && git commit -q --allow-empty -m three && git merge -q --no-ff -m four side");
	sh("git -c i18n.commitEncoding=ISO-8859-1 commit -q --allow-empty -m 'f\xfcnf'");
	for (int back = 0; back < 3; back++) {
		head = sh_oid("git rev-parse HEAD~%d", back);
		must(rt_commit_read(box_repo, &head, &commit, &err) == 0);
		must(rt_commit_write(box_repo, &commit, &err) == 0);
		cr_expect_str_eq(commit.id.hex, head.hex);
		rt_commit_release(&commit);
	}
}

Test(repo, a_commit_of_an_unsound_identity_or_absent_tree_is_not_written)
{
	struct rt_commit commit = {0};
	struct rt_oid head;

	sh("git commit -q --allow-empty -m one");
	head = sh_oid("git rev-parse HEAD");
	must(rt_commit_read(box_repo, &head, &commit, &err) == 0);
	free(commit.author);
	commit.author = rt_strdup("A <a@b> 1 +0000\nparent x");
	cr_expect_eq(rt_commit_write(box_repo, &commit, &err), -1);
	free(commit.author);
	commit.author = rt_strdup("A <a@b> 1 +0000");
	memset(commit.tree.hex, '1', RT_OID_HEX);
	cr_expect_eq(rt_commit_write(box_repo, &commit, &err), -1);
	rt_commit_release(&commit);
}

Test(repo, a_blob_over_the_limit_is_not_read)
{
	struct rt_oid id;
	struct rt_buf bytes = RT_BUF_INIT;
	uint64_t size = 0;

	must(rt_blob_write(box_repo, "a\0b", 3, &id, &err) == 0);
	must(rt_blob_size(box_repo, &id, &size, &err) == 0);
	cr_expect_eq(size, 3);
	cr_expect_eq(rt_blob_read(box_repo, &id, 2, &bytes, &err), -1);
	must(rt_blob_read(box_repo, &id, 3, &bytes, &err) == 0);
	cr_expect_eq(memcmp(bytes.data, "a\0b", 3), 0);
	rt_buf_release(&bytes);
}

Test(repo, an_object_of_another_kind_is_an_error_that_names_it)
{
	struct rt_commit commit = {0};
	struct rt_oid id, absent = {"1234567890123456789012345678901234567890"};

	must(rt_blob_write(box_repo, "a", 1, &id, &err) == 0);
	cr_expect(rt_object_exists(box_repo, &id));
	cr_expect_not(rt_object_exists(box_repo, &absent));
	cr_expect_eq(rt_commit_read(box_repo, &id, &commit, &err), -1);
	cr_expect_not_null(strstr(err.text, id.hex));
	cr_expect_eq(rt_commit_read(box_repo, &absent, &commit, &err), -1);
	cr_expect_not_null(strstr(err.text, absent.hex));
}

Test(repo, the_identity_comes_from_the_configuration_with_the_present_time)
{
	struct rt_buf ident = RT_BUF_INIT;

	box_forget_person();
	must(rt_ident(box_repo, &ident, &err) == 0);
	cr_expect_str_eq(ident.data, "Una User <una@example.org> 1700000000 +0000");
	rt_buf_release(&ident);
}

Test(repo, the_identity_of_the_environment_comes_before_the_configuration)
{
	struct rt_buf committer = RT_BUF_INIT, author = RT_BUF_INIT;

	box_forget_person();
	setenv("GIT_COMMITTER_NAME", "Con <Tai> Ner", 1);
	setenv("GIT_AUTHOR_EMAIL", "agent@example.org", 1);
	must(rt_ident(box_repo, &committer, &err) == 0 && rt_author(box_repo, &author, &err) == 0);
	cr_expect_str_eq(committer.data, "Con Tai Ner <una@example.org> 1700000000 +0000");
	cr_expect_str_eq(author.data, "Una User <agent@example.org> 1700000000 +0000");
	rt_buf_release(&committer);
	rt_buf_release(&author);
}

Test(repo, the_identity_falls_back_to_the_login)
{
	struct rt_buf ident = RT_BUF_INIT;

	box_forget_person();
	sh("git config --global --unset user.name && git config --global --unset user.email");
	must(rt_ident(box_repo, &ident, &err) == 0);
	cr_expect_not_null(strstr(ident.data, "@"), "%s", ident.data);
	cr_expect(ident.data[0] != ' ' && rt_ends_with(ident.data, "> 1700000000 +0000"), "%s", ident.data);
	rt_buf_release(&ident);
}

Test(repo, an_alternate_makes_its_objects_readable)
{
	struct rt_oid id;

	sh("git init -q ../other && echo far >../other/f && git -C ../other add f && git -C ../other commit -q -m one");
	id = sh_oid("git -C ../other rev-parse HEAD:f");
	cr_expect_not(rt_object_exists(box_repo, &id));
	must(rt_repo_add_alternate(box_repo, "other/.git/objects", &err) == 0);
	cr_expect(rt_object_exists(box_repo, &id));
}
