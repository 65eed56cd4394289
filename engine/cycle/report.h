#ifndef RT_CYCLE_REPORT_H
#define RT_CYCLE_REPORT_H

/*
 * What one gating leaves: the answer of `propose --json` and `check --json` (design section 7), the evidence that
 * `explain` reads, and what a person sees. One struct, three ways to write it.
 */

#include <stdio.h>

#include "git/repo.h"
#include "model/judge.h"
#include "model/policy.h"
#include "support/digest.h"
#include "support/json.h"

struct rt_cell_report {
	char *name;
	const char *status; /* passed | failed | blocked | timeout | inconclusive */
	bool cached;
	unsigned attempts;
	size_t executed;
	int64_t duration_ms;
	char *log;     /* redacted output of the last attempt that was not green, shortened; or NULL */
	char *command; /* what it ran, for people */
	char *problem; /* or NULL */
};

struct rt_report {
	char id[13];
	bool has_verdict;
	enum rt_verdict verdict;
	char *target;
	struct rt_oid base, candidate, landed, ledger, tree;
	const char *isolation;
	struct rt_changes regressions, gains;
	struct rt_refusals refusals;
	struct rt_strs unproven, waived, demoted;
	struct rt_decisions decisions;
	RT_VEC(struct rt_cell_report) cells;
	size_t counts[5]; /* cases by enum rt_status */
	int64_t duration_ms, overhead_ms;
	struct rt_strs support;	 /* support paths that the proposal changes, escaped */
	char *support_said;	 /* what the target's own say of the candidate's code; NULL: they were not asked */
	char earlier[13];	 /* the attempt that answered this one; "" when it was run */
	struct rt_strs offences; /* earlier attempts of the same actor that failed the same way, newest first */
	char *why;		 /* conflict, noop: one sentence or git's words; or NULL */
	bool dry_run, fast;
};
#define RT_REPORT_INIT \
	{              \
		0      \
	}

/* The --json object, with the error when there is one; whole: with each cell's command and log, as the evidence has
 * them. */
struct rt_json *rt_report_json(const struct rt_report *report, const struct rt_err *err, bool whole);
/* Writes the evidence to repo; digest: of its bytes. */
int rt_report_write(const struct rt_report *report, struct rt_repo *repo, struct rt_oid *blob,
		    char digest[RT_SHA256_HEX + 1], struct rt_err *err) RT_MUST_USE;
/* For people. colour: use terminal colours. Everything that came from a candidate is escaped. */
void rt_report_text(const struct rt_report *report, bool colour, struct rt_buf *out);
/* The command by which a person reproduces a regressed case. */
void rt_report_reproduce(const struct rt_report *report, const char *id, struct rt_buf *out);
void rt_report_release(struct rt_report *report);
RT_DEFINE_AUTO(report, struct rt_report, rt_report_release);

#endif
