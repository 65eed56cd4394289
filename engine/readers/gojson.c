#include "readers/started.h"

#include <string.h>

#include "model/id.h"
#include "support/json.h"

/*
 * go test -json: an event a line. Tests and packages are both "started" things here: a package is one whose id has no
 * test, and it is a case only where it failed without a failed test of its own.
 */

struct package {
	bool ended;
	bool bad; /* a test of it failed or was lost */
	size_t running;
	struct rt_buf note; /* its own output */
};

struct go {
	const struct rt_reading *reading;
	struct rt_lines lines;
	struct rt_started tests, packages; /* by id; a test's group is its package's position */
	RT_VEC(struct package) states;	   /* of packages */
	struct rt_buf id, scratch, build;  /* build: what the compiler said last */
	bool build_failed, build_blamed;
	bool any;
};

static const char *
make_id(struct go *go, const char *package, const char *test)
{
	const char *parts[] = {package, test};

	rt_buf_cut(&go->id, 0);
	rt_id_case(&go->id, go->reading->cell, parts, 2);
	return go->id.data;
}

static size_t
package_of(struct go *go, const char *name)
{
	struct rt_started_test *package = rt_started_get(&go->packages, make_id(go, name, NULL));
	size_t at = (size_t)(package - go->packages.tests.at);

	if (at == go->states.n)
		rt_push(&go->states)->note = (struct rt_buf)RT_BUF_INIT;
	return at;
}

#define problem(go, ...) rt_reading_problem((go)->reading, (go)->lines.number, __VA_ARGS__)

static void
end_test(struct go *go, struct package *package, struct rt_started_test *test, enum rt_status status, double ms)
{
	const char *id = test->id;
	struct rt_results *results = go->reading->results;

	rt_results_case(results, id, status, -1, ms, status == RT_STATUS_PASS ? NULL : test->note.data, test->note.len);
	package->bad |= status == RT_STATUS_FAIL;
	if (rt_started_end(&go->tests, test))
		package->running--;
	else
		problem(go, "%s ended without having been run: something else printed its result",
			rt_reading_show(&go->scratch, id, strlen(id)));
}

static void
on_test(struct go *go, size_t at, const char *name, const char *action, const struct rt_json *event)
{
	const char *package = rt_json_get_string(event, "Package"), *output = rt_json_get_string(event, "Output");
	struct rt_started_test *test = rt_started_get(&go->tests, make_id(go, package, name));
	struct package *state = &go->states.at[at];
	double elapsed = -1;

	test->group = at;
	if (rt_json_number(rt_json_get(event, "Elapsed"), &elapsed))
		elapsed *= 1000;
	if (!strcmp(action, "run")) {
		if (rt_started_begin(&go->tests, test))
			state->running++;
		else
			problem(go, "%s started twice", rt_reading_show(&go->scratch, test->id, strlen(test->id)));
	} else if (!strcmp(action, "output")) {
		if (test->running && output)
			rt_note_add(&test->note, output, strlen(output));
	} else if (!strcmp(action, "pass")) {
		end_test(go, state, test, RT_STATUS_PASS, elapsed);
	} else if (!strcmp(action, "fail")) {
		end_test(go, state, test, RT_STATUS_FAIL, elapsed);
	} else if (!strcmp(action, "skip")) {
		end_test(go, state, test, RT_STATUS_SKIP, elapsed);
	}
}

/* A package that failed for another reason than a test: it did not build, panicked outside of tests, or left. */
static void
fail_package(struct go *go, size_t at)
{
	struct package *package = &go->states.at[at];

	rt_results_case(go->reading->results, go->packages.tests.at[at].id, RT_STATUS_ERROR, -1, -1, package->note.data,
			package->note.len);
	package->bad = true;
}

static void
on_package(struct go *go, size_t at, const char *action, const struct rt_json *event)
{
	struct package *package = &go->states.at[at];
	const char *output = rt_json_get_string(event, "Output"), *id = go->packages.tests.at[at].id;

	if (!strcmp(action, "output")) {
		if (!output)
			return;
		rt_note_add(&package->note, output, strlen(output));
		if (rt_starts_with(output, "ok  \t") && strstr(output, "\t(cached)"))
			problem(go, "the results of %s are cached, nothing was run; add -count=1",
				rt_reading_show(&go->scratch, id, strlen(id)));
	} else if (!strcmp(action, "fail")) {
		package->ended = true;
		if (rt_json_get_string(event, "FailedBuild")) {
			go->build_blamed = true;
			rt_note_add(&package->note, go->build.data, go->build.len);
		}
		if (!package->bad && !package->running)
			fail_package(go, at);
	} else if (!strcmp(action, "pass") || !strcmp(action, "skip")) {
		package->ended = true;
	}
}

/* Since go 1.24: what the compiler says, by the import path of the build. */
static void
on_build(struct go *go, const char *action, const struct rt_json *event)
{
	const char *output = rt_json_get_string(event, "Output");

	if (!strcmp(action, "build-output") && output)
		rt_note_add(&go->build, output, strlen(output));
	else if (!strcmp(action, "build-fail"))
		go->build_failed = true;
}

static void
on_event(struct go *go, const struct rt_json *event)
{
	const char *action = rt_json_get_string(event, "Action");
	const char *package = rt_json_get_string(event, "Package"), *test = rt_json_get_string(event, "Test");

	if (!action) {
		problem(go, "has an object that is no event of go test");
		return;
	}
	go->any = true;
	if (!package) {
		on_build(go, action, event);
		return;
	}
	size_t at = package_of(go, package);
	if (test)
		on_test(go, at, test, action, event);
	else
		on_package(go, at, action, event);
}

/* "FAIL\tpackage [build failed]", as go before 1.24 says it, in plain text. */
static void
on_text(struct go *go, const struct rt_bytes *line)
{
	const char *name = line->at + 5, *end = line->at + line->len;
	const char *space = NULL;

	if (line->len < 6 || memcmp(line->at, "FAIL\t", 5) != 0)
		return;
	for (space = name; space < end && *space != ' ' && *space != '\t'; space++)
		;
	rt_auto(free) char *package = rt_strndup(name, (size_t)(space - name));
	size_t at = package_of(go, package);
	rt_note_add(&go->states.at[at].note, line->at, line->len);
	go->states.at[at].ended = true;
	go->any = true;
	fail_package(go, at);
}

static void
on_line(struct go *go, const struct rt_bytes *line)
{
	rt_auto(json) struct rt_json *event = NULL;
	struct rt_err err = RT_ERR_INIT;

	if (go->lines.cut)
		problem(go, "has a line longer than %zu MiB", RT_LINE_MAX >> 20);
	else if (line->len < 2 || memcmp(line->at, "{\"", 2) != 0)
		on_text(go, line);
	else if (rt_json_parse(&event, line->at, line->len, go->reading->source->name, &err))
		problem(go, "has an event that is not JSON: it was cut off, or something wrote into it");
	else
		on_event(go, event);
}

static void
finish(struct go *go)
{
	if (!go->any)
		rt_reading_problem(go->reading, 0, "holds no event of go test -json");
	for (size_t i = 0; i < go->tests.tests.n && go->tests.running; i++)
		if (go->tests.tests.at[i].running)
			go->states.at[go->tests.tests.at[i].group].bad = true;
	(void)rt_started_lost(&go->tests, go->reading->results);
	for (size_t i = 0; i < go->states.n; i++) {
		const char *id = go->packages.tests.at[i].id;
		if (!go->states.at[i].ended)
			rt_reading_problem(go->reading, 0, "the package %s did not end",
					   rt_reading_show(&go->scratch, id, strlen(id)));
	}
	if (go->build_failed && !go->build_blamed)
		rt_reading_problem(go->reading, 0, "a build failed and no package says so");
}

static int
read_events(struct go *go, struct rt_err *err)
{
	struct rt_bytes line;
	int got;

	while ((got = rt_lines_next(&go->lines, &line, err)) > 0)
		on_line(go, &line);
	if (!got)
		finish(go);
	return got;
}

int
rt_gojson_read(const struct rt_reading *reading, struct rt_err *err)
{
	struct go go = {.reading = reading, .lines = RT_LINES_INIT(reading->source)};

	go.id = go.scratch = go.build = (struct rt_buf)RT_BUF_INIT;
	int result = read_events(&go, err);
	for (size_t i = 0; i < go.states.n; i++)
		rt_buf_release(&go.states.at[i].note);
	free(go.states.at);
	rt_started_release(&go.tests);
	rt_started_release(&go.packages);
	rt_buf_release(&go.id);
	rt_buf_release(&go.scratch);
	rt_buf_release(&go.build);
	rt_lines_release(&go.lines);
	return result;
}
