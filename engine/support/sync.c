#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "support/file.h"

#define HELPERS 7

struct work {
	const int *fds;
	size_t n;
	atomic_size_t next;
	atomic_int error; /* errno of the first that failed */
};

static void
sync_one(struct work *work, size_t i)
{
	int none = 0;

	if (fsync(work->fds[i]) < 0)
		atomic_compare_exchange_strong(&work->error, &none, errno);
}

/* Nothing but system calls: a helper holds no lock that a fork could find taken. */
static void *
sync_others(void *data)
{
	struct work *work = data;
	size_t i;

	while ((i = atomic_fetch_add(&work->next, 1)) < work->n)
		sync_one(work, i);
	return NULL;
}

/* Signals stay with the thread that knows how to tidy up. Where no thread can be had, there are fewer. */
static size_t
start(pthread_t *helpers, size_t wanted, struct work *work)
{
	sigset_t all, before;
	size_t n = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (n < wanted && pthread_create(&helpers[n], NULL, sync_others, work) == 0)
		n++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return n;
}

int
rt_sync_all(const int *fds, size_t n)
{
	struct work work = {.fds = fds, .n = n, .next = 1};
	pthread_t helpers[HELPERS];
	size_t wanted = n > HELPERS ? HELPERS : n > 0 ? n - 1 : 0;
	size_t started = start(helpers, wanted, &work);

	/* Exactly the first is this thread's, whoever is faster: the system calls of a run are the same every time. */
	if (n > 0)
		sync_one(&work, 0);
	if (started == 0)
		(void)sync_others(&work);
	for (size_t i = 0; i < started; i++)
		pthread_join(helpers[i], NULL);
	errno = atomic_load(&work.error);
	return errno != 0 ? -1 : 0;
}
