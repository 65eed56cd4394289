#ifndef RT_CYCLE_INTAKE_H
#define RT_CYCLE_INTAKE_H

/*
 * Intake: what is offered becomes commits on the base, in the quarantine. A diff, a mailbox, a commit, a range A..B, a
 * branch, the staged index. Ids are kept where the proposed commits descend from the base; otherwise they are replayed
 * with author, date and message.
 */

#include "cycle/home.h"
#include "git/apply.h"
#include "model/policy.h"

struct rt_intake_request {
	const char *what; /* X of `propose X`; NULL with staged */
	bool staged;
	const char *message;	/* -m, for a bare diff and --staged; may be NULL */
	const char *index_file; /* staged: NULL is the work tree's own */
};

struct rt_intake {
	struct rt_commit *commits; /* oldest first, on the base */
	size_t n;
	bool kept;		 /* the commits are the proposer's own, ids kept */
	bool lost_signature;	 /* one that was replayed was signed, and its replay is not */
	struct rt_oid tip, tree; /* of the last commit; the base's when there are none */
	struct rt_buf why;
	struct rt_buf author;	 /* of what has none of its own */
	struct rt_buf committer; /* the identity that replayed commits are committed by */
};
#define RT_INTAKE_INIT                                                              \
	{                                                                           \
		.why = RT_BUF_INIT, .author = RT_BUF_INIT, .committer = RT_BUF_INIT \
	}

/*
 * Bytes of the proposal when X is a file or `-` (patch text); empty for commits. Read before any object is written, so
 * that secrets can be looked for in them.
 */
int rt_intake_read(const struct rt_intake_request *request, struct rt_repo *repo, struct rt_buf *raw,
		   struct rt_err *err) RT_MUST_USE;
/* 1 made, 0 does not apply or nothing in it (why), 2 over a limit or malformed (why), -1. */
int rt_intake_make(struct rt_intake *intake, const struct rt_intake_request *request, const struct rt_buf *raw,
		   struct rt_repo *home, struct rt_quarantine *quarantine, const struct rt_oid *base,
		   struct rt_err *err) RT_MUST_USE;
void rt_intake_release(struct rt_intake *intake);
RT_DEFINE_AUTO(intake, struct rt_intake, rt_intake_release);

#endif
