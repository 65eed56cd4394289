#ifndef RT_SUPPORT_YAML_H
#define RT_SUPPORT_YAML_H

/*
 * YAML: the adapter of libyaml. A document is read into a tree of nodes with their positions. Scalars stay text: what
 * `off` or `1.0` means is decided by the schema, not by YAML. Anchors, aliases, tags, several documents, duplicate
 * keys, more than 64 levels, 100,000 nodes or 4 MiB are refused with line, column and the mend (an unquoted `*` or `&`
 * at the start of a value: "quote a pattern that begins with *").
 */

#include <stdbool.h>

#include "support/err.h"

enum rt_yaml_type { RT_YAML_SCALAR, RT_YAML_SEQUENCE, RT_YAML_MAPPING };

struct rt_yaml {
	enum rt_yaml_type type;
	unsigned line, column;	/* from 1 */
	char *text;		/* scalar: its text */
	bool plain;		/* scalar: written without quotes */
	size_t n;		/* sequence: items; mapping: pairs */
	struct rt_yaml *keys;	/* mapping: n scalar nodes */
	struct rt_yaml *values; /* sequence or mapping: n nodes */
};

/* Parses a document. name is the file in messages. An empty document is an empty mapping. The caller frees *out. */
int rt_yaml_parse(struct rt_yaml **out, const char *bytes, size_t len, const char *name,
		  struct rt_err *err) RT_MUST_USE;
/* The value of a key of a mapping, borrowed, or NULL. */
const struct rt_yaml *rt_yaml_get(const struct rt_yaml *mapping, const char *key);
void rt_yaml_free(struct rt_yaml *node);
static inline void
rt_auto_yaml(struct rt_yaml **node)
{
	rt_yaml_free(*node);
}

#endif
