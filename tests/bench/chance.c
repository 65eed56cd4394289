/*
 * Gates in memory, for tests/bench/chance.py: the judge of the engine decides, only what it is shown is simulated.
 * Each prints lines of a word and a number.
 *     chance metric NOISE EFFECT TRIALS MARGIN SAMPLES SEED [DUMP]
 *     chance metric - MARGIN SAMPLES <DATA         (a trial a line: runs in the order they were made)
 *     chance hundred NOISE REPLICATES MARGIN SAMPLES SEED
 *     chance flaky CASES GATES SEED CLASS...        (CLASS: COUNT:RATE-ON-THE-BASE:RATE-ON-THE-CANDIDATE)
 *     chance baseline FILE OUT
 */

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "chance.h"

/* Sebastiano Vigna's splitmix64. */
uint64_t
rt_chance_next(struct rt_chance *chance)
{
	uint64_t z = chance->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

double
rt_chance_uniform(struct rt_chance *chance)
{
	return ((double)(rt_chance_next(chance) >> 11) + 0.5) / 9007199254740992.0;
}

double
rt_chance_normal(struct rt_chance *chance)
{
	double radius = sqrt(-2 * log(rt_chance_uniform(chance)));

	return radius * cos(2 * 3.14159265358979323846 * rt_chance_uniform(chance));
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} modes[] = {
	    {"metric", bench_metric}, {"hundred", bench_hundred}, {"flaky", bench_flaky}, {"baseline", bench_baseline}};

	for (size_t i = 0; argc > 2 && i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(argv[1], modes[i].name))
			return modes[i].run(argc - 2, argv + 2);
	fputs("usage: chance metric|hundred|flaky|baseline ...\n", stderr);
	return 2;
}
