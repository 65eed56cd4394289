#include <pthread.h>
#include <signal.h>

#include "cycle/ledger.h"

/*
 * To unpack an entry takes longer than to check it, and each names the one before it: the second of two processors is
 * of use only where one thread unpacks ahead of the other. It starts once a chain proves long, because a verification
 * of what is new reads a few entries.
 *
 * Entries are not hashed a second time for git's id: what an entry says is in its line of JSON, of which the one above
 * has the SHA-256, and its subject follows from that. What else is in the commit, its author and time, says nothing.
 */

enum { ALONE = 512, BATCH = 128, BATCHES = 8, CIRCLE = 1000 };

struct batch {
	struct rt_link links[BATCH];
	struct rt_oid at[BATCH];
	size_t n;
};

struct ahead {
	struct rt_repo *repo;
	struct rt_oid next;
	struct batch batches[BATCHES]; /* a ring: full ones from taken on */
	size_t given, taken;	       /* batches in all */
	int result;		       /* of the last one given: 0 more follow, 1 the chain's beginning, -1 */
	struct rt_err err;
	bool stop;
	pthread_mutex_t lock;
	pthread_cond_t more, room;
};

struct scan {
	struct rt_home *home;
	int (*each)(void *data, const struct rt_oid *at, const struct rt_facts *facts, struct rt_err *err);
	void *data;
	struct rt_buf held;
	int64_t
	    left; /* entries that may still come: numbers fall, so that the first one's bounds them; 0 not known yet */
};

/* What can't be read as facts alone is read as a record first. */
static int
facts_of(struct scan *scan, const struct rt_link *link, struct rt_facts *facts, struct rt_record *record,
	 struct rt_err *err)
{
	if (rt_facts_read(facts, link->message, link->len)) {
		rt_sha256_of(facts->line.at, facts->line.len, facts->digest);
		return 0;
	}
	if (rt_record_parse(record, link->message, link->len, NULL, err) < 0)
		return -1;
	rt_facts_of(facts, record, &scan->held);
	return 0;
}

static int
give(struct scan *scan, const struct rt_oid *at, const struct rt_link *link, struct rt_err *err)
{
	rt_auto(record) struct rt_record record = RT_RECORD_INIT;
	struct rt_facts facts;
	if (facts_of(scan, link, &facts, &record, err) < 0)
		return rt_err_while(err, "ledger entry %s", at->hex);
	if (scan->left == 0)
		scan->left = facts.seq + CIRCLE;
	if (--scan->left == 0)
		return rt_fail(err, RT_EUNKNOWN, "ledger entry %s: the chain goes in a circle", at->hex);
	return scan->each(scan->data, at, &facts, err);
}

/* ---- the thread that unpacks ---- */

/* 0 more follow, 1 the chain's beginning was read, -1; what was read before stays in the batch. */
static int
fill(struct ahead *ahead, struct batch *batch)
{
	for (batch->n = 0; batch->n < BATCH; batch->n++) {
		struct rt_link *link = &batch->links[batch->n];
		if (!ahead->next.hex[0])
			return 1;
		batch->at[batch->n] = ahead->next;
		if (rt_ledger_link(ahead->repo, &ahead->next, link, &ahead->err) < 0) {
			rt_link_release(link);
			return -1;
		}
		ahead->next = link->parent;
	}
	return 0;
}

static void *
unpack(void *data)
{
	struct ahead *ahead = data;
	int result = 0;
	while (result == 0) {
		pthread_mutex_lock(&ahead->lock);
		while (ahead->given - ahead->taken == BATCHES && !ahead->stop)
			pthread_cond_wait(&ahead->room, &ahead->lock);
		bool stop = ahead->stop;
		pthread_mutex_unlock(&ahead->lock);
		if (stop)
			break;
		result = fill(ahead, &ahead->batches[ahead->given % BATCHES]);
		pthread_mutex_lock(&ahead->lock);
		ahead->given++;
		ahead->result = result;
		pthread_cond_signal(&ahead->more);
		pthread_mutex_unlock(&ahead->lock);
	}
	return NULL;
}

/* Signals stay with the thread that knows how to tidy up. */
static bool
start(pthread_t *thread, struct ahead *ahead)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	bool started = pthread_create(thread, NULL, unpack, ahead) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

/* The next full batch; NULL: there is none after the last. */
static struct batch *
next_batch(struct ahead *ahead)
{
	pthread_mutex_lock(&ahead->lock);
	while (ahead->given == ahead->taken && ahead->result == 0)
		pthread_cond_wait(&ahead->more, &ahead->lock);
	bool any = ahead->given != ahead->taken;
	pthread_mutex_unlock(&ahead->lock);
	return any ? &ahead->batches[ahead->taken % BATCHES] : NULL;
}

static void
release(struct batch *batch)
{
	for (size_t i = 0; i < batch->n; i++)
		rt_link_release(&batch->links[i]);
	batch->n = 0;
}

static void
give_back(struct ahead *ahead, bool stop)
{
	pthread_mutex_lock(&ahead->lock);
	ahead->taken += !stop;
	ahead->stop = stop;
	pthread_cond_signal(&ahead->room);
	pthread_mutex_unlock(&ahead->lock);
}

static int
take_all(struct scan *scan, struct ahead *ahead, struct rt_err *err)
{
	struct batch *batch;
	int result = 0;
	while (result == 0 && (batch = next_batch(ahead)) != NULL) {
		for (size_t i = 0; i < batch->n && result == 0; i++)
			result = give(scan, &batch->at[i], &batch->links[i], err);
		release(batch);
		give_back(ahead, false);
	}
	return result;
}

/* 1 when no thread could be started. */
static int
scan_ahead(struct scan *scan, const struct rt_oid *from, int *result, struct rt_err *err)
{
	rt_auto(free) struct ahead *ahead = rt_alloc(1, sizeof(*ahead));
	pthread_t thread;
	*ahead = (struct ahead){.repo = scan->home->repo, .next = *from, .err = RT_ERR_INIT};
	pthread_mutex_init(&ahead->lock, NULL);
	pthread_cond_init(&ahead->more, NULL);
	pthread_cond_init(&ahead->room, NULL);
	bool started = start(&thread, ahead);
	if (started) {
		*result = take_all(scan, ahead, err);
		give_back(ahead, true);
		pthread_join(thread, NULL);
		for (size_t i = 0; i < BATCHES; i++)
			release(&ahead->batches[i]);
		if (*result == 0 && ahead->result < 0) {
			*err = ahead->err;
			*result = -1;
		}
	}
	pthread_cond_destroy(&ahead->room);
	pthread_cond_destroy(&ahead->more);
	pthread_mutex_destroy(&ahead->lock);
	return !started;
}

int
rt_ledger_scan(struct rt_home *home, const struct rt_oid *from,
	       int (*each)(void *data, const struct rt_oid *at, const struct rt_facts *facts, struct rt_err *err),
	       void *data, struct rt_err *err)
{
	struct scan scan = {.home = home, .each = each, .data = data, .held = RT_BUF_INIT};
	struct rt_oid at = *from;
	int result = 0;
	rt_objects_hashed(false);
	for (size_t n = 1; at.hex[0] && result == 0; n++) {
		rt_auto(link) struct rt_link link = {0};
		if (n == ALONE && scan_ahead(&scan, &at, &result, err) == 0)
			break;
		result = rt_ledger_link(home->repo, &at, &link, err);
		if (result == 0)
			result = give(&scan, &at, &link, err);
		at = link.parent;
	}
	rt_objects_hashed(true);
	rt_buf_release(&scan.held);
	return result;
}
