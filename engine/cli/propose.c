#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cycle/settle.h"
#include "support/clock.h"

enum { DEFAULT_WAIT_MS = 3600 * 1000 };

static const struct rt_option options[] = {
    {0, "staged", NULL, "propose the staged index instead of X", false},
    {'m', "message", "TEXT", "commit message for a bare diff or --staged", false},
    {0, "target", "BRANCH", "the branch to land on (default: target: in ratchet.yml, else the present one)", false},
    {'n', "dry-run", NULL, "judge, but move nothing", false},
    {0, "fast", NULL, "run only the checks marked fast; the rest is owed, and pre-push demands it", false},
    {0, "each", NULL, "gate every commit, not only the last", false},
    {0, "again", NULL, "run it even if the same tree fell on this base before", false},
    {0, "wait", "TIME", "wait so long for other proposals (default 1h)", false},
    {0, "no-wait", NULL, "do not wait for other proposals", false},
    {0, "adopt", NULL, "the target has no ratchet.yml yet: believe the proposal's own", false},
    {0, "governance", NULL, "allow unsigned changes of trusted inputs, asking on the terminal", false},
    {0, NULL, NULL, NULL, false},
};

/* Asked on the terminal itself, so that no pipe and no agent can answer. */
int
rt_cli_confirm_governance(struct rt_err *err)
{
	static const char question[] =
	    "This proposal may change ratchet.yml, policies or baseline without a signature. Type \"govern\": ";
	rt_auto(fd) int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	char answer[64] = "";
	if (tty < 0)
		return rt_fail(err, RT_EREFUSED,
			       "--governance is confirmed by a person on a terminal, and there is none");
	if (write(tty, question, sizeof(question) - 1) < 0)
		return rt_fail_errno(err, "asking on the terminal");
	ssize_t n = read(tty, answer, sizeof(answer) - 1);
	if (n < 0)
		return rt_fail_errno(err, "reading from the terminal");
	answer[n] = '\0';
	answer[strcspn(answer, "\r\n")] = '\0';
	if (strcmp(answer, "govern") != 0)
		return rt_fail(err, RT_EREFUSED, "not confirmed; nothing was done");
	return 0;
}

static int
wait_time(const struct rt_cli *cli, int64_t *ms, struct rt_err *err)
{
	const char *text = rt_cli_value(cli, "wait");
	*ms = rt_cli_flag(cli, "no-wait") ? 0 : DEFAULT_WAIT_MS;
	if (text && rt_clock_parse_duration(text, ms) < 0)
		return rt_fail(err, RT_ECONFIG, "--wait takes a time such as 30s, 10m or 2h, not %s", text);
	return 0;
}

static int
run(struct rt_cli *cli, struct rt_err *err)
{
	rt_auto(home) struct rt_home home = RT_HOME_INIT;
	rt_auto(report) struct rt_report report = RT_REPORT_INIT;
	struct rt_propose propose = {
	    .request = {.what = cli->n_args ? cli->args[0] : NULL,
			.staged = rt_cli_flag(cli, "staged"),
			.message = rt_cli_value(cli, "message")},
	    .target = rt_cli_value(cli, "target"),
	    .dry_run = rt_cli_flag(cli, "dry-run"),
	    .each = rt_cli_flag(cli, "each"),
	    .fast = rt_cli_flag(cli, "fast"),
	    .again = rt_cli_flag(cli, "again"),
	    .adopt = rt_cli_flag(cli, "adopt"),
	    .governance = rt_cli_flag(cli, "governance"),
	};
	if (propose.request.staged == (propose.request.what && propose.request.what[0]))
		return rt_fail(
		    err, RT_ECONFIG,
		    "give either X (a file, -, a commit, A..B or a branch) or --staged; see `ratchet propose --help`");
	if (wait_time(cli, &propose.wait_ms, err) < 0 || (propose.governance && rt_cli_confirm_governance(err) < 0))
		return -1;
	/* a patch is named from where the caller stands, whatever -C says */
	if (rt_home_open(&home, cli->dir, err) < 0)
		return -1;
	propose.progress = rt_cli_progress(cli);
	if (rt_propose(&home, &propose, &report, err) < 0)
		return -1;
	return rt_cli_report(cli, &report, rt_verdict_exit(RT_VERDICT_NOOP));
}

const struct rt_command rt_command_propose = {
    .name = "propose",
    .arguments = "[X]",
    .summary = "gate a patch, a commit, a range or a branch, and land it or roll back",
    .about = "X is a diff, a mailbox with one or many messages, - for standard input, a commit, a range A..B, or a "
	     "branch. It becomes "
	     "commits on the target's tip in a quarantine, the checks of the target's own ratchet.yml run on it in "
	     "isolation, and every case and "
	     "metric is compared with the committed baseline. If nothing that worked stopped working, the target is "
	     "fast-forwarded, with the raised baseline "
	     "in the same commit; otherwise it stays, and the attempt is kept at refs/ratchet/rejected/ID with its "
	     "verdict.\n\n"
	     "Commits that descend from the target's tip keep their ids; others are replayed with author, date and "
	     "message. The "
	     "work tree, the index and HEAD are not touched while a proposal is tried.",
    .options = options,
    .max_args = 1,
    .run = run,
};
