#ifndef RT_GIT_QUARANTINE_INTERNAL_H
#define RT_GIT_QUARANTINE_INTERNAL_H

/* What quarantine.c, promote.c and those that run git in a quarantine share. */

#include "git/internal.h"
#include "git/quarantine.h"
#include "support/file.h"

struct rt_quarantine {
	struct rt_repo *home; /* borrowed */
	struct rt_repo *repo;
	char *dir;     /* the git directory */
	char *objects; /* dir/objects */
	char *work;    /* dir/work: an empty work tree, so that git takes attributes from the index */
	char *scratch; /* dir/scratch */
	struct rt_lock lock;
	unsigned files; /* names given out by rt_quarantine_file */
};

/* A new path in the scratch folder; the caller frees. */
char *rt_quarantine_file(struct rt_quarantine *quarantine, const char *name);

/* One run of git in the quarantine, in the empty work tree, without any configuration but the quarantine's own. */
struct rt_command {
	const char *const *argv; /* "git", ... */
	const char *index;	 /* GIT_INDEX_FILE; NULL: one that does not exist */
	const char *work;	 /* GIT_WORK_TREE and present directory; NULL: the empty one */
	const char *const *env;	 /* more, NULL-terminated; NULL: none */
	const char *in;
	size_t in_len;
	struct rt_buf *out, *errs;
	bool fatal_is_answer; /* git dies of its input in this command, not only of trouble */
	int exit_code;	      /* result */
};
/* A signal, or words of git that tell of trouble with the machine rather than the input, are an error. */
int rt_command_run(struct rt_quarantine *quarantine, struct rt_command *command, struct rt_err *err) RT_MUST_USE;
/* git's words: its lines without "error: " and what only tells progress; "git said nothing" when there are none. */
void rt_command_words(const struct rt_buf *errs, struct rt_buf *why);

#endif
