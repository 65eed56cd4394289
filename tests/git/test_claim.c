#include <criterion/criterion.h>
#include <string.h>

#include "box.h"
#include "git/claim.h"
#include "support/clock.h"

static struct rt_err err = RT_ERR_INIT;
static struct rt_oid one, two;

static void
setup(void)
{
	box_setup();
	sh("git commit -q --allow-empty -m one && git commit -q --allow-empty -m two && git branch old HEAD^");
	one = sh_oid("git rev-parse HEAD^");
	two = sh_oid("git rev-parse HEAD");
	sh("mkdir -p .git/ratchet");
}
TestSuite(claim, .init = setup, .fini = box_teardown);

static int
swap(const char *name, const struct rt_oid *old, const struct rt_oid *new)
{
	return rt_ref_swap(box_repo, name, old, new, "test", rt_clock_ms() + 200, &err);
}

static size_t
settled(void)
{
	rt_auto(strs) struct rt_strs removed = {0};

	must(rt_claim_settle(box_repo, &removed, rt_clock_ms() + 200, &err) == 0);
	return removed.n;
}

Test(claim, an_empty_lock_that_a_dead_claimant_left_does_not_block)
{
	sh("echo refs/heads/main %s >.git/ratchet/ref-claim && : >.git/refs/heads/main.lock", one.hex);
	must(swap("refs/heads/main", &two, &one) == RT_SWAPPED);
	cr_expect_eq(sh_status("test ! -e .git/refs/heads/main.lock && test ! -s .git/ratchet/ref-claim"), 0);
}

Test(claim, a_lock_with_the_whole_or_the_beginning_of_the_claimed_value_does_not_block)
{
	sh("echo refs/heads/main %s >.git/ratchet/ref-claim && echo %s >.git/refs/heads/main.lock", one.hex, one.hex);
	cr_expect_eq(settled(), 1);
	sh("echo refs/heads/main %s >.git/ratchet/ref-claim && printf %%.9s %s >.git/refs/heads/main.lock", one.hex,
	   one.hex);
	cr_expect_eq(settled(), 1);
	cr_expect_eq(settled(), 0, "a second time there is nothing");
}

Test(claim, a_lock_with_another_value_is_somebody_elses)
{
	sh("echo refs/heads/main %s >.git/ratchet/ref-claim && echo %s >.git/refs/heads/main.lock", one.hex, two.hex);
	must(swap("refs/heads/main", &two, &one) == RT_SWAP_LOCKED);
	cr_expect_not_null(strstr(err.text, "main.lock"), "%s", err.text);
	cr_expect_eq(sh_status("test -e .git/refs/heads/main.lock"), 0);
}

Test(claim, a_lock_on_a_ref_that_nobody_claimed_is_somebody_elses)
{
	sh(": >.git/refs/heads/main.lock && echo refs/heads/old %s >.git/ratchet/ref-claim", one.hex);
	must(swap("refs/heads/main", &two, &one) == RT_SWAP_LOCKED);
	cr_expect_eq(settled(), 0);
	cr_expect_eq(sh_status("test -e .git/refs/heads/main.lock"), 0);
}

Test(claim, packed_refs_that_a_dead_claimant_was_rewriting_are_unlocked)
{
	sh("git pack-refs --all && grep -v refs/heads/old .git/packed-refs >.git/packed-refs.lock");
	sh("echo refs/heads/old - >.git/ratchet/ref-claim && : >.git/refs/heads/old.lock");
	cr_expect_eq(settled(), 2);
	must(swap("refs/heads/old", &one, NULL) == RT_SWAPPED);
	cr_expect_eq(sh_status("git rev-parse -q --verify refs/heads/old"), 1);
}

Test(claim, packed_refs_that_another_git_is_rewriting_stay_locked)
{
	sh("git pack-refs --all && cp .git/packed-refs .git/packed-refs.lock");
	sh("echo refs/heads/old - >.git/ratchet/ref-claim");
	cr_expect_eq(settled(), 0);
	cr_expect_eq(sh_status("test -e .git/packed-refs.lock"), 0);
}

Test(claim, a_living_claimant_is_waited_for_and_then_named)
{
	rt_auto(lock) struct rt_lock held = RT_LOCK_INIT;

	must(rt_claim_take(&held, box_repo, "refs/heads/old", &two, 0, &err) == RT_SWAPPED);
	must(swap("refs/heads/main", &two, &one) == RT_SWAP_LOCKED);
	cr_expect_not_null(strstr(err.text, "ref-claim"), "%s", err.text);
	rt_claim_drop(&held, box_repo, "refs/heads/old", &two, RT_SWAPPED);
	must(swap("refs/heads/main", &two, &one) == RT_SWAPPED);
}

Test(claim, a_text_that_is_no_claim_is_taken_for_none)
{
	sh("printf 'refs/heads/../../config x' >.git/ratchet/ref-claim && : >.git/config.lock");
	cr_expect_eq(settled(), 0);
	cr_expect_eq(sh_status("test -e .git/config.lock"), 0);
}
