#include <criterion/criterion.h>
#include <string.h>

#include "model/policy.h"

/* Every value is put together when the test runs, so that no text shaped like a key stands in this file. */

#define DIGITS "0123456789"
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define SMALL "abcdefghijklmnopqrstuvwxyz"
#define ALNUM CAPITALS SMALL DIGITS
#define HEX DIGITS "abcdef"

static struct rt_policy *policy;
static struct rt_refusals refusals;
static struct rt_err err;

static void
set_up(void)
{
	policy = rt_policy_new();
	refusals = (struct rt_refusals){0};
	err = (struct rt_err)RT_ERR_INIT;
}

static void
tear_down(void)
{
	rt_refusals_release(&refusals);
	rt_policy_free(policy);
}

TestSuite(secrets, .init = set_up, .fini = tear_down);

/* prefix and n characters of the alphabet in a fixed, mixed order. The caller frees. */
static char *
token(const char *prefix, const char *alphabet, size_t n)
{
	rt_auto(buf) struct rt_buf out = RT_BUF_INIT;
	uint32_t state = 12345;

	rt_buf_adds(&out, prefix);
	for (size_t i = 0; i < n; i++) {
		state = state * 1664525 + 1013904223;
		rt_buf_addc(&out, alphabet[(state >> 16) % strlen(alphabet)]);
	}
	return rt_buf_steal(&out);
}

static void
scan(const char *name, const char *text)
{
	rt_policy_scan(policy, name, text, strlen(text), &refusals);
}

static void
scan_patch(const char *name, const char *text)
{
	rt_policy_scan_patch(policy, name, text, strlen(text), &refusals);
}

/* All refusals as "rule path:line", joined by commas. */
static void
refused_are(const char *expected)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;

	for (size_t i = 0; i < refusals.n; i++) {
		cr_assert(rt_refusal_is_secret(&refusals.at[i]));
		rt_buf_addf(&text, "%s%s %s:%u", i ? "," : "", refusals.at[i].rule + strlen("secret:"),
			    refusals.at[i].path, refusals.at[i].line);
	}
	cr_assert_str_eq(text.data, expected);
	rt_refusals_release(&refusals);
}

/* `key = "TOKEN"` is refused under that rule, and only there. */
static void
family(const char *rule, const char *prefix, const char *alphabet, size_t n)
{
	rt_auto(free) char *key = token(prefix, alphabet, n);
	rt_auto(free) char *text = rt_format("first\nkey = \"%s\"\n", key);
	rt_auto(free) char *expected = rt_format("%s f:2", rule);
	rt_auto(buf) struct rt_buf log = RT_BUF_INIT;

	scan("f", text);
	refused_are(expected);
	rt_buf_adds(&log, text);
	cr_assert_eq(rt_policy_redact(policy, &log), 1, "%s", key);
	cr_assert_null(strstr(log.data, key));
}

static void
no_family(const char *text)
{
	scan("f", text);
	refused_are("");
}

Test(secrets, common_key_families_are_found)
{
	family("aws-key-id", "AKIA", CAPITALS "234567", 16);
	family("aws-key-id", "ASIA", CAPITALS "234567", 16);
	family("github-token", "ghp_", ALNUM, 36);
	family("github-token", "gho_", ALNUM, 36);
	family("github-token", "ghs_", ALNUM, 36);
	family("github-token", "github_pat_", ALNUM "_", 82);
	family("gitlab-token", "glpat-", ALNUM "_-", 20);
	family("slack-token", "xoxb-", DIGITS, 40);
	family("slack-token", "xoxp-", ALNUM, 40);
	family("slack-token", "xoxs-", ALNUM, 40);
	family("google-key", "AIza", ALNUM "-_", 35);
	family("stripe-key", "sk_live_", ALNUM, 24);
	family("stripe-key", "rk_live_", ALNUM, 24);
	family("npm-token", "npm_", ALNUM, 36);
	family("pypi-token", "pypi-AgE", ALNUM "-_", 150);
	family("anthropic-key", "sk-ant-", ALNUM "-_", 95);
	family("openai-key", "sk-proj-", ALNUM "-_", 120);
	family("openai-key", "sk-", ALNUM, 48);
	family("huggingface-token", "hf_", ALNUM, 34);
	family("digitalocean-token", "dop_v1_", HEX, 64);
	family("databricks-token", "dapi", HEX, 32);
	family("age-key", "AGE-SECRET-KEY-1", CAPITALS DIGITS, 58);
	family("azure-storage-key", "AccountKey=", ALNUM "+/", 86);
	family("vault-token", "hvs.", ALNUM, 40);
}

Test(secrets, named_aws_secret_is_found_by_its_name)
{
	rt_auto(free) char *key = token("", ALNUM "/+", 40);
	rt_auto(free) char *ini = rt_format("aws_secret_access_key = %s\n", key);
	rt_auto(free) char *json = rt_format("{\"SecretAccessKey\": \"%s\"}", key);
	rt_auto(free) char *longer = rt_format("aws_secret_access_key = %sAA\n", key);

	scan("f", ini);
	refused_are("aws-secret-key f:1");
	scan("f", json);
	refused_are("aws-secret-key f:1");
	no_family(longer);
	no_family(key);
}

Test(secrets, web_token_of_three_parts_is_found)
{
	rt_auto(free) char *head = token("eyJ", ALNUM, 20);
	rt_auto(free) char *body = token("eyJ", ALNUM "_-", 60);
	rt_auto(free) char *sign = token("", ALNUM "_-", 43);
	rt_auto(free) char *whole = rt_format("Authorization: Bearer %s.%s.%s\n", head, body, sign);
	rt_auto(free) char *two = rt_format("x %s.%s \n", head, body);

	scan("f", whole);
	refused_are("jwt f:1");
	no_family(two);
}

/* A private-key block with that word, lines joined by separator. The caller frees. */
static char *
key_block(const char *kind, const char *separator, bool whole)
{
	rt_auto(free) char *body = token("", ALNUM "+/", 64);

	return rt_format("%sBEGIN %sPRIVATE KEY%s%s%s%s%s%s%s%s", "-----", kind, "-----", separator, body, separator,
			 body, separator, whole ? "-----END " : "", whole ? "PRIVATE KEY-----" : "");
}

Test(secrets, private_key_blocks_are_found)
{
	static const char *const kinds[] = {"", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED ", "PGP "};

	for (size_t i = 0; i < RT_COUNT(kinds); i++) {
		rt_auto(free) char *block = key_block(kinds[i], "\n", true);
		rt_auto(free) char *text = rt_format("a\n%s\nb\n", block);
		scan("id", text);
		refused_are("private-key id:2");
	}
	rt_auto(free) char *one_line = key_block("", "\\n", true);
	scan("id", one_line);
	refused_are("private-key id:1");
}

Test(secrets, private_key_is_redacted_up_to_its_end)
{
	rt_auto(free) char *block = key_block("", "\n", true);
	rt_auto(free) char *half = key_block("", "\n", false);
	rt_auto(buf) struct rt_buf log = RT_BUF_INIT;

	rt_buf_addf(&log, "before\n%s\nafter\n", block);
	cr_assert_eq(rt_policy_redact(policy, &log), 1);
	cr_assert_str_eq(log.data, "before\n[redacted: secret:private-key]\nafter\n");
	rt_buf_cut(&log, 0);
	rt_buf_addf(&log, "before\n%s", half);
	cr_assert_eq(rt_policy_redact(policy, &log), 1);
	cr_assert_str_eq(log.data, "before\n[redacted: secret:private-key]");
}

Test(secrets, header_without_a_key_is_no_secret)
{
	rt_auto(free) char *code =
	    rt_format("if (starts(s, \"%sBEGIN PRIVATE KEY%s\"))\n\treturn PEM_KEY;\n", "-----", "-----");
	rt_auto(free) char *body = token("", ALNUM, 64);
	rt_auto(free) char *public = rt_format("%sBEGIN PUBLIC KEY%s\n%s\n", "-----", "-----", body);

	no_family(code);
	no_family(public);
}

Test(secrets, lookalikes_are_no_secrets)
{
	rt_auto(free) char *inside = token("xAKIA", CAPITALS "234567", 16);
	rt_auto(free) char *longer = token("AKIA", CAPITALS "234567", 17);
	rt_auto(free) char *manual = rt_format("AKIA%s%s", "IOSFODNN7", "EXAMPLE");
	rt_auto(free) char *shorter = token("ghp_", ALNUM, 30);
	rt_auto(free) char *filler = rt_format("ghp_%s", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	rt_auto(free) char *word = token("task-", ALNUM, 48);
	rt_auto(free) char *letters = rt_format("sk-%s", "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz");

	no_family(inside);
	no_family(longer);
	no_family(manual);
	no_family(shorter);
	no_family(filler);
	no_family(word);
	no_family(letters);
	no_family("npm_config_registry_of_the_whole_organisation_and_its_mirror=x\n");
	no_family("");
}

Test(secrets, escapes_before_a_key_do_not_hide_it)
{
	static const char *const before[] = {"\\n", "\\t", "%3D", "\\x22", "\\u0022", "=", ":", "/", "'"};

	for (size_t i = 0; i < RT_COUNT(before); i++) {
		rt_auto(free) char *key = token("ghp_", ALNUM, 36);
		rt_auto(free) char *text = rt_format("v%s%s", before[i], key);
		scan("f", text);
		refused_are("github-token f:1");
	}
}

Test(secrets, no_comment_covers_a_secret)
{
	rt_auto(free) char *key = token("ghp_", ALNUM, 36);
	rt_auto(free) char *text =
	    rt_format("# gitleaks:allow\nx = %s # gitleaks:allow nosec pragma: allowlist secret\n", key);

	scan("f", text);
	refused_are("github-token f:2");
}

static const char value[] = "hunter-2 & \"sons\"/co";

static void
know(const char *text)
{
	cr_assert_eq(rt_policy_add_value(policy, text, strlen(text), &err), 0, "%s", err.text);
}

static void
knows_form(const char *form)
{
	rt_auto(free) char *text = rt_format("a\n<%s>\n", form);

	scan("f", text);
	cr_assert_eq(refusals.n, 1, "not found: %s", form);
	refused_are("known-value f:2");
}

Test(secrets, short_values_are_refused)
{
	cr_assert_eq(rt_policy_add_value(policy, "12345", 5, &err), -1);
	cr_assert_eq(err.code, RT_ECONFIG);
	cr_assert_eq(rt_policy_add_value(policy, "123456", 6, &err), 0);
}

Test(secrets, exact_value_is_found_in_every_form)
{
	know(value);
	knows_form(value);
	knows_form("68756e7465722d32202620"
		   "22736f6e73222f636f");
	knows_form("68756E7465722D32202620"
		   "22736F6E73222F636F");
	knows_form("hunter-2%20%26%20%22sons%22%2Fco");
	knows_form("hunter-2+%26+%22sons%22%2fco");
	knows_form("hunter-2 & \\\"sons\\\"/co");
	knows_form("hunter-2 & \\\"sons\\\"\\/co");
	knows_form("hunter-2 &amp; &quot;sons&quot;/co");
	scan("f", "hunter-2 & co");
	refused_are("");
}

/* base64 of 0, 1 and 2 bytes and the value, and one byte behind. */
Test(secrets, exact_value_is_found_in_base64_at_every_alignment)
{
	know(value);
	knows_form("aHVudGVyLTIgJiAic29ucyIvY28=");
	knows_form("Omh1bnRlci0yICYgInNvbnMiL2NvCg==");
	knows_form("dTpodW50ZXItMiAmICJzb25zIi9jbwo=");
}

Test(secrets, base64_of_web_addresses_is_found_too)
{
	know("\xfb\xff\xbf\xfb\xff\xbf");
	knows_form("+/+/+/+/");
	knows_form("-_-_-_-_");
}

Test(secrets, value_split_by_quotes_lines_or_colons_is_found)
{
	know("correct-horse-battery-staple");
	knows_form("\"correct-horse\" + \"-battery-staple\"");
	scan("f", "x\n'correct-horse-'\n'battery-staple'\n");
	refused_are("known-value f:2");
	/* base64 folded by a mailer, hex with colons */
	scan("f", "Y29ycmVjdC1ob3Jz\nZS1iYXR0ZXJ5LXN0YXBsZQ==\n");
	refused_are("known-value f:1");
	scan("f", "63:6f:72:72:65:63:74:2d:68:6f:72:73:65:2d:62:61:74:74:65:72:79:2d:73:74:61:70:6c:65");
	refused_are("known-value f:1");
	scan("f", "correct horse");
	refused_are("");
}

Test(secrets, colours_and_control_bytes_do_not_hide_a_secret)
{
	rt_auto(free) char *tail = token("", ALNUM, 36);
	rt_auto(free) char *coloured = rt_format("a\nghp_%.10s\x1b[31;1m%s\n", tail, tail + 10);
	rt_auto(free) char *linked = rt_format("gh\x1b]8;;x\ap_%s\n", tail);
	rt_auto(free) char *carriage = rt_format("ghp_%.5s\r%s", tail, tail + 5);
	rt_auto(buf) struct rt_buf log = RT_BUF_INIT;

	scan("f", coloured);
	refused_are("github-token f:2");
	scan("f", linked);
	refused_are("github-token f:1");
	scan("f", carriage);
	refused_are("github-token f:1");
	rt_buf_adds(&log, coloured);
	cr_assert_eq(rt_policy_redact(policy, &log), 1);
	cr_assert_str_eq(log.data, "a\n[redacted: secret:github-token]\n");
}

/* Blocks of the pass over letters and digits are a mebibyte: the value lies across their border. */
Test(secrets, value_across_a_block_border_is_found)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;

	know("correct-horse-battery-staple");
	for (size_t before = (1 << 20) - 30; before < (1 << 20) + 30; before += 5) {
		rt_buf_cut(&text, 0);
		rt_buf_reserve(&text, before + 100);
		memset(text.data, 'z', before);
		text.len = before;
		rt_buf_adds(&text, "\ncorrect\"-\"horse\"-\"battery\"-\"staple");
		rt_policy_scan(policy, "f", text.data, text.len, &refusals);
		refused_are("known-value f:2");
	}
}

Test(secrets, patterns_of_the_operator_are_found)
{
	static const char text[] = "secrets: {patterns: {acme-key: 'ACME-[0-9a-f]{8}'}}\n";

	cr_assert_eq(rt_policy_parse(policy, text, strlen(text), "p.yml", &err), 0, "%s", err.text);
	scan("f", "a\nACME-0123abcd ACME-4567cdef\n");
	refused_are("acme-key f:2,acme-key f:2");
	scan("f", "ACME-0123\n");
	refused_are("");
}

Test(secrets, pattern_that_gives_up_lets_nothing_through)
{
	static const char text[] = "secrets: {patterns: {slow: '(x+x+)+y'}}\n";
	rt_auto(buf) struct rt_buf log = RT_BUF_INIT;

	cr_assert_eq(rt_policy_parse(policy, text, strlen(text), "p.yml", &err), 0, "%s", err.text);
	for (size_t i = 0; i < 3000; i++)
		rt_buf_addc(&log, 'x');
	rt_buf_adds(&log, " y");
	scan("f", log.data);
	refused_are("slow f:1");
	cr_assert_eq(rt_policy_redact(policy, &log), 1);
	cr_assert_str_eq(log.data, "[redacted: secret:slow]");
}

Test(secrets, refusal_never_tells_the_value)
{
	rt_auto(free) char *key = token("ghp_", ALNUM, 36);
	rt_auto(free) char *path = rt_format("keys/%s.txt", key);
	rt_auto(free) char *text = rt_format("x %s\n", key);

	scan(path, text);
	cr_assert_eq(refusals.n, 1);
	cr_assert_null(strstr(refusals.at[0].reason, key));
	cr_assert_str_eq(refusals.at[0].path, "keys/[redacted: secret:github-token].txt");
}

/* A diff of two files: one adds the key in its third line, the other has it in a context and in a removed line. */
static char *
diff_of(const char *added, const char *context, const char *removed)
{
	return rt_format("From 1234 Mon Sep 17 00:00:00 2001\nSubject: x\n\n---\ndiff --git a/src/a.c b/src/a.c\n"
			 "--- a/src/a.c\n+++ b/src/a.c\n@@ -1,2 +1,3 @@ int\n one\n two\n+%s\n"
			 "diff --git a/b b/b\n--- a/b\n+++ b/b\n@@ -10,3 +10,2 @@\n %s\n-%s\n last\n-- \n2.39.5\n",
			 added, context, removed);
}

Test(secrets, added_line_of_a_patch_is_named_by_the_new_file)
{
	rt_auto(free) char *key = token("ghp_", ALNUM, 36);
	rt_auto(free) char *patch = diff_of(key, "c", "r");

	scan_patch("<stdin>", patch);
	refused_are("github-token src/a.c:3");
}

Test(secrets, context_and_removed_lines_of_a_patch_do_not_count)
{
	rt_auto(free) char *key = token("ghp_", ALNUM, 36);
	rt_auto(free) char *patch = diff_of("x", key, key);

	scan_patch("<stdin>", patch);
	refused_are("");
}

Test(secrets, message_author_and_paths_of_a_patch_count)
{
	rt_auto(free) char *key = token("ghp_", ALNUM, 36);
	rt_auto(free) char *message = rt_format("From: A <%s@x>\nSubject: b\n\n- uses %s\n", key, key);
	rt_auto(free) char *patch = diff_of("x", "c", "r");
	rt_auto(free) char *mail = rt_format("%s%s", message, patch);
	rt_auto(free) char *path = rt_format("--- /dev/null\n+++ b/%s\n@@ -0,0 +1 @@\n+x\n", key);
	rt_auto(free) char *rename = rt_format("diff --git a/x b/y\nrename to %s\n", key);

	scan_patch("p", mail);
	refused_are("github-token p:1,github-token p:4");
	scan_patch("p.patch", path);
	refused_are("github-token p.patch:2");
	scan_patch("p", rename);
	refused_are("github-token p:2");
}

/* Text of the message that looks like a hunk would hide lines behind its spaces. */
Test(secrets, hunk_in_a_message_hides_nothing)
{
	rt_auto(free) char *key = token("ghp_", ALNUM, 36);
	rt_auto(free) char *patch = diff_of("x", "c", "r");
	rt_auto(free) char *mail = rt_format("Subject: b\n\n@@ -1,9 +1,9 @@\n %s\n%s", key, patch);

	scan_patch("p", mail);
	refused_are("github-token p:4");
}

Test(secrets, line_beyond_the_counts_of_its_hunk_counts)
{
	rt_auto(free) char *key = token("ghp_", ALNUM, 36);
	rt_auto(free) char *patch = rt_format("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n %s\n", key);

	scan_patch("p.diff", patch);
	refused_are("github-token p.diff:6");
}

Test(secrets, added_lines_are_read_as_one_text)
{
	rt_auto(free) char *block = key_block("", "\n+", true);
	rt_auto(free) char *patch = rt_format("--- /dev/null\n+++ b/id\n@@ -0,0 +1,4 @@\n+%s\n", block);

	scan_patch("p.diff", patch);
	refused_are("private-key id:1");
}

Test(secrets, message_that_looks_like_a_patch_hides_nothing)
{
	rt_auto(free) char *key = token("ghp_", ALNUM, 36);
	rt_auto(free) char *message = diff_of("x", key, "r");

	scan("commit message", message);
	refused_are("github-token commit message:16");
}

Test(secrets, proposal_that_is_no_patch_counts_whole)
{
	rt_auto(free) char *key = token("ghp_", ALNUM, 36);
	rt_auto(free) char *text = rt_format(" %s\n-%s\n", key, key);

	scan_patch("<stdin>", text);
	refused_are("github-token <stdin>:1,github-token <stdin>:2");
}

Test(secrets, file_of_a_tree_is_no_patch)
{
	rt_auto(free) char *key = token("ghp_", ALNUM, 36);
	rt_auto(free) char *patch = diff_of("x", key, "r");

	rt_policy_scan_change(policy, "evil.patch", NULL, 0, patch, strlen(patch), &refusals);
	refused_are("github-token evil.patch:16");
}

Test(secrets, what_the_old_file_held_is_not_refused_again)
{
	rt_auto(free) char *key = token("ghp_", ALNUM, 36);
	rt_auto(free) char *other = token("gho_", ALNUM, 36);
	rt_auto(free) char *old = rt_format("a\n%s\n", key);
	rt_auto(free) char *new = rt_format("%s\nb\n%s\n", key, other);

	rt_policy_scan_change(policy, "f", old, strlen(old), new, strlen(new), &refusals);
	refused_are("github-token f:3");
	rt_policy_scan_change(policy, "f", NULL, 0, new, strlen(new), &refusals);
	refused_are("github-token f:1,github-token f:3");
}

Test(secrets, text_without_secrets_is_left_as_it_is)
{
	rt_auto(buf) struct rt_buf log = RT_BUF_INIT;

	know("correct-horse-battery-staple");
	rt_buf_adds(&log, "ok 1 - parses \x1b[32mfine\x1b[0m\n");
	cr_assert_eq(rt_policy_redact(policy, &log), 0);
	cr_assert_str_eq(log.data, "ok 1 - parses \x1b[32mfine\x1b[0m\n");
}

Test(secrets, every_secret_of_a_log_is_redacted)
{
	rt_auto(free) char *key = token("ghp_", ALNUM, 36);
	rt_auto(buf) struct rt_buf log = RT_BUF_INIT;

	know("correct-horse-battery-staple");
	rt_buf_addf(&log, " %s correct-horse-battery-staple\n+ %s", key, key);
	cr_assert_eq(rt_policy_redact(policy, &log), 3);
	cr_assert_str_eq(log.data, " [redacted: secret:github-token] [redacted: secret:known-value]\n"
				   "+ [redacted: secret:github-token]");
}

Test(secrets, secret_right_behind_another_is_redacted)
{
	rt_auto(free) char *key = token("ghp_", ALNUM, 36);
	rt_auto(buf) struct rt_buf log = RT_BUF_INIT;

	know("correct-horse-battery-staple");
	rt_buf_addf(&log, "correct-horse-battery-staple%s", key);
	cr_assert_eq(rt_policy_redact(policy, &log), 2);
	cr_assert_str_eq(log.data, "[redacted: secret:known-value][redacted: secret:github-token]");
}

/* Each would take hours if a failed match were looked at again from each of its bytes. */
Test(secrets, hostile_text_takes_linear_time)
{
	static const char *const repeated[] = {"eyJ",	      "-eyJ",	     ".eyJ",  "ghp_",	" ghp_",
					       "sk-",	      "-sk-",	     "SG.",   "xoxb-",	"AKIA",
					       "-----BEGIN ", "AccountKey=", "\x1b[", "\\neyJ", "sntrys_="};
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;

	know("correct-horse-battery-staple");
	for (size_t i = 0; i < RT_COUNT(repeated); i++) {
		rt_buf_cut(&text, 0);
		while (text.len < 1 << 20)
			rt_buf_adds(&text, repeated[i]);
		rt_policy_scan(policy, "f", text.data, text.len, &refusals);
		rt_refusals_release(&refusals);
	}
}
