#ifndef RT_MODEL_KEYS_H
#define RT_MODEL_KEYS_H

/*
 * What a mapping in one of the user's YAML files may hold: one table of keys, which the parser, the suggestions in
 * messages and the tests that hold the JSON Schemas against the parser all read. A key says how its value is read and
 * where in the C struct it goes. Every mistake is RT_ECONFIG at the value's line and column, with the mend.
 */

#include <stddef.h>
#include <stdint.h>

#include "support/buf.h"
#include "support/err.h"
#include "support/yaml.h"

enum rt_shape {
	RT_SHAPE_TEXT,	/* a scalar that is not empty: char * */
	RT_SHAPE_LIST,	/* of such scalars: struct rt_strs */
	RT_SHAPE_GLOBS, /* a list of patterns relative to the repository's root: struct rt_strs */
	RT_SHAPE_WORD,	/* one of words: an enum, the word's index */
	RT_SHAPE_FLAG,	/* one of two words: bool, true for the second */
	RT_SHAPE_COUNT, /* a decimal number from least to most: unsigned */
	RT_SHAPE_OWN	/* read by the key's own function */
};

/* A file being read. */
struct rt_reading_of {
	const char *name; /* for messages */
	struct rt_err *err;
};

struct rt_key {
	const char *name;
	enum rt_shape shape;
	size_t offset;		  /* of the field in the struct that the mapping fills */
	const char *const *words; /* WORD and FLAG: NULL-terminated */
	unsigned least, most;	  /* COUNT */
	int (*read)(const struct rt_reading_of *file, const struct rt_yaml *value,
		    void *into); /* OWN; may be NULL: read elsewhere */
};

/* Fills into from a mapping. what names it in messages ("a check"). keys ends with a NULL name. */
int rt_keys_read(const struct rt_reading_of *file, const struct rt_key *keys, const char *what,
		 const struct rt_yaml *mapping, void *into) RT_MUST_USE;

/* -1 with RT_ECONFIG at the node. */
#define rt_fail_node(file, node, ...) rt_fail_at((file)->err, (file)->name, (node)->line, (node)->column, __VA_ARGS__)
/* 0, or the error that the node is of another type, or empty. */
int rt_keys_want(const struct rt_reading_of *file, const struct rt_yaml *node, enum rt_yaml_type type,
		 const char *what) RT_MUST_USE;
int rt_keys_list(const struct rt_reading_of *file, const struct rt_yaml *node, const char *what,
		 struct rt_strs *out) RT_MUST_USE;
int rt_keys_glob(const struct rt_reading_of *file, const struct rt_yaml *node) RT_MUST_USE;
/* A decimal number in a range. */
int rt_keys_count(const struct rt_reading_of *file, const struct rt_yaml *node, const char *what, uint64_t least,
		  uint64_t most, uint64_t *out) RT_MUST_USE;
/* Index of the scalar among the words, or -1 with the error that lists them. */
int rt_keys_word(const struct rt_reading_of *file, const struct rt_yaml *node, const char *what,
		 const char *const *words);

#endif
