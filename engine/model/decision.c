#include <math.h>
#include <string.h>

#include "model/judge_parts.h"
#include "model/paired.h"
#include "model/sequential.h"

/* What is kept of each decision for `ratchet explain`: what was seen, and what would have changed the answer. */

/* Of those that took no count of runs: there may be a hundred thousand of one cause. */
enum { PLAIN_MAX = 256 };

struct rt_decision *
rt_decision_add(struct rt_decisions *decisions, const struct rt_decision *decision)
{
	struct rt_decision *copy = rt_push(decisions);

	*copy = *decision;
	copy->id = rt_arena_add(&decisions->arena, decision->id, strlen(decision->id));
	if (decision->anchor)
		copy->anchor = rt_arena_add(&decisions->arena, decision->anchor, strlen(decision->anchor));
	return copy;
}

void
rt_decisions_release(struct rt_decisions *decisions)
{
	for (size_t i = 0; i < decisions->n; i++) {
		free(decisions->at[i].base);
		free(decisions->at[i].here);
	}
	rt_arena_release(&decisions->arena);
	free(decisions->at);
	*decisions = (struct rt_decisions){0};
}

static void
keep_would(struct rt_decisions *decisions, struct rt_decision *decision, const struct rt_buf *text)
{
	decision->would = rt_arena_add(&decisions->arena, text->data, text->len);
}

/* ---- cases ---- */

/* The test's logarithm moves by a step with each run. */
static double
steps(double from, double to, double step)
{
	return fmax(1, ceil((to - from) / step));
}

/* More failures here, with as many passes on the base, until both say broken. */
static double
fails_needed(const struct rt_decision *d)
{
	double more = d->step_fail > 0 ? steps(d->score, d->upper, d->step_fail) : 0;
	unsigned k = (unsigned)more;

	while (d->same < 1 && k < RT_RUNS_MAX &&
	       rt_same_chance(d->fails + k - (d->fails > 0), d->runs + k - (d->runs > 0), d->base_fails,
			      d->base_runs + k) > d->same)
		k++;
	return fmax(more, k);
}

void
rt_decision_add_case(struct rt_decisions *decisions, const struct rt_decision *decision, enum rt_flaky_answer answer)
{
	struct rt_decision *d = rt_decision_add(decisions, decision);
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	double passes = d->step_pass < 0 ? steps(d->score, d->lower, d->step_pass) : 0;
	double fails = fails_needed(d);

	switch (answer) {
	case RT_FLAKY_BROKEN:
	case RT_FLAKY_NEW:
		rt_buf_addf(
		    &text,
		    "%.0f more passes here would call it calm; a failure on the target would make it the target's",
		    passes);
		break;
	case RT_FLAKY_CALM:
	case RT_FLAKY_LATE:
		rt_buf_addf(&text, "%.0f more failures here would call it broken", fails);
		break;
	case RT_FLAKY_BOTH:
		rt_buf_adds(&text, "it is the target's own; mend it there");
		break;
	case RT_FLAKY_TARGET:
		rt_buf_adds(&text, "a pass on the target would make it this change's, and a pass here a flaky case");
		break;
	case RT_FLAKY_OPEN:
	case RT_FLAKY_UNDECIDED:
		rt_buf_addf(
		    &text,
		    "%.0f more failures would call it broken, %.0f more passes calm; a gate makes at most %d runs",
		    fails, passes, RT_RUNS_MAX);
		break;
	case RT_FLAKY_UNKNOWN:
		rt_buf_adds(&text, "a run of the target that tells of it");
		break;
	}
	keep_would(decisions, d, &text);
}

/* ---- pairs ---- */

/* An interval becomes narrower with the root of the number of pairs. */
static double
pairs_needed(const struct rt_decision *d)
{
	double bar = 1 + d->margin, half = fmax(d->ratio - d->low, isfinite(d->high) ? d->high - d->ratio : 0);
	double gap = fabs(d->ratio - bar);

	return gap > 0 && half > 0 ? (double)d->pairs * (half / gap) * (half / gap) : INFINITY;
}

void
rt_decision_add_pairs(struct rt_decisions *decisions, const struct rt_decision *decision, enum rt_paired_answer answer)
{
	struct rt_decision *d = rt_decision_add(decisions, decision);
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	double bar = 1 + d->margin, needed = pairs_needed(d);

	if (answer == RT_PAIRED_REGRESSED)
		rt_buf_addf(&text, "a lower end at or below %.4g; it is %.4g", bar, d->low);
	else if (answer != RT_PAIRED_OPEN)
		rt_buf_addf(&text,
			    "an upper end above %.4g; it is %.4g, and the bar moves when it is below %.4g and "
			    "stays there in fresh pairs",
			    bar, d->high, 1 / bar);
	else if (!d->pairs || !isfinite(d->high) || d->low <= 0)
		rt_buf_adds(&text, "more pairs: so few bound nothing");
	else if (needed < 1e6)
		rt_buf_addf(&text,
			    "about %.0f pairs, if the noise and the ratio stay what they are; a gate makes at most %u "
			    "times `samples`",
			    ceil(needed), 1u << (RT_PAIRED_LOOKS - 1));
	else
		rt_buf_adds(&text, "another margin: the ratio lies on it, and no number of pairs tells");
	keep_would(decisions, d, &text);
}

/* ---- what one run shows as well as many ---- */

struct side {
	unsigned runs, reds;
	double *values; /* of a metric */
};

static void
add_view(struct side *side, const struct rt_stand *stand, const struct rt_view *view, const struct rt_item *item)
{
	struct rt_sight sight;

	if (!view->run || !rt_view_tells(view, item))
		return;
	sight = rt_stand_see(stand, view, item);
	if (sight.colour == RT_VOID)
		return;
	side->values = rt_realloc(side->values, side->runs + 1, sizeof(*side->values));
	side->values[side->runs++] = sight.has_value ? sight.value : NAN;
	side->reds += sight.colour == RT_RED;
}

static void
say_plain(struct rt_buf *text, const struct rt_stand *stand, const struct rt_item *item)
{
	const struct rt_line *line = item->line;
	double margin = stand->check->margin;

	switch (item->kind) {
	case RT_ITEM_METRIC:
		if (!line)
			break;
		rt_buf_adds(text, line->level == RT_LEVEL_LOWER ? "at most " : "at least ");
		rt_number_write(text, line->value * (line->level == RT_LEVEL_LOWER ? 1 + margin : 1 - margin));
		rt_buf_adds(text, ", or a waiver to the new number");
		return;
	case RT_ITEM_FINDING:
		rt_buf_adds(text, "to be without it, or a waiver to `known`");
		return;
	case RT_ITEM_CASE:
	case RT_ITEM_EXIT:
		break;
	}
	rt_buf_adds(text, "a pass");
}

void
rt_bench_plain(struct rt_bench *bench, const struct rt_stand *stand, const struct rt_item *item, const char *answer)
{
	struct rt_decisions *decisions = &bench->out->decisions;
	struct side here = {0}, base = {0};
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	bool metric = item->kind == RT_ITEM_METRIC;

	if (bench->plain++ >= PLAIN_MAX)
		return;
	for (size_t i = 0; i < stand->n; i++)
		add_view(&here, stand, &stand->views[i], item);
	add_view(&base, stand, &stand->base, item);
	for (size_t i = 0; i < stand->n_bases; i++)
		add_view(&base, stand, &stand->bases[i], item);
	struct rt_decision *d = rt_decision_add(decisions, &(struct rt_decision){
							       .id = item->id,
							       .answer = answer,
							       .plain = true,
							       .metric = metric,
							       .has_bar = metric && item->line,
							       .bar = item->line ? item->line->value : 0,
							       .margin = stand->check->margin,
							       .runs = here.runs,
							       .fails = here.reds,
							       .base_runs = base.runs,
							       .base_fails = base.reds,
							       .here = here.values,
							       .base = base.values,
							   });
	say_plain(&text, stand, item);
	keep_would(decisions, d, &text);
}
