#include "model/facts.h"

#include <string.h>

enum { DEPTH = 32, DIGITS = 18 };

/* The bytes that are left. *end is the newline of the message, which ends every run of plain characters. */
struct scan {
	const char *at, *end;
};

#define ACCEPT(scan, text) accept(scan, text, sizeof(text) - 1)

static bool
accept(struct scan *scan, const char *text, size_t len)
{
	if ((size_t)(scan->end - scan->at) < len || memcmp(scan->at, text, len) != 0)
		return false;
	scan->at += len;
	return true;
}

static bool
is_plain(char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Four lower-case hex digits, or -1. */
static int
hex4(const char *s, const char *end)
{
	int value = 0;

	if (end - s < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		if (s[i] >= '0' && s[i] <= '9')
			value = value << 4 | (s[i] - '0');
		else if (s[i] >= 'a' && s[i] <= 'f')
			value = value << 4 | (s[i] - 'a' + 10);
		else
			return -1;
	}
	return value;
}

/* What follows \u is a character that is written so, and in no other way. */
static bool
accept_point(struct scan *scan)
{
	int c = hex4(scan->at, scan->end), low;

	/* the named ones, and \u0000, which is read as another character */
	if (c <= 0 || (c >= 0x20 && c < 0x7f) || c == '\b' || c == '\t' || c == '\n' || c == '\f' || c == '\r' ||
	    (c >= 0xdc00 && c < 0xe000))
		return false;
	scan->at += 4;
	if (c < 0xd800 || c >= 0xe000)
		return true;
	if (!ACCEPT(scan, "\\u"))
		return false;
	low = hex4(scan->at, scan->end);
	scan->at += 4;
	return low >= 0xdc00 && low < 0xe000;
}

static bool
accept_string(struct scan *scan, struct rt_piece *out)
{
	if (!ACCEPT(scan, "\""))
		return false;
	*out = (struct rt_piece){.at = scan->at};
	for (;;) {
		while (is_plain(*scan->at))
			scan->at++;
		if (*scan->at != '\\')
			break;
		out->escaped = true;
		scan->at++;
		if (memchr("btnfr\"\\", *scan->at, 7))
			scan->at++;
		else if (!ACCEPT(scan, "u") || !accept_point(scan))
			return false;
	}
	out->len = (size_t)(scan->at - out->at);
	return ACCEPT(scan, "\"");
}

static bool
accept_int(struct scan *scan, int64_t *out)
{
	bool negative = *scan->at == '-';
	const char *first = scan->at + negative;
	int64_t n = 0;

	for (scan->at = first; *scan->at >= '0' && *scan->at <= '9'; scan->at++) {
		if (scan->at - first == DIGITS)
			return false;
		n = n * 10 + (*scan->at - '0');
	}
	*out = negative ? -n : n;
	/* "-0" and "007" would be written otherwise */
	return scan->at > first && (*first != '0' || (scan->at == first + 1 && !negative));
}

static bool accept_object(struct scan *scan, int depth, const char *wanted, struct rt_piece *found);
static bool accept_array(struct scan *scan, int depth);

static bool
accept_value(struct scan *scan, int depth)
{
	struct rt_piece string;
	int64_t n;

	if (depth > DEPTH)
		return false;
	switch (*scan->at) {
	case '"':
		return accept_string(scan, &string);
	case '{':
		return accept_object(scan, depth, NULL, NULL);
	case '[':
		return accept_array(scan, depth);
	case 'n':
		return ACCEPT(scan, "null");
	case 't':
		return ACCEPT(scan, "true");
	case 'f':
		return ACCEPT(scan, "false");
	default:
		/* a real goes on where an integer ends, and is not accepted by what follows */
		return accept_int(scan, &n);
	}
}

static bool
accept_array(struct scan *scan, int depth)
{
	if (!ACCEPT(scan, "["))
		return false;
	if (ACCEPT(scan, "]"))
		return true;
	do
		if (!accept_value(scan, depth + 1))
			return false;
	while (ACCEPT(scan, ","));
	return ACCEPT(scan, "]");
}

static bool
is_before(const struct rt_piece *a, const struct rt_piece *b)
{
	int order = memcmp(a->at, b->at, a->len < b->len ? a->len : b->len);

	return order < 0 || (order == 0 && a->len < b->len);
}

/* Keys rise. found is the value of the one that is wanted, as it is written. */
static bool
accept_object(struct scan *scan, int depth, const char *wanted, struct rt_piece *found)
{
	struct rt_piece key, last = {0};
	const char *value;

	if (!ACCEPT(scan, "{"))
		return false;
	if (ACCEPT(scan, "}"))
		return true;
	do {
		if (!accept_string(scan, &key) || key.escaped || (last.at && !is_before(&last, &key)) ||
		    !ACCEPT(scan, ":"))
			return false;
		value = scan->at;
		if (!accept_value(scan, depth + 1))
			return false;
		if (wanted && rt_span_is(key, wanted))
			*found = (struct rt_piece){.at = value, .len = (size_t)(scan->at - value)};
		last = key;
	} while (ACCEPT(scan, ","));
	return ACCEPT(scan, "}");
}

/* ---- the fields, in the order of their names ---- */

static bool
accept_text(struct scan *scan, struct rt_piece *out)
{
	if (*scan->at == '"')
		return accept_string(scan, out);
	return ACCEPT(scan, "null");
}

/* A string that is compared, and so is not read when it has escapes. */
static bool
accept_fact(struct scan *scan, struct rt_piece *out)
{
	return accept_text(scan, out) && !out->escaped;
}

static bool
accept_part(struct scan *scan, struct rt_piece *out, const char *wanted, struct rt_piece *found)
{
	const char *start = scan->at;

	if (ACCEPT(scan, "null"))
		return true;
	if (!accept_object(scan, 1, wanted, found))
		return false;
	*out = (struct rt_piece){.at = start, .len = (size_t)(scan->at - start)};
	return true;
}

static bool
accept_bool(struct scan *scan, bool *out)
{
	*out = *scan->at == 't';
	return *out ? ACCEPT(scan, "true") : ACCEPT(scan, "false");
}

static bool
accept_op(struct scan *scan, enum rt_op *out)
{
	struct rt_piece name = {0};

	if (!accept_string(scan, &name))
		return false;
	for (int op = RT_OP_INTENT; op <= RT_OP_GC; op++)
		if (rt_span_is(name, rt_op_name((enum rt_op)op))) {
			*out = (enum rt_op)op;
			return true;
		}
	return false;
}

static bool
accept_counts(struct scan *scan, int64_t counts[5])
{
	return ACCEPT(scan, "{\"error\":") && accept_int(scan, &counts[2]) && ACCEPT(scan, ",\"fail\":") &&
	       accept_int(scan, &counts[1]) && ACCEPT(scan, ",\"pass\":") && accept_int(scan, &counts[0]) &&
	       ACCEPT(scan, ",\"regressions\":") && accept_int(scan, &counts[4]) && ACCEPT(scan, ",\"skip\":") &&
	       accept_int(scan, &counts[3]) && ACCEPT(scan, "}");
}

static bool
is_hex(struct rt_piece span, size_t digits)
{
	for (size_t i = 0; i < span.len; i++)
		if (!((span.at[i] >= '0' && span.at[i] <= '9') || (span.at[i] >= 'a' && span.at[i] <= 'f')))
			return false;
	return span.len == digits;
}

static bool
accept_line(struct scan *scan, struct rt_facts *facts, struct rt_piece *gained)
{
	int64_t version;

	return ACCEPT(scan, "{\"actor\":") && accept_text(scan, &facts->actor) && ACCEPT(scan, ",\"base\":") &&
	       accept_fact(scan, &facts->base) && ACCEPT(scan, ",\"boot_id\":") && accept_text(scan, &facts->boot_id) &&
	       ACCEPT(scan, ",\"candidate\":") && accept_fact(scan, &facts->candidate) &&
	       ACCEPT(scan, ",\"counts\":") && accept_counts(scan, facts->counts) && ACCEPT(scan, ",\"evidence\":") &&
	       accept_part(scan, &facts->evidence, NULL, NULL) && ACCEPT(scan, ",\"extra\":") &&
	       accept_part(scan, &facts->extra, "gained", gained) && ACCEPT(scan, ",\"fast\":") &&
	       accept_bool(scan, &facts->fast) && ACCEPT(scan, ",\"heads\":") &&
	       accept_part(scan, &facts->heads, NULL, NULL) && ACCEPT(scan, ",\"id\":") &&
	       accept_fact(scan, &facts->id) && ACCEPT(scan, ",\"isolation\":") &&
	       accept_text(scan, &facts->isolation) && ACCEPT(scan, ",\"landed\":") &&
	       accept_fact(scan, &facts->landed) && ACCEPT(scan, ",\"op\":") && accept_op(scan, &facts->op) &&
	       ACCEPT(scan, ",\"prev\":") && accept_fact(scan, &facts->prev) && ACCEPT(scan, ",\"seq\":") &&
	       accept_int(scan, &facts->seq) && ACCEPT(scan, ",\"target\":") && accept_fact(scan, &facts->target) &&
	       ACCEPT(scan, ",\"time\":") && accept_int(scan, &facts->time) && ACCEPT(scan, ",\"tree\":") &&
	       accept_fact(scan, &facts->tree) && ACCEPT(scan, ",\"v\":") && accept_int(scan, &version) &&
	       version == RT_RECORD_VERSION && ACCEPT(scan, ",\"verdict\":") && accept_fact(scan, &facts->verdict) &&
	       ACCEPT(scan, "}") && scan->at == scan->end;
}

bool
rt_facts_read(struct rt_facts *facts, const char *message, size_t len)
{
	const char *blank = memmem(message, len, "\n\n", 2), *end = blank ? message + len - 1 : NULL;
	rt_auto(buf) struct rt_buf subject = RT_BUF_INIT;
	struct rt_piece gained = {0};
	struct scan scan;

	*facts = (struct rt_facts){0};
	if (!blank || blank + 2 >= end || *end != '\n')
		return false;
	scan = (struct scan){blank + 2, end};
	facts->line = (struct rt_piece){.at = scan.at, .len = (size_t)(end - scan.at)};
	if (!accept_line(&scan, facts, &gained) || facts->seq < 1 || !is_hex(facts->prev, RT_SHA256_HEX) ||
	    (facts->id.at && !is_hex(facts->id, 12)))
		return false;
	if (gained.at) {
		struct scan number = {gained.at, gained.at + gained.len};

		if (!accept_int(&number, &facts->gained))
			facts->gained = 0; /* another type */
	}
	rt_facts_subject(facts, &subject);
	return subject.len == (size_t)(blank - message) && memcmp(subject.data, message, subject.len) == 0;
}

static struct rt_piece
span_of(const char *text)
{
	return (struct rt_piece){.at = text, .len = text ? strlen(text) : 0};
}

void
rt_facts_of(struct rt_facts *facts, const struct rt_record *record, struct rt_buf *held)
{
	*facts = (struct rt_facts){.seq = record->seq, .time = record->time, .op = record->op, .fast = record->fast};
	memcpy(facts->counts, record->counts, sizeof(facts->counts));
	facts->gained = rt_json_get_int(record->extra, "gained", 0);
	facts->prev = span_of(record->prev);
	facts->id = span_of(record->id);
	facts->target = span_of(record->target);
	facts->base = span_of(record->base);
	facts->candidate = span_of(record->candidate);
	facts->tree = span_of(record->tree);
	facts->landed = span_of(record->landed);
	facts->verdict = span_of(record->verdict);
	if (record->heads) {
		rt_buf_cut(held, 0);
		rt_json_write(record->heads, held);
		rt_buf_addc(held, '\n');
		facts->heads = (struct rt_piece){.at = held->data, .len = held->len - 1};
	}
	memcpy(facts->digest, record->digest, sizeof(facts->digest));
}

bool
rt_span_is(struct rt_piece span, const char *text)
{
	return span.at && strlen(text) == span.len && memcmp(span.at, text, span.len) == 0;
}

struct rt_piece
rt_span_string(struct rt_piece object, const char *key)
{
	struct scan scan = {object.at, object.at + object.len};
	struct rt_piece value = {0}, string = {0};

	if (!object.at || !accept_object(&scan, 1, key, &value) || !value.at)
		return string;
	scan = (struct scan){value.at, value.at + value.len};
	return *value.at == '"' && accept_string(&scan, &string) ? string : (struct rt_piece){0};
}
