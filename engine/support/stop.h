#ifndef RT_SUPPORT_STOP_H
#define RT_SUPPORT_STOP_H

/*
 * The wish to end early, set by a signal's handler. Whatever waits (for a lock, for input, for a program) looks at it
 * at least every RT_STOP_TICK_MS, and gives up with rt_stop_fail; what only computes goes on to its next wait. Never
 * taken back.
 */

#include <stdbool.h>

#include "support/err.h"

enum { RT_STOP_TICK_MS = 100 };

/* Safe in a signal's handler. */
void rt_stop(void);
bool rt_stopped(void);
/* -1, with "interrupted while DOING". */
int rt_stop_fail(struct rt_err *err, const char *doing);

#endif
