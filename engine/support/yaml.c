#include "support/yaml.h"

#include <string.h>
#include <yaml.h>

#include "support/index.h"

#define LEVELS_MAX 64
#define NODES_MAX 100000
#define BYTES_MAX (4u << 20)

struct reader {
	yaml_parser_t parser;
	const char *name, *bytes;
	size_t nodes;
	struct rt_err *err;
};

static void
reader_release(struct reader *reader)
{
	yaml_parser_delete(&reader->parser);
}
RT_DEFINE_AUTO(reader, struct reader, reader_release);

static inline void
rt_auto_event(yaml_event_t *event)
{
	yaml_event_delete(event);
}

#define fail_mark(reader, mark, ...) \
	rt_fail_at((reader)->err, (reader)->name, (unsigned)(mark).line + 1, (unsigned)(mark).column + 1, __VA_ARGS__)

/* libyaml gives a byte that is no text by its offset alone. */
static int
fail_offset(struct reader *reader)
{
	unsigned line = 1, column = 1;
	size_t i;

	for (i = 0; i < reader->parser.problem_offset; i++, column++) {
		if (reader->bytes[i] == '\n') {
			line++;
			column = 0;
		}
	}
	return rt_fail_at(reader->err, reader->name, line, column, "%s",
			  reader->parser.problem ? reader->parser.problem : "not UTF-8 text");
}

#define ALIAS_TEXT "an alias, which is not supported; quote a pattern that begins with *"
#define ANCHOR_TEXT "an anchor, which is not supported; quote a value that begins with &"
#define TAG_TEXT "a tag, which is not supported; quote a value that begins with !"

/* A pattern such as *.c or !x without quotes is a broken alias or tag to YAML. What was meant is text. */
static const char *
meant_as_text(const char *context, const char *problem)
{
	if (strstr(context, "scanning an alias"))
		return ALIAS_TEXT;
	if (strstr(context, "scanning an anchor"))
		return ANCHOR_TEXT;
	if (strstr(context, "scanning a tag") || strstr(problem, "undefined tag handle"))
		return TAG_TEXT;
	return NULL;
}

static int
fail_parser(struct reader *reader)
{
	const yaml_parser_t *p = &reader->parser;
	const char *problem = p->problem ? p->problem : "not YAML", *context = p->context ? p->context : "";
	bool token = strstr(context, "scanning for the next token");

	if (p->error == YAML_READER_ERROR)
		return fail_offset(reader);
	if (meant_as_text(context, problem))
		return fail_mark(reader, p->context_mark, "%s", meant_as_text(context, problem));
	return fail_mark(reader, p->problem_mark, "%s%s%s%s", problem, *context ? " " : "", context,
			 token ? "; quote the value if it is text" : "");
}

static int
next_event(struct reader *reader, yaml_event_t *event)
{
	return yaml_parser_parse(&reader->parser, event) ? 0 : fail_parser(reader);
}

static int
refuse_extras(struct reader *reader, const yaml_event_t *event, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor)
		return fail_mark(reader, event->start_mark, "%s", ANCHOR_TEXT);
	if (tag)
		return fail_mark(reader, event->start_mark, "%s", TAG_TEXT);
	return 0;
}

static int
read_scalar(struct reader *reader, struct rt_yaml *node, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;

	if (refuse_extras(reader, event, event->data.scalar.anchor, event->data.scalar.tag))
		return -1;
	if (strlen(text) != len)
		return fail_mark(reader, event->start_mark, "text with a NUL in it is not supported");
	node->text = rt_strndup(text, len);
	node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	return 0;
}

/* The array has room for a power of two, so that its capacity needs no field. The new node is zero: an empty scalar. */
static struct rt_yaml *
grow(struct rt_yaml **array, size_t n)
{
	if ((n & (n - 1)) == 0)
		*array = rt_realloc(*array, n ? n * 2 : 1, sizeof(**array));
	memset(&(*array)[n], 0, sizeof(**array));
	return &(*array)[n];
}

static int read_node(struct reader *reader, struct rt_yaml *node, const yaml_event_t *event, unsigned level);

static int
read_sequence(struct reader *reader, struct rt_yaml *node, unsigned level)
{
	for (;;) {
		rt_auto(event) yaml_event_t event = {0};
		struct rt_yaml *item;

		if (next_event(reader, &event))
			return -1;
		if (event.type == YAML_SEQUENCE_END_EVENT)
			return 0;
		item = grow(&node->values, node->n);
		node->n++;
		if (read_node(reader, item, &event, level))
			return -1;
	}
}

static const char *
key_of(const void *owner, size_t position)
{
	return ((const struct rt_yaml *)owner)->keys[position].text;
}

/* Reads the key of the pair that was added last. */
static int
read_key(struct reader *reader, struct rt_yaml *node, struct rt_index *index, const yaml_event_t *event, unsigned level)
{
	struct rt_yaml *key = &node->keys[node->n - 1];
	size_t before;

	if (event->type != YAML_SCALAR_EVENT && event->type != YAML_ALIAS_EVENT)
		return fail_mark(reader, event->start_mark, "a key must be text; quote it if it begins with [ or {");
	if (read_node(reader, key, event, level))
		return -1;
	before = rt_index_find(index, key->text);
	if (before != RT_INDEX_NONE)
		return fail_mark(reader, event->start_mark, "the key %s is there twice, first in line %u", key->text,
				 node->keys[before].line);
	rt_index_add(index, node->n - 1);
	return 0;
}

static int
read_pairs(struct reader *reader, struct rt_yaml *node, struct rt_index *index, unsigned level)
{
	for (;;) {
		rt_auto(event) yaml_event_t key = {0};
		rt_auto(event) yaml_event_t value = {0};

		if (next_event(reader, &key))
			return -1;
		if (key.type == YAML_MAPPING_END_EVENT)
			return 0;
		grow(&node->keys, node->n);
		grow(&node->values, node->n);
		node->n++;
		if (read_key(reader, node, index, &key, level) || next_event(reader, &value) ||
		    read_node(reader, &node->values[node->n - 1], &value, level))
			return -1;
	}
}

static int
read_mapping(struct reader *reader, struct rt_yaml *node, unsigned level)
{
	struct rt_index index = {.owner = node, .key = key_of};
	int failed = read_pairs(reader, node, &index, level);

	rt_index_release(&index);
	return failed;
}

/* Reads the node that starts with event. level counts from 1, and recursion ends with it. */
static int
read_node(struct reader *reader, struct rt_yaml *node, const yaml_event_t *event, unsigned level)
{
	node->line = (unsigned)event->start_mark.line + 1;
	node->column = (unsigned)event->start_mark.column + 1;
	if (level > LEVELS_MAX)
		return fail_mark(reader, event->start_mark, "more than %d levels", LEVELS_MAX);
	if (++reader->nodes > NODES_MAX)
		return fail_mark(reader, event->start_mark, "more than %d values", NODES_MAX);
	if (event->type == YAML_SCALAR_EVENT)
		return read_scalar(reader, node, event);
	if (event->type == YAML_ALIAS_EVENT)
		return fail_mark(reader, event->start_mark, "%s", ALIAS_TEXT);
	if (event->type == YAML_SEQUENCE_START_EVENT) {
		node->type = RT_YAML_SEQUENCE;
		if (refuse_extras(reader, event, event->data.sequence_start.anchor, event->data.sequence_start.tag))
			return -1;
		return read_sequence(reader, node, level + 1);
	}
	if (event->type != YAML_MAPPING_START_EVENT)
		rt_bug("libyaml event %d where a value starts", (int)event->type);
	node->type = RT_YAML_MAPPING;
	if (refuse_extras(reader, event, event->data.mapping_start.anchor, event->data.mapping_start.tag))
		return -1;
	return read_mapping(reader, node, level + 1);
}

/* Reads an event and says whether it is of that type; -1 on error. */
static int
event_is(struct reader *reader, yaml_event_type_t type)
{
	rt_auto(event) yaml_event_t event = {0};

	if (next_event(reader, &event))
		return -1;
	return event.type == type ? 1 : 0;
}

/* `---` with nothing below is a plain empty scalar to libyaml. */
static void
empty_is_mapping(struct rt_yaml *root)
{
	if (root->type != RT_YAML_SCALAR || !root->plain || *root->text)
		return;
	free(root->text);
	root->text = NULL;
	root->plain = false;
	root->type = RT_YAML_MAPPING;
}

static int
read_document(struct reader *reader, struct rt_yaml *root)
{
	rt_auto(event) yaml_event_t event = {0};
	rt_auto(event) yaml_event_t after = {0};

	if (next_event(reader, &event) || read_node(reader, root, &event, 1) ||
	    event_is(reader, YAML_DOCUMENT_END_EVENT) < 0 || next_event(reader, &after))
		return -1;
	if (after.type != YAML_STREAM_END_EVENT)
		return fail_mark(reader, after.start_mark, "a second document; one file holds one");
	empty_is_mapping(root);
	return 0;
}

int
rt_yaml_parse(struct rt_yaml **out, const char *bytes, size_t len, const char *name, struct rt_err *err)
{
	rt_auto(yaml) struct rt_yaml *root = rt_alloc(1, sizeof(*root));
	rt_auto(reader) struct reader reader = {.name = name, .bytes = bytes, .err = err};
	int started;

	if (len > BYTES_MAX)
		return rt_fail_at(err, name, 0, 0, "%zu bytes; a configuration file has at most %u", len, BYTES_MAX);
	if (!yaml_parser_initialize(&reader.parser))
		rt_bug("libyaml can't start");
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)bytes, len);
	root->line = root->column = 1;
	if (event_is(&reader, YAML_STREAM_START_EVENT) < 0)
		return -1;
	started = event_is(&reader, YAML_DOCUMENT_START_EVENT);
	if (started < 0 || (started && read_document(&reader, root)))
		return -1;
	if (!started)
		root->type = RT_YAML_MAPPING;
	*out = rt_steal(&root);
	return 0;
}

const struct rt_yaml *
rt_yaml_get(const struct rt_yaml *mapping, const char *key)
{
	size_t i;

	if (!mapping || mapping->type != RT_YAML_MAPPING)
		return NULL;
	for (i = 0; i < mapping->n; i++)
		if (!strcmp(mapping->keys[i].text, key))
			return &mapping->values[i];
	return NULL;
}

/* Recursion is as deep as LEVELS_MAX. */
static void
node_release(struct rt_yaml *node)
{
	size_t i;

	for (i = 0; i < node->n; i++) {
		node_release(&node->values[i]);
		if (node->keys)
			node_release(&node->keys[i]);
	}
	free(node->keys);
	free(node->values);
	free(node->text);
}

void
rt_yaml_free(struct rt_yaml *node)
{
	if (!node)
		return;
	node_release(node);
	free(node);
}
