#ifndef RT_RUN_LIVE_H
#define RT_RUN_LIVE_H

/* Private to engine/run: one cell between its start and its outcome. pool.c has several of them and polls for all. */

#include "run/inner.h"

#define RT_LIVE_KILL_MS 30000  /* without namespaces the supervisor takes up to 20 s */
#define RT_LIVE_STUCK_MS 10000 /* after SIGKILL to init */
#define RT_LIVE_NEVER INT64_MAX

struct rt_live {
	struct rt_cell_outcome outcome; /* first: what the caller frees is the cell */
	struct rt_launch launch;
	struct rt_cage cage;
	struct rt_log log;
	pid_t pid;
	int pidfd, sock, out, errs;
	bool ready, reaped, ended; /* the command runs; init is no more; the outcome is decided */
	bool idle;		   /* the command and all it started are no more */
	struct rt_spaces spaces;   /* lent to the next cell, if it is quiet */
	bool quiet;
	bool full;	  /* no more output is kept */
	unsigned blows;	  /* how often it was killed: the second time is rougher */
	uint64_t written; /* bytes of output so far */
	int64_t ready_ms, deadline, silent_at, stuck_at, drained_at;
};

struct rt_live *rt_live_new(const struct rt_cell_spec *spec);
/* Starts init and lets it go on. On failure the cell is the caller's to free, as an outcome. */
int rt_live_start(struct rt_live *cell, struct rt_err *err) RT_MUST_USE;
/* Closes what is polled. */
void rt_live_close(struct rt_live *cell);

/* The first problem and the first decision stand. */
void rt_live_problem(struct rt_live *cell, const char *text);
void rt_live_decide(struct rt_live *cell, enum rt_end end, int code);
/* Begins to; init's end shows that it is done. */
void rt_live_kill(struct rt_live *cell);

/* What there is to read at sock, and at out or errs. to_file: also to the spec's output_fd. */
void rt_live_read_notes(struct rt_live *cell);
void rt_live_read_output(struct rt_live *cell, int *fd, bool to_file);
/* Acts on the deadlines that are over. */
void rt_live_expire(struct rt_live *cell, int64_t now);

#endif
