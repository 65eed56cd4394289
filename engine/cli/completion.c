#include <string.h>

#include "cli/cli.h"

static void
add_words(struct rt_buf *out, const struct rt_command *command)
{
	rt_buf_adds(out, "--json --help");
	for (const struct rt_option *option = command->options; option && option->name; option++)
		rt_buf_addf(out, " --%s", option->name);
}

static void
write_bash(struct rt_buf *out)
{
	rt_buf_adds(out, "_ratchet() {\n\tlocal words\n\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n\t\twords=\"");
	for (size_t i = 0; rt_commands[i]; i++)
		rt_buf_addf(out, "%s%s", i ? " " : "", rt_commands[i]->name);
	rt_buf_adds(out, "\"\n\telse\n\t\tcase \"${COMP_WORDS[1]}\" in\n");
	for (size_t i = 0; rt_commands[i]; i++) {
		rt_buf_addf(out, "\t\t%s) words=\"", rt_commands[i]->name);
		add_words(out, rt_commands[i]);
		rt_buf_adds(out, "\" ;;\n");
	}
	rt_buf_adds(
	    out,
	    "\t\tesac\n\tfi\n\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\")\n}\n"
	    "complete -o default -F _ratchet ratchet\n");
}

/* Text between single quotes, as zsh (where `'` ends them) or fish (where `\\` escapes) wants it. */
static void
add_quoted(struct rt_buf *out, const char *text, const char *quote)
{
	rt_buf_addc(out, '\'');
	for (; *text; text++)
		if (*text == '\'')
			rt_buf_adds(out, quote);
		else
			rt_buf_addc(out, *text);
	rt_buf_addc(out, '\'');
}

static void
write_zsh(struct rt_buf *out)
{
	rt_buf_adds(out, "#compdef ratchet\nlocal -a subcommands\nsubcommands=(\n");
	for (size_t i = 0; rt_commands[i]; i++) {
		rt_auto(free) char *text = rt_format("%s:%s", rt_commands[i]->name, rt_commands[i]->summary);
		rt_buf_addc(out, '\t');
		add_quoted(out, text, "'\\''");
		rt_buf_addc(out, '\n');
	}
	rt_buf_adds(out, ")\nif (( CURRENT == 2 )); then\n\t_describe command subcommands\n\treturn\nfi\n"
			 "case $words[2] in\n");
	for (size_t i = 0; rt_commands[i]; i++) {
		rt_buf_addf(out, "%s) compadd -- ", rt_commands[i]->name);
		add_words(out, rt_commands[i]);
		rt_buf_adds(out, " ;;\n");
	}
	rt_buf_adds(out, "esac\n_files\n");
}

static void
write_fish(struct rt_buf *out)
{
	for (size_t i = 0; rt_commands[i]; i++) {
		const struct rt_command *command = rt_commands[i];
		rt_buf_addf(out, "complete -c ratchet -n __fish_use_subcommand -a %s -d ", command->name);
		add_quoted(out, command->summary, "\\'");
		rt_buf_addc(out, '\n');
		for (const struct rt_option *option = command->options; option && option->name; option++) {
			rt_buf_addf(out, "complete -c ratchet -n '__fish_seen_subcommand_from %s' -l %s%s -d ",
				    command->name, option->name, option->value ? " -r" : "");
			add_quoted(out, option->help, "\\'");
			rt_buf_addc(out, '\n');
		}
	}
	rt_buf_adds(out, "complete -c ratchet -l json -d 'print JSON'\ncomplete -c ratchet -l help -d 'print help'\n");
}

static int
run(struct rt_cli *cli, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	const char *what = cli->args[0];
	if (strcmp(what, "bash") == 0) {
		write_bash(&text);
	} else if (strcmp(what, "zsh") == 0) {
		write_zsh(&text);
	} else if (strcmp(what, "fish") == 0) {
		write_fish(&text);
	} else if (strcmp(what, "man") == 0) {
		const struct rt_command *about = NULL;
		for (size_t i = 0; cli->n_args > 1 && rt_commands[i]; i++)
			if (strcmp(rt_commands[i]->name, cli->args[1]) == 0)
				about = rt_commands[i];
		if (cli->n_args > 1 && !about)
			return rt_fail(err, RT_ECONFIG, "there is no command %s", cli->args[1]);
		rt_help_manual(about, &text);
	} else {
		return rt_fail(err, RT_ECONFIG,
			       "completion is written for bash, zsh and fish, and manual pages for man, not for %s",
			       what);
	}
	fwrite(text.data, 1, text.len, stdout);
	return 0;
}

const struct rt_command rt_command_completion = {
    .name = "completion",
    .arguments = "bash|zsh|fish|man [COMMAND]",
    .summary = "print shell completions or a manual page",
    .about =
	"The completions and manual pages are written from the same table as --help. `meson install` installs them.",
    .min_args = 1,
    .max_args = 2,
    .run = run,
};
