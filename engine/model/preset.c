#include "model/preset.h"

#include <stdlib.h>
#include <string.h>

const struct rt_report_format rt_report_formats[] = {
    {"exit", .cases = true},
    {"junit", .cases = true},
    {"tap", .cases = true},
    {"meson", .cases = true},
    {"gojson", .cases = true},
    {"libtest", .cases = true},
    {"criterion", .cases = true},
    {"ctrf", .cases = true},
    {"gtest", .cases = true},
    {"ratchet.v1", .cases = true, .metric = true, .findings = true},
    {"regex", .metric = true, .findings = true},
    {"json", .metric = true},
    {"hyperfine", .metric = true},
    {"google-benchmark", .metric = true},
    {"pytest-benchmark", .metric = true},
    {"criterion-rs", .metric = true},
    {"perf", .metric = true},
    {"time", .metric = true},
    {"sarif", .findings = true},
    {"gcc", .findings = true},
    {"eslint", .findings = true},
    {"ruff", .findings = true},
    {"shellcheck", .findings = true},
    {"cppcheck", .findings = true},
    {"lcov", .findings = true},
    {"cobertura", .findings = true},
    {NULL},
};

/*
 * Each line was tried with the version named; a report of its own file or directory is preferred to standard output, on
 * which tests print too.
 *
 * pytest 7.2: PYTEST_ADDOPTS adds to the command line and wins over the project's addopts. Without the cache plugin
 * nothing of this run steers the next (--lf). Codes: 1 failed, 2 interrupted or collection error, 3 internal, 4 usage,
 * 5 nothing collected. go 1.19: every subcommand ignores the flags in GOFLAGS that it does not have; -count=1 because a
 * cached result executed nothing. A build failure is exit 2 for vet and build, 1 or 2 for test. cargo 1.95: JSON needs
 * -Z unstable-options, hence RUSTC_BOOTSTRAP, and arguments after `--`, which no variable can add. Without
 * --no-fail-fast the first failing binary hides the cases of those after it. 101 is both failed tests and a failed
 * build. nextest 0.9: a report only where the project's .config/nextest.toml has `path = "junit.xml"` under
 * [profile.NAME.junit]; any profile is taken. 100: tests failed, 4: nothing to run, the others: the build or the set-up
 * failed. (From its manual; not tried.) node 20: the destination is a file, so that console.log can't forge a line of
 * it. Node 18 refuses these flags in NODE_OPTIONS (exit 9). A file that calls process.exit(0) counts as one pass. jest
 * 30 with the package jest-junit: the reporter is named by flags, its file by a variable. A suite that could not be
 * loaded appears only with the second variable; the others keep tests of the same name in different files apart. vitest
 * 4: flags only. mocha 12: options by variable; exits with the number of failed tests, and 1 when there are no files.
 * ctest 3.25: --output-junit (since 3.21) only as a flag. 8: tests failed, or with --no-tests=error there were none.
 * meson 1.0: testlog.json and not the JUnit file, which shows timeouts as passes. Exits with the number of failed tests
 * (modulo 256), 125 when the build failed. prove 3.44 (Test::Harness): dumps each script's TAP below a directory; its
 * standard output is not TAP. That a script came to its end is a case of its own. bats 1.8: TAP on standard output
 * where that is not a terminal. criterion 2.4 (C): the path is taken by every program that runs; a check that runs
 * several programs gives each its own `--xml=PATH` and names them as {criterion: GLOB}.
 */
const struct rt_preset rt_presets[] = {
    {
	.name = "pytest",
	.format = "junit",
	.env = {"PYTEST_ADDOPTS=--junitxml={{report}} -p no:cacheprovider"},
	.command = "pytest",
	.exit_table = "1=fail 5=nothing 2,3,4=broken",
    },
    {
	.name = "go",
	.format = "gojson",
	.env = {"GOFLAGS=-json -count=1"},
	.from_stdout = true,
	.command = "go test ./...",
    },
    {
	.name = "cargo",
	.format = "libtest",
	.env = {"RUSTC_BOOTSTRAP=1"},
	.from_stdout = true,
	.command = "cargo test --no-fail-fast -- -Z unstable-options --format json",
	.exit_table = "101=fail",
    },
    {
	.name = "nextest",
	.format = "junit",
	.path = "**/target/nextest/*/junit.xml",
	.command = "cargo nextest run --profile ci --no-fail-fast",
	.exit_table = "100=fail 4=nothing 94,95,96,101,102,104,110=broken",
    },
    {
	.name = "node",
	.format = "tap",
	.env = {"NODE_OPTIONS=--test-reporter=tap --test-reporter-destination={{report}}"},
	.command = "node --test",
	.exit_table = "1=fail 9=broken",
    },
    {
	.name = "jest",
	.format = "junit",
	.env = {"JEST_JUNIT_OUTPUT_FILE={{report}}", "JEST_JUNIT_REPORT_TEST_SUITE_ERRORS=true",
		"JEST_JUNIT_CLASSNAME={filepath}::{classname}", "JEST_JUNIT_TITLE={title}"},
	.command = "npx jest --ci --reporters=default --reporters=jest-junit",
	.exit_table = "1=fail",
    },
    {
	.name = "vitest",
	.format = "junit",
	.command = "npx vitest run --reporter=default --reporter=junit --outputFile.junit={{report}}",
	.exit_table = "1=fail",
    },
    {
	.name = "mocha",
	.format = "junit",
	.env = {"MOCHA_OPTIONS=--reporter=xunit --reporter-option=output={{report}}"},
	.command = "npx mocha",
    },
    {
	.name = "ctest",
	.format = "junit",
	.command = "ctest --test-dir build --no-tests=error --output-junit {{report}}",
	.exit_table = "8=fail",
    },
    {
	.name = "meson",
	.format = "meson",
	.path = "**/meson-logs/testlog*.json",
	.command = "meson test -C build",
	.exit_table = "125=broken",
    },
    {
	.name = "prove",
	.format = "tap",
	.env = {"PERL_TEST_HARNESS_DUMP_TAP=tap-dump"},
	.path = "tap-dump/**",
	.scripts = "tap-dump/",
	.command = "prove -r",
    },
    {
	.name = "bats",
	.format = "tap",
	.from_stdout = true,
	.command = "bats tests",
	.exit_table = "1=fail",
    },
    {
	.name = "criterion",
	.format = "criterion",
	.env = {"CRITERION_OUTPUTS=xml:{{report}}"},
	.command = "make check",
    },
    {NULL},
};

const struct rt_report_format *
rt_report_format_find(const char *name)
{
	for (const struct rt_report_format *format = rt_report_formats; format->name; format++)
		if (!strcmp(format->name, name))
			return format;
	return NULL;
}

const struct rt_preset *
rt_preset_find(const char *name)
{
	for (const struct rt_preset *preset = rt_presets; preset->name; preset++)
		if (!strcmp(preset->name, name))
			return preset;
	return NULL;
}

/* True when code is in the list of numbers that begins at *text, which is moved behind it, to the `=`. */
static bool
list_has(const char **text, int code)
{
	bool found = false;
	char *end;

	for (;; *text = end + 1) {
		found |= strtol(*text, &end, 10) == code;
		if (*end != ',')
			break;
	}
	*text = end;
	return found;
}

static enum rt_exit_meaning
meaning_of(const char *word)
{
	return *word == 'f' ? RT_EXIT_FAILED : *word == 'n' ? RT_EXIT_NOTHING : RT_EXIT_BROKEN;
}

enum rt_exit_meaning
rt_preset_exit(const struct rt_preset *preset, int code)
{
	const char *text = preset ? preset->exit_table : NULL;

	if (code == 0)
		return RT_EXIT_CLEAN;
	if (code == 126 || code == 127)
		return RT_EXIT_BROKEN;
	while (text && *text) {
		bool found = list_has(&text, code);
		if (found)
			return meaning_of(text + 1);
		text += strcspn(text, " ");
		text += strspn(text, " ");
	}
	return RT_EXIT_FAILED;
}
