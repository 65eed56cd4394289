#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "box.h"
#include "git/signature.h"

static struct rt_err err = RT_ERR_INIT;
static struct rt_buf why = RT_BUF_INIT, signer = RT_BUF_INIT;

static void
setup(void)
{
	box_setup();
	sh("ssh-keygen -q -t ed25519 -N '' -C '' -f ../key && ssh-keygen -q -t ed25519 -N '' -C '' -f ../other");
	sh("echo \"una@example.org $(cat ../key.pub)\" >../allowed");
	sh("git config --global gpg.format ssh && git config --global user.signingKey $PWD/../key");
	sh("git config --global gpg.ssh.allowedSignersFile $PWD/../allowed");
	sh("echo 1 >f && git add f && git commit -q -m plain");
}

static void
teardown(void)
{
	rt_buf_release(&why);
	rt_buf_release(&signer);
	box_teardown();
}
TestSuite(signature, .init = setup, .fini = teardown);

static int
verify(const struct rt_oid *commit)
{
	rt_auto(free) char *allowed = sh_out("cat ../allowed");

	rt_buf_cut(&why, 0);
	rt_buf_cut(&signer, 0);
	return rt_signature_verify(box_repo, commit, allowed, strlen(allowed), &signer, &why, &err);
}

static int
sign_head(const char *key, struct rt_oid *out)
{
	struct rt_commit commit = {0};
	struct rt_oid head = sh_oid("git rev-parse HEAD");
	int rc;

	must(rt_commit_read(box_repo, &head, &commit, &err) == 0);
	rc = rt_signature_commit(box_repo, &commit, key, &err);
	*out = commit.id;
	rt_commit_release(&commit);
	return rc;
}

Test(signature, a_commit_that_git_signed_verifies)
{
	struct rt_oid head;

	sh("git commit -q -S --allow-empty -m signed -m 'with a body'");
	head = sh_oid("git rev-parse HEAD");
	cr_expect_eq(verify(&head), 1, "%s %s", why.data, err.text);
	cr_expect_str_eq(signer.data, "una@example.org");
}

Test(signature, git_verifies_a_commit_that_was_signed_here)
{
	rt_auto(free) char *key = rt_format("%s/key", box_root);
	struct rt_oid id;
	struct rt_commit commit = {0};

	must(sign_head(key, &id) == 0);
	cr_expect_eq(
	    sh_status("git verify-commit %s 2>../said && grep -q 'Good \"git\" signature for una@example.org' ../said",
		      id.hex),
	    0);
	cr_expect_eq(sh_status("git fsck --strict >/dev/null 2>&1"), 0);
	cr_expect_eq(verify(&id), 1, "%s", why.data);
	must(rt_commit_read(box_repo, &id, &commit, &err) == 0);
	cr_expect(rt_starts_with(commit.signature, "-----BEGIN SSH SIGNATURE-----\n"));
	cr_expect(rt_ends_with(commit.signature, "-----END SSH SIGNATURE-----"));
	cr_expect_str_eq(commit.message, "plain\n");
	rt_commit_release(&commit);
}

Test(signature, an_unsigned_commit_does_not_verify)
{
	struct rt_oid head = sh_oid("git rev-parse HEAD");

	cr_expect_eq(verify(&head), 0, "%s", err.text);
	cr_expect_not_null(strstr(why.data, "not signed"), "%s", why.data);
}

Test(signature, a_key_that_is_not_allowed_does_not_verify)
{
	rt_auto(free) char *key = rt_format("%s/other", box_root);
	struct rt_oid id;

	must(sign_head(key, &id) == 0);
	cr_expect_eq(verify(&id), 0, "%s", err.text);
	cr_expect_not_null(strstr(why.data, "not one of the allowed signers"), "%s", why.data);
	cr_expect_eq(signer.len, 0);
}

Test(signature, a_commit_changed_after_signing_does_not_verify)
{
	rt_auto(free) char *key = rt_format("%s/key", box_root);
	struct rt_oid id, forged;

	must(sign_head(key, &id) == 0);
	forged =
	    sh_oid("git cat-file commit %s | sed 's/^plain$/forged/' | git hash-object -t commit -w --stdin", id.hex);
	cr_expect_eq(verify(&forged), 0, "%s", err.text);
	cr_expect_not_null(strstr(why.data, "not valid"), "%s", why.data);
}

Test(signature, a_signature_for_another_purpose_does_not_verify)
{
	struct rt_oid forged;

	sh("git cat-file commit HEAD >../payload && ssh-keygen -q -Y sign -n file -f ../key ../payload");
	forged = sh_oid("(sed '/^$/q' ../payload | sed '$d'; sed '1s/^/gpgsig /;2,$s/^/ /' ../payload.sig; echo; sed "
			"'1,/^$/d' ../payload) | "
			"git hash-object -t commit -w --stdin");
	cr_expect_eq(verify(&forged), 0, "%s", err.text);
	cr_expect_not_null(strstr(why.data, "not valid"), "%s", why.data);
}

Test(signature, two_signatures_do_not_verify)
{
	rt_auto(free) char *key = rt_format("%s/key", box_root);
	struct rt_oid id, twice;

	must(sign_head(key, &id) == 0);
	twice = sh_oid("git cat-file commit %s >../c && (sed '/^$/q' ../c | sed '$d'; sed -n '/^gpgsig/,/END/p' ../c; "
		       "echo; sed '1,/^$/d' ../c) | "
		       "git hash-object -t commit -w --literally --stdin",
		       id.hex);
	cr_expect_eq(verify(&twice), 0, "%s", err.text);
	cr_expect_not_null(strstr(why.data, "more than one"), "%s", why.data);
}

Test(signature, a_pgp_signature_is_not_accepted_and_named)
{
	struct rt_oid id;

	id =
	    sh_oid("git cat-file commit HEAD >../c && (sed '/^$/q' ../c | sed '$d'; printf 'gpgsig -----BEGIN PGP "
		   "SIGNATURE-----\\n x\\n "
		   "-----END PGP SIGNATURE-----\\n'; echo; sed '1,/^$/d' ../c) | git hash-object -t commit -w --stdin");
	cr_expect_eq(verify(&id), 0, "%s", err.text);
	cr_expect_not_null(strstr(why.data, "SSH"), "%s", why.data);
}

Test(signature, a_key_whose_time_is_over_does_not_verify)
{
	rt_auto(free) char *key = rt_format("%s/key", box_root);
	struct rt_oid id;

	must(sign_head(key, &id) == 0);
	sh("echo \"una@example.org valid-before=\\\"20200101\\\" $(cat ../key.pub)\" >../allowed");
	cr_expect_eq(verify(&id), 0, "%s", err.text);
}

Test(signature, without_allowed_signers_nothing_verifies)
{
	struct rt_oid head;

	sh("git commit -q -S --allow-empty -m signed && printf '# nobody\\n' >../allowed");
	head = sh_oid("git rev-parse HEAD");
	cr_expect_eq(verify(&head), 0, "%s", err.text);
	cr_expect_not_null(strstr(why.data, "no allowed signers"), "%s", why.data);
}

Test(signature, a_key_that_is_not_there_is_an_error_that_names_it)
{
	struct rt_oid id;

	cr_expect_eq(sign_head("/nowhere/key", &id), -1);
	cr_expect_not_null(strstr(err.text, "/nowhere/key"), "%s", err.text);
}

Test(signature, a_key_with_a_passphrase_fails_instead_of_waiting)
{
	rt_auto(free) char *key = rt_format("%s/locked", box_root);
	struct rt_oid id;

	sh("ssh-keygen -q -t ed25519 -N 'secret words' -C '' -f ../locked");
	cr_expect_eq(sign_head(key, &id), -1);
	cr_expect_eq(err.code, RT_ECONFIG, "%s", err.text);
}

Test(signature, an_agent_may_hold_the_key)
{
	rt_auto(free) char *socket = rt_format("%s/agent", box_root);
	rt_auto(free) char *pub = rt_format("%s/moved.pub", box_root);
	rt_auto(free) char *text = NULL;
	rt_auto(free) char *pid = NULL;
	struct rt_oid id;

	pid = sh_out("ssh-agent -a ../agent | sed -n 's/.*SSH_AGENT_PID=\\([0-9]*\\).*/\\1/p'");
	setenv("SSH_AUTH_SOCK", socket, 1);
	sh("ssh-add -q ../key && mv ../key ../away && cp ../key.pub ../moved.pub");
	cr_expect_eq(sign_head(pub, &id), 0, "%s", err.text);
	cr_expect_eq(verify(&id), 1, "%s", why.data);
	text = sh_out("echo key::$(cat ../key.pub)");
	cr_expect_eq(sign_head(text, &id), 0, "%s", err.text);
	cr_expect_eq(verify(&id), 1, "%s", why.data);
	sh("kill %s", pid);
}

Test(signature, a_text_without_keys_is_empty)
{
	cr_expect(rt_signers_empty("", 0));
	cr_expect(rt_signers_empty("# a\n\n  \t\n#b", 10));
	cr_expect_not(rt_signers_empty("# a\na@b ssh-ed25519 AAAA", 24));
}
