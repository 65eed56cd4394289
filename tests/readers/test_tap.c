#include "reading.h"

#include <string.h>

TestSuite(tap, .fini = tidy);

/* runners */

Test(tap, node_outcomes_and_subtests_are_read)
{
	read_golden("tap/node.tap", NULL);
	check_no_problem();
	check_outcome("unit/passes", "pass");
	check_outcome("unit/fails", "fail");
	check_outcome("unit/skipped", "skip");
	check_outcome("unit/outer::inner ok", "pass");
	check_outcome("unit/outer::deep::leaf fails", "fail");
	check_outcome("unit/outer::deep::leaf ok", "pass");
	check_outcome("unit/outer::deep", "fail");
	check_outcome("unit/outer", "fail");
	check_outcome("unit/has # hash and \\\\ backslash", "pass");
}

Test(tap, yaml_of_a_failure_is_its_note_and_its_duration_is_kept)
{
	read_golden("tap/node.tap", NULL);
	check_note("unit/fails", "Expected values to be strictly equal");
	cr_expect_float_eq(rt_results_find(&seen, "unit/fails")->duration_ms, 1.5f, 0.01f);
}

Test(tap, failing_todo_is_skip_and_passing_todo_a_pass)
{
	read_golden("tap/node.tap", NULL);
	check_outcome("unit/todo fails", "skip");
	check_outcome("unit/todo passes", "pass");
}

Test(tap, node_file_without_tests_is_no_pass)
{
	read_golden("tap/node-empty.tap", NULL);
	check_executed(0);
	check_cases(1);
}

Test(tap, node_file_that_leaves_with_exit_0_is_no_pass)
{
	read_golden("tap/node-exit.tap", NULL);
	check_executed(0);
	check_cases(1);
}

Test(tap, node_empty_folder_executed_nothing)
{
	read_golden("tap/node-none.tap", NULL);
	check_no_problem();
	check_cases(0);
}

Test(tap, node_all_skipped_executed_nothing)
{
	read_golden("tap/node-skip.tap", NULL);
	check_executed(0);
}

Test(tap, node_passing_run_is_complete)
{
	read_golden("tap/node-ok.tap", NULL);
	check_no_problem();
	check_executed(3);
	check_outcome("unit/s::b", "pass");
}

Test(tap, perl_outcomes_and_subtests_are_read)
{
	read_golden("tap/perl.tap", NULL);
	check_no_problem();
	check_outcome("unit/passes", "pass");
	check_outcome("unit/fails", "fail");
	check_outcome("unit/todo fails", "skip");
	check_outcome("unit/outer::in", "pass");
	check_outcome("unit/outer::deep::leaf # with hash", "fail");
	check_outcome("unit/outer::deep::#2", "pass");
	check_outcome("unit/outer", "fail");
}

Test(tap, point_without_description_is_named_by_its_number)
{
	read_golden("tap/perl.tap", NULL);
	check_outcome("unit/#3", "skip");
	check_outcome("unit/#8", "pass");
}

Test(tap, skipped_subtest_is_named_by_its_announcement)
{
	read_golden("tap/perl.tap", NULL);
	check_outcome("unit/skipall", "skip");
}

Test(tap, same_description_twice_takes_the_worst)
{
	read_golden("tap/perl.tap", NULL);
	check_outcome("unit/same", "fail");
}

Test(tap, stream_that_is_skipped_whole_executed_nothing)
{
	read_golden("tap/perl-skip-all.tap", NULL);
	check_no_problem();
	check_executed(0);
}

Test(tap, bail_out_is_a_problem)
{
	read_golden("tap/perl-bail.tap", NULL);
	check_problem("bailed out: disk on fire");
	check_outcome("unit/one", "pass");
}

Test(tap, fewer_points_than_planned_are_a_problem)
{
	read_golden("tap/perl-short.tap", NULL);
	check_problem("plans 3 tests and holds only 1");
}

Test(tap, passing_perl_run_is_complete)
{
	read_golden("tap/perl-ok.tap", NULL);
	check_no_problem();
	check_executed(2);
}

Test(tap, bats_outcomes_are_read)
{
	read_golden("tap/bats.tap", NULL);
	check_no_problem();
	check_outcome("unit/passes", "pass");
	check_outcome("unit/fails", "fail");
	check_outcome("unit/skips", "skip");
	check_outcome("unit/skips bare", "skip");
	check_note("unit/fails", "some output");
}

Test(tap, hash_without_a_directive_belongs_to_the_description)
{
	read_golden("tap/bats.tap", NULL);
	check_outcome("unit/hash # in name", "pass");
}

Test(tap, skip_after_not_ok_is_skip)
{
	read_golden("tap/bats-13.tap", NULL);
	check_no_problem();
	check_outcome("unit/skips", "skip");
	check_note("unit/fails", "some output");
}

Test(tap, bats_empty_file_executed_nothing)
{
	read_golden("tap/bats-empty.tap", NULL);
	check_no_problem();
	check_executed(0);
}

Test(tap, bats_filter_without_match_executed_nothing)
{
	read_golden("tap/bats-nomatch.tap", NULL);
	check_no_problem();
	check_executed(0);
}

/* the specification, version 14 */

Test(tap, version_14_subtests_bare_or_announced_are_read)
{
	read_golden("tap/subtests-14.tap", NULL);
	check_no_problem();
	check_outcome("unit/first.t::a", "pass");
	check_outcome("unit/first.t", "pass");
	check_outcome("unit/second.t::c", "pass");
	check_outcome("unit/second.t::d::deeper", "pass");
	check_outcome("unit/not written yet", "skip");
}

Test(tap, time_directive_is_a_duration_and_no_part_of_the_description)
{
	read_golden("tap/subtests-14.tap", NULL);
	cr_expect_float_eq(rt_results_find(&seen, "unit/first.t")->duration_ms, 12.5f, 0.01f);
}

Test(tap, points_in_any_order_are_complete)
{
	read_text("tap", "1..3\nok 3 - c\nok 1 - a\nok 2 - b\n");
	check_no_problem();
	check_executed(3);
}

Test(tap, missing_plan_is_a_problem_in_every_version)
{
	read_text("tap", "ok 1 - a\n");
	check_problem("has no plan");
	tidy();
	read_text("tap", "TAP version 13\nok 1 - a\n");
	check_problem("has no plan");
	tidy();
	read_text("tap", "TAP version 14\nok 1 - a\n");
	check_problem("has no plan");
}

Test(tap, empty_stream_is_a_problem)
{
	read_text("tap", "");
	check_problem("holds no TAP at all");
}

Test(tap, output_without_tap_is_a_problem)
{
	read_text("tap", "Segmentation fault\n");
	check_problem("holds no TAP at all");
}

Test(tap, script_that_dies_before_its_plan_is_a_failed_case_of_its_own)
{
	as_script = "t/a.t";
	read_text("tap", "");
	check_no_problem();
	check_outcome("unit/t/a.t::(ran)", "error");
	check_note("unit/t/a.t::(ran)", "holds no TAP at all");
	check_cases(1);
}

Test(tap, script_that_dies_before_its_last_test_keeps_those_that_ran)
{
	as_script = "t/a.t";
	read_text("tap", "1..3\nok 1 - a\nok 2 - b\n");
	check_no_problem();
	check_outcome("unit/a", "pass");
	check_outcome("unit/t/a.t::(ran)", "error");
	check_note("unit/t/a.t::(ran)", "plans 3 tests and holds only 2");
}

Test(tap, script_that_came_to_its_end_is_a_case_whatever_its_tests_say)
{
	as_script = "t/a.t";
	read_text("tap", "1..2\nok 1 - a\nnot ok 2 - b\n");
	check_outcome("unit/t/a.t::(ran)", "pass");
	check_executed(3);
}

Test(tap, script_that_skips_all_executed_nothing)
{
	as_script = "t/a.t";
	read_text("tap", "1..0 # SKIP no perl\n");
	check_outcome("unit/t/a.t::(ran)", "skip");
	tidy();
	as_script = "t/a.t";
	read_text("tap", "1..1\nok 1 - a # SKIP no perl\n");
	check_outcome("unit/t/a.t::(ran)", "skip");
	check_executed(0);
}

Test(tap, script_with_a_second_plan_is_a_problem_all_the_same)
{
	as_script = "t/a.t";
	read_text("tap", "1..1\nok 1 - a\n1..1\n");
	check_problem("report:3: has a second plan");
}

Test(tap, second_plan_is_a_problem)
{
	read_text("tap", "1..1\nok 1 - a\n1..1\n");
	check_problem("report:3: has a second plan");
}

Test(tap, point_after_the_plan_that_ended_the_stream_is_a_problem)
{
	read_text("tap", "ok 1 - a\n1..1\nok 2 - forged\n");
	check_problem("has a test after the plan");
	check_problem("test 2 is outside of the plan");
}

Test(tap, number_outside_of_the_plan_is_a_problem)
{
	read_text("tap", "1..2\nok 1 - a\nok 3 - b\n");
	check_problem("test 3 is outside of the plan");
}

Test(tap, number_outside_of_a_plan_that_comes_last_is_a_problem)
{
	read_text("tap", "ok 1 - a\nok 3 - b\n1..2\n");
	check_problem("test 3 is outside of the plan");
}

Test(tap, number_0_is_outside_of_the_plan)
{
	read_text("tap", "1..1\nok 0 - a\n");
	check_problem("test 0 is outside of the plan");
}

Test(tap, huge_plan_with_a_huge_number_is_not_met)
{
	read_text("tap", "ok 99999999999999999999 - a\n1..99999999999999999999\n");
	check_problem("plans 4294967295 tests and holds only 1");
}

Test(tap, same_number_twice_is_a_problem)
{
	read_text("tap", "1..2\nok 1 - a\nok 1 - forged\n");
	check_problem("report:3: test 1 is there twice");
}

Test(tap, same_number_twice_out_of_turn_is_a_problem)
{
	read_text("tap", "1..4\nok 3 - a\nok 4 - b\nok 3 - forged\nok 1 - c\n");
	check_problem("report:4: test 3 is there twice");
	cr_expect_eq(seen.problems.n, 1);
}

Test(tap, points_of_a_stream_that_plans_none_are_outside_of_the_plan)
{
	read_text("tap", "1..0 # SKIP nothing\nok 1 - a\n");
	check_problem("test 1 is outside of the plan");
}

Test(tap, unnumbered_points_count_up)
{
	read_text("tap", "1..2\nok - a\nnot ok b\n");
	check_no_problem();
	check_outcome("unit/a", "pass");
	check_outcome("unit/b", "fail");
}

Test(tap, second_stream_is_a_problem)
{
	read_text("tap", "TAP version 13\n1..1\nok 1 - a\nTAP version 13\n");
	check_problem("report:4: has a second stream");
}

Test(tap, unknown_version_is_a_problem)
{
	read_text("tap", "TAP version 15\n1..1\nok 1 - a\n");
	check_problem("is of TAP version 15");
}

Test(tap, bail_out_counts_in_any_case_and_at_any_depth)
{
	read_text("tap", "1..1\n      bail OUT! enough\nok 1 - a\n");
	check_problem("bailed out: enough");
}

Test(tap, directives_are_read_in_any_case)
{
	read_text("tap", "1..4\nok 1 - a # sKiP\nnot ok 2 - b # ToDo x\nok 3 - c # skipped: why\nok 4 - d #SKIP\n");
	check_no_problem();
	check_outcome("unit/a", "skip");
	check_outcome("unit/b", "skip");
	check_outcome("unit/c", "skip");
	check_outcome("unit/d", "skip");
}

Test(tap, escaped_hash_begins_no_directive)
{
	read_text("tap", "1..1\nnot ok 1 - a \\# TODO not really\n");
	check_outcome("unit/a # TODO not really", "fail");
}

Test(tap, word_that_only_begins_like_a_directive_is_none)
{
	read_text("tap", "1..2\nnot ok 1 - a # todos remain\nnot ok 2 - b # skipping rope\n");
	check_outcome("unit/a # todos remain", "fail");
	check_outcome("unit/b # skipping rope", "fail");
}

Test(tap, line_that_only_begins_like_a_point_is_none)
{
	read_text("tap", "1..1\nokay\nnot okay\nok 1 - a\n");
	check_no_problem();
	check_cases(1);
}

Test(tap, failing_point_of_a_subtest_below_an_ok_verdict_is_still_a_failure)
{
	read_text("tap", "TAP version 14\n1..1\n    1..1\n    not ok 1 - in\nok 1 - out\n");
	check_outcome("unit/out::in", "fail");
	check_outcome("unit/out", "pass");
}

Test(tap, todo_verdict_covers_its_subtest)
{
	read_text("tap", "TAP version 14\n1..1\n    1..1\n    not ok 1 - in\nnot ok 1 - out # TODO\n");
	check_outcome("unit/out::in", "skip");
	check_outcome("unit/out", "skip");
}

Test(tap, failing_verdict_above_passing_points_is_a_failure)
{
	read_text("tap", "1..1\n    ok 1 - in\n    1..1\nnot ok 1 - out\n");
	check_no_problem();
	check_outcome("unit/out::in", "pass");
	check_outcome("unit/out", "fail");
}

Test(tap, incomplete_subtest_below_an_ok_verdict_is_a_problem)
{
	read_text("tap", "1..1\n    1..2\n    ok 1 - in\nok 1 - out\n");
	check_problem("report:2: plans 2 tests and holds only 1");
}

Test(tap, incomplete_subtest_below_a_failing_verdict_is_not)
{
	read_text("tap", "1..1\n    1..2\n    ok 1 - in\nnot ok 1 - out\n");
	check_no_problem();
}

Test(tap, subtest_without_verdict_is_a_problem)
{
	read_text("tap", "1..1\nok 1 - a\n    1..1\n    ok 1 - lost\n");
	check_problem("has a subtest without a test point after it");
	check_outcome("unit/lost", "pass");
}

Test(tap, subtests_nested_deeper_than_the_limit_are_a_problem)
{
	struct rt_buf text = RT_BUF_INIT;

	rt_buf_adds(&text, "1..1\n");
	for (int i = 0; i < 100; i++)
		rt_buf_adds(&text, "    ");
	rt_buf_adds(&text, "ok 1 - deep\nok 1 - a\n");
	read_bytes("tap", NULL, text.data, text.len);
	rt_buf_release(&text);
	check_problem("subtests are nested deeper than 16");
}

Test(tap, points_within_yaml_are_not_points)
{
	read_text("tap",
		  "TAP version 14\n1..1\nnot ok 1 - a\n  ---\n  out: |\n    ok 2 - forged\nok 3 - forged\n  ...\n");
	check_no_problem();
	check_cases(1);
	check_note("unit/a", "forged");
}

Test(tap, yaml_that_does_not_end_is_a_problem)
{
	read_text("tap", "TAP version 14\n1..2\nok 1 - a\n  ---\n  x: y\nok 2 - b\n");
	check_problem("report:4: has a YAML block that does not end");
	check_problem("plans 2 tests and holds only 1");
}

Test(tap, dashes_that_follow_no_point_begin_no_yaml)
{
	read_text("tap", "1..1\n  --- a/file\nok 1 - a\n");
	check_no_problem();
	check_outcome("unit/a", "pass");
}

Test(tap, comments_after_a_failure_are_its_note)
{
	read_text("tap", "1..2\nnot ok 1 - a\n#   Failed test 'a'\n#   at line 3\nok 2 - b\n# other\n");
	cr_expect_str_eq(note_of("unit/a"), "Failed test 'a'\nat line 3");
	cr_expect_str_eq(note_of("unit/b"), "");
}

Test(tap, long_description_around_many_points_is_a_problem)
{
	struct rt_buf text = RT_BUF_INIT;

	rt_buf_adds(&text, "1..1\n");
	for (int i = 0; i < 1000; i++)
		rt_buf_addf(&text, "    ok %d - %d\n", i + 1, i);
	rt_buf_adds(&text, "    1..1000\nok 1 - ");
	rt_buf_reserve(&text, 1 << 20);
	memset(text.data + text.len, 'x', 1 << 20);
	text.len += 1 << 20;
	read_bytes("tap", NULL, text.data, text.len);
	rt_buf_release(&text);
	check_problem("too many tests in subtests with too long descriptions");
	cr_expect_lt(seen.cases.n, 200);
}

/* "ok 2 # SKIP no disk" that was cut within its directive would be a pass. */
Test(tap, a_point_that_has_no_end_of_line_is_a_problem)
{
	read_text("tap", "1..2\nok 1 - a\nok 2 - b # SK");
	check_problem("report:3: ends within a line");
	tidy();
	read_text("tap", "ok 1 - a\nok 2 - b\n1..2");
	check_no_problem();
}
