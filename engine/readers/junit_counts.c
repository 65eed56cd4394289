#include "readers/junit.h"

#include <string.h>

/* A declared count, or -1 where there is none. */
static int64_t
count(struct rt_junit *junit, const char *name, const char *value)
{
	uint64_t n;

	if (*value == '\0')
		return -1;
	if (rt_parse_u64(value, &n) || n > INT32_MAX) {
		rt_reading_problem(junit->reading, rt_xml_line(junit->xml), "%s=\"%s\" is not a count", name,
				   rt_reading_show(&junit->scratch, value, strlen(value)));
		return -1;
	}
	return (int64_t)n;
}

void
rt_junit_declared(struct rt_junit *junit, struct rt_junit_suite *suite, const char **attributes)
{
	for (const char **a = attributes; *a; a += 2) {
		int64_t *into = !strcmp(a[0], "tests")					? &suite->tests
				: !strcmp(a[0], "failures")				? &suite->failures
				: !strcmp(a[0], "errors")				? &suite->errors
				: !strcmp(a[0], "skipped") || !strcmp(a[0], "disabled") ? &suite->skipped
											: NULL;
		if (!into)
			continue;
		int64_t n = count(junit, a[0], a[1]);
		if (n > *into)
			*into = n;
	}
}

/* A suite of suites may count only what it holds itself: its cases, or (node) its cases and suites. Never the root. */
static bool
counts_own(const struct rt_junit *junit, const struct rt_junit_suite *suite)
{
	size_t declared = (size_t)suite->tests;

	return junit->n > 1 && suite->own_suites &&
	       (declared == suite->own || declared == suite->own + suite->own_suites);
}

/* Cases that were declared and are not there, beyond those that a dialect is known to leave out. */
static int64_t
missing(const struct rt_junit *junit, const struct rt_junit_suite *suite)
{
	int64_t most = (int64_t)(suite->cases + suite->unwritten);

	return suite->tests > most && !counts_own(junit, suite) ? suite->tests - most : 0;
}

static bool
too_many(const struct rt_junit *junit, const struct rt_junit_suite *suite)
{
	return (size_t)suite->tests + suite->uncounted < suite->cases && !counts_own(junit, suite);
}

static void
check_tests(struct rt_junit *junit, const struct rt_junit_suite *suite, const char *name)
{
	if (suite->tests < 0)
		return;
	/* libtest counts ignored cases that it does not write */
	int64_t lost = missing(junit, suite), skipped = suite->skipped - (int64_t)suite->idle;
	if (too_many(junit, suite))
		rt_reading_problem(junit->reading, suite->line,
				   "suite \"%s\" declares %lld tests and holds %zu: more than its runner wrote", name,
				   (long long)suite->tests, suite->cases);
	else if (lost > (skipped > 0 ? skipped : 0))
		rt_reading_problem(junit->reading, suite->line,
				   "suite \"%s\" declares %lld tests and holds only %zu: results were lost", name,
				   (long long)suite->tests, suite->cases);
}

/* Outcomes that are better than declared: failures, or skipped cases, that turned into passes. */
static void
check_outcomes(struct rt_junit *junit, const struct rt_junit_suite *suite, const char *name)
{
	int64_t failures = suite->failures > 0 ? suite->failures : 0, errors = suite->errors > 0 ? suite->errors : 0;
	int64_t bad = junit->criterion ? (failures > errors ? failures : errors) : failures + errors;

	if (bad > (int64_t)(suite->bad + suite->attempts))
		rt_reading_problem(junit->reading, suite->line,
				   "suite \"%s\" declares %lld failures and errors and holds only %zu", name,
				   (long long)bad, suite->bad);
	if (suite->skipped > (int64_t)suite->idle + missing(junit, suite))
		rt_reading_problem(junit->reading, suite->line, "suite \"%s\" declares %lld skipped and holds only %zu",
				   name, (long long)suite->skipped, suite->idle);
}

void
rt_junit_check(struct rt_junit *junit, const struct rt_junit_suite *suite)
{
	const char *name = rt_reading_show(&junit->scratch, junit->names.data + suite->name, suite->name_len);

	check_tests(junit, suite, name);
	check_outcomes(junit, suite, name);
}
