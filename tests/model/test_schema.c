/*
 * The JSON Schemas in docs/ are for editors; the parsers do not read them. These tests hold each against the parser's
 * own table of keys, and feed the parser every example that a schema gives.
 */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>

#include "model/config.h"
#include "model/keys.h"
#include "model/policy.h"
#include "model/preset.h"
#include "support/file.h"
#include "support/json.h"

/* Beside this file's folder, wherever the build runs from: the path the compiler was given is relative to the build. */
static struct rt_json *
load(const char *name)
{
	rt_auto(buf) struct rt_buf bytes = RT_BUF_INIT;
	rt_auto(free) char *path =
	    rt_format("%.*s/../../docs/%s", (int)(strrchr(__FILE__, '/') - __FILE__), __FILE__, name);
	struct rt_json *schema = NULL;
	struct rt_err err = RT_ERR_INIT;

	cr_assert_eq(rt_file_read(AT_FDCWD, path, 1 << 20, &bytes, &err), 0, "%s", err.text);
	cr_assert_eq(rt_json_parse(&schema, bytes.data, bytes.len, path, &err), 0, "%s", err.text);
	return schema;
}

/* The schema's list of words and the parser's, in order; true and false are the words of a boolean. */
static void
words_agree(const struct rt_key *key, const struct rt_json *property)
{
	const struct rt_json *list = rt_json_get(property, "enum");
	size_t n = 0;

	if (!key->words)
		return;
	if (!strcmp(key->words[0], "false")) {
		cr_assert_str_eq(rt_json_get_string(property, "type"), "boolean", "%s", key->name);
		return;
	}
	for (; key->words[n]; n++)
		cr_assert_str_eq(rt_json_string(rt_json_at(list, n)), key->words[n], "%s", key->name);
	cr_assert_eq(rt_json_count(list), n, "%s", key->name);
}

static void
range_agrees(const struct rt_key *key, const struct rt_json *property)
{
	if (key->shape != RT_SHAPE_COUNT)
		return;
	cr_assert_eq(rt_json_get_int(property, "minimum", -1), key->least, "%s", key->name);
	cr_assert_eq(rt_json_get_int(property, "maximum", -1), key->most, "%s", key->name);
}

/* The object of the schema and the table name the same keys. */
static void
keys_agree(const struct rt_json *object, const struct rt_key *keys)
{
	struct rt_json *properties = rt_json_get(object, "properties");
	size_t n = 0;

	cr_assert_eq(rt_json_type(rt_json_get(object, "additionalProperties")), RT_JSON_BOOL);
	cr_assert_not(rt_json_get_bool(object, "additionalProperties", true));
	for (; keys[n].name; n++) {
		const struct rt_json *property = rt_json_get(properties, keys[n].name);
		cr_assert_not_null(property, "the schema lacks %s", keys[n].name);
		words_agree(&keys[n], property);
		range_agrees(&keys[n], property);
	}
	cr_assert_eq(rt_json_count(properties), n, "the schema has a key that the parser does not know");
}

Test(schema, configuration_has_the_keys_of_the_parser)
{
	rt_auto(json) struct rt_json *schema = load("ratchet.schema.json");

	keys_agree(schema, rt_config_keys(RT_CONFIG_TOP));
	keys_agree(rt_json_pointer(schema, "/$defs/check"), rt_config_keys(RT_CONFIG_CHECK));
	keys_agree(rt_json_pointer(schema, "/$defs/json"), rt_config_keys(RT_CONFIG_JSON));
}

Test(schema, policy_has_the_keys_of_the_parser)
{
	rt_auto(json) struct rt_json *schema = load("policy.schema.json");

	keys_agree(schema, rt_policy_keys(RT_POLICY_TOP));
	keys_agree(rt_json_pointer(schema, "/$defs/secrets"), rt_policy_keys(RT_POLICY_SECRETS));
}

static void
names_are(const struct rt_json *list, const struct rt_strs *names)
{
	for (size_t i = 0; i < names->n; i++)
		cr_assert_str_eq(rt_json_string(rt_json_at(list, i)), names->at[i]);
	cr_assert_eq(rt_json_count(list), names->n);
}

/* A format without a place, and one with it. */
Test(schema, reports_are_the_formats_and_presets)
{
	rt_auto(json) struct rt_json *schema = load("ratchet.schema.json");
	rt_auto(strs) struct rt_strs alone = {0};
	rt_auto(strs) struct rt_strs placed = {0};

	for (const struct rt_report_format *format = rt_report_formats; format->name; format++) {
		if (strcmp(format->name, "regex") && strcmp(format->name, "json")) /* these need an expression */
			rt_strs_add(&alone, format->name);
		if (strcmp(format->name, "exit"))
			rt_strs_add(&placed, format->name);
	}
	for (const struct rt_preset *preset = rt_presets; preset->name; preset++) {
		if (rt_report_format_find(preset->name))
			continue;
		rt_strs_add(&alone, preset->name);
		rt_strs_add(&placed, preset->name);
	}
	names_are(rt_json_pointer(schema, "/$defs/report/anyOf/0/enum"), &alone);
	names_are(rt_json_pointer(schema, "/$defs/report/anyOf/1/propertyNames/enum"), &placed);
}

/* What stands beside a key of a check so that its example is a whole configuration. JSON is YAML. */
static const struct {
	const char *key, *beside;
} contexts[] = {
    {"needs", "\"name\":\"a\",\"run\":\"x\""},
    {"axes", "\"name\":\"a\",\"run\":\"x\""},
    {"was", "\"name\":\"a\",\"run\":\"x\""},
    {"name", "\"run\":\"x\""},
    {"run", "\"name\":\"a\""},
    {"confirm", "\"name\":\"a\",\"run\":\"x\",\"workspace\":\"warm\""},
    {"min_cases", "\"name\":\"a\",\"run\":\"x\",\"report\":\"pytest\""},
    {"better", "\"name\":\"a\",\"run\":\"x\",\"kind\":\"metric\",\"report\":{\"json\":\"/a\"}"},
    {"margin", "\"name\":\"a\",\"run\":\"x\",\"kind\":\"metric\",\"report\":{\"json\":\"/a\"},\"better\":\"lower\""},
    {"budget", "\"name\":\"a\",\"run\":\"x\",\"kind\":\"metric\",\"report\":{\"json\":\"/a\"},\"better\":\"lower\","
	       "\"margin\":\"1%\",\"samples\":5"},
    {"samples", "\"name\":\"a\",\"run\":\"x\",\"kind\":\"metric\",\"report\":{\"json\":\"/"
		"a\"},\"better\":\"lower\",\"margin\":\"1%\""},
    {"record_on", "\"name\":\"a\",\"run\":\"x\",\"kind\":\"metric\",\"report\":{\"json\":\"/a\"},\"better\":\"lower\""},
    {"untrusted_inputs", "\"name\":\"a\",\"run\":\"x\",\"kind\":\"prepare\""},
};

static const char *
context_of(const char *key)
{
	for (size_t i = 0; i < RT_COUNT(contexts); i++)
		if (!strcmp(contexts[i].key, key))
			return contexts[i].beside;
	return "\"name\":\"a\",\"run\":\"x\"";
}

static int
config_accepts(const char *text, struct rt_err *err)
{
	rt_auto(config) struct rt_config config = RT_CONFIG_INIT;

	return rt_config_parse(&config, text, strlen(text), "ratchet.yml", err);
}

static void
check_example(const char *key, const char *value)
{
	rt_auto(free) char *text =
	    rt_format("{\"version\":1,\"axes\":{\"cc\":[\"gcc\"]},\"checks\":[{\"name\":\"build\","
		      "\"run\":\"x\"},{%s,\"%s\":%s}]}",
		      context_of(key), key, value);
	struct rt_err err = RT_ERR_INIT;

	cr_assert_eq(config_accepts(text, &err), 0, "%s in %s", err.text, text);
}

static void
top_example(const char *key, const char *value)
{
	bool own_axes = !strcmp(key, "axes");
	rt_auto(free) char *text = NULL;
	struct rt_err err = RT_ERR_INIT;

	if (!strcmp(key, "version"))
		text = rt_format("{\"version\":%s,\"checks\":[{\"name\":\"a\",\"run\":\"x\"}]}", value);
	else if (!strcmp(key, "checks"))
		text = rt_format("{\"version\":1,\"checks\":%s}", value);
	else
		text = rt_format("{\"version\":1,%s\"checks\":[{\"name\":\"a\",\"run\":\"x\"}],\"%s\":%s}",
				 own_axes ? "" : "\"axes\":{\"cc\":[\"gcc\"]},", key, value);
	cr_assert_eq(config_accepts(text, &err), 0, "%s in %s", err.text, text);
}

static void
policy_example(const char *key, const char *value)
{
	struct rt_policy *policy = rt_policy_new();
	rt_auto(free) char *text = rt_format("{\"%s\":%s}", key, value);
	struct rt_err err = RT_ERR_INIT;

	cr_assert_eq(rt_policy_parse(policy, text, strlen(text), "p.yml", &err), 0, "%s in %s", err.text, text);
	rt_policy_free(policy);
}

static void
secrets_example(const char *key, const char *value)
{
	rt_auto(free) char *inner = rt_format("{\"%s\":%s}", key, value);

	policy_example("secrets", inner);
}

/* Every key has an example, and the parser accepts it. */
static int
try_examples(void *data, const char *key, struct rt_json *property)
{
	void (*try)(const char *, const char *) = *(void (**)(const char *, const char *))data;
	struct rt_json *examples = rt_json_get(property, "examples");

	cr_assert_gt(rt_json_count(examples), 0, "%s has no example", key);
	for (size_t i = 0; i < rt_json_count(examples); i++) {
		rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
		rt_json_write(rt_json_at(examples, i), &text);
		try(key, text.data);
	}
	return 0;
}

static void
try_all(const struct rt_json *schema, const char *pointer, void (*try)(const char *, const char *))
{
	cr_assert_eq(rt_json_each(rt_json_pointer(schema, pointer), try_examples, &try), 0);
}

Test(schema, examples_of_the_configuration_are_accepted)
{
	rt_auto(json) struct rt_json *schema = load("ratchet.schema.json");

	try_all(schema, "/properties", top_example);
	try_all(schema, "/$defs/check/properties", check_example);
}

Test(schema, examples_of_policies_are_accepted)
{
	rt_auto(json) struct rt_json *schema = load("policy.schema.json");

	try_all(schema, "/properties", policy_example);
	try_all(schema, "/$defs/secrets/properties", secrets_example);
}
