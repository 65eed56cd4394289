#include "cycle/doctor.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "cycle/install.h"
#include "cycle/lane.h"
#include "cycle/merge_driver.h"
#include "cycle/reuse.h"
#include "cycle/settle.h"
#include "cycle/trusted.h"
#include "cycle/verify.h"
#include "git/quarantine.h"
#include "run/cell.h"
#include "support/clock.h"
#include "support/proc.h"

enum { LANE_MS = 5000, AHEAD_S = 300, KEPT_RESULTS = 4096, KEPT_TREES = 8 };
static const uint64_t LITTLE_SPACE = (uint64_t)256 << 20, SOME_SPACE = (uint64_t)2 << 30;
static const int64_t EARLIEST = 1704067200; /* 2024: a clock before that was never set */

struct examination {
	struct rt_home *home;
	const char *binary;
	bool fix;
	struct rt_buf ref; /* the target */
	struct rt_trusted trusted;
	struct rt_diagnoses *out;
};

static void add(const struct examination *x, const char *what, enum rt_health health, const char *fmt, ...)
    RT_PRINTF(4, 5);

static void
add(const struct examination *x, const char *what, enum rt_health health, const char *fmt, ...)
{
	struct rt_diagnosis *diagnosis = rt_push(x->out);
	va_list args;
	diagnosis->what = what;
	diagnosis->health = health;
	va_start(args, fmt);
	if (vasprintf(&diagnosis->text, fmt, args) < 0)
		rt_bug("cannot format \"%s\"", fmt);
	va_end(args);
	for (char *c = strchr(diagnosis->text, '\n'); c; c = strchr(c, '\n'))
		*c = ' ';
}

static void
set_mended(const struct examination *x)
{
	struct rt_diagnosis *last = &x->out->at[x->out->n - 1];
	last->mended = true;
	last->health = RT_HEALTH_OK;
}

/* ---- the machine ---- */

static void
look_at_git(const struct examination *x)
{
	const char *const argv[] = {"git", "--version", NULL};
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	struct rt_err err = RT_ERR_INIT;
	struct rt_proc proc = {.argv = argv, .out = &text};
	unsigned major = 0, minor = 0;
	if (rt_proc_run(&proc, &err) < 0 || proc.exit_code) {
		add(x, "git", RT_HEALTH_FINDING, "git can't be run (%s); install it", err.text);
		return;
	}
	rt_buf_cut(&text, strcspn(text.data, "\n"));
	if (sscanf(text.data, "git version %u.%u", &major, &minor) != 2 || major < 2 || (major == 2 && minor < 30))
		add(x, "git", RT_HEALTH_FINDING, "%s; 2.30 or later is needed", text.data);
	else
		add(x, "git", RT_HEALTH_OK, "%s", text.data);
}

static void
look_at_libraries(const struct examination *x)
{
	int major = 0, minor = 0;
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	rt_git_library(&major, &minor, &text);
	bool known = major == 1 && minor >= 5 && minor <= 9;
	add(x, "libraries", known ? RT_HEALTH_OK : RT_HEALTH_NOTE, "%s%s", text.data,
	    known ? "" : "; ratchet was tried with 1.5 to 1.9");
}

static void
look_at_clock(const struct examination *x, int64_t newest)
{
	int64_t now = rt_clock_now();
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	rt_clock_iso(&text, now);
	if (now < EARLIEST)
		add(x, "clock", RT_HEALTH_FINDING, "it is %s here; set the clock, for waivers expire by it", text.data);
	else if (newest > now + AHEAD_S)
		add(x, "clock", RT_HEALTH_FINDING,
		    "it is %s here, and the newest ledger entry was written %" PRId64 " s later; set the clock",
		    text.data, newest - now);
	else
		add(x, "clock", RT_HEALTH_OK, "%s", text.data);
}

static void
look_at_space(const struct examination *x, const char *what, const char *dir)
{
	struct statvfs fs;
	if (statvfs(dir, &fs) < 0) {
		add(x, what, RT_HEALTH_NOTE, "the free space of %s can't be told", dir);
		return;
	}
	uint64_t space = (uint64_t)fs.f_bavail * fs.f_frsize;
	bool inodes = fs.f_files == 0 || fs.f_favail > 10000;
	enum rt_health health = space < LITTLE_SPACE || !inodes ? RT_HEALTH_FINDING
				: space < SOME_SPACE		? RT_HEALTH_NOTE
								: RT_HEALTH_OK;
	add(x, what, health, "%" PRIu64 " MiB%s are free in %s%s", space >> 20, inodes ? "" : ", but hardly any inode,",
	    dir, health == RT_HEALTH_OK ? "" : "; remove what is not needed there");
}

/* What is in force here, and whether it is what the configuration asks for. */
static void
look_at_isolation(const struct examination *x)
{
	rt_auto(strs) struct rt_strs missing = {0};
	enum rt_isolation level = rt_isolation_probe(&missing), least = RT_LEVEL_OF_LANDLOCK;
	enum rt_isolation_mode mode = x->trusted.present ? x->trusted.config.isolation : RT_ISOLATION_AUTO;
	const char *floor = x->trusted.present ? rt_policy_min_isolation(x->trusted.policy) : NULL;
	if (mode == RT_ISOLATION_NONE)
		least = RT_LEVEL_OF_NONE;
	if (mode == RT_ISOLATION_STRICT)
		least = RT_LEVEL_OF_NAMESPACES;
	enum rt_isolation asked;
	if (floor && (rt_isolation_parse(floor, &asked) < 0 || asked > least))
		least = rt_isolation_parse(floor, &asked) < 0 ? RT_LEVEL_OF_NAMESPACES : asked;
	enum rt_health health = level < least			 ? RT_HEALTH_FINDING
				: level < RT_LEVEL_OF_NAMESPACES ? RT_HEALTH_NOTE
								 : RT_HEALTH_OK;
	if (mode == RT_ISOLATION_NONE)
		add(x, "isolation", RT_HEALTH_NOTE, "ratchet.yml says `isolation: none`; this machine offers %s",
		    rt_isolation_name(level));
	else
		add(x, "isolation", health, "%s%s%s", rt_isolation_name(level),
		    health == RT_HEALTH_FINDING ? ", and no cell runs with less than " : "",
		    health == RT_HEALTH_FINDING ? rt_isolation_name(least) : "");
	for (size_t i = 0; i < missing.n; i++)
		add(x, "isolation", health == RT_HEALTH_OK ? RT_HEALTH_NOTE : health, "%s", missing.at[i]);
	add(x, "limits", RT_HEALTH_OK, "%s", rt_cage_describe());
}

/* ---- the repository ---- */

/* The trusted inputs of the target's tip: what does not parse there stops every proposal. */
static int
look_at_configuration(struct examination *x, struct rt_err *err)
{
	struct rt_err why = RT_ERR_INIT;
	struct rt_oid tip;
	rt_auto(commit) struct rt_commit commit = {0};
	if (rt_target_find(x->home, NULL, &x->ref, &why) < 0) {
		add(x, why.file[0] ? "configuration" : "target", RT_HEALTH_FINDING, "%s%s%s", why.file,
		    why.file[0] ? ": " : "", why.text);
		return 0;
	}
	int found = rt_ref_read(x->home->repo, x->ref.data, &tip, err);
	if (found < 0 || (found && rt_commit_read(x->home->repo, &tip, &commit, err) < 0))
		return -1;
	if (!found) {
		add(x, "target", RT_HEALTH_FINDING, "%s has no commit yet; make a first one", x->ref.data);
		return 0;
	}
	add(x, "target", RT_HEALTH_OK, "%s at %.12s", x->ref.data, tip.hex);
	if (rt_trusted_read(&x->trusted, x->home->repo, &commit.tree, &why) < 0) {
		x->trusted.present = false;
		add(x, "configuration", RT_HEALTH_FINDING, "%s%s%s", why.file, why.file[0] ? ": " : "", why.text);
	} else if (!x->trusted.present) {
		add(x, "configuration", RT_HEALTH_FINDING, "%s has no ratchet.yml; `ratchet init` writes one",
		    x->ref.data);
	} else {
		add(x, "configuration", RT_HEALTH_OK, "%zu checks, %zu baseline lines", x->trusted.config.checks.n,
		    x->trusted.baseline.lines.n);
		if (!x->trusted.signers.len)
			add(x, "governance", RT_HEALTH_NOTE,
			    "no signer is named, so that changes of ratchet.yml need a person at a terminal; `ratchet "
			    "init --signer KEY` names the first");
	}
	return 0;
}

static void
look_at_signing(const struct examination *x)
{
	if (!x->trusted.present || !x->trusted.signers.len)
		return;
	bool found = rt_exists(AT_FDCWD, "/usr/bin/ssh-keygen") || rt_exists(AT_FDCWD, "/bin/ssh-keygen") ||
		     rt_exists(AT_FDCWD, "/usr/local/bin/ssh-keygen");
	add(x, "signatures", found ? RT_HEALTH_OK : RT_HEALTH_FINDING, "ssh-keygen is %s",
	    found ? "here" : "not here, and signatures can't be verified; install openssh-client");
}

static int
look_at_hooks(const struct examination *x, struct rt_err *err)
{
	rt_auto(strs) struct rt_strs differences = {0};
	struct rt_err why = RT_ERR_INIT;
	if (rt_hooks_compare(x->home, x->binary, &differences, err) < 0)
		return -1;
	for (size_t i = 0; i < differences.n; i++)
		add(x, "hooks", RT_HEALTH_FINDING, "%s", differences.at[i]);
	if (!differences.n) {
		add(x, "hooks", RT_HEALTH_OK, "present, executable and the ones expected");
		return 0;
	}
	if (!x->fix)
		return 0;
	int installed = rt_hooks_install(x->home, x->binary, &why);
	add(x, "hooks", installed < 0 ? RT_HEALTH_FINDING : RT_HEALTH_OK, "%s",
	    installed < 0 ? why.text : "put back as they are expected");
	for (size_t i = 0; i <= differences.n && installed == 0; i++)
		x->out->at[x->out->n - 1 - i].health = RT_HEALTH_OK;
	if (installed == 0)
		set_mended(x);
	return 0;
}

static int
look_at_merges(const struct examination *x, struct rt_err *err)
{
	rt_auto(strs) struct rt_strs differences = {0}, did = {0};
	rt_auto(buf) struct rt_buf missing = RT_BUF_INIT;
	struct rt_err why = RT_ERR_INIT;
	if (rt_merge_driver_compare(x->home, x->binary, &differences, err) < 0 ||
	    (x->trusted.present && rt_merge_driver_attribute(x->home, &x->trusted.config, &missing, err) < 0))
		return -1;
	if (missing.len)
		add(x, "merges", RT_HEALTH_NOTE, "%s", missing.data);
	if (differences.n && x->fix) {
		int installed = rt_merge_driver_install(x->home, x->binary, &did, &why);
		add(x, "merges", installed < 0 ? RT_HEALTH_FINDING : RT_HEALTH_OK, "%s",
		    installed < 0 ? why.text : "the merge driver is set as it is expected");
		if (installed == 0)
			set_mended(x);
		return 0;
	}
	for (size_t i = 0; i < differences.n; i++)
		add(x, "merges", RT_HEALTH_FINDING, "%s", differences.at[i]);
	if (!differences.n && !missing.len)
		add(x, "merges", RT_HEALTH_OK, "git joins baselines by the merge driver");
	return 0;
}

/* Completes what was interrupted, and removes what nobody holds. */
static void
mend_store(const struct examination *x)
{
	rt_auto(lock) struct rt_lock lane = RT_LOCK_INIT;
	rt_auto(strs) struct rt_strs found = {0};
	rt_auto(buf) struct rt_buf holder = RT_BUF_INIT;
	struct rt_err why = RT_ERR_INIT;
	size_t removed = 0;
	int busy = rt_lane_take(x->home, &lane, "ratchet doctor --fix", LANE_MS, &holder, &why);
	if (busy > 0) {
		add(x, "recovery", RT_HEALTH_NOTE, "a proposal is under way (%s); nothing was touched", holder.data);
		return;
	}
	if (busy < 0 || rt_recover(x->home, &found, &why) < 0) {
		add(x, "recovery", RT_HEALTH_FINDING, "%s", why.text);
		return;
	}
	for (size_t i = 0; i < found.n; i++) {
		add(x, "recovery", RT_HEALTH_OK, "%s", found.at[i]);
		set_mended(x);
	}
	if (rt_quarantine_sweep(x->home->repo, &removed, &why) < 0 ||
	    rt_reuse_sweep(x->home, KEPT_RESULTS, KEPT_TREES, NULL, &removed, &why) < 0)
		add(x, "leftovers", RT_HEALTH_NOTE, "%s", why.text);
	if (removed) {
		add(x, "leftovers", RT_HEALTH_OK, "%zu that nobody uses were removed", removed);
		set_mended(x);
	}
}

static int
note_time(void *data, const struct rt_oid *at, const struct rt_record *record, struct rt_err *err)
{
	(void)at;
	(void)err;
	*(int64_t *)data = record->time;
	return 1;
}

static int
look_at_ledger(const struct examination *x, int64_t *newest, struct rt_err *err)
{
	struct rt_verification verification = {0};
	if (rt_verify(x->home, x->ref.data, false, &verification, err) < 0)
		return -1;
	for (size_t i = 0; i < verification.findings.n; i++)
		add(x, "ledger", RT_HEALTH_FINDING, "%s", verification.findings.at[i]);
	for (size_t i = 0; i < verification.notes.n; i++)
		add(x, "ledger", RT_HEALTH_NOTE, "%s", verification.notes.at[i]);
	if (!verification.findings.n)
		add(x, "ledger", RT_HEALTH_OK, "sound, %" PRId64 " entries in this clone's chain",
		    verification.head.seq);
	bool sound = verification.findings.n == 0;
	rt_verification_release(&verification);
	/* a damaged chain was named above, and may not be readable */
	return sound && rt_ledger_walk(x->home, NULL, note_time, newest, err) < 0 ? -1 : 0;
}

static int
look_at_repository(struct examination *x, int64_t *newest, struct rt_err *err)
{
	if (look_at_configuration(x, err) < 0 || look_at_hooks(x, err) < 0 || look_at_merges(x, err) < 0)
		return -1;
	look_at_signing(x);
	if (x->fix)
		mend_store(x);
	if (x->ref.len && look_at_ledger(x, newest, err) < 0)
		return -1;
	look_at_space(x, "space", x->home->dir);
	return 0;
}

int
rt_doctor(const char *dir, const char *binary, bool fix, struct rt_diagnoses *out, struct rt_err *err)
{
	rt_auto(home) struct rt_home home = RT_HOME_INIT;
	struct rt_err why = RT_ERR_INIT;
	struct examination x = {
	    .home = &home, .binary = binary, .fix = fix, .ref = RT_BUF_INIT, .trusted = RT_TRUSTED_INIT, .out = out};
	int64_t newest = 0;
	int result = 0;
	look_at_git(&x);
	look_at_libraries(&x);
	if (rt_home_open(&home, dir, &why) < 0)
		add(&x, "repository", RT_HEALTH_FINDING, "%s", why.text);
	else
		result = look_at_repository(&x, &newest, err);
	if (result == 0) {
		look_at_isolation(&x);
		look_at_clock(&x, newest);
		look_at_space(&x, "space", "/tmp");
	}
	rt_trusted_release(&x.trusted);
	rt_buf_release(&x.ref);
	return result;
}

size_t
rt_doctor_findings(const struct rt_diagnoses *diagnoses)
{
	size_t n = 0;
	for (size_t i = 0; i < diagnoses->n; i++)
		n += diagnoses->at[i].health == RT_HEALTH_FINDING;
	return n;
}

const char *
rt_health_name(enum rt_health health)
{
	static const char *const names[] = {"ok", "note", "finding"};
	return names[health];
}

void
rt_diagnoses_release(struct rt_diagnoses *diagnoses)
{
	for (size_t i = 0; i < diagnoses->n; i++)
		free(diagnoses->at[i].text);
	free(diagnoses->at);
	memset(diagnoses, 0, sizeof(*diagnoses));
}
