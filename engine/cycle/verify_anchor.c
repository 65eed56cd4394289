#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cycle/verify_parts.h"

#define TRAILER "Ratchet-Ledger: "

const struct rt_chain *
rt_verify_own(const struct rt_verifying *v)
{
	for (size_t i = 0; i < v->chains.n; i++)
		if (v->chains.at[i].own)
			return &v->chains.at[i];
	return NULL;
}

static const struct rt_chain_entry *
entry_at(const struct rt_chain *chain, int64_t seq)
{
	/* newest first and dense; where they are not, that is a finding already */
	size_t n = chain ? chain->entries.n : 0;
	int64_t at = n ? chain->entries.at[0].seq - seq : -1;
	return at >= 0 && (size_t)at < n && chain->entries.at[at].seq == seq ? &chain->entries.at[at] : NULL;
}

/* An anchor outside the chain says that entry seq had this digest. */
static void
judge_anchor(struct rt_verifying *v, const char *what, int64_t seq, const char *digest)
{
	const struct rt_chain *chain = rt_verify_own(v);
	const struct rt_chain_entry *entry = entry_at(chain, seq);
	if (seq > v->out->head.seq)
		rt_verify_find(v,
			       "%s knows entry %" PRId64 " of this clone's chain, which ends at %" PRId64
			       ": the ledger was cut short",
			       what, seq, v->out->head.seq);
	else if (entry && strcmp(entry->digest, digest) != 0)
		rt_verify_find(
		    v, "%s knows another entry %" PRId64 " than this clone's chain holds: the ledger was rewritten",
		    what, seq);
}

int
rt_verify_witness(struct rt_verifying *v, struct rt_err *err)
{
	int64_t seq = 0;
	char digest[RT_SHA256_HEX + 1] = "";
	int found = rt_witness_read(v->home, &seq, digest, err);
	if (found < 0) {
		rt_verify_find(v, "%s", err->text);
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
int
rt_verify_others(struct rt_verifying *v, struct rt_err *err)
{
	for (size_t i = 0; i < v->chains.n; i++) {
		const struct rt_chain *chain = &v->chains.at[i];
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
			rt_verify_find(
			    v,
			    "%s knows %.12s as the head of this clone's chain, which does not hold it: the ledger was "
			    "cut short or rewritten",
			    chain->name, known->hex);
	}
	return 0;
}

void
rt_verify_trailer(struct rt_verifying *v, const struct rt_commit *commit)
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
