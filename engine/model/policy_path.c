#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "model/policy_parts.h"

enum { MOST_DEPTH = 255, MOST_COMPONENT = 255, MOST_PATH = 4096 };

/* The code point at text and its length, or 0 for bytes that are not UTF-8 (overlong forms and surrogates included). */
static size_t
utf8(const unsigned char *text, size_t len, uint32_t *code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = *text < 0x80 ? 1 : *text >> 5 == 6 ? 2 : *text >> 4 == 14 ? 3 : *text >> 3 == 30 ? 4 : 0;

	if (!n || n > len)
		return 0;
	*code = n == 1 ? *text : *text & (0xff >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if (text[i] >> 6 != 2)
			return 0;
		*code = *code << 6 | (text[i] & 0x3f);
	}
	if (*code < least[n] || *code > 0x10ffff || *code >> 11 == 0xd800 >> 11)
		return 0;
	return n;
}

/* Code points that HFS+ drops when it compares names (as git's utf8.c lists them). */
static bool
hfs_ignores(uint32_t code)
{
	return (code >= 0x200c && code <= 0x200f) || (code >= 0x202a && code <= 0x202e) ||
	       (code >= 0x206a && code <= 0x206f) || code == 0xfeff;
}

static bool
turns_text(uint32_t code)
{
	return (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

/*
 * What HFS+ and NTFS make of a component: ignorable code points dropped, ASCII letters small, a stream name (`:...`)
 * and trailing dots and spaces cut.
 */
static void
fold(const char *component, size_t len, struct rt_buf *out)
{
	const unsigned char *at = (const unsigned char *)component;

	for (size_t i = 0; i < len;) {
		uint32_t code = 0;
		size_t n = utf8(at + i, len - i, &code);
		if (n == 1)
			rt_buf_addc(out, (char)tolower((int)code));
		else if (!n || !hfs_ignores(code))
			rt_buf_add(out, at + i, n ? n : 1);
		i += n ? n : 1;
	}
	rt_buf_cut(out, strcspn(out->data, ":"));
	while (out->len && (out->data[out->len - 1] == '.' || out->data[out->len - 1] == ' '))
		rt_buf_cut(out, out->len - 1);
}

/* 8.3 names that NTFS makes of a long one: the first six letters and ~1 to ~4, then four hashed ones and so on. */
static bool
is_short_name(const char *folded, const char *letters, const char *hashed)
{
	size_t tilde = strcspn(folded, "~");

	if (tilde == 6 && !strncmp(folded, letters, 6) && folded[7] >= '1' && folded[7] <= '4' && !folded[8])
		return true;
	if (strlen(folded) != 8 || tilde > 6 || strncmp(folded, hashed, tilde))
		return false;
	return folded[tilde + 1] >= '1' && folded[tilde + 1] <= '9' &&
	       strspn(folded + tilde + 1, "0123456789") == 7 - tilde;
}

const char *
rt_dotgit_spelling(const char *component, size_t len)
{
	static const struct {
		const char *name, *hashed;
	} files[] = {
	    {".gitmodules", "gi7eba"}, {".gitattributes", "gi7d29"}, {".gitignore", "gi250a"}, {".mailmap", "maba30"}};
	rt_auto(buf) struct rt_buf folded = RT_BUF_INIT;

	fold(component, len, &folded);
	if (!strcmp(folded.data, ".git") || !strcmp(folded.data, "git~1"))
		return ".git";
	for (size_t i = 0; i < RT_COUNT(files); i++) {
		if (strlen(files[i].name) == len && !memcmp(files[i].name, component, len))
			return NULL;
		if (!strcmp(folded.data, files[i].name) ||
		    is_short_name(folded.data, files[i].name + 1, files[i].hashed))
			return files[i].name;
	}
	return NULL;
}

/* Names that Windows gives to devices in every folder, with any ending. */
static bool
is_device(const char *component, size_t len)
{
	static const char *const names[] = {"con", "prn", "aux", "nul", "conin$", "conout$"};
	static const char *const digits[] = {"1", "2", "3", "4",	"5",	    "6",
					     "7", "8", "9", "\xc2\xb9", "\xc2\xb2", "\xc2\xb3"};
	rt_auto(buf) struct rt_buf base = RT_BUF_INIT;

	for (size_t i = 0; i < len && component[i] != '.' && component[i] != ':'; i++)
		rt_buf_addc(&base, (char)tolower((unsigned char)component[i]));
	while (base.len && base.data[base.len - 1] == ' ')
		rt_buf_cut(&base, base.len - 1);
	for (size_t i = 0; i < RT_COUNT(names); i++)
		if (!strcmp(base.data, names[i]))
			return true;
	if (!rt_starts_with(base.data, "com") && !rt_starts_with(base.data, "lpt"))
		return false;
	for (size_t i = 0; i < RT_COUNT(digits); i++)
		if (!strcmp(base.data + 3, digits[i]))
			return true;
	return false;
}

struct problem {
	const char *rule, *reason;
};
#define SOUND ((struct problem){NULL, NULL})

static struct problem
bytes_problem(const char *component, size_t len)
{
	const unsigned char *at = (const unsigned char *)component;

	for (size_t i = 0; i < len;) {
		uint32_t code = 0;
		size_t n = utf8(at + i, len - i, &code);
		if (!n)
			return (struct problem){"path-name", "a name that is not UTF-8"};
		if (code < 0x20 || (code >= 0x7f && code < 0xa0))
			return (struct problem){"path-name", "a control character in a name"};
		if (code == '\\')
			return (struct problem){"path-name",
						"a backslash in a name, which separates folders on Windows"};
		if (turns_text(code))
			return (struct problem){"path-name", "a character in a name that turns the direction of text"};
		i += n;
	}
	return SOUND;
}

static struct problem
component_problem(const char *component, size_t len)
{
	struct problem problem = SOUND;
	const char *dotgit;

	if (len == 0)
		return (struct problem){"path-syntax", "an empty component"};
	if (len == 1 && *component == '.')
		return (struct problem){"path-syntax", "a component `.`"};
	if (len == 2 && !memcmp(component, "..", 2))
		return (struct problem){"path-escape", "a component `..`"};
	dotgit = rt_dotgit_spelling(component, len);
	if (dotgit)
		return (struct problem){"dotgit", strcmp(dotgit, ".git") ? "an odd spelling of a file that git obeys"
									 : "a spelling of .git"};
	problem = bytes_problem(component, len);
	if (problem.rule)
		return problem;
	if (component[len - 1] == '.' || component[len - 1] == ' ')
		return (struct problem){"path-name", "a name that ends with a dot or a space, which Windows drops"};
	if (is_device(component, len))
		return (struct problem){"path-name", "a name that means a device on Windows"};
	if (len > MOST_COMPONENT)
		return (struct problem){"too-large", "a name of more than 255 bytes"};
	return SOUND;
}

static struct problem
path_problem(const char *path)
{
	size_t depth = 0;

	if (*path == '/')
		return (struct problem){"path-syntax", "an absolute path"};
	for (const char *at = path;; at++) {
		size_t len = strcspn(at, "/");
		struct problem problem = component_problem(at, len);
		if (problem.rule)
			return problem;
		depth++;
		at += len;
		if (!*at)
			break;
	}
	if (depth > MOST_DEPTH || strlen(path) >= MOST_PATH)
		return (struct problem){"too-large", "a path that is too long or too deep"};
	return SOUND;
}

const char *
rt_path_problem(const char *path, const char **reason)
{
	struct problem problem = path_problem(path);

	if (reason)
		*reason = problem.reason;
	return problem.rule;
}

static size_t
depth_of(const char *path)
{
	size_t depth = 0;

	while ((path = strchr(path, '/'))) {
		depth++;
		path++;
	}
	return depth;
}

/*
 * A target may climb with leading `..` no further than the root, and then only descend: `..` behind a name could climb
 * out from wherever another link led. With this rule for each link, no chain of them leaves the tree.
 */
static struct problem
link_problem(const char *path, const char *target)
{
	size_t depth = depth_of(path);
	bool descended = false;

	if (!*target)
		return (struct problem){"symlink-target", "an empty target"};
	if (*target == '/' || (isalpha((unsigned char)*target) && target[1] == ':'))
		return (struct problem){"symlink-target", "an absolute target"};
	if (strlen(target) >= MOST_PATH)
		return (struct problem){"symlink-target", "the target is too long"};
	for (const char *at = target; *at; at += *at == '/') {
		size_t len = strcspn(at, "/");
		if (len == 2 && !memcmp(at, "..", 2)) {
			if (descended || depth == 0)
				return (struct problem){"symlink-target", descended ? "a target with `..` behind a name"
										    : "a target outside of the tree"};
			depth--;
		} else if (len && !(len == 1 && *at == '.')) {
			if (rt_dotgit_spelling(at, len))
				return (struct problem){"dotgit", "a symlink to a spelling of .git"};
			if (bytes_problem(at, len).rule)
				return (struct problem){"symlink-target", "a target with bytes that no path may hold"};
			descended = true;
		}
		at += len;
	}
	return SOUND;
}

const char *
rt_link_problem(const char *path, const char *target, size_t len, const char **reason)
{
	rt_auto(free) char *text = rt_strndup(target, len);
	const char *name = strrchr(path, '/');
	struct problem problem;

	name = name ? name + 1 : path;
	if (strlen(text) != len)
		problem = (struct problem){"symlink-target", "a NUL in the target"};
	else if (!strcmp(name, ".gitmodules") || !strcmp(name, ".gitattributes") || !strcmp(name, ".gitignore"))
		problem = (struct problem){"dotgit", "a symlink in the place of a file that git obeys"};
	else
		problem = link_problem(path, text);
	if (reason)
		*reason = problem.reason;
	return problem.rule;
}
