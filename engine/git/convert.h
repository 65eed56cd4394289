#ifndef RT_GIT_CONVERT_H
#define RT_GIT_CONVERT_H

/*
 * What a blob becomes in a work tree and the other way round: eol and ident, by libgit2's filters, with the user's
 * configuration and the attributes of a given tree (as git checkout takes them, not those that happen to lie in the
 * work tree). No program is run: attributes that ask for one are refused before.
 */

#include "git/internal.h"

struct rt_convert {
	struct rt_repo *repo;	/* borrowed; has the work tree */
	struct rt_oid tree;	/* whose attributes count */
	git_repository *git;	/* a second handle whose index holds the tree's .gitattributes and nothing else */
	struct rt_strs folders; /* whose .gitattributes were looked up already */
};

int rt_convert_init(struct rt_convert *convert, struct rt_repo *repo, const struct rt_oid *tree,
		    struct rt_err *err) RT_MUST_USE;
void rt_convert_release(struct rt_convert *convert);
RT_DEFINE_AUTO(convert, struct rt_convert, rt_convert_release);

/* Must be called for every path that will be asked for, before the first question: reads the .gitattributes that
 * concern it. */
int rt_convert_prepare(struct rt_convert *convert, const char *path, struct rt_err *err) RT_MUST_USE;
/* 1 it can be converted here; 0 an attribute asks for a program or an encoding: why says so with the mend; -1. */
int rt_convert_check(struct rt_convert *convert, const char *path, struct rt_buf *why, struct rt_err *err) RT_MUST_USE;
/* The bytes that a blob has in the work tree. */
int rt_convert_out(struct rt_convert *convert, const char *path, const struct rt_oid *blob, struct rt_buf *out,
		   struct rt_err *err) RT_MUST_USE;
/* 1 when a file with these bytes is that blob: as it is, as rt_convert_out writes it, or once cleaned. 0, -1. */
int rt_convert_equal(struct rt_convert *convert, const char *path, const struct rt_oid *blob,
		     const struct rt_buf *bytes, struct rt_err *err) RT_MUST_USE;

#endif
