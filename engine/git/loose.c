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

#include "support/file.h"
#include "support/tempname.h"

/* above libgit2's own, which are 1 and 2 */
#define PRIORITY_SYNCED 100
#define PRIORITY_UNSYNCED 101
#define CHUNK (64u << 10)
#define FOLDER_TRIES 8

struct loose {
	git_odb_backend parent;
	char *path; /* of the objects directory, which is opened when something is written */
	int objects;
	bool synced;
	bool squeezing;	 /* stream is there */
	z_stream stream; /* for one object after the other: its memory is many times what most of them take */
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
write_stream(struct loose *loose, int fd, const char *type, const void *bytes, size_t len)
{
	rt_auto(free) char *head = rt_format("%s %zu", type, len);

	if (loose->squeezing ? deflateReset(&loose->stream) != Z_OK : deflateInit(&loose->stream, Z_BEST_SPEED) != Z_OK)
		return -1;
	loose->squeezing = true;
	return squeeze(&loose->stream, fd, head, strlen(head) + 1, Z_NO_FLUSH) ||
		       squeeze(&loose->stream, fd, bytes, len, Z_FINISH)
		   ? -1
		   : 0;
}

static int
sync_dir(int objects, const char *path)
{
	rt_auto(fd) int fd = openat(objects, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -1 : fsync(fd);
}

/* Puts the temporary file at its place; one that is there already has the same content. */
static int
settle(const struct loose *loose, const char *temp, const char *hex)
{
	char dir[3] = {hex[0], hex[1], 0}, path[GIT_OID_HEXSZ + 2];

	memcpy(path, hex, 2);
	path[2] = '/';
	memcpy(path + 3, hex + 2, GIT_OID_HEXSZ - 1);
	/* again and again: a gc beside us removes folders that are empty at the moment */
	for (int tries = 0; renameat(loose->objects, temp, loose->objects, path); tries++) {
		if (errno != ENOENT || tries == FOLDER_TRIES ||
		    (mkdirat(loose->objects, dir, 0777) && errno != EEXIST) ||
		    (loose->synced && sync_dir(loose->objects, ".")))
			return -1;
	}
	return loose->synced && sync_dir(loose->objects, dir) && errno != ENOENT ? -1 : 0;
}

static int
write_object(struct loose *loose, const char *temp, const char *hex, const char *type, const void *bytes, size_t len)
{
	rt_auto(fd) int fd = openat(loose->objects, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	int failed;

	if (fd < 0)
		return -1;
	failed = write_stream(loose, fd, type, bytes, len) || (loose->synced && fsync(fd)) || settle(loose, temp, hex);
	if (failed) {
		failed = errno;
		unlinkat(loose->objects, temp, 0);
		errno = failed;
	}
	return failed ? -1 : 0;
}

static int
loose_write(git_odb_backend *backend, const git_oid *id, const void *bytes, size_t len, git_object_t type)
{
	struct loose *loose = (struct loose *)backend;
	char temp[RT_TEMP_NAME], hex[GIT_OID_HEXSZ + 1];

	git_oid_tostr(hex, sizeof(hex), id);
	rt_temp_name(temp, RT_LOOSE_PREFIX);
	if (loose->objects < 0)
		loose->objects = open(loose->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (loose->objects >= 0 && !write_object(loose, temp, hex, git_object_type2string(type), bytes, len))
		return 0;
	git_error_set_str(GIT_ERROR_OS, strerror(errno));
	return -1;
}

static void
loose_free(git_odb_backend *backend)
{
	struct loose *loose = (struct loose *)backend;

	rt_close(loose->objects);
	if (loose->squeezing)
		deflateEnd(&loose->stream);
	free(loose->path);
	free(loose);
}

int
rt_loose_install(struct rt_repo *repo, const char *objects, bool synced, struct rt_err *err)
{
	struct loose *loose = rt_alloc(1, sizeof(*loose));

	git_odb_init_backend(&loose->parent, GIT_ODB_BACKEND_VERSION);
	loose->parent.write = loose_write;
	loose->parent.free = loose_free;
	loose->path = rt_strdup(objects);
	loose->objects = -1;
	loose->synced = synced;
	if (!git_odb_add_backend(repo->odb, &loose->parent, synced ? PRIORITY_SYNCED : PRIORITY_UNSYNCED))
		return 0;
	loose_free(&loose->parent);
	return rt_git_error(err, RT_EIO, "can't write to %s", objects);
}
