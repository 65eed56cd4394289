#ifndef RT_CYCLE_SETTLE_H
#define RT_CYCLE_SETTLE_H

/*
 * Settling: land or roll back. The landing is a table of steps (settle.c); INTENT is its commit point: before it
 * everything is undone, after it everything is completed, by this process or by the next one (recovery).
 */

#include "cycle/gate.h"

struct rt_propose {
	struct rt_intake_request request;
	const char *target; /* NULL: the configuration's, else the branch HEAD is on */
	bool dry_run, each, adopt, governance;
	bool again;	 /* run even what fell before on this base */
	bool fast;	 /* only the checks marked fast; the entry says so */
	bool record;	 /* no proposal: the target's own tip is run, and one commit that only raises lands */
	int64_t wait_ms; /* for the lane; 0: --no-wait */
	struct rt_progress progress;
};

/*
 * The main job: the whole way of one proposal. The verdict is in the report, which the caller releases. -1: error,
 * nothing happened (or recovery will say).
 */
int rt_propose(struct rt_home *home, const struct rt_propose *propose, struct rt_report *report,
	       struct rt_err *err) RT_MUST_USE;

/* What recovery found and did, a sentence each, in found. Idempotent. The caller holds the lane. */
int rt_recover(struct rt_home *home, struct rt_strs *found, struct rt_err *err) RT_MUST_USE;

/* The full name of the target as that commit's ratchet.yml (of commit "": none) or git's ratchet.target names it: 1, 0
 * neither does, -1. */
int rt_target_named(struct rt_home *home, const struct rt_oid *commit, struct rt_buf *ref,
		    struct rt_err *err) RT_MUST_USE;
/* The full name of the target: the argument, else the configuration at HEAD, else HEAD's branch. */
int rt_target_find(struct rt_home *home, const char *name, struct rt_buf *ref, struct rt_err *err) RT_MUST_USE;

#endif
