#ifndef RT_GIT_TOUCHED_H
#define RT_GIT_TOUCHED_H

/*
 * What a patch could touch, told from its headers without understanding it: every path that any reading of a header by
 * git could give, and many that none does. Too many cost a lookup each; one too few is found out afterwards (apply.h).
 * The limits that must hold before git inflates anything are checked on the way.
 */

#include "git/apply.h"

/* Paths are sorted and unique. 0 scanned; 2 over a limit or malformed: why says which. Never reads beyond len. */
int rt_touched_scan(const char *patch, size_t len, const struct rt_apply_limits *limits, struct rt_strs *paths,
		    struct rt_buf *why) RT_MUST_USE;
/*
 * Undoes git's C-style quoting of a name: s[0] is the opening quote. The name, cut at a NUL as git cuts it, replaces
 * out's content. False when it is not a well-formed quoted string that ends within len.
 */
bool rt_touched_unquote(const char *s, size_t len, struct rt_buf *out);

#endif
