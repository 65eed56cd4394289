#ifndef RT_SUPPORT_INDEX_H
#define RT_SUPPORT_INDEX_H

/*
 * A hash index over strings that somebody else holds: it maps a string to its position in the owner's array, 8 bytes a
 * slot. The hash is SipHash with a key drawn per process (libsodium), so that hostile ids cannot make it slow.
 */

#include <stdint.h>

#include "support/mem.h"

struct rt_index {
	struct rt_index_slot *slots;
	size_t cap, n;
	const void *owner;
	const char *(*key)(const void *owner, size_t position); /* NUL-terminated string at a position */
};

#define RT_INDEX_NONE SIZE_MAX

/* Position of the string, or RT_INDEX_NONE. */
size_t rt_index_find(const struct rt_index *index, const char *key);
/* Adds position; its key must not be present yet. Positions are below 2^32-1. */
void rt_index_add(struct rt_index *index, size_t position);
void rt_index_release(struct rt_index *index);

#endif
