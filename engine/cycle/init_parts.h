#ifndef RT_CYCLE_INIT_PARTS_H
#define RT_CYCLE_INIT_PARTS_H

/* What the files of init share: init.c goes the way, init_files.c knows the files, init_config.c git's configuration.
 */

#include "cycle/init.h"

/* The files that an adoption commits, baseline left out: paths from the root, with their content. */
struct rt_init_files {
	struct rt_strs paths, texts;
	struct rt_config config; /* parsed */
	bool found;		 /* ratchet.yml lay in the work tree already, and was taken as it is */
	struct rt_strs runners;	 /* what was recognised */
};
#define RT_INIT_FILES_INIT               \
	{                                \
		.config = RT_CONFIG_INIT \
	}

/*
 * From the work tree where they are there, else made from what the tree at HEAD is recognised as. target: a branch
 * name.
 */
int rt_init_files_make(struct rt_init_files *files, struct rt_home *home, const struct rt_init *init,
		       const char *target, const struct rt_oid *tree, struct rt_err *err) RT_MUST_USE;
/* tree with the files in it, written to repo. */
int rt_init_files_tree(const struct rt_init_files *files, struct rt_repo *repo, const struct rt_oid *tree,
		       struct rt_oid *out, struct rt_err *err) RT_MUST_USE;
/* Into the work tree: the files, and the baseline's when there is one. */
int rt_init_files_leave(const struct rt_init_files *files, struct rt_home *home, const struct rt_baseline *baseline,
			struct rt_err *err) RT_MUST_USE;
/* Removes baseline files that an earlier init left in the work tree and that nobody added since: they would be in the
 * way of the new ones. */
int rt_init_files_clear(const struct rt_init_files *files, struct rt_home *home, struct rt_err *err) RT_MUST_USE;
void rt_init_files_release(struct rt_init_files *files);
RT_DEFINE_AUTO(init_files, struct rt_init_files, rt_init_files_release);

/* Hooks, the refspec of the ledger for each remote, ratchet.target (NULL: left alone), a server's keys. Idempotent. */
int rt_init_install(struct rt_home *home, const struct rt_init *init, const char *target, struct rt_strs *did,
		    struct rt_err *err) RT_MUST_USE;

/* Sets a key of git's configuration that has another value; its own is written down first, once, for undo. */
int rt_init_set_key(struct rt_home *home, const char *key, const char *value, struct rt_strs *did,
		    struct rt_err *err) RT_MUST_USE;
/* Gives one such key its own value back. */
int rt_init_restore_key(struct rt_home *home, const char *key, struct rt_strs *did, struct rt_err *err) RT_MUST_USE;

#endif
