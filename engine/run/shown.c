#include "run/inner.h"

#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * What compilers, interpreters and libraries read below /etc, and nothing that may hold a secret: no package manager's
 * configuration, no /etc/ssl/private (root could read it), no hosts, no accounts; those the view makes itself.
 */
static const char *const patterns[] = {
    "/usr",
    "/bin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/sbin",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ld-musl-*",
    "/etc/ssl/certs",
    "/etc/ssl/cert.pem",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust",
    "/etc/ca-certificates",
    "/etc/crypto-policies",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/mime.types",
    "/etc/protocols",
    "/etc/services",
    "/etc/terminfo",
    "/etc/python3",
    "/etc/python3.*",
    "/etc/perl",
    "/etc/java-*",
    "/etc/java",
    "/etc/maven",
    "/etc/fonts",
    "/etc/os-release",
    "/etc/debian_version",
    "/etc/locale.alias",
    "/etc/magic",
    "/etc/inputrc",
    "/etc/gnucobol",
    "/etc/fpc*.cfg",
    "/etc/xml",
    "/etc/sgml",
    "/etc/php",
    "/etc/R",
    "/etc/texmf",
    "/etc/OpenCL",
    "/etc/glvnd",
    "/etc/gss",
};

static bool
add_shown(struct rt_shown *entry, const char *path)
{
	struct stat st;
	char target[4096];
	if (lstat(path, &st) < 0)
		return false;
	entry->path = rt_strdup(path);
	entry->dir = S_ISDIR(st.st_mode);
	if (S_ISLNK(st.st_mode)) {
		ssize_t len = readlink(path, target, sizeof(target) - 1);
		entry->link = rt_strndup(target, len < 0 ? 0 : (size_t)len);
	}
	return true;
}

const struct rt_shown *
rt_shown_system(size_t *n)
{
	static RT_VEC(struct rt_shown) shown;
	if (!shown.n) {
		for (size_t i = 0; i < RT_COUNT(patterns); i++) {
			glob_t found = {0};
			if (glob(patterns[i], 0, NULL, &found) == 0)
				for (size_t k = 0; k < found.gl_pathc; k++)
					if (!add_shown(rt_push(&shown), found.gl_pathv[k]))
						shown.n--;
			globfree(&found);
		}
	}
	*n = shown.n;
	return shown.at;
}

/* self and thread-self are links; net is one too. What is named by digits is a process. */
const struct rt_strs *
rt_shown_proc_covers(void)
{
	static struct rt_strs covers;
	DIR *dir = covers.n ? NULL : opendir("/proc");
	if (!dir)
		return &covers;
	for (struct dirent *entry; (entry = readdir(dir));) {
		struct stat st;
		if (entry->d_name[0] == '.' || strspn(entry->d_name, "0123456789") == strlen(entry->d_name))
			continue;
		if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISDIR(st.st_mode) || (S_ISREG(st.st_mode) && st.st_mode & 0222))
			rt_strs_add(&covers, entry->d_name);
	}
	closedir(dir);
	return &covers;
}

static bool
is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);
	return strncmp(path, dir, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

int
rt_shown_place(const char *path, struct rt_err *err)
{
	static const char *const own[] = {RT_CELL_WORKSPACE, RT_CELL_REPORTS, "/proc", "/dev"};
	for (size_t i = 0; i < RT_COUNT(own); i++)
		if (is_below(path, own[i]))
			return rt_fail(err, RT_ECONFIG,
				       "%s cannot be shown in a cell, where %s is its own; move it elsewhere", path,
				       own[i]);
	size_t n;
	const struct rt_shown *shown = rt_shown_system(&n);
	for (size_t i = 0; i < n; i++)
		if (is_below(path, shown[i].path))
			return RT_PLACE_SYSTEM;
	return is_below(path, "/tmp") || is_below(path, "/home/user") ? RT_PLACE_OWN : RT_PLACE_VIEW;
}
