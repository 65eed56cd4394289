#include <fcntl.h>
#include <string.h>

#include "cli/cli.h"
#include "cycle/settle.h"
#include "cycle/trusted.h"
#include "git/signature.h"
#include "support/clock.h"

enum { DEFAULT_WAIT_MS = 3600 * 1000 };

static const struct rt_option options[] = {
    {0, "reason", "TEXT", "why (required)", false},
    {0, "until", "DATE", "last day of validity, YYYY-MM-DD, UTC (required)", false},
    {0, "to", "LEVEL", "the level the entry may fall to: gone (default), flaky, known, or a number", false},
    {0, "key", "FILE", "the SSH key to sign with (default: git's user.signingKey)", false},
    {0, "target", "BRANCH", "the target", false},
    {0, "governance", NULL, "no signer is named yet: land it unsigned, confirmed on the terminal", false},
    {0, NULL, NULL, NULL, false},
};

/* A double-quoted YAML scalar. */
static void
add_quoted(struct rt_buf *out, const char *text)
{
	rt_buf_addc(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			rt_buf_addc(out, '\\');
		if ((unsigned char)*text < 0x20)
			rt_buf_addf(out, "\\x%02x", (unsigned char)*text);
		else
			rt_buf_addc(out, *text);
	}
	rt_buf_addc(out, '"');
}

/* The waivers file with one more item; what was there stays byte for byte. */
static int
add_waiver(struct rt_repo *repo, const struct rt_oid *tree, const char *path, const struct rt_cli *cli,
	   struct rt_oid *out, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	struct rt_waivers check = {0};
	const char *to = rt_cli_value(cli, "to");
	if (rt_tree_blob(repo, tree, path, 4 << 20, &text, err) < 0)
		return -1;
	if (text.len && text.data[text.len - 1] != '\n')
		rt_buf_addc(&text, '\n');
	rt_buf_adds(&text, "- id: ");
	add_quoted(&text, cli->args[0]);
	rt_buf_adds(&text, "\n  to: ");
	add_quoted(&text, to ? to : "gone");
	rt_buf_adds(&text, "\n  reason: ");
	add_quoted(&text, rt_cli_value(cli, "reason"));
	rt_buf_addf(&text, "\n  until: %s\n", rt_cli_value(cli, "until"));
	int parsed = rt_waivers_parse(&check, text.data, text.len, path, err);
	rt_waivers_release(&check);
	if (parsed < 0)
		return -1;
	struct rt_update update = {.path = path, .entry.mode = 0100644};
	if (rt_blob_write(repo, text.data, text.len, &update.entry.id, err) < 0)
		return -1;
	return rt_tree_update(repo, tree, &update, 1, out, err);
}

/* The key: --key, else git's own configuration. */
static int
find_key(struct rt_home *home, const struct rt_cli *cli, struct rt_buf *key, struct rt_err *err)
{
	const char *given = rt_cli_value(cli, "key");
	if (given) {
		rt_buf_adds(key, given);
		return 0;
	}
	int found = rt_repo_config(home->repo, "user.signingKey", key, err);
	if (found == 0)
		return rt_fail(err, RT_ECONFIG, "no key to sign with; give --key FILE, or set git's user.signingKey");
	return found < 0 ? -1 : 0;
}

static int
make_commit(struct rt_home *home, const struct rt_cli *cli, const struct rt_oid *tip, struct rt_oid *out,
	    struct rt_err *err)
{
	rt_auto(commit) struct rt_commit base = {0}, commit = {0};
	rt_auto(trusted) struct rt_trusted trusted = RT_TRUSTED_INIT;
	rt_auto(buf) struct rt_buf path = RT_BUF_INIT, key = RT_BUF_INIT, who = RT_BUF_INIT;
	if (rt_commit_read(home->repo, tip, &base, err) < 0 ||
	    rt_trusted_read(&trusted, home->repo, &base.tree, err) < 0)
		return -1;
	if (!trusted.present)
		return rt_fail(err, RT_ECONFIG, "the target has no ratchet.yml; run `ratchet init`");
	rt_config_path(&trusted.config, "policies/waivers.yml", &path);
	if (add_waiver(home->repo, &base.tree, path.data, cli, &commit.tree, err) < 0 ||
	    rt_ident(home->repo, &who, err) < 0)
		return -1;
	commit.parents = rt_alloc(1, sizeof(*commit.parents));
	commit.parents[0] = *tip;
	commit.n_parents = 1;
	commit.author = rt_strdup(who.data);
	commit.committer = rt_strdup(who.data);
	commit.message = rt_format("policies: waive %s\n\n%s\n", cli->args[0], rt_cli_value(cli, "reason"));
	bool unsigned_yet = rt_signers_empty(trusted.signers.data, trusted.signers.len);
	if (unsigned_yet && !rt_cli_flag(cli, "governance"))
		return rt_fail(err, RT_EREFUSED,
			       "the target names no signer yet (policies/allowed_signers); use --governance on a "
			       "terminal, or `ratchet init --signer KEY`");
	int written = unsigned_yet			   ? rt_commit_write(home->repo, &commit, err)
		      : find_key(home, cli, &key, err) < 0 ? -1
							   : rt_signature_commit(home->repo, &commit, key.data, err);
	*out = commit.id;
	return written;
}

static int
run(struct rt_cli *cli, struct rt_err *err)
{
	rt_auto(home) struct rt_home home = RT_HOME_INIT;
	rt_auto(report) struct rt_report report = RT_REPORT_INIT;
	rt_auto(buf) struct rt_buf ref = RT_BUF_INIT;
	struct rt_oid tip, commit;
	int64_t until;
	const char *date = rt_cli_value(cli, "until");
	if (!rt_cli_value(cli, "reason") || !date)
		return rt_fail(err, RT_ECONFIG, "a waiver needs --reason TEXT and --until YYYY-MM-DD");
	if (rt_clock_parse_date(date, &until) < 0)
		return rt_fail(err, RT_ECONFIG, "--until takes a day such as 2026-12-31, not %s", date);
	if (until < rt_clock_now() - 86400)
		return rt_fail(err, RT_ECONFIG, "--until %s lies in the past, so the waiver would permit nothing",
			       date);
	if (rt_home_open(&home, cli->dir, err) < 0 ||
	    rt_target_find(&home, rt_cli_value(cli, "target"), &ref, err) < 0 ||
	    rt_ref_read(home.repo, ref.data, &tip, err) < 0 || make_commit(&home, cli, &tip, &commit, err) < 0)
		return -1;
	struct rt_propose propose = {.request = {.what = commit.hex},
				     .target = ref.data,
				     .governance = rt_cli_flag(cli, "governance"),
				     .wait_ms = DEFAULT_WAIT_MS};
	if (propose.governance && rt_cli_confirm_governance(err) < 0)
		return -1;
	propose.progress = rt_cli_progress(cli);
	if (rt_propose(&home, &propose, &report, err) < 0)
		return -1;
	return rt_cli_report(cli, &report, rt_verdict_exit(RT_VERDICT_NOOP));
}

const struct rt_command rt_command_waive = {
    .name = "waive",
    .arguments = "ID",
    .summary = "permit one entry of the baseline to fall, with a reason and an expiry",
    .about = "ID is an escaped id as `ratchet baseline show` prints it, or a glob over ids, "
	     "in which `*` and `?` match any characters and brackets stand for themselves, as they do in names of "
	     "cells. Makes a signed commit that "
	     "adds an item to policies/waivers.yml and "
	     "proposes it. While the waiver is valid, a landing that needs it writes the looser line with a new epoch; "
	     "afterwards it permits nothing.",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
