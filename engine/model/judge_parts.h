#ifndef RT_MODEL_JUDGE_PARTS_H
#define RT_MODEL_JUDGE_PARTS_H

/*
 * What the files of the judge share. sight.c says how one id looks in one run; judge.c holds the sights of all runs
 * together and decides; raise.c says what the baseline becomes, and what waivers and renames excuse; decision.c keeps
 * why; judge_support.c judges the support run.
 */

#include "model/judge.h"
#include "model/paired.h"

/* One run of a cell, prepared for looking ids up. */
struct rt_view {
	const struct rt_run *run;	    /* NULL: not made */
	bool whole;			    /* its evidence is whole */
	bool exit;			    /* it holds the case `<cell>/(exit)` */
	const struct rt_finding **findings; /* sorted by id, each once */
	size_t n_findings;
	bool counted, crowd;	      /* of the first run: rt_stand_crowd() was asked, and said so */
	bool counted_late, many_late; /* likewise rt_stand_many_late() */
};

/* One trial under judgement. */
struct rt_stand {
	const struct rt_judge_input *input;
	const struct rt_trial *trial;
	const struct rt_check *check;
	struct rt_buf exit_id; /* "<cell>/(exit)" */
	size_t from, to;       /* the cell's lines in the baseline */
	size_t prefix_len;     /* of "<cell>/" */
	bool recorded;	       /* the baseline holds `<cell>/(ran)`: a finding without a line is a regression */
	struct rt_view *views; /* of the candidate's runs, the first at 0 */
	size_t n;
	struct rt_view base;
	struct rt_view *anchors; /* of the trial's runs of the anchor */
	struct rt_view *bases;	 /* of the base's further runs */
	size_t n_bases;
};

/* What the runs of a case add up to. */
enum rt_flaky_answer {
	RT_FLAKY_OPEN,	    /* another run on both sides would tell */
	RT_FLAKY_UNDECIDED, /* no more runs are allowed */
	RT_FLAKY_BROKEN,    /* it fails on the candidate, and not on the base */
	RT_FLAKY_NEW,	    /* it fails at times on the candidate, oftener than chance, and not on the base */
	RT_FLAKY_TARGET,    /* it fails on the base too */
	RT_FLAKY_BOTH,	    /* at times it fails on the base as well: it was flaky before */
	RT_FLAKY_LATE,	    /* passed first, and fails at times in runs made because of others: it is not asked about */
	RT_FLAKY_CALM,	    /* no oftener than the baseline vouches for */
	RT_FLAKY_UNKNOWN    /* the base gave no evidence */
};

enum rt_item_kind { RT_ITEM_CASE, RT_ITEM_METRIC, RT_ITEM_FINDING, RT_ITEM_EXIT };

/* An id under judgement, with its line in the baseline. */
struct rt_item {
	enum rt_item_kind kind;
	const char *id;
	const struct rt_line *line;	/* NULL: the baseline does not hold it */
	const struct rt_case *in_first; /* of a case: as the first run saw it, or NULL */
	const struct rt_finding *found; /* of a finding: likewise */
};

enum rt_colour {
	RT_GREEN,
	RT_RED,
	RT_MUTE, /* whole evidence that says nothing: a new case that is skipped or absent */
	RT_VOID	 /* no evidence */
};

struct rt_sight {
	enum rt_colour colour;
	enum rt_status status; /* of a case */
	bool fell;	       /* a case that passed with too few assertions */
	bool flaky;	       /* only for a change: it fails at times */
	bool has_value;
	double value;	     /* a metric's, or a case's assertion count */
	const char *excerpt; /* or NULL */
};

/* sight.c */
void rt_stand_init(struct rt_stand *stand, const struct rt_judge_input *input, const struct rt_trial *trial);
void rt_stand_release(struct rt_stand *stand);
RT_DEFINE_AUTO(stand, struct rt_stand, rt_stand_release);
/* False for a run of another case alone. */
bool rt_view_tells(const struct rt_view *view, const struct rt_item *item);
/* How many runs of the candidate tell of the item. */
unsigned rt_stand_runs(const struct rt_stand *stand, const struct rt_item *item);
struct rt_sight rt_stand_see(const struct rt_stand *stand, const struct rt_view *view, const struct rt_item *item);
/*
 * Were too many known cases red twice for chance? A change breaks many at once, and chance does not pick the same ones
 * again: of more than ten that were red at least half are so in the second run, and next to none on the base. Then two
 * runs tell. Counted when asked.
 */
bool rt_stand_crowd(const struct rt_stand *stand);
/*
 * Did several cases that passed at first fail in runs that were made because of others? In a large matrix with flaky
 * cases every run has new ones, and whoever asks about each of them never comes to an end; what the first run showed
 * decides which are asked about.
 */
bool rt_stand_many_late(const struct rt_stand *stand);
/* The finding of an id in a run, or NULL. */
const struct rt_finding *rt_view_finding(const struct rt_view *view, const char *id);
/* True when a metric of value is worse than the bar by more than the margin. */
bool rt_metric_worse(enum rt_level level, double value, double bar, double margin);
/*
 * Calls visit for every id of the trial, which must have a whole first run: the lines of its cell, and what its runs
 * saw beyond them. Stops when visit returns false.
 */
void rt_stand_each(const struct rt_stand *stand, bool (*visit)(void *data, const struct rt_item *item), void *data);

/* Everything at work in one rt_judge(). */
struct rt_bench {
	const struct rt_judge_input *input;
	const struct rt_baseline *baseline;
	struct rt_judgement *out;     /* its raised begins as a copy of the baseline's lines, at the same positions */
	RT_VEC(struct rt_line) fresh; /* lines that the baseline does not hold */
	bool *renamed;		      /* for each rename of the input: accepted */
	bool inconclusive;
	size_t plain; /* decisions that took no count of runs */
};

/* moves.c */
/* The accepted move of a finding that the id is the old or the new name of, or NULL: its file moved, the old id is
 * known and in no run of the candidate, the new one is in each and not in the baseline. */
const struct rt_rename *rt_stand_moved(const struct rt_stand *stand, const char *id);

/* judge.c */
/* Adds a sentence about what could not be shown, and makes the verdict inconclusive. */
void rt_bench_doubt(struct rt_bench *bench, const char *fmt, ...) RT_PRINTF(2, 3);
void rt_bench_regress(struct rt_bench *bench, const struct rt_stand *stand, const struct rt_item *item,
		      const struct rt_sight *now);

/* judge_rounds.c */
/* A case that the baseline knows and that is red in some run; now: how it looked there. */
void rt_bench_known_case(struct rt_bench *bench, const struct rt_stand *stand, const struct rt_item *item,
			 const struct rt_sight *now);
/* A number that is compared in pairs. */
void rt_bench_paired(struct rt_bench *bench, const struct rt_stand *stand, const struct rt_item *item);

/* rounds.c */
/* Judges a case that the baseline knows and that is red in some run of the candidate. */
enum rt_flaky_answer rt_stand_decide(const struct rt_stand *stand, const struct rt_item *item,
				     struct rt_decision *decision);

/* rounds_pairs.c */
/* A number that is compared in pairs with the base's, because it is noisy or this machine may not move its bar. */
bool rt_stand_pairs(const struct rt_stand *stand, const struct rt_item *item);
/* The pairs so far; *more: another pair would tell. */
struct rt_paired rt_stand_compare(const struct rt_stand *stand, const struct rt_item *item, bool *more,
				  bool *confirmed);

/* decision.c: each adds a copy, with what would change it */
struct rt_decision *rt_decision_add(struct rt_decisions *decisions, const struct rt_decision *decision);
void rt_decision_add_case(struct rt_decisions *decisions, const struct rt_decision *decision,
			  enum rt_flaky_answer answer);
void rt_decision_add_pairs(struct rt_decisions *decisions, const struct rt_decision *decision,
			   enum rt_paired_answer answer);
/* Of what is red on the base as well. */
void rt_bench_red_there(struct rt_bench *bench, const struct rt_item *item, const struct rt_sight *now);
/* Of what is red, and neither a known case nor compared in pairs. */
void rt_bench_plain(struct rt_bench *bench, const struct rt_stand *stand, const struct rt_item *item,
		    const char *answer);

/* raise.c */
/* May what this machine measures move a bar? */
bool rt_stand_may_record(const struct rt_stand *stand);
/* The base's own runs differ: `flaky` in a new epoch, with the bound on the rate. */
void rt_bench_demote(struct rt_bench *bench, const struct rt_item *item, double bound);
/* A number that improved, confirmed: the bar moves by the conservative end of the ratio. */
void rt_bench_move_bar(struct rt_bench *bench, const struct rt_item *item, double ratio);
void rt_bench_init(struct rt_bench *bench, const struct rt_judge_input *input, struct rt_judgement *out);
/* What the baseline becomes by an id that is red in no run of the candidate. */
void rt_bench_raise(struct rt_bench *bench, const struct rt_stand *stand, const struct rt_item *item);
/* True when a red id is excused: the OLD of an accepted rename, or covered by a waiver, whose line is written (write:
 * false only asks). */
bool rt_bench_excuses(struct rt_bench *bench, const struct rt_stand *stand, const struct rt_item *item, bool write);
/* Writes the lines of accepted renames, merges the new ones and seals. */
void rt_bench_finish(struct rt_bench *bench);
void rt_bench_release(struct rt_bench *bench);
RT_DEFINE_AUTO(bench, struct rt_bench, rt_bench_release);

/* judge.c */
/* Came to no end of its own: ran into a deadline, or was killed. NULL: no. */
bool rt_run_hung(const struct rt_run *run);
/* What became of a run that gave no whole evidence, for a sentence that began with its subject. */
const char *rt_run_end_text(const struct rt_run *run);
/* Adds the problems of a run, or else the end of its output. */
void rt_run_trouble(const struct rt_run *run, struct rt_buf *out);

/* The input's baseline, or an empty one where it has none (an adoption). */
const struct rt_baseline *rt_judge_baseline(const struct rt_judge_input *input);

#endif
