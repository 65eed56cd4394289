#include <string.h>

#include "model/id.h"
#include "model/keys.h"
#include "model/policy_parts.h"
#include "support/regex.h"

static const char *const forbid_words[] = {"forbid", "allow", NULL};
static const char *const isolation_words[] = {"landlock", "namespaces", NULL};

/* "4096", "64KiB", "10MiB", "1GiB", "kB" and so on in powers of 1000: 0 or -1. */
static int
parse_size(const char *text, uint64_t *out)
{
	static const struct {
		const char *name;
		uint64_t factor;
	} units[] = {
	    {"KiB", 1ull << 10},
	    {"MiB", 1ull << 20},
	    {"GiB", 1ull << 30},
	    {"kB", 1000},
	    {"MB", 1000000},
	    {"GB", 1000000000},
	    {"B", 1},
	};
	rt_auto(free) char *digits = rt_strndup(text, strspn(text, "0123456789"));
	const char *unit = text + strlen(digits);

	if (rt_parse_u64(digits, out))
		return -1;
	if (!*unit)
		return 0;
	unit += *unit == ' ';
	for (size_t i = 0; i < RT_COUNT(units); i++)
		if (!strcmp(unit, units[i].name))
			return __builtin_mul_overflow(*out, units[i].factor, out) ? -1 : 0;
	return -1;
}

/* Lowers *limit to what the file says: of several files the strictest holds. */
static int
read_limit(const struct rt_reading_of *file, const struct rt_yaml *node, const char *what, uint64_t *limit)
{
	uint64_t size;

	if (rt_keys_want(file, node, RT_YAML_SCALAR, what))
		return -1;
	if (parse_size(node->text, &size))
		return rt_fail_node(file, node, "%s: `%s` is no size; write bytes, or `64KiB`, `1MiB`, `1GiB`", what,
				    node->text);
	if (size < *limit)
		*limit = size;
	return 0;
}

static int
read_max_file(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	return read_limit(file, node, "max_file", &((struct rt_policy *)into)->max_file);
}

static int
read_max_patch(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	return read_limit(file, node, "max_patch", &((struct rt_policy *)into)->max_patch);
}

static int
read_max_files(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	struct rt_policy *policy = into;
	uint64_t n;

	if (rt_keys_count(file, node, "max_files", 0, UINT32_MAX, &n))
		return -1;
	if (n < policy->max_files)
		policy->max_files = n;
	return 0;
}

static int
read_binary(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	struct rt_policy *policy = into;

	if (node->type == RT_YAML_SCALAR && !strcmp(node->text, "allow"))
		return 0;
	if (node->type == RT_YAML_SCALAR && !strcmp(node->text, "forbid")) {
		policy->max_binary = 0;
		return 0;
	}
	return read_limit(file, node, "binary", &policy->max_binary);
}

static int
read_allowed(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	struct rt_policy *policy = into;

	if (rt_keys_list(file, node, "allowed", rt_push(&policy->allowed)))
		return -1;
	for (size_t i = 0; i < node->n; i++)
		if (rt_keys_glob(file, &node->values[i]))
			return -1;
	return 0;
}

static int
read_modes(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	static const char *const modes[] = {"100644", "100755", "120000", "160000", NULL};
	struct rt_policy *policy = into;

	if (rt_keys_list(file, node, "modes", rt_push(&policy->modes)))
		return -1;
	for (size_t i = 0; i < node->n; i++)
		if (rt_keys_word(file, &node->values[i], "modes", modes) < 0)
			return -1;
	return 0;
}

static int
read_trailers(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	struct rt_policy *policy = into;
	size_t before = policy->trailers.n;

	if (rt_keys_list(file, node, "trailers", &policy->trailers))
		return -1;
	for (size_t i = 0; i < node->n; i++)
		if (!rt_name_valid(policy->trailers.at[before + i]))
			return rt_fail_node(file, &node->values[i],
					    "trailers: `%s` is no trailer's name; write it without the colon",
					    node->values[i].text);
	return 0;
}

static int
read_min_isolation(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	struct rt_policy *policy = into;
	int word = rt_keys_word(file, node, "min_isolation", isolation_words);

	if (word < 0)
		return -1;
	if (word == 1 || !policy->min_isolation)
		policy->min_isolation = isolation_words[word];
	return 0;
}

static int
read_attributes(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	struct rt_policy *policy = into;
	int word = rt_keys_word(file, node, "attributes", forbid_words);

	policy->attributes_forbidden |= word == 0;
	policy->attributes_allowed |= word == 1;
	return word < 0 ? -1 : 0;
}

static int
read_types(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	struct rt_policy *policy = into;
	int word = rt_keys_word(file, node, "type_changes", forbid_words);

	policy->types_forbidden |= word == 0;
	policy->types_allowed |= word == 1;
	return word < 0 ? -1 : 0;
}

static int
read_values_file(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	struct rt_policy *policy = into;

	if (rt_keys_want(file, node, RT_YAML_SCALAR, "values_file"))
		return -1;
	if (*node->text != '/' && !rt_starts_with(node->text, "~/"))
		return rt_fail_node(
		    file, node,
		    "values_file: `%s` must be absolute or begin with ~/: the values do not belong into "
		    "the repository",
		    node->text);
	if (policy->values_file && strcmp(policy->values_file, node->text))
		return rt_fail_node(file, node, "values_file: another policy file names %s; there can be one",
				    policy->values_file);
	free(policy->values_file);
	policy->values_file = rt_strdup(node->text);
	return 0;
}

static int
read_pattern(const struct rt_reading_of *file, const struct rt_yaml *key, const struct rt_yaml *value,
	     struct rt_secret_pattern *pattern)
{
	struct rt_err why = RT_ERR_INIT;

	if (!rt_name_valid(key->text))
		return rt_fail_node(file, key, "pattern name `%s`: names are made of A-Z a-z 0-9 _ . -", key->text);
	if (rt_keys_want(file, value, RT_YAML_SCALAR, "a pattern"))
		return -1;
	pattern->rule = rt_format("secret:%s", key->text);
	if (rt_regex_new(&pattern->regex, value->text, &why))
		return rt_fail_node(file, value, "pattern `%s`: %s", key->text, why.text);
	if (rt_regex_search(pattern->regex, "", 0, 0, NULL, 0, &why))
		return rt_fail_node(
		    file, value, "pattern `%s` matches empty text, and so every file; ask for one character at least",
		    key->text);
	return 0;
}

static int
read_patterns(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	struct rt_policy *policy = into;

	if (rt_keys_want(file, node, RT_YAML_MAPPING, "patterns"))
		return -1;
	for (size_t i = 0; i < node->n; i++) {
		struct rt_secret_pattern pattern = {0};

		if (read_pattern(file, &node->keys[i], &node->values[i], &pattern)) {
			free(pattern.rule);
			rt_regex_free(pattern.regex);
			return -1;
		}
		*rt_push(&policy->patterns) = pattern;
	}
	return 0;
}

static const struct rt_key secrets_keys[] = {
    {"values_file", RT_SHAPE_OWN, .read = read_values_file},
    {"patterns", RT_SHAPE_OWN, .read = read_patterns},
    {NULL},
};

static int
read_secrets(const struct rt_reading_of *file, const struct rt_yaml *node, void *into)
{
	return rt_keys_read(file, secrets_keys, "secrets", node, into);
}

#define AT(field) offsetof(struct rt_policy, field)

static const struct rt_key policy_keys[] = {
    {"forbidden", RT_SHAPE_GLOBS, AT(forbidden)},	   {"allowed", RT_SHAPE_OWN, .read = read_allowed},
    {"signed", RT_SHAPE_GLOBS, AT(signed_globs)},	   {"max_file", RT_SHAPE_OWN, .read = read_max_file},
    {"max_patch", RT_SHAPE_OWN, .read = read_max_patch},   {"max_files", RT_SHAPE_OWN, .read = read_max_files},
    {"binary", RT_SHAPE_OWN, .read = read_binary},	   {"modes", RT_SHAPE_OWN, .read = read_modes},
    {"trailers", RT_SHAPE_OWN, .read = read_trailers},	   {"min_isolation", RT_SHAPE_OWN, .read = read_min_isolation},
    {"attributes", RT_SHAPE_OWN, .read = read_attributes}, {"type_changes", RT_SHAPE_OWN, .read = read_types},
    {"secrets", RT_SHAPE_OWN, .read = read_secrets},	   {NULL},
};

const struct rt_key *
rt_policy_keys(enum rt_policy_part part)
{
	return part == RT_POLICY_TOP ? policy_keys : secrets_keys;
}

int
rt_policy_parse(struct rt_policy *policy, const char *bytes, size_t len, const char *name, struct rt_err *err)
{
	rt_auto(yaml) struct rt_yaml *root = NULL;
	const struct rt_reading_of file = {name, err};

	if (rt_yaml_parse(&root, bytes, len, name, err))
		return -1;
	return rt_keys_read(&file, policy_keys, "a policy", root, policy);
}
