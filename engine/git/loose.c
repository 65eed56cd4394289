#include "git/loose.h"

#include <errno.h>
#include <fcntl.h>
#include <git2/sys/odb_backend.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "support/digest.h"
#include "support/file.h"

#define PRIORITY 100 /* above libgit2's own, which are 1 and 2 */
#define CHUNK (64u << 10)

struct loose {
	git_odb_backend parent;
	int objects;
};

/* Deflates len bytes into fd; flush is Z_FINISH for the last ones. 0 or -1. */
static int
squeeze(z_stream *stream, int fd, const void *bytes, size_t len, int flush)
{
	unsigned char out[16u << 10];
	const unsigned char *from = bytes;
	size_t step;

	do {
		step = len < CHUNK ? len : CHUNK;
		stream->next_in = (unsigned char *)(uintptr_t)from;
		stream->avail_in = (unsigned)step;
		from += step;
		len -= step;
		do {
			stream->next_out = out;
			stream->avail_out = sizeof(out);
			if (deflate(stream, len ? Z_NO_FLUSH : flush) == Z_STREAM_ERROR)
				return -1;
			if (rt_write_all(fd, out, sizeof(out) - stream->avail_out))
				return -1;
		} while (!stream->avail_out);
	} while (len);
	return 0;
}

static int
write_stream(int fd, const char *type, const void *bytes, size_t len)
{
	rt_auto(free) char *head = rt_format("%s %zu", type, len);
	z_stream stream = {0};
	int failed;

	if (deflateInit(&stream, Z_BEST_SPEED) != Z_OK)
		return -1;
	failed = squeeze(&stream, fd, head, strlen(head) + 1, Z_NO_FLUSH) || squeeze(&stream, fd, bytes, len, Z_FINISH);
	deflateEnd(&stream);
	return failed ? -1 : 0;
}

/* Puts the temporary file at its place; one that is there already has the same content. */
static int
settle(int objects, const char *temp, const char *hex)
{
	char dir[3] = {hex[0], hex[1], 0}, path[GIT_OID_HEXSZ + 2];

	memcpy(path, hex, 2);
	path[2] = '/';
	memcpy(path + 3, hex + 2, GIT_OID_HEXSZ - 1);
	if (!renameat(objects, temp, objects, path))
		return 0;
	if (errno != ENOENT || (mkdirat(objects, dir, 0777) && errno != EEXIST))
		return -1;
	return renameat(objects, temp, objects, path);
}

static int
loose_write(git_odb_backend *backend, const git_oid *id, const void *bytes, size_t len, git_object_t type)
{
	int objects = ((struct loose *)backend)->objects;
	char temp[32] = "tmp_obj_", hex[GIT_OID_HEXSZ + 1];
	rt_auto(fd) int fd = -1;

	git_oid_tostr(hex, sizeof(hex), id);
	rt_random_hex(temp + strlen(temp), 16);
	fd = openat(objects, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	if (fd >= 0 && !write_stream(fd, git_object_type2string(type), bytes, len) && !settle(objects, temp, hex))
		return 0;
	git_error_set_str(GIT_ERROR_OS, strerror(errno));
	if (fd >= 0)
		unlinkat(objects, temp, 0);
	return -1;
}

static void
loose_free(git_odb_backend *backend)
{
	rt_close(((struct loose *)backend)->objects);
	free(backend);
}

int
rt_loose_install(struct rt_repo *repo, const char *objects, struct rt_err *err)
{
	struct loose *loose = rt_alloc(1, sizeof(*loose));

	git_odb_init_backend(&loose->parent, GIT_ODB_BACKEND_VERSION);
	loose->parent.write = loose_write;
	loose->parent.free = loose_free;
	loose->objects = open(objects, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (loose->objects < 0) {
		free(loose);
		return rt_fail_errno(err, "can't open %s", objects);
	}
	if (!git_odb_add_backend(repo->odb, &loose->parent, PRIORITY))
		return 0;
	loose_free(&loose->parent);
	return rt_git_error(err, RT_EIO, "can't write to %s", objects);
}
