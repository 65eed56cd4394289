#ifndef RT_GIT_SPAN_H
#define RT_GIT_SPAN_H

/* What span.c and spare.c share. Commits are in the order in which they were reached, the head first. */

#include "git/internal.h"
#include "git/spare.h"
#include "support/index.h"

struct rt_span_commit {
	struct rt_oid id, tree, parent; /* parent: the first; "" where there is none, or history is cut off */
	unsigned generation;
	bool cut; /* it has parents, which the span leaves out */
};

struct rt_generations {
	struct rt_span_commit *at;
	size_t n, cap;
	struct rt_index index;
};

/* NULL: not in it. */
const struct rt_span_commit *rt_span_find(const struct rt_generations *span, const char *hex);

#endif
