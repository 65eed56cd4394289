#ifndef RT_CYCLE_REPEAT_H
#define RT_CYCLE_REPEAT_H

/*
 * Repeat offenders. A tree that was run against the same base and fell is answered from the ledger: the same verdict,
 * the earlier id, no run. (The base decides the trusted inputs, so that they are the same too; what is refused before
 * anything runs costs nothing to judge again, and depends on more than the tree.) An actor that fails as it failed
 * before is told so, with the ids of those attempts. Both look back over a bounded number of this writer's entries.
 */

#include "cycle/gate.h"

/* 1: answered, the report holds verdict, regressions and refusals of the earlier attempt; 0: not judged before; -1. */
int rt_repeat_answer(struct rt_gate *gate, struct rt_err *err) RT_MUST_USE;
/* After a verdict that is red: names the earlier attempts of this actor that failed in the same cases or rules. */
void rt_repeat_tell(struct rt_gate *gate);
/* What the entry keeps for later: how the attempt failed, and the attempt that answered it. Adds to record->extra. */
void rt_repeat_fill(const struct rt_gate *gate, struct rt_record *record);

#endif
