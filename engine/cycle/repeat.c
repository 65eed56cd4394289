#include "cycle/repeat.h"

#include <string.h>

enum { LOOK_BACK = 200, KEPT_FAILURES = 8, TOLD_IDS = 5 };

struct search {
	struct rt_gate *gate;
	struct rt_strs failures; /* of the attempt at hand */
	unsigned left;		 /* entries to look at */
	char id[13];		 /* of the attempt that answers */
	enum rt_verdict verdict;
};

/* How an attempt failed: ids of cases, and rules. */
static void
list_failures(const struct rt_report *report, struct rt_strs *out)
{
	for (size_t i = 0; i < report->refusals.n && out->n < KEPT_FAILURES; i++) {
		rt_auto(free) char *rule = rt_format("rule %s", report->refusals.at[i].rule);
		if (!rt_strs_has(out, rule))
			rt_strs_add(out, rule);
	}
	for (size_t i = 0; i < report->regressions.n && out->n < KEPT_FAILURES; i++)
		rt_strs_add(out, report->regressions.at[i].id);
}

static bool
is_red(const char *verdict, enum rt_verdict *out)
{
	return verdict && rt_verdict_parse(verdict, out) == 0 &&
	       (*out == RT_VERDICT_REGRESSED || *out == RT_VERDICT_REFUSED);
}

static bool
is_same(const char *text, const struct rt_oid *oid)
{
	return text && strcmp(text, oid->hex) == 0;
}

/* Was anything run for the entry, or for the one that it was answered from? */
static const char *
judged_by_run(const struct rt_record *record)
{
	const char *earlier = rt_json_get_string(record->extra, "earlier");
	if (earlier)
		return earlier;
	return rt_json_count(rt_json_get(record->evidence, "runs")) ? record->id : NULL;
}

/* Where a check sees git's history, the tree is not all that decided. */
static bool
same_commit(const struct rt_gate *gate, const struct rt_record *record)
{
	const struct rt_config *config = &gate->trusted.config;
	for (size_t i = 0; i < config->checks.n; i++)
		if (config->checks.at[i].git)
			return is_same(record->candidate, &gate->report.candidate);
	return true;
}

static int
find_same(void *data, const struct rt_oid *at, const struct rt_record *record, struct rt_err *err)
{
	struct search *search = data;
	const struct rt_report *report = &search->gate->report;
	(void)at;
	(void)err;
	if (search->left-- == 0)
		return 1;
	const char *id = judged_by_run(record);
	bool target = record->target && report->target && strcmp(record->target, report->target) == 0;
	/* Here the base became what the target is on: nothing was judged on it before. */
	if (target && is_same(record->landed, &report->base))
		return 1;
	if (!id || !target || record->fast != report->fast || !is_same(record->tree, &report->tree) ||
	    !is_same(record->base, &report->base) || !same_commit(search->gate, record) ||
	    !is_red(record->verdict, &search->verdict))
		return 0;
	snprintf(search->id, sizeof(search->id), "%s", id);
	return 1;
}

static void
copy_changes(const struct rt_json *json, struct rt_changes *out)
{
	for (size_t i = 0; i < rt_json_count(json); i++) {
		const struct rt_json *item = rt_json_at(json, i);
		const char *id = rt_json_get_string(item, "id"), *was = rt_json_get_string(item, "was"),
			   *now = rt_json_get_string(item, "now");
		if (id && was && now)
			rt_change_add(out, id, was, now, rt_json_get_string(item, "excerpt"));
	}
}

static void
copy_refusals(const struct rt_json *json, struct rt_refusals *out)
{
	for (size_t i = 0; i < rt_json_count(json); i++) {
		const struct rt_json *item = rt_json_at(json, i);
		const char *rule = rt_json_get_string(item, "rule"), *reason = rt_json_get_string(item, "reason");
		if (rule && reason)
			rt_refuse(out, rule, rt_json_get_string(item, "path"),
				  (unsigned)rt_json_get_int(item, "line", 0), "%s", reason);
	}
}

int
rt_repeat_answer(struct rt_gate *gate, struct rt_err *err)
{
	struct search search = {.gate = gate, .left = LOOK_BACK};
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	struct rt_err ignored = RT_ERR_INIT;
	/* without a ledger, or with one that can't be read, nothing is known, and the run decides */
	if (rt_ledger_walk(gate->home, NULL, find_same, &search, &ignored) < 0 || !search.id[0])
		return 0;
	int found = rt_evidence_read(gate->home, search.id, &text, err);
	if (found <= 0)
		return found;
	rt_auto(json) struct rt_json *json = NULL;
	if (rt_json_parse(&json, text.data, text.len, search.id, &ignored) < 0)
		return 0;
	copy_changes(rt_json_get(json, "regressions"), &gate->report.regressions);
	copy_refusals(rt_json_get(json, "refusals"), &gate->report.refusals);
	snprintf(gate->report.earlier, sizeof(gate->report.earlier), "%s", search.id);
	rt_auto(free) char *why = rt_format(
	    "this tree was judged on this base before, as %s, so nothing was run again (`ratchet explain %s`; "
	    "--again runs it)",
	    search.id, search.id);
	rt_gate_verdict(gate, search.verdict, why);
	return 1;
}

static bool
shares_failure(const struct search *search, const struct rt_json *failed)
{
	for (size_t i = 0; i < rt_json_count(failed); i++) {
		const char *text = rt_json_string(rt_json_at(failed, i));
		if (text && rt_strs_has(&search->failures, text))
			return true;
	}
	return false;
}

static int
find_offences(void *data, const struct rt_oid *at, const struct rt_record *record, struct rt_err *err)
{
	struct search *search = data;
	struct rt_strs *told = &search->gate->report.offences;
	enum rt_verdict verdict;
	(void)at;
	(void)err;
	if (search->left-- == 0)
		return 1;
	if (!record->id || !record->actor || strcmp(record->actor, rt_actor()) != 0 ||
	    !is_red(record->verdict, &verdict) || rt_strs_has(told, record->id) ||
	    !shares_failure(search, rt_json_get(record->extra, "failed")))
		return 0;
	rt_strs_add(told, record->id);
	return told->n == TOLD_IDS;
}

void
rt_repeat_tell(struct rt_gate *gate)
{
	struct search search = {.gate = gate, .left = LOOK_BACK};
	struct rt_err ignored = RT_ERR_INIT;
	list_failures(&gate->report, &search.failures);
	if (search.failures.n && rt_ledger_walk(gate->home, NULL, find_offences, &search, &ignored) < 0)
		rt_strs_release(&gate->report.offences); /* `verify` is who complains of the ledger */
	rt_strs_release(&search.failures);
}

void
rt_repeat_fill(const struct rt_gate *gate, struct rt_record *record)
{
	rt_auto(strs) struct rt_strs failures = {0};
	enum rt_verdict verdict;
	if (!is_red(record->verdict, &verdict))
		return;
	list_failures(&gate->report, &failures);
	if (!record->extra)
		record->extra = rt_json_new_object();
	struct rt_json *failed = rt_json_new_array();
	for (size_t i = 0; i < failures.n; i++)
		rt_json_append(failed, rt_json_new_string(failures.at[i]));
	rt_json_set(record->extra, "failed", failed);
	if (gate->report.earlier[0])
		rt_json_set_string(record->extra, "earlier", gate->report.earlier);
}
