#include "readers/tap.h"

#include <string.h>

#include "model/id.h"

/*
 * TAP 12, 13 and 14 are read alike, in the strictest sense that real producers keep: a plan exactly once, first or
 * last; every number once, within the plan, in any order. Subtests are indented by four spaces, and their verdict is
 * the test point that follows them; their points are cases too. What an unfinished or doubled stream would need to look
 * complete is a problem.
 */

#define DEPTH_MAX 16

/* A test point that waits for the points around it: they follow it, and their descriptions begin its id. */
struct point {
	unsigned depth;
	bool ok, skip, todo;
	bool covered;	  /* a point around it is TODO or skipped */
	bool parent;	  /* points were within it */
	size_t around;	  /* the point around it, or SIZE_MAX */
	size_t text, len; /* description, in texts; empty: number names it */
	uint64_t number;
	size_t note, note_len; /* in texts */
	double ms;
};

/* A number that came out of turn. */
struct odd {
	uint64_t number;
	size_t line;
};

/* One stream or subtest that is open. */
struct level {
	size_t line;	      /* where it began */
	bool planned, closed; /* closed: the plan came last */
	uint64_t plan, points;
	uint64_t next, max; /* 1 to next - 1 came in turn; the largest so far */
	RT_VEC(struct odd) odds;
};

/* The name in a "# Subtest:", for a verdict that has none. */
struct announced {
	bool set;
	size_t text, len; /* in texts */
};

struct tap {
	const struct rt_reading *reading;
	struct rt_lines lines;
	struct level levels[DEPTH_MAX];
	struct announced announced[DEPTH_MAX]; /* by the depth of the verdict */
	unsigned n;			       /* open levels; the stream itself is the first */
	RT_VEC(struct point) points;
	struct rt_buf texts, id, scratch, note;
	uint64_t version; /* 0: not said */
	size_t inherited; /* bytes of descriptions of points around others, in ids */
	bool begun;	  /* anything of TAP was seen */
	bool bailed;
	bool ran;      /* a test was executed */
	bool failed;   /* the last point is `not ok`: what follows explains it */
	bool at_point; /* the last line is a point: YAML may follow */
};

static size_t
keep(struct tap *tap, const char *bytes, size_t len)
{
	size_t at = tap->texts.len;

	rt_buf_add(&tap->texts, bytes, len);
	return at;
}

#define problem(tap, ...) rt_reading_problem((tap)->reading, (tap)->lines.number, __VA_ARGS__)

static void
open_level(struct tap *tap)
{
	struct level *level = &tap->levels[tap->n++];
	struct level fresh = {.line = tap->lines.number, .next = 1};

	fresh.odds.at = level->odds.at;
	fresh.odds.cap = level->odds.cap;
	*level = fresh;
}

static int
by_number(const void *a, const void *b)
{
	const struct odd *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->line < y->line ? -1 : x->line > y->line;
}

/* Any order is fine, but each number is there once: not among those that came in turn, nor among the others. */
static void
check_twice(struct tap *tap, const struct level *level)
{
	const struct odd *odds = level->odds.at;

	if (level->odds.n)
		qsort(level->odds.at, level->odds.n, sizeof(*odds), by_number);
	for (size_t i = 0; i < level->odds.n; i++)
		if (odds[i].number < level->next || (i && odds[i].number == odds[i - 1].number))
			rt_reading_problem(tap->reading, odds[i].line, "test %llu is there twice",
					   (unsigned long long)odds[i].number);
}

/* Is every number of the plan there? Only said where the verdict does not say it already. */
static void
close_level(struct tap *tap, const struct level *level)
{
	bool top = level == tap->levels;

	check_twice(tap, level);
	if (tap->bailed)
		return;
	if (!level->planned) {
		if (top || tap->version >= 14)
			rt_reading_short(tap->reading, level->line,
					 "has no plan: the tests may not have been run to their end");
	} else if (level->points < level->plan) {
		rt_reading_short(tap->reading, level->line, "plans %llu tests and holds only %llu",
				 (unsigned long long)level->plan, (unsigned long long)level->points);
	}
}

static void
check_number(struct tap *tap, struct level *level, uint64_t number)
{
	if (number == 0 || (level->planned && number > level->plan))
		problem(tap, "test %llu is outside of the plan", (unsigned long long)number);
	if (number > level->max)
		level->max = number;
	if (number == level->next)
		level->next++;
	else
		*rt_push(&level->odds) = (struct odd){number, tap->lines.number};
}

/* A plan that comes last is compared with the numbers before it. */
static void
check_plan(struct tap *tap, const struct level *level)
{
	if (level->max > level->plan)
		problem(tap, "test %llu is outside of the plan", (unsigned long long)level->max);
}

/* What a point is called in the ids: its description, else "#N". */
static const char *
name_of(struct tap *tap, const struct point *point, struct rt_buf *out)
{
	rt_buf_cut(out, 0);
	rt_tap_unescape(out, tap->texts.data + point->text, point->len);
	if (!out->len)
		rt_buf_addf(out, "#%llu", (unsigned long long)point->number);
	return out->data;
}

/* node names a file that holds no test, or that ended the process, by its absolute path, and calls it ok. */
static bool
is_node_file(const struct point *point, const char *name)
{
	static const char *const ends[] = {".js", ".cjs", ".mjs", ".ts", ".cts", ".mts"};

	if (point->depth || point->parent || *name != '/')
		return false;
	for (size_t i = 0; i < RT_COUNT(ends); i++)
		if (rt_ends_with(name, ends[i]))
			return true;
	return false;
}

static enum rt_status
status_of(const struct point *point)
{
	if (point->skip)
		return RT_STATUS_SKIP;
	if (point->ok)
		return RT_STATUS_PASS;
	return point->todo || point->covered ? RT_STATUS_SKIP : RT_STATUS_FAIL;
}

static void
emit(struct tap *tap, const struct point *point)
{
	struct rt_buf names[DEPTH_MAX];
	const char *parts[DEPTH_MAX];
	const struct point *p = point;
	enum rt_status status = status_of(point);
	const char *note = point->note_len ? tap->texts.data + point->note : NULL;
	size_t note_len = point->note_len, n = point->depth + 1;

	for (size_t at = point->around; at != SIZE_MAX; at = tap->points.at[at].around)
		tap->inherited += tap->points.at[at].len;
	if (tap->inherited > RT_INHERITED_MAX) {
		problem(tap, "has too many tests in subtests with too long descriptions");
		return;
	}
	for (size_t i = n; i-- > 0;) {
		names[i] = (struct rt_buf)RT_BUF_INIT;
		parts[i] = p ? name_of(tap, p, &names[i]) : NULL;
		p = p && p->around != SIZE_MAX ? &tap->points.at[p->around] : NULL;
	}
	rt_buf_cut(&tap->id, 0);
	rt_id_case(&tap->id, tap->reading->cell, parts, n);
	if (status == RT_STATUS_PASS && is_node_file(point, parts[0])) {
		status = RT_STATUS_SKIP;
		note = "the file ran no test, or left before its tests ended";
		note_len = strlen(note);
	}
	tap->ran |= status != RT_STATUS_SKIP;
	rt_results_case(tap->reading->results, tap->id.data, status, -1, point->ms, note, note_len);
	for (size_t i = 0; i < n; i++)
		rt_buf_release(&names[i]);
}

/* Finds the point around each point: the next one, in the stream, that is one level further out. Then makes cases of
 * them. */
static void
flush(struct tap *tap)
{
	size_t last[DEPTH_MAX];

	for (unsigned d = 0; d < DEPTH_MAX; d++)
		last[d] = SIZE_MAX;
	for (size_t i = tap->points.n; i-- > 0;) {
		struct point *p = &tap->points.at[i];
		p->around = p->depth ? last[p->depth - 1] : SIZE_MAX;
		last[p->depth] = i;
		for (unsigned d = p->depth + 1; d < DEPTH_MAX; d++)
			last[d] = SIZE_MAX;
		if (p->around == SIZE_MAX)
			continue;
		struct point *around = &tap->points.at[p->around];
		around->parent = true;
		p->covered = around->covered || around->todo || around->skip;
	}
	for (size_t i = 0; i < tap->points.n; i++)
		emit(tap, &tap->points.at[i]);
	tap->points.n = 0;
	rt_buf_cut(&tap->texts, 0);
}

/* Keeps what explained the last point. */
static void
end_note(struct tap *tap)
{
	if (tap->points.n && tap->note.len) {
		struct point *p = &tap->points.at[tap->points.n - 1];
		p->note_len = tap->note.len;
		p->note = keep(tap, tap->note.data, tap->note.len);
	}
	rt_buf_cut(&tap->note, 0);
	tap->failed = false;
}

/* Opens levels up to the depth; false where that is too deep. */
static bool
descend(struct tap *tap, unsigned depth)
{
	if (depth >= DEPTH_MAX) {
		problem(tap, "subtests are nested deeper than %d", DEPTH_MAX);
		return false;
	}
	while (tap->n <= depth)
		open_level(tap);
	return true;
}

/* Closes levels that are deeper. The point that follows a subtest is its verdict: where that is bad, it need not be
 * complete. */
static void
ascend(struct tap *tap, unsigned depth, const struct rt_tap_line *verdict)
{
	bool excused = verdict && (!verdict->ok || verdict->skip);

	for (; tap->n > depth + 1; tap->n--) {
		if (tap->n > depth + 2 || !verdict)
			problem(tap, "has a subtest without a test point after it");
		if (!excused)
			close_level(tap, &tap->levels[tap->n - 1]);
	}
}

static void
on_point(struct tap *tap, const struct rt_tap_line *line)
{
	end_note(tap);
	if (tap->points.n && !tap->points.at[tap->points.n - 1].depth)
		flush(tap);
	if (!descend(tap, line->depth))
		return;
	struct announced *announced = &tap->announced[line->depth];
	/* perl gives the verdict of a skipped subtest no description of its own */
	bool named = announced->set && tap->n > line->depth + 1 && !line->text_len;
	ascend(tap, line->depth, line);

	struct level *level = &tap->levels[line->depth];
	struct point *p = rt_push(&tap->points);
	p->depth = line->depth;
	p->ok = line->ok;
	p->skip = line->skip;
	p->todo = line->todo;
	p->ms = line->ms;
	p->number = line->number == UINT64_MAX ? level->points + 1 : line->number;
	p->text = named ? announced->text : keep(tap, line->text, line->text_len);
	p->len = named ? announced->len : line->text_len;
	announced->set = false;
	if (level->closed)
		problem(tap, "has a test after the plan that ended it");
	level->points++;
	check_number(tap, level, p->number);
	tap->failed = !line->ok;
}

static void
on_plan(struct tap *tap, const struct rt_tap_line *line)
{
	if (!descend(tap, line->depth))
		return;
	end_note(tap);
	ascend(tap, line->depth, NULL);
	struct level *level = &tap->levels[line->depth];
	if (level->planned) {
		problem(tap, "has a second plan; give every stream a file of its own");
		return;
	}
	level->planned = true;
	level->line = tap->lines.number;
	level->plan = line->number;
	level->closed = level->points > 0;
	check_plan(tap, level);
}

static void
on_version(struct tap *tap, const struct rt_tap_line *line)
{
	if (line->depth)
		return;
	if (line->number < 12 || line->number > 14)
		problem(tap, "is of TAP version %llu; 12, 13 and 14 are known", (unsigned long long)line->number);
	if (tap->begun)
		problem(tap, "has a second stream; give every stream a file of its own");
	tap->version = line->number;
}

/* "# Subtest: name" is indented like the verdict. node announces plain tests too, so it opens no level by itself. */
static void
on_subtest(struct tap *tap, const struct rt_tap_line *line)
{
	end_note(tap);
	if (tap->points.n && !tap->points.at[tap->points.n - 1].depth)
		flush(tap);
	if (line->depth >= DEPTH_MAX)
		return;
	tap->announced[line->depth].set = true;
	tap->announced[line->depth].len = line->text_len;
	tap->announced[line->depth].text = keep(tap, line->text, line->text_len);
}

static void
add_note(struct tap *tap, const char *bytes, size_t len)
{
	if (tap->note.len)
		rt_note_add(&tap->note, "\n", 1);
	rt_note_add(&tap->note, bytes, len);
}

/* Reads a YAML block to its end. Its lines are indented by two spaces more than the point; the text is not interpreted,
 * but for node's duration. */
static int
read_yaml(struct tap *tap, unsigned depth, struct rt_err *err)
{
	static const char duration[] = "duration_ms: ";
	size_t indent = (size_t)depth * 4 + 2, begun = tap->lines.number;
	struct rt_bytes line;
	int got;

	while ((got = rt_lines_next(&tap->lines, &line, err)) > 0) {
		size_t skip = line.len < indent ? line.len : indent;
		line.at += skip;
		line.len -= skip;
		if (skip == indent && line.len >= 3 && !memcmp(line.at, "...", 3))
			return 0;
		if (tap->points.n && line.len > strlen(duration) && !memcmp(line.at, duration, strlen(duration))) {
			rt_auto(free) char *number =
			    rt_strndup(line.at + strlen(duration), line.len - strlen(duration));
			tap->points.at[tap->points.n - 1].ms = rt_decimal(number);
		} else if (tap->failed) {
			add_note(tap, line.at, line.len);
		}
	}
	if (!got)
		rt_reading_problem(tap->reading, begun, "has a YAML block that does not end");
	return got;
}

static int
on_line(struct tap *tap, const struct rt_bytes *bytes, struct rt_err *err)
{
	bool at_point = tap->at_point;
	struct rt_tap_line line;

	if (tap->lines.number == 1 && bytes->len >= 3 && !memcmp(bytes->at, "\xEF\xBB\xBF", 3))
		rt_tap_parse(&line, bytes->at + 3, bytes->len - 3);
	else
		rt_tap_parse(&line, bytes->at, bytes->len);
	tap->at_point = line.kind == RT_TAP_POINT;
	switch (line.kind) {
	case RT_TAP_VERSION:
		on_version(tap, &line);
		break;
	case RT_TAP_PLAN:
		on_plan(tap, &line);
		break;
	case RT_TAP_POINT:
		on_point(tap, &line);
		break;
	case RT_TAP_BAIL:
		problem(tap, "bailed out: %s", rt_reading_show(&tap->scratch, line.text, line.text_len));
		tap->bailed = true;
		break;
	case RT_TAP_COMMENT:
		if (tap->failed)
			add_note(tap, line.text, line.text_len);
		return 0;
	case RT_TAP_SUBTEST:
		on_subtest(tap, &line);
		break;
	case RT_TAP_YAML:
		return at_point ? read_yaml(tap, line.depth, err) : 0;
	case RT_TAP_OTHER:
		return 0;
	}
	tap->begun = true;
	return 0;
}

static int
read_stream(struct tap *tap, struct rt_err *err)
{
	struct rt_bytes line;
	int got;

	while ((got = rt_lines_next(&tap->lines, &line, err)) > 0) {
		if (tap->lines.cut)
			problem(tap, "has a line longer than %zu MiB", RT_LINE_MAX >> 20);
		else if (on_line(tap, &line, err))
			return -1;
	}
	if (got < 0)
		return -1;
	if (!tap->begun) {
		rt_reading_short(tap->reading, 0, "holds no TAP at all");
		return 0;
	}
	/* "ok 2 # SKIP no disk" that was cut is a pass */
	if (tap->at_point)
		rt_reading_open_line(tap->reading, &tap->lines);
	end_note(tap);
	ascend(tap, 0, NULL);
	flush(tap);
	close_level(tap, &tap->levels[0]);
	if (tap->reading->script)
		rt_reading_script(tap->reading, tap->ran ? RT_STATUS_PASS : RT_STATUS_SKIP, NULL);
	return 0;
}

int
rt_tap_read(const struct rt_reading *reading, struct rt_err *err)
{
	struct tap tap = {.reading = reading, .lines = RT_LINES_INIT(reading->source)};

	tap.texts = tap.id = tap.scratch = tap.note = (struct rt_buf)RT_BUF_INIT;
	open_level(&tap);
	int result = read_stream(&tap, err);
	for (unsigned i = 0; i < DEPTH_MAX; i++)
		free(tap.levels[i].odds.at);
	free(tap.points.at);
	rt_buf_release(&tap.texts);
	rt_buf_release(&tap.id);
	rt_buf_release(&tap.scratch);
	rt_buf_release(&tap.note);
	rt_lines_release(&tap.lines);
	return result;
}
