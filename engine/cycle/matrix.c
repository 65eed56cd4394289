#include "cycle/matrix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cycle/carry.h"
#include "cycle/evidence.h"
#include "cycle/machine.h"
#include "cycle/reuse.h"
#include "cycle/scratch.h"
#include "cycle/spare.h"
#include "cycle/workspace.h"
#include "model/preset.h"
#include "model/select.h"
#include "support/clock.h"
#include "support/defence.h"
#include "support/stop.h"

enum { TICK_MS = 100, TAIL_BYTES = 2048 };

void
rt_matrix_stop(void)
{
	rt_stop();
	rt_pool_interrupt();
}

/* One run of one cell under way: all that its spec points to. */
struct job {
	size_t cell;
	struct rt_cell_spec spec;
	struct rt_strs argv, env, lowers, tools, caches;
	char *dir, *reports, *upper;
	int output_fd;
	char control[16]; /* the name of the control it carries; "": none */
};

static void
job_free(struct job *job)
{
	rt_strs_release(&job->argv);
	rt_strs_release(&job->env);
	rt_strs_release(&job->lowers);
	rt_strs_release(&job->tools);
	rt_strs_release(&job->caches);
	rt_close(job->output_fd);
	free(job->dir);
	free(job->reports);
	free(job->upper);
	free(job);
}

/* Frees the job of a cell, once its outcome is no longer needed. */
static void
drop_job(struct rt_matrix *matrix, size_t cell)
{
	if (matrix->jobs[cell])
		job_free(matrix->jobs[cell]);
	matrix->jobs[cell] = NULL;
}

bool
rt_cell_green(const struct rt_cell_state *state)
{
	return state->run.end == RT_CELL_COMPLETE && state->run.results.counts[RT_STATUS_FAIL] == 0 &&
	       state->run.results.counts[RT_STATUS_ERROR] == 0;
}

int
rt_matrix_init(struct rt_matrix *matrix, struct rt_home *home, struct rt_repo *repo, const struct rt_trusted *trusted,
	       const struct rt_plan *plan, const struct rt_oid *tree, const struct rt_oid *near,
	       enum rt_isolation level, const char *scratch, const char *label, struct rt_progress progress,
	       struct rt_err *err)
{
	*matrix = (struct rt_matrix){.home = home,
				     .repo = repo,
				     .trusted = trusted,
				     .plan = plan,
				     .tree = *tree,
				     .near = near ? *near : (struct rt_oid){""},
				     .level = level,
				     .spare.lock = RT_LOCK_INIT,
				     .progress = progress};
	int own = level == RT_LEVEL_OF_NAMESPACES ? 0 : rt_scratch_make(&matrix->own, err);
	if (own < 0)
		return -1;
	matrix->scratch = rt_format("%s/%s", own ? matrix->own : scratch, label);
	matrix->label = strrchr(matrix->scratch, '/') + 1;
	matrix->cells = rt_alloc(plan->cells.n + 1, sizeof(*matrix->cells));
	matrix->jobs = rt_alloc(plan->cells.n + 1, sizeof(*matrix->jobs));
	for (size_t i = 0; i < plan->cells.n; i++) {
		matrix->cells[i].run.end = RT_CELL_NOT_RUN;
		matrix->cells[i].log = (struct rt_buf)RT_BUF_INIT;
	}
	return rt_mkdirs(AT_FDCWD, matrix->scratch, 0700, err);
}

void
rt_matrix_release(struct rt_matrix *matrix)
{
	struct rt_err ignored = RT_ERR_INIT;
	for (size_t i = 0; matrix->cells && i < matrix->plan->cells.n; i++) {
		rt_run_release(&matrix->cells[i].run);
		rt_buf_release(&matrix->cells[i].log);
		free(matrix->cells[i].upper);
	}
	/* what can't be removed now is swept with its quarantine */
	const char *scratch = matrix->own ? matrix->own : matrix->scratch;
	if (scratch && rt_remove_tree(AT_FDCWD, scratch, &ignored) < 0)
		errno = 0;
	for (size_t i = 0; i < matrix->stacks.n; i++) {
		rt_stack_release(&matrix->stacks.at[i]->stack);
		free(matrix->stacks.at[i]);
	}
	free(matrix->stacks.at);
	rt_spare_release(&matrix->spare);
	free(matrix->cells);
	free(matrix->jobs);
	free(matrix->scratch);
	free(matrix->own);
	memset(matrix, 0, sizeof(*matrix));
}

/* ---- preparing a run ---- */

static int
add_env(const struct rt_cell *cell, const char *report, const char *name, const char *value, struct rt_strs *env,
	struct rt_err *err)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	if (rt_plan_expand(cell, report, value, &text, err) < 0)
		return -1;
	if (name)
		rt_strs_addf(env, "%s=%s", name, text.data);
	else
		rt_strs_add(env, text.data);
	return 0;
}

/* Does the check's own env set the variable of a preset's NAME=value? */
static bool
names_variable(const struct rt_check *check, const char *assignment)
{
	size_t len = strcspn(assignment, "=");
	for (size_t i = 0; i < check->env.n; i++)
		if (strlen(check->env.at[i].name) == len && strncmp(check->env.at[i].name, assignment, len) == 0)
			return true;
	return false;
}

/* Whoever says where the report comes from makes the runner write it there: a preset's own request for {{report}} would
 * overrule the one, or be a second report (which Criterion leaks, so that a leak-checked program dies of it). */
static bool
asks_elsewhere(const struct rt_check *check, const char *assignment)
{
	return (check->report.path || check->report.streams) && strstr(assignment, "{{report}}");
}

static int
gather_words(const struct rt_cell *cell, const char *report, const struct rt_select *select, struct rt_strs *argv,
	     struct rt_err *err)
{
	const struct rt_check *check = cell->check;
	const char *shell = select->shell ? select->shell : check->shell;
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	if (shell) {
		rt_strs_add(argv, "/bin/sh");
		rt_strs_add(argv, "-c");
		if (rt_plan_expand(cell, report, shell, &text, err) < 0)
			return -1;
		rt_strs_add(argv, text.data);
		return 0;
	}
	for (size_t i = 0; i <= check->argv.n; i++) {
		for (size_t k = 0; i == select->at && k < select->args.n; k++)
			rt_strs_add(argv, select->args.at[k]);
		if (i == check->argv.n)
			break;
		rt_buf_cut(&text, 0);
		if (rt_plan_expand(cell, report, check->argv.at[i], &text, err) < 0)
			return -1;
		rt_strs_add(argv, text.data);
	}
	return 0;
}

/* The variable by which a runner is told to select gets a value, or more of one. */
static void
add_selection(const struct rt_select *select, struct rt_strs *env)
{
	if (!select->variable)
		return;
	size_t len = strlen(select->variable);
	for (size_t i = 0; i < env->n; i++) {
		if (strncmp(env->at[i], select->variable, len) != 0 || env->at[i][len] != '=')
			continue;
		char *longer = rt_format("%s %s", env->at[i], select->value);
		free(env->at[i]);
		env->at[i] = longer;
		return;
	}
	rt_strs_addf(env, "%s=%s", select->variable, select->value);
}

static int
gather_command(const struct rt_cell *cell, const char *report, const char *only, struct job *job, struct rt_err *err)
{
	const struct rt_check *check = cell->check;
	const struct rt_preset *preset = rt_preset_find(check->report.format);
	rt_auto(select) struct rt_select select = {0};
	if (only && !rt_select_make(&select, check, only))
		return rt_fail(err, RT_EINTERNAL, "%s can't be run alone", only);
	if (gather_words(cell, report, &select, &job->argv, err) < 0)
		return -1;
	for (size_t i = 0; preset && preset->env[i]; i++)
		if (!names_variable(check, preset->env[i]) && !asks_elsewhere(check, preset->env[i]) &&
		    add_env(cell, report, NULL, preset->env[i], &job->env, err) < 0)
			return -1;
	for (size_t i = 0; i < check->env.n; i++)
		if (add_env(cell, report, check->env.at[i].name, check->env.at[i].value, &job->env, err) < 0)
			return -1;
	add_selection(&select, &job->env);
	return 0;
}

static enum rt_streams
streams_of(const struct rt_check *check)
{
	const struct rt_preset *preset = rt_preset_find(check->report.format);
	if (check->report.streams || check->report.path)
		return check->report.streams;
	return preset && preset->from_stdout ? RT_STREAMS_OUT : RT_STREAMS_NONE;
}

static bool
mentions_report(const struct rt_check *check)
{
	static const char word[] = "{{report}}";
	bool found = check->shell && strstr(check->shell, word);
	for (size_t i = 0; i < check->argv.n; i++)
		found = found || strstr(check->argv.at[i], word);
	for (size_t i = 0; i < check->env.n; i++)
		found = found || strstr(check->env.at[i].value, word);
	return found;
}

/* Is there anything that the cell could write a report to on the host, or keep there? */
static bool
needs_folders(const struct rt_matrix *matrix, const struct rt_cell *cell)
{
	return matrix->level != RT_LEVEL_OF_NAMESPACES || cell->needed || matrix->keep ||
	       strcmp(cell->check->report.format, "exit") != 0 || mentions_report(cell->check);
}

static int
make_folders(struct rt_matrix *matrix, struct job *job, struct rt_err *err)
{
	const struct rt_cell *cell = &matrix->plan->cells.at[job->cell];
	if (!needs_folders(matrix, cell))
		return 0;
	job->dir = rt_format("%s/%zu.%u", matrix->scratch, job->cell, matrix->cells[job->cell].attempts);
	job->reports = rt_format("%s/out", job->dir);
	if (rt_mkdirs(AT_FDCWD, job->reports, 0700, err) < 0)
		return -1;
	if (cell->needed || matrix->keep) {
		job->upper = rt_format("%s/up", job->dir);
		if (rt_mkdirs(AT_FDCWD, job->upper, 0700, err) < 0)
			return -1;
	}
	if (streams_of(cell->check)) {
		/* beside what the cell sees, and gone with the quarantine; O_TMPFILE is not to be had on NFS and FUSE
		 */
		rt_auto(free) char *name = rt_format("%s/output", job->dir);
		job->output_fd = open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
		if (job->output_fd < 0)
			return rt_fail_errno(err, "making a file for the output of %s", cell->name);
	}
	return 0;
}

/*
 * The control is the topmost layer, so that it is not in what the cell wrote. A run of one case alone would not run it,
 * and carries none: that case must be in its report.
 */
static int
add_control(struct rt_matrix *matrix, struct job *job, struct rt_err *err)
{
	bool carries = job->dir && !(matrix->only && matrix->only[job->cell]);
	rt_auto(free) char *dir = carries ? rt_format("%s/control", job->dir) : NULL;
	int dropped = carries ? rt_carry_drop(matrix, job->cell, dir, err) : 0;
	if (dropped <= 0)
		return dropped;
	rt_strs_add(&job->lowers, dir);
	if (matrix->carry_mode == RT_CARRY_PASS)
		snprintf(job->control, sizeof(job->control), "%s", matrix->carry->at[job->cell].name);
	return 0;
}

static int
start_cell(struct rt_matrix *matrix, struct rt_pool *pool, size_t i, struct rt_err *err)
{
	const struct rt_cell *cell = &matrix->plan->cells.at[i];
	const struct rt_check *check = cell->check;
	const struct rt_config *config = &matrix->trusted->config;
	struct job *job = matrix->jobs[i] = rt_alloc(1, sizeof(*job));
	job->cell = i;
	job->output_fd = -1;
	matrix->cells[i].attempts++;
	if (make_folders(matrix, job, err) < 0 || add_control(matrix, job, err) < 0 ||
	    rt_workspace_lowers(matrix, i, &job->lowers, err) < 0)
		return -1;
	bool namespaces = matrix->level == RT_LEVEL_OF_NAMESPACES;
	rt_auto(free) char *report = rt_format("%s/" RT_REPORT_FILE, namespaces ? RT_CELL_REPORTS : job->reports);
	if (gather_command(cell, report, matrix->only ? matrix->only[i] : NULL, job, err) < 0)
		return -1;
	/* a step that the network reaches gets only its inputs, never the operator's tools and caches */
	bool trusted_inputs = !(check->network == RT_NETWORK_HOST && check->untrusted_inputs);
	if (trusted_inputs) {
		rt_machine_paths(matrix->home, &config->tools, &job->tools);
		rt_machine_paths(matrix->home, &config->caches, &job->caches);
	}
	job->spec = (struct rt_cell_spec){
	    .name = cell->name,
	    .argv = (const char *const *)job->argv.at,
	    .env = (const char *const *)job->env.at,
	    .lowers = (const char *const *)job->lowers.at,
	    .upper = job->upper,
	    .reports = job->reports,
	    .tools = (const char *const *)job->tools.at,
	    .caches = (const char *const *)job->caches.at,
	    .home_of = matrix->home->cell_home,
	    .network = check->network,
	    .level = matrix->level,
	    .nested = check->nested,
	    .timeout_ms = check->timeout_ms,
	    .silence_ms = check->silence_ms,
	    .output_fd = job->output_fd,
	    .streams = streams_of(check),
	    .data = job,
	};
	if (rt_pool_start(pool, &job->spec, err) < 0)
		return rt_err_while(err, "starting %s", cell->name);
	return 0;
}

/* ---- finishing a run ---- */

static int
finish_cell(struct rt_matrix *matrix, struct rt_cell_outcome *outcome, struct rt_err *err)
{
	struct job *job = outcome->spec->data;
	const struct rt_cell *cell = &matrix->plan->cells.at[job->cell];
	struct rt_cell_state *state = &matrix->cells[job->cell];
	struct rt_evidence evidence = {.repo = matrix->repo,
				       .tree = &matrix->tree,
				       .cell = cell,
				       .known = &matrix->trusted->baseline,
				       .outcome = outcome,
				       .reports = job->reports,
				       .output_fd = job->output_fd,
				       .streams = streams_of(cell->check),
				       .control = job->control[0] ? job->control : NULL};
	rt_run_release(&state->run);
	memset(&state->run, 0, sizeof(state->run));
	if (matrix->only && matrix->only[job->cell])
		state->run.only = rt_strdup(matrix->only[job->cell]);
	if (rt_evidence_weigh(&evidence, &state->run, state->report_digest, err) < 0)
		return -1;
	if (outcome->leaked)
		rt_results_problem(&state->run.results, "%u processes outlived the command and were killed",
				   outcome->leaked);
	if (outcome->leaked && rt_defended(LEFTOVER) && state->run.end == RT_CELL_COMPLETE)
		state->run.end = RT_CELL_BROKEN;
	rt_buf_release(&state->log);
	state->log = outcome->log;
	outcome->log = (struct rt_buf)RT_BUF_INIT;
	rt_policy_redact(matrix->trusted->policy, &state->log);
	size_t skip = state->log.len > TAIL_BYTES ? state->log.len - TAIL_BYTES : 0;
	state->run.tail = rt_strdup(state->log.data + skip);
	state->level = outcome->level;
	state->cached = false;
	state->duration_ms = outcome->duration_ms;
	if (job->upper) {
		free(state->upper);
		state->upper = rt_format("%s/tree", job->upper);
		state->whole = outcome->upper_is_copy;
		if (state->whole && rt_cell_green(state) &&
		    rt_workspace_hide_removed(matrix, job->cell, state->upper, err) < 0)
			return -1;
	}
	rt_progress_cell(&matrix->progress, matrix->label, cell->name, rt_cell_green(state) ? "passed" : "failed",
			 outcome->duration_ms);
	return 0;
}

/* What may a wanted cell do now? 1 start, 0 wait, -1 blocked for good. */
static int
readiness(const struct rt_matrix *matrix, size_t cell, const bool *todo)
{
	const struct rt_cell *c = &matrix->plan->cells.at[cell];
	int answer = 1;
	for (size_t i = 0; i < c->needs.n; i++) {
		size_t need = c->needs.at[i];
		if (todo[need])
			answer = 0;
		else if (!rt_cell_green(&matrix->cells[need]))
			return -1;
	}
	return answer;
}

static void
block_cell(struct rt_matrix *matrix, size_t cell)
{
	struct rt_cell_state *state = &matrix->cells[cell];
	rt_run_release(&state->run);
	memset(&state->run, 0, sizeof(state->run));
	state->run.end = RT_CELL_BLOCKED;
	rt_progress_cell(&matrix->progress, matrix->label, matrix->plan->cells.at[cell].name, "blocked", 0);
}

/* Starts what is ready while there is room. todo: wanted and not ended yet; running: started. Returns how many were
 * settled as blocked, or -1. */
static int
start_ready(struct rt_matrix *matrix, struct rt_pool *pool, bool *todo, bool *running, size_t jobs, struct rt_err *err)
{
	int blocked = 0;
	for (size_t i = 0; i < matrix->plan->cells.n; i++) {
		if (!todo[i] || running[i])
			continue;
		int ready = readiness(matrix, i, todo);
		if (ready < 0) {
			block_cell(matrix, i);
			todo[i] = false;
			blocked++;
		} else if (ready > 0 && rt_pool_running(pool) < jobs && rt_pool_size(pool) < 2 * jobs) {
			rt_progress_cell(&matrix->progress, matrix->label, matrix->plan->cells.at[i].name, "running",
					 0);
			if (start_cell(matrix, pool, i, err) < 0)
				return -1;
			running[i] = true;
		}
	}
	return blocked;
}

static int
run_all(struct rt_matrix *matrix, struct rt_pool *pool, bool *todo, struct rt_err *err)
{
	rt_auto(free) bool *running = rt_alloc(matrix->plan->cells.n, sizeof(*running));
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t jobs = matrix->trusted->config.jobs ? matrix->trusted->config.jobs
		      : processors > 0		   ? (size_t)processors
						   : 1;
	for (;;) {
		int blocked = start_ready(matrix, pool, todo, running, jobs, err);
		if (blocked < 0)
			return -1;
		if (rt_pool_size(pool) == 0 && blocked == 0)
			return 0;
		if (rt_pool_size(pool) == 0)
			continue;
		rt_auto(cell_outcome) struct rt_cell_outcome *outcome = NULL;
		if (rt_pool_wait(pool, rt_clock_ms() + TICK_MS, &outcome, err) < 0)
			return -1;
		if (rt_stopped())
			return rt_fail(err, RT_EUNKNOWN, "interrupted; nothing was changed");
		if (matrix->progress.tell && !outcome)
			matrix->progress.tell(matrix->progress.data, NULL, "tick", 0);
		if (!outcome)
			continue;
		size_t cell = ((struct job *)outcome->spec->data)->cell;
		if (finish_cell(matrix, outcome, err) < 0)
			return -1;
		todo[cell] = running[cell] = false;
		rt_cell_outcome_free(rt_steal(&outcome));
		drop_job(matrix, cell);
	}
}

/* It ran green, and what it wrote is at hand for those that need it (a reused result has only its observations). */
static bool
stands(const struct rt_matrix *matrix, size_t cell)
{
	const struct rt_cell_state *state = &matrix->cells[cell];
	return rt_cell_green(state) && (state->upper || !matrix->plan->cells.at[cell].needed);
}

int
rt_matrix_run(struct rt_matrix *matrix, const bool *want, struct rt_err *err)
{
	rt_auto(free) bool *todo = rt_alloc(matrix->plan->cells.n, sizeof(*todo));
	rt_auto(free) bool *closure = rt_alloc(matrix->plan->cells.n, sizeof(*closure));
	for (size_t i = 0; i < matrix->plan->cells.n; i++)
		if (want[i])
			rt_workspace_closure(matrix->plan, i, closure);
	for (size_t i = 0; i < matrix->plan->cells.n; i++)
		todo[i] = want[i] || (closure[i] && !stands(matrix, i));
	if (matrix->reuse && rt_reuse_apply(matrix->reuse, matrix, want, todo, err) < 0)
		return -1;
	int64_t start = rt_clock_ms();
	struct rt_pool *pool = rt_pool_new();
	int result = run_all(matrix, pool, todo, err);
	rt_pool_free(pool);
	for (size_t i = 0; i < matrix->plan->cells.n; i++)
		drop_job(matrix, i);
	matrix->busy_ms += rt_clock_ms() - start;
	return result;
}
