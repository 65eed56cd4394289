#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "model/record.h"

static struct rt_record record;
static struct rt_buf message;
static struct rt_err err;

static void
start(void)
{
	record = (struct rt_record){.seq = 7, .op = RT_OP_OUTCOME, .time = 1767225600, .counts = {210, 0, 0, 3, 0}};
	memset(record.prev, 'a', RT_SHA256_HEX);
	record.id = rt_strdup("1a2b3c4d5e6f");
	record.target = rt_strdup("refs/heads/main");
	record.base = rt_strdup("0123456789012345678901234567890123456789");
	record.verdict = rt_strdup("landed");
	record.actor = rt_strdup("A U Thor <author@example.org>");
	record.boot_id = rt_strdup("b00t");
	record.isolation = rt_strdup("namespaces");
	record.extra = rt_json_new_object();
	rt_json_set_int(record.extra, "gained", 1);
	message = (struct rt_buf)RT_BUF_INIT;
	err = (struct rt_err)RT_ERR_INIT;
}

static void
finish(void)
{
	rt_record_release(&record);
	rt_buf_release(&message);
}

TestSuite(record, .init = start, .fini = finish);

/* Replaces the first `from` in the message. */
static void
alter(const char *from, const char *to)
{
	char *at = strstr(message.data, from);
	rt_auto(buf) struct rt_buf altered = RT_BUF_INIT;

	cr_assert_not_null(at, "no \"%s\" in %s", from, message.data);
	rt_buf_add(&altered, message.data, (size_t)(at - message.data));
	rt_buf_adds(&altered, to);
	rt_buf_adds(&altered, at + strlen(from));
	rt_buf_cut(&message, 0);
	rt_buf_add(&message, altered.data, altered.len);
}

static void
refuses(const char *word)
{
	rt_auto(record) struct rt_record back = RT_RECORD_INIT;

	cr_assert_eq(rt_record_parse(&back, message.data, message.len, NULL, &err), -1, "%s", message.data);
	cr_assert_eq(err.code, RT_EUNKNOWN);
	cr_assert(strstr(err.text, word), "\"%s\" lacks \"%s\"", err.text, word);
	cr_assert_null(back.id);
}

Test(record, is_a_subject_for_people_and_one_line_of_canonical_json)
{
	rt_record_write(&record, &message);
	cr_assert_str_eq(
	    message.data,
	    "landed 1a2b3c4d5e6f on main: 210 passed, 3 skipped, 1 gained\n"
	    "\n"
	    "{\"actor\":\"A U Thor <author@example.org>\","
	    "\"base\":\"0123456789012345678901234567890123456789\",\"boot_id\":\"b00t\",\"candidate\":null,"
	    "\"counts\":{\"error\":0,\"fail\":0,\"pass\":210,\"regressions\":0,\"skip\":3},\"evidence\":null,"
	    "\"extra\":{\"gained\":1},\"fast\":false,\"heads\":null,\"id\":\"1a2b3c4d5e6f\","
	    "\"isolation\":\"namespaces\",\"landed\":null,\"op\":\"outcome\","
	    "\"prev\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"seq\":7,"
	    "\"target\":\"refs/heads/main\",\"time\":1767225600,\"tree\":null,\"v\":1,\"verdict\":\"landed\"}\n");
}

Test(record, reads_back_as_it_was_written)
{
	rt_auto(record) struct rt_record back = RT_RECORD_INIT;
	rt_auto(buf) struct rt_buf again = RT_BUF_INIT;

	record.fast = true;
	record.heads = rt_json_new_object();
	rt_json_set_string(record.heads, "f00d", "0123");
	rt_record_write(&record, &message);
	cr_assert_eq(rt_record_parse(&back, message.data, message.len, NULL, &err), 0, "%s", err.text);
	cr_assert_eq(back.seq, 7);
	cr_assert_eq(back.op, RT_OP_OUTCOME);
	cr_assert(back.fast);
	cr_assert_eq(back.counts[0], 210);
	cr_assert_str_eq(back.prev, record.prev);
	cr_assert_str_eq(back.actor, "A U Thor <author@example.org>");
	cr_assert_null(back.landed);
	cr_assert_null(back.evidence);
	cr_assert_str_eq(rt_json_get_string(back.heads, "f00d"), "0123");
	rt_record_write(&back, &again);
	cr_assert_str_eq(again.data, message.data);
}

Test(record, digest_is_that_of_the_json_line)
{
	rt_auto(record) struct rt_record back = RT_RECORD_INIT;
	char digest[RT_SHA256_HEX + 1], expected[RT_SHA256_HEX + 1];
	const char *line;

	rt_record_write(&record, &message);
	line = strchr(message.data, '{');
	cr_assert_eq(rt_record_parse(&back, message.data, message.len, digest, &err), 0);
	rt_sha256_of(line, strlen(line) - 1, expected);
	cr_assert_str_eq(digest, expected);
}

static void
subject_is(const char *subject)
{
	rt_buf_cut(&message, 0);
	rt_record_write(&record, &message);
	cr_assert_eq(strcspn(message.data, "\n"), strlen(subject), "%s", message.data);
	cr_assert_eq(strncmp(message.data, subject, strlen(subject)), 0, "%s", message.data);
}

Test(record, subject_says_what_became_of_it)
{
	record.op = RT_OP_INTENT;
	subject_is("landing 1a2b3c4d5e6f on main: 210 passed, 3 skipped, 1 gained");
	record.op = RT_OP_REJECTED;
	free(record.verdict);
	record.verdict = rt_strdup("regressed");
	record.counts[1] = 2;
	record.counts[4] = 2;
	subject_is("regressed 1a2b3c4d5e6f on main: 210 passed, 2 failed, 3 skipped, 2 regressed, 1 gained");
	record.op = RT_OP_JUDGED;
	memset(record.counts, 0, sizeof(record.counts));
	rt_json_free(rt_steal(&record.extra));
	subject_is("regressed 1a2b3c4d5e6f on main");
	record.op = RT_OP_GC;
	free(rt_steal(&record.id));
	free(rt_steal(&record.target));
	subject_is("gc");
}

Test(record, a_branch_name_cannot_break_the_subject)
{
	rt_auto(record) struct rt_record back = RT_RECORD_INIT;

	free(record.target);
	record.target = rt_strdup("refs/heads/a\n\n{\"v\":1}\x1b[2J\xff");
	rt_record_write(&record, &message);
	cr_assert_eq(strncmp(message.data, "landed 1a2b3c4d5e6f on a\\n\\n{\"v\":1}\\x1b[2J", 40), 0, "%s",
		     message.data);
	cr_assert_eq(rt_record_parse(&back, message.data, message.len, NULL, &err), 0, "%s", err.text);
}

Test(record, refuses_an_altered_subject)
{
	rt_record_write(&record, &message);
	alter("210 passed", "211 passed");
	refuses("altered");
}

Test(record, refuses_an_added_key)
{
	rt_record_write(&record, &message);
	alter("\"fast\":false", "\"fast\":false,\"free\":1");
	refuses("altered");
}

Test(record, refuses_another_spelling_of_the_same_facts)
{
	rt_record_write(&record, &message);
	alter("\"seq\":7", "\"seq\": 7");
	refuses("altered");
}

Test(record, refuses_a_wrong_type)
{
	rt_record_write(&record, &message);
	alter("\"fast\":false", "\"fast\":\"no\"");
	refuses("altered");
}

Test(record, refuses_a_missing_key)
{
	rt_record_write(&record, &message);
	alter("\"candidate\":null,", "");
	refuses("altered");
}

Test(record, refuses_another_version)
{
	rt_record_write(&record, &message);
	alter("\"v\":1", "\"v\":2");
	refuses("version");
}

Test(record, refuses_an_unknown_operation)
{
	rt_record_write(&record, &message);
	alter("\"op\":\"outcome\"", "\"op\":\"undo\"");
	refuses("operation");
}

Test(record, refuses_a_number_below_1)
{
	rt_record_write(&record, &message);
	alter("\"seq\":7", "\"seq\":0");
	refuses("number");
}

Test(record, refuses_a_prev_that_is_no_digest)
{
	rt_record_write(&record, &message);
	alter("\"prev\":\"a", "\"prev\":\"A");
	refuses("prev");
}

Test(record, refuses_an_id_that_is_none)
{
	rt_record_write(&record, &message);
	alter("\"id\":\"1a2b3c4d5e6f\"", "\"id\":\"1a2b\"");
	refuses("id");
}

Test(record, refuses_evidence_that_is_no_object)
{
	rt_record_write(&record, &message);
	alter("\"evidence\":null", "\"evidence\":[]");
	refuses("object");
}

Test(record, refuses_bytes_after_its_line)
{
	rt_record_write(&record, &message);
	rt_buf_adds(&message, "\n");
	refuses("altered");
}

Test(record, refuses_a_message_that_is_cut_short)
{
	size_t len;

	rt_record_write(&record, &message);
	for (len = message.len - 1; len; len--) {
		rt_auto(record) struct rt_record back = RT_RECORD_INIT;

		cr_assert_eq(rt_record_parse(&back, message.data, len, NULL, &err), -1, "%zu bytes", len);
	}
}

Test(record, refuses_an_ordinary_commit_message)
{
	rt_buf_adds(&message, "Fix the parser\n\nIt was broken.\n");
	refuses("ledger entry");
}

Test(record, has_a_name_for_every_operation)
{
	cr_assert_str_eq(rt_op_name(RT_OP_INTENT), "intent");
	cr_assert_str_eq(rt_op_name(RT_OP_GC), "gc");
}
