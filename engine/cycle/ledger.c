#include "cycle/ledger.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/clock.h"

/* git's name for the tree without entries; every entry is a commit of it */
#define EMPTY_TREE "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
#define EVIDENCE_REFS "refs/ratchet/evidence/"

enum { APPEND_MS = 30000 };

int
rt_ledger_link(struct rt_repo *repo, const struct rt_oid *at, struct rt_link *link, struct rt_err *err)
{
	if (rt_link_read(repo, at, link, err) < 0)
		return -1;
	if (strcmp(link->tree.hex, EMPTY_TREE) != 0 || link->n_parents > 1)
		return rt_fail(err, RT_EIO, "%s is not a ledger entry; run `ratchet verify`", at->hex);
	return 0;
}

static int
read_entry(struct rt_repo *repo, const struct rt_oid *at, struct rt_record *record, struct rt_oid *parent,
	   struct rt_err *err)
{
	rt_auto(link) struct rt_link link = {0};
	if (rt_ledger_link(repo, at, &link, err) < 0)
		return -1;
	if (rt_record_parse(record, link.message, link.len, NULL, err) < 0)
		return rt_err_while(err, "ledger entry %s", at->hex);
	*parent = link.parent;
	return 0;
}

int
rt_ledger_head(struct rt_home *home, struct rt_head *head, struct rt_err *err)
{
	rt_auto(free) char *ref = rt_format(RT_LEDGER_REFS "%s", home->writer);
	memset(head, 0, sizeof(*head));
	memset(head->digest, '0', RT_SHA256_HEX);
	int found = rt_ref_read(home->repo, ref, &head->commit, err);
	if (found <= 0)
		return found;
	rt_auto(record) struct rt_record record = RT_RECORD_INIT;
	struct rt_oid parent;
	if (read_entry(home->repo, &head->commit, &record, &parent, err) < 0)
		return -1;
	head->seq = record.seq;
	memcpy(head->digest, record.digest, sizeof(head->digest));
	return 0;
}

/* The witness lies outside the repository, so that a chain that was cut short is noticed. It never moves back. */
char *
rt_witness_dir(const struct rt_home *home)
{
	const char *state = getenv("XDG_STATE_HOME");
	if (state && state[0] == '/')
		return rt_format("%s/ratchet", state);
	return home->cell_home ? rt_format("%s/.local/state/ratchet", home->cell_home) : NULL;
}

static char *
witness_path(const struct rt_home *home)
{
	rt_auto(free) char *dir = rt_witness_dir(home);
	return dir ? rt_format("%s/%s", dir, home->writer) : NULL;
}

/* A line as long as the last one is written over it: one sector, so that a power cut leaves the old or the new. */
static bool
write_over(const char *path, const struct rt_buf *text, bool sync)
{
	rt_auto(fd) int fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	return fd >= 0 && fstat(fd, &st) == 0 && st.st_size == (off_t)text->len &&
	       pwrite(fd, text->data, text->len, 0) == (ssize_t)text->len && (!sync || fdatasync(fd) == 0);
}

/*
 * The ledger itself is the record and the witness its anchor: a state directory that can't be written must not stop a
 * landing (a service user often has none), and `verify` says that the anchor is missing. An INTENT is synced with the
 * entry that closes it: a witness may lag behind, as it does after a crash.
 */
static void
write_witness(const struct rt_home *home, int64_t seq, const char *digest, bool sync)
{
	rt_auto(free) char *path = witness_path(home);
	if (!path)
		return;
	rt_auto(free) char *dir = rt_strndup(path, (size_t)(strrchr(path, '/') - path));
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	struct rt_err ignored = RT_ERR_INIT;
	rt_buf_addf(&text, "%018" PRId64 " %s\n", seq, digest);
	if (write_over(path, &text, sync) || rt_mkdirs(AT_FDCWD, dir, 0700, &ignored) < 0)
		return;
	if (rt_file_write_durable(AT_FDCWD, path, text.data, text.len, 0600, &ignored) < 0)
		return;
}

int
rt_witness_read(const struct rt_home *home, int64_t *seq, char digest[RT_SHA256_HEX + 1], struct rt_err *err)
{
	rt_auto(free) char *path = witness_path(home);
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	if (!path || !rt_exists(AT_FDCWD, path))
		return 0;
	if (rt_file_read(AT_FDCWD, path, 256, &text, err) < 0)
		return -1;
	if (sscanf(text.data, "%" SCNd64 " %64[0-9a-f]", seq, digest) != 2 || strlen(digest) != RT_SHA256_HEX)
		return rt_fail(err, RT_EIO, "the witness %s is damaged; compare with `ratchet verify` and remove it",
			       path);
	return 1;
}

struct other_heads {
	const struct rt_home *home;
	struct rt_json *heads;
};

static int
note_head(void *data, const char *name, const struct rt_oid *oid, struct rt_err *err)
{
	struct other_heads *others = data;
	const char *writer = strrchr(name, '/') + 1;
	(void)err;
	if (strcmp(writer, others->home->writer) != 0)
		rt_json_set_string(others->heads, writer, oid->hex);
	return 0;
}

/* The other writers' heads as far as this clone has seen them: each chain vouches for the others. */
static int
collect_heads(struct rt_home *home, struct rt_record *record, struct rt_err *err)
{
	struct other_heads others = {home, rt_json_new_object()};
	rt_json_free(record->heads);
	record->heads = others.heads;
	if (rt_ref_each(home->repo, RT_LEDGER_REFS, note_head, &others, err) < 0)
		return -1;
	return rt_ref_each(home->repo, "refs/ratchet/remotes/", note_head, &others, err);
}

static void
set_string(char **field, const char *value)
{
	free(*field);
	*field = rt_strdup(value);
}

int
rt_ledger_append(struct rt_home *home, struct rt_record *record, struct rt_oid *at, struct rt_err *err)
{
	rt_auto(free) char *ref = rt_format(RT_LEDGER_REFS "%s", home->writer);
	int64_t deadline = rt_clock_ms() + APPEND_MS;
	set_string(&record->actor, rt_actor());
	set_string(&record->boot_id, rt_boot_id());
	record->time = rt_clock_now();
	if (rt_via()) {
		if (!record->extra)
			record->extra = rt_json_new_object();
		rt_json_set_string(record->extra, "via", rt_via());
	}
	if (collect_heads(home, record, err) < 0)
		return -1;
	for (;;) {
		struct rt_head head;
		if (rt_ledger_head(home, &head, err) < 0)
			return rt_err_while(err, "reading the ledger's head");
		record->seq = head.seq + 1;
		memcpy(record->prev, head.digest, sizeof(record->prev));
		rt_auto(buf) struct rt_buf message = RT_BUF_INIT;
		rt_record_write(record, &message);

		rt_auto(free) char *who =
		    rt_format("ratchet <ratchet@%s> %" PRId64 " +0000", home->writer, record->time);
		struct rt_commit entry = {.tree = {EMPTY_TREE},
					  .parents = &head.commit,
					  .n_parents = head.commit.hex[0] ? 1 : 0,
					  .author = who,
					  .committer = who,
					  .message = message.data};
		struct rt_oid empty;
		if (record->seq == 1 && rt_tree_update(home->repo, &(struct rt_oid){""}, NULL, 0, &empty, err) < 0)
			return -1;
		if (rt_commit_write(home->repo, &entry, err) < 0)
			return rt_err_while(err, "writing a ledger entry");
		int swapped = rt_ref_swap(home->repo, ref, head.commit.hex[0] ? &head.commit : NULL, &entry.id,
					  rt_op_name(record->op), deadline, err);
		if (swapped < 0)
			return -1;
		if (swapped == RT_SWAP_LOCKED || (swapped == RT_SWAP_MOVED && rt_clock_ms() > deadline))
			return rt_err_while(err, "appending to the ledger");
		if (swapped == RT_SWAPPED) {
			rt_auto(record) struct rt_record back = RT_RECORD_INIT;
			char digest[RT_SHA256_HEX + 1];
			if (rt_record_parse(&back, message.data, message.len, digest, err) < 0)
				return -1;
			write_witness(home, record->seq, digest, record->op != RT_OP_INTENT);
			if (at)
				*at = entry.id;
			return 0;
		}
	}
}

int
rt_ledger_walk(struct rt_home *home, const struct rt_oid *from,
	       int (*each)(void *data, const struct rt_oid *at, const struct rt_record *record, struct rt_err *err),
	       void *data, struct rt_err *err)
{
	struct rt_oid at = {""};
	if (from) {
		at = *from;
	} else {
		rt_auto(free) char *ref = rt_format(RT_LEDGER_REFS "%s", home->writer);
		if (rt_ref_read(home->repo, ref, &at, err) < 0)
			return -1;
	}
	while (at.hex[0]) {
		rt_auto(record) struct rt_record record = RT_RECORD_INIT;
		struct rt_oid parent;
		if (read_entry(home->repo, &at, &record, &parent, err) < 0)
			return -1;
		int stop = each(data, &at, &record, err);
		if (stop)
			return stop;
		at = parent;
	}
	return 0;
}

int
rt_evidence_keep(struct rt_home *home, const char *id, const struct rt_oid *blob, struct rt_err *err)
{
	rt_auto(free) char *ref = rt_format(EVIDENCE_REFS "%s", id);
	struct rt_oid old;
	int had = rt_ref_read(home->repo, ref, &old, err);
	if (had < 0)
		return -1;
	if (had && rt_oid_equal(blob, &old))
		return 0;
	int swapped = rt_ref_swap(home->repo, ref, had ? &old : NULL, blob, "evidence", rt_clock_ms() + APPEND_MS, err);
	if (swapped == RT_SWAP_MOVED)
		return rt_fail(err, RT_ECONFLICT, "%s was written by somebody else meanwhile", ref);
	return swapped == RT_SWAPPED ? 0 : -1;
}

int
rt_evidence_read(struct rt_home *home, const char *id, struct rt_buf *out, struct rt_err *err)
{
	rt_auto(free) char *ref = rt_format(EVIDENCE_REFS "%s", id);
	struct rt_oid blob;
	int found = rt_ref_read(home->repo, ref, &blob, err);
	if (found <= 0)
		return found;
	return rt_blob_read(home->repo, &blob, 64u << 20, out, err) < 0 ? -1 : 1;
}
