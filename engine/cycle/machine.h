#ifndef RT_CYCLE_MACHINE_H
#define RT_CYCLE_MACHINE_H

/*
 * Which machine a result holds for: the engine itself, the system directories that cells see, and what the operator
 * shows them besides. A change of any of them is another machine, on which nothing was run yet.
 */

#include "cycle/home.h"
#include "model/config.h"
#include "support/digest.h"

/*
 * The system's part is the digest of its package database and, for /usr/local and where there is no database for the
 * whole of it, path, size, mtime and inode of each file; `tools` and `caches` likewise. Costs what they have files.
 */
int rt_machine_digest(const struct rt_home *home, const struct rt_config *config, char digest[RT_SHA256_HEX + 1],
		      struct rt_err *err) RT_MUST_USE;
/* "~/x" becomes the operator's home; a path that isn't there is left out, as a machine may lack a cache. */
void rt_machine_paths(const struct rt_home *home, const struct rt_strs *in, struct rt_strs *out);

#endif
