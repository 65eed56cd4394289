#include "readers/read.h"

#include <string.h>

#include "model/id.h"
#include "support/json.h"

/*
 * meson-logs/testlog.json: an object a line, one for each test. Unlike meson's own JUnit file it tells timeouts and
 * unexpected passes from passes. "name" is "project:suite+suite / test", or the test alone in a build with one suite.
 */

static const struct {
	const char *result;
	enum rt_status status;
} results[] = {
    {"OK", RT_STATUS_PASS},
    {"FAIL", RT_STATUS_FAIL},
    {"UNEXPECTEDPASS", RT_STATUS_FAIL}, /* meson test fails for it */
    {"TIMEOUT", RT_STATUS_ERROR},
    {"ERROR", RT_STATUS_ERROR},
    {"INTERRUPT", RT_STATUS_ERROR},
    {"SKIP", RT_STATUS_SKIP},
    {"EXPECTEDFAIL", RT_STATUS_SKIP},
    {"IGNORED", RT_STATUS_SKIP},
};

static bool
status_of(const char *result, enum rt_status *out)
{
	for (size_t i = 0; result && i < RT_COUNT(results); i++) {
		if (strcmp(result, results[i].result) != 0)
			continue;
		*out = results[i].status;
		return true;
	}
	return false;
}

static void
make_id(const struct rt_reading *reading, const char *name, struct rt_buf *id)
{
	const char *slash = strstr(name, " / ");
	size_t project = slash ? strcspn(name, ":") : 0;
	rt_auto(free) char *first =
	    rt_strndup(name, slash && name + project > slash ? (size_t)(slash - name) : project);
	const char *parts[] = {first, slash ? slash + 3 : name};

	rt_buf_cut(id, 0);
	rt_id_case(id, reading->cell, parts, 2);
}

static void
make_note(const struct rt_json *test, const char *result, struct rt_buf *note)
{
	const char *texts[] = {rt_json_get_string(test, "stderr"), rt_json_get_string(test, "stdout")};

	rt_buf_cut(note, 0);
	rt_note_add(note, result, strlen(result));
	for (size_t i = 0; i < RT_COUNT(texts); i++) {
		if (!texts[i] || !*texts[i])
			continue;
		rt_note_add(note, "\n", 1);
		rt_note_add(note, texts[i], strlen(texts[i]));
	}
}

static void
on_line(const struct rt_reading *reading, const struct rt_lines *lines, const struct rt_bytes *line, struct rt_buf *id,
	struct rt_buf *note)
{
	rt_auto(json) struct rt_json *test = NULL;
	struct rt_err err = RT_ERR_INIT;
	enum rt_status status;
	double ms = -1;

	if (lines->cut) {
		rt_reading_problem(reading, lines->number, "has a line longer than %zu MiB", RT_LINE_MAX >> 20);
		return;
	}
	if (rt_json_parse(&test, line->at, line->len, reading->source->name, &err)) {
		rt_reading_problem(reading, lines->number, "has a line that is not JSON: it was cut off");
		return;
	}
	const char *name = rt_json_get_string(test, "name"), *result = rt_json_get_string(test, "result");
	if (!name || !status_of(result, &status)) {
		rt_reading_problem(reading, lines->number,
				   "has a test without a name or with the unknown result \"%s\"",
				   rt_reading_show(note, result ? result : "", result ? strlen(result) : 0));
		return;
	}
	if (rt_json_number(rt_json_get(test, "duration"), &ms))
		ms *= 1000;
	make_id(reading, name, id);
	make_note(test, result, note);
	rt_results_case(reading->results, id->data, status, -1, ms, status == RT_STATUS_PASS ? NULL : note->data,
			note->len);
}

int
rt_meson_read(const struct rt_reading *reading, struct rt_err *err)
{
	rt_auto(lines) struct rt_lines lines = RT_LINES_INIT(reading->source);
	rt_auto(buf) struct rt_buf id = RT_BUF_INIT;
	rt_auto(buf) struct rt_buf note = RT_BUF_INIT;
	struct rt_bytes line;
	int got;

	while ((got = rt_lines_next(&lines, &line, err)) > 0)
		if (line.len)
			on_line(reading, &lines, &line, &id, &note);
	if (!got && !lines.number)
		rt_reading_problem(reading, 0, "is empty");
	return got;
}
