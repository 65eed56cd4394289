#include "model/id.h"

#include <stdint.h>
#include <string.h>

#include "support/defence.h"

/* Not a character: the bytes there are not UTF-8. */
#define BAD UINT32_MAX

/* The character at s and how many bytes it takes; BAD takes one. Surrogates and overlong forms are not UTF-8. */
static uint32_t
decode(const char *bytes, size_t len, size_t *used)
{
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
	const unsigned char *s = (const unsigned char *)bytes;
	size_t i, more = s[0] < 0x80 ? 0 : s[0] < 0xe0 ? 1 : s[0] < 0xf0 ? 2 : 3;
	uint32_t c = more ? s[0] & (0x3fu >> more) : s[0];

	*used = 1;
	if ((s[0] >= 0x80 && s[0] < 0xc2) || s[0] > 0xf4 || more >= len)
		return BAD;
	for (i = 1; i <= more; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return BAD;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return BAD;
	*used = more + 1;
	return c;
}

/* Characters that reorder what is shown around them, and C1 controls, which some terminals obey. */
static bool
misleads(uint32_t c)
{
	return (c >= 0x80 && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

static bool
plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '\\';
}

/* How many bytes from the start are plain: eight at once, because nearly all ids are nothing else. */
static size_t
plain_run(const char *bytes, size_t len)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), high = UINT64_C(0x8080808080808080);
	size_t i = 0;

	for (; i + 8 <= len; i += 8) {
		uint64_t word, slash;

		memcpy(&word, bytes + i, 8);
		slash = word ^ ones * '\\';
		/* A byte above 0x7e, one below 0x20, or a backslash sets a high bit; at worst one too many, above one
		 * that is meant. */
		if ((word | (word + ones) | (word - ones * 0x20) | (slash - ones)) & high)
			break;
	}
	while (i < len && plain((unsigned char)bytes[i]))
		i++;
	return i;
}

/* One character that is not plain; text: newline, tab and backslash stay. */
static void
escape_char(struct rt_buf *out, const char *bytes, size_t used, uint32_t c, bool text)
{
	if (text && (c == '\n' || c == '\t' || c == '\\'))
		rt_buf_addc(out, (char)c);
	else if (c == '\\')
		rt_buf_adds(out, "\\\\");
	else if (c == '\t')
		rt_buf_adds(out, "\\t");
	else if (c == '\n')
		rt_buf_adds(out, "\\n");
	else if (c == '\r')
		rt_buf_adds(out, "\\r");
	else if (c == BAD || c < 0x20 || c == 0x7f)
		rt_buf_addf(out, "\\x%02x", (unsigned char)bytes[0]);
	else if (misleads(c))
		rt_buf_addf(out, "\\u{%x}", c);
	else
		rt_buf_add(out, bytes, used);
}

static void
escape(struct rt_buf *out, const char *bytes, size_t len, bool text)
{
	size_t i = 0, run, used;
	uint32_t c;

	while (i < len) {
		run = plain_run(bytes + i, len - i);
		rt_buf_add(out, bytes + i, run);
		i += run;
		if (i == len)
			break;
		c = decode(bytes + i, len - i, &used);
		escape_char(out, bytes + i, used, c, text);
		i += used;
	}
}

void
rt_id_escape(struct rt_buf *out, const char *bytes, size_t len)
{
	escape(out, bytes, len, false);
}

void
rt_id_escape_text(struct rt_buf *out, const char *bytes, size_t len)
{
	if (rt_defended(ESCAPE))
		escape(out, bytes, len, true);
	else
		rt_buf_add(out, bytes, len);
}

static int
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static int
add_utf8(struct rt_buf *out, uint32_t c)
{
	if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return -1;
	if (c < 0x80) {
		rt_buf_addc(out, (char)c);
		return 0;
	}
	if (c < 0x800) {
		rt_buf_addc(out, (char)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			rt_buf_addc(out, (char)(0xe0 | c >> 12));
		} else {
			rt_buf_addc(out, (char)(0xf0 | c >> 18));
			rt_buf_addc(out, (char)(0x80 | (c >> 12 & 0x3f)));
		}
		rt_buf_addc(out, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	rt_buf_addc(out, (char)(0x80 | (c & 0x3f)));
	return 0;
}

/* What follows "\u": {H...}, one to six digits. Returns how many bytes it takes, 0 when it is none. */
static size_t
unescape_point(struct rt_buf *out, const char *s)
{
	uint32_t c = 0;
	size_t i;

	if (s[0] != '{')
		return 0;
	for (i = 1; i <= 6 && digit_value(s[i]) >= 0; i++)
		c = c << 4 | (uint32_t)digit_value(s[i]);
	if (i == 1 || s[i] != '}' || add_utf8(out, c) < 0)
		return 0;
	return i + 1;
}

/* What follows a backslash. Returns how many bytes it takes, 0 when it is no escape. */
static size_t
unescape_one(struct rt_buf *out, const char *s)
{
	switch (s[0]) {
	case '\\':
		rt_buf_addc(out, '\\');
		return 1;
	case 't':
		rt_buf_addc(out, '\t');
		return 1;
	case 'n':
		rt_buf_addc(out, '\n');
		return 1;
	case 'r':
		rt_buf_addc(out, '\r');
		return 1;
	case 'x':
		if (digit_value(s[1]) < 0 || digit_value(s[2]) < 0)
			return 0;
		rt_buf_addc(out, (char)(digit_value(s[1]) << 4 | digit_value(s[2])));
		return 3;
	case 'u': {
		size_t used = unescape_point(out, s + 1);

		return used ? used + 1 : 0;
	}
	default:
		return 0;
	}
}

int
rt_id_unescape(struct rt_buf *out, const char *text)
{
	const char *s = text;
	size_t used;

	while (*s) {
		if (*s != '\\') {
			rt_buf_addc(out, *s++);
			continue;
		}
		used = unescape_one(out, ++s);
		if (!used)
			return -1;
		s += used;
	}
	return 0;
}

bool
rt_id_escaped(const char *text, size_t len)
{
	rt_auto(buf) struct rt_buf copy = RT_BUF_INIT, raw = RT_BUF_INIT, again = RT_BUF_INIT;

	if (plain_run(text, len) == len)
		return true;
	if (memchr(text, '\0', len))
		return false;
	rt_buf_add(&copy, text, len);
	if (rt_id_unescape(&raw, copy.data) < 0)
		return false;
	rt_id_escape(&again, raw.data, raw.len);
	return again.len == len && !memcmp(again.data, text, len);
}

bool
rt_name_valid(const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";

	return *name && !name[strspn(name, letters)];
}

void
rt_id_case(struct rt_buf *out, const char *cell, const char *const *parts, size_t n)
{
	bool any = false;
	size_t i;

	rt_buf_adds(out, cell);
	rt_buf_addc(out, '/');
	for (i = 0; i < n; i++) {
		if (!parts[i] || !*parts[i])
			continue;
		if (any)
			rt_buf_adds(out, "::");
		rt_id_escape(out, parts[i], strlen(parts[i]));
		any = true;
	}
	if (!any)
		rt_buf_adds(out, "(unnamed)");
}

size_t
rt_id_cell_len(const char *id)
{
	return (size_t)(strchrnul(id, '/') - id);
}

size_t
rt_id_check_len(const char *id)
{
	return strcspn(id, "[/");
}
