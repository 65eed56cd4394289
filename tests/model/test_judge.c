#include <criterion/criterion.h>

#include <string.h>

#include "kit.h"

TestSuite(judge, .init = kit_start, .fini = kit_finish);
TestSuite(second_look, .init = kit_start, .fini = kit_finish);

/* A cell `unit` whose runs saw what the words say; NULL: that run was not made. */
static size_t
unit(const char *first, const char *second, const char *base)
{
	size_t cell = kit_cell("unit", RT_KIND_CASES);

	kit_ran(cell, KIT_FIRST, first);
	if (second)
		kit_ran(cell, KIT_SECOND, second);
	if (base)
		kit_ran(cell, KIT_BASE, base);
	return cell;
}

static void
regressed(const char *id, const char *was, const char *now)
{
	const struct rt_change *change;

	cr_assert_eq(kit_judge(), RT_VERDICT_REGRESSED);
	change = kit_find(&kit.out.regressions, id);
	cr_assert_not_null(change, "%s did not regress", id);
	cr_assert_str_eq(change->was, was);
	cr_assert_str_eq(change->now, now);
}

static void
inconclusive(const char *id, const char *word)
{
	cr_assert_eq(kit_judge(), RT_VERDICT_INCONCLUSIVE);
	cr_assert(kit_unproven(id, word), "unproven: %s", kit.out.unproven.n ? kit.out.unproven.at[0] : "nothing");
	cr_assert_eq(kit.out.regressions.n, 0);
}

static void
lands(void)
{
	cr_assert_eq(kit_judge(), RT_VERDICT_WOULD_LAND, "%s", kit.out.unproven.n ? kit.out.unproven.at[0] : "");
}

Test(judge, verdicts_have_names_and_exit_codes)
{
	enum rt_verdict verdict;

	cr_assert_eq(rt_verdict_parse("would-land", &verdict), 0);
	cr_assert_eq(verdict, RT_VERDICT_WOULD_LAND);
	cr_assert_eq(rt_verdict_exit(RT_VERDICT_REGRESSED), 1);
	cr_assert_str_eq(rt_verdict_name(RT_VERDICT_NOOP), "noop");
	cr_assert_eq(rt_verdict_parse("fine", &verdict), -1);
}

Test(judge, all_green_would_land)
{
	kit_line("unit/a pass - 0");
	cr_assert_not(kit_red(unit("a=pass", NULL, NULL)));
	lands();
	cr_assert_eq(kit.out.gains.n, 0);
	cr_assert_str_eq(kit_raised("unit/a"), "pass - 0");
}

Test(judge, nothing_run_is_inconclusive)
{
	inconclusive("no cell", "run");
}

Test(judge, a_known_case_is_red_by_anything_but_a_pass)
{
	static const char *const seen[] = {"a=fail b=pass", "a=error b=pass", "a=skip b=pass", "b=pass"};
	size_t i;

	kit_line("unit/a pass - 0");
	for (i = 0; i < RT_COUNT(seen); i++) {
		cr_assert(kit_red(unit(seen[i], NULL, NULL)), "%s", seen[i]);
		rt_trial_release(&kit.trials[0]);
		free(kit.cells[0].name);
		kit.input.n = 0;
		memset(kit.trials, 0, sizeof(kit.trials));
	}
}

Test(judge, a_failing_new_case_takes_a_second_look)
{
	cr_assert(kit_red(unit("a=pass b=fail", NULL, NULL)));
}

Test(judge, a_skipped_new_case_takes_none)
{
	cr_assert_not(kit_red(unit("a=pass b=skip", NULL, NULL)));
	lands();
	cr_assert_str_eq(kit_raised("unit/b"), "");
}

Test(judge, a_new_passing_case_enters_and_is_a_gain)
{
	unit("a=pass:3 b=pass", NULL, NULL);
	lands();
	cr_assert_str_eq(kit_raised("unit/a"), "pass 3 0");
	cr_assert_str_eq(kit_raised("unit/b"), "pass - 0");
	cr_assert_str_eq(kit_find(&kit.out.gains, "unit/a")->was, "absent");
	cr_assert_str_eq(kit_find(&kit.out.gains, "unit/a")->now, "pass");
	cr_assert(kit.out.raised.sealed);
}

Test(judge, new_lines_stand_in_order_among_the_old)
{
	size_t i;

	kit_line("unit/b pass - 0");
	kit_line("unit/d pass - 0");
	unit("e=pass a=pass d=pass c=pass b=pass", NULL, NULL);
	lands();
	cr_assert_eq(kit.out.raised.lines.n, 5);
	for (i = 0; i < 5; i++)
		cr_assert_eq(kit.out.raised.lines.at[i].id[5], (char)('a' + i));
}

Test(judge, cells_that_are_not_in_the_plan_keep_their_lines)
{
	kit_line("slow/a pass 4 2");
	kit_line("unit/a pass - 0");
	kit_line("unit[x=1]/a pass - 0");
	unit("a=pass", NULL, NULL);
	lands();
	cr_assert_str_eq(kit_raised("slow/a"), "pass 4 2");
	cr_assert_str_eq(kit_raised("unit[x=1]/a"), "pass - 0");
}

Test(judge, a_blocked_cell_takes_no_second_look_and_is_inconclusive)
{
	size_t cell = kit_cell("unit", RT_KIND_CASES);

	kit_line("unit/a pass - 0");
	kit_ended(cell, KIT_FIRST, RT_CELL_BLOCKED);
	cr_assert_not(kit_red(cell));
	inconclusive("unit", "blocked");
}

Test(judge, a_cell_that_was_not_run_is_inconclusive)
{
	kit_cell("unit", RT_KIND_CASES);
	inconclusive("unit", "not run");
}

Test(judge, hung_killed_and_broken_cells_take_a_second_look)
{
	size_t cell = kit_cell("unit", RT_KIND_CASES);

	kit_ended(cell, KIT_FIRST, RT_CELL_TIMEOUT);
	cr_assert(kit_red(cell));
	kit_ended(cell, KIT_FIRST, RT_CELL_KILLED);
	cr_assert(kit_red(cell));
	kit_ended(cell, KIT_FIRST, RT_CELL_BROKEN);
	cr_assert(kit_red(cell));
}

Test(judge, a_flaky_case_may_fail_and_one_pass_does_not_make_it_steady)
{
	kit_line("unit/a flaky 0.5 1");
	kit_line("unit/b flaky - 1");
	cr_assert(kit_red(unit("a=fail b=pass", "a=pass b=pass", "a=pass b=pass")));
	lands();
	cr_assert_str_eq(kit_raised("unit/a"), "flaky 0.5 1");
	cr_assert_str_eq(kit_raised("unit/b"), "flaky - 1");
}

Test(judge, a_gone_case_rises_to_pass_within_its_epoch)
{
	kit_line("unit/a gone - 3");
	unit("a=pass:2", NULL, NULL);
	lands();
	cr_assert_str_eq(kit_raised("unit/a"), "pass 2 3");
	cr_assert_str_eq(kit_find(&kit.out.gains, "unit/a")->now, "pass");
}

Test(judge, a_gone_case_may_stay_away_or_fail)
{
	kit_line("unit/a gone - 3");
	kit_line("unit/b gone - 1");
	cr_assert_not(kit_red(unit("b=fail c=pass", NULL, NULL)));
	lands();
	cr_assert_str_eq(kit_raised("unit/a"), "gone - 3");
	cr_assert_str_eq(kit_raised("unit/b"), "gone - 1");
}

Test(judge, more_assertions_raise_the_count_and_are_a_gain)
{
	kit_line("unit/a pass 2 1");
	unit("a=pass:5", NULL, NULL);
	lands();
	cr_assert_str_eq(kit_raised("unit/a"), "pass 5 1");
	cr_assert_str_eq(kit_find(&kit.out.gains, "unit/a")->was, "2");
	cr_assert_str_eq(kit_find(&kit.out.gains, "unit/a")->now, "5");
}

Test(judge, of_several_runs_the_smallest_assertion_count_is_recorded)
{
	kit_line("unit/z pass - 0");
	unit("a=pass:5 z=pass", "a=pass:3 z=pass", "z=pass");
	lands();
	cr_assert_str_eq(kit_raised("unit/a"), "pass 3 0");
}

Test(judge, fewer_assertions_are_no_regression_while_some_are_left)
{
	kit_line("unit/a pass 5 0");
	cr_assert_not(kit_red(unit("a=pass:1", NULL, NULL)));
	lands();
	cr_assert_str_eq(kit_raised("unit/a"), "pass 5 0");
}

Test(judge, a_count_that_is_not_reported_any_more_does_not_lower_it)
{
	kit_line("unit/a pass 5 0");
	cr_assert_not(kit_red(unit("a=pass", NULL, NULL)));
	lands();
	cr_assert_str_eq(kit_raised("unit/a"), "pass 5 0");
}

Test(judge, a_fall_to_no_assertions_at_all_is_a_regression)
{
	kit_line("unit/a pass 5 0");
	cr_assert(kit_red(unit("a=pass:0", "a=pass:0", "a=pass:5")));
	regressed("unit/a", "5", "0");
}

Test(judge, strict_assertions_make_any_fall_a_regression)
{
	kit.config.assertions_strict = true;
	kit_line("unit/a pass 5 0");
	cr_assert(kit_red(unit("a=pass:4", "a=pass:4", "a=pass:5")));
	regressed("unit/a", "5", "4");
}

Test(judge, strict_assertions_want_the_count_reported)
{
	kit.config.assertions_strict = true;
	kit_line("unit/a pass 5 0");
	cr_assert(kit_red(unit("a=pass", "a=pass", "a=pass:5")));
	regressed("unit/a", "5", "absent");
}

/* Second look */

Test(second_look, red_twice_and_green_on_the_base_is_a_regression_with_its_output)
{
	kit_line("unit/a pass - 0");
	unit("a=fail b=pass", "a=fail b=pass", "a=pass b=pass");
	regressed("unit/a", "pass", "fail");
	cr_assert_str_eq(kit_find(&kit.out.regressions, "unit/a")->excerpt, "note of unit/a");
	cr_assert_eq(kit.out.regressions.n, 1);
}

Test(second_look, absent_twice_is_a_regression)
{
	kit_line("unit/a pass - 0");
	unit("b=pass", "b=pass", "a=pass");
	regressed("unit/a", "pass", "absent");
	cr_assert_null(kit_find(&kit.out.regressions, "unit/a")->excerpt);
}

Test(second_look, skipped_twice_is_a_regression)
{
	kit_line("unit/a pass - 0");
	unit("a=skip b=pass", "a=skip b=pass", "a=pass");
	regressed("unit/a", "pass", "skip");
}

Test(second_look, red_in_different_ways_is_red_twice)
{
	kit_line("unit/a pass - 0");
	unit("a=error b=pass", "b=pass", "a=pass");
	regressed("unit/a", "pass", "error");
}

Test(second_look, red_and_then_green_is_inconclusive_and_named)
{
	kit_line("unit/a pass - 0");
	unit("a=fail", "a=pass", "a=pass");
	inconclusive("unit/a", "in one run and not in another");
}

Test(second_look, green_and_then_red_is_inconclusive_too)
{
	kit_line("unit/a pass - 0");
	kit_line("unit/b pass - 0");
	unit("a=pass b=fail", "a=fail b=pass", "a=pass b=pass");
	inconclusive("unit/a", "in one run and not in another");
}

Test(second_look, red_on_the_base_as_well_is_inconclusive_and_names_the_target)
{
	kit_line("unit/a pass - 0");
	unit("a=fail", "a=fail", "a=fail");
	inconclusive("unit/a", "target itself");
}

Test(second_look, without_a_base_run_nothing_is_shown)
{
	kit_line("unit/a pass - 0");
	unit("a=fail", "a=fail", NULL);
	inconclusive("unit/a", "was not run");
}

Test(second_look, with_a_broken_base_nothing_is_shown)
{
	kit_line("unit/a pass - 0");
	unit("a=fail", "a=fail", NULL);
	kit_ended(0, KIT_BASE, RT_CELL_BROKEN);
	inconclusive("unit/a", "no sound evidence");
}

Test(second_look, without_a_second_run_nothing_is_shown)
{
	kit_line("unit/a pass - 0");
	unit("a=fail", NULL, "a=pass");
	inconclusive("unit/a", "was not run a second time");
}

Test(second_look, red_and_then_broken_is_inconclusive)
{
	kit_line("unit/a pass - 0");
	unit("a=fail", NULL, "a=pass");
	kit_ended(0, KIT_SECOND, RT_CELL_BROKEN);
	inconclusive("unit/a", "no sound evidence");
}

Test(second_look, red_and_then_hung_is_a_regression)
{
	kit_line("unit/a pass - 0");
	unit("a=fail", NULL, "a=pass");
	kit_ended(0, KIT_SECOND, RT_CELL_TIMEOUT);
	regressed("unit/a", "pass", "fail");
}

Test(second_look, green_and_then_hung_is_inconclusive)
{
	kit_line("unit/a pass - 0");
	unit("a=pass", NULL, "a=pass");
	kit_ended(0, KIT_SECOND, RT_CELL_TIMEOUT);
	inconclusive("unit", "timed out");
}

Test(second_look, a_new_case_that_fails_everywhere_changes_nothing)
{
	unit("a=fail b=pass", "a=fail b=pass", "a=fail b=pass");
	lands();
	cr_assert(kit_unproven("unit/a fails, and is not in the baseline", ""));
	cr_assert_str_eq(kit_raised("unit/a"), "");
	cr_assert_str_eq(kit_raised("unit/b"), "pass - 0");
}

Test(second_look, a_new_case_that_the_base_does_not_have_changes_nothing)
{
	unit("a=fail b=pass", "a=fail b=pass", "b=pass");
	lands();
	cr_assert(kit_unproven("unit/a fails, and is not in the baseline", ""));
}

Test(second_look, a_new_case_that_the_base_passes_is_a_regression)
{
	unit("a=fail b=pass", "a=fail b=pass", "a=pass b=pass");
	regressed("unit/a", "pass", "fail");
}

Test(second_look, a_new_case_that_fails_without_a_base_run_is_inconclusive)
{
	unit("a=fail b=pass", "a=fail b=pass", NULL);
	inconclusive("unit/a", "base");
}

Test(second_look, a_new_case_that_fails_once_is_inconclusive)
{
	unit("a=fail b=pass", "a=pass b=pass", "b=pass");
	inconclusive("unit/a", "in one run");
}

Test(second_look, a_new_case_enters_only_when_it_passed_in_every_run)
{
	kit_line("unit/z pass - 0");
	unit("a=pass b=pass z=fail", "a=pass b=skip z=fail", "z=fail");
	kit_judge();
	cr_assert_str_eq(kit_raised("unit/a"), "pass - 0");
	cr_assert_str_eq(kit_raised("unit/b"), "");
}

Test(second_look, a_new_case_that_failed_on_the_base_may_enter)
{
	unit("a=pass b=fail", "a=pass b=fail", "a=fail b=fail");
	lands();
	cr_assert_str_eq(kit_raised("unit/a"), "pass - 0");
}

Test(second_look, an_exit_case_that_the_base_does_not_have_is_a_regression)
{
	unit("a=pass (exit)=error", "a=pass (exit)=error", "a=pass");
	regressed("unit/(exit)", "pass", "error");
	cr_assert_str_eq(kit_raised("unit/(exit)"), "");
}

Test(second_look, an_exit_case_on_the_base_as_well_is_inconclusive)
{
	unit("a=pass (exit)=error", "a=pass (exit)=error", "a=pass (exit)=error");
	inconclusive("unit/(exit)", "target itself");
}

Test(second_look, an_exit_case_in_the_second_run_alone_is_inconclusive)
{
	kit_line("unit/a pass - 0");
	unit("a=pass b=fail", "a=pass b=fail (exit)=error", "a=pass b=fail");
	inconclusive("unit/(exit)", "in one run");
}

Test(second_look, hung_twice_while_the_base_ends_is_a_regression_of_the_cell)
{
	size_t cell = kit_cell("unit", RT_KIND_CASES);

	kit_line("unit/a pass - 0");
	kit_ended(cell, KIT_FIRST, RT_CELL_TIMEOUT)->tail = rt_strdup("waiting for port");
	kit_ended(cell, KIT_SECOND, RT_CELL_TIMEOUT);
	kit_ran(cell, KIT_BASE, "a=pass");
	regressed("unit/(exit)", "pass", "error");
	cr_assert_str_eq(kit.out.regressions.at[0].excerpt, "timed out twice: waiting for port");
}

Test(second_look, killed_and_hung_is_hung_twice)
{
	size_t cell = kit_cell("unit", RT_KIND_CASES);

	kit_ended(cell, KIT_FIRST, RT_CELL_KILLED);
	rt_results_problem(&kit.trials[cell].first.results, "killed by signal 11");
	kit_ended(cell, KIT_SECOND, RT_CELL_TIMEOUT);
	kit_ran(cell, KIT_BASE, "a=pass");
	regressed("unit/(exit)", "pass", "error");
	cr_assert_str_eq(kit.out.regressions.at[0].excerpt, "was killed twice: killed by signal 11");
}

Test(second_look, hung_on_the_base_as_well_is_inconclusive)
{
	size_t cell = kit_cell("unit", RT_KIND_CASES);

	kit_ended(cell, KIT_FIRST, RT_CELL_TIMEOUT);
	kit_ended(cell, KIT_SECOND, RT_CELL_TIMEOUT);
	kit_ended(cell, KIT_BASE, RT_CELL_TIMEOUT);
	inconclusive("unit", "on the base it timed out");
}

Test(second_look, hung_once_is_inconclusive)
{
	size_t cell = kit_cell("unit", RT_KIND_CASES);

	kit_line("unit/a pass - 0");
	kit_ended(cell, KIT_FIRST, RT_CELL_TIMEOUT);
	kit_ran(cell, KIT_SECOND, "a=pass");
	kit_ran(cell, KIT_BASE, "a=pass");
	inconclusive("unit", "timed out, and then gave its evidence");
}

Test(second_look, broken_twice_is_inconclusive_with_the_problems)
{
	size_t cell = kit_cell("unit", RT_KIND_CASES);

	kit_ended(cell, KIT_FIRST, RT_CELL_BROKEN);
	kit_ended(cell, KIT_SECOND, RT_CELL_BROKEN);
	rt_results_problem(&kit.trials[cell].second->results, "no report was written");
	kit_ran(cell, KIT_BASE, "a=pass");
	inconclusive("unit", "no report was written");
}

Test(second_look, only_the_first_of_many_problems_are_named)
{
	size_t cell = kit_cell("unit", RT_KIND_CASES), i;

	kit_ended(cell, KIT_FIRST, RT_CELL_BROKEN);
	kit_ended(cell, KIT_SECOND, RT_CELL_BROKEN);
	for (i = 0; i < 60; i++)
		rt_results_problem(&kit.trials[cell].second->results, "t/%zu.t holds no TAP at all", i);
	kit_ran(cell, KIT_BASE, "a=pass");
	inconclusive("unit", "t/4.t holds no TAP at all; and 55 more");
}

Test(second_look, broken_once_is_inconclusive)
{
	size_t cell = kit_cell("unit", RT_KIND_CASES);

	kit_line("unit/a pass - 0");
	kit_ended(cell, KIT_FIRST, RT_CELL_BROKEN);
	rt_results_problem(&kit.trials[cell].first.results, "report.xml: not well formed");
	kit_ran(cell, KIT_SECOND, "a=pass");
	kit_ran(cell, KIT_BASE, "a=pass");
	inconclusive("unit", "not well formed");
}

Test(second_look, a_regression_outweighs_what_is_inconclusive)
{
	size_t other;

	kit_line("unit/a pass - 0");
	unit("a=fail", "a=fail", "a=pass");
	other = kit_cell("web", RT_KIND_CASES);
	kit_ended(other, KIT_FIRST, RT_CELL_BLOCKED);
	regressed("unit/a", "pass", "fail");
	cr_assert(kit_unproven("web", "blocked"));
}

Test(second_look, a_preparation_that_fails_while_the_base_prepares_is_a_regression)
{
	size_t cell = kit_cell("deps", RT_KIND_PREPARE);

	kit_ran(cell, KIT_FIRST, "(exit)=error");
	kit_ran(cell, KIT_SECOND, "(exit)=error");
	kit_ran(cell, KIT_BASE, "");
	cr_assert(kit_red(cell));
	regressed("deps/(exit)", "pass", "error");
}

Test(second_look, a_preparation_leaves_nothing_in_the_baseline)
{
	kit_ran(kit_cell("deps", RT_KIND_PREPARE), KIT_FIRST, "a=pass");
	lands();
	cr_assert_eq(kit.out.raised.lines.n, 0);
}
