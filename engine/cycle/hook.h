#ifndef RT_CYCLE_HOOK_H
#define RT_CYCLE_HOOK_H

/*
 * What ratchet does in git's hooks (design section 6). The shims of hooks/ run `ratchet hook NAME`, which comes here. A
 * hook's answer is an exit code, and what is to be said to the person; an error means that it could not find out, which
 * blocks where git lets a hook block.
 *
 * Nothing is taken from git's environment here: the caller names index and quarantine.
 */

#include "cycle/check.h"
#include "cycle/open.h"

struct rt_hook {
	struct rt_home *home;
	const char *name;
	const char *const *args; /* git's, NULL-terminated */
	int n_args;
	const char *index_file; /* the index that counts, absolute; NULL: the work tree's own */
	const char *objects;	/* a push's quarantined objects; NULL: none */
	const char *work_tree;	/* the work tree that git was told to use, absolute; NULL: the repository's own */
	struct rt_strs options; /* push options */
	struct rt_buf in;	/* standard input; taken apart in place */
	size_t read;		/* how far */
	struct rt_progress progress;
	struct rt_buf say;	 /* lines for the person */
	struct rt_report report; /* of the last judgement */
};
#define RT_HOOK_INIT                                  \
	{                                             \
		.in = RT_BUF_INIT, .say = RT_BUF_INIT \
	}

struct rt_hook_kind {
	const char *name;
	bool reads;					      /* standard input has lines for it */
	int (*run)(struct rt_hook *hook, struct rt_err *err); /* the exit code, or -1 */
};
extern const struct rt_hook_kind rt_hook_kinds[]; /* ends with a NULL name */
/* NULL: ratchet has nothing to say in that hook. */
const struct rt_hook_kind *rt_hook_find(const char *name);
void rt_hook_release(struct rt_hook *hook);
RT_DEFINE_AUTO(hook, struct rt_hook, rt_hook_release);

/* ---- one file each ---- */

int rt_hook_commit(struct rt_hook *hook, struct rt_err *err) RT_MUST_USE;  /* pre-commit, pre-merge-commit */
int rt_hook_merge(struct rt_hook *hook, struct rt_err *err) RT_MUST_USE;   /* post-merge */
int rt_hook_push(struct rt_hook *hook, struct rt_err *err) RT_MUST_USE;	   /* pre-push */
int rt_hook_guard(struct rt_hook *hook, struct rt_err *err) RT_MUST_USE;   /* reference-transaction */
int rt_hook_receive(struct rt_hook *hook, struct rt_err *err) RT_MUST_USE; /* pre-receive */

/* ---- what they share ---- */

/* ratchet.yml of a commit: 1, 0 it has none, -1. A commit "" has none. */
int rt_hook_config(struct rt_home *home, const struct rt_oid *commit, struct rt_config *config,
		   struct rt_err *err) RT_MUST_USE;
/* The full name of the target as the commit's ratchet.yml or ratchet.target says, else HEAD's branch; empty when HEAD
 * is detached. */
int rt_hook_target(struct rt_home *home, const struct rt_oid *commit, struct rt_buf *ref,
		   struct rt_err *err) RT_MUST_USE;
/*
 * Is the branch the target, by what the commit's ratchet.yml says? 1, 0, -1; configured: there is one. A ratchet.yml
 * that can't be read stands in the way of the branch alone that ratchet.target, or HEAD, names.
 */
int rt_hook_is_target(struct rt_home *home, const struct rt_oid *commit, const char *ref, bool *configured,
		      struct rt_err *err) RT_MUST_USE;
/* Judges, says the verdict, returns its exit code (noop: 0), or -1. */
int rt_hook_judge(struct rt_hook *hook, struct rt_check_request *request, struct rt_err *err) RT_MUST_USE;
/* Refuses a move of ref without a judgement: says why, and leaves an entry. The exit code, or -1. Ids may be "". */
int rt_hook_refuse(struct rt_hook *hook, const char *ref, const struct rt_oid *old, const struct rt_oid *new,
		   const char *why, struct rt_err *err) RT_MUST_USE;
/* Does an open entry stand in the way on that branch? 0; else the exit code, and it is said; -1. */
int rt_hook_open(struct rt_hook *hook, const char *ref, struct rt_err *err) RT_MUST_USE;
/* The next line of standard input as n words, in place. 1, 0 at the end, -1 for another number of words. */
int rt_hook_line(struct rt_hook *hook, char **words, size_t n, struct rt_err *err) RT_MUST_USE;
/* An id of standard input; "" for git's zeros. */
int rt_hook_oid(const char *text, struct rt_oid *out, struct rt_err *err) RT_MUST_USE;

#endif
