#ifndef RT_MODEL_PRESET_H
#define RT_MODEL_PRESET_H

/*
 * Report formats and presets. A format is what a reader reads (`report: {junit: PATH}`). A preset (`report: pytest`)
 * says of one runner which format its report has, where it is, which environment variables make the runner write it,
 * and what the runner's exit codes mean. Some names are both (meson, criterion): the preset then adds the place. Two
 * tables; the configuration, `ratchet init` and the engine read them, and a test holds the formats against the readers.
 */

#include <stdbool.h>
#include <stddef.h>

/* What a check with that format observes. */
struct rt_report_format {
	const char *name;
	bool cases, metric, findings;
};
/* "exit" first; ends with a NULL name. */
extern const struct rt_report_format rt_report_formats[];
/* NULL when there is none. */
const struct rt_report_format *rt_report_format_find(const char *name);

struct rt_preset {
	const char *name;
	const char *format; /* of rt_report_formats */
	/* "NAME=value" with {{report}}, NULL-terminated: added to the cell's environment where the check's own env does
	 * not name it */
	const char *env[5];
	const char *path; /* a glob in the workspace, or NULL: {{report}} */
	bool from_stdout;
	/* the folder in path below which the runner leaves the output of each script, whose whole it judges; or NULL */
	const char *scripts;
	const char *command;	/* what init writes under run; where the report takes flags, they are in it */
	const char *rerun;	/* default rerun command with {{case}}, or NULL */
	const char *exit_table; /* see rt_preset_exit(); NULL: nothing beyond the general rule */
};

extern const struct rt_preset rt_presets[]; /* ends with a NULL name */
/* NULL when it is not a preset. */
const struct rt_preset *rt_preset_find(const char *name);

/* What a runner's exit code says. */
enum rt_exit_meaning {
	RT_EXIT_CLEAN,	 /* 0: no executed case failed */
	RT_EXIT_FAILED,	 /* cases failed, and the report must name one */
	RT_EXIT_NOTHING, /* no case was executed */
	RT_EXIT_BROKEN	 /* the runner itself failed: whatever the report says is not evidence */
};
/*
 * The table's text is "1=fail 5=nothing 2,3=broken". preset may be NULL. A code that the table does not name is
 * RT_EXIT_FAILED; 126 and 127 are always broken.
 */
enum rt_exit_meaning rt_preset_exit(const struct rt_preset *preset, int code);

#endif
