#include "fuzz_reading.h"

/* The readers that share their parts: the first byte says which. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const char *const formats[] = {"gcc",
					      "eslint",
					      "ruff",
					      "shellcheck",
					      "cppcheck",
					      "lcov",
					      "cobertura",
					      "hyperfine",
					      "google-benchmark",
					      "pytest-benchmark",
					      "perf",
					      "time",
					      "ctrf",
					      "gtest",
					      "ratchet.v1"};

	if (len)
		fuzz_reading(formats[bytes[0] % RT_COUNT(formats)], NULL, bytes + 1, len - 1);
	return 0;
}
