#include <string.h>

#include "cycle/hook.h"
#include "cycle/ledger.h"
#include "cycle/settle.h"

/* A push to a server: every move of the target is judged against its old value; no commit is added. */

struct push {
	struct rt_hook *hook;
	const char *ref;
	struct rt_oid old, new; /* "": none */
};

static int RT_PRINTF(3, 4) refuse(struct push *p, struct rt_err *err, const char *fmt, ...)
{
	rt_auto(free) char *why = NULL;
	va_list args;
	va_start(args, fmt);
	if (vasprintf(&why, fmt, args) < 0)
		abort();
	va_end(args);
	return rt_hook_refuse(p->hook, p->ref, &p->old, &p->new, why, err);
}

/* Other writers' chains may grow, and that is all that a push may do below refs/ratchet/. */
static int
judge_ratchet_ref(struct push *p, struct rt_err *err)
{
	if (!rt_starts_with(p->ref, RT_LEDGER_REFS))
		return refuse(p, err, "only ledgers are pushed; the rest of refs/ratchet/ is each repository's own");
	if (strcmp(p->ref + strlen(RT_LEDGER_REFS), p->hook->home->writer) == 0)
		return refuse(p, err, "is this repository's own ledger, and only it writes that");
	if (!p->new.hex[0])
		return refuse(p, err, "entries of a ledger are never deleted");
	int forward = p->old.hex[0] ? rt_is_ancestor(p->hook->home->repo, &p->old, &p->new, err) : 1;
	if (forward < 0)
		return -1;
	return forward ? 0 : refuse(p, err, "a ledger only grows, and this is not a fast-forward of it");
}

static bool
asks_for(const struct rt_hook *hook, const char *option)
{
	return rt_strs_has(&hook->options, option);
}

static int
adopt(struct push *p, struct rt_err *err)
{
	if (!rt_repo_config_bool(p->hook->home->repo, "ratchet.adopt", false))
		return refuse(
		    p, err,
		    "the push adds ratchet.yml to a branch that had none, and is an adoption; the operator of this "
		    "repository allows it with `git config ratchet.adopt true`");
	struct rt_check_request request = {.head = p->new.hex,
					   .base = p->old.hex[0] ? p->old.hex : NULL,
					   .adoption = !p->old.hex[0],
					   .target = p->ref,
					   .as_is = true,
					   .adopt = true,
					   .objects = p->hook->objects};
	return rt_hook_judge(p->hook, &request, err);
}

static int
judge_target(struct push *p, struct rt_err *err)
{
	struct rt_repo *repo = p->hook->home->repo;
	bool governance = asks_for(p->hook, "governance");
	if (!p->new.hex[0])
		return refuse(p, err, "is the target, and is not deleted");
	int forward = rt_is_ancestor(repo, &p->old, &p->new, err);
	if (forward < 0)
		return -1;
	if (!forward)
		return refuse(p, err, "is the target, and this is not a fast-forward of it; it only moves forward");
	if (governance && !rt_repo_config_bool(repo, "ratchet.unsignedGovernance", false))
		return refuse(p, err,
			      "unsigned governance is not allowed here; its operator allows it with `git config "
			      "ratchet.unsignedGovernance true`");
	struct rt_check_request request = {.head = p->new.hex,
					   .base = p->old.hex,
					   .target = p->ref,
					   .as_is = true,
					   .history = true,
					   .governance = governance,
					   .objects = p->hook->objects};
	return rt_hook_judge(p->hook, &request, err);
}

/* What the target's present commit says counts; where that says nothing, what is pushed. */
static int
judge_push(struct push *p, struct rt_err *err)
{
	bool configured = false;
	if (rt_starts_with(p->ref, "refs/ratchet/"))
		return judge_ratchet_ref(p, err);
	if (!rt_starts_with(p->ref, "refs/heads/"))
		return 0;
	int ours = rt_hook_is_target(p->hook->home, &p->old, p->ref, &configured, err);
	if (configured || ours < 0)
		return ours == 1 ? judge_target(p, err) : ours;
	ours = rt_hook_is_target(p->hook->home, &p->new, p->ref, &configured, err);
	return ours == 1 ? adopt(p, err) : ours;
}

/* Each line: old id, new id, ref. All is refused when one is: git takes what a pre-receive lets through as a whole. */
int
rt_hook_receive(struct rt_hook *hook, struct rt_err *err)
{
	char *words[3];
	int more, code = 0;
	if (hook->objects && rt_repo_add_alternate(hook->home->repo, hook->objects, err) < 0)
		return -1;
	while (code == 0 && (more = rt_hook_line(hook, words, RT_COUNT(words), err)) != 0) {
		struct push p = {.hook = hook};
		if (more < 0 || rt_hook_oid(words[0], &p.old, err) < 0 || rt_hook_oid(words[1], &p.new, err) < 0)
			return -1;
		p.ref = words[2];
		code = judge_push(&p, err);
	}
	return code;
}
