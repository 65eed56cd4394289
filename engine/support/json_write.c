#include "support/json.h"

#include <stdio.h>
#include <string.h>

/*
 * Writing is not left to jansson: the ledger's digests are taken over these bytes, and its layout of reals and escapes
 * has changed between versions. The canonical form is the one that Python's json.dumps(value, sort_keys=True,
 * separators=(",", ":")) gives for the same value without reals, so that a ledger can be checked without ratchet.
 */

struct writer {
	struct rt_buf *out;
	bool pretty;
	unsigned level;
};

static void write_value(struct writer *writer, const struct rt_json *value);

/* The character at *s, which moves on. Strings of a tree are UTF-8, jansson has seen to it. */
static uint32_t
next_char(const unsigned char **s)
{
	uint32_t c = *(*s)++;
	int more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;

	if (more)
		c &= 0x3fu >> more;
	for (; more; more--)
		c = c << 6 | (*(*s)++ & 0x3f);
	return c;
}

static void
write_escape(struct rt_buf *out, uint32_t c)
{
	static const char *const names[] = {['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f",
					    ['\r'] = "\\r", ['"'] = "\\\"", ['\\'] = "\\\\"};

	if (c < RT_COUNT(names) && names[c])
		rt_buf_adds(out, names[c]);
	else if (c >= 0x10000)
		rt_buf_addf(out, "\\u%04x\\u%04x", 0xd7c0 + (c >> 10), 0xdc00 + (c & 0x3ff));
	else
		rt_buf_addf(out, "\\u%04x", c);
}

/* For people the text stays readable, but what could drive a terminal (C0, DEL, C1) is escaped there too. */
static void
write_string(struct writer *writer, const char *text)
{
	const unsigned char *s = (const unsigned char *)text, *start;
	struct rt_buf *out = writer->out;
	uint32_t c;

	rt_buf_addc(out, '"');
	while (*s) {
		for (start = s; *s >= 0x20 && *s < 0x7f && *s != '"' && *s != '\\'; s++)
			;
		rt_buf_add(out, start, (size_t)(s - start));
		if (!*s)
			break;
		start = s;
		c = next_char(&s);
		if (c < 0x20 || c == 0x7f || c == '"' || c == '\\' || (c >= 0x80 && (!writer->pretty || c < 0xa0)))
			write_escape(out, c);
		else
			rt_buf_add(out, start, (size_t)(s - start));
	}
	rt_buf_addc(out, '"');
}

/* The fewest of 15 to 17 digits that read back as the same number, and always as a real. */
static void
write_real(struct rt_buf *out, double x)
{
	char text[40], *c;
	bool real = false;
	int digits;

	for (digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, x);
		if (strtod(text, NULL) == x)
			break;
	}
	for (c = text; *c; c++) {
		/* A locale may have put something else where the point belongs. */
		if (!strchr("0123456789+-e.", *c))
			*c = '.';
		real |= *c == '.' || *c == 'e';
	}
	rt_buf_adds(out, text);
	if (!real)
		rt_buf_adds(out, ".0");
}

static void
new_line(struct writer *writer)
{
	unsigned i;

	if (!writer->pretty)
		return;
	rt_buf_addc(writer->out, '\n');
	for (i = 0; i < writer->level; i++)
		rt_buf_adds(writer->out, "  ");
}

static void
write_array(struct writer *writer, const struct rt_json *array)
{
	size_t i, n = rt_json_count(array);

	rt_buf_addc(writer->out, '[');
	writer->level++;
	for (i = 0; i < n; i++) {
		if (i)
			rt_buf_addc(writer->out, ',');
		new_line(writer);
		write_value(writer, rt_json_at(array, i));
	}
	writer->level--;
	if (n)
		new_line(writer);
	rt_buf_addc(writer->out, ']');
}

struct member {
	const char *key;
	struct rt_json *value;
};
struct members {
	struct member *at;
	size_t n, cap;
};

static int
add_member(void *data, const char *key, struct rt_json *value)
{
	*rt_push((struct members *)data) = (struct member){key, value};
	return 0;
}

static int
by_key(const void *a, const void *b)
{
	return strcmp(((const struct member *)a)->key, ((const struct member *)b)->key);
}

static void
write_object(struct writer *writer, const struct rt_json *object)
{
	struct members members = {0};
	size_t i;

	rt_json_each(object, add_member, &members);
	/* Bytewise, which in UTF-8 is by code point. */
	if (!writer->pretty && members.n)
		qsort(members.at, members.n, sizeof(*members.at), by_key);
	rt_buf_addc(writer->out, '{');
	writer->level++;
	for (i = 0; i < members.n; i++) {
		if (i)
			rt_buf_addc(writer->out, ',');
		new_line(writer);
		write_string(writer, members.at[i].key);
		rt_buf_adds(writer->out, writer->pretty ? ": " : ":");
		write_value(writer, members.at[i].value);
	}
	writer->level--;
	if (members.n)
		new_line(writer);
	rt_buf_addc(writer->out, '}');
	free(members.at);
}

static void
write_value(struct writer *writer, const struct rt_json *value)
{
	double x = 0;

	switch (rt_json_type(value)) {
	case RT_JSON_NULL:
		rt_buf_adds(writer->out, "null");
		break;
	case RT_JSON_BOOL:
		rt_buf_adds(writer->out, rt_json_bool(value, false) ? "true" : "false");
		break;
	case RT_JSON_INT:
		rt_buf_addf(writer->out, "%lld", (long long)rt_json_int(value, 0));
		break;
	case RT_JSON_REAL:
		rt_json_number(value, &x);
		write_real(writer->out, x);
		break;
	case RT_JSON_STRING:
		write_string(writer, rt_json_string(value));
		break;
	case RT_JSON_ARRAY:
		write_array(writer, value);
		break;
	case RT_JSON_OBJECT:
		write_object(writer, value);
		break;
	}
}

void
rt_json_write(const struct rt_json *value, struct rt_buf *out)
{
	struct writer writer = {.out = out};

	write_value(&writer, value);
}

void
rt_json_write_pretty(const struct rt_json *value, struct rt_buf *out)
{
	struct writer writer = {.out = out, .pretty = true};

	write_value(&writer, value);
}
