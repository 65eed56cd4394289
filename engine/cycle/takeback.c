#include "cycle/takeback.h"

#include <string.h>

#include "cycle/lane.h"
#include "cycle/settle.h"
#include "git/reflock.h"
#include "git/worktree.h"
#include "support/clock.h"

enum { LOCK_MS = 30000 };

struct takeback {
	const struct rt_takeback *of;
	struct rt_strs worktrees;
	struct rt_move move;
	char *pending;
	struct rt_buf *why;
	bool intended;
};

static int
keep_rejected(struct takeback *t, struct rt_err *err)
{
	rt_auto(free) char *ref = rt_format("refs/ratchet/rejected/%s", t->of->report->id);
	int swapped = rt_ref_swap(t->of->home->repo, ref, NULL, &t->of->new, "rejected", rt_clock_ms() + LOCK_MS, err);
	if (swapped == RT_SWAP_MOVED)
		return rt_fail(err, RT_EINTERNAL, "%s exists", ref);
	return swapped == RT_SWAPPED ? 0 : -1;
}

static int
pend(struct takeback *t, struct rt_err *err)
{
	return rt_pending_write(t->of->home, t->of->report->id, &t->of->new, &t->pending, err);
}

static int
unpend(struct takeback *t, struct rt_err *err)
{
	return rt_pending_drop(t->of->home, t->pending, &t->of->new, err);
}

static void
fill(const struct takeback *t, struct rt_record *record)
{
	const struct rt_report *report = t->of->report;
	record->id = rt_strdup(report->id);
	record->target = report->target ? rt_strdup(report->target) : NULL;
	record->base = rt_strdup(t->of->old.hex);
	record->candidate = rt_strdup(t->of->new.hex);
	record->tree = rt_strdup(report->tree.hex);
	record->verdict = rt_strdup(rt_verdict_name(report->verdict));
	record->isolation = report->isolation ? rt_strdup(report->isolation) : NULL;
}

/* The commit point. */
static int
intend(struct takeback *t, struct rt_err *err)
{
	rt_auto(record) struct rt_record record = RT_RECORD_INIT;
	fill(t, &record);
	record.op = RT_OP_INTENT;
	record.extra = rt_move_facts(&t->move);
	/* also when it fails: the entry may be there although its directory could not be synced */
	t->intended = true;
	return rt_ledger_append(t->of->home, &record, NULL, err);
}

/* Puts the work trees before n back to what was merged. */
static int
undo_moves(struct takeback *t, size_t n, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf ignored = RT_BUF_INIT;
	for (size_t i = n; i-- > 0;)
		if (rt_worktree_move(t->worktrees.at[i], &t->of->old, &t->of->new, NULL, rt_clock_ms() + LOCK_MS,
				     &ignored, err) < 0)
			return -1;
	return 1;
}

/* Work trees and index first, then the branch, under git's own lock on it. 1: something is in the way. */
static int
move(struct takeback *t, struct rt_err *err)
{
	struct rt_repo *repo = t->of->home->repo;
	rt_auto(ref_lock) struct rt_ref_lock *lock = NULL;
	rt_auto(free) char *message = rt_format("ratchet: moved back, %s regressed", t->of->report->id);
	int64_t deadline = rt_clock_ms() + LOCK_MS;
	struct rt_oid now;
	int taken = rt_ref_lock_take(&lock, repo, t->of->ref, deadline, err);
	if (taken == RT_SWAP_LOCKED)
		rt_buf_adds(t->why, err->text);
	if (taken != RT_SWAPPED)
		return taken == RT_SWAP_LOCKED ? 1 : -1;
	if (rt_ref_read(repo, t->of->ref, &now, err) < 0)
		return -1;
	if (!rt_oid_equal(&now, &t->of->new)) {
		rt_buf_addf(t->why, "%s moved on meanwhile", t->of->ref);
		return 1;
	}
	for (size_t i = 0; i < t->worktrees.n; i++) {
		int moved = rt_worktree_move(t->worktrees.at[i], &t->of->new, &t->of->old, NULL, deadline, t->why, err);
		if (moved != 1)
			return moved < 0 ? -1 : undo_moves(t, i, err);
	}
	return rt_ref_lock_commit(lock, &t->of->old, message, err);
}

int
rt_take_back_record(struct rt_home *home, struct rt_record *record, const struct rt_move *move, struct rt_err *err)
{
	record->op = RT_OP_REJECTED;
	rt_json_free(record->extra);
	record->extra = rt_json_new_object();
	rt_json_set_string(record->extra, "kind", "post-merge");
	rt_json_set_string(record->extra, "ref", move->ref);
	rt_json_set_string(record->extra, "old", move->old->hex);
	rt_json_set_string(record->extra, "new", move->new->hex);
	return rt_ledger_append(home, record, NULL, err);
}

static int
conclude(struct takeback *t, struct rt_err *err)
{
	rt_auto(record) struct rt_record record = RT_RECORD_INIT;
	fill(t, &record);
	return rt_take_back_record(t->of->home, &record, &t->move, err);
}

/* As in a landing: 0 done, 1 it can't be done, -1. What fails after INTENT is completed by recovery. */
static const struct step {
	const char *name;
	int (*run)(struct takeback *, struct rt_err *);
	int (*undo)(struct takeback *, struct rt_err *);
} steps[] = {
    {"keeping what was merged", keep_rejected, NULL},  {"writing the pending ref", pend, unpend},
    {"writing the INTENT entry", intend, NULL},	       {"moving the target back", move, NULL},
    {"writing the entry of the move", conclude, NULL}, {"dropping the pending ref", unpend, NULL},
};

static int
give_up(struct takeback *t, struct rt_err *err)
{
	rt_auto(record) struct rt_record record = RT_RECORD_INIT;
	fill(t, &record);
	record.op = RT_OP_ABORTED;
	record.extra = rt_json_new_object();
	rt_json_set_string(record.extra, "reason", t->why->data);
	if (rt_ledger_append(t->of->home, &record, NULL, err) < 0)
		return -1;
	return unpend(t, err);
}

static int
go(struct takeback *t, struct rt_err *err)
{
	int result = 0;
	for (size_t i = 0; i < RT_COUNT(steps) && result == 0; i++) {
		struct rt_err ignored = RT_ERR_INIT;
		result = steps[i].run(t, err);
		if (result < 0)
			rt_err_while(err, "%s", steps[i].name);
		for (size_t done = i; result < 0 && !t->intended && done-- > 0;)
			if (steps[done].undo && steps[done].undo(t, &ignored) < 0)
				break; /* the next command's recovery finds the pending ref */
	}
	if (result > 0)
		return give_up(t, err) < 0 ? -1 : 0;
	return result < 0 ? -1 : 1;
}

int
rt_take_back(struct rt_takeback *takeback, struct rt_buf *why, struct rt_err *err)
{
	rt_auto(lock) struct rt_lock lane = RT_LOCK_INIT;
	rt_auto(buf) struct rt_buf holder = RT_BUF_INIT;
	rt_auto(strs) struct rt_strs found = {0};
	struct takeback t = {.of = takeback, .why = why};
	int busy = rt_lane_take(takeback->home, &lane, "git merge", LOCK_MS, &holder, err);
	if (busy > 0)
		rt_buf_addf(why, "a proposal is under way: %.*s", (int)strcspn(holder.data, "\n"), holder.data);
	if (busy)
		return busy > 0 ? 0 : -1;
	if (rt_recover(takeback->home, &found, err) < 0)
		return -1;
	t.move = (struct rt_move){takeback->ref, &takeback->new, &takeback->old, &t.worktrees, true};
	int result = rt_worktrees_on(takeback->home->repo, takeback->ref, &t.worktrees, err);
	if (result == 0)
		result = go(&t, err);
	rt_strs_release(&t.worktrees);
	free(t.pending);
	return result;
}
