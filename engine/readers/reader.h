#ifndef RT_READERS_READER_H
#define RT_READERS_READER_H

/*
 * Readers: bytes of a report to observations. Pure: they get their bytes from a source and know no disk. A report is
 * written by the proposal, so it is hostile: bounded memory, no entity expansion, no recursion without a limit. What is
 * wrong with a report is a problem in the results, with the file and the line or byte offset; the return value is
 * -1 only when ratchet itself could not go on.
 */

#include <stdbool.h>

#include "model/results.h"
#include "support/err.h"

/* Where bytes come from. read returns how many (0: the end), or -1 with errno. */
struct rt_source {
	ssize_t (*read)(void *data, void *buf, size_t cap);
	void *data;
	const char *name; /* for messages */
};

struct rt_bytes {
	const char *at;
	size_t len;
};
/* A source over memory: bytes is consumed. */
struct rt_source rt_source_bytes(struct rt_bytes *bytes, const char *name);
/* A source over an open descriptor, borrowed. */
struct rt_source rt_source_fd(int *fd, const char *name);

/* The lines of the file of the tree that was looked at last. */
struct rt_file_lines {
	char *path;
	struct rt_buf text;
	struct rt_bytes *at;
	size_t n, cap;
};
#define RT_FILE_LINES_INIT          \
	{                           \
		.text = RT_BUF_INIT \
	}
void rt_file_lines_release(struct rt_file_lines *lines);
RT_DEFINE_AUTO(file_lines, struct rt_file_lines, rt_file_lines_release);

struct rt_reading {
	struct rt_source *source;
	const char *cell;    /* its name begins every id */
	const char *check;   /* its name ends the id of a metric */
	const char *pattern; /* regex, json: the expression or pointer */
	/*
	 * TAP: the script that the report is all output of, where its runner fails a script that stops short. That it
	 * came to its end is then a case of its own, `<cell>/SCRIPT::(ran)`. NULL: a report that stops short is no
	 * evidence.
	 */
	const char *script;
	const char *root; /* the workspace, as the runner saw it; NULL: as it is in a cell with namespaces */
	int exit_code;	  /* of the runner; -1: not known (ratchet read FILE) */
	bool findings;	  /* regex: its matches are findings and not one number */
	/*
	 * Appends the text of a file of the tree that was tested: 1, 0 there is none, -1. NULL: no tree is at hand, and
	 * coverage is reported by line numbers.
	 */
	int (*file)(void *data, const char *path, struct rt_buf *text, struct rt_err *err);
	void *file_data;
	struct rt_file_lines *lines; /* findings: NULL where their lines are not looked at */
	struct rt_results *results;
};

/* The last part of the id of the case that says that coverage of a file is measured. */
#define RT_MEASURED "(measured)"

struct rt_format {
	const char *name;
	const char *summary; /* one line for --help */
	int (*read)(const struct rt_reading *reading, struct rt_err *err);
	bool metric;   /* yields metrics */
	bool findings; /* yields findings */
};

extern const struct rt_format rt_formats[]; /* ends with a NULL name */
/* NULL when there is none. */
const struct rt_format *rt_format_find(const char *name);
/* The format that the first bytes of a report look like (for `ratchet read`), or NULL. */
const struct rt_format *rt_format_guess(const char *bytes, size_t len);

#endif
