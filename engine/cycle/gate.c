#include "cycle/gate.h"

#include <string.h>

#include "cycle/control.h"
#include "cycle/gate_parts.h"
#include "cycle/govern.h"
#include "cycle/merge_driver.h"
#include "cycle/repeat.h"
#include "cycle/reuse.h"
#include "cycle/support.h"
#include "cycle/trials.h"
#include "model/glob.h"
#include "model/id.h"
#include "support/clock.h"
#include "support/digest.h"
#include "support/defence.h"

int
rt_gate_open(struct rt_gate *gate, struct rt_home *home, const char *target, const struct rt_oid *base,
	     struct rt_err *err)
{
	gate->home = home;
	gate->started = rt_clock_ms();
	rt_random_hex(gate->report.id, 12);
	gate->report.target = target ? rt_strdup(target) : NULL;
	if (base) {
		rt_auto(commit) struct rt_commit commit = {0};
		if (rt_commit_read(home->repo, base, &commit, err) < 0)
			return -1;
		gate->base = gate->report.base = *base;
		gate->base_tree = commit.tree;
		if (rt_trusted_read(&gate->trusted, home->repo, &commit.tree, err) < 0)
			return -1;
	}
	if (rt_quarantine_new(&gate->quarantine, home->repo, gate->report.id, err) < 0)
		return -1;
	rt_merge_driver_use(rt_quarantine_repo(gate->quarantine), &gate->trusted.config);
	return 0;
}

/* The head's word does not loosen the isolation it is itself run in; what is left out is said. */
static void
distrust(struct rt_gate *gate, struct rt_config *config)
{
	rt_auto(buf) struct rt_buf left_out = RT_BUF_INIT;
	bool network = false;
	if (config->isolation == RT_ISOLATION_NONE)
		rt_buf_adds(&left_out, ", isolation: none");
	if (config->tools.n)
		rt_buf_adds(&left_out, ", tools");
	if (config->caches.n)
		rt_buf_adds(&left_out, ", caches");
	for (size_t i = 0; i < config->checks.n; i++) {
		network |= config->checks.at[i].network == RT_NETWORK_HOST;
		if (config->checks.at[i].network == RT_NETWORK_HOST)
			config->checks.at[i].network = RT_NETWORK_LOOPBACK;
	}
	if (network)
		rt_buf_adds(&left_out, ", network: host");
	if (config->isolation == RT_ISOLATION_NONE)
		config->isolation = RT_ISOLATION_AUTO;
	rt_strs_release(&config->tools);
	rt_strs_release(&config->caches);
	if (left_out.len)
		rt_strs_addf(&gate->report.unproven,
			     "what the adopted ratchet.yml says of %s was left out; --adopt believes it",
			     left_out.data + 2);
}

int
rt_gate_adopt(struct rt_gate *gate, const struct rt_oid *tree, struct rt_err *err)
{
	struct rt_config *config = &gate->trusted.config;
	rt_trusted_release(&gate->trusted);
	if (rt_trusted_read(&gate->trusted, rt_quarantine_repo(gate->quarantine), tree, err) < 0)
		return -1;
	if (!gate->trusted.present)
		return rt_fail(err, RT_ECONFIG, "there is no ratchet.yml; run `ratchet init`");
	gate->adoption = true;
	if (!gate->adopt_trusted)
		distrust(gate, config);
	return 0;
}

void
rt_gate_verdict(struct rt_gate *gate, enum rt_verdict verdict, const char *why)
{
	gate->report.has_verdict = true;
	gate->report.verdict = verdict;
	gate->report.duration_ms = rt_clock_ms() - gate->started;
	if (why && why[0]) {
		free(gate->report.why);
		gate->report.why = rt_strdup(why);
	}
}

bool
rt_gate_secrets(struct rt_gate *gate, const char *name, const struct rt_buf *raw)
{
	size_t before = gate->report.refusals.n;
	rt_policy_scan_patch(gate->trusted.policy, name, raw->data, raw->len, &gate->report.refusals);
	gate->secret = gate->secret || gate->report.refusals.n > before;
	return gate->secret;
}

/* ---- running and judging ---- */

/* The isolation to use: 1 and level, or 0 and why it can't be had. */
static int
choose_level(const struct rt_gate *gate, enum rt_isolation *level, struct rt_buf *why)
{
	const char *floor = rt_policy_min_isolation(gate->trusted.policy);
	enum rt_isolation least = RT_LEVEL_OF_NONE;
	rt_auto(strs) struct rt_strs missing = {0};
	rt_auto(free) char *kept = rt_home_path(gate->home, "machine");
	enum rt_isolation_mode mode = gate->trusted.config.isolation;
	rt_isolation_keep(kept);
	*level = mode == RT_ISOLATION_NONE ? RT_LEVEL_OF_NONE : rt_isolation_probe(&missing);
	if (floor && rt_isolation_parse(floor, &least) < 0)
		least = RT_LEVEL_OF_NAMESPACES;
	if (*level < least) {
		rt_buf_addf(why, "the policy demands isolation %s (`min_isolation`) and %s is in force",
			    rt_isolation_name(least), rt_isolation_name(*level));
	} else if (mode == RT_ISOLATION_STRICT && *level < RT_LEVEL_OF_NAMESPACES) {
		rt_buf_adds(why, "isolation: strict needs namespaces");
	} else if (mode == RT_ISOLATION_AUTO && *level == RT_LEVEL_OF_NONE) {
		rt_buf_adds(why,
			    "this machine offers no isolation, and only `isolation: none` in ratchet.yml does without");
	} else {
		return 1;
	}
	for (size_t i = 0; i < missing.n; i++)
		rt_buf_addf(why, "\n%s", missing.at[i]);
	return 0;
}

/* The name of a new case goes into the baseline, and a test can put together what no file of the proposal shows. */
static void
refuse_secret_ids(struct rt_gate *gate, const struct rt_changes *gains)
{
	rt_auto(buf) struct rt_buf ids = RT_BUF_INIT;
	for (size_t i = 0; i < gains->n; i++) {
		rt_buf_adds(&ids, gains->at[i].id);
		rt_buf_addc(&ids, '\n');
	}
	size_t before = gate->report.refusals.n;
	rt_policy_scan(gate->trusted.policy, "names of new cases", ids.data, ids.len, &gate->report.refusals);
	gate->secret = gate->secret || gate->report.refusals.n > before;
}

static void
take_judgement(struct rt_gate *gate, struct rt_judgement *judgement)
{
	for (size_t i = 0; i < judgement->regressions.n; i++)
		rt_gate_report_change(gate, &judgement->regressions.at[i]);
	refuse_secret_ids(gate, &judgement->gains);
	if (!gate->secret) {
		rt_changes_release(&gate->report.gains);
		gate->report.gains = judgement->gains;
	} else {
		rt_changes_release(&judgement->gains);
	}
	memset(&judgement->gains, 0, sizeof(judgement->gains));
	for (size_t i = 0; i < judgement->unproven.n; i++) {
		rt_auto(free) char *text = rt_gate_text(gate, judgement->unproven.at[i]);
		rt_strs_add(&gate->report.unproven, text);
	}
	for (size_t i = 0; i < judgement->waived.n; i++)
		rt_strs_add(&gate->report.waived, judgement->waived.at[i]);
	for (size_t i = 0; i < judgement->demoted.n; i++)
		rt_strs_add(&gate->report.demoted, judgement->demoted.at[i]);
	rt_decisions_release(&gate->report.decisions);
	gate->report.decisions = judgement->decisions;
	memset(&judgement->decisions, 0, sizeof(judgement->decisions));
	rt_baseline_release(&gate->raised);
	gate->raised = judgement->raised;
	memset(&judgement->raised, 0, sizeof(judgement->raised));
}

/* Judges with what was run. Claims of renames count only where the target's own support files show OLD passing. */
static int
judge_trials(struct rt_trials *trials, struct rt_judge_input *input, struct rt_support *support,
	     struct rt_judgement *judgement, struct rt_err *err)
{
	rt_judge(input, judgement);
	if (judgement->verdict != RT_VERDICT_WOULD_LAND || !rt_support_wanted(support))
		return 0;
	size_t claims = input->n_renames;
	if (rt_support_run(support, trials, input, err) < 0)
		return -1;
	if (input->n_renames == claims)
		return 0;
	if (rt_trials_look_again(trials, input, err) < 0)
		return -1;
	rt_judgement_release(judgement);
	memset(judgement, 0, sizeof(*judgement));
	rt_judge(input, judgement);
	return 0;
}

/*
 * The controls that the runs carry. There are none in an adoption, which has no target to learn from. A staged tree is
 * judged in a hurry: it carries what is known already.
 */
static int
prepare_controls(struct rt_gate *gate, struct rt_carry *carry, struct rt_trials *trials, struct rt_err *err)
{
	if (gate->adoption || !gate->base_tree.hex[0] || !rt_defended(CONTROLS))
		return 0;
	if (rt_carry_init(carry, gate, trials->plan, err) < 0)
		return -1;
	trials->candidate.carry = carry;
	if (gate->fast && gate->n_commits == 0)
		return 0;
	return rt_carry_learn(carry, trials->candidate.level, &trials->control_ms, err);
}

static int
run_cells(struct rt_gate *gate, const struct rt_plan *plan, enum rt_isolation level, struct rt_err *err)
{
	rt_auto(judgement) struct rt_judgement judgement = RT_JUDGEMENT_INIT;
	rt_auto(reuse) struct rt_reuse reuse = {
	    .home = gate->home, .find = !gate->adoption && !gate->fresh, .keep = true};
	rt_auto(trials) struct rt_trials trials = {0};
	rt_auto(support) struct rt_support support = {.gate = gate};
	rt_auto(carry) struct rt_carry carry = {0};
	rt_auto(buf) struct rt_buf machine = RT_BUF_INIT;
	if (rt_machine_name(gate->home, &machine, err) < 0)
		return -1;
	struct rt_judge_input input = {.config = &gate->trusted.config,
				       .machine = machine.data,
				       .baseline = &gate->trusted.baseline,
				       .waivers = &gate->trusted.waivers,
				       .brought = gate->governed ? &gate->brought : NULL,
				       .now = rt_clock_now(),
				       .adoption = gate->adoption};
	if (rt_trials_init(&trials, gate, plan, &gate->tree, level, "candidate", err) < 0 ||
	    rt_support_init(&support, &input, err) < 0)
		return -1;
	if (gate->report.refusals.n)
		return 0;
	/* claims of renames are in no tree */
	int known = gate->answers && !input.n_renames && rt_defended(REPEAT) ? rt_repeat_answer(gate, err) : 0;
	if (known)
		return known < 0 ? -1 : 0;
	gate->report.isolation = rt_isolation_name(level);
	input.trials = trials.at;
	input.n = trials.n;
	trials.candidate.reuse = &reuse;
	if (prepare_controls(gate, &carry, &trials, err) < 0)
		return -1;
	if (rt_trials_warm_up(&trials, err) < 0 || rt_trials_run(&trials, &input, err) < 0 ||
	    rt_trials_doubt(&trials, &input, err) < 0 || judge_trials(&trials, &input, &support, &judgement, err) < 0)
		return -1;
	for (size_t i = 0; i < trials.n; i++)
		rt_gate_report_cell(gate, &trials, &judgement, i);
	if (gate->adoption)
		rt_trials_unsteady(&trials);
	take_judgement(gate, &judgement);
	rt_gate_verdict(gate, judgement.verdict, NULL);
	rt_support_report(&support);
	bool ask = gate->report.verdict == RT_VERDICT_WOULD_LAND && gate->report.refusals.n == 0 &&
		   trials.candidate.carry && (support.changed.n || support.watched || rt_carry_is_due(&carry));
	if (ask && rt_control_run(&carry, &trials, &support.busy_ms, err) < 0)
		return -1;
	if (gate->report.refusals.n)
		rt_gate_verdict(gate, RT_VERDICT_REFUSED, NULL);
	if (rt_verdict_exit(gate->report.verdict) == 0)
		rt_reuse_keep(&reuse, &trials.candidate);
	gate->report.overhead_ms = gate->report.duration_ms - rt_trials_busy(&trials) - support.busy_ms;
	return 0;
}

static int
run_and_judge(struct rt_gate *gate, struct rt_err *err)
{
	rt_auto(plan) struct rt_plan plan = RT_PLAN_INIT;
	rt_auto(buf) struct rt_buf why = RT_BUF_INIT;
	enum rt_isolation level;
	if (rt_plan_make(&plan, &gate->trusted.config, gate->fast, err) < 0)
		return -1;
	if (gate->fast && gate->owed && !plan.cells.n) {
		rt_strs_add(&gate->report.unproven,
			    "no check is marked `fast: true`, so none ran; pre-push runs them all");
		rt_gate_verdict(gate, RT_VERDICT_WOULD_LAND, NULL);
		return 0;
	}
	if (!choose_level(gate, &level, &why)) {
		rt_gate_verdict(gate, RT_VERDICT_INCONCLUSIVE, why.data);
		return 0;
	}
	return run_cells(gate, &plan, level, err);
}

static int
judge_all(struct rt_gate *gate, struct rt_err *err)
{
	gate->report.candidate = gate->candidate;
	gate->report.tree = gate->tree;
	gate->report.fast = gate->fast;
	if (!rt_defended(TRUSTED)) { /* the candidate's own word, as a gate that runs what it checks out takes it */
		rt_trusted_release(&gate->trusted);
		if (rt_trusted_read(&gate->trusted, rt_quarantine_repo(gate->quarantine), &gate->tree, err) < 0)
			return -1;
	} else if (gate->base_tree.hex[0] && rt_govern_changes(gate, err) < 0) {
		return -1;
	}
	if (gate->report.refusals.n) {
		rt_gate_verdict(gate, RT_VERDICT_REFUSED, NULL);
		return 0;
	}
	if (gate->stale) {
		rt_gate_verdict(
		    gate, RT_VERDICT_CONFLICT,
		    "the target moved since these commits were signed, and what is replayed on its tip has no "
		    "signature: rebase and sign again");
		return 0;
	}
	if (run_and_judge(gate, err) < 0)
		return -1;
	/* a staged merge brings the other side's baseline along, which no fast run can show */
	bool accepted = gate->report.verdict == RT_VERDICT_WOULD_LAND && !(gate->fast && gate->n_commits == 0);
	if (accepted && rt_govern_baseline(gate, err) < 0)
		return -1;
	if (gate->report.refusals.n)
		rt_gate_verdict(gate, RT_VERDICT_REFUSED, NULL);
	return 0;
}

int
rt_gate_judge(struct rt_gate *gate, struct rt_err *err)
{
	if (judge_all(gate, err) < 0)
		return -1;
	if (gate->answers &&
	    (gate->report.verdict == RT_VERDICT_REGRESSED || gate->report.verdict == RT_VERDICT_REFUSED))
		rt_repeat_tell(gate);
	return 0;
}

/* ---- recording ---- */

static struct rt_json *
evidence_json(const struct rt_gate *gate, const char *blob_digest)
{
	struct rt_json *json = rt_json_new_object();
	struct rt_json *runs = rt_json_new_array();
	for (size_t i = 0; i < gate->evidence.n; i++)
		rt_json_append(runs, rt_json_new_string(gate->evidence.at[i]));
	rt_json_set(json, "runs", runs);
	rt_json_set_string(json, "report", blob_digest);
	return json;
}

static char *
oid_copy(const struct rt_oid *oid)
{
	return oid->hex[0] ? rt_strdup(oid->hex) : NULL;
}

void
rt_gate_fill(const struct rt_gate *gate, enum rt_op op, const char *digest, struct rt_record *record)
{
	const struct rt_report *report = &gate->report;
	record->op = op;
	record->id = rt_strdup(report->id);
	record->target = report->target ? rt_strdup(report->target) : NULL;
	record->base = oid_copy(&report->base);
	record->candidate = gate->secret ? NULL : oid_copy(&report->candidate);
	record->tree = gate->secret ? NULL : oid_copy(&report->tree);
	record->landed = oid_copy(&report->landed);
	record->verdict = rt_strdup(rt_verdict_name(report->verdict));
	record->fast = report->fast;
	for (int i = 0; i < 4; i++)
		record->counts[i] = (int64_t)report->counts[i == 1   ? RT_STATUS_FAIL
							    : i == 2 ? RT_STATUS_ERROR
							    : i == 3 ? RT_STATUS_SKIP
								     : RT_STATUS_PASS];
	record->counts[4] = (int64_t)report->regressions.n;
	record->isolation = report->isolation ? rt_strdup(report->isolation) : NULL;
	record->evidence = evidence_json(gate, digest);
	if (report->gains.n || gate->unsigned_governance)
		record->extra = rt_json_new_object();
	if (report->gains.n)
		rt_json_set_int(record->extra, "gained", (int64_t)report->gains.n);
	if (gate->unsigned_governance)
		rt_json_set_bool(record->extra, "unsigned", true);
	rt_repeat_fill(gate, record);
}

int
rt_gate_record(struct rt_gate *gate, enum rt_op op, struct rt_err *err)
{
	rt_auto(record) struct rt_record record = RT_RECORD_INIT;
	char digest[RT_SHA256_HEX + 1];
	struct rt_oid blob;
	if (rt_report_write(&gate->report, gate->home->repo, &blob, digest, err) < 0 ||
	    rt_evidence_keep(gate->home, gate->report.id, &blob, err) < 0)
		return -1;
	rt_gate_fill(gate, op, digest, &record);
	return rt_ledger_append(gate->home, &record, &gate->report.ledger, err);
}

void
rt_gate_forget(struct rt_gate *gate)
{
	struct rt_report fresh = RT_REPORT_INIT;
	memcpy(fresh.id, gate->report.id, sizeof(fresh.id));
	fresh.target = rt_steal(&gate->report.target);
	fresh.base = gate->report.base;
	fresh.dry_run = gate->report.dry_run;
	rt_report_release(&gate->report);
	gate->report = fresh;
	gate->governed = gate->unsigned_governance = gate->stale = false;
}

void
rt_gate_release(struct rt_gate *gate)
{
	rt_quarantine_free(gate->quarantine);
	rt_trusted_release(&gate->trusted);
	rt_report_release(&gate->report);
	rt_baseline_release(&gate->raised);
	rt_strs_release(&gate->evidence);
	rt_waivers_release(&gate->brought);
	memset(gate, 0, sizeof(*gate));
	gate->trusted = (struct rt_trusted)RT_TRUSTED_INIT;
}
