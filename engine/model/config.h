#ifndef RT_MODEL_CONFIG_H
#define RT_MODEL_CONFIG_H

/*
 * ratchet.yml (design section 4): the matrix as the user wrote it. Parsed from bytes, no disk. Every mistake is
 * RT_ECONFIG with file, line, column and the mend: unknown keys (with the nearest known one), wrong types, bad names,
 * needs that do not exist or form a cycle, axes that are not declared, a `prepare` without inputs and `network: host`,
 * and so on.
 */

#include <stdbool.h>
#include <stdint.h>

#include "support/buf.h"
#include "support/err.h"

enum rt_isolation_mode { RT_ISOLATION_AUTO, RT_ISOLATION_STRICT, RT_ISOLATION_NONE };
enum rt_network { RT_NETWORK_LOOPBACK, RT_NETWORK_NONE, RT_NETWORK_HOST };
enum rt_kind { RT_KIND_CASES, RT_KIND_METRIC, RT_KIND_FINDINGS, RT_KIND_PREPARE };
enum rt_guard { RT_GUARD_REPORT, RT_GUARD_REFUSE };

struct rt_axis {
	char *name;
	struct rt_strs values;
};

/* name=value pairs in the order written: axes of an exclude, env. */
struct rt_pair {
	char *name, *value;
};
struct rt_pairs {
	struct rt_pair *at;
	size_t n, cap;
};

/* What of a command's output is its report. */
enum rt_streams { RT_STREAMS_NONE, RT_STREAMS_OUT = 1, RT_STREAMS_ERR = 2, RT_STREAMS_BOTH = 3 };

/* Where a check's evidence is. */
struct rt_report_spec {
	char *format; /* "exit", "junit", "tap", ... or a preset ("pytest"); never NULL */
	/*
	 * {FORMAT: stdout} or {FORMAT: stderr}; always standard output for regex and json without a file. Of a compiler
	 * both are, because it warns on standard error, and the builder that calls it passes that on to either.
	 */
	enum rt_streams streams;
	char *path;    /* {FORMAT: PATH}: a glob in the workspace; NULL: the {{report}} file, or the preset's place */
	char *pattern; /* regex: the expression; json: the pointer (may be "", the whole document) */
};

struct rt_check {
	char *name;
	enum rt_kind kind;
	struct rt_strs argv; /* run, as a list: executed directly; */
	char *shell;	     /* or as a shell command; exactly one of them is set */
	struct rt_report_spec report;
	struct rt_strs needs;  /* names of checks */
	struct rt_strs axes;   /* names of axes that multiply it, those of its needs included, bytewise order */
	struct rt_strs inputs; /* globs; empty: the whole tree */
	bool has_inputs;
	struct rt_pairs env;
	int64_t timeout_ms, silence_ms; /* silence 0: off */
	uint64_t min_cases;		/* default 1; 0 for metric, findings and prepare */
	enum rt_network network;
	bool fast, nested;
	unsigned git;	    /* generations of history in the cell's own repository, what it needs included; 0: none */
	bool warm;	    /* workspace: warm */
	bool confirm_clean; /* confirm: clean: what a warm workspace says is confirmed in a clean one */
	bool untrusted_inputs;	  /* untrusted_inputs: allow */
	char *was;		  /* NULL, or the check's former name */
	struct rt_pairs was_axes; /* {axis: former value or name}; see rt_plan_carry() */
	char *rerun;		  /* a shell command with {{case}}, or NULL */
	/* metric */
	bool higher_better;
	double margin;	  /* a share: 0.005 for 0.5% */
	unsigned samples; /* at least 1 */
	double budget;	  /* a share that may be lost since `anchor`, over any number of changes; 0: none */
	char *anchor;	  /* a revision of the repository; NULL without a budget */
	struct rt_strs record_on;
	unsigned line, column; /* where it stands */
};

struct rt_config {
	char *name;   /* of the file, for messages */
	char *target; /* a branch name without refs/heads/, or NULL */
	char *dir;    /* ".ratchet", "." ; no slash at the end */
	enum rt_isolation_mode isolation;
	unsigned jobs; /* 0: the processors */
	enum rt_guard guard;
	unsigned probation;	/* at least 1 */
	bool assertions_strict; /* assertions: strict: any fall of a case's assertion count is a regression */
	bool support_strict;	/* support_changes: strict */
	bool no_submodules;	/* submodules: none */
	struct rt_strs support, watch, tools, caches;
	RT_VEC(struct rt_axis) axes;
	RT_VEC(struct rt_pairs) exclude;
	RT_VEC(struct rt_check) checks;
};
#define RT_CONFIG_INIT \
	{              \
		0      \
	}

/* The keys of ratchet.yml: one table for each kind of mapping, ending with a NULL name. docs/ratchet.schema.json is
 * held against them. */
enum rt_config_part { RT_CONFIG_TOP, RT_CONFIG_CHECK, RT_CONFIG_JSON };
struct rt_key;
const struct rt_key *rt_config_keys(enum rt_config_part part);

int rt_config_parse(struct rt_config *config, const char *bytes, size_t len, const char *name,
		    struct rt_err *err) RT_MUST_USE;
const struct rt_check *rt_config_check(const struct rt_config *config, const char *name);
/* "x/y" below the folder that dir names: out gets ".ratchet/x/y", or "x/y" where dir is ".". */
void rt_config_path(const struct rt_config *config, const char *below, struct rt_buf *out);
/* True for ratchet.yml and everything in the policies and baseline folders: the trusted inputs. */
bool rt_config_trusted(const struct rt_config *config, const char *path);
bool rt_config_in_baseline(const struct rt_config *config, const char *path);
void rt_config_release(struct rt_config *config);
RT_DEFINE_AUTO(config, struct rt_config, rt_config_release);

#endif
