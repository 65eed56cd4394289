#include "reading.h"

#include <math.h>
#include <string.h>

TestSuite(samples, .fini = tidy);

static void
check_samples(const char *id, size_t n, double first)
{
	size_t count = 0;

	for (size_t i = 0; i < seen.metrics.n; i++) {
		if (strcmp(seen.metrics.at[i].id, id))
			continue;
		if (!count++)
			cr_expect_float_eq(seen.metrics.at[i].value, first, fabs(first) * 1e-12, "%s is %g", id,
					   seen.metrics.at[i].value);
	}
	cr_expect_eq(count, n, "%zu samples of %s", count, id);
}

Test(samples, hyperfine_gives_every_run_of_a_command)
{
	read_text("hyperfine", "{\"results\": [{\"command\": \"sort x\", \"mean\": 9, \"times\": [0.0012, 0.0013], "
			       "\"exit_codes\": [0, 0]},"
			       "{\"command\": \"cat x\", \"times\": [0.0011]}]}");
	check_no_problem();
	check_samples("unit/sort x", 2, 0.0012);
	check_samples("unit/cat x", 1, 0.0011);
}

Test(samples, hyperfine_has_an_exit_code_for_each_time)
{
	read_text("hyperfine", "{\"results\": [{\"command\": \"x\", \"times\": [1], \"exit_codes\": [0, 0]}]}");
	check_problem("/results/0: has 1 times and 2 exit codes");
}

Test(samples, hyperfine_runs_that_failed_are_void)
{
	read_text("hyperfine", "{\"results\": [{\"command\": \"x\", \"times\": [1, 2], \"exit_codes\": [0, 1]}]}");
	check_problem("run 2 of a command failed");
	cr_expect_eq(seen.metrics.n, 0);
}

Test(samples, google_benchmark_counts_iterations_in_seconds)
{
	read_text(
	    "google-benchmark",
	    "{\"benchmarks\": [{\"name\": \"BM/8\", \"run_type\": \"iteration\", \"real_time\": 250, \"time_unit\": "
	    "\"us\"},"
	    "{\"name\": \"BM/8\", \"run_type\": \"iteration\", \"real_time\": 260, \"time_unit\": \"us\"},"
	    "{\"name\": \"BM/8_mean\", \"run_type\": \"aggregate\", \"real_time\": 255, \"time_unit\": \"us\"}]}");
	check_no_problem();
	cr_expect_eq(seen.metrics.n, 2);
	check_samples("unit/BM/8", 2, 250e-6);
}

Test(samples, google_benchmark_that_gave_up_is_a_problem)
{
	read_text("google-benchmark",
		  "{\"benchmarks\": [{\"name\": \"B\", \"run_type\": \"iteration\", \"real_time\": 0.0,"
		  "\"time_unit\": \"ns\", \"error_occurred\": true}]}");
	check_problem("an error occurred");
}

Test(samples, pytest_benchmark_gives_the_median)
{
	read_text("pytest-benchmark", "{\"machine_info\": {}, \"benchmarks\": [{\"fullname\": \"test_a.py::test_sort\","
				      "\"stats\": {\"median\": 0.002, \"mean\": 1}}]}");
	check_no_problem();
	check_samples("unit/test_a.py::test_sort", 1, 0.002);
}

Test(samples, perf_gives_each_event_and_no_number_for_one_not_counted)
{
	read_text(
	    "perf",
	    "# started on Thu\n\n1234567,,instructions:u,1000,100.00,,\n12.5,msec,task-clock,9,100.00,0.9,CPUs\n");
	check_no_problem();
	check_samples("unit/instructions:u", 1, 1234567);
	check_samples("unit/task-clock", 1, 12.5);
	tidy();
	read_text("perf", "<not counted>,,cycles,0,0.00,,\n");
	check_problem("was not counted");
	tidy();
	read_text("perf", "1234567,,instr");
	check_problem("report:1: ends within a line");
	tidy();
	read_text("perf", "12,,cycles,1,100.00,,\n13,,cycles,1,100.00,,\n");
	check_problem("report:2: counts an event a second time");
}

Test(samples, time_gives_seconds_and_bytes)
{
	read_text("time", "\tCommand being timed: \"x\"\n\tUser time (seconds): 0.25\n"
			  "\tElapsed (wall clock) time (h:mm:ss or m:ss): 1:02.50\n"
			  "\tMaximum resident set size (kbytes): 2048\n\tExit status: 0\n");
	check_no_problem();
	check_samples("unit/user", 1, 0.25);
	check_samples("unit/elapsed", 1, 62.5);
	check_samples("unit/resident", 1, 2097152);
}

Test(samples, time_of_a_command_that_failed_is_a_problem)
{
	read_text("time", "\tUser time (seconds): 0.25\n\tExit status: 1\n");
	check_problem("that was measured failed");
	tidy();
	read_text("time", "\tUser time (seconds): 0.25\n");
	check_problem("does not end with the exit status");
	tidy();
	read_text("time", "\tUser time (seconds): 0.25\n\tExit status: 0\n\tSystem time (seconds): 0.25\n");
	check_problem("report:3: is of a second command");
}

Test(samples, nothing_measured_is_a_problem)
{
	static const char *const formats[] = {"hyperfine", "google-benchmark", "pytest-benchmark"};

	for (size_t i = 0; i < RT_COUNT(formats); i++) {
		read_text(formats[i], "{}");
		check_problem("nothing was measured");
		tidy();
		read_text(formats[i], "{\"results\": [{}], \"benchmarks\": [{}]}");
		cr_expect_gt(seen.problems.n, 0);
		tidy();
	}
	read_text("perf", "");
	check_problem("nothing was measured");
	tidy();
	read_text("time", "");
	check_problem("nothing was measured");
}

Test(samples, criterion_rs_needs_the_path_that_names_the_benchmark)
{
	read_text("criterion-rs", "{\"median\": {\"point_estimate\": 1500.0}}");
	check_problem("names no benchmark");
}
