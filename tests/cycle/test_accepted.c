#include <criterion/criterion.h>
#include <string.h>

#include "../git/box.h"
#include "cycle/check.h"
#include "cycle/ledger.h"

static struct rt_err err = RT_ERR_INIT;
static struct rt_home home = RT_HOME_INIT;
static struct rt_oid a, b, c;

static void
setup(void)
{
	box_setup();
	sh("git commit -q --allow-empty -m a && git commit -q --allow-empty -m b && git commit -q --allow-empty -m c");
	a = sh_oid("git rev-parse HEAD~2");
	b = sh_oid("git rev-parse HEAD~1");
	c = sh_oid("git rev-parse HEAD");
	must(rt_home_open(&home, BOX_REPO, &err) == 0);
}

static void
teardown(void)
{
	rt_home_release(&home);
	box_teardown();
}

TestSuite(accepted, .init = setup, .fini = teardown);

static void
judge(const struct rt_oid *candidate, const char *verdict, bool fast)
{
	rt_auto(record) struct rt_record record = RT_RECORD_INIT;

	record.op = RT_OP_JUDGED;
	record.id = rt_strdup("0123456789ab");
	record.target = rt_strdup("main");
	record.candidate = rt_strdup(candidate->hex);
	record.tree = sh_out("git rev-parse %s^{tree}", candidate->hex);
	record.verdict = rt_strdup(verdict);
	record.fast = fast;
	must(rt_ledger_append(&home, &record, NULL, &err) == 0);
}

static int
accepted(const struct rt_oid *commit, bool fast_too)
{
	int result = rt_accepted(&home, commit, fast_too, &err);

	must(result >= 0);
	return result;
}

static void
reopen(void)
{
	rt_home_release(&home);
	home = (struct rt_home)RT_HOME_INIT;
	must(rt_home_open(&home, BOX_REPO, &err) == 0);
}

Test(accepted, is_what_a_full_entry_accepts)
{
	judge(&a, "would-land", false);
	judge(&b, "would-land", true);
	judge(&c, "regressed", false);
	cr_expect_eq(accepted(&a, false), 1);
	cr_expect_eq(accepted(&b, false), 0);
	cr_expect_eq(accepted(&b, true), 1);
	cr_expect_eq(accepted(&c, true), 0);
	judge(&c, "would-land", false);
	cr_expect_eq(accepted(&c, false), 1, "an entry that came later counts");
	cr_expect_eq(accepted(&a, false), 1, "and the earlier one still does");
}

/* Whoever asks again reads what is new: the entries before can't be read any more, and are not missed. */
Test(accepted, entries_that_were_read_once_are_not_read_again)
{
	rt_auto(free) char *first = NULL;

	judge(&a, "would-land", false);
	judge(&b, "regressed", false);
	cr_expect_eq(accepted(&b, false), 0);
	first = sh_out("git rev-parse refs/ratchet/ledger/%s~1", home.writer);
	judge(&c, "would-land", false);
	sh("rm -f .git/objects/%.2s/%s", first, first + 2);
	reopen();
	cr_expect_eq(accepted(&c, false), 1);
	cr_expect_eq(accepted(&a, false), 1);
	cr_expect_eq(accepted(&b, false), 0);
}

Test(accepted, a_chain_that_was_cut_short_accepts_no_longer)
{
	judge(&a, "would-land", false);
	judge(&b, "would-land", false);
	cr_expect_eq(accepted(&b, false), 1);
	sh("git update-ref refs/ratchet/ledger/%s refs/ratchet/ledger/%s~1", home.writer, home.writer);
	reopen();
	cr_expect_eq(accepted(&b, false), 0);
	cr_expect_eq(accepted(&a, false), 1);
}

Test(accepted, notes_that_were_torn_accept_nothing)
{
	judge(&a, "would-land", false);
	cr_expect_eq(accepted(&a, false), 1);
	sh("printf 'L %s\\n' >>.git/ratchet/accepted/*", b.hex);
	cr_expect_eq(accepted(&b, false), 0, "a line behind the last mark");
	judge(&c, "would-land", false);
	cr_expect_eq(accepted(&c, false), 1);
	cr_expect_eq(accepted(&b, false), 0);
	sh("truncate -s +100 .git/ratchet/accepted/* && printf '\\n= %s\\n' %s >>.git/ratchet/accepted/*", "%s", c.hex);
	cr_expect_eq(accepted(&a, false), 1, "a hole in the notes");
	sh("truncate -s 30 .git/ratchet/accepted/*");
	cr_expect_eq(accepted(&a, false), 1, "notes without a mark");
	cr_expect_eq(accepted(&c, false), 1);
}

Test(accepted, is_found_where_nothing_can_be_noted)
{
	judge(&a, "would-land", false);
	sh("touch .git/ratchet/accepted");
	cr_expect_eq(accepted(&a, false), 1);
	cr_expect_eq(accepted(&b, false), 0);
}
