#include <string.h>

#include "cycle/hook.h"

/*
 * The staged tree against HEAD, with the checks marked fast. Nothing is changed: in a partial commit the real index
 * can't be touched. A merge's HEAD is the first parent of what will be committed, so that pre-merge-commit is the same.
 */
int
rt_hook_commit(struct rt_hook *hook, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf head_ref = RT_BUF_INIT, target = RT_BUF_INIT;
	rt_auto(config) struct rt_config config = RT_CONFIG_INIT;
	struct rt_oid head;
	if (rt_head(hook->home->repo, &head_ref, &head, err) < 0)
		return -1;
	if (!head.hex[0]) {
		rt_buf_adds(&hook->say,
			    "ratchet: the branch has no commit yet, so there is nothing to compare this one with\n");
		return 0;
	}
	int configured = rt_hook_config(hook->home, &head, &config, err);
	if (configured < 0)
		return rt_err_while(err, "reading the configuration at HEAD, by which a commit is judged (the one that "
					 "mends it is made with `git commit --no-verify`)");
	if (configured == 0)
		return 0;
	if (rt_hook_target(hook->home, &head, &target, err) < 0)
		return -1;
	if (target.len && strcmp(head_ref.data, target.data) == 0) {
		int open = rt_hook_open(hook, target.data, err);
		if (open)
			return open;
	}
	struct rt_check_request request = {.staged = true,
					   .index_file = hook->index_file,
					   .fast = true,
					   .owed = true,
					   .target = target.len ? target.data : NULL};
	return rt_hook_judge(hook, &request, err);
}
