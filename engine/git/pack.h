#ifndef RT_GIT_PACK_H
#define RT_GIT_PACK_H

#include "git/quarantine.h"

/*
 * Puts a linear chain of commits, from tip down to hidden ("": all of it), into one pack of the repository, durable,
 * and then removes their loose files. n gets how many. The pack is written in the quarantine, so that a killed process
 * leaves nothing else. Readers beside it look again where a loose file has gone, as they do beside git's own gc.
 */
int rt_pack_chain(struct rt_repo *repo, struct rt_quarantine *quarantine, const struct rt_oid *tip,
		  const struct rt_oid *hidden, size_t *n, struct rt_err *err) RT_MUST_USE;

#endif
