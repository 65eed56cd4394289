#ifndef RT_SUPPORT_ERR_H
#define RT_SUPPORT_ERR_H

/*
 * Errors: "we could not find out". A verdict (regressed, refused, conflict) is an answer and is never an error.
 *
 * A fallible function returns 0 or -1 and takes a struct rt_err * as its last parameter; the origin fills it, at most
 * one module boundary adds context with rt_err_while(). Nothing below engine/cli prints. The text is one line: what
 * happened, where, and the mend ("...; run `ratchet recover`"); control bytes in it become spaces or question marks.
 * The struct lives on the caller's stack and owns nothing.
 */

#include "support/mem.h"

/* name, process exit code, what it means. The contract is design section 7. */
#define RT_ERR_CODES(X)                                                    \
	X(NONE, 0, "no error")                                             \
	X(CONFIG, 2, "usage or configuration error")                       \
	X(UNKNOWN, 3, "could not find out")                                \
	X(REFUSED, 4, "refused by policy")                                 \
	X(CONFLICT, 5, "in the way: does not apply, moved, dirty or busy") \
	X(INTERNAL, 70, "internal error")                                  \
	X(IO, 74, "input-output error")

enum rt_err_code {
#define X(name, exit, text) RT_E##name,
	RT_ERR_CODES(X)
#undef X
};

struct rt_err {
	enum rt_err_code code;
	unsigned line, column; /* from 1; 0: no position */
	char file[512];	       /* the file that the position is in; empty: none */
	char text[1536];
};

#define RT_ERR_INIT              \
	{                        \
		.code = RT_ENONE \
	}

/* Each returns -1, so that an origin reads: return rt_fail(err, RT_EIO, "..."). err may be NULL. */
int rt_fail(struct rt_err *err, enum rt_err_code code, const char *fmt, ...) RT_PRINTF(3, 4);
/* Adds ": " and the text of the present errno; the code is RT_EIO. */
int rt_fail_errno(struct rt_err *err, const char *fmt, ...) RT_PRINTF(2, 3);
/* A mistake in a file the user wrote: RT_ECONFIG with its position, which is not in the text. */
int rt_fail_at(struct rt_err *err, const char *file, unsigned line, unsigned column, const char *fmt, ...)
    RT_PRINTF(5, 6);
/* Puts "while ...: " before the text. Returns -1. */
int rt_err_while(struct rt_err *err, const char *fmt, ...) RT_PRINTF(2, 3);
/* The process exit code of an error code. */
int rt_err_exit(enum rt_err_code code);

/* A bug in ratchet: prints file, line and text to standard error and aborts. */
#define rt_bug(...) rt_bug_(__FILE__, __LINE__, __VA_ARGS__)
_Noreturn void rt_bug_(const char *file, int line, const char *fmt, ...) RT_PRINTF(3, 4);

#endif
