#include <criterion/criterion.h>

#include <stdint.h>
#include <string.h>

#include "model/id.h"

static void
expect_escape(const char *raw, size_t len, const char *escaped)
{
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT, back = RT_BUF_INIT;

	rt_id_escape(&out, raw, len);
	cr_assert_str_eq(out.data, escaped);
	cr_assert_eq(rt_id_unescape(&back, out.data), 0);
	cr_assert_eq(back.len, len);
	cr_assert_arr_eq(back.data, raw, len);
	cr_assert(rt_id_escaped(out.data, out.len));
}

#define EXPECT_ESCAPE(raw, escaped) expect_escape(raw, sizeof(raw) - 1, escaped)

Test(id, leaves_printable_text_and_utf8_alone)
{
	EXPECT_ESCAPE("Suite::adds [1 + 2] = \"3\"", "Suite::adds [1 + 2] = \"3\"");
	EXPECT_ESCAPE("na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80", "na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80");
}

Test(id, escapes_backslash_tab_newline_and_carriage_return_by_letter)
{
	EXPECT_ESCAPE("a\\b\tc\nd\re", "a\\\\b\\tc\\nd\\re");
}

Test(id, escapes_other_control_bytes_in_hex)
{
	EXPECT_ESCAPE("\x1b[31m\x7f\0z", "\\x1b[31m\\x7f\\x00z");
}

Test(id, escapes_bytes_that_are_not_utf8_one_by_one)
{
	EXPECT_ESCAPE("\xff\xfe", "\\xff\\xfe");
	EXPECT_ESCAPE("cut \xe2\x82", "cut \\xe2\\x82");
	EXPECT_ESCAPE("\x80 lone", "\\x80 lone");
}

Test(id, escapes_overlong_forms_surrogates_and_points_beyond_unicode)
{
	EXPECT_ESCAPE("\xc0\xaf", "\\xc0\\xaf");
	EXPECT_ESCAPE("\xe0\x80\xaf", "\\xe0\\x80\\xaf");
	EXPECT_ESCAPE("\xed\xa0\x80", "\\xed\\xa0\\x80");
	EXPECT_ESCAPE("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
}

Test(id, escapes_bidirectional_and_c1_controls_by_code_point)
{
	EXPECT_ESCAPE("a\xe2\x80\xae"
		      "b",
		      "a\\u{202e}b");
	EXPECT_ESCAPE("\xd8\x9c\xe2\x80\x8e\xe2\x81\xa6", "\\u{61c}\\u{200e}\\u{2066}");
	EXPECT_ESCAPE("\xc2\x9b"
		      "31m",
		      "\\u{9b}31m");
}

Test(id, unescapes_an_escaped_space_so_that_a_rename_can_hold_an_arrow)
{
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;

	cr_assert_eq(rt_id_unescape(&out, "a\\x20->\\x20b"), 0);
	cr_assert_str_eq(out.data, "a -> b");
	cr_assert_not(rt_id_escaped("a\\x20b", 6), "it is not the form that escaping writes");
}

Test(id, refuses_text_that_is_not_well_escaped)
{
	static const char *const bad[] = {"\\",	   "\\q",	"\\x1",	       "\\xg0",	       "\\u",
					  "\\u{}", "\\u{d800}", "\\u{110000}", "\\u{1234567}", "\\u{12"};
	size_t i;

	for (i = 0; i < RT_COUNT(bad); i++) {
		rt_auto(buf) struct rt_buf out = RT_BUF_INIT;

		cr_assert_eq(rt_id_unescape(&out, bad[i]), -1, "%s", bad[i]);
	}
}

Test(id, knows_text_that_escaping_would_not_have_written)
{
	static const char raw_tab[] = "a\tb", raw_bad[] = "a\xff", upper[] = "\\x1B", nul[] = "a\0\xff";

	cr_assert_not(rt_id_escaped(raw_tab, 3));
	cr_assert_not(rt_id_escaped(raw_bad, 2));
	cr_assert_not(rt_id_escaped(upper, 4));
	cr_assert_not(rt_id_escaped(nul, 3));
	cr_assert(rt_id_escaped("\\x1b", 4));
}

Test(id, every_byte_string_comes_back_from_its_escaped_form)
{
	uint32_t seed = 1;
	char raw[12];
	int round, i;

	for (round = 0; round < 20000; round++) {
		rt_auto(buf) struct rt_buf out = RT_BUF_INIT, back = RT_BUF_INIT;
		size_t len = (size_t)(round % (int)sizeof(raw));

		for (i = 0; i < (int)len; i++) {
			seed = seed * 1664525 + 1013904223;
			/* Mostly lead and continuation bytes: that is where decoding can go wrong. */
			raw[i] = (char)(seed >> 24 | (seed & 0x300 ? 0x80 : 0));
		}
		rt_id_escape(&out, raw, len);
		cr_assert(rt_id_escaped(out.data, out.len));
		cr_assert_eq(rt_id_unescape(&back, out.data), 0);
		cr_assert(back.len == len && !memcmp(back.data, raw, len));
	}
}

Test(id, text_for_people_keeps_newline_tab_and_backslash)
{
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;

	rt_id_escape_text(&out, "C:\\a\n\tb\r\x1b", 9);
	cr_assert_str_eq(out.data, "C:\\a\n\tb\\r\\x1b");
}

Test(id, names_are_letters_digits_dot_dash_and_underscore)
{
	cr_assert(rt_name_valid("unit-tests_3.11"));
	cr_assert_not(rt_name_valid(""));
	cr_assert_not(rt_name_valid("a b"));
	cr_assert_not(rt_name_valid("a/b"));
	cr_assert_not(rt_name_valid("a[b"));
	cr_assert_not(rt_name_valid("\xc3\xa4"));
}

Test(id, case_joins_its_parts_and_drops_empty_ones)
{
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;
	const char *parts[] = {"pkg.Class", "", NULL, "adds\tup"};

	rt_id_case(&out, "unit[cc=gcc]", parts, RT_COUNT(parts));
	cr_assert_str_eq(out.data, "unit[cc=gcc]/pkg.Class::adds\\tup");
}

Test(id, case_without_any_name_is_unnamed)
{
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;
	const char *parts[] = {"", NULL};

	rt_id_case(&out, "unit", parts, RT_COUNT(parts));
	cr_assert_str_eq(out.data, "unit/(unnamed)");
}

Test(id, finds_cell_and_check_in_an_id)
{
	cr_assert_eq(rt_id_cell_len("unit[cc=gcc]/a/b::c"), 12);
	cr_assert_eq(rt_id_check_len("unit[cc=gcc]/a/b::c"), 4);
	cr_assert_eq(rt_id_cell_len("unit/a[0]"), 4);
	cr_assert_eq(rt_id_check_len("unit/a[0]"), 4);
}

Test(id, a_byte_that_is_not_plain_is_escaped_wherever_it_stands)
{
	static const char odd[] = {'\\', '\x7f', '\x1f', '\x80', '\xff'};

	for (size_t at = 0; at < 24; at++)
		for (size_t i = 0; i < sizeof(odd); i++) {
			rt_auto(buf) struct rt_buf out = RT_BUF_INIT;
			char text[25] = "aaaaaaaaaaaaaaaa~~~ z!AZ";

			text[at] = odd[i];
			cr_assert_not(rt_id_escaped(text, 24), "%#x at %zu", (unsigned char)odd[i], at);
			rt_id_escape(&out, text, 24);
			cr_assert(rt_id_escaped(out.data, out.len));
			cr_assert_gt(out.len, 24);
			cr_assert_eq(memcmp(out.data, text, at), 0);
			cr_assert_eq(strcmp(out.data + out.len - (23 - at), text + at + 1), 0);
		}
}
