#include "model/moves.h"

#include <string.h>

#include "model/id.h"
#include "model/judge_parts.h"

/* ---- deriving ---- */

/* One way in which ids name a moved file: escaped, as they are. */
struct form {
	char *from, *to;
	size_t len;  /* of from */
	bool module; /* a dot may follow it: a class in the module */
};
struct forms {
	struct form *at;
	size_t n, cap;
};

static void
forms_release(struct forms *forms)
{
	size_t i;

	for (i = 0; i < forms->n; i++) {
		free(forms->at[i].from);
		free(forms->at[i].to);
	}
	free(forms->at);
}
RT_DEFINE_AUTO(forms, struct forms, forms_release);

static char *
escaped(const char *text)
{
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;

	rt_id_escape(&out, text, strlen(text));
	return rt_buf_steal(&out);
}

/* The module that Python makes of a path, or NULL. */
static char *
module_of(const char *path)
{
	static const char ending[] = ".py";
	char *name, *slash;

	if (!rt_ends_with(path, ending))
		return NULL;
	name = rt_strndup(path, strlen(path) - strlen(ending));
	for (slash = strchr(name, '/'); slash; slash = strchr(slash, '/'))
		*slash = '.';
	return name;
}

static void
add_form(struct forms *forms, const char *from, const char *to, bool module)
{
	struct form *form = rt_push(forms);

	form->from = escaped(from);
	form->to = escaped(to);
	form->len = strlen(form->from);
	form->module = module;
}

static int
by_from(const void *a, const void *b)
{
	return strcmp(((const struct form *)a)->from, ((const struct form *)b)->from);
}

static void
make_forms(struct forms *forms, const struct rt_move *moves, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		rt_auto(free) char *from = module_of(moves[i].from);
		rt_auto(free) char *to = module_of(moves[i].to);

		add_form(forms, moves[i].from, moves[i].to, false);
		if (from && to)
			add_form(forms, from, to, true);
	}
	if (forms->n)
		qsort(forms->at, forms->n, sizeof(*forms->at), by_from);
}

static const struct form *
find_form(const struct forms *forms, const char *text, size_t len)
{
	size_t low = 0, high = forms->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct form *form = &forms->at[middle];
		int order = strncmp(form->from, text, len);

		if (!order && form->len == len)
			return form;
		if (order > 0 || (!order && form->len > len))
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* The form that a part of an id is, or that it begins with before a dot. */
static const struct form *
form_of(const struct forms *forms, const char *part, size_t len)
{
	const struct form *form = find_form(forms, part, len);

	while (!form && len) {
		while (--len && part[len] != '.')
			;
		form = len ? find_form(forms, part, len) : NULL;
		if (form && !form->module)
			form = NULL;
	}
	return form;
}

/* The id with its first part that names a moved file renamed; NULL: none does. The caller frees. */
static char *
moved_id(const struct forms *forms, const char *id)
{
	const char *part = id + rt_id_cell_len(id), *end;
	const struct form *form;

	for (part += *part == '/'; *part; part = *end ? end + 2 : end) {
		end = strstr(part, "::");
		if (!end)
			end = part + strlen(part);
		form = form_of(forms, part, (size_t)(end - part));
		if (form)
			return rt_format("%.*s%s%s", (int)(part - id), id, form->to, part + form->len);
	}
	return NULL;
}

static void
add_rename(struct rt_rename **renames, size_t *n, const char *from, char *to)
{
	*renames = rt_realloc(*renames, *n + 1, sizeof(**renames));
	(*renames)[(*n)++] = (struct rt_rename){rt_strdup(from), to};
}

void
rt_moves_derive(const struct rt_baseline *baseline, const struct rt_move *moves, size_t n, struct rt_moved *out)
{
	rt_auto(forms) struct forms forms = {0};
	size_t i;

	make_forms(&forms, moves, n);
	for (i = 0; forms.n && i < baseline->lines.n; i++) {
		const struct rt_line *line = &baseline->lines.at[i];
		bool finding = line->level == RT_LEVEL_KNOWN;
		char *to;

		if ((!finding && line->level != RT_LEVEL_PASS) ||
		    (finding ? out->n_findings : out->n_cases) >= RT_MOVED_MAX)
			continue;
		to = moved_id(&forms, line->id);
		if (to && finding)
			add_rename(&out->findings, &out->n_findings, line->id, to);
		else if (to)
			add_rename(&out->cases, &out->n_cases, line->id, to);
	}
}

void
rt_moved_release(struct rt_moved *moved)
{
	rt_renames_free(moved->cases, moved->n_cases);
	rt_renames_free(moved->findings, moved->n_findings);
	*moved = (struct rt_moved){0};
}

/* ---- judging ---- */

static bool
view_shows_move(const struct rt_view *view, const struct rt_rename *move)
{
	return view->whole && !rt_view_finding(view, move->from) && rt_view_finding(view, move->to);
}

const struct rt_rename *
rt_stand_moved(const struct rt_stand *stand, const char *id)
{
	const struct rt_judge_input *input = stand->input;
	const struct rt_baseline *baseline = rt_judge_baseline(input);
	size_t i, v;

	for (i = 0; i < input->n_moved; i++) {
		const struct rt_rename *move = &input->moved[i];
		const struct rt_line *old;

		if (strcmp(move->to, id) != 0 && strcmp(move->from, id) != 0)
			continue;
		old = rt_baseline_find(baseline, move->from);
		if (!old || old->level != RT_LEVEL_KNOWN || rt_baseline_find(baseline, move->to))
			continue;
		for (v = 0; v < stand->n && view_shows_move(&stand->views[v], move); v++)
			;
		if (v == stand->n)
			return move;
	}
	return NULL;
}
