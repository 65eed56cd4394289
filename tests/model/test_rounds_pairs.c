#include "kit.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

TestSuite(paired_metric, .init = kit_start, .fini = kit_finish);

static size_t
noisy(const char *line, const char *first)
{
	size_t cell = kit_cell("time", RT_KIND_METRIC);

	kit.checks[cell].samples = 10;
	kit.checks[cell].margin = 0.01;
	kit_line(line);
	kit_ran(cell, KIT_FIRST, first);
	return cell;
}

/* Rounds until the judge has enough, the candidate's number being a factor of the base's. */
static unsigned
measure(size_t cell, double factor)
{
	unsigned rounds = 0;

	for (; kit_more(cell) && rounds < 100; rounds++) {
		double base = 100 + (rounds * 7) % 5;
		rt_auto(free) char *here =
		    rt_format("m:%.6f", base * factor * (1 + 0.002 * ((double)(rounds * 3 % 5) - 2)));
		rt_auto(free) char *there = rt_format("m:%.6f", base);

		kit_round(cell, here, there);
	}
	return rounds;
}

Test(paired_metric, a_noisy_number_is_not_compared_with_the_bar_but_with_the_base)
{
	size_t cell = noisy("time/time lower 50 0", "m:120");

	cr_assert_not(kit_red(cell));
	unsigned rounds = measure(cell, 1);
	kit_judge();
	cr_assert_eq(rounds, 10, "%u rounds: %zu pairs, %g from %g to %g", rounds, kit_decision()->pairs,
		     kit_decision()->ratio, kit_decision()->low, kit_decision()->high);
	cr_assert_eq(kit_judge(), RT_VERDICT_WOULD_LAND);
	cr_assert_str_eq(kit_raised("time/time"), "lower 50 0");
	cr_assert_str_eq(kit_decision()->answer, "same");
}

Test(paired_metric, one_that_is_clearly_worse_regresses)
{
	size_t cell = noisy("time/time lower 100 0", "m:120");

	measure(cell, 1.05);
	cr_assert_eq(kit_judge(), RT_VERDICT_REGRESSED);
	cr_assert_str_eq(kit_find(&kit.out.regressions, "time/time")->was, "100");
	cr_assert_gt(kit_decision()->low, 1.01);
}

Test(paired_metric, pairs_that_ended_before_the_first_look_are_called_too_few)
{
	size_t cell = noisy("time/time lower 100 0", "m:120");

	for (int i = 0; i < 3; i++)
		kit_round(cell, "m:120", "m:100");
	cr_assert_eq(kit_judge(), RT_VERDICT_INCONCLUSIVE);
	cr_assert_eq(kit_decision()->pairs, 3);
	cr_assert_str_eq(
	    kit.out.unproven.at[0],
	    "time/time: 3 pairs tell nothing of it and that of the target: too few, or numbers not above 0");
}

Test(paired_metric, an_improvement_is_confirmed_on_fresh_pairs_and_moves_the_bar_by_its_conservative_end)
{
	size_t cell = noisy("time/time lower 100 0", "m:90");
	const struct rt_line *line;

	cr_assert_eq(measure(cell, 0.9), 20);
	cr_assert_eq(kit_judge(), RT_VERDICT_WOULD_LAND);
	line = rt_baseline_find(&kit.out.raised, "time/time");
	cr_assert_gt(line->value, 90);
	cr_assert_lt(line->value, 91);
	cr_assert_eq(kit.out.gains.n, 1);
}

Test(paired_metric, no_change_never_moves_the_bar)
{
	size_t cell = noisy("time/time lower 100 0", "m:1");

	measure(cell, 0.995);
	cr_assert_eq(kit_judge(), RT_VERDICT_WOULD_LAND);
	cr_assert_str_eq(kit_raised("time/time"), "lower 100 0");
}

Test(paired_metric, a_number_without_a_line_enters_without_pairs)
{
	size_t cell = kit_cell("time", RT_KIND_METRIC);

	kit.checks[cell].samples = 10;
	kit.checks[cell].margin = 0.01;
	kit_ran(cell, KIT_FIRST, "m:12");
	cr_assert_not(kit_more(cell));
	cr_assert_eq(kit_judge(), RT_VERDICT_WOULD_LAND);
	cr_assert_str_eq(kit_raised("time/time"), "lower 12 0");
}

Test(paired_metric, a_machine_that_may_not_record_measures_the_base_anew_and_moves_nothing)
{
	size_t cell = kit_cell("size", RT_KIND_METRIC);

	kit.input.machine = "laptop";
	rt_strs_add(&kit.checks[cell].record_on, "bench1");
	kit_line("size/size lower 100 0");
	kit_ran(cell, KIT_FIRST, "m:150");
	cr_assert(kit_more(cell));
	kit_round(cell, "m:150", "m:151");
	cr_assert_not(kit_more(cell));
	cr_assert_eq(kit_judge(), RT_VERDICT_WOULD_LAND);
	cr_assert_str_eq(kit_raised("size/size"), "lower 100 0");
	rt_strs_release(&kit.checks[cell].record_on);
}

Test(paired_metric, on_such_a_machine_more_than_the_base_regresses)
{
	size_t cell = kit_cell("size", RT_KIND_METRIC);

	kit.input.machine = "laptop";
	rt_strs_add(&kit.checks[cell].record_on, "bench1");
	kit_line("size/size lower 100 0");
	kit_ran(cell, KIT_FIRST, "m:150");
	kit_round(cell, "m:153", "m:151");
	cr_assert_eq(kit_judge(), RT_VERDICT_REGRESSED);
	rt_strs_release(&kit.checks[cell].record_on);
}

/* Such a number, of which more is better; the base's run had this end. */
static void
judge_without_base(enum rt_cell_end end, const char *base)
{
	size_t cell = kit_cell("rate", RT_KIND_METRIC);

	kit.input.machine = "laptop";
	kit.checks[cell].higher_better = true;
	rt_strs_add(&kit.checks[cell].record_on, "bench1");
	kit_line("rate/rate higher 100 0");
	kit_ran(cell, KIT_FIRST, "m:1");
	kit_round(cell, "m:1", base);
	kit.trials[cell].base->end = end;
	kit_judge();
	rt_strs_release(&kit.checks[cell].record_on);
}

Test(paired_metric, on_such_a_machine_a_base_without_evidence_tells_nothing)
{
	judge_without_base(RT_CELL_BROKEN, "m:90");
	cr_assert_eq(kit.out.verdict, RT_VERDICT_INCONCLUSIVE);
}

Test(paired_metric, on_such_a_machine_a_base_without_the_number_tells_nothing)
{
	judge_without_base(RT_CELL_COMPLETE, "other=pass");
	cr_assert_eq(kit.out.verdict, RT_VERDICT_INCONCLUSIVE);
}

/* ---- a budget since a commit ---- */

/* A number with 1 % of margin and 5 % of budget. */
static size_t
budgeted(void)
{
	static char anchor[] = "v1.0";
	size_t cell = noisy("time/time lower 100 0", "m:100");

	kit.checks[cell].budget = 0.05;
	kit.checks[cell].anchor = anchor;
	return cell;
}

/* Rounds with the anchor in each, of which the candidate's number is another factor. */
static unsigned
measure_slide(size_t cell, double factor, double since)
{
	unsigned rounds = 0;

	for (; kit_more(cell) && rounds < 200; rounds++) {
		double base = 100 + (rounds * 7) % 5;
		double value = base * factor * (1 + 0.002 * ((double)(rounds * 3 % 5) - 2));
		rt_auto(free) char *here = rt_format("m:%.6f", value);
		rt_auto(free) char *there = rt_format("m:%.6f", base);
		struct rt_trial *trial = &kit.trials[cell];
		struct rt_run run = {.end = RT_CELL_COMPLETE};

		kit_round(cell, here, there);
		rt_results_metric(&run.results, "time/time", base * factor / since);
		trial->anchors = rt_realloc(trial->anchors, trial->n_anchors + 1, sizeof(run));
		trial->anchors[trial->n_anchors++] = run;
	}
	return rounds;
}

Test(paired_metric, small_losses_within_the_budget_pass)
{
	size_t cell = budgeted();

	measure_slide(cell, 1.003, 1.03);
	cr_assert_eq(kit_judge(), RT_VERDICT_WOULD_LAND);
	cr_assert_null(kit_decision()->anchor);
}

Test(paired_metric, a_small_loss_that_ends_a_long_slide_regresses)
{
	size_t cell = budgeted();

	measure_slide(cell, 1.003, 1.07);
	cr_assert_eq(kit_judge(), RT_VERDICT_REGRESSED);
	cr_assert_str_eq(kit_decision()->anchor, "v1.0");
	cr_assert_float_eq(kit_decision()->margin, 0.05, 1e-9);
	cr_assert(strstr(kit.out.regressions.at[0].excerpt, "the budget allows 1.05 since v1.0"));
}

Test(paired_metric, a_slide_at_the_budget_is_inconclusive)
{
	size_t cell = budgeted();

	measure_slide(cell, 1.0, 1.05);
	cr_assert_eq(kit_judge(), RT_VERDICT_INCONCLUSIVE);
	cr_assert(kit_unproven("time/time", "times that of v1.0"));
}

Test(paired_metric, a_loss_beyond_the_margin_needs_no_anchor)
{
	size_t cell = budgeted();

	measure_slide(cell, 1.05, 1.0);
	cr_assert_eq(kit_judge(), RT_VERDICT_REGRESSED);
	cr_assert_null(kit_decision()->anchor);
}

Test(paired_metric, an_anchor_that_is_not_here_is_inconclusive_and_asks_for_no_more_rounds)
{
	size_t cell = budgeted();

	kit.trials[cell].anchor_trouble = rt_strdup("v1.0 is no commit of this clone");
	cr_assert_leq(measure(cell, 1), 20);
	cr_assert_eq(kit_judge(), RT_VERDICT_INCONCLUSIVE);
	cr_assert(kit_unproven("time/time", "can't be held to its budget: v1.0 is no commit"));
}

Test(paired_metric, a_decision_holds_its_pairs)
{
	size_t cell = noisy("time/time lower 100 0", "m:100");

	measure(cell, 1);
	kit_judge();
	cr_assert_geq(kit_decision()->pairs, 10);
	cr_assert_float_eq(kit_decision()->base[0], 100, 1e-9);
	cr_assert_float_eq(kit_decision()->here[0], 99.6, 1e-9);
}

/* ---- a noisy number that is not there ---- */

Test(paired_metric, one_that_is_gone_regresses_without_pairs)
{
	size_t cell = noisy("time/time lower 100 0", "");

	rt_results_metric(&kit.trials[cell].first.results, "time/other", 1);
	cr_assert(kit_red(cell));
	kit_round(cell, "", "m:120");
	rt_results_metric(&kit.trials[cell].second->results, "time/other", 1);
	cr_assert_not(kit_more(cell));
	cr_assert_eq(kit_judge(), RT_VERDICT_REGRESSED);
	cr_assert_str_eq(kit_find(&kit.out.regressions, "time/time")->now, "absent");
}
