#include "readers/finding.h"

#include <string.h>

#include "model/id.h"
#include "support/json.h"

/* Where a cell sees its workspace; some tools write absolute paths. */
#define WORKSPACE "/src/"

const char *
rt_finding_path(const char *file)
{
	if (!strncmp(file, "file://", 7))
		file += 7;
	if (!strncmp(file, WORKSPACE, strlen(WORKSPACE)))
		file += strlen(WORKSPACE);
	while (!strncmp(file, "./", 2))
		file += 2;
	return file;
}

void
rt_finding_add(const struct rt_reading *reading, const struct rt_finding_parts *p)
{
	const char *file = p->file ? rt_finding_path(p->file) : NULL;
	const char *parts[] = {p->rule, file, p->mark ? p->mark : p->message};
	rt_auto(buf) struct rt_buf id = RT_BUF_INIT, raw = RT_BUF_INIT, text = RT_BUF_INIT;

	rt_id_case(&id, reading->cell, parts, RT_COUNT(parts));
	if (file)
		rt_buf_adds(&raw, file);
	if (file && p->line > 0)
		rt_buf_addf(&raw, ":%lld", (long long)p->line);
	if (file && p->line > 0 && p->column > 0)
		rt_buf_addf(&raw, ":%lld", (long long)p->column);
	rt_buf_addf(&raw, "%s%s", file ? ": " : "", p->message ? p->message : "");
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
