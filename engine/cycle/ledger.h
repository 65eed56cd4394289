#ifndef RT_CYCLE_LEDGER_H
#define RT_CYCLE_LEDGER_H

/*
 * The ledger: refs/ratchet/ledger/<writer>, one commit an entry over the empty tree (engine/model/record.h). An append
 * costs one object and one ref, whatever the length of the chain. Every append is durable when it returns and is
 * repeated in a witness file outside the repository
 * ($XDG_STATE_HOME/ratchet/<writer>: seq, digest), which only ever moves forward.
 */

#include "cycle/home.h"
#include "model/facts.h"

#define RT_LEDGER_REFS "refs/ratchet/ledger/"

struct rt_head {
	struct rt_oid commit; /* "" for an empty ledger */
	int64_t seq;
	char digest[RT_SHA256_HEX + 1];
};

/* The head of this writer's chain. */
int rt_ledger_head(struct rt_home *home, struct rt_head *head, struct rt_err *err) RT_MUST_USE;
/*
 * Appends: fills seq, prev, actor, boot_id, time and heads of the record, writes it, moves the ref. Several processes
 * may append at once. at (may be NULL) gets the entry's commit.
 */
int rt_ledger_append(struct rt_home *home, struct rt_record *record, struct rt_oid *at, struct rt_err *err) RT_MUST_USE;
/*
 * Calls each for the entries of a chain from the newest (the commit `from`; NULL: this writer's head) backwards; stops
 * at the first non-zero return and returns that. An unreadable entry is an error.
 */
int rt_ledger_walk(struct rt_home *home, const struct rt_oid *from,
		   int (*each)(void *data, const struct rt_oid *at, const struct rt_record *record, struct rt_err *err),
		   void *data, struct rt_err *err) RT_MUST_USE;
/* The same for who needs no more than facts, which are valid during the call; digests are taken. */
int rt_ledger_scan(struct rt_home *home, const struct rt_oid *from,
		   int (*each)(void *data, const struct rt_oid *at, const struct rt_facts *facts, struct rt_err *err),
		   void *data, struct rt_err *err) RT_MUST_USE;
/* The commit of an entry, as far as it is one of the chain. */
int rt_ledger_link(struct rt_repo *repo, const struct rt_oid *at, struct rt_link *link, struct rt_err *err) RT_MUST_USE;

/* The directory of the witness files; NULL: there is no place for one. The caller frees. */
char *rt_witness_dir(const struct rt_home *home);
/* What the witness file outside the repository says: 1 found, 0 there is none, -1. */
int rt_witness_read(const struct rt_home *home, int64_t *seq, char digest[RT_SHA256_HEX + 1],
		    struct rt_err *err) RT_MUST_USE;

/* Keeps a blob of evidence, which is in the repository, at refs/ratchet/evidence/<id>. */
int rt_evidence_keep(struct rt_home *home, const char *id, const struct rt_oid *blob, struct rt_err *err) RT_MUST_USE;
/* 1 found, 0 not (dropped by age, or never there), -1. */
int rt_evidence_read(struct rt_home *home, const char *id, struct rt_buf *out, struct rt_err *err) RT_MUST_USE;

#endif
