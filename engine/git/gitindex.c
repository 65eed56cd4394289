#include "git/gitindex.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "git/gitindex_format.h"
#include "support/file.h"

#define STAGE(flags) ((flags) >> 12 & 3)

void
rt_gitindex_release(struct rt_gitindex *index)
{
	rt_buf_release(&index->bytes);
	rt_buf_release(&index->names);
	free(index->spots);
	*index = (struct rt_gitindex)RT_GITINDEX_INIT;
}

const char *
rt_gitindex_name(const struct rt_gitindex *index, size_t i)
{
	return (index->version == 4 ? index->names.data : index->bytes.data) + index->spots[i].name;
}

/* ---- the entries ---- */

/* What the entry before said, to hold the next one against. */
struct before {
	const char *name;
	size_t len;
	uint32_t stage;
	bool disorder; /* somewhere; a split index has entries without a name, which is said in its own words */
};

/* The number of bytes that version 4 cuts off the name before; *at goes behind it. Returns false where it does not end.
 */
static bool
read_cut(const struct rt_gitindex *index, size_t *at, size_t end, size_t *out)
{
	const unsigned char *bytes = (const unsigned char *)index->bytes.data;
	size_t value = 0;

	for (bool more = false; *at < end && value < SIZE_MAX >> 8; more = true) {
		unsigned char c = bytes[(*at)++];

		value = (more ? (value + 1) << 7 : 0) + (c & 0x7f);
		if ((c & 0x80) == 0) {
			*out = value;
			return true;
		}
	}
	return false;
}

/* Version 4: puts the whole name into names. Returns where the entry ends, 0 for nonsense. */
static size_t
read_shortened(struct rt_gitindex *index, size_t at, size_t end, const struct before *before, size_t *len)
{
	size_t cut, kept, more, name = index->names.len;

	if (!read_cut(index, &at, end, &cut) || cut > before->len)
		return 0;
	kept = before->len - cut;
	more = strnlen(index->bytes.data + at, end - at);
	if (at + more == end || name + kept + more >= UINT32_MAX)
		return 0;
	rt_buf_reserve(&index->names, kept + more + 1);
	memcpy(index->names.data + name, index->names.data + name - (kept > 0 ? before->len + 1 : 0), kept);
	memcpy(index->names.data + name + kept, index->bytes.data + at, more + 1);
	*len = kept + more;
	index->names.len += *len + 1;
	return at + more + 1;
}

static bool
is_in_order(const struct before *before, const char *name, size_t len, uint32_t stage)
{
	int order = before->name == NULL ? -1 : strcmp(before->name, name);

	return len > 0 && (order < 0 || (order == 0 && before->stage < stage));
}

/* One entry at *at, which goes behind it. */
static bool
scan_entry(struct rt_gitindex *index, size_t *at, size_t end, struct before *before)
{
	struct rt_gitindex_spot *spot = &index->spots[index->n];
	size_t fixed, len, next;
	uint32_t flags;

	if (end - *at < RT_GITINDEX_FIXED_EXTENDED)
		return false;
	flags = rt_be16(index->bytes.data + *at + RT_GITINDEX_FLAGS);
	fixed = rt_gitindex_fixed(index->bytes.data + *at);
	if (fixed != RT_GITINDEX_FIXED && index->version < 3)
		return false;
	spot->at = (uint32_t)*at;
	spot->name = (uint32_t)(index->version == 4 ? index->names.len : *at + fixed);
	if (index->version == 4) {
		next = read_shortened(index, *at + fixed, end, before, &len);
	} else {
		len = strnlen(index->bytes.data + *at + fixed, end - *at - fixed);
		next = *at + rt_gitindex_padded(fixed, len);
	}
	if (next == 0 || next > end ||
	    (flags & RT_GITINDEX_NAME_MAX) != (len < RT_GITINDEX_NAME_MAX ? len : RT_GITINDEX_NAME_MAX))
		return false;
	/* names may have moved */
	if (index->version == 4)
		before->name = index->n > 0 ? index->names.data + index->spots[index->n - 1].name : NULL;
	before->disorder |= !is_in_order(before, rt_gitindex_name(index, index->n), len, STAGE(flags));
	*before = (struct before){rt_gitindex_name(index, index->n), len, STAGE(flags), before->disorder};
	index->unmerged |= STAGE(flags) != 0;
	index->n++;
	*at = next;
	return true;
}

/* ---- the file ---- */

static int
say_damaged(const char *path, const char *what, struct rt_err *err)
{
	return rt_fail(err, RT_EUNKNOWN, "cannot read the index %s: %s", path, what);
}

/* The index names extensions that a reader must understand in lower case. 1, 0 with why, -1. */
static int
check_extensions(const struct rt_gitindex *index, const char *path, size_t end, struct rt_buf *why, struct rt_err *err)
{
	static const struct {
		const char *name, *what, *mend;
	} known[] = {
	    {"link", "split", "git update-index --no-split-index"},
	    {"sdir", "sparse", "git sparse-checkout reapply --no-sparse-index"},
	};
	const char *bytes = index->bytes.data;

	for (size_t at = index->end; at < end; at += RT_GITINDEX_EXTENSION + rt_be32(bytes + at + 4)) {
		if (end - at < RT_GITINDEX_EXTENSION || end - at - RT_GITINDEX_EXTENSION < rt_be32(bytes + at + 4))
			return say_damaged(path, "an extension is longer than the file", err);
		for (size_t i = 0; i < RT_COUNT(known); i++) {
			if (memcmp(bytes + at, known[i].name, 4) != 0)
				continue;
			rt_buf_addf(why, "%s is a %s index, which is not supported; run `%s`\n", path, known[i].what,
				    known[i].mend);
			return 0;
		}
		if (bytes[at] < 'A' || bytes[at] > 'Z')
			return say_damaged(path, "it has an extension that must be understood, and is not", err);
	}
	return 1;
}

/* Of nothing but zeros where git was told to save the time (index.skipHash). */
static bool
is_sum_right(const struct rt_gitindex *index, size_t end)
{
	static const char skipped[RT_SHA1_BYTES];
	unsigned char sum[RT_SHA1_BYTES];

	if (memcmp(index->bytes.data + end, skipped, sizeof(skipped)) == 0)
		return true;
	rt_sha1_of(index->bytes.data, end, sum);
	return memcmp(index->bytes.data + end, sum, sizeof(sum)) == 0;
}

static int
scan(struct rt_gitindex *index, const char *path, struct rt_buf *why, struct rt_err *err)
{
	const char *bytes = index->bytes.data;
	size_t count, end, at = RT_GITINDEX_HEADER;
	struct before before = {0};
	int rc;

	if (index->bytes.len < RT_GITINDEX_HEADER + RT_SHA1_BYTES || memcmp(bytes, "DIRC", 4) != 0)
		return say_damaged(path, "it is no index", err);
	end = index->bytes.len - RT_SHA1_BYTES;
	index->version = rt_be32(bytes + 4);
	count = rt_be32(bytes + 8);
	if (index->version < 2 || index->version > 4)
		return say_damaged(path, "its version is unknown", err);
	if (!is_sum_right(index, end))
		return say_damaged(path, "its checksum is wrong", err);
	if (count > end / RT_GITINDEX_FIXED_EXTENDED)
		return say_damaged(path, "it says that it has more entries than fit into it", err);
	index->spots = rt_realloc(NULL, count + 1, sizeof(*index->spots));
	while (index->n < count)
		if (!scan_entry(index, &at, end, &before))
			return say_damaged(path, "an entry is damaged", err);
	index->end = at;
	rc = check_extensions(index, path, end, why, err);
	return rc == 1 && before.disorder ? say_damaged(path, "its entries are out of order", err) : rc;
}

int
rt_gitindex_read(struct rt_gitindex *index, const char *path, struct rt_buf *why, struct rt_err *err)
{
	rt_auto(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return 1;
	if (fd < 0 || fstat(fd, &index->file) < 0)
		return rt_fail_errno(err, "cannot read the index %s", path);
	if (rt_file_read_fd(fd, UINT32_MAX, path, &index->bytes, err) < 0)
		return -1;
	return scan(index, path, why, err);
}

/* ---- asking ---- */

struct rt_gitindex_entry
rt_gitindex_entry(const struct rt_gitindex *index, size_t i)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = index->bytes.data + index->spots[i].at;
	struct rt_gitindex_entry out = {
	    .name = rt_gitindex_name(index, i),
	    .what.mode = rt_be32(at + 24),
	    .ctime = rt_be32(at),
	    .ctime_ns = rt_be32(at + 4),
	    .mtime = rt_be32(at + 8),
	    .mtime_ns = rt_be32(at + 12),
	    .dev = rt_be32(at + 16),
	    .ino = rt_be32(at + 20),
	    .uid = rt_be32(at + 28),
	    .gid = rt_be32(at + 32),
	    .size = rt_be32(at + 36),
	};

	for (size_t k = 0; k < RT_OID_HEX; k++)
		out.what.id.hex[k] = digits[(unsigned char)at[RT_GITINDEX_ID + k / 2] >> (k % 2 == 0 ? 4 : 0) & 15];
	if (rt_gitindex_fixed(at) == RT_GITINDEX_FIXED_EXTENDED)
		out.skip_worktree = (rt_be16(at + RT_GITINDEX_FIXED) & RT_GITINDEX_SKIP_WORKTREE) != 0;
	return out;
}

size_t
rt_gitindex_lower(const struct rt_gitindex *index, const char *name)
{
	size_t low = 0, high = index->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(rt_gitindex_name(index, mid), name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

size_t
rt_gitindex_find(const struct rt_gitindex *index, const char *name)
{
	size_t i = rt_gitindex_lower(index, name);

	return i < index->n && strcmp(rt_gitindex_name(index, i), name) == 0 ? i : index->n;
}
