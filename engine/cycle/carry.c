#include "cycle/carry.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cycle/key.h"
#include "cycle/trials.h"
#include "model/glob.h"
#include "support/clock.h"

enum { MOST_ENTRIES = 20000, SAMPLE_BYTES = 1 << 20, MOST_SAMPLES = 4, WEEK_S = 7 * 24 * 3600, MAX_NOTE = 8192 };

/* ---- what is known ---- */

static void
read_note(struct rt_carry *carry, struct rt_carried *carried)
{
	rt_auto(free) char *path = rt_home_path(carry->gate->home, "controls/%s", carried->key);
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	struct rt_err ignored = RT_ERR_INIT;
	int end = 0;
	if (!rt_exists(AT_FDCWD, path) || rt_file_read(AT_FDCWD, path, MAX_NOTE, &text, &ignored) < 0)
		return;
	text.data[strcspn(text.data, "\n")] = '\0';
	if (sscanf(text.data, "works %" SCNd64 " %n", &carried->since, &end) == 1 && end && text.data[end]) {
		carried->state = RT_CARRY_WORKS;
		carried->sample = rt_strdup(text.data + end);
	} else if (sscanf(text.data, "none %" SCNd64, &carried->since) == 1 &&
		   rt_clock_now() - carried->since < WEEK_S && rt_clock_now() >= carried->since) {
		carried->state = RT_CARRY_NONE;
	}
}

/* The target's tests may have moved since: where they are now is learned as if nothing had been known. */
static int
forget_lost_sample(struct rt_carry *carry, struct rt_carried *carried, struct rt_err *err)
{
	struct rt_entry entry = {0};
	if (carried->state != RT_CARRY_WORKS)
		return 0;
	if (rt_tree_entry(rt_quarantine_repo(carry->gate->quarantine), &carry->gate->base_tree, carried->sample, &entry,
			  err) < 0)
		return -1;
	if (entry.mode)
		return 0;
	carried->state = RT_CARRY_UNKNOWN;
	free(rt_steal(&carried->sample));
	return 0;
}

int
rt_carry_init(struct rt_carry *carry, struct rt_gate *gate, const struct rt_plan *plan, struct rt_err *err)
{
	*carry = (struct rt_carry){.gate = gate, .plan = plan, .n = plan->cells.n};
	carry->at = rt_alloc(carry->n + 1, sizeof(*carry->at));
	for (size_t i = 0; i < carry->n; i++) {
		const struct rt_cell *cell = &plan->cells.at[i];
		struct rt_carried *carried = &carry->at[i];
		/* what it leaves for others would know of the control */
		if (cell->check->kind == RT_KIND_CASES && !cell->needed)
			carried->control = rt_control_find(cell->check->report.format);
		if (!carried->control)
			continue;
		if (rt_key_cell(cell, carried->key, err) < 0)
			return -1;
		read_note(carry, carried);
		if (forget_lost_sample(carry, carried, err) < 0)
			return -1;
	}
	return 0;
}

void
rt_carry_release(struct rt_carry *carry)
{
	for (size_t i = 0; i < carry->n; i++) {
		free(carry->at[i].sample);
		rt_strs_release(&carry->at[i].try);
	}
	free(carry->at);
	*carry = (struct rt_carry){0};
}

int
rt_carry_set(struct rt_carry *carry, size_t cell, enum rt_carry_state state, struct rt_err *err)
{
	struct rt_carried *carried = &carry->at[cell];
	rt_auto(free) char *dir = rt_home_path(carry->gate->home, "controls");
	rt_auto(free) char *path = rt_format("%s/%s", dir, carried->key);
	rt_auto(free) char *fresh = rt_format("%s.%ld", path, (long)getpid());
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	carried->state = state;
	carried->since = rt_clock_now();
	rt_buf_addf(&text, "%s %" PRId64 " %s\n", state == RT_CARRY_WORKS ? "works" : "none", carried->since,
		    state == RT_CARRY_WORKS ? carried->sample : "");
	if (rt_mkdirs(AT_FDCWD, dir, 0755, err) < 0)
		return -1;
	rt_auto(fd) int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || rt_write_all(fd, text.data, text.len) < 0 || rename(fresh, path) < 0)
		return rt_fail_errno(err, "writing %s", path);
	return 0;
}

bool
rt_carry_is_due(const struct rt_carry *carry)
{
	int64_t now = rt_clock_now();
	for (size_t i = 0; i < carry->n; i++) {
		const struct rt_carried *carried = &carry->at[i];
		int64_t age = now - carried->since;
		if (carried->control && carried->state == RT_CARRY_WORKS && (age >= WEEK_S || age < 0))
			return true;
	}
	return false;
}

/* ---- where a control may lie ---- */

struct search {
	struct rt_repo *repo;
	const struct rt_oid *tree;
	const struct rt_control *control;
	const struct rt_check *check;
	const char *folder;
	struct rt_strs *found;
	size_t left; /* entries to look at */
	bool here;   /* one was found in this folder */
};

static int
look_at(void *data, const char *name, const struct rt_entry *entry, struct rt_err *err)
{
	struct search *search = data;
	rt_auto(free) char *path = rt_format("%s%s%s", search->folder, search->folder[0] ? "/" : "", name);
	if (search->left-- == 0 || search->found->n == MOST_SAMPLES)
		return 1;
	/* a line of a note holds it */
	if ((entry->mode & 0170000) == 0100000 && !search->here && !strchr(path, '\n') &&
	    rt_control_samples(search->control, path) &&
	    (!search->check->has_inputs || rt_globs_match(&search->check->inputs, path))) {
		rt_strs_add(search->found, path);
		search->here = true;
		return 0;
	}
	if (entry->mode != 0040000)
		return 0;
	struct search below = *search;
	below.folder = path;
	below.here = false;
	int result = rt_tree_list(search->repo, search->tree, path, look_at, &below, err);
	search->left = below.left;
	return result;
}

/* The first test file of each of a few folders of the target's tree. */
static int
find_samples(struct rt_carry *carry, size_t cell, struct rt_err *err)
{
	struct rt_gate *gate = carry->gate;
	struct search search = {.repo = rt_quarantine_repo(gate->quarantine),
				.tree = &gate->base_tree,
				.control = carry->at[cell].control,
				.check = carry->plan->cells.at[cell].check,
				.folder = "",
				.found = &carry->at[cell].try,
				.left = MOST_ENTRIES};
	return rt_tree_list(search.repo, search.tree, "", look_at, &search, err) < 0 ? -1 : 0;
}

/* ---- dropping ---- */

/* A folder of the layer would hide what is no folder in the tree. */
static int
is_free(const struct rt_matrix *matrix, const char *path, struct rt_err *err)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		rt_auto(free) char *folder = rt_strndup(path, (size_t)(slash - path));
		struct rt_entry entry;
		if (rt_tree_entry(matrix->repo, &matrix->tree, folder, &entry, err) < 0)
			return -1;
		if (entry.mode && entry.mode != 0040000)
			return 0;
	}
	return 1;
}

static int
write_file(const char *dir, const char *path, const struct rt_buf *text, struct rt_err *err)
{
	rt_auto(free) char *full = rt_format("%s/%s", dir, path);
	rt_auto(free) char *parent = rt_strndup(full, (size_t)(strrchr(full, '/') - full));
	if (rt_mkdirs(AT_FDCWD, parent, 0755, err) < 0)
		return -1;
	rt_auto(fd) int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || rt_write_all(fd, text->data, text->len) < 0)
		return rt_fail_errno(err, "writing %s", full);
	return 0;
}

/* One control beside a sample: what the tree has there now, else what the target has. 1, 0 there is no place, -1. */
static int
drop_one(struct rt_matrix *matrix, size_t cell, const char *sample, const char *name, const char *dir,
	 struct rt_err *err)
{
	const struct rt_carried *carried = &matrix->carry->at[cell];
	const struct rt_oid *base = &matrix->carry->gate->base_tree;
	rt_auto(buf) struct rt_buf beside = RT_BUF_INIT, path = RT_BUF_INIT, text = RT_BUF_INIT, ignored = RT_BUF_INIT;
	int found = rt_tree_blob(matrix->repo, &matrix->tree, sample, SAMPLE_BYTES, &beside, err);
	if (found == 0)
		found = rt_tree_blob(matrix->repo, base, sample, SAMPLE_BYTES, &beside, err);
	if (found <= 0)
		return found;
	rt_control_make(carried->control, sample, &beside, name, matrix->carry_mode != RT_CARRY_PASS, &path, &text);
	int is_place = is_free(matrix, path.data, err);
	if (is_place <= 0)
		return is_place;
	if (write_file(dir, path.data, &text, err) < 0)
		return -1;
	if (!matrix->plan->cells.at[cell].check->git)
		return 1;
	rt_buf_addf(&ignored, "/%s\n", path.data);
	return write_file(dir, ".git/info/exclude", &ignored, err) < 0 ? -1 : 1;
}

int
rt_carry_drop(struct rt_matrix *matrix, size_t cell, const char *dir, struct rt_err *err)
{
	struct rt_carry *carry = matrix->carry;
	if (!carry || matrix->keep || !carry->at[cell].control || carry->at[cell].off)
		return 0;
	struct rt_carried *carried = &carry->at[cell];
	bool learning = matrix->carry_mode == RT_CARRY_LEARN;
	if (learning ? !carried->try.n : carried->state != RT_CARRY_WORKS)
		return 0;
	carried->name[0] = 'c';
	rt_random_hex(carried->name + 1, 12);
	if (rt_mkdirs(AT_FDCWD, dir, 0755, err) < 0)
		return -1;
	if (!learning) {
		int dropped = drop_one(matrix, cell, carried->sample, carried->name, dir, err);
		if (dropped == 0)
			carried->name[0] = '\0';
		return dropped;
	}
	for (size_t i = 0; i < carried->try.n; i++) {
		rt_auto(free) char *name = rt_format("%s%c", carried->name, (char)('a' + i));
		if (drop_one(matrix, cell, carried->try.at[i], name, dir, err) < 0)
			return -1;
	}
	return 1;
}

enum rt_status
rt_carry_outcome(const struct rt_run *run, const char *name, const char *which)
{
	rt_auto(free) char *word = rt_format("%s%s", name, which);
	if (!name[0])
		return RT_STATUS_ABSENT;
	for (size_t i = 0; i < run->results.cases.n; i++)
		if (strstr(run->results.cases.at[i].id, word))
			return run->results.cases.at[i].status;
	return RT_STATUS_ABSENT;
}

/* ---- learning ---- */

/* The first sample whose control came back as it must. */
static int
take_up(struct rt_carry *carry, size_t cell, const struct rt_run *run, struct rt_err *err)
{
	struct rt_carried *carried = &carry->at[cell];
	for (size_t i = 0; run->end == RT_CELL_COMPLETE && i < carried->try.n; i++) {
		rt_auto(free) char *name = rt_format("%s%c", carried->name, (char)('a' + i));
		enum rt_status fails = rt_carry_outcome(run, name, "fail");
		if (rt_carry_outcome(run, name, "pass") != RT_STATUS_PASS ||
		    (fails != RT_STATUS_FAIL && fails != RT_STATUS_ERROR))
			continue;
		free(carried->sample);
		carried->sample = rt_strdup(carried->try.at[i]);
		return rt_carry_set(carry, cell, RT_CARRY_WORKS, err);
	}
	return rt_carry_set(carry, cell, RT_CARRY_NONE, err);
}

int
rt_carry_learn(struct rt_carry *carry, enum rt_isolation level, int64_t *busy_ms, struct rt_err *err)
{
	struct rt_gate *gate = carry->gate;
	rt_auto(trials) struct rt_trials trials = {0};
	rt_auto(free) bool *want = rt_alloc(carry->n + 1, sizeof(*want));
	bool any = false;
	for (size_t i = 0; i < carry->n; i++) {
		if (!carry->at[i].control || carry->at[i].state != RT_CARRY_UNKNOWN)
			continue;
		if (find_samples(carry, i, err) < 0)
			return -1;
		want[i] = carry->at[i].try.n > 0;
		any = any || want[i];
		if (!want[i] && rt_carry_set(carry, i, RT_CARRY_NONE, err) < 0)
			return -1;
	}
	if (!any)
		return 0;
	if (rt_trials_init(&trials, gate, carry->plan, &gate->base_tree, level, "control-target", err) < 0)
		return -1;
	trials.candidate.carry = carry;
	trials.candidate.carry_mode = RT_CARRY_LEARN;
	if (rt_trials_first(&trials, want, err) < 0)
		return -1;
	for (size_t i = 0; i < carry->n; i++)
		if (want[i] && take_up(carry, i, &trials.at[i].first, err) < 0)
			return -1;
	*busy_ms += rt_trials_busy(&trials);
	return 0;
}

/* ---- settling ---- */

static bool
mark(const struct rt_trials *trials, enum rt_control_end end, bool *marks)
{
	bool any = false;
	for (size_t i = 0; i < trials->n; i++) {
		marks[i] = trials->at[i].first.control == end;
		any = any || marks[i];
	}
	return any;
}

/* What the target's own tree makes of the same controls decides. */
static int
judge_wrong(struct rt_carry *carry, struct rt_trials *trials, const bool *wrong, bool *plain, int64_t *busy_ms,
	    struct rt_err *err)
{
	struct rt_gate *gate = carry->gate;
	rt_auto(trials) struct rt_trials base = {0};
	if (rt_trials_init(&base, gate, carry->plan, &gate->base_tree, trials->candidate.level, "control-base", err) <
	    0)
		return -1;
	base.candidate.carry = carry;
	if (rt_trials_first(&base, wrong, err) < 0)
		return -1;
	*busy_ms += rt_trials_busy(&base);
	for (size_t i = 0; i < carry->n; i++) {
		const char *name = carry->plan->cells.at[i].name;
		enum rt_control_end end = base.at[i].first.control;
		plain[i] = wrong[i] && end == RT_CONTROL_WRONG;
		if (wrong[i] && end == RT_CONTROL_RIGHT)
			rt_refuse(&gate->report.refusals, "control", NULL, 0,
				  "%s: a test that must pass did not come back as passed, twice, and with the target's "
				  "own tree it does: the proposal changes what the runner runs or reports",
				  name);
		if (plain[i] && rt_carry_set(carry, i, RT_CARRY_NONE, err) < 0)
			return -1;
	}
	return 0;
}

int
rt_carry_settle(struct rt_carry *carry, struct rt_trials *trials, int64_t *busy_ms, struct rt_err *err)
{
	rt_auto(free) bool *wrong = rt_alloc(trials->n + 1, sizeof(*wrong));
	rt_auto(free) bool *plain = rt_alloc(trials->n + 1, sizeof(*plain));
	if (mark(trials, RT_CONTROL_WRONG, wrong) && rt_trials_first_again(trials, wrong, err) < 0)
		return -1;
	if (mark(trials, RT_CONTROL_WRONG, wrong) && judge_wrong(carry, trials, wrong, plain, busy_ms, err) < 0)
		return -1;
	if (carry->gate->report.refusals.n)
		return 0;
	for (size_t i = 0; i < trials->n; i++) {
		enum rt_cell_end end = trials->at[i].first.end;
		bool lost = trials->at[i].first.control == RT_CONTROL_LOST &&
			    (end == RT_CELL_COMPLETE || end == RT_CELL_BROKEN);
		plain[i] = plain[i] || lost;
		carry->at[i].off = carry->at[i].off || plain[i];
	}
	return rt_trials_first_again(trials, plain, err);
}
