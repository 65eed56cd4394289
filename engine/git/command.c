#include <signal.h>
#include <string.h>

#include "git/quarantine_internal.h"
#include "support/proc.h"

/*
 * Lines that git begins so are about the machine: a full disk, memory, a damaged repository. They are no answer about
 * the patch. A patch whose file names imitate them only makes its own outcome "could not find out".
 */
static bool
is_trouble(const char *line, bool fatal)
{
	static const char *const words[] = {"error: unable to write",	"error: unable to create",
					    "error: unable to deflate", "error: insufficient permission",
					    "error: file write error",	"error: unable to set permission"};
	size_t i;

	for (i = 0; i < RT_COUNT(words); i++)
		if (rt_starts_with(line, words[i]))
			return true;
	return fatal && rt_starts_with(line, "fatal: ");
}

static const char *
find_trouble(const char *text, bool fatal, size_t *len)
{
	const char *line, *end;

	for (line = text; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		*len = (size_t)(end - line);
		if (is_trouble(line, fatal))
			return line;
	}
	return NULL;
}

static void
add_env(struct rt_strs *env, const struct rt_quarantine *quarantine, const struct rt_command *command)
{
	static const char *const fixed[] = {"GIT_CONFIG_NOSYSTEM=1",	    "GIT_CONFIG_GLOBAL=/dev/null",
					    "GIT_ATTR_NOSYSTEM=1",	    "GIT_NO_REPLACE_OBJECTS=1",
					    "GIT_TERMINAL_PROMPT=0",	    "GIT_OPTIONAL_LOCKS=0",
					    "GIT_NO_LAZY_FETCH=1",	    "HOME=/nonexistent",
					    "XDG_CONFIG_HOME=/nonexistent", "TZ=UTC"};
	const char *const *more;
	size_t i;

	for (i = 0; i < RT_COUNT(fixed); i++)
		rt_strs_add(env, fixed[i]);
	rt_strs_addf(env, "GIT_DIR=%s", quarantine->dir);
	rt_strs_addf(env, "GIT_WORK_TREE=%s", command->work ? command->work : quarantine->work);
	if (command->index)
		rt_strs_addf(env, "GIT_INDEX_FILE=%s", command->index);
	else
		rt_strs_addf(env, "GIT_INDEX_FILE=%s/no-index", quarantine->scratch);
	for (more = command->env; more && *more; more++)
		rt_strs_add(env, *more);
}

int
rt_command_run(struct rt_quarantine *quarantine, struct rt_command *command, struct rt_err *err)
{
	rt_auto(strs) struct rt_strs env = {0};
	rt_auto(buf) struct rt_buf own = RT_BUF_INIT;
	struct rt_buf *errs = command->errs ? command->errs : &own;
	size_t len, start = errs->len;
	struct rt_proc proc = {.argv = command->argv,
			       .cwd = command->work ? command->work : quarantine->work,
			       .in = command->in,
			       .in_len = command->in_len,
			       .out = command->out,
			       .errs = errs};
	const char *trouble;

	add_env(&env, quarantine, command);
	proc.env = (const char *const *)env.at;
	if (rt_proc_run(&proc, err))
		return -1;
	command->exit_code = proc.exit_code;
	/* Some patches run into an assertion of git (seen), which is an answer: it will be the same tomorrow. */
	if (proc.exit_code > 128 && proc.exit_code != 128 + SIGABRT && proc.exit_code != 128 + SIGSEGV)
		return rt_fail(err, RT_EUNKNOWN, "git %s ended by signal %d", command->argv[1], proc.exit_code - 128);
	trouble = proc.exit_code ? find_trouble(errs->data + start, !command->fatal_is_answer, &len) : NULL;
	if (trouble)
		return rt_fail(err, RT_EUNKNOWN, "git %s: %.*s", command->argv[1], (int)(len < 512 ? len : 512),
			       trouble);
	return 0;
}

static bool
has_line(const struct rt_buf *lines, const char *line)
{
	for (const char *at = lines->data; (at = strstr(at, line)); at++)
		if (at == lines->data || at[-1] == '\n')
			return true;
	return false;
}

void
rt_command_words(const struct rt_buf *errs, struct rt_buf *why)
{
	static const char *const progress[] = {"Falling back to ", "Performing three-way", "Checking patch ",
					       "warning: ", "hint: "};
	size_t i;
	const char *line, *end;
	bool said = false;

	for (line = errs->data; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		for (i = 0; i < RT_COUNT(progress); i++)
			if (rt_starts_with(line, progress[i]))
				break;
		if (i < RT_COUNT(progress) || end == line ||
		    (end - line > 9 && rt_starts_with(line, "Applied patch") && !memcmp(end - 9, " cleanly.", 9)))
			continue;
		if (rt_starts_with(line, "error: ") || rt_starts_with(line, "fatal: "))
			line += 7;
		rt_auto(free) char *text = rt_format("%.*s\n", (int)(end - line), line);
		said = true;
		if (!has_line(why, text)) /* what a second way of applying runs into, the first did mostly too */
			rt_buf_adds(why, text);
	}
	if (!said)
		rt_buf_adds(why, "git said nothing\n");
}
