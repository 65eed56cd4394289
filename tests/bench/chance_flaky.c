/* Cases that fail at times, in a large matrix; and a large baseline. */

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chance.h"
#include "model/judge.h"
#include "model/sequential.h"
#include "support/file.h"

/* ---- a matrix with flaky cases ---- */

struct class
{
	size_t count;
	double base, here; /* failure rates */
	double runs;	   /* of its red cases, summed */
	unsigned red;
};

/* Only the cases that may fail are there one by one; the others are counted. */
struct matrix {
	struct class *classes;
	size_t n_classes, n, cases;
	char (*ids)[16];
	double *rates[2];
	bool *counted; /* of the gate under way: its case was not red at first, or its answer was seen */
	struct rt_chance chance;
	struct rt_config config;
	struct rt_check check;
	struct rt_cell cell;
	struct rt_baseline baseline;
};

static void
matrix_run(struct matrix *m, struct rt_run *run, bool on_base, const char *only)
{
	*run = (struct rt_run){.end = RT_CELL_COMPLETE, .only = only ? rt_strdup(only) : NULL};
	run->results.known = &m->baseline;
	for (size_t i = 0; i < m->n; i++) {
		bool failed = rt_chance_uniform(&m->chance) < m->rates[!on_base][i];

		if (!only || !strcmp(m->ids[i], only))
			rt_results_case(&run->results, m->ids[i], failed ? RT_STATUS_FAIL : RT_STATUS_PASS, -1, -1,
					NULL, 0);
	}
	run->results.counts[RT_STATUS_PASS] += m->cases - m->n;
}

static void
more_run(struct matrix *m, struct rt_trial *trial, bool on_base, const char *only)
{
	struct rt_run **single = on_base ? &trial->base : &trial->second;
	struct rt_run **many = on_base ? &trial->bases : &trial->more;
	size_t *n = on_base ? &trial->n_bases : &trial->n_more;

	if (!*single) {
		*single = rt_alloc(1, sizeof(**single));
		matrix_run(m, *single, on_base, only);
		return;
	}
	*many = rt_realloc(*many, *n + 1, sizeof(**many));
	matrix_run(m, &(*many)[(*n)++], on_base, only);
}

static void
more_round(struct matrix *m, const struct rt_judge_input *input, struct rt_trial *trial)
{
	const char *cases[RT_ROUND_CASES];
	size_t n = rt_judge_round_cases(input, trial, cases);

	for (int side = 0; side < 2; side++) {
		for (size_t k = 0; k < n; k++)
			more_run(m, trial, side == 0, cases[k]);
		if (!n)
			more_run(m, trial, side == 0, NULL);
	}
}

struct tally {
	unsigned gates, regressed, inconclusive, landed;
	size_t rounds;
};

static size_t
case_of(const char *id)
{
	return (size_t)atoi(id + strlen("unit/"));
}

static struct class *
class_of(struct matrix *m, size_t at)
{
	size_t k = 0;

	for (; at >= m->classes[k].count; k++)
		at -= m->classes[k].count;
	return &m->classes[k];
}

/* Counts the runs of each case that was red at first, when the judge has its answer for the first time. */
static void
count_decisions(struct matrix *m, const struct rt_judge_input *input, bool last)
{
	rt_auto(judgement) struct rt_judgement out = RT_JUDGEMENT_INIT;

	rt_judge(input, &out);
	for (size_t i = 0; i < out.decisions.n; i++) {
		const struct rt_decision *d = &out.decisions.at[i];
		size_t at = case_of(d->id);

		if (m->counted[at] || (!last && !strcmp(d->answer, "inconclusive")))
			continue;
		m->counted[at] = true;
		class_of(m, at)->runs += d->runs;
		class_of(m, at)->red++;
	}
}

static void
gate(struct matrix *m, struct tally *tally)
{
	struct rt_trial trial = {.cell = &m->cell};
	struct rt_judge_input input = {.config = &m->config, .baseline = &m->baseline, .trials = &trial, .n = 1};
	rt_auto(judgement) struct rt_judgement out = RT_JUDGEMENT_INIT;
	bool red = false;

	matrix_run(m, &trial.first, false, NULL);
	for (size_t i = 0; i < m->n; i++)
		m->counted[i] = rt_results_find(&trial.first.results, m->ids[i])->status == RT_STATUS_PASS;
	rt_judge_reds(&input, &red);
	if (red) {
		more_run(m, &trial, false, NULL);
		more_run(m, &trial, true, NULL);
		for (; rt_judge_rounds(&input, &red); more_round(m, &input, &trial))
			count_decisions(m, &input, false);
		count_decisions(m, &input, true);
		tally->rounds += 1 + trial.n_bases;
	}
	rt_judge(&input, &out);
	tally->gates++;
	tally->regressed += out.verdict == RT_VERDICT_REGRESSED;
	tally->inconclusive += out.verdict == RT_VERDICT_INCONCLUSIVE;
	tally->landed += out.verdict == RT_VERDICT_WOULD_LAND;
	rt_trial_release(&trial);
}

/*
 * The mean number of runs that the bare test takes for a case whose first run failed, among as many others as chance
 * has fail at once.
 */
static double
expected_runs(const struct matrix *m, double rate)
{
	struct rt_sequential test;
	double suspects = 0;

	for (size_t i = 0; i < m->n_classes; i++)
		suspects += (double)m->classes[i].count * m->classes[i].here;
	rt_sequential_init(&test, RT_RATE_CALM, (double)m->cases);
	rt_sequential_guard(&test, (double)m->cases, suspects);
	rt_sequential_add(&test, true);
	return 1 + rt_sequential_mean(&test, rate);
}

static void
matrix_fill(struct matrix *m)
{
	static char name[] = "unit", format[] = "junit";
	size_t at = 0;

	for (size_t i = 0; i < m->n_classes; i++)
		m->n += m->classes[i].count;
	m->ids = rt_alloc(m->n + 1, sizeof(*m->ids));
	m->counted = rt_alloc(m->n + 1, sizeof(*m->counted));
	for (int side = 0; side < 2; side++)
		m->rates[side] = rt_alloc(m->n + 1, sizeof(**m->rates));
	for (size_t i = 0; i < m->n_classes; i++)
		for (size_t k = 0; k < m->classes[i].count; k++, at++) {
			snprintf(m->ids[at], sizeof(m->ids[at]), "unit/%08zu", at);
			rt_baseline_add(&m->baseline, m->ids[at], RT_LEVEL_PASS, false, 0, 0);
			m->rates[0][at] = m->classes[i].base;
			m->rates[1][at] = m->classes[i].here;
		}
	rt_baseline_seal(&m->baseline);
	m->config.probation = 1;
	m->check = (struct rt_check){.name = name, .kind = RT_KIND_CASES, .report.format = format, .samples = 1};
	m->cell = (struct rt_cell){.name = name, .check = &m->check};
}

int
bench_flaky(int argc, char **argv)
{
	struct class classes[16] = {{0}};
	struct matrix m = {.classes = classes};
	struct tally tally = {0};

	if (argc < 4)
		return 2;
	m.cases = strtoul(argv[0], NULL, 10);
	m.chance.state = strtoull(argv[2], NULL, 10);
	for (int i = 3; i < argc && m.n_classes < RT_COUNT(classes); i++) {
		struct class *class = &classes[m.n_classes++];
		if (sscanf(argv[i], "%zu:%lf:%lf", &class->count, &class->base, &class->here) != 3)
			return 2;
	}
	matrix_fill(&m);
	for (int i = 0; i < atoi(argv[1]); i++)
		gate(&m, &tally);
	printf("gates %u\nregressed %u\ninconclusive %u\nlanded %u\nrounds %.3f\n", tally.gates, tally.regressed,
	       tally.inconclusive, tally.landed, (double)tally.rounds / tally.gates);
	for (size_t i = 0; i < m.n_classes; i++)
		printf("red%zu %u\nruns%zu %.4f\nexpected%zu %.4f\n", i, classes[i].red, i,
		       classes[i].red ? classes[i].runs / classes[i].red : 0, i, expected_runs(&m, classes[i].here));
	rt_baseline_release(&m.baseline);
	free(m.ids);
	free(m.counted);
	free(m.rates[0]);
	free(m.rates[1]);
	return 0;
}

/* ---- a large baseline ---- */

static void
observe(struct rt_run *run, const struct rt_baseline *baseline)
{
	*run = (struct rt_run){.end = RT_CELL_COMPLETE};
	run->results.known = baseline;
	for (size_t i = 0; i < baseline->lines.n; i++) {
		const struct rt_line *line = &baseline->lines.at[i];

		if (line->level == RT_LEVEL_KNOWN)
			rt_results_finding(&run->results, line->id, "a message");
		else
			rt_results_case(&run->results, line->id, RT_STATUS_PASS, -1, -1, NULL, 0);
	}
}

/* Loads a baseline of findings, compares it with as many observations, writes what it becomes. */
int
bench_baseline(int argc, char **argv)
{
	static char name[] = "lint", format[] = "sarif";
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT, written = RT_BUF_INIT;
	rt_auto(baseline) struct rt_baseline baseline = RT_BASELINE_INIT;
	rt_auto(judgement) struct rt_judgement out = RT_JUDGEMENT_INIT;
	struct rt_config config = {.probation = 1};
	struct rt_check check = {.name = name, .kind = RT_KIND_FINDINGS, .report.format = format, .samples = 1};
	struct rt_cell cell = {.name = name, .check = &check};
	struct rt_trial trial = {.cell = &cell};
	struct rt_judge_input input = {.config = &config, .baseline = &baseline, .trials = &trial, .n = 1};
	struct rt_err err = RT_ERR_INIT;

	if (argc < 2)
		return 2;
	if (rt_file_read(AT_FDCWD, argv[0], (size_t)1 << 30, &text, &err) < 0 ||
	    rt_baseline_take(&baseline, name, &text, argv[0], &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	rt_baseline_seal(&baseline);
	observe(&trial.first, &baseline);
	rt_judge(&input, &out);
	rt_baseline_write(&out.raised, name, &written);
	FILE *file = fopen(argv[1], "w");
	size_t put = file ? fwrite(written.data, 1, written.len, file) : 0;
	if (!file || fclose(file) || put != written.len)
		return 1;
	printf("%s %zu\n", rt_verdict_name(out.verdict), out.raised.lines.n);
	rt_trial_release(&trial);
	return 0;
}
