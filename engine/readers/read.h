#ifndef RT_READERS_READ_H
#define RT_READERS_READ_H

/* What the readers share: problems with their place, the text of a failure, a source read line by line or as a whole.
 */

#include "readers/reader.h"

/* A failure's text is cut here, as the results cut it. */
#define RT_NOTE_MAX 8192
/* A report that has to be read as a whole (regex, json, sarif) is at most this long. */
#define RT_WHOLE_MAX ((size_t)64 << 20)
/* A line is kept up to this length; meson and libtest put the whole output of a test into one line. */
#define RT_LINE_MAX ((size_t)16 << 20)

/*
 * Names that are said once and begin many ids (of suites, of subtests around) may add up to this in one report: without
 * it, a long name and many short cases would take memory without end.
 */
#define RT_INHERITED_MAX ((size_t)128 << 20)

/* Adds the problem "NAME:LINE: text", or "NAME: text" where line is 0. */
void rt_reading_problem(const struct rt_reading *reading, size_t line, const char *fmt, ...) RT_PRINTF(3, 4);
/* For a format whose lines all end in a newline: a problem where the line returned last does not. */
struct rt_lines;
void rt_reading_open_line(const struct rt_reading *reading, const struct rt_lines *lines);
/* The same as rt_reading_problem() for a report that stops short: the case of its script that failed, where it has one.
 */
void rt_reading_short(const struct rt_reading *reading, size_t line, const char *fmt, ...) RT_PRINTF(3, 4);
/* Adds the case that says whether the script ran to its end; the worst of several counts. */
void rt_reading_script(const struct rt_reading *reading, enum rt_status status, const char *note);
/* Makes bytes of the report fit to be shown in a problem: escaped, cut at 120 bytes. The text is in scratch, which is
 * emptied first. */
const char *rt_reading_show(struct rt_buf *scratch, const char *bytes, size_t len);
/* Appends all bytes of the source; more than RT_WHOLE_MAX is a problem. Returns 1 read, 0 a problem was added, -1
 * error. */
int rt_reading_whole(const struct rt_reading *reading, struct rt_buf *out, struct rt_err *err) RT_MUST_USE;
/* Appends to a failure's text as long as it is shorter than RT_NOTE_MAX. */
void rt_note_add(struct rt_buf *note, const char *bytes, size_t len);
/* Seconds or milliseconds written as a decimal, without regard to the locale: the number, or -1. */
double rt_decimal(const char *text);

struct rt_lines {
	struct rt_source *source;
	struct rt_buf buf;
	size_t at;     /* where the next line begins in buf */
	size_t number; /* of the line returned last, from 1 */
	bool ended;    /* the source has no more bytes */
	bool cut;      /* the line returned last was longer than RT_LINE_MAX */
	bool open;     /* it has no newline: the source ended within it */
};
#define RT_LINES_INIT(from)                          \
	{                                            \
		.source = (from), .buf = RT_BUF_INIT \
	}
/* The next line without its end ("\n" or "\r\n"), valid until the next call. Returns 1, 0 at the end, -1 error. */
int rt_lines_next(struct rt_lines *lines, struct rt_bytes *line, struct rt_err *err) RT_MUST_USE;
void rt_lines_release(struct rt_lines *lines);
RT_DEFINE_AUTO(lines, struct rt_lines, rt_lines_release);

/* The formats, one file each; reader.c lists them. */
int rt_junit_read(const struct rt_reading *reading, struct rt_err *err);
int rt_criterion_read(const struct rt_reading *reading, struct rt_err *err);
int rt_tap_read(const struct rt_reading *reading, struct rt_err *err);
int rt_meson_read(const struct rt_reading *reading, struct rt_err *err);
int rt_gojson_read(const struct rt_reading *reading, struct rt_err *err);
int rt_libtest_read(const struct rt_reading *reading, struct rt_err *err);
int rt_regex_read(const struct rt_reading *reading, struct rt_err *err);
int rt_json_read(const struct rt_reading *reading, struct rt_err *err);
int rt_sarif_read(const struct rt_reading *reading, struct rt_err *err);
int rt_diagnostics_read(const struct rt_reading *reading, struct rt_err *err);
int rt_eslint_read(const struct rt_reading *reading, struct rt_err *err);
int rt_ruff_read(const struct rt_reading *reading, struct rt_err *err);
int rt_shellcheck_read(const struct rt_reading *reading, struct rt_err *err);
int rt_cppcheck_read(const struct rt_reading *reading, struct rt_err *err);
int rt_lcov_read(const struct rt_reading *reading, struct rt_err *err);
int rt_cobertura_read(const struct rt_reading *reading, struct rt_err *err);
int rt_hyperfine_read(const struct rt_reading *reading, struct rt_err *err);
int rt_google_benchmark_read(const struct rt_reading *reading, struct rt_err *err);
int rt_pytest_benchmark_read(const struct rt_reading *reading, struct rt_err *err);
int rt_criterion_rs_read(const struct rt_reading *reading, struct rt_err *err);
int rt_perf_read(const struct rt_reading *reading, struct rt_err *err);
int rt_time_read(const struct rt_reading *reading, struct rt_err *err);
int rt_ctrf_read(const struct rt_reading *reading, struct rt_err *err);
int rt_gtest_read(const struct rt_reading *reading, struct rt_err *err);
int rt_lines_v1_read(const struct rt_reading *reading, struct rt_err *err);
/* The findings of `regex`. */
int rt_matches_read(const struct rt_reading *reading, struct rt_err *err);

#endif
