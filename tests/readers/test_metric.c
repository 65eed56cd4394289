#include "reading.h"

#include <math.h>
#include <string.h>

TestSuite(metric, .fini = tidy);

static void
regex(const char *pattern, const char *text)
{
	read_bytes("regex", pattern, text, strlen(text));
}

static void
json(const char *pointer, const char *text)
{
	read_bytes("json", pointer, text, strlen(text));
}

#define check_value(number)                                                 \
	do {                                                                \
		check_no_problem();                                         \
		cr_assert_eq(seen.metrics.n, 1);                            \
		cr_expect_str_eq(seen.metrics.at[0].id, "unit/unit");       \
		cr_expect_float_eq(seen.metrics.at[0].value, number, 1e-9); \
	} while (0)
#define check_no_value() cr_expect_eq(seen.metrics.n, 0)

Test(metric, expression_takes_its_first_group)
{
	read_golden("regex/size.txt", "^\\.text\\s+(\\d+)");
	check_value(123456.0);
}

Test(metric, expression_without_group_takes_the_whole_match)
{
	regex("\\d+\\.\\d+", "took 12.5 s\n");
	check_value(12.5);
}

Test(metric, signs_and_exponents_are_numbers)
{
	regex("x=(\\S+)", "x=-1.5e+3\n");
	check_value(-1500.0);
}

Test(metric, expression_without_match_is_a_problem)
{
	regex("x=(\\d+)", "y=1\n");
	check_problem("the expression matches nothing");
	check_no_value();
}

Test(metric, empty_output_is_a_problem)
{
	regex("x=(\\d+)", "");
	check_problem("the expression matches nothing");
}

Test(metric, different_matches_are_a_problem)
{
	regex("x=(\\d+)", "x=1\nx=2\n");
	check_problem("matches different numbers: 1 and 2");
	check_no_value();
}

Test(metric, equal_matches_are_one_number)
{
	regex("x=(\\S+)", "x=1\nx=1.0\n");
	check_value(1.0);
}

Test(metric, match_that_is_no_number_is_a_problem)
{
	static const char *const texts[] = {"x=fast",  "x=12ms", "x=0x10", "x=nan", "x=inf",
					    "x=1e999", "x=1e",	 "x=.",	   "x=--1"};

	for (size_t i = 0; i < RT_COUNT(texts); i++) {
		regex("x=(.*)", texts[i]);
		cr_expect(has_problem("is not a number"), "%s", texts[i]);
		check_no_value();
		tidy();
	}
}

Test(metric, expression_that_matches_nothing_at_every_place_ends)
{
	regex("z*", "aaaa");
	check_problem("is not a number");
}

Test(metric, bad_expression_is_a_configuration_error)
{
	struct rt_bytes bytes = {"x", 1};
	struct rt_source source = rt_source_bytes(&bytes, "report");
	struct rt_reading reading = {
	    .source = &source, .cell = "unit", .check = "unit", .pattern = "(", .results = &seen};
	struct rt_err err = RT_ERR_INIT;

	cr_expect_eq(rt_format_find("regex")->read(&reading, &err), -1);
	cr_expect_eq(err.code, RT_ECONFIG);
}

Test(metric, missing_expression_or_pointer_is_a_configuration_error)
{
	static const char *const names[] = {"regex", "json"};

	for (size_t i = 0; i < RT_COUNT(names); i++) {
		struct rt_bytes bytes = {"1", 1};
		struct rt_source source = rt_source_bytes(&bytes, "report");
		struct rt_reading reading = {.source = &source, .cell = "unit", .check = "unit", .results = &seen};
		struct rt_err err = RT_ERR_INIT;
		cr_expect_eq(rt_format_find(names[i])->read(&reading, &err), -1);
		cr_expect_eq(err.code, RT_ECONFIG);
	}
}

Test(metric, pointer_takes_its_number)
{
	json("/a/1/b", "{\"a\": [0, {\"b\": 2.5}]}");
	check_value(2.5);
}

Test(metric, empty_pointer_takes_the_whole_value)
{
	json("", "42\n");
	check_value(42.0);
}

Test(metric, pointer_to_nothing_is_a_problem)
{
	json("/a", "{\"b\": 1}");
	check_problem("has no number at /a");
	check_no_value();
}

Test(metric, pointer_to_something_else_is_a_problem)
{
	json("/a", "{\"a\": \"1\"}");
	check_problem("has no number at /a");
}

Test(metric, output_that_is_not_json_is_a_problem)
{
	json("/a", "{\"a\": 1} and more");
	check_problem("is not JSON");
}

Test(metric, google_benchmark_is_read)
{
	read_golden("json/google-benchmark.json", "/benchmarks/0/real_time");
	check_value(6.0719999055436347);
}

Test(metric, google_benchmark_that_gave_up_is_not_infinitely_fast)
{
	read_golden("json/google-benchmark.json", "/benchmarks/1/real_time");
	check_problem("\"error_occurred\" is true");
	check_no_value();
}

Test(metric, google_benchmark_filter_without_match_is_a_problem)
{
	read_golden("json/google-benchmark-nothing.json", "/benchmarks/0/real_time");
	check_problem("is not JSON");
	check_no_value();
}

Test(metric, hyperfine_is_read)
{
	read_golden("json/hyperfine.json", "/results/0/median");
	check_value(0.0012);
}

Test(metric, hyperfine_time_of_failed_runs_is_void)
{
	read_golden("json/hyperfine.json", "/results/1/median");
	check_problem("\"exit_codes\" beside it holds a failed run");
	check_no_value();
}
