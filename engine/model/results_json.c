#include <string.h>

#include "model/results.h"
#include "support/json.h"

/* Statuses that a kept run may have: nothing of it failed. */
static int
parse_status(const char *name, enum rt_status *out)
{
	static const enum rt_status kept[] = {RT_STATUS_PASS, RT_STATUS_SKIP};

	for (size_t i = 0; name && i < RT_COUNT(kept); i++)
		if (strcmp(name, rt_status_name(kept[i])) == 0) {
			*out = kept[i];
			return 0;
		}
	return -1;
}

struct rt_json *
rt_results_json(const struct rt_results *results)
{
	struct rt_json *json = rt_json_new_object(), *cases = rt_json_new_array(), *metrics = rt_json_new_array(),
		       *findings = rt_json_new_array();

	for (size_t i = 0; i < results->cases.n; i++) {
		const struct rt_case *c = &results->cases.at[i];
		struct rt_json *item = rt_json_new_object();
		rt_json_set_string(item, "id", c->id);
		rt_json_set_string(item, "status", rt_status_name((enum rt_status)c->status));
		rt_json_set_int(item, "assertions", c->assertions);
		rt_json_append(cases, item);
	}
	for (size_t i = 0; i < results->metrics.n; i++) {
		struct rt_json *item = rt_json_new_object();
		rt_json_set_string(item, "id", results->metrics.at[i].id);
		rt_json_set_real(item, "value", results->metrics.at[i].value);
		rt_json_append(metrics, item);
	}
	for (size_t i = 0; i < results->findings.n; i++) {
		struct rt_json *item = rt_json_new_object();
		rt_json_set_string(item, "id", results->findings.at[i].id);
		rt_json_set_string(item, "text", results->findings.at[i].text);
		rt_json_append(findings, item);
	}
	rt_json_set(json, "cases", cases);
	rt_json_set(json, "metrics", metrics);
	rt_json_set(json, "findings", findings);
	return json;
}

int
rt_results_from_json(struct rt_results *results, const struct rt_json *json)
{
	const struct rt_json *cases = rt_json_get(json, "cases"), *metrics = rt_json_get(json, "metrics"),
			     *findings = rt_json_get(json, "findings");

	if (rt_json_type(cases) != RT_JSON_ARRAY || rt_json_type(metrics) != RT_JSON_ARRAY ||
	    rt_json_type(findings) != RT_JSON_ARRAY)
		return -1;
	for (size_t i = 0; i < rt_json_count(cases); i++) {
		const struct rt_json *item = rt_json_at(cases, i);
		const char *id = rt_json_get_string(item, "id");
		int64_t assertions = rt_json_get_int(item, "assertions", -1);
		enum rt_status status;
		if (!id || assertions > INT32_MAX || parse_status(rt_json_get_string(item, "status"), &status) < 0)
			return -1;
		rt_results_case(results, id, status, assertions < 0 ? -1 : (int32_t)assertions, -1, NULL, 0);
	}
	for (size_t i = 0; i < rt_json_count(metrics); i++) {
		const struct rt_json *item = rt_json_at(metrics, i);
		double value;
		if (!rt_json_get_string(item, "id") || !rt_json_number(rt_json_get(item, "value"), &value))
			return -1;
		rt_results_metric(results, rt_json_get_string(item, "id"), value);
	}
	for (size_t i = 0; i < rt_json_count(findings); i++) {
		const struct rt_json *item = rt_json_at(findings, i);
		if (!rt_json_get_string(item, "id"))
			return -1;
		rt_results_finding(results, rt_json_get_string(item, "id"), rt_json_get_string(item, "text"));
	}
	return results->problems.n ? -1 : 0;
}
