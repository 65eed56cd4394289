#include "cycle/hook.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cycle/install.h"
#include "cycle/merge_driver.h"
#include "support/file.h"

static const size_t MAX_INPUT = 256u << 20;

static const struct rt_option options[] = {
    {0, "install", NULL, "install the hooks and the merge driver, or mend them; hooks that were there go on running",
     false},
    {0, "remove", NULL, "take them away, and restore what was there before", false},
    {0, NULL, NULL, NULL, false},
};

/* What git put into the environment is read here, once, and handed on as arguments. */
static char *
absolute(const char *path)
{
	if (!path || !path[0])
		return NULL;
	if (path[0] == '/')
		return rt_strdup(path);
	rt_auto(free) char *here = getcwd(NULL, 0);
	return here ? rt_format("%s/%s", here, path) : NULL;
}

static int
read_options(struct rt_strs *out, struct rt_err *err)
{
	const char *text = getenv("GIT_PUSH_OPTION_COUNT");
	uint64_t count = 0;
	if (text && (rt_parse_u64(text, &count) < 0 || count > 1000))
		return rt_fail(err, RT_ECONFIG, "GIT_PUSH_OPTION_COUNT is %.40s; at most 1000 push options are read",
			       text);
	for (uint64_t i = 0; i < count; i++) {
		rt_auto(free) char *name = rt_format("GIT_PUSH_OPTION_%d", (int)i);
		const char *value = getenv(name);
		rt_strs_add(out, value ? value : "");
	}
	return 0;
}

/* git says in GIT_DIR which repository a hook runs for; without it, the one that DIR lies in. */
static int
open_home(const struct rt_cli *cli, struct rt_home *home, struct rt_err *err)
{
	rt_auto(free) char *dir = absolute(getenv("GIT_DIR"));
	rt_auto(repo) struct rt_repo *repo = NULL;
	if (!dir)
		return rt_home_open(home, cli->dir, err);
	if (rt_repo_open_gitdir(&repo, dir, err) < 0)
		return -1;
	return rt_home_adopt(home, rt_steal(&repo), err);
}

static int
run_kind(struct rt_cli *cli, const struct rt_hook_kind *kind, struct rt_hook *hook, struct rt_err *err)
{
	rt_auto(home) struct rt_home home = RT_HOME_INIT;
	rt_auto(free) char *index = absolute(getenv("GIT_INDEX_FILE"));
	rt_auto(free) char *objects = absolute(getenv("GIT_QUARANTINE_PATH"));
	rt_auto(free) char *work_tree = absolute(getenv("GIT_WORK_TREE"));
	hook->index_file = index;
	hook->work_tree = work_tree;
	hook->objects = objects;
	hook->home = &home;
	if (kind->reads && rt_file_read_fd(STDIN_FILENO, MAX_INPUT, "standard input", &hook->in, err) < 0)
		return -1;
	if (read_options(&hook->options, err) < 0 || open_home(cli, &home, err) < 0)
		return -1;
	if (isatty(STDERR_FILENO))
		hook->progress = rt_cli_progress(cli);
	int code = kind->run(hook, err);
	rt_cli_progress_done();
	return code;
}

/* The program that runs now is the one that the hooks are to run. */
static int
install(struct rt_cli *cli, bool remove, struct rt_err *err)
{
	rt_auto(home) struct rt_home home = RT_HOME_INIT;
	rt_auto(strs) struct rt_strs did = {0};
	rt_auto(free) char *self = rt_cli_self(err);
	if (!self)
		return -1;
	if (rt_home_open(&home, cli->dir, err) < 0)
		return -1;
	if (remove)
		return rt_merge_driver_undo(&home, &did, err) < 0 ? -1 : rt_hooks_undo(&home, err);
	if (rt_hooks_install(&home, self, err) < 0)
		return -1;
	return rt_merge_driver_install(&home, self, &did, err);
}

static int
run(struct rt_cli *cli, struct rt_err *err)
{
	bool remove = rt_cli_flag(cli, "remove");
	if (remove || rt_cli_flag(cli, "install"))
		return install(cli, remove, err);
	if (!cli->n_args)
		return rt_fail(err, RT_ECONFIG,
			       "name a hook, or give --install or --remove; see `ratchet hook --help`");
	const struct rt_hook_kind *kind = rt_hook_find(cli->args[0]);
	rt_auto(hook) struct rt_hook hook = RT_HOOK_INIT;
	if (!kind)
		return 0;
	hook.name = cli->args[0];
	static char via[64];
	snprintf(via, sizeof(via), "hook %s", hook.name);
	rt_via_set(via);
	hook.args = cli->args + 1;
	hook.n_args = cli->n_args - 1;
	int code = run_kind(cli, kind, &hook, err);
	fwrite(hook.say.data, 1, hook.say.len, stderr);
	if (code < 0)
		rt_err_while(err, "hook %s", hook.name);
	else if (cli->json && hook.report.has_verdict)
		rt_cli_print_json(rt_report_json(&hook.report, NULL, false));
	return code;
}

const struct rt_command rt_command_hook = {
    .name = "hook",
    .arguments = "[NAME [ARGUMENTS]]",
    .summary = "what git's hook NAME runs; --install and --remove",
    .about = "pre-commit and pre-merge-commit gate the staged tree with the checks marked fast. pre-push demands a "
	     "full judgement of what is "
	     "pushed to the target. post-merge judges what came in, and moves the branch back when it regressed, "
	     "keeping staged and unstaged "
	     "work. reference-transaction guards the target against moves that nothing judged: `guard: report` writes "
	     "them down, "
	     "`guard: refuse` stops them. pre-receive gates every push to the target of a bare repository.\n\n"
	     "Other names do nothing. Arguments and standard input are git's.",
    .options = options,
    .max_args = -1,
    .run = run,
};
