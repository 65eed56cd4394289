#include "reading.h"

#include <string.h>

TestSuite(meson_reader, .fini = tidy);

Test(meson_reader, outcomes_are_read_under_project_and_test)
{
	read_golden("meson/testlog.json", NULL);
	check_no_problem();
	check_cases(12);
	check_outcome("unit/proj::passes bare", "pass");
	check_outcome("unit/proj::fails", "fail");
	check_outcome("unit/proj::skips", "skip");
	check_outcome("unit/proj::hard error", "error");
	check_outcome("unit/proj::crash", "fail");
	check_note("unit/proj::fails", "FAIL\nbad\n\nout");
}

Test(meson_reader, suites_are_dropped_from_the_id)
{
	read_golden("meson/testlog.json", NULL);
	check_outcome("unit/proj::passes", "pass");
}

Test(meson_reader, timeout_is_an_error)
{
	read_golden("meson/testlog.json", NULL);
	check_outcome("unit/proj::slow", "error");
}

Test(meson_reader, unexpected_pass_is_a_failure_and_expected_failure_skip)
{
	read_golden("meson/testlog.json", NULL);
	check_outcome("unit/proj::xpass", "fail");
	check_outcome("unit/proj::xfail", "skip");
}

Test(meson_reader, tap_test_without_output_is_not_executed)
{
	read_golden("meson/testlog.json", NULL);
	check_outcome("unit/proj::tap silent", "skip");
}

Test(meson_reader, name_with_a_slash_keeps_it)
{
	read_golden("meson/testlog.json", NULL);
	check_outcome("unit/proj::a / slash", "pass");
}

Test(meson_reader, build_with_one_suite_names_the_test_alone)
{
	read_golden("meson/one-suite.json", NULL);
	check_no_problem();
	check_outcome("unit/only", "pass");
	cr_expect_float_eq(seen.cases.at[0].duration_ms, 125.0f, 0.01f);
}

Test(meson_reader, all_skipped_executed_nothing)
{
	read_golden("meson/all-skipped.json", NULL);
	check_no_problem();
	check_cases(2);
	check_executed(0);
}

Test(meson_reader, interrupted_test_is_an_error)
{
	read_text("meson", "{\"name\": \"p:s / t\", \"result\": \"INTERRUPT\"}\n");
	check_outcome("unit/p::t", "error");
}

Test(meson_reader, repeated_test_takes_the_worst)
{
	read_text("meson", "{\"name\": \"t\", \"result\": \"FAIL\"}\n{\"name\": \"t\", \"result\": \"OK\"}\n");
	check_outcome("unit/t", "fail");
}

Test(meson_reader, unknown_result_is_a_problem)
{
	read_text("meson", "{\"name\": \"t\", \"result\": \"GREAT\"}\n");
	check_problem("unknown result \"GREAT\"");
	check_cases(0);
}

Test(meson_reader, test_without_name_or_result_is_a_problem)
{
	read_text("meson", "{\"result\": \"OK\"}\n{\"name\": \"t\"}\n[]\n");
	cr_expect_eq(seen.problems.n, 3);
	check_cases(0);
}

Test(meson_reader, line_that_was_cut_off_is_a_problem)
{
	read_text("meson", "{\"name\": \"t\", \"result\": \"OK\"}\n{\"name\": \"u\", \"resu");
	check_problem("report:2: has a line that is not JSON");
	check_outcome("unit/t", "pass");
}

Test(meson_reader, empty_log_is_a_problem)
{
	read_text("meson", "");
	check_problem("report: is empty");
}
