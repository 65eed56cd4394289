#ifndef RT_TESTS_FUZZ_READING_H
#define RT_TESTS_FUZZ_READING_H

/*
 * What holds for every reader, whatever the bytes: no error (a bad report is a problem), ids of the cell, well escaped,
 * counts that add up, and the same result when the bytes come a few at a time.
 */

#include <stdint.h>
#include <string.h>

#include "model/id.h"
#include "readers/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static ssize_t
read_few(void *data, void *buf, size_t cap)
{
	struct rt_bytes *rest = data;
	size_t n = rest->len < 7 ? rest->len : 7;

	n = n < cap ? n : cap;
	memcpy(buf, rest->at, n);
	rest->at += n;
	rest->len -= n;
	return (ssize_t)n;
}

static void
read_into(struct rt_results *results, const char *format, const char *pattern, struct rt_source *source)
{
	struct rt_reading reading = {
	    .source = source, .cell = "unit", .check = "unit", .pattern = pattern, .exit_code = -1, .results = results};
	struct rt_err err = RT_ERR_INIT;

	/* a search for an expression may hit its limits, and is an error then */
	if (rt_format_find(format)->read(&reading, &err) && !pattern)
		rt_bug("%s", err.text);
}

static void
check_id(const char *id)
{
	if (strncmp(id, "unit/", 5) != 0 || !id[5] || !rt_id_escaped(id, strlen(id)))
		rt_bug("the id %s", id);
}

static void
check_results(const struct rt_results *results)
{
	size_t sum = 0;

	for (size_t i = 0; i < RT_COUNT(results->counts); i++)
		sum += results->counts[i];
	if (sum != results->cases.n)
		rt_bug("%zu outcomes of %zu cases", sum, results->cases.n);
	for (size_t i = 0; i < results->cases.n; i++)
		check_id(results->cases.at[i].id);
	for (size_t i = 0; i < results->metrics.n; i++)
		check_id(results->metrics.at[i].id);
	for (size_t i = 0; i < results->findings.n; i++)
		check_id(results->findings.at[i].id);
}

static void
check_equal(const struct rt_results *one, const struct rt_results *two)
{
	if (one->cases.n != two->cases.n || one->problems.n != two->problems.n)
		rt_bug("%zu and %zu cases, %zu and %zu problems", one->cases.n, two->cases.n, one->problems.n,
		       two->problems.n);
	for (size_t i = 0; i < one->cases.n; i++)
		if (strcmp(one->cases.at[i].id, two->cases.at[i].id) != 0 ||
		    one->cases.at[i].status != two->cases.at[i].status)
			rt_bug("%s and %s", one->cases.at[i].id, two->cases.at[i].id);
}

static inline void
fuzz_reading(const char *format, const char *pattern, const uint8_t *bytes, size_t len)
{
	struct rt_bytes whole = {(const char *)bytes, len}, parts = whole;
	struct rt_source at_once = rt_source_bytes(&whole, "report");
	struct rt_source in_parts = {.read = read_few, .data = &parts, .name = "report"};
	rt_auto(results) struct rt_results one = RT_RESULTS_INIT;
	rt_auto(results) struct rt_results two = RT_RESULTS_INIT;

	read_into(&one, format, pattern, &at_once);
	check_results(&one);
	read_into(&two, format, pattern, &in_parts);
	check_equal(&one, &two);
	(void)rt_format_guess((const char *)bytes, len);
}

#endif
