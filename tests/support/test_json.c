#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "support/json.h"

TestSuite(json);

static struct rt_err err = RT_ERR_INIT;

static struct rt_json *
parsed(const char *text)
{
	struct rt_json *value = NULL;

	cr_assert_eq(rt_json_parse(&value, text, strlen(text), "f.json", &err), 0, "%s: %s", text, err.text);
	return value;
}

static void
expect_written(const struct rt_json *value, const char *text)
{
	rt_auto(buf) struct rt_buf buf = RT_BUF_INIT;

	rt_json_write(value, &buf);
	cr_expect_str_eq(buf.data, text);
}

static void
expect_rewritten(const char *from, const char *to)
{
	rt_auto(json) struct rt_json *value = parsed(from);

	expect_written(value, to);
}

static void
expect_refusal_len(const char *text, size_t len, unsigned line, const char *part)
{
	struct rt_json *value = NULL;

	err = (struct rt_err)RT_ERR_INIT;
	cr_assert_eq(rt_json_parse(&value, text, len, "f.json", &err), -1, "%s", text);
	cr_expect_null(value);
	cr_expect_eq(err.code, RT_EUNKNOWN);
	cr_expect_str_eq(err.file, "f.json");
	cr_expect_eq(err.line, line, "%s: line %u", text, err.line);
	cr_expect(strstr(err.text, part), "%s: %s", text, err.text);
}

static void
expect_refusal(const char *text, unsigned line, const char *part)
{
	expect_refusal_len(text, strlen(text), line, part);
}

Test(json, canonical_form_has_sorted_keys_and_no_spaces)
{
	expect_rewritten(" { \"b\" : [ 1 , true , null ] , \"a\" : { } , \"B\" : [ ] }\n",
			 "{\"B\":[],\"a\":{},\"b\":[1,true,null]}");
}

Test(json, canonical_form_is_ascii)
{
	expect_rewritten("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f\"", "\"\\u00e9\\u20ac\\ud83d\\ude00\\u007f\"");
	expect_rewritten("{\"\xc3\xa9\":1}", "{\"\\u00e9\":1}");
}

Test(json, canonical_form_escapes_controls_by_their_short_names)
{
	expect_rewritten("\"\\u0008\\u0009\\u000a\\u000c\\u000d\\u0022\\u005c\\u002f\\u001f\"",
			 "\"\\b\\t\\n\\f\\r\\\"\\\\/\\u001f\"");
}

Test(json, keys_are_sorted_by_code_point)
{
	expect_rewritten("{\"\xf0\x9f\x98\x80\":1,\"\xef\xbf\xbd\":2,\"a\":3,\"\":4,\"aa\":5}",
			 "{\"\":4,\"a\":3,\"aa\":5,\"\\ufffd\":2,\"\\ud83d\\ude00\":1}");
}

Test(json, highest_and_lowest_characters_survive)
{
	expect_rewritten("\"\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80\xc2\x80\xdf\xbf\xe0\xa0\x80\"",
			 "\"\\udbff\\udfff\\ud7ff\\ue000\\u0080\\u07ff\\u0800\"");
}

Test(json, canonical_form_of_the_canonical_form_is_itself)
{
	const char *const forms[] = {"{\"a\":[1,-2,{\"b\":\"\\ud83d\\ude00\"}],\"c\":0.1}", "[]", "\"\"", "-0.0",
				     "1e+300"};
	size_t i;

	for (i = 0; i < RT_COUNT(forms); i++)
		expect_rewritten(forms[i], forms[i]);
}

Test(json, reals_have_no_more_digits_than_they_need)
{
	expect_rewritten("[0.1,0.3,1.0,100.0,1e22,1e23,5e-324,1.7976931348623157e308]",
			 "[0.1,0.3,1.0,100.0,1e+22,1e+23,4.94065645841247e-324,1.7976931348623157e+308]");
	expect_rewritten("[0.30000000000000004,123456789.123456789]", "[0.30000000000000004,123456789.12345679]");
}

Test(json, reals_stay_reals)
{
	rt_auto(json) struct rt_json *value = parsed("[1.0,-0.0,1e20]");
	rt_auto(buf) struct rt_buf buf = RT_BUF_INIT;
	rt_auto(json) struct rt_json *again = NULL;
	size_t i;

	rt_json_write(value, &buf);
	again = parsed(buf.data);
	for (i = 0; i < 3; i++)
		cr_expect_eq(rt_json_type(rt_json_at(again, i)), RT_JSON_REAL, "%zu", i);
}

Test(json, integers_of_64_bits_survive)
{
	expect_rewritten("[9223372036854775807,-9223372036854775808,0]",
			 "[9223372036854775807,-9223372036854775808,0]");
}

Test(json, numbers_out_of_range_are_refused)
{
	expect_refusal("[9223372036854775808]", 1, "too big integer");
	expect_refusal("[-9223372036854775809]", 1, "too big negative integer");
	expect_refusal("[1e999]", 1, "real number overflow");
}

Test(json, pretty_form_keeps_the_order_and_indents_by_two)
{
	rt_auto(json) struct rt_json *value = parsed("{\"b\":[1,{}],\"a\":{\"x\":[]}}");
	rt_auto(buf) struct rt_buf buf = RT_BUF_INIT;

	rt_json_write_pretty(value, &buf);
	cr_assert_str_eq(buf.data, "{\n  \"b\": [\n    1,\n    {}\n  ],\n  \"a\": {\n    \"x\": []\n  }\n}");
}

Test(json, pretty_form_keeps_text_but_escapes_terminal_controls)
{
	rt_auto(json) struct rt_json *value = parsed("\"\xc3\xa9\\u001b\\u009b\\u007f\"");
	rt_auto(buf) struct rt_buf buf = RT_BUF_INIT;

	rt_json_write_pretty(value, &buf);
	cr_assert_str_eq(buf.data, "\"\xc3\xa9\\u001b\\u009b\\u007f\"");
}

Test(json, duplicate_keys_are_refused)
{
	expect_refusal("{\"a\":1,\n\"a\":2}", 2, "duplicate object key");
}

Test(json, bytes_after_the_value_are_refused)
{
	expect_refusal("{} x", 1, "end of file expected");
	expect_refusal("1 2", 1, "end of file expected");
}

Test(json, broken_syntax_is_refused_with_its_line)
{
	const char *const bad[] = {"",	      "  ",	   "{",	       "[1,]", "{\"a\"}",  "{\"a\":}", "{a:1}",
				   "'a'",     "nul",	   "01",       "+1",   "1.",	   ".5",       "\"a",
				   "\"\\x\"", "\"\\u12\"", "\"a\tb\"", "NaN",  "Infinity", "/**/1",    "]"};
	size_t i;

	for (i = 0; i < RT_COUNT(bad); i++)
		expect_refusal(bad[i], 1, "not JSON");
	expect_refusal("[\n1,\n2\n3]", 4, "not JSON");
}

Test(json, text_that_is_not_utf_8_is_refused_when_parsed)
{
	expect_refusal("\"\xff\"", 1, "unable to decode byte");
	expect_refusal("\"\xc0\x80\"", 1, "unable to decode byte");
	expect_refusal("\"\xed\xa0\x80\"", 1, "unable to decode byte");
	expect_refusal("\"\\ud800\"", 1, "not JSON");
	expect_refusal("\"\\udc00\\ud800\"", 1, "not JSON");
	expect_refusal_len("\"a\0b\"", 5, 1, "not JSON");
}

Test(json, more_levels_than_the_parser_takes_are_refused)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	int i;

	for (i = 0; i < 100000; i++)
		rt_buf_addc(&text, '[');
	expect_refusal(text.data, 1, "maximum parsing depth");
}

Test(json, thousand_levels_are_read_and_written)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	int i;

	for (i = 0; i < 1000; i++)
		rt_buf_addc(&text, '[');
	for (i = 0; i < 1000; i++)
		rt_buf_addc(&text, ']');
	expect_rewritten(text.data, text.data);
}

Test(json, escaped_nul_is_read_as_a_replacement_character)
{
	expect_rewritten("[\"a\\u0000b\",{\"k\":\"\\u0000\"}]", "[\"a\\ufffdb\",{\"k\":\"\\ufffd\"}]");
	expect_rewritten("\"\\\\u0000\"", "\"\\\\u0000\"");
}

Test(json, escaped_nul_in_a_key_is_refused)
{
	expect_refusal("{\"a\\u0000b\":1}", 1, "NUL");
}

Test(json, some_of_a_text_is_parsed_value_by_value)
{
	const char *text = " {\"a\":1}\n[2] \"x\"tail";
	size_t len = strlen(text), used, at = 0;
	struct rt_json *value;
	const char *const expected[] = {"{\"a\":1}", "[2]", "\"x\""};
	int i;

	for (i = 0; i < 3; i++) {
		cr_assert_eq(rt_json_parse_some(&value, text + at, len - at, &used, "f", &err), 0, "%s", err.text);
		expect_written(value, expected[i]);
		rt_json_free(value);
		at += used;
	}
	cr_assert_str_eq(text + at, "tail");
	cr_assert_eq(rt_json_parse_some(&value, text + at, len - at, &used, "f", &err), -1);
}

Test(json, getters_accept_null_and_other_types)
{
	rt_auto(json) struct rt_json *value = parsed("[\"1\"]");
	double x = 7;

	cr_assert_eq(rt_json_type(NULL), RT_JSON_NULL);
	cr_assert_null(rt_json_get(NULL, "a"));
	cr_assert_null(rt_json_get(value, "a"));
	cr_assert_null(rt_json_at(NULL, 0));
	cr_assert_null(rt_json_at(value, 1));
	cr_assert_eq(rt_json_count(NULL), 0);
	cr_assert_eq(rt_json_count(rt_json_at(value, 0)), 0);
	cr_assert_null(rt_json_string(NULL));
	cr_assert_null(rt_json_string(value));
	cr_assert_null(rt_json_get_string(value, "a"));
	cr_assert_eq(rt_json_get_int(value, "a", 5), 5);
	cr_assert_eq(rt_json_int(rt_json_at(value, 0), 6), 6);
	cr_assert(rt_json_get_bool(NULL, "a", true));
	cr_assert_not(rt_json_bool(value, false));
	cr_assert_not(rt_json_number(rt_json_at(value, 0), &x));
	cr_assert_not(rt_json_number(NULL, &x));
	cr_assert_eq(x, 7);
	cr_assert_null(rt_json_pointer(NULL, "/a"));
	rt_json_free(NULL);
}

Test(json, getters_give_what_is_there)
{
	rt_auto(json) struct rt_json *value =
	    parsed("{\"s\":\"x\",\"i\":-3,\"b\":true,\"f\":false,\"r\":2.5,\"n\":null}");
	double x = 0;

	cr_assert_eq(rt_json_count(value), 6);
	cr_assert_str_eq(rt_json_get_string(value, "s"), "x");
	cr_assert_eq(rt_json_get_int(value, "i", 0), -3);
	cr_assert(rt_json_get_bool(value, "b", false));
	cr_assert_not(rt_json_get_bool(value, "f", true));
	cr_assert(rt_json_number(rt_json_get(value, "r"), &x));
	cr_assert_float_eq(x, 2.5, 0);
	cr_assert(rt_json_number(rt_json_get(value, "i"), &x));
	cr_assert_float_eq(x, -3, 0);
	cr_assert_eq(rt_json_type(rt_json_get(value, "n")), RT_JSON_NULL);
	cr_assert_eq(rt_json_get_int(value, "r", 9), 9);
}

Test(json, pointers_follow_rfc_6901)
{
	rt_auto(json) struct rt_json *v =
	    parsed("{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"m~n\":8,\"~1\":3,\"o\":{\"\":{\"x\":4}},\"0\":5}");

	cr_assert_eq(rt_json_pointer(v, ""), v);
	cr_assert_str_eq(rt_json_string(rt_json_pointer(v, "/foo/0")), "bar");
	cr_assert_eq(rt_json_int(rt_json_pointer(v, "/"), -1), 0);
	cr_assert_eq(rt_json_int(rt_json_pointer(v, "/a~1b"), -1), 1);
	cr_assert_eq(rt_json_int(rt_json_pointer(v, "/m~0n"), -1), 8);
	cr_assert_eq(rt_json_int(rt_json_pointer(v, "/~01"), -1), 3);
	cr_assert_eq(rt_json_int(rt_json_pointer(v, "/o//x"), -1), 4);
	cr_assert_eq(rt_json_int(rt_json_pointer(v, "/0"), -1), 5);
}

Test(json, pointers_that_lead_nowhere_give_null)
{
	rt_auto(json) struct rt_json *v = parsed("{\"foo\":[\"bar\"],\"s\":\"x\"}");
	const char *const bad[] = {"foo",
				   "/none",
				   "/foo/1",
				   "/foo/00",
				   "/foo/-",
				   "/foo/-1",
				   "/foo/",
				   "/foo/0/x",
				   "/s/0",
				   "/~",
				   "/~2",
				   "/foo/18446744073709551615",
				   "/foo/99999999999999999999"};
	size_t i;

	for (i = 0; i < RT_COUNT(bad); i++)
		cr_expect_null(rt_json_pointer(v, bad[i]), "%s", bad[i]);
}

static int
add_key(void *data, const char *key, struct rt_json *value)
{
	rt_buf_addf(data, "%s=%lld ", key, (long long)rt_json_int(value, -1));
	return strcmp(key, "stop") ? 0 : 7;
}

Test(json, each_visits_in_insertion_order_until_told_to_stop)
{
	rt_auto(json) struct rt_json *value = parsed("{\"z\":1,\"a\":2,\"stop\":3,\"never\":4}");
	rt_auto(buf) struct rt_buf seen = RT_BUF_INIT;

	cr_assert_eq(rt_json_each(value, add_key, &seen), 7);
	cr_assert_str_eq(seen.data, "z=1 a=2 stop=3 ");
	cr_assert_eq(rt_json_each(NULL, add_key, &seen), 0);
}

Test(json, builds_values)
{
	rt_auto(json) struct rt_json *object = rt_json_new_object();
	struct rt_json *array = rt_json_new_array();

	rt_json_append(array, rt_json_new_int(1));
	rt_json_append(array, rt_json_new_string("x"));
	rt_json_append(array, NULL);
	rt_json_set(object, "array", array);
	rt_json_set_string(object, "s", "text");
	rt_json_set_string(object, "none", NULL);
	rt_json_set_int(object, "i", INT64_MIN);
	rt_json_set_real(object, "r", 0.1);
	rt_json_set_bool(object, "b", true);
	rt_json_set_null(object, "n");
	rt_json_set(object, "m", NULL);
	expect_written(object, "{\"array\":[1,\"x\",null],\"b\":true,\"i\":-9223372036854775808,\"m\":null,\"n\":null,"
			       "\"none\":null,\"r\":0.1,\"s\":\"text\"}");
}

Test(json, setting_a_key_again_replaces_it)
{
	rt_auto(json) struct rt_json *object = rt_json_new_object();

	rt_json_set_int(object, "k", 1);
	rt_json_set_string(object, "k", "x");
	expect_written(object, "{\"k\":\"x\"}");
}

Test(json, numbers_that_are_not_finite_are_written_as_null)
{
	rt_auto(json) struct rt_json *object = rt_json_new_object();

	rt_json_set_real(object, "a", NAN);
	rt_json_set_real(object, "b", INFINITY);
	expect_written(object, "{\"a\":null,\"b\":null}");
}

static void
expect_clean(const char *from, const char *to)
{
	rt_auto(json) struct rt_json *value = rt_json_new_string(from);

	cr_expect_str_eq(rt_json_string(value), to);
}

Test(json, each_byte_that_is_not_utf_8_becomes_a_replacement_character)
{
#define R "\xef\xbf\xbd"
	expect_clean("a\xff"
		     "b",
		     "a" R "b");
	expect_clean("\xc0\x80", R R);
	expect_clean("\xed\xa0\x80", R R R);
	expect_clean("\xf4\x90\x80\x80", R R R R);
	expect_clean("\xe0\x9f\xbf", R R R);
	expect_clean("\xf0\x8f\xbf\xbf", R R R R);
	expect_clean("\xf5\x80\x80\x80", R R R R);
	expect_clean("\xe2\x82", R R);
	expect_clean("\xe2\x82"
		     "a",
		     R R "a");
	expect_clean("\x80", R);
	expect_clean("\xc3\xa9\xc3", "\xc3\xa9" R);
#undef R
}

Test(json, good_text_is_kept_as_it_is)
{
	expect_clean("", "");
	expect_clean("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
}

Test(json, keys_that_are_not_utf_8_are_cleaned_too)
{
	rt_auto(json) struct rt_json *object = rt_json_new_object();

	rt_json_set_int(object, "k\xff", 1);
	expect_written(object, "{\"k\\ufffd\":1}");
}

Test(json, null_text_is_null)
{
	rt_auto(json) struct rt_json *value = rt_json_new_string(NULL);

	expect_written(value, "null");
	expect_written(NULL, "null");
}
