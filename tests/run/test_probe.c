#include <criterion/criterion.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "run/inner.h"
#include "support/file.h"
#include "../support/temp.h"

static const char path[] = "machine";

static void
start(void)
{
	temp_make();
	rt_isolation_keep(path);
}

TestSuite(probe, .init = start, .fini = temp_drop);

static void
read_kept(struct rt_buf *text)
{
	struct rt_err err = RT_ERR_INIT;
	cr_assert_eq(rt_file_read(AT_FDCWD, path, 65536, text, &err), 0, "%s", err.text);
}

Test(probe, keeps_that_everything_works_and_nothing_less)
{
	const struct rt_machine *machine = rt_machine();
	bool best = machine->overlay_in_memory && machine->landlock >= 2;
	cr_assert_eq(rt_exists(AT_FDCWD, path), best);
}

Test(probe, believes_only_what_was_kept_under_the_same_circumstances)
{
	struct rt_buf text = RT_BUF_INIT;
	struct rt_err err = RT_ERR_INIT;
	cr_assert_eq(rt_file_write_durable(AT_FDCWD, path, "another boot\n", 13, 0644, &err), 0);
	bool best = rt_machine()->overlay_in_memory && rt_machine()->landlock >= 2;
	read_kept(&text);
	cr_assert_eq(strcmp(text.data, "another boot\n") != 0, best, "the trial ran, and its end was kept");
	rt_buf_release(&text);
}

Test(probe, forgets_when_a_cell_cannot_be_set_up)
{
	static const char *const argv[] = {"true", NULL}, *const lowers[] = {"/nonexistent/layer", NULL};
	struct rt_cell_spec spec = {.name = "unit",
				    .argv = argv,
				    .lowers = lowers,
				    .level = RT_LEVEL_OF_NAMESPACES,
				    .timeout_ms = 60000,
				    .output_fd = -1};
	struct rt_err err = RT_ERR_INIT;
	if (!rt_machine()->overlay_in_memory || rt_machine()->landlock < 2)
		cr_skip_test("namespaces are not to be had here");
	struct rt_pool *pool = rt_pool_new();
	struct rt_cell_outcome *outcome = NULL;
	cr_assert_eq(rt_pool_start(pool, &spec, &err), 0, "%s", err.text);
	while (!outcome)
		cr_assert_eq(rt_pool_wait(pool, 0, &outcome, &err), 0, "%s", err.text);
	cr_assert_eq(outcome->end, RT_END_SETUP);
	cr_assert(!rt_exists(AT_FDCWD, path));
	rt_cell_outcome_free(outcome);
	rt_pool_free(pool);
}
