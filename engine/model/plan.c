#include "model/plan.h"

#include <string.h>

#include "model/baseline.h"
#include "model/config_parts.h"
#include "model/id.h"
#include "model/template.h"

enum { MOST_CELLS = 10000 };

struct making {
	struct rt_plan *plan;
	const struct rt_config *config;
	struct range {
		size_t from, to; /* its cells in the plan */
		bool wanted, done;
	} * of; /* of each check */
	struct rt_err *err;
};

static const char *
pairs_get(const struct rt_pairs *pairs, const char *name)
{
	for (size_t i = 0; i < pairs->n; i++)
		if (!strcmp(pairs->at[i].name, name))
			return pairs->at[i].value;
	return NULL;
}

/* An item of exclude removes every point that agrees with it on all its axes, and that has them. */
static bool
excluded(const struct rt_config *config, const struct rt_pairs *point)
{
	for (size_t i = 0; i < config->exclude.n; i++) {
		const struct rt_pairs *exclude = &config->exclude.at[i];
		size_t agree = 0;
		for (; agree < exclude->n; agree++) {
			const char *value = pairs_get(point, exclude->at[agree].name);
			if (!value || strcmp(value, exclude->at[agree].value))
				break;
		}
		if (agree == exclude->n)
			return true;
	}
	return false;
}

static void
add_cell_name(struct rt_buf *out, const char *check, const struct rt_pairs *axes)
{
	rt_buf_adds(out, check);
	for (size_t i = 0; i < axes->n; i++)
		rt_buf_addf(out, "%s%s=%s", i ? "," : "[", axes->at[i].name, axes->at[i].value);
	if (axes->n)
		rt_buf_addc(out, ']');
}

static bool
agrees(const struct rt_pairs *a, const struct rt_pairs *b)
{
	for (size_t i = 0; i < b->n; i++) {
		const char *value = pairs_get(a, b->at[i].name);
		if (value && strcmp(value, b->at[i].value))
			return false;
	}
	return true;
}

/*
 * A cell has all axes of what it needs, so exactly one cell of each needed check agrees with it. That cell can't be
 * excluded where this one isn't: an item of exclude that matches a point matches every point that adds axes to it.
 */
static void
add_needs(const struct making *m, size_t at)
{
	const struct rt_check *check = m->plan->cells.at[at].check;

	for (size_t i = 0; i < check->needs.n; i++) {
		const struct rt_check *need = rt_config_check(m->config, check->needs.at[i]);
		const struct range *range = &m->of[need - m->config->checks.at];
		size_t j = range->from;
		while (j < range->to && !agrees(&m->plan->cells.at[at].axes, &m->plan->cells.at[j].axes))
			j++;
		if (j == range->to)
			rt_bug("%s needs %s, which has no cell at that point", m->plan->cells.at[at].name, need->name);
		*rt_push(&m->plan->cells.at[at].needs) = j;
		m->plan->cells.at[j].needed = true;
	}
}

static int
add_cell(const struct making *m, const struct rt_check *check, const struct rt_pairs *point)
{
	rt_auto(buf) struct rt_buf name = RT_BUF_INIT;
	struct rt_cell *cell;

	if (m->plan->cells.n == MOST_CELLS)
		return rt_fail_at(m->err, m->config->name, check->line, check->column,
				  "the matrix has more than %d cells; "
				  "give fewer checks all axes, or exclude points",
				  MOST_CELLS);
	cell = rt_push(&m->plan->cells);
	cell->check = check;
	for (size_t i = 0; i < point->n; i++)
		rt_pairs_add(&cell->axes, point->at[i].name, point->at[i].value);
	add_cell_name(&name, check->name, point);
	cell->name = rt_buf_steal(&name);
	add_needs(m, m->plan->cells.n - 1);
	return 0;
}

static const struct rt_strs *
axis_values(const struct rt_config *config, const char *name)
{
	for (size_t i = 0; i < config->axes.n; i++)
		if (!strcmp(config->axes.at[i].name, name))
			return &config->axes.at[i].values;
	rt_bug("axis %s of a verified configuration is not declared", name);
}

/* All points of the axes from `axis` on, the last axis fastest. The point borrows its strings. */
static int
add_points(const struct making *m, const struct rt_check *check, struct rt_pairs *point, size_t axis)
{
	const struct rt_strs *values;

	if (axis == check->axes.n)
		return excluded(m->config, point) ? 0 : add_cell(m, check, point);
	values = axis_values(m->config, check->axes.at[axis]);
	for (size_t i = 0; i < values->n; i++) {
		point->at[axis] = (struct rt_pair){check->axes.at[axis], values->at[i]};
		point->n = axis + 1;
		if (add_points(m, check, point, axis + 1))
			return -1;
	}
	return 0;
}

/* Excluded points count here too, so that a huge matrix cannot hide behind an exclude. */
static bool
too_many_points(const struct making *m, const struct rt_check *check)
{
	size_t points = 1;

	for (size_t i = 0; i < check->axes.n; i++) {
		points *= axis_values(m->config, check->axes.at[i])->n;
		if (points > 10 * MOST_CELLS)
			return true;
	}
	return false;
}

static int
add_check(const struct making *m, size_t at)
{
	const struct rt_check *check = &m->config->checks.at[at];
	struct rt_pairs point = {0};
	int status;

	if (m->of[at].done || !m->of[at].wanted)
		return 0;
	for (size_t i = 0; i < check->needs.n; i++)
		if (add_check(m, (size_t)(rt_config_check(m->config, check->needs.at[i]) - m->config->checks.at)))
			return -1;
	if (too_many_points(m, check))
		return rt_fail_at(m->err, m->config->name, check->line, check->column,
				  "check `%s` has more points than a "
				  "matrix may have cells (%d); name fewer `axes`",
				  check->name, MOST_CELLS);
	m->of[at].from = m->plan->cells.n;
	point.at = rt_alloc(check->axes.n + 1, sizeof(*point.at));
	status = add_points(m, check, &point, 0);
	free(point.at);
	m->of[at].to = m->plan->cells.n;
	m->of[at].done = true;
	if (!status && m->of[at].from == m->of[at].to)
		return rt_fail_at(m->err, m->config->name, check->line, check->column,
				  "every cell of check `%s` is excluded: "
				  "nothing would be judged; leave the check out, or exclude less",
				  check->name);
	return status;
}

static void
want(const struct making *m, size_t at)
{
	const struct rt_check *check = &m->config->checks.at[at];

	if (m->of[at].wanted)
		return;
	m->of[at].wanted = true;
	for (size_t i = 0; i < check->needs.n; i++)
		want(m, (size_t)(rt_config_check(m->config, check->needs.at[i]) - m->config->checks.at));
}

int
rt_plan_make(struct rt_plan *plan, const struct rt_config *config, bool fast_only, struct rt_err *err)
{
	struct making m = {.plan = plan, .config = config, .err = err};
	int status = 0;

	m.of = rt_alloc(config->checks.n, sizeof(*m.of));
	for (size_t i = 0; i < config->checks.n; i++)
		if (!fast_only || config->checks.at[i].fast)
			want(&m, i);
	for (size_t i = 0; i < config->checks.n && !status; i++)
		status = add_check(&m, i);
	free(m.of);
	return status;
}

int
rt_plan_expand(const struct rt_cell *cell, const char *report, const char *text, struct rt_buf *out, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf name = RT_BUF_INIT;
	struct rt_template_ref ref = {0};
	size_t from = 0;

	while (rt_template_next(text, from, &ref)) {
		const char *value;
		rt_template_name(&ref, &name);
		value = strcmp(name.data, "report") ? pairs_get(&cell->axes, name.data) : report;
		if (!value)
			return rt_fail(err, RT_ECONFIG, "%s: unknown {{%s}}; known are {{report}} and the cell's axes",
				       cell->name, name.data);
		rt_buf_add(out, text + from, ref.start - from);
		rt_buf_adds(out, value);
		from = ref.end;
	}
	rt_buf_adds(out, text + from);
	return 0;
}

/* A baseline on its way to present names. */
struct carrying {
	const struct rt_config *config;
	const struct rt_baseline *in;
	/* what is called otherwise now, so far as it was asked */
	RT_VEC(struct {
		const struct rt_pair *was;
		const char *fresh;
	})
	values;
};

/* Reads `[a=v,b=w]` of a cell's name into pairs; false when it is not that. */
static bool
read_axes(const char *text, size_t len, struct rt_pairs *axes)
{
	rt_auto(free) char *copy = rt_strndup(text, len);
	char *at = copy;

	if (!len)
		return true;
	if (len < 2 || copy[0] != '[' || copy[len - 1] != ']')
		return false;
	copy[len - 1] = 0;
	for (at++; at;) {
		char *comma = strchr(at, ','), *equal = strchr(at, '=');
		if (comma)
			*comma = 0;
		if (!equal || (comma && equal > comma))
			return false;
		*equal = 0;
		rt_pairs_add(axes, at, equal + 1);
		at = comma ? comma + 1 : NULL;
	}
	return true;
}

static void
pair_rename(struct rt_pairs *axes, size_t at, const char *name, const char *value)
{
	struct rt_pair old = axes->at[at];

	axes->at[at] = (struct rt_pair){rt_strdup(name), rt_strdup(value)};
	free(old.name);
	free(old.value);
}

static void
pair_drop(struct rt_pairs *axes, size_t at)
{
	free(axes->at[at].name);
	free(axes->at[at].value);
	memmove(&axes->at[at], &axes->at[at + 1], (axes->n - at - 1) * sizeof(*axes->at));
	axes->n--;
}

static size_t
pairs_find(const struct rt_pairs *pairs, const char *name)
{
	size_t i = 0;

	while (i < pairs->n && strcmp(pairs->at[i].name, name))
		i++;
	return i;
}

static bool
check_holds(const struct rt_check *check, const char *id, size_t len)
{
	const char *names[] = {check->name, check->was};

	for (size_t i = 0; i < RT_COUNT(names); i++)
		if (names[i] && strlen(names[i]) == len && !memcmp(names[i], id, len))
			return true;
	return false;
}

/* Takes out of `fresh` the value that a line of the check has on the axis. */
static void
drop_value_of(const char *id, size_t check_len, const char *axis, struct rt_strs *fresh)
{
	struct rt_pairs axes = {0};
	size_t at = 0;

	if (read_axes(id + check_len, rt_id_cell_len(id) - check_len, &axes))
		at = pairs_find(&axes, axis);
	for (size_t i = 0; at < axes.n && i < fresh->n; i++)
		if (!strcmp(fresh->at[i], axes.at[at].value)) {
			free(fresh->at[i]);
			fresh->at[i] = fresh->at[--fresh->n];
			fresh->at[fresh->n] = NULL;
			break;
		}
	rt_pairs_release(&axes);
}

/* The one value of an axis that no line of the check has yet: what another value is called now. NULL: not just one. */
static const char *
fresh_value(const struct carrying *c, const struct rt_check *check, const char *axis)
{
	const struct rt_strs *values = axis_values(c->config, axis);
	rt_auto(strs) struct rt_strs fresh = {0};
	const char *last = "";
	size_t last_len = 0, i;

	for (i = 0; i < values->n; i++)
		rt_strs_add(&fresh, values->at[i]);
	for (i = 0; fresh.n && i < c->in->lines.n; i++) {
		const char *id = c->in->lines.at[i].id;
		size_t len = rt_id_check_len(id), cell_len = rt_id_cell_len(id);

		/* lines of a cell stand together */
		if ((cell_len != last_len || strncmp(id, last, cell_len) != 0) && check_holds(check, id, len))
			drop_value_of(id, len, axis, &fresh);
		last = id;
		last_len = cell_len;
	}
	for (i = 0; fresh.n == 1 && strcmp(values->at[i], fresh.at[0]) != 0; i++)
		;
	return fresh.n == 1 ? values->at[i] : NULL;
}

/* The same, asked once. */
static const char *
value_now(struct carrying *c, const struct rt_check *check, const struct rt_pair *was)
{
	size_t i = 0;

	while (i < c->values.n && c->values.at[i].was != was)
		i++;
	if (i == c->values.n) {
		const char *fresh = fresh_value(c, check, was->name);

		rt_push(&c->values)->was = was;
		c->values.at[i].fresh = fresh;
	}
	return c->values.at[i].fresh;
}

/* One {axis: was} on one old point; the rules stand in plan.h. */
static void
carry_axis(struct carrying *c, const struct rt_check *check, const struct rt_pair *was, struct rt_pairs *axes)
{
	const struct rt_config *config = c->config;
	size_t at = pairs_find(axes, was->name), renamed = pairs_find(axes, was->value);

	if (!rt_strs_has(&check->axes, was->name)) {
		if (at < axes->n && !strcmp(axes->at[at].value, was->value))
			pair_drop(axes, at);
		return;
	}
	const struct rt_strs *values = axis_values(config, was->name);
	if (at == axes->n && renamed < axes->n)
		pair_rename(axes, renamed, was->name, axes->at[renamed].value);
	else if (at == axes->n && rt_strs_has(values, was->value))
		rt_pairs_add(axes, was->name, was->value);
	else if (at < axes->n && !strcmp(axes->at[at].value, was->value) && !rt_strs_has(values, was->value)) {
		const char *fresh = values->n == 1 ? values->at[0] : value_now(c, check, was);

		if (fresh)
			pair_rename(axes, at, was->name, fresh);
	}
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct rt_pair *)a)->name, ((const struct rt_pair *)b)->name);
}

static const struct rt_check *
check_of_line(const struct rt_config *config, const char *id, size_t len)
{
	for (size_t i = 0; i < config->checks.n; i++)
		if (check_holds(&config->checks.at[i], id, len))
			return &config->checks.at[i];
	return NULL;
}

/* The case of a check without a report, and a metric, are named after the check (design section 4, "Ids"). */
static bool
named_after_check(const struct rt_check *check, const char *tail)
{
	return check->was && *tail == '/' && !strcmp(tail + 1, check->was) &&
	       (check->kind == RT_KIND_METRIC || !strcmp(check->report.format, "exit"));
}

/* The id of a line under present names. */
static void
carry_id(struct carrying *c, const char *id, struct rt_buf *out)
{
	size_t check_len = rt_id_check_len(id), cell_len = rt_id_cell_len(id);
	const struct rt_check *check = check_of_line(c->config, id, check_len);
	struct rt_pairs axes = {0};

	if (check && (check->was || check->was_axes.n) && cell_len >= check_len &&
	    read_axes(id + check_len, cell_len - check_len, &axes)) {
		for (size_t i = 0; i < check->was_axes.n; i++)
			carry_axis(c, check, &check->was_axes.at[i], &axes);
		if (axes.n)
			qsort(axes.at, axes.n, sizeof(*axes.at), by_name);
		add_cell_name(out, check->name, &axes);
		rt_buf_addf(out, "%s%s", named_after_check(check, id + cell_len) ? "/" : id + cell_len,
			    named_after_check(check, id + cell_len) ? check->name : "");
	} else {
		rt_buf_adds(out, id);
	}
	rt_pairs_release(&axes);
}

void
rt_plan_carry(const struct rt_config *config, const struct rt_baseline *in, struct rt_baseline *out)
{
	rt_auto(buf) struct rt_buf id = RT_BUF_INIT;
	struct carrying carrying = {.config = config, .in = in};

	for (size_t i = 0; i < in->lines.n; i++) {
		const struct rt_line *line = &in->lines.at[i];
		rt_buf_cut(&id, 0);
		carry_id(&carrying, line->id, &id);
		rt_baseline_add(out, id.data, (enum rt_level)line->level, line->has_value, line->value, line->epoch);
	}
	free(carrying.values.at);
	rt_baseline_seal(out);
}

void
rt_plan_release(struct rt_plan *plan)
{
	for (size_t i = 0; i < plan->cells.n; i++) {
		free(plan->cells.at[i].name);
		free(plan->cells.at[i].needs.at);
		rt_pairs_release(&plan->cells.at[i].axes);
	}
	free(plan->cells.at);
	*plan = (struct rt_plan)RT_PLAN_INIT;
}
