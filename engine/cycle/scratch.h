#ifndef RT_CYCLE_SCRATCH_H
#define RT_CYCLE_SCRATCH_H

/*
 * Where cells without namespaces work. They see the host's own paths, and those of a quarantine would show where the
 * repository's git directory is, name ratchet, and make git believe that it stands in that directory. So their folders
 * lie in $TMPDIR, /var/tmp or /tmp, under a name that says nothing but which process made it.
 */

#include "support/file.h"

/* Makes one, empty, for its owner alone: 1, 0 there is no place where programs may be started, -1. */
int rt_scratch_make(char **dir, struct rt_err *err) RT_MUST_USE;
/* Removes this user's folders whose process is no more; adds how many. */
int rt_scratch_sweep(size_t *removed, struct rt_err *err) RT_MUST_USE;

#endif
