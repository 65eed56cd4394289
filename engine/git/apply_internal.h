#ifndef RT_GIT_APPLY_INTERNAL_H
#define RT_GIT_APPLY_INTERNAL_H

/* What apply.c and replay.c share: one patch on the way onto one tree. */

#include "git/apply.h"
#include "git/preimage.h"
#include "git/quarantine_internal.h"

struct rt_application {
	struct rt_quarantine *quarantine;
	const struct rt_oid *base;
	const char *patch;
	size_t len;
	struct rt_strs paths; /* that the patch could touch */
	struct rt_oid *out;
	struct rt_buf *why;
};
/* Checks the limits and finds the paths. 1 go on; 2 and why as rt_apply. */
int rt_application_start(struct rt_application *application, const struct rt_apply_limits *limits) RT_MUST_USE;
/* Applies, with or without --3way, and sets *out. Returns as rt_apply does. */
int rt_application_run(struct rt_application *application, bool three_way, struct rt_err *err) RT_MUST_USE;
void rt_application_release(struct rt_application *application);
RT_DEFINE_AUTO(application, struct rt_application, rt_application_release);

#endif
