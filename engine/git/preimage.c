#include "git/preimage.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/file.h"

#define DEPTH_MAX 4096

struct reading {
	struct rt_repo *repo;
	const struct rt_strs *paths; /* NULL: all */
	struct rt_preimage *pre;
	struct rt_buf prefix; /* of the tree that is being read: "" or "dir/" */
	unsigned depth;
};

static int
by_path(const void *a, const void *b)
{
	return strcmp(((const struct rt_pre_entry *)a)->path, ((const struct rt_pre_entry *)b)->path);
}

static int
by_string(const void *a, const void *b)
{
	return strcmp(a, *(char *const *)b);
}

static bool
touches(const struct rt_strs *paths, const char *path)
{
	return paths->n && bsearch(path, paths->at, paths->n, sizeof(*paths->at), by_string);
}

static void
add_entry(struct rt_preimage *pre, const char *path, uint32_t mode, const git_oid *id)
{
	struct rt_pre_entry *entry = rt_push(pre);

	entry->path = rt_arena_add(&pre->paths, path, strlen(path));
	/* As git's index has them; old trees hold other permissions. */
	entry->mode = (mode & S_IFMT) == S_IFREG ? (mode & 0100 ? RT_MODE_EXEC : RT_MODE_FILE) : mode & S_IFMT;
	git_oid_cpy(&entry->id, id);
}

/* The entry in the tree that prefix names. */
static void
take(struct reading *reading, const git_tree_entry *entry)
{
	size_t before = reading->prefix.len;

	rt_buf_adds(&reading->prefix, git_tree_entry_name(entry));
	add_entry(reading->pre, reading->prefix.data, git_tree_entry_filemode_raw(entry), git_tree_entry_id(entry));
	rt_buf_cut(&reading->prefix, before);
}

/* Opens a subtree and makes prefix its own. *before is what to cut prefix to afterwards. */
static int
enter(struct reading *reading, const git_tree_entry *entry, git_tree **out, size_t *before, struct rt_err *err)
{
	struct rt_oid id;

	*before = reading->prefix.len;
	if (reading->depth >= DEPTH_MAX)
		return rt_fail(err, RT_EUNKNOWN, "a tree is more than %d directories deep", DEPTH_MAX);
	rt_oid_from_git(&id, git_tree_entry_id(entry));
	if (rt_tree_open(reading->repo, &id, out, err))
		return -1;
	rt_buf_addf(&reading->prefix, "%s/", git_tree_entry_name(entry));
	reading->depth++;
	return 0;
}

static void
leave(struct reading *reading, size_t before)
{
	rt_buf_cut(&reading->prefix, before);
	reading->depth--;
}

static bool
is_tree(const git_tree_entry *entry)
{
	return git_tree_entry_type(entry) == GIT_OBJECT_TREE;
}

/*
 * Everything below a tree; with paths, only its first entry that is not among them: it stands for all that stays there,
 * whatever the patch removes. 1: found, stop.
 */
static int
take_below(struct reading *reading, const git_tree *tree, struct rt_err *err)
{
	size_t i, before, n = git_tree_entrycount(tree);
	const git_tree_entry *entry;
	int result = 0;

	for (i = 0; i < n && !result; i++) {
		rt_auto(git_tree) git_tree *sub = NULL;

		entry = git_tree_entry_byindex(tree, i);
		if (is_tree(entry)) {
			if (enter(reading, entry, &sub, &before, err))
				return -1;
			result = take_below(reading, sub, err);
			leave(reading, before);
			continue;
		}
		take(reading, entry);
		result = reading->paths && !touches(reading->paths, reading->pre->at[reading->pre->n - 1].path);
	}
	return result;
}

static int take_paths(struct reading *reading, const git_tree *tree, size_t first, size_t n, struct rt_err *err);

/*
 * One name of a tree: paths first .. first + n go through it, the first of them may end there.
 */
static int
take_name(struct reading *reading, const git_tree *tree, const char *name, size_t first, size_t n, struct rt_err *err)
{
	const git_tree_entry *entry = git_tree_entry_byname(tree, name);
	bool ends = !strcmp(reading->paths->at[first] + reading->prefix.len, name);
	rt_auto(git_tree) git_tree *sub = NULL;
	size_t before;
	int result = 0;

	if (!entry)
		return 0;
	if (!is_tree(entry)) {
		take(reading, entry);
		return 0;
	}
	if (enter(reading, entry, &sub, &before, err))
		return -1;
	if (ends)
		result = take_below(reading, sub, err) < 0 ? -1 : 0;
	if (!result && n > ends)
		result = take_paths(reading, sub, first + ends, n - ends, err);
	leave(reading, before);
	return result;
}

/* The paths first .. first + n, which all begin with prefix. */
static int
take_paths(struct reading *reading, const git_tree *tree, size_t first, size_t n, struct rt_err *err)
{
	char *const *at = reading->paths->at;
	const git_tree_entry *attributes = git_tree_entry_byname(tree, ".gitattributes");
	size_t from, to, skip = reading->prefix.len, len;

	if (attributes && !is_tree(attributes))
		take(reading, attributes);
	for (from = first; from < first + n; from = to) {
		rt_auto(free) char *name = NULL;

		len = strcspn(at[from] + skip, "/");
		name = rt_strndup(at[from] + skip, len);
		for (to = from + 1; to < first + n; to++)
			if (strncmp(at[to] + skip, name, len) || at[to][skip + len] != '/')
				break;
		if (take_name(reading, tree, name, from, to - from, err))
			return -1;
	}
	return 0;
}

static void
sort_unique(struct rt_preimage *pre)
{
	size_t from, to = 0;

	if (!pre->n)
		return;
	qsort(pre->at, pre->n, sizeof(*pre->at), by_path);
	for (from = 1; from < pre->n; from++)
		if (strcmp(pre->at[to].path, pre->at[from].path))
			pre->at[++to] = pre->at[from];
	pre->n = to + 1;
}

int
rt_preimage_read(struct rt_repo *repo, const struct rt_oid *tree, const struct rt_strs *paths, struct rt_preimage *out,
		 struct rt_err *err)
{
	struct reading reading = {.repo = repo, .paths = paths, .pre = out, .prefix = RT_BUF_INIT};
	rt_auto(git_tree) git_tree *root = NULL;
	int result;

	if (rt_tree_open(repo, tree, &root, err))
		return -1;
	if (paths)
		result = take_paths(&reading, root, 0, paths->n, err);
	else
		result = take_below(&reading, root, err);
	rt_buf_release(&reading.prefix);
	sort_unique(out);
	return result;
}

static void
add_u32(struct rt_buf *out, uint32_t n)
{
	unsigned char bytes[4] = {(unsigned char)(n >> 24), (unsigned char)(n >> 16), (unsigned char)(n >> 8),
				  (unsigned char)n};

	rt_buf_add(out, bytes, 4);
}

/* gitformat-index(5): stat data (all zero, nothing is checked out), id, flags (length of the name), name, 1 to 8 NULs.
 */
static void
add_index_entry(struct rt_buf *out, const struct rt_pre_entry *entry)
{
	static const char zeros[40];
	size_t len = strlen(entry->path);
	unsigned flags = len < 0xfff ? (unsigned)len : 0xfff;
	char flag_bytes[2] = {(char)(flags >> 8), (char)flags};

	rt_buf_add(out, zeros, 24);
	add_u32(out, entry->mode);
	rt_buf_add(out, zeros, 12);
	rt_buf_add(out, entry->id.id, GIT_OID_RAWSZ);
	rt_buf_add(out, flag_bytes, 2);
	rt_buf_add(out, entry->path, len);
	rt_buf_add(out, zeros, 8 - (62 + len) % 8);
}

int
rt_preimage_write(const struct rt_preimage *pre, const char *file, struct rt_err *err)
{
	static const char no_checksum[GIT_OID_RAWSZ]; /* git does not read it, and takes zeros for "none" */
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;
	rt_auto(fd) int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	size_t i;

	rt_buf_adds(&out, "DIRC");
	add_u32(&out, 2);
	add_u32(&out, (uint32_t)pre->n);
	for (i = 0; i < pre->n; i++)
		add_index_entry(&out, &pre->at[i]);
	rt_buf_add(&out, no_checksum, sizeof(no_checksum));
	if (fd < 0 || rt_write_all(fd, out.data, out.len))
		return rt_fail_errno(err, "can't write the index %s", file);
	return 0;
}

int
rt_preimage_load(const char *file, struct rt_preimage *out, struct rt_err *err)
{
	rt_auto(git_index) git_index *index = NULL;
	const git_index_entry *entry;
	size_t i, n;

	if (git_index_open(&index, file))
		return rt_git_error(err, RT_EUNKNOWN, "can't read the index %s", file);
	for (i = 0, n = git_index_entrycount(index); i < n; i++) {
		entry = git_index_get_byindex(index, i);
		if (git_index_entry_stage(entry))
			return rt_fail(err, RT_EUNKNOWN, "git left %s unmerged", entry->path);
		add_entry(out, entry->path, entry->mode, &entry->id);
	}
	sort_unique(out);
	return 0;
}

void
rt_preimage_release(struct rt_preimage *pre)
{
	free(pre->at);
	rt_arena_release(&pre->paths);
	*pre = (struct rt_preimage){0};
}

struct difference {
	struct rt_update *at;
	struct rt_entry *old; /* beside each */
	size_t n, cap, old_cap;
	size_t seen; /* checked by compare_change */
};

static void
difference_release(struct difference *difference)
{
	free(difference->at);
	free(difference->old);
}
RT_DEFINE_AUTO(difference, struct difference, difference_release);

static struct rt_entry
to_entry(const struct rt_pre_entry *from)
{
	struct rt_entry entry = {0};

	if (!from)
		return entry;
	entry.mode = from->mode;
	rt_oid_from_git(&entry.id, &from->id);
	return entry;
}

/* One path; NULL: not there. */
static void
add_difference(struct difference *difference, const struct rt_pre_entry *old, const struct rt_pre_entry *new)
{
	struct rt_update *update;

	if (old && new && old->mode == new->mode && git_oid_equal(&old->id, &new->id))
		return;
	if (difference->n == difference->old_cap)
		difference->old = rt_grow(difference->old, &difference->old_cap, sizeof(*difference->old));
	difference->old[difference->n] = to_entry(old);
	update = rt_push(difference);
	update->path = old ? old->path : new->path;
	update->entry = to_entry(new);
}

static void
compare(struct difference *out, const struct rt_preimage *pre, const struct rt_preimage *post)
{
	size_t a = 0, b = 0;
	int order;

	while (a < pre->n || b < post->n) {
		order = a == pre->n ? 1 : b == post->n ? -1 : strcmp(pre->at[a].path, post->at[b].path);
		add_difference(out, order <= 0 ? &pre->at[a] : NULL, order >= 0 ? &post->at[b] : NULL);
		a += order <= 0;
		b += order >= 0;
	}
}

static int
update_cmp(const void *key, const void *update)
{
	return strcmp(key, ((const struct rt_update *)update)->path);
}

static bool
same(const struct rt_entry *a, const struct rt_entry *b)
{
	return a->mode == b->mode && (!a->mode || rt_oid_equal(&a->id, &b->id));
}

static uint32_t
plain_mode(uint32_t mode)
{
	return (mode & S_IFMT) == S_IFREG ? (mode & 0100 ? RT_MODE_EXEC : RT_MODE_FILE) : mode;
}

static int
compare_change(void *data, const struct rt_change_of *change, struct rt_err *err)
{
	struct difference *difference = data;
	struct rt_update *update = NULL;
	struct rt_entry old = change->old;

	if (difference->n)
		update = bsearch(change->path, difference->at, difference->n, sizeof(*difference->at), update_cmp);
	old.mode = plain_mode(old.mode);
	if (!update || !same(&update->entry, &change->new) || !same(&difference->old[update - difference->at], &old))
		return rt_fail(err, RT_EINTERNAL, "the tree made from the patch differs from git's at %s",
			       change->path);
	difference->seen++;
	return 0;
}

int
rt_preimage_tree(struct rt_repo *repo, const struct rt_oid *tree, const struct rt_preimage *pre,
		 const struct rt_preimage *post, struct rt_oid *out, struct rt_err *err)
{
	rt_auto(difference) struct difference difference = {0};

	compare(&difference, pre, post);
	if (rt_tree_update(repo, tree, difference.at, difference.n, out, err))
		return -1;
	if (rt_tree_diff(repo, tree, out, false, compare_change, &difference, err))
		return -1;
	if (difference.seen != difference.n)
		return rt_fail(err, RT_EINTERNAL, "the tree made from the patch lacks %zu of %zu changes",
			       difference.n - difference.seen, difference.n);
	return 0;
}
