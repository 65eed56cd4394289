#include "readers/reader.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "readers/read.h"

static ssize_t
read_bytes(void *data, void *buf, size_t cap)
{
	struct rt_bytes *bytes = data;
	size_t n = bytes->len < cap ? bytes->len : cap;

	if (n)
		memcpy(buf, bytes->at, n);
	bytes->at += n;
	bytes->len -= n;
	return (ssize_t)n;
}

struct rt_source
rt_source_bytes(struct rt_bytes *bytes, const char *name)
{
	return (struct rt_source){.read = read_bytes, .data = bytes, .name = name};
}

static ssize_t
read_fd(void *data, void *buf, size_t cap)
{
	ssize_t n;

	do
		n = read(*(int *)data, buf, cap);
	while (n < 0 && errno == EINTR);
	return n;
}

struct rt_source
rt_source_fd(int *fd, const char *name)
{
	return (struct rt_source){.read = read_fd, .data = fd, .name = name};
}

/* The evidence of `exit` is the exit code alone, which the model weighs; there are no bytes. */
static int
read_nothing(const struct rt_reading *reading, struct rt_err *err)
{
	(void)reading;
	(void)err;
	return 0;
}

const struct rt_format rt_formats[] = {
    {.name = "exit", .summary = "no report: the exit code is the one case", .read = read_nothing},
    {.name = "junit", .summary = "JUnit XML, in the dialects of many runners", .read = rt_junit_read},
    {.name = "criterion", .summary = "Criterion's --xml", .read = rt_criterion_read},
    {.name = "tap", .summary = "Test Anything Protocol 12, 13 and 14", .read = rt_tap_read},
    {.name = "meson", .summary = "meson-logs/testlog.json of meson test", .read = rt_meson_read},
    {.name = "gojson", .summary = "go test -json", .read = rt_gojson_read},
    {.name = "libtest", .summary = "Rust's libtest --format json", .read = rt_libtest_read},
    {.name = "ctrf", .summary = "Common Test Report Format, JSON", .read = rt_ctrf_read},
    {.name = "gtest", .summary = "GoogleTest's --gtest_output=json", .read = rt_gtest_read},
    {.name = "ratchet.v1",
     .summary = "an object a line: docs/ratchet.v1.md",
     .read = rt_lines_v1_read,
     .metric = true,
     .findings = true},
    {.name = "regex",
     .summary = "the number that an expression finds, or findings, one a match",
     .read = rt_regex_read,
     .metric = true,
     .findings = true},
    {.name = "json", .summary = "one number found by a JSON pointer", .read = rt_json_read, .metric = true},
    {.name = "hyperfine", .summary = "hyperfine --export-json", .read = rt_hyperfine_read, .metric = true},
    {.name = "google-benchmark",
     .summary = "google-benchmark's --benchmark_format=json",
     .read = rt_google_benchmark_read,
     .metric = true},
    {.name = "pytest-benchmark",
     .summary = "pytest --benchmark-json",
     .read = rt_pytest_benchmark_read,
     .metric = true},
    {.name = "criterion-rs", .summary = "estimates.json of criterion.rs", .read = rt_criterion_rs_read, .metric = true},
    {.name = "perf", .summary = "perf stat -x,", .read = rt_perf_read, .metric = true},
    {.name = "time", .summary = "GNU time -v", .read = rt_time_read, .metric = true},
    {.name = "sarif", .summary = "SARIF 2.1.0 findings", .read = rt_sarif_read, .findings = true},
    {.name = "gcc", .summary = "warnings as gcc and clang write them", .read = rt_diagnostics_read, .findings = true},
    {.name = "eslint", .summary = "eslint --format json", .read = rt_eslint_read, .findings = true},
    {.name = "ruff", .summary = "ruff check --output-format json", .read = rt_ruff_read, .findings = true},
    {.name = "shellcheck", .summary = "shellcheck --format json1", .read = rt_shellcheck_read, .findings = true},
    {.name = "cppcheck", .summary = "cppcheck --xml", .read = rt_cppcheck_read, .findings = true},
    {.name = "lcov", .summary = "lines that never ran, of an LCOV tracefile", .read = rt_lcov_read, .findings = true},
    {.name = "cobertura",
     .summary = "lines that never ran, of Cobertura XML",
     .read = rt_cobertura_read,
     .findings = true},
    {.name = NULL},
};

const struct rt_format *
rt_format_find(const char *name)
{
	for (const struct rt_format *f = rt_formats; f->name; f++)
		if (!strcmp(f->name, name))
			return f;
	return NULL;
}

static bool
holds(const char *bytes, size_t len, const char *word)
{
	/* bytes is never NULL, but gcc 12 under UBSan believes that it may be */
	return bytes && memmem(bytes, len, word, strlen(word)) != NULL;
}

static const char *
guess_xml(const char *bytes, size_t len)
{
	if (holds(bytes, len, "name=\"Criterion Tests\""))
		return "criterion";
	if (holds(bytes, len, "<cppcheck"))
		return "cppcheck";
	if (holds(bytes, len, "<coverage"))
		return "cobertura";
	return holds(bytes, len, "<testsuite") ? "junit" : NULL;
}

static const char *
guess_json(const char *bytes, size_t len)
{
	if (holds(bytes, len, "\"runs\"") && (holds(bytes, len, "sarif") || holds(bytes, len, "\"2.1.0\"")))
		return "sarif";
	if (holds(bytes, len, "\"Action\""))
		return "gojson";
	if (holds(bytes, len, "\"testsuites\""))
		return "gtest";
	if (holds(bytes, len, "\"results\"") && holds(bytes, len, "\"tests\"") && holds(bytes, len, "\"tool\""))
		return "ctrf";
	if (holds(bytes, len, "\"results\"") && holds(bytes, len, "\"times\""))
		return "hyperfine";
	if (holds(bytes, len, "\"benchmarks\""))
		return holds(bytes, len, "\"machine_info\"") ? "pytest-benchmark" : "google-benchmark";
	if (holds(bytes, len, "\"comments\"") && holds(bytes, len, "\"code\""))
		return "shellcheck";
	if (holds(bytes, len, "\"type\"") && holds(bytes, len, "\"id\""))
		return "ratchet.v1";
	if (holds(bytes, len, "\"starttime\"") && holds(bytes, len, "\"result\""))
		return "meson";
	if (holds(bytes, len, "\"type\"") && holds(bytes, len, "\"event\""))
		return "libtest";
	return NULL;
}

/* A version, a plan or a test point at the beginning of some line. */
static bool
is_tap(const char *bytes, size_t len)
{
	static const char *const begins[] = {"TAP version ", "1..", "ok ", "not ok ", "Bail out!"};

	while (len) {
		for (size_t i = 0; i < RT_COUNT(begins); i++)
			if (len >= strlen(begins[i]) && !memcmp(bytes, begins[i], strlen(begins[i])))
				return true;
		const char *newline = memchr(bytes, '\n', len);
		size_t step = newline ? (size_t)(newline - bytes) + 1 : len;
		bytes += step;
		len -= step;
	}
	return false;
}

const struct rt_format *
rt_format_guess(const char *bytes, size_t len)
{
	const char *name = NULL;
	size_t i = len >= 3 && !memcmp(bytes, "\xEF\xBB\xBF", 3) ? 3 : 0;

	while (i < len && strchr(" \t\r\n", bytes[i]))
		i++;
	if (i == len || !bytes[i])
		return NULL;
	if (bytes[i] == '<')
		name = guess_xml(&bytes[i], len - i);
	else if (bytes[i] == '{')
		name = guess_json(&bytes[i], len - i);
	else if (bytes[i] == '[')
		name = holds(bytes, len, "\"filePath\"") ? "eslint" : holds(bytes, len, "\"location\"") ? "ruff" : NULL;
	else if (len - i > 3 && (!memcmp(&bytes[i], "TN:", 3) || !memcmp(&bytes[i], "SF:", 3)))
		name = "lcov";
	if (!name && is_tap(&bytes[i], len - i))
		name = "tap";
	/* cargo and go put lines of text before their first event */
	if (!name)
		name = guess_json(&bytes[i], len - i);
	return name ? rt_format_find(name) : NULL;
}
