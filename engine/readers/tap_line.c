#include "readers/tap.h"

#include <string.h>
#include <strings.h>

static bool
is_space(char c)
{
	return c == ' ' || c == '\t';
}

static void
trim(struct rt_bytes *s)
{
	while (s->len && is_space(*s->at))
		s->at++, s->len--;
	while (s->len && is_space(s->at[s->len - 1]))
		s->len--;
}

/* Takes a word off the front, without regard to case if so wished. */
static bool
take(struct rt_bytes *s, const char *word, bool any_case)
{
	size_t n = strlen(word);

	if (s->len < n || (any_case ? strncasecmp(s->at, word, n) : strncmp(s->at, word, n)))
		return false;
	s->at += n;
	s->len -= n;
	return true;
}

/* Takes digits off the front: false when there are none. A number that is too large is UINT32_MAX. */
static bool
take_number(struct rt_bytes *s, uint64_t *out)
{
	size_t digits = 0;

	*out = 0;
	for (; digits < s->len && s->at[digits] >= '0' && s->at[digits] <= '9'; digits++)
		*out = *out > UINT32_MAX / 10 - 1 ? UINT32_MAX : *out * 10 + (uint64_t)(s->at[digits] - '0');
	s->at += digits;
	s->len -= digits;
	return digits > 0;
}

/* "SKIP why", "skipped", "TODO why", "time=5ms": what follows an unescaped " # ". */
static bool
take_directive(struct rt_tap_line *out, struct rt_bytes s)
{
	struct rt_bytes word;

	trim(&s);
	word = s;
	if (take(&word, "skip", true)) {
		(void)take(&word, "ped", true);
		out->skip = !word.len || is_space(*word.at) || *word.at == ':';
	} else if (take(&word, "todo", true)) {
		out->todo = !word.len || is_space(*word.at) || *word.at == ':';
	} else if (take(&word, "time=", false)) {
		char number[32] = "";
		size_t n = 0;
		for (; n < word.len && n + 1 < sizeof(number) && strchr("0123456789.", word.at[n]); n++)
			number[n] = word.at[n];
		out->ms = rt_decimal(number);
		return out->ms >= 0 && word.len - n == 2 && !memcmp(word.at + n, "ms", 2);
	}
	return out->skip || out->todo;
}

/* Cuts the description before its directive; a "#" that is escaped, or has no directive after it, belongs to the
 * description. */
static void
split_directive(struct rt_tap_line *out, struct rt_bytes *s)
{
	for (size_t i = 0; i < s->len; i++) {
		if (s->at[i] == '\\') {
			i++;
			continue;
		}
		if (s->at[i] != '#' || (i > 0 && !is_space(s->at[i - 1])))
			continue;
		if (take_directive(out, (struct rt_bytes){s->at + i + 1, s->len - i - 1})) {
			s->len = i;
			break;
		}
	}
	trim(s);
}

static void
point(struct rt_tap_line *out, struct rt_bytes s, bool ok)
{
	if (s.len && !is_space(*s.at))
		return; /* "okay" is not a test point */
	out->kind = RT_TAP_POINT;
	out->ok = ok;
	trim(&s);
	struct rt_bytes rest = s;
	if (take_number(&rest, &out->number) && (!rest.len || is_space(*rest.at)))
		s = rest;
	else
		out->number = UINT64_MAX;
	trim(&s);
	if (s.len && *s.at == '-' && (s.len == 1 || is_space(s.at[1])))
		s.at++, s.len--;
	split_directive(out, &s);
	out->text = s.at;
	out->text_len = s.len;
}

static void
plan(struct rt_tap_line *out, struct rt_bytes s)
{
	if (!take_number(&s, &out->number))
		return;
	trim(&s);
	/* "1..0 Skipped: why" is how TAP 12 was written once */
	if (s.len && *s.at != '#' && out->number)
		return;
	out->kind = RT_TAP_PLAN;
	out->text = s.at;
	out->text_len = s.len;
}

static void
set(struct rt_tap_line *out, enum rt_tap_kind kind, struct rt_bytes text)
{
	out->kind = kind;
	trim(&text);
	out->text = text.at;
	out->text_len = text.len;
}

void
rt_tap_parse(struct rt_tap_line *out, const char *line, size_t len)
{
	struct rt_bytes s = {line, len};
	size_t spaces = 0;

	*out = (struct rt_tap_line){.kind = RT_TAP_OTHER, .text = "", .ms = -1};
	while (s.len && *s.at == ' ')
		s.at++, s.len--, spaces++;
	out->depth = (unsigned)(spaces / 4);
	if (spaces % 4 == 2 && s.len >= 3 && !memcmp(s.at, "---", 3) && (s.len == 3 || is_space(s.at[3]))) {
		set(out, RT_TAP_YAML, s);
		return;
	}
	if (take(&s, "Bail out!", true)) {
		set(out, RT_TAP_BAIL, s); /* at any depth, however indented */
		return;
	}
	if (spaces % 4 != 0)
		return;
	if (take(&s, "not ok", false))
		point(out, s, false);
	else if (take(&s, "ok", false))
		point(out, s, true);
	else if (take(&s, "1..", false))
		plan(out, s);
	else if (take(&s, "# Subtest:", false))
		set(out, RT_TAP_SUBTEST, s);
	else if (take(&s, "#", false))
		set(out, RT_TAP_COMMENT, s);
	else if (take(&s, "TAP version ", true) && take_number(&s, &out->number))
		set(out, RT_TAP_VERSION, s);
}

void
rt_tap_unescape(struct rt_buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\' && i + 1 < len && (text[i + 1] == '#' || text[i + 1] == '\\'))
			i++;
		rt_buf_addc(out, text[i]);
	}
}
