#include "reading.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "support/file.h"

struct rt_results seen;

const char *tracked_path, *tracked_text, *as_script;
int as_exit = -1;
const char *as_root;
static bool as_findings;

static int
read_tracked(void *data, const char *path, struct rt_buf *text, struct rt_err *err)
{
	(void)data;
	(void)err;
	if (strcmp(path, tracked_path))
		return 0;
	rt_buf_adds(text, tracked_text);
	return 1;
}

void
tidy(void)
{
	rt_results_release(&seen);
	tracked_path = NULL;
	as_script = NULL;
	as_exit = -1;
	as_root = NULL;
}

static void
read_source(const char *format, const char *pattern, struct rt_source *source)
{
	rt_auto(file_lines) struct rt_file_lines lines = RT_FILE_LINES_INIT;
	struct rt_reading reading = {.source = source,
				     .cell = "unit",
				     .check = "unit",
				     .lines = &lines,
				     .pattern = pattern,
				     .script = as_script,
				     .exit_code = as_exit,
				     .root = as_root,
				     .results = &seen,
				     .findings = as_findings,
				     .file = tracked_path ? read_tracked : NULL};
	const struct rt_format *f = rt_format_find(format);
	struct rt_err err = RT_ERR_INIT;

	cr_assert_not_null(f, "there is no format %s", format);
	cr_assert_eq(f->read(&reading, &err), 0, "%s", err.text);
}

void
read_bytes(const char *format, const char *pattern, const char *bytes, size_t len)
{
	struct rt_bytes rest = {bytes, len};
	struct rt_source source = rt_source_bytes(&rest, "report");

	read_source(format, pattern, &source);
}

void
read_matches(const char *pattern, const char *text)
{
	as_findings = true;
	read_bytes("regex", pattern, text, strlen(text));
	as_findings = false;
}

void
read_text(const char *format, const char *text)
{
	read_bytes(format, NULL, text, strlen(text));
}

static ssize_t
one_byte(void *data, void *buf, size_t cap)
{
	struct rt_bytes *rest = data;

	if (!rest->len || !cap)
		return 0;
	*(char *)buf = *rest->at++;
	rest->len--;
	return 1;
}

void
read_trickle(const char *format, const char *bytes, size_t len)
{
	struct rt_bytes rest = {bytes, len};
	struct rt_source source = {.read = one_byte, .data = &rest, .name = "report"};

	read_source(format, NULL, &source);
}

char *
golden_bytes(const char *path, size_t *len)
{
	struct rt_buf bytes = RT_BUF_INIT;
	struct rt_err err = RT_ERR_INIT;
	char name[512];

	snprintf(name, sizeof(name), "%s/%s", GOLDEN, path);
	cr_assert_eq(rt_file_read(AT_FDCWD, name, 1 << 20, &bytes, &err), 0, "%s", err.text);
	*len = bytes.len;
	return rt_buf_steal(&bytes);
}

void
read_golden(const char *path, const char *pattern)
{
	size_t len;
	char *bytes = golden_bytes(path, &len);
	char *format = rt_strndup(path, strcspn(path, "/"));

	read_bytes(format, pattern, bytes, len);
	free(format);
	free(bytes);
}

const char *
outcome(const char *id)
{
	const struct rt_case *c = rt_results_find(&seen, id);

	return c ? rt_status_name(c->status) : "none";
}

const char *
note_of(const char *id)
{
	const char *note = rt_results_note(&seen, rt_results_find(&seen, id));

	return note ? note : "";
}

bool
has_problem(const char *part)
{
	for (size_t i = 0; i < seen.problems.n; i++)
		if (strstr(seen.problems.at[i], part))
			return true;
	return false;
}
