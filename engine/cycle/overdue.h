#ifndef RT_CYCLE_OVERDUE_H
#define RT_CYCLE_OVERDUE_H

/*
 * Missing evidence is the alarm. Each operation declares what it leaves and by when; overdue.c holds the table, and
 * asks whether what should be there by now is there:
 *
 *   hooks          are installed and are what git runs, so that a commit, merge or push leaves an entry
 *   target         every move of it has an entry, at once
 *   open entries   are settled by a judgement within a day
 *   full checks    follow the fast ones within a day
 *   landing        an INTENT is closed within an hour
 *   checks         each leaves executed cases in an accepting entry within `within`, while the target is worked on
 *   verification   of the ledger is made within `within`
 *   locks          of the lane and of git are held for an hour at most
 */

#include "cycle/ledger.h"

struct rt_overdue {
	struct rt_strs missing; /* a sentence each: what is missing, since when, and the mend */
	size_t looked;		/* kinds of evidence that were asked for */
};

/* ref: full name of the target. within_s: seconds. binary: absolute path of ratchet, as the hooks should name it. */
int rt_overdue_find(struct rt_overdue *overdue, struct rt_home *home, const char *ref, int64_t within_s,
		    const char *binary, struct rt_err *err) RT_MUST_USE;
void rt_overdue_release(struct rt_overdue *overdue);
RT_DEFINE_AUTO(overdue, struct rt_overdue, rt_overdue_release);

#endif
