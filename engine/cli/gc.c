#include <inttypes.h>

#include "cli/cli.h"
#include "cycle/gc.h"
#include "support/clock.h"

static const struct rt_option options[] = {
    {0, "age", "DURATION", "drop attempts and evidence older than this (default 90d)", false},
    {0, "evidence", "MIB", "keep at most so much evidence, the newest (default 256)", false},
    {0, "layers", "N", "keep at most N exported trees, those used last (default 16)", false},
    {0, "results", "N", "keep at most N recorded results (default 512)", false},
    {0, "size", "MIB", "keep at most so much of trees, those used last: exported ones first (default 8192)", false},
    {0, "time", "DURATION", "leave what is not done by then to the next run (default 60s)", false},
    {'n', "dry-run", NULL, "only say how many attempts and how much evidence would go", false},
    {0, NULL, NULL, NULL, false},
};

static int
read_duration(const struct rt_cli *cli, const char *name, int64_t *ms, struct rt_err *err)
{
	const char *text = rt_cli_value(cli, name);
	if (text && rt_clock_parse_duration(text, ms) < 0)
		return rt_fail(err, RT_ECONFIG, "--%s takes a duration such as 30d or 90s, not %s", name, text);
	return 0;
}

static int
read_number(const struct rt_cli *cli, const char *name, uint64_t max, uint64_t *n, struct rt_err *err)
{
	const char *text = rt_cli_value(cli, name);
	if (text && (rt_parse_u64(text, n) < 0 || *n > max))
		return rt_fail(err, RT_ECONFIG, "--%s takes a number of at most %" PRIu64 ", not %s", name, max, text);
	return 0;
}

static int
read_options(const struct rt_cli *cli, struct rt_gc *gc, struct rt_err *err)
{
	uint64_t mib = gc->evidence_size >> 20, layers = gc->layers, results = gc->results,
		 trees = gc->trees_size >> 20;
	if (read_duration(cli, "age", &gc->age_ms, err) < 0 || read_duration(cli, "time", &gc->time_ms, err) < 0 ||
	    read_number(cli, "evidence", 1 << 20, &mib, err) < 0 ||
	    read_number(cli, "layers", 1 << 20, &layers, err) < 0 ||
	    read_number(cli, "results", 1 << 20, &results, err) < 0 ||
	    read_number(cli, "size", 1 << 30, &trees, err) < 0)
		return -1;
	gc->evidence_size = mib << 20;
	gc->layers = layers;
	gc->results = results;
	gc->trees_size = trees << 20;
	gc->dry_run = rt_cli_flag(cli, "dry-run");
	return 0;
}

static void
print_json(const struct rt_gc_done *done)
{
	struct rt_json *json = rt_json_new_object();
	rt_json_set_int(json, "attempts", (int64_t)done->attempts);
	rt_json_set_int(json, "evidence", (int64_t)done->evidence);
	rt_json_set_int(json, "evidence_bytes", (int64_t)done->evidence_bytes);
	rt_json_set_int(json, "layers", (int64_t)done->layers);
	rt_json_set_int(json, "results", (int64_t)done->results);
	rt_json_set_int(json, "packed", (int64_t)done->packed);
	rt_json_set_bool(json, "unfinished", done->unfinished);
	rt_cli_print_json(json);
}

static int
run(struct rt_cli *cli, struct rt_err *err)
{
	rt_auto(home) struct rt_home home = RT_HOME_INIT;
	struct rt_gc gc = RT_GC_INIT;
	struct rt_gc_done done = {0};
	if (read_options(cli, &gc, err) < 0 || rt_home_open(&home, cli->dir, err) < 0 ||
	    rt_gc(&home, &gc, &done, err) < 0)
		return -1;
	if (cli->json) {
		print_json(&done);
		return 0;
	}
	printf("%s %zu attempts, %zu pieces of evidence (%" PRIu64 " bytes)", gc.dry_run ? "would drop" : "dropped",
	       done.attempts, done.evidence, done.evidence_bytes);
	if (!gc.dry_run)
		printf(", %zu exported trees, %zu results; packed %zu entries", done.layers, done.results, done.packed);
	puts(done.unfinished ? "; the time was over, and the next run goes on" : "");
	return 0;
}

const struct rt_command rt_command_gc = {
    .name = "gc",
    .arguments = "",
    .summary = "drop old attempts, evidence, exported trees and results; pack the ledger",
    .about = "What grows with every proposal and is not the record itself goes by age and size. Entries of the ledger "
	     "are never dropped, and nothing of yours is touched. It runs beside proposals and takes only what none of "
	     "them has. An entry says what was removed. The objects of refs that were dropped go with git's own gc.",
    .options = options,
    .max_args = 0,
    .run = run,
};
