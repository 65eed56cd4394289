#ifndef RT_SUPPORT_SHA1_H
#define RT_SUPPORT_SHA1_H

/*
 * SHA-1 of git's index file, by libcrypto, which uses the processor's instructions: a large index is hashed as fast as
 * it is read. Ids of objects are libgit2's business, which looks for collisions as well.
 */

#include <stddef.h>

#define RT_SHA1_BYTES 20

struct rt_sha1;
/* Streaming; add may be called any number of times, finish ends it and frees. NULL is ignored by free. */
struct rt_sha1 *rt_sha1_start(void);
void rt_sha1_add(struct rt_sha1 *h, const void *bytes, size_t len);
void rt_sha1_finish(struct rt_sha1 *h, unsigned char out[RT_SHA1_BYTES]);
void rt_sha1_free(struct rt_sha1 *h);
void rt_sha1_of(const void *bytes, size_t len, unsigned char out[RT_SHA1_BYTES]);

#endif
