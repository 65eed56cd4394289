#include "git/touched.h"

#include <string.h>
#include <sys/stat.h>

#include "git/binary.h"

#define NAME_LINE_MAX (16u << 10) /* longer header lines name nothing: no path is that long */
#define HEADER_LINES_MAX 32	  /* of one file; git writes eight at most */
#define NAMES_MAX (64u << 20)	  /* bytes of candidates held */
#define QUOTED_MAX 8		  /* quoted strings looked at in one line */
#define CUTS_MAX 8		  /* trailing words taken for a time stamp */
#define TOTAL_BLOBS 4		  /* the binary hunks of one patch together, in units of max_blob */
#define FRAGMENT_MIN 14		  /* "@@ -a,b +c,d @@\n" minimum for a header without "diff --git" */
#define LITERAL(s) (s), sizeof(s) - 1

struct line {
	const char *at;
	size_t len; /* without the newline */
};

struct scan {
	const char *at, *end;
	const struct rt_apply_limits *limits;
	struct rt_strs *paths;
	struct rt_buf *why;
	uint64_t files, blobs; /* headers seen; bytes that the binary hunks declare */
	size_t held;	       /* bytes of candidates */
	unsigned header_lines; /* left of the present header; 0: not in one */
	bool binary;	       /* after "GIT binary patch", until the next header */
};

static bool
starts(struct line line, const char *word, size_t len)
{
	return line.len >= len && !memcmp(line.at, word, len);
}

static struct line
line_at(const char *at, const char *end)
{
	const char *stop = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;

	return (struct line){at, (size_t)((stop ? stop : end) - at)};
}

/* Where the next line begins, or the end. */
static const char *
after(struct line line, const char *end)
{
	return line.at + line.len < end ? line.at + line.len + 1 : end;
}

static bool
octal(char c, char most)
{
	return c >= '0' && c <= most;
}

/* The byte of an escape that begins after its backslash; *used is its length. -1: none. */
static int
escape(const char *s, size_t len, size_t *used)
{
	static const char names[] = "abfnrtv\\\"", bytes[] = "\a\b\f\n\r\t\v\\\"";
	const char *name;

	*used = 1;
	if (len >= 3 && octal(s[0], '3') && octal(s[1], '7') && octal(s[2], '7')) {
		*used = 3;
		return (s[0] - '0') << 6 | (s[1] - '0') << 3 | (s[2] - '0');
	}
	name = len && s[0] ? strchr(names, s[0]) : NULL;
	return name ? (unsigned char)bytes[name - names] : -1;
}

bool
rt_touched_unquote(const char *s, size_t len, struct rt_buf *out)
{
	size_t i = 1, used;
	int byte;

	rt_buf_cut(out, 0);
	if (!len || s[0] != '"')
		return false;
	while (i < len && s[i] != '"') {
		if (s[i] != '\\') {
			rt_buf_addc(out, s[i++]);
			continue;
		}
		byte = escape(s + i + 1, len - i - 1, &used);
		if (byte < 0)
			return false;
		rt_buf_addc(out, (char)byte);
		i += 1 + used;
	}
	rt_buf_cut(out, strlen(out->data));
	return i < len;
}

/* Adds a path as it stands, runs of slashes made one as git makes them. */
static void
add_path(struct scan *scan, const char *name, size_t len)
{
	rt_auto(buf) struct rt_buf path = RT_BUF_INIT;
	size_t i;

	for (i = 0; i < len && name[i]; i++)
		if (name[i] != '/' || !path.len || path.data[path.len - 1] != '/')
			rt_buf_addc(&path, name[i]);
	if (!path.len)
		return;
	rt_strs_add(scan->paths, path.data);
	scan->held += path.len + 1 + sizeof(char *);
}

/* A name with none and with one leading part taken off: git guesses 0 for bare names and then keeps to it. */
static void
add_stripped(struct scan *scan, const char *name, size_t len)
{
	const char *slash = memchr(name, '/', len);

	add_path(scan, name, len);
	if (slash)
		add_path(scan, slash + 1, len - (size_t)(slash + 1 - name));
}

static void
add_cut_at(struct scan *scan, const char *name, size_t len, char c)
{
	const char *at = memchr(name, c, len);

	if (at)
		add_stripped(scan, name, (size_t)(at - name));
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* A name that may end at a tab or a carriage return; with dated, in a time stamp of a few words too. */
static void
add_name(struct scan *scan, const char *name, size_t len, bool dated)
{
	rt_auto(buf) struct rt_buf unquoted = RT_BUF_INIT;
	size_t cut, cuts;

	if (len > NAME_LINE_MAX)
		return;
	if (rt_touched_unquote(name, len, &unquoted))
		add_stripped(scan, unquoted.data, unquoted.len);
	add_stripped(scan, name, len);
	add_cut_at(scan, name, len, '\t');
	add_cut_at(scan, name, len, '\r');
	for (cut = len, cuts = 0; dated && cuts < CUTS_MAX; cuts++) {
		while (cut && !is_blank(name[cut - 1]))
			cut--;
		while (cut && is_blank(name[cut - 1]))
			cut--;
		if (!cut)
			break;
		add_stripped(scan, name, cut);
	}
}

/* The one name in `X/name Y/name`, where both halves are the same after strip leading parts; it may hold spaces. */
static void
add_twin(struct scan *scan, const char *s, size_t len, bool strip)
{
	const char *first = strip ? memchr(s, '/', len) : s, *gap, *second;
	size_t n;

	if (!first)
		return;
	first += strip;
	for (gap = first; gap < s + len; gap++) {
		n = (size_t)(gap - first);
		if ((*gap != ' ' && *gap != '\t') || n + 1 > (size_t)(s + len - gap))
			continue;
		second = s + len - n;
		if (memcmp(first, second, n))
			continue;
		if (strip ? second[-1] == '/' && memchr(gap + 1, '/', (size_t)(second - gap - 1)) == second - 1
			  : second == gap + 1)
			add_path(scan, first, n);
	}
}

/* What follows "diff --git ": git takes the name from here when no other header line gives it. */
static void
add_both(struct scan *scan, const char *s, size_t len)
{
	rt_auto(buf) struct rt_buf name = RT_BUF_INIT;
	size_t i, quoted = 0;

	if (len > 2 * NAME_LINE_MAX)
		return;
	for (i = 0; i < len && quoted < QUOTED_MAX; i++) {
		if (s[i] != '"' || (i && !is_blank(s[i - 1])))
			continue;
		quoted++;
		if (rt_touched_unquote(s + i, len - i, &name))
			add_stripped(scan, name.data, name.len);
	}
	add_twin(scan, s, len, false);
	add_twin(scan, s, len, true);
}

/* The lines that git takes as part of a header, and what they hold. */
enum holds { HOLDS_NAME, HOLDS_MODE, HOLDS_IDS, HOLDS_OTHER };

/* Returns the length of the keyword; 0: the header has ended. */
static size_t
header_word(struct line line, enum holds *holds)
{
	static const struct {
		const char *word;
		enum holds holds;
	} words[] = {
	    {"--- ", HOLDS_NAME},
	    {"+++ ", HOLDS_NAME},
	    {"old mode ", HOLDS_MODE},
	    {"new mode ", HOLDS_MODE},
	    {"new file mode ", HOLDS_MODE},
	    {"deleted file mode ", HOLDS_MODE},
	    {"copy from ", HOLDS_NAME},
	    {"copy to ", HOLDS_NAME},
	    {"rename old ", HOLDS_NAME},
	    {"rename new ", HOLDS_NAME},
	    {"rename from ", HOLDS_NAME},
	    {"rename to ", HOLDS_NAME},
	    {"similarity index ", HOLDS_OTHER},
	    {"dissimilarity index ", HOLDS_OTHER},
	    {"index ", HOLDS_IDS},
	};
	size_t i;

	for (i = 0; i < RT_COUNT(words); i++) {
		*holds = words[i].holds;
		if (starts(line, words[i].word, strlen(words[i].word)))
			return strlen(words[i].word);
	}
	return 0;
}

/* Mode 040000 is a directory's: git would write a tree with a file under it (seen). */
static int
check_mode(struct scan *scan, const char *mode, size_t len)
{
	char number[32] = "";

	memcpy(number, mode, len < sizeof(number) ? len : sizeof(number) - 1);
	if (strtoul(number, NULL, 8) != S_IFDIR)
		return 0;
	rt_buf_adds(scan->why, "it gives a file the mode of a directory\n");
	return 2;
}

static int
scan_header(struct scan *scan, const char *value, size_t len, enum holds holds)
{
	const char *mode = memchr(value, ' ', len);

	scan->header_lines--;
	if (holds == HOLDS_NAME)
		add_name(scan, value, len, false);
	if (holds == HOLDS_MODE)
		return check_mode(scan, value, len);
	if (holds == HOLDS_IDS && mode)
		return check_mode(scan, mode + 1, len - (size_t)(mode + 1 - value));
	return 0;
}

/* "--- ", "+++ ", "@@ -": the header of a patch that git did not write. */
static bool
is_plain_header(const struct scan *scan, struct line line, struct line *second)
{
	const char *third;

	if (!starts(line, LITERAL("--- ")))
		return false;
	*second = line_at(after(line, scan->end), scan->end);
	if (!starts(*second, LITERAL("+++ ")))
		return false;
	third = after(*second, scan->end);
	return scan->end - third >= FRAGMENT_MIN && !memcmp(third, "@@ -", 4);
}

static int
over(struct scan *scan, const char *what, uint64_t n, uint64_t max)
{
	rt_buf_addf(scan->why, "%s: %llu, the limit is %llu\n", what, (unsigned long long)n, (unsigned long long)max);
	return 2;
}

static int
check_binary(struct scan *scan, struct line line)
{
	uint64_t declared, made = 0;
	bool is_delta;
	const char *data;

	if (!rt_binary_header(line.at, line.len, &declared, &is_delta))
		return 0;
	data = after(line, scan->end);
	if (is_delta && declared <= scan->limits->max_blob)
		made = rt_binary_delta_result(data, (size_t)(scan->end - data));
	if (made > declared)
		declared = made;
	if (declared > scan->limits->max_blob)
		return over(scan, "bytes of a binary hunk", declared, scan->limits->max_blob);
	scan->blobs += declared;
	if (scan->blobs / TOTAL_BLOBS > scan->limits->max_blob)
		return over(scan, "bytes of all binary hunks", scan->blobs, scan->limits->max_blob * TOTAL_BLOBS);
	return 0;
}

static int
count_file(struct scan *scan)
{
	if (++scan->files > scan->limits->max_files)
		return over(scan, "files in the patch", scan->files, scan->limits->max_files);
	if (scan->held > NAMES_MAX)
		return over(scan, "bytes of names in the patch's headers", scan->held, NAMES_MAX);
	return 0;
}

static int
scan_line(struct scan *scan, struct line line)
{
	struct line second;
	enum holds holds;
	size_t word;

	if (starts(line, LITERAL("diff --git "))) {
		add_both(scan, line.at + 11, line.len - 11);
		scan->header_lines = HEADER_LINES_MAX;
		scan->binary = false;
		return count_file(scan);
	}
	word = scan->header_lines ? header_word(line, &holds) : 0;
	if (word)
		return scan_header(scan, line.at + word, line.len - word, holds);
	scan->header_lines = 0;
	if (is_plain_header(scan, line, &second)) {
		add_name(scan, line.at + 4, line.len - 4, true);
		add_name(scan, second.at + 4, second.len - 4, true);
		scan->binary = false;
		return count_file(scan);
	}
	if (line.len == 16 && starts(line, LITERAL("GIT binary patch")))
		scan->binary = true;
	return scan->binary ? check_binary(scan, line) : 0;
}

int
rt_touched_scan(const char *patch, size_t len, const struct rt_apply_limits *limits, struct rt_strs *paths,
		struct rt_buf *why)
{
	struct scan scan = {.at = patch, .end = patch + len, .limits = limits, .paths = paths, .why = why};
	struct line line;
	int result = 0;

	if (len > limits->max_patch)
		return over(&scan, "bytes of patch", len, limits->max_patch);
	while (scan.at < scan.end && !result) {
		line = line_at(scan.at, scan.end);
		result = scan_line(&scan, line);
		scan.at = after(line, scan.end);
	}
	rt_strs_sort(paths);
	rt_strs_unique(paths);
	return result;
}
