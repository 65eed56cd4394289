#include "kit.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

TestSuite(rounds, .init = kit_start, .fini = kit_finish);

/* A cell whose one known case failed in the first run. */
static size_t
failed_once(const char *line)
{
	size_t cell = kit_cell("unit", RT_KIND_CASES);

	kit_line(line);
	kit_ran(cell, KIT_FIRST, "a=fail");
	return cell;
}

/* So that the matrix is a large one. */
static void
add_others(size_t cell)
{
	for (int i = 0; i < 1000; i++) {
		char id[32];

		snprintf(id, sizeof(id), "unit/other%d", i);
		rt_results_case(&kit.trials[cell].first.results, id, RT_STATUS_PASS, -1, -1, NULL, 0);
	}
}

Test(rounds, a_case_that_fails_each_time_here_and_never_on_the_base_is_decided_after_two_runs)
{
	size_t cell = failed_once("unit/a pass - 0");

	kit_round(cell, "a=fail", "a=pass");
	cr_assert_not(kit_more(cell));
	cr_assert_eq(kit_judge(), RT_VERDICT_REGRESSED);
	cr_assert_str_eq(kit_find(&kit.out.regressions, "unit/a")->now, "fail");
	cr_assert_str_eq(kit_decision()->answer, "regressed");
	cr_assert_eq(kit_decision()->runs, 2);
}

Test(rounds, among_many_cases_two_failures_are_not_enough)
{
	size_t cell = failed_once("unit/a pass - 0");

	add_others(cell);
	kit_round(cell, "a=fail", "a=pass");
	cr_assert(kit_more(cell));
	cr_assert_eq(kit_judge(), RT_VERDICT_INCONCLUSIVE);
	kit_round(cell, "a=fail", "a=pass");
	cr_assert_not(kit_more(cell));
	cr_assert_eq(kit_judge(), RT_VERDICT_REGRESSED);
}

Test(rounds, many_cases_that_fall_together_are_no_chance)
{
	rt_auto(buf) struct rt_buf red = RT_BUF_INIT, green = RT_BUF_INIT;
	size_t cell = kit_cell("unit", RT_KIND_CASES);

	for (int i = 0; i < 400; i++) {
		rt_auto(free) char *line = rt_format("unit/c%d pass - 0", i);

		kit_line(line);
		rt_buf_addf(&red, " c%d=%s", i, i < 11 ? "fail" : "pass");
		rt_buf_addf(&green, " c%d=pass", i);
	}
	kit_ran(cell, KIT_FIRST, red.data);
	kit_round(cell, red.data, green.data);
	cr_assert_not(kit_more(cell));
	cr_assert_eq(kit_judge(), RT_VERDICT_REGRESSED);
	cr_assert_eq(kit.out.regressions.n, 11);
}

/* As many others as leave room for cases that nobody knows to be flaky. */
static void
add_a_hundred_thousand(size_t cell)
{
	kit.trials[cell].first.results.counts[RT_STATUS_PASS] += 100000;
}

Test(rounds, among_very_many_cases_a_flake_that_nobody_knew_is_not_blamed_for_a_run_of_bad_luck)
{
	size_t cell = failed_once("unit/a pass - 0");

	add_a_hundred_thousand(cell);
	for (int i = 0; i < 5; i++)
		kit_round(cell, i == 2 ? "a=pass" : "a=fail", "a=pass");
	cr_assert(kit_more(cell));
	cr_assert_eq(kit_judge(), RT_VERDICT_INCONCLUSIVE);
	cr_assert_gt(kit_decision()->score, kit_decision()->upper);
	cr_assert_gt(kit_decision()->chance, kit_decision()->same);
	/* it would pass here and fail there as well */
	kit_round(cell, "a=pass", "a=fail");
	cr_assert_not(kit_more(cell));
	cr_assert_eq(kit_judge(), RT_VERDICT_WOULD_LAND);
}

Test(rounds, among_very_many_cases_one_that_always_fails_here_and_never_there_is_found)
{
	size_t cell = failed_once("unit/a pass - 0");
	unsigned rounds = 0;

	add_a_hundred_thousand(cell);
	for (; kit_more(cell) && rounds < 40; rounds++)
		kit_round(cell, "a=fail", "a=pass");
	cr_assert_eq(kit_judge(), RT_VERDICT_REGRESSED);
	cr_assert_eq(rounds, 5);
}

Test(rounds, as_many_failures_as_it_names_would_have_decided)
{
	size_t cell = failed_once("unit/a pass - 0");
	int more;

	add_a_hundred_thousand(cell);
	kit_round(cell, "a=fail", "a=pass");
	cr_assert_eq(kit_judge(), RT_VERDICT_INCONCLUSIVE);
	cr_assert_eq(sscanf(kit_decision()->would, "%d more failures would call it broken", &more), 1, "%s",
		     kit_decision()->would);
	for (int i = 0; i < more; i++) {
		cr_assert(kit_more(cell));
		kit_round(cell, "a=fail", "a=pass");
	}
	cr_assert_eq(kit_judge(), RT_VERDICT_REGRESSED);
}

Test(rounds, many_strong_flakes_at_once_are_no_crowd)
{
	rt_auto(buf) struct rt_buf here = RT_BUF_INIT, again = RT_BUF_INIT, base = RT_BUF_INIT;
	size_t cell = kit_cell("unit", RT_KIND_CASES);

	for (int i = 0; i < 15; i++) {
		rt_auto(free) char *line = rt_format("unit/c%d pass - 0", i);

		kit_line(line);
		rt_buf_addf(&here, "c%d=fail ", i);
		rt_buf_addf(&again, "c%d=%s ", i, i < 8 ? "fail" : "pass");
		rt_buf_addf(&base, "c%d=%s ", i, i < 8 ? "pass" : "fail");
	}
	kit_ran(cell, KIT_FIRST, here.data);
	add_a_hundred_thousand(cell);
	kit_round(cell, again.data, base.data);
	cr_assert(kit_more(cell));
	cr_assert_neq(kit_judge(), RT_VERDICT_REGRESSED);
}

Test(rounds, one_failure_and_then_passes_are_judged_calm_in_the_end)
{
	size_t cell = failed_once("unit/a pass - 0");
	unsigned rounds = 0;

	for (; kit_more(cell) && rounds < 40; rounds++)
		kit_round(cell, "a=pass", "a=pass");
	cr_assert_leq(rounds, 13);
	cr_assert_gt(rounds, 9);
	cr_assert_eq(kit_judge(), RT_VERDICT_WOULD_LAND);
	cr_assert(kit_unproven("unit/a", "no oftener than the baseline vouches for"));
	cr_assert_str_eq(kit_raised("unit/a"), "pass - 0");
	cr_assert_str_eq(kit_decision()->answer, "within its rate");
}

Test(rounds, a_case_that_begins_to_fail_at_times_is_a_new_flake_and_blocks)
{
	size_t cell = failed_once("unit/a pass - 0");
	unsigned rounds = 0;

	for (; kit_more(cell) && rounds < 40; rounds++)
		kit_round(cell, rounds % 2 ? "a=fail" : "a=pass", "a=pass");
	cr_assert_eq(kit_judge(), RT_VERDICT_REGRESSED);
	cr_assert_str_eq(kit_find(&kit.out.regressions, "unit/a")->now, "flaky");
}

Test(rounds, what_cannot_be_decided_stops_at_the_cap_and_is_inconclusive)
{
	size_t cell = failed_once("unit/a pass - 0");
	unsigned rounds = 0;

	/* one failure in eight: neither calm nor broken */
	for (; kit_more(cell) && rounds < 40; rounds++)
		kit_round(cell, rounds % 8 == 7 ? "a=fail" : "a=pass", "a=pass");
	cr_assert_eq(rounds, 29);
	cr_assert_eq(kit_judge(), RT_VERDICT_INCONCLUSIVE);
	cr_assert(kit_unproven("unit/a", "depends on chance"));
}

Test(rounds, a_case_that_differs_on_the_base_itself_was_flaky_before_and_becomes_so)
{
	size_t cell = failed_once("unit/a pass 4 2");

	kit_round(cell, "a=pass", "a=fail");
	kit_round(cell, "a=pass", "a=pass");
	cr_assert_not(kit_more(cell));
	cr_assert_eq(kit_judge(), RT_VERDICT_WOULD_LAND);
	cr_assert_str_eq(kit_decision()->answer, "flaky before");
	cr_assert_eq(kit.out.demoted.n, 1);
	cr_assert(rt_starts_with(kit_raised("unit/a"), "flaky 0.97"), "%s", kit_raised("unit/a"));
	cr_assert(rt_ends_with(kit_raised("unit/a"), " 3"));
}

Test(rounds, one_outcome_on_the_base_is_no_reason_to_call_it_flaky)
{
	size_t cell = failed_once("unit/a pass - 0");

	kit_round(cell, "a=pass", "a=fail");
	cr_assert_eq(kit_judge(), RT_VERDICT_WOULD_LAND);
	cr_assert_eq(kit.out.demoted.n, 0);
	cr_assert_str_eq(kit_raised("unit/a"), "pass - 0");
}

Test(rounds, a_case_that_always_fails_here_is_no_flake_though_the_base_has_one)
{
	size_t cell = failed_once("unit/a pass - 0");
	unsigned rounds = 0;

	add_others(cell);
	for (; kit_more(cell) && rounds < 40; rounds++)
		kit_round(cell, "a=fail", rounds == 1 ? "a=fail" : "a=pass");
	cr_assert_eq(kit_judge(), RT_VERDICT_REGRESSED);
	cr_assert_gt(rounds, 4);
}

Test(rounds, a_flaky_case_that_fails_once_may)
{
	size_t cell = failed_once("unit/a flaky 0.3 1");

	kit_round(cell, "a=pass", "a=pass");
	cr_assert_not(kit_more(cell));
	cr_assert_eq(kit_judge(), RT_VERDICT_WOULD_LAND);
	cr_assert_str_eq(kit_raised("unit/a"), "flaky 0.3 1");
}

Test(rounds, a_flaky_case_that_only_fails_is_broken)
{
	size_t cell = failed_once("unit/a flaky 0.3 1");
	unsigned rounds = 0;

	for (; kit_more(cell) && rounds < 40; rounds++)
		kit_round(cell, "a=fail", "a=pass");
	cr_assert_eq(kit_judge(), RT_VERDICT_REGRESSED);
	cr_assert_leq(rounds, 8);
}

Test(rounds, a_flaky_case_that_fails_far_oftener_than_its_bound_is_broken_though_it_passes_once)
{
	size_t cell = failed_once("unit/a flaky 0.05 1");
	unsigned rounds = 0;

	for (; kit_more(cell) && rounds < 40; rounds++)
		kit_round(cell, rounds == 0 ? "a=pass" : "a=fail", "a=pass");
	cr_assert_eq(kit_judge(), RT_VERDICT_REGRESSED);
	cr_assert_str_eq(kit_find(&kit.out.regressions, "unit/a")->was, "flaky");
	cr_assert_str_eq(kit_raised("unit/a"), "flaky 0.05 1");
	cr_assert_leq(rounds, 8);
}

Test(rounds, a_flaky_case_that_only_fails_is_broken_though_the_base_fails_once_as_it_may)
{
	size_t cell = failed_once("unit/a flaky 0.3 1");
	unsigned rounds = 0;

	for (; kit_more(cell) && rounds < 40; rounds++)
		kit_round(cell, "a=fail", rounds == 0 ? "a=fail" : "a=pass");
	cr_assert_eq(kit_judge(), RT_VERDICT_REGRESSED);
}

Test(rounds, a_flaky_case_that_only_fails_on_both_sides_is_the_targets)
{
	size_t cell = failed_once("unit/a flaky 0.3 1");
	unsigned rounds = 0;

	for (; kit_more(cell) && rounds < 40; rounds++)
		kit_round(cell, "a=fail", "a=fail");
	cr_assert_eq(kit_judge(), RT_VERDICT_WOULD_LAND);
	cr_assert_str_eq(kit_decision()->answer, "fails on the target");
	cr_assert_eq(rounds, 4);
}

Test(rounds, a_case_that_fails_far_oftener_than_the_flake_that_the_base_shows_is_no_flake_from_before)
{
	size_t cell = failed_once("unit/a pass - 0");
	unsigned rounds = 0;

	add_others(cell);
	for (; rounds < 8; rounds++)
		kit_round(cell, "a=fail", "a=pass");
	kit_round(cell, "a=pass", "a=fail");
	for (int i = 0; i < 3; i++)
		kit_round(cell, "a=fail", "a=pass");
	cr_assert_neq(kit_judge(), RT_VERDICT_WOULD_LAND);
	cr_assert_eq(kit.out.demoted.n, 0);
}

Test(rounds, the_bound_of_a_flaky_case_only_falls)
{
	size_t cell = kit_cell("unit", RT_KIND_CASES);

	kit_line("unit/a flaky 0.7 1");
	kit_line("unit/b flaky 0.2 1");
	kit_ran(cell, KIT_FIRST, "a=pass b=pass");
	for (int i = 0; i < 2; i++)
		kit_round(cell, "a=pass b=pass", NULL);
	cr_assert_eq(kit_judge(), RT_VERDICT_WOULD_LAND);
	cr_assert(rt_starts_with(kit_raised("unit/a"), "flaky 0.63"), "%s", kit_raised("unit/a"));
	cr_assert_str_eq(kit_raised("unit/b"), "flaky 0.2 1");
}

/* ---- runs of one case alone ---- */

/* A round of the case alone, on both sides. */
static void
alone_round(size_t cell, const char *candidate, const char *base)
{
	struct rt_trial *trial = &kit.trials[cell];

	kit_round(cell, candidate, base);
	trial->more[trial->n_more - 1].only = rt_strdup("unit/a");
	trial->bases[trial->n_bases - 1].only = rt_strdup("unit/a");
}

static size_t
singles(size_t cell)
{
	const char *cases[RT_ROUND_CASES];

	rt_baseline_seal(&kit.baseline);
	return rt_judge_round_cases(&kit.input, &kit.trials[cell], cases);
}

Test(rounds, while_every_whole_run_fails_the_whole_check_runs)
{
	size_t cell = failed_once("unit/a pass - 0");

	add_others(cell);
	kit_round(cell, "a=fail", "a=pass");
	cr_assert(kit_more(cell));
	cr_assert_eq(singles(cell), 0);
}

Test(rounds, a_case_that_fails_in_one_whole_run_and_not_in_another_runs_alone)
{
	size_t cell = failed_once("unit/a pass - 0");

	kit_round(cell, "a=pass", "a=pass");
	cr_assert(kit_more(cell));
	cr_assert_eq(singles(cell), 1);
}

Test(rounds, a_run_of_one_case_says_nothing_of_the_others)
{
	size_t cell;

	kit_line("unit/b pass - 0");
	cell = failed_once("unit/a pass - 0");
	kit_ran(cell, KIT_FIRST, "b=pass");
	kit_round(cell, "a=pass b=pass", "a=pass b=pass");
	alone_round(cell, "a=fail", "a=pass");
	cr_assert_eq(kit_judge(), RT_VERDICT_REGRESSED);
	cr_assert_null(kit_find(&kit.out.regressions, "unit/b"));
	cr_assert_eq(kit_decision()->runs, 3);
}

Test(rounds, passes_alone_count_only_once_it_failed_alone)
{
	size_t cell = failed_once("unit/a pass - 0");

	kit_round(cell, "a=pass", "a=pass");
	alone_round(cell, "a=pass", "a=pass");
	alone_round(cell, "a=pass", "a=pass");
	kit_judge();
	cr_assert_eq(kit_decision()->runs, 2);
	cr_assert_eq(singles(cell), 1);
}

Test(rounds, a_case_that_keeps_passing_alone_owes_its_failure_to_others_and_the_whole_check_runs)
{
	size_t cell = failed_once("unit/a pass - 0");

	kit_round(cell, "a=pass", "a=pass");
	for (int i = 0; i < 3; i++)
		alone_round(cell, "a=pass", "a=pass");
	cr_assert(kit_more(cell));
	cr_assert_eq(singles(cell), 0);
}

Test(rounds, a_failure_alone_on_the_base_is_a_flake_that_was_there)
{
	size_t cell = failed_once("unit/a pass - 0");

	kit_round(cell, "a=pass", "a=pass");
	alone_round(cell, "a=pass", "a=fail");
	cr_assert_not(kit_more(cell));
	cr_assert_eq(kit_judge(), RT_VERDICT_WOULD_LAND);
	cr_assert_str_eq(kit_decision()->answer, "flaky before");
}

Test(rounds, a_case_that_never_passes_alone_needs_its_neighbours_and_the_whole_check_runs)
{
	size_t cell = failed_once("unit/a pass - 0");

	kit_round(cell, "a=pass", "a=pass");
	for (int i = 0; i < 3; i++)
		alone_round(cell, "a=fail", "a=fail");
	cr_assert(kit_more(cell));
	cr_assert_eq(singles(cell), 0);
	kit_judge();
	cr_assert_eq(kit_decision()->runs, 2);
	cr_assert_eq(kit_decision()->base_fails, 0);
}

Test(rounds, runs_alone_of_others_are_no_probation)
{
	size_t cell = failed_once("unit/a pass - 0");

	kit.config.probation = 4;
	kit_ran(cell, KIT_FIRST, "new=pass");
	kit_round(cell, "a=pass new=pass", "a=pass");
	alone_round(cell, "a=pass", "a=fail");
	alone_round(cell, "a=pass", "a=pass");
	cr_assert_eq(kit_judge(), RT_VERDICT_WOULD_LAND);
	cr_assert_str_empty(kit_raised("unit/new"));
}

/* ---- many flaky cases ---- */

/* Cases c0 to c399, those from `first` on fail, as many as `n`. */
static void
add_cases(struct rt_buf *out, int first, int n)
{
	for (int i = 0; i < 400; i++)
		rt_buf_addf(out, " c%d=%s", i, i >= first && i < first + n ? "fail" : "pass");
}

static size_t
large_cell(int failed)
{
	rt_auto(buf) struct rt_buf seen = RT_BUF_INIT;
	size_t cell = kit_cell("unit", RT_KIND_CASES);

	for (int i = 0; i < 400; i++) {
		rt_auto(free) char *line = rt_format("unit/c%d pass - 0", i);

		kit_line(line);
	}
	add_cases(&seen, 0, failed);
	kit_ran(cell, KIT_FIRST, seen.data);
	return cell;
}

static void
large_round(size_t cell, int first, int n)
{
	rt_auto(buf) struct rt_buf here = RT_BUF_INIT, base = RT_BUF_INIT;

	add_cases(&here, first, n);
	add_cases(&base, 0, 0);
	kit_round(cell, here.data, base.data);
}

Test(rounds, many_cases_of_which_chance_picks_others_each_time_are_no_crowd)
{
	size_t cell = large_cell(20);

	large_round(cell, 19, 20);
	cr_assert_eq(kit_judge(), RT_VERDICT_INCONCLUSIVE);
	cr_assert(kit_more(cell));
}

Test(rounds, many_cases_that_fail_only_in_later_runs_are_not_asked_about)
{
	size_t cell = large_cell(1);

	/* two failures of c5 are too many to call it calm, and too few to call it broken */
	for (int i = 1; i <= 13; i++)
		large_round(cell, i == 13 ? 5 : 5 * i, 5);
	cr_assert_not(kit_more(cell));
	cr_assert_eq(kit_judge(), RT_VERDICT_WOULD_LAND);
	cr_assert(kit_unproven("unit/c5", "passed at first"));
}

Test(rounds, a_case_that_fails_in_every_run_but_the_first_is_newly_flaky_among_many)
{
	size_t cell = large_cell(1);

	for (int i = 1; i <= 6; i++)
		large_round(cell, 100, 6);
	cr_assert_eq(kit_judge(), RT_VERDICT_REGRESSED);
	cr_assert_str_eq(kit_find(&kit.out.regressions, "unit/c100")->now, "flaky");
}

/* ---- what would have changed a decision ---- */

Test(rounds, as_many_passes_as_it_names_would_have_changed_a_decision)
{
	size_t cell = failed_once("unit/a pass - 0");
	const struct rt_decision *d;
	unsigned passes;

	kit_round(cell, "a=fail", "a=pass");
	cr_assert_eq(kit_judge(), RT_VERDICT_REGRESSED);
	d = kit_decision();
	cr_assert_eq(sscanf(d->would, "%u more passes", &passes), 1, "%s", d->would);
	cr_expect_leq(d->score + passes * d->step_pass, d->lower);
	cr_expect_gt(d->score + (passes - 1) * d->step_pass, d->lower);
}

Test(rounds, what_fails_on_the_target_is_changed_by_the_target_alone)
{
	size_t cell = failed_once("unit/a pass - 0");

	kit_round(cell, "a=fail", "a=fail");
	cr_assert_eq(kit_judge(), RT_VERDICT_INCONCLUSIVE);
	cr_assert(strstr(kit_decision()->would, "a pass on the target"), "%s", kit_decision()->would);
}

Test(rounds, a_finding_and_a_number_without_noise_are_decisions_too)
{
	size_t lint = kit_cell("lint", RT_KIND_FINDINGS), size = kit_cell("size", RT_KIND_METRIC);
	const struct rt_decision *d;

	kit_line("lint/(ran) pass - 0");
	kit_line("size/(ran) pass - 0");
	kit_line("size/size lower 100 0");
	kit_ran(lint, KIT_FIRST, "(ran)=pass f:a.c::x");
	kit_ran(lint, KIT_SECOND, "(ran)=pass f:a.c::x");
	kit_ran(lint, KIT_BASE, "(ran)=pass");
	kit_ran(size, KIT_FIRST, "(ran)=pass m:110");
	kit_ran(size, KIT_SECOND, "(ran)=pass m:111");
	kit_ran(size, KIT_BASE, "(ran)=pass m:100");
	cr_assert_eq(kit_judge(), RT_VERDICT_REGRESSED);
	cr_assert_eq(kit.out.decisions.n, 2);
	d = &kit.out.decisions.at[0];
	cr_expect(d->plain && !d->metric);
	cr_expect_str_eq(d->answer, "regressed");
	cr_expect(d->runs == 2 && d->fails == 2 && d->base_runs == 1 && d->base_fails == 0);
	d = &kit.out.decisions.at[1];
	cr_assert(d->metric && d->has_bar && d->runs == 2 && d->base_runs == 1);
	cr_expect(d->bar == 100 && d->here[0] == 110 && d->here[1] == 111 && d->base[0] == 100);
	cr_expect_str_eq(d->would, "at most 100, or a waiver to the new number");
}

/* ---- what a runner itself ran again ---- */

static void
retried(struct rt_run *run)
{
	rt_results_retried(&run->results, "unit/a");
}

Test(rounds, a_case_that_its_runner_ran_again_until_it_passed_has_failed)
{
	size_t cell = kit_cell("unit", RT_KIND_CASES);
	unsigned rounds = 0;

	kit_line("unit/a pass - 0");
	retried(kit_ran(cell, KIT_FIRST, "a=pass"));
	cr_assert(kit_red(cell));
	for (; kit_more(cell) && rounds < 40; rounds++) {
		struct rt_trial *trial = &kit.trials[cell];

		kit_round(cell, "a=pass", "a=pass");
		retried(trial->n_more ? &trial->more[trial->n_more - 1] : trial->second);
	}
	cr_assert_eq(kit_judge(), RT_VERDICT_REGRESSED);
	cr_expect_eq(kit_decision()->fails, kit_decision()->runs);
}

Test(rounds, a_case_that_was_run_again_once_is_within_chance)
{
	size_t cell = kit_cell("unit", RT_KIND_CASES);
	unsigned rounds = 0;

	kit_line("unit/a pass - 0");
	retried(kit_ran(cell, KIT_FIRST, "a=pass"));
	for (; kit_more(cell) && rounds < 40; rounds++)
		kit_round(cell, "a=pass", "a=pass");
	cr_assert_eq(kit_judge(), RT_VERDICT_WOULD_LAND);
	cr_expect(kit_unproven("unit/a", "fails in 1 of"));
}
