#include "cycle/govern.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "git/signature.h"
#include "model/glob.h"

static const uint64_t CONTENT_READ = 16u << 20, CONTENT_SCANNED = 1u << 30;

/* What the walk over the difference gathers. */
struct changes {
	struct rt_gate *gate;
	struct rt_repo *repo;
	size_t paths;
	uint64_t bytes;
	bool all_signed; /* every proposed commit carries a valid signature */
	bool baseline_edited;
	struct rt_strs
	    governed; /* paths of trusted inputs, the baseline left out, and of inputs that the network reaches */
};

/* ---- signatures ---- */

/* Who signed the commit, by the target's own allowed_signers: 1, 0 with why, -1. */
static int
check_signature(struct rt_gate *gate, const struct rt_oid *commit, struct rt_buf *why, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf signer = RT_BUF_INIT;
	return rt_signature_verify(rt_quarantine_repo(gate->quarantine), commit, gate->trusted.signers.data,
				   gate->trusted.signers.len, &signer, why, err);
}

static int
all_signed(struct rt_gate *gate, bool *answer, struct rt_err *err)
{
	*answer = gate->n_commits > 0 && !rt_signers_empty(gate->trusted.signers.data, gate->trusted.signers.len);
	for (size_t i = 0; i < gate->n_commits && *answer; i++) {
		rt_auto(buf) struct rt_buf why = RT_BUF_INIT;
		int valid = !gate->commits[i].signature ? 0 : check_signature(gate, &gate->commits[i].id, &why, err);
		if (valid < 0)
			return -1;
		*answer = valid;
	}
	return 0;
}

/* Do the trusted inputs of two trees differ, the baseline folder left out? 1 and the path in which, 0, -1. */
static int
trusted_differ(struct rt_gate *gate, const struct rt_oid *a, const struct rt_oid *b, struct rt_buf *path,
	       struct rt_err *err)
{
	struct rt_repo *repo = rt_quarantine_repo(gate->quarantine);
	rt_auto(buf) struct rt_buf policies = RT_BUF_INIT;
	rt_config_path(&gate->trusted.config, "policies", &policies);
	const char *paths[] = {"ratchet.yml", policies.data};
	for (size_t i = 0; i < RT_COUNT(paths); i++) {
		struct rt_entry x, y;
		if (rt_tree_entry(repo, a, paths[i], &x, err) < 0 || rt_tree_entry(repo, b, paths[i], &y, err) < 0)
			return -1;
		if (x.mode == y.mode && (!x.mode || rt_oid_equal(&x.id, &y.id)))
			continue;
		rt_buf_cut(path, 0);
		rt_buf_adds(path, paths[i]);
		return 1;
	}
	return 0;
}

/* Does the commit change trusted inputs against any of its parents? A shallow clone may not know: RT_EUNKNOWN. */
static int
commit_governs(struct rt_gate *gate, const struct rt_commit *commit, struct rt_err *err)
{
	struct rt_repo *repo = rt_quarantine_repo(gate->quarantine);
	for (size_t i = 0; i < commit->n_parents; i++) {
		rt_auto(commit) struct rt_commit parent = {0};
		rt_auto(buf) struct rt_buf path = RT_BUF_INIT;
		if (!rt_object_exists(repo, &commit->parents[i]))
			return rt_fail(
			    err, RT_EUNKNOWN,
			    "trusted inputs change, and %.12s, a parent of %.12s, is not in this clone, so who "
			    "changed them can't be told; check out with fetch-depth: 0 (GitHub) or GIT_DEPTH: 0 "
			    "(GitLab)",
			    commit->parents[i].hex, commit->id.hex);
		if (rt_commit_read(repo, &commit->parents[i], &parent, err) < 0)
			return -1;
		int differ = trusted_differ(gate, &parent.tree, &commit->tree, &path, err);
		if (differ)
			return differ;
	}
	return 0;
}

/* A change of trusted inputs that a later commit takes back is one all the same: it becomes part of the history. */
static int
note_detours(struct changes *changes, struct rt_err *err)
{
	struct rt_gate *gate = changes->gate;
	for (size_t i = 0; i + 1 < gate->n_commits && !changes->governed.n; i++) {
		rt_auto(buf) struct rt_buf path = RT_BUF_INIT;
		struct rt_err unknown = RT_ERR_INIT;
		/* what merely began at an older commit of the target differs too, but not from its parents */
		int differs = trusted_differ(gate, &gate->base_tree, &gate->commits[i].tree, &path, err);
		if (differs < 0)
			return -1;
		int governs = differs ? commit_governs(gate, &gate->commits[i], &unknown) : 0;
		if (governs > 0)
			rt_strs_add(&changes->governed, path.data);
		if (governs < 0 && unknown.code != RT_EUNKNOWN) { /* that is the edge of a shallow clone */
			*err = unknown;
			return -1;
		}
	}
	return 0;
}

/* One unsigned commit among those that govern refuses the whole proposal. */
static int
judge_governance(struct changes *changes, struct rt_err *err)
{
	struct rt_gate *gate = changes->gate;
	const char *path = changes->governed.at[0];
	if (gate->adoption) { /* there is nothing yet that governs, and an operator let it in */
		gate->governed = true;
		return 0;
	}
	if (rt_signers_empty(gate->trusted.signers.data, gate->trusted.signers.len)) {
		gate->governed = gate->unsigned_governance = gate->governance_ok;
		if (!gate->governed)
			rt_refuse(&gate->report.refusals, "governance", path, 0,
				  "changes a trusted input, and the target names no signer yet; an operator lands it "
				  "with `ratchet propose --governance` on a terminal");
		return 0;
	}
	if (gate->n_commits == 0) {
		rt_refuse(&gate->report.refusals, "governance", path, 0,
			  "changes a trusted input; propose it as a signed commit that descends from the target's tip");
		return 0;
	}
	bool some = false;
	for (size_t i = 0; i < gate->n_commits; i++) {
		rt_auto(buf) struct rt_buf why = RT_BUF_INIT;
		int governs = commit_governs(gate, &gate->commits[i], err);
		if (governs < 0)
			return -1;
		if (!governs && !(i + 1 == gate->n_commits && !some))
			continue;
		some = true;
		int valid = check_signature(gate, &gate->commits[i].id, &why, err);
		if (valid < 0)
			return -1;
		if (!valid && gate->lost_signature && !gate->commits[i].signature)
			gate->stale = true;
		else if (!valid)
			rt_refuse(&gate->report.refusals, "governance", path, 0,
				  "commit %.12s changes a trusted input: %s", gate->commits[i].id.hex, why.data);
	}
	gate->governed = gate->report.refusals.n == 0;
	return 0;
}

/* ---- policy on each path ---- */

struct fold {
	const char *name;
	bool collides;
};

static int
compare_fold(void *data, const char *name, const struct rt_entry *entry, struct rt_err *err)
{
	struct fold *fold = data;
	(void)entry;
	(void)err;
	fold->collides = strcasecmp(name, fold->name) == 0 && strcmp(name, fold->name) != 0;
	return fold->collides;
}

/* Does a created path fold to another name beside it, at any level? */
static int
folds_to_another(struct changes *changes, const char *path, bool *collides, struct rt_err *err)
{
	rt_auto(free) char *dir = rt_strdup(path);
	*collides = false;
	for (char *slash = strrchr(dir, '/'); !*collides; slash = strrchr(dir, '/')) {
		struct fold fold = {.name = slash ? slash + 1 : dir};
		if (slash)
			*slash = '\0';
		if (rt_tree_list(changes->repo, &changes->gate->tree, slash ? dir : "", compare_fold, &fold, err) < 0)
			return -1;
		*collides = fold.collides;
		if (!slash)
			break;
	}
	return 0;
}

static void
note_trusted(struct changes *changes, const char *path)
{
	const struct rt_config *config = &changes->gate->trusted.config;
	if (rt_config_in_baseline(config, path)) {
		changes->baseline_edited = true;
		return;
	}
	if (rt_config_trusted(config, path))
		rt_strs_add(&changes->governed, path);
	for (size_t i = 0; i < config->checks.n; i++) {
		const struct rt_check *check = &config->checks.at[i];
		if (check->network == RT_NETWORK_HOST && !check->untrusted_inputs &&
		    rt_globs_match(&check->inputs, path) && !rt_strs_has(&changes->governed, path))
			rt_strs_add(&changes->governed, path);
	}
}

/* Loads a blob into out when it is there and is one: a file or a link. */
static int
load(struct changes *changes, const struct rt_entry *entry, uint64_t max, struct rt_buf *out, uint64_t *size,
     struct rt_err *err)
{
	*size = 0;
	if (!entry->mode || (entry->mode & 0170000) == 0160000)
		return 0;
	if (rt_blob_size(changes->repo, &entry->id, size, err) < 0)
		return -1;
	if (*size > max)
		return 0;
	return rt_blob_read(changes->repo, &entry->id, max, out, err) < 0 ? -1 : 1;
}

/* Secrets that the new content has and the old had not. */
static int
scan_path(struct changes *changes, const struct rt_change_of *change, const struct rt_buf *content, struct rt_err *err)
{
	struct rt_gate *gate = changes->gate;
	rt_auto(refusals) struct rt_refusals found = {0};
	rt_auto(buf) struct rt_buf old = RT_BUF_INIT;
	uint64_t size;
	rt_policy_scan_change(gate->trusted.policy, change->path, NULL, 0, content->data, content->len, &found);
	if (found.n == 0)
		return 0;
	/* seldom: only now is it worth knowing what the base has already */
	int loaded = load(changes, &change->old, CONTENT_SCANNED, &old, &size, err);
	if (loaded < 0)
		return -1;
	size_t before = gate->report.refusals.n;
	rt_policy_scan_change(gate->trusted.policy, change->path, loaded ? old.data : NULL, old.len, content->data,
			      content->len, &gate->report.refusals);
	gate->secret = gate->secret || gate->report.refusals.n > before;
	return 0;
}

/* A name is part of what lands, too. */
static void
scan_name(struct changes *changes, const struct rt_change_of *change)
{
	struct rt_gate *gate = changes->gate;
	size_t before = gate->report.refusals.n;
	if (change->old.mode || !change->new.mode)
		return;
	rt_policy_scan(gate->trusted.policy, change->path, change->path, strlen(change->path), &gate->report.refusals);
	gate->secret = gate->secret || gate->report.refusals.n > before;
}

static int
judge_path(void *data, const struct rt_change_of *change, struct rt_err *err)
{
	struct changes *changes = data;
	rt_auto(buf) struct rt_buf content = RT_BUF_INIT;
	struct rt_delta delta = {.path = change->path,
				 .old_mode = change->old.mode,
				 .new_mode = change->new.mode,
				 .signed_commit = changes->all_signed};
	int loaded = load(changes, &change->new, CONTENT_SCANNED, &content, &delta.new_size, err);
	if (loaded < 0)
		return -1;
	if (loaded && content.len <= CONTENT_READ) {
		delta.content = content.data;
		delta.content_len = content.len;
	}
	if (change->new.mode && !change->old.mode &&
	    folds_to_another(changes, change->path, &delta.created_in_existing_fold, err) < 0)
		return -1;
	changes->paths++;
	changes->bytes += delta.new_size;
	note_trusted(changes, change->path);
	if (!rt_config_in_baseline(&changes->gate->trusted.config, change->path))
		rt_policy_judge(changes->gate->trusted.policy, &delta, &changes->gate->report.refusals);
	if (change->new.mode && delta.new_size > CONTENT_SCANNED)
		rt_refuse(&changes->gate->report.refusals, "too-large", change->path, 0,
			  "has %" PRIu64 " bytes; what is over 1 GiB is not looked into", delta.new_size);
	scan_name(changes, change);
	return loaded ? scan_path(changes, change, &content, err) : 0;
}

/* ---- secrets that a later commit takes out again ---- */

/* One of the proposed commits, and the trees whose content is known or looked at already. */
struct step {
	struct changes *changes;
	struct rt_oid known[16];
	size_t n_known;
};

static int
scan_step(void *data, const struct rt_change_of *change, struct rt_err *err)
{
	struct step *step = data;
	rt_auto(buf) struct rt_buf content = RT_BUF_INIT;
	uint64_t size;
	if (!change->new.mode)
		return 0;
	for (size_t i = 0; i < step->n_known; i++) {
		struct rt_entry entry;
		if (rt_tree_entry(step->changes->repo, &step->known[i], change->path, &entry, err) < 0)
			return -1;
		if (entry.mode && rt_oid_equal(&entry.id, &change->new.id))
			return 0;
	}
	scan_name(step->changes, change);
	int loaded = load(step->changes, &change->new, CONTENT_SCANNED, &content, &size, err);
	return loaded > 0 ? scan_path(step->changes, change, &content, err) : loaded;
}

/*
 * The trees of the parents of a commit. One beyond the edge of a shallow clone is not known; in place of the first, the
 * base is what the commit is held against, from which it differs in more.
 */
static int
parent_trees(struct changes *changes, const struct rt_commit *commit, struct rt_oid *first, struct step *step,
	     struct rt_err *err)
{
	first->hex[0] = '\0';
	for (size_t i = 0; i < commit->n_parents; i++) {
		rt_auto(commit) struct rt_commit parent = {0};
		if (!rt_object_exists(changes->repo, &commit->parents[i])) {
			if (i == 0)
				*first = changes->gate->base_tree;
			continue;
		}
		if (rt_commit_read(changes->repo, &commit->parents[i], &parent, err) < 0)
			return -1;
		if (i == 0)
			*first = parent.tree;
		else if (step->n_known < RT_COUNT(step->known))
			step->known[step->n_known++] = parent.tree;
	}
	return 0;
}

/*
 * Every proposed commit becomes part of the history, so what is secret in any of them is refused, even where the tree
 * in the end no longer holds it.
 */
static int
scan_steps(struct changes *changes, struct rt_err *err)
{
	struct rt_gate *gate = changes->gate;
	for (size_t i = 0; i < gate->n_commits; i++) {
		const struct rt_commit *commit = &gate->commits[i];
		struct step step = {.changes = changes, .known = {gate->base_tree, gate->tree}, .n_known = 2};
		struct rt_oid first;
		size_t before = gate->report.refusals.n;
		if (parent_trees(changes, commit, &first, &step, err) < 0)
			return -1;
		/* the one commit of most proposals: that very difference was judged */
		if (rt_oid_equal(&first, &gate->base_tree) && rt_oid_equal(&commit->tree, &gate->tree))
			continue;
		if (rt_tree_diff(changes->repo, &first, &commit->tree, false, scan_step, &step, err) < 0)
			return -1;
		for (size_t k = before; k < gate->report.refusals.n; k++) {
			struct rt_refusal *refusal = &gate->report.refusals.at[k];
			char *reason = rt_format("in commit %zu of %zu, and so in the history: %s", i + 1,
						 gate->n_commits, refusal->reason);
			free(refusal->reason);
			refusal->reason = reason;
		}
	}
	return 0;
}

/* Messages and authors are part of what lands, so they are looked at like contents. */
static void
judge_messages(struct changes *changes)
{
	struct rt_gate *gate = changes->gate;
	rt_auto(free) const char **messages = rt_alloc(gate->n_commits + 1, sizeof(*messages));
	for (size_t i = 0; i < gate->n_commits; i++) {
		rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
		size_t before = gate->report.refusals.n;
		messages[i] = gate->commits[i].n_parents > 1 ? NULL : gate->commits[i].message;
		rt_buf_addf(&text, "%s\n%s", gate->commits[i].author, gate->commits[i].message);
		rt_policy_scan(gate->trusted.policy, "commit message", text.data, text.len, &gate->report.refusals);
		gate->secret = gate->secret || gate->report.refusals.n > before;
	}
	rt_policy_judge_whole(gate->trusted.policy, changes->paths, changes->bytes, messages, gate->n_commits,
			      &gate->report.refusals);
}

/* A configuration that lands must be one that the next proposal can be judged by. */
static int
judge_new_configuration(struct changes *changes, struct rt_err *err)
{
	rt_auto(trusted) struct rt_trusted next = RT_TRUSTED_INIT;
	struct rt_err why = RT_ERR_INIT;
	(void)err;
	if (rt_trusted_read(&next, changes->repo, &changes->gate->tree, &why) < 0)
		rt_refuse(&changes->gate->report.refusals, "configuration", why.file[0] ? why.file : "ratchet.yml",
			  why.line, "%s", why.text);
	else if (!next.present)
		rt_refuse(&changes->gate->report.refusals, "configuration", "ratchet.yml", 0,
			  "is removed, and with it the gate");
	rt_waivers_release(&changes->gate->brought);
	changes->gate->brought = next.waivers;
	next.waivers = (struct rt_waivers){0};
	return 0;
}

/* The candidate's own baseline, former names carried over as for the base's: 1, 0 it can't be read (refused). */
static int
candidate_baseline(struct rt_gate *gate, struct rt_baseline *out)
{
	struct rt_err why = RT_ERR_INIT;
	rt_auto(baseline) struct rt_baseline written = RT_BASELINE_INIT;
	if (rt_trusted_baseline(&written, rt_quarantine_repo(gate->quarantine), &gate->tree, &gate->trusted.config,
				&why) < 0) {
		rt_refuse(&gate->report.refusals, "baseline", why.file[0] ? why.file : NULL, why.line, "%s", why.text);
		return 0;
	}
	rt_plan_carry(&gate->trusted.config, &written, out);
	rt_baseline_seal(out);
	return 1;
}

static void
refuse_lines(struct rt_gate *gate, const struct rt_strs *ids, const char *reason)
{
	rt_auto(buf) struct rt_buf folder = RT_BUF_INIT;
	rt_config_path(&gate->trusted.config, "baseline", &folder);
	for (size_t i = 0; i < ids->n && i < 20; i++)
		rt_refuse(&gate->report.refusals, "baseline", folder.data, 0, "%s: %s", ids->at[i], reason);
}

static void
judge_falls(struct rt_gate *gate)
{
	rt_auto(baseline) struct rt_baseline edited = RT_BASELINE_INIT;
	rt_auto(strs) struct rt_strs falls = {0};
	if (!candidate_baseline(gate, &edited))
		return;
	rt_baseline_falls(&gate->trusted.baseline, &edited, &falls);
	refuse_lines(gate, &falls,
		     "the proposal lowers or removes this line; only a signed waiver does (`ratchet waive`)");
}

int
rt_govern_changes(struct rt_gate *gate, struct rt_err *err)
{
	struct changes changes = {.gate = gate, .repo = rt_quarantine_repo(gate->quarantine)};
	int result = all_signed(gate, &changes.all_signed, err);
	if (result == 0)
		result = rt_tree_diff(changes.repo, &gate->base_tree, &gate->tree, false, judge_path, &changes, err);
	if (result == 0)
		result = scan_steps(&changes, err);
	if (result == 0 && !changes.governed.n && !gate->adoption)
		result = note_detours(&changes, err);
	if (result == 0) {
		judge_messages(&changes);
		if (changes.governed.n && gate->fast && gate->n_commits == 0)
			rt_strs_addf(&gate->report.unproven,
				     "%s is a trusted input: the commit must be signed, which is judged when it is "
				     "proposed or pushed",
				     changes.governed.at[0]);
		else if (changes.governed.n)
			result = judge_governance(&changes, err);
	}
	if (result == 0 && changes.governed.n)
		result = judge_new_configuration(&changes, err);
	if (result == 0 && changes.baseline_edited && !gate->governed)
		judge_falls(gate);
	rt_strs_release(&changes.governed);
	return result;
}

int
rt_govern_baseline(struct rt_gate *gate, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf folder = RT_BUF_INIT;
	rt_auto(baseline) struct rt_baseline edited = RT_BASELINE_INIT;
	rt_auto(strs) struct rt_strs above = {0};
	struct rt_entry before, after;
	struct rt_repo *repo = rt_quarantine_repo(gate->quarantine);
	rt_config_path(&gate->trusted.config, "baseline", &folder);
	if (rt_tree_entry(repo, &gate->base_tree, folder.data, &before, err) < 0 ||
	    rt_tree_entry(repo, &gate->tree, folder.data, &after, err) < 0)
		return -1;
	if (gate->governed || (before.mode == after.mode && (!before.mode || rt_oid_equal(&before.id, &after.id))))
		return 0;
	if (!candidate_baseline(gate, &edited))
		return 0;
	rt_baseline_falls(&edited, &gate->raised, &above);
	refuse_lines(gate, &above, "the proposal claims more than this run showed; leave the baseline to ratchet");
	return 0;
}
