#include <math.h>
#include <string.h>

#include "model/id.h"
#include "readers/finding.h"
#include "support/json.h"

/*
 * What benchmark runners write: one metric for each benchmark, its id the cell and the benchmark's name, and every
 * run's number a sample of it. Times are in seconds.
 */

static void
add_sample(const struct rt_reading *reading, const char *name, const char *part, double value)
{
	const char *parts[] = {name, part};
	rt_auto(buf) struct rt_buf id = RT_BUF_INIT;

	rt_id_case(&id, reading->cell, parts, RT_COUNT(parts));
	rt_results_metric(reading->results, id.data, value);
}

/* For formats that name each number once. */
static bool
has_sample(const struct rt_reading *reading, const char *name)
{
	rt_auto(buf) struct rt_buf id = RT_BUF_INIT;

	rt_id_case(&id, reading->cell, &name, 1);
	return rt_results_sample(reading->results, id.data) != NULL;
}

static void
nothing_measured(const struct rt_reading *reading)
{
	if (!reading->results->metrics.n)
		rt_reading_problem(reading, 0, "holds no number: nothing was measured");
}

/* ---- hyperfine --export-json ---- */

static void
on_command(const struct rt_reading *reading, size_t at, const struct rt_json *command)
{
	const char *name = rt_json_get_string(command, "command");
	const struct rt_json *times = rt_json_get(command, "times"), *codes = rt_json_get(command, "exit_codes");
	double value;

	if (!name || rt_json_type(times) != RT_JSON_ARRAY || !rt_json_count(times)) {
		rt_reading_problem(reading, 0, "/results/%zu: has a command without a name or without times", at);
		return;
	}
	if (codes && rt_json_count(codes) != rt_json_count(times)) {
		rt_reading_problem(reading, 0, "/results/%zu: has %zu times and %zu exit codes", at,
				   rt_json_count(times), rt_json_count(codes));
		return;
	}
	for (size_t i = 0; i < rt_json_count(codes); i++)
		if (!rt_json_number(rt_json_at(codes, i), &value) || value != 0) {
			rt_reading_problem(reading, 0, "/results/%zu: run %zu of a command failed: its times are void",
					   at, i + 1);
			return;
		}
	for (size_t i = 0; i < rt_json_count(times); i++) {
		if (rt_json_number(rt_json_at(times, i), &value))
			add_sample(reading, name, NULL, value);
		else
			rt_reading_problem(reading, 0, "/results/%zu/times/%zu: has a time that is no number", at, i);
	}
}

int
rt_hyperfine_read(const struct rt_reading *reading, struct rt_err *err)
{
	rt_auto(json) struct rt_json *value = NULL;

	int got = rt_reading_json(reading, &value, err);
	if (got <= 0)
		return got;
	const struct rt_json *results = rt_json_get(value, "results");
	for (size_t i = 0; i < rt_json_count(results); i++)
		on_command(reading, i, rt_json_at(results, i));
	nothing_measured(reading);
	return 0;
}

/* ---- google-benchmark --benchmark_format=json ---- */

static double
seconds_of(const char *unit)
{
	static const struct {
		const char *name;
		double seconds;
	} units[] = {{"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}};

	for (size_t i = 0; unit && i < RT_COUNT(units); i++)
		if (!strcmp(units[i].name, unit))
			return units[i].seconds;
	return 0;
}

/* Means and medians of repetitions are not measurements of their own. */
static void
on_benchmark(const struct rt_reading *reading, size_t at, const struct rt_json *benchmark)
{
	const char *type = rt_json_get_string(benchmark, "run_type"), *name = rt_json_get_string(benchmark, "name");
	double unit = seconds_of(rt_json_get_string(benchmark, "time_unit")), value;

	if (type && strcmp(type, "iteration") != 0)
		return;
	if (rt_json_get_bool(benchmark, "error_occurred", false))
		rt_reading_problem(reading, 0,
				   "/benchmarks/%zu: a benchmark says that an error occurred: its time is void", at);
	else if (!name || unit == 0 || !rt_json_number(rt_json_get(benchmark, "real_time"), &value))
		rt_reading_problem(reading, 0, "/benchmarks/%zu: has a benchmark without a name, a unit or a time", at);
	else
		add_sample(reading, name, NULL, value * unit);
}

int
rt_google_benchmark_read(const struct rt_reading *reading, struct rt_err *err)
{
	rt_auto(json) struct rt_json *value = NULL;

	int got = rt_reading_json(reading, &value, err);
	if (got <= 0)
		return got;
	const struct rt_json *benchmarks = rt_json_get(value, "benchmarks");
	for (size_t i = 0; i < rt_json_count(benchmarks); i++)
		on_benchmark(reading, i, rt_json_at(benchmarks, i));
	nothing_measured(reading);
	return 0;
}

/* ---- pytest-benchmark --benchmark-json ---- */

int
rt_pytest_benchmark_read(const struct rt_reading *reading, struct rt_err *err)
{
	rt_auto(json) struct rt_json *value = NULL;
	double number;

	int got = rt_reading_json(reading, &value, err);
	if (got <= 0)
		return got;
	const struct rt_json *benchmarks = rt_json_get(value, "benchmarks");
	for (size_t i = 0; i < rt_json_count(benchmarks); i++) {
		const struct rt_json *benchmark = rt_json_at(benchmarks, i);
		const char *name = rt_json_get_string(benchmark, "fullname");

		/* the median of the rounds: one number a run, which is what pairs are made of */
		if (name && rt_json_number(rt_json_pointer(benchmark, "/stats/median"), &number))
			add_sample(reading, name, NULL, number);
		else
			rt_reading_problem(reading, 0, "/benchmarks/%zu: has a benchmark without a name or a median",
					   i);
	}
	nothing_measured(reading);
	return 0;
}

/* ---- criterion.rs: target/criterion/GROUP/FUNCTION/new/estimates.json, in nanoseconds ---- */

/* The benchmark's name is its folder's, below "criterion". */
static char *
benchmark_of(const char *path)
{
	static const char above[] = "criterion/", below[] = "/new/estimates.json";
	const char *at = strstr(path, above), *from = at ? at + strlen(above) : path;

	return rt_ends_with(from, below) ? rt_strndup(from, strlen(from) - strlen(below)) : NULL;
}

int
rt_criterion_rs_read(const struct rt_reading *reading, struct rt_err *err)
{
	rt_auto(free) char *name = benchmark_of(reading->source->name);
	rt_auto(json) struct rt_json *value = NULL;
	double number;

	int got = rt_reading_json(reading, &value, err);
	if (got <= 0)
		return got;
	if (!name)
		rt_reading_problem(reading, 0,
				   "its path does not end in /new/estimates.json, so that it names no benchmark");
	else if (!rt_json_number(rt_json_pointer(value, "/median/point_estimate"), &number))
		rt_reading_problem(reading, 0, "/median/point_estimate: has no number there");
	else
		add_sample(reading, name, NULL, number * 1e-9);
	return 0;
}

/* ---- lines ---- */

/* A report in lines. */
struct lined {
	const struct rt_reading *reading;
	void (*on_line)(struct lined *lined, size_t number, const char *line);
	bool ended; /* time: its last line was there */
};

static int
each_line(struct lined *lined, struct rt_err *err)
{
	const struct rt_reading *reading = lined->reading;
	rt_auto(lines) struct rt_lines lines = RT_LINES_INIT(reading->source);
	struct rt_bytes line;
	int got;

	while ((got = rt_lines_next(&lines, &line, err)) > 0) {
		rt_auto(free) char *text = rt_strndup(line.at, line.len < 4096 ? line.len : 4096);
		lined->on_line(lined, lines.number, text);
	}
	if (got == 0) {
		rt_reading_open_line(reading, &lines);
		nothing_measured(reading);
	}
	return got;
}

/* perf stat -x, : value,unit,event,... Its own man page, "CSV FORMAT". */
static void
on_perf_line(struct lined *lined, size_t number, const char *line)
{
	const struct rt_reading *reading = lined->reading;
	size_t value_len = strcspn(line, ",");
	rt_auto(free) char *text = rt_strndup(line, value_len);
	const char *unit = line + value_len, *event = *unit ? strchr(unit + 1, ',') : NULL;
	rt_auto(buf) struct rt_buf shown = RT_BUF_INIT, why = RT_BUF_INIT;
	double value;

	if (!line[0] || line[0] == '#')
		return;
	if (!event) {
		rt_reading_problem(reading, number, "is no line of perf stat -x,");
		return;
	}
	rt_auto(free) char *name = rt_strndup(event + 1, strcspn(event + 1, ","));
	value = rt_decimal(text);
	if (value < 0)
		rt_reading_problem(reading, number, "%s was not counted (%s); name the events with -e",
				   rt_reading_show(&shown, name, strlen(name)),
				   rt_reading_show(&why, text, strlen(text)));
	else if (has_sample(reading, name))
		rt_reading_problem(reading, number, "counts an event a second time; give each run a file of its own");
	else
		add_sample(reading, name, NULL, value);
}

int
rt_perf_read(const struct rt_reading *reading, struct rt_err *err)
{
	struct lined lined = {reading, on_perf_line, false};

	return each_line(&lined, err);
}

/* Seconds of "1:02:03" or "4:05.67". */
static double
elapsed(const char *text)
{
	double seconds = 0;

	for (;;) {
		size_t len = strcspn(text, ":");
		rt_auto(free) char *part = rt_strndup(text, len);
		double number = rt_decimal(part);

		if (number < 0)
			return -1;
		seconds = seconds * 60 + number;
		if (!text[len])
			return seconds;
		text += len + 1;
	}
}

/* GNU time -v: what it says of the whole command. */
static void
on_time_line(struct lined *lined, size_t number, const char *line)
{
	const struct rt_reading *reading = lined->reading;
	static const struct {
		const char *label, *name;
		double unit;
	} known[] = {
	    {"User time (seconds): ", "user", 1},
	    {"System time (seconds): ", "system", 1},
	    {"Elapsed (wall clock) time (h:mm:ss or m:ss): ", "elapsed", 1},
	    {"Maximum resident set size (kbytes): ", "resident", 1024},
	};

	line += strspn(line, " \t");
	for (size_t i = 0; i < RT_COUNT(known); i++) {
		if (strncmp(line, known[i].label, strlen(known[i].label)) != 0)
			continue;
		double value = elapsed(line + strlen(known[i].label));
		if (value < 0)
			rt_reading_problem(reading, number, "has no number after \"%s\"", known[i].label);
		else if (lined->ended || has_sample(reading, known[i].name))
			rt_reading_problem(reading, number, "is of a second command; give each a file of its own");
		else
			add_sample(reading, known[i].name, NULL, value * known[i].unit);
	}
	if (!strncmp(line, "Exit status: ", 13) && strcmp(line + 13, "0") != 0)
		rt_reading_problem(reading, number, "the command that was measured failed");
	lined->ended |= !strncmp(line, "Exit status: ", 13);
}

int
rt_time_read(const struct rt_reading *reading, struct rt_err *err)
{
	struct lined lined = {reading, on_time_line, false};

	int result = each_line(&lined, err);
	if (result == 0 && !lined.ended)
		rt_reading_problem(reading, 0, "does not end with the exit status: it was cut off");
	return result;
}
