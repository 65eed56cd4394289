#include "cycle/trusted.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "model/plan.h"
#include "support/file.h"

enum { MAX_CONFIG = 4 << 20, MAX_BASELINE = 1 << 30 };

struct reading {
	struct rt_trusted *trusted;
	struct rt_repo *repo;
	const struct rt_config *config;
	struct rt_baseline *baseline;
	const char *folder;
};

static int
read_policy_file(void *data, const char *name, const struct rt_entry *entry, struct rt_err *err)
{
	struct reading *r = data;
	if (!rt_ends_with(name, ".yml") && !rt_ends_with(name, ".yaml"))
		return 0;
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	rt_auto(free) char *path = rt_format("%s/%s", r->folder, name);
	if (rt_blob_read(r->repo, &entry->id, MAX_CONFIG, &text, err) < 0)
		return rt_err_while(err, "%s", path);
	if (strcmp(name, "waivers.yml") == 0)
		return rt_waivers_parse(&r->trusted->waivers, text.data, text.len, path, err);
	return rt_policy_parse(r->trusted->policy, text.data, text.len, path, err);
}

/* The operator's file of exact secret values lies outside the repository and is read anew each time. */
static int
read_secret_values(struct rt_policy *policy, struct rt_err *err)
{
	const char *named = rt_policy_values_file(policy), *home = getenv("HOME");
	if (!named)
		return 0;
	if (named[0] == '~' && !(home && home[0] == '/'))
		return rt_fail(err, RT_ECONFIG, "the secrets' values_file is %s, and HOME is not set", named);
	rt_auto(free) char *path = named[0] == '~' ? rt_format("%s%s", home, named + 1) : rt_strdup(named);
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	if (rt_file_read(AT_FDCWD, path, MAX_CONFIG, &text, err) < 0)
		return rt_err_while(err, "reading the secrets' values_file");
	for (char *line = text.data; *line;) {
		size_t len = strcspn(line, "\n");
		if (len && rt_policy_add_value(policy, line, len, err) < 0)
			return rt_err_while(err, "%s", path);
		line += len + (line[len] == '\n');
	}
	return 0;
}

static int
read_policies(struct rt_trusted *trusted, struct rt_repo *repo, const struct rt_oid *tree, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf folder = RT_BUF_INIT, signers = RT_BUF_INIT;
	rt_config_path(&trusted->config, "policies", &folder);
	struct reading r = {.trusted = trusted, .repo = repo, .folder = folder.data};
	if (rt_tree_list(repo, tree, folder.data, read_policy_file, &r, err) < 0)
		return -1;
	rt_buf_addf(&signers, "%s/allowed_signers", folder.data);
	if (rt_tree_blob(repo, tree, signers.data, MAX_CONFIG, &trusted->signers, err) < 0)
		return -1;
	return read_secret_values(trusted->policy, err);
}

static int
read_baseline_file(void *data, const char *name, const struct rt_entry *entry, struct rt_err *err)
{
	struct reading *r = data;
	if (!rt_ends_with(name, ".tsv"))
		return 0;
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	rt_auto(free) char *path = rt_format("%s/%s", r->folder, name);
	rt_auto(free) char *check = rt_strndup(name, strlen(name) - strlen(".tsv"));
	if (rt_blob_read(r->repo, &entry->id, MAX_BASELINE, &text, err) < 0)
		return rt_err_while(err, "%s", path);
	return rt_baseline_take(r->baseline, check, &text, path, err);
}

int
rt_trusted_baseline(struct rt_baseline *baseline, struct rt_repo *repo, const struct rt_oid *tree,
		    const struct rt_config *config, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf folder = RT_BUF_INIT;
	rt_config_path(config, "baseline", &folder);
	struct reading r = {.repo = repo, .config = config, .baseline = baseline, .folder = folder.data};
	if (rt_tree_list(repo, tree, folder.data, read_baseline_file, &r, err) < 0)
		return -1;
	rt_baseline_seal(baseline);
	return 0;
}

int
rt_config_text(struct rt_repo *repo, const struct rt_oid *tree, struct rt_buf *text, struct rt_err *err)
{
	struct rt_entry entry;
	uint64_t size = 0;
	if (rt_tree_entry(repo, tree, "ratchet.yml", &entry, err) < 0)
		return -1;
	if (!entry.mode)
		return 0;
	if (!S_ISREG(entry.mode))
		return rt_fail_at(err, "ratchet.yml", 0, 0, "is %s; commit it as a plain file",
				  S_ISLNK(entry.mode) ? "a symbolic link" : "a folder or a submodule");
	if (rt_blob_size(repo, &entry.id, &size, err) < 0)
		return -1;
	if (size > MAX_CONFIG)
		return rt_fail_at(err, "ratchet.yml", 0, 0, "has %llu bytes; %d are the limit",
				  (unsigned long long)size, MAX_CONFIG);
	return rt_blob_read(repo, &entry.id, MAX_CONFIG, text, err) < 0 ? -1 : 1;
}

int
rt_trusted_read(struct rt_trusted *trusted, struct rt_repo *repo, const struct rt_oid *tree, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	rt_auto(baseline) struct rt_baseline written = RT_BASELINE_INIT;
	trusted->policy = rt_policy_new();
	int found = rt_config_text(repo, tree, &text, err);
	if (found < 0)
		return -1;
	trusted->present = found;
	if (!found) {
		rt_baseline_seal(&trusted->baseline);
		return 0;
	}
	if (rt_config_parse(&trusted->config, text.data, text.len, "ratchet.yml", err) < 0)
		return -1;
	if (read_policies(trusted, repo, tree, err) < 0)
		return -1;
	if (rt_trusted_baseline(&written, repo, tree, &trusted->config, err) < 0)
		return -1;
	rt_plan_carry(&trusted->config, &written, &trusted->baseline);
	rt_baseline_seal(&trusted->baseline);
	return 0;
}

void
rt_trusted_release(struct rt_trusted *trusted)
{
	rt_config_release(&trusted->config);
	rt_policy_free(trusted->policy);
	rt_waivers_release(&trusted->waivers);
	rt_buf_release(&trusted->signers);
	rt_baseline_release(&trusted->baseline);
	*trusted = (struct rt_trusted)RT_TRUSTED_INIT;
}

/* ---- writing ---- */

static int
note_name(void *data, const char *name, const struct rt_entry *entry, struct rt_err *err)
{
	(void)entry;
	(void)err;
	if (rt_ends_with(name, ".tsv"))
		rt_strs_addn(data, name, strlen(name) - strlen(".tsv"));
	return 0;
}

int
rt_baseline_commit_tree(struct rt_repo *repo, const struct rt_oid *tree, const struct rt_config *config,
			const struct rt_baseline *baseline, struct rt_oid *out, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf folder = RT_BUF_INIT;
	rt_auto(strs) struct rt_strs checks = {0};
	rt_auto(strs) struct rt_strs paths = {0};
	rt_config_path(config, "baseline", &folder);
	rt_baseline_checks(baseline, &checks);
	if (rt_tree_list(repo, tree, folder.data, note_name, &checks, err) < 0)
		return -1;
	rt_strs_sort(&checks);
	rt_strs_unique(&checks);

	rt_auto(free) struct rt_update *updates = rt_alloc(checks.n + 1, sizeof(*updates));
	size_t n = 0;
	for (size_t i = 0; i < checks.n; i++) {
		rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
		struct rt_update *update = &updates[n];
		rt_baseline_write(baseline, checks.at[i], &text);
		rt_strs_addf(&paths, "%s/%s.tsv", folder.data, checks.at[i]);
		if (text.len) {
			update->entry.mode = 0100644;
			if (rt_blob_write(repo, text.data, text.len, &update->entry.id, err) < 0)
				return -1;
		}
		n++;
	}
	for (size_t i = 0; i < n; i++)
		updates[i].path = paths.at[i];
	return rt_tree_update(repo, tree, updates, n, out, err);
}
