#include "cycle/overdue.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "cycle/hook.h"
#include "cycle/install.h"
#include "cycle/pending.h"
#include "cycle/open.h"
#include "cycle/trusted.h"
#include "cycle/verify_parts.h"
#include "model/judge.h"
#include "support/clock.h"

enum { HOUR = 3600, DAY = 86400, OPEN_LOOKED_AT = 5000, ENTRIES = 20000, AGES_LOOKED_AT = 2000 };

struct asking {
	struct rt_overdue *out;
	struct rt_home *home;
	const char *ref, *binary;
	int64_t now, within;
	/* by kind of entry the time of the newest; those that accepted after all checks; the last time all was sound */
	int64_t entries[RT_OP_GC + 1], full, verified;
	int64_t newest; /* of the kind that is asked for: what its function found */
	size_t walked;
};

static void
add_since(struct asking *a, int64_t then, const char *what, const char *mend)
{
	rt_auto(buf) struct rt_buf when = RT_BUF_INIT;
	if (then)
		rt_clock_iso(&when, then);
	rt_strs_addf(&a->out->missing, "%s%s%s; %s", what, then ? ", since " : "", when.data, mend);
}

static int64_t
latest(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static bool
accepted(const struct rt_record *record)
{
	enum rt_verdict verdict;
	return record->verdict && rt_verdict_parse(record->verdict, &verdict) == 0 && rt_verdict_exit(verdict) == 0;
}

static int
look_back(void *data, const struct rt_oid *at, const struct rt_record *record, struct rt_err *err)
{
	struct asking *a = data;
	(void)at;
	(void)err;
	a->entries[record->op] = latest(a->entries[record->op], record->time);
	if (!record->fast && accepted(record))
		a->full = latest(a->full, record->time);
	return ++a->walked >= AGES_LOOKED_AT;
}

static int64_t
time_of_file(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 ? st.st_mtim.tv_sec : 0;
}

/* ---- one function for each kind of evidence ---- */

static int
ask_hooks(struct asking *a, struct rt_err *err)
{
	for (const struct rt_hook_kind *kind = rt_hook_kinds; kind->name; kind++) {
		rt_auto(free) char *path = rt_home_path(a->home, "use/hook %s", kind->name);
		a->newest = latest(a->newest, time_of_file(path));
	}
	return rt_hooks_compare(a->home, a->binary, &a->out->missing, err);
}

static int
ask_target(struct asking *a, struct rt_err *err)
{
	(void)err;
	a->newest = latest(a->entries[RT_OP_OUTCOME], a->entries[RT_OP_ADOPTED]);
	for (size_t i = 0; i < a->out->verification.findings.n; i++)
		rt_strs_add(&a->out->missing, a->out->verification.findings.at[i]);
	return 0;
}

static int
note_open(void *data, const struct rt_open *open, struct rt_err *err)
{
	struct asking *a = data;
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	(void)err;
	if (open->kind == RT_OPEN_UNGATED || a->now - open->time < DAY)
		return 0;
	rt_open_say(open, a->ref, &text);
	rt_buf_cut(&text, strcspn(text.data, "\n"));
	add_since(a, open->time, text.data, "`ratchet check` judges it");
	return 0;
}

static int
ask_open(struct asking *a, struct rt_err *err)
{
	a->newest = a->entries[RT_OP_JUDGED];
	return rt_open_each(a->home, a->ref, OPEN_LOOKED_AT, note_open, a, err);
}

static int
ask_owed(struct asking *a, struct rt_err *err)
{
	rt_auto(commit) struct rt_commit tip = {0};
	struct rt_oid at;
	a->newest = a->full;
	if (!a->out->verification.classes[RT_CLASS_OWED])
		return 0;
	if (rt_ref_read(a->home->repo, a->ref, &at, err) < 0 || rt_commit_read(a->home->repo, &at, &tip, err) < 0)
		return -1;
	const char *time = strrchr(tip.committer, '>');
	int64_t then = time ? strtoll(time + 1, NULL, 10) : 0;
	if (a->now - then < DAY)
		return 0;
	rt_auto(free) char *what =
	    rt_format("only the fast checks of %zu commits ran", a->out->verification.classes[RT_CLASS_OWED]);
	add_since(a, then, what, "`ratchet check` runs the others");
	return 0;
}

static int
note_pending(void *data, const char *name, const struct rt_oid *oid, struct rt_err *err)
{
	struct asking *a = data;
	rt_auto(commit) struct rt_commit commit = {0};
	if (rt_commit_read(a->home->repo, oid, &commit, err) < 0)
		return -1;
	const char *time = strrchr(commit.committer, '>');
	int64_t then = time ? strtoll(time + 1, NULL, 10) : 0;
	if (a->now - then < HOUR)
		return 0;
	rt_auto(free) char *what = rt_format("the landing %s is not closed", name + strlen(RT_PENDING_REFS));
	add_since(a, then, what, "`ratchet recover` completes or undoes it");
	return 0;
}

static int
ask_landing(struct asking *a, struct rt_err *err)
{
	a->newest = latest(a->entries[RT_OP_OUTCOME], latest(a->entries[RT_OP_ABORTED], a->entries[RT_OP_REJECTED]));
	return rt_ref_each(a->home->repo, RT_PENDING_REFS, note_pending, a, err) < 0 ? -1 : 0;
}

/* When each check last showed something in an entry that accepted. */
struct shown {
	const struct rt_config *config;
	int64_t *at;	/* by check */
	int64_t newest; /* entry that accepted */
	size_t entries, missing;
};

static int
look_at(void *data, const struct rt_oid *at, const struct rt_record *record, struct rt_err *err)
{
	struct shown *shown = data;
	const struct rt_json *runs = rt_json_get(record->evidence, "runs");
	(void)at;
	(void)err;
	if (++shown->entries > ENTRIES || !shown->missing)
		return 1;
	if (!accepted(record))
		return 0;
	if (record->time > shown->newest)
		shown->newest = record->time;
	for (size_t i = 0; i < rt_json_count(runs); i++) {
		const char *line = rt_json_string(rt_json_at(runs, i));
		size_t len = line ? strcspn(line, "[ ") : 0;
		for (size_t k = 0; k < shown->config->checks.n && len; k++) {
			const char *name = shown->config->checks.at[k].name;
			if (shown->at[k] || strlen(name) != len || memcmp(name, line, len) != 0)
				continue;
			shown->at[k] = record->time;
			shown->missing--;
		}
	}
	return 0;
}

/* Where nobody works, nothing is missing: a check is late against the newest accepting entry. */
static int
ask_checks(struct asking *a, struct rt_err *err)
{
	rt_auto(commit) struct rt_commit tip = {0};
	rt_auto(trusted) struct rt_trusted trusted = RT_TRUSTED_INIT;
	struct rt_oid at;
	if (rt_ref_read(a->home->repo, a->ref, &at, err) < 0 || rt_commit_read(a->home->repo, &at, &tip, err) < 0 ||
	    rt_trusted_read(&trusted, a->home->repo, &tip.tree, err) < 0)
		return -1;
	rt_auto(free) int64_t *times = rt_alloc(trusted.config.checks.n + 1, sizeof(*times));
	struct shown shown = {.config = &trusted.config, .at = times, .missing = trusted.config.checks.n};
	if (rt_ledger_walk(a->home, NULL, look_at, &shown, err) < 0)
		return -1;
	/* as old as the check that was longest silent */
	a->newest = shown.newest;
	for (size_t i = 0; i < trusted.config.checks.n; i++) {
		if (times[i] < a->newest)
			a->newest = times[i];
		if (!shown.newest || shown.newest - times[i] <= a->within)
			continue;
		rt_auto(free) char *what =
		    rt_format("the check %s has shown nothing in any accepting entry%s",
			      trusted.config.checks.at[i].name, times[i] ? "" : " of this clone");
		add_since(a, times[i], what, "`ratchet check` runs it");
	}
	return 0;
}

static int
ask_verification(struct asking *a, struct rt_err *err)
{
	(void)err;
	/* rt_verify, which was just called, writes it where all is sound */
	rt_auto(free) char *path = rt_verified_path(a->home, a->ref);
	a->newest = a->verified;
	if (!time_of_file(path) && !a->out->verification.findings.n)
		rt_strs_addf(&a->out->missing, "the ledger was never verified; `ratchet verify` does");
	return 0;
}

/* A lock that somebody holds, and whose file is old. */
static int
ask_lock(struct asking *a, const char *path, bool ours, struct rt_err *err)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return errno == ENOENT ? 0 : rt_fail_errno(err, "looking at %s", path);
	if (a->now - st.st_mtim.tv_sec < HOUR)
		return 0;
	if (ours) {
		rt_auto(lock) struct rt_lock lock = RT_LOCK_INIT;
		rt_auto(buf) struct rt_buf holder = RT_BUF_INIT;
		int busy = rt_lock_take(&lock, path, true, 0, NULL, &holder, err);
		if (busy <= 0)
			return busy;
	}
	rt_auto(free) char *what = rt_format("the lock %s is held", path);
	add_since(a, st.st_mtim.tv_sec, what,
		  ours ? "end the process that it names, and `ratchet recover` tidies up"
		       : "if no git process runs any more, remove it");
	return 0;
}

static int
ask_locks(struct asking *a, struct rt_err *err)
{
	const char *common = rt_repo_commondir(a->home->repo);
	rt_auto(free) char *lane = rt_home_path(a->home, "lane");
	rt_auto(free) char *ref = rt_format("%s/%s.lock", common, a->ref);
	rt_auto(free) char *packed = rt_format("%s/packed-refs.lock", common);
	rt_auto(free) char *index = rt_format("%s/index.lock", rt_repo_gitdir(a->home->repo));
	a->newest = a->entries[RT_OP_RECOVERED];
	if (ask_lock(a, lane, true, err) < 0 || ask_lock(a, ref, false, err) < 0)
		return -1;
	return ask_lock(a, packed, false, err) < 0 ? -1 : ask_lock(a, index, false, err);
}

/* ---- the table ---- */

/* What an operation leaves, by when, and who asks for it. The two tables have their rows in the same order. */
#define KINDS(X)                                                                                                    \
	X(ask_hooks, "hook", "git runs ratchet's hooks, so that a commit, merge or push leaves an entry", "always") \
	X(ask_target, "move of the target", "an entry that accounts for every commit, in a chain that is whole",    \
	  "at once")                                                                                                \
	X(ask_open, "move from elsewhere", "a judgement that closes its open entry", "within a day")                \
	X(ask_owed, "pre-commit", "the full checks, after the fast ones", "within a day")                           \
	X(ask_landing, "proposal", "an entry that closes its INTENT", "within an hour")                             \
	X(ask_checks, "check", "executed cases in an accepting entry", "within --within, while there are others")   \
	X(ask_verification, "verification", "the heads that were found sound", "once")                              \
	X(ask_locks, "recovery", "no lock of the lane or of git that is older", "within an hour")

static const struct rt_evidence_kind kinds[] = {
#define X(ask, operation, leaves, by) {operation, leaves, by},
    KINDS(X)
#undef X
};
static int (*const asks[])(struct asking *, struct rt_err *) = {
#define X(ask, operation, leaves, by) ask,
    KINDS(X)
#undef X
};

const struct rt_evidence_kind *
rt_evidence_kinds(size_t *n)
{
	*n = RT_COUNT(kinds);
	return kinds;
}

int
rt_overdue_find(struct rt_overdue *overdue, struct rt_home *home, const char *ref, int64_t within_s, const char *binary,
		struct rt_err *err)
{
	struct asking a = {
	    .out = overdue, .home = home, .ref = ref, .binary = binary, .now = rt_clock_now(), .within = within_s};
	rt_auto(free) char *verified = rt_verified_path(home, ref);
	a.verified = time_of_file(verified);
	overdue->states = rt_alloc(RT_COUNT(asks), sizeof(*overdue->states));
	int result = rt_verify(home, ref, false, &overdue->verification, err);
	if (result == 0 && rt_ledger_walk(home, NULL, look_back, &a, err) < 0)
		result = -1;
	for (size_t i = 0; i < RT_COUNT(asks) && result == 0; i++, overdue->looked++) {
		size_t before = overdue->missing.n;
		a.newest = 0;
		result = asks[i](&a, err);
		overdue->states[i] =
		    (struct rt_evidence_state){.newest = a.newest, .missing = overdue->missing.n - before};
	}
	return result;
}

void
rt_overdue_release(struct rt_overdue *overdue)
{
	rt_strs_release(&overdue->missing);
	free(overdue->states);
	rt_verification_release(&overdue->verification);
}
