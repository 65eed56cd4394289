#ifndef RT_TESTS_MODEL_KIT_H
#define RT_TESTS_MODEL_KIT_H

/* A gate in memory for tests of the judge: up to 8 cells, each with its runs, a baseline, waivers and renames. */

#include "model/judge.h"

#define KIT_CELLS 8

struct kit {
	struct rt_config config;
	struct rt_check checks[KIT_CELLS];
	struct rt_cell cells[KIT_CELLS];
	struct rt_trial trials[KIT_CELLS];
	struct rt_baseline baseline;
	struct rt_waivers waivers;
	struct rt_rename *renames;
	size_t n_renames;
	struct rt_judge_input input; /* n counts the cells */
	struct rt_judgement out;
};

extern struct kit kit;

void kit_start(void);
void kit_finish(void);
/* Adds a cell that is named like its check. */
size_t kit_cell(const char *name, enum rt_kind kind);
enum kit_run { KIT_FIRST, KIT_SECOND, KIT_BASE };
/*
 * Makes a run of a cell end with evidence, cases as in "a=pass b=fail c=pass:12" (ids below the cell, number:
 * assertions). Words that begin with `m:` are metrics of the cell's check ("m:12.5"), with `f:` findings ("f:unused").
 */
struct rt_run *kit_ran(size_t cell, enum kit_run which, const char *seen);
/* Adds runs of the candidate and of the base after those; NULL: no run of that side. */
void kit_round(size_t cell, const char *candidate, const char *base);
/* Would another round tell? Seals the baseline. */
bool kit_more(size_t cell);
struct rt_run *kit_ended(size_t cell, enum kit_run which, enum rt_cell_end end);
/* Adds lines of the baseline, each "id level value epoch" as in the file with spaces for tabs and `-` for an empty
 * value. */
void kit_line(const char *line);
void kit_waive(const char *id, enum rt_waiver_to to, double number);
void kit_rename(const char *from, const char *to);
/* Seals the baseline and judges; the judgement is kit.out. */
enum rt_verdict kit_judge(void);
/* Whether a cell needs a second look, by its first run. */
bool kit_red(size_t cell);
/* The regression or gain of an id, or NULL. */
const struct rt_change *kit_find(const struct rt_changes *changes, const char *id);
/* True when a sentence of unproven begins with the id and has the word. */
bool kit_unproven(const char *id, const char *word);
/* The only decision of the judgement. */
const struct rt_decision *kit_decision(void);
/* The line of an id in what is landed, in the notation of kit_line; "" when there is none. Valid until the next call.
 */
const char *kit_raised(const char *id);

#endif
