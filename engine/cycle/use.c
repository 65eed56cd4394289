#include "cycle/use.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "cycle/hook.h"
#include "model/id.h"
#include "model/judge.h"

enum { ENTRIES = 5000, EVIDENCES = 500 };

const char *
rt_use_kind_name(enum rt_use_kind kind)
{
	static const char *const names[] = {
#define X(name, text) text,
	    RT_USE_KINDS(X)
#undef X
	};
	return names[kind];
}

static struct rt_use *
find(struct rt_uses *uses, enum rt_use_kind kind, const char *name, size_t len)
{
	for (size_t i = 0; i < uses->n; i++)
		if (uses->at[i].kind == kind && strlen(uses->at[i].name) == len && !memcmp(uses->at[i].name, name, len))
			return &uses->at[i];
	return NULL;
}

static struct rt_use *
find_or_add(struct rt_uses *uses, enum rt_use_kind kind, const char *name)
{
	struct rt_use *use = find(uses, kind, name, strlen(name));
	if (use)
		return use;
	use = rt_push(uses);
	use->kind = kind;
	use->name = rt_strdup(name);
	return use;
}

static void
later(int64_t *at, int64_t time)
{
	if (time > *at)
		*at = time;
}

/* ---- files that are touched ---- */

static int
read_touched(struct rt_uses *uses, struct rt_home *home, enum rt_use_kind kind, const char *name, struct rt_err *err)
{
	rt_auto(free) char *path = rt_home_path(home, "use/%s %s", rt_use_kind_name(kind), name);
	struct stat st;
	struct rt_use *use = find_or_add(uses, kind, name);
	if (stat(path, &st) == 0)
		later(&use->ran, st.st_mtim.tv_sec);
	else if (errno != ENOENT)
		return rt_fail_errno(err, "looking at %s", path);
	return 0;
}

/* ---- entries ---- */

struct walk {
	struct rt_uses *uses;
	struct rt_home *home;
	size_t evidences;
};

/* "CELL SIDE DIGEST", or "CELL reused KEY DIGEST": a recorded result that stands for a run is no run. */
static void
note_runs(struct walk *walk, const struct rt_record *record)
{
	const struct rt_json *runs = rt_json_get(record->evidence, "runs");
	for (size_t i = 0; i < rt_json_count(runs); i++) {
		const char *line = rt_json_string(rt_json_at(runs, i));
		struct rt_use *use = line ? find(walk->uses, RT_USE_CHECK, line, strcspn(line, "[ ")) : NULL;
		if (use && !strstr(line, " reused "))
			later(&use->ran, record->time);
	}
}

/* Whoever was judged was held against all rules; a change of nothing was not. */
static void
note_rules(struct walk *walk, const struct rt_record *record)
{
	if (!record->verdict || strcmp(record->verdict, rt_verdict_name(RT_VERDICT_NOOP)) == 0 ||
	    (record->op != RT_OP_INTENT && record->op != RT_OP_JUDGED && record->op != RT_OP_REJECTED))
		return;
	for (size_t i = 0; i < walk->uses->n; i++)
		if (walk->uses->at[i].kind == RT_USE_RULE)
			later(&walk->uses->at[i].ran, record->time);
}

/* The key of the policy that asked for the refusal, or the rule itself where it always holds. */
static struct rt_use *
use_of_refusal(struct rt_uses *uses, const struct rt_json *refusal)
{
	const char *rule = rt_json_get_string(refusal, "rule"), *reason = rt_json_get_string(refusal, "reason");
	for (size_t i = 0; rule && reason && i < uses->n; i++)
		if (uses->at[i].kind == RT_USE_RULE && rt_policy_rule_refused(uses->at[i].name, rule, reason))
			return &uses->at[i];
	return rule ? find_or_add(uses, RT_USE_RULE, rule) : NULL;
}

/* A floor of isolation refuses nothing: what it keeps from running is inconclusive. */
static void
note_floor(struct walk *walk, const struct rt_json *unproven, int64_t time)
{
	static const char name[] = "min_isolation";
	struct rt_use *use = find(walk->uses, RT_USE_RULE, name, strlen(name));
	for (size_t i = 0; use && i < rt_json_count(unproven); i++) {
		const char *text = rt_json_string(rt_json_at(unproven, i));
		if (text && strstr(text, "(`min_isolation`)"))
			later(&use->changed, time);
	}
}

/* Who changed the verdict: the checks of what regressed or was not shown, and the rules that refused. */
static void
note_changes(struct walk *walk, const struct rt_json *evidence, int64_t time)
{
	const struct rt_json *regressions = rt_json_get(evidence, "regressions"),
			     *refusals = rt_json_get(evidence, "refusals"), *cells = rt_json_get(evidence, "cells");
	for (size_t i = 0; i < rt_json_count(regressions); i++) {
		const char *id = rt_json_get_string(rt_json_at(regressions, i), "id");
		struct rt_use *use = id ? find(walk->uses, RT_USE_CHECK, id, rt_id_check_len(id)) : NULL;
		if (use)
			later(&use->changed, time);
	}
	for (size_t i = 0; i < rt_json_count(refusals); i++) {
		struct rt_use *use = use_of_refusal(walk->uses, rt_json_at(refusals, i));
		if (use)
			later(&use->changed, time);
	}
	note_floor(walk, rt_json_get(evidence, "unproven"), time);
	for (size_t i = 0; i < rt_json_count(cells); i++) {
		const char *name = rt_json_get_string(rt_json_at(cells, i), "name"),
			   *status = rt_json_get_string(rt_json_at(cells, i), "status");
		struct rt_use *use = name ? find(walk->uses, RT_USE_CHECK, name, strcspn(name, "[")) : NULL;
		if (use && status && strcmp(status, "passed") != 0 && strcmp(status, "blocked") != 0)
			later(&use->changed, time);
	}
}

static bool
changed_a_verdict(const struct rt_record *record)
{
	enum rt_verdict verdict;
	return record->verdict && (record->op == RT_OP_JUDGED || record->op == RT_OP_REJECTED) &&
	       rt_verdict_parse(record->verdict, &verdict) == 0 && rt_verdict_exit(verdict) != 0 &&
	       verdict != RT_VERDICT_NOOP;
}

/* "command propose" or "hook pre-commit". */
static struct rt_use *
use_of_via(struct walk *walk, const struct rt_record *record)
{
	const char *via = rt_json_get_string(record->extra, "via"), *name = via ? strchr(via, ' ') : NULL;
	if (!name)
		return NULL;
	return find(walk->uses, rt_starts_with(via, "hook ") ? RT_USE_HOOK : RT_USE_COMMAND, name + 1,
		    strlen(name + 1));
}

static int
look_at(void *data, const struct rt_oid *at, const struct rt_record *record, struct rt_err *err)
{
	struct walk *walk = data;
	struct rt_use *via = use_of_via(walk, record);
	(void)at;
	if (++walk->uses->entries > ENTRIES)
		return 1;
	walk->uses->oldest = record->time;
	note_runs(walk, record);
	note_rules(walk, record);
	if (via)
		later(&via->ran, record->time);
	if (!changed_a_verdict(record))
		return 0;
	if (via)
		later(&via->changed, record->time);
	if (!record->id || walk->evidences++ >= EVIDENCES)
		return 0;
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	rt_auto(json) struct rt_json *evidence = NULL;
	int found = rt_evidence_read(walk->home, record->id, &text, err);
	if (found > 0 && rt_json_parse(&evidence, text.data, text.len, "evidence", err) < 0)
		return -1;
	if (found > 0)
		note_changes(walk, evidence, record->time);
	return found < 0 ? -1 : 0;
}

int
rt_uses_gather(struct rt_uses *uses, struct rt_home *home, const struct rt_trusted *trusted,
	       const char *const *commands, struct rt_err *err)
{
	struct walk walk = {.uses = uses, .home = home};
	rt_auto(strs) struct rt_strs rules = {0};
	for (size_t i = 0; i < trusted->config.checks.n; i++)
		(void)find_or_add(uses, RT_USE_CHECK, trusted->config.checks.at[i].name);
	rt_policy_rules(trusted->policy, &rules);
	for (size_t i = 0; i < rules.n; i++)
		(void)find_or_add(uses, RT_USE_RULE, rules.at[i]);
	for (const struct rt_hook_kind *kind = rt_hook_kinds; kind->name; kind++)
		if (read_touched(uses, home, RT_USE_HOOK, kind->name, err) < 0)
			return -1;
	for (size_t i = 0; commands[i]; i++)
		if (read_touched(uses, home, RT_USE_COMMAND, commands[i], err) < 0)
			return -1;
	return rt_ledger_walk(home, NULL, look_at, &walk, err) < 0 ? -1 : 0;
}

void
rt_uses_release(struct rt_uses *uses)
{
	for (size_t i = 0; i < uses->n; i++)
		free(uses->at[i].name);
	free(uses->at);
	*uses = (struct rt_uses){0};
}
