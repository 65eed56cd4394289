#include "cycle/verify.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "model/judge.h"

#define TRAILER "Ratchet-Ledger: "

/* One entry, as far as the target's commits are compared with it. */
struct entry {
	int64_t seq;
	char digest[RT_SHA256_HEX + 1];
	enum rt_op op;
	bool accepted, fast;
	const char *id, *landed, *candidate, *tree, *base, *target; /* in the chain's arena */
};

struct chain {
	struct verifying *v;
	char *name, *writer; /* of the ref, and its last part */
	bool own, trusted;
	struct rt_oid head, stop;	/* stop: verified before; "" none */
	RT_VEC(struct entry) entries;	/* newest first */
	char wanted[RT_SHA256_HEX + 1]; /* prev of the entry read last: the digest that the next must have */
	int64_t expected;
	struct rt_strs closed; /* ids with an outcome */
	struct rt_oid vouched; /* this clone's head as the chain's newest entry that knows it says; "" none */
	struct rt_index by_id; /* of closed */
	struct rt_arena texts;
	bool stopped;
};

struct verifying {
	struct rt_home *home;
	struct rt_verification *out;
	RT_VEC(struct chain) chains;
	struct rt_strs trusted;
	struct rt_oid tip; /* of the target; "" none */
	bool all;
};

/* A hundred thousand strings one by one, between all that is freed, would make every further allocation slow. */
static const char *
keep(struct chain *chain, const char *s)
{
	return s ? rt_arena_add(&chain->texts, s, strlen(s)) : NULL;
}

static void find(struct verifying *v, const char *fmt, ...) RT_PRINTF(2, 3);

static void
find(struct verifying *v, const char *fmt, ...)
{
	char *text = NULL;
	va_list args;
	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		abort();
	va_end(args);
	rt_strs_add(&v->out->findings, text);
	free(text);
}

/* ---- chains ---- */

static void
judge_link(struct chain *chain, const struct rt_record *record, const char *digest)
{
	if (chain->expected && record->seq != chain->expected)
		find(chain->v, "chain %s: entry %" PRId64 " follows %" PRId64 ": a gap or a reorder", chain->writer,
		     chain->expected + 1, record->seq);
	if (chain->wanted[0] && strcmp(chain->wanted, digest) != 0)
		find(chain->v,
		     "chain %s: entry %" PRId64 " is not the one that entry %" PRId64
		     " was written after: it was edited or replaced",
		     chain->writer, record->seq, record->seq + 1);
	memcpy(chain->wanted, record->prev, sizeof(chain->wanted));
	chain->expected = record->seq - 1;
}

static const char *
closed_id(const void *owner, size_t i)
{
	return ((const struct rt_strs *)owner)->at[i];
}

static bool
is_closed(const struct chain *chain, const char *id)
{
	struct rt_index index = chain->by_id;
	index.owner = &chain->closed;
	return rt_index_find(&index, id) != RT_INDEX_NONE;
}

static void
close_id(struct chain *chain, const char *id)
{
	if (is_closed(chain, id))
		return;
	rt_strs_add(&chain->closed, id);
	chain->by_id.owner = &chain->closed;
	chain->by_id.key = closed_id;
	rt_index_add(&chain->by_id, chain->closed.n - 1);
}

static void
judge_closure(struct chain *chain, const struct rt_record *record)
{
	if (!record->id)
		return;
	if (record->op == RT_OP_OUTCOME || record->op == RT_OP_ABORTED || record->op == RT_OP_REJECTED)
		close_id(chain, record->id);
	if (record->op == RT_OP_INTENT && !is_closed(chain, record->id))
		find(chain->v,
		     "chain %s: entry %" PRId64
		     " (%s) intends a landing that no later entry closes; run `ratchet recover`",
		     chain->writer, record->seq, record->id);
}

/* Every entry names the heads of the other chains that its writer saw, so that they vouch for each other. */
static void
note_vouched(struct chain *chain, const struct rt_record *record)
{
	const char *head = rt_json_get_string(record->heads, chain->v->home->writer);
	if (!chain->own && head && !chain->vouched.hex[0])
		snprintf(chain->vouched.hex, sizeof(chain->vouched.hex), "%s", head);
}

static int
read_entry(void *data, const struct rt_oid *at, const struct rt_record *record, struct rt_err *err)
{
	struct chain *chain = data;
	enum rt_verdict verdict;
	struct entry *entry = rt_push(&chain->entries);
	(void)err;
	memcpy(entry->digest, record->digest, sizeof(entry->digest));
	judge_link(chain, record, entry->digest);
	if (chain->stop.hex[0] && rt_oid_equal(at, &chain->stop)) {
		chain->stopped = true;
		chain->entries.n--;
		return 1;
	}
	judge_closure(chain, record);
	note_vouched(chain, record);
	entry->seq = record->seq;
	entry->op = record->op;
	entry->fast = record->fast;
	entry->accepted = record->op != RT_OP_INTENT && record->verdict &&
			  rt_verdict_parse(record->verdict, &verdict) == 0 &&
			  (rt_verdict_exit(verdict) == 0 || verdict == RT_VERDICT_NOOP);
	entry->id = keep(chain, record->id);
	entry->landed = keep(chain, record->landed);
	entry->candidate = keep(chain, record->candidate);
	entry->tree = keep(chain, record->tree);
	entry->base = keep(chain, record->base);
	entry->target = keep(chain, record->target);
	chain->v->out->entries++;
	if (chain->own && record->time > chain->v->out->newest)
		chain->v->out->newest = record->time;
	return 0;
}

/* A ref's name as one file name. */
static char *
verified_name(const char *ref)
{
	char *name = rt_strdup(ref);
	for (char *p = name; *p; p++)
		*p = *p == '/' ? '%' : *p;
	return name;
}

/* What was verified last of a ref: an id in <ratchet>/verified. */
static int
read_verified(struct rt_home *home, const char *ref, struct rt_oid *out, struct rt_err *err)
{
	rt_auto(free) char *name = verified_name(ref);
	rt_auto(free) char *path = rt_home_path(home, "verified/%s", name);
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	out->hex[0] = '\0';
	if (!rt_exists(AT_FDCWD, path))
		return 0;
	if (rt_file_read(AT_FDCWD, path, 128, &text, err) < 0)
		return -1;
	if (text.len == RT_OID_HEX + 1)
		memcpy(out->hex, text.data, RT_OID_HEX);
	out->hex[RT_OID_HEX] = '\0';
	return 0;
}

/* A hint, so neither synced nor put in place by a rename: one that is torn or lost makes the next run read more. */
static int
write_verified(struct rt_home *home, const char *ref, const struct rt_oid *head, struct rt_err *err)
{
	rt_auto(free) char *name = verified_name(ref);
	rt_auto(free) char *dir = rt_home_path(home, "verified");
	rt_auto(free) char *path = rt_format("%s/%s", dir, name);
	rt_auto(free) char *text = rt_format("%s\n", head->hex);
	if (rt_mkdirs(AT_FDCWD, dir, 0755, err) < 0)
		return -1;
	rt_auto(fd) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || rt_write_all(fd, text, strlen(text)) < 0)
		return rt_fail_errno(err, "writing %s", path);
	return 0;
}

static int
read_chain(void *data, const char *name, const struct rt_oid *oid, struct rt_err *err)
{
	struct verifying *v = data;
	struct rt_err broken = RT_ERR_INIT;
	const char *writer = strrchr(name, '/') + 1;
	struct chain chain = {.v = v, .name = rt_strdup(name), .writer = rt_strdup(writer), .head = *oid};
	chain.own = rt_starts_with(name, RT_LEDGER_REFS) && strcmp(writer, v->home->writer) == 0;
	chain.trusted = chain.own || rt_strs_has(&v->trusted, writer);
	if (!v->all && read_verified(v->home, name, &chain.stop, err) < 0)
		return -1;
	v->out->chains++;
	if (rt_ledger_walk(v->home, oid, read_entry, &chain, &broken) < 0)
		find(v, "chain %s: below entry %" PRId64 ": %s", writer, chain.expected + 1, broken.text);
	else if (!chain.stopped && chain.stop.hex[0])
		find(v, "chain %s: the head verified last, %.12s, is no longer in it: it was cut short or rewritten",
		     writer, chain.stop.hex);
	else if (!chain.stopped && chain.expected != 0)
		find(v, "chain %s: its first entry is number %" PRId64 ", so its beginning is missing", writer,
		     chain.expected + 1);
	*rt_push(&v->chains) = chain;
	return 0;
}

/* ---- anchors ---- */

static const struct chain *
own_chain(const struct verifying *v)
{
	for (size_t i = 0; i < v->chains.n; i++)
		if (v->chains.at[i].own)
			return &v->chains.at[i];
	return NULL;
}

static const struct entry *
entry_at(const struct chain *chain, int64_t seq)
{
	/* newest first and dense; where they are not, that is a finding already */
	size_t n = chain ? chain->entries.n : 0;
	int64_t at = n ? chain->entries.at[0].seq - seq : -1;
	return at >= 0 && (size_t)at < n && chain->entries.at[at].seq == seq ? &chain->entries.at[at] : NULL;
}

/* An anchor outside the chain says that entry seq had this digest. */
static void
judge_anchor(struct verifying *v, const char *what, int64_t seq, const char *digest)
{
	const struct chain *chain = own_chain(v);
	const struct entry *entry = entry_at(chain, seq);
	if (seq > v->out->head.seq)
		find(v,
		     "%s knows entry %" PRId64 " of this clone's chain, which ends at %" PRId64
		     ": the ledger was cut short",
		     what, seq, v->out->head.seq);
	else if (entry && strcmp(entry->digest, digest) != 0)
		find(v, "%s knows another entry %" PRId64 " than this clone's chain holds: the ledger was rewritten",
		     what, seq);
}

static int
judge_witness(struct verifying *v, struct rt_err *err)
{
	int64_t seq = 0;
	char digest[RT_SHA256_HEX + 1] = "";
	int found = rt_witness_read(v->home, &seq, digest, err);
	if (found < 0) {
		find(v, "%s", err->text);
		return 0;
	}
	if (found)
		judge_anchor(v, "the witness file", seq, digest);
	else if (v->out->head.seq)
		rt_strs_add(&v->out->notes, "there is no witness file outside the repository, so that a cut of the "
					    "ledger's newest entries may go unnoticed");
	return 0;
}

/* What other chains, and copies of this one elsewhere, know of this clone's chain. */
static int
judge_others(struct verifying *v, struct rt_err *err)
{
	for (size_t i = 0; i < v->chains.n; i++) {
		const struct chain *chain = &v->chains.at[i];
		const struct rt_oid *known =
		    strcmp(chain->writer, v->home->writer) == 0 ? &chain->head : &chain->vouched;
		if (chain->own || !known->hex[0])
			continue;
		int held = rt_object_exists(v->home->repo, known) && v->out->head.commit.hex[0]
			       ? rt_is_ancestor(v->home->repo, known, &v->out->head.commit, err)
			       : 0;
		if (held < 0)
			return -1;
		if (!held)
			find(v,
			     "%s knows %.12s as the head of this clone's chain, which does not hold it: the ledger was "
			     "cut short or rewritten",
			     chain->name, known->hex);
	}
	return 0;
}

static void
judge_trailer(struct verifying *v, const struct rt_commit *commit)
{
	char writer[17], digest[RT_SHA256_HEX + 1];
	int64_t seq;
	const char *line = strstr(commit->message, "\n" TRAILER);
	if (!line ||
	    sscanf(line + 1 + strlen(TRAILER), "%16[0-9a-f] %" SCNd64 " %64[0-9a-f]", writer, &seq, digest) != 3)
		return;
	if (strcmp(writer, v->home->writer) != 0 || seq == 0)
		return;
	rt_auto(free) char *what = rt_format("the trailer of %.12s", commit->id.hex);
	judge_anchor(v, what, seq, digest);
}

/* ---- the target's commits ---- */

/* A commit of the target, as far as entries are compared with it. */
struct node {
	struct rt_oid id, tree, parent; /* parent: the first; "" none */
	size_t same_tree;		/* the next node with the same tree, or RT_INDEX_NONE */
	enum rt_commit_class class;
	bool known;
	bool alone; /* no merge */
};

struct commits {
	struct verifying *v;
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

/* All that lies between an entry's base and what it landed or accepted came in with it. */
static int
mark_range(struct commits *commits, const struct entry *entry, const char *tip, enum rt_commit_class class,
	   struct rt_err *err)
{
	rt_auto(free) struct rt_oid *ids = NULL;
	size_t n = 0, at = position(commits, tip);
	struct rt_oid last, base;
	if (at == RT_INDEX_NONE)
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
mark_moved(struct commits *commits, const struct entry *entry, struct rt_err *err)
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
classify_by_chain(struct commits *commits, const struct chain *chain, struct rt_err *err)
{
	for (size_t i = 0; i < chain->entries.n; i++) {
		const struct entry *entry = &chain->entries.at[i];
		if (!entry->accepted)
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
	struct verifying *v = commits->v;
	for (size_t i = 0; i < v->chains.n; i++)
		if (v->chains.at[i].trusted && classify_by_chain(commits, &v->chains.at[i], err) < 0)
			return -1;
	for (size_t i = 0; i < commits->n; i++) {
		rt_auto(commit) struct rt_commit commit = {0};
		enum rt_commit_class class = commits->at[i].known ? commits->at[i].class : RT_CLASS_UNGATED;
		if (rt_commit_read(v->home->repo, &commits->at[i].id, &commit, err) < 0)
			return -1;
		judge_trailer(v, &commit);
		v->out->classes[class]++;
		if (class != RT_CLASS_UNGATED)
			continue;
		rt_strs_addf(&v->out->ungated, "%.12s %.*s", commit.id.hex, (int)strcspn(commit.message, "\n"),
			     commit.message);
		find(v, "ungated: %.12s %.*s; judge it with `ratchet check`", commit.id.hex,
		     (int)strcspn(commit.message, "\n"), commit.message);
	}
	return 0;
}

/* What was landed last must still be there: a target that was reset behind it moved without an entry. */
static int
judge_newest_landing(struct verifying *v, const char *target, const struct rt_oid *tip, struct rt_err *err)
{
	const struct chain *chain = own_chain(v);
	for (size_t i = 0; chain && i < chain->entries.n; i++) {
		const struct entry *entry = &chain->entries.at[i];
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
			find(v,
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
find_beginning(struct verifying *v, const char *ref, const struct rt_oid *tip, struct rt_oid *hidden,
	       struct rt_err *err)
{
	struct rt_oid adoption;
	if (!v->all) {
		if (read_verified(v->home, ref, hidden, err) < 0)
			return -1;
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

static int
verify_target(struct verifying *v, const char *ref, struct rt_err *err)
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

static void
chain_release(struct chain *chain)
{
	free(chain->entries.at);
	free(chain->name);
	free(chain->writer);
	rt_strs_release(&chain->closed);
	rt_index_release(&chain->by_id);
	rt_arena_release(&chain->texts);
}

/* What was found sound is where the next verification stops. */
static int
remember(struct verifying *v, const char *ref, struct rt_err *err)
{
	if (v->out->findings.n)
		return 0;
	for (size_t i = 0; i < v->chains.n; i++)
		if (write_verified(v->home, v->chains.at[i].name, &v->chains.at[i].head, err) < 0)
			return -1;
	return ref && v->tip.hex[0] ? write_verified(v->home, ref, &v->tip, err) : 0;
}

static int
verify_once(struct rt_home *home, const char *ref, bool all, struct rt_verification *out, struct rt_err *err)
{
	struct verifying v = {.home = home, .out = out, .all = all};
	int result = rt_repo_config_all(home->repo, "ratchet.trustedWriter", &v.trusted, err) < 0 ? -1 : 0;
	if (result == 0)
		result = rt_ledger_head(home, &out->head, err);
	if (result == 0)
		result = rt_ref_each(home->repo, RT_LEDGER_REFS, read_chain, &v, err);
	if (result == 0)
		result = rt_ref_each(home->repo, "refs/ratchet/remotes/", read_chain, &v, err);
	if (result == 0)
		result = judge_witness(&v, err);
	if (result == 0)
		result = judge_others(&v, err);
	if (result == 0 && ref)
		result = verify_target(&v, ref, err);
	if (result == 0)
		result = remember(&v, ref, err);
	for (size_t i = 0; i < v.chains.n; i++)
		chain_release(&v.chains.at[i]);
	free(v.chains.at);
	rt_strs_release(&v.trusted);
	return result;
}

int
rt_verify(struct rt_home *home, const char *ref, bool all, struct rt_verification *out, struct rt_err *err)
{
	int result = verify_once(home, ref, all, out, err);
	if (result == 0 && !all && out->findings.n) {
		/* what an older entry accounts for is not known to an incremental run; only a whole one accuses */
		rt_verification_release(out);
		result = verify_once(home, ref, true, out, err);
	}
	return result;
}

void
rt_verification_release(struct rt_verification *verification)
{
	rt_strs_release(&verification->findings);
	rt_strs_release(&verification->notes);
	rt_strs_release(&verification->ungated);
	memset(verification, 0, sizeof(*verification));
}
