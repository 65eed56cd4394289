#include "git/internal.h"

#include <string.h>

int
rt_odb_read(struct rt_repo *repo, const struct rt_oid *id, git_object_t type, git_odb_object **out, struct rt_err *err)
{
	rt_auto(git_odb_object) git_odb_object *object = NULL;
	git_oid oid;

	if (rt_oid_to_git(&oid, id, err) < 0)
		return -1;
	if (git_odb_read(&object, repo->odb, &oid) < 0)
		return rt_git_object_error(repo, id->hex, err);
	if (git_odb_object_type(object) != type)
		return rt_fail(err, RT_EUNKNOWN, "object %s is a %s, not a %s", id->hex,
			       git_object_type2string(git_odb_object_type(object)), git_object_type2string(type));
	*out = rt_steal(&object);
	return 0;
}

int
rt_odb_write(struct rt_repo *repo, git_object_t type, const void *bytes, size_t len, struct rt_oid *out,
	     struct rt_err *err)
{
	git_oid oid;

	if (git_odb_write(&oid, repo->odb, bytes, len, type) < 0)
		return rt_git_error(err, RT_EIO, "cannot write a %s to %s", git_object_type2string(type),
				    repo->commondir);
	rt_oid_from_git(out, &oid);
	return 0;
}

bool
rt_object_exists(struct rt_repo *repo, const struct rt_oid *id)
{
	git_oid oid;

	return rt_oid_to_git(&oid, id, NULL) == 0 && git_odb_exists(repo->odb, &oid) == 1;
}

/* ---- blobs ---- */

int
rt_blob_size(struct rt_repo *repo, const struct rt_oid *id, uint64_t *size, struct rt_err *err)
{
	git_object_t type;
	git_oid oid;
	size_t len;

	if (rt_oid_to_git(&oid, id, err) < 0)
		return -1;
	if (git_odb_read_header(&len, &type, repo->odb, &oid) < 0)
		return rt_git_object_error(repo, id->hex, err);
	if (type != GIT_OBJECT_BLOB)
		return rt_fail(err, RT_EUNKNOWN, "object %s is a %s, not a blob", id->hex,
			       git_object_type2string(type));
	*size = len;
	return 0;
}

int
rt_blob_read(struct rt_repo *repo, const struct rt_oid *id, uint64_t max, struct rt_buf *out, struct rt_err *err)
{
	rt_auto(git_odb_object) git_odb_object *object = NULL;
	uint64_t size = 0;

	/* The size first: a blob that inflates beyond the limit is never inflated. */
	if (rt_blob_size(repo, id, &size, err) < 0)
		return -1;
	if (size > max)
		return rt_fail(err, RT_EUNKNOWN, "blob %s has %llu bytes, more than the limit of %llu", id->hex,
			       (unsigned long long)size, (unsigned long long)max);
	if (rt_odb_read(repo, id, GIT_OBJECT_BLOB, &object, err) < 0)
		return -1;
	rt_buf_add(out, git_odb_object_data(object), git_odb_object_size(object));
	return 0;
}

int
rt_blob_write(struct rt_repo *repo, const void *bytes, size_t len, struct rt_oid *out, struct rt_err *err)
{
	return rt_odb_write(repo, GIT_OBJECT_BLOB, bytes, len, out, err);
}

/* ---- commits ---- */

void
rt_commit_release(struct rt_commit *commit)
{
	free(commit->parents);
	free(commit->author);
	free(commit->committer);
	free(commit->encoding);
	free(commit->message);
	free(commit->signature);
	*commit = (struct rt_commit){0};
}

/* One header: its name, and its value with the continuation lines unfolded. at moves behind it. */
static bool
next_header(const char **at, const char *end, struct rt_buf *name, struct rt_buf *value)
{
	const char *line = *at;
	const char *eol = memchr(line, '\n', (size_t)(end - line));
	const char *space;

	rt_buf_cut(name, 0);
	rt_buf_cut(value, 0);
	if (eol == NULL || eol == line)
		return false;
	space = memchr(line, ' ', (size_t)(eol - line));
	if (space == NULL)
		space = eol;
	rt_buf_add(name, line, (size_t)(space - line));
	if (space < eol)
		rt_buf_add(value, space + 1, (size_t)(eol - space - 1));
	for (line = eol + 1; line < end && *line == ' '; line = eol + 1) {
		eol = memchr(line, '\n', (size_t)(end - line));
		if (eol == NULL)
			eol = end - 1;
		rt_buf_addc(value, '\n');
		rt_buf_add(value, line + 1, (size_t)(eol - line - 1));
	}
	*at = line;
	return true;
}

static int
take_id(struct rt_oid *out, const struct rt_buf *value)
{
	if (value->len != RT_OID_HEX || strspn(value->data, "0123456789abcdef") != RT_OID_HEX)
		return -1;
	memcpy(out->hex, value->data, RT_OID_HEX + 1);
	return 0;
}

static int
take_header(struct rt_commit *out, size_t *cap, const struct rt_buf *name, const struct rt_buf *value)
{
	char **field = strcmp(name->data, "author") == 0      ? &out->author
		       : strcmp(name->data, "committer") == 0 ? &out->committer
		       : strcmp(name->data, "encoding") == 0  ? &out->encoding
		       : strcmp(name->data, "gpgsig") == 0    ? &out->signature
							      : NULL;

	if (strcmp(name->data, "tree") == 0 && out->tree.hex[0] == '\0')
		return take_id(&out->tree, value);
	if (strcmp(name->data, "parent") == 0) {
		if (out->n_parents == *cap)
			out->parents = rt_grow(out->parents, cap, sizeof(*out->parents));
		return take_id(&out->parents[out->n_parents++], value);
	}
	if (field != NULL && *field == NULL)
		*field = rt_strndup(value->data, value->len);
	return 0;
}

int
rt_commit_read(struct rt_repo *repo, const struct rt_oid *id, struct rt_commit *out, struct rt_err *err)
{
	rt_auto(git_odb_object) git_odb_object *object = NULL;
	rt_auto(buf) struct rt_buf name = RT_BUF_INIT;
	rt_auto(buf) struct rt_buf value = RT_BUF_INIT;
	rt_auto(commit) struct rt_commit commit = {0};
	const char *at, *end;
	size_t cap = 0;

	if (rt_odb_read(repo, id, GIT_OBJECT_COMMIT, &object, err) < 0)
		return -1;
	at = git_odb_object_data(object);
	end = at + git_odb_object_size(object);
	commit.id = *id;
	while (at < end && next_header(&at, end, &name, &value))
		if (take_header(&commit, &cap, &name, &value) < 0)
			return rt_fail(err, RT_EUNKNOWN, "commit %s is malformed: header %s", id->hex, name.data);
	if (commit.tree.hex[0] == '\0' || commit.author == NULL || commit.committer == NULL)
		return rt_fail(err, RT_EUNKNOWN, "commit %s is malformed: no tree, author or committer", id->hex);
	if (at < end && *at == '\n')
		at++;
	commit.message = rt_strndup(at, (size_t)(end - at));
	*out = commit;
	commit = (struct rt_commit){0};
	return 0;
}

/* "KEY <id>" and the end of the line; at moves behind it. */
static bool
next_id(const char **at, const char *end, const char *key, struct rt_oid *out)
{
	size_t len = strlen(key);

	if ((size_t)(end - *at) < len + RT_OID_HEX + 1 || memcmp(*at, key, len) != 0 || (*at)[len + RT_OID_HEX] != '\n')
		return false;
	memcpy(out->hex, *at + len, RT_OID_HEX);
	out->hex[RT_OID_HEX] = '\0';
	*at += len + RT_OID_HEX + 1;
	return true;
}

int
rt_link_read(struct rt_repo *repo, const struct rt_oid *id, struct rt_link *out, struct rt_err *err)
{
	git_odb_object *object = NULL;
	struct rt_oid other;
	const char *at, *end, *blank;

	*out = (struct rt_link){0};
	if (rt_odb_read(repo, id, GIT_OBJECT_COMMIT, &object, err) < 0)
		return -1;
	out->held = object;
	at = git_odb_object_data(object);
	end = at + git_odb_object_size(object);
	if (!next_id(&at, end, "tree ", &out->tree))
		return rt_fail(err, RT_EUNKNOWN, "commit %s is malformed: no tree", id->hex);
	while (next_id(&at, end, "parent ", out->n_parents ? &other : &out->parent))
		out->n_parents++;
	blank = memmem(at, (size_t)(end - at), "\n\n", 2);
	out->message = blank ? blank + 2 : end;
	out->len = (size_t)(end - out->message);
	return 0;
}

void
rt_objects_hashed(bool hashed)
{
	git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, hashed ? 1 : 0);
}

void
rt_link_release(struct rt_link *link)
{
	git_odb_object_free(link->held);
	*link = (struct rt_link){0};
}

/* "Name <mail> seconds zone", on one line: what git's fsck asks for. */
static bool
ident_ok(const char *ident)
{
	const char *open, *close;

	if (ident == NULL || strpbrk(ident, "\n\r") != NULL)
		return false;
	open = strchr(ident, '<');
	close = strrchr(ident, '>');
	return open != NULL && close != NULL && open < close && close[1] == ' ' && close[2] >= '0' && close[2] <= '9' &&
	       strchr(close + 2, ' ') != NULL;
}

int
rt_commit_format(struct rt_repo *repo, const struct rt_commit *commit, struct rt_buf *out, struct rt_err *err)
{
	if (!ident_ok(commit->author) || !ident_ok(commit->committer))
		return rt_fail(err, RT_EINTERNAL, "\"%s\" and \"%s\" can't both head a commit",
			       commit->author != NULL ? commit->author : "",
			       commit->committer != NULL ? commit->committer : "");
	if (commit->encoding != NULL && strpbrk(commit->encoding, " \n\r") != NULL)
		return rt_fail(err, RT_EINTERNAL, "\"%s\" is not the name of an encoding", commit->encoding);
	if (!rt_object_exists(repo, &commit->tree))
		return rt_fail(err, RT_EINTERNAL, "the tree %s of a new commit does not exist", commit->tree.hex);
	rt_buf_addf(out, "tree %s\n", commit->tree.hex);
	for (size_t i = 0; i < commit->n_parents; i++) {
		if (!rt_object_exists(repo, &commit->parents[i]))
			return rt_fail(err, RT_EINTERNAL, "the parent %s of a new commit does not exist",
				       commit->parents[i].hex);
		rt_buf_addf(out, "parent %s\n", commit->parents[i].hex);
	}
	rt_buf_addf(out, "author %s\ncommitter %s\n", commit->author, commit->committer);
	if (commit->encoding != NULL)
		rt_buf_addf(out, "encoding %s\n", commit->encoding);
	rt_buf_addc(out, '\n');
	rt_buf_adds(out, commit->message != NULL ? commit->message : "");
	return 0;
}

int
rt_commit_write(struct rt_repo *repo, struct rt_commit *commit, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf bytes = RT_BUF_INIT;

	if (rt_commit_format(repo, commit, &bytes, err) < 0)
		return -1;
	return rt_odb_write(repo, GIT_OBJECT_COMMIT, bytes.data, bytes.len, &commit->id, err);
}
