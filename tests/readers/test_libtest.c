#include "reading.h"

#include <string.h>

TestSuite(libtest, .fini = tidy);

#define SUITE(n) "{ \"type\": \"suite\", \"event\": \"started\", \"test_count\": " n " }\n"
#define START(name) "{ \"type\": \"test\", \"event\": \"started\", \"name\": \"" name "\" }\n"
#define END(event, name) "{ \"type\": \"test\", \"name\": \"" name "\", \"event\": \"" event "\" }\n"
#define FINISH(event, passed, failed)                                                                  \
	"{ \"type\": \"suite\", \"event\": \"" event "\", \"passed\": " passed ", \"failed\": " failed \
	", \"ignored\": 0, \"measured\": 0, \"filtered_out\": 0 }\n"

Test(libtest, outcomes_are_read_under_the_test_name)
{
	read_golden("libtest/outcomes.json", NULL);
	check_no_problem();
	check_cases(4);
	check_outcome("unit/tests::passes", "pass");
	check_outcome("unit/tests::fails", "fail");
	check_outcome("unit/tests::ignored", "skip");
	check_note("unit/tests::fails", "not two");
}

Test(libtest, several_suites_with_the_words_of_cargo_between_them_are_read)
{
	read_golden("libtest/several.json", NULL);
	check_no_problem();
	check_outcome("unit/tests::fails", "fail");
	check_outcome("unit/plain", "pass");
}

Test(libtest, doctests_are_read)
{
	read_golden("libtest/doctest.json", NULL);
	check_no_problem();
	check_outcome("unit/src/lib.rs - one (line 1)", "pass");
}

Test(libtest, process_that_leaves_with_exit_0_within_a_test_is_a_problem)
{
	read_golden("libtest/exit-0.json", NULL);
	check_problem("has a suite without an end");
	check_outcome("unit/leaves", "error");
	check_outcome("unit/a_first", "pass");
}

Test(libtest, suite_that_begins_before_the_last_ended_is_a_problem)
{
	read_text("libtest", SUITE("1") START("a") SUITE("1") START("b") END("ok", "b") FINISH("ok", "1", "0"));
	check_problem("report:1: has a suite without an end");
	check_outcome("unit/a", "error");
	check_outcome("unit/b", "pass");
}

Test(libtest, filter_without_match_executed_nothing)
{
	read_golden("libtest/nomatch.json", NULL);
	check_no_problem();
	check_cases(0);
}

Test(libtest, all_ignored_executed_nothing)
{
	read_golden("libtest/all-ignored.json", NULL);
	check_no_problem();
	check_cases(1);
	check_executed(0);
}

Test(libtest, event_printed_by_a_test_is_a_problem)
{
	read_golden("libtest/nocapture.json", NULL);
	check_problem("unit/forged ended without having been started");
	check_problem("declares 1 tests and holds 2");
}

Test(libtest, event_that_output_ran_into_leaves_its_test_open)
{
	read_golden("libtest/nocapture.json", NULL);
	check_outcome("unit/loud", "error");
}

Test(libtest, printed_pass_of_a_failing_test_takes_the_worst_and_is_a_problem)
{
	read_text("libtest", SUITE("1") START("a") END("ok", "a") END("failed", "a") FINISH("failed", "0", "1"));
	check_outcome("unit/a", "fail");
	check_problem("ended without having been started");
	check_problem("declares 0 passed and holds 1");
}

Test(libtest, counts_of_the_suite_must_fit)
{
	read_text("libtest", SUITE("1") START("a") END("ok", "a") FINISH("failed", "0", "1"));
	check_problem("the suite declares 0 passed and holds 1");
	check_problem("the suite declares 1 failed and holds 0");
}

Test(libtest, fewer_tests_than_the_suite_announced_are_a_problem)
{
	read_text("libtest", SUITE("2") START("a") END("ok", "a") FINISH("ok", "1", "0"));
	check_problem("the suite declares 2 tests and holds 1");
}

Test(libtest, test_outside_of_a_suite_is_a_problem)
{
	read_text("libtest", START("a") END("ok", "a"));
	check_problem("has a test outside of a suite");
	check_problem("holds no suite");
}

Test(libtest, end_of_a_suite_that_did_not_begin_is_a_problem)
{
	read_text("libtest", FINISH("ok", "0", "0"));
	check_problem("has the end of a suite that did not begin");
}

Test(libtest, same_name_in_two_suites_takes_the_worst)
{
	read_text("libtest", SUITE("1") START("a") END("failed", "a") FINISH("failed", "0", "1") SUITE("1") START("a")
				 END("ok", "a") FINISH("ok", "1", "0"));
	check_no_problem();
	check_outcome("unit/a", "fail");
}

Test(libtest, notice_of_a_slow_test_is_no_end)
{
	read_text("libtest", SUITE("1") START("a") END("timeout", "a") END("ok", "a") FINISH("ok", "1", "0"));
	check_no_problem();
	check_outcome("unit/a", "pass");
}

Test(libtest, event_that_was_cut_off_is_a_problem)
{
	read_text("libtest", SUITE("1") START("a") "{ \"type\": \"test\", \"name\": \"a\", \"ev");
	check_problem("report:3: has an event that is not JSON");
}

Test(libtest, other_braces_in_the_output_are_passed_over)
{
	read_text("libtest", SUITE("1") START("a") "{ hello\n{\"x\": 1}\n" END("ok", "a") FINISH("ok", "1", "0"));
	check_no_problem();
}

Test(libtest, output_without_any_suite_is_a_problem)
{
	read_text("libtest", "error: could not compile\n");
	check_problem("holds no suite of libtest");
}

Test(libtest, benchmark_is_a_case)
{
	read_text("libtest", SUITE("1") "{ \"type\": \"bench\", \"name\": \"b\", \"median\": 5, \"deviation\": 1 }\n"
					"{ \"type\": \"suite\", \"event\": \"ok\", \"passed\": 0, \"failed\": 0, "
					"\"ignored\": 0, \"measured\": 1 }\n");
	check_no_problem();
	check_outcome("unit/b", "pass");
}
