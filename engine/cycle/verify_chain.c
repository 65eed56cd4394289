#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cycle/verify_parts.h"
#include "model/judge.h"

/* A hundred thousand strings one by one, between all that is freed, would make every further allocation slow. */
static const char *
keep(struct rt_chain *chain, struct rt_piece span)
{
	return span.at ? rt_arena_add(&chain->texts, span.at, span.len) : NULL;
}

static void
judge_link(struct rt_chain *chain, const struct rt_facts *facts)
{
	if (chain->expected && facts->seq != chain->expected)
		rt_verify_find(chain->v, "chain %s: entry %" PRId64 " follows %" PRId64 ": a gap or a reorder",
			       chain->writer, chain->expected + 1, facts->seq);
	if (chain->wanted[0] && strcmp(chain->wanted, facts->digest) != 0)
		rt_verify_find(chain->v,
			       "chain %s: entry %" PRId64 " is not the one that entry %" PRId64
			       " was written after: it was edited or replaced",
			       chain->writer, facts->seq, facts->seq + 1);
	memcpy(chain->wanted, facts->prev.at, RT_SHA256_HEX);
	chain->expected = facts->seq - 1;
}

static const char *
closed_id(const void *owner, size_t i)
{
	return ((const struct rt_closed *)owner)->at[i];
}

static bool
is_closed(struct rt_chain *chain, const char *id)
{
	chain->by_id.owner = &chain->closed;
	return rt_index_find(&chain->by_id, id) != RT_INDEX_NONE;
}

static void
close_id(struct rt_chain *chain, const char *id)
{
	if (is_closed(chain, id))
		return;
	*rt_push(&chain->closed) = id;
	chain->by_id.key = closed_id;
	rt_index_add(&chain->by_id, chain->closed.n - 1);
}

static void
judge_closure(struct rt_chain *chain, const struct rt_facts *facts)
{
	if (!facts->id.at)
		return;
	if (facts->op == RT_OP_OUTCOME || facts->op == RT_OP_ABORTED || facts->op == RT_OP_REJECTED)
		close_id(chain, keep(chain, facts->id));
	/* what closes an intent mostly stands right after it */
	if (facts->op == RT_OP_INTENT &&
	    !(chain->closed.n && rt_span_is(facts->id, chain->closed.at[chain->closed.n - 1]))) {
		char id[64];
		snprintf(id, sizeof(id), "%.*s", (int)facts->id.len, facts->id.at);
		if (!is_closed(chain, id))
			rt_verify_find(chain->v,
				       "chain %s: entry %" PRId64
				       " (%s) intends a landing that no later entry closes; run `ratchet recover`",
				       chain->writer, facts->seq, id);
	}
}

/* Every entry names the heads of the other chains that its writer saw, so that they vouch for each other. */
static void
note_vouched(struct rt_chain *chain, const struct rt_facts *facts)
{
	if (chain->own || chain->vouched.hex[0])
		return;
	struct rt_piece head = rt_span_string(facts->heads, chain->v->home->writer);
	if (head.at)
		snprintf(chain->vouched.hex, sizeof(chain->vouched.hex), "%.*s", (int)head.len, head.at);
}

static bool
is_accepted(const struct rt_facts *facts)
{
	for (int verdict = 0; facts->op != RT_OP_INTENT && facts->verdict.at && verdict <= RT_VERDICT_NOOP; verdict++)
		if (rt_span_is(facts->verdict, rt_verdict_name((enum rt_verdict)verdict)))
			return rt_verdict_exit((enum rt_verdict)verdict) == 0 || verdict == RT_VERDICT_NOOP;
	return false;
}

/* Is this the entry that was verified last? By its digest as well: commits may be written anew around the same entries.
 */
static bool
is_last(const struct rt_chain *chain, const struct rt_oid *at, const struct rt_facts *facts)
{
	return chain->last.head.hex[0] &&
	       (rt_oid_equal(at, &chain->last.head) ||
		(facts->seq == chain->last.seq && strcmp(facts->digest, chain->last.digest) == 0));
}

static int
read_entry(void *data, const struct rt_oid *at, const struct rt_facts *facts, struct rt_err *err)
{
	struct rt_chain *chain = data;
	(void)err;
	judge_link(chain, facts);
	if (is_last(chain, at, facts)) {
		chain->stopped = true;
		if (!chain->v->all)
			return 1;
	}
	judge_closure(chain, facts);
	note_vouched(chain, facts);
	struct rt_chain_entry *entry = rt_push(&chain->entries);
	memcpy(entry->digest, facts->digest, sizeof(entry->digest));
	entry->seq = facts->seq;
	entry->op = facts->op;
	entry->fast = facts->fast;
	entry->accepted = is_accepted(facts);
	entry->noop = facts->verdict.at && rt_span_is(facts->verdict, rt_verdict_name(RT_VERDICT_NOOP));
	chain->v->out->entries++;
	if (chain->own && facts->time > chain->v->out->newest)
		chain->v->out->newest = facts->time;
	if (!entry->accepted)
		return 0;
	/* what accounts for the target's commits */
	entry->id = keep(chain, facts->id);
	entry->landed = keep(chain, facts->landed);
	entry->candidate = keep(chain, facts->candidate);
	entry->tree = keep(chain, facts->tree);
	entry->base = keep(chain, facts->base);
	entry->target = keep(chain, facts->target);
	return 0;
}

static void
find_lost(struct rt_verifying *v, const char *name, const char *writer, const struct rt_oid *last)
{
	rt_auto(free) char *path = rt_verified_path(v->home, name);
	rt_verify_find(
	    v,
	    "chain %s: the head verified last, %.12s, is no longer in it: it was cut short or rewritten; where "
	    "that was meant, remove %s",
	    writer, last->hex, path);
}

int
rt_verify_chain(void *data, const char *name, const struct rt_oid *oid, struct rt_err *err)
{
	struct rt_verifying *v = data;
	struct rt_err broken = RT_ERR_INIT;
	const char *writer = strrchr(name, '/') + 1;
	struct rt_chain chain = {.v = v, .name = rt_strdup(name), .writer = rt_strdup(writer), .head = *oid};
	chain.own = rt_starts_with(name, RT_LEDGER_REFS) && strcmp(writer, v->home->writer) == 0;
	chain.trusted = chain.own || rt_strs_has(&v->trusted, writer);
	if (rt_verified_read(v->home, name, &chain.last, err) < 0)
		return -1;
	v->out->chains++;
	if (rt_ledger_scan(v->home, oid, read_entry, &chain, &broken) < 0)
		rt_verify_find(v, "chain %s: below entry %" PRId64 ": %s", writer, chain.expected + 1, broken.text);
	else if (!chain.stopped && chain.last.head.hex[0])
		find_lost(v, name, writer, &chain.last.head);
	else if ((v->all || !chain.stopped) && chain.expected != 0)
		rt_verify_find(v, "chain %s: its first entry is number %" PRId64 ", so its beginning is missing",
			       writer, chain.expected + 1);
	*rt_push(&v->chains) = chain;
	return 0;
}

void
rt_chain_release(struct rt_chain *chain)
{
	free(chain->entries.at);
	free(chain->name);
	free(chain->writer);
	free(chain->closed.at);
	rt_index_release(&chain->by_id);
	rt_arena_release(&chain->texts);
}
