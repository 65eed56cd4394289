#ifndef RT_MODEL_POLICY_H
#define RT_MODEL_POLICY_H

/*
 * Policies (the .yml files of the policies folder, but waivers.yml): judged on the difference of the resulting tree,
 * never on patch text. A refusal names rule, path and line. Some rules always hold, with no file at all: paths that are
 * unsafe on some system git runs on (any spelling of .git, control bytes, backslash, Windows device names, trailing dot
 * or space), symlinks that leave the tree, gitlinks (unless `modes` names 160000) and unsafe .gitmodules, changes of
 * type, case-fold collisions among the paths that the proposal creates.
 *
 *     forbidden: [vendor, "*.pem"]      # globs that no proposal may touch
 *     allowed: [src, tests]             # if given, nothing else may be touched
 *     signed: [ci]                      # a change needs a signed commit
 *     max_file: 1MiB                    # size of a file after the change
 *     max_patch: 10MiB                  # sum of sizes of the new contents
 *     max_files: 5000                   # how many paths one proposal may touch
 *     binary: forbid | allow            # or a size: the largest binary file
 *     modes: ["100644", "100755", "120000"]
 *     trailers: [Signed-off-by]         # each commit message must have them
 *     min_isolation: namespaces | landlock
 *     attributes: forbid | allow        # .gitattributes that name filters, drivers or encodings
 *     type_changes: forbid | allow      # a file becomes a symlink, or the reverse
 *     secrets:
 *       values_file: /etc/ratchet/secrets   # exact values, one a line; read by the engine
 *       patterns: {acme-key: 'ACME-[0-9a-f]{32}'}
 *
 * attributes and type_changes are forbidden unless a file allows them and none forbids them.
 *
 * Rules in refusals: path-escape, path-syntax, path-name, path-collision, dotgit, symlink-target, mode, submodule,
 * attributes, too-large, binary, forbidden, allowed, signed, trailers, secret:NAME.
 */

#include <stdbool.h>
#include <stdint.h>

#include "support/buf.h"
#include "support/err.h"

struct rt_policy; /* the join of all policy files: the strictest of each */
struct rt_key;
/* The keys of a policy file and of its `secrets`; each ends with a NULL name. docs/policy.schema.json is held against
 * them. */
enum rt_policy_part { RT_POLICY_TOP, RT_POLICY_SECRETS };
const struct rt_key *rt_policy_keys(enum rt_policy_part part);

struct rt_refusal {
	char *rule, *path; /* path may be NULL */
	unsigned line;	   /* 0: none */
	char *reason;
};
struct rt_refusals {
	struct rt_refusal *at;
	size_t n, cap;
};
void rt_refuse(struct rt_refusals *refusals, const char *rule, const char *path, unsigned line, const char *fmt, ...)
    RT_PRINTF(5, 6);
/* True for the rules secret:NAME: nothing else of such a proposal may be kept or shown. */
bool rt_refusal_is_secret(const struct rt_refusal *refusal);
void rt_refusals_release(struct rt_refusals *refusals);
RT_DEFINE_AUTO(refusals, struct rt_refusals, rt_refusals_release);

/* An empty policy: only what always holds. */
struct rt_policy *rt_policy_new(void);
/* Adds one file's rules. */
int rt_policy_parse(struct rt_policy *policy, const char *bytes, size_t len, const char *name,
		    struct rt_err *err) RT_MUST_USE;
/* The file of exact secret values that the operator names, or NULL. The caller reads it and hands its lines in; values
 * under 6 bytes are refused. */
const char *rt_policy_values_file(const struct rt_policy *policy);
int rt_policy_add_value(struct rt_policy *policy, const char *value, size_t len, struct rt_err *err) RT_MUST_USE;
/* Adds the keys by which the files ask for something that can refuse: "max_file", "min_isolation", "secret:acme-key". A
 * key whose value only permits (`attributes: allow`) is none. */
void rt_policy_rules(const struct rt_policy *policy, struct rt_strs *keys);
/* True if a refusal of that rule with that reason is what such a key asked for. */
bool rt_policy_rule_refused(const char *key, const char *rule, const char *reason);
/* "namespaces", "landlock" or NULL. */
const char *rt_policy_min_isolation(const struct rt_policy *policy);
void rt_policy_free(struct rt_policy *policy);

/*
 * The rule that a path breaks on its own (path-escape, path-syntax, path-name, dotgit, too-large), or NULL for a sound
 * one; reason (may be NULL) gets a sentence. Paths that the base has already are not judged by it, but for dotgit.
 */
const char *rt_path_problem(const char *path, const char **reason);
/* The rule of a symlink at path with that target (symlink-target, dotgit), or NULL. */
const char *rt_link_problem(const char *path, const char *target, size_t len, const char **reason);

/* One path that differs between base and candidate. */
struct rt_delta {
	const char *path;
	uint32_t old_mode, new_mode; /* git's modes; 0: not there */
	uint64_t new_size;	     /* of the blob */
	/* the new content, or NULL when it was not loaded (larger than 16 MiB); for a symlink the link's text */
	const char *content;
	size_t content_len;
	bool signed_commit;	       /* the commits that touch it carry a valid signature */
	bool created_in_existing_fold; /* its path folds (case, NFC) to another path of the new tree */
};

/* Judges one delta; call for each. */
void rt_policy_judge(const struct rt_policy *policy, const struct rt_delta *delta, struct rt_refusals *out);
/* Judges the whole: number of paths, sum of sizes, and each commit message (trailers); NULL is a merge, whose message
 * git or a forge wrote. */
void rt_policy_judge_whole(const struct rt_policy *policy, size_t paths, uint64_t bytes, const char *const *messages,
			   size_t n_messages, struct rt_refusals *out);

/*
 * Secrets: exact values (also base64, hex, url and JSON forms, and split by quotes, colours or line ends), private-key
 * blocks, the common key families (AWS, GitHub, GitLab, Slack, Google, Stripe, npm, PyPI, OpenAI, Anthropic, JWT, ...),
 * the operator's patterns. The refusals give rule, path and line, never the value; a path that holds the secret itself
 * is redacted. No comment in the text covers a secret.
 *
 * Every line counts: for a commit's message, its author, any text.
 */
void rt_policy_scan(const struct rt_policy *policy, const char *name, const char *bytes, size_t len,
		    struct rt_refusals *out);
/*
 * For a file of a tree: as above, even for a file that looks like a diff, except that what its old content (NULL:
 * none) holds already is no refusal.
 */
void rt_policy_scan_change(const struct rt_policy *policy, const char *path, const char *old, size_t old_len,
			   const char *bytes, size_t len, struct rt_refusals *out);
/*
 * For a raw proposal alone: bytes that are a diff (name ends with .patch or .diff, or they look like one) are read as
 * one. The path is that of the +++ header above, the line that of the new file; context and removed lines do not count.
 * A message or a file that looks like a diff could hide a secret in such lines, so these go through the functions
 * above.
 */
void rt_policy_scan_patch(const struct rt_policy *policy, const char *name, const char *bytes, size_t len,
			  struct rt_refusals *out);
/* Replaces every secret in text by `[redacted: RULE]`; returns how many. Redact before cutting a text: half a secret is
 * not recognised. */
size_t rt_policy_redact(const struct rt_policy *policy, struct rt_buf *text);

#endif
