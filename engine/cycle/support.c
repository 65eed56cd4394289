#include "cycle/support.h"

#include <string.h>

#include "cycle/reuse.h"
#include "model/glob.h"
#include "model/id.h"

enum { NAMED_FILES = 3, NAMED_CASES = 20 };

struct mix {
	struct rt_support *support;
	RT_VEC(struct rt_update) updates; /* paths are borrowed from `paths` */
};

static int
note_path(void *data, const struct rt_change_of *change, struct rt_err *err)
{
	struct mix *mix = data;
	(void)err;
	if (rt_globs_match(&mix->support->gate->trusted.config.watch, change->path))
		mix->support->watched = true;
	if (!rt_globs_match(&mix->support->gate->trusted.config.support, change->path))
		return 0;
	rt_strs_add(&mix->support->changed, change->path);
	*rt_push(&mix->updates) = (struct rt_update){.entry = change->old};
	return 0;
}

/* The candidate's tree with every changed support path as the target has it. */
static int
mix_trees(struct rt_support *support, struct rt_err *err)
{
	struct rt_gate *gate = support->gate;
	struct rt_repo *repo = rt_quarantine_repo(gate->quarantine);
	struct mix mix = {.support = support};
	int result = rt_tree_diff(repo, &gate->base_tree, &gate->tree, false, note_path, &mix, err);
	for (size_t i = 0; i < mix.updates.n; i++)
		mix.updates.at[i].path = support->changed.at[i];
	if (result == 0 && mix.updates.n)
		result = rt_tree_update(repo, &gate->tree, mix.updates.at, mix.updates.n, &support->tree, err);
	free(mix.updates.at);
	return result;
}

static void
read_claims(struct rt_support *support)
{
	struct rt_gate *gate = support->gate;
	for (size_t i = 0; i < gate->n_commits; i++) {
		struct rt_err why = RT_ERR_INIT;
		if (rt_renames_parse(&support->renames, &support->n_renames, gate->commits[i].message, &why) < 0)
			rt_refuse(&gate->report.refusals, "rename", NULL, 0, "commit %.12s: %s",
				  gate->commits[i].id.hex, why.text);
	}
}

static bool
is_claimed(const struct rt_rename *claims, size_t n, const struct rt_rename *rename)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(claims[i].from, rename->from) || !strcmp(claims[i].to, rename->to))
			return true;
	return false;
}

/* Ids that follow a file which moved; what the proposer claims of the same ids goes before. */
static int
find_moved(struct rt_support *support, struct rt_err *err)
{
	struct rt_gate *gate = support->gate;
	struct rt_moved *moved = &support->moved;
	rt_auto(strs) struct rt_strs from = {0}, to = {0};
	if (rt_tree_moves(rt_quarantine_repo(gate->quarantine), &gate->base_tree, &gate->tree, &from, &to, err) < 0)
		return -1;
	rt_auto(free) struct rt_move *moves = rt_alloc(from.n + 1, sizeof(*moves));
	for (size_t i = 0; i < from.n; i++)
		moves[i] = (struct rt_move){from.at[i], to.at[i]};
	rt_moves_derive(&gate->trusted.baseline, moves, from.n, moved);
	size_t claims = support->n_claims = support->n_renames, kept = 0;
	support->renames = rt_realloc(support->renames, claims + moved->n_cases + 1, sizeof(*support->renames));
	for (size_t i = 0; i < moved->n_cases; i++) {
		if (is_claimed(support->renames, claims, &moved->cases[i]))
			moved->cases[kept++] = moved->cases[i];
		else
			support->renames[support->n_renames++] = moved->cases[i];
	}
	moved->n_cases = kept;
	return 0;
}

int
rt_support_init(struct rt_support *support, struct rt_judge_input *input, struct rt_err *err)
{
	struct rt_gate *gate = support->gate;
	if (gate->adoption || !gate->base_tree.hex[0])
		return 0;
	/* a staged tree is judged by its fast checks alone, and the rest is owed */
	support->staged = gate->fast && gate->n_commits == 0;
	read_claims(support);
	if (find_moved(support, err) < 0)
		return -1;
	input->renames = support->renames;
	input->n_renames = support->n_renames;
	input->moved = support->moved.findings;
	input->n_moved = support->moved.n_findings;
	return support->staged ? 0 : mix_trees(support, err);
}

bool
rt_support_wanted(const struct rt_support *support)
{
	return support->tree.hex[0] || (support->n_renames && !support->staged);
}

/* Do the changed paths reach the cell, or something it needs? Only cases are compared here. */
static bool
is_reached(const struct rt_support *support, const struct rt_plan *plan, size_t cell)
{
	const struct rt_check *check = plan->cells.at[cell].check;
	bool reached = !check->has_inputs;
	for (size_t i = 0; !reached && i < support->changed.n; i++)
		reached = rt_globs_match(&check->inputs, support->changed.at[i]);
	for (size_t i = 0; !reached && i < plan->cells.at[cell].needs.n; i++)
		reached = is_reached(support, plan, plan->cells.at[cell].needs.at[i]);
	return reached;
}

/* Claims that the run does not bear out go; their OLD is absent, and that is what the judge then sees. */
static void
sift_claims(struct rt_support *support, const struct rt_judge_input *seen, struct rt_judge_input *input)
{
	size_t kept = 0;
	for (size_t i = 0; i < support->n_renames; i++) {
		struct rt_rename claim = support->renames[i];
		if (rt_judge_rename_passes(seen, &claim)) {
			support->renames[i] = support->renames[kept];
			support->renames[kept++] = claim;
		} else if (i < support->n_claims) {
			rt_strs_addf(
			    &support->judgement.noted, "%s is not taken as renamed: %s", claim.from,
			    support->tree.hex[0]
				? "it does not pass with the target's own support files"
				: "no file under `support:` changed, by which it could be shown that it passes "
				  "by its old name too");
		}
	}
	input->n_renames = kept;
}

/* The cells whose cases the changed paths reach. */
static void
find_reached(const struct rt_support *support, const struct rt_plan *plan, bool *want)
{
	for (size_t i = 0; i < plan->cells.n; i++)
		want[i] = plan->cells.at[i].check->kind == RT_KIND_CASES && is_reached(support, plan, i);
}

/* What a run on the target's own tree would show is what its baseline holds. */
static size_t
count_recorded(const struct rt_support *support, const struct rt_plan *plan, const bool *want)
{
	const struct rt_baseline *baseline = &support->gate->trusted.baseline;
	size_t held = 0;
	for (size_t i = 0; i < plan->cells.n; i++) {
		rt_auto(free) char *prefix = rt_format("%s/", plan->cells.at[i].name);
		size_t from, to;
		rt_baseline_range(baseline, prefix, &from, &to);
		for (size_t k = from; want[i] && k < to; k++)
			held += baseline->lines.at[k].level == RT_LEVEL_PASS &&
				strcmp(baseline->lines.at[k].id + strlen(prefix), "(ran)") != 0;
	}
	return held;
}

int
rt_support_run(struct rt_support *support, const struct rt_trials *trials, struct rt_judge_input *input,
	       struct rt_err *err)
{
	const struct rt_plan *plan = trials->plan;
	/* what the target's own files said of this code already */
	rt_auto(reuse) struct rt_reuse reuse = {.home = support->gate->home, .find = !support->gate->fresh};
	rt_auto(trials) struct rt_trials mixed = {0};
	rt_auto(free) bool *want = rt_alloc(plan->cells.n + 1, sizeof(*want));
	rt_auto(free) struct rt_trial *reached = rt_alloc(plan->cells.n + 1, sizeof(*reached));
	rt_auto(free) size_t *cell = rt_alloc(plan->cells.n + 1, sizeof(*cell));
	struct rt_judge_input seen = *input;
	seen.trials = reached;
	seen.n = seen.n_renames = 0;
	find_reached(support, plan, want);
	/* a claim is borne out by a run, whatever the tree */
	if (rt_oid_equal(&support->tree, &support->gate->base_tree) && !support->n_renames) {
		support->judgement.held = count_recorded(support, plan, want);
		support->same = true;
		return 0;
	}
	if (support->tree.hex[0]) {
		for (size_t i = 0; i < plan->cells.n; i++)
			if (want[i])
				cell[seen.n++] = i;
		if (rt_trials_init(&mixed, support->gate, plan, &support->tree, trials->candidate.level, "support",
				   err) < 0)
			return -1;
		mixed.candidate.reuse = &reuse;
		mixed.candidate.carry = trials->candidate.carry;
		if (rt_trials_first(&mixed, want, err) < 0)
			return -1;
		rt_auto(free) bool *red = rt_alloc(plan->cells.n + 1, sizeof(*red));
		for (size_t i = 0; i < seen.n; i++)
			reached[i] = mixed.at[cell[i]];
		rt_judge_support_reds(&seen, red);
		for (size_t i = 0; i < seen.n; i++)
			mixed.red[cell[i]] = red[i];
		if (rt_trials_second(&mixed, err) < 0)
			return -1;
		/* the trials stay those of `mixed`, which frees them */
		for (size_t i = 0; i < seen.n; i++)
			reached[i] = mixed.at[cell[i]];
		rt_judge_support(&seen, &support->judgement);
		support->busy_ms = rt_trials_busy(&mixed);
		support->ran = true;
	}
	sift_claims(support, &seen, input);
	return 0;
}

/* ---- what the report says ---- */

static void
name_files(const struct rt_support *support, struct rt_buf *out)
{
	for (size_t i = 0; i < support->changed.n && i < NAMED_FILES; i++) {
		rt_buf_adds(out, i ? ", " : "");
		rt_id_escape(out, support->changed.at[i], strlen(support->changed.at[i]));
	}
	if (support->changed.n > NAMED_FILES)
		rt_buf_addf(out, " and %zu more", support->changed.n - NAMED_FILES);
}

static void
refuse_failed(struct rt_support *support, const char *files)
{
	struct rt_gate *gate = support->gate;
	const struct rt_changes *failed = &support->judgement.failed;
	for (size_t i = 0; i < failed->n && i < NAMED_CASES; i++) {
		rt_auto(free) char *text = rt_gate_text(gate, failed->at[i].excerpt ? failed->at[i].excerpt : "");
		text[strcspn(text, "\n")] = '\0';
		rt_refuse(&gate->report.refusals, "support", NULL, 0,
			  "%s fails when the target's own support files run this code, and passes with those that the "
			  "proposal brings (%s)%s%s",
			  failed->at[i].id, files, text[0] ? ": " : "", text);
	}
	if (failed->n > NAMED_CASES)
		rt_refuse(&gate->report.refusals, "support", NULL, 0, "and %zu more cases", failed->n - NAMED_CASES);
}

static void
say(struct rt_support *support)
{
	struct rt_report *report = &support->gate->report;
	const struct rt_support_judgement *judgement = &support->judgement;
	for (size_t i = 0; i < support->changed.n; i++) {
		rt_auto(buf) struct rt_buf path = RT_BUF_INIT;
		rt_id_escape(&path, support->changed.at[i], strlen(support->changed.at[i]));
		rt_strs_add(&report->support, path.data);
	}
	if (support->same)
		report->support_said = rt_format(
		    "nothing else changed: with the target's own support files the code is the target's, which "
		    "passes %zu cases of the baseline, fails 0, and all of them run",
		    judgement->held);
	else if (support->ran)
		report->support_said =
		    rt_format("with the target's own support files the candidate's code passes %zu cases of the "
			      "baseline, fails %zu, and %s",
			      judgement->held, judgement->failed.n,
			      judgement->unbuilt.n ? "some do not build or run (see unproven)" : "all of them run");
}

void
rt_support_report(struct rt_support *support)
{
	struct rt_gate *gate = support->gate;
	const struct rt_support_judgement *judgement = &support->judgement;
	rt_auto(buf) struct rt_buf files = RT_BUF_INIT;
	bool strict = gate->trusted.config.support_strict;
	if (gate->secret) /* nothing else of it is shown */
		return;
	name_files(support, &files);
	say(support);
	refuse_failed(support, files.data);
	for (size_t i = 0; i < judgement->unbuilt.n; i++) {
		rt_auto(free) char *text = rt_gate_text(gate, judgement->unbuilt.at[i]);
		rt_strs_add(&gate->report.unproven, text);
		if (strict && i < NAMED_CASES)
			rt_refuse(&gate->report.refusals, "support", NULL, 0,
				  "%s (changed: %s), which `support_changes: strict` does not allow", text, files.data);
	}
	for (size_t i = 0; i < judgement->noted.n; i++)
		rt_strs_add(&gate->report.unproven, judgement->noted.at[i]);
	for (size_t i = 0; i < judgement->unsteady.n; i++)
		rt_strs_add(&gate->report.unproven, judgement->unsteady.at[i]);
	if (judgement->unsteady.n && gate->report.verdict == RT_VERDICT_WOULD_LAND)
		rt_gate_verdict(gate, RT_VERDICT_INCONCLUSIVE, NULL);
}

void
rt_support_release(struct rt_support *support)
{
	rt_strs_release(&support->changed);
	rt_renames_free(support->renames, support->n_renames);
	rt_moved_release(&support->moved);
	rt_support_judgement_release(&support->judgement);
}
