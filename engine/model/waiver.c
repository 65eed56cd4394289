#include "model/judge.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "model/id.h"
#include "support/clock.h"
#include "support/yaml.h"

#define DAY 86400

static int
fail_at(struct rt_err *err, const char *name, const struct rt_yaml *node, const char *what)
{
	return rt_fail_at(err, name, node->line, node->column, "%s", what);
}

static int
parse_to(struct rt_waiver *waiver, const char *text)
{
	static const char flaky[] = "flaky ";

	waiver->number = 1;
	if (!strcmp(text, "gone"))
		waiver->to = RT_WAIVER_GONE;
	else if (!strcmp(text, "known"))
		waiver->to = RT_WAIVER_KNOWN;
	else if (!strcmp(text, "flaky"))
		waiver->to = RT_WAIVER_FLAKY;
	else if (rt_starts_with(text, flaky)) {
		waiver->to = RT_WAIVER_FLAKY;
		text += sizeof(flaky) - 1;
		return rt_number_parse(text, strlen(text), &waiver->number) < 0 || waiver->number < 0 ||
			       waiver->number > 1
			   ? -1
			   : 0;
	} else {
		waiver->to = RT_WAIVER_NUMBER;
		return rt_number_parse(text, strlen(text), &waiver->number);
	}
	return 0;
}

/* The scalar under a key that must be there and not empty. */
static const struct rt_yaml *
need(const struct rt_yaml *item, const char *key, const char *name, struct rt_err *err)
{
	const struct rt_yaml *value = rt_yaml_get(item, key);

	if (value && value->type == RT_YAML_SCALAR && *value->text)
		return value;
	rt_fail_at(err, name, value ? value->line : item->line, value ? value->column : item->column,
		   "a waiver needs `%s`, a text", key);
	return NULL;
}

static int
check_keys(const struct rt_yaml *item, const char *name, struct rt_err *err)
{
	static const char *const known[] = {"id", "to", "reason", "until"};
	size_t i, k;

	for (i = 0; i < item->n; i++) {
		for (k = 0; k < RT_COUNT(known) && strcmp(item->keys[i].text, known[k]) != 0; k++)
			;
		if (k == RT_COUNT(known))
			return rt_fail_at(err, name, item->keys[i].line, item->keys[i].column,
					  "unknown key \"%s\"; a waiver has id, to, reason and until",
					  item->keys[i].text);
	}
	return 0;
}

static int
parse_item(struct rt_waivers *waivers, const struct rt_yaml *item, const char *name, struct rt_err *err)
{
	const struct rt_yaml *id, *to, *reason, *until;
	struct rt_waiver waiver = {0}, *added;
	int64_t day;

	if (item->type != RT_YAML_MAPPING)
		return fail_at(err, name, item, "a waiver is a mapping with id, to, reason and until");
	if (check_keys(item, name, err) < 0)
		return -1;
	id = need(item, "id", name, err);
	to = id ? need(item, "to", name, err) : NULL;
	reason = to ? need(item, "reason", name, err) : NULL;
	until = reason ? need(item, "until", name, err) : NULL;
	if (!until)
		return -1;
	if (parse_to(&waiver, to->text) < 0)
		return fail_at(err, name, to,
			       "`to` is gone, flaky, flaky and a rate (`flaky 0.2`), known, or a number");
	if (rt_clock_parse_date(until->text, &day) < 0)
		return fail_at(err, name, until, "`until` is a UTC date like 2026-12-31");
	waiver.until = day + DAY;
	waiver.id = rt_strdup(id->text);
	waiver.reason = rt_strdup(reason->text);
	added = rt_push(waivers);
	*added = waiver;
	return 0;
}

int
rt_waivers_parse(struct rt_waivers *waivers, const char *bytes, size_t len, const char *name, struct rt_err *err)
{
	rt_auto(yaml) struct rt_yaml *root = NULL;
	size_t i;

	if (rt_yaml_parse(&root, bytes, len, name, err) < 0)
		return -1;
	if (root->type == RT_YAML_MAPPING && !root->n)
		return 0;
	if (root->type != RT_YAML_SEQUENCE)
		return fail_at(err, name, root,
			       "waivers are a list: `- {id: ..., to: gone, reason: ..., until: 2026-12-31}`");
	for (i = 0; i < root->n; i++)
		if (parse_item(waivers, &root->values[i], name, err) < 0)
			return -1;
	return 0;
}

void
rt_waivers_release(struct rt_waivers *waivers)
{
	size_t i;

	for (i = 0; i < waivers->n; i++) {
		free(waivers->at[i].id);
		free(waivers->at[i].reason);
	}
	free(waivers->at);
	*waivers = (struct rt_waivers){0};
}

/* The canonical form of an id that a person wrote, who may have escaped more than was needed; NULL when it is none. */
static char *
canonical_id(const char *text, size_t len)
{
	rt_auto(buf) struct rt_buf raw = RT_BUF_INIT, id = RT_BUF_INIT, copy = RT_BUF_INIT;

	rt_buf_add(&copy, text, len);
	if (memchr(text, '\0', len) || rt_id_unescape(&raw, copy.data) < 0)
		return NULL;
	rt_id_escape(&id, raw.data, raw.len);
	if (!id.data[rt_id_cell_len(id.data)] || !id.data[rt_id_cell_len(id.data) + 1])
		return NULL;
	return rt_buf_steal(&id);
}

static int
parse_rename(struct rt_rename *rename, const char *claim, size_t len, struct rt_err *err)
{
	static const char arrow[] = " -> ";
	const char *at = memmem(claim, len, arrow, sizeof(arrow) - 1), *to = at ? at + sizeof(arrow) - 1 : NULL;

	if (at && !memmem(to, (size_t)(claim + len - to), arrow, sizeof(arrow) - 1)) {
		rename->from = canonical_id(claim, (size_t)(at - claim));
		rename->to = canonical_id(to, (size_t)(claim + len - to));
		if (rename->from && rename->to)
			return 0;
		free(rename->from);
		free(rename->to);
	}
	return rt_fail(
	    err, RT_ECONFIG,
	    "the trailer \"Ratchet-Rename: %.*s\" is not OLD -> NEW, two escaped ids (an arrow within an id is "
	    "written \\x20->\\x20)",
	    (int)(len < 400 ? len : 400), claim);
}

/* Where the last paragraph of a commit message begins: trailers stand there and nowhere else. */
static const char *
last_paragraph(const char *message)
{
	const char *start = message, *line = message, *next;
	bool blank = true;

	for (; *line; line = next) {
		size_t len = strcspn(line, "\n");

		next = line + len + (line[len] == '\n');
		if (strspn(line, " \t\r") >= len) {
			blank = true;
		} else {
			if (blank)
				start = line;
			blank = false;
		}
	}
	return start;
}

int
rt_renames_parse(struct rt_rename **out, size_t *n, const char *message, struct rt_err *err)
{
	static const char key[] = "Ratchet-Rename:";
	const char *line = last_paragraph(message), *next;

	for (; *line; line = next) {
		size_t len = strcspn(line, "\n");
		struct rt_rename rename = {NULL, NULL};

		next = line + len + (line[len] == '\n');
		if (strncasecmp(line, key, sizeof(key) - 1) != 0)
			continue;
		line += sizeof(key) - 1;
		len -= sizeof(key) - 1;
		for (; len && isspace((unsigned char)*line); len--)
			line++;
		for (; len && isspace((unsigned char)line[len - 1]); len--)
			;
		if (parse_rename(&rename, line, len, err) < 0)
			return -1;
		*out = rt_realloc(*out, *n + 1, sizeof(**out));
		(*out)[(*n)++] = rename;
	}
	return 0;
}

void
rt_renames_free(struct rt_rename *renames, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		free(renames[i].from);
		free(renames[i].to);
	}
	free(renames);
}
