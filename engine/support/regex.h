#ifndef RT_SUPPORT_REGEX_H
#define RT_SUPPORT_REGEX_H

/*
 * Regular expressions: the adapter of pcre2 (8 bit, JIT, multi-line, bytes not UTF). A search that backtracks beyond
 * pcre2's limits, or for more than two seconds of processor time, is an error and not a hang. One thread at a time may
 * search with one expression.
 */

#include <stdbool.h>

#include "support/err.h"

struct rt_regex;

/* A bad expression: RT_ECONFIG, with pcre2's message and the offset in it. */
int rt_regex_new(struct rt_regex **out, const char *pattern, struct rt_err *err) RT_MUST_USE;
void rt_regex_free(struct rt_regex *regex);
static inline void
rt_auto_regex(struct rt_regex **regex)
{
	rt_regex_free(*regex);
}

/* The number of the group (?<name>...), or 0 when there is none of that name. */
size_t rt_regex_group(const struct rt_regex *regex, const char *name);

struct rt_span {
	size_t start, end;
};
/*
 * Searches bytes from offset. Returns 1 found, 0 not, -1 when a limit was hit. spans[0] is the whole match, spans[i]
 * group i; an unset group has start == SIZE_MAX. n is how many spans there is room for.
 */
int rt_regex_search(const struct rt_regex *regex, const char *bytes, size_t len, size_t offset, struct rt_span *spans,
		    size_t n, struct rt_err *err) RT_MUST_USE;

#endif
