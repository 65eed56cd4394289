#include "model/baseline.h"

#include <string.h>

#include "model/id.h"

/* Epochs rise by one in a landing, so a larger one is a mistake; and there is always room for the next. */
#define EPOCH_MAX 1000000000u
#define COUNT_MAX 2147483647.0

struct reader {
	struct rt_baseline *baseline;
	const char *check, *name;
	size_t check_len;
	const char *last; /* id of the line before */
	unsigned number;  /* of the line, from 1 */
	bool returns;	  /* there is a carriage return somewhere */
	bool kept;	  /* the text is the baseline's, and the ids stay where they are in it */
	struct rt_err *err;
};

/* The four fields of a line; each ends where the next begins, less the tab. */
struct fields {
	const char *at[4], *end[4];
};

static int
fail(const struct reader *reader, const char *line, const char *at, const char *what)
{
	return rt_fail_at(reader->err, reader->name, reader->number, (unsigned)(at - line) + 1, "%s", what);
}

static bool
conflict_marker(const char *line, const char *end)
{
	static const char *const markers[] = {"<<<<<<<", "|||||||", "=======", ">>>>>>>"};
	size_t i;

	for (i = 0; i < RT_COUNT(markers); i++)
		if (end - line >= 7 && !memcmp(line, markers[i], 7))
			return true;
	return false;
}

/* memchr(), quicker for the few bytes that follow an id. */
static const char *
near_tab(const char *at, const char *end)
{
	for (; at < end; at++)
		if (*at == '\t')
			return at;
	return NULL;
}

static int
split(const struct reader *reader, const char *line, const char *end, struct fields *fields)
{
	const char *at = line, *tab;
	size_t i;

	if (conflict_marker(line, end))
		return fail(reader, line, line,
			    "a conflict marker; while the merge is open, `ratchet hook --install` sets `ratchet "
			    "merge-driver` up "
			    "and `git checkout -m` on this file joins it; once it is committed, take the target's file "
			    "(`git checkout --ours`) and run `ratchet baseline record`");
	if (reader->returns && memchr(line, '\r', (size_t)(end - line)))
		return fail(
		    reader, line, memchr(line, '\r', (size_t)(end - line)),
		    "a carriage return; baseline files end lines with LF: set `-text` for the baseline folder in "
		    ".gitattributes");
	for (i = 0; i < 4; i++) {
		tab = i ? near_tab(at, end) : memchr(at, '\t', (size_t)(end - at));
		if ((tab != NULL) != (i < 3))
			return fail(
			    reader, line, at,
			    "a line is id, level, value and epoch, with a tab between them; restore the file from git");
		fields->at[i] = at;
		fields->end[i] = tab ? tab : end;
		at = fields->end[i] + (tab != NULL);
	}
	return 0;
}

/* The id of a line of this check: `check/...` or `check[...]/...`. */
static bool
belongs(const struct reader *reader, const char *id, const char *end)
{
	size_t len = (size_t)(end - id), n = reader->check_len;
	const char *slash;

	if (len <= n + 1 || memcmp(id, reader->check, n) != 0)
		return false;
	if (id[n] == '/')
		return true;
	slash = id[n] == '[' ? memchr(id, '/', len) : NULL;
	return slash && slash + 1 != end && slash[-1] == ']';
}

static int
read_value(const struct reader *reader, const char *line, const struct fields *fields, struct rt_line *out)
{
	const char *at = fields->at[2], *end = fields->end[2];
	double x = 0;

	out->has_value = at != end;
	if (out->has_value && rt_number_parse(at, (size_t)(end - at), &x) < 0)
		return fail(reader, line, at, "the value is not a decimal number");
	out->value = x;
	switch ((enum rt_level)out->level) {
	case RT_LEVEL_GONE:
	case RT_LEVEL_KNOWN:
		return out->has_value ? fail(reader, line, at, "`gone` and `known` have no value; leave it empty") : 0;
	case RT_LEVEL_PASS:
		if (x < 0 || x > COUNT_MAX || x != (double)(int64_t)x)
			return fail(reader, line, at, "the value of `pass` is a count of assertions, or empty");
		return 0;
	case RT_LEVEL_FLAKY:
		return x < 0 || x > 1 ? fail(reader, line, at, "the value of `flaky` is a rate from 0 to 1") : 0;
	case RT_LEVEL_LOWER:
	case RT_LEVEL_HIGHER:
		return out->has_value ? 0 : fail(reader, line, at, "a metric needs a value");
	}
	rt_bug("level %d", out->level);
}

static int
read_epoch(const struct reader *reader, const char *line, const struct fields *fields, uint32_t *out)
{
	const char *c;

	*out = 0;
	for (c = fields->at[3]; c < fields->end[3]; c++) {
		if (*c < '0' || *c > '9' || *out > EPOCH_MAX / 10 - 1)
			return fail(reader, line, fields->at[3], "the epoch is a number from 0 to 999999999");
		*out = *out * 10 + (uint32_t)(*c - '0');
	}
	return 0;
}

static int
read_line(struct reader *reader, char *line, const char *end)
{
	struct rt_line parsed = {0};
	enum rt_level level;
	struct fields f = {0};
	size_t len;
	int order;

	if (split(reader, line, end, &f) < 0)
		return -1;
	len = (size_t)(f.end[0] - line);
	if (!rt_id_escaped(line, len))
		return fail(reader, line, line, "the id is not well escaped");
	if (!belongs(reader, line, f.end[0]))
		return rt_fail_at(
		    reader->err, reader->name, reader->number, 1,
		    "the id doesn't belong to the check \"%s\": it begins with its name and \"/\" or \"[\"",
		    reader->check);
	if (rt_level_parse(f.at[1], (size_t)(f.end[1] - f.at[1]), &level) < 0)
		return fail(reader, line, f.at[1], "the level is one of gone, flaky, pass, lower, higher, known");
	parsed.level = (uint8_t)level;
	if (read_value(reader, line, &f, &parsed) < 0 || read_epoch(reader, line, &f, &parsed.epoch) < 0)
		return -1;
	if (reader->kept)
		line[len] = '\0';
	parsed.id = reader->kept ? line : rt_baseline_keep_id(reader->baseline, line, len);
	order = reader->last ? strcmp(reader->last, parsed.id) : -1;
	if (order == 0)
		return fail(reader, line, line, "the same id twice; restore the file from git");
	if (order > 0)
		return fail(reader, line, line, "ids are not in bytewise order; sort the file with LC_ALL=C");
	reader->last = parsed.id;
	*rt_push(&reader->baseline->lines) = parsed;
	return 0;
}

static int
read_lines(struct reader *reader, char *bytes, size_t len)
{
	char *line = bytes, *end = bytes + len, *next;
	bool first = !reader->baseline->lines.n;

	reader->check_len = strlen(reader->check);
	reader->returns = memchr(bytes, '\r', len) != NULL;
	reader->baseline->sealed = false;
	for (; line < end; line = next + 1) {
		reader->number++;
		next = memchr(line, '\n', (size_t)(end - line));
		if (!next)
			return fail(
			    reader, line, line,
			    "the last line has no newline: the file was cut short or edited; restore it from git");
		if (read_line(reader, line, next) < 0)
			return -1;
	}
	/* The ids of a file are in order, each once. */
	reader->baseline->sealed = first;
	return 0;
}

int
rt_baseline_parse(struct rt_baseline *baseline, const char *check, const char *bytes, size_t len, const char *name,
		  struct rt_err *err)
{
	struct reader reader = {.baseline = baseline, .check = check, .name = name, .err = err};

	/* Only written to where it is kept. */
	return read_lines(&reader, (char *)(uintptr_t)bytes, len);
}

int
rt_baseline_take(struct rt_baseline *baseline, const char *check, struct rt_buf *text, const char *name,
		 struct rt_err *err)
{
	struct reader reader = {.baseline = baseline, .check = check, .name = name, .kept = true, .err = err};
	size_t len = text->len;

	return read_lines(&reader, rt_baseline_keep_text(baseline, text), len);
}
