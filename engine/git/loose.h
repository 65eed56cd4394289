#ifndef RT_GIT_LOOSE_H
#define RT_GIT_LOOSE_H

/*
 * Writing loose objects, instead of libgit2's own way: the temporary file says which process made it, so that recovery
 * can remove what a killed one left (tmp_obj_, which git's own prune takes as well). In a repository every object, its
 * directory and a directory made for it are synced; in a quarantine nothing is, because there everything is synced
 * once, at promotion.
 */

#include "git/internal.h"

#define RT_LOOSE_PREFIX "tmp_obj_ratchet-" /* of temporary files (support/tempname.h) */

/*
 * From now on what is written to repo goes as loose objects below its objects directory (absolute). Of several
 * installations the unsynced one holds.
 */
int rt_loose_install(struct rt_repo *repo, const char *objects, bool synced, struct rt_err *err) RT_MUST_USE;

#endif
