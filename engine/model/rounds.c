#include <math.h>
#include <string.h>

#include "model/judge_parts.h"
#include "model/sequential.h"

/*
 * What needs more than one run to be judged. Runs are made in rounds, one on the candidate and one on the base, until
 * the tests of model/sequential.h and, in rounds_pairs.c, model/paired.h answer; both are pure functions of the runs
 * made so far, so that the judge, asked again after each round, remembers nothing.
 */

/* ---- cases ---- */

struct tally {
	unsigned red, calm;
	bool alone; /* runs of the case alone count too */
};

/*
 * Runs of the case alone, on the candidate, and whether on either side one failed and one passed. Where none fails, the
 * failures come from its neighbours; where none passes, it needs them: either way these runs are not of the same kind
 * as the whole ones.
 */
struct alone {
	unsigned runs;
	bool failed, passed;
};

static bool
alone_tells(const struct alone *alone)
{
	return alone->failed && alone->passed;
}

static void
count_alone(struct alone *alone, const struct rt_stand *stand, const struct rt_view *view, const struct rt_item *item)
{
	enum rt_colour colour;

	if (!view->run || !view->run->only || !rt_view_tells(view, item))
		return;
	colour = rt_stand_see(stand, view, item).colour;
	alone->failed |= colour == RT_RED;
	alone->passed |= colour == RT_GREEN;
}

static struct alone
runs_alone(const struct rt_stand *stand, const struct rt_item *item)
{
	struct alone alone = {0};
	size_t i;

	for (i = 0; i < stand->n; i++) {
		count_alone(&alone, stand, &stand->views[i], item);
		alone.runs += stand->views[i].run->only && rt_view_tells(&stand->views[i], item);
	}
	for (i = 0; i < stand->n_bases; i++)
		count_alone(&alone, stand, &stand->bases[i], item);
	return alone;
}

static void
count(struct tally *tally, const struct rt_stand *stand, const struct rt_view *view, const struct rt_item *item)
{
	struct rt_sight sight;

	if (!view->run || (view->run->only && !tally->alone))
		return;
	sight = rt_stand_see(stand, view, item);
	tally->red += sight.colour == RT_RED;
	tally->calm += sight.colour == RT_GREEN || sight.colour == RT_MUTE;
}

/* The failure rate that is no reason for alarm: what the baseline says of a flaky case, or what the base just showed.
 */
static double
calm_rate(const struct rt_item *item, const struct tally *base)
{
	double rate = RT_RATE_CALM;

	if (item->line->level == RT_LEVEL_FLAKY && item->line->has_value)
		rate = fmax(rate, item->line->value);
	if (base->red)
		rate = fmax(rate, rt_rate_bound(base->red, base->red + base->calm));
	return fmin(rate, 0.99);
}

/*
 * Of a case that the baseline calls flaky: does it fail no oftener than its bound says? A pass is not enough, or one
 * that came to fail nine times of ten would be called the flake it was. Among so many runs at that rate at least as
 * many would fail at least every other time.
 */
static bool
keeps_to_bound(const struct rt_item *item, const struct tally *here)
{
	return item->line->has_value && here->calm &&
	       rt_rate_chance(here->red, here->red + here->calm, item->line->value) >= 0.5;
}

/* Both sides differ in themselves; does it fail here more than what the base shows can be? */
static bool
much_oftener(const struct tally *here, const struct tally *base)
{
	double rate = rt_rate_bound(base->red, base->red + base->calm);

	return rt_rate_chance(here->red, here->red + here->calm, rate) < RT_ERROR_RATE;
}

/*
 * It failed in each run of the base. A flaky case does so by chance: only so many in a row that its bound does not
 * explain, or that a lower rate than most hardly would, say that the target itself is broken.
 */
static bool
base_is_broken(const struct rt_item *item, const struct tally *base)
{
	enum { ENOUGH = 8 };

	if (!base->red || base->calm)
		return false;
	return item->line->level != RT_LEVEL_FLAKY || base->red >= ENOUGH ||
	       rt_rate_chance(base->red, base->red, item->line->value) < RT_ERROR_RATE;
}

static enum rt_flaky_answer
answer(const struct rt_stand *stand, const struct rt_item *item, const struct tally *here, const struct tally *base,
       const struct rt_sequential *test)
{
	enum rt_sequential_answer tested = rt_sequential_answer(test);
	bool flaky = item->line->level == RT_LEVEL_FLAKY;
	bool late = rt_stand_see(stand, &stand->views[0], item).colour != RT_RED;

	if (here->red < 2 && !here->calm)
		return RT_FLAKY_OPEN;
	if (!base->red && !base->calm)
		return RT_FLAKY_UNKNOWN;
	if (flaky && keeps_to_bound(item, here))
		return RT_FLAKY_CALM;
	if (!flaky && base->red && here->calm && !much_oftener(here, base))
		return RT_FLAKY_BOTH;
	if (base_is_broken(item, base))
		return RT_FLAKY_TARGET;
	if (!here->calm && !base->red && rt_stand_crowd(stand))
		return RT_FLAKY_BROKEN;
	if (tested == RT_SEQUENTIAL_BROKEN)
		return here->calm ? RT_FLAKY_NEW : RT_FLAKY_BROKEN;
	if (tested == RT_SEQUENTIAL_CALM)
		return RT_FLAKY_CALM;
	if (late && rt_stand_many_late(stand))
		return RT_FLAKY_LATE;
	return here->red + here->calm < RT_RUNS_MAX ? RT_FLAKY_OPEN : RT_FLAKY_UNDECIDED;
}

/* How many cases the whole matrix executed. */
static double
matrix_cases(const struct rt_judge_input *input)
{
	double cases = 0;
	size_t i;

	for (i = 0; i < input->n; i++)
		cases += (double)rt_results_executed(&input->trials[i].first.results);
	return cases;
}

/* How many of them failed. */
static double
matrix_fails(const struct rt_judge_input *input)
{
	double fails = 0;
	size_t i;

	for (i = 0; i < input->n; i++)
		fails += input->trials[i].first.results.counts[RT_STATUS_FAIL] +
			 input->trials[i].first.results.counts[RT_STATUS_ERROR];
	return fails;
}

enum rt_flaky_answer
rt_stand_decide(const struct rt_stand *stand, const struct rt_item *item, struct rt_decision *decision)
{
	struct alone alone = runs_alone(stand, item);
	struct tally here = {.alone = alone_tells(&alone)}, base = here;
	struct rt_sequential test;
	size_t i;

	for (i = 0; i < stand->n; i++)
		count(&here, stand, &stand->views[i], item);
	count(&base, stand, &stand->base, item);
	for (i = 0; i < stand->n_bases; i++)
		count(&base, stand, &stand->bases[i], item);
	rt_sequential_init(&test, calm_rate(item, &base), matrix_cases(stand->input));
	rt_sequential_guard(&test, matrix_cases(stand->input), matrix_fails(stand->input));
	test.runs = here.red + here.calm;
	test.fails = here.red;
	test.base_runs = base.red + base.calm;
	test.base_fails = base.red;
	test.ratio = here.red * test.on_fail + here.calm * test.on_pass;
	*decision = (struct rt_decision){.id = item->id,
					 .runs = test.runs,
					 .fails = here.red,
					 .base_runs = base.red + base.calm,
					 .base_fails = base.red,
					 .calm = calm_rate(item, &base),
					 .score = test.ratio,
					 .step_fail = test.on_fail,
					 .step_pass = test.on_pass,
					 .upper = test.upper,
					 .lower = test.lower,
					 .chance = rt_sequential_same(&test),
					 .same = test.same};
	return answer(stand, item, &here, &base, &test);
}

/* ---- rounds ---- */

struct wish {
	struct rt_bench *bench;
	const struct rt_stand *stand;
	bool more;
	bool whole;	    /* only the whole check tells */
	const char **cases; /* RT_ROUND_CASES: where the open cases go; NULL: it is enough that there is one */
	size_t n;
};

static bool
is_red_somewhere(const struct rt_stand *stand, const struct rt_item *item)
{
	size_t i;

	for (i = 0; i < stand->n; i++)
		if (rt_stand_see(stand, &stand->views[i], item).colour == RT_RED)
			return true;
	return false;
}

/*
 * Notes an open case. While every whole run of it failed, whole runs tell soonest, and what it owes to its neighbours
 * must not pass for calm; when it passes alone time and again, its failures come from them, and when it always fails
 * alone, it needs them.
 */
static void
note_open(struct wish *wish, const struct rt_item *item, const struct rt_decision *decision)
{
	enum { TRIES = 3 };
	struct alone alone = runs_alone(wish->stand, item);

	wish->more = true;
	if (decision->fails == decision->runs || wish->n == RT_ROUND_CASES ||
	    (!alone_tells(&alone) && alone.runs >= TRIES))
		wish->whole = true;
	else if (wish->cases)
		wish->cases[wish->n++] = item->id;
}

static bool
ask_item(void *data, const struct rt_item *item)
{
	struct wish *wish = data;
	struct rt_decision decision;
	bool confirmed, more = false;

	if (rt_stand_pairs(wish->stand, item)) {
		struct rt_paired paired = rt_stand_compare(wish->stand, item, &more, &confirmed);

		free(paired.base);
		free(paired.here);
		wish->more |= more;
		wish->whole |= more;
	} else if (item->kind == RT_ITEM_CASE && item->line && is_red_somewhere(wish->stand, item) &&
		   !rt_bench_excuses(wish->bench, wish->stand, item, false) &&
		   rt_stand_decide(wish->stand, item, &decision) == RT_FLAKY_OPEN) {
		note_open(wish, item, &decision);
	}
	return wish->cases ? !wish->whole : !wish->more;
}

/* A run without whole evidence is judged as it stands. */
static bool
all_whole(const struct rt_stand *stand)
{
	size_t i;
	bool whole = !stand->base.run || stand->base.whole;

	for (i = 0; i < stand->n; i++)
		whole = whole && stand->views[i].whole;
	for (i = 0; i < stand->n_bases; i++)
		whole = whole && stand->bases[i].whole;
	return whole;
}

bool
rt_judge_rounds(const struct rt_judge_input *input, bool *want)
{
	rt_auto(bench) struct rt_bench bench = {0};
	bool any = false;
	size_t i;

	rt_bench_init(&bench, input, NULL);
	for (i = 0; i < input->n; i++) {
		rt_auto(stand) struct rt_stand stand = {0};
		struct wish wish = {.bench = &bench, .stand = &stand};

		want[i] = false;
		if (input->adoption)
			continue;
		rt_stand_init(&stand, input, &input->trials[i]);
		if (all_whole(&stand))
			rt_stand_each(&stand, ask_item, &wish);
		want[i] = wish.more;
		any |= wish.more;
	}
	return any;
}

size_t
rt_judge_round_cases(const struct rt_judge_input *input, const struct rt_trial *trial,
		     const char *cases[RT_ROUND_CASES])
{
	rt_auto(bench) struct rt_bench bench = {0};
	rt_auto(stand) struct rt_stand stand = {0};
	struct wish wish = {.bench = &bench, .stand = &stand, .cases = cases};

	rt_bench_init(&bench, input, NULL);
	rt_stand_init(&stand, input, trial);
	if (all_whole(&stand))
		rt_stand_each(&stand, ask_item, &wish);
	return wish.whole ? 0 : wish.n;
}
