#ifndef RT_CYCLE_TAKEBACK_H
#define RT_CYCLE_TAKEBACK_H

/*
 * Moving the target back to where it was before a merge that regressed, as a transaction like a landing: its INTENT
 * entry is the commit point, and recovery completes it. What was merged stays at refs/ratchet/rejected/<id>.
 */

#include "cycle/pending.h"
#include "cycle/report.h"

struct rt_takeback {
	struct rt_home *home;
	const struct rt_report *report; /* of the judgement */
	const char *ref;		/* full name of the target */
	struct rt_oid old, new;		/* before the merge, and what it made */
};
/*
 * Takes the lane, recovers, and moves. 1 done; 0 something is in the way: why says what, and nothing was changed; -1.
 */
int rt_take_back(struct rt_takeback *takeback, struct rt_buf *why, struct rt_err *err) RT_MUST_USE;
/* The entry that closes the INTENT of a merge that was taken back; recovery writes it as well. record has its facts. */
int rt_take_back_record(struct rt_home *home, struct rt_record *record, const struct rt_move *move,
			struct rt_err *err) RT_MUST_USE;

#endif
