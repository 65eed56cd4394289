#ifndef RT_TESTS_GIT_BOX_H
#define RT_TESTS_GIT_BOX_H

/*
 * A box: a temporary folder with a home and a repository `repo`, and git with fixed author, dates and configuration.
 * Every test runs in a process of its own, so there is one box at a time.
 */

#include <stdbool.h>

#include "git/repo.h"

extern char box_root[64];
#define BOX_REPO "repo"

/* Makes the folder and an empty non-bare repository on branch main, opened as box_repo; the present directory is the
 * box. */
void box_setup(void);
void box_teardown(void);
extern struct rt_repo *box_repo;
/* Opens the repository again, so that nothing is cached. */
void box_reopen(void);

/* Runs a shell command in <box>/repo; the test fails when it does. */
void sh(const char *fmt, ...) RT_PRINTF(1, 2);
/* Its exit status. */
int sh_status(const char *fmt, ...) RT_PRINTF(1, 2);
/* Its standard output without the last line end; the caller frees. */
char *sh_out(const char *fmt, ...) RT_PRINTF(1, 2);
/* The same as an object id. */
struct rt_oid sh_oid(const char *fmt, ...) RT_PRINTF(1, 2);
/* Fails the test with err's text unless the condition holds. */
#define must(condition) cr_assert((condition), "%s: %s", #condition, err.text)

/* The identity of the environment goes: what is left is that of the configuration. */
void box_forget_person(void);

#endif
