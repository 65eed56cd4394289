#include "model/config_parts.h"

#include <string.h>

#include "model/policy.h"
#include "model/preset.h"
#include "model/suggest.h"
#include "support/regex.h"

struct json_report {
	char *file, *pointer;
};

const struct rt_key rt_config_json_keys[] = {
    {"file", RT_SHAPE_TEXT, offsetof(struct json_report, file)},
    {"pointer", RT_SHAPE_OWN}, /* may be empty: the whole document */
    {NULL},
};

/* The format a name stands for, by way of its preset; NULL when there is none. */
static const struct rt_report_format *
format_of(const char *name)
{
	const struct rt_preset *preset = rt_preset_find(name);

	return rt_report_format_find(preset ? preset->format : name);
}

static int
fail_format(const struct rt_reading_of *file, const struct rt_yaml *node)
{
	rt_auto(buf) struct rt_buf mend = RT_BUF_INIT;
	RT_VEC(const char *) names = {0};

	for (const struct rt_report_format *format = rt_report_formats; format->name; format++)
		*rt_push(&names) = format->name;
	for (const struct rt_preset *preset = rt_presets; preset->name; preset++)
		if (!rt_report_format_find(preset->name))
			*rt_push(&names) = preset->name;
	rt_suggest_add(&mend, node->text, names.at, names.n);
	free(names.at);
	return rt_fail_node(file, node, "unknown report format `%s`%s", node->text, mend.data);
}

static int
check_path(const struct rt_reading_of *file, const struct rt_yaml *node)
{
	if (rt_keys_want(file, node, RT_YAML_SCALAR, "the path of a report"))
		return -1;
	if (strstr(node->text, "{{report}}"))
		return rt_fail_node(file, node,
				    "{{report}} is itself the path; name the format alone (`report: junit`) and "
				    "put {{report}} into `run`");
	return rt_keys_glob(file, node);
}

static int
check_pointer(const struct rt_reading_of *file, const struct rt_yaml *node)
{
	if (node->type != RT_YAML_SCALAR)
		return rt_keys_want(file, node, RT_YAML_SCALAR, "pointer");
	if (*node->text && *node->text != '/')
		return rt_fail_node(file, node, "`%s` is no JSON pointer; write /key/0/key", node->text);
	return 0;
}

static int
read_regex(const struct rt_reading_of *file, const struct rt_yaml *node, struct rt_report_spec *report)
{
	rt_auto(regex) struct rt_regex *regex = NULL;
	struct rt_err why = RT_ERR_INIT;

	if (rt_keys_want(file, node, RT_YAML_SCALAR, "regex"))
		return -1;
	if (rt_regex_new(&regex, node->text, &why))
		return rt_fail_node(file, node, "regex: %s", why.text);
	report->pattern = rt_strdup(node->text);
	report->streams = RT_STREAMS_OUT;
	return 0;
}

static int
read_json_file(const struct rt_reading_of *file, const struct rt_yaml *node, struct rt_report_spec *report)
{
	const struct rt_yaml *pointer = rt_yaml_get(node, "pointer"), *path = rt_yaml_get(node, "file");
	struct json_report json = {0};
	int status = rt_keys_read(file, rt_config_json_keys, "report: json", node, &json);

	free(report->path);
	report->path = json.file;
	if (status)
		return -1;
	if (!path || !pointer)
		return rt_fail_node(file, node,
				    "report: json needs both `file` and `pointer`, or the pointer alone for "
				    "standard output");
	if (check_path(file, path) || check_pointer(file, pointer))
		return -1;
	report->pattern = rt_strdup(pointer->text);
	return 0;
}

static int
read_json(const struct rt_reading_of *file, const struct rt_yaml *node, struct rt_report_spec *report)
{
	if (node->type == RT_YAML_MAPPING)
		return read_json_file(file, node, report);
	if (check_pointer(file, node))
		return -1;
	report->pattern = rt_strdup(node->text);
	report->streams = RT_STREAMS_OUT;
	return 0;
}

static int
read_place(const struct rt_reading_of *file, const struct rt_yaml *node, struct rt_report_spec *report)
{
	if (rt_keys_want(file, node, RT_YAML_SCALAR, "the place of a report"))
		return -1;
	if (!strcmp(node->text, "stdout") || !strcmp(node->text, "stderr")) {
		report->streams = !strcmp(report->format, "gcc")  ? RT_STREAMS_BOTH
				  : !strcmp(node->text, "stdout") ? RT_STREAMS_OUT
								  : RT_STREAMS_ERR;
		return 0;
	}
	if (check_path(file, node))
		return -1;
	report->path = rt_strdup(node->text);
	return 0;
}

static int
read_mapping(const struct rt_reading_of *file, const struct rt_yaml *node, struct rt_report_spec *report)
{
	const struct rt_yaml *key, *value;

	if (node->n != 1)
		return rt_fail_node(file, node, "report has one format and its place: {junit: PATH}");
	key = &node->keys[0];
	value = &node->values[0];
	if (!format_of(key->text))
		return fail_format(file, key);
	report->format = rt_strdup(key->text);
	if (!strcmp(key->text, "exit"))
		return rt_fail_node(file, key, "report: exit has no place; write `report: exit`");
	if (!strcmp(key->text, "regex"))
		return read_regex(file, value, report);
	if (!strcmp(key->text, "json"))
		return read_json(file, value, report);
	return read_place(file, value, report);
}

int
rt_config_read_report(const struct rt_reading_of *file, const struct rt_yaml *node, void *check)
{
	struct rt_report_spec *report = &((struct rt_check *)check)->report;

	if (node->type == RT_YAML_MAPPING)
		return read_mapping(file, node, report);
	if (rt_keys_want(file, node, RT_YAML_SCALAR, "report"))
		return -1;
	if (!format_of(node->text))
		return fail_format(file, node);
	if (!strcmp(node->text, "regex"))
		return rt_fail_node(file, node, "report: regex needs its expression; write {regex: 'size (\\d+)'}");
	if (!strcmp(node->text, "json"))
		return rt_fail_node(file, node, "report: json needs a pointer; write {json: /key}");
	report->format = rt_strdup(node->text);
	return 0;
}

static bool
names_report(const struct rt_check *check)
{
	if (check->shell && strstr(check->shell, "{{report}}"))
		return true;
	for (size_t i = 0; i < check->argv.n; i++)
		if (strstr(check->argv.at[i], "{{report}}"))
			return true;
	for (size_t i = 0; i < check->env.n; i++)
		if (strstr(check->env.at[i].value, "{{report}}"))
			return true;
	return false;
}

/* True when the check's place of the report is known without {{report}} in its command. */
static bool
has_place(const struct rt_check *check)
{
	const struct rt_report_spec *report = &check->report;
	const struct rt_preset *preset = rt_preset_find(report->format);

	if (report->streams || report->path || !strcmp(report->format, "exit") || names_report(check))
		return true;
	if (!preset)
		return false;
	if (preset->from_stdout || preset->path)
		return true;
	for (size_t i = 0; preset->env[i]; i++)
		if (strstr(preset->env[i], "{{report}}"))
			return true;
	return false;
}

static int
verify_yield(const struct rt_reading_of *file, const struct rt_yaml *at, const struct rt_check *check)
{
	const struct rt_report_format *format = format_of(check->report.format);

	switch (check->kind) {
	case RT_KIND_PREPARE:
		if (strcmp(format->name, "exit"))
			return rt_fail_node(file, at, "a prepare is judged by its exit code alone; leave out `report`");
		return 0;
	case RT_KIND_METRIC:
		if (!strcmp(format->name, "regex") && !strchr(check->report.pattern, '('))
			return rt_fail_node(file, at, "regex `%s` has no group; put ( ) around the number",
					    check->report.pattern);
		if (!format->metric)
			return rt_fail_node(file, at,
					    "kind: metric needs a report that yields numbers: {regex: '(\\d+)'}, "
					    "{json: /pointer}, hyperfine and the like, not %s",
					    format->name);
		return 0;
	case RT_KIND_FINDINGS:
		if (!format->findings)
			return rt_fail_node(
			    file, at,
			    "kind: findings needs a report that lists findings: sarif, gcc, regex, ..., not %s",
			    format->name);
		return 0;
	case RT_KIND_CASES:
		break;
	}
	if (!format->cases)
		return rt_fail_node(file, at, "report: %s yields no test cases; add `kind: %s`", format->name,
				    format->metric ? "metric" : "findings");
	return 0;
}

int
rt_config_verify_report(const struct rt_reading_of *file, const struct rt_yaml *node, const struct rt_check *check)
{
	const struct rt_yaml *at = rt_yaml_get(node, "report");

	if (verify_yield(file, at ? at : node, check))
		return -1;
	if (!has_place(check))
		return rt_fail_node(file, at,
				    "nothing says where report: %s is; put {{report}} into `run`, or write {%s: PATH}, "
				    "{%s: stdout} or {%s: stderr}",
				    check->report.format, check->report.format, check->report.format,
				    check->report.format);
	return 0;
}
