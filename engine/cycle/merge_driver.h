#ifndef RT_CYCLE_MERGE_DRIVER_H
#define RT_CYCLE_MERGE_DRIVER_H

/*
 * Merges of baseline files: they join (model/baseline.h), so that two branches that raised the baseline never conflict
 * on it and lose nothing. git asks the program that merge.ratchet.driver names; merges that the engine makes by itself
 * ask in the process. Where a file can't be read (conflict markers, another format), its text is merged as git would.
 *
 * A join is a promise, not a measurement: what a merged baseline claims is run before it lands.
 */

#include "cycle/home.h"
#include "model/config.h"

/* merge.ratchet.driver in the repository's own configuration; the binary is an absolute path. Idempotent, and mends;
 * nothing in a bare repository, where nobody merges. `ratchet init --undo` restores what was there. */
int rt_merge_driver_install(struct rt_home *home, const char *binary, struct rt_strs *did,
			    struct rt_err *err) RT_MUST_USE;
int rt_merge_driver_undo(struct rt_home *home, struct rt_strs *did, struct rt_err *err) RT_MUST_USE;
/* What differs from that: a sentence each with its mend. */
int rt_merge_driver_compare(struct rt_home *home, const char *binary, struct rt_strs *differences,
			    struct rt_err *err) RT_MUST_USE;
/* A sentence with its mend where no attribute gives the baseline's files to the driver, as init commits it. */
int rt_merge_driver_attribute(struct rt_home *home, const struct rt_config *config, struct rt_buf *missing,
			      struct rt_err *err) RT_MUST_USE;
/* The repository's merges of trees join the baseline files of this configuration, which must outlive the repository. */
void rt_merge_driver_use(struct rt_repo *repo, const struct rt_config *config);

/* The three versions of a file, as git writes them into temporary ones: paths below the directory `at`. */
struct rt_merge_driver_run {
	int at;
	const char *base, *ours, *theirs;
	struct rt_buf why; /* why they do not join */
};
/* Replaces ours by the join: 1; or by git's merge of the texts, with markers where it conflicts: 0; -1. */
int rt_merge_driver_run(struct rt_merge_driver_run *run, struct rt_err *err) RT_MUST_USE;

#endif
