#include "git/claim.h"
#include "git/internal.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "support/clock.h"
#include "support/file.h"
#include "support/stop.h"

int
rt_ref_read(struct rt_repo *repo, const char *name, struct rt_oid *out, struct rt_err *err)
{
	git_oid oid;
	int rc = git_reference_name_to_id(&oid, repo->git, name);

	if (rc == GIT_ENOTFOUND) {
		git_error_clear();
		out->hex[0] = '\0';
		return 0;
	}
	if (rc == GIT_EINVALIDSPEC)
		return rt_git_error(err, RT_ECONFIG, "%s is not a name for a branch", name);
	if (rc < 0)
		return rt_git_error(err, RT_EUNKNOWN, "cannot read the ref %s in %s", name, repo->commondir);
	rt_oid_from_git(out, &oid);
	return 1;
}

int
rt_head(struct rt_repo *repo, struct rt_buf *ref, struct rt_oid *oid, struct rt_err *err)
{
	rt_auto(git_reference) git_reference *head = NULL;

	if (git_reference_lookup(&head, repo->git, "HEAD") < 0)
		return rt_git_error(err, RT_EUNKNOWN, "cannot read %s/HEAD", repo->gitdir);
	if (git_reference_type(head) == GIT_REFERENCE_SYMBOLIC)
		rt_buf_adds(ref, git_reference_symbolic_target(head));
	return rt_ref_read(repo, "HEAD", oid, err) < 0 ? -1 : 0;
}

struct named {
	char *name;
	struct rt_oid oid;
};
struct nameds {
	struct named *at;
	size_t n, cap;
};

static void
nameds_release(struct nameds *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->at[i].name);
	free(list->at);
}
RT_DEFINE_AUTO(nameds, struct nameds, nameds_release);

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static int
collect_refs(struct rt_repo *repo, const char *prefix, struct nameds *list, struct rt_err *err)
{
	rt_auto(free) char *glob = rt_format("%s*", prefix);
	git_reference_iterator *each = NULL;
	const char *name;
	int rc = git_reference_iterator_glob_new(&each, repo->git, glob);

	while (rc == 0 && (rc = git_reference_next_name(&name, each)) == 0) {
		struct rt_oid oid;
		int found;

		if (!rt_starts_with(name, prefix))
			continue;
		found = rt_ref_read(repo, name, &oid, err);
		if (found < 0) {
			git_reference_iterator_free(each);
			return -1;
		}
		/* A symbolic ref to nothing, or one that another process just removed. */
		if (found == 0)
			continue;
		*rt_push(list) = (struct named){.name = rt_strdup(name), .oid = oid};
	}
	git_reference_iterator_free(each);
	if (rc < 0 && rc != GIT_ITEROVER)
		return rt_git_error(err, RT_EUNKNOWN, "cannot list the refs %s* in %s", prefix, repo->commondir);
	git_error_clear();
	return 0;
}

int
rt_ref_each(struct rt_repo *repo, const char *prefix,
	    int (*each)(void *data, const char *name, const struct rt_oid *oid, struct rt_err *err), void *data,
	    struct rt_err *err)
{
	rt_auto(nameds) struct nameds list = {0};

	if (collect_refs(repo, prefix, &list, err) < 0)
		return -1;
	if (list.n > 1)
		qsort(list.at, list.n, sizeof(*list.at), by_name);
	for (size_t i = 0; i < list.n; i++) {
		int rc = each(data, list.at[i].name, &list.at[i].oid, err);

		if (rc != 0)
			return rc;
	}
	return 0;
}

int
rt_rev_parse(struct rt_repo *repo, const char *spec, struct rt_oid *commit, struct rt_err *err)
{
	rt_auto(git_object) git_object *found = NULL;
	rt_auto(git_object) git_object *peeled = NULL;
	int rc = git_revparse_single(&found, repo->git, spec);

	commit->hex[0] = '\0';
	/* libgit2 also calls a name ambiguous that is too short for the beginning of an id. */
	if (rc == GIT_ENOTFOUND || rc == GIT_EINVALIDSPEC ||
	    (rc == GIT_EAMBIGUOUS && strlen(spec) < GIT_OID_MINPREFIXLEN)) {
		git_error_clear();
		return 0;
	}
	if (rc == GIT_EAMBIGUOUS)
		return rt_git_error(err, RT_ECONFIG, "\"%s\" names more than one object; give more digits", spec);
	if (rc < 0)
		return rt_git_error(err, RT_EUNKNOWN, "cannot resolve \"%s\"", spec);
	if (git_object_peel(&peeled, found, GIT_OBJECT_COMMIT) < 0)
		return rt_git_error(err, RT_ECONFIG, "\"%s\" is not a commit", spec);
	rt_oid_from_git(commit, git_object_id(peeled));
	return 1;
}

/* ---- identity ---- */

/* What an identity line of a commit can't hold is left out, as git does. */
static void
add_clean(struct rt_buf *out, const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
		if (*c != '<' && *c != '>' && (unsigned char)*c >= ' ')
			rt_buf_addc(out, *c);
}

static const char *
login_name(void)
{
	const struct passwd *user = getpwuid(geteuid());

	return user != NULL && user->pw_name[0] != '\0' ? user->pw_name : "unknown";
}

/* One half of an identity, as git looks for it: in the environment, then in the configuration. */
static int
find_part(struct rt_repo *repo, const char *variable, const char *key, struct rt_buf *out, struct rt_err *err)
{
	const char *given = getenv(variable);

	if (given == NULL || given[0] == '\0')
		return rt_repo_config(repo, key, out, err) < 0 ? -1 : 0;
	rt_buf_adds(out, given);
	return 0;
}

static int
find_person(struct rt_repo *repo, const char *name_from, const char *mail_from, char **person, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf name = RT_BUF_INIT;
	rt_auto(buf) struct rt_buf mail = RT_BUF_INIT;
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;
	char host[256] = "localhost";

	if (find_part(repo, name_from, "user.name", &name, err) < 0 ||
	    find_part(repo, mail_from, "user.email", &mail, err) < 0)
		return -1;
	if (name.len == 0)
		rt_buf_adds(&name, login_name());
	if (mail.len == 0) {
		if (gethostname(host, sizeof(host) - 1) < 0 || host[0] == '\0')
			memcpy(host, "localhost", sizeof("localhost"));
		rt_buf_addf(&mail, "%s@%s", login_name(), host);
	}
	add_clean(&out, name.data);
	rt_buf_adds(&out, " <");
	add_clean(&out, mail.data);
	rt_buf_adds(&out, ">");
	*person = rt_buf_steal(&out);
	return 0;
}

/* "Name <mail>" of who commits is asked for at every move of a ref, and kept, because the configuration and the user
 * database are files. */
int
rt_ident(struct rt_repo *repo, struct rt_buf *out, struct rt_err *err)
{
	if (repo->person == NULL &&
	    find_person(repo, "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", &repo->person, err) < 0)
		return -1;
	rt_buf_addf(out, "%s %lld +0000", repo->person, (long long)rt_clock_now());
	return 0;
}

int
rt_author(struct rt_repo *repo, struct rt_buf *out, struct rt_err *err)
{
	rt_auto(free) char *person = NULL;

	if (find_person(repo, "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", &person, err) < 0)
		return -1;
	rt_buf_addf(out, "%s %lld +0000", person, (long long)rt_clock_now());
	return 0;
}

static int
reflog_signature(struct rt_repo *repo, git_signature **out, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf ident = RT_BUF_INIT;

	if (rt_ident(repo, &ident, err) < 0)
		return -1;
	if (git_signature_from_buffer(out, ident.data) < 0)
		return rt_git_error(err, RT_ECONFIG, "the identity \"%s\" is not usable; set user.name and user.email",
				    ident.data);
	return 0;
}

/* ---- compare and swap ---- */

struct swap {
	const char *name, *message;
	const struct rt_oid *old, *new;
	git_oid target; /* new */
	git_signature *who;
};

/* Creating a/b is impossible while a is a ref; libgit2 sees that for loose refs only. */
static int
check_parents(struct rt_repo *repo, const char *name, struct rt_err *err)
{
	for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		rt_auto(free) char *parent = rt_strndup(name, (size_t)(slash - name));
		struct rt_oid oid;
		int found = git_reference_is_valid_name(parent) ? rt_ref_read(repo, parent, &oid, err) : 0;

		if (found < 0)
			return -1;
		if (found == 1)
			return rt_fail(err, RT_ECONFLICT, "cannot create the ref %s: %s is a ref", name, parent);
	}
	return 0;
}

/* The value under the lock; a symbolic ref is not ours to move. */
static int
read_locked(struct rt_repo *repo, const char *name, struct rt_oid *out, struct rt_err *err)
{
	rt_auto(git_reference) git_reference *ref = NULL;
	int rc = git_reference_lookup(&ref, repo->git, name);

	out->hex[0] = '\0';
	if (rc == GIT_ENOTFOUND) {
		git_error_clear();
		return 0;
	}
	if (rc < 0)
		return rt_git_error(err, RT_EUNKNOWN, "cannot read the ref %s in %s", name, repo->commondir);
	if (git_reference_type(ref) != GIT_REFERENCE_DIRECT)
		return rt_fail(err, RT_ECONFIG, "%s is a symbolic ref to %s; use that one", name,
			       git_reference_symbolic_target(ref));
	rt_oid_from_git(out, git_reference_target(ref));
	return 0;
}

/* One attempt: enum rt_swap or -1. LOCKED leaves err alone. */
static int
try_swap(struct rt_repo *repo, const struct swap *swap, struct rt_err *err)
{
	rt_auto(git_transaction) git_transaction *tx = NULL;
	struct rt_oid present;
	int rc;

	if (git_transaction_new(&tx, repo->git) < 0)
		return rt_git_error(err, RT_EINTERNAL, "cannot start a ref transaction");
	rc = git_transaction_lock_ref(tx, swap->name);
	if (rc == GIT_ELOCKED)
		return RT_SWAP_LOCKED;
	if (rc < 0)
		return rt_git_error(err, RT_EIO, "cannot lock the ref %s in %s", swap->name, repo->commondir);
	if (read_locked(repo, swap->name, &present, err) < 0)
		return -1;
	if (strcmp(present.hex, swap->old != NULL ? swap->old->hex : "") != 0)
		return RT_SWAP_MOVED;
	if (swap->new != NULL)
		rc = git_transaction_set_target(tx, swap->name, &swap->target, swap->who, swap->message);
	else
		rc = present.hex[0] != '\0' ? git_transaction_remove(tx, swap->name) : 0;
	if (rc == 0)
		rc = git_transaction_commit(tx);
	if (rc == GIT_ELOCKED)
		return RT_SWAP_LOCKED;
	if (rc < 0)
		return rt_git_error(err, RT_EIO, "cannot move the ref %s in %s", swap->name, repo->commondir);
	return RT_SWAPPED;
}

/*
 * A removal that meets packed-refs.lock leaves libgit2's cache of packed refs without the ref although the file still
 * has it, and a second attempt would then "succeed": every attempt to remove gets a handle of its own.
 */
static int
try_remove(struct rt_repo *repo, const struct swap *swap, struct rt_err *err)
{
	rt_auto(git_repository) git_repository *git = NULL;
	struct rt_repo fresh = *repo;

	/* of all that repo is, only the refs are asked */
	if (rt_git_open(&git, repo->gitdir, GIT_REPOSITORY_OPEN_NO_SEARCH | GIT_REPOSITORY_OPEN_NO_DOTGIT) < 0)
		return rt_git_error(err, RT_EIO, "cannot open the repository at %s", repo->gitdir);
	fresh.git = git;
	return try_swap(&fresh, swap, err);
}

static int
say_locked(struct rt_repo *repo, const char *name, struct rt_err *err)
{
	rt_auto(free) char *own = rt_format("%s/%s.lock", repo->commondir, name);
	rt_auto(free) char *packed = rt_format("%s/packed-refs.lock", repo->commondir);
	const char *path = own;
	struct stat st;
	long long age;

	if (stat(own, &st) < 0) {
		path = packed;
		if (stat(packed, &st) < 0)
			return rt_fail(err, RT_ECONFLICT, "another program was busy with the ref %s; try again", name);
	}
	age = (long long)time(NULL) - (long long)st.st_mtime;
	return rt_fail(err, RT_ECONFLICT, "%s is held for %lld s by another program; remove it if no git is running",
		       path, age < 0 ? 0 : age);
}

#define SETTLED_S 120 /* four times what dirty metadata waits in memory at most (vm.dirty_expire_centisecs) */

/* Does nobody need to sync the directory's own entry any more? Unknown is no. */
static bool
is_settled(const char *dir)
{
	struct statx st;

	return statx(AT_FDCWD, dir, 0, STATX_BTIME, &st) == 0 && (st.stx_mask & STATX_BTIME) != 0 &&
	       time(NULL) - (time_t)st.stx_btime.tv_sec > SETTLED_S;
}

/*
 * libgit2 syncs the folder of a new ref. The folder itself may be new, made by this process or by one that died before
 * it could sync it: then those above are synced as well.
 */
static int
sync_ref_folders(struct rt_repo *repo, const char *name, struct rt_err *err)
{
	rt_auto(free) char *path = rt_format("%s/%s", repo->commondir, name);
	RT_VEC(int) fds = {0};
	int rc = 0;

	*strrchr(path, '/') = '\0';
	while (rc == 0 && strlen(path) > strlen(repo->commondir) && !is_settled(path)) {
		*strrchr(path, '/') = '\0';
		*rt_push(&fds) = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		rc = fds.at[fds.n - 1] < 0 ? -1 : 0;
	}
	if (rc == 0)
		rc = rt_sync_all(fds.at, fds.n);
	if (rc < 0)
		rt_fail_errno(err, "cannot sync the folders of the ref %s", name);
	for (size_t i = 0; i < fds.n; i++)
		rt_close(fds.at[i]);
	free(fds.at);
	return rc;
}

static int
swap_until(struct rt_repo *repo, const struct swap *swap, int64_t deadline, struct rt_err *err)
{
	int64_t pause_ms = 1;

	for (;;) {
		int64_t left;
		int rc = swap->new != NULL ? try_swap(repo, swap, err) : try_remove(repo, swap, err);

		if (rc != RT_SWAP_LOCKED)
			return rc;
		git_error_clear();
		left = deadline - rt_clock_ms();
		if (left <= 0 || rt_stopped()) {
			say_locked(repo, swap->name, err);
			return RT_SWAP_LOCKED;
		}
		if (pause_ms > left)
			pause_ms = left;
		(void)nanosleep(&(struct timespec){.tv_nsec = pause_ms * 1000 * 1000}, NULL);
		if (pause_ms < 64)
			pause_ms *= 2;
	}
}

int
rt_ref_swap(struct rt_repo *repo, const char *name, const struct rt_oid *old, const struct rt_oid *new,
	    const char *message, int64_t deadline, struct rt_err *err)
{
	rt_auto(git_signature) git_signature *who = NULL;
	rt_auto(lock) struct rt_lock claim = RT_LOCK_INIT;
	struct swap swap = {.name = name, .message = message, .old = old, .new = new};
	int rc;

	if (!git_reference_is_valid_name(name) || !rt_starts_with(name, "refs/"))
		return rt_fail(err, RT_ECONFIG, "\"%s\" is not a ref name", name);
	if (new != NULL) {
		if (rt_oid_to_git(&swap.target, new, err) < 0 || reflog_signature(repo, &who, err) < 0)
			return -1;
		swap.who = who;
		if (!rt_object_exists(repo, new))
			return rt_fail(err, RT_EINTERNAL, "%s cannot move to %s, which is not in %s", name, new->hex,
				       repo->commondir);
		if (old == NULL && check_parents(repo, name, err) < 0)
			return -1;
	}
	rc = rt_claim_take(&claim, repo, name, new, deadline, err);
	if (rc != RT_SWAPPED)
		return rc;
	rc = swap_until(repo, &swap, deadline, err);
	rt_claim_drop(&claim, repo, name, new, rc);
	/* A removal is not synced: what comes back after a power cut is settled, and removed again, by recovery. */
	if (rc == RT_SWAPPED && old == NULL && sync_ref_folders(repo, name, err) < 0)
		return -1;
	return rc;
}
