#ifndef RT_CYCLE_GATE_PARTS_H
#define RT_CYCLE_GATE_PARTS_H

/* What the files of the gate share: gate.c judges, gate_report.c says how a cell did and what fell. */

#include "cycle/gate.h"
#include "cycle/trials.h"

/* Adds the report of a cell; what was judged says whether a case of it regressed. */
void rt_gate_report_cell(struct rt_gate *gate, const struct rt_trials *trials, const struct rt_judgement *judgement,
			 size_t i);
/* A change that is reported; what is kept of outputs is cleared of secrets and cut. */
void rt_gate_report_change(struct rt_gate *gate, const struct rt_change *change);

#endif
