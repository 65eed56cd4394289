#define PCRE2_CODE_UNIT_WIDTH 8

#include "support/regex.h"

#include <pcre2.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

/*
 * pcre2's own limits are counted anew for every place where a match could start, and generated code does not count the
 * repetition of single characters at all: [a-z]+[a-y]*\d takes minutes on a line of a megabyte and meets no limit. So
 * expressions that can repeat are compiled with callouts before every item, which look at the processor clock now and
 * then. Between two callouts at most one run over the text is made.
 */
#define BUDGET_NS INT64_C(2000000000)
#define CALLOUTS_A_LOOK 256
#define MATCH_LIMIT 5000000
#define DEPTH_LIMIT 100000
#define HEAP_LIMIT_KIB (64 * 1024)
#define JIT_STACK_MIN (32 * 1024)
#define JIT_STACK_MAX (1024 * 1024)

struct clock {
	uint32_t callouts;
	int64_t start; /* processor time of the first look; 0: not looked yet */
};

struct rt_regex {
	char *pattern; /* for messages */
	pcre2_code *code;
	pcre2_match_context *limits;
	pcre2_jit_stack *stack;
	pcre2_match_data *found; /* reused by every search */
	struct clock *clock;	 /* of the present search */
};

static void
message_of(int code, char *text, size_t size)
{
	if (pcre2_get_error_message(code, (PCRE2_UCHAR *)text, size) < 0)
		memcpy(text, "unknown", sizeof("unknown"));
}

static int64_t
processor_ns(void)
{
	struct timespec time;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time))
		rt_bug("there is no processor clock");
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int
look(pcre2_callout_block *block, void *data)
{
	struct clock *clock = data;
	int64_t now;

	(void)block;
	if (++clock->callouts % CALLOUTS_A_LOOK)
		return 0;
	now = processor_ns();
	if (!clock->start)
		clock->start = now;
	return now - clock->start > BUDGET_NS ? PCRE2_ERROR_MATCHLIMIT : 0;
}

int
rt_regex_new(struct rt_regex **out, const char *pattern, struct rt_err *err)
{
	rt_auto(regex) struct rt_regex *regex = rt_alloc(1, sizeof(*regex));
	char text[256];
	uint32_t repeats = strpbrk(pattern, "*+{(") ? PCRE2_AUTO_CALLOUT : 0;
	PCRE2_SIZE offset;
	int code;

	regex->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
				    PCRE2_MULTILINE | PCRE2_NEVER_UTF | repeats, &code, &offset, NULL);
	if (!regex->code) {
		message_of(code, text, sizeof(text));
		return rt_fail(err, RT_ECONFIG, "the regular expression `%s` is wrong at offset %zu: %s", pattern,
			       offset, text);
	}
	regex->limits = pcre2_match_context_create(NULL);
	regex->found = pcre2_match_data_create_from_pattern(regex->code, NULL);
	if (!regex->limits || !regex->found)
		rt_bug("pcre2 is out of memory");
	regex->pattern = rt_strdup(pattern);
	regex->clock = rt_alloc(1, sizeof(*regex->clock));
	pcre2_set_callout(regex->limits, look, regex->clock);
	pcre2_set_match_limit(regex->limits, MATCH_LIMIT);
	pcre2_set_depth_limit(regex->limits, DEPTH_LIMIT);
	pcre2_set_heap_limit(regex->limits, HEAP_LIMIT_KIB);
	/* Where code can't be generated, pcre2_match interprets, under the same limits. */
	if (!pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE)) {
		regex->stack = pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, NULL);
		pcre2_jit_stack_assign(regex->limits, NULL, regex->stack);
	}
	*out = rt_steal(&regex);
	return 0;
}

void
rt_regex_free(struct rt_regex *regex)
{
	if (!regex)
		return;
	pcre2_match_data_free(regex->found);
	pcre2_jit_stack_free(regex->stack);
	pcre2_match_context_free(regex->limits);
	pcre2_code_free(regex->code);
	free(regex->clock);
	free(regex->pattern);
	free(regex);
}

size_t
rt_regex_group(const struct rt_regex *regex, const char *name)
{
	int number = pcre2_substring_number_from_name(regex->code, (PCRE2_SPTR)name);

	return number > 0 ? (size_t)number : 0;
}

static void
copy_spans(const struct rt_regex *regex, size_t groups, struct rt_span *spans, size_t n)
{
	const PCRE2_SIZE *at = pcre2_get_ovector_pointer(regex->found);
	size_t i;

	for (i = 0; i < n; i++) {
		bool set = i < groups && at[2 * i] != PCRE2_UNSET;

		spans[i].start = set ? at[2 * i] : SIZE_MAX;
		spans[i].end = set ? at[2 * i + 1] : SIZE_MAX;
	}
}

int
rt_regex_search(const struct rt_regex *regex, const char *bytes, size_t len, size_t offset, struct rt_span *spans,
		size_t n, struct rt_err *err)
{
	char text[256];
	int groups;

	if (offset > len)
		return 0;
	*regex->clock = (struct clock){0};
	groups = pcre2_match(regex->code, (PCRE2_SPTR)bytes, len, offset, 0, regex->found, regex->limits);
	if (groups > 0) {
		copy_spans(regex, (size_t)groups, spans, n);
		return 1;
	}
	if (groups == PCRE2_ERROR_NOMATCH)
		return 0;
	message_of(groups, text, sizeof(text));
	return rt_fail(err, RT_EUNKNOWN, "the regular expression `%s` gave up: %s; make it backtrack less",
		       regex->pattern, text);
}
