#include "git/internal.h"
#include "git/loose.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/clock.h"
#include "support/file.h"

/*
 * git itself may have switched these on in a repository that we can work in: worktreeConfig by sparse-checkout (read in
 * open_config), partialClone by clone --filter (a missing object is an error with its mend), preciousObjects says
 * nothing to us.
 */
static const char *const known_extensions[] = {"worktreeconfig", "partialclone", "preciousobjects"};

/*
 * Debian's libgit2 parses the system's certificates and starts libssh2, which starts all of OpenSSL, whenever it
 * starts: 3 ms of every command and hook, for transports that the engine never uses, as git itself fetches. These come
 * before the definitions of mbedTLS and libssh2 and do nothing, so that libgit2 would trust no server at all.
 */
__attribute__((visibility("default"))) int mbedtls_x509_crt_parse_file(void *chain, const char *path);
__attribute__((visibility("default"))) int mbedtls_x509_crt_parse_path(void *chain, const char *path);
__attribute__((visibility("default"))) int libssh2_init(int flags);

int
mbedtls_x509_crt_parse_file(void *chain, const char *path)
{
	(void)chain;
	(void)path;
	return 0;
}

int
mbedtls_x509_crt_parse_path(void *chain, const char *path)
{
	(void)chain;
	(void)path;
	return 0;
}

int
libssh2_init(int flags)
{
	(void)flags;
	return 0;
}

/* Another library of the process may have started libgit2 under another HOME: the search paths are read again. */
static int
find_user_files(void)
{
	if (git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, GIT_CONFIG_LEVEL_GLOBAL, NULL) < 0)
		return -1;
	return git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, GIT_CONFIG_LEVEL_XDG, NULL);
}

static int init_result;

static void
init_once(void)
{
	if (git_libgit2_init() < 0 || find_user_files() < 0 || git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1) < 0 ||
	    git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 1) < 0 ||
	    /* or the tree of an index would read every object it names; one that is missing shows where it is used */
	    git_libgit2_opts(GIT_OPT_ENABLE_STRICT_OBJECT_CREATION, 0) < 0 ||
	    /* a ledger or a history is walked once; kept, its commits would only fill the memory */
	    git_libgit2_opts(GIT_OPT_SET_CACHE_OBJECT_LIMIT, GIT_OBJECT_COMMIT, (size_t)0) < 0 ||
	    git_libgit2_opts(GIT_OPT_SET_EXTENSIONS, known_extensions, RT_COUNT(known_extensions)) < 0)
		init_result = -1;
}

int
rt_git_init(struct rt_err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, init_once);
	return init_result == 0 ? 0 : rt_git_error(err, RT_EINTERNAL, "libgit2 does not start");
}

int
rt_git_error(struct rt_err *err, enum rt_err_code code, const char *fmt, ...)
{
	const git_error *last = git_error_last();
	rt_auto(free) char *why = rt_strdup(last != NULL && last->message != NULL ? last->message : "");
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	va_list args;
	char room[1024];

	va_start(args, fmt);
	(void)vsnprintf(room, sizeof(room), fmt, args);
	va_end(args);
	/* Some of its messages hold line ends; an error is one line. */
	for (char *c = why; *c != '\0'; c++)
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	rt_buf_adds(&text, room);
	if (why[0] != '\0')
		rt_buf_addf(&text, ": %s", why);
	git_error_clear();
	return rt_fail(err, code, "%s", text.data);
}

int
rt_git_object_error(const struct rt_repo *repo, const char *hex, struct rt_err *err)
{
	if (repo->partial)
		return rt_git_error(err, RT_EUNKNOWN,
				    "cannot read object %s of the partial clone %s (`git fetch --refetch --no-filter` "
				    "gets what is missing)",
				    hex, repo->commondir);
	return rt_git_error(err, RT_EUNKNOWN, "cannot read object %s in %s", hex, repo->commondir);
}

int
rt_oid_to_git(git_oid *out, const struct rt_oid *in, struct rt_err *err)
{
	if (strlen(in->hex) != RT_OID_HEX || git_oid_fromstr(out, in->hex) < 0) {
		git_error_clear();
		return rt_fail(err, RT_EINTERNAL, "\"%.40s\" is not an object id", in->hex);
	}
	return 0;
}

void
rt_oid_from_git(struct rt_oid *out, const git_oid *in)
{
	git_oid_tostr(out->hex, sizeof(out->hex), in);
}

static char *
without_slash(const char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	return rt_strndup(path, len);
}

/* libgit2 1.5 does not read config.worktree; adding it twice to one that does changes nothing. */
static int
open_config(struct rt_repo *repo, struct rt_err *err)
{
	rt_auto(git_config) git_config *config = NULL;
	rt_auto(free) char *path = rt_format("%s/config.worktree", repo->gitdir);
	int on = 0;

	if (git_repository_config(&config, repo->git) < 0)
		return rt_git_error(err, RT_ECONFIG, "cannot read the configuration of %s", repo->gitdir);
	if (git_config_get_bool(&on, config, "extensions.worktreeConfig") < 0)
		on = 0;
	if (on && access(path, F_OK) == 0 &&
	    git_config_add_file_ondisk(config, path, GIT_CONFIG_LEVEL_APP, repo->git, 0) < 0)
		return rt_git_error(err, RT_ECONFIG, "cannot read %s", path);
	git_error_clear();
	return 0;
}

static int
refuse_format(struct rt_repo *repo, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf value = RT_BUF_INIT;
	int found = rt_repo_config(repo, "extensions.objectformat", &value, err);

	if (found < 0)
		return -1;
	if (found == 1 && strcasecmp(value.data, "sha1") != 0)
		return rt_fail(err, RT_ECONFIG, "%s has %s objects; only SHA-1 repositories are supported",
			       repo->commondir, value.data);
	rt_buf_cut(&value, 0);
	found = rt_repo_config(repo, "extensions.refstorage", &value, err);
	if (found < 0)
		return -1;
	if (found == 1 && strcasecmp(value.data, "files") != 0)
		return rt_fail(err, RT_ECONFIG, "%s keeps its refs as %s; run `git refs migrate --ref-format=files`",
			       repo->commondir, value.data);
	return 0;
}

/* A remote that promises objects makes a clone partial; git before 2.24 said it by extensions.partialClone. */
static int
find_promisor(struct rt_repo *repo, struct rt_err *err)
{
	rt_auto(git_config) git_config *config = NULL;
	rt_auto(git_config_iterator) git_config_iterator *each = NULL;
	git_config_entry *entry = NULL;

	if (git_repository_config_snapshot(&config, repo->git) < 0 || git_config_iterator_new(&each, config) < 0)
		return rt_git_error(err, RT_ECONFIG, "cannot read the configuration of %s", repo->gitdir);
	while (git_config_next(&entry, each) == 0)
		if (strcmp(entry->name, "extensions.partialclone") == 0 ||
		    (rt_starts_with(entry->name, "remote.") && rt_ends_with(entry->name, ".promisor")))
			repo->partial = true;
	git_error_clear();
	return 0;
}

static int
adopt(struct rt_repo *repo, struct rt_err *err)
{
	const char *workdir = git_repository_workdir(repo->git);
	rt_auto(free) char *objects = NULL;

	repo->gitdir = without_slash(git_repository_path(repo->git));
	repo->commondir = without_slash(git_repository_commondir(repo->git));
	repo->workdir = workdir != NULL ? without_slash(workdir) : NULL;
	if (open_config(repo, err) < 0 || refuse_format(repo, err) < 0)
		return -1;
	if (git_repository_odb(&repo->odb, repo->git) < 0)
		return rt_git_error(err, RT_EIO, "cannot open the objects of %s", repo->commondir);
	objects = rt_format("%s/objects", repo->commondir);
	if (rt_loose_install(repo, objects, true, err) < 0)
		return -1;
	return find_promisor(repo, err);
}

/* libgit2 1.5 knows only exact paths in safe.directory; git also takes `*`, which containers of CI systems set. */
static bool
everything_is_safe(void)
{
	rt_auto(git_config) git_config *config = NULL;
	rt_auto(git_config_iterator) git_config_iterator *each = NULL;
	git_config_entry *entry = NULL;
	bool safe = false;

	if (git_config_open_default(&config) < 0 ||
	    git_config_multivar_iterator_new(&each, config, "safe.directory", NULL) < 0)
		return false;
	while (git_config_next(&entry, each) == 0) {
		if (entry->value == NULL || entry->value[0] == '\0')
			safe = false;
		else if (strcmp(entry->value, "*") == 0)
			safe = true;
	}
	return safe;
}

int
rt_git_open(git_repository **out, const char *dir, unsigned flags)
{
	int rc = git_repository_open_ext(out, dir, flags, NULL);

	if (rc != GIT_EOWNER || !everything_is_safe())
		return rc;
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	rc = git_repository_open_ext(out, dir, flags, NULL);
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 1);
	return rc;
}

/* Without any safe.directory libgit2 1.5 reports that key as not found instead of the ownership. */
static bool
is_owner_error(int rc, const git_error *last)
{
	return rc == GIT_EOWNER || (rc == GIT_ENOTFOUND && last != NULL && last->klass == GIT_ERROR_CONFIG);
}

/* What git wants in safe.directory: the absolute path of the folder that holds .git, or of a bare repository. */
static char *
owned_dir(const char *dir)
{
	rt_auto(free) char *at = realpath(dir, NULL);
	while (at && at[0] == '/' && at[1]) {
		rt_auto(free) char *inside = rt_format("%s/.git", at);
		rt_auto(free) char *bare = rt_format("%s/HEAD", at);
		if (rt_exists(AT_FDCWD, inside) || rt_exists(AT_FDCWD, bare))
			return rt_steal(&at);
		*strrchr(at, '/') = '\0';
	}
	return rt_strdup(dir);
}

static int
explain_open(int rc, const char *dir, struct rt_err *err)
{
	const git_error *last = git_error_last();
	const char *text = last != NULL && last->message != NULL ? last->message : "";

	if (is_owner_error(rc, last)) {
		rt_auto(free) char *owned = owned_dir(dir);
		return rt_fail(
		    err, RT_ECONFIG,
		    "%s belongs to another user; if you trust it, run `git config --global --add safe.directory %s`",
		    owned, owned);
	}
	if (rc == GIT_ENOTFOUND)
		return rt_fail(err, RT_ECONFIG,
			       "%s is not in a git repository; run `git init` there, or name one with -C", dir);
	if (strstr(text, "objectformat") != NULL || strstr(text, "object format") != NULL)
		return rt_git_error(err, RT_ECONFIG,
				    "%s does not have SHA-1 objects; only SHA-1 repositories are supported", dir);
	if (strstr(text, "refstorage") != NULL)
		return rt_git_error(err, RT_ECONFIG,
				    "%s does not keep its refs as files; run `git refs migrate --ref-format=files`",
				    dir);
	if (strstr(text, "extension") != NULL)
		return rt_git_error(err, RT_ECONFIG, "%s uses an extension of git's format that is not supported", dir);
	return rt_git_error(err, RT_ECONFIG, "cannot open the repository at %s", dir);
}

static int
open_with(struct rt_repo **out, const char *dir, unsigned flags, struct rt_err *err)
{
	rt_auto(repo) struct rt_repo *repo = NULL;
	int rc;

	if (rt_git_init(err) < 0)
		return -1;
	repo = rt_alloc(1, sizeof(*repo));
	rc = rt_git_open(&repo->git, dir, flags);
	if (rc < 0)
		return explain_open(rc, dir, err);
	if (adopt(repo, err) < 0)
		return -1;
	*out = rt_steal(&repo);
	return 0;
}

int
rt_repo_open(struct rt_repo **out, const char *dir, struct rt_err *err)
{
	return open_with(out, dir, 0, err);
}

int
rt_repo_open_gitdir(struct rt_repo **out, const char *gitdir, struct rt_err *err)
{
	return open_with(out, gitdir, GIT_REPOSITORY_OPEN_NO_SEARCH | GIT_REPOSITORY_OPEN_NO_DOTGIT, err);
}

void
rt_repo_free(struct rt_repo *repo)
{
	if (repo == NULL)
		return;
	git_odb_free(repo->odb);
	git_repository_free(repo->git);
	free(repo->gitdir);
	free(repo->commondir);
	free(repo->workdir);
	free(repo->person);
	free(repo);
}

const char *
rt_repo_gitdir(const struct rt_repo *repo)
{
	return repo->gitdir;
}

const char *
rt_repo_commondir(const struct rt_repo *repo)
{
	return repo->commondir;
}

const char *
rt_repo_workdir(const struct rt_repo *repo)
{
	return repo->workdir;
}

bool
rt_repo_is_shallow(const struct rt_repo *repo)
{
	rt_auto(free) char *path = rt_format("%s/shallow", repo->commondir);
	struct stat st;

	return stat(path, &st) == 0 && st.st_size > 0;
}

int
rt_repo_add_alternate(struct rt_repo *repo, const char *objects, struct rt_err *err)
{
	if (git_odb_add_disk_alternate(repo->odb, objects) < 0)
		return rt_git_error(err, RT_EIO, "cannot read objects from %s", objects);
	return 0;
}

static int
snapshot(struct rt_repo *repo, git_config **out, struct rt_err *err)
{
	if (git_repository_config_snapshot(out, repo->git) < 0)
		return rt_git_error(err, RT_ECONFIG, "cannot read the configuration of %s", repo->gitdir);
	return 0;
}

int
rt_repo_config(struct rt_repo *repo, const char *key, struct rt_buf *value, struct rt_err *err)
{
	rt_auto(git_config) git_config *config = NULL;
	git_config_entry *entry = NULL;
	int rc;

	if (snapshot(repo, &config, err) < 0)
		return -1;
	rc = git_config_get_entry(&entry, config, key);
	if (rc == GIT_ENOTFOUND) {
		git_error_clear();
		return 0;
	}
	if (rc < 0)
		return rt_git_error(err, RT_ECONFIG, "cannot read %s from the configuration of %s", key, repo->gitdir);
	/* `[a] b` without a value means true. */
	if (value != NULL)
		rt_buf_adds(value, entry->value != NULL ? entry->value : "true");
	git_config_entry_free(entry);
	return 1;
}

int
rt_repo_config_all(struct rt_repo *repo, const char *key, struct rt_strs *values, struct rt_err *err)
{
	rt_auto(git_config) git_config *config = NULL;
	rt_auto(git_config_iterator) git_config_iterator *each = NULL;
	git_config_entry *entry = NULL;
	int found = 0, rc;

	if (snapshot(repo, &config, err) < 0)
		return -1;
	if (git_config_multivar_iterator_new(&each, config, key, NULL) < 0)
		return rt_git_error(err, RT_ECONFIG, "cannot read %s from the configuration of %s", key, repo->gitdir);
	while ((rc = git_config_next(&entry, each)) == 0) {
		rt_strs_add(values, entry->value != NULL ? entry->value : "true");
		found = 1;
	}
	if (rc != GIT_ITEROVER)
		return rt_git_error(err, RT_ECONFIG, "cannot read %s from the configuration of %s", key, repo->gitdir);
	git_error_clear();
	return found;
}

bool
rt_repo_config_bool(struct rt_repo *repo, const char *key, bool otherwise)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	int value;

	if (rt_repo_config(repo, key, &text, NULL) != 1)
		return otherwise;
	if (git_config_parse_bool(&value, text.data) < 0) {
		git_error_clear();
		return otherwise;
	}
	return value != 0;
}

void
rt_git_library(int *major, int *minor, struct rt_buf *text)
{
	int revision = 0, features = git_libgit2_features();

	git_libgit2_version(major, minor, &revision);
	rt_buf_addf(text, "libgit2 %d.%d.%d%s", *major, *minor, revision,
		    features & GIT_FEATURE_THREADS ? "" : ", without threads");
}
