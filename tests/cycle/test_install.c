#include <criterion/criterion.h>
#include <string.h>

#include "../git/box.h"
#include "cycle/install.h"

static struct rt_err err = RT_ERR_INIT;
static struct rt_home home = RT_HOME_INIT;
static struct rt_strs differences;
static char *binary, *dir;

static void
setup(void)
{
	box_setup();
	must(rt_home_open(&home, BOX_REPO, &err) == 0);
	binary = rt_format("%s/it's a binary", box_root);
	sh("printf '#!/bin/sh\\nexit 0\\n' >\"../it's a binary\" && chmod +x \"../it's a binary\"");
	dir = rt_hooks_dir(&home);
}

static void
teardown(void)
{
	rt_strs_release(&differences);
	rt_home_release(&home);
	free(rt_steal(&binary));
	free(rt_steal(&dir));
	box_teardown();
}

TestSuite(install, .init = setup, .fini = teardown);

static void
install(void)
{
	must(rt_hooks_install(&home, binary, &err) == 0);
}

static size_t
compare(void)
{
	rt_strs_release(&differences);
	differences = (struct rt_strs){0};
	must(rt_hooks_compare(&home, binary, &differences, &err) == 0);
	return differences.n;
}

static void
expect_said(const char *part)
{
	cr_assert_gt(differences.n, 0);
	cr_expect_not_null(strstr(differences.at[0], part), "%s", differences.at[0]);
}

Test(install, what_was_just_installed_has_no_difference)
{
	cr_assert_eq(compare(), 1);
	expect_said("not installed");
	install();
	cr_expect_eq(compare(), 0);
	install();
	cr_expect_eq(compare(), 0);
}

Test(install, the_path_is_absolute_and_git_runs_hooks_from_there)
{
	rt_auto(free) char *path = NULL;

	install();
	path = sh_out("git rev-parse --git-path hooks");
	cr_expect_str_eq(path, dir);
	cr_expect_eq(dir[0], '/');
}

Test(install, a_binary_that_is_not_there_or_not_absolute_is_refused)
{
	cr_expect_eq(rt_hooks_install(&home, "ratchet", &err), -1);
	cr_expect_eq(err.code, RT_ECONFIG);
	cr_expect_eq(rt_hooks_install(&home, "/nonexistent/ratchet", &err), -1);
	cr_expect_eq(sh_status("git config core.hooksPath"), 1, "nothing was set");
}

Test(install, shims_are_executable_whatever_the_umask)
{
	mode_t before = umask(077);

	install();
	umask(before);
	cr_expect_eq(sh_status("find '%s' -type f ! -perm 755 | grep .", dir), 1);
}

Test(install, a_missing_shim_is_named)
{
	install();
	sh("rm '%s/pre-push'", dir);
	cr_assert_eq(compare(), 1);
	expect_said("pre-push is missing");
}

Test(install, a_changed_shim_is_named)
{
	install();
	sh("echo >>'%s/commit-msg'", dir);
	cr_assert_eq(compare(), 1);
	expect_said("commit-msg is not what this ratchet would write");
	install();
	cr_expect_eq(compare(), 0);
}

Test(install, a_shim_that_is_not_executable_is_named)
{
	install();
	sh("chmod -x '%s/update'", dir);
	cr_assert_eq(compare(), 1);
	expect_said("update is not executable");
	install();
	cr_expect_eq(compare(), 0);
}

Test(install, another_hook_in_its_place_is_named_and_kept)
{
	install();
	sh("printf '#!/bin/sh\\necho mine\\n' >'%s/pre-commit' && chmod +x '%s/pre-commit'", dir, dir);
	cr_assert_eq(compare(), 1);
	expect_said("replaced by another program's");
	install();
	cr_expect_eq(compare(), 0);
	cr_expect_eq(sh_status("grep -q mine '%s/kept/pre-commit'", dir), 0);
}

Test(install, another_path_of_hooks_is_named)
{
	install();
	sh("git config core.hooksPath .husky");
	box_reopen();
	rt_home_release(&home);
	must(rt_home_open(&home, BOX_REPO, &err) == 0);
	cr_assert_eq(compare(), 1);
	expect_said("core.hooksPath is .husky");
	install();
	cr_expect_eq(compare(), 0);
	must(rt_hooks_undo(&home, &err) == 0);
	rt_auto(free) char *path = sh_out("git config core.hooksPath");
	cr_expect_str_eq(path, ".husky");
}

Test(install, a_binary_that_went_away_is_named)
{
	install();
	sh("rm \"../it's a binary\"");
	cr_assert_eq(compare(), 1);
	expect_said("is not there");
}

Test(install, a_hook_that_replaces_what_git_does_is_linked_to_as_long_as_it_is_there)
{
	sh("printf '#!/bin/sh\\n' >.git/hooks/push-to-checkout && chmod +x .git/hooks/push-to-checkout");
	install();
	cr_expect_eq(sh_status("test -L '%s/push-to-checkout'", dir), 0);
	cr_expect_eq(sh_status("test -e '%s/proc-receive' -o -L '%s/proc-receive'", dir, dir), 1);
	cr_expect_eq(compare(), 0);
	sh("rm '%s/push-to-checkout'", dir);
	cr_assert_eq(compare(), 1);
	expect_said("push-to-checkout");
}

Test(install, undo_removes_the_shims_and_leaves_what_others_put_there)
{
	install();
	sh("echo theirs >'%s/notes'", dir);
	must(rt_hooks_undo(&home, &err) == 0);
	cr_expect_eq(sh_status("git config core.hooksPath"), 1);
	cr_expect_eq(sh_status("test \"$(ls '%s')\" = notes", dir), 0);
	must(rt_hooks_undo(&home, &err) == 0);
}

Test(install, undo_leaves_a_path_that_somebody_set_since)
{
	install();
	sh("git config core.hooksPath elsewhere");
	rt_home_release(&home);
	must(rt_home_open(&home, BOX_REPO, &err) == 0);
	must(rt_hooks_undo(&home, &err) == 0);
	rt_auto(free) char *path = sh_out("git config core.hooksPath");
	cr_expect_str_eq(path, "elsewhere");
}

Test(install, a_damaged_record_is_an_error_that_names_the_file)
{
	install();
	sh("echo damaged >.git/ratchet/hooks.json");
	cr_expect_eq(rt_hooks_undo(&home, &err), -1);
	cr_expect_not_null(strstr(err.text, "hooks.json"), "%s", err.text);
}

Test(install, the_shims_take_odd_characters_of_the_path)
{
	install();
	cr_expect_eq(sh_status("sh -n '%s/pre-commit' && sh -n '%s/reference-transaction'", dir, dir), 0);
	cr_expect_eq(sh_status("'%s/pre-commit'", dir), 0);
	sh("printf '#!/bin/sh\\nexit 3\\n' >\"../it's a binary\"");
	cr_expect_eq(sh_status("'%s/pre-commit'", dir), 3);
	cr_expect_eq(sh_status("'%s/post-commit'", dir), 0, "ratchet has no say there");
}
