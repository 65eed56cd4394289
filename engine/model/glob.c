#include "model/glob.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

/* The test of [:alpha:] and its kin; NULL when there is no class of that name. */
static int (*class_test(const char *name, size_t len))(int)
{
	static const struct {
		const char *name;
		int (*test)(int c);
	} classes[] = {{"alnum", isalnum}, {"alpha", isalpha}, {"blank", isblank}, {"cntrl", iscntrl},
		       {"digit", isdigit}, {"graph", isgraph}, {"lower", islower}, {"print", isprint},
		       {"punct", ispunct}, {"space", isspace}, {"upper", isupper}, {"xdigit", isxdigit}};
	size_t i;

	for (i = 0; i < RT_COUNT(classes); i++)
		if (len == strlen(classes[i].name) && !memcmp(name, classes[i].name, len))
			return classes[i].test;
	return NULL;
}

/* One byte of a bracket at *p, a backslash taken off; false at the end of the pattern. */
static bool
bracket_byte(const char **p, unsigned char *c)
{
	if (**p == '\\')
		(*p)++;
	*c = (unsigned char)**p;
	return *(*p)++ != '\0';
}

/* A class at *p, as [:digit:]. Returns 1 there is one, 0 it is something else, -1 no such class. */
static int
bracket_class(const char **p, unsigned char c, bool *matched)
{
	const char *name = *p + 2, *end = (*p)[0] == '[' && (*p)[1] == ':' ? strchr(name, ']') : NULL;
	int (*test)(int);

	if (!end || end <= name || end[-1] != ':')
		return 0;
	test = class_test(name, (size_t)(end - 1 - name));
	if (!test)
		return -1;
	*matched |= c < 0x80 && test(c);
	*p = end + 1;
	return 1;
}

/* One member of a bracket: a class, a range or a byte. *p is moved behind it; false when the bracket is malformed. */
static bool
bracket_member(const char **p, unsigned char c, bool *matched)
{
	unsigned char low, high;
	int class = bracket_class(p, c, matched);

	if (class != 0)
		return class > 0;
	if (!bracket_byte(p, &low))
		return false;
	high = low;
	if ((*p)[0] == '-' && (*p)[1] && (*p)[1] != ']') {
		(*p)++;
		if (!bracket_byte(p, &high))
			return false;
	}
	*matched |= low <= c && c <= high;
	return true;
}

/* A bracket at p, behind its `[`. Returns what follows it when it matches c, else NULL. `/` is matched by none. */
static const char *
match_bracket(const char *p, unsigned char c)
{
	bool negated = *p == '!' || *p == '^', matched = false, first = true;

	for (p += negated; first || *p != ']'; first = false)
		if (!bracket_member(&p, c, &matched))
			return NULL;
	return matched != negated && c != '/' ? p + 1 : NULL;
}

/* One pattern element that takes one byte. Returns what follows it when it matches, else NULL. */
static const char *
match_one(const char *p, unsigned char c)
{
	if (*p == '?')
		return c != '/' ? p + 1 : NULL;
	if (*p == '[')
		return match_bracket(p + 1, c);
	if (*p == '\\' && p[1])
		p++;
	return *p && (unsigned char)*p == c ? p + 1 : NULL;
}

/* Where to go on when the pattern fails later: the star takes one byte more. */
struct star {
	const char *pattern; /* behind it; NULL: no star yet */
	const char *path;    /* where it ends for now */
};

/*
 * Only the last star of each kind is ever taken back: what stands before it has matched as early as it can, and a star
 * that stops at
 * `/` can't reach further than one that does not. So a match takes at most |pattern| * |path| steps squared over
 * segments, never more.
 */
static bool
match(const char *pattern, const char *path)
{
	struct star one = {NULL, NULL}, any = {NULL, NULL};
	const char *p = pattern, *s = path, *next;

	for (;;) {
		if (*p == '*') {
			bool start = p == pattern || p[-1] == '/';
			size_t stars = strspn(p, "*");

			if (stars > 1 && start && (!p[stars] || p[stars] == '/')) {
				if (!p[stars])
					return true;
				/* Any number of directories, or none: it ends here or behind a later slash. */
				p += stars + 1;
				any = (struct star){p, s};
				one.pattern = NULL;
			} else {
				p += stars;
				one = (struct star){p, s};
			}
			continue;
		}
		if (!*s && !*p)
			return true;
		next = *s ? match_one(p, (unsigned char)*s) : NULL;
		if (next) {
			p = next;
			s++;
			continue;
		}
		if (one.pattern && *one.path && *one.path != '/') {
			p = one.pattern;
			s = ++one.path;
		} else if (any.pattern && strchr(any.path, '/')) {
			any.path = strchr(any.path, '/') + 1;
			p = any.pattern;
			s = any.path;
			one.pattern = NULL;
		} else {
			return false;
		}
	}
}

/* The pattern names the path itself or a directory above it, letter by letter. */
static bool
names(const char *pattern, const char *path)
{
	size_t len = strlen(pattern);

	return len && !strncmp(pattern, path, len) && (!path[len] || path[len] == '/' || pattern[len - 1] == '/');
}

bool
rt_glob_match(const char *pattern, const char *path)
{
	return names(pattern, path) || match(pattern, path);
}

bool
rt_globs_match(const struct rt_strs *patterns, const char *path)
{
	size_t i;

	for (i = 0; i < patterns->n; i++)
		if (rt_glob_match(patterns->at[i], path))
			return true;
	return false;
}

bool
rt_glob_match_id(const char *pattern, const char *id)
{
	const char *star = NULL, *from = NULL;

	for (;;) {
		if (*pattern == '*') {
			star = ++pattern;
			from = id;
		} else if (*id && (*pattern == '?' || *pattern == *id)) {
			pattern++;
			id++;
		} else if (!*id && !*pattern) {
			return true;
		} else if (star && *from) {
			pattern = star;
			id = ++from;
		} else {
			return false;
		}
	}
}
