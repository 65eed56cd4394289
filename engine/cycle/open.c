#include "cycle/open.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cycle/check.h"
#include "cycle/ledger.h"
#include "support/clock.h"

/* GRACE: the guard writes its entry a moment before the branch moves; until then the branch does not hold the commit.
 */
enum { LOCK_MS = 30000, GRACE_SECONDS = 60, ID_DIGITS = 12 };

const char *
rt_open_kind_name(enum rt_open_kind kind)
{
	static const char *const names[] = {
#define X(name, text) text,
	    RT_OPEN_KINDS(X)
#undef X
	};
	return names[kind];
}

static enum rt_open_kind
parse_kind(const char *text)
{
	for (enum rt_open_kind kind = RT_OPEN_UNGATED; text && kind <= RT_OPEN_REGRESSED; kind++)
		if (strcmp(text, rt_open_kind_name(kind)) == 0)
			return kind;
	return RT_OPEN_MERGED;
}

static char *
short_name(const char *ref)
{
	return rt_strdup(rt_starts_with(ref, "refs/heads/") ? ref + strlen("refs/heads/") : ref);
}

static char *
oid_text(const struct rt_oid *oid)
{
	return oid->hex[0] ? rt_strdup(oid->hex) : NULL;
}

int
rt_open_write(struct rt_home *home, enum rt_open_kind kind, const char *ref, const struct rt_oid *old,
	      const struct rt_oid *new, struct rt_err *err)
{
	rt_auto(record) struct rt_record record = RT_RECORD_INIT;
	struct rt_head head;
	char id[ID_DIGITS + 1];
	rt_random_hex(id, ID_DIGITS);
	record.op = RT_OP_OPEN;
	record.id = rt_strdup(id);
	record.target = short_name(ref);
	record.base = oid_text(old);
	record.candidate = oid_text(new);
	record.extra = rt_json_new_object();
	rt_json_set_string(record.extra, "kind", rt_open_kind_name(kind));
	rt_json_set_string(record.extra, "ref", ref);
	rt_json_set_string(record.extra, "old", old->hex[0] ? old->hex : NULL);
	rt_json_set_string(record.extra, "new", new->hex[0] ? new->hex : NULL);
	if (kind != RT_OPEN_UNGATED) {
		if (rt_ledger_head(home, &head, err) < 0)
			return -1;
		rt_auto(free) char *name = rt_format(RT_OPEN_REFS "%s-%" PRId64, id, head.seq);
		int swapped = rt_ref_swap(home->repo, name, NULL, new, "open", rt_clock_ms() + LOCK_MS, err);
		if (swapped != RT_SWAPPED)
			return swapped < 0 ? -1 : rt_fail(err, RT_ECONFLICT, "%s could not be written", name);
	}
	return rt_ledger_append(home, &record, NULL, err);
}

/* ---- finding ---- */

/* One ref, and what the ledger says of it. */
struct look {
	struct rt_home *home;
	struct rt_open open;
	struct rt_buf ref; /* the branch; empty: the entry is not there */
	int64_t seq, time;
	bool covered;
	bool gone; /* the branch does not hold the commit: it never arrived, or was moved back */
};

static int
is_within(struct rt_repo *repo, const struct rt_oid *commit, const char *of, struct rt_err *err)
{
	struct rt_oid tip;
	snprintf(tip.hex, sizeof(tip.hex), "%s", of);
	if (!rt_object_exists(repo, &tip))
		return 0;
	return rt_is_ancestor(repo, commit, &tip, err);
}

/* Does the entry judge a difference that holds the commit? 1, 0, -1. */
static int
covers(const struct look *look, const struct rt_record *record, struct rt_err *err)
{
	enum rt_verdict verdict;
	const char *judged = record->landed ? record->landed : record->candidate;
	if (record->fast || record->op == RT_OP_OPEN || record->op == RT_OP_INTENT || !judged || !record->verdict ||
	    rt_verdict_parse(record->verdict, &verdict) < 0 || rt_verdict_exit(verdict) != 0)
		return 0;
	int within = is_within(look->home->repo, &look->open.new, judged, err);
	if (within != 1 || !record->base)
		return within;
	int before = is_within(look->home->repo, &look->open.new, record->base, err);
	return before < 0 ? -1 : !before;
}

static int
look_at(void *data, const struct rt_oid *at, const struct rt_record *record, struct rt_err *err)
{
	struct look *look = data;
	(void)at;
	if (record->seq <= look->seq)
		return 1;
	int covered = look->covered ? 0 : covers(look, record, err);
	if (covered < 0)
		return -1;
	look->covered = look->covered || covered;
	if (record->op != RT_OP_OPEN || !record->id || strcmp(record->id, look->open.id) != 0)
		return 0;
	const char *old = rt_json_get_string(record->extra, "old"), *ref = rt_json_get_string(record->extra, "ref");
	look->open.kind = parse_kind(rt_json_get_string(record->extra, "kind"));
	snprintf(look->open.old.hex, sizeof(look->open.old.hex), "%s", old ? old : "");
	rt_buf_adds(&look->ref, ref ? ref : "");
	look->time = record->time;
	return 1;
}

struct search {
	struct rt_home *home;
	const char *ref;
	struct rt_oid tip;
	struct rt_open *out;
	bool found;
};

static int
drop(struct rt_home *home, const char *name, const struct rt_oid *oid, struct rt_err *err)
{
	int swapped = rt_ref_swap(home->repo, name, oid, NULL, "", rt_clock_ms() + LOCK_MS, err);
	return swapped == RT_SWAPPED || swapped == RT_SWAP_MOVED ? 0 : -1;
}

/* 1 closed, 0 it stands, -1. */
static int
is_closed(struct search *search, struct look *look, struct rt_err *err)
{
	int held = search->tip.hex[0] ? rt_is_ancestor(search->home->repo, &look->open.new, &search->tip, err) : 0;
	if (held < 0)
		return -1;
	look->gone = !held;
	return look->gone || look->covered ? 1 : rt_accepted(search->home, &look->open.new, false, err);
}

static int
look_up(struct search *search, struct look *look, const char *name, const struct rt_oid *oid, struct rt_err *err)
{
	look->open.new = *oid;
	look->open.kind = RT_OPEN_MERGED;
	if (sscanf(name + strlen(RT_OPEN_REFS), "%12[0-9a-f]-%" SCNd64, look->open.id, &look->seq) != 2)
		return rt_fail(err, RT_EIO, "%s is not an open entry of ratchet; remove it with git update-ref -d",
			       name);
	if (rt_ledger_walk(search->home, NULL, look_at, look, err) < 0)
		return -1;
	if (look->ref.len && strcmp(look->ref.data, search->ref) != 0)
		return 0;
	int closed = is_closed(search, look, err);
	if (closed < 0)
		return -1;
	if (closed) {
		/* a ref whose entry is not there yet, or that was just written, may be ahead of its move */
		bool early = look->gone && (!look->ref.len || rt_clock_now() - look->time < GRACE_SECONDS);
		return early ? 0 : drop(search->home, name, oid, err);
	}
	if (!search->found || look->open.kind > search->out->kind)
		*search->out = look->open;
	search->found = true;
	return 0;
}

static int
visit(void *data, const char *name, const struct rt_oid *oid, struct rt_err *err)
{
	struct search *search = data;
	struct look look = {.home = search->home, .ref = RT_BUF_INIT};
	int result = look_up(search, &look, name, oid, err);
	rt_buf_release(&look.ref);
	return result;
}

int
rt_open_find(struct rt_home *home, const char *ref, struct rt_open *out, struct rt_err *err)
{
	struct search search = {.home = home, .ref = ref, .out = out};
	if (rt_ref_read(home->repo, ref, &search.tip, err) < 0 ||
	    rt_ref_each(home->repo, RT_OPEN_REFS, visit, &search, err) < 0)
		return rt_err_while(err, "looking for moves of %s that are not judged", ref);
	return search.found;
}

struct closing {
	struct rt_home *home;
	const struct rt_oid *new;
};

static int
close_one(void *data, const char *name, const struct rt_oid *oid, struct rt_err *err)
{
	struct closing *closing = data;
	return rt_oid_equal(oid, closing->new) ? drop(closing->home, name, oid, err) : 0;
}

int
rt_open_close(struct rt_home *home, const struct rt_oid *new, struct rt_err *err)
{
	struct closing closing = {home, new};
	return rt_ref_each(home->repo, RT_OPEN_REFS, close_one, &closing, err);
}

void
rt_open_say(const struct rt_open *open, const char *ref, struct rt_buf *out)
{
	if (open->kind == RT_OPEN_REGRESSED)
		rt_buf_addf(out,
			    "%s holds a regression that came in with %.12s and could not be taken back (%s). "
			    "`git reset --keep %s` takes it back and keeps uncommitted work\n",
			    ref, open->new.hex, open->id, open->old.hex);
	else
		rt_buf_addf(out,
			    "%s holds %.12s, which came in from elsewhere and has not been judged (%s). "
			    "`ratchet check` judges it\n",
			    ref, open->new.hex, open->id);
}
