#ifndef TEST_CELLS_H
#define TEST_CELLS_H

/*
 * Shared by the tests of engine/run. A fixture makes a directory with a layer (the helper `hostile` in it) and runs
 * commands in cells over it. Tests of a level that this machine does not reach are skipped.
 */

#include <criterion/criterion.h>

#include "run/cell.h"
#include "support/buf.h"

extern char cells_dir[]; /* of this test, on the host */

/* Makes the directory; skips the test where the level is out of reach. */
void cells_setup(enum rt_isolation level);
void cells_teardown(void);
/* Criterion runs no teardown behind cr_skip. */
#define cells_skip(...)               \
	do {                          \
		cells_teardown();     \
		cr_skip(__VA_ARGS__); \
	} while (0)

/* A spec with the fixture's layer, a fresh reports directory, 20 s and this argv. Copied strings live until the
 * teardown. */
struct rt_cell_spec cells_spec(const char *const *argv);
/* A copy of the spec that lives until the teardown. */
const struct rt_cell_spec *cells_keep(struct rt_cell_spec spec);
/* Runs to the end; never NULL. Valid until the teardown. */
struct rt_cell_outcome *cells_run(const struct rt_cell_spec *spec);
/* A path below the test's directory. */
const char *cells_path(const char *name);
/* Makes a directory (and its parents) below the test's directory and gives its path. */
const char *cells_make_dir(const char *name);
/* Writes a file below the test's directory. */
const char *cells_write(const char *name, const char *text);
/* How many processes have token among their arguments. */
unsigned cells_alive(const char *token);

#define CELLS_ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})
/* Runs `hostile WORDS...` with the fixture's level. */
#define cells_hostile(...) cells_run(cells_keep(cells_spec(CELLS_ARGV("./hostile", __VA_ARGS__))))
/* Runs a shell script. */
#define cells_sh(script) cells_run(cells_keep(cells_spec(CELLS_ARGV("sh", "-c", script))))

/* The command ran to its end with this code, left nothing behind, and there was no problem. */
#define cells_expect(outcome, code)                                                                      \
	do {                                                                                             \
		const struct rt_cell_outcome *o_ = (outcome);                                            \
		cr_assert(o_->end == RT_END_EXIT && o_->exit_code == (code) && o_->leaked == 0 &&        \
			      o_->problem.len == 0,                                                      \
			  "end %d, code %d, leaked %u: %s\n%s", (int)o_->end, o_->exit_code, o_->leaked, \
			  o_->problem.data, o_->log.data);                                               \
	} while (0)

#endif
