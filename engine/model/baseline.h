#ifndef RT_MODEL_BASELINE_H
#define RT_MODEL_BASELINE_H

/*
 * The baseline: what is known to work (design section 4, "Baseline line"). One line an entry,
 * `id<TAB>level<TAB>value<TAB>epoch`, sorted bytewise by id, LF, one file for each check. Entries of several files form
 * one baseline.
 *
 * The join of two baselines is their least upper bound: commutative, associative, idempotent. Within one epoch nothing
 * falls; the higher epoch wins outright.
 */

#include <stdbool.h>
#include <stdint.h>

#include "support/buf.h"
#include "support/err.h"
#include "support/index.h"

#define RT_LEVELS(X) \
	X(GONE, "gone") X(FLAKY, "flaky") X(PASS, "pass") X(LOWER, "lower") X(HIGHER, "higher") X(KNOWN, "known")
enum rt_level {
#define X(name, text) RT_LEVEL_##name,
	RT_LEVELS(X)
#undef X
};
const char *rt_level_name(enum rt_level level);
/* 0, or -1 for no such level. */
int rt_level_parse(const char *text, size_t len, enum rt_level *out) RT_MUST_USE;

struct rt_line {
	const char *id; /* escaped; in the baseline's store of ids */
	double value;	/* pass: assertion count; flaky: bound on the rate; lower, higher: the bar */
	uint32_t epoch;
	uint8_t level; /* enum rt_level */
	bool has_value;
};

/* Ids that several baselines share: the last one that holds the store releases it. Not for several threads. */
struct rt_id_store;

struct rt_baseline {
	struct rt_id_store *ids;
	RT_VEC(struct rt_line) lines; /* sorted by id once rt_baseline_seal was called */
	bool sealed;
};
#define RT_BASELINE_INIT \
	{                \
		0        \
	}

/*
 * Adds the lines of one file. Conflict markers, unsorted or duplicate ids, unknown levels, bad numbers, CR, missing
 * last newline: RT_ECONFIG with line and the mend (conflict markers: `ratchet merge-driver`'s installation or `git
 * checkout --ours`, then `ratchet baseline record`). Every id must belong to the check (`check/` or `check[...]/`). An
 * empty epoch is 0.
 */
int rt_baseline_parse(struct rt_baseline *baseline, const char *check, const char *bytes, size_t len, const char *name,
		      struct rt_err *err) RT_MUST_USE;
/* The same, of a text that it takes over: the ids are used where they stand in it. text is empty afterwards. */
int rt_baseline_take(struct rt_baseline *baseline, const char *check, struct rt_buf *text, const char *name,
		     struct rt_err *err) RT_MUST_USE;
/* Adds one line; the id is copied. */
void rt_baseline_add(struct rt_baseline *baseline, const char *id, enum rt_level level, bool has_value, double value,
		     uint32_t epoch);
/* Sorts; the same id twice is joined. Needed before find, join, write. */
void rt_baseline_seal(struct rt_baseline *baseline);
/* Binary search in a sealed baseline; NULL when absent. */
const struct rt_line *rt_baseline_find(const struct rt_baseline *baseline, const char *id);
/* The position of the id's line, or SIZE_MAX; fast where that is not far from near (any number). */
size_t rt_baseline_near(const struct rt_baseline *baseline, const char *id, size_t near);
/* The half-open range of lines whose id begins with prefix. */
void rt_baseline_range(const struct rt_baseline *baseline, const char *prefix, size_t *from, size_t *to);
/*
 * The join of two lines with the same id: the higher epoch, or within one the higher in
 * known < gone < flaky < pass < lower < higher, or of the same level the better value (none is the worst). A case is
 * never `known` and a finding never `flaky`, so that one order serves both.
 */
struct rt_line rt_line_join(const struct rt_line *a, const struct rt_line *b);
bool rt_line_equal(const struct rt_line *a, const struct rt_line *b);
/* out (empty before) becomes the join of two sealed baselines, sealed. */
void rt_baseline_join(struct rt_baseline *out, const struct rt_baseline *a, const struct rt_baseline *b);
/* One file of a baseline, for messages under that name. */
struct rt_baseline_file {
	const char *name;
	const struct rt_buf *text;
};
/*
 * Appends the join of the files of one check: what a merge makes of both sides and their common base. Nothing that one
 * of them holds is lost. A file that rt_baseline_parse() refuses, or one of another check: -1 with its name. A join is
 * a promise and no measurement: what it claims is still to be run.
 */
int rt_baseline_join_files(const struct rt_baseline_file *files, size_t n, struct rt_buf *out,
			   struct rt_err *err) RT_MUST_USE;
/* Appends the file of one check (all lines whose check is that); nothing when it has none. check NULL: all lines. */
void rt_baseline_write(const struct rt_baseline *baseline, const char *check, struct rt_buf *out);
/*
 * The lines by which `next` is below `base` within an epoch, or in a lower epoch, or absent from it; each id once. For
 * walking history and for judging proposed edits: an empty result means next only rose.
 */
void rt_baseline_falls(const struct rt_baseline *base, const struct rt_baseline *next, struct rt_strs *ids);
/* The names of the checks that have lines. */
void rt_baseline_checks(const struct rt_baseline *baseline, struct rt_strs *checks);
/* An id's copy in the store, for a line that the caller pushes. */
const char *rt_baseline_keep_id(struct rt_baseline *baseline, const char *id, size_t len);
/* Takes the text over into the store; returns its bytes. */
char *rt_baseline_keep_text(struct rt_baseline *baseline, struct rt_buf *text);
/* Makes an empty baseline a copy of another: the lines are copied, the ids are shared. */
void rt_baseline_copy(struct rt_baseline *out, const struct rt_baseline *from);
void rt_baseline_release(struct rt_baseline *baseline);
RT_DEFINE_AUTO(baseline, struct rt_baseline, rt_baseline_release);

/* The shortest decimal that reads back to the same double; no exponent between 1e-4 and 1e15. */
void rt_number_write(struct rt_buf *out, double x);
/* A finite decimal number, whole text; sign, fraction and exponent may be there: 0 or -1. -0 is read as 0. */
int rt_number_parse(const char *text, size_t len, double *out) RT_MUST_USE;

#endif
