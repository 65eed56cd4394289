#ifndef RT_CYCLE_PENDING_H
#define RT_CYCLE_PENDING_H

/*
 * What is left of a move of the target that was interrupted: the ref refs/ratchet/pending/<id>-<seq> says that one may
 * be open (seq: the ledger's head before it, so that recovery need not search the whole chain), and the facts of its
 * INTENT entry say what to complete or to undo. Both ways of moving use them: a landing, and a merge that is taken
 * back.
 */

#include "cycle/ledger.h"

#define RT_PENDING_REFS "refs/ratchet/pending/"

/* Makes the pending ref of id to commit; *ref (the caller frees) gets its name. */
int rt_pending_write(struct rt_home *home, const char *id, const struct rt_oid *commit, char **ref,
		     struct rt_err *err) RT_MUST_USE;
/* Drops it; one that is gone is no error. */
int rt_pending_drop(struct rt_home *home, const char *ref, const struct rt_oid *commit, struct rt_err *err) RT_MUST_USE;

/* A move of ref from old to new. */
struct rt_move {
	const char *ref;
	const struct rt_oid *old, *new;
	const struct rt_strs *worktrees; /* git directories of the work trees on it */
	bool back;			 /* a merge that is taken back: new is older than old */
};
/* The facts of its INTENT entry, with the process that makes it; the caller owns them. */
struct rt_json *rt_move_facts(const struct rt_move *move);

#endif
