#include "cycle/control.h"

#include <string.h>

#include "model/control.h"

enum { MOST_ENTRIES = 20000, SAMPLE_BYTES = 1 << 20, TRIES = 2 };

/* One check that has controls, with the file that was dropped for it. */
struct drop {
	const struct rt_check *check;
	struct rt_buf path, text;
	char name[16];
};

struct plant {
	struct rt_gate *gate;
	const struct rt_trials *trials;
	RT_VEC(struct drop) drops;
	bool *want; /* cells */
};

static void
plant_release(struct plant *plant)
{
	for (size_t i = 0; i < plant->drops.n; i++) {
		rt_buf_release(&plant->drops.at[i].path);
		rt_buf_release(&plant->drops.at[i].text);
	}
	free(plant->drops.at);
	free(plant->want);
}
RT_DEFINE_AUTO(plant, struct plant, plant_release);

/* ---- where a control lies ---- */

struct search {
	struct rt_repo *repo;
	const struct rt_oid *tree;
	const struct rt_control *control;
	const char *folder;
	struct rt_buf found;
	size_t left; /* entries to look at */
};

static int
look_at(void *data, const char *name, const struct rt_entry *entry, struct rt_err *err)
{
	struct search *search = data;
	rt_auto(free) char *path = rt_format("%s%s%s", search->folder, search->folder[0] ? "/" : "", name);
	if (search->left-- == 0)
		return 1;
	if ((entry->mode & 0170000) == 0100000 && rt_control_samples(search->control, path)) {
		rt_buf_adds(&search->found, path);
		return 1;
	}
	if (entry->mode != 0040000)
		return 0;
	const char *above = search->folder;
	search->folder = path;
	int result = rt_tree_list(search->repo, search->tree, path, look_at, search, err);
	search->folder = above;
	return result;
}

/* 1 made, 0 there is no test file to lie beside, -1. The sample is the target's: both trees get the same control. */
static int
make_drop(struct plant *plant, const struct rt_control *control, struct drop *drop, struct rt_err *err)
{
	struct rt_gate *gate = plant->gate;
	struct rt_repo *repo = rt_quarantine_repo(gate->quarantine);
	struct search search = {.repo = repo,
				.tree = &gate->base_tree,
				.control = control,
				.folder = "",
				.found = RT_BUF_INIT,
				.left = MOST_ENTRIES};
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	int result = rt_tree_list(repo, &gate->base_tree, "", look_at, &search, err);
	int found = result < 0 ? -1 : search.found.len > 0;
	if (found > 0)
		found = rt_tree_blob(repo, &gate->base_tree, search.found.data, SAMPLE_BYTES, &text, err);
	if (found > 0)
		rt_control_make(control, search.found.data, &text, drop->name, &drop->path, &drop->text);
	rt_buf_release(&search.found);
	return found;
}

/* Finds the checks whose runner has controls, and makes a file for each. */
static int
make_drops(struct plant *plant, struct rt_err *err)
{
	const struct rt_plan *plan = plant->trials->plan;
	for (size_t i = 0; i < plan->cells.n; i++) {
		const struct rt_check *check = plan->cells.at[i].check;
		const struct rt_control *control = rt_control_find(check->report.format);
		bool known = false;
		if (!control || check->kind != RT_KIND_CASES)
			continue;
		for (size_t k = 0; k < plant->drops.n; k++)
			known = known || plant->drops.at[k].check == check;
		plant->want[i] = true;
		if (known)
			continue;
		struct drop drop = {.check = check, .path = RT_BUF_INIT, .text = RT_BUF_INIT, .name = "c"};
		rt_random_hex(drop.name + 1, 12);
		int made = make_drop(plant, control, &drop, err);
		if (made < 0)
			return -1;
		plant->want[i] = made > 0;
		if (made)
			*rt_push(&plant->drops) = drop;
	}
	return 0;
}

/* tree with the controls in it. */
static int
plant_in(struct plant *plant, const struct rt_oid *tree, struct rt_oid *out, struct rt_err *err)
{
	struct rt_repo *repo = rt_quarantine_repo(plant->gate->quarantine);
	rt_auto(free) struct rt_update *updates = rt_alloc(plant->drops.n, sizeof(*updates));
	for (size_t i = 0; i < plant->drops.n; i++) {
		const struct drop *drop = &plant->drops.at[i];
		updates[i] = (struct rt_update){.path = drop->path.data, .entry.mode = 0100644};
		if (rt_blob_write(repo, drop->text.data, drop->text.len, &updates[i].entry.id, err) < 0)
			return -1;
	}
	return rt_tree_update(repo, tree, updates, plant->drops.n, out, err);
}

/* ---- what came back ---- */

static const struct drop *
drop_of(const struct plant *plant, const struct rt_check *check)
{
	for (size_t i = 0; i < plant->drops.n; i++)
		if (plant->drops.at[i].check == check)
			return &plant->drops.at[i];
	return NULL;
}

static enum rt_status
outcome_of(const struct rt_run *run, const char *name, const char *which)
{
	rt_auto(free) char *word = rt_format("%s%s", name, which);
	for (size_t i = 0; i < run->results.cases.n; i++)
		if (strstr(run->results.cases.at[i].id, word))
			return run->results.cases.at[i].status;
	return RT_STATUS_ABSENT;
}

/* What is wrong with the controls in a run; NULL: nothing. */
static const char *
wrong_in(const struct rt_run *run, const struct drop *drop)
{
	enum rt_status pass = outcome_of(run, drop->name, "pass"), fail = outcome_of(run, drop->name, "fail");
	if (run->end != RT_CELL_COMPLETE)
		return "its run gave no sound evidence";
	if (fail == RT_STATUS_PASS)
		return "a test that must fail came back as passed";
	if (pass != RT_STATUS_PASS)
		return "a test that must pass did not come back as passed";
	if (fail != RT_STATUS_FAIL && fail != RT_STATUS_ERROR)
		return "a test that must fail did not come back as failed";
	return NULL;
}

/* Runs the wanted cells of a tree, and unmarks those that come back as they must. */
static int
try_tree(struct plant *plant, const struct rt_oid *tree, const char *side, bool *wrong, const char **why,
	 int64_t *busy_ms, struct rt_err *err)
{
	const struct rt_plan *plan = plant->trials->plan;
	rt_auto(trials) struct rt_trials trials = {0};
	struct rt_oid planted;
	if (plant_in(plant, tree, &planted, err) < 0 ||
	    rt_trials_init(&trials, plant->gate, plan, &planted, plant->trials->candidate.level, side, err) < 0 ||
	    rt_trials_first(&trials, wrong, err) < 0)
		return -1;
	for (size_t i = 0; i < plan->cells.n; i++) {
		if (!wrong[i])
			continue;
		why[i] = wrong_in(&trials.at[i].first, drop_of(plant, plan->cells.at[i].check));
		wrong[i] = why[i] != NULL;
	}
	*busy_ms += rt_trials_busy(&trials);
	return 0;
}

static bool
any(const bool *marks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (marks[i])
			return true;
	return false;
}

/* The candidate got these wrong twice: what the target's own tree makes of the same controls decides. */
static int
judge_wrong(struct plant *plant, const bool *wrong, const char *const *why, int64_t *busy_ms, struct rt_err *err)
{
	struct rt_gate *gate = plant->gate;
	const struct rt_plan *plan = plant->trials->plan;
	rt_auto(free) bool *base_wrong = rt_alloc(plan->cells.n + 1, sizeof(*base_wrong));
	rt_auto(free) const char **base_why = rt_alloc(plan->cells.n + 1, sizeof(*base_why));
	memcpy(base_wrong, wrong, plan->cells.n * sizeof(*base_wrong));
	if (try_tree(plant, &gate->base_tree, "control-base", base_wrong, base_why, busy_ms, err) < 0)
		return -1;
	for (size_t i = 0; i < plan->cells.n; i++) {
		const char *name = plan->cells.at[i].name;
		if (wrong[i] && base_wrong[i])
			rt_strs_addf(
			    &gate->report.unproven,
			    "%s has no controls: a test that is dropped into the target's own tree does not come back "
			    "as it must",
			    name);
		else if (wrong[i])
			rt_refuse(
			    &gate->report.refusals, "control", NULL, 0,
			    "%s: %s, twice, and with the target's own tree all is as it must be: the proposal changes "
			    "what the runner runs or reports",
			    name, why[i]);
	}
	return 0;
}

int
rt_control_run(struct rt_gate *gate, const struct rt_trials *trials, int64_t *busy_ms, struct rt_err *err)
{
	size_t n = trials->plan->cells.n;
	rt_auto(plant) struct plant plant = {.gate = gate, .trials = trials};
	plant.want = rt_alloc(n + 1, sizeof(*plant.want));
	if (make_drops(&plant, err) < 0)
		return -1;
	rt_auto(free) bool *wrong = rt_alloc(n + 1, sizeof(*wrong));
	rt_auto(free) const char **why = rt_alloc(n + 1, sizeof(*why));
	memcpy(wrong, plant.want, n * sizeof(*wrong));
	for (int i = 0; i < TRIES && any(wrong, n); i++)
		if (try_tree(&plant, &gate->tree, i ? "control-again" : "control", wrong, why, busy_ms, err) < 0)
			return -1;
	return any(wrong, n) ? judge_wrong(&plant, wrong, why, busy_ms, err) : 0;
}
