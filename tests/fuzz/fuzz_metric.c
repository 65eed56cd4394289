#include "fuzz_reading.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	fuzz_reading("regex", "^x=(\\S*)", bytes, len);
	fuzz_reading("json", "/a/0/b", bytes, len);
	return 0;
}
