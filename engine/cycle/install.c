#include "cycle/install.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cycle/shims.h"
#include "support/digest.h"
#include "support/json.h"
#include "support/proc.h"

enum { MAX_SHIM = 1 << 20, RECORD_VERSION = 1 };

#define MARK "# ratchet-shim "

/* githooks(5), without those whose mere presence replaces what git does itself. */
static const char *const names[] = {
    "applypatch-msg",
    "pre-applypatch",
    "post-applypatch",
    "pre-commit",
    "pre-merge-commit",
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
    "pre-rebase",
    "post-checkout",
    "post-merge",
    "pre-push",
    "pre-receive",
    "update",
    "post-receive",
    "post-update",
    "reference-transaction",
    "pre-auto-gc",
    "post-rewrite",
    "sendemail-validate",
    "p4-changelist",
    "p4-prepare-changelist",
    "p4-post-changelist",
    "p4-pre-submit",
    "post-index-change",
};
/* Those, of the hooks that were there before, are linked to, so that they are there for git only as long as they are
 * there at all. */
static const char *const linked[] = {"push-to-checkout", "proc-receive"};

struct installation {
	struct rt_home *home;
	char *dir, *kept, *record;
	char *previous; /* core.hooksPath in the repository's own configuration before; NULL: not set */
	char *before;	/* the directory that git took hooks from; relative to where git runs hooks, as git means it */
	struct rt_strs digests; /* of the shims that were installed last */
	bool recorded;
};

static void
installation_release(struct installation *i)
{
	free(i->dir);
	free(i->kept);
	free(i->record);
	free(i->previous);
	free(i->before);
	rt_strs_release(&i->digests);
}
RT_DEFINE_AUTO(installation, struct installation, installation_release);

char *
rt_hooks_dir(const struct rt_home *home)
{
	return rt_home_path(home, "hooks");
}

/* ---- texts ---- */

static void
shim_text(const struct installation *i, const char *name, const char *binary, struct rt_buf *out)
{
	const char *text = strcmp(name, "reference-transaction") == 0 ? RT_SHIM_REFERENCE_TRANSACTION : RT_SHIM;
	const struct {
		const char *word, *value;
	} words[] = {{"@RATCHET@", binary}, {"@BEFORE@", i->before}, {"@KEPT@", i->kept}};
	while (*text) {
		size_t w = 0;
		while (w < RT_COUNT(words) && !rt_starts_with(text, words[w].word))
			w++;
		if (w == RT_COUNT(words)) {
			rt_buf_addc(out, *text++);
			continue;
		}
		rt_buf_add_quoted(out, words[w].value);
		text += strlen(words[w].word);
	}
}

/* ---- what is remembered ---- */

static char *
copy(const char *s)
{
	return s ? rt_strdup(s) : NULL;
}

static int
read_record(struct installation *i, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	rt_auto(json) struct rt_json *json = NULL;
	if (!rt_exists(AT_FDCWD, i->record))
		return 0;
	if (rt_file_read(AT_FDCWD, i->record, MAX_SHIM, &text, err) < 0 ||
	    rt_json_parse(&json, text.data, text.len, i->record, err) < 0)
		return rt_err_while(err,
				    "reading what the hooks were before ratchet; remove %s to take %s/hooks for it",
				    i->record, rt_repo_commondir(i->home->repo));
	i->previous = copy(rt_json_get_string(json, "previous"));
	i->before = copy(rt_json_get_string(json, "before"));
	const struct rt_json *digests = rt_json_get(json, "shims");
	for (size_t k = 0; k < rt_json_count(digests); k++)
		rt_strs_add(&i->digests, rt_json_string(rt_json_at(digests, k)));
	i->recorded = i->before != NULL;
	return 0;
}

static int
write_record(const struct installation *i, const char *binary, struct rt_err *err)
{
	rt_auto(json) struct rt_json *json = rt_json_new_object();
	struct rt_json *digests = rt_json_new_array();
	rt_auto(strs) struct rt_strs all = {0};
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	/* the former ones too: an interrupted installation leaves some of them */
	for (size_t k = 0; k < i->digests.n; k++)
		rt_strs_add(&all, i->digests.at[k]);
	for (size_t k = 0; k < RT_COUNT(names); k++) {
		rt_auto(buf) struct rt_buf shim = RT_BUF_INIT;
		char digest[RT_SHA256_HEX + 1];
		shim_text(i, names[k], binary, &shim);
		rt_sha256_of(shim.data, shim.len, digest);
		rt_strs_add(&all, digest);
	}
	rt_strs_sort(&all);
	rt_strs_unique(&all);
	for (size_t k = 0; k < all.n; k++)
		rt_json_append(digests, rt_json_new_string(all.at[k]));
	rt_json_set_int(json, "version", RECORD_VERSION);
	rt_json_set_string(json, "previous", i->previous);
	rt_json_set_string(json, "before", i->before);
	rt_json_set_string(json, "binary", binary);
	rt_json_set(json, "shims", digests);
	rt_json_write(json, &text);
	rt_buf_addc(&text, '\n');
	return rt_file_write_durable(AT_FDCWD, i->record, text.data, text.len, 0644, err);
}

/* ---- core.hooksPath ---- */

/* In the repository's own file alone: 1 set, 0 not, -1. */
static int
own_hooks_path(const struct installation *i, struct rt_buf *value, struct rt_err *err)
{
	rt_auto(free) char *file = rt_format("%s/config", rt_repo_commondir(i->home->repo));
	const char *const argv[] = {"git", "config", "--file", file, "-z", "--get", "core.hooksPath", NULL};
	const char *const env[] = {"GIT_CONFIG_NOSYSTEM=1", "HOME=/nonexistent", NULL};
	struct rt_proc proc = {.argv = argv, .env = env, .cwd = "/", .out = value};
	if (rt_proc_run(&proc, err) < 0)
		return -1;
	if (proc.exit_code > 1)
		return rt_fail(err, RT_ECONFIG, "%s can't be read by git config", file);
	if (value->len && value->data[value->len - 1] == '\0')
		rt_buf_cut(value, value->len - 1);
	return proc.exit_code == 0;
}

/* git's reading of a path: ~ is a home directory; what is relative stays so, since git means it from where it runs a
 * hook. */
static char *
expand(const struct rt_home *home, const char *path)
{
	if (path[0] == '~' && (path[1] == '/' || !path[1]) && home->cell_home)
		return rt_format("%s%s", home->cell_home, path + 1);
	return rt_strdup(path);
}

/* Says what is there: before and previous, from the record when core.hooksPath is ours already. */
static int
look_around(struct installation *i, struct rt_home *home, bool *ours, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf own = RT_BUF_INIT, effective = RT_BUF_INIT;
	i->home = home;
	i->dir = rt_hooks_dir(home);
	i->kept = rt_format("%s/kept", i->dir);
	i->record = rt_home_path(home, "hooks.json");
	if (read_record(i, err) < 0)
		return -1;
	int set = own_hooks_path(i, &own, err);
	if (set < 0)
		return -1;
	*ours = set && strcmp(own.data, i->dir) == 0;
	if (*ours && i->recorded)
		return 0;
	free(rt_steal(&i->previous));
	free(rt_steal(&i->before));
	if (set && !*ours)
		i->previous = rt_strdup(own.data);
	int found = rt_repo_config(home->repo, "core.hooksPath", &effective, err);
	if (found < 0)
		return -1;
	if (found && strcmp(effective.data, i->dir) != 0)
		i->before = expand(home, effective.data);
	else
		i->before = rt_format("%s/hooks", rt_repo_commondir(home->repo));
	return 0;
}

/* ---- files ---- */

enum whose { NOBODYS, OURS, EDITED, ANOTHERS };

/* Whose is the file at path? text gets it when it is a file. */
static int
look_at(const struct installation *i, const char *path, const struct rt_buf *wanted, enum whose *whose,
	struct rt_err *err)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	char digest[RT_SHA256_HEX + 1];
	struct stat st;
	*whose = NOBODYS;
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : rt_fail_errno(err, "%s", path);
	*whose = ANOTHERS;
	if (!S_ISREG(st.st_mode) || st.st_size > MAX_SHIM)
		return 0;
	if (rt_file_read(AT_FDCWD, path, MAX_SHIM, &text, err) < 0)
		return -1;
	rt_sha256_of(text.data, text.len, digest);
	if ((wanted && text.len == wanted->len && memcmp(text.data, wanted->data, text.len) == 0) ||
	    rt_strs_has(&i->digests, digest))
		*whose = OURS;
	else if (strstr(text.data, "\n" MARK))
		*whose = EDITED;
	return 0;
}

/* Puts a file aside under a name that is free: what another installer wrote stays a hook of that name. */
static int
set_aside(const struct installation *i, const char *path, const char *name, enum whose whose, struct rt_err *err)
{
	char random[9];
	rt_random_hex(random, sizeof(random) - 1);
	rt_auto(free) char *spare = rt_format("%s/%s.%s", i->kept, name, random);
	rt_auto(free) char *hook = rt_format("%s/%s", i->kept, name);
	if (rt_mkdirs(AT_FDCWD, i->kept, 0755, err) < 0)
		return -1;
	if (whose == EDITED) /* it would call itself, and ratchet twice */
		return rename(path, spare) < 0 ? rt_fail_errno(err, "renaming %s to %s", path, spare) : 0;
	if (rt_exists(AT_FDCWD, hook) && rename(hook, spare) < 0)
		return rt_fail_errno(err, "renaming %s to %s", hook, spare);
	return rename(path, hook) < 0 ? rt_fail_errno(err, "renaming %s to %s", path, hook) : 0;
}

static bool
is_executable(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static int
install_shim(const struct installation *i, const char *name, const char *binary, struct rt_err *err)
{
	rt_auto(free) char *path = rt_format("%s/%s", i->dir, name);
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	enum whose whose;
	shim_text(i, name, binary, &text);
	if (look_at(i, path, &text, &whose, err) < 0)
		return -1;
	if ((whose == ANOTHERS || whose == EDITED) && set_aside(i, path, name, whose, err) < 0)
		return -1;
	if (rt_file_write_durable(AT_FDCWD, path, text.data, text.len, 0755, err) < 0)
		return -1;
	/* a hook that is not executable is one that git ignores: the umask has no say */
	return chmod(path, 0755) < 0 ? rt_fail_errno(err, "chmod %s", path) : 0;
}

/* Where a link to an earlier hook leads, or NULL when there is none to be made. */
static char *
link_target(const struct installation *i, const char *name)
{
	rt_auto(free) char *target = rt_format("%s/%s", i->before, name);
	return i->before[0] == '/' && is_executable(target) ? rt_steal(&target) : NULL;
}

static int
install_link(const struct installation *i, const char *name, struct rt_err *err)
{
	rt_auto(free) char *target = link_target(i, name);
	rt_auto(free) char *path = rt_format("%s/%s", i->dir, name);
	struct stat st;
	if (!target || (lstat(path, &st) == 0 && !S_ISLNK(st.st_mode)))
		return 0;
	unlink(path);
	return symlink(target, path) < 0 ? rt_fail_errno(err, "linking %s", path) : 0;
}

int
rt_hooks_install(struct rt_home *home, const char *binary, struct rt_err *err)
{
	rt_auto(installation) struct installation i = {0};
	bool ours;
	if (binary[0] != '/' || !is_executable(binary))
		return rt_fail(err, RT_ECONFIG,
			       "%s is not the absolute path of a program, so that no hook could run it", binary);
	if (look_around(&i, home, &ours, err) < 0)
		return rt_err_while(err, "installing the hooks");
	/* the record first: from here on core.hooksPath can be put back */
	if (rt_mkdirs(AT_FDCWD, i.dir, 0755, err) < 0 || write_record(&i, binary, err) < 0)
		return -1;
	for (size_t k = 0; k < RT_COUNT(names); k++)
		if (install_shim(&i, names[k], binary, err) < 0)
			return -1;
	for (size_t k = 0; k < RT_COUNT(linked); k++)
		if (install_link(&i, linked[k], err) < 0)
			return -1;
	return ours ? 0 : rt_repo_config_set(home->repo, "core.hooksPath", i.dir, err);
}

/* ---- undoing ---- */

static int
remove_shim(const struct installation *i, const char *name, struct rt_err *err)
{
	rt_auto(free) char *path = rt_format("%s/%s", i->dir, name);
	enum whose whose;
	if (look_at(i, path, NULL, &whose, err) < 0)
		return -1;
	if (whose == OURS && unlink(path) < 0)
		return rt_fail_errno(err, "removing %s", path);
	return 0;
}

/* A hook that another installer wrote meanwhile goes on running, where nothing else has its name. */
static int
hand_back(const struct installation *i, const char *name, struct rt_err *err)
{
	rt_auto(free) char *kept = rt_format("%s/%s", i->kept, name);
	rt_auto(free) char *own = rt_format("%s/%s", i->before, name);
	if (i->before[0] != '/' || !is_executable(kept) || rt_exists(AT_FDCWD, own))
		return 0;
	if (rt_mkdirs(AT_FDCWD, i->before, 0755, err) < 0)
		return -1;
	return rename(kept, own) < 0 ? rt_fail_errno(err, "renaming %s to %s", kept, own) : 0;
}

int
rt_hooks_undo(struct rt_home *home, struct rt_err *err)
{
	rt_auto(installation) struct installation i = {0};
	bool ours;
	if (look_around(&i, home, &ours, err) < 0)
		return rt_err_while(err, "taking the hooks away");
	if (ours && rt_repo_config_set(home->repo, "core.hooksPath", i.previous, err) < 0)
		return -1;
	for (size_t k = 0; k < RT_COUNT(names); k++)
		if (remove_shim(&i, names[k], err) < 0 || hand_back(&i, names[k], err) < 0)
			return -1;
	for (size_t k = 0; k < RT_COUNT(linked); k++) {
		rt_auto(free) char *path = rt_format("%s/%s", i.dir, linked[k]);
		struct stat st;
		if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
			unlink(path);
	}
	rmdir(i.kept);
	rmdir(i.dir); /* stays while something of others is in it */
	if (unlink(i.record) < 0 && errno != ENOENT)
		return rt_fail_errno(err, "removing %s", i.record);
	return 0;
}

/* ---- comparing ---- */

static int
compare_shim(const struct installation *i, const char *name, const char *binary, struct rt_strs *differences,
	     struct rt_err *err)
{
	rt_auto(free) char *path = rt_format("%s/%s", i->dir, name);
	rt_auto(buf) struct rt_buf want = RT_BUF_INIT, have = RT_BUF_INIT;
	enum whose whose;
	if (look_at(i, path, NULL, &whose, err) < 0)
		return -1;
	shim_text(i, name, binary, &want);
	if (whose == NOBODYS) {
		rt_strs_addf(differences, "the hook %s is missing; `ratchet hook --install` writes it", name);
	} else if (whose == ANOTHERS) {
		rt_strs_addf(differences,
			     "the hook %s was replaced by another program's; `ratchet hook --install` runs both", name);
	} else {
		if (rt_file_read(AT_FDCWD, path, MAX_SHIM, &have, err) < 0)
			return -1;
		if (have.len != want.len || memcmp(have.data, want.data, have.len) != 0)
			rt_strs_addf(
			    differences,
			    "the hook %s is not what this ratchet would write; `ratchet hook --install` writes it anew",
			    name);
		else if (!is_executable(path))
			rt_strs_addf(
			    differences,
			    "the hook %s is not executable, and git ignores it; `ratchet hook --install` mends it",
			    name);
	}
	return 0;
}

static void
compare_link(const struct installation *i, const char *name, struct rt_strs *differences)
{
	rt_auto(free) char *target = link_target(i, name);
	rt_auto(free) char *path = rt_format("%s/%s", i->dir, name);
	struct stat st;
	if (target && lstat(path, &st) < 0)
		rt_strs_addf(differences, "the hook %s in %s does not run; `ratchet hook --install` links to it", name,
			     i->before);
}

int
rt_hooks_compare(struct rt_home *home, const char *binary, struct rt_strs *differences, struct rt_err *err)
{
	rt_auto(installation) struct installation i = {0};
	rt_auto(buf) struct rt_buf effective = RT_BUF_INIT;
	bool ours;
	if (look_around(&i, home, &ours, err) < 0)
		return rt_err_while(err, "comparing the hooks");
	int found = rt_repo_config(home->repo, "core.hooksPath", &effective, err);
	if (found < 0)
		return -1;
	if (!i.recorded && !ours) {
		rt_strs_add(differences, "the hooks are not installed; `ratchet hook --install` installs them");
		return 0;
	}
	if (!found || strcmp(effective.data, i.dir) != 0) {
		rt_auto(free) char *other =
		    found ? rt_format("is %s and not %s", effective.data, i.dir) : rt_format("is not set to %s", i.dir);
		rt_strs_addf(
		    differences,
		    "core.hooksPath %s, so that git runs none of ratchet's hooks; `ratchet hook --install` puts "
		    "it back and keeps the others running",
		    other);
		return 0;
	}
	if (!is_executable(binary))
		rt_strs_addf(differences,
			     "%s, which the hooks are to run, is not there; build it, or run `ratchet hook --install` "
			     "of another",
			     binary);
	for (size_t k = 0; k < RT_COUNT(names); k++)
		if (compare_shim(&i, names[k], binary, differences, err) < 0)
			return -1;
	for (size_t k = 0; k < RT_COUNT(linked); k++)
		compare_link(&i, linked[k], differences);
	return 0;
}
