#include <criterion/criterion.h>

#include <string.h>

#include "model/control.h"
#include "model/preset.h"

static struct rt_buf path = RT_BUF_INIT, text = RT_BUF_INIT;

static void
finish(void)
{
	rt_buf_release(&path);
	rt_buf_release(&text);
}

TestSuite(control, .fini = finish);

/* The control of a preset beside a sample. */
static void
make(const char *preset, const char *sample, const char *content)
{
	rt_auto(buf) struct rt_buf buf = RT_BUF_INIT;
	const struct rt_control *control = rt_control_find(preset);

	cr_assert_not_null(control);
	cr_assert(rt_control_samples(control, sample), "%s", sample);
	rt_buf_adds(&buf, content);
	rt_control_make(control, sample, &buf, "c1f", true, &path, &text);
}

Test(control, lies_beside_the_sample)
{
	make("pytest", "a/b/test_x.py", "");
	cr_assert_str_eq(path.data, "a/b/test_c1f.py");
	cr_assert_not_null(strstr(text.data, "def test_c1fpass():"));
	cr_assert_not_null(strstr(text.data, "def test_c1ffail():"));
}

Test(control, lies_at_the_top_beside_a_sample_at_the_top)
{
	make("prove", "x.t", "");
	cr_assert_str_eq(path.data, "c1f.t");
}

Test(control, has_the_extension_of_the_sample)
{
	make("node", "lib/a.test.mjs", "");
	cr_assert_str_eq(path.data, "lib/c1f.test.mjs");
}

Test(control, of_go_is_in_the_package_of_the_sample)
{
	make("go", "calc/calc_test.go", "// package is a word here\n\npackage calc_test\r\n\nimport \"testing\"\n");
	cr_assert_str_eq(path.data, "calc/c1f_test.go");
	cr_assert_eq(strncmp(text.data, "package calc_test\n", 18), 0);
}

Test(control, of_cargo_is_an_integration_test_of_the_package)
{
	make("cargo", "crates/x/Cargo.toml", "");
	cr_assert_str_eq(path.data, "crates/x/tests/c1f.rs");
}

Test(control, is_only_known_for_presets_that_exist)
{
	static const char *const with[] = {"pytest", "node", "jest", "vitest", "go", "cargo", "prove", "bats"};
	size_t i;

	for (i = 0; i < RT_COUNT(with); i++) {
		cr_assert_not_null(rt_control_find(with[i]), "%s", with[i]);
		cr_assert_not_null(rt_preset_find(with[i]), "%s", with[i]);
	}
	cr_assert_null(rt_control_find("junit"));
	cr_assert_not(rt_control_samples(rt_control_find("go"), "calc/calc.go"));
}

Test(control, without_the_failing_case_only_the_other_is_there)
{
	static const char *const presets[][2] = {
	    {"pytest", "test_a.py"}, {"node", "a.test.js"},   {"jest", "a.test.js"}, {"vitest", "a.test.js"},
	    {"go", "a_test.go"},     {"cargo", "Cargo.toml"}, {"prove", "a.t"},	     {"bats", "a.bats"}};
	rt_auto(buf) struct rt_buf none = RT_BUF_INIT;

	for (size_t i = 0; i < RT_COUNT(presets); i++) {
		rt_buf_cut(&path, 0);
		rt_buf_cut(&text, 0);
		rt_control_make(rt_control_find(presets[i][0]), presets[i][1], &none, "c1f", false, &path, &text);
		cr_expect_not_null(strstr(text.data, "c1fpass"), "%s", presets[i][0]);
		cr_expect_null(strstr(text.data, "c1ffail"), "%s", presets[i][0]);
	}
}
