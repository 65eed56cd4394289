#ifndef RT_RUN_MOUNTS_H
#define RT_RUN_MOUNTS_H

/*
 * Private to engine/run: the mount calls that a cell is built with. Paths are relative to a directory descriptor or
 * absolute; errors name the place in the cell. A mount that was made is a descriptor until it is attached.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/mount.h>

#include "support/err.h"

#define RT_GUARDED (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

/* options: name and value (NULL: a flag) in turn, ended by NULL. A descriptor or -1. */
int rt_mount_new(const char *type, const char *const *options, unsigned attributes, struct rt_err *err) RT_MUST_USE;
/* What is shown of this path elsewhere. Recursive, because a mount namespace of lesser rights cannot show a directory
 * without what is mounted below it. A descriptor or -1. */
int rt_mount_clone(int at, const char *path, struct rt_err *err) RT_MUST_USE;
int rt_mount_attach(int mount, int at, const char *target, struct rt_err *err) RT_MUST_USE;
/* Of the mount and all below it. */
int rt_mount_restrict(int mount, unsigned attributes, struct rt_err *err) RT_MUST_USE;
/* An empty directory or file for a mount to go on. Its parents mostly exist. */
int rt_mount_point(int at, const char *path, bool dir, struct rt_err *err) RT_MUST_USE;

#endif
