#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#include "support/buf.h"

Test(buf, empty_buffer_is_an_empty_string)
{
	rt_auto(buf) struct rt_buf buf = RT_BUF_INIT;

	cr_assert_str_eq(buf.data, "");
	rt_buf_add(&buf, NULL, 0);
	rt_buf_cut(&buf, 0);
	cr_assert_str_eq(buf.data, "");
	cr_assert_eq(buf.cap, 0);
}

Test(buf, stays_terminated_while_it_grows)
{
	rt_auto(buf) struct rt_buf buf = RT_BUF_INIT;
	size_t i;

	for (i = 1; i <= 5000; i++) {
		rt_buf_addc(&buf, 'a');
		cr_assert_eq(strlen(buf.data), i);
	}
}

Test(buf, holds_nul_bytes)
{
	rt_auto(buf) struct rt_buf buf = RT_BUF_INIT;

	rt_buf_add(&buf, "a\0b", 3);
	rt_buf_adds(&buf, "c");
	cr_assert_eq(buf.len, 4);
	cr_assert_arr_eq(buf.data, "a\0bc", 5);
}

Test(buf, formats_text_longer_than_its_room)
{
	rt_auto(buf) struct rt_buf buf = RT_BUF_INIT;

	rt_buf_addf(&buf, "%s", "x");
	rt_buf_addf(&buf, "%0*d|", 3000, 7);
	cr_assert_eq(buf.len, 3002);
	cr_assert_str_eq(buf.data + 2999, "07|");
}

Test(buf, formats_text_that_fits_exactly)
{
	rt_auto(buf) struct rt_buf buf = RT_BUF_INIT;
	size_t room;

	rt_buf_reserve(&buf, 64);
	room = buf.cap - 1;
	rt_buf_addf(&buf, "%0*d", (int)room, 1);
	cr_assert_eq(buf.len, room);
	cr_assert_eq(strlen(buf.data), room);
}

Test(buf, reserved_room_may_be_written)
{
	rt_auto(buf) struct rt_buf buf = RT_BUF_INIT;

	rt_buf_reserve(&buf, 1000);
	memset(buf.data, 'z', 1000);
	buf.len = 1000;
	rt_buf_addc(&buf, '!');
	cr_assert_eq(strlen(buf.data), 1001);
}

Test(buf, cut_shortens)
{
	rt_auto(buf) struct rt_buf buf = RT_BUF_INIT;

	rt_buf_adds(&buf, "abcdef");
	rt_buf_cut(&buf, 2);
	cr_assert_str_eq(buf.data, "ab");
}

Test(buf, cut_beyond_the_end_is_a_bug, .signal = SIGABRT)
{
	struct rt_buf buf = RT_BUF_INIT;

	rt_buf_cut(&buf, 1);
}

Test(buf, steal_empties_the_buffer)
{
	rt_auto(buf) struct rt_buf buf = RT_BUF_INIT;
	rt_auto(free) char *s = NULL;
	rt_auto(free) char *empty = NULL;

	rt_buf_adds(&buf, "text");
	s = rt_buf_steal(&buf);
	empty = rt_buf_steal(&buf);
	cr_assert_str_eq(s, "text");
	cr_assert_str_eq(empty, "");
	cr_assert_str_eq(buf.data, "");
}

Test(buf, release_may_be_repeated)
{
	struct rt_buf buf = RT_BUF_INIT;

	rt_buf_adds(&buf, "x");
	rt_buf_release(&buf);
	rt_buf_release(&buf);
	cr_assert_str_eq(buf.data, "");
}

Test(strs, serve_as_an_argument_vector)
{
	rt_auto(strs) struct rt_strs strs = {0};
	int i;

	for (i = 0; i < 100; i++) {
		rt_strs_addf(&strs, "%d", i);
		cr_assert_null(strs.at[strs.n]);
	}
	cr_assert_str_eq(strs.at[99], "99");
}

Test(strs, add_part_of_a_string)
{
	rt_auto(strs) struct rt_strs strs = {0};

	rt_strs_addn(&strs, "abcdef", 2);
	cr_assert_str_eq(strs.at[0], "ab");
}

Test(strs, know_what_they_have)
{
	rt_auto(strs) struct rt_strs strs = {0};

	cr_assert_not(rt_strs_has(&strs, "a"));
	rt_strs_add(&strs, "a");
	cr_assert(rt_strs_has(&strs, "a"));
	cr_assert_not(rt_strs_has(&strs, "ab"));
}

Test(strs, sort_bytewise)
{
	rt_auto(strs) struct rt_strs strs = {0};

	rt_strs_add(&strs, "\xc3\xa9");
	rt_strs_add(&strs, "b");
	rt_strs_add(&strs, "B");
	rt_strs_add(&strs, "");
	rt_strs_sort(&strs);
	cr_assert_str_eq(strs.at[0], "");
	cr_assert_str_eq(strs.at[1], "B");
	cr_assert_str_eq(strs.at[2], "b");
	cr_assert_str_eq(strs.at[3], "\xc3\xa9");
}

Test(strs, unique_keeps_one_of_each)
{
	rt_auto(strs) struct rt_strs strs = {0};
	const char *const all[] = {"b", "a", "b", "c", "a", "a"};
	size_t i;

	for (i = 0; i < RT_COUNT(all); i++)
		rt_strs_add(&strs, all[i]);
	rt_strs_sort(&strs);
	rt_strs_unique(&strs);
	cr_assert_eq(strs.n, 3);
	cr_assert_str_eq(strs.at[0], "a");
	cr_assert_str_eq(strs.at[1], "b");
	cr_assert_str_eq(strs.at[2], "c");
	cr_assert_null(strs.at[3]);
}

Test(strs, empty_list_sorts_and_releases)
{
	struct rt_strs strs = {0};

	rt_strs_sort(&strs);
	rt_strs_unique(&strs);
	rt_strs_release(&strs);
	cr_assert_eq(strs.n, 0);
}

Test(text, knows_prefixes_and_suffixes)
{
	cr_assert(rt_starts_with("refs/heads/main", "refs/heads/"));
	cr_assert_not(rt_starts_with("ref", "refs"));
	cr_assert(rt_ends_with("a.yml", ".yml"));
	cr_assert_not(rt_ends_with("yml", ".yml"));
	cr_assert(rt_ends_with("", ""));
}

Test(text, parses_unsigned_numbers_up_to_64_bits)
{
	uint64_t n = 1;

	cr_assert_eq(rt_parse_u64("0", &n), 0);
	cr_assert_eq(n, 0);
	cr_assert_eq(rt_parse_u64("18446744073709551615", &n), 0);
	cr_assert_eq(n, UINT64_MAX);
}

Test(text, refuses_what_is_no_unsigned_number)
{
	const char *const bad[] = {
	    "", " 1", "1 ", "+1", "-1", "0x1", "1.0", "18446744073709551616", "99999999999999999999"};
	uint64_t n = 42;
	size_t i;

	for (i = 0; i < RT_COUNT(bad); i++)
		cr_expect_eq(rt_parse_u64(bad[i], &n), -1, "%s", bad[i]);
	cr_assert_eq(n, 42);
}
