#include "cells.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/file.h"

char cells_dir[64];

static RT_VEC(struct rt_cell_outcome *) outcomes;
static RT_VEC(void *) kept;
static enum rt_isolation wanted;
static const char *lowers[2];
static unsigned count;

static const char *
keep_string(char *s)
{
	*rt_push(&kept) = s;
	return s;
}

const char *
cells_path(const char *name)
{
	return keep_string(rt_format("%s/%s", cells_dir, name));
}

const char *
cells_make_dir(const char *name)
{
	struct rt_err err = RT_ERR_INIT;
	cr_assert(rt_mkdirs(AT_FDCWD, cells_path(name), 0755, &err) == 0, "%s", err.text);
	return cells_path(name);
}

const char *
cells_write(const char *name, const char *text)
{
	const char *path = cells_path(name);
	FILE *file = fopen(path, "w");
	cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
	return path;
}

static void
copy_program(const char *from, const char *to)
{
	struct rt_err err = RT_ERR_INIT;
	rt_auto(buf) struct rt_buf bytes = RT_BUF_INIT;
	cr_assert(rt_file_read(AT_FDCWD, from, (size_t)64 << 20, &bytes, &err) == 0, "%s", err.text);
	rt_auto(fd) int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	cr_assert(fd >= 0 && rt_write_all(fd, bytes.data, bytes.len) == 0);
}

void
cells_setup(enum rt_isolation level)
{
	rt_auto(strs) struct rt_strs why = {0};
	wanted = level;
	/* At the lowest, nothing is asked, so that a test can change the machine's answer first. */
	if (level > RT_LEVEL_OF_NONE && rt_isolation_probe(&why) < level)
		cr_skip("this machine: %s", why.n ? why.at[0] : "a lower level");
	snprintf(cells_dir, sizeof(cells_dir), "/tmp/cells-XXXXXX");
	cr_assert_not_null(mkdtemp(cells_dir));
	chmod(cells_dir, 0755);
	lowers[0] = cells_make_dir("layer");
	copy_program(HOSTILE, cells_path("layer/hostile"));
}

void
cells_teardown(void)
{
	struct rt_err err = RT_ERR_INIT;
	for (size_t i = 0; i < outcomes.n; i++)
		rt_cell_outcome_free(outcomes.at[i]);
	free(outcomes.at);
	for (size_t i = 0; i < kept.n; i++)
		free(kept.at[i]);
	free(kept.at);
	if (cells_dir[0] && rt_remove_tree(AT_FDCWD, cells_dir, &err) < 0)
		fprintf(stderr, "%s\n", err.text);
}

struct rt_cell_spec
cells_spec(const char *const *argv)
{
	size_t n = 0;
	while (argv[n])
		n++;
	const char **copy = rt_alloc(n + 1, sizeof(*copy));
	*rt_push(&kept) = copy;
	for (size_t i = 0; i < n; i++)
		copy[i] = keep_string(rt_strdup(argv[i]));
	char name[32];
	snprintf(name, sizeof(name), "out-%u", count++);
	return (struct rt_cell_spec){.name = "test",
				     .argv = copy,
				     .lowers = lowers,
				     .reports = cells_make_dir(name),
				     .level = wanted,
				     .timeout_ms = 20000,
				     .tmp_bytes = (uint64_t)256 << 20,
				     .output_fd = -1};
}

const struct rt_cell_spec *
cells_keep(struct rt_cell_spec spec)
{
	struct rt_cell_spec *copy = rt_alloc(1, sizeof(*copy));
	*copy = spec;
	*rt_push(&kept) = copy;
	return copy;
}

struct rt_cell_outcome *
cells_run(const struct rt_cell_spec *spec)
{
	struct rt_err err = RT_ERR_INIT;
	struct rt_pool *pool = rt_pool_new();
	struct rt_cell_outcome *outcome = NULL;
	cr_assert(rt_pool_start(pool, spec, &err) == 0, "%s", err.text);
	cr_assert(rt_pool_wait(pool, 0, &outcome, &err) == 0, "%s", err.text);
	cr_assert_not_null(outcome);
	cr_assert_eq(rt_pool_running(pool), 0);
	*rt_push(&outcomes) = outcome;
	rt_pool_free(pool);
	return outcome;
}

static bool
has_argument(const char *pid, const char *token)
{
	rt_auto(free) char *path = rt_format("/proc/%s/cmdline", pid);
	rt_auto(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[4096] = "";
	ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	for (ssize_t at = 0; at < len; at += (ssize_t)strlen(text + at) + 1)
		if (strcmp(text + at, token) == 0)
			return true;
	return false;
}

unsigned
cells_alive(const char *token)
{
	DIR *dir = opendir("/proc");
	unsigned alive = 0;
	cr_assert_not_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			alive += has_argument(entry->d_name, token);
	closedir(dir);
	return alive;
}
