#include <string.h>

#include "cycle/hook.h"

/*
 * What the pushed commit is compared with: the nearest accepted commit where that descends from what the remote has,
 * since all up to it was judged; else what the remote has, where we have it and it is an ancestor; else what
 * rt_nearest_accepted says. "" and adoption: the commit is the first one with ratchet.yml.
 */
static int
find_base(struct rt_hook *hook, const struct rt_oid *local, const struct rt_oid *remote, struct rt_oid *base,
	  bool *adoption, struct rt_err *err)
{
	struct rt_repo *repo = hook->home->repo;
	int known = remote->hex[0] && rt_object_exists(repo, remote) ? rt_is_ancestor(repo, remote, local, err) : 0;
	if (known < 0)
		return -1;
	int nearest = rt_nearest_accepted(hook->home, local, base, err);
	if (nearest < 0)
		return -1;
	int later = known && nearest ? rt_is_ancestor(repo, remote, base, err) : 0;
	if (later < 0)
		return -1;
	if (known && !later)
		*base = *remote;
	*adoption = !known && !nearest && (!base->hex[0] || rt_oid_equal(base, local));
	return 0;
}

static int
judge_push(struct rt_hook *hook, const char *ref, const struct rt_oid *local, const struct rt_oid *remote,
	   struct rt_err *err)
{
	struct rt_oid base;
	bool adoption;
	int open = rt_hook_open(hook, ref, err);
	if (open)
		return open;
	int accepted = rt_accepted(hook->home, local, false, err);
	if (accepted)
		return accepted < 0 ? -1 : 0;
	if (find_base(hook, local, remote, &base, &adoption, err) < 0)
		return -1;
	struct rt_check_request request = {.head = local->hex,
					   .base = adoption ? NULL : base.hex,
					   .adoption = adoption,
					   .target = ref,
					   .as_is = true,
					   .history = true};
	return rt_hook_judge(hook, &request, err);
}

/* Is ref, as the remote has it, the target? What the remote's present commit says counts before what is pushed over it.
 * 1, 0, -1. */
static int
is_target(struct rt_hook *hook, const char *ref, const struct rt_oid *local, const struct rt_oid *remote,
	  struct rt_err *err)
{
	bool configured = false;
	if (remote->hex[0] && rt_object_exists(hook->home->repo, remote)) {
		int ours = rt_hook_is_target(hook->home, remote, ref, &configured, err);
		if (ours || configured)
			return ours;
	}
	return rt_hook_is_target(hook->home, local, ref, &configured, err);
}

/* Each line: local ref, local id, remote ref, remote id. The first that is not accepted blocks the push. */
int
rt_hook_push(struct rt_hook *hook, struct rt_err *err)
{
	char *words[4];
	int more, code = 0;
	while (code == 0 && (more = rt_hook_line(hook, words, RT_COUNT(words), err)) != 0) {
		struct rt_oid local, remote;
		if (more < 0 || rt_hook_oid(words[1], &local, err) < 0 || rt_hook_oid(words[3], &remote, err) < 0)
			return -1;
		/* a deletion brings nothing to judge; the server's side refuses it. A tag need not be a commit. */
		code = local.hex[0] && rt_starts_with(words[2], "refs/heads/")
			   ? is_target(hook, words[2], &local, &remote, err)
			   : 0;
		if (code == 1)
			code = judge_push(hook, words[2], &local, &remote, err);
	}
	return code;
}
