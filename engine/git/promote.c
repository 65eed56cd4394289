#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "git/loose.h"
#include "git/quarantine_internal.h"
#include "support/tempname.h"

/* Above this many objects the file system is synced whole, once, instead of file by file. */
#define SYNC_EACH_MAX 256
#define COPY_STEP (256u << 10)
#define FOLDER_TRIES 8

struct promotion {
	int from, to;	      /* the objects directories */
	mode_t shared;	      /* permissions that core.sharedRepository adds; 0: none */
	struct rt_strs dirs;  /* of objects, those that hold something for us: "ab" */
	struct rt_strs files; /* "ab/cdef...", "pack/pack-....pack" */
};

static void
promotion_release(struct promotion *promotion)
{
	rt_close(promotion->from);
	rt_close(promotion->to);
	rt_strs_release(&promotion->dirs);
	rt_strs_release(&promotion->files);
}
RT_DEFINE_AUTO(promotion, struct promotion, promotion_release);

static bool
is_hex(const char *s, size_t len)
{
	return strlen(s) == len && strspn(s, "0123456789abcdef") == len;
}

struct listing {
	struct promotion *promotion;
	const char *dir;
};

static int
list_file(void *data, const char *name, struct rt_err *err)
{
	const struct listing *listing = data;
	bool pack = !strcmp(listing->dir, "pack");

	(void)err;
	if (pack ? rt_starts_with(name, "pack-") : is_hex(name, RT_OID_HEX - 2))
		rt_strs_addf(&listing->promotion->files, "%s/%s", listing->dir, name);
	return 0;
}

static int
list_dir(void *data, const char *name, struct rt_err *err)
{
	struct promotion *promotion = data;
	struct listing listing = {promotion, name};
	size_t before = promotion->files.n;

	if (!is_hex(name, 2) && strcmp(name, "pack"))
		return 0;
	if (rt_list_dir(promotion->from, name, list_file, &listing, err))
		return -1;
	if (promotion->files.n > before)
		rt_strs_add(&promotion->dirs, name);
	return 0;
}

/* core.sharedRepository: what group and others get on top of the umask. */
static mode_t
shared_mode(struct rt_repo *home)
{
	static const struct {
		const char *word;
		mode_t mode;
	} words[] = {{"group", 0660}, {"true", 0660},	   {"1", 0660}, {"all", 0664},
		     {"world", 0664}, {"everybody", 0664}, {"2", 0664}};
	rt_auto(buf) struct rt_buf value = RT_BUF_INIT;
	size_t i;

	if (rt_repo_config(home, "core.sharedrepository", &value, NULL) != 1)
		return 0;
	for (i = 0; i < RT_COUNT(words); i++)
		if (!strcmp(value.data, words[i].word))
			return words[i].mode;
	return value.data[0] == '0' ? (mode_t)strtoul(value.data, NULL, 8) & 0666 : 0;
}

/* 0, or -1 with errno. */
static int
make_dir(const struct promotion *promotion, const char *dir)
{
	mode_t more = promotion->shared | (promotion->shared & 0444) >> 2;
	struct stat st;

	if (mkdirat(promotion->to, dir, 0777))
		return errno == EEXIST ? 0 : -1;
	if (!more || fstatat(promotion->to, dir, &st, 0))
		return 0;
	return fchmodat(promotion->to, dir, (st.st_mode & 07777) | more | S_ISGID, 0);
}

static int
make_dirs(struct promotion *promotion, struct rt_err *err)
{
	size_t i;

	for (i = 0; i < promotion->dirs.n; i++)
		if (make_dir(promotion, promotion->dirs.at[i]))
			return rt_fail_errno(err, "can't make objects/%s", promotion->dirs.at[i]);
	return 0;
}

struct opened {
	int fds[SYNC_EACH_MAX + 2];
	size_t n;
};

static void
opened_close(struct opened *opened)
{
	for (size_t i = 0; i < opened->n; i++)
		rt_close(opened->fds[i]);
}
RT_DEFINE_AUTO(opened, struct opened, opened_close);

/* Opens a file, and gives it the permissions that others shall have. */
static int
open_file(const struct promotion *promotion, const char *name, struct rt_err *err)
{
	rt_auto(fd) int fd = openat(promotion->from, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	int opened = fd;

	if (fd < 0)
		return rt_fail_errno(err, "can't open objects/%s of the quarantine", name);
	if (promotion->shared && (fstat(fd, &st) || fchmod(fd, (st.st_mode & 07777) | (promotion->shared & 0444))))
		return rt_fail_errno(err, "can't share objects/%s", name);
	fd = -1;
	return opened;
}

static int
sync_whole(const struct promotion *promotion, struct rt_err *err)
{
	for (size_t i = 0; promotion->shared && i < promotion->files.n; i++) {
		int fd = open_file(promotion, promotion->files.at[i], err);

		if (fd < 0)
			return -1;
		rt_close(fd);
	}
	return syncfs(promotion->from) ? rt_fail_errno(err, "can't sync the quarantine") : 0;
}

/* The content on disk before it gets its name: what a crash leaves at the right name is complete. */
static int
sync_files(const struct promotion *promotion, struct rt_err *err)
{
	rt_auto(opened) struct opened opened = {0};

	if (promotion->files.n > SYNC_EACH_MAX)
		return sync_whole(promotion, err);
	for (size_t i = 0; i < promotion->files.n; i++) {
		opened.fds[opened.n] = open_file(promotion, promotion->files.at[i], err);
		if (opened.fds[opened.n] < 0)
			return -1;
		opened.n++;
	}
	return rt_sync_all(opened.fds, opened.n) ? rt_fail_errno(err, "can't sync objects of the quarantine") : 0;
}

static int
copy_bytes(int from, int to)
{
	rt_auto(buf) struct rt_buf chunk = RT_BUF_INIT;
	ssize_t got;

	rt_buf_reserve(&chunk, COPY_STEP);
	while ((got = read(from, chunk.data, COPY_STEP)))
		if ((got < 0 && errno != EINTR) || (got > 0 && rt_write_all(to, chunk.data, (size_t)got)))
			return -1;
	return fsync(to);
}

/* Where no link can be made: another file system, or one without links. */
static int
copy_file(const struct promotion *promotion, const char *name, struct rt_err *err)
{
	char temp[RT_TEMP_NAME];
	rt_auto(fd) int from = openat(promotion->from, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	rt_auto(fd) int to = -1;
	struct stat st;

	rt_temp_name(temp, RT_LOOSE_PREFIX);
	if (from >= 0 && !fstat(from, &st))
		to = openat(promotion->to, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, st.st_mode & 0444);
	if (to < 0)
		return rt_fail_errno(err, "can't copy objects/%s", name);
	if (!copy_bytes(from, to) && !fchmod(to, st.st_mode & 0444) &&
	    !renameat(promotion->to, temp, promotion->to, name))
		return 0;
	rt_fail_errno(err, "can't copy objects/%s", name);
	unlinkat(promotion->to, temp, 0);
	return -1;
}

/* A gc beside us removes folders that are empty at the moment, so the one that was just made may be gone again. */
static int
link_in(const struct promotion *promotion, const char *name)
{
	rt_auto(free) char *dir = rt_strndup(name, strcspn(name, "/"));

	for (int tries = 0; tries < FOLDER_TRIES; tries++) {
		if (!linkat(promotion->from, name, promotion->to, name, 0) || errno == EEXIST)
			return 0;
		if (errno != ENOENT || make_dir(promotion, dir))
			return -1;
	}
	return -1;
}

static int
place(const struct promotion *promotion, const char *name, struct rt_err *err)
{
	if (!link_in(promotion, name))
		return 0;
	if (errno == EXDEV || errno == EPERM || errno == EMLINK || errno == EOPNOTSUPP || errno == ENOSYS)
		return copy_file(promotion, name, err);
	return rt_fail_errno(err, "can't put objects/%s in place", name);
}

/* An index makes its pack visible, so the indexes come when all else is there. */
static int
place_all(const struct promotion *promotion, bool indexes, struct rt_err *err)
{
	size_t i;

	for (i = 0; i < promotion->files.n; i++)
		if (rt_ends_with(promotion->files.at[i], ".idx") == indexes &&
		    place(promotion, promotion->files.at[i], err))
			return -1;
	return 0;
}

/* Every directory, also when all was there already: the promotion that put it there may have died before this. */
static int
sync_dirs(const struct promotion *promotion, struct rt_err *err)
{
	rt_auto(opened) struct opened opened = {0};

	if (!promotion->dirs.n)
		return 0;
	/* there are 257 at most: those of two digits, and pack */
	for (size_t i = 0; i <= promotion->dirs.n; i++) {
		const char *name = i < promotion->dirs.n ? promotion->dirs.at[i] : ".";
		int fd = openat(promotion->to, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		/* gone: a gc put all that was in it into a pack */
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return rt_fail_errno(err, "can't open objects/%s", name);
		opened.fds[opened.n++] = fd;
	}
	return rt_sync_all(opened.fds, opened.n) ? rt_fail_errno(err, "can't sync the folders of objects") : 0;
}

int
rt_quarantine_promote(struct rt_quarantine *quarantine, struct rt_err *err)
{
	rt_auto(promotion) struct promotion promotion = {.from = -1, .to = -1};
	rt_auto(free) char *objects = rt_format("%s/objects", rt_repo_commondir(quarantine->home));

	promotion.from = open(quarantine->objects, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (promotion.from < 0)
		return rt_fail_errno(err, "can't open %s", quarantine->objects);
	promotion.to = open(objects, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (promotion.to < 0)
		return rt_fail_errno(err, "can't open %s", objects);
	if (rt_list_dir(promotion.from, ".", list_dir, &promotion, err))
		return -1;
	promotion.shared = shared_mode(quarantine->home);
	if (make_dirs(&promotion, err) || sync_files(&promotion, err) || place_all(&promotion, false, err))
		return -1;
	if (rt_strs_has(&promotion.dirs, "pack") && rt_sync_dir(promotion.to, "pack", err))
		return -1;
	if (place_all(&promotion, true, err))
		return -1;
	return sync_dirs(&promotion, err);
}
