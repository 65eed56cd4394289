#include "cycle/hook.h"

#include <stdio.h>
#include <string.h>

#include "cycle/settle.h"
#include "support/clock.h"

enum { MAX_CONFIG = 4 << 20 };

const struct rt_hook_kind rt_hook_kinds[] = {
    {"pre-commit", false, rt_hook_commit},
    {"pre-merge-commit", false, rt_hook_commit},
    {"post-merge", false, rt_hook_merge},
    {"pre-push", true, rt_hook_push},
    {"reference-transaction", true, rt_hook_guard},
    {"pre-receive", true, rt_hook_receive},
    {NULL, false, NULL},
};

const struct rt_hook_kind *
rt_hook_find(const char *name)
{
	for (const struct rt_hook_kind *kind = rt_hook_kinds; kind->name; kind++)
		if (strcmp(kind->name, name) == 0)
			return kind;
	return NULL;
}

void
rt_hook_release(struct rt_hook *hook)
{
	rt_strs_release(&hook->options);
	rt_buf_release(&hook->in);
	rt_buf_release(&hook->say);
	rt_report_release(&hook->report);
}

int
rt_hook_config(struct rt_home *home, const struct rt_oid *commit, struct rt_config *config, struct rt_err *err)
{
	rt_auto(commit) struct rt_commit read = {0};
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	if (!commit->hex[0])
		return 0;
	if (rt_commit_read(home->repo, commit, &read, err) < 0)
		return -1;
	int found = rt_tree_blob(home->repo, &read.tree, "ratchet.yml", MAX_CONFIG, &text, err);
	if (found <= 0)
		return found;
	return rt_config_parse(config, text.data, text.len, "ratchet.yml", err) < 0 ? -1 : 1;
}

int
rt_hook_target(struct rt_home *home, const struct rt_oid *commit, struct rt_buf *ref, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf head_ref = RT_BUF_INIT;
	struct rt_oid head;
	int named = rt_target_named(home, commit, ref, err);
	if (named)
		return named < 0 ? -1 : 0;
	if (rt_head(home->repo, &head_ref, &head, err) < 0)
		return -1;
	rt_buf_adds(ref, head_ref.data);
	return 0;
}

int
rt_hook_is_target(struct rt_home *home, const struct rt_oid *commit, const char *ref, bool *configured,
		  struct rt_err *err)
{
	rt_auto(config) struct rt_config config = RT_CONFIG_INIT;
	rt_auto(buf) struct rt_buf target = RT_BUF_INIT;
	struct rt_err ignored = RT_ERR_INIT;
	const struct rt_oid none = {""};
	int found = rt_hook_config(home, commit, &config, err);
	bool broken = found < 0 && err->code == RT_ECONFIG;
	*configured = found > 0 || broken;
	if (!*configured)
		return found;
	if (rt_hook_target(home, broken ? &none : commit, &target, broken ? &ignored : err) < 0)
		return -1;
	bool ours = strcmp(target.data, ref) == 0;
	return broken && ours ? -1 : ours;
}

int
rt_hook_judge(struct rt_hook *hook, struct rt_check_request *request, struct rt_err *err)
{
	rt_report_release(&hook->report);
	request->progress = hook->progress;
	if (rt_check(hook->home, request, &hook->report, err) < 0)
		return -1;
	rt_buf_adds(&hook->say, "ratchet: ");
	rt_report_text(&hook->report, false, &hook->say);
	return hook->report.verdict == RT_VERDICT_NOOP ? 0 : rt_verdict_exit(hook->report.verdict);
}

int
rt_hook_refuse(struct rt_hook *hook, const char *ref, const struct rt_oid *old, const struct rt_oid *new,
	       const char *why, struct rt_err *err)
{
	rt_auto(gate) struct rt_gate gate = RT_GATE_INIT;
	const char *heads = "refs/heads/";
	gate.home = hook->home;
	gate.started = rt_clock_ms();
	rt_random_hex(gate.report.id, sizeof(gate.report.id) - 1);
	gate.report.target = rt_strdup(rt_starts_with(ref, heads) ? ref + strlen(heads) : ref);
	gate.report.base = *old;
	gate.report.candidate = *new;
	rt_refuse(&gate.report.refusals, hook->name, NULL, 0, "%s", why);
	rt_gate_verdict(&gate, RT_VERDICT_REFUSED, NULL);
	rt_buf_addf(&hook->say, "ratchet: %s: %s\n", ref, why);
	return rt_gate_record(&gate, RT_OP_JUDGED, err) < 0 ? -1 : rt_verdict_exit(RT_VERDICT_REFUSED);
}

int
rt_hook_open(struct rt_hook *hook, const char *ref, struct rt_err *err)
{
	struct rt_open open = {.id = ""};
	int found = rt_open_find(hook->home, ref, &open, err);
	if (found <= 0)
		return found;
	rt_buf_adds(&hook->say, "ratchet: ");
	rt_open_say(&open, ref, &hook->say);
	return rt_verdict_exit(open.kind == RT_OPEN_REGRESSED ? RT_VERDICT_REGRESSED : RT_VERDICT_INCONCLUSIVE);
}

int
rt_hook_line(struct rt_hook *hook, char **words, size_t n, struct rt_err *err)
{
	char *line = hook->in.data + hook->read;
	size_t len = strcspn(line, "\n"), count = 0;
	if (!len)
		return 0;
	hook->read += len + (line[len] == '\n');
	line[len] = '\0';
	for (char *p = line; *p; count++) {
		size_t word = strcspn(p, " ");
		if (count < n)
			words[count] = p;
		p += word;
		if (*p)
			*p++ = '\0';
	}
	if (count != n)
		return rt_fail(err, RT_ECONFIG, "%s gets lines of %zu words from git, not of %zu", hook->name, n,
			       count);
	return 1;
}

int
rt_hook_oid(const char *text, struct rt_oid *out, struct rt_err *err)
{
	if (strlen(text) != RT_OID_HEX || strspn(text, "0123456789abcdef") != RT_OID_HEX)
		return rt_fail(err, RT_ECONFIG, "%.80s is not an object id", text);
	snprintf(out->hex, sizeof(out->hex), "%s", strcmp(text, RT_OID_ZERO) == 0 ? "" : text);
	return 0;
}
