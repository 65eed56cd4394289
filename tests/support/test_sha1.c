#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "support/sha1.h"

static void
expect_sum(const unsigned char sum[RT_SHA1_BYTES], const char *hex)
{
	char text[2 * RT_SHA1_BYTES + 1];

	for (size_t i = 0; i < RT_SHA1_BYTES; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", sum[i]);
	cr_expect_str_eq(text, hex);
}

Test(sha1, known_sums)
{
	unsigned char sum[RT_SHA1_BYTES];

	rt_sha1_of("", 0, sum);
	expect_sum(sum, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
	rt_sha1_of("abc", 3, sum);
	expect_sum(sum, "a9993e364706816aba3e25717850c26c9cd0d89d");
}

Test(sha1, parts_are_hashed_as_one)
{
	struct rt_sha1 *h = rt_sha1_start();
	unsigned char sum[RT_SHA1_BYTES];

	rt_sha1_add(h, "a", 1);
	rt_sha1_add(h, "", 0);
	rt_sha1_add(h, "bc", 2);
	rt_sha1_finish(h, sum);
	expect_sum(sum, "a9993e364706816aba3e25717850c26c9cd0d89d");
}

Test(sha1, one_that_is_not_finished_is_freed)
{
	struct rt_sha1 *h = rt_sha1_start();

	rt_sha1_add(h, "a", 1);
	rt_sha1_free(h);
	rt_sha1_free(NULL);
}
