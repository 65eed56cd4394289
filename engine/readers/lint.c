#include <string.h>

#include "readers/finding.h"
#include "readers/xml.h"
#include "support/json.h"

/*
 * What linters write in formats of their own. Only the documented fields are read: eslint --format json
 * (eslint.org/docs, "Formatters"), ruff check --output-format json, shellcheck --format json or json1, cppcheck --xml
 * (version 2 of its results).
 */

/* ---- lists of objects ---- */

struct shape {
	const char *rule, *message, *file, *line, *column; /* JSON pointers into one object */
};

static int64_t
number_at(const struct rt_json *item, const char *pointer)
{
	return rt_json_int(rt_json_pointer(item, pointer), 0);
}

/* A rule may be a number (shellcheck). */
static void
read_item(const struct rt_reading *reading, const struct shape *shape, const char *file, const struct rt_json *item)
{
	const struct rt_json *rule = rt_json_pointer(item, shape->rule);
	rt_auto(free) char *number =
	    rt_json_type(rule) == RT_JSON_INT ? rt_format("%lld", (long long)rt_json_int(rule, 0)) : NULL;
	struct rt_finding_parts parts = {.rule = number ? number : rt_json_string(rule),
					 .message = rt_json_string(rt_json_pointer(item, shape->message)),
					 .file = file ? file : rt_json_string(rt_json_pointer(item, shape->file)),
					 .line = number_at(item, shape->line),
					 .column = number_at(item, shape->column)};

	if (rt_json_type(item) != RT_JSON_OBJECT || !parts.message || !parts.file)
		rt_reading_problem(reading, 0, "has a finding without a message or a file");
	else
		rt_finding_add(reading, &parts);
}

static void
read_list(const struct rt_reading *reading, const struct shape *shape, const char *file, const struct rt_json *list)
{
	if (rt_json_type(list) != RT_JSON_ARRAY)
		rt_reading_problem(reading, 0, "has no list of findings where one belongs");
	for (size_t i = 0; i < rt_json_count(list); i++)
		read_item(reading, shape, file, rt_json_at(list, i));
}

int
rt_eslint_read(const struct rt_reading *reading, struct rt_err *err)
{
	static const struct shape shape = {"/ruleId", "/message", NULL, "/line", "/column"};
	rt_auto(json) struct rt_json *files = NULL;

	int got = rt_reading_json(reading, &files, err);
	if (got <= 0)
		return got;
	if (rt_json_type(files) != RT_JSON_ARRAY)
		rt_reading_problem(reading, 0, "is not a list of files");
	for (size_t i = 0; i < rt_json_count(files); i++) {
		const struct rt_json *file = rt_json_at(files, i);
		const char *path = rt_json_get_string(file, "filePath");

		if (path)
			read_list(reading, &shape, path, rt_json_get(file, "messages"));
		else
			rt_reading_problem(reading, 0, "has a file without a path");
	}
	return 0;
}

int
rt_ruff_read(const struct rt_reading *reading, struct rt_err *err)
{
	static const struct shape shape = {"/code", "/message", "/filename", "/location/row", "/location/column"};
	rt_auto(json) struct rt_json *list = NULL;

	int got = rt_reading_json(reading, &list, err);
	if (got > 0)
		read_list(reading, &shape, NULL, list);
	return got < 0 ? -1 : 0;
}

int
rt_shellcheck_read(const struct rt_reading *reading, struct rt_err *err)
{
	static const struct shape shape = {"/code", "/message", "/file", "/line", "/column"};
	rt_auto(json) struct rt_json *value = NULL;

	int got = rt_reading_json(reading, &value, err);
	if (got > 0) /* json1 is an object around the list of json */
		read_list(reading, &shape, NULL,
			  rt_json_type(value) == RT_JSON_OBJECT ? rt_json_get(value, "comments") : value);
	return got < 0 ? -1 : 0;
}

/* ---- cppcheck ---- */

struct cppcheck {
	const struct rt_reading *reading;
	bool results, placed;
	struct rt_buf rule, message;
};

static const char *
attribute(const char **attributes, const char *name)
{
	for (size_t i = 0; attributes[i]; i += 2)
		if (!strcmp(attributes[i], name))
			return attributes[i + 1];
	return NULL;
}

static void
set_text(struct rt_buf *to, const char *text)
{
	rt_buf_cut(to, 0);
	rt_buf_adds(to, text ? text : "");
}

static int64_t
integer(const char *text)
{
	uint64_t value;

	return text && rt_parse_u64(text, &value) == 0 && value <= INT32_MAX ? (int64_t)value : 0;
}

/* Of several locations the first is where it is; those that follow explain it. */
static void
on_start(void *data, const char *name, const char **attributes)
{
	struct cppcheck *c = data;

	if (!strcmp(name, "results") && attribute(attributes, "version"))
		c->results = true;
	if (!strcmp(name, "error")) {
		set_text(&c->rule, attribute(attributes, "id"));
		set_text(&c->message, attribute(attributes, "msg"));
		c->placed = false;
	}
	if (strcmp(name, "location") != 0 || c->placed)
		return;
	struct rt_finding_parts parts = {.rule = c->rule.data,
					 .message = c->message.data,
					 .file = attribute(attributes, "file"),
					 .line = integer(attribute(attributes, "line")),
					 .column = integer(attribute(attributes, "column"))};
	c->placed = true;
	rt_finding_add(c->reading, &parts);
}

/* Without a location it is about the run as a whole, such as an include that was not found. */
static void
on_end(void *data, const char *name)
{
	struct cppcheck *c = data;
	struct rt_finding_parts parts = {.rule = c->rule.data, .message = c->message.data};

	if (!strcmp(name, "error") && !c->placed)
		rt_finding_add(c->reading, &parts);
}

int
rt_cppcheck_read(const struct rt_reading *reading, struct rt_err *err)
{
	struct cppcheck c = {.reading = reading, .rule = RT_BUF_INIT, .message = RT_BUF_INIT};
	struct rt_xml_events events = {.start = on_start, .end = on_end, .data = &c};
	rt_auto(xml) struct rt_xml *xml = rt_xml_new(reading, &events);

	int result = rt_xml_run(xml, err);
	if (result == 0 && !c.results)
		rt_reading_problem(reading, 0, "is not a report of cppcheck --xml");
	rt_buf_release(&c.rule);
	rt_buf_release(&c.message);
	return result;
}
