#include "cycle/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "git/export.h"
#include "support/clock.h"
#include "support/digest.h"
#include "support/tempname.h"

enum { MAX_DEPTH = 32, LOCK_MS = 600000, GITLINK = 0160000 };

void
rt_stack_release(struct rt_stack *stack)
{
	rt_strs_release(&stack->dirs);
	rt_lock_drop(&stack->lock);
}

/* Reads layers/<tree>/<name> into text, `done` without its newline: 1, 0 not there, -1. */
static int
read_note(const struct rt_home *home, const char *tree, const char *name, struct rt_buf *text, struct rt_err *err)
{
	rt_auto(free) char *path = rt_home_path(home, "layers/%s/%s", tree, name);
	if (!rt_exists(AT_FDCWD, path))
		return 0;
	if (rt_file_read(AT_FDCWD, path, (MAX_DEPTH + 2) * (RT_OID_HEX + 1), text, err) < 0)
		return -1;
	if (strcmp(name, "done") == 0)
		rt_buf_cut(text, strcspn(text->data, "\n"));
	return 1;
}

/*
 * A layer counts when `done` says that it was synced, or that it was written in this boot. Only a delta can be
 * unsynced; the word before the boot's id tells how it names what it lies on.
 */
#define WRITTEN "stack "

enum { IS_BASE = 1, IS_DELTA };

static int
layer_done(const struct rt_home *home, const char *tree, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	int found = read_note(home, tree, "done", &text, err);
	if (found <= 0)
		return found;
	if (strcmp(text.data, "synced") == 0)
		return IS_BASE;
	return rt_starts_with(text.data, WRITTEN) && strcmp(text.data + strlen(WRITTEN), rt_boot_id()) == 0 ? IS_DELTA
													    : 0;
}

/* Appends the trees that a layer lies on, as its note `stack` lists them, topmost first; none for a base. */
static int
read_below(const struct rt_home *home, const char *tree, struct rt_strs *trees, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	int found = read_note(home, tree, "stack", &text, err);
	for (const char *at = text.data; found > 0 && strlen(at) > RT_OID_HEX; at += RT_OID_HEX + 1)
		rt_strs_addf(trees, "%.*s", RT_OID_HEX, at);
	return found < 0 ? -1 : 0;
}

/*
 * Appends the trees of a tree's stack, topmost first: 1 whole, 0 some layer does not count. When the topmost was
 * written all below it counted, and what goes loses its `done` first.
 */
static int
read_stack(const struct rt_home *home, const char *tree, struct rt_strs *trees, struct rt_err *err)
{
	int done = layer_done(home, tree, err);
	if (done <= 0)
		return done;
	rt_strs_add(trees, tree);
	if (read_below(home, tree, trees, err) < 0)
		return -1;
	if ((done == IS_DELTA) != (trees->n > 1))
		return 0;
	for (size_t i = 1; i < trees->n; i++) {
		rt_auto(free) char *path = rt_home_path(home, "layers/%s/done", trees->at[i]);
		if (!rt_exists(AT_FDCWD, path))
			return 0;
	}
	return 1;
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
	rt_auto(free) char *boot = rt_format(WRITTEN "%s\n", rt_boot_id());
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || rt_write_all(fd, boot, strlen(boot)) < 0 || rename(temporary, done) < 0)
		return rt_fail_errno(err, "writing %s", done);
	return 0;
}

/* Makes layers/<tree> anew: a delta above the stack `below`, or a base when that is empty. The caller holds its lock
 * alone. */
static int
make_layer(const struct rt_home *home, struct rt_repo *repo, const struct rt_oid *tree, const struct rt_strs *below,
	   struct rt_err *err)
{
	rt_auto(free) char *dir = rt_home_path(home, "layers/%s", tree->hex);
	rt_auto(free) char *files = rt_format("%s/tree", dir);
	rt_auto(free) char *note = rt_format("%s/stack", dir);
	rt_auto(free) char *done = rt_format("%s/done", dir);
	if (unlink(done) < 0 && errno != ENOENT)
		return rt_fail_errno(err, "removing %s", done);
	if (unlink(note) < 0 && errno != ENOENT)
		return rt_fail_errno(err, "removing %s", note);
	if (rt_remove_tree(AT_FDCWD, files, err) < 0)
		return -1;
	if (mkdir(files, 0755) < 0)
		return rt_fail_errno(err, "making %s", files);
	if (!below->n) {
		if (rt_export_tree(repo, tree, files, NULL, NULL, err) < 0 ||
		    rt_export_submodules(repo, home->repo, tree, files, NULL, NULL, err) < 0)
			return rt_err_while(err, "exporting %s", tree->hex);
		return finish(home, tree->hex, true, err);
	}
	struct rt_oid lower;
	snprintf(lower.hex, sizeof(lower.hex), "%s", below->at[0]);
	if (rt_export_delta(repo, &lower, tree, files, err) < 0)
		return rt_err_while(err, "exporting %s over %s", tree->hex, lower.hex);
	rt_auto(buf) struct rt_buf list = RT_BUF_INIT;
	for (size_t i = 0; i < below->n; i++)
		rt_buf_addf(&list, "%s\n", below->at[i]);
	rt_auto(fd) int fd = open(note, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || rt_write_all(fd, list.data, list.len) < 0)
		return rt_fail_errno(err, "writing %s", note);
	return finish(home, tree->hex, false, err);
}

static int
is_gitlink(void *data, const struct rt_change_of *change, struct rt_err *err)
{
	(void)data;
	(void)err;
	return change->old.mode == GITLINK || change->new.mode == GITLINK;
}

/* The stack that a new layer for tree should lie on: near's where that is whole and not too deep, else just its base;
 * none for a base of its own. */
static int
choose_below(const struct rt_home *home, struct rt_repo *repo, const struct rt_oid *tree, const struct rt_oid *near,
	     struct rt_strs *below, struct rt_err *err)
{
	rt_auto(strs) struct rt_strs trees = {0};
	if (!near || !near->hex[0] || rt_oid_equal(near, tree))
		return 0;
	int whole = read_stack(home, near->hex, &trees, err);
	if (whole <= 0)
		return whole;
	/* the files of another submodule's commit would show through */
	int moved = rt_tree_diff(repo, near, tree, false, is_gitlink, NULL, err);
	if (moved)
		return moved < 0 ? -1 : 0;
	for (size_t i = trees.n < MAX_DEPTH ? 0 : trees.n - 1; i < trees.n; i++)
		rt_strs_add(below, trees.at[i]);
	return 0;
}

int
rt_layers_get(struct rt_home *home, struct rt_repo *repo, const struct rt_oid *tree, const struct rt_oid *near,
	      struct rt_stack *out, struct rt_err *err)
{
	for (int tries = 0; tries < 3; tries++) {
		rt_auto(strs) struct rt_strs trees = {0}, below = {0};
		rt_stack_release(out);
		if (lock_layer(home, tree->hex, true, &out->lock, err) < 0)
			return -1;
		int whole = read_stack(home, tree->hex, &trees, err);
		for (size_t i = 0; whole > 0 && i < trees.n; i++)
			rt_strs_addf(&out->dirs, "%s/layers/%s/tree", home->dir, trees.at[i]);
		if (whole > 0)
			return futimens(out->lock.fd, NULL) < 0 ? rt_fail_errno(err, "touching a layer's lock") : 0;
		if (whole < 0)
			return -1;
		rt_stack_release(out);

		rt_auto(lock) struct rt_lock alone = RT_LOCK_INIT;
		if (lock_layer(home, tree->hex, false, &alone, err) < 0)
			return -1;
		rt_strs_release(&trees);
		whole = read_stack(home, tree->hex, &trees, err);
		if (whole < 0)
			return -1;
		if (whole)
			continue; /* somebody else made it while we waited */
		if (choose_below(home, repo, tree, near, &below, err) < 0 ||
		    make_layer(home, repo, tree, &below, err) < 0)
			return -1;
	}
	return rt_fail(err, RT_ECONFLICT, "the exported tree %s was removed three times while it was made", tree->hex);
}

int
rt_layers_has(const struct rt_home *home, const struct rt_oid *tree, struct rt_err *err)
{
	rt_auto(strs) struct rt_strs trees = {0};
	return read_stack(home, tree->hex, &trees, err);
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
	/* only a hint: not durable, written in place, and a torn one names no layer */
	rt_auto(free) char *path = rt_home_path(home, "layers/last");
	struct rt_oid had;
	if (rt_layers_last(home, &had, err) < 0)
		return -1;
	if (rt_oid_equal(&had, tree))
		return 0;
	rt_auto(fd) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || pwrite(fd, tree->hex, RT_OID_HEX, 0) != RT_OID_HEX)
		return rt_fail_errno(err, "writing %s", path);
	return 0;
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
	rt_strs_add(&sweep->needed, tree);
	return read_below(sweep->home, tree, &sweep->needed, err);
}

int
rt_layers_sweep(struct rt_home *home, size_t keep, uint64_t *room, size_t *removed, struct rt_err *err)
{
	struct sweep sweep = {.home = home};
	rt_auto(free) char *dir = rt_home_path(home, "layers");
	int result = rt_list_dir(AT_FDCWD, dir, note_layer, &sweep, err);
	if (sweep.layers.n)
		qsort(sweep.layers.at, sweep.layers.n, sizeof(*sweep.layers.at), newest_first);
	for (size_t i = 0; i < sweep.layers.n && result == 0; i++) {
		const char *tree = sweep.layers.at[i].tree.hex;
		rt_auto(free) char *layer = rt_format("%s/%s", dir, tree);
		if (i < keep && rt_room_take(room, layer)) {
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
