#ifndef RT_READERS_STARTED_H
#define RT_READERS_STARTED_H

/*
 * Tests of an event stream (go test -json, libtest): they start, say something, and end. What starts and does not end
 * was lost with its process and is an error; what ends without having started was written by somebody else.
 */

#include "readers/read.h"

struct rt_started_test {
	const char *id; /* in the arena */
	size_t group;	/* the caller's: which package */
	bool running;
	struct rt_buf note; /* what it said; released when it ends */
};

struct rt_started {
	struct rt_arena arena;
	RT_VEC(struct rt_started_test) tests;
	struct rt_index index; /* of tests, by id */
	size_t running;
};
#define RT_STARTED_INIT \
	{               \
		0       \
	}

/* The test with this id; made when it is not there. Valid until the next call. */
struct rt_started_test *rt_started_get(struct rt_started *started, const char *id);
/* False when it was running already. */
bool rt_started_begin(struct rt_started *started, struct rt_started_test *test);
/* False when it was not running. */
bool rt_started_end(struct rt_started *started, struct rt_started_test *test);
/* Every test that is still running becomes an error. Returns how many. */
size_t rt_started_lost(struct rt_started *started, struct rt_results *results);
void rt_started_release(struct rt_started *started);

#endif
