#include <ctype.h>
#include <string.h>

#include "cli/cli.h"

enum { WIDTH = 80, OPTION_TEXT = 26 };

static const struct rt_option common[] = {
    {0, "json", NULL, "print JSON on standard output", false},
    {'C', NULL, "DIR", "work in DIR instead of the current directory", false},
    {'h', "help", NULL, "print this help", false},
};

static const char about_all[] = "ratchet changes a repository without ever making it worse. It takes a patch, makes it "
				"a commit on a scratch branch, runs "
				"the checks of ratchet.yml on it in isolation, compares every test case and metric "
				"with a committed baseline that only "
				"moves forward, and then fast-forwards the branch or rolls back by itself. Every "
				"verdict leaves an entry in a hash-chained "
				"ledger.";

static const char exits[] =
    "0 landed, would land, adopted, sound; 1 regressed, or a finding; 2 usage or configuration error; "
    "3 inconclusive; 4 refused; 5 conflict or noop; 70 internal error; 74 input-output error.";

/* Words of text in lines of at most WIDTH columns after an indent. */
static void
add_wrapped(struct rt_buf *out, const char *text, unsigned indent)
{
	unsigned column = 0;
	while (*text) {
		size_t len = strcspn(text, " \n");
		if (column && column + 1 + len > WIDTH - indent) {
			rt_buf_addc(out, '\n');
			column = 0;
		}
		rt_buf_addf(out, "%*s%.*s", column ? 1 : (int)indent, "", (int)len, text);
		column += (unsigned)len + (column ? 1 : 0);
		text += len;
		if (text[0] == '\n' && text[1] == '\n') {
			rt_buf_adds(out, "\n\n");
			column = 0;
		}
		text += strspn(text, " \n");
	}
	rt_buf_addc(out, '\n');
}

static void
add_option(struct rt_buf *out, const struct rt_option *option)
{
	rt_auto(buf) struct rt_buf left = RT_BUF_INIT, right = RT_BUF_INIT;
	if (option->letter)
		rt_buf_addf(&left, "-%c%s", option->letter, option->name ? ", " : "");
	if (option->name)
		rt_buf_addf(&left, "--%s", option->name);
	if (option->value)
		rt_buf_addf(&left, " %s", option->value);
	add_wrapped(&right, option->help, OPTION_TEXT);
	/* the first line stands beside the option where there is room */
	if (left.len < OPTION_TEXT - 2)
		rt_buf_addf(out, "  %-*s%s", OPTION_TEXT - 2, left.data, right.data + OPTION_TEXT);
	else
		rt_buf_addf(out, "  %s\n%s", left.data, right.data);
}

static void
add_options(struct rt_buf *out, const struct rt_command *command,
	    void (*add)(struct rt_buf *, const struct rt_option *))
{
	for (const struct rt_option *option = command ? command->options : NULL; option && option->name; option++)
		add(out, option);
	for (size_t i = 0; i < RT_COUNT(common); i++)
		add(out, &common[i]);
}

void
rt_help_command(const struct rt_command *command, struct rt_buf *out)
{
	rt_buf_addf(out, "usage: ratchet %s [options]%s%s\n\n", command->name, command->arguments[0] ? " " : "",
		    command->arguments);
	add_wrapped(out, command->about, 0);
	rt_buf_adds(out, "\noptions:\n");
	add_options(out, command, add_option);
}

void
rt_help_all(struct rt_buf *out)
{
	rt_buf_adds(out, "usage: ratchet COMMAND [options] [arguments]\n\n");
	add_wrapped(out, about_all, 0);
	rt_buf_adds(out, "\ncommands:\n");
	for (size_t i = 0; rt_commands[i]; i++)
		rt_buf_addf(out, "  %-14s%s\n", rt_commands[i]->name, rt_commands[i]->summary);
	rt_buf_adds(out, "\nexit codes: ");
	add_wrapped(out, exits, 0);
	rt_buf_adds(out, "\n`ratchet COMMAND --help` tells more of one.\n");
}

/* ---- manual pages ---- */

static void
add_roff(struct rt_buf *out, const char *text)
{
	for (bool start = true; *text; text++) {
		if (start && (*text == '.' || *text == '\''))
			rt_buf_adds(out, "\\&");
		if (*text == '-')
			rt_buf_adds(out, "\\-");
		else if (*text == '\\')
			rt_buf_adds(out, "\\e");
		else if (text[0] == '\n' && text[1] == '\n')
			rt_buf_adds(out, "\n.PP");
		else
			rt_buf_addc(out, *text);
		start = *text == '\n';
	}
	rt_buf_addc(out, '\n');
}

static void
add_roff_option(struct rt_buf *out, const struct rt_option *option)
{
	rt_buf_adds(out, ".TP\n\\fB");
	if (option->letter)
		rt_buf_addf(out, "\\-%c%s", option->letter, option->name ? ", " : "");
	if (option->name)
		rt_buf_adds(out, "\\-\\-");
	/* what stands as a mere - is a hyphen to troff, and nobody finds or copies the option */
	for (const char *at = option->name; at && *at; at++)
		rt_buf_addf(out, "%s%c", *at == '-' ? "\\" : "", *at);
	rt_buf_addf(out, "\\fR%s%s\n", option->value ? " " : "", option->value ? option->value : "");
	add_roff(out, option->help);
}

void
rt_help_manual(const struct rt_command *command, struct rt_buf *out)
{
	rt_auto(buf) struct rt_buf title = RT_BUF_INIT;
	rt_buf_addf(&title, "RATCHET%s%s", command ? "-" : "", command ? command->name : "");
	for (size_t i = 0; i < title.len; i++)
		title.data[i] = (char)toupper((unsigned char)title.data[i]);
	rt_buf_addf(out, ".TH %s 1 \"\" \"ratchet " RATCHET_VERSION "\" \"ratchet\"\n.SH NAME\n", title.data);
	rt_buf_addf(out, "ratchet%s%s \\- ", command ? "\\-" : "", command ? command->name : "");
	add_roff(out, command ? command->summary : "change a repository without ever making it worse");
	rt_buf_addf(out, ".SH SYNOPSIS\n\\fBratchet %s\\fR [options] %s\n.SH DESCRIPTION\n",
		    command ? command->name : "COMMAND", command ? command->arguments : "[arguments]");
	add_roff(out, command ? command->about : about_all);
	if (!command) {
		rt_buf_adds(out, ".SH COMMANDS\n");
		for (size_t i = 0; rt_commands[i]; i++) {
			rt_buf_addf(out, ".TP\n\\fBratchet\\-%s\\fR(1)\n", rt_commands[i]->name);
			add_roff(out, rt_commands[i]->summary);
		}
	}
	rt_buf_adds(out, ".SH OPTIONS\n");
	add_options(out, command, add_roff_option);
	rt_buf_adds(out, ".SH EXIT STATUS\n");
	add_roff(out, exits);
}
