#include "git/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "git/internal.h"
#include "support/clock.h"

#define NOTE_MAX 1024
#define LOCK_MAX 256		/* a lock on a ref holds an id and a newline */
#define PACKED_MAX (256u << 20) /* packed-refs of millions of refs */

/* ---- the lock files of a claimant that died ---- */

static int
drop_file(const char *path, struct rt_strs *removed, struct rt_err *err)
{
	if (unlink(path) < 0)
		return errno == ENOENT ? 0 : rt_fail_errno(err, "cannot remove the stale lock %s", path);
	if (removed)
		rt_strs_add(removed, path);
	return 0;
}

/* Is the lock on the ref there, with content that only we would have written? 1, 0, -1. */
static int
is_our_lock(const char *path, const char *value, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;

	if (!rt_exists(AT_FDCWD, path))
		return 0;
	if (rt_file_read(AT_FDCWD, path, LOCK_MAX, &text, err) < 0)
		return errno == ENOENT ? 0 : -1;
	rt_buf_cut(&text, strcspn(text.data, "\n"));
	/* a write that was cut short is the beginning of the value */
	return rt_starts_with(value, text.data);
}

/* The lines of packed-refs after its header, without those of one ref. */
static void
without(struct rt_buf *out, const char *packed, const char *name)
{
	bool skip = false;

	for (const char *line = packed; *line;) {
		size_t len = strcspn(line, "\n");

		if (*line != '^')
			skip = len > RT_OID_HEX + 1 && strlen(name) == len - RT_OID_HEX - 1 &&
			       memcmp(line + RT_OID_HEX + 1, name, len - RT_OID_HEX - 1) == 0;
		len += line[len] == '\n';
		if (!skip && *line != '#')
			rt_buf_add(out, line, len);
		line += len;
	}
}

/* Removing a ref that is packed rewrites packed-refs. Ours is what holds the beginning of it without that ref. */
static int
drop_packed(const struct rt_repo *repo, const char *name, struct rt_strs *removed, struct rt_err *err)
{
	rt_auto(free) char *path = rt_format("%s/packed-refs", repo->commondir);
	rt_auto(free) char *lock = rt_format("%s.lock", path);
	rt_auto(buf) struct rt_buf now = RT_BUF_INIT, locked = RT_BUF_INIT, want = RT_BUF_INIT, have = RT_BUF_INIT;

	if (!rt_exists(AT_FDCWD, lock) || !rt_exists(AT_FDCWD, path))
		return 0;
	if (rt_file_read(AT_FDCWD, path, PACKED_MAX, &now, err) < 0 ||
	    rt_file_read(AT_FDCWD, lock, PACKED_MAX, &locked, err) < 0)
		return errno == ENOENT ? 0 : -1;
	without(&want, now.data, name);
	without(&have, locked.data, "");
	return rt_starts_with(want.data, have.data) ? drop_file(lock, removed, err) : 0;
}

/* Settles the text of the claim that fd holds: "<ref> <value>", value "-" for a removal. */
static int
settle(int fd, const struct rt_repo *repo, struct rt_strs *removed, struct rt_err *err)
{
	char note[NOTE_MAX + 1] = "", name[NOTE_MAX + 1], value[RT_OID_HEX + 1];
	rt_auto(free) char *path = NULL;
	int ours;

	if (pread(fd, note, NOTE_MAX, 0) < 0)
		return rt_fail_errno(err, "cannot read the claim on refs of %s", repo->commondir);
	if (sscanf(note, "%1023s %40s", name, value) != 2 || !rt_starts_with(name, "refs/") || strstr(name, ".."))
		return 0;
	path = rt_format("%s/%s.lock", repo->commondir, name);
	ours = is_our_lock(path, value, err);
	if (ours < 0 || (ours && drop_file(path, removed, err) < 0))
		return -1;
	return strcmp(value, "-") == 0 ? drop_packed(repo, name, removed, err) : 0;
}

/* ---- taking and giving back ---- */

static int
take(struct rt_lock *claim, struct rt_repo *repo, int64_t deadline, struct rt_err *err)
{
	rt_auto(free) char *dir = rt_format("%s/ratchet", repo->commondir);
	rt_auto(free) char *path = rt_format("%s/ref-claim", dir);
	int held;

	if (!rt_exists(AT_FDCWD, dir) && rt_mkdirs(AT_FDCWD, dir, 0755, err) < 0)
		return -1;
	held = rt_lock_take(claim, path, false, deadline, NULL, NULL, err);
	if (held <= 0)
		return held < 0 ? -1 : RT_SWAPPED;
	rt_fail(err, RT_ECONFLICT, "%s is held by another ratchet that moves a ref; try again", path);
	return RT_SWAP_LOCKED;
}

int
rt_claim_take(struct rt_lock *claim, struct rt_repo *repo, const char *name, const struct rt_oid *new, int64_t deadline,
	      struct rt_err *err)
{
	rt_auto(free) char *note = rt_format("%s %s\n", name, new != NULL ? new->hex : "-");
	size_t len = strlen(note);
	int taken = take(claim, repo, deadline, err);

	if (taken != RT_SWAPPED)
		return taken;
	if (settle(claim->fd, repo, NULL, err) < 0)
		return -1;
	if (len > NOTE_MAX)
		return rt_fail(err, RT_ECONFIG, "the ref name %.60s... is too long", name);
	if (ftruncate(claim->fd, 0) < 0 || lseek(claim->fd, 0, SEEK_SET) < 0 || rt_write_all(claim->fd, note, len) < 0)
		return rt_fail_errno(err, "cannot claim the ref %s in %s", name, repo->commondir);
	return RT_SWAPPED;
}

void
rt_claim_drop(struct rt_lock *claim, struct rt_repo *repo, const char *name, const struct rt_oid *new, int result)
{
	rt_auto(free) char *path = rt_format("%s/%s.lock", repo->commondir, name);
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	bool left = result != RT_SWAP_LOCKED && rt_exists(AT_FDCWD, path);

	/* after a swap an empty lock may be that of a git which came next */
	if (left && result == RT_SWAPPED && new != NULL)
		left = rt_file_read(AT_FDCWD, path, LOCK_MAX, &text, NULL) == 0 && rt_starts_with(text.data, new->hex);
	/* a text that stays names a lock file that is not there, and settling it does nothing */
	if (!left && ftruncate(claim->fd, 0) < 0)
		errno = 0;
	rt_lock_drop(claim);
}

/* ---- recovery ---- */

struct old_locks {
	const char *dir;
	time_t boot; /* when this boot began */
	struct rt_strs *removed;
};

static int
drop_old(void *data, const char *name, struct rt_err *err)
{
	const struct old_locks *in = data;
	rt_auto(free) char *path = rt_format("%s/%s", in->dir, name);
	struct old_locks below = {path, in->boot, in->removed};
	struct stat st;

	if (lstat(path, &st) < 0)
		return 0;
	if (S_ISDIR(st.st_mode))
		return rt_list_dir(AT_FDCWD, path, drop_old, &below, err);
	return rt_ends_with(name, ".lock") && st.st_ctime + 1 < in->boot ? drop_file(path, in->removed, err) : 0;
}

int
rt_claim_settle(struct rt_repo *repo, struct rt_strs *removed, int64_t deadline, struct rt_err *err)
{
	rt_auto(lock) struct rt_lock claim = RT_LOCK_INIT;
	rt_auto(free) char *refs = rt_format("%s/refs/ratchet", repo->commondir);
	struct old_locks old = {refs, (time_t)(rt_clock_now() - rt_clock_ms() / 1000), removed};
	int taken = take(&claim, repo, deadline, err);

	if (taken != RT_SWAPPED)
		return -1;
	if (settle(claim.fd, repo, removed, err) < 0)
		return -1;
	if (lseek(claim.fd, 0, SEEK_END) != 0 && ftruncate(claim.fd, 0) < 0)
		return rt_fail_errno(err, "cannot write the claim on refs of %s", repo->commondir);
	return rt_list_dir(AT_FDCWD, refs, drop_old, &old, err);
}
