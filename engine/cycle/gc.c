#include "cycle/gc.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cycle/lane.h"
#include "cycle/layers.h"
#include "cycle/reuse.h"
#include "cycle/warm.h"
#include "cycle/settle.h"
#include "cycle/spare.h"
#include "git/pack.h"
#include "support/clock.h"
#include "support/index.h"

#define REJECTED_REFS "refs/ratchet/rejected/"
#define EVIDENCE_REFS "refs/ratchet/evidence/"

/* OLD_IN_A_ROW: a clock that went back for a while makes a few entries look old. */
enum { ID_DIGITS = 12, LOCK_MS = 30000, OLD_IN_A_ROW = 64, KEPT_SPARES = 2 };

/* A ref that may go, named by the id of a run. */
struct kept_ref {
	char *name;
	const char *id; /* in name */
	struct rt_oid oid;
	bool evidence;
};

struct collecting {
	struct rt_home *home;
	const struct rt_gc *gc;
	struct rt_gc_done *done;
	int64_t deadline;
	RT_VEC(struct kept_ref) refs;
	struct rt_strs running; /* ids of runs that may not have their entry yet */
	struct rt_strs recent;	/* ids of entries, newest first */
	struct rt_index by_id;	/* over recent */
	int64_t since;		/* entries before this are old */
	size_t old_in_a_row;
};

static const char *
recent_id(const void *owner, size_t i)
{
	return ((const struct collecting *)owner)->recent.at[i];
}

static void
collecting_release(struct collecting *c)
{
	for (size_t i = 0; i < c->refs.n; i++)
		free(c->refs.at[i].name);
	free(c->refs.at);
	rt_strs_release(&c->running);
	rt_strs_release(&c->recent);
	rt_index_release(&c->by_id);
}
RT_DEFINE_AUTO(collecting, struct collecting, collecting_release);

static int
note_ref(void *data, const char *name, const struct rt_oid *oid, struct rt_err *err)
{
	struct collecting *c = data;
	struct kept_ref *ref = rt_push(&c->refs);
	(void)err;
	*ref = (struct kept_ref){.name = rt_strdup(name), .oid = *oid};
	ref->id = strrchr(ref->name, '/') + 1;
	ref->evidence = rt_starts_with(name, EVIDENCE_REFS);
	return 0;
}

static int
note_running(void *data, const char *name, struct rt_err *err)
{
	(void)err;
	rt_strs_add(data, name);
	return 0;
}

static int
note_entry(void *data, const struct rt_oid *at, const struct rt_record *record, struct rt_err *err)
{
	struct collecting *c = data;
	(void)at;
	(void)err;
	if (record->time < c->since)
		return ++c->old_in_a_row >= OLD_IN_A_ROW;
	c->old_in_a_row = 0;
	if (!record->id || rt_index_find(&c->by_id, record->id) != RT_INDEX_NONE)
		return 0;
	rt_strs_add(&c->recent, record->id);
	rt_index_add(&c->by_id, c->recent.n - 1);
	return 0;
}

/*
 * In this order: a run has its quarantine from before its first ref until after its entry, so that one that is neither
 * running nor in the chain afterwards is one of long ago.
 */
static int
look(struct collecting *c, struct rt_err *err)
{
	rt_auto(free) char *quarantines = rt_home_path(c->home, "quarantine");
	c->by_id = (struct rt_index){.owner = c, .key = recent_id};
	if (rt_ref_each(c->home->repo, REJECTED_REFS, note_ref, c, err) < 0 ||
	    rt_ref_each(c->home->repo, EVIDENCE_REFS, note_ref, c, err) < 0 ||
	    rt_list_dir(AT_FDCWD, quarantines, note_running, &c->running, err) < 0)
		return -1;
	return rt_ledger_walk(c->home, NULL, note_entry, c, err) < 0 ? -1 : 0;
}

/* ---- refs ---- */

static bool
is_over(struct collecting *c)
{
	c->done->unfinished = c->done->unfinished || rt_clock_ms() >= c->deadline;
	return c->done->unfinished;
}

static int
drop_ref(struct collecting *c, const struct kept_ref *ref, uint64_t size, struct rt_err *err)
{
	if (!c->gc->dry_run) {
		int swapped = rt_ref_swap(c->home->repo, ref->name, &ref->oid, NULL, "", rt_clock_ms() + LOCK_MS, err);
		if (swapped != RT_SWAPPED)
			return swapped == RT_SWAP_MOVED ? 0 : -1;
	}
	if (ref->evidence) {
		c->done->evidence++;
		c->done->evidence_bytes += size;
	} else {
		c->done->attempts++;
	}
	return 0;
}

static int
size_of(struct collecting *c, const struct kept_ref *ref, uint64_t *size, struct rt_err *err)
{
	*size = 0;
	return ref->evidence ? rt_blob_size(c->home->repo, &ref->oid, size, err) : 0;
}

/* Those of old runs go. What is younger is put in at[], by the place of its entry. */
static int
drop_old(struct collecting *c, const struct kept_ref **at, struct rt_err *err)
{
	for (size_t i = 0; i < c->refs.n; i++) {
		const struct kept_ref *ref = &c->refs.at[i];
		size_t place = rt_index_find(&c->by_id, ref->id);
		uint64_t size;
		if (place != RT_INDEX_NONE && ref->evidence)
			at[place] = ref;
		if (place != RT_INDEX_NONE || rt_strs_has(&c->running, ref->id))
			continue;
		if (is_over(c))
			return 0;
		if (size_of(c, ref, &size, err) < 0 || drop_ref(c, ref, size, err) < 0)
			return -1;
	}
	return 0;
}

/* The newest evidence is kept up to the size that it may have. */
static int
drop_bulky(struct collecting *c, const struct kept_ref **at, struct rt_err *err)
{
	uint64_t total = 0;
	for (size_t i = 0; i < c->recent.n; i++) {
		uint64_t size;
		if (!at[i])
			continue;
		if (is_over(c))
			return 0;
		if (size_of(c, at[i], &size, err) < 0)
			return -1;
		total += size;
		if (total > c->gc->evidence_size && drop_ref(c, at[i], size, err) < 0)
			return -1;
	}
	return 0;
}

static int
drop_refs(struct collecting *c, struct rt_err *err)
{
	if (look(c, err) < 0)
		return -1;
	rt_auto(free) const struct kept_ref **at = rt_alloc(c->recent.n + 1, sizeof(struct kept_ref *));
	if (drop_old(c, at, err) < 0)
		return -1;
	return is_over(c) ? 0 : drop_bulky(c, at, err);
}

/* ---- the chain ---- */

int
rt_gc_pack(struct rt_home *home, int64_t least, size_t *packed, struct rt_err *err)
{
	rt_auto(free) char *path = rt_home_path(home, "packed");
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	rt_auto(quarantine) struct rt_quarantine *quarantine = NULL;
	struct rt_oid before = {""};
	struct rt_head head;
	int64_t seq = 0;
	char id[ID_DIGITS + 1];
	if (rt_ledger_head(home, &head, err) < 0)
		return -1;
	if (rt_exists(AT_FDCWD, path) && rt_file_read(AT_FDCWD, path, 256, &text, err) < 0)
		return -1;
	/* what can't be read is as if nothing was packed: then all is */
	if (sscanf(text.data ? text.data : "", "%" SCNd64 " %40[0-9a-f]", &seq, before.hex) != 2)
		seq = 0, before.hex[0] = '\0';
	if (head.seq - seq < least)
		return 0;
	rt_random_hex(id, ID_DIGITS);
	if (rt_quarantine_new(&quarantine, home->repo, id, err) < 0 ||
	    rt_pack_chain(home->repo, quarantine, &head.commit, &before, packed, err) < 0)
		return rt_err_while(err, "packing the ledger");
	rt_buf_cut(&text, 0);
	rt_buf_addf(&text, "%" PRId64 " %s\n", head.seq, head.commit.hex);
	return rt_file_write_durable(AT_FDCWD, path, text.data, text.len, 0644, err);
}

/* ---- all of it ---- */

/* What interrupted commands left behind; not while a proposal is under way, whose own command does it. */
static int
recover(struct rt_home *home, struct rt_err *err)
{
	rt_auto(lock) struct rt_lock lane = RT_LOCK_INIT;
	rt_auto(buf) struct rt_buf holder = RT_BUF_INIT;
	rt_auto(strs) struct rt_strs found = {0};
	int busy = rt_lane_take(home, &lane, "ratchet gc", 0, &holder, err);
	return busy ? (busy < 0 ? -1 : 0) : rt_recover(home, &found, err);
}

static int
record(struct rt_home *home, const struct rt_gc_done *done, struct rt_err *err)
{
	rt_auto(record) struct rt_record record = RT_RECORD_INIT;
	char id[ID_DIGITS + 1];
	if (!done->attempts && !done->evidence && !done->layers && !done->results && !done->packed)
		return 0;
	rt_random_hex(id, ID_DIGITS);
	record.op = RT_OP_GC;
	record.id = rt_strdup(id);
	record.extra = rt_json_new_object();
	rt_json_set_int(record.extra, "attempts", (int64_t)done->attempts);
	rt_json_set_int(record.extra, "evidence", (int64_t)done->evidence);
	rt_json_set_int(record.extra, "evidence_bytes", (int64_t)done->evidence_bytes);
	rt_json_set_int(record.extra, "layers", (int64_t)done->layers);
	rt_json_set_int(record.extra, "results", (int64_t)done->results);
	rt_json_set_int(record.extra, "packed", (int64_t)done->packed);
	rt_json_set_bool(record.extra, "unfinished", done->unfinished);
	return rt_ledger_append(home, &record, NULL, err);
}

int
rt_gc(struct rt_home *home, const struct rt_gc *gc, struct rt_gc_done *done, struct rt_err *err)
{
	rt_auto(collecting) struct collecting c = {.home = home,
						   .gc = gc,
						   .done = done,
						   .deadline = rt_clock_ms() + gc->time_ms,
						   .since = rt_clock_now() - gc->age_ms / 1000};
	uint64_t room = gc->trees_size;
	if (!gc->dry_run && recover(home, err) < 0)
		return -1;
	if (drop_refs(&c, err) < 0)
		return -1;
	if (gc->dry_run)
		return 0;
	if (!is_over(&c) && rt_layers_sweep(home, gc->layers, &room, &done->layers, err) < 0)
		return -1;
	if (!is_over(&c) && rt_spare_sweep(home, KEPT_SPARES, &room, &done->layers, err) < 0)
		return -1;
	if (!is_over(&c) && rt_warm_sweep(home, &room, &done->layers, err) < 0)
		return -1;
	if (!is_over(&c) && rt_reuse_sweep(home, gc->results, gc->results / 4, &room, &done->results, err) < 0)
		return -1;
	if (!is_over(&c) && rt_gc_pack(home, 2, &done->packed, err) < 0)
		return -1;
	return record(home, done, err);
}
