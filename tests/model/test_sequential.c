#include <criterion/criterion.h>

#include <math.h>
#include <stdint.h>

#include "model/sequential.h"

/* xorshift64*: the same numbers on every machine */
static double
chance(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (double)((*state * 0x2545F4914F6CDD1Dull) >> 11) / 9007199254740992.0;
}

/* Runs a case of that rate, the first run failed, to its answer. */
static enum rt_sequential_answer
follow(struct rt_sequential *test, double rate, uint64_t *state)
{
	enum rt_sequential_answer answer = rt_sequential_add(test, true);

	while (answer == RT_SEQUENTIAL_OPEN)
		answer = rt_sequential_add(test, chance(state) < rate);
	return answer;
}

Test(sequential, a_case_that_always_fails_is_broken_after_two_runs_in_a_small_matrix)
{
	struct rt_sequential test;

	rt_sequential_init(&test, RT_RATE_CALM, 1);
	cr_assert_eq(rt_sequential_add(&test, true), RT_SEQUENTIAL_OPEN);
	cr_assert_eq(rt_sequential_add(&test, true), RT_SEQUENTIAL_BROKEN);
}

Test(sequential, among_a_hundred_thousand_cases_more_failures_are_asked_for)
{
	struct rt_sequential test;
	unsigned runs = 1;

	rt_sequential_init(&test, RT_RATE_CALM, 100000);
	while (rt_sequential_add(&test, true) == RT_SEQUENTIAL_OPEN)
		runs++;
	cr_assert_eq(runs, 5);
}

Test(sequential, one_failure_is_never_an_answer)
{
	struct rt_sequential test;

	for (double cases = 1; cases < 1e7; cases *= 10) {
		rt_sequential_init(&test, RT_RATE_CALM, cases);
		cr_assert_eq(rt_sequential_add(&test, true), RT_SEQUENTIAL_OPEN);
	}
}

Test(sequential, many_passes_after_one_failure_are_calm)
{
	struct rt_sequential test;
	unsigned passes = 0;

	rt_sequential_init(&test, RT_RATE_CALM, 1);
	enum rt_sequential_answer answer = rt_sequential_add(&test, true);
	for (; answer == RT_SEQUENTIAL_OPEN; passes++)
		answer = rt_sequential_add(&test, false);
	cr_assert_eq(answer, RT_SEQUENTIAL_CALM);
	cr_assert_geq(passes, 10);
	cr_assert_eq(test.runs, passes + 1);
	cr_assert_eq(test.fails, 1);
}

Test(sequential, a_flaky_case_needs_more_failures_the_higher_its_bound)
{
	unsigned before = 0;

	for (double bound = 0.01; bound < 0.9; bound += 0.1) {
		struct rt_sequential test;
		unsigned runs = 1;

		rt_sequential_init(&test, bound, 1000);
		while (rt_sequential_add(&test, true) == RT_SEQUENTIAL_OPEN)
			runs++;
		cr_assert_geq(runs, before);
		before = runs;
	}
	cr_assert_gt(before, 10);
}

/* Of cases that fail one time in a hundred, those that failed once are looked at. */
Test(sequential, calm_cases_are_called_broken_no_oftener_than_the_stated_rate)
{
	enum { MATRICES = 20000, CASES = 10 };
	uint64_t state = 42;
	unsigned refused = 0;

	for (int matrix = 0; matrix < MATRICES; matrix++) {
		bool wrong = false;

		for (int i = 0; i < CASES; i++) {
			struct rt_sequential test;

			rt_sequential_init(&test, RT_RATE_CALM, CASES);
			wrong |= chance(&state) < RT_RATE_CALM &&
				 follow(&test, RT_RATE_CALM, &state) == RT_SEQUENTIAL_BROKEN;
		}
		refused += wrong;
	}
	cr_assert_leq(refused, MATRICES * RT_ERROR_RATE);
}

Test(sequential, broken_cases_are_taken_for_calm_no_oftener_than_the_stated_rate)
{
	enum { TRIALS = 50000 };
	uint64_t state = 7;
	unsigned missed = 0;

	for (int i = 0; i < TRIALS; i++) {
		struct rt_sequential test;

		rt_sequential_init(&test, RT_RATE_CALM, 100);
		missed += follow(&test, RT_RATE_BROKEN, &state) == RT_SEQUENTIAL_CALM;
	}
	cr_assert_leq(missed, TRIALS * RT_MISS_RATE);
}

Test(sequential, the_exact_mean_of_runs_is_what_a_simulation_takes)
{
	static const double rates[] = {0.01, 0.2, 0.5, 1};

	for (size_t r = 0; r < sizeof(rates) / sizeof(rates[0]); r++) {
		enum { TRIALS = 20000 };
		uint64_t state = 11;
		double runs = 0;
		struct rt_sequential fresh;

		rt_sequential_init(&fresh, RT_RATE_CALM, 100);
		for (int i = 0; i < TRIALS; i++) {
			struct rt_sequential test = fresh;
			enum rt_sequential_answer answer = RT_SEQUENTIAL_OPEN;

			while (answer == RT_SEQUENTIAL_OPEN)
				answer = rt_sequential_add(&test, chance(&state) < rates[r]);
			runs += test.runs;
		}
		cr_assert_float_eq(runs / TRIALS / rt_sequential_mean(&fresh, rates[r]), 1, 0.02);
	}
}

Test(sequential, the_exact_mean_holds_where_the_base_is_asked_too)
{
	enum { TRIALS = 20000 };
	uint64_t state = 5;
	double runs = 0;
	struct rt_sequential fresh;

	rt_sequential_init(&fresh, RT_RATE_CALM, 100000);
	rt_sequential_guard(&fresh, 100000, 10);
	rt_sequential_add(&fresh, true);
	for (int i = 0; i < TRIALS; i++) {
		struct rt_sequential test = fresh;
		enum rt_sequential_answer answer = RT_SEQUENTIAL_OPEN;

		for (; answer == RT_SEQUENTIAL_OPEN; answer = rt_sequential_add(&test, chance(&state) < 0.5))
			test.base_runs++;
		runs += test.runs;
	}
	cr_assert_float_eq(runs / TRIALS / (1 + rt_sequential_mean(&fresh, 0.5)), 1, 0.02);
}

Test(sequential, a_difference_that_chance_explains_is_not_called_broken)
{
	struct rt_sequential test;

	rt_sequential_init(&test, RT_RATE_CALM, 100000);
	for (int i = 0; i < 5; i++)
		rt_sequential_add(&test, true);
	cr_assert_eq(rt_sequential_answer(&test), RT_SEQUENTIAL_BROKEN);
	rt_sequential_guard(&test, 100000, 1);
	cr_assert_eq(rt_sequential_answer(&test), RT_SEQUENTIAL_OPEN);
	test.base_runs = 5;
	rt_sequential_add(&test, true);
	cr_assert_eq(rt_sequential_answer(&test), RT_SEQUENTIAL_BROKEN);
	test.base_fails = 2;
	cr_assert_eq(rt_sequential_answer(&test), RT_SEQUENTIAL_OPEN);
	rt_sequential_guard(&test, 100, 1);
	cr_assert_eq(rt_sequential_answer(&test), RT_SEQUENTIAL_BROKEN);
}

Test(same_chance, is_fishers)
{
	cr_assert_float_eq(rt_same_chance(5, 5, 0, 5), 1.0 / 252, 1e-9);
	cr_assert_float_eq(rt_same_chance(3, 4, 1, 4), 17.0 / 70, 1e-9); /* the lady's tea */
	cr_assert_float_eq(rt_same_chance(0, 7, 3, 7), 1, 1e-9);
	cr_assert_float_eq(rt_same_chance(0, 0, 0, 0), 1, 1e-9);
}

Test(rate_bound, without_a_failure_it_is_the_rule_of_three)
{
	cr_assert_float_eq(rt_rate_bound(0, 1), 0.95, 1e-9);
	cr_assert_float_eq(rt_rate_bound(0, 3), 1 - pow(0.05, 1.0 / 3), 1e-9);
	cr_assert_float_eq(rt_rate_bound(0, 299), 0.01, 1e-4);
}

Test(rate_bound, is_one_where_nothing_passed)
{
	cr_assert_eq(rt_rate_bound(0, 0), 1);
	cr_assert_eq(rt_rate_bound(4, 4), 1);
}

Test(rate_bound, falls_with_runs_and_rises_with_failures)
{
	cr_assert_lt(rt_rate_bound(1, 20), rt_rate_bound(1, 10));
	cr_assert_gt(rt_rate_bound(2, 10), rt_rate_bound(1, 10));
	cr_assert_float_eq(rt_rate_bound(1, 10), 0.3942, 1e-4);
}
