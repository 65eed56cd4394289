#ifndef RT_CYCLE_ANCHOR_H
#define RT_CYCLE_ANCHOR_H

/*
 * Anchors: the commits that metrics with a budget are held against, however many changes lie between. Each is a tree of
 * its own with a matrix of its own, and runs in every round in which such a metric is measured.
 */

#include "cycle/gate.h"

struct rt_anchor;
struct rt_anchors {
	struct rt_gate *gate; /* borrowed, likewise */
	const struct rt_plan *plan;
	const char *side; /* begins the names of the scratch folders */
	enum rt_isolation level;
	RT_VEC(struct rt_anchor *) at;
};

/*
 * Runs the anchor of each wanted trial whose check has a budget, once, into trial->anchors. A revision that is not here
 * is trouble, which goes into the trial; -1 only when ratchet could not go on.
 */
int rt_anchors_run(struct rt_anchors *anchors, struct rt_trial *trials, const bool *want,
		   struct rt_err *err) RT_MUST_USE;
int64_t rt_anchors_busy(const struct rt_anchors *anchors);
void rt_anchors_release(struct rt_anchors *anchors);

#endif
