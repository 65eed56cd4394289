#include "cycle/check.h"
#include "cli/cli.h"

static const struct rt_option options[] = {
    {0, "base", "COMMIT", "compare with this commit's baseline and configuration", false},
    {0, "staged", NULL, "gate the staged tree against HEAD", false},
    {0, "fast", NULL, "run only the checks marked fast", false},
    {0, "target", "BRANCH", "the branch that HEAD is meant for", false},
    {0, "adopt", NULL, "in an adoption: believe the head's isolation, network, tools and caches", false},
    {0, NULL, NULL, NULL, false},
};

static int
run(struct rt_cli *cli, struct rt_err *err)
{
	rt_auto(home) struct rt_home home = RT_HOME_INIT;
	rt_auto(report) struct rt_report report = RT_REPORT_INIT;
	struct rt_check_request request = {
	    .head = cli->n_args ? cli->args[0] : NULL,
	    .base = rt_cli_value(cli, "base"),
	    .target = rt_cli_value(cli, "target"),
	    .staged = rt_cli_flag(cli, "staged"),
	    .fast = rt_cli_flag(cli, "fast"),
	    .adopt = rt_cli_flag(cli, "adopt"),
	    .history = !rt_cli_flag(cli, "staged"),
	};
	if (rt_home_open(&home, cli->dir, err) < 0)
		return -1;
	request.progress = rt_cli_progress(cli);
	if (rt_check(&home, &request, &report, err) < 0)
		return -1;
	return rt_cli_report(cli, &report, 0);
}

const struct rt_command rt_command_check = {
    .name = "check",
    .arguments = "[COMMIT]",
    .summary = "gate HEAD, another commit or the staged tree, moving nothing",
    .about =
	"On the target itself, and for an earlier commit of it that nothing accepted, the base is the nearest earlier "
	"commit with an accepted full entry in the ledger, else the commit that adopted "
	"ratchet. On another branch it is the target's tip, and what is tested is HEAD merged into it. The history of "
	"the baseline folder between base and HEAD is walked: a line that fell without a waiver is refused.",
    .options = options,
    .max_args = 1,
    .run = run,
};
