#include "cycle/lane.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "support/clock.h"
#include "support/digest.h"
#include "support/stop.h"

enum { PAUSE_MIN_MS = 1, PAUSE_MAX_MS = 50, RANDOM_DIGITS = 8 };

struct ticket {
	char *path; /* NULL: none */
	struct rt_lock lock;
};
#define TICKET_INIT                  \
	{                            \
		.lock = RT_LOCK_INIT \
	}

static void
ticket_drop(struct ticket *ticket)
{
	if (ticket->path)
		unlink(ticket->path);
	rt_lock_drop(&ticket->lock);
	free(ticket->path);
	ticket->path = NULL;
}
RT_DEFINE_AUTO(ticket, struct ticket, ticket_drop);

/* The time since boot, so that the order does not depend on anybody setting the clock. */
static int
ticket_draw(struct ticket *ticket, const struct rt_home *home, struct rt_err *err)
{
	rt_auto(free) char *dir = rt_home_path(home, "queue");
	char random[RANDOM_DIGITS + 1];
	struct timespec now;
	if (rt_mkdirs(AT_FDCWD, dir, 0755, err) < 0)
		return -1;
	clock_gettime(CLOCK_BOOTTIME, &now);
	rt_random_hex(random, RANDOM_DIGITS);
	ticket->path = rt_format("%s/%012lld.%09ld-%s", dir, (long long)now.tv_sec, now.tv_nsec, random);
	int taken = rt_lock_take(&ticket->lock, ticket->path, false, 0, NULL, NULL, err);
	return taken > 0 ? rt_fail(err, RT_EINTERNAL, "%s is held", ticket->path) : taken;
}

struct turn {
	const char *dir;
	const char *own; /* path of our ticket; NULL: none */
	bool first;
};

/* Tickets come by time. The first that a living process holds settles whose turn it is. */
static int
look_at(void *data, const char *name, struct rt_err *err)
{
	struct turn *turn = data;
	rt_auto(free) char *path = rt_format("%s/%s", turn->dir, name);
	rt_auto(lock) struct rt_lock lock = RT_LOCK_INIT;
	if (turn->own && strcmp(path, turn->own) == 0)
		return 1;
	int held = rt_lock_take(&lock, path, false, 0, NULL, NULL, err);
	if (held < 0)
		return -1;
	turn->first = held == 0;
	if (held == 0)
		unlink(path);
	return held;
}

/* 1 yes, 0 somebody came before, -1. */
static int
is_our_turn(const struct rt_home *home, const struct ticket *ticket, struct rt_err *err)
{
	rt_auto(free) char *dir = rt_home_path(home, "queue");
	struct turn turn = {.dir = dir, .own = ticket->path, .first = true};
	return rt_list_dir(AT_FDCWD, dir, look_at, &turn, err) < 0 ? -1 : turn.first;
}

static void
pause_for(int64_t ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static int
queue_for(struct rt_home *home, struct rt_lock *lane, const char *path, const char *text, int64_t deadline,
	  struct rt_buf *holder, struct rt_err *err)
{
	rt_auto(ticket) struct ticket ticket = TICKET_INIT;
	int64_t pause = PAUSE_MIN_MS;
	if (deadline && ticket_draw(&ticket, home, err) < 0)
		return -1;
	for (;;) {
		int turn = is_our_turn(home, &ticket, err);
		if (turn < 0)
			return -1;
		if (holder)
			rt_buf_cut(holder, 0);
		bool last = rt_clock_ms() >= deadline;
		/* at the deadline only to learn who has it */
		int busy = turn || last ? rt_lock_take(lane, path, false, 0, text, holder, err) : 1;
		if (busy <= 0 || last)
			return busy;
		if (rt_stopped())
			return rt_stop_fail(err, "waiting for the lane");
		pause_for(pause);
		pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
	}
}

int
rt_lane_take(struct rt_home *home, struct rt_lock *lane, const char *who, int64_t wait_ms, struct rt_buf *holder,
	     struct rt_err *err)
{
	rt_auto(free) char *path = rt_home_path(home, "lane");
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	rt_auto(buf) struct rt_buf now = RT_BUF_INIT;
	rt_clock_iso(&now, rt_clock_now());
	rt_buf_addf(&text, "%s, process %ld, since %s\n", who, (long)getpid(), now.data);
	return queue_for(home, lane, path, text.data, wait_ms > 0 ? rt_clock_ms() + wait_ms : 0, holder, err);
}

static int
drop_dead(void *data, const char *name, struct rt_err *err)
{
	rt_auto(free) char *path = rt_format("%s/%s", (const char *)data, name);
	rt_auto(lock) struct rt_lock lock = RT_LOCK_INIT;
	int held = rt_lock_take(&lock, path, false, 0, NULL, NULL, err);
	if (held == 0)
		unlink(path);
	return held < 0 ? -1 : 0;
}

int
rt_lane_tidy(struct rt_home *home, struct rt_err *err)
{
	rt_auto(free) char *dir = rt_home_path(home, "queue");
	return rt_list_dir(AT_FDCWD, dir, drop_dead, dir, err);
}
