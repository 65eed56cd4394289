#include "reading.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "readers/read.h"

TestSuite(reader, .fini = tidy);

static const char *
guess(const char *text)
{
	const struct rt_format *format = rt_format_guess(text, strlen(text));

	return format ? format->name : "none";
}

static const char *
guess_golden(const char *path)
{
	size_t len;
	char *bytes = golden_bytes(path, &len);
	const struct rt_format *format = rt_format_guess(bytes, len < 4096 ? len : 4096);

	free(bytes);
	return format ? format->name : "none";
}

Test(reader, every_format_of_the_first_version_is_there)
{
	static const char *const names[] = {"exit",    "junit",	    "tap",   "meson", "gojson",
					    "libtest", "criterion", "sarif", "regex", "json"};

	for (size_t i = 0; i < RT_COUNT(names); i++)
		cr_expect_not_null(rt_format_find(names[i]), "%s", names[i]);
}

Test(reader, unknown_format_is_not_found)
{
	cr_expect_null(rt_format_find("subunit"));
	cr_expect_null(rt_format_find(""));
}

Test(reader, formats_say_what_they_yield)
{
	cr_expect(rt_format_find("regex")->metric);
	cr_expect(rt_format_find("json")->metric);
	cr_expect(rt_format_find("sarif")->findings);
	cr_expect_not(rt_format_find("junit")->metric);
	cr_expect_not(rt_format_find("junit")->findings);
}

Test(reader, exit_reads_nothing_and_adds_nothing)
{
	read_text("exit", "<testsuite>");
	check_no_problem();
	check_cases(0);
}

Test(reader, junit_is_guessed)
{
	cr_expect_str_eq(guess_golden("junit/pytest.xml"), "junit");
	cr_expect_str_eq(guess_golden("junit/ctest.xml"), "junit");
	cr_expect_str_eq(guess("\xEF\xBB\xBF <testsuite/>"), "junit");
}

Test(reader, criterion_is_guessed)
{
	cr_expect_str_eq(guess_golden("criterion/all.xml"), "criterion");
}

Test(reader, tap_is_guessed)
{
	cr_expect_str_eq(guess_golden("tap/node.tap"), "tap");
	cr_expect_str_eq(guess_golden("tap/perl.tap"), "tap");
	cr_expect_str_eq(guess("# Subtest: a\nok 1 - a\n"), "tap");
}

Test(reader, json_lines_are_told_apart)
{
	cr_expect_str_eq(guess_golden("gojson/outcomes.json"), "gojson");
	cr_expect_str_eq(guess_golden("libtest/outcomes.json"), "libtest");
	cr_expect_str_eq(guess_golden("libtest/several.json"), "libtest");
	cr_expect_str_eq(guess_golden("meson/testlog.json"), "meson");
	cr_expect_str_eq(guess_golden("sarif/two-findings.sarif"), "sarif");
}

Test(reader, other_text_is_not_guessed)
{
	cr_expect_str_eq(guess(""), "none");
	cr_expect_str_eq(guess("hello\n"), "none");
	cr_expect_str_eq(guess("<html></html>"), "none");
	cr_expect_str_eq(guess("{\"a\": 1}"), "none");
	cr_expect_str_eq(guess("okay\n"), "none");
}

Test(reader, descriptor_is_read_to_its_end)
{
	struct rt_err err = RT_ERR_INIT;
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	struct rt_source source = rt_source_fd(&fds[0], "pipe");
	struct rt_reading reading = {.source = &source, .cell = "unit", .check = "unit", .results = &seen};
	cr_assert_eq(write(fds[1], "1..1\nok 1 - a\n", 14), 14);
	close(fds[1]);
	cr_expect_eq(rt_format_find("tap")->read(&reading, &err), 0);
	close(fds[0]);
	check_no_problem();
	check_outcome("unit/a", "pass");
}

Test(reader, descriptor_that_cannot_be_read_is_an_error)
{
	static const char *const names[] = {"junit", "tap", "gojson", "libtest", "meson", "sarif"};
	int fd = -1;
	struct rt_source source = rt_source_fd(&fd, "closed");
	struct rt_reading reading = {.source = &source, .cell = "unit", .check = "unit", .results = &seen};

	for (size_t i = 0; i < RT_COUNT(names); i++) {
		struct rt_err err = RT_ERR_INIT;
		cr_expect_eq(rt_format_find(names[i])->read(&reading, &err), -1, "%s", names[i]);
		cr_expect_eq(err.code, RT_EIO, "%s", names[i]);
	}
	check_no_problem();
}

Test(reader, problem_names_the_report_escaped)
{
	struct rt_bytes bytes = {"", 0};
	struct rt_source source = rt_source_bytes(&bytes, "a\nb.xml");
	struct rt_reading reading = {.source = &source, .cell = "unit", .check = "unit", .results = &seen};
	struct rt_err err = RT_ERR_INIT;

	cr_expect_eq(rt_format_find("junit")->read(&reading, &err), 0);
	cr_assert_eq(seen.problems.n, 1);
	cr_expect_str_eq(seen.problems.at[0], "a\\nb.xml: is empty");
}

Test(reader, line_longer_than_the_limit_is_a_problem_and_the_next_is_read)
{
	struct rt_buf text = RT_BUF_INIT;

	rt_buf_adds(&text, "1..1\n");
	rt_buf_reserve(&text, 20 << 20);
	memset(text.data + text.len, 'x', 20 << 20);
	text.len += 20 << 20;
	rt_buf_adds(&text, "\nok 1 - a\n");
	read_bytes("tap", NULL, text.data, text.len);
	rt_buf_release(&text);
	check_problem("report:2: has a line longer than 16 MiB");
	check_outcome("unit/a", "pass");
	cr_expect_eq(seen.problems.n, 1);
}

Test(reader, last_line_needs_no_newline)
{
	read_text("tap", "ok 1 - a\n1..1");
	check_no_problem();
	check_outcome("unit/a", "pass");
}

Test(reader, carriage_returns_before_newlines_are_dropped)
{
	read_text("tap", "1..1\r\nok 1 - a\r\n");
	check_no_problem();
	check_outcome("unit/a", "pass");
}

Test(reader, every_line_format_reads_the_same_byte_by_byte)
{
	static const char *const paths[] = {"tap/perl.tap", "gojson/outcomes.json", "libtest/several.json",
					    "meson/testlog.json"};

	for (size_t i = 0; i < RT_COUNT(paths); i++) {
		size_t len;
		char *bytes = golden_bytes(paths[i], &len);
		char *format = rt_strndup(paths[i], strcspn(paths[i], "/"));
		struct rt_results whole;

		read_golden(paths[i], NULL);
		whole = seen;
		seen = (struct rt_results)RT_RESULTS_INIT;
		read_trickle(format, bytes, len);
		cr_expect_eq(seen.cases.n, whole.cases.n, "%s", paths[i]);
		cr_expect_eq(seen.problems.n, whole.problems.n, "%s", paths[i]);
		for (size_t k = 0; k < whole.cases.n && k < seen.cases.n; k++) {
			cr_expect_str_eq(seen.cases.at[k].id, whole.cases.at[k].id);
			cr_expect_eq(seen.cases.at[k].status, whole.cases.at[k].status);
		}
		rt_results_release(&whole);
		tidy();
		free(format);
		free(bytes);
	}
}

Test(reader, decimals_are_read_to_the_last_bit)
{
	static const char *const kept[] = {
	    "0.1", "0.3", "123456.789012", "99999999999999", "0.00000000000001", "1234567890.12345678901234567890"};
	char text[32];

	for (size_t i = 0; i < RT_COUNT(kept); i++)
		cr_expect_eq(rt_decimal(kept[i]), strtod(kept[i], NULL), "%s", kept[i]);
	srand(7);
	for (int i = 0; i < 100000; i++) {
		snprintf(text, sizeof(text), "%d.%0*d", rand() % 1000000, 1 + i % 9, rand() % 10);
		cr_assert_eq(rt_decimal(text), strtod(text, NULL), "%s", text);
	}
	cr_expect_eq(rt_decimal("1,234.5"), 1234.5);
	cr_expect_eq(rt_decimal("9007199254740993"), -1, "no time is that long");
	cr_expect_eq(rt_decimal("."), -1);
	cr_expect_eq(rt_decimal("1.2.3"), -1);
}
