#include <sys/stat.h>

#include "git/internal.h"

/* Beyond so many files on a side only those are matched that moved as they were: similarity is looked for in pairs. */
#define PAIRED_MAX 200
/* A larger file is not taken as moved. */
#define SIZE_MAX_COMPARED (1u << 20)

/* The files that only one of the trees holds, as two indexes in memory. */
struct moves {
	struct rt_repo *repo;
	git_index *gone, *come;
	size_t n_gone, n_come;
};

static int
add_entry(struct moves *moves, git_index *index, const char *path, const struct rt_entry *entry, size_t *n,
	  struct rt_err *err)
{
	git_index_entry added = {.mode = entry->mode, .path = path};
	uint64_t size;

	if (rt_blob_size(moves->repo, &entry->id, &size, err) < 0)
		return -1;
	if (size > SIZE_MAX_COMPARED)
		return 0;
	if (rt_oid_to_git(&added.id, &entry->id, err) < 0)
		return -1;
	if (git_index_add(index, &added) < 0)
		return rt_git_error(err, RT_EINTERNAL, "cannot compare %s", path);
	++*n;
	return 0;
}

static int
see_change(void *data, const struct rt_change_of *change, struct rt_err *err)
{
	struct moves *moves = data;

	if (S_ISREG(change->old.mode) && !change->new.mode)
		return add_entry(moves, moves->gone, change->path, &change->old, &moves->n_gone, err);
	if (S_ISREG(change->new.mode) && !change->old.mode)
		return add_entry(moves, moves->come, change->path, &change->new, &moves->n_come, err);
	return 0;
}

static int
match(const struct moves *moves, struct rt_strs *from, struct rt_strs *to, struct rt_err *err)
{
	git_diff_options options = GIT_DIFF_OPTIONS_INIT;
	git_diff_find_options find = GIT_DIFF_FIND_OPTIONS_INIT;
	git_diff *diff = NULL;
	size_t i;

	find.flags = GIT_DIFF_FIND_RENAMES;
	find.rename_limit = PAIRED_MAX;
	if (moves->n_gone > PAIRED_MAX || moves->n_come > PAIRED_MAX)
		find.flags |= GIT_DIFF_FIND_EXACT_MATCH_ONLY;
	if (git_diff_index_to_index(&diff, moves->repo->git, moves->gone, moves->come, &options) < 0)
		return rt_git_error(err, RT_EINTERNAL, "cannot compare what came with what went");
	if (git_diff_find_similar(diff, &find) < 0) {
		rt_git_error(err, RT_EUNKNOWN, "cannot find the files that moved");
		git_diff_free(diff);
		return -1;
	}
	for (i = 0; i < git_diff_num_deltas(diff); i++) {
		const git_diff_delta *delta = git_diff_get_delta(diff, i);

		if (delta->status != GIT_DELTA_RENAMED)
			continue;
		rt_strs_add(from, delta->old_file.path);
		rt_strs_add(to, delta->new_file.path);
	}
	git_diff_free(diff);
	return 0;
}

int
rt_tree_moves(struct rt_repo *repo, const struct rt_oid *old, const struct rt_oid *new, struct rt_strs *from,
	      struct rt_strs *to, struct rt_err *err)
{
	rt_auto(git_index) git_index *gone = NULL;
	rt_auto(git_index) git_index *come = NULL;
	struct moves moves = {.repo = repo};

	if (git_index_new(&gone) < 0 || git_index_new(&come) < 0)
		return rt_git_error(err, RT_EINTERNAL, "cannot make an index in memory");
	moves.gone = gone;
	moves.come = come;
	if (rt_tree_diff(repo, old, new, false, see_change, &moves, err) < 0)
		return -1;
	return moves.n_gone && moves.n_come ? match(&moves, from, to, err) : 0;
}
