#include "cycle/reuse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cycle/key.h"
#include "cycle/machine.h"
#include "cycle/workspace.h"
#include "support/clock.h"
#include "support/tempname.h"

/* How far back in the chain a result is looked for, so that the cost does not follow the chain's length. A result that
 * stood is named again, and so stays within reach. */
enum { CHAIN_REACH = 256 };
enum { KEPT_RESULTS = 4096, KEPT_TREES = 8 };
static const size_t MAX_LINE = (size_t)256 << 20;

void
rt_reuse_release(struct rt_reuse *reuse)
{
	rt_strs_release(&reuse->recorded);
	for (size_t i = 0; i < reuse->held.n; i++)
		rt_lock_drop(&reuse->held.at[i]);
	free(reuse->held.at);
	for (size_t i = 0; i < reuse->kept.n; i++)
		free(reuse->kept.at[i].line);
	free(reuse->kept.at);
	*reuse = (struct rt_reuse)RT_REUSE_INIT;
}

/* ---- what the chain holds ---- */

struct reading {
	struct rt_strs *recorded;
	unsigned entries;
};

/* A line of an entry's evidence: "CELL recorded|reused KEY DIGEST". */
static void
add_recorded(struct rt_strs *recorded, const char *line)
{
	char word[16], key[RT_SHA256_HEX + 1], digest[RT_SHA256_HEX + 1];
	if (sscanf(line, "%*s %15s %64[0-9a-f] %64[0-9a-f]", word, key, digest) == 3 &&
	    (strcmp(word, "recorded") == 0 || strcmp(word, "reused") == 0))
		rt_strs_addf(recorded, "%s %s", key, digest);
}

static int
read_entry(void *data, const struct rt_oid *at, const struct rt_record *record, struct rt_err *err)
{
	struct reading *reading = data;
	const struct rt_json *runs = rt_json_get(record->evidence, "runs");
	enum rt_verdict verdict;
	(void)at;
	(void)err;
	if (++reading->entries > CHAIN_REACH)
		return 1;
	if (!record->verdict || rt_verdict_parse(record->verdict, &verdict) < 0 || rt_verdict_exit(verdict) != 0)
		return 0;
	for (size_t i = 0; i < rt_json_count(runs); i++)
		if (rt_json_string(rt_json_at(runs, i)))
			add_recorded(reading->recorded, rt_json_string(rt_json_at(runs, i)));
	return 0;
}

static int
is_recorded(struct rt_reuse *reuse, const char *key, const char *digest, struct rt_err *err)
{
	struct reading reading = {.recorded = &reuse->recorded};
	if (!reuse->chain_read && rt_ledger_walk(reuse->home, NULL, read_entry, &reading, err) < 0)
		return -1;
	reuse->chain_read = true;
	rt_auto(free) char *line = rt_format("%s %s", key, digest);
	return rt_strs_has(&reuse->recorded, line);
}

/* ---- reading one ---- */

/* The recorded result of a key: 1, 0 there is none that counts, -1. */
static int
read_result(struct rt_reuse *reuse, const char *key, struct rt_json **out, struct rt_err *err)
{
	rt_auto(free) char *path = rt_home_path(reuse->home, "results/%s", key);
	rt_auto(buf) struct rt_buf line = RT_BUF_INIT;
	char digest[RT_SHA256_HEX + 1];
	struct rt_err ignored = RT_ERR_INIT;
	if (!rt_exists(AT_FDCWD, path))
		return 0;
	if (rt_file_read(AT_FDCWD, path, MAX_LINE, &line, &ignored) < 0)
		return 0;
	rt_sha256_of(line.data, line.len, digest);
	int recorded = is_recorded(reuse, key, digest, err);
	if (recorded <= 0)
		return recorded;
	return rt_json_parse(out, line.data, line.len, path, &ignored) < 0 ? 0 : 1;
}

/* Fills a cell's run in: 0, or -1 when the line is not what this version writes. */
static int
restore(struct rt_cell_state *state, const struct rt_json *json, enum rt_isolation level)
{
	struct rt_run run = {.end = RT_CELL_COMPLETE, .exit_code = (int)rt_json_get_int(json, "exit", 0)};
	const char *report = rt_json_get_string(json, "report");
	if (!report || strlen(report) != RT_SHA256_HEX ||
	    rt_results_from_json(&run.results, rt_json_get(json, "results")) < 0) {
		rt_run_release(&run);
		return -1;
	}
	rt_run_release(&state->run);
	state->run = run;
	state->cached = true;
	state->level = level;
	memcpy(state->report_digest, report, RT_SHA256_HEX + 1);
	return 0;
}

/* Takes a shared hold of the tree that a result left: 1 and path, 0 there is none, -1. */
static int
hold_tree(struct rt_reuse *reuse, const char *key, const struct rt_json *json, char **path, struct rt_err *err)
{
	rt_auto(free) char *tree = rt_home_path(reuse->home, "results/%s.tree", key);
	rt_auto(free) char *lock = rt_home_path(reuse->home, "results/%s.lock", key);
	const char *boot = rt_json_get_string(json, "boot");
	struct rt_lock held = RT_LOCK_INIT;
	if (!boot || strcmp(boot, rt_boot_id()) != 0 || !rt_exists(AT_FDCWD, tree))
		return 0;
	int busy = rt_lock_take(&held, lock, true, 0, "a cell\n", NULL, err);
	if (busy)
		return busy < 0 ? -1 : 0;
	if (!rt_exists(AT_FDCWD, tree) || futimens(held.fd, NULL) < 0) {
		rt_lock_drop(&held);
		return 0;
	}
	*rt_push(&reuse->held) = held;
	*path = rt_steal(&tree);
	return 1;
}

/* ---- planning ---- */

struct choice {
	struct rt_json *result; /* NULL: none stands */
	char *tree;		/* what it left; NULL: nothing */
	bool run, demanded;	/* demanded: a cell that runs sees what this one wrote */
};

static int
look_up(struct rt_reuse *reuse, struct rt_matrix *matrix, size_t i, struct choice *choice, struct rt_err *err)
{
	const struct rt_cell *cell = &matrix->plan->cells.at[i];
	const struct rt_cell_state *state = &matrix->cells[i];
	if (!cell->check->has_inputs || !state->key[0] || state->run.end != RT_CELL_NOT_RUN)
		return 0;
	int found = read_result(reuse, state->key, &choice->result, err);
	if (found > 0 && cell->needed)
		found = hold_tree(reuse, state->key, choice->result, &choice->tree, err);
	return found < 0 ? -1 : 0;
}

/* From the last cell to the first, because what is needed comes before who needs it. */
static void
decide(const struct rt_matrix *matrix, const bool *want, const bool *todo, struct choice *choices)
{
	for (size_t i = matrix->plan->cells.n; i-- > 0;) {
		struct choice *choice = &choices[i];
		const struct rt_cell *cell = &matrix->plan->cells.at[i];
		choice->run = todo[i] && ((want[i] && !choice->result) || (choice->demanded && !choice->tree));
		for (size_t k = 0; k < cell->needs.n; k++)
			choices[cell->needs.at[k]].demanded |= choice->run || choice->demanded;
	}
}

/* A result that reads back no more runs after all; what it needs was not made ready, so that everything does. */
static bool
fill_in(struct rt_matrix *matrix, struct choice *choices, const bool *todo)
{
	for (size_t i = 0; i < matrix->plan->cells.n; i++) {
		struct rt_cell_state *state = &matrix->cells[i];
		if (!todo[i] || choices[i].run || !choices[i].result)
			continue;
		if (restore(state, choices[i].result, matrix->level) < 0)
			return false;
		if (choices[i].demanded) {
			free(state->upper);
			state->upper = rt_steal(&choices[i].tree);
			state->whole = rt_json_get_bool(choices[i].result, "whole", false);
		}
		rt_progress_cell(&matrix->progress, matrix->label, matrix->plan->cells.at[i].name, "reused", 0);
	}
	return true;
}

static void
undo_fill(struct rt_matrix *matrix, const bool *todo)
{
	for (size_t i = 0; i < matrix->plan->cells.n; i++) {
		struct rt_cell_state *state = &matrix->cells[i];
		if (!todo[i] || !state->cached)
			continue;
		rt_run_release(&state->run);
		memset(&state->run, 0, sizeof(state->run));
		state->run.end = RT_CELL_NOT_RUN;
		state->cached = false;
		free(rt_steal(&state->upper));
	}
}

static int
make_keys(struct rt_reuse *reuse, struct rt_matrix *matrix, struct rt_err *err)
{
	bool any = false;
	for (size_t i = 0; i < matrix->plan->cells.n; i++)
		any = any || (matrix->plan->cells.at[i].check->has_inputs && !matrix->cells[i].key[0]);
	if (!any)
		return 0;
	if (!reuse->machine[0] && rt_machine_digest(matrix->home, &matrix->trusted->config, reuse->machine, err) < 0)
		return -1;
	for (size_t i = 0; i < matrix->plan->cells.n; i++)
		if (rt_key_make(matrix, i, reuse->machine, err) < 0)
			return -1;
	return 0;
}

int
rt_reuse_apply(struct rt_reuse *reuse, struct rt_matrix *matrix, const bool *want, bool *todo, struct rt_err *err)
{
	size_t n = matrix->plan->cells.n;
	rt_auto(free) struct choice *choices = rt_alloc(n + 1, sizeof(*choices));
	int result = make_keys(reuse, matrix, err);
	for (size_t i = 0; i < n && result == 0 && reuse->find; i++)
		if (todo[i] && !(reuse->needs_only && want[i]))
			result = look_up(reuse, matrix, i, &choices[i], err);
	if (result == 0 && reuse->find) {
		decide(matrix, want, todo, choices);
		if (fill_in(matrix, choices, todo))
			for (size_t i = 0; i < n; i++)
				todo[i] = choices[i].run;
		else
			undo_fill(matrix, todo);
	}
	for (size_t i = 0; i < n; i++) {
		rt_json_free(choices[i].result);
		free(choices[i].tree);
	}
	return result;
}

/* ---- keeping ---- */

static char *
result_line(const struct rt_matrix *matrix, size_t i)
{
	const struct rt_cell_state *state = &matrix->cells[i];
	rt_auto(buf) struct rt_buf line = RT_BUF_INIT;
	struct rt_json *json = rt_json_new_object();
	rt_json_set_string(json, "cell", matrix->plan->cells.at[i].name);
	rt_json_set_string(json, "key", state->key);
	rt_json_set_string(json, "report", state->report_digest);
	rt_json_set_string(json, "boot", rt_boot_id());
	rt_json_set_bool(json, "whole", state->whole);
	rt_json_set_int(json, "exit", state->run.exit_code);
	rt_json_set_int(json, "duration_ms", state->duration_ms);
	rt_json_set(json, "results", rt_results_json(&state->run.results));
	rt_json_write(json, &line);
	rt_json_free(json);
	return rt_buf_steal(&line);
}

static void
forget(struct rt_reuse *reuse, size_t cell)
{
	for (size_t i = 0; i < reuse->kept.n; i++) {
		if (reuse->kept.at[i].cell != cell)
			continue;
		free(reuse->kept.at[i].line);
		reuse->kept.at[i] = reuse->kept.at[--reuse->kept.n];
	}
}

static void
note_reused(const struct rt_reuse *reuse, const struct rt_cell *cell, const char *key, struct rt_strs *evidence)
{
	rt_auto(free) char *path = rt_home_path(reuse->home, "results/%s", key);
	rt_auto(buf) struct rt_buf line = RT_BUF_INIT;
	char digest[RT_SHA256_HEX + 1];
	struct rt_err ignored = RT_ERR_INIT;
	if (rt_file_read(AT_FDCWD, path, MAX_LINE, &line, &ignored) < 0)
		return;
	rt_sha256_of(line.data, line.len, digest);
	/* the base may stand on the same as the candidate */
	rt_auto(free) char *text = rt_format("%s reused %s %s", cell->name, key, digest);
	if (!rt_strs_has(evidence, text))
		rt_strs_add(evidence, text);
}

static void
note_run(struct rt_reuse *reuse, const struct rt_matrix *matrix, size_t i, struct rt_strs *evidence)
{
	char digest[RT_SHA256_HEX + 1];
	struct rt_kept *kept = rt_push(&reuse->kept);
	kept->cell = i;
	kept->line = result_line(matrix, i);
	rt_sha256_of(kept->line, strlen(kept->line), digest);
	rt_strs_addf(evidence, "%s recorded %s %s", matrix->plan->cells.at[i].name, matrix->cells[i].key, digest);
}

static bool
awaits_confirmation(const struct rt_matrix *matrix, size_t cell)
{
	const struct rt_plan *plan = matrix->plan;
	rt_auto(free) bool *closure = rt_alloc(plan->cells.n, sizeof(*closure));
	bool any = false;
	rt_workspace_closure(plan, cell, closure);
	for (size_t i = 0; i < plan->cells.n; i++)
		any = any || (closure[i] && plan->cells.at[i].check->confirm_clean);
	return any && matrix->cells[cell].warm;
}

void
rt_reuse_note(struct rt_reuse *reuse, const struct rt_matrix *matrix, const bool *want, struct rt_strs *evidence)
{
	for (size_t i = 0; i < matrix->plan->cells.n; i++) {
		const struct rt_cell_state *state = &matrix->cells[i];
		const struct rt_cell *cell = &matrix->plan->cells.at[i];
		if (want && !want[i])
			continue;
		forget(reuse, i);
		if (!cell->check->has_inputs || !state->key[0] || !rt_cell_green(state) || state->run.results.retried)
			continue;
		if (state->cached)
			note_reused(reuse, cell, state->key, evidence);
		else if (reuse->keep && !state->run.results.problems.n && !awaits_confirmation(matrix, i))
			note_run(reuse, matrix, i, evidence);
	}
}

/* Takes what a cell wrote over into the store. */
static void
keep_tree(struct rt_reuse *reuse, struct rt_cell_state *state)
{
	rt_auto(lock) struct rt_lock alone = RT_LOCK_INIT;
	rt_auto(free) char *tree = rt_home_path(reuse->home, "results/%s.tree", state->key);
	rt_auto(free) char *lock = rt_home_path(reuse->home, "results/%s.lock", state->key);
	struct rt_err ignored = RT_ERR_INIT;
	if (rt_lock_take(&alone, lock, false, 0, "ratchet\n", NULL, &ignored) != 0)
		return;
	if (rt_remove_tree(AT_FDCWD, tree, &ignored) < 0 || rename(state->upper, tree) < 0)
		return;
	free(rt_steal(&state->upper));
}

void
rt_reuse_keep(struct rt_reuse *reuse, struct rt_matrix *matrix)
{
	struct rt_err ignored = RT_ERR_INIT;
	rt_auto(free) char *dir = rt_home_path(reuse->home, "results");
	size_t removed = 0;
	if (!reuse->kept.n || rt_mkdirs(AT_FDCWD, dir, 0700, &ignored) < 0)
		return;
	for (size_t i = 0; i < reuse->kept.n; i++) {
		struct rt_cell_state *state = &matrix->cells[reuse->kept.at[i].cell];
		rt_auto(free) char *path = rt_format("%s/%s", dir, state->key);
		char temp[RT_TEMP_NAME];
		rt_temp_name(temp, RT_TEMP_PREFIX);
		rt_auto(free) char *own = rt_format("%s/%s", dir, temp);
		const char *line = reuse->kept.at[i].line;
		/* what was written in a warm workspace means nothing without it */
		if (state->upper && !state->warm)
			keep_tree(reuse, state);
		rt_auto(fd) int fd = open(own, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (fd < 0 || rt_write_all(fd, line, strlen(line)) < 0 || rename(own, path) < 0)
			unlink(own);
	}
	if (rt_reuse_sweep(reuse->home, KEPT_RESULTS, KEPT_TREES, NULL, &removed, &ignored) < 0)
		errno = 0;
}

/* ---- removal ---- */

struct aged {
	char *name;
	struct timespec used;
};
struct listing {
	int dir;
	RT_VEC(struct aged) results, trees;
};

static int
note_file(void *data, const char *name, struct rt_err *err)
{
	struct listing *listing = data;
	struct stat st;
	bool tree = rt_ends_with(name, ".tree");
	(void)err;
	if (strlen(name) != (size_t)RT_SHA256_HEX + (tree ? strlen(".tree") : 0))
		return 0;
	rt_auto(free) char *lock = rt_format("%.*s.lock", RT_SHA256_HEX, name);
	if (fstatat(listing->dir, tree ? lock : name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	struct aged *aged = tree ? rt_push(&listing->trees) : rt_push(&listing->results);
	*aged = (struct aged){rt_strndup(name, RT_SHA256_HEX), st.st_mtim};
	return 0;
}

static int
newest_first(const void *a, const void *b)
{
	const struct timespec *x = &((const struct aged *)a)->used, *y = &((const struct aged *)b)->used;
	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? 1 : -1;
	return (x->tv_nsec < y->tv_nsec) - (x->tv_nsec > y->tv_nsec);
}

static int
drop_tree(struct rt_home *home, const char *key, size_t *removed, struct rt_err *err)
{
	rt_auto(lock) struct rt_lock alone = RT_LOCK_INIT;
	rt_auto(free) char *tree = rt_home_path(home, "results/%s.tree", key);
	rt_auto(free) char *lock = rt_home_path(home, "results/%s.lock", key);
	int busy = rt_lock_take(&alone, lock, false, 0, "gc\n", NULL, err);
	if (busy)
		return busy < 0 ? -1 : 0;
	(*removed)++;
	return rt_remove_tree(AT_FDCWD, tree, err);
}

static bool
has_room(const struct rt_home *home, const char *key, uint64_t *room)
{
	rt_auto(free) char *tree = rt_home_path(home, "results/%s.tree", key);
	return !room || rt_room_take(room, tree);
}

int
rt_reuse_sweep(struct rt_home *home, size_t results, size_t trees, uint64_t *room, size_t *removed, struct rt_err *err)
{
	rt_auto(free) char *path = rt_home_path(home, "results");
	rt_auto(fd) int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct listing listing = {.dir = dir};
	if (dir < 0)
		return errno == ENOENT ? 0 : rt_fail_errno(err, "opening %s", path);
	int result = rt_list_dir(dir, ".", note_file, &listing, err);
	if (listing.trees.n)
		qsort(listing.trees.at, listing.trees.n, sizeof(*listing.trees.at), newest_first);
	if (listing.results.n)
		qsort(listing.results.at, listing.results.n, sizeof(*listing.results.at), newest_first);
	for (size_t i = 0; i < listing.trees.n && result == 0; i++)
		if (i >= trees || !has_room(home, listing.trees.at[i].name, room))
			result = drop_tree(home, listing.trees.at[i].name, removed, err);
	for (size_t i = results; i < listing.results.n && result == 0; i++)
		if (unlinkat(dir, listing.results.at[i].name, 0) < 0 && errno != ENOENT)
			result = rt_fail_errno(err, "removing a result in %s", path);
	for (size_t i = 0; i < listing.trees.n; i++)
		free(listing.trees.at[i].name);
	for (size_t i = 0; i < listing.results.n; i++)
		free(listing.results.at[i].name);
	free(listing.trees.at);
	free(listing.results.at);
	return result;
}
