#include "reading.h"

#include <string.h>

TestSuite(junit, .fini = tidy);

/* pytest */

Test(junit, pytest_outcomes_are_read_and_counts_of_double_failures_fit)
{
	read_golden("junit/pytest.xml", NULL);
	check_no_problem();
	check_cases(15);
	check_outcome("unit/test_ok::test_pass", "pass");
	check_outcome("unit/test_ok::test_fail", "fail");
	check_outcome("unit/test_ok::test_skip", "skip");
	check_outcome("unit/test_ok.TestK::test_m", "fail");
	check_note("unit/test_ok::test_fail", "AssertionError: boom <b> & ]]> end");
}

Test(junit, pytest_xfail_is_skip_and_strict_xpass_a_failure)
{
	read_golden("junit/pytest.xml", NULL);
	check_outcome("unit/test_ok::test_xfail", "skip");
	check_outcome("unit/test_ok::test_xpass", "pass");
	check_outcome("unit/test_ok::test_xpass_strict", "fail");
}

Test(junit, pytest_call_failure_and_teardown_error_are_one_case_with_the_worst_outcome)
{
	read_golden("junit/pytest.xml", NULL);
	check_outcome("unit/test_ok::test_call_and_teardown", "error");
	check_outcome("unit/test_ok::test_teardown_only", "error");
	check_outcome("unit/test_ok::test_setup", "error");
}

Test(junit, pytest_import_error_is_an_error_named_by_its_module)
{
	read_golden("junit/pytest-import-error.xml", NULL);
	check_no_problem();
	check_cases(1);
	check_outcome("unit/pytest::imp.test_b", "error");
	check_note("unit/pytest::imp.test_b", "No module named 'nonexistent_module'");
}

Test(junit, pytest_with_nothing_selected_executed_nothing)
{
	read_golden("junit/pytest-nothing.xml", NULL);
	check_no_problem();
	check_executed(0);
}

Test(junit, pytest_with_all_skipped_executed_nothing)
{
	read_golden("junit/pytest-all-skipped.xml", NULL);
	check_no_problem();
	check_cases(1);
	check_executed(0);
}

/* node */

Test(junit, node_cases_directly_below_the_root_are_read)
{
	read_golden("junit/node.xml", NULL);
	check_no_problem();
	check_outcome("unit/test::passes", "pass");
	check_outcome("unit/test::fails", "fail");
	check_outcome("unit/test::skipped", "skip");
	check_outcome("unit/test::leaf fails", "fail");
	check_outcome("unit/test::has # hash and \\\\ backslash", "pass");
}

Test(junit, node_failing_todo_is_skip)
{
	read_golden("junit/node.xml", NULL);
	check_outcome("unit/test::todo fails", "skip");
	check_outcome("unit/test::todo passes", "skip");
}

Test(junit, same_name_twice_takes_the_worst)
{
	read_golden("junit/node.xml", NULL);
	check_outcome("unit/test::same", "fail");
}

Test(junit, node_file_without_tests_is_no_pass)
{
	read_golden("junit/node-empty.xml", NULL);
	check_outcome("unit/test::/src/empty.test.js", "skip");
	check_executed(0);
}

Test(junit, node_file_that_leaves_with_exit_0_is_no_pass)
{
	read_golden("junit/node-exit.xml", NULL);
	check_outcome("unit/test::/src/exit.test.js", "skip");
	check_executed(0);
}

Test(junit, node_name_pattern_without_match_executed_nothing)
{
	read_golden("junit/node-nomatch.xml", NULL);
	check_cases(2);
	check_executed(0);
}

Test(junit, node_empty_folder_executed_nothing)
{
	read_golden("junit/node-none.xml", NULL);
	check_no_problem();
	check_cases(0);
}

Test(junit, node_all_skipped_executed_nothing)
{
	read_golden("junit/node-skip.xml", NULL);
	check_executed(0);
}

Test(junit, node_passing_run_is_complete)
{
	read_golden("junit/node-ok.xml", NULL);
	check_no_problem();
	check_executed(2);
}

/* ctest */

Test(junit, ctest_bare_suite_is_read)
{
	read_golden("junit/ctest.xml", NULL);
	check_no_problem();
	check_cases(10);
	check_outcome("unit/passes::passes", "pass");
	check_outcome("unit/fails::fails", "fail");
	check_outcome("unit/slow::slow", "fail");
	check_outcome("unit/crashes::crashes", "fail");
}

Test(junit, ctest_missing_executable_and_failed_fixture_are_not_executed)
{
	read_golden("junit/ctest.xml", NULL);
	check_outcome("unit/missing::missing", "skip");
	check_outcome("unit/uses::uses", "skip");
}

Test(junit, ctest_disabled_test_without_child_element_is_skip)
{
	read_golden("junit/ctest.xml", NULL);
	check_outcome("unit/off::off", "skip");
}

Test(junit, ctest_with_only_a_missing_executable_executed_nothing)
{
	read_golden("junit/ctest-missing.xml", NULL);
	check_executed(0);
}

Test(junit, ctest_without_tests_executed_nothing)
{
	read_golden("junit/ctest-nothing.xml", NULL);
	check_no_problem();
	check_cases(0);
}

Test(junit, ctest_with_skipped_and_disabled_alone_executed_nothing)
{
	read_golden("junit/ctest-skipped.xml", NULL);
	check_no_problem();
	check_cases(2);
	check_executed(0);
}

/* gtest */

Test(junit, gtest_outcomes_are_read)
{
	read_golden("junit/gtest.xml", NULL);
	check_no_problem();
	check_outcome("unit/A::Passes", "pass");
	check_outcome("unit/A::Fails", "fail");
	check_outcome("unit/I/P::Row/1", "fail");
	check_note("unit/A::Fails", "m1");
	check_note("unit/A::Fails", "m2");
}

Test(junit, gtest_result_skipped_and_suppressed_are_skip)
{
	read_golden("junit/gtest.xml", NULL);
	check_outcome("unit/A::Skips", "skip");
	check_outcome("unit/A::DISABLED_Off", "skip");
}

Test(junit, gtest_environment_failure_is_a_failed_case_and_its_root_count_is_forgiven)
{
	read_golden("junit/gtest-environment.xml", NULL);
	check_no_problem();
	check_outcome("unit/NonTestSuiteFailure", "fail");
	check_outcome("unit/A::Passes", "skip");
}

Test(junit, gtest_filter_without_match_executed_nothing)
{
	read_golden("junit/gtest-nomatch.xml", NULL);
	check_no_problem();
	check_cases(0);
}

Test(junit, gtest_with_all_skipped_executed_nothing)
{
	read_golden("junit/gtest-skipped.xml", NULL);
	check_executed(0);
}

/* jest */

Test(junit, jest_raw_escape_byte_in_a_name_is_read_and_shown_escaped)
{
	read_golden("junit/jest.xml", NULL);
	check_no_problem();
	check_outcome("unit/ esc \\x1b[31m in name:: esc \\x1b[31m in name", "pass");
}

Test(junit, jest_todo_is_a_pass_that_its_counts_leave_out)
{
	read_golden("junit/jest.xml", NULL);
	check_no_problem();
	check_outcome("unit/ todo later:: todo later", "pass");
}

Test(junit, jest_same_name_twice_takes_the_worst)
{
	read_golden("junit/jest.xml", NULL);
	check_outcome("unit/outer same::outer same", "fail");
}

Test(junit, jest_file_that_does_not_load_is_an_error_where_it_is_reported)
{
	read_golden("junit/jest-load-reported.xml", NULL);
	check_no_problem();
	check_outcome("unit/Test suite failed to run::b.test.js", "error");
	check_executed(3);
}

Test(junit, jest_file_that_does_not_load_is_absent_otherwise)
{
	read_golden("junit/jest-load.xml", NULL);
	check_cases(2);
}

Test(junit, jest_name_without_match_executed_nothing)
{
	read_golden("junit/jest-nomatch.xml", NULL);
	check_cases(2);
	check_executed(0);
}

Test(junit, jest_pass_with_no_tests_executed_nothing)
{
	read_golden("junit/jest-none.xml", NULL);
	check_no_problem();
	check_cases(0);
}

/* others */

Test(junit, bats_outcomes_are_read)
{
	read_golden("junit/bats.xml", NULL);
	check_no_problem();
	check_outcome("unit/a.bats::passes", "pass");
	check_outcome("unit/a.bats::fails", "fail");
	check_outcome("unit/a.bats::skips bare", "skip");
}

Test(junit, libtest_ignored_cases_that_are_counted_and_not_written_are_forgiven)
{
	read_golden("junit/libtest.xml", NULL);
	check_no_problem();
	check_cases(3);
	check_outcome("unit/tests::fails", "fail");
}

Test(junit, meson_shows_timeout_and_unexpected_pass_as_plain_passes)
{
	/* the reason for the format meson: nothing in this report tells them apart */
	read_golden("junit/meson.xml", NULL);
	check_no_problem();
	check_outcome("unit/proj::proj / slow", "pass");
	check_outcome("unit/proj::proj / xpass", "pass");
	check_outcome("unit/proj.proj / tap some::2 - b", "fail");
}

Test(junit, criterion_report_is_read_in_its_dialect)
{
	read_golden("junit/criterion.xml", NULL);
	check_no_problem();
	check_outcome("unit/basic::fails", "fail");
	check_outcome("unit/basic::crashes", "error");
}

Test(junit, surefire_flaky_case_is_a_pass_with_the_failed_attempt_as_note)
{
	read_golden("junit/surefire-flaky.xml", NULL);
	check_no_problem();
	check_outcome("unit/org.example.FlakyTest::passesSecondTime", "pass");
	check_note("unit/org.example.FlakyTest::passesSecondTime", "passed after a failed attempt");
	check_note("unit/org.example.FlakyTest::passesSecondTime", "but was: <2>");
	check_outcome("unit/org.example.FlakyTest::errorOnce", "pass");
}

Test(junit, surefire_case_that_fails_in_every_rerun_is_a_failure)
{
	read_golden("junit/surefire-flaky.xml", NULL);
	check_outcome("unit/org.example.FlakyTest::failsEachTime", "fail");
}

Test(junit, rerun_failure_alone_is_a_failure)
{
	read_text("junit", "<testsuite><testcase classname='c' name='n'><rerunFailure/></testcase>"
			   "<testcase classname='c' name='m'><rerunError/></testcase></testsuite>");
	check_outcome("unit/c::n", "fail");
	check_outcome("unit/c::m", "error");
}

Test(junit, output_within_a_rerun_is_not_part_of_the_note)
{
	read_golden("junit/surefire-flaky.xml", NULL);
	cr_expect_null(strstr(note_of("unit/org.example.FlakyTest::passesSecondTime"), "first attempt"));
	tidy();
	read_golden("junit/nextest.xml", NULL);
	check_note("unit/example::tests::fails", "again");
	cr_expect_null(strstr(note_of("unit/example::tests::fails"), "running 1 test"));
}

Test(junit, nextest_outcomes_are_read)
{
	read_golden("junit/nextest.xml", NULL);
	check_no_problem();
	check_outcome("unit/example::tests::flaky", "pass");
	check_outcome("unit/example::tests::fails", "fail");
	check_outcome("unit/example::it@stress-0::stressed", "pass");
}

/* structure */

Test(junit, suites_nest_to_any_depth)
{
	read_golden("junit/nested-suites.xml", NULL);
	check_no_problem();
	check_outcome("unit/inner::one", "pass");
	check_outcome("unit/inner::two", "fail");
	check_outcome("unit/Class::three", "pass");
	check_outcome("unit/outer::four", "pass");
}

Test(junit, error_of_a_suite_without_cases_is_an_error)
{
	read_golden("junit/nested-suites.xml", NULL);
	check_outcome("unit/broken::(suite)", "error");
	check_note("unit/broken::(suite)", "could not be set up\nno such file");
}

Test(junit, several_results_in_one_case_take_the_worst)
{
	read_golden("junit/several-results.xml", NULL);
	check_no_problem();
	check_outcome("unit/c::skipped and failed", "fail");
	check_outcome("unit/c::failed and in error", "error");
	check_note("unit/c::failed and in error", "body f\ne\nbody e");
}

Test(junit, status_attributes_say_what_no_child_element_does)
{
	read_golden("junit/status-attributes.xml", NULL);
	check_no_problem();
	check_outcome("unit/c::run", "pass");
	check_outcome("unit/c::failed", "fail");
	check_outcome("unit/c::disabled", "skip");
	check_outcome("unit/c::timed out", "error");
	check_outcome("unit/c::interrupted", "error");
}

Test(junit, suite_name_stands_in_for_a_missing_classname)
{
	read_text("junit", "<testsuite name='s'><testcase name='n'/><testcase classname='' name='m'/></testsuite>");
	check_outcome("unit/s::n", "pass");
	check_outcome("unit/s::m", "pass");
}

Test(junit, case_without_any_name_is_called_unnamed)
{
	read_text("junit", "<testsuite><testcase/></testsuite>");
	check_outcome("unit/(unnamed)", "pass");
}

Test(junit, assertions_and_time_are_kept)
{
	read_text("junit", "<testsuite><testcase name='n' assertions='7' time='1,234.5'/></testsuite>");
	cr_assert_eq(seen.cases.n, 1);
	cr_expect_eq(seen.cases.at[0].assertions, 7);
	cr_expect_float_eq(seen.cases.at[0].duration_ms, 1234500.0f, 1.0f);
}

Test(junit, unreadable_time_and_assertions_are_not_reported)
{
	read_text("junit", "<testsuite><testcase name='n' assertions='-3' time='soon'/></testsuite>");
	cr_assert_eq(seen.cases.n, 1);
	cr_expect_eq(seen.cases.at[0].assertions, -1);
	cr_expect_float_eq(seen.cases.at[0].duration_ms, -1.0f, 0.001f);
}

Test(junit, output_of_a_test_is_not_part_of_its_note)
{
	read_text("junit", "<testsuite><testcase name='n'><system-out>noise</system-out><failure>why</failure>"
			   "<system-err>noise</system-err></testcase></testsuite>");
	cr_expect_str_eq(note_of("unit/n"), "why");
}

Test(junit, note_is_cut_after_8_kib)
{
	struct rt_buf text = RT_BUF_INIT;

	rt_buf_adds(&text, "<testsuite><testcase name='n'><failure>");
	for (int i = 0; i < 100000; i++)
		rt_buf_addc(&text, 'x');
	rt_buf_adds(&text, "</failure></testcase><testcase name='m'/></testsuite>");
	read_bytes("junit", NULL, text.data, text.len);
	rt_buf_release(&text);
	check_no_problem();
	cr_expect_leq(strlen(note_of("unit/n")), 8192);
	cr_expect_geq(strlen(note_of("unit/n")), 8000);
	check_outcome("unit/m", "pass");
}

Test(junit, report_that_comes_byte_by_byte_reads_the_same)
{
	size_t len;
	char *bytes = golden_bytes("junit/jest.xml", &len);

	read_trickle("junit", bytes, len);
	free(bytes);
	check_no_problem();
	check_cases(6);
	check_outcome("unit/ esc \\x1b[31m in name:: esc \\x1b[31m in name", "pass");
}

/* what is not a report */

Test(junit, other_root_is_a_problem)
{
	read_text("junit", "<html><testsuite><testcase name='n'/></testsuite></html>");
	check_problem("its root is <html>");
	check_cases(0);
}

Test(junit, case_outside_of_a_suite_is_a_problem)
{
	read_text("junit", "<testsuite><properties><testcase name='n'/></properties></testsuite>");
	check_problem("report:1: has a case outside of a suite");
	check_cases(0);
}

Test(junit, case_within_a_case_is_a_problem)
{
	read_text("junit",
		  "<testsuite><testcase name='n'><system-out><testcase name='m'/></system-out></testcase></testsuite>");
	check_problem("within a case");
	check_outcome("unit/m", "none");
}

Test(junit, suite_within_something_else_is_a_problem)
{
	read_text("junit",
		  "<testsuite><properties><testsuite><testcase name='n'/></testsuite></properties></testsuite>");
	check_problem("has a suite where none belongs");
	check_problem("has a case outside of a suite");
}

Test(junit, empty_report_is_a_problem)
{
	read_text("junit", "");
	check_problem("report: is empty");
}

Test(junit, truncated_report_is_a_problem_and_keeps_what_was_read)
{
	read_text("junit", "<testsuite><testcase name='n'/><testcase na");
	check_problem("not well-formed");
	check_outcome("unit/n", "pass");
}

Test(junit, bytes_after_the_report_are_a_problem)
{
	read_text("junit", "<testsuite><testcase name='n'/></testsuite><testsuite/>");
	check_problem("not well-formed");
}

Test(junit, suites_nested_deeper_than_the_limit_are_a_problem)
{
	struct rt_buf text = RT_BUF_INIT;

	for (int i = 0; i < 70; i++)
		rt_buf_adds(&text, "<testsuite>");
	read_bytes("junit", NULL, text.data, text.len);
	rt_buf_release(&text);
	check_problem("suites are nested deeper than 64");
}

Test(junit, hostile_names_are_escaped)
{
	read_text("junit", "<testsuite><testcase name='a&#10;b&#9;c\\d\xE2\x80\xAE"
			   "e'/></testsuite>");
	check_no_problem();
	check_outcome("unit/a\\nb\\tc\\\\d\\u{202e}e", "pass");
}

Test(junit, long_suite_name_on_many_cases_is_a_problem)
{
	struct rt_buf text = RT_BUF_INIT;

	rt_buf_adds(&text, "<testsuite name='");
	rt_buf_reserve(&text, 1 << 20);
	memset(text.data + text.len, 'x', 1 << 20);
	text.len += 1 << 20;
	rt_buf_adds(&text, "'>");
	for (int i = 0; i < 1000; i++)
		rt_buf_addf(&text, "<testcase name='%d'/>", i);
	rt_buf_adds(&text, "</testsuite>");
	read_bytes("junit", NULL, text.data, text.len);
	rt_buf_release(&text);
	check_problem("too many cases in suites with too long names");
	cr_expect_lt(seen.cases.n, 200);
}

Test(junit, surefire_counts_each_attempt_and_the_first_one_is_what_was_seen)
{
	read_golden("junit/surefire-rerun.xml", NULL);
	check_no_problem();
	check_cases(5);
	check_outcome("unit/org.x.SumTest::adds", "pass");
	check_outcome("unit/org.x.SumTest::breaks", "fail");
	check_outcome("unit/org.x.SumTest::throwsUp", "error");
	check_outcome("unit/org.x.SumTest::later", "skip");
	cr_expect_eq(seen.retried, 1);
	cr_expect(rt_results_find(&seen, "unit/org.x.SumTest::flaky")->retried);
	cr_expect_not(rt_results_find(&seen, "unit/org.x.SumTest::adds")->retried);
}

Test(junit, names_that_differ_behind_a_nul_are_two_cases)
{
	static const char report[] = "<testsuite tests='2'><testcase classname='c' name='a\0b'><failure/></testcase>"
				     "<testcase classname='c' name='a\0c'/></testsuite>";

	read_bytes("junit", NULL, report, sizeof(report) - 1);
	check_cases(2);
	check_executed(2);
}

Test(junit, more_failures_than_attempts_are_a_problem)
{
	read_text(
	    "junit",
	    "<testsuite name='s' tests='2' failures='3'><testcase name='a'><flakyFailure/></testcase></testsuite>");
	check_problem("declares 3 failures and errors and holds only 0");
	tidy();
	read_text(
	    "junit",
	    "<testsuite name='s' tests='3' failures='1'><testcase name='a'><flakyFailure/></testcase></testsuite>");
	check_problem("declares 3 tests and holds only 1");
}
