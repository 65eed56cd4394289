#include "model/moves.h"

#include <string.h>

#include "model/id.h"
#include "model/judge_parts.h"

/* ---- deriving ---- */

/* Of a package only its last folders are known: what goes before them is the module's name. */
enum form_kind {
	FORM_FILE,    /* a part of the id is the path */
	FORM_MODULE,  /* or it is the module that the path is; a class of the module may follow */
	FORM_PACKAGE, /* or it ends with the folder, slash before it; sorted behind the others */
	FORM_CRATE    /* or the first parts are the module */
};

/* One way in which ids name a moved file: escaped, as they are. */
struct form {
	char *from, *to;
	size_t len; /* of from */
	enum form_kind kind;
	bool below; /* not from the root of the repository: what the check sees as such may be a folder of it */
};
struct forms {
	struct form *at;
	size_t n, cap;
	size_t by_part; /* so many of them are looked up, those behind are tried one by one */
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

static void
add_form(struct forms *forms, enum form_kind kind, const char *from, const char *to, bool below)
{
	struct form *form;

	if (!strcmp(from, to))
		return;
	form = rt_push(forms);
	form->from = escaped(from);
	form->to = escaped(to);
	form->len = strlen(form->from);
	form->kind = kind;
	form->below = below;
}

/* The path without its ending and with `between` for its slashes: what a language calls the file. */
static char *
module_of(const char *path, const char *ending, const char *between)
{
	rt_auto(buf) struct rt_buf name = RT_BUF_INIT;
	size_t i, len = strlen(path) - strlen(ending);

	for (i = 0; i < len; i++)
		if (path[i] == '/')
			rt_buf_adds(&name, between);
		else
			rt_buf_add(&name, &path[i], 1);
	return rt_buf_steal(&name);
}

static void
add_module(struct forms *forms, const struct rt_move *move, const char *ending, bool below)
{
	if (!rt_ends_with(move->from, ending) || !rt_ends_with(move->to, ending))
		return;
	rt_auto(free) char *from = module_of(move->from, ending, ".");
	rt_auto(free) char *to = module_of(move->to, ending, ".");
	add_form(forms, FORM_MODULE, from, to, below);
}

/* The part of a path below `src/SET/LANGUAGE/`, as Maven and Gradle lay projects out, or NULL. */
static const char *
below_source_root(const char *path)
{
	static const char *const languages[] = {"java/", "kotlin/", "groovy/", "scala/"};
	const char *at = rt_starts_with(path, "src/") ? path : strstr(path, "/src/");
	size_t i;

	at = at ? strchr(at + (*at == '/') + strlen("src/"), '/') : NULL;
	for (i = 0; at && i < RT_COUNT(languages); i++)
		if (rt_starts_with(at + 1, languages[i]))
			return at + 1 + strlen(languages[i]);
	return NULL;
}

/* a/b.rs is a::b, and so is a/b/mod.rs. NULL: outside of src/. */
static char *
crate_of(const char *path)
{
	const char *at = rt_starts_with(path, "src/") ? path : strstr(path, "/src/");
	char *name;
	size_t len;

	if (!at || !rt_ends_with(path, ".rs"))
		return NULL;
	name = module_of(at + (*at == '/') + strlen("src/"), ".rs", "::");
	len = strlen(name);
	if (rt_ends_with(name, "::mod"))
		name[len - strlen("::mod")] = '\0';
	return name;
}

/* The tests of a package in Go stand under its folder; which file they are in is not said. */
static void
add_package(struct forms *forms, const struct rt_move *move)
{
	static const char ending[] = "_test.go";
	const char *from_end = strrchr(move->from, '/'), *to_end = strrchr(move->to, '/'), *slash;
	size_t from_len = from_end ? (size_t)(from_end - move->from) : 0,
	       to_len = to_end ? (size_t)(to_end - move->to) : 0;
	size_t same = 0, i;

	if (!rt_ends_with(move->from, ending) || !rt_ends_with(move->to, ending))
		return;
	/* the folders that both are below, but for the last one of `from`, by which it is recognised */
	while ((slash = memchr(move->from + same, '/', from_len - same)) != NULL &&
	       (size_t)(slash - move->from) < to_len &&
	       !strncmp(move->from + same, move->to + same, (size_t)(slash - move->from) + 1 - same))
		same = (size_t)(slash - move->from) + 1;
	rt_auto(free) char *from = rt_format("%s%.*s", from_len ? "/" : "", (int)(from_len - same), move->from + same);
	rt_auto(free) char *to = rt_format("%s%.*s", to_len ? "/" : "", (int)(to_len - same), move->to + same);
	for (i = 0; i < forms->n; i++)
		if (forms->at[i].kind == FORM_PACKAGE && !strcmp(forms->at[i].from, from) &&
		    !strcmp(forms->at[i].to, to))
			return;
	if (i < RT_MOVED_MAX)
		add_form(forms, FORM_PACKAGE, from, to, true);
}

/* As seen from every folder that both the old and the new path are below. */
static void
add_shortened(struct forms *forms, const struct rt_move *move)
{
	static const char *const modules[] = {".py", ".java", ".kt", ".groovy", ".scala"};
	struct rt_move part = *move;
	bool below = false;
	size_t i;

	for (;; below = true) {
		const char *slash = strchr(part.from, '/');
		size_t len = slash ? (size_t)(slash - part.from) + 1 : 0;

		add_form(forms, FORM_FILE, part.from, part.to, below);
		for (i = 0; i < RT_COUNT(modules); i++)
			add_module(forms, &part, modules[i], below);
		if (!slash || strncmp(part.from, part.to, len) != 0)
			return;
		part.from += len;
		part.to += len;
	}
}

static int
by_from(const void *a, const void *b)
{
	const struct form *x = a, *y = b;
	int order = (x->kind >= FORM_PACKAGE) - (y->kind >= FORM_PACKAGE);

	order = order ? order : strcmp(x->from, y->from);
	return order ? order : strcmp(x->to, y->to);
}

static void
make_forms(struct forms *forms, const struct rt_move *moves, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		struct rt_move root = {below_source_root(moves[i].from), below_source_root(moves[i].to)};
		rt_auto(free) char *from = crate_of(moves[i].from);
		rt_auto(free) char *to = crate_of(moves[i].to);

		add_package(forms, &moves[i]);
		add_shortened(forms, &moves[i]);
		if (root.from && root.to)
			add_shortened(forms, &root);
		if (from && to)
			add_form(forms, FORM_CRATE, from, to, true);
	}
	if (forms->n)
		qsort(forms->at, forms->n, sizeof(*forms->at), by_from);
	while (forms->by_part < forms->n && forms->at[forms->by_part].kind < FORM_PACKAGE)
		forms->by_part++;
}

/* The first of the forms, sorted by what they are from, that are from this text; NULL: none is. */
static const struct form *
find_form(const struct forms *forms, const char *text, size_t len)
{
	size_t low = 0, high = forms->by_part;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct form *form = &forms->at[middle];
		int order = strncmp(form->from, text, len);

		if (order > 0 || (!order && form->len >= len))
			high = middle;
		else
			low = middle + 1;
	}
	if (low == forms->by_part || forms->at[low].len != len || strncmp(forms->at[low].from, text, len) != 0)
		return NULL;
	return &forms->at[low];
}

/* The lines' new names as they are found. */
struct derived {
	const struct rt_line *line;
	const struct forms *forms;
	struct rt_moved *out;
};

static void
add_rename(struct derived *derived, size_t head, const char *to, const char *tail)
{
	bool finding = derived->line->level == RT_LEVEL_KNOWN;
	struct rt_rename **renames = finding ? &derived->out->findings : &derived->out->cases;
	size_t *n = finding ? &derived->out->n_findings : &derived->out->n_cases;
	char *name = rt_format("%.*s%s%s", (int)head, derived->line->id, to, tail);

	/* the same by another form: it is there already, one of the last few */
	for (size_t i = *n; i > 0 && !strcmp((*renames)[i - 1].from, derived->line->id); i--)
		if (!strcmp((*renames)[i - 1].to, name)) {
			free(name);
			return;
		}
	if (*n == RT_MOVED_MAX) {
		free(name);
		return;
	}
	*renames = rt_realloc(*renames, *n + 1, sizeof(**renames));
	(*renames)[(*n)++] = (struct rt_rename){rt_strdup(derived->line->id), name, true};
}

/* Renames by the forms that `len` bytes of the part are; whole: that is all of it. */
static void
rename_part(struct derived *derived, const char *part, size_t len, bool whole)
{
	const struct forms *forms = derived->forms;
	const struct form *form = find_form(forms, part, len);
	size_t head = (size_t)(part - derived->line->id);

	for (; form && form < forms->at + forms->by_part && form->len == len && !strncmp(form->from, part, len);
	     form++) {
		/* a finding names its file from the root */
		if (derived->line->level == RT_LEVEL_KNOWN && form->below)
			continue;
		if (whole || form->kind == FORM_MODULE)
			add_rename(derived, head, form->to, part + len);
	}
}

static void
rename_by_each(struct derived *derived, const char *part, size_t len)
{
	const struct forms *forms = derived->forms;
	size_t i;

	for (i = forms->by_part; i < forms->n && derived->line->level != RT_LEVEL_KNOWN; i++) {
		const struct form *form = &forms->at[i];

		const char *at = form->kind == FORM_PACKAGE && len > form->len ? part + len - form->len : part;

		if (rt_starts_with(at, form->from) && rt_starts_with(at + form->len, "::"))
			add_rename(derived, (size_t)(at - derived->line->id), form->to, at + form->len);
	}
}

/* What the line's id becomes by the first of its parts that name a moved file, and where that may be several files by
 * each of them. */
static void
derive_line(struct derived *derived)
{
	const struct rt_moved *out = derived->out;
	const char *part = derived->line->id + rt_id_cell_len(derived->line->id), *end;
	size_t n = out->n_cases + out->n_findings;

	part += *part == '/';
	end = strstr(part, "::");
	rename_by_each(derived, part, end ? (size_t)(end - part) : strlen(part));
	for (; *part && out->n_cases + out->n_findings == n; part = *end ? end + 2 : end) {
		end = strstr(part, "::");
		if (!end)
			end = part + strlen(part);
		size_t len = (size_t)(end - part);
		rename_part(derived, part, len, true);
		while (len && out->n_cases + out->n_findings == n) {
			while (--len && part[len] != '.' && part[len] != '$')
				;
			if (len)
				rename_part(derived, part, len, false);
		}
	}
}

void
rt_moves_derive(const struct rt_baseline *baseline, const struct rt_move *moves, size_t n, struct rt_moved *out)
{
	rt_auto(forms) struct forms forms = {0};
	struct derived derived = {.forms = &forms, .out = out};
	size_t i;

	make_forms(&forms, moves, n);
	for (i = 0; forms.n && i < baseline->lines.n; i++) {
		derived.line = &baseline->lines.at[i];
		if (derived.line->level == RT_LEVEL_KNOWN || derived.line->level == RT_LEVEL_PASS)
			derive_line(&derived);
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
