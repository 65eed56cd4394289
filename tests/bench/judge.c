/*
 * What `ratchet` does between the end of a cell and the verdict, for one JUnit report and one baseline:
 *     judge REPORT BASELINE
 * It prints the verdict and the numbers of cases.
 */

#include <fcntl.h>
#include <stdio.h>

#include "model/judge.h"
#include "readers/reader.h"
#include "support/file.h"

static const char config_text[] =
    "version: 1\nchecks:\n  - name: unit\n    run: run\n    report: {junit: report.xml}\n";

static int
read_baseline(struct rt_baseline *baseline, const char *path, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	if (rt_file_read(AT_FDCWD, path, (size_t)1 << 30, &text, err) < 0 ||
	    rt_baseline_take(baseline, "unit", &text, path, err) < 0)
		return -1;
	rt_baseline_seal(baseline);
	return 0;
}

static int
read_report(struct rt_run *run, const char *path, struct rt_err *err)
{
	rt_auto(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct rt_source source = rt_source_fd(&fd, path);
	struct rt_reading reading = {
	    .source = &source, .cell = "unit", .check = "unit", .exit_code = 0, .results = &run->results};
	if (fd < 0)
		return rt_fail_errno(err, "opening %s", path);
	return rt_format_find("junit")->read(&reading, err);
}

static int
judge(const char *report, const char *known, struct rt_err *err)
{
	rt_auto(config) struct rt_config config = RT_CONFIG_INIT;
	rt_auto(plan) struct rt_plan plan = RT_PLAN_INIT;
	rt_auto(baseline) struct rt_baseline baseline = RT_BASELINE_INIT;
	rt_auto(judgement) struct rt_judgement judgement = RT_JUDGEMENT_INIT;
	struct rt_trial trial = {.first = {.end = RT_CELL_COMPLETE}};
	bool red = false;
	if (rt_config_parse(&config, config_text, sizeof(config_text) - 1, "ratchet.yml", err) < 0 ||
	    rt_plan_make(&plan, &config, false, err) < 0 || read_baseline(&baseline, known, err) < 0)
		return -1;
	trial.cell = &plan.cells.at[0];
	struct rt_judge_input input = {
	    .config = &config, .baseline = &baseline, .trials = &trial, .n = 1, .now = 1700000000};
	trial.first.results.known = &baseline;
	int failed = read_report(&trial.first, report, err);
	if (failed == 0) {
		rt_run_weigh(&trial.first, trial.cell);
		rt_judge_reds(&input, &red);
		rt_judge(&input, &judgement);
		printf("%s: %zu cases, %zu known, %zu regressions%s\n", rt_verdict_name(judgement.verdict),
		       trial.first.results.cases.n, baseline.lines.n, judgement.regressions.n, red ? ", red" : "");
	}
	rt_trial_release(&trial);
	return failed;
}

int
main(int argc, char **argv)
{
	struct rt_err err = RT_ERR_INIT;
	if (argc != 3) {
		fputs("usage: judge REPORT BASELINE\n", stderr);
		return 2;
	}
	if (judge(argv[1], argv[2], &err) == 0)
		return 0;
	fprintf(stderr, "%s\n", err.text);
	return 1;
}
