#include "readers/started.h"

#include <string.h>

static const char *
id_at(const void *owner, size_t position)
{
	const struct rt_started *started = owner;

	return started->tests.at[position].id;
}

struct rt_started_test *
rt_started_get(struct rt_started *started, const char *id)
{
	started->index.owner = started;
	started->index.key = id_at;
	size_t at = rt_index_find(&started->index, id);
	if (at != RT_INDEX_NONE)
		return &started->tests.at[at];
	struct rt_started_test *test = rt_push(&started->tests);
	test->id = rt_arena_add(&started->arena, id, strlen(id));
	test->note = (struct rt_buf)RT_BUF_INIT;
	rt_index_add(&started->index, started->tests.n - 1);
	return test;
}

bool
rt_started_begin(struct rt_started *started, struct rt_started_test *test)
{
	if (test->running)
		return false;
	test->running = true;
	started->running++;
	return true;
}

bool
rt_started_end(struct rt_started *started, struct rt_started_test *test)
{
	rt_buf_release(&test->note);
	test->note = (struct rt_buf)RT_BUF_INIT;
	if (!test->running)
		return false;
	test->running = false;
	started->running--;
	return true;
}

size_t
rt_started_lost(struct rt_started *started, struct rt_results *results)
{
	static const char lost[] = "started and did not end\n";
	rt_auto(buf) struct rt_buf note = RT_BUF_INIT;
	size_t n = started->running;

	for (size_t i = 0; i < started->tests.n && started->running; i++) {
		struct rt_started_test *test = &started->tests.at[i];
		if (!test->running)
			continue;
		rt_buf_cut(&note, 0);
		rt_note_add(&note, lost, strlen(lost));
		rt_note_add(&note, test->note.data, test->note.len);
		rt_results_case(results, test->id, RT_STATUS_ERROR, -1, -1, note.data, note.len);
		(void)rt_started_end(started, test);
	}
	return n;
}

void
rt_started_release(struct rt_started *started)
{
	for (size_t i = 0; i < started->tests.n; i++)
		rt_buf_release(&started->tests.at[i].note);
	free(started->tests.at);
	rt_index_release(&started->index);
	rt_arena_release(&started->arena);
}
