#include "reading.h"

#include <string.h>

TestSuite(lint, .fini = tidy);
TestSuite(matches, .fini = tidy);

#define check_finding(i, name, words)                                   \
	do {                                                            \
		cr_assert_gt(seen.findings.n, (size_t)(i));             \
		cr_expect_str_eq(seen.findings.at[i].id, "unit/" name); \
		cr_expect_str_eq(seen.findings.at[i].text, words);      \
	} while (0)

Test(lint, eslint_names_rule_file_and_message)
{
	read_text("eslint",
		  "[{\"filePath\": \"/src/lib/a.js\", \"messages\": [{\"ruleId\": \"no-unused-vars\", \"severity\": 2,"
		  "\"message\": \"'x' is defined but never used.\", \"line\": 3, \"column\": 7}]},"
		  "{\"filePath\": \"/src/b.js\", \"messages\": []}]");
	check_no_problem();
	cr_assert_eq(seen.findings.n, 1);
	check_finding(0, "no-unused-vars::lib/a.js::'x' is defined but never used.",
		      "lib/a.js:3:7: 'x' is defined but never used. [no-unused-vars]");
}

/* Without namespaces a cell sees its workspace where it is, in a folder of another name each time. */
Test(lint, absolute_paths_are_those_below_the_workspace_wherever_it_is)
{
	as_root = "/var/tmp/cell-1/tree";
	read_text("eslint", "[{\"filePath\": \"/var/tmp/cell-1/tree/lib/a.js\", \"messages\": [{\"ruleId\": \"r\","
			    "\"message\": \"no /var/tmp/cell-1/tree/b.js or /var/tmp/cell-1/tree\", \"line\": 3}]},"
			    "{\"filePath\": \"/var/tmp/cell-1/trees/a.js\", \"messages\": [{\"message\": \"m\"}]}]");
	check_no_problem();
	check_finding(0, "r::lib/a.js::no /src/b.js or /src", "lib/a.js:3: no /src/b.js or /src [r]");
	check_finding(1, "/var/tmp/cell-1/trees/a.js::m", "/var/tmp/cell-1/trees/a.js: m");
}

Test(lint, eslint_file_that_does_not_parse_is_a_finding)
{
	read_text("eslint", "[{\"filePath\": \"/src/a.js\", \"messages\": [{\"ruleId\": null, \"fatal\": true,"
			    "\"message\": \"Parsing error: Unexpected token\", \"line\": 1, \"column\": 1}]}]");
	check_no_problem();
	check_finding(0, "a.js::Parsing error: Unexpected token", "a.js:1:1: Parsing error: Unexpected token");
}

Test(lint, ruff_names_code_file_and_message)
{
	read_text("ruff",
		  "[{\"code\": \"F401\", \"message\": \"`os` imported but unused\", \"filename\": \"/src/a.py\","
		  "\"location\": {\"row\": 1, \"column\": 8}}]");
	check_no_problem();
	check_finding(0, "F401::a.py::`os` imported but unused", "a.py:1:8: `os` imported but unused [F401]");
}

Test(lint, shellcheck_is_read_in_both_its_json_formats)
{
	static const char comment[] =
	    "{\"file\": \"x.sh\", \"line\": 2, \"column\": 6, \"level\": \"info\", \"code\": 2086,"
	    "\"message\": \"Double quote\"}";
	rt_auto(free) char *json = rt_format("[%s]", comment), *json1 = rt_format("{\"comments\": [%s]}", comment);

	read_text("shellcheck", json);
	check_finding(0, "2086::x.sh::Double quote", "x.sh:2:6: Double quote [2086]");
	tidy();
	read_text("shellcheck", json1);
	check_no_problem();
	check_finding(0, "2086::x.sh::Double quote", "x.sh:2:6: Double quote [2086]");
}

Test(lint, cppcheck_takes_the_first_location_and_the_errors_without_one)
{
	read_text("cppcheck",
		  "<?xml version=\"1.0\"?>\n<results version=\"2\"><cppcheck version=\"2.10\"/><errors>"
		  "<error id=\"nullPointer\" severity=\"error\" msg=\"Null pointer: p\" verbose=\"v\">"
		  "<location file=\"a.c\" line=\"4\" column=\"5\"/><location file=\"a.c\" line=\"2\"/></error>"
		  "<error id=\"missingInclude\" severity=\"information\" msg=\"missing\"/></errors></results>");
	check_no_problem();
	cr_assert_eq(seen.findings.n, 2);
	check_finding(0, "nullPointer::a.c::Null pointer: p", "a.c:4:5: Null pointer: p [nullPointer]");
	check_finding(1, "missingInclude::missing", "missing [missingInclude]");
}

Test(lint, no_finding_is_a_report_too)
{
	static const struct {
		const char *format, *text;
	} empty[] = {{"eslint", "[]"},
		     {"ruff", "[]"},
		     {"shellcheck", "{\"comments\": []}"},
		     {"cppcheck", "<results version=\"2\"><errors/></results>"}};

	for (size_t i = 0; i < RT_COUNT(empty); i++) {
		read_text(empty[i].format, empty[i].text);
		check_no_problem();
		cr_expect_eq(seen.findings.n, 0);
	}
}

Test(lint, reports_of_another_shape_are_problems)
{
	static const struct {
		const char *format, *text, *problem;
	} bad[] = {
	    {"eslint", "{}", "is not a list of files"},
	    {"eslint", "[{\"filePath\": \"a\"}]", "no list of findings"},
	    {"eslint", "[{\"messages\": []}]", "has a file without a path"},
	    {"eslint", "[{\"filePath\": \"a\", \"messages\": [], \"errorCount\": 1, \"warningCount\": 0}]",
	     "report: /0: counts other numbers of errors and warnings"},
	    {"eslint", "[{\"filePath\": \"a\", \"messages\": [{}]}]", "report: /0/messages/0: has a finding without"},
	    {"shellcheck", "{\"comments\": [{}]}", "report: /comments/0: has a finding without"},
	    {"ruff", "[1]", "report: /0: has a finding without a message or a file"},
	    {"ruff", "", "is not JSON"},
	    {"ruff", "[{\"code\": \"A\",", "is not JSON"},
	    {"shellcheck", "{}", "no list of findings"},
	    {"cppcheck", "<testsuites/>", "is not a report of cppcheck"},
	    {"cppcheck", "<results version=\"2\"><errors>", "report"}};

	for (size_t i = 0; i < RT_COUNT(bad); i++) {
		read_text(bad[i].format, bad[i].text);
		cr_expect(has_problem(bad[i].problem), "%s of %s", bad[i].problem, bad[i].text);
		tidy();
	}
}

Test(lint, equal_findings_of_one_file_are_counted)
{
	read_text(
	    "ruff",
	    "[{\"code\": \"F\", \"message\": \"m\", \"filename\": \"a\", \"location\": {\"row\": 1, \"column\": 1}},"
	    "{\"code\": \"F\", \"message\": \"m\", \"filename\": \"a\", \"location\": {\"row\": 9, \"column\": 1}},"
	    "{\"code\": \"F\", \"message\": \"m\", \"filename\": \"a\", \"location\": {\"row\": 9, \"column\": 1}}]");
	cr_assert_eq(seen.findings.n, 2);
	check_finding(0, "F::a::m", "a:1:1: m [F]");
	check_finding(1, "F::a::m::#2", "a:9:1: m [F]");
}

Test(matches, gcc_warnings_are_found_among_other_output)
{
	read_text("gcc", "make: Entering directory '/src'\n"
			 "src/a.c: In function 'main':\n"
			 "src/a.c:4:9: warning: unused variable 'x' [-Wunused-variable]\n"
			 "    4 |     int x;\n"
			 "src/a.c:9:1: note: declared here\n"
			 "/src/b.h:1:10: fatal error: gone.h: No such file or directory\n"
			 "src/c.c:7: warning: old style\n");
	check_no_problem();
	cr_assert_eq(seen.findings.n, 3);
	check_finding(0, "-Wunused-variable::src/a.c::unused variable 'x'",
		      "src/a.c:4:9: unused variable 'x' [-Wunused-variable]");
	check_finding(1, "b.h::gone.h: No such file or directory", "b.h:1:10: gone.h: No such file or directory");
	check_finding(2, "src/c.c::old style", "src/c.c:7: old style");
}

/* A header is compiled into many objects. */
Test(matches, a_warning_that_is_printed_twice_is_one)
{
	read_text("gcc", "a.h:4:9: warning: m [-Wx]\na.h:4:9: warning: m [-Wx]\n");
	cr_expect_eq(seen.findings.n, 1);
}

Test(matches, an_expression_with_named_groups_says_what_is_what)
{
	read_matches("^(?<rule>TODO|FIXME) in (?<file>\\S+) line (?<line>\\d+)(?<message>.*)$",
		     "TODO in a.c line 7: later\nnothing\nFIXME in b.c line 9\n");
	check_no_problem();
	cr_assert_eq(seen.findings.n, 2);
	check_finding(0, "TODO::a.c::: later", "a.c:7: : later [TODO]");
	check_finding(1, "FIXME::b.c", "b.c:9:  [FIXME]");
}

Test(matches, without_groups_the_whole_match_is_the_finding)
{
	read_matches("^leak .*$", "leak of 4 bytes\nok\nleak of 8 bytes\n");
	cr_assert_eq(seen.findings.n, 2);
	check_finding(1, "leak of 8 bytes", "leak of 8 bytes");
}

/* Without it a program that no longer links would have no warning left, and all of them would count as fixed. */
Test(matches, a_failure_without_a_place_is_a_finding)
{
	read_text("gcc", "a.c:4:9: warning: m [-Wx]\n/usr/bin/ld: a.o: undefined reference to `f'\n"
			 "collect2: error: ld returned 1 exit status\nclang-14: error: no such file\n"
			 "x86_64-linux-gnu-gcc-12: fatal error: no input files\nmyprogram: error: mine\n");
	check_no_problem();
	cr_assert_eq(seen.findings.n, 4);
	check_finding(1, "ld returned 1 exit status", "ld returned 1 exit status");
	check_finding(2, "no such file", "no such file");
	check_finding(3, "no input files", "no input files");
}

static void
read_gcc_with(int exit_code, const char *text)
{
	tidy();
	as_exit = exit_code;
	read_text("gcc", text);
}

Test(matches, a_build_that_ended_early_is_a_problem)
{
	read_gcc_with(1, "a.c:4:9: warning: m [-Wx]\n");
	check_no_problem();
	read_gcc_with(2, "a.c:4:9: error: m\nmake: *** [Makefile:2: all] Error 1\n");
	check_no_problem();
	read_gcc_with(2, "collect2: error: ld returned 1 exit status\n");
	check_no_problem();
	read_gcc_with(2, "make: *** [Makefile:2: all] Error 1\n");
	check_no_problem(); /* no finding at all: that is weighed for every format */
	read_gcc_with(2, "a.c:4:9: warning: m [-Wx]\nmake: *** [Makefile:2: all] Error 1\n");
	check_problem("exit code 2, and no error among the diagnostics");
}

Test(matches, what_is_no_text_is_a_problem)
{
	static const char wide[] = "a\0.\0c\0:\0004\0:\0";

	read_bytes("gcc", NULL, wide, sizeof(wide));
	check_problem("report:1: has a NUL byte");
	tidy();
	read_text("gcc", "a.c:4:9: warning: m [-Wx]\nb.c:4:9: warning: m [-W");
	check_problem("report:2: ends within a line");
}

Test(matches, nothing_matched_is_no_finding)
{
	read_matches("^x$", "");
	check_no_problem();
	cr_expect_eq(seen.findings.n, 0);
}

static void
read_quoting(const char *source, int line)
{
	rt_auto(free) char *text = rt_format("[{\"file\": \"a.sh\", \"line\": %d, \"column\": 1, \"level\": \"info\", "
					     "\"code\": 2086, \"message\": \"Double quote this.\"}]",
					     line);

	tidy();
	tracked_path = "a.sh";
	tracked_text = source;
	read_text("shellcheck", text);
	check_no_problem();
	cr_assert_eq(seen.findings.n, 1);
}

Test(lint, what_is_said_of_every_place_is_told_apart_by_the_text_of_the_line)
{
	read_quoting("#!/bin/sh\n\techo $1\n", 2);
	cr_expect_str_eq(seen.findings.at[0].id, "unit/2086::a.sh::Double quote this.::echo $1");
	read_quoting("#!/bin/sh\n\n# more\nif x; then echo; fi\n  echo $1\n", 5);
	cr_expect_str_eq(seen.findings.at[0].id, "unit/2086::a.sh::Double quote this.::echo $1");
	read_quoting("#!/bin/sh\necho \"$1\"\nls $2\n", 3);
	cr_expect_str_eq(seen.findings.at[0].id, "unit/2086::a.sh::Double quote this.::ls $2");
	read_quoting("#!/bin/sh\n", 9);
	cr_expect_str_eq(seen.findings.at[0].id, "unit/2086::a.sh::Double quote this.");
}

Test(lint, a_message_that_is_of_the_line_is_enough)
{
	read_quoting("#!/bin/sh\n# Double quote this.\n", 2);
	cr_expect_str_eq(seen.findings.at[0].id, "unit/2086::a.sh::Double quote this.");
}
