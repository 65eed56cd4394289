#include <inttypes.h>

#include "cli/cli.h"
#include "cycle/settle.h"
#include "cycle/verify.h"

static const struct rt_option options[] = {
    {'a', "all", NULL, "read every entry again, not only those since the last sound verification", false},
    {0, "target", "BRANCH", "the branch whose commits are accounted for", false},
    {0, NULL, NULL, NULL, false},
};

static const char *const class_names[] = {"landed", "accepted", "owed", "upstream", "ungated"};

static void
print_json(const struct rt_verification *v)
{
	struct rt_json *json = rt_json_new_object(), *findings = rt_json_new_array(), *notes = rt_json_new_array(),
		       *classes = rt_json_new_object();
	for (size_t i = 0; i < v->findings.n; i++)
		rt_json_append(findings, rt_json_new_string(v->findings.at[i]));
	for (size_t i = 0; i < v->notes.n; i++)
		rt_json_append(notes, rt_json_new_string(v->notes.at[i]));
	for (size_t i = 0; i < RT_COUNT(class_names); i++)
		rt_json_set_int(classes, class_names[i], (int64_t)v->classes[i]);
	rt_json_set_bool(json, "sound", v->findings.n == 0);
	rt_json_set(json, "findings", findings);
	rt_json_set(json, "notes", notes);
	rt_json_set(json, "commits", classes);
	rt_json_set_int(json, "entries", (int64_t)v->entries);
	rt_json_set_int(json, "chains", (int64_t)v->chains);
	rt_json_set_int(json, "head_seq", v->head.seq);
	rt_json_set_string(json, "head_digest", v->head.digest);
	rt_cli_print_json(json);
}

static void
print_text(const struct rt_verification *v)
{
	for (size_t i = 0; i < v->findings.n; i++)
		printf("finding: %s\n", v->findings.at[i]);
	for (size_t i = 0; i < v->notes.n; i++)
		printf("note: %s\n", v->notes.at[i]);
	printf("%s: %zu entries of %zu chains read, head %" PRId64 " %.16s\n", v->findings.n ? "NOT SOUND" : "sound",
	       v->entries, v->chains, v->head.seq, v->head.digest);
	printf(v->commits ? "%zu commits:"
			  : "%zu commits since the last sound verification; --all reads everything again",
	       v->commits);
	for (size_t i = 0; i < RT_COUNT(class_names); i++)
		if (v->classes[i])
			printf(" %zu %s", v->classes[i], class_names[i]);
	putchar('\n');
}

static int
run(struct rt_cli *cli, struct rt_err *err)
{
	rt_auto(home) struct rt_home home = RT_HOME_INIT;
	rt_auto(buf) struct rt_buf ref = RT_BUF_INIT;
	struct rt_verification verification = {0};
	if (rt_home_open(&home, cli->dir, err) < 0 || rt_target_find(&home, rt_cli_value(cli, "target"), &ref, err) < 0)
		return -1;
	int code = rt_verify(&home, ref.data, rt_cli_flag(cli, "all"), &verification, err);
	if (code == 0 && cli->json)
		print_json(&verification);
	else if (code == 0)
		print_text(&verification);
	if (code == 0 && verification.findings.n)
		code = 1;
	rt_verification_release(&verification);
	return code;
}

const struct rt_command rt_command_verify = {
    .name = "verify",
    .arguments = "",
    .summary = "check the ledger's chains and account for every commit of the target",
    .about = "Checks that every chain is whole (numbers, digests, parents, intents closed), compares it with the "
	     "anchors outside it (the trailers of landed "
	     "commits, the witness file), and sorts the target's commits since adoption into landed, accepted, owed "
	     "(only the fast checks "
	     "ran), upstream and ungated. Exit code 1 with a finding. Not detected: somebody who restores repository "
	     "and witness "
	     "together.",
    .options = options,
    .max_args = 0,
    .run = run,
};
