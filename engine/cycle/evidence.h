#ifndef RT_CYCLE_EVIDENCE_H
#define RT_CYCLE_EVIDENCE_H

/*
 * From a finished cell to observations: finds its report where the check says, in what this very run wrote, and hands
 * it to the reader. Nothing is opened through a link, nothing from a lower layer counts, a tracked file at the report's
 * place is refused.
 */

#include "cycle/matrix.h"

struct rt_evidence {
	struct rt_repo *repo;
	const struct rt_oid *tree;
	const struct rt_cell *cell;
	const struct rt_baseline *known; /* sealed; outlives the run's results */
	const struct rt_cell_outcome *outcome;
	const char *reports; /* host directory that was the cell's report folder */
	int output_fd;	     /* what the cell wrote to its streams, or -1 */
	enum rt_streams streams;
	const char *control; /* the name of the control that the run carried, or NULL */
};

/* The file name of {{report}} below the report folder. */
#define RT_REPORT_FILE "report"

/* Fills run and the digest of all report bytes read. */
int rt_evidence_weigh(const struct rt_evidence *evidence, struct rt_run *run, char digest[RT_SHA256_HEX + 1],
		      struct rt_err *err) RT_MUST_USE;

#endif
