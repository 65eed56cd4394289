#include "cycle/init.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

enum { DEFAULT_RUNS = 3, MOST_RUNS = 100 };

static const struct rt_option options[] = {
    {0, "check", "NAME=COMMAND", "use this check instead of what is recognised", true},
    {0, "target", "BRANCH", "the branch to protect (default: the one that is checked out)", false},
    {0, "runs", "N", "run the matrix N times, and record what passes each time (default 3)", false},
    {0, "no-commit", NULL, "leave the files in the work tree", false},
    {0, "signer", "KEY", "the first key that may change configuration and policies: a .pub file or its line", false},
    {0, "agents", NULL, "prepare for proposals of agents: changes of tests are judged strictly; needs --signer", false},
    {0, "server-governance", NULL, "in a bare repository: let `git push -o governance` pass without a signature",
     false},
    {0, "undo", NULL, "take hooks and configuration back; files that are committed stay", false},
    {0, NULL, NULL, NULL, false},
};

/* On standard input, when that is a terminal: the one question that is ever asked. */
static int
ask(void *data, struct rt_buf *command, struct rt_err *err)
{
	char line[4096];
	(void)data;
	(void)err;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return 0;
	fputs("Nothing here is recognised. Which command runs the tests? ", stderr);
	if (!fgets(line, sizeof(line), stdin))
		return 0;
	rt_buf_add(command, line, strcspn(line, "\r\n"));
	return 1;
}

static int
own_path(char *path, size_t size, struct rt_err *err)
{
	ssize_t len = readlink("/proc/self/exe", path, size - 1);
	if (len < 0)
		return rt_fail_errno(err, "finding the path of this program, which the hooks will run");
	path[len] = '\0';
	return 0;
}

static struct rt_json *
strings(const struct rt_strs *strs)
{
	struct rt_json *array = rt_json_new_array();
	for (size_t i = 0; i < strs->n; i++)
		rt_json_append(array, rt_json_new_string(strs->at[i]));
	return array;
}

static const struct {
	const char *word; /* of --json */
	int exit;
} ends[] = {
    [RT_INIT_ADOPTED] = {"adopted", 0},	      [RT_INIT_IN_PLACE] = {"in-place", 0},
    [RT_INIT_FILES] = {"files", 0},	      [RT_INIT_INCOMPLETE] = {"incomplete", 3},
    [RT_INIT_IN_THE_WAY] = {"in-the-way", 5}, [RT_INIT_SERVER] = {"server", 0},
};

static void
print_end(const struct rt_init_result *result, bool mended)
{
	switch (result->end) {
	case RT_INIT_ADOPTED:
		printf("committed as %.12s with a baseline of %zu lines; from now on `ratchet propose` lands changes "
		       "here, and `ratchet status` tells\n",
		       result->report.landed.hex, result->recorded);
		break;
	case RT_INIT_IN_PLACE:
		puts(mended ? "ratchet was adopted here before; what was missing is mended, and `ratchet doctor` says "
			      "what is left; `ratchet baseline record` notes what passes"
			    : "ratchet was adopted here before, and everything is in place");
		break;
	case RT_INIT_FILES:
		printf("ratchet.yml and its folder are in the work tree, with a baseline of %zu lines; look at them, "
		       "then run `ratchet init` again, which commits them\n",
		       result->recorded);
		break;
	case RT_INIT_INCOMPLETE:
		puts(
		    "nothing was committed. ratchet.yml is in the work tree: mend the check that is named above, in it "
		    "or in the project, and run `ratchet init` again");
		break;
	case RT_INIT_IN_THE_WAY:
		puts("nothing was committed");
		break;
	case RT_INIT_SERVER:
		puts("pushes to the target are judged here; ratchet.yml comes with the first push of a clone where "
		     "`ratchet init` ran");
		break;
	}
}

static int
print_result(const struct rt_cli *cli, const struct rt_init_result *result)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	bool ran = result->report.has_verdict;
	rt_cli_progress_done();
	if (cli->json) {
		struct rt_json *json = rt_json_new_object();
		rt_json_set_string(json, "end", ends[result->end].word);
		rt_json_set(json, "did", strings(&result->did));
		rt_json_set_int(json, "recorded", (int64_t)result->recorded);
		rt_json_set(json, "report", ran ? rt_report_json(&result->report, NULL, false) : NULL);
		rt_cli_print_json(json);
		return ends[result->end].exit;
	}
	for (size_t i = 0; i < result->did.n; i++)
		puts(result->did.at[i]);
	if (ran)
		rt_report_text(&result->report, cli->colour, &text);
	rt_cli_write(stdout, text.data);
	print_end(result, result->did.n > 0);
	return ends[result->end].exit;
}

static int
undo(const struct rt_cli *cli, struct rt_home *home, struct rt_err *err)
{
	rt_auto(strs) struct rt_strs did = {0};
	if (cli->n_given > 1)
		return rt_fail(err, RT_ECONFIG, "--undo stands alone; see `ratchet init --help`");
	if (rt_init_undo(home, &did, err) < 0)
		return -1;
	if (cli->json) {
		struct rt_json *json = rt_json_new_object();
		rt_json_set_string(json, "end", "undone");
		rt_json_set(json, "did", strings(&did));
		rt_cli_print_json(json);
		return 0;
	}
	for (size_t i = 0; i < did.n; i++)
		puts(did.at[i]);
	puts("ratchet.yml, its folder and the ledger stay; `git rm` removes the files, and nothing judges that");
	return 0;
}

static int
count_of_runs(const struct rt_cli *cli, unsigned *runs, struct rt_err *err)
{
	const char *text = rt_cli_value(cli, "runs");
	uint64_t n = DEFAULT_RUNS;
	if (text && (rt_parse_u64(text, &n) < 0 || n < 1 || n > MOST_RUNS))
		return rt_fail(err, RT_ECONFIG, "--runs takes a number from 1 to %d, not %s", MOST_RUNS, text);
	*runs = (unsigned)n;
	return 0;
}

static int
run(struct rt_cli *cli, struct rt_err *err)
{
	rt_auto(home) struct rt_home home = RT_HOME_INIT;
	rt_auto(strs) struct rt_strs checks = {0};
	rt_auto(init_result) struct rt_init_result result = RT_INIT_RESULT_INIT;
	char binary[4096];
	struct rt_init init = {
	    .target = rt_cli_value(cli, "target"),
	    .checks = &checks,
	    .signer = rt_cli_value(cli, "signer"),
	    .no_commit = rt_cli_flag(cli, "no-commit"),
	    .agents = rt_cli_flag(cli, "agents"),
	    .server_governance = rt_cli_flag(cli, "server-governance"),
	    .binary = binary,
	    .path = getenv("PATH"),
	    .ask = ask,
	};
	rt_cli_values(cli, "check", &checks);
	if (count_of_runs(cli, &init.runs, err) < 0 || own_path(binary, sizeof(binary), err) < 0 ||
	    rt_home_open(&home, cli->dir, err) < 0)
		return -1;
	if (rt_cli_flag(cli, "undo"))
		return undo(cli, &home, err);
	init.progress = rt_cli_progress(cli);
	if (rt_init(&home, &init, &result, err) < 0)
		return -1;
	if (checks.n && result.end == RT_INIT_IN_PLACE)
		fputs("ratchet: --check changes nothing here: write the check into ratchet.yml, and land that with "
		      "`ratchet propose --governance`, or as a signed commit\n",
		      stderr);
	return print_result(cli, &result);
}

const struct rt_command rt_command_init = {
    .name = "init",
    .arguments = "",
    .summary = "adopt ratchet in this repository",
    .about =
	"Recognises how the project is built and tested (meson, cmake, autotools, make, cargo, go, npm with node "
	"--test, jest, vitest or mocha, pytest, prove, bats), writes a commented ratchet.yml and the folder "
	".ratchet, runs the checks three times in isolation, and commits the files with a first baseline of what "
	"passed each time; what did not is listed. What was staged stays staged. Then it installs the hooks; those "
	"that were there go on running.\n\n"
	"A ratchet.yml that lies in the work tree already is taken as it is. Run again, init changes nothing and "
	"mends what is missing of hooks and configuration. In a bare repository it installs hooks and "
	"configuration only.",
    .options = options,
    .max_args = 0,
    .run = run,
};
