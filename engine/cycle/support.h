#ifndef RT_CYCLE_SUPPORT_H
#define RT_CYCLE_SUPPORT_H

/*
 * The support run: weakened tests are seen. Where a proposal creates, changes or deletes a support path (the globs
 * under `support:`), the cells that those paths reach also run the candidate's code with the target's own support
 * files: the candidate's tree with every changed support path as the target has it. A case of the baseline that runs
 * there and fails refuses the proposal; old files that no longer build or collect are reported, and refused under
 * `support_changes: strict`. Claims of renames (`Ratchet-Rename:` trailers), and cases whose id
 * follows a file that moved, hold only where OLD passes in that run. Findings follow their file without it. Where
 * nothing but support files changed and no id moved, the mixed tree is the target's own, and no run is made of it.
 */

#include "cycle/trials.h"
#include "model/moves.h"

struct rt_support {
	struct rt_gate *gate;	   /* borrowed */
	struct rt_strs changed;	   /* support paths that the proposal touches */
	struct rt_oid tree;	   /* the mixed tree; "" where no support path changed */
	struct rt_rename *renames; /* claims, and ids that moved with a file; once it ran, those that hold come first */
	size_t n_renames, n_claims; /* the claims come first */
	struct rt_moved moved;	    /* findings that moved with a file */
	bool staged;		    /* only the staged tree is judged: nothing is run for it here */
	struct rt_support_judgement judgement;
	bool watched;	/* a path under `watch:` changed */
	bool ran, same; /* same: the mixed tree is the target's, so that its baseline says what a run would */
	int64_t busy_ms;
};

/*
 * Finds the changed paths, makes the mixed tree, and reads the claims of renames and what moved, which input then
 * names. A malformed claim is a refusal in the gate's report.
 */
int rt_support_init(struct rt_support *support, struct rt_judge_input *input, struct rt_err *err) RT_MUST_USE;
/* Is there anything that a support run decides? */
bool rt_support_wanted(const struct rt_support *support);
/* Runs and judges; input->n_renames falls by the claims that were not borne out. */
int rt_support_run(struct rt_support *support, const struct rt_trials *trials, struct rt_judge_input *input,
		   struct rt_err *err) RT_MUST_USE;
/* Writes what was found into the gate's report, and what it means for the verdict. Call it after the verdict is set. */
void rt_support_report(struct rt_support *support);
void rt_support_release(struct rt_support *support);
RT_DEFINE_AUTO(support, struct rt_support, rt_support_release);

#endif
