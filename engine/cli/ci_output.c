#include "cli/ci_output.h"

#include <string.h>

#include "model/id.h"
#include "support/digest.h"

/* GitHub shows ten errors of a step, and drops a summary of more than 1 MiB as a whole. */
enum { SHOWN = 10, SUMMARY_ITEMS = 100, SUMMARY_MAX = 1000000 };

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
	for (size_t i = 0; i < report->regressions.n && i < SHOWN; i++) {
		const struct rt_change *change = &report->regressions.at[i];
		rt_auto(free) char *text = rt_format("%s: was %s, is now %s\n%s", change->id, change->was, change->now,
						     change->excerpt ? change->excerpt : "");
		add_annotation(out, NULL, 0, "ratchet: regressed", text);
	}
	for (size_t i = 0; i < report->refusals.n && i < SHOWN; i++) {
		const struct rt_refusal *refusal = &report->refusals.at[i];
		rt_auto(free) char *title = rt_format("ratchet: refused by rule %s", refusal->rule);
		add_annotation(out, refusal->path, refusal->line, title, refusal->reason);
	}
	for (size_t i = 0; i < report->unproven.n && i < SHOWN; i++)
		add_annotation(out, NULL, 0, "ratchet: unproven", report->unproven.at[i]);
}

void
rt_ci_trouble_annotation(const struct rt_err *err, struct rt_buf *out)
{
	add_annotation(out, err->file[0] ? err->file : NULL, err->line, "ratchet: no verdict", err->text);
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

/* "- text: and more" of hostile words; NULL parts are left out. */
static void
add_item(struct rt_buf *out, const char *what, const char *path, unsigned line, const char *text)
{
	rt_buf_addf(out, "- %s: ", what);
	if (path) {
		add_markdown(out, path);
		if (line)
			rt_buf_addf(out, ":%u", line);
		rt_buf_adds(out, ": ");
	}
	add_markdown(out, text);
	rt_buf_addc(out, '\n');
}

void
rt_ci_trouble_summary(const struct rt_err *err, struct rt_buf *out)
{
	rt_buf_adds(out, "### ratchet: no verdict\n\n");
	add_item(out, "why", err->file[0] ? err->file : NULL, err->line, err->text);
}

static void
add_more(struct rt_buf *out, size_t n)
{
	if (n > SUMMARY_ITEMS)
		rt_buf_addf(out, "\nand %zu more; `ratchet ci --json` lists all\n", n - SUMMARY_ITEMS);
}

static void
add_regressed(const struct rt_report *report, struct rt_buf *out)
{
	if (report->regressions.n)
		rt_buf_adds(out, "\n| regressed | was | is now |\n|---|---|---|\n");
	for (size_t i = 0; i < report->regressions.n && i < SUMMARY_ITEMS; i++) {
		rt_buf_adds(out, "| ");
		add_markdown(out, report->regressions.at[i].id);
		rt_buf_addf(out, " | %s | %s |\n", report->regressions.at[i].was, report->regressions.at[i].now);
	}
	add_more(out, report->regressions.n);
	for (size_t i = 0; i < report->regressions.n && i < SHOWN; i++)
		if (report->regressions.at[i].excerpt)
			add_fenced(out, report->regressions.at[i].excerpt);
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
	add_regressed(report, out);
	for (size_t i = 0; i < report->refusals.n && i < SUMMARY_ITEMS; i++) {
		const struct rt_refusal *refusal = &report->refusals.at[i];
		rt_auto(free) char *what = rt_format("refused by rule **%s**", refusal->rule);
		add_item(out, what, refusal->path, refusal->line, refusal->reason);
	}
	add_more(out, report->refusals.n);
	for (size_t i = 0; i < report->unproven.n && i < SUMMARY_ITEMS; i++)
		add_item(out, "unproven", NULL, 0, report->unproven.at[i]);
	add_more(out, report->unproven.n);
	rt_buf_adds(out, "\n| cell | status | executed | time |\n|---|---|---|---|\n");
	for (size_t i = 0; i < report->cells.n && i < SUMMARY_ITEMS; i++)
		rt_buf_addf(out, "| %s | %s | %zu | %.1f s |\n", report->cells.at[i].name, report->cells.at[i].status,
			    report->cells.at[i].executed, (double)report->cells.at[i].duration_ms / 1000);
	add_more(out, report->cells.n);
	if (out->len > SUMMARY_MAX) {
		rt_buf_cut(out, 0);
		rt_buf_addf(out, "### ratchet: %s\n\nid `%s`; the details are too long for a summary: see the log\n",
			    rt_verdict_name(report->verdict), report->id);
	}
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

/* What is not allowed in XML, escaped or not, is shown as it is written in an id. */
static void
add_xml(struct rt_buf *out, const char *text)
{
	rt_auto(buf) struct rt_buf safe = RT_BUF_INIT;
	rt_id_escape_text(&safe, text ? text : "", text ? strlen(text) : 0);
	for (const char *at = safe.data; at && *at; at++) {
		if (*at == '<')
			rt_buf_adds(out, "&lt;");
		else if (*at == '>')
			rt_buf_adds(out, "&gt;");
		else if (*at == '&')
			rt_buf_adds(out, "&amp;");
		else if (*at == '"')
			rt_buf_adds(out, "&quot;");
		else if (strncmp(at, "\xef\xbf\xbe", 3) == 0 || strncmp(at, "\xef\xbf\xbf", 3) == 0)
			rt_buf_adds(out, at[2] == '\xbe' ? "\\u{fffe}" : "\\u{ffff}"), at += 2;
		else
			rt_buf_addc(out, *at);
	}
}

/* bad: "failure", or "skipped" when the verdict is good all the same. */
static void
add_bad_case(struct rt_buf *out, const char *bad, const char *class, const char *name, const char *message,
	     const char *text)
{
	rt_buf_addf(out, "  <testcase classname=\"%s\" name=\"", class);
	add_xml(out, name);
	rt_buf_addf(out, "\">\n    <%s message=\"", bad);
	add_xml(out, message);
	rt_buf_adds(out, "\">");
	add_xml(out, text);
	rt_buf_addf(out, "</%s>\n  </testcase>\n", bad);
}

static bool
cell_passed(const struct rt_cell_report *cell)
{
	return strcmp(cell->status, "passed") == 0;
}

static void
add_cell_case(struct rt_buf *out, const char *bad, const struct rt_cell_report *cell)
{
	if (cell_passed(cell))
		rt_buf_addf(out, "  <testcase classname=\"cell\" name=\"%s\" time=\"%.3f\"/>\n", cell->name,
			    (double)cell->duration_ms / 1000);
	else
		add_bad_case(out, bad, "cell", cell->name, cell->status, cell->problem);
}

void
rt_ci_junit(const struct rt_report *report, struct rt_buf *out)
{
	const char *bad = rt_verdict_exit(report->verdict) == 0 ? "skipped" : "failure";
	size_t n = report->regressions.n + report->refusals.n + report->unproven.n;
	for (size_t i = 0; i < report->cells.n; i++)
		n += !cell_passed(&report->cells.at[i]);
	size_t tests = report->cells.n + report->regressions.n + report->refusals.n + report->unproven.n;
	rt_buf_addf(out,
		    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"ratchet\" tests=\"%zu\" "
		    "failures=\"%zu\" skipped=\"%zu\" time=\"%.3f\">\n",
		    tests, bad[0] == 'f' ? n : 0, bad[0] == 'f' ? 0 : n, (double)report->duration_ms / 1000);
	for (size_t i = 0; i < report->cells.n; i++)
		add_cell_case(out, bad, &report->cells.at[i]);
	for (size_t i = 0; i < report->regressions.n; i++) {
		const struct rt_change *change = &report->regressions.at[i];
		rt_auto(free) char *message = rt_format("was %s, is now %s", change->was, change->now);
		add_bad_case(out, bad, "regressed", change->id, message, change->excerpt);
	}
	for (size_t i = 0; i < report->refusals.n; i++) {
		const struct rt_refusal *refusal = &report->refusals.at[i];
		rt_auto(free) char *name =
		    rt_format("%s%s%s", refusal->rule, refusal->path ? ": " : "", refusal->path ? refusal->path : "");
		add_bad_case(out, bad, "refused", name, refusal->reason, NULL);
	}
	for (size_t i = 0; i < report->unproven.n; i++)
		add_bad_case(out, bad, "unproven", report->unproven.at[i], "could not be shown", report->why);
	rt_buf_adds(out, "</testsuite>\n");
}

static void
add_issue(struct rt_json *list, const char *severity, const char *rule, const char *path, unsigned line,
	  const char *text)
{
	struct rt_json *issue = rt_json_new_object(), *location = rt_json_new_object(), *lines = rt_json_new_object();
	char fingerprint[RT_SHA256_HEX + 1];
	rt_auto(free) char *key = rt_format("%s\n%s:%u\n%s", rule, path, line, text);
	rt_sha256_of(key, strlen(key), fingerprint);
	rt_json_set_int(lines, "begin", line ? line : 1);
	rt_json_set_string(location, "path", path);
	rt_json_set(location, "lines", lines);
	rt_json_set_string(issue, "description", text);
	rt_json_set_string(issue, "check_name", rule);
	rt_json_set_string(issue, "fingerprint", fingerprint);
	rt_json_set_string(issue, "severity", severity);
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
		add_issue(list, "blocker", "ratchet/regressed", "ratchet.yml", 0, text);
	}
	for (size_t i = 0; i < report->refusals.n; i++) {
		const struct rt_refusal *refusal = &report->refusals.at[i];
		rt_auto(free) char *rule = rt_format("ratchet/%s", refusal->rule);
		add_issue(list, "blocker", rule, refusal->path ? refusal->path : "ratchet.yml", refusal->line,
			  refusal->reason);
	}
	for (size_t i = 0; i < report->unproven.n && rt_verdict_exit(report->verdict) != 0; i++)
		add_issue(list, "major", "ratchet/unproven", "ratchet.yml", 0, report->unproven.at[i]);
	rt_json_write(list, out);
	rt_json_free(list);
	rt_buf_addc(out, '\n');
}
