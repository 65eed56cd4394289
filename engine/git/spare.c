#include "git/spare.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "git/span.h"
#include "support/file.h"
#include "support/proc.h"

enum { MAX_DEPTH = 2048, PACK_MS = 600000, TAG_CHAIN = 16 };

/* ---- which objects ---- */

struct listing {
	struct rt_repo *repo;
	struct rt_strs ids;
	struct rt_index index; /* over ids */
};

static const char *
listed_key(const void *owner, size_t at)
{
	return ((const struct rt_strs *)owner)->at[at];
}

static void
listing_release(struct listing *listing)
{
	rt_strs_release(&listing->ids);
	rt_index_release(&listing->index);
}
RT_DEFINE_AUTO(listing, struct listing, listing_release);

/* Whether it is new. */
static bool
list(struct listing *listing, const char *hex)
{
	listing->index.owner = &listing->ids;
	listing->index.key = listed_key;
	if (rt_index_find(&listing->index, hex) != RT_INDEX_NONE)
		return false;
	rt_strs_add(&listing->ids, hex);
	rt_index_add(&listing->index, listing->ids.n - 1);
	return true;
}

/* The objects of a tree that old (NULL: none) does not have under the same name. */
static int
list_tree(struct listing *listing, const struct rt_oid *id, const struct rt_oid *old_id, unsigned depth,
	  struct rt_err *err)
{
	rt_auto(git_tree) git_tree *tree = NULL;
	rt_auto(git_tree) git_tree *old = NULL;

	if ((old_id != NULL && rt_oid_equal(id, old_id)) || !list(listing, id->hex))
		return 0;
	if (depth >= MAX_DEPTH)
		return rt_fail(err, RT_EREFUSED, "tree %s is more than %d folders deep", id->hex, MAX_DEPTH);
	if (rt_tree_open(listing->repo, id, &tree, err) < 0)
		return -1;
	if (old_id != NULL && rt_tree_open(listing->repo, old_id, &old, err) < 0)
		return -1;
	for (size_t i = 0; i < git_tree_entrycount(tree); i++) {
		const git_tree_entry *entry = git_tree_entry_byindex(tree, i);
		const git_tree_entry *was = old != NULL ? git_tree_entry_byname(old, git_tree_entry_name(entry)) : NULL;
		uint32_t mode = (uint32_t)git_tree_entry_filemode_raw(entry);
		struct rt_oid below, before;

		if (mode == RT_MODE_GITLINK ||
		    (was != NULL && git_oid_equal(git_tree_entry_id(was), git_tree_entry_id(entry))))
			continue;
		rt_oid_from_git(&below, git_tree_entry_id(entry));
		if (mode != RT_MODE_TREE) {
			list(listing, below.hex);
			continue;
		}
		if (was != NULL)
			rt_oid_from_git(&before, git_tree_entry_id(was));
		was = was != NULL && (uint32_t)git_tree_entry_filemode_raw(was) == RT_MODE_TREE ? was : NULL;
		if (list_tree(listing, &below, was != NULL ? &before : NULL, depth + 1, err) < 0)
			return -1;
	}
	return 0;
}

static int
list_span(struct listing *listing, const struct rt_generations *span, const struct rt_generations *without,
	  struct rt_err *err)
{
	for (size_t i = 0; i < span->n; i++) {
		const struct rt_span_commit *commit = &span->at[i];
		const struct rt_span_commit *parent;

		if (without != NULL && rt_span_holds(without, commit->id.hex))
			continue;
		parent = commit->parent.hex[0] != '\0' ? rt_span_find(span, commit->parent.hex) : NULL;
		list(listing, commit->id.hex);
		if (list_tree(listing, &commit->tree, parent != NULL ? &parent->tree : NULL, 0, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- the pack ---- */

static int
run_pack_objects(struct rt_repo *repo, const struct rt_buf *ids, const char *to, struct rt_err *err)
{
	rt_auto(free) char *git_dir = rt_format("GIT_DIR=%s", repo->gitdir);
	rt_auto(buf) struct rt_buf errs = RT_BUF_INIT;
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;
	const char *const argv[] = {"git", "pack-objects", "-q", "--delta-base-offset", to, NULL};
	const char *const env[] = {git_dir,
				   "GIT_CONFIG_NOSYSTEM=1",
				   "GIT_CONFIG_GLOBAL=/dev/null",
				   "GIT_NO_REPLACE_OBJECTS=1",
				   "GIT_NO_LAZY_FETCH=1",
				   "GIT_TERMINAL_PROMPT=0",
				   "HOME=/nonexistent",
				   NULL};
	struct rt_proc proc = {.argv = argv,
			       .env = env,
			       .cwd = repo->gitdir,
			       .in = ids->data,
			       .in_len = ids->len,
			       .timeout_ms = PACK_MS,
			       .out = &out,
			       .errs = &errs};

	if (rt_proc_run(&proc, err) < 0)
		return -1;
	if (proc.exit_code != 0)
		return rt_fail(err, RT_EUNKNOWN, "git pack-objects: %.*s", (int)strcspn(errs.data, "\n"), errs.data);
	return 0;
}

int
rt_spare_pack(struct rt_repo *repo, const struct rt_generations *span, const struct rt_generations *without,
	      const struct rt_strs *more, const char *dir, struct rt_err *err)
{
	rt_auto(listing) struct listing listing = {.repo = repo};
	rt_auto(free) char *folder = rt_format("%s/.git/objects/pack", dir);
	rt_auto(free) char *to = rt_format("%s/pack", folder);
	rt_auto(buf) struct rt_buf ids = RT_BUF_INIT;

	if (rt_mkdirs(AT_FDCWD, folder, 0755, err) < 0 || list_span(&listing, span, without, err) < 0)
		return -1;
	for (size_t i = 0; more != NULL && i < more->n; i++)
		list(&listing, more->at[i]);
	for (size_t i = 0; i < listing.ids.n; i++)
		rt_buf_addf(&ids, "%s\n", listing.ids.at[i]);
	return ids.len != 0 ? run_pack_objects(repo, &ids, to, err) : 0;
}

/* ---- refs ---- */

struct tags {
	struct rt_repo *repo; /* whose tags they are */
	const struct rt_generations *span;
	struct rt_buf lines; /* of packed-refs */
	struct rt_strs objects;
};

/* Follows a tag to the commit that it names. Anything else that a tag may name is none of ours. */
static int
note_tag(void *data, const char *name, const struct rt_oid *oid, struct rt_err *err)
{
	struct tags *tags = data;
	rt_auto(strs) struct rt_strs chain = {0};
	rt_auto(git_object) git_object *at = NULL;
	struct rt_oid id = *oid;
	git_oid raw;

	for (int depth = 0; depth < TAG_CHAIN; depth++) {
		if (rt_oid_to_git(&raw, &id, err) < 0)
			return -1;
		git_object_free(at);
		at = NULL;
		if (git_object_lookup(&at, tags->repo->git, &raw, GIT_OBJECT_ANY) < 0) {
			git_error_clear();
			return 0;
		}
		if (git_object_type(at) != GIT_OBJECT_TAG)
			break;
		rt_strs_add(&chain, id.hex);
		rt_oid_from_git(&id, git_tag_target_id((const git_tag *)at));
	}
	if (at == NULL || git_object_type(at) != GIT_OBJECT_COMMIT || !rt_span_holds(tags->span, id.hex))
		return 0;
	rt_buf_addf(&tags->lines, "%s %s\n", oid->hex, name);
	if (chain.n != 0)
		rt_buf_addf(&tags->lines, "^%s\n", id.hex);
	for (size_t i = 0; i < chain.n; i++)
		rt_strs_add(&tags->objects, chain.at[i]);
	return 0;
}

static void
tags_release(struct tags *tags)
{
	rt_buf_release(&tags->lines);
	rt_strs_release(&tags->objects);
}
RT_DEFINE_AUTO(tags, struct tags, tags_release);

/* ---- the index ---- */

struct listing_of_stats {
	int dir;
	struct rt_buf prefix;
	struct rt_strs paths;
	struct rt_index index;
	RT_VEC(struct stat) stats;
};

static int
note_stat(void *data, const char *name, struct rt_err *err)
{
	struct listing_of_stats *all = data;
	size_t base = all->prefix.len;
	int outer = all->dir, rc = 0;
	struct stat st;

	if (fstatat(all->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return rt_fail_errno(err, "looking at %s%s in a layer", all->prefix.data, name);
	rt_buf_adds(&all->prefix, name);
	if (S_ISDIR(st.st_mode)) {
		rt_auto(fd) int below = openat(all->dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		rt_buf_addc(&all->prefix, '/');
		all->dir = below;
		rc = below < 0 ? rt_fail_errno(err, "opening %s in a layer", all->prefix.data)
			       : rt_list_dir(below, ".", note_stat, all, err);
		all->dir = outer;
	} else if (rt_index_find(&all->index, all->prefix.data) == RT_INDEX_NONE) {
		rt_strs_add(&all->paths, all->prefix.data);
		*rt_push(&all->stats) = st;
		rt_index_add(&all->index, all->paths.n - 1);
	}
	rt_buf_cut(&all->prefix, base);
	return rc;
}

static void
stats_release(struct listing_of_stats *all)
{
	rt_buf_release(&all->prefix);
	rt_strs_release(&all->paths);
	rt_index_release(&all->index);
	free(all->stats.at);
}
RT_DEFINE_AUTO(stats, struct listing_of_stats, stats_release);

/* All that lies in the layers but the lowest, which has most and is asked path by path. */
static int
read_upper_layers(struct listing_of_stats *all, const struct rt_strs *layers, struct rt_err *err)
{
	all->index.owner = &all->paths;
	all->index.key = listed_key;
	for (size_t i = 0; i + 1 < layers->n; i++) {
		rt_auto(fd) int dir = open(layers->at[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		all->dir = dir;
		if (dir < 0)
			return rt_fail_errno(err, "opening the layer %s", layers->at[i]);
		if (rt_list_dir(dir, ".", note_stat, all, err) < 0)
			return -1;
	}
	return 0;
}

struct filling {
	git_index *index;
	const struct listing_of_stats *upper;
	int lowest;
};

/* Size and second of change are all that git is told to compare; what has none is looked at by git itself. */
static int
add_entry(void *data, const struct rt_change_of *change, struct rt_err *err)
{
	const struct filling *filling = data;
	size_t at = rt_index_find(&filling->upper->index, change->path);
	git_index_entry entry = {.mode = change->new.mode, .path = change->path};
	struct stat st = {0};

	if (rt_oid_to_git(&entry.id, &change->new.id, err) < 0)
		return -1;
	if (at != RT_INDEX_NONE)
		st = filling->upper->stats.at[at];
	else if (fstatat(filling->lowest, change->path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		memset(&st, 0, sizeof(st));
	if (!S_ISDIR(st.st_mode)) {
		entry.mtime.seconds = (int32_t)st.st_mtim.tv_sec;
		entry.file_size = (uint32_t)st.st_size;
	}
	return git_index_add(filling->index, &entry) < 0 ? rt_git_error(err, RT_EIO, "cannot list %s", change->path)
							 : 0;
}

static int
write_index(struct rt_repo *repo, const struct rt_oid *tree, const struct rt_strs *layers, const char *dir,
	    struct rt_err *err)
{
	static const struct rt_oid nothing = {""};
	rt_auto(free) char *path = rt_format("%s/.git/index", dir);
	rt_auto(git_index) git_index *index = NULL;
	rt_auto(stats) struct listing_of_stats upper = {.dir = -1, .prefix = RT_BUF_INIT};
	rt_auto(fd) int lowest = -1;
	struct filling filling = {.upper = &upper};

	if (read_upper_layers(&upper, layers, err) < 0)
		return -1;
	lowest = open(layers->at[layers->n - 1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lowest < 0)
		return rt_fail_errno(err, "opening the layer %s", layers->at[layers->n - 1]);
	if (git_index_open(&index, path) < 0)
		return rt_git_error(err, RT_EIO, "cannot make %s", path);
	filling.index = index;
	filling.lowest = lowest;
	if (rt_tree_diff(repo, &nothing, tree, false, add_entry, &filling, err) < 0)
		return -1;
	return git_index_write(index) < 0 ? rt_git_error(err, RT_EIO, "cannot write %s", path) : 0;
}

/* ---- all of it ---- */

static int
put(const char *dir, const char *name, const char *text, struct rt_err *err)
{
	rt_auto(free) char *path = rt_format("%s/.git/%s", dir, name);
	rt_auto(fd) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0 || rt_write_all(fd, text, strlen(text)) < 0)
		return rt_fail_errno(err, "cannot write %s", path);
	return 0;
}

static int
put_folders(const char *dir, struct rt_err *err)
{
	static const char *const folders[] = {"objects/pack", "objects/info", "refs/heads", "refs/tags", "info"};

	for (size_t i = 0; i < RT_COUNT(folders); i++) {
		rt_auto(free) char *path = rt_format("%s/.git/%s", dir, folders[i]);

		if (rt_mkdirs(AT_FDCWD, path, 0755, err) < 0)
			return -1;
	}
	return 0;
}

int
rt_spare_write(struct rt_repo *repo, struct rt_repo *refs, const struct rt_generations *span,
	       const struct rt_generations *without, const struct rt_strs *layers, const char *dir, struct rt_err *err)
{
	/* Inodes and change times differ between a layer and what an overlay shows of it. */
	static const char config[] = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n"
				     "\tlogallrefupdates = false\n\tcheckStat = minimal\n\ttrustctime = false\n"
				     "[gc]\n\tauto = 0\n";
	rt_auto(tags) struct tags tags = {.repo = refs, .span = span, .lines = RT_BUF_INIT};
	rt_auto(buf) struct rt_buf shallow = RT_BUF_INIT;
	rt_auto(free) char *head = rt_format("%s\n", span->at[0].id.hex);

	for (size_t i = 0; i < span->n; i++)
		if (span->at[i].cut)
			rt_buf_addf(&shallow, "%s\n", span->at[i].id.hex);
	rt_buf_adds(&tags.lines, "# pack-refs with: peeled fully-peeled sorted \n");
	if (put_folders(dir, err) < 0 || rt_ref_each(refs, "refs/tags/", note_tag, &tags, err) < 0 ||
	    rt_spare_pack(repo, span, without, &tags.objects, dir, err) < 0)
		return -1;
	if (put(dir, "HEAD", head, err) < 0 || put(dir, "config", config, err) < 0 ||
	    put(dir, "packed-refs", tags.lines.data, err) < 0 ||
	    (shallow.len != 0 && put(dir, "shallow", shallow.data, err) < 0))
		return -1;
	return write_index(repo, &span->at[0].tree, layers, dir, err);
}
