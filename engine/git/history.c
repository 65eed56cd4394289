#include "git/internal.h"

#include <fcntl.h>
#include <string.h>

#include "support/file.h"
#include "support/index.h"

/*
 * Walks over commits. libgit2's own fail in a shallow clone, where a commit names parents that are not there; here the
 * commits that <commondir>/shallow lists have none. Commits are visited newest first by committer date, which only
 * makes the walk short: what is answered does not depend on the dates.
 */

#define ON_A 1u /* reachable from the first end */
#define ON_B 2u /* reachable from the second end */
#define BOTH (ON_A | ON_B)
#define STALE 4u /* below a commit that is reachable from both ends: no merge base */
#define PAINT (BOTH | STALE)
#define IN_RESULT 8u
#define QUEUED 16u
#define CUT 32u /* at a shallow boundary: its parents are unknown */

/* Clocks differ: how many seconds a commit may be older than its parent without a hidden commit being listed. */
#define CLOCK_SLACK 86400

struct node {
	struct rt_oid id;
	int64_t date;
	size_t *parents; /* positions; NULL until loaded */
	size_t n_parents;
	unsigned flags;
	unsigned next_parent; /* of the topological walk */
	bool loaded;
};

struct walk {
	struct rt_repo *repo;
	struct {
		struct node *at;
		size_t n, cap;
	} nodes;
	struct rt_index index;
	struct {
		size_t *at;
		size_t n, cap;
	} heap;		     /* positions, newest first */
	size_t live;	     /* in the heap and not reachable from both ends */
	struct rt_strs cuts; /* sorted ids of <commondir>/shallow */
};

static const char *
node_key(const void *owner, size_t position)
{
	return ((const struct walk *)owner)->nodes.at[position].id.hex;
}

static void
walk_release(struct walk *w)
{
	for (size_t i = 0; i < w->nodes.n; i++)
		free(w->nodes.at[i].parents);
	free(w->nodes.at);
	free(w->heap.at);
	rt_index_release(&w->index);
	rt_strs_release(&w->cuts);
	free(w);
}
static void
walk_free(struct walk **w)
{
	if (*w != NULL)
		walk_release(*w);
}
RT_DEFINE_AUTO(walk, struct walk *, walk_free);

static int
walk_new(struct walk **out, struct rt_repo *repo, struct rt_err *err)
{
	rt_auto(walk) struct walk *w = rt_alloc(1, sizeof(*w));
	rt_auto(free) char *path = rt_format("%s/shallow", repo->commondir);
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;

	w->repo = repo;
	w->index.owner = w;
	w->index.key = node_key;
	if (rt_exists(AT_FDCWD, path) && rt_file_read(AT_FDCWD, path, 64u << 20, &text, err) < 0)
		return -1;
	for (const char *line = text.data; *line != '\0';) {
		size_t len = strcspn(line, "\n");

		rt_strs_addn(&w->cuts, line, len);
		line += len + (line[len] == '\n');
	}
	rt_strs_sort(&w->cuts);
	*out = rt_steal(&w);
	return 0;
}

static size_t
node_of(struct walk *w, const char *hex)
{
	size_t at = rt_index_find(&w->index, hex);
	struct node *node;

	if (at != RT_INDEX_NONE)
		return at;
	node = rt_push(&w->nodes);
	memcpy(node->id.hex, hex, RT_OID_HEX);
	at = w->nodes.n - 1;
	rt_index_add(&w->index, at);
	return at;
}

static int
compare_hex(const void *key, const void *item)
{
	return strcmp(key, *(char *const *)item);
}

static bool
is_cut(const struct walk *w, const char *hex)
{
	return w->cuts.n > 0 && bsearch(hex, w->cuts.at, w->cuts.n, sizeof(char *), compare_hex) != NULL;
}

/* Seconds of "Name <mail> seconds zone". */
static int64_t
date_of(const char *line, const char *end)
{
	const char *close = NULL;

	for (const char *c = line; c < end && *c != '\n'; c++)
		if (*c == '>')
			close = c;
	return close != NULL ? strtoll(close + 1, NULL, 10) : 0;
}

/* Reads what the walk needs of a commit: header lines until the committer. */
static int
load(struct walk *w, size_t at, struct rt_err *err)
{
	rt_auto(git_odb_object) git_odb_object *object = NULL;
	RT_VEC(size_t) parents = {0};
	struct rt_oid id = w->nodes.at[at].id;
	bool cut = is_cut(w, id.hex);
	const char *line, *end;
	int64_t date = 0;

	if (w->nodes.at[at].loaded)
		return 0;
	if (rt_odb_read(w->repo, &id, GIT_OBJECT_COMMIT, &object, err) < 0)
		return -1;
	line = git_odb_object_data(object);
	end = line + git_odb_object_size(object);
	while (line < end && *line != '\n') {
		const char *eol = memchr(line, '\n', (size_t)(end - line));

		if (eol == NULL)
			break;
		if (!cut && eol - line == 47 && strncmp(line, "parent ", 7) == 0) {
			char hex[RT_OID_HEX + 1] = {0};

			memcpy(hex, line + 7, RT_OID_HEX);
			*rt_push(&parents) = node_of(w, hex);
		} else if (strncmp(line, "committer ", 10) == 0) {
			date = date_of(line, eol);
		}
		line = eol + 1;
	}
	w->nodes.at[at].parents = parents.at;
	w->nodes.at[at].n_parents = parents.n;
	w->nodes.at[at].date = date;
	w->nodes.at[at].loaded = true;
	if (cut)
		w->nodes.at[at].flags |= CUT;
	return 0;
}

/* ---- the queue: a binary heap by date ---- */

static bool
newer(const struct walk *w, size_t a, size_t b)
{
	return w->nodes.at[w->heap.at[a]].date > w->nodes.at[w->heap.at[b]].date;
}

static void
heap_swap(struct walk *w, size_t a, size_t b)
{
	size_t held = w->heap.at[a];

	w->heap.at[a] = w->heap.at[b];
	w->heap.at[b] = held;
}

static void
heap_push(struct walk *w, size_t node)
{
	size_t i;

	*rt_push(&w->heap) = node;
	for (i = w->heap.n - 1; i > 0 && newer(w, i, (i - 1) / 2); i = (i - 1) / 2)
		heap_swap(w, i, (i - 1) / 2);
}

static size_t
heap_pop(struct walk *w)
{
	size_t top = w->heap.at[0];
	size_t i = 0;

	w->heap.at[0] = w->heap.at[--w->heap.n];
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= w->heap.n)
			return top;
		if (child + 1 < w->heap.n && newer(w, child + 1, child))
			child++;
		if (!newer(w, child, i))
			return top;
		heap_swap(w, i, child);
		i = child;
	}
}

static bool
is_live(const struct node *node)
{
	return (node->flags & QUEUED) != 0 && (node->flags & BOTH) != BOTH;
}

/* Adds flags to a commit and queues it when they are news. */
static int
paint(struct walk *w, size_t at, unsigned flags, struct rt_err *err)
{
	struct node *node;

	if ((w->nodes.at[at].flags & flags) == flags)
		return 0;
	if (load(w, at, err) < 0)
		return -1;
	node = &w->nodes.at[at];
	w->live -= is_live(node);
	node->flags |= flags;
	if ((node->flags & QUEUED) == 0) {
		node->flags |= QUEUED;
		heap_push(w, at);
	}
	w->live += is_live(node);
	return 0;
}

static size_t
next_commit(struct walk *w)
{
	size_t at = heap_pop(w);

	w->live -= is_live(&w->nodes.at[at]);
	w->nodes.at[at].flags &= ~QUEUED;
	return at;
}

static int
paint_parents(struct walk *w, size_t at, struct rt_err *err)
{
	unsigned flags = w->nodes.at[at].flags & PAINT;

	if ((flags & BOTH) == BOTH)
		flags |= STALE;
	for (size_t i = 0; i < w->nodes.at[at].n_parents; i++)
		if (paint(w, w->nodes.at[at].parents[i], flags, err) < 0)
			return -1;
	return 0;
}

/* ---- ancestry ---- */

static int
say_shallow(const struct walk *w, const char *question, struct rt_err *err)
{
	return rt_fail(err, RT_EUNKNOWN,
		       "%s can't be told: the history of the shallow clone %s ends before; run `git fetch --unshallow`",
		       question, w->repo->commondir);
}

/* Is there a commit that only one end reaches, and below which history was cut off? */
static bool
is_open_ended(const struct walk *w, unsigned end)
{
	for (size_t i = 0; i < w->nodes.n; i++)
		if ((w->nodes.at[i].flags & CUT) != 0 && (w->nodes.at[i].flags & BOTH) == end)
			return true;
	return false;
}

/*
 * Both ends are walked at once: a commit reachable from both is of no further interest, and once nothing else is queued
 * the answer is no. What lies between descendant and ancestor is never reachable from the ancestor, so it is always
 * followed.
 */
int
rt_is_ancestor(struct rt_repo *repo, const struct rt_oid *ancestor, const struct rt_oid *descendant, struct rt_err *err)
{
	rt_auto(walk) struct walk *w = NULL;
	size_t wanted;

	if (rt_oid_equal(ancestor, descendant))
		return 1;
	if (walk_new(&w, repo, err) < 0)
		return -1;
	wanted = node_of(w, ancestor->hex);
	if (paint(w, node_of(w, descendant->hex), ON_A, err) < 0)
		return -1;
	/* In a shallow clone an ancestor may be known by its id alone. */
	if (w->cuts.n > 0 && !rt_object_exists(repo, ancestor))
		return say_shallow(w, "whether one commit descends from the other", err);
	if (paint(w, wanted, ON_B, err) < 0)
		return -1;
	while (w->live > 0) {
		size_t at = next_commit(w);

		if (paint_parents(w, at, err) < 0)
			return -1;
		if ((w->nodes.at[wanted].flags & ON_A) != 0)
			return 1;
	}
	if (is_open_ended(w, ON_A))
		return say_shallow(w, "whether one commit descends from the other", err);
	return 0;
}

/* Of the candidates that no other one descends from, the newest. */
static int
best_base(struct walk *w, const size_t *found, size_t n, struct rt_oid *out, struct rt_err *err)
{
	const struct node *newest = NULL;

	for (size_t i = 0; i < n; i++) {
		bool best = true;

		for (size_t j = 0; best && j < n; j++) {
			int above =
			    i == j ? 0
				   : rt_is_ancestor(w->repo, &w->nodes.at[found[i]].id, &w->nodes.at[found[j]].id, err);

			if (above < 0)
				return -1;
			best = above == 0;
		}
		if (best && (newest == NULL || w->nodes.at[found[i]].date > newest->date))
			newest = &w->nodes.at[found[i]];
	}
	if (newest == NULL)
		return rt_fail(err, RT_EINTERNAL, "every merge base descends from another one");
	*out = newest->id;
	return 1;
}

static int
find_bases(struct walk *w, size_t **found, size_t *n, struct rt_err *err)
{
	RT_VEC(size_t) bases = {0};

	while (w->live > 0)
		if (paint_parents(w, next_commit(w), err) < 0)
			return -1;
	for (size_t i = 0; i < w->nodes.n; i++)
		if ((w->nodes.at[i].flags & PAINT) == BOTH)
			*rt_push(&bases) = i;
	*found = bases.at;
	*n = bases.n;
	return 0;
}

int
rt_merge_base(struct rt_repo *repo, const struct rt_oid *a, const struct rt_oid *b, struct rt_oid *out,
	      struct rt_err *err)
{
	rt_auto(walk) struct walk *w = NULL;
	rt_auto(free) size_t *found = NULL;
	size_t n = 0;

	if (rt_oid_equal(a, b)) {
		*out = *a;
		return 1;
	}
	if (walk_new(&w, repo, err) < 0 || paint(w, node_of(w, a->hex), ON_A, err) < 0 ||
	    paint(w, node_of(w, b->hex), ON_B, err) < 0 || find_bases(w, &found, &n, err) < 0)
		return -1;
	if (n > 0)
		return best_base(w, found, n, out, err);
	if (is_open_ended(w, ON_A) || is_open_ended(w, ON_B))
		return say_shallow(w, "the common ancestor", err);
	return 0;
}

/* ---- lists ---- */

/* Oldest first: a commit is put out after all of its parents that count. */
static void
list_from(struct walk *w, size_t tip, struct rt_oid *out, size_t *n)
{
	RT_VEC(size_t) stack = {0};

	*rt_push(&stack) = tip;
	while (stack.n > 0) {
		struct node *node = &w->nodes.at[stack.at[stack.n - 1]];

		if (node->next_parent < node->n_parents) {
			size_t parent = node->parents[node->next_parent++];

			if ((w->nodes.at[parent].flags & (BOTH | IN_RESULT)) == ON_A) {
				w->nodes.at[parent].flags |= IN_RESULT;
				*rt_push(&stack) = parent;
			}
			continue;
		}
		out[(*n)++] = node->id;
		stack.n--;
	}
	free(stack.at);
}

static size_t
count_new(const struct walk *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->nodes.n; i++)
		n += (w->nodes.at[i].flags & BOTH) == ON_A;
	return n;
}

/*
 * With true dates a hidden commit is known as such before it is visited. Clocks differ, so what is hidden is followed
 * until it is older than everything new.
 */
static int
follow_hidden(struct walk *w, struct rt_err *err)
{
	int64_t oldest = INT64_MAX;

	for (size_t i = 0; i < w->nodes.n; i++)
		if ((w->nodes.at[i].flags & BOTH) == ON_A && w->nodes.at[i].date < oldest)
			oldest = w->nodes.at[i].date;
	while (w->heap.n > 0 && w->nodes.at[w->heap.at[0]].date >= oldest - CLOCK_SLACK)
		if (paint_parents(w, next_commit(w), err) < 0)
			return -1;
	return 0;
}

int
rt_rev_list(struct rt_repo *repo, const struct rt_oid *tip, const struct rt_oid *hidden, size_t max,
	    struct rt_oid **out, size_t *n, struct rt_err *err)
{
	rt_auto(walk) struct walk *w = NULL;
	size_t wanted, start;

	*out = NULL;
	*n = 0;
	if (walk_new(&w, repo, err) < 0)
		return -1;
	start = node_of(w, tip->hex);
	if (paint(w, start, ON_A, err) < 0 || (hidden != NULL && paint(w, node_of(w, hidden->hex), ON_B, err) < 0))
		return -1;
	while (w->live > 0)
		if (paint_parents(w, next_commit(w), err) < 0)
			return -1;
	if (hidden != NULL && follow_hidden(w, err) < 0)
		return -1;
	wanted = (w->nodes.at[start].flags & BOTH) == ON_A ? count_new(w) : 0;
	if (max > 0 && wanted > max)
		return rt_fail(err, RT_EUNKNOWN, "%s brings %zu commits, more than the limit of %zu", tip->hex, wanted,
			       max);
	if (wanted == 0)
		return 0;
	*out = rt_alloc(wanted, sizeof(**out));
	w->nodes.at[start].flags |= IN_RESULT;
	list_from(w, start, *out, n);
	return 0;
}
