#include <math.h>
#include <string.h>

#include "model/judge_parts.h"
#include "model/paired.h"

/* Numbers that are compared in rounds, in pairs with the base's. */

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

/* One run's number: the median of its samples; NAN where it has none. */
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
		return NAN;
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
		const struct rt_view *base = i ? &stand->bases[i - 1] : &stand->base, *here = &stand->views[i + 1];

		pairs->base[i] = base->whole && !base->exit ? run_value(base, id) : NAN;
		pairs->here[i] = here->whole && !here->exit ? run_value(here, id) : NAN;
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
		const struct rt_view *anchor = &stand->anchors[i];

		pairs->base[i] = anchor->whole && !anchor->exit ? run_value(anchor, id) : NAN;
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

	/* a side that has no number is no evidence */
	if (!pairs->n || isnan(pairs->base[0]) || isnan(pairs->here[0]))
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
