#include <criterion/criterion.h>
#include <string.h>

#include "../git/box.h"
#include "cycle/ledger.h"
#include "cycle/open.h"

static struct rt_err err = RT_ERR_INIT;
static struct rt_home home = RT_HOME_INIT;
static struct rt_oid a, b, c; /* a chain of three commits; main is on c */
static struct rt_open found;
static size_t n_listed;
static enum rt_open_kind listed[8];

static void
setup(void)
{
	box_setup();
	sh("git commit -q --allow-empty -m a && git commit -q --allow-empty -m b && git commit -q --allow-empty -m c");
	a = sh_oid("git rev-parse HEAD~2");
	b = sh_oid("git rev-parse HEAD~1");
	c = sh_oid("git rev-parse HEAD");
	must(rt_home_open(&home, BOX_REPO, &err) == 0);
	n_listed = 0;
}

static void
teardown(void)
{
	rt_home_release(&home);
	box_teardown();
}

TestSuite(open, .init = setup, .fini = teardown);

#define MAIN "refs/heads/main"

static void
open_it(enum rt_open_kind kind, const struct rt_oid *old, const struct rt_oid *new)
{
	must(rt_open_write(&home, kind, MAIN, old, new, &err) == 0);
}

/* An entry that judged base..candidate. */
static void
judge(const struct rt_oid *base, const struct rt_oid *candidate, const char *verdict, bool fast)
{
	rt_auto(record) struct rt_record record = RT_RECORD_INIT;

	record.op = RT_OP_JUDGED;
	record.id = rt_strdup("0123456789ab");
	record.target = rt_strdup("main");
	record.base = base ? rt_strdup(base->hex) : NULL;
	record.candidate = rt_strdup(candidate->hex);
	record.tree = sh_out("git rev-parse %s^{tree}", candidate->hex);
	record.verdict = rt_strdup(verdict);
	record.fast = fast;
	must(rt_ledger_append(&home, &record, NULL, &err) == 0);
}

static int
find(void)
{
	int result = rt_open_find(&home, MAIN, &found, &err);

	must(result >= 0);
	return result;
}

static int
note(void *data, const struct rt_open *open, struct rt_err *e)
{
	(void)data;
	(void)e;
	listed[n_listed++] = open->kind;
	return n_listed == RT_COUNT(listed);
}

static size_t
list(void)
{
	n_listed = 0;
	must(rt_open_each(&home, MAIN, 1000, note, NULL, &err) == 0);
	return n_listed;
}

static size_t
count_refs(void)
{
	rt_auto(free) char *text = sh_out("git for-each-ref %s | wc -l", RT_OPEN_REFS);

	return strtoul(text, NULL, 10);
}

Test(open, a_repository_without_any_has_none)
{
	cr_assert_eq(find(), 0);
	cr_assert_eq(list(), 0);
}

Test(open, what_came_from_upstream_stands_in_the_way)
{
	open_it(RT_OPEN_UPSTREAM, &a, &c);
	cr_assert_eq(find(), 1);
	cr_expect_eq(found.kind, RT_OPEN_UPSTREAM);
	cr_expect(rt_oid_equal(&found.old, &a) && rt_oid_equal(&found.new, &c));
	cr_expect_eq(list(), 1);
}

Test(open, an_ungated_move_is_listed_and_stands_in_no_way)
{
	open_it(RT_OPEN_UNGATED, &a, &c);
	cr_expect_eq(find(), 0);
	cr_expect_eq(count_refs(), 0);
	cr_assert_eq(list(), 1);
	cr_expect_eq(listed[0], RT_OPEN_UNGATED);
}

Test(open, the_worst_of_several_is_found)
{
	open_it(RT_OPEN_UPSTREAM, &a, &b);
	open_it(RT_OPEN_REGRESSED, &a, &c);
	open_it(RT_OPEN_MERGED, &b, &c);
	cr_assert_eq(find(), 1);
	cr_expect_eq(found.kind, RT_OPEN_REGRESSED);
}

Test(open, another_branch_is_not_concerned)
{
	open_it(RT_OPEN_MERGED, &a, &c);
	cr_expect_eq(rt_open_find(&home, "refs/heads/other", &found, &err), 0);
	cr_expect_eq(count_refs(), 1);
}

Test(open, a_full_judgement_of_the_commit_closes_it)
{
	open_it(RT_OPEN_UPSTREAM, &a, &c);
	judge(&a, &c, "would-land", false);
	cr_expect_eq(find(), 0);
	cr_expect_eq(list(), 0);
	cr_expect_eq(count_refs(), 0, "the ref of a closed one is dropped");
}

Test(open, a_judgement_of_a_later_commit_whose_difference_holds_it_closes_it)
{
	open_it(RT_OPEN_UPSTREAM, &a, &b);
	judge(&a, &c, "would-land", false);
	cr_expect_eq(find(), 0);
	cr_expect_eq(list(), 0);
}

Test(open, a_judgement_on_top_of_it_does_not_close_it)
{
	open_it(RT_OPEN_UPSTREAM, &a, &b);
	judge(&b, &c, "would-land", false);
	cr_expect_eq(find(), 1);
	cr_expect_eq(list(), 1);
}

Test(open, a_fast_judgement_does_not_close_it)
{
	open_it(RT_OPEN_UPSTREAM, &a, &c);
	judge(&a, &c, "would-land", true);
	cr_expect_eq(find(), 1);
	cr_expect_eq(list(), 1);
}

Test(open, a_judgement_that_does_not_accept_does_not_close_it)
{
	open_it(RT_OPEN_UPSTREAM, &a, &c);
	judge(&a, &c, "regressed", false);
	judge(&a, &c, "inconclusive", false);
	judge(&a, &c, "refused", false);
	cr_expect_eq(find(), 1);
	cr_expect_eq(list(), 1);
}

Test(open, an_older_judgement_of_the_difference_does_not_close_it)
{
	judge(&a, &c, "would-land", false);
	open_it(RT_OPEN_UNGATED, &a, &b);
	cr_expect_eq(list(), 1);
}

Test(open, a_branch_that_went_back_no_longer_has_it)
{
	open_it(RT_OPEN_REGRESSED, &a, &c);
	sh("git update-ref " MAIN " %s", a.hex);
	cr_expect_eq(find(), 0);
	cr_expect_eq(list(), 0);
	cr_expect_eq(count_refs(), 0);
}

Test(open, one_that_was_written_ahead_of_its_move_is_kept)
{
	sh("git update-ref " MAIN " %s", a.hex);
	open_it(RT_OPEN_UPSTREAM, &a, &c);
	cr_expect_eq(find(), 0);
	cr_expect_eq(count_refs(), 1, "the move may follow in this moment");
	sh("git update-ref " MAIN " %s", c.hex);
	cr_expect_eq(find(), 1);
}

Test(open, a_ref_whose_entry_was_never_written_stands_in_the_way_as_a_merge)
{
	sh("git update-ref %s0123456789ab-0 %s", RT_OPEN_REFS, c.hex);
	cr_assert_eq(find(), 1);
	cr_expect_eq(found.kind, RT_OPEN_MERGED);
	cr_expect_eq(list(), 1);
	judge(&a, &c, "would-land", false);
	cr_expect_eq(find(), 0);
}

Test(open, a_ref_of_somebody_else_there_is_an_error_that_names_it)
{
	sh("git update-ref %sfoo %s", RT_OPEN_REFS, c.hex);
	cr_expect_eq(rt_open_find(&home, MAIN, &found, &err), -1);
	cr_expect_not_null(strstr(err.text, RT_OPEN_REFS "foo"), "%s", err.text);
}

Test(open, a_move_back_is_settled_by_any_later_judgement_of_what_holds_it)
{
	open_it(RT_OPEN_UNGATED, &c, &b);
	sh("git update-ref " MAIN " %s", b.hex);
	cr_expect_eq(list(), 1);
	judge(&b, &c, "would-land", false);
	cr_expect_eq(list(), 0);
}

Test(open, a_deletion_is_listed_until_a_judgement)
{
	struct rt_oid none = {""};
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;

	open_it(RT_OPEN_UNGATED, &c, &none);
	sh("git update-ref -d " MAIN);
	cr_assert_eq(list(), 1);
	found = (struct rt_open){.id = "0123456789ab", .kind = RT_OPEN_UNGATED, .old = c};
	rt_open_say(&found, MAIN, &text);
	cr_expect_not_null(strstr(text.data, "to nothing"), "%s", text.data);
	sh("git update-ref " MAIN " %s", c.hex);
	judge(&a, &c, "would-land", false);
	cr_expect_eq(list(), 0);
}

Test(open, closing_drops_the_refs_to_that_commit_alone)
{
	open_it(RT_OPEN_MERGED, &a, &c);
	open_it(RT_OPEN_UPSTREAM, &a, &c);
	open_it(RT_OPEN_UPSTREAM, &a, &b);
	must(rt_open_close(&home, &c, &err) == 0);
	cr_expect_eq(count_refs(), 1);
}
