#include <string.h>

#include "model/baseline.h"

/* The check of a file's first id: names of checks hold neither of what may follow. */
static char *
check_of(const struct rt_buf *text)
{
	return rt_strndup(text->data, strcspn(text->data, "/[\n"));
}

/* The lines of one more file, joined with those of the files before it. */
static int
join_file(struct rt_baseline *joined, const char *check, const struct rt_baseline_file *file, struct rt_err *err)
{
	rt_auto(baseline) struct rt_baseline one = RT_BASELINE_INIT;
	rt_auto(baseline) struct rt_baseline both = RT_BASELINE_INIT;
	struct rt_baseline before = *joined;

	if (rt_baseline_parse(&one, check, file->text->data, file->text->len, file->name, err) < 0)
		return -1;
	rt_baseline_seal(&one);
	rt_baseline_join(&both, joined, &one);
	*joined = both;
	both = before;
	return 0;
}

int
rt_baseline_join_files(const struct rt_baseline_file *files, size_t n, struct rt_buf *out, struct rt_err *err)
{
	rt_auto(baseline) struct rt_baseline joined = RT_BASELINE_INIT;
	rt_auto(free) char *check = NULL;
	size_t i;

	rt_baseline_seal(&joined);
	for (i = 0; i < n; i++) {
		if (!files[i].text->len)
			continue;
		if (!check)
			check = check_of(files[i].text);
		if (!check[0])
			return rt_fail_at(err, files[i].name, 1, 1, "the id belongs to no check");
		if (join_file(&joined, check, &files[i], err) < 0)
			return -1;
	}
	rt_baseline_write(&joined, NULL, out);
	return 0;
}
