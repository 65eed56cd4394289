#include <string.h>

#include "model/judge_parts.h"

enum { EXCERPT_KEPT = 400 };

/* One trial under judgement, with what was gathered of it. */
struct look {
	struct rt_bench *bench;
	const struct rt_stand *stand;
	struct rt_support_judgement *out; /* NULL: only ask whether something failed */
	bool failed;
	size_t silent;		  /* cases of the baseline that did not run */
	const char *first_silent; /* one of them */
};

static bool
is_known_case(const struct rt_item *item)
{
	return item->kind == RT_ITEM_CASE && item->line && item->line->level == RT_LEVEL_PASS;
}

static bool
executed(const struct rt_sight *sight)
{
	return sight->status != RT_STATUS_SKIP && sight->status != RT_STATUS_ABSENT;
}

/*
 * A check that reports its exit code alone can't tell a failed build from a failed test. Where other cells need it, it
 * is a build; where none does, it is believed to be a test.
 */
static bool
is_build(const struct rt_stand *stand)
{
	return stand->trial->cell->needed && !strcmp(stand->check->report.format, "exit");
}

static void
add_failed(struct look *look, const struct rt_item *item, const struct rt_sight *now)
{
	rt_auto(buf) struct rt_buf is = RT_BUF_INIT, excerpt = RT_BUF_INIT;

	if (now->fell) {
		rt_buf_adds(&excerpt, "passes with fewer assertions than before");
		rt_number_write(&is, now->value);
	} else {
		rt_buf_adds(&is, rt_status_name(now->status));
		if (now->excerpt)
			rt_buf_add(&excerpt, now->excerpt, strnlen(now->excerpt, EXCERPT_KEPT));
	}
	rt_change_add(&look->out->failed, item->id, "pass", is.data, excerpt.len ? excerpt.data : NULL);
}

/* Red in the first run. */
static void
judge_failed(struct look *look, const struct rt_item *item, const struct rt_sight *first)
{
	const struct rt_stand *stand = look->stand;
	struct rt_sight again = {.colour = RT_VOID}, base = {.colour = RT_VOID};

	if (stand->trial->second)
		again = rt_stand_see(stand, &stand->views[1], item);
	if (stand->base.run)
		base = rt_stand_see(stand, &stand->base, item);
	if (again.colour != RT_RED)
		rt_strs_addf(&look->out->unsteady,
			     "%s fails with the target's own support files in one run and %s in another", item->id,
			     again.colour == RT_GREEN ? "passes" : "says nothing");
	else if (base.colour == RT_GREEN)
		add_failed(look, item, first);
	else if (base.colour == RT_RED)
		rt_strs_addf(&look->out->noted,
			     "%s fails with the target's own support files, and so it does on the target itself",
			     item->id);
	else
		rt_strs_addf(&look->out->unsteady,
			     "%s fails with the target's own support files, but on the target its cell %s", item->id,
			     stand->base.whole ? "failed as a whole" : rt_run_end_text(stand->base.run));
}

static bool
look_at_item(void *data, const struct rt_item *item)
{
	struct look *look = data;
	struct rt_sight sight;

	if (!is_known_case(item) || rt_bench_excuses(look->bench, look->stand, item, false))
		return true;
	sight = rt_stand_see(look->stand, &look->stand->views[0], item);
	if (sight.colour == RT_RED && executed(&sight) && !is_build(look->stand)) {
		look->failed = true;
		if (!look->out)
			return false;
		judge_failed(look, item, &sight);
	} else if (sight.colour == RT_GREEN) {
		if (look->out)
			look->out->held++;
	} else if (!look->silent++) {
		look->first_silent = item->id;
	}
	return true;
}

/* The first run gave no whole evidence: it hung, or the old files do not build. */
static void
judge_end(struct look *look)
{
	const struct rt_trial *trial = look->stand->trial;
	rt_auto(buf) struct rt_buf trouble = RT_BUF_INIT;

	if (rt_run_hung(&trial->first) && rt_run_hung(trial->second) && look->stand->base.whole) {
		rt_buf_addf(&trouble, "%s twice", rt_run_end_text(&trial->first));
		rt_change_add(&look->out->failed, look->stand->exit_id.data, "pass", "error", trouble.data);
		return;
	}
	rt_run_trouble(&trial->first, &trouble);
	rt_buf_cut(&trouble, strcspn(trouble.data, "\n"));
	rt_strs_addf(&look->out->unbuilt, "%s %s with the target's own support files%s%s", trial->cell->name,
		     rt_run_end_text(&trial->first), trouble.len ? ": " : "", trouble.data);
}

static void
judge_silent(struct look *look)
{
	const char *name = look->stand->trial->cell->name;

	if (look->silent && is_build(look->stand))
		rt_strs_addf(&look->out->unbuilt, "%s fails with the target's own support files", name);
	else if (look->silent == 1)
		rt_strs_addf(&look->out->unbuilt, "%s does not run with the target's own support files",
			     look->first_silent);
	else if (look->silent)
		rt_strs_addf(&look->out->unbuilt,
			     "%s and %zu more of %s do not run with the target's own support files", look->first_silent,
			     look->silent - 1, name);
	else if (look->stand->views[0].exit && !look->failed)
		rt_strs_addf(&look->out->unbuilt,
			     "%s ends with exit code %d with the target's own support files, though no case fails",
			     name, look->stand->trial->first.exit_code);
}

void
rt_judge_support_reds(const struct rt_judge_input *input, bool *red)
{
	rt_auto(bench) struct rt_bench bench = {0};
	size_t i;

	rt_bench_init(&bench, input, NULL);
	for (i = 0; i < input->n; i++) {
		rt_auto(stand) struct rt_stand stand = {0};
		struct look look = {.bench = &bench, .stand = &stand};

		rt_stand_init(&stand, input, &input->trials[i]);
		if (stand.views[0].whole)
			rt_stand_each(&stand, look_at_item, &look);
		red[i] = look.failed || rt_run_hung(&input->trials[i].first);
	}
}

void
rt_judge_support(const struct rt_judge_input *input, struct rt_support_judgement *out)
{
	rt_auto(bench) struct rt_bench bench = {0};
	size_t i;

	rt_bench_init(&bench, input, NULL);
	for (i = 0; i < input->n; i++) {
		rt_auto(stand) struct rt_stand stand = {0};
		struct look look = {.bench = &bench, .stand = &stand, .out = out};

		rt_stand_init(&stand, input, &input->trials[i]);
		if (!stand.views[0].whole) {
			judge_end(&look);
			continue;
		}
		rt_stand_each(&stand, look_at_item, &look);
		judge_silent(&look);
	}
}

static bool
passes_in(const struct rt_run *run, const char *id)
{
	const struct rt_case *c = run->end == RT_CELL_COMPLETE ? rt_results_find(&run->results, id) : NULL;

	return c && c->status == RT_STATUS_PASS;
}

bool
rt_judge_rename_passes(const struct rt_judge_input *support, const struct rt_rename *rename)
{
	size_t i;

	for (i = 0; i < support->n; i++)
		if (passes_in(&support->trials[i].first, rename->from))
			return !support->trials[i].second || passes_in(support->trials[i].second, rename->from);
	return false;
}

void
rt_support_judgement_release(struct rt_support_judgement *judgement)
{
	rt_changes_release(&judgement->failed);
	rt_strs_release(&judgement->unbuilt);
	rt_strs_release(&judgement->noted);
	rt_strs_release(&judgement->unsteady);
}
