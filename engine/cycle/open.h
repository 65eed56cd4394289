#ifndef RT_CYCLE_OPEN_H
#define RT_CYCLE_OPEN_H

/*
 * Open entries: a branch moved without having been judged (design section 6). Each is an OPEN entry of the ledger,
 * whose extra holds kind, ref, old, new. All kinds but `ungated` stand in the way of commits, pushes and proposals
 * until a judgement closes them, and have a ref refs/ratchet/open/<id>-<seq> to the commit besides (seq: the ledger's
 * head before the entry), so that asking whether there is one costs nothing where there is none.
 *
 * Closed is an open entry by a full accepted entry that is newer and whose difference holds the commit, by any entry
 * that accepts the commit itself, or when the branch no longer holds it.
 */

#include "cycle/home.h"

#define RT_OPEN_REFS "refs/ratchet/open/"

#define RT_OPEN_KINDS(X)                                                                                \
	X(UNGATED, "ungated")	  /* the guard saw a move that nothing accepted; `status` shows it */   \
	X(UPSTREAM, "upstream")	  /* a fast-forward to what a remote has */                             \
	X(MERGED, "merged")	  /* what a merge brought in; post-merge is judging it, or could not */ \
	X(REGRESSED, "regressed") /* the same, judged, and it could not be moved back */
enum rt_open_kind {
#define X(name, text) RT_OPEN_##name,
	RT_OPEN_KINDS(X)
#undef X
};
const char *rt_open_kind_name(enum rt_open_kind kind);

struct rt_open {
	char id[13];
	enum rt_open_kind kind;
	struct rt_oid old, new; /* old "": unknown; new "": deleted */
	int64_t time;		/* seconds UTC, where it was listed */
};

/* Writes the entry, and for the kinds that stand in the way the ref, the ref first. ref: the branch's full name. */
int rt_open_write(struct rt_home *home, enum rt_open_kind kind, const char *ref, const struct rt_oid *old,
		  const struct rt_oid *new, struct rt_err *err) RT_MUST_USE;
/* Is there one of this branch that stands in the way? 1 and the worst, 0, -1. Drops the refs of those that are closed.
 */
int rt_open_find(struct rt_home *home, const char *ref, struct rt_open *out, struct rt_err *err) RT_MUST_USE;
/*
 * Calls each, newest first, for what nothing has settled since: of every kind, `ungated` ones too, which stand in no
 * way. Looks at the newest `within` entries. Stops at the first non-zero return of each. 0 or -1.
 */
int rt_open_each(struct rt_home *home, const char *ref, size_t within,
		 int (*each)(void *data, const struct rt_open *open, struct rt_err *err), void *data,
		 struct rt_err *err) RT_MUST_USE;
/* A sentence for people: what it is and how it is closed. */
void rt_open_say(const struct rt_open *open, const char *ref, struct rt_buf *out);
/* The caller has closed those to this commit: drops their refs. */
int rt_open_close(struct rt_home *home, const struct rt_oid *new, struct rt_err *err) RT_MUST_USE;

#endif
