#include <inttypes.h>
#include <string.h>

#include "cli/cli.h"
#include "cycle/check.h"
#include "cycle/ledger.h"
#include "cycle/open.h"
#include "cycle/overdue.h"
#include "cycle/settle.h"
#include "cycle/use.h"

#include "git/signature.h"
#include "support/clock.h"

/* The newest entries, and what is open. */
struct recent {
	int64_t now;
	char *last;	     /* "verdict id" of the newest one that judged */
	struct rt_strs open; /* sentences */
	size_t entries, rejected;
};

enum { LOOKED_AT = 2000, MOST_OPEN = 20 };

static int
look(void *data, const struct rt_oid *at, const struct rt_record *record, struct rt_err *err)
{
	struct recent *recent = data;
	(void)at;
	(void)err;
	if (++recent->entries > LOOKED_AT)
		return 1;
	if (!recent->last && record->verdict && record->op != RT_OP_INTENT)
		recent->last = rt_format("%s %s", record->verdict, record->id ? record->id : "-");
	if (record->op == RT_OP_REJECTED)
		recent->rejected++;
	return 0;
}

struct facts {
	struct rt_buf ref;
	struct rt_oid tip;
	struct rt_trusted trusted;
	struct rt_overdue overdue;
	struct recent recent;
	enum rt_isolation level;
	bool unsigned_governance;
};

static int
note_open(void *data, const struct rt_open *open, struct rt_err *err)
{
	struct facts *f = data;
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	(void)err;
	rt_open_say(open, f->ref.data, &text);
	rt_strs_addn(&f->recent.open, text.data, strcspn(text.data, "\n"));
	return f->recent.open.n == MOST_OPEN;
}

static void
print_age(const char *what, const struct rt_evidence_state *state, int64_t now)
{
	int64_t age = now - state->newest;
	printf("  %-20s ", what);
	if (!state->newest)
		printf("never");
	else if (age < 3600)
		printf("%" PRId64 " min ago", age / 60);
	else if (age < 2 * 86400)
		printf("%" PRId64 " h ago", age / 3600);
	else
		printf("%" PRId64 " days ago", age / 86400);
	puts(state->missing ? ", overdue: `ratchet overdue` says what" : "");
}

static void
print_ages(const struct facts *f)
{
	size_t n;
	const struct rt_evidence_kind *kinds = rt_evidence_kinds(&n);
	puts("newest evidence of each kind:");
	for (size_t i = 0; i < n; i++)
		print_age(kinds[i].operation, &f->overdue.states[i], f->recent.now);
}

static struct rt_json *
ages_json(const struct facts *f)
{
	size_t n;
	const struct rt_evidence_kind *kinds = rt_evidence_kinds(&n);
	struct rt_json *list = rt_json_new_array();
	for (size_t i = 0; i < n; i++) {
		struct rt_json *item = rt_json_new_object();
		rt_json_set_string(item, "operation", kinds[i].operation);
		rt_json_set_int(item, "newest", f->overdue.states[i].newest);
		rt_json_set_int(item, "overdue", (int64_t)f->overdue.states[i].missing);
		rt_json_append(list, item);
	}
	return list;
}

/* Days on which the waiver is valid, today included; 0 when it has expired. */
static int64_t
days_left(const struct rt_waiver *waiver, int64_t now)
{
	return waiver->until <= now ? 0 : (waiver->until - now + 86399) / 86400;
}

static int
gather(struct rt_home *home, struct rt_cli *cli, struct facts *f, struct rt_err *err)
{
	rt_auto(commit) struct rt_commit commit = {0};
	rt_auto(free) char *self = rt_cli_self(err);
	if (!self || rt_target_find(home, rt_cli_value(cli, "target"), &f->ref, err) < 0 ||
	    rt_ref_read(home->repo, f->ref.data, &f->tip, err) < 0)
		return -1;
	if (rt_commit_read(home->repo, &f->tip, &commit, err) < 0 ||
	    rt_trusted_read(&f->trusted, home->repo, &commit.tree, err) < 0)
		return -1;
	if (rt_overdue_find(&f->overdue, home, f->ref.data, (int64_t)RT_CLI_WITHIN_DAYS * 86400, self, err) < 0 ||
	    rt_ledger_walk(home, NULL, look, &f->recent, err) < 0 ||
	    rt_open_each(home, f->ref.data, LOOKED_AT, note_open, f, err) < 0)
		return -1;
	f->level = rt_isolation_probe(NULL);
	f->unsigned_governance = rt_signers_empty(f->trusted.signers.data, f->trusted.signers.len);
	f->recent.now = rt_clock_now();
	return 0;
}

/* A waiver that ends is known before a landing misses it. */
static void
print_waivers(const struct facts *f)
{
	for (size_t i = 0; i < f->trusted.waivers.n; i++) {
		const struct rt_waiver *waiver = &f->trusted.waivers.at[i];
		int64_t days = days_left(waiver, f->recent.now);
		if (days > 0)
			printf("waiver %s: %" PRId64 " day%s left: %s\n", waiver->id, days, days == 1 ? "" : "s",
			       waiver->reason);
		else
			printf("waiver %s: expired, permits nothing; take it out of policies/waivers.yml or renew it: "
			       "%s\n",
			       waiver->id, waiver->reason);
	}
}

static struct rt_json *
waivers_json(const struct facts *f)
{
	struct rt_json *list = rt_json_new_array();
	for (size_t i = 0; i < f->trusted.waivers.n; i++) {
		const struct rt_waiver *waiver = &f->trusted.waivers.at[i];
		struct rt_json *item = rt_json_new_object();
		rt_json_set_string(item, "id", waiver->id);
		rt_json_set_string(item, "reason", waiver->reason);
		rt_json_set_int(item, "days_left", days_left(waiver, f->recent.now));
		rt_json_append(list, item);
	}
	return list;
}

static void
print_text(const struct rt_home *home, const struct facts *f)
{
	printf("target %s at %.12s%s\n", f->ref.data, f->tip.hex,
	       f->trusted.present ? "" : ", which has no ratchet.yml: run `ratchet init`");
	printf("baseline of %zu lines, %zu checks, isolation %s\n", f->trusted.baseline.lines.n,
	       f->trusted.config.checks.n, rt_isolation_name(f->level));
	printf("ledger %s: %" PRId64 " entries, last verdict %s\n", home->writer, f->overdue.verification.head.seq,
	       f->recent.last ? f->recent.last : "none");
	print_ages(f);
	if (f->unsigned_governance && f->trusted.present)
		puts("governance is unsigned: no key in policies/allowed_signers yet");
	print_waivers(f);
	for (size_t i = 0; i < f->recent.open.n; i++)
		printf("open: %s\n", f->recent.open.at[i]);
	if (f->overdue.verification.classes[RT_CLASS_OWED])
		printf("owed: the full checks of %zu commits; `ratchet check` pays\n",
		       f->overdue.verification.classes[RT_CLASS_OWED]);
	for (size_t i = 0; i < f->overdue.verification.findings.n; i++)
		printf("finding: %s\n", f->overdue.verification.findings.at[i]);
}

static void
print_json(const struct rt_home *home, const struct facts *f)
{
	struct rt_json *json = rt_json_new_object(), *open = rt_json_new_array(), *findings = rt_json_new_array();
	for (size_t i = 0; i < f->recent.open.n; i++)
		rt_json_append(open, rt_json_new_string(f->recent.open.at[i]));
	for (size_t i = 0; i < f->overdue.verification.findings.n; i++)
		rt_json_append(findings, rt_json_new_string(f->overdue.verification.findings.at[i]));
	rt_json_set_string(json, "target", f->ref.data);
	rt_json_set_string(json, "tip", f->tip.hex);
	rt_json_set_bool(json, "adopted", f->trusted.present);
	rt_json_set_int(json, "baseline_lines", (int64_t)f->trusted.baseline.lines.n);
	rt_json_set_string(json, "isolation", rt_isolation_name(f->level));
	rt_json_set_string(json, "writer", home->writer);
	rt_json_set_int(json, "entries", f->overdue.verification.head.seq);
	rt_json_set_bool(json, "unsigned_governance", f->unsigned_governance);
	rt_json_set_int(json, "owed", (int64_t)f->overdue.verification.classes[RT_CLASS_OWED]);
	rt_json_set(json, "evidence", ages_json(f));
	rt_json_set(json, "open", open);
	rt_json_set(json, "findings", findings);
	rt_json_set(json, "waivers", waivers_json(f));
	rt_cli_print_json(json);
}

/* ---- --use ---- */

static void
add_when(struct rt_buf *out, int64_t then)
{
	if (then)
		rt_clock_iso(out, then);
	else
		rt_buf_adds(out, "never");
}

static void
print_uses(const struct rt_cli *cli, const struct rt_uses *uses)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	struct rt_json *list = cli->json ? rt_json_new_array() : NULL;
	for (size_t i = 0; i < uses->n; i++) {
		const struct rt_use *use = &uses->at[i];
		if (list) {
			struct rt_json *item = rt_json_new_object();
			rt_json_set_string(item, "kind", rt_use_kind_name(use->kind));
			rt_json_set_string(item, "name", use->name);
			rt_json_set_int(item, "ran", use->ran);
			rt_json_set_int(item, "changed_a_verdict", use->changed);
			rt_json_append(list, item);
			continue;
		}
		rt_buf_addf(&text, "%-8s %-24s ran ", rt_use_kind_name(use->kind), use->name);
		add_when(&text, use->ran);
		rt_buf_adds(&text, ", changed a verdict ");
		add_when(&text, use->changed);
		rt_buf_adds(&text, use->ran || use->changed ? "\n" : ": is it needed?\n");
	}
	if (list) {
		struct rt_json *json = rt_json_new_object();
		rt_json_set_int(json, "entries", (int64_t)uses->entries);
		rt_json_set_int(json, "oldest", uses->oldest);
		rt_json_set(json, "uses", list);
		rt_cli_print_json(json);
		return;
	}
	rt_buf_addf(&text, "of %zu entries, the oldest of ", uses->entries);
	add_when(&text, uses->oldest);
	rt_buf_addc(&text, '\n');
	rt_cli_write(stdout, text.data);
}

static int
show_uses(struct rt_cli *cli, struct rt_home *home, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf ref = RT_BUF_INIT;
	rt_auto(commit) struct rt_commit commit = {0};
	rt_auto(trusted) struct rt_trusted trusted = RT_TRUSTED_INIT;
	rt_auto(uses) struct rt_uses uses = {0};
	struct rt_oid tip;
	size_t n = 0;
	while (rt_commands[n])
		n++;
	rt_auto(free) const char **names = rt_alloc(n + 1, sizeof(*names));
	for (size_t i = 0; i < n; i++)
		names[i] = rt_commands[i]->name;
	if (rt_target_find(home, rt_cli_value(cli, "target"), &ref, err) < 0 ||
	    rt_ref_read(home->repo, ref.data, &tip, err) < 0 || rt_commit_read(home->repo, &tip, &commit, err) < 0 ||
	    rt_trusted_read(&trusted, home->repo, &commit.tree, err) < 0 ||
	    rt_uses_gather(&uses, home, &trusted, names, err) < 0)
		return -1;
	print_uses(cli, &uses);
	return 0;
}

static const struct rt_option options[] = {
    {0, "use", NULL, "when each check, hook, rule and command last ran, and last changed a verdict", false},
    {0, "target", "BRANCH", "the branch to speak of", false},
    {0, NULL, NULL, NULL, false},
};

static int
run(struct rt_cli *cli, struct rt_err *err)
{
	rt_auto(home) struct rt_home home = RT_HOME_INIT;
	struct facts facts = {.ref = RT_BUF_INIT, .trusted = RT_TRUSTED_INIT};
	if (rt_home_open(&home, cli->dir, err) < 0)
		return -1;
	if (rt_cli_flag(cli, "use"))
		return show_uses(cli, &home, err);
	int code = gather(&home, cli, &facts, err);
	if (code == 0 && cli->json)
		print_json(&home, &facts);
	else if (code == 0)
		print_text(&home, &facts);
	rt_buf_release(&facts.ref);
	rt_trusted_release(&facts.trusted);
	rt_overdue_release(&facts.overdue);
	rt_strs_release(&facts.recent.open);
	free(facts.recent.last);
	return code;
}

const struct rt_command rt_command_status = {
    .name = "status",
    .arguments = "",
    .summary = "show the target, the ledger, the age of each kind of evidence, and what is owed",
    .about = "Everything at a glance: where the target stands, how much the baseline holds, how old the newest "
	     "evidence of each kind is and which is overdue, ungated moves, open entries, "
	     "waivers with the days that they have left, and commits whose full checks are still owed.",
    .options = options,
    .max_args = 0,
    .run = run,
};
