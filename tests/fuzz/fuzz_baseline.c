/*
 * Whatever the bytes: an error with its line, or a baseline that is written in one form, reads back as itself, and
 * joins with itself to itself. The check is named "u".
 */

#include <stdint.h>
#include <string.h>

#include "model/baseline.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
expect_equal(const struct rt_baseline *a, const struct rt_baseline *b, const char *what)
{
	size_t i;

	if (a->lines.n != b->lines.n)
		rt_bug("%s: %zu lines became %zu", what, a->lines.n, b->lines.n);
	for (i = 0; i < a->lines.n; i++)
		if (!rt_line_equal(&a->lines.at[i], &b->lines.at[i]))
			rt_bug("%s: %s differs", what, a->lines.at[i].id);
}

static void
check(const struct rt_baseline *baseline)
{
	rt_auto(baseline) struct rt_baseline back = RT_BASELINE_INIT, joined = RT_BASELINE_INIT;
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT, again = RT_BUF_INIT;
	rt_auto(strs) struct rt_strs falls = {0};
	struct rt_err err = RT_ERR_INIT;
	size_t i;

	rt_baseline_write(baseline, "u", &text);
	if (rt_baseline_parse(&back, "u", text.data, text.len, "again", &err) < 0)
		rt_bug("does not read back: %s", err.text);
	rt_baseline_seal(&back);
	expect_equal(baseline, &back, "written and read");
	rt_baseline_write(&back, NULL, &again);
	if (again.len != text.len || memcmp(again.data, text.data, text.len))
		rt_bug("written in two forms:\n%s\n%s", text.data, again.data);
	rt_baseline_join(&joined, baseline, &back);
	expect_equal(baseline, &joined, "joined with itself");
	rt_baseline_falls(baseline, &joined, &falls);
	if (falls.n)
		rt_bug("%s fell", falls.at[0]);
	for (i = 0; i < baseline->lines.n; i++)
		if (rt_baseline_find(baseline, baseline->lines.at[i].id) != &baseline->lines.at[i])
			rt_bug("%s is not found", baseline->lines.at[i].id);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	rt_auto(baseline) struct rt_baseline baseline = RT_BASELINE_INIT;
	struct rt_err err = RT_ERR_INIT;

	if (rt_baseline_parse(&baseline, "u", (const char *)bytes, len, "u.tsv", &err) < 0) {
		if (err.code != RT_ECONFIG || !err.line || !err.column || strcmp(err.file, "u.tsv"))
			rt_bug("an error without its place: %s", err.text);
		return 0;
	}
	rt_baseline_seal(&baseline);
	check(&baseline);
	return 0;
}
