#include <string.h>

#include "cycle/detect.h"

enum { WIDTH = 100 };

/* Bytes that mean nothing to YAML wherever they stand, but for a leading `-`. */
static bool
is_plain(const char *text)
{
	if (!*text || *text == '-')
		return false;
	for (const char *c = text; *c; c++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-", *c))
			return false;
	return true;
}

static void
add_quoted(struct rt_buf *out, const char *text)
{
	if (is_plain(text)) {
		rt_buf_adds(out, text);
		return;
	}
	rt_buf_addc(out, '"');
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c == '"' || *c == '\\')
			rt_buf_addf(out, "\\%c", *c);
		else if (*c < ' ' || *c == 127)
			rt_buf_addf(out, "\\x%02x", *c);
		else
			rt_buf_addc(out, (char)*c);
	}
	rt_buf_addc(out, '"');
}

/* A command can stay as it is where YAML sees one plain scalar in it. */
static bool
is_plain_command(const char *text)
{
	size_t len = strlen(text);
	if (!len || strchr(" \t-?:,[]{}#&*!|>'\"%@`", *text) || strchr(" \t:", text[len - 1]))
		return false;
	for (const unsigned char *c = (const unsigned char *)text; *c; c++)
		if (*c < ' ' || *c == 127)
			return false;
	return !strstr(text, ": ") && !strstr(text, " #");
}

/* Several lines, of which a literal block keeps every byte. */
static bool
is_block(const char *text)
{
	if (!strchr(text, '\n') || *text == ' ' || *text == '\n')
		return false;
	for (const unsigned char *c = (const unsigned char *)text; *c; c++)
		if ((*c < ' ' && *c != '\n' && *c != '\t') || *c == 127)
			return false;
	return true;
}

static void
add_command(struct rt_buf *out, const char *text)
{
	if (is_plain_command(text)) {
		rt_buf_addf(out, "    run: %s\n", text);
	} else if (is_block(text)) {
		rt_buf_adds(out, "    run: |\n");
		for (const char *line = text; *line;) {
			size_t len = strcspn(line, "\n");
			rt_buf_addf(out, "%s%.*s\n", len ? "      " : "", (int)len, line);
			line += len + (line[len] == '\n');
		}
	} else {
		rt_buf_adds(out, "    run: ");
		add_quoted(out, text);
		rt_buf_addc(out, '\n');
	}
}

static void
add_list(struct rt_buf *out, const char *indent, const char *key, const struct rt_strs *list)
{
	if (!list->n)
		return;
	size_t line = out->len;
	rt_buf_addf(out, "%s%s: [", indent, key);
	for (size_t i = 0; i < list->n; i++) {
		rt_auto(buf) struct rt_buf word = RT_BUF_INIT;
		add_quoted(&word, list->at[i]);
		rt_buf_adds(out, i ? "," : "");
		if (i && out->len - line + word.len > WIDTH) {
			rt_buf_addf(out, "\n%s ", indent);
			line = out->len;
		}
		rt_buf_addf(out, "%s%s", i ? " " : "", word.data);
	}
	rt_buf_adds(out, "]\n");
}

/* Words of a comment, broken at WIDTH. */
static void
add_note(struct rt_buf *out, const char *text)
{
	size_t column = 0;
	for (const char *word = text; *word;) {
		size_t len = strcspn(word, " ");
		bool begins = column == 0 || column + len + 1 > WIDTH;
		if (begins)
			column = 4;
		rt_buf_addf(out, "%s%s%.*s", begins ? (word == text ? "" : "\n") : " ", begins ? "  # " : "", (int)len,
			    word);
		column += len + 1;
		word += len + strspn(word + len, " ");
	}
	rt_buf_addc(out, '\n');
}

static void
add_env(struct rt_buf *out, const struct rt_strs *env)
{
	rt_buf_adds(out, "    env: {");
	for (size_t i = 0; i < env->n; i++) {
		size_t name = strcspn(env->at[i], "=");
		rt_buf_addf(out, "%s%.*s: ", i ? ", " : "", (int)name, env->at[i]);
		add_quoted(out, env->at[i] + name + 1);
	}
	rt_buf_adds(out, "}\n");
}

static void
add_check(struct rt_buf *out, const struct rt_found_check *check)
{
	if (check->note)
		add_note(out, check->note);
	rt_buf_addf(out, "  - name: %s\n", check->name);
	if (check->prepare)
		rt_buf_adds(out,
			    "    kind: prepare          # what it leaves behind lies below the checks that need it\n");
	add_list(out, "    ", "needs", &check->needs);
	add_command(out, check->run);
	if (check->host)
		rt_buf_adds(out, "    network: host          # all other checks have loopback alone\n");
	add_list(out, "    ", "inputs", &check->inputs);
	if (check->report)
		rt_buf_addf(out, "    report: %s\n", check->report);
	if (check->env.n)
		add_env(out, &check->env);
	if (check->git)
		rt_buf_adds(
		    out, "    git: true              # a repository of its own: HEAD, the newest commits and tags\n");
	if (check->fast)
		rt_buf_adds(out, "    fast: true             # runs before every commit, too\n");
}

void
rt_found_write(const struct rt_found *found, const char *target, bool strict_support, struct rt_buf *out)
{
	rt_buf_adds(out,
		    "# What ratchet runs before a change lands. A case that once passed must pass from then on:\n"
		    "# .ratchet/baseline/ holds what is known to work, and rises by itself. This file and what is\n"
		    "# in .ratchet/ are always read from the target branch, never from the change under test.\n");
	if (found->runners.n) {
		rt_buf_adds(out, "# Recognised:");
		for (size_t i = 0; i < found->runners.n; i++)
			rt_buf_addf(out, "%s %s", i ? "," : "", found->runners.at[i]);
		rt_buf_adds(out, ".\n");
	}
	rt_buf_adds(out, "version: 1\ntarget: ");
	add_quoted(out, target);
	rt_buf_adds(out, "\n\n");
	if (found->support.n)
		rt_buf_adds(out, "# Tests, fixtures, expected output: a change of them is shown with the verdict.\n");
	add_list(out, "", "support", &found->support);
	if (strict_support)
		rt_buf_adds(out, "support_changes: strict\n");
	if (found->watch.n)
		rt_buf_adds(out, "# What steers build and tests: likewise.\n");
	add_list(out, "", "watch", &found->watch);
	if (found->tools.n)
		rt_buf_adds(out, "# Programs outside of /usr, and what they need: visible in the checks, read-only.\n");
	add_list(out, "", "tools", &found->tools);
	add_list(out, "", "caches", &found->caches);
	if (found->support.n || found->watch.n || found->tools.n || found->caches.n)
		rt_buf_addc(out, '\n');
	rt_buf_adds(out, "checks:\n");
	for (size_t i = 0; i < found->checks.n; i++)
		add_check(out, &found->checks.at[i]);
}
