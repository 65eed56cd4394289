#include "support/index.h"

#include <stdint.h>
#include <string.h>

#include "support/digest.h"
#include "support/err.h"

#define FREE UINT32_MAX

struct rt_index_slot {
	uint32_t hash;	   /* low half of the key's hash: growing needs no key, and most misses need no comparison */
	uint32_t position; /* FREE: empty */
};

static uint32_t
hash_of(const char *key)
{
	return (uint32_t)rt_hash(key, strlen(key));
}

size_t
rt_index_find(const struct rt_index *index, const char *key)
{
	uint32_t hash;
	size_t i;

	if (!index->n)
		return RT_INDEX_NONE;
	hash = hash_of(key);
	for (i = hash & (index->cap - 1); index->slots[i].position != FREE; i = (i + 1) & (index->cap - 1)) {
		const struct rt_index_slot *slot = &index->slots[i];

		if (slot->hash == hash && !strcmp(index->key(index->owner, slot->position), key))
			return slot->position;
	}
	return RT_INDEX_NONE;
}

static void
place(struct rt_index_slot *slots, size_t cap, struct rt_index_slot slot)
{
	size_t i = slot.hash & (cap - 1);

	while (slots[i].position != FREE)
		i = (i + 1) & (cap - 1);
	slots[i] = slot;
}

/* The capacity stays a power of two, and a quarter of it free, so that probing ends. */
static void
make_room(struct rt_index *index)
{
	struct rt_index_slot *slots;
	size_t i, cap = index->cap ? index->cap * 2 : 16;

	if (index->n + 1 <= index->cap / 4 * 3)
		return;
	slots = rt_realloc(NULL, cap, sizeof(*slots));
	memset(slots, 0xff, cap * sizeof(*slots));
	for (i = 0; i < index->cap; i++)
		if (index->slots[i].position != FREE)
			place(slots, cap, index->slots[i]);
	free(index->slots);
	index->slots = slots;
	index->cap = cap;
}

void
rt_index_add(struct rt_index *index, size_t position)
{
	struct rt_index_slot slot;

	if (position >= FREE)
		rt_bug("index position %zu is out of range", position);
	make_room(index);
	slot.hash = hash_of(index->key(index->owner, position));
	slot.position = (uint32_t)position;
	place(index->slots, index->cap, slot);
	index->n++;
}

void
rt_index_release(struct rt_index *index)
{
	free(index->slots);
	index->slots = NULL;
	index->cap = index->n = 0;
}
