#include "support/clock.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/err.h"

#define YEAR_1 INT64_C(-62135596800)	/* 0001-01-01T00:00:00Z */
#define YEAR_9999 INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

int64_t
rt_clock_ms(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_BOOTTIME, &now))
		rt_bug("there is no boot-time clock");
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
rt_clock_now(void)
{
	const char *fixed = getenv("RATCHET_TEST_NOW");
	char *end;
	long long seconds;

	if (fixed && *fixed) {
		seconds = strtoll(fixed, &end, 10);
		if (!*end)
			return seconds;
	}
	return (int64_t)time(NULL);
}

/* Times beyond four-digit years come from damaged or hostile records only; they are written as the nearest that fits.
 */
void
rt_clock_iso(struct rt_buf *out, int64_t seconds)
{
	time_t t = seconds < YEAR_1 ? YEAR_1 : seconds > YEAR_9999 ? YEAR_9999 : seconds;
	struct tm tm;

	gmtime_r(&t, &tm);
	rt_buf_addf(out, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		    tm.tm_min, tm.tm_sec);
}

/* Exactly n digits at *s, which moves on; -1 when they aren't there. */
static int
digits(const char **s, int n)
{
	int value = 0;

	for (; n; n--, (*s)++) {
		if (**s < '0' || **s > '9')
			return -1;
		value = value * 10 + (**s - '0');
	}
	return value;
}

int
rt_clock_parse_date(const char *s, int64_t *seconds)
{
	struct tm tm = {0}, back;
	int year, month, day;
	time_t t;

	year = digits(&s, 4);
	if (year < 1 || *s++ != '-')
		return -1;
	month = digits(&s, 2);
	if (month < 1 || *s++ != '-')
		return -1;
	day = digits(&s, 2);
	if (day < 1 || *s)
		return -1;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	t = timegm(&tm);
	/* timegm makes 30 February 2 March: a date that comes back changed is none. */
	if (!gmtime_r(&t, &back) || back.tm_mon != month - 1 || back.tm_mday != day)
		return -1;
	*seconds = t;
	return 0;
}

int
rt_clock_parse_duration(const char *s, int64_t *ms)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = {{"ms", 1}, {"", 1000}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
	int64_t n = 0;
	size_t i;

	if (*s < '0' || *s > '9')
		return -1;
	for (; *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *s - '0', &n))
			return -1;
	for (i = 0; i < RT_COUNT(units); i++)
		if (!strcmp(s, units[i].name))
			return __builtin_mul_overflow(n, units[i].ms, ms) ? -1 : 0;
	return -1;
}
