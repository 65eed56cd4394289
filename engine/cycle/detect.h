#ifndef RT_CYCLE_DETECT_H
#define RT_CYCLE_DETECT_H

/*
 * Recognising a project by its tracked files: which commands build and test it, what belongs to its tests, what steers
 * its build, and which directories its toolchain needs in a cell. Reads a tree and the operator's PATH and HOME, runs
 * nothing. What was found is written as a commented ratchet.yml.
 */

#include "git/repo.h"
#include "model/config.h"

/* One check as it will stand in ratchet.yml. */
struct rt_found_check {
	char *name;
	bool prepare; /* kind: prepare */
	bool host;    /* network: host */
	bool fast;
	bool git;     /* git: true */
	char *run;    /* a shell command, maybe of several lines */
	char *report; /* as in ratchet.yml; NULL: by exit code */
	char *note;   /* a comment above it, or NULL */
	struct rt_strs needs, inputs;
	struct rt_strs env; /* NAME=value */
};

struct rt_found {
	struct rt_strs runners; /* what was recognised, for people: "meson", "pytest in server" */
	RT_VEC(struct rt_found_check) checks;
	struct rt_strs support, watch, tools, caches;
};
#define RT_FOUND_INIT \
	{             \
		0     \
	}

/* Where programs are looked up: the operator's, since a cell's own PATH holds the system directories alone. */
struct rt_toolbox {
	const char *path; /* $PATH, or NULL */
	const char *home; /* the operator's home directory, or NULL */
};

/* Adds what the tree is recognised as; no checks: nothing. */
int rt_detect(struct rt_found *found, struct rt_repo *repo, const struct rt_oid *tree, const struct rt_toolbox *toolbox,
	      struct rt_err *err) RT_MUST_USE;
/*
 * Puts the caller's own checks, each "name=command", in the place of the recognised ones. Refuses what is no name, no
 * command, or stands twice.
 */
int rt_found_replace(struct rt_found *found, const struct rt_strs *checks, struct rt_err *err) RT_MUST_USE;
/* Appends the text of ratchet.yml. target: a branch name. */
void rt_found_write(const struct rt_found *found, const char *target, bool strict_support, struct rt_buf *out);
void rt_found_release(struct rt_found *found);
RT_DEFINE_AUTO(found, struct rt_found, rt_found_release);

#endif
