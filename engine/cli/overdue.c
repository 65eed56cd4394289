#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cycle/overdue.h"
#include "cycle/settle.h"
#include "support/clock.h"

static const struct rt_option options[] = {
    {0, "target", "BRANCH", "the branch to speak of", false},
    {0, "within", "DAYS", "how long a check may show nothing while the target is worked on (default 7)", false},
    {0, "kinds", NULL, "only say what each operation leaves as evidence, and by when", false},
    {0, NULL, NULL, NULL, false},
};

static int
read_days(const struct rt_cli *cli, uint64_t *days, struct rt_err *err)
{
	const char *text = rt_cli_value(cli, "within");
	*days = RT_CLI_WITHIN_DAYS;
	if (text && (rt_parse_u64(text, days) < 0 || *days > 36500))
		return rt_fail(err, RT_ECONFIG, "--within takes a number of days, not %s", text);
	return 0;
}

static void
print(const struct rt_cli *cli, const struct rt_overdue *overdue)
{
	if (cli->json) {
		struct rt_json *json = rt_json_new_object(), *missing = rt_json_new_array();
		for (size_t i = 0; i < overdue->missing.n; i++)
			rt_json_append(missing, rt_json_new_string(overdue->missing.at[i]));
		rt_json_set_int(json, "looked_at", (int64_t)overdue->looked);
		rt_json_set(json, "missing", missing);
		rt_cli_print_json(json);
		return;
	}
	for (size_t i = 0; i < overdue->missing.n; i++) {
		rt_auto(free) char *line = rt_format("overdue: %s\n", overdue->missing.at[i]);
		rt_cli_write(stdout, line);
	}
	if (!overdue->missing.n)
		printf("nothing is overdue: %zu kinds of evidence are there\n", overdue->looked);
}

static void
print_kinds(const struct rt_cli *cli)
{
	size_t n;
	const struct rt_evidence_kind *kinds = rt_evidence_kinds(&n);
	rt_auto(json) struct rt_json *list = rt_json_new_array();
	for (size_t i = 0; i < n; i++) {
		struct rt_json *one = rt_json_new_object();
		rt_json_set_string(one, "operation", kinds[i].operation);
		rt_json_set_string(one, "leaves", kinds[i].leaves);
		rt_json_set_string(one, "by", kinds[i].by);
		rt_json_append(list, one);
		if (!cli->json)
			printf("%-20s %s: %s\n", kinds[i].operation, kinds[i].by, kinds[i].leaves);
	}
	if (cli->json)
		rt_cli_print_json(rt_steal(&list));
}

static int
run(struct rt_cli *cli, struct rt_err *err)
{
	rt_auto(home) struct rt_home home = RT_HOME_INIT;
	rt_auto(overdue) struct rt_overdue overdue = {.looked = 0};
	rt_auto(buf) struct rt_buf ref = RT_BUF_INIT;
	rt_auto(free) char *self = rt_cli_self(err);
	uint64_t days;
	if (rt_cli_flag(cli, "kinds")) {
		print_kinds(cli);
		return 0;
	}
	if (!self)
		return -1;
	if (read_days(cli, &days, err) < 0 || rt_home_open(&home, cli->dir, err) < 0 ||
	    rt_target_find(&home, rt_cli_value(cli, "target"), &ref, err) < 0 ||
	    rt_overdue_find(&overdue, &home, ref.data, (int64_t)days * 86400, self, err) < 0)
		return -1;
	print(cli, &overdue);
	return overdue.missing.n ? 1 : 0;
}

const struct rt_command rt_command_overdue = {
    .name = "overdue",
    .arguments = "",
    .summary = "say which evidence should be there by now and is not",
    .about =
	"Exit code 1 and a line for each: hooks that no longer fire, a target that moved without an entry, open "
	"entries "
	"and owed checks older than a day, a landing that is not closed, a check that has shown nothing while others "
	"did, a lock that is held for more than an hour. For a timer, or the end of a job.",
    .options = options,
    .max_args = 0,
    .run = run,
};
