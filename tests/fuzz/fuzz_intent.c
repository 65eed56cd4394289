/*
 * Whatever the bytes: a message that is an entry and intends a move gives facts that stay below refs/heads/ and are
 * written as they were read; anything else is refused with a reason. What is no message is tried as the `extra` of one.
 */

#include <stdint.h>
#include <string.h>

#include "model/intent.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
check_facts(const struct rt_intent *intent)
{
	if (strncmp(intent->ref, "refs/heads/", 11) != 0 || strstr(intent->ref, ".."))
		rt_bug("the ref %s", intent->ref);
	if (strlen(intent->old) != 40 || strlen(intent->new) != 40 || intent->pid <= 0)
		rt_bug("an intent that is not whole");
	for (size_t i = 0; i < intent->worktrees.n; i++)
		if (intent->worktrees.at[i][0] != '/')
			rt_bug("the work tree %s", intent->worktrees.at[i]);
}

static void
check(const struct rt_record *record)
{
	rt_auto(intent) struct rt_intent intent = {0}, again = {0};
	struct rt_record copy = {.seq = 1, .op = RT_OP_INTENT};
	struct rt_err err = RT_ERR_INIT;

	if (rt_intent_read(&intent, record, &err) < 0) {
		if (err.code != RT_EUNKNOWN || !err.text[0] || intent.ref)
			rt_bug("an error without text, or with facts: %s", err.text);
		return;
	}
	check_facts(&intent);
	copy.extra = rt_intent_json(&intent);
	if (rt_intent_read(&again, &copy, &err) < 0)
		rt_bug("written and not read: %s", err.text);
	if (strcmp(intent.ref, again.ref) != 0 || strcmp(intent.old, again.old) != 0 ||
	    strcmp(intent.new, again.new) != 0 || intent.worktrees.n != again.worktrees.n ||
	    intent.back != again.back || intent.pid != again.pid || intent.start != again.start)
		rt_bug("written and read otherwise");
	rt_json_free(copy.extra);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	rt_auto(record) struct rt_record record = RT_RECORD_INIT;

	if (rt_record_parse(&record, (const char *)bytes, len, NULL, NULL) < 0) {
		record = (struct rt_record){.seq = 1, .op = RT_OP_INTENT};
		if (rt_json_parse(&record.extra, (const char *)bytes, len, "extra", NULL) < 0)
			return 0;
	}
	check(&record);
	return 0;
}
