#ifndef RT_SUPPORT_FILE_H
#define RT_SUPPORT_FILE_H

/*
 * Files. Descriptors are close-on-exec throughout. "Durable" means that the bytes and the directory entry are fsynced
 * before the call returns; a failing fsync is an error and never retried as a success. Sizes are in bytes.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "support/buf.h"
#include "support/err.h"

/*
 * Reads a whole regular file; more than max bytes is an error. at: a directory descriptor or AT_FDCWD. Appends to out,
 * which an error leaves as it was; errno then says why (ENOENT: not there).
 */
int rt_file_read(int at, const char *path, size_t max, struct rt_buf *out, struct rt_err *err) RT_MUST_USE;
/* The same of an open descriptor, until its end; it may be a pipe. */
int rt_file_read_fd(int fd, size_t max, const char *name, struct rt_buf *out, struct rt_err *err) RT_MUST_USE;
/*
 * Opens a regular file below the directory dir without following any link on the way (openat2 RESOLVE_BENEATH,
 * RESOLVE_NO_SYMLINKS). Returns the descriptor, or -1 with err: not there is err->code RT_ENONE, so that the caller can
 * tell absence from trouble.
 */
int rt_file_open_beneath(int dir, const char *path, int flags, mode_t mode, struct rt_err *err);
/*
 * Writes path by way of a temporary file in the same directory, fsync, rename, fsync of the directory. Killed on the
 * way, it leaves that file there (support/tempname.h). A link at path is replaced, not followed; the umask holds for
 * mode.
 */
int rt_file_write_durable(int at, const char *path, const void *bytes, size_t len, mode_t mode,
			  struct rt_err *err) RT_MUST_USE;
/* All bytes, retrying short writes and EINTR. 0 or -1 with errno. */
int rt_write_all(int fd, const void *bytes, size_t len) RT_MUST_USE;
/* mkdir -p. */
int rt_mkdirs(int at, const char *path, mode_t mode, struct rt_err *err) RT_MUST_USE;
/*
 * rm -rf of at/path without following links and across no file system border; making directories that the owner made
 * unreadable accessible first. Not there is no error.
 */
int rt_remove_tree(int at, const char *path, struct rt_err *err) RT_MUST_USE;
/* What a tree takes on disk, links not followed; what can't be looked at counts for nothing. */
uint64_t rt_tree_size(const char *path);
/* Takes that much of the room, if it is there. */
bool rt_room_take(uint64_t *room, const char *path);
/* fsync of the directory at/path. */
int rt_sync_dir(int at, const char *path, struct rt_err *err) RT_MUST_USE;
/*
 * fsync of many descriptors at once: each waits for the disk by itself, and together they wait hardly longer than one.
 * 0, or -1 with the errno of one that failed; the others are synced or not.
 */
int rt_sync_all(const int *fds, size_t n) RT_MUST_USE;
/* A link is there even if what it names is not. */
bool rt_exists(int at, const char *path);
/*
 * Calls each(name) for the entries of a directory but . and .., in bytewise order; stops at its first non-zero return
 * and returns that. Not there: no call, 0.
 */
int rt_list_dir(int at, const char *path, int (*each)(void *data, const char *name, struct rt_err *err), void *data,
		struct rt_err *err) RT_MUST_USE;

/*
 * An advisory lock that the kernel releases when its holder dies: an OFD lock, close-on-exec. The text in the file
 * names the holder for people and decides nothing.
 */
struct rt_lock {
	int fd; /* -1: not held */
};
#define RT_LOCK_INIT     \
	{                \
		.fd = -1 \
	}
/*
 * Takes the lock on path (made if missing), waiting until deadline (rt_clock_ms; 0: do not wait). who is written into
 * the file. Returns 0 taken, 1 somebody else holds it still (their text appended to holder, which may be NULL), -1
 * error.
 */
int rt_lock_take(struct rt_lock *lock, const char *path, bool shared, int64_t deadline, const char *who,
		 struct rt_buf *holder, struct rt_err *err) RT_MUST_USE;
void rt_lock_drop(struct rt_lock *lock);
RT_DEFINE_AUTO(lock, struct rt_lock, rt_lock_drop);

#endif
