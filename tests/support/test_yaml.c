#include <criterion/criterion.h>
#include <string.h>

#include "support/buf.h"
#include "support/yaml.h"

TestSuite(yaml);

static struct rt_err err = RT_ERR_INIT;
static struct rt_yaml *root;

static void
parse_len(const char *text, size_t len)
{
	root = NULL;
	cr_assert_eq(rt_yaml_parse(&root, text, len, "ratchet.yml", &err), 0, "%u:%u %s", err.line, err.column,
		     err.text);
}

static void
parse(const char *text)
{
	parse_len(text, strlen(text));
}

static void
expect_refusal_len(const char *text, size_t len, unsigned line, unsigned column, const char *part)
{
	root = NULL;
	err = (struct rt_err)RT_ERR_INIT;
	cr_assert_eq(rt_yaml_parse(&root, text, len, "ratchet.yml", &err), -1, "%s", text);
	cr_expect_null(root);
	cr_expect_eq(err.code, RT_ECONFIG);
	cr_expect_str_eq(err.file, "ratchet.yml");
	cr_expect(err.line == line && err.column == column, "%s: at %u:%u", text, err.line, err.column);
	cr_expect(strstr(err.text, part), "%s: %s", text, err.text);
}

static void
expect_refusal(const char *text, unsigned line, unsigned column, const char *part)
{
	expect_refusal_len(text, strlen(text), line, column, part);
}

Test(yaml, reads_mappings_sequences_and_scalars)
{
	const struct rt_yaml *checks;

	parse("version: 1\nchecks:\n  - name: unit\n    run: [make, test]\n  - {name: lint}\n");
	checks = rt_yaml_get(root, "checks");
	cr_assert_eq(root->type, RT_YAML_MAPPING);
	cr_assert_eq(root->n, 2);
	cr_assert_eq(checks->type, RT_YAML_SEQUENCE);
	cr_assert_eq(checks->n, 2);
	cr_assert_str_eq(rt_yaml_get(&checks->values[0], "run")->values[1].text, "test");
	cr_assert_str_eq(rt_yaml_get(&checks->values[1], "name")->text, "lint");
	rt_yaml_free(root);
}

Test(yaml, nodes_know_their_positions)
{
	const struct rt_yaml *b;

	parse("a: x\nb:\n  - 1\n  -  two\n");
	b = rt_yaml_get(root, "b");
	cr_assert_eq(root->line, 1);
	cr_assert_eq(root->column, 1);
	cr_assert_eq(root->keys[1].line, 2);
	cr_assert_eq(root->keys[1].column, 1);
	cr_assert_eq(b->values[1].line, 4);
	cr_assert_eq(b->values[1].column, 6);
	rt_yaml_free(root);
}

Test(yaml, scalars_stay_text)
{
	parse("a: off\nb: 1.0\nc: ~\nd:\ne: 0o17\n<<: x\n");
	cr_assert_str_eq(rt_yaml_get(root, "a")->text, "off");
	cr_assert_str_eq(rt_yaml_get(root, "b")->text, "1.0");
	cr_assert_str_eq(rt_yaml_get(root, "c")->text, "~");
	cr_assert_str_eq(rt_yaml_get(root, "d")->text, "");
	cr_assert_str_eq(rt_yaml_get(root, "e")->text, "0o17");
	cr_assert_str_eq(rt_yaml_get(root, "<<")->text, "x");
	rt_yaml_free(root);
}

Test(yaml, knows_what_was_quoted)
{
	parse("a: x\nb: 'x'\nc: \"x\"\nd: |\n  x\n");
	cr_assert(rt_yaml_get(root, "a")->plain);
	cr_assert_not(rt_yaml_get(root, "b")->plain);
	cr_assert_not(rt_yaml_get(root, "c")->plain);
	cr_assert_not(rt_yaml_get(root, "d")->plain);
	cr_assert_str_eq(rt_yaml_get(root, "d")->text, "x\n");
	rt_yaml_free(root);
}

Test(yaml, quoted_patterns_are_text)
{
	parse("a: '*.c'\nb: \"!x\"\nc: src/*.c\n");
	cr_assert_str_eq(rt_yaml_get(root, "a")->text, "*.c");
	cr_assert_str_eq(rt_yaml_get(root, "b")->text, "!x");
	cr_assert_str_eq(rt_yaml_get(root, "c")->text, "src/*.c");
	rt_yaml_free(root);
}

Test(yaml, empty_document_is_an_empty_mapping)
{
	const char *const empty[] = {"", "\n\n", "# only a comment\n", "---\n", "---\n...\n", "\xef\xbb\xbf"};
	size_t i;

	for (i = 0; i < RT_COUNT(empty); i++) {
		parse(empty[i]);
		cr_expect_eq(root->type, RT_YAML_MAPPING, "%zu", i);
		cr_expect_eq(root->n, 0, "%zu", i);
		rt_yaml_free(root);
	}
}

Test(yaml, byte_order_mark_is_skipped)
{
	parse("\xef\xbb\xbf"
	      "a: b\n");
	cr_assert_str_eq(rt_yaml_get(root, "a")->text, "b");
	rt_yaml_free(root);
}

Test(yaml, document_may_be_a_scalar_or_sequence)
{
	parse("just text");
	cr_assert_eq(root->type, RT_YAML_SCALAR);
	rt_yaml_free(root);
	parse("''");
	cr_assert_eq(root->type, RT_YAML_SCALAR);
	rt_yaml_free(root);
	parse("[]");
	cr_assert_eq(root->type, RT_YAML_SEQUENCE);
	cr_assert_eq(root->n, 0);
	rt_yaml_free(root);
}

Test(yaml, unquoted_star_is_refused_with_the_mend)
{
	expect_refusal("a: *.c\n", 1, 4, "quote a pattern that begins with *");
	expect_refusal("a:\n  - **/x\n", 2, 5, "quote a pattern that begins with *");
	expect_refusal("a: *name\n", 1, 4, "quote a pattern that begins with *");
	expect_refusal("*x : y\n", 1, 1, "quote a pattern that begins with *");
	expect_refusal("a: [*]\n", 1, 5, "quote a pattern that begins with *");
}

Test(yaml, anchors_are_refused_with_the_mend)
{
	expect_refusal("a: &x y\n", 1, 4, "quote a value that begins with &");
	expect_refusal("a: &x [y]\n", 1, 4, "quote a value that begins with &");
	expect_refusal("a: &x {b: c}\n", 1, 4, "quote a value that begins with &");
	expect_refusal("&k a: b\n", 1, 1, "quote a value that begins with &");
	expect_refusal("a: &.x\n", 1, 4, "quote a value that begins with &");
}

Test(yaml, tags_are_refused_with_the_mend)
{
	expect_refusal("a: !!str x\n", 1, 4, "quote a value that begins with !");
	expect_refusal("a: !x\n", 1, 4, "quote a value that begins with !");
	expect_refusal("a: !<x> [b]\n", 1, 4, "quote a value that begins with !");
	expect_refusal("a: !x!y {}\n", 1, 4, "quote a value that begins with !");
	expect_refusal("a: !ex*.c\n", 1, 4, "quote a value that begins with !");
}

Test(yaml, bytes_that_start_no_value_are_refused_with_the_mend)
{
	expect_refusal("a: @x\n", 1, 4, "quote the value");
	expect_refusal("a: `x`\n", 1, 4, "quote the value");
	expect_refusal("a: %x\n", 1, 4, "quote the value");
}

Test(yaml, duplicate_keys_are_refused_with_both_places)
{
	expect_refusal("a: 1\nb: 2\na: 3\n", 3, 1, "the key a is there twice, first in line 1");
	expect_refusal("x:\n  - {a: 1, 'a': 2}\n", 2, 12, "the key a is there twice");
}

Test(yaml, same_key_in_two_mappings_is_fine)
{
	parse("a: {k: 1}\nb: {k: 2}\n");
	cr_assert_str_eq(rt_yaml_get(rt_yaml_get(root, "b"), "k")->text, "2");
	rt_yaml_free(root);
}

Test(yaml, keys_that_are_no_text_are_refused)
{
	expect_refusal("? [a, b]\n: c\n", 1, 3, "a key must be text");
	expect_refusal("{{a: b}: c}\n", 1, 2, "a key must be text");
}

Test(yaml, second_document_is_refused)
{
	expect_refusal("a: b\n---\nc: d\n", 2, 1, "a second document");
	expect_refusal("a: b\n---\n", 2, 1, "a second document");
}

Test(yaml, broken_syntax_is_refused_with_its_place)
{
	expect_refusal("a: [b\n", 2, 1, "did not find expected");
	expect_refusal("a: b\n c: d\n", 2, 3, "mapping values are not allowed");
	expect_refusal("a: 'b\n", 2, 1, "unexpected end of stream");
	expect_refusal("a:\n\tb: c\n", 2, 1, "cannot start any token");
	expect_refusal("]", 1, 1, "did not find expected node content");
}

Test(yaml, bytes_that_are_no_text_are_refused_with_their_place)
{
	expect_refusal("a: b\nc: \xff\n", 2, 4, "UTF-8");
	expect_refusal("a: \x01\n", 1, 4, "control characters");
	expect_refusal_len("a: \0b\n", 6, 1, 4, "control characters");
	expect_refusal("a: \"\\0\"\n", 1, 4, "NUL");
	expect_refusal_len("\xff\xfe"
			   "a\0",
			   4, 1, 1, "UTF-8");
}

Test(yaml, sixty_four_levels_are_read_and_no_more)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	int i;

	for (i = 0; i < 63; i++)
		rt_buf_addc(&text, '[');
	rt_buf_addc(&text, 'x');
	for (i = 0; i < 63; i++)
		rt_buf_addc(&text, ']');
	parse(text.data);
	rt_yaml_free(root);
	rt_buf_cut(&text, 0);
	for (i = 0; i < 5000; i++)
		rt_buf_addc(&text, '[');
	expect_refusal(text.data, 1, 65, "more than 64 levels");
}

Test(yaml, deep_block_nesting_is_refused)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	int i;

	for (i = 0; i < 2000; i++)
		rt_buf_adds(&text, "- ");
	root = NULL;
	cr_assert_eq(rt_yaml_parse(&root, text.data, text.len, "f", &err), -1);
}

Test(yaml, hundred_thousand_values_are_read_and_no_more)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	int i;

	for (i = 0; i < 99999; i++)
		rt_buf_adds(&text, "- x\n");
	parse(text.data);
	cr_assert_eq(root->n, 99999);
	rt_yaml_free(root);
	rt_buf_adds(&text, "- x\n");
	expect_refusal(text.data, 100000, 3, "more than 100000 values");
}

Test(yaml, large_mapping_is_read_in_time)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	int i;

	for (i = 0; i < 49000; i++)
		rt_buf_addf(&text, "key%d: v\n", i);
	parse(text.data);
	cr_assert_eq(root->n, 49000);
	cr_assert_str_eq(root->keys[48999].text, "key48999");
	rt_yaml_free(root);
}

Test(yaml, more_than_four_mebibytes_are_refused)
{
	size_t len = (4 << 20) + 1;
	rt_auto(free) char *text = rt_alloc(len, 1);

	memset(text, '\n', len);
	expect_refusal_len(text, len, 0, 0, "at most");
	parse_len(text, len - 1);
	rt_yaml_free(root);
}

Test(yaml, get_accepts_anything)
{
	parse("a: [x]\n");
	cr_assert_null(rt_yaml_get(NULL, "a"));
	cr_assert_null(rt_yaml_get(root, "b"));
	cr_assert_null(rt_yaml_get(rt_yaml_get(root, "a"), "x"));
	rt_yaml_free(root);
	rt_yaml_free(NULL);
}
