#include "run/inner.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/file.h"

void
rt_spaces_close(struct rt_spaces *spaces)
{
	for (size_t i = 0; i < RT_SPACES; i++)
		rt_close(spaces->fds[i]);
	*spaces = (struct rt_spaces)RT_SPACES_INIT;
}

int
rt_spaces_open(struct rt_spaces *spaces, struct rt_err *err)
{
	static const char *const names[RT_SPACES] = {"user", "net", "uts"};
	for (size_t i = 0; i < RT_SPACES; i++) {
		rt_auto(free) char *path = rt_format("/proc/self/ns/%s", names[i]);
		spaces->fds[i] = open(path, O_RDONLY | O_CLOEXEC);
		if (spaces->fds[i] < 0)
			return rt_fail_errno(err, "cannot open %s", path);
	}
	return 0;
}

int
rt_spaces_enter(const struct rt_spaces *spaces)
{
	for (size_t i = 0; i < RT_SPACES; i++)
		if (setns(spaces->fds[i], 0) < 0)
			return -1;
	return 0;
}

/* Each line of /proc/net/dev (proc(5)) is "name: bytes packets ..." with what was received first. */
bool
rt_spaces_quiet(void)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	struct rt_err ignored = RT_ERR_INIT;
	if (rt_file_read(AT_FDCWD, "/proc/net/dev", 4096, &text, &ignored) < 0)
		return false;
	const char *line = strstr(text.data, "lo:");
	return line && strtoull(line + strlen("lo:"), NULL, 10) == 0;
}
