#include "git/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "git/internal.h"
#include "support/file.h"

RT_DEFINE_GIT_AUTO(git_packbuilder, git_packbuilder, git_packbuilder_free);

struct ids {
	RT_VEC(struct rt_oid) list;
};

static void
ids_release(struct ids *ids)
{
	free(ids->list.at);
}
RT_DEFINE_AUTO(ids, struct ids, ids_release);

static char *
loose_path(const struct rt_repo *repo, const struct rt_oid *id)
{
	return rt_format("%s/objects/%.2s/%s", repo->commondir, id->hex, id->hex + 2);
}

/* What git has packed meanwhile, or a clone brought packed, stays where it is. */
static bool
is_loose(const struct rt_repo *repo, const struct rt_oid *id)
{
	rt_auto(free) char *path = loose_path(repo, id);

	return rt_exists(AT_FDCWD, path);
}

static int
collect(struct ids *ids, struct rt_repo *repo, const struct rt_oid *tip, const struct rt_oid *hidden,
	struct rt_err *err)
{
	struct rt_oid at = *tip;

	while (at.hex[0] && !rt_oid_equal(&at, hidden)) {
		rt_auto(link) struct rt_link link = {0};

		if (rt_link_read(repo, &at, &link, err) < 0)
			return -1;
		if (is_loose(repo, &at))
			*rt_push(&ids->list) = at;
		at = link.parent;
	}
	return 0;
}

static int
write_pack(const struct ids *ids, struct rt_repo *repo, const char *dir, struct rt_err *err)
{
	rt_auto(git_packbuilder) git_packbuilder *builder = NULL;

	if (git_packbuilder_new(&builder, repo->git) < 0)
		return rt_git_error(err, RT_EIO, "cannot begin a pack");
	git_packbuilder_set_threads(builder, 1);
	for (size_t i = 0; i < ids->list.n; i++) {
		git_oid oid;

		if (rt_oid_to_git(&oid, &ids->list.at[i], err) < 0)
			return -1;
		if (git_packbuilder_insert(builder, &oid, NULL) < 0)
			return rt_git_error(err, RT_EIO, "cannot pack %s", ids->list.at[i].hex);
	}
	if (git_packbuilder_write(builder, dir, 0444, NULL, NULL) < 0)
		return rt_git_error(err, RT_EIO, "cannot write a pack to %s", dir);
	return 0;
}

/* They are in the pack, which is on disk. */
static int
drop_loose(const struct ids *ids, const struct rt_repo *repo, struct rt_err *err)
{
	for (size_t i = 0; i < ids->list.n; i++) {
		rt_auto(free) char *path = loose_path(repo, &ids->list.at[i]);

		if (unlink(path) < 0 && errno != ENOENT)
			return rt_fail_errno(err, "cannot remove %s, which is packed", path);
	}
	return 0;
}

int
rt_pack_chain(struct rt_repo *repo, struct rt_quarantine *quarantine, const struct rt_oid *tip,
	      const struct rt_oid *hidden, size_t *n, struct rt_err *err)
{
	rt_auto(ids) struct ids ids = {0};
	rt_auto(free) char *dir = rt_format("%s/objects/pack", rt_repo_gitdir(rt_quarantine_repo(quarantine)));

	if (collect(&ids, repo, tip, hidden, err) < 0)
		return -1;
	*n = ids.list.n;
	if (ids.list.n == 0)
		return 0;
	if (rt_mkdirs(AT_FDCWD, dir, 0777, err) < 0 || write_pack(&ids, repo, dir, err) < 0 ||
	    rt_quarantine_promote(quarantine, err) < 0)
		return -1;
	return drop_loose(&ids, repo, err);
}
