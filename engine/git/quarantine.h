#ifndef RT_GIT_QUARANTINE_H
#define RT_GIT_QUARANTINE_H

/*
 * The quarantine: a private git directory that has the repository as alternate. A proposal's objects are written there;
 * the repository gets none of them, and no ref, until they are promoted. It lies in
 * <commondir>/ratchet/quarantine/<id>, holds a lock while it is in use, and is garbage when nobody holds that lock.
 */

#include "git/repo.h"

struct rt_quarantine;

int rt_quarantine_new(struct rt_quarantine **out, struct rt_repo *home, const char *id, struct rt_err *err) RT_MUST_USE;
/* The repository to write to: objects land in the quarantine, reads see both. Borrowed. */
struct rt_repo *rt_quarantine_repo(struct rt_quarantine *quarantine);
/*
 * Adds a read-only object directory (absolute; GIT_QUARANTINE_PATH of a receiving repository) for libgit2 and for git.
 * One that was added to home is not known here.
 */
int rt_quarantine_add_alternate(struct rt_quarantine *quarantine, const char *objects, struct rt_err *err) RT_MUST_USE;
/* A scratch folder inside, for index files and reports. Borrowed path. */
const char *rt_quarantine_dir(const struct rt_quarantine *quarantine);
/* Makes every object of the quarantine one of the repository, durable (files and directories fsynced) when this
 * returns. Idempotent. */
int rt_quarantine_promote(struct rt_quarantine *quarantine, struct rt_err *err) RT_MUST_USE;
/* Removes it. Accepts NULL. */
void rt_quarantine_free(struct rt_quarantine *quarantine);
static inline void
rt_auto_quarantine(struct rt_quarantine **q)
{
	rt_quarantine_free(*q);
}
/* Removes the quarantines that nobody holds; how many is added to *removed. */
int rt_quarantine_sweep(struct rt_repo *home, size_t *removed, struct rt_err *err) RT_MUST_USE;

#endif
