#include <string.h>

#include "readers/finding.h"
#include "support/json.h"

/*
 * SARIF 2.1.0, as far as findings need it: rule, file, and what tells one finding from another without line numbers.
 * That is the tool's own fingerprint where it gives one, else the message.
 */

/* The value of the first key in bytewise order, so that a further fingerprint of a newer tool version does not matter
 * by chance. */
static int
smallest(void *data, const char *key, struct rt_json *value)
{
	struct {
		const char *key, *value;
	} *best = data;

	if (rt_json_string(value) && (!best->key || strcmp(key, best->key) < 0)) {
		best->key = key;
		best->value = rt_json_string(value);
	}
	return 0;
}

static const char *
fingerprint(const struct rt_json *result)
{
	struct {
		const char *key, *value;
	} best = {NULL, NULL};

	(void)rt_json_each(rt_json_get(result, "fingerprints"), smallest, &best);
	if (!best.value)
		(void)rt_json_each(rt_json_get(result, "partialFingerprints"), smallest, &best);
	return best.value;
}

/* Results that say of themselves that they are no finding: other kinds than "fail", gone ones, suppressed ones. */
static bool
is_finding(const struct rt_json *result)
{
	const char *kind = rt_json_get_string(result, "kind"), *state = rt_json_get_string(result, "baselineState");

	if (kind && (!strcmp(kind, "pass") || !strcmp(kind, "notApplicable") || !strcmp(kind, "informational")))
		return false;
	return !(state && !strcmp(state, "absent")) && rt_json_count(rt_json_get(result, "suppressions")) == 0;
}

static void
on_run(const struct rt_reading *reading, size_t at, const struct rt_json *run)
{
	const struct rt_json *results = rt_json_get(run, "results"), *invocations = rt_json_get(run, "invocations");

	for (size_t i = 0; i < rt_json_count(invocations); i++)
		if (!rt_json_get_bool(rt_json_at(invocations, i), "executionSuccessful", true))
			rt_reading_problem(reading, 0,
					   "/runs/%zu/invocations/%zu: says itself that its run was not successful", at,
					   i);
	if (rt_json_type(results) != RT_JSON_ARRAY)
		rt_reading_problem(reading, 0, "/runs/%zu: has a run without results", at);
	for (size_t i = 0; i < rt_json_count(results); i++) {
		const struct rt_json *result = rt_json_at(results, i);
		const struct rt_json *place =
		    rt_json_get(rt_json_at(rt_json_get(result, "locations"), 0), "physicalLocation");
		struct rt_finding_parts p = {
		    .rule = rt_json_get_string(result, "ruleId"),
		    .file = rt_json_get_string(rt_json_get(place, "artifactLocation"), "uri"),
		    .mark = fingerprint(result),
		    .message = rt_json_get_string(rt_json_get(result, "message"), "text"),
		    .line = rt_json_get_int(rt_json_get(place, "region"), "startLine", 0),
		    .column = rt_json_get_int(rt_json_get(place, "region"), "startColumn", 0),
		};
		if (!p.rule)
			p.rule = rt_json_get_string(rt_json_get(result, "rule"), "id");
		if (rt_json_type(result) != RT_JSON_OBJECT || !(p.rule || p.mark || p.message))
			rt_reading_problem(reading, 0,
					   "/runs/%zu/results/%zu: has a result without a rule and a message", at, i);
		else if (is_finding(result))
			rt_finding_add(reading, &p);
	}
}

int
rt_sarif_read(const struct rt_reading *reading, struct rt_err *err)
{
	rt_auto(json) struct rt_json *value = NULL;

	int got = rt_reading_json(reading, &value, err);
	if (got <= 0)
		return got;
	const struct rt_json *runs = rt_json_get(value, "runs");
	if (rt_json_type(runs) != RT_JSON_ARRAY || rt_json_count(runs) == 0)
		rt_reading_problem(reading, 0, "/runs: holds no run of SARIF");
	for (size_t i = 0; i < rt_json_count(runs); i++)
		on_run(reading, i, rt_json_at(runs, i));
	return 0;
}
