#include <criterion/criterion.h>
#include <string.h>

#include "model/select.h"

static struct rt_config config;

static const struct rt_check *
check(const char *run, const char *report, const char *more)
{
	struct rt_err err = RT_ERR_INIT;
	rt_auto(free) char *text =
	    rt_format("version: 1\nchecks:\n- name: unit\n  run: %s\n  report: %s\n%s", run, report, more);

	cr_assert_eq(rt_config_parse(&config, text, strlen(text), "ratchet.yml", &err), 0, "%s", err.text);
	return &config.checks.at[0];
}

static void
check_shell(const char *run, const char *report, const char *id, const char *want)
{
	rt_auto(select) struct rt_select select = {0};

	cr_assert(rt_select_make(&select, check(run, report, ""), id), "%s", id);
	cr_assert_not_null(select.shell);
	cr_assert_str_eq(select.shell, want);
}

static void
check_variable(const char *report, const char *id, const char *name, const char *want)
{
	rt_auto(select) struct rt_select select = {0};

	cr_assert(rt_select_make(&select, check("make check", report, ""), id), "%s", id);
	cr_assert_str_eq(select.variable, name);
	cr_assert_str_eq(select.value, want);
	cr_assert_null(select.shell);
}

static void
check_none(const char *run, const char *report, const char *id)
{
	rt_auto(select) struct rt_select select = {0};

	cr_assert_not(rt_select_make(&select, check(run, report, ""), id), "%s selects %s", run, id);
	cr_assert_null(select.shell);
	cr_assert_eq(select.args.n, 0);
}

static void
drop(void)
{
	rt_config_release(&config);
	config = (struct rt_config)RT_CONFIG_INIT;
}

TestSuite(select, .fini = drop);

Test(select, what_only_begins_like_the_runner_is_no_second_one)
{
	check_shell("jest --reporters=jest-junit --ci", "jest", "unit/a.js::grp::one",
		    "jest '-t' '^grp one$' --reporters=jest-junit --ci");
	drop();
	check_shell("X=1 jest --reporters=/n/jest-junit", "jest", "unit/a.js::one",
		    "X=1 jest '-t' '^one$' --reporters=/n/jest-junit");
	drop();
	check_none("jest --ci; jest --other", "jest", "unit/a.js::one");
	drop();
	check_none("/n/jest --ci", "jest", "unit/a.js::one");
}

Test(select, pytest_takes_words_and_leaves_parameters_out)
{
	check_variable("pytest", "unit/tests.test_a.TestIt::test_x[a b]", "PYTEST_ADDOPTS", "-k 'TestIt and test_x'");
	drop();
	check_variable("pytest", "unit/tests.test-a::test_x", "PYTEST_ADDOPTS", "-k 'test_x'");
	drop();
	check_none("pytest", "pytest", "unit/a::x'; touch y '");
}

Test(select, go_patterns_are_anchored_at_every_level)
{
	check_variable("go", "unit/example.org/m::TestX/a_(b)", "GOFLAGS", "-run=^TestX$/^a_\\(b\\)$");
	drop();
	check_none("go test", "go", "unit/example.org/m::TestX/a b");
}

Test(select, criterion_takes_identifiers)
{
	check_variable("criterion", "unit/suite::test", "CRITERION_TEST_PATTERN", "suite/test");
	drop();
	check_none("make check", "criterion", "unit/suite::test*");
}

Test(select, mocha_takes_the_full_title)
{
	check_variable("mocha", "unit/a (b)::c", "MOCHA_OPTIONS", "--fgrep=\"a (b) c\"");
	drop();
	check_none("npx mocha", "mocha", "unit/a::\\x22\\\\");
}

Test(select, words_go_behind_the_name_of_the_runner)
{
	check_shell("cd x && ctest --test-dir b --output-junit {{report}} | tee log", "ctest", "unit/a+b::a+b",
		    "cd x && ctest '-R' '^a\\+b$' --test-dir b --output-junit {{report}} | tee log");
	drop();
	check_shell("A=1 meson test -C b", "meson", "unit/p::x y", "A=1 meson test 'p:x y' -C b");
	drop();
	check_shell("bats tests", "bats", "unit/it's", "bats '-f' '^it'\\''s$' tests");
	drop();
	check_shell("npx jest --ci", "jest", "unit/a.js::grp in::one", "npx jest '-t' '^grp in one$' --ci");
	drop();
	check_shell("npx vitest run --o={{report}}", "vitest", "unit/a.js::grp > one",
		    "npx vitest run '-t' '^grp one$' --o={{report}}");
	drop();
	check_shell("node --test x", "node", "unit/a::b",
		    "node --test '--test-name-pattern=^a$' '--test-name-pattern=^b$' x");
}

Test(select, cargo_takes_the_exact_name_at_the_end)
{
	check_shell("cargo test -- --format json", "cargo", "unit/m::tests::x",
		    "cargo test -- --format json '--exact' 'm::tests::x'");
	drop();
	check_none("cargo test", "cargo", "unit/x");
	drop();
	check_none("cargo test -- --format json >log", "cargo", "unit/x");
	drop();
	check_none("cargo test -- --format json", "cargo", "unit/-x");
}

Test(select, command_that_is_a_list_gets_words_of_its_own)
{
	rt_auto(select) struct rt_select select = {0};

	cr_assert(rt_select_make(&select, check("[ctest, --test-dir, b, --output-junit, '{{report}}']", "ctest", ""),
				 "unit/a b::a b"));
	cr_assert_eq(select.at, 1);
	cr_assert_eq(select.args.n, 2);
	cr_assert_str_eq(select.args.at[1], "^a b$");
	drop();
	check_none("[make, ctest, '{{report}}']", "ctest", "unit/a b::a b");
}

Test(select, runner_within_quotes_or_behind_another_command_is_left_alone)
{
	check_none("sh -c 'ctest -j2 {{report}}'", "ctest", "unit/a::a");
	drop();
	check_none("xvfb-run ctest {{report}}", "ctest", "unit/a::a");
	drop();
	check_none("ctest && ctest -L x {{report}}", "ctest", "unit/a::a");
	drop();
	check_none("myctest {{report}}", "ctest", "unit/a::a");
	drop();
	check_none("ctest2 {{report}}", "ctest", "unit/a::a");
}

Test(select, runner_that_is_not_known_selects_nothing)
{
	check_none("ctest", "{junit: a.xml}", "unit/a::a");
	drop();
	check_none("prove -r", "prove", "unit/a");
}

Test(select, own_command_gets_the_name_as_one_word)
{
	rt_auto(select) struct rt_select select = {0};
	const struct rt_check *own = check("make", "{tap: stdout}", "  rerun: 'make ONE={{case}} OUT={{report}}'\n");

	cr_assert(rt_select_make(&select, own, "unit/a'b::$(c)\\n"));
	cr_assert_str_eq(select.shell, "make ONE='a'\\''b::$(c)\n' OUT={{report}}");
}

Test(select, name_that_looks_like_a_placeholder_stays_a_name)
{
	rt_auto(select) struct rt_select select = {0};
	const struct rt_check *own = check("make", "{tap: stdout}", "  rerun: 'make {{case}}'\n");

	cr_assert(rt_select_make(&select, own, "unit/{{report}}"));
	cr_assert_str_eq(select.shell, "make '{''{report}}'");
}

Test(select, name_with_a_nul_byte_selects_nothing)
{
	rt_auto(select) struct rt_select select = {0};

	cr_assert_not(
	    rt_select_make(&select, check("make", "{tap: stdout}", "  rerun: 'make {{case}}'\n"), "unit/a\\x00"));
}

Test(select, placeholder_within_quotes_is_seen)
{
	cr_assert(rt_select_quoted("x \"{{case}}\""));
	cr_assert(rt_select_quoted("x 'a {{case}}'"));
	cr_assert(rt_select_quoted("x {{case}} \"\\\"{{case}}\""));
	cr_assert_not(rt_select_quoted("x {{case}}"));
	cr_assert_not(rt_select_quoted("x 'a' \"b\" {{case}} \"{{report}}\""));
	cr_assert_not(rt_select_quoted("x \\\" {{case}}"));
}
