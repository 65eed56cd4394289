#ifndef RT_MODEL_POLICY_PARTS_H
#define RT_MODEL_POLICY_PARTS_H

/* What the files of the policy share among themselves. */

#include "model/policy.h"

struct rt_regex;

/* An operator's pattern. */
struct rt_secret_pattern {
	char *rule; /* "secret:NAME" */
	struct rt_regex *regex;
};

/* The exact values and key families, compiled for one pass over the bytes; see secrets.c. */
struct rt_secret_matcher;

struct rt_policy {
	struct rt_strs forbidden, signed_globs, trailers;
	RT_VEC(struct rt_strs) allowed; /* one list for each file that has one: a path must match all of them */
	RT_VEC(struct rt_strs) modes;	/* likewise */
	uint64_t max_file, max_patch, max_files, max_binary; /* UINT64_MAX: no limit */
	bool attributes_allowed, attributes_forbidden;	     /* said by some file; forbidden wins */
	bool types_allowed, types_forbidden;
	const char *min_isolation; /* static, or NULL */
	char *values_file;
	struct rt_secret_matcher *matcher;
	RT_VEC(struct rt_secret_pattern) patterns;
};

/* Contents that git itself acts on: adds refusals for what is unsafe in them. */
void rt_gitmodules_judge(const struct rt_delta *delta, struct rt_refusals *out);
void rt_gitattributes_judge(const struct rt_delta *delta, struct rt_refusals *out);
/* ".gitmodules", ".gitattributes", ".gitignore" or ".mailmap" when the component is an odd spelling of it (HFS, NTFS,
 * case), ".git" for any spelling of that; else NULL. */
const char *rt_dotgit_spelling(const char *component, size_t len);

struct rt_secret_hit {
	size_t start, end;
	const char *rule; /* "secret:NAME"; borrowed from the policy or static */
};
struct rt_secret_hits {
	struct rt_secret_hit *at;
	size_t n, cap;
};
struct rt_secret_matcher *rt_secret_matcher_new(void);
void rt_secret_matcher_free(struct rt_secret_matcher *matcher);
/* All encodings of one exact value. */
void rt_secret_matcher_add(struct rt_secret_matcher *matcher, const char *value, size_t len);
/* All secrets in bytes, sorted by start, overlapping ones of any rule merged. */
void rt_secret_find(const struct rt_policy *policy, const char *bytes, size_t len, struct rt_secret_hits *hits);

/* secret_families.c: the families' literal prefixes and what must follow. */
struct rt_secret_family {
	const char *rule;
	const char *prefix;
	/* Length of the secret from its prefix on (which stands at `at`, in bytes that end at len), or 0 when it is
	 * none. */
	size_t (*match)(const struct rt_secret_family *family, const char *bytes, size_t len, size_t at);
	const char *charset; /* a class of secret_families.c */
	unsigned least;	     /* characters after the prefix */
};
extern const struct rt_secret_family rt_secret_families[]; /* ends with a NULL rule */

#endif
