#include "readers/read.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/id.h"
#include "support/json.h"
#include "support/regex.h"

/* The number is the metric of the whole cell. */
static void
add(const struct rt_reading *reading, double value)
{
	rt_auto(buf) struct rt_buf id = RT_BUF_INIT;

	rt_id_case(&id, reading->cell, &reading->check, 1);
	rt_results_metric(reading->results, id.data, value);
}

/* Grammar of a JSON number, with "+" and a leading or trailing point allowed: no hexadecimal, no inf, no nan. */
static bool
is_number(const char *s, size_t len)
{
	size_t i = 0, digits = 0;

	i += i < len && (s[i] == '-' || s[i] == '+');
	for (bool point = false; i < len && ((s[i] >= '0' && s[i] <= '9') || (s[i] == '.' && !point)); i++) {
		point = point || s[i] == '.';
		digits += s[i] != '.';
	}
	if (!digits)
		return false;
	if (i < len && (s[i] == 'e' || s[i] == 'E')) {
		i++;
		i += i < len && (s[i] == '-' || s[i] == '+');
		if (i == len)
			return false;
		while (i < len && s[i] >= '0' && s[i] <= '9')
			i++;
	}
	return i == len;
}

static bool
to_number(const char *s, size_t len, double *out)
{
	char text[64];

	if (len >= sizeof(text) || !is_number(s, len))
		return false;
	memcpy(text, s, len);
	text[len] = '\0';
	*out = strtod(text, NULL); /* ratchet never leaves the C locale for numbers */
	return isfinite(*out);
}

/* Every match must say the same number: a second one that differs is output that only looks like the metric. */
static int
search(const struct rt_reading *reading, const struct rt_buf *bytes, const struct rt_regex *regex, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf shown = RT_BUF_INIT;
	struct rt_span spans[2];
	double value = 0, other;
	size_t found = 0;
	int got;

	for (size_t at = 0; at <= bytes->len; found++) {
		spans[1].start = SIZE_MAX;
		got = rt_regex_search(regex, bytes->data, bytes->len, at, spans, RT_COUNT(spans), err);
		if (got < 0)
			return rt_err_while(err, "searching %s for the metric", reading->source->name);
		if (!got)
			break;
		struct rt_span s = spans[1].start == SIZE_MAX ? spans[0] : spans[1];
		const char *text = bytes->data + s.start;
		if (!to_number(text, s.end - s.start, &other)) {
			rt_reading_problem(reading, 0, "the expression matches \"%s\", which is not a number",
					   rt_reading_show(&shown, text, s.end - s.start));
			return 0;
		}
		if (found && other != value) {
			rt_reading_problem(reading, 0, "the expression matches different numbers: %.17g and %.17g",
					   value, other);
			return 0;
		}
		value = other;
		at = spans[0].end > spans[0].start ? spans[0].end : spans[0].end + 1;
	}
	if (found)
		add(reading, value);
	else
		rt_reading_problem(reading, 0, "the expression matches nothing");
	return 0;
}

int
rt_regex_read(const struct rt_reading *reading, struct rt_err *err)
{
	rt_auto(regex) struct rt_regex *regex = NULL;
	rt_auto(buf) struct rt_buf bytes = RT_BUF_INIT;

	if (!reading->pattern)
		return rt_fail(err, RT_ECONFIG, "the format regex needs an expression");
	if (reading->findings)
		return rt_matches_read(reading, err);
	if (rt_regex_new(&regex, reading->pattern, err))
		return -1;
	int got = rt_reading_whole(reading, &bytes, err);
	return got <= 0 ? got : search(reading, &bytes, regex, err);
}

/*
 * What stands beside the number and says that it is none: google-benchmark writes 0.0 for a benchmark that gave up, and
 * exits 0; hyperfine keeps the times of runs that failed.
 */
static const char *
void_because(const struct rt_json *value, const char *pointer)
{
	const char *slash = strrchr(pointer, '/');
	rt_auto(free) char *above = rt_strndup(pointer, slash ? (size_t)(slash - pointer) : 0);
	const struct rt_json *parent = rt_json_pointer(value, above);
	const struct rt_json *codes = rt_json_get(parent, "exit_codes");
	double code;

	if (rt_json_get_bool(parent, "error_occurred", false))
		return "\"error_occurred\" is true beside it";
	for (size_t i = 0; i < rt_json_count(codes); i++)
		if (rt_json_number(rt_json_at(codes, i), &code) && code != 0)
			return "\"exit_codes\" beside it holds a failed run";
	return NULL;
}

int
rt_json_read(const struct rt_reading *reading, struct rt_err *err)
{
	rt_auto(json) struct rt_json *value = NULL;
	rt_auto(buf) struct rt_buf bytes = RT_BUF_INIT;
	struct rt_err bad = RT_ERR_INIT;
	double number;

	if (!reading->pattern)
		return rt_fail(err, RT_ECONFIG, "the format json needs a pointer");
	int got = rt_reading_whole(reading, &bytes, err);
	if (got <= 0)
		return got;
	if (rt_json_parse(&value, bytes.data, bytes.len, reading->source->name, &bad)) {
		rt_reading_problem(reading, bad.line, "is not JSON");
		return 0;
	}
	if (!rt_json_number(rt_json_pointer(value, reading->pattern), &number) || !isfinite(number)) {
		rt_reading_problem(reading, 0, "has no number at %s", reading->pattern);
		return 0;
	}
	const char *why = void_because(value, reading->pattern);
	if (why)
		rt_reading_problem(reading, 0, "the number at %s is void: %s", reading->pattern, why);
	else
		add(reading, number);
	return 0;
}
