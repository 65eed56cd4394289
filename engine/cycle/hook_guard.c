#include <fcntl.h>
#include <string.h>

#include "cycle/hook.h"
#include "cycle/ledger.h"
#include "cycle/settle.h"
#include "support/file.h"

/*
 * The guard: what git itself moves the target to, in the moment before it does (design section 6). Landings of ratchet
 * come by libgit2, which runs no hooks.
 */

/* How many entries back a hook's judgement may lie: the commit follows it at once, but for an editor that stays open.
 */
enum { LOOK_BACK = 1000 };
static const size_t MAX_PACKED = 1u << 30;

struct move {
	struct rt_hook *hook;
	const char *ref;
	struct rt_oid present, new; /* new "": a deletion */
	struct rt_commit from, to;  /* as read; to is empty for a deletion */
};

/* ---- packed-refs ---- */

static bool
holds_line(const struct rt_buf *text, const char *line, size_t len)
{
	for (const char *p = text->data; (p = memmem(p, (size_t)(text->data + text->len - p), line, len)); p++)
		if (p == text->data || p[-1] == '\n')
			return true;
	return false;
}

/* git pack-refs deletes the loose ref that it has just packed; a real deletion holds packed-refs.lock at this point. 1,
 * 0, -1. */
static int
is_pruning(const struct move *m, struct rt_err *err)
{
	const char *dir = rt_repo_commondir(m->hook->home->repo);
	rt_auto(free) char *packed = rt_format("%s/packed-refs", dir);
	rt_auto(free) char *lock = rt_format("%s.lock", packed);
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT, line = RT_BUF_INIT;
	if (rt_exists(AT_FDCWD, lock) || !rt_exists(AT_FDCWD, packed))
		return 0;
	if (rt_file_read(AT_FDCWD, packed, MAX_PACKED, &text, err) < 0)
		return -1;
	rt_buf_addf(&line, "%s %s\n", m->present.hex, m->ref);
	return holds_line(&text, line.data, line.len);
}

/* ---- what was accepted ---- */

static bool
has_parents_of(const struct rt_commit *a, const struct rt_commit *b)
{
	bool same = a->n_parents == b->n_parents;
	for (size_t i = 0; same && i < a->n_parents; i++)
		same = rt_oid_equal(&a->parents[i], &b->parents[i]);
	return same;
}

struct search {
	const struct move *m;
	size_t seen;
	bool found;
};

/* An entry that was judged on the present value accepts the commit itself, or the tree that was staged on top of it. */
static int
look_at(void *data, const struct rt_oid *at, const struct rt_record *record, struct rt_err *err)
{
	struct search *search = data;
	const struct move *m = search->m;
	enum rt_verdict verdict;
	(void)at;
	(void)err;
	if (++search->seen > LOOK_BACK)
		return 1;
	if (record->op != RT_OP_JUDGED || !record->verdict || rt_verdict_parse(record->verdict, &verdict) < 0 ||
	    (verdict != RT_VERDICT_NOOP && rt_verdict_exit(verdict) != 0))
		return 0;
	if (!record->base || strcmp(record->base, m->present.hex) != 0 || !record->tree ||
	    strcmp(record->tree, m->to.tree.hex) != 0)
		return 0;
	bool on_top = m->to.n_parents && rt_oid_equal(&m->to.parents[0], &m->present);
	search->found = record->candidate ? strcmp(record->candidate, m->new.hex) == 0 : on_top;
	return search->found;
}

static int
was_judged(const struct move *m, struct rt_err *err)
{
	struct search search = {.m = m};
	if (rt_ledger_walk(m->hook->home, NULL, look_at, &search, err) < 0)
		return -1;
	return search.found;
}

/* The entry of a move back, as post-merge's own. */
static int
record_back(const struct move *m, const struct rt_open *open, struct rt_err *err)
{
	rt_auto(record) struct rt_record record = RT_RECORD_INIT;
	bool regressed = open->kind == RT_OPEN_REGRESSED;
	record.op = RT_OP_REJECTED;
	record.id = rt_strdup(open->id);
	record.target = rt_strdup(m->ref + strlen("refs/heads/"));
	record.base = rt_strdup(m->new.hex);
	record.candidate = rt_strdup(m->present.hex);
	record.tree = rt_strdup(m->from.tree.hex);
	record.verdict = rt_strdup(rt_verdict_name(regressed ? RT_VERDICT_REGRESSED : RT_VERDICT_INCONCLUSIVE));
	record.extra = rt_json_new_object();
	rt_json_set_string(record.extra, "kind", rt_open_kind_name(open->kind));
	rt_json_set_string(record.extra, "ref", m->ref);
	rt_json_set_string(record.extra, "old", m->present.hex);
	rt_json_set_string(record.extra, "new", m->new.hex);
	return rt_ledger_append(m->hook->home, &record, NULL, err);
}

/* Back to before an open entry with nothing on top, as that entry's own text says. 1, 0, -1. */
static int
takes_back(const struct move *m, struct rt_err *err)
{
	struct rt_open open = {.id = ""};
	int found = rt_open_find(m->hook->home, m->ref, &open, err);
	if (found <= 0)
		return found;
	if (!rt_oid_equal(&open.new, &m->present) || !rt_oid_equal(&open.old, &m->new))
		return 0;
	return record_back(m, &open, err) < 0 ? -1 : 1;
}

/* ---- upstream ---- */

struct remotes {
	const struct move *m;
	const char *branch; /* short name of the target */
	const char *merge;  /* branch.<name>.merge, a full name, or "" */
	const char *remote; /* branch.<name>.remote, or "" */
};

static bool
tracks(const struct remotes *r, const char *name)
{
	const char *below = name + strlen("refs/remotes/");
	size_t len = strlen(r->branch), total = strlen(below), remote = strlen(r->remote);
	if (total > len && below[total - len - 1] == '/' && strcmp(below + total - len, r->branch) == 0)
		return true;
	return remote && rt_starts_with(r->merge, "refs/heads/") && strncmp(below, r->remote, remote) == 0 &&
	       below[remote] == '/' && strcmp(below + remote + 1, r->merge + strlen("refs/heads/")) == 0;
}

static int
holds_new(void *data, const char *name, const struct rt_oid *oid, struct rt_err *err)
{
	const struct remotes *r = data;
	return tracks(r, name) ? rt_is_ancestor(r->m->hook->home->repo, &r->m->new, oid, err) : 0;
}

/* A fast-forward to a commit that a remote-tracking ref of the target holds? 1, 0, -1. */
static int
is_upstream(const struct move *m, struct rt_err *err)
{
	struct rt_repo *repo = m->hook->home->repo;
	const char *branch = m->ref + strlen("refs/heads/");
	rt_auto(buf) struct rt_buf merge = RT_BUF_INIT, remote = RT_BUF_INIT;
	rt_auto(free) char *merge_key = rt_format("branch.%s.merge", branch);
	rt_auto(free) char *remote_key = rt_format("branch.%s.remote", branch);
	int forward = rt_is_ancestor(repo, &m->present, &m->new, err);
	if (forward <= 0)
		return forward;
	if (rt_repo_config(repo, merge_key, &merge, err) < 0 || rt_repo_config(repo, remote_key, &remote, err) < 0)
		return -1;
	struct remotes remotes = {m, branch, merge.data, remote.data};
	return rt_ref_each(repo, "refs/remotes/", holds_new, &remotes, err);
}

/* ---- the answer ---- */

/* 1 it may pass, 0 nothing speaks for it, -1. */
static int
may_pass(struct move *m, struct rt_err *err)
{
	struct rt_home *home = m->hook->home;
	if (!m->new.hex[0])
		return is_pruning(m, err);
	if (rt_commit_read(home->repo, &m->present, &m->from, err) < 0 ||
	    rt_commit_read(home->repo, &m->new, &m->to, err) < 0)
		return -1;
	if (rt_oid_equal(&m->from.tree, &m->to.tree) && has_parents_of(&m->from, &m->to))
		return 1; /* an amended message */
	int pass = was_judged(m, err);
	if (pass == 0)
		pass = takes_back(m, err);
	if (pass)
		return pass;
	int upstream = is_upstream(m, err);
	if (upstream <= 0)
		return upstream;
	int accepted = rt_accepted(home, &m->new, false, err);
	if (accepted == 0 && rt_open_write(home, RT_OPEN_UPSTREAM, m->ref, &m->present, &m->new, err) < 0)
		return -1;
	return accepted < 0 ? -1 : 1;
}

/*
 * Amended, rebased, reset: to propose such a commit would replay it on what it replaces. A rebase has HEAD detached
 * when it ends. To amend once more would make another commit than the one that was judged.
 */
static void
say_sideways(const struct move *m, const char *head_ref, struct rt_buf *why)
{
	rt_buf_addf(
	    why,
	    "is guarded, and nothing has judged its move from %.12s to %.12s, which is no fast-forward; `ratchet "
	    "check --base %.12s %.12s` does, and after it ",
	    m->present.hex, m->new.hex, m->present.hex, m->new.hex);
	if (!head_ref[0])
		rt_buf_adds(why, "`git rebase --continue` goes through");
	else if (strcmp(head_ref, m->ref) == 0)
		rt_buf_addf(why, "`git reset --soft %.12s` moves it", m->new.hex);
	else
		rt_buf_adds(why, "the same command moves it");
}

static int
refuse(struct move *m, struct rt_err *err)
{
	struct rt_hook *hook = m->hook;
	rt_auto(buf) struct rt_buf why = RT_BUF_INIT, head_ref = RT_BUF_INIT;
	struct rt_oid head;
	if (!m->new.hex[0])
		return rt_hook_refuse(hook, m->ref, &m->present, &m->new, "is guarded and is not deleted", err);
	if (rt_head(hook->home->repo, &head_ref, &head, err) < 0)
		return -1;
	int forward = rt_is_ancestor(hook->home->repo, &m->present, &m->new, err);
	if (forward < 0)
		return -1;
	if (forward)
		rt_buf_addf(
		    &why,
		    "is guarded, and nothing has judged its move from %.12s to %.12s; `ratchet propose %.12s` does, "
		    "and lands it",
		    m->present.hex, m->new.hex, m->new.hex);
	else
		say_sideways(m, head_ref.data, &why);
	int code = rt_hook_refuse(hook, m->ref, &m->present, &m->new, why.data, err);
	if (code > 0 && strcmp(head_ref.data, m->ref) == 0)
		rt_buf_addf(&hook->say,
			    "ratchet: after a commit all is still staged. merge, pull and reset --hard have written "
			    "the work tree already; this restores it:\n\n    git read-tree -m -u %s HEAD\n\n",
			    m->new.hex);
	return code;
}

static int
answer(struct move *m, enum rt_guard guard, struct rt_err *err)
{
	int pass = may_pass(m, err);
	if (pass)
		return pass < 0 ? -1 : 0;
	if (guard == RT_GUARD_REFUSE)
		return refuse(m, err);
	rt_buf_addf(&m->hook->say,
		    "ratchet: %s moves from %.12s to %.12s without having been judged; the ledger says so, and "
		    "`ratchet check` judges it\n",
		    m->ref, m->present.hex, m->new.hex[0] ? m->new.hex : "nothing");
	return rt_open_write(m->hook->home, RT_OPEN_UNGATED, m->ref, &m->present, &m->new, err);
}

/*
 * Is the ref the target, and how is that guarded? 1, 0 it is not, -1. A ratchet.yml that can't be read must not keep
 * the commit out that mends it: then only ratchet.target can name the target, and it is guarded as by default.
 */
static int
find_guard(struct move *m, enum rt_guard *guard, struct rt_err *err)
{
	struct rt_home *home = m->hook->home;
	rt_auto(config) struct rt_config config = RT_CONFIG_INIT;
	rt_auto(buf) struct rt_buf target = RT_BUF_INIT;
	const struct rt_oid *names = &m->present, none = {""};
	int configured = rt_hook_config(home, names, &config, err);
	if (configured == 0 || (configured < 0 && err->code != RT_ECONFIG))
		return configured;
	if (configured < 0)
		names = &none;
	*guard = configured > 0 ? config.guard : RT_GUARD_REPORT;
	if (rt_target_named(home, names, &target, err) < 0)
		return -1;
	return strcmp(target.data, m->ref) == 0;
}

/* Reads the present value itself: what git says that it is comes from whoever called git. */
static int
guard_ref(struct rt_hook *hook, const char *ref, const struct rt_oid *new, struct rt_err *err)
{
	struct move m = {.hook = hook, .ref = ref, .new = *new};
	enum rt_guard guard = RT_GUARD_REPORT;
	int found = rt_ref_read(hook->home->repo, ref, &m.present, err);
	if (found <= 0 || rt_oid_equal(&m.present, new))
		return found < 0 ? -1 : 0;
	int ours = find_guard(&m, &guard, err);
	if (ours <= 0)
		return ours;
	int code = answer(&m, guard, err);
	rt_commit_release(&m.from);
	rt_commit_release(&m.to);
	return code;
}

int
rt_hook_guard(struct rt_hook *hook, struct rt_err *err)
{
	char *words[3];
	int more, code = 0;
	if (!hook->n_args || strcmp(hook->args[0], "prepared") != 0)
		return 0;
	while (code == 0 && (more = rt_hook_line(hook, words, RT_COUNT(words), err)) != 0) {
		struct rt_oid new;
		if (more < 0)
			return -1;
		if (!rt_starts_with(words[2], "refs/heads/"))
			continue;
		if (rt_hook_oid(words[1], &new, err) < 0)
			return -1;
		code = guard_ref(hook, words[2], &new, err);
	}
	return code;
}
