#include "git/mergetree.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "git/preimage.h"

#define EMPTY_TREE "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
#define ATTRIBUTES "/.gitattributes"
#define BLOB_MAX (256u << 20)

struct merge {
	struct rt_quarantine *quarantine;
	const struct rt_three_trees *trees;
	struct rt_strs paths;	  /* changed between base and theirs */
	struct rt_oid commits[3]; /* base, ours, theirs: merge-tree takes no trees. "" not written */
	struct rt_strs refused;	  /* by the merge driver */
	char *work;		  /* the work tree with the attributes; NULL: there are none */
	struct rt_update *joined; /* by the merge driver; paths are owned here */
	size_t n, cap;
	struct rt_buf output, errs;
};

/* The commits are nobody's history: they must not be promoted. */
static void
drop_commit(const struct merge *merge, const struct rt_oid *id)
{
	rt_auto(free) char *path = rt_format("%s/%.2s/%s", merge->quarantine->objects, id->hex, id->hex + 2);

	if (*id->hex)
		unlink(path);
}

static void
merge_release(struct merge *merge)
{
	size_t i;

	for (i = 0; i < RT_COUNT(merge->commits); i++)
		drop_commit(merge, &merge->commits[i]);
	if (merge->work)
		(void)!rt_remove_tree(AT_FDCWD, merge->work, NULL);
	free(merge->work);
	for (i = 0; i < merge->n; i++)
		free((char *)(uintptr_t)merge->joined[i].path);
	free(merge->joined);
	rt_strs_release(&merge->paths);
	rt_strs_release(&merge->refused);
	rt_buf_release(&merge->output);
	rt_buf_release(&merge->errs);
}
RT_DEFINE_AUTO(merge, struct merge, merge_release);

static const char *
tree_hex(const struct rt_oid *tree)
{
	return *tree->hex ? tree->hex : EMPTY_TREE;
}

/* parent NULL: none. name tells the sides apart in git's words. */
static int
write_commit(struct merge *merge, const struct rt_oid *tree, const struct rt_oid *parent, struct rt_oid *out,
	     struct rt_err *err)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;

	rt_buf_addf(&text, "tree %s\n", tree_hex(tree));
	if (parent)
		rt_buf_addf(&text, "parent %s\n", parent->hex);
	rt_buf_adds(&text, "author merge <> 0 +0000\ncommitter merge <> 0 +0000\n\n");
	return rt_odb_write(merge->quarantine->repo, GIT_OBJECT_COMMIT, text.data, text.len, out, err);
}

static int
write_commits(struct merge *merge, struct rt_err *err)
{
	const struct rt_three_trees *trees = merge->trees;
	struct rt_oid *commits = merge->commits;

	if (write_commit(merge, &trees->base, NULL, &commits[0], err))
		return -1;
	if (write_commit(merge, &trees->ours, &commits[0], &commits[1], err))
		return -1;
	return write_commit(merge, &trees->theirs, &commits[0], &commits[2], err);
}

static const struct rt_merge_driver *
driver_of(const struct merge *merge)
{
	const struct rt_merge_driver *driver = &merge->quarantine->repo->driver;

	return driver->join ? driver : &merge->quarantine->home->driver;
}

static int
read_side(struct merge *merge, const struct rt_entry *entry, struct rt_buf *out, struct rt_err *err)
{
	return entry->mode ? rt_blob_read(merge->quarantine->repo, &entry->id, BLOB_MAX, out, err) : 0;
}

static bool
is_file(const struct rt_entry *entry)
{
	return (entry->mode & S_IFMT) == S_IFREG;
}

/* A file that theirs changed from old to new and that the driver wants: joined when ours changed it otherwise. */
static int
join(struct merge *merge, const struct rt_merge_driver *driver, const struct rt_change_of *change, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf base = RT_BUF_INIT;
	rt_auto(buf) struct rt_buf ours = RT_BUF_INIT;
	rt_auto(buf) struct rt_buf theirs = RT_BUF_INIT;
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;
	struct rt_entry mine;
	struct rt_update *update;
	int result;

	if (rt_tree_entry(merge->quarantine->repo, &merge->trees->ours, change->path, &mine, err))
		return -1;
	if (!is_file(&mine) || !is_file(&change->new) || (change->old.mode && !is_file(&change->old)) ||
	    rt_oid_equal(&mine.id, &change->old.id) || rt_oid_equal(&mine.id, &change->new.id))
		return 0;
	if (read_side(merge, &change->old, &base, err) || read_side(merge, &mine, &ours, err) ||
	    read_side(merge, &change->new, &theirs, err))
		return -1;
	result = driver->join(driver->data, change->path, &base, &ours, &theirs, &out, err);
	if (!result)
		rt_strs_add(&merge->refused, change->path);
	if (result != 1)
		return result;
	if (rt_blob_write(merge->quarantine->repo, out.data, out.len, &mine.id, err))
		return -1;
	if (merge->n == merge->cap)
		merge->joined = rt_grow(merge->joined, &merge->cap, sizeof(*merge->joined));
	update = &merge->joined[merge->n++];
	update->path = rt_strdup(change->path);
	update->entry = mine;
	return 0;
}

static int
see_change(void *data, const struct rt_change_of *change, struct rt_err *err)
{
	struct merge *merge = data;
	const struct rt_merge_driver *driver = driver_of(merge);

	rt_strs_add(&merge->paths, change->path);
	if (!driver->join || !driver->wants(driver->data, change->path))
		return 0;
	return join(merge, driver, change, err);
}

/* A merge reads attributes from the work tree, and ours has none: those that speak for the changed paths are put there.
 */
static int
put_attributes(struct merge *merge, const struct rt_pre_entry *entry, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	rt_auto(free) char *path = NULL, *dir = NULL;
	rt_auto(fd) int fd = -1;
	struct rt_oid id;

	if (!merge->work)
		merge->work = rt_quarantine_file(merge->quarantine, "attributes");
	path = rt_format("%s/%s", merge->work, entry->path);
	dir = rt_strndup(path, (size_t)(strrchr(path, '/') - path));
	rt_oid_from_git(&id, &entry->id);
	if (rt_blob_read(merge->quarantine->repo, &id, BLOB_MAX, &text, err) || rt_mkdirs(AT_FDCWD, dir, 0777, err))
		return -1;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (fd < 0 || rt_write_all(fd, text.data, text.len))
		return rt_fail_errno(err, "can't write %s", path);
	return 0;
}

static int
prepare_attributes(struct merge *merge, struct rt_err *err)
{
	rt_auto(preimage) struct rt_preimage pre = {0};
	const struct rt_pre_entry *entry;
	size_t i;

	rt_strs_sort(&merge->paths);
	rt_strs_unique(&merge->paths);
	if (rt_preimage_read(merge->quarantine->repo, &merge->trees->ours, &merge->paths, &pre, err))
		return -1;
	for (i = 0; i < pre.n; i++) {
		entry = &pre.at[i];
		if ((entry->mode & S_IFMT) != S_IFREG ||
		    (!rt_ends_with(entry->path, ATTRIBUTES) && strcmp(entry->path, &ATTRIBUTES[1])))
			continue;
		if (put_attributes(merge, entry, err))
			return -1;
	}
	return 0;
}

static int
run_merge(struct merge *merge, int *exit_code, struct rt_err *err)
{
	const char *renames =
	    merge->trees->directory_renames ? "merge.directoryRenames=conflict" : "merge.directoryRenames=false";
	const char *const argv[] = {"git", "-c",	  renames,	"merge-tree",	       "--write-tree",
				    "-z",  "--name-only", "--messages", merge->commits[1].hex, merge->commits[2].hex,
				    NULL};
	struct rt_command command = {.argv = argv, .work = merge->work, .out = &merge->output, .errs = &merge->errs};

	if (rt_command_run(merge->quarantine, &command, err))
		return -1;
	*exit_code = command.exit_code;
	if (command.exit_code > 1 || merge->output.len <= RT_OID_HEX || merge->output.data[RT_OID_HEX])
		return rt_fail(err, RT_EUNKNOWN, "git merge-tree: %.512s",
			       merge->errs.len ? merge->errs.data : "no tree");
	return 0;
}

static bool
is_joined(const struct merge *merge, const char *path)
{
	size_t i;

	for (i = 0; i < merge->n; i++)
		if (!strcmp(merge->joined[i].path, path))
			return true;
	return false;
}

/* After the tree: the conflicted paths, an empty one, the messages. Is the driver's answer all that was missing? */
static bool
joins_solve(const struct merge *merge, const char **messages)
{
	const char *at = merge->output.data + RT_OID_HEX + 1, *end = merge->output.data + merge->output.len;
	bool all = true;

	for (; at < end && *at; at += strlen(at) + 1)
		all = is_joined(merge, at) && all;
	*messages = at < end ? at + 1 : end;
	return all;
}

/* Messages: number of paths, the paths, a short type, the sentence; all NUL-terminated. */
static void
add_conflicts(const char *at, const char *end, struct rt_buf *why)
{
	size_t before = why->len;
	unsigned long skip;

	while (at < end) {
		for (skip = strtoul(at, NULL, 10) + 2; skip && at < end; skip--)
			at += strlen(at) + 1;
		if (at >= end)
			break;
		if (rt_starts_with(at, "CONFLICT"))
			rt_buf_addf(why, "%s%s", at, rt_ends_with(at, "\n") ? "" : "\n");
		at += strlen(at) + 1;
	}
	if (why->len == before)
		rt_buf_adds(why, "the changes conflict\n");
}

static int
settle(struct merge *merge, bool conflict, struct rt_oid *out, struct rt_buf *why, struct rt_err *err)
{
	const char *messages;
	struct rt_oid tree = {0};

	memcpy(tree.hex, merge->output.data, RT_OID_HEX);
	if (!joins_solve(merge, &messages) && conflict) {
		add_conflicts(messages, merge->output.data + merge->output.len, why);
		return 0;
	}
	*out = tree;
	if (merge->n && rt_tree_update(merge->quarantine->repo, &tree, merge->joined, merge->n, out, err))
		return -1;
	return 1;
}

int
rt_quarantine_merge(struct rt_quarantine *quarantine, const struct rt_three_trees *trees, struct rt_oid *out,
		    struct rt_buf *why, struct rt_err *err)
{
	rt_auto(merge) struct merge merge = {
	    .quarantine = quarantine, .trees = trees, .output = RT_BUF_INIT, .errs = RT_BUF_INIT};
	struct rt_repo *repo = quarantine->repo;
	int exit_code;
	size_t i;

	/* The trivial ones need no git. */
	if (!strcmp(tree_hex(&trees->base), tree_hex(&trees->ours)) ||
	    !strcmp(tree_hex(&trees->ours), tree_hex(&trees->theirs))) {
		*out = trees->theirs;
		return 1;
	}
	if (!strcmp(tree_hex(&trees->base), tree_hex(&trees->theirs))) {
		*out = trees->ours;
		return 1;
	}
	if (rt_tree_diff(repo, &trees->base, &trees->theirs, false, see_change, &merge, err))
		return -1;
	for (i = 0; i < merge.refused.n; i++)
		rt_buf_addf(why, "both sides changed %s, and not in a way that joins\n", merge.refused.at[i]);
	if (merge.refused.n)
		return 0;
	if (prepare_attributes(&merge, err) || write_commits(&merge, err) || run_merge(&merge, &exit_code, err))
		return -1;
	return settle(&merge, exit_code == 1, out, why, err);
}
