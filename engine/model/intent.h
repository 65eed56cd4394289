#ifndef RT_MODEL_INTENT_H
#define RT_MODEL_INTENT_H

/*
 * The facts of an INTENT entry, as its `extra` holds them: which move of the target was begun, in which work trees, by
 * which process. Recovery completes or undoes that move by nothing else, and removes a lock file under this name, so
 * that they are read strictly.
 */

#include "model/record.h"

struct rt_intent {
	char *ref;		  /* refs/heads/... */
	char old[41], new[41];	  /* ids */
	struct rt_strs worktrees; /* their git directories */
	bool back;		  /* a merge that is taken back: new is older than old */
	int64_t pid, start;	  /* of the process; boot_id of the record belongs to them */
};

struct rt_json *rt_intent_json(const struct rt_intent *intent);
/* RT_EUNKNOWN, with what is wrong, for a record that is none or whose facts lead astray. */
int rt_intent_read(struct rt_intent *intent, const struct rt_record *record, struct rt_err *err) RT_MUST_USE;
void rt_intent_release(struct rt_intent *intent);
RT_DEFINE_AUTO(intent, struct rt_intent, rt_intent_release);

#endif
