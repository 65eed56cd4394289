#include "cycle/reproduce.h"

#include <string.h>

/* A word that the shell hands on as it is. */
static void
add_word(struct rt_buf *out, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./=:,@%+-";
	if (out->len)
		rt_buf_addc(out, ' ');
	if (text[0] && strspn(text, plain) == strlen(text)) {
		rt_buf_adds(out, text);
		return;
	}
	rt_buf_add_quoted(out, text);
}

/* Text with its placeholders replaced; a report goes where a person sees it. */
static void
expand(const struct rt_cell *cell, const char *text, struct rt_buf *out)
{
	struct rt_err ignored = RT_ERR_INIT;
	if (rt_plan_expand(cell, "/dev/stdout", text, out, &ignored) < 0) {
		rt_buf_cut(out, 0);
		rt_buf_adds(out, text);
	}
}

static void
add_variables(const struct rt_cell *cell, struct rt_buf *out)
{
	const struct rt_pairs *env = &cell->check->env;
	if (env->n)
		add_word(out, "env");
	for (size_t i = 0; i < env->n; i++) {
		rt_auto(buf) struct rt_buf value = RT_BUF_INIT;
		expand(cell, env->at[i].value, &value);
		rt_auto(free) char *assignment = rt_format("%s=%s", env->at[i].name, value.data);
		add_word(out, assignment);
	}
}

static void
add_own(const struct rt_cell *cell, struct rt_buf *out)
{
	add_variables(cell, out);
	for (size_t i = 0; i < cell->check->argv.n; i++) {
		rt_auto(buf) struct rt_buf arg = RT_BUF_INIT;
		expand(cell, cell->check->argv.at[i], &arg);
		add_word(out, arg.data);
	}
	if (!cell->check->shell)
		return;
	rt_auto(buf) struct rt_buf run = RT_BUF_INIT;
	expand(cell, cell->check->shell, &run);
	if (!out->len && !strpbrk(run.data, ";|&\n#(){}!")) {
		rt_buf_add(out, run.data, run.len); /* one simple command reads best as it was written */
		return;
	}
	add_word(out, "sh");
	add_word(out, "-c");
	add_word(out, run.data);
}

char *
rt_cell_command(const struct rt_plan *plan, size_t i)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT, own = RT_BUF_INIT;
	const struct rt_cell *cell = &plan->cells.at[i];
	for (size_t k = 0; k < cell->needs.n; k++) {
		rt_auto(free) char *before = rt_cell_command(plan, cell->needs.at[k]);
		rt_buf_addf(&text, "%s && ", before);
	}
	add_own(cell, &own);
	rt_buf_add(&text, own.data, own.len);
	return rt_buf_steal(&text);
}
