#include <math.h>
#include <string.h>

#include "model/judge_parts.h"
#include "model/paired.h"
#include "model/sequential.h"

/*
 * What needs more than one run to be judged. Runs are made in rounds, one on the candidate and one on the base, until
 * the tests of model/sequential.h and model/paired.h answer; both are pure functions of the runs made so far, so that
 * the judge, asked again after each round, remembers nothing.
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
	if (flaky && here->calm)
		return RT_FLAKY_CALM;
	if (base->red && here->calm)
		return RT_FLAKY_BOTH;
	if (base->red && !base->calm)
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
	test.runs = here.red + here.calm;
	test.fails = here.red;
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
					 .lower = test.lower};
	return answer(stand, item, &here, &base, &test);
}

/* ---- numbers ---- */

bool
rt_stand_pairs(const struct rt_stand *stand, const struct rt_item *item)
{
	const struct rt_check *check = stand->check;
	bool barred = item->line && (item->line->level == RT_LEVEL_LOWER || item->line->level == RT_LEVEL_HIGHER);

	if (item->kind != RT_ITEM_METRIC || !barred || stand->input->adoption)
		return false;
	/* one that is not there at all needs no pairs */
	if (!rt_results_sample(&stand->views[0].run->results, item->id))
		return false;
	return check->samples > 1 || !rt_stand_may_record(stand);
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* One run's number: the median of its samples; 0 where it has none. */
static double
run_value(const struct rt_view *view, const char *id)
{
	const struct rt_results *results = &view->run->results;
	const struct rt_metric *sample = rt_results_sample(results, id);
	rt_auto(free) double *values = NULL;
	size_t n = 0, cap = 0;

	if (sample && !sample->next)
		return sample->value;
	for (; sample; sample = rt_results_next_sample(results, sample)) {
		if (n == cap)
			values = rt_realloc(values, cap = cap ? 2 * cap : 16, sizeof(*values));
		values[n++] = sample->value;
	}
	if (!n)
		return 0;
	qsort(values, n, sizeof(*values), by_size);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

struct pairs {
	double *base, *here;
	size_t n;
};

static void
pairs_release(struct pairs *pairs)
{
	free(pairs->base);
	free(pairs->here);
}

/* The candidate's first run has no neighbour on the base: pairs are made in rounds. */
static void
gather_pairs(const struct rt_stand *stand, const char *id, struct pairs *pairs)
{
	size_t i, bases = (stand->base.run != NULL) + stand->n_bases;

	pairs->n = stand->n - 1 < bases ? stand->n - 1 : bases;
	pairs->base = rt_alloc(pairs->n + 1, sizeof(*pairs->base));
	pairs->here = rt_alloc(pairs->n + 1, sizeof(*pairs->here));
	for (i = 0; i < pairs->n; i++) {
		const struct rt_view *base = i ? &stand->bases[i - 1] : &stand->base;

		pairs->base[i] = base->whole ? run_value(base, id) : 0;
		pairs->here[i] = stand->views[i + 1].whole ? run_value(&stand->views[i + 1], id) : 0;
	}
}

/* The same with the anchor of a budget in place of the base: it ran in every round that made a pair. */
static void
gather_slide(const struct rt_stand *stand, const char *id, struct pairs *pairs)
{
	size_t i, skip;

	gather_pairs(stand, id, pairs);
	/* a second look makes a pair before there are rounds */
	skip = pairs->n > stand->trial->n_anchors ? pairs->n - stand->trial->n_anchors : 0;
	pairs->n -= skip;
	for (i = 0; i < pairs->n; i++) {
		pairs->here[i] = pairs->here[i + skip];
		pairs->base[i] = stand->anchors[i].whole ? run_value(&stand->anchors[i], id) : 0;
	}
}

/* How many comparisons of numbers the matrix makes so: the error rate is divided among them. */
static size_t
count_paired(const struct rt_judge_input *input)
{
	const struct rt_baseline *baseline = rt_judge_baseline(input);
	size_t i, k, n = 0;

	for (i = 0; i < input->n; i++) {
		const struct rt_check *check = input->trials[i].cell->check;
		rt_auto(free) char *prefix = rt_format("%s/", input->trials[i].cell->name);
		size_t from, to;

		if (check->kind != RT_KIND_METRIC || check->samples < 2)
			continue;
		rt_baseline_range(baseline, prefix, &from, &to);
		for (k = from; k < to; k++)
			if (baseline->lines.at[k].level == RT_LEVEL_LOWER ||
			    baseline->lines.at[k].level == RT_LEVEL_HIGHER)
				n += check->anchor ? 2 : 1;
	}
	return n;
}

/* A number without noise, measured on both sides because the bar is another machine's. */
static struct rt_paired
compare_exactly(const struct rt_stand *stand, const struct rt_item *item, const struct pairs *pairs)
{
	struct rt_paired paired = {.n = pairs->n, .ratio = 1, .high = INFINITY, .answer = RT_PAIRED_OPEN};
	enum rt_level level = item->line->level;

	if (!pairs->n)
		return paired;
	paired.answer = rt_metric_worse(level, pairs->here[0], pairs->base[0], stand->check->margin)
			    ? RT_PAIRED_REGRESSED
			    : RT_PAIRED_SAME;
	paired.ratio = level == RT_LEVEL_LOWER ? pairs->here[0] / pairs->base[0] : pairs->base[0] / pairs->here[0];
	paired.low = paired.high = paired.ratio;
	return paired;
}

/* Looks after n, 2n, 4n and 8n pairs; an improvement is looked at once more on n fresh ones. */
static struct rt_paired
compare_in_looks(const struct rt_stand *stand, const struct rt_item *item, const struct pairs *pairs, double margin,
		 bool *more, bool *confirmed)
{
	size_t metrics = count_paired(stand->input), least = rt_paired_least(rt_paired_error(metrics, 0));
	double error;
	size_t n = stand->check->samples, look, size;
	bool higher = item->line->level == RT_LEVEL_HIGHER;
	struct rt_paired paired = {.n = pairs->n, .ratio = 1, .high = INFINITY, .answer = RT_PAIRED_OPEN};

	n = n < least ? least : n;
	for (look = 0; look < RT_PAIRED_LOOKS; look++) {
		size = n << look;
		error = rt_paired_error(metrics, look);
		if (pairs->n < size) {
			*more = true;
			return paired;
		}
		rt_paired_judge(&paired, pairs->base, pairs->here, size, higher, margin, error);
		if (paired.answer != RT_PAIRED_OPEN)
			break;
	}
	if (paired.answer != RT_PAIRED_IMPROVED || !confirmed)
		return paired;
	if (pairs->n < size + n) {
		*more = true;
		return paired;
	}
	struct rt_paired fresh;
	error = RT_PAIRED_ERROR_RATE / (double)(metrics ? metrics : 1);
	rt_paired_judge(&fresh, pairs->base + size, pairs->here + size, n, higher, margin, error);
	*confirmed = fresh.answer == RT_PAIRED_IMPROVED;
	if (*confirmed)
		return fresh;
	paired.answer = RT_PAIRED_SAME;
	return paired;
}

/*
 * Small losses, each within the margin, add up. A number that is none the worse for this change is held against the
 * anchor too; what that says counts where it is a loss beyond the budget, or nothing certain.
 */
static struct rt_paired
hold_to_budget(const struct rt_stand *stand, const struct rt_item *item, const struct rt_paired *paired, bool *more)
{
	struct pairs pairs;
	struct rt_paired slide = {.ratio = 1, .high = INFINITY, .answer = RT_PAIRED_OPEN};

	if (!stand->trial->anchor_trouble) {
		gather_slide(stand, item->id, &pairs);
		slide = compare_in_looks(stand, item, &pairs, stand->check->budget, more, NULL);
		slide.base = pairs.base;
		slide.here = pairs.here;
	}
	slide.slid = true;
	if (slide.answer == RT_PAIRED_REGRESSED || slide.answer == RT_PAIRED_OPEN)
		return slide;
	free(slide.base);
	free(slide.here);
	return *paired;
}

struct rt_paired
rt_stand_compare(const struct rt_stand *stand, const struct rt_item *item, bool *more, bool *confirmed)
{
	struct pairs pairs;
	struct rt_paired paired;

	*more = *confirmed = false;
	gather_pairs(stand, item->id, &pairs);
	if (stand->check->samples > 1) {
		paired = compare_in_looks(stand, item, &pairs, stand->check->margin, more, confirmed);
		if (stand->check->anchor && !*more &&
		    (paired.answer == RT_PAIRED_SAME || paired.answer == RT_PAIRED_IMPROVED))
			paired = hold_to_budget(stand, item, &paired, more);
	} else {
		paired = compare_exactly(stand, item, &pairs);
		*more = !pairs.n;
	}
	if (paired.slid) {
		pairs_release(&pairs);
	} else {
		paired.base = pairs.base;
		paired.here = pairs.here;
	}
	return paired;
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
