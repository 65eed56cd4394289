#include "cycle/machine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { MAX_DEPTH = 64 };
static const size_t MAX_DATABASE = (size_t)256 << 20;

/* What a package manager rewrites with every change of what is installed. */
static const char *const databases[] = {
    "/var/lib/dpkg/status",  "/lib/apk/db/installed", "/var/lib/rpm/rpmdb.sqlite", "/usr/lib/sysimage/rpm/rpmdb.sqlite",
    "/var/lib/rpm/Packages",
};

struct walk {
	struct rt_sha256 *hash;
	int dir;
	const char *prefix;
	unsigned depth;
};

static int walk_dir(const struct walk *walk, struct rt_err *err);

static void
add_number(struct rt_sha256 *hash, uint64_t number)
{
	rt_sha256_add(hash, &number, sizeof(number));
}

static int
walk_entry(void *data, const char *name, struct rt_err *err)
{
	const struct walk *walk = data;
	struct stat st;
	/* what vanishes or can't be seen is not in the digest, and not seen in a cell */
	if (fstatat(walk->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	rt_auto(free) char *path = rt_format("%s/%s", walk->prefix, name);
	rt_sha256_field(walk->hash, path, strlen(path));
	add_number(walk->hash, st.st_ino);
	add_number(walk->hash, st.st_mode);
	if (S_ISDIR(st.st_mode) && walk->depth < MAX_DEPTH) {
		rt_auto(fd) int fd = openat(walk->dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		struct walk below = {walk->hash, fd, path, walk->depth + 1};
		return fd < 0 ? 0 : walk_dir(&below, err);
	}
	add_number(walk->hash, (uint64_t)st.st_size);
	add_number(walk->hash, (uint64_t)st.st_mtim.tv_sec);
	add_number(walk->hash, (uint64_t)st.st_mtim.tv_nsec);
	return 0;
}

static int
walk_dir(const struct walk *walk, struct rt_err *err)
{
	return rt_list_dir(walk->dir, ".", walk_entry, (void *)walk, err);
}

/* A path that the operator or the system names; a link there is followed. Not there is a fact like another. */
static int
add_path(struct rt_sha256 *hash, const char *path, struct rt_err *err)
{
	struct stat st;
	rt_sha256_field(hash, path, strlen(path));
	if (stat(path, &st) < 0)
		return 0;
	add_number(hash, st.st_ino);
	if (!S_ISDIR(st.st_mode)) {
		add_number(hash, (uint64_t)st.st_size);
		add_number(hash, (uint64_t)st.st_mtim.tv_sec);
		add_number(hash, (uint64_t)st.st_mtim.tv_nsec);
		return 0;
	}
	rt_auto(fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct walk walk = {hash, fd, path, 0};
	return fd < 0 ? 0 : walk_dir(&walk, err);
}

static int
add_system(struct rt_sha256 *hash, struct rt_err *err)
{
	static const char *const all[] = {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/alternatives"};
	static const char *const unpacked[] = {"/usr/local", "/etc/alternatives"};
	bool found = false;
	for (size_t i = 0; i < RT_COUNT(databases); i++) {
		rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
		if (!rt_exists(AT_FDCWD, databases[i]))
			continue;
		if (rt_file_read(AT_FDCWD, databases[i], MAX_DATABASE, &text, err) < 0)
			return -1;
		rt_sha256_field(hash, databases[i], strlen(databases[i]));
		rt_sha256_field(hash, text.data, text.len);
		found = true;
	}
	const char *const *paths = found ? unpacked : all;
	for (size_t i = 0; i < (found ? RT_COUNT(unpacked) : RT_COUNT(all)); i++)
		if (add_path(hash, paths[i], err) < 0)
			return -1;
	return 0;
}

void
rt_machine_paths(const struct rt_home *home, const struct rt_strs *in, struct rt_strs *out)
{
	for (size_t i = 0; i < in->n; i++) {
		const char *path = in->at[i];
		rt_auto(free) char *full = path[0] == '~' && path[1] == '/' && home->cell_home
					       ? rt_format("%s%s", home->cell_home, path + 1)
					       : rt_strdup(path);
		if (full[0] == '/' && rt_exists(AT_FDCWD, full))
			rt_strs_add(out, full);
	}
}

int
rt_machine_digest(const struct rt_home *home, const struct rt_config *config, char digest[RT_SHA256_HEX + 1],
		  struct rt_err *err)
{
	rt_auto(strs) struct rt_strs paths = {0};
	struct rt_sha256 hash;
	struct utsname name;
	struct stat st = {0};
	rt_sha256_start(&hash);
	rt_sha256_field(&hash, RATCHET_VERSION, strlen(RATCHET_VERSION));
	/* two builds of one version need not read a report alike */
	if (stat("/proc/self/exe", &st) == 0) {
		add_number(&hash, (uint64_t)st.st_size);
		add_number(&hash, (uint64_t)st.st_mtim.tv_sec);
		add_number(&hash, (uint64_t)st.st_mtim.tv_nsec);
	}
	if (uname(&name) == 0)
		rt_sha256_field(&hash, name.machine, strlen(name.machine));
	if (add_system(&hash, err) < 0)
		return rt_err_while(err, "identifying this machine's system directories");
	rt_machine_paths(home, &config->tools, &paths);
	rt_machine_paths(home, &config->caches, &paths);
	for (size_t i = 0; i < paths.n; i++)
		if (add_path(&hash, paths.at[i], err) < 0)
			return rt_err_while(err, "identifying tools and caches");
	rt_sha256_hex(&hash, digest);
	return 0;
}
