#include "readers/finding.h"

#include <string.h>

#include "model/baseline.h"
#include "model/id.h"
#include "support/json.h"

/* Where a cell sees its workspace; some tools write absolute paths. */
#define WORKSPACE "/src"

const char *
rt_finding_path(const struct rt_reading *reading, const char *file)
{
	const char *root = reading->root ? reading->root : WORKSPACE;

	if (!strncmp(file, "file://", 7))
		file += 7;
	if (rt_starts_with(file, root) && file[strlen(root)] == '/')
		file += strlen(root) + 1;
	while (!strncmp(file, "./", 2))
		file += 2;
	return file;
}

enum { MARK_MAX = 200 };

void
rt_file_lines_release(struct rt_file_lines *lines)
{
	free(lines->path);
	free(lines->at);
	rt_buf_release(&lines->text);
	*lines = (struct rt_file_lines)RT_FILE_LINES_INIT;
}

/* What can't be read has no lines. */
static void
file_lines_open(struct rt_file_lines *lines, const struct rt_reading *reading, const char *path, struct rt_err *err)
{
	rt_file_lines_release(lines);
	lines->path = rt_strdup(path);
	if (!reading->file || reading->file(reading->file_data, path, &lines->text, err) <= 0)
		return;
	for (const char *p = lines->text.data, *end = p + lines->text.len; p < end;) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		size_t len = newline ? (size_t)(newline - p) : (size_t)(end - p);

		*rt_push(lines) = (struct rt_bytes){p, len};
		p += len + 1;
	}
}

/* A message with the path of the workspace as it is everywhere, or NULL: it does not name it. The caller frees. */
static char *
placed_elsewhere(const struct rt_reading *reading, const char *message)
{
	struct rt_buf out = RT_BUF_INIT;
	const char *at;

	if (!reading->root || !message || !strstr(message, reading->root))
		return NULL;
	for (; (at = strstr(message, reading->root)) != NULL; message = at + strlen(reading->root)) {
		rt_buf_add(&out, message, (size_t)(at - message));
		rt_buf_adds(&out, WORKSPACE);
	}
	rt_buf_adds(&out, message);
	return rt_buf_steal(&out);
}

/* The line of the tree that a finding is on, without white space around it; empty where there is none to be had. */
static struct rt_bytes
line_of(const struct rt_reading *reading, const char *file, int64_t number)
{
	struct rt_file_lines *kept = reading->lines;
	struct rt_err bad = RT_ERR_INIT;
	struct rt_bytes line = {"", 0};

	if (!kept || !file || number <= 0)
		return line;
	if (!kept->path || strcmp(kept->path, file) != 0)
		file_lines_open(kept, reading, file, &bad);
	if ((uint64_t)number > kept->n)
		return line;
	line = kept->at[number - 1];
	while (line.len && strchr(" \t\r", line.at[line.len - 1]))
		line.len--;
	for (; line.len && strchr(" \t", line.at[0]); line.at++)
		line.len--;
	line.len = line.len < MARK_MAX ? line.len : MARK_MAX;
	return line;
}

/*
 * What a linter says is often the same for every place ("double quote this"), so that one that is mended and another
 * one that comes would be the same set. The line's own text tells them apart, unless the message is taken from it, or
 * the baseline holds the finding without.
 */
static void
add_line(const struct rt_reading *reading, const struct rt_finding_parts *p, const char *file, const char *message,
	 struct rt_buf *id)
{
	struct rt_bytes line = line_of(reading, file, p->line);
	const struct rt_baseline *known = reading->results->known;
	const struct rt_line *old = known ? rt_baseline_find(known, id->data) : NULL;
	rt_auto(free) char *text = rt_strndup(line.at, line.len);
	const char *parts[] = {p->rule, file, message, text};

	if (!p->rule || p->mark || !line.len || (message && *message && strstr(text, message)) ||
	    (old && old->level == RT_LEVEL_KNOWN))
		return;
	rt_buf_cut(id, 0);
	rt_id_case(id, reading->cell, parts, RT_COUNT(parts));
}

void
rt_finding_add(const struct rt_reading *reading, const struct rt_finding_parts *p)
{
	const char *file = p->file ? rt_finding_path(reading, p->file) : NULL;
	rt_auto(free) char *moved = placed_elsewhere(reading, p->message);
	const char *message = moved ? moved : p->message;
	const char *parts[] = {p->rule, file, p->mark ? p->mark : message};
	rt_auto(buf) struct rt_buf id = RT_BUF_INIT, raw = RT_BUF_INIT, text = RT_BUF_INIT;

	rt_id_case(&id, reading->cell, parts, RT_COUNT(parts));
	add_line(reading, p, file, message, &id);
	if (file)
		rt_buf_adds(&raw, file);
	if (file && p->line > 0)
		rt_buf_addf(&raw, ":%lld", (long long)p->line);
	if (file && p->line > 0 && p->column > 0)
		rt_buf_addf(&raw, ":%lld", (long long)p->column);
	rt_buf_addf(&raw, "%s%s", file ? ": " : "", message ? message : "");
	if (p->rule)
		rt_buf_addf(&raw, " [%s]", p->rule);
	rt_id_escape(&text, raw.data, raw.len);
	rt_results_finding(reading->results, id.data, text.data);
}

int
rt_reading_json(const struct rt_reading *reading, struct rt_json **value, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf bytes = RT_BUF_INIT;
	struct rt_err bad = RT_ERR_INIT;

	int got = rt_reading_whole(reading, &bytes, err);
	if (got <= 0)
		return got;
	if (rt_json_parse(value, bytes.data, bytes.len, reading->source->name, &bad) == 0)
		return 1;
	if (bad.line)
		rt_reading_problem(reading, bad.line, "column %u: is not JSON", bad.column);
	else
		rt_reading_problem(reading, 0, "is not JSON");
	return 0;
}
