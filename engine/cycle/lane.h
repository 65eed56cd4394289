#ifndef RT_CYCLE_LANE_H
#define RT_CYCLE_LANE_H

/*
 * The lane: what moves the target goes one after another, in the order in which it came. The lane itself is a lock that
 * the kernel releases, <ratchet>/lane; what is written in it is for people and decides nothing. Who waits for it stands
 * in a queue, a folder of tickets named by their time, each locked by the process that waits: a ticket that can be
 * locked belongs to nobody any more, and the lowest one that can't is next.
 */

#include "cycle/home.h"

/*
 * wait_ms 0 does not wait. 0 taken, 1 busy (holder, which may be NULL, says who has it), -1. The caller drops the lock.
 */
int rt_lane_take(struct rt_home *home, struct rt_lock *lane, const char *who, int64_t wait_ms, struct rt_buf *holder,
		 struct rt_err *err) RT_MUST_USE;
/* For recovery: removes tickets whose processes are no more. The caller holds the lane. */
int rt_lane_tidy(struct rt_home *home, struct rt_err *err) RT_MUST_USE;

#endif
