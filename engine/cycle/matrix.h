#ifndef RT_CYCLE_MATRIX_H
#define RT_CYCLE_MATRIX_H

/*
 * Running the cells of a plan on one tree: workspaces from layers, cells in isolation with at most `jobs` at once,
 * reports read after every process of the cell is dead. What a cell wrote is kept as a layer for the cells that need
 * it, until the matrix is released.
 */

#include "cycle/home.h"
#include "cycle/layers.h"
#include "cycle/progress.h"
#include "cycle/trusted.h"
#include "model/plan.h"
#include "run/cell.h"
#include "support/digest.h"

struct rt_cell_state {
	struct rt_run run; /* the newest run; end RT_CELL_NOT_RUN before */
	char *upper;	   /* host directory of what it wrote, or NULL */
	bool whole;	   /* upper holds a whole workspace, not just what was written */
	struct rt_buf log; /* redacted */
	char report_digest[RT_SHA256_HEX + 1];
	char key[RT_SHA256_HEX + 1]; /* of its result (cycle/key.h); "" while it has none */
	bool warm;		     /* its newest run had a warm workspace */
	bool cached;		     /* run is a recorded one */
	enum rt_isolation level;
	int64_t duration_ms;
	unsigned attempts;
};

struct rt_reuse;
struct rt_warm;
struct rt_carry;

/* The throwaway repository of its cells; see cycle/spare.h. */
struct rt_spare {
	struct rt_strs dirs; /* layers, topmost first; none: not made yet */
	struct rt_lock lock; /* shared, on the store */
};

struct rt_kept_stack {
	struct rt_oid tree;
	struct rt_stack stack;
};

struct rt_matrix {
	struct rt_home *home;
	struct rt_repo *repo; /* reads the tree */
	const struct rt_trusted *trusted;
	const struct rt_plan *plan;
	struct rt_oid tree, near;      /* near: for layers; may be "" */
	struct rt_oid head, base_head; /* for cells with `git:`: the commits of the tree and of the target. Set by the
					  caller after init; base_head may be "" */
	struct rt_spare spare;
	enum rt_isolation level;
	const struct rt_warm *warm; /* what lies below warm cells; NULL: every workspace is clean. Likewise */
	bool keep;		    /* what each cell wrote is kept, needed or not */
	const char *const *only;    /* for each cell the id of the one case that is to run, or NULL; NULL: all of all */
	struct rt_reuse *reuse;	    /* recorded results; NULL: everything runs. Set by the caller after init */
	struct rt_carry *carry;	    /* the controls that runs carry (cycle/carry.h); NULL: none. Likewise */
	int carry_mode;		    /* enum rt_carry_mode */
	char *own;		    /* of cells without namespaces (cycle/scratch.h), or NULL */
	char *scratch;		    /* a directory for uppers and reports */
	const char *label;	    /* the last part of it */
	struct rt_progress progress;
	struct rt_cell_state *cells;	       /* as many as the plan has */
	RT_VEC(struct rt_kept_stack *) stacks; /* of the trees that its cells saw, each with its shared lock */
	struct {
		struct rt_oid whole, part; /* the tree, or what inputs leave of it; "": none yet */
	} exported;			   /* the base's layers that those of the candidate lie on */
	struct job **jobs;		   /* a run under way, by cell; private */
	int64_t busy_ms;		   /* wall time in which at least one cell ran */
};

/* Borrowed arguments stay valid until release. scratch/<label> is made. */
int rt_matrix_init(struct rt_matrix *matrix, struct rt_home *home, struct rt_repo *repo,
		   const struct rt_trusted *trusted, const struct rt_plan *plan, const struct rt_oid *tree,
		   const struct rt_oid *near, enum rt_isolation level, const char *scratch, const char *label,
		   struct rt_progress progress, struct rt_err *err) RT_MUST_USE;
/*
 * Runs the cells marked in want, and what they need that has not run green. A cell that ran before runs again when
 * marked. Returns 0 when all ended, whatever their ends.
 */
int rt_matrix_run(struct rt_matrix *matrix, const bool *want, struct rt_err *err) RT_MUST_USE;
void rt_matrix_release(struct rt_matrix *matrix);
/* Whole evidence, and no case of it failed. */
bool rt_cell_green(const struct rt_cell_state *state);
/* Async-signal-safe: running cells are killed and rt_matrix_run returns an error. */
void rt_matrix_stop(void);

#endif
