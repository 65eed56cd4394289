/*
 * The bytes of an index file, without their checksum: what is read has entries in order, and written with changes it is
 * read again with just these; anything else is refused with a reason.
 */

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "git/gitindex.h"
#include "support/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const char added[] = "m/added";

static int
read_fd(struct rt_gitindex *index, int fd, struct rt_err *err)
{
	rt_auto(free) char *path = rt_format("/proc/self/fd/%d", fd);
	rt_auto(buf) struct rt_buf why = RT_BUF_INIT;
	int rc = rt_gitindex_read(index, path, &why, err);

	if ((rc < 0 && !err->text[0]) || (rc == 0 && !why.len))
		rt_bug("refused without a reason");
	return rc;
}

static void
check_order(const struct rt_gitindex *index)
{
	for (size_t i = 1; i < index->n; i++)
		if (strcmp(rt_gitindex_name(index, i - 1), rt_gitindex_name(index, i)) > 0)
			rt_bug("entry %zu is out of order", i);
}

/* A path that comes removes a file above it and what is below it. */
static bool
gives_way(const char *name)
{
	return strcmp(name, added) == 0 || strcmp(name, "m") == 0 || rt_starts_with(name, "m/added/");
}

static void
check_written(const struct rt_gitindex *index, int fd)
{
	rt_auto(gitindex) struct rt_gitindex again = RT_GITINDEX_INIT;
	struct rt_gitindex_change changes[2] = {{.path = index->n ? rt_gitindex_name(index, index->n / 2) : "x"},
						{.path = added}};
	const char *removed = changes[0].path;
	size_t kept = 1, n = 2;
	struct rt_err err = RT_ERR_INIT;

	changes[1].new.mode = 0100644;
	memset(changes[1].new.id.hex, 'a', RT_OID_HEX);
	if (strcmp(removed, added) == 0) {
		changes[0] = changes[1];
		n = 1;
	} else if (strcmp(removed, added) > 0) {
		struct rt_gitindex_change first = changes[1];
		changes[1] = changes[0];
		changes[0] = first;
	}
	if (rt_gitindex_write(index, changes, n, fd, &err) < 0)
		rt_bug("read and not written: %s", err.text);
	if (read_fd(&again, fd, &err) != 1)
		rt_bug("written and not read: %s", err.text);
	check_order(&again);
	for (size_t i = 0; i < index->n; i++) {
		const char *name = rt_gitindex_name(index, i);
		bool gone = gives_way(name) || strcmp(name, removed) == 0;
		size_t at = rt_gitindex_find(&again, name);

		if (gone ? at < again.n && strcmp(name, added) != 0 : at == again.n)
			rt_bug("%s is %s", name, gone ? "still there" : "lost");
		kept += !gone;
	}
	if (again.n != kept)
		rt_bug("%zu entries and not %zu", again.n, kept);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	/* git may leave the checksum out, which is zeros */
	static const char sum[20];
	rt_auto(gitindex) struct rt_gitindex index = RT_GITINDEX_INIT;
	rt_auto(fd) int in = memfd_create("index", MFD_CLOEXEC), out = memfd_create("new", MFD_CLOEXEC);
	struct rt_err err = RT_ERR_INIT;

	if (in < 0 || out < 0 || rt_write_all(in, bytes, len) < 0 || rt_write_all(in, sum, sizeof(sum)) < 0)
		rt_bug("no file in memory");
	if (read_fd(&index, in, &err) != 1)
		return 0;
	check_order(&index);
	if (!index.unmerged)
		check_written(&index, out);
	return 0;
}
