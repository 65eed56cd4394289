#include "cycle/trials.h"

#include <string.h>

#include "cycle/carry.h"
#include "cycle/ledger.h"
#include "cycle/reuse.h"

/* How far back in the chain an accepted entry is looked for. */
enum { CHAIN_REACH = 1024 };

void
rt_trials_take(struct rt_trials *trials, struct rt_matrix *matrix, size_t i, struct rt_run *out)
{
	const char *side = matrix == &trials->base ? "base" : trials->side;
	struct rt_cell_state *state = &matrix->cells[i];
	*out = state->run;
	memset(&state->run.results, 0, sizeof(state->run.results));
	memcpy(state->run.results.counts, out->results.counts, sizeof(out->results.counts));
	state->run.tail = state->run.only = NULL;
	if (state->attempts)
		rt_strs_addf(&trials->gate->evidence, "%s %s %s%s%s", matrix->plan->cells.at[i].name, side,
			     state->report_digest, out->only ? " only " : "", out->only ? out->only : "");
}

/*
 * What HEAD is where a cell has a repository: the candidate, or the base; for any other tree that is tried, a commit of
 * that tree that differs from the candidate (without one, from a child of the base) in nothing else.
 */
static int
find_head(struct rt_gate *gate, const struct rt_oid *tree, struct rt_oid *head, struct rt_err *err)
{
	struct rt_repo *repo = rt_quarantine_repo(gate->quarantine);
	rt_auto(commit) struct rt_commit commit = {0};
	bool candidate = gate->candidate.hex[0];
	*head = gate->candidate;
	if (candidate && rt_oid_equal(tree, &gate->tree))
		return 0;
	*head = gate->base;
	if (gate->base.hex[0] && rt_oid_equal(tree, &gate->base_tree))
		return 0;
	if (!candidate && !gate->base.hex[0]) {
		commit.author = rt_strdup("user <user@localhost> 0 +0000");
		commit.committer = rt_strdup(commit.author);
		commit.message = rt_strdup("staged\n");
	} else if (rt_commit_read(repo, candidate ? &gate->candidate : &gate->base, &commit, err) < 0) {
		return -1;
	}
	if (!candidate && gate->base.hex[0]) {
		free(commit.parents);
		commit.parents = rt_alloc(1, sizeof(*commit.parents));
		commit.parents[0] = gate->base;
		commit.n_parents = 1;
	}
	free(rt_steal(&commit.signature));
	commit.tree = *tree;
	if (rt_commit_write(repo, &commit, err) < 0)
		return -1;
	*head = commit.id;
	return 0;
}

static bool
any_git(const struct rt_plan *plan)
{
	for (size_t i = 0; i < plan->cells.n; i++)
		if (plan->cells.at[i].check->git)
			return true;
	return false;
}

/* Tells a matrix, just made, of the commits that its cells' repositories show. */
static int
set_heads(struct rt_trials *trials, struct rt_matrix *matrix, struct rt_err *err)
{
	matrix->base_head = trials->gate->base;
	return any_git(trials->plan) ? find_head(trials->gate, &matrix->tree, &matrix->head, err) : 0;
}

int
rt_trials_init(struct rt_trials *trials, struct rt_gate *gate, const struct rt_plan *plan, const struct rt_oid *tree,
	       enum rt_isolation level, const char *side, struct rt_err *err)
{
	const struct rt_oid *near = gate->base_tree.hex[0] ? &gate->base_tree : NULL;
	*trials =
	    (struct rt_trials){.gate = gate, .plan = plan, .side = side, .n = plan->cells.n, .warm = RT_WARM_INIT};
	trials->anchors = (struct rt_anchors){.gate = gate, .plan = plan, .side = side, .level = level};
	trials->at = rt_alloc(plan->cells.n + 1, sizeof(*trials->at));
	trials->red = rt_alloc(plan->cells.n + 1, sizeof(*trials->red));
	trials->alone_fails = rt_alloc(plan->cells.n + 1, sizeof(*trials->alone_fails));
	for (size_t i = 0; i < trials->n; i++)
		trials->at[i].cell = &plan->cells.at[i];
	if (rt_matrix_init(&trials->candidate, gate->home, rt_quarantine_repo(gate->quarantine), &gate->trusted, plan,
			   tree, near, level, rt_quarantine_dir(gate->quarantine), side, gate->progress, err) < 0)
		return -1;
	return set_heads(trials, &trials->candidate, err);
}

void
rt_trials_release(struct rt_trials *trials)
{
	for (size_t i = 0; i < trials->n; i++)
		rt_trial_release(&trials->at[i]);
	free(trials->at);
	free(trials->red);
	free(trials->alone_fails);
	if (trials->candidate.plan)
		rt_matrix_release(&trials->candidate);
	if (trials->base.plan)
		rt_matrix_release(&trials->base);
	rt_reuse_release(&trials->built);
	rt_anchors_release(&trials->anchors);
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
		rt_trials_take(trials, &trials->candidate, i, &trials->at[i].first);
	return 0;
}

int
rt_trials_first_again(struct rt_trials *trials, const bool *want, struct rt_err *err)
{
	bool any = false;
	for (size_t i = 0; i < trials->n; i++)
		any = any || want[i];
	if (!any)
		return 0;
	if (rt_matrix_run(&trials->candidate, want, err) < 0)
		return -1;
	if (trials->candidate.reuse)
		rt_reuse_note(trials->candidate.reuse, &trials->candidate, want, &trials->gate->evidence);
	for (size_t i = 0; i < trials->n; i++) {
		if (!want[i])
			continue;
		rt_run_release(&trials->at[i].first);
		memset(&trials->at[i].first, 0, sizeof(trials->at[i].first));
		rt_trials_take(trials, &trials->candidate, i, &trials->at[i].first);
	}
	return 0;
}

int
rt_trials_base(struct rt_trials *trials, struct rt_err *err)
{
	struct rt_gate *gate = trials->gate;
	rt_auto(free) char *label = rt_format("%s-base", trials->side);
	if (trials->base.plan)
		return 0;
	if (rt_matrix_init(&trials->base, gate->home, rt_quarantine_repo(gate->quarantine), &gate->trusted,
			   trials->plan, &gate->base_tree, &gate->base_tree, trials->candidate.level,
			   rt_quarantine_dir(gate->quarantine), label, gate->progress, err) < 0)
		return -1;
	trials->base.carry = trials->candidate.carry;
	/* the target was built when it landed; its tests run, because a recorded pass says nothing of chance */
	if (trials->candidate.reuse && trials->candidate.reuse->find) {
		trials->built = (struct rt_reuse){.home = gate->home, .find = true, .needs_only = true};
		trials->base.reuse = &trials->built;
	}
	return set_heads(trials, &trials->base, err);
}

struct rt_run *
rt_trial_next(struct rt_trial *trial, bool on_base)
{
	struct rt_run **single = on_base ? &trial->base : &trial->second,
		      **many = on_base ? &trial->bases : &trial->more;
	size_t *n = on_base ? &trial->n_bases : &trial->n_more;
	if (!*single) {
		*single = rt_alloc(1, sizeof(struct rt_run));
		return *single;
	}
	*many = rt_realloc(*many, *n + 1, sizeof(struct rt_run));
	return &(*many)[(*n)++];
}

int
rt_trials_side(struct rt_trials *trials, const bool *want, bool on_base, struct rt_err *err)
{
	struct rt_matrix *matrix = on_base ? &trials->base : &trials->candidate;
	if (rt_matrix_run(matrix, want, err) < 0)
		return -1;
	if (on_base && matrix->reuse && !trials->built_noted)
		rt_reuse_note(matrix->reuse, matrix, NULL, &trials->gate->evidence);
	trials->built_noted = trials->built_noted || on_base;
	for (size_t i = 0; i < trials->n; i++) {
		struct rt_trial *trial = &trials->at[i];
		if (!want[i])
			continue;
		rt_trials_take(trials, matrix, i, rt_trial_next(trial, on_base));
	}
	return 0;
}

int
rt_trials_second(struct rt_trials *trials, struct rt_err *err)
{
	bool any = false;
	for (size_t i = 0; i < trials->n; i++) {
		trials->red[i] = trials->red[i] && !trials->at[i].second;
		any = any || trials->red[i];
	}
	if (!any)
		return 0;
	if (rt_trials_base(trials, err) < 0 || rt_trials_side(trials, trials->red, false, err) < 0)
		return -1;
	return rt_trials_side(trials, trials->red, true, err);
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
			rt_trials_take(trials, &trials->candidate, i, &trial->more[trial->n_more]);
			trial->n_more++;
		}
	}
}

struct recorded {
	const char *target;
	enum rt_isolation level;
	unsigned entries;
};

static int
note_level(void *data, const struct rt_oid *at, const struct rt_record *record, struct rt_err *err)
{
	struct recorded *recorded = data;
	enum rt_isolation level;
	enum rt_verdict verdict;
	(void)at;
	(void)err;
	if (++recorded->entries > CHAIN_REACH)
		return 1;
	if (!record->verdict || rt_verdict_parse(record->verdict, &verdict) < 0 || rt_verdict_exit(verdict) != 0 ||
	    !record->isolation || rt_isolation_parse(record->isolation, &level) < 0)
		return 0;
	if (recorded->target && record->target && strcmp(recorded->target, record->target) != 0)
		return 0;
	recorded->level = level;
	return 1;
}

static void
doubt(struct rt_run *run, enum rt_isolation level, enum rt_isolation recorded)
{
	if (!run)
		return;
	rt_results_problem(&run->results, "red at isolation %s, and recorded at %s: the isolation may be why",
			   rt_isolation_name(level), rt_isolation_name(recorded));
	if (run->end == RT_CELL_COMPLETE)
		run->end = RT_CELL_BROKEN;
}

int
rt_trials_doubt(struct rt_trials *trials, const struct rt_judge_input *input, struct rt_err *err)
{
	rt_auto(free) bool *red = rt_alloc(trials->n + 1, sizeof(*red));
	enum rt_isolation level = trials->candidate.level;
	struct recorded recorded = {trials->gate->report.target, level, 0};
	if (input->adoption)
		return 0;
	if (rt_ledger_walk(trials->gate->home, NULL, note_level, &recorded, err) < 0)
		return -1;
	if (level >= recorded.level)
		return 0;
	rt_judge_reds(input, red);
	for (size_t i = 0; i < trials->n; i++) {
		if (!red[i])
			continue;
		doubt(&trials->at[i].first, level, recorded.level);
		doubt(trials->at[i].second, level, recorded.level);
	}
	return 0;
}

int
rt_trials_look_again(struct rt_trials *trials, const struct rt_judge_input *input, struct rt_err *err)
{
	rt_judge_reds(input, trials->red);
	return rt_trials_second(trials, err) < 0 ? -1 : rt_trials_rounds(trials, input, err);
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
	}
	return rt_trials_first_again(trials, want, err);
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
	if (trials->candidate.carry) {
		if (rt_carry_settle(trials->candidate.carry, trials, &trials->control_ms, err) < 0)
			return -1;
		if (trials->gate->report.refusals.n)
			return 0;
		rt_judge_reds(input, trials->red);
	}
	for (size_t i = 0; i < trials->n; i++)
		any_red = any_red || trials->red[i];
	if (any_red && rt_trials_second(trials, err) < 0)
		return -1;
	if (!input->adoption && rt_trials_rounds(trials, input, err) < 0)
		return -1;
	return any_red ? 0 : probation(trials, input, err);
}

int64_t
rt_trials_busy(const struct rt_trials *trials)
{
	return trials->candidate.busy_ms + trials->base.busy_ms + rt_anchors_busy(&trials->anchors) +
	       trials->control_ms;
}

static const struct rt_results *
results_of(const struct rt_trial *trial, size_t run)
{
	return run ? &trial->more[run - 1].results : &trial->first.results;
}

enum { MOST_SKIPPED = 10 }; /* of those skipped always that are named */

/* Names a case that passed in some runs, failed in none, and was skipped or absent in the others. `at`: the run it is
 * met in; it is named in the first that knows it. */
static void
list_unsteady(const struct rt_trials *trials, const struct rt_trial *trial, size_t at, const char *id,
	      size_t *n_skipped)
{
	size_t passed = 0, skipped = 0, runs = trial->n_more + 1;
	for (size_t run = 0; run < runs; run++) {
		const struct rt_case *c = rt_results_find(results_of(trial, run), id);
		if (c && (run < at || c->status > RT_STATUS_SKIP))
			return;
		passed += c && c->status == RT_STATUS_PASS;
		skipped += c && c->status == RT_STATUS_SKIP;
	}
	if (skipped == runs && (*n_skipped)++ < MOST_SKIPPED)
		rt_strs_addf(&trials->gate->report.unproven, "%s is skipped, and is not recorded", id);
	if (passed && passed < runs)
		rt_strs_addf(&trials->gate->report.unproven, "%s passes in %zu of %zu runs, and is not recorded", id,
			     passed, runs);
}

void
rt_trials_unsteady(const struct rt_trials *trials)
{
	size_t n_skipped = 0;
	for (size_t i = 0; i < trials->n; i++)
		for (size_t run = 0; run <= trials->at[i].n_more; run++) {
			const struct rt_results *results = results_of(&trials->at[i], run);
			for (size_t k = 0; k < results->cases.n; k++)
				list_unsteady(trials, &trials->at[i], run, results->cases.at[k].id, &n_skipped);
		}
	if (n_skipped > MOST_SKIPPED)
		rt_strs_addf(&trials->gate->report.unproven, "and %zu more are skipped", n_skipped - MOST_SKIPPED);
}
