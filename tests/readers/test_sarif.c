#include "reading.h"

#include <string.h>

TestSuite(sarif, .fini = tidy);

Test(sarif, findings_are_named_by_rule_file_and_message_or_fingerprint)
{
	read_golden("sarif/two-findings.sarif", NULL);
	check_no_problem();
	cr_assert_eq(seen.findings.n, 2);
	cr_expect_str_eq(seen.findings.at[0].id, "unit/R1::src/a.c::unused value");
	cr_expect_str_eq(seen.findings.at[0].text, "src/a.c:12: unused value [R1]");
	cr_expect_str_eq(seen.findings.at[1].id, "unit/R2::src/b.c::39fa2ee980eb94b0:1");
}

Test(sarif, passed_and_suppressed_results_are_no_findings)
{
	read_text(
	    "sarif",
	    "{\"runs\": [{\"results\": [{\"ruleId\": \"A\", \"kind\": \"pass\"},"
	    "{\"ruleId\": \"B\", \"suppressions\": [{}]}, {\"ruleId\": \"C\", \"baselineState\": \"absent\"}]}]}");
	check_no_problem();
	cr_expect_eq(seen.findings.n, 0);
}

Test(sarif, run_that_says_it_failed_is_a_problem)
{
	read_text("sarif", "{\"runs\": [{\"invocations\": [{\"executionSuccessful\": false}], \"results\": []}]}");
	check_problem("says itself that its run was not successful");
}

Test(sarif, run_without_results_is_a_problem)
{
	read_text("sarif", "{\"runs\": [{\"tool\": {}}]}");
	check_problem("has a run without results");
}

Test(sarif, log_without_runs_is_a_problem)
{
	read_text("sarif", "{\"version\": \"2.1.0\", \"runs\": []}");
	check_problem("holds no run of SARIF");
}

Test(sarif, text_that_is_not_json_is_a_problem)
{
	read_text("sarif", "no");
	check_problem("is not JSON");
}
