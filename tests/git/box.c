#include "box.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

char box_root[64];
struct rt_repo *box_repo;

/* libgit2 1.5 leaks a match of pcre2 for every extension that a repository names. */
const char *__lsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *
__lsan_default_suppressions(void)
{
	return "leak:libpcre2-8";
}

static const char *const unwanted[] = {"GIT_DIR",
				       "GIT_WORK_TREE",
				       "GIT_INDEX_FILE",
				       "GIT_OBJECT_DIRECTORY",
				       "GIT_ALTERNATE_OBJECT_DIRECTORIES",
				       "XDG_CONFIG_HOME",
				       "GIT_QUARANTINE_PATH",
				       "GIT_PREFIX",
				       "GIT_CONFIG_PARAMETERS",
				       "SSH_AUTH_SOCK"};

static void
fixed_environment(void)
{
	for (size_t i = 0; i < RT_COUNT(unwanted); i++)
		unsetenv(unwanted[i]);
	setenv("HOME", "home", 1);
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	setenv("GIT_AUTHOR_NAME", "Ann Author", 1);
	setenv("GIT_AUTHOR_EMAIL", "ann@example.org", 1);
	setenv("GIT_COMMITTER_NAME", "Cem Committer", 1);
	setenv("GIT_COMMITTER_EMAIL", "cem@example.org", 1);
	setenv("GIT_AUTHOR_DATE", "1700000000 +0100", 1);
	setenv("GIT_COMMITTER_DATE", "1700000000 +0100", 1);
	setenv("TZ", "UTC", 1);
	setenv("LC_ALL", "C", 1);
	setenv("LSAN_OPTIONS", "print_suppressions=0", 1);
	setenv("RATCHET_TEST_NOW", "1700000000", 1);
}

void
box_setup(void)
{
	char home[96];

	memcpy(box_root, "/tmp/rt-box-XXXXXX", sizeof("/tmp/rt-box-XXXXXX"));
	cr_assert_not_null(mkdtemp(box_root));
	cr_assert_eq(chdir(box_root), 0);
	fixed_environment();
	(void)snprintf(home, sizeof(home), "%s/home", box_root);
	setenv("HOME", home, 1);
	cr_assert_eq(
	    system("mkdir home repo && git config --global init.defaultBranch main && "
		   "git config --global user.name 'Una User' && git config --global user.email una@example.org && "
		   "git config --global advice.detachedHead false && git -C repo init -q"),
	    0);
	box_reopen();
}

void
box_teardown(void)
{
	char command[192];

	rt_repo_free(box_repo);
	box_repo = NULL;
	if (box_root[0] == '\0' || chdir("/") < 0)
		return;
	(void)snprintf(command, sizeof(command), "chmod -R u+rwx %s; rm -rf %s", box_root, box_root);
	cr_expect_eq(system(command), 0);
}

void
box_reopen(void)
{
	struct rt_err err = RT_ERR_INIT;
	rt_auto(free) char *dir = rt_format("%s/repo", box_root);

	rt_repo_free(box_repo);
	box_repo = NULL;
	must(rt_repo_open(&box_repo, dir, &err) == 0);
}

static char *command_line(const char *fmt, va_list args) RT_PRINTF(1, 0);

static char *
command_line(const char *fmt, va_list args)
{
	rt_auto(free) char *text = NULL;

	cr_assert(vasprintf(&text, fmt, args) >= 0);
	return rt_format("cd '%s/repo' && { %s\n}", box_root, text);
}

int
sh_status(const char *fmt, ...)
{
	rt_auto(free) char *command = NULL;
	va_list args;
	int status;

	va_start(args, fmt);
	command = command_line(fmt, args);
	va_end(args);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

void
sh(const char *fmt, ...)
{
	rt_auto(free) char *command = NULL;
	va_list args;
	int status;

	va_start(args, fmt);
	command = command_line(fmt, args);
	va_end(args);
	status = system(command);
	cr_assert_eq(status, 0, "status %d of %s", status, command);
}

static char *
capture(const char *command)
{
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;
	FILE *pipe = popen(command, "r");
	char room[4096];
	size_t n;
	int status;

	cr_assert_not_null(pipe);
	while ((n = fread(room, 1, sizeof(room), pipe)) > 0)
		rt_buf_add(&out, room, n);
	status = pclose(pipe);
	cr_assert_eq(status, 0, "status %d of %s", status, command);
	if (out.len > 0 && out.data[out.len - 1] == '\n')
		rt_buf_cut(&out, out.len - 1);
	return rt_buf_steal(&out);
}

char *
sh_out(const char *fmt, ...)
{
	rt_auto(free) char *command = NULL;
	va_list args;

	va_start(args, fmt);
	command = command_line(fmt, args);
	va_end(args);
	return capture(command);
}

struct rt_oid
sh_oid(const char *fmt, ...)
{
	rt_auto(free) char *command = NULL;
	rt_auto(free) char *text = NULL;
	struct rt_oid oid = {""};
	va_list args;

	va_start(args, fmt);
	command = command_line(fmt, args);
	va_end(args);
	text = capture(command);
	cr_assert_eq(strlen(text), RT_OID_HEX, "not an id: %s", text);
	memcpy(oid.hex, text, RT_OID_HEX + 1);
	return oid;
}

void
box_forget_person(void)
{
	unsetenv("GIT_AUTHOR_NAME");
	unsetenv("GIT_AUTHOR_EMAIL");
	unsetenv("GIT_COMMITTER_NAME");
	unsetenv("GIT_COMMITTER_EMAIL");
}
