#include <criterion/criterion.h>

#include <string.h>

#include "model/intent.h"

#define ID_A "0123456789abcdef0123456789abcdef01234567"
#define ID_B "1123456789abcdef0123456789abcdef01234567"

static struct rt_record record;
static struct rt_intent intent;
static struct rt_err err;

static void
start(void)
{
	struct rt_intent made = {.old = ID_A, .new = ID_B, .back = true, .pid = 77, .start = 5};
	char ref[] = "refs/heads/release/1";

	made.ref = ref;
	rt_strs_add(&made.worktrees, "/a/.git");
	rt_strs_add(&made.worktrees, "/b/.git/worktrees/b");
	record = (struct rt_record){.seq = 7, .op = RT_OP_INTENT, .extra = rt_intent_json(&made)};
	rt_strs_release(&made.worktrees);
	intent = (struct rt_intent){0};
	err = (struct rt_err)RT_ERR_INIT;
}

static void
finish(void)
{
	rt_intent_release(&intent);
	rt_record_release(&record);
}

TestSuite(intent, .init = start, .fini = finish);

static void
refuses(const char *why)
{
	cr_expect_eq(rt_intent_read(&intent, &record, &err), -1, "%s", why);
	cr_expect_eq(err.code, RT_EUNKNOWN);
	cr_expect(strstr(err.text, why) != NULL, "\"%s\" lacks \"%s\"", err.text, why);
	cr_expect_null(intent.ref);
	cr_expect_eq(intent.worktrees.n, 0);
}

Test(intent, is_read_as_it_was_written)
{
	cr_assert_eq(rt_intent_read(&intent, &record, &err), 0, "%s", err.text);
	cr_expect_str_eq(intent.ref, "refs/heads/release/1");
	cr_expect_str_eq(intent.old, ID_A);
	cr_expect_str_eq(intent.new, ID_B);
	cr_expect_eq(intent.worktrees.n, 2);
	cr_expect_str_eq(intent.worktrees.at[1], "/b/.git/worktrees/b");
	cr_expect(intent.back);
	cr_expect_eq(intent.pid, 77);
	cr_expect_eq(intent.start, 5);
}

Test(intent, names_a_branch_and_no_other_place)
{
	static const char *const refs[] = {"refs/tags/v1",	"refs/heads/",	   "refs/heads/../../config", "main",
					   "refs/heads/a.lock", "refs/heads/a//b", "refs/heads/.git"};

	for (size_t i = 0; i < RT_COUNT(refs); i++) {
		rt_json_set_string(record.extra, "ref", refs[i]);
		refuses("its ref is no branch");
	}
	rt_json_set_null(record.extra, "ref");
	refuses("its ref is no branch");
}

Test(intent, names_both_commits_in_full)
{
	rt_json_set_string(record.extra, "old", "0123");
	refuses("does not name the commits");
	rt_json_set_string(record.extra, "old", ID_A);
	rt_json_set_int(record.extra, "new", 5);
	refuses("does not name the commits");
}

Test(intent, names_work_trees_by_absolute_paths)
{
	struct rt_json *list = rt_json_new_array();

	rt_json_append(list, rt_json_new_string("/a"));
	rt_json_append(list, rt_json_new_string("../b"));
	rt_json_set(record.extra, "worktrees", list);
	refuses("no absolute path");
	rt_json_set_string(record.extra, "worktrees", "/a");
	refuses("does not list the work trees");
}

Test(intent, names_its_process)
{
	rt_json_set_int(record.extra, "pid", 0);
	refuses("does not name the process");
	rt_json_set_int(record.extra, "pid", INT64_MAX);
	refuses("does not name the process");
}

Test(intent, is_no_other_entry)
{
	record.op = RT_OP_OUTCOME;
	refuses("it is another entry");
}
