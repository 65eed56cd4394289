#ifndef RT_CYCLE_DETECT_PARTS_H
#define RT_CYCLE_DETECT_PARTS_H

/*
 * What the files of detect share. A place is the root of the tree or one folder of it; a runner looks at a place, says
 * how sure it is, and adds its checks.
 */

#include "cycle/detect.h"

struct rt_place {
	struct rt_repo *repo;
	const struct rt_oid *tree;
	const struct rt_strs *paths; /* tracked files of the whole tree */
	const struct rt_toolbox *toolbox;
	const char *dir;  /* "" or "server/": every path and pattern below is relative to it */
	const char *name; /* put before the names of checks: "" or "npm-" */
	struct rt_found *found;
};

enum rt_sure {
	RT_SURE_NOT,
	RT_SURE_LAST, /* only where nothing else is recognised: a Makefile stands beside everything */
	RT_SURE_WEAK, /* files that look like it; they may belong to what is recognised strongly */
	RT_SURE_STRONG
};

struct rt_runner {
	const char *name;
	const char *family; /* only the first runner of a family counts at a place; NULL: none */
	/* enum rt_sure, or -1 */
	int (*look)(struct rt_place *place, struct rt_err *err);
	int (*add)(struct rt_place *place, struct rt_err *err);
};
/* end with a NULL name */
extern const struct rt_runner rt_runners_compiled[], rt_runners_node[], rt_runners_scripted[];

/* Does a tracked file match the pattern? */
bool rt_place_has(const struct rt_place *place, const char *pattern);
/* Appends the file's text: 1, 0 there is none, -1. */
int rt_place_read(const struct rt_place *place, const char *path, struct rt_buf *out, struct rt_err *err) RT_MUST_USE;
/* Does the file hold the text? 1, 0, -1. */
int rt_place_holds(const struct rt_place *place, const char *path, const char *text, struct rt_err *err) RT_MUST_USE;
/* Adds a runner's support or watch globs, NULL-terminated: also those that no file matches yet, because a proposal that
 * creates a conftest.py or a jest.config.js steers the runner as much as one that changes it. */
void rt_place_globs(const struct rt_place *place, struct rt_strs *to, const char *const *patterns);

/* Adds a check called by its base name; the command is run in the place. Borrowed until the next one is added. */
struct rt_found_check *rt_place_check(struct rt_place *place, const char *base, const char *fmt, ...) RT_PRINTF(3, 4);
void rt_check_needs(const struct rt_place *place, struct rt_found_check *check, const char *base);
void rt_check_inputs(const struct rt_place *place, struct rt_found_check *check, const char *const *patterns);
/* report: FORMAT, or {FORMAT: PATH} with the path in the place. */
void rt_check_report(const struct rt_place *place, struct rt_found_check *check, const char *format, const char *path);

/* Does its build or its tests ask git about the commit they are at? 1, 0, -1. */
int rt_place_asks_git(const struct rt_place *place, struct rt_err *err) RT_MUST_USE;

/* Where a program is on the operator's PATH: a string that the caller frees, or NULL. */
char *rt_toolbox_find(const struct rt_toolbox *toolbox, const char *program);
/*
 * Makes a program that lies outside of the system's directories visible in cells: adds its prefix (what holds its bin)
 * or, with bin_only, just the directory it lies in.
 */
void rt_place_tool(struct rt_place *place, const char *program, bool bin_only);
/* Adds a directory of the operator's home to tools or caches, where it exists. */
bool rt_place_home(struct rt_place *place, struct rt_strs *to, const char *below);

#endif
