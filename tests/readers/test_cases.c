#include "reading.h"

#include <string.h>

TestSuite(ctrf, .fini = tidy);
TestSuite(gtest, .fini = tidy);
TestSuite(lines_v1, .fini = tidy);

#define CTRF(tests, summary)                                                                             \
	"{\"reportFormat\": \"CTRF\", \"results\": {\"tool\": {\"name\": \"t\"}, \"summary\": {" summary \
	"}, \"tests\": [" tests "]}}"

Test(ctrf, statuses_are_taken_and_counts_compared)
{
	read_text("ctrf",
		  CTRF("{\"name\": \"a\", \"status\": \"passed\", \"duration\": 12},"
		       "{\"name\": \"b\", \"suite\": \"s\", \"status\": \"failed\", \"message\": \"boom\"},"
		       "{\"name\": \"c\", \"suite\": [\"s\", \"t\"], \"status\": \"pending\"},"
		       "{\"name\": \"d\", \"status\": \"other\"}",
		       "\"tests\": 4, \"passed\": 1, \"failed\": 1, \"pending\": 1, \"skipped\": 0, \"other\": 1"));
	check_no_problem();
	check_outcome("unit/a", "pass");
	check_outcome("unit/s::b", "fail");
	check_note("unit/s::b", "boom");
	check_outcome("unit/s::t::c", "skip");
	check_outcome("unit/d", "error");
}

Test(ctrf, counts_that_disagree_are_a_problem)
{
	read_text("ctrf", CTRF("{\"name\": \"a\", \"status\": \"passed\"}", "\"tests\": 2, \"passed\": 1"));
	check_problem("says 2 tests, and lists 1");
}

Test(ctrf, a_test_that_the_runner_retried_to_green_is_a_problem)
{
	read_text("ctrf",
		  CTRF("{\"name\": \"a\", \"status\": \"passed\", \"flaky\": true, \"retries\": 1}", "\"tests\": 1"));
	/* the test's problem, not the report's: as in JUnit it failed, and the gate counts how often */
	check_no_problem();
	check_outcome("unit/a", "pass");
	cr_expect(rt_results_find(&seen, "unit/a")->retried);
}

static bool
retried(const char *members)
{
	rt_auto(free) char *test = rt_format("{\"name\": \"a\", \"status\": \"passed\"%s}", members);
	rt_auto(free) char *text = rt_format("{\"results\": {\"summary\": {}, \"tests\": [%s]}}", test);

	tidy();
	read_text("ctrf", text);
	check_no_problem();
	check_outcome("unit/a", "pass");
	return rt_results_find(&seen, "unit/a")->retried;
}

Test(ctrf, a_failed_attempt_is_one_however_it_is_said)
{
	cr_expect(retried(", \"retries\": 2"));
	cr_expect(retried(", \"retries\": 1, \"retryAttempts\": [{\"attempt\": 1, \"status\": \"failed\"}]"));
	cr_expect_not(retried(", \"retries\": 1, \"retryAttempts\": [{\"attempt\": 1, \"status\": \"passed\"}]"));
	cr_expect_not(retried(", \"retries\": 0, \"flaky\": false"));
	cr_expect_not(retried(""));
}

Test(ctrf, unknown_statuses_and_other_documents_are_problems)
{
	read_text("ctrf", CTRF("{\"name\": \"a\", \"status\": \"fine\"}", ""));
	check_problem("unknown status");
	tidy();
	read_text("ctrf", "{\"results\": {}}");
	check_problem("is not a CTRF report");
	tidy();
	read_text("ctrf", "{\"results\":");
	check_problem("is not JSON");
}

Test(gtest, an_unknown_status_is_a_problem)
{
	read_text("gtest", "{\"testsuites\": [{\"name\": \"S\", \"testsuite\": ["
			   "{\"name\": \"a\", \"status\": \"RUM\", \"result\": \"COMPLETED\"}]}]}");
	check_problem("unknown status");
}

Test(gtest, results_are_taken_apart)
{
	read_text(
	    "gtest",
	    "{\"tests\": 4, \"testsuites\": [{\"name\": \"S\", \"tests\": 4, \"testsuite\": ["
	    "{\"name\": \"a\", \"status\": \"RUN\", \"result\": \"COMPLETED\"},"
	    "{\"name\": \"b\", \"status\": \"RUN\", \"result\": \"COMPLETED\", \"failures\": [{\"failure\": \"no\"}]},"
	    "{\"name\": \"c\", \"status\": \"RUN\", \"result\": \"SKIPPED\"},"
	    "{\"name\": \"DISABLED_d\", \"status\": \"NOTRUN\", \"result\": \"SUPPRESSED\"}]}]}");
	check_no_problem();
	check_outcome("unit/S::a", "pass");
	check_outcome("unit/S::b", "fail");
	check_outcome("unit/S::c", "skip");
	check_outcome("unit/S::DISABLED_d", "skip");
}

Test(gtest, a_test_that_began_and_did_not_end_is_an_error)
{
	read_text("gtest",
		  "{\"testsuites\": [{\"name\": \"S\", \"testsuite\": [{\"name\": \"a\", \"status\": \"RUN\"}]}]}");
	check_outcome("unit/S::a", "error");
}

Test(gtest, counts_that_disagree_are_a_problem)
{
	read_text("gtest", "{\"tests\": 2, \"testsuites\": [{\"name\": \"S\", \"tests\": 1, \"testsuite\": ["
			   "{\"name\": \"a\", \"status\": \"RUN\", \"result\": \"COMPLETED\"}]}]}");
	check_problem("says 2 tests, and lists 1");
	tidy();
	read_text("gtest", "{}");
	check_problem("is not a report of GoogleTest");
}

Test(lines_v1, cases_metrics_and_findings_are_read)
{
	read_text("ratchet.v1",
		  "{\"type\": \"case\", \"id\": [\"s\", \"a\"], \"status\": \"pass\", \"assertions\": 3, "
		  "\"duration_ms\": 1.5}\n"
		  "{\"type\": \"case\", \"id\": \"b\", \"status\": \"fail\", \"message\": \"boom\"}\n"
		  "{\"type\": \"metric\", \"id\": \"size\", \"value\": 12}\n"
		  "{\"type\": \"finding\", \"rule\": \"r\", \"file\": \"f\", \"line\": 2, \"message\": \"m\"}\n"
		  "{\"type\": \"end\", \"cases\": 2, \"metrics\": 1, \"findings\": 1}\n");
	check_no_problem();
	check_outcome("unit/s::a", "pass");
	check_outcome("unit/b", "fail");
	check_note("unit/b", "boom");
	cr_assert_eq(seen.metrics.n, 1);
	cr_expect_str_eq(seen.metrics.at[0].id, "unit/size");
	cr_assert_eq(seen.findings.n, 1);
	cr_expect_str_eq(seen.findings.at[0].id, "unit/r::f::m");
	cr_expect_eq(rt_results_find(&seen, "unit/s::a")->assertions, 3);
}

Test(lines_v1, without_its_end_a_report_was_cut_off)
{
	read_text("ratchet.v1", "{\"type\": \"case\", \"id\": \"a\", \"status\": \"pass\"}\n");
	check_problem("was cut off");
	tidy();
	read_text("ratchet.v1", "");
	check_problem("was cut off");
}

Test(lines_v1, an_end_that_counts_otherwise_is_a_problem)
{
	read_text("ratchet.v1",
		  "{\"type\": \"case\", \"id\": \"a\", \"status\": \"pass\"}\n{\"type\": \"end\", \"cases\": 2}\n");
	check_problem("report:2: the end counts other numbers");
}

Test(lines_v1, lines_after_the_end_are_a_problem)
{
	read_text("ratchet.v1", "{\"type\": \"end\"}\n{\"type\": \"case\", \"id\": \"a\", \"status\": \"pass\"}\n");
	check_problem("report:2: there is a line after the end");
	check_cases(0);
}

Test(lines_v1, lines_that_lack_what_they_need_are_problems)
{
	static const struct {
		const char *line, *problem;
	} bad[] = {{"{\"type\": \"case\", \"id\": \"a\"}", "a case needs"},
		   {"{\"type\": \"case\", \"status\": \"pass\"}", "a case needs"},
		   {"{\"type\": \"case\", \"id\": [1], \"status\": \"pass\"}", "a case needs"},
		   {"{\"type\": \"case\", \"id\": \"a\", \"status\": \"ok\"}", "a case needs"},
		   {"{\"type\": \"metric\", \"id\": \"a\", \"value\": \"1\"}", "a metric needs"},
		   {"{\"type\": \"finding\"}", "a finding needs"},
		   {"{\"type\": \"test\"}", "a line needs `type`"},
		   {"{\"type\": \"case\", ", "is not a JSON object"},
		   {"hello", "is not a JSON object"}};

	for (size_t i = 0; i < RT_COUNT(bad); i++) {
		read_text("ratchet.v1", bad[i].line);
		cr_expect(has_problem(bad[i].problem), "%s", bad[i].line);
		tidy();
	}
}
