#include "readers/started.h"

#include <string.h>

#include "model/id.h"
#include "support/json.h"

/*
 * libtest's --format json, unstable, of Rust 1.95. cargo runs one suite after another; lines outside of JSON are what
 * cargo, or a test under --nocapture, printed. Such output can look like events, so every test must have been started,
 * and a suite's counts must fit.
 */

struct libtest {
	const struct rt_reading *reading;
	struct rt_lines lines;
	struct rt_started tests;
	struct rt_buf id, scratch;
	bool open;	     /* a suite is */
	size_t suites, line; /* line: where the open one began */
	int64_t declared, passed, failed, ignored, measured;
};

#define problem(libtest, ...) rt_reading_problem((libtest)->reading, (libtest)->lines.number, __VA_ARGS__)

static void
check_count(struct libtest *libtest, const struct rt_json *event, const char *what, int64_t seen)
{
	int64_t declared = rt_json_get_int(event, what, -1);

	if (declared != seen)
		problem(libtest, "the suite declares %lld %s and holds %lld", (long long)declared, what,
			(long long)seen);
}

/* Tests that a suite left open, and the suite itself where its process ended before it said so. */
static void
abandon(struct libtest *libtest)
{
	if (!libtest->open)
		return;
	libtest->open = false;
	rt_reading_problem(libtest->reading, libtest->line,
			   "has a suite without an end: its process left before its tests had ended");
	(void)rt_started_lost(&libtest->tests, libtest->reading->results);
}

static void
on_suite(struct libtest *libtest, const char *name, const struct rt_json *event)
{
	if (!strcmp(name, "started")) {
		abandon(libtest);
		libtest->open = true;
		libtest->suites++;
		libtest->line = libtest->lines.number;
		libtest->declared = rt_json_get_int(event, "test_count", -1);
		libtest->passed = libtest->failed = libtest->ignored = libtest->measured = 0;
		return;
	}
	if (strcmp(name, "ok") != 0 && strcmp(name, "failed") != 0)
		return;
	if (!libtest->open) {
		problem(libtest, "has the end of a suite that did not begin");
		return;
	}
	libtest->open = false;
	int64_t lost = (int64_t)rt_started_lost(&libtest->tests, libtest->reading->results);
	int64_t seen = libtest->passed + libtest->failed + libtest->ignored + libtest->measured + lost;
	if (libtest->declared != seen)
		problem(libtest, "the suite declares %lld tests and holds %lld", (long long)libtest->declared,
			(long long)seen);
	check_count(libtest, event, "passed", libtest->passed);
	check_count(libtest, event, "failed", libtest->failed);
	check_count(libtest, event, "ignored", libtest->ignored);
	check_count(libtest, event, "measured", libtest->measured);
}

static void
end_test(struct libtest *libtest, const char *id, enum rt_status status, const struct rt_json *event)
{
	struct rt_started_test *test = rt_started_get(&libtest->tests, id);
	const char *texts[] = {rt_json_get_string(event, "message"), rt_json_get_string(event, "reason"),
			       rt_json_get_string(event, "stdout")};
	double seconds = -1;

	for (size_t i = 0; i < RT_COUNT(texts) && status != RT_STATUS_PASS; i++) {
		if (test->note.len && texts[i])
			rt_note_add(&test->note, "\n", 1);
		if (texts[i])
			rt_note_add(&test->note, texts[i], strlen(texts[i]));
	}
	if (rt_json_number(rt_json_get(event, "exec_time"), &seconds))
		seconds *= 1000;
	rt_results_case(libtest->reading->results, id, status, -1, seconds, test->note.len ? test->note.data : NULL,
			test->note.len);
	if (!rt_started_end(&libtest->tests, test))
		problem(libtest, "%s ended without having been started: something else printed its result",
			rt_reading_show(&libtest->scratch, id, strlen(id)));
}

static void
on_test(struct libtest *libtest, const char *what, const struct rt_json *event)
{
	const char *name = rt_json_get_string(event, "name");
	const char *id = libtest->id.data;

	if (!name) {
		problem(libtest, "has a test without a name");
		return;
	}
	rt_buf_cut(&libtest->id, 0);
	rt_id_case(&libtest->id, libtest->reading->cell, &name, 1);
	id = libtest->id.data;
	if (!libtest->open)
		problem(libtest, "has a test outside of a suite");
	if (!strcmp(what, "started")) {
		if (!rt_started_begin(&libtest->tests, rt_started_get(&libtest->tests, id)))
			problem(libtest, "%s started twice", rt_reading_show(&libtest->scratch, id, strlen(id)));
	} else if (!strcmp(what, "ok")) {
		libtest->passed++;
		end_test(libtest, id, RT_STATUS_PASS, event);
	} else if (!strcmp(what, "failed")) {
		libtest->failed++;
		end_test(libtest, id, RT_STATUS_FAIL, event);
	} else if (!strcmp(what, "ignored")) {
		libtest->ignored++;
		end_test(libtest, id, RT_STATUS_SKIP, event);
	}
	/* "timeout" says that a test has been running for a minute, not that it ended */
}

/* A benchmark's line is its end; libtest writes no start for it in every version. */
static void
on_bench(struct libtest *libtest, const struct rt_json *event)
{
	const char *name = rt_json_get_string(event, "name");

	if (!name)
		return;
	rt_buf_cut(&libtest->id, 0);
	rt_id_case(&libtest->id, libtest->reading->cell, &name, 1);
	libtest->measured++;
	(void)rt_started_end(&libtest->tests, rt_started_get(&libtest->tests, libtest->id.data));
	rt_results_case(libtest->reading->results, libtest->id.data, RT_STATUS_PASS, -1, -1, NULL, 0);
}

static void
on_line(struct libtest *libtest, const struct rt_bytes *line)
{
	rt_auto(json) struct rt_json *event = NULL;
	struct rt_err err = RT_ERR_INIT;

	if (libtest->lines.cut)
		problem(libtest, "has a line longer than %zu MiB", RT_LINE_MAX >> 20);
	if (libtest->lines.cut || !line->len || *line->at != '{')
		return;
	if (rt_json_parse(&event, line->at, line->len, libtest->reading->source->name, &err)) {
		if (memmem(line->at, line->len, "\"type\"", 6))
			problem(libtest, "has an event that is not JSON: it was cut off, or something wrote into it");
		return;
	}
	const char *type = rt_json_get_string(event, "type"), *what = rt_json_get_string(event, "event");
	if (type && what && !strcmp(type, "suite"))
		on_suite(libtest, what, event);
	else if (type && what && !strcmp(type, "test"))
		on_test(libtest, what, event);
	else if (type && !strcmp(type, "bench"))
		on_bench(libtest, event);
}

static int
read_events(struct libtest *libtest, struct rt_err *err)
{
	struct rt_bytes line;
	int got;

	while ((got = rt_lines_next(&libtest->lines, &line, err)) > 0)
		on_line(libtest, &line);
	if (got)
		return got;
	abandon(libtest);
	/* tests that were started outside of any suite */
	(void)rt_started_lost(&libtest->tests, libtest->reading->results);
	if (!libtest->suites)
		rt_reading_problem(libtest->reading, 0, "holds no suite of libtest");
	return 0;
}

int
rt_libtest_read(const struct rt_reading *reading, struct rt_err *err)
{
	struct libtest libtest = {.reading = reading, .lines = RT_LINES_INIT(reading->source)};

	libtest.id = libtest.scratch = (struct rt_buf)RT_BUF_INIT;
	int result = read_events(&libtest, err);
	rt_started_release(&libtest.tests);
	rt_buf_release(&libtest.id);
	rt_buf_release(&libtest.scratch);
	rt_lines_release(&libtest.lines);
	return result;
}
