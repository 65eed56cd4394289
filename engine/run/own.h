#ifndef RT_RUN_OWN_H
#define RT_RUN_OWN_H

/*
 * Private to engine/run: what a cell has for itself, in three steps. make makes it where the host's paths are, in the
 * keeper's copy of the host's mount namespace; show puts it into the cell's; show_proc comes last, from the cell's
 * first process, whose processes /proc shows.
 */

#include "run/inner.h"

/* Where make leaves its tmpfs on the host, if it has to. */
#define RT_OWN_STORE "/proc"

struct rt_own_extra {
	const char *path; /* on the host and in the cell; the spec's */
	int mount;
};
/* Mounts that are attached nowhere yet; -1: not made, or not wanted. */
struct rt_own {
	int workspace, home, shm, tmp, terminals, reports;
	int store;    /* the tmpfs that home, shm and tmp are parts of */
	bool on_host; /* it is attached at RT_OWN_STORE, for the caller to take off when the cell is over */
	int proc;     /* after show_proc */
	int upper;    /* no mount: what the cell writes to its workspace, where that is in memory */
	RT_VEC(struct rt_own_extra) extras;
};
#define RT_OWN_INIT                                                                                             \
	{                                                                                                       \
		.workspace = -1, .home = -1, .shm = -1, .tmp = -1, .terminals = -1, .reports = -1, .store = -1, \
		.proc = -1, .upper = -1,                                                                        \
	}
void rt_own_release(struct rt_own *own);
RT_DEFINE_AUTO(own, struct rt_own, rt_own_release);

/* numbers: /proc/self/fd, open; it becomes the working directory. */
int rt_own_make(struct rt_own *own, const struct rt_launch *launch, int numbers, struct rt_err *err) RT_MUST_USE;
int rt_own_show(const struct rt_own *own, struct rt_err *err) RT_MUST_USE;
/* again: the user namespace has its limits from an earlier cell. */
int rt_own_show_proc(struct rt_own *own, const struct rt_launch *launch, bool again, struct rt_err *err) RT_MUST_USE;

#endif
