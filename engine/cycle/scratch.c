#include "cycle/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "support/tempname.h"

#define PREFIX "cells-"

enum { PLACES = 3 };

static const char *
place(int n)
{
	const char *temporary = getenv("TMPDIR");
	if (n == 0)
		return temporary && *temporary == '/' ? temporary : NULL;
	return n == 1 ? "/var/tmp" : "/tmp";
}

static bool
serves(const char *dir)
{
	struct statvfs fs;
	return dir && statvfs(dir, &fs) == 0 && !(fs.f_flag & (ST_NOEXEC | ST_RDONLY)) && access(dir, W_OK | X_OK) == 0;
}

int
rt_scratch_make(char **dir, struct rt_err *err)
{
	for (int i = 0; i < PLACES; i++) {
		char name[RT_TEMP_NAME];
		if (!serves(place(i)))
			continue;
		rt_temp_name(name, PREFIX);
		rt_auto(free) char *path = rt_format("%s/%s", place(i), name);
		if (mkdir(path, 0700) < 0)
			return rt_fail_errno(err, "making %s", path);
		*dir = rt_steal(&path);
		return 1;
	}
	return 0;
}

struct sweep {
	const char *place;
	size_t *removed;
};

static int
sweep_one(void *data, const char *name, struct rt_err *err)
{
	const struct sweep *sweep = data;
	rt_auto(free) char *path = rt_format("%s/%s", sweep->place, name);
	struct stat st;
	if (!rt_temp_is_stale(name, PREFIX) || lstat(path, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid())
		return 0;
	if (rt_remove_tree(AT_FDCWD, path, err) < 0)
		return -1;
	++*sweep->removed;
	return 0;
}

int
rt_scratch_sweep(size_t *removed, struct rt_err *err)
{
	for (int i = 0; i < PLACES; i++) {
		struct sweep sweep = {place(i), removed};
		if (sweep.place && access(sweep.place, R_OK) == 0 &&
		    rt_list_dir(AT_FDCWD, sweep.place, sweep_one, &sweep, err) < 0)
			return -1;
	}
	return 0;
}
