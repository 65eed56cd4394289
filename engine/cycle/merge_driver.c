#include "cycle/merge_driver.h"

#include <string.h>

#include "cycle/init_parts.h"
#include "model/baseline.h"
#include "support/file.h"

enum { MAX_BASELINE = 1 << 30 };

static const char driver_key[] = "merge.ratchet.driver";

/* ---- in git ---- */

/* git expands %O and the like, and hands the line to a shell. */
static void
driver_command(const char *binary, struct rt_buf *out)
{
	rt_auto(buf) struct rt_buf word = RT_BUF_INIT;
	rt_buf_add_quoted(&word, binary);
	for (const char *c = word.data; *c; c++) {
		if (*c == '%')
			rt_buf_addc(out, '%');
		rt_buf_addc(out, *c);
	}
	rt_buf_adds(out, " merge-driver %O %A %B");
}

int
rt_merge_driver_install(struct rt_home *home, const char *binary, struct rt_strs *did, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf command = RT_BUF_INIT;
	if (!rt_repo_workdir(home->repo))
		return 0;
	driver_command(binary, &command);
	/* no name beside it: git stops at a driver that has a name and, for a moment, no command */
	return rt_init_set_key(home, driver_key, command.data, did, err);
}

int
rt_merge_driver_undo(struct rt_home *home, struct rt_strs *did, struct rt_err *err)
{
	return rt_init_restore_key(home, driver_key, did, err);
}

int
rt_merge_driver_attribute(struct rt_home *home, const struct rt_config *config, struct rt_buf *missing,
			  struct rt_err *err)
{
	rt_auto(buf) struct rt_buf path = RT_BUF_INIT, name = RT_BUF_INIT;
	if (!rt_repo_workdir(home->repo) || !config->checks.n)
		return 0;
	rt_config_path(config, "baseline", &path);
	rt_buf_addf(&path, "/%s.tsv", config->checks.at[0].name);
	if (rt_merge_driver_of(home->repo, path.data, &name, err) < 0)
		return -1;
	if (strcmp(name.data, "ratchet") == 0)
		return 0;
	rt_buf_cut(&path, 0);
	rt_config_path(config, ".gitattributes", &path);
	rt_buf_addf(
	    missing,
	    "no attribute gives the baseline's files to the merge driver, so that merges of them conflict; commit "
	    "the line `/baseline/*.tsv -text merge=ratchet` in %s",
	    path.data);
	return 0;
}

int
rt_merge_driver_compare(struct rt_home *home, const char *binary, struct rt_strs *differences, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf want = RT_BUF_INIT, have = RT_BUF_INIT;
	if (!rt_repo_workdir(home->repo))
		return 0;
	driver_command(binary, &want);
	int found = rt_repo_config(home->repo, driver_key, &have, err);
	if (found < 0)
		return -1;
	if (!found)
		rt_strs_add(differences,
			    "the merge driver is not installed, so that merges of baselines conflict; `ratchet hook "
			    "--install` installs it");
	else if (strcmp(have.data, want.data) != 0)
		rt_strs_addf(differences,
			     "%s is `%s`, and not what this ratchet would set; `ratchet hook --install` sets it anew",
			     driver_key, have.data);
	return 0;
}

/* ---- joining ---- */

/* 1, or 0 and why not. */
static int
join_texts(const char *const names[3], const struct rt_buf *const texts[3], struct rt_buf *out, struct rt_buf *why)
{
	struct rt_baseline_file files[3];
	struct rt_err problem = RT_ERR_INIT;
	for (size_t i = 0; i < RT_COUNT(files); i++)
		files[i] = (struct rt_baseline_file){names[i], texts[i]};
	if (rt_baseline_join_files(files, RT_COUNT(files), out, &problem) == 0)
		return 1;
	rt_buf_addf(why, "%s:%u:%u: %s", problem.file, problem.line, problem.column, problem.text);
	return 0;
}

int
rt_merge_driver_run(struct rt_merge_driver_run *run, struct rt_err *err)
{
	static const char *const names[] = {"the common base", "ours", "theirs"};
	rt_auto(buf) struct rt_buf base = RT_BUF_INIT, ours = RT_BUF_INIT, theirs = RT_BUF_INIT, out = RT_BUF_INIT;
	const struct rt_buf *const texts[] = {&base, &ours, &theirs};
	if (rt_file_read(run->at, run->base, MAX_BASELINE, &base, err) < 0 ||
	    rt_file_read(run->at, run->ours, MAX_BASELINE, &ours, err) < 0 ||
	    rt_file_read(run->at, run->theirs, MAX_BASELINE, &theirs, err) < 0)
		return -1;
	int joined = join_texts(names, texts, &out, &run->why);
	if (!joined) {
		rt_buf_cut(&out, 0);
		if (rt_merge_text(&base, &ours, &theirs, &out, err) < 0)
			return -1;
	}
	return rt_file_write_durable(run->at, run->ours, out.data, out.len, 0666, err) < 0 ? -1 : joined;
}

/* ---- in the process ---- */

static bool
wants(void *data, const char *path)
{
	const struct rt_config *config = data;
	return config->dir && rt_config_in_baseline(config, path) && rt_ends_with(path, ".tsv");
}

static int
join(void *data, const char *path, const struct rt_buf *base, const struct rt_buf *ours, const struct rt_buf *theirs,
     struct rt_buf *out, struct rt_err *err)
{
	const char *const names[] = {path, path, path};
	const struct rt_buf *const texts[] = {base, ours, theirs};
	rt_auto(buf) struct rt_buf why = RT_BUF_INIT;
	(void)data;
	(void)err;
	return join_texts(names, texts, out, &why);
}

void
rt_merge_driver_use(struct rt_repo *repo, const struct rt_config *config)
{
	const struct rt_merge_driver driver = {.wants = wants, .join = join, .data = (void *)config};
	rt_merge_driver_set(repo, &driver);
}
