/* Whatever the bytes: a configuration whose plan keeps its promises, or an error with a position. */

#include <stdint.h>
#include <string.h>

#include "model/config.h"
#include "model/id.h"
#include "model/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
check_error(const struct rt_err *err)
{
	if (err->code != RT_ECONFIG || !err->text[0] || strcmp(err->file, "fuzz.yml") || !err->line || !err->column)
		rt_bug("error without code, text or position: %u:%u %s", err->line, err->column, err->text);
}

static void
check_cell(const struct rt_plan *plan, size_t at)
{
	const struct rt_cell *cell = &plan->cells.at[at];
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;
	struct rt_err err = RT_ERR_INIT;

	if (strncmp(cell->name, cell->check->name, strlen(cell->check->name)))
		rt_bug("cell %s of check %s", cell->name, cell->check->name);
	if (cell->needs.n != cell->check->needs.n || cell->axes.n != cell->check->axes.n)
		rt_bug("cell %s lacks needs or axes", cell->name);
	for (size_t i = 0; i < cell->needs.n; i++)
		if (cell->needs.at[i] >= at || !plan->cells.at[cell->needs.at[i]].needed)
			rt_bug("cell %s stands before what it needs", cell->name);
	/* what the parser accepted can be expanded */
	if (cell->check->shell && rt_plan_expand(cell, "/r", cell->check->shell, &out, &err))
		rt_bug("%s", err.text);
	if (cell->check->report.path && rt_plan_expand(cell, "/r", cell->check->report.path, &out, &err))
		rt_bug("%s", err.text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	rt_auto(config) struct rt_config config = RT_CONFIG_INIT;
	rt_auto(plan) struct rt_plan plan = RT_PLAN_INIT;
	struct rt_err err = RT_ERR_INIT;

	if (rt_config_parse(&config, (const char *)bytes, len, "fuzz.yml", &err)) {
		check_error(&err);
		return 0;
	}
	if (!config.checks.n)
		rt_bug("accepted without a check");
	for (size_t i = 0; i < config.checks.n; i++) {
		const struct rt_check *check = &config.checks.at[i];
		if (!rt_name_valid(check->name) || !check->shell == !check->argv.n || !check->report.format)
			rt_bug("check %zu is not whole", i);
	}
	if (rt_plan_make(&plan, &config, false, &err)) {
		check_error(&err);
		return 0;
	}
	for (size_t i = 0; i < plan.cells.n; i++)
		check_cell(&plan, i);
	return 0;
}
