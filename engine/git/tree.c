#include "git/internal.h"

#include <string.h>
#include <strings.h>

/* Deeper than any path that a file system can hold; it keeps a hostile chain of trees off the stack. */
#define MAX_DEPTH 2048

bool
rt_tree_name_ok(const char *name, size_t len)
{
	if (len == 0 || memchr(name, '/', len) != NULL)
		return false;
	if (name[0] != '.')
		return true;
	return !(len == 1 || (len == 2 && name[1] == '.') || (len == 4 && strncasecmp(name, ".git", 4) == 0));
}

int
rt_tree_name_cmp(const char *a, size_t a_len, bool a_dir, const char *b, size_t b_len, bool b_dir)
{
	size_t shorter = a_len < b_len ? a_len : b_len;
	int order = memcmp(a, b, shorter);
	unsigned char a_next, b_next;

	if (order != 0)
		return order;
	a_next = a_len > shorter ? (unsigned char)a[shorter] : a_dir ? '/' : 0;
	b_next = b_len > shorter ? (unsigned char)b[shorter] : b_dir ? '/' : 0;
	return a_next - b_next;
}

static bool
is_dir(const git_tree_entry *entry)
{
	return ((uint32_t)git_tree_entry_filemode_raw(entry) & 0170000u) == RT_MODE_TREE;
}

static int
entry_cmp(const git_tree_entry *a, const git_tree_entry *b)
{
	const char *x = git_tree_entry_name(a), *y = git_tree_entry_name(b);

	return rt_tree_name_cmp(x, strlen(x), is_dir(a), y, strlen(y), is_dir(b));
}

/* Is a folder's name also that of a file? Between the two stand only names that begin with it. */
static bool
is_twofold(const git_tree *tree, size_t at)
{
	const char *name = git_tree_entry_name(git_tree_entry_byindex(tree, at));
	size_t len = strlen(name);

	while (at-- > 0) {
		const char *before = git_tree_entry_name(git_tree_entry_byindex(tree, at));

		if (strncmp(before, name, len) != 0)
			return false;
		if (before[len] == '\0')
			return true;
	}
	return false;
}

static int
check_tree(const git_tree *tree, const char *hex, struct rt_err *err)
{
	const git_tree_entry *before = NULL;

	for (size_t i = 0; i < git_tree_entrycount(tree); i++) {
		const git_tree_entry *entry = git_tree_entry_byindex(tree, i);
		const char *name = git_tree_entry_name(entry);

		if (!rt_tree_name_ok(name, strlen(name)))
			return rt_fail(err, RT_EREFUSED, "tree %s is malformed: it holds the name \"%s\"", hex, name);
		if ((before != NULL && entry_cmp(before, entry) >= 0) || (is_dir(entry) && is_twofold(tree, i)))
			return rt_fail(err, RT_EREFUSED, "tree %s is malformed: \"%s\" is out of order or there twice",
				       hex, name);
		before = entry;
	}
	return 0;
}

static int
open_empty(struct rt_repo *repo, git_tree **out, struct rt_err *err)
{
	struct rt_oid empty;
	git_oid oid;

	if (rt_odb_write(repo, GIT_OBJECT_TREE, "", 0, &empty, err) < 0 || rt_oid_to_git(&oid, &empty, err) < 0)
		return -1;
	if (git_tree_lookup(out, repo->git, &oid) < 0)
		return rt_git_object_error(repo, empty.hex, err);
	return 0;
}

int
rt_tree_open(struct rt_repo *repo, const struct rt_oid *id, git_tree **out, struct rt_err *err)
{
	rt_auto(git_object) git_object *object = NULL;
	rt_auto(git_object) git_object *tree = NULL;
	git_oid oid;

	if (id->hex[0] == '\0')
		return open_empty(repo, out, err);
	if (rt_oid_to_git(&oid, id, err) < 0)
		return -1;
	if (git_object_lookup(&object, repo->git, &oid, GIT_OBJECT_ANY) < 0)
		return rt_git_object_error(repo, id->hex, err);
	if (git_object_type(object) == GIT_OBJECT_TREE)
		tree = rt_steal(&object);
	else if (git_object_peel(&tree, object, GIT_OBJECT_TREE) < 0)
		return rt_git_error(err, RT_EUNKNOWN, "object %s has no tree", id->hex);
	if (check_tree((git_tree *)tree, id->hex, err) < 0)
		return -1;
	*out = (git_tree *)rt_steal(&tree);
	return 0;
}

static void
to_entry(struct rt_entry *out, const git_tree_entry *entry)
{
	out->mode = (uint32_t)git_tree_entry_filemode_raw(entry);
	rt_oid_from_git(&out->id, git_tree_entry_id(entry));
}

int
rt_tree_entry(struct rt_repo *repo, const struct rt_oid *tree, const char *path, struct rt_entry *out,
	      struct rt_err *err)
{
	rt_auto(git_tree) git_tree *root = NULL;
	git_tree_entry *found = NULL;
	int rc;

	*out = (struct rt_entry){0};
	if (rt_tree_open(repo, tree, &root, err) < 0)
		return -1;
	if (path[0] == '\0') {
		out->mode = RT_MODE_TREE;
		rt_oid_from_git(&out->id, git_tree_id(root));
		return 0;
	}
	rc = git_tree_entry_bypath(&found, root, path);
	if (rc == GIT_ENOTFOUND) {
		git_error_clear();
		return 0;
	}
	if (rc < 0)
		return rt_git_error(err, RT_EUNKNOWN, "cannot read %s in tree %s", path, tree->hex);
	to_entry(out, found);
	git_tree_entry_free(found);
	return 0;
}

int
rt_tree_blob(struct rt_repo *repo, const struct rt_oid *tree, const char *path, uint64_t max, struct rt_buf *out,
	     struct rt_err *err)
{
	struct rt_entry entry;

	if (rt_tree_entry(repo, tree, path, &entry, err) < 0)
		return -1;
	if ((entry.mode & 0170000u) != 0100000u && entry.mode != RT_MODE_LINK)
		return 0;
	return rt_blob_read(repo, &entry.id, max, out, err) < 0 ? -1 : 1;
}

int
rt_tree_list(struct rt_repo *repo, const struct rt_oid *tree, const char *path,
	     int (*each)(void *data, const char *name, const struct rt_entry *entry, struct rt_err *err), void *data,
	     struct rt_err *err)
{
	rt_auto(git_tree) git_tree *dir = NULL;
	struct rt_entry at;

	if (rt_tree_entry(repo, tree, path, &at, err) < 0)
		return -1;
	if (at.mode != RT_MODE_TREE)
		return 0;
	if (rt_tree_open(repo, &at.id, &dir, err) < 0)
		return -1;
	for (size_t i = 0; i < git_tree_entrycount(dir); i++) {
		const git_tree_entry *found = git_tree_entry_byindex(dir, i);
		struct rt_entry entry;
		int rc;

		to_entry(&entry, found);
		rc = each(data, git_tree_entry_name(found), &entry, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* ---- differences ---- */

struct diff {
	struct rt_repo *repo;
	bool whole;
	int (*each)(void *data, const struct rt_change_of *change, struct rt_err *err);
	void *data;
	struct rt_buf path;
	unsigned depth;
};

static int diff_trees(struct diff *d, const struct rt_oid *old, const struct rt_oid *new, struct rt_err *err);

/* One name that differs; either side may be NULL, and when both are there, both are trees or none is. */
static int
diff_entry(struct diff *d, const git_tree_entry *old, const git_tree_entry *new, struct rt_err *err)
{
	static const struct rt_oid nothing = {""};
	struct rt_change_of change = {0};
	bool dir = is_dir(old != NULL ? old : new);
	size_t base = d->path.len;
	int rc;

	if (old != NULL)
		to_entry(&change.old, old);
	if (new != NULL)
		to_entry(&change.new, new);
	rt_buf_adds(&d->path, git_tree_entry_name(old != NULL ? old : new));
	if (dir && !(d->whole && (old == NULL || new == NULL))) {
		rt_buf_addc(&d->path, '/');
		rc = diff_trees(d, old != NULL ? &change.old.id : &nothing, new != NULL ? &change.new.id : &nothing,
				err);
	} else {
		change.path = d->path.data;
		rc = d->each(d->data, &change, err);
	}
	rt_buf_cut(&d->path, base);
	return rc;
}

static int
open_side(struct rt_repo *repo, const struct rt_oid *id, git_tree **out, struct rt_err *err)
{
	return id->hex[0] == '\0' ? 0 : rt_tree_open(repo, id, out, err);
}

static int
diff_trees(struct diff *d, const struct rt_oid *old_id, const struct rt_oid *new_id, struct rt_err *err)
{
	rt_auto(git_tree) git_tree *old = NULL;
	rt_auto(git_tree) git_tree *new = NULL;
	size_t i = 0, j = 0, old_n, new_n;
	int rc = 0;

	if (d->depth >= MAX_DEPTH)
		return rt_fail(err, RT_EREFUSED, "%.200s... is more than %d folders deep", d->path.data, MAX_DEPTH);
	if (open_side(d->repo, old_id, &old, err) < 0 || open_side(d->repo, new_id, &new, err) < 0)
		return -1;
	d->depth++;
	old_n = old != NULL ? git_tree_entrycount(old) : 0;
	new_n = new != NULL ? git_tree_entrycount(new) : 0;
	while (rc == 0 && (i < old_n || j < new_n)) {
		const git_tree_entry *a = i < old_n ? git_tree_entry_byindex(old, i) : NULL;
		const git_tree_entry *b = j < new_n ? git_tree_entry_byindex(new, j) : NULL;
		int order = a == NULL ? 1 : b == NULL ? -1 : entry_cmp(a, b);

		i += order <= 0;
		j += order >= 0;
		if (order == 0 && git_tree_entry_filemode_raw(a) == git_tree_entry_filemode_raw(b) &&
		    git_oid_equal(git_tree_entry_id(a), git_tree_entry_id(b)))
			continue;
		rc = diff_entry(d, order <= 0 ? a : NULL, order >= 0 ? b : NULL, err);
	}
	d->depth--;
	return rc;
}

int
rt_tree_diff(struct rt_repo *repo, const struct rt_oid *old, const struct rt_oid *new, bool whole_trees,
	     int (*each)(void *data, const struct rt_change_of *change, struct rt_err *err), void *data,
	     struct rt_err *err)
{
	struct diff d = {.repo = repo, .whole = whole_trees, .each = each, .data = data, .path = RT_BUF_INIT};
	int rc;

	if (rt_oid_equal(old, new))
		return 0;
	rc = diff_trees(&d, old, new, err);
	rt_buf_release(&d.path);
	return rc;
}

/* ---- updates ---- */

/* Order of paths in which what lies below a folder follows it directly: the slash comes before all other bytes. */
static int
path_cmp(const void *a, const void *b)
{
	const unsigned char *x = (const unsigned char *)(*(const struct rt_update *const *)a)->path;
	const unsigned char *y = (const unsigned char *)(*(const struct rt_update *const *)b)->path;

	while (*x == *y && *x != '\0') {
		x++;
		y++;
	}
	if (*x == '\0' || *y == '\0')
		return (*x != '\0') - (*y != '\0');
	return (*x == '/' ? 0 : *x) - (*y == '/' ? 0 : *y);
}

/* What one name of a tree becomes. Names are borrowed from the updates and the old tree. */
struct slot {
	const char *name;
	size_t len;
	struct rt_entry entry; /* mode 0: removed */
};
struct slots {
	struct slot *at;
	size_t n, cap;
};

static void
slots_release(struct slots *slots)
{
	free(slots->at);
}
RT_DEFINE_AUTO(slots, struct slots, slots_release);

static int
slot_order(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;

	return rt_tree_name_cmp(x->name, x->len, x->entry.mode == RT_MODE_TREE, y->name, y->len,
				y->entry.mode == RT_MODE_TREE);
}

static int
slot_by_name(const void *key, const void *slot)
{
	const struct slot *x = key, *y = slot;

	return rt_tree_name_cmp(x->name, x->len, false, y->name, y->len, false);
}

static int
write_slots(struct rt_repo *repo, struct slots *slots, struct rt_entry *out, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf bytes = RT_BUF_INIT;

	if (slots->n > 1)
		qsort(slots->at, slots->n, sizeof(*slots->at), slot_order);
	for (size_t i = 0; i < slots->n; i++) {
		const struct slot *slot = &slots->at[i];
		git_oid oid;

		if (rt_oid_to_git(&oid, &slot->entry.id, err) < 0)
			return -1;
		rt_buf_addf(&bytes, "%o %.*s", slot->entry.mode, (int)slot->len, slot->name);
		rt_buf_addc(&bytes, '\0');
		rt_buf_add(&bytes, oid.id, GIT_OID_RAWSZ);
	}
	out->mode = RT_MODE_TREE;
	return rt_odb_write(repo, GIT_OBJECT_TREE, bytes.data, bytes.len, &out->id, err);
}

static int update_tree(struct rt_repo *repo, const struct rt_entry *base, const struct rt_update *const *updates,
		       size_t n, size_t prefix, struct rt_entry *out, struct rt_err *err);

/*
 * The updates of one name: updates[0] may be the name itself, all others lie below it. entry holds what the old tree
 * has and becomes what the new one gets.
 */
static int
update_name(struct rt_repo *repo, const struct rt_update *const *updates, size_t n, size_t end, struct rt_entry *entry,
	    struct rt_err *err)
{
	struct rt_entry inside, none = {0};
	bool replaced = false;

	if (updates[0]->path[end] == '\0') {
		*entry = updates[0]->entry;
		replaced = entry->mode != 0 && entry->mode != RT_MODE_TREE;
		updates++;
		n--;
	}
	if (n == 0)
		return 0;
	if (updates[0]->path[end] == '\0')
		return rt_fail(err, RT_EINTERNAL, "%s is updated twice", updates[0]->path);
	if (update_tree(repo, entry->mode == RT_MODE_TREE ? entry : &none, updates, n, end + 1, &inside, err) < 0)
		return -1;
	if (replaced && inside.mode != 0)
		return rt_fail(err, RT_EINTERNAL, "%s can't be put below a file", updates[0]->path);
	/* Removing what is not there leaves a file of that name alone. */
	if (inside.mode != 0 || entry->mode == RT_MODE_TREE)
		*entry = inside;
	return 0;
}

static int
collect_changes(struct rt_repo *repo, const git_tree *old, const struct rt_update *const *updates, size_t n,
		size_t prefix, struct slots *changed, struct rt_err *err)
{
	for (size_t i = 0, next; i < n; i = next) {
		const char *name = updates[i]->path + prefix;
		size_t len = strcspn(name, "/");
		rt_auto(free) char *text = rt_strndup(name, len);
		const git_tree_entry *present = old != NULL ? git_tree_entry_byname(old, text) : NULL;
		struct slot *slot = rt_push(changed);

		if (!rt_tree_name_ok(name, len))
			return rt_fail(err, RT_EREFUSED, "\"%s\" is not a path that a tree can hold", updates[i]->path);
		for (next = i + 1; next < n; next++)
			if (strncmp(updates[next]->path + prefix, name, len) != 0 ||
			    (updates[next]->path[prefix + len] != '/' && updates[next]->path[prefix + len] != '\0'))
				break;
		slot->name = name;
		slot->len = len;
		if (present != NULL)
			to_entry(&slot->entry, present);
		if (update_name(repo, updates + i, next - i, prefix + len, &slot->entry, err) < 0)
			return -1;
	}
	return 0;
}

static int
update_tree(struct rt_repo *repo, const struct rt_entry *base, const struct rt_update *const *updates, size_t n,
	    size_t prefix, struct rt_entry *out, struct rt_err *err)
{
	rt_auto(git_tree) git_tree *old = NULL;
	rt_auto(slots) struct slots changed = {0};
	rt_auto(slots) struct slots all = {0};

	if (base->mode == RT_MODE_TREE && rt_tree_open(repo, &base->id, &old, err) < 0)
		return -1;
	if (collect_changes(repo, old, updates, n, prefix, &changed, err) < 0)
		return -1;
	for (size_t i = 0; old != NULL && i < git_tree_entrycount(old); i++) {
		const git_tree_entry *entry = git_tree_entry_byindex(old, i);
		struct slot slot = {.name = git_tree_entry_name(entry), .len = strlen(git_tree_entry_name(entry))};

		if (bsearch(&slot, changed.at, changed.n, sizeof(slot), slot_by_name) != NULL)
			continue;
		to_entry(&slot.entry, entry);
		*rt_push(&all) = slot;
	}
	for (size_t i = 0; i < changed.n; i++)
		if (changed.at[i].entry.mode != 0)
			*rt_push(&all) = changed.at[i];
	*out = (struct rt_entry){0};
	return all.n == 0 ? 0 : write_slots(repo, &all, out, err);
}

int
rt_tree_update(struct rt_repo *repo, const struct rt_oid *tree, const struct rt_update *updates, size_t n,
	       struct rt_oid *out, struct rt_err *err)
{
	rt_auto(free) const struct rt_update **sorted = rt_alloc(n + 1, sizeof(*sorted));
	struct rt_entry base, result;

	if (rt_tree_entry(repo, tree, "", &base, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		sorted[i] = &updates[i];
	if (n > 1)
		qsort(sorted, n, sizeof(*sorted), path_cmp);
	if (n > 0 && update_tree(repo, &base, sorted, n, 0, &result, err) < 0)
		return -1;
	if (n == 0)
		*out = base.id;
	else if (result.mode != 0)
		*out = result.id;
	else
		return rt_odb_write(repo, GIT_OBJECT_TREE, "", 0, out, err);
	return 0;
}
