#include "run/inner.h"
#include "support/defence.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
is_dir(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The directory of a tool that belongs on PATH: its bin, itself, or where the file lies. */
static void
add_tool(struct rt_buf *path, const char *tool)
{
	rt_auto(free) char *bin = rt_format("%s/bin", tool);
	if (is_dir(bin)) {
		rt_buf_addf(path, "%s:", bin);
	} else if (is_dir(tool)) {
		rt_buf_addf(path, "%s:", tool);
	} else {
		const char *slash = strrchr(tool, '/');
		if (slash && slash != tool)
			rt_buf_addf(path, "%.*s:", (int)(slash - tool), tool);
	}
}

/* A name that is there already gets the new value in its place. */
static void
set(struct rt_strs *env, const char *pair)
{
	size_t name = strcspn(pair, "=") + 1;
	for (size_t i = 0; i < env->n; i++) {
		if (strncmp(env->at[i], pair, name) != 0)
			continue;
		free(env->at[i]);
		env->at[i] = rt_strdup(pair);
		return;
	}
	rt_strs_add(env, pair);
}

void
rt_env_build(const struct rt_cell_spec *spec, const char *home, const char *tmp, struct rt_strs *env)
{
	rt_auto(buf) struct rt_buf path = RT_BUF_INIT;
	for (char **pair = environ; !rt_defended(ENVIRONMENT) && *pair; pair++)
		rt_strs_add(env, *pair);
	for (const char *const *tool = spec->tools; tool && *tool; tool++)
		add_tool(&path, *tool);
	rt_strs_addf(env, "PATH=%s/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin", path.data);
	rt_strs_addf(env, "HOME=%s", home);
	rt_strs_addf(env, "TMPDIR=%s", tmp);
	static const char *const fixed[] = {"LANG=C.UTF-8", "LC_ALL=C.UTF-8", "TZ=UTC",	  "USER=user",
					    "LOGNAME=user", "SHELL=/bin/sh",  "TERM=dumb"};
	for (size_t i = 0; i < RT_COUNT(fixed); i++)
		rt_strs_add(env, fixed[i]);
	/* there, and closed, which git dies of; with namespaces it is not there */
	if (spec->level == RT_LEVEL_OF_LANDLOCK)
		rt_strs_add(env, "GIT_CONFIG_NOSYSTEM=1");
	for (const char *const *pair = spec->env; pair && *pair; pair++)
		set(env, *pair);
}
