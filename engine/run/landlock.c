#include "run/inner.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer than Debian 12's headers; from Documentation/userspace-api/landlock.rst. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif
#ifndef LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
#define LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define LANDLOCK_SCOPE_SIGNAL (1ULL << 1)
#endif

/* The kernel accepts a struct that is larger than the one it knows as long as the rest is zero. */
struct ruleset {
	uint64_t fs, net, scoped;
};

#define ACCESS_READ (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ACCESS_FILE                                                                                  \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | \
	 LANDLOCK_ACCESS_FS_TRUNCATE | LANDLOCK_ACCESS_FS_IOCTL_DEV)

struct domain {
	int fd;
	uint64_t handled;
};

int
rt_landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	return abi < 0 ? 0 : (int)abi;
}

static uint64_t
handled_access(int abi)
{
	uint64_t all = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
	if (abi >= 2)
		all |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		all |= LANDLOCK_ACCESS_FS_TRUNCATE;
	if (abi >= 5)
		all |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
	return all;
}

static int
domain_make(struct domain *domain, int abi, bool files, struct rt_err *err)
{
	struct ruleset ruleset = {.fs = files ? handled_access(abi) : 0};
	if (abi >= 6)
		ruleset.scoped = LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LANDLOCK_SCOPE_SIGNAL;
	domain->handled = ruleset.fs;
	domain->fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, sizeof(ruleset), 0);
	if (domain->fd < 0)
		return rt_fail_errno(err, "cannot make a Landlock ruleset (ABI %d)", abi);
	return 0;
}

static int
allow_fd(const struct domain *domain, int fd, uint64_t access, const char *what, struct rt_err *err)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = access & domain->handled, .parent_fd = fd};
	if (syscall(SYS_landlock_add_rule, domain->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		return rt_fail_errno(err, "cannot add a Landlock rule for %s", what);
	return 0;
}

/* What does not exist on this machine needs no rule. */
static int
allow(const struct domain *domain, const char *path, uint64_t access, struct rt_err *err)
{
	rt_auto(fd) int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat st;
	if (fd < 0)
		return errno == ENOENT || errno == EACCES ? 0 : rt_fail_errno(err, "cannot open %s", path);
	if (fstat(fd, &st) < 0)
		return rt_fail_errno(err, "cannot look at %s", path);
	return allow_fd(domain, fd, S_ISDIR(st.st_mode) ? access : access & ACCESS_FILE, path, err);
}

static int
allow_each(const struct domain *domain, const char *const *paths, uint64_t access, struct rt_err *err)
{
	for (; paths && *paths; paths++)
		if (allow(domain, *paths, access, err) < 0)
			return -1;
	return 0;
}

int
rt_landlock_enter(int domain, struct rt_err *err)
{
	if (syscall(SYS_landlock_restrict_self, domain, 0) < 0)
		return rt_fail_errno(err, "cannot enter the Landlock domain");
	return 0;
}

int
rt_landlock_make_view(int *out, int abi, bool nested, int root, const int *writable, size_t n, struct rt_err *err)
{
	struct domain domain;
	*out = -1;
	/* A domain that handles files denies every mount(2) in it; one that handles nothing at all cannot be made. */
	if (abi == 0 || (nested && abi < 6))
		return 0;
	if (domain_make(&domain, abi, !nested, err) < 0)
		return -1;
	bool made = nested || allow_fd(&domain, root, ACCESS_READ, "/", err) == 0;
	for (size_t i = 0; i < n && made && !nested; i++)
		made =
		    writable[i] < 0 || allow_fd(&domain, writable[i], domain.handled, "a place of the cell", err) == 0;
	if (!made) {
		rt_close(domain.fd);
		return -1;
	}
	*out = domain.fd;
	return 0;
}

static int
allow_system(const struct domain *domain, bool host_network, struct rt_err *err)
{
	static const char *const readable[] = {"/etc/passwd",	     "/etc/group", "/etc/hosts",
					       "/etc/nsswitch.conf", "/proc",	   NULL};
	static const char *const devices[] = {"/dev/null",   "/dev/zero",    "/dev/full",
					      "/dev/random", "/dev/urandom", NULL};
	size_t n;
	const struct rt_shown *shown = rt_shown_system(&n);
	for (size_t i = 0; i < n; i++)
		if (allow(domain, shown[i].path, ACCESS_READ, err) < 0)
			return -1;
	if (host_network && allow(domain, "/etc/resolv.conf", ACCESS_READ, err) < 0)
		return -1;
	if (allow_each(domain, readable, ACCESS_READ, err) < 0)
		return -1;
	return allow_each(domain, devices, ACCESS_FILE & ~LANDLOCK_ACCESS_FS_EXECUTE, err);
}

int
rt_landlock_enter_host(const struct rt_launch *launch, struct rt_err *err)
{
	const struct rt_cell_spec *spec = launch->spec;
	const char *const own[] = {launch->tree, launch->home, launch->tmp, spec->reports, NULL};
	struct domain domain;
	if (domain_make(&domain, launch->landlock, true, err) < 0)
		return -1;
	if (allow_system(&domain, spec->network == RT_NETWORK_HOST, err) < 0 ||
	    allow_each(&domain, spec->tools, ACCESS_READ, err) < 0 ||
	    allow_each(&domain, spec->caches, ACCESS_READ, err) < 0 ||
	    allow_each(&domain, own, domain.handled, err) < 0) {
		rt_close(domain.fd);
		return -1;
	}
	int rc = rt_landlock_enter(domain.fd, err);
	rt_close(domain.fd);
	return rc;
}
