#ifndef RT_CYCLE_CARRY_H
#define RT_CYCLE_CARRY_H

/*
 * The controls (model/control.h) that runs carry: a file of a random name in a layer on top of the cell's workspace, so
 * that whoever is tried never has it in its tree. Every ordinary run of a cell whose runner takes such a file up
 * carries the one that must pass; its case is taken out before anything is counted, and a green run without it proves
 * nothing.
 *
 * Whether and where a cell takes one up is learned once, by a run of the target's own tree, and kept in
 * <ratchet>/controls/<digest of what the cell runs>: "works TIME SAMPLE" or "none TIME".
 */

#include "cycle/gate.h"
#include "model/control.h"

enum rt_carry_mode {
	RT_CARRY_PASS, /* the case that must pass */
	RT_CARRY_BOTH, /* and the one that must fail */
	RT_CARRY_LEARN /* both, beside each of several samples */
};
enum rt_carry_state { RT_CARRY_UNKNOWN, RT_CARRY_WORKS, RT_CARRY_NONE };

struct rt_carried {
	const struct rt_control *control; /* NULL: its runner has none */
	enum rt_carry_state state;
	char *sample;	    /* the target's file beside which it lies, where it works */
	struct rt_strs try; /* while learning: samples */
	int64_t since;	    /* when the case that must fail last came back as failed; for NONE, when that was found */
	bool off;	    /* no more in this gate */
	char name[16];	    /* of the newest; "" where the tree had no place for it */
	char key[RT_SHA256_HEX + 1];
};

struct rt_carry {
	struct rt_gate *gate; /* borrowed */
	const struct rt_plan *plan;
	struct rt_carried *at; /* as many as the plan has cells */
	size_t n;
};

/* What is known of a plan's cells. */
int rt_carry_init(struct rt_carry *carry, struct rt_gate *gate, const struct rt_plan *plan,
		  struct rt_err *err) RT_MUST_USE;
void rt_carry_release(struct rt_carry *carry);
RT_DEFINE_AUTO(carry, struct rt_carry, rt_carry_release);
/* Finds out what is not known, by a run of the base. Adds the time that its cells took. */
int rt_carry_learn(struct rt_carry *carry, enum rt_isolation level, int64_t *busy_ms, struct rt_err *err) RT_MUST_USE;
/* From now on this is known of a cell; durable across commands, but not across a power cut. */
int rt_carry_set(struct rt_carry *carry, size_t cell, enum rt_carry_state state, struct rt_err *err) RT_MUST_USE;
/* Has any cell's failing control not been seen for a week? */
bool rt_carry_is_due(const struct rt_carry *carry);

/* 1 the layer dir (made) holds a control for a run of the cell, its name in the carry; 0 this run carries none; -1. */
int rt_carry_drop(struct rt_matrix *matrix, size_t cell, const char *dir, struct rt_err *err) RT_MUST_USE;
enum rt_status rt_carry_outcome(const struct rt_run *run, const char *name, const char *which);

struct rt_trials;
/*
 * Settles what first runs with a wrong control mean. Wrong twice, and right on the target's own tree: a refusal. Wrong
 * there too: the cell has none, and runs again without. A red run that lost its control runs again without as well: the
 * control may be why it does not build.
 */
int rt_carry_settle(struct rt_carry *carry, struct rt_trials *trials, int64_t *busy_ms, struct rt_err *err) RT_MUST_USE;

#endif
