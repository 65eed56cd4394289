#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cycle/landing.h"
#include "cycle/open.h"
#include "cycle/settle.h"
#include "cycle/takeback.h"
#include "cycle/tidy.h"
#include "git/worktree.h"
#include "model/intent.h"
#include "support/clock.h"
#include "support/tempname.h"

enum { LOCK_MS = 30000, ID_DIGITS = 12 };

/* What the ledger says of one pending landing. */
struct pending {
	struct rt_home *home;
	char *ref; /* refs/ratchet/pending/<id>-<seq> */
	struct rt_oid commit;
	char id[ID_DIGITS + 1];
	int64_t seq; /* of the ledger's head before it */
	bool intended, closed;
	struct rt_intent intent;
	struct rt_oid old, new;
	char *boot_id;
	struct rt_record record; /* a copy of the facts of INTENT, for the entry that closes it */
};

static void
pending_release(struct pending *p)
{
	free(p->ref);
	free(p->boot_id);
	rt_intent_release(&p->intent);
	rt_record_release(&p->record);
}

static char *
copy(const char *s)
{
	return s ? rt_strdup(s) : NULL;
}

static int
copy_facts(struct pending *p, const struct rt_record *intent, struct rt_err *err)
{
	p->record.id = copy(intent->id);
	p->record.target = copy(intent->target);
	p->record.base = copy(intent->base);
	p->record.candidate = copy(intent->candidate);
	p->record.tree = copy(intent->tree);
	p->record.landed = copy(intent->landed);
	p->record.verdict = copy(intent->verdict);
	p->record.isolation = copy(intent->isolation);
	memcpy(p->record.counts, intent->counts, sizeof(p->record.counts));
	p->boot_id = copy(intent->boot_id);
	if (rt_intent_read(&p->intent, intent, err) < 0)
		return rt_err_while(err, "recovering the landing %s (`git update-ref -d %s` gives it up)", p->id,
				    p->ref);
	memcpy(p->old.hex, p->intent.old, sizeof(p->old.hex));
	memcpy(p->new.hex, p->intent.new, sizeof(p->new.hex));
	return 0;
}

/* Entries about this id newer than the head that stood before it. */
static int
look_at(void *data, const struct rt_oid *at, const struct rt_record *record, struct rt_err *err)
{
	struct pending *p = data;
	(void)at;
	if (record->seq <= p->seq)
		return 1;
	if (!record->id || strcmp(record->id, p->id) != 0)
		return 0;
	if (record->op == RT_OP_OUTCOME || record->op == RT_OP_ABORTED || record->op == RT_OP_REJECTED)
		p->closed = true;
	if (record->op != RT_OP_INTENT)
		return 0;
	p->intended = true;
	return p->closed || copy_facts(p, record, err) == 0 ? 1 : -1;
}

/* ---- stale locks ---- */

static bool
is_dead(const struct pending *p)
{
	return !p->boot_id || strcmp(p->boot_id, rt_boot_id()) != 0 || p->intent.pid == getpid() ||
	       rt_process_start((pid_t)p->intent.pid) != (uint64_t)p->intent.start;
}

/* The target's lock that a killed landing left: its content is empty or the value that was intended. Anything else is
 * somebody else's. */
static int
drop_ref_lock(const struct pending *p, struct rt_strs *found, struct rt_err *err)
{
	rt_auto(free) char *path = rt_format("%s/%s.lock", rt_repo_commondir(p->home->repo), p->intent.ref);
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	if (!rt_exists(AT_FDCWD, path))
		return 0;
	if (rt_file_read(AT_FDCWD, path, 256, &text, err) < 0)
		return -1;
	rt_buf_cut(&text, strcspn(text.data, "\n"));
	if (text.len && strcmp(text.data, p->new.hex) != 0)
		return 0;
	if (unlink(path) < 0 && errno != ENOENT)
		return rt_fail_errno(err, "removing the stale lock %s", path);
	rt_strs_addf(found, "removed the stale lock %s of the interrupted landing %s", path, p->id);
	return 0;
}

static int
drop_locks(const struct pending *p, struct rt_strs *found, struct rt_err *err)
{
	if (!is_dead(p))
		return rt_fail(err, RT_ECONFLICT, "the landing %s is still under way in process %" PRId64, p->id,
			       p->intent.pid);
	return drop_ref_lock(p, found, err);
}

/* ---- completing or undoing ---- */

static int
close_intent(struct pending *p, enum rt_op op, const char *reason, struct rt_err *err)
{
	p->record.op = op;
	if (op == RT_OP_ABORTED) {
		free(p->record.landed);
		p->record.landed = NULL;
		free(p->record.verdict);
		p->record.verdict = rt_strdup(rt_verdict_name(RT_VERDICT_CONFLICT));
	}
	p->record.extra = rt_json_new_object();
	rt_json_set_bool(p->record.extra, "recovered", true);
	if (reason)
		rt_json_set_string(p->record.extra, "reason", reason);
	return rt_ledger_append(p->home, &p->record, NULL, err);
}

/* Puts the work trees back to the old tree: paths that hold the new content; what the user changed meanwhile stays. */
static int
restore(struct pending *p, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf why = RT_BUF_INIT;
	for (size_t i = 0; i < p->intent.worktrees.n; i++)
		if (rt_worktree_restore(p->intent.worktrees.at[i], &p->old, &p->new, rt_clock_ms() + LOCK_MS, &why,
					err) < 0)
			return -1;
	return 0;
}

/* The target is where the landing began: do the move again. 1 moved, 0 a work tree is in the way, -1. */
static int
redo(struct pending *p, struct rt_buf *why, struct rt_err *err)
{
	for (size_t i = 0; i < p->intent.worktrees.n; i++) {
		int moved = rt_worktree_move(p->intent.worktrees.at[i], &p->old, &p->new, NULL, rt_clock_ms() + LOCK_MS,
					     why, err);
		if (moved != 1)
			return moved;
	}
	rt_auto(free) char *message =
	    rt_format("ratchet: %s %s (recovered)", p->intent.back ? "moved back, regressed:" : "landed", p->id);
	int swapped =
	    rt_ref_swap(p->home->repo, p->intent.ref, &p->old, &p->new, message, rt_clock_ms() + LOCK_MS, err);
	if (swapped == RT_SWAP_MOVED)
		rt_buf_adds(why, "the target moved");
	return swapped == RT_SWAPPED ? 1 : swapped == RT_SWAP_MOVED ? 0 : -1;
}

/* Is the target where the move was to bring it? A landing may have others on top by now. */
static int
has_arrived(struct pending *p, const struct rt_oid *now, struct rt_err *err)
{
	if (p->intent.back)
		return rt_oid_equal(now, &p->new);
	return rt_is_ancestor(p->home->repo, &p->new, now, err);
}

static int
close_done(struct pending *p, struct rt_strs *found, struct rt_err *err)
{
	struct rt_move move = {p->intent.ref, &p->old, &p->new, &p->intent.worktrees, p->intent.back};
	rt_strs_addf(found, "completed the interrupted %s %s: %s is at %.12s",
		     p->intent.back ? "moving back" : "landing", p->id, p->intent.ref, p->new.hex);
	if (!p->intent.back)
		return close_intent(p, RT_OP_OUTCOME, NULL, err);
	return rt_take_back_record(p->home, &p->record, &move, err) < 0 ? -1 : rt_open_close(p->home, &p->old, err);
}

static int
complete(struct pending *p, struct rt_strs *found, struct rt_err *err)
{
	struct rt_oid now = {""};
	rt_auto(buf) struct rt_buf why = RT_BUF_INIT;
	if (drop_locks(p, found, err) < 0 || rt_ref_read(p->home->repo, p->intent.ref, &now, err) < 0)
		return -1;
	int done = 0;
	if (now.hex[0]) {
		done = has_arrived(p, &now, err);
		if (done == 0 && rt_oid_equal(&now, &p->old))
			done = redo(p, &why, err);
		else if (done == 0)
			rt_buf_adds(&why, "the target moved");
	}
	if (done)
		return done < 0 ? -1 : close_done(p, found, err);
	if (restore(p, err) < 0)
		return -1;
	rt_strs_addf(found, "undid the interrupted %s %s: %s", p->intent.back ? "moving back" : "landing", p->id,
		     why.data);
	return close_intent(p, RT_OP_ABORTED, why.data, err);
}

struct recovery {
	struct rt_home *home;
	struct rt_strs refs;
	RT_VEC(struct rt_oid) commits;
};

static int
note_pending(void *data, const char *name, const struct rt_oid *oid, struct rt_err *err)
{
	struct recovery *recovery = data;
	(void)err;
	rt_strs_add(&recovery->refs, name);
	*rt_push(&recovery->commits) = *oid;
	return 0;
}

static int
settle_pending(struct rt_home *home, const char *ref, const struct rt_oid *commit, struct rt_strs *found,
	       struct rt_err *err)
{
	struct pending p = {.home = home, .ref = rt_strdup(ref), .commit = *commit};
	int result = 0;
	if (sscanf(ref + strlen(RT_PENDING_REFS), "%12[0-9a-f]-%" SCNd64, p.id, &p.seq) != 2)
		result = rt_fail(err, RT_EIO,
				 "%s is not a pending landing of ratchet; remove it with git update-ref -d", ref);
	if (result == 0 && rt_ledger_walk(home, NULL, look_at, &p, err) < 0)
		result = -1;
	if (result == 0 && p.intended && !p.closed)
		result = complete(&p, found, err);
	else if (result == 0 && !p.intended)
		rt_strs_addf(found, "the proposal %s was interrupted before it landed; nothing had happened", p.id);
	if (result == 0)
		result = rt_pending_drop(home, p.ref, &p.commit, err);
	pending_release(&p);
	return result;
}

int
rt_recover(struct rt_home *home, struct rt_strs *found, struct rt_err *err)
{
	struct recovery recovery = {.home = home};
	int result = rt_tidy(home, found, err);
	if (result == 0)
		result = rt_ref_each(home->repo, RT_PENDING_REFS, note_pending, &recovery, err);
	for (size_t i = 0; i < recovery.refs.n && result == 0; i++)
		result = settle_pending(home, recovery.refs.at[i], &recovery.commits.at[i], found, err);
	rt_strs_release(&recovery.refs);
	free(recovery.commits.at);
	return result;
}
