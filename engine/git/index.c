#include <string.h>

#include "git/internal.h"

/* 1; 0 split or sparse: why says so with the mend; -1. An absent file is an empty index. */
static int
load(git_index **out, const char *path, struct rt_buf *why, struct rt_err *err)
{
	const git_error *last;

	if (git_index_open(out, path) == 0)
		return 1;
	/* The index names extensions that a reader must understand, in lower case. */
	last = git_error_last();
	if (last != NULL && last->message != NULL && strstr(last->message, "'link'") != NULL) {
		git_error_clear();
		rt_buf_addf(why,
			    "%s is a split index, which is not supported; run `git update-index --no-split-index`\n",
			    path);
		return 0;
	}
	if (last != NULL && last->message != NULL && strstr(last->message, "'sdir'") != NULL) {
		git_error_clear();
		rt_buf_addf(why,
			    "%s is a sparse index, which is not supported; run `git sparse-checkout reapply "
			    "--no-sparse-index`\n",
			    path);
		return 0;
	}
	return rt_git_error(err, RT_EUNKNOWN, "cannot read the index %s", path);
}

/* What `git add -N` noted has no content yet; git leaves it out of a commit. */
static int
drop_intents(git_index *index, struct rt_err *err)
{
	for (size_t i = git_index_entrycount(index); i-- > 0;) {
		const git_index_entry *entry = git_index_get_byindex(index, i);

		if ((entry->flags_extended & GIT_INDEX_ENTRY_INTENT_TO_ADD) == 0)
			continue;
		if (git_index_remove(index, entry->path, 0) < 0)
			return rt_git_error(err, RT_EINTERNAL, "cannot leave %s out of a tree", entry->path);
	}
	return 0;
}

static int
say_unmerged(git_index *index, const char *path, struct rt_buf *why)
{
	for (size_t i = 0; i < git_index_entrycount(index); i++) {
		const git_index_entry *entry = git_index_get_byindex(index, i);

		if (git_index_entry_stage(entry) != 0) {
			rt_buf_addf(why, "%s has a conflict at %s; resolve it and `git add` it\n", path, entry->path);
			break;
		}
	}
	return 0;
}

int
rt_index_tree(struct rt_repo *repo, const char *index_file, struct rt_oid *tree, struct rt_buf *why, struct rt_err *err)
{
	rt_auto(free) char *path = index_file != NULL ? rt_strdup(index_file) : rt_format("%s/index", repo->gitdir);
	rt_auto(git_index) git_index *index = NULL;
	git_oid oid;
	int rc = load(&index, path, why, err);

	if (rc != 1)
		return rc;
	if (git_index_has_conflicts(index))
		return say_unmerged(index, path, why);
	if (drop_intents(index, err) < 0)
		return -1;
	if (git_index_write_tree_to(&oid, index, repo->git) < 0)
		return rt_git_error(err, RT_EUNKNOWN, "cannot write the tree of %s", path);
	rt_oid_from_git(tree, &oid);
	return 1;
}
