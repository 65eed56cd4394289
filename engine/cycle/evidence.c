#include "cycle/evidence.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/glob.h"
#include "model/id.h"
#include "model/preset.h"
#include "readers/reader.h"
#include "support/defence.h"

enum { MAX_REPORT_FILES = 10000, MAX_DEPTH = 64, MAX_SOURCE_BYTES = 64 << 20 };
static const uint64_t MAX_REPORT_BYTES = 1ULL << 30;

/* A source that hashes what it hands on; the digest of all reports of a run goes into the ledger. */
struct hashed {
	int fd;
	uint64_t left;
	struct rt_sha256 *digest;
};

static ssize_t
read_hashed(void *data, void *buf, size_t cap)
{
	struct hashed *h = data;
	ssize_t n;
	do
		n = read(h->fd, buf, cap);
	while (n < 0 && errno == EINTR);
	if (n > 0 && (uint64_t)n > h->left) {
		errno = EFBIG;
		return -1;
	}
	if (n > 0) {
		h->left -= (uint64_t)n;
		rt_sha256_add(h->digest, buf, (size_t)n);
	}
	return n;
}

/* For coverage: a file of the tree that was tested. */
static int
read_tracked(void *data, const char *path, struct rt_buf *text, struct rt_err *err)
{
	const struct rt_evidence *e = data;

	return rt_tree_blob(e->repo, e->tree, path, MAX_SOURCE_BYTES, text, err);
}

/* "tap-dump/t/a.t": t/a.t, where the check's runner leaves a file for each script; else NULL. */
static const char *
script_of(const struct rt_evidence *e, const char *name)
{
	const struct rt_preset *preset = rt_preset_find(e->cell->check->report.format);
	const char *below = preset && preset->scripts ? strstr(name, preset->scripts) : NULL;

	return below ? below + strlen(preset->scripts) : NULL;
}

/* Without namespaces a cell sees its workspace where it is. */
static const char *
seen_root(const struct rt_evidence *e, char path[PATH_MAX])
{
	char link[64];
	ssize_t n;
	if (e->outcome->level == RT_LEVEL_OF_NAMESPACES || e->outcome->upper_fd < 0)
		return NULL;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", e->outcome->upper_fd);
	n = readlink(link, path, PATH_MAX - 1);
	if (n <= 0)
		return NULL;
	path[n] = '\0';
	return path;
}

static int
read_one(const struct rt_evidence *e, const struct rt_format *format, int fd, const char *name, struct rt_run *run,
	 struct rt_sha256 *digest, struct rt_err *err)
{
	struct hashed hashed = {fd, MAX_REPORT_BYTES, digest};
	struct rt_source source = {read_hashed, &hashed, name};
	char root[PATH_MAX];
	rt_auto(file_lines) struct rt_file_lines lines = RT_FILE_LINES_INIT;
	struct rt_reading reading = {.source = &source,
				     .cell = e->cell->name,
				     .check = e->cell->check->name,
				     .pattern = e->cell->check->report.pattern,
				     .script = script_of(e, name),
				     .root = seen_root(e, root),
				     .exit_code = run->exit_code,
				     .findings = e->cell->check->kind == RT_KIND_FINDINGS,
				     .file = read_tracked,
				     .file_data = (void *)e,
				     .lines = &lines,
				     .results = &run->results};
	struct stat st;
	if (fstat(fd, &st) < 0)
		return rt_fail_errno(err, "looking at %s", name);
	rt_sha256_field(digest, name, strlen(name));
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size > MAX_REPORT_BYTES) {
		rt_results_problem(&run->results, "%s has %jd bytes; a report may have %ju", name, (intmax_t)st.st_size,
				   (uintmax_t)MAX_REPORT_BYTES);
		return 0;
	}
	return format->read(&reading, err);
}

struct search {
	const char *glob;
	struct rt_strs found;
	bool written_only; /* the directory is a whole copy: only files changed since `since` count */
	int64_t since_ns;
	size_t depth;
	int dir;
	const char *prefix;
	bool too_many;
};

static bool
written_since(const struct stat *st, int64_t since_ns)
{
	/* the change time can't be set by the candidate; clocks tick coarsely, so allow for one tick */
	int64_t changed = (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec;
	return changed + 10000000 >= since_ns;
}

static int
search_entry(void *data, const char *name, struct rt_err *err)
{
	struct search *s = data;
	struct stat st;
	if (fstatat(s->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : rt_fail_errno(err, "looking at %s%s", s->prefix, name);
	rt_auto(free) char *path = rt_format("%s%s", s->prefix, name);
	if (S_ISREG(st.st_mode)) {
		if (rt_glob_match(s->glob, path) && (!s->written_only || written_since(&st, s->since_ns)))
			rt_strs_add(&s->found, path);
		s->too_many = s->found.n > MAX_REPORT_FILES;
		return s->too_many;
	}
	if (!S_ISDIR(st.st_mode) || s->depth >= MAX_DEPTH)
		return 0;
	rt_auto(fd) int below = openat(s->dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (below < 0)
		return 0; /* unreadable by its owner's wish: nothing in it is evidence */
	rt_auto(free) char *prefix = rt_format("%s/", path);
	struct search outer = *s;
	s->dir = below;
	s->prefix = prefix;
	s->depth++;
	int result = rt_list_dir(below, ".", search_entry, s, err);
	s->dir = outer.dir;
	s->prefix = outer.prefix;
	s->depth = outer.depth;
	return result;
}

/* Reads the files in the workspace that match the check's glob and that this cell wrote. */
static int
read_from_workspace(const struct rt_evidence *e, const struct rt_format *format, const char *glob, struct rt_run *run,
		    struct rt_sha256 *digest, struct rt_err *err)
{
	struct search s = {.glob = glob,
			   .written_only = e->outcome->upper_is_copy,
			   .since_ns = e->outcome->start_ns,
			   .dir = e->outcome->upper_fd,
			   .prefix = ""};
	int result = e->outcome->upper_fd < 0 ? 0 : rt_list_dir(e->outcome->upper_fd, ".", search_entry, &s, err);
	if (result > 0)
		result = 0;
	if (s.too_many)
		rt_results_problem(&run->results, "more than %d files match %s", MAX_REPORT_FILES, glob);
	if (result == 0 && s.found.n == 0)
		rt_results_problem(&run->results, "the run wrote no report: no file matches %s", glob);
	rt_strs_sort(&s.found);
	for (size_t i = 0; i < s.found.n && result == 0; i++) {
		struct rt_entry tracked;
		result = rt_tree_entry(e->repo, e->tree, s.found.at[i], &tracked, err);
		if (result == 0 && tracked.mode && rt_defended(UNTRACKED)) {
			rt_results_problem(
			    &run->results,
			    "%s is a tracked file, so it is no evidence of this run; remove it from the repository",
			    s.found.at[i]);
			continue;
		}
		rt_auto(fd) int fd = rt_file_open_beneath(e->outcome->upper_fd, s.found.at[i], O_RDONLY, 0, err);
		if (fd < 0)
			rt_results_problem(&run->results, "%s can't be opened as a report: %s", s.found.at[i],
					   err->text);
		else if (result == 0)
			result = read_one(e, format, fd, s.found.at[i], run, digest, err);
	}
	rt_strs_release(&s.found);
	return result;
}

static int
read_from_folder(const struct rt_evidence *e, const struct rt_format *format, struct rt_run *run,
		 struct rt_sha256 *digest, struct rt_err *err)
{
	rt_auto(fd) int dir = open(e->reports, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return rt_fail_errno(err, "opening %s", e->reports);
	struct rt_err why = RT_ERR_INIT;
	rt_auto(fd) int fd = rt_defended(BENEATH) ? rt_file_open_beneath(dir, RT_REPORT_FILE, O_RDONLY, 0, &why)
						  : openat(dir, RT_REPORT_FILE, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		rt_results_problem(&run->results, "%s%s%s",
				   why.code == RT_ENONE ? "the run wrote no report to {{report}}"
							: "the report can't be opened",
				   why.code == RT_ENONE ? "" : ": ", why.code == RT_ENONE ? "" : why.text);
		return 0;
	}
	return read_one(e, format, fd, "{{report}}", run, digest, err);
}

static int
read_reports(const struct rt_evidence *e, struct rt_run *run, struct rt_sha256 *digest, struct rt_err *err)
{
	const struct rt_report_spec *spec = &e->cell->check->report;
	const struct rt_preset *preset = rt_preset_find(spec->format);
	const struct rt_format *format = rt_format_find(preset ? preset->format : spec->format);
	const char *path = spec->path ? spec->path : preset ? preset->path : NULL;
	if (!format)
		return rt_fail(err, RT_EINTERNAL, "no reader for the format %s", spec->format);
	if (strcmp(format->name, "exit") == 0)
		return 0;
	if (e->streams) {
		static const char *const names[] = {NULL, "standard output", "standard error", "the output"};
		if (lseek(e->output_fd, 0, SEEK_SET) < 0)
			return rt_fail_errno(err, "reading the output of %s again", e->cell->name);
		return read_one(e, format, e->output_fd, names[e->streams], run, digest, err);
	}
	if (path)
		return read_from_workspace(e, format, path, run, digest, err);
	return read_from_folder(e, format, run, digest, err);
}

/*
 * A file that was measured, is in the tree, and in no report of this run: its lines may run or not, nobody looks. One
 * that left the tree has none.
 */
static int
weigh_measured(const struct rt_evidence *e, struct rt_run *run, struct rt_err *err)
{
	static const char tail[] = "::" RT_MEASURED;
	rt_auto(free) char *prefix = rt_format("%s/", e->cell->name);
	size_t from = 0, to = 0;
	if (e->known && e->cell->check->kind == RT_KIND_FINDINGS)
		rt_baseline_range(e->known, prefix, &from, &to);
	for (size_t i = from; i < to; i++) {
		const struct rt_line *line = &e->known->lines.at[i];
		if (line->level != RT_LEVEL_PASS || !rt_ends_with(line->id, tail) ||
		    rt_results_find(&run->results, line->id))
			continue;
		rt_auto(free) char *name =
		    rt_strndup(line->id + strlen(prefix), strlen(line->id) - strlen(prefix) - strlen(tail));
		rt_auto(buf) struct rt_buf path = RT_BUF_INIT;
		struct rt_entry entry = {0};
		if (rt_id_unescape(&path, name) == 0 && rt_tree_entry(e->repo, e->tree, path.data, &entry, err) < 0)
			return -1;
		rt_auto(free) char *note =
		    rt_format("%s is in the tree, and not in the report: its lines are not measured any more", name);
		rt_results_case(&run->results, line->id, entry.mode ? RT_STATUS_FAIL : RT_STATUS_PASS, -1, -1,
				entry.mode ? note : NULL, entry.mode ? strlen(note) : 0);
	}
	return 0;
}

/* A green run whose control did not come back as it must proves nothing. */
static void
weigh_control(struct rt_run *run)
{
	bool green = run->end == RT_CELL_COMPLETE && run->results.counts[RT_STATUS_FAIL] == 0 &&
		     run->results.counts[RT_STATUS_ERROR] == 0;
	bool right = run->end == RT_CELL_COMPLETE && run->results.control == RT_STATUS_PASS;
	run->results.control_word = NULL;
	run->control = right ? RT_CONTROL_RIGHT : green ? RT_CONTROL_WRONG : RT_CONTROL_LOST;
	if (run->control != RT_CONTROL_WRONG)
		return;
	rt_results_problem(&run->results, "a test that was dropped in and must pass did not come back as passed");
	run->end = RT_CELL_BROKEN;
}

int
rt_evidence_weigh(const struct rt_evidence *e, struct rt_run *run, char digest[RT_SHA256_HEX + 1], struct rt_err *err)
{
	struct rt_sha256 hash;
	rt_sha256_start(&hash);
	run->exit_code = e->outcome->exit_code;
	run->results.known = e->known;
	run->results.control_word = e->control;
	run->results.control = RT_STATUS_ABSENT;
	if (e->outcome->problem.len)
		rt_results_problem(&run->results, "%s", e->outcome->problem.data);
	switch (e->outcome->end) {
	case RT_END_EXIT:
		run->end = RT_CELL_COMPLETE;
		break;
	case RT_END_SIGNAL:
	case RT_END_LIMIT:
		run->end = RT_CELL_KILLED;
		break;
	case RT_END_TIMEOUT:
	case RT_END_SILENT:
		run->end = RT_CELL_TIMEOUT;
		break;
	case RT_END_SETUP:
		run->end = RT_CELL_BROKEN;
		break;
	}
	if (run->end == RT_CELL_COMPLETE) {
		if (read_reports(e, run, &hash, err) < 0)
			return rt_err_while(err, "reading the report of %s", e->cell->name);
		if (weigh_measured(e, run, err) < 0)
			return -1;
		rt_run_weigh(run, e->cell);
	}
	if (e->control)
		weigh_control(run);
	rt_sha256_hex(&hash, digest);
	return 0;
}
