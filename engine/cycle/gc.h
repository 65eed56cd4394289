#ifndef RT_CYCLE_GC_H
#define RT_CYCLE_GC_H

/*
 * Retention: what grows with every proposal, and is not the record itself, is dropped by age and size. Entries of a
 * ledger never are; nor is anything of the user's. Runs beside proposals: it takes only what no running one has (a
 * layer or tree that nobody holds, a ref whose id is closed in the ledger), and leaves what it does not get to in its
 * time to the next.
 */

#include "cycle/home.h"

struct rt_gc {
	int64_t age_ms;		/* attempts and evidence older than this go */
	uint64_t evidence_size; /* bytes of evidence kept at most, the newest */
	size_t layers;		/* exported trees kept at most, those used last */
	size_t results;		/* recorded results kept at most */
	uint64_t trees_size;	/* bytes of exported trees, and of what cells and `git:` left, kept at most */
	int64_t time_ms;	/* how long it may take */
	bool dry_run;		/* count refs only, change nothing */
};
#define RT_GC_INIT                                                                                        \
	{                                                                                                 \
		.age_ms = INT64_C(90) * 24 * 3600000, .evidence_size = UINT64_C(256) << 20, .layers = 16, \
		.results = 512, .trees_size = UINT64_C(8) << 30, .time_ms = 60000,                        \
	}

struct rt_gc_done {
	size_t attempts, evidence; /* refs dropped */
	uint64_t evidence_bytes;
	size_t layers, results, packed; /* packed: entries of this writer's chain */
	bool unfinished;		/* the time was over */
};

/* Its own entry (op gc) says what was removed; where nothing was, there is none. */
int rt_gc(struct rt_home *home, const struct rt_gc *gc, struct rt_gc_done *done, struct rt_err *err) RT_MUST_USE;
/* Packs this writer's chain when at least `least` entries came since the last time; adds how many. */
int rt_gc_pack(struct rt_home *home, int64_t least, size_t *packed, struct rt_err *err) RT_MUST_USE;

#endif
