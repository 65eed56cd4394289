#include <criterion/criterion.h>

#include <math.h>
#include <stdint.h>

#include "model/paired.h"

static double
chance(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (double)((*state * 0x2545F4914F6CDD1Dull) >> 11) / 9007199254740992.0;
}

static double
normal(uint64_t *state)
{
	return sqrt(-2 * log(1 - chance(state))) * cos(6.283185307179586 * chance(state));
}

/* Pairs in one sitting: the sitting's level, each run's noise, now and then a spike, and the change. */
static void
measure(uint64_t *state, size_t n, double noise, double change, double *base, double *candidate)
{
	double level = 100 * exp(0.05 * normal(state));

	for (size_t i = 0; i < n; i++) {
		base[i] = level * exp(noise * normal(state)) * (chance(state) < 0.02 ? 1.5 : 1);
		candidate[i] = level * (1 + change) * exp(noise * normal(state)) * (chance(state) < 0.02 ? 1.5 : 1);
	}
}

/* The looks of a gate: n, 2n, 4n pairs. */
static enum rt_paired_answer
follow(uint64_t *state, size_t n, double noise, double change, double margin)
{
	double base[160], candidate[160];
	struct rt_paired paired = {.answer = RT_PAIRED_OPEN};

	measure(state, 4 * n, noise, change, base, candidate);
	for (int look = 0; look < RT_PAIRED_LOOKS && paired.answer == RT_PAIRED_OPEN; look++)
		rt_paired_judge(&paired, base, candidate, n << look, false, margin, rt_paired_error(1, (size_t)look));
	return paired.answer;
}

Test(paired, equal_numbers_are_the_same)
{
	double numbers[12] = {5, 6, 7, 5, 6, 7, 5, 6, 7, 5, 6, 7};
	struct rt_paired paired;

	rt_paired_judge(&paired, numbers, numbers, 12, false, 0.01, 0.01);
	cr_assert_eq(paired.answer, RT_PAIRED_SAME);
	cr_assert_eq(paired.ratio, 1);
	cr_assert_eq(paired.low, 1);
	cr_assert_eq(paired.high, 1);
}

Test(paired, too_few_pairs_answer_nothing_however_clear_they_look)
{
	double base[6] = {1, 1, 1, 1, 1, 1}, worse[6] = {9, 9, 9, 9, 9, 9};
	struct rt_paired paired;

	cr_assert_eq(rt_paired_least(0.01), 7);
	rt_paired_judge(&paired, base, worse, 6, false, 0.01, 0.01);
	cr_assert_eq(paired.answer, RT_PAIRED_OPEN);
	cr_assert(isinf(paired.high));
}

Test(paired, as_few_pairs_as_stated_are_enough_for_a_clear_change)
{
	double base[7] = {1, 1, 1, 1, 1, 1, 1}, worse[7] = {9, 9, 9, 9, 9, 9, 9};
	struct rt_paired paired;

	rt_paired_judge(&paired, base, worse, 7, false, 0.01, 0.01);
	cr_assert_eq(paired.answer, RT_PAIRED_REGRESSED);
	cr_assert_float_eq(paired.low, 9, 1e-9);
}

Test(paired, the_direction_turns_with_what_is_better)
{
	double base[10] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, twice[10] = {2, 2, 2, 2, 2, 2, 2, 2, 2, 2};
	struct rt_paired paired;

	rt_paired_judge(&paired, base, twice, 10, true, 0.01, 0.01);
	cr_assert_eq(paired.answer, RT_PAIRED_IMPROVED);
	rt_paired_judge(&paired, base, twice, 10, false, 0.01, 0.01);
	cr_assert_eq(paired.answer, RT_PAIRED_REGRESSED);
}

Test(paired, an_interval_across_the_margin_is_open)
{
	double base[8] = {1, 1, 1, 1, 1, 1, 1, 1}, mixed[8] = {1.2, 0.9, 1.1, 1.0, 1.3, 0.8, 1.1, 1.05};
	struct rt_paired paired;

	rt_paired_judge(&paired, base, mixed, 8, false, 0.01, 0.01);
	cr_assert_eq(paired.answer, RT_PAIRED_OPEN);
}

Test(paired, numbers_that_have_no_ratio_leave_it_open)
{
	double base[8] = {1, 1, 1, 0, 1, 1, 1, 1}, candidate[8] = {1, 1, 1, 1, 1, 1, 1, INFINITY};
	struct rt_paired paired;

	rt_paired_judge(&paired, base, candidate, 8, false, 0.01, 0.01);
	cr_assert_eq(paired.answer, RT_PAIRED_OPEN);
	rt_paired_judge(&paired, candidate, base, 0, false, 0.01, 0.01);
	cr_assert_eq(paired.answer, RT_PAIRED_OPEN);
}

/* A margin of nothing makes the null change lie on the edge, where errors are most frequent. */
Test(paired, no_change_is_called_a_regression_no_oftener_than_the_stated_rate)
{
	enum { TRIALS = 4000 };
	uint64_t state = 3;
	unsigned wrong = 0;

	for (int i = 0; i < TRIALS; i++)
		wrong += follow(&state, 10, 0.01, 0, 0) == RT_PAIRED_REGRESSED;
	cr_assert_leq(wrong, TRIALS * RT_PAIRED_ERROR_RATE);
}

Test(paired, two_percent_at_one_percent_of_noise_are_found)
{
	enum { TRIALS = 1000 };
	uint64_t state = 5;
	unsigned found = 0;

	for (int i = 0; i < TRIALS; i++)
		found += follow(&state, 10, 0.01, 0.02, 0.005) == RT_PAIRED_REGRESSED;
	cr_assert_geq(found, TRIALS * 0.95);
}

Test(paired, spikes_and_sittings_do_not_widen_it_much)
{
	uint64_t state = 9;
	double base[40], candidate[40];
	struct rt_paired paired;

	measure(&state, 40, 0.01, 0, base, candidate);
	rt_paired_judge(&paired, base, candidate, 40, false, 0.01, 0.01);
	cr_assert_lt(paired.high / paired.low, 1.03);
}
