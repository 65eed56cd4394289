#ifndef RT_CYCLE_VERIFY_H
#define RT_CYCLE_VERIFY_H

/*
 * Verification: are the ledger's chains whole, do the anchors outside them agree, and is every commit of the target
 * accounted for (design section 8)? Findings are sentences that name the entry or commit and what is wrong. What this
 * cannot see: somebody who restores repository and witness together.
 */

#include "cycle/ledger.h"

enum rt_commit_class {
	RT_CLASS_LANDED,   /* an entry landed it, or it lies within a landing */
	RT_CLASS_ACCEPTED, /* judged in full, then moved there by git itself */
	RT_CLASS_OWED,	   /* only its fast checks ran; pre-push or `check` does the rest */
	RT_CLASS_UPSTREAM, /* came with a fetch and was judged as a whole */
	RT_CLASS_UNGATED
};

struct rt_verification {
	struct rt_strs findings;
	struct rt_strs notes; /* not failures: a missing witness, unsigned governance, what is owed */
	size_t entries;	      /* read in this run */
	size_t chains, commits;
	size_t classes[5];
	struct rt_strs ungated; /* "id subject" */
	struct rt_head head;	/* of this writer's chain */
	int64_t newest;		/* time of the newest entry; 0 none */
};

/*
 * ref: full name of the target. all: read every entry again; otherwise a chain is read down to the head that was
 * verified last (<ratchet>/verified).
 */
int rt_verify(struct rt_home *home, const char *ref, bool all, struct rt_verification *out,
	      struct rt_err *err) RT_MUST_USE;
void rt_verification_release(struct rt_verification *verification);

#endif
