#ifndef RT_SUPPORT_TEMPNAME_H
#define RT_SUPPORT_TEMPNAME_H

/*
 * Names that say which process made a thing: <prefix><pid>-<start time>-<space>-<16 hex digits>. A process that is
 * killed can't remove its temporary files; the next one can, without guessing, because a pid that was used again has
 * another start time. Pids and start times mean something only where they were read: the space names the pid and time
 * namespaces, and what was made in another space is nobody's to remove.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "support/err.h"

#define RT_TEMP_PREFIX ".ratchet-tmp-" /* of rt_file_write_durable */
#define RT_TEMP_NAME 112

/* Start time of a process in clock ticks since boot (field 22 of /proc/PID/stat); 0 when there is no such process. */
uint64_t rt_process_start(pid_t pid);
/* Names the pid and time namespaces that this process is in. */
uint64_t rt_process_space(void);
/* Is the process of this pid, start and space known to be no more? False for those of another space. */
bool rt_process_is_gone(pid_t pid, uint64_t start, uint64_t space);
/* Fills name; the prefix has at most 32 bytes. */
void rt_temp_name(char name[RT_TEMP_NAME], const char *prefix);
/* Was a file of this name made by a process that is no more? False for any name that has another form. */
bool rt_temp_is_stale(const char *name, const char *prefix);
/* Removes the stale ones of a folder, and adds how many. A folder that is not there has none. */
int rt_temp_sweep(const char *dir, const char *prefix, size_t *removed, struct rt_err *err) RT_MUST_USE;

#endif
