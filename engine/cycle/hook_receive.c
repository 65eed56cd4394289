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

static int RT_PRINTF(2, 3) refuse(struct push *p, const char *fmt, ...)
{
	rt_auto(free) char *why = NULL;
	va_list args;
	va_start(args, fmt);
	if (vasprintf(&why, fmt, args) < 0)
		abort();
	va_end(args);
	rt_buf_addf(&p->hook->say, "ratchet: %s: %s\n", p->ref, why);
	return rt_verdict_exit(RT_VERDICT_REFUSED);
}

/* Other writers' chains may grow, and that is all that a push may do below refs/ratchet/. */
static int
judge_ratchet_ref(struct push *p, struct rt_err *err)
{
	if (!rt_starts_with(p->ref, RT_LEDGER_REFS))
		return refuse(p, "only ledgers are pushed; the rest of refs/ratchet/ is each repository's own");
	if (strcmp(p->ref + strlen(RT_LEDGER_REFS), p->hook->home->writer) == 0)
		return refuse(p, "is this repository's own ledger, and only it writes that");
	if (!p->new.hex[0])
		return refuse(p, "entries of a ledger are never deleted");
	int forward = p->old.hex[0] ? rt_is_ancestor(p->hook->home->repo, &p->old, &p->new, err) : 1;
	if (forward < 0)
		return -1;
	return forward ? 0 : refuse(p, "a ledger only grows, and this is not a fast-forward of it");
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
		    p, "the push adds ratchet.yml to a branch that had none, and is an adoption; the operator of this "
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
		return refuse(p, "is the target, and is not deleted");
	int forward = rt_is_ancestor(repo, &p->old, &p->new, err);
	if (forward < 0)
		return -1;
	if (!forward)
		return refuse(p, "is the target, and this is not a fast-forward of it; it only moves forward");
	if (governance && !rt_repo_config_bool(repo, "ratchet.unsignedGovernance", false))
		return refuse(p, "unsigned governance is not allowed here; its operator allows it with `git config "
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

/* Is the ref the target, by what its present commit says, or, where that says nothing, by what is pushed? */
static int
is_target(struct push *p, const struct rt_oid *says, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf target = RT_BUF_INIT;
	if (rt_hook_target(p->hook->home, says, &target, err) < 0)
		return -1;
	return strcmp(target.data, p->ref) == 0;
}

static int
judge_push(struct push *p, struct rt_err *err)
{
	rt_auto(config) struct rt_config before = RT_CONFIG_INIT, after = RT_CONFIG_INIT;
	if (rt_starts_with(p->ref, "refs/ratchet/"))
		return judge_ratchet_ref(p, err);
	if (!rt_starts_with(p->ref, "refs/heads/"))
		return 0;
	int configured = rt_hook_config(p->hook->home, &p->old, &before, err);
	if (configured < 0)
		return -1;
	bool adoption = !configured;
	if (adoption)
		configured = rt_hook_config(p->hook->home, &p->new, &after, err);
	if (configured <= 0)
		return configured;
	int ours = is_target(p, adoption ? &p->new : &p->old, err);
	if (ours <= 0)
		return ours;
	return adoption ? adopt(p, err) : judge_target(p, err);
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
