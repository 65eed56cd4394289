#include "cycle/home.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/clock.h"
#include "support/digest.h"
#include "support/tempname.h"

enum { WRITER_DIGITS = 16 };

/* The id is made once; of two processes that make one at the same time the first to link it wins. */
static int
read_writer(struct rt_home *home, struct rt_err *err)
{
	rt_auto(free) char *path = rt_home_path(home, "writer");
	for (int tries = 0; tries < 2; tries++) {
		rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
		if (rt_exists(AT_FDCWD, path)) {
			if (rt_file_read(AT_FDCWD, path, 64, &text, err) < 0)
				return -1;
			if (text.len != WRITER_DIGITS + 1 || strspn(text.data, "0123456789abcdef") != WRITER_DIGITS)
				return rt_fail(err, RT_EIO,
					       "%s does not hold a writer id of 16 hex digits; move it away, and a new "
					       "chain begins",
					       path);
			memcpy(home->writer, text.data, WRITER_DIGITS);
			return 0;
		}
		char id[WRITER_DIGITS + 1];
		rt_random_hex(id, WRITER_DIGITS);
		char temp[RT_TEMP_NAME];
		rt_temp_name(temp, RT_TEMP_PREFIX);
		rt_auto(free) char *own = rt_home_path(home, "%s", temp);
		rt_buf_addf(&text, "%s\n", id);
		if (rt_file_write_durable(AT_FDCWD, own, text.data, text.len, 0644, err) < 0)
			return -1;
		int linked = link(own, path), why = errno;
		unlink(own);
		if (linked < 0 && why != EEXIST) {
			errno = why;
			return rt_fail_errno(err, "link %s", path);
		}
		if (rt_sync_dir(AT_FDCWD, home->dir, err) < 0)
			return -1;
	}
	return rt_fail(err, RT_EIO, "%s vanished while it was read", path);
}

static const char *acting_via;

void
rt_via_set(const char *via)
{
	acting_via = via;
}

const char *
rt_via(void)
{
	return acting_via;
}

/* A repository that can only be read can still be looked at: there is then no trace of use, and nothing else is lost.
 */
static void
note_use(const struct rt_home *home)
{
	rt_auto(free) char *dir = rt_home_path(home, "use");
	struct rt_err ignored = RT_ERR_INIT;
	if (!acting_via || rt_mkdirs(AT_FDCWD, dir, 0755, &ignored) < 0)
		return;
	rt_auto(free) char *path = rt_format("%s/%s", dir, acting_via);
	rt_auto(fd) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd >= 0 && futimens(fd, NULL) < 0)
		errno = 0;
}

int
rt_home_adopt(struct rt_home *home, struct rt_repo *repo, struct rt_err *err)
{
	home->repo = repo;
	home->dir = rt_format("%s/ratchet", rt_repo_commondir(repo));
	const struct passwd *who = getpwuid(getuid());
	const char *dir = getenv("HOME");
	if (!dir || dir[0] != '/')
		dir = who ? who->pw_dir : NULL;
	home->cell_home = dir && strcmp(dir, "/") != 0 ? rt_strdup(dir) : NULL;
	if (rt_mkdirs(AT_FDCWD, home->dir, 0755, err) < 0)
		return -1;
	note_use(home);
	return read_writer(home, err);
}

int
rt_home_open(struct rt_home *home, const char *dir, struct rt_err *err)
{
	rt_auto(repo) struct rt_repo *repo = NULL;
	if (rt_repo_open(&repo, dir, err) < 0)
		return -1;
	return rt_home_adopt(home, rt_steal(&repo), err);
}

void
rt_home_release(struct rt_home *home)
{
	rt_index_seen_free(&home->seen);
	rt_repo_free(home->repo);
	free(home->dir);
	free(home->cell_home);
	*home = (struct rt_home)RT_HOME_INIT;
}

char *
rt_home_path(const struct rt_home *home, const char *fmt, ...)
{
	rt_auto(buf) struct rt_buf path = RT_BUF_INIT;
	char *below = NULL;
	va_list args;
	va_start(args, fmt);
	if (vasprintf(&below, fmt, args) < 0)
		abort();
	va_end(args);
	rt_buf_addf(&path, "%s/%s", home->dir, below);
	free(below);
	return rt_buf_steal(&path);
}

const char *
rt_boot_id(void)
{
	static char id[64];
	if (id[0])
		return id;
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	struct rt_err ignored = RT_ERR_INIT;
	if (rt_file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", sizeof(id) - 1, &text, &ignored) < 0 ||
	    text.len < 36)
		rt_buf_adds(&text, "unknown");
	size_t len = strcspn(text.data, "\n");
	memcpy(id, text.data, len < sizeof(id) ? len : sizeof(id) - 1);
	return id;
}

const char *
rt_actor(void)
{
	static char actor[128];
	if (actor[0])
		return actor;
	const char *given = getenv("RATCHET_ACTOR");
	const struct passwd *who = getpwuid(getuid());
	char host[64] = "localhost";
	if (gethostname(host, sizeof(host) - 1) < 0)
		memcpy(host, "localhost", sizeof("localhost"));
	if (given && given[0])
		snprintf(actor, sizeof(actor), "%s", given);
	else if (who)
		snprintf(actor, sizeof(actor), "%s@%s", who->pw_name, host);
	else
		snprintf(actor, sizeof(actor), "uid-%ld@%s", (long)getuid(), host);
	return actor;
}

int
rt_machine_name(const struct rt_home *home, struct rt_buf *name, struct rt_err *err)
{
	char host[256] = "";
	int found = rt_repo_config(home->repo, "ratchet.machine", name, err);
	if (found != 0)
		return found < 0 ? -1 : 0;
	if (gethostname(host, sizeof(host) - 1) < 0)
		return rt_fail_errno(err,
				     "asking for this machine's name; set it with git config ratchet.machine NAME");
	rt_buf_adds(name, host);
	return 0;
}
