#include <criterion/criterion.h>

#include <string.h>

#include "kit.h"

TestSuite(metric, .init = kit_start, .fini = kit_finish);
TestSuite(findings, .init = kit_start, .fini = kit_finish);
TestSuite(waived, .init = kit_start, .fini = kit_finish);
TestSuite(renamed, .init = kit_start, .fini = kit_finish);
TestSuite(adoption, .init = kit_start, .fini = kit_finish);
TestSuite(probation, .init = kit_start, .fini = kit_finish);

static size_t
cell_of(const char *name, enum rt_kind kind, const char *first, const char *second, const char *base)
{
	size_t cell = kit_cell(name, kind);

	kit_ran(cell, KIT_FIRST, first);
	if (second)
		kit_ran(cell, KIT_SECOND, second);
	if (base)
		kit_ran(cell, KIT_BASE, base);
	return cell;
}

static size_t
size(const char *first, const char *second, const char *base)
{
	return cell_of("size", RT_KIND_METRIC, first, second, base);
}

static size_t
lint(const char *first, const char *second, const char *base)
{
	return cell_of("lint", RT_KIND_FINDINGS, first, second, base);
}

static size_t
unit(const char *first, const char *second, const char *base)
{
	return cell_of("unit", RT_KIND_CASES, first, second, base);
}

static void
verdict_is(enum rt_verdict verdict)
{
	cr_assert_eq(kit_judge(), verdict, "%s: %s", rt_verdict_name(kit.out.verdict),
		     kit.out.unproven.n ? kit.out.unproven.at[0] : "");
}

static void
line_is(const char *id, const char *line)
{
	cr_assert_str_eq(kit_raised(id), line, "%s: %s", id, kit_raised(id));
}

/* Metrics */

Test(metric, enters_in_the_direction_of_its_check)
{
	size("(ran)=pass m:12.5", NULL, NULL);
	verdict_is(RT_VERDICT_WOULD_LAND);
	line_is("size/size", "lower 12.5 0");
	line_is("size/(ran)", "pass - 0");
	cr_assert_eq(kit.out.gains.n, 1);
	cr_assert_str_eq(kit.out.gains.at[0].now, "12.5");
}

Test(metric, moves_its_bar_when_it_is_better)
{
	kit_line("size/(ran) pass - 0");
	kit_line("size/size lower 12.5 2");
	size("(ran)=pass m:12", NULL, NULL);
	verdict_is(RT_VERDICT_WOULD_LAND);
	line_is("size/size", "lower 12 2");
	cr_assert_str_eq(kit_find(&kit.out.gains, "size/size")->was, "12.5");
	cr_assert_str_eq(kit_find(&kit.out.gains, "size/size")->now, "12");
}

Test(metric, within_the_margin_is_green_and_keeps_the_bar)
{
	size_t cell;

	kit_line("size/(ran) pass - 0");
	kit_line("size/size lower 100 0");
	cell = size("(ran)=pass m:100.5", NULL, NULL);
	kit.checks[cell].margin = 0.005;
	cr_assert_not(kit_red(cell));
	verdict_is(RT_VERDICT_WOULD_LAND);
	line_is("size/size", "lower 100 0");
}

Test(metric, beyond_the_margin_is_a_regression_in_numbers)
{
	size_t cell;

	kit_line("size/(ran) pass - 0");
	kit_line("size/size lower 100 0");
	cell = size("(ran)=pass m:100.6", "(ran)=pass m:100.6", "(ran)=pass m:100");
	kit.checks[cell].margin = 0.005;
	cr_assert(kit_red(cell));
	verdict_is(RT_VERDICT_REGRESSED);
	cr_assert_str_eq(kit.out.regressions.at[0].id, "size/size");
	cr_assert_str_eq(kit.out.regressions.at[0].was, "100");
	cr_assert_str_eq(kit.out.regressions.at[0].now, "100.6");
	cr_assert_str_eq(kit.out.regressions.at[0].excerpt, "100.6 is more than 100 by over 0.5%");
}

Test(metric, of_a_negative_bar_the_margin_is_still_a_widening)
{
	size_t cell;

	kit_line("size/(ran) pass - 0");
	kit_line("size/size lower -100 0");
	cell = size("(ran)=pass m:-99.6", NULL, NULL);
	kit.checks[cell].margin = 0.005;
	cr_assert_not(kit_red(cell));
	kit.checks[cell].margin = 0.001;
	cr_assert(kit_red(cell));
}

Test(metric, where_more_is_better_less_is_red)
{
	size_t cell;

	kit_line("size/(ran) pass - 0");
	kit_line("size/size higher 80 0");
	cell = size("(ran)=pass m:79.9", "(ran)=pass m:79.9", "(ran)=pass m:80");
	kit.checks[cell].higher_better = true;
	verdict_is(RT_VERDICT_REGRESSED);
	cr_assert_str_eq(kit.out.regressions.at[0].now, "79.9");
}

Test(metric, of_several_samples_the_worst_counts)
{
	kit_line("size/(ran) pass - 0");
	kit_line("size/size lower 10 0");
	cr_assert(kit_red(size("(ran)=pass m:9 m:11 m:8", NULL, NULL)));
}

Test(metric, of_two_runs_the_worse_moves_the_bar)
{
	kit_line("size/(ran) pass - 0");
	kit_line("size/size lower 10 0");
	size("(ran)=pass m:8", "(ran)=pass m:9", NULL);
	verdict_is(RT_VERDICT_WOULD_LAND);
	line_is("size/size", "lower 9 0");
}

Test(metric, worse_on_the_base_as_well_is_inconclusive)
{
	kit_line("size/(ran) pass - 0");
	kit_line("size/size lower 10 0");
	size("(ran)=pass m:11", "(ran)=pass m:11", "(ran)=pass m:11");
	verdict_is(RT_VERDICT_INCONCLUSIVE);
	cr_assert(kit_unproven("size/size", "target itself"));
}

Test(metric, of_a_failed_command_is_the_exit_case_and_nothing_else)
{
	kit_line("size/(ran) pass - 0");
	kit_line("size/size lower 10 0");
	size("(exit)=error m:1", "(exit)=error m:1", "(ran)=pass m:10");
	verdict_is(RT_VERDICT_REGRESSED);
	cr_assert_eq(kit.out.regressions.n, 1);
	cr_assert_str_eq(kit.out.regressions.at[0].id, "size/(exit)");
	line_is("size/size", "lower 10 0");
}

Test(metric, judged_gone_enters_again_within_its_epoch)
{
	kit_line("size/(ran) pass - 0");
	kit_line("size/size gone - 4");
	size("(ran)=pass m:11", NULL, NULL);
	verdict_is(RT_VERDICT_WOULD_LAND);
	line_is("size/size", "lower 11 4");
}

/* Findings */

Test(findings, of_a_new_cell_enter_as_known)
{
	cr_assert_not(kit_red(lint("(ran)=pass f:one f:two f:one", NULL, NULL)));
	verdict_is(RT_VERDICT_WOULD_LAND);
	line_is("lint/(ran)", "pass - 0");
	line_is("lint/one", "known - 0");
	line_is("lint/two", "known - 0");
	cr_assert_eq(kit.out.raised.lines.n, 3);
	cr_assert_eq(kit.out.gains.n, 0);
}

Test(findings, a_clean_first_run_closes_the_list)
{
	lint("(ran)=pass", NULL, NULL);
	verdict_is(RT_VERDICT_WOULD_LAND);
	line_is("lint/(ran)", "pass - 0");
}

Test(findings, a_new_one_in_a_recorded_cell_is_a_regression)
{
	kit_line("lint/(ran) pass - 0");
	kit_line("lint/one known - 0");
	cr_assert(kit_red(lint("(ran)=pass f:one f:two", "(ran)=pass f:one f:two", "(ran)=pass f:one")));
	verdict_is(RT_VERDICT_REGRESSED);
	cr_assert_eq(kit.out.regressions.n, 1);
	cr_assert_str_eq(kit.out.regressions.at[0].id, "lint/two");
	cr_assert_str_eq(kit.out.regressions.at[0].was, "absent");
	cr_assert_str_eq(kit.out.regressions.at[0].now, "known");
	cr_assert_str_eq(kit.out.regressions.at[0].excerpt, "message");
	line_is("lint/two", "");
}

Test(findings, a_known_one_stays_known)
{
	kit_line("lint/(ran) pass - 0");
	kit_line("lint/one known - 0");
	cr_assert_not(kit_red(lint("(ran)=pass f:one", NULL, NULL)));
	verdict_is(RT_VERDICT_WOULD_LAND);
	line_is("lint/one", "known - 0");
}

Test(findings, a_fixed_one_is_gone_and_a_gain)
{
	kit_line("lint/(ran) pass - 0");
	kit_line("lint/one known - 2");
	lint("(ran)=pass", NULL, NULL);
	verdict_is(RT_VERDICT_WOULD_LAND);
	line_is("lint/one", "gone - 2");
	cr_assert_str_eq(kit.out.gains.at[0].was, "known");
	cr_assert_str_eq(kit.out.gains.at[0].now, "absent");
}

Test(findings, one_that_was_fixed_and_is_back_is_a_regression)
{
	kit_line("lint/(ran) pass - 0");
	kit_line("lint/one gone - 0");
	lint("(ran)=pass f:one", "(ran)=pass f:one", "(ran)=pass");
	verdict_is(RT_VERDICT_REGRESSED);
	cr_assert_str_eq(kit.out.regressions.at[0].id, "lint/one");
}

Test(findings, a_new_one_that_the_base_has_too_changes_nothing)
{
	kit_line("lint/(ran) pass - 0");
	lint("(ran)=pass f:two", "(ran)=pass f:two", "(ran)=pass f:two");
	verdict_is(RT_VERDICT_WOULD_LAND);
	cr_assert(kit_unproven("lint/two", "not in the baseline"));
	line_is("lint/two", "");
}

Test(findings, one_that_only_the_second_run_saw_is_inconclusive)
{
	kit_line("lint/(ran) pass - 0");
	lint("(ran)=pass", "(ran)=pass f:two", "(ran)=pass");
	verdict_is(RT_VERDICT_INCONCLUSIVE);
	cr_assert(kit_unproven("lint/two", "in one run"));
}

Test(findings, of_a_linter_that_failed_itself_fix_nothing)
{
	kit_line("lint/(ran) pass - 0");
	kit_line("lint/one known - 0");
	lint("(exit)=error", "(exit)=error", "(exit)=error");
	verdict_is(RT_VERDICT_INCONCLUSIVE);
	line_is("lint/one", "known - 0");
}

/* Waivers */

Test(waived, a_red_case_may_go_in_a_new_epoch)
{
	kit_line("unit/a pass 3 1");
	kit_waive("unit/a", RT_WAIVER_GONE, 1);
	cr_assert_not(kit_red(unit("b=pass", NULL, NULL)));
	verdict_is(RT_VERDICT_WOULD_LAND);
	line_is("unit/a", "gone - 2");
	cr_assert_eq(kit.out.waived.n, 1);
	cr_assert_str_eq(kit.out.waived.at[0], "unit/a");
}

Test(waived, a_green_case_is_left_alone)
{
	kit_line("unit/a pass 3 1");
	kit_waive("unit/*", RT_WAIVER_GONE, 1);
	unit("a=pass:3", NULL, NULL);
	verdict_is(RT_VERDICT_WOULD_LAND);
	line_is("unit/a", "pass 3 1");
	cr_assert_eq(kit.out.waived.n, 0);
}

Test(waived, the_next_landing_needs_it_no_more)
{
	kit_line("unit/a gone - 2");
	kit_waive("unit/a", RT_WAIVER_GONE, 1);
	unit("b=pass", NULL, NULL);
	verdict_is(RT_VERDICT_WOULD_LAND);
	line_is("unit/a", "gone - 2");
	cr_assert_eq(kit.out.waived.n, 0);
}

Test(waived, a_case_may_become_flaky_with_a_bound)
{
	kit_line("unit/a pass - 0");
	kit_waive("unit/a", RT_WAIVER_FLAKY, 0.25);
	unit("a=fail b=pass", NULL, NULL);
	verdict_is(RT_VERDICT_WOULD_LAND);
	line_is("unit/a", "flaky 0.25 1");
}

Test(waived, a_metric_gets_a_new_bar_and_must_keep_it)
{
	size_t cell;

	kit_line("size/(ran) pass - 0");
	kit_line("size/size lower 10 0");
	kit_waive("size/size", RT_WAIVER_NUMBER, 12);
	cell = size("(ran)=pass m:12", NULL, NULL);
	cr_assert_not(kit_red(cell));
	verdict_is(RT_VERDICT_WOULD_LAND);
	line_is("size/size", "lower 12 1");
	rt_results_metric(&kit.trials[cell].first.results, "size/size", 12.5);
	cr_assert(kit_red(cell), "it is worse than the waiver permits");
}

Test(waived, an_assertion_count_may_fall_to_a_number)
{
	kit.config.assertions_strict = true;
	kit_line("unit/a pass 9 0");
	kit_waive("unit/a", RT_WAIVER_NUMBER, 4);
	unit("a=pass:5", NULL, NULL);
	verdict_is(RT_VERDICT_WOULD_LAND);
	line_is("unit/a", "pass 4 1");
}

Test(waived, a_number_does_not_excuse_a_failure)
{
	kit_line("unit/a pass 9 0");
	kit_waive("unit/a", RT_WAIVER_NUMBER, 4);
	cr_assert(kit_red(unit("a=fail:5 b=pass", NULL, NULL)));
}

Test(waived, a_finding_may_be_known_in_a_new_epoch)
{
	kit_line("lint/(ran) pass - 0");
	kit_line("lint/one gone - 0");
	kit_waive("lint/*", RT_WAIVER_KNOWN, 1);
	lint("(ran)=pass f:one f:two", NULL, NULL);
	verdict_is(RT_VERDICT_WOULD_LAND);
	line_is("lint/one", "known - 1");
	line_is("lint/two", "known - 1");
	cr_assert_eq(kit.out.waived.n, 2);
}

Test(waived, levels_of_another_kind_excuse_nothing)
{
	kit_line("unit/a pass - 0");
	kit_waive("unit/a", RT_WAIVER_KNOWN, 1);
	cr_assert(kit_red(unit("a=fail", NULL, NULL)));
}

Test(waived, expired_excuses_nothing)
{
	kit_line("unit/a pass - 0");
	kit_waive("unit/a", RT_WAIVER_GONE, 1);
	kit.input.now = 2000;
	cr_assert(kit_red(unit("a=fail", "a=fail", "a=pass")));
	verdict_is(RT_VERDICT_REGRESSED);
	line_is("unit/a", "pass - 0");
}

Test(waived, no_waiver_covers_a_cell_that_failed_as_a_whole)
{
	kit_waive("*", RT_WAIVER_GONE, 1);
	unit("a=pass (exit)=error", "a=pass (exit)=error", "a=pass");
	verdict_is(RT_VERDICT_REGRESSED);
}

Test(waived, no_waiver_covers_a_cell_without_evidence)
{
	kit_waive("*", RT_WAIVER_GONE, 1);
	kit_ended(kit_cell("unit", RT_KIND_CASES), KIT_FIRST, RT_CELL_BROKEN);
	verdict_is(RT_VERDICT_INCONCLUSIVE);
}

/* Renames */

Test(renamed, the_old_is_gone_in_a_new_epoch_and_the_new_passes)
{
	kit_line("unit/old pass 3 1");
	kit_rename("unit/old", "unit/new");
	cr_assert_not(kit_red(unit("new=pass:3", NULL, NULL)));
	verdict_is(RT_VERDICT_WOULD_LAND);
	line_is("unit/old", "gone - 2");
	line_is("unit/new", "pass 3 0");
	cr_assert_eq(kit.out.gains.n, 0, "a new name is no gain");
	cr_assert_eq(kit.out.raised.lines.n, 2);
}

Test(renamed, a_flaky_case_stays_flaky_under_its_new_name)
{
	kit_line("unit/old flaky 0.3 2");
	kit_rename("unit/old", "unit/new");
	unit("new=pass:3", NULL, NULL);
	verdict_is(RT_VERDICT_WOULD_LAND);
	line_is("unit/old", "gone - 3");
	line_is("unit/new", "flaky 0.3 0");
	cr_assert_eq(kit.out.gains.n, 0);
}

static void
claim_fails(const char *first)
{
	cr_assert(kit_red(unit(first, NULL, NULL)), "%s", first);
}

Test(renamed, not_while_the_new_does_not_pass)
{
	kit_line("unit/old pass - 0");
	kit_rename("unit/old", "unit/new");
	claim_fails("new=skip b=pass");
}

Test(renamed, not_to_fewer_assertions)
{
	kit_line("unit/old pass 3 0");
	kit_rename("unit/old", "unit/new");
	claim_fails("new=pass:2");
}

Test(renamed, not_to_a_count_that_is_not_reported)
{
	kit_line("unit/old pass 3 0");
	kit_rename("unit/old", "unit/new");
	claim_fails("new=pass");
}

Test(renamed, not_onto_a_known_case)
{
	kit_line("unit/new pass - 0");
	kit_line("unit/old pass - 0");
	kit_rename("unit/old", "unit/new");
	claim_fails("new=pass");
}

Test(renamed, a_name_that_is_gone_comes_back)
{
	kit_line("unit/new gone - 3");
	kit_line("unit/old pass 3 1");
	kit_rename("unit/old", "unit/new");
	cr_assert_not(kit_red(unit("new=pass:3", NULL, NULL)));
	verdict_is(RT_VERDICT_WOULD_LAND);
	line_is("unit/old", "gone - 2");
	line_is("unit/new", "pass 3 3");
	cr_assert_eq(kit.out.raised.lines.n, 2);
}

Test(renamed, not_two_onto_one)
{
	kit_line("unit/old pass - 0");
	kit_line("unit/older pass - 0");
	kit_rename("unit/old", "unit/new");
	kit_rename("unit/older", "unit/new");
	claim_fails("new=pass");
}

Test(renamed, not_one_onto_two)
{
	kit_line("unit/old pass - 0");
	kit_rename("unit/old", "unit/new");
	kit_rename("unit/old", "unit/newer");
	claim_fails("new=pass newer=pass");
}

Test(renamed, not_into_another_cell)
{
	kit_line("unit/old pass - 0");
	kit_rename("unit/old", "web/new");
	cell_of("web", RT_KIND_CASES, "new=pass", NULL, NULL);
	cr_assert(kit_red(unit("b=pass", NULL, NULL)));
}

Test(renamed, an_old_that_is_still_there_is_judged_as_ever)
{
	kit_line("unit/old pass - 0");
	kit_rename("unit/old", "unit/new");
	unit("old=pass new=pass", NULL, NULL);
	verdict_is(RT_VERDICT_WOULD_LAND);
	line_is("unit/old", "pass - 0");
	line_is("unit/new", "pass - 0");
}

/* Adoption */

Test(adoption, of_complete_evidence_records_what_passed)
{
	kit.input.adoption = true;
	kit.input.baseline = NULL;
	cr_assert_not(kit_red(unit("a=pass:2 b=fail c=skip", NULL, NULL)));
	size("(ran)=pass m:7", NULL, NULL);
	lint("(ran)=pass f:one", NULL, NULL);
	verdict_is(RT_VERDICT_ADOPTED);
	cr_assert(kit_unproven("unit/b fails, and is not recorded", ""));
	line_is("unit/a", "pass 2 0");
	line_is("unit/b", "");
	line_is("unit/c", "");
	line_is("size/size", "lower 7 0");
	line_is("lint/one", "known - 0");
}

Test(adoption, without_whole_evidence_is_inconclusive)
{
	kit.input.adoption = true;
	unit("a=pass", NULL, NULL);
	kit_ended(kit_cell("web", RT_KIND_CASES), KIT_FIRST, RT_CELL_TIMEOUT);
	cr_assert_not(kit_red(1));
	verdict_is(RT_VERDICT_INCONCLUSIVE);
	cr_assert(kit_unproven("web", "timed out"));
}

Test(adoption, of_a_command_that_fails_beside_its_report_is_inconclusive)
{
	kit.input.adoption = true;
	unit("a=pass (exit)=error", NULL, NULL);
	verdict_is(RT_VERDICT_INCONCLUSIVE);
}

Test(adoption, compares_nothing)
{
	kit_line("unit/a pass - 0");
	kit.input.adoption = true;
	unit("b=pass", NULL, NULL);
	verdict_is(RT_VERDICT_ADOPTED);
	line_is("unit/a", "");
}

/* Probation */

static size_t
runs_wanted(void)
{
	size_t more[KIT_CELLS];

	rt_baseline_seal(&kit.baseline);
	rt_judge_probation(&kit.input, more);
	return more[0];
}

Test(probation, of_one_run_asks_for_no_more)
{
	unit("a=pass", NULL, NULL);
	cr_assert_eq(runs_wanted(), 0);
}

Test(probation, asks_for_more_runs_where_there_is_a_new_id)
{
	kit.config.probation = 3;
	kit_line("unit/a pass - 0");
	unit("a=pass b=pass", NULL, NULL);
	cr_assert_eq(runs_wanted(), 2);
	verdict_is(RT_VERDICT_WOULD_LAND);
	line_is("unit/b", "");
}

Test(probation, asks_for_none_where_all_ids_are_known)
{
	kit.config.probation = 3;
	kit_line("unit/a pass - 0");
	unit("a=pass", NULL, NULL);
	cr_assert_eq(runs_wanted(), 0);
}

static void
run_more(const char *const *seen, size_t n)
{
	size_t i;

	kit.trials[0].more = rt_alloc(n, sizeof(*kit.trials[0].more));
	kit.trials[0].n_more = n;
	for (i = 0; i < n; i++) {
		kit.trials[0].more[i].end = RT_CELL_COMPLETE;
		rt_results_case(&kit.trials[0].more[i].results, "unit/b",
				!strcmp(seen[i], "pass") ? RT_STATUS_PASS : RT_STATUS_FAIL, -1, -1, NULL, 0);
	}
}

Test(probation, an_id_that_passed_in_every_run_enters)
{
	static const char *const seen[] = {"pass", "pass"};

	kit.config.probation = 3;
	unit("b=pass", NULL, NULL);
	run_more(seen, 2);
	cr_assert_eq(runs_wanted(), 0);
	verdict_is(RT_VERDICT_WOULD_LAND);
	line_is("unit/b", "pass - 0");
}

Test(probation, an_id_that_failed_in_one_of_them_is_inconclusive)
{
	static const char *const seen[] = {"pass", "fail"};

	kit.config.probation = 3;
	unit("b=pass", NULL, NULL);
	run_more(seen, 2);
	verdict_is(RT_VERDICT_INCONCLUSIVE);
	line_is("unit/b", "");
}

/* Invariant 2: whatever the runs show, no entry falls within its epoch. A fixed seed. */

static uint32_t seed;

static uint32_t
draw(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 16) % below;
}

static void
random_run(size_t cell, enum kit_run which)
{
	static const char *const statuses[] = {"pass", "pass", "pass", "fail", "error", "skip"};
	rt_auto(buf) struct rt_buf seen = RT_BUF_INIT;
	enum rt_kind kind = kit.checks[cell].kind;
	char c;

	if (!draw(8)) {
		kit_ended(cell, which, (enum rt_cell_end)draw(6));
		return;
	}
	for (c = 'a'; c < 'f'; c++) {
		if (!draw(4))
			continue;
		if (kind == RT_KIND_FINDINGS)
			rt_buf_addf(&seen, "f:%c ", c);
		else if (kind == RT_KIND_CASES)
			rt_buf_addf(&seen, "%c=%s:%u ", c, statuses[draw(6)], draw(4));
	}
	if (kind == RT_KIND_METRIC && draw(8))
		rt_buf_addf(&seen, "m:%u ", draw(20));
	if (!draw(10))
		rt_buf_adds(&seen, "(exit)=error");
	else if (kind != RT_KIND_CASES)
		rt_buf_adds(&seen, "(ran)=pass");
	kit_ran(cell, which, seen.data);
}

/* One landing after another on the same baseline, waivers and renames among them; accepted or not, nothing may fall. */
static void
random_history(void)
{
	static const char *const names[] = {"unit", "lint", "size"};
	static const enum rt_kind kinds[] = {RT_KIND_CASES, RT_KIND_FINDINGS, RT_KIND_METRIC};
	struct rt_baseline tip = RT_BASELINE_INIT;
	size_t i, gates;

	rt_baseline_seal(&tip);
	for (gates = 0; gates < 6; gates++) {
		rt_auto(strs) struct rt_strs falls = {0};

		kit_start();
		kit.config.assertions_strict = draw(2);
		kit.config.probation = 1 + draw(2);
		kit.baseline = tip;
		for (i = 0; i < 3; i++) {
			size_t cell = kit_cell(names[i], kinds[i]);

			random_run(cell, KIT_FIRST);
			if (draw(2))
				random_run(cell, KIT_SECOND);
			if (draw(2))
				random_run(cell, KIT_BASE);
		}
		if (!draw(3))
			kit_waive(draw(2) ? "*" : "unit/a", (enum rt_waiver_to)draw(4), draw(2));
		if (!draw(3))
			kit_rename("unit/a", "unit/b");
		kit_judge();
		rt_baseline_falls(&kit.baseline, &kit.out.raised, &falls);
		cr_assert_eq(falls.n, 0, "%s fell", falls.n ? falls.at[0] : "");
		for (i = 1; i < kit.out.raised.lines.n; i++)
			cr_assert_lt(strcmp(kit.out.raised.lines.at[i - 1].id, kit.out.raised.lines.at[i].id), 0,
				     "%s before %s", kit.out.raised.lines.at[i - 1].id, kit.out.raised.lines.at[i].id);
		tip = kit.out.raised;
		kit.out.raised = (struct rt_baseline)RT_BASELINE_INIT;
		kit_finish();
	}
	rt_baseline_release(&tip);
}

Test(judge_property, no_entry_falls_within_its_epoch_whatever_the_runs_show)
{
	int round;

	for (round = 0, seed = 21; round < 2000; round++)
		random_history();
}
