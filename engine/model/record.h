#ifndef RT_MODEL_RECORD_H
#define RT_MODEL_RECORD_H

/*
 * One ledger entry (design section 8): a commit message of a subject for people, a blank line, one line of canonical
 * JSON. prev is the SHA-256 of the previous entry's JSON line, so that the chain can be checked without git.
 */

#include <stdbool.h>
#include <stdint.h>

#include "support/digest.h"
#include "support/err.h"
#include "support/json.h"

#define RT_OPS(X)               \
	X(INTENT, "intent")     \
	X(OUTCOME, "outcome")   \
	X(ABORTED, "aborted")   \
	X(REJECTED, "rejected") \
	X(JUDGED, "judged") X(ADOPTED, "adopted") X(OPEN, "open") X(RECOVERED, "recovered") X(GC, "gc")
enum rt_op {
#define X(name, text) RT_OP_##name,
	RT_OPS(X)
#undef X
};
const char *rt_op_name(enum rt_op op);

#define RT_RECORD_VERSION 1

/* Strings are owned; NULL is JSON null. Object ids are full hex. */
struct rt_record {
	int64_t seq;		      /* from 1, dense */
	char prev[RT_SHA256_HEX + 1]; /* 64 zeros in the first entry */
	enum rt_op op;
	char *id; /* of the proposal or run: 12 hex digits */
	char *target, *base, *candidate, *tree, *landed, *verdict;
	bool fast;
	int64_t counts[5];	  /* pass, fail, error, skip, regressions */
	struct rt_json *evidence; /* object: what -> digest, sizes, cells; or NULL */
	struct rt_json *heads;	  /* object: other writers' heads; or NULL */
	struct rt_json *extra;	  /* object of op-specific facts (worktree plan, lock paths, regressed ids); or NULL */
	char *actor, *boot_id, *isolation;
	int64_t time;			/* seconds UTC */
	char digest[RT_SHA256_HEX + 1]; /* of its JSON line, once it was read; "" before */
};
#define RT_RECORD_INIT \
	{              \
		0      \
	}

/*
 * Appends subject, blank line, JSON line, newline: the commit message. The subject is made of the record alone, as in
 * "landed 1a2b3c4d5e6f on main: 210 passed, 1 gained"; the number gained is that of extra's integer "gained". Strings
 * that are not UTF-8 are changed by writing (support/json.h).
 */
void rt_record_write(const struct rt_record *record, struct rt_buf *message);
/* Reads a commit message back. A message that is not what rt_record_write would write of it is RT_EUNKNOWN. digest (may
 * be NULL) gets the SHA-256 of the JSON line. */
int rt_record_parse(struct rt_record *record, const char *message, size_t len, char digest[RT_SHA256_HEX + 1],
		    struct rt_err *err) RT_MUST_USE;
void rt_record_release(struct rt_record *record);
RT_DEFINE_AUTO(record, struct rt_record, rt_record_release);

#endif
