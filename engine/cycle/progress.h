#ifndef RT_CYCLE_PROGRESS_H
#define RT_CYCLE_PROGRESS_H

/* Progress, for a person. */

#include <stdint.h>

/* Called when a cell starts and when it ended, and about ten times a second meanwhile (cell NULL). */
struct rt_progress {
	void (*tell)(void *data, const char *cell, const char *state, int64_t ms);
	void *data;
};

/*
 * Tells what a cell does, so that one knows which of the runs of one verdict it is. label: the one of its matrix. In a
 * control run a cell is "checked" where it would be "failed": it holds a test that must fail.
 */
void rt_progress_cell(const struct rt_progress *progress, const char *label, const char *cell, const char *state,
		      int64_t ms);

#endif
