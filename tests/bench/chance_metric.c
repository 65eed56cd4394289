/* Numbers: A/A and A/B trials of one metric, simulated or measured, and a hundred proposals in a row. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chance.h"
#include "model/judge.h"

enum { MOST_RUNS = 8192 };

/* The runs of one trial: the candidate's first, then pairs, base and candidate. */
struct series {
	double first, stored; /* stored: the base's mean in another sitting, what a gate with a stored number knows */
	double base[MOST_RUNS], here[MOST_RUNS];
	size_t n;
};

/* ---- noise ---- */

/* One run of a second, at a time from 0 to 1 of the sitting. Standard deviation about 1 % where nothing else is said.
 */
static double
run_of(const char *noise, struct rt_chance *chance, double time)
{
	double plain = exp(0.01 * rt_chance_normal(chance)), squares = 0;

	if (!strcmp(noise, "heavy")) { /* Student's t with 3 degrees of freedom */
		for (int i = 0; i < 3; i++) {
			double x = rt_chance_normal(chance);
			squares += x * x;
		}
		return exp(0.01 / sqrt(3) * rt_chance_normal(chance) / sqrt(squares / 3));
	}
	if (!strcmp(noise, "drift"))
		return plain * (1 + 0.05 * time);
	if (!strcmp(noise, "spikes") && rt_chance_uniform(chance) < 0.05)
		return plain * (1 - 0.5 * log(rt_chance_uniform(chance)));
	return plain;
}

static void
simulate(struct series *series, const char *noise, double effect, size_t pairs, struct rt_chance *chance)
{
	bool sittings = !strcmp(noise, "sittings");
	double here = sittings ? exp(0.05 * rt_chance_normal(chance)) : 1;
	double before = sittings ? exp(0.05 * rt_chance_normal(chance)) : 1;

	series->stored = 0;
	for (int i = 0; i < 10; i++)
		series->stored += before * run_of(noise, chance, i / 10.0) / 10;
	series->first = here * effect * run_of(noise, chance, 0);
	series->n = pairs;
	for (size_t i = 0; i < pairs; i++) {
		double early = (2 * (double)i) / (2 * (double)pairs), late = (2 * (double)i + 1) / (2 * (double)pairs);
		bool base_first = i % 2 == 0;

		series->base[i] = here * run_of(noise, chance, base_first ? early : late);
		series->here[i] = here * effect * run_of(noise, chance, base_first ? late : early);
	}
}

/* ---- the gate ---- */

struct gate {
	struct rt_config config;
	struct rt_check check;
	struct rt_cell cell;
	struct rt_baseline baseline;
	struct rt_trial trial;
	struct rt_judge_input input;
	struct rt_judgement out;
};

static void
measured(struct rt_run *run, double value)
{
	*run = (struct rt_run){.end = RT_CELL_COMPLETE};
	rt_results_metric(&run->results, "time/time", value);
	rt_results_case(&run->results, "time/(ran)", RT_STATUS_PASS, -1, -1, NULL, 0);
}

static void
add_pair(struct rt_trial *trial, double base, double here)
{
	if (!trial->second) {
		trial->second = rt_alloc(1, sizeof(*trial->second));
		trial->base = rt_alloc(1, sizeof(*trial->base));
		measured(trial->second, here);
		measured(trial->base, base);
		return;
	}
	trial->more = rt_realloc(trial->more, trial->n_more + 1, sizeof(*trial->more));
	trial->bases = rt_realloc(trial->bases, trial->n_bases + 1, sizeof(*trial->bases));
	measured(&trial->more[trial->n_more++], here);
	measured(&trial->bases[trial->n_bases++], base);
}

/* Judges the series against the bar; the pairs are made as the engine makes them, while the judge asks for more. */
static void
gate_run(struct gate *gate, const struct series *series, double bar, double margin, unsigned samples)
{
	static char name[] = "time", format[] = "regex";
	bool want = false;
	size_t made = 0;

	memset(gate, 0, sizeof(*gate));
	gate->config.probation = 1;
	gate->check = (struct rt_check){
	    .name = name, .kind = RT_KIND_METRIC, .report.format = format, .samples = samples, .margin = margin};
	gate->cell = (struct rt_cell){.name = name, .check = &gate->check};
	gate->trial.cell = &gate->cell;
	rt_baseline_add(&gate->baseline, "time/(ran)", RT_LEVEL_PASS, false, 0, 0);
	rt_baseline_add(&gate->baseline, "time/time", RT_LEVEL_LOWER, true, bar, 0);
	rt_baseline_seal(&gate->baseline);
	gate->input = (struct rt_judge_input){
	    .config = &gate->config, .baseline = &gate->baseline, .trials = &gate->trial, .n = 1};
	measured(&gate->trial.first, series->first);
	while (rt_judge_rounds(&gate->input, &want) && made < series->n) {
		add_pair(&gate->trial, series->base[made], series->here[made]);
		made++;
	}
	rt_judge(&gate->input, &gate->out);
}

static double
raised_bar(const struct gate *gate)
{
	return rt_baseline_find(&gate->out.raised, "time/time")->value;
}

static void
gate_release(struct gate *gate)
{
	rt_trial_release(&gate->trial);
	rt_baseline_release(&gate->baseline);
	rt_judgement_release(&gate->out);
}

/* ---- one number at a time ---- */

struct counted {
	unsigned trials, regressed, landed, inconclusive, moved;
	double pairs;
};

static void
count(struct counted *counted, const struct gate *gate, double bar)
{
	counted->trials++;
	counted->regressed += gate->out.verdict == RT_VERDICT_REGRESSED;
	counted->landed += gate->out.verdict == RT_VERDICT_WOULD_LAND;
	counted->inconclusive += gate->out.verdict == RT_VERDICT_INCONCLUSIVE;
	counted->moved += raised_bar(gate) != bar;
	counted->pairs += (double)((gate->trial.base != NULL) + gate->trial.n_bases);
}

static void
print_counted(const struct counted *counted)
{
	printf("trials %u\nregressed %u\nlanded %u\ninconclusive %u\nmoved %u\npairs %.3f\n", counted->trials,
	       counted->regressed, counted->landed, counted->inconclusive, counted->moved,
	       counted->pairs / (counted->trials ? counted->trials : 1));
}

/* What the judge may ask for at most: the last look, and the pairs that confirm an improvement. */
static size_t
most_pairs(unsigned samples)
{
	return (size_t)samples * 16 > MOST_RUNS ? MOST_RUNS : (size_t)samples * 16;
}

/* A line: the stored number, and the pairs up to the last regular look. */
static void
dump(FILE *out, const struct series *series, size_t pairs)
{
	fprintf(out, "%.9g", series->stored);
	for (size_t i = 0; i < pairs; i++)
		fprintf(out, " %.9g %.9g", series->base[i], series->here[i]);
	fputc('\n', out);
}

static int
metric_of_data(char **argv)
{
	struct series *series = rt_alloc(1, sizeof(*series));
	struct counted counted = {0};
	double margin = atof(argv[1]);
	unsigned samples = (unsigned)atoi(argv[2]);
	char *line = NULL, *at, *end;
	size_t cap = 0;

	while (getline(&line, &cap, stdin) > 0) {
		struct gate gate;

		series->first = strtod(line, &at);
		for (series->n = 0; series->n < MOST_RUNS; series->n++, at = end) {
			series->base[series->n] = strtod(at, &end);
			if (end == at)
				break;
			at = end;
			series->here[series->n] = strtod(at, &end);
		}
		gate_run(&gate, series, 1, margin, samples);
		count(&counted, &gate, 1);
		gate_release(&gate);
	}
	free(line);
	free(series);
	print_counted(&counted);
	return 0;
}

int
bench_metric(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[0], "-"))
		return metric_of_data(argv);
	if (argc < 6)
		return 2;
	struct rt_chance chance = {.state = strtoull(argv[5], NULL, 10)};
	struct series *series = rt_alloc(1, sizeof(*series));
	struct counted counted = {0};
	double margin = atof(argv[3]);
	unsigned samples = (unsigned)atoi(argv[4]);
	FILE *out = argc > 6 ? fopen(argv[6], "w") : NULL;

	for (int i = 0; i < atoi(argv[2]); i++) {
		struct gate gate;

		simulate(series, argv[0], atof(argv[1]), most_pairs(samples), &chance);
		gate_run(&gate, series, 1, margin, samples);
		count(&counted, &gate, 1);
		if (out)
			dump(out, series, (size_t)samples * 4);
		gate_release(&gate);
	}
	free(series);
	print_counted(&counted);
	return out && fclose(out) ? 1 : 0;
}

/*
 * A hundred proposals that change nothing, each against the bar that the ones before left, and one more: does it still
 * pass? Beside it the plain ratchet, whose bar is the best number ever seen, with 5 % of tolerance.
 */
int
bench_hundred(int argc, char **argv)
{
	if (argc < 5)
		return 2;
	struct rt_chance chance = {.state = strtoull(argv[4], NULL, 10)};
	struct series *series = rt_alloc(1, sizeof(*series));
	struct counted last = {0};
	double margin = atof(argv[2]), lowest = 1;
	unsigned samples = (unsigned)atoi(argv[3]), naive = 0, moves = 0;

	for (int i = 0; i < atoi(argv[1]); i++) {
		double bar = 1, best = 1;

		for (int k = 0; k <= 100; k++) {
			struct gate gate;

			simulate(series, argv[0], 1, most_pairs(samples), &chance);
			gate_run(&gate, series, bar, margin, samples);
			if (k == 100) {
				count(&last, &gate, bar);
				naive += series->first > best * 1.05;
			} else if (gate.out.verdict == RT_VERDICT_WOULD_LAND) {
				moves += raised_bar(&gate) != bar;
				bar = raised_bar(&gate);
			}
			best = fmin(best, series->first);
			gate_release(&gate);
		}
		lowest = fmin(lowest, bar);
	}
	free(series);
	print_counted(&last);
	printf("moves %u\nlowest %.6f\nnaive %u\n", moves, lowest, naive);
	return 0;
}
