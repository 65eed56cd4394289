#include "git/signature.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "git/internal.h"
#include "support/file.h"
#include "support/proc.h"

#define TIMEOUT_MS 30000
/* A key on a device waits for a touch. */
#define SIGN_TIMEOUT_MS 120000
#define MAX_KEY_OUT ((size_t)1 << 20)

static const char begin_ssh[] = "-----BEGIN SSH SIGNATURE-----";

bool
rt_signers_empty(const char *allowed, size_t len)
{
	const char *end = allowed + len;

	for (const char *line = allowed; line < end;) {
		const char *eol = memchr(line, '\n', (size_t)(end - line));
		const char *stop = eol != NULL ? eol : end;

		while (line < stop && (*line == ' ' || *line == '\t' || *line == '\r'))
			line++;
		if (line < stop && *line != '#')
			return false;
		line = stop + 1;
	}
	return true;
}

/* ---- a private folder for what ssh-keygen reads from files ---- */

struct scratch {
	char path[64]; /* "": none */
};
#define SCRATCH_INIT       \
	{                  \
		.path = "" \
	}

static void
scratch_release(struct scratch *scratch)
{
	/* What can't be removed is private, and only a signature and public keys. */
	if (scratch->path[0] != '\0' && rt_remove_tree(AT_FDCWD, scratch->path, NULL) < 0)
		return;
}
RT_DEFINE_AUTO(scratch, struct scratch, scratch_release);

static int
scratch_make(struct scratch *scratch, struct rt_err *err)
{
	/* Short, and readable by its owner alone: mkdtemp makes it 0700. */
	memcpy(scratch->path, "/tmp/ratchet-sig-XXXXXX", sizeof("/tmp/ratchet-sig-XXXXXX"));
	if (mkdtemp(scratch->path) == NULL) {
		scratch->path[0] = '\0';
		return rt_fail_errno(err, "cannot make a folder in /tmp");
	}
	return 0;
}

static int
scratch_write(const struct scratch *scratch, const char *name, const char *bytes, size_t len, char **out,
	      struct rt_err *err)
{
	rt_auto(free) char *path = rt_format("%s/%s", scratch->path, name);
	rt_auto(fd) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || rt_write_all(fd, bytes, len) < 0)
		return rt_fail_errno(err, "cannot write %s", path);
	*out = rt_steal(&path);
	return 0;
}

/* ---- the parts of a signed commit ---- */

/*
 * What was signed is the commit's bytes without the lines of its gpgsig header. 1; 0 with why when it has none or more
 * than one. Source: gitformat-signature(5).
 */
static int
split_commit(const char *bytes, size_t len, struct rt_buf *payload, struct rt_buf *signature, struct rt_buf *why)
{
	const char *end = bytes + len;
	const char *line = bytes;
	bool inside = false;
	int seen = 0;

	while (line < end && *line != '\n') {
		const char *eol = memchr(line, '\n', (size_t)(end - line));
		size_t n = (size_t)((eol != NULL ? eol + 1 : end) - line);
		bool starts = n > 7 && memcmp(line, "gpgsig ", 7) == 0;

		inside = starts || (inside && *line == ' ');
		seen += starts;
		if (starts)
			rt_buf_add(signature, line + 7, n - 7);
		else if (inside)
			rt_buf_add(signature, line + 1, n - 1);
		else
			rt_buf_add(payload, line, n);
		line += n;
	}
	rt_buf_add(payload, line, (size_t)(end - line));
	if (seen == 1)
		return 1;
	rt_buf_adds(why, seen == 0 ? "it is not signed" : "it carries more than one signature");
	return 0;
}

static int
read_parts(struct rt_repo *repo, const struct rt_oid *commit, struct rt_buf *payload, struct rt_buf *signature,
	   struct rt_buf *why, struct rt_err *err)
{
	rt_auto(git_odb_object) git_odb_object *object = NULL;
	int rc;

	if (rt_odb_read(repo, commit, GIT_OBJECT_COMMIT, &object, err) < 0)
		return -1;
	rc = split_commit(git_odb_object_data(object), git_odb_object_size(object), payload, signature, why);
	if (rc == 1 && !rt_starts_with(signature->data, begin_ssh)) {
		rt_buf_adds(why, "it is not signed with an SSH key (gpg.format=ssh), the only kind that is accepted");
		return 0;
	}
	return rc;
}

/* ---- verifying ---- */

struct verification {
	const char *allowed, *signature; /* paths */
	const struct rt_buf *payload;
};

/* The first principal that allowed lists for the key: 1, 0 none. */
static int
find_principal(const struct verification *v, struct rt_buf *principals, struct rt_err *err)
{
	const char *const argv[] = {"ssh-keygen", "-Y", "find-principals", "-f", v->allowed, "-s", v->signature, NULL};
	const char *const env[] = {NULL};
	struct rt_proc proc = {
	    .argv = argv, .env = env, .timeout_ms = TIMEOUT_MS, .max_out = MAX_KEY_OUT, .out = principals};

	if (rt_proc_run(&proc, err) < 0)
		return -1;
	return proc.exit_code == 0 && principals->len > 0;
}

/* 1 good; 0: said gets ssh-keygen's words; -1. */
static int
verify_as(const struct verification *v, const char *principal, struct rt_buf *said, struct rt_err *err)
{
	const char *const argv[] = {"ssh-keygen", "-Y", "verify",  "-n", "git",	       "-f",
				    v->allowed,	  "-I", principal, "-s", v->signature, NULL};
	const char *const env[] = {NULL};
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;
	struct rt_proc proc = {.argv = argv,
			       .env = env,
			       .in = v->payload->data,
			       .in_len = v->payload->len,
			       .timeout_ms = TIMEOUT_MS,
			       .max_out = MAX_KEY_OUT,
			       .out = &out,
			       .errs = said};

	if (rt_proc_run(&proc, err) < 0)
		return -1;
	return proc.exit_code == 0;
}

static int
verify_any(const struct verification *v, struct rt_buf *signer, struct rt_buf *why, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf principals = RT_BUF_INIT;
	rt_auto(buf) struct rt_buf said = RT_BUF_INIT;
	int rc = find_principal(v, &principals, err);

	if (rc == 0)
		rt_buf_adds(why, "its key is not one of the allowed signers");
	if (rc != 1)
		return rc;
	for (char *line = principals.data, *next; *line != '\0'; line = next) {
		next = line + strcspn(line, "\n");
		if (*next == '\n')
			*next++ = '\0';
		rt_buf_cut(&said, 0);
		rc = verify_as(v, line, &said, err);
		if (rc == 1)
			rt_buf_adds(signer, line);
		if (rc != 0)
			return rc;
	}
	rt_buf_cut(&said, strcspn(said.data, "\r\n"));
	rt_buf_addf(why, "its signature is not valid: %s", said.len > 0 ? said.data : "ssh-keygen refused it");
	return 0;
}

int
rt_signature_verify(struct rt_repo *repo, const struct rt_oid *commit, const char *allowed, size_t allowed_len,
		    struct rt_buf *signer, struct rt_buf *why, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf payload = RT_BUF_INIT;
	rt_auto(buf) struct rt_buf signature = RT_BUF_INIT;
	rt_auto(scratch) struct scratch scratch = SCRATCH_INIT;
	rt_auto(free) char *allowed_path = NULL;
	rt_auto(free) char *signature_path = NULL;
	struct verification v = {.payload = &payload};
	int rc = read_parts(repo, commit, &payload, &signature, why, err);

	if (rc != 1)
		return rc;
	if (rt_signers_empty(allowed, allowed_len)) {
		rt_buf_adds(why, "there are no allowed signers");
		return 0;
	}
	if (scratch_make(&scratch, err) < 0 ||
	    scratch_write(&scratch, "allowed", allowed, allowed_len, &allowed_path, err) < 0 ||
	    scratch_write(&scratch, "signature", signature.data, signature.len, &signature_path, err) < 0)
		return -1;
	v.allowed = allowed_path;
	v.signature = signature_path;
	return verify_any(&v, signer, why, err);
}

/* ---- signing ---- */

/* A key given as text, as user.signingKey may be: its private part is with the agent. */
static const char *
literal_key(const char *key)
{
	if (rt_starts_with(key, "key::"))
		return key + 5;
	return rt_starts_with(key, "ssh-") ? key : NULL;
}

static int
sign(const char *key, bool with_agent, const struct rt_buf *payload, struct rt_buf *signature, struct rt_err *err)
{
	const char *const argv[] = {"ssh-keygen", "-Y", "sign", "-n", "git", "-f", key, with_agent ? "-U" : NULL, NULL};
	const char *socket = getenv("SSH_AUTH_SOCK"), *home = getenv("HOME");
	rt_auto(free) char *agent = rt_format("SSH_AUTH_SOCK=%s", socket != NULL ? socket : "");
	rt_auto(free) char *home_is = rt_format("HOME=%s", home != NULL ? home : "/");
	const char *const env[] = {home_is, socket != NULL ? agent : NULL, NULL};
	rt_auto(buf) struct rt_buf said = RT_BUF_INIT;
	struct rt_proc proc = {.argv = argv,
			       .env = env,
			       .in = payload->data,
			       .in_len = payload->len,
			       .timeout_ms = SIGN_TIMEOUT_MS,
			       .max_out = MAX_KEY_OUT,
			       .out = signature,
			       .errs = &said};

	if (rt_proc_run(&proc, err) < 0)
		return -1;
	if (proc.exit_code == 0 && rt_starts_with(signature->data, begin_ssh))
		return 0;
	for (char *c = said.data; *c != '\0'; c++)
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	return rt_fail(err, RT_ECONFIG, "ssh-keygen cannot sign with the key %s: %s", key,
		       said.len > 0 ? said.data : "it wrote no signature");
}

static int
sign_with(const char *key, const struct rt_buf *payload, struct rt_buf *signature, struct rt_err *err)
{
	rt_auto(scratch) struct scratch scratch = SCRATCH_INIT;
	rt_auto(free) char *path = NULL;
	const char *text = literal_key(key);

	if (text == NULL)
		return sign(key, false, payload, signature, err);
	if (scratch_make(&scratch, err) < 0 || scratch_write(&scratch, "key.pub", text, strlen(text), &path, err) < 0)
		return -1;
	return sign(path, true, payload, signature, err);
}

int
rt_signature_commit(struct rt_repo *repo, struct rt_commit *commit, const char *key, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf payload = RT_BUF_INIT;
	rt_auto(buf) struct rt_buf signature = RT_BUF_INIT;
	rt_auto(buf) struct rt_buf bytes = RT_BUF_INIT;
	size_t head;

	if (rt_commit_format(repo, commit, &payload, err) < 0 || sign_with(key, &payload, &signature, err) < 0)
		return -1;
	head = (size_t)(strstr(payload.data, "\n\n") - payload.data) + 1;
	rt_buf_add(&bytes, payload.data, head);
	rt_buf_adds(&bytes, "gpgsig");
	for (const char *line = signature.data; *line != '\0';) {
		size_t n = strcspn(line, "\n");

		rt_buf_addf(&bytes, " %.*s\n", (int)n, line);
		line += n + (line[n] == '\n');
	}
	rt_buf_add(&bytes, payload.data + head, payload.len - head);
	free(commit->signature);
	commit->signature = rt_strndup(signature.data, signature.len);
	return rt_odb_write(repo, GIT_OBJECT_COMMIT, bytes.data, bytes.len, &commit->id, err);
}
