/* Moves of a work tree that are killed, edited under or starved at every step. The moving process is traced, so that
 * each system call that changes something is a place to stop. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/ptrace.h>

#include "box.h"
#include "git/worktree.h"
#include "support/clock.h"

static struct rt_err err = RT_ERR_INIT;
static struct rt_buf why = RT_BUF_INIT;
static char gitdir[160];
static struct rt_oid old, new;

/* Changed, added, removed, a folder that becomes a file and the reverse, a link, an executable; and files of the user.
 */
static void
setup(void)
{
	box_setup();
	(void)snprintf(gitdir, sizeof(gitdir), "%s/repo/.git", box_root);
	sh("mkdir -p a/b d k && echo 1 >a/b/gone && echo 1 >changed && echo 1 >d/x && echo 1 >f && ln -s f l && echo 1 "
	   ">run && "
	   "echo 1 >z && echo 1 >k/stays && git add -A && git commit -q -m old && git tag old");
	sh("echo 2 >changed && git rm -rq a d f && echo 2 >d && mkdir -p f/g n && echo 2 >f/g/h && ln -sf z l && chmod "
	   "+x run && "
	   "echo 2 >z && echo 2 >n/m && git add -A && git commit -q -m new && git tag new && git reset -q --hard old");
	sh("echo staged >s && git add s && echo edited >k/stays && echo u >untracked && cp -a . ../template");
	old = sh_oid("git rev-parse old^0");
	new = sh_oid("git rev-parse new^0");
}

static void
teardown(void)
{
	rt_buf_release(&why);
	box_teardown();
}
TestSuite(interrupted, .init = setup, .fini = teardown);

static void
start_over(void)
{
	cr_assert_eq(system("rm -rf repo && cp -a template repo"), 0);
}

/* Does the system call change something that lasts? */
static bool
is_change(const struct ptrace_syscall_info *call)
{
	switch (call->entry.nr) {
	case SYS_write:
	case SYS_rename:
	case SYS_renameat:
	case SYS_renameat2:
	case SYS_link:
	case SYS_linkat:
	case SYS_unlink:
	case SYS_unlinkat:
	case SYS_mkdir:
	case SYS_mkdirat:
	case SYS_rmdir:
	case SYS_symlink:
	case SYS_symlinkat:
	case SYS_fsync:
	case SYS_utimensat:
	case SYS_fchmod:
		return true;
	case SYS_open:
		return (call->entry.args[1] & O_CREAT) != 0;
	case SYS_openat:
		return (call->entry.args[2] & O_CREAT) != 0;
	default:
		return false;
	}
}

static pid_t
begin_traced(void)
{
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid == 0) {
		struct rt_err own = RT_ERR_INIT;
		int rc;

		(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		(void)raise(SIGSTOP);
		rc = rt_worktree_move(gitdir, &old, &new, NULL, 0, &why, &own);
		_exit(rc < 0 ? 9 : rc);
	}
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	cr_assert_eq(ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)), 0);
	return pid;
}

/*
 * Lets the move run and stops it before each change; at returns true to kill it there. Returns what rt_worktree_move
 * returned, 9 for an error, or -1 when killed.
 */
static int
run_traced(bool (*at)(void *data, const struct ptrace_syscall_info *call, unsigned n), void *data)
{
	pid_t pid = begin_traced();
	unsigned n = 0;

	for (;;) {
		struct ptrace_syscall_info call;
		int status;

		cr_assert_eq(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status))
			return WEXITSTATUS(status);
		if (!WIFSTOPPED(status) || WSTOPSIG(status) != (SIGTRAP | 0x80))
			continue;
		if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(call), &call) <= 0 ||
		    call.op != PTRACE_SYSCALL_INFO_ENTRY || !is_change(&call))
			continue;
		n++;
		if (!at(data, &call, n))
			continue;
		cr_assert_eq(kill(pid, SIGKILL), 0);
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		return -1;
	}
}

static bool
at_number(void *data, const struct ptrace_syscall_info *call, unsigned n)
{
	(void)call;
	return n == *(unsigned *)data;
}

/* Every path is as in the old tree or as in the new one, and what the user did elsewhere is there. */
static void
expect_old_or_new(unsigned n)
{
	cr_expect_eq(
	    sh_status(
		"one() { case \"$(cat \"$1\" 2>/dev/null)\" in $2) ;; *) echo \"$1\"; return 1;; esac; }; "
		"one changed '[12]' && one z '[12]' && one run 1 && one k/stays edited && one s staged && one "
		"untracked u && "
		"{ test ! -e a/b/gone || one a/b/gone 1; } && { test ! -e n/m || one n/m 2; } && "
		"{ test ! -f d || one d 2; } && { test ! -f f || one f 1; } && { test ! -e d/x || one d/x 1; } && "
		"{ test ! -e f/g/h || one f/g/h 2; } && test -L l"),
	    0, "killed before change %u", n);
}

static void
expect_no_leftovers(unsigned n)
{
	cr_expect_eq(sh_status("test ! -e .git/index.lock && test -z \"$(find . -name '*ratchet*')\""), 0,
		     "killed before change %u", n);
}

static void
expect_new(unsigned n)
{
	cr_expect_eq(sh_status("git update-ref refs/heads/main new && "
			       "test \"$(git status --porcelain | tr '\\n' ';')\" = ' M k/stays;A  s;?? untracked;'"),
		     0, "killed before change %u", n);
}

static void
expect_old(unsigned n)
{
	cr_expect_eq(sh_status("test \"$(git status --porcelain | tr '\\n' ';')\" = ' M k/stays;A  s;?? untracked;'"),
		     0, "killed before change %u", n);
}

/* Kills before the n-th change for every n, from first in steps; calls mend after each. Returns how many there were. */
static unsigned
kill_everywhere(unsigned first, unsigned step, void (*mend)(unsigned n))
{
	for (unsigned n = first;; n += step) {
		int rc;

		start_over();
		rc = run_traced(at_number, &n);
		if (rc != -1) {
			cr_expect_eq(rc, 1, "%s", why.data);
			return n;
		}
		expect_old_or_new(n);
		cr_assert_geq(rt_worktree_drop_lock(gitdir, &err), 0, "%s", err.text);
		expect_no_leftovers(n);
		rt_buf_cut(&why, 0);
		mend(n);
		expect_no_leftovers(n);
	}
}

static void
redo(unsigned n)
{
	cr_expect_eq(rt_worktree_move(gitdir, &old, &new, NULL, 0, &why, &err), 1, "killed before change %u: %s%s", n,
		     why.data, err.text);
	expect_new(n);
}

static void
take_back(unsigned n)
{
	cr_expect_eq(rt_worktree_restore(gitdir, &old, &new, 0, &why, &err), 1, "killed before change %u: %s%s", n,
		     why.data, err.text);
	expect_old(n);
}

Test(interrupted, a_move_killed_before_any_change_is_done_again)
{
	cr_expect_gt(kill_everywhere(1, 2, redo), 20);
}

Test(interrupted, a_move_killed_before_any_change_is_taken_back)
{
	cr_expect_gt(kill_everywhere(2, 2, take_back), 20);
}

/* ---- somebody edits a file while it is moved ---- */

static bool
edit_at_first_exchange(void *data, const struct ptrace_syscall_info *call, unsigned n)
{
	bool *done = data;

	(void)n;
	if (call->entry.nr == SYS_renameat2 && !*done) {
		*done = true;
		sh("echo mine >z");
	}
	return false;
}

Test(interrupted, an_edit_in_the_middle_of_a_move_is_kept_and_the_rest_is_put_back)
{
	bool done = false;

	start_over();
	cr_expect_eq(run_traced(edit_at_first_exchange, &done), 0);
	cr_expect(done);
	cr_expect_eq(
	    sh_status("test $(cat z) = mine && "
		      "test \"$(git status --porcelain | tr '\\n' ';')\" = ' M k/stays;A  s; M z;?? untracked;'"),
	    0);
	expect_no_leftovers(0);
}

static bool
block_at_first_exchange(void *data, const struct ptrace_syscall_info *call, unsigned n)
{
	bool *done = data;

	(void)n;
	if (call->entry.nr == SYS_renameat2 && !*done) {
		*done = true;
		sh("rm z && mkdir z && echo mine >z/mine");
	}
	return false;
}

Test(interrupted, a_folder_put_in_the_way_in_the_middle_of_a_move_is_kept)
{
	bool done = false;

	start_over();
	cr_expect_eq(run_traced(block_at_first_exchange, &done), 0);
	cr_expect_eq(
	    sh_status("test $(cat z/mine) = mine && test $(cat changed) = 1 && test $(cat d/x) = 1 && test -f f"), 0);
	expect_no_leftovers(0);
}

/* ---- the disk is full ---- */

Test(interrupted, a_move_that_cannot_write_leaves_everything_as_it_was)
{
	struct rlimit few = {.rlim_cur = 3000, .rlim_max = 3000}, before;
	int rc;

	start_over();
	sh("git checkout -q -B big old 2>/dev/null && seq 5000 >zz && git add zz && git rm -q z && git commit -q -m "
	   "big -- z zz && git tag big && "
	   "git checkout -q main && git update-index -q --refresh; git ls-files -s >../before");
	new = sh_oid("git rev-parse big^0");
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	(void)signal(SIGXFSZ, SIG_IGN);
	few.rlim_max = before.rlim_max;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &few), 0);
	rc = rt_worktree_move(gitdir, &old, &new, NULL, 0, &why, &err);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	cr_expect_eq(rc, -1);
	cr_expect_not_null(strstr(err.text, "zz"), "%s", err.text);
	cr_expect_eq(sh_status("git ls-files -s | cmp - ../before && test $(cat z) = 1 && test ! -e zz"), 0);
	expect_no_leftovers(0);
}
