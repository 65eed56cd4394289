#include <criterion/criterion.h>

#include <string.h>

#include "model/judge.h"

static struct rt_err err;
static struct rt_waivers waivers;
static struct rt_rename *renames;
static size_t n_renames;

static void
start(void)
{
	err = (struct rt_err)RT_ERR_INIT;
	waivers = (struct rt_waivers){0};
	renames = NULL;
	n_renames = 0;
}

static void
finish(void)
{
	rt_waivers_release(&waivers);
	rt_renames_free(renames, n_renames);
}

TestSuite(waiver, .init = start, .fini = finish);
TestSuite(rename, .init = start, .fini = finish);

static int
parse(const char *text)
{
	return rt_waivers_parse(&waivers, text, strlen(text), "policies/waivers.yml", &err);
}

static void
refuses(const char *text, unsigned line, unsigned column, const char *word)
{
	cr_assert_eq(parse(text), -1, "%s", text);
	cr_assert_eq(err.code, RT_ECONFIG);
	cr_assert(err.line == line && err.column == column, "%u:%u %s", err.line, err.column, err.text);
	cr_assert(strstr(err.text, word), "\"%s\" lacks \"%s\"", err.text, word);
}

Test(waiver, is_read_with_its_date_as_the_last_valid_day)
{
	cr_assert_eq(parse("- {id: 'unit/old*', to: gone, reason: \"replaced\", until: 2026-01-31}\n"), 0, "%s",
		     err.text);
	cr_assert_eq(waivers.n, 1);
	cr_assert_str_eq(waivers.at[0].id, "unit/old*");
	cr_assert_eq(waivers.at[0].to, RT_WAIVER_GONE);
	cr_assert_str_eq(waivers.at[0].reason, "replaced");
	/* 2026-02-01T00:00:00Z */
	cr_assert_eq(waivers.at[0].until, 1769904000);
}

Test(waiver, may_loosen_to_every_level_and_number)
{
	cr_assert_eq(parse("- {id: a/a, to: flaky, reason: r, until: 2026-01-31}\n"
			   "- {id: a/b, to: flaky 0.25, reason: r, until: 2026-01-31}\n"
			   "- {id: a/c, to: known, reason: r, until: 2026-01-31}\n"
			   "- {id: a/d, to: 12.5, reason: r, until: 2026-01-31}\n"),
		     0, "%s", err.text);
	cr_assert(waivers.at[0].to == RT_WAIVER_FLAKY && waivers.at[0].number == 1);
	cr_assert(waivers.at[1].to == RT_WAIVER_FLAKY && waivers.at[1].number == 0.25);
	cr_assert_eq(waivers.at[2].to, RT_WAIVER_KNOWN);
	cr_assert(waivers.at[3].to == RT_WAIVER_NUMBER && waivers.at[3].number == 12.5);
}

Test(waiver, an_empty_file_holds_none)
{
	cr_assert_eq(parse(""), 0);
	cr_assert_eq(parse("[]\n"), 0);
	cr_assert_eq(waivers.n, 0);
}

Test(waiver, refuses_a_level_that_is_no_loosening)
{
	refuses("- {id: a/a, to: pass, reason: r, until: 2026-01-31}\n", 1, 17, "`to`");
}

Test(waiver, refuses_a_rate_above_1)
{
	refuses("- {id: a/a, to: flaky 2, reason: r, until: 2026-01-31}\n", 1, 17, "rate");
}

Test(waiver, refuses_a_date_that_is_none)
{
	refuses("- id: a/a\n  to: gone\n  reason: r\n  until: someday\n", 4, 10, "2026-12-31");
}

Test(waiver, refuses_one_without_a_reason)
{
	refuses("- {id: a/a, to: gone, until: 2026-01-31}\n", 1, 3, "reason");
}

Test(waiver, refuses_unknown_keys)
{
	refuses("- {id: a/a, to: gone, reason: r, until: 2026-01-31, since: x}\n", 1, 53, "since");
}

Test(waiver, refuses_a_file_that_is_no_list)
{
	refuses("id: a/a\n", 1, 1, "list");
}

Test(rename, is_read_from_the_last_paragraph)
{
	cr_assert_eq(rt_renames_parse(&renames, &n_renames,
				      "unit: rename\n\nWhy.\n\nRatchet-Rename: unit/a -> unit/b\n"
				      "Signed-off-by: A <a@example.org>\nratchet-rename:   unit/c d -> unit/e \n",
				      &err),
		     0, "%s", err.text);
	cr_assert_eq(n_renames, 2);
	cr_assert_str_eq(renames[0].from, "unit/a");
	cr_assert_str_eq(renames[0].to, "unit/b");
	cr_assert_str_eq(renames[1].from, "unit/c d");
	cr_assert_str_eq(renames[1].to, "unit/e");
}

Test(rename, elsewhere_in_the_message_is_prose)
{
	cr_assert_eq(
	    rt_renames_parse(&renames, &n_renames, "x\n\nRatchet-Rename: unit/a -> unit/b\n\nThe end.\n", &err), 0);
	cr_assert_eq(n_renames, 0);
}

Test(rename, an_arrow_within_an_id_is_written_in_hex)
{
	cr_assert_eq(rt_renames_parse(&renames, &n_renames, "x\n\nRatchet-Rename: u/a\\x20->\\x20b -> u/c", &err), 0);
	cr_assert_str_eq(renames[0].from, "u/a -> b");
}

Test(rename, claims_of_several_messages_add_up)
{
	cr_assert_eq(rt_renames_parse(&renames, &n_renames, "x\n\nRatchet-Rename: u/a -> u/b", &err), 0);
	cr_assert_eq(rt_renames_parse(&renames, &n_renames, "y\n\nRatchet-Rename: u/c -> u/d", &err), 0);
	cr_assert_eq(n_renames, 2);
}

static void
refuses_claim(const char *message)
{
	cr_assert_eq(rt_renames_parse(&renames, &n_renames, message, &err), -1, "%s", message);
	cr_assert_eq(err.code, RT_ECONFIG);
	cr_assert(strstr(err.text, "Ratchet-Rename"));
	cr_assert_eq(n_renames, 0);
}

Test(rename, refuses_what_is_not_two_ids_and_an_arrow)
{
	refuses_claim("x\n\nRatchet-Rename: unit/a unit/b\n");
	refuses_claim("x\n\nRatchet-Rename: unit/a -> unit/b -> unit/c\n");
	refuses_claim("x\n\nRatchet-Rename: unit/a -> \n");
	refuses_claim("x\n\nRatchet-Rename: unit -> unit/b\n");
	refuses_claim("x\n\nRatchet-Rename: unit/a\\q -> unit/b\n");
}
