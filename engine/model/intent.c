#include "model/intent.h"

#include <stdio.h>
#include <string.h>

#define HEADS "refs/heads/"
enum { ID = 40 };

struct rt_json *
rt_intent_json(const struct rt_intent *intent)
{
	struct rt_json *json = rt_json_new_object(), *worktrees = rt_json_new_array();

	for (size_t i = 0; i < intent->worktrees.n; i++)
		rt_json_append(worktrees, rt_json_new_string(intent->worktrees.at[i]));
	rt_json_set_string(json, "ref", intent->ref);
	rt_json_set_string(json, "old", intent->old);
	rt_json_set_string(json, "new", intent->new);
	rt_json_set(json, "worktrees", worktrees);
	if (intent->back)
		rt_json_set_bool(json, "back", true);
	rt_json_set_int(json, "pid", intent->pid);
	rt_json_set_int(json, "start", intent->start);
	return json;
}

/* Of git's rules for names those that keep a path below refs/heads/. */
static bool
is_branch(const char *ref)
{
	return ref && rt_starts_with(ref, HEADS) && ref[strlen(HEADS)] && !strstr(ref, "..") && !strstr(ref, "//") &&
	       !strstr(ref, "/.") && !rt_ends_with(ref, "/") && !rt_ends_with(ref, ".lock");
}

static bool
read_id(char out[ID + 1], const struct rt_json *extra, const char *key)
{
	const char *id = rt_json_get_string(extra, key);

	if (!id || strlen(id) != ID || strspn(id, "0123456789abcdef") != ID)
		return false;
	memcpy(out, id, ID + 1);
	return true;
}

/* What is wrong; NULL: nothing. */
static const char *
read_facts(struct rt_intent *intent, const struct rt_json *extra)
{
	const struct rt_json *worktrees = rt_json_get(extra, "worktrees");

	if (!is_branch(rt_json_get_string(extra, "ref")))
		return "its ref is no branch";
	if (!read_id(intent->old, extra, "old") || !read_id(intent->new, extra, "new"))
		return "it does not name the commits";
	if (rt_json_type(worktrees) != RT_JSON_ARRAY)
		return "it does not list the work trees";
	for (size_t i = 0; i < rt_json_count(worktrees); i++) {
		const char *path = rt_json_string(rt_json_at(worktrees, i));

		if (!path || path[0] != '/')
			return "a work tree is no absolute path";
		rt_strs_add(&intent->worktrees, path);
	}
	intent->ref = rt_strdup(rt_json_get_string(extra, "ref"));
	intent->back = rt_json_get_bool(extra, "back", false);
	intent->pid = rt_json_get_int(extra, "pid", 0);
	intent->start = rt_json_get_int(extra, "start", 0);
	if (intent->pid <= 0 || intent->pid > INT32_MAX || intent->start < 0)
		return "it does not name the process";
	return NULL;
}

int
rt_intent_read(struct rt_intent *intent, const struct rt_record *record, struct rt_err *err)
{
	rt_auto(intent) struct rt_intent read = {0};
	const char *wrong = record->op == RT_OP_INTENT ? read_facts(&read, record->extra) : "it is another entry";

	if (wrong)
		return rt_fail(err, RT_EUNKNOWN, "entry %lld says no move that could be completed: %s",
			       (long long)record->seq, wrong);
	*intent = read;
	read = (struct rt_intent){0};
	return 0;
}

void
rt_intent_release(struct rt_intent *intent)
{
	free(intent->ref);
	rt_strs_release(&intent->worktrees);
	*intent = (struct rt_intent){0};
}
