#ifndef RT_CYCLE_CHECK_H
#define RT_CYCLE_CHECK_H

/*
 * Gating what is there already, moving nothing: HEAD, another commit, or the staged tree (design section 7). `ratchet
 * check`, the hooks and `ratchet ci` are this with different bases.
 */

#include "cycle/gate.h"

struct rt_check_request {
	const char *head;   /* an expression; NULL: HEAD */
	const char *base;   /* an expression; NULL: found as design section 7 says */
	const char *target; /* NULL: as rt_target_find */
	bool staged;	    /* the index against HEAD */
	const char *index_file;
	bool fast; /* only the checks marked fast */
	bool owed; /* with fast: that no check is marked so is no failure, since a later full judgement is demanded */
	bool adoption;	 /* the head is judged as an adoption, with no base */
	bool governance; /* the caller has the operator's word for unsigned governance */
	bool as_is;	 /* with a base: never merge HEAD into it (hooks, ci) */
	bool adopt;	 /* an operator adopts the head's isolation, network, tools and caches */
	bool history;	 /* walk the baseline folder's history base..head */
	bool raise; /* when accepted, write a commit on HEAD that raises the baseline; report.landed is its id, or ""
		       when there is nothing to raise */
	const char *objects; /* an object directory to read from besides (GIT_QUARANTINE_PATH), or NULL */
	struct rt_progress progress;
};

/* The verdict is in the report; the JUDGED or ADOPTED entry is written. -1: could not find out. */
int rt_check(struct rt_home *home, const struct rt_check_request *request, struct rt_report *report,
	     struct rt_err *err) RT_MUST_USE;

/*
 * Is there an entry that accepts this commit (candidate or landed), not a fast one unless fast_too? In this writer's
 * chain and those of ratchet.trustedWriter. 1, 0, -1.
 */
int rt_accepted(struct rt_home *home, const struct rt_oid *commit, bool fast_too, struct rt_err *err) RT_MUST_USE;
/*
 * The nearest proper first-parent ancestor of head that is accepted: 1; else 0 and the adoption commit (the oldest
 * first-parent one from which on every one has a ratchet.yml), which may be head itself; -1.
 */
int rt_nearest_accepted(struct rt_home *home, const struct rt_oid *head, struct rt_oid *out,
			struct rt_err *err) RT_MUST_USE;

#endif
