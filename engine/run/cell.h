#ifndef RT_RUN_CELL_H
#define RT_RUN_CELL_H

/*
 * Running one cell in isolation. The candidate's processes are hostile: they see an allowlist (system directories,
 * tools, caches, all read-only; the workspace; an empty home; a private /tmp; loopback), never the repository, and none
 * of them outlives the cell.
 *
 * Levels, best first. NAMESPACES: own user, mount, pid, ipc, uts, cgroup and network namespaces, a non-zero inner uid,
 * Landlock and seccomp on top. LANDLOCK: Landlock and seccomp without namespaces, a copied workspace, kill by cgroup or
 * subreaper. NONE: only on the operator's word. A level that fails to come up is an error or a step down, never a
 * silent continuation.
 *
 * Order of calls: rt_pool_new, then rt_pool_start as long as there is room, rt_pool_wait for each that ends,
 * rt_pool_free (which kills what still runs). One thread; the pool waits on pidfds and pipes with each cell's own
 * deadline.
 */

#include <stdbool.h>
#include <stdint.h>

#include "model/config.h"
#include "support/buf.h"
#include "support/err.h"

#define RT_ISOLATIONS(X) X(NONE, "none") X(LANDLOCK, "landlock") X(NAMESPACES, "namespaces")
enum rt_isolation {
#define X(name, text) RT_LEVEL_OF_##name,
	RT_ISOLATIONS(X)
#undef X
};
const char *rt_isolation_name(enum rt_isolation level);
/* 0 or -1. */
int rt_isolation_parse(const char *name, enum rt_isolation *out) RT_MUST_USE;

/*
 * What this machine can do, found once by trying it in a child (a few ms). why gets one line for each thing that is
 * missing, with the mend. RATCHET_TEST_ISOLATION=landlock|none in the engine's environment lowers the answer, for
 * tests.
 */
enum rt_isolation rt_isolation_probe(struct rt_strs *why);
/*
 * Before the first probe: a file of the engine's where it keeps that everything works, until the machine boots or what
 * decides it changes, so that not every command tries. Only the best answer is kept. Should it no longer be true, cells
 * end with RT_END_SETUP, never at a lower level, and the file is removed.
 */
void rt_isolation_keep(const char *path);
bool rt_overlay_works(void);
/* What limits memory and processes of a cell on this machine, a sentence. */
const char *rt_cage_describe(void);

/* In the cell, the same in every run: the workspace and the fresh folder that {{report}} lies in. (LANDLOCK, NONE: the
 * host's paths.) */
#define RT_CELL_WORKSPACE "/src"
#define RT_CELL_REPORTS "/out"

struct rt_cell_spec {
	const char *name;
	const char *const *argv; /* NULL-terminated; argv[0] is looked up on the cell's PATH */
	const char *const *env;	 /* additions, NAME=value; the rest is the allowlist: PATH HOME TMPDIR LANG
				    LC_ALL=C.UTF-8 TZ=UTC USER LOGNAME SHELL TERM=dumb */
	const char *const
	    *lowers;	     /* absolute host directories, topmost first; immutable while the cell runs; at least one */
	const char *upper;   /* an empty host directory whose `tree` will hold what the cell wrote, kept for cells that
				need it; NULL: thrown away */
	const char *reports; /* an empty host directory, seen in the cell (writable) as RT_CELL_REPORTS */
	const char *const *tools;  /* absolute host paths, shown read-only at the same path; a directory's own bin (or
				      itself) goes on PATH */
	const char *const *caches; /* absolute host paths, shown read-only at the same path */
	const char *home_of; /* the operator's home: paths of tools and caches below it are shown below the cell's HOME
				too, when not NULL */
	enum rt_network network;
	enum rt_isolation level;	/* the level to use: what the probe gave, or less on the operator's word */
	bool nested;			/* keep user namespaces and mounts available inside */
	int64_t timeout_ms, silence_ms; /* silence 0: off */
	uint64_t tmp_bytes; /* size cap of the private /tmp and of a thrown-away upper; 0: half of the memory */
	uint64_t memory_bytes, max_pids; /* where a cgroup is writable; 0: 3/4 of the memory, pids 4096 */
	int output_fd;			 /* -1, or a file that gets all that is written to the streams, */
	enum rt_streams streams;	 /* as they come where it is both, */
	uint64_t output_max;		 /* up to so many bytes (more: RT_END_LIMIT); 0: 1 GiB */
	void *data;			 /* the caller's */
};

enum rt_end {
	RT_END_EXIT,	/* exit_code is the status */
	RT_END_SIGNAL,	/* exit_code is 128 + signal */
	RT_END_TIMEOUT, /* deadline */
	RT_END_SILENT,	/* no output for silence_ms */
	RT_END_LIMIT,	/* output or another limit */
	RT_END_SETUP	/* the isolation could not be set up: problem says why. Nothing ran. */
};

struct rt_cell_outcome {
	const struct rt_cell_spec *spec;
	enum rt_end end;
	int exit_code;
	enum rt_isolation level; /* reached */
	unsigned leaked;	 /* processes left alive when the command exited; they were killed */
	struct rt_buf log; /* standard output and error as they came: the first 64 KiB, a line saying how much is left
			      out, the last 192 KiB */
	struct rt_buf problem; /* one line; empty unless something is wrong */
	int64_t duration_ms;
	int upper_fd;	    /* directory with what the cell wrote in the workspace (overlay upper, or the whole copied
			       workspace), to read reports from; -1 none */
	bool upper_is_copy; /* upper_fd holds the whole workspace, not only what was written: compare mtimes/ctimes with
			       start */
	int64_t start_ns;   /* wall clock (CLOCK_REALTIME_COARSE floor) at the start, for upper_is_copy */
};
void rt_cell_outcome_free(struct rt_cell_outcome *outcome);
static inline void
rt_auto_cell_outcome(struct rt_cell_outcome **outcome)
{
	rt_cell_outcome_free(*outcome);
}

/* Removes the control groups that an engine that was killed left behind. */
void rt_cages_sweep(void);

struct rt_pool;
struct rt_pool *rt_pool_new(void);
/* Starts a cell; spec and what it points to stay valid until its outcome was freed. */
int rt_pool_start(struct rt_pool *pool, const struct rt_cell_spec *spec, struct rt_err *err) RT_MUST_USE;
/* Cells whose command may still run; one that is being taken down costs the next one no place. */
size_t rt_pool_running(const struct rt_pool *pool);
/* All cells that were started and not yet returned. */
size_t rt_pool_size(const struct rt_pool *pool);
/*
 * Waits for the next cell to end: every process of it is dead and its pipes are drained when this returns it. *out is
 * NULL when until (rt_clock_ms; 0: no limit) came first, or a signal (rt_pool_interrupt) did; with a limit also when a
 * command has ended, so that there is room for another while its cell is taken down.
 */
int rt_pool_wait(struct rt_pool *pool, int64_t until, struct rt_cell_outcome **out, struct rt_err *err) RT_MUST_USE;
/* Kills every running cell and forgets them; the outcomes are not reported. */
void rt_pool_kill(struct rt_pool *pool);
void rt_pool_free(struct rt_pool *pool);
/* Async-signal-safe: makes rt_pool_wait return early. */
void rt_pool_interrupt(void);

/*
 * Makes dir an ordinary directory with the content of the layers (topmost first): for workspaces without overlays, and
 * for squashing. Whiteouts are character devices 0:0, as overlayfs has them; opaque directories carry
 * user.overlay.opaque=y.
 */
int rt_layers_flatten(const char *const *lowers, const char *dir, struct rt_err *err) RT_MUST_USE;

#endif
