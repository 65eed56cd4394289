/*
 * Finding secrets: one pass over the bytes for all exact values, in all their encodings, and all key families; further
 * passes only where there is something to look for: text with escape sequences once more without them, and, for the
 * exact values alone, letters and digits without anything between, which finds a value that is split by quotes, plus
 * signs, line ends or colons.
 */

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "model/policy_parts.h"
#include "support/regex.h"

static const char value_rule[] = "secret:known-value";

/* A literal that is looked for: an encoding of a value, or (family set) a prefix of which more must follow. */
struct needle {
	char *bytes;
	size_t len;
	const struct rt_secret_family *family;
	uint32_t next; /* 1 + index of the next needle in its bucket; 0: none */
};

/* Reduced text is searched in blocks, which overlap by the longest needle and by what a family's key can be long. */
enum { HASH_BITS = 16, BUCKET_BITS = 12, LEAST_NEEDLE = 3, LEAST_SQUEEZED = 12, BLOCK = 1 << 20, LONGEST_KEY = 8192 };

/*
 * Needles by a hash of their first three bytes. The gate has a bit for each hash that some needle has: 8 KiB, which
 * stay in the cache and rule out most positions of a text. A bucket holds 1 + the index of its first needle.
 */
struct needles {
	RT_VEC(struct needle) at;
	uint64_t gate[(1 << HASH_BITS) / 64];
	uint32_t bucket[1 << BUCKET_BITS];
	size_t longest;
};

struct rt_secret_matcher {
	struct needles plain;	 /* values, encodings and families, byte for byte */
	struct needles squeezed; /* values and encodings reduced to letters and digits */
};

static uint32_t
hash3(const char *bytes)
{
	const unsigned char *b = (const unsigned char *)bytes;

	return (((uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2]) * 2654435761u) >> (32 - HASH_BITS);
}

static void
needles_add(struct needles *needles, const char *bytes, size_t len, const struct rt_secret_family *family)
{
	uint32_t hash = hash3(bytes), *bucket = &needles->bucket[hash >> (HASH_BITS - BUCKET_BITS)], *link = bucket;
	struct needle *needle;

	for (; *link; link = &needles->at.at[*link - 1].next) {
		needle = &needles->at.at[*link - 1];
		if (needle->len == len && needle->family == family && !memcmp(needle->bytes, bytes, len))
			return;
	}
	needle = rt_push(&needles->at);
	needle->bytes = rt_alloc(len + 1, 1);
	memcpy(needle->bytes, bytes, len);
	needle->len = len;
	needle->family = family;
	needle->next = *bucket;
	*bucket = (uint32_t)needles->at.n;
	needles->gate[hash / 64] |= (uint64_t)1 << hash % 64;
	if (len > needles->longest)
		needles->longest = len;
}

static void
needles_release(struct needles *needles)
{
	for (size_t i = 0; i < needles->at.n; i++)
		free(needles->at.at[i].bytes);
	free(needles->at.at);
}

struct rt_secret_matcher *
rt_secret_matcher_new(void)
{
	struct rt_secret_matcher *matcher = rt_alloc(1, sizeof(*matcher));
	size_t n = 0;

	/* a bucket is searched from its newest needle on, and the families' first match counts */
	while (rt_secret_families[n].rule)
		n++;
	while (n-- > 0)
		needles_add(&matcher->plain, rt_secret_families[n].prefix, strlen(rt_secret_families[n].prefix),
			    &rt_secret_families[n]);
	return matcher;
}

void
rt_secret_matcher_free(struct rt_secret_matcher *matcher)
{
	if (!matcher)
		return;
	needles_release(&matcher->plain);
	needles_release(&matcher->squeezed);
	free(matcher);
}

static bool
is_squeezed(char c)
{
	return isalnum((unsigned char)c);
}

static void
add_form(struct rt_secret_matcher *matcher, const char *bytes, size_t len)
{
	rt_auto(buf) struct rt_buf squeezed = RT_BUF_INIT;

	if (len < LEAST_NEEDLE)
		return;
	needles_add(&matcher->plain, bytes, len, NULL);
	for (size_t i = 0; i < len; i++)
		if (is_squeezed(bytes[i]))
			rt_buf_addc(&squeezed, bytes[i]);
	/* fewer could stand side by side by chance */
	if (squeezed.len >= LEAST_SQUEEZED)
		needles_add(&matcher->squeezed, squeezed.data, squeezed.len, NULL);
}

/*
 * The characters of the base64 of any text that holds the value, which depend on the value alone: shift bytes stand
 * before it in its group of three, and the character that also depends on what follows is left out.
 */
static void
add_base64(struct rt_secret_matcher *matcher, const char *value, size_t len, size_t shift, const char *alphabet)
{
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;
	size_t bits = (shift + len) * 8, first = shift == 0 ? 0 : shift + 1;

	for (size_t i = first; (i + 1) * 6 <= bits; i++) {
		unsigned six = 0;
		for (size_t bit = i * 6; bit < i * 6 + 6; bit++) {
			unsigned char byte = (unsigned char)value[bit / 8 - shift];
			six = six << 1 | (byte >> (7 - bit % 8) & 1);
		}
		rt_buf_addc(&out, alphabet[six]);
	}
	add_form(matcher, out.data, out.len);
}

static void
add_hex(struct rt_secret_matcher *matcher, const char *value, size_t len, const char *format)
{
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;

	for (size_t i = 0; i < len; i++)
		rt_buf_addf(&out, format[0] == 'X' ? "%02X" : "%02x", (unsigned char)value[i]);
	add_form(matcher, out.data, out.len);
}

/* Percent-encoded, with capital or small digits, and a space as %20 or +. */
static void
add_url(struct rt_secret_matcher *matcher, const char *value, size_t len, bool capitals, bool plus)
{
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)value[i];
		if (isalnum(c) || strchr("-._~", c))
			rt_buf_addc(&out, (char)c);
		else if (c == ' ' && plus)
			rt_buf_addc(&out, '+');
		else
			rt_buf_addf(&out, capitals ? "%%%02X" : "%%%02x", c);
	}
	add_form(matcher, out.data, out.len);
}

/* As a string of JSON, C or a shell in double quotes writes it. */
static void
add_escaped(struct rt_secret_matcher *matcher, const char *value, size_t len, const char *escaped)
{
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;

	for (size_t i = 0; i < len; i++) {
		if (value[i] && strchr(escaped, value[i]))
			rt_buf_addc(&out, '\\');
		rt_buf_addc(&out, value[i]);
	}
	add_form(matcher, out.data, out.len);
}

/* What HTML and XML reports make of it. */
static void
add_html(struct rt_secret_matcher *matcher, const char *value, size_t len, const char *apostrophe)
{
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;

	for (size_t i = 0; i < len; i++) {
		switch (value[i]) {
		case '&':
			rt_buf_adds(&out, "&amp;");
			break;
		case '<':
			rt_buf_adds(&out, "&lt;");
			break;
		case '>':
			rt_buf_adds(&out, "&gt;");
			break;
		case '"':
			rt_buf_adds(&out, "&quot;");
			break;
		case '\'':
			rt_buf_adds(&out, apostrophe);
			break;
		default:
			rt_buf_addc(&out, value[i]);
		}
	}
	add_form(matcher, out.data, out.len);
}

void
rt_secret_matcher_add(struct rt_secret_matcher *matcher, const char *value, size_t len)
{
	static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	add_form(matcher, value, len);
	for (size_t shift = 0; shift < 3; shift++) {
		add_base64(matcher, value, len, shift, standard);
		add_base64(matcher, value, len, shift, url);
	}
	add_hex(matcher, value, len, "x");
	add_hex(matcher, value, len, "X");
	for (int form = 0; form < 4; form++)
		add_url(matcher, value, len, form & 1, form & 2);
	add_escaped(matcher, value, len, "\"\\");
	add_escaped(matcher, value, len, "\"\\/");
	add_escaped(matcher, value, len, "\"\\$`");
	add_html(matcher, value, len, "&#39;");
	add_html(matcher, value, len, "&apos;");
}

/* Length of the needle's match at `at`, or 0. */
static size_t
needle_match(const struct needle *needle, const char *bytes, size_t len, size_t at)
{
	if (needle->len > len - at || memcmp(bytes + at, needle->bytes, needle->len))
		return 0;
	return needle->family ? needle->family->match(needle->family, bytes, len, at) : needle->len;
}

/* The longest match at `at`; of equally long ones that of the first needle. */
static size_t
needles_match(const struct needles *needles, uint32_t first, const char *bytes, size_t len, size_t at,
	      const char **rule)
{
	size_t best = 0;

	for (uint32_t i = first; i; i = needles->at.at[i - 1].next) {
		const struct needle *needle = &needles->at.at[i - 1];
		size_t n = needle_match(needle, bytes, len, at);
		if (n > best) {
			best = n;
			*rule = needle->family ? needle->family->rule : value_rule;
		}
	}
	return best;
}

/* map: where each byte stands in the original text; NULL: there. */
static void
needles_find(const struct needles *needles, const char *bytes, size_t len, const size_t *map,
	     struct rt_secret_hits *hits)
{
	for (size_t at = 0; at + LEAST_NEEDLE <= len; at++) {
		uint32_t hash = hash3(bytes + at);
		const char *rule = NULL;
		size_t n;
		if (!(needles->gate[hash / 64] >> hash % 64 & 1))
			continue;
		n = needles_match(needles, needles->bucket[hash >> (HASH_BITS - BUCKET_BITS)], bytes, len, at, &rule);
		if (n) {
			size_t last = at + n - 1;
			*rt_push(hits) = (struct rt_secret_hit){map ? map[at] : at, (map ? map[last] : last) + 1, rule};
			at = last;
		}
	}
}

/* Length of the terminal escape sequence or other invisible byte at `at`; 0: text. */
static size_t
invisible(const char *bytes, size_t len, size_t at)
{
	size_t n = 2;
	char kind;

	if (bytes[at] == '\b' || bytes[at] == '\r' || bytes[at] == 0 || bytes[at] == 0x0e || bytes[at] == 0x0f)
		return 1;
	if (bytes[at] != 0x1b)
		return 0;
	if (at + 1 == len)
		return 1;
	kind = bytes[at + 1];
	if (kind == '[') {
		while (at + n < len && bytes[at + n] >= 0x20 && bytes[at + n] < 0x40)
			n++;
		return at + n < len ? n + 1 : n;
	}
	if (kind == ']') {
		while (at + n < len && bytes[at + n] != '\a' && bytes[at + n] != 0x1b && bytes[at + n] != '\n')
			n++;
		return at + n < len && bytes[at + n] == '\a' ? n + 1 : n;
	}
	return strchr("()*+#%", kind) && kind && at + 2 < len ? 3 : 2;
}

static bool
has_invisible(const char *bytes, size_t len)
{
	return memchr(bytes, 0x1b, len) || memchr(bytes, 0, len) || memchr(bytes, '\b', len) ||
	       memchr(bytes, '\r', len);
}

/*
 * The text as a terminal shows it, or (squeeze) its letters and digits alone. A block from which nothing was left out
 * is not searched: the pass over the plain bytes sees it.
 */
static void
find_reduced(const struct needles *needles, const char *bytes, size_t len, bool squeeze, struct rt_secret_hits *hits)
{
	size_t overlap = needles->longest > LONGEST_KEY ? needles->longest : LONGEST_KEY;
	size_t room = len < BLOCK + overlap ? len + 1 : BLOCK + overlap, n = 0;
	rt_auto(free) char *block = rt_alloc(room, 1);
	rt_auto(free) size_t *map = rt_alloc(room, sizeof(*map));
	bool reduced = false;

	for (size_t i = 0; i < len;) {
		size_t skip = invisible(bytes, len, i);
		if (!skip && squeeze && !is_squeezed(bytes[i]))
			skip = 1;
		if (!skip) {
			block[n] = bytes[i];
			map[n++] = i;
		}
		reduced |= skip > 0;
		i += skip ? skip : 1;
		if (n == room || i >= len) {
			size_t keep = n < overlap ? n : overlap;
			if (reduced)
				needles_find(needles, block, n, map, hits);
			memmove(block, block + n - keep, keep);
			memmove(map, map + n - keep, keep * sizeof(*map));
			/* what was left out of the part that is kept counts for the next block too */
			reduced = keep && map[keep - 1] - map[0] != keep - 1;
			n = keep;
		}
	}
}

/* A pattern that gives up takes the rest of the text with it: what could not be searched is not let through. */
static void
find_pattern(const struct rt_secret_pattern *pattern, const char *bytes, size_t len, struct rt_secret_hits *hits)
{
	size_t at = 0;

	while (at < len) {
		struct rt_span span;
		int found = rt_regex_search(pattern->regex, bytes, len, at, &span, 1, NULL);
		if (found == 0)
			return;
		if (found < 0)
			span = (struct rt_span){at, len};
		if (span.end > span.start)
			*rt_push(hits) = (struct rt_secret_hit){span.start, span.end, pattern->rule};
		at = span.end > at ? span.end : at + 1;
	}
}

static int
by_start(const void *a, const void *b)
{
	const struct rt_secret_hit *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->end > y->end ? -1 : x->end < y->end;
}

void
rt_secret_find(const struct rt_policy *policy, const char *bytes, size_t len, struct rt_secret_hits *hits)
{
	size_t kept = 0;

	needles_find(&policy->matcher->plain, bytes, len, NULL, hits);
	if (has_invisible(bytes, len))
		find_reduced(&policy->matcher->plain, bytes, len, false, hits);
	if (policy->matcher->squeezed.at.n)
		find_reduced(&policy->matcher->squeezed, bytes, len, true, hits);
	for (size_t i = 0; i < policy->patterns.n; i++)
		find_pattern(&policy->patterns.at[i], bytes, len, hits);
	if (!hits->n)
		return;
	qsort(hits->at, hits->n, sizeof(*hits->at), by_start);
	for (size_t i = 1; i < hits->n; i++) {
		if (hits->at[i].start >= hits->at[kept].end)
			hits->at[++kept] = hits->at[i];
		else if (hits->at[i].end > hits->at[kept].end)
			hits->at[kept].end = hits->at[i].end;
	}
	hits->n = kept + 1;
}
