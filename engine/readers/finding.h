#ifndef RT_READERS_FINDING_H
#define RT_READERS_FINDING_H

/*
 * What the readers of findings share. A finding is named by rule, file, what it says and the text of its line, never by
 * the line's number, so that it stays the same one when lines above it come and go; equal ones are told apart by their
 * number (rt_results_finding).
 */

#include "readers/read.h"
#include "support/json.h"

struct rt_finding_parts {
	const char *rule, *file, *message; /* any may be NULL */
	const char *mark;		   /* in the place of the message in the id, or NULL */
	int64_t line, column;		   /* 0: not known */
};

/* The part of a path below the workspace, where tools write it whole; borrowed from path. */
const char *rt_finding_path(const struct rt_reading *reading, const char *path);
/* The file is made relative to the workspace. */
void rt_finding_add(const struct rt_reading *reading, const struct rt_finding_parts *parts);
/* Parses the whole source as JSON: 1, 0 a problem was added, -1. The caller frees the value. */
int rt_reading_json(const struct rt_reading *reading, struct rt_json **value, struct rt_err *err) RT_MUST_USE;

#endif
