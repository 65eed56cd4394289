#include "model/judge_parts.h"

#include <math.h>
#include <string.h>

#include "model/id.h"
#include "model/sequential.h"
#include "support/defence.h"

const struct rt_baseline *
rt_judge_baseline(const struct rt_judge_input *input)
{
	static const struct rt_baseline empty = {.sealed = true};

	return input->baseline && !input->adoption ? input->baseline : &empty;
}

static int
by_finding_id(const void *a, const void *b)
{
	return strcmp((*(const struct rt_finding *const *)a)->id, (*(const struct rt_finding *const *)b)->id);
}

static void
view_init(struct rt_view *view, const struct rt_run *run, const char *exit_id)
{
	bool sorted = true;
	size_t i, n = 0;

	memset(view, 0, sizeof(*view));
	view->run = run;
	if (!run || run->end != RT_CELL_COMPLETE)
		return;
	view->whole = true;
	view->exit = rt_results_find(&run->results, exit_id) != NULL;
	if (!run->results.findings.n)
		return;
	view->findings = rt_alloc(run->results.findings.n, sizeof(*view->findings));
	for (i = 0; i < run->results.findings.n; i++) {
		view->findings[i] = &run->results.findings.at[i];
		sorted = sorted && (!i || by_finding_id(&view->findings[i - 1], &view->findings[i]) <= 0);
	}
	if (!sorted)
		qsort(view->findings, i, sizeof(*view->findings), by_finding_id);
	for (i = 0; i < run->results.findings.n; i++)
		if (!n || strcmp(view->findings[n - 1]->id, view->findings[i]->id) != 0)
			view->findings[n++] = view->findings[i];
	view->n_findings = n;
}

static bool
is_red_at(const struct rt_view *view, const struct rt_baseline *baseline, const struct rt_line *line)
{
	const struct rt_case *c = rt_results_of_line(&view->run->results, baseline, line);

	return !c || c->status != RT_STATUS_PASS || c->retried;
}

static bool
count_crowd(const struct rt_stand *stand)
{
	enum { CROWD = 10 };
	const struct rt_baseline *baseline = rt_judge_baseline(stand->input);
	unsigned red = 0, again = 0, on_base = 0;
	size_t i;

	if (stand->n < 2 || !stand->views[0].whole || !stand->views[1].whole || !stand->base.whole)
		return false;
	for (i = stand->from; i < stand->to; i++) {
		const struct rt_line *line = &baseline->lines.at[i];

		if (line->level != RT_LEVEL_PASS || !is_red_at(&stand->views[0], baseline, line))
			continue;
		red++;
		again += is_red_at(&stand->views[1], baseline, line);
		on_base += is_red_at(&stand->base, baseline, line);
	}
	/* many strong flakes at once fail as often on the base */
	return red > CROWD && 2 * again >= red && 10 * on_base <= again &&
	       rt_same_chance(again, red, on_base, red) <= RT_ERROR_RATE / 10;
}

bool
rt_stand_crowd(const struct rt_stand *stand)
{
	struct rt_view *first = &stand->views[0];

	if (!first->counted)
		first->crowd = count_crowd(stand);
	first->counted = true;
	return first->crowd;
}

/* Cases that passed in the first run and failed in a later one of the whole check; no more than are asked for. */
static size_t
count_late(const struct rt_stand *stand, size_t most)
{
	const struct rt_results *first = &stand->views[0].run->results;
	rt_auto(free) bool *seen = rt_alloc(first->cases.n + 1, sizeof(*seen));
	size_t v, i, late = 0;

	for (v = 1; v < stand->n && stand->views[0].whole; v++) {
		const struct rt_results *later = &stand->views[v].run->results;

		for (i = 0; i < later->cases.n && late < most && !stand->views[v].run->only; i++) {
			const struct rt_case *c;

			if (later->cases.at[i].status < RT_STATUS_FAIL)
				continue;
			c = rt_results_find(first, later->cases.at[i].id);
			if (!c || c->status != RT_STATUS_PASS || seen[c - first->cases.at])
				continue;
			seen[c - first->cases.at] = true;
			late++;
		}
	}
	return late;
}

bool
rt_stand_many_late(const struct rt_stand *stand)
{
	enum { FEW = 4 };
	struct rt_view *first = &stand->views[0];

	if (!first->counted_late)
		first->many_late = count_late(stand, FEW + 1) > FEW;
	first->counted_late = true;
	return first->many_late;
}

void
rt_stand_init(struct rt_stand *stand, const struct rt_judge_input *input, const struct rt_trial *trial)
{
	const struct rt_baseline *baseline = rt_judge_baseline(input);
	rt_auto(buf) struct rt_buf prefix = RT_BUF_INIT;
	const struct rt_line *ran;
	size_t i;

	*stand = (struct rt_stand){.input = input, .trial = trial, .check = trial->cell->check};
	stand->exit_id = (struct rt_buf)RT_BUF_INIT;
	rt_buf_addf(&stand->exit_id, "%s/(exit)", trial->cell->name);
	rt_buf_addf(&prefix, "%s/", trial->cell->name);
	rt_baseline_range(baseline, prefix.data, &stand->from, &stand->to);
	stand->prefix_len = prefix.len;
	rt_buf_adds(&prefix, "(ran)");
	ran = rt_baseline_find(baseline, prefix.data);
	stand->recorded = ran && ran->level == RT_LEVEL_PASS;
	stand->n = 1 + (trial->second != NULL) + trial->n_more;
	stand->views = rt_alloc(stand->n, sizeof(*stand->views));
	view_init(&stand->views[0], &trial->first, stand->exit_id.data);
	if (trial->second)
		view_init(&stand->views[1], trial->second, stand->exit_id.data);
	for (i = 0; i < trial->n_more; i++)
		view_init(&stand->views[stand->n - trial->n_more + i], &trial->more[i], stand->exit_id.data);
	view_init(&stand->base, trial->base, stand->exit_id.data);
	stand->n_bases = trial->n_bases;
	stand->bases = rt_alloc(stand->n_bases + 1, sizeof(*stand->bases));
	for (i = 0; i < stand->n_bases; i++)
		view_init(&stand->bases[i], &trial->bases[i], stand->exit_id.data);
	stand->anchors = rt_alloc(trial->n_anchors + 1, sizeof(*stand->anchors));
	for (i = 0; i < trial->n_anchors; i++)
		view_init(&stand->anchors[i], &trial->anchors[i], stand->exit_id.data);
}

void
rt_stand_release(struct rt_stand *stand)
{
	size_t i;

	for (i = 0; i < stand->n_bases; i++)
		free(stand->bases[i].findings);
	free(stand->bases);
	for (i = 0; i < stand->trial->n_anchors; i++)
		free(stand->anchors[i].findings);
	free(stand->anchors);
	for (i = 0; i < stand->n; i++)
		free(stand->views[i].findings);
	free(stand->base.findings);
	free(stand->views);
	rt_buf_release(&stand->exit_id);
}

const struct rt_finding *
rt_view_finding(const struct rt_view *view, const char *id)
{
	struct rt_finding key = {.id = id};
	const struct rt_finding *wanted = &key, **found;

	if (!view->n_findings)
		return NULL;
	found = bsearch(&wanted, view->findings, view->n_findings, sizeof(*view->findings), by_finding_id);
	return found ? *found : NULL;
}

/* A fall of the assertion count that counts: to nothing, or any under `assertions: strict`. */
static bool
count_fell(const struct rt_line *line, int32_t assertions, bool strict)
{
	if (!line->has_value || line->value <= 0 || !rt_defended(COUNTS))
		return false;
	/* The report that gave a count once gives none: strictly speaking it may be anything. */
	if (assertions < 0)
		return strict;
	return strict ? assertions < line->value : assertions == 0;
}

static struct rt_sight
see_case(const struct rt_stand *stand, const struct rt_view *view, const struct rt_item *item)
{
	const struct rt_case *c =
	    view == stand->views ? item->in_first : rt_results_find(&view->run->results, item->id);
	struct rt_sight sight = {.status = c ? (enum rt_status)c->status : RT_STATUS_ABSENT};
	/* what passes when it is tried again failed: the rounds of the gate tell how often it does */
	if (c && c->retried)
		sight.status = RT_STATUS_FAIL;
	bool known = item->line && item->line->level == RT_LEVEL_PASS;
	bool bounded = item->line && item->line->level == RT_LEVEL_FLAKY && item->line->has_value;

	sight.has_value = c && c->assertions >= 0;
	sight.value = sight.has_value ? c->assertions : 0;
	sight.excerpt = rt_results_note(&view->run->results, c);
	switch (sight.status) {
	case RT_STATUS_PASS:
		sight.fell = known && count_fell(item->line, c->assertions, stand->input->config->assertions_strict);
		sight.colour = sight.fell ? RT_RED : RT_GREEN;
		break;
	case RT_STATUS_FAIL:
	case RT_STATUS_ERROR:
		sight.colour = known || bounded || !item->line ? RT_RED : RT_MUTE;
		break;
	case RT_STATUS_SKIP:
	case RT_STATUS_ABSENT:
		sight.colour = known && rt_defended(ABSENT) ? RT_RED : RT_MUTE;
		break;
	}
	return sight;
}

bool
rt_metric_worse(enum rt_level level, double value, double bar, double margin)
{
	double by = level == RT_LEVEL_LOWER ? value - bar : bar - value;

	/* The last digits of bar * margin are rounding, so that a value at the edge is within. */
	return by > fabs(bar) * margin * (1 + 1e-9);
}

static enum rt_level
metric_level(const struct rt_stand *stand, const struct rt_line *line)
{
	if (line && (line->level == RT_LEVEL_LOWER || line->level == RT_LEVEL_HIGHER))
		return line->level;
	return stand->check->higher_better ? RT_LEVEL_HIGHER : RT_LEVEL_LOWER;
}

/* Of several samples the worst counts. */
static struct rt_sight
see_metric(const struct rt_stand *stand, const struct rt_view *view, const struct rt_item *item)
{
	const struct rt_results *results = &view->run->results;
	enum rt_level level = metric_level(stand, item->line);
	struct rt_sight sight = {.status = RT_STATUS_ABSENT};
	bool barred = item->line && item->line->level == level;
	/* others are held against the base, in pairs */
	bool exact = stand->check->samples <= 1 && rt_stand_may_record(stand);
	const struct rt_metric *sample = rt_results_sample(results, item->id);

	for (; sample; sample = rt_results_next_sample(results, sample)) {
		if (!sight.has_value || rt_metric_worse(level, sample->value, sight.value, 0))
			sight.value = sample->value;
		sight.has_value = true;
	}
	if (!sight.has_value)
		sight.colour = barred ? RT_RED : RT_MUTE;
	else if (barred && exact && rt_metric_worse(level, sight.value, item->line->value, stand->check->margin))
		sight.colour = RT_RED;
	return sight;
}

static struct rt_sight
see_finding(const struct rt_stand *stand, const struct rt_view *view, const struct rt_item *item)
{
	const struct rt_finding *finding = view == stand->views ? item->found : rt_view_finding(view, item->id);
	bool known = item->line && item->line->level == RT_LEVEL_KNOWN;
	struct rt_sight sight = {.status = finding ? RT_STATUS_FAIL : RT_STATUS_ABSENT};

	sight.excerpt = finding ? finding->text : NULL;
	if (finding)
		sight.colour = known ? RT_MUTE : stand->recorded ? RT_RED : RT_GREEN;
	return sight;
}

static struct rt_sight
see_exit(const struct rt_stand *stand, const struct rt_view *view)
{
	const struct rt_case *c = rt_results_find(&view->run->results, stand->exit_id.data);
	struct rt_sight sight = {.colour = c ? RT_RED : RT_GREEN, .status = c ? RT_STATUS_ERROR : RT_STATUS_PASS};

	sight.excerpt = rt_results_note(&view->run->results, c);
	return sight;
}

bool
rt_view_tells(const struct rt_view *view, const struct rt_item *item)
{
	return !view->run || !view->run->only || (item->kind == RT_ITEM_CASE && !strcmp(view->run->only, item->id));
}

unsigned
rt_stand_runs(const struct rt_stand *stand, const struct rt_item *item)
{
	unsigned n = 0;
	size_t v;

	for (v = 0; v < stand->n; v++)
		n += rt_view_tells(&stand->views[v], item);
	return n;
}

struct rt_sight
rt_stand_see(const struct rt_stand *stand, const struct rt_view *view, const struct rt_item *item)
{
	struct rt_sight none = {.colour = RT_VOID, .status = RT_STATUS_ABSENT};

	if (!rt_view_tells(view, item))
		return none;
	/* The number or the list of a command that failed is no evidence; the failure itself is. */
	if (!view->whole || (view->exit && item->kind != RT_ITEM_EXIT && stand->check->kind != RT_KIND_CASES))
		return none;
	switch (item->kind) {
	case RT_ITEM_CASE:
		return see_case(stand, view, item);
	case RT_ITEM_METRIC:
		return see_metric(stand, view, item);
	case RT_ITEM_FINDING:
		return see_finding(stand, view, item);
	case RT_ITEM_EXIT:
		return see_exit(stand, view);
	}
	rt_bug("item of kind %d", item->kind);
}

/* What a visit of all ids carries along. */
struct round {
	const struct rt_stand *stand;
	bool (*visit)(void *data, const struct rt_item *item);
	void *data;
	size_t next;	     /* of the first run's findings: the first not below the line at hand; both are sorted */
	unsigned char *seen; /* a bit for each case of the first run: it has a line, and was visited with it */
};

static const struct rt_finding *
find_next(struct round *round, const char *id)
{
	const struct rt_view *first = &round->stand->views[0];
	int order = 1;

	for (; round->next < first->n_findings; round->next++)
		if ((order = strcmp(first->findings[round->next]->id, id)) >= 0)
			break;
	return round->next < first->n_findings && order == 0 ? first->findings[round->next] : NULL;
}

static bool
visit_line(struct round *round, const struct rt_line *line)
{
	const struct rt_stand *stand = round->stand;
	const struct rt_results *first = &stand->views[0].run->results;
	struct rt_item item = {.kind = RT_ITEM_CASE, .id = line->id, .line = line};
	const char *name = line->id + stand->prefix_len; /* all lines of the range begin with the cell's name */
	bool gone = line->level == RT_LEVEL_GONE && strcmp(name, "(ran)") != 0;

	/* Nothing writes such a line; the visit of the cell's end covers the id. */
	if (*name == '(' && !strcmp(line->id, stand->exit_id.data))
		return true;
	if (line->level == RT_LEVEL_LOWER || line->level == RT_LEVEL_HIGHER ||
	    (gone && stand->check->kind == RT_KIND_METRIC && !strcmp(name, stand->check->name))) {
		item.kind = RT_ITEM_METRIC;
	} else if (line->level == RT_LEVEL_KNOWN || (gone && stand->check->kind == RT_KIND_FINDINGS)) {
		item.kind = RT_ITEM_FINDING;
		item.found = find_next(round, line->id);
	} else {
		item.in_first = rt_results_of_line(first, rt_judge_baseline(stand->input), line);
		if (item.in_first) {
			size_t position = (size_t)(item.in_first - first->cases.at);

			round->seen[position / 8] |= (unsigned char)(1u << position % 8);
		}
	}
	return round->visit(round->data, &item);
}

static bool
visit_new_cases(struct round *round)
{
	const struct rt_results *first = &round->stand->views[0].run->results;
	size_t i;

	for (i = 0; i < first->cases.n; i++) {
		struct rt_item item = {
		    .kind = RT_ITEM_CASE, .id = first->cases.at[i].id, .in_first = &first->cases.at[i]};

		if (round->seen[i / 8] >> i % 8 & 1 || !strcmp(item.id, round->stand->exit_id.data))
			continue;
		if (!round->visit(round->data, &item))
			return false;
	}
	return true;
}

static bool
visit_new_metrics(struct round *round)
{
	const struct rt_results *first = &round->stand->views[0].run->results;
	const struct rt_baseline *baseline = rt_judge_baseline(round->stand->input);
	size_t i;

	for (i = 0; i < first->metrics.n; i++) {
		struct rt_item item = {.kind = RT_ITEM_METRIC, .id = first->metrics.at[i].id};

		if (!first->metrics.at[i].last || rt_baseline_find(baseline, item.id))
			continue;
		if (!round->visit(round->data, &item))
			return false;
	}
	return true;
}

/* Of all runs: a finding that only the second look saw is one too. */
static bool
visit_new_findings(struct round *round)
{
	const struct rt_stand *stand = round->stand;
	const struct rt_baseline *baseline = rt_judge_baseline(stand->input);
	size_t v, i, earlier, near = 0;

	for (v = 0; v < stand->n; v++)
		for (i = 0; i < stand->views[v].n_findings; i++) {
			struct rt_item item = {.kind = RT_ITEM_FINDING,
					       .id = stand->views[v].findings[i]->id,
					       .found = v ? NULL : stand->views[v].findings[i]};

			for (earlier = 0; earlier < v && !rt_view_finding(&stand->views[earlier], item.id); earlier++)
				;
			if (earlier < v)
				continue;
			/* both are sorted, so the next line is mostly the one behind */
			size_t line = rt_baseline_near(baseline, item.id, near);
			if (line != SIZE_MAX) {
				near = line + 1;
				continue;
			}
			if (!round->visit(round->data, &item))
				return false;
		}
	return true;
}

static bool
visit_lines(struct round *round)
{
	const struct rt_stand *stand = round->stand;
	size_t i;

	for (i = stand->from; i < stand->to; i++)
		if (!visit_line(round, &rt_judge_baseline(stand->input)->lines.at[i]))
			return false;
	return true;
}

void
rt_stand_each(const struct rt_stand *stand, bool (*visit)(void *data, const struct rt_item *item), void *data)
{
	struct rt_item exit_item = {.kind = RT_ITEM_EXIT, .id = stand->exit_id.data};
	struct round round = {.stand = stand, .visit = visit, .data = data};
	bool exited = false;
	size_t v;

	for (v = 0; v < stand->n; v++)
		exited |= stand->views[v].exit;
	if (exited && !visit(data, &exit_item))
		return;
	if (stand->views[0].exit && stand->check->kind != RT_KIND_CASES)
		return;
	round.seen = rt_alloc(stand->views[0].run->results.cases.n / 8 + 1, 1);
	if (visit_lines(&round) && visit_new_cases(&round) && visit_new_metrics(&round))
		visit_new_findings(&round);
	free(round.seen);
}
