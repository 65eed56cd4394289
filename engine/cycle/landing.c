#include "cycle/landing.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "cycle/pending.h"
#include "cycle/seen.h"
#include "git/reflock.h"
#include "git/worktree.h"
#include "support/defence.h"
#include "support/clock.h"

/* How long other programs' locks on the target and on an index are waited for. */
enum { LOCK_MS = 30000 };

/* ---- the commit that lands ---- */

/* Is the last paragraph of the message, which is not its first, all trailers? Then one more goes right below. */
static bool
ends_in_trailers(const char *message)
{
	const char *paragraph = NULL;
	for (const char *p = message; (p = strstr(p, "\n\n")); p++)
		if (p[2] && p[2] != '\n')
			paragraph = p + 2;
	if (!paragraph)
		return false;
	for (const char *line = paragraph; *line;) {
		size_t key = 0, len = strcspn(line, "\n");
		while (isalnum((unsigned char)line[key]) || line[key] == '-')
			key++;
		if (!key || line[key] != ':')
			return false;
		line += len + (line[len] == '\n');
	}
	return true;
}

/* The message with the ledger's head as a trailer: an anchor outside the chain, by which a chain that was cut short is
 * noticed. */
static char *
anchored_message(const char *message, const char *writer, const struct rt_head *head)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	rt_buf_adds(&text, message);
	while (text.len && text.data[text.len - 1] == '\n')
		rt_buf_cut(&text, text.len - 1);
	rt_buf_adds(&text, ends_in_trailers(message) ? "\n" : "\n\n");
	rt_buf_addf(&text, "Ratchet-Ledger: %s %" PRId64 " %s\n", writer, head->seq, head->digest);
	return rt_buf_steal(&text);
}

static void
copy_commit(struct rt_commit *to, const struct rt_commit *from)
{
	to->n_parents = from->n_parents;
	to->parents = rt_alloc(from->n_parents + 1, sizeof(*to->parents));
	for (size_t i = 0; i < from->n_parents; i++)
		to->parents[i] = from->parents[i];
	to->author = rt_strdup(from->author);
	to->committer = rt_strdup(from->committer);
	to->encoding = from->encoding ? rt_strdup(from->encoding) : NULL;
}

/* The baseline goes into the last replayed commit, or into one commit on top where the proposer's ids are kept. */
static int
fold(struct rt_landing *l, struct rt_err *err)
{
	struct rt_repo *repo = rt_quarantine_repo(l->gate->quarantine);
	struct rt_head head;
	rt_auto(free) char *message = NULL;
	struct rt_oid tree;
	if (rt_baseline_commit_tree(repo, &l->gate->tree, &l->gate->trusted.config, &l->gate->raised, &tree, err) < 0 ||
	    rt_ledger_head(l->home, &head, err) < 0)
		return -1;
	bool on_top = l->intake->kept || l->intake->n == 0;
	if (on_top && rt_oid_equal(&tree, &l->gate->tree)) {
		l->new = l->intake->tip;
		return rt_oid_equal(&l->new, &l->old) ? RT_LAND_NOTHING : 0;
	}
	if (on_top) {
		l->last.parents = rt_alloc(1, sizeof(*l->last.parents));
		l->last.parents[0] = l->intake->tip;
		l->last.n_parents = 1;
		l->last.author = rt_strdup(l->intake->committer.data);
		l->last.committer = rt_strdup(l->intake->committer.data);
		message = rt_format("baseline: raise to what %s showed\n", l->gate->report.id);
	} else {
		copy_commit(&l->last, &l->intake->commits[l->intake->n - 1]);
		message = rt_strdup(l->intake->commits[l->intake->n - 1].message);
	}
	l->last.tree = tree;
	l->last.message = anchored_message(message, l->home->writer, &head);
	if (rt_commit_write(repo, &l->last, err) < 0)
		return -1;
	l->new = l->last.id;
	return 0;
}

static int
outside_baseline(void *data, const struct rt_change_of *change, struct rt_err *err)
{
	const struct rt_landing *l = data;
	if (rt_config_in_baseline(&l->gate->trusted.config, change->path))
		return 0;
	return rt_fail(err, RT_EINTERNAL, "%s differs between the tested and the landing tree", change->path);
}

/* Invariant 1: what lands is what was tested, but for the baseline, and that is what the judge said. */
static int
prove_in(struct rt_landing *l, struct rt_repo *repo, struct rt_err *err)
{
	rt_auto(commit) struct rt_commit commit = {0};
	rt_auto(baseline) struct rt_baseline written = RT_BASELINE_INIT;
	if (rt_commit_read(repo, &l->new, &commit, err) < 0)
		return -1;
	if (rt_tree_diff(repo, &l->gate->tree, &commit.tree, false, outside_baseline, l, err) < 0)
		return -1;
	if (rt_trusted_baseline(&written, repo, &commit.tree, &l->gate->trusted.config, err) < 0)
		return -1;
	rt_auto(buf) struct rt_buf have = RT_BUF_INIT, want = RT_BUF_INIT;
	rt_baseline_write(&written, NULL, &have);
	rt_baseline_write(&l->gate->raised, NULL, &want);
	if (have.len != want.len || memcmp(have.data, want.data, have.len) != 0)
		return rt_fail(err, RT_EINTERNAL, "the baseline in the landing tree is not the join that was judged");
	return 0;
}

static int
prove(struct rt_landing *l, struct rt_err *err)
{
	return prove_in(l, rt_quarantine_repo(l->gate->quarantine), err);
}

/* To the quarantine, so that it becomes durable with the other objects, in one wait for the disk. */
static int
write_evidence(struct rt_landing *l, struct rt_err *err)
{
	l->gate->report.landed = l->new;
	rt_gate_verdict(l->gate, l->gate->adoption ? RT_VERDICT_ADOPTED : RT_VERDICT_LANDED, NULL);
	return rt_report_write(&l->gate->report, rt_quarantine_repo(l->gate->quarantine), &l->evidence, l->digest, err);
}

static int
promote(struct rt_landing *l, struct rt_err *err)
{
	return rt_quarantine_promote(l->gate->quarantine, err);
}

static int
keep_evidence(struct rt_landing *l, struct rt_err *err)
{
	return rt_evidence_keep(l->home, l->gate->report.id, &l->evidence, err);
}

/* ---- pending, INTENT ---- */

static int
pend(struct rt_landing *l, struct rt_err *err)
{
	return rt_pending_write(l->home, l->gate->report.id, &l->new, &l->pending, err);
}

static int
unpend(struct rt_landing *l, struct rt_err *err)
{
	return rt_pending_drop(l->home, l->pending, &l->new, err);
}

static int
append(struct rt_landing *l, enum rt_op op, struct rt_json *extra, struct rt_err *err)
{
	rt_auto(record) struct rt_record record = RT_RECORD_INIT;
	rt_gate_fill(l->gate, op, l->digest, &record);
	if (extra && record.extra)
		rt_json_set_int(extra, "gained", rt_json_get_int(record.extra, "gained", 0));
	if (extra) {
		rt_json_free(record.extra);
		record.extra = extra;
	}
	return rt_ledger_append(l->home, &record, &l->gate->report.ledger, err);
}

/* The commit point. */
static int
intend(struct rt_landing *l, struct rt_err *err)
{
	struct rt_move move = {.ref = l->ref, .old = &l->old, .new = &l->new, .worktrees = &l->worktrees};
	/* also when it fails: the entry may be there although its directory could not be synced */
	l->intended = true;
	return append(l, RT_OP_INTENT, rt_move_facts(&move), err);
}

/* ---- the move ---- */

static int
move_back(struct rt_landing *l, size_t n, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf why = RT_BUF_INIT;
	for (size_t i = n; i-- > 0;)
		if (rt_worktree_move(l->worktrees.at[i], &l->new, &l->old, NULL, rt_clock_ms() + LOCK_MS, &why, err) <
		    0)
			return -1;
	return 0;
}

/* Work trees and index first, then the ref: a crash between shows the user staged new content, never a staged revert.
 */
static int
move(struct rt_landing *l, struct rt_err *err)
{
	rt_auto(ref_lock) struct rt_ref_lock *lock = NULL;
	struct rt_oid now;
	int64_t deadline = rt_clock_ms() + LOCK_MS;
	int taken = rt_ref_lock_take(&lock, l->home->repo, l->ref, deadline, err);
	if (taken == RT_SWAP_LOCKED) {
		rt_buf_adds(&l->why, err->text);
		return RT_LAND_DIRTY;
	}
	if (taken < 0)
		return -1;
	int found = rt_ref_read(l->home->repo, l->ref, &now, err);
	if (found < 0)
		return -1;
	if (!found || (!rt_oid_equal(&now, &l->old) && rt_defended(SWAP)))
		return RT_LAND_MOVED;
	for (size_t i = 0; i < l->worktrees.n; i++) {
		int moved =
		    rt_worktree_move(l->worktrees.at[i], &l->old, &l->new, &l->home->seen, deadline, &l->why, err);
		if (moved < 0 && err->code == RT_ECONFLICT) {
			/* its index is locked by another program: nothing of it was touched */
			rt_buf_adds(&l->why, err->text);
			moved = 0;
		}
		if (moved < 0)
			return -1;
		if (moved == 0)
			return move_back(l, i, err) < 0 ? -1 : RT_LAND_DIRTY;
	}
	rt_auto(free) char *message = rt_format("ratchet: landed %s", l->gate->report.id);
	return rt_ref_lock_commit(lock, &l->new, message, err);
}

static int
prove_landed(struct rt_landing *l, struct rt_err *err)
{
	return prove_in(l, l->home->repo, err);
}

static int
conclude(struct rt_landing *l, struct rt_err *err)
{
	return append(l, RT_OP_OUTCOME, NULL, err);
}

/* The next proposal's base: its layer is a few baseline files over the tested tree's. */
static int
warm(struct rt_landing *l, struct rt_err *err)
{
	rt_auto(commit) struct rt_commit commit = {0};
	rt_auto(stack) struct rt_stack stack = RT_STACK_INIT;
	if (rt_commit_read(l->home->repo, &l->new, &commit, err) < 0)
		return -1;
	struct rt_oid near = l->gate->tree;
	if (l->gate->trusted.config.no_submodules &&
	    (rt_tree_without_submodules(l->home->repo, &commit.tree, &commit.tree, err) < 0 ||
	     rt_tree_without_submodules(l->home->repo, &near, &near, err) < 0))
		return -1;
	int exported = rt_layers_has(l->home, &near, err); /* not where every check names its inputs */
	if (exported <= 0)
		return exported;
	if (rt_layers_get(l->home, l->home->repo, &commit.tree, &near, &stack, err) < 0)
		return -1;
	return rt_layers_set_last(l->home, &commit.tree, err);
}

/*
 * The protocol on one page. run: 0 done, an enum rt_landed other than LANDED when it can't be done, -1. undo is called,
 * in reverse, for the steps that were done when a later one before the commit point fails. After the commit point
 * nothing is undone by a failure: it is completed by recovery; only a target that moved, or a work tree in the way,
 * ends in an ABORTED entry.
 */
static const struct step {
	const char *name;
	int (*run)(struct rt_landing *, struct rt_err *);
	int (*undo)(struct rt_landing *, struct rt_err *);
} steps[] = {
    {"folding the baseline into the commit", fold, NULL},
    {"comparing the landing tree with the tested one", prove, NULL},
    {"writing the evidence", write_evidence, NULL},
    {"promoting the objects", promote, NULL},
    {"keeping the evidence", keep_evidence, NULL},
    {"writing the pending ref", pend, unpend},
    {"writing the INTENT entry", intend, NULL},
    {"moving the target", move, NULL},
    {"comparing the landed tree with the tested one", prove_landed, NULL},
    {"writing the OUTCOME entry", conclude, NULL},
    {"dropping the pending ref", unpend, NULL},
    {"exporting the landed tree", warm, NULL},
};

static void
undo(struct rt_landing *l, size_t done)
{
	struct rt_err ignored = RT_ERR_INIT;
	while (done-- > 0)
		if (steps[done].undo && steps[done].undo(l, &ignored) < 0)
			return; /* the next command's recovery finds the pending ref */
}

/* After the commit point, but the world had changed: the entry that closes the INTENT. */
static int
abort_landing(struct rt_landing *l, int why, struct rt_err *err)
{
	struct rt_json *extra = rt_json_new_object();
	rt_json_set_string(extra, "reason", why == RT_LAND_MOVED ? "the target moved" : l->why.data);
	l->gate->report.landed = (struct rt_oid){""};
	rt_gate_verdict(l->gate, RT_VERDICT_CONFLICT, NULL);
	if (append(l, RT_OP_ABORTED, extra, err) < 0)
		return -1;
	return unpend(l, err);
}

int
rt_land(struct rt_home *home, struct rt_gate *gate, const struct rt_intake *intake, const char *ref, struct rt_buf *why,
	struct rt_err *err)
{
	struct rt_landing l = {
	    .home = home, .gate = gate, .intake = intake, .ref = ref, .old = gate->base, .why = RT_BUF_INIT};
	int result = rt_worktrees_on(home->repo, ref, &l.worktrees, err);
	for (size_t i = 0; i < RT_COUNT(steps) && result == 0; i++) {
		result = steps[i].run(&l, err);
		if (result < 0)
			rt_err_while(err, "%s", steps[i].name);
		if (result && !l.intended)
			undo(&l, i);
	}
	if (result > 0 && l.intended && abort_landing(&l, result, err) < 0)
		result = -1;
	if (result < 0 && l.intended)
		rt_err_while(err, "landing %s, which the next command completes (`ratchet recover`)", gate->report.id);
	rt_buf_add(why, l.why.data, l.why.len);
	rt_buf_release(&l.why);
	rt_commit_release(&l.last);
	rt_strs_release(&l.worktrees);
	free(l.pending);
	return result;
}

int
rt_land_possible(struct rt_home *home, struct rt_quarantine *quarantine, const char *ref, const struct rt_oid *old,
		 const struct rt_oid *new, struct rt_buf *why, struct rt_err *err)
{
	rt_auto(strs) struct rt_strs worktrees = {0};
	rt_auto(free) char *objects = rt_format("%s/objects", rt_repo_gitdir(rt_quarantine_repo(quarantine)));
	if (rt_worktrees_on(home->repo, ref, &worktrees, err) < 0)
		return -1;
	for (size_t i = 0; i < worktrees.n; i++) {
		int possible = rt_worktree_check(worktrees.at[i], old, new, objects, &home->seen, why, err);
		if (possible != 1)
			return possible;
	}
	return 1;
}
