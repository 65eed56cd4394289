#include "model/sequential.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/mem.h"

void
rt_sequential_init(struct rt_sequential *test, double calm, double cases)
{
	double broken = calm > RT_RATE_BROKEN / 10 ? (9 + calm) / 10 : RT_RATE_BROKEN;
	double error = RT_ERROR_RATE / fmax(cases, 1);

	*test = (struct rt_sequential){.on_fail = log(broken / calm),
				       .on_pass = log((1 - broken) / (1 - calm)),
				       .upper = log((1 - RT_MISS_RATE) / error),
				       .lower = log(RT_MISS_RATE / (1 - error)),
				       .same = 1};
}

void
rt_sequential_guard(struct rt_sequential *test, double cases, double suspects)
{
	double unknown = cases * RT_SHARE_UNKNOWN;

	test->same = RT_ERROR_RATE / 2 / (unknown < 1 ? unknown : fmax(suspects, 1));
}

double
rt_sequential_same(const struct rt_sequential *test)
{
	unsigned fails = test->fails ? test->fails - 1 : 0, runs = test->runs ? test->runs - 1 : 0;

	return rt_same_chance(fails, runs, test->base_fails, test->base_runs);
}

enum rt_sequential_answer
rt_sequential_answer(const struct rt_sequential *test)
{
	/* a sum of logarithms that should be exactly at the bound is off by its last digits */
	if (test->ratio >= test->upper - 1e-9)
		return test->same >= 1 || rt_sequential_same(test) <= test->same ? RT_SEQUENTIAL_BROKEN
										 : RT_SEQUENTIAL_OPEN;
	return test->ratio <= test->lower + 1e-9 ? RT_SEQUENTIAL_CALM : RT_SEQUENTIAL_OPEN;
}

enum rt_sequential_answer
rt_sequential_add(struct rt_sequential *test, bool failed)
{
	test->runs++;
	test->fails += failed;
	test->ratio += failed ? test->on_fail : test->on_pass;
	return rt_sequential_answer(test);
}

/*
 * The walk takes few distinct places: it stands at i failures and j passes. Probability flows run by run from each
 * place that has no answer yet; the mean is the sum of what is still open before each run.
 */
double
rt_sequential_mean(const struct rt_sequential *fresh, double rate)
{
	enum { MOST_RUNS = 5000 };
	rt_auto(free) double *open = rt_alloc(MOST_RUNS + 1, sizeof(*open)); /* by failures so far */
	double mean = 0, left = 1;
	unsigned runs, fails;

	open[0] = 1;
	for (runs = 0; runs < MOST_RUNS && left > 1e-6; runs++) {
		mean += left;
		left = 0;
		for (fails = runs + 1; fails-- > 0;) {
			double here = open[fails];
			struct rt_sequential next = *fresh;

			open[fails] = 0;
			if (here <= 0)
				continue;
			next.runs = fresh->runs + runs + 1;
			next.base_runs = fresh->base_runs + runs + 1;
			next.fails = fresh->fails + fails + 1;
			next.ratio = fresh->ratio + (fails + 1) * fresh->on_fail + (runs - fails) * fresh->on_pass;
			if (rt_sequential_answer(&next) == RT_SEQUENTIAL_OPEN) {
				open[fails + 1] += here * rate;
				left += here * rate;
			}
			next.fails--;
			next.ratio = fresh->ratio + fails * fresh->on_fail + (runs - fails + 1) * fresh->on_pass;
			if (rt_sequential_answer(&next) == RT_SEQUENTIAL_OPEN) {
				open[fails] = here * (1 - rate);
				left += here * (1 - rate);
			}
		}
	}
	return mean;
}

/* The probability of at most `fails` failures in `runs`. */
static double
at_most(unsigned fails, unsigned runs, double rate)
{
	double sum = 0;
	unsigned k;

	for (k = 0; k <= fails; k++)
		sum += exp(lgamma(runs + 1.0) - lgamma(k + 1.0) - lgamma(runs - k + 1.0) + k * log(rate) +
			   (runs - k) * log1p(-rate));
	return sum;
}

static double
log_choose(unsigned n, unsigned k)
{
	return lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0);
}

double
rt_same_chance(unsigned fails, unsigned runs, unsigned base_fails, unsigned base_runs)
{
	unsigned all = fails + base_fails, k;
	double sum = 0;

	for (k = fails; k <= all && k <= runs; k++)
		if (all - k <= base_runs)
			sum += exp(log_choose(runs, k) + log_choose(base_runs, all - k) -
				   log_choose(runs + base_runs, all));
	return fmin(sum, 1);
}

double
rt_rate_chance(unsigned fails, unsigned runs, double rate)
{
	if (!fails || rate >= 1)
		return 1;
	return rate <= 0 ? 0 : 1 - at_most(fails - 1, runs, rate);
}

double
rt_rate_bound(unsigned fails, unsigned runs)
{
	double low = 0, high = 1;
	int step;

	if (fails >= runs)
		return 1;
	for (step = 0; step < 60; step++) {
		double middle = (low + high) / 2;

		if (at_most(fails, runs, middle) > 0.05)
			low = middle;
		else
			high = middle;
	}
	return high;
}
