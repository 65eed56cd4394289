#include "cycle/detect.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cycle/detect_parts.h"
#include "model/glob.h"
#include "model/id.h"
#include "support/file.h"

enum { MAX_PATHS = 200000, MAX_DEPTH = 32, MAX_TEXT = 4 << 20 };

/* ---- the tree ---- */

struct walk {
	struct rt_repo *repo;
	const struct rt_oid *tree;
	struct rt_strs *paths;
	const char *dir; /* "" or "a/b/" */
	int depth;
};

static int
note_entry(void *data, const char *name, const struct rt_entry *entry, struct rt_err *err)
{
	struct walk *walk = data;
	rt_auto(free) char *path = rt_format("%s%s", walk->dir, name);
	if (walk->paths->n >= MAX_PATHS)
		return 1;
	if ((entry->mode & 0170000) == 0100000)
		rt_strs_add(walk->paths, path);
	/* what others wrote and the repository only carries says nothing about the project's own tests */
	if (entry->mode != 0040000 || walk->depth >= MAX_DEPTH || strcmp(name, "node_modules") == 0 ||
	    strcmp(name, "third_party") == 0)
		return 0;
	rt_auto(free) char *below = rt_format("%s/", path);
	struct walk deeper = *walk;
	deeper.dir = below;
	deeper.depth++;
	return rt_tree_list(walk->repo, walk->tree, path, note_entry, &deeper, err);
}

/* ---- places ---- */

bool
rt_place_has(const struct rt_place *place, const char *pattern)
{
	rt_auto(free) char *full = rt_format("%s%s", place->dir, pattern);
	for (size_t i = 0; i < place->paths->n; i++)
		if (rt_glob_match(full, place->paths->at[i]))
			return true;
	return false;
}

int
rt_place_read(const struct rt_place *place, const char *path, struct rt_buf *out, struct rt_err *err)
{
	rt_auto(free) char *full = rt_format("%s%s", place->dir, path);
	return rt_tree_blob(place->repo, place->tree, full, MAX_TEXT, out, err);
}

int
rt_place_holds(const struct rt_place *place, const char *path, const char *text, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf file = RT_BUF_INIT;
	int found = rt_place_read(place, path, &file, err);
	return found == 1 ? strstr(file.data, text) != NULL : found;
}

static void
add_once(struct rt_strs *to, const char *text)
{
	if (!rt_strs_has(to, text))
		rt_strs_add(to, text);
}

void
rt_place_globs(const struct rt_place *place, struct rt_strs *to, const char *const *patterns)
{
	for (; *patterns; patterns++) {
		rt_auto(free) char *full = rt_format("%s%s", place->dir, *patterns);
		add_once(to, full);
	}
}

struct rt_found_check *
rt_place_check(struct rt_place *place, const char *base, const char *fmt, ...)
{
	struct rt_found_check *check = rt_push(&place->found->checks);
	rt_auto(free) char *command = NULL;
	va_list args;
	va_start(args, fmt);
	if (vasprintf(&command, fmt, args) < 0)
		rt_bug("can't format \"%s\"", fmt);
	va_end(args);
	check->name = rt_format("%s%s", place->name, base);
	if (!place->dir[0])
		check->run = rt_steal(&command);
	else
		check->run = rt_format("cd %.*s &&%s%s", (int)strlen(place->dir) - 1, place->dir,
				       strchr(command, '\n') ? "\n" : " ", command);
	return check;
}

void
rt_check_needs(const struct rt_place *place, struct rt_found_check *check, const char *base)
{
	rt_strs_addf(&check->needs, "%s%s", place->name, base);
}

void
rt_check_inputs(const struct rt_place *place, struct rt_found_check *check, const char *const *patterns)
{
	for (; *patterns; patterns++)
		rt_strs_addf(&check->inputs, "%s%s", place->dir, *patterns);
}

void
rt_check_report(const struct rt_place *place, struct rt_found_check *check, const char *format, const char *path)
{
	free(check->report);
	check->report = path ? rt_format("{%s: \"%s%s\"}", format, place->dir, path) : rt_strdup(format);
}

/* ---- tools ---- */

/* What every cell has on its PATH. */
static bool
is_system_dir(const char *dir)
{
	static const char *const dirs[] = {"/usr/local/bin",  "/usr/bin",  "/bin",
					   "/usr/local/sbin", "/usr/sbin", "/sbin"};
	for (size_t i = 0; i < RT_COUNT(dirs); i++)
		if (strcmp(dirs[i], dir) == 0)
			return true;
	return false;
}

char *
rt_toolbox_find(const struct rt_toolbox *toolbox, const char *program)
{
	for (const char *dir = toolbox->path; dir && *dir;) {
		size_t len = strcspn(dir, ":");
		rt_auto(free) char *path = rt_format("%.*s/%s", (int)len, dir, program);
		struct stat st;
		if (dir[0] == '/' && stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0)
			return rt_steal(&path);
		dir += len + (dir[len] == ':');
	}
	return NULL;
}

/* A path below the home directory begins with ~/ in ratchet.yml, so that it holds for other operators too. */
static void
add_folder(struct rt_place *place, struct rt_strs *to, const char *dir)
{
	const char *home = place->toolbox->home;
	size_t len = home ? strlen(home) : 0;
	bool below = len && strncmp(dir, home, len) == 0 && dir[len] == '/';
	rt_auto(free) char *text = below ? rt_format("~%s", dir + len) : rt_strdup(dir);
	add_once(to, text);
}

/* A folder whose other content is no tool's: all of the home directory, or what programs keep there. */
static bool
is_too_wide(const struct rt_toolbox *toolbox, const char *prefix)
{
	size_t len = toolbox->home ? strlen(toolbox->home) : 0;
	if (strlen(prefix) < 2 || strcmp(prefix, "/opt") == 0)
		return true;
	return len && strncmp(prefix, toolbox->home, len) == 0 &&
	       (!prefix[len] || strcmp(prefix + len, "/.local") == 0);
}

void
rt_place_tool(struct rt_place *place, const char *program, bool bin_only)
{
	rt_auto(free) char *path = rt_toolbox_find(place->toolbox, program);
	if (!path)
		return;
	*strrchr(path, '/') = '\0';
	if (is_system_dir(path))
		return;
	rt_auto(free) char *prefix = rt_strdup(path);
	if (!bin_only && rt_ends_with(prefix, "/bin"))
		*strrchr(prefix, '/') = '\0';
	add_folder(place, &place->found->tools, is_too_wide(place->toolbox, prefix) ? path : prefix);
}

bool
rt_place_home(struct rt_place *place, struct rt_strs *to, const char *below)
{
	if (!place->toolbox->home)
		return false;
	rt_auto(free) char *full = rt_format("%s/%s", place->toolbox->home, below);
	if (!rt_exists(AT_FDCWD, full))
		return false;
	add_folder(place, to, full);
	return true;
}

/* ---- runners at places ---- */

struct match {
	const struct rt_runner *runner;
	enum rt_sure sure;
	char *dir;
};
struct matches {
	RT_VEC(struct match) list;
};

static int
look_for(const struct rt_runner *runners, struct rt_place *place, struct matches *matches, struct rt_err *err)
{
	for (const struct rt_runner *runner = runners; runner->name; runner++) {
		int sure = runner->look(place, err);
		if (sure < 0)
			return rt_err_while(err, "looking for %s", runner->name);
		if (sure == RT_SURE_NOT)
			continue;
		struct match *match = rt_push(&matches->list);
		*match = (struct match){runner, (enum rt_sure)sure, rt_strdup(place->dir)};
	}
	return 0;
}

/* Is it put aside by what is recognised more surely, or first of its family, in the same place? */
static bool
is_outdone(const struct matches *matches, size_t i)
{
	const struct match *own = &matches->list.at[i];
	for (size_t k = 0; k < matches->list.n; k++) {
		const struct match *other = &matches->list.at[k];
		if (k == i || strcmp(other->dir, own->dir) != 0)
			continue;
		if (other->sure > own->sure)
			return true;
		if (k < i && own->runner->family && other->runner->family &&
		    strcmp(own->runner->family, other->runner->family) == 0)
			return true;
	}
	return false;
}

static void
drop_outdone(struct matches *matches)
{
	RT_VEC(struct match) kept = {0};
	rt_auto(free) bool *drop = rt_alloc(matches->list.n + 1, sizeof(*drop));
	for (size_t i = 0; i < matches->list.n; i++)
		drop[i] = is_outdone(matches, i);
	for (size_t i = 0; i < matches->list.n; i++) {
		if (drop[i])
			free(matches->list.at[i].dir);
		else
			*rt_push(&kept) = matches->list.at[i];
	}
	free(matches->list.at);
	matches->list.at = kept.at;
	matches->list.n = kept.n;
	matches->list.cap = kept.cap;
}

/* "server/" and pytest: "server-" where pytest is alone there, "pytest-" where it shares the root with another. */
static char *
prefix_of(const struct matches *matches, size_t i)
{
	const struct match *own = &matches->list.at[i];
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	size_t beside = 0;
	if (matches->list.n == 1)
		return rt_strdup("");
	for (size_t k = 0; k < matches->list.n; k++)
		beside += k != i && strcmp(matches->list.at[k].dir, own->dir) == 0;
	for (const char *c = own->dir; *c && c[1]; c++) {
		char one[2] = {*c, '\0'};
		rt_buf_adds(&text, rt_name_valid(one) ? one : "_");
	}
	if (beside || !text.len)
		rt_buf_addf(&text, "%s%s", text.len ? "-" : "", own->runner->name);
	rt_buf_addc(&text, '-');
	return rt_buf_steal(&text);
}

int
rt_place_asks_git(const struct rt_place *place, struct rt_err *err)
{
	static const char *const signs[][2] = {
	    {"meson.build", "vcs_tag("},	  {"pyproject.toml", "setuptools_scm"},
	    {"pyproject.toml", "setuptools-scm"}, {"pyproject.toml", "hatch-vcs"},
	    {"pyproject.toml", "versioningit"},	  {"setup.py", "setuptools_scm"},
	    {"setup.cfg", "setuptools_scm"},	  {"setup.cfg", "versioneer"},
	    {"meson.build", "'describe'"},	  {"CMakeLists.txt", "git describe"},
	    {"CMakeLists.txt", "GIT_EXECUTABLE"}, {"Makefile", "git describe"},
	    {"Makefile", "git rev-parse"},	  {"Makefile.am", "git describe"},
	    {"configure.ac", "git describe"},	  {"configure.ac", "git-version-gen"},
	    {"build.rs", "\"describe\""},	  {"build.rs", "vergen"},
	    {"package.json", "git describe"},	  {"package.json", "git rev-parse"}};

	for (size_t i = 0; i < RT_COUNT(signs); i++) {
		int holds = rt_place_holds(place, signs[i][0], signs[i][1], err);
		if (holds)
			return holds;
	}
	return 0;
}

/* Marks the checks from `first` on; what is kept by its inputs can't be told by them where it asks git. */
static int
mark_git(const struct rt_place *place, size_t first, struct rt_err *err)
{
	int asks = rt_place_asks_git(place, err);
	for (size_t i = first; asks > 0 && i < place->found->checks.n; i++) {
		struct rt_found_check *check = &place->found->checks.at[i];
		check->git = !check->inputs.n;
	}
	return asks < 0 ? -1 : 0;
}

static int
add_all(struct matches *matches, const struct rt_place *root, struct rt_err *err)
{
	for (size_t i = 0; i < matches->list.n; i++) {
		const struct match *match = &matches->list.at[i];
		rt_auto(free) char *prefix = prefix_of(matches, i);
		struct rt_place place = *root;
		place.dir = match->dir;
		place.name = prefix;
		size_t before = root->found->checks.n;
		if (match->runner->add(&place, err) < 0 || mark_git(&place, before, err) < 0)
			return rt_err_while(err, "recognising %s", match->runner->name);
		if (match->dir[0])
			rt_strs_addf(&root->found->runners, "%s in %.*s", match->runner->name,
				     (int)strlen(match->dir) - 1, match->dir);
		else
			rt_strs_add(&root->found->runners, match->runner->name);
	}
	return 0;
}

/* The folders right below the root, each with its slash, that a shell takes as they are. */
static void
list_folders(const struct rt_strs *paths, struct rt_strs *folders)
{
	for (size_t i = 0; i < paths->n; i++) {
		const char *path = paths->at[i], *slash = strchr(path, '/');
		rt_auto(free) char *name = slash ? rt_strndup(path, (size_t)(slash - path)) : NULL;
		if (!name || name[0] == '.' || name[0] == '-' || !rt_name_valid(name))
			continue;
		rt_auto(free) char *folder = rt_format("%s/", name);
		if (!folders->n || strcmp(folders->at[folders->n - 1], folder) != 0)
			rt_strs_add(folders, folder);
	}
}

/* The root; where nothing is sure there, the folders right below it as well. */
static int
look_at(struct rt_place *place, struct matches *matches, struct rt_err *err)
{
	static const struct rt_runner *const all[] = {rt_runners_compiled, rt_runners_node, rt_runners_scripted};
	for (size_t i = 0; i < RT_COUNT(all); i++)
		if (look_for(all[i], place, matches, err) < 0)
			return -1;
	return 0;
}

static int
match_places(struct rt_place *root, struct matches *matches, struct rt_err *err)
{
	rt_auto(strs) struct rt_strs folders = {0};
	if (look_at(root, matches, err) < 0)
		return -1;
	drop_outdone(matches);
	if (matches->list.n)
		return 0;
	list_folders(root->paths, &folders);
	for (size_t i = 0; i < folders.n; i++) {
		struct rt_place place = *root;
		place.dir = folders.at[i];
		if (look_at(&place, matches, err) < 0)
			return -1;
	}
	drop_outdone(matches);
	return 0;
}

int
rt_detect(struct rt_found *found, struct rt_repo *repo, const struct rt_oid *tree, const struct rt_toolbox *toolbox,
	  struct rt_err *err)
{
	rt_auto(strs) struct rt_strs paths = {0};
	struct walk walk = {repo, tree, &paths, "", 0};
	struct rt_place root = {
	    .repo = repo, .tree = tree, .paths = &paths, .toolbox = toolbox, .dir = "", .name = "", .found = found};
	struct matches matches = {0};
	int result = rt_tree_list(repo, tree, "", note_entry, &walk, err) < 0 ? -1 : 0;
	if (result == 0)
		result = match_places(&root, &matches, err);
	if (result == 0)
		result = add_all(&matches, &root, err);
	for (size_t i = 0; i < matches.list.n; i++)
		free(matches.list.at[i].dir);
	free(matches.list.at);
	return result;
}

/* ---- the caller's own checks ---- */

static void
check_release(struct rt_found_check *check)
{
	free(check->name);
	free(check->run);
	free(check->report);
	free(check->note);
	rt_strs_release(&check->needs);
	rt_strs_release(&check->inputs);
	rt_strs_release(&check->env);
}

static void
drop_checks(struct rt_found *found)
{
	for (size_t i = 0; i < found->checks.n; i++)
		check_release(&found->checks.at[i]);
	found->checks.n = 0;
}

int
rt_found_replace(struct rt_found *found, const struct rt_strs *checks, struct rt_err *err)
{
	drop_checks(found);
	rt_strs_release(&found->runners);
	for (size_t i = 0; i < checks->n; i++) {
		const char *text = checks->at[i], *equals = strchr(text, '=');
		rt_auto(free) char *name = rt_strndup(text, equals ? (size_t)(equals - text) : 0);
		if (!equals || !rt_name_valid(name) || !equals[1 + strspn(equals + 1, " \t\n")])
			return rt_fail(err, RT_ECONFIG,
				       "--check takes 'name=command' with a name of A-Z a-z 0-9 _ . -, not '%s'", text);
		for (size_t k = 0; k < found->checks.n; k++)
			if (strcmp(found->checks.at[k].name, name) == 0)
				return rt_fail(err, RT_ECONFIG, "two checks are called %s; rename one", name);
		struct rt_found_check *check = rt_push(&found->checks);
		check->name = rt_steal(&name);
		check->run = rt_strdup(equals + 1);
		check->fast = true;
		rt_strs_add(&found->runners, check->name);
	}
	return 0;
}

void
rt_found_release(struct rt_found *found)
{
	drop_checks(found);
	free(found->checks.at);
	rt_strs_release(&found->runners);
	rt_strs_release(&found->support);
	rt_strs_release(&found->watch);
	rt_strs_release(&found->tools);
	rt_strs_release(&found->caches);
	*found = (struct rt_found)RT_FOUND_INIT;
}
