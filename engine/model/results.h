#ifndef RT_MODEL_RESULTS_H
#define RT_MODEL_RESULTS_H

/*
 * Observations: what the readers found in the report of one run of one cell. Anything that makes the report less than
 * complete evidence is a problem; a run with a problem is never green. A million cases take about 100 MiB, ids
 * included.
 */

#include <stdbool.h>
#include <stdint.h>

#include "support/buf.h"
#include "support/err.h"
#include "support/index.h"

/* In order of badness: the same id twice takes the worst. */
#define RT_STATUSES(X) X(PASS, "pass") X(SKIP, "skip") X(FAIL, "fail") X(ERROR, "error") X(ABSENT, "absent")
enum rt_status {
#define X(name, text) RT_STATUS_##name,
	RT_STATUSES(X)
#undef X
};
const char *rt_status_name(enum rt_status status);

struct rt_baseline;

struct rt_case {
	const char *id;	    /* escaped, in the arena */
	int32_t assertions; /* -1: not reported */
	float duration_ms;  /* -1: not reported */
	uint32_t note;	    /* 1 + index into notes; 0: none */
	uint8_t status;	    /* enum rt_status */
	bool retried;	    /* it failed, and its runner ran it again until it passed: as an observation, it failed */
};

struct rt_metric {
	const char *id;
	double value;
	uint32_t next; /* 1 + position of the next sample of the same id; 0: none */
	uint32_t last; /* of the first sample of an id: 1 + position of the last; of the others 0 */
};

/* One item that should not exist. Its id is cell, "/", fingerprint. */
struct rt_finding {
	const char *id;
	const char *text;   /* message with place, escaped, for people */
	const char *marked; /* of one whose id was given before: that id, and text; what is the same here was reported
			       twice */
	uint32_t times;	    /* of the first with an id as it was given: how many differ in their text */
};

struct rt_results {
	struct rt_arena arena;
	RT_VEC(struct rt_case) cases; /* one for each id, in order of first appearance */
	struct rt_index index;	      /* of cases, by id, but for those that stand in known */
	/*
	 * Where the ids probably come from: a sealed baseline that outlives the results, or NULL; set before the first
	 * case. The id of a case that it holds is its string, and its line leads to the case.
	 */
	const struct rt_baseline *known;
	uint32_t *by_line;	    /* for each line of known 1 + position in cases, or 0 */
	size_t next;		    /* the line behind that of the last case: mostly the next one's */
	RT_VEC(const char *) notes; /* failure texts made safe by rt_id_escape_text; 8 KiB each, 4 MiB in all */
	size_t note_bytes;
	RT_VEC(struct rt_metric) metrics;
	RT_VEC(struct rt_finding) findings;    /* each id once */
	struct rt_index by_metric;	       /* the first sample of each id */
	struct rt_index by_finding, by_marked; /* but for those that stand in known, or have no mark */
	uint32_t *finding_by_line;	       /* for each line of known 1 + position in findings, or 0 */
	size_t next_finding;
	struct rt_strs problems; /* each with file and place; at most 100 kept */
	size_t counts[5];	 /* cases by enum rt_status */
	size_t retried;		 /* cases that were */
	/*
	 * A case whose id holds this word is a control: it is no observation, and only its worst status is kept, in
	 * `control`, ABSENT where there was none. Borrowed, set before the first case, NULL: no control.
	 */
	const char *control_word;
	enum rt_status control;
};

#define RT_RESULTS_INIT \
	{               \
		0       \
	}

/*
 * Adds a case; the id is escaped already (rt_id_case). The same id again takes the worst status with its note, the
 * smaller reported assertion count and the longer duration. note: the failure's text or NULL, note_len bytes, copied.
 */
void rt_results_case(struct rt_results *results, const char *id, enum rt_status status, int32_t assertions,
		     double duration_ms, const char *note, size_t note_len);
/* Of a case that passed: not at the first attempt. */
void rt_results_retried(struct rt_results *results, const char *id);
/* The first sample of an id, and the one after; NULL: none. */
const struct rt_metric *rt_results_sample(const struct rt_results *results, const char *id);
const struct rt_metric *rt_results_next_sample(const struct rt_results *results, const struct rt_metric *sample);
/* A value that is not finite is a problem. The same id may come several times: each is a sample. */
void rt_results_metric(struct rt_results *results, const char *id, double value);
/*
 * The same id with another text is a second finding of that kind and becomes `ID::#2`, so that a set of ids tells one
 * from two; with the same text it was reported twice, and is dropped.
 */
void rt_results_finding(struct rt_results *results, const char *id, const char *text);
/* One line; text from the report in it is made safe here. */
void rt_results_problem(struct rt_results *results, const char *fmt, ...) RT_PRINTF(2, 3);
/* The case with this id, or NULL. */
const struct rt_case *rt_results_find(const struct rt_results *results, const char *id);
/* The same for the id of a line of a sealed baseline; at once when that is known. */
struct rt_line;
const struct rt_case *rt_results_of_line(const struct rt_results *results, const struct rt_baseline *baseline,
					 const struct rt_line *line);
/* The failure text of a case, or NULL. */
const char *rt_results_note(const struct rt_results *results, const struct rt_case *c);
/* Cases that ran: pass, fail and error. */
size_t rt_results_executed(const struct rt_results *results);
/* Observations as JSON, and back: what is kept of a run so that it need not be repeated. Failure texts and problems are
 * not among them: a run with either is never kept. */
struct rt_json;
struct rt_json *rt_results_json(const struct rt_results *results);
/* Adds to results (empty before). 0, or -1 when it is not what rt_results_json makes. */
int rt_results_from_json(struct rt_results *results, const struct rt_json *json) RT_MUST_USE;
void rt_results_release(struct rt_results *results);
RT_DEFINE_AUTO(results, struct rt_results, rt_results_release);

#endif
