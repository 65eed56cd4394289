#include "cli/ci_output.h"

#include <string.h>

#include "support/digest.h"

/* ---- GitHub ---- */

/* Data of a workflow command: %, CR and LF are percent-encoded; in a property also : and , */
static void
add_data(struct rt_buf *out, const char *text, bool property)
{
	for (; text && *text; text++) {
		if (*text == '%' || *text == '\r' || *text == '\n' || (property && (*text == ':' || *text == ',')))
			rt_buf_addf(out, "%%%02X", (unsigned char)*text);
		else if ((unsigned char)*text >= 0x20 && *text != 0x7f)
			rt_buf_addc(out, *text);
		else
			rt_buf_addc(out, '?');
	}
}

static void
add_annotation(struct rt_buf *out, const char *path, unsigned line, const char *title, const char *text)
{
	rt_buf_adds(out, "::error ");
	if (path) {
		rt_buf_adds(out, "file=");
		add_data(out, path, true);
		rt_buf_addc(out, ',');
	}
	if (line)
		rt_buf_addf(out, "line=%u,", line);
	rt_buf_adds(out, "title=");
	add_data(out, title, true);
	rt_buf_adds(out, "::");
	add_data(out, text, false);
	rt_buf_addc(out, '\n');
}

void
rt_ci_annotations(const struct rt_report *report, struct rt_buf *out)
{
	for (size_t i = 0; i < report->regressions.n; i++) {
		const struct rt_change *change = &report->regressions.at[i];
		rt_auto(free) char *text = rt_format("%s: was %s, is now %s\n%s", change->id, change->was, change->now,
						     change->excerpt ? change->excerpt : "");
		add_annotation(out, NULL, 0, "ratchet: regressed", text);
	}
	for (size_t i = 0; i < report->refusals.n; i++) {
		const struct rt_refusal *refusal = &report->refusals.at[i];
		rt_auto(free) char *title = rt_format("ratchet: refused by rule %s", refusal->rule);
		add_annotation(out, refusal->path, refusal->line, title, refusal->reason);
	}
	for (size_t i = 0; i < report->unproven.n && i < 10; i++)
		add_annotation(out, NULL, 0, "ratchet: unproven", report->unproven.at[i]);
}

/* Text in a Markdown table or list: nothing in it is markup, a link, or a mention. */
static void
add_markdown(struct rt_buf *out, const char *text)
{
	for (; text && *text; text++) {
		if (strchr("\\`*_{}[]()#+!|<>~@&", *text))
			rt_buf_addf(out, "&#%d;", (unsigned char)*text);
		else if ((unsigned char)*text < 0x20 || *text == 0x7f)
			rt_buf_addc(out, ' ');
		else
			rt_buf_addc(out, *text);
	}
}

/* A fence longer than any run of backticks in the text. */
static void
add_fenced(struct rt_buf *out, const char *text)
{
	size_t longest = 2, run = 0;
	for (const char *p = text; *p; p++) {
		run = *p == '`' ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	for (size_t i = 0; i <= longest; i++)
		rt_buf_addc(out, '`');
	rt_buf_addf(out, "text\n%s\n", text);
	for (size_t i = 0; i <= longest; i++)
		rt_buf_addc(out, '`');
	rt_buf_addc(out, '\n');
}

void
rt_ci_summary(const struct rt_report *report, struct rt_buf *out)
{
	rt_buf_addf(out, "### ratchet: %s\n\n", rt_verdict_name(report->verdict));
	rt_buf_addf(out, "%zu passed, %zu failed, %zu skipped, %zu gained, isolation %s, id `%s`\n\n",
		    report->counts[RT_STATUS_PASS], report->counts[RT_STATUS_FAIL] + report->counts[RT_STATUS_ERROR],
		    report->counts[RT_STATUS_SKIP], report->gains.n,
		    report->isolation ? report->isolation : "none needed", report->id);
	if (report->why)
		add_fenced(out, report->why);
	if (report->regressions.n)
		rt_buf_adds(out, "| regressed | was | is now |\n|---|---|---|\n");
	for (size_t i = 0; i < report->regressions.n && i < 100; i++) {
		rt_buf_adds(out, "| ");
		add_markdown(out, report->regressions.at[i].id);
		rt_buf_addf(out, " | %s | %s |\n", report->regressions.at[i].was, report->regressions.at[i].now);
	}
	for (size_t i = 0; i < report->regressions.n && i < 10; i++)
		if (report->regressions.at[i].excerpt)
			add_fenced(out, report->regressions.at[i].excerpt);
	for (size_t i = 0; i < report->refusals.n; i++) {
		rt_buf_addf(out, "- refused by rule **%s**: ", report->refusals.at[i].rule);
		add_markdown(out, report->refusals.at[i].path ? report->refusals.at[i].path : "");
		rt_buf_adds(out, ": ");
		add_markdown(out, report->refusals.at[i].reason);
		rt_buf_addc(out, '\n');
	}
	for (size_t i = 0; i < report->unproven.n && i < 50; i++) {
		rt_buf_adds(out, "- unproven: ");
		add_markdown(out, report->unproven.at[i]);
		rt_buf_addc(out, '\n');
	}
	rt_buf_adds(out, "\n| cell | status | executed | time |\n|---|---|---|---|\n");
	for (size_t i = 0; i < report->cells.n; i++)
		rt_buf_addf(out, "| %s | %s | %zu | %.1f s |\n", report->cells.at[i].name, report->cells.at[i].status,
			    report->cells.at[i].executed, (double)report->cells.at[i].duration_ms / 1000);
}

void
rt_ci_outputs(const struct rt_report *report, struct rt_buf *out)
{
	rt_buf_addf(out, "verdict=%s\nid=%s\nregressions=%zu\ngains=%zu\nrefusals=%zu\nbase=%s\n",
		    rt_verdict_name(report->verdict), report->id, report->regressions.n, report->gains.n,
		    report->refusals.n, report->base.hex);
	if (report->landed.hex[0])
		rt_buf_addf(out, "recorded=%s\n", report->landed.hex);
}

/* ---- GitLab ---- */

static void
add_xml(struct rt_buf *out, const char *text)
{
	for (; text && *text; text++) {
		if (*text == '<')
			rt_buf_adds(out, "&lt;");
		else if (*text == '>')
			rt_buf_adds(out, "&gt;");
		else if (*text == '&')
			rt_buf_adds(out, "&amp;");
		else if (*text == '"')
			rt_buf_adds(out, "&quot;");
		else if (*text == '\n' || (unsigned char)*text >= 0x20)
			rt_buf_addc(out, *text);
		else
			rt_buf_addc(out, '?');
	}
}

static void
add_failed_case(struct rt_buf *out, const char *class, const char *name, const char *message, const char *text)
{
	rt_buf_addf(out, "  <testcase classname=\"%s\" name=\"", class);
	add_xml(out, name);
	rt_buf_adds(out, "\">\n    <failure message=\"");
	add_xml(out, message);
	rt_buf_adds(out, "\">");
	add_xml(out, text);
	rt_buf_adds(out, "</failure>\n  </testcase>\n");
}

void
rt_ci_junit(const struct rt_report *report, struct rt_buf *out)
{
	size_t failures = report->regressions.n + report->refusals.n + report->unproven.n;
	rt_buf_addf(out,
		    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"ratchet\" tests=\"%zu\" "
		    "failures=\"%zu\" time=\"%.3f\">\n",
		    report->cells.n + failures, failures, (double)report->duration_ms / 1000);
	for (size_t i = 0; i < report->cells.n; i++)
		rt_buf_addf(out, "  <testcase classname=\"cell\" name=\"%s (%s)\" time=\"%.3f\"/>\n",
			    report->cells.at[i].name, report->cells.at[i].status,
			    (double)report->cells.at[i].duration_ms / 1000);
	for (size_t i = 0; i < report->regressions.n; i++) {
		const struct rt_change *change = &report->regressions.at[i];
		rt_auto(free) char *message = rt_format("was %s, is now %s", change->was, change->now);
		add_failed_case(out, "regressed", change->id, message, change->excerpt);
	}
	for (size_t i = 0; i < report->refusals.n; i++) {
		const struct rt_refusal *refusal = &report->refusals.at[i];
		rt_auto(free) char *name =
		    rt_format("%s%s%s", refusal->rule, refusal->path ? ": " : "", refusal->path ? refusal->path : "");
		add_failed_case(out, "refused", name, refusal->reason, NULL);
	}
	for (size_t i = 0; i < report->unproven.n; i++)
		add_failed_case(out, "unproven", report->unproven.at[i], "could not be shown", NULL);
	rt_buf_adds(out, "</testsuite>\n");
}

static void
add_issue(struct rt_json *list, const char *rule, const char *path, unsigned line, const char *text)
{
	struct rt_json *issue = rt_json_new_object(), *location = rt_json_new_object(), *lines = rt_json_new_object();
	char fingerprint[RT_SHA256_HEX + 1];
	rt_auto(free) char *key = rt_format("%s\n%s\n%s", rule, path, text);
	rt_sha256_of(key, strlen(key), fingerprint);
	rt_json_set_int(lines, "begin", line ? line : 1);
	rt_json_set_string(location, "path", path);
	rt_json_set(location, "lines", lines);
	rt_json_set_string(issue, "description", text);
	rt_json_set_string(issue, "check_name", rule);
	rt_json_set_string(issue, "fingerprint", fingerprint);
	rt_json_set_string(issue, "severity", "blocker");
	rt_json_set(issue, "location", location);
	rt_json_append(list, issue);
}

void
rt_ci_code_quality(const struct rt_report *report, struct rt_buf *out)
{
	struct rt_json *list = rt_json_new_array();
	for (size_t i = 0; i < report->regressions.n; i++) {
		const struct rt_change *change = &report->regressions.at[i];
		rt_auto(free) char *text = rt_format("%s: was %s, is now %s", change->id, change->was, change->now);
		add_issue(list, "ratchet/regressed", "ratchet.yml", 0, text);
	}
	for (size_t i = 0; i < report->refusals.n; i++) {
		const struct rt_refusal *refusal = &report->refusals.at[i];
		rt_auto(free) char *rule = rt_format("ratchet/%s", refusal->rule);
		add_issue(list, rule, refusal->path ? refusal->path : "ratchet.yml", refusal->line, refusal->reason);
	}
	rt_json_write(list, out);
	rt_json_free(list);
	rt_buf_addc(out, '\n');
}
