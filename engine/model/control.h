#ifndef RT_MODEL_CONTROL_H
#define RT_MODEL_CONTROL_H

/*
 * Controls, as in a laboratory: for runners that take up a test when a file is dropped, a file with a test of a random
 * name that must pass, and in runs of their own another that must fail. A filter, a switch that makes everything
 * succeed, or a runner that died early shows in them. One table, by preset.
 */

#include <stdbool.h>

#include "support/buf.h"

struct rt_control {
	const char *preset;
	const char *samples[10]; /* globs of existing files beside which the control lies, NULL-terminated */
	const char
	    *name; /* the control's path from the sample's folder: % is its random name, * the sample's extension */
	/* its content: % is the random name; + at the beginning the line of the sample that begins with `package` */
	const char *passes, *fails;    /* the case that must pass, and behind it the one that must fail */
	const char *end, *end_failing; /* what follows without and with the second; may be NULL */
};

/* NULL where the preset has none. */
const struct rt_control *rt_control_find(const char *preset);
bool rt_control_samples(const struct rt_control *control, const char *path);
/*
 * Path and content of the control beside sample (its path and content). name: letters and digits, which ids of the
 * two cases contain: with `pass` behind it in the one that must pass, with `fail` in the other, which is there when
 * failing says so.
 */
void rt_control_make(const struct rt_control *control, const char *sample, const struct rt_buf *sample_text,
		     const char *name, bool failing, struct rt_buf *path, struct rt_buf *text);

#endif
