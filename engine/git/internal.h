#ifndef RT_GIT_INTERNAL_H
#define RT_GIT_INTERNAL_H

/* What the files of engine/git share and nobody else sees: the libgit2 handle, its errors, its ids. */

#include <git2.h>

#include "git/repo.h"
#include "git/worktree.h"

struct rt_repo {
	git_repository *git;
	git_odb *odb;
	char *gitdir, *commondir, *workdir; /* absolute, no slash at the end; workdir NULL: bare */
	char *person;			    /* of commits and reflogs, "Name <mail>"; NULL: not asked yet */
	bool partial;			    /* a partial clone: objects may be missing, and git would fetch them */
	struct rt_merge_driver driver;	    /* join NULL: none */
};

#define RT_DEFINE_GIT_AUTO(kind, type, free_it)     \
	static inline void rt_auto_##kind(type **p) \
	{                                           \
		free_it(*p);                        \
	}                                           \
	struct rt_auto_semicolon_##kind
RT_DEFINE_GIT_AUTO(git_object, git_object, git_object_free);
RT_DEFINE_GIT_AUTO(git_tree, git_tree, git_tree_free);
RT_DEFINE_GIT_AUTO(git_odb_object, git_odb_object, git_odb_object_free);
RT_DEFINE_GIT_AUTO(git_reference, git_reference, git_reference_free);
RT_DEFINE_GIT_AUTO(git_config, git_config, git_config_free);
RT_DEFINE_GIT_AUTO(git_config_iterator, git_config_iterator, git_config_iterator_free);
RT_DEFINE_GIT_AUTO(git_index, git_index, git_index_free);
RT_DEFINE_GIT_AUTO(git_transaction, git_transaction, git_transaction_free);
RT_DEFINE_GIT_AUTO(git_repository, git_repository, git_repository_free);
RT_DEFINE_GIT_AUTO(git_signature, git_signature, git_signature_free);
RT_DEFINE_GIT_AUTO(git_filter_list, git_filter_list, git_filter_list_free);

/* libgit2 once per process: fsync on, owner validation on, the extensions that we understand. */
int rt_git_init(struct rt_err *err) RT_MUST_USE;
/* git_repository_open_ext that also takes safe.directory=*. Returns what libgit2 returns. */
int rt_git_open(git_repository **out, const char *dir, unsigned flags) RT_MUST_USE;
/*
 * Adds ": " and libgit2's last error, which must be asked for before any other call of it. Returns -1. Without an error
 * of libgit2 nothing is added.
 */
int rt_git_error(struct rt_err *err, enum rt_err_code code, const char *fmt, ...) RT_PRINTF(3, 4);
/* The same for an object that could not be read; names the mend where the repository is a partial clone. */
int rt_git_object_error(const struct rt_repo *repo, const char *hex, struct rt_err *err);

/* Hex that is not an id is a bug of the caller or a damaged input: RT_EINTERNAL naming it. */
int rt_oid_to_git(git_oid *out, const struct rt_oid *in, struct rt_err *err) RT_MUST_USE;
void rt_oid_from_git(struct rt_oid *out, const git_oid *in);

/*
 * The tree of a tree or commit id; "" is the empty tree. Its entries are checked once here: git's order, no duplicates,
 * no name that is empty, `.`, `..`, `.git` in any case or holds a slash, so that walking it can't lead astray.
 */
int rt_tree_open(struct rt_repo *repo, const struct rt_oid *id, git_tree **out, struct rt_err *err) RT_MUST_USE;
/* Name order of tree entries: a directory sorts as if its name ended in a slash. */
int rt_tree_name_cmp(const char *a, size_t a_len, bool a_dir, const char *b, size_t b_len, bool b_dir);
/* False for names that no tree may hold (see rt_tree_open). */
bool rt_tree_name_ok(const char *name, size_t len);
#define RT_MODE_TREE 0040000u
#define RT_MODE_FILE 0100644u
#define RT_MODE_EXEC 0100755u
#define RT_MODE_LINK 0120000u
#define RT_MODE_GITLINK 0160000u

/* Reads a whole object of the given type; the caller frees. */
int rt_odb_read(struct rt_repo *repo, const struct rt_oid *id, git_object_t type, git_odb_object **out,
		struct rt_err *err) RT_MUST_USE;
/* Writes raw bytes as an object of a type. */
int rt_odb_write(struct rt_repo *repo, git_object_t type, const void *bytes, size_t len, struct rt_oid *out,
		 struct rt_err *err) RT_MUST_USE;
/* The bytes of a commit object without signature; refuses what would break its header. */
int rt_commit_format(struct rt_repo *repo, const struct rt_commit *commit, struct rt_buf *out,
		     struct rt_err *err) RT_MUST_USE;

#endif
