/* The two files of a tree that git itself obeys: .gitmodules and .gitattributes. */

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "model/policy_parts.h"

/* ---- .gitmodules, in the syntax of git-config(1) ---- */

struct modules {
	const struct rt_delta *delta;
	struct rt_refusals *out;
	const char *at, *end;
	unsigned line;
	bool in_submodule;
};

static void
refuse_module(const struct modules *m, const char *reason)
{
	rt_refuse(m->out, "submodule", m->delta->path, m->line, "%s", reason);
}

/* One character of a quoted name or value; a backslash and a line end continue the line (0 is returned for that). */
static char
escaped(struct modules *m)
{
	static const char from[] = "ntb\"\\", to[] = "\n\t\b\"\\";
	const char *found;

	if (m->at == m->end)
		return 0;
	if (*m->at == '\n') {
		m->line++;
		m->at++;
		return 0;
	}
	found = strchr(from, *m->at++);
	return found && *found ? to[found - from] : m->at[-1];
}

static bool
climbs(const char *name)
{
	for (const char *at = name;; at++) {
		size_t len = strcspn(at, "/\\");
		if (len == 2 && !memcmp(at, "..", 2))
			return true;
		at += len;
		if (!*at)
			return false;
	}
}

/* `[submodule "name"]`, from behind the bracket to behind the closing one. False: not well formed. */
static bool
read_section(struct modules *m)
{
	rt_auto(buf) struct rt_buf name = RT_BUF_INIT;
	const char *start = m->at;
	bool quoted = false;

	while (m->at < m->end && (isalnum((unsigned char)*m->at) || *m->at == '-' || *m->at == '.'))
		m->at++;
	m->in_submodule = m->at - start >= 9 && !strncasecmp(start, "submodule", 9);
	if (m->at - start > 10 && start[9] == '.')
		rt_buf_add(&name, start + 10, (size_t)(m->at - start - 10));
	while (m->at < m->end && (*m->at == ' ' || *m->at == '\t'))
		m->at++;
	if (m->at < m->end && *m->at == '"') {
		quoted = true;
		for (m->at++; m->at < m->end && *m->at != '"' && *m->at != '\n';) {
			char c = *m->at++;
			if (c == '\\')
				c = escaped(m);
			if (!c)
				return false;
			rt_buf_addc(&name, c);
		}
		if (m->at == m->end || *m->at++ != '"')
			return false;
	}
	if (m->at == m->end || *m->at++ != ']')
		return false;
	if (m->in_submodule && ((quoted && !name.len) || climbs(name.data)))
		refuse_module(m, "a submodule's name that is empty or climbs out of its folder");
	return true;
}

/* The value up to the end of the line, unquoted, comments dropped. False: not well formed. */
static bool
read_value(struct modules *m, struct rt_buf *value)
{
	size_t kept = 0;
	bool quoted = false;

	while (m->at < m->end && *m->at != '\n') {
		char c = *m->at++;
		if (c == '"') {
			quoted = !quoted;
			kept = value->len;
			continue;
		}
		if (!quoted && (c == '#' || c == ';')) {
			while (m->at < m->end && *m->at != '\n')
				m->at++;
			break;
		}
		if (c == '\\') {
			c = escaped(m);
			if (!c)
				continue;
		}
		rt_buf_addc(value, c);
		if (quoted || !isspace((unsigned char)c))
			kept = value->len;
	}
	rt_buf_cut(value, kept);
	return !quoted;
}

static const char *
url_problem(const char *url)
{
	size_t scheme = strspn(url, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+.-");

	if (*url == '-')
		return "a submodule's url that git would take for an option";
	if (!strncmp(url + scheme, "::", 2))
		return "a submodule's url that names a program (transport helper)";
	if (*url == '/' || !strncasecmp(url, "file:", 5))
		return "a submodule's url that is a local path";
	if (strpbrk(url, "\n\r") || strcasestr(url, "%0a") || strcasestr(url, "%0d"))
		return "a submodule's url with a line end in it";
	return NULL;
}

static bool
is_update(const char *value)
{
	return !strcmp(value, "checkout") || !strcmp(value, "rebase") || !strcmp(value, "merge") ||
	       !strcmp(value, "none");
}

static void
judge_setting(const struct modules *m, const char *key, const char *value)
{
	const char *problem = NULL;

	if (!strcasecmp(key, "url"))
		problem = url_problem(value);
	else if (!strcasecmp(key, "path") && (*value == '-' || rt_path_problem(value, NULL)))
		problem = "a submodule's path that is unsafe";
	else if (!strcasecmp(key, "update") && !is_update(value))
		problem = "a submodule's update setting that would run a command";
	if (problem)
		refuse_module(m, problem);
}

/* False: not well formed. */
static bool
read_setting(struct modules *m)
{
	rt_auto(buf) struct rt_buf key = RT_BUF_INIT, value = RT_BUF_INIT;

	while (m->at < m->end && (isalnum((unsigned char)*m->at) || *m->at == '-'))
		rt_buf_addc(&key, *m->at++);
	while (m->at < m->end && (*m->at == ' ' || *m->at == '\t'))
		m->at++;
	if (!key.len)
		return false;
	if (m->at < m->end && *m->at == '=') {
		m->at++;
		while (m->at < m->end && (*m->at == ' ' || *m->at == '\t'))
			m->at++;
		if (!read_value(m, &value))
			return false;
	}
	if (m->in_submodule)
		judge_setting(m, key.data, value.data);
	return true;
}

void
rt_gitmodules_judge(const struct rt_delta *delta, struct rt_refusals *out)
{
	struct modules m = {.delta = delta, .out = out, .line = 1};

	if (!delta->content) {
		refuse_module(&m, "too large to be looked at");
		return;
	}
	m.at = delta->content;
	m.end = m.at + delta->content_len;
	while (m.at < m.end) {
		char c = *m.at;
		bool sound = true;
		if (c == '\n') {
			m.line++;
			m.at++;
		} else if (c == '#' || c == ';') {
			while (m.at < m.end && *m.at != '\n')
				m.at++;
		} else if (c == '[') {
			m.at++;
			sound = read_section(&m);
		} else if (isspace((unsigned char)c)) {
			m.at++;
		} else {
			sound = read_setting(&m);
		}
		if (!sound) {
			refuse_module(&m, "not the syntax of a git configuration file");
			return;
		}
	}
}

/* ---- .gitattributes ---- */

/* Drivers that are built into git and run nothing; `ratchet` is the one that init sets up. */
static const char *const merge_builtin[] = {"text", "binary", "union", "ratchet", NULL};
static const char *const diff_builtin[] = {"ada",      "bash",	  "bibtex",   "cpp",	"csharp", "css",  "dts",
					   "elixir",   "fortran", "fountain", "golang", "html",	  "java", "kotlin",
					   "markdown", "matlab",  "objc",     "pascal", "perl",	  "php",  "python",
					   "ruby",     "rust",	  "scheme",   "tex",	NULL};

static bool
listed(const char *const *names, const char *value, size_t len)
{
	for (; *names; names++)
		if (strlen(*names) == len && !memcmp(*names, value, len))
			return true;
	return false;
}

/* The attribute's name when the word hands content to a program or changes its encoding; else NULL. */
static const char *
attribute_problem(const char *word, size_t len)
{
	static const struct {
		const char *name;
		const char *const *harmless;
	} attributes[] = {
	    {"filter", NULL}, {"working-tree-encoding", NULL}, {"diff", diff_builtin}, {"merge", merge_builtin}};
	const char *equal = memchr(word, '=', len);
	size_t name = equal ? (size_t)(equal - word) : len;

	for (size_t i = 0; equal && i < RT_COUNT(attributes); i++) {
		if (strlen(attributes[i].name) != name || memcmp(attributes[i].name, word, name))
			continue;
		if (attributes[i].harmless && listed(attributes[i].harmless, equal + 1, len - name - 1))
			return NULL;
		return attributes[i].name;
	}
	return NULL;
}

static const char *
skip(const char *at, const char *end, bool space)
{
	while (at < end && (*at == ' ' || *at == '\t' || *at == '\r') == space)
		at++;
	return at;
}

/* A pattern may be quoted as in C; what follows the closing quote are attributes. */
static const char *
skip_pattern(const char *at, const char *end)
{
	if (at == end || *at != '"')
		return skip(at, end, false);
	for (at++; at < end && *at != '"'; at++)
		at += *at == '\\' && at + 1 < end;
	return at < end ? at + 1 : at;
}

static void
judge_line(const struct rt_delta *delta, unsigned line, const char *at, const char *end, struct rt_refusals *out)
{
	at = skip(at, end, true);
	if (at == end || *at == '#')
		return;
	at = skip_pattern(at, end);
	while ((at = skip(at, end, true)) < end) {
		const char *next = skip(at, end, false), *name = attribute_problem(at, (size_t)(next - at));
		if (name)
			rt_refuse(out, "attributes", delta->path, line,
				  "the attribute `%s` makes git run or convert something; a "
				  "policy permits it by `attributes: allow`",
				  name);
		at = next;
	}
}

void
rt_gitattributes_judge(const struct rt_delta *delta, struct rt_refusals *out)
{
	const char *at = delta->content, *end;
	unsigned line = 0;

	if (!at) {
		rt_refuse(out, "attributes", delta->path, 0, "too large to be looked at");
		return;
	}
	for (end = at + delta->content_len; at < end;) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		judge_line(delta, ++line, at, stop ? stop : end, out);
		at = stop ? stop + 1 : end;
	}
}
