#include <criterion/criterion.h>
#include <string.h>

#include "model/baseline.h"
#include "model/plan.h"

static struct rt_config config;
static struct rt_plan plan;
static struct rt_err err;

static void
set_up(void)
{
	config = (struct rt_config)RT_CONFIG_INIT;
	plan = (struct rt_plan)RT_PLAN_INIT;
	err = (struct rt_err)RT_ERR_INIT;
}

static void
tear_down(void)
{
	rt_plan_release(&plan);
	rt_config_release(&config);
}

TestSuite(plan, .init = set_up, .fini = tear_down);

static void
configure(const char *text)
{
	cr_assert_eq(rt_config_parse(&config, text, strlen(text), "ratchet.yml", &err), 0, "%u:%u: %s", err.line,
		     err.column, err.text);
}

static void
make(const char *text, bool fast_only)
{
	configure(text);
	cr_assert_eq(rt_plan_make(&plan, &config, fast_only, &err), 0, "%s", err.text);
}

/* The names of all cells, each followed by what it needs. */
static void
cells_are(const char *expected)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;

	for (size_t i = 0; i < plan.cells.n; i++) {
		const struct rt_cell *cell = &plan.cells.at[i];
		rt_buf_addf(&text, "%s%s", i ? " " : "", cell->name);
		for (size_t j = 0; j < cell->needs.n; j++) {
			cr_assert_lt(cell->needs.at[j], i);
			rt_buf_addf(&text, "<%s", plan.cells.at[cell->needs.at[j]].name);
		}
	}
	cr_assert_str_eq(text.data, expected);
}

Test(plan, check_without_axes_is_one_bare_cell)
{
	make("version: 1\nchecks: [{name: unit, run: x}]\n", false);
	cells_are("unit");
	cr_assert_not(plan.cells.at[0].needed);
}

Test(plan, axes_multiply_in_bytewise_order_of_their_names)
{
	make("version: 1\naxes: {san: [none, address], cc: [gcc, clang]}\nchecks: [{name: b, run: x, axes: [san, "
	     "cc]}]\n",
	     false);
	cells_are("b[cc=gcc,san=none] b[cc=gcc,san=address] b[cc=clang,san=none] b[cc=clang,san=address]");
}

Test(plan, excluded_points_have_no_cell)
{
	make("version: 1\naxes: {cc: [gcc, clang], san: [none, address]}\nexclude: [{san: address, cc: gcc}]\n"
	     "checks: [{name: b, run: x, axes: [cc, san]}, {name: c, run: x, axes: [cc]}]\n",
	     false);
	cells_are("b[cc=gcc,san=none] b[cc=clang,san=none] b[cc=clang,san=address] c[cc=gcc] c[cc=clang]");
}

Test(plan, check_without_any_cell_left_is_an_error)
{
	configure("version: 1\naxes: {cc: [gcc]}\nexclude: [{cc: gcc}]\nchecks: [{name: b, run: x, axes: [cc]}]\n");
	cr_assert_eq(rt_plan_make(&plan, &config, false, &err), -1);
	cr_assert_eq(err.code, RT_ECONFIG);
	cr_assert_eq(err.line, 4);
	cr_assert_not_null(strstr(err.text, "every cell of check `b` is excluded"));
}

Test(plan, cells_need_those_that_agree_on_shared_axes)
{
	make("version: 1\naxes: {cc: [gcc, clang], py: ['2', '3']}\nchecks:\n"
	     "- {name: unit, run: x, needs: [build, deps], axes: [py]}\n- {name: build, run: x, axes: [cc]}\n"
	     "- {name: deps, run: x, kind: prepare}\n",
	     false);
	cells_are("build[cc=gcc] build[cc=clang] deps unit[cc=gcc,py=2]<build[cc=gcc]<deps "
		  "unit[cc=gcc,py=3]<build[cc=gcc]<deps unit[cc=clang,py=2]<build[cc=clang]<deps "
		  "unit[cc=clang,py=3]<build[cc=clang]<deps");
	cr_assert(plan.cells.at[0].needed);
	cr_assert_not(plan.cells.at[3].needed);
}

Test(plan, fast_keeps_marked_checks_and_all_they_need)
{
	make("version: 1\nchecks:\n- {name: deps, run: x}\n- {name: build, run: x, needs: [deps]}\n"
	     "- {name: slow, run: x, needs: [build]}\n- {name: quick, run: x, needs: [build], fast: true}\n",
	     true);
	cells_are("deps build<deps quick<build");
}

Test(plan, fast_without_marked_checks_is_empty)
{
	make("version: 1\nchecks: [{name: a, run: x}]\n", true);
	cr_assert_eq(plan.cells.n, 0);
}

/* Axes a1 to an of ten values each, all of them on one check. */
static void
configure_wide(unsigned axes)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;

	rt_buf_adds(&text, "version: 1\naxes:\n");
	for (unsigned i = 1; i <= axes; i++)
		rt_buf_addf(&text, "  a%u: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]\n", i);
	rt_buf_adds(&text, "checks:\n- {name: x, run: x, axes: [a1");
	for (unsigned i = 2; i <= axes; i++)
		rt_buf_addf(&text, ", a%u", i);
	rt_buf_adds(&text, "]}\n- {name: y, run: x}\n");
	configure(text.data);
}

Test(plan, more_than_ten_thousand_cells_are_refused)
{
	configure_wide(4);
	cr_assert_eq(rt_plan_make(&plan, &config, false, &err), -1);
	cr_assert_not_null(strstr(err.text, "more than 10000 cells"), "%s", err.text);
	cr_assert_eq(err.line, 9);
}

Test(plan, product_beyond_any_bound_is_refused_at_once)
{
	configure_wide(60);
	cr_assert_eq(rt_plan_make(&plan, &config, false, &err), -1);
	cr_assert_not_null(strstr(err.text, "more points"), "%s", err.text);
}

static void
expands(const char *text, const char *expected)
{
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;

	cr_assert_eq(rt_plan_expand(&plan.cells.at[0], "/tmp/r", text, &out, &err), 0, "%s", err.text);
	cr_assert_str_eq(out.data, expected);
}

Test(plan, braces_become_axis_values_and_the_report)
{
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;

	make("version: 1\naxes: {cc: [gcc]}\nchecks: [{name: b, run: x, axes: [cc]}]\n", false);
	expands("CC={{cc}} make O={{report}}", "CC=gcc make O=/tmp/r");
	expands("{{cc}}{{cc}}", "gccgcc");
	expands("{{{cc}}}", "{gcc}");
	expands("${{ cc }} {{}} {{cc} {{", "${{ cc }} {{}} {{cc} {{");
	cr_assert_eq(rt_plan_expand(&plan.cells.at[0], "/r", "a {{zz}}", &out, &err), -1);
	cr_assert_eq(err.code, RT_ECONFIG);
	cr_assert_not_null(strstr(err.text, "{{zz}}"));
}

/* What a line with that id becomes under a configuration. */
static void
carries(const char *text, const char *id, const char *expected)
{
	rt_auto(baseline) struct rt_baseline in = RT_BASELINE_INIT;
	rt_auto(baseline) struct rt_baseline out = RT_BASELINE_INIT;

	rt_config_release(&config);
	configure(text);
	rt_baseline_add(&in, id, RT_LEVEL_PASS, true, 3, 2);
	rt_baseline_seal(&in);
	rt_plan_carry(&config, &in, &out);
	cr_assert_eq(out.lines.n, 1);
	cr_assert_str_eq(out.lines.at[0].id, expected);
	cr_assert_eq(out.lines.at[0].level, RT_LEVEL_PASS);
	cr_assert_eq(out.lines.at[0].value, 3);
	cr_assert_eq(out.lines.at[0].epoch, 2);
}

#define AXES "version: 1\naxes: {cc: [gcc, clang], os: [linux]}\nchecks: "

Test(plan, renamed_check_keeps_its_lines)
{
	static const char text[] = AXES "[{name: new, run: x, report: {tap: stdout}, axes: [cc], was: old}]\n";

	carries(text, "old[cc=gcc]/a::b", "new[cc=gcc]/a::b");
	carries(text, "old/a", "new/a");
	carries(text, "old/old", "new/old");
	carries(text, "older/a", "older/a");
	carries(text, "new[cc=gcc]/a", "new[cc=gcc]/a");
}

Test(plan, case_named_after_the_check_is_renamed_with_it)
{
	carries(AXES "[{name: new, run: x, was: old}]\n", "old/old", "new/new");
	carries(AXES "[{name: new, kind: metric, better: lower, report: {json: /a}, run: x, was: old}]\n", "old/old",
		"new/new");
	carries(AXES "[{name: new, run: x, was: old}]\n", "old/(exit)", "new/(exit)");
}

Test(plan, new_axis_takes_the_old_cell_to_the_named_value)
{
	carries(AXES "[{name: u, run: x, axes: [cc, os], was: {cc: gcc}}]\n", "u[os=linux]/a", "u[cc=gcc,os=linux]/a");
	carries(AXES "[{name: u, run: x, axes: [cc], was: {cc: gcc}}]\n", "u/a", "u[cc=gcc]/a");
}

Test(plan, dropped_axis_keeps_the_named_value)
{
	static const char text[] = AXES "[{name: u, run: x, axes: [cc], was: {san: none}}]\n";

	carries(text, "u[cc=gcc,san=none]/a", "u[cc=gcc]/a");
	carries(text, "u[cc=gcc,san=address]/a", "u[cc=gcc,san=address]/a");
}

Test(plan, renamed_axis_keeps_its_lines)
{
	carries(AXES "[{name: u, run: x, axes: [cc], was: {cc: compiler}}]\n", "u[compiler=clang]/a", "u[cc=clang]/a");
}

Test(plan, renamed_single_value_keeps_its_lines)
{
	carries(AXES "[{name: u, run: x, axes: [os], was: {os: debian}}]\n", "u[os=debian]/a", "u[os=linux]/a");
	carries(AXES "[{name: u, run: x, axes: [cc], was: {cc: tcc}}]\n", "u[cc=tcc]/a", "u[cc=tcc]/a");
}

Test(plan, renamed_value_among_others_keeps_its_lines)
{
	rt_auto(baseline) struct rt_baseline in = RT_BASELINE_INIT;
	rt_auto(baseline) struct rt_baseline out = RT_BASELINE_INIT;
	static const char *const ids[] = {"u[cc=clang]/a", "u[cc=tcc]/a", "u[cc=tcc]/b", "v[cc=gcc]/a"};

	configure(AXES "[{name: u, run: x, axes: [cc], was: {cc: tcc}}, {name: v, run: x, axes: [cc]}]\n");
	for (size_t i = 0; i < RT_COUNT(ids); i++)
		rt_baseline_add(&in, ids[i], RT_LEVEL_PASS, false, 0, 0);
	rt_baseline_seal(&in);
	rt_plan_carry(&config, &in, &out);
	cr_assert_eq(out.lines.n, 4);
	cr_assert_str_eq(out.lines.at[1].id, "u[cc=gcc]/a");
	cr_assert_str_eq(out.lines.at[2].id, "u[cc=gcc]/b");
}

Test(plan, line_that_is_no_cell_is_carried_unchanged)
{
	carries(AXES "[{name: new, run: x, was: old}]\n", "old[cc]/a", "old[cc]/a");
	carries(AXES "[{name: new, run: x, was: old}]\n", "old[/a", "old[/a");
}
