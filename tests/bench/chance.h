#ifndef RT_TESTS_BENCH_CHANCE_H
#define RT_TESTS_BENCH_CHANCE_H

/* Random numbers that are the same on every machine, and the simulated gates that tests/bench/chance.py asks for.
 */

#include <stdint.h>

struct rt_chance {
	uint64_t state;
};

uint64_t rt_chance_next(struct rt_chance *chance);
/* From above 0 to below 1. */
double rt_chance_uniform(struct rt_chance *chance);
double rt_chance_normal(struct rt_chance *chance);

int bench_metric(int argc, char **argv);
int bench_hundred(int argc, char **argv);
int bench_flaky(int argc, char **argv);
int bench_baseline(int argc, char **argv);

#endif
