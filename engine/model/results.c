#include "model/results.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/baseline.h"
#include "model/id.h"
#include "support/err.h"
#include "support/defence.h"

#define NOTE_MAX ((size_t)8 * 1024)
#define NOTES_MAX ((size_t)4 * 1024 * 1024)
#define PROBLEMS_MAX 100

const char *
rt_status_name(enum rt_status status)
{
	static const char *const names[] = {
#define X(name, text) [RT_STATUS_##name] = text,
	    RT_STATUSES(X)
#undef X
	};

	return names[status];
}

static const char *
case_key(const void *owner, size_t position)
{
	const struct rt_results *results = owner;

	return results->cases.at[position].id;
}

/* The line of known that has the id, or RT_INDEX_NONE. */
static size_t
line_of(const struct rt_results *results, const char *id)
{
	return results->by_line ? rt_baseline_near(results->known, id, results->next) : RT_INDEX_NONE;
}

/* A results struct may have been moved since the index was made: its owner is set at each use. */
static size_t
indexed(const struct rt_results *results, const char *id)
{
	struct rt_index index = results->index;

	index.owner = results;
	return rt_index_find(&index, id);
}

/* So that a cut is not within a character. */
static void
drop_last_char(struct rt_buf *text)
{
	while (text->len && ((unsigned char)text->data[text->len - 1] & 0xc0) == 0x80)
		rt_buf_cut(text, text->len - 1);
	if (text->len)
		rt_buf_cut(text, text->len - 1);
}

/* Text that a report brought, made safe to show. What is beyond the limits is dropped, with a word that says so. */
static uint32_t
keep_note(struct rt_results *results, const char *note, size_t len)
{
	static const char cut[] = "\n[cut]";
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;

	if (!note || !len || results->note_bytes >= NOTES_MAX)
		return 0;
	rt_id_escape_text(&text, note, len < NOTE_MAX ? len : NOTE_MAX);
	if (text.len > NOTE_MAX || len > NOTE_MAX) {
		rt_buf_cut(&text, text.len < NOTE_MAX - sizeof(cut) ? text.len : NOTE_MAX - sizeof(cut));
		drop_last_char(&text);
		rt_buf_adds(&text, cut);
	}
	results->note_bytes += text.len;
	*rt_push(&results->notes) = rt_arena_add(&results->arena, text.data, text.len);
	return (uint32_t)results->notes.n;
}

static void
merge_case(struct rt_results *results, struct rt_case *c, const struct rt_case *more, const char *note, size_t note_len)
{
	bool worse = more->status > c->status;

	if (worse) {
		results->counts[c->status]--;
		results->counts[more->status]++;
		c->status = more->status;
	}
	if (c->assertions < 0 || (more->assertions >= 0 && more->assertions < c->assertions))
		c->assertions = more->assertions;
	if (more->duration_ms > c->duration_ms)
		c->duration_ms = more->duration_ms;
	if (worse || !c->note) {
		uint32_t kept = keep_note(results, note, note_len);

		c->note = kept ? kept : c->note;
	}
}

void
rt_results_case(struct rt_results *results, const char *id, enum rt_status status, int32_t assertions,
		double duration_ms, const char *note, size_t note_len)
{
	struct rt_case seen = {.assertions = assertions < 0 ? -1 : assertions, .status = (uint8_t)status};
	size_t line, position;

	if (results->control_word && strstr(id, results->control_word)) {
		bool first = results->control == RT_STATUS_ABSENT;

		results->control = first || status > results->control ? status : results->control;
		return;
	}
	if (results->known && !results->by_line && results->known->lines.n)
		results->by_line = rt_alloc(results->known->lines.n, sizeof(*results->by_line));
	line = line_of(results, id);
	position = line == RT_INDEX_NONE ? indexed(results, id) : (size_t)results->by_line[line] - 1;
	seen.duration_ms = isfinite(duration_ms) && duration_ms >= 0 ? (float)duration_ms : -1;
	if (line != RT_INDEX_NONE)
		results->next = line + 1;
	if (position != RT_INDEX_NONE) {
		if (!rt_defended(WORST)) {
			results->counts[results->cases.at[position].status]--;
			results->counts[results->cases.at[position].status = seen.status]++;
			return;
		}
		merge_case(results, &results->cases.at[position], &seen, note, note_len);
		return;
	}
	seen.id =
	    line == RT_INDEX_NONE ? rt_arena_add(&results->arena, id, strlen(id)) : results->known->lines.at[line].id;
	seen.note = keep_note(results, note, note_len);
	*rt_push(&results->cases) = seen;
	results->counts[status]++;
	if (line != RT_INDEX_NONE) {
		results->by_line[line] = (uint32_t)results->cases.n;
		return;
	}
	results->index.owner = results;
	results->index.key = case_key;
	rt_index_add(&results->index, results->cases.n - 1);
}

void
rt_results_retried(struct rt_results *results, const char *id)
{
	struct rt_case *c = (struct rt_case *)rt_results_find(results, id);

	if (c && c->status == RT_STATUS_PASS && !c->retried) {
		c->retried = true;
		results->retried++;
	}
}

static const char *
metric_key(const void *owner, size_t position)
{
	return ((const struct rt_results *)owner)->metrics.at[position].id;
}

void
rt_results_metric(struct rt_results *results, const char *id, double value)
{
	struct rt_metric *metric;

	if (!isfinite(value)) {
		rt_results_problem(results, "%s: the value is not a finite number", id);
		return;
	}
	results->by_metric.owner = results;
	results->by_metric.key = metric_key;
	size_t first = rt_index_find(&results->by_metric, id);
	metric = rt_push(&results->metrics);
	uint32_t position = (uint32_t)results->metrics.n; /* from 1 */
	*metric = (struct rt_metric){.value = value};
	if (first == RT_INDEX_NONE) {
		metric->id = rt_arena_add(&results->arena, id, strlen(id));
		metric->last = position;
		rt_index_add(&results->by_metric, position - 1);
	} else {
		struct rt_metric *head = &results->metrics.at[first];

		metric->id = head->id;
		results->metrics.at[head->last - 1].next = position;
		head->last = position;
	}
}

const struct rt_metric *
rt_results_sample(const struct rt_results *results, const char *id)
{
	struct rt_index index = results->by_metric;

	index.owner = results;
	size_t at = rt_index_find(&index, id);
	return at == RT_INDEX_NONE ? NULL : &results->metrics.at[at];
}

const struct rt_metric *
rt_results_next_sample(const struct rt_results *results, const struct rt_metric *sample)
{
	return sample->next ? &results->metrics.at[sample->next - 1] : NULL;
}

static const char *
finding_key(const void *owner, size_t position)
{
	return ((const struct rt_results *)owner)->findings.at[position].id;
}

static const char *
marked_key(const void *owner, size_t position)
{
	return ((const struct rt_results *)owner)->findings.at[position].marked;
}

/* The line of known that a finding's id stands in, and where in findings it is; RT_INDEX_NONE where there is none. */
struct place {
	size_t line, at;
};

static struct place
place_of(struct rt_results *results, const char *id)
{
	struct place place = {RT_INDEX_NONE, RT_INDEX_NONE};

	if (results->known && !results->finding_by_line && results->known->lines.n)
		results->finding_by_line = rt_alloc(results->known->lines.n, sizeof(*results->finding_by_line));
	if (results->finding_by_line)
		place.line = rt_baseline_near(results->known, id, results->next_finding);
	if (place.line != RT_INDEX_NONE) {
		results->next_finding = place.line + 1;
		place.at = (size_t)results->finding_by_line[place.line] - 1;
	} else {
		place.at = rt_index_find(&results->by_finding, id);
	}
	return place;
}

/* From now on an id is at the last finding. */
static void
settle(struct rt_results *results, const struct place *place, const char *id)
{
	if (place->line == RT_INDEX_NONE) {
		results->findings.at[results->findings.n - 1].id = rt_arena_add(&results->arena, id, strlen(id));
		rt_index_add(&results->by_finding, results->findings.n - 1);
	} else {
		results->findings.at[results->findings.n - 1].id = results->known->lines.at[place->line].id;
		results->finding_by_line[place->line] = (uint32_t)results->findings.n;
	}
}

/* Another one with an id that was given before, unless it says the same. */
static void
add_another(struct rt_results *results, size_t first, const char *id, const struct rt_buf *text)
{
	rt_auto(free) char *marked = rt_format("%s\n%s", id, text->data);
	struct rt_finding *head = &results->findings.at[first];

	if ((!head->marked && !strcmp(head->text, text->data)) ||
	    rt_index_find(&results->by_marked, marked) != RT_INDEX_NONE)
		return;
	rt_auto(free) char *name = rt_format("%s::#%u", id, ++head->times);
	struct place place = place_of(results, name);
	struct rt_finding *finding = rt_push(&results->findings);
	finding->times = 1;
	finding->marked = rt_arena_add(&results->arena, marked, strlen(marked));
	finding->text = finding->marked + strlen(id) + 1;
	rt_index_add(&results->by_marked, results->findings.n - 1);
	/* a fingerprint that itself ends in a number may be there already */
	if (place.at == RT_INDEX_NONE)
		settle(results, &place, name);
	else
		finding->id = rt_arena_add(&results->arena, name, strlen(name));
}

void
rt_results_finding(struct rt_results *results, const char *id, const char *text)
{
	rt_auto(buf) struct rt_buf safe = RT_BUF_INIT;

	results->by_finding.owner = results->by_marked.owner = results;
	results->by_finding.key = finding_key;
	results->by_marked.key = marked_key;
	if (text)
		rt_id_escape_text(&safe, text, strnlen(text, NOTE_MAX));
	struct place place = place_of(results, id);
	if (place.at != RT_INDEX_NONE) {
		add_another(results, place.at, id, &safe);
		return;
	}
	struct rt_finding *finding = rt_push(&results->findings);
	finding->text = rt_arena_add(&results->arena, safe.data, safe.len);
	finding->times = 1;
	settle(results, &place, id);
}

void
rt_results_problem(struct rt_results *results, const char *fmt, ...)
{
	rt_auto(buf) struct rt_buf safe = RT_BUF_INIT;
	char *text = NULL, *c;
	va_list args;
	int len;

	if (results->problems.n >= PROBLEMS_MAX)
		return;
	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0)
		rt_bug("can't format \"%s\"", fmt);
	rt_id_escape_text(&safe, text, (size_t)len);
	free(text);
	for (c = strchr(safe.data, '\n'); c; c = strchr(c, '\n'))
		*c = ' ';
	rt_strs_addn(&results->problems, safe.data, safe.len);
}

static const struct rt_case *
case_at(const struct rt_results *results, size_t position)
{
	return position == RT_INDEX_NONE ? NULL : &results->cases.at[position];
}

const struct rt_case *
rt_results_find(const struct rt_results *results, const char *id)
{
	size_t line = line_of(results, id);

	return case_at(results, line == RT_INDEX_NONE ? indexed(results, id) : (size_t)results->by_line[line] - 1);
}

const struct rt_case *
rt_results_of_line(const struct rt_results *results, const struct rt_baseline *baseline, const struct rt_line *line)
{
	if (results->by_line && baseline == results->known)
		return case_at(results, (size_t)results->by_line[line - baseline->lines.at] - 1);
	return rt_results_find(results, line->id);
}

const char *
rt_results_note(const struct rt_results *results, const struct rt_case *c)
{
	return c && c->note ? results->notes.at[c->note - 1] : NULL;
}

size_t
rt_results_executed(const struct rt_results *results)
{
	return results->counts[RT_STATUS_PASS] + results->counts[RT_STATUS_FAIL] + results->counts[RT_STATUS_ERROR];
}

void
rt_results_release(struct rt_results *results)
{
	rt_arena_release(&results->arena);
	rt_index_release(&results->index);
	rt_index_release(&results->by_metric);
	rt_index_release(&results->by_finding);
	rt_index_release(&results->by_marked);
	free(results->by_line);
	free(results->finding_by_line);
	rt_strs_release(&results->problems);
	free(results->cases.at);
	free(results->notes.at);
	free(results->metrics.at);
	free(results->findings.at);
	*results = (struct rt_results)RT_RESULTS_INIT;
}
