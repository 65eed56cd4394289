#include "support/json.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* struct rt_json is never defined: its pointers are jansson's. */
static json_t *
in(const struct rt_json *value)
{
	return (json_t *)(uintptr_t)value;
}

static struct rt_json *
out_of(json_t *value)
{
	return (struct rt_json *)value;
}

/* jansson gives NULL for lack of memory, and for misuse that the callers below rule out. */
static struct rt_json *
made(json_t *value)
{
	if (!value)
		rt_bug("jansson made no value");
	return out_of(value);
}

/* Bytes of the UTF-8 character at s, of which left bytes are there; 0 when it is none. */
static size_t
utf8_len(const unsigned char *s, size_t left)
{
	size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
	size_t i;

	if (!len || len > left)
		return 0;
	for (i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, beyond U+10FFFF: told by the second byte. */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

/* Appends bytes with U+FFFD in place of each byte that is no UTF-8, and of each NUL. */
static void
add_clean(struct rt_buf *out, const char *bytes, size_t left)
{
	size_t len;

	for (; left; bytes += len, left -= len) {
		len = *bytes ? utf8_len((const unsigned char *)bytes, left) : 0;
		if (len)
			rt_buf_add(out, bytes, len);
		else
			rt_buf_adds(out, "\xef\xbf\xbd");
		len = len ? len : 1;
	}
}

/* Strings are read as C strings: an escaped NUL would cut them off, and two ids could become one. */
static void
replace_nuls(json_t *value)
{
	size_t i;
	const char *key;
	json_t *item;

	if (json_is_string(value) && strlen(json_string_value(value)) != json_string_length(value)) {
		rt_auto(buf) struct rt_buf clean = RT_BUF_INIT;

		add_clean(&clean, json_string_value(value), json_string_length(value));
		json_string_setn(value, clean.data, clean.len);
	}
	json_array_foreach(value, i, item) replace_nuls(item);
	json_object_foreach(value, key, item) replace_nuls(item);
}

static int
parse(struct rt_json **out, const char *bytes, size_t len, size_t flags, size_t *used, const char *name,
      struct rt_err *err)
{
	json_error_t problem;
	json_t *value;

	value = json_loadb(bytes, len, flags | JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &problem);
	if (!value) {
		rt_fail_at(err, name, problem.line > 0 ? (unsigned)problem.line : 0,
			   problem.column > 0 ? (unsigned)problem.column : 0, "not JSON: %s", problem.text);
		if (err)
			err->code = RT_EUNKNOWN;
		return -1;
	}
	if (used)
		*used = (size_t)problem.position;
	if (memmem(bytes, len, "\\u0000", 6))
		replace_nuls(value);
	*out = out_of(value);
	return 0;
}

int
rt_json_parse(struct rt_json **out, const char *bytes, size_t len, const char *name, struct rt_err *err)
{
	return parse(out, bytes, len, 0, NULL, name, err);
}

int
rt_json_parse_some(struct rt_json **out, const char *bytes, size_t len, size_t *used, const char *name,
		   struct rt_err *err)
{
	return parse(out, bytes, len, JSON_DISABLE_EOF_CHECK, used, name, err);
}

struct rt_json *
rt_json_copy(const struct rt_json *value)
{
	return made(json_deep_copy(in(value)));
}

void
rt_json_free(struct rt_json *value)
{
	json_decref(in(value));
}

enum rt_json_type
rt_json_type(const struct rt_json *value)
{
	if (!value)
		return RT_JSON_NULL;
	switch (json_typeof(in(value))) {
	case JSON_OBJECT:
		return RT_JSON_OBJECT;
	case JSON_ARRAY:
		return RT_JSON_ARRAY;
	case JSON_STRING:
		return RT_JSON_STRING;
	case JSON_INTEGER:
		return RT_JSON_INT;
	case JSON_REAL:
		return RT_JSON_REAL;
	case JSON_TRUE:
	case JSON_FALSE:
		return RT_JSON_BOOL;
	case JSON_NULL:
		break;
	}
	return RT_JSON_NULL;
}

struct rt_json *
rt_json_get(const struct rt_json *object, const char *key)
{
	return out_of(json_object_get(in(object), key));
}

struct rt_json *
rt_json_at(const struct rt_json *array, size_t i)
{
	return out_of(json_array_get(in(array), i));
}

size_t
rt_json_count(const struct rt_json *value)
{
	return json_is_array(in(value)) ? json_array_size(in(value)) : json_object_size(in(value));
}

/* The index that a token of a pointer says: decimal without leading zeros, else SIZE_MAX. */
static size_t
index_of(const char *token)
{
	uint64_t i;

	if ((token[0] == '0' && token[1]) || rt_parse_u64(token, &i) || i > SIZE_MAX)
		return SIZE_MAX;
	return (size_t)i;
}

/* Undoes ~1 and ~0; anything else after ~ is no pointer. */
static int
unescape(struct rt_buf *token, const char *from, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (from[i] != '~') {
			rt_buf_addc(token, from[i]);
			continue;
		}
		if (++i == len || (from[i] != '0' && from[i] != '1'))
			return -1;
		rt_buf_addc(token, from[i] == '0' ? '~' : '/');
	}
	return 0;
}

struct rt_json *
rt_json_pointer(const struct rt_json *value, const char *pointer)
{
	rt_auto(buf) struct rt_buf token = RT_BUF_INIT;
	json_t *at = in(value);
	size_t len;

	for (; at && *pointer; pointer += len) {
		if (*pointer++ != '/')
			return NULL;
		len = strcspn(pointer, "/");
		rt_buf_cut(&token, 0);
		if (unescape(&token, pointer, len))
			return NULL;
		at = json_is_array(at) ? json_array_get(at, index_of(token.data)) : json_object_get(at, token.data);
	}
	return out_of(at);
}

const char *
rt_json_string(const struct rt_json *value)
{
	return json_string_value(in(value));
}

int64_t
rt_json_int(const struct rt_json *value, int64_t otherwise)
{
	return json_is_integer(in(value)) ? json_integer_value(in(value)) : otherwise;
}

bool
rt_json_bool(const struct rt_json *value, bool otherwise)
{
	return json_is_boolean(in(value)) ? json_is_true(in(value)) : otherwise;
}

const char *
rt_json_get_string(const struct rt_json *object, const char *key)
{
	return rt_json_string(rt_json_get(object, key));
}

int64_t
rt_json_get_int(const struct rt_json *object, const char *key, int64_t otherwise)
{
	return rt_json_int(rt_json_get(object, key), otherwise);
}

bool
rt_json_get_bool(const struct rt_json *object, const char *key, bool otherwise)
{
	return rt_json_bool(rt_json_get(object, key), otherwise);
}

bool
rt_json_number(const struct rt_json *value, double *out)
{
	if (!json_is_number(in(value)))
		return false;
	*out = json_number_value(in(value));
	return true;
}

int
rt_json_each(const struct rt_json *object, int (*each)(void *data, const char *key, struct rt_json *value), void *data)
{
	const char *key;
	json_t *value;
	int result;

	json_object_foreach(in(object), key, value)
	{
		result = each(data, key, out_of(value));
		if (result)
			return result;
	}
	return 0;
}

struct rt_json *
rt_json_new_object(void)
{
	return made(json_object());
}

struct rt_json *
rt_json_new_array(void)
{
	return made(json_array());
}

struct rt_json *
rt_json_new_string(const char *s)
{
	rt_auto(buf) struct rt_buf clean = RT_BUF_INIT;
	json_t *value;

	if (!s)
		return made(json_null());
	value = json_string(s);
	if (value)
		return out_of(value);
	add_clean(&clean, s, strlen(s));
	return made(json_stringn(clean.data, clean.len));
}

struct rt_json *
rt_json_new_int(int64_t n)
{
	return made(json_integer(n));
}

void
rt_json_set(struct rt_json *object, const char *key, struct rt_json *value)
{
	rt_auto(buf) struct rt_buf clean = RT_BUF_INIT;

	add_clean(&clean, key, strlen(key));
	if (json_object_set_new(in(object), clean.data, value ? in(value) : json_null()))
		rt_bug("can't set \"%s\": not in an object, or in itself", key);
}

void
rt_json_set_string(struct rt_json *object, const char *key, const char *s)
{
	rt_json_set(object, key, rt_json_new_string(s));
}

void
rt_json_set_int(struct rt_json *object, const char *key, int64_t n)
{
	rt_json_set(object, key, rt_json_new_int(n));
}

struct rt_json *
rt_json_new_real(double x)
{
	return isfinite(x) ? made(json_real(x)) : NULL;
}

void
rt_json_set_real(struct rt_json *object, const char *key, double x)
{
	rt_json_set(object, key, isfinite(x) ? made(json_real(x)) : NULL);
}

void
rt_json_set_bool(struct rt_json *object, const char *key, bool b)
{
	rt_json_set(object, key, made(json_boolean(b)));
}

void
rt_json_set_null(struct rt_json *object, const char *key)
{
	rt_json_set(object, key, NULL);
}

void
rt_json_append(struct rt_json *array, struct rt_json *value)
{
	if (json_array_append_new(in(array), value ? in(value) : json_null()))
		rt_bug("can't append: not to an array, or to itself");
}
