#ifndef RT_MODEL_SEQUENTIAL_H
#define RT_MODEL_SEQUENTIAL_H

/*
 * Deciding about a case that failed with as few runs as its chance allows: Wald's sequential probability ratio test of
 * its failure rate (A. Wald, "Sequential Tests of Statistical Hypotheses", Annals of Mathematical Statistics 16, 1945),
 * and bounds on a rate from what was seen.
 *
 * Two hypotheses: the rate is at most `calm`, what the baseline vouches for, or at least `broken`. Every run that
 * failed speaks for the second, every run that passed for the first. The first failure, because of which the case is
 * looked at at all, counts as a run: whoever leaves it out, or runs until a pass, lets a case that fails three times of
 * ten through.
 */

#include <stdbool.h>

/* Failure rates: of a case that the baseline calls `pass`, and from which on a case counts as broken. */
#define RT_RATE_CALM 0.01
#define RT_RATE_BROKEN 0.5
/* Of the whole matrix: how often at most a change that broke nothing is refused for a case. */
#define RT_ERROR_RATE 0.01
/* Of one case: how often at most a broken one is taken for calm. */
#define RT_MISS_RATE 0.01
/* Runs of one case on the candidate, the first included; then it is inconclusive. Three failures among them can still
 * turn out to be no more than chance. */
#define RT_RUNS_MAX 30

/*
 * The first hypothesis knows only what the baseline vouches for. A case that always failed one time in three and was
 * lucky when it was recorded is neither: of such cases there may be this many in one. Whoever is to be blamed must fail
 * oftener than the base does in the same sitting too, by Fisher's exact test (R. Fisher, "The Logic of Inductive
 * Inference", Journal of the Royal Statistical Society 98, 1935), at half the error rate, because it is asked after
 * each run, divided among those that may be there: where less than one is to be expected by that number, else all that
 * failed in the first run. A small matrix asks for nothing by that.
 */
#define RT_SHARE_UNKNOWN 2.5e-5

enum rt_sequential_answer { RT_SEQUENTIAL_OPEN, RT_SEQUENTIAL_CALM, RT_SEQUENTIAL_BROKEN };

struct rt_sequential {
	double on_fail, on_pass; /* what a run adds to the log likelihood ratio */
	double upper, lower;	 /* the answer is there at or beyond these */
	double ratio;		 /* natural logarithm */
	unsigned runs, fails;
	double same; /* broken only where chance explains the difference to the base at most so often; 1: anyhow */
	unsigned base_runs, base_fails;
};

/*
 * calm: the rate that the baseline vouches for, in (0, 1); where that is more than a tenth of RT_RATE_BROKEN, broken is
 * nine tenths of the way from it to 1. cases: how many cases the matrix executed, among which one was picked because it
 * failed: the error rate of the whole is divided among them (Bonferroni), as each could have been the one. At least 1.
 */
void rt_sequential_init(struct rt_sequential *test, double calm, double cases);
/* Holds the answer to the base's runs too. suspects: how many cases failed in the first run. */
void rt_sequential_guard(struct rt_sequential *test, double cases, double suspects);
/* How often chance explains the difference to the base; the first failure is left out. */
double rt_sequential_same(const struct rt_sequential *test);
enum rt_sequential_answer rt_sequential_add(struct rt_sequential *test, bool failed);
enum rt_sequential_answer rt_sequential_answer(const struct rt_sequential *test);
/*
 * How many runs it takes on average until the answer is there when the true failure rate is `rate`, the base never
 * fails and no cap ends it; the exact mean of the walk between its two bounds, to about four digits, without the
 * overshoot that Wald's formula neglects. The runs in `fresh` are those before it.
 */
double rt_sequential_mean(const struct rt_sequential *fresh, double rate);

/*
 * The upper end of the exact one-sided confidence interval of a rate at 95 % (C. Clopper, E. Pearson, Biometrika 26,
 * 1934) after `fails` of `runs`. With no failure it is 1 - 0.05^(1/runs). 1 for no run.
 */
double rt_rate_bound(unsigned fails, unsigned runs);
/*
 * How often chance alone would put at least `fails` of all failures among these `runs`, if both sides failed alike. The
 * first failure, without which nobody would look, is no evidence of a difference: leave it out.
 */
double rt_same_chance(unsigned fails, unsigned runs, unsigned base_fails, unsigned base_runs);
/* The probability of at least `fails` failures in `runs` of a case that fails at that rate. */
double rt_rate_chance(unsigned fails, unsigned runs, double rate);

#endif
