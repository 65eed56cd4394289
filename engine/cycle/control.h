#ifndef RT_CYCLE_CONTROL_H
#define RT_CYCLE_CONTROL_H

/*
 * The control run: where a proposal changes support or watched files, and once a week, the cells of runners that take
 * up a dropped file run once more on the candidate's tree with both controls (cycle/carry.h), the one that must pass
 * and the one that must fail. Both must come back as they must. Where they do not, the target's own tree is run with
 * the same: what it gets right and the candidate gets wrong is cheating; where it gets it wrong too, the cell has no
 * controls, which is said. It is a run of its own, because a case that fails would change what is judged, and it does
 * not stop a forger who knows its own files.
 */

#include "cycle/carry.h"
#include "cycle/trials.h"

/* Refusals and sentences go into the gate's report. Adds the time that its cells took. */
int rt_control_run(struct rt_carry *carry, const struct rt_trials *trials, int64_t *busy_ms,
		   struct rt_err *err) RT_MUST_USE;

#endif
