#ifndef RT_CYCLE_REUSE_H
#define RT_CYCLE_REUSE_H

/*
 * Recorded results that stand for a run with the same key (design section 4, `inputs`), in <ratchet>/results/:
 *
 *   <key>        the observations, one line of JSON. They count only while an accepting entry of this writer's own
 *                chain, among its newest, holds the key and the digest of this line
 *   <key>.tree   what the cell wrote, where others need it; counts in the boot that it was written in
 *   <key>.lock   held shared while a cell looks at the tree, alone by whoever makes or removes it
 *
 * Order of calls for one gating: init, set as the matrix's `reuse`, rt_matrix_run, rt_reuse_note at once after the
 * first run, rt_reuse_keep when the verdict accepts, release when no cell runs any more.
 */

#include "cycle/ledger.h"
#include "cycle/matrix.h"

struct rt_reuse {
	struct rt_home *home;
	bool find;		 /* recorded results may stand for runs */
	bool keep;		 /* green runs are to be recorded */
	bool needs_only;	 /* they stand for what cells need, never for a run that was asked for */
	bool chain_read;	 /* recorded was filled */
	struct rt_strs recorded; /* "KEY DIGEST" of what the chain holds, sorted */
	char machine[RT_SHA256_HEX + 1];
	RT_VEC(struct rt_lock) held; /* on trees that cells look at */
	RT_VEC(struct rt_kept {
		size_t cell;
		char *line; /* to be written when the verdict accepts */
	})
	kept;
};
#define RT_REUSE_INIT \
	{             \
		0     \
	}

/*
 * Called by rt_matrix_run. todo says which cells it means to run, want which of them were asked for; those for which a
 * recorded result stands are filled in and struck from todo, and so is what then nobody needs.
 */
int rt_reuse_apply(struct rt_reuse *reuse, struct rt_matrix *matrix, const bool *want, bool *todo,
		   struct rt_err *err) RT_MUST_USE;
/*
 * Notes the green runs of a matrix (of the cells marked in want; NULL: all) for keeping, in place of what was noted of
 * those cells before; evidence gets a line for each, and for each result that stood. What a warm workspace says where
 * `confirm: clean` covers it is not kept.
 */
void rt_reuse_note(struct rt_reuse *reuse, const struct rt_matrix *matrix, const bool *want, struct rt_strs *evidence);
/* Writes what was noted, and takes over what needed cells wrote. What can't be kept is not an error: it runs again. */
void rt_reuse_keep(struct rt_reuse *reuse, struct rt_matrix *matrix);
/*
 * Removes all but the newest results and trees, and trees beyond the room (bytes, which kept ones lessen; NULL: any);
 * adds how many trees went.
 */
int rt_reuse_sweep(struct rt_home *home, size_t results, size_t trees, uint64_t *room, size_t *removed,
		   struct rt_err *err) RT_MUST_USE;
void rt_reuse_release(struct rt_reuse *reuse);
RT_DEFINE_AUTO(reuse, struct rt_reuse, rt_reuse_release);

#endif
