#include "reading.h"

#include <string.h>

TestSuite(coverage, .fini = tidy);

static const char source[] = "int\nadd(int a, int b)\n{\n\tif (a)\n\t\treturn a;\n\treturn b;\n}\n"
			     "int\nsub(int a)\n{\n\tif (a)\n\t\treturn a;\n\treturn 0;\n}\n";

static void
with_source(const char *path)
{
	tracked_path = path;
	tracked_text = source;
}

Test(coverage, lines_that_never_ran_are_findings_by_their_text)
{
	with_source("a.c");
	read_text("lcov", "TN:\nSF:/src/a.c\nDA:4,1\nDA:5,0\nDA:6,1\nDA:11,1\nDA:12,0\nend_of_record\n");
	check_no_problem();
	cr_assert_eq(seen.findings.n, 2);
	cr_expect_str_eq(seen.findings.at[0].id, "unit/uncovered::a.c::add(int a, int b): return a;");
	cr_expect_str_eq(seen.findings.at[1].id, "unit/uncovered::a.c::sub(int a): return a;");
	cr_expect_str_eq(seen.findings.at[0].text, "a.c:5: never ran [uncovered]");
}

Test(coverage, a_function_that_never_ran_is_known_by_itself_and_not_by_the_one_above)
{
	with_source("a.c");
	read_text("lcov", "SF:a.c\nDA:2,1\nDA:9,0\nDA:12,0\nend_of_record\n");
	cr_assert_eq(seen.findings.n, 2);
	cr_expect_str_eq(seen.findings.at[0].id, "unit/uncovered::a.c::sub(int a)");
	cr_expect_str_eq(seen.findings.at[1].id, "unit/uncovered::a.c::sub(int a): return a;");
}

Test(coverage, a_file_of_the_tree_that_is_measured_is_a_case)
{
	with_source("a.c");
	read_text("lcov", "SF:/usr/include/x.h\nDA:1,1\nend_of_record\nSF:/src/a.c\nDA:4,1\nend_of_record\n");
	check_cases(1);
	check_outcome("unit/a.c::(measured)", "pass");
}

Test(coverage, an_empty_file_of_python_has_no_line)
{
	with_source("a.c");
	read_text("lcov", "SF:__init__.py\nDA:0,1,1B2M2Y8AsgTpgAmY7PhCfg\nLF:0\nLH:1\nend_of_record\n"
			  "SF:a.c\nDA:4,1\nend_of_record\n");
	check_no_problem();
	cr_expect_eq(seen.findings.n, 0);
}

Test(coverage, what_ran_in_any_record_of_a_file_ran)
{
	with_source("a.c");
	read_text("lcov", "SF:a.c\nDA:5,0\nDA:6,0\nend_of_record\nSF:a.c\nDA:5,3,sum\nDA:6,0\nend_of_record\n");
	cr_assert_eq(seen.findings.n, 1);
	cr_expect_str_eq(seen.findings.at[0].text, "a.c:6: never ran [uncovered]");
}

Test(coverage, files_outside_of_the_repository_do_not_count)
{
	with_source("a.c");
	read_text("lcov", "SF:/usr/include/x.h\nDA:1,0\nend_of_record\nSF:a.c\nDA:4,1\nend_of_record\n");
	check_no_problem();
	cr_expect_eq(seen.findings.n, 0);
}

Test(coverage, a_report_that_counts_nothing_of_the_repository_is_a_problem)
{
	with_source("a.c");
	read_text("lcov", "SF:/usr/include/x.h\nDA:1,0\nend_of_record\n");
	check_problem("nothing was measured");
	tidy();
	read_text("lcov", "");
	check_problem("nothing was measured");
}

Test(coverage, lines_beyond_the_end_of_a_file_are_not_its_code)
{
	with_source("a.c");
	read_text("lcov", "SF:a.c\nDA:4,1\nDA:4000,0\nend_of_record\n");
	cr_expect_eq(seen.findings.n, 0);
}

Test(coverage, without_a_tree_lines_have_numbers)
{
	read_text("lcov", "SF:a.c\nDA:5,0\nend_of_record\n");
	cr_assert_eq(seen.findings.n, 1);
	cr_expect_str_eq(seen.findings.at[0].id, "unit/uncovered::a.c::line 5");
}

Test(coverage, broken_tracefiles_are_problems)
{
	read_text("lcov", "SF:a.c\nDA:4,1\n");
	check_problem("was cut off");
	tidy();
	read_text("lcov", "DA:4,1\n");
	check_problem("report:1: has a line count that is none");
	tidy();
	read_text("lcov", "SF:a.c\nDA:4,1\nend_of_record");
	check_problem("report:3: ends within a line");
	tidy();
	read_text("lcov", "SF:a.c\nDA:4,1\nend_of_record\nS\n");
	check_problem("report:4: is no line of an LCOV tracefile");
	tidy();
	read_text("lcov", "SF:a.c\nDA:x,1\nDA:99999999999,1\nDA:0,1\nDA:3\nend_of_record\n");
	cr_expect_eq(seen.problems.n, 5);
}

/* Else a report of a few kilobytes would take all memory. */
Test(coverage, files_that_claim_millions_of_lines_are_bounded_together)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;

	for (int i = 0; i < 2000; i++)
		rt_buf_addf(&text, "SF:f%d.c\nDA:4000000,1\nend_of_record\n", i);
	read_text("lcov", text.data);
	check_problem("counts lines of more than");
}

Test(coverage, cobertura_finds_files_below_its_sources)
{
	with_source("lib/a.c");
	read_text("cobertura",
		  "<coverage><sources><source>/src/other</source><source>/src/lib</source></sources><packages>"
		  "<package><classes><class name=\"a\" filename=\"a.c\"><methods><method><lines>"
		  "<line number=\"5\" hits=\"0\"/></lines></method></methods><lines>"
		  "<line number=\"4\" hits=\"2\"/><line number=\"5\" hits=\"0\"/></lines></class></classes>"
		  "</package></packages></coverage>");
	check_no_problem();
	cr_assert_eq(seen.findings.n, 1);
	cr_expect_str_eq(seen.findings.at[0].id, "unit/uncovered::lib/a.c::add(int a, int b): return a;");
}

Test(coverage, other_documents_are_no_cobertura)
{
	read_text("cobertura", "<testsuites/>");
	check_problem("is not a report of Cobertura");
	tidy();
	read_text("cobertura", "<coverage>");
	cr_expect_gt(seen.problems.n, 0);
}
