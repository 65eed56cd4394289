#ifndef RT_GIT_APPLY_H
#define RT_GIT_APPLY_H

/*
 * Applying patches exactly as git does: by git itself (`git apply --cached --3way`) in the quarantine, with a private
 * index that holds just the touched paths (and what could stand in their way: the entries of their leading directories,
 * what lies below them), without user or repository configuration. The cost follows the patch, not the tree. The
 * touched paths are over-approximated from the patch's headers; afterwards `git apply --numstat -z` must name no path
 * outside them, else it is done again on the full index.
 *
 * A mail's patch is applied as `git am -3` does it: directly, and when that fails as a three-way merge on the blobs its
 * index lines name.
 */

#include "git/quarantine.h"

struct rt_apply_limits {
	uint64_t max_patch; /* bytes of patch text; default 64 MiB */
	uint64_t max_blob;  /* declared size of an inflated binary hunk, checked before inflating; default 256 MiB */
	uint64_t max_files; /* default 100,000 */
};
#define RT_APPLY_LIMITS                       \
	{                                     \
		64u << 20, 256u << 20, 100000 \
	}

/*
 * 1 applied: *out is the tree; 0 does not apply: why gets git's own words, one line each; 2 over a limit or malformed:
 * why says which; -1 error. A patch that changes nothing (empty, prose) is 0 with "no changes found in it".
 */
int rt_apply(struct rt_quarantine *quarantine, const struct rt_oid *base_tree, const char *patch, size_t len,
	     const struct rt_apply_limits *limits, struct rt_oid *out, struct rt_buf *why,
	     struct rt_err *err) RT_MUST_USE;
/* The same by the rules of `git am -3`. */
int rt_apply_mail(struct rt_quarantine *quarantine, const struct rt_oid *base_tree, const char *patch, size_t len,
		  const struct rt_apply_limits *limits, struct rt_oid *out, struct rt_buf *why,
		  struct rt_err *err) RT_MUST_USE;
/* Replays the change that commit made to its first parent onto base_tree, as cherry-pick does. A merge commit: 0, why
 * says so. */
int rt_apply_commit(struct rt_quarantine *quarantine, const struct rt_oid *base_tree, const struct rt_oid *commit,
		    struct rt_oid *out, struct rt_buf *why, struct rt_err *err) RT_MUST_USE;

/* One message of an mbox. */
struct rt_mail {
	char *author, *date; /* "Name <mail>", raw date "seconds +zone" as in a commit header */
	char *message;
	char *patch;
	size_t patch_len;
};
struct rt_mails {
	struct rt_mail *at;
	size_t n, cap;
};
/* True when the bytes are a mailbox or a single mail (`From ` line or mail headers before the diff), as `git am` would
 * detect it. */
bool rt_mail_detect(const char *bytes, size_t len);
/* Splits by `git mailsplit` and reads each by `git mailinfo`. 1, 0 (why says what is wrong), -1. */
int rt_mail_split(struct rt_quarantine *quarantine, const char *bytes, size_t len, struct rt_mails *out,
		  struct rt_buf *why, struct rt_err *err) RT_MUST_USE;
void rt_mails_release(struct rt_mails *mails);
RT_DEFINE_AUTO(mails, struct rt_mails, rt_mails_release);

#endif
