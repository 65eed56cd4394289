#include "reading.h"

#include <string.h>

TestSuite(criterion, .fini = tidy);

static int
assertions_of(const char *id)
{
	const struct rt_case *c = rt_results_find(&seen, id);

	return c ? c->assertions : -2;
}

Test(criterion, outcomes_and_assertion_counts_are_read)
{
	read_golden("criterion/all.xml", NULL);
	check_no_problem();
	check_cases(12);
	check_outcome("unit/basic::passes", "pass");
	check_outcome("unit/basic::fails", "fail");
	check_outcome("unit/basic::skipped", "skip");
	check_outcome("unit/basic::skips_itself", "skip");
	check_outcome("unit/basic::leaves_with_3", "fail");
	cr_expect_eq(assertions_of("unit/basic::passes"), 2);
	check_note("unit/basic::fails", "one is <not> \"two\" & so");
}

Test(criterion, crash_and_timeout_are_errors)
{
	read_golden("criterion/all.xml", NULL);
	check_outcome("unit/basic::crashes", "error");
	check_outcome("unit/basic::times_out", "error");
	check_note("unit/basic::crashes", "The test crashed.");
}

Test(criterion, rows_of_a_parameterized_test_are_one_case_with_the_worst_outcome)
{
	read_golden("criterion/all.xml", NULL);
	check_outcome("unit/other::rows", "fail");
}

Test(criterion, test_that_leaves_with_exit_0_passes_without_assertions)
{
	/* only the count can tell: the judge compares it with the baseline's */
	read_golden("criterion/exit-0.xml", NULL);
	check_outcome("unit/only::leaves", "pass");
	cr_expect_eq(assertions_of("unit/only::leaves"), 0);
}

Test(criterion, filter_without_match_executed_nothing)
{
	read_golden("criterion/nomatch.xml", NULL);
	check_no_problem();
	check_cases(2);
	check_executed(0);
}

Test(criterion, passing_run_is_complete)
{
	read_golden("criterion/passing.xml", NULL);
	check_no_problem();
	check_executed(2);
}

Test(criterion, control_bytes_in_a_message_are_read)
{
	read_golden("criterion/control-bytes.xml", NULL);
	check_no_problem();
	check_outcome("unit/evil::control_byte", "fail");
	check_note("unit/evil::control_byte", "a\\x01b\\x1b[31m");
}

Test(criterion, message_that_ends_the_cdata_section_is_a_problem)
{
	read_golden("criterion/cdata-end.xml", NULL);
	check_problem("not well-formed");
}

Test(criterion, message_that_adds_cases_shows_in_the_counts)
{
	read_golden("criterion/forged.xml", NULL);
	check_problem("suite \"bad\" declares 2 tests and holds 4");
	check_problem("suite \"Criterion Tests\" declares 3 tests and holds 5");
}

#define HEAD "<testsuites name='Criterion Tests' tests='1' failures='0' errors='0'><testsuite name='s' tests='1'>"
#define TAIL "</testsuite></testsuites>"

Test(criterion, comment_that_could_swallow_cases_is_a_problem)
{
	read_text("criterion",
		  HEAD "<testcase name='a' status='PASSED'/><!-- <testcase name='b' status='FAILED'/> -->" TAIL);
	check_problem("has a comment or instruction");
}

Test(criterion, instruction_that_could_swallow_cases_is_a_problem)
{
	read_text("criterion",
		  HEAD "<testcase name='a' status='PASSED'/><?x <testcase name='b' status='FAILED'/> ?>" TAIL);
	check_problem("has a comment or instruction");
}

Test(criterion, comment_before_the_root_is_what_criterion_writes)
{
	read_text("criterion",
		  "<!-- Tests compiled with Criterion v2.4.1 -->" HEAD "<testcase name='a' status='PASSED'/>" TAIL);
	check_no_problem();
}

Test(criterion, case_without_status_is_a_problem)
{
	read_text("criterion", HEAD "<testcase name='a'/>" TAIL);
	check_problem("without a status that Criterion writes");
}

Test(criterion, unknown_status_is_a_problem)
{
	read_text("criterion", HEAD "<testcase name='a' status='FINE'/>" TAIL);
	check_problem("without a status that Criterion writes");
}

Test(criterion, passed_status_with_a_failure_inside_is_a_failure)
{
	read_text("criterion", HEAD "<testcase name='a' status='PASSED'><failure/></testcase>" TAIL);
	check_outcome("unit/s::a", "fail");
}

Test(criterion, failed_status_alone_is_a_failure)
{
	read_text("criterion", HEAD "<testcase name='a' status='FAILED'/>" TAIL);
	check_outcome("unit/s::a", "fail");
}

Test(criterion, declared_failure_that_is_not_there_is_a_problem)
{
	read_text("criterion",
		  "<testsuites name='Criterion Tests' tests='1' failures='1' errors='1'><testsuite name='s'>"
		  "<testcase name='a' status='PASSED'/>" TAIL);
	check_problem("declares 1 failures and errors and holds only 0");
}

Test(criterion, report_of_another_runner_is_a_problem)
{
	read_text("criterion",
		  "<testsuites name='other'><testsuite name='s'><testcase name='a' status='PASSED'/>" TAIL);
	check_problem("was not written by Criterion");
}
