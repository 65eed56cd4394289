#include "cycle/report.h"

#include <inttypes.h>
#include <string.h>

#include "model/id.h"
#include "model/sequential.h"

enum { JSON_SCHEMA = 1, SHOWN_CHANGES = 20, SHOWN_EXCERPT_LINES = 12, SHOWN_LINE = 400, SHOWN_PATHS = 5 };

static const char *
oid_or_null(const struct rt_oid *oid)
{
	return oid->hex[0] ? oid->hex : NULL;
}

static struct rt_json *
strings_json(const struct rt_strs *strs)
{
	struct rt_json *array = rt_json_new_array();
	for (size_t i = 0; i < strs->n; i++)
		rt_json_append(array, rt_json_new_string(strs->at[i]));
	return array;
}

/* The cell that an id belongs to, or NULL. */
static const struct rt_cell_report *
cell_of(const struct rt_report *report, const char *id)
{
	size_t len = rt_id_cell_len(id);
	for (size_t i = 0; i < report->cells.n; i++)
		if (strlen(report->cells.at[i].name) == len && strncmp(report->cells.at[i].name, id, len) == 0)
			return &report->cells.at[i];
	return NULL;
}

void
rt_report_reproduce(const struct rt_report *report, const char *id, struct rt_buf *out)
{
	const struct rt_cell_report *cell = cell_of(report, id);
	if (!cell || !cell->command || !report->candidate.hex[0])
		return;
	rt_buf_addf(out, "(t=$(mktemp -d) && git worktree add --detach \"$t\" %s && cd \"$t\" && %s)",
		    report->candidate.hex, cell->command);
}

static struct rt_json *
changes_json(const struct rt_report *report, const struct rt_changes *changes, bool with_command)
{
	struct rt_json *array = rt_json_new_array();
	for (size_t i = 0; i < changes->n; i++) {
		struct rt_json *item = rt_json_new_object();
		rt_json_set_string(item, "id", changes->at[i].id);
		rt_json_set_string(item, "was", changes->at[i].was);
		rt_json_set_string(item, "now", changes->at[i].now);
		if (with_command) {
			rt_auto(buf) struct rt_buf command = RT_BUF_INIT;
			rt_report_reproduce(report, changes->at[i].id, &command);
			rt_json_set_string(item, "excerpt", changes->at[i].excerpt);
			rt_json_set_string(item, "reproduce", command.len ? command.data : NULL);
		}
		rt_json_append(array, item);
	}
	return array;
}

static struct rt_json *
refusals_json(const struct rt_refusals *refusals)
{
	struct rt_json *array = rt_json_new_array();
	for (size_t i = 0; i < refusals->n; i++) {
		struct rt_json *item = rt_json_new_object();
		rt_json_set_string(item, "rule", refusals->at[i].rule);
		rt_json_set_string(item, "path", refusals->at[i].path);
		if (refusals->at[i].line)
			rt_json_set_int(item, "line", refusals->at[i].line);
		else
			rt_json_set_null(item, "line");
		rt_json_set_string(item, "reason", refusals->at[i].reason);
		rt_json_append(array, item);
	}
	return array;
}

static struct rt_json *
cells_json(const struct rt_report *report, bool whole)
{
	struct rt_json *array = rt_json_new_array();
	for (size_t i = 0; i < report->cells.n; i++) {
		const struct rt_cell_report *cell = &report->cells.at[i];
		struct rt_json *item = rt_json_new_object();
		rt_json_set_string(item, "name", cell->name);
		rt_json_set_string(item, "status", cell->status);
		rt_json_set_bool(item, "cached", cell->cached);
		rt_json_set_int(item, "attempts", cell->attempts);
		rt_json_set_int(item, "executed", (int64_t)cell->executed);
		rt_json_set_int(item, "duration_ms", cell->duration_ms);
		if (cell->problem)
			rt_json_set_string(item, "problem", cell->problem);
		if (whole && cell->command)
			rt_json_set_string(item, "command", cell->command);
		if (whole && cell->log)
			rt_json_set_string(item, "log", cell->log);
		rt_json_append(array, item);
	}
	return array;
}

static struct rt_json *
samples_json(const struct rt_decision *d)
{
	struct rt_json *array = rt_json_new_array();
	for (size_t i = 0; i < d->pairs && d->base && d->here; i++) {
		struct rt_json *pair = rt_json_new_array();
		rt_json_append(pair, rt_json_new_real(d->base[i]));
		rt_json_append(pair, rt_json_new_real(d->here[i]));
		rt_json_append(array, pair);
	}
	return array;
}

static void
set_runs(struct rt_json *item, const struct rt_decision *d)
{
	rt_json_set_int(item, "runs", d->runs);
	rt_json_set_int(item, "fails", d->fails);
	rt_json_set_int(item, "base_runs", d->base_runs);
	rt_json_set_int(item, "base_fails", d->base_fails);
}

/* The interval of a failure rate: each end at 95 %. */
static struct rt_json *
rates_json(unsigned fails, unsigned runs)
{
	struct rt_json *array = rt_json_new_array();
	rt_json_append(array, rt_json_new_real(runs ? 1 - rt_rate_bound(runs - fails, runs) : 0));
	rt_json_append(array, rt_json_new_real(rt_rate_bound(fails, runs)));
	return array;
}

static struct rt_json *
values_json(const double *values, unsigned n)
{
	struct rt_json *array = rt_json_new_array();
	for (unsigned i = 0; i < n; i++)
		rt_json_append(array, rt_json_new_real(values[i]));
	return array;
}

static void
set_plain(struct rt_json *item, const struct rt_decision *d)
{
	set_runs(item, d);
	if (!d->metric)
		return;
	rt_json_set(item, "values", values_json(d->here, d->runs));
	rt_json_set(item, "base_values", values_json(d->base, d->base_runs));
	if (d->has_bar)
		rt_json_set_real(item, "bar", d->bar);
	rt_json_set_real(item, "margin", d->margin);
}

/* Infinity, where an interval has no end yet, is null. */
static struct rt_json *
decisions_json(const struct rt_decisions *decisions)
{
	struct rt_json *array = rt_json_new_array();
	for (size_t i = 0; i < decisions->n; i++) {
		const struct rt_decision *d = &decisions->at[i];
		struct rt_json *item = rt_json_new_object();
		rt_json_set_string(item, "id", d->id);
		rt_json_set_string(item, "answer", d->answer);
		rt_json_set_string(item, "would", d->would);
		rt_json_append(array, item);
		if (d->plain) {
			set_plain(item, d);
			continue;
		}
		if (d->pairs || !d->runs) {
			rt_json_set_int(item, "pairs", (int64_t)d->pairs);
			rt_json_set_real(item, "ratio", d->ratio);
			rt_json_set_real(item, "low", d->low);
			rt_json_set_real(item, "high", d->high);
			rt_json_set_real(item, "margin", d->margin);
			if (d->anchor)
				rt_json_set_string(item, "anchor", d->anchor);
			rt_json_set(item, "samples", samples_json(d));
			continue;
		}
		set_runs(item, d);
		rt_json_set(item, "rate", rates_json(d->fails, d->runs));
		rt_json_set(item, "base_rate", rates_json(d->base_fails, d->base_runs));
		rt_json_set_real(item, "calm_rate", d->calm);
		rt_json_set_real(item, "score", d->score);
		rt_json_set_real(item, "broken_at", d->upper);
		rt_json_set_real(item, "calm_at", d->lower);
		if (d->same < 1) {
			rt_json_set_real(item, "same_chance", d->chance);
			rt_json_set_real(item, "same_at", d->same);
		}
		rt_json_set_real(item, "step_fail", d->step_fail);
		rt_json_set_real(item, "step_pass", d->step_pass);
	}
	return array;
}

struct rt_json *
rt_report_json(const struct rt_report *report, const struct rt_err *err, bool whole)
{
	struct rt_json *json = rt_json_new_object();
	rt_json_set_int(json, "schema", JSON_SCHEMA);
	rt_json_set_string(json, "id", report->id[0] ? report->id : NULL);
	rt_json_set_string(json, "verdict", report->has_verdict && !err ? rt_verdict_name(report->verdict) : NULL);
	rt_json_set_string(json, "target", report->target);
	rt_json_set_string(json, "base", oid_or_null(&report->base));
	rt_json_set_string(json, "candidate", oid_or_null(&report->candidate));
	rt_json_set_string(json, "landed", oid_or_null(&report->landed));
	rt_json_set_string(json, "ledger", oid_or_null(&report->ledger));
	rt_json_set_string(json, "isolation", report->isolation);
	if (report->why)
		rt_json_set_string(json, "why", report->why);
	rt_json_set(json, "regressions", changes_json(report, &report->regressions, true));
	rt_json_set(json, "gains", changes_json(report, &report->gains, false));
	rt_json_set(json, "refusals", refusals_json(&report->refusals));
	rt_json_set(json, "unproven", strings_json(&report->unproven));
	if (report->waived.n)
		rt_json_set(json, "waived", strings_json(&report->waived));
	if (report->demoted.n)
		rt_json_set(json, "demoted", strings_json(&report->demoted));
	if (report->decisions.n)
		rt_json_set(json, "decisions", decisions_json(&report->decisions));
	if (report->earlier[0])
		rt_json_set_string(json, "earlier", report->earlier);
	if (report->offences.n)
		rt_json_set(json, "offences", strings_json(&report->offences));
	if (report->support.n) {
		struct rt_json *support = rt_json_new_object();
		rt_json_set(support, "changed", strings_json(&report->support));
		rt_json_set_string(support, "said", report->support_said);
		rt_json_set(json, "support", support);
	}
	rt_json_set(json, "cells", cells_json(report, whole));
	rt_json_set_int(json, "duration_ms", report->duration_ms);
	rt_json_set_int(json, "overhead_ms", report->overhead_ms);
	if (err) {
		struct rt_json *error = rt_json_new_object();
		rt_json_set_string(error, "message", err->text);
		rt_json_set_string(error, "file", err->file[0] ? err->file : NULL);
		rt_json_set_int(error, "line", err->line);
		rt_json_set_int(error, "column", err->column);
		rt_json_set(json, "error", error);
	}
	return json;
}

int
rt_report_write(const struct rt_report *report, struct rt_repo *repo, struct rt_oid *blob,
		char digest[RT_SHA256_HEX + 1], struct rt_err *err)
{
	struct rt_json *json = rt_report_json(report, NULL, true);
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	rt_json_write(json, &text);
	rt_json_free(json);
	rt_sha256_of(text.data, text.len, digest);
	return rt_blob_write(repo, text.data, text.len, blob, err);
}

/* ---- for people ---- */

/* At most some lines of output, each made harmless and set off so that nothing in it can pass for ratchet's own words.
 */
static void
add_excerpt(struct rt_buf *out, const char *text)
{
	unsigned lines = 0;
	while (text && *text) {
		size_t len = strcspn(text, "\n");
		if (lines++ == SHOWN_EXCERPT_LINES) {
			rt_buf_adds(out, "      | ...\n");
			return;
		}
		rt_buf_adds(out, "      | ");
		rt_id_escape_text(out, text, len < SHOWN_LINE ? len : SHOWN_LINE);
		rt_buf_addc(out, '\n');
		text += len + (text[len] == '\n');
	}
}

static const char *
verdict_colour(enum rt_verdict verdict)
{
	switch (rt_verdict_exit(verdict)) {
	case 0:
		return "\033[32m";
	case 1:
	case 4:
		return "\033[31m";
	default:
		return "\033[33m";
	}
}

static void
add_headline(const struct rt_report *report, bool colour, struct rt_buf *out)
{
	const char *name = rt_verdict_name(report->verdict);
	rt_buf_addf(out, "%s%s%s %s", colour ? verdict_colour(report->verdict) : "", name, colour ? "\033[0m" : "",
		    report->id);
	if (report->landed.hex[0])
		rt_buf_addf(out, " as %.12s", report->landed.hex);
	if (report->target)
		rt_buf_addf(out, " on %s", report->target);
	rt_buf_addf(out, ": %zu passed", report->counts[RT_STATUS_PASS]);
	if (report->counts[RT_STATUS_FAIL] + report->counts[RT_STATUS_ERROR])
		rt_buf_addf(out, ", %zu failed", report->counts[RT_STATUS_FAIL] + report->counts[RT_STATUS_ERROR]);
	if (report->counts[RT_STATUS_SKIP])
		rt_buf_addf(out, ", %zu skipped", report->counts[RT_STATUS_SKIP]);
	if (report->gains.n)
		rt_buf_addf(out, ", %zu gained", report->gains.n);
	rt_buf_addf(out, " (%.1f s, isolation: %s)\n", (double)report->duration_ms / 1000,
		    report->isolation ? report->isolation : "nothing ran");
	if (report->why)
		add_excerpt(out, report->why);
}

static void
add_regressions(const struct rt_report *report, struct rt_buf *out)
{
	for (size_t i = 0; i < report->regressions.n && i < SHOWN_CHANGES; i++) {
		const struct rt_change *change = &report->regressions.at[i];
		rt_auto(buf) struct rt_buf command = RT_BUF_INIT;
		rt_buf_addf(out, "  regressed: %s\n    was %s, is now %s\n", change->id, change->was, change->now);
		add_excerpt(out, change->excerpt);
		rt_report_reproduce(report, change->id, &command);
		if (command.len && i == 0)
			rt_buf_addf(out, "    reproduce: %s\n", command.data);
	}
	if (report->regressions.n > SHOWN_CHANGES)
		rt_buf_addf(out, "  and %zu more; `ratchet explain %s` lists them\n",
			    report->regressions.n - SHOWN_CHANGES, report->id);
}

static void
add_support(const struct rt_report *report, struct rt_buf *out)
{
	if (report->support.n == 0)
		return;
	rt_buf_adds(out, "  support files changed: ");
	for (size_t i = 0; i < report->support.n && i < SHOWN_PATHS; i++)
		rt_buf_addf(out, "%s%s", i ? ", " : "", report->support.at[i]);
	if (report->support.n > SHOWN_PATHS)
		rt_buf_addf(out, " and %zu more", report->support.n - SHOWN_PATHS);
	rt_buf_addf(out, "%s%s\n", report->support_said ? "\n    " : "",
		    report->support_said ? report->support_said : "");
}

static void
add_cells(const struct rt_report *report, struct rt_buf *out)
{
	size_t cached = 0;
	for (size_t i = 0; i < report->cells.n; i++)
		cached += report->cells.at[i].cached;
	if (cached)
		rt_buf_addf(out, "  %zu of %zu cells not run: the same inputs were recorded green\n", cached,
			    report->cells.n);
	for (size_t i = 0; i < report->cells.n; i++) {
		const struct rt_cell_report *cell = &report->cells.at[i];
		if (strcmp(cell->status, "passed") == 0)
			continue;
		rt_buf_addf(out, "  cell %s: %s%s%s\n", cell->name, cell->status, cell->problem ? ": " : "",
			    cell->problem ? cell->problem : "");
		if (cell->log && report->regressions.n == 0) {
			/* the end of the output says most */
			const char *tail = cell->log + strlen(cell->log);
			for (unsigned lines = 0; tail > cell->log && lines <= SHOWN_EXCERPT_LINES - 1; tail--)
				lines += tail[-1] == '\n' && tail[0];
			add_excerpt(out, tail);
		}
	}
}

void
rt_report_text(const struct rt_report *report, bool colour, struct rt_buf *out)
{
	if (!report->has_verdict)
		return;
	add_headline(report, colour, out);
	for (size_t i = 0; i < report->refusals.n && i < SHOWN_CHANGES; i++) {
		const struct rt_refusal *refusal = &report->refusals.at[i];
		rt_buf_addf(out, "  refused by rule %s", refusal->rule);
		if (refusal->path)
			rt_buf_addf(out, ": %s", refusal->path);
		if (refusal->line)
			rt_buf_addf(out, ":%u", refusal->line);
		rt_buf_addf(out, ": %s\n", refusal->reason);
	}
	add_regressions(report, out);
	add_support(report, out);
	for (size_t i = 0; i < report->unproven.n && i < SHOWN_CHANGES; i++)
		rt_buf_addf(out, "  unproven: %s\n", report->unproven.at[i]);
	if (report->unproven.n > SHOWN_CHANGES)
		rt_buf_addf(out, "  and %zu more unproven\n", report->unproven.n - SHOWN_CHANGES);
	for (size_t i = 0; i < report->waived.n; i++)
		rt_buf_addf(out, "  let fall by a waiver: %s\n", report->waived.at[i]);
	for (size_t i = 0; i < report->demoted.n; i++)
		rt_buf_addf(out, "  from now on flaky: %s\n", report->demoted.at[i]);
	add_cells(report, out);
	for (size_t i = 0; i < report->offences.n; i++)
		rt_buf_addf(out, "%s%s",
			    i ? ", " : "  the same actor failed the same way before: ", report->offences.at[i]);
	if (report->offences.n)
		rt_buf_adds(out, "; read `ratchet explain` of them before the next try\n");
}

void
rt_report_release(struct rt_report *report)
{
	free(report->target);
	free(report->why);
	free(report->support_said);
	rt_strs_release(&report->support);
	rt_strs_release(&report->offences);
	rt_changes_release(&report->regressions);
	rt_changes_release(&report->gains);
	rt_refusals_release(&report->refusals);
	rt_strs_release(&report->unproven);
	rt_strs_release(&report->waived);
	rt_strs_release(&report->demoted);
	rt_decisions_release(&report->decisions);
	for (size_t i = 0; i < report->cells.n; i++) {
		free(report->cells.at[i].name);
		free(report->cells.at[i].log);
		free(report->cells.at[i].command);
		free(report->cells.at[i].problem);
	}
	free(report->cells.at);
	*report = (struct rt_report)RT_REPORT_INIT;
}
