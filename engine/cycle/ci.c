#include "cycle/ci.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "support/json.h"
#include "support/proc.h"

enum { FETCH_MS = 300000, EVENT_MAX = 32 << 20 };

static const char *
variable(const char *name)
{
	const char *value = getenv(name);
	return value && value[0] ? value : NULL;
}

static bool
is_real_id(const char *id)
{
	return id && strlen(id) == RT_OID_HEX && strspn(id, "0123456789abcdef") == RT_OID_HEX &&
	       strcmp(id, RT_OID_ZERO) != 0;
}

static void
set_oid(struct rt_oid *oid, const char *hex)
{
	memcpy(oid->hex, hex, RT_OID_HEX + 1);
}

/*
 * git with the job's own configuration and credentials, wherever they are (files, helpers, variables): fetching and
 * pushing are what the job's checkout was set up for. Nothing of the candidate is in it; hooks are off, and what would
 * point git at another repository is left out.
 */
static int
run_git(struct rt_home *home, const char *const *args, size_t n, int *code, struct rt_buf *errs, struct rt_err *err)
{
	rt_auto(strs) struct rt_strs argv = {0}, env = {0};
	static const char *const elsewhere[] = {
	    "GIT_DIR=",	      "GIT_WORK_TREE=",	       "GIT_COMMON_DIR=",   "GIT_INDEX_FILE=",
	    "GIT_NAMESPACE=", "GIT_OBJECT_DIRECTORY=", "GIT_SHALLOW_FILE=", "GIT_ALTERNATE_OBJECT_DIRECTORIES=",
	    "GIT_TRACE",      "GIT_TERMINAL_PROMPT="};
	const char *fixed[] = {"git", "--git-dir", rt_repo_gitdir(home->repo), "-c", "core.hooksPath=/dev/null"};
	for (size_t i = 0; i < RT_COUNT(fixed); i++)
		rt_strs_add(&argv, fixed[i]);
	for (size_t i = 0; i < n; i++)
		rt_strs_add(&argv, args[i]);
	for (char **at = environ; *at; at++) {
		bool left_out = false;
		for (size_t i = 0; i < RT_COUNT(elsewhere); i++)
			left_out = left_out || rt_starts_with(*at, elsewhere[i]);
		if (!left_out)
			rt_strs_add(&env, *at);
	}
	rt_strs_add(&env, "GIT_TERMINAL_PROMPT=0");
	struct rt_proc proc = {.argv = (const char *const *)argv.at,
			       .env = (const char *const *)env.at,
			       .timeout_ms = FETCH_MS,
			       .errs = errs};
	if (rt_proc_run(&proc, err) < 0)
		return -1;
	*code = proc.exit_code;
	return 0;
}

static int
ensure_object(struct rt_home *home, const char *remote, const struct rt_oid *oid, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf errs = RT_BUF_INIT;
	const char *args[] = {"fetch", "--quiet", "--no-tags", "--depth=1", remote, oid->hex};
	int code = 0;
	if (rt_object_exists(home->repo, oid))
		return 0;
	if (run_git(home, args, RT_COUNT(args), &code, &errs, err) < 0)
		return -1;
	if (code == 0 && rt_object_exists(home->repo, oid))
		return 0;
	return rt_fail(err, RT_EUNKNOWN,
		       "the base commit %s is not in this clone and could not be fetched (%.*s); check out with "
		       "fetch-depth: 2 (GitHub) or GIT_DEPTH: 2 (GitLab), or, where a forced push took it away, name "
		       "another with --base",
		       oid->hex, (int)strcspn(errs.data, "\n"), errs.data);
}

/* ---- the event ---- */

static int
read_event(struct rt_json **event, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	const char *path = variable("GITHUB_EVENT_PATH");
	if (!path)
		return 0;
	if (rt_file_read(AT_FDCWD, path, EVENT_MAX, &text, err) < 0)
		return rt_err_while(err, "reading the event of the job");
	return rt_json_parse(event, text.data, text.len, path, err);
}

/* Is what is checked out the commit that the job was started for? A workflow can check out another. */
static bool
is_checked_out(const struct rt_ci_place *place, const char *name)
{
	const char *id = variable(name);
	return id && strcmp(id, place->head.hex) == 0;
}

/*
 * The base's id, or NULL for parent 1 of HEAD. That parent is believed only of the merge that the forge itself made: a
 * proposer who pushes a merge chooses its parents, and so would choose the baseline that it is judged by.
 */
static const char *
github_base(const struct rt_json *event, struct rt_ci_place *place)
{
	const char *name = variable("GITHUB_EVENT_NAME"), *ref = variable("GITHUB_REF");
	const char *main_branch = rt_json_string(rt_json_pointer(event, "/repository/default_branch"));
	const struct rt_json *pull = rt_json_get(event, "pull_request");
	const char *id = NULL;
	place->default_branch = main_branch ? rt_strdup(main_branch) : NULL;
	if (ref && rt_starts_with(ref, "refs/pull/") && rt_ends_with(ref, "/merge") &&
	    is_checked_out(place, "GITHUB_SHA")) {
		place->why = "HEAD is the merge of a pull request, so its first parent";
		return NULL;
	}
	if (pull) {
		place->why = "the pull request's base";
		id = rt_json_string(rt_json_pointer(pull, "/base/sha"));
	} else if (name && strcmp(name, "merge_group") == 0) {
		place->why = "the merge group's base";
		id = rt_json_string(rt_json_pointer(event, "/merge_group/base_sha"));
	} else if (name && strcmp(name, "push") == 0) {
		place->why = "what the branch was before the push";
		id = rt_json_get_string(event, "before");
		if (ref && rt_starts_with(ref, "refs/heads/"))
			place->branch = rt_strdup(ref + strlen("refs/heads/"));
		if (!is_real_id(id))
			place->why = "the branch is new, so the first parent of HEAD";
	}
	return is_real_id(id) ? id : NULL;
}

static const char *
gitlab_base(const struct rt_commit *head, struct rt_ci_place *place)
{
	const char *type = variable("CI_MERGE_REQUEST_EVENT_TYPE"), *id;
	bool merged = type && strcmp(type, "detached") != 0;
	if (merged && head->n_parents > 1 && is_checked_out(place, "CI_COMMIT_SHA")) {
		place->why = "HEAD is a merged result, so its first parent";
		return NULL;
	}
	/* a train of a project that merges by fast-forward has rebased commits and no merge */
	id = variable("CI_MERGE_REQUEST_TARGET_BRANCH_SHA");
	if (merged && is_real_id(id)) {
		place->why = "the tip of the merge request's target";
		return id;
	}
	id = variable("CI_MERGE_REQUEST_DIFF_BASE_SHA");
	if (is_real_id(id)) {
		place->why = "the merge request's base";
		return id;
	}
	const char *branch = variable("CI_COMMIT_BRANCH"), *main_branch = variable("CI_DEFAULT_BRANCH");
	place->branch = branch ? rt_strdup(branch) : NULL;
	place->default_branch = main_branch ? rt_strdup(main_branch) : NULL;
	place->why = "what the branch was before the push";
	id = variable("CI_COMMIT_BEFORE_SHA");
	if (!is_real_id(id))
		place->why = "there is no earlier commit of the branch, so the first parent of HEAD";
	return is_real_id(id) ? id : NULL;
}

/* Without a forge that names one, the branch that a job has checked out is its target. */
static void
plain_branch(const char *ref, struct rt_ci_place *place)
{
	if (!ref || !rt_starts_with(ref, "refs/heads/"))
		return;
	place->branch = rt_strdup(ref + strlen("refs/heads/"));
	place->default_branch = rt_strdup(place->branch);
}

/*
 * Of a branch that is new: where it left the default branch, if this clone has that branch and the history in between.
 * The first parent of HEAD would be a commit of the proposer, who could lower the baseline in one commit and be judged
 * by it in the next.
 */
static int
find_fork(struct rt_home *home, const char *remote, struct rt_ci_place *place, struct rt_err *err)
{
	rt_auto(free) char *ref = NULL;
	struct rt_oid tip;
	if (!place->branch || !place->default_branch || !strcmp(place->branch, place->default_branch))
		return 0;
	ref = rt_format("refs/remotes/%s/%s", remote, place->default_branch);
	int found = rt_ref_read(home->repo, ref, &tip, err);
	if (found > 0)
		found = rt_merge_base(home->repo, &tip, &place->head, &place->base, err);
	if (found > 0 && rt_oid_equal(&place->base, &place->head))
		return 0;
	if (found > 0)
		place->why = "the branch is new, so where it left the default branch";
	return found;
}

int
rt_ci_find(struct rt_home *home, const char *base, const char *remote, struct rt_ci_place *place, struct rt_err *err)
{
	rt_auto(json) struct rt_json *event = NULL;
	rt_auto(buf) struct rt_buf ref = RT_BUF_INIT;
	rt_auto(commit) struct rt_commit head = {0};
	const char *id = NULL;
	place->kind = variable("GITHUB_ACTIONS") ? RT_CI_GITHUB : variable("GITLAB_CI") ? RT_CI_GITLAB : RT_CI_GIT;
	if (rt_head(home->repo, &ref, &place->head, err) < 0)
		return -1;
	if (!place->head.hex[0])
		return rt_fail(err, RT_ECONFIG, "HEAD has no commit");
	if (rt_commit_read(home->repo, &place->head, &head, err) < 0 ||
	    (place->kind == RT_CI_GITHUB && read_event(&event, err) < 0))
		return -1;
	if (place->kind == RT_CI_GITHUB)
		id = github_base(event, place);
	else if (place->kind == RT_CI_GITLAB)
		id = gitlab_base(&head, place);
	else
		plain_branch(ref.data, place);
	if (base && is_real_id(base)) {
		id = base;
		place->why = "--base";
	} else if (base) {
		int found = rt_rev_parse(home->repo, base, &place->base, err);
		place->why = "--base";
		return found > 0   ? 0
		       : found < 0 ? -1
				   : rt_fail(err, RT_ECONFIG, "%s is not a commit in this clone", base);
	}
	int forked = id ? 0 : find_fork(home, remote, place, err);
	if (forked < 0)
		return -1;
	if (id) {
		set_oid(&place->base, id);
	} else if (forked) {
		return 0;
	} else if (head.n_parents) {
		place->base = head.parents[0];
		place->why = place->why ? place->why : "the first parent of HEAD";
	} else {
		return rt_fail(err, RT_EUNKNOWN,
			       "HEAD has no parent in this clone; give --base, or check out with fetch-depth: 2");
	}
	return ensure_object(home, remote, &place->base, err);
}

void
rt_ci_release(struct rt_ci_place *place)
{
	free(place->branch);
	free(place->default_branch);
	place->branch = place->default_branch = NULL;
}

int
rt_ci_push(struct rt_home *home, const char *remote, const char *branch, const struct rt_oid *commit,
	   const struct rt_oid *head, struct rt_oid *tip, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf errs = RT_BUF_INIT;
	rt_auto(free) char *spec = rt_format("%s:refs/heads/%s", commit->hex, branch);
	rt_auto(free) char *fetched = rt_format("+refs/heads/%s:refs/ratchet/ci-tip", branch);
	const char *push[] = {"push", "--quiet", remote, spec};
	const char *fetch[] = {"fetch", "--quiet", "--no-tags", "--depth=2", remote, fetched};
	int code = 0;
	if (run_git(home, push, RT_COUNT(push), &code, &errs, err) < 0)
		return -1;
	if (code == 0)
		return 1;
	if (run_git(home, fetch, RT_COUNT(fetch), &code, NULL, err) < 0)
		return -1;
	bool found = code == 0 && rt_ref_read(home->repo, "refs/ratchet/ci-tip", tip, err) > 0;
	/* a branch that stands where it stood was not won by another: the server does not take this push */
	if (!found || rt_oid_equal(tip, head))
		return rt_fail(err, RT_EUNKNOWN, "%s did not take the raised baseline for %s: %s", remote, branch,
			       errs.data);
	return 0;
}
