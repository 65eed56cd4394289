#ifndef RT_CYCLE_REPRODUCE_H
#define RT_CYCLE_REPRODUCE_H

#include "model/plan.h"

/*
 * The commands, for a POSIX shell in a checkout, by which a person sees what cell i of the plan saw: what it needs
 * first, then its own, each with its variables. Owned by the caller.
 */
char *rt_cell_command(const struct rt_plan *plan, size_t i);

#endif
