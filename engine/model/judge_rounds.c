#include <math.h>

#include "model/glob.h"
#include "model/judge_parts.h"
#include "model/sequential.h"

/* What becomes of an id that took several rounds: the answers of rounds.c as verdicts, with the reasons for people. */

static bool
is_waived_by(const struct rt_waivers *waivers, const char *id, int64_t now)
{
	for (size_t i = 0; waivers && i < waivers->n; i++)
		if (now < waivers->at[i].until && rt_glob_match_id(waivers->at[i].id, id))
			return true;
	return false;
}

/*
 * Not this proposal's doing, and yet nothing shows that it would have passed. A waiver of it that comes with the
 * proposal can't wait for that: it would never land.
 */
void
rt_bench_red_there(struct rt_bench *bench, const struct rt_item *item, const struct rt_sight *now)
{
	bool gone = item->kind == RT_ITEM_CASE && now->status == RT_STATUS_ABSENT;
	bool may_fall = item->kind != RT_ITEM_EXIT;

	if (may_fall && is_waived_by(bench->input->brought, item->id, bench->input->now))
		rt_strs_addf(&bench->out->unproven, "%s %s here and on the target, and the waiver that comes names it",
			     item->id, gone ? "is absent" : "fails");
	else
		rt_bench_doubt(bench, "%s %s on the target itself: mend the target first%s", item->id,
			       gone ? "is absent, and so it is" : "fails, and so it does",
			       may_fall ? ", or permit it (`ratchet waive`)" : "");
}

/* A case that the baseline knows, red in some run: how often, here and on the base, decides. */
void
rt_bench_known_case(struct rt_bench *bench, const struct rt_stand *stand, const struct rt_item *item,
		    const struct rt_sight *now)
{
	struct rt_decision d;
	enum rt_flaky_answer answer = rt_stand_decide(stand, item, &d);
	struct rt_sight flaky = *now;
	static const char *const words[] = {
	    [RT_FLAKY_OPEN] = "inconclusive",	       [RT_FLAKY_UNDECIDED] = "inconclusive",
	    [RT_FLAKY_BROKEN] = "regressed",	       [RT_FLAKY_NEW] = "newly flaky",
	    [RT_FLAKY_TARGET] = "fails on the target", [RT_FLAKY_BOTH] = "flaky before",
	    [RT_FLAKY_CALM] = "within its rate",       [RT_FLAKY_UNKNOWN] = "inconclusive",
	    [RT_FLAKY_LATE] = "passed first",
	};

	d.answer = words[answer];
	rt_decision_add_case(&bench->out->decisions, &d, answer);
	switch (answer) {
	case RT_FLAKY_BROKEN:
		rt_bench_regress(bench, stand, item, now);
		break;
	case RT_FLAKY_NEW:
		flaky.flaky = true;
		rt_bench_regress(bench, stand, item, &flaky);
		break;
	case RT_FLAKY_TARGET:
		if (item->line->level == RT_LEVEL_FLAKY)
			rt_strs_addf(&bench->out->unproven, "%s, known as flaky, fails here and on the target",
				     item->id);
		else
			rt_bench_red_there(bench, item, now);
		break;
	case RT_FLAKY_BOTH:
		rt_strs_addf(
		    &bench->out->unproven,
		    "%s is flaky, and was before: it fails in %u of %u runs here and in %u of %u on the target",
		    item->id, d.fails, d.runs, d.base_fails, d.base_runs);
		if (d.base_fails < d.base_runs && item->line->level == RT_LEVEL_PASS)
			rt_bench_demote(bench, item, rt_rate_bound(d.base_fails, d.base_runs));
		break;
	case RT_FLAKY_CALM:
		rt_strs_addf(&bench->out->unproven,
			     "%s fails in %u of %u runs, no oftener than the baseline vouches for", item->id, d.fails,
			     d.runs);
		break;
	case RT_FLAKY_LATE:
		rt_strs_addf(&bench->out->unproven,
			     "%s passed at first, and fails in %u of %u runs that were made because of others: too few "
			     "to blame the change for",
			     item->id, d.fails, d.runs);
		break;
	case RT_FLAKY_UNKNOWN:
		rt_bench_doubt(bench, "%s fails, but on the base its cell %s", item->id,
			       stand->base.whole ? "says nothing of it" : rt_run_end_text(stand->base.run));
		break;
	case RT_FLAKY_OPEN:
	case RT_FLAKY_UNDECIDED:
		rt_bench_doubt(
		    bench,
		    "%s fails in one run and not in another, %u of %u here and %u of %u on the target: it depends on "
		    "chance, time or order",
		    item->id, d.fails, d.runs, d.base_fails, d.base_runs);
		break;
	}
}

void
rt_bench_paired(struct rt_bench *bench, const struct rt_stand *stand, const struct rt_item *item)
{
	bool more, confirmed;
	struct rt_paired paired = rt_stand_compare(stand, item, &more, &confirmed);
	static const char *const words[] = {[RT_PAIRED_OPEN] = "inconclusive",
					    [RT_PAIRED_SAME] = "same",
					    [RT_PAIRED_IMPROVED] = "improved",
					    [RT_PAIRED_REGRESSED] = "regressed"};
	struct rt_decision d = {.id = item->id,
				.answer = words[paired.answer],
				.pairs = paired.n,
				.base = paired.base,
				.here = paired.here,
				.ratio = paired.ratio,
				.low = paired.low,
				.high = paired.high,
				.margin = paired.slid ? stand->check->budget : stand->check->margin,
				.anchor = paired.slid ? stand->check->anchor : NULL};
	const char *whose = paired.slid ? stand->check->anchor : "the target";

	rt_decision_add_pairs(&bench->out->decisions, &d, paired.answer);
	if (paired.answer == RT_PAIRED_REGRESSED) {
		rt_auto(free) char *is = rt_format("%.3gx worse", paired.ratio);
		rt_auto(free) char *why =
		    rt_format("in %zu pairs it is worse by a factor of %.4g, at least %.4g, and the "
			      "%s allows %.4g%s%s",
			      paired.n, paired.ratio, paired.low, paired.slid ? "budget" : "margin", 1 + d.margin,
			      paired.slid ? " since " : "", paired.slid ? whose : "");
		rt_auto(buf) struct rt_buf was = RT_BUF_INIT;

		rt_number_write(&was, item->line->value);
		rt_change_add(&bench->out->regressions, item->id, was.data, is, why);
	} else if (paired.slid && stand->trial->anchor_trouble) {
		rt_bench_doubt(bench, "%s can't be held to its budget: %s", item->id, stand->trial->anchor_trouble);
	} else if (paired.answer == RT_PAIRED_OPEN && isinf(paired.high)) {
		rt_bench_doubt(bench,
			       "%s: %zu pairs tell nothing of it and that of %s: too few, or numbers not above 0",
			       item->id, paired.n, whose);
	} else if (paired.answer == RT_PAIRED_OPEN) {
		rt_bench_doubt(bench,
			       "%s: after %zu pairs it may be anything from %.4g to %.4g times that of %s, and the %s "
			       "allows %.4g",
			       item->id, paired.n, paired.low, paired.high, whose, paired.slid ? "budget" : "margin",
			       1 + d.margin);
	} else if (confirmed && rt_stand_may_record(stand)) {
		rt_bench_move_bar(bench, item, paired.high);
	}
}
