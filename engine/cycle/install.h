#ifndef RT_CYCLE_INSTALL_H
#define RT_CYCLE_INSTALL_H

/*
 * Installing the git hooks (design section 6): a shim for each hook in <commondir>/ratchet/hooks, and core.hooksPath in
 * the repository's own configuration set to that absolute path. The shims' texts are those of hooks/ in the sources.
 *
 * Nothing is lost. What core.hooksPath was, and the directory that git took its hooks from, are remembered in
 * <commondir>/ratchet/hooks.json; the hooks there go on running. What another installer wrote into our directory
 * meanwhile is moved to its folder `kept` and runs too.
 */

#include "cycle/home.h"

/* The directory of the shims; the caller frees. */
char *rt_hooks_dir(const struct rt_home *home);
/* binary: absolute path of ratchet. Idempotent; also mends what is missing or was changed. */
int rt_hooks_install(struct rt_home *home, const char *binary, struct rt_err *err) RT_MUST_USE;
/* Restores core.hooksPath if it is ours still, and removes the shims. Hooks in `kept` stay where they are. */
int rt_hooks_undo(struct rt_home *home, struct rt_err *err) RT_MUST_USE;
/* What differs from what rt_hooks_install(home, binary) would leave, a sentence each with its mend; none: all is well.
 */
int rt_hooks_compare(struct rt_home *home, const char *binary, struct rt_strs *differences,
		     struct rt_err *err) RT_MUST_USE;

#endif
