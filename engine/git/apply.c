#include "git/apply.h"

#include <string.h>
#include <unistd.h>

#include "git/apply_internal.h"
#include "git/touched.h"

/* git's answer to one try. */
struct answer {
	struct rt_buf out, errs;
	int exit_code;
	bool incomplete; /* the index lacked a path that the patch names after all */
};

static void
answer_release(struct answer *answer)
{
	rt_buf_release(&answer->out);
	rt_buf_release(&answer->errs);
}
RT_DEFINE_AUTO(answer, struct answer, answer_release);

int
rt_application_start(struct rt_application *application, const struct rt_apply_limits *limits)
{
	int over = rt_touched_scan(application->patch, application->len, limits, &application->paths, application->why);

	return over ? over : 1;
}

void
rt_application_release(struct rt_application *application)
{
	rt_strs_release(&application->paths);
}

static int
by_string(const void *a, const void *b)
{
	return strcmp(a, *(char *const *)b);
}

static bool
names(const struct rt_strs *paths, const char *path)
{
	return paths->n && bsearch(path, paths->at, paths->n, sizeof(*paths->at), by_string);
}

/* `--numstat -z`: "added TAB deleted TAB path NUL" for each file. Are all the paths among those we looked up? */
static bool
knows_all(const struct rt_application *application, const struct rt_buf *numstat)
{
	const char *at = numstat->data, *end = at + numstat->len, *path;

	for (; at < end; at += strlen(at) + 1) {
		path = strchr(at, '\t');
		path = path ? strchr(path + 1, '\t') : NULL;
		if (!path || !names(&application->paths, path + 1))
			return false;
	}
	return true;
}

/* git missed a path that the tree has: our reading of the headers did not find it. */
static int
was_missed(const struct rt_application *application, const char *errs, bool *missed, struct rt_err *err)
{
	static const char ending[] = ": does not exist in index";
	struct rt_repo *repo = application->quarantine->repo;
	struct rt_entry entry;
	const char *line, *end, *stop;

	for (line = errs; *line && !*missed; line = *end ? end + 1 : end) {
		rt_auto(free) char *name = NULL;

		end = strchrnul(line, '\n');
		stop = end - strlen(ending);
		if (!rt_starts_with(line, "error: ") || stop <= line + 7 || strncmp(stop, ending, strlen(ending)))
			continue;
		name = rt_strndup(line + 7, (size_t)(stop - line - 7));
		if (names(&application->paths, name))
			continue;
		if (rt_tree_entry(repo, application->base, name, &entry, err))
			return -1;
		*missed = entry.mode && entry.mode != RT_MODE_TREE;
	}
	return 0;
}

/* Runs git on an index that holds pre, which becomes what git left. */
static int
ask(struct rt_application *application, const struct rt_preimage *pre, const char *index, bool three_way,
    struct answer *answer, struct rt_err *err)
{
	const char *argv[] = {"git", "apply", "--cached", "--apply", "--numstat", "-z", three_way ? "--3way" : NULL,
			      NULL};
	struct rt_command command = {.argv = argv,
				     .index = index,
				     .in = application->patch,
				     .in_len = application->len,
				     .out = &answer->out,
				     .errs = &answer->errs};

	if (rt_preimage_write(pre, index, err) || rt_command_run(application->quarantine, &command, err))
		return -1;
	answer->exit_code = command.exit_code;
	if (!command.exit_code) {
		answer->incomplete = !knows_all(application, &answer->out);
		return 0;
	}
	return was_missed(application, answer->errs.data, &answer->incomplete, err);
}

/* What git says of a text that is no patch, or a damaged one, and never of a sound patch that does not fit. */
static bool
is_malformed(const char *errs)
{
	static const char *const words[] = {"corrupt patch at",
					    "corrupt binary patch at",
					    "patch fragment without header",
					    "patch with only garbage",
					    "git diff header lacks",
					    "git apply: bad git-diff",
					    "invalid mode on line",
					    "inconsistent header lines",
					    "unrecognized binary patch",
					    "missing binary patch",
					    "unable to find filename in patch",
					    "recount: "};
	const char *line, *end;
	size_t i;

	for (line = errs; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		for (i = 0; i < RT_COUNT(words); i++)
			if (rt_starts_with(line, "error: ") && rt_starts_with(line + 7, words[i]))
				return true;
	}
	return false;
}

static int
refuse(const struct rt_application *application, const struct answer *answer)
{
	if (rt_starts_with(answer->errs.data, "error: No valid patches in input")) {
		rt_buf_adds(application->why, "no changes found in it\n");
		return 0;
	}
	rt_command_words(&answer->errs, application->why);
	return answer->exit_code > 128 || is_malformed(answer->errs.data) ? 2 : 0;
}

/* One try with the given paths of the tree in the index, NULL: all of them. */
static int
attempt(struct rt_application *application, const struct rt_strs *paths, bool three_way, struct answer *answer,
	struct rt_err *err)
{
	struct rt_repo *repo = application->quarantine->repo;
	rt_auto(preimage) struct rt_preimage pre = {0};
	rt_auto(preimage) struct rt_preimage post = {0};
	rt_auto(free) char *index = rt_quarantine_file(application->quarantine, "index");
	int failed;

	if (rt_preimage_read(repo, application->base, paths, &pre, err))
		return -1;
	failed = ask(application, &pre, index, three_way, answer, err);
	if (!failed && !answer->exit_code && (!answer->incomplete || !paths))
		failed = rt_preimage_load(index, &post, err) ||
			 rt_preimage_tree(repo, application->base, &pre, &post, application->out, err);
	unlink(index);
	return failed ? -1 : 0;
}

int
rt_application_run(struct rt_application *application, bool three_way, struct rt_err *err)
{
	rt_auto(answer) struct answer answer = {.out = RT_BUF_INIT, .errs = RT_BUF_INIT};
	rt_auto(answer) struct answer again = {.out = RT_BUF_INIT, .errs = RT_BUF_INIT};

	if (attempt(application, &application->paths, three_way, &answer, err))
		return -1;
	if (!answer.incomplete)
		return answer.exit_code ? refuse(application, &answer) : 1;
	if (attempt(application, NULL, three_way, &again, err))
		return -1;
	return again.exit_code ? refuse(application, &again) : 1;
}

int
rt_apply(struct rt_quarantine *quarantine, const struct rt_oid *base_tree, const char *patch, size_t len,
	 const struct rt_apply_limits *limits, struct rt_oid *out, struct rt_buf *why, struct rt_err *err)
{
	rt_auto(application) struct rt_application application = {
	    .quarantine = quarantine, .base = base_tree, .patch = patch, .len = len, .out = out, .why = why};
	int result = rt_application_start(&application, limits);

	return result == 1 ? rt_application_run(&application, true, err) : result;
}
