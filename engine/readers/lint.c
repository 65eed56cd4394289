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

/* Where a list of findings is: its JSON pointer, and the file that all of it is about, or NULL. */
struct place {
	const char *list, *file;
};

static int64_t
number_at(const struct rt_json *item, const char *pointer)
{
	return rt_json_int(rt_json_pointer(item, pointer), 0);
}

/* A rule may be a number (shellcheck). */
static void
read_item(const struct rt_reading *reading, const struct shape *shape, const struct place *in, size_t i,
	  const struct rt_json *item)
{
	const char *file = in->file;
	const struct rt_json *rule = rt_json_pointer(item, shape->rule);
	rt_auto(free) char *number =
	    rt_json_type(rule) == RT_JSON_INT ? rt_format("%lld", (long long)rt_json_int(rule, 0)) : NULL;
	struct rt_finding_parts parts = {.rule = number ? number : rt_json_string(rule),
					 .message = rt_json_string(rt_json_pointer(item, shape->message)),
					 .file = file ? file : rt_json_string(rt_json_pointer(item, shape->file)),
					 .line = number_at(item, shape->line),
					 .column = number_at(item, shape->column)};

	if (rt_json_type(item) != RT_JSON_OBJECT || !parts.message || !parts.file)
		rt_reading_problem(reading, 0, "%s/%zu: has a finding without a message or a file", in->list, i);
	else
		rt_finding_add(reading, &parts);
}

static void
read_list(const struct rt_reading *reading, const struct shape *shape, const struct place *in,
	  const struct rt_json *list)
{
	if (rt_json_type(list) != RT_JSON_ARRAY)
		rt_reading_problem(reading, 0, "%s: has no list of findings where one belongs",
				   *in->list ? in->list : "/");
	for (size_t i = 0; i < rt_json_count(list); i++)
		read_item(reading, shape, in, i, rt_json_at(list, i));
}

/* It counts its own messages: those of errors and those of warnings. */
static void
read_eslint_file(const struct rt_reading *reading, size_t i, const struct rt_json *file)
{
	static const struct shape shape = {"/ruleId", "/message", NULL, "/line", "/column"};
	rt_auto(free) char *pointer = rt_format("/%zu/messages", i);
	const struct place place = {pointer, rt_json_get_string(file, "filePath")};
	const struct rt_json *messages = rt_json_get(file, "messages"), *errors = rt_json_get(file, "errorCount"),
			     *warnings = rt_json_get(file, "warningCount");

	if (!place.file) {
		rt_reading_problem(reading, 0, "/%zu: has a file without a path", i);
		return;
	}
	read_list(reading, &shape, &place, messages);
	if (errors && warnings &&
	    rt_json_int(errors, -1) + rt_json_int(warnings, -1) != (int64_t)rt_json_count(messages))
		rt_reading_problem(reading, 0, "/%zu: counts other numbers of errors and warnings than it lists", i);
}

int
rt_eslint_read(const struct rt_reading *reading, struct rt_err *err)
{
	rt_auto(json) struct rt_json *files = NULL;

	int got = rt_reading_json(reading, &files, err);
	if (got <= 0)
		return got;
	if (rt_json_type(files) != RT_JSON_ARRAY)
		rt_reading_problem(reading, 0, "/: is not a list of files");
	for (size_t i = 0; i < rt_json_count(files); i++)
		read_eslint_file(reading, i, rt_json_at(files, i));
	return 0;
}

int
rt_ruff_read(const struct rt_reading *reading, struct rt_err *err)
{
	static const struct shape shape = {"/code", "/message", "/filename", "/location/row", "/location/column"};
	static const struct place whole = {"", NULL};
	rt_auto(json) struct rt_json *list = NULL;

	int got = rt_reading_json(reading, &list, err);
	if (got > 0)
		read_list(reading, &shape, &whole, list);
	return got < 0 ? -1 : 0;
}

int
rt_shellcheck_read(const struct rt_reading *reading, struct rt_err *err)
{
	static const struct shape shape = {"/code", "/message", "/file", "/line", "/column"};
	rt_auto(json) struct rt_json *value = NULL;

	int got = rt_reading_json(reading, &value, err);
	/* json1 is an object around the list of json */
	const struct rt_json *comments = rt_json_get(value, "comments");
	const struct place place = {comments ? "/comments" : "", NULL};
	if (got > 0)
		read_list(reading, &shape, &place, comments ? comments : value);
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
