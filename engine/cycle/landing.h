#ifndef RT_CYCLE_LANDING_H
#define RT_CYCLE_LANDING_H

/*
 * One landing as a transaction (design section 8). The steps are a table in landing.c; INTENT is the commit point. What
 * a landing needs to be completed or undone by another process stands in its INTENT entry, and a pending ref says that
 * one is open (cycle/pending.h).
 */

#include "cycle/gate.h"

struct rt_landing {
	struct rt_home *home;
	struct rt_gate *gate;
	const struct rt_intake *intake;
	const char *ref;   /* full name of the target */
	struct rt_oid old; /* where the target was tested on */
	struct rt_commit
	    last; /* what the target becomes: the last replayed commit with the baseline folded in, or one on top */
	struct rt_oid new;
	struct rt_strs worktrees; /* git directories of the work trees on the target */
	char *pending;
	struct rt_oid evidence;
	char digest[RT_SHA256_HEX + 1]; /* of its bytes */
	struct rt_buf why;		/* when it can't land */
	bool intended;
};

enum rt_landed { RT_LANDED, RT_LAND_MOVED, RT_LAND_DIRTY, RT_LAND_NOTHING };
/*
 * Lands the judged candidate of gate. MOVED: the target is not where it was tested on; nothing happened (or an ABORTED
 * entry says so). DIRTY: a work tree is in the way, why names the paths. NOTHING: no proposal and nothing to raise. The
 * report of gate gets landed and ledger.
 */
int rt_land(struct rt_home *home, struct rt_gate *gate, const struct rt_intake *intake, const char *ref,
	    struct rt_buf *why, struct rt_err *err) RT_MUST_USE;

/* Before anything runs: could the work trees on ref take the move from old to new (in the quarantine) at all? 1, 0 with
 * why, -1. */
int rt_land_possible(struct rt_home *home, struct rt_quarantine *quarantine, const char *ref, const struct rt_oid *old,
		     const struct rt_oid *new, struct rt_buf *why, struct rt_err *err) RT_MUST_USE;

#endif
