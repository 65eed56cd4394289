#include <string.h>

#include "cycle/trials.h"
#include "model/paired.h"
#include "model/select.h"
#include "support/clock.h"

/* Single cases of the trials, at most so many of each. */
struct singles {
	const char *(*ids)[RT_ROUND_CASES]; /* by trial */
	size_t *n, most;
};

static void
singles_release(struct singles *singles)
{
	free(singles->ids);
	free(singles->n);
}

/* Takes out of want what can be told by running single cases. */
static void
find_singles(struct rt_trials *trials, const struct rt_judge_input *input, bool *want, struct singles *out)
{
	out->most = 0;
	for (size_t i = 0; i < trials->n; i++) {
		out->n[i] = 0;
		if (!want[i] || trials->alone_fails[i])
			continue;
		out->n[i] = rt_judge_round_cases(input, &trials->at[i], out->ids[i]);
		for (size_t k = 0; k < out->n[i]; k++) {
			rt_auto(select) struct rt_select select = {0};
			if (!rt_select_make(&select, trials->at[i].cell->check, out->ids[i][k]))
				out->n[i] = 0;
		}
		want[i] = out->n[i] == 0;
		out->most = out->n[i] > out->most ? out->n[i] : out->most;
	}
}

/*
 * Runs the k-th single case of each trial. What the cell's own runs left (whether it is green, its tree) stays as it
 * was, for the cells that need it. A run without whole evidence is dropped.
 */
static int
run_single(struct rt_trials *trials, const struct singles *singles, size_t k, bool on_base, struct rt_err *err)
{
	struct rt_matrix *matrix = on_base ? &trials->base : &trials->candidate;
	rt_auto(free) const char **only = rt_alloc(trials->n + 1, sizeof(*only));
	rt_auto(free) bool *want = rt_alloc(trials->n + 1, sizeof(*want));
	rt_auto(free) struct rt_cell_state *kept = rt_alloc(trials->n + 1, sizeof(*kept));
	struct rt_reuse *reuse = rt_steal(&matrix->reuse);
	for (size_t i = 0; i < trials->n; i++) {
		want[i] = k < singles->n[i] && !trials->alone_fails[i];
		if (!want[i])
			continue;
		only[i] = singles->ids[i][k];
		kept[i] = matrix->cells[i];
		matrix->cells[i] =
		    (struct rt_cell_state){.log = RT_BUF_INIT, .attempts = kept[i].attempts, .level = kept[i].level};
	}
	matrix->only = (const char *const *)only;
	int result = rt_matrix_run(matrix, want, err);
	matrix->only = NULL;
	matrix->reuse = reuse;
	for (size_t i = 0; i < trials->n; i++) {
		struct rt_trial *trial = &trials->at[i];
		struct rt_run run = {.end = RT_CELL_NOT_RUN};
		if (!want[i])
			continue;
		rt_trials_take(trials, matrix, i, &run);
		trials->alone_fails[i] = run.end != RT_CELL_COMPLETE;
		if (result == 0 && run.end == RT_CELL_COMPLETE)
			*rt_trial_next(trial, on_base) = run;
		else
			rt_run_release(&run);
		kept[i].attempts = matrix->cells[i].attempts;
		rt_run_release(&matrix->cells[i].run);
		rt_buf_release(&matrix->cells[i].log);
		free(matrix->cells[i].upper);
		matrix->cells[i] = kept[i];
	}
	return result;
}

static int
run_round(struct rt_trials *trials, const bool *want, const struct singles *singles, bool on_base, struct rt_err *err)
{
	int result = rt_trials_side(trials, want, on_base, err);
	for (size_t k = 0; k < singles->most && result == 0; k++)
		result = run_single(trials, singles, k, on_base, err);
	return result;
}

int64_t
rt_trials_rounds_ms(const struct rt_trials *trials)
{
	enum { LEAST_MS = 300000, TIMES = 5, LOOKED_AT = (1 << (RT_PAIRED_LOOKS - 1)) + 1 };
	int64_t most = trials->candidate.busy_ms * TIMES;
	most = most > LEAST_MS ? most : LEAST_MS;
	for (size_t i = 0; i < trials->n; i++) {
		const struct rt_check *check = trials->at[i].cell->check;
		if (check->kind == RT_KIND_METRIC && check->samples > 1)
			most += trials->candidate.cells[i].duration_ms * check->samples * LOOKED_AT *
				(check->anchor ? 3 : 2);
	}
	return most;
}

/*
 * Further rounds while the judge says that they would tell, the candidate first in every other one, so that what drifts
 * with time does not favour a side.
 */
int
rt_trials_rounds(struct rt_trials *trials, const struct rt_judge_input *input, struct rt_err *err)
{
	rt_auto(free) bool *want = rt_alloc(trials->n + 1, sizeof(*want));
	struct singles singles = {.ids = rt_alloc(trials->n + 1, sizeof(*singles.ids)),
				  .n = rt_alloc(trials->n + 1, sizeof(*singles.n))};
	int64_t start = rt_clock_ms(), most = rt_trials_rounds_ms(trials);
	int result = 0;
	for (bool base_first = true; result == 0 && rt_judge_rounds(input, want); base_first = !base_first) {
		if (rt_clock_ms() - start > most) {
			rt_strs_addf(&trials->gate->report.unproven,
				     "no more runs were made to tell chance from change: they took %.0f s, and no more "
				     "than %.0f s go into that here",
				     (double)(rt_clock_ms() - start) / 1000, (double)most / 1000);
			break;
		}
		find_singles(trials, input, want, &singles);
		result = rt_trials_base(trials, err);
		if (result == 0)
			result = run_round(trials, want, &singles, base_first, err);
		if (result == 0 && !base_first)
			result = rt_anchors_run(&trials->anchors, trials->at, want, err);
		if (result == 0)
			result = run_round(trials, want, &singles, !base_first, err);
		if (result == 0 && base_first)
			result = rt_anchors_run(&trials->anchors, trials->at, want, err);
	}
	singles_release(&singles);
	return result;
}
