#include <string.h>

#include "model/id.h"
#include "readers/finding.h"
#include "support/json.h"

/*
 * Test cases as JSON: CTRF (ctrf.io, specification 0.0.0), GoogleTest's --gtest_output=json, and ratchet.v1, the line
 * protocol of this project (docs/ratchet.v1.md).
 */

static void
add_case(const struct rt_reading *reading, const char *const *parts, size_t n, enum rt_status status,
	 int32_t assertions, double ms, const char *note)
{
	rt_auto(buf) struct rt_buf id = RT_BUF_INIT;

	rt_id_case(&id, reading->cell, parts, n);
	rt_results_case(reading->results, id.data, status, assertions, ms, note, note ? strlen(note) : 0);
}

struct word {
	const char *word;
	enum rt_status status;
};

/* 1, or 0 when none of the words is it. */
static int
status_of(const struct word *words, size_t n, const char *word, enum rt_status *status)
{
	for (size_t i = 0; word && i < n; i++)
		if (!strcmp(words[i].word, word)) {
			*status = words[i].status;
			return 1;
		}
	return 0;
}

static void
compare_count(const struct rt_reading *reading, const char *pointer, const struct rt_json *object, const char *key,
	      size_t found)
{
	const struct rt_json *value = rt_json_get(object, key);

	if (value && rt_json_int(value, -1) != (int64_t)found)
		rt_reading_problem(reading, 0, "%s/%s: says %lld %s, and lists %zu", pointer, key,
				   (long long)rt_json_int(value, -1), key, found);
}

/* ---- CTRF ---- */

/*
 * A test that passed in a later attempt failed in an earlier one, as JUnit's flakyFailure says: how often it does so is
 * for the gate to find out. Attempts that are listed tell, else the number of them, or the word.
 */
static bool
ctrf_failed_before(const struct rt_json *test)
{
	const struct rt_json *attempts = rt_json_get(test, "retryAttempts");

	for (size_t i = 0; i < rt_json_count(attempts); i++) {
		const char *status = rt_json_get_string(rt_json_at(attempts, i), "status");

		if (status && (!strcmp(status, "failed") || !strcmp(status, "other")))
			return true;
	}
	return rt_json_get_bool(test, "flaky", false) ||
	       (!rt_json_count(attempts) && rt_json_int(rt_json_get(test, "retries"), 0) > 0);
}

static void
on_ctrf_test(const struct rt_reading *reading, size_t at, const struct rt_json *test, size_t counts[5])
{
	static const struct word words[] = {{"passed", RT_STATUS_PASS},
					    {"failed", RT_STATUS_FAIL},
					    {"skipped", RT_STATUS_SKIP},
					    {"pending", RT_STATUS_SKIP},
					    {"other", RT_STATUS_ERROR}};
	static const char *const known[] = {"passed", "failed", "skipped", "pending", "other"};
	const char *name = rt_json_get_string(test, "name"), *word = rt_json_get_string(test, "status");
	const struct rt_json *suite = rt_json_get(test, "suite");
	const char *parts[] = {rt_json_string(suite), name};
	rt_auto(buf) struct rt_buf path = RT_BUF_INIT;
	enum rt_status status;
	double ms = -1;

	if (!name || !status_of(words, RT_COUNT(words), word, &status)) {
		rt_reading_problem(reading, 0,
				   "/results/tests/%zu: has a test without a name or with an unknown status", at);
		return;
	}
	for (size_t i = 0; i < RT_COUNT(known); i++)
		counts[i] += !strcmp(known[i], word);
	/* what is only planned is none of the others: jest's test.todo */
	const char *raw = rt_json_get_string(test, "rawStatus");
	if (status == RT_STATUS_ERROR && raw && !strcmp(raw, "todo"))
		status = RT_STATUS_SKIP;
	/* since 0.0.13 the suite is a list */
	for (size_t i = 0; i < rt_json_count(suite) && rt_json_type(suite) == RT_JSON_ARRAY; i++) {
		const char *part = rt_json_string(rt_json_at(suite, i));

		rt_buf_addf(&path, "%s%s", i ? "::" : "", part ? part : "");
		parts[0] = path.data;
	}
	if (!rt_json_number(rt_json_get(test, "duration"), &ms))
		ms = -1;
	add_case(reading, parts, RT_COUNT(parts), status, -1, ms,
		 status == RT_STATUS_PASS ? NULL : rt_json_get_string(test, "message"));
	if (status == RT_STATUS_PASS && ctrf_failed_before(test)) {
		rt_auto(buf) struct rt_buf id = RT_BUF_INIT;

		rt_id_case(&id, reading->cell, parts, RT_COUNT(parts));
		rt_results_retried(reading->results, id.data);
	}
}

int
rt_ctrf_read(const struct rt_reading *reading, struct rt_err *err)
{
	static const char *const keys[] = {"passed", "failed", "skipped", "pending", "other"};
	rt_auto(json) struct rt_json *value = NULL;
	size_t counts[5] = {0};

	int got = rt_reading_json(reading, &value, err);
	if (got <= 0)
		return got;
	const struct rt_json *results = rt_json_get(value, "results"), *tests = rt_json_get(results, "tests");
	if (rt_json_type(tests) != RT_JSON_ARRAY)
		rt_reading_problem(reading, 0, "is not a CTRF report: it has no list at /results/tests");
	for (size_t i = 0; i < rt_json_count(tests); i++)
		on_ctrf_test(reading, i, rt_json_at(tests, i), counts);
	const struct rt_json *summary = rt_json_get(results, "summary");
	compare_count(reading, "/results/summary", summary, "tests", rt_json_count(tests));
	for (size_t i = 0; i < RT_COUNT(keys); i++)
		compare_count(reading, "/results/summary", summary, keys[i], counts[i]);
	return 0;
}

/* ---- GoogleTest ---- */

static void
on_gtest(const struct rt_reading *reading, const char *pointer, size_t at, const char *suite,
	 const struct rt_json *test)
{
	const char *name = rt_json_get_string(test, "name"), *result = rt_json_get_string(test, "result");
	const char *state = rt_json_get_string(test, "status");
	const struct rt_json *failures = rt_json_get(test, "failures");
	const char *parts[] = {suite, name};
	enum rt_status status = RT_STATUS_SKIP;
	bool ran = state && !strcmp(state, "RUN");

	if (!name || !state || (!ran && strcmp(state, "NOTRUN") != 0)) {
		rt_reading_problem(reading, 0, "%s/testsuite/%zu: has a test without a name, or with an unknown status",
				   pointer, at);
		return;
	}
	if (rt_json_count(failures))
		status = RT_STATUS_FAIL;
	else if (ran && result && !strcmp(result, "COMPLETED"))
		status = RT_STATUS_PASS;
	else if (ran && !(result && !strcmp(result, "SKIPPED")))
		status = RT_STATUS_ERROR; /* it began and did not end */
	add_case(reading, parts, RT_COUNT(parts), status, -1, -1,
		 rt_json_get_string(rt_json_at(failures, 0), "failure"));
}

int
rt_gtest_read(const struct rt_reading *reading, struct rt_err *err)
{
	rt_auto(json) struct rt_json *value = NULL;
	size_t listed = 0;

	int got = rt_reading_json(reading, &value, err);
	if (got <= 0)
		return got;
	const struct rt_json *suites = rt_json_get(value, "testsuites");
	if (rt_json_type(suites) != RT_JSON_ARRAY)
		rt_reading_problem(reading, 0, "is not a report of GoogleTest: it has no list at /testsuites");
	for (size_t i = 0; i < rt_json_count(suites); i++) {
		const struct rt_json *suite = rt_json_at(suites, i), *tests = rt_json_get(suite, "testsuite");

		rt_auto(free) char *pointer = rt_format("/testsuites/%zu", i);
		size_t failed = 0;

		for (size_t k = 0; k < rt_json_count(tests); k++) {
			failed += rt_json_count(rt_json_get(rt_json_at(tests, k), "failures")) > 0;
			on_gtest(reading, pointer, k, rt_json_get_string(suite, "name"), rt_json_at(tests, k));
		}
		compare_count(reading, pointer, suite, "failures", failed);
		compare_count(reading, pointer, suite, "tests", rt_json_count(tests));
		listed += rt_json_count(tests);
	}
	compare_count(reading, "", value, "tests", listed);
	return 0;
}

/* ---- ratchet.v1 ---- */

enum { PARTS_MAX = 32 };

struct stream {
	const struct rt_reading *reading;
	size_t line;
	uint64_t cases, metrics, findings;
	bool ended;
};

static void
bad_line(const struct stream *stream, const char *what)
{
	rt_reading_problem(stream->reading, stream->line, "%s", what);
}

/* "id": a text, or a list of texts. Returns how many parts, 0 when it is neither. */
static size_t
id_parts(const struct rt_json *id, const char *parts[PARTS_MAX])
{
	size_t n = rt_json_count(id);

	parts[0] = rt_json_string(id);
	if (parts[0])
		return 1;
	if (rt_json_type(id) != RT_JSON_ARRAY || n > PARTS_MAX)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (!(parts[i] = rt_json_string(rt_json_at(id, i))))
			return 0;
	return n;
}

static void
on_case(struct stream *stream, const struct rt_json *object)
{
	static const struct word words[] = {
	    {"pass", RT_STATUS_PASS}, {"fail", RT_STATUS_FAIL}, {"error", RT_STATUS_ERROR}, {"skip", RT_STATUS_SKIP}};
	const char *parts[PARTS_MAX];
	size_t n = id_parts(rt_json_get(object, "id"), parts);
	int64_t assertions = rt_json_get_int(object, "assertions", -1);
	enum rt_status status;
	double ms = -1;

	stream->cases++;
	if (!n || !status_of(words, RT_COUNT(words), rt_json_get_string(object, "status"), &status)) {
		bad_line(stream, "a case needs `id`, and `status` pass, fail, error or skip");
		return;
	}
	if (!rt_json_number(rt_json_get(object, "duration_ms"), &ms))
		ms = -1;
	add_case(stream->reading, parts, n, status, assertions > INT32_MAX ? INT32_MAX : (int32_t)assertions, ms,
		 rt_json_get_string(object, "message"));
}

static void
on_metric(struct stream *stream, const struct rt_json *object)
{
	const char *parts[PARTS_MAX];
	size_t n = id_parts(rt_json_get(object, "id"), parts);
	rt_auto(buf) struct rt_buf id = RT_BUF_INIT;
	double value;

	stream->metrics++;
	if (!n || !rt_json_number(rt_json_get(object, "value"), &value)) {
		bad_line(stream, "a metric needs `id` and a number as `value`");
		return;
	}
	rt_id_case(&id, stream->reading->cell, parts, n);
	rt_results_metric(stream->reading->results, id.data, value);
}

static void
on_finding(struct stream *stream, const struct rt_json *object)
{
	struct rt_finding_parts parts = {.rule = rt_json_get_string(object, "rule"),
					 .file = rt_json_get_string(object, "file"),
					 .message = rt_json_get_string(object, "message"),
					 .mark = rt_json_get_string(object, "fingerprint"),
					 .line = rt_json_get_int(object, "line", 0),
					 .column = rt_json_get_int(object, "column", 0)};

	stream->findings++;
	if (parts.message)
		rt_finding_add(stream->reading, &parts);
	else
		bad_line(stream, "a finding needs a `message`");
}

/* The last line says how much there should be: a report that was cut off, or written by two, is noticed. */
static void
on_end(struct stream *stream, const struct rt_json *object)
{
	if (rt_json_get_int(object, "cases", 0) != (int64_t)stream->cases ||
	    rt_json_get_int(object, "metrics", 0) != (int64_t)stream->metrics ||
	    rt_json_get_int(object, "findings", 0) != (int64_t)stream->findings)
		bad_line(stream, "the end counts other numbers of cases, metrics and findings than there are");
	stream->ended = true;
}

static void
on_object(struct stream *stream, const struct rt_json *object)
{
	static const struct {
		const char *type;
		void (*run)(struct stream *, const struct rt_json *);
	} types[] = {{"case", on_case}, {"metric", on_metric}, {"finding", on_finding}, {"end", on_end}};
	const char *type = rt_json_get_string(object, "type");

	if (stream->ended) {
		bad_line(stream, "there is a line after the end");
		return;
	}
	for (size_t i = 0; type && i < RT_COUNT(types); i++)
		if (!strcmp(types[i].type, type)) {
			types[i].run(stream, object);
			return;
		}
	bad_line(stream, "a line needs `type` case, metric, finding or end");
}

int
rt_lines_v1_read(const struct rt_reading *reading, struct rt_err *err)
{
	rt_auto(lines) struct rt_lines lines = RT_LINES_INIT(reading->source);
	struct stream stream = {.reading = reading};
	struct rt_bytes line;
	int got;

	while ((got = rt_lines_next(&lines, &line, err)) > 0) {
		rt_auto(json) struct rt_json *object = NULL;
		struct rt_err bad = RT_ERR_INIT;

		stream.line = lines.number;
		if (!line.len)
			continue;
		if (lines.cut || rt_json_parse(&object, line.at, line.len, reading->source->name, &bad))
			bad_line(&stream, "is not a JSON object on a line of its own");
		else
			on_object(&stream, object);
	}
	if (got == 0 && !stream.ended)
		rt_reading_problem(reading, 0, "has no line of type end: it was cut off");
	return got;
}
