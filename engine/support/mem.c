#include "support/mem.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ARENA_CHUNK (64 * 1024)
#define ARENA_LARGE (ARENA_CHUNK / 4) /* longer strings get a chunk of their own */

struct rt_arena_chunk {
	struct rt_arena_chunk *before;
	size_t size; /* of bytes */
	char bytes[];
};

static void *
present(void *p)
{
	static const char text[] = "ratchet: out of memory\n";

	if (p)
		return p;
	/* Formatted output could allocate. */
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		abort();
	abort();
}

void *
rt_alloc(size_t n, size_t size)
{
	return present(calloc(n ? n : 1, size ? size : 1));
}

void *
rt_realloc(void *p, size_t n, size_t size)
{
	return present(reallocarray(p, n ? n : 1, size ? size : 1));
}

char *
rt_strdup(const char *s)
{
	return present(strdup(s));
}

char *
rt_strndup(const char *s, size_t len)
{
	return present(strndup(s, len));
}

char *
rt_format(const char *fmt, ...)
{
	char *s;
	va_list args;
	int len;

	va_start(args, fmt);
	len = vasprintf(&s, fmt, args);
	va_end(args);
	return present(len < 0 ? NULL : s);
}

void
rt_close(int fd)
{
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
}

void *
rt_grow(void *at, size_t *cap, size_t size)
{
	size_t wanted = *cap ? *cap * 2 : 8;

	if (wanted < *cap)
		present(NULL);
	at = rt_realloc(at, wanted, size);
	*cap = wanted;
	return at;
}

static struct rt_arena_chunk *
chunk_new(size_t size)
{
	struct rt_arena_chunk *chunk;

	if (size > SIZE_MAX - sizeof(*chunk))
		present(NULL);
	chunk = present(malloc(sizeof(*chunk) + size));
	chunk->before = NULL;
	chunk->size = size;
	return chunk;
}

/* Room for size bytes; what is left in the last chunk stays in use when a large string gets a chunk of its own. */
static char *
arena_room(struct rt_arena *arena, size_t size)
{
	struct rt_arena_chunk *chunk;

	if (size > ARENA_LARGE && arena->last) {
		chunk = chunk_new(size);
		chunk->before = arena->last->before;
		arena->last->before = chunk;
		return chunk->bytes;
	}
	if (!arena->last || size > arena->left) {
		chunk = chunk_new(size > ARENA_CHUNK ? size : ARENA_CHUNK);
		chunk->before = arena->last;
		arena->last = chunk;
		arena->left = chunk->size;
	}
	arena->left -= size;
	return arena->last->bytes + (arena->last->size - arena->left - size);
}

char *
rt_arena_add(struct rt_arena *arena, const char *bytes, size_t len)
{
	char *to;

	if (len == SIZE_MAX)
		present(NULL);
	to = arena_room(arena, len + 1);
	if (len)
		memcpy(to, bytes, len);
	to[len] = '\0';
	return to;
}

void
rt_arena_release(struct rt_arena *arena)
{
	struct rt_arena_chunk *chunk, *before;

	for (chunk = arena->last; chunk; chunk = before) {
		before = chunk->before;
		free(chunk);
	}
	arena->last = NULL;
	arena->left = 0;
}
