#ifndef RT_CYCLE_LAYERS_H
#define RT_CYCLE_LAYERS_H

/*
 * Exported trees as stacks of immutable layers (design section 8, "Workspaces"), in <ratchet>/layers/<tree id>/:
 *
 *   tree/   the layer's directory: a whole tree, or what must lie above the next lower layer
 *   below   the tree id of the next lower layer; no such file: this is a base
 *   done    written last; a layer without it is garbage. A base is synced to disk first; a delta holds the boot id and
 * counts in that boot alone, so that it needs no fsync
 *
 * Beside it <tree id>.lock: held shared while a cell looks at the layer, alone by whoever makes or removes it; its time
 * says when the layer was last used. It is removed with its layer, by a process that holds it alone.
 *
 * A delta costs what the difference of the trees costs. A stack deeper than 32 is replaced by one delta on its base.
 */

#include "cycle/home.h"

struct rt_stack {
	struct rt_strs dirs; /* absolute, topmost first */
	struct rt_lock lock; /* shared, on the topmost layer */
};
#define RT_STACK_INIT                \
	{                            \
		.lock = RT_LOCK_INIT \
	}
void rt_stack_release(struct rt_stack *stack);
RT_DEFINE_AUTO(stack, struct rt_stack, rt_stack_release);

/*
 * The stack of a tree (objects read through repo, which may be a quarantine's). near: a tree that it probably differs
 * little from and that is exported already, or NULL. Makes what is missing.
 */
int rt_layers_get(struct rt_home *home, struct rt_repo *repo, const struct rt_oid *tree, const struct rt_oid *near,
		  struct rt_stack *out, struct rt_err *err) RT_MUST_USE;
/* 1 the tree is exported, 0 not. */
int rt_layers_has(const struct rt_home *home, const struct rt_oid *tree, struct rt_err *err) RT_MUST_USE;
/* The whole tree that was exported last as a base of proposals ("" when none): a good `near` for the next one. */
int rt_layers_last(const struct rt_home *home, struct rt_oid *tree, struct rt_err *err) RT_MUST_USE;
int rt_layers_set_last(const struct rt_home *home, const struct rt_oid *tree, struct rt_err *err) RT_MUST_USE;
/* Removes layers that were not finished and that nobody is making; adds how many. */
int rt_layers_tidy(struct rt_home *home, size_t *removed, struct rt_err *err) RT_MUST_USE;
/* Removes layers that nobody looks at, but the newest `keep`, and the chains below them; adds how many went. */
int rt_layers_sweep(struct rt_home *home, size_t keep, uint64_t *room, size_t *removed, struct rt_err *err) RT_MUST_USE;

#endif
