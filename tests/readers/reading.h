#ifndef RT_TESTS_READING_H
#define RT_TESTS_READING_H

/* A report is read into `seen`, by cell "unit" of the check "unit"; the fixture `tidy` releases it. */

#include <criterion/criterion.h>

#include "readers/reader.h"

extern struct rt_results seen;

void tidy(void);
/* A file below golden/, whose folder names the format. pattern may be NULL. */
void read_golden(const char *path, const char *pattern);
/* A report in memory, called "report". */
void read_text(const char *format, const char *text);
void read_bytes(const char *format, const char *pattern, const char *bytes, size_t len);
/* Matches of an expression as findings. */
void read_matches(const char *pattern, const char *text);
/* What read_text, read_bytes and read_golden find of the tree that was tested; NULL: no tree. Until tidy(). */
extern const char *tracked_path, *tracked_text;
/* The script that a report is the output of, or NULL. Until tidy(). */
extern const char *as_script;
/* What the command ended with; -1: unknown. Until tidy(). */
extern int as_exit;
/* Where the workspace was, or NULL. Until tidy(). */
extern const char *as_root;
/* The same, handed over a byte at a time. */
void read_trickle(const char *format, const char *bytes, size_t len);
/* The bytes of a golden file; the caller frees. */
char *golden_bytes(const char *path, size_t *len);
/* Status of the case with this id ("unit/..."), or "none". */
const char *outcome(const char *id);
const char *note_of(const char *id);
bool has_problem(const char *part);

#define check_outcome(id, status) cr_expect_str_eq(outcome(id), status, "%s is %s", id, outcome(id))
#define check_problem(part) cr_expect(has_problem(part), "no problem says \"%s\"", part)
#define check_no_problem() \
	cr_expect_eq(seen.problems.n, 0, "a problem says %s", seen.problems.n ? seen.problems.at[0] : "")
#define check_note(id, part) cr_expect(strstr(note_of(id), part), "the note of %s is \"%s\"", id, note_of(id))
#define check_cases(count) cr_expect_eq(seen.cases.n, (size_t)(count), "%zu cases", seen.cases.n)
#define check_executed(count) \
	cr_expect_eq(rt_results_executed(&seen), (size_t)(count), "%zu executed", rt_results_executed(&seen))

#endif
