#ifndef RT_RUN_LIVE_H
#define RT_RUN_LIVE_H

/* Private to engine/run: one cell between its start and its outcome. pool.c has several of them and polls for all. */

#include "run/inner.h"

#define RT_LIVE_KILL_MS 30000  /* without namespaces the supervisor takes up to 20 s */
#define RT_LIVE_STUCK_MS 10000 /* after SIGKILL */
#define RT_LIVE_NEVER INT64_MAX

/* The engine's child that looks after a cell: its keeper, or without namespaces its init. */
struct rt_minder {
	pid_t pid;
	bool busy;	     /* has still to take down what its last cell wrote */
	int pidfd, sock;     /* -1 when it was reaped, when it closed its side */
	struct rt_cage cage; /* the control groups that it is in, and all cells that it serves */
	char *kind;	     /* of cells that it can serve; NULL: this one alone */
};
#define RT_MINDER_INIT                                         \
	{                                                      \
		.pidfd = -1, .sock = -1, .cage = RT_CAGE_INIT, \
	}
/* Kills it and all below it, waits for its end and frees. */
void rt_minder_dismiss(struct rt_minder *minder);

struct rt_live {
	struct rt_cell_outcome outcome; /* first: what the caller frees is the cell */
	struct rt_launch launch;
	struct rt_minder minder;
	struct rt_log log;
	int out, errs;
	bool ready, ended; /* the command runs; the outcome is decided */
	bool idle;	   /* the command and all it started are no more */
	bool over;	   /* so is init; the keeper waits for another cell */
	bool reaped;	   /* the minder is no more, and nothing below it */
	bool full;	   /* no more output is kept */
	unsigned blows;	   /* how often it was killed: the second time is rougher */
	uint64_t written;  /* bytes of output so far */
	int64_t ready_ms, deadline, silent_at, stuck_at, drained_at, tighten_at;
};

struct rt_live *rt_live_new(const struct rt_cell_spec *spec);
/* Starts the cell, by its minder if it has one already. On failure the cell is the caller's to free, as an outcome. */
int rt_live_start(struct rt_live *cell, struct rt_err *err) RT_MUST_USE;
/* Closes what is polled. */
void rt_live_close(struct rt_live *cell);

/* The first problem and the first decision stand. */
void rt_live_problem(struct rt_live *cell, const char *text);
void rt_live_decide(struct rt_live *cell, enum rt_end end, int code);
/* Begins to; the minder's end shows that it is done. */
void rt_live_kill(struct rt_live *cell);

/* Every process of the cell is dead; what is in its pipes is soon read. */
void rt_live_set_down(struct rt_live *cell);

/* What there is to read at sock, and at out or errs. to_file: also to the spec's output_fd. */
void rt_live_read_notes(struct rt_live *cell);
void rt_live_read_output(struct rt_live *cell, int *fd, bool to_file);
/* Acts on the deadlines that are over. */
void rt_live_expire(struct rt_live *cell, int64_t now);

#endif
