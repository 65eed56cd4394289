#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cycle/matrix.h"

struct rt_given {
	const char *name, *value;
};

const struct rt_command *const rt_commands[] = {
    &rt_command_init,
    &rt_command_propose,
    &rt_command_check,
    &rt_command_status,
    &rt_command_log,
    &rt_command_explain,
    &rt_command_read,
    &rt_command_baseline,
    &rt_command_waive,
    &rt_command_verify,
    &rt_command_overdue,
    &rt_command_recover,
    &rt_command_gc,
    &rt_command_doctor,
    &rt_command_hook,
    &rt_command_ci,
    &rt_command_merge_driver,
    &rt_command_completion,
    NULL,
};

/* ---- options ---- */

enum { LONG_BASE = 1000, OPT_JSON = 500, OPT_HELP };

const char *
rt_cli_value(const struct rt_cli *cli, const char *name)
{
	const char *value = NULL;
	for (size_t i = 0; i < cli->n_given; i++)
		if (strcmp(cli->given[i].name, name) == 0)
			value = cli->given[i].value ? cli->given[i].value : "";
	return value;
}

bool
rt_cli_flag(const struct rt_cli *cli, const char *name)
{
	return rt_cli_value(cli, name) != NULL;
}

void
rt_cli_values(const struct rt_cli *cli, const char *name, struct rt_strs *out)
{
	for (size_t i = 0; i < cli->n_given; i++)
		if (strcmp(cli->given[i].name, name) == 0 && cli->given[i].value)
			rt_strs_add(out, cli->given[i].value);
}

static size_t
count_options(const struct rt_command *command)
{
	size_t n = 0;
	while (command->options && command->options[n].name)
		n++;
	return n;
}

static const struct rt_option *
option_by_code(const struct rt_command *command, int code)
{
	for (size_t i = 0; i < count_options(command); i++)
		if ((command->options[i].letter && command->options[i].letter == code) || code == LONG_BASE + (int)i)
			return &command->options[i];
	return NULL;
}

/* getopt's tables, made from the command's own. */
static void
build_tables(const struct rt_command *command, struct option *longs, struct rt_buf *shorts)
{
	size_t n = count_options(command);
	rt_buf_adds(shorts, ":C:h");
	for (size_t i = 0; i < n; i++) {
		const struct rt_option *option = &command->options[i];
		longs[i] = (struct option){option->name, option->value ? required_argument : no_argument, NULL,
					   LONG_BASE + (int)i};
		if (option->letter)
			rt_buf_addf(shorts, "%c%s", option->letter, option->value ? ":" : "");
	}
	longs[n] = (struct option){"json", no_argument, NULL, OPT_JSON};
	longs[n + 1] = (struct option){"help", no_argument, NULL, OPT_HELP};
	longs[n + 2] = (struct option){NULL, 0, NULL, 0};
}

static int
usage(const struct rt_command *command, struct rt_err *err, const char *what, const char *which)
{
	return rt_fail(err, RT_ECONFIG, "%s%s; see `ratchet %s --help`", what, which, command->name);
}

/* 1: help was asked for; 0; -1. */
static int
parse_options(struct rt_cli *cli, int argc, char **argv, struct rt_err *err)
{
	const struct rt_command *command = cli->command;
	rt_auto(buf) struct rt_buf shorts = RT_BUF_INIT;
	rt_auto(free) struct option *longs = rt_alloc(count_options(command) + 3, sizeof(*longs));
	build_tables(command, longs, &shorts);
	cli->given = rt_alloc((size_t)argc + 1, sizeof(*cli->given));
	optind = 1;
	for (int code; (code = getopt_long(argc, argv, shorts.data, longs, NULL)) != -1;) {
		const struct rt_option *option = option_by_code(command, code);
		if (option)
			cli->given[cli->n_given++] = (struct rt_given){option->name, optarg};
		else if (code == 'C')
			cli->dir = optarg;
		else if (code == OPT_JSON)
			cli->json = true;
		else if (code == OPT_HELP || code == 'h')
			return 1;
		else
			return usage(command, err, code == ':' ? "a value is missing after " : "there is no option ",
				     argv[optind - 1]);
	}
	cli->args = (const char *const *)argv + optind;
	cli->n_args = argc - optind;
	if (cli->n_args < command->min_args)
		return usage(command, err, "an argument is missing: ratchet ", command->name);
	if (command->max_args >= 0 && cli->n_args > command->max_args)
		return usage(command, err, "there is no room for the argument ", cli->args[command->max_args]);
	return 0;
}

/* ---- printing ---- */

/* A CI runner obeys `##[command]` wherever it stands in a line of the job's log, and a candidate can put it there. */
static void
write_inert(FILE *to, const char *text, const char *instead)
{
	static const char command[] = "##[";
	for (const char *at; (at = strstr(text, command)); text = at + strlen(command)) {
		fwrite(text, 1, (size_t)(at - text), to);
		fputs(instead, to);
	}
	fputs(text, to);
}

char *
rt_cli_self(struct rt_err *err)
{
	char *self = realpath("/proc/self/exe", NULL);
	if (!self)
		(void)rt_fail_errno(err, "finding the path of this program in /proc");
	return self;
}

void
rt_cli_write(FILE *to, const char *text)
{
	write_inert(to, text, "#\\x23[");
}

void
rt_cli_print_json(struct rt_json *json)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	rt_json_write(json, &text);
	rt_json_free(json);
	rt_buf_addc(&text, '\n');
	/* only within a string can it stand, where this is another way to write the same */
	write_inert(stdout, text.data, "#\\u0023[");
}

int
rt_cli_report(const struct rt_cli *cli, const struct rt_report *report, int noop_exit)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	rt_cli_progress_done();
	if (cli->json) {
		rt_cli_print_json(rt_report_json(report, NULL, false));
	} else {
		rt_report_text(report, cli->colour, &text);
		rt_cli_write(stdout, text.data);
	}
	return report->verdict == RT_VERDICT_NOOP ? noop_exit : rt_verdict_exit(report->verdict);
}

static void
print_error(const struct rt_cli *cli, const struct rt_err *err)
{
	rt_cli_progress_done();
	if (cli->json) {
		struct rt_report none = RT_REPORT_INIT;
		rt_cli_print_json(rt_report_json(&none, err, false));
	}
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	rt_buf_adds(&text, "ratchet: ");
	if (err->file[0] && err->line)
		rt_buf_addf(&text, "%s:%u:%u: ", err->file, err->line, err->column);
	else if (err->file[0])
		rt_buf_addf(&text, "%s: ", err->file);
	rt_buf_addf(&text, "%s\n", err->text);
	rt_cli_write(stderr, text.data);
}

/* ---- signals: tidy up, then die of the same signal ---- */

static volatile sig_atomic_t caught;

static void
on_signal(int number)
{
	caught = number;
	rt_matrix_stop();
}

static void
catch_signals(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = on_signal};
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < RT_COUNT(numbers); i++) {
		struct sigaction before;
		/* what the caller ignores (nohup) stays ignored */
		if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
}

/* ---- main ---- */

static const struct rt_command *
find_command(const char *name)
{
	for (size_t i = 0; rt_commands[i]; i++)
		if (strcmp(rt_commands[i]->name, name) == 0)
			return rt_commands[i];
	return NULL;
}

static int
print_help(const struct rt_command *command, FILE *to)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	if (command)
		rt_help_command(command, &text);
	else
		rt_help_all(&text);
	fwrite(text.data, 1, text.len, to);
	return 0;
}

static int
run_command(const struct rt_command *command, int argc, char **argv)
{
	const char *no_colour = getenv("NO_COLOR");
	struct rt_err err = RT_ERR_INIT;
	struct rt_cli cli = {
	    .command = command, .dir = ".", .colour = isatty(STDOUT_FILENO) && !(no_colour && no_colour[0])};
	static char via[64];
	snprintf(via, sizeof(via), "command %s", command->name);
	rt_via_set(via);
	int code = parse_options(&cli, argc, argv, &err);
	if (code > 0)
		code = print_help(command, stdout);
	else if (code == 0)
		code = command->run(&cli, &err);
	rt_cli_progress_done();
	if (code < 0) {
		print_error(&cli, &err);
		code = rt_err_exit(err.code);
		if (code == 0)
			code = rt_err_exit(RT_EINTERNAL);
	}
	free(cli.given);
	if (caught) {
		fflush(stdout);
		signal(caught, SIG_DFL);
		raise(caught);
	}
	if (fflush(stdout) != 0 && code == 0)
		code = rt_err_exit(RT_EIO);
	return code;
}

/* `-C DIR` and `--json` may also stand before the command, as with git. */
static int
move_leading_options(int argc, char **argv)
{
	int i = 1;
	while (i < argc && argv[i][0] == '-') {
		if (strcmp(argv[i], "-C") == 0)
			i += 2;
		else if (strcmp(argv[i], "--json") == 0)
			i++;
		else
			break;
	}
	if (i >= argc || argv[i][0] == '-')
		return i;
	char *name = argv[i];
	memmove(argv + 2, argv + 1, (size_t)(i - 1) * sizeof(*argv));
	argv[1] = name;
	return 1;
}

int
main(int argc, char **argv)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	int at = move_leading_options(argc, argv);
	const char *name = at < argc ? argv[at] : NULL;
	if (!name || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
		const struct rt_command *about = name && at + 1 < argc ? find_command(argv[at + 1]) : NULL;
		print_help(about, name ? stdout : stderr);
		return name ? 0 : rt_err_exit(RT_ECONFIG);
	}
	if (strcmp(name, "--version") == 0) {
		puts("ratchet " RATCHET_VERSION);
		return 0;
	}
	const struct rt_command *command = find_command(name);
	if (!command) {
		fprintf(stderr, "ratchet: there is no command %s; `ratchet --help` lists them\n", name);
		return rt_err_exit(RT_ECONFIG);
	}
	catch_signals();
	return run_command(command, argc - 1, argv + 1);
}
