#include "support/digest.h"

#include <pthread.h>
#include <sodium.h>

#include "support/err.h"

_Static_assert(sizeof(crypto_hash_sha256_state) <= sizeof(((struct rt_sha256 *)0)->state), "state is large enough");
_Static_assert(_Alignof(crypto_hash_sha256_state) <= 16, "state is aligned");
_Static_assert(crypto_hash_sha256_BYTES * 2 == RT_SHA256_HEX, "hex digits of a digest");

static unsigned char hash_key[crypto_shorthash_KEYBYTES];

static void
start_sodium(void)
{
	if (sodium_init() < 0)
		rt_bug("libsodium can't start");
	randombytes_buf(hash_key, sizeof(hash_key));
}

static void
ready(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, start_sodium);
}

static crypto_hash_sha256_state *
state_of(struct rt_sha256 *h)
{
	return (crypto_hash_sha256_state *)(void *)h->state;
}

void
rt_sha256_start(struct rt_sha256 *h)
{
	ready();
	crypto_hash_sha256_init(state_of(h));
}

void
rt_sha256_add(struct rt_sha256 *h, const void *bytes, size_t len)
{
	if (len)
		crypto_hash_sha256_update(state_of(h), bytes, len);
}

void
rt_sha256_field(struct rt_sha256 *h, const void *bytes, size_t len)
{
	unsigned char size[8];
	size_t i;

	/* Big-endian, so that a digest means the same on every machine. */
	for (i = 0; i < sizeof(size); i++)
		size[i] = (unsigned char)((uint64_t)len >> (56 - 8 * i));
	rt_sha256_add(h, size, sizeof(size));
	rt_sha256_add(h, bytes, len);
}

void
rt_sha256_hex(struct rt_sha256 *h, char out[RT_SHA256_HEX + 1])
{
	unsigned char digest[crypto_hash_sha256_BYTES];

	crypto_hash_sha256_final(state_of(h), digest);
	sodium_bin2hex(out, RT_SHA256_HEX + 1, digest, sizeof(digest));
}

void
rt_sha256_of(const void *bytes, size_t len, char out[RT_SHA256_HEX + 1])
{
	struct rt_sha256 h;

	rt_sha256_start(&h);
	rt_sha256_add(&h, bytes, len);
	rt_sha256_hex(&h, out);
}

void
rt_random_hex(char *out, size_t digits)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char bytes[32];
	size_t i;

	ready();
	for (i = 0; i < digits; i++) {
		if (i % sizeof(bytes) == 0)
			randombytes_buf(bytes, sizeof(bytes));
		out[i] = hex[bytes[i % sizeof(bytes)] & 15];
	}
	out[digits] = '\0';
}

uint64_t
rt_hash(const void *bytes, size_t len)
{
	uint64_t hash;

	_Static_assert(crypto_shorthash_BYTES == sizeof(hash), "SipHash gives 64 bits");
	ready();
	crypto_shorthash((unsigned char *)&hash, bytes, len, hash_key);
	return hash;
}
