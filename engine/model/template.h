#ifndef RT_MODEL_TEMPLATE_H
#define RT_MODEL_TEMPLATE_H

/*
 * {{name}} in commands, environment values and report paths. A name is made of the characters of names
 * ([A-Za-z0-9_.-]); braces around anything else, a space included, are plain text: `{{ .Dir }}` of other tools passes
 * through.
 */

#include <stdbool.h>
#include <stddef.h>

#include "support/buf.h"

struct rt_template_ref {
	size_t start, end; /* of the braces, in the text */
	const char *name;  /* inside the text, not terminated */
	size_t len;
};

/* The first reference at or after offset: true, or false when there is none. */
bool rt_template_next(const char *text, size_t offset, struct rt_template_ref *ref);
static inline void
rt_template_name(const struct rt_template_ref *ref, struct rt_buf *out)
{
	rt_buf_cut(out, 0);
	rt_buf_add(out, ref->name, ref->len);
}

#endif
