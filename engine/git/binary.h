#ifndef RT_GIT_BINARY_H
#define RT_GIT_BINARY_H

/*
 * How much memory the binary hunks of a patch ask for. `literal N` declares it; `delta N` declares the size of the
 * instructions only, and what they make stands in their first bytes, below base 85 and zlib.
 */

#include "support/buf.h"

/* A hunk's header line: 1 it is one (and *declared is its N, *is_delta which), 0 it is none. */
int rt_binary_header(const char *line, size_t len, uint64_t *declared, bool *is_delta) RT_MUST_USE;
/*
 * The size of what a delta makes. data begins after the header line; it is read up to the blank line that ends the
 * hunk. 0 when it can't be told, which git will refuse as corrupt.
 */
uint64_t rt_binary_delta_result(const char *data, size_t len);

#endif
