#include "cycle/settle.h"

#include <string.h>

#include "cycle/gc.h"
#include "cycle/landing.h"
#include "cycle/lane.h"
#include "cycle/open.h"
#include "support/clock.h"
#include "support/defence.h"
#include "support/stop.h"

enum { MAX_TRIES = 5, LOCK_MS = 30000, PACK_EVERY = 1024 /* entries */ };

/* ---- the target ---- */

/* The branch that ratchet.yml at HEAD names. 1, 0, -1. */
static int
configured_target(struct rt_home *home, const struct rt_oid *head, struct rt_buf *ref, struct rt_err *err)
{
	rt_auto(commit) struct rt_commit commit = {0};
	rt_auto(config) struct rt_config config = RT_CONFIG_INIT;
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	if (!head->hex[0])
		return 0;
	if (rt_commit_read(home->repo, head, &commit, err) < 0)
		return -1;
	int found = rt_config_text(home->repo, &commit.tree, &text, err);
	if (found <= 0)
		return found;
	if (rt_config_parse(&config, text.data, text.len, "ratchet.yml", err) < 0)
		return -1;
	if (!config.target)
		return 0;
	rt_buf_addf(ref, "refs/heads/%s", config.target);
	return 1;
}

int
rt_target_named(struct rt_home *home, const struct rt_oid *commit, struct rt_buf *ref, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf value = RT_BUF_INIT;
	int found = configured_target(home, commit, ref, err);
	if (found)
		return found;
	found = rt_repo_config(home->repo, "ratchet.target", &value, err);
	if (found > 0)
		rt_buf_addf(ref, "%s%s", rt_starts_with(value.data, "refs/") ? "" : "refs/heads/", value.data);
	return found;
}

int
rt_target_find(struct rt_home *home, const char *name, struct rt_buf *ref, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf head_ref = RT_BUF_INIT;
	struct rt_oid head, at;
	if (rt_head(home->repo, &head_ref, &head, err) < 0)
		return -1;
	int found = name ? (rt_buf_addf(ref, "%s%s", rt_starts_with(name, "refs/") ? "" : "refs/heads/", name), 1)
			 : rt_target_named(home, &head, ref, err);
	if (found < 0)
		return -1;
	if (!found && !rt_starts_with(head_ref.data, "refs/heads/"))
		return rt_fail(
		    err, RT_ECONFIG,
		    "HEAD is detached and no target is named; give --target BRANCH, or write `target:` in ratchet.yml");
	if (!found)
		rt_buf_adds(ref, head_ref.data);
	if (!rt_starts_with(ref->data, "refs/heads/"))
		return rt_fail(err, RT_ECONFIG, "the target is a branch, and %s is none", ref->data);
	int exists = rt_ref_read(home->repo, ref->data, &at, err);
	if (exists == 0)
		return rt_fail(err, RT_ECONFIG, "the target %s does not exist yet; make a first commit on it",
			       ref->data);
	return exists < 0 ? -1 : 0;
}

/* ---- rolling back ---- */

/* The attempt is archived: objects, then the ref to them, then the entry. One with a secret in it leaves only the
 * entry. */
static int
reject(struct rt_home *home, struct rt_gate *gate, struct rt_err *err)
{
	rt_auto(free) char *ref = rt_format("refs/ratchet/rejected/%s", gate->report.id);
	if (gate->secret) {
		gate->report.candidate = (struct rt_oid){""};
		gate->report.tree = (struct rt_oid){""};
	} else if (gate->candidate.hex[0]) {
		if (rt_quarantine_promote(gate->quarantine, err) < 0)
			return rt_err_while(err, "archiving the attempt %s", gate->report.id);
		int swapped =
		    rt_ref_swap(home->repo, ref, NULL, &gate->candidate, "rejected", rt_clock_ms() + LOCK_MS, err);
		if (swapped != RT_SWAPPED)
			return swapped < 0 ? -1 : rt_fail(err, RT_ECONFLICT, "%s could not be written", ref);
	}
	return rt_gate_record(gate, RT_OP_REJECTED, err);
}

/* ---- one attempt ---- */

struct attempt {
	struct rt_home *home;
	const struct rt_propose *propose;
	const char *ref;
	struct rt_gate gate;
	struct rt_intake intake;
	struct rt_buf raw;
};

static bool
is_accepted(const struct rt_gate *gate)
{
	return gate->report.verdict == RT_VERDICT_WOULD_LAND || gate->report.verdict == RT_VERDICT_ADOPTED;
}

/* What can be done about a proposal that git does not take, by git's words for it. */
static void
add_mend(struct rt_buf *why)
{
	static const char elsewhere[] = "it was made for other content than the target's: rebase it on the target and "
					"propose the result";
	static const struct {
		const char *words, *mend;
	} mends[] = {
	    {"no changes found", "what can be proposed: a diff (`git diff --binary`), mails (`git format-patch "
				 "--stdout`), a commit, a range A..B, a branch"},
	    {"has no patch", "leave it out: `git format-patch` makes no cover letter unless it is told to"},
	    {"corrupt patch", "it was cut short, or changed by hand or on its way: make it anew"},
	    {"only garbage", "it was cut short, or changed by hand or on its way: make it anew"},
	    {"ident name", "a mail needs `From: NAME <ADDRESS>`"},
	    {"patch does not apply", elsewhere},
	    {"in index", elsewhere},
	};
	for (size_t i = 0; i < RT_COUNT(mends); i++)
		if (strstr(why->data, mends[i].words)) {
			rt_buf_addf(why, "%s%s\n", why->len && why->data[why->len - 1] != '\n' ? "\n" : "",
				    mends[i].mend);
			return;
		}
}

/* git's first words; of a mail the line before them says which one. */
static void
refuse_malformed(struct rt_gate *gate, const char *why)
{
	size_t first = strcspn(why, "\n");
	const char *next = first && why[first - 1] == ':' && why[first] ? why + first + 1 : "";
	rt_refuse(&gate->report.refusals, "limits", NULL, 0, "%.*s%s%.*s", (int)first, why, *next ? " " : "",
		  (int)strcspn(next, "\n"), next);
}

/* Makes the candidate. 1 go on; 0 the verdict is there already; -1. */
static int
take_in(struct attempt *a, struct rt_err *err)
{
	struct rt_gate *gate = &a->gate;
	rt_auto(buf) struct rt_buf why = RT_BUF_INIT;
	if (a->raw.len && rt_gate_secrets(gate, a->propose->request.what, &a->raw)) {
		rt_gate_verdict(gate, RT_VERDICT_REFUSED, NULL);
		return 0;
	}
	if (a->propose->record) {
		gate->fresh = true;
		a->intake.tip = gate->base;
		gate->candidate = gate->base;
		gate->tree = a->intake.tree = gate->base_tree;
		return rt_ident(a->home->repo, &a->intake.committer, err) < 0 ? -1 : 1;
	}
	int made = rt_intake_make(&a->intake, &a->propose->request, &a->raw, a->home->repo, gate->quarantine,
				  &gate->base, err);
	if (made < 0)
		return -1;
	gate->candidate = a->intake.n ? a->intake.tip : (struct rt_oid){""};
	gate->tree = a->intake.tree;
	gate->commits = a->intake.commits;
	gate->n_commits = a->intake.n;
	gate->lost_signature = a->intake.lost_signature;
	if (made == 2)
		refuse_malformed(gate, a->intake.why.data);
	if (made != 1) {
		add_mend(&a->intake.why);
		rt_gate_verdict(gate, made == 2 ? RT_VERDICT_REFUSED : RT_VERDICT_CONFLICT, a->intake.why.data);
		return 0;
	}
	if (rt_oid_equal(&gate->tree, &gate->base_tree) && rt_defended(NOTHING)) {
		rt_auto(free) char *text = rt_format("the result is the target's own tree %s", gate->tree.hex);
		rt_gate_verdict(gate, RT_VERDICT_NOOP, text);
		return 0;
	}
	int possible = rt_land_possible(a->home, gate->quarantine, a->ref, &gate->base, &gate->candidate, &why, err);
	if (possible == 0)
		rt_gate_verdict(gate, RT_VERDICT_CONFLICT, why.data);
	return possible;
}

static int
judge(struct attempt *a, struct rt_err *err)
{
	struct rt_gate *gate = &a->gate;
	gate->governance_ok = a->propose->governance;
	gate->adopt_trusted = a->propose->adopt;
	gate->answers = !a->propose->again && !a->propose->record;
	if (!gate->trusted.present) {
		if (!a->propose->adopt) {
			rt_refuse(&gate->report.refusals, "adoption", "ratchet.yml", 0,
				  "the target has no ratchet.yml yet; an operator adopts ratchet with `ratchet propose "
				  "--adopt`");
			rt_gate_verdict(gate, RT_VERDICT_REFUSED, NULL);
			return 0;
		}
		if (rt_gate_adopt(gate, &gate->tree, err) < 0)
			return -1;
	}
	if (!a->propose->each)
		return rt_gate_judge(gate, err);
	/* every commit on its own; the last one's verdict is the proposal's, unless an earlier one falls */
	for (size_t i = 0; i < a->intake.n; i++) {
		gate->candidate = a->intake.commits[i].id;
		gate->tree = a->intake.commits[i].tree;
		rt_gate_forget(gate);
		if (rt_gate_judge(gate, err) < 0)
			return -1;
		if (!is_accepted(gate))
			return 0;
	}
	return 0;
}

/* Does the target hold something that nothing has judged? Nothing is put on top of it. 1 and the verdict, 0, -1. */
static int
is_open(struct attempt *a, struct rt_err *err)
{
	struct rt_open open = {.id = ""};
	rt_auto(buf) struct rt_buf why = RT_BUF_INIT;
	int found = rt_open_find(a->home, a->ref, &open, err);
	if (found <= 0)
		return found;
	rt_open_say(&open, a->ref, &why);
	rt_gate_verdict(&a->gate, open.kind == RT_OPEN_REGRESSED ? RT_VERDICT_REGRESSED : RT_VERDICT_INCONCLUSIVE,
			why.data);
	return rt_gate_record(&a->gate, RT_OP_JUDGED, err) < 0 ? -1 : 1;
}

/* Runs one attempt on the target's present tip. *again: the target moved meanwhile. */
static int
try_once(struct attempt *a, bool *again, struct rt_err *err)
{
	struct rt_gate *gate = &a->gate;
	rt_auto(buf) struct rt_buf why = RT_BUF_INIT;
	struct rt_oid base;
	int found = rt_ref_read(a->home->repo, a->ref, &base, err);
	if (found == 0)
		return rt_fail(err, RT_ECONFLICT, "%s was deleted meanwhile", a->ref);
	if (found < 0 || rt_gate_open(gate, a->home, a->ref + strlen("refs/heads/"), &base, err) < 0)
		return -1;
	gate->progress = a->propose->progress;
	gate->report.dry_run = a->propose->dry_run;
	gate->lands = !a->propose->dry_run;
	gate->fast = a->propose->fast;
	int open = is_open(a, err);
	if (open)
		return open < 0 ? -1 : 0;
	int go_on = take_in(a, err);
	if (go_on < 0 || (go_on && judge(a, err) < 0))
		return -1;
	if (a->propose->dry_run)
		return gate->report.verdict == RT_VERDICT_NOOP ? 0 : rt_gate_record(gate, RT_OP_JUDGED, err);
	if (gate->report.verdict == RT_VERDICT_CONFLICT || gate->report.verdict == RT_VERDICT_NOOP)
		return rt_gate_record(gate, RT_OP_JUDGED, err);
	if (!is_accepted(gate))
		return reject(a->home, gate, err);
	if (rt_stopped())
		return rt_fail(err, RT_EUNKNOWN, "interrupted; nothing was changed");
	int landed = rt_land(a->home, gate, &a->intake, a->ref, &why, err);
	if (landed < 0)
		return -1;
	*again = landed == RT_LAND_MOVED;
	if (landed == RT_LAND_NOTHING) {
		rt_gate_verdict(gate, RT_VERDICT_NOOP, "the baseline holds already what the target's tip shows");
		return rt_gate_record(gate, RT_OP_JUDGED, err);
	}
	if (landed != RT_LANDED)
		rt_gate_verdict(gate, RT_VERDICT_CONFLICT,
				landed == RT_LAND_MOVED ? "the target moved meanwhile" : why.data);
	return 0;
}

static void
attempt_clear(struct attempt *a)
{
	rt_intake_release(&a->intake);
	rt_gate_release(&a->gate);
}

/* A chain is packed from time to time; that it can't be is told, and changes no verdict. */
static void
pack_ledger(struct rt_home *home, struct rt_strs *found)
{
	struct rt_err err = RT_ERR_INIT;
	size_t packed = 0;
	if (rt_gc_pack(home, PACK_EVERY, &packed, &err) < 0)
		rt_strs_add(found, err.text);
}

int
rt_propose(struct rt_home *home, const struct rt_propose *propose, struct rt_report *report, struct rt_err *err)
{
	rt_auto(lock) struct rt_lock lane = RT_LOCK_INIT;
	rt_auto(buf) struct rt_buf ref = RT_BUF_INIT, holder = RT_BUF_INIT;
	rt_auto(strs) struct rt_strs found = {0};
	struct attempt a = {
	    .home = home, .propose = propose, .raw = RT_BUF_INIT, .gate = RT_GATE_INIT, .intake = RT_INTAKE_INIT};
	if (rt_target_find(home, propose->target, &ref, err) < 0)
		return -1;
	a.ref = ref.data;
	int result = propose->record ? 0 : rt_intake_read(&propose->request, home->repo, &a.raw, err);
	if (result == 0 && !propose->dry_run) {
		int busy = rt_lane_take(home, &lane, "ratchet propose", propose->wait_ms, &holder, err);
		if (busy > 0)
			result = rt_fail(err, RT_ECONFLICT, "another proposal is under way: %.*s",
					 (int)strcspn(holder.data, "\n"), holder.data);
		else if (busy < 0 || rt_recover(home, &found, err) < 0)
			result = -1;
	}
	bool again = result == 0;
	for (int tries = 0; again && tries < MAX_TRIES; tries++) {
		again = false;
		attempt_clear(&a);
		result = try_once(&a, &again, err);
		again = again && result == 0;
	}
	if (result == 0 && !propose->dry_run)
		pack_ledger(home, &found);
	for (size_t i = 0; i < found.n; i++)
		rt_strs_add(&a.gate.report.unproven, found.at[i]);
	*report = a.gate.report;
	a.gate.report = (struct rt_report)RT_REPORT_INIT;
	attempt_clear(&a);
	rt_buf_release(&a.raw);
	return result;
}
