#include "cycle/merge_driver.h"

#include <fcntl.h>
#include <stdio.h>

#include "cli/cli.h"
#include "support/file.h"

static int
run(struct rt_cli *cli, struct rt_err *err)
{
	rt_auto(fd) int at = open(cli->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct rt_merge_driver_run merge = {
	    .at = at, .base = cli->args[0], .ours = cli->args[1], .theirs = cli->args[2], .why = RT_BUF_INIT};
	if (at < 0)
		return rt_fail_errno(err, "opening %s", cli->dir);
	int joined = rt_merge_driver_run(&merge, err);
	if (joined >= 0 && cli->json) {
		struct rt_json *json = rt_json_new_object();
		rt_json_set_bool(json, "joined", joined);
		rt_json_set_string(json, "why", joined ? NULL : merge.why.data);
		rt_cli_print_json(json);
	} else if (joined == 0) {
		rt_auto(free) char *text = rt_format("ratchet: the baselines do not join, and their text is merged: "
						     "%s\n",
						     merge.why.data);
		rt_cli_write(stderr, text);
	}
	rt_buf_release(&merge.why);
	return joined < 0 ? -1 : !joined;
}

const struct rt_command rt_command_merge_driver = {
    .name = "merge-driver",
    .arguments = "BASE OURS THEIRS",
    .summary = "what git runs to merge the baseline's files",
    .about = "The arguments are git's %O, %A and %B: files with the common base and with both sides. OURS is replaced "
	     "by their join, in which no entry of either side is lost. Where one of them can't be read, it is replaced "
	     "by git's merge of the text, and the exit code is 1, so that git calls the file conflicted. `ratchet "
	     "init` and `ratchet hook --install` set merge.ratchet.driver to this.\n\n"
	     "A join is a promise, not a measurement: `ratchet propose`, `check` and the hooks run what is merged.",
    .min_args = 3,
    .max_args = 3,
    .run = run,
};
