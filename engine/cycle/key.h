#ifndef RT_CYCLE_KEY_H
#define RT_CYCLE_KEY_H

/*
 * The key of a cell's result (design section 4, `inputs`): everything that the result may depend on. Two runs with the
 * same key saw the same files, ran the same command in the same isolation on the same machine. It is sound because a
 * cell sees nothing but its inputs and what it needs.
 */

#include "cycle/matrix.h"

/*
 * Fills the cell's key in the matrix, from its part of the tree, its check and the keys of what it needs, which must be
 * there. It stays "" where a result must not stand for a later one: `network: host` but for a prepare, a sampled
 * metric, and whatever needs such a cell.
 */
int rt_key_make(struct rt_matrix *matrix, size_t cell, const char *machine, struct rt_err *err) RT_MUST_USE;
/* A digest of what one cell runs and how, whatever the tree, the machine and the isolation. */
int rt_key_cell(const struct rt_cell *cell, char key[RT_SHA256_HEX + 1], struct rt_err *err) RT_MUST_USE;
/* A digest of what all cells of the matrix run, on which machine and how isolated, whatever the tree. */
int rt_key_plan(const struct rt_matrix *matrix, const char *machine, char key[RT_SHA256_HEX + 1],
		struct rt_err *err) RT_MUST_USE;

#endif
