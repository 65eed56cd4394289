#include "model/keys.h"

#include <string.h>

#include "model/suggest.h"

static const char *const type_names[] = {
    [RT_YAML_SCALAR] = "a single value",
    [RT_YAML_SEQUENCE] = "a list",
    [RT_YAML_MAPPING] = "a mapping",
};

static const char *
type_mend(const struct rt_yaml *node, enum rt_yaml_type want)
{
	if (want == RT_YAML_SEQUENCE && node->type == RT_YAML_SCALAR)
		return "; write [ ] around it";
	if (want == RT_YAML_SCALAR && node->type == RT_YAML_SEQUENCE && node->n == 1)
		return "; leave out the brackets";
	if (want == RT_YAML_MAPPING)
		return "; write `key: value` pairs";
	return "";
}

int
rt_keys_want(const struct rt_reading_of *file, const struct rt_yaml *node, enum rt_yaml_type type, const char *what)
{
	if (node->type != type)
		return rt_fail_node(file, node, "%s is %s, not %s%s", what, type_names[type], type_names[node->type],
				    type_mend(node, type));
	if (type == RT_YAML_SCALAR && !*node->text)
		return rt_fail_node(file, node, "%s is empty; give it a value or leave it out", what);
	return 0;
}

int
rt_keys_glob(const struct rt_reading_of *file, const struct rt_yaml *node)
{
	const char *glob = node->text;

	if (*glob == '/')
		return rt_fail_node(file, node,
				    "pattern `%s`: patterns are relative to the repository's root; leave "
				    "out the leading /",
				    glob);
	if (rt_starts_with(glob, "./"))
		return rt_fail_node(file, node, "pattern `%s`: leave out the leading ./", glob);
	if (*glob == '!')
		return rt_fail_node(file, node,
				    "pattern `%s`: there is no negation; write [!] if the name begins with !", glob);
	for (const char *part = glob; part; part = strchr(part, '/')) {
		part += *part == '/';
		if (!strncmp(part, "..", 2) && (part[2] == '/' || !part[2]))
			return rt_fail_node(file, node, "pattern `%s`: .. matches nothing in a repository", glob);
	}
	return 0;
}

int
rt_keys_list(const struct rt_reading_of *file, const struct rt_yaml *node, const char *what, struct rt_strs *out)
{
	if (rt_keys_want(file, node, RT_YAML_SEQUENCE, what))
		return -1;
	for (size_t i = 0; i < node->n; i++) {
		const struct rt_yaml *item = &node->values[i];
		if (rt_keys_want(file, item, RT_YAML_SCALAR, "an item of the list"))
			return -1;
		rt_strs_add(out, item->text);
	}
	return 0;
}

static int
read_globs(const struct rt_reading_of *file, const struct rt_yaml *node, const char *what, struct rt_strs *out)
{
	if (rt_keys_list(file, node, what, out))
		return -1;
	for (size_t i = 0; i < node->n; i++)
		if (rt_keys_glob(file, &node->values[i]))
			return -1;
	return 0;
}

int
rt_keys_word(const struct rt_reading_of *file, const struct rt_yaml *node, const char *what, const char *const *words)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;

	if (rt_keys_want(file, node, RT_YAML_SCALAR, what))
		return -1;
	for (int i = 0; words[i]; i++) {
		if (!strcmp(node->text, words[i]))
			return i;
		rt_buf_addf(&text, "%s%s", i == 0 ? "" : words[i + 1] ? ", " : " or ", words[i]);
	}
	return rt_fail_node(file, node, "%s: `%s` is not %s", what, node->text, text.data);
}

int
rt_keys_count(const struct rt_reading_of *file, const struct rt_yaml *node, const char *what, uint64_t least,
	      uint64_t most, uint64_t *out)
{
	if (rt_keys_want(file, node, RT_YAML_SCALAR, what))
		return -1;
	if (rt_parse_u64(node->text, out) || *out < least || *out > most)
		return rt_fail_node(file, node, "%s: `%s` is not a whole number from %llu to %llu", what, node->text,
				    (unsigned long long)least, (unsigned long long)most);
	return 0;
}

static int
read_text(const struct rt_reading_of *file, const struct rt_key *key, const struct rt_yaml *value, char **out)
{
	if (rt_keys_want(file, value, RT_YAML_SCALAR, key->name))
		return -1;
	*out = rt_strdup(value->text);
	return 0;
}

static int
read_word(const struct rt_reading_of *file, const struct rt_key *key, const struct rt_yaml *value, void *field)
{
	int word = rt_keys_word(file, value, key->name, key->words);

	if (word < 0)
		return -1;
	if (key->shape == RT_SHAPE_FLAG)
		*(bool *)field = word == 1;
	else
		*(unsigned *)field = (unsigned)word;
	return 0;
}

static int
read_count(const struct rt_reading_of *file, const struct rt_key *key, const struct rt_yaml *value, unsigned *out)
{
	uint64_t n;

	if (rt_keys_count(file, value, key->name, key->least, key->most, &n))
		return -1;
	*out = (unsigned)n;
	return 0;
}

static int
read_value(const struct rt_reading_of *file, const struct rt_key *key, const struct rt_yaml *value, void *into)
{
	void *field = (char *)into + key->offset;

	switch (key->shape) {
	case RT_SHAPE_TEXT:
		return read_text(file, key, value, field);
	case RT_SHAPE_LIST:
		return rt_keys_list(file, value, key->name, field);
	case RT_SHAPE_GLOBS:
		return read_globs(file, value, key->name, field);
	case RT_SHAPE_WORD:
	case RT_SHAPE_FLAG:
		return read_word(file, key, value, field);
	case RT_SHAPE_COUNT:
		return read_count(file, key, value, field);
	case RT_SHAPE_OWN:
		break;
	}
	return key->read ? key->read(file, value, into) : 0;
}

static int
fail_unknown(const struct rt_reading_of *file, const struct rt_key *keys, const char *what, const struct rt_yaml *key)
{
	rt_auto(buf) struct rt_buf mend = RT_BUF_INIT;
	RT_VEC(const char *) names = {0};

	for (size_t i = 0; keys[i].name; i++)
		*rt_push(&names) = keys[i].name;
	rt_suggest_add(&mend, key->text, names.at, names.n);
	free(names.at);
	return rt_fail_node(file, key, "unknown key `%s` in %s%s", key->text, what, mend.data);
}

int
rt_keys_read(const struct rt_reading_of *file, const struct rt_key *keys, const char *what,
	     const struct rt_yaml *mapping, void *into)
{
	if (rt_keys_want(file, mapping, RT_YAML_MAPPING, what))
		return -1;
	for (size_t i = 0; i < mapping->n; i++) {
		const struct rt_key *key = keys;
		while (key->name && strcmp(key->name, mapping->keys[i].text))
			key++;
		if (!key->name)
			return fail_unknown(file, keys, what, &mapping->keys[i]);
		if (read_value(file, key, &mapping->values[i], into))
			return -1;
	}
	return 0;
}
