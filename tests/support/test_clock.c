#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>

#include "support/clock.h"

static void
expect_iso(int64_t seconds, const char *text)
{
	rt_auto(buf) struct rt_buf buf = RT_BUF_INIT;

	rt_clock_iso(&buf, seconds);
	cr_expect_str_eq(buf.data, text);
}

Test(clock, monotonic_time_does_not_go_back)
{
	int64_t before = rt_clock_ms();

	cr_assert_gt(before, 0);
	cr_assert_geq(rt_clock_ms(), before);
}

Test(clock, test_time_replaces_the_wall_clock)
{
	setenv("RATCHET_TEST_NOW", "1700000000", 1);
	cr_assert_eq(rt_clock_now(), 1700000000);
}

Test(clock, test_time_that_is_no_integer_is_ignored)
{
	setenv("RATCHET_TEST_NOW", "17 o'clock", 1);
	cr_assert_gt(rt_clock_now(), 1700000000);
	setenv("RATCHET_TEST_NOW", "", 1);
	cr_assert_gt(rt_clock_now(), 1700000000);
}

Test(clock, iso_is_utc)
{
	setenv("TZ", "America/New_York", 1);
	expect_iso(0, "1970-01-01T00:00:00Z");
	expect_iso(1769860800, "2026-01-31T12:00:00Z");
	expect_iso(951782400, "2000-02-29T00:00:00Z");
	expect_iso(-1, "1969-12-31T23:59:59Z");
}

Test(clock, iso_of_times_out_of_range_is_the_nearest_that_fits)
{
	expect_iso(INT64_MAX, "9999-12-31T23:59:59Z");
	expect_iso(INT64_MIN, "0001-01-01T00:00:00Z");
}

Test(clock, dates_begin_at_midnight_utc)
{
	int64_t seconds = 0;

	setenv("TZ", "Asia/Tokyo", 1);
	cr_assert_eq(rt_clock_parse_date("2026-01-31", &seconds), 0);
	cr_assert_eq(seconds, 1769817600);
	cr_assert_eq(rt_clock_parse_date("1970-01-01", &seconds), 0);
	cr_assert_eq(seconds, 0);
	cr_assert_eq(rt_clock_parse_date("2024-02-29", &seconds), 0);
}

Test(clock, refuses_what_is_no_date)
{
	const char *const bad[] = {"",		 "2026",	"2026-1-31",   "2026-02-29",  "2026-02-30",
				   "2026-13-01", "2026-00-01",	"2026-01-00",  "2026-01-32",  "26-01-31",
				   "2026/01/31", "2026-01-31 ", "2026-01-31T", " 2026-01-31", "+026-01-31",
				   "0000-01-01", "2026-04-31"};
	int64_t seconds = 42;
	size_t i;

	for (i = 0; i < RT_COUNT(bad); i++)
		cr_expect_eq(rt_clock_parse_date(bad[i], &seconds), -1, "%s", bad[i]);
	cr_assert_eq(seconds, 42);
}

Test(clock, durations_have_units)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {{"500ms", 500},  {"30s", 30000},   {"10m", 600000},
		    {"2h", 7200000}, {"1d", 86400000}, {"7", 7000},
		    {"0", 0},	     {"007s", 7000},   {"9223372036854775s", INT64_C(9223372036854775000)}};
	int64_t ms;
	size_t i;

	for (i = 0; i < RT_COUNT(good); i++) {
		ms = -1;
		cr_expect_eq(rt_clock_parse_duration(good[i].text, &ms), 0, "%s", good[i].text);
		cr_expect_eq(ms, good[i].ms, "%s", good[i].text);
	}
}

Test(clock, refuses_what_is_no_duration)
{
	const char *const bad[] = {"",
				   "s",
				   "-1s",
				   "+1s",
				   "1 s",
				   "1.5s",
				   "1w",
				   "1S",
				   "1ss",
				   "1h30m",
				   " 1",
				   "ms",
				   "99999999999999999999",
				   "9223372036854775807d",
				   "9223372036854776s"};
	int64_t ms;
	size_t i;

	for (i = 0; i < RT_COUNT(bad); i++)
		cr_expect_eq(rt_clock_parse_duration(bad[i], &ms), -1, "%s", bad[i]);
}
