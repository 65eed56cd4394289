#ifndef RT_MODEL_PLAN_H
#define RT_MODEL_PLAN_H

/*
 * The plan: the cells of a matrix in an order in which every cell comes after what it needs. A cell needs those cells
 * of the checks it names that agree with it on every axis they share.
 */

#include "model/config.h"

struct rt_cell {
	char *name;		      /* check[a=v,b=v], axes in bytewise order; bare without axes */
	const struct rt_check *check; /* borrowed from the config */
	struct rt_pairs axes;	      /* the point */
	RT_VEC(size_t) needs;	      /* indexes of cells, all smaller than its own; direct needs only */
	bool needed;		      /* some cell needs it: its tree is kept for them */
};

struct rt_plan {
	RT_VEC(struct rt_cell) cells;
};
#define RT_PLAN_INIT \
	{            \
		0    \
	}

/*
 * The cells of config; fast_only keeps the checks marked fast and what they need (no cell at all when none is marked).
 * Refuses more than 10,000 cells, and a check of which `exclude` leaves no cell.
 */
int rt_plan_make(struct rt_plan *plan, const struct rt_config *config, bool fast_only, struct rt_err *err) RT_MUST_USE;
/*
 * Replaces {{axis}} and {{report}} in text. An unknown {{name}} is RT_ECONFIG naming it.
 */
int rt_plan_expand(const struct rt_cell *cell, const char *report, const char *text, struct rt_buf *out,
		   struct rt_err *err) RT_MUST_USE;
/*
 * Lines of a baseline that belong to former names (`was`) of checks and axes are carried over: out (empty before)
 * becomes the baseline with the ids renamed, sealed. `was: {axis: X}` reads, in this order:
 *  - the check has no such axis any more: what stood at axis=X is now the cell without it;
 *  - the old cell has no such axis but one called X: the axis was called X;
 *  - the old cell has no such axis, and X is one of its values: the axis is new, and the old cell is the one at axis=X;
 *  - the axis has no value X any more, and just one that no line of the check has yet: that value was called X.
 * Any other line stays as it is.
 */
struct rt_baseline;
void rt_plan_carry(const struct rt_config *config, const struct rt_baseline *in, struct rt_baseline *out);
void rt_plan_release(struct rt_plan *plan);
RT_DEFINE_AUTO(plan, struct rt_plan, rt_plan_release);

#endif
