#include <criterion/criterion.h>
#include <string.h>

#include "box.h"
#include "support/clock.h"

static struct rt_err err = RT_ERR_INIT;
static struct rt_oid one, two;

static void
setup(void)
{
	box_setup();
	sh("git commit -q --allow-empty -m one && git commit -q --allow-empty -m two");
	one = sh_oid("git rev-parse HEAD^");
	two = sh_oid("git rev-parse HEAD");
}
TestSuite(refs, .init = setup, .fini = box_teardown);

static int
swap(const char *name, const struct rt_oid *old, const struct rt_oid *new)
{
	return rt_ref_swap(box_repo, name, old, new, "ratchet: test", rt_clock_ms() + 200, &err);
}

Test(refs, swap_moves_a_ref_from_the_expected_value)
{
	struct rt_oid now;

	must(swap("refs/heads/main", &two, &one) == RT_SWAPPED);
	now = sh_oid("git rev-parse refs/heads/main");
	cr_expect_str_eq(now.hex, one.hex);
	cr_expect_eq(sh_status("git fsck --strict >/dev/null 2>&1 && test ! -e .git/refs/heads/main.lock"), 0);
}

Test(refs, swap_from_another_value_changes_nothing)
{
	struct rt_oid now;

	must(swap("refs/heads/main", &one, &two) == RT_SWAP_MOVED);
	now = sh_oid("git rev-parse refs/heads/main");
	cr_expect_str_eq(now.hex, two.hex);
	cr_expect_eq(sh_status("test ! -e .git/refs/heads/main.lock"), 0);
}

Test(refs, swap_creates_only_what_does_not_exist)
{
	must(swap("refs/ratchet/deep/er", NULL, &one) == RT_SWAPPED);
	must(swap("refs/ratchet/deep/er", NULL, &two) == RT_SWAP_MOVED);
	cr_expect_eq(sh_status("test $(git rev-parse refs/ratchet/deep/er) = %s", one.hex), 0);
}

Test(refs, swap_from_a_value_of_an_absent_ref_is_moved)
{
	must(swap("refs/heads/none", &one, &two) == RT_SWAP_MOVED);
	cr_expect_eq(sh_status("git rev-parse -q --verify refs/heads/none"), 1);
}

Test(refs, swap_removes_a_loose_and_a_packed_ref)
{
	struct rt_oid out;

	sh("git branch gone && git pack-refs --all && git update-ref refs/heads/gone %s", one.hex);
	must(swap("refs/heads/gone", &two, NULL) == RT_SWAP_MOVED);
	must(swap("refs/heads/gone", &one, NULL) == RT_SWAPPED);
	cr_expect_eq(sh_status("git rev-parse -q --verify refs/heads/gone"), 1);
	cr_expect_eq(rt_ref_read(box_repo, "refs/heads/gone", &out, &err), 0);
	cr_expect_eq(sh_status("grep -q gone .git/packed-refs"), 1);
}

Test(refs, swap_moves_a_packed_ref)
{
	sh("git pack-refs --all");
	must(swap("refs/heads/main", &two, &one) == RT_SWAPPED);
	cr_expect_eq(sh_status("test $(git rev-parse main) = %s", one.hex), 0);
}

Test(refs, swap_sees_what_git_did_meanwhile)
{
	struct rt_oid out;

	cr_assert_eq(rt_ref_read(box_repo, "refs/heads/main", &out, &err), 1);
	sh("git update-ref refs/heads/main %s", one.hex);
	must(swap("refs/heads/main", &two, &one) == RT_SWAP_MOVED);
	sh("git pack-refs --all");
	must(swap("refs/heads/main", &one, &two) == RT_SWAPPED);
}

Test(refs, swap_writes_the_reflog_of_the_branch_and_of_head)
{
	rt_auto(free) char *branch = NULL;
	rt_auto(free) char *head = NULL;

	box_forget_person();
	must(swap("refs/heads/main", &two, &one) == RT_SWAPPED);
	branch = sh_out("git reflog show --format='%%gs by %%gn' main | head -1");
	cr_expect_str_eq(branch, "ratchet: test by Una User");
	head = sh_out("git reflog show --format=%%gs HEAD | head -1");
	cr_expect_str_eq(head, "ratchet: test");
}

Test(refs, a_held_lock_is_waited_for_and_then_named_with_its_age)
{
	int64_t begin = rt_clock_ms();

	sh("touch -d '1 hour ago' .git/refs/heads/main.lock");
	cr_expect_eq(swap("refs/heads/main", &two, &one), RT_SWAP_LOCKED);
	cr_expect_geq(rt_clock_ms() - begin, 200);
	cr_expect_not_null(strstr(err.text, "refs/heads/main.lock is held for 36"), "%s", err.text);
	cr_expect_eq(err.code, RT_ECONFLICT);
	cr_expect_eq(sh_status("test -e .git/refs/heads/main.lock"), 0);
}

Test(refs, a_lock_that_goes_away_in_time_is_no_obstacle)
{
	sh("touch .git/refs/heads/main.lock; (sleep 0.3; rm .git/refs/heads/main.lock) >/dev/null 2>&1 &");
	must(rt_ref_swap(box_repo, "refs/heads/main", &two, &one, "m", rt_clock_ms() + 5000, &err) == RT_SWAPPED);
}

Test(refs, removing_under_a_lock_on_packed_refs_does_not_pretend)
{
	sh("git branch gone && git pack-refs --all && touch .git/packed-refs.lock");
	cr_expect_eq(swap("refs/heads/gone", &two, NULL), RT_SWAP_LOCKED);
	cr_expect_not_null(strstr(err.text, "packed-refs.lock"), "%s", err.text);
	cr_expect_eq(sh_status("test $(git rev-parse gone) = %s", two.hex), 0);
	sh("rm .git/packed-refs.lock");
	must(swap("refs/heads/gone", &two, NULL) == RT_SWAPPED);
	cr_expect_eq(sh_status("git rev-parse -q --verify refs/heads/gone"), 1);
}

Test(refs, a_ref_below_another_ref_is_refused)
{
	sh("git branch a && git pack-refs --all");
	cr_expect_eq(swap("refs/heads/a/b", NULL, &one), -1);
	cr_expect_not_null(strstr(err.text, "refs/heads/a"), "%s", err.text);
	cr_expect_eq(sh_status("git rev-parse -q --verify refs/heads/a >/dev/null"), 0);
}

Test(refs, a_name_that_is_no_ref_is_refused)
{
	static const char *const names[] = {"main", "refs/heads/a..b", "refs/heads/x.lock", "refs/../config",
					    "HEAD", "refs/heads/"};

	for (size_t i = 0; i < RT_COUNT(names); i++)
		cr_expect_eq(swap(names[i], NULL, &one), -1, "%s", names[i]);
}

Test(refs, a_symbolic_ref_is_not_moved)
{
	sh("git symbolic-ref refs/heads/sym refs/heads/main");
	cr_expect_eq(swap("refs/heads/sym", &two, &one), -1);
	cr_expect_not_null(strstr(err.text, "refs/heads/main"), "%s", err.text);
}

Test(refs, a_ref_is_not_moved_to_an_object_that_is_not_there)
{
	struct rt_oid absent = {"1234567890123456789012345678901234567890"};

	cr_expect_eq(swap("refs/heads/main", &two, &absent), -1);
	cr_expect_eq(sh_status("test $(git rev-parse main) = %s", two.hex), 0);
}

Test(refs, head_names_its_branch_and_tells_unborn_and_detached)
{
	struct rt_buf ref = RT_BUF_INIT;
	struct rt_oid oid;

	must(rt_head(box_repo, &ref, &oid, &err) == 0);
	cr_expect_str_eq(ref.data, "refs/heads/main");
	cr_expect_str_eq(oid.hex, two.hex);
	sh("git checkout -q --detach");
	rt_buf_cut(&ref, 0);
	must(rt_head(box_repo, &ref, &oid, &err) == 0);
	cr_expect_str_eq(ref.data, "");
	cr_expect_str_eq(oid.hex, two.hex);
	sh("git checkout -q --orphan fresh");
	rt_buf_cut(&ref, 0);
	must(rt_head(box_repo, &ref, &oid, &err) == 0);
	cr_expect_str_eq(ref.data, "refs/heads/fresh");
	cr_expect_str_eq(oid.hex, "");
	rt_buf_release(&ref);
}

static int
append_name(void *data, const char *name, const struct rt_oid *oid, struct rt_err *e)
{
	(void)e;
	rt_buf_addf(data, "%s=%.1s ", name, strcmp(oid->hex, one.hex) == 0 ? "1" : "2");
	return rt_ends_with(name, "/stop") ? 7 : 0;
}

Test(refs, each_lists_loose_and_packed_refs_by_name)
{
	struct rt_buf seen = RT_BUF_INIT;

	sh("git update-ref refs/ratchet/x/b %s && git update-ref refs/ratchet/x/c %s && git pack-refs --all", one.hex,
	   two.hex);
	sh("git update-ref refs/ratchet/x/a/z %s && git update-ref refs/ratchet/y/b %s", two.hex, two.hex);
	cr_expect_eq(rt_ref_each(box_repo, "refs/ratchet/x/", append_name, &seen, &err), 0);
	cr_expect_str_eq(seen.data, "refs/ratchet/x/a/z=2 refs/ratchet/x/b=1 refs/ratchet/x/c=2 ");
	rt_buf_release(&seen);
}

Test(refs, each_stops_and_returns_what_the_callback_returned)
{
	struct rt_buf seen = RT_BUF_INIT;

	sh("git update-ref refs/ratchet/stop %s && git update-ref refs/ratchet/zero %s", one.hex, two.hex);
	cr_expect_eq(rt_ref_each(box_repo, "refs/ratchet/", append_name, &seen, &err), 7);
	cr_expect_str_eq(seen.data, "refs/ratchet/stop=1 ");
	rt_buf_release(&seen);
}

Test(refs, rev_parse_reads_gits_expressions)
{
	struct rt_oid out;

	cr_expect_eq(rt_rev_parse(box_repo, "HEAD~1", &out, &err), 1);
	cr_expect_str_eq(out.hex, one.hex);
	cr_expect_eq(rt_rev_parse(box_repo, "main", &out, &err), 1);
	cr_expect_str_eq(out.hex, two.hex);
	sh("git tag -a -m t v1 && git tag light HEAD^");
	cr_expect_eq(rt_rev_parse(box_repo, "v1", &out, &err), 1);
	cr_expect_str_eq(out.hex, two.hex);
	cr_expect_eq(rt_rev_parse(box_repo, "nothing", &out, &err), 0);
	cr_expect_eq(rt_rev_parse(box_repo, "HEAD~9", &out, &err), 0);
	cr_expect_eq(rt_rev_parse(box_repo, "..", &out, &err), 0);
}
