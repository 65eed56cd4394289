#include "readers/finding.h"

#include <string.h>

#include "model/id.h"
#include "support/json.h"

/* Where a cell sees its workspace; some tools write absolute paths. */
#define WORKSPACE "/src"

const char *
rt_finding_path(const struct rt_reading *reading, const char *file)
{
	const char *root = reading->root ? reading->root : WORKSPACE;

	if (!strncmp(file, "file://", 7))
		file += 7;
	if (rt_starts_with(file, root) && file[strlen(root)] == '/')
		file += strlen(root) + 1;
	while (!strncmp(file, "./", 2))
		file += 2;
	return file;
}

/* A message with the path of the workspace as it is everywhere, or NULL: it does not name it. The caller frees. */
static char *
placed_elsewhere(const struct rt_reading *reading, const char *message)
{
	struct rt_buf out = RT_BUF_INIT;
	const char *at;

	if (!reading->root || !message || !strstr(message, reading->root))
		return NULL;
	for (; (at = strstr(message, reading->root)) != NULL; message = at + strlen(reading->root)) {
		rt_buf_add(&out, message, (size_t)(at - message));
		rt_buf_adds(&out, WORKSPACE);
	}
	rt_buf_adds(&out, message);
	return rt_buf_steal(&out);
}

void
rt_finding_add(const struct rt_reading *reading, const struct rt_finding_parts *p)
{
	const char *file = p->file ? rt_finding_path(reading, p->file) : NULL;
	rt_auto(free) char *moved = placed_elsewhere(reading, p->message);
	const char *message = moved ? moved : p->message;
	const char *parts[] = {p->rule, file, p->mark ? p->mark : message};
	rt_auto(buf) struct rt_buf id = RT_BUF_INIT, raw = RT_BUF_INIT, text = RT_BUF_INIT;

	rt_id_case(&id, reading->cell, parts, RT_COUNT(parts));
	if (file)
		rt_buf_adds(&raw, file);
	if (file && p->line > 0)
		rt_buf_addf(&raw, ":%lld", (long long)p->line);
	if (file && p->line > 0 && p->column > 0)
		rt_buf_addf(&raw, ":%lld", (long long)p->column);
	rt_buf_addf(&raw, "%s%s", file ? ": " : "", message ? message : "");
	if (p->rule)
		rt_buf_addf(&raw, " [%s]", p->rule);
	rt_id_escape(&text, raw.data, raw.len);
	rt_results_finding(reading->results, id.data, text.data);
}

int
rt_reading_json(const struct rt_reading *reading, struct rt_json **value, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf bytes = RT_BUF_INIT;
	struct rt_err bad = RT_ERR_INIT;

	int got = rt_reading_whole(reading, &bytes, err);
	if (got <= 0)
		return got;
	if (rt_json_parse(value, bytes.data, bytes.len, reading->source->name, &bad) == 0)
		return 1;
	if (bad.line)
		rt_reading_problem(reading, bad.line, "column %u: is not JSON", bad.column);
	else
		rt_reading_problem(reading, 0, "is not JSON");
	return 0;
}
