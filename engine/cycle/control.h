#ifndef RT_CYCLE_CONTROL_H
#define RT_CYCLE_CONTROL_H

/*
 * The control run: where a proposal changes support or watched files, the cells of runners that take up a dropped file
 * run once more on the candidate's tree with a control (model/control.h) in it. Both of its cases must come back as
 * they must. Where they do not, the target's own tree is run with the same control: what it gets right and the
 * candidate gets wrong is cheating; where it gets it wrong too, the cell has no controls, which is said. It is a run of
 * its own, so that no control steers what is judged, and it does not stop a forger who knows its own files.
 */

#include "cycle/trials.h"

/* Refusals and sentences go into the gate's report. Adds the time that its cells took. */
int rt_control_run(struct rt_gate *gate, const struct rt_trials *trials, int64_t *busy_ms,
		   struct rt_err *err) RT_MUST_USE;

#endif
