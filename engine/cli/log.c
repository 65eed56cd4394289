#include <inttypes.h>

#include "cli/cli.h"
#include "cycle/ledger.h"
#include "model/record.h"
#include "support/clock.h"

static const struct rt_option options[] = {
    {'n', "number", "N", "show at most N entries (default 20)", false},
    {0, NULL, NULL, NULL, false},
};

struct listing {
	const struct rt_cli *cli;
	uint64_t left;
	struct rt_json *entries;
};

static int
show(void *data, const struct rt_oid *at, const struct rt_record *record, struct rt_err *err)
{
	struct listing *listing = data;
	(void)err;
	if (listing->left-- == 0)
		return 1;
	rt_auto(buf) struct rt_buf message = RT_BUF_INIT, time = RT_BUF_INIT;
	rt_record_write(record, &message);
	if (listing->entries) {
		struct rt_json *entry = NULL;
		const char *line = message.data;
		while (line[0] && !(line[0] == '\n' && line[1] == '\n'))
			line++;
		line += 2;
		size_t len = 0;
		while (line[len] && line[len] != '\n')
			len++;
		if (rt_json_parse(&entry, line, len, "ledger entry", err) < 0)
			return -1;
		rt_json_set_string(entry, "entry", at->hex);
		rt_json_append(listing->entries, entry);
		return 0;
	}
	rt_clock_iso(&time, record->time);
	size_t subject = 0;
	while (message.data[subject] && message.data[subject] != '\n')
		subject++;
	printf("%5" PRId64 "  %s  %s  %.*s\n", record->seq, time.data, record->actor ? record->actor : "-",
	       (int)subject, message.data);
	return 0;
}

static int
run(struct rt_cli *cli, struct rt_err *err)
{
	rt_auto(home) struct rt_home home = RT_HOME_INIT;
	const char *number = rt_cli_value(cli, "number");
	struct listing listing = {.cli = cli, .left = 20, .entries = cli->json ? rt_json_new_array() : NULL};
	if (number && rt_parse_u64(number, &listing.left) < 0)
		return rt_fail(err, RT_ECONFIG, "-n takes a number, not %s", number);
	if (rt_home_open(&home, cli->dir, err) < 0 || rt_ledger_walk(&home, NULL, show, &listing, err) < 0)
		return -1;
	if (listing.entries)
		rt_cli_print_json(listing.entries);
	return 0;
}

const struct rt_command rt_command_log = {
    .name = "log",
    .arguments = "",
    .summary = "show this clone's ledger, newest first",
    .about = "One line an entry: number, time, who, and what was judged with which verdict. The same is seen with "
	     "plain git: "
	     "git log refs/ratchet/ledger/WRITER.",
    .options = options,
    .max_args = 0,
    .run = run,
};
