#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cycle/detect.h"
#include "cycle/init_parts.h"
#include "git/signature.h"
#include "git/worktree.h"
#include "support/file.h"

enum { MAX_FILE = 4 << 20, MAX_KEY = 1 << 16 };

static const char policy_text[] =
    "# What no proposal may do, whatever its tests say. Some things are always refused: paths that are unsafe\n"
    "# somewhere, links that leave the tree, secrets. Every file here but waivers.yml is a policy, and the\n"
    "# strictest of all counts. A change of this folder, of ratchet.yml or of the baseline is governance: once\n"
    "# allowed_signers holds a key, it takes a signature.\n"
    "#\n"
    "# forbidden: [vendor, \"**/*.pem\"]    # paths that nothing may touch\n"
    "# signed: [.github, ci]              # a change needs a signed commit\n"
    "# max_file: 1MiB                     # size of a file after the change\n"
    "# max_files: 500                     # how many paths one proposal may touch\n"
    "# binary: forbid                     # allow, forbid, or a size\n"
    "# trailers: [Signed-off-by]          # lines that each commit message must end with\n"
    "# min_isolation: namespaces          # what is judged with less is inconclusive\n";

static const char signers_text[] =
    "# Who may change ratchet.yml, the policies and, by waivers, the baseline: one line a key, as in ssh-keygen(1):\n"
    "# name@example.org namespaces=\"git\" ssh-ed25519 AAAA...\n"
    "# While there is none, an operator confirms such a change on a terminal (`ratchet propose --governance`).\n";

static const char attributes_line[] = "/baseline/*.tsv -text merge=ratchet\n";

/* ---- the signer ---- */

/* "ssh-ed25519 AAAA... comment": a type, then base64. */
static bool
is_public_key(const char *text)
{
	static const char *const types[] = {"ssh-ed25519 ", "ssh-rsa ", "ecdsa-sha2-", "sk-ssh-ed25519",
					    "sk-ecdsa-sha2-"};
	const char *space = strchr(text, ' ');
	bool known = false;
	for (size_t i = 0; i < RT_COUNT(types); i++)
		known = known || rt_starts_with(text, types[i]);
	if (!known || !space)
		return false;
	size_t len = 0;
	while (isalnum((unsigned char)space[1 + len]) || (space[1 + len] && strchr("+/=", space[1 + len])))
		len++;
	return len >= 32 && (!space[1 + len] || space[1 + len] == ' ');
}

/* The key's line, without its end: KEY itself or the file that it names. */
static int
read_key(const char *signer, const struct rt_home *home, struct rt_buf *key, struct rt_err *err)
{
	bool tilde = signer[0] == '~' && signer[1] == '/' && home->cell_home;
	rt_auto(free) char *path = tilde ? rt_format("%s%s", home->cell_home, signer + 1) : rt_strdup(signer);
	if (is_public_key(signer))
		rt_buf_adds(key, signer);
	else if (rt_file_read(AT_FDCWD, path, MAX_KEY, key, err) < 0)
		return rt_err_while(err, "reading the --signer");
	if (strstr(key->data, "PRIVATE KEY"))
		return rt_fail(err, RT_ECONFIG, "%s is a private key, which must not be committed; give %s.pub", signer,
			       signer);
	rt_buf_cut(key, strcspn(key->data, "\r\n"));
	if (!is_public_key(key->data))
		return rt_fail(
		    err, RT_ECONFIG,
		    "%s holds no public key; give a file as ssh-keygen makes it (id_ed25519.pub), or its line", signer);
	return 0;
}

/* The mail address of the user's identity: the principal that signatures are verified for. */
static int
add_signer(struct rt_buf *text, struct rt_home *home, const char *signer, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf key = RT_BUF_INIT, ident = RT_BUF_INIT;
	if (read_key(signer, home, &key, err) < 0 || rt_ident(home->repo, &ident, err) < 0)
		return -1;
	if (strstr(text->data, key.data))
		return 0;
	const char *from = strchr(ident.data, '<'), *to = from ? strchr(from, '>') : NULL;
	rt_auto(free) char *mail = to && to > from + 1 ? rt_strndup(from + 1, (size_t)(to - from) - 1) : rt_strdup("*");
	if (strpbrk(mail, " \t\","))
		return rt_fail(err, RT_ECONFIG, "user.email `%s` can't name a signer; set it without blanks and commas",
			       mail);
	if (text->len && text->data[text->len - 1] != '\n')
		rt_buf_addc(text, '\n');
	rt_buf_addf(text, "%s namespaces=\"git\" %s\n", mail, key.data);
	return 0;
}

/* ---- the work tree ---- */

static char *
in_work_tree(const struct rt_home *home, const char *path)
{
	return rt_format("%s/%s", rt_repo_workdir(home->repo), path);
}

/* An ordinary file of the work tree: 1, 0 there is none, -1. */
static int
read_present(const struct rt_home *home, const char *path, struct rt_buf *text, struct rt_err *err)
{
	rt_auto(free) char *full = in_work_tree(home, path);
	struct stat st;
	if (lstat(full, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : rt_fail_errno(err, "%s", full);
	if (!S_ISREG(st.st_mode))
		return rt_fail(err, RT_ECONFIG, "%s is not an ordinary file; move it away", full);
	return rt_file_read(AT_FDCWD, full, MAX_FILE, text, err) < 0 ? -1 : 1;
}

static void
add_file(struct rt_init_files *files, const char *path, const struct rt_buf *text)
{
	rt_strs_add(&files->paths, path);
	rt_strs_add(&files->texts, text->data);
}

/* The file as it is in the work tree, else with the text that is made for it. */
static int
take_file(struct rt_init_files *files, const struct rt_home *home, const char *path, const char *otherwise,
	  struct rt_buf *text, struct rt_err *err)
{
	int present = read_present(home, path, text, err);
	if (present < 0)
		return -1;
	if (!present)
		rt_buf_adds(text, otherwise);
	if (strlen(text->data) != text->len)
		return rt_fail(err, RT_ECONFIG, "%s holds a NUL byte; it must be text", path);
	add_file(files, path, text);
	return 0;
}

/* Policies that the user has written already are adopted with the rest. */
struct policies {
	struct rt_init_files *files;
	const struct rt_home *home;
	const char *folder;
};

static int
take_policy(void *data, const char *name, struct rt_err *err)
{
	struct policies *policies = data;
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	rt_auto(free) char *path = rt_format("%s/%s", policies->folder, name);
	if ((!rt_ends_with(name, ".yml") && !rt_ends_with(name, ".yaml")) || rt_strs_has(&policies->files->paths, path))
		return 0;
	return take_file(policies->files, policies->home, path, "", &text, err);
}

static int
take_policies(struct rt_init_files *files, struct rt_home *home, const char *signer, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf folder = RT_BUF_INIT, policy = RT_BUF_INIT, signers = RT_BUF_INIT;
	rt_config_path(&files->config, "policies", &folder);
	rt_auto(free) char *policy_path = rt_format("%s/policy.yml", folder.data);
	rt_auto(free) char *signers_path = rt_format("%s/allowed_signers", folder.data);
	rt_auto(free) char *full = in_work_tree(home, folder.data);
	struct policies policies = {files, home, folder.data};
	if (take_file(files, home, policy_path, policy_text, &policy, err) < 0 ||
	    rt_list_dir(AT_FDCWD, full, take_policy, &policies, err) < 0)
		return -1;
	int present = read_present(home, signers_path, &signers, err);
	if (present < 0)
		return -1;
	if (!present)
		rt_buf_adds(&signers, signers_text);
	if (signer && add_signer(&signers, home, signer, err) < 0)
		return -1;
	add_file(files, signers_path, &signers);
	return 0;
}

/* Merges of baseline files join (merge_driver.h), and no setting of anybody's converts their line ends. */
static int
take_attributes(struct rt_init_files *files, const struct rt_home *home, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf path = RT_BUF_INIT, text = RT_BUF_INIT;
	rt_config_path(&files->config, ".gitattributes", &path);
	if (read_present(home, path.data, &text, err) < 0)
		return -1;
	if (!strstr(text.data, attributes_line)) {
		if (text.len && text.data[text.len - 1] != '\n')
			rt_buf_addc(&text, '\n');
		rt_buf_adds(&text, attributes_line);
	}
	add_file(files, path.data, &text);
	return 0;
}

/* ---- making ---- */

static int
ask_for_command(const struct rt_init *init, struct rt_found *found, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf command = RT_BUF_INIT;
	rt_auto(strs) struct rt_strs checks = {0};
	int answered = init->ask ? init->ask(init->data, &command, err) : 0;
	if (answered < 0)
		return -1;
	if (!answered || !command.data[strspn(command.data, " \t")])
		return rt_fail(err, RT_ECONFIG,
			       "nothing here is recognised (meson, cmake, autotools, make, cargo, go, npm, pytest, "
			       "prove, bats); name the command that tests it: ratchet init --check 'unit=COMMAND'");
	rt_strs_addf(&checks, "unit=%s", command.data);
	return rt_found_replace(found, &checks, err);
}

static int
make_configuration(struct rt_init_files *files, struct rt_home *home, const struct rt_init *init, const char *target,
		   const struct rt_oid *tree, struct rt_buf *text, struct rt_err *err)
{
	rt_auto(found) struct rt_found found = RT_FOUND_INIT;
	struct rt_toolbox toolbox = {init->path, home->cell_home};
	if (rt_detect(&found, home->repo, tree, &toolbox, err) < 0)
		return -1;
	if (init->checks->n && rt_found_replace(&found, init->checks, err) < 0)
		return -1;
	if (!found.checks.n && ask_for_command(init, &found, err) < 0)
		return -1;
	rt_found_write(&found, target, init->agents, text);
	files->runners = found.runners;
	found.runners = (struct rt_strs){0};
	return 0;
}

/* A ratchet.yml that lies there was written by the user, or by an earlier `init --no-commit`, and is what counts. */
static int
check_present(const struct rt_init_files *files, const struct rt_init *init, const char *target, struct rt_err *err)
{
	const struct rt_config *config = &files->config;
	if (init->checks->n)
		return rt_fail(err, RT_ECONFIG,
			       "ratchet.yml is there already; add the check to it, or remove it and run "
			       "this again");
	if (init->agents && !config->support_strict)
		return rt_fail(err, RT_ECONFIG,
			       "ratchet.yml is there already; --agents needs the line `support_changes: strict` in it");
	if (init->target && (!config->target || strcmp(config->target, target) != 0))
		return rt_fail(err, RT_ECONFIG,
			       "ratchet.yml is there already; write `target: %s` into it, or remove it", target);
	return 0;
}

/* The folder's name may be taken by something that the commit would hide. */
static int
check_folder(const struct rt_config *config, struct rt_repo *repo, const struct rt_oid *tree, struct rt_err *err)
{
	struct rt_entry entry;
	if (strcmp(config->dir, ".") == 0)
		return 0;
	if (rt_tree_entry(repo, tree, config->dir, &entry, err) < 0)
		return -1;
	if (entry.mode && entry.mode != 0040000)
		return rt_fail(err, RT_ECONFIG, "%s is a file in this repository, and ratchet's folder; rename it",
			       config->dir);
	return 0;
}

int
rt_init_files_make(struct rt_init_files *files, struct rt_home *home, const struct rt_init *init, const char *target,
		   const struct rt_oid *tree, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	int present = read_present(home, "ratchet.yml", &text, err);
	if (present < 0)
		return -1;
	files->found = present;
	if (!present && make_configuration(files, home, init, target, tree, &text, err) < 0)
		return -1;
	if (rt_config_parse(&files->config, text.data, text.len, "ratchet.yml", err) < 0)
		return -1;
	if (present && check_present(files, init, target, err) < 0)
		return -1;
	add_file(files, "ratchet.yml", &text);
	if (check_folder(&files->config, home->repo, tree, err) < 0)
		return -1;
	if (take_attributes(files, home, err) < 0)
		return -1;
	return take_policies(files, home, init->signer, err);
}

int
rt_init_files_tree(const struct rt_init_files *files, struct rt_repo *repo, const struct rt_oid *tree,
		   struct rt_oid *out, struct rt_err *err)
{
	rt_auto(free) struct rt_update *updates = rt_alloc(files->paths.n + 1, sizeof(*updates));
	for (size_t i = 0; i < files->paths.n; i++) {
		updates[i].path = files->paths.at[i];
		updates[i].entry.mode = 0100644;
		if (rt_blob_write(repo, files->texts.at[i], strlen(files->texts.at[i]), &updates[i].entry.id, err) < 0)
			return -1;
	}
	return rt_tree_update(repo, tree, updates, files->paths.n, out, err);
}

/* ---- leaving ---- */

static int
leave_file(const struct rt_home *home, const char *path, const char *text, size_t len, struct rt_err *err)
{
	rt_auto(free) char *full = in_work_tree(home, path);
	rt_auto(free) char *folder = rt_strndup(full, (size_t)(strrchr(full, '/') - full));
	rt_auto(buf) struct rt_buf present = RT_BUF_INIT;
	int there = read_present(home, path, &present, err);
	if (there < 0)
		return -1;
	if (there && present.len == len && memcmp(present.data, text, len) == 0)
		return 0;
	if (rt_mkdirs(AT_FDCWD, folder, 0755, err) < 0)
		return -1;
	return rt_file_write_durable(AT_FDCWD, full, text, len, 0644, err);
}

int
rt_init_files_leave(const struct rt_init_files *files, struct rt_home *home, const struct rt_baseline *baseline,
		    struct rt_err *err)
{
	rt_auto(buf) struct rt_buf folder = RT_BUF_INIT;
	rt_auto(strs) struct rt_strs checks = {0};
	for (size_t i = 0; i < files->paths.n; i++)
		if (leave_file(home, files->paths.at[i], files->texts.at[i], strlen(files->texts.at[i]), err) < 0)
			return -1;
	if (!baseline)
		return 0;
	rt_config_path(&files->config, "baseline", &folder);
	rt_baseline_checks(baseline, &checks);
	for (size_t i = 0; i < checks.n; i++) {
		rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
		rt_auto(free) char *path = rt_format("%s/%s.tsv", folder.data, checks.at[i]);
		rt_baseline_write(baseline, checks.at[i], &text);
		if (leave_file(home, path, text.data, text.len, err) < 0)
			return -1;
	}
	return 0;
}

struct clearing {
	const struct rt_home *home;
	const char *folder;
	struct rt_oid index; /* the tree that the index would commit */
};

static int
clear_file(void *data, const char *name, struct rt_err *err)
{
	struct clearing *c = data;
	rt_auto(free) char *path = rt_format("%s/%s", c->folder, name);
	rt_auto(free) char *full = in_work_tree(c->home, path);
	struct rt_entry entry;
	struct stat st;
	if (!rt_ends_with(name, ".tsv") || lstat(full, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	if (rt_tree_entry(c->home->repo, &c->index, path, &entry, err) < 0)
		return -1;
	if (entry.mode)
		return 0;
	return unlink(full) < 0 ? rt_fail_errno(err, "removing %s", full) : 0;
}

int
rt_init_files_clear(const struct rt_init_files *files, struct rt_home *home, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf folder = RT_BUF_INIT, why = RT_BUF_INIT;
	rt_config_path(&files->config, "baseline", &folder);
	rt_auto(free) char *full = in_work_tree(home, folder.data);
	struct clearing clearing = {.home = home, .folder = folder.data};
	if (!rt_exists(AT_FDCWD, full))
		return 0;
	int told = rt_index_tree(home->repo, NULL, &clearing.index, &why, err);
	if (told <= 0)
		return told; /* an unmerged index stops the landing by itself */
	return rt_list_dir(AT_FDCWD, full, clear_file, &clearing, err) < 0 ? -1 : 0;
}

void
rt_init_files_release(struct rt_init_files *files)
{
	rt_strs_release(&files->paths);
	rt_strs_release(&files->texts);
	rt_strs_release(&files->runners);
	rt_config_release(&files->config);
}
