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

static int
find_all(const struct rt_reading *reading, const char *pattern, struct rt_err *err)
{
	rt_auto(regex) struct rt_regex *regex = NULL;
	rt_auto(buf) struct rt_buf bytes = RT_BUF_INIT;
	struct rt_span spans[GROUPS_MAX];

	if (rt_regex_new(&regex, pattern, err))
		return -1;
	int got = rt_reading_whole(reading, &bytes, err);
	for (size_t at = 0; got > 0 && at <= bytes.len;) {
		got = rt_regex_search(regex, bytes.data, bytes.len, at, spans, GROUPS_MAX, err);
		if (got <= 0)
			break;
		add_match(reading, regex, bytes.data, spans);
		at = spans[0].end > spans[0].start ? spans[0].end : spans[0].end + 1;
	}
	return got < 0 ? rt_err_while(err, "searching %s for findings", reading->source->name) : 0;
}

int
rt_matches_read(const struct rt_reading *reading, struct rt_err *err)
{
	return find_all(reading, reading->pattern, err);
}

int
rt_diagnostics_read(const struct rt_reading *reading, struct rt_err *err)
{
	return find_all(reading, diagnostics, err);
}
