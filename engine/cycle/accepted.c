#include "cycle/accepted.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cycle/ledger.h"
#include "model/judge.h"
#include "support/clock.h"
#include "support/file.h"

/*
 * The text of a chain: lines, after an empty first one.
 *
 *     L <commit>          landed; in lower case when by fast checks alone
 *     C <commit> <tree>   accepted as a candidate: `check` of a branch that does not descend from the target tests a
 * merge, whose tree is not that of the commit that the entry names = <head>            all above is what the chain's
 * entries up to this one accept
 *
 * It is appended to under a lock and never synced: what stands behind the last whole "=" is not read, and a line that a
 * power cut took away makes the commit be judged once more.
 */

enum { BUSY_MS = 2000, TEXT_MAX = 1 << 30 };

struct reading {
	const char *covered; /* the head that the notes know; "" none */
	struct rt_buf lines;
	bool met;
};

static int
note(void *data, const struct rt_oid *at, const struct rt_facts *facts, struct rt_err *err)
{
	struct reading *reading = data;
	enum rt_verdict verdict;
	char name[32];
	(void)err;
	if (strcmp(at->hex, reading->covered) == 0) {
		reading->met = true;
		return 1;
	}
	/* an intent accepts nothing until its outcome says so */
	if (facts->op == RT_OP_INTENT || !facts->verdict.at || facts->verdict.len >= sizeof(name))
		return 0;
	memcpy(name, facts->verdict.at, facts->verdict.len);
	name[facts->verdict.len] = '\0';
	if (rt_verdict_parse(name, &verdict) < 0 || rt_verdict_exit(verdict) != 0)
		return 0;
	if (facts->landed.at)
		rt_buf_addf(&reading->lines, "%c %.*s\n", facts->fast ? 'l' : 'L', (int)facts->landed.len,
			    facts->landed.at);
	if (facts->candidate.at && facts->tree.at)
		rt_buf_addf(&reading->lines, "%c %.*s %.*s\n", facts->fast ? 'c' : 'C', (int)facts->candidate.len,
			    facts->candidate.at, (int)facts->tree.len, facts->tree.at);
	return 0;
}

/* Cuts off what stands behind the last whole mark, and says which head that names; "" none. */
static void
find_covered(struct rt_buf *text, char covered[RT_OID_HEX + 1])
{
	const size_t len = strlen("\n= \n") + RT_OID_HEX;
	covered[0] = '\0';
	for (size_t end = text->len; end >= len; end--) {
		const char *mark = text->data + end - len;
		if (mark[0] != '\n' || mark[1] != '=' || mark[2] != ' ' || mark[len - 1] != '\n' ||
		    strspn(mark + 3, "0123456789abcdef") != RT_OID_HEX)
			continue;
		memcpy(covered, mark + 3, RT_OID_HEX);
		covered[RT_OID_HEX] = '\0';
		rt_buf_cut(text, end);
		return;
	}
	rt_buf_cut(text, 0);
}

/* Adds to the text what entries say that it does not know. from: what of it is noted already. */
static int
catch_up(struct rt_home *home, const struct rt_oid *head, struct rt_buf *text, size_t *from, struct rt_err *err)
{
	char covered[RT_OID_HEX + 1];
	struct reading reading = {.covered = covered, .lines = RT_BUF_INIT};
	find_covered(text, covered);
	*from = text->len;
	if (strcmp(covered, head->hex) == 0)
		return 0;
	int result = rt_ledger_scan(home, head, note, &reading, err);
	if (result >= 0 && !reading.met) {
		/* a chain that was cut short or rewritten no longer says what it said */
		rt_buf_cut(text, 0);
		rt_buf_addc(text, '\n');
		*from = 0;
	}
	rt_buf_add(text, reading.lines.data, reading.lines.len);
	rt_buf_addf(text, "= %s\n", head->hex);
	rt_buf_release(&reading.lines);
	return result < 0 ? -1 : 0;
}

/* The notes are a convenience: a repository that can't be written to does without. */
static void
write_notes(int fd, const struct rt_buf *text, size_t from)
{
	if (ftruncate(fd, (off_t)from) < 0 || lseek(fd, (off_t)from, SEEK_SET) < 0)
		return;
	if (rt_write_all(fd, text->data + from, text->len - from) < 0 && ftruncate(fd, (off_t)from) < 0)
		return;
}

static int
read_chain(struct rt_accepting *accepting, struct rt_home *home, const char *name, const struct rt_oid *head,
	   struct rt_err *err)
{
	rt_auto(lock) struct rt_lock lock = RT_LOCK_INIT;
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	rt_auto(free) char *file = rt_strdup(name);
	rt_auto(free) char *dir = rt_home_path(home, "accepted");
	struct rt_err ignored = RT_ERR_INIT;
	size_t from = 0;
	for (char *c = file; *c; c++)
		*c = *c == '/' ? '%' : *c;
	rt_auto(free) char *path = rt_format("%s/%s", dir, file);
	bool noted = rt_mkdirs(AT_FDCWD, dir, 0755, &ignored) == 0 &&
		     rt_lock_take(&lock, path, false, rt_clock_ms() + BUSY_MS, NULL, NULL, &ignored) == 0;
	/* a hole, where a power cut took a page, would hide what follows */
	if (noted && (rt_file_read(AT_FDCWD, path, TEXT_MAX, &text, &ignored) < 0 || strlen(text.data) != text.len))
		rt_buf_cut(&text, 0);
	if (catch_up(home, head, &text, &from, err) < 0)
		return -1;
	if (noted && from < text.len)
		write_notes(lock.fd, &text, from);
	rt_strs_addn(&accepting->texts, text.data, text.len);
	return 0;
}

struct chains {
	struct rt_accepting *accepting;
	struct rt_home *home;
	const struct rt_strs *trusted;
};

static int
visit(void *data, const char *name, const struct rt_oid *oid, struct rt_err *err)
{
	const struct chains *chains = data;
	const char *writer = strrchr(name, '/') + 1;
	if (strcmp(writer, chains->home->writer) != 0 && !rt_strs_has(chains->trusted, writer))
		return 0;
	return read_chain(chains->accepting, chains->home, name, oid, err);
}

int
rt_accepting_read(struct rt_accepting *accepting, struct rt_home *home, struct rt_err *err)
{
	rt_auto(strs) struct rt_strs trusted = {0};
	struct chains chains = {accepting, home, &trusted};
	if (rt_repo_config_all(home->repo, "ratchet.trustedWriter", &trusted, err) < 0 ||
	    rt_ref_each(home->repo, RT_LEDGER_REFS, visit, &chains, err) < 0)
		return -1;
	return trusted.n ? rt_ref_each(home->repo, "refs/ratchet/remotes/", visit, &chains, err) : 0;
}

static bool
has_line(const struct rt_accepting *accepting, const char *line)
{
	for (size_t i = 0; i < accepting->texts.n; i++)
		if (strstr(accepting->texts.at[i], line))
			return true;
	return false;
}

bool
rt_accepting_landed(const struct rt_accepting *accepting, const char *commit)
{
	rt_auto(free) char *line = rt_format("\nL %s\n", commit);
	return has_line(accepting, line);
}

bool
rt_accepting_has(const struct rt_accepting *accepting, const char *commit, const char *tree, bool fast_too)
{
	rt_auto(free) char *candidate = rt_format("\nC %s %s\n", commit, tree);
	rt_auto(free) char *fast_candidate = rt_format("\nc %s %s\n", commit, tree);
	rt_auto(free) char *fast = rt_format("\nl %s\n", commit);
	if (rt_accepting_landed(accepting, commit) || has_line(accepting, candidate))
		return true;
	return fast_too && (has_line(accepting, fast) || has_line(accepting, fast_candidate));
}

void
rt_accepting_release(struct rt_accepting *accepting)
{
	rt_strs_release(&accepting->texts);
}
