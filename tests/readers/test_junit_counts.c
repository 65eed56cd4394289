#include "reading.h"

#include <string.h>

TestSuite(junit_counts, .fini = tidy);

Test(junit_counts, more_cases_than_declared_are_a_problem)
{
	read_text("junit", "<testsuite name='s' tests='1'>\n<testcase name='a'/>\n<testcase name='b'/>\n</testsuite>");
	check_problem("report:1: suite \"s\" declares 1 tests and holds 2");
}

Test(junit_counts, fewer_cases_than_declared_are_a_problem)
{
	read_text("junit", "<testsuite name='s' tests='3'><testcase name='a'/></testsuite>");
	check_problem("declares 3 tests and holds only 1: results were lost");
}

Test(junit_counts, declared_tests_without_any_case_are_a_problem)
{
	read_golden("junit/no-cases-but-tests.xml", NULL);
	check_problem("suite \"lost\" declares 3 tests and holds only 0");
	check_cases(0);
}

Test(junit_counts, declared_failure_that_is_not_there_is_a_problem)
{
	read_text("junit", "<testsuite name='s' tests='1' failures='1'><testcase name='a'/></testsuite>");
	check_problem("declares 1 failures and errors and holds only 0");
}

Test(junit_counts, declared_error_that_is_not_there_is_a_problem)
{
	read_text("junit", "<testsuite name='s' tests='1' errors='1'><testcase name='a'/></testsuite>");
	check_problem("declares 1 failures and errors and holds only 0");
}

Test(junit_counts, declared_skip_that_is_not_there_is_a_problem)
{
	read_text("junit", "<testsuite name='s' tests='1' skipped='1'><testcase name='a'/></testsuite>");
	check_problem("declares 1 skipped and holds only 0");
}

Test(junit_counts, more_failures_than_declared_fail_by_themselves)
{
	read_text("junit", "<testsuite tests='1' failures='0'><testcase name='a'><failure/></testcase></testsuite>");
	check_no_problem();
	check_outcome("unit/a", "fail");
}

Test(junit_counts, counts_of_the_root_are_checked_too)
{
	read_text("junit",
		  "<testsuites name='all' tests='1'><testsuite name='s'><testcase name='a'/><testcase name='b'/>"
		  "</testsuite></testsuites>");
	check_problem("suite \"all\" declares 1 tests and holds 2");
}

Test(junit_counts, root_that_declares_none_is_not_excused_by_its_suites)
{
	read_text("junit", "<testsuites tests='0'><testsuite><testcase name='a'/></testsuite></testsuites>");
	check_problem("declares 0 tests and holds 1");
}

Test(junit_counts, inner_suite_may_count_its_own_cases_alone)
{
	read_text(
	    "junit",
	    "<testsuites tests='2'><testsuite tests='1'><testcase name='a'/><testsuite tests='1'><testcase name='b'/>"
	    "</testsuite></testsuite></testsuites>");
	check_no_problem();
}

Test(junit_counts, same_id_twice_counts_twice)
{
	read_text("junit", "<testsuite tests='2'><testcase name='a'/><testcase name='a'/></testsuite>");
	check_no_problem();
	check_cases(1);
}

Test(junit_counts, missing_counts_are_not_checked)
{
	read_text("junit", "<testsuite><testcase name='a'/></testsuite>");
	check_no_problem();
}

Test(junit_counts, empty_count_is_no_count)
{
	read_text("junit", "<testsuite tests='' failures=''><testcase name='a'/></testsuite>");
	check_no_problem();
}

Test(junit_counts, count_that_is_no_number_is_a_problem)
{
	read_text("junit", "<testsuite tests='-1'><testcase name='a'/></testsuite>");
	check_problem("tests=\"-1\" is not a count");
}

Test(junit_counts, count_beyond_any_report_is_a_problem)
{
	read_text("junit", "<testsuite tests='18446744073709551615'><testcase name='a'/></testsuite>");
	check_problem("is not a count");
}

Test(junit_counts, suite_left_out_of_the_root_count_must_have_failed)
{
	/* the name alone does not excuse a passing case that nobody counted */
	read_text("junit", "<testsuites tests='0'><testsuite name='NonTestSuiteFailure' tests='1'><testcase name='a'/>"
			   "</testsuite></testsuites>");
	check_problem("declares 0 tests and holds 1");
}

Test(junit_counts, case_left_out_by_jest_must_have_failed)
{
	read_text("junit",
		  "<testsuite tests='0'><testcase classname='Test suite failed to run' name='a'/></testsuite>");
	check_problem("declares 0 tests and holds 1");
}

Test(junit_counts, teardown_error_is_not_counted_only_after_a_failure_of_the_same_case)
{
	read_text("junit", "<testsuite tests='1'><testcase name='a'/><testcase name='b'>"
			   "<error message='failed on teardown with x'/></testcase></testsuite>");
	check_problem("declares 1 tests and holds 2");
}

Test(junit_counts, suite_name_in_a_problem_is_escaped_and_cut)
{
	char text[600] = "<testsuite tests='9' name='\xE2\x80\xAE";

	memset(text + strlen(text), 'x', 400);
	strncat(text, "'/>", 4);
	read_text("junit", text);
	check_problem("suite \"\\u{202e}xxx");
	cr_expect_leq(strlen(seen.problems.at[0]), 300);
}
