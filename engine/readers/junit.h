#ifndef RT_READERS_JUNIT_H
#define RT_READERS_JUNIT_H

/*
 * JUnit XML has no standard. What is common: <testsuites> and <testsuite>, nested to any depth, with <testcase> in
 * them, and counts in their attributes. Cases are counted and then compared with the declared counts:
 *
 *  - more cases, or better outcomes, than declared: somebody wrote into the report;
 *  - fewer cases than declared: some were lost.
 *
 * Both are problems. Dialects whose counts are known to differ from what they write, each with a golden file:
 *
 *  - pytest counts a call that fails and then fails in teardown once, and writes it twice; it counts a call that
 *    passes and then fails in teardown twice, and writes it once;
 *  - gtest does not count the suite NonTestSuiteFailure at the root;
 *  - jest-junit does not count "Test suite failed to run", nor what is still to do, which it writes like a pass;
 *  - libtest counts ignored cases and does not write them;
 *  - surefire 2 counts every attempt at a case that it runs again;
 *  - node counts a suite within a suite as one of its tests;
 *  - Criterion counts crashes both as failures and as errors (and skipped ones both as skipped and as disabled).
 */

#include "readers/xml.h"

#define RT_JUNIT_DEPTH 64

/* One open <testsuites> or <testsuite>. Sums include the suites within, except where they say "own". */
struct rt_junit_suite {
	size_t name, name_len;			  /* in junit.names */
	int64_t tests, failures, errors, skipped; /* declared; -1: not. skipped: the larger of skipped and disabled */
	size_t line;
	size_t own, own_suites; /* cases and suites directly within */
	size_t cases;		/* <testcase> elements, whatever their ids */
	size_t bad;		/* failures and errors of them, and of the suite itself */
	size_t idle;		/* of them skipped */
	size_t uncounted;	/* cases that a known dialect writes and may not have counted */
	size_t unwritten;	/* and those it counts and does not write */
	size_t attempts;	/* that failed, of cases that their runner ran again */
};

struct rt_junit {
	const struct rt_reading *reading;
	struct rt_xml *xml;
	bool strict;	      /* read as Criterion: anything else is a problem */
	bool criterion, jest; /* the dialects that the root's name tells */
	unsigned depth;	      /* of elements */
	unsigned n;	      /* open suites */
	struct rt_junit_suite suites[RT_JUNIT_DEPTH];
	struct rt_buf names;
	size_t inherited; /* bytes of suite names in ids */
	/* the open <testcase>, or a suite that holds an error */
	bool in_case;
	bool in_note;	     /* text goes into the note */
	unsigned case_depth; /* depth of its element */
	unsigned flags;	     /* what was found in it */
	int32_t assertions;
	double ms;
	struct rt_buf id, note, last, scratch; /* last: id of the case before, in the same suite */
};

/* The suite that is being closed: declared against counted. */
void rt_junit_check(struct rt_junit *junit, const struct rt_junit_suite *suite);
/* The counts that a start tag declares. */
void rt_junit_declared(struct rt_junit *junit, struct rt_junit_suite *suite, const char **attributes);

#endif
