/* Whatever the bytes: an error, or a value whose canonical form reads back as itself, as the pretty form does. */

#include <stdint.h>
#include <string.h>

#include "support/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
expect_canonical(const struct rt_buf *text, const struct rt_buf *canonical)
{
	rt_auto(json) struct rt_json *value = NULL;
	rt_auto(buf) struct rt_buf again = RT_BUF_INIT;
	struct rt_err err = RT_ERR_INIT;

	if (rt_json_parse(&value, text->data, text->len, "again", &err))
		rt_bug("does not read back: %s", err.text);
	rt_json_write(value, &again);
	if (again.len != canonical->len || memcmp(again.data, canonical->data, again.len))
		rt_bug("%s became %s", canonical->data, again.data);
}

static void
check(const struct rt_json *value)
{
	rt_auto(buf) struct rt_buf canonical = RT_BUF_INIT;
	rt_auto(buf) struct rt_buf pretty = RT_BUF_INIT;
	size_t i;

	rt_json_write(value, &canonical);
	for (i = 0; i < canonical.len; i++)
		if (canonical.data[i] < ' ' || canonical.data[i] > '~')
			rt_bug("byte %zu of the canonical form is not printable ASCII", i);
	expect_canonical(&canonical, &canonical);
	rt_json_write_pretty(value, &pretty);
	expect_canonical(&pretty, &canonical);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	rt_auto(json) struct rt_json *value = NULL;
	rt_auto(json) struct rt_json *some = NULL;
	struct rt_err err = RT_ERR_INIT;
	size_t used = 0;

	if (!rt_json_parse(&value, (const char *)bytes, len, "fuzz.json", &err))
		check(value);
	else if (value || err.code != RT_EUNKNOWN || !err.text[0] || strcmp(err.file, "fuzz.json"))
		rt_bug("error without code, text or file: %s", err.text);
	if (!rt_json_parse_some(&some, (const char *)bytes, len, &used, "fuzz.json", &err) && (!used || used > len))
		rt_bug("%zu of %zu bytes used", used, len);
	if (value && !some)
		rt_bug("the whole is a value, and its beginning is none");
	return 0;
}
