#ifndef RT_MODEL_JUDGE_H
#define RT_MODEL_JUDGE_H

/*
 * The judge: pure comparison of what was observed with the baseline (design sections 3 and 4). Two passes:
 *
 *  1. rt_judge_reds() says which ids are red in the candidate's first run; the engine then runs the cells that hold one
 * once more, on the candidate and on the base;
 *  2. rt_judge() decides with all runs at hand, and says what the baseline becomes.
 *
 * Nothing here knows of git, files or processes.
 */

#include "model/baseline.h"
#include "model/config.h"
#include "model/plan.h"
#include "model/results.h"

#define RT_VERDICTS(X)                 \
	X(LANDED, "landed", 0)         \
	X(WOULD_LAND, "would-land", 0) \
	X(ADOPTED, "adopted", 0)       \
	X(REGRESSED, "regressed", 1)   \
	X(INCONCLUSIVE, "inconclusive", 3) X(REFUSED, "refused", 4) X(CONFLICT, "conflict", 5) X(NOOP, "noop", 5)
enum rt_verdict {
#define X(name, text, exit) RT_VERDICT_##name,
	RT_VERDICTS(X)
#undef X
};
const char *rt_verdict_name(enum rt_verdict verdict);
int rt_verdict_exit(enum rt_verdict verdict);
/* 0 or -1. */
int rt_verdict_parse(const char *name, enum rt_verdict *out) RT_MUST_USE;

/* How one run of one cell ended, after the report was read. */
enum rt_cell_end {
	RT_CELL_COMPLETE, /* the evidence is whole: outcomes are in the results */
	RT_CELL_TIMEOUT,  /* deadline or silence */
	RT_CELL_KILLED,	  /* died of a signal, or was killed for a limit */
	RT_CELL_BROKEN,	  /* no or contradictory evidence: see the results' problems */
	RT_CELL_BLOCKED,  /* something it needs was not green */
	RT_CELL_NOT_RUN
};

/* What became of the control that a run carried (model/control.h). */
enum rt_control_end {
	RT_CONTROL_NONE,
	RT_CONTROL_RIGHT,
	RT_CONTROL_WRONG, /* it did not come back as passed, and nothing else is wrong with the run */
	RT_CONTROL_LOST	  /* likewise in a run that is red or no evidence anyway */
};

struct rt_run {
	enum rt_cell_end end;
	enum rt_control_end control;
	int exit_code; /* 128 + signal for a signal */
	struct rt_results results;
	char *only; /* the id of the one case that was selected, all that the run tells of; owned. NULL: it tells of all
		     */
	char *tail; /* the end of its output, redacted, for excerpts; owned, may be NULL */
};

/*
 * Applies the rules of evidence to a run that ended by itself (design, "agree"): what the exit code means by the
 * runner's table, agreement of exit code and report (a non-zero exit without a failed case adds the case
 * `<cell>/(exit)`, error), zero executed cases, fewer than min_cases, ids that are reserved. A breach adds a problem,
 * and any problem makes the end RT_CELL_BROKEN. For report `exit` adds the one case; a metric or findings cell that ran
 * gets the case `<cell>/(ran)`. Of a run that selected one case that case must have been executed, and is all the
 * evidence asked for. Call it once for a run.
 */
void rt_run_weigh(struct rt_run *run, const struct rt_cell *cell);

/*
 * A cell with its runs: the candidate's first; where there was a second look the candidate's second and the base's;
 * where probation (rt_judge_probation) or a further round (rt_judge_rounds) asks for it more of the candidate's, and in
 * rounds of the base's.
 */
struct rt_trial {
	const struct rt_cell *cell;
	struct rt_run first;
	struct rt_run *second, *base; /* NULL: not run; owned */
	struct rt_run *more, *bases;  /* owned arrays, in the order they were run */
	size_t n_more, n_bases;
	/* Of a metric with a budget: runs of the anchor, one for each pair; or why there are none. Owned. */
	struct rt_run *anchors;
	size_t n_anchors;
	char *anchor_trouble;
};

/* What a waiver permits. It never covers `<cell>/(exit)`, nor a cell without whole evidence. */
enum rt_waiver_to {
	RT_WAIVER_GONE,	 /* a case or metric that may be red or absent, and is no longer compared */
	RT_WAIVER_FLAKY, /* a case that may fail; number: the bound on the rate (default 1) */
	RT_WAIVER_KNOWN, /* a finding that may stay */
	RT_WAIVER_NUMBER /* a metric's new bar, or a passing case's new assertion count */
};
struct rt_waiver {
	char *id; /* glob over ids: rt_glob_match_id */
	enum rt_waiver_to to;
	double number;
	char *reason;
	int64_t until; /* seconds UTC, the first that is no longer valid: the day that the file names counts */
};
struct rt_waivers {
	struct rt_waiver *at;
	size_t n, cap;
};

struct rt_rename {
	char *from, *to; /* escaped ids, owned */
	bool derived;	 /* from a file that moved: one of several guesses, and nobody's claim */
};

/* The texts live in the arena of their list. */
struct rt_change {
	const char *id;
	const char *was, *now; /* pass | flaky | fail | error | skip | absent | known, or a number */
	const char *excerpt;   /* relevant output, may be NULL */
};
struct rt_changes {
	struct rt_change *at;
	size_t n, cap;
	struct rt_arena arena;
};

/* Why something that was red, or a noisy number, was judged as it was: what `ratchet explain` shows. */
struct rt_decision {
	const char *id;
	const char *answer; /* one of a few words */
	const char *would;  /* what would change it: a sentence */
	/* a finding, a number without noise, or what the baseline does not hold: runs and fails count it, and of a
	 * number here and base hold what each run measured */
	bool plain, metric, has_bar;
	double bar;
	unsigned runs, fails;		  /* of a case, on the candidate */
	unsigned base_runs, base_fails;	  /* on the base */
	double step_fail, step_pass;	  /* what a run more would add to score */
	double *base, *here;		  /* of a number: its pairs, owned by the list that holds the decision */
	double calm, score, upper, lower; /* of a case: the rate vouched for, the test's logarithm and its bounds */
	double chance, same;		 /* of its difference to the base, and up to which it tells; 1: anything does */
	size_t pairs;			 /* of a number: how many, 0 for a case */
	double ratio, low, high, margin; /* above 1 is worse */
	const char *anchor;		 /* what the number was held against: NULL, the base; else that of its budget */
};
struct rt_decisions {
	struct rt_decision *at;
	size_t n, cap;
	struct rt_arena arena;
};

struct rt_judge_input {
	const struct rt_config *config;
	const struct rt_baseline *baseline; /* of the base, sealed, carried over */
	struct rt_trial *trials;
	size_t n;
	const struct rt_waivers *waivers; /* may be NULL */
	/* those of the candidate, where it may bring some, or NULL: they let nothing fall before they have landed */
	const struct rt_waivers *brought;
	int64_t now; /* for waivers */
	const struct rt_rename
	    *renames; /* claims; where they decide, the caller has asked rt_judge_rename_passes() of the support run */
	size_t n_renames;
	const struct rt_rename *moved; /* findings whose file moved, by name alone (model/moves.h) */
	size_t n_moved;
	bool adoption;	     /* nothing is compared; only complete evidence counts */
	const char *machine; /* where this runs, for record_on; NULL: nowhere that is named */
	/* design section 4, invariant 7: a red cell at a lower isolation level than its recorded pass is inconclusive;
	 * the caller marks such cells BROKEN */
};

struct rt_judgement {
	enum rt_verdict verdict; /* WOULD_LAND, ADOPTED, REGRESSED or INCONCLUSIVE */
	struct rt_changes regressions, gains;
	struct rt_strs unproven; /* sentences that begin with an id or a cell: what could not be shown, with why */
	struct rt_strs waived;	 /* ids that a waiver let fall */
	struct rt_strs demoted;	 /* ids that became `flaky`, because the base's own runs differ */
	struct rt_decisions decisions;
	/* Sealed: join(baseline, observations, waivers), what the landing commits. Shares ids with the input's
	 * baseline. */
	struct rt_baseline raised;
};
#define RT_JUDGEMENT_INIT \
	{                 \
		0         \
	}

/* Marks in red[i] (n booleans) the trials whose first run needs a second look: once more on the candidate, and on the
 * base. */
void rt_judge_reds(const struct rt_judge_input *input, bool *red);
/*
 * Sets more[i] (n numbers) to how many further runs of the candidate the trial's new ids need before they may enter the
 * baseline (probation above 1). Only worth asking where nothing is red.
 */
void rt_judge_probation(const struct rt_judge_input *input, size_t *more);
/*
 * Marks in want[i] the trials for which one more run on the candidate and one on the base would tell: a case that has
 * failed and is not decided yet (model/sequential.h), a noisy number whose interval is too wide (model/paired.h). False
 * when there is none: more runs tell no more.
 */
bool rt_judge_rounds(const struct rt_judge_input *input, bool *want);
#define RT_ROUND_CASES 4
/*
 * Of a trial that wants another round: the ids of the cases that are open, where runs of these alone may tell. 0: only
 * the whole check tells. A case that fails may owe that to what runs with it; so the first runs are always whole, and
 * runs of a case alone count only once one of them failed and one passed, on either side.
 */
size_t rt_judge_round_cases(const struct rt_judge_input *input, const struct rt_trial *trial,
			    const char *cases[RT_ROUND_CASES]);
/* Decides. No trial at all is inconclusive: nothing was shown. */
void rt_judge(const struct rt_judge_input *input, struct rt_judgement *out);

/*
 * The support run: the candidate's code with the target's own support files. Its trials are those of the cells that the
 * changed support files reach, the candidate's runs being runs of that mixed tree.
 */
struct rt_support_judgement {
	struct rt_changes failed; /* cases of the baseline that ran there and failed, twice, and pass on the base */
	struct rt_strs unbuilt;	  /* sentences: what no longer builds, collects or runs, so that it says nothing */
	struct rt_strs noted;	  /* sentences: what is no doing of this proposal's */
	struct rt_strs unsteady;  /* sentences: what failed once and passed once: nothing was shown */
	size_t held;		  /* cases of the baseline that passed there */
};
#define RT_SUPPORT_JUDGEMENT_INIT \
	{                         \
		0                 \
	}
/* Marks the trials whose first run needs a second look, on the same tree and on the base. */
void rt_judge_support_reds(const struct rt_judge_input *input, bool *red);
void rt_judge_support(const struct rt_judge_input *input, struct rt_support_judgement *out);
/* Does OLD of a claim pass in every run that was made of the support tree? */
bool rt_judge_rename_passes(const struct rt_judge_input *support, const struct rt_rename *rename);
void rt_support_judgement_release(struct rt_support_judgement *judgement);
RT_DEFINE_AUTO(support_judgement, struct rt_support_judgement, rt_support_judgement_release);
void rt_run_release(struct rt_run *run);
void rt_trial_release(struct rt_trial *trial);
/* Copies the texts; excerpt may be NULL. */
void rt_change_add(struct rt_changes *changes, const char *id, const char *was, const char *now, const char *excerpt);
void rt_changes_release(struct rt_changes *changes);
void rt_decisions_release(struct rt_decisions *decisions);
void rt_waivers_release(struct rt_waivers *waivers);
void rt_renames_free(struct rt_rename *renames, size_t n);
void rt_judgement_release(struct rt_judgement *judgement);
RT_DEFINE_AUTO(run, struct rt_run, rt_run_release);
RT_DEFINE_AUTO(waivers, struct rt_waivers, rt_waivers_release);
RT_DEFINE_AUTO(judgement, struct rt_judgement, rt_judgement_release);

/*
 * policies/waivers.yml: a list of {id, to, reason, until}; `to` is gone, flaky, `flaky 0.2`, known or a number, `until`
 * a UTC date like 2026-12-31. Adds to waivers.
 */
int rt_waivers_parse(struct rt_waivers *waivers, const char *bytes, size_t len, const char *name,
		     struct rt_err *err) RT_MUST_USE;
/*
 * `Ratchet-Rename: OLD -> NEW` trailers of a commit message, in its last paragraph. Adds to the array, which the caller
 * frees with rt_renames_free. 0, or -1 with the line that is malformed.
 */
int rt_renames_parse(struct rt_rename **out, size_t *n, const char *message, struct rt_err *err) RT_MUST_USE;

#endif
