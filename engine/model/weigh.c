#include "model/judge.h"

#include <string.h>

#include "model/preset.h"
#include "support/defence.h"

/* A case that stands for the cell's own end, not for a test: it would be believed where a report could bring it. */
static const char *const reserved[] = {"(exit)", "(ran)"};

static void
add_case(struct rt_run *run, const struct rt_cell *cell, const char *name, enum rt_status status)
{
	rt_auto(buf) struct rt_buf id = RT_BUF_INIT;
	const char *tail = status == RT_STATUS_PASS ? NULL : run->tail;

	rt_buf_addf(&id, "%s/%s", cell->name, name);
	rt_results_case(&run->results, id.data, status, -1, -1, tail, tail ? strlen(tail) : 0);
}

static void
refuse_reserved(struct rt_run *run, const struct rt_cell *cell)
{
	size_t i;

	for (i = 0; i < RT_COUNT(reserved); i++) {
		rt_auto(buf) struct rt_buf id = RT_BUF_INIT;

		rt_buf_addf(&id, "%s/%s", cell->name, reserved[i]);
		if (rt_results_find(&run->results, id.data))
			rt_results_problem(&run->results,
					   "the report names a case %s, which only ratchet may; rename the test",
					   id.data);
	}
}

static const char *
first_failed(const struct rt_results *results)
{
	size_t i;

	for (i = 0; i < results->cases.n; i++)
		if (results->cases.at[i].status == RT_STATUS_FAIL || results->cases.at[i].status == RT_STATUS_ERROR)
			return results->cases.at[i].id;
	rt_bug("no case failed among %zu", results->cases.n);
}

/* The selected case must have run, and the exit code must not blame what no case does. */
static void
weigh_selected(struct rt_run *run, enum rt_exit_meaning meaning, size_t failed)
{
	const struct rt_case *c = rt_results_find(&run->results, run->only);

	if (!c || (c->status != RT_STATUS_PASS && c->status != RT_STATUS_FAIL && c->status != RT_STATUS_ERROR))
		rt_results_problem(&run->results, "%s was selected, and is not among what was executed", run->only);
	else if (meaning != RT_EXIT_CLEAN && !failed)
		rt_results_problem(&run->results, "exit code %d, though no case failed", run->exit_code);
}

static void
weigh_cases(struct rt_run *run, const struct rt_cell *cell, enum rt_exit_meaning meaning)
{
	struct rt_results *results = &run->results;
	size_t failed = results->counts[RT_STATUS_FAIL] + results->counts[RT_STATUS_ERROR];
	size_t executed = rt_results_executed(results);

	if (!executed && rt_defended(FLOOR))
		rt_results_problem(results, "no case was executed (%zu in the report, exit code %d)", results->cases.n,
				   run->exit_code);
	else if (!run->only && executed < cell->check->min_cases && rt_defended(FLOOR))
		rt_results_problem(results, "%zu cases were executed, and min_cases is %llu", executed,
				   (unsigned long long)cell->check->min_cases);
	if (meaning == RT_EXIT_CLEAN && failed && rt_defended(AGREEMENT))
		rt_results_problem(results,
				   "exit code 0, though the report has %zu failed cases (%s); "
				   "the runner must end with another code when a case fails",
				   failed, first_failed(results));
	if (run->only)
		weigh_selected(run, meaning, failed);
	else if (meaning != RT_EXIT_CLEAN && !failed && rt_defended(AGREEMENT))
		add_case(run, cell, "(exit)", RT_STATUS_ERROR);
}

/* A linter ends with 1 or with 0 when it found something; with another code than 0 it must have found something. */
static void
weigh_other(struct rt_run *run, const struct rt_cell *cell, enum rt_exit_meaning meaning)
{
	bool metric = cell->check->kind == RT_KIND_METRIC;
	bool found = cell->check->kind == RT_KIND_FINDINGS && run->results.findings.n;

	if (meaning != RT_EXIT_CLEAN && !found)
		add_case(run, cell, "(exit)", RT_STATUS_ERROR);
	else if (metric && !run->results.metrics.n)
		rt_results_problem(&run->results, "no number was found in the report");
	else if (cell->check->kind != RT_KIND_PREPARE)
		add_case(run, cell, "(ran)", RT_STATUS_PASS);
}

static void
weigh_meaning(struct rt_run *run, const struct rt_cell *cell, enum rt_exit_meaning meaning)
{
	const struct rt_check *check = cell->check;

	if (check->kind != RT_KIND_CASES)
		weigh_other(run, cell, meaning);
	else if (!strcmp(check->report.format, "exit"))
		add_case(run, cell, check->name, meaning == RT_EXIT_CLEAN ? RT_STATUS_PASS : RT_STATUS_FAIL);
	else
		weigh_cases(run, cell, meaning);
}

void
rt_run_weigh(struct rt_run *run, const struct rt_cell *cell)
{
	enum rt_exit_meaning meaning = rt_preset_exit(rt_preset_find(cell->check->report.format), run->exit_code);

	if (run->end != RT_CELL_COMPLETE)
		return;
	refuse_reserved(run, cell);
	if ((run->exit_code == 126 || run->exit_code == 127) && rt_defended(COMMAND))
		rt_results_problem(&run->results, "exit code %d: the command could not be %s", run->exit_code,
				   run->exit_code == 126 ? "executed" : "found");
	else if (meaning == RT_EXIT_BROKEN && rt_defended(COMMAND))
		rt_results_problem(&run->results, "exit code %d: the runner itself failed", run->exit_code);
	else if (meaning == RT_EXIT_NOTHING)
		rt_results_problem(&run->results, "exit code %d: no case was executed", run->exit_code);
	else
		weigh_meaning(run, cell, meaning);
	if (run->results.problems.n)
		run->end = RT_CELL_BROKEN;
}

void
rt_run_release(struct rt_run *run)
{
	rt_results_release(&run->results);
	free(run->tail);
	free(run->only);
	run->tail = run->only = NULL;
}

static void
free_run(struct rt_run *run)
{
	if (run)
		rt_run_release(run);
	free(run);
}

void
rt_trial_release(struct rt_trial *trial)
{
	size_t i;

	rt_run_release(&trial->first);
	free_run(trial->second);
	free_run(trial->base);
	for (i = 0; i < trial->n_more; i++)
		rt_run_release(&trial->more[i]);
	for (i = 0; i < trial->n_bases; i++)
		rt_run_release(&trial->bases[i]);
	for (i = 0; i < trial->n_anchors; i++)
		rt_run_release(&trial->anchors[i]);
	free(trial->more);
	free(trial->bases);
	free(trial->anchors);
	free(trial->anchor_trouble);
	trial->second = trial->base = trial->more = trial->bases = trial->anchors = NULL;
	trial->anchor_trouble = NULL;
	trial->n_more = trial->n_bases = trial->n_anchors = 0;
}
