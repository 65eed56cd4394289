#ifndef RT_CYCLE_CI_H
#define RT_CYCLE_CI_H

/*
 * Which commits a CI job is about, from the variables that the real runners set. History is never walked: CI clones are
 * shallow.
 *
 *   GitHub   GITHUB_ACTIONS, GITHUB_EVENT_NAME, GITHUB_EVENT_PATH, GITHUB_REF, GITHUB_SHA
 *            (docs.github.com, "Variables reference", "Webhook events and payloads")
 *   GitLab   GITLAB_CI, CI_COMMIT_SHA, CI_COMMIT_BRANCH, CI_COMMIT_BEFORE_SHA, CI_DEFAULT_BRANCH,
 *            CI_MERGE_REQUEST_EVENT_TYPE, CI_MERGE_REQUEST_DIFF_BASE_SHA, CI_MERGE_REQUEST_TARGET_BRANCH_SHA
 *            (docs.gitlab.com, "Predefined CI/CD variables reference")
 *   git      anything else: parent 1 of HEAD
 */

#include "cycle/check.h"

enum rt_ci_kind { RT_CI_GIT, RT_CI_GITHUB, RT_CI_GITLAB };

struct rt_ci_place {
	enum rt_ci_kind kind;
	char *branch;	      /* a push to this branch; NULL: not a push */
	char *default_branch; /* what the forge calls so; NULL: not known */
	struct rt_oid head, base;
	const char *why; /* how the base was found, for people */
};

/*
 * Finds base and head; a base that the clone lacks is fetched once (--depth=1) from remote. RT_EUNKNOWN with the
 * checkout option that mends it when it can't be had. base: an expression that overrides, or NULL.
 */
int rt_ci_find(struct rt_home *home, const char *base, const char *remote, struct rt_ci_place *place,
	       struct rt_err *err) RT_MUST_USE;
void rt_ci_release(struct rt_ci_place *place);
RT_DEFINE_AUTO(ci_place, struct rt_ci_place, rt_ci_release);

/*
 * Pushes commit, made on head, to the branch of remote without force. 1 pushed, 0 the branch is no longer at head (tip:
 * where it is now, fetched), -1: also when the server refuses it, with its words.
 */
int rt_ci_push(struct rt_home *home, const char *remote, const char *branch, const struct rt_oid *commit,
	       const struct rt_oid *head, struct rt_oid *tip, struct rt_err *err) RT_MUST_USE;

#endif
