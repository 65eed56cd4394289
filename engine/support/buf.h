#ifndef RT_SUPPORT_BUF_H
#define RT_SUPPORT_BUF_H

/* Growable byte strings and lists of strings. A buffer's data is always NUL-terminated and never NULL. */

#include <stdbool.h>
#include <stdint.h>

#include "support/mem.h"

struct rt_buf {
	char *data;
	size_t len, cap; /* cap 0: data is a shared empty string */
};

extern char rt_buf_empty[1];
#define RT_BUF_INIT                  \
	{                            \
		.data = rt_buf_empty \
	}

void rt_buf_add(struct rt_buf *buf, const void *bytes, size_t len);
void rt_buf_adds(struct rt_buf *buf, const char *s);
void rt_buf_addc(struct rt_buf *buf, char c);
void rt_buf_addf(struct rt_buf *buf, const char *fmt, ...) RT_PRINTF(2, 3);
/* As one word of a shell. */
void rt_buf_add_quoted(struct rt_buf *buf, const char *text);
/* Room for at least extra more bytes; data[len..] may then be written and len raised. */
void rt_buf_reserve(struct rt_buf *buf, size_t extra);
/* Length back to len (not above the present one); keeps the memory. */
void rt_buf_cut(struct rt_buf *buf, size_t len);
void rt_buf_release(struct rt_buf *buf);
/* The bytes as a string that the caller frees; the buffer is empty afterwards. */
char *rt_buf_steal(struct rt_buf *buf);
RT_DEFINE_AUTO(buf, struct rt_buf, rt_buf_release);

/* A list of owned strings. at[n] is NULL once something was added, so that at serves as an argv. Zero is empty. */
struct rt_strs {
	char **at;
	size_t n, cap;
};
void rt_strs_add(struct rt_strs *strs, const char *s);
void rt_strs_addn(struct rt_strs *strs, const char *s, size_t len);
void rt_strs_addf(struct rt_strs *strs, const char *fmt, ...) RT_PRINTF(2, 3);
bool rt_strs_has(const struct rt_strs *strs, const char *s);
/* Bytewise order. */
void rt_strs_sort(struct rt_strs *strs);
/* Removes equal neighbours; sort first. */
void rt_strs_unique(struct rt_strs *strs);
void rt_strs_release(struct rt_strs *strs);
RT_DEFINE_AUTO(strs, struct rt_strs, rt_strs_release);

bool rt_starts_with(const char *s, const char *prefix);
bool rt_ends_with(const char *s, const char *suffix);
/* Decimal, whole string, no sign: 0 or -1. */
int rt_parse_u64(const char *s, uint64_t *out) RT_MUST_USE;

#endif
