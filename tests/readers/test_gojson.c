#include "reading.h"

#include <string.h>

TestSuite(gojson, .fini = tidy);

#define RUN(test) "{\"Action\":\"run\",\"Package\":\"p\",\"Test\":\"" test "\"}\n"
#define END(action, test) "{\"Action\":\"" action "\",\"Package\":\"p\",\"Test\":\"" test "\",\"Elapsed\":0.5}\n"
#define PACKAGE(action) "{\"Action\":\"" action "\",\"Package\":\"p\"}\n"

Test(gojson, outcomes_are_read_under_import_path_and_test)
{
	read_golden("gojson/outcomes.json", NULL);
	check_outcome("unit/example.com/m/ok::TestPass", "pass");
	check_outcome("unit/example.com/m/ok::TestFail", "fail");
	check_outcome("unit/example.com/m/ok::TestSkip", "skip");
	check_note("unit/example.com/m/ok::TestFail", "bad thing");
}

Test(gojson, subtests_of_the_same_name_are_told_apart_by_go)
{
	read_golden("gojson/outcomes.json", NULL);
	check_outcome("unit/example.com/m/ok::TestSub/a", "pass");
	check_outcome("unit/example.com/m/ok::TestSub/a#01", "fail");
	check_outcome("unit/example.com/m/ok::TestSub", "fail");
}

Test(gojson, printed_pass_line_that_forges_a_test_is_a_problem)
{
	read_golden("gojson/outcomes.json", NULL);
	check_problem("TestForged ended without having been run");
}

Test(gojson, second_end_of_the_same_test_is_a_problem_and_the_worst_counts)
{
	read_text("gojson", RUN("T") END("pass", "T") END("fail", "T") PACKAGE("fail"));
	check_problem("unit/p::T ended without having been run");
	check_outcome("unit/p::T", "fail");
}

Test(gojson, package_without_test_files_executed_nothing)
{
	read_golden("gojson/no-test-files.json", NULL);
	check_no_problem();
	check_cases(0);
}

Test(gojson, package_that_passes_with_no_tests_to_run_executed_nothing)
{
	read_golden("gojson/no-tests-to-run.json", NULL);
	check_no_problem();
	check_cases(0);
}

Test(gojson, all_skipped_executed_nothing)
{
	read_golden("gojson/all-skipped.json", NULL);
	check_no_problem();
	check_cases(1);
	check_executed(0);
}

Test(gojson, exit_0_within_a_test_is_its_failure)
{
	read_golden("gojson/exit-0.json", NULL);
	check_no_problem();
	check_outcome("unit/example.com/m/exit::TestLeaves", "fail");
	check_outcome("unit/example.com/m/exit::TestA", "pass");
	check_cases(2);
}

Test(gojson, panic_fails_its_test_and_later_tests_are_absent)
{
	read_golden("gojson/panic.json", NULL);
	check_no_problem();
	check_outcome("unit/example.com/m/pan::TestPanics", "fail");
	check_outcome("unit/example.com/m/pan::TestNever", "none");
	check_note("unit/example.com/m/pan::TestPanics", "panic: no");
}

Test(gojson, package_that_does_not_build_is_an_error_in_plain_text)
{
	read_golden("gojson/build-failed.json", NULL);
	check_no_problem();
	check_outcome("unit/example.com/m/broken", "error");
	check_note("unit/example.com/m/broken", "[build failed]");
}

Test(gojson, package_that_does_not_build_is_an_error_with_the_compilers_words_since_1_24)
{
	read_golden("gojson/build-failed-1.24.json", NULL);
	check_no_problem();
	check_cases(1);
	check_outcome("unit/example.com/m/broken", "error");
	check_note("unit/example.com/m/broken", "undefined: undefined");
}

Test(gojson, build_failure_that_no_package_reports_is_a_problem)
{
	read_text("gojson", "{\"Action\":\"build-fail\",\"ImportPath\":\"q\"}\n");
	check_problem("a build failed and no package says so");
}

Test(gojson, test_whose_end_was_swallowed_is_an_error)
{
	read_golden("gojson/no-newline.json", NULL);
	check_no_problem();
	check_outcome("unit/example.com/m/nl::TestNoNewline", "error");
	check_note("unit/example.com/m/nl::TestNoNewline", "started and did not end");
	check_outcome("unit/example.com/m/nl::TestAfter", "pass");
}

Test(gojson, failed_package_with_a_test_left_open_needs_no_case_of_its_own)
{
	read_text("gojson", RUN("T") PACKAGE("fail"));
	check_no_problem();
	check_outcome("unit/p::T", "error");
	check_cases(1);
}

Test(gojson, failed_package_without_a_failed_test_is_an_error)
{
	read_text(
	    "gojson",
	    RUN("T")
		END("pass",
		    "T") "{\"Action\":\"output\",\"Package\":\"p\",\"Output\":\"exit status 3\\n\"}\n" PACKAGE("fail"));
	check_no_problem();
	check_outcome("unit/p", "error");
	check_note("unit/p", "exit status 3");
}

Test(gojson, package_without_an_end_is_a_problem)
{
	read_text("gojson", RUN("T") END("pass", "T"));
	check_problem("the package unit/p did not end");
}

Test(gojson, cached_results_are_a_problem)
{
	read_golden("gojson/cached.json", NULL);
	check_problem("are cached, nothing was run; add -count=1");
}

Test(gojson, test_run_twice_in_turn_takes_the_worst)
{
	read_text("gojson", RUN("T") END("fail", "T") RUN("T") END("pass", "T") PACKAGE("fail"));
	check_no_problem();
	check_outcome("unit/p::T", "fail");
}

Test(gojson, duration_is_kept_in_milliseconds)
{
	read_text("gojson", RUN("T") END("pass", "T") PACKAGE("pass"));
	cr_assert_eq(seen.cases.n, 1);
	cr_expect_float_eq(seen.cases.at[0].duration_ms, 500.0f, 0.01f);
}

Test(gojson, newer_actions_are_passed_over)
{
	read_text("gojson", PACKAGE("start") RUN("T") END("pause", "T") END("cont", "T") END("attr", "T")
				END("pass", "T") PACKAGE("pass"));
	check_no_problem();
	check_outcome("unit/p::T", "pass");
}

Test(gojson, event_that_was_cut_off_is_a_problem)
{
	read_text("gojson", RUN("T") "{\"Action\":\"pass\",\"Pack");
	check_problem("report:2: has an event that is not JSON");
	check_outcome("unit/p::T", "error");
}

Test(gojson, plain_text_between_events_is_passed_over)
{
	read_text("gojson", "go: downloading x\n" RUN("T") END("pass", "T") PACKAGE("pass"));
	check_no_problem();
}

Test(gojson, output_without_any_event_is_a_problem)
{
	read_text("gojson", "ok  \tp\t0.1s\n");
	check_problem("holds no event of go test -json");
}

Test(gojson, zero_byte_in_output_is_no_problem)
{
	read_text("gojson",
		  RUN("T") "{\"Action\":\"output\",\"Package\":\"p\",\"Test\":\"T\",\"Output\":\"a\\u0000b\\n\"}\n" END(
		      "pass", "T") PACKAGE("pass"));
	check_no_problem();
	check_outcome("unit/p::T", "pass");
}
