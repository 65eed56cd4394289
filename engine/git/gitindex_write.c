#include "git/gitindex.h"

#include <errno.h>

#include "git/gitindex_format.h"
#include "git/internal.h"
#include "support/file.h"

/* What is shorter is gathered before it is written. */
#define GATHER ((size_t)64 << 10)
#define TREE_DEPTH 4096 /* deeper than any path that a system opens */

struct writer {
	const struct rt_gitindex *index;
	int fd;
	struct rt_sha1 *sha1;
	struct rt_buf gathered;
	struct rt_buf last; /* version 4: the name written last */
	bool failed;	    /* errno of the first failure is in error */
	int error;
};

static void
write_out(struct writer *w, const char *bytes, size_t len)
{
	if (w->failed || rt_write_all(w->fd, bytes, len) == 0)
		return;
	w->failed = true;
	w->error = errno;
}

static void
flush(struct writer *w)
{
	write_out(w, w->gathered.data, w->gathered.len);
	rt_buf_cut(&w->gathered, 0);
}

static void
put(struct writer *w, const void *bytes, size_t len)
{
	rt_sha1_add(w->sha1, bytes, len);
	if (w->gathered.len + len > GATHER)
		flush(w);
	if (len > GATHER)
		write_out(w, bytes, len);
	else
		rt_buf_add(&w->gathered, bytes, len);
}

static void
add_be32(struct rt_buf *out, uint32_t value)
{
	const char bytes[4] = {(char)(value >> 24), (char)(value >> 16), (char)(value >> 8), (char)value};

	rt_buf_add(out, bytes, sizeof(bytes));
}

/* ---- entries ---- */

/* How many bytes of the name before are cut off: seven bits a byte, the highest first, each but the last less one. */
static void
add_cut(struct rt_buf *out, size_t value)
{
	char bytes[16];
	size_t at = sizeof(bytes);

	bytes[--at] = (char)(value & 0x7f);
	while ((value >>= 7) != 0)
		bytes[--at] = (char)(0x80 | (--value & 0x7f));
	rt_buf_add(out, bytes + at, sizeof(bytes) - at);
}

/* The fixed part of an entry, and its name as the version has it. */
static void
put_entry(struct writer *w, const char *fixed, size_t fixed_len, const char *name)
{
	static const char padding[8];
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;
	size_t len = strlen(name), same = 0;

	rt_buf_add(&out, fixed, fixed_len);
	if (w->index->version == 4) {
		while (same < w->last.len && w->last.data[same] == name[same])
			same++;
		add_cut(&out, w->last.len - same);
		rt_buf_add(&out, name + same, len - same + 1);
		rt_buf_cut(&w->last, 0);
		rt_buf_add(&w->last, name, len);
	} else {
		rt_buf_add(&out, name, len);
		rt_buf_add(&out, padding, rt_gitindex_padded(fixed_len, len) - fixed_len - len);
	}
	put(w, out.data, out.len);
}

static size_t
entry_end(const struct rt_gitindex *index, size_t i)
{
	return i + 1 < index->n ? index->spots[i + 1].at : index->end;
}

/* The entries [from, to) as they are. In version 4 the first is written anew where another name now comes before it. */
static void
put_range(struct writer *w, size_t from, size_t to)
{
	const struct rt_gitindex *index = w->index;

	if (from < to && index->version == 4) {
		const char *before = from > 0 ? rt_gitindex_name(index, from - 1) : "";
		const char *entry = index->bytes.data + index->spots[from].at;

		if (strcmp(before, w->last.data) != 0) {
			put_entry(w, entry, rt_gitindex_fixed(entry), rt_gitindex_name(index, from));
			from++;
		}
	}
	if (from >= to)
		return;
	put(w, index->bytes.data + index->spots[from].at, entry_end(index, to - 1) - index->spots[from].at);
	if (index->version == 4) {
		rt_buf_cut(&w->last, 0);
		rt_buf_adds(&w->last, rt_gitindex_name(index, to - 1));
	}
}

static int
put_new(struct writer *w, const struct rt_gitindex_change *change, struct rt_err *err)
{
	static const struct stat unknown;
	rt_auto(buf) struct rt_buf fixed = RT_BUF_INIT;
	const struct stat *st = change->clean ? &change->st : &unknown;
	const uint32_t numbers[] = {
	    (uint32_t)st->st_ctim.tv_sec,
	    (uint32_t)st->st_ctim.tv_nsec,
	    (uint32_t)st->st_mtim.tv_sec,
	    (uint32_t)st->st_mtim.tv_nsec,
	    (uint32_t)st->st_dev,
	    (uint32_t)st->st_ino,
	    change->new.mode,
	    (uint32_t)st->st_uid,
	    (uint32_t)st->st_gid,
	    (uint32_t)st->st_size,
	};
	size_t len = strlen(change->path);
	git_oid id;

	if (rt_oid_to_git(&id, &change->new.id, err) < 0)
		return -1;
	for (size_t i = 0; i < RT_COUNT(numbers); i++)
		add_be32(&fixed, numbers[i]);
	rt_buf_add(&fixed, id.id, RT_SHA1_BYTES);
	len = len < RT_GITINDEX_NAME_MAX ? len : RT_GITINDEX_NAME_MAX;
	rt_buf_addc(&fixed, (char)(len >> 8));
	rt_buf_addc(&fixed, (char)len);
	put_entry(w, fixed.data, fixed.len, change->path);
	return 0;
}

/* ---- the changes, and what has to give way to them ---- */

struct changes {
	struct rt_gitindex_change *at; /* by path */
	size_t n, cap;
	size_t given; /* the first ones, of the caller */
};

static int
change_cmp(const void *a, const void *b)
{
	return strcmp(((const struct rt_gitindex_change *)a)->path, ((const struct rt_gitindex_change *)b)->path);
}

static void
remove_too(struct changes *changes, const char *name)
{
	const struct rt_gitindex_change key = {.path = name};

	if (bsearch(&key, changes->at, changes->given, sizeof(key), change_cmp) == NULL)
		*rt_push(changes) = key;
}

/* A path is a file or a folder. Names are borrowed from the index. */
static void
give_way(const struct rt_gitindex *index, struct changes *changes, const char *path)
{
	rt_auto(free) char *above = rt_strdup(path);
	rt_auto(free) char *below = rt_format("%s/", path);

	for (char *slash = strchr(above, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		size_t i;

		*slash = '\0';
		i = rt_gitindex_find(index, above);
		if (i < index->n)
			remove_too(changes, rt_gitindex_name(index, i));
		*slash = '/';
	}
	for (size_t i = rt_gitindex_lower(index, below);
	     i < index->n && rt_starts_with(rt_gitindex_name(index, i), below); i++)
		remove_too(changes, rt_gitindex_name(index, i));
}

static void
gather_changes(const struct rt_gitindex *index, struct changes *all, const struct rt_gitindex_change *given, size_t n)
{
	size_t kept = 1;

	for (size_t i = 0; i < n; i++)
		*rt_push(all) = given[i];
	all->given = n;
	for (size_t i = 0; i < n; i++)
		if (given[i].new.mode != 0)
			give_way(index, all, given[i].path);
	if (all->n == n)
		return;
	qsort(all->at, all->n, sizeof(*all->at), change_cmp);
	for (size_t i = 1; i < all->n; i++)
		if (change_cmp(&all->at[i], &all->at[kept - 1]) != 0)
			all->at[kept++] = all->at[i];
	all->n = kept;
}

static void
put_header(struct writer *w, const struct changes *changes)
{
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;
	size_t n = w->index->n;

	for (size_t i = 0; i < changes->n; i++) {
		n += changes->at[i].new.mode != 0;
		n -= rt_gitindex_find(w->index, changes->at[i].path) < w->index->n;
	}
	rt_buf_adds(&out, "DIRC");
	add_be32(&out, w->index->version);
	add_be32(&out, (uint32_t)n);
	put(w, out.data, out.len);
}

static int
put_entries(struct writer *w, const struct changes *changes, struct rt_err *err)
{
	size_t done = 0;

	for (size_t i = 0; i < changes->n; i++) {
		size_t at = rt_gitindex_lower(w->index, changes->at[i].path);

		put_range(w, done, at);
		done = at + (rt_gitindex_find(w->index, changes->at[i].path) == at && at < w->index->n);
		if (changes->at[i].new.mode != 0 && put_new(w, &changes->at[i], err) < 0)
			return -1;
	}
	put_range(w, done, w->index->n);
	return 0;
}

/* ---- extensions ---- */

/*
 * TREE: for each folder, before those in it, its name, NUL, the number of its entries or -1, a blank, the number of its
 * folders, a line end, and where the number of entries is not -1 the id of its tree.
 */
struct trees {
	const char *at, *end;
	const struct changes *changes;
	struct rt_buf path; /* of the folder, with a slash at its end; the root is "" */
	struct rt_buf out;
};

static bool
is_above_a_change(const struct trees *t)
{
	size_t low = 0, high = t->changes->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(t->changes->at[mid].path, t->path.data) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < t->changes->n && rt_starts_with(t->changes->at[low].path, t->path.data);
}

/* Reads a number up to the byte that ends it. */
static bool
read_number(struct trees *t, char last, long *out)
{
	bool negative = t->at < t->end && *t->at == '-';
	long value = 0;

	t->at += negative;
	for (; t->at < t->end && *t->at >= '0' && *t->at <= '9' && value < INT32_MAX / 10; t->at++)
		value = value * 10 + (*t->at - '0');
	if (t->at == t->end || *t->at++ != last)
		return false;
	*out = negative ? -value : value;
	return true;
}

/* One folder and all in it; false where it is not what was said above. */
static bool
copy_folder(struct trees *t, unsigned depth)
{
	size_t base = t->path.len, name = strnlen(t->at, (size_t)(t->end - t->at));
	const char *began = t->at;
	long entries, folders;

	t->at += name + 1;
	if (t->at > t->end || depth > TREE_DEPTH || !read_number(t, ' ', &entries) || !read_number(t, '\n', &folders) ||
	    (entries >= 0 && t->end - t->at < RT_SHA1_BYTES))
		return false;
	rt_buf_add(&t->path, began, name);
	if (t->path.len > 0)
		rt_buf_addc(&t->path, '/');
	t->at += entries >= 0 ? RT_SHA1_BYTES : 0;
	if (entries >= 0 && is_above_a_change(t)) {
		rt_buf_add(&t->out, began, name + 1);
		rt_buf_addf(&t->out, "-1 %ld\n", folders);
	} else {
		rt_buf_add(&t->out, began, (size_t)(t->at - began));
	}
	for (; folders > 0; folders--)
		if (!copy_folder(t, depth + 1))
			return false;
	rt_buf_cut(&t->path, base);
	return true;
}

static void
put_extension(struct writer *w, const char *name, const char *bytes, size_t len)
{
	rt_auto(buf) struct rt_buf head = RT_BUF_INIT;

	rt_buf_add(&head, name, 4);
	add_be32(&head, (uint32_t)len);
	put(w, head.data, head.len);
	put(w, bytes, len);
}

/* A TREE that can't be read is left out: git makes it again. */
static void
put_trees(struct writer *w, const struct changes *changes, const char *bytes, size_t len)
{
	struct trees t = {bytes, bytes + len, changes, RT_BUF_INIT, RT_BUF_INIT};

	if (copy_folder(&t, 0) && t.at == t.end)
		put_extension(w, "TREE", t.out.data, t.out.len);
	rt_buf_release(&t.path);
	rt_buf_release(&t.out);
}

static void
put_extensions(struct writer *w, const struct changes *changes)
{
	const char *bytes = w->index->bytes.data;
	size_t end = w->index->bytes.len - (w->index->bytes.len > 0 ? RT_SHA1_BYTES : 0), len;

	/* The reader has looked at their sizes. */
	for (size_t at = w->index->end; at < end; at += len) {
		len = rt_be32(bytes + at + 4);
		at += RT_GITINDEX_EXTENSION;
		if (memcmp(bytes + at - RT_GITINDEX_EXTENSION, "TREE", 4) == 0)
			put_trees(w, changes, bytes + at, len);
		else if (memcmp(bytes + at - RT_GITINDEX_EXTENSION, "REUC", 4) == 0)
			put_extension(w, "REUC", bytes + at, len);
	}
}

/* ---- all of it ---- */

static int
write_all(struct writer *w, const struct changes *changes, struct rt_err *err)
{
	unsigned char sum[RT_SHA1_BYTES];

	put_header(w, changes);
	if (put_entries(w, changes, err) < 0)
		return -1;
	put_extensions(w, changes);
	flush(w);
	rt_sha1_finish(rt_steal(&w->sha1), sum);
	write_out(w, (const char *)sum, sizeof(sum));
	if (!w->failed)
		return 0;
	errno = w->error;
	return rt_fail_errno(err, "cannot write the index");
}

int
rt_gitindex_write(const struct rt_gitindex *index, const struct rt_gitindex_change *changes, size_t n, int fd,
		  struct rt_err *err)
{
	struct writer w = {.index = index, .fd = fd, .gathered = RT_BUF_INIT, .last = RT_BUF_INIT};
	struct changes all = {0};
	int rc;

	w.sha1 = rt_sha1_start();
	gather_changes(index, &all, changes, n);
	rc = write_all(&w, &all, err);
	rt_sha1_free(w.sha1);
	rt_buf_release(&w.gathered);
	rt_buf_release(&w.last);
	free(all.at);
	return rc;
}
