#include <string.h>

#include "model/id.h"
#include "readers/finding.h"
#include "readers/xml.h"

/*
 * Coverage as findings: one for each line of the repository's code that could run and did not. Not a percentage, which
 * falls when covered code is deleted and rises when tests run more of something else. LCOV tracefiles (geninfo(1)) and
 * Cobertura XML (coverage-04.dtd).
 *
 * A file of the tree that was measured is besides the case `CELL/PATH::(measured)`; what becomes of it when the report
 * does not name the file any more is decided in cycle/evidence.c, when all reports of the run are read.
 *
 * A line is known by its text and by the last line above it that begins at the margin, as git finds the function of a
 * hunk, so that it stays the same finding when lines move.
 */

/* Of all files of a report together: 8 bytes each, and a hostile report names a large number in a few bytes. */
enum { LINES_MAX = 1 << 22 };

/* One file's lines: how often each ran, -1 where it can't. */
struct file {
	char *path;
	RT_VEC(int64_t) hits; /* by line - 1 */
};

struct coverage {
	const struct rt_reading *reading;
	RT_VEC(struct file) files;
	struct rt_index by_path;
	struct rt_strs roots; /* Cobertura's <source> */
	struct rt_buf text;
	size_t lines; /* of all files */
	size_t at;    /* the open file, or SIZE_MAX */
	bool in_source;
};

static const char *
path_key(const void *owner, size_t position)
{
	return ((const struct coverage *)owner)->files.at[position].path;
}

static void
coverage_init(struct coverage *coverage, const struct rt_reading *reading)
{
	*coverage = (struct coverage){.reading = reading, .text = RT_BUF_INIT, .at = SIZE_MAX};
	coverage->by_path.owner = coverage;
	coverage->by_path.key = path_key;
}

static void
coverage_release(struct coverage *coverage)
{
	for (size_t i = 0; i < coverage->files.n; i++) {
		free(coverage->files.at[i].path);
		free(coverage->files.at[i].hits.at);
	}
	free(coverage->files.at);
	rt_index_release(&coverage->by_path);
	rt_strs_release(&coverage->roots);
	rt_buf_release(&coverage->text);
}
RT_DEFINE_AUTO(coverage, struct coverage, coverage_release);

/* The same file may come again, once for each test or class: what ran in any of them ran. */
static void
open_file(struct coverage *coverage, const char *path)
{
	path = rt_finding_path(coverage->reading, path);
	coverage->at = rt_index_find(&coverage->by_path, path);
	if (coverage->at != RT_INDEX_NONE)
		return;
	rt_push(&coverage->files)->path = rt_strdup(path);
	coverage->at = coverage->files.n - 1;
	rt_index_add(&coverage->by_path, coverage->at);
}

static void
count_line(struct coverage *coverage, size_t at, const char *line, const char *hits)
{
	uint64_t number, times;

	if (coverage->at == SIZE_MAX || rt_parse_u64(line, &number) < 0 || rt_parse_u64(hits, &times) < 0 ||
	    number == 0 || number > LINES_MAX) {
		rt_reading_problem(coverage->reading, at, "has a line count that is none, or is outside of a file");
		return;
	}
	struct file *file = &coverage->files.at[coverage->at];
	if (number > file->hits.n)
		coverage->lines += number - file->hits.n;
	if (coverage->lines > LINES_MAX) {
		coverage->lines = LINES_MAX;
		rt_reading_problem(coverage->reading, at, "counts lines of more than %d in all", LINES_MAX);
		return;
	}
	while (file->hits.n < number)
		*rt_push(&file->hits) = -1;
	int64_t *count = &file->hits.at[number - 1];
	*count = (*count < 0 ? 0 : *count) + (times > 0);
}

/* ---- what did not run ---- */

/* A line of text without its ends' white space, or "" beyond the last one. */
static struct rt_bytes
trim(struct rt_bytes line)
{
	while (line.len && strchr(" \t\r", line.at[line.len - 1]))
		line.len--;
	while (line.len && strchr(" \t", line.at[0])) {
		line.at++;
		line.len--;
	}
	return line;
}

static bool
begins_at_margin(const struct rt_bytes *line)
{
	char c = line->len ? line->at[0] : ' ';

	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}

static void
report_line(const struct coverage *coverage, const struct file *file, size_t number, const struct rt_bytes *above,
	    const struct rt_bytes *line)
{
	struct rt_bytes function = above ? trim(*above) : (struct rt_bytes){"", 0};
	struct rt_bytes text = line ? trim(*line) : (struct rt_bytes){"", 0};
	/* what begins at the margin is known by itself, not by a neighbour that may leave */
	bool own = line && begins_at_margin(line);
	rt_auto(free) char *mark =
	    !line ? rt_format("line %zu", number)
		  : rt_format("%.*s%s%.*s", own ? 0 : (int)(function.len < 200 ? function.len : 200), function.at,
			      own ? "" : ": ", (int)(text.len < 200 ? text.len : 200), text.at);
	struct rt_finding_parts parts = {
	    .rule = "uncovered", .file = file->path, .mark = mark, .message = "never ran", .line = (int64_t)number};

	rt_finding_add(coverage->reading, &parts);
}

/* That it is measured is a case of its own: what leaves the report, and not the tree, has no line that never ran. */
static void
report_measured(const struct coverage *coverage, const struct file *file)
{
	const char *parts[] = {file->path, RT_MEASURED};
	rt_auto(buf) struct rt_buf id = RT_BUF_INIT;

	rt_id_case(&id, coverage->reading->cell, parts, RT_COUNT(parts));
	rt_results_case(coverage->reading->results, id.data, RT_STATUS_PASS, -1, -1, NULL, 0);
}

/* Walks the file's text along with its counts. text NULL: there is none to be had. */
static void
report_file(const struct coverage *coverage, const struct file *file, const struct rt_buf *text)
{
	const char *p = text ? text->data : NULL;
	struct rt_bytes above = {"", 0};

	for (size_t i = 0; i < file->hits.n; i++) {
		struct rt_bytes line = {p, p ? strcspn(p, "\n") : 0};

		if (file->hits.at[i] == 0 && (!text || p))
			report_line(coverage, file, i + 1, text ? &above : NULL, text ? &line : NULL);
		if (p && begins_at_margin(&line))
			above = line;
		p = p && p[line.len] ? p + line.len + 1 : NULL;
	}
}

static int
report_all(struct coverage *coverage, struct rt_err *err)
{
	const struct rt_reading *reading = coverage->reading;
	size_t lines = 0;

	for (size_t i = 0; i < coverage->files.n; i++) {
		const struct file *file = &coverage->files.at[i];
		rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
		/* what is not in the repository, headers of the system say, is not its code */
		int found = reading->file ? reading->file(reading->file_data, file->path, &text, err) : 1;

		if (found < 0)
			return -1;
		for (size_t k = 0; found && k < file->hits.n; k++)
			lines += file->hits.at[k] >= 0;
		if (found)
			report_file(coverage, file, reading->file ? &text : NULL);
		if (found && reading->file)
			report_measured(coverage, file);
	}
	if (!lines)
		rt_reading_problem(reading, 0, "counts no line of the repository's code: nothing was measured");
	return 0;
}

/* ---- LCOV ---- */

/* Two to five capitals before a colon: what stands there is for others, and what they count is counted here. */
static bool
is_lcov_line(const char *line)
{
	size_t letters = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

	return !*line || *line == '#' || (letters >= 2 && letters <= 5 && line[letters] == ':');
}

/* Of an empty file, as most __init__.py are, coverage.py says that its line 0 ran, with MD5's sum of nothing. */
static bool
is_line_of_nothing(const char *line)
{
	return !strncmp(line, "DA:0,", 5) && rt_ends_with(line, ",1B2M2Y8AsgTpgAmY7PhCfg");
}

static void
on_lcov_line(struct coverage *coverage, size_t number, char *line)
{
	if (is_line_of_nothing(line))
		return;
	if (!strncmp(line, "SF:", 3)) {
		open_file(coverage, line + 3);
	} else if (!strcmp(line, "end_of_record")) {
		coverage->at = SIZE_MAX;
	} else if (!strncmp(line, "DA:", 3)) {
		char *hits = strchr(line, ',');

		if (hits) {
			*hits++ = '\0';
			hits[strcspn(hits, ",")] = '\0';
		}
		count_line(coverage, number, line + 3, hits ? hits : "");
	} else if (!is_lcov_line(line)) {
		rt_reading_problem(coverage->reading, number, "is no line of an LCOV tracefile");
	}
}

int
rt_lcov_read(const struct rt_reading *reading, struct rt_err *err)
{
	rt_auto(coverage) struct coverage coverage;
	rt_auto(lines) struct rt_lines lines = RT_LINES_INIT(reading->source);
	struct rt_bytes line;
	int got;

	coverage_init(&coverage, reading);
	while ((got = rt_lines_next(&lines, &line, err)) > 0) {
		rt_auto(free) char *text = rt_strndup(line.at, line.len);
		on_lcov_line(&coverage, lines.number, text);
	}
	if (got == 0)
		rt_reading_open_line(reading, &lines);
	if (got == 0 && coverage.at != SIZE_MAX)
		rt_reading_problem(reading, lines.number, "ends within a record: it was cut off");
	return got < 0 ? -1 : report_all(&coverage, err);
}

/* ---- Cobertura ---- */

/* File names are relative to one of the sources: to that which has such a file. */
static int
open_relative(struct coverage *coverage, const char *name, struct rt_err *err)
{
	const struct rt_reading *reading = coverage->reading;

	for (size_t i = 0; i < coverage->roots.n && reading->file; i++) {
		rt_auto(free) char *path = rt_format("%s%s%s", coverage->roots.at[i],
						     rt_ends_with(coverage->roots.at[i], "/") ? "" : "/", name);
		rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
		int found = reading->file(reading->file_data, rt_finding_path(reading, path), &text, err);

		if (found < 0)
			return -1;
		if (found) {
			open_file(coverage, path);
			return 0;
		}
	}
	open_file(coverage, name);
	return 0;
}

struct cobertura {
	struct coverage coverage;
	struct rt_xml *xml;
	bool root, failed;
	unsigned methods; /* their lines are counted again under the class */
	struct rt_err *err;
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
on_start(void *data, const char *name, const char **attributes)
{
	struct cobertura *c = data;
	const char *file = attribute(attributes, "filename");

	c->root |= !strcmp(name, "coverage");
	if (!strcmp(name, "source")) {
		c->coverage.in_source = true;
		rt_buf_cut(&c->coverage.text, 0);
		rt_xml_want_text(c->xml, true);
	} else if (!strcmp(name, "class") && file) {
		c->failed |= open_relative(&c->coverage, file, c->err) < 0;
		if (c->failed)
			rt_xml_stop(c->xml);
	} else if (!strcmp(name, "methods")) {
		c->methods++;
	} else if (!strcmp(name, "line") && !c->methods) {
		const char *number = attribute(attributes, "number"), *hits = attribute(attributes, "hits");

		count_line(&c->coverage, rt_xml_line(c->xml), number ? number : "", hits ? hits : "");
	}
}

static void
on_text(void *data, const char *bytes, size_t len)
{
	struct cobertura *c = data;

	if (c->coverage.in_source && c->coverage.text.len < 4096)
		rt_buf_add(&c->coverage.text, bytes, len);
}

static void
on_end(void *data, const char *name)
{
	struct cobertura *c = data;

	if (!strcmp(name, "source")) {
		c->coverage.in_source = false;
		rt_xml_want_text(c->xml, false);
		if (c->coverage.roots.n < 100)
			rt_strs_add(&c->coverage.roots, c->coverage.text.data);
	} else if (!strcmp(name, "methods") && c->methods) {
		c->methods--;
	}
}

int
rt_cobertura_read(const struct rt_reading *reading, struct rt_err *err)
{
	struct cobertura c = {.err = err};
	struct rt_xml_events events = {.start = on_start, .end = on_end, .text = on_text, .data = &c};
	rt_auto(xml) struct rt_xml *xml = rt_xml_new(reading, &events);

	c.xml = xml;
	coverage_init(&c.coverage, reading);
	int result = rt_xml_run(xml, err);
	if (result == 0 && !c.root)
		rt_reading_problem(reading, 0, "is not a report of Cobertura");
	if (result == 0 && !c.failed)
		result = report_all(&c.coverage, err);
	coverage_release(&c.coverage);
	return c.failed ? -1 : result;
}
