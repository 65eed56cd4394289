#include "model/template.h"

#include <string.h>

static size_t
name_len(const char *text)
{
	return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-");
}

bool
rt_template_next(const char *text, size_t offset, struct rt_template_ref *ref)
{
	const char *at = text + offset;

	while ((at = strstr(at, "{{"))) {
		size_t len = name_len(at + 2);
		if (len && at[2 + len] == '}' && at[3 + len] == '}') {
			ref->start = (size_t)(at - text);
			ref->end = ref->start + len + 4;
			ref->name = at + 2;
			ref->len = len;
			return true;
		}
		/* one brace on: in `{{{x}}` the reference begins at the second */
		at++;
	}
	return false;
}
