#include "support/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "support/clock.h"
#include "support/stop.h"

#define HOLDER_MAX 1024
#define WAIT_MIN_MS 1
#define WAIT_MAX_MS 50

static int
set_lock(int fd, short type)
{
	struct flock range = {.l_type = type, .l_whence = SEEK_SET};

	return fcntl(fd, F_OFD_SETLK, &range);
}

/* A lock on a file that was removed or replaced excludes nobody. 1: it is the one at path. */
static int
is_current(int fd, const char *path)
{
	struct stat ours, there;

	if (fstat(fd, &ours))
		return -1;
	if (stat(path, &there))
		return errno == ENOENT ? 0 : -1;
	return ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

/* 0 taken, 1 somebody else holds it, -1 with errno. */
static int
try_lock(int *fd, const char *path, bool shared)
{
	int current;

	for (;;) {
		if (*fd < 0)
			*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0644);
		if (*fd < 0)
			return -1;
		if (set_lock(*fd, shared ? F_RDLCK : F_WRLCK))
			return errno == EAGAIN || errno == EACCES ? 1 : -1;
		current = is_current(*fd, path);
		if (current)
			return current > 0 ? 0 : -1;
		rt_close(*fd);
		*fd = -1;
	}
}

static void
nap(int64_t ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&time, NULL);
}

/*
 * Best effort: the text is for people, and a full disk must not keep anybody from taking the lock. Written over the one
 * before: of a file that was emptied first ext4 gives the block back, and waits for the new one when it is closed.
 */
static void
write_holder(int fd, const char *who)
{
	size_t len = strlen(who);
	struct stat st;

	len = len < HOLDER_MAX ? len : HOLDER_MAX;
	if (pwrite(fd, who, len, 0) < 0 || fstat(fd, &st) || st.st_size <= (off_t)len)
		return;
	if (ftruncate(fd, (off_t)len))
		return;
}

static void
read_holder(int fd, struct rt_buf *holder)
{
	char text[HOLDER_MAX];
	ssize_t len = pread(fd, text, sizeof(text), 0);

	if (len > 0)
		rt_buf_add(holder, text, strnlen(text, (size_t)len));
}

int
rt_lock_take(struct rt_lock *lock, const char *path, bool shared, int64_t deadline, const char *who,
	     struct rt_buf *holder, struct rt_err *err)
{
	rt_auto(fd) int fd = -1;
	int64_t left, wait = WAIT_MIN_MS;
	int held;

	while ((held = try_lock(&fd, path, shared)) == 1) {
		left = deadline ? deadline - rt_clock_ms() : 0;
		if (left <= 0) {
			if (holder)
				read_holder(fd, holder);
			return 1;
		}
		if (rt_stopped())
			return rt_stop_fail(err, "waiting for a lock");
		nap(wait < left ? wait : left);
		wait = wait * 2 < WAIT_MAX_MS ? wait * 2 : WAIT_MAX_MS;
		/* The file may be another one by now; a descriptor of the old one would wait for nobody. */
		if (is_current(fd, path) == 0) {
			rt_close(fd);
			fd = -1;
		}
	}
	if (held < 0)
		return rt_fail_errno(err, "can't lock %s", path);
	if (who)
		write_holder(fd, who);
	lock->fd = fd;
	fd = -1;
	return 0;
}

void
rt_lock_drop(struct rt_lock *lock)
{
	if (lock->fd < 0)
		return;
	/* Said aloud, since a child between fork and exec shares the lock, and closing ours would leave it held. */
	set_lock(lock->fd, F_UNLCK);
	rt_close(lock->fd);
	lock->fd = -1;
}
