#ifndef RT_MODEL_MOVES_H
#define RT_MODEL_MOVES_H

/*
 * Files that a proposal moves, and the ids that move with them. A finding's id holds its file; a case's id does where
 * the runner writes it so: as a path (`tests/a.js`), as a module of Python (`tests.test_a`, from tests/test_a.py) or
 * Rust (`a::b`, from src/a/b.rs), as a class of Java and its relatives (`org.x.FooTest`, from
 * src/test/java/org/x/FooTest.java), or as the package that a test file of Go is in. A check may run in a folder, so a
 * case may name its file from there. What is derived here are guesses by name alone, and there may be several for one
 * id; the judge holds them against what was seen, and at most one is borne out.
 */

#include "model/judge.h"

struct rt_move {
	const char *from, *to; /* paths from the root, as git has them; borrowed */
};

/* Ids by their old and their new name; to be freed with rt_renames_free. */
struct rt_moved {
	struct rt_rename *cases; /* of lines that say `pass` */
	size_t n_cases;
	struct rt_rename *findings; /* of lines that say `known` */
	size_t n_findings;
};

/* At most this many ids of each kind; those beyond are left as they are, absent. */
#define RT_MOVED_MAX 4096

/* Appends what the lines of a sealed baseline may become by the moves. The cost follows the baseline once there is a
 * move. */
void rt_moves_derive(const struct rt_baseline *baseline, const struct rt_move *moves, size_t n, struct rt_moved *out);
void rt_moved_release(struct rt_moved *moved);
RT_DEFINE_AUTO(moved, struct rt_moved, rt_moved_release);

#endif
