/*
 * Runs a command in N cells, some at a time, and prints what a cell costs:
 *     bench_cell COUNT AT_ONCE LEVEL COMMAND [ARG...]
 * The workspace is an empty layer. tests/bench/cell.py compares the numbers with other programs'.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run/cell.h"
#include "support/clock.h"
#include "support/file.h"

struct run {
	const char *dir;
	unsigned long count, at_once, next;
	enum rt_isolation level;
	const char *const *argv;
	struct rt_cell_spec *specs;
	char **reports;
};

static int
start_next(struct run *run, struct rt_pool *pool, const char *const *lowers, struct rt_err *err)
{
	unsigned long i = run->next++;
	run->reports[i] = rt_format("%s/out-%lu", run->dir, i);
	if (rt_mkdirs(AT_FDCWD, run->reports[i], 0755, err) < 0)
		return -1;
	run->specs[i] = (struct rt_cell_spec){.name = "bench",
					      .argv = run->argv,
					      .lowers = lowers,
					      .reports = run->reports[i],
					      .level = run->level,
					      .timeout_ms = 60000,
					      .output_fd = -1};
	return rt_pool_start(pool, &run->specs[i], err);
}

static int
run_all(struct run *run, const char *const *lowers, struct rt_err *err)
{
	struct rt_pool *pool = rt_pool_new();
	int rc = 0;
	while (rc == 0 && (run->next < run->count || rt_pool_size(pool))) {
		if (run->next < run->count && rt_pool_running(pool) < run->at_once) {
			rc = start_next(run, pool, lowers, err);
			continue;
		}
		rt_auto(cell_outcome) struct rt_cell_outcome *outcome = NULL;
		rc = rt_pool_wait(pool, 0, &outcome, err);
		if (rc == 0 && outcome && (outcome->end != RT_END_EXIT || outcome->exit_code || outcome->leaked))
			rc = fprintf(stderr, "end %d, code %d, leaked %u: %s\n%s", (int)outcome->end,
				     outcome->exit_code, outcome->leaked, outcome->problem.data, outcome->log.data) < 0
				 ? -1
				 : 1;
		else if (outcome && run->count == 1)
			fputs(outcome->log.data, stdout);
	}
	rt_pool_free(pool);
	return rc;
}

int
main(int argc, char **argv)
{
	struct rt_err err = RT_ERR_INIT;
	char dir[] = "/tmp/bench-cell-XXXXXX";
	struct run run = {.dir = dir};
	if (argc < 5 || rt_isolation_parse(argv[3], &run.level) < 0 || !mkdtemp(dir)) {
		fprintf(stderr, "usage: bench_cell COUNT AT_ONCE LEVEL COMMAND...\n");
		return 2;
	}
	run.count = strtoul(argv[1], NULL, 10);
	run.at_once = strtoul(argv[2], NULL, 10);
	run.argv = (const char *const *)(argv + 4);
	run.specs = rt_alloc(run.count, sizeof(*run.specs));
	run.reports = rt_alloc(run.count, sizeof(*run.reports));
	rt_auto(free) char *layer = rt_format("%s/layer", dir);
	const char *const lowers[] = {layer, NULL};
	if (rt_mkdirs(AT_FDCWD, layer, 0755, &err) < 0)
		return 1;
	(void)rt_isolation_probe(NULL);
	int64_t start = rt_clock_ms();
	int rc = run_all(&run, lowers, &err);
	int64_t took = rt_clock_ms() - start;
	if (rc < 0)
		fprintf(stderr, "%s\n", err.text);
	if (run.count > 1)
		printf("%.2f ms a cell\n", (double)took / (double)run.count);
	for (unsigned long i = 0; i < run.count; i++)
		free(run.reports[i]);
	free(run.reports);
	free(run.specs);
	return rt_remove_tree(AT_FDCWD, dir, &err) < 0 || rc != 0;
}
