#include <string.h>

#include "cycle/gate_parts.h"
#include "cycle/reproduce.h"
#include "model/id.h"

enum { LOG_KEPT = 64 << 10, EXCERPT_KEPT = 4 << 10 };

static bool
is_red(const struct rt_run *run)
{
	return run->results.counts[RT_STATUS_FAIL] + run->results.counts[RT_STATUS_ERROR] > 0;
}

static bool
has_regressed(const struct rt_judgement *judgement, const struct rt_cell *cell)
{
	size_t len = strlen(cell->name);
	for (size_t i = 0; i < judgement->regressions.n; i++) {
		const char *id = judgement->regressions.at[i].id;
		if (rt_id_cell_len(id) == len && strncmp(id, cell->name, len) == 0)
			return true;
	}
	return false;
}

/*
 * Which run says most of how the cell did: the first of several that gave no whole evidence, else the newest; but where
 * a case regressed that fails at times, one in which something failed.
 */
static const struct rt_run *
telling_run(const struct rt_trial *trial, const struct rt_judgement *judgement)
{
	const struct rt_run *run = trial->second ? trial->second : &trial->first, *red = NULL;
	for (size_t i = 0; i < trial->n_more && run->end == RT_CELL_COMPLETE; i++) {
		if (trial->more[i].end != RT_CELL_COMPLETE)
			run = &trial->more[i];
		else if (!trial->more[i].only && is_red(&trial->more[i]))
			red = &trial->more[i];
	}
	if (run->end != RT_CELL_COMPLETE || is_red(run) || !has_regressed(judgement, trial->cell))
		return run;
	return is_red(&trial->first) ? &trial->first : red ? red : run;
}

static const char *
cell_status(const struct rt_run *run)
{
	switch (run->end) {
	case RT_CELL_COMPLETE:
		return is_red(run) ? "failed" : "passed";
	case RT_CELL_TIMEOUT:
		return "timeout";
	case RT_CELL_BLOCKED:
		return "blocked";
	case RT_CELL_KILLED:
	case RT_CELL_BROKEN:
	case RT_CELL_NOT_RUN:
		break;
	}
	return "inconclusive";
}

/* Where the character that holds the byte at `at` begins: a text is cut there. */
static size_t
character_start(const char *text, size_t at)
{
	while (at && ((unsigned char)text[at] & 0xc0) == 0x80)
		at--;
	return at;
}

char *
rt_gate_text(const struct rt_gate *gate, const char *text)
{
	rt_auto(buf) struct rt_buf clear = RT_BUF_INIT, safe = RT_BUF_INIT;
	rt_buf_adds(&clear, text);
	rt_policy_redact(gate->trusted.policy, &clear);
	rt_id_escape_text(&safe, clear.data, clear.len);
	return rt_buf_steal(&safe);
}

void
rt_gate_report_cell(struct rt_gate *gate, const struct rt_trials *trials, const struct rt_judgement *judgement,
		    size_t i)
{
	const struct rt_plan *plan = trials->plan;
	const struct rt_trial *trial = &trials->at[i];
	const struct rt_cell_state *state = &trials->candidate.cells[i];
	const struct rt_run *run = telling_run(trial, judgement);
	struct rt_cell_report *cell = rt_push(&gate->report.cells);
	cell->name = rt_strdup(plan->cells.at[i].name);
	cell->status = cell_status(run);
	cell->attempts = state->attempts;
	cell->cached = state->cached;
	cell->executed = rt_results_executed(&run->results);
	cell->duration_ms = state->duration_ms;
	cell->command = rt_cell_command(plan, i);
	if (run->results.problems.n)
		cell->problem = rt_gate_text(gate, run->results.problems.at[0]);
	else if (run->end == RT_CELL_TIMEOUT)
		cell->problem = rt_strdup("ran into its deadline");
	if (strcmp(cell->status, "passed") != 0 && state->log.len) {
		size_t skip = state->log.len > LOG_KEPT ? state->log.len - LOG_KEPT : 0;
		cell->log = rt_gate_text(gate, state->log.data + character_start(state->log.data, skip));
	}
	for (int k = 0; k < 5; k++)
		gate->report.counts[k] += run->results.counts[k];
}

void
rt_gate_report_change(struct rt_gate *gate, const struct rt_change *change)
{
	rt_auto(free) char *excerpt = change->excerpt ? rt_gate_text(gate, change->excerpt) : NULL;
	if (excerpt && strlen(excerpt) > EXCERPT_KEPT)
		excerpt[character_start(excerpt, EXCERPT_KEPT)] = '\0';
	rt_change_add(&gate->report.regressions, change->id, change->was, change->now,
		      excerpt && excerpt[0] ? excerpt : NULL);
}
