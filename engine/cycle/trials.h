#ifndef RT_CYCLE_TRIALS_H
#define RT_CYCLE_TRIALS_H

/*
 * The runs behind one judgement: each cell of a plan on a tree, and where something is red once more on that tree and
 * on the base; more rounds of both where chance or noise is in play, and more of the candidate where new ids are on
 * probation. What is to be run says the judge (model/judge.h). Every run leaves
 * its digest in the gate's evidence, under the name of its side.
 */

#include "cycle/anchor.h"
#include "cycle/gate.h"
#include "cycle/reuse.h"
#include "cycle/warm.h"

struct rt_trials {
	struct rt_gate *gate;	    /* borrowed */
	const struct rt_plan *plan; /* borrowed */
	const char *side;	    /* names the scratch folders, and the runs in the evidence */
	struct rt_matrix candidate, base;
	struct rt_reuse built;	   /* of the base: what its cells need may be recorded already */
	bool built_noted;	   /* in the evidence */
	struct rt_anchors anchors; /* of metrics with a budget */
	struct rt_warm warm;	   /* of the candidate's first runs */
	struct rt_trial *at;	   /* as many as the plan has cells */
	bool *red;
	bool *alone_fails; /* runs of a single case gave no evidence: the whole check runs */
	size_t n;
	int64_t control_ms; /* wall time of runs on the target alone, for its controls */
};

/* tree: what is tried; the base is the gate's. */
int rt_trials_init(struct rt_trials *trials, struct rt_gate *gate, const struct rt_plan *plan,
		   const struct rt_oid *tree, enum rt_isolation level, const char *side,
		   struct rt_err *err) RT_MUST_USE;
/* All of it: the first runs, then the second look, further rounds, the probation. The input's trials are trials->at. */
int rt_trials_run(struct rt_trials *trials, const struct rt_judge_input *input, struct rt_err *err) RT_MUST_USE;
/*
 * Lets the first runs have warm workspaces, where the configuration says so and it is sound. What is red in one is run
 * again in a clean one before it is judged, and all that `confirm: clean` covers where a landing hangs on it.
 */
int rt_trials_warm_up(struct rt_trials *trials, struct rt_err *err) RT_MUST_USE;
/*
 * Invariant 7: what is red at a lower isolation than that of the newest accepted entry shows only that the isolation is
 * another one. Its runs are marked broken, with a problem that says so; nothing of it can be a regression.
 */
int rt_trials_doubt(struct rt_trials *trials, const struct rt_judge_input *input, struct rt_err *err) RT_MUST_USE;
/* A second look at what is red now and had none. */
int rt_trials_look_again(struct rt_trials *trials, const struct rt_judge_input *input, struct rt_err *err) RT_MUST_USE;
/* The steps: the wanted cells once; those marked in trials->red, once more on the tree and on the base. */
int rt_trials_first(struct rt_trials *trials, const bool *want, struct rt_err *err) RT_MUST_USE;
/* The marked cells once more, in the place of their first runs. */
int rt_trials_first_again(struct rt_trials *trials, const bool *want, struct rt_err *err) RT_MUST_USE;
int rt_trials_second(struct rt_trials *trials, struct rt_err *err) RT_MUST_USE;
/*
 * Further rounds of both sides while the judge says that they would tell (cycle/rounds.c), and while there is time for
 * them; what is open at the end is inconclusive, and the report says that the time ran out.
 */
int rt_trials_rounds(struct rt_trials *trials, const struct rt_judge_input *input, struct rt_err *err) RT_MUST_USE;
/*
 * The most that they may take, in milliseconds: five times what the first runs took, five minutes at least, and what
 * the pairs of every noisy number take when all its looks are needed, so that time is no bound below the number of
 * pairs.
 */
int64_t rt_trials_rounds_ms(const struct rt_trials *trials);
/* Their parts: makes the base's matrix, once; runs the wanted cells on one side, each a new run of its trial. */
int rt_trials_base(struct rt_trials *trials, struct rt_err *err) RT_MUST_USE;
int rt_trials_side(struct rt_trials *trials, const bool *want, bool on_base, struct rt_err *err) RT_MUST_USE;
/* The place of a trial's next run on one side; the first one is the second look's. */
struct rt_run *rt_trial_next(struct rt_trial *trial, bool on_base);
/* Moves a cell's newest run out of one of the two matrices; that keeps only whether it was green. */
void rt_trials_take(struct rt_trials *trials, struct rt_matrix *matrix, size_t i, struct rt_run *out);
/* Wall time in which cells ran, in milliseconds. */
int64_t rt_trials_busy(const struct rt_trials *trials);
/* In an adoption: names what is not recorded, beyond what failed: the cases that passed at times, and the skipped. */
void rt_trials_unsteady(const struct rt_trials *trials);
void rt_trials_release(struct rt_trials *trials);
RT_DEFINE_AUTO(trials, struct rt_trials, rt_trials_release);

#endif
