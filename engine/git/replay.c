#include "git/apply.h"

#include <string.h>
#include <unistd.h>

#include "git/apply_internal.h"
#include "git/mergetree.h"

/* What `git am -3` builds when a mail's patch does not apply directly. */
struct fall_back {
	struct rt_application *application;
	char *index, *ancestor; /* index files: the touched paths of the base; the blobs that the patch names */
};

static void
fall_back_release(struct fall_back *fall_back)
{
	if (fall_back->index)
		unlink(fall_back->index);
	if (fall_back->ancestor)
		unlink(fall_back->ancestor);
	free(fall_back->index);
	free(fall_back->ancestor);
}
RT_DEFINE_AUTO(fall_back, struct fall_back, fall_back_release);

/* 1 git did it, 0 it did not, and why. */
static int
run_apply(const struct fall_back *fall_back, const char *option, const char *index, struct rt_err *err)
{
	struct rt_application *application = fall_back->application;
	rt_auto(buf) struct rt_buf errs = RT_BUF_INIT;
	const char *const argv[] = {"git", "apply", option, NULL};
	struct rt_command command = {
	    .argv = argv, .index = index, .in = application->patch, .in_len = application->len, .errs = &errs};

	if (rt_command_run(application->quarantine, &command, err))
		return -1;
	if (!command.exit_code)
		return 1;
	rt_command_words(&errs, application->why);
	return 0;
}

/* The tree of an index file: base with what it has more or otherwise than pre. */
static int
index_tree(const struct fall_back *fall_back, const struct rt_oid *base, const struct rt_preimage *pre,
	   struct rt_preimage *post, struct rt_oid *out, struct rt_err *err)
{
	if (rt_preimage_load(fall_back->ancestor, post, err))
		return -1;
	return rt_preimage_tree(fall_back->application->quarantine->repo, base, pre, post, out, err);
}

/* The two trees that differ by the patch, made of the blobs that its index lines name. 1, 0 and why, -1. */
static int
rebuild(const struct fall_back *fall_back, struct rt_three_trees *trees, struct rt_err *err)
{
	struct rt_application *application = fall_back->application;
	rt_auto(preimage) struct rt_preimage present = {0};
	rt_auto(preimage) struct rt_preimage nothing = {0};
	rt_auto(preimage) struct rt_preimage before = {0};
	rt_auto(preimage) struct rt_preimage after = {0};
	rt_auto(free) char *option = rt_format("--build-fake-ancestor=%s", fall_back->ancestor);
	const struct rt_oid empty = {""};
	int done;

	if (rt_preimage_read(application->quarantine->repo, application->base, &application->paths, &present, err) ||
	    rt_preimage_write(&present, fall_back->index, err))
		return -1;
	done = run_apply(fall_back, option, fall_back->index, err);
	if (done != 1)
		return done;
	if (index_tree(fall_back, &empty, &nothing, &before, &trees->base, err))
		return -1;
	done = run_apply(fall_back, "--cached", fall_back->ancestor, err);
	if (!done)
		rt_buf_adds(application->why, "it does not apply to the blobs that its index lines name\n");
	if (done != 1)
		return done;
	return index_tree(fall_back, &trees->base, &before, &after, &trees->theirs, err) ? -1 : 1;
}

static int
apply_by_merge(struct rt_application *application, struct rt_err *err)
{
	rt_auto(fall_back) struct fall_back fall_back = {.application = application};
	struct rt_three_trees trees = {.ours = *application->base};
	int done;

	fall_back.index = rt_quarantine_file(application->quarantine, "index");
	fall_back.ancestor = rt_quarantine_file(application->quarantine, "ancestor");
	done = rebuild(&fall_back, &trees, err);
	if (done != 1)
		return done;
	return rt_quarantine_merge(application->quarantine, &trees, application->out, application->why, err);
}

enum { SAMPLE_MAX = 1 << 20 };

/* A mail has no other line ends than its own: what `git am` makes of a file with CRLF never applies. */
static int
explain_line_ends(struct rt_application *application, struct rt_err *err)
{
	struct rt_repo *repo = application->quarantine->repo;

	if (memchr(application->patch, '\r', application->len))
		return 0;
	for (size_t i = 0; i < application->paths.n; i++) {
		const char *path = application->paths.at[i];
		rt_auto(buf) struct rt_buf file = RT_BUF_INIT;
		struct rt_entry entry;
		if (rt_tree_entry(repo, application->base, path, &entry, err) < 0)
			return -1;
		if ((entry.mode & 0170000) != 0100000)
			continue;
		if (rt_tree_blob(repo, application->base, path, SAMPLE_MAX, &file, err) < 0)
			return -1;
		if (strstr(file.data, "\r\n"))
			rt_buf_addf(application->why,
				    "%s has lines that end in CRLF, which a mail does not keep: propose the commit "
				    "itself, or a diff\n",
				    path);
	}
	return 0;
}

int
rt_apply_mail(struct rt_quarantine *quarantine, const struct rt_oid *base_tree, const char *patch, size_t len,
	      const struct rt_apply_limits *limits, struct rt_oid *out, struct rt_buf *why, struct rt_err *err)
{
	rt_auto(application) struct rt_application application = {
	    .quarantine = quarantine, .base = base_tree, .patch = patch, .len = len, .out = out, .why = why};
	int result = rt_application_start(&application, limits);
	size_t before = why->len;

	if (result != 1)
		return result;
	result = rt_application_run(&application, false, err);
	if (result || !strcmp(why->data + before, "no changes found in it\n"))
		return result;
	result = apply_by_merge(&application, err);
	if (result == 1)
		rt_buf_cut(why, before);
	if (result == 0 && explain_line_ends(&application, err) < 0)
		return -1;
	return result;
}

int
rt_apply_commit(struct rt_quarantine *quarantine, const struct rt_oid *base_tree, const struct rt_oid *commit,
		struct rt_oid *out, struct rt_buf *why, struct rt_err *err)
{
	rt_auto(commit) struct rt_commit replayed = {0};
	rt_auto(commit) struct rt_commit parent = {0};
	struct rt_three_trees trees = {.ours = *base_tree, .directory_renames = true};

	if (rt_commit_read(quarantine->repo, commit, &replayed, err))
		return -1;
	if (replayed.n_parents > 1) {
		rt_buf_addf(why, "%.12s is a merge, which has no single change to replay\n", commit->hex);
		return 0;
	}
	if (replayed.n_parents && rt_commit_read(quarantine->repo, &replayed.parents[0], &parent, err))
		return -1;
	trees.base = parent.tree;
	trees.theirs = replayed.tree;
	return rt_quarantine_merge(quarantine, &trees, out, why, err);
}
