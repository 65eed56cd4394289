#include "cycle/trials.h"

#include <string.h>

#include "cycle/reuse.h"

/* Moves a cell's newest run into a trial's place; the matrix keeps only whether it was green. */
static void
take_run(struct rt_trials *trials, struct rt_matrix *matrix, size_t i, struct rt_run *out, const char *side)
{
	struct rt_cell_state *state = &matrix->cells[i];
	*out = state->run;
	memset(&state->run.results, 0, sizeof(state->run.results));
	memcpy(state->run.results.counts, out->results.counts, sizeof(out->results.counts));
	state->run.tail = NULL;
	if (state->attempts)
		rt_strs_addf(&trials->gate->evidence, "%s %s %s", matrix->plan->cells.at[i].name, side,
			     state->report_digest);
}

int
rt_trials_init(struct rt_trials *trials, struct rt_gate *gate, const struct rt_plan *plan, const struct rt_oid *tree,
	       enum rt_isolation level, const char *side, struct rt_err *err)
{
	const struct rt_oid *near = gate->base_tree.hex[0] ? &gate->base_tree : NULL;
	*trials =
	    (struct rt_trials){.gate = gate, .plan = plan, .side = side, .n = plan->cells.n, .warm = RT_WARM_INIT};
	trials->at = rt_alloc(plan->cells.n + 1, sizeof(*trials->at));
	trials->red = rt_alloc(plan->cells.n + 1, sizeof(*trials->red));
	for (size_t i = 0; i < trials->n; i++)
		trials->at[i].cell = &plan->cells.at[i];
	return rt_matrix_init(&trials->candidate, gate->home, rt_quarantine_repo(gate->quarantine), &gate->trusted,
			      plan, tree, near, level, rt_quarantine_dir(gate->quarantine), side, gate->progress, err);
}

void
rt_trials_release(struct rt_trials *trials)
{
	for (size_t i = 0; i < trials->n; i++)
		rt_trial_release(&trials->at[i]);
	free(trials->at);
	free(trials->red);
	if (trials->candidate.plan)
		rt_matrix_release(&trials->candidate);
	if (trials->base.plan)
		rt_matrix_release(&trials->base);
	if (trials->plan)
		rt_warm_release(&trials->warm);
	memset(trials, 0, sizeof(*trials));
}

int
rt_trials_first(struct rt_trials *trials, const bool *want, struct rt_err *err)
{
	if (rt_matrix_run(&trials->candidate, want, err) < 0)
		return -1;
	if (trials->candidate.reuse)
		rt_reuse_note(trials->candidate.reuse, &trials->candidate, NULL, &trials->gate->evidence);
	for (size_t i = 0; i < trials->n; i++)
		take_run(trials, &trials->candidate, i, &trials->at[i].first, trials->side);
	return 0;
}

int
rt_trials_second(struct rt_trials *trials, struct rt_err *err)
{
	struct rt_gate *gate = trials->gate;
	rt_auto(free) char *label = rt_format("%s-base", trials->side);
	bool any = false;
	for (size_t i = 0; i < trials->n; i++) {
		trials->red[i] = trials->red[i] && !trials->at[i].second;
		any = any || trials->red[i];
	}
	if (!any)
		return 0;
	if (!trials->base.plan &&
	    rt_matrix_init(&trials->base, gate->home, rt_quarantine_repo(gate->quarantine), &gate->trusted,
			   trials->plan, &gate->base_tree, &gate->base_tree, trials->candidate.level,
			   rt_quarantine_dir(gate->quarantine), label, gate->progress, err) < 0)
		return -1;
	if (rt_matrix_run(&trials->candidate, trials->red, err) < 0 ||
	    rt_matrix_run(&trials->base, trials->red, err) < 0)
		return -1;
	for (size_t i = 0; i < trials->n; i++) {
		if (!trials->red[i])
			continue;
		trials->at[i].second = rt_alloc(1, sizeof(struct rt_run));
		trials->at[i].base = rt_alloc(1, sizeof(struct rt_run));
		take_run(trials, &trials->candidate, i, trials->at[i].second, trials->side);
		take_run(trials, &trials->base, i, trials->at[i].base, "base");
	}
	return 0;
}

/* New ids enter after `probation` runs of the same gate: the cells that hold some run again. */
static int
probation(struct rt_trials *trials, const struct rt_judge_input *input, struct rt_err *err)
{
	rt_auto(free) size_t *more = rt_alloc(trials->n + 1, sizeof(*more));
	rt_auto(free) bool *want = rt_alloc(trials->n + 1, sizeof(*want));
	for (;;) {
		bool any = false;
		memset(more, 0, trials->n * sizeof(*more));
		rt_judge_probation(input, more);
		for (size_t i = 0; i < trials->n; i++) {
			want[i] = more[i] > 0;
			any = any || want[i];
		}
		if (!any)
			return 0;
		if (rt_matrix_run(&trials->candidate, want, err) < 0)
			return -1;
		for (size_t i = 0; i < trials->n; i++) {
			struct rt_trial *trial = &trials->at[i];
			if (!want[i])
				continue;
			trial->more = rt_realloc(trial->more, trial->n_more + 1, sizeof(*trial->more));
			take_run(trials, &trials->candidate, i, &trial->more[trial->n_more], trials->side);
			trial->n_more++;
		}
	}
}

int
rt_trials_look_again(struct rt_trials *trials, const struct rt_judge_input *input, struct rt_err *err)
{
	rt_judge_reds(input, trials->red);
	return rt_trials_second(trials, err);
}

int
rt_trials_warm_up(struct rt_trials *trials, struct rt_err *err)
{
	if (!trials->gate->base_tree.hex[0])
		return 0;
	if (rt_warm_prepare(&trials->warm, &trials->candidate, &trials->gate->base_tree, err) < 0)
		return -1;
	trials->candidate.warm = trials->warm.on ? &trials->warm : NULL;
	return 0;
}

/* Does anything that ran in a warm workspace look red, or want to be confirmed? */
static bool
needs_clean(const struct rt_trials *trials)
{
	bool any = false;
	for (size_t i = 0; i < trials->n; i++) {
		bool green = rt_cell_green(&trials->candidate.cells[i]) && !trials->red[i];
		bool confirm = trials->gate->lands && trials->at[i].cell->check->confirm_clean;
		any = any || (trials->candidate.cells[i].warm && (!green || confirm));
		/* blocked by one that failed in a warm workspace: that one is found by itself */
	}
	return any;
}

/* All that stood on a warm workspace is forgotten and runs in clean ones. */
static int
run_clean(struct rt_trials *trials, struct rt_err *err)
{
	rt_auto(free) bool *want = rt_alloc(trials->n + 1, sizeof(*want));
	trials->candidate.warm = NULL;
	for (size_t i = 0; i < trials->n; i++) {
		struct rt_cell_state *state = &trials->candidate.cells[i];
		want[i] = state->warm || state->run.end == RT_CELL_BLOCKED;
		if (!want[i])
			continue;
		rt_run_release(&state->run);
		memset(&state->run, 0, sizeof(state->run));
		state->run.end = RT_CELL_NOT_RUN;
		state->warm = false;
		free(rt_steal(&state->upper));
		rt_run_release(&trials->at[i].first);
		memset(&trials->at[i].first, 0, sizeof(trials->at[i].first));
	}
	if (rt_matrix_run(&trials->candidate, want, err) < 0)
		return -1;
	if (trials->candidate.reuse)
		rt_reuse_note(trials->candidate.reuse, &trials->candidate, want, &trials->gate->evidence);
	for (size_t i = 0; i < trials->n; i++)
		if (want[i])
			take_run(trials, &trials->candidate, i, &trials->at[i].first, trials->side);
	return 0;
}

int
rt_trials_run(struct rt_trials *trials, const struct rt_judge_input *input, struct rt_err *err)
{
	rt_auto(free) bool *all = rt_alloc(trials->n + 1, sizeof(*all));
	bool any_red = false;
	memset(all, true, trials->n);
	if (rt_trials_first(trials, all, err) < 0)
		return -1;
	if (!input->adoption)
		rt_judge_reds(input, trials->red);
	if (needs_clean(trials)) {
		if (run_clean(trials, err) < 0)
			return -1;
		rt_judge_reds(input, trials->red);
	}
	for (size_t i = 0; i < trials->n; i++)
		any_red = any_red || trials->red[i];
	return any_red ? rt_trials_second(trials, err) : probation(trials, input, err);
}

int64_t
rt_trials_busy(const struct rt_trials *trials)
{
	return trials->candidate.busy_ms + trials->base.busy_ms;
}
