#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/baseline.h"
#include "model/results.h"
#include "support/json.h"

static struct rt_results results;

static void
start(void)
{
	results = (struct rt_results)RT_RESULTS_INIT;
}

static void
finish(void)
{
	rt_results_release(&results);
}

TestSuite(results, .init = start, .fini = finish);

static void
add(const char *id, enum rt_status status)
{
	rt_results_case(&results, id, status, -1, -1, NULL, 0);
}

Test(results, finds_a_case_by_its_id)
{
	add("unit/a", RT_STATUS_PASS);
	add("unit/b", RT_STATUS_FAIL);
	cr_assert_eq(rt_results_find(&results, "unit/b")->status, RT_STATUS_FAIL);
	cr_assert_null(rt_results_find(&results, "unit/c"));
}

Test(results, finds_cases_after_the_struct_was_moved)
{
	struct rt_results moved;

	add("unit/a", RT_STATUS_PASS);
	moved = results;
	memset(&results, 0, sizeof(results));
	cr_assert_not_null(rt_results_find(&moved, "unit/a"));
	rt_results_case(&moved, "unit/b", RT_STATUS_SKIP, -1, -1, NULL, 0);
	cr_assert_not_null(rt_results_find(&moved, "unit/b"));
	rt_results_release(&moved);
}

Test(results, the_same_id_twice_takes_the_worst_status_in_either_order)
{
	add("unit/a", RT_STATUS_FAIL);
	add("unit/a", RT_STATUS_PASS);
	add("unit/b", RT_STATUS_PASS);
	add("unit/b", RT_STATUS_SKIP);
	cr_assert_eq(results.cases.n, 2);
	cr_assert_eq(rt_results_find(&results, "unit/a")->status, RT_STATUS_FAIL);
	cr_assert_eq(rt_results_find(&results, "unit/b")->status, RT_STATUS_SKIP);
	cr_assert_eq(results.counts[RT_STATUS_PASS], 0);
	cr_assert_eq(results.counts[RT_STATUS_FAIL], 1);
	cr_assert_eq(results.counts[RT_STATUS_SKIP], 1);
}

Test(results, the_same_id_twice_takes_the_smaller_reported_count_and_the_longer_time)
{
	rt_results_case(&results, "unit/a", RT_STATUS_PASS, -1, 2.5, NULL, 0);
	rt_results_case(&results, "unit/a", RT_STATUS_PASS, 7, 1.0, NULL, 0);
	rt_results_case(&results, "unit/a", RT_STATUS_PASS, 3, -1, NULL, 0);
	cr_assert_eq(results.cases.at[0].assertions, 3);
	cr_assert_float_eq(results.cases.at[0].duration_ms, 2.5, 1e-6);
}

Test(results, the_note_of_the_worse_status_stays)
{
	rt_results_case(&results, "unit/a", RT_STATUS_SKIP, -1, -1, "later", 5);
	rt_results_case(&results, "unit/a", RT_STATUS_FAIL, -1, -1, "1 != 2", 6);
	rt_results_case(&results, "unit/a", RT_STATUS_PASS, -1, -1, "fine", 4);
	cr_assert_str_eq(rt_results_note(&results, rt_results_find(&results, "unit/a")), "1 != 2");
	cr_assert_null(rt_results_note(&results, NULL));
}

Test(results, a_later_note_is_taken_where_there_was_none)
{
	add("unit/a", RT_STATUS_FAIL);
	rt_results_case(&results, "unit/a", RT_STATUS_FAIL, -1, -1, "tail", 4);
	cr_assert_str_eq(rt_results_note(&results, &results.cases.at[0]), "tail");
}

Test(results, notes_are_safe_to_show)
{
	rt_results_case(&results, "unit/a", RT_STATUS_FAIL, -1, -1, "one\n\x1b]0;x\x07", 10);
	cr_assert_str_eq(rt_results_note(&results, &results.cases.at[0]), "one\n\\x1b]0;x\\x07");
}

Test(results, a_note_is_cut_at_8_kib_and_between_characters)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	const char *note;
	int i;

	rt_buf_addc(&text, 'x');
	for (i = 0; i < 6000; i++)
		rt_buf_adds(&text, "\xe2\x82\xac");
	rt_results_case(&results, "unit/a", RT_STATUS_FAIL, -1, -1, text.data, text.len);
	note = rt_results_note(&results, &results.cases.at[0]);
	cr_assert_leq(strlen(note), 8192);
	cr_assert_geq(strlen(note), 8100);
	cr_assert(rt_ends_with(note, "\xe2\x82\xac\n[cut]"));
}

Test(results, notes_take_4_mib_in_all)
{
	static char text[8000];
	char id[32];
	int i;

	memset(text, 'x', sizeof(text));
	for (i = 0; i < 2000; i++) {
		snprintf(id, sizeof(id), "unit/%d", i);
		rt_results_case(&results, id, RT_STATUS_FAIL, -1, -1, text, sizeof(text));
	}
	cr_assert_eq(results.cases.n, 2000);
	cr_assert_leq(results.note_bytes, 4 * 1024 * 1024 + 8192);
	cr_assert_null(rt_results_note(&results, &results.cases.at[1999]));
}

Test(results, executed_cases_are_those_that_passed_failed_or_broke)
{
	add("unit/a", RT_STATUS_PASS);
	add("unit/b", RT_STATUS_FAIL);
	add("unit/c", RT_STATUS_ERROR);
	add("unit/d", RT_STATUS_SKIP);
	cr_assert_eq(rt_results_executed(&results), 3);
}

Test(results, a_metric_that_is_not_finite_is_a_problem)
{
	rt_results_metric(&results, "size/size", 12.5);
	rt_results_metric(&results, "size/size", NAN);
	rt_results_metric(&results, "size/size", INFINITY);
	cr_assert_eq(results.metrics.n, 1);
	cr_assert_eq(results.problems.n, 2);
}

Test(results, problems_are_one_safe_line_each_and_at_most_100)
{
	int i;

	for (i = 0; i < 150; i++)
		rt_results_problem(&results, "r.xml:%d: bad byte \x1b\nhere", i);
	cr_assert_eq(results.problems.n, 100);
	cr_assert_str_eq(results.problems.at[0], "r.xml:0: bad byte \\x1b here");
}

Test(results, findings_keep_their_text_escaped)
{
	rt_results_finding(&results, "lint/f1", "a.c:3: \x1b[1mno");
	rt_results_finding(&results, "lint/f2", NULL);
	cr_assert_str_eq(results.findings.at[0].text, "a.c:3: \\x1b[1mno");
	cr_assert_str_eq(results.findings.at[1].text, "");
}

Test(results, a_hundred_thousand_ids_are_all_found_again)
{
	char id[48];
	int i;

	for (i = 0; i < 100000; i++) {
		snprintf(id, sizeof(id), "unit/suite::case_%d", i);
		rt_results_case(&results, id, i % 3 ? RT_STATUS_PASS : RT_STATUS_SKIP, i, -1, NULL, 0);
	}
	for (i = 0; i < 100000; i++) {
		snprintf(id, sizeof(id), "unit/suite::case_%d", i);
		cr_assert_eq(rt_results_find(&results, id)->assertions, i);
	}
}

static void
expect_read(const char *text, int want)
{
	rt_auto(json) struct rt_json *json = NULL;
	rt_auto(results) struct rt_results back = RT_RESULTS_INIT;
	struct rt_err err = RT_ERR_INIT;

	cr_assert_eq(rt_json_parse(&json, text, strlen(text), "test", &err), 0, "%s", err.text);
	cr_assert_eq(rt_results_from_json(&back, json), want, "%s", text);
}

Test(results, kept_observations_read_back_as_they_were)
{
	rt_auto(results) struct rt_results back = RT_RESULTS_INIT;
	struct rt_json *json;

	rt_results_case(&results, "unit/a\\tb", RT_STATUS_PASS, 7, 12.5, NULL, 0);
	rt_results_case(&results, "unit/b", RT_STATUS_SKIP, -1, -1, NULL, 0);
	rt_results_metric(&results, "size/size", 0.1);
	rt_results_finding(&results, "lint/f1", "a.c:3: no");
	json = rt_results_json(&results);
	cr_assert_eq(rt_results_from_json(&back, json), 0);
	rt_json_free(json);
	cr_assert_eq(back.cases.n, 2);
	cr_assert_eq(rt_results_find(&back, "unit/a\\tb")->assertions, 7);
	cr_assert_eq(rt_results_find(&back, "unit/b")->status, RT_STATUS_SKIP);
	cr_assert_eq(rt_results_find(&back, "unit/b")->assertions, -1);
	cr_assert_eq(back.counts[RT_STATUS_PASS], 1);
	cr_assert(back.metrics.n == 1 && back.metrics.at[0].value == 0.1);
	cr_assert(back.findings.n == 1 && strcmp(back.findings.at[0].text, "a.c:3: no") == 0);
}

Test(results, kept_observations_that_failed_or_are_damaged_are_refused)
{
	expect_read("{\"cases\":[],\"metrics\":[],\"findings\":[]}", 0);
	expect_read(
	    "{\"cases\":[{\"id\":\"a/b\",\"status\":\"pass\",\"assertions\":1}],\"metrics\":[],\"findings\":[]}", 0);
	expect_read(
	    "{\"cases\":[{\"id\":\"a/b\",\"status\":\"fail\",\"assertions\":1}],\"metrics\":[],\"findings\":[]}", -1);
	expect_read("{\"cases\":[{\"status\":\"pass\",\"assertions\":1}],\"metrics\":[],\"findings\":[]}", -1);
	expect_read("{\"cases\":[],\"metrics\":[{\"id\":\"a/b\",\"value\":\"1\"}],\"findings\":[]}", -1);
	expect_read("{\"cases\":[],\"metrics\":[]}", -1);
	expect_read("[]", -1);
}

Test(results, a_case_of_a_known_baseline_takes_its_id_and_is_found_by_id_and_line)
{
	rt_auto(baseline) struct rt_baseline known = RT_BASELINE_INIT, other = RT_BASELINE_INIT;

	rt_baseline_add(&known, "unit/c", RT_LEVEL_PASS, false, 0, 0);
	rt_baseline_add(&known, "unit/a", RT_LEVEL_PASS, false, 0, 0);
	rt_baseline_add(&known, "unit/b", RT_LEVEL_PASS, false, 0, 0);
	rt_baseline_seal(&known);
	rt_baseline_copy(&other, &known);
	results.known = &known;
	add("unit/c", RT_STATUS_PASS);
	add("unit/new", RT_STATUS_SKIP);
	add("unit/a", RT_STATUS_PASS);
	add("unit/a", RT_STATUS_FAIL);
	add("unit/new", RT_STATUS_FAIL);
	cr_assert_eq(results.cases.n, 3);
	cr_assert_eq(rt_results_find(&results, "unit/a")->status, RT_STATUS_FAIL);
	cr_assert_eq(rt_results_find(&results, "unit/a")->id, known.lines.at[0].id);
	cr_assert_eq(rt_results_find(&results, "unit/new")->status, RT_STATUS_FAIL);
	cr_assert_null(rt_results_find(&results, "unit/b"));
	cr_assert_eq(rt_results_of_line(&results, &known, &known.lines.at[2])->status, RT_STATUS_PASS);
	cr_assert_null(rt_results_of_line(&results, &known, &known.lines.at[1]));
	cr_assert_eq(rt_results_of_line(&results, &other, &other.lines.at[0])->status, RT_STATUS_FAIL);
	cr_assert_eq(results.counts[RT_STATUS_FAIL], 2);
}

Test(results, a_control_is_no_observation)
{
	results.control_word = "c0ffee";
	results.control = RT_STATUS_ABSENT;
	rt_results_case(&results, "unit/t::test_c0ffeepass", RT_STATUS_PASS, -1, -1, NULL, 0);
	rt_results_case(&results, "unit/t::other", RT_STATUS_PASS, -1, -1, NULL, 0);
	cr_expect_eq(results.cases.n, 1);
	cr_expect_eq(results.counts[RT_STATUS_PASS], 1);
	cr_expect_eq(results.control, RT_STATUS_PASS);
	rt_results_case(&results, "unit/t::test_c0ffeepass", RT_STATUS_FAIL, -1, -1, NULL, 0);
	cr_expect_eq(results.control, RT_STATUS_FAIL, "the worst counts");
}

/* One after another through all of them, a report of some MiB took minutes. */
Test(results, samples_of_a_name_are_found_among_many_names)
{
	const struct rt_metric *sample;
	char id[32];

	for (int i = 0; i < 100000; i++) {
		snprintf(id, sizeof(id), "m/%d", i % 50000);
		rt_results_metric(&results, id, i);
	}
	for (int i = 0; i < 50000; i++) {
		snprintf(id, sizeof(id), "m/%d", i);
		sample = rt_results_sample(&results, id);
		cr_assert(sample && sample->value == i && sample->last);
		sample = rt_results_next_sample(&results, sample);
		cr_assert(sample && sample->value == i + 50000 && !sample->last);
		cr_assert_null(rt_results_next_sample(&results, sample));
	}
	cr_assert_null(rt_results_sample(&results, "m/x"));
}

/* Which of the findings are one, and what they are called, does not depend on what the baseline knows. */
Test(results, findings_are_the_same_whatever_is_known)
{
	static const char *const ids[] = {"l/a", "l/a::#2", "l/b", "l/a::#2::#2", "l/a::#3"}, *const texts[] = {
												  "x", "y", "z"};
	rt_auto(baseline) struct rt_baseline known = RT_BASELINE_INIT;
	struct rt_results plain = RT_RESULTS_INIT;
	unsigned state = 1;

	rt_baseline_add(&known, "l/a", RT_LEVEL_KNOWN, false, 0, 0);
	rt_baseline_add(&known, "l/a::#2", RT_LEVEL_KNOWN, false, 0, 0);
	rt_baseline_add(&known, "l/a::#3", RT_LEVEL_GONE, false, 0, 0);
	rt_baseline_seal(&known);
	for (int round = 0; round < 2000; round++) {
		rt_results_release(&results);
		rt_results_release(&plain);
		results.known = &known;
		for (int i = 0; i < 8; i++) {
			state = state * 1103515245 + 12345;
			const char *id = ids[state / 65536 % RT_COUNT(ids)],
				   *text = texts[state / 1048576 % RT_COUNT(texts)];

			rt_results_finding(&results, id, text);
			rt_results_finding(&plain, id, text);
			/* reported again it is the same */
			size_t n = plain.findings.n;
			rt_results_finding(&plain, id, text);
			cr_assert_eq(plain.findings.n, n);
		}
		cr_assert_eq(results.findings.n, plain.findings.n);
		for (size_t i = 0; i < plain.findings.n; i++) {
			cr_assert_str_eq(results.findings.at[i].id, plain.findings.at[i].id);
			cr_assert_str_eq(results.findings.at[i].text, plain.findings.at[i].text);
		}
	}
	rt_results_release(&plain);
	rt_results_release(&results);
}
