#include <criterion/criterion.h>

#include <string.h>

#include "kit.h"
#include "model/moves.h"

TestSuite(moved, .init = kit_start, .fini = kit_finish);

/* What an id becomes when a file moves; "" for nothing. */
static void
becomes(const char *line, const char *from, const char *to, const char *want)
{
	rt_auto(moved) struct rt_moved moved = {0};
	rt_auto(baseline) struct rt_baseline baseline = RT_BASELINE_INIT;
	rt_auto(free) char *text = rt_format("%s\t\t0\n", line);
	const struct rt_move moves[] = {{"z/other.py", "z/another.py"}, {from, to}};
	struct rt_err err = RT_ERR_INIT;

	cr_assert_eq(rt_baseline_parse(&baseline, "unit", text, strlen(text), "x", &err), 0, "%s", err.text);
	rt_baseline_seal(&baseline);
	rt_moves_derive(&baseline, moves, RT_COUNT(moves), &moved);
	cr_assert_eq(moved.n_cases + moved.n_findings, want[0] ? 1 : 0, "%s", line);
	if (want[0])
		cr_assert_str_eq(moved.n_cases ? moved.cases[0].to : moved.findings[0].to, want);
}

Test(moved, a_part_that_is_the_path_follows_the_file)
{
	becomes("unit/tests/a.js::adds\tpass", "tests/a.js", "lib/b.js", "unit/lib/b.js::adds");
	becomes("unit[cc=gcc]/unused::a.c::x\tknown", "a.c", "b/a.c", "unit[cc=gcc]/unused::b/a.c::x");
	becomes("unit/a.c::x\tknown", "a.c", "b.c", "unit/b.c::x");
	becomes("unit/a.c\tpass", "a.c", "b.c", "unit/b.c");
	becomes("unit/a\\n.c::x\tknown", "a\n.c", "b\t.c", "unit/b\\t.c::x");
}

Test(moved, a_module_of_python_follows_its_file)
{
	becomes("unit/tests.test_a::test_x\tpass", "tests/test_a.py", "more/test_b.py", "unit/more.test_b::test_x");
	becomes("unit/tests.test_a.TestIt::test_x\tpass", "tests/test_a.py", "tests/test_b.py",
		"unit/tests.test_b.TestIt::test_x");
}

Test(moved, a_class_of_java_follows_its_file_to_another_package)
{
	becomes("unit/a.b.FooTest::adds\tpass", "src/test/java/a/b/FooTest.java", "src/test/java/c/FooTest.java",
		"unit/c.FooTest::adds");
	becomes("unit/a.b.FooTest$Inner::adds\tpass", "src/test/java/a/b/FooTest.java",
		"src/test/java/a/c/FooTest.java", "unit/a.c.FooTest$Inner::adds");
	becomes("unit/a.FooTest::adds\tpass", "one/src/test/kotlin/a/FooTest.kt", "two/src/test/kotlin/b/FooTest.kt",
		"unit/b.FooTest::adds");
	becomes("unit/a.FooTest::adds\tpass", "test/a/FooTest.java", "test/b/FooTest.java", "unit/b.FooTest::adds");
	becomes("unit/a.FooTest::adds\tpass", "one/src/test/java/a/FooTest.java", "two/src/test/java/a/FooTest.java",
		"");
}

Test(moved, a_case_of_go_follows_its_file_to_another_package)
{
	becomes("unit/example.com/m/a::TestX/sub\tpass", "a/x_test.go", "b/x_test.go",
		"unit/example.com/m/b::TestX/sub");
	becomes("unit/m/v2/x/a::TestX\tpass", "svc/x/a/x_test.go", "svc/x/a/b/x_test.go", "unit/m/v2/x/a/b::TestX");
	becomes("unit/m/x/a::TestX\tpass", "x/a/x_test.go", "x/x_test.go", "unit/m/x::TestX");
	becomes("unit/m/a::TestX\tpass", "a/x_test.go", "x_test.go", "unit/m::TestX");
	becomes("unit/m::TestX\tpass", "x_test.go", "a/x_test.go", "unit/m/a::TestX");
	becomes("unit/m/a::TestX\tpass", "a/x_test.go", "a/y_test.go", "");
	becomes("unit/m/aa::TestX\tpass", "a/x_test.go", "b/x_test.go", "");
	becomes("unit/m/a::TestX\tpass", "a/x.go", "b/x.go", "");
}

Test(moved, a_module_of_rust_follows_its_file)
{
	becomes("unit/a::b::tests::adds\tpass", "src/a/b.rs", "src/c.rs", "unit/c::tests::adds");
	becomes("unit/a::tests::adds\tpass", "x/src/a/mod.rs", "x/src/b/mod.rs", "unit/b::tests::adds");
	becomes("unit/ab::tests::adds\tpass", "src/a.rs", "src/b.rs", "");
}

Test(moved, a_check_that_runs_in_a_folder_names_files_from_there)
{
	becomes("unit/tests/a.js::adds\tpass", "web/tests/a.js", "web/lib/a.js", "unit/lib/a.js::adds");
	becomes("unit/test_a::adds\tpass", "x/test_a.py", "x/test_b.py", "unit/test_b::adds");
	becomes("unit/tests/a.js::adds\tpass", "web/tests/a.js", "net/tests/a.js", "");
	becomes("unit/a.c::x\tknown", "web/a.c", "web/b.c", "");
}

/* Two files of one package went two ways: which of them the case is in shows where it came to be. */
Test(moved, of_several_guesses_the_one_that_is_seen_holds)
{
	static struct rt_rename guesses[] = {
	    {(char *)"unit/m/a::TestX", (char *)"unit/m/b::TestX", true},
	    {(char *)"unit/m/a::TestX", (char *)"unit/m/c::TestX", true},
	};
	size_t cell = kit_cell("unit", RT_KIND_CASES);

	kit_line("unit/m/a::TestX pass - 0");
	kit_ran(cell, KIT_FIRST, "m/c::TestX=pass");
	kit.input.renames = guesses;
	kit.input.n_renames = 2;
	cr_assert_eq(kit_judge(), RT_VERDICT_WOULD_LAND);
	cr_assert_str_eq(kit_raised("unit/m/a::TestX"), "gone - 1");
	cr_assert_str_eq(kit_raised("unit/m/c::TestX"), "pass - 0");
	cr_assert_str_eq(kit_raised("unit/m/b::TestX"), "");
}

Test(moved, what_only_looks_like_the_path_stays)
{
	becomes("unit/tests.test_ab::test_x\tpass", "tests/test_a.py", "tests/test_b.py", "");
	becomes("unit/tests.test_a::test_x\tpass", "tests/test_a.c", "tests/test_b.c", "");
	becomes("unit/x/a.c::y\tknown", "a.c", "b.c", "");
	becomes("unit/a.c.d::y\tknown", "a.c", "b.c", "");
	becomes("unit/a.c::y\tgone", "a.c", "b.c", "");
	becomes("unit/a.c::y\tflaky", "a.c", "b.c", "");
}

/* ---- judging ---- */

static struct rt_rename moves[] = {{(char *)"lint/unused::old.c::x", (char *)"lint/unused::new.c::x"}};

static void
lint(const char *first, const char *again)
{
	size_t cell = kit_cell("lint", RT_KIND_FINDINGS);

	kit_line("lint/(ran) pass - 0");
	kit_line("lint/unused::old.c::x known - 0");
	kit_ran(cell, KIT_FIRST, first);
	if (again) {
		kit_ran(cell, KIT_SECOND, again);
		kit_ran(cell, KIT_BASE, "(ran)=pass f:unused::old.c::x");
	}
	kit.input.moved = moves;
	kit.input.n_moved = 1;
}

Test(moved, a_finding_that_moved_with_its_file_is_known_there)
{
	lint("(ran)=pass f:unused::new.c::x", NULL);
	cr_assert_not(kit_red(0));
	cr_assert_eq(kit_judge(), RT_VERDICT_WOULD_LAND);
	cr_assert_str_eq(kit_raised("lint/unused::old.c::x"), "gone - 0");
	cr_assert_str_eq(kit_raised("lint/unused::new.c::x"), "known - 0");
	cr_assert_eq(kit.out.gains.n, 0);
}

Test(moved, a_finding_that_is_in_both_files_is_new_in_one)
{
	lint("(ran)=pass f:unused::new.c::x f:unused::old.c::x", "(ran)=pass f:unused::new.c::x f:unused::old.c::x");
	cr_assert_eq(kit_judge(), RT_VERDICT_REGRESSED);
	cr_assert_not_null(kit_find(&kit.out.regressions, "lint/unused::new.c::x"));
}

Test(moved, another_finding_in_the_moved_file_is_a_regression)
{
	lint("(ran)=pass f:unused::new.c::x f:unused::new.c::y", "(ran)=pass f:unused::new.c::x f:unused::new.c::y");
	cr_assert_eq(kit_judge(), RT_VERDICT_REGRESSED);
	cr_assert_null(kit_find(&kit.out.regressions, "lint/unused::new.c::x"));
	cr_assert_not_null(kit_find(&kit.out.regressions, "lint/unused::new.c::y"));
}

Test(moved, a_finding_that_was_fixed_at_the_new_path_is_a_regression)
{
	kit_line("lint/unused::new.c::x gone - 0");
	lint("(ran)=pass f:unused::new.c::x", "(ran)=pass f:unused::new.c::x");
	cr_assert_eq(kit_judge(), RT_VERDICT_REGRESSED);
}

Test(moved, a_finding_that_was_fixed_with_the_move_is_gone)
{
	lint("(ran)=pass", NULL);
	cr_assert_eq(kit_judge(), RT_VERDICT_WOULD_LAND);
	cr_assert_str_eq(kit_raised("lint/unused::old.c::x"), "gone - 0");
	cr_assert_str_eq(kit_raised("lint/unused::new.c::x"), "");
	cr_assert_eq(kit.out.gains.n, 1);
}
