#ifndef RT_READERS_TAP_H
#define RT_READERS_TAP_H

/* One line of the Test Anything Protocol, taken apart; tap.c knows what the lines mean together. */

#include "readers/read.h"

enum rt_tap_kind {
	RT_TAP_OTHER,	/* not TAP: ignored */
	RT_TAP_VERSION, /* number */
	RT_TAP_PLAN,	/* number: how many; text: the reason after SKIP */
	RT_TAP_POINT,
	RT_TAP_BAIL,	/* text: the reason */
	RT_TAP_COMMENT, /* text: what follows "#" */
	RT_TAP_SUBTEST, /* "# Subtest: text" */
	RT_TAP_YAML	/* "  ---": a block that ends with "  ..." */
};

struct rt_tap_line {
	enum rt_tap_kind kind;
	unsigned depth;	 /* of the subtest: leading spaces / 4 */
	uint64_t number; /* RT_TAP_POINT without one: UINT64_MAX */
	bool ok, skip, todo;
	const char *text; /* borrowed from the line; of a point its description, still escaped */
	size_t text_len;
	double ms; /* "# time=5ms", as node-tap writes it; -1: none */
};

void rt_tap_parse(struct rt_tap_line *out, const char *line, size_t len);
/* Appends a description with its escapes `\#` and `\\` resolved. */
void rt_tap_unescape(struct rt_buf *out, const char *text, size_t len);

#endif
