#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "model/baseline.h"
#include "model/preset.h"
#include "readers/reader.h"
#include "support/file.h"

enum { GUESS_BYTES = 65536 };

static const struct rt_option options[] = {
    {'f', "format", "FORMAT", "the report's format (default: guessed from its first bytes)", false},
    {0, "cell", "NAME", "the cell whose name begins every id (default: cell)", false},
    {0, "pattern", "P", "for regex and json: the expression or pointer", false},
    {0, "findings", NULL, "for regex: each match is a finding, not the number", false},
    {0, NULL, NULL, NULL, false},
};

static const struct rt_format *
choose_format(const struct rt_cli *cli, int fd, struct rt_err *err)
{
	const char *name = rt_cli_value(cli, "format");
	if (name) {
		const struct rt_preset *preset = rt_preset_find(name);
		const struct rt_format *format = rt_format_find(preset ? preset->format : name);
		if (!format)
			rt_fail(err, RT_ECONFIG, "there is no format %s; `ratchet read --help` lists them", name);
		return format;
	}
	char head[GUESS_BYTES];
	ssize_t n = pread(fd, head, sizeof(head), 0);
	const struct rt_format *format = n < 0 ? NULL : rt_format_guess(head, (size_t)n);
	if (!format)
		rt_fail(err, RT_ECONFIG, "%s looks like no report format that is known; give --format", cli->args[0]);
	return format;
}

static struct rt_json *
case_json(const struct rt_case *c)
{
	struct rt_json *item = rt_json_new_object();
	rt_json_set_string(item, "id", c->id);
	rt_json_set_string(item, "status", rt_status_name(c->status));
	if (c->assertions >= 0)
		rt_json_set_int(item, "assertions", c->assertions);
	else
		rt_json_set_null(item, "assertions");
	if (c->duration_ms >= 0)
		rt_json_set_real(item, "duration_ms", (double)c->duration_ms);
	else
		rt_json_set_null(item, "duration_ms");
	return item;
}

/* Each sample by itself: one name may have many. */
static struct rt_json *
metrics_json(const struct rt_results *results)
{
	struct rt_json *list = rt_json_new_array();
	for (size_t i = 0; i < results->metrics.n; i++) {
		struct rt_json *item = rt_json_new_object();
		rt_json_set_string(item, "id", results->metrics.at[i].id);
		rt_json_set_real(item, "value", results->metrics.at[i].value);
		rt_json_append(list, item);
	}
	return list;
}

static struct rt_json *
findings_json(const struct rt_results *results)
{
	struct rt_json *list = rt_json_new_array();
	for (size_t i = 0; i < results->findings.n; i++) {
		struct rt_json *item = rt_json_new_object();
		rt_json_set_string(item, "id", results->findings.at[i].id);
		rt_json_set_string(item, "text", results->findings.at[i].text);
		rt_json_append(list, item);
	}
	return list;
}

static void
print_json(const struct rt_format *format, const struct rt_results *results, bool complete)
{
	static const enum rt_status counted[] = {RT_STATUS_PASS, RT_STATUS_FAIL, RT_STATUS_ERROR, RT_STATUS_SKIP};
	struct rt_json *json = rt_json_new_object(), *problems = rt_json_new_array(), *counts = rt_json_new_object(),
		       *cases = rt_json_new_array();
	rt_json_set_string(json, "format", format->name);
	rt_json_set_bool(json, "complete", complete);
	for (size_t i = 0; i < results->problems.n; i++)
		rt_json_append(problems, rt_json_new_string(results->problems.at[i]));
	for (size_t i = 0; i < RT_COUNT(counted); i++)
		rt_json_set_int(counts, rt_status_name(counted[i]), (int64_t)results->counts[counted[i]]);
	for (size_t i = 0; i < results->cases.n; i++)
		rt_json_append(cases, case_json(&results->cases.at[i]));
	rt_json_set(json, "problems", problems);
	rt_json_set(json, "counts", counts);
	rt_json_set(json, "cases", cases);
	rt_json_set(json, "metrics", metrics_json(results));
	rt_json_set(json, "findings", findings_json(results));
	rt_cli_print_json(json);
}

static void
print_text(const struct rt_format *format, const struct rt_results *results, bool complete)
{
	for (size_t i = 0; i < results->cases.n; i++) {
		const struct rt_case *c = &results->cases.at[i];
		printf("%-5s  %s", rt_status_name(c->status), c->id);
		if (c->assertions >= 0)
			printf("  (%" PRId32 " assertions)", c->assertions);
		printf("%s\n", c->retried ? "  (not at the first attempt)" : "");
	}
	for (size_t i = 0; i < results->metrics.n; i++) {
		rt_auto(buf) struct rt_buf number = RT_BUF_INIT;
		rt_number_write(&number, results->metrics.at[i].value);
		printf("%-5s  %s\n", number.data, results->metrics.at[i].id);
	}
	for (size_t i = 0; i < results->findings.n; i++)
		printf("known  %s\n       %s\n", results->findings.at[i].id, results->findings.at[i].text);
	printf("%s: ", format->name);
	if (results->cases.n || !(format->metric || format->findings))
		printf("%zu passed, %zu failed, %zu errors, %zu skipped", results->counts[RT_STATUS_PASS],
		       results->counts[RT_STATUS_FAIL], results->counts[RT_STATUS_ERROR],
		       results->counts[RT_STATUS_SKIP]);
	else if (results->metrics.n || !format->findings)
		printf("%zu numbers", results->metrics.n);
	else
		printf("%zu findings", results->findings.n);
	printf(": %s evidence\n", complete ? "complete" : "incomplete");
	for (size_t i = 0; i < results->problems.n; i++)
		printf("problem: %s\n", results->problems.at[i]);
}

static int
run(struct rt_cli *cli, struct rt_err *err)
{
	rt_auto(results) struct rt_results results = RT_RESULTS_INIT;
	rt_auto(fd) int at = open(cli->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rt_auto(fd) int fd = at < 0 ? -1 : openat(at, cli->args[0], O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return rt_fail(err, RT_ECONFIG, "%s: %s", cli->args[0], strerror(errno));
	const struct rt_format *format = choose_format(cli, fd, err);
	if (!format)
		return -1;
	struct rt_source source = rt_source_fd(&fd, cli->args[0]);
	const char *cell = rt_cli_value(cli, "cell");
	struct rt_reading reading = {.source = &source,
				     .cell = cell ? cell : "cell",
				     .check = cell ? cell : "cell",
				     .pattern = rt_cli_value(cli, "pattern"),
				     .exit_code = -1,
				     .findings = rt_cli_flag(cli, "findings"),
				     .results = &results};
	if ((format->metric && !reading.pattern) &&
	    (strcmp(format->name, "regex") == 0 || strcmp(format->name, "json") == 0))
		return rt_fail(err, RT_ECONFIG, "the format %s needs --pattern", format->name);
	if (format->read(&reading, err) < 0)
		return -1;
	if (results.problems.n == 0 && rt_results_executed(&results) == 0 && results.metrics.n == 0 &&
	    !format->findings)
		rt_results_problem(&results, "%s: no case was executed", cli->args[0]);
	bool complete = results.problems.n == 0;
	if (cli->json)
		print_json(format, &results, complete);
	else
		print_text(format, &results, complete);
	return complete ? 0 : rt_err_exit(RT_EUNKNOWN);
}

const struct rt_command rt_command_read = {
    .name = "read",
    .arguments = "FILE",
    .summary = "show what a reader makes of a report",
    .about =
	"Prints every case of a report with its status, and whether the report is complete evidence. Formats: "
	"junit, criterion, tap, meson, gojson, libtest, ctrf, gtest and ratchet.v1 for cases; regex, json, hyperfine, "
	"google-benchmark, pytest-benchmark, criterion-rs, perf and time for numbers; sarif, gcc, eslint, ruff, "
	"shellcheck, cppcheck, lcov and cobertura for findings; and the runners' presets such as pytest. Exit code 3 "
	"when the report is "
	"incomplete.",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
