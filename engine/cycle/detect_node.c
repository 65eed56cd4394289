#include <string.h>

#include "cycle/detect_parts.h"
#include "model/id.h"
#include "support/json.h"

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
 * alone: how the preset calls it, where the script says no more than that; command: for a package whose script says
 * nothing of it, NULL: what it runs is known from a script alone; flags: what makes any script that ends with the
 * runner write its report.
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
    {"ava", {NULL}, "npx ava --tap", "--tap", "{tap: stdout}"},
    {"tap", {NULL}, "npx tap -R tap", "-R tap", "{tap: stdout}"},
    {"tape", {NULL}, NULL, "", "{tap: stdout}"},
    {"bats", {NULL}, NULL, "", "bats"},
};

static const struct node_runner *
find_node_runner(const struct rt_json *package)
{
	const char *script = test_script(package);
	for (size_t i = 0; i < RT_COUNT(node_runners); i++)
		if (script && has_word(script, node_runners[i].name))
			return &node_runners[i];
	for (size_t i = 0; i < RT_COUNT(node_runners); i++)
		if (!script && node_runners[i].command && depends_on(package, node_runners[i].name))
			return &node_runners[i];
	return NULL;
}

/* ---- a test script of several commands ---- */

enum { MAX_NESTED = 8 };

/* One of them, or more than one where a known runner is not alone: `npm run lint && npm run mocha`. */
struct step {
	char *name; /* of the check */
	char *command;
};
struct steps {
	RT_VEC(struct step) list;
	const struct node_runner *runner;
	size_t at; /* which of them is the runner's */
};

static void
steps_release(struct steps *steps)
{
	for (size_t i = 0; i < steps->list.n; i++) {
		free(steps->list.at[i].name);
		free(steps->list.at[i].command);
	}
	free(steps->list.at);
}
RT_DEFINE_AUTO(steps, struct steps, steps_release);

/* The script that `npm run NAME` and its like name, where the command says no more than that; NULL: none. */
static char *
named_script(const char *command)
{
	static const char *const ways[] = {"npm run -s ", "npm run ", "npm run-script ", "pnpm run ", "pnpm ",
					   "yarn run ",	  "yarn "};
	for (size_t i = 0; i < RT_COUNT(ways); i++) {
		const char *name = command + strlen(ways[i]);
		if (rt_starts_with(command, ways[i]))
			return name[0] && !strchr(name, ' ') ? rt_strdup(name) : NULL;
	}
	return NULL;
}

static const char *
script_called(const struct rt_json *package, const char *before, const char *name)
{
	rt_auto(free) char *full = rt_format("%s%s", before, name);
	return rt_json_get_string(rt_json_get(package, "scripts"), full);
}

/* The word that says most: the script's name, or the program's. */
static char *
step_name(const char *command)
{
	rt_auto(free) char *script = named_script(command);
	rt_auto(buf) struct rt_buf name = RT_BUF_INIT;
	const char *word = script ? script : command;
	while (!script && (rt_starts_with(word, "npx ") || strcspn(word, "=") < strcspn(word, " "))) {
		word += strcspn(word, " ");
		word += strspn(word, " ");
	}
	for (; *word && *word != ' '; word++) {
		char one[2] = {*word, '\0'};
		if (*word == '/' && !script)
			rt_buf_cut(&name, 0);
		else
			rt_buf_adds(&name, rt_name_valid(one) ? one : "-");
	}
	return name.len ? rt_buf_steal(&name) : rt_strdup("step");
}

static void split_script(const struct rt_json *package, const char *script, int depth, struct steps *steps);

static void
add_step(const struct rt_json *package, const char *command, int depth, struct steps *steps)
{
	rt_auto(free) char *name = named_script(command);
	const char *script = name ? script_called(package, "", name) : NULL;
	struct steps inner = {0};
	if (script && depth < MAX_NESTED)
		split_script(package, script, depth + 1, &inner);
	bool open = inner.runner && !steps->runner;
	steps_release(&inner);
	if (open) {
		static const char *const around[] = {"pre", "", "post"};
		for (size_t i = 0; i < RT_COUNT(around); i++)
			if (script_called(package, around[i], name))
				split_script(package, script_called(package, around[i], name), depth + 1, steps);
		return;
	}
	for (size_t i = 0; !script && !steps->runner && i < RT_COUNT(node_runners); i++)
		if (has_word(command, node_runners[i].name)) {
			steps->runner = &node_runners[i];
			steps->at = steps->list.n;
		}
	struct step *step = rt_push(&steps->list);
	step->name = step_name(command);
	step->command = rt_strdup(command);
}

/* At each `&&`. A script of more shell than that is one step, and no runner is looked for in it. */
static void
split_script(const struct rt_json *package, const char *script, int depth, struct steps *steps)
{
	rt_auto(free) char *text = rt_strdup(script);
	for (char *from = text, *and = from; and; from = and+2) {
		and = strstr(from, "&&");
		size_t len = and? (size_t)(and-from) : strlen(from);
		while (len && *from == ' ')
			from++, len--;
		while (len && from[len - 1] == ' ')
			len--;
		rt_auto(free) char *command = rt_strndup(from, len);
		if (len)
			add_step(package, command, depth, steps);
	}
}

#define MORE_SHELL ";|\"'`$()<>"

/* What npm runs before and after the tests: whole, where it is more than commands in a row. */
static void
split_around(const struct rt_json *package, const char *around, struct steps *steps)
{
	const char *script = script_called(package, around, "test");
	if (!script)
		return;
	if (!strpbrk(script, MORE_SHELL)) {
		split_script(package, script, 0, steps);
		return;
	}
	struct step *step = rt_push(&steps->list);
	step->name = step_name(script);
	step->command = rt_strdup(script);
}

/* Is the runner one command of several, or behind `npm run`, so that arguments after `npm test --` don't reach it?
 * What npm runs before and after the script are others: what they find is not the tests' doing. */
static bool
find_steps(const struct rt_json *package, struct steps *steps)
{
	const char *script = test_script(package);
	bool around = script_called(package, "pre", "test") || script_called(package, "post", "test");
	if (!script || strpbrk(script, MORE_SHELL))
		return false;
	split_around(package, "pre", steps);
	split_script(package, script, 0, steps);
	split_around(package, "post", steps);
	if (!steps->runner || strpbrk(steps->list.at[steps->at].command, ";|`$()<>"))
		return false;
	rt_auto(free) char *behind = named_script(last_command(script));
	return around || behind || !has_word(last_command(script), steps->runner->name);
}

static bool
is_lint(const char *name)
{
	static const char *const linters[] = {"xo", "standard", "prettier", "tsd", "biome", "format", "format-check"};
	for (size_t i = 0; i < RT_COUNT(linters); i++)
		if (strcmp(name, linters[i]) == 0)
			return true;
	return strstr(name, "lint") != NULL;
}

static bool
is_taken(const struct rt_place *place, const char *base)
{
	rt_auto(free) char *name = rt_format("%s%s", place->name, base);
	for (size_t i = 0; i < place->found->checks.n; i++)
		if (strcmp(place->found->checks.at[i].name, name) == 0)
			return true;
	return strcmp(base, "unit") == 0;
}

#define WITH_BINARIES "PATH=\"$PWD/node_modules/.bin:$PATH\"; "

/* Each command but the runner's is a check by its exit code; those before it, lints left out, lie below the runner's.
 */
static struct rt_found_check *
add_steps(struct rt_place *place, const struct steps *steps, const char *flags, const char *needs)
{
	rt_auto(strs) struct rt_strs below = {0};
	for (size_t i = 0; i < steps->list.n; i++) {
		struct step *step = &steps->list.at[i];
		if (i == steps->at)
			continue;
		while (is_taken(place, step->name)) {
			char *other = rt_format("%s-2", step->name);
			free(step->name);
			step->name = other;
		}
		rt_auto(free) char *script = named_script(step->command);
		struct rt_found_check *check =
		    rt_place_check(place, step->name, "%s%s", script ? "" : WITH_BINARIES, step->command);
		if (needs)
			rt_check_needs(place, check, needs);
		for (size_t k = 0; k < below.n; k++)
			rt_check_needs(place, check, below.at[k]);
		check->fast = true;
		if (i < steps->at && !is_lint(step->name))
			rt_strs_add(&below, step->name);
	}
	struct rt_found_check *unit =
	    rt_place_check(place, "unit", WITH_BINARIES "%s %s", steps->list.at[steps->at].command, flags);
	for (size_t k = 0; k < below.n; k++)
		rt_check_needs(place, unit, below.at[k]);
	return unit;
}

/* ---- the checks ---- */

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

/* A prefix of its own would also move the configuration that holds for the whole machine: its registry, its authority.
 */
#define REPORTER_INSTALL                                                                           \
	" &&\nnpm install --ignore-scripts --no-audit --no-fund --no-save --globalconfig \"$(npm " \
	"config get globalconfig)\" --prefix .ratchet-npm jest-junit@16.0.0"

static void
add_npm_deps(struct rt_place *place, const struct rt_json *package, bool reporter)
{
	const char *const inputs[] = {"package.json", lock_file(place), ".npmrc", NULL};
	static const char *const inner[] = {"*/**/package.json", "pnpm-workspace.yaml", ".yarnrc.yml", NULL};
	struct rt_found_check *deps =
	    rt_place_check(place, "deps", "%s%s", install_command(place), reporter ? REPORTER_INSTALL : "");
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
	rt_auto(steps) struct steps steps = {0};
	bool several = find_steps(package, &steps);
	if (several)
		runner = steps.runner;
	for (size_t i = 0; last && runner->alone[i]; i++)
		alone = alone || strcmp(script, runner->alone[i]) == 0;
	if (!several && alone && !runner->command) /* its output goes elsewhere: `tape test.js | tap-spec` */
		runner = NULL;
	if (several)
		unit = add_steps(place, &steps, strcmp(runner->name, "jest") == 0 ? jest : runner->flags, needs);
	else if (runner && strcmp(runner->name, "jest") == 0)
		unit = rt_place_check(place, "unit", "%s %s", alone ? runner->command : "npm test --", jest);
	else if (runner && alone)
		unit = rt_place_check(place, "unit", "%s", runner->command);
	else if (runner)
		unit = rt_place_check(place, "unit", "npm test%s%s%s", runner->flags[0] ? " --" : "",
				      runner->flags[0] ? " " : "", runner->flags);
	else if (runs_node_test(package) && rt_starts_with(script, "node ") && last_command(script) == script &&
		 !script_called(package, "pre", "test") && !script_called(package, "post", "test"))
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
	/* folders and names that node --test, jest, vitest, mocha and ava look for */
	static const char *const support[] = {"**/test/**",	     "**/tests/**", "**/spec/**",  "**/__tests__/**",
					      "**/__snapshots__/**", "**/*.test.*", "**/*.spec.*", "**/*-test.*",
					      "**/*_test.*",	     "**/test-*.*", "**/test.*",   NULL};
	static const char *const watch[] = {"package.json",
					    "package-lock.json",
					    "npm-shrinkwrap.json",
					    "pnpm-lock.yaml",
					    "yarn.lock",
					    ".npmrc",
					    "node_modules/**",
					    "jest.config.*",
					    "vitest.config.*",
					    "vitest.workspace.*",
					    "vite.config.*",
					    ".mocharc.*",
					    "ava.config.*",
					    ".taprc",
					    "babel.config.*",
					    ".babelrc*",
					    "tsconfig*.json",
					    "eslint.config.*",
					    NULL};
	rt_auto(json) struct rt_json *package = NULL;
	if (read_package(place, &package, err) < 0)
		return -1;
	rt_auto(steps) struct steps steps = {0};
	const struct node_runner *runner = find_steps(package, &steps) ? steps.runner : find_node_runner(package);
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

const struct rt_runner rt_runners_node[] = {
    {"npm", NULL, look_npm, add_npm},
    {NULL, NULL, NULL, NULL},
};
