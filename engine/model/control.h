#ifndef RT_MODEL_CONTROL_H
#define RT_MODEL_CONTROL_H

/*
 * Controls, as in a laboratory: for runners that take up a test when a file is dropped, a file with two tests of random
 * names, one that must pass and one that must fail. A filter, a switch that makes everything succeed, or a runner that
 * died early shows in them. One table, by preset.
 */

#include <stdbool.h>

#include "support/buf.h"

struct rt_control {
	const char *preset;
	const char *samples[6]; /* globs of existing files beside which the control lies, NULL-terminated */
	const char
	    *name; /* the control's path from the sample's folder: % is its random name, * the sample's extension */
	const char *text; /* % is the random name; + the line of the sample that begins with `package` */
};

/* NULL where the preset has none. */
const struct rt_control *rt_control_find(const char *preset);
bool rt_control_samples(const struct rt_control *control, const char *path);
/*
 * Path and content of the control beside sample (its path and content). name: letters and digits, which ids of the
 * two cases contain: with `pass` behind it in the one that must pass, with `fail` in the other.
 */
void rt_control_make(const struct rt_control *control, const char *sample, const struct rt_buf *sample_text,
		     const char *name, struct rt_buf *path, struct rt_buf *text);

#endif
