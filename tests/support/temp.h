#ifndef RT_TESTS_SUPPORT_TEMP_H
#define RT_TESTS_SUPPORT_TEMP_H

/* A directory for a suite: TestSuite(name, .init = temp_make, .fini = temp_drop). */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/file.h"

static char temp_dir[64];

static inline void
temp_make(void)
{
	snprintf(temp_dir, sizeof(temp_dir), "/tmp/ratchet-test-XXXXXX");
	if (!mkdtemp(temp_dir))
		abort();
	if (chdir(temp_dir))
		abort();
}

static inline void
temp_drop(void)
{
	struct rt_err err = RT_ERR_INIT;

	if (chdir("/") || rt_remove_tree(AT_FDCWD, temp_dir, &err))
		fprintf(stderr, "%s\n", err.text);
}

static inline void
temp_write(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	if (!f || fputs(text, f) < 0 || fclose(f))
		abort();
}

#endif
