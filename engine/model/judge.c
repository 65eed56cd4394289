#include "model/judge.h"

#include <stdio.h>
#include <string.h>

#include "model/judge_parts.h"

static const struct {
	const char *name;
	int exit;
} verdicts[] = {
#define X(name, text, exit) [RT_VERDICT_##name] = {text, exit},
    RT_VERDICTS(X)
#undef X
};

const char *
rt_verdict_name(enum rt_verdict verdict)
{
	return verdicts[verdict].name;
}

int
rt_verdict_exit(enum rt_verdict verdict)
{
	return verdicts[verdict].exit;
}

int
rt_verdict_parse(const char *name, enum rt_verdict *out)
{
	size_t i;

	for (i = 0; i < RT_COUNT(verdicts); i++)
		if (!strcmp(verdicts[i].name, name)) {
			*out = (enum rt_verdict)i;
			return 0;
		}
	return -1;
}

/* Most changes say one of a few words, of which a million copies would be a pity. */
static const char *
keep_word(struct rt_changes *changes, const char *word)
{
	static const char *const words[] = {"absent", "pass", "known", "fail", "error", "skip"};
	size_t i;

	for (i = 0; i < RT_COUNT(words); i++)
		if (!strcmp(words[i], word))
			return words[i];
	return rt_arena_add(&changes->arena, word, strlen(word));
}

void
rt_change_add(struct rt_changes *changes, const char *id, const char *was, const char *now, const char *excerpt)
{
	struct rt_change *change = rt_push(changes);

	change->id = rt_arena_add(&changes->arena, id, strlen(id));
	change->was = keep_word(changes, was);
	change->now = keep_word(changes, now);
	change->excerpt = excerpt ? rt_arena_add(&changes->arena, excerpt, strlen(excerpt)) : NULL;
}

void
rt_changes_release(struct rt_changes *changes)
{
	rt_arena_release(&changes->arena);
	free(changes->at);
	*changes = (struct rt_changes){0};
}

void
rt_judgement_release(struct rt_judgement *judgement)
{
	rt_changes_release(&judgement->regressions);
	rt_changes_release(&judgement->gains);
	rt_strs_release(&judgement->unproven);
	rt_strs_release(&judgement->waived);
	rt_strs_release(&judgement->demoted);
	rt_decisions_release(&judgement->decisions);
	rt_baseline_release(&judgement->raised);
}

/* The trial and everything around it: what the visits below get. */
struct place {
	struct rt_bench *bench;
	const struct rt_stand *stand;
};

void
rt_bench_doubt(struct rt_bench *bench, const char *fmt, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		rt_bug("can't format \"%s\"", fmt);
	va_end(args);
	rt_strs_add(&bench->out->unproven, text);
	free(text);
	bench->inconclusive = true;
}

bool
rt_run_hung(const struct rt_run *run)
{
	return run && (run->end == RT_CELL_TIMEOUT || run->end == RT_CELL_KILLED);
}

const char *
rt_run_end_text(const struct rt_run *run)
{
	if (!run)
		return "was not run";
	switch (run->end) {
	case RT_CELL_COMPLETE:
		return "gave its evidence";
	case RT_CELL_TIMEOUT:
		return "timed out";
	case RT_CELL_KILLED:
		return "was killed";
	case RT_CELL_BROKEN:
		return "gave no sound evidence";
	case RT_CELL_BLOCKED:
		return "was blocked by what it needs";
	case RT_CELL_NOT_RUN:
		return "was not run";
	}
	rt_bug("end %d", run->end);
}

enum { MOST_PROBLEMS = 5 }; /* that one line names */

void
rt_run_trouble(const struct rt_run *run, struct rt_buf *out)
{
	const struct rt_strs *problems = &run->results.problems;
	size_t i;

	for (i = 0; i < problems->n && i < MOST_PROBLEMS; i++)
		rt_buf_addf(out, "%s%s", i ? "; " : "", problems->at[i]);
	if (problems->n > MOST_PROBLEMS)
		rt_buf_addf(out, "; and %zu more", problems->n - MOST_PROBLEMS);
	if (!run->results.problems.n && run->tail)
		rt_buf_adds(out, run->tail);
}

static void
number_or(struct rt_buf *out, bool number, double value, const char *otherwise)
{
	if (number)
		rt_number_write(out, value);
	else
		rt_buf_adds(out, otherwise);
}

static void
metric_excerpt(struct rt_buf *out, const struct rt_stand *stand, const struct rt_item *item, double value)
{
	rt_number_write(out, value);
	rt_buf_adds(out, item->line->level == RT_LEVEL_LOWER ? " is more than " : " is less than ");
	rt_number_write(out, item->line->value);
	if (stand->check->margin > 0) {
		rt_buf_adds(out, " by over ");
		rt_number_write(out, stand->check->margin * 100);
		rt_buf_adds(out, "%");
	}
}

void
rt_bench_regress(struct rt_bench *bench, const struct rt_stand *stand, const struct rt_item *item,
		 const struct rt_sight *now)
{
	rt_auto(buf) struct rt_buf was = RT_BUF_INIT, is = RT_BUF_INIT, why = RT_BUF_INIT;
	const char *excerpt = now->excerpt;

	switch (item->kind) {
	case RT_ITEM_CASE:
		number_or(&was, now->fell, item->line ? item->line->value : 0,
			  item->line && item->line->level == RT_LEVEL_FLAKY ? "flaky" : "pass");
		number_or(&is, now->fell && now->has_value, now->value,
			  now->flaky  ? "flaky"
			  : now->fell ? "absent"
				      : rt_status_name(now->status));
		if (now->fell) {
			rt_buf_addf(&why, "passes with %s assertions, %s before", is.data, was.data);
			excerpt = why.data;
		}
		break;
	case RT_ITEM_METRIC:
		number_or(&was, true, item->line->value, NULL);
		number_or(&is, now->has_value, now->value, "absent");
		if (now->has_value) {
			metric_excerpt(&why, stand, item, now->value);
			excerpt = why.data;
		}
		break;
	case RT_ITEM_FINDING:
		rt_buf_adds(&was, "absent");
		rt_buf_adds(&is, "known");
		break;
	case RT_ITEM_EXIT:
		rt_buf_adds(&was, "pass");
		rt_buf_adds(&is, "error");
		if (!excerpt && stand->trial->first.exit_code > 0) {
			rt_buf_addf(&why, "the command ended with exit code %d, and no case of its report failed",
				    stand->trial->first.exit_code);
			excerpt = why.data;
		}
		break;
	}
	rt_change_add(&bench->out->regressions, item->id, was.data, is.data, excerpt);
}

/* Red in both runs of the candidate: what the base shows decides. */
static void
judge_twice_red(struct place *place, const struct rt_item *item, const struct rt_sight *first)
{
	const struct rt_view *base = &place->stand->base;
	struct rt_sight there = {.colour = RT_VOID};

	if (base->run)
		there = rt_stand_see(place->stand, base, item);
	if (there.colour == RT_GREEN)
		rt_bench_regress(place->bench, place->stand, item, first);
	else if (there.colour == RT_VOID)
		rt_bench_doubt(place->bench, "%s fails twice, but on the base its cell %s", item->id,
			       base->whole ? "failed as a whole" : rt_run_end_text(base->run));
	else if (item->line || item->kind == RT_ITEM_EXIT)
		rt_bench_red_there(place->bench, item, first);
	else
		rt_strs_addf(&place->bench->out->unproven, "%s fails, and is not in the baseline", item->id);
}

static void
judge_red(struct place *place, const struct rt_item *item, const struct rt_sight *first, bool again, bool calm)
{
	const struct rt_trial *trial = place->stand->trial;

	if (place->bench->input->adoption) {
		if (item->kind == RT_ITEM_EXIT && trial->cell->check->kind == RT_KIND_PREPARE)
			rt_bench_doubt(place->bench, "%s failed with exit code %d", trial->cell->name,
				       trial->first.exit_code);
		else if (item->kind == RT_ITEM_EXIT)
			rt_bench_doubt(place->bench, "%s: the command failed, and no case of its report did", item->id);
		else
			rt_strs_addf(&place->bench->out->unproven, "%s fails, and is not recorded", item->id);
	} else if (first->colour == RT_RED && (again || rt_run_hung(trial->second))) {
		judge_twice_red(place, item, first);
	} else if (calm) {
		rt_bench_doubt(place->bench,
			       "%s fails in one run and not in another: it depends on chance, time or order", item->id);
	} else {
		rt_bench_doubt(place->bench, "%s fails, and its cell %s a second time", item->id,
			       rt_run_end_text(trial->second));
	}
}

/* The same, and why is kept. */
static void
judge_plain(struct place *place, const struct rt_item *item, const struct rt_sight *first, bool again, bool calm)
{
	const struct rt_judgement *out = place->bench->out;
	size_t regressions = out->regressions.n;
	bool inconclusive = place->bench->inconclusive;

	place->bench->inconclusive = false;
	judge_red(place, item, first, again, calm);
	if (!place->bench->input->adoption)
		rt_bench_plain(place->bench, place->stand, item,
			       out->regressions.n > regressions ? "regressed"
			       : place->bench->inconclusive	? "inconclusive"
								: "not in the baseline");
	place->bench->inconclusive |= inconclusive;
}

/* Was there no run after the first, or one without whole evidence? Then there is nothing to count. */
static bool
no_count(const struct rt_stand *stand)
{
	size_t v;

	for (v = 1; v < stand->n; v++)
		if (!stand->views[v].whole)
			return true;
	return !stand->trial->second;
}

static bool
judge_item(void *data, const struct rt_item *item)
{
	struct place *place = data;
	const struct rt_stand *stand = place->stand;
	struct rt_sight first = rt_stand_see(stand, &stand->views[0], item), seen = first;
	bool red = first.colour == RT_RED, calm = !red && first.colour != RT_VOID, again = false;
	size_t v;

	if (rt_stand_pairs(stand, item)) {
		rt_bench_paired(place->bench, stand, item);
		return true;
	}

	for (v = 1; v < stand->n; v++) {
		struct rt_sight sight = rt_stand_see(stand, &stand->views[v], item);

		if (!red && sight.colour == RT_RED)
			seen = sight;
		red |= sight.colour == RT_RED;
		calm |= sight.colour == RT_GREEN || sight.colour == RT_MUTE;
		if (stand->views[v].run == stand->trial->second)
			again = sight.colour == RT_RED;
	}
	if (!red)
		rt_bench_raise(place->bench, stand, item);
	else if (!rt_bench_excuses(place->bench, stand, item, true)) {
		if (item->kind == RT_ITEM_CASE && item->line && !place->bench->input->adoption && !no_count(stand))
			rt_bench_known_case(place->bench, stand, item, &seen);
		else
			judge_plain(place, item, &first, again, calm);
	}
	return true;
}

/* Hung or killed: the cell's end is what regresses, when the base's run came to its end and a clean one. */
static void
judge_hung(struct place *place)
{
	const struct rt_trial *trial = place->stand->trial;
	const struct rt_view *base = &place->stand->base;
	const char *name = trial->cell->name;
	rt_auto(buf) struct rt_buf excerpt = RT_BUF_INIT;

	if (!rt_run_hung(trial->second)) {
		rt_bench_doubt(place->bench, "%s %s, and then %s", name, rt_run_end_text(&trial->first),
			       rt_run_end_text(trial->second));
	} else if (base->whole && !base->exit) {
		rt_buf_addf(&excerpt, "%s twice", rt_run_end_text(&trial->first));
		if (trial->first.results.problems.n || trial->first.tail)
			rt_buf_adds(&excerpt, ": ");
		rt_run_trouble(&trial->first, &excerpt);
		rt_change_add(&place->bench->out->regressions, place->stand->exit_id.data, "pass", "error",
			      excerpt.data);
	} else {
		rt_bench_doubt(place->bench, "%s %s twice, but on the base it %s", name, rt_run_end_text(&trial->first),
			       base->exit ? "failed as a whole" : rt_run_end_text(base->run));
	}
}

/* The first run gave no whole evidence. */
static void
judge_end(struct place *place)
{
	const struct rt_trial *trial = place->stand->trial;
	const struct rt_run *worse = &trial->first;
	rt_auto(buf) struct rt_buf trouble = RT_BUF_INIT;

	if (rt_run_hung(worse) && !place->bench->input->adoption) {
		judge_hung(place);
		return;
	}
	if (trial->second && trial->second->end == RT_CELL_BROKEN)
		worse = trial->second;
	rt_run_trouble(worse, &trouble);
	rt_bench_doubt(place->bench, "%s %s%s%s", trial->cell->name, rt_run_end_text(&trial->first),
		       trouble.len ? ": " : "", trouble.data);
}

static void
judge_trial(struct rt_bench *bench, const struct rt_trial *trial)
{
	rt_auto(stand) struct rt_stand stand = {0};
	struct place place = {bench, &stand};
	size_t v;

	rt_stand_init(&stand, bench->input, trial);
	if (!stand.views[0].whole) {
		judge_end(&place);
		return;
	}
	for (v = 1; v < stand.n; v++)
		if (!stand.views[v].whole)
			rt_bench_doubt(bench, "%s %s in a later run", trial->cell->name,
				       rt_run_end_text(stand.views[v].run));
	rt_stand_each(&stand, judge_item, &place);
}

void
rt_judge(const struct rt_judge_input *input, struct rt_judgement *out)
{
	rt_auto(bench) struct rt_bench bench = {0};
	size_t i;

	rt_bench_init(&bench, input, out);
	if (!input->n)
		rt_bench_doubt(&bench, "no cell was run: nothing was shown");
	for (i = 0; i < input->n; i++)
		judge_trial(&bench, &input->trials[i]);
	rt_bench_finish(&bench);
	if (out->regressions.n)
		out->verdict = RT_VERDICT_REGRESSED;
	else if (bench.inconclusive)
		out->verdict = RT_VERDICT_INCONCLUSIVE;
	else
		out->verdict = input->adoption ? RT_VERDICT_ADOPTED : RT_VERDICT_WOULD_LAND;
}

struct search {
	struct rt_bench *bench;
	const struct rt_stand *stand;
	bool found;
};

static bool
find_red(void *data, const struct rt_item *item)
{
	struct search *search = data;
	struct rt_sight first = rt_stand_see(search->stand, &search->stand->views[0], item);

	search->found = !rt_stand_pairs(search->stand, item) && first.colour == RT_RED &&
			!rt_bench_excuses(search->bench, search->stand, item, false);
	return !search->found;
}

static bool
find_new(void *data, const struct rt_item *item)
{
	struct search *search = data;

	search->found = !item->line && (item->kind == RT_ITEM_CASE || item->kind == RT_ITEM_METRIC) &&
			rt_stand_see(search->stand, &search->stand->views[0], item).colour == RT_GREEN;
	return !search->found;
}

/* True when find stops at an id of the trial, whose first run is whole. */
static bool
search_trial(struct rt_bench *bench, const struct rt_trial *trial, bool (*find)(void *, const struct rt_item *))
{
	rt_auto(stand) struct rt_stand stand = {0};
	struct search search = {bench, &stand, false};

	rt_stand_init(&stand, bench->input, trial);
	rt_stand_each(&stand, find, &search);
	return search.found;
}

void
rt_judge_reds(const struct rt_judge_input *input, bool *red)
{
	rt_auto(bench) struct rt_bench bench = {0};
	size_t i;

	rt_bench_init(&bench, input, NULL);
	for (i = 0; i < input->n; i++) {
		const struct rt_run *first = &input->trials[i].first;

		if (input->adoption)
			red[i] = false;
		else if (first->end == RT_CELL_COMPLETE)
			red[i] = search_trial(&bench, &input->trials[i], find_red);
		else
			red[i] = rt_run_hung(first) || first->end == RT_CELL_BROKEN;
	}
}

void
rt_judge_probation(const struct rt_judge_input *input, size_t *more)
{
	rt_auto(bench) struct rt_bench bench = {0};
	size_t i, made;

	rt_bench_init(&bench, input, NULL);
	for (i = 0; i < input->n; i++) {
		const struct rt_trial *trial = &input->trials[i];

		made = 1 + (trial->second != NULL) + trial->n_more;
		more[i] = 0;
		if (made < input->config->probation && trial->first.end == RT_CELL_COMPLETE &&
		    trial->cell->check->kind != RT_KIND_PREPARE && search_trial(&bench, trial, find_new))
			more[i] = input->config->probation - made;
	}
}
