#include "cycle/key.h"

#include <inttypes.h>
#include <string.h>

#include "cycle/workspace.h"
#include "model/preset.h"

/* Raised when a reader, or what is kept of a result, changes its meaning. */
#define KEY_VERSION "result 1"

static void
add_text(struct rt_sha256 *hash, const char *text)
{
	rt_sha256_field(hash, text ? text : "", text ? strlen(text) : 0);
}

static void
add_number(struct rt_sha256 *hash, uint64_t number)
{
	rt_sha256_add(hash, &number, sizeof(number));
}

/* The report's own path differs from run to run and means nothing. */
static int
add_expanded(struct rt_sha256 *hash, const struct rt_cell *cell, const char *text, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;
	if (rt_plan_expand(cell, "{{report}}", text, &out, err) < 0)
		return -1;
	add_text(hash, out.data);
	return 0;
}

static int
add_command(struct rt_sha256 *hash, const struct rt_cell *cell, struct rt_err *err)
{
	const struct rt_check *check = cell->check;
	const struct rt_preset *preset = rt_preset_find(check->report.format);
	add_text(hash, check->shell ? "shell" : "list");
	if (check->shell && add_expanded(hash, cell, check->shell, err) < 0)
		return -1;
	add_number(hash, check->argv.n);
	for (size_t i = 0; i < check->argv.n; i++)
		if (add_expanded(hash, cell, check->argv.at[i], err) < 0)
			return -1;
	for (size_t i = 0; preset && preset->env[i]; i++)
		add_text(hash, preset->env[i]);
	add_number(hash, check->env.n);
	for (size_t i = 0; i < check->env.n; i++) {
		add_text(hash, check->env.at[i].name);
		if (add_expanded(hash, cell, check->env.at[i].value, err) < 0)
			return -1;
	}
	return 0;
}

static void
add_rules(struct rt_sha256 *hash, const struct rt_check *check)
{
	add_number(hash, (uint64_t)check->kind);
	add_number(hash, (uint64_t)check->network);
	add_number(hash, check->nested);
	add_number(hash, check->git);
	add_number(hash, check->warm);
	add_number(hash, check->confirm_clean);
	add_number(hash, check->untrusted_inputs);
	for (size_t i = 0; i < check->inputs.n; i++)
		add_text(hash, check->inputs.at[i]);
	add_number(hash, check->min_cases);
	add_text(hash, check->report.format);
	add_text(hash, check->report.path);
	add_text(hash, check->report.pattern);
	add_number(hash, check->report.streams);
}

static bool
may_stand(const struct rt_check *check)
{
	if (check->network == RT_NETWORK_HOST && check->kind != RT_KIND_PREPARE)
		return false;
	return check->kind != RT_KIND_METRIC || check->samples <= 1;
}

int
rt_key_make(struct rt_matrix *matrix, size_t i, const char *machine, struct rt_err *err)
{
	const struct rt_cell *cell = &matrix->plan->cells.at[i];
	struct rt_sha256 hash;
	struct rt_oid tree;
	matrix->cells[i].key[0] = '\0';
	if (!may_stand(cell->check))
		return 0;
	rt_sha256_start(&hash);
	add_text(&hash, KEY_VERSION);
	add_text(&hash, machine);
	add_text(&hash, rt_isolation_name(matrix->level));
	add_text(&hash, cell->name); /* with its axes */
	for (size_t k = 0; k < cell->needs.n; k++) {
		const char *need = matrix->cells[cell->needs.at[k]].key;
		if (!*need)
			return 0;
		add_text(&hash, need);
	}
	if (rt_workspace_tree(matrix, i, &matrix->tree, &tree, NULL, err) < 0)
		return -1;
	add_text(&hash, tree.hex);
	if (cell->check->git)
		add_text(&hash, matrix->head.hex);
	add_rules(&hash, cell->check);
	if (add_command(&hash, cell, err) < 0)
		return -1;
	rt_sha256_hex(&hash, matrix->cells[i].key);
	return 0;
}

/* What of a cell does not go by its tree. */
static int
add_cell(struct rt_sha256 *hash, const struct rt_cell *cell, struct rt_err *err)
{
	add_text(hash, cell->name);
	add_rules(hash, cell->check);
	return add_command(hash, cell, err);
}

int
rt_key_cell(const struct rt_cell *cell, char key[RT_SHA256_HEX + 1], struct rt_err *err)
{
	struct rt_sha256 hash;
	rt_sha256_start(&hash);
	add_text(&hash, KEY_VERSION);
	if (add_cell(&hash, cell, err) < 0)
		return -1;
	rt_sha256_hex(&hash, key);
	return 0;
}

int
rt_key_plan(const struct rt_matrix *matrix, const char *machine, char key[RT_SHA256_HEX + 1], struct rt_err *err)
{
	struct rt_sha256 hash;
	rt_sha256_start(&hash);
	add_text(&hash, KEY_VERSION);
	add_text(&hash, machine);
	add_text(&hash, rt_isolation_name(matrix->level));
	for (size_t i = 0; i < matrix->plan->cells.n; i++) {
		if (add_cell(&hash, &matrix->plan->cells.at[i], err) < 0)
			return -1;
	}
	rt_sha256_hex(&hash, key);
	return 0;
}
