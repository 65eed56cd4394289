#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "box.h"
#include "git/apply.h"
#include "support/file.h"

static struct rt_err err = RT_ERR_INIT;
static struct rt_quarantine *quarantine;
static struct rt_buf why = RT_BUF_INIT;
static struct rt_mails mails;

static void
setup(void)
{
	box_setup();
	sh("seq 1 30 >f && seq 50 90 >g && git add . && git commit -q -m base && git branch topic");
	must(rt_quarantine_new(&quarantine, box_repo, "q", &err) == 0);
}

static void
teardown(void)
{
	rt_mails_release(&mails);
	rt_quarantine_free(quarantine);
	rt_buf_release(&why);
	box_teardown();
}

TestSuite(mail, .init = setup, .fini = teardown);

static bool
detect(const char *text)
{
	return rt_mail_detect(text, strlen(text));
}

static int
split(const char *text)
{
	rt_mails_release(&mails);
	rt_buf_cut(&why, 0);
	return rt_mail_split(quarantine, text, strlen(text), &mails, &why, &err);
}

#define PATCH "---\n f | 1 +\n\ndiff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -30 +30,2 @@\n 30\n+31\n"
#define MAIL                                                                       \
	"From 1111111111111111111111111111111111111111 Mon Sep 17 00:00:00 2001\n" \
	"From: Jo Example <jo@example.org>\n"                                      \
	"Date: Tue, 14 Nov 2023 23:13:20 +0100\n"                                  \
	"Subject: [PATCH] f: more\n\nBecause.\n\n\nReally.\n" PATCH "-- \n2.39.5\n\n"

/* ---- what is a mail ---- */

Test(mail, mailboxes_and_mails_are_told_from_patches)
{
	cr_expect(detect(MAIL));
	cr_expect(detect("\n\nFrom: a@b\n\n"));
	cr_expect(detect("Subject: x\r\nX-Folded: a\r\n b\r\n\r\ndiff --git a/f b/f\r\n"));
	cr_expect_not(detect("diff --git a/f b/f\n--- a/f\n+++ b/f\n"));
	cr_expect_not(detect("--- a/f\n+++ b/f\n@@ -1 +1 @@\n"));
	cr_expect_not(detect("Some prose.\n\ndiff --git a/f b/f\n"));
	cr_expect_not(detect("Index: f\n=======\n--- f\n+++ f\n"));
	cr_expect_not(detect(""));
	cr_expect_not(detect("\n\n"));
}

Test(mail, patches_of_stgit_and_mercurial_are_no_mails)
{
	cr_expect_not(detect("# HG changeset patch\n# User a\n"));
	cr_expect_not(detect("# This series applies on GIT commit 1234\n"));
	cr_expect_not(detect("Subject-line: x\n\nFrom: a <a@b>\n\nbody\n"));
}

/* ---- reading ---- */

Test(mail, author_date_message_and_patch_are_read)
{
	cr_assert_eq(split(MAIL), 1, "%s%s", why.data, err.text);
	cr_assert_eq(mails.n, 1);
	cr_expect_str_eq(mails.at[0].author, "Jo Example <jo@example.org>");
	cr_expect_str_eq(mails.at[0].date, "1700000000 +0100");
	cr_expect_str_eq(mails.at[0].message, "f: more\n\nBecause.\n\nReally.\n");
	cr_expect_not_null(strstr(mails.at[0].patch, "+31\n"));
	cr_expect_eq(strlen(mails.at[0].patch), mails.at[0].patch_len);
}

Test(mail, encodings_are_undone)
{
	cr_assert_eq(split("From: =?iso-8859-1?q?Andr=E9?= <a@b>\nDate: 1700000000 +0000\n"
			   "Subject: =?utf-8?b?w7xiZXI=?=\nContent-Type: text/plain; charset=iso-8859-1\n"
			   "Content-Transfer-Encoding: quoted-printable\n\nna=EFve\n" PATCH),
		     1, "%s%s", why.data, err.text);
	cr_expect_str_eq(mails.at[0].author, "Andr\303\251 <a@b>");
	cr_expect_str_eq(mails.at[0].message, "\303\274ber\n\nna\303\257ve\n");
}

Test(mail, a_from_line_in_the_body_is_the_author)
{
	cr_assert_eq(
	    split("From: sender <s@b>\nDate: 1700000000 +0000\nSubject: x\n\nFrom: author <a@b>\n\nbody\n" PATCH), 1);
	cr_expect_str_eq(mails.at[0].author, "author <a@b>");
	cr_expect_str_eq(mails.at[0].message, "x\n\nbody\n");
}

Test(mail, the_messages_of_a_mailbox_come_in_order)
{
	cr_assert_eq(
	    split(MAIL
		  "From x Mon Sep 17 00:00:00 2001\nFrom: b <b@b>\nDate: 1700000001 +0000\nSubject: second\n\n" PATCH),
	    1, "%s%s", why.data, err.text);
	cr_assert_eq(mails.n, 2);
	cr_expect_str_eq(mails.at[0].message, "f: more\n\nBecause.\n\nReally.\n");
	cr_expect_str_eq(mails.at[1].message, "second\n");
	cr_expect_str_eq(mails.at[1].date, "1700000001 +0000");
}

Test(mail, a_message_without_a_patch_is_refused)
{
	cr_expect_eq(split("From: a <a@b>\nDate: 1700000000 +0000\nSubject: x\n\nHello.\n"), 0);
	cr_expect_str_eq(why.data, "message 1 has no patch\n");
	cr_expect_eq(mails.n, 0);
}

Test(mail, the_message_that_is_wrong_is_named)
{
	cr_expect_eq(split(MAIL "From x Mon Sep 17 00:00:00 2001\nFrom: b <b@b>\nSubject: second\n\nno patch\n"), 0);
	cr_expect_str_eq(why.data, "message 2 has no patch\n");
	cr_expect_eq(mails.n, 0);
}

Test(mail, a_missing_or_impossible_author_is_refused)
{
	cr_expect_eq(split("Subject: x\nDate: 1700000000 +0000\n\n" PATCH), 0);
	cr_expect_not_null(strstr(why.data, "message 1: empty ident name"), "%s", why.data);
	cr_expect_eq(split("From: a <a@b>\nDate: someday\nSubject: x\n\n" PATCH), 0);
	cr_expect_not_null(strstr(why.data, "message 1: invalid date format: someday"), "%s", why.data);
}

Test(mail, nothing_is_no_mail)
{
	cr_expect_eq(split(""), 0);
	cr_expect_gt(why.len, 0);
}

Test(mail, what_it_reads_is_what_git_am_commits)
{
	rt_auto(free) char *want = NULL, *got = NULL, *box = NULL;
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;

	sh("git checkout -q topic && printf 'a\\n' >n && git add n && printf 'subject: \\303\\274\\n\\n  body "
	   "\\n\\n\\nend' | "
	   "git commit -q --author='Z\\303\\274 <z@x>' --date='1600000000 -0730' -F - && git checkout -q main && "
	   "git format-patch -q --stdout main..topic >../m");
	box = rt_format("%s/m", box_root);
	must(rt_file_read(AT_FDCWD, box, 1u << 20, &text, &err) == 0);
	cr_assert_eq(split(text.data), 1, "%s%s", why.data, err.text);
	sh("git am -q ../m");
	want = sh_out("git log -1 --format='%%an <%%ae> %%ad%%n%%B' --date=raw");
	got = rt_format("%s %s\n%s", mails.at[0].author, mails.at[0].date, mails.at[0].message);
	cr_expect_str_eq(got, want);
}

/* ---- applying ---- */

static void
on(const char *branch, const char *commands)
{
	sh("git checkout -q %s && { %s\n} && git add -A . && git commit -q -m c && git checkout -q main", branch,
	   commands);
}

static struct rt_oid base, result;

/* Our answer for what topic has, as mails, on main. */
static int
apply_topic(const char *options)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;
	rt_auto(free) char *box = rt_format("%s/m", box_root);
	struct rt_apply_limits limits = RT_APPLY_LIMITS;
	struct rt_oid from;
	int answer = 1;
	size_t i;

	sh("git format-patch -q --stdout %s main..topic >../m", options);
	must(rt_file_read(AT_FDCWD, box, 1u << 20, &text, &err) == 0);
	cr_assert_eq(split(text.data), 1, "%s%s", why.data, err.text);
	base = sh_oid("git rev-parse 'main^{tree}'");
	result = base;
	for (i = 0; i < mails.n && answer == 1; i++) {
		from = result;
		answer = rt_apply_mail(quarantine, &from, mails.at[i].patch, mails.at[i].patch_len, &limits, &result,
				       &why, &err);
	}
	return answer;
}

static void
expect_tree_of_am(const char *options)
{
	struct rt_oid want;
	int ours = apply_topic(options);

	cr_assert_eq(ours, 1, "%d: %s%s", ours, why.data, err.text);
	sh("git am -q -3 ../m >/dev/null 2>&1");
	want = sh_oid("git rev-parse 'HEAD^{tree}'");
	cr_expect_str_eq(result.hex, want.hex);
	cr_expect_eq(why.len, 0, "%s", why.data);
}

static void
expect_refused_by_am(const char *word)
{
	int ours = apply_topic("");

	cr_expect_eq(ours, 0, "%d: %s", ours, err.text);
	cr_expect_not_null(strstr(why.data, word), "no \"%s\" in: %s", word, why.data);
	cr_expect_neq(sh_status("git am -q -3 ../m >/dev/null 2>&1"), 0);
}

Test(mail, a_patch_that_fits_is_applied)
{
	on("topic", "sed -i 5s/.*/five/ f && echo n >new && chmod +x g");
	on("main", "echo o >other");
	expect_tree_of_am("");
}

Test(mail, several_patches_are_applied_one_on_the_other)
{
	on("topic", "sed -i 5s/.*/five/ f");
	on("topic", "sed -i 5s/.*/six/ f && git mv g h");
	on("main", "echo o >other");
	expect_tree_of_am("-M");
}

Test(mail, context_that_moved_on_is_merged)
{
	on("topic", "sed -i 5s/.*/five/ f");
	on("main", "sed -i 8s/.*/eight/ f");
	expect_tree_of_am("");
}

Test(mail, a_change_follows_a_file_that_we_renamed)
{
	on("topic", "sed -i 5s/.*/five/ f");
	on("main", "mkdir d && git mv f d/moved && echo o >other");
	expect_tree_of_am("");
}

Test(mail, a_file_added_to_a_directory_that_we_renamed_stays_where_the_patch_puts_it)
{
	sh("mkdir d && seq 9 >d/1 && seq 8 >d/2 && git add . && git commit -q -m d && git branch -f topic main");
	on("topic", "echo n >d/new && sed -i 5s/.*/five/ f");
	on("main", "git mv d e && sed -i 8s/.*/eight/ f");
	expect_tree_of_am("");
}

Test(mail, a_patch_that_is_there_already_changes_nothing)
{
	on("topic", "sed -i 5s/.*/five/ f");
	on("main", "sed -i 5s/.*/five/ f && echo o >other");
	expect_tree_of_am("");
	cr_expect_str_eq(result.hex, base.hex);
}

Test(mail, a_patch_that_is_there_in_part_brings_the_rest)
{
	on("topic", "sed -i '5s/.*/five/; 25s/.*/x/' f");
	on("main", "sed -i 5s/.*/five/ f");
	expect_tree_of_am("");
}

Test(mail, attributes_of_our_tree_decide_the_merge)
{
	sh("echo 'f merge=union' >.gitattributes && git add . && git commit -q -m a && git branch -f topic main");
	on("topic", "echo theirs >>f");
	on("main", "echo ours >>f");
	expect_tree_of_am("");
}

Test(mail, a_conflict_is_refused)
{
	on("topic", "sed -i 5s/.*/five/ f");
	on("main", "sed -i 5s/.*/FIVE/ f");
	expect_refused_by_am("CONFLICT (content): Merge conflict in f");
}

Test(mail, a_patch_of_unknown_blobs_that_does_not_fit_is_refused)
{
	struct rt_apply_limits limits = RT_APPLY_LIMITS;
	static const char patch[] = "diff --git a/f b/f\nindex 1111111..2222222 100644\n--- a/f\n+++ b/f\n"
				    "@@ -1,3 +1,3 @@\n 1\n-zwei\n+two\n 3\n";

	base = sh_oid("git rev-parse 'main^{tree}'");
	cr_expect_eq(rt_apply_mail(quarantine, &base, patch, strlen(patch), &limits, &result, &why, &err), 0, "%s",
		     err.text);
	cr_expect_not_null(strstr(why.data, "f: patch does not apply"), "%s", why.data);
	cr_expect_not_null(strstr(why.data, "lacking or useless"), "%s", why.data);
}

Test(mail, a_damaged_patch_is_malformed)
{
	struct rt_apply_limits limits = RT_APPLY_LIMITS;
	static const char patch[] = "diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n 1\n";

	base = sh_oid("git rev-parse 'main^{tree}'");
	cr_expect_eq(rt_apply_mail(quarantine, &base, patch, strlen(patch), &limits, &result, &why, &err), 2);
	cr_expect_not_null(strstr(why.data, "corrupt patch"), "%s", why.data);
}
