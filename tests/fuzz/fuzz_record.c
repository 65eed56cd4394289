/* Whatever the bytes: an error, or an entry that is written as it was read. */

#include <stdint.h>
#include <string.h>

#include "model/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	rt_auto(record) struct rt_record record = RT_RECORD_INIT;
	rt_auto(buf) struct rt_buf again = RT_BUF_INIT;
	struct rt_err err = RT_ERR_INIT;
	char digest[RT_SHA256_HEX + 1] = "";

	if (rt_record_parse(&record, (const char *)bytes, len, digest, &err) < 0) {
		if (err.code != RT_EUNKNOWN || !err.text[0] || record.id || record.extra)
			rt_bug("an error without text, or with a record: %s", err.text);
		return 0;
	}
	if (strlen(digest) != RT_SHA256_HEX || record.seq < 1)
		rt_bug("an entry without digest or number");
	rt_record_write(&record, &again);
	if (again.len != len || memcmp(again.data, bytes, len))
		rt_bug("an entry was read that is written otherwise:\n%s", again.data);
	return 0;
}
