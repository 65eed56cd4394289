#include "cycle/tidy.h"

#include <fcntl.h>

#include "cycle/lane.h"
#include "cycle/layers.h"
#include "cycle/ledger.h"
#include "cycle/scratch.h"
#include "git/claim.h"
#include "git/loose.h"
#include "git/quarantine.h"
#include "git/worktree.h"
#include "run/cell.h"
#include "support/clock.h"
#include "support/tempname.h"

enum { LOCK_MS = 30000 };

static int
tidy_locks(struct rt_home *home, struct rt_strs *found, struct rt_err *err)
{
	rt_auto(strs) struct rt_strs removed = {0}, gitdirs = {0};
	if (rt_worktrees_drop_locks(home->repo, &gitdirs, err) < 0)
		return -1;
	for (size_t i = 0; i < gitdirs.n; i++)
		rt_strs_addf(found, "removed the stale lock %s/index.lock of an interrupted command", gitdirs.at[i]);
	if (rt_claim_settle(home->repo, &removed, rt_clock_ms() + LOCK_MS, err) < 0 ||
	    rt_repo_config_settle(home->repo, &removed, rt_clock_ms() + LOCK_MS, err) < 0)
		return -1;
	for (size_t i = 0; i < removed.n; i++)
		rt_strs_addf(found, "removed the stale lock %s of an interrupted command", removed.at[i]);
	return 0;
}

/* Where rt_file_write_durable and the writer of objects leave files when they are killed. */
static int
tidy_files(struct rt_home *home, struct rt_strs *found, struct rt_err *err)
{
	static const char *const below[] = {"", "/verified", "/layers", "/hooks", "/results"};
	rt_auto(free) char *objects = rt_format("%s/objects", rt_repo_commondir(home->repo));
	rt_auto(free) char *witness = rt_witness_dir(home);
	const char *workdir = rt_repo_workdir(home->repo);
	size_t n = 0;
	for (size_t i = 0; i < RT_COUNT(below); i++) {
		rt_auto(free) char *dir = rt_format("%s%s", home->dir, below[i]);
		if (rt_temp_sweep(dir, RT_TEMP_PREFIX, &n, err) < 0)
			return -1;
	}
	if (rt_temp_sweep(objects, RT_LOOSE_PREFIX, &n, err) < 0 ||
	    (witness && rt_temp_sweep(witness, RT_TEMP_PREFIX, &n, err) < 0) ||
	    (workdir && rt_temp_sweep(workdir, RT_TEMP_PREFIX, &n, err) < 0))
		return -1;
	if (n)
		rt_strs_addf(found, "removed %zu temporary files of interrupted commands", n);
	return 0;
}

int
rt_tidy(struct rt_home *home, struct rt_strs *found, struct rt_err *err)
{
	size_t layers = 0, quarantines = 0;
	rt_cages_sweep();
	if (tidy_files(home, found, err) < 0 || rt_layers_tidy(home, &layers, err) < 0)
		return -1;
	if (layers)
		rt_strs_addf(found, "removed %zu half-made layers", layers);
	if (rt_quarantine_sweep(home->repo, &quarantines, err) < 0 || rt_scratch_sweep(&quarantines, err) < 0)
		return -1;
	if (quarantines)
		rt_strs_addf(found, "removed the workspaces of %zu interrupted runs", quarantines);
	return rt_lane_tidy(home, err) < 0 ? -1 : tidy_locks(home, found, err);
}
