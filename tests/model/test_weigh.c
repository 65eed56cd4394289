#include <criterion/criterion.h>

#include <string.h>

#include "model/judge.h"

static char unit_name[] = "unit", report_junit[] = "junit";
static struct rt_check check;
static struct rt_cell cell;
static struct rt_run run;

static void
start(void)
{
	check = (struct rt_check){.name = unit_name, .report = {.format = report_junit}, .min_cases = 1, .samples = 1};
	cell = (struct rt_cell){.name = unit_name, .check = &check};
	run = (struct rt_run){.end = RT_CELL_COMPLETE};
}

static void
finish(void)
{
	rt_run_release(&run);
}

TestSuite(weigh, .init = start, .fini = finish);

static void
add(const char *id, enum rt_status status)
{
	rt_results_case(&run.results, id, status, -1, -1, NULL, 0);
}

static void
ends(int exit_code, enum rt_cell_end end)
{
	run.exit_code = exit_code;
	rt_run_weigh(&run, &cell);
	cr_assert_eq(run.end, end, "end %d, first problem: %s", run.end,
		     run.results.problems.n ? run.results.problems.at[0] : "none");
	cr_assert_eq(run.end == RT_CELL_BROKEN, run.results.problems.n > 0);
}

static void
has_problem(const char *word)
{
	cr_assert_gt(run.results.problems.n, 0);
	cr_assert(strstr(run.results.problems.at[0], word), "\"%s\" lacks \"%s\"", run.results.problems.at[0], word);
}

static enum rt_status
status_of(const char *id)
{
	const struct rt_case *c = rt_results_find(&run.results, id);

	return c ? (enum rt_status)c->status : RT_STATUS_ABSENT;
}

Test(weigh, exit_0_and_only_passes_agree)
{
	add("unit/a", RT_STATUS_PASS);
	ends(0, RT_CELL_COMPLETE);
	cr_assert_eq(run.results.cases.n, 1);
}

Test(weigh, a_failed_case_and_a_non_zero_exit_agree)
{
	add("unit/a", RT_STATUS_FAIL);
	ends(1, RT_CELL_COMPLETE);
	cr_assert_eq(run.results.cases.n, 1);
}

Test(weigh, exit_0_with_a_failed_case_is_a_contradiction)
{
	add("unit/a", RT_STATUS_PASS);
	add("unit/b", RT_STATUS_ERROR);
	ends(0, RT_CELL_BROKEN);
	has_problem("unit/b");
}

Test(weigh, a_non_zero_exit_without_a_failed_case_is_a_case_of_its_own)
{
	run.tail = rt_strdup("double free\n");
	add("unit/a", RT_STATUS_PASS);
	ends(139, RT_CELL_COMPLETE);
	cr_assert_eq(status_of("unit/(exit)"), RT_STATUS_ERROR);
	cr_assert_str_eq(rt_results_note(&run.results, rt_results_find(&run.results, "unit/(exit)")), "double free\n");
}

Test(weigh, nothing_executed_is_no_evidence_whatever_the_exit_code)
{
	add("unit/a", RT_STATUS_SKIP);
	ends(0, RT_CELL_BROKEN);
	has_problem("no case was executed");
}

Test(weigh, an_empty_report_with_a_failure_is_no_evidence)
{
	ends(2, RT_CELL_BROKEN);
	has_problem("no case was executed");
}

Test(weigh, min_cases_0_does_not_make_an_empty_run_evidence)
{
	check.min_cases = 0;
	ends(0, RT_CELL_BROKEN);
}

Test(weigh, fewer_than_min_cases_is_no_evidence)
{
	check.min_cases = 3;
	add("unit/a", RT_STATUS_PASS);
	add("unit/b", RT_STATUS_PASS);
	add("unit/c", RT_STATUS_SKIP);
	ends(0, RT_CELL_BROKEN);
	has_problem("min_cases is 3");
}

Test(weigh, exit_126_and_127_mean_that_the_command_did_not_run)
{
	add("unit/a", RT_STATUS_PASS);
	ends(127, RT_CELL_BROKEN);
	has_problem("found");
}

Test(weigh, exit_126_is_no_failing_case)
{
	add("unit/a", RT_STATUS_FAIL);
	ends(126, RT_CELL_BROKEN);
	has_problem("executed");
}

Test(weigh, a_problem_of_the_reader_makes_the_run_broken)
{
	add("unit/a", RT_STATUS_PASS);
	rt_results_problem(&run.results, "report.xml:3: cut short");
	ends(0, RT_CELL_BROKEN);
}

Test(weigh, a_report_may_not_bring_the_cases_that_stand_for_the_cell)
{
	add("unit/a", RT_STATUS_PASS);
	add("unit/(exit)", RT_STATUS_PASS);
	ends(0, RT_CELL_BROKEN);
	has_problem("unit/(exit)");
}

Test(weigh, a_runner_that_says_nothing_ran_is_no_evidence)
{
	static char pytest[] = "pytest";

	check.report.format = pytest;
	add("unit/a", RT_STATUS_PASS);
	ends(5, RT_CELL_BROKEN);
}

Test(weigh, a_runner_that_says_it_failed_itself_is_no_evidence)
{
	static char pytest[] = "pytest";

	check.report.format = pytest;
	add("unit/a", RT_STATUS_FAIL);
	ends(3, RT_CELL_BROKEN);
	has_problem("runner");
}

Test(weigh, other_ends_stay_what_they_are)
{
	run.end = RT_CELL_TIMEOUT;
	rt_run_weigh(&run, &cell);
	cr_assert_eq(run.end, RT_CELL_TIMEOUT);
	cr_assert_eq(run.results.problems.n, 0);
}

static void
use_exit(void)
{
	static char format[] = "exit";

	check.report.format = format;
}

Test(weigh, without_a_report_exit_0_is_one_passing_case)
{
	use_exit();
	ends(0, RT_CELL_COMPLETE);
	cr_assert_eq(status_of("unit/unit"), RT_STATUS_PASS);
	cr_assert_eq(run.results.cases.n, 1);
}

Test(weigh, without_a_report_a_non_zero_exit_is_one_failing_case)
{
	use_exit();
	run.tail = rt_strdup("make: *** [all] Error 2");
	ends(2, RT_CELL_COMPLETE);
	cr_assert_eq(status_of("unit/unit"), RT_STATUS_FAIL);
	cr_assert_eq(status_of("unit/(exit)"), RT_STATUS_ABSENT);
	cr_assert_not_null(rt_results_note(&run.results, &run.results.cases.at[0]));
}

Test(weigh, the_case_of_a_cell_with_axes_is_named_after_its_check)
{
	static char name[] = "unit[cc=gcc]";

	use_exit();
	cell.name = name;
	ends(0, RT_CELL_COMPLETE);
	cr_assert_eq(status_of("unit[cc=gcc]/unit"), RT_STATUS_PASS);
}

Test(weigh, a_metric_that_was_found_marks_its_cell_as_run)
{
	check.kind = RT_KIND_METRIC;
	rt_results_metric(&run.results, "unit/unit", 12);
	ends(0, RT_CELL_COMPLETE);
	cr_assert_eq(status_of("unit/(ran)"), RT_STATUS_PASS);
}

Test(weigh, a_metric_that_was_not_found_is_no_evidence)
{
	check.kind = RT_KIND_METRIC;
	ends(0, RT_CELL_BROKEN);
	has_problem("no number");
}

Test(weigh, a_metric_of_a_failed_command_does_not_count)
{
	check.kind = RT_KIND_METRIC;
	rt_results_metric(&run.results, "unit/unit", 12);
	ends(1, RT_CELL_COMPLETE);
	cr_assert_eq(status_of("unit/(exit)"), RT_STATUS_ERROR);
	cr_assert_eq(status_of("unit/(ran)"), RT_STATUS_ABSENT);
}

Test(weigh, a_linter_may_end_with_1_when_it_found_something)
{
	check.kind = RT_KIND_FINDINGS;
	rt_results_finding(&run.results, "unit/f1", "bad");
	ends(1, RT_CELL_COMPLETE);
	cr_assert_eq(status_of("unit/(ran)"), RT_STATUS_PASS);
}

Test(weigh, a_linter_that_fails_without_a_finding_failed_itself)
{
	check.kind = RT_KIND_FINDINGS;
	ends(1, RT_CELL_COMPLETE);
	cr_assert_eq(status_of("unit/(exit)"), RT_STATUS_ERROR);
}

Test(weigh, a_linter_that_finds_nothing_ran)
{
	check.kind = RT_KIND_FINDINGS;
	ends(0, RT_CELL_COMPLETE);
	cr_assert_eq(status_of("unit/(ran)"), RT_STATUS_PASS);
}

Test(weigh, a_preparation_leaves_no_case_unless_it_fails)
{
	use_exit();
	check.kind = RT_KIND_PREPARE;
	ends(0, RT_CELL_COMPLETE);
	cr_assert_eq(run.results.cases.n, 0);
}

Test(weigh, a_preparation_that_fails_is_the_exit_case)
{
	use_exit();
	check.kind = RT_KIND_PREPARE;
	ends(1, RT_CELL_COMPLETE);
	cr_assert_eq(status_of("unit/(exit)"), RT_STATUS_ERROR);
}

/* ---- runs of one selected case ---- */

static void
select_case(const char *id)
{
	run.only = rt_strdup(id);
	check.min_cases = 5;
}

Test(weigh, selected_case_that_ran_is_all_the_evidence_of_its_run)
{
	select_case("unit/a");
	add("unit/a", RT_STATUS_PASS);
	add("unit/b", RT_STATUS_SKIP);
	ends(0, RT_CELL_COMPLETE);
}

Test(weigh, selected_case_that_failed_agrees_with_the_exit_code)
{
	select_case("unit/a");
	add("unit/a", RT_STATUS_FAIL);
	ends(1, RT_CELL_COMPLETE);
}

Test(weigh, selection_that_ran_another_case_is_no_evidence)
{
	select_case("unit/a");
	add("unit/b", RT_STATUS_PASS);
	ends(0, RT_CELL_BROKEN);
	has_problem("not among what was executed");
}

Test(weigh, selected_case_that_was_skipped_is_no_evidence)
{
	select_case("unit/a");
	add("unit/a", RT_STATUS_SKIP);
	add("unit/b", RT_STATUS_PASS);
	ends(0, RT_CELL_BROKEN);
}

/* A floor of coverage, say, which one case alone can't reach. */
Test(weigh, selected_case_that_passes_while_the_command_fails_is_no_evidence)
{
	select_case("unit/a");
	add("unit/a", RT_STATUS_PASS);
	ends(1, RT_CELL_BROKEN);
	has_problem("though no case failed");
	cr_assert_eq(status_of("unit/(exit)"), RT_STATUS_ABSENT);
}
