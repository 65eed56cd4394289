#include <string.h>

#include "cycle/detect_parts.h"
#include "model/glob.h"
#include "support/json.h"

/* ---- npm ---- */

/* package.json, or *out NULL where there is none that can be read. */
static int
read_package(const struct rt_place *place, struct rt_json **out, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	struct rt_err ignored = RT_ERR_INIT;
	int found = rt_place_read(place, "package.json", &text, err);
	*out = NULL;
	if (found < 0)
		return -1;
	if (found && rt_json_parse(out, text.data, text.len, "package.json", &ignored) < 0)
		*out = NULL;
	return 0;
}

/* The test script; NULL where there is none, or the one that `npm init` writes. */
static const char *
test_script(const struct rt_json *package)
{
	const char *script = rt_json_get_string(rt_json_get(package, "scripts"), "test");
	return script && !strstr(script, "no test specified") ? script : NULL;
}

static bool
depends_on(const struct rt_json *package, const char *name)
{
	static const char *const lists[] = {"dependencies", "devDependencies"};
	for (size_t i = 0; i < RT_COUNT(lists); i++)
		if (rt_json_get(rt_json_get(package, lists[i]), name))
			return true;
	return false;
}

static bool
has_dependencies(const struct rt_json *package)
{
	static const char *const lists[] = {"dependencies", "devDependencies", "optionalDependencies", "workspaces"};
	for (size_t i = 0; i < RT_COUNT(lists); i++)
		if (rt_json_count(rt_json_get(package, lists[i])))
			return true;
	return false;
}

/* Does the text have the word, with nothing beside it that names are made of? */
static bool
has_word(const char *text, const char *word)
{
	size_t len = strlen(word);
	for (const char *at = text; (at = strstr(at, word)); at++) {
		bool starts = at == text || strchr(" \t/\"'", at[-1]);
		bool ends = !at[len] || strchr(" \t\"'", at[len]);
		if (starts && ends)
			return true;
	}
	return false;
}

/* Arguments after `npm test --` go to the last command of the script. */
static const char *
last_command(const char *script)
{
	const char *last = script;
	for (const char *c = script; *c; c++)
		if (*c == ';' || *c == '|' || (*c == '&' && c[1] == '&'))
			last = c + 1 + (c[1] == *c);
	return last + strspn(last, " ");
}

/*
 * alone: how the preset calls it, where the script says no more than that; flags: what makes any script that ends with
 * the runner write its report.
 */
static const struct node_runner {
	const char *name, *alone[3], *command, *flags, *report;
} node_runners[] = {
    {"vitest",
     {"vitest", "vitest run"},
     "npx vitest run --reporter=default --reporter=junit --outputFile.junit={{report}}",
     "--run --reporter=default --reporter=junit --outputFile.junit={{report}}",
     "vitest"},
    {"jest", {"jest"}, "npx jest", "", "jest"},
    /* by flags: releases before 10.7 read no options from a variable */
    {"mocha",
     {"mocha"},
     "npx mocha --reporter xunit --reporter-option output={{report}}",
     "--reporter xunit --reporter-option output={{report}}",
     "junit"},
};

static const struct node_runner *
find_node_runner(const struct rt_json *package)
{
	const char *script = test_script(package);
	for (size_t i = 0; i < RT_COUNT(node_runners); i++)
		if (script && has_word(script, node_runners[i].name))
			return &node_runners[i];
	for (size_t i = 0; i < RT_COUNT(node_runners); i++)
		if (!script && depends_on(package, node_runners[i].name))
			return &node_runners[i];
	return NULL;
}

static bool
runs_node_test(const struct rt_json *package)
{
	const char *script = test_script(package);
	return script && has_word(script, "node") && has_word(script, "--test");
}

static int
look_npm(struct rt_place *place, struct rt_err *err)
{
	rt_auto(json) struct rt_json *package = NULL;
	if (read_package(place, &package, err) < 0)
		return -1;
	return package && (test_script(package) || find_node_runner(package)) ? RT_SURE_STRONG : RT_SURE_NOT;
}

/* Without scripts: what a package runs while it is installed is not the project's own. */
static const char *
install_command(const struct rt_place *place)
{
	if (rt_place_has(place, "pnpm-lock.yaml"))
		return "pnpm install --frozen-lockfile --ignore-scripts";
	if (rt_place_has(place, "yarn.lock") && rt_place_has(place, ".yarnrc.yml"))
		return "yarn install --immutable --mode=skip-build";
	if (rt_place_has(place, "yarn.lock"))
		return "yarn install --frozen-lockfile --ignore-scripts --non-interactive";
	if (rt_place_has(place, "package-lock.json") || rt_place_has(place, "npm-shrinkwrap.json"))
		return "npm ci --ignore-scripts --no-audit --no-fund";
	return "npm install --ignore-scripts --no-audit --no-fund";
}

static const char *
lock_file(const struct rt_place *place)
{
	static const char *const names[] = {"pnpm-lock.yaml", "yarn.lock", "npm-shrinkwrap.json"};
	for (size_t i = 0; i < RT_COUNT(names); i++)
		if (rt_place_has(place, names[i]))
			return names[i];
	return "package-lock.json";
}

static void
add_npm_deps(struct rt_place *place, const struct rt_json *package, bool reporter)
{
	const char *const inputs[] = {"package.json", lock_file(place), ".npmrc", NULL};
	static const char *const inner[] = {"*/**/package.json", "pnpm-workspace.yaml", ".yarnrc.yml", NULL};
	struct rt_found_check *deps =
	    rt_place_check(place, "deps", "%s%s", install_command(place),
			   reporter ? " &&\nnpm install --ignore-scripts --no-audit --no-fund --no-save --prefix "
				      ".ratchet-npm jest-junit@16.0.0"
				    : "");
	deps->prepare = deps->host = true;
	if (reporter)
		deps->note = rt_strdup("jest-junit writes the report; with it among the devDependencies the second "
				       "command, and its folder in the check that runs jest, can go");
	rt_check_inputs(place, deps, inputs);
	if (rt_json_get(package, "workspaces") || rt_place_has(place, "pnpm-workspace.yaml"))
		rt_check_inputs(place, deps, inner);
}

static void
set_exit_only(struct rt_found_check *unit)
{
	unit->note = rt_strdup("judged as one case by its exit code; where the tests can write JUnit or TAP, "
			       "let them write it to {{report}} and add `report: junit` or `report: tap`");
	/* several runners wait for a key otherwise */
	rt_strs_add(&unit->env, "CI=true");
}

static void
add_node_unit(struct rt_place *place, const struct rt_json *package, bool own_reporter, const char *needs)
{
	const char *script = test_script(package);
	const struct node_runner *runner = find_node_runner(package);
	bool last = runner && script && has_word(last_command(script), runner->name);
	bool alone = runner && !last;
	rt_auto(free) char *jest = rt_format("--ci --reporters=default --reporters=%s",
					     own_reporter ? "jest-junit" : "./.ratchet-npm/node_modules/jest-junit");
	struct rt_found_check *unit;
	for (size_t i = 0; last && runner->alone[i]; i++)
		alone = alone || strcmp(script, runner->alone[i]) == 0;
	if (runner && strcmp(runner->name, "jest") == 0)
		unit = rt_place_check(place, "unit", "%s %s", alone ? runner->command : "npm test --", jest);
	else if (runner && alone)
		unit = rt_place_check(place, "unit", "%s", runner->command);
	else if (runner)
		unit = rt_place_check(place, "unit", "npm test -- %s", runner->flags);
	else if (runs_node_test(package) && rt_starts_with(script, "node ") && last_command(script) == script)
		unit = rt_place_check(place, "unit", "%s", script);
	else
		unit = rt_place_check(place, "unit", "npm test");
	if (needs)
		rt_check_needs(place, unit, needs);
	if (runner || runs_node_test(package))
		rt_check_report(place, unit, runner ? runner->report : "node", NULL);
	else
		set_exit_only(unit);
	unit->fast = true;
}

static int
add_npm(struct rt_place *place, struct rt_err *err)
{
	static const char *const support[] = {
	    "test/**", "tests/**", "spec/**", "**/__tests__/**", "**/*.test.*", "**/*.spec.*", "**/__snapshots__/**",
	    NULL};
	static const char *const watch[] = {"package.json",	   "package-lock.json",
					    "npm-shrinkwrap.json", "pnpm-lock.yaml",
					    "yarn.lock",	   ".npmrc",
					    "jest.config.*",	   "vitest.config.*",
					    "vite.config.*",	   ".mocharc.*",
					    "babel.config.*",	   "tsconfig*.json",
					    "eslint.config.*",	   NULL};
	rt_auto(json) struct rt_json *package = NULL;
	if (read_package(place, &package, err) < 0)
		return -1;
	const struct node_runner *runner = find_node_runner(package);
	bool own_reporter = depends_on(package, "jest-junit");
	bool reporter = runner && strcmp(runner->name, "jest") == 0 && !own_reporter;
	bool depends = has_dependencies(package) || reporter;
	if (depends)
		add_npm_deps(place, package, reporter);
	add_node_unit(place, package, own_reporter, depends ? "deps" : NULL);
	rt_place_globs(place, &place->found->support, support);
	rt_place_globs(place, &place->found->watch, watch);
	rt_place_tool(place, "node", false);
	rt_place_tool(place, "npm", false);
	if (rt_place_has(place, "pnpm-lock.yaml"))
		rt_place_tool(place, "pnpm", false);
	if (rt_place_has(place, "yarn.lock"))
		rt_place_tool(place, "yarn", false);
	return 0;
}

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

/* What a pyproject.toml asks for that pip takes as it stands: its dependencies, and the extras and groups for tests. */
#define PROJECT_REQUIREMENTS                                                                           \
	".venv/bin/python - >.venv/project.txt <<'END'\n"                                              \
	"import tomllib\n"                                                                             \
	"file = tomllib.load(open('pyproject.toml', 'rb'))\n"                                          \
	"project = file.get('project', {})\n"                                                          \
	"wanted = list(project.get('dependencies', []))\n"                                             \
	"for groups in project.get('optional-dependencies', {}), file.get('dependency-groups', {}):\n" \
	"    for name in 'test', 'tests', 'testing', 'dev':\n"                                         \
	"        wanted += [line for line in groups.get(name, []) if isinstance(line, str)]\n"         \
	"print('\\n'.join(wanted))\n"                                                                  \
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
	static const char *const support[] = {"tests/**",     "test/**",	"**/test_*.py",
					      "**/*_test.py", "**/conftest.py", NULL};
	static const char *const watch[] = {"pyproject.toml",	  "pytest.ini",	     "tox.ini",
					    "setup.cfg",	  "setup.py",	     ".coveragerc",
					    "*requirements*.txt", "requirements/**", NULL};
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
	static const char *const watch[] = {"Makefile.PL", "Build.PL", "cpanfile", "dist.ini", ".proverc", NULL};
	(void)err;
	struct rt_found_check *unit = rt_place_check(place, "unit", "prove -l -r t");
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
    {"npm", NULL, look_npm, add_npm},
    {"pytest", NULL, look_pytest, add_pytest},
    {"prove", NULL, look_prove, add_prove},
    {"bats", NULL, look_bats, add_bats},
    {NULL, NULL, NULL, NULL},
};
