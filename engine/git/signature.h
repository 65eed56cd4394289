#ifndef RT_GIT_SIGNATURE_H
#define RT_GIT_SIGNATURE_H

/* SSH signatures of commits (gpg.format=ssh), verified and made by ssh-keygen -Y, namespace "git". */

#include "git/repo.h"

/*
 * 1 the commit carries a valid signature of a principal in allowed (the text of an allowed_signers file), whose name is
 * appended to signer; 0 it does not (why says: unsigned, unknown key, bad signature, GPG instead of SSH); -1 error
 * (ssh-keygen missing or hanging).
 */
int rt_signature_verify(struct rt_repo *repo, const struct rt_oid *commit, const char *allowed, size_t allowed_len,
			struct rt_buf *signer, struct rt_buf *why, struct rt_err *err) RT_MUST_USE;
/* Writes the commit signed by the key file (as git's user.signingKey; an agent may hold it); sets its id. */
int rt_signature_commit(struct rt_repo *repo, struct rt_commit *commit, const char *key,
			struct rt_err *err) RT_MUST_USE;
/* True when an allowed_signers text holds no key (only blank lines and comments). */
bool rt_signers_empty(const char *allowed, size_t len);

#endif
