#include <string.h>

#include "cycle/hook.h"
#include "cycle/ledger.h"
#include "git/reflock.h"
#include "git/worktree.h"
#include "support/clock.h"

enum { LOCK_MS = 30000 };

/* What a merge brought in: the branch went from old to new. */
struct merge {
	struct rt_hook *hook;
	struct rt_buf ref;
	struct rt_oid old, new;
};

/* ---- taking it back ---- */

static int
keep_rejected(struct merge *m, struct rt_err *err)
{
	rt_auto(free) char *ref = rt_format("refs/ratchet/rejected/%s", m->hook->report.id);
	int swapped = rt_ref_swap(m->hook->home->repo, ref, NULL, &m->new, "rejected", rt_clock_ms() + LOCK_MS, err);
	if (swapped == RT_SWAP_MOVED)
		return rt_fail(err, RT_EINTERNAL, "%s exists", ref);
	return swapped == RT_SWAPPED ? 0 : -1;
}

/*
 * Work trees and index first, then the branch, under git's own lock on it. 1 done; 0 something is in the way, and why
 * says what; -1.
 */
static int
move_back(struct merge *m, struct rt_buf *why, struct rt_err *err)
{
	struct rt_repo *repo = m->hook->home->repo;
	rt_auto(ref_lock) struct rt_ref_lock *lock = NULL;
	rt_auto(strs) struct rt_strs worktrees = {0};
	rt_auto(free) char *message = rt_format("ratchet: moved back, %s regressed", m->hook->report.id);
	int64_t deadline = rt_clock_ms() + LOCK_MS;
	struct rt_oid now;
	if (rt_worktrees_on(repo, m->ref.data, &worktrees, err) < 0)
		return -1;
	int taken = rt_ref_lock_take(&lock, repo, m->ref.data, deadline, err);
	if (taken == RT_SWAP_LOCKED)
		rt_buf_adds(why, err->text);
	if (taken != RT_SWAPPED)
		return taken == RT_SWAP_LOCKED ? 0 : -1;
	if (rt_ref_read(repo, m->ref.data, &now, err) < 0)
		return -1;
	if (!rt_oid_equal(&now, &m->new)) {
		rt_buf_addf(why, "%s moved on meanwhile", m->ref.data);
		return 0;
	}
	for (size_t i = 0; i < worktrees.n; i++) {
		int moved = rt_worktree_move(worktrees.at[i], &m->new, &m->old, deadline, why, err);
		if (moved != 1)
			return moved;
	}
	return rt_ref_lock_commit(lock, &m->old, message, err) < 0 ? -1 : 1;
}

/* The entry of the move itself; the judgement has its own. */
static int
record_rejected(struct merge *m, struct rt_err *err)
{
	rt_auto(record) struct rt_record record = RT_RECORD_INIT;
	const struct rt_report *report = &m->hook->report;
	record.op = RT_OP_REJECTED;
	record.id = rt_strdup(report->id);
	record.target = report->target ? rt_strdup(report->target) : NULL;
	record.base = rt_strdup(m->old.hex);
	record.candidate = rt_strdup(m->new.hex);
	record.tree = rt_strdup(report->tree.hex);
	record.verdict = rt_strdup(rt_verdict_name(report->verdict));
	record.isolation = report->isolation ? rt_strdup(report->isolation) : NULL;
	record.extra = rt_json_new_object();
	rt_json_set_string(record.extra, "kind", "post-merge");
	rt_json_set_string(record.extra, "ref", m->ref.data);
	rt_json_set_string(record.extra, "old", m->new.hex);
	rt_json_set_string(record.extra, "new", m->old.hex);
	return rt_ledger_append(m->hook->home, &record, NULL, err);
}

static int
take_back(struct merge *m, struct rt_err *err)
{
	struct rt_hook *hook = m->hook;
	rt_auto(buf) struct rt_buf why = RT_BUF_INIT;
	if (keep_rejected(m, err) < 0)
		return -1;
	int moved = move_back(m, &why, err);
	if (moved < 0)
		return -1;
	if (moved) {
		rt_buf_addf(
		    &hook->say,
		    "ratchet: %s is back at %.12s; what came in (%.12s) is kept at refs/ratchet/rejected/%s, and "
		    "`ratchet explain %s` tells more\n",
		    m->ref.data, m->old.hex, m->new.hex, hook->report.id, hook->report.id);
		return record_rejected(m, err) < 0 ? -1 : rt_open_close(hook->home, &m->new, err);
	}
	rt_buf_addf(&hook->say,
		    "ratchet: %s could not be moved back to %.12s:\n%s\n"
		    "ratchet: until it is, commits, pushes and proposals stay blocked; `git reset --keep %s` does it\n",
		    m->ref.data, m->old.hex, why.data, m->old.hex);
	if (rt_open_close(hook->home, &m->new, err) < 0)
		return -1;
	return rt_open_write(hook->home, RT_OPEN_REGRESSED, m->ref.data, &m->old, &m->new, err);
}

/* ---- what came in ---- */

/* Is there something to judge? 1, 0, -1. The target is what the commit before the merge says, not what came in. */
static int
find_merge(struct merge *m, struct rt_err *err)
{
	struct rt_home *home = m->hook->home;
	rt_auto(buf) struct rt_buf head_ref = RT_BUF_INIT;
	rt_auto(config) struct rt_config config = RT_CONFIG_INIT;
	if (rt_head(home->repo, &head_ref, &m->new, err) < 0)
		return -1;
	int found = rt_ref_read(home->repo, "ORIG_HEAD", &m->old, err);
	if (found <= 0 || rt_oid_equal(&m->old, &m->new) || !head_ref.len)
		return found < 0 ? -1 : 0;
	int configured = rt_hook_config(home, &m->old, &config, err);
	if (configured <= 0)
		return configured;
	if (rt_hook_target(home, &m->old, &m->ref, err) < 0)
		return -1;
	if (strcmp(head_ref.data, m->ref.data) != 0)
		return 0;
	int descends = rt_is_ancestor(home->repo, &m->old, &m->new, err);
	if (descends == 0)
		return rt_fail(
		    err, RT_EUNKNOWN,
		    "%s does not descend from ORIG_HEAD, so it can't be told what came in; run `ratchet check`",
		    m->ref.data);
	return descends;
}

/* The open entry stands before the judgement begins, so that an interrupted one leaves it. */
static int
open_it(struct merge *m, struct rt_err *err)
{
	struct rt_open open = {.id = ""};
	int found = rt_open_find(m->hook->home, m->ref.data, &open, err);
	if (found < 0 || (found && rt_oid_equal(&open.new, &m->new)))
		return found < 0 ? -1 : 0;
	return rt_open_write(m->hook->home, RT_OPEN_MERGED, m->ref.data, &m->old, &m->new, err);
}

static int
judge_merge(struct merge *m, struct rt_err *err)
{
	struct rt_hook *hook = m->hook;
	int accepted = rt_accepted(hook->home, &m->new, false, err);
	if (accepted)
		return accepted < 0 ? -1 : rt_open_close(hook->home, &m->new, err);
	if (open_it(m, err) < 0)
		return -1;
	struct rt_check_request request = {
	    .head = m->new.hex, .base = m->old.hex, .target = m->ref.data, .as_is = true, .history = true};
	int code = rt_hook_judge(hook, &request, err);
	if (code < 0)
		return -1;
	if (code == 0)
		return rt_open_close(hook->home, &m->new, err);
	if (hook->report.verdict == RT_VERDICT_REGRESSED)
		return take_back(m, err) < 0 ? -1 : code;
	rt_buf_addf(&hook->say,
		    "ratchet: %s holds it nevertheless; commits, pushes and proposals stay blocked until `ratchet "
		    "check` accepts it. "
		    "`git reset --keep %s` takes it back\n",
		    m->ref.data, m->old.hex);
	return code;
}

/* git ignores what this returns; the branch itself is moved back. */
int
rt_hook_merge(struct rt_hook *hook, struct rt_err *err)
{
	struct merge m = {.hook = hook, .ref = RT_BUF_INIT};
	if (hook->n_args && strcmp(hook->args[0], "1") == 0)
		return 0; /* a squash merge: nothing is committed yet */
	int found = find_merge(&m, err);
	int code = found == 1 ? judge_merge(&m, err) : found;
	rt_buf_release(&m.ref);
	return code;
}
