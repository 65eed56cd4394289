#ifndef RT_CLI_CLI_H
#define RT_CLI_CLI_H

/*
 * The command layer: the only code that prints. Each subcommand is one file that defines one struct rt_command; main.c
 * holds the table of them. The table's texts are the single source of --help, the manual pages and the completions.
 */

#include <stdbool.h>
#include <stdio.h>

#include "cycle/matrix.h"
#include "cycle/report.h"
#include "support/buf.h"
#include "support/err.h"

struct rt_option {
	char letter;	   /* 0: none */
	const char *name;  /* long name, without the dashes */
	const char *value; /* what it takes, for help ("BRANCH"); NULL: a flag */
	const char *help;  /* one line, no full stop */
	bool many;	   /* may be given several times */
};

struct rt_cli;
struct rt_command {
	const char *name;
	const char *arguments;		 /* for the usage line: "[X]", "ID" */
	const char *summary;		 /* one line */
	const char *about;		 /* paragraphs, wrapped by the writer */
	const struct rt_option *options; /* ends with a NULL name; --json, -C, --help are everywhere and not listed */
	int min_args, max_args;		 /* max -1: any number */
	/* Returns the exit code; on -1 err is printed and gives the code. */
	int (*run)(struct rt_cli *cli, struct rt_err *err);
};

struct rt_cli {
	const struct rt_command *command;
	const char *dir; /* -C; "." */
	bool json, colour;
	const char *const *args; /* positional, NULL-terminated */
	int n_args;
	struct rt_given *given; /* options as given; see the getters */
	size_t n_given;
};

extern const struct rt_command *const rt_commands[]; /* NULL-terminated, in the order of help */

/* An option's last value, or NULL. */
const char *rt_cli_value(const struct rt_cli *cli, const char *name);
bool rt_cli_flag(const struct rt_cli *cli, const char *name);
/* All values of an option that may be repeated. */
void rt_cli_values(const struct rt_cli *cli, const char *name, struct rt_strs *out);

/* Absolute path of the program that runs, as hooks are to name it; the caller frees it. NULL with err. */
char *rt_cli_self(struct rt_err *err);
/* For how long a check may show nothing while the target is worked on, unless told. */
enum { RT_CLI_WITHIN_DAYS = 7 };

/* Prints text that may hold words of a candidate, so that no CI runner obeys them. Every report and error goes this
 * way. */
void rt_cli_write(FILE *to, const char *text);
/* Prints a JSON value on standard output, canonical with a newline; takes it over. */
void rt_cli_print_json(struct rt_json *json);
/* Prints a report as --json or text, and returns the exit code of its verdict. noop_exit: 5 in propose, else 0. */
int rt_cli_report(const struct rt_cli *cli, const struct rt_report *report, int noop_exit);

/* Asks for the operator's word for unsigned governance on /dev/tty, so that no pipe can answer. -1: no terminal, or not
 * confirmed. */
int rt_cli_confirm_governance(struct rt_err *err) RT_MUST_USE;

/* Live progress on a terminal, plain lines elsewhere, on standard error. */
struct rt_progress rt_cli_progress(const struct rt_cli *cli);
/* Clears what progress left on the terminal. */
void rt_cli_progress_done(void);

/* Help, manual page and completions from the table. */
void rt_help_command(const struct rt_command *command, struct rt_buf *out);
void rt_help_all(struct rt_buf *out);
void rt_help_manual(const struct rt_command *command, struct rt_buf *out); /* NULL: ratchet(1) itself */

extern const struct rt_command rt_command_init, rt_command_propose, rt_command_check, rt_command_log,
    rt_command_explain, rt_command_read, rt_command_recover, rt_command_gc, rt_command_completion, rt_command_verify,
    rt_command_overdue, rt_command_status, rt_command_baseline, rt_command_waive, rt_command_ci, rt_command_hook,
    rt_command_doctor, rt_command_merge_driver;

#endif
