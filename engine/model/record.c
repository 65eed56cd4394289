#include "model/record.h"

#include <stdio.h>
#include <string.h>

#include "model/facts.h"
#include "model/id.h"
#include "support/buf.h"

#define ID_DIGITS 12
#define SHOWN 80 /* bytes of a branch name in a subject */

static const char *const op_names[] = {
#define X(name, text) [RT_OP_##name] = text,
    RT_OPS(X)
#undef X
};
static const char *const count_names[] = {"pass", "fail", "error", "skip", "regressions"};

_Static_assert(RT_COUNT(count_names) == RT_COUNT(((struct rt_record *)0)->counts), "a name for each count");

const char *
rt_op_name(enum rt_op op)
{
	return op_names[op];
}

static int
op_parse(const char *name, enum rt_op *out)
{
	size_t i;

	for (i = 0; name && i < RT_COUNT(op_names); i++)
		if (!strcmp(op_names[i], name)) {
			*out = (enum rt_op)i;
			return 0;
		}
	return -1;
}

/* A copy of a tree: setters take their value over, and a record keeps its own. */
static struct rt_json *
copy_json(const struct rt_json *value)
{
	return !value || rt_json_type(value) == RT_JSON_NULL ? NULL : rt_json_copy(value);
}

/* The tree that a reader will find: text that was not UTF-8 is so only now. */
static struct rt_json *
as_read(const struct rt_json *value)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	struct rt_json *read = NULL;
	struct rt_err err = RT_ERR_INIT;

	rt_json_write(value, &text);
	if (rt_json_parse(&read, text.data, text.len, "record", &err) < 0)
		rt_bug("canonical JSON does not read back: %s", err.text);
	return read;
}

static struct rt_json *
to_json(const struct rt_record *record)
{
	struct rt_json *json = rt_json_new_object(), *counts = rt_json_new_object();
	size_t i;

	for (i = 0; i < RT_COUNT(count_names); i++)
		rt_json_set_int(counts, count_names[i], record->counts[i]);
	rt_json_set_int(json, "v", RT_RECORD_VERSION);
	rt_json_set_int(json, "seq", record->seq);
	rt_json_set_string(json, "prev", record->prev);
	rt_json_set_string(json, "op", rt_op_name(record->op));
	rt_json_set_string(json, "id", record->id);
	rt_json_set_string(json, "target", record->target);
	rt_json_set_string(json, "base", record->base);
	rt_json_set_string(json, "candidate", record->candidate);
	rt_json_set_string(json, "tree", record->tree);
	rt_json_set_string(json, "landed", record->landed);
	rt_json_set_string(json, "verdict", record->verdict);
	rt_json_set_bool(json, "fast", record->fast);
	rt_json_set(json, "counts", counts);
	rt_json_set(json, "evidence", copy_json(record->evidence));
	rt_json_set_string(json, "actor", record->actor);
	rt_json_set_int(json, "time", record->time);
	rt_json_set_string(json, "boot_id", record->boot_id);
	rt_json_set_string(json, "isolation", record->isolation);
	rt_json_set(json, "heads", copy_json(record->heads));
	rt_json_set(json, "extra", copy_json(record->extra));
	return json;
}

/* The verb of the subject; for what came to a verdict without landing, the verdict itself. */
static struct rt_piece
subject_verb(enum rt_op op, struct rt_piece verdict)
{
	const char *verb = rt_op_name(op);

	if (op == RT_OP_INTENT)
		verb = "landing";
	else if (op == RT_OP_OUTCOME)
		verb = "landed";
	else if ((op == RT_OP_REJECTED || op == RT_OP_JUDGED) && verdict.at)
		return verdict;
	return (struct rt_piece){.at = verb, .len = strlen(verb)};
}

static void
add_count(struct rt_buf *out, int64_t n, const char *what)
{
	char digits[24];
	size_t at = sizeof(digits);

	if (n <= 0)
		return;
	rt_buf_adds(out, rt_ends_with(out->data, ":") ? " " : ", ");
	for (; n > 0; n /= 10)
		digits[--at] = (char)('0' + n % 10);
	rt_buf_add(out, digits + at, sizeof(digits) - at);
	rt_buf_addc(out, ' ');
	rt_buf_adds(out, what);
}

static void
add_escaped(struct rt_buf *out, struct rt_piece span)
{
	rt_id_escape(out, span.at, span.len < SHOWN ? span.len : SHOWN);
}

/* Made from the JSON and from nothing else, so that it can be made again when the entry is read. */
void
rt_facts_subject(const struct rt_facts *facts, struct rt_buf *out)
{
	static const char *const done[] = {"passed", "failed", "in error", "skipped", "regressed"};
	struct rt_piece target = facts->target;
	size_t i, end;

	add_escaped(out, subject_verb(facts->op, facts->verdict));
	if (facts->id.at) {
		rt_buf_addc(out, ' ');
		rt_buf_add(out, facts->id.at, facts->id.len < ID_DIGITS ? facts->id.len : ID_DIGITS);
	}
	if (target.at) {
		size_t skipped = target.len >= 11 && !memcmp(target.at, "refs/heads/", 11) ? 11 : 0;

		rt_buf_adds(out, " on ");
		add_escaped(out, (struct rt_piece){.at = target.at + skipped, .len = target.len - skipped});
	}
	end = out->len;
	rt_buf_addc(out, ':');
	for (i = 0; i < RT_COUNT(done); i++)
		add_count(out, facts->counts[i], done[i]);
	add_count(out, facts->gained, "gained");
	if (out->len == end + 1)
		rt_buf_cut(out, end);
}

static struct rt_piece
span_of(const struct rt_json *json, const char *key)
{
	const char *s = rt_json_get_string(json, key);

	return (struct rt_piece){.at = s, .len = s ? strlen(s) : 0};
}

static void
write_subject(const struct rt_json *json, struct rt_buf *out)
{
	struct rt_facts facts = {
	    .id = span_of(json, "id"), .target = span_of(json, "target"), .verdict = span_of(json, "verdict")};
	const struct rt_json *counts = rt_json_get(json, "counts");

	if (op_parse(rt_json_get_string(json, "op"), &facts.op) < 0)
		rt_bug("a record without an operation");
	for (size_t i = 0; i < RT_COUNT(count_names); i++)
		facts.counts[i] = rt_json_get_int(counts, count_names[i], 0);
	facts.gained = rt_json_get_int(rt_json_get(json, "extra"), "gained", 0);
	rt_facts_subject(&facts, out);
}

static void
write_message(const struct rt_json *json, struct rt_buf *message)
{
	write_subject(json, message);
	rt_buf_adds(message, "\n\n");
	rt_json_write(json, message);
	rt_buf_addc(message, '\n');
}

static bool
is_hex(const char *s, size_t digits)
{
	return s && strlen(s) == digits && strspn(s, "0123456789abcdef") == digits;
}

/* What to_json can't show by writing it again: values that it would write whatever they were. */
static const char *
what_is_wrong(const struct rt_json *json)
{
	const char *id = rt_json_get_string(json, "id"), *prev = rt_json_get_string(json, "prev");
	static const char *const objects[] = {"evidence", "heads", "extra"};
	enum rt_op op;
	size_t i;

	if (rt_json_type(json) != RT_JSON_OBJECT)
		return "it is no JSON object";
	if (rt_json_get_int(json, "v", 0) != RT_RECORD_VERSION)
		return "its version is not 1; use the ratchet that wrote it, or a newer one";
	if (op_parse(rt_json_get_string(json, "op"), &op) < 0)
		return "its operation is unknown";
	if (rt_json_get_int(json, "seq", 0) < 1)
		return "its number is not 1 or more";
	if (!is_hex(prev, RT_SHA256_HEX))
		return "prev is not a SHA-256";
	if (id && !is_hex(id, ID_DIGITS))
		return "its id is not 12 hex digits";
	for (i = 0; i < RT_COUNT(objects); i++) {
		enum rt_json_type type = rt_json_type(rt_json_get(json, objects[i]));

		if (type != RT_JSON_OBJECT && type != RT_JSON_NULL)
			return "evidence, heads or extra is no object";
	}
	return NULL;
}

void
rt_record_write(const struct rt_record *record, struct rt_buf *message)
{
	rt_auto(json) struct rt_json *raw = to_json(record);
	rt_auto(json) struct rt_json *json = as_read(raw);

	/* An entry that can't be read back would stop the chain. */
	if (what_is_wrong(json))
		rt_bug("a ledger entry is written of which %s", what_is_wrong(json));
	write_message(json, message);
}

static char *
copy_string(const struct rt_json *json, const char *key)
{
	const char *s = rt_json_get_string(json, key);

	return s ? rt_strdup(s) : NULL;
}

static void
read_facts(struct rt_record *record, const struct rt_json *json)
{
	const struct rt_json *counts = rt_json_get(json, "counts");
	size_t i;

	record->seq = rt_json_get_int(json, "seq", 0);
	record->fast = rt_json_get_bool(json, "fast", false);
	record->time = rt_json_get_int(json, "time", 0);
	for (i = 0; i < RT_COUNT(count_names); i++)
		record->counts[i] = rt_json_get_int(counts, count_names[i], 0);
	record->id = copy_string(json, "id");
	record->target = copy_string(json, "target");
	record->base = copy_string(json, "base");
	record->candidate = copy_string(json, "candidate");
	record->tree = copy_string(json, "tree");
	record->landed = copy_string(json, "landed");
	record->verdict = copy_string(json, "verdict");
	record->actor = copy_string(json, "actor");
	record->boot_id = copy_string(json, "boot_id");
	record->isolation = copy_string(json, "isolation");
	record->evidence = copy_json(rt_json_get(json, "evidence"));
	record->heads = copy_json(rt_json_get(json, "heads"));
	record->extra = copy_json(rt_json_get(json, "extra"));
}

/* The bytes must be those that the record gives when written again: nothing can be added, reordered or spelled
 * otherwise. */
static bool
writes_the_same(const struct rt_record *record, const char *message, size_t len)
{
	rt_auto(buf) struct rt_buf again = RT_BUF_INIT;
	rt_auto(json) struct rt_json *json = to_json(record);

	/* It was read, so that as_read would change nothing. */
	write_message(json, &again);
	return again.len == len && !memcmp(again.data, message, len);
}

/* A value of the message as a tree: part of what was read already, so it can't fail. */
static struct rt_json *
tree_of(const char *at, size_t len)
{
	struct rt_json *json = NULL;
	struct rt_err err = RT_ERR_INIT;

	if (at && rt_json_parse(&json, at, len, "ledger entry", &err) < 0)
		rt_bug("canonical JSON does not read back: %s", err.text);
	return json;
}

static char *
string_of(struct rt_piece span)
{
	if (!span.at || !span.escaped)
		return span.at ? rt_strndup(span.at, span.len) : NULL;
	rt_auto(json) struct rt_json *json = tree_of(span.at - 1, span.len + 2);
	return rt_strdup(rt_json_string(json));
}

static void
from_facts(struct rt_record *record, const struct rt_facts *facts)
{
	record->seq = facts->seq;
	record->time = facts->time;
	record->op = facts->op;
	record->fast = facts->fast;
	memcpy(record->counts, facts->counts, sizeof(record->counts));
	memcpy(record->prev, facts->prev.at, RT_SHA256_HEX);
	record->id = string_of(facts->id);
	record->target = string_of(facts->target);
	record->base = string_of(facts->base);
	record->candidate = string_of(facts->candidate);
	record->tree = string_of(facts->tree);
	record->landed = string_of(facts->landed);
	record->verdict = string_of(facts->verdict);
	record->actor = string_of(facts->actor);
	record->boot_id = string_of(facts->boot_id);
	record->isolation = string_of(facts->isolation);
	record->evidence = tree_of(facts->evidence.at, facts->evidence.len);
	record->heads = tree_of(facts->heads.at, facts->heads.len);
	record->extra = tree_of(facts->extra.at, facts->extra.len);
	rt_sha256_of(facts->line.at, facts->line.len, record->digest);
}

/* Any entry, or why it is none. */
static int
parse_slowly(struct rt_record *record, const char *message, size_t len, struct rt_err *err)
{
	const char *blank = memmem(message, len, "\n\n", 2), *line, *end = message + len, *wrong;
	rt_auto(json) struct rt_json *json = NULL;

	line = blank ? blank + 2 : end;
	if (line == end || end[-1] != '\n')
		return rt_fail(err, RT_EUNKNOWN, "not a ledger entry: no subject, blank line and line of JSON");
	end--;
	if (rt_json_parse(&json, line, (size_t)(end - line), "ledger entry", err) < 0)
		return rt_err_while(err, "reading a ledger entry");
	wrong = what_is_wrong(json);
	if (wrong)
		return rt_fail(err, RT_EUNKNOWN, "not a ledger entry: %s", wrong);
	if (op_parse(rt_json_get_string(json, "op"), &record->op) < 0)
		rt_bug("an operation that was known is unknown");
	memcpy(record->prev, rt_json_get_string(json, "prev"), sizeof(record->prev));
	read_facts(record, json);
	if (!writes_the_same(record, message, len))
		return rt_fail(err, RT_EUNKNOWN,
			       "ledger entry %lld was altered: it is not in the form that ratchet writes",
			       (long long)record->seq);
	rt_sha256_of(line, (size_t)(end - line), record->digest);
	return 0;
}

int
rt_record_parse(struct rt_record *record, const char *message, size_t len, char digest[RT_SHA256_HEX + 1],
		struct rt_err *err)
{
	rt_auto(record) struct rt_record parsed = RT_RECORD_INIT;
	struct rt_facts facts;

	if (rt_facts_read(&facts, message, len))
		from_facts(&parsed, &facts);
	else if (parse_slowly(&parsed, message, len, err) < 0)
		return -1;
	if (digest)
		memcpy(digest, parsed.digest, sizeof(parsed.digest));
	*record = parsed;
	parsed = (struct rt_record)RT_RECORD_INIT;
	return 0;
}

void
rt_record_release(struct rt_record *record)
{
	char *const strings[] = {record->id,	 record->target,  record->base,	 record->candidate, record->tree,
				 record->landed, record->verdict, record->actor, record->boot_id,   record->isolation};
	size_t i;

	for (i = 0; i < RT_COUNT(strings); i++)
		free(strings[i]);
	rt_json_free(record->evidence);
	rt_json_free(record->heads);
	rt_json_free(record->extra);
	*record = (struct rt_record)RT_RECORD_INIT;
}
