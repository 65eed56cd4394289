#include "readers/read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/id.h"
#include "support/defence.h"

#define SHOWN_MAX 120

void
rt_reading_problem(const struct rt_reading *reading, size_t line, const char *fmt, ...)
{
	rt_auto(buf) struct rt_buf name = RT_BUF_INIT;
	char text[1024];
	va_list ap;

	if (!rt_defended(READING))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	rt_id_escape(&name, reading->source->name, strlen(reading->source->name));
	if (line)
		rt_results_problem(reading->results, "%s:%zu: %s", name.data, line, text);
	else
		rt_results_problem(reading->results, "%s: %s", name.data, text);
}

void
rt_reading_short(const struct rt_reading *reading, size_t line, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (reading->script)
		rt_reading_script(reading, RT_STATUS_ERROR, text);
	else
		rt_reading_problem(reading, line, "%s", text);
}

void
rt_reading_script(const struct rt_reading *reading, enum rt_status status, const char *note)
{
	rt_auto(buf) struct rt_buf id = RT_BUF_INIT;
	const char *parts[] = {reading->script, "(ran)"};

	rt_id_case(&id, reading->cell, parts, RT_COUNT(parts));
	rt_results_case(reading->results, id.data, status, -1, -1, note, note ? strlen(note) : 0);
}

const char *
rt_reading_show(struct rt_buf *scratch, const char *bytes, size_t len)
{
	rt_buf_cut(scratch, 0);
	rt_id_escape(scratch, bytes, len < SHOWN_MAX ? len : SHOWN_MAX);
	if (len > SHOWN_MAX)
		rt_buf_adds(scratch, "...");
	return scratch->data;
}

int
rt_reading_whole(const struct rt_reading *reading, struct rt_buf *out, struct rt_err *err)
{
	struct rt_source *source = reading->source;

	for (;;) {
		rt_buf_reserve(out, 64 << 10);
		ssize_t n = source->read(source->data, out->data + out->len, 64 << 10);
		if (n < 0)
			return rt_fail_errno(err, "cannot read the report %s", source->name);
		if (n == 0)
			return 1;
		out->len += (size_t)n;
		out->data[out->len] = '\0';
		if (out->len > RT_WHOLE_MAX) {
			rt_reading_problem(reading, 0, "is longer than %zu MiB", RT_WHOLE_MAX >> 20);
			return 0;
		}
	}
}

void
rt_note_add(struct rt_buf *note, const char *bytes, size_t len)
{
	size_t left = note->len < RT_NOTE_MAX ? RT_NOTE_MAX - note->len : 0;

	rt_buf_add(note, bytes, len < left ? len : left);
}

/* So many characters hold a whole number and a power of ten that a double has exactly, and one division rounds as
 * strtod does (Clinger, "How to read floating point numbers accurately", 1990). */
#define EXACT 15
static const double ten_to[EXACT + 1] = {1e0, 1e1, 1e2,	 1e3,  1e4,  1e5,  1e6,	 1e7,
					 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

double
rt_decimal(const char *text)
{
	char digits[64]; /* without the commas between thousands, so that it is read exactly */
	bool point = false, any = false;
	size_t n = 0, places = 0;
	uint64_t whole = 0;

	for (const char *s = text; *s; s++) {
		bool digit = *s >= '0' && *s <= '9';

		if (*s == ',' && !point)
			continue;
		if ((!digit && (*s != '.' || point)) || n == sizeof(digits) - 1)
			return -1;
		whole = digit ? whole * 10 + (uint64_t)(*s - '0') : whole;
		places += digit && point;
		any |= digit;
		point |= *s == '.';
		digits[n++] = *s;
	}
	digits[n] = '\0';
	if (!any)
		return -1;
	double value = n <= EXACT ? (double)whole / ten_to[places]
				  : strtod(digits, NULL); /* ratchet never leaves the C locale for numbers */
	return value > 1e15 ? -1 : value;
}

/* Drops what was returned already and reads on. */
static int
fill(struct rt_lines *lines, struct rt_err *err)
{
	size_t rest = lines->buf.len - lines->at;

	if (lines->at) {
		memmove(lines->buf.data, lines->buf.data + lines->at, rest);
		rt_buf_cut(&lines->buf, rest);
		lines->at = 0;
	}
	rt_buf_reserve(&lines->buf, 64 << 10);
	ssize_t n = lines->source->read(lines->source->data, lines->buf.data + rest, 64 << 10);
	if (n < 0)
		return rt_fail_errno(err, "cannot read the report %s", lines->source->name);
	lines->ended = n == 0;
	lines->buf.len += (size_t)n;
	lines->buf.data[lines->buf.len] = '\0';
	return 0;
}

/* Throws away the rest of a line that is too long to keep, up to and without its newline. */
static int
skip_rest(struct rt_lines *lines, struct rt_err *err)
{
	const char *newline = NULL;

	while (!newline && !lines->ended) {
		lines->at = lines->buf.len;
		if (fill(lines, err))
			return -1;
		newline = memchr(lines->buf.data, '\n', lines->buf.len);
	}
	lines->at = newline ? (size_t)(newline - lines->buf.data) + 1 : lines->buf.len;
	return 0;
}

int
rt_lines_next(struct rt_lines *lines, struct rt_bytes *line, struct rt_err *err)
{
	const char *newline = NULL;
	size_t seen = 0; /* bytes of this line that were searched already */

	if (lines->cut && skip_rest(lines, err))
		return -1;
	lines->cut = false;
	for (;;) {
		const char *from = lines->buf.data + lines->at;
		size_t len = lines->buf.len - lines->at;
		newline = len > seen ? memchr(from + seen, '\n', len - seen) : NULL;
		seen = len;
		lines->cut = !newline && len > RT_LINE_MAX;
		if (newline || lines->cut || lines->ended)
			break;
		if (fill(lines, err))
			return -1;
	}
	line->at = lines->buf.data + lines->at;
	line->len = newline ? (size_t)(newline - line->at) : lines->buf.len - lines->at;
	if (!newline && line->len == 0)
		return 0;
	lines->open = !newline && !lines->cut;
	lines->at += line->len + (newline ? 1 : 0);
	if (line->len && line->at[line->len - 1] == '\r')
		line->len--;
	lines->number++;
	return 1;
}

void
rt_reading_open_line(const struct rt_reading *reading, const struct rt_lines *lines)
{
	if (lines->open)
		rt_reading_short(reading, lines->number, "ends within a line: it was cut off");
}

void
rt_lines_release(struct rt_lines *lines)
{
	rt_buf_release(&lines->buf);
}
