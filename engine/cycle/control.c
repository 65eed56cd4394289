#include "cycle/control.h"

#include <string.h>

enum { TRIES = 2 };

/* What is wrong with the controls in a run; NULL: nothing. */
static const char *
wrong_in(const struct rt_run *run, const char *name)
{
	enum rt_status pass = rt_carry_outcome(run, name, "pass"), fail = rt_carry_outcome(run, name, "fail");
	if (run->end != RT_CELL_COMPLETE)
		return "its run gave no sound evidence";
	if (!name[0])
		return "where the target has tests there is no place for one that must fail (move them in one change, "
		       "and "
		       "what lies in their way in the next)";
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
try_tree(struct rt_carry *carry, enum rt_isolation level, const struct rt_oid *tree, const char *side, bool *wrong,
	 const char **why, int64_t *busy_ms, struct rt_err *err)
{
	rt_auto(trials) struct rt_trials trials = {0};
	if (rt_trials_init(&trials, carry->gate, carry->plan, tree, level, side, err) < 0)
		return -1;
	trials.candidate.carry = carry;
	trials.candidate.carry_mode = RT_CARRY_BOTH;
	if (rt_trials_first(&trials, wrong, err) < 0)
		return -1;
	for (size_t i = 0; i < carry->n; i++) {
		if (!wrong[i])
			continue;
		why[i] = wrong_in(&trials.at[i].first, carry->at[i].name);
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

static void
say_none(struct rt_gate *gate, const char *name)
{
	rt_strs_addf(
	    &gate->report.unproven,
	    "%s has no controls: a test that is dropped into the target's own tree does not come back as it must",
	    name);
}

/* The candidate got these wrong twice: what the target's own tree makes of the same controls decides. */
static int
judge_wrong(struct rt_carry *carry, enum rt_isolation level, const bool *wrong, const char *const *why,
	    int64_t *busy_ms, struct rt_err *err)
{
	struct rt_gate *gate = carry->gate;
	rt_auto(free) bool *base_wrong = rt_alloc(carry->n + 1, sizeof(*base_wrong));
	rt_auto(free) const char **base_why = rt_alloc(carry->n + 1, sizeof(*base_why));
	memcpy(base_wrong, wrong, carry->n * sizeof(*base_wrong));
	if (try_tree(carry, level, &gate->base_tree, "control-base", base_wrong, base_why, busy_ms, err) < 0)
		return -1;
	for (size_t i = 0; i < carry->n; i++) {
		const char *name = carry->plan->cells.at[i].name;
		if (wrong[i] && base_wrong[i]) {
			say_none(gate, name);
			if (rt_carry_set(carry, i, RT_CARRY_NONE, err) < 0)
				return -1;
		} else if (wrong[i]) {
			rt_refuse(
			    &gate->report.refusals, "control", NULL, 0,
			    "%s: %s, twice, and with the target's own tree all is as it must be: the proposal changes "
			    "what the runner runs or reports",
			    name, why[i]);
		}
	}
	return 0;
}

int
rt_control_run(struct rt_carry *carry, const struct rt_trials *trials, int64_t *busy_ms, struct rt_err *err)
{
	struct rt_gate *gate = carry->gate;
	enum rt_isolation level = trials->candidate.level;
	rt_auto(free) bool *want = rt_alloc(carry->n + 1, sizeof(*want));
	rt_auto(free) bool *wrong = rt_alloc(carry->n + 1, sizeof(*wrong));
	rt_auto(free) const char **why = rt_alloc(carry->n + 1, sizeof(*why));
	if (rt_carry_learn(carry, level, busy_ms, err) < 0)
		return -1;
	for (size_t i = 0; i < carry->n; i++) {
		const struct rt_carried *carried = &carry->at[i];
		want[i] = wrong[i] = carried->control && carried->state == RT_CARRY_WORKS && !carried->off;
		if (carried->control && !want[i])
			say_none(gate, carry->plan->cells.at[i].name);
	}
	for (int i = 0; i < TRIES && any(wrong, carry->n); i++)
		if (try_tree(carry, level, &gate->tree, i ? "control-again" : "control", wrong, why, busy_ms, err) < 0)
			return -1;
	for (size_t i = 0; i < carry->n; i++)
		if (want[i] && !wrong[i] && rt_carry_set(carry, i, RT_CARRY_WORKS, err) < 0)
			return -1;
	return any(wrong, carry->n) ? judge_wrong(carry, level, wrong, why, busy_ms, err) : 0;
}
