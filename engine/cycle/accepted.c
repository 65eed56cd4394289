#include "cycle/accepted.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cycle/ledger.h"
#include "model/judge.h"
#include "support/clock.h"
#include "support/file.h"

/*
 * The text of a chain: lines, after an empty first one.
 *
 *     L <commit>          landed; in lower case when by fast checks alone
 *     C <commit> <tree>   accepted as a candidate, with the tree that was tested
 *     = <head>            all above is what the chain's entries up to this one accept
 *
 * The tree is noted because `check` of a branch that does not descend from the target tests a merge, whose tree is not
 * that of the commit that the entry names.
 *
 * It is appended to under a lock and never synced: what stands behind the last whole "=" is not read, and a line that a
 * power cut took away makes the commit be judged once more.
 */

enum { BUSY_MS = 2000, TAIL = 64 << 10 };

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
	/* what was compared with itself (`baseline record`, `check --base HEAD`) was not compared at all */
	bool itself = facts->base.at && facts->candidate.at && facts->base.len == facts->candidate.len &&
		      memcmp(facts->base.at, facts->candidate.at, facts->base.len) == 0;
	if (facts->candidate.at && facts->tree.at && !itself)
		rt_buf_addf(&reading->lines, "%c %.*s %.*s\n", facts->fast ? 'c' : 'C', (int)facts->candidate.len,
			    facts->candidate.at, (int)facts->tree.len, facts->tree.at);
	return 0;
}

/* Finds the last whole mark, which says how much of the file counts and which head it knows; "" none. */
static void
find_covered(struct rt_notes *notes, char covered[RT_OID_HEX + 1])
{
	const size_t mark_len = strlen("\n= \n") + RT_OID_HEX;
	covered[0] = '\0';
	notes->len = 0;
	for (size_t end = notes->map_len; end >= mark_len; end--) {
		const char *mark = notes->map + end - mark_len;
		char hex[RT_OID_HEX + 1] = "";
		if (mark[0] != '\n' || mark[1] != '=' || mark[2] != ' ' || mark[mark_len - 1] != '\n')
			continue;
		memcpy(hex, mark + 3, RT_OID_HEX);
		if (strspn(hex, "0123456789abcdef") != RT_OID_HEX)
			continue;
		memcpy(covered, hex, sizeof(hex));
		notes->len = end;
		return;
	}
}

/* Adds what entries say that the file does not know. */
static int
catch_up(struct rt_home *home, const struct rt_oid *head, struct rt_notes *notes, struct rt_err *err)
{
	char covered[RT_OID_HEX + 1];
	struct reading reading = {.covered = covered, .lines = RT_BUF_INIT};
	find_covered(notes, covered);
	if (strcmp(covered, head->hex) == 0)
		return 0;
	int result = rt_ledger_scan(home, head, note, &reading, err);
	if (result >= 0 && !reading.met) {
		/* a chain that was cut short or rewritten no longer says what it said */
		notes->len = 0;
		rt_buf_addc(&notes->fresh, '\n');
	}
	rt_buf_add(&notes->fresh, reading.lines.data, reading.lines.len);
	rt_buf_addf(&notes->fresh, "= %s\n", head->hex);
	rt_buf_release(&reading.lines);
	return result < 0 ? -1 : 0;
}

/* The notes are a convenience: a repository that can't be written to does without. */
static void
write_notes(int fd, const struct rt_notes *notes)
{
	off_t from = (off_t)notes->len;
	if (!notes->fresh.len || ftruncate(fd, from) < 0 || lseek(fd, from, SEEK_SET) < 0)
		return;
	if (rt_write_all(fd, notes->fresh.data, notes->fresh.len) < 0 && ftruncate(fd, from) < 0)
		return;
}

static void
map_file(struct rt_notes *notes, int fd)
{
	struct stat st;
	if (fstat(fd, &st) < 0 || st.st_size <= 0)
		return;
	void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return;
	notes->map = map;
	notes->map_len = (size_t)st.st_size;
}

static int
read_chain(struct rt_accepting *accepting, struct rt_home *home, const char *name, const struct rt_oid *head,
	   struct rt_err *err)
{
	rt_auto(free) char *file = rt_strdup(name);
	rt_auto(free) char *dir = rt_home_path(home, "accepted");
	struct rt_notes *notes = rt_push(&accepting->chains);
	struct rt_err ignored = RT_ERR_INIT;
	*notes = (struct rt_notes){.fresh = RT_BUF_INIT, .lock = RT_LOCK_INIT};
	for (char *c = file; *c; c++)
		*c = *c == '/' ? '%' : *c;
	rt_auto(free) char *path = rt_format("%s/%s", dir, file);
	bool noted = rt_mkdirs(AT_FDCWD, dir, 0755, &ignored) == 0 &&
		     rt_lock_take(&notes->lock, path, false, rt_clock_ms() + BUSY_MS, NULL, NULL, &ignored) == 0;
	if (noted)
		map_file(notes, notes->lock.fd);
	if (catch_up(home, head, notes, err) < 0)
		return -1;
	if (noted)
		write_notes(notes->lock.fd, notes);
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

/* Does the text hold a line "<kind> <commit>[ <rest>]"? */
static bool
has_line(const char *text, size_t len, char kind, const char *commit, const char *rest)
{
	rt_auto(free) char *line = rt_format("\n%c %s%s%s\n", kind, commit, rest ? " " : "", rest ? rest : "");
	/* what is asked for is mostly new, and stands at the end */
	size_t tail = len < TAIL ? len : TAIL, line_len = strlen(line);
	if (!len)
		return false;
	return memmem(text + len - tail, tail, line, line_len) || (tail < len && memmem(text, len, line, line_len));
}

static bool
says(const struct rt_accepting *accepting, char kind, const char *commit, const char *rest)
{
	for (size_t i = 0; i < accepting->chains.n; i++) {
		const struct rt_notes *notes = &accepting->chains.at[i];
		/* the last line end of the file is the first of what is fresh */
		if (has_line(notes->map, notes->len, kind, commit, rest))
			return true;
		rt_auto(free) char *fresh = rt_format("\n%s", notes->fresh.data);
		if (has_line(fresh, strlen(fresh), kind, commit, rest))
			return true;
	}
	return false;
}

bool
rt_accepting_landed(const struct rt_accepting *accepting, const char *commit)
{
	return says(accepting, 'L', commit, NULL);
}

bool
rt_accepting_has(const struct rt_accepting *accepting, const char *commit, const char *tree, bool fast_too)
{
	if (says(accepting, 'C', commit, tree) || says(accepting, 'L', commit, NULL))
		return true;
	return fast_too && (says(accepting, 'c', commit, tree) || says(accepting, 'l', commit, NULL));
}

void
rt_accepting_release(struct rt_accepting *accepting)
{
	for (size_t i = 0; i < accepting->chains.n; i++) {
		if (accepting->chains.at[i].map)
			munmap(accepting->chains.at[i].map, accepting->chains.at[i].map_len);
		rt_buf_release(&accepting->chains.at[i].fresh);
		rt_lock_drop(&accepting->chains.at[i].lock);
	}
	free(accepting->chains.at);
	*accepting = (struct rt_accepting){0};
}
