#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/baseline.h"

static struct rt_err err;

static int
parse(struct rt_baseline *baseline, const char *text)
{
	int rc = rt_baseline_parse(baseline, "unit", text, strlen(text), "baseline/unit.tsv", &err);

	rt_baseline_seal(baseline);
	return rc;
}

static void
refuses(const char *text, unsigned line, unsigned column, const char *word)
{
	rt_auto(baseline) struct rt_baseline baseline = RT_BASELINE_INIT;

	cr_assert_eq(parse(&baseline, text), -1, "%s", text);
	cr_assert_eq(err.code, RT_ECONFIG);
	cr_assert_eq(err.line, line, "line %u for %s", err.line, text);
	cr_assert_eq(err.column, column, "column %u for %s", err.column, text);
	cr_assert_str_eq(err.file, "baseline/unit.tsv");
	cr_assert(strstr(err.text, word), "\"%s\" lacks \"%s\"", err.text, word);
}

static struct rt_line
line_of(enum rt_level level, bool has_value, double value, uint32_t epoch)
{
	struct rt_line line = {.id = "unit/a", .value = value, .epoch = epoch, .has_value = has_value};

	line.level = (uint8_t)level;
	return line;
}

/* a joined with b is b, and not a. */
static void
rises(struct rt_line a, struct rt_line b)
{
	struct rt_line up = rt_line_join(&a, &b), down = rt_line_join(&b, &a);

	cr_assert(rt_line_equal(&up, &b));
	cr_assert(rt_line_equal(&down, &b));
	cr_assert_not(rt_line_equal(&up, &a));
}

Test(baseline, writes_what_it_read)
{
	static const char text[] = "unit/a\tpass\t3\t0\n"
				   "unit/b\tpass\t\t2\n"
				   "unit/c d\tflaky\t0.25\t1\n"
				   "unit/e\tgone\t\t4\n"
				   "unit[cc=gcc]/a\tpass\t\t0\n"
				   "unit[cc=gcc]/size\tlower\t1048576.5\t0\n";
	rt_auto(baseline) struct rt_baseline baseline = RT_BASELINE_INIT;
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;

	cr_assert_eq(parse(&baseline, text), 0, "%s", err.text);
	rt_baseline_write(&baseline, "unit", &out);
	cr_assert_str_eq(out.data, text);
}

Test(baseline, an_empty_file_has_no_lines)
{
	rt_auto(baseline) struct rt_baseline baseline = RT_BASELINE_INIT;

	cr_assert_eq(parse(&baseline, ""), 0);
	cr_assert_eq(baseline.lines.n, 0);
	cr_assert_null(rt_baseline_find(&baseline, "unit/a"));
}

Test(baseline, refuses_conflict_markers_with_the_mend)
{
	refuses("unit/a\tpass\t\t0\n<<<<<<< HEAD\n", 2, 1, "ratchet merge-driver");
	refuses("=======\n", 1, 1, "git checkout --ours");
	refuses(">>>>>>> topic\n", 1, 1, "ratchet baseline record");
}

Test(baseline, refuses_duplicates)
{
	refuses("unit/a\tpass\t\t0\nunit/a\tpass\t\t0\n", 2, 1, "twice");
}

Test(baseline, refuses_lines_out_of_order)
{
	refuses("unit/b\tpass\t\t0\nunit/a\tpass\t\t0\n", 2, 1, "order");
}

Test(baseline, refuses_carriage_returns)
{
	refuses("unit/a\tpass\t\t0\r\n", 1, 15, "carriage return");
}

Test(baseline, refuses_a_missing_last_newline)
{
	refuses("unit/a\tpass\t\t0", 1, 1, "newline");
}

Test(baseline, refuses_a_wrong_number_of_fields)
{
	refuses("unit/a\tpass\t0\n", 1, 13, "tab");
	refuses("unit/a\tpass\t\t0\tx\n", 1, 14, "tab");
	refuses("\n", 1, 1, "tab");
}

Test(baseline, refuses_unknown_levels)
{
	refuses("unit/a\tpassed\t\t0\n", 1, 8, "level");
	refuses("unit/a\t\t\t0\n", 1, 8, "level");
}

Test(baseline, refuses_values_that_do_not_fit_the_level)
{
	refuses("unit/a\tpass\t1.5\t0\n", 1, 13, "count");
	refuses("unit/a\tpass\t-1\t0\n", 1, 13, "count");
	refuses("unit/a\tpass\tmany\t0\n", 1, 13, "number");
	refuses("unit/a\tpass\t1e300\t0\n", 1, 13, "count");
	refuses("unit/a\tflaky\t1.5\t0\n", 1, 14, "rate");
	refuses("unit/a\tgone\t1\t0\n", 1, 13, "empty");
	refuses("unit/a\tlower\t\t0\n", 1, 14, "needs a value");
	refuses("unit/a\tlower\tnan\t0\n", 1, 14, "number");
	refuses("unit/a\tlower\t0x10\t0\n", 1, 14, "number");
}

Test(baseline, refuses_bad_epochs)
{
	refuses("unit/a\tpass\t\t-1\n", 1, 14, "epoch");
	refuses("unit/a\tpass\t\t1.0\n", 1, 14, "epoch");
	refuses("unit/a\tpass\t\t99999999999\n", 1, 14, "epoch");
}

Test(baseline, takes_an_empty_epoch_as_the_first)
{
	rt_auto(baseline) struct rt_baseline baseline = RT_BASELINE_INIT;

	cr_assert_eq(parse(&baseline, "unit/a\tpass\t\t\nunit/b\tpass\t\t999999999\n"), 0);
	cr_assert_eq(rt_baseline_find(&baseline, "unit/a")->epoch, 0);
	cr_assert_eq(rt_baseline_find(&baseline, "unit/b")->epoch, 999999999);
}

Test(baseline, refuses_ids_of_another_check)
{
	refuses("unit2/a\tpass\t\t0\n", 1, 1, "unit");
	refuses("unit\tpass\t\t0\n", 1, 1, "unit");
	refuses("unit/\tpass\t\t0\n", 1, 1, "unit");
	refuses("unit[cc=gcc/a\tpass\t\t0\n", 1, 1, "unit");
	refuses("\tpass\t\t0\n", 1, 1, "unit");
}

Test(baseline, refuses_ids_that_are_not_in_their_escaped_form)
{
	refuses("unit/a\x1b\tpass\t\t0\n", 1, 1, "escaped");
	refuses("unit/a\\q\tpass\t\t0\n", 1, 1, "escaped");
	refuses("unit/a\\x41\tpass\t\t0\n", 1, 1, "escaped");
}

Test(baseline, finds_lines_by_id_and_ranges_by_prefix)
{
	rt_auto(baseline) struct rt_baseline baseline = RT_BASELINE_INIT;
	size_t from, to;

	cr_assert_eq(parse(&baseline, "unit/a\tpass\t\t0\nunit/b\tflaky\t1\t0\nunit[x=1]/a\tpass\t\t0\n"), 0);
	cr_assert_eq(rt_baseline_find(&baseline, "unit/b")->level, RT_LEVEL_FLAKY);
	cr_assert_null(rt_baseline_find(&baseline, "unit/aa"));
	rt_baseline_range(&baseline, "unit/", &from, &to);
	cr_assert(from == 0 && to == 2);
	rt_baseline_range(&baseline, "unit[x=1]/", &from, &to);
	cr_assert(from == 2 && to == 3);
	rt_baseline_range(&baseline, "unit0/", &from, &to);
	cr_assert_eq(from, to);
}

Test(baseline, several_checks_form_one_baseline_and_are_written_apart)
{
	static const char unit[] = "unit/a\tpass\t\t0\nunit[x=1]/a\tpass\t\t0\n", other[] = "unit2/a\tpass\t\t0\n";
	rt_auto(baseline) struct rt_baseline baseline = RT_BASELINE_INIT;
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT, all = RT_BUF_INIT;
	rt_auto(strs) struct rt_strs checks = {0};

	cr_assert_eq(rt_baseline_parse(&baseline, "unit", unit, strlen(unit), "u", &err), 0);
	cr_assert_eq(rt_baseline_parse(&baseline, "unit2", other, strlen(other), "v", &err), 0);
	rt_baseline_seal(&baseline);
	rt_baseline_write(&baseline, "unit", &out);
	cr_assert_str_eq(out.data, unit);
	rt_baseline_write(&baseline, NULL, &all);
	cr_assert_str_eq(all.data, "unit/a\tpass\t\t0\nunit2/a\tpass\t\t0\nunit[x=1]/a\tpass\t\t0\n");
	rt_baseline_checks(&baseline, &checks);
	cr_assert_eq(checks.n, 2);
	cr_assert_str_eq(checks.at[1], "unit2");
}

Test(baseline, a_check_without_lines_writes_nothing)
{
	rt_auto(baseline) struct rt_baseline baseline = RT_BASELINE_INIT;
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;

	cr_assert_eq(parse(&baseline, "unit/a\tpass\t\t0\n"), 0);
	rt_baseline_write(&baseline, "uni", &out);
	cr_assert_str_eq(out.data, "");
}

Test(baseline, sealing_joins_the_same_id)
{
	rt_auto(baseline) struct rt_baseline baseline = RT_BASELINE_INIT;

	rt_baseline_add(&baseline, "unit/b", RT_LEVEL_PASS, true, 2, 0);
	rt_baseline_add(&baseline, "unit/a", RT_LEVEL_PASS, false, 0, 0);
	rt_baseline_add(&baseline, "unit/b", RT_LEVEL_PASS, true, 5, 0);
	rt_baseline_add(&baseline, "unit/b", RT_LEVEL_FLAKY, true, 1, 0);
	rt_baseline_seal(&baseline);
	cr_assert_eq(baseline.lines.n, 2);
	cr_assert_eq(baseline.lines.at[1].value, 5);
}

Test(baseline, within_an_epoch_cases_rise_from_gone_to_flaky_to_pass)
{
	rises(line_of(RT_LEVEL_GONE, false, 0, 1), line_of(RT_LEVEL_FLAKY, true, 1, 1));
	rises(line_of(RT_LEVEL_FLAKY, true, 0.5, 1), line_of(RT_LEVEL_FLAKY, true, 0.1, 1));
	rises(line_of(RT_LEVEL_FLAKY, true, 0, 1), line_of(RT_LEVEL_PASS, false, 0, 1));
	rises(line_of(RT_LEVEL_PASS, false, 0, 1), line_of(RT_LEVEL_PASS, true, 0, 1));
	rises(line_of(RT_LEVEL_PASS, true, 3, 1), line_of(RT_LEVEL_PASS, true, 4, 1));
}

Test(baseline, within_an_epoch_metrics_become_stricter)
{
	rises(line_of(RT_LEVEL_LOWER, true, 10, 0), line_of(RT_LEVEL_LOWER, true, 9.5, 0));
	rises(line_of(RT_LEVEL_HIGHER, true, 80, 0), line_of(RT_LEVEL_HIGHER, true, 81, 0));
}

Test(baseline, within_an_epoch_findings_rise_from_known_to_gone)
{
	rises(line_of(RT_LEVEL_KNOWN, false, 0, 0), line_of(RT_LEVEL_GONE, false, 0, 0));
}

Test(baseline, the_higher_epoch_wins_outright)
{
	rises(line_of(RT_LEVEL_PASS, true, 9, 3), line_of(RT_LEVEL_GONE, false, 0, 4));
	rises(line_of(RT_LEVEL_LOWER, true, 1, 0), line_of(RT_LEVEL_LOWER, true, 100, 1));
	rises(line_of(RT_LEVEL_GONE, false, 0, 0), line_of(RT_LEVEL_KNOWN, false, 0, 1));
}

Test(baseline, a_copy_outlives_the_original_with_which_it_shares_ids)
{
	struct rt_baseline original = RT_BASELINE_INIT;
	rt_auto(baseline) struct rt_baseline copy = RT_BASELINE_INIT;

	cr_assert_eq(parse(&original, "unit/a\tpass\t\t0\n"), 0);
	rt_baseline_copy(&copy, &original);
	rt_baseline_add(&copy, "unit/b", RT_LEVEL_PASS, false, 0, 0);
	rt_baseline_seal(&copy);
	cr_assert_eq(original.lines.n, 1);
	rt_baseline_release(&original);
	cr_assert_not_null(rt_baseline_find(&copy, "unit/a"));
	cr_assert_not_null(rt_baseline_find(&copy, "unit/b"));
}

/* Property tests: a fixed seed, thousands of random baselines over a few ids, so that they meet. */

static uint64_t seed;

static uint32_t
draw(uint32_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % below;
}

static void
random_baseline(struct rt_baseline *baseline)
{
	static const double values[] = {0, 1, 2, 17, 2147483647};
	static const double bars[] = {-1e300, -0.1, 0, 1e-9, 1.0 / 3, 12.5, 1e15, 123456789.125};
	char id[32];
	int i, n = (int)draw(8);

	for (i = 0; i < n; i++) {
		enum rt_level level = (enum rt_level)draw(6);
		bool metric = level == RT_LEVEL_LOWER || level == RT_LEVEL_HIGHER;
		bool has_value = metric || ((level == RT_LEVEL_PASS || level == RT_LEVEL_FLAKY) && draw(2));
		double value = metric			 ? bars[draw(RT_COUNT(bars))]
			       : level == RT_LEVEL_FLAKY ? draw(5) / 4.0
							 : values[draw(RT_COUNT(values))];

		snprintf(id, sizeof(id), draw(2) ? "unit/%c" : "unit[a=%c]/x", 'a' + (int)draw(4));
		rt_baseline_add(baseline, id, level, has_value, value, draw(3));
	}
	rt_baseline_seal(baseline);
}

static bool
equal(const struct rt_baseline *a, const struct rt_baseline *b)
{
	size_t i;

	if (a->lines.n != b->lines.n)
		return false;
	for (i = 0; i < a->lines.n; i++)
		if (!rt_line_equal(&a->lines.at[i], &b->lines.at[i]))
			return false;
	return true;
}

Test(baseline, join_is_commutative)
{
	int i;

	for (i = 0, seed = 11; i < 5000; i++) {
		rt_auto(baseline) struct rt_baseline a = {0}, b = {0}, ab = {0}, ba = {0};

		random_baseline(&a);
		random_baseline(&b);
		rt_baseline_join(&ab, &a, &b);
		rt_baseline_join(&ba, &b, &a);
		cr_assert(equal(&ab, &ba), "round %d", i);
	}
}

Test(baseline, join_is_associative)
{
	int i;

	for (i = 0, seed = 12; i < 5000; i++) {
		rt_auto(baseline) struct rt_baseline a = {0}, b = {0}, c = {0}, ab = {0}, bc = {0}, left = {0},
						     right = {0};

		random_baseline(&a);
		random_baseline(&b);
		random_baseline(&c);
		rt_baseline_join(&ab, &a, &b);
		rt_baseline_join(&left, &ab, &c);
		rt_baseline_join(&bc, &b, &c);
		rt_baseline_join(&right, &a, &bc);
		cr_assert(equal(&left, &right), "round %d", i);
	}
}

/* One side of a merge: a random baseline and its file. */
static void
random_file(struct rt_baseline *baseline, struct rt_buf *text)
{
	random_baseline(baseline);
	rt_baseline_write(baseline, NULL, text);
}

Test(baseline, files_join_as_the_model_does)
{
	int i;

	for (i = 0, seed = 15; i < 3000; i++) {
		rt_auto(baseline) struct rt_baseline a = {0}, b = {0}, c = {0}, ab = {0}, abc = {0};
		rt_auto(buf) struct rt_buf at = RT_BUF_INIT, bt = RT_BUF_INIT, ct = RT_BUF_INIT, want = RT_BUF_INIT,
					   have = RT_BUF_INIT;
		const struct rt_baseline_file files[] = {{"a", &at}, {"b", &bt}, {"c", &ct}};

		random_file(&a, &at);
		random_file(&b, &bt);
		random_file(&c, &ct);
		rt_baseline_join(&ab, &a, &b);
		rt_baseline_join(&abc, &ab, &c);
		rt_baseline_write(&abc, NULL, &want);
		cr_assert_eq(rt_baseline_join_files(files, 3, &have, &err), 0, "round %d: %s", i, err.text);
		cr_assert_str_eq(have.data, want.data, "round %d", i);
	}
}

static void
files_do_not_join(const char *ours, const char *theirs, const char *name, const char *word)
{
	rt_auto(buf) struct rt_buf a = RT_BUF_INIT, b = RT_BUF_INIT, out = RT_BUF_INIT;
	const struct rt_baseline_file files[] = {{"ours", &a}, {"theirs", &b}};

	rt_buf_adds(&a, ours);
	rt_buf_adds(&b, theirs);
	cr_assert_eq(rt_baseline_join_files(files, 2, &out, &err), -1);
	cr_assert_str_eq(err.file, name);
	cr_assert(strstr(err.text, word), "\"%s\" lacks \"%s\"", err.text, word);
}

Test(baseline, files_that_can_not_be_read_do_not_join)
{
	files_do_not_join("<<<<<<< ours\n", "unit/a\tpass\t\t0\n", "ours", "conflict marker");
	files_do_not_join("", "unit/a\tpass\t\t0\nunit/a\tpass\t\t0\n", "theirs", "the same id twice");
	files_do_not_join("unit/a\tpass\t\t0\n", "slow/a\tpass\t\t0\n", "theirs", "doesn't belong");
	files_do_not_join("/a\tpass\t\t0\n", "", "ours", "check");
}

Test(baseline, join_is_idempotent_and_absorbs_what_it_holds)
{
	int i;

	for (i = 0, seed = 13; i < 5000; i++) {
		rt_auto(baseline) struct rt_baseline a = {0}, b = {0}, aa = {0}, ab = {0}, aab = {0};

		random_baseline(&a);
		random_baseline(&b);
		rt_baseline_join(&aa, &a, &a);
		rt_baseline_join(&ab, &a, &b);
		rt_baseline_join(&aab, &a, &ab);
		cr_assert(equal(&aa, &a) && equal(&aab, &ab), "round %d", i);
	}
}

Test(baseline, join_never_falls_below_either_side)
{
	int i;

	for (i = 0, seed = 14; i < 5000; i++) {
		rt_auto(baseline) struct rt_baseline a = {0}, b = {0}, ab = {0};
		rt_auto(strs) struct rt_strs falls = {0};
		size_t j;

		random_baseline(&a);
		random_baseline(&b);
		rt_baseline_join(&ab, &a, &b);
		rt_baseline_falls(&a, &ab, &falls);
		rt_baseline_falls(&b, &ab, &falls);
		cr_assert_eq(falls.n, 0, "round %d", i);
		for (j = 0; j < ab.lines.n; j++) {
			const struct rt_line *x = rt_baseline_find(&a, ab.lines.at[j].id);
			const struct rt_line *y = rt_baseline_find(&b, ab.lines.at[j].id);

			cr_assert((x && rt_line_equal(x, &ab.lines.at[j])) || (y && rt_line_equal(y, &ab.lines.at[j])));
		}
	}
}

Test(baseline, what_is_written_reads_back_equal)
{
	int i;

	for (i = 0, seed = 15; i < 5000; i++) {
		rt_auto(baseline) struct rt_baseline a = {0}, back = {0};
		rt_auto(buf) struct rt_buf text = RT_BUF_INIT;

		random_baseline(&a);
		rt_baseline_write(&a, "unit", &text);
		cr_assert_eq(parse(&back, text.data), 0, "round %d: %s", i, err.text);
		cr_assert(equal(&a, &back), "round %d", i);
	}
}

Test(baseline, falls_names_lines_that_sank_or_vanished_once_each)
{
	rt_auto(baseline) struct rt_baseline base = RT_BASELINE_INIT, next = RT_BASELINE_INIT;
	rt_auto(strs) struct rt_strs falls = {0};

	cr_assert_eq(parse(&base, "unit/a\tpass\t3\t0\nunit/b\tpass\t\t0\nunit/c\tpass\t\t0\n"
				  "unit/d\tlower\t5\t0\nunit/e\tpass\t\t2\n"),
		     0);
	cr_assert_eq(parse(&next, "unit/a\tpass\t2\t0\nunit/c\tgone\t\t1\nunit/d\tlower\t5.5\t0\nunit/e\tpass\t9\t1\n"
				  "unit/f\tpass\t\t0\n"),
		     0);
	rt_baseline_falls(&base, &next, &falls);
	cr_assert_eq(falls.n, 4);
	cr_assert_str_eq(falls.at[0], "unit/a");
	cr_assert_str_eq(falls.at[1], "unit/b");
	cr_assert_str_eq(falls.at[2], "unit/d");
	cr_assert_str_eq(falls.at[3], "unit/e");
}

static void
number_is(double x, const char *text)
{
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;

	rt_number_write(&out, x);
	cr_assert_str_eq(out.data, text);
}

Test(number, is_written_as_the_shortest_decimal)
{
	number_is(0, "0");
	number_is(-0.0, "0");
	number_is(0.1, "0.1");
	number_is(-12.5, "-12.5");
	number_is(1.0 / 3, "0.3333333333333333");
	number_is(0.1 + 0.2, "0.30000000000000004");
	number_is(123456789012.25, "123456789012.25");
}

Test(number, has_no_exponent_between_1e_4_and_1e15)
{
	number_is(1e-4, "0.0001");
	number_is(0.000123, "0.000123");
	number_is(999999999999999, "999999999999999");
	number_is(0.00009, "9e-5");
	number_is(1e15, "1e15");
	number_is(-1.5e20, "-1.5e20");
	number_is(5e-324, "5e-324");
}

Test(number, reads_back_to_the_same_double)
{
	int i;

	for (i = 0, seed = 16; i < 50000; i++) {
		rt_auto(buf) struct rt_buf out = RT_BUF_INIT;
		uint64_t bits = (uint64_t)draw(UINT32_MAX) << 33 ^ (uint64_t)draw(UINT32_MAX) << 11 ^ draw(UINT32_MAX);
		double x, back;

		memcpy(&x, &bits, sizeof(x));
		if (!isfinite(x))
			continue;
		/* Half of them in the range that has no exponent. */
		if (i % 2)
			x = fmod(x, 1e6) / 1024;
		rt_number_write(&out, x);
		cr_assert_eq(rt_number_parse(out.data, out.len, &back), 0, "%s", out.data);
		cr_assert(back == x, "%s", out.data);
		if (i % 2 && fabs(x) >= 1e-4)
			cr_assert_null(strchr(out.data, 'e'), "%s", out.data);
	}
}

Test(number, takes_decimals_only)
{
	static const char *const bad[] = {"",	 "-",	".",  "e5", "1e",  "1e+",   "0x1",
					  "inf", "nan", " 1", "1 ", "1,5", "1e999", "1.2.3"};
	static const char *const good[] = {"1", "-1.5", "+2", ".5", "5.", "1e3", "1E-3"};
	double x;
	size_t i;

	for (i = 0; i < RT_COUNT(bad); i++)
		cr_assert_eq(rt_number_parse(bad[i], strlen(bad[i]), &x), -1, "%s", bad[i]);
	for (i = 0; i < RT_COUNT(good); i++)
		cr_assert_eq(rt_number_parse(good[i], strlen(good[i]), &x), 0, "%s", good[i]);
	cr_assert_eq(rt_number_parse("1\0", 2, &x), -1);
}

Test(baseline, finds_a_line_near_from_wherever_it_looks)
{
	rt_auto(baseline) struct rt_baseline baseline = RT_BASELINE_INIT;
	char id[32];
	size_t i, near;

	cr_assert_eq(rt_baseline_near(&baseline, "unit/a", 3), SIZE_MAX);
	for (i = 0; i < 50; i++) {
		snprintf(id, sizeof(id), "unit/%03zu", i * 2);
		rt_baseline_add(&baseline, id, RT_LEVEL_PASS, false, 0, 0);
	}
	rt_baseline_seal(&baseline);
	for (near = 0; near < 60; near++)
		for (i = 0; i < 102; i++) {
			snprintf(id, sizeof(id), "unit/%03zu", i);
			cr_assert_eq(rt_baseline_near(&baseline, id, near), i % 2 || i >= 100 ? SIZE_MAX : i / 2,
				     "%s from %zu", id, near);
		}
}

Test(baseline, takes_over_a_text_and_reads_the_same_from_it)
{
	static const char first[] = "unit/a\tpass\t3\t0\nunit/b\tpass\t\t2\n",
			  second[] = "unit[x=1]/a\tflaky\t0.5\t0\n";
	rt_auto(baseline) struct rt_baseline baseline = RT_BASELINE_INIT;
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT, out = RT_BUF_INIT;

	rt_buf_adds(&text, second);
	cr_assert_eq(rt_baseline_take(&baseline, "unit", &text, "unit.tsv", &err), 0, "%s", err.text);
	cr_assert_eq(text.len, 0);
	rt_buf_adds(&text, first);
	cr_assert_eq(rt_baseline_take(&baseline, "unit", &text, "unit.tsv", &err), 0, "%s", err.text);
	rt_baseline_seal(&baseline);
	rt_baseline_write(&baseline, "unit", &out);
	cr_assert_str_eq(out.data, "unit/a\tpass\t3\t0\nunit/b\tpass\t\t2\nunit[x=1]/a\tflaky\t0.5\t0\n");
}
