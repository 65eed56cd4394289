#include "support/buf.h"

#include <stdio.h>
#include <string.h>

#include "support/err.h"

char rt_buf_empty[1];

void
rt_buf_reserve(struct rt_buf *buf, size_t extra)
{
	size_t wanted, cap;

	if (extra >= SIZE_MAX / 2 - buf->len)
		rt_bug("a buffer of %zu bytes can't take %zu more", buf->len, extra);
	wanted = buf->len + extra + 1;
	if (wanted <= buf->cap)
		return;
	cap = buf->cap ? buf->cap : 32;
	while (cap < wanted)
		cap *= 2;
	buf->data = rt_realloc(buf->cap ? buf->data : NULL, cap, 1);
	buf->data[buf->len] = '\0';
	buf->cap = cap;
}

void
rt_buf_add(struct rt_buf *buf, const void *bytes, size_t len)
{
	if (!len)
		return;
	rt_buf_reserve(buf, len);
	memcpy(buf->data + buf->len, bytes, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void
rt_buf_adds(struct rt_buf *buf, const char *s)
{
	rt_buf_add(buf, s, strlen(s));
}

void
rt_buf_addc(struct rt_buf *buf, char c)
{
	rt_buf_add(buf, &c, 1);
}

/* Tries what room there is, and again with enough. */
static void RT_PRINTF(2, 0) add_formatted(struct rt_buf *buf, const char *fmt, va_list args)
{
	va_list again;
	int len;

	rt_buf_reserve(buf, 64);
	va_copy(again, args);
	len = vsnprintf(buf->data + buf->len, buf->cap - buf->len, fmt, args);
	if (len >= 0 && (size_t)len >= buf->cap - buf->len) {
		rt_buf_reserve(buf, (size_t)len);
		len = vsnprintf(buf->data + buf->len, buf->cap - buf->len, fmt, again);
	}
	va_end(again);
	if (len < 0)
		rt_bug("can't format \"%s\"", fmt);
	buf->len += (size_t)len;
}

void
rt_buf_addf(struct rt_buf *buf, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add_formatted(buf, fmt, args);
	va_end(args);
}

void
rt_buf_add_quoted(struct rt_buf *buf, const char *text)
{
	rt_buf_addc(buf, '\'');
	for (; *text; text++)
		if (*text == '\'')
			rt_buf_adds(buf, "'\\''");
		else
			rt_buf_addc(buf, *text);
	rt_buf_addc(buf, '\'');
}

void
rt_buf_cut(struct rt_buf *buf, size_t len)
{
	if (len > buf->len)
		rt_bug("a buffer of %zu bytes can't be cut to %zu", buf->len, len);
	buf->len = len;
	if (buf->cap)
		buf->data[len] = '\0';
}

void
rt_buf_release(struct rt_buf *buf)
{
	if (buf->cap)
		free(buf->data);
	*buf = (struct rt_buf)RT_BUF_INIT;
}

char *
rt_buf_steal(struct rt_buf *buf)
{
	char *s = buf->cap ? buf->data : rt_strdup("");

	*buf = (struct rt_buf)RT_BUF_INIT;
	return s;
}

/* Takes over s. */
static void
add_owned(struct rt_strs *strs, char *s)
{
	if (strs->n + 1 >= strs->cap)
		strs->at = rt_grow(strs->at, &strs->cap, sizeof(*strs->at));
	strs->at[strs->n++] = s;
	strs->at[strs->n] = NULL;
}

void
rt_strs_add(struct rt_strs *strs, const char *s)
{
	add_owned(strs, rt_strdup(s));
}

void
rt_strs_addn(struct rt_strs *strs, const char *s, size_t len)
{
	add_owned(strs, rt_strndup(s, len));
}

void
rt_strs_addf(struct rt_strs *strs, const char *fmt, ...)
{
	struct rt_buf buf = RT_BUF_INIT;
	va_list args;

	va_start(args, fmt);
	add_formatted(&buf, fmt, args);
	va_end(args);
	add_owned(strs, rt_buf_steal(&buf));
}

bool
rt_strs_has(const struct rt_strs *strs, const char *s)
{
	size_t i;

	for (i = 0; i < strs->n; i++)
		if (!strcmp(strs->at[i], s))
			return true;
	return false;
}

static int
bytewise(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void
rt_strs_sort(struct rt_strs *strs)
{
	if (strs->n > 1)
		qsort(strs->at, strs->n, sizeof(*strs->at), bytewise);
}

void
rt_strs_unique(struct rt_strs *strs)
{
	size_t from, to = 0;

	if (!strs->n)
		return;
	for (from = 1; from < strs->n; from++) {
		if (strcmp(strs->at[to], strs->at[from]))
			strs->at[++to] = strs->at[from];
		else
			free(strs->at[from]);
	}
	strs->n = to + 1;
	strs->at[strs->n] = NULL;
}

void
rt_strs_release(struct rt_strs *strs)
{
	size_t i;

	for (i = 0; i < strs->n; i++)
		free(strs->at[i]);
	free(strs->at);
	*strs = (struct rt_strs){0};
}

bool
rt_starts_with(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

bool
rt_ends_with(const char *s, const char *suffix)
{
	size_t len = strlen(s), want = strlen(suffix);

	return len >= want && !memcmp(s + len - want, suffix, want);
}

int
rt_parse_u64(const char *s, uint64_t *out)
{
	uint64_t n = 0;
	const char *c;

	if (!*s)
		return -1;
	for (c = s; *c; c++) {
		if (*c < '0' || *c > '9')
			return -1;
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (uint64_t)(*c - '0'), &n))
			return -1;
	}
	*out = n;
	return 0;
}
