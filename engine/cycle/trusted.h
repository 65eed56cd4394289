#ifndef RT_CYCLE_TRUSTED_H
#define RT_CYCLE_TRUSTED_H

/*
 * The trusted inputs of one commit: configuration, policies, signers, waivers, baseline. They are read from that
 * commit's tree and from nowhere else.
 */

#include "git/repo.h"
#include "model/baseline.h"
#include "model/config.h"
#include "model/judge.h"
#include "model/policy.h"

struct rt_trusted {
	bool present; /* the tree has a ratchet.yml */
	struct rt_config config;
	struct rt_policy *policy;
	struct rt_waivers waivers;
	struct rt_buf signers;	     /* allowed_signers */
	struct rt_baseline baseline; /* sealed, former names carried over */
};
#define RT_TRUSTED_INIT                \
	{                              \
		.signers = RT_BUF_INIT \
	}

/* The text of ratchet.yml: 1 read, 0 there is none, -1; a link, a folder, or a file beyond all reason is an error. */
int rt_config_text(struct rt_repo *repo, const struct rt_oid *tree, struct rt_buf *text,
		   struct rt_err *err) RT_MUST_USE;
/* present is false where the tree has no ratchet.yml; then all else is empty. */
int rt_trusted_read(struct rt_trusted *trusted, struct rt_repo *repo, const struct rt_oid *tree,
		    struct rt_err *err) RT_MUST_USE;
/* Only the baseline of a tree, by that configuration's folder. */
int rt_trusted_baseline(struct rt_baseline *baseline, struct rt_repo *repo, const struct rt_oid *tree,
			const struct rt_config *config, struct rt_err *err) RT_MUST_USE;
void rt_trusted_release(struct rt_trusted *trusted);
RT_DEFINE_AUTO(trusted, struct rt_trusted, rt_trusted_release);

/*
 * tree with the baseline folder replaced by that baseline: one file for each check, only those that changed are
 * written.
 */
int rt_baseline_commit_tree(struct rt_repo *repo, const struct rt_oid *tree, const struct rt_config *config,
			    const struct rt_baseline *baseline, struct rt_oid *out, struct rt_err *err) RT_MUST_USE;

#endif
