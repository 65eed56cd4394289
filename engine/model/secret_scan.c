/* Where secrets stand in a proposal, in a file of a tree, and in output that is kept. */

#include <ctype.h>
#include <string.h>

#include "model/policy_parts.h"
#include "support/digest.h"

/* More refusals for one text tell nobody anything. */
enum { MOST_REFUSALS = 200, MOST_ROUNDS = 8 };

/* What of a text counts, line by line, put together; a diff's added lines without their sign. */
struct counted_line {
	size_t offset; /* in the text put together */
	unsigned line;
	size_t path; /* in paths */
};
struct view {
	struct rt_buf text;
	RT_VEC(struct counted_line) lines;
	struct rt_strs paths; /* [0] is the name of the whole */
};

static void
view_release(struct view *view)
{
	rt_buf_release(&view->text);
	free(view->lines.at);
	rt_strs_release(&view->paths);
}

static void
view_add(struct view *view, const char *at, size_t len, unsigned line, size_t path)
{
	*rt_push(&view->lines) = (struct counted_line){view->text.len, line, path};
	rt_buf_add(&view->text, at, len);
}

/* Where in a diff we are. A hunk counts only below a `+++ ` line, where git's mail tools have ended the message. */
struct diff {
	struct view *view;
	unsigned line;		     /* of the whole text */
	unsigned old_left, new_left; /* lines of the hunk still to come */
	unsigned new_line;	     /* of the new file */
	size_t path;
};

static bool
begins_with(const char *at, size_t len, const char *prefix)
{
	return len >= strlen(prefix) && !memcmp(at, prefix, strlen(prefix));
}

/* The path of a `+++ ` line: without b/, and without the tab and date that plain diffs put behind it. */
static void
take_path(struct diff *diff, const char *at, size_t len)
{
	const char *tab = memchr(at, '\t', len);

	if (tab)
		len = (size_t)(tab - at);
	while (len && (at[len - 1] == '\n' || at[len - 1] == '\r'))
		len--;
	if (len > 2 && at[0] == '"' && at[len - 1] == '"') {
		at++;
		len -= 2;
	}
	if (begins_with(at, len, "b/")) {
		at += 2;
		len -= 2;
	}
	diff->path = diff->view->paths.n;
	rt_strs_addn(&diff->view->paths, at, len);
}

/* `-a,b` or `+c,d` at *at, which is moved behind it; left out, the count is 1. */
static bool
take_range(const char **at, char sign, unsigned *start, unsigned *count)
{
	char *end;

	if (**at != sign || !isdigit((unsigned char)(*at)[1]))
		return false;
	*start = (unsigned)strtoul(*at + 1, &end, 10);
	*count = 1;
	if (*end == ',' && isdigit((unsigned char)end[1]))
		*count = (unsigned)strtoul(end + 1, &end, 10);
	*at = end;
	return true;
}

/* `@@ -a,b +c,d @@`, below a `+++ ` line. */
static bool
take_hunk(struct diff *diff, const char *at, size_t len)
{
	rt_auto(free) char *text = rt_strndup(at, len < 80 ? len : 80);
	const char *rest = text + 3;
	unsigned old_start;

	if (!diff->path || !rt_starts_with(text, "@@ -") || !take_range(&rest, '-', &old_start, &diff->old_left))
		return false;
	if (*rest++ != ' ' || !take_range(&rest, '+', &diff->new_line, &diff->new_left))
		return false;
	return rt_starts_with(rest, " @@");
}

static void
hunk_line(struct diff *diff, const char *at, size_t len)
{
	switch (*at) {
	case '+':
		view_add(diff->view, at + 1, len - 1, diff->new_line++, diff->path);
		diff->new_left -= diff->new_left > 0;
		break;
	case '-':
		diff->old_left -= diff->old_left > 0;
		break;
	case '\\':
		break;
	default:
		/* context; some mailers cut the space of an empty line */
		diff->new_line++;
		diff->old_left -= diff->old_left > 0;
		diff->new_left -= diff->new_left > 0;
	}
}

static void
diff_line(struct diff *diff, const char *at, size_t len)
{
	bool in_hunk = diff->old_left || diff->new_left;

	diff->line++;
	if (in_hunk && *at && strchr("+- \\\n\r", *at)) {
		hunk_line(diff, at, len);
		return;
	}
	/* git puts a line of the old file behind the second @@ */
	if (take_hunk(diff, at, len))
		return;
	diff->old_left = diff->new_left = 0;
	if (begins_with(at, len, "+++ "))
		take_path(diff, at + 4, len - 4);
	else if (begins_with(at, len, "diff ") || begins_with(at, len, "From "))
		diff->path = 0;
	view_add(diff->view, at, len, diff->line, 0);
}

static bool
ends_with(const char *name, const char *end)
{
	return name && rt_ends_with(name, end);
}

static bool
line_begins(const char *bytes, size_t len, const char *prefix)
{
	const char *at = bytes, *end = bytes + len;

	while ((at = memmem(at, (size_t)(end - at), prefix, strlen(prefix)))) {
		if (at == bytes || at[-1] == '\n')
			return true;
		at++;
	}
	return false;
}

static bool
is_diff(const char *name, const char *bytes, size_t len)
{
	if (ends_with(name, ".patch") || ends_with(name, ".diff"))
		return true;
	return line_begins(bytes, len, "diff --git ") ||
	       (line_begins(bytes, len, "--- ") && line_begins(bytes, len, "+++ ") && line_begins(bytes, len, "@@ -"));
}

static void
view_fill(struct view *view, const char *bytes, size_t len, bool as_diff)
{
	struct diff diff = {.view = view};

	for (size_t at = 0; at < len;) {
		const char *stop = memchr(bytes + at, '\n', len - at);
		size_t n = stop ? (size_t)(stop - bytes) + 1 - at : len - at;
		if (as_diff)
			diff_line(&diff, bytes + at, n);
		else
			view_add(view, bytes + at, n, ++diff.line, 0);
		at += n;
	}
}

/* The line of the view that holds offset. */
static const struct counted_line *
view_line(const struct view *view, size_t offset)
{
	size_t low = 0, high = view->lines.n;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (view->lines.at[middle].offset <= offset)
			low = middle;
		else
			high = middle;
	}
	return &view->lines.at[low];
}

/* A path can hold the secret itself. */
static void
refuse(const struct rt_policy *policy, const char *rule, const char *path, unsigned line, struct rt_refusals *out)
{
	rt_auto(buf) struct rt_buf shown = RT_BUF_INIT;

	rt_buf_adds(&shown, path ? path : "");
	rt_policy_redact(policy, &shown);
	rt_refuse(out, rule, path ? shown.data : NULL, line,
		  "a secret: take it out, and replace it where it is used, since it has "
		  "been written down");
}

static void
scan(const struct rt_policy *policy, const char *name, const char *bytes, size_t len, bool as_diff,
     struct rt_refusals *out)
{
	struct view view = {.text = RT_BUF_INIT};
	struct rt_secret_hits hits = {0};

	rt_strs_add(&view.paths, name ? name : "");
	view_fill(&view, bytes, len, as_diff);
	rt_secret_find(policy, view.text.data, view.text.len, &hits);
	for (size_t i = 0; i < hits.n && i < MOST_REFUSALS; i++) {
		const struct counted_line *line = view_line(&view, hits.at[i].start);
		refuse(policy, hits.at[i].rule, line->path || name ? view.paths.at[line->path] : NULL, line->line, out);
	}
	free(hits.at);
	view_release(&view);
}

void
rt_policy_scan(const struct rt_policy *policy, const char *name, const char *bytes, size_t len, struct rt_refusals *out)
{
	scan(policy, name, bytes, len, false, out);
}

void
rt_policy_scan_patch(const struct rt_policy *policy, const char *name, const char *bytes, size_t len,
		     struct rt_refusals *out)
{
	scan(policy, name, bytes, len, is_diff(name, bytes, len), out);
}

/* Two finds are the same secret when rule and text agree; of a long block the beginning tells. */
static void
digest_hit(const char *bytes, const struct rt_secret_hit *hit, char hex[RT_SHA256_HEX + 1])
{
	size_t len = hit->end - hit->start;
	struct rt_sha256 h;

	rt_sha256_start(&h);
	rt_sha256_field(&h, hit->rule, strlen(hit->rule));
	rt_sha256_field(&h, bytes + hit->start, len < 512 ? len : 512);
	rt_sha256_hex(&h, hex);
}

static void
known_of(const struct rt_policy *policy, const char *bytes, size_t len, struct rt_strs *known)
{
	struct rt_secret_hits hits = {0};
	char hex[RT_SHA256_HEX + 1];

	rt_secret_find(policy, bytes, len, &hits);
	for (size_t i = 0; i < hits.n && i < MOST_REFUSALS; i++) {
		digest_hit(bytes, &hits.at[i], hex);
		rt_strs_add(known, hex);
	}
	free(hits.at);
}

void
rt_policy_scan_change(const struct rt_policy *policy, const char *path, const char *old, size_t old_len,
		      const char *bytes, size_t len, struct rt_refusals *out)
{
	rt_auto(strs) struct rt_strs known = {0};
	struct rt_secret_hits hits = {0};
	unsigned line = 1;
	size_t at = 0, refused = 0;

	rt_secret_find(policy, bytes, len, &hits);
	if (hits.n && old)
		known_of(policy, old, old_len, &known);
	for (size_t i = 0; i < hits.n && refused < MOST_REFUSALS; i++) {
		char hex[RT_SHA256_HEX + 1];
		for (; at < hits.at[i].start; at++)
			line += bytes[at] == '\n';
		digest_hit(bytes, &hits.at[i], hex);
		if (rt_strs_has(&known, hex))
			continue;
		refuse(policy, hits.at[i].rule, path, line, out);
		refused++;
	}
	free(hits.at);
}

static void
replace_hits(struct rt_buf *text, const struct rt_secret_hits *hits)
{
	struct rt_buf out = RT_BUF_INIT;
	size_t at = 0;

	for (size_t i = 0; i < hits->n; i++) {
		rt_buf_add(&out, text->data + at, hits->at[i].start - at);
		rt_buf_addf(&out, "[redacted: %s]", hits->at[i].rule);
		at = hits->at[i].end;
	}
	rt_buf_add(&out, text->data + at, text->len - at);
	rt_buf_release(text);
	*text = out;
}

/*
 * A secret can stand right behind another, which made it look like the middle of a word, so the text is searched again
 * until nothing is found. Patterns are not: one may match what stands in a secret's place.
 */
size_t
rt_policy_redact(const struct rt_policy *policy, struct rt_buf *text)
{
	struct rt_policy again = *policy;
	size_t count = 0;

	again.patterns.n = 0;
	for (int round = 0; round < MOST_ROUNDS; round++) {
		struct rt_secret_hits hits = {0};
		size_t found;
		rt_secret_find(round ? &again : policy, text->data, text->len, &hits);
		found = hits.n;
		if (found)
			replace_hits(text, &hits);
		free(hits.at);
		count += found;
		if (!found)
			break;
	}
	return count;
}
