#include <criterion/criterion.h>
#include <stdio.h>

#include "support/buf.h"
#include "support/index.h"

static const char *
key_of(const void *owner, size_t position)
{
	return ((const struct rt_strs *)owner)->at[position];
}

Test(index, empty_index_finds_nothing)
{
	struct rt_strs strs = {0};
	struct rt_index index = {.owner = &strs, .key = key_of};

	cr_assert_eq(rt_index_find(&index, "a"), RT_INDEX_NONE);
	rt_index_release(&index);
}

Test(index, finds_every_string_at_its_position)
{
	rt_auto(strs) struct rt_strs strs = {0};
	struct rt_index index = {.owner = &strs, .key = key_of};
	char text[32];
	size_t i;

	for (i = 0; i < 50000; i++) {
		rt_strs_addf(&strs, "case %zu", i);
		rt_index_add(&index, i);
	}
	for (i = 0; i < 50000; i++) {
		snprintf(text, sizeof(text), "case %zu", i);
		cr_assert_eq(rt_index_find(&index, text), i);
		snprintf(text, sizeof(text), "other %zu", i);
		cr_assert_eq(rt_index_find(&index, text), RT_INDEX_NONE);
	}
	cr_assert_eq(index.n, 50000);
	rt_index_release(&index);
}

Test(index, tells_a_string_from_its_prefix)
{
	rt_auto(strs) struct rt_strs strs = {0};
	struct rt_index index = {.owner = &strs, .key = key_of};

	rt_strs_add(&strs, "");
	rt_strs_add(&strs, "a");
	rt_index_add(&index, 0);
	rt_index_add(&index, 1);
	cr_assert_eq(rt_index_find(&index, ""), 0);
	cr_assert_eq(rt_index_find(&index, "a"), 1);
	cr_assert_eq(rt_index_find(&index, "ab"), RT_INDEX_NONE);
	rt_index_release(&index);
}

Test(index, keeps_a_quarter_free)
{
	rt_auto(strs) struct rt_strs strs = {0};
	struct rt_index index = {.owner = &strs, .key = key_of};
	size_t i;

	for (i = 0; i < 1000; i++) {
		rt_strs_addf(&strs, "%zu", i);
		rt_index_add(&index, i);
		cr_assert_leq(index.n, index.cap / 4 * 3);
	}
	rt_index_release(&index);
}

Test(index, release_leaves_an_empty_index)
{
	rt_auto(strs) struct rt_strs strs = {0};
	struct rt_index index = {.owner = &strs, .key = key_of};

	rt_strs_add(&strs, "a");
	rt_index_add(&index, 0);
	rt_index_release(&index);
	cr_assert_eq(rt_index_find(&index, "a"), RT_INDEX_NONE);
	rt_index_add(&index, 0);
	cr_assert_eq(rt_index_find(&index, "a"), 0);
	rt_index_release(&index);
}
