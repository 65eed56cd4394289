#ifndef RT_SUPPORT_JSON_H
#define RT_SUPPORT_JSON_H

/*
 * JSON: the adapter of jansson. Values are a tree; a value handed to a container belongs to it. The canonical form has
 * sorted keys, no spaces, ASCII only (\uXXXX for the rest). Text that is not UTF-8 is written with U+FFFD in place of
 * each bad byte, never refused.
 */

#include <stdbool.h>
#include <stdint.h>

#include "support/buf.h"
#include "support/err.h"

struct rt_json; /* opaque: a jansson value */

enum rt_json_type {
	RT_JSON_NULL,
	RT_JSON_BOOL,
	RT_JSON_INT,
	RT_JSON_REAL,
	RT_JSON_STRING,
	RT_JSON_ARRAY,
	RT_JSON_OBJECT
};

/*
 * Parses one value; bytes after it are an error. name is the file of err (with line and column), whose code is
 * RT_EUNKNOWN. Duplicate keys, text that is not UTF-8, integers beyond 64 bits, reals beyond a double and more than
 * 2,048 levels are refused. A NUL in a string (\u0000) is read as U+FFFD, since a C string would end there; in a key it
 * is refused.
 */
int rt_json_parse(struct rt_json **out, const char *bytes, size_t len, const char *name,
		  struct rt_err *err) RT_MUST_USE;
/* As above, but stops after the value and says in *used how many bytes it took, leading white space included. */
int rt_json_parse_some(struct rt_json **out, const char *bytes, size_t len, size_t *used, const char *name,
		       struct rt_err *err) RT_MUST_USE;
/* A deep copy, the caller's. */
struct rt_json *rt_json_copy(const struct rt_json *value);
void rt_json_free(struct rt_json *value);
static inline void
rt_auto_json(struct rt_json **value)
{
	rt_json_free(*value);
}

/* Reading. Every getter accepts NULL and values of another type, and then gives its default. */
enum rt_json_type rt_json_type(const struct rt_json *value);		    /* NULL: RT_JSON_NULL */
struct rt_json *rt_json_get(const struct rt_json *object, const char *key); /* borrowed, or NULL */
struct rt_json *rt_json_at(const struct rt_json *array, size_t i);	    /* borrowed, or NULL */
size_t rt_json_count(const struct rt_json *value);			    /* of an array or object */
/* RFC 6901 pointer; borrowed, or NULL. */
struct rt_json *rt_json_pointer(const struct rt_json *value, const char *pointer);
const char *rt_json_string(const struct rt_json *value); /* borrowed, or NULL */
int64_t rt_json_int(const struct rt_json *value, int64_t otherwise);
bool rt_json_bool(const struct rt_json *value, bool otherwise);
const char *rt_json_get_string(const struct rt_json *object, const char *key); /* borrowed, or NULL */
int64_t rt_json_get_int(const struct rt_json *object, const char *key, int64_t otherwise);
bool rt_json_get_bool(const struct rt_json *object, const char *key, bool otherwise);
/* True for integers and reals. */
bool rt_json_number(const struct rt_json *value, double *out);
/* Calls each(key, value) for the members of an object, in insertion order; stops at the first non-zero return. */
int rt_json_each(const struct rt_json *object, int (*each)(void *data, const char *key, struct rt_json *value),
		 void *data);

/* Building. */
struct rt_json *rt_json_new_object(void);
struct rt_json *rt_json_new_array(void);
struct rt_json *rt_json_new_string(const char *s); /* NULL gives null */
struct rt_json *rt_json_new_int(int64_t n);
struct rt_json *rt_json_new_real(double x); /* not finite gives null */
/* Setters take over the value; NULL gives null. A key that is there is replaced. */
void rt_json_set(struct rt_json *object, const char *key, struct rt_json *value);
void rt_json_set_string(struct rt_json *object, const char *key, const char *s); /* NULL gives null */
void rt_json_set_int(struct rt_json *object, const char *key, int64_t n);
void rt_json_set_real(struct rt_json *object, const char *key, double x); /* not finite gives null */
void rt_json_set_bool(struct rt_json *object, const char *key, bool b);
void rt_json_set_null(struct rt_json *object, const char *key);
void rt_json_append(struct rt_json *array, struct rt_json *value);
/* Canonical: sorted keys, no spaces, ASCII. */
void rt_json_write(const struct rt_json *value, struct rt_buf *out);
/* For people: insertion order, indented by two. */
void rt_json_write_pretty(const struct rt_json *value, struct rt_buf *out);

#endif
