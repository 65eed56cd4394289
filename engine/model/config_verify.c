#include "model/config_parts.h"

#include <string.h>
#include <strings.h>

#include "model/suggest.h"
#include "model/select.h"
#include "model/template.h"

/* Bounds the recursion over needs; a matrix has at most 10,000 cells anyway. */
enum { MOST_CHECKS = 2000 };

struct verify {
	const struct rt_reading_of *file;
	const struct rt_yaml *checks; /* the items, in the order of config->checks */
	struct rt_config *config;
	unsigned char *seen; /* of each check: its axes are complete */
	RT_VEC(size_t) path; /* the checks on the way down from the one that is being completed */
};

static const struct rt_yaml *
node_of(const struct verify *v, size_t check, const char *key)
{
	return rt_yaml_get(&v->checks->values[check], key);
}

static int
fail_near(const struct verify *v, const struct rt_yaml *node, const char *text, const struct rt_strs *words)
{
	rt_auto(buf) struct rt_buf mend = RT_BUF_INIT;

	rt_suggest_add(&mend, node->text, (const char *const *)words->at, words->n);
	return rt_fail_node(v->file, node, "%s%s", text, mend.data);
}

static const struct rt_axis *
find_axis(const struct rt_config *config, const char *name)
{
	for (size_t i = 0; i < config->axes.n; i++)
		if (!strcmp(config->axes.at[i].name, name))
			return &config->axes.at[i];
	return NULL;
}

static int
fail_axis(const struct verify *v, const struct rt_yaml *node)
{
	rt_auto(free) char *text = rt_format("axis `%s` is not declared under `axes`", node->text);
	rt_auto(strs) struct rt_strs names = {0};

	for (size_t i = 0; i < v->config->axes.n; i++)
		rt_strs_add(&names, v->config->axes.at[i].name);
	return fail_near(v, node, text, &names);
}

static int
verify_exclude(const struct verify *v, const struct rt_yaml *exclude)
{
	for (size_t i = 0; i < exclude->n; i++) {
		const struct rt_yaml *point = &exclude->values[i];
		for (size_t j = 0; j < point->n; j++) {
			const struct rt_axis *axis = find_axis(v->config, point->keys[j].text);
			if (!axis)
				return fail_axis(v, &point->keys[j]);
			if (!rt_strs_has(&axis->values, point->values[j].text)) {
				rt_auto(free) char *text =
				    rt_format("axis `%s` has no value `%s`", axis->name, point->values[j].text);
				return fail_near(v, &point->values[j], text, &axis->values);
			}
		}
	}
	return 0;
}

static int
verify_name(const struct verify *v, size_t check)
{
	const char *name = v->config->checks.at[check].name;

	for (size_t i = 0; i < check; i++) {
		const struct rt_check *other = &v->config->checks.at[i];
		if (!strcmp(other->name, name))
			return rt_fail_node(v->file, node_of(v, check, "name"),
					    "check `%s` stands twice, first in line %u; "
					    "rename one",
					    name, other->line);
		if (!strcasecmp(other->name, name))
			return rt_fail_node(v->file, node_of(v, check, "name"),
					    "checks `%s` and `%s` differ in case alone: their "
					    "baselines would be one file on some systems; rename one",
					    other->name, name);
	}
	return 0;
}

static int
verify_own_axes(const struct verify *v, size_t check)
{
	const struct rt_strs *axes = &v->config->checks.at[check].axes;
	const struct rt_yaml *node = node_of(v, check, "axes");

	for (size_t i = 0; i < axes->n; i++) {
		if (!find_axis(v->config, axes->at[i]))
			return fail_axis(v, &node->values[i]);
		for (size_t j = 0; j < i; j++)
			if (!strcmp(axes->at[j], axes->at[i]))
				return rt_fail_node(v->file, &node->values[i], "axis `%s` stands twice", axes->at[i]);
	}
	return 0;
}

static int
verify_needs(const struct verify *v, size_t check)
{
	const struct rt_strs *needs = &v->config->checks.at[check].needs;
	const struct rt_yaml *node = node_of(v, check, "needs");

	for (size_t i = 0; i < needs->n; i++) {
		if (!rt_config_check(v->config, needs->at[i])) {
			rt_auto(free) char *text = rt_format("check `%s` needs `%s`, which does not exist",
							     v->config->checks.at[check].name, needs->at[i]);
			rt_auto(strs) struct rt_strs names = {0};
			for (size_t j = 0; j < v->config->checks.n; j++)
				rt_strs_add(&names, v->config->checks.at[j].name);
			return fail_near(v, &node->values[i], text, &names);
		}
		for (size_t j = 0; j < i; j++)
			if (!strcmp(needs->at[j], needs->at[i]))
				return rt_fail_node(v->file, &node->values[i], "`%s` stands twice in needs",
						    needs->at[i]);
	}
	return 0;
}

/* {new value: former value} would be read as an axis that is gone, and carry nothing. */
static int
verify_was_axes(const struct verify *v, size_t at)
{
	const struct rt_check *check = &v->config->checks.at[at];

	for (size_t i = 0; i < check->was_axes.n; i++)
		for (size_t k = 0; k < v->config->axes.n; k++) {
			const struct rt_axis *axis = &v->config->axes.at[k];
			const char *key = check->was_axes.at[i].name;

			if (rt_strs_has(&check->axes, axis->name) && rt_strs_has(&axis->values, key) &&
			    !rt_strs_has(&check->axes, key))
				return rt_fail_node(v->file, node_of(v, at, "was"),
						    "was: `%s` is a value of the axis `%s`; write {%s: %s}", key,
						    axis->name, axis->name, check->was_axes.at[i].value);
		}
	return 0;
}

static int
verify_was(const struct verify *v, size_t check)
{
	const char *was = v->config->checks.at[check].was;

	if (!was)
		return verify_was_axes(v, check);
	if (rt_config_check(v->config, was))
		return rt_fail_node(v->file, node_of(v, check, "was"),
				    "was: `%s` is still a check; a former name is free", was);
	for (size_t i = 0; i < check; i++) {
		const struct rt_check *other = &v->config->checks.at[i];
		if (other->was && !strcmp(other->was, was))
			return rt_fail_node(v->file, node_of(v, check, "was"), "both `%s` and `%s` say was: %s",
					    other->name, v->config->checks.at[check].name, was);
	}
	return 0;
}

/* position is where `needs` led back to a check that is still being completed. */
static int
fail_cycle(const struct verify *v, size_t check, size_t back_to)
{
	rt_auto(buf) struct rt_buf cycle = RT_BUF_INIT;
	size_t i = 0;

	while (v->path.at[i] != back_to)
		i++;
	for (; i < v->path.n; i++)
		rt_buf_addf(&cycle, "%s -> ", v->config->checks.at[v->path.at[i]].name);
	rt_buf_adds(&cycle, v->config->checks.at[back_to].name);
	return rt_fail_node(v->file, node_of(v, check, "needs"), "needs form a cycle: %s", cycle.data);
}

/* Adds the axes of what a check needs to its own, and its git repository: depth first. */
static int
complete_axes(struct verify *v, size_t at)
{
	struct rt_check *check = &v->config->checks.at[at];

	if (v->seen[at])
		return 0;
	for (size_t i = 0; i < v->path.n; i++)
		if (v->path.at[i] == at)
			return fail_cycle(v, v->path.at[v->path.n - 1], at);
	*rt_push(&v->path) = at;
	for (size_t i = 0; i < check->needs.n; i++) {
		const struct rt_check *need = rt_config_check(v->config, check->needs.at[i]);
		if (complete_axes(v, (size_t)(need - v->config->checks.at)))
			return -1;
		for (size_t j = 0; j < need->axes.n; j++)
			if (!rt_strs_has(&check->axes, need->axes.at[j]))
				rt_strs_add(&check->axes, need->axes.at[j]);
		check->git = need->git > check->git ? need->git : check->git;
	}
	rt_strs_sort(&check->axes);
	v->seen[at] = 1;
	v->path.n--;
	return 0;
}

static int
verify_text(const struct verify *v, const struct rt_check *check, const struct rt_yaml *node, const char *extra)
{
	rt_auto(buf) struct rt_buf name = RT_BUF_INIT;
	struct rt_template_ref ref = {0};

	while (rt_template_next(node->text, ref.end, &ref)) {
		rt_template_name(&ref, &name);
		if (!strcmp(name.data, "report") || !strcmp(name.data, extra) || rt_strs_has(&check->axes, name.data))
			continue;
		if (find_axis(v->config, name.data))
			return rt_fail_node(v->file, node,
					    "{{%s}}: check `%s` is not multiplied by that axis; add it to the "
					    "check's `axes`",
					    name.data, check->name);
		return rt_fail_node(v->file, node,
				    "unknown {{%s}} in check `%s`; known are {{report}} and the check's axes; with "
				    "a space inside, `{{ %s }}`, it stays as it is",
				    name.data, check->name, name.data);
	}
	return 0;
}

static int
verify_list(const struct verify *v, const struct rt_check *check, const struct rt_yaml *node)
{
	if (!node || node->type == RT_YAML_SCALAR)
		return node ? verify_text(v, check, node, "") : 0;
	for (size_t i = 0; i < node->n; i++)
		if (node->values[i].type == RT_YAML_SCALAR && verify_text(v, check, &node->values[i], ""))
			return -1;
	return 0;
}

static int
verify_templates(const struct verify *v, size_t at)
{
	const struct rt_check *check = &v->config->checks.at[at];
	const struct rt_yaml *report = node_of(v, at, "report"), *rerun = node_of(v, at, "rerun");

	if (verify_list(v, check, node_of(v, at, "run")) || verify_list(v, check, node_of(v, at, "env")))
		return -1;
	if (rerun && verify_text(v, check, rerun, "case"))
		return -1;
	if (rerun && (!strstr(rerun->text, "{{case}}") || rt_select_quoted(rerun->text)))
		return rt_fail_node(v->file, rerun,
				    "`rerun` needs {{case}}, outside of quotes: the name of the case is put there as "
				    "one word, quoted");
	/* an expression or a pointer is no template */
	if (report && report->type == RT_YAML_MAPPING && check->report.path) {
		const struct rt_yaml *place = &report->values[0];
		return verify_text(v, check, place->type == RT_YAML_MAPPING ? rt_yaml_get(place, "file") : place, "");
	}
	return 0;
}

/* What lies in a warm workspace was built at another commit. */
static int
verify_workspace(const struct verify *v, size_t at)
{
	const struct rt_check *check = &v->config->checks.at[at];

	if (!check->git || !check->warm)
		return 0;
	return rt_fail_node(
	    v->file, node_of(v, at, "workspace"),
	    "check `%s` sees git's history (`git`, its own or of what it needs), and a warm workspace was "
	    "built at another commit; leave out one of the two",
	    check->name);
}

static int
verify_each(struct verify *v)
{
	size_t n = v->config->checks.n;

	if (n > MOST_CHECKS)
		return rt_fail_node(v->file, v->checks, "%zu checks are more than the %d that are supported", n,
				    MOST_CHECKS);
	for (size_t i = 0; i < n; i++)
		if (verify_name(v, i) || verify_own_axes(v, i) || verify_needs(v, i) || verify_was(v, i))
			return -1;
	for (size_t i = 0; i < n; i++)
		if (complete_axes(v, i))
			return -1;
	for (size_t i = 0; i < n; i++)
		if (verify_templates(v, i) || verify_workspace(v, i))
			return -1;
	return 0;
}

int
rt_config_verify(const struct rt_reading_of *file, const struct rt_yaml *root, struct rt_config *config)
{
	struct verify v = {.file = file, .checks = rt_yaml_get(root, "checks"), .config = config};
	const struct rt_yaml *exclude = rt_yaml_get(root, "exclude");
	int status;

	v.seen = rt_alloc(config->checks.n, 1);
	status = exclude && verify_exclude(&v, exclude) ? -1 : verify_each(&v);
	free(v.seen);
	free(v.path.at);
	return status;
}
