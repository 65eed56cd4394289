#ifndef RT_CYCLE_VERIFY_PARTS_H
#define RT_CYCLE_VERIFY_PARTS_H

/*
 * What the files of verification share: verify.c goes through the parts, verify_chain.c reads the chains,
 * verify_anchor.c compares them with what is said of them elsewhere, verify_target.c accounts for the target's commits.
 */

#include "cycle/verify.h"
#include "support/index.h"

/* One entry, as far as the target's commits are compared with it. */
struct rt_chain_entry {
	int64_t seq;
	char digest[RT_SHA256_HEX + 1];
	enum rt_op op;
	bool accepted, fast, noop;
	const char *id, *landed, *candidate, *tree, *base, *target; /* in the chain's arena */
};

/* What was verified last of a ref, in <ratchet>/verified. */
struct rt_verified {
	struct rt_oid head;
	int64_t seq; /* of a chain: its newest entry's */
	char digest[RT_SHA256_HEX + 1];
};

struct rt_closed {
	const char **at;
	size_t n, cap;
};

struct rt_chain {
	struct rt_verifying *v;
	char *name, *writer; /* of the ref, and its last part */
	bool own, trusted;
	struct rt_oid head;
	struct rt_verified last;	       /* verified before; head "" none */
	RT_VEC(struct rt_chain_entry) entries; /* newest first */
	char wanted[RT_SHA256_HEX + 1];	       /* prev of the entry read last: the digest that the next must have */
	int64_t expected;
	struct rt_closed closed; /* ids with an outcome, in texts */
	struct rt_oid vouched;	 /* this clone's head as the chain's newest entry that knows it says; "" none */
	struct rt_index by_id;	 /* of closed */
	struct rt_arena texts;
	bool stopped; /* what was verified last was met */
};

struct rt_verifying {
	struct rt_home *home;
	struct rt_verification *out;
	RT_VEC(struct rt_chain) chains;
	struct rt_strs trusted;
	struct rt_oid tip; /* of the target; "" none */
	bool all;
};

/* A sentence that names what is wrong. */
void rt_verify_find(struct rt_verifying *v, const char *fmt, ...) RT_PRINTF(2, 3);

/* Reads the chain at a ref, down to where it was verified last; for rt_ref_each with a struct rt_verifying. */
int rt_verify_chain(void *data, const char *name, const struct rt_oid *oid, struct rt_err *err) RT_MUST_USE;
void rt_chain_release(struct rt_chain *chain);
/* This clone's own; NULL: it has none. */
const struct rt_chain *rt_verify_own(const struct rt_verifying *v);

/* The file that says what was verified last of a ref; the caller frees. */
char *rt_verified_path(const struct rt_home *home, const char *ref);
/* What was verified last of a ref; head "" nothing. */
int rt_verified_read(struct rt_home *home, const char *ref, struct rt_verified *out, struct rt_err *err) RT_MUST_USE;
int rt_verified_write(struct rt_home *home, const char *ref, const struct rt_verified *last,
		      struct rt_err *err) RT_MUST_USE;

/* The anchors: the witness file, other chains and copies, the trailer of a commit. */
int rt_verify_witness(struct rt_verifying *v, struct rt_err *err) RT_MUST_USE;
int rt_verify_others(struct rt_verifying *v, struct rt_err *err) RT_MUST_USE;
void rt_verify_trailer(struct rt_verifying *v, const struct rt_commit *commit);

int rt_verify_target(struct rt_verifying *v, const char *ref, struct rt_err *err) RT_MUST_USE;

#endif
