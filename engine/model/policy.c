#include "model/policy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "model/glob.h"
#include "model/id.h"
#include "model/keys.h"
#include "model/policy_parts.h"
#include "support/regex.h"
#include "support/defence.h"

enum { MODE_TYPE = 0170000, MODE_LINK = 0120000, MODE_GITLINK = 0160000 };

/* How much git looks at to call a file binary. */
enum { BINARY_WINDOW = 8000 };

void
rt_refuse(struct rt_refusals *refusals, const char *rule, const char *path, unsigned line, const char *fmt, ...)
{
	rt_auto(buf) struct rt_buf escaped = RT_BUF_INIT;
	struct rt_refusal *refusal = rt_push(refusals);
	va_list args;

	refusal->rule = rt_strdup(rule);
	refusal->line = line;
	if (path) {
		rt_id_escape(&escaped, path, strlen(path));
		refusal->path = rt_buf_steal(&escaped);
	}
	va_start(args, fmt);
	if (vasprintf(&refusal->reason, fmt, args) < 0)
		abort();
	va_end(args);
}

bool
rt_refusal_is_secret(const struct rt_refusal *refusal)
{
	return rt_starts_with(refusal->rule, "secret:");
}

void
rt_refusals_release(struct rt_refusals *refusals)
{
	for (size_t i = 0; i < refusals->n; i++) {
		free(refusals->at[i].rule);
		free(refusals->at[i].path);
		free(refusals->at[i].reason);
	}
	free(refusals->at);
	*refusals = (struct rt_refusals){0};
}

static bool
mode_allowed(const struct rt_policy *policy, uint32_t mode)
{
	char text[16];

	if (mode != 0100644 && mode != 0100755 && mode != 0120000 && (mode != 0160000 || !policy->modes.n))
		return false;
	snprintf(text, sizeof(text), "%06o", mode);
	for (size_t i = 0; i < policy->modes.n; i++)
		if (!rt_strs_has(&policy->modes.at[i], text))
			return false;
	return true;
}

static void
judge_mode(const struct rt_policy *policy, const struct rt_delta *delta, struct rt_refusals *out)
{
	uint32_t old_type = delta->old_mode & MODE_TYPE, new_type = delta->new_mode & MODE_TYPE;

	if (!mode_allowed(policy, delta->new_mode)) {
		if (new_type == MODE_GITLINK)
			rt_refuse(out, "submodule", delta->path, 0,
				  "a submodule's commit; a policy permits it by `modes` with "
				  "\"160000\"");
		else
			rt_refuse(out, "mode", delta->path, 0, "mode %06o is not permitted%s", delta->new_mode,
				  policy->modes.n ? " by `modes`" : "");
	}
	if (old_type && old_type != new_type && (policy->types_forbidden || !policy->types_allowed))
		rt_refuse(out, "mode", delta->path, 0,
			  "the type changes from %06o to %06o; a policy permits it by "
			  "`type_changes: allow`",
			  delta->old_mode, delta->new_mode);
}

static void
judge_touch(const struct rt_policy *policy, const struct rt_delta *delta, struct rt_refusals *out)
{
	for (size_t i = 0; i < policy->forbidden.n; i++)
		if (rt_glob_match(policy->forbidden.at[i], delta->path)) {
			rt_refuse(out, "forbidden", delta->path, 0, "no proposal may touch `%s`",
				  policy->forbidden.at[i]);
			break;
		}
	for (size_t i = 0; i < policy->allowed.n; i++)
		if (!rt_globs_match(&policy->allowed.at[i], delta->path)) {
			rt_refuse(out, "allowed", delta->path, 0, "outside of what a proposal may touch");
			break;
		}
	for (size_t i = 0; i < policy->signed_globs.n && !delta->signed_commit; i++)
		if (rt_glob_match(policy->signed_globs.at[i], delta->path)) {
			rt_refuse(out, "signed", delta->path, 0, "a change of `%s` needs a signed commit",
				  policy->signed_globs.at[i]);
			break;
		}
}

static void
judge_path(const struct rt_delta *delta, struct rt_refusals *out)
{
	const char *reason, *rule = rt_path_problem(delta->path, &reason);

	/* what the target holds already gets no worse by a change, but a .git that somebody smuggled in does */
	if (rule && (!delta->old_mode || !strcmp(rule, "dotgit")))
		rt_refuse(out, rule, delta->path, 0, "%s", reason);
	if (delta->created_in_existing_fold)
		rt_refuse(out, "path-collision", delta->path, 0,
			  "another path differs from it in case or Unicode "
			  "composition alone: both would be one file on some systems");
}

static bool
is_binary(const struct rt_delta *delta)
{
	if (!delta->content)
		return true;
	return memchr(delta->content, 0, delta->content_len < BINARY_WINDOW ? delta->content_len : BINARY_WINDOW);
}

static void
judge_size(const struct rt_policy *policy, const struct rt_delta *delta, struct rt_refusals *out)
{
	if (delta->new_size > policy->max_file)
		rt_refuse(out, "too-large", delta->path, 0,
			  "%" PRIu64 " bytes are more than the %" PRIu64 " that `max_file` "
			  "permits",
			  delta->new_size, policy->max_file);
	if (policy->max_binary == 0 && delta->new_size && is_binary(delta))
		rt_refuse(out, "binary", delta->path, 0, "binary content is not permitted");
	else if (delta->new_size > policy->max_binary && is_binary(delta))
		rt_refuse(out, "binary", delta->path, 0,
			  "%" PRIu64 " bytes of binary content are more than the %" PRIu64 " that `binary` permits",
			  delta->new_size, policy->max_binary);
}

static void
judge_link(const struct rt_delta *delta, struct rt_refusals *out)
{
	const char *reason, *rule;

	if (!delta->content) {
		rt_refuse(out, "symlink-target", delta->path, 0, "the target is too long");
		return;
	}
	rule = rt_link_problem(delta->path, delta->content, delta->content_len, &reason);
	if (rule)
		rt_refuse(out, rule, delta->path, 0, "%s", reason);
}

/* A path can hold a secret, and refusals are kept and shown. */
static void
redact_paths(const struct rt_policy *policy, struct rt_refusals *refusals, size_t from)
{
	for (size_t i = from; i < refusals->n; i++) {
		rt_auto(buf) struct rt_buf path = RT_BUF_INIT;
		rt_buf_adds(&path, refusals->at[i].path);
		if (rt_policy_redact(policy, &path)) {
			free(refusals->at[i].path);
			refusals->at[i].path = rt_buf_steal(&path);
		}
	}
}

static void
judge(const struct rt_policy *policy, const struct rt_delta *delta, struct rt_refusals *out)
{
	const char *name = strrchr(delta->path, '/');

	judge_touch(policy, delta, out);
	if (!delta->new_mode)
		return;
	judge_path(delta, out);
	judge_mode(policy, delta, out);
	if ((delta->new_mode & MODE_TYPE) == MODE_GITLINK)
		return;
	if ((delta->new_mode & MODE_TYPE) == MODE_LINK) {
		judge_link(delta, out);
		return;
	}
	judge_size(policy, delta, out);
	if (!strcmp(delta->path, ".gitmodules"))
		rt_gitmodules_judge(delta, out);
	if (!strcmp(name ? name + 1 : delta->path, ".gitattributes") &&
	    (policy->attributes_forbidden || !policy->attributes_allowed))
		rt_gitattributes_judge(delta, out);
}

void
rt_policy_judge(const struct rt_policy *policy, const struct rt_delta *delta, struct rt_refusals *out)
{
	size_t before = out->n;

	if (rt_defended(PATHS))
		judge(policy, delta, out);
	redact_paths(policy, out, before);
}

/* The last paragraph of a message, unless it is also the first: a subject is no trailer. */
static const char *
last_paragraph(const char *message)
{
	const char *found = NULL, *blank = message;

	while ((blank = strstr(blank, "\n\n"))) {
		blank += strspn(blank, "\n");
		if (*blank)
			found = blank;
	}
	return found;
}

static bool
has_trailer(const char *message, const char *key)
{
	size_t len = strlen(key);

	for (const char *line = last_paragraph(message); line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncasecmp(line, key, len) && line[len] == ':' &&
		    line[len + 1 + strspn(line + len + 1, " \t")] > ' ')
			return true;
	}
	return false;
}

void
rt_policy_judge_whole(const struct rt_policy *policy, size_t paths, uint64_t bytes, const char *const *messages,
		      size_t n_messages, struct rt_refusals *out)
{
	if (paths > policy->max_files)
		rt_refuse(out, "too-large", NULL, 0, "%zu paths are more than the %" PRIu64 " that `max_files` permits",
			  paths, policy->max_files);
	if (bytes > policy->max_patch)
		rt_refuse(out, "too-large", NULL, 0,
			  "%" PRIu64 " bytes of new content are more than the %" PRIu64 " that `max_patch` permits",
			  bytes, policy->max_patch);
	for (size_t i = 0; i < n_messages; i++)
		for (size_t j = 0; j < policy->trailers.n; j++)
			if (messages[i] && !has_trailer(messages[i], policy->trailers.at[j]))
				rt_refuse(out, "trailers", NULL, 0, "commit %zu of %zu lacks the trailer `%s:`", i + 1,
					  n_messages, policy->trailers.at[j]);
}

struct rt_policy *
rt_policy_new(void)
{
	struct rt_policy *policy = rt_alloc(1, sizeof(*policy));

	policy->max_file = policy->max_patch = policy->max_files = policy->max_binary = UINT64_MAX;
	policy->matcher = rt_secret_matcher_new();
	return policy;
}

const char *
rt_policy_values_file(const struct rt_policy *policy)
{
	return policy->values_file;
}

const char *
rt_policy_min_isolation(const struct rt_policy *policy)
{
	return policy->min_isolation;
}

int
rt_policy_add_value(struct rt_policy *policy, const char *value, size_t len, struct rt_err *err)
{
	/* shorter ones stand in any text by chance, and a refusal would tell where */
	if (len < 6)
		return rt_fail(err, RT_ECONFIG,
			       "a secret value of %zu bytes is too short to be looked for; use 6 or more", len);
	rt_secret_matcher_add(policy->matcher, value, len);
	return 0;
}

void
rt_policy_rules(const struct rt_policy *policy, struct rt_strs *keys)
{
	const struct {
		const char *key;
		bool asked;
	} rules[] = {
	    {"forbidden", policy->forbidden.n > 0},
	    {"allowed", policy->allowed.n > 0},
	    {"signed", policy->signed_globs.n > 0},
	    {"max_file", policy->max_file < UINT64_MAX},
	    {"max_patch", policy->max_patch < UINT64_MAX},
	    {"max_files", policy->max_files < UINT64_MAX},
	    {"binary", policy->max_binary < UINT64_MAX},
	    {"modes", policy->modes.n > 0},
	    {"trailers", policy->trailers.n > 0},
	    {"min_isolation", policy->min_isolation != NULL},
	    {"attributes", policy->attributes_forbidden},
	    {"type_changes", policy->types_forbidden},
	    {"secret:known-value", policy->values_file != NULL},
	};

	for (size_t i = 0; i < RT_COUNT(rules); i++)
		if (rules[i].asked)
			rt_strs_add(keys, rules[i].key);
	for (size_t i = 0; i < policy->patterns.n; i++)
		rt_strs_add(keys, policy->patterns.at[i].rule);
}

bool
rt_policy_rule_refused(const char *key, const char *rule, const char *reason)
{
	/* where one rule stands for several keys, the reason names the key */
	static const struct {
		const char *key, *rule, *named;
	} shared[] = {
	    {"max_file", "too-large", "`max_file`"},   {"max_patch", "too-large", "`max_patch`"},
	    {"max_files", "too-large", "`max_files`"}, {"modes", "mode", "`modes`"},
	    {"type_changes", "mode", "`type_changes"},
	};

	for (size_t i = 0; i < RT_COUNT(shared); i++)
		if (!strcmp(key, shared[i].key))
			return !strcmp(rule, shared[i].rule) && strstr(reason, shared[i].named);
	return !strcmp(key, rule);
}

void
rt_policy_free(struct rt_policy *policy)
{
	if (!policy)
		return;
	rt_strs_release(&policy->forbidden);
	rt_strs_release(&policy->signed_globs);
	rt_strs_release(&policy->trailers);
	for (size_t i = 0; i < policy->allowed.n; i++)
		rt_strs_release(&policy->allowed.at[i]);
	for (size_t i = 0; i < policy->modes.n; i++)
		rt_strs_release(&policy->modes.at[i]);
	for (size_t i = 0; i < policy->patterns.n; i++) {
		free(policy->patterns.at[i].rule);
		rt_regex_free(policy->patterns.at[i].regex);
	}
	free(policy->allowed.at);
	free(policy->modes.at);
	free(policy->patterns.at);
	free(policy->values_file);
	rt_secret_matcher_free(policy->matcher);
	free(policy);
}
