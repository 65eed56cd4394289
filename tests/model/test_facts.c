#include <criterion/criterion.h>

#include <string.h>

#include "model/facts.h"

static struct rt_record record;
static struct rt_buf message;
static struct rt_facts facts;

static void
start(void)
{
	record = (struct rt_record){.seq = 7, .op = RT_OP_OUTCOME, .time = 1767225600, .counts = {210, 0, 0, 3, 0}};
	memset(record.prev, 'a', RT_SHA256_HEX);
	record.id = rt_strdup("1a2b3c4d5e6f");
	record.target = rt_strdup("main");
	record.base = rt_strdup("0123456789012345678901234567890123456789");
	record.verdict = rt_strdup("landed");
	record.actor = rt_strdup("J\xc3\xb6rg \"the\tactor\" \xf0\x9f\x94\xa7");
	record.isolation = rt_strdup("namespaces");
	record.heads = rt_json_new_object();
	rt_json_set_string(record.heads, "f00d", "0123");
	rt_json_set_int(record.heads, "beef", 5);
	record.extra = rt_json_new_object();
	rt_json_set_int(record.extra, "gained", 2);
	rt_json_set(record.extra, "worktrees", rt_json_new_array());
	message = (struct rt_buf)RT_BUF_INIT;
	rt_record_write(&record, &message);
}

static void
finish(void)
{
	rt_record_release(&record);
	rt_buf_release(&message);
}

TestSuite(facts, .init = start, .fini = finish);

static void
write_again(void)
{
	rt_buf_cut(&message, 0);
	rt_record_write(&record, &message);
}

Test(facts, are_those_that_were_written)
{
	cr_assert(rt_facts_read(&facts, message.data, message.len), "%s", message.data);
	cr_expect_eq(facts.seq, 7);
	cr_expect_eq(facts.op, RT_OP_OUTCOME);
	cr_expect_eq(facts.time, 1767225600);
	cr_expect_eq(facts.gained, 2);
	cr_expect_eq(facts.counts[0], 210);
	cr_expect_eq(facts.counts[3], 3);
	cr_expect_not(facts.fast);
	cr_expect(rt_span_is(facts.id, "1a2b3c4d5e6f"));
	cr_expect(rt_span_is(facts.target, "main"));
	cr_expect(rt_span_is(facts.base, record.base));
	cr_expect(rt_span_is(facts.verdict, "landed"));
	cr_expect(rt_span_is(facts.prev, record.prev));
	cr_expect(facts.actor.escaped);
	cr_expect_null(facts.landed.at);
	cr_expect_null(facts.evidence.at);
	cr_expect(rt_span_is(facts.extra, "{\"gained\":2,\"worktrees\":[]}"));
	cr_expect_eq(facts.line.len, message.len - (size_t)(strstr(message.data, "\n\n") + 3 - message.data));
}

Test(facts, an_object_gives_its_strings_by_key)
{
	cr_assert(rt_facts_read(&facts, message.data, message.len));
	cr_expect(rt_span_is(rt_span_string(facts.heads, "f00d"), "0123"));
	cr_expect_null(rt_span_string(facts.heads, "beef").at, "a number is no string");
	cr_expect_null(rt_span_string(facts.heads, "f00").at);
	cr_expect_null(rt_span_string(facts.evidence, "f00d").at);
}

Test(facts, of_a_record_are_the_same)
{
	rt_auto(record) struct rt_record back = RT_RECORD_INIT;
	rt_auto(buf) struct rt_buf held = RT_BUF_INIT;
	struct rt_facts other;
	struct rt_err err = RT_ERR_INIT;

	cr_assert(rt_facts_read(&facts, message.data, message.len));
	cr_assert_eq(rt_record_parse(&back, message.data, message.len, NULL, &err), 0);
	rt_facts_of(&other, &back, &held);
	cr_expect_eq(other.seq, facts.seq);
	cr_expect_eq(other.gained, facts.gained);
	cr_expect(rt_span_is(other.target, "main"));
	cr_expect_str_eq(back.actor, record.actor);
	cr_expect(rt_span_is(rt_span_string(other.heads, "f00d"), "0123"));
	cr_expect_str_eq(other.digest, back.digest);
}

/* What they are compared with is never escaped, so such an entry is left to the reader of records. */
Test(facts, a_branch_that_needs_escapes_is_left_to_the_other_reader)
{
	rt_auto(record) struct rt_record back = RT_RECORD_INIT;
	struct rt_err err = RT_ERR_INIT;

	free(record.target);
	record.target = rt_strdup("h\xc3\xa4uptling");
	write_again();
	cr_expect_not(rt_facts_read(&facts, message.data, message.len));
	cr_assert_eq(rt_record_parse(&back, message.data, message.len, NULL, &err), 0, "%s", err.text);
	cr_expect_str_eq(back.target, record.target);
}

/* Each byte in turn becomes another: whatever is still read is written as it is. */
Test(facts, no_other_spelling_is_read)
{
	static const char others[] = "0 \"\\,:}{]e-x\n\t";
	rt_auto(buf) struct rt_buf again = RT_BUF_INIT;
	size_t read = 0;

	for (size_t i = 0; i < message.len; i++) {
		char was = message.data[i];

		for (size_t k = 0; k < sizeof(others); k++) {
			rt_auto(record) struct rt_record back = RT_RECORD_INIT;
			struct rt_err err = RT_ERR_INIT;

			message.data[i] = others[k];
			if (rt_record_parse(&back, message.data, message.len, NULL, &err) < 0) {
				cr_assert_not(rt_facts_read(&facts, message.data, message.len), "%s", message.data);
				continue;
			}
			rt_buf_cut(&again, 0);
			rt_record_write(&back, &again);
			cr_assert_str_eq(again.data, message.data);
			read++;
		}
		message.data[i] = was;
	}
	cr_expect_gt(read, 0);
}

Test(facts, a_message_that_is_cut_anywhere_is_not_read)
{
	for (size_t len = 0; len < message.len; len++) {
		rt_auto(buf) struct rt_buf cut = RT_BUF_INIT;

		rt_buf_add(&cut, message.data, len);
		cr_assert_not(rt_facts_read(&facts, cut.data, cut.len), "%s", cut.data);
	}
}

Test(facts, depth_and_numbers_beyond_their_limits_are_left_to_the_other_reader)
{
	struct rt_json *inner = rt_json_new_array();

	for (int i = 0; i < 100; i++) {
		struct rt_json *outer = rt_json_new_array();

		rt_json_append(outer, inner);
		inner = outer;
	}
	rt_json_set(record.extra, "deep", inner);
	write_again();
	cr_expect_not(rt_facts_read(&facts, message.data, message.len));
	rt_json_set_null(record.extra, "deep");
	write_again();
	cr_expect(rt_facts_read(&facts, message.data, message.len));
	rt_json_set_int(record.extra, "big", INT64_MAX);
	write_again();
	cr_expect_not(rt_facts_read(&facts, message.data, message.len));
}
