#ifndef RT_CYCLE_TIDY_H
#define RT_CYCLE_TIDY_H

#include "cycle/home.h"

/*
 * Removes what processes that were killed left behind, and only that: their locks on refs, temporary files, half-made
 * layers, quarantines and control groups. A sentence for each kind in found. The caller holds the lane.
 */
int rt_tidy(struct rt_home *home, struct rt_strs *found, struct rt_err *err) RT_MUST_USE;

#endif
