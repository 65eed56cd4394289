#include <string.h>

#include "cli/cli.h"
#include "cycle/settle.h"
#include "cycle/trusted.h"
#include "model/glob.h"

enum { DEFAULT_WAIT_MS = 3600 * 1000 };

static const struct rt_option options[] = {
    {0, "rev", "COMMIT", "show or verify the baseline of this commit (default: the target's tip)", false},
    {0, "target", "BRANCH", "the target", false},
    {0, NULL, NULL, NULL, false},
};

/* The baseline of a commit as it is written there, by that commit's own configuration. */
static int
read_baseline(struct rt_home *home, const char *spec, struct rt_baseline *baseline, struct rt_err *err)
{
	rt_auto(commit) struct rt_commit commit = {0};
	rt_auto(config) struct rt_config config = RT_CONFIG_INIT;
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	struct rt_oid oid;
	int found = rt_rev_parse(home->repo, spec, &oid, err);
	if (found == 0)
		return rt_fail(err, RT_ECONFIG, "%s is not a commit", spec);
	if (found < 0 || rt_commit_read(home->repo, &oid, &commit, err) < 0)
		return -1;
	found = rt_tree_blob(home->repo, &commit.tree, "ratchet.yml", 4 << 20, &text, err);
	if (found == 0)
		return rt_fail(err, RT_ECONFIG, "%s has no ratchet.yml; run `ratchet init`", spec);
	if (found < 0 || rt_config_parse(&config, text.data, text.len, "ratchet.yml", err) < 0)
		return -1;
	return rt_trusted_baseline(baseline, home->repo, &commit.tree, &config, err);
}

static void
line_text(const struct rt_line *line, struct rt_buf *out)
{
	rt_buf_adds(out, rt_level_name(line->level));
	if (line->has_value) {
		rt_buf_addc(out, ' ');
		rt_number_write(out, line->value);
	}
	if (line->epoch)
		rt_buf_addf(out, " (epoch %u)", line->epoch);
}

static int
show(struct rt_cli *cli, const struct rt_baseline *baseline)
{
	const char *glob = cli->n_args > 1 ? cli->args[1] : "*";
	struct rt_json *json = cli->json ? rt_json_new_array() : NULL;
	for (size_t i = 0; i < baseline->lines.n; i++) {
		const struct rt_line *line = &baseline->lines.at[i];
		rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
		if (!rt_glob_match_id(glob, line->id))
			continue;
		line_text(line, &text);
		if (!json) {
			printf("%s\t%s\n", line->id, text.data);
			continue;
		}
		struct rt_json *item = rt_json_new_object();
		rt_json_set_string(item, "id", line->id);
		rt_json_set_string(item, "level", rt_level_name(line->level));
		if (line->has_value)
			rt_json_set_real(item, "value", line->value);
		rt_json_set_int(item, "epoch", line->epoch);
		rt_json_append(json, item);
	}
	if (json)
		rt_cli_print_json(json);
	return 0;
}

static struct rt_json *
level_json(const struct rt_line *line)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	if (line)
		line_text(line, &text);
	return rt_json_new_string(line ? text.data : NULL);
}

/* Prints a difference, or adds it to list. */
static void
note_difference(struct rt_json *list, const struct rt_line *a, const struct rt_line *b)
{
	rt_auto(buf) struct rt_buf x = RT_BUF_INIT, y = RT_BUF_INIT;
	if (list) {
		struct rt_json *item = rt_json_new_object();
		rt_json_set_string(item, "id", a ? a->id : b->id);
		rt_json_set(item, "was", level_json(a));
		rt_json_set(item, "now", level_json(b));
		rt_json_append(list, item);
		return;
	}
	if (a)
		line_text(a, &x);
	if (b)
		line_text(b, &y);
	printf("%s\t%s -> %s\n", a ? a->id : b->id, a ? x.data : "absent", b ? y.data : "absent");
}

/* Both are sorted: one pass over the two. */
static void
diff(const struct rt_cli *cli, const struct rt_baseline *a, const struct rt_baseline *b)
{
	struct rt_json *list = cli->json ? rt_json_new_array() : NULL;
	size_t i = 0, k = 0;
	while (i < a->lines.n || k < b->lines.n) {
		const struct rt_line *x = i < a->lines.n ? &a->lines.at[i] : NULL,
				     *y = k < b->lines.n ? &b->lines.at[k] : NULL;
		int order = !x ? 1 : !y ? -1 : strcmp(x->id, y->id);
		if (order != 0 || !rt_line_equal(x, y))
			note_difference(list, order <= 0 ? x : NULL, order >= 0 ? y : NULL);
		i += order <= 0;
		k += order >= 0;
	}
	if (list)
		rt_cli_print_json(list);
}

static int
print_verified(const struct rt_cli *cli, const struct rt_strs *findings, size_t lines)
{
	if (cli->json) {
		struct rt_json *json = rt_json_new_object(), *list = rt_json_new_array();
		for (size_t i = 0; i < findings->n; i++)
			rt_json_append(list, rt_json_new_string(findings->at[i]));
		rt_json_set_bool(json, "sound", findings->n == 0);
		rt_json_set_int(json, "lines", (int64_t)lines);
		rt_json_set(json, "findings", list);
		rt_cli_print_json(json);
		return findings->n ? 1 : 0;
	}
	for (size_t i = 0; i < findings->n; i++)
		puts(findings->at[i]);
	printf("%zu lines, %s\n", lines, findings->n ? "NOT SOUND" : "sound");
	return findings->n ? 1 : 0;
}

static int
verify(struct rt_home *home, struct rt_cli *cli, const char *rev, struct rt_err *err)
{
	rt_auto(baseline) struct rt_baseline present = RT_BASELINE_INIT, before = RT_BASELINE_INIT;
	rt_auto(strs) struct rt_strs falls = {0}, findings = {0};
	rt_auto(free) char *parent = rt_format("%s^", rev);
	struct rt_oid oid;
	if (read_baseline(home, rev, &present, err) < 0) {
		/* a commit that is none is the caller's mistake; what is in the files is the finding */
		if (err->code != RT_ECONFIG || !err->file[0])
			return -1;
		rt_strs_addf(&findings, "%s:%u: %s", err->file, err->line, err->text);
		return print_verified(cli, &findings, 0);
	}
	int found = rt_rev_parse(home->repo, parent, &oid, err);
	struct rt_err none = RT_ERR_INIT;
	if (found > 0 && read_baseline(home, parent, &before, &none) == 0)
		rt_baseline_falls(&before, &present, &falls);
	for (size_t i = 0; i < falls.n; i++)
		rt_strs_addf(&findings, "%s fell against the commit before", falls.at[i]);
	return print_verified(cli, &findings, present.lines.n);
}

static int
record(struct rt_home *home, struct rt_cli *cli, struct rt_err *err)
{
	rt_auto(report) struct rt_report report = RT_REPORT_INIT;
	struct rt_propose propose = {.record = true,
				     .target = rt_cli_value(cli, "target"),
				     .wait_ms = DEFAULT_WAIT_MS,
				     .progress = rt_cli_progress(cli)};
	if (rt_propose(home, &propose, &report, err) < 0)
		return -1;
	return rt_cli_report(cli, &report, 0);
}

static int
run(struct rt_cli *cli, struct rt_err *err)
{
	rt_auto(home) struct rt_home home = RT_HOME_INIT;
	rt_auto(buf) struct rt_buf ref = RT_BUF_INIT;
	rt_auto(baseline) struct rt_baseline a = RT_BASELINE_INIT, b = RT_BASELINE_INIT;
	const char *verb = cli->args[0], *rev = rt_cli_value(cli, "rev");
	if (rt_home_open(&home, cli->dir, err) < 0 || rt_target_find(&home, rt_cli_value(cli, "target"), &ref, err) < 0)
		return -1;
	if (strcmp(verb, "record") == 0)
		return record(&home, cli, err);
	if (strcmp(verb, "verify") == 0)
		return verify(&home, cli, rev ? rev : ref.data, err);
	if (strcmp(verb, "show") == 0)
		return read_baseline(&home, rev ? rev : ref.data, &a, err) < 0 ? -1 : show(cli, &a);
	if (strcmp(verb, "diff") == 0) {
		rt_auto(free) char *parent = rt_format("%s^", ref.data);
		if (read_baseline(&home, cli->n_args > 1 ? cli->args[1] : parent, &a, err) < 0 ||
		    read_baseline(&home, cli->n_args > 2 ? cli->args[2] : ref.data, &b, err) < 0)
			return -1;
		diff(cli, &a, &b);
		return 0;
	}
	return rt_fail(err, RT_ECONFIG, "ratchet baseline takes show, diff, verify or record, not %s", verb);
}

const struct rt_command rt_command_baseline = {
    .name = "baseline",
    .arguments = "show [GLOB] | diff [A [B]] | verify | record",
    .summary = "look at the baseline, or raise it to what the target's tip shows",
    .about = "show prints the lines of the target's tip whose ids match the "
	     "glob (`*` and `?`; brackets stand for themselves). diff compares two commits (default: the tip's "
	     "parent and the tip). verify checks that "
	     "the files are sound and that nothing fell. record runs the matrix on the target's tip and lands one "
	     "commit that only raises.",
    .options = options,
    .min_args = 1,
    .max_args = 3,
    .run = run,
};
