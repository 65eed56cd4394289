#include "cycle/spare.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "git/spare.h"
#include "support/clock.h"

/* Beyond that many commits between store and head a new store is made. */
enum { MAX_DRIFT = 64, LOCK_MS = 600000 };

void
rt_spare_release(struct rt_spare *spare)
{
	rt_strs_release(&spare->dirs);
	rt_lock_drop(&spare->lock);
}

/* One repository serves all cells of a matrix. */
static unsigned
deepest(const struct rt_plan *plan)
{
	unsigned depth = 0;
	for (size_t i = 0; i < plan->cells.n; i++)
		depth = plan->cells.at[i].check->git > depth ? plan->cells.at[i].check->git : depth;
	return depth;
}

/* ---- stores ---- */

struct search {
	const struct rt_generations *span;
	struct rt_repo *repo;
	unsigned depth;
	struct rt_oid best;
	size_t drift;
};

/* "<commit>.<depth>" */
static bool
parse_name(const char *name, struct rt_oid *commit, unsigned *depth)
{
	int end = 0;
	return sscanf(name, "%40[0-9a-f].%u%n", commit->hex, depth, &end) == 2 && strlen(commit->hex) == RT_OID_HEX &&
	       !name[end];
}

static int
look_at(void *data, const char *name, struct rt_err *err)
{
	struct search *search = data;
	rt_auto(span) struct rt_generations *span = NULL;
	struct rt_oid commit;
	unsigned depth;
	if (!parse_name(name, &commit, &depth) || depth != search->depth || !rt_span_holds(search->span, commit.hex))
		return 0;
	if (rt_span_new(&span, search->repo, &commit, depth, err) < 0)
		return -1;
	size_t drift = rt_span_beyond(search->span, span);
	if (drift <= search->drift) {
		search->drift = drift;
		search->best = commit;
	}
	return 0;
}

/* Makes a store in its place, at once and whole. The caller holds its lock alone. */
static int
make_store(struct rt_matrix *matrix, const char *dir, const struct rt_generations *span, struct rt_err *err)
{
	rt_auto(free) char *fresh = rt_format("%s.new", dir);
	if (rt_remove_tree(AT_FDCWD, fresh, err) < 0 || rt_mkdirs(AT_FDCWD, fresh, 0755, err) < 0 ||
	    rt_spare_pack(matrix->repo, span, NULL, NULL, fresh, err) < 0)
		return -1;
	rt_auto(fd) int fd = open(fresh, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || syncfs(fd) < 0 || rename(fresh, dir) < 0)
		return rt_fail_errno(err, "keeping %s", dir);
	return 0;
}

/* Takes hold of the store of a commit, made where it is not there: its folder is appended. */
static int
hold_store(struct rt_matrix *matrix, const struct rt_oid *commit, unsigned depth, const struct rt_generations *span,
	   struct rt_err *err)
{
	struct rt_spare *spare = &matrix->spare;
	rt_auto(free) char *dir = rt_home_path(matrix->home, "spare/%s.%u", commit->hex, depth);
	rt_auto(free) char *lock = rt_format("%s.lock", dir);
	for (int tries = 0; tries < 3; tries++) {
		rt_auto(lock) struct rt_lock alone = RT_LOCK_INIT;
		int64_t until = rt_clock_ms() + LOCK_MS;
		int busy = rt_lock_take(&spare->lock, lock, true, until, "ratchet\n", NULL, err);
		if (busy < 0)
			return -1;
		if (!busy && rt_exists(AT_FDCWD, dir)) {
			rt_strs_add(&spare->dirs, dir);
			return futimens(spare->lock.fd, NULL) < 0 ? rt_fail_errno(err, "touching %s", lock) : 0;
		}
		rt_lock_drop(&spare->lock);
		busy = rt_lock_take(&alone, lock, false, until, "ratchet\n", NULL, err);
		if (busy < 0 || (!busy && !rt_exists(AT_FDCWD, dir) && make_store(matrix, dir, span, err) < 0))
			return -1;
	}
	return rt_fail(err, RT_ECONFLICT, "%s was removed three times while it was made", dir);
}

/*
 * The store that the head's objects build on: one of its own history that is near enough, else the base's, made now.
 * *without is its span; NULL where there is no base in that history, and the run writes everything itself.
 */
static int
choose_store(struct rt_matrix *matrix, const struct rt_generations *span, unsigned depth,
	     struct rt_generations **without, struct rt_err *err)
{
	rt_auto(free) char *parent = rt_home_path(matrix->home, "spare");
	struct search search = {.span = span, .repo = matrix->repo, .depth = depth, .drift = MAX_DRIFT};
	if (rt_mkdirs(AT_FDCWD, parent, 0700, err) < 0 || rt_list_dir(AT_FDCWD, parent, look_at, &search, err) < 0)
		return -1;
	if (!search.best.hex[0] && matrix->base_head.hex[0] && rt_span_holds(span, matrix->base_head.hex))
		search.best = matrix->base_head;
	if (!search.best.hex[0])
		return 0;
	rt_auto(span) struct rt_generations *stored = NULL;
	if (rt_span_new(&stored, matrix->repo, &search.best, depth, err) < 0 ||
	    hold_store(matrix, &search.best, depth, stored, err) < 0)
		return -1;
	*without = rt_steal(&stored);
	return 0;
}

static int
make(struct rt_matrix *matrix, const struct rt_strs *files, struct rt_err *err)
{
	struct rt_spare *spare = &matrix->spare;
	unsigned depth = deepest(matrix->plan);
	rt_auto(span) struct rt_generations *span = NULL, *without = NULL;
	rt_auto(strs) struct rt_strs stores = {0};
	rt_auto(free) char *dir = rt_format("%s/spare", matrix->scratch);
	if (!matrix->head.hex[0])
		return rt_fail(err, RT_EINTERNAL, "there is no commit for a cell's repository");
	if (rt_span_new(&span, matrix->repo, &matrix->head, depth, err) < 0 ||
	    choose_store(matrix, span, depth, &without, err) < 0 || rt_mkdirs(AT_FDCWD, dir, 0755, err) < 0 ||
	    rt_spare_write(matrix->repo, matrix->home->repo, span, without, files, dir, err) < 0)
		return rt_err_while(err, "making a repository for the cells");
	stores = spare->dirs;
	spare->dirs = (struct rt_strs){0};
	rt_strs_add(&spare->dirs, dir);
	for (size_t i = 0; i < stores.n; i++)
		rt_strs_add(&spare->dirs, stores.at[i]);
	return 0;
}

int
rt_spare_lowers(struct rt_matrix *matrix, size_t cell, const struct rt_strs *files, struct rt_strs *lowers,
		struct rt_err *err)
{
	if (!matrix->plan->cells.at[cell].check->git)
		return 0;
	if (!matrix->spare.dirs.n && make(matrix, files, err) < 0)
		return -1;
	for (size_t i = 0; i < matrix->spare.dirs.n; i++)
		rt_strs_add(lowers, matrix->spare.dirs.at[i]);
	return 0;
}

/* ---- gc ---- */

struct store {
	char name[RT_OID_HEX + 16];
	struct timespec used;
};

struct listing {
	const char *dir;
	RT_VEC(struct store) at;
};

static int
note_store(void *data, const char *name, struct rt_err *err)
{
	struct listing *listing = data;
	struct rt_oid commit;
	unsigned depth;
	struct stat st;
	rt_auto(free) char *lock = rt_format("%s/%s.lock", listing->dir, name);
	(void)err;
	if (!parse_name(name, &commit, &depth) || strlen(name) >= sizeof(listing->at.at->name))
		return 0;
	struct store *store = rt_push(&listing->at);
	*store = (struct store){.used = stat(lock, &st) == 0 ? st.st_mtim : (struct timespec){0}};
	snprintf(store->name, sizeof(store->name), "%s", name);
	return 0;
}

static int
newest_first(const void *a, const void *b)
{
	const struct timespec *x = &((const struct store *)a)->used, *y = &((const struct store *)b)->used;
	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? 1 : -1;
	return (x->tv_nsec < y->tv_nsec) - (x->tv_nsec > y->tv_nsec);
}

static int
drop_store(const char *parent, const char *name, size_t *removed, struct rt_err *err)
{
	rt_auto(lock) struct rt_lock alone = RT_LOCK_INIT;
	rt_auto(free) char *dir = rt_format("%s/%s", parent, name);
	rt_auto(free) char *lock = rt_format("%s.lock", dir);
	int busy = rt_lock_take(&alone, lock, false, 0, "gc\n", NULL, err);
	if (busy)
		return busy < 0 ? -1 : 0;
	if (rt_remove_tree(AT_FDCWD, dir, err) < 0)
		return -1;
	++*removed;
	/* who waits for the lock looks again, and makes both anew */
	return unlink(lock) < 0 && errno != ENOENT ? rt_fail_errno(err, "removing %s", lock) : 0;
}

int
rt_spare_sweep(struct rt_home *home, size_t keep, uint64_t *room, size_t *removed, struct rt_err *err)
{
	rt_auto(free) char *parent = rt_home_path(home, "spare");
	struct listing listing = {.dir = parent};
	int result = rt_list_dir(AT_FDCWD, parent, note_store, &listing, err);
	if (listing.at.n > 1)
		qsort(listing.at.at, listing.at.n, sizeof(*listing.at.at), newest_first);
	for (size_t i = 0; i < listing.at.n && result == 0; i++) {
		rt_auto(free) char *dir = rt_format("%s/%s", parent, listing.at.at[i].name);
		if (i >= keep || !rt_room_take(room, dir))
			result = drop_store(parent, listing.at.at[i].name, removed, err);
	}
	free(listing.at.at);
	return result;
}
