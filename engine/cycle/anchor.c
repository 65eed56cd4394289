#include "cycle/anchor.h"

#include <string.h>

struct rt_anchor {
	const char *revision; /* borrowed from the configuration */
	char *trouble;	      /* or NULL */
	struct rt_matrix matrix;
};

static int
open_anchor(struct rt_anchors *anchors, struct rt_anchor *anchor, size_t number, struct rt_err *err)
{
	struct rt_gate *gate = anchors->gate;
	struct rt_oid commit;
	rt_auto(commit) struct rt_commit read = {0};
	int found = rt_rev_parse(gate->home->repo, anchor->revision, &commit, err);
	if (found < 0)
		return -1;
	if (found == 0) {
		anchor->trouble = rt_format("%s, since which it counts, is no commit of this clone; fetch it, or name "
					    "another in ratchet.yml",
					    anchor->revision);
		return 0;
	}
	if (rt_commit_read(gate->home->repo, &commit, &read, err) < 0)
		return -1;
	rt_auto(free) char *label = rt_format("%s-anchor%zu", anchors->side, number);
	if (rt_matrix_init(&anchor->matrix, gate->home, rt_quarantine_repo(gate->quarantine), &gate->trusted,
			   anchors->plan, &read.tree, &gate->base_tree, anchors->level,
			   rt_quarantine_dir(gate->quarantine), label, gate->progress, err) < 0)
		return -1;
	anchor->matrix.base_head = gate->base;
	anchor->matrix.head = commit;
	return 0;
}

static int
find_anchor(struct rt_anchors *anchors, const char *revision, struct rt_anchor **out, struct rt_err *err)
{
	for (size_t i = 0; i < anchors->at.n; i++) {
		*out = anchors->at.at[i];
		if (!strcmp((*out)->revision, revision))
			return 0;
	}
	*out = rt_alloc(1, sizeof(**out));
	(*out)->revision = revision;
	*rt_push(&anchors->at) = *out;
	return open_anchor(anchors, *out, anchors->at.n, err);
}

/* The run of one cell of an anchor, moved to its trial. */
static void
take_run(struct rt_anchors *anchors, struct rt_anchor *anchor, struct rt_trial *trial, size_t i)
{
	struct rt_cell_state *state = &anchor->matrix.cells[i];
	trial->anchors = rt_realloc(trial->anchors, trial->n_anchors + 1, sizeof(*trial->anchors));
	trial->anchors[trial->n_anchors++] = state->run;
	memset(&state->run, 0, sizeof(state->run));
	state->run.end = RT_CELL_NOT_RUN;
	rt_strs_addf(&anchors->gate->evidence, "%s anchor %s", trial->cell->name, state->report_digest);
}

int
rt_anchors_run(struct rt_anchors *anchors, struct rt_trial *trials, const bool *want, struct rt_err *err)
{
	rt_auto(free) bool *own = rt_alloc(anchors->plan->cells.n + 1, sizeof(*own));
	size_t n = anchors->plan->cells.n;
	/* what is wanted is run anchor by anchor: nearly always there is one */
	for (size_t i = 0; i < n; i++) {
		const struct rt_check *check = trials[i].cell->check;
		struct rt_anchor *anchor;
		if (!want[i] || !check->anchor || trials[i].anchor_trouble)
			continue;
		if (find_anchor(anchors, check->anchor, &anchor, err) < 0)
			return -1;
		if (anchor->trouble) {
			trials[i].anchor_trouble = rt_strdup(anchor->trouble);
			continue;
		}
		memset(own, 0, n * sizeof(*own));
		own[i] = true;
		if (rt_matrix_run(&anchor->matrix, own, err) < 0)
			return -1;
		take_run(anchors, anchor, &trials[i], i);
	}
	return 0;
}

int64_t
rt_anchors_busy(const struct rt_anchors *anchors)
{
	int64_t busy = 0;
	for (size_t i = 0; i < anchors->at.n; i++)
		busy += anchors->at.at[i]->matrix.busy_ms;
	return busy;
}

void
rt_anchors_release(struct rt_anchors *anchors)
{
	for (size_t i = 0; i < anchors->at.n; i++) {
		if (anchors->at.at[i]->matrix.plan)
			rt_matrix_release(&anchors->at.at[i]->matrix);
		free(anchors->at.at[i]->trouble);
		free(anchors->at.at[i]);
	}
	free(anchors->at.at);
	memset(anchors, 0, sizeof(*anchors));
}
