#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cycle/init_parts.h"
#include "cycle/install.h"
#include "cycle/merge_driver.h"
#include "support/json.h"
#include "support/proc.h"

/*
 * git's configuration as ratchet leaves it, and what it was before: <ratchet>/config.json holds, for each key that was
 * set, the value that it had (null: none), so that undo puts that back.
 */

enum { MAX_RECORD = 1 << 16 };

/* ---- git config on the repository's own file: it runs nothing, and keys may have several values ---- */

/* Arguments after --file; 0, 1 or 5 as git config says (5: nothing to unset), or -1. */
static int
git_config(struct rt_home *home, const char *const *args, struct rt_buf *out, struct rt_err *err)
{
	rt_auto(free) char *file = rt_format("%s/config", rt_repo_commondir(home->repo));
	const char *const env[] = {"GIT_CONFIG_NOSYSTEM=1", "HOME=/nonexistent", NULL};
	rt_auto(buf) struct rt_buf errs = RT_BUF_INIT;
	const char *argv[12] = {"git", "config", "--file", file};
	size_t n = 4;
	while (*args && n + 1 < RT_COUNT(argv))
		argv[n++] = *args++;
	argv[n] = NULL;
	struct rt_proc proc = {.argv = argv, .env = env, .cwd = "/", .out = out, .errs = &errs};
	if (rt_proc_run(&proc, err) < 0)
		return -1;
	if (proc.exit_code != 0 && proc.exit_code != 1 && proc.exit_code != 5)
		return rt_fail(err, RT_ECONFIG, "git config can't change %s: %.*s", file, (int)strcspn(errs.data, "\n"),
			       errs.data);
	return proc.exit_code;
}

/* The names of the remotes that have an address. */
static int
list_remotes(struct rt_home *home, struct rt_strs *names, struct rt_err *err)
{
	static const char *const args[] = {"-z", "--name-only", "--get-regexp", "^remote\\..*\\.url$", NULL};
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;
	if (git_config(home, args, &out, err) < 0)
		return -1;
	for (size_t at = 0; at < out.len; at += strlen(out.data + at) + 1) {
		const char *key = out.data + at + strlen("remote.");
		rt_strs_addn(names, key, strlen(key) - strlen(".url"));
	}
	rt_strs_sort(names);
	rt_strs_unique(names);
	return 0;
}

static char *
ledger_refspec(const char *remote)
{
	return rt_format("+refs/ratchet/ledger/*:refs/ratchet/remotes/%s/*", remote);
}

/* Other clones' chains come with every fetch, so that each vouches for the others. */
static int
add_refspecs(struct rt_home *home, struct rt_strs *did, struct rt_err *err)
{
	rt_auto(strs) struct rt_strs remotes = {0};
	if (list_remotes(home, &remotes, err) < 0)
		return -1;
	for (size_t i = 0; i < remotes.n; i++) {
		rt_auto(free) char *key = rt_format("remote.%s.fetch", remotes.at[i]);
		rt_auto(free) char *value = ledger_refspec(remotes.at[i]);
		rt_auto(strs) struct rt_strs present = {0};
		const char *const args[] = {"--add", key, value, NULL};
		if (rt_repo_config_all(home->repo, key, &present, err) < 0)
			return -1;
		if (rt_strs_has(&present, value))
			continue;
		int set = git_config(home, args, NULL, err);
		if (set != 0)
			return set < 0 ? -1 : rt_fail(err, RT_ECONFIG, "git config refused to add %s", key);
		rt_strs_addf(did, "fetches from %s bring its ledgers too (%s)", remotes.at[i], key);
	}
	return 0;
}

static int
drop_refspecs(struct rt_home *home, struct rt_strs *did, struct rt_err *err)
{
	rt_auto(strs) struct rt_strs remotes = {0};
	if (list_remotes(home, &remotes, err) < 0)
		return -1;
	for (size_t i = 0; i < remotes.n; i++) {
		rt_auto(free) char *key = rt_format("remote.%s.fetch", remotes.at[i]);
		rt_auto(free) char *value = ledger_refspec(remotes.at[i]);
		const char *const args[] = {"--fixed-value", "--unset-all", key, value, NULL};
		int dropped = git_config(home, args, NULL, err);
		if (dropped < 0)
			return -1;
		if (dropped == 0)
			rt_strs_addf(did, "%s no longer has the ledgers", key);
	}
	return 0;
}

/* ---- keys, and what they were ---- */

static int
read_record(const struct rt_home *home, struct rt_json **record, struct rt_err *err)
{
	rt_auto(free) char *path = rt_home_path(home, "config.json");
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	*record = NULL;
	if (!rt_exists(AT_FDCWD, path)) {
		*record = rt_json_new_object();
		return 0;
	}
	if (rt_file_read(AT_FDCWD, path, MAX_RECORD, &text, err) < 0)
		return -1;
	return rt_json_parse(record, text.data, text.len, path, err);
}

int
rt_init_set_key(struct rt_home *home, const char *key, const char *value, struct rt_strs *did, struct rt_err *err)
{
	rt_auto(free) char *path = rt_home_path(home, "config.json");
	rt_auto(json) struct rt_json *record = NULL;
	rt_auto(buf) struct rt_buf present = RT_BUF_INIT, text = RT_BUF_INIT;
	const char *const args[] = {"-z", "--get", key, NULL};
	int found = git_config(home, args, &present, err);
	if (found < 0)
		return -1;
	if (found == 0 && strcmp(present.data, value) == 0)
		return 0;
	if (read_record(home, &record, err) < 0)
		return -1;
	if (!rt_json_get(record, key))
		rt_json_set_string(record, key, found == 0 ? present.data : NULL);
	rt_json_write(record, &text);
	rt_buf_addc(&text, '\n');
	if (rt_file_write_durable(AT_FDCWD, path, text.data, text.len, 0644, err) < 0 ||
	    rt_repo_config_set(home->repo, key, value, err) < 0)
		return -1;
	rt_strs_addf(did, "%s is %s", key, value);
	return 0;
}

struct restoring {
	struct rt_home *home;
	struct rt_strs *did;
	struct rt_err *err;
};

static int
restore_key(void *data, const char *key, struct rt_json *value)
{
	struct restoring *r = data;
	const char *was = rt_json_string(value);
	const char *const unset[] = {"--unset-all", key, NULL};
	/* git's own unset takes the section away that it leaves empty */
	if (was ? rt_repo_config_set(r->home->repo, key, was, r->err) < 0
		: git_config(r->home, unset, NULL, r->err) < 0)
		return -1;
	if (was)
		rt_strs_addf(r->did, "%s is %s again", key, was);
	else
		rt_strs_addf(r->did, "%s is not set any more", key);
	return 0;
}

struct without {
	struct rt_json *rest;
	const char *key;
};

static int
copy_other(void *data, const char *key, struct rt_json *value)
{
	struct without *w = data;
	if (strcmp(key, w->key) != 0)
		rt_json_set_string(w->rest, key, rt_json_string(value));
	return 0;
}

int
rt_init_restore_key(struct rt_home *home, const char *key, struct rt_strs *did, struct rt_err *err)
{
	rt_auto(free) char *path = rt_home_path(home, "config.json");
	rt_auto(json) struct rt_json *record = NULL, *rest = rt_json_new_object();
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	struct without without = {rest, key};
	struct restoring restoring = {home, did, err};
	if (read_record(home, &record, err) < 0)
		return -1;
	struct rt_json *value = rt_json_get(record, key);
	if (!value)
		return 0;
	(void)rt_json_each(record, copy_other, &without);
	rt_json_write(rest, &text);
	rt_buf_addc(&text, '\n');
	if (restore_key(&restoring, key, value) < 0)
		return -1;
	return rt_file_write_durable(AT_FDCWD, path, text.data, text.len, 0644, err);
}

/* ---- installing and undoing ---- */

static int
install_hooks(struct rt_home *home, const char *binary, struct rt_strs *did, struct rt_err *err)
{
	rt_auto(strs) struct rt_strs differences = {0};
	rt_auto(free) char *dir = rt_hooks_dir(home);
	if (rt_hooks_compare(home, binary, &differences, err) < 0)
		return -1;
	if (!differences.n)
		return 0;
	if (rt_hooks_install(home, binary, err) < 0)
		return -1;
	rt_strs_addf(did, "the hooks are in %s; those that were there before go on running", dir);
	return 0;
}

int
rt_init_install(struct rt_home *home, const struct rt_init *init, const char *target, struct rt_strs *did,
		struct rt_err *err)
{
	if (target && rt_init_set_key(home, "ratchet.target", target, did, err) < 0)
		return -1;
	if (install_hooks(home, init->binary, did, err) < 0 ||
	    rt_merge_driver_install(home, init->binary, did, err) < 0 || add_refspecs(home, did, err) < 0)
		return -1;
	if (!init->server_governance)
		return 0;
	if (rt_init_set_key(home, "ratchet.unsignedGovernance", "true", did, err) < 0)
		return -1;
	return rt_init_set_key(home, "receive.advertisePushOptions", "true", did, err);
}

int
rt_init_undo(struct rt_home *home, struct rt_strs *did, struct rt_err *err)
{
	rt_auto(free) char *path = rt_home_path(home, "config.json");
	rt_auto(json) struct rt_json *record = NULL;
	if (rt_hooks_undo(home, err) < 0 || drop_refspecs(home, did, err) < 0 || read_record(home, &record, err) < 0)
		return -1;
	rt_strs_add(did, "the hooks are as they were before ratchet");
	struct restoring restoring = {home, did, err};
	if (rt_json_each(record, restore_key, &restoring) != 0)
		return -1;
	if (unlink(path) < 0 && errno != ENOENT)
		return rt_fail_errno(err, "removing %s", path);
	return 0;
}
