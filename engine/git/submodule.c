#include "git/export.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>

#include "git/internal.h"
#include "support/file.h"

#define MAX_MODULES ((uint64_t)1 << 20) /* bytes of a .gitmodules */
#define MAX_NESTING 16

struct modules {
	struct rt_repo *repo;
	const struct rt_repo *home;    /* of the whole; its work tree may hold clones by path */
	const struct rt_strs *modules; /* folders that hold clones, by name */
	const struct rt_oid *tree;
	const char *dir;
	const char *prefix; /* of the paths that keep is asked about: "" or "outer/" */
	bool (*keep)(void *data, const char *path);
	void *data;
	unsigned nesting;
	struct rt_strs names, paths; /* of .gitmodules, in pairs */
};

static int export_all(struct modules *m, struct rt_err *err);

/* ---- .gitmodules ---- */

/* The value of a `key = value` line: quotes dropped, escapes resolved, comments cut. Source: git-config(1), Syntax. */
static char *
config_value(const char *text, size_t len)
{
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;
	bool quoted = false;
	size_t solid = 0; /* length without the blanks at the end */

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '"') {
			quoted = !quoted;
			continue;
		}
		if (!quoted && (c == '#' || c == ';'))
			break;
		if (c == '\\' && i + 1 < len)
			c = text[++i] == 'n' ? '\n' : text[i] == 't' ? '\t' : text[i];
		rt_buf_addc(&out, c);
		if (quoted || !isspace((unsigned char)c))
			solid = out.len;
	}
	rt_buf_cut(&out, solid);
	return rt_buf_steal(&out);
}

/* The name in `[submodule "name"]`; NULL for any other section. */
static char *
section_name(const char *line, size_t len)
{
	static const char head[] = "[submodule \"";
	const char *end;

	if (len < sizeof(head) || strncasecmp(line, head, sizeof(head) - 1) != 0)
		return NULL;
	line += sizeof(head) - 1;
	len -= sizeof(head) - 1;
	for (end = line; end < line + len && *end != '"'; end++)
		if (*end == '\\')
			end++;
	return end < line + len ? config_value(line, (size_t)(end - line)) : NULL;
}

static void
read_modules(struct modules *m, const char *text)
{
	rt_auto(free) char *name = NULL;

	for (const char *line = text; *line != '\0';) {
		size_t len = strcspn(line, "\n"), blank = strspn(line, " \t"), key;
		const char *next = line + len + (line[len] == '\n');

		line += blank;
		len -= blank;
		key = strspn(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
		if (*line == '[') {
			free(name);
			name = section_name(line, len);
		} else if (name != NULL && key == 4 && strncasecmp(line, "path", 4) == 0) {
			const char *value = line + key + strspn(line + key, " \t");

			if (*value == '=') {
				rt_auto(free) char *path = NULL;

				value += 1 + strspn(value + 1, " \t");
				path = config_value(value, (size_t)(line + len - value));
				rt_strs_add(&m->names, name);
				rt_strs_add(&m->paths, path);
			}
		}
		line = next;
	}
}

/* A name becomes a path below modules: none that leaves it. (This was CVE-2018-11235.) */
static bool
is_safe_name(const char *name)
{
	if (name[0] == '\0' || name[0] == '/')
		return false;
	for (const char *part = name; part != NULL; part = strchr(part, '/')) {
		part += *part == '/';
		if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
			return false;
	}
	return true;
}

/* ---- exporting ---- */

struct nested_keep {
	const struct modules *outer;
	struct rt_buf path;
	size_t base;
};

/* Paths of the submodule are asked about as paths of the whole. */
static bool
keep_nested(void *data, const char *path)
{
	struct nested_keep *k = data;
	bool kept;

	rt_buf_cut(&k->path, k->base);
	rt_buf_adds(&k->path, path);
	kept = k->outer->keep(k->outer->data, k->path.data);
	return kept;
}

static int
export_into(struct modules *m, struct rt_repo *repo, const struct rt_oid *commit, const char *path, struct rt_err *err)
{
	rt_auto(free) char *dir = rt_format("%s/%s", m->dir, path);
	rt_auto(free) char *prefix = rt_format("%s%s/", m->prefix, path);
	rt_auto(strs) struct rt_strs modules = {0};
	rt_auto(buf) struct rt_buf name = RT_BUF_INIT;
	struct nested_keep keep = {.outer = m};
	struct modules inner = {.repo = repo,
				.home = m->home,
				.modules = &modules,
				.tree = commit,
				.dir = dir,
				.prefix = prefix,
				.keep = m->keep,
				.data = m->data,
				.nesting = m->nesting + 1};
	int rc;

	rt_strs_addf(&modules, "%s/modules", repo->commondir);
	rt_buf_adds(&name, path);
	rt_buf_addc(&name, '/');
	keep.base = name.len;
	keep.path = name;
	rc = rt_mkdirs(AT_FDCWD, dir, 0755, err);
	if (rc == 0)
		rc = rt_export_tree(repo, commit, dir, m->keep != NULL ? keep_nested : NULL, &keep, err);
	name = keep.path;
	return rc == 0 ? export_all(&inner, err) : -1;
}

static int
missing(const struct modules *m, const char *path, const char *what, const char *mend, struct rt_err *err)
{
	return rt_fail(err, RT_EUNKNOWN,
		       "the submodule %s%s %s; %s, or say `submodules: none` in ratchet.yml if no check needs it",
		       m->prefix, path, what, mend);
}

static int
not_cloned(const struct modules *m, const char *path, const char *name, struct rt_err *err)
{
	rt_auto(free) char *mend =
	    rt_repo_workdir(m->home) != NULL
		? rt_strdup("run `git submodule update --init --recursive`")
		: rt_format("run `git clone --bare URL %s/%s`", m->modules->at[m->modules->n - 1], name);

	return missing(m, path, "is not cloned here", mend, err);
}

static int
lacks_commit(const struct modules *m, const char *path, const char *gitdir, const struct rt_oid *commit,
	     struct rt_err *err)
{
	rt_auto(free) char *what = rt_format("lacks the commit that is recorded for it, %s", commit->hex);
	rt_auto(free) char *mend =
	    rt_format("run `git --git-dir=%s fetch` (or `git submodule update` where it is checked out)", gitdir);

	return missing(m, path, what, mend, err);
}

/* Opens the clone at gitdir: 1 it has the commit, 0 not; the first that was there stays in *at. */
static int
try_clone(const char *gitdir, const struct rt_oid *commit, struct rt_repo **out, char **at)
{
	struct rt_err ignored = RT_ERR_INIT;
	struct rt_repo *repo = NULL;

	if (!rt_exists(AT_FDCWD, gitdir) || rt_repo_open_gitdir(&repo, gitdir, &ignored) < 0)
		return 0;
	if (rt_object_exists(repo, commit)) {
		*out = repo;
		return 1;
	}
	rt_repo_free(repo);
	if (*at == NULL)
		*at = rt_strdup(gitdir);
	return 0;
}

/*
 * The clone that has the commit: as `git submodule update` leaves it (of a linked worktree in that one's own folder),
 * or as a repository inside the work tree, which `git submodule add` leaves as it is.
 */
static int
open_module(const struct modules *m, const char *path, const char *name, const struct rt_oid *commit,
	    struct rt_repo **out, struct rt_err *err)
{
	const char *workdir = rt_repo_workdir(m->home);
	rt_auto(free) char *at = NULL;
	int found = 0;

	for (size_t i = 0; i < m->modules->n && found == 0; i++) {
		rt_auto(free) char *gitdir = rt_format("%s/%s", m->modules->at[i], name);

		found = try_clone(gitdir, commit, out, &at);
	}
	if (found == 0 && workdir != NULL) {
		rt_auto(free) char *gitdir = rt_format("%s/%s%s/.git", workdir, m->prefix, path);

		found = try_clone(gitdir, commit, out, &at);
	}
	if (found > 0)
		return 0;
	return at != NULL ? lacks_commit(m, path, at, commit, err) : not_cloned(m, path, name, err);
}

static int
export_module(struct modules *m, const char *path, const struct rt_oid *commit, struct rt_err *err)
{
	rt_auto(repo) struct rt_repo *repo = NULL;
	const char *name = NULL;

	for (size_t i = 0; i < m->paths.n; i++)
		if (strcmp(m->paths.at[i], path) == 0)
			name = m->names.at[i];
	if (name == NULL || !is_safe_name(name))
		return missing(m, path, "has no usable entry in .gitmodules", "mend that file", err);
	if (m->nesting >= MAX_NESTING)
		return missing(m, path, "is nested too deeply", "flatten it", err);
	if (open_module(m, path, name, commit, &repo, err) < 0)
		return -1;
	return export_into(m, repo, commit, path, err);
}

static int
visit(void *data, const struct rt_change_of *change, struct rt_err *err)
{
	struct modules *m = data;
	rt_auto(free) char *path = NULL;

	if (change->new.mode != RT_MODE_GITLINK)
		return 0;
	path = rt_format("%s%s", m->prefix, change->path);
	if (m->keep != NULL && !m->keep(m->data, path))
		return 0;
	return export_module(m, change->path, &change->new.id, err);
}

static int
export_all(struct modules *m, struct rt_err *err)
{
	static const struct rt_oid nothing = {""};
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	int found = rt_tree_blob(m->repo, m->tree, ".gitmodules", MAX_MODULES, &text, err);
	int rc = 0;

	if (found == 1)
		read_modules(m, text.data);
	/* Without .gitmodules there may be gitlinks, but none that could be filled: nested repositories added by
	 * mistake. */
	if (found == 1)
		rc = rt_tree_diff(m->repo, &nothing, m->tree, false, visit, m, err);
	rt_strs_release(&m->names);
	rt_strs_release(&m->paths);
	return found < 0 ? -1 : rc;
}

int
rt_export_submodules(struct rt_repo *repo, const struct rt_repo *home, const struct rt_oid *tree, const char *dir,
		     bool (*keep)(void *data, const char *path), void *data, struct rt_err *err)
{
	rt_auto(strs) struct rt_strs modules = {0};
	struct modules m = {.repo = repo,
			    .home = home,
			    .modules = &modules,
			    .tree = tree,
			    .dir = dir,
			    .prefix = "",
			    .keep = keep,
			    .data = data};

	if (strcmp(home->gitdir, home->commondir) != 0)
		rt_strs_addf(&modules, "%s/modules", home->gitdir);
	rt_strs_addf(&modules, "%s/modules", home->commondir);
	return export_all(&m, err);
}

int
rt_submodule_paths(struct rt_repo *repo, const struct rt_oid *tree, struct rt_strs *paths, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	struct modules m = {0};
	int found = rt_tree_blob(repo, tree, ".gitmodules", MAX_MODULES, &text, err);

	if (found == 1)
		read_modules(&m, text.data);
	rt_strs_release(&m.names);
	*paths = m.paths;
	return found < 0 ? -1 : 0;
}
