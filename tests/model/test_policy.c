#include <criterion/criterion.h>
#include <string.h>

#include "model/policy.h"

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

TestSuite(policy, .init = set_up, .fini = tear_down);

static void
rules(const char *text)
{
	cr_assert_eq(rt_policy_parse(policy, text, strlen(text), "policies/a.yml", &err), 0, "%u:%u: %s", err.line,
		     err.column, err.text);
}

static void
bad_rules(const char *text, unsigned line, unsigned column, const char *part)
{
	cr_assert_eq(rt_policy_parse(policy, text, strlen(text), "policies/a.yml", &err), -1, "accepted: %s", text);
	cr_assert_eq(err.code, RT_ECONFIG);
	cr_assert_not_null(strstr(err.text, part), "no `%s` in `%s`", part, err.text);
	cr_assert(err.line == line && err.column == column, "at %u:%u: %s", err.line, err.column, err.text);
}

/* The rules of all refusals, joined by commas, "path:line" behind each where there is a line. */
static void
refused_are(const char *expected)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;

	for (size_t i = 0; i < refusals.n; i++) {
		rt_buf_addf(&text, "%s%s", i ? "," : "", refusals.at[i].rule);
		if (refusals.at[i].line)
			rt_buf_addf(&text, "@%s:%u", refusals.at[i].path, refusals.at[i].line);
	}
	cr_assert_str_eq(text.data, expected);
	rt_refusals_release(&refusals);
}

static struct rt_delta
file(const char *path, const char *content)
{
	return (struct rt_delta){.path = path,
				 .new_mode = 0100644,
				 .new_size = strlen(content),
				 .content = content,
				 .content_len = strlen(content)};
}

static void
judged(struct rt_delta delta, const char *expected)
{
	rt_policy_judge(policy, &delta, &refusals);
	refused_are(expected);
}

static void
path_is(const char *path, const char *rule)
{
	const char *reason = NULL, *found = rt_path_problem(path, &reason);

	cr_assert_eq(found != NULL, reason != NULL, "%s", path);
	cr_assert_str_eq(found ? found : "", rule, "`%s`: %s", path, reason ? reason : "sound");
}

Test(policy, ordinary_paths_are_sound)
{
	path_is("src/main.c", "");
	path_is(".github/workflows/ci.yml", "");
	path_is(".gitignore", "");
	path_is("sub/.gitattributes", "");
	path_is(".gitmodules", "");
	path_is("d/.gitkeep", "");
	path_is("git/x~1", "");
	path_is("Foo::Bar.3pm", "");
	path_is("na\xc3\xafve/\xe6\x96\x87.txt", "");
	path_is("a..b/...c", "");
	path_is("console.c", "");
	path_is("com10", "");
	path_is("lpt/x", "");
}

Test(policy, paths_that_climb_or_are_malformed_are_refused)
{
	path_is("../x", "path-escape");
	path_is("a/../../x", "path-escape");
	path_is("/etc/passwd", "path-syntax");
	path_is("a//b", "path-syntax");
	path_is("./a", "path-syntax");
	path_is("a/.", "path-syntax");
	path_is("a/", "path-syntax");
	path_is("", "path-syntax");
}

Test(policy, every_spelling_of_dotgit_is_refused)
{
	path_is(".git", "dotgit");
	path_is(".git/config", "dotgit");
	path_is(".GIT/hooks/x", "dotgit");
	path_is("sub/.gIt/hooks/x", "dotgit");
	path_is("git~1/config", "dotgit");
	path_is("GIT~1", "dotgit");
	path_is(".git./config", "dotgit");
	path_is(".git /config", "dotgit");
	path_is(".git. . /config", "dotgit");
	path_is(".git::$INDEX_ALLOCATION/config", "dotgit");
	path_is(".git:stream", "dotgit");
	path_is(".g\xe2\x80\x8cit/config", "dotgit");
	path_is("\xef\xbb\xbf.git/config", "dotgit");
	path_is(".gi\xe2\x80\xaet", "dotgit");
	path_is(".git\xe2\x81\xaf/x", "dotgit");
	path_is("git~1 .", "dotgit");
}

Test(policy, odd_spellings_of_files_that_git_obeys_are_refused)
{
	path_is(".GitModules", "dotgit");
	path_is(".gitmodules ", "dotgit");
	path_is(".gitmodules::$DATA", "dotgit");
	path_is("gitmod~1", "dotgit");
	path_is("GITMOD~4", "dotgit");
	path_is("gi7eba~1", "dotgit");
	path_is("gi7e~123", "dotgit");
	path_is("sub/GI7D29~1", "dotgit");
	path_is(".gitattributes.", "dotgit");
	path_is(".git\xe2\x80\x8d"
		"attributes",
		"dotgit");
	path_is("gi250a~9", "dotgit");
	path_is(".GITIGNORE", "dotgit");
	path_is("gitmod~5", "");
	path_is("gi7eba~0", "");
	path_is("gi7ebaa~1", "");
}

Test(policy, names_that_some_system_misreads_are_refused)
{
	path_is("a\nb", "path-name");
	path_is("a\x01", "path-name");
	path_is("a\x7f", "path-name");
	path_is("a\xc2\x85", "path-name");
	path_is("a\\b", "path-name");
	path_is("x\\..\\y", "path-name");
	path_is("a\xff", "path-name");
	path_is("a\xc0\xaf", "path-name");
	path_is("a\xed\xa0\x80", "path-name");
	path_is("a\xe2\x80\xae"
		"cod.exe",
		"path-name");
	path_is("CON", "path-name");
	path_is("d/aux.c", "path-name");
	path_is("nul .txt", "path-name");
	path_is("com1", "path-name");
	path_is("LPT9.log", "path-name");
	path_is("com\xc2\xb2", "path-name");
	path_is("CONOUT$", "path-name");
	path_is("a.", "path-name");
	path_is("a /b", "path-name");
}

Test(policy, paths_beyond_any_file_system_are_refused)
{
	char deep[2 * 300 + 1], longer[300];

	memset(longer, 'a', sizeof(longer));
	longer[256] = 0;
	path_is(longer, "too-large");
	longer[255] = 0;
	path_is(longer, "");
	for (size_t i = 0; i < sizeof(deep) - 1; i++)
		deep[i] = i % 2 ? '/' : 'a';
	deep[sizeof(deep) - 2] = 0;
	path_is(deep, "too-large");
}

Test(policy, created_path_is_judged_and_an_existing_one_is_left_alone)
{
	struct rt_delta aux = file("aux.c", "x"), git = file(".GIT/x", "x");

	judged(aux, "path-name");
	aux.old_mode = 0100644;
	judged(aux, "");
	git.old_mode = 0100644;
	judged(git, "dotgit");
	git.new_mode = 0;
	judged(git, "");
}

Test(policy, collision_of_folded_paths_is_refused)
{
	struct rt_delta delta = file("README", "x");

	delta.created_in_existing_fold = true;
	judged(delta, "path-collision");
}

static void
link_is(const char *path, const char *target, const char *rule)
{
	const char *reason = NULL, *found = rt_link_problem(path, target, strlen(target), &reason);

	cr_assert_str_eq(found ? found : "", rule, "%s -> %s: %s", path, target, reason ? reason : "sound");
}

Test(policy, symlinks_stay_in_the_tree)
{
	link_is("a", "b", "");
	link_is("d/e/a", "../../b/c", "");
	link_is("d/a", "../", "");
	link_is("d/a", "./b", "");
	link_is("a", "/etc/passwd", "symlink-target");
	link_is("a", "..", "symlink-target");
	link_is("d/a", "../../x", "symlink-target");
	link_is("d/a", "..//../x", "symlink-target");
	link_is("a", "C:/x", "symlink-target");
	link_is("a", "x\\y", "symlink-target");
	link_is("a", "x\ny", "symlink-target");
	link_is("a", "", "symlink-target");
}

/* d/up -> .. is sound alone, and d/up/../x would climb out through it. */
Test(policy, symlink_through_another_cannot_climb_out)
{
	link_is("d/up", "..", "");
	link_is("x", "d/up/../../etc", "symlink-target");
	link_is("x", "d/../y", "symlink-target");
}

Test(policy, symlinks_never_reach_git_files)
{
	link_is("a", ".git/hooks", "dotgit");
	link_is("a", "sub/.GIT", "dotgit");
	link_is(".gitmodules", "x", "dotgit");
	link_is("d/.gitattributes", "x", "dotgit");
	cr_assert_str_eq(rt_link_problem("a", "b\0c", 3, NULL), "symlink-target");
}

Test(policy, symlink_is_judged_as_part_of_a_change)
{
	struct rt_delta delta = file("a", "/etc");

	delta.new_mode = 0120000;
	judged(delta, "symlink-target");
	delta.content = NULL;
	judged(delta, "symlink-target");
}

Test(policy, only_plain_modes_are_permitted)
{
	static const uint32_t odd[] = {0104755, 040000, 0100777, 0100664, 0100600, 0};
	struct rt_delta delta = file("a", "x");

	judged(delta, "");
	delta.new_mode = 0100755;
	judged(delta, "");
	for (size_t i = 0; odd[i]; i++) {
		delta.new_mode = odd[i];
		judged(delta, "mode");
	}
}

Test(policy, gitlink_needs_a_policy_that_names_its_mode)
{
	struct rt_delta delta = {.path = "sub", .new_mode = 0160000};

	judged(delta, "submodule");
	rules("modes: [\"100644\", \"160000\"]\n");
	judged(delta, "");
	rules("modes: [\"100644\"]\n");
	judged(delta, "submodule");
}

Test(policy, modes_narrow_what_is_permitted)
{
	struct rt_delta delta = file("a", "x");

	rules("modes: [\"100644\"]\n");
	judged(delta, "");
	delta.new_mode = 0100755;
	judged(delta, "mode");
}

Test(policy, change_of_type_needs_a_policy)
{
	struct rt_delta delta = file("a", "b");

	delta.old_mode = 0100644;
	delta.new_mode = 0120000;
	judged(delta, "mode");
	rules("type_changes: allow\n");
	judged(delta, "");
	rules("type_changes: forbid\n");
	judged(delta, "mode");
	delta.new_mode = 0100755;
	judged(delta, "");
}

Test(policy, forbidden_paths_may_not_even_be_deleted)
{
	struct rt_delta delta = file("vendor/x.c", "x");

	rules("forbidden: [vendor, '**/*.pem']\n");
	judged(delta, "forbidden");
	judged(file("a/b.pem", "x"), "forbidden");
	judged(file("src/x.c", "x"), "");
	delta.old_mode = 0100644;
	delta.new_mode = 0;
	judged(delta, "forbidden");
}

Test(policy, allowed_lists_of_several_files_must_all_match)
{
	rules("allowed: [src, docs]\n");
	judged(file("src/a", "x"), "");
	judged(file("lib/a", "x"), "allowed");
	rules("allowed: ['**/*.c']\n");
	judged(file("src/a.c", "x"), "");
	judged(file("src/a.h", "x"), "allowed");
	judged(file("lib/a.c", "x"), "allowed");
}

Test(policy, signed_paths_need_a_signature)
{
	struct rt_delta delta = file("ci/run", "x");

	rules("signed: [ci]\n");
	judged(delta, "signed");
	delta.signed_commit = true;
	judged(delta, "");
}

Test(policy, sizes_are_limited_by_the_strictest_file)
{
	struct rt_delta delta = file("a", "x");

	rules("max_file: 2KiB\n");
	rules("max_file: 1kB\n");
	rules("max_file: 1MiB\n");
	delta.new_size = 1000;
	judged(delta, "");
	delta.new_size = 1001;
	judged(delta, "too-large");
}

Test(policy, binary_content_is_forbidden_or_limited)
{
	struct rt_delta delta = {.path = "a", .new_mode = 0100644, .new_size = 4, .content = "a\0b", .content_len = 4};

	judged(delta, "");
	rules("binary: 4\n");
	judged(delta, "");
	rules("binary: 3\n");
	judged(delta, "binary");
	judged(file("b", "long enough text"), "");
	rules("binary: allow\n");
	judged(delta, "binary");
	rules("binary: forbid\n");
	judged(delta, "binary");
	judged(file("empty", ""), "");
}

Test(policy, content_that_was_not_loaded_counts_as_binary)
{
	struct rt_delta delta = {.path = "a", .new_mode = 0100644, .new_size = 1 << 25};

	rules("binary: 1MiB\n");
	judged(delta, "binary");
}

Test(policy, unsafe_gitmodules_are_refused_with_their_line)
{
	static const char head[] = "[submodule \"a\"]\n\tpath = lib/a\n";
	static const char *const bad[] = {"\turl = -u./payload\n",
					  "\turl = ext::sh -c id\n",
					  "\tURL = file:///etc\n",
					  "\turl = /srv/x\n",
					  "\turl = https://h/%0a\n",
					  "\tupdate = !id\n",
					  "\tpath = ../x\n",
					  "\tpath = -x\n",
					  "\turl = \"-u\"\n",
					  "\turl = \\\n-u\n",
					  "\tpath = a/.git/x\n",
					  "[submodule \"../x\"]\n",
					  "[submodule \"\"] path = x\n",
					  "[submodule.a/../b]\n",
					  "\turl = \"unclosed\n",
					  "[submodule \"x\n",
					  "= x\n"};

	judged(file(".gitmodules", head), "");
	for (size_t i = 0; i < RT_COUNT(bad); i++) {
		rt_auto(free) char *text = rt_format("%s%s", head, bad[i]);
		struct rt_delta delta = file(".gitmodules", text);
		rt_policy_judge(policy, &delta, &refusals);
		cr_assert_eq(refusals.n, 1, "%zu for %s", refusals.n, bad[i]);
		cr_assert_str_eq(refusals.at[0].rule, "submodule");
		cr_assert_geq(refusals.at[0].line, 3, "line %u for %s", refusals.at[0].line, bad[i]);
		rt_refusals_release(&refusals);
	}
}

Test(policy, ordinary_gitmodules_are_sound)
{
	judged(file(".gitmodules",
		    "# a comment\n[submodule \"lib/a\"] path = lib/a ; note\n\turl = https://example.org/a.git\n"
		    "\tupdate = rebase\n\tshallow\n[submodule \"b\"]\n\turl = git@example.org:b.git\n\tpath = \"b c\"\n"
		    "[submodule \"c\"]\n\turl = ../c.git\n\tpath = c\n[other]\n\turl = -x\n"),
	       "");
}

Test(policy, attributes_that_run_or_convert_are_refused_with_their_line)
{
	judged(file(".gitattributes", "* text=auto eol=lf\n*.bin filter=lfs -text\n"), "attributes@.gitattributes:2");
	judged(file("a/.gitattributes", "\"a b\" merge=ours\n"), "attributes@a/.gitattributes:1");
	judged(file(".gitattributes", "[attr]x diff=mine\n*.c working-tree-encoding=UTF-16\n"),
	       "attributes@.gitattributes:1,attributes@.gitattributes:2");
	judged(file(".gitattributes", "*.x filter=a diff=b"),
	       "attributes@.gitattributes:1,attributes@.gitattributes:1");
}

Test(policy, harmless_attributes_are_sound)
{
	judged(file(".gitattributes", "# filter=x\n*.md diff=markdown\n*.bin -diff -merge binary\n*.tsv merge=ratchet\n"
				      "CHANGES merge=union\nfilter=x text\n*.c !filter filter\n"),
	       "");
}

Test(policy, attributes_may_be_allowed_unless_some_file_forbids)
{
	rules("attributes: allow\n");
	judged(file(".gitattributes", "* filter=lfs\n"), "");
	rules("attributes: forbid\n");
	judged(file(".gitattributes", "* filter=lfs\n"), "attributes@.gitattributes:1");
}

Test(policy, whole_is_limited_in_paths_and_bytes)
{
	rules("max_files: 2\nmax_patch: 10B\n");
	rt_policy_judge_whole(policy, 2, 10, NULL, 0, &refusals);
	refused_are("");
	rt_policy_judge_whole(policy, 3, 11, NULL, 0, &refusals);
	refused_are("too-large,too-large");
}

Test(policy, each_message_needs_the_trailers)
{
	static const char *const messages[] = {"subject\n\nbody\n\nsigned-off-by:  A <a@x>\n",
					       "subject\n\nSigned-off-by: A\n\nmore text\n", "Signed-off-by: A\n",
					       "subject\n\nSigned-off-by:\n", "s\n\nSigned-off-by: A\n\n\n"};

	rules("trailers: [Signed-off-by]\n");
	rt_policy_judge_whole(policy, 1, 1, messages, RT_COUNT(messages), &refusals);
	cr_assert_eq(refusals.n, 3);
	cr_assert_not_null(strstr(refusals.at[0].reason, "commit 2 of 5"));
	cr_assert_not_null(strstr(refusals.at[1].reason, "commit 3 of 5"));
	cr_assert_not_null(strstr(refusals.at[2].reason, "commit 4 of 5"));
}

Test(policy, strictest_isolation_holds)
{
	cr_assert_null(rt_policy_min_isolation(policy));
	rules("min_isolation: namespaces\n");
	rules("min_isolation: landlock\n");
	cr_assert_str_eq(rt_policy_min_isolation(policy), "namespaces");
}

Test(policy, values_file_is_outside_and_one)
{
	rules("secrets: {values_file: /etc/ratchet/secrets}\n");
	cr_assert_str_eq(rt_policy_values_file(policy), "/etc/ratchet/secrets");
	bad_rules("secrets: {values_file: /else}\n", 1, 24, "another policy file");
	bad_rules("secrets: {values_file: secrets.txt}\n", 1, 24, "absolute");
}

Test(policy, mistakes_have_a_place_and_a_mend)
{
	bad_rules("forbiden: [a]\n", 1, 1, "did you mean `forbidden`?");
	bad_rules("max_file: big\n", 1, 11, "`64KiB`");
	bad_rules("max_file: 99999999999999999999\n", 1, 11, "no size");
	bad_rules("max_file: 18446744073709551615KiB\n", 1, 11, "no size");
	bad_rules("max_files: 1k\n", 1, 12, "whole number");
	bad_rules("modes: [\"0644\"]\n", 1, 9, "100644, 100755, 120000 or 160000");
	bad_rules("min_isolation: none\n", 1, 16, "landlock or namespaces");
	bad_rules("attributes: maybe\n", 1, 13, "forbid or allow");
	bad_rules("trailers: ['Signed off:']\n", 1, 12, "without the colon");
	bad_rules("secrets: {patterns: {a: '('}}\n", 1, 25, "pattern `a`");
	bad_rules("secrets: {patterns: {a: 'x*'}}\n", 1, 25, "matches empty text");
	bad_rules("secrets: {patterns: {'a b': x}}\n", 1, 22, "A-Z a-z 0-9 _ . -");
	bad_rules("secrets: {allow: x}\n", 1, 11, "unknown key `allow` in secrets");
	bad_rules("forbidden: vendor\n", 1, 12, "write [ ] around it");
	bad_rules("- a\n", 1, 1, "a policy is a mapping");
}

Test(policy, paths_in_refusals_are_escaped)
{
	struct rt_delta delta = file("a\nb", "x");

	rt_policy_judge(policy, &delta, &refusals);
	cr_assert_str_eq(refusals.at[0].path, "a\\nb");
	cr_assert_not(rt_refusal_is_secret(&refusals.at[0]));
}

Test(policy, every_key_that_can_refuse_is_listed_and_owns_its_refusals)
{
	rt_auto(strs) struct rt_strs keys = {0};
	const char *message = "one";
	struct rt_delta delta = {.path = "vendor",
				 .old_mode = 0120000,
				 .new_mode = 0100755,
				 .new_size = 5,
				 .content = "a\0bcd",
				 .content_len = 5};

	rules("forbidden: [vendor]\nallowed: [src]\nsigned: [vendor]\nmax_file: 4\nmax_patch: 4\nmax_files: 0\n"
	      "binary: forbid\nmodes: ['100644']\ntrailers: [Reviewed-by]\nmin_isolation: landlock\n"
	      "attributes: forbid\ntype_changes: forbid\n"
	      "secrets:\n  values_file: /etc/values\n  patterns: {acme: 'ACME-[0-9]+'}\n");
	rt_policy_rules(policy, &keys);
	cr_assert_eq(keys.n, 14);
	rt_policy_judge(policy, &delta, &refusals);
	rt_policy_judge_whole(policy, 1, 5, &message, 1, &refusals);
	rt_policy_scan(policy, "text", "ACME-7", 6, &refusals);
	refused_are(
	    "forbidden,allowed,signed,mode,mode,too-large,binary,too-large,too-large,trailers,secret:acme@text:1");
	for (size_t i = 0; i < refusals.n; i++) {
		size_t owners = 0;
		for (size_t k = 0; k < keys.n; k++)
			owners += rt_policy_rule_refused(keys.at[k], refusals.at[i].rule, refusals.at[i].reason);
		cr_assert_eq(owners, 1, "%s: %s has %zu owners", refusals.at[i].rule, refusals.at[i].reason, owners);
	}
}

Test(policy, a_key_that_only_permits_is_no_rule)
{
	rt_auto(strs) struct rt_strs keys = {0};

	rules("binary: allow\nattributes: allow\ntype_changes: allow\n");
	rt_policy_rules(policy, &keys);
	cr_assert_eq(keys.n, 0);
}

Test(policy, a_pattern_that_could_not_be_read_is_not_looked_for)
{
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;

	bad_rules("secrets: {patterns: {good: 'AC[0-9]', bad: '('}}\n", 1, 44, "pattern `bad`");
	rt_buf_adds(&text, "AC7 is shown");
	cr_assert_eq(rt_policy_redact(policy, &text), 1);
	cr_assert_str_eq(text.data, "[redacted: secret:good] is shown");
}
