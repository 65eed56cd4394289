#include "readers/junit.h"

#include <string.h>
#include <strings.h>

#include "model/id.h"

/* What a case holds. */
enum {
	HAS_FAILURE = 1,
	HAS_ERROR = 2,
	HAS_SKIPPED = 4,
	HAS_TODO = 8, /* node: the failure of a test that is still to be written is expected */
	HAS_FLAKY = 16,
	IS_UNCOUNTED = 32, /* jest-junit's stand-in for a file that did not load */
	IN_TEARDOWN = 64,  /* pytest's second element for one case */
	IS_FILE = 128,	   /* node: the name is that of a test file */
	IS_SUITE = 256,	   /* not a case but an error of the suite itself */
	IN_NO_TIME = 512,  /* time="0": jest-junit writes that for a test.todo, which it does not count */
};

static const char after_retry[] = "passed after a failed attempt:\n";

/* Words of the attributes status and result that mean something else than what the child elements say. */
static const struct {
	const char *word;
	unsigned flag;
} words[] = {
    {"notrun", HAS_SKIPPED},	 {"disabled", HAS_SKIPPED}, {"skipped", HAS_SKIPPED}, {"skip", HAS_SKIPPED},
    {"suppressed", HAS_SKIPPED}, {"filtered", HAS_SKIPPED}, {"ignored", HAS_SKIPPED}, {"pending", HAS_SKIPPED},
    {"todo", HAS_SKIPPED},	 {"fail", HAS_FAILURE},	    {"failed", HAS_FAILURE},  {"failure", HAS_FAILURE},
    {"error", HAS_ERROR},	 {"errored", HAS_ERROR},    {"timeout", HAS_ERROR},   {"timedout", HAS_ERROR},
    {"crash", HAS_ERROR},	 {"crashed", HAS_ERROR},    {"aborted", HAS_ERROR},   {"interrupted", HAS_ERROR},
    {"cancelled", HAS_ERROR},
};

static unsigned
word_flag(const char *word)
{
	if (!strcmp(word, "run") || !strcmp(word, "completed"))
		return 0;
	for (size_t i = 0; i < RT_COUNT(words); i++)
		if (!strcasecmp(word, words[i].word))
			return words[i].flag;
	return 0;
}

static const char *
attribute(const char **attributes, const char *name)
{
	for (const char **a = attributes; *a; a += 2)
		if (!strcmp(a[0], name))
			return a[1];
	return NULL;
}

static void
misplaced(struct rt_junit *junit, const char *what)
{
	rt_reading_problem(junit->reading, rt_xml_line(junit->xml), "%s", what);
}

/* A copy with the bytes that were replaced put back, but for NUL: names that differ behind one would be one name. */
static char *
restored_name(const char *name)
{
	static const char nul[] = "\\x00";
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;
	rt_auto(free) char *copy = rt_strdup(name);
	size_t len = rt_xml_restore(copy, strlen(copy));

	for (size_t i = 0; i < len; i++)
		rt_buf_add(&out, copy[i] ? &copy[i] : nul, copy[i] ? 1 : strlen(nul));
	return rt_buf_steal(&out);
}

/* Builds the id of a case in junit->id. */
static void
make_id(struct rt_junit *junit, const char *classname, const char *name)
{
	const struct rt_junit_suite *suite = &junit->suites[junit->n - 1];
	const char *parts[] = {classname, name};

	rt_buf_cut(&junit->id, 0);
	if (junit->criterion || !classname || !*classname) {
		parts[0] = junit->names.data + suite->name;
		junit->inherited += suite->name_len;
	}
	if (junit->inherited > RT_INHERITED_MAX) {
		misplaced(junit, "has too many cases in suites with too long names");
		rt_xml_stop(junit->xml);
	}
	if (!rt_xml_replaced(junit->xml)) {
		rt_id_case(&junit->id, junit->reading->cell, parts, 2);
		return;
	}
	/* rare: bytes that XML forbids were replaced, so put them back before escaping */
	rt_auto(free) char *first = restored_name(parts[0]);
	rt_auto(free) char *second = restored_name(name ? name : "");
	const char *restored[] = {first, second};
	rt_id_case(&junit->id, junit->reading->cell, restored, 2);
}

/* node names a file that holds no test, or that ended the process, by its absolute path, and calls it passed. */
static bool
is_node_file(const struct rt_junit *junit, const char *classname, const char *name)
{
	static const char *const ends[] = {".js", ".cjs", ".mjs", ".ts", ".cts", ".mts"};

	if (junit->n != 1 || !name || *name != '/' || !classname || strcmp(classname, "test") != 0)
		return false;
	for (size_t i = 0; i < RT_COUNT(ends); i++)
		if (rt_ends_with(name, ends[i]))
			return true;
	return false;
}

/* An attribute of a case beside its names. */
static void
case_attribute(struct rt_junit *junit, const char *attribute, const char *value, const char **status)
{
	if (!strcmp(attribute, "time")) {
		double seconds = rt_decimal(value);
		junit->ms = seconds < 0 ? -1 : seconds * 1000;
		junit->flags |= value[0] == '0' && !value[1] ? IN_NO_TIME : 0;
	} else if (!strcmp(attribute, "status") || !strcmp(attribute, "result")) {
		*status = attribute[0] == 's' ? value : *status;
		junit->flags |= word_flag(value);
	} else if (!strcmp(attribute, "assertions")) {
		uint64_t n;
		junit->assertions = rt_parse_u64(value, &n) || n > INT32_MAX ? -1 : (int32_t)n;
	}
}

static void
begin_case(struct rt_junit *junit, const char **attributes)
{
	const char *classname = NULL, *name = NULL, *status = NULL;

	junit->in_case = true;
	junit->case_depth = junit->depth;
	junit->flags = 0;
	junit->assertions = -1;
	junit->ms = -1;
	rt_buf_cut(&junit->note, 0);
	for (const char **a = attributes; *a; a += 2) {
		/* a million cases: most attributes are told by their first letter */
		switch (a[0][0]) {
		case 'n':
			name = strcmp(a[0], "name") ? name : a[1];
			break;
		case 'c':
			classname = strcmp(a[0], "classname") ? classname : a[1];
			break;
		default:
			case_attribute(junit, a[0], a[1], &status);
		}
	}
	if (classname && !strcmp(classname, "Test suite failed to run"))
		junit->flags |= IS_UNCOUNTED;
	if (is_node_file(junit, classname, name))
		junit->flags |= IS_FILE;
	if (junit->criterion && (!status || (strcmp(status, "PASSED") != 0 && !word_flag(status))))
		rt_reading_problem(junit->reading, rt_xml_line(junit->xml),
				   "has a case without a status that Criterion writes");
	make_id(junit, classname, name);
}

static enum rt_status
status_of(unsigned flags)
{
	if (flags & HAS_TODO && flags & (HAS_FAILURE | HAS_ERROR))
		return RT_STATUS_SKIP;
	if (flags & HAS_ERROR)
		return RT_STATUS_ERROR;
	if (flags & HAS_FAILURE)
		return RT_STATUS_FAIL;
	/* a file that ran no test is not evidence of anything */
	return flags & (HAS_SKIPPED | IS_FILE) ? RT_STATUS_SKIP : RT_STATUS_PASS;
}

/* Counts the element in its suite; what dialects count otherwise goes into uncounted and unwritten. */
static void
tally(struct rt_junit *junit, enum rt_status status)
{
	struct rt_junit_suite *suite = &junit->suites[junit->n - 1];
	bool bad = junit->flags & (HAS_FAILURE | HAS_ERROR);
	bool again = junit->last.len && !strcmp(junit->last.data, junit->id.data);

	/* a case with both is counted in both by those who write both */
	suite->bad += (size_t) !!(junit->flags & HAS_FAILURE) + (size_t) !!(junit->flags & HAS_ERROR);
	if (junit->flags & IS_SUITE)
		return;
	suite->own++;
	suite->cases++;
	suite->idle += status == RT_STATUS_SKIP || junit->flags & HAS_SKIPPED;
	suite->uncounted += bad && (junit->flags & IS_UNCOUNTED || (junit->flags & IN_TEARDOWN && again));
	suite->uncounted += junit->jest && status == RT_STATUS_PASS && junit->flags & IN_NO_TIME;
	suite->unwritten += junit->flags & IN_TEARDOWN && !again;
	rt_buf_cut(&junit->last, 0);
	if (bad)
		rt_buf_add(&junit->last, junit->id.data, junit->id.len);
}

static void
end_case(struct rt_junit *junit)
{
	enum rt_status status = status_of(junit->flags);
	const char *note = junit->note.len ? junit->note.data : NULL;
	size_t len = junit->note.len;

	junit->in_case = false;
	if (note && rt_xml_replaced(junit->xml))
		len = rt_xml_restore(junit->note.data, len);
	if (junit->flags & IS_FILE && status == RT_STATUS_SKIP) {
		note = "the file ran no test, or left before its tests ended";
		len = strlen(note);
	}
	rt_results_case(junit->reading->results, junit->id.data, status, junit->assertions, junit->ms, note, len);
	if (junit->flags & HAS_FLAKY)
		rt_results_retried(junit->reading->results, junit->id.data);
	tally(junit, status);
}

/* The text of a failure: its message, then its body. */
static void
begin_note(struct rt_junit *junit, const char **attributes)
{
	const char *message = attribute(attributes, "message");

	if (junit->note.len)
		rt_note_add(&junit->note, "\n", 1);
	if (message && *message) {
		rt_note_add(&junit->note, message, strlen(message));
		rt_note_add(&junit->note, "\n", 1);
	}
	junit->in_note = true;
	rt_xml_want_text(junit->xml, true);
}

/* One more run of a case by its runner: surefire 2 counts each as a test, and its failure as one. */
static void
attempt(struct rt_junit *junit, const char *element)
{
	struct rt_junit_suite *suite = &junit->suites[junit->n - 1];

	if (!strcmp(element, "failure"))
		return;
	suite->unwritten++;
	suite->attempts++;
}

/* A child element of a case, or an error directly in a suite. */
static void
outcome(struct rt_junit *junit, const char *name, const char **attributes)
{
	const char *message, *type;

	switch (*name) {
	case 'f':
		if (!strcmp(name, "failure"))
			junit->flags |= HAS_FAILURE;
		else if (!strcmp(name, "flakyFailure") || !strcmp(name, "flakyError"))
			junit->flags |= HAS_FLAKY;
		else
			return;
		attempt(junit, name);
		break;
	case 'e':
		if (strcmp(name, "error") != 0)
			return;
		junit->flags |= HAS_ERROR;
		message = attribute(attributes, "message");
		if (message && rt_starts_with(message, "failed on teardown"))
			junit->flags |= IN_TEARDOWN;
		break;
	case 'r':
		if (strcmp(name, "rerunFailure") != 0 && strcmp(name, "rerunError") != 0)
			return;
		junit->flags |= name[5] == 'F' ? HAS_FAILURE : HAS_ERROR;
		attempt(junit, name);
		break;
	case 's':
		if (strcmp(name, "skipped") != 0)
			return;
		type = attribute(attributes, "type");
		junit->flags |= HAS_SKIPPED | (type && !strcmp(type, "todo") ? HAS_TODO : 0);
		return;
	default:
		return;
	}
	if (junit->flags & HAS_FLAKY && !junit->note.len)
		rt_note_add(&junit->note, after_retry, strlen(after_retry));
	begin_note(junit, attributes);
}

static void
push_suite(struct rt_junit *junit, const char *element, const char **attributes)
{
	const char *name = attribute(attributes, "name");
	struct rt_junit_suite *suite = &junit->suites[junit->n];

	if (junit->n == RT_JUNIT_DEPTH) {
		rt_reading_problem(junit->reading, rt_xml_line(junit->xml), "suites are nested deeper than %d",
				   RT_JUNIT_DEPTH);
		rt_xml_stop(junit->xml);
		return;
	}
	if (junit->n == 0 && !strcmp(element, "testsuites") && name && !strcmp(name, "Criterion Tests"))
		junit->criterion = true;
	else if (junit->n == 0 && junit->strict)
		rt_reading_problem(junit->reading, rt_xml_line(junit->xml), "was not written by Criterion");
	junit->jest |= junit->n == 0 && name && !strcmp(name, "jest tests");
	*suite = (struct rt_junit_suite){.tests = -1, .failures = -1, .errors = -1, .skipped = -1};
	suite->line = rt_xml_line(junit->xml);
	suite->name = junit->names.len;
	suite->name_len = name ? strlen(name) : 0;
	rt_buf_add(&junit->names, name ? name : "", suite->name_len + 1);
	rt_junit_declared(junit, suite, attributes);
	if (junit->n)
		junit->suites[junit->n - 1].own_suites++;
	junit->n++;
	rt_buf_cut(&junit->last, 0);
}

/* Checks the innermost suite and adds its sums to the one around it. */
static void
pop_suite(struct rt_junit *junit)
{
	const struct rt_junit_suite *suite = &junit->suites[junit->n - 1];

	rt_junit_check(junit, suite);
	if (junit->n > 1) {
		struct rt_junit_suite *outer = &junit->suites[junit->n - 2];
		bool apart = !strcmp(junit->names.data + suite->name, "NonTestSuiteFailure");
		outer->cases += suite->cases;
		outer->bad += suite->bad;
		outer->idle += suite->idle;
		outer->uncounted += apart && suite->bad >= suite->cases ? suite->cases : suite->uncounted;
		outer->unwritten += suite->unwritten;
		outer->attempts += suite->attempts;
	}
	rt_buf_cut(&junit->names, suite->name);
	rt_buf_cut(&junit->last, 0);
	junit->n--;
}

/* <testsuite><error/>: the suite itself failed, with or without cases in it. */
static void
begin_suite_error(struct rt_junit *junit, const char *name, const char **attributes)
{
	static const char *const none[] = {NULL};

	begin_case(junit, (const char **)none);
	make_id(junit, NULL, "(suite)");
	junit->flags = IS_SUITE;
	outcome(junit, name, attributes);
}

static void
on_start(void *data, const char *name, const char **attributes)
{
	struct rt_junit *junit = data;
	bool within = junit->depth++ == junit->n; /* directly in the innermost suite, or the root */

	if (junit->in_case) {
		if (!strncmp(name, "testcase", 8) || !strncmp(name, "testsuite", 9))
			misplaced(junit, "has a case or suite within a case");
		else if (junit->depth == junit->case_depth + 1)
			outcome(junit, name, attributes);
		else if (junit->in_note && !strncmp(name, "system-", 7))
			rt_xml_want_text(junit->xml, false); /* surefire's and nextest's reruns hold their output */
	} else if (!strcmp(name, "testcase")) {
		if (within && junit->n)
			begin_case(junit, attributes);
		else
			misplaced(junit, "has a case outside of a suite");
	} else if (!strcmp(name, "testsuite") || !strcmp(name, "testsuites")) {
		if (within)
			push_suite(junit, name, attributes);
		else
			misplaced(junit, "has a suite where none belongs");
	} else if (junit->n == 0) {
		rt_reading_problem(junit->reading, rt_xml_line(junit->xml),
				   "is not a JUnit report: its root is <%s>, not <testsuites> or <testsuite>",
				   rt_reading_show(&junit->scratch, name, strlen(name)));
		rt_xml_stop(junit->xml);
	} else if (within && (!strcmp(name, "error") || !strcmp(name, "failure"))) {
		begin_suite_error(junit, name, attributes);
	}
}

static void
on_end(void *data, const char *name)
{
	struct rt_junit *junit = data;

	if (junit->in_case) {
		if (junit->in_note && junit->depth <= junit->case_depth + 1) {
			junit->in_note = false;
			rt_xml_want_text(junit->xml, false);
		} else if (junit->in_note) {
			rt_xml_want_text(junit->xml, true);
		}
		if (junit->depth == junit->case_depth)
			end_case(junit);
	} else if (junit->depth == junit->n && (!strcmp(name, "testsuite") || !strcmp(name, "testsuites"))) {
		pop_suite(junit);
	}
	junit->depth--;
}

static void
on_text(void *data, const char *bytes, size_t len)
{
	struct rt_junit *junit = data;

	rt_note_add(&junit->note, bytes, len);
	if (junit->note.len >= RT_NOTE_MAX)
		rt_xml_want_text(junit->xml, false);
}

/*
 * Criterion does not escape what a failing assertion says, so a message can close its element and write others. Cases
 * that it adds show in the counts; only a comment or an instruction could swallow cases that follow, and Criterion
 * writes none of either within its root element.
 */
static void
on_aside(void *data)
{
	struct rt_junit *junit = data;

	if (!junit->criterion)
		return;
	misplaced(junit,
		  "has a comment or instruction, which Criterion does not write: something wrote into the report");
	rt_xml_stop(junit->xml);
}

static int
read_xml(const struct rt_reading *reading, bool strict, struct rt_err *err)
{
	struct rt_junit junit = {.reading = reading, .strict = strict};
	struct rt_xml_events events = {.start = on_start, .end = on_end, .text = on_text, .aside = on_aside};

	events.data = &junit;
	junit.names = junit.id = junit.note = junit.last = junit.scratch = (struct rt_buf)RT_BUF_INIT;
	junit.xml = rt_xml_new(reading, &events);
	int result = rt_xml_run(junit.xml, err);
	rt_xml_free(junit.xml);
	rt_buf_release(&junit.names);
	rt_buf_release(&junit.id);
	rt_buf_release(&junit.note);
	rt_buf_release(&junit.last);
	rt_buf_release(&junit.scratch);
	return result;
}

int
rt_junit_read(const struct rt_reading *reading, struct rt_err *err)
{
	return read_xml(reading, false, err);
}

int
rt_criterion_read(const struct rt_reading *reading, struct rt_err *err)
{
	return read_xml(reading, true, err);
}
