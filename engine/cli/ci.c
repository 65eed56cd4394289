#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/ci_output.h"
#include "cli/cli.h"
#include "cycle/ci.h"
#include "cycle/settle.h"

enum { RECORD_TRIES = 3 };

static const struct rt_option options[] = {
    {0, "base", "COMMIT", "gate against this commit instead of the one that the job's event names", false},
    {0, "remote", "NAME", "where a missing base is fetched from, and the baseline pushed to (default origin)", false},
    {0, "record", NULL, "on a push to the target: commit the raised baseline and push it", false},
    {0, "adopt", NULL, "in an adoption: believe the head's isolation, network, tools and caches", false},
    {0, "junit", "FILE", "write a JUnit report here (default on GitLab: ratchet-junit.xml)", false},
    {0, "code-quality", "FILE", "write a code quality report here (default on GitLab: ratchet-code-quality.json)",
     false},
    {0, NULL, NULL, NULL, false},
};

static int
write_file(const char *path, const struct rt_buf *text, int flags, struct rt_err *err)
{
	rt_auto(fd) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
	if (fd < 0 || rt_write_all(fd, text->data, text->len) < 0)
		return rt_fail_errno(err, "writing %s", path);
	return 0;
}

typedef void ci_writer(const struct rt_report *report, struct rt_buf *out);

/* The runner's own files. */
static int
append_by(const struct rt_report *report, ci_writer *writer, const char *path, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	if (!path || !path[0])
		return 0;
	writer(report, &text);
	return write_file(path, &text, O_APPEND, err);
}

/* What of path lies below the folder top, or NULL. Folders on the way may be links; that shows when it is opened. */
static char *
path_below(const char *top, const char *path)
{
	rt_auto(free) char *here = path[0] == '/' ? rt_strdup("") : getcwd(NULL, 0);
	if (!top || !here)
		return NULL;
	rt_auto(free) char *whole = path[0] == '/' ? rt_strdup(path) : rt_format("%s/%s", here, path);
	size_t len = strlen(top);
	while (len && top[len - 1] == '/')
		len--;
	if (strncmp(whole, top, len) != 0 || whole[len] != '/')
		return NULL;
	return rt_strdup(whole + len + strspn(whole + len, "/"));
}

/*
 * What is checked out is the proposal: through a link that it puts in the place of an artifact, or on the way there,
 * any file of the job's user would be overwritten. At the top a link is replaced; elsewhere it is an error.
 */
static int
write_artifact(struct rt_home *home, const char *path, const struct rt_buf *text, struct rt_err *err)
{
	const char *top = rt_repo_workdir(home->repo);
	rt_auto(free) char *below = path_below(top, path);
	struct stat st;
	if (!below)
		return write_file(path, text, O_TRUNC, err);
	rt_auto(fd) int dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return rt_fail_errno(err, "%s", top);
	if (!strchr(below, '/') && fstatat(dir, below, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode) &&
	    unlinkat(dir, below, 0) < 0)
		return rt_fail_errno(err, "removing the link %s", path);
	rt_auto(fd) int fd = rt_file_open_beneath(dir, below, O_WRONLY | O_CREAT | O_TRUNC, 0644, err);
	if (fd < 0)
		return rt_err_while(err, "writing %s", path);
	return rt_write_all(fd, text->data, text->len) < 0 ? rt_fail_errno(err, "writing %s", path) : 0;
}

static int
replace_by(struct rt_home *home, const struct rt_report *report, ci_writer *writer, const char *path,
	   struct rt_err *err)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	if (!path || !path[0])
		return 0;
	writer(report, &text);
	return write_artifact(home, path, &text, err);
}

static int
publish(struct rt_home *home, const struct rt_cli *cli, const struct rt_ci_place *place, const struct rt_report *report,
	struct rt_err *err)
{
	const char *junit = rt_cli_value(cli, "junit"), *quality = rt_cli_value(cli, "code-quality");
	if (place->kind == RT_CI_GITLAB) {
		junit = junit ? junit : "ratchet-junit.xml";
		quality = quality ? quality : "ratchet-code-quality.json";
	}
	if (place->kind == RT_CI_GITHUB) {
		rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
		rt_ci_annotations(report, &text);
		/* the runner reads both streams; standard output may be wanted as JSON */
		fwrite(text.data, 1, text.len, cli->json ? stderr : stdout);
		if (append_by(report, rt_ci_summary, getenv("GITHUB_STEP_SUMMARY"), err) < 0 ||
		    append_by(report, rt_ci_outputs, getenv("GITHUB_OUTPUT"), err) < 0)
			return -1;
	}
	if (replace_by(home, report, rt_ci_junit, junit, err) < 0)
		return -1;
	return replace_by(home, report, rt_ci_code_quality, quality, err);
}

/* 1 to record, 0 not here (said why), -1. */
static int
wants_record(struct rt_home *home, const struct rt_cli *cli, const struct rt_ci_place *place, struct rt_err *err)
{
	rt_auto(buf) struct rt_buf target = RT_BUF_INIT;
	if (!rt_cli_flag(cli, "record"))
		return 0;
	if (!place->branch && place->kind == RT_CI_GIT)
		return rt_fail(err, RT_ECONFIG, "--record needs a branch, and HEAD is detached: check the branch out");
	if (!place->branch) {
		fputs("not recorded: this job is not about a push\n", stderr);
		return 0;
	}
	int named = rt_target_named(home, &place->head, &target, err);
	if (named < 0)
		return -1;
	const char *want = named ? target.data : place->default_branch;
	if (!want)
		return rt_fail(err, RT_ECONFIG, "--record needs to know the target; write `target:` in ratchet.yml");
	if (rt_starts_with(want, "refs/heads/"))
		want += strlen("refs/heads/");
	if (strcmp(want, place->branch) == 0)
		return 1;
	fprintf(stderr, "not recorded: %s is not the target %s\n", place->branch, want);
	return 0;
}

/* Pushes the commit that raises the baseline; a lost race is recorded again on the new tip. */
static int
record(struct rt_home *home, const struct rt_cli *cli, const struct rt_ci_place *place,
       struct rt_check_request *request, struct rt_report *report, struct rt_err *err)
{
	const char *remote = rt_cli_value(cli, "remote");
	struct rt_oid head = place->head, tip;
	for (int tries = 0; tries < RECORD_TRIES && report->landed.hex[0]; tries++) {
		int pushed =
		    rt_ci_push(home, remote ? remote : "origin", place->branch, &report->landed, &head, &tip, err);
		if (pushed)
			return pushed < 0 ? -1 : 0;
		/* the same base: what others pushed meanwhile may be unjudged, and only what this job saw pass is known
		 */
		fprintf(stderr, "%s moved to %.12s meanwhile; recording there\n", place->branch, tip.hex);
		head = tip;
		request->head = head.hex;
		rt_report_release(report);
		if (rt_check(home, request, report, err) < 0)
			return -1;
	}
	if (!report->landed.hex[0])
		return 0;
	/* the verdict stays in the ledger; the job says that its commit is nowhere */
	report->landed.hex[0] = '\0';
	report->verdict = RT_VERDICT_CONFLICT;
	free(report->why);
	report->why = rt_format("%s moved %d times while the baseline was recorded; run the job again", place->branch,
				RECORD_TRIES);
	return 0;
}

/* No verdict is shown as plainly as a bad one. What goes wrong meanwhile is no news: the job fails already. */
static void
publish_trouble(const struct rt_cli *cli, const struct rt_err *why)
{
	rt_auto(buf) struct rt_buf said = RT_BUF_INIT, summary = RT_BUF_INIT;
	struct rt_err ignored = RT_ERR_INIT;
	const char *path = getenv("GITHUB_STEP_SUMMARY");
	rt_ci_trouble_annotation(why, &said);
	fwrite(said.data, 1, said.len, cli->json ? stderr : stdout);
	rt_ci_trouble_summary(why, &summary);
	if (path && path[0] && write_file(path, &summary, O_APPEND, &ignored) < 0)
		fprintf(stderr, "the job's summary could not be written: %s\n", ignored.text);
}

static int
gate_job(struct rt_cli *cli, struct rt_err *err)
{
	rt_auto(home) struct rt_home home = RT_HOME_INIT;
	rt_auto(report) struct rt_report report = RT_REPORT_INIT;
	rt_auto(ci_place) struct rt_ci_place place = {0};
	const char *remote = rt_cli_value(cli, "remote");
	if (rt_home_open(&home, cli->dir, err) < 0 ||
	    rt_ci_find(&home, rt_cli_value(cli, "base"), remote ? remote : "origin", &place, err) < 0)
		return -1;
	int raise = wants_record(&home, cli, &place, err);
	struct rt_check_request request = {.head = place.head.hex,
					   .base = place.base.hex,
					   .as_is = true,
					   .adopt = rt_cli_flag(cli, "adopt"),
					   .raise = raise > 0};
	if (!cli->json)
		fprintf(stderr, "base %.12s (%s)\n", place.base.hex, place.why ? place.why : "given");
	request.progress = rt_cli_progress(cli);
	int code = raise < 0 ? -1 : rt_check(&home, &request, &report, err);
	if (code == 0 && request.raise)
		code = record(&home, cli, &place, &request, &report, err);
	if (code == 0)
		code = publish(&home, cli, &place, &report, err);
	if (code == 0)
		code = rt_cli_report(cli, &report, 0);
	return code;
}

static int
run(struct rt_cli *cli, struct rt_err *err)
{
	const char *github = getenv("GITHUB_ACTIONS");
	int code = gate_job(cli, err);
	if (code < 0 && github && github[0])
		publish_trouble(cli, err);
	return code;
}

const struct rt_command rt_command_ci = {
    .name = "ci",
    .arguments = "",
    .summary = "gate the head of a CI job against the baseline of its base",
    .about = "Finds the base from the job's event (GitHub, GitLab, plain git), also in shallow clones; one commit is "
	     "fetched when the base is missing. Writes annotations, a "
	     "job summary and outputs on GitHub, a JUnit and a code quality artifact on GitLab. The exit code is that "
	     "of the verdict.",
    .options = options,
    .max_args = 0,
    .run = run,
};
