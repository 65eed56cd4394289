#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "support/err.h"

Test(err, fail_says_code_and_text)
{
	struct rt_err err = RT_ERR_INIT;

	cr_assert_eq(rt_fail(&err, RT_EREFUSED, "no %s", "way"), -1);
	cr_assert_eq(err.code, RT_EREFUSED);
	cr_assert_str_eq(err.text, "no way");
	cr_assert_eq(err.line, 0);
}

Test(err, nobody_need_ask_for_the_error)
{
	cr_assert_eq(rt_fail(NULL, RT_EIO, "x"), -1);
	cr_assert_eq(rt_fail_errno(NULL, "x"), -1);
	cr_assert_eq(rt_fail_at(NULL, "f", 1, 1, "x"), -1);
	cr_assert_eq(rt_err_while(NULL, "x"), -1);
}

Test(err, errno_text_is_added_and_errno_is_kept)
{
	struct rt_err err = RT_ERR_INIT;

	errno = ENOENT;
	cr_assert_eq(rt_fail_errno(&err, "can't open %s", "f"), -1);
	cr_assert_eq(errno, ENOENT);
	cr_assert_eq(err.code, RT_EIO);
	cr_assert_str_eq(err.text, "can't open f: No such file or directory");
}

Test(err, fail_at_gives_the_position)
{
	struct rt_err err = RT_ERR_INIT;

	cr_assert_eq(rt_fail_at(&err, "ratchet.yml", 3, 7, "no key %s", "x"), -1);
	cr_assert_eq(err.code, RT_ECONFIG);
	cr_assert_str_eq(err.file, "ratchet.yml");
	cr_assert_eq(err.line, 3);
	cr_assert_eq(err.column, 7);
	cr_assert_str_eq(err.text, "no key x");
}

Test(err, a_later_error_forgets_the_position)
{
	struct rt_err err = RT_ERR_INIT;

	rt_fail_at(&err, "ratchet.yml", 3, 7, "x");
	rt_fail(&err, RT_EIO, "y");
	cr_assert_str_eq(err.file, "");
	cr_assert_eq(err.line, 0);
	cr_assert_eq(err.column, 0);
}

Test(err, text_may_be_made_of_the_present_text)
{
	struct rt_err err = RT_ERR_INIT;

	rt_fail_at(&err, "f", 1, 2, "inner");
	rt_fail_at(&err, err.file, err.line, err.column, "outer (%s)", err.text);
	cr_assert_str_eq(err.text, "outer (inner)");
	cr_assert_str_eq(err.file, "f");
}

Test(err, while_puts_context_before_and_keeps_the_rest)
{
	struct rt_err err = RT_ERR_INIT;

	rt_fail_at(&err, "f", 1, 2, "inner");
	cr_assert_eq(rt_err_while(&err, "reading %s", "f"), -1);
	cr_assert_str_eq(err.text, "while reading f: inner");
	cr_assert_eq(err.code, RT_ECONFIG);
	cr_assert_eq(err.line, 1);
}

Test(err, long_texts_are_cut_and_stay_terminated)
{
	struct rt_err err = RT_ERR_INIT;
	int i;

	rt_fail(&err, RT_EIO, "%05000d", 1);
	cr_assert_eq(strlen(err.text), sizeof(err.text) - 1);
	for (i = 0; i < 10; i++)
		rt_err_while(&err, "%01000d", 2);
	cr_assert_eq(strlen(err.text), sizeof(err.text) - 1);
	rt_fail_at(&err, err.text, 1, 1, "x");
	cr_assert_eq(strlen(err.file), sizeof(err.file) - 1);
}

Test(err, text_is_one_line_without_terminal_controls)
{
	struct rt_err err = RT_ERR_INIT;

	rt_fail(&err, RT_EIO, "a\nb\tc\x1b[31m\x7f");
	cr_assert_str_eq(err.text, "a b c?[31m?");
	rt_err_while(&err, "x\ny");
	cr_assert_str_eq(err.text, "while x y: a b c?[31m?");
	rt_fail_at(&err, "a\nb", 1, 1, "x");
	cr_assert_str_eq(err.file, "a b");
}

Test(err, codes_have_the_exit_codes_of_the_contract)
{
	cr_assert_eq(rt_err_exit(RT_ENONE), 0);
	cr_assert_eq(rt_err_exit(RT_ECONFIG), 2);
	cr_assert_eq(rt_err_exit(RT_EUNKNOWN), 3);
	cr_assert_eq(rt_err_exit(RT_EREFUSED), 4);
	cr_assert_eq(rt_err_exit(RT_ECONFLICT), 5);
	cr_assert_eq(rt_err_exit(RT_EINTERNAL), 70);
	cr_assert_eq(rt_err_exit(RT_EIO), 74);
}

Test(err, bug_aborts, .signal = SIGABRT)
{
	rt_bug("on %s", "purpose");
}
