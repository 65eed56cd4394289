#ifndef RT_GIT_REPO_H
#define RT_GIT_REPO_H

/*
 * The repository: objects, refs, trees. engine/git is the only code that includes git2.h. Object ids are passed as hex
 * text. Repositories are opened by path, ignoring GIT_* of the environment; system and user configuration is read for
 * the repository itself only (eol, ident, ratchet.* keys), no hook, filter or fsmonitor program ever runs.
 */

#include <stdbool.h>
#include <stdint.h>

#include "support/buf.h"
#include "support/err.h"

#define RT_OID_HEX 40
struct rt_oid {
	char hex[RT_OID_HEX + 1]; /* "" is no object */
};
#define RT_OID_ZERO "0000000000000000000000000000000000000000"
static inline bool
rt_oid_equal(const struct rt_oid *a, const struct rt_oid *b)
{
	return __builtin_strcmp(a->hex, b->hex) == 0;
}

/* The library that is loaded: its version, and text with its features for people. */
void rt_git_library(int *major, int *minor, struct rt_buf *text);

struct rt_repo;

/*
 * Opens the repository that dir lies in (a work tree, a linked worktree, a bare repository or a git directory).
 * Refusals are RT_ECONFIG with the mend: not a repository
 * ("run git init"), SHA-256 objects, reftable, safe.directory ownership.
 */
int rt_repo_open(struct rt_repo **out, const char *dir, struct rt_err *err) RT_MUST_USE;
/* Opens exactly this git directory; no discovery. */
int rt_repo_open_gitdir(struct rt_repo **out, const char *gitdir, struct rt_err *err) RT_MUST_USE;
void rt_repo_free(struct rt_repo *repo);
static inline void
rt_auto_repo(struct rt_repo **repo)
{
	rt_repo_free(*repo);
}

/* Absolute paths without a slash at the end, borrowed. */
const char *rt_repo_gitdir(const struct rt_repo *repo);	   /* of this worktree */
const char *rt_repo_commondir(const struct rt_repo *repo); /* shared by all worktrees */
const char *rt_repo_workdir(const struct rt_repo *repo);   /* NULL: bare */
bool rt_repo_is_shallow(const struct rt_repo *repo);
/* Adds a read-only alternate object directory (GIT_QUARANTINE_PATH, a proposal's quarantine). */
int rt_repo_add_alternate(struct rt_repo *repo, const char *objects, struct rt_err *err) RT_MUST_USE;

/* Configuration (all levels). Returns 1 found, 0 not set, -1 error. */
int rt_repo_config(struct rt_repo *repo, const char *key, struct rt_buf *value, struct rt_err *err) RT_MUST_USE;
int rt_repo_config_all(struct rt_repo *repo, const char *key, struct rt_strs *values, struct rt_err *err) RT_MUST_USE;
bool rt_repo_config_bool(struct rt_repo *repo, const char *key, bool otherwise);
/* Sets in the repository's own file; NULL unsets. */
int rt_repo_config_set(struct rt_repo *repo, const char *key, const char *value, struct rt_err *err) RT_MUST_USE;
/* For recovery: removes what a set that was killed left. Adds git's lock to removed, where it was among that. */
int rt_repo_config_settle(struct rt_repo *repo, struct rt_strs *removed, int64_t deadline,
			  struct rt_err *err) RT_MUST_USE;

/* ---- refs ---- */

/* 1 found, 0 no such ref, -1 error. A symbolic ref is followed. */
int rt_ref_read(struct rt_repo *repo, const char *name, struct rt_oid *out, struct rt_err *err) RT_MUST_USE;
/* What HEAD points to: its full ref name ("" when detached); oid "" when unborn. */
int rt_head(struct rt_repo *repo, struct rt_buf *ref, struct rt_oid *oid, struct rt_err *err) RT_MUST_USE;
enum rt_swap { RT_SWAPPED, RT_SWAP_MOVED, RT_SWAP_LOCKED };
/*
 * Compare-and-swap, durable but for a removal, which a power cut may undo. old NULL: must not exist; new NULL: delete.
 * Returns enum rt_swap or -1. message goes into the reflog. Retries git's lock until deadline (rt_clock_ms); LOCKED:
 * err names the lock file and its age.
 */
int rt_ref_swap(struct rt_repo *repo, const char *name, const struct rt_oid *old, const struct rt_oid *new,
		const char *message, int64_t deadline, struct rt_err *err) RT_MUST_USE;
/* Calls each for the refs whose name begins with prefix, by name; stops at the first non-zero return and returns it. */
int rt_ref_each(struct rt_repo *repo, const char *prefix,
		int (*each)(void *data, const char *name, const struct rt_oid *oid, struct rt_err *err), void *data,
		struct rt_err *err) RT_MUST_USE;
/* Any expression git knows (a branch, HEAD~2, an id). 1 found, 0 not, -1 error. Peels to a commit. */
int rt_rev_parse(struct rt_repo *repo, const char *spec, struct rt_oid *commit, struct rt_err *err) RT_MUST_USE;

/* ---- objects ---- */

struct rt_commit {
	struct rt_oid id, tree;
	struct rt_oid *parents;
	size_t n_parents;
	char *author, *committer; /* "Name <mail> 1700000000 +0100" as in the raw header */
	char *encoding;		  /* or NULL */
	char *message;
	char *signature; /* gpgsig, or NULL */
};
int rt_commit_read(struct rt_repo *repo, const struct rt_oid *id, struct rt_commit *out,
		   struct rt_err *err) RT_MUST_USE;
/* Writes an unsigned commit of tree, parents, author, committer, encoding, message; sets id. */
int rt_commit_write(struct rt_repo *repo, struct rt_commit *commit, struct rt_err *err) RT_MUST_USE;
void rt_commit_release(struct rt_commit *commit);
RT_DEFINE_AUTO(commit, struct rt_commit, rt_commit_release);
/* A commit read where it lies, for chains of many: only what they are made of. */
struct rt_link {
	struct rt_oid tree, parent; /* parent: the first; "" none */
	size_t n_parents;
	const char *message; /* len bytes, until release */
	size_t len;
	void *held;
};
int rt_link_read(struct rt_repo *repo, const struct rt_oid *id, struct rt_link *out, struct rt_err *err) RT_MUST_USE;
void rt_link_release(struct rt_link *link);
/*
 * Whether an object that is read is hashed and compared with its id, which it is unless a caller that checks the
 * content otherwise says no. For the whole process.
 */
void rt_objects_hashed(bool hashed);
RT_DEFINE_AUTO(link, struct rt_link, rt_link_release);
/*
 * The user's identity with the present time: "Name <mail> seconds +0000"; GIT_COMMITTER_NAME and _EMAIL, else the
 * configuration, else the login name and host. rt_author: of who wrote what has no author of its own, by GIT_AUTHOR_*.
 */
int rt_ident(struct rt_repo *repo, struct rt_buf *out, struct rt_err *err) RT_MUST_USE;
int rt_author(struct rt_repo *repo, struct rt_buf *out, struct rt_err *err) RT_MUST_USE;

bool rt_object_exists(struct rt_repo *repo, const struct rt_oid *id);
int rt_blob_read(struct rt_repo *repo, const struct rt_oid *id, uint64_t max, struct rt_buf *out,
		 struct rt_err *err) RT_MUST_USE;
/* Size without the content. */
int rt_blob_size(struct rt_repo *repo, const struct rt_oid *id, uint64_t *size, struct rt_err *err) RT_MUST_USE;
int rt_blob_write(struct rt_repo *repo, const void *bytes, size_t len, struct rt_oid *out,
		  struct rt_err *err) RT_MUST_USE;

/* ---- trees ---- */

struct rt_entry {
	uint32_t mode; /* 0: not there */
	struct rt_oid id;
};
/* The entry at a path ("" is the tree itself); a missing one has mode 0. */
int rt_tree_entry(struct rt_repo *repo, const struct rt_oid *tree, const char *path, struct rt_entry *out,
		  struct rt_err *err) RT_MUST_USE;
/* Reads the blob at a path: 1 found, 0 not, -1. */
int rt_tree_blob(struct rt_repo *repo, const struct rt_oid *tree, const char *path, uint64_t max, struct rt_buf *out,
		 struct rt_err *err) RT_MUST_USE;
/* The names in the tree at path, in git's order; none when it is not there. */
int rt_tree_list(struct rt_repo *repo, const struct rt_oid *tree, const char *path,
		 int (*each)(void *data, const char *name, const struct rt_entry *entry, struct rt_err *err),
		 void *data, struct rt_err *err) RT_MUST_USE;
/*
 * The paths that differ, without rename detection, by path; subtrees with equal ids are not read. With whole_trees an
 * added or removed directory is one call with mode 040000 on that side; where a file became a directory (or the other
 * way round) there are two calls. Stops at the first non-zero return of each and returns it. A tree id "" is the empty
 * tree; a commit's id stands for its tree.
 */
struct rt_change_of {
	const char *path;
	struct rt_entry old, new;
};
int rt_tree_diff(struct rt_repo *repo, const struct rt_oid *old, const struct rt_oid *new, bool whole_trees,
		 int (*each)(void *data, const struct rt_change_of *change, struct rt_err *err), void *data,
		 struct rt_err *err) RT_MUST_USE;
/*
 * The files that moved between two trees, by git's similarity of their content: from[i] is to[i] now. The cost follows
 * what differs, and is bounded: many files are matched only where they did not change, large ones not at all.
 */
int rt_tree_moves(struct rt_repo *repo, const struct rt_oid *old, const struct rt_oid *new, struct rt_strs *from,
		  struct rt_strs *to, struct rt_err *err) RT_MUST_USE;
/*
 * tree with the entries at paths replaced (mode 0: removed; empty directories vanish). The paths' order does not
 * matter. A file put below another file replaces that one, and a file put where a directory is replaces all of it. Only
 * the touched directories are read and written.
 */
struct rt_update {
	const char *path;
	struct rt_entry entry;
};
int rt_tree_update(struct rt_repo *repo, const struct rt_oid *tree, const struct rt_update *updates, size_t n,
		   struct rt_oid *out, struct rt_err *err) RT_MUST_USE;

/* ---- history ---- */

/*
 * 1 when ancestor is reachable from descendant (or is it), 0 when not, -1 when it can't be told (shallow). Walks by
 * date from both ends: the cost follows their distance.
 */
int rt_is_ancestor(struct rt_repo *repo, const struct rt_oid *ancestor, const struct rt_oid *descendant,
		   struct rt_err *err) RT_MUST_USE;
/* 1 and the merge base, 0 none, -1. */
int rt_merge_base(struct rt_repo *repo, const struct rt_oid *a, const struct rt_oid *b, struct rt_oid *out,
		  struct rt_err *err) RT_MUST_USE;
/* Commits reachable from tip and not from hidden (may be NULL), oldest first (topological). More than max (0: any
 * number) is an error. */
int rt_rev_list(struct rt_repo *repo, const struct rt_oid *tip, const struct rt_oid *hidden, size_t max,
		struct rt_oid **out, size_t *n, struct rt_err *err) RT_MUST_USE;
/*
 * A merge driver in the process: join is asked for every file that both sides changed and that wants claims, instead of
 * a merge of its text. base is empty when the file is new on both sides. join returns 1 (out holds the result), 0
 * conflict, -1.
 */
struct rt_merge_driver {
	bool (*wants)(void *data, const char *path);
	int (*join)(void *data, const char *path, const struct rt_buf *base, const struct rt_buf *ours,
		    const struct rt_buf *theirs, struct rt_buf *out, struct rt_err *err);
	void *data;
};
void rt_merge_driver_set(struct rt_repo *repo, const struct rt_merge_driver *driver);
/* The merge driver that the attributes of the work tree (in a bare repository of HEAD) name for a path: 1, 0 none, -1.
 */
int rt_merge_driver_of(struct rt_repo *repo, const char *path, struct rt_buf *name, struct rt_err *err) RT_MUST_USE;
/* git's merge of texts: out holds the result, with conflict markers where it conflicts. 1 clean, 0 conflict, -1. */
int rt_merge_text(const struct rt_buf *base, const struct rt_buf *ours, const struct rt_buf *theirs, struct rt_buf *out,
		  struct rt_err *err) RT_MUST_USE;
/*
 * Three-way merge of trees with rename detection, as git's merge does it; the repository's merge driver decides first.
 * 1 merged, 0 conflict (paths appended to conflicts), -1. It reads the whole trees.
 */
int rt_merge_trees(struct rt_repo *repo, const struct rt_oid *base, const struct rt_oid *ours,
		   const struct rt_oid *theirs, struct rt_oid *out, struct rt_strs *conflicts,
		   struct rt_err *err) RT_MUST_USE;

#endif
