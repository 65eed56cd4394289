#ifndef RT_GIT_LOOSE_H
#define RT_GIT_LOOSE_H

/*
 * Writing loose objects without fsync. The process has libgit2 sync every object and its directory, which the
 * repository needs and a quarantine does not: there everything is synced once, at promotion.
 */

#include "git/internal.h"

/* From now on what is written to repo goes as loose objects below its objects directory (absolute), unsynced. */
int rt_loose_install(struct rt_repo *repo, const char *objects, struct rt_err *err) RT_MUST_USE;

#endif
