#include "cli/cli.h"
#include "cycle/settle.h"

#include "cycle/lane.h"
enum { WAIT_MS = 60000 };

static int
run(struct rt_cli *cli, struct rt_err *err)
{
	rt_auto(home) struct rt_home home = RT_HOME_INIT;
	rt_auto(lock) struct rt_lock lane = RT_LOCK_INIT;
	rt_auto(strs) struct rt_strs found = {0};
	rt_auto(buf) struct rt_buf holder = RT_BUF_INIT;
	if (rt_home_open(&home, cli->dir, err) < 0)
		return -1;
	int busy = rt_lane_take(&home, &lane, "ratchet recover", WAIT_MS, &holder, err);
	if (busy > 0)
		return rt_fail(err, RT_ECONFLICT, "a proposal is under way: %s", holder.data);
	if (busy < 0 || rt_recover(&home, &found, err) < 0)
		return -1;
	if (cli->json) {
		struct rt_json *json = rt_json_new_object(), *list = rt_json_new_array();
		for (size_t i = 0; i < found.n; i++)
			rt_json_append(list, rt_json_new_string(found.at[i]));
		rt_json_set(json, "found", list);
		rt_cli_print_json(json);
		return 0;
	}
	for (size_t i = 0; i < found.n; i++)
		puts(found.at[i]);
	if (found.n == 0)
		puts("nothing was interrupted");
	return 0;
}

const struct rt_command rt_command_recover = {
    .name = "recover",
    .arguments = "",
    .summary = "complete or undo what was interrupted",
    .about = "A landing that was killed after its INTENT entry is completed; one that was killed before it never "
	     "happened, and what it left is removed. "
	     "Every command that lands does this first; a second run finds nothing to do.",
    .max_args = 0,
    .run = run,
};
