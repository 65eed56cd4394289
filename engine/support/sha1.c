#include "support/sha1.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "support/err.h"

/* The context of libcrypto is the struct: nothing else is kept. */
static EVP_MD_CTX *
context_of(struct rt_sha1 *h)
{
	return (EVP_MD_CTX *)(void *)h;
}

struct rt_sha1 *
rt_sha1_start(void)
{
	EVP_MD_CTX *context;

	/* Without the machine's openssl.cnf: what it says about TLS is nothing to git's format. */
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1 || (context = EVP_MD_CTX_new()) == NULL ||
	    EVP_DigestInit_ex(context, EVP_sha1(), NULL) != 1)
		rt_bug("libcrypto has no SHA-1");
	return (struct rt_sha1 *)(void *)context;
}

void
rt_sha1_add(struct rt_sha1 *h, const void *bytes, size_t len)
{
	if (EVP_DigestUpdate(context_of(h), bytes, len) != 1)
		rt_bug("libcrypto can't hash");
}

void
rt_sha1_finish(struct rt_sha1 *h, unsigned char out[RT_SHA1_BYTES])
{
	if (EVP_DigestFinal_ex(context_of(h), out, NULL) != 1)
		rt_bug("libcrypto can't hash");
	rt_sha1_free(h);
}

void
rt_sha1_free(struct rt_sha1 *h)
{
	EVP_MD_CTX_free(context_of(h));
}

void
rt_sha1_of(const void *bytes, size_t len, unsigned char out[RT_SHA1_BYTES])
{
	struct rt_sha1 *h = rt_sha1_start();

	rt_sha1_add(h, bytes, len);
	rt_sha1_finish(h, out);
}
