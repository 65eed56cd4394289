#include "cycle/ci.h"

#include <fcntl.h>
#include <string.h>

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
 * git with the job's own configuration and credentials: fetching and pushing are what the job's checkout was set up
 * for. Nothing of the candidate is in it, and hooks are off.
 */
static int
run_git(struct rt_home *home, const char *const *args, size_t n, int *code, struct rt_buf *errs, struct rt_err *err)
{
	rt_auto(strs) struct rt_strs argv = {0}, env = {0};
	static const char *const kept[] = {
	    "HOME",	  "SSH_AUTH_SOCK", "GIT_ASKPASS", "GIT_SSH_COMMAND", "GIT_CONFIG_GLOBAL", "XDG_CONFIG_HOME",
	    "http_proxy", "https_proxy",   "no_proxy",	  "SSL_CERT_FILE",   "SSL_CERT_DIR"};
	const char *fixed[] = {"git", "--git-dir", rt_repo_gitdir(home->repo), "-c", "core.hooksPath=/dev/null"};
	for (size_t i = 0; i < RT_COUNT(fixed); i++)
		rt_strs_add(&argv, fixed[i]);
	for (size_t i = 0; i < n; i++)
		rt_strs_add(&argv, args[i]);
	for (size_t i = 0; i < RT_COUNT(kept); i++)
		if (variable(kept[i]))
			rt_strs_addf(&env, "%s=%s", kept[i], variable(kept[i]));
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
		       "fetch-depth: 2 (GitHub) or GIT_DEPTH: 2 (GitLab)",
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

/* The base's id, or NULL for parent 1 of HEAD. */
static const char *
github_base(const struct rt_json *event, struct rt_ci_place *place)
{
	const char *name = variable("GITHUB_EVENT_NAME"), *ref = variable("GITHUB_REF");
	const struct rt_json *pull = rt_json_get(event, "pull_request");
	const char *id = NULL;
	if (ref && rt_starts_with(ref, "refs/pull/") && rt_ends_with(ref, "/merge")) {
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
	}
	return is_real_id(id) ? id : NULL;
}

static const char *
gitlab_base(struct rt_ci_place *place)
{
	const char *type = variable("CI_MERGE_REQUEST_EVENT_TYPE"), *id = variable("CI_MERGE_REQUEST_DIFF_BASE_SHA");
	if (type && strcmp(type, "detached") != 0) {
		place->why = "HEAD is a merged result, so its first parent";
		return NULL;
	}
	if (is_real_id(id)) {
		place->why = "the merge request's base";
		return id;
	}
	const char *branch = variable("CI_COMMIT_BRANCH");
	place->branch = branch ? rt_strdup(branch) : NULL;
	place->why = "what the branch was before the push";
	id = variable("CI_COMMIT_BEFORE_SHA");
	return is_real_id(id) ? id : NULL;
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
		id = gitlab_base(place);
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
	if (id) {
		set_oid(&place->base, id);
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
	place->branch = NULL;
}

int
rt_ci_push(struct rt_home *home, const char *remote, const char *branch, const struct rt_oid *commit,
	   struct rt_oid *tip, struct rt_err *err)
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
	if (code != 0 || rt_ref_read(home->repo, "refs/ratchet/ci-tip", tip, err) <= 0)
		return rt_fail(err, RT_EUNKNOWN, "pushing the raised baseline to %s failed: %.*s", remote,
			       (int)strcspn(errs.data, "\n"), errs.data);
	return 0;
}
