#include "cycle/verify.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cycle/verify_parts.h"

void
rt_verify_find(struct rt_verifying *v, const char *fmt, ...)
{
	char *text = NULL;
	va_list args;
	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		abort();
	va_end(args);
	rt_strs_add(&v->out->findings, text);
	free(text);
}

/* A ref's name as one file name. */
static char *
verified_name(const char *ref)
{
	char *name = rt_strdup(ref);
	for (char *p = name; *p; p++)
		*p = *p == '/' ? '%' : *p;
	return name;
}

char *
rt_verified_path(const struct rt_home *home, const char *ref)
{
	rt_auto(free) char *name = verified_name(ref);
	return rt_home_path(home, "verified/%s", name);
}

int
rt_verified_read(struct rt_home *home, const char *ref, struct rt_verified *out, struct rt_err *err)
{
	rt_auto(free) char *path = rt_verified_path(home, ref);
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	*out = (struct rt_verified){0};
	if (!rt_exists(AT_FDCWD, path))
		return 0;
	if (rt_file_read(AT_FDCWD, path, 256, &text, err) < 0)
		return -1;
	if (sscanf(text.data, "%40[0-9a-f] %" SCNd64 " %64[0-9a-f]", out->head.hex, &out->seq, out->digest) < 1 ||
	    strlen(out->head.hex) != RT_OID_HEX)
		*out = (struct rt_verified){0};
	return 0;
}

/* Neither synced nor put in place by a rename: one that is torn or lost makes the next run read more. */
int
rt_verified_write(struct rt_home *home, const char *ref, const struct rt_verified *last, struct rt_err *err)
{
	rt_auto(free) char *path = rt_verified_path(home, ref);
	rt_auto(free) char *dir = rt_home_path(home, "verified");
	rt_auto(free) char *text = last->digest[0]
				       ? rt_format("%s %" PRId64 " %s\n", last->head.hex, last->seq, last->digest)
				       : rt_format("%s\n", last->head.hex);
	if (rt_mkdirs(AT_FDCWD, dir, 0755, err) < 0)
		return -1;
	rt_auto(fd) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || rt_write_all(fd, text, strlen(text)) < 0 || ftruncate(fd, (off_t)strlen(text)) < 0)
		return rt_fail_errno(err, "writing %s", path);
	return 0;
}

/* One that was verified and is gone: its file in <ratchet>/verified is all that is left. */
static int
find_gone(void *data, const char *name, struct rt_err *err)
{
	struct rt_verifying *v = data;
	(void)err;
	if (!rt_starts_with(name, "refs%ratchet%"))
		return 0;
	for (size_t i = 0; i < v->chains.n; i++) {
		rt_auto(free) char *known = verified_name(v->chains.at[i].name);
		if (strcmp(known, name) == 0)
			return 0;
	}
	rt_verify_find(
	    v,
	    "chain %s: it was verified once, and its ref is gone: it was deleted; fetch it again, or, where that "
	    "was meant, remove %s/verified/%s",
	    strrchr(name, '%') + 1, v->home->dir, name);
	return 0;
}

/* What was found sound is where the next verification stops. */
static int
remember(struct rt_verifying *v, const char *ref, struct rt_err *err)
{
	if (v->out->findings.n)
		return 0;
	for (size_t i = 0; i < v->chains.n; i++) {
		const struct rt_chain *chain = &v->chains.at[i];
		struct rt_verified last = chain->last;
		if (chain->entries.n) {
			last.seq = chain->entries.at[0].seq;
			memcpy(last.digest, chain->entries.at[0].digest, sizeof(last.digest));
		}
		last.head = chain->head;
		if (rt_verified_write(v->home, chain->name, &last, err) < 0)
			return -1;
	}
	struct rt_verified tip = {.head = v->tip};
	return ref && v->tip.hex[0] ? rt_verified_write(v->home, ref, &tip, err) : 0;
}

static int
verify_once(struct rt_home *home, const char *ref, bool all, struct rt_verification *out, struct rt_err *err)
{
	struct rt_verifying v = {.home = home, .out = out, .all = all};
	int result = rt_repo_config_all(home->repo, "ratchet.trustedWriter", &v.trusted, err) < 0 ? -1 : 0;
	if (result == 0)
		result = rt_ledger_head(home, &out->head, err);
	if (result == 0)
		result = rt_ref_each(home->repo, RT_LEDGER_REFS, rt_verify_chain, &v, err);
	if (result == 0)
		result = rt_ref_each(home->repo, "refs/ratchet/remotes/", rt_verify_chain, &v, err);
	if (result == 0) {
		rt_auto(free) char *verified = rt_home_path(home, "verified");
		result = rt_list_dir(AT_FDCWD, verified, find_gone, &v, err);
	}
	if (result == 0)
		result = rt_verify_witness(&v, err);
	if (result == 0)
		result = rt_verify_others(&v, err);
	if (result == 0 && ref)
		result = rt_verify_target(&v, ref, err);
	if (result == 0)
		result = remember(&v, ref, err);
	for (size_t i = 0; i < v.chains.n; i++)
		rt_chain_release(&v.chains.at[i]);
	free(v.chains.at);
	rt_strs_release(&v.trusted);
	return result;
}

int
rt_verify(struct rt_home *home, const char *ref, bool all, struct rt_verification *out, struct rt_err *err)
{
	int result = verify_once(home, ref, all, out, err);
	if (result == 0 && !all && out->findings.n) {
		/* what an older entry accounts for is not known to an incremental run; only a whole one accuses */
		rt_verification_release(out);
		result = verify_once(home, ref, true, out, err);
	}
	return result;
}

void
rt_verification_release(struct rt_verification *verification)
{
	rt_strs_release(&verification->findings);
	rt_strs_release(&verification->notes);
	rt_strs_release(&verification->ungated);
	memset(verification, 0, sizeof(*verification));
}
