#include <criterion/criterion.h>

#include <string.h>

#include "kit.h"

static struct rt_support_judgement said;

static void
start(void)
{
	kit_start();
	memset(&said, 0, sizeof(said));
}

static void
finish(void)
{
	rt_support_judgement_release(&said);
	kit_finish();
}

TestSuite(judge_support, .init = start, .fini = finish);

/* A cell `unit`, with what its runs of the mixed tree and of the base saw. */
static size_t
unit(const char *first, const char *second, const char *base)
{
	size_t cell = kit_cell("unit", RT_KIND_CASES);

	kit_ran(cell, KIT_FIRST, first);
	if (second)
		kit_ran(cell, KIT_SECOND, second);
	if (base)
		kit_ran(cell, KIT_BASE, base);
	return cell;
}

static bool
red(size_t cell)
{
	bool marks[KIT_CELLS];

	rt_judge_support_reds(&kit.input, marks);
	return marks[cell];
}

static void
judge(void)
{
	if (!kit.baseline.sealed)
		rt_baseline_seal(&kit.baseline);
	rt_judge_support(&kit.input, &said);
}

static void
only_sentence(const struct rt_strs *list, const char *begin, const char *word)
{
	cr_assert_eq(said.failed.n, 0);
	cr_assert_eq(said.unbuilt.n + said.noted.n + said.unsteady.n, 1);
	cr_assert_eq(list->n, 1);
	cr_assert_eq(strncmp(list->at[0], begin, strlen(begin)), 0, "%s", list->at[0]);
	cr_assert_not_null(strstr(list->at[0], word), "%s", list->at[0]);
}

Test(judge_support, cases_that_pass_there_hold)
{
	size_t cell = unit("a=pass b=pass new=fail", NULL, NULL);

	kit_line("unit/a pass - 0");
	kit_line("unit/b pass - 0");
	rt_baseline_seal(&kit.baseline);
	cr_assert_not(red(cell));
	judge();
	cr_assert_eq(said.held, 2);
	cr_assert_eq(said.failed.n + said.unbuilt.n + said.noted.n + said.unsteady.n, 0);
}

Test(judge_support, a_case_that_fails_there_twice_and_passes_on_the_base_failed)
{
	size_t cell = unit("a=pass b=fail", "a=pass b=error", "a=pass b=pass");

	kit_line("unit/a pass - 0");
	kit_line("unit/b pass - 0");
	rt_baseline_seal(&kit.baseline);
	cr_assert(red(cell));
	judge();
	cr_assert_eq(said.failed.n, 1);
	cr_assert_str_eq(said.failed.at[0].id, "unit/b");
	cr_assert_str_eq(said.failed.at[0].now, "fail");
	cr_assert_eq(said.held, 1);
}

Test(judge_support, a_case_that_passes_there_without_its_assertions_failed)
{
	unit("a=pass:0", "a=pass:0", "a=pass:3");
	kit_line("unit/a pass 3 0");
	judge();
	cr_assert_eq(said.failed.n, 1);
	cr_assert_str_eq(said.failed.at[0].now, "0");
}

Test(judge_support, a_case_that_fails_once_shows_nothing)
{
	unit("a=fail", "a=pass", "a=pass");
	kit_line("unit/a pass - 0");
	judge();
	only_sentence(&said.unsteady, "unit/a", "passes in another");
}

Test(judge_support, a_case_that_fails_on_the_target_too_is_noted)
{
	unit("a=fail", "a=fail", "a=fail");
	kit_line("unit/a pass - 0");
	judge();
	only_sentence(&said.noted, "unit/a", "on the target itself");
}

Test(judge_support, cases_that_no_longer_run_are_unbuilt_and_need_no_second_look)
{
	size_t cell = unit("c=pass b=skip", NULL, NULL);

	kit_line("unit/a pass - 0");
	kit_line("unit/b pass - 0");
	kit_line("unit/c pass - 0");
	rt_baseline_seal(&kit.baseline);
	cr_assert_not(red(cell));
	judge();
	only_sentence(&said.unbuilt, "unit/a and 1 more of unit", "do not run");
}

Test(judge_support, a_cell_without_sound_evidence_is_unbuilt)
{
	size_t cell = kit_cell("unit", RT_KIND_CASES);

	kit_ended(cell, KIT_FIRST, RT_CELL_BROKEN);
	kit_line("unit/a pass - 0");
	rt_baseline_seal(&kit.baseline);
	cr_assert_not(red(cell));
	judge();
	only_sentence(&said.unbuilt, "unit ", "no sound evidence");
}

Test(judge_support, a_build_that_others_need_is_unbuilt_when_its_command_fails)
{
	static char format[] = "exit";
	size_t cell = kit_cell("build", RT_KIND_CASES);

	kit.checks[cell].report.format = format;
	kit.cells[cell].needed = true;
	kit_ran(cell, KIT_FIRST, "build=fail");
	kit_line("build/build pass - 0");
	rt_baseline_seal(&kit.baseline);
	cr_assert_not(red(cell));
	judge();
	only_sentence(&said.unbuilt, "build fails", "support files");
}

Test(judge_support, a_command_that_nothing_needs_is_a_test)
{
	static char format[] = "exit";
	size_t cell = kit_cell("check", RT_KIND_CASES);

	kit.checks[cell].report.format = format;
	kit_ran(cell, KIT_FIRST, "check=fail");
	kit_ran(cell, KIT_SECOND, "check=fail");
	kit_ran(cell, KIT_BASE, "check=pass");
	kit_line("check/check pass - 0");
	judge();
	cr_assert_eq(said.failed.n, 1);
}

Test(judge_support, a_cell_that_hangs_twice_failed)
{
	size_t cell = kit_cell("unit", RT_KIND_CASES);

	kit_ended(cell, KIT_FIRST, RT_CELL_TIMEOUT);
	kit_ended(cell, KIT_SECOND, RT_CELL_TIMEOUT);
	kit_ran(cell, KIT_BASE, "a=pass");
	kit_line("unit/a pass - 0");
	rt_baseline_seal(&kit.baseline);
	cr_assert(red(cell));
	judge();
	cr_assert_eq(said.failed.n, 1);
	cr_assert_str_eq(said.failed.at[0].id, "unit/(exit)");
}

Test(judge_support, an_exit_code_that_no_case_explains_is_unbuilt)
{
	unit("a=pass (exit)=error", NULL, NULL);
	kit_line("unit/a pass - 0");
	judge();
	only_sentence(&said.unbuilt, "unit ends with exit code", "no case fails");
}

Test(judge_support, a_waived_case_is_not_asked)
{
	size_t cell = unit("a=fail", NULL, NULL);

	kit_line("unit/a pass - 0");
	kit_waive("unit/a", RT_WAIVER_GONE, 0);
	rt_baseline_seal(&kit.baseline);
	cr_assert_not(red(cell));
	judge();
	cr_assert_eq(said.failed.n, 0);
}

Test(judge_support, a_rename_needs_the_old_name_to_pass)
{
	struct rt_rename claim = {.from = (char[]){"unit/old"}, .to = (char[]){"unit/new"}};
	struct rt_rename other = {.from = (char[]){"unit/gone"}, .to = (char[]){"unit/new"}};

	unit("old=pass", "old=pass", NULL);
	cr_assert(rt_judge_rename_passes(&kit.input, &claim));
	cr_assert_not(rt_judge_rename_passes(&kit.input, &other));
}
