#include <stdio.h>
#include <string.h>

#include "cycle/verify_parts.h"

/* A commit of the target, as far as entries are compared with it. */
struct node {
	struct rt_oid id, tree, parent; /* parent: the first; "" none */
	size_t same_tree;		/* the next node with the same tree, or RT_INDEX_NONE */
	enum rt_commit_class class;
	bool known;
	bool alone; /* no merge */
};

struct commits {
	struct rt_verifying *v;
	struct rt_oid hidden; /* what they begin after; "" nothing */
	struct node *at;      /* oldest first */
	size_t n;
	struct rt_index by_id, by_tree;
};

static const char *
node_id(const void *owner, size_t i)
{
	return ((const struct commits *)owner)->at[i].id.hex;
}

static const char *
node_tree(const void *owner, size_t i)
{
	return ((const struct commits *)owner)->at[i].tree.hex;
}

static size_t
position(const struct commits *commits, const char *hex)
{
	return hex ? rt_index_find(&commits->by_id, hex) : RT_INDEX_NONE;
}

static void
mark(struct commits *commits, size_t i, enum rt_commit_class class)
{
	if (i == RT_INDEX_NONE || (commits->at[i].known && commits->at[i].class <= class))
		return;
	commits->at[i].known = true;
	commits->at[i].class = class;
}

/* Was the entry's base never the target's? What is judged against any commit at all (`check --base`) is not gated. */
static int
is_astray(const struct commits *commits, const struct rt_chain_entry *entry, struct rt_err *err)
{
	struct rt_oid base;
	if (!entry->base || entry->landed || position(commits, entry->base) != RT_INDEX_NONE)
		return 0;
	snprintf(base.hex, sizeof(base.hex), "%s", entry->base);
	if (!rt_object_exists(commits->v->home->repo, &base))
		return 0;
	int held = rt_is_ancestor(commits->v->home->repo, &base, &commits->v->tip, err);
	return held < 0 ? -1 : !held;
}

/* All that lies between an entry's base and what it landed or accepted came in with it. */
static int
mark_range(struct commits *commits, const struct rt_chain_entry *entry, const char *tip, enum rt_commit_class class,
	   struct rt_err *err)
{
	rt_auto(free) struct rt_oid *ids = NULL;
	size_t n = 0, at = position(commits, tip);
	struct rt_oid last, base;
	if (at == RT_INDEX_NONE)
		return 0;
	/* what was compared with itself was not compared at all */
	if (entry->base && strcmp(entry->base, tip) == 0)
		return 0;
	/* that to merge it changes nothing says nothing of the commit itself */
	if (entry->noop && (!entry->tree || strcmp(entry->tree, commits->at[at].tree.hex) != 0))
		return 0;
	mark(commits, at, class);
	/* most often that is all of it, and to walk costs more than to look */
	if (entry->base && commits->at[at].alone && strcmp(commits->at[at].parent.hex, entry->base) == 0)
		return 0;
	if (!entry->base && entry->op != RT_OP_ADOPTED)
		return 0;
	/* an adoption without a base took in all that was there */
	snprintf(last.hex, sizeof(last.hex), "%s", tip);
	snprintf(base.hex, sizeof(base.hex), "%s", entry->base ? entry->base : commits->hidden.hex);
	if (base.hex[0] && !rt_object_exists(commits->v->home->repo, &base))
		return 0;
	if (rt_rev_list(commits->v->home->repo, &last, base.hex[0] ? &base : NULL, 100000, &ids, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		mark(commits, position(commits, ids[i].hex), class);
	return 0;
}

/* 1 when two commits have the same tree; 0 when not or when one is not here; -1. */
static int
same_trees(struct rt_repo *repo, const struct rt_oid *a, const struct rt_oid *b, struct rt_err *err)
{
	rt_auto(commit) struct rt_commit x = {0}, y = {0};
	if (!rt_object_exists(repo, a) || !rt_object_exists(repo, b))
		return 0;
	if (rt_commit_read(repo, a, &x, err) < 0 || rt_commit_read(repo, b, &y, err) < 0)
		return -1;
	return rt_oid_equal(&x.tree, &y.tree);
}

/* A commit that git made of what a hook accepted: the same tree on the same parent (or on one with the same tree). */
static int
mark_moved(struct commits *commits, const struct rt_chain_entry *entry, struct rt_err *err)
{
	enum rt_commit_class class = entry->fast ? RT_CLASS_OWED : RT_CLASS_ACCEPTED;
	struct rt_oid base;
	if (!entry->tree || !entry->base)
		return 0;
	snprintf(base.hex, sizeof(base.hex), "%s", entry->base);
	for (size_t i = rt_index_find(&commits->by_tree, entry->tree); i != RT_INDEX_NONE;
	     i = commits->at[i].same_tree) {
		const struct node *node = &commits->at[i];
		if ((node->known && node->class <= class) || !node->parent.hex[0])
			continue;
		int same = rt_oid_equal(&node->parent, &base)
			       ? 1
			       : same_trees(commits->v->home->repo, &node->parent, &base, err);
		if (same < 0)
			return -1;
		if (same)
			mark(commits, i, class);
	}
	return 0;
}

static int
classify_by_chain(struct commits *commits, const struct rt_chain *chain, struct rt_err *err)
{
	for (size_t i = 0; i < chain->entries.n; i++) {
		const struct rt_chain_entry *entry = &chain->entries.at[i];
		if (!entry->accepted)
			continue;
		int astray = is_astray(commits, entry, err);
		if (astray < 0)
			return -1;
		if (astray)
			continue;
		enum rt_commit_class class = entry->fast     ? RT_CLASS_OWED
					     : entry->landed ? RT_CLASS_LANDED
							     : RT_CLASS_ACCEPTED;
		if (mark_range(commits, entry, entry->landed ? entry->landed : entry->candidate, class, err) < 0 ||
		    mark_moved(commits, entry, err) < 0)
			return -1;
	}
	return 0;
}

/* Where verification of the target begins: the newest first-parent commit whose parent has no ratchet.yml. */
static int
find_adoption(struct rt_repo *repo, const struct rt_oid *tip, struct rt_oid *out, struct rt_err *err)
{
	struct rt_oid at = *tip;
	out->hex[0] = '\0';
	while (at.hex[0]) {
		rt_auto(commit) struct rt_commit commit = {0};
		struct rt_entry entry;
		if (rt_commit_read(repo, &at, &commit, err) < 0 ||
		    rt_tree_entry(repo, &commit.tree, "ratchet.yml", &entry, err) < 0)
			return -1;
		if (!entry.mode)
			return 0;
		*out = at;
		at = commit.n_parents && rt_object_exists(repo, &commit.parents[0]) ? commit.parents[0]
										    : (struct rt_oid){""};
	}
	return 0;
}

static int
judge_commits(struct commits *commits, struct rt_err *err)
{
	struct rt_verifying *v = commits->v;
	for (size_t i = 0; i < v->chains.n; i++)
		if (v->chains.at[i].trusted && classify_by_chain(commits, &v->chains.at[i], err) < 0)
			return -1;
	/* to judge the tip is to judge all that came in with it */
	size_t tip = position(commits, v->tip.hex);
	bool by_tip = tip != RT_INDEX_NONE && (!commits->at[tip].known || commits->at[tip].class > RT_CLASS_ACCEPTED);
	for (size_t i = 0; i < commits->n; i++) {
		rt_auto(commit) struct rt_commit commit = {0};
		enum rt_commit_class class = commits->at[i].known ? commits->at[i].class : RT_CLASS_UNGATED;
		if (rt_commit_read(v->home->repo, &commits->at[i].id, &commit, err) < 0)
			return -1;
		rt_verify_trailer(v, &commit);
		v->out->classes[class]++;
		if (class != RT_CLASS_UNGATED)
			continue;
		rt_strs_addf(&v->out->ungated, "%.12s %.*s", commit.id.hex, (int)strcspn(commit.message, "\n"),
			     commit.message);
		rt_verify_find(v, "ungated: %.12s %.*s; judge it with `ratchet check%s%.*s`", commit.id.hex,
			       (int)strcspn(commit.message, "\n"), commit.message, by_tip ? "" : " ", by_tip ? 0 : 12,
			       commit.id.hex);
	}
	return 0;
}

/* What was landed last must still be there: a target that was reset behind it moved without an entry. */
static int
judge_newest_landing(struct rt_verifying *v, const char *target, const struct rt_oid *tip, struct rt_err *err)
{
	const struct rt_chain *chain = rt_verify_own(v);
	for (size_t i = 0; chain && i < chain->entries.n; i++) {
		const struct rt_chain_entry *entry = &chain->entries.at[i];
		struct rt_oid landed;
		if (!entry->landed || entry->op != RT_OP_OUTCOME || !entry->target ||
		    strcmp(entry->target, target) != 0)
			continue;
		snprintf(landed.hex, sizeof(landed.hex), "%s", entry->landed);
		int there =
		    rt_object_exists(v->home->repo, &landed) ? rt_is_ancestor(v->home->repo, &landed, tip, err) : 0;
		if (there < 0)
			return -1;
		if (!there)
			rt_verify_find(
			    v,
			    "%.12s was landed (%s) and is no longer on %s: the branch was moved back without an entry",
			    landed.hex, entry->id, target);
		return 0;
	}
	return 0;
}

/* Reads the commits between hidden (may be "") and tip, and indexes them. */
static int
read_commits(struct commits *commits, const struct rt_oid *tip, const struct rt_oid *hidden, struct rt_err *err)
{
	struct rt_repo *repo = commits->v->home->repo;
	rt_auto(free) struct rt_oid *ids = NULL;
	size_t n = 0;
	if (rt_rev_list(repo, tip, hidden->hex[0] ? hidden : NULL, 10000000, &ids, &n, err) < 0)
		return -1;
	commits->at = rt_alloc(n + 1, sizeof(*commits->at));
	commits->by_id = (struct rt_index){.owner = commits, .key = node_id};
	commits->by_tree = (struct rt_index){.owner = commits, .key = node_tree};
	for (size_t i = 0; i < n; i++) {
		rt_auto(commit) struct rt_commit commit = {0};
		struct node *node = &commits->at[i];
		if (rt_commit_read(repo, &ids[i], &commit, err) < 0)
			return -1;
		node->id = ids[i];
		node->tree = commit.tree;
		node->alone = commit.n_parents < 2;
		node->parent = commit.n_parents ? commit.parents[0] : (struct rt_oid){""};
		commits->n++;
		rt_index_add(&commits->by_id, i);
		size_t same = rt_index_find(&commits->by_tree, node->tree.hex);
		node->same_tree = RT_INDEX_NONE;
		if (same == RT_INDEX_NONE) {
			rt_index_add(&commits->by_tree, i);
		} else {
			node->same_tree = commits->at[same].same_tree;
			commits->at[same].same_tree = i;
		}
	}
	return 0;
}

/* Where to begin: at the tip verified last, where that is still below; else before the adoption. 1, 0 no ratchet.yml,
 * -1. */
static int
find_beginning(struct rt_verifying *v, const char *ref, const struct rt_oid *tip, struct rt_oid *hidden,
	       struct rt_err *err)
{
	struct rt_oid adoption;
	if (!v->all) {
		struct rt_verified last;
		if (rt_verified_read(v->home, ref, &last, err) < 0)
			return -1;
		*hidden = last.head;
		int below = hidden->hex[0] && rt_object_exists(v->home->repo, hidden)
				? rt_is_ancestor(v->home->repo, hidden, tip, err)
				: 0;
		if (below)
			return below;
	}
	if (find_adoption(v->home->repo, tip, &adoption, err) < 0)
		return -1;
	if (!adoption.hex[0])
		return 0;
	rt_auto(commit) struct rt_commit first = {0};
	if (rt_commit_read(v->home->repo, &adoption, &first, err) < 0)
		return -1;
	bool has_parent = first.n_parents && rt_object_exists(v->home->repo, &first.parents[0]);
	*hidden = has_parent ? first.parents[0] : (struct rt_oid){""};
	return 1;
}

int
rt_verify_target(struct rt_verifying *v, const char *ref, struct rt_err *err)
{
	struct rt_oid hidden;
	int found = rt_ref_read(v->home->repo, ref, &v->tip, err);
	if (found > 0)
		found = find_beginning(v, ref, &v->tip, &hidden, err);
	if (found == 0)
		rt_strs_addf(&v->out->notes, "%s has no ratchet.yml; run `ratchet init`", ref);
	if (found <= 0)
		return found;
	struct commits commits = {.v = v, .hidden = hidden};
	int result = read_commits(&commits, &v->tip, &hidden, err);
	v->out->commits = commits.n;
	if (result == 0)
		result = judge_commits(&commits, err);
	if (result == 0)
		result = judge_newest_landing(v, ref + strlen("refs/heads/"), &v->tip, err);
	free(commits.at);
	rt_index_release(&commits.by_id);
	rt_index_release(&commits.by_tree);
	return result;
}
