#include "git/convert.h"

#include <git2/sys/repository.h>
#include <string.h>
#include <strings.h>

#define FILTER_FLAGS GIT_FILTER_ALLOW_UNSAFE

/*
 * libgit2 reads attributes from the work tree first and then from the index. The second handle gets a work tree that is
 * certain to hold none: the folder of packs. (A bare handle would not do: it ignores macros.)
 */
int
rt_convert_init(struct rt_convert *convert, struct rt_repo *repo, const struct rt_oid *tree, struct rt_err *err)
{
	rt_auto(git_index) git_index *index = NULL;
	rt_auto(git_config) git_config *config = NULL;
	rt_auto(free) char *nowhere = rt_format("%s/objects/pack", repo->commondir);

	*convert = (struct rt_convert){.repo = repo, .tree = *tree};
	if (rt_git_open(&convert->git, repo->gitdir, GIT_REPOSITORY_OPEN_NO_SEARCH | GIT_REPOSITORY_OPEN_NO_DOTGIT) <
		0 ||
	    git_repository_set_odb(convert->git, repo->odb) < 0 || git_repository_config(&config, repo->git) < 0 ||
	    git_repository_set_config(convert->git, config) < 0 || git_index_new(&index) < 0 ||
	    git_repository_set_index(convert->git, index) < 0 ||
	    git_repository_set_workdir(convert->git, nowhere, 0) < 0) {
		int rc =
		    rt_git_error(err, RT_EUNKNOWN, "cannot prepare the conversion of line ends in %s", repo->gitdir);

		rt_convert_release(convert);
		return rc;
	}
	return 0;
}

void
rt_convert_release(struct rt_convert *convert)
{
	git_repository_free(convert->git);
	convert->git = NULL;
	rt_strs_release(&convert->folders);
}

static int
add_attributes(struct rt_convert *convert, const char *folder, struct rt_err *err)
{
	rt_auto(git_index) git_index *index = NULL;
	rt_auto(free) char *path = rt_format("%s%s.gitattributes", folder, folder[0] != '\0' ? "/" : "");
	git_index_entry entry = {0};
	struct rt_entry found;

	if (rt_tree_entry(convert->repo, &convert->tree, path, &found, err) < 0)
		return -1;
	if ((found.mode & 0170000u) != 0100000u)
		return 0;
	entry.path = path;
	entry.mode = GIT_FILEMODE_BLOB;
	if (rt_oid_to_git(&entry.id, &found.id, err) < 0)
		return -1;
	if (git_repository_index(&index, convert->git) < 0 || git_index_add(index, &entry) < 0)
		return rt_git_error(err, RT_EINTERNAL, "cannot read %s of %s", path, convert->tree.hex);
	return 0;
}

int
rt_convert_prepare(struct rt_convert *convert, const char *path, struct rt_err *err)
{
	rt_auto(free) char *folder = rt_strdup(path);
	bool more = true;

	while (more) {
		char *slash = strrchr(folder, '/');

		more = slash != NULL;
		folder[slash != NULL ? slash - folder : 0] = '\0';
		/* Paths come sorted: the folders of one path are mostly those of the one before. */
		for (size_t i = convert->folders.n; i > 0; i--)
			if (strcmp(convert->folders.at[i - 1], folder) == 0)
				return 0;
		if (add_attributes(convert, folder, err) < 0)
			return -1;
		rt_strs_add(&convert->folders, folder);
	}
	return 0;
}

static int
attribute(struct rt_convert *convert, const char *path, const char *name, const char **value, struct rt_err *err)
{
	*value = NULL;
	if (git_attr_get(value, convert->git, GIT_ATTR_CHECK_FILE_THEN_INDEX, path, name) < 0)
		return rt_git_error(err, RT_EUNKNOWN, "cannot read the attributes of %s", path);
	if (git_attr_value(*value) != GIT_ATTR_VALUE_STRING)
		*value = NULL;
	return 0;
}

/* A driver of which nothing is configured does nothing in git either. */
static int
is_configured(struct rt_convert *convert, const char *driver, struct rt_err *err)
{
	static const char *const commands[] = {"smudge", "clean", "process"};

	for (size_t i = 0; i < RT_COUNT(commands); i++) {
		rt_auto(free) char *key = rt_format("filter.%s.%s", driver, commands[i]);
		int found = rt_repo_config(convert->repo, key, NULL, err);

		if (found != 0)
			return found;
	}
	return 0;
}

int
rt_convert_check(struct rt_convert *convert, const char *path, struct rt_buf *why, struct rt_err *err)
{
	const char *value;
	int configured;

	if (attribute(convert, path, "working-tree-encoding", &value, err) < 0)
		return -1;
	if (value != NULL && strcasecmp(value, "UTF-8") != 0) {
		rt_buf_addf(why,
			    "%s: the attribute working-tree-encoding=%s is not supported; land while another branch is "
			    "checked out\n",
			    path, value);
		return 0;
	}
	if (attribute(convert, path, "filter", &value, err) < 0)
		return -1;
	configured = value != NULL ? is_configured(convert, value, err) : 0;
	if (configured < 0)
		return -1;
	if (configured == 1) {
		rt_buf_addf(why, "%s: the filter program %s is never run; land while another branch is checked out\n",
			    path, value);
		return 0;
	}
	return 1;
}

static int
out_filters(struct rt_convert *convert, const char *path, git_blob *blob, git_filter_list **out, struct rt_err *err)
{
	if (git_filter_list_load(out, convert->git, blob, path, GIT_FILTER_TO_WORKTREE, FILTER_FLAGS) < 0)
		return rt_git_error(err, RT_EUNKNOWN, "cannot tell how %s is converted", path);
	return 0;
}

static int
lookup_blob(struct rt_convert *convert, const struct rt_oid *id, git_object **out, struct rt_err *err)
{
	git_oid oid;

	if (rt_oid_to_git(&oid, id, err) < 0)
		return -1;
	if (git_object_lookup(out, convert->git, &oid, GIT_OBJECT_BLOB) < 0)
		return rt_git_object_error(convert->repo, id->hex, err);
	return 0;
}

int
rt_convert_out(struct rt_convert *convert, const char *path, const struct rt_oid *blob, struct rt_buf *out,
	       struct rt_err *err)
{
	rt_auto(git_object) git_object *object = NULL;
	rt_auto(git_filter_list) git_filter_list *filters = NULL;
	git_buf bytes = GIT_BUF_INIT;

	if (lookup_blob(convert, blob, &object, err) < 0 ||
	    out_filters(convert, path, (git_blob *)object, &filters, err) < 0)
		return -1;
	if (filters == NULL) {
		rt_buf_add(out, git_blob_rawcontent((git_blob *)object), (size_t)git_blob_rawsize((git_blob *)object));
		return 0;
	}
	if (git_filter_list_apply_to_blob(&bytes, filters, (git_blob *)object) < 0)
		return rt_git_error(err, RT_EUNKNOWN, "cannot convert %s for the work tree", path);
	rt_buf_add(out, bytes.ptr, bytes.size);
	git_buf_dispose(&bytes);
	return 0;
}

static int
is_blob(const struct rt_oid *blob, const void *bytes, size_t len, struct rt_err *err)
{
	struct rt_oid id;
	git_oid oid;

	if (git_odb_hash(&oid, bytes, len, GIT_OBJECT_BLOB) < 0)
		return rt_git_error(err, RT_EINTERNAL, "cannot hash %zu bytes", len);
	rt_oid_from_git(&id, &oid);
	return rt_oid_equal(&id, blob);
}

/* As git would store the file: with the attributes that lie in the work tree. */
static int
is_cleaned_blob(struct rt_convert *convert, const char *path, const struct rt_oid *blob, const struct rt_buf *bytes,
		struct rt_err *err)
{
	rt_auto(git_filter_list) git_filter_list *filters = NULL;
	git_buf cleaned = GIT_BUF_INIT;
	int equal;

	if (git_filter_list_load(&filters, convert->repo->git, NULL, path, GIT_FILTER_TO_ODB, FILTER_FLAGS) < 0)
		return rt_git_error(err, RT_EUNKNOWN, "cannot tell how %s is converted", path);
	if (filters == NULL)
		return 0;
	if (git_filter_list_apply_to_buffer(&cleaned, filters, bytes->data, bytes->len) < 0)
		return rt_git_error(err, RT_EUNKNOWN, "cannot convert %s for comparison", path);
	equal = is_blob(blob, cleaned.ptr, cleaned.size, err);
	git_buf_dispose(&cleaned);
	return equal;
}

int
rt_convert_equal(struct rt_convert *convert, const char *path, const struct rt_oid *blob, const struct rt_buf *bytes,
		 struct rt_err *err)
{
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;
	int equal = is_blob(blob, bytes->data, bytes->len, err);

	if (equal != 0)
		return equal;
	equal = is_cleaned_blob(convert, path, blob, bytes, err);
	if (equal != 0)
		return equal;
	if (rt_convert_out(convert, path, blob, &out, err) < 0)
		return -1;
	return out.len == bytes->len && memcmp(out.data, bytes->data, out.len) == 0;
}
