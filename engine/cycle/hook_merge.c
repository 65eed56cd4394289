#include <string.h>
#include <sys/stat.h>

#include "cycle/hook.h"
#include "cycle/ledger.h"
#include "cycle/takeback.h"
#include "git/worktree.h"

/* What a merge brought in: the branch went from old to new. */
struct merge {
	struct rt_hook *hook;
	struct rt_buf ref;
	struct rt_oid old, new;
};

/* ---- taking it back ---- */

/* Is the work tree that git merged in one that the repository knows of? git may have been told another. 1, 0, -1. */
static int
knows_work_tree(const struct merge *m, struct rt_buf *why, struct rt_err *err)
{
	struct rt_repo *repo = m->hook->home->repo;
	const char *told = m->hook->work_tree, *own = rt_repo_workdir(repo);
	rt_auto(strs) struct rt_strs worktrees = {0};
	struct stat a, b;
	if (rt_worktrees_on(repo, m->ref.data, &worktrees, err) < 0)
		return -1;
	bool same =
	    !told || (own && stat(told, &a) == 0 && stat(own, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino);
	if (same && worktrees.n)
		return 1;
	rt_buf_addf(why, "%s is not a work tree that the repository knows of (core.worktree)",
		    told ? told : "what is checked out");
	return 0;
}

static int
take_back(struct merge *m, struct rt_err *err)
{
	struct rt_hook *hook = m->hook;
	rt_auto(buf) struct rt_buf why = RT_BUF_INIT;
	struct rt_takeback takeback = {hook->home, &hook->report, m->ref.data, m->old, m->new};
	int moved = knows_work_tree(m, &why, err);
	if (moved > 0)
		moved = rt_take_back(&takeback, &why, err);
	if (moved < 0)
		return -1;
	if (moved) {
		rt_buf_addf(
		    &hook->say,
		    "ratchet: %s is back at %.12s; what came in (%.12s) is kept at refs/ratchet/rejected/%s, and "
		    "`ratchet explain %s` tells more\n",
		    m->ref.data, m->old.hex, m->new.hex, hook->report.id, hook->report.id);
		return rt_open_close(hook->home, &m->new, err);
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
