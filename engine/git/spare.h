#ifndef RT_GIT_SPARE_H
#define RT_GIT_SPARE_H

/*
 * Throwaway repositories for cells: a .git of its own with the newest part of one history, for `git describe`, version
 * scripts and whatever else asks git about the tree that it stands in. It has a detached HEAD, the tags within its
 * part, an index, and no other ref, no remote, no alternate, no hook and no path of this machine.
 *
 * Objects come from repo, the quarantine's; those of the target's own history may lie in a store that many runs share,
 * so that a run writes just what is new in it. Objects are listed by walking the differences of trees, each against its
 * first parent's: the cost follows what changed.
 */

#include "git/repo.h"

/* The commits at most depth generations from a head, as `git clone --depth` has them. */
struct rt_generations;
int rt_span_new(struct rt_generations **out, struct rt_repo *repo, const struct rt_oid *head, unsigned depth,
		struct rt_err *err) RT_MUST_USE;
bool rt_span_holds(const struct rt_generations *span, const char *hex);
/* How many commits it has that without has not. */
size_t rt_span_beyond(const struct rt_generations *span, const struct rt_generations *without);
void rt_span_free(struct rt_generations *span);
static inline void
rt_auto_span(struct rt_generations **span)
{
	rt_span_free(*span);
}

/*
 * One pack with all objects of the span but those of without (NULL: none), and those in more (hex), in dir/.git. No
 * pack where there is nothing to write.
 */
int rt_spare_pack(struct rt_repo *repo, const struct rt_generations *span, const struct rt_generations *without,
		  const struct rt_strs *more, const char *dir, struct rt_err *err) RT_MUST_USE;
/*
 * dir/.git, complete together with what rt_spare_pack(without) wrote: HEAD is the span's head, tags are those of refs
 * within the span. The index has the stat data of the files as layers (topmost first) show them, so that git need not
 * read them to know that nothing changed.
 */
int rt_spare_write(struct rt_repo *repo, struct rt_repo *refs, const struct rt_generations *span,
		   const struct rt_generations *without, const struct rt_strs *layers, const char *dir,
		   struct rt_err *err) RT_MUST_USE;

#endif
