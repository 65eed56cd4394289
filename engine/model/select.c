#include "model/select.h"

#include <string.h>

#include "model/id.h"
#include "model/template.h"

/* A case's name as the runner wrote it, without the cell: "a::b". */
struct name {
	struct rt_buf text;
	char *first;	  /* up to the first "::" */
	const char *rest; /* behind it, or the whole name */
};

/* ---- patterns ---- */

enum dialect {
	PERL,	 /* JavaScript, RE2, PCRE: a backslash before anything that is not a letter or digit */
	EXTENDED /* POSIX, CMake */
};

static void
add_literal(struct rt_buf *out, const char *text, enum dialect dialect)
{
	const char *special = dialect == PERL ? "\\^$.|?*+()[]{}/-" : "\\^$.|?*+()[]{}";

	for (; *text; text++) {
		if (strchr(special, *text))
			rt_buf_addc(out, '\\');
		rt_buf_addc(out, *text);
	}
}

/* "a::b" as literal words with `between` where two of them meet; empty ones are left out. */
static void
add_words(struct rt_buf *out, const char *text, const char *meet, const char *between)
{
	bool any = false;

	while (*text) {
		const char *end = strstr(text, meet);
		rt_auto(free) char *word = rt_strndup(text, end ? (size_t)(end - text) : strlen(text));

		if (*word) {
			rt_buf_adds(out, any ? between : "");
			add_literal(out, word, PERL);
			any = true;
		}
		text = end ? end + strlen(meet) : text + strlen(text);
	}
}

static bool
is_word(const char *text)
{
	return *text && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == strlen(text);
}

/* ---- runners ---- */

/* Every one appends what selects the case to args, or to value for its variable. False: this name can't be said. */
struct runner {
	const char *preset;
	const char *variable;
	bool (*make)(struct rt_select *out, const struct name *name);
	bool at_end;	      /* the words go behind the command's own, which has `--`; else behind its name */
	const char *names[4]; /* how the command begins */
};

/* -k takes words that must stand in the names of the case and of what it is in; parameters are not words. */
static bool
select_pytest(struct rt_select *out, const struct name *name)
{
	rt_auto(free) char *test = rt_strndup(name->rest, strcspn(name->rest, "["));
	const char *dot = strrchr(name->first, '.');
	const char *place = dot ? dot + 1 : name->first;

	if (!is_word(test))
		return false;
	out->value = is_word(place) ? rt_format("-k '%s and %s'", place, test) : rt_format("-k '%s'", test);
	return true;
}

/* Each level of subtests is a pattern of its own between slashes. A flag in GOFLAGS holds no space and no quote. */
static bool
select_go(struct rt_select *out, const struct name *name)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	const char *at = name->rest;

	if (name->rest == name->text.data || strpbrk(at, " \t\n'\""))
		return false;
	rt_buf_adds(&text, "-run=");
	for (;;) {
		size_t len = strcspn(at, "/");
		rt_auto(free) char *part = rt_strndup(at, len);

		rt_buf_addc(&text, '^');
		add_literal(&text, part, PERL);
		rt_buf_addc(&text, '$');
		if (!at[len])
			break;
		rt_buf_addc(&text, '/');
		at += len + 1;
	}
	out->value = rt_buf_steal(&text);
	return true;
}

static bool
select_cargo(struct rt_select *out, const struct name *name)
{
	rt_strs_add(&out->args, "--exact");
	rt_strs_add(&out->args, name->text.data);
	return name->text.data[0] != '-';
}

/* A pattern for the case, and one for each test around it: what does not match is skipped with all within it. */
static bool
select_node(struct rt_select *out, const struct name *name)
{
	const char *at = name->text.data;

	while (at) {
		const char *end = strstr(at, "::");
		rt_auto(free) char *part = rt_strndup(at, end ? (size_t)(end - at) : strlen(at));
		rt_auto(buf) struct rt_buf text = RT_BUF_INIT;

		rt_buf_adds(&text, "--test-name-pattern=^");
		add_literal(&text, part, PERL);
		rt_buf_addc(&text, '$');
		rt_strs_add(&out->args, text.data);
		at = end ? end + 2 : NULL;
	}
	return true;
}

static bool
select_by_title(struct rt_select *out, const struct name *name, const char *meet)
{
	rt_auto(buf) struct rt_buf title = RT_BUF_INIT;

	if (name->rest == name->text.data)
		return false;
	rt_buf_addc(&title, '^');
	add_words(&title, name->rest, meet, " ");
	rt_buf_addc(&title, '$');
	rt_strs_add(&out->args, "-t");
	rt_strs_add(&out->args, title.data);
	return true;
}

/* The id begins with the file: the preset asks for it. */
static bool
select_jest(struct rt_select *out, const struct name *name)
{
	return select_by_title(out, name, "::");
}

static bool
select_vitest(struct rt_select *out, const struct name *name)
{
	return select_by_title(out, name, " > ");
}

static bool
select_mocha(struct rt_select *out, const struct name *name)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	const char *at = name->text.data;

	if (strpbrk(at, "\\\""))
		return false;
	rt_buf_adds(&text, "--fgrep=\"");
	for (const char *end; (end = strstr(at, "::")); at = end + 2) {
		rt_buf_add(&text, at, (size_t)(end - at));
		rt_buf_addc(&text, ' ');
	}
	rt_buf_addf(&text, "%s\"", at);
	out->value = rt_buf_steal(&text);
	return true;
}

/* Class and name are the test's name, both. */
static bool
select_ctest(struct rt_select *out, const struct name *name)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	size_t len = name->text.len;
	rt_auto(free) char *half = NULL;

	if (len < 4 || len % 2 || memcmp(name->text.data, name->text.data + len / 2 + 1, len / 2 - 1) != 0)
		return false;
	half = rt_strndup(name->text.data, len / 2 - 1);
	rt_buf_addc(&text, '^');
	add_literal(&text, half, EXTENDED);
	rt_buf_addc(&text, '$');
	rt_strs_add(&out->args, "-R");
	rt_strs_add(&out->args, text.data);
	return true;
}

/* "project:test"; a colon in a bare name would be taken for that. */
static bool
select_meson(struct rt_select *out, const struct name *name)
{
	bool bare = name->rest == name->text.data;
	rt_auto(free) char *test = bare ? rt_strdup(name->rest) : rt_format("%s:%s", name->first, name->rest);

	rt_strs_add(&out->args, test);
	return test[0] != '-' && !(bare && strchr(test, ':'));
}

static bool
select_bats(struct rt_select *out, const struct name *name)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;

	rt_buf_addc(&text, '^');
	add_literal(&text, name->text.data, EXTENDED);
	rt_buf_addc(&text, '$');
	rt_strs_add(&out->args, "-f");
	rt_strs_add(&out->args, text.data);
	return true;
}

/* Names of suites and tests are identifiers of C. */
static bool
select_criterion(struct rt_select *out, const struct name *name)
{
	if (!is_word(name->first) || !is_word(name->rest))
		return false;
	out->value = rt_format("%s/%s", name->first, name->rest);
	return true;
}

/*
 * Tried with the versions named in model/preset.c. prove is not here: its cases do not tell which script they are in.
 */
static const struct runner runners[] = {
    {.preset = "pytest", .variable = "PYTEST_ADDOPTS", .make = select_pytest},
    {.preset = "go", .variable = "GOFLAGS", .make = select_go},
    {.preset = "cargo", .make = select_cargo, .at_end = true, .names = {"cargo test"}},
    {.preset = "node", .make = select_node, .names = {"node --test"}},
    {.preset = "jest", .make = select_jest, .names = {"npx jest", "jest"}},
    {.preset = "vitest", .make = select_vitest, .names = {"npx vitest run", "vitest run"}},
    {.preset = "mocha", .variable = "MOCHA_OPTIONS", .make = select_mocha},
    {.preset = "ctest", .make = select_ctest, .names = {"ctest"}},
    {.preset = "meson", .make = select_meson, .names = {"meson test"}},
    {.preset = "bats", .make = select_bats, .names = {"bats"}},
    {.preset = "criterion", .variable = "CRITERION_TEST_PATTERN", .make = select_criterion},
};

/* ---- commands ---- */

/*
 * A word of a shell command. The doubled quote within `{{` keeps a name that looks like a placeholder from being one:
 * placeholders are replaced after this.
 */
static void
add_quoted(struct rt_buf *out, const char *word)
{
	rt_auto(buf) struct rt_buf quoted = RT_BUF_INIT;

	rt_buf_add_quoted(&quoted, word);
	for (const char *c = quoted.data; *c; c++) {
		rt_buf_addc(out, *c);
		if (c[0] == '{' && c[1] == '{')
			rt_buf_adds(out, "''");
	}
}

/* Where the words of a command that is a list go: behind `name`, whose words it begins with. SIZE_MAX: nowhere. */
static size_t
place_in_list(const struct rt_strs *argv, const char *name)
{
	size_t i = 0;

	for (; *name; i++) {
		size_t len = strcspn(name, " ");

		if (i == argv->n || strlen(argv->at[i]) != len || strncmp(argv->at[i], name, len) != 0)
			return SIZE_MAX;
		name += len + (name[len] == ' ');
	}
	return i;
}

/* Where `name` stands in words of its own, once; else NULL. In `jest --reporters=jest-junit` that is the first. */
static const char *
find_once(const char *shell, const char *name)
{
	const char *found = NULL;
	size_t len = strlen(name);

	for (const char *at = shell; (at = strstr(at, name)) != NULL; at++) {
		bool begins = at == shell || strchr(" \t\n;&|()'\"`", at[-1]);

		if (!begins || (at[len] && !strchr(" \t\n;&|()'\"`", at[len])))
			continue;
		if (found)
			return NULL;
		found = at;
	}
	return found;
}

/* Behind `name` in a shell command, where that stands once and as a command's beginning. NULL: nowhere. */
static const char *
place_in_shell(const char *shell, const char *name)
{
	const char *at = find_once(shell, name), *end;
	size_t before;

	if (!at)
		return NULL;
	before = (size_t)(at - shell);
	end = at + strlen(name);
	if ((*end && !strchr(" \t\n;", *end)) || strcspn(shell, "'\"\\`$#") < before)
		return NULL;
	while (before && strchr(" \t", shell[before - 1]))
		before--;
	/* assignments stand before a command, and nothing else does */
	while (before && !strchr(";&\n", shell[before - 1])) {
		size_t start = before;

		while (start && !strchr(" \t;&\n", shell[start - 1]))
			start--;
		if (!memchr(shell + start, '=', before - start))
			return NULL;
		for (before = start; before && strchr(" \t", shell[before - 1]);)
			before--;
	}
	return end;
}

static bool
put_in_shell(struct rt_select *out, const char *shell, const char *name, bool at_end)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	const char *place = place_in_shell(shell, name);

	if (!place)
		return false;
	if (at_end) {
		if (strpbrk(place, "|&;<>()#\n`'\"\\") || !strstr(place, " -- "))
			return false;
		place += strlen(place);
	}
	rt_buf_add(&text, shell, (size_t)(place - shell));
	for (size_t i = 0; i < out->args.n; i++) {
		rt_buf_addc(&text, ' ');
		add_quoted(&text, out->args.at[i]);
	}
	rt_buf_adds(&text, place);
	rt_strs_release(&out->args);
	out->shell = rt_buf_steal(&text);
	return true;
}

/* The words of the selection into the check's own command. */
static bool
put_in_command(struct rt_select *out, const struct runner *runner, const struct rt_check *check)
{
	for (size_t i = 0; i < RT_COUNT(runner->names) && runner->names[i]; i++) {
		if (check->shell && put_in_shell(out, check->shell, runner->names[i], runner->at_end))
			return true;
		out->at = check->shell ? SIZE_MAX : place_in_list(&check->argv, runner->names[i]);
		if (out->at == SIZE_MAX || (runner->at_end && !rt_strs_has(&check->argv, "--")))
			continue;
		out->at = runner->at_end ? check->argv.n : out->at;
		return true;
	}
	return false;
}

static bool
use_runner(struct rt_select *out, const struct rt_check *check, const struct name *name)
{
	for (size_t i = 0; i < RT_COUNT(runners); i++) {
		if (strcmp(runners[i].preset, check->report.format) != 0)
			continue;
		if (!runners[i].make(out, name))
			return false;
		out->variable = runners[i].variable ? rt_strdup(runners[i].variable) : NULL;
		return out->variable || put_in_command(out, &runners[i], check);
	}
	return false;
}

static void
use_own(struct rt_select *out, const char *rerun, const struct name *name)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	struct rt_template_ref ref = {0};
	size_t from = 0;

	while (rt_template_next(rerun, ref.end, &ref)) {
		if (ref.len != 4 || memcmp(ref.name, "case", 4) != 0)
			continue;
		rt_buf_add(&text, rerun + from, ref.start - from);
		add_quoted(&text, name->text.data);
		from = ref.end;
	}
	rt_buf_adds(&text, rerun + from);
	out->shell = rt_buf_steal(&text);
}

static bool
read_name(struct name *name, const char *id)
{
	const char *from = id + rt_id_cell_len(id), *meet;

	name->text = (struct rt_buf)RT_BUF_INIT;
	if (!*from || rt_id_unescape(&name->text, from + 1) < 0 || !name->text.len ||
	    strlen(name->text.data) != name->text.len)
		return false;
	meet = strstr(name->text.data, "::");
	name->rest = meet ? meet + 2 : name->text.data;
	name->first = rt_strndup(name->text.data, meet ? (size_t)(meet - name->text.data) : 0);
	return true;
}

bool
rt_select_make(struct rt_select *out, const struct rt_check *check, const char *id)
{
	struct name name = {0};
	bool made = check->kind == RT_KIND_CASES && read_name(&name, id);

	*out = (struct rt_select){0};
	if (made && check->rerun)
		use_own(out, check->rerun, &name);
	else if (made)
		made = use_runner(out, check, &name);
	if (!made)
		rt_select_release(out);
	rt_buf_release(&name.text);
	free(name.first);
	return made;
}

void
rt_select_release(struct rt_select *select)
{
	free(select->shell);
	rt_strs_release(&select->args);
	free(select->variable);
	free(select->value);
	*select = (struct rt_select){0};
}

bool
rt_select_quoted(const char *shell)
{
	struct rt_template_ref ref = {0};
	char quote = 0;
	size_t at = 0;

	while (rt_template_next(shell, ref.end, &ref)) {
		for (; at < ref.start; at++) {
			if (shell[at] == '\\' && quote != '\'')
				at++;
			else if (quote)
				quote = shell[at] == quote ? 0 : quote;
			else if (shell[at] == '\'' || shell[at] == '"')
				quote = shell[at];
		}
		if (quote && ref.len == 4 && !memcmp(ref.name, "case", 4))
			return true;
	}
	return false;
}
