#ifndef RT_SUPPORT_PROC_H
#define RT_SUPPORT_PROC_H

/*
 * Running a helper program that ratchet trusts (git, ssh-keygen): explicit argv, explicit environment, no shell, a
 * deadline over the process and its pipes, capped output. Never for a candidate's command; that is engine/run.
 */

#include "support/buf.h"
#include "support/err.h"

struct rt_proc {
	const char *const *argv; /* argv[0] is looked up on /usr/local/bin:/usr/bin:/bin alone; ends with NULL */
	const char *const *env;	 /* NAME=value, NULL-terminated: the whole environment besides PATH and LC_ALL=C */
	const char *cwd;	 /* NULL: the present one */
	const char *in;		 /* standard input; NULL: /dev/null */
	size_t in_len;
	int timeout_ms;	     /* 0: 60,000 */
	size_t max_out;	     /* bytes of standard output; more is an error. 0: 256 MiB */
	struct rt_buf *out;  /* standard output; NULL: /dev/null */
	struct rt_buf *errs; /* standard error, its first 64 KiB; NULL: /dev/null */
	int exit_code;	     /* result: exit status, or 128 + signal */
};

/*
 * Runs to the end. A non-zero exit is a result, not an error. Missing program, deadline, too much output: error
 * RT_EUNKNOWN naming the program. What is left of its process group is killed in any case; a grandchild that holds the
 * pipes is waited for one second after the program ended. It runs in a group of its own, so Ctrl-C does not reach it.
 */
int rt_proc_run(struct rt_proc *proc, struct rt_err *err) RT_MUST_USE;

#endif
