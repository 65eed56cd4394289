#include "model/config_parts.h"

#include <ctype.h>
#include <string.h>

#include "model/baseline.h"
#include "model/id.h"
#include "model/policy.h"
#include "support/clock.h"

#define DEFAULT_TIMEOUT_MS (10 * 60 * 1000)
#define DEFAULT_GIT_DEPTH 50
#define MOST_GIT_DEPTH 100000
#define MOST_TIMEOUT_MS (7LL * 24 * 3600 * 1000)

static const char *const kind_words[] = {"cases", "metric", "findings", "prepare", NULL};
static const char *const network_words[] = {"loopback", "none", "host", NULL};
static const char *const truth_words[] = {"false", "true", NULL};
static const char *const workspace_words[] = {"clean", "warm", NULL};
static const char *const confirm_words[] = {"warm", "clean", NULL};
static const char *const untrusted_words[] = {"refuse", "allow", NULL};
static const char *const better_words[] = {"lower", "higher", NULL};

static int
read_name(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	rt_auto(buf) struct rt_buf baseline = RT_BUF_INIT;
	struct rt_check *check = into;
	const char *reason;

	if (rt_keys_want(file, node, RT_YAML_SCALAR, "name"))
		return -1;
	check->name = rt_strdup(node->text);
	if (!rt_name_valid(node->text))
		return rt_fail_node(file, node, "name `%s`: names are made of A-Z a-z 0-9 _ . -", node->text);
	/* the baseline of the check is a file of that name, which a landing must be able to commit */
	rt_buf_addf(&baseline, "%s.tsv", node->text);
	if (rt_path_problem(baseline.data, &reason))
		return rt_fail_node(file, node, "name `%s`: its baseline file could not be called %s: %s", node->text,
				    baseline.data, reason);
	return 0;
}

static int
read_run(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	struct rt_check *check = into;

	if (node->type == RT_YAML_SEQUENCE) {
		if (!node->n)
			return rt_fail_node(file, node, "run is an empty list; give it a command");
		return rt_keys_list(file, node, "run", &check->argv);
	}
	if (node->type == RT_YAML_MAPPING)
		return rt_fail_node(file, node,
				    "run is a shell command or a list, not a mapping; quote a command that holds `: `");
	if (rt_keys_want(file, node, RT_YAML_SCALAR, "run"))
		return -1;
	check->shell = rt_strdup(node->text);
	return 0;
}

static int
read_duration(const struct rt_reading_of *file, const struct rt_yaml *node, const char *what, int64_t *out)
{
	if (rt_keys_want(file, node, RT_YAML_SCALAR, what))
		return -1;
	if (rt_clock_parse_duration(node->text, out) || *out <= 0 || *out > MOST_TIMEOUT_MS)
		return rt_fail_node(file, node, "%s: `%s` is no duration from 1ms to 7d; write `30s`, `10m` or `2h`",
				    what, node->text);
	return 0;
}

static int
read_timeout(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	return read_duration(file, node, "timeout", &((struct rt_check *)into)->timeout_ms);
}

static int
read_silence(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	if (node->type == RT_YAML_SCALAR && !strcmp(node->text, "off"))
		return 0;
	return read_duration(file, node, "silence_timeout", &((struct rt_check *)into)->silence_ms);
}

static int
read_min_cases(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	return rt_keys_count(file, node, "min_cases", 0, 1000000000, &((struct rt_check *)into)->min_cases);
}

static int
read_inputs(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	struct rt_check *check = into;

	if (rt_keys_list(file, node, "inputs", &check->inputs))
		return -1;
	if (!node->n)
		return rt_fail_node(file, node,
				    "inputs is empty: the check would see no file; leave it out to see the whole tree");
	for (size_t i = 0; i < node->n; i++)
		if (rt_keys_glob(file, &node->values[i]))
			return -1;
	check->has_inputs = true;
	return 0;
}

/* true, false, or how many generations of history. */
static int
read_git(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	struct rt_check *check = into;
	uint64_t depth;

	if (rt_keys_want(file, node, RT_YAML_SCALAR, "git"))
		return -1;
	check->git = 0;
	if (!strcmp(node->text, "false"))
		return 0;
	if (!strcmp(node->text, "true"))
		depth = DEFAULT_GIT_DEPTH;
	else if (rt_parse_u64(node->text, &depth) || !depth || depth > MOST_GIT_DEPTH)
		return rt_fail_node(file, node,
				    "git: `%s` is not true, false or a number of generations from 1 to %d; true means "
				    "%d",
				    node->text, MOST_GIT_DEPTH, DEFAULT_GIT_DEPTH);
	check->git = (unsigned)depth;
	return 0;
}

static bool
is_env_name(const char *name)
{
	if (!isalpha((unsigned char)*name) && *name != '_')
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && *name != '_')
			return false;
	return true;
}

static int
read_env(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	struct rt_check *check = into;

	if (rt_keys_want(file, node, RT_YAML_MAPPING, "env"))
		return -1;
	for (size_t i = 0; i < node->n; i++) {
		if (!is_env_name(node->keys[i].text))
			return rt_fail_node(file, &node->keys[i], "`%s` is no name of an environment variable",
					    node->keys[i].text);
		/* an empty value is a value */
		if (node->values[i].type != RT_YAML_SCALAR)
			return rt_fail_node(file, &node->values[i], "the value of %s must be a single value; quote it",
					    node->keys[i].text);
		rt_pairs_add(&check->env, node->keys[i].text, node->values[i].text);
	}
	return 0;
}

static int
read_was(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	struct rt_check *check = into;

	if (node->type == RT_YAML_SCALAR) {
		if (!rt_name_valid(node->text))
			return rt_fail_node(file, node, "was: `%s` is no name of a check", node->text);
		check->was = rt_strdup(node->text);
		return 0;
	}
	if (node->type != RT_YAML_MAPPING || !node->n)
		return rt_fail_node(file, node, "was is the check's former name, or {axis: former value}");
	for (size_t i = 0; i < node->n; i++) {
		const struct rt_yaml *value = &node->values[i];
		if (rt_keys_want(file, value, RT_YAML_SCALAR, "the former value of an axis"))
			return -1;
		if (!rt_name_valid(node->keys[i].text) || !rt_name_valid(value->text))
			return rt_fail_node(file, value,
					    "was: {%s: %s}: names and values of axes are made of A-Z a-z 0-9 _ . -",
					    node->keys[i].text, value->text);
		rt_pairs_add(&check->was_axes, node->keys[i].text, value->text);
	}
	return 0;
}

/* "0.5%" or "0.005": from 0 to below 1. */
static int
read_share(const struct rt_reading_of *file, const struct rt_yaml *node, const char *key, size_t len, double *out)
{
	bool percent = len && node->text[len - 1] == '%';

	if (rt_number_parse(node->text, len - percent, out))
		return rt_fail_node(file, node, "%s: `%.*s` is no share; write `0.5%%` or `0.005`", key, (int)len,
				    node->text);
	if (percent)
		*out /= 100;
	if (*out < 0 || *out >= 1)
		return rt_fail_node(file, node, "%s: `%.*s` must be from 0 to below 1 (a share, or with %%)", key,
				    (int)len, node->text);
	return 0;
}

static int
read_margin(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	struct rt_check *check = into;

	if (rt_keys_want(file, node, RT_YAML_SCALAR, "margin"))
		return -1;
	return read_share(file, node, "margin", strlen(node->text), &check->margin);
}

/* "5% since v1.0" */
static int
read_budget(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	static const char since[] = " since ";
	struct rt_check *check = into;
	const char *word;

	if (rt_keys_want(file, node, RT_YAML_SCALAR, "budget"))
		return -1;
	word = strstr(node->text, since);
	if (!word || !word[strlen(since)] || word[strlen(since)] == '-')
		return rt_fail_node(file, node, "budget: `%s` does not say since when; write `5%% since v1.0`",
				    node->text);
	free(check->anchor);
	check->anchor = rt_strdup(word + strlen(since));
	return read_share(file, node, "budget", (size_t)(word - node->text), &check->budget);
}

#define AT(field) offsetof(struct rt_check, field)

const struct rt_key rt_config_check_keys[] = {
    {"name", RT_SHAPE_OWN, .read = read_name},
    {"kind", RT_SHAPE_WORD, AT(kind), .words = kind_words},
    {"needs", RT_SHAPE_LIST, AT(needs)},
    {"axes", RT_SHAPE_LIST, AT(axes)},
    {"run", RT_SHAPE_OWN, .read = read_run},
    {"report", RT_SHAPE_OWN, .read = rt_config_read_report},
    {"timeout", RT_SHAPE_OWN, .read = read_timeout},
    {"silence_timeout", RT_SHAPE_OWN, .read = read_silence},
    {"min_cases", RT_SHAPE_OWN, .read = read_min_cases},
    {"inputs", RT_SHAPE_OWN, .read = read_inputs},
    {"fast", RT_SHAPE_FLAG, AT(fast), .words = truth_words},
    {"env", RT_SHAPE_OWN, .read = read_env},
    {"workspace", RT_SHAPE_FLAG, AT(warm), .words = workspace_words},
    {"was", RT_SHAPE_OWN, .read = read_was},
    {"network", RT_SHAPE_WORD, AT(network), .words = network_words},
    {"nested", RT_SHAPE_FLAG, AT(nested), .words = truth_words},
    {"git", RT_SHAPE_OWN, .read = read_git},
    {"confirm", RT_SHAPE_FLAG, AT(confirm_clean), .words = confirm_words},
    {"rerun", RT_SHAPE_TEXT, AT(rerun)},
    {"better", RT_SHAPE_FLAG, AT(higher_better), .words = better_words},
    {"margin", RT_SHAPE_OWN, .read = read_margin},
    {"budget", RT_SHAPE_OWN, .read = read_budget},
    {"samples", RT_SHAPE_COUNT, AT(samples), .least = 1, .most = 1000},
    {"record_on", RT_SHAPE_LIST, AT(record_on)},
    {"untrusted_inputs", RT_SHAPE_FLAG, AT(untrusted_inputs), .words = untrusted_words},
    {NULL},
};

/* Keys that mean something for one kind only. */
static const struct {
	const char *key;
	enum rt_kind kind;
} kind_keys[] = {
    {"budget", RT_KIND_METRIC},
    {"better", RT_KIND_METRIC},
    {"margin", RT_KIND_METRIC},
    {"samples", RT_KIND_METRIC},
    {"record_on", RT_KIND_METRIC},
    {"rerun", RT_KIND_CASES},
    {"untrusted_inputs", RT_KIND_PREPARE},
};

static int
verify_kind_keys(const struct rt_reading_of *file, const struct rt_yaml *node, const struct rt_check *check)
{
	for (size_t i = 0; i < RT_COUNT(kind_keys); i++) {
		const struct rt_yaml *value = rt_yaml_get(node, kind_keys[i].key);
		if (value && check->kind != kind_keys[i].kind)
			return rt_fail_node(file, value, "`%s` is only for kind: %s; check `%s` is kind: %s",
					    kind_keys[i].key, kind_words[kind_keys[i].kind], check->name,
					    kind_words[check->kind]);
	}
	if (check->kind == RT_KIND_METRIC && !rt_yaml_get(node, "better"))
		return rt_fail_node(file, node,
				    "metric `%s` does not say which way is better; add `better: lower` or "
				    "`better: higher`",
				    check->name);
	if (check->samples > 1 && check->margin <= 0)
		return rt_fail_node(
		    file, node,
		    "metric `%s` is noisy (samples: %u) and may lose nothing, which no number of runs can "
		    "show; add a margin, such as `margin: 1%%`",
		    check->name, check->samples);
	if (check->anchor && (check->samples <= 1 || check->budget < check->margin))
		return rt_fail_node(file, rt_yaml_get(node, "budget"),
				    "metric `%s`: a budget is for what is measured in pairs (samples above 1), whose "
				    "small losses add up, and is at least the margin",
				    check->name);
	return 0;
}

static int
verify_min_cases(const struct rt_reading_of *file, const struct rt_yaml *node, const struct rt_check *check)
{
	const struct rt_yaml *value = rt_yaml_get(node, "min_cases");

	if (!value)
		return 0;
	if (check->kind == RT_KIND_CASES && check->min_cases == 0)
		return rt_fail_node(file, value,
				    "min_cases: 0 would make a run that executes no case green; leave it out "
				    "(1), or give the check another kind");
	if (check->kind == RT_KIND_CASES && check->min_cases > 1 && !strcmp(check->report.format, "exit"))
		return rt_fail_node(file, value,
				    "min_cases: report: exit yields one case; name a report that lists cases");
	if (check->kind != RT_KIND_CASES && check->min_cases != 0)
		return rt_fail_node(file, value,
				    "min_cases counts cases, and a check of kind: %s has none; leave it out",
				    kind_words[check->kind]);
	return 0;
}

static int
verify_network(const struct rt_reading_of *file, const struct rt_yaml *node, const struct rt_check *check)
{
	if (check->kind == RT_KIND_PREPARE && check->network == RT_NETWORK_HOST && !check->has_inputs)
		return rt_fail_node(file, rt_yaml_get(node, "network"),
				    "prepare `%s` reaches the network, so its result is "
				    "reused by its inputs; add `inputs:` with the files that it reads",
				    check->name);
	if (check->confirm_clean && !check->warm)
		return rt_fail_node(file, rt_yaml_get(node, "confirm"),
				    "confirm: clean goes with workspace: warm; a clean "
				    "workspace has nothing to confirm");
	return 0;
}

int
rt_config_read_check(const struct rt_reading_of *file, const struct rt_yaml *node, struct rt_check *check)
{
	check->line = node->line;
	check->column = node->column;
	check->timeout_ms = DEFAULT_TIMEOUT_MS;
	check->samples = 1;
	check->min_cases = 1;
	if (rt_keys_read(file, rt_config_check_keys, "a check", node, check))
		return -1;
	if (!check->name)
		return rt_fail_node(file, node, "a check without `name`");
	if (!check->shell && !check->argv.n)
		return rt_fail_node(file, node, "check `%s` has no `run`; add the command", check->name);
	if (!check->report.format)
		check->report.format = rt_strdup("exit");
	if (verify_kind_keys(file, node, check) || rt_config_verify_report(file, node, check))
		return -1;
	if (check->kind != RT_KIND_CASES && !rt_yaml_get(node, "min_cases"))
		check->min_cases = 0;
	if (check->git && check->has_inputs)
		return rt_fail_node(
		    file, rt_yaml_get(node, "git"),
		    "check `%s` sees git's history, which changes with every commit, so that nothing could "
		    "be told from its inputs alone; leave out `git` or `inputs`",
		    check->name);
	return verify_min_cases(file, node, check) || verify_network(file, node, check) ? -1 : 0;
}

void
rt_config_release_check(struct rt_check *check)
{
	rt_strs_release(&check->argv);
	rt_strs_release(&check->needs);
	rt_strs_release(&check->axes);
	rt_strs_release(&check->inputs);
	rt_strs_release(&check->record_on);
	rt_pairs_release(&check->env);
	rt_pairs_release(&check->was_axes);
	free(check->name);
	free(check->shell);
	free(check->report.format);
	free(check->report.path);
	free(check->report.pattern);
	free(check->was);
	free(check->rerun);
	free(check->anchor);
	*check = (struct rt_check){0};
}
