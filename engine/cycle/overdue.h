#ifndef RT_CYCLE_OVERDUE_H
#define RT_CYCLE_OVERDUE_H

/*
 * Missing evidence is the alarm. Each operation declares what it leaves and by when, in the table of overdue.c
 * (`ratchet overdue --kinds` prints it), with the function that asks whether what should be there by now is there.
 */

#include "cycle/verify.h"

struct rt_evidence_kind {
	const char *operation, *leaves, *by;
};
struct rt_evidence_state {
	int64_t newest; /* seconds UTC of what is there; 0: none in the newest entries */
	size_t missing; /* how much of it is overdue */
};

struct rt_overdue {
	struct rt_strs missing;		     /* a sentence each: what is missing, since when, and the mend */
	struct rt_evidence_state *states;    /* by kind */
	size_t looked;			     /* kinds of evidence that were asked for */
	struct rt_verification verification; /* of the target, which the states are of */
};

/* The table, n rows. */
const struct rt_evidence_kind *rt_evidence_kinds(size_t *n);

/* ref: full name of the target. within_s: seconds. binary: absolute path of ratchet, as the hooks should name it. */
int rt_overdue_find(struct rt_overdue *overdue, struct rt_home *home, const char *ref, int64_t within_s,
		    const char *binary, struct rt_err *err) RT_MUST_USE;
void rt_overdue_release(struct rt_overdue *overdue);
RT_DEFINE_AUTO(overdue, struct rt_overdue, rt_overdue_release);

#endif
