#include "cycle/check.h"

#include <string.h>

#include "cycle/accepted.h"
#include "cycle/govern.h"
#include "cycle/ledger.h"
#include "cycle/settle.h"
#include "git/worktree.h"

/* ---- what was accepted ---- */

int
rt_accepted(struct rt_home *home, const struct rt_oid *commit, bool fast_too, struct rt_err *err)
{
	rt_auto(commit) struct rt_commit read = {0};
	rt_auto(accepting) struct rt_accepting accepting = {0};
	if (rt_commit_read(home->repo, commit, &read, err) < 0 || rt_accepting_read(&accepting, home, err) < 0)
		return -1;
	return rt_accepting_has(&accepting, commit->hex, read.tree.hex, fast_too);
}

/* Did an operator make this commit the target's, here or in a trusted clone? What was only judged is not that. */
static int
was_landed(struct rt_home *home, const struct rt_oid *commit, struct rt_err *err)
{
	rt_auto(accepting) struct rt_accepting accepting = {0};
	if (rt_accepting_read(&accepting, home, err) < 0)
		return -1;
	return rt_accepting_landed(&accepting, commit->hex);
}

static int
has_configuration(struct rt_repo *repo, const struct rt_oid *tree, struct rt_err *err)
{
	struct rt_entry entry;
	if (rt_tree_entry(repo, tree, "ratchet.yml", &entry, err) < 0)
		return -1;
	return entry.mode != 0;
}

/* Walks first parents from head, which is not counted as accepted itself. */
static int
walk_first_parents(struct rt_home *home, const struct rt_oid *head, const struct rt_accepting *accepting,
		   struct rt_oid *out, struct rt_err *err)
{
	struct rt_oid at = *head;
	out->hex[0] = '\0';
	for (bool first = true; at.hex[0]; first = false) {
		rt_auto(commit) struct rt_commit commit = {0};
		if (rt_commit_read(home->repo, &at, &commit, err) < 0)
			return -1;
		if (!first && rt_accepting_has(accepting, commit.id.hex, commit.tree.hex, false)) {
			*out = at;
			return 1;
		}
		int configured = has_configuration(home->repo, &commit.tree, err);
		if (configured < 0)
			return -1;
		if (!configured)
			return 0;
		*out = at;
		/* a shallow boundary's parents are not here: what is there counts as the beginning */
		at = commit.n_parents && rt_object_exists(home->repo, &commit.parents[0]) ? commit.parents[0]
											  : (struct rt_oid){""};
	}
	return 0;
}

int
rt_nearest_accepted(struct rt_home *home, const struct rt_oid *head, struct rt_oid *out, struct rt_err *err)
{
	rt_auto(accepting) struct rt_accepting accepting = {0};
	if (rt_accepting_read(&accepting, home, err) < 0)
		return -1;
	return walk_first_parents(home, head, &accepting, out, err);
}

/* ---- the history of the baseline ---- */

/* A waived or flaky fall rises an epoch, and rt_baseline_falls says so; within an epoch no commit may lower a line. */
static int
judge_history(struct rt_gate *gate, const struct rt_oid *head, struct rt_err *err)
{
	struct rt_repo *repo = rt_quarantine_repo(gate->quarantine);
	rt_auto(free) struct rt_oid *commits = NULL;
	size_t n = 0;
	if (rt_rev_list(repo, head, &gate->base, 100000, &commits, &n, err) < 0)
		return -1;
	rt_auto(buf) struct rt_buf folder = RT_BUF_INIT;
	rt_config_path(&gate->trusted.config, "baseline", &folder);
	for (size_t i = 0; i < n; i++) {
		rt_auto(commit) struct rt_commit commit = {0}, parent = {0};
		struct rt_entry before, after;
		if (rt_commit_read(repo, &commits[i], &commit, err) < 0)
			return -1;
		if (!commit.n_parents || !rt_object_exists(repo, &commit.parents[0]))
			continue;
		if (rt_commit_read(repo, &commit.parents[0], &parent, err) < 0 ||
		    rt_tree_entry(repo, &parent.tree, folder.data, &before, err) < 0 ||
		    rt_tree_entry(repo, &commit.tree, folder.data, &after, err) < 0)
			return -1;
		if (!before.mode || (after.mode && rt_oid_equal(&before.id, &after.id)))
			continue;
		rt_auto(baseline) struct rt_baseline old = RT_BASELINE_INIT, new = RT_BASELINE_INIT;
		rt_auto(strs) struct rt_strs falls = {0};
		if (rt_trusted_baseline(&old, repo, &parent.tree, &gate->trusted.config, err) < 0 ||
		    rt_trusted_baseline(&new, repo, &commit.tree, &gate->trusted.config, err) < 0)
			return rt_err_while(err, "reading the baseline of %.12s and its parent", commits[i].hex);
		rt_baseline_falls(&old, &new, &falls);
		for (size_t k = 0; k < falls.n && k < 20; k++)
			rt_refuse(&gate->report.refusals, "baseline", folder.data, 0,
				  "%s fell in commit %.12s without a waiver", falls.at[k], commits[i].hex);
	}
	return 0;
}

/* ---- check ---- */

struct checking {
	struct rt_home *home;
	const struct rt_check_request *request;
	struct rt_gate *gate;
	struct rt_oid head, base;
	struct rt_buf target; /* full ref, or "" */
	bool merge, adoption;
	bool own_adoption; /* that the operator made: its word was theirs */
	struct rt_commit *commits;
	size_t n_commits;
};

static int
resolve(struct rt_home *home, const char *spec, struct rt_oid *out, struct rt_err *err)
{
	int found = rt_rev_parse(home->repo, spec, out, err);
	if (found == 0 && strcmp(spec, "HEAD") == 0)
		return rt_fail(err, RT_ECONFIG,
			       "the branch has no commit yet; make a first one before it can be gated");
	if (found == 0)
		return rt_fail(err, RT_ECONFIG, "%s is not a commit in this repository", spec);
	return found < 0 ? -1 : 0;
}

/*
 * Is the head the target's tip, or an earlier commit of it that was asked for and that nothing accepted? That is judged
 * as it was when it was the tip: merged into the tip it would change nothing, which tells nothing of it. 1, 0, -1.
 */
static int
is_of_target(const struct checking *c, const struct rt_oid *tip, bool on_branch, struct rt_err *err)
{
	if (rt_oid_equal(tip, &c->head))
		return 1;
	if (on_branch && !c->request->head)
		return 0;
	int held = tip->hex[0] ? rt_is_ancestor(c->home->repo, &c->head, tip, err) : 0;
	if (held <= 0)
		return held;
	int accepted = rt_accepted(c->home, &c->head, false, err);
	return accepted < 0 ? -1 : !accepted;
}

static int
find_base(struct checking *c, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf head_ref = RT_BUF_INIT;
	struct rt_oid head, tip;
	const struct rt_check_request *r = c->request;
	if (rt_head(c->home->repo, &head_ref, &head, err) < 0)
		return -1;
	if (r->target && (r->staged || r->adoption || r->base))
		rt_buf_adds(&c->target, r->target);
	if (r->staged) {
		c->base = head;
		if (!head.hex[0])
			return rt_fail(err, RT_ECONFIG,
				       "the branch has no commit yet; make a first one before it can be gated");
		return 0;
	}
	if (resolve(c->home, r->head ? r->head : "HEAD", &c->head, err) < 0)
		return -1;
	c->adoption = r->adoption;
	if (r->adoption)
		return 0;
	if (r->base)
		return resolve(c->home, r->base, &c->base, err);
	if (rt_target_find(c->home, r->target, &c->target, err) < 0)
		return -1;
	if (rt_ref_read(c->home->repo, c->target.data, &tip, err) < 0)
		return -1;
	int own = is_of_target(c, &tip, head_ref.len > 0, err);
	if (own < 0)
		return -1;
	if (own) {
		int found = rt_nearest_accepted(c->home, &c->head, &c->base, err);
		if (found < 0)
			return -1;
		c->adoption = found == 0 && (!c->base.hex[0] || rt_oid_equal(&c->base, &c->head));
		int landed = c->adoption ? was_landed(c->home, &c->head, err) : 0;
		c->own_adoption = landed > 0;
		return landed < 0 ? -1 : 0;
	}
	c->base = tip;
	c->merge = !r->as_is;
	return 0;
}

/* The tree to test: HEAD's own, or HEAD merged into the target's tip. 1, 0 the verdict is there, -1. */
static int
find_tree(struct checking *c, struct rt_err *err)
{
	struct rt_gate *gate = c->gate;
	struct rt_repo *repo = rt_quarantine_repo(gate->quarantine);
	rt_auto(buf) struct rt_buf why = RT_BUF_INIT;
	if (c->request->staged) {
		rt_auto(free) char *own = rt_format("%s/index", rt_repo_gitdir(c->home->repo));
		int staged =
		    rt_index_tree(repo, c->request->index_file ? c->request->index_file : own, &gate->tree, &why, err);
		if (staged == 0)
			rt_gate_verdict(gate, RT_VERDICT_CONFLICT, why.data);
		return staged;
	}
	rt_auto(commit) struct rt_commit head = {0};
	if (rt_commit_read(repo, &c->head, &head, err) < 0)
		return -1;
	gate->candidate = c->head;
	gate->tree = head.tree;
	if (!c->merge)
		return 1;
	int descends = rt_is_ancestor(repo, &c->base, &c->head, err);
	if (descends)
		return descends;
	struct rt_oid fork, fork_tree = {""};
	rt_auto(strs) struct rt_strs conflicts = {0};
	int related = rt_merge_base(repo, &c->base, &c->head, &fork, err);
	if (related < 0)
		return -1;
	if (related) {
		rt_auto(commit) struct rt_commit commit = {0};
		if (rt_commit_read(repo, &fork, &commit, err) < 0)
			return -1;
		fork_tree = commit.tree;
	}
	int merged = rt_merge_trees(repo, &fork_tree, &gate->base_tree, &head.tree, &gate->tree, &conflicts, err);
	if (merged == 0) {
		for (size_t i = 0; i < conflicts.n; i++)
			rt_buf_addf(&why, "%s conflicts with %s\n", conflicts.at[i], c->target.data);
		rt_gate_verdict(gate, RT_VERDICT_CONFLICT, why.data);
	}
	return merged;
}

/* What is proposed, for signatures and messages: base..head. */
static int
list_commits(struct checking *c, struct rt_err *err)
{
	rt_auto(free) struct rt_oid *ids = NULL;
	size_t n = 0;
	if (c->request->staged || c->adoption)
		return 0;
	if (rt_rev_list(c->home->repo, &c->head, &c->base, 100000, &ids, &n, err) < 0)
		return -1;
	c->commits = rt_alloc(n + 1, sizeof(*c->commits));
	for (size_t i = 0; i < n; i++, c->n_commits++)
		if (rt_commit_read(c->home->repo, &ids[i], &c->commits[i], err) < 0)
			return -1;
	c->gate->commits = c->commits;
	c->gate->n_commits = c->n_commits;
	return 0;
}

/* A commit on HEAD with the raised baseline, in the repository's object store; no ref points to it yet. */
static int
raise_on_head(struct checking *c, struct rt_err *err)
{
	struct rt_gate *gate = c->gate;
	rt_auto(commit) struct rt_commit commit = {0};
	rt_auto(buf) struct rt_buf who = RT_BUF_INIT;
	if (rt_verdict_exit(gate->report.verdict) != 0 || gate->report.verdict == RT_VERDICT_NOOP)
		return 0;
	if (rt_baseline_commit_tree(rt_quarantine_repo(gate->quarantine), &gate->tree, &gate->trusted.config,
				    &gate->raised, &commit.tree, err) < 0 ||
	    rt_ident(c->home->repo, &who, err) < 0)
		return -1;
	if (rt_oid_equal(&commit.tree, &gate->tree))
		return 0;
	commit.parents = rt_alloc(1, sizeof(*commit.parents));
	commit.parents[0] = c->head;
	commit.n_parents = 1;
	commit.author = rt_strdup(who.data);
	commit.committer = rt_strdup(who.data);
	commit.message = rt_format("baseline: raise to what %s showed\n", gate->report.id);
	if (rt_commit_write(rt_quarantine_repo(gate->quarantine), &commit, err) < 0 ||
	    rt_quarantine_promote(gate->quarantine, err) < 0)
		return -1;
	gate->report.landed = commit.id;
	return 0;
}

/*
 * The tree is the base's. What commits brought in and took out again is in the history all the same: secrets, messages
 * and trusted inputs are judged.
 */
static int
judge_nothing(struct checking *c, struct rt_err *err)
{
	struct rt_gate *gate = c->gate;
	rt_auto(free) char *text = rt_format("nothing differs from %.12s, tree %s", c->base.hex, gate->tree.hex);
	if (c->n_commits && gate->trusted.present && rt_govern_changes(gate, err) < 0)
		return -1;
	if (gate->report.refusals.n)
		rt_gate_verdict(gate, RT_VERDICT_REFUSED, NULL);
	else
		rt_gate_verdict(gate, RT_VERDICT_NOOP, text);
	gate->report.candidate = gate->candidate;
	gate->report.tree = gate->tree;
	gate->report.fast = gate->fast;
	return rt_gate_record(gate, RT_OP_JUDGED, err);
}

static int
run_check(struct checking *c, struct rt_err *err)
{
	struct rt_gate *gate = c->gate;
	const char *target = c->target.len ? c->target.data : NULL;
	if (target && rt_starts_with(target, "refs/heads/"))
		target += strlen("refs/heads/");
	if (rt_gate_open(gate, c->home, target, c->adoption ? NULL : &c->base, err) < 0)
		return c->adoption ? -1
				   : rt_err_while(err,
						  "reading commit %.12s, which this is judged against (--base gives "
						  "another)",
						  c->base.hex);
	gate->fast = c->request->fast;
	gate->progress = c->request->progress;
	gate->adopt_trusted = c->request->adopt || c->own_adoption;
	gate->owed = c->request->owed;
	gate->governance_ok = c->request->governance;
	if (c->request->objects &&
	    rt_repo_add_alternate(rt_quarantine_repo(gate->quarantine), c->request->objects, err) < 0)
		return -1;
	int go_on = find_tree(c, err);
	if (go_on < 0)
		return -1;
	if (go_on && list_commits(c, err) < 0)
		return -1;
	if (go_on && !c->adoption && rt_oid_equal(&gate->tree, &gate->base_tree))
		return judge_nothing(c, err);
	if (go_on && !gate->trusted.present && rt_gate_adopt(gate, &gate->tree, err) < 0)
		return -1;
	if (go_on && c->request->history && !gate->adoption && judge_history(gate, &c->head, err) < 0)
		return -1;
	if (go_on && rt_gate_judge(gate, err) < 0)
		return -1;
	if (go_on && c->request->raise && raise_on_head(c, err) < 0)
		return -1;
	return rt_gate_record(gate, gate->report.verdict == RT_VERDICT_ADOPTED ? RT_OP_ADOPTED : RT_OP_JUDGED, err);
}

int
rt_check(struct rt_home *home, const struct rt_check_request *request, struct rt_report *report, struct rt_err *err)
{
	rt_auto(gate) struct rt_gate gate = RT_GATE_INIT;
	struct checking c = {.home = home, .request = request, .gate = &gate, .target = RT_BUF_INIT};
	if (request->objects && rt_repo_add_alternate(home->repo, request->objects, err) < 0)
		return -1;
	int result = find_base(&c, err);
	if (result == 0)
		result = run_check(&c, err);
	*report = gate.report;
	gate.report = (struct rt_report)RT_REPORT_INIT;
	for (size_t i = 0; i < c.n_commits; i++)
		rt_commit_release(&c.commits[i]);
	free(c.commits);
	rt_buf_release(&c.target);
	return result;
}
