#include "cycle/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "git/export.h"
#include "model/glob.h"
#include "support/clock.h"
#include "support/digest.h"
#include "support/tempname.h"

enum { MAX_DEPTH = 32, LOCK_MS = 600000 };

void
rt_stack_release(struct rt_stack *stack)
{
	rt_strs_release(&stack->dirs);
	rt_lock_drop(&stack->lock);
}

/* Reads layers/<tree>/<name> into text without its newline: 1, 0 not there, -1. */
static int
read_note(const struct rt_home *home, const char *tree, const char *name, struct rt_buf *text, struct rt_err *err)
{
	rt_auto(free) char *path = rt_home_path(home, "layers/%s/%s", tree, name);
	if (!rt_exists(AT_FDCWD, path))
		return 0;
	if (rt_file_read(AT_FDCWD, path, 256, text, err) < 0)
		return -1;
	rt_buf_cut(text, strcspn(text->data, "\n"));
	return 1;
}

/* A layer counts when `done` says that it was synced, or that it was written in this boot. */
static int
layer_done(const struct rt_home *home, const char *tree, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	int found = read_note(home, tree, "done", &text, err);
	if (found <= 0)
		return found;
	return strcmp(text.data, "synced") == 0 || strcmp(text.data, rt_boot_id()) == 0;
}

/* Appends the directories of a tree's stack; 1 whole, 0 some layer does not count. bottom gets the base's tree id. */
static int
read_stack(const struct rt_home *home, const char *tree, struct rt_strs *dirs, struct rt_oid *bottom,
	   struct rt_err *err)
{
	struct rt_oid at;
	snprintf(at.hex, sizeof(at.hex), "%s", tree);
	for (int depth = 0; depth <= MAX_DEPTH + 1; depth++) {
		rt_auto(buf) struct rt_buf below = RT_BUF_INIT;
		int done = layer_done(home, at.hex, err);
		if (done <= 0)
			return done;
		rt_strs_addf(dirs, "%s/layers/%s/tree", home->dir, at.hex);
		*bottom = at;
		int more = read_note(home, at.hex, "below", &below, err);
		if (more < 0)
			return -1;
		if (!more)
			return 1;
		if (below.len != RT_OID_HEX)
			return 0;
		memcpy(at.hex, below.data, below.len);
	}
	return 0;
}

static int
lock_layer(const struct rt_home *home, const char *tree, bool shared, struct rt_lock *lock, struct rt_err *err)
{
	rt_auto(free) char *dir = rt_home_path(home, "layers/%s", tree);
	rt_auto(free) char *path = rt_format("%s.lock", dir);
	if (rt_mkdirs(AT_FDCWD, dir, 0755, err) < 0)
		return -1;
	rt_auto(buf) struct rt_buf holder = RT_BUF_INIT;
	int busy = rt_lock_take(lock, path, shared, rt_clock_ms() + LOCK_MS, "layer\n", &holder, err);
	if (busy > 0)
		return rt_fail(err, RT_ECONFLICT, "%s is being written by %s; try again", path, holder.data);
	/* who held the lock before may have removed the folder */
	return busy ? busy : rt_mkdirs(AT_FDCWD, dir, 0755, err);
}

static int
finish(const struct rt_home *home, const char *tree, bool synced, struct rt_err *err)
{
	rt_auto(free) char *dir = rt_home_path(home, "layers/%s", tree);
	rt_auto(free) char *temporary = rt_format("%s/done.new", dir);
	rt_auto(free) char *done = rt_format("%s/done", dir);
	rt_auto(fd) int fd = -1;
	if (synced) {
		/* one syncfs is cheaper than an fsync for each of the base's files */
		rt_auto(fd) int top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (top < 0 || syncfs(top) < 0)
			return rt_fail_errno(err, "syncing %s", dir);
		return rt_file_write_durable(AT_FDCWD, done, "synced\n", 7, 0644, err);
	}
	const char *boot = rt_boot_id();
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || rt_write_all(fd, boot, strlen(boot)) < 0 || rename(temporary, done) < 0)
		return rt_fail_errno(err, "writing %s", done);
	return 0;
}

/* Makes layers/<tree> anew: a delta above `below`, or a base when that is "". The caller holds its lock alone. */
static int
make_layer(const struct rt_home *home, struct rt_repo *repo, const struct rt_oid *tree, const char *below,
	   struct rt_err *err)
{
	rt_auto(free) char *dir = rt_home_path(home, "layers/%s", tree->hex);
	rt_auto(free) char *files = rt_format("%s/tree", dir);
	rt_auto(free) char *note = rt_format("%s/below", dir);
	rt_auto(free) char *done = rt_format("%s/done", dir);
	if (unlink(done) < 0 && errno != ENOENT)
		return rt_fail_errno(err, "removing %s", done);
	if (unlink(note) < 0 && errno != ENOENT)
		return rt_fail_errno(err, "removing %s", note);
	if (rt_remove_tree(AT_FDCWD, files, err) < 0)
		return -1;
	if (mkdir(files, 0755) < 0)
		return rt_fail_errno(err, "making %s", files);
	if (!below[0]) {
		if (rt_export_tree(repo, tree, files, NULL, NULL, err) < 0)
			return rt_err_while(err, "exporting %s", tree->hex);
		return finish(home, tree->hex, true, err);
	}
	struct rt_oid lower;
	snprintf(lower.hex, sizeof(lower.hex), "%s", below);
	if (rt_export_delta(repo, &lower, tree, files, err) < 0)
		return rt_err_while(err, "exporting %s over %s", tree->hex, below);
	rt_auto(fd) int fd = open(note, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || rt_write_all(fd, below, strlen(below)) < 0)
		return rt_fail_errno(err, "writing %s", note);
	return finish(home, tree->hex, false, err);
}

/* What a new layer for tree should lie on: `near` where that has a stack that is not too deep, its base where it is, ""
 * for a base of its own. */
static int
choose_below(const struct rt_home *home, const struct rt_oid *near, struct rt_oid *below, struct rt_err *err)
{
	rt_auto(strs) struct rt_strs dirs = {0};
	struct rt_oid bottom = {""};
	below->hex[0] = '\0';
	if (!near || !near->hex[0])
		return 0;
	int whole = read_stack(home, near->hex, &dirs, &bottom, err);
	if (whole <= 0)
		return whole;
	*below = dirs.n < MAX_DEPTH ? *near : bottom;
	return 0;
}

int
rt_layers_get(struct rt_home *home, struct rt_repo *repo, const struct rt_oid *tree, const struct rt_oid *near,
	      struct rt_stack *out, struct rt_err *err)
{
	struct rt_oid bottom, below;
	for (int tries = 0; tries < 3; tries++) {
		rt_stack_release(out);
		if (lock_layer(home, tree->hex, true, &out->lock, err) < 0)
			return -1;
		int whole = read_stack(home, tree->hex, &out->dirs, &bottom, err);
		if (whole > 0)
			return futimens(out->lock.fd, NULL) < 0 ? rt_fail_errno(err, "touching a layer's lock") : 0;
		if (whole < 0)
			return -1;
		rt_stack_release(out);

		rt_auto(lock) struct rt_lock alone = RT_LOCK_INIT;
		rt_auto(strs) struct rt_strs dirs = {0};
		if (lock_layer(home, tree->hex, false, &alone, err) < 0)
			return -1;
		whole = read_stack(home, tree->hex, &dirs, &bottom, err);
		if (whole < 0)
			return -1;
		if (whole)
			continue; /* somebody else made it while we waited */
		if (choose_below(home, near, &below, err) < 0)
			return -1;
		if (make_layer(home, repo, tree, strcmp(below.hex, tree->hex) == 0 ? "" : below.hex, err) < 0)
			return -1;
	}
	return rt_fail(err, RT_ECONFLICT, "the exported tree %s was removed three times while it was made", tree->hex);
}

int
rt_layers_last(const struct rt_home *home, struct rt_oid *tree, struct rt_err *err)
{
	rt_auto(free) char *path = rt_home_path(home, "layers/last");
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	tree->hex[0] = '\0';
	if (!rt_exists(AT_FDCWD, path))
		return 0;
	if (rt_file_read(AT_FDCWD, path, 256, &text, err) < 0)
		return -1;
	if (text.len == RT_OID_HEX)
		memcpy(tree->hex, text.data, RT_OID_HEX + 1);
	return 0;
}

int
rt_layers_set_last(const struct rt_home *home, const struct rt_oid *tree, struct rt_err *err)
{
	/* only a hint: not durable, and a torn one is noticed by its length */
	rt_auto(free) char *path = rt_home_path(home, "layers/last");
	char temp[RT_TEMP_NAME];
	rt_temp_name(temp, RT_TEMP_PREFIX);
	rt_auto(free) char *own = rt_home_path(home, "layers/%s", temp);
	rt_auto(fd) int fd = open(own, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || rt_write_all(fd, tree->hex, RT_OID_HEX) < 0 || rename(own, path) < 0)
		return rt_fail_errno(err, "writing %s", path);
	return 0;
}

/* ---- filtered trees ---- */

struct filter {
	struct rt_repo *repo;
	const struct rt_strs *globs;
	const char *prefix; /* of the tree in hand, with a slash at the end, or "" */
	RT_VEC(struct rt_update) keep;
	struct rt_strs paths;
};

/* Does the pattern take everything below the directory (given without a slash at its end)? */
static bool
takes_whole(const struct rt_strs *globs, const char *dir)
{
	for (size_t i = 0; i < globs->n; i++) {
		size_t len = strlen(globs->at[i]);
		if (rt_ends_with(globs->at[i], "/**")) {
			rt_auto(free) char *top = rt_strndup(globs->at[i], len - 3);
			if (rt_glob_match(top, dir))
				return true;
		} else if (rt_glob_match(globs->at[i], dir)) {
			return true; /* a pattern that names a directory takes all below it */
		}
	}
	return false;
}

static bool
is_literal(const char *part, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (strchr("*?[\\", part[i]))
			return false;
	return true;
}

/* Could the pattern match something below the directory? Its literal leading components must agree; a wildcard may. */
static bool
may_reach(const char *glob, const char *dir)
{
	for (;;) {
		size_t g = strcspn(glob, "/"), d = strcspn(dir, "/");
		if (!is_literal(glob, g))
			return true;
		if (g != d || memcmp(glob, dir, g) != 0)
			return false;
		if (!dir[d])
			return true;
		if (!glob[g])
			return true;
		glob += g + 1;
		dir += d + 1;
	}
}

static bool
any_may_reach(const struct rt_strs *globs, const char *dir)
{
	for (size_t i = 0; i < globs->n; i++)
		if (may_reach(globs->at[i], dir))
			return true;
	return false;
}

static int
filter_entry(void *data, const char *name, const struct rt_entry *entry, struct rt_err *err)
{
	struct filter *f = data;
	rt_auto(free) char *path = rt_format("%s%s", f->prefix, name);
	bool is_dir = entry->mode == 0040000;
	if (is_dir && !takes_whole(f->globs, path)) {
		if (!any_may_reach(f->globs, path))
			return 0;
		rt_auto(free) char *prefix = rt_format("%s/", path);
		const char *outer = f->prefix;
		f->prefix = prefix;
		int failed = rt_tree_list(f->repo, &entry->id, "", filter_entry, f, err);
		f->prefix = outer;
		return failed;
	}
	if (!is_dir && !rt_globs_match(f->globs, path))
		return 0;
	rt_strs_add(&f->paths, path);
	rt_push(&f->keep)->entry = *entry;
	return 0;
}

int
rt_tree_filter(struct rt_repo *repo, const struct rt_oid *tree, const struct rt_strs *globs, struct rt_oid *out,
	       struct rt_err *err)
{
	if (globs->n == 0) {
		*out = *tree;
		return 0;
	}
	struct filter f = {.repo = repo, .globs = globs, .prefix = ""};
	int result = rt_tree_list(repo, tree, "", filter_entry, &f, err);
	for (size_t i = 0; i < f.keep.n; i++)
		f.keep.at[i].path = f.paths.at[i];
	if (result == 0)
		result = rt_tree_update(repo, &(struct rt_oid){""}, f.keep.at, f.keep.n, out, err);
	free(f.keep.at);
	rt_strs_release(&f.paths);
	return result < 0 ? -1 : 0;
}

/* ---- removal ---- */

struct sweep {
	struct rt_home *home;
	RT_VEC(struct aged {
		struct rt_oid tree;
		struct timespec used;
	})
	layers;
	struct rt_strs needed; /* trees that a kept layer lies on */
};

static int
note_layer(void *data, const char *name, struct rt_err *err)
{
	struct sweep *sweep = data;
	struct stat st;
	(void)err;
	rt_auto(free) char *lock = rt_home_path(sweep->home, "layers/%s.lock", name);
	if (strlen(name) != RT_OID_HEX)
		return 0;
	struct aged *aged = rt_push(&sweep->layers);
	memcpy(aged->tree.hex, name, RT_OID_HEX);
	if (stat(lock, &st) == 0)
		aged->used = st.st_mtim;
	return 0;
}

static int
newest_first(const void *a, const void *b)
{
	const struct timespec *x = &((const struct aged *)a)->used, *y = &((const struct aged *)b)->used;
	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? 1 : -1;
	return (x->tv_nsec < y->tv_nsec) - (x->tv_nsec > y->tv_nsec);
}

/* Removes one layer unless somebody looks at it: 1 removed, 0 in use. */
static int
drop_layer(const struct rt_home *home, const char *tree, struct rt_err *err)
{
	rt_auto(lock) struct rt_lock alone = RT_LOCK_INIT;
	rt_auto(free) char *dir = rt_home_path(home, "layers/%s", tree);
	rt_auto(free) char *lock = rt_format("%s.lock", dir);
	rt_auto(free) char *done = rt_format("%s/done", dir);
	int busy = rt_lock_take(&alone, lock, false, 0, "gc\n", NULL, err);
	if (busy)
		return busy < 0 ? -1 : 0;
	if (unlink(done) < 0 && errno != ENOENT)
		return rt_fail_errno(err, "removing %s", done);
	if (rt_remove_tree(AT_FDCWD, dir, err) < 0)
		return -1;
	/* who waits for it sees that the file is another one by then (support/lock.c) */
	unlink(lock);
	return 1;
}

static int
note_chain(struct sweep *sweep, const char *tree, struct rt_err *err)
{
	struct rt_oid at;
	snprintf(at.hex, sizeof(at.hex), "%s", tree);
	for (int depth = 0; depth <= MAX_DEPTH + 1; depth++) {
		rt_auto(buf) struct rt_buf below = RT_BUF_INIT;
		rt_strs_add(&sweep->needed, at.hex);
		int more = read_note(sweep->home, at.hex, "below", &below, err);
		if (more <= 0 || below.len != RT_OID_HEX)
			return more < 0 ? -1 : 0;
		memcpy(at.hex, below.data, below.len);
	}
	return 0;
}

int
rt_layers_sweep(struct rt_home *home, size_t keep, size_t *removed, struct rt_err *err)
{
	struct sweep sweep = {.home = home};
	rt_auto(free) char *dir = rt_home_path(home, "layers");
	int result = rt_list_dir(AT_FDCWD, dir, note_layer, &sweep, err);
	if (sweep.layers.n)
		qsort(sweep.layers.at, sweep.layers.n, sizeof(*sweep.layers.at), newest_first);
	for (size_t i = 0; i < sweep.layers.n && result == 0; i++) {
		const char *tree = sweep.layers.at[i].tree.hex;
		if (i < keep) {
			result = note_chain(&sweep, tree, err);
		} else if (!rt_strs_has(&sweep.needed, tree)) {
			int dropped = drop_layer(home, tree, err);
			/* one in use: what it lies on stays as well */
			if (dropped == 0)
				result = note_chain(&sweep, tree, err);
			else if (dropped > 0)
				(*removed)++;
			else
				result = -1;
		}
	}
	free(sweep.layers.at);
	rt_strs_release(&sweep.needed);
	return result;
}

int
rt_layers_tidy(struct rt_home *home, size_t *removed, struct rt_err *err)
{
	struct sweep sweep = {.home = home};
	rt_auto(free) char *dir = rt_home_path(home, "layers");
	int result = rt_list_dir(AT_FDCWD, dir, note_layer, &sweep, err);
	for (size_t i = 0; i < sweep.layers.n && result == 0; i++) {
		rt_auto(free) char *layer = rt_format("%s/%s", dir, sweep.layers.at[i].tree.hex);
		rt_auto(free) char *done = rt_format("%s/done", layer);
		if (rt_exists(AT_FDCWD, done))
			continue;
		int dropped = drop_layer(home, sweep.layers.at[i].tree.hex, err);
		*removed += dropped > 0;
		result = dropped < 0 ? -1 : 0;
	}
	free(sweep.layers.at);
	return result;
}
