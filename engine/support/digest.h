#ifndef RT_SUPPORT_DIGEST_H
#define RT_SUPPORT_DIGEST_H

/* SHA-256 and random names, by libsodium. */

#include "support/buf.h"

#define RT_SHA256_HEX 64

/* Streaming; the struct is opaque storage for crypto_hash_sha256_state. */
struct rt_sha256 {
	_Alignas(16) unsigned char state[128];
};
void rt_sha256_start(struct rt_sha256 *h);
void rt_sha256_add(struct rt_sha256 *h, const void *bytes, size_t len);
/* Adds the length and then the bytes, so that neighbouring fields cannot be mistaken for one another. */
void rt_sha256_field(struct rt_sha256 *h, const void *bytes, size_t len);
void rt_sha256_hex(struct rt_sha256 *h, char out[RT_SHA256_HEX + 1]);
void rt_sha256_of(const void *bytes, size_t len, char out[RT_SHA256_HEX + 1]);
/* digits lower-case hex digits of randomness and a NUL. */
void rt_random_hex(char *out, size_t digits);
/* SipHash under a key drawn per process. */
uint64_t rt_hash(const void *bytes, size_t len);

#endif
