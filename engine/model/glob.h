#ifndef RT_MODEL_GLOB_H
#define RT_MODEL_GLOB_H

/*
 * Path patterns with git's `:(top,glob)` meaning: `*` and `?` stop at `/`, `[...]` classes, a leading or inner double
 * star before `/` matches any number of directories including none, a trailing double star everything below, a pattern
 * that names a directory matches all below it. Tested against `git ls-files ':(top,glob)...'`.
 */

#include <stdbool.h>

#include "support/buf.h"

bool rt_glob_match(const char *pattern, const char *path);
/* True when any of the patterns matches. */
bool rt_globs_match(const struct rt_strs *patterns, const char *path);
/* A glob over ids (waivers): `*` matches any run of bytes, `/` too; `?` one byte; `\` quotes nothing (ids hold
 * backslashes). */
bool rt_glob_match_id(const char *pattern, const char *id);

#endif
