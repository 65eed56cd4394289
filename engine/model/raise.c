#include <math.h>
#include <string.h>

#include "model/glob.h"
#include "model/id.h"
#include "model/judge_parts.h"
#include "model/sequential.h"

/* The one trial whose cell an id belongs to, or NULL. */
static const struct rt_trial *
trial_of(const struct rt_judge_input *input, const char *id)
{
	size_t i, len = rt_id_cell_len(id);

	for (i = 0; i < input->n; i++) {
		const char *name = input->trials[i].cell->name;

		if (!strncmp(name, id, len) && !name[len])
			return &input->trials[i];
	}
	return NULL;
}

/* In one run: OLD is absent, NEW passed with no fewer assertions than OLD's line has. */
static bool
run_shows_rename(const struct rt_run *run, const struct rt_rename *rename, const struct rt_line *old)
{
	const struct rt_case *to = rt_results_find(&run->results, rename->to);

	if (run->end != RT_CELL_COMPLETE || rt_results_find(&run->results, rename->from))
		return false;
	if (!to || to->status != RT_STATUS_PASS)
		return false;
	return old->level != RT_LEVEL_PASS || !old->has_value || to->assertions >= old->value;
}

/* A guess that the first run does not bear out names nothing: what it names may have gone elsewhere. */
static unsigned
times_named(const struct rt_judge_input *input, const struct rt_trial *trial, const char *id)
{
	unsigned times = 0;
	size_t i;

	for (i = 0; i < input->n_renames; i++) {
		const struct rt_rename *rename = &input->renames[i];
		unsigned named = !strcmp(rename->from, id) + !strcmp(rename->to, id);
		const struct rt_line *old =
		    named && rename->derived ? rt_baseline_find(rt_judge_baseline(input), rename->from) : NULL;

		if (!old || run_shows_rename(&trial->first, rename, old))
			times += named;
	}
	return times;
}

static bool
rename_holds(const struct rt_judge_input *input, const struct rt_rename *rename)
{
	const struct rt_baseline *baseline = rt_judge_baseline(input);
	const struct rt_line *old = rt_baseline_find(baseline, rename->from),
			     *new = rt_baseline_find(baseline, rename->to);
	const struct rt_trial *trial = trial_of(input, rename->from);
	size_t i;

	if (!old || (old->level != RT_LEVEL_PASS && old->level != RT_LEVEL_FLAKY) || !trial ||
	    trial != trial_of(input, rename->to) || trial->cell->check->kind != RT_KIND_CASES)
		return false;
	/* a name that is gone may come back, as when a move is taken back */
	if (new &&new->level != RT_LEVEL_GONE)
		return false;
	if (times_named(input, trial, rename->from) != 1 || times_named(input, trial, rename->to) != 1)
		return false;
	for (i = 0; i < trial->n_more; i++)
		if (!trial->more[i].only && !run_shows_rename(&trial->more[i], rename, old))
			return false;
	return run_shows_rename(&trial->first, rename, old) &&
	       (!trial->second || run_shows_rename(trial->second, rename, old));
}

void
rt_bench_init(struct rt_bench *bench, const struct rt_judge_input *input, struct rt_judgement *out)
{
	size_t i;

	*bench = (struct rt_bench){.input = input, .baseline = rt_judge_baseline(input), .out = out};
	if (out) {
		rt_baseline_copy(&out->raised, bench->baseline);
		out->raised.sealed = true;
	}
	bench->renamed = rt_alloc(input->n_renames, sizeof(*bench->renamed));
	for (i = 0; i < input->n_renames; i++)
		bench->renamed[i] = rename_holds(input, &input->renames[i]);
}

void
rt_bench_release(struct rt_bench *bench)
{
	free(bench->fresh.at);
	free(bench->renamed);
}

static void
gain(struct rt_bench *bench, const char *id, const struct rt_line *was, const struct rt_line *now)
{
	rt_auto(buf) struct rt_buf before = RT_BUF_INIT, after = RT_BUF_INIT;
	bool numbers = was && was->level == now->level;

	if (numbers)
		rt_number_write(&before, was->value);
	else
		rt_buf_adds(&before, was && was->level == RT_LEVEL_KNOWN ? "known" : "absent");
	if (now->level == RT_LEVEL_GONE)
		rt_buf_adds(&after, "absent");
	else if (numbers || now->level != RT_LEVEL_PASS)
		rt_number_write(&after, now->value);
	else
		rt_buf_adds(&after, rt_level_name(now->level));
	rt_change_add(&bench->out->gains, id, before.data, after.data, NULL);
}

/* Where the line of an item stands in what the landing commits. */
static struct rt_line *
raised_line(struct rt_bench *bench, const struct rt_item *item)
{
	return &bench->out->raised.lines.at[item->line - bench->baseline->lines.at];
}

/* The id is copied: the results need not outlive the judgement. */
static void
add_fresh(struct rt_bench *bench, struct rt_line line)
{
	line.id = rt_baseline_keep_id(&bench->out->raised, line.id, strlen(line.id));
	*rt_push(&bench->fresh) = line;
}

/* Joins what was observed with the line, or makes a new one. Returns true when that is more than was known. */
static bool
observe(struct rt_bench *bench, const struct rt_item *item, struct rt_line seen)
{
	struct rt_line *line, joined;

	if (!item->line) {
		seen.id = item->id;
		add_fresh(bench, seen);
		return true;
	}
	line = raised_line(bench, item);
	seen.id = line->id;
	seen.epoch = item->line->epoch;
	joined = rt_line_join(line, &seen);
	if (rt_line_equal(&joined, line))
		return false;
	*line = joined;
	return true;
}

/* Whether the larger of two values is the better one. */
static bool
larger_better(const struct rt_stand *stand, const struct rt_item *item)
{
	if (item->kind == RT_ITEM_CASE)
		return true;
	if (item->line && item->line->level != RT_LEVEL_GONE)
		return item->line->level == RT_LEVEL_HIGHER;
	return stand->check->higher_better;
}

/* All runs of the candidate saw the id green; value is the worst that one of them saw, and there when all saw one. */
static bool
all_green(const struct rt_stand *stand, const struct rt_item *item, struct rt_sight *worst)
{
	bool larger = larger_better(stand, item);
	size_t v;

	for (v = 0; v < stand->n; v++) {
		struct rt_sight sight = rt_stand_see(stand, &stand->views[v], item);

		if (!rt_view_tells(&stand->views[v], item))
			continue;
		if (sight.colour != RT_GREEN)
			return false;
		if (!v) {
			*worst = sight;
			continue;
		}
		worst->has_value &= sight.has_value;
		worst->value = larger ? fmin(worst->value, sight.value) : fmax(worst->value, sight.value);
	}
	return true;
}

/* The line of the case that an accepted rename gives this name, or NULL. */
static const struct rt_line *
renamed_to(const struct rt_bench *bench, const char *id)
{
	size_t i;

	for (i = 0; i < bench->input->n_renames; i++)
		if (bench->renamed[i] && !strcmp(bench->input->renames[i].to, id))
			return rt_baseline_find(bench->baseline, bench->input->renames[i].from);
	return NULL;
}

void
rt_bench_demote(struct rt_bench *bench, const struct rt_item *item, double bound)
{
	*raised_line(bench, item) = (struct rt_line){.id = item->line->id,
						     .level = RT_LEVEL_FLAKY,
						     .has_value = true,
						     .value = bound,
						     .epoch = item->line->epoch + 1};
	rt_strs_add(&bench->out->demoted, item->id);
}

/* A pass or two do not show that a flaky case is steady; as many in a row as the baseline asks of one do. */
static void
raise_flaky(struct rt_bench *bench, const struct rt_stand *stand, const struct rt_item *item)
{
	double bound = rt_rate_bound(0, rt_stand_runs(stand, item));
	struct rt_line line = {.level = RT_LEVEL_FLAKY, .has_value = true, .value = bound};
	struct rt_sight sight;

	if (!item->line->has_value || !all_green(stand, item, &sight))
		return;
	if (bound <= RT_RATE_CALM)
		line = (struct rt_line){.level = RT_LEVEL_PASS, .has_value = sight.has_value, .value = sight.value};
	if (observe(bench, item, line))
		gain(bench, item->id, item->line, &line);
}

static void
raise_case(struct rt_bench *bench, const struct rt_stand *stand, const struct rt_item *item)
{
	struct rt_line line = {.level = RT_LEVEL_PASS};
	struct rt_sight sight;

	if (item->line && item->line->level == RT_LEVEL_FLAKY) {
		raise_flaky(bench, stand, item);
		return;
	}
	/* another name makes no case steady: write_renames() takes its bound along */
	const struct rt_line *old =
	    !item->line || item->line->level == RT_LEVEL_GONE ? renamed_to(bench, item->id) : NULL;
	if (old && old->level == RT_LEVEL_FLAKY)
		return;
	/* all that a known pass can gain is a count of assertions */
	if (item->line && item->line->level == RT_LEVEL_PASS && item->in_first && item->in_first->assertions < 0)
		return;
	if (!all_green(stand, item, &sight))
		return;
	line.has_value = sight.has_value;
	line.value = sight.has_value ? sight.value : 0;
	if (!observe(bench, item, line))
		return;
	/* A first count is no gain, a renamed case none either, and `(ran)` and `(measured)` are no cases. */
	if (item->line && item->line->level == RT_LEVEL_PASS && !item->line->has_value)
		return;
	if (!old && !rt_ends_with(item->id, "/(ran)") && stand->check->kind != RT_KIND_FINDINGS)
		gain(bench, item->id, item->line, &line);
}

bool
rt_stand_may_record(const struct rt_stand *stand)
{
	const struct rt_strs *machines = &stand->check->record_on;

	return !machines->n || (stand->input->machine && rt_strs_has(machines, stand->input->machine));
}

void
rt_bench_move_bar(struct rt_bench *bench, const struct rt_item *item, double ratio)
{
	bool lower = item->line->level == RT_LEVEL_LOWER;
	struct rt_line line = {.level = item->line->level,
			       .has_value = true,
			       .value = lower ? item->line->value * ratio : item->line->value / ratio};

	if (observe(bench, item, line))
		gain(bench, item->id, item->line, &line);
}

static void
raise_metric(struct rt_bench *bench, const struct rt_stand *stand, const struct rt_item *item)
{
	bool barred = item->line && item->line->level != RT_LEVEL_GONE;
	struct rt_line line = {.has_value = true};
	struct rt_sight sight;

	if (!rt_stand_may_record(stand) || !all_green(stand, item, &sight) || !sight.has_value)
		return;
	line.level = barred ? item->line->level : stand->check->higher_better ? RT_LEVEL_HIGHER : RT_LEVEL_LOWER;
	line.value = sight.value;
	if (observe(bench, item, line))
		gain(bench, item->id, barred ? item->line : NULL, &line);
}

static void
raise_finding(struct rt_bench *bench, const struct rt_stand *stand, const struct rt_item *item)
{
	struct rt_line line = {.level = RT_LEVEL_KNOWN};
	struct rt_sight sight;

	if (!item->line) {
		if (!stand->recorded)
			observe(bench, item, line);
		return;
	}
	line.level = RT_LEVEL_GONE;
	/* one that moved with its file is no gain */
	if (item->line->level == RT_LEVEL_KNOWN && all_green(stand, item, &sight) && observe(bench, item, line) &&
	    !rt_stand_moved(stand, item->id))
		gain(bench, item->id, item->line, &line);
}

void
rt_bench_raise(struct rt_bench *bench, const struct rt_stand *stand, const struct rt_item *item)
{
	bool probed = rt_stand_runs(stand, item) >= bench->input->config->probation;

	if (stand->check->kind == RT_KIND_PREPARE)
		return;
	switch (item->kind) {
	case RT_ITEM_CASE:
		if (item->line || probed)
			raise_case(bench, stand, item);
		break;
	case RT_ITEM_METRIC:
		if (item->line || probed)
			raise_metric(bench, stand, item);
		break;
	case RT_ITEM_FINDING:
		raise_finding(bench, stand, item);
		break;
	case RT_ITEM_EXIT:
		break;
	}
}

/* A number covers a metric or count only where it is looser than the line, and no run was worse than it. */
static bool
number_covers(const struct rt_waiver *waiver, const struct rt_stand *stand, const struct rt_item *item)
{
	bool metric = item->kind == RT_ITEM_METRIC;
	enum rt_level level = metric && item->line ? item->line->level : RT_LEVEL_HIGHER;
	double margin = metric ? stand->check->margin : 0;
	size_t v;

	if (!item->line || !item->line->has_value || !rt_metric_worse(level, waiver->number, item->line->value, 0))
		return false;
	if (!metric && (item->line->level != RT_LEVEL_PASS || waiver->number < 0 || waiver->number > INT32_MAX ||
			waiver->number != floor(waiver->number)))
		return false;
	for (v = 0; v < stand->n; v++) {
		struct rt_sight sight = rt_stand_see(stand, &stand->views[v], item);

		if (sight.colour == RT_VOID)
			continue;
		if (!sight.has_value || rt_metric_worse(level, sight.value, waiver->number, margin) ||
		    (!metric && sight.status != RT_STATUS_PASS))
			return false;
	}
	return true;
}

/* The looser line that a waiver writes for an item; false when it does not cover it. */
static bool
waiver_line(const struct rt_waiver *waiver, const struct rt_stand *stand, const struct rt_item *item,
	    struct rt_line *line)
{
	*line = (struct rt_line){.id = item->line ? item->line->id : item->id};
	line->epoch = item->line ? item->line->epoch + 1 : 1;
	switch (waiver->to) {
	case RT_WAIVER_GONE:
		line->level = RT_LEVEL_GONE;
		return item->kind == RT_ITEM_CASE || item->kind == RT_ITEM_METRIC;
	case RT_WAIVER_FLAKY:
		line->level = RT_LEVEL_FLAKY;
		line->has_value = true;
		line->value = waiver->number;
		return item->kind == RT_ITEM_CASE;
	case RT_WAIVER_KNOWN:
		line->level = RT_LEVEL_KNOWN;
		return item->kind == RT_ITEM_FINDING;
	case RT_WAIVER_NUMBER:
		line->level = item->line ? item->line->level : RT_LEVEL_PASS;
		line->has_value = true;
		line->value = waiver->number;
		return item->kind != RT_ITEM_FINDING && number_covers(waiver, stand, item);
	}
	rt_bug("waiver to %d", waiver->to);
}

bool
rt_bench_excuses(struct rt_bench *bench, const struct rt_stand *stand, const struct rt_item *item, bool write)
{
	const struct rt_judge_input *input = bench->input;
	struct rt_line line;
	size_t i;

	/* Without evidence there is nothing that a waiver could weigh. */
	if (item->kind == RT_ITEM_EXIT || rt_ends_with(item->id, "/(ran)") || input->adoption)
		return false;
	for (i = 0; i < input->n_renames; i++)
		if (bench->renamed[i] && !strcmp(input->renames[i].from, item->id))
			return true;
	if (item->kind == RT_ITEM_FINDING && !item->line && rt_stand_moved(stand, item->id)) {
		if (write)
			add_fresh(bench, (struct rt_line){.id = item->id, .level = RT_LEVEL_KNOWN});
		return true;
	}
	for (i = 0; input->waivers && i < input->waivers->n; i++) {
		const struct rt_waiver *waiver = &input->waivers->at[i];

		if (input->now >= waiver->until || !rt_glob_match_id(waiver->id, item->id) ||
		    !waiver_line(waiver, stand, item, &line))
			continue;
		if (!write)
			return true;
		if (item->line)
			*raised_line(bench, item) = line;
		else
			add_fresh(bench, line);
		rt_strs_add(&bench->out->waived, item->id);
		return true;
	}
	return false;
}

static void
write_renames(struct rt_bench *bench)
{
	const struct rt_judge_input *input = bench->input;
	size_t i;

	for (i = 0; i < input->n_renames; i++) {
		const struct rt_rename *rename = &input->renames[i];
		const struct rt_trial *trial;
		struct rt_line *old, was, fresh = {.level = RT_LEVEL_PASS};
		const struct rt_line *known;
		const struct rt_case *c, *again;

		if (!bench->renamed[i])
			continue;
		trial = trial_of(input, rename->to);
		c = rt_results_find(&trial->first.results, rename->to);
		again = trial->second ? rt_results_find(&trial->second->results, rename->to) : c;
		old = &bench->out->raised.lines
			   .at[rt_baseline_find(bench->baseline, rename->from) - bench->baseline->lines.at];
		was = *old;
		*old = (struct rt_line){.id = old->id, .level = RT_LEVEL_GONE, .epoch = old->epoch + 1};
		known = rt_baseline_find(bench->baseline, rename->to);
		fresh.id = c->id;
		fresh.epoch = known ? known->epoch : 0;
		fresh.has_value = c->assertions >= 0 && again->assertions >= 0;
		fresh.value = fresh.has_value ? (c->assertions < again->assertions ? c : again)->assertions : 0;
		if (was.level == RT_LEVEL_FLAKY)
			fresh = (struct rt_line){.id = fresh.id,
						 .level = RT_LEVEL_FLAKY,
						 .has_value = was.has_value,
						 .value = was.value,
						 .epoch = fresh.epoch};
		add_fresh(bench, fresh);
	}
}

static int
by_id(const void *a, const void *b)
{
	return strcmp(((const struct rt_line *)a)->id, ((const struct rt_line *)b)->id);
}

/* Sorts the new lines and joins those of one id. */
static void
sort_fresh(struct rt_bench *bench)
{
	struct rt_line *at = bench->fresh.at;
	size_t i, kept = 0;

	if (!bench->fresh.n)
		return;
	qsort(at, bench->fresh.n, sizeof(*at), by_id);
	for (i = 1; i < bench->fresh.n; i++) {
		if (!strcmp(at[kept].id, at[i].id))
			at[kept] = rt_line_join(&at[kept], &at[i]);
		else
			at[++kept] = at[i];
	}
	bench->fresh.n = kept + 1;
}

/* A new line whose id the baseline holds after all is joined with it, so that no id stands twice. */
static void
join_known(struct rt_bench *bench)
{
	struct rt_baseline *raised = &bench->out->raised;
	size_t i = 0, j, kept = 0;
	int order = 1;

	for (j = 0; j < bench->fresh.n; j++) {
		for (; i < raised->lines.n && (order = by_id(&raised->lines.at[i], &bench->fresh.at[j])) < 0; i++)
			;
		if (i < raised->lines.n && order == 0)
			raised->lines.at[i] = rt_line_join(&raised->lines.at[i], &bench->fresh.at[j]);
		else
			bench->fresh.at[kept++] = bench->fresh.at[j];
	}
	bench->fresh.n = kept;
}

void
rt_bench_finish(struct rt_bench *bench)
{
	struct rt_baseline *raised = &bench->out->raised;
	size_t i, j, to;

	write_renames(bench);
	sort_fresh(bench);
	join_known(bench);
	i = raised->lines.n;
	j = bench->fresh.n;
	to = i + j;
	if (!j)
		return;
	if (!i) {
		free(raised->lines.at);
		raised->lines.at = bench->fresh.at;
		raised->lines.n = j;
		raised->lines.cap = bench->fresh.cap;
		bench->fresh.at = NULL;
		return;
	}
	if (to > raised->lines.cap) {
		raised->lines.at = rt_realloc(raised->lines.at, to, sizeof(*raised->lines.at));
		raised->lines.cap = to;
	}
	raised->lines.n = to;
	/* From behind, in place. */
	while (j)
		raised->lines.at[--to] = i && by_id(&raised->lines.at[i - 1], &bench->fresh.at[j - 1]) > 0
					     ? raised->lines.at[--i]
					     : bench->fresh.at[--j];
}
