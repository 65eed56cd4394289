#include "cycle/init.h"

#include <string.h>

#include "cycle/init_parts.h"
#include "cycle/landing.h"
#include "cycle/lane.h"
#include "cycle/settle.h"

static const int64_t LANE_WAIT_MS = 600 * 1000;

/* One adoption under way. */
struct adopting {
	struct rt_home *home;
	const struct rt_init *init;
	struct rt_init_result *result;
	struct rt_buf branch; /* HEAD's, a full ref name */
	const char *target;   /* a branch name */
	struct rt_oid head, head_tree;
	struct rt_init_files files;
	struct rt_gate gate;
	struct rt_intake intake;
};

static void
adopting_release(struct adopting *a)
{
	rt_buf_release(&a->branch);
	rt_init_files_release(&a->files);
	rt_gate_release(&a->gate);
	rt_intake_release(&a->intake);
}
RT_DEFINE_AUTO(adopting, struct adopting, adopting_release);

/* ---- before ---- */

static int
find_head(struct adopting *a, struct rt_err *err)
{
	struct rt_repo *repo = a->home->repo;
	rt_auto(commit) struct rt_commit commit = {0};
	if (rt_head(repo, &a->branch, &a->head, err) < 0)
		return -1;
	if (!a->head.hex[0])
		return rt_fail(err, RT_ECONFIG, "%s has no commit yet; make a first one, then run `ratchet init`",
			       a->branch.len ? a->branch.data : "HEAD");
	if (!rt_starts_with(a->branch.data, "refs/heads/"))
		return rt_fail(err, RT_ECONFIG,
			       "HEAD is detached; check out the branch that is to be protected, then "
			       "run `ratchet init`");
	if (rt_commit_read(repo, &a->head, &commit, err) < 0)
		return -1;
	a->head_tree = commit.tree;
	return 0;
}

static int
has_configuration(struct rt_repo *repo, const struct rt_oid *tree, struct rt_err *err)
{
	struct rt_entry entry;
	if (rt_tree_entry(repo, tree, "ratchet.yml", &entry, err) < 0)
		return -1;
	return entry.mode != 0;
}

/* Was ratchet adopted, here or on the branch that an earlier init protected? 1, 0, -1. */
static int
is_adopted(const struct adopting *a, struct rt_err *err)
{
	struct rt_repo *repo = a->home->repo;
	rt_auto(buf) struct rt_buf value = RT_BUF_INIT;
	struct rt_oid tip;
	int found = has_configuration(repo, &a->head_tree, err);
	if (found)
		return found;
	found = rt_repo_config(repo, "ratchet.target", &value, err);
	if (found <= 0)
		return found;
	rt_auto(free) char *ref = rt_format("refs/heads/%s", value.data);
	found = rt_ref_read(repo, ref, &tip, err);
	return found <= 0 ? found : has_configuration(repo, &tip, err);
}

/* Adopted before: what a first run takes would be governance now. */
static int
stay(struct adopting *a, struct rt_err *err)
{
	const struct rt_init *init = a->init;
	rt_auto(buf) struct rt_buf target = RT_BUF_INIT;
	if (init->signer || init->agents)
		return rt_fail(err, RT_ECONFIG,
			       "ratchet was adopted here before; a new signer is governance: change allowed_signers in "
			       "a commit and land it with `ratchet propose --governance`");
	if (rt_target_find(a->home, NULL, &target, err) < 0)
		return -1;
	a->result->end = RT_INIT_IN_PLACE;
	return rt_init_install(a->home, init, target.data + strlen("refs/heads/"), &a->result->did, err);
}

/* ---- the candidate ---- */

static int
make_candidate(struct adopting *a, struct rt_err *err)
{
	static const char message[] =
	    "ratchet: adopt\n\n"
	    "ratchet.yml says what runs on every change before it lands; the baseline holds what passed\n"
	    "every time it was run on the parent of this commit.\n";
	struct rt_repo *repo = rt_quarantine_repo(a->gate.quarantine);
	struct rt_commit *commit = a->intake.commits = rt_alloc(1, sizeof(*commit));
	a->intake.n = 1;
	if (rt_init_files_tree(&a->files, repo, &a->head_tree, &commit->tree, err) < 0 ||
	    rt_ident(a->home->repo, &a->intake.committer, err) < 0)
		return -1;
	commit->parents = rt_alloc(1, sizeof(*commit->parents));
	commit->parents[0] = a->head;
	commit->n_parents = 1;
	commit->author = rt_strdup(a->intake.committer.data);
	commit->committer = rt_strdup(a->intake.committer.data);
	commit->message = rt_strdup(message);
	if (rt_commit_write(repo, commit, err) < 0)
		return -1;
	a->intake.tip = a->gate.candidate = commit->id;
	a->intake.tree = a->gate.tree = commit->tree;
	return 0;
}

/* The operator's own configuration, run by the operator: it is believed, and nothing judges the change itself. */
static int
prepare_gate(struct adopting *a, struct rt_err *err)
{
	struct rt_gate *gate = &a->gate;
	if (rt_gate_open(gate, a->home, a->branch.data + strlen("refs/heads/"), &a->head, err) < 0)
		return -1;
	gate->base_tree = (struct rt_oid){""};
	gate->adopt_trusted = true;
	gate->progress = a->init->progress;
	if (make_candidate(a, err) < 0 || rt_gate_adopt(gate, &gate->tree, err) < 0)
		return -1;
	if (gate->trusted.config.probation < a->init->runs)
		gate->trusted.config.probation = a->init->runs;
	return 0;
}

/* ---- after ---- */

static void
take_report(struct adopting *a)
{
	a->result->report = a->gate.report;
	a->result->recorded = a->gate.raised.lines.n;
	a->gate.report = (struct rt_report)RT_REPORT_INIT;
}

static int
end_in_the_way(struct adopting *a, const char *why)
{
	rt_gate_verdict(&a->gate, RT_VERDICT_CONFLICT, why);
	a->result->end = RT_INIT_IN_THE_WAY;
	take_report(a);
	return 0;
}

/* No whole evidence: there is nothing to hold future changes to. The files stay for the user to mend. */
static int
end_incomplete(struct adopting *a, struct rt_err *err)
{
	/* the candidate goes away with its quarantine */
	a->gate.report.candidate = a->gate.report.tree = (struct rt_oid){""};
	if (rt_init_files_leave(&a->files, a->home, NULL, err) < 0 || rt_gate_record(&a->gate, RT_OP_JUDGED, err) < 0)
		return -1;
	a->result->end = RT_INIT_INCOMPLETE;
	take_report(a);
	return 0;
}

static int
end_with_files(struct adopting *a, struct rt_err *err)
{
	a->gate.report.candidate = a->gate.report.tree = (struct rt_oid){""};
	if (rt_init_files_leave(&a->files, a->home, &a->gate.raised, err) < 0 ||
	    rt_gate_record(&a->gate, RT_OP_JUDGED, err) < 0)
		return -1;
	a->result->end = RT_INIT_FILES;
	take_report(a);
	return rt_init_install(a->home, a->init, a->target, &a->result->did, err);
}

static int
land(struct adopting *a, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf why = RT_BUF_INIT;
	if (rt_init_files_clear(&a->files, a->home, err) < 0)
		return -1;
	int landed = rt_land(a->home, &a->gate, &a->intake, a->branch.data, &why, err);
	if (landed < 0)
		return -1;
	if (landed != RT_LANDED)
		return end_in_the_way(
		    a, landed == RT_LAND_MOVED ? "the branch moved meanwhile; run `ratchet init` again" : why.data);
	if (rt_gate_record(&a->gate, RT_OP_ADOPTED, err) < 0)
		return -1;
	a->result->end = RT_INIT_ADOPTED;
	take_report(a);
	return rt_init_install(a->home, a->init, a->target, &a->result->did, err);
}

static int
adopt(struct adopting *a, struct rt_err *err)
{
	struct rt_gate *gate = &a->gate;
	rt_auto(buf) struct rt_buf why = RT_BUF_INIT;
	if (prepare_gate(a, err) < 0)
		return -1;
	int possible = a->init->no_commit ? 1
					  : rt_land_possible(a->home, gate->quarantine, a->branch.data, &a->head,
							     &gate->candidate, &why, err);
	if (possible <= 0)
		return possible < 0 ? -1 : end_in_the_way(a, why.data);
	if (rt_gate_judge(gate, err) < 0)
		return -1;
	if (gate->report.verdict == RT_VERDICT_ADOPTED && gate->raised.lines.n == 0)
		rt_gate_verdict(gate, RT_VERDICT_INCONCLUSIVE,
				"no case passed in every run, so there is nothing to hold a change to");
	if (gate->report.verdict != RT_VERDICT_ADOPTED)
		return end_incomplete(a, err);
	return a->init->no_commit ? end_with_files(a, err) : land(a, err);
}

/* ---- the whole ---- */

static int
init_work_tree(struct adopting *a, struct rt_err *err)
{
	rt_auto(lock) struct rt_lock lane = RT_LOCK_INIT;
	rt_auto(buf) struct rt_buf holder = RT_BUF_INIT;
	rt_auto(strs) struct rt_strs recovered = {0};
	const struct rt_init *init = a->init;
	if (init->server_governance)
		return rt_fail(err, RT_ECONFIG, "--server-governance is for a bare repository, which people push to");
	if (init->agents && !init->signer)
		return rt_fail(err, RT_ECONFIG,
			       "--agents needs --signer KEY: without one an agent could change the rules "
			       "that it is judged by");
	int busy = rt_lane_take(a->home, &lane, "ratchet init", LANE_WAIT_MS, &holder, err);
	if (busy > 0)
		return rt_fail(err, RT_ECONFLICT, "a proposal is under way: %.*s", (int)strcspn(holder.data, "\n"),
			       holder.data);
	if (busy < 0 || rt_recover(a->home, &recovered, err) < 0 || find_head(a, err) < 0)
		return -1;
	for (size_t i = 0; i < recovered.n; i++)
		rt_strs_add(&a->result->did, recovered.at[i]);
	int adopted = is_adopted(a, err);
	if (adopted)
		return adopted < 0 ? -1 : stay(a, err);
	a->target = init->target ? init->target : a->branch.data + strlen("refs/heads/");
	if (rt_init_files_make(&a->files, a->home, init, a->target, &a->head_tree, err) < 0)
		return -1;
	if (a->files.found && a->files.config.target)
		a->target = a->files.config.target;
	if (a->files.found)
		rt_strs_add(&a->result->did, "ratchet.yml was there already and is taken as it is");
	for (size_t i = 0; i < a->files.runners.n; i++)
		rt_strs_addf(&a->result->did, "recognised %s", a->files.runners.at[i]);
	return adopt(a, err);
}

static int
init_server(struct rt_home *home, const struct rt_init *init, struct rt_init_result *result, struct rt_err *err)
{
	if (init->checks->n || init->signer || init->agents || init->no_commit || init->target)
		return rt_fail(err, RT_ECONFIG,
			       "this is a bare repository: init installs hooks and configuration here; "
			       "ratchet.yml comes with the first push of a clone where `ratchet init` ran");
	result->end = RT_INIT_SERVER;
	return rt_init_install(home, init, NULL, &result->did, err);
}

int
rt_init(struct rt_home *home, const struct rt_init *init, struct rt_init_result *result, struct rt_err *err)
{
	rt_auto(adopting) struct adopting a = {.home = home,
					       .init = init,
					       .result = result,
					       .branch = RT_BUF_INIT,
					       .files = RT_INIT_FILES_INIT,
					       .gate = RT_GATE_INIT,
					       .intake = RT_INTAKE_INIT};
	if (!rt_repo_workdir(home->repo))
		return init_server(home, init, result, err);
	return init_work_tree(&a, err);
}

void
rt_init_result_release(struct rt_init_result *result)
{
	rt_strs_release(&result->did);
	rt_report_release(&result->report);
}
