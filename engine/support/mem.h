#ifndef RT_SUPPORT_MEM_H
#define RT_SUPPORT_MEM_H

/*
 * Memory and scope cleanup.
 *
 * Allocation never returns NULL: out of memory ends the process (abort), because every operation of ratchet can be
 * killed at any instant and recovered, so there is nothing better to do than to stop.
 *
 * A local that owns something is tagged rt_auto(KIND) and initialised at its declaration; it is released when it goes
 * out of scope. Ownership is handed on with rt_steal(). Never mix goto and rt_auto in one function. Cleanup covers
 * memory and descriptors only, never what outlives the process (refs, lock files, work trees).
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#define rt_auto(kind) __attribute__((cleanup(rt_auto_##kind)))

/* Defines the cleanup function of rt_auto(kind): calls release(pointer to the variable). */
#define RT_DEFINE_AUTO(kind, type, release)        \
	static inline void rt_auto_##kind(type *p) \
	{                                          \
		release(p);                        \
	}                                          \
	struct rt_auto_semicolon_##kind

/* Takes the value out of a pointer variable, leaving NULL behind. */
#define rt_steal(p)                              \
	__extension__({                          \
		__typeof__(*(p)) stolen_ = *(p); \
		*(p) = NULL;                     \
		stolen_;                         \
	})

#define RT_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define RT_MUST_USE __attribute__((warn_unused_result))
#define RT_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Zeroed memory for n items of size bytes. The caller frees. */
void *rt_alloc(size_t n, size_t size);
/* Grows or makes p to n items of size bytes; new bytes are not cleared. */
void *rt_realloc(void *p, size_t n, size_t size);
char *rt_strdup(const char *s);
/* At most len bytes of s, NUL-terminated. */
char *rt_strndup(const char *s, size_t len);
char *rt_format(const char *fmt, ...) RT_PRINTF(1, 2);

static inline void
rt_auto_free(void *p)
{
	free(*(void **)p);
}

/* Closes a descriptor, keeping errno; -1 is ignored. */
void rt_close(int fd);
static inline void
rt_auto_fd(int *fd)
{
	rt_close(*fd);
}

/*
 * Growable array: RT_VEC(int) v = {0}; *rt_push(&v) = 1; ... free(v.at). Pointers into it are valid until the next
 * push.
 */
#define RT_VEC(type)           \
	struct {               \
		type *at;      \
		size_t n, cap; \
	}
#define rt_push(v)                                                                                       \
	((v)->n == (v)->cap ? (void)((v)->at = rt_grow((v)->at, &(v)->cap, sizeof(*(v)->at))) : (void)0, \
	 __builtin_memset(&(v)->at[(v)->n], 0, sizeof(*(v)->at)), &(v)->at[(v)->n++])
void *rt_grow(void *at, size_t *cap, size_t size);

/*
 * Arena: many small strings that live and die together. Zero-initialised is empty. Strings are NUL-terminated, their
 * addresses stable until release.
 */
struct rt_arena_chunk;
struct rt_arena {
	struct rt_arena_chunk *last;
	size_t left; /* bytes free in the last chunk */
};
char *rt_arena_add(struct rt_arena *arena, const char *bytes, size_t len);
void rt_arena_release(struct rt_arena *arena);

#endif
