#include "cycle/pending.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "model/intent.h"
#include "support/clock.h"
#include "support/tempname.h"

enum { LOCK_MS = 30000 };

int
rt_pending_write(struct rt_home *home, const char *id, const struct rt_oid *commit, char **ref, struct rt_err *err)
{
	struct rt_head head;
	if (rt_ledger_head(home, &head, err) < 0)
		return -1;
	*ref = rt_format(RT_PENDING_REFS "%s-%" PRId64, id, head.seq);
	int swapped = rt_ref_swap(home->repo, *ref, NULL, commit, "pending", rt_clock_ms() + LOCK_MS, err);
	if (swapped == RT_SWAP_MOVED)
		return rt_fail(err, RT_EINTERNAL, "%s exists", *ref);
	return swapped == RT_SWAPPED ? 0 : -1;
}

int
rt_pending_drop(struct rt_home *home, const char *ref, const struct rt_oid *commit, struct rt_err *err)
{
	int swapped = rt_ref_swap(home->repo, ref, commit, NULL, "", rt_clock_ms() + LOCK_MS, err);
	return swapped == RT_SWAPPED || swapped == RT_SWAP_MOVED ? 0 : -1;
}

struct rt_json *
rt_move_facts(const struct rt_move *move)
{
	pid_t pid = getpid();
	struct rt_intent intent = {
	    .worktrees = *move->worktrees, .back = move->back, .pid = pid, .start = (int64_t)rt_process_start(pid)};
	rt_auto(free) char *ref = rt_strdup(move->ref);
	intent.ref = ref;
	memcpy(intent.old, move->old->hex, sizeof(intent.old));
	memcpy(intent.new, move->new->hex, sizeof(intent.new));
	return rt_intent_json(&intent);
}
