#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

#include "support/regex.h"

TestSuite(regex);

static struct rt_err err = RT_ERR_INIT;

static struct rt_regex *
compiled(const char *pattern)
{
	struct rt_regex *regex = NULL;

	cr_assert_eq(rt_regex_new(&regex, pattern, &err), 0, "%s", err.text);
	return regex;
}

static int
search(const char *pattern, const char *text)
{
	rt_auto(regex) struct rt_regex *regex = compiled(pattern);

	return rt_regex_search(regex, text, strlen(text), 0, NULL, 0, &err);
}

Test(regex, finds_or_does_not_find)
{
	cr_assert_eq(search("b+", "abbc"), 1);
	cr_assert_eq(search("x", "abbc"), 0);
	cr_assert_eq(search("", ""), 1);
}

Test(regex, gives_the_spans_of_groups)
{
	rt_auto(regex) struct rt_regex *regex = compiled("(a)(x)?(b)");
	struct rt_span spans[6];

	cr_assert_eq(rt_regex_search(regex, "..ab", 4, 0, spans, 6, &err), 1);
	cr_assert_eq(spans[0].start, 2);
	cr_assert_eq(spans[0].end, 4);
	cr_assert_eq(spans[1].end, 3);
	cr_assert_eq(spans[2].start, SIZE_MAX);
	cr_assert_eq(spans[3].start, 3);
	cr_assert_eq(spans[4].start, SIZE_MAX);
	cr_assert_eq(spans[5].start, SIZE_MAX);
}

Test(regex, trailing_group_that_is_unset_says_so)
{
	rt_auto(regex) struct rt_regex *regex = compiled("(a)(b)?");
	struct rt_span spans[3] = {{7, 7}, {7, 7}, {7, 7}};

	cr_assert_eq(rt_regex_search(regex, "a", 1, 0, spans, 3, &err), 1);
	cr_assert_eq(spans[2].start, SIZE_MAX);
}

Test(regex, fills_only_the_spans_there_is_room_for)
{
	rt_auto(regex) struct rt_regex *regex = compiled("(a)(b)");
	struct rt_span spans[2] = {{7, 7}, {7, 7}};

	cr_assert_eq(rt_regex_search(regex, "ab", 2, 0, spans, 1, &err), 1);
	cr_assert_eq(spans[0].end, 2);
	cr_assert_eq(spans[1].start, 7);
}

Test(regex, searches_from_an_offset)
{
	rt_auto(regex) struct rt_regex *regex = compiled("a");
	struct rt_span span;

	cr_assert_eq(rt_regex_search(regex, "aba", 3, 1, &span, 1, &err), 1);
	cr_assert_eq(span.start, 2);
	cr_assert_eq(rt_regex_search(regex, "aba", 3, 3, &span, 1, &err), 0);
	cr_assert_eq(rt_regex_search(regex, "aba", 3, 4, &span, 1, &err), 0);
}

Test(regex, text_before_the_offset_is_still_looked_at)
{
	rt_auto(regex) struct rt_regex *regex = compiled("^b");

	cr_assert_eq(rt_regex_search(regex, "ab", 2, 1, NULL, 0, &err), 0);
}

Test(regex, anchors_match_at_lines)
{
	cr_assert_eq(search("^b$", "a\nb\nc"), 1);
}

Test(regex, reads_bytes_and_not_characters)
{
	cr_assert_eq(search("^\\xff.$", "\xff\xfe"), 1);
	cr_assert_eq(search("^..$", "\xc3\xa9"), 1);
}

Test(regex, text_may_hold_a_nul)
{
	rt_auto(regex) struct rt_regex *regex = compiled("\\x00b");
	struct rt_span span;

	cr_assert_eq(rt_regex_search(regex, "a\0b", 3, 0, &span, 1, &err), 1);
	cr_assert_eq(span.start, 1);
}

Test(regex, may_be_used_many_times)
{
	rt_auto(regex) struct rt_regex *regex = compiled("(\\d+)-(\\d+)");
	struct rt_span spans[3];
	int i;

	for (i = 0; i < 1000; i++) {
		cr_assert_eq(rt_regex_search(regex, "x 12-345", 8, 0, spans, 3, &err), 1);
		cr_assert_eq(spans[2].end, 8);
		cr_assert_eq(rt_regex_search(regex, "x 12+345", 8, 0, spans, 3, &err), 0);
	}
}

Test(regex, bad_expression_is_an_error_with_its_place)
{
	struct rt_regex *regex = NULL;

	cr_assert_eq(rt_regex_new(&regex, "a(b", &err), -1);
	cr_assert_eq(err.code, RT_ECONFIG);
	cr_assert(strstr(err.text, "`a(b` is wrong at offset 3: missing closing parenthesis"), "%s", err.text);
	cr_assert_null(regex);
}

Test(regex, utf_mode_cannot_be_switched_on)
{
	struct rt_regex *regex = NULL;

	cr_assert_eq(rt_regex_new(&regex, "(*UTF)a", &err), -1);
	cr_assert_eq(err.code, RT_ECONFIG);
}

static void
expect_to_give_up(const char *pattern, char fill, size_t len)
{
	rt_auto(regex) struct rt_regex *regex = compiled(pattern);
	rt_auto(free) char *text = rt_alloc(len, 1);

	memset(text, fill, len);
	text[len - 1] = '!';
	cr_expect_eq(rt_regex_search(regex, text, len, 0, NULL, 0, &err), -1, "%s", pattern);
	cr_expect_eq(err.code, RT_EUNKNOWN);
	cr_expect(strstr(err.text, pattern), "%s", err.text);
}

Test(regex, exponential_backtracking_is_an_error)
{
	expect_to_give_up("(a+)+$", 'a', 100);
	expect_to_give_up("(?:a|aa)+$", 'a', 100);
}

Test(regex, polynomial_backtracking_is_an_error)
{
	expect_to_give_up("[a-z]+[a-y]*\\d", 'a', 1 << 20);
	expect_to_give_up("\\s+$x", ' ', 1 << 20);
}

Test(regex, deep_recursion_is_an_error)
{
	rt_auto(regex) struct rt_regex *regex = compiled("^(\\((?1)*\\))$");
	size_t len = 1 << 20;
	rt_auto(free) char *text = rt_alloc(len, 1);

	memset(text, '(', len);
	cr_assert_leq(rt_regex_search(regex, text, len, 0, NULL, 0, &err), 0);
}

Test(regex, free_of_nothing_is_fine)
{
	rt_regex_free(NULL);
}
