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

/* What a full entry accepted, or NULL. */
static const char *
accepted_by(const struct rt_record *record)
{
	enum rt_verdict verdict;
	if (record->fast || record->op == RT_OP_OPEN || record->op == RT_OP_INTENT || !record->verdict ||
	    rt_verdict_parse(record->verdict, &verdict) < 0 || rt_verdict_exit(verdict) != 0)
		return NULL;
	return record->landed ? record->landed : record->candidate;
}

/* Does base..judged hold the commit? 1, 0, -1. base NULL: nothing was there before. */
static int
covers(struct rt_repo *repo, const struct rt_oid *commit, const char *base, const char *judged, struct rt_err *err)
{
	int within = is_within(repo, commit, judged, err);
	if (within != 1 || !base)
		return within;
	int before = is_within(repo, commit, base, err);
	return before < 0 ? -1 : !before;
}

static int
look_at(void *data, const struct rt_oid *at, const struct rt_record *record, struct rt_err *err)
{
	struct look *look = data;
	(void)at;
	if (record->seq <= look->seq)
		return 1;
	const char *judged = look->covered ? NULL : accepted_by(record);
	int covered = judged ? covers(look->home->repo, &look->open.new, record->base, judged, err) : 0;
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
	bool lost_only; /* those alone whose entry was never written: killed between ref and entry */
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
		/* the guard writes ref and entry ahead of the move */
		bool fresh = look->open.kind == RT_OPEN_UPSTREAM && rt_clock_now() - look->time < GRACE_SECONDS;
		bool early = look->gone && (!look->ref.len || fresh);
		return early ? 0 : drop(search->home, name, oid, err);
	}
	if (search->lost_only && look->ref.len)
		return 0;
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

/* ---- listing ---- */

struct listing {
	struct rt_home *home;
	const char *ref;
	struct rt_oid tip;
	size_t left;
	struct rt_strs judged, bases; /* of the newer entries that accept; a base may be "" */
	int (*each)(void *data, const struct rt_open *open, struct rt_err *err);
	void *data;
};

/* 1, 0, -1. After a move back or a deletion there is no difference that could hold the commit: any judgement of what
 * stands on it settles it. */
static int
is_settled(const struct listing *l, const struct rt_open *open, struct rt_err *err)
{
	struct rt_repo *repo = l->home->repo;
	bool deleted = !open->new.hex[0];
	int held = deleted || !l->tip.hex[0] ? deleted : rt_is_ancestor(repo, &open->new, &l->tip, err);
	int back = open->old.hex[0] && !deleted ? is_within(repo, &open->new, open->old.hex, err) : deleted;
	if (held <= 0 || back < 0)
		return held < 0 || back < 0 ? -1 : 1;
	if (deleted)
		return l->judged.n > 0;
	for (size_t i = 0; i < l->judged.n; i++) {
		const char *base = back || !l->bases.at[i][0] ? NULL : l->bases.at[i];
		int covered = covers(repo, &open->new, base, l->judged.at[i], err);
		if (covered)
			return covered;
	}
	return open->kind == RT_OPEN_UNGATED ? 0 : rt_accepted(l->home, &open->new, false, err);
}

static int
list_entry(void *data, const struct rt_oid *at, const struct rt_record *record, struct rt_err *err)
{
	struct listing *l = data;
	const char *judged = accepted_by(record);
	(void)at;
	if (l->left-- == 0)
		return 1;
	if (judged) {
		rt_strs_add(&l->judged, judged);
		rt_strs_add(&l->bases, record->base ? record->base : "");
	}
	const char *ref = record->op == RT_OP_OPEN ? rt_json_get_string(record->extra, "ref") : NULL;
	if (!ref || strcmp(ref, l->ref) != 0)
		return 0;
	struct rt_open open = {.kind = parse_kind(rt_json_get_string(record->extra, "kind")), .time = record->time};
	snprintf(open.id, sizeof(open.id), "%s", record->id ? record->id : "-");
	snprintf(open.old.hex, sizeof(open.old.hex), "%s", record->base ? record->base : "");
	snprintf(open.new.hex, sizeof(open.new.hex), "%s", record->candidate ? record->candidate : "");
	int settled = is_settled(l, &open, err);
	return settled ? (settled < 0 ? -1 : 0) : l->each(l->data, &open, err);
}

int
rt_open_each(struct rt_home *home, const char *ref, size_t within,
	     int (*each)(void *data, const struct rt_open *open, struct rt_err *err), void *data, struct rt_err *err)
{
	struct listing l = {.home = home, .ref = ref, .left = within, .each = each, .data = data};
	struct rt_open lost = {.id = ""};
	struct search search = {.home = home, .ref = ref, .out = &lost, .lost_only = true};
	int result = rt_ref_read(home->repo, ref, &l.tip, err);
	search.tip = l.tip;
	if (result >= 0)
		result = rt_ref_each(home->repo, RT_OPEN_REFS, visit, &search, err);
	if (result >= 0 && search.found)
		result = each(data, &lost, err);
	if (result == 0)
		result = rt_ledger_walk(home, NULL, list_entry, &l, err);
	rt_strs_release(&l.judged);
	rt_strs_release(&l.bases);
	return result < 0 ? rt_err_while(err, "listing the moves of %s that nothing judged", ref) : 0;
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
	const char *to = open->new.hex[0] ? open->new.hex : "nothing";
	if (open->kind == RT_OPEN_REGRESSED)
		rt_buf_addf(out,
			    "%s holds a regression that came in with %.12s and could not be taken back (%s). "
			    "`git reset --keep %s` takes it back and keeps uncommitted work\n",
			    ref, open->new.hex, open->id, open->old.hex);
	else if (open->kind == RT_OPEN_UNGATED)
		rt_buf_addf(out,
			    "%s was moved from %.12s to %.12s without having been judged (%s). `ratchet check` judges "
			    "what it holds\n",
			    ref, open->old.hex, to, open->id);
	else
		rt_buf_addf(out,
			    "%s holds %.12s, which came in from elsewhere and has not been judged (%s). "
			    "`ratchet check` judges it\n",
			    ref, open->new.hex, open->id);
}
