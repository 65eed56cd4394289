#include "git/reflock.h"

#include <errno.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "git/internal.h"
#include "support/clock.h"
#include "support/stop.h"

enum { RETRY_US = 20000 };

struct rt_ref_lock {
	git_transaction *transaction;
	char *name;
	char *path; /* of the ref's file */
};

/* A lock that somebody else holds is an answer; err says which file it is and how old. */
static int
name_lock_file(struct rt_repo *repo, const char *name, struct rt_err *err)
{
	rt_auto(free) char *path = rt_format("%s/%s.lock", repo->commondir, name);
	struct stat st;
	long age = stat(path, &st) == 0 ? (long)(time(NULL) - st.st_mtime) : 0;
	rt_fail(err, RT_ECONFLICT,
		"%s is held by another git process for %ld s; if none runs any more, remove it and try again", path,
		age);
	return RT_SWAP_LOCKED;
}

int
rt_ref_lock_take(struct rt_ref_lock **out, struct rt_repo *repo, const char *name, int64_t deadline, struct rt_err *err)
{
	for (;;) {
		rt_auto(git_transaction) git_transaction *transaction = NULL;
		if (git_transaction_new(&transaction, repo->git) < 0)
			return rt_git_error(err, RT_EIO, "locking %s", name);
		int result = git_transaction_lock_ref(transaction, name);
		if (result == 0) {
			*out = rt_alloc(1, sizeof(**out));
			(*out)->transaction = rt_steal(&transaction);
			(*out)->name = rt_strdup(name);
			(*out)->path = rt_format("%s/%s", repo->commondir, name);
			return RT_SWAPPED;
		}
		if (result != GIT_ELOCKED)
			return rt_git_error(err, RT_EIO, "locking %s", name);
		if (rt_clock_ms() >= deadline || rt_stopped())
			return name_lock_file(repo, name, err);
		usleep(RETRY_US);
	}
}

/*
 * Where the ref was packed, libgit2 makes its file a second link to the lock and then removes the lock, without looking
 * whether it could: it would stay, and block everybody.
 */
static int
drop_left(const struct rt_ref_lock *lock, struct rt_err *err)
{
	rt_auto(free) char *path = rt_format("%s.lock", lock->path);
	struct stat ref, left;
	if (lstat(path, &left) < 0 || lstat(lock->path, &ref) < 0 || ref.st_ino != left.st_ino ||
	    ref.st_dev != left.st_dev)
		return 0;
	if (unlink(path) < 0 && errno != ENOENT)
		return rt_fail_errno(err, "cannot remove %s after moving %s", path, lock->name);
	return 0;
}

int
rt_ref_lock_commit(struct rt_ref_lock *lock, const struct rt_oid *target, const char *message, struct rt_err *err)
{
	git_oid oid;
	if (rt_oid_to_git(&oid, target, err) < 0)
		return -1;
	if (git_transaction_set_target(lock->transaction, lock->name, &oid, NULL, message) < 0 ||
	    git_transaction_commit(lock->transaction) < 0)
		return rt_git_error(err, RT_EIO, "moving %s", lock->name);
	return drop_left(lock, err);
}

void
rt_ref_lock_free(struct rt_ref_lock *lock)
{
	if (!lock)
		return;
	git_transaction_free(lock->transaction);
	free(lock->name);
	free(lock->path);
	free(lock);
}
