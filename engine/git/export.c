#include "git/export.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "git/internal.h"
#include "support/file.h"

struct export
{
	struct rt_repo *repo;
	const char *dir;
	bool (*keep)(void *data, const char *path);
	void *data;
	struct rt_buf path; /* of the folder being written, with a slash at the end; "" is the root */
	unsigned depth;
};

#define MAX_DEPTH 2048

static int
fail_at(const struct export *x, const char *name, struct rt_err *err)
{
	return rt_fail_errno(err, "cannot write %s/%s%s", x->dir, x->path.data, name);
}

/* ---- single entries ---- */

static int
write_file(const struct export *x, int at, const char *name, const struct rt_entry *entry, struct rt_err *err)
{
	rt_auto(git_odb_object) git_odb_object *blob = NULL;
	rt_auto(fd) int fd = -1;
	mode_t mode = (entry->mode & 0100) != 0 ? 0755 : 0644;
	struct stat st;

	if (rt_odb_read(x->repo, &entry->id, GIT_OBJECT_BLOB, &blob, err) < 0)
		return -1;
	fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0 || rt_write_all(fd, git_odb_object_data(blob), git_odb_object_size(blob)) < 0 || fstat(fd, &st) < 0)
		return fail_at(x, name, err);
	if ((st.st_mode & 07777) != mode && fchmod(fd, mode) < 0)
		return fail_at(x, name, err);
	return 0;
}

static int
write_link(const struct export *x, int at, const char *name, const struct rt_entry *entry, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf target = RT_BUF_INIT;

	if (rt_blob_read(x->repo, &entry->id, 4096, &target, err) < 0)
		return -1;
	/* Neither empty nor cut at a NUL: the file system has no such link. */
	if (target.len == 0 || strlen(target.data) != target.len)
		return rt_fail(err, RT_EREFUSED, "%s%s is a symbolic link that no file system can hold", x->path.data,
			       name);
	return symlinkat(target.data, at, name) < 0 ? fail_at(x, name, err) : 0;
}

/* Opens the folder name, made if it is not there yet. Its descriptor, or -1 with errno. */
static int
open_folder(int at, const char *name)
{
	rt_auto(fd) int fd = -1;
	struct stat st;
	int out;

	if (mkdirat(at, name, 0755) < 0 && errno != EEXIST)
		return -1;
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || ((st.st_mode & 07777) != 0755 && fchmod(fd, 0755) < 0))
		return -1;
	out = fd;
	fd = -1;
	return out;
}

/* A folder on the way; made when the first thing goes into it, so that a selection has no folders in which nothing was
 * kept. */
struct folder {
	struct folder *up;
	const char *name;
	int fd; /* -1: not made yet */
};

static int
need_folder(const struct export *x, struct folder *folder, struct rt_err *err)
{
	if (folder->fd >= 0)
		return 0;
	if (need_folder(x, folder->up, err) < 0)
		return -1;
	folder->fd = open_folder(folder->up->fd, folder->name);
	/* The path ends in this folder, or in one below it that is made next. */
	return folder->fd < 0 ? fail_at(x, "", err) : 0;
}

static int export_tree(struct export *x, struct folder *folder, const struct rt_oid *id, struct rt_err *err);

static int
export_folder(struct export *x, struct folder *up, const char *name, const struct rt_oid *id, struct rt_err *err)
{
	struct folder folder = {.up = up, .name = name, .fd = -1};
	size_t base = x->path.len;
	int rc;

	rt_buf_addf(&x->path, "%s/", name);
	rc = x->keep == NULL ? need_folder(x, &folder, err) : 0;
	if (rc == 0)
		rc = export_tree(x, &folder, id, err);
	rt_buf_cut(&x->path, base);
	rt_close(folder.fd);
	return rc;
}

static bool
is_kept(struct export *x, const char *name)
{
	size_t base = x->path.len;
	bool kept;

	if (x->keep == NULL)
		return true;
	rt_buf_adds(&x->path, name);
	kept = x->keep(x->data, x->path.data);
	rt_buf_cut(&x->path, base);
	return kept;
}

static int
export_entry(struct export *x, struct folder *folder, const char *name, const struct rt_entry *entry,
	     struct rt_err *err)
{
	if (entry->mode == RT_MODE_TREE)
		return export_folder(x, folder, name, &entry->id, err);
	if (!is_kept(x, name))
		return 0;
	if (need_folder(x, folder, err) < 0)
		return -1;
	if (entry->mode == RT_MODE_LINK)
		return write_link(x, folder->fd, name, entry, err);
	if (entry->mode == RT_MODE_GITLINK) {
		rt_auto(fd) int fd = open_folder(folder->fd, name);

		return fd < 0 ? fail_at(x, name, err) : 0;
	}
	return write_file(x, folder->fd, name, entry, err);
}

static int
export_tree(struct export *x, struct folder *folder, const struct rt_oid *id, struct rt_err *err)
{
	rt_auto(git_tree) git_tree *tree = NULL;

	if (x->depth >= MAX_DEPTH)
		return rt_fail(err, RT_EREFUSED, "%.200s... is more than %d folders deep", x->path.data, MAX_DEPTH);
	if (rt_tree_open(x->repo, id, &tree, err) < 0)
		return -1;
	x->depth++;
	for (size_t i = 0; i < git_tree_entrycount(tree); i++) {
		const git_tree_entry *found = git_tree_entry_byindex(tree, i);
		struct rt_entry entry = {.mode = (uint32_t)git_tree_entry_filemode_raw(found)};

		rt_oid_from_git(&entry.id, git_tree_entry_id(found));
		if (export_entry(x, folder, git_tree_entry_name(found), &entry, err) < 0)
			return -1;
	}
	x->depth--;
	return 0;
}

static int
open_root(const char *dir, int *out, struct rt_err *err)
{
	*out = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *out < 0 ? rt_fail_errno(err, "cannot open %s", dir) : 0;
}

int
rt_export_tree(struct rt_repo *repo, const struct rt_oid *tree, const char *dir,
	       bool (*keep)(void *data, const char *path), void *data, struct rt_err *err)
{
	struct export x = {.repo = repo, .dir = dir, .keep = keep, .data = data, .path = RT_BUF_INIT};
	struct folder root = {.fd = -1};
	int rc;

	if (open_root(dir, &root.fd, err) < 0)
		return -1;
	rc = export_tree(&x, &root, tree, err);
	rt_close(root.fd);
	rt_buf_release(&x.path);
	return rc;
}

/* ---- deltas ---- */

struct delta {
	struct export x;
	int root;
	int fd; /* of the folder that x.path names */
	const struct rt_oid *new;
};

/* Opens the folder that the path lies in, made as needed; changes come sorted, so it is mostly the one before. */
static int
enter_folder(struct delta *d, const char *path, struct rt_err *err)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash != NULL ? (size_t)(slash - path) + 1 : 0;

	if (d->fd >= 0 && d->x.path.len == len && strncmp(d->x.path.data, path, len) == 0)
		return 0;
	rt_close(d->fd);
	d->fd = dup(d->root);
	if (d->fd < 0)
		return rt_fail_errno(err, "cannot open %s", d->x.dir);
	rt_buf_cut(&d->x.path, 0);
	while (d->x.path.len < len) {
		const char *from = path + d->x.path.len;
		rt_auto(free) char *name = rt_strndup(from, (size_t)(strchr(from, '/') - from));
		int next = open_folder(d->fd, name);

		if (next < 0)
			return fail_at(&d->x, name, err);
		rt_close(d->fd);
		d->fd = next;
		rt_buf_addf(&d->x.path, "%s/", name);
	}
	return 0;
}

static int
write_whiteout(const struct delta *d, const char *name, struct rt_err *err)
{
	if (mknodat(d->fd, name, S_IFCHR, makedev(0, 0)) == 0)
		return 0;
	return fail_at(&d->x, name, err);
}

static int
write_change(void *data, const struct rt_change_of *change, struct rt_err *err)
{
	struct delta *d = data;
	const char *slash = strrchr(change->path, '/');
	const char *name = slash != NULL ? slash + 1 : change->path;
	struct rt_entry now;

	if (enter_folder(d, change->path, err) < 0)
		return -1;
	if (change->new.mode != 0) {
		struct folder here = {.fd = d->fd};

		return export_entry(&d->x, &here, name, &change->new, err);
	}
	/* A file that became a folder, or the reverse, is removed in one call and put in another. */
	if (rt_tree_entry(d->x.repo, d->new, change->path, &now, err) < 0)
		return -1;
	return now.mode != 0 ? 0 : write_whiteout(d, name, err);
}

int
rt_export_delta(struct rt_repo *repo, const struct rt_oid *old, const struct rt_oid *new, const char *dir,
		struct rt_err *err)
{
	struct delta d = {.x = {.repo = repo, .dir = dir, .path = RT_BUF_INIT}, .root = -1, .fd = -1, .new = new};
	int rc;

	if (open_root(dir, &d.root, err) < 0)
		return -1;
	rc = rt_tree_diff(repo, old, new, true, write_change, &d, err);
	rt_close(d.fd);
	rt_close(d.root);
	rt_buf_release(&d.x.path);
	return rc;
}
