#include "support/tempname.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/digest.h"
#include "support/file.h"

enum { RANDOM_DIGITS = 16, STAT_MAX = 65536, START_FIELD = 22 };

uint64_t
rt_process_start(pid_t pid)
{
	rt_auto(free) char *path = rt_format("/proc/%ld/stat", (long)pid);
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	const char *at;

	if (!rt_exists(AT_FDCWD, path) || rt_file_read(AT_FDCWD, path, STAT_MAX, &text, NULL) < 0)
		return 0;
	/* The name in parentheses may hold anything; fields are counted from the last one, which ends field 2. */
	at = strrchr(text.data, ')');
	for (int field = 2; at && field < START_FIELD; field++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at + 1, NULL, 10) : 0;
}

uint64_t
rt_process_space(void)
{
	struct stat pid, time;
	/* no time namespaces before Linux 5.6 */
	uint64_t second = stat("/proc/self/ns/time", &time) == 0 ? (uint64_t)time.st_ino : 0;

	return stat("/proc/self/ns/pid", &pid) == 0 ? (uint64_t)pid.st_ino * 31 + second : 0;
}

bool
rt_process_is_gone(pid_t pid, uint64_t start, uint64_t space)
{
	return space != 0 && space == rt_process_space() && rt_process_start(pid) != start;
}

void
rt_temp_name(char name[RT_TEMP_NAME], const char *prefix)
{
	static uint64_t start, space;
	static pid_t of;
	char random[RANDOM_DIGITS + 1];

	if (of != getpid()) {
		of = getpid();
		start = rt_process_start(of);
		space = rt_process_space();
	}
	rt_random_hex(random, RANDOM_DIGITS);
	snprintf(name, RT_TEMP_NAME, "%.32s%ld-%" PRIu64 "-%" PRIx64 "-%s", prefix, (long)of, start, space, random);
}

bool
rt_temp_is_stale(const char *name, const char *prefix)
{
	char random[RANDOM_DIGITS + 1];
	uint64_t start, space;
	int len = 0, pid;

	if (!rt_starts_with(name, prefix))
		return false;
	name += strlen(prefix);
	if (sscanf(name, "%d-%" SCNu64 "-%" SCNx64 "-%16[0-9a-f]%n", &pid, &start, &space, random, &len) != 4 ||
	    name[len] || strlen(random) != RANDOM_DIGITS)
		return false;
	return rt_process_is_gone(pid, start, space);
}

struct sweep {
	const char *dir, *prefix;
	size_t *removed;
};

static int
sweep_one(void *data, const char *name, struct rt_err *err)
{
	const struct sweep *sweep = data;
	rt_auto(free) char *path = rt_format("%s/%s", sweep->dir, name);

	(void)err;
	if (rt_temp_is_stale(name, sweep->prefix) && unlink(path) == 0)
		++*sweep->removed;
	return 0;
}

int
rt_temp_sweep(const char *dir, const char *prefix, size_t *removed, struct rt_err *err)
{
	struct sweep sweep = {dir, prefix, removed};

	return rt_list_dir(AT_FDCWD, dir, sweep_one, &sweep, err);
}
