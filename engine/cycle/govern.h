#ifndef RT_CYCLE_GOVERN_H
#define RT_CYCLE_GOVERN_H

/*
 * Governance and policy (design sections 3 and 5), judged on the difference of the trees: what a proposal may touch at
 * all, who may change trusted inputs, and that a proposal's own baseline edits lie between the tip's and what was
 * measured. Refusals go into the gate's report.
 */

#include "cycle/gate.h"

/* Before running. */
int rt_govern_changes(struct rt_gate *gate, struct rt_err *err) RT_MUST_USE;
/* After judging: the proposal's baseline edits against gate->raised. */
int rt_govern_baseline(struct rt_gate *gate, struct rt_err *err) RT_MUST_USE;

#endif
