#include "cycle/intake.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "git/worktree.h"
#include "support/clock.h"

enum { MAX_COMMITS = 10000 };
static const size_t MAX_PATCH = 64u << 20;

int
rt_intake_read(const struct rt_intake_request *request, struct rt_repo *repo, struct rt_buf *raw, struct rt_err *err)
{
	struct stat st;
	struct rt_oid oid;
	if (request->staged || !request->what)
		return 0;
	if (strcmp(request->what, "-") == 0)
		return rt_file_read_fd(STDIN_FILENO, MAX_PATCH, "standard input", raw, err);
	if (stat(request->what, &st) == 0 && !S_ISDIR(st.st_mode)) {
		/* a regular file or a pipe such as bash's <(...) */
		rt_auto(fd) int fd = open(request->what, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return rt_fail_errno(err, "opening %s", request->what);
		return rt_file_read_fd(fd, MAX_PATCH, request->what, raw, err);
	}
	const char *dots = strstr(request->what, "..");
	rt_auto(free) char *first =
	    dots ? rt_strndup(request->what, (size_t)(dots - request->what)) : rt_strdup(request->what);
	int found = rt_rev_parse(repo, first[0] ? first : "HEAD", &oid, err);
	if (found == 0)
		return rt_fail(err, RT_ECONFIG, "%s is neither a file nor a commit, a range or a branch",
			       request->what);
	return found < 0 ? -1 : 0;
}

/* ---- commits made here ---- */

static struct rt_commit *
push_commit(struct rt_intake *intake)
{
	intake->commits = rt_realloc(intake->commits, intake->n + 1, sizeof(*intake->commits));
	memset(&intake->commits[intake->n], 0, sizeof(*intake->commits));
	return &intake->commits[intake->n++];
}

/* Adds a commit of tree on the intake's tip and writes it to the quarantine. Takes over nothing. */
static int
add_commit(struct rt_intake *intake, struct rt_repo *repo, const struct rt_oid *tree, const char *author,
	   const char *encoding, const char *message, struct rt_err *err)
{
	struct rt_commit *commit = push_commit(intake);
	commit->tree = *tree;
	commit->parents = rt_alloc(1, sizeof(*commit->parents));
	commit->parents[0] = intake->tip;
	commit->n_parents = 1;
	commit->author = rt_strdup(author ? author : intake->author.data);
	commit->committer = rt_strdup(intake->committer.data);
	commit->encoding = encoding ? rt_strdup(encoding) : NULL;
	commit->message = rt_strdup(message);
	if (rt_commit_write(repo, commit, err) < 0)
		return -1;
	intake->tip = commit->id;
	intake->tree = *tree;
	return 0;
}

static char *
message_for(const struct rt_intake_request *request, const char *otherwise)
{
	const char *text = request->message ? request->message : otherwise;
	return rt_format("%s%s", text, rt_ends_with(text, "\n") ? "" : "\n");
}

/* A bare diff has no author or message of its own. */
static int
take_diff(struct rt_intake *intake, const struct rt_intake_request *request, const struct rt_buf *raw,
	  struct rt_quarantine *quarantine, struct rt_err *err)
{
	struct rt_apply_limits limits = RT_APPLY_LIMITS;
	struct rt_oid tree;
	int applied = rt_apply(quarantine, &intake->tree, raw->data, raw->len, &limits, &tree, &intake->why, err);
	if (applied != 1)
		return applied;
	const char *name = strrchr(request->what, '/');
	name = name ? name + 1 : request->what;
	rt_auto(free) char *subject = rt_format("Apply %s", strcmp(name, "-") == 0 ? "a patch" : name);
	rt_auto(free) char *message = message_for(request, subject);
	if (rt_oid_equal(&tree, &intake->tree))
		return 1;
	return add_commit(intake, rt_quarantine_repo(quarantine), &tree, NULL, NULL, message, err) < 0 ? -1 : 1;
}

static int
take_mails(struct rt_intake *intake, const struct rt_buf *raw, struct rt_quarantine *quarantine, struct rt_err *err)
{
	rt_auto(mails) struct rt_mails mails = {0};
	struct rt_apply_limits limits = RT_APPLY_LIMITS;
	int split = rt_mail_split(quarantine, raw->data, raw->len, &mails, &intake->why, err);
	if (split != 1)
		return split;
	for (size_t i = 0; i < mails.n; i++) {
		const struct rt_mail *mail = &mails.at[i];
		rt_auto(buf) struct rt_buf why = RT_BUF_INIT;
		rt_auto(free) char *author = rt_format("%s %s", mail->author, mail->date);
		struct rt_oid tree;
		int applied =
		    rt_apply_mail(quarantine, &intake->tree, mail->patch, mail->patch_len, &limits, &tree, &why, err);
		if (applied != 1) {
			rt_buf_addf(&intake->why, "message %zu of %zu (%.*s):\n%s", i + 1, mails.n,
				    (int)strcspn(mail->message, "\n"), mail->message, why.data);
			return applied;
		}
		if (rt_oid_equal(&tree, &intake->tree))
			continue; /* applied already */
		if (add_commit(intake, rt_quarantine_repo(quarantine), &tree, author, NULL, mail->message, err) < 0)
			return -1;
	}
	return 1;
}

/* ---- commits that exist ---- */

struct span {
	struct rt_oid *at; /* oldest first */
	size_t n;
	bool keep; /* they descend from the base */
};

static int
resolve(struct rt_repo *repo, const char *spec, struct rt_oid *out, struct rt_err *err)
{
	int found = rt_rev_parse(repo, spec, out, err);
	if (found == 0)
		return rt_fail(err, RT_ECONFIG, "%s is not a commit", spec);
	return found < 0 ? -1 : 0;
}

/* A name of a branch stands for all that it has and the base has not, a commit for itself. */
static int
is_branch(struct rt_repo *repo, const char *name, struct rt_err *err)
{
	static const char *const prefixes[] = {"refs/heads/", "refs/remotes/", ""};
	struct rt_oid oid;
	for (size_t i = 0; i < RT_COUNT(prefixes); i++) {
		rt_auto(free) char *ref = rt_format("%s%s", prefixes[i], name);
		struct rt_err ignored = RT_ERR_INIT;
		if (prefixes[i][0] == '\0' && !rt_starts_with(name, "refs/"))
			continue;
		if (rt_ref_read(repo, ref, &oid, &ignored) > 0)
			return 1;
	}
	(void)err;
	return 0;
}

static int
list_span(struct rt_repo *repo, const char *what, const struct rt_oid *base, struct span *span, struct rt_err *err)
{
	const char *dots = strstr(what, "..");
	struct rt_oid from = {""}, to;
	if (dots && dots[2] == '.')
		return rt_fail(err, RT_ECONFIG, "%s: three dots name a symmetric difference; give A..B", what);
	if (dots && dots[2] == '/') /* no name of a commit begins so: ../x.patch */
		return rt_fail(err, RT_ECONFIG, "%s: there is no such file", what);
	if (dots) {
		rt_auto(free) char *first = rt_strndup(what, (size_t)(dots - what));
		if (resolve(repo, first[0] ? first : "HEAD", &from, err) < 0)
			return -1;
	}
	const char *last = dots ? dots + 2 : what;
	if (resolve(repo, last[0] ? last : "HEAD", &to, err) < 0)
		return -1;
	int descends = rt_is_ancestor(repo, base, &to, err);
	if (descends < 0)
		return -1;
	if (descends && from.hex[0]) {
		descends = rt_is_ancestor(repo, &from, base, err);
		if (descends < 0)
			return -1;
	}
	span->keep = descends;
	if (descends)
		return rt_rev_list(repo, &to, base, MAX_COMMITS, &span->at, &span->n, err);
	if (!from.hex[0] && !is_branch(repo, what, err)) {
		span->at = rt_alloc(1, sizeof(*span->at));
		span->at[0] = to;
		span->n = 1;
		return 0;
	}
	return rt_rev_list(repo, &to, from.hex[0] ? &from : base, MAX_COMMITS, &span->at, &span->n, err);
}

static int
keep_commits(struct rt_intake *intake, struct rt_repo *repo, const struct span *span, struct rt_err *err)
{
	for (size_t i = 0; i < span->n; i++) {
		struct rt_commit *commit = push_commit(intake);
		if (rt_commit_read(repo, &span->at[i], commit, err) < 0)
			return -1;
		intake->tip = commit->id;
		intake->tree = commit->tree;
	}
	intake->kept = span->n > 0;
	return 1;
}

static int
replay_commits(struct rt_intake *intake, struct rt_quarantine *quarantine, const struct span *span, struct rt_err *err)
{
	struct rt_repo *repo = rt_quarantine_repo(quarantine);
	for (size_t i = 0; i < span->n; i++) {
		rt_auto(commit) struct rt_commit commit = {0};
		rt_auto(buf) struct rt_buf why = RT_BUF_INIT;
		struct rt_oid tree;
		if (rt_commit_read(repo, &span->at[i], &commit, err) < 0)
			return -1;
		int applied = rt_apply_commit(quarantine, &intake->tree, &span->at[i], &tree, &why, err);
		if (applied != 1) {
			rt_buf_addf(&intake->why, "commit %.12s (%.*s):\n%s", span->at[i].hex,
				    (int)strcspn(commit.message, "\n"), commit.message, why.data);
			return applied;
		}
		if (rt_oid_equal(&tree, &intake->tree))
			continue;
		intake->lost_signature = intake->lost_signature || commit.signature;
		if (add_commit(intake, repo, &tree, commit.author, commit.encoding, commit.message, err) < 0)
			return -1;
	}
	return 1;
}

static int
take_commits(struct rt_intake *intake, const struct rt_intake_request *request, struct rt_repo *home,
	     struct rt_quarantine *quarantine, const struct rt_oid *base, struct rt_err *err)
{
	struct span span = {0};
	/* names mean what they mean in the repository; the quarantine has no refs */
	int result = list_span(home, request->what, base, &span, err);
	if (result == 0)
		result =
		    span.keep ? keep_commits(intake, home, &span, err) : replay_commits(intake, quarantine, &span, err);
	free(span.at);
	return result;
}

/* What is staged against HEAD, on the base: the index's own tree where HEAD is the base, else that change replayed. */
static int
take_staged(struct rt_intake *intake, const struct rt_intake_request *request, struct rt_repo *home,
	    struct rt_quarantine *quarantine, const struct rt_oid *base, struct rt_err *err)
{
	struct rt_repo *repo = rt_quarantine_repo(quarantine);
	rt_auto(buf) struct rt_buf ref = RT_BUF_INIT;
	rt_auto(free) char *own = rt_format("%s/index", rt_repo_gitdir(home));
	struct rt_oid head, tree;
	if (!request->index_file && !rt_repo_workdir(home))
		return rt_fail(err, RT_ECONFIG, "a bare repository has no index; propose a file, a commit or a branch");
	int staged = rt_index_tree(repo, request->index_file ? request->index_file : own, &tree, &intake->why, err);
	if (staged != 1)
		return staged;
	if (rt_head(home, &ref, &head, err) < 0)
		return -1;
	rt_auto(free) char *message = message_for(request, "Apply the staged changes");
	if (!head.hex[0] || rt_oid_equal(&head, base)) {
		if (rt_oid_equal(&tree, &intake->tree))
			return 1;
		return add_commit(intake, repo, &tree, NULL, NULL, message, err) < 0 ? -1 : 1;
	}
	struct rt_commit change = {.tree = tree,
				   .parents = &head,
				   .n_parents = 1,
				   .author = intake->author.data,
				   .committer = intake->committer.data,
				   .message = message};
	if (rt_commit_write(repo, &change, err) < 0)
		return -1;
	struct span span = {.at = &change.id, .n = 1};
	return replay_commits(intake, quarantine, &span, err);
}

int
rt_intake_make(struct rt_intake *intake, const struct rt_intake_request *request, const struct rt_buf *raw,
	       struct rt_repo *home, struct rt_quarantine *quarantine, const struct rt_oid *base, struct rt_err *err)
{
	rt_auto(commit) struct rt_commit tip = {0};
	if (rt_commit_read(home, base, &tip, err) < 0)
		return -1;
	intake->tip = *base;
	intake->tree = tip.tree;
	if (rt_ident(home, &intake->committer, err) < 0 || rt_author(home, &intake->author, err) < 0)
		return -1;
	if (request->staged)
		return take_staged(intake, request, home, quarantine, base, err);
	struct stat st;
	bool from_bytes = strcmp(request->what, "-") == 0 || (stat(request->what, &st) == 0 && !S_ISDIR(st.st_mode));
	if (!from_bytes)
		return take_commits(intake, request, home, quarantine, base, err);
	if (!raw->len)
		return 1; /* what `git diff` and `git format-patch` say of no change */
	if (rt_mail_detect(raw->data, raw->len))
		return take_mails(intake, raw, quarantine, err);
	return take_diff(intake, request, raw, quarantine, err);
}

void
rt_intake_release(struct rt_intake *intake)
{
	for (size_t i = 0; i < intake->n; i++)
		rt_commit_release(&intake->commits[i]);
	free(intake->commits);
	rt_buf_release(&intake->why);
	rt_buf_release(&intake->committer);
	rt_buf_release(&intake->author);
	*intake = (struct rt_intake)RT_INTAKE_INIT;
}
