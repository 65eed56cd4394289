#include "cycle/warm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cycle/key.h"
#include "cycle/machine.h"
#include "cycle/workspace.h"
#include "git/export.h"
#include "model/glob.h"
#include "support/json.h"

/* Beyond that many changed paths between ground and base the next run builds anew. */
enum { MAX_DRIFT = 64, MAX_DEPTH = 64 };

void
rt_warm_release(struct rt_warm *warm)
{
	free(warm->dir);
	free(warm->scratch);
	free(warm->has);
	rt_lock_drop(&warm->lock);
	*warm = (struct rt_warm)RT_WARM_INIT;
}

static bool
is_warm(const struct rt_plan *plan, size_t cell)
{
	return plan->cells.at[cell].check->warm;
}

/* ---- does it serve? ---- */

struct changes {
	const struct rt_config *config;
	unsigned count;
	bool hard; /* something that going by time does not cover */
};

/* Their rules may change without any file that they make being older than before. */
static bool
is_makefile(const char *path)
{
	static const char *const names[] = {"Makefile",	   "makefile",	"GNUmakefile", "Makefile.in",
					    "Makefile.am", "configure", "configure.ac"};
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	for (size_t i = 0; i < RT_COUNT(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return rt_ends_with(name, ".mk");
}

static int
note_change(void *data, const struct rt_change_of *change, struct rt_err *err)
{
	struct changes *changes = data;
	(void)err;
	changes->count++;
	if (!change->new.mode || (change->old.mode && change->old.mode != change->new.mode) ||
	    is_makefile(change->path) || rt_globs_match(&changes->config->watch, change->path))
		changes->hard = true;
	return changes->hard;
}

/* How far the warm cells' part of two trees is apart. */
static int
compare(const struct rt_matrix *matrix, const struct rt_oid *from, const struct rt_oid *to, struct changes *changes,
	struct rt_err *err)
{
	struct rt_matrix *own = (struct rt_matrix *)matrix;
	*changes = (struct changes){.config = &matrix->trusted->config};
	for (size_t i = 0; i < matrix->plan->cells.n && !changes->hard; i++) {
		struct rt_oid old, new;
		if (!is_warm(matrix->plan, i))
			continue;
		if (rt_workspace_tree(own, i, from, &old, NULL, err) < 0 ||
		    rt_workspace_tree(own, i, to, &new, NULL, err) < 0 ||
		    rt_tree_diff(matrix->repo, &old, &new, false, note_change, changes, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- the store ---- */

/* Reads the note: 1 it counts, 0 not, and then nothing is there; -1. */
static int
read_note(struct rt_warm *warm, const struct rt_plan *plan, int64_t *newest_ns)
{
	rt_auto(free) char *path = rt_format("%s/note", warm->dir);
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	rt_auto(json) struct rt_json *json = NULL;
	struct rt_err ignored = RT_ERR_INIT;
	if (!rt_exists(AT_FDCWD, path) || rt_file_read(AT_FDCWD, path, 4096, &text, &ignored) < 0 ||
	    rt_json_parse(&json, text.data, text.len, path, &ignored) < 0)
		return 0;
	const char *tree = rt_json_get_string(json, "tree"), *boot = rt_json_get_string(json, "boot");
	if (!tree || strlen(tree) != RT_OID_HEX || !boot || strcmp(boot, rt_boot_id()) != 0)
		return 0;
	memcpy(warm->ground.hex, tree, RT_OID_HEX + 1);
	*newest_ns = rt_json_get_int(json, "newest", INT64_MAX);
	for (size_t i = 0; i < plan->cells.n; i++) {
		rt_auto(free) char *dir = rt_format("%s/%zu", warm->dir, i);
		warm->has[i] = is_warm(plan, i) && rt_exists(AT_FDCWD, dir);
	}
	return 1;
}

static int
write_note(const struct rt_warm *warm, int64_t newest_ns, struct rt_err *err)
{
	rt_auto(free) char *path = rt_format("%s/note", warm->dir);
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	struct rt_json *json = rt_json_new_object();
	rt_json_set_string(json, "tree", warm->ground.hex);
	rt_json_set_string(json, "boot", rt_boot_id());
	rt_json_set_int(json, "newest", newest_ns);
	rt_json_write(json, &text);
	rt_json_free(json);
	return rt_file_write_durable(AT_FDCWD, path, text.data, text.len, 0600, err);
}

/* ---- building it ---- */

struct survey {
	struct rt_repo *repo;
	const struct rt_oid *tree;
	int dir;
	const char *prefix;
	unsigned depth;
	bool tracked; /* in the tree there is a folder of this name */
	int64_t newest_ns;
	bool wrote_tracked;
};

static int
survey_entry(void *data, const char *name, struct rt_err *err)
{
	struct survey *s = data;
	struct stat st;
	struct rt_entry entry = {.mode = 0};
	if (fstatat(s->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return rt_fail_errno(err, "looking at %s%s", s->prefix, name);
	rt_auto(free) char *path = rt_format("%s%s", s->prefix, name);
	if (s->tracked && rt_tree_entry(s->repo, s->tree, path, &entry, err) < 0)
		return -1;
	if (!S_ISDIR(st.st_mode)) {
		int64_t ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
		s->newest_ns = ns > s->newest_ns ? ns : s->newest_ns;
		s->wrote_tracked = s->wrote_tracked || entry.mode;
		return s->wrote_tracked;
	}
	rt_auto(fd) int below = openat(s->dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (below < 0 || s->depth >= MAX_DEPTH) {
		s->wrote_tracked = true; /* can't be told, which is as good */
		return 1;
	}
	rt_auto(free) char *prefix = rt_format("%s/", path);
	struct survey outer = *s;
	s->dir = below;
	s->prefix = prefix;
	s->depth++;
	s->tracked = entry.mode == 0040000;
	int result = rt_list_dir(below, ".", survey_entry, s, err);
	s->dir = outer.dir;
	s->prefix = outer.prefix;
	s->depth = outer.depth;
	s->tracked = outer.tracked;
	return result;
}

/* Looks through what the cells wrote: 1 it may lie below others' work, 0 not, -1. */
static int
survey_all(const struct rt_matrix *clean, int64_t *newest_ns, struct rt_err *err)
{
	for (size_t i = 0; i < clean->plan->cells.n; i++) {
		const struct rt_cell_state *state = &clean->cells[i];
		if (!state->upper)
			continue;
		rt_auto(fd) int dir = open(state->upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		struct survey s = {
		    .repo = clean->repo, .tree = &clean->tree, .dir = dir, .prefix = "", .tracked = true};
		if (dir < 0)
			return rt_fail_errno(err, "opening %s", state->upper);
		if (rt_list_dir(dir, ".", survey_entry, &s, err) < 0)
			return -1;
		*newest_ns = s.newest_ns > *newest_ns ? s.newest_ns : *newest_ns;
		if (s.wrote_tracked || state->whole)
			return 0;
	}
	return 1;
}

/* Runs the warm cells on the base, clean, and takes over what they wrote. The caller holds the lock alone. */
static int
build(struct rt_warm *warm, const struct rt_matrix *matrix, const struct rt_oid *base, struct rt_err *err)
{
	const struct rt_plan *plan = matrix->plan;
	struct rt_matrix clean;
	rt_auto(free) bool *want = rt_alloc(plan->cells.n + 1, sizeof(*want));
	int64_t newest_ns = 0;
	if (rt_remove_tree(AT_FDCWD, warm->dir, err) < 0 || rt_mkdirs(AT_FDCWD, warm->dir, 0700, err) < 0)
		return -1;
	if (rt_matrix_init(&clean, matrix->home, matrix->repo, matrix->trusted, plan, base, base, matrix->level,
			   matrix->scratch, "ground", matrix->progress, err) < 0)
		return -1;
	clean.keep = true;
	for (size_t i = 0; i < plan->cells.n; i++)
		want[i] = is_warm(plan, i);
	int result = rt_matrix_run(&clean, want, err);
	if (result == 0)
		result = survey_all(&clean, &newest_ns, err);
	for (size_t i = 0; i < plan->cells.n && result > 0; i++) {
		rt_auto(free) char *to = rt_format("%s/%zu", warm->dir, i);
		if (want[i] && rt_cell_green(&clean.cells[i]) && rename(clean.cells[i].upper, to) < 0)
			result = rt_fail_errno(err, "keeping what %s wrote", plan->cells.at[i].name);
	}
	rt_matrix_release(&clean);
	warm->ground = *base;
	/* also where nothing serves: so that it is not tried again for each proposal */
	return result < 0 ? -1 : write_note(warm, newest_ns, err);
}

struct listing {
	const struct rt_home *home;
	const char *own; /* stays; "" none does */
	uint64_t *room;	 /* what fits stays as well; NULL: nothing */
	size_t removed;
};

static int
drop_other(void *data, const char *name, struct rt_err *err)
{
	struct listing *listing = data;
	rt_auto(lock) struct rt_lock alone = RT_LOCK_INIT;
	if (strlen(name) != RT_SHA256_HEX || strcmp(name, listing->own) == 0)
		return 0;
	rt_auto(free) char *lock = rt_home_path(listing->home, "warm/%s.lock", name);
	rt_auto(free) char *dir = rt_home_path(listing->home, "warm/%s", name);
	if (listing->room && rt_room_take(listing->room, dir))
		return 0;
	int busy = rt_lock_take(&alone, lock, false, 0, "gc\n", NULL, err);
	if (busy)
		return busy < 0 ? -1 : 0;
	listing->removed += rt_exists(AT_FDCWD, dir);
	return rt_remove_tree(AT_FDCWD, dir, err);
}

int
rt_warm_sweep(struct rt_home *home, uint64_t *room, size_t *removed, struct rt_err *err)
{
	rt_auto(free) char *parent = rt_home_path(home, "warm");
	struct listing listing = {.home = home, .own = "", .room = room};
	int result = rt_list_dir(AT_FDCWD, parent, drop_other, &listing, err);
	*removed += listing.removed;
	return result;
}

/* ---- preparing ---- */

static int
open_store(struct rt_warm *warm, const struct rt_matrix *matrix, char key[RT_SHA256_HEX + 1], struct rt_err *err)
{
	char machine[RT_SHA256_HEX + 1];
	rt_auto(free) char *parent = rt_home_path(matrix->home, "warm");
	if (rt_machine_digest(matrix->home, &matrix->trusted->config, machine, err) < 0 ||
	    rt_key_plan(matrix, machine, key, err) < 0 || rt_mkdirs(AT_FDCWD, parent, 0700, err) < 0)
		return -1;
	warm->dir = rt_format("%s/%s", parent, key);
	warm->scratch = rt_format("%s/warm", matrix->scratch);
	warm->has = rt_alloc(matrix->plan->cells.n + 1, sizeof(*warm->has));
	return rt_mkdirs(AT_FDCWD, warm->scratch, 0700, err);
}

/* Is what is stored near enough to the base? */
static int
is_near(struct rt_warm *warm, const struct rt_matrix *matrix, const struct rt_oid *base, int64_t *newest_ns,
	struct rt_err *err)
{
	struct changes changes;
	if (!read_note(warm, matrix->plan, newest_ns) || !rt_object_exists(matrix->repo, &warm->ground))
		return 0;
	if (compare(matrix, &warm->ground, base, &changes, err) < 0)
		return -1;
	return !changes.hard && changes.count <= MAX_DRIFT;
}

/* Looks, and builds where there is nothing near. 1 there is, and the lock is held shared; 0 not now; -1. */
static int
find_or_build(struct rt_warm *warm, const struct rt_matrix *matrix, const struct rt_oid *base, int64_t *newest_ns,
	      struct rt_err *err)
{
	char key[RT_SHA256_HEX + 1];
	if (open_store(warm, matrix, key, err) < 0)
		return -1;
	rt_auto(free) char *lock = rt_format("%s.lock", warm->dir);
	for (int tries = 0; tries < 2; tries++) {
		int busy = rt_lock_take(&warm->lock, lock, true, 0, "ratchet\n", NULL, err);
		int near = busy ? 0 : is_near(warm, matrix, base, newest_ns, err);
		if (busy < 0 || near)
			return busy < 0 ? -1 : near;
		rt_lock_drop(&warm->lock);
		rt_auto(lock) struct rt_lock alone = RT_LOCK_INIT;
		busy = busy ? busy : rt_lock_take(&alone, lock, false, 0, "ratchet\n", NULL, err);
		if (busy)
			return busy < 0 ? -1 : 0;
		if (build(warm, matrix, base, err) < 0)
			return rt_err_while(err, "building the target for warm workspaces");
		rt_auto(free) char *parent = rt_home_path(matrix->home, "warm");
		struct listing listing = {.home = matrix->home, .own = key};
		if (rt_list_dir(AT_FDCWD, parent, drop_other, &listing, err) < 0)
			return -1;
	}
	return 0;
}

int
rt_warm_prepare(struct rt_warm *warm, const struct rt_matrix *matrix, const struct rt_oid *base, struct rt_err *err)
{
	struct changes changes;
	int64_t newest_ns = INT64_MAX;
	bool any = false;
	for (size_t i = 0; i < matrix->plan->cells.n; i++)
		any = any || is_warm(matrix->plan, i);
	/* a copied workspace is as good as a clean one, and a copy of more is no gain */
	if (!any || matrix->level != RT_LEVEL_OF_NAMESPACES || !rt_overlay_works())
		return 0;
	int found = find_or_build(warm, matrix, base, &newest_ns, err);
	if (found <= 0)
		return found;
	if (compare(matrix, &warm->ground, &matrix->tree, &changes, err) < 0)
		return -1;
	/* the files of the candidate must be newer than all that was built */
	clock_gettime(CLOCK_REALTIME, &warm->stamp);
	int64_t now = (int64_t)warm->stamp.tv_sec * 1000000000 + warm->stamp.tv_nsec;
	warm->on = !changes.hard && now > newest_ns + 20000000;
	return 0;
}

/* ---- using it ---- */

struct stamping {
	int dir;
	struct timespec at;
};

static int
stamp_entry(void *data, const char *name, struct rt_err *err)
{
	const struct stamping *s = data;
	const struct timespec times[2] = {s->at, s->at};
	struct stat st;
	if (fstatat(s->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return rt_fail_errno(err, "looking at %s", name);
	if (S_ISDIR(st.st_mode)) {
		rt_auto(fd) int below = openat(s->dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		struct stamping inner = {below, s->at};
		return below < 0 ? rt_fail_errno(err, "opening %s", name)
				 : rt_list_dir(below, ".", stamp_entry, &inner, err);
	}
	if (utimensat(s->dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return rt_fail_errno(err, "setting the time of %s", name);
	return 0;
}

/* The changes from the ground to the present tree as the cell sees both; NULL in *dir where there is none. */
static int
make_delta(const struct rt_warm *warm, struct rt_matrix *matrix, size_t cell, struct rt_oid *ground, char **dir,
	   struct rt_err *err)
{
	struct rt_oid tree;
	if (rt_workspace_tree(matrix, cell, &warm->ground, ground, NULL, err) < 0 ||
	    rt_workspace_tree(matrix, cell, &matrix->tree, &tree, NULL, err) < 0)
		return -1;
	if (rt_oid_equal(ground, &tree))
		return 0;
	rt_auto(free) char *path = rt_format("%s/%zu.%u", warm->scratch, cell, matrix->cells[cell].attempts);
	if (rt_mkdirs(AT_FDCWD, path, 0755, err) < 0 || rt_export_delta(matrix->repo, ground, &tree, path, err) < 0)
		return -1;
	rt_auto(fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stamping stamping = {fd, warm->stamp};
	if (fd < 0 || rt_list_dir(fd, ".", stamp_entry, &stamping, err) < 0)
		return rt_err_while(err, "dating the changes");
	*dir = rt_steal(&path);
	return 0;
}

int
rt_warm_lowers(const struct rt_warm *warm, struct rt_matrix *matrix, size_t cell, struct rt_strs *lowers,
	       struct rt_oid *ground, struct rt_err *err)
{
	const struct rt_plan *plan = matrix->plan;
	rt_auto(free) bool *closure = rt_alloc(plan->cells.n, sizeof(*closure));
	rt_auto(free) char *delta = NULL;
	matrix->cells[cell].warm = false;
	rt_workspace_closure(plan, cell, closure);
	for (size_t i = plan->cells.n; i-- > 0;) {
		if (!closure[i])
			continue;
		if (i != cell && matrix->cells[i].upper)
			rt_strs_add(lowers, matrix->cells[i].upper);
		/* one that was reused wrote what it wrote in a clean workspace */
		if (!warm || !warm->has[i] || (i != cell && !matrix->cells[i].warm))
			continue;
		if (!matrix->cells[cell].warm) {
			if (make_delta(warm, matrix, cell, ground, &delta, err) < 0)
				return -1;
			if (delta)
				rt_strs_add(lowers, delta);
		}
		matrix->cells[cell].warm = true;
		rt_strs_addf(lowers, "%s/%zu", warm->dir, i);
	}
	return 0;
}
