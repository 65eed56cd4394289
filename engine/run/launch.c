#include "run/inner.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "support/file.h"

#define DEFAULT_PIDS 4096

static uint64_t
half_of_memory(void)
{
	static uint64_t half;
	struct sysinfo info;
	if (!half)
		half = sysinfo(&info) < 0 ? (uint64_t)1 << 30 : (uint64_t)info.totalram * info.mem_unit / 2;
	return half;
}

static int
make_dir(const char *path, struct rt_err *err)
{
	if (mkdir(path, 0755) < 0)
		return rt_fail_errno(err, "cannot make the directory %s", path);
	return 0;
}

/* Beside the reports, so that whoever sweeps those after a crash sweeps this too. */
static int
make_scratch(struct rt_launch *launch, struct rt_err *err)
{
	const char *reports = launch->spec->reports, *temporary = getenv("TMPDIR");
	const char *slash = reports ? strrchr(reports, '/') : NULL;
	if (slash)
		launch->scratch = rt_format("%.*s/cell-XXXXXX", (int)(slash - reports), reports);
	else
		launch->scratch = rt_format("%s/cell-XXXXXX", temporary && *temporary == '/' ? temporary : "/tmp");
	if (!mkdtemp(launch->scratch)) {
		rt_fail_errno(err, "cannot make a scratch directory %s", launch->scratch);
		free(rt_steal(&launch->scratch));
		return -1;
	}
	return 0;
}

/* What a candidate writes on the host may carry a setuid bit; nobody else may come near it. */
static int
guard_dir(const char *path, struct rt_err *err)
{
	if (path && chmod(path, 0700) < 0)
		return rt_fail_errno(err, "cannot close %s to others", path);
	return 0;
}

static int
make_host_places(struct rt_launch *launch, struct rt_err *err)
{
	const char *upper = launch->spec->upper;
	bool namespaces = launch->spec->level == RT_LEVEL_OF_NAMESPACES;
	if ((!upper || !namespaces) && make_scratch(launch, err) < 0)
		return -1;
	launch->tree = rt_format("%s/tree", upper ? upper : launch->scratch);
	if (make_dir(launch->tree, err) < 0)
		return -1;
	if (launch->workspace == RT_WORKSPACE_DISK) {
		launch->work = rt_format("%s/work", upper ? upper : launch->scratch);
		if (make_dir(launch->work, err) < 0)
			return -1;
	}
	if (namespaces)
		return 0;
	launch->home = rt_format("%s/home", launch->scratch);
	launch->tmp = rt_format("%s/tmp", launch->scratch);
	return make_dir(launch->home, err) < 0 ? -1 : make_dir(launch->tmp, err);
}

static int
check_spec(const struct rt_cell_spec *spec, struct rt_err *err)
{
	if (!spec->argv || !spec->argv[0])
		return rt_fail(err, RT_ECONFIG, "%s: nothing to run", spec->name);
	if (!spec->lowers || !spec->lowers[0])
		return rt_fail(err, RT_EINTERNAL, "%s: a cell needs a layer", spec->name);
	const char *const *const lists[] = {spec->lowers, spec->tools, spec->caches};
	for (size_t i = 0; i < RT_COUNT(lists); i++)
		for (const char *const *path = lists[i]; path && *path; path++)
			if (**path != '/')
				return rt_fail(err, RT_EINTERNAL, "%s: %s is not an absolute path", spec->name, *path);
	return 0;
}

int
rt_launch_prepare(struct rt_launch *launch, const struct rt_cell_spec *spec, enum rt_workspace how, struct rt_err *err)
{
	bool namespaces = spec->level == RT_LEVEL_OF_NAMESPACES;
	size_t n;
	launch->spec = spec;
	/* Found here and once, not in every child. */
	(void)rt_shown_system(&n);
	(void)rt_shown_proc_covers();
	launch->landlock = rt_landlock_abi();
	launch->workspace = !namespaces					? RT_WORKSPACE_COPY
			    : how == RT_WORKSPACE_MEMORY && spec->upper ? RT_WORKSPACE_DISK
									: how;
	launch->tmp_bytes = spec->tmp_bytes ? spec->tmp_bytes : half_of_memory();
	launch->max_pids = spec->max_pids ? spec->max_pids : DEFAULT_PIDS;
	if (check_spec(spec, err) < 0)
		return -1;
	if (guard_dir(spec->reports, err) < 0 || guard_dir(spec->upper, err) < 0)
		return -1;
	if (spec->level == RT_LEVEL_OF_LANDLOCK && launch->landlock < 2)
		return rt_fail(err, RT_EUNKNOWN, "this kernel has no Landlock (ABI 2 or later)");
	if (launch->workspace != RT_WORKSPACE_MEMORY && make_host_places(launch, err) < 0)
		return -1;
	for (const char *const *word = spec->argv; *word; word++)
		rt_strs_add(&launch->argv, *word);
	rt_env_build(spec, namespaces ? "/home/user" : launch->home, namespaces ? "/tmp" : launch->tmp, &launch->env);
	if (spec->level == RT_LEVEL_OF_NONE)
		return 0;
	launch->filter = rt_seccomp_filter(spec->level, spec->nested, spec->network, err);
	return launch->filter ? 0 : -1;
}

void
rt_launch_release(struct rt_launch *launch)
{
	struct rt_err ignored = RT_ERR_INIT;
	if (launch->scratch && rt_remove_tree(AT_FDCWD, launch->scratch, &ignored) < 0)
		rt_err_while(&ignored, "removing a cell's scratch directory");
	free(launch->scratch);
	free(launch->tree);
	free(launch->work);
	free(launch->home);
	free(launch->tmp);
	rt_strs_release(&launch->argv);
	rt_strs_release(&launch->env);
	rt_close(launch->sock);
	rt_close(launch->out);
	if (launch->errs != launch->out)
		rt_close(launch->errs);
	*launch = (struct rt_launch)RT_LAUNCH_INIT;
}
