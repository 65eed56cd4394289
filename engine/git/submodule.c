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
	const char *modules; /* folder that holds the clones, by name */
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

static int
missing(const struct modules *m, const char *path, const char *what, struct rt_err *err)
{
	return rt_fail(err, RT_EUNKNOWN, "the submodule %s%s %s; run `git submodule update --init --recursive`",
		       m->prefix, path, what);
}

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
	rt_auto(free) char *modules = rt_format("%s/modules", repo->commondir);
	rt_auto(buf) struct rt_buf name = RT_BUF_INIT;
	struct nested_keep keep = {.outer = m};
	struct modules inner = {.repo = repo,
				.modules = modules,
				.tree = commit,
				.dir = dir,
				.prefix = prefix,
				.keep = m->keep,
				.data = m->data,
				.nesting = m->nesting + 1};
	int rc;

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
export_module(struct modules *m, const char *path, const struct rt_oid *commit, struct rt_err *err)
{
	rt_auto(repo) struct rt_repo *repo = NULL;
	rt_auto(free) char *gitdir = NULL;
	struct rt_err ignored = RT_ERR_INIT;
	const char *name = NULL;

	for (size_t i = 0; i < m->paths.n; i++)
		if (strcmp(m->paths.at[i], path) == 0)
			name = m->names.at[i];
	if (name == NULL || !is_safe_name(name))
		return missing(m, path, "has no usable entry in .gitmodules", err);
	if (m->nesting >= MAX_NESTING)
		return missing(m, path, "is nested too deeply", err);
	gitdir = rt_format("%s/%s", m->modules, name);
	if (!rt_exists(AT_FDCWD, gitdir) || rt_repo_open_gitdir(&repo, gitdir, &ignored) < 0)
		return missing(m, path, "is not cloned here", err);
	if (!rt_object_exists(repo, commit))
		return missing(m, path, "lacks the commit that is recorded for it", err);
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
	rt_auto(free) char *modules = rt_format("%s/modules", home->commondir);
	struct modules m = {
	    .repo = repo, .modules = modules, .tree = tree, .dir = dir, .prefix = "", .keep = keep, .data = data};

	return export_all(&m, err);
}
