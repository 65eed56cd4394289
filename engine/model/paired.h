#ifndef RT_MODEL_PAIRED_H
#define RT_MODEL_PAIRED_H

/*
 * Comparing a noisy number on two trees, measured in pairs in one sitting: what both sides of a pair share (the
 * machine, its temperature, its neighbours) cancels in their ratio. The answer comes from an exact confidence interval
 * of the median of the logarithms of the ratios: Hodges' and Lehmann's estimate with the interval that belongs to
 * Wilcoxon's signed-rank test (J. Hodges, E. Lehmann, "Estimates of Location Based on Rank Tests", Annals of
 * Mathematical Statistics 34, 1963). It needs no law of the noise but that a pair's two sides are alike when nothing
 * changed; outliers count as one rank each.
 */

#include <stdbool.h>
#include <stddef.h>

#define RT_PAIRED_ERROR_RATE 0.01 /* of a whole gate: false regressions, and separately false improvements */
#define RT_PAIRED_LOOKS 4	  /* the pairs are looked at after n, 2n, 4n and 8n */

enum rt_paired_answer {
	RT_PAIRED_OPEN, /* the interval is too wide to tell */
	RT_PAIRED_SAME, /* not worse by more than the margin */
	RT_PAIRED_IMPROVED,
	RT_PAIRED_REGRESSED
};

/* All are ratios of candidate to base turned so that above 1 is worse. */
struct rt_paired {
	size_t n;
	double ratio;	  /* estimate */
	double low, high; /* one-sided bounds, each at the error rate asked for; 0 and infinity while n is too small */
	enum rt_paired_answer answer;
	double *base, *here; /* the pairs; set by rt_stand_compare(), whose caller frees */
	bool slid;	     /* this is the comparison with the anchor of the budget, not with the base */
};

/*
 * base[i] and candidate[i] are the two numbers of pair i, all above 0. margin: a share above 0, what a noisy number may
 * lose; error: the rate for each side of the interval. Numbers of 0 or less leave it OPEN.
 */
void rt_paired_judge(struct rt_paired *out, const double *base, const double *candidate, size_t n, bool higher_better,
		     double margin, double error);
/*
 * The error rate of one look (from 0) at one of `metrics` metrics, so that all looks at all keep to
 * RT_PAIRED_ERROR_RATE. Early looks get little of it: they are for what is plain to see, and what they don't spend
 * makes the last one's interval narrow.
 */
double rt_paired_error(size_t metrics, size_t look);
/* The fewest pairs that can bound anything at that error rate: with fewer every answer is OPEN. */
size_t rt_paired_least(double error);

#endif
