#include "model/baseline.h"

#include <string.h>

#include "model/id.h"

const char *
rt_level_name(enum rt_level level)
{
	static const char *const names[] = {
#define X(name, text) [RT_LEVEL_##name] = text,
	    RT_LEVELS(X)
#undef X
	};

	return names[level];
}

int
rt_level_parse(const char *text, size_t len, enum rt_level *out)
{
#define X(name, spelled)                                                 \
	if (len == sizeof(spelled) - 1 && !memcmp(text, spelled, len)) { \
		*out = RT_LEVEL_##name;                                  \
		return 0;                                                \
	}
	RT_LEVELS(X)
#undef X
	return -1;
}

/*
 * One total order over all levels makes the join a maximum, hence commutative, associative and idempotent whatever it
 * meets. `known` stands below `gone` because a finding that is fixed has risen; a case never is `known`.
 */
static int
rank(const struct rt_line *line)
{
	static const int ranks[] = {[RT_LEVEL_KNOWN] = 0, [RT_LEVEL_GONE] = 1,	[RT_LEVEL_FLAKY] = 2,
				    [RT_LEVEL_PASS] = 3,  [RT_LEVEL_LOWER] = 4, [RT_LEVEL_HIGHER] = 5};

	return ranks[line->level];
}

/* Below 0 when a is lower than b, 0 when they say the same. A line without a value is below one with any. */
static int
compare(const struct rt_line *a, const struct rt_line *b)
{
	bool smaller_better = a->level == RT_LEVEL_FLAKY || a->level == RT_LEVEL_LOWER;

	if (a->epoch != b->epoch)
		return a->epoch < b->epoch ? -1 : 1;
	if (a->level != b->level)
		return rank(a) < rank(b) ? -1 : 1;
	if (a->has_value != b->has_value)
		return b->has_value ? -1 : 1;
	if (!a->has_value || a->value == b->value)
		return 0;
	return (a->value < b->value) == smaller_better ? 1 : -1;
}

struct rt_line
rt_line_join(const struct rt_line *a, const struct rt_line *b)
{
	return compare(a, b) < 0 ? *b : *a;
}

bool
rt_line_equal(const struct rt_line *a, const struct rt_line *b)
{
	return (a->id == b->id || !strcmp(a->id, b->id)) && compare(a, b) == 0;
}

struct rt_id_store {
	size_t holders;
	struct rt_arena arena;
	RT_VEC(char *) texts; /* files whose ids are used in place */
};

static struct rt_id_store *
store_of(struct rt_baseline *baseline)
{
	if (!baseline->ids) {
		baseline->ids = rt_alloc(1, sizeof(*baseline->ids));
		baseline->ids->holders = 1;
	}
	return baseline->ids;
}

const char *
rt_baseline_keep_id(struct rt_baseline *baseline, const char *id, size_t len)
{
	return rt_arena_add(&store_of(baseline)->arena, id, len);
}

char *
rt_baseline_keep_text(struct rt_baseline *baseline, struct rt_buf *text)
{
	char *bytes = rt_buf_steal(text);

	*rt_push(&store_of(baseline)->texts) = bytes;
	return bytes;
}

void
rt_baseline_copy(struct rt_baseline *out, const struct rt_baseline *from)
{
	size_t n = from->lines.n;

	*out = (struct rt_baseline){.ids = from->ids, .sealed = from->sealed};
	if (out->ids)
		out->ids->holders++;
	if (!n)
		return;
	out->lines.at = rt_realloc(NULL, n, sizeof(*out->lines.at));
	memcpy(out->lines.at, from->lines.at, n * sizeof(*out->lines.at));
	out->lines.n = out->lines.cap = n;
}

void
rt_baseline_add(struct rt_baseline *baseline, const char *id, enum rt_level level, bool has_value, double value,
		uint32_t epoch)
{
	struct rt_line *line = rt_push(&baseline->lines);

	line->id = rt_baseline_keep_id(baseline, id, strlen(id));
	line->level = (uint8_t)level;
	line->has_value = has_value;
	line->value = has_value ? value : 0;
	line->epoch = epoch;
	baseline->sealed = false;
}

static int
by_id(const void *a, const void *b)
{
	return strcmp(((const struct rt_line *)a)->id, ((const struct rt_line *)b)->id);
}

void
rt_baseline_seal(struct rt_baseline *baseline)
{
	struct rt_line *at = baseline->lines.at;
	size_t i, n = baseline->lines.n, kept = 0;

	if (baseline->sealed)
		return;
	baseline->sealed = true;
	for (i = 1; i < n && strcmp(at[i - 1].id, at[i].id) < 0; i++)
		;
	if (i >= n)
		return;
	qsort(at, n, sizeof(*at), by_id);
	for (i = 1; i < n; i++) {
		if (!strcmp(at[kept].id, at[i].id))
			at[kept] = rt_line_join(&at[kept], &at[i]);
		else
			at[++kept] = at[i];
	}
	baseline->lines.n = kept + 1;
}

static void
need_sealed(const struct rt_baseline *baseline)
{
	if (!baseline->sealed && baseline->lines.n)
		rt_bug("a baseline of %zu lines is used before it was sealed", baseline->lines.n);
}

const struct rt_line *
rt_baseline_find(const struct rt_baseline *baseline, const char *id)
{
	struct rt_line key = {.id = id};

	need_sealed(baseline);
	if (!baseline->lines.n)
		return NULL;
	return bsearch(&key, baseline->lines.at, baseline->lines.n, sizeof(key), by_id);
}

/* Steps away from near, each twice as long as the one before, until the id is between two of them; then by halves. */
size_t
rt_baseline_near(const struct rt_baseline *baseline, const char *id, size_t near)
{
	const struct rt_line *at = baseline->lines.at;
	size_t n = baseline->lines.n, low, high, middle, step = 1;
	int order;

	need_sealed(baseline);
	if (!n)
		return SIZE_MAX;
	near = near < n ? near : n - 1;
	order = strcmp(at[near].id, id);
	if (!order)
		return near;
	low = order < 0 ? near + 1 : 0;
	high = order < 0 ? n : near;
	/* The line is in [low, high). */
	for (; order < 0 && low + step < high && strcmp(at[low + step].id, id) < 0; step *= 2)
		low += step + 1;
	if (order < 0 && low + step < high)
		high = low + step + 1;
	for (; order > 0 && low + step < high && strcmp(at[high - step].id, id) > 0; step *= 2)
		high -= step;
	if (order > 0 && low + step < high)
		low = high - step;
	while (low < high) {
		middle = low + (high - low) / 2;
		order = strcmp(at[middle].id, id);
		if (!order)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return SIZE_MAX;
}

/* The first line whose id, cut to len bytes, is not below prefix; past: not at it either. */
static size_t
bound(const struct rt_baseline *baseline, const char *prefix, size_t len, bool past)
{
	size_t low = 0, high = baseline->lines.n, middle;
	int order;

	while (low < high) {
		middle = low + (high - low) / 2;
		order = strncmp(baseline->lines.at[middle].id, prefix, len);
		if (order < 0 || (past && order == 0))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void
rt_baseline_range(const struct rt_baseline *baseline, const char *prefix, size_t *from, size_t *to)
{
	need_sealed(baseline);
	*from = bound(baseline, prefix, strlen(prefix), false);
	*to = bound(baseline, prefix, strlen(prefix), true);
}

static void
add_copy(struct rt_baseline *out, const struct rt_line *line)
{
	rt_baseline_add(out, line->id, line->level, line->has_value, line->value, line->epoch);
}

void
rt_baseline_join(struct rt_baseline *out, const struct rt_baseline *a, const struct rt_baseline *b)
{
	size_t i = 0, j = 0;

	need_sealed(a);
	need_sealed(b);
	while (i < a->lines.n || j < b->lines.n) {
		const struct rt_line *x = i < a->lines.n ? &a->lines.at[i] : NULL;
		const struct rt_line *y = j < b->lines.n ? &b->lines.at[j] : NULL;
		int order = !x ? 1 : !y ? -1 : strcmp(x->id, y->id);
		struct rt_line joined = order < 0 ? *x : order > 0 ? *y : rt_line_join(x, y);

		add_copy(out, &joined);
		i += order <= 0;
		j += order >= 0;
	}
	out->sealed = true;
}

static void
write_line(const struct rt_line *line, struct rt_buf *out)
{
	rt_buf_adds(out, line->id);
	rt_buf_addc(out, '\t');
	rt_buf_adds(out, rt_level_name(line->level));
	rt_buf_addc(out, '\t');
	if (line->has_value)
		rt_number_write(out, line->value);
	rt_buf_addc(out, '\t');
	rt_number_write(out, line->epoch);
	rt_buf_addc(out, '\n');
}

static void
write_prefix(const struct rt_baseline *baseline, const char *check, char then, struct rt_buf *out)
{
	rt_auto(buf) struct rt_buf prefix = RT_BUF_INIT;
	size_t i, to;

	rt_buf_adds(&prefix, check);
	rt_buf_addc(&prefix, then);
	rt_baseline_range(baseline, prefix.data, &i, &to);
	for (; i < to; i++)
		write_line(&baseline->lines.at[i], out);
}

void
rt_baseline_write(const struct rt_baseline *baseline, const char *check, struct rt_buf *out)
{
	size_t i;

	need_sealed(baseline);
	if (check) {
		/* In the order of the bytes; other checks (`unit0/`) stand between the two in the whole. */
		write_prefix(baseline, check, '/', out);
		write_prefix(baseline, check, '[', out);
		return;
	}
	for (i = 0; i < baseline->lines.n; i++)
		write_line(&baseline->lines.at[i], out);
}

void
rt_baseline_falls(const struct rt_baseline *base, const struct rt_baseline *next, struct rt_strs *ids)
{
	size_t i, j = 0;
	int order = -1;

	need_sealed(base);
	need_sealed(next);
	for (i = 0; i < base->lines.n; i++) {
		const struct rt_line *line = &base->lines.at[i];

		while (j < next->lines.n && (order = strcmp(next->lines.at[j].id, line->id)) < 0)
			j++;
		if (j == next->lines.n || order != 0 || compare(&next->lines.at[j], line) < 0)
			rt_strs_add(ids, line->id);
	}
}

void
rt_baseline_checks(const struct rt_baseline *baseline, struct rt_strs *checks)
{
	const char *last = NULL;
	size_t i, len, last_len = 0;

	for (i = 0; i < baseline->lines.n; i++) {
		const char *id = baseline->lines.at[i].id;

		len = rt_id_check_len(id);
		if (last && len == last_len && !memcmp(id, last, len))
			continue;
		rt_strs_addn(checks, id, len);
		last = id;
		last_len = len;
	}
	rt_strs_sort(checks);
	rt_strs_unique(checks);
}

void
rt_baseline_release(struct rt_baseline *baseline)
{
	if (baseline->ids && !--baseline->ids->holders) {
		for (size_t i = 0; i < baseline->ids->texts.n; i++)
			free(baseline->ids->texts.at[i]);
		free(baseline->ids->texts.at);
		rt_arena_release(&baseline->ids->arena);
		free(baseline->ids);
	}
	free(baseline->lines.at);
	*baseline = (struct rt_baseline)RT_BASELINE_INIT;
}
