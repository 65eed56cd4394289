#include <string.h>

#include "cycle/detect_parts.h"
#include "model/glob.h"

/* ---- pytest ---- */

static const char *const requirement_files[] = {
    "requirements.txt",	     "requirements-dev.txt",  "requirements-test.txt", "requirements-tests.txt",
    "dev-requirements.txt",  "test-requirements.txt", "requirements_dev.txt",  "requirements_test.txt",
    "requirements/base.txt", "requirements/dev.txt",  "requirements/test.txt", "requirements/tests.txt",
};

static int
look_pytest(struct rt_place *place, struct rt_err *err)
{
	static const struct {
		const char *file, *text;
	} settings[] = {{"pyproject.toml", "pytest"}, {"setup.cfg", "[tool:pytest]"},
			{"tox.ini", "pytest"},	      {"setup.py", "pytest"},
			{"Pipfile", "pytest"},	      {"requirements-dev.txt", "pytest"}};
	if (rt_place_has(place, "pytest.ini") || rt_place_has(place, "conftest.py") ||
	    rt_place_has(place, "tests/conftest.py") || rt_place_has(place, "test/conftest.py"))
		return RT_SURE_STRONG;
	for (size_t i = 0; i < RT_COUNT(settings); i++) {
		int holds = rt_place_holds(place, settings[i].file, settings[i].text, err);
		if (holds)
			return holds < 0 ? -1 : RT_SURE_STRONG;
	}
	bool tests = rt_place_has(place, "**/test_*.py") || rt_place_has(place, "**/*_test.py");
	bool project = rt_place_has(place, "setup.py") || rt_place_has(place, "pyproject.toml") ||
		       rt_place_has(place, "requirements.txt");
	return !tests ? RT_SURE_NOT : project ? RT_SURE_STRONG : RT_SURE_WEAK;
}

/*
 * What a pyproject.toml asks for that pip takes as it stands: its dependencies, and the extras and groups for tests.
 * Linters and what else developers use are not needed here, unless nothing says what the tests need.
 */
#define PROJECT_REQUIREMENTS                                                                            \
	".venv/bin/python - >.venv/project.txt <<'END'\n"                                               \
	"import tomllib\n"                                                                              \
	"file = tomllib.load(open('pyproject.toml', 'rb'))\n"                                           \
	"project = file.get('project', {})\n"                                                           \
	"groups = [project.get('optional-dependencies', {}), file.get('dependency-groups', {})]\n"      \
	"def lines(name):\n"                                                                            \
	"    for line in [line for group in groups for line in group.get(name, [])]:\n"                 \
	"        yield from [line] if isinstance(line, str) else lines(line['include-group'])\n"        \
	"names = [n for n in ('test', 'tests', 'testing') if any(n in g for g in groups)] or ['dev']\n" \
	"print(*project.get('dependencies', []), *(l for n in names for l in lines(n)), sep='\\n')\n"   \
	"END\n"

/* Does the project ask for packages by name? */
static bool
project_depends(const char *pyproject)
{
	const char *list = strstr(pyproject, "\ndependencies");
	if (strstr(pyproject, "[project.optional-dependencies]") || strstr(pyproject, "[dependency-groups]"))
		return true;
	list = list ? strchr(list, '[') : NULL;
	return list && strstr(pyproject, "[project]") && list[1 + strspn(list + 1, " \t\r\n")] != ']';
}

struct python_needs {
	struct rt_strs files; /* of requirements */
	bool project;	      /* those of pyproject.toml */
	bool pytest;	      /* pytest itself is not on this machine */
};

static int
find_python_needs(const struct rt_place *place, struct python_needs *needs, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf pyproject = RT_BUF_INIT;
	rt_auto(free) char *pytest = rt_toolbox_find(place->toolbox, "pytest");
	for (size_t i = 0; i < RT_COUNT(requirement_files); i++)
		if (rt_place_has(place, requirement_files[i]))
			rt_strs_add(&needs->files, requirement_files[i]);
	int found = rt_place_read(place, "pyproject.toml", &pyproject, err);
	if (found < 0)
		return -1;
	needs->project = found && project_depends(pyproject.data);
	needs->pytest = !pytest;
	return 0;
}

static void
add_python_deps(struct rt_place *place, const struct python_needs *needs)
{
	static const char *const inputs[] = {"pyproject.toml", NULL};
	rt_auto(buf) struct rt_buf wanted = RT_BUF_INIT;
	for (size_t i = 0; i < needs->files.n; i++)
		rt_buf_addf(&wanted, " -r %s", needs->files.at[i]);
	if (needs->project)
		rt_buf_adds(&wanted, " -r .venv/project.txt");
	struct rt_found_check *deps =
	    rt_place_check(place, "deps",
			   "set -e\npython3 -m venv --system-site-packages .venv\n%s"
			   ".venv/bin/python -m pip install -q --disable-pip-version-check pytest%s",
			   needs->project ? PROJECT_REQUIREMENTS : "", wanted.data);
	deps->prepare = deps->host = true;
	deps->note = rt_strdup("what the system has already is not fetched again");
	rt_check_inputs(place, deps, inputs);
	for (size_t i = 0; i < needs->files.n; i++)
		rt_strs_addf(&deps->inputs, "%s%s", place->dir, needs->files.at[i]);
	if (needs->files.n)
		rt_strs_addf(&deps->inputs, "%s*requirements*.txt", place->dir);
}

/* pytest's own directory, unless it is a shim: a shim is a script that looks for its version manager. */
static void
add_python_tools(struct rt_place *place, bool venv)
{
	const char *program = venv ? "python3" : "pytest";
	rt_auto(free) char *path = rt_toolbox_find(place->toolbox, program);
	if (path && !strstr(path, "/shims/"))
		rt_place_tool(place, program, false);
}

static int
add_pytest(struct rt_place *place, struct rt_err *err)
{
	static const char *const support[] = {"**/tests/**",  "**/test/**",	"**/test_*.py",
					      "**/*_test.py", "**/conftest.py", NULL};
	/* python -m pytest looks for modules in the work tree first */
	static const char *const watch[] = {"pyproject.toml",  "pytest.ini",	   ".pytest.ini", "tox.ini",
					    "setup.cfg",       "setup.py",	   ".coveragerc", "*requirements*.txt",
					    "requirements/**", "pytest.py",	   "pytest/**",	  "_pytest/**",
					    "pluggy/**",       "sitecustomize.py", NULL};
	struct python_needs needs = {0};
	int result = find_python_needs(place, &needs, err);
	bool venv = needs.files.n || needs.project || needs.pytest;
	if (result == 0 && venv)
		add_python_deps(place, &needs);
	rt_strs_release(&needs.files);
	if (result < 0)
		return -1;
	struct rt_found_check *unit =
	    rt_place_check(place, "unit", "%s -m pytest", venv ? ".venv/bin/python" : "python3");
	if (venv)
		rt_check_needs(place, unit, "deps");
	rt_check_report(place, unit, "pytest", NULL);
	if (rt_place_has(place, "src/*/__init__.py") || rt_place_has(place, "src/*.py"))
		rt_strs_add(&unit->env, "PYTHONPATH=src");
	unit->fast = true;
	rt_place_globs(place, &place->found->support, support);
	rt_place_globs(place, &place->found->watch, watch);
	add_python_tools(place, venv);
	return 0;
}

/* ---- prove ---- */

static int
look_prove(struct rt_place *place, struct rt_err *err)
{
	(void)err;
	if (!rt_place_has(place, "t/*.t"))
		return RT_SURE_NOT;
	bool perl = rt_place_has(place, "Makefile.PL") || rt_place_has(place, "Build.PL") ||
		    rt_place_has(place, "cpanfile") || rt_place_has(place, "dist.ini");
	return perl ? RT_SURE_STRONG : RT_SURE_WEAK;
}

static int
add_prove(struct rt_place *place, struct rt_err *err)
{
	static const char *const support[] = {"t/**", "xt/**", NULL};
	/* prove -l and -b put these before the modules of the system */
	static const char *const watch[] = {"Makefile.PL", "Build.PL",	   "cpanfile",	 "dist.ini", ".proverc",
					    "lib/Test/**", "lib/Test2/**", "lib/TAP/**", NULL};
	bool made = rt_place_has(place, "Makefile.PL");
	(void)err;
	/* scripts and compiled modules are where the tests look for them only when they are built */
	if (made)
		rt_place_check(place, "build", "perl Makefile.PL && make")->fast = true;
	struct rt_found_check *unit = rt_place_check(place, "unit", "prove %s -r t", made ? "-b" : "-l");
	if (made)
		rt_check_needs(place, unit, "build");
	rt_check_report(place, unit, "prove", place->dir[0] ? "tap-dump/**" : NULL);
	unit->fast = true;
	rt_place_globs(place, &place->found->support, support);
	rt_place_globs(place, &place->found->watch, watch);
	rt_place_tool(place, "prove", false);
	return 0;
}

/* ---- bats ---- */

static int
look_bats(struct rt_place *place, struct rt_err *err)
{
	(void)err;
	return rt_place_has(place, "**/*.bats") ? RT_SURE_WEAK : RT_SURE_NOT;
}

/* The folder of the first script, from the place on. */
static char *
bats_folder(const struct rt_place *place)
{
	rt_auto(free) char *pattern = rt_format("%s**/*.bats", place->dir);
	for (size_t i = 0; i < place->paths->n; i++) {
		if (!rt_glob_match(pattern, place->paths->at[i]))
			continue;
		const char *path = place->paths->at[i] + strlen(place->dir), *slash = strchr(path, '/');
		return slash ? rt_strndup(path, (size_t)(slash - path)) : rt_strdup(".");
	}
	return rt_strdup(".");
}

static int
add_bats(struct rt_place *place, struct rt_err *err)
{
	static const char *const support[] = {"test/**", "tests/**", "**/*.bats", NULL};
	rt_auto(free) char *folder = bats_folder(place);
	(void)err;
	struct rt_found_check *unit = rt_place_check(place, "unit", "bats -r %s", folder);
	rt_check_report(place, unit, "bats", NULL);
	unit->fast = true;
	rt_place_globs(place, &place->found->support, support);
	rt_place_tool(place, "bats", false);
	return 0;
}

const struct rt_runner rt_runners_scripted[] = {
    {"pytest", NULL, look_pytest, add_pytest},
    {"prove", NULL, look_prove, add_prove},
    {"bats", NULL, look_bats, add_bats},
    {NULL, NULL, NULL, NULL},
};
