#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "cli/cli.h"
#include "cycle/ledger.h"
#include "model/baseline.h"

static const struct rt_option options[] = {
    {0, "log", NULL, "print the kept output of every cell that was not green", false},
    {0, NULL, NULL, NULL, false},
};

/* Finds the newest entry whose id begins with what was asked for. */
struct lookup {
	const char *prefix;
	char id[64];
	struct rt_buf subject;
};

static int
match(void *data, const struct rt_oid *at, const struct rt_record *record, struct rt_err *err)
{
	struct lookup *lookup = data;
	(void)at;
	(void)err;
	if (!record->id || !rt_starts_with(record->id, lookup->prefix))
		return 0;
	snprintf(lookup->id, sizeof(lookup->id), "%s", record->id);
	rt_record_write(record, &lookup->subject);
	rt_buf_cut(&lookup->subject, strcspn(lookup->subject.data, "\n"));
	return 1;
}

static void
add_indented(struct rt_buf *out, const char *text)
{
	while (text && *text) {
		size_t len = strcspn(text, "\n");
		rt_buf_addf(out, "    | %.*s\n", (int)len, text);
		text += len + (text[len] == '\n');
	}
}

static const char *
or_dash(const char *s)
{
	return s ? s : "-";
}

static void
add_regressions(struct rt_buf *out, const struct rt_json *regressions)
{
	for (size_t i = 0; i < rt_json_count(regressions); i++) {
		const struct rt_json *item = rt_json_at(regressions, i);
		const char *command = rt_json_get_string(item, "reproduce");
		rt_buf_addf(out, "\nregressed: %s\n  was %s, is now %s\n", or_dash(rt_json_get_string(item, "id")),
			    or_dash(rt_json_get_string(item, "was")), or_dash(rt_json_get_string(item, "now")));
		add_indented(out, rt_json_get_string(item, "excerpt"));
		if (command)
			rt_buf_addf(out, "  reproduce:\n    %s\n", command);
	}
}

static void
add_refusals(struct rt_buf *out, const struct rt_json *refusals)
{
	for (size_t i = 0; i < rt_json_count(refusals); i++) {
		const struct rt_json *item = rt_json_at(refusals, i);
		int64_t line = rt_json_get_int(item, "line", 0);
		rt_buf_addf(out, "refused by rule %s: %s", or_dash(rt_json_get_string(item, "rule")),
			    or_dash(rt_json_get_string(item, "path")));
		if (line)
			rt_buf_addf(out, ":%" PRId64, line);
		rt_buf_addf(out, ": %s\n", or_dash(rt_json_get_string(item, "reason")));
	}
}

static void
add_cells(struct rt_buf *out, const struct rt_json *cells, bool with_logs)
{
	for (size_t i = 0; i < rt_json_count(cells); i++) {
		const struct rt_json *item = rt_json_at(cells, i);
		const char *problem = rt_json_get_string(item, "problem");
		rt_buf_addf(out, "cell %s: %s, %" PRId64 " executed, %" PRId64 " attempts, %" PRId64 " ms%s%s\n",
			    or_dash(rt_json_get_string(item, "name")), or_dash(rt_json_get_string(item, "status")),
			    rt_json_get_int(item, "executed", 0), rt_json_get_int(item, "attempts", 0),
			    rt_json_get_int(item, "duration_ms", 0), problem ? ": " : "", problem ? problem : "");
		if (with_logs)
			add_indented(out, rt_json_get_string(item, "log"));
	}
}

static double
real(const struct rt_json *item, const char *key)
{
	double value = 0;
	return rt_json_number(rt_json_get(item, key), &value) ? value : 0;
}

static void
add_runs(struct rt_buf *out, const char *what, const struct rt_json *item)
{
	rt_buf_addf(out,
		    "  %s in %" PRId64 " of %" PRId64 " runs here and in %" PRId64 " of %" PRId64 " on the target\n",
		    what, rt_json_get_int(item, "fails", 0), rt_json_get_int(item, "runs", 0),
		    rt_json_get_int(item, "base_fails", 0), rt_json_get_int(item, "base_runs", 0));
}

static double
at(const struct rt_json *list, size_t i)
{
	double value = 0;
	return rt_json_number(rt_json_at(list, i), &value) ? value : 0;
}

static void
add_case_decision(struct rt_buf *out, const struct rt_json *item)
{
	const struct rt_json *rate = rt_json_get(item, "rate"), *base = rt_json_get(item, "base_rate");
	add_runs(out, "failed", item);
	if (rate && base)
		rt_buf_addf(out, "  its rate: %.2g to %.2g here, %.2g to %.2g on the target (95 %% at each end)\n",
			    at(rate, 0), at(rate, 1), at(base, 0), at(base, 1));
	rt_buf_addf(out, "  score %.2f: broken from %.2f on, calm from %.2f on (a rate of %.2g is vouched for)\n",
		    real(item, "score"), real(item, "broken_at"), real(item, "calm_at"), real(item, "calm_rate"));
	if (rt_json_get(item, "same_at"))
		rt_buf_addf(
		    out,
		    "  chance %.2g that the same rate on both sides shows this (without the first failure): broken "
		    "only up to %.2g\n",
		    real(item, "same_chance"), real(item, "same_at"));
}

static void
add_values(struct rt_buf *out, const char *where, const struct rt_json *values)
{
	for (size_t i = 0; i < rt_json_count(values); i++) {
		double value;
		rt_buf_adds(out, i ? ", " : where);
		if (rt_json_number(rt_json_at(values, i), &value))
			rt_number_write(out, value);
		else
			rt_buf_adds(out, "nothing");
	}
}

/* What one run shows as well as many. */
static void
add_plain_decision(struct rt_buf *out, const struct rt_json *item)
{
	const struct rt_json *values = rt_json_get(item, "values");
	double bar;
	add_runs(out, values ? "not good enough" : "seen", item);
	if (!values)
		return;
	add_values(out, "  measured here: ", values);
	add_values(out, "; on the target: ", rt_json_get(item, "base_values"));
	if (rt_json_number(rt_json_get(item, "bar"), &bar)) {
		rt_buf_adds(out, "; the bar is ");
		rt_number_write(out, bar);
		rt_buf_addf(out, ", and the margin %.4g %%", 100 * real(item, "margin"));
	}
	rt_buf_adds(out, "\n");
}

static void
add_samples(struct rt_buf *out, const struct rt_json *samples)
{
	enum { SHOWN = 8 };
	size_t n = rt_json_count(samples);
	for (size_t i = 0; i < n && i < SHOWN; i++) {
		double there = 0, here = 0;
		if (rt_json_number(rt_json_at(rt_json_at(samples, i), 0), &there) &&
		    rt_json_number(rt_json_at(rt_json_at(samples, i), 1), &here))
			rt_buf_addf(out, "%s%.6g/%.6g", i ? ", " : "  measured (target/here): ", there, here);
	}
	if (n)
		rt_buf_addf(out, "%s\n", n > SHOWN ? ", ... (all in --json)" : "");
}

static void
add_number_decision(struct rt_buf *out, const struct rt_json *item)
{
	const struct rt_json *high = rt_json_get(item, "high");
	double margin = 1 + real(item, "margin");
	const char *anchor = rt_json_get_string(item, "anchor");
	rt_buf_addf(out, "  %" PRId64 " pairs: %.4g times that of %s (above 1 is worse), at least %.4g, at most ",
		    rt_json_get_int(item, "pairs", 0), real(item, "ratio"), anchor ? anchor : "the target",
		    real(item, "low"));
	if (rt_json_type(high) == RT_JSON_NULL)
		rt_buf_adds(out, "anything");
	else
		rt_buf_addf(out, "%.4g", real(item, "high"));
	rt_buf_addf(out,
		    "; the %s allows %.4g\n  regressed when all of that is above %.4g, the same when all is below\n",
		    anchor ? "budget" : "margin", margin, margin);
	add_samples(out, rt_json_get(item, "samples"));
}

static void
add_decisions(struct rt_buf *out, const struct rt_json *decisions)
{
	for (size_t i = 0; i < rt_json_count(decisions); i++) {
		const struct rt_json *item = rt_json_at(decisions, i);
		rt_buf_addf(out, "decided: %s: %s\n", or_dash(rt_json_get_string(item, "id")),
			    or_dash(rt_json_get_string(item, "answer")));
		if (rt_json_get(item, "pairs"))
			add_number_decision(out, item);
		else if (rt_json_get(item, "score"))
			add_case_decision(out, item);
		else
			add_plain_decision(out, item);
		if (rt_json_get_string(item, "would"))
			rt_buf_addf(out, "  what would change it: %s\n", rt_json_get_string(item, "would"));
	}
}

static void
add_evidence(struct rt_buf *out, const struct rt_json *evidence, bool with_logs)
{
	const struct rt_json *unproven = rt_json_get(evidence, "unproven"), *gains = rt_json_get(evidence, "gains"),
			     *waived = rt_json_get(evidence, "waived");
	rt_buf_addf(out, "base %s\ncandidate %s\n", or_dash(rt_json_get_string(evidence, "base")),
		    or_dash(rt_json_get_string(evidence, "candidate")));
	add_indented(out, rt_json_get_string(evidence, "why"));
	add_refusals(out, rt_json_get(evidence, "refusals"));
	add_regressions(out, rt_json_get(evidence, "regressions"));
	for (size_t i = 0; i < rt_json_count(unproven); i++)
		rt_buf_addf(out, "unproven: %s\n", or_dash(rt_json_string(rt_json_at(unproven, i))));
	for (size_t i = 0; i < rt_json_count(waived); i++)
		rt_buf_addf(out, "let fall by a waiver: %s\n", or_dash(rt_json_string(rt_json_at(waived, i))));
	for (size_t i = 0; i < rt_json_count(gains); i++)
		rt_buf_addf(out, "gained: %s (%s, was %s)\n", or_dash(rt_json_get_string(rt_json_at(gains, i), "id")),
			    or_dash(rt_json_get_string(rt_json_at(gains, i), "now")),
			    or_dash(rt_json_get_string(rt_json_at(gains, i), "was")));
	add_decisions(out, rt_json_get(evidence, "decisions"));
	add_cells(out, rt_json_get(evidence, "cells"), with_logs);
}

static int
run(struct rt_cli *cli, struct rt_err *err)
{
	rt_auto(home) struct rt_home home = RT_HOME_INIT;
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	rt_auto(json) struct rt_json *evidence = NULL;
	struct lookup lookup = {.prefix = cli->args[0], .subject = RT_BUF_INIT};
	if (rt_home_open(&home, cli->dir, err) < 0)
		return -1;
	int found = rt_ledger_walk(&home, NULL, match, &lookup, err);
	if (found == 0)
		rt_fail(err, RT_ECONFIG, "no entry of this clone's ledger has the id %s; `ratchet log` lists them",
			cli->args[0]);
	if (found > 0)
		found = rt_evidence_read(&home, lookup.id, &text, err);
	if (found > 0 && rt_json_parse(&evidence, text.data, text.len, "evidence", err) < 0)
		found = -1;
	if (found > 0 && cli->json) {
		rt_cli_print_json(rt_steal(&evidence));
	} else if (found >= 0 && lookup.id[0]) {
		rt_auto(buf) struct rt_buf shown = RT_BUF_INIT;
		rt_buf_addf(&shown, "%s\n", lookup.subject.data);
		if (found)
			add_evidence(&shown, evidence, rt_cli_flag(cli, "log"));
		else
			rt_buf_adds(&shown, "the evidence of this entry was dropped by age\n");
		rt_cli_write(stdout, shown.data);
	} else {
		found = -1;
	}
	rt_buf_release(&lookup.subject);
	return found < 0 ? -1 : 0;
}

const struct rt_command rt_command_explain = {
    .name = "explain",
    .arguments = "ID",
    .summary = "show why a proposal got its verdict",
    .about = "ID is the id that a verdict was printed with, or its beginning. Shows the regressed cases with the "
	     "relevant output and the command that reproduces "
	     "one, refusals with rule and place, what could not be proven, and every cell.",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
