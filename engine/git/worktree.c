#include "git/worktree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "git/checkout.h"
#include "support/file.h"

/* ---- which work trees are on a branch ---- */

/* The first line of a small file of a git directory; not there is "". */
static int
read_line(const char *gitdir, const char *name, struct rt_buf *out, struct rt_err *err)
{
	rt_auto(free) char *path = rt_format("%s/%s", gitdir, name);

	rt_buf_cut(out, 0);
	if (!rt_exists(AT_FDCWD, path))
		return 0;
	if (rt_file_read(AT_FDCWD, path, 64 * 1024, out, err) < 0)
		return -1;
	rt_buf_cut(out, strcspn(out->data, "\r\n"));
	return 0;
}

/* A rebase or bisect takes HEAD off the branch for a while and puts it back: such a work tree counts as being on it. */
static int
is_on(const char *gitdir, const char *ref, struct rt_err *err)
{
	static const char *const files[] = {"rebase-merge/head-name", "rebase-apply/head-name", "BISECT_START"};
	rt_auto(buf) struct rt_buf line = RT_BUF_INIT;
	const char *name = "";

	if (read_line(gitdir, "HEAD", &line, err) < 0)
		return -1;
	if (rt_starts_with(line.data, "ref:"))
		name = line.data + 4 + strspn(line.data + 4, " \t");
	if (strcmp(name, ref) == 0)
		return 1;
	for (size_t i = 0; i < RT_COUNT(files); i++) {
		if (read_line(gitdir, files[i], &line, err) < 0)
			return -1;
		if (strcmp(line.data, ref) == 0 ||
		    (rt_starts_with(ref, "refs/heads/") && strcmp(line.data, ref + strlen("refs/heads/")) == 0))
			return 1;
	}
	return 0;
}

struct found {
	const char *commondir, *ref;
	struct rt_strs *gitdirs;
};

/* A linked work tree whose folder is gone is not one any more (git calls it prunable). */
static int
add_linked(void *data, const char *name, struct rt_err *err)
{
	struct found *found = data;
	rt_auto(free) char *gitdir = rt_format("%s/worktrees/%s", found->commondir, name);
	rt_auto(buf) struct rt_buf link = RT_BUF_INIT;
	rt_auto(free) char *path = NULL;
	int on;

	if (read_line(gitdir, "gitdir", &link, err) < 0)
		return -1;
	path = link.data[0] == '/' ? rt_strdup(link.data) : rt_format("%s/%s", gitdir, link.data);
	if (link.len == 0 || !rt_exists(AT_FDCWD, path))
		return 0;
	on = is_on(gitdir, found->ref, err);
	if (on == 1)
		rt_strs_add(found->gitdirs, gitdir);
	return on < 0 ? -1 : 0;
}

/* Has the repository a main work tree? Where repo is a linked one, the common directory says so. 1, 0, -1. */
static int
has_main(struct rt_repo *repo, struct rt_err *err)
{
	rt_auto(repo) struct rt_repo *home = NULL;

	if (strcmp(repo->gitdir, repo->commondir) == 0)
		return repo->workdir != NULL;
	if (rt_repo_open_gitdir(&home, repo->commondir, err) < 0)
		return -1;
	return home->workdir != NULL;
}

int
rt_worktrees_on(struct rt_repo *repo, const char *ref, struct rt_strs *gitdirs, struct rt_err *err)
{
	rt_auto(free) char *linked = rt_format("%s/worktrees", repo->commondir);
	struct found found = {.commondir = repo->commondir, .ref = ref, .gitdirs = gitdirs};
	int on = has_main(repo, err);

	if (on == 1)
		on = is_on(repo->commondir, ref, err);
	if (on < 0)
		return -1;
	if (on == 1)
		rt_strs_add(gitdirs, repo->commondir);
	return rt_list_dir(AT_FDCWD, linked, add_linked, &found, err);
}

struct dropping {
	const char *worktrees;
	struct rt_strs *gitdirs;
};

static int
drop_one(struct dropping *dropping, const char *gitdir, struct rt_err *err)
{
	int dropped = rt_worktree_drop_lock(gitdir, err);

	if (dropped == 1)
		rt_strs_add(dropping->gitdirs, gitdir);
	return dropped < 0 ? -1 : 0;
}

static int
drop_linked(void *data, const char *name, struct rt_err *err)
{
	struct dropping *dropping = data;
	rt_auto(free) char *gitdir = rt_format("%s/%s", dropping->worktrees, name);

	return drop_one(dropping, gitdir, err);
}

int
rt_worktrees_drop_locks(struct rt_repo *repo, struct rt_strs *gitdirs, struct rt_err *err)
{
	rt_auto(free) char *linked = rt_format("%s/worktrees", repo->commondir);
	struct dropping dropping = {linked, gitdirs};

	if (drop_one(&dropping, repo->commondir, err) < 0)
		return -1;
	return rt_list_dir(AT_FDCWD, linked, drop_linked, &dropping, err);
}

/* ---- what is under way there ---- */

/*
 * Is the merge under way one that HEAD holds already? During post-merge git has not yet removed MERGE_HEAD of the merge
 * that it has just committed. 1, 0, -1.
 */
static int
is_merged(struct rt_repo *repo, const struct rt_oid *head, const char *path, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	struct rt_oid merged;

	if (rt_file_read(AT_FDCWD, path, 1 << 20, &text, err) < 0)
		return -1;
	for (const char *line = text.data; *line; line += strcspn(line, "\n") + 1) {
		int held;

		if (sscanf(line, "%40[0-9a-f]", merged.hex) != 1 || strlen(merged.hex) != RT_OID_HEX ||
		    !rt_object_exists(repo, &merged))
			return 0;
		held = rt_is_ancestor(repo, &merged, head, err);
		if (held != 1)
			return held;
		if (!strchr(line, '\n'))
			break;
	}
	return text.len > 0;
}

/* 1 and why, 0, -1. head: what the branch is on. */
static int
is_busy(struct rt_repo *repo, const struct rt_oid *head, struct rt_buf *why, struct rt_err *err)
{
	static const struct {
		const char *file, *what;
	} states[] = {
	    {"rebase-merge", "a rebase"}, {"rebase-apply", "a rebase or am"},
	    {"MERGE_HEAD", "a merge"},	  {"CHERRY_PICK_HEAD", "a cherry-pick"},
	    {"REVERT_HEAD", "a revert"},  {"sequencer", "a cherry-pick or revert"},
	    {"BISECT_LOG", "a bisect"},
	};

	for (size_t i = 0; i < RT_COUNT(states); i++) {
		rt_auto(free) char *path = rt_format("%s/%s", repo->gitdir, states[i].file);
		int over;

		if (!rt_exists(AT_FDCWD, path))
			continue;
		over = strcmp(states[i].file, "MERGE_HEAD") == 0 ? is_merged(repo, head, path, err) : 0;
		if (over < 0)
			return -1;
		if (!over) {
			rt_buf_addf(why, "%s: %s is under way; finish or abort it\n", repo->workdir, states[i].what);
			return 1;
		}
	}
	return 0;
}

static int
open_worktree(struct rt_repo **out, const char *gitdir, struct rt_err *err)
{
	if (rt_repo_open_gitdir(out, gitdir, err) < 0)
		return -1;
	if ((*out)->workdir == NULL)
		return rt_fail(err, RT_EINTERNAL, "%s has no work tree", gitdir);
	return 0;
}

/* ---- checking and moving ---- */

static int
check_with(struct rt_repo *repo, const struct rt_oid trees[2], struct rt_seen_index **seen, struct rt_buf *why,
	   struct rt_err *err)
{
	rt_auto(gitindex) struct rt_gitindex index = RT_GITINDEX_INIT;
	rt_auto(twotree) struct rt_twotree plan = RT_TWOTREE_INIT;
	int rc = rt_index_read(&index, NULL, repo->gitdir, why, err);

	if (rc == 1)
		rc = rt_twotree_make(&plan, repo, trees, &index, why, err);
	if (rc == 1 && seen != NULL)
		rt_index_remember(seen, repo->gitdir, &index);
	return rc;
}

int
rt_worktree_check(const char *gitdir, const struct rt_oid *old, const struct rt_oid *new, const char *objects,
		  struct rt_seen_index **seen, struct rt_buf *why, struct rt_err *err)
{
	rt_auto(repo) struct rt_repo *repo = NULL;
	const struct rt_oid trees[2] = {*old, *new};
	int busy;

	if (open_worktree(&repo, gitdir, err) < 0 || (objects != NULL && rt_repo_add_alternate(repo, objects, err) < 0))
		return -1;
	busy = is_busy(repo, old, why, err);
	if (busy)
		return busy < 0 ? -1 : 0;
	return check_with(repo, trees, seen, why, err);
}

static int
move_with(struct rt_twotree *plan, const char *gitdir, const struct rt_oid trees[2], struct rt_seen_index **seen,
	  int64_t deadline, struct rt_buf *why, struct rt_err *err)
{
	rt_auto(repo) struct rt_repo *repo = NULL;
	rt_auto(index_lock) struct rt_index_lock lock = RT_INDEX_LOCK_INIT;
	rt_auto(gitindex) struct rt_gitindex index = RT_GITINDEX_INIT;
	int rc;

	if (open_worktree(&repo, gitdir, err) < 0)
		return -1;
	rc = is_busy(repo, &trees[plan->taking_back ? 1 : 0], why, err);
	if (rc)
		return rc < 0 ? -1 : 0;
	if (rt_index_lock_take(&lock, repo->gitdir, deadline, err) < 0)
		return -1;
	rc = rt_index_read(&index, seen, repo->gitdir, why, err);
	if (rc == 1)
		rc = rt_twotree_make(plan, repo, trees, &index, why, err);
	if (rc == 1)
		rc = rt_checkout(plan, &lock, err);
	rt_twotree_release(plan);
	return rc;
}

int
rt_worktree_move(const char *gitdir, const struct rt_oid *old, const struct rt_oid *new, struct rt_seen_index **seen,
		 int64_t deadline, struct rt_buf *why, struct rt_err *err)
{
	struct rt_twotree plan = RT_TWOTREE_INIT;
	const struct rt_oid trees[2] = {*old, *new};

	return move_with(&plan, gitdir, trees, seen, deadline, why, err);
}

int
rt_worktree_restore(const char *gitdir, const struct rt_oid *old, const struct rt_oid *new, int64_t deadline,
		    struct rt_buf *why, struct rt_err *err)
{
	struct rt_twotree plan = RT_TWOTREE_INIT;
	const struct rt_oid trees[2] = {*new, *old};

	plan.taking_back = true;
	return move_with(&plan, gitdir, trees, NULL, deadline, why, err);
}
