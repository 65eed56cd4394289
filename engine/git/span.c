#include "git/span.h"

#include <string.h>

static const char *
key_of(const void *owner, size_t at)
{
	return ((const struct rt_generations *)owner)->at[at].id.hex;
}

const struct rt_span_commit *
rt_span_find(const struct rt_generations *span, const char *hex)
{
	size_t at = rt_index_find(&span->index, hex);

	return at == RT_INDEX_NONE ? NULL : &span->at[at];
}

bool
rt_span_holds(const struct rt_generations *span, const char *hex)
{
	return rt_span_find(span, hex) != NULL;
}

size_t
rt_span_beyond(const struct rt_generations *span, const struct rt_generations *without)
{
	size_t n = 0;

	for (size_t i = 0; i < span->n; i++)
		n += !rt_span_holds(without, span->at[i].id.hex);
	return n;
}

static void
add(struct rt_generations *span, const struct rt_oid *id, unsigned generation)
{
	if (rt_span_holds(span, id->hex))
		return;
	if (span->n == span->cap) {
		span->cap = span->cap != 0 ? span->cap * 2 : 64;
		span->at = rt_realloc(span->at, span->cap, sizeof(*span->at));
	}
	span->at[span->n] = (struct rt_span_commit){.id = *id, .generation = generation};
	rt_index_add(&span->index, span->n++);
}

/* Adds the parents, or cuts history off here: at the depth, or where a clone that is shallow itself ends. */
static int
go_on(struct rt_generations *span, struct rt_repo *repo, size_t at, unsigned depth, struct rt_err *err)
{
	rt_auto(commit) struct rt_commit commit = {0};
	bool cut = span->at[at].generation >= depth;

	if (rt_commit_read(repo, &span->at[at].id, &commit, err) < 0)
		return -1;
	for (size_t i = 0; i < commit.n_parents && !cut; i++)
		cut = !rt_object_exists(repo, &commit.parents[i]);
	span->at[at].tree = commit.tree;
	span->at[at].cut = cut && commit.n_parents > 0;
	if (cut || commit.n_parents == 0)
		return 0;
	span->at[at].parent = commit.parents[0];
	for (size_t i = 0; i < commit.n_parents; i++)
		add(span, &commit.parents[i], span->at[at].generation + 1);
	return 0;
}

int
rt_span_new(struct rt_generations **out, struct rt_repo *repo, const struct rt_oid *head, unsigned depth,
	    struct rt_err *err)
{
	rt_auto(span) struct rt_generations *span = rt_alloc(1, sizeof(*span));

	span->index.owner = span;
	span->index.key = key_of;
	add(span, head, 1);
	for (size_t i = 0; i < span->n; i++)
		if (go_on(span, repo, i, depth, err) < 0)
			return -1;
	*out = rt_steal(&span);
	return 0;
}

void
rt_span_free(struct rt_generations *span)
{
	if (span == NULL)
		return;
	rt_index_release(&span->index);
	free(span->at);
	free(span);
}
