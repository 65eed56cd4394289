#include <string.h>

#include "readers/finding.h"
#include "support/regex.h"

/*
 * Findings as lines of text: every match of an expression is one. Its groups (?<file>), (?<line>), (?<column>),
 * (?<rule>) and (?<message>) say what is what; without a group for the message the whole match is it.
 */

enum { GROUPS_MAX = 32 };

/*
 * gcc and clang: "FILE:LINE:COLUMN: warning: TEXT [-WNAME]". Notes explain what was said before. shellcheck -f gcc and
 * many other linters write the same.
 */
static const char diagnostics[] =
    "^(?<file>[^\\s:][^:\\n]*):(?<line>\\d+):(?:(?<column>\\d+):)? (?:fatal )?(?:error|warning): "
    "(?<message>[^\\n]*?)(?: \\[(?<rule>[^\\]\\n ]+)\\])?\\r?$";
/* What has no place: the linker failed, or a file is not there. Without it a build that broke has fewer warnings. */
static const char failures[] =
    "^(?:\\S*/)?(?:[\\w.]+-)*(?:collect2|ld(?:\\.\\w+)?|lld|cc1(?:plus)?|lto1|lto-wrapper|as|cc|"
    "c\\+\\+|gcc|g\\+\\+|clang|clang\\+\\+)(?:-\\d+)?(?:\\.exe)?: (?:fatal )?error: "
    "(?<message>[^\\n]*?)\\r?$";
static const char errors[] = "^[^\\s:][^:\\n]*:\\d+:(?:\\d+:)? (?:fatal )?error: ";

static const struct {
	const char *name;
	size_t offset;
} texts[] = {{"file", offsetof(struct rt_finding_parts, file)},
	     {"rule", offsetof(struct rt_finding_parts, rule)},
	     {"message", offsetof(struct rt_finding_parts, message)}};

/* The text of a group, which the caller frees, or NULL. */
static char *
group_text(const struct rt_regex *regex, const char *name, const char *bytes, const struct rt_span *spans)
{
	size_t group = rt_regex_group(regex, name);

	if (!group || group >= GROUPS_MAX || spans[group].start == SIZE_MAX)
		return NULL;
	return rt_strndup(bytes + spans[group].start, spans[group].end - spans[group].start);
}

static int64_t
group_number(const struct rt_regex *regex, const char *name, const char *bytes, const struct rt_span *spans)
{
	rt_auto(free) char *text = group_text(regex, name, bytes, spans);
	uint64_t value;

	return text && rt_parse_u64(text, &value) == 0 && value <= INT32_MAX ? (int64_t)value : 0;
}

static void
add_match(const struct rt_reading *reading, const struct rt_regex *regex, const char *bytes,
	  const struct rt_span *spans)
{
	struct rt_finding_parts parts = {.line = group_number(regex, "line", bytes, spans),
					 .column = group_number(regex, "column", bytes, spans)};
	char *owned[RT_COUNT(texts)];

	for (size_t i = 0; i < RT_COUNT(texts); i++) {
		owned[i] = group_text(regex, texts[i].name, bytes, spans);
		*(const char **)((char *)&parts + texts[i].offset) = owned[i];
	}
	rt_auto(free) char *whole = rt_strndup(bytes + spans[0].start, spans[0].end - spans[0].start);
	if (!parts.message)
		parts.message = whole;
	rt_finding_add(reading, &parts);
	for (size_t i = 0; i < RT_COUNT(texts); i++)
		free(owned[i]);
}

static size_t
line_of(const struct rt_buf *bytes, const char *at)
{
	size_t line = 1;

	for (const char *p = bytes->data; (p = memchr(p, '\n', (size_t)(at - p))) != NULL; p++)
		line++;
	return line;
}

/* Text in which something could be found: 1, 0 with a problem, -1. UTF-16 and what is no text at all hold NULs. */
static int
read_text(const struct rt_reading *reading, struct rt_buf *bytes, struct rt_err *err)
{
	int got = rt_reading_whole(reading, bytes, err);
	const char *nul = got > 0 ? memchr(bytes->data, '\0', bytes->len) : NULL;

	if (nul)
		rt_reading_problem(reading, line_of(bytes, nul), "has a NUL byte: it is no text, or in UTF-16");
	return nul ? 0 : got;
}

/* Adds every match as a finding, or with n only counts them. */
static int
find_all(const struct rt_reading *reading, const struct rt_buf *bytes, const char *pattern, size_t *n,
	 struct rt_err *err)
{
	rt_auto(regex) struct rt_regex *regex = NULL;
	struct rt_span spans[GROUPS_MAX];
	int got = rt_regex_new(&regex, pattern, err) ? -1 : 1;

	for (size_t at = 0; got > 0 && at <= bytes->len;) {
		got = rt_regex_search(regex, bytes->data, bytes->len, at, spans, GROUPS_MAX, err);
		if (got <= 0)
			break;
		if (n)
			++*n;
		else
			add_match(reading, regex, bytes->data, spans);
		at = spans[0].end > spans[0].start ? spans[0].end : spans[0].end + 1;
	}
	return got < 0 ? rt_err_while(err, "searching %s for findings", reading->source->name) : 0;
}

int
rt_matches_read(const struct rt_reading *reading, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf bytes = RT_BUF_INIT;
	int got = read_text(reading, &bytes, err);

	return got > 0 ? find_all(reading, &bytes, reading->pattern, NULL, err) : got;
}

/*
 * A linter ends with 1 when it found something. What ends with another code met an error, and where none is among the
 * diagnostics, the command failed before it could tell all. (Where there are none at all, that is weighed for every
 * format.)
 */
static int
hold_against_exit(const struct rt_reading *reading, const struct rt_buf *bytes, struct rt_err *err)
{
	size_t n = 0;

	if (reading->exit_code <= 1 || !reading->results->findings.n)
		return 0;
	if (find_all(reading, bytes, errors, &n, err) || find_all(reading, bytes, failures, &n, err))
		return -1;
	if (!n)
		rt_reading_problem(reading, 0, "exit code %d, and no error among the diagnostics: they are not all",
				   reading->exit_code);
	return 0;
}

int
rt_diagnostics_read(const struct rt_reading *reading, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf bytes = RT_BUF_INIT;
	int got = read_text(reading, &bytes, err);

	if (got <= 0)
		return got;
	if (bytes.len && bytes.data[bytes.len - 1] != '\n')
		rt_reading_problem(reading, line_of(&bytes, bytes.data + bytes.len),
				   "ends within a line: it was cut off");
	if (find_all(reading, &bytes, diagnostics, NULL, err) || find_all(reading, &bytes, failures, NULL, err))
		return -1;
	return hold_against_exit(reading, &bytes, err);
}
