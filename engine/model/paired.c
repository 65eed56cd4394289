#include "model/paired.h"

#include <math.h>
#include <stdlib.h>

#include "support/mem.h"

double
rt_paired_error(size_t metrics, size_t look)
{
	static const double shares[RT_PAIRED_LOOKS] = {0.1, 0.15, 0.25, 0.5};

	return RT_PAIRED_ERROR_RATE * shares[look] / (double)(metrics ? metrics : 1);
}

size_t
rt_paired_least(double error)
{
	return (size_t)ceil(-log2(error) - 1e-9);
}

/*
 * The largest k with P(T <= k) <= error, T being the signed-rank statistic of n pairs; -1 when even 0 is too likely.
 * The distribution is exact: of the 2^n ways to give signs to the ranks 1 to n, how many have the sum t.
 */
static long
critical_rank(size_t n, double error)
{
	size_t most = n * (n + 1) / 2, rank, t;
	rt_auto(free) double *share = rt_alloc(most + 1, sizeof(*share));
	double below = 0;
	long k;

	share[0] = 1;
	for (rank = 1; rank <= n; rank++)
		for (t = most + 1; t-- > 0;)
			share[t] = (share[t] + (t >= rank ? share[t - rank] : 0)) / 2;
	for (k = -1; (size_t)(k + 1) <= most; k++) {
		below += share[k + 1];
		if (below > error)
			break;
	}
	return k;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The means of all pairs of values, each with itself too, sorted: Walsh's averages. The caller frees. */
static double *
walsh_averages(const double *values, size_t n, size_t *count)
{
	double *averages = rt_alloc(n * (n + 1) / 2 + 1, sizeof(*averages));
	size_t i, j;

	*count = 0;
	for (i = 0; i < n; i++)
		for (j = i; j < n; j++)
			averages[(*count)++] = (values[i] + values[j]) / 2;
	qsort(averages, *count, sizeof(*averages), by_size);
	return averages;
}

static enum rt_paired_answer
answer_of(const struct rt_paired *paired, double margin)
{
	double edge = log1p(margin), low = log(paired->low), high = log(paired->high);

	if (low > edge)
		return RT_PAIRED_REGRESSED;
	if (high < -edge)
		return RT_PAIRED_IMPROVED;
	return high < edge ? RT_PAIRED_SAME : RT_PAIRED_OPEN;
}

void
rt_paired_judge(struct rt_paired *out, const double *base, const double *candidate, size_t n, bool higher_better,
		double margin, double error)
{
	rt_auto(free) double *differences = rt_alloc(n + 1, sizeof(*differences));
	rt_auto(free) double *averages = NULL;
	size_t i, count;

	*out = (struct rt_paired){.n = n, .ratio = 1, .low = 0, .high = INFINITY};
	for (i = 0; i < n; i++) {
		if (!(base[i] > 0 && candidate[i] > 0) || isinf(base[i]) || isinf(candidate[i]))
			return;
		differences[i] = log(candidate[i]) - log(base[i]);
		if (higher_better)
			differences[i] = -differences[i];
	}
	if (!n)
		return;
	averages = walsh_averages(differences, n, &count);
	out->ratio = exp(count % 2 ? averages[count / 2] : (averages[count / 2 - 1] + averages[count / 2]) / 2);
	long k = critical_rank(n, error);
	if (k < 0)
		return;
	out->low = exp(averages[k]);
	out->high = exp(averages[count - 1 - (size_t)k]);
	out->answer = answer_of(out, margin);
}
