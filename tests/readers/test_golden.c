/* Reports that real tools wrote (golden/README.md), one promise for each: what of them is evidence, and what it says.
 */
#include "reading.h"

#include <math.h>
#include <string.h>

TestSuite(golden, .fini = tidy);

static bool
has_finding(const char *id)
{
	for (size_t i = 0; i < seen.findings.n; i++)
		if (!strcmp(seen.findings.at[i].id, id))
			return true;
	return false;
}

static void
check_found(size_t n, const char *id)
{
	check_no_problem();
	cr_expect_eq(seen.findings.n, n, "%zu findings", seen.findings.n);
	cr_expect(has_finding(id), "no %s", id);
}

static double
first_value(const char *id)
{
	for (size_t i = 0; i < seen.metrics.n; i++)
		if (!strcmp(seen.metrics.at[i].id, id))
			return seen.metrics.at[i].value;
	return NAN;
}

Test(golden, eslint_finds_what_it_found_and_the_file_that_does_not_parse)
{
	read_golden("eslint/eslint.json", NULL);
	check_found(4, "unit/no-unused-vars::lib/a.js::'b' is assigned a value but never used.");
	cr_expect(has_finding("unit/lib/broken.js::Parsing error: The keyword 'let' is reserved"));
}

Test(golden, eslint_writes_sarif_with_the_same_findings)
{
	read_golden("sarif/eslint.sarif", NULL);
	check_found(3, "unit/no-var::lib/a.js::Unexpected var, use let or const instead.");
}

Test(golden, gcovr_and_istanbul_name_a_dtd_and_are_read)
{
	read_golden("cobertura/gcovr.xml", NULL);
	check_found(1, "unit/uncovered::l.c::line 6");
	tidy();
	read_golden("cobertura/istanbul.xml", NULL);
	check_found(2, "unit/uncovered::lib/add.cjs::line 4");
}

Test(golden, coverage_py_writes_cobertura_and_lcov_alike)
{
	read_golden("cobertura/coverage-py.xml", NULL);
	check_found(1, "unit/uncovered::add.py::line 3");
	tidy();
	read_golden("lcov/coverage-py.info", NULL);
	check_found(1, "unit/uncovered::add.py::line 3");
}

Test(golden, geninfo_and_c8_write_tracefiles)
{
	read_golden("lcov/geninfo.info", NULL);
	check_found(1, "unit/uncovered::l.c::line 6");
	tidy();
	read_golden("lcov/c8.info", NULL);
	check_found(2, "unit/uncovered::lib/add.cjs::line 5");
}

Test(golden, jest_writes_ctrf_with_a_todo_that_is_no_failure)
{
	read_golden("ctrf/jest.json", NULL);
	check_no_problem();
	check_cases(4);
	check_outcome("unit/a.test.cjs > adder::adder adds", "pass");
	check_outcome("unit/a.test.cjs > adder::adder breaks", "fail");
	check_outcome("unit/a.test.cjs > adder::adder later", "skip");
	check_outcome("unit/a.test.cjs > adder::adder some day", "skip");
}

Test(golden, googletest_writes_json)
{
	read_golden("gtest/gtest.json", NULL);
	check_no_problem();
	check_cases(4);
	check_outcome("unit/Sum::Adds", "pass");
	check_outcome("unit/Sum::Breaks", "fail");
	check_outcome("unit/Sum::DISABLED_Later", "skip");
	check_outcome("unit/Sum::Skips", "skip");
}

Test(golden, numbers_of_pytest_benchmark_hyperfine_perf_and_time)
{
	read_golden("pytest-benchmark/bench.json", NULL);
	check_no_problem();
	cr_expect_gt(first_value("unit/test_add.py::test_add"), 0);
	tidy();
	read_golden("hyperfine/true.json", NULL);
	check_no_problem();
	cr_expect_eq(seen.metrics.n, 3);
	cr_expect_gt(first_value("unit/true"), 0);
	tidy();
	read_golden("perf/perf.csv", NULL);
	check_no_problem();
	cr_expect_eq(first_value("unit/task-clock"), 0.72);
	cr_expect_eq(first_value("unit/page-faults"), 48);
	tidy();
	read_golden("time/true.txt", NULL);
	check_no_problem();
	cr_expect_gt(first_value("unit/resident"), 100000);
}

Test(golden, what_was_not_measured_is_a_problem)
{
	read_golden("hyperfine/false.json", NULL);
	check_problem("/results/0: run 1 of a command failed");
	tidy();
	read_golden("perf/some-not-supported.csv", NULL);
	check_problem(":3: cycles was not counted (<not supported>)");
	tidy();
	read_golden("time/false.txt", NULL);
	check_problem("the command that was measured failed");
}
