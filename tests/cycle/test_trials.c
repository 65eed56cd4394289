#include <criterion/criterion.h>

#include "cycle/trials.h"

/* Trials whose cells ran once and took so long; nothing of them is owned. */
static struct rt_check checks[2] = {{.kind = RT_KIND_CASES}, {.kind = RT_KIND_METRIC, .samples = 10}};
static struct rt_cell cells[2] = {{.check = &checks[0]}, {.check = &checks[1]}};
static struct rt_trial trial[2] = {{.cell = &cells[0]}, {.cell = &cells[1]}};
static struct rt_cell_state states[2];

static int64_t
most(size_t n, int64_t busy_ms, int64_t metric_ms)
{
	struct rt_trials trials = {.at = trial, .n = n, .candidate = {.cells = states, .busy_ms = busy_ms}};

	states[1].duration_ms = metric_ms;
	return rt_trials_rounds_ms(&trials);
}

Test(trials, further_rounds_get_five_minutes_at_least_and_five_times_the_first_runs)
{
	cr_assert_eq(most(1, 1000, 0), 300000);
	cr_assert_eq(most(1, 100000, 0), 500000);
}

Test(trials, time_never_ends_a_comparison_before_its_pairs_are_made)
{
	/* 80 pairs, and 10 that confirm an improvement */
	cr_assert_geq(most(2, 20000, 20000), 2 * 90 * 20000);
}
