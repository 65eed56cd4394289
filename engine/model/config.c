#include "model/config.h"

#include <string.h>

#include "model/config_parts.h"
#include "model/id.h"
#include "model/policy.h"

static const char *const isolation_words[] = {"auto", "strict", "none", NULL};
static const char *const guard_words[] = {"report", "refuse", NULL};
static const char *const strict_words[] = {"lenient", "strict", NULL};
static const char *const module_words[] = {"all", "none", NULL};

void
rt_pairs_add(struct rt_pairs *pairs, const char *name, const char *value)
{
	struct rt_pair *pair = rt_push(pairs);

	pair->name = rt_strdup(name);
	pair->value = rt_strdup(value);
}

void
rt_pairs_release(struct rt_pairs *pairs)
{
	for (size_t i = 0; i < pairs->n; i++) {
		free(pairs->at[i].name);
		free(pairs->at[i].value);
	}
	free(pairs->at);
	*pairs = (struct rt_pairs){0};
}

static int
read_version(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	(void)into;
	if (rt_keys_want(file, node, RT_YAML_SCALAR, "version"))
		return -1;
	if (strcmp(node->text, "1"))
		return rt_fail_node(file, node,
				    "version `%s` is not known to this ratchet; write `version: 1`, or use a "
				    "newer ratchet",
				    node->text);
	return 0;
}

/* The rules of git-check-ref-format(1) that a branch name can break. */
static const char *
branch_problem(const char *name)
{
	static const char *const holds[] = {"..", "//", "@{", "/.", ".lock/"};

	if (rt_starts_with(name, "refs/"))
		return "is a full ref; give the branch's name alone";
	if (*name == '-' || *name == '/' || *name == '.' || !strcmp(name, "@"))
		return "is no branch name";
	if (rt_ends_with(name, "/") || rt_ends_with(name, ".") || rt_ends_with(name, ".lock"))
		return "is no branch name";
	for (size_t i = 0; i < RT_COUNT(holds); i++)
		if (strstr(name, holds[i]))
			return "is no branch name";
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 127 || strchr("~^:?*[\\", *c))
			return "is no branch name";
	return NULL;
}

static int
read_target(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	struct rt_config *config = into;
	const char *problem;

	if (rt_keys_want(file, node, RT_YAML_SCALAR, "target"))
		return -1;
	problem = branch_problem(node->text);
	if (problem)
		return rt_fail_node(file, node, "target `%s` %s", node->text, problem);
	config->target = rt_strdup(node->text);
	return 0;
}

static int
read_dir(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	struct rt_config *config = into;
	const char *reason;
	size_t len;

	if (rt_keys_want(file, node, RT_YAML_SCALAR, "dir"))
		return -1;
	len = strlen(node->text);
	while (len > 1 && node->text[len - 1] == '/')
		len--;
	free(config->dir);
	config->dir = rt_strndup(node->text, len);
	if (strcmp(config->dir, ".") && rt_path_problem(config->dir, &reason))
		return rt_fail_node(file, node, "dir `%s`: %s; name a folder below the repository's root, or `.`",
				    node->text, reason);
	return 0;
}

static int
read_folders(const struct rt_reading_of *file, const struct rt_yaml *node, const char *what, struct rt_strs *out)
{
	if (rt_keys_list(file, node, what, out))
		return -1;
	for (size_t i = 0; i < out->n; i++) {
		const char *path = out->at[i];
		if (!strcmp(path, "~") || !strcmp(path, "~/") || !strcmp(path, "/"))
			return rt_fail_node(file, &node->values[i],
					    "%s: `%s` holds the home directory; name the folder in it "
					    "that the checks read",
					    what, path);
		if (*path != '/' && !rt_starts_with(path, "~/"))
			return rt_fail_node(file, &node->values[i], "%s: `%s` must be absolute or begin with ~/", what,
					    path);
	}
	return 0;
}

static int
read_tools(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	return read_folders(file, node, "tools", &((struct rt_config *)into)->tools);
}

static int
read_caches(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	return read_folders(file, node, "caches", &((struct rt_config *)into)->caches);
}

static int
check_axis_name(const struct rt_reading_of *file, const struct rt_yaml *key)
{
	if (!rt_name_valid(key->text))
		return rt_fail_node(file, key, "axis `%s`: names are made of A-Z a-z 0-9 _ . -", key->text);
	if (!strcmp(key->text, "report") || !strcmp(key->text, "case"))
		return rt_fail_node(file, key, "axis `%s`: {{%s}} means something else; choose another name", key->text,
				    key->text);
	return 0;
}

static int
read_axis(const struct rt_reading_of *file, const struct rt_yaml *key, const struct rt_yaml *values,
	  struct rt_axis *axis)
{
	if (check_axis_name(file, key))
		return -1;
	axis->name = rt_strdup(key->text);
	if (rt_keys_want(file, values, RT_YAML_SEQUENCE, "an axis"))
		return -1;
	if (!values->n)
		return rt_fail_node(file, values, "axis `%s` has no values; give it one or leave it out", key->text);
	for (size_t i = 0; i < values->n; i++) {
		const struct rt_yaml *value = &values->values[i];
		if (rt_keys_want(file, value, RT_YAML_SCALAR, "an axis value"))
			return -1;
		if (!rt_name_valid(value->text))
			return rt_fail_node(file, value,
					    "axis value `%s`: values are made of A-Z a-z 0-9 _ . -; put "
					    "anything else into `run`",
					    value->text);
		if (rt_strs_has(&axis->values, value->text))
			return rt_fail_node(file, value, "axis `%s` has the value `%s` twice", key->text, value->text);
		rt_strs_add(&axis->values, value->text);
	}
	return 0;
}

static int
read_axes(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	struct rt_config *config = into;

	if (rt_keys_want(file, node, RT_YAML_MAPPING, "axes"))
		return -1;
	for (size_t i = 0; i < node->n; i++)
		if (read_axis(file, &node->keys[i], &node->values[i], rt_push(&config->axes)))
			return -1;
	return 0;
}

static int
read_exclude(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	struct rt_config *config = into;

	if (rt_keys_want(file, node, RT_YAML_SEQUENCE, "exclude"))
		return -1;
	for (size_t i = 0; i < node->n; i++) {
		const struct rt_yaml *point = &node->values[i];
		struct rt_pairs *pairs = rt_push(&config->exclude);
		if (rt_keys_want(file, point, RT_YAML_MAPPING, "an item of exclude"))
			return -1;
		if (!point->n)
			return rt_fail_node(file, point, "an empty item of exclude excludes everything; leave it out");
		for (size_t j = 0; j < point->n; j++) {
			if (rt_keys_want(file, &point->values[j], RT_YAML_SCALAR, "an axis value"))
				return -1;
			rt_pairs_add(pairs, point->keys[j].text, point->values[j].text);
		}
	}
	return 0;
}

static int
read_checks(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	struct rt_config *config = into;

	if (rt_keys_want(file, node, RT_YAML_SEQUENCE, "checks"))
		return -1;
	if (!node->n)
		return rt_fail_node(file, node,
				    "checks is empty: nothing would be judged; add `- name: unit` with `run:`");
	for (size_t i = 0; i < node->n; i++)
		if (rt_config_read_check(file, &node->values[i], rt_push(&config->checks)))
			return -1;
	return 0;
}

#define AT(field) offsetof(struct rt_config, field)

static const struct rt_key top_keys[] = {
    {"version", RT_SHAPE_OWN, .read = read_version},
    {"target", RT_SHAPE_OWN, .read = read_target},
    {"dir", RT_SHAPE_OWN, .read = read_dir},
    {"isolation", RT_SHAPE_WORD, AT(isolation), .words = isolation_words},
    {"jobs", RT_SHAPE_COUNT, AT(jobs), .least = 1, .most = 1024},
    {"support", RT_SHAPE_GLOBS, AT(support)},
    {"watch", RT_SHAPE_GLOBS, AT(watch)},
    {"tools", RT_SHAPE_OWN, .read = read_tools},
    {"caches", RT_SHAPE_OWN, .read = read_caches},
    {"axes", RT_SHAPE_OWN, .read = read_axes},
    {"exclude", RT_SHAPE_OWN, .read = read_exclude},
    {"checks", RT_SHAPE_OWN, .read = read_checks},
    {"guard", RT_SHAPE_WORD, AT(guard), .words = guard_words},
    {"probation", RT_SHAPE_COUNT, AT(probation), .least = 1, .most = 100},
    {"assertions", RT_SHAPE_FLAG, AT(assertions_strict), .words = strict_words},
    {"support_changes", RT_SHAPE_FLAG, AT(support_strict), .words = strict_words},
    {"submodules", RT_SHAPE_FLAG, AT(no_submodules), .words = module_words},
    {NULL},
};

const struct rt_key *
rt_config_keys(enum rt_config_part part)
{
	return part == RT_CONFIG_TOP ? top_keys : part == RT_CONFIG_CHECK ? rt_config_check_keys : rt_config_json_keys;
}

int
rt_config_parse(struct rt_config *config, const char *bytes, size_t len, const char *name, struct rt_err *err)
{
	rt_auto(yaml) struct rt_yaml *root = NULL;
	const struct rt_reading_of file = {name, err};

	config->name = rt_strdup(name);
	config->dir = rt_strdup(".ratchet");
	config->probation = 1;
	if (rt_yaml_parse(&root, bytes, len, name, err))
		return -1;
	if (rt_keys_want(&file, root, RT_YAML_MAPPING, "the configuration"))
		return -1;
	/* before anything else: the keys of another version are not mistakes of this one */
	if (!rt_yaml_get(root, "version"))
		return rt_fail_node(&file, root, "`version` is missing; begin with `version: 1`");
	if (read_version(&file, rt_yaml_get(root, "version"), config))
		return -1;
	if (rt_keys_read(&file, top_keys, "the configuration", root, config))
		return -1;
	if (!rt_yaml_get(root, "checks"))
		return rt_fail_node(&file, root, "`checks` is missing; add a list with `name` and `run`");
	return rt_config_verify(&file, root, config);
}

const struct rt_check *
rt_config_check(const struct rt_config *config, const char *name)
{
	for (size_t i = 0; i < config->checks.n; i++)
		if (!strcmp(config->checks.at[i].name, name))
			return &config->checks.at[i];
	return NULL;
}

void
rt_config_path(const struct rt_config *config, const char *below, struct rt_buf *out)
{
	if (strcmp(config->dir, "."))
		rt_buf_addf(out, "%s/", config->dir);
	rt_buf_adds(out, below);
}

/* True for the folder dir/below itself and everything in it. */
static bool
in_folder(const struct rt_config *config, const char *below, const char *path)
{
	rt_auto(buf) struct rt_buf folder = RT_BUF_INIT;

	rt_config_path(config, below, &folder);
	return rt_starts_with(path, folder.data) && (path[folder.len] == '/' || !path[folder.len]);
}

/* Also true for a file or link in the place of a folder on the way to them: it would take their place. */
static bool
on_the_way(const struct rt_config *config, const char *path)
{
	size_t len = strlen(path);

	return strcmp(config->dir, ".") && !strncmp(config->dir, path, len) &&
	       (config->dir[len] == '/' || !config->dir[len]);
}

bool
rt_config_in_baseline(const struct rt_config *config, const char *path)
{
	return in_folder(config, "baseline", path);
}

bool
rt_config_trusted(const struct rt_config *config, const char *path)
{
	return !strcmp(path, "ratchet.yml") || on_the_way(config, path) || in_folder(config, "policies", path) ||
	       rt_config_in_baseline(config, path);
}

void
rt_config_release(struct rt_config *config)
{
	for (size_t i = 0; i < config->axes.n; i++) {
		free(config->axes.at[i].name);
		rt_strs_release(&config->axes.at[i].values);
	}
	for (size_t i = 0; i < config->exclude.n; i++)
		rt_pairs_release(&config->exclude.at[i]);
	for (size_t i = 0; i < config->checks.n; i++)
		rt_config_release_check(&config->checks.at[i]);
	free(config->axes.at);
	free(config->exclude.at);
	free(config->checks.at);
	rt_strs_release(&config->support);
	rt_strs_release(&config->watch);
	rt_strs_release(&config->tools);
	rt_strs_release(&config->caches);
	free(config->name);
	free(config->target);
	free(config->dir);
	*config = (struct rt_config)RT_CONFIG_INIT;
}
