#ifndef RT_MODEL_FACTS_H
#define RT_MODEL_FACTS_H

/*
 * A ledger entry read where it lies: without a tree of JSON and without a copy, so that a chain of a hundred thousand
 * entries is read in the time that it takes to unpack them.
 */

#include "model/record.h"

/* Part of a message, not NUL-terminated. A string is without its quotes; what is null has no address. */
struct rt_piece {
	const char *at;
	size_t len;
	bool escaped; /* a string with escapes in it, as they are written */
};

struct rt_facts {
	int64_t seq, time, counts[5], gained;
	enum rt_op op;
	bool fast;
	struct rt_piece prev, id, target, base, candidate, tree, landed, verdict; /* never escaped */
	struct rt_piece actor, boot_id, isolation;
	struct rt_piece evidence, heads, extra; /* objects */
	struct rt_piece line;			/* the entry as JSON */
	char digest[RT_SHA256_HEX + 1];		/* of the line; taken by who needs it */
};

/*
 * True when the message is, byte for byte, what rt_record_write would write of the facts, which point into it. False
 * says nothing: what needs escapes in a fact or a key, and what was altered, is left to rt_record_parse.
 */
bool rt_facts_read(struct rt_facts *facts, const char *message, size_t len);
/* The facts of a record that was read otherwise; they point into it and into held. */
void rt_facts_of(struct rt_facts *facts, const struct rt_record *record, struct rt_buf *held);
/* The string that a key has in an object of facts; without an address when it has none. */
struct rt_piece rt_span_string(struct rt_piece object, const char *key);
bool rt_span_is(struct rt_piece span, const char *text);

/* Appends the subject of an entry: "landed 1a2b3c4d5e6f on main: 210 passed, 1 gained". */
void rt_facts_subject(const struct rt_facts *facts, struct rt_buf *out);

#endif
