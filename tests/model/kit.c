#include "kit.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

struct kit kit;

static struct rt_buf text = RT_BUF_INIT;

void
kit_start(void)
{
	memset(&kit, 0, sizeof(kit));
	kit.config.probation = 1;
	kit.input = (struct rt_judge_input){.config = &kit.config,
					    .baseline = &kit.baseline,
					    .trials = kit.trials,
					    .waivers = &kit.waivers,
					    .now = 1000};
}

void
kit_finish(void)
{
	size_t i;

	for (i = 0; i < kit.input.n; i++) {
		rt_trial_release(&kit.trials[i]);
		free(kit.cells[i].name);
	}
	rt_baseline_release(&kit.baseline);
	rt_waivers_release(&kit.waivers);
	rt_renames_free(kit.renames, kit.n_renames);
	rt_judgement_release(&kit.out);
	rt_buf_release(&text);
}

size_t
kit_cell(const char *name, enum rt_kind kind)
{
	static char format[] = "junit";
	size_t i = kit.input.n++;

	kit.cells[i].name = rt_strdup(name);
	kit.cells[i].check = &kit.checks[i];
	kit.checks[i] =
	    (struct rt_check){.name = kit.cells[i].name, .kind = kind, .report.format = format, .samples = 1};
	kit.trials[i].cell = &kit.cells[i];
	kit.trials[i].first.end = RT_CELL_NOT_RUN;
	return i;
}

static struct rt_run *
run_of(size_t cell, enum kit_run which)
{
	struct rt_trial *trial = &kit.trials[cell];
	struct rt_run **run = which == KIT_SECOND ? &trial->second : &trial->base;

	if (which == KIT_FIRST)
		return &trial->first;
	if (!*run)
		*run = rt_alloc(1, sizeof(**run));
	return *run;
}

struct rt_run *
kit_ended(size_t cell, enum kit_run which, enum rt_cell_end end)
{
	struct rt_run *run = run_of(cell, which);

	run->end = end;
	return run;
}

static enum rt_status
status_named(const char *name, size_t len)
{
	size_t i;

	for (i = RT_STATUS_PASS; i <= RT_STATUS_ABSENT; i++)
		if (strlen(rt_status_name(i)) == len && !memcmp(rt_status_name(i), name, len))
			return (enum rt_status)i;
	cr_assert(false, "no status %.*s", (int)len, name);
	return RT_STATUS_ABSENT;
}

static void
add_case(struct rt_run *run, const char *cell, const char *word)
{
	rt_auto(free) char *id = rt_format("%s/%.*s", cell, (int)strcspn(word, "="), word);
	const char *status = word + strcspn(word, "=") + 1, *count = strchr(status, ':');
	rt_auto(free) char *note = rt_format("note of %s", id);
	enum rt_status s = status_named(status, count ? (size_t)(count - status) : strlen(status));

	rt_results_case(&run->results, id, s, count ? (int32_t)strtol(count + 1, NULL, 10) : -1, -1,
			s == RT_STATUS_PASS ? NULL : note, strlen(note));
}

static void
add_seen(struct rt_run *run, size_t cell, const char *seen)
{
	rt_auto(free) char *copy = rt_strdup(seen);
	const char *name = kit.cells[cell].name;
	char *rest = NULL, *word;

	run->end = RT_CELL_COMPLETE;
	for (word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		rt_auto(free) char *id = rt_format("%s/%s", name, word[0] == 'm' ? kit.checks[cell].name : word + 2);

		if (rt_starts_with(word, "m:"))
			rt_results_metric(&run->results, id, strtod(word + 2, NULL));
		else if (rt_starts_with(word, "f:"))
			rt_results_finding(&run->results, id, "message");
		else
			add_case(run, name, word);
	}
}

struct rt_run *
kit_ran(size_t cell, enum kit_run which, const char *seen)
{
	struct rt_run *run = kit_ended(cell, which, RT_CELL_COMPLETE);

	add_seen(run, cell, seen);
	return run;
}

static void
add_round(struct rt_run **single, struct rt_run **many, size_t *n, size_t cell, const char *seen)
{
	if (!seen)
		return;
	if (!*single) {
		*single = rt_alloc(1, sizeof(**single));
		add_seen(*single, cell, seen);
		return;
	}
	*many = rt_realloc(*many, *n + 1, sizeof(**many));
	memset(&(*many)[*n], 0, sizeof(**many));
	add_seen(&(*many)[(*n)++], cell, seen);
}

void
kit_round(size_t cell, const char *candidate, const char *base)
{
	struct rt_trial *trial = &kit.trials[cell];

	add_round(&trial->second, &trial->more, &trial->n_more, cell, candidate);
	add_round(&trial->base, &trial->bases, &trial->n_bases, cell, base);
}

bool
kit_more(size_t cell)
{
	bool want[KIT_CELLS] = {false};

	rt_baseline_seal(&kit.baseline);
	(void)rt_judge_rounds(&kit.input, want);
	return want[cell];
}

void
kit_line(const char *line)
{
	char id[128], level_name[16], value[32];
	enum rt_level level;
	double x = 0;
	unsigned epoch;

	cr_assert_eq(sscanf(line, "%127s %15s %31s %u", id, level_name, value, &epoch), 4, "%s", line);
	cr_assert_eq(rt_level_parse(level_name, strlen(level_name), &level), 0);
	if (strcmp(value, "-") != 0)
		cr_assert_eq(rt_number_parse(value, strlen(value), &x), 0);
	rt_baseline_add(&kit.baseline, id, level, strcmp(value, "-") != 0, x, epoch);
}

void
kit_waive(const char *id, enum rt_waiver_to to, double number)
{
	struct rt_waiver *waiver = rt_push(&kit.waivers);

	*waiver = (struct rt_waiver){.id = rt_strdup(id), .to = to, .number = number, .until = 2000};
}

void
kit_rename(const char *from, const char *to)
{
	kit.renames = rt_realloc(kit.renames, kit.n_renames + 1, sizeof(*kit.renames));
	kit.renames[kit.n_renames++] = (struct rt_rename){rt_strdup(from), rt_strdup(to), false};
	kit.input.renames = kit.renames;
	kit.input.n_renames = kit.n_renames;
}

enum rt_verdict
kit_judge(void)
{
	rt_baseline_seal(&kit.baseline);
	rt_judgement_release(&kit.out);
	kit.out = (struct rt_judgement)RT_JUDGEMENT_INIT;
	rt_judge(&kit.input, &kit.out);
	return kit.out.verdict;
}

bool
kit_red(size_t cell)
{
	bool red[KIT_CELLS] = {false};

	rt_baseline_seal(&kit.baseline);
	rt_judge_reds(&kit.input, red);
	return red[cell];
}

const struct rt_change *
kit_find(const struct rt_changes *changes, const char *id)
{
	size_t i;

	for (i = 0; i < changes->n; i++)
		if (!strcmp(changes->at[i].id, id))
			return &changes->at[i];
	return NULL;
}

bool
kit_unproven(const char *id, const char *word)
{
	size_t i;

	for (i = 0; i < kit.out.unproven.n; i++)
		if (rt_starts_with(kit.out.unproven.at[i], id) && strstr(kit.out.unproven.at[i], word))
			return true;
	return false;
}

const char *
kit_raised(const char *id)
{
	const struct rt_line *line = rt_baseline_find(&kit.out.raised, id);

	if (!text.cap)
		text = (struct rt_buf)RT_BUF_INIT;
	rt_buf_cut(&text, 0);
	if (!line)
		return "";
	rt_buf_addf(&text, "%s ", rt_level_name(line->level));
	if (line->has_value)
		rt_number_write(&text, line->value);
	else
		rt_buf_addc(&text, '-');
	rt_buf_addf(&text, " %u", line->epoch);
	return text.data;
}

const struct rt_decision *
kit_decision(void)
{
	cr_assert_eq(kit.out.decisions.n, 1);
	return &kit.out.decisions.at[0];
}
