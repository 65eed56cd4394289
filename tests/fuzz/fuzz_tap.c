#include "fuzz_reading.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	fuzz_reading("tap", NULL, bytes, len);
	return 0;
}
