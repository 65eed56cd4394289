#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "box.h"
#include "git/apply.h"
#include "support/file.h"

/*
 * Sound patches of every kind, damaged in every way that a hostile or clumsy author could think of, from a fixed seed:
 * each must give the tree that `git apply --cached --3way` (mails: `git am -3`) gives, or be refused where git refuses.
 * RATCHET_TEST_ROUNDS says how many mutants each test tries.
 */

enum { ROUNDS = 30, PATCHES_MAX = 64, SHOWN = 3000 };

static struct rt_err err = RT_ERR_INIT;
static struct rt_quarantine *quarantine;
static struct rt_strs patches; /* the sound ones */
static struct rt_oid base;
static uint64_t seed;

/* ---- the repository and its patches ---- */

/* What stands in the base: text, a program, a link, a submodule, bytes, nothing, CRLF, no last line end, odd names. */
static const char base_files[] =
    "seq 1 40 >text && seq 50 90 >run && chmod +x run && ln -s text link && printf 'a\\0b\\0c' >bytes && : >empty && "
    "printf 'a\\r\\nb\\r\\nc\\r\\n' >crlf && printf 'a\\nb\\nc' >open && mkdir -p d/e && seq 1 9 >d/e/f && seq 3 8 "
    ">d/g "
    "&& seq 1 5 >'sp ace' && seq 2 6 >\"$(printf 'ta\\tb')\" && echo 'd/e/f merge=union' >.gitattributes && "
    "git update-index --add --cacheinfo 160000,1111111111111111111111111111111111111111,sub && "
    "git ls-files -s sub >../sub && git add . ; git update-index --index-info <../sub && git commit -q -m base";

static const struct {
	const char *commands, *options;
} changes[] = {
    {"sed -i '5s/.*/five/; 25s/.*/x/' text", ""},
    {"sed -i '5s/.*/five/; 25s/.*/x/' text", "-U0"},
    {"sed -i '20s/.*/y/' text run", "--full-index"},
    {"sed -i '1d;40d' text && sed -i 1s/.*/z/ run", "-U1 --full-index"},
    {"chmod +x text && chmod -x run", ""},
    {"chmod +x text && echo more >>text", "--full-index"},
    {"git mv text moved && git mv run d/run2 && echo x >>d/run2", "-M"},
    {"cp text copy && cp run d/copy && echo x >>d/copy && echo y >>text", "-C --find-copies-harder"},
    {"git rm -q text d/g && : >new && echo x >n1", ""},
    {"git rm -q empty && : >empty2 && chmod +x empty2", ""},
    {"ln -sfn run link && ln -s ../out out", ""},
    {"rm link && cp text link", ""},
    {"rm text && ln -s run text", "-B"},
    {"printf 'x\\0y' >bytes && head -c 3000 /dev/zero >zeros", "--binary"},
    {"printf 'x\\0y' >bytes", ""},
    {"git rm -q bytes", "--binary"},
    {"printf 'a\\r\\nB\\r\\nc\\r\\n' >crlf", ""},
    {"printf 'a\\nb\\nc\\n' >crlf", "--full-index"},
    {"printf 'a\\nb\\nC' >open && printf 'tail' >>text", ""},
    {"printf '\\n' >>open", ""},
    {"git rm -q -r d && echo file >d", ""},
    {"git rm -q empty && mkdir empty && echo 1 >empty/1", ""},
    {"for f in *' '* *'\t'*; do echo more >>\"$f\"; done && echo 1 >'q\"uote' && echo 2 >back\\\\slash", ""},
    {"printf 1 >\"$(printf 'n\\nl')\" && printf 2 >\"$(printf 'u\\303\\251')\"", ""},
    {"sed -i 3s/.*/three/ d/e/f && echo '* text' >.gitattributes", "--full-index"},
    {"git update-index --cacheinfo 160000,2222222222222222222222222222222222222222,sub", ""},
    {"git rm -q --cached sub && rmdir sub && echo now >sub && git add sub", ""},
    {"sed -i 12s/.*/q/ text run && chmod +x text", "-R"},
};

static char *
read_file(const char *name, size_t *len)
{
	rt_auto(free) char *path = rt_format("%s/%s", box_root, name);
	rt_auto(buf) struct rt_buf text = RT_BUF_INIT;

	must(rt_file_read(AT_FDCWD, path, 1u << 26, &text, &err) == 0);
	*len = text.len;
	return rt_buf_steal(&text);
}

static void
write_file(const char *name, const char *bytes, size_t len)
{
	rt_auto(free) char *path = rt_format("%s/%s", box_root, name);
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	cr_assert_eq(fwrite(bytes, 1, len, file), len);
	cr_assert_eq(fclose(file), 0);
}

static void
setup(void)
{
	size_t i, len;

	box_setup();
	seed = 88172645463325252u;
	sh("%s", base_files);
	for (i = 0; i < RT_COUNT(changes); i++) {
		rt_auto(free) char *text = NULL;

		sh("{ %s\n} && git add . ':!sub' ; git diff --cached %s HEAD >../p && git reset -q --hard",
		   changes[i].commands, changes[i].options);
		text = read_file("p", &len);
		cr_assert_gt(len, 0, "%s", changes[i].commands);
		rt_strs_addn(&patches, text, len);
	}
	/* the tip has moved on: offsets, context that fits no more, three-way merges */
	sh("{ seq 100 105; cat text; } >t && mv t text && sed -i 17s/.*/z/ text && sed -i 22s/.*/w/ run && git commit "
	   "-q -a "
	   "-m on");
	box_reopen();
	base = sh_oid("git rev-parse 'HEAD^{tree}'");
	must(rt_quarantine_new(&quarantine, box_repo, "q", &err) == 0);
}

static void
teardown(void)
{
	rt_quarantine_free(quarantine);
	rt_strs_release(&patches);
	box_teardown();
}

TestSuite(apply_mutants, .init = setup, .fini = teardown);

/* ---- chance, the same in every run ---- */

static size_t
pick(size_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return n ? (size_t)(seed % n) : 0;
}

static unsigned
rounds(void)
{
	const char *text = getenv("RATCHET_TEST_ROUNDS");

	return text ? (unsigned)strtoul(text, NULL, 10) : ROUNDS;
}

/* ---- a patch as its lines, each with its line end ---- */

struct lines {
	struct rt_strs at;
};

static void
cut(const char *patch, struct lines *out)
{
	const char *end;

	for (; *patch; patch = end) {
		end = strchrnul(patch, '\n');
		end += *end == '\n';
		rt_strs_addn(&out->at, patch, (size_t)(end - patch));
	}
}

static void
join(const struct lines *lines, struct rt_buf *out)
{
	size_t i;

	rt_buf_cut(out, 0);
	for (i = 0; i < lines->at.n; i++)
		rt_buf_adds(out, lines->at.at[i]);
}

static void
replace(struct lines *lines, size_t i, char *text)
{
	free(lines->at.at[i]);
	lines->at.at[i] = text;
}

static void
insert(struct lines *lines, size_t i, const char *text)
{
	char *last;

	rt_strs_add(&lines->at, text);
	last = lines->at.at[lines->at.n - 1];
	memmove(&lines->at.at[i + 1], &lines->at.at[i], (lines->at.n - 1 - i) * sizeof(char *));
	lines->at.at[i] = last;
}

static void
drop(struct lines *lines, size_t i)
{
	replace(lines, i, rt_strdup(""));
}

static bool
is_header(const char *line)
{
	return !strchr("+- @\\\n", line[0]) || rt_starts_with(line, "--- ") || rt_starts_with(line, "+++ ");
}

/* A line of that kind, or the number of lines. */
static size_t
pick_line(const struct lines *lines, bool header)
{
	size_t tries, i;

	for (tries = 0; tries < 200; tries++) {
		i = pick(lines->at.n);
		if (is_header(lines->at.at[i]) == header)
			return i;
	}
	return lines->at.n;
}

/* ---- damage ---- */

static void
change_digit(struct lines *lines, size_t i)
{
	char *line = lines->at.at[i];
	size_t k, digits = 0, n;

	for (k = 0; line[k]; k++)
		digits += line[k] >= '0' && line[k] <= '9';
	if (!digits)
		return;
	n = pick(digits);
	for (k = 0; line[k]; k++)
		if (line[k] >= '0' && line[k] <= '9' && !n--)
			line[k] = (char)('0' + pick(10));
}

static void
damage_hunk(struct lines *lines)
{
	static const char *const signs[] = {"+", "-", " ", "\\", ""};
	size_t i = pick_line(lines, false), k;

	if (i == lines->at.n)
		return;
	switch (pick(8)) {
	case 0:
		drop(lines, i);
		break;
	case 1:
		insert(lines, i, lines->at.at[i]);
		break;
	case 2:
		change_digit(lines, i);
		break;
	case 3:
		if (lines->at.at[i][0] != '@' && lines->at.at[i][0])
			replace(lines, i, rt_format("%s%s", signs[pick(RT_COUNT(signs))], lines->at.at[i] + 1));
		break;
	case 4:
		insert(lines, i, "\\ No newline at end of file\n");
		break;
	case 5:
		replace(lines, i, rt_format("%.*s \n", (int)strcspn(lines->at.at[i], "\n"), lines->at.at[i]));
		break;
	case 6:
		for (k = 0; k < lines->at.n; k++)
			if (rt_starts_with(lines->at.at[k], "@@ -") && pick(2))
				change_digit(lines, k);
		break;
	case 7:
		insert(lines, i, pick(2) ? "+added\n" : " 7\n");
		break;
	}
}

static const char *const names[] = {"text",   "run",	"link",	  "link/x",   "sub",	     "bytes", "empty",
				    "crlf",   "open",	"d",	  "d/g",      "d/e/f",	     "d/e",   "new",
				    "../x",   ".git/x", "sp ace", "ta\tb",    "d//g",	     "./d",   "TEXT",
				    "/etc/x", "x/y/z",	"text/x", "\"text\"", "\"d\\057g\"", "\"text"};
static const char *const extras[] = {"new file mode 100644\n",
				     "new file mode 120000\n",
				     "deleted file mode 100644\n",
				     "old mode 100644\n",
				     "new mode 100755\n",
				     "new mode 120000\n",
				     "old mode 100755\n",
				     "similarity index 100%\n",
				     "rename from text\n",
				     "rename to moved\n",
				     "copy from run\n",
				     "copy to copy2\n",
				     "dissimilarity index 90%\n",
				     "index 1234567..89abcde\n",
				     "index 0000000..89abcde\n",
				     "GIT binary patch\n",
				     "--- /dev/null\n",
				     "+++ /dev/null\n",
				     "diff --git a/text b/text\n",
				     "new mode 104755\n",
				     "new file mode 160000\n",
				     "rename from d/g\n",
				     "Binary files a/bytes and b/bytes differ\n"};

/* Another name in a header that has one. */
static void
rename_in(struct lines *lines, size_t i)
{
	static const char *const words[] = {"--- a/",	  "+++ b/",   "rename from ", "rename to ",
					    "copy from ", "copy to ", "--- ",	      "+++ "};
	const char *line = lines->at.at[i], *name = names[pick(RT_COUNT(names))];
	size_t w;

	if (rt_starts_with(line, "diff --git ")) {
		const char *other = pick(2) ? name : names[pick(RT_COUNT(names))];

		replace(lines, i, rt_format("diff --git a/%s b/%s\n", name, other));
		return;
	}
	for (w = 0; w < RT_COUNT(words); w++)
		if (rt_starts_with(line, words[w])) {
			replace(lines, i, rt_format("%s%s\n", words[w], name));
			return;
		}
}

/* The same new name wherever the patch has the old one. */
static void
rename_all(struct lines *lines)
{
	const char *from = names[pick(12)], *to = names[pick(RT_COUNT(names))];
	size_t i;

	for (i = 0; i < lines->at.n; i++) {
		rt_auto(buf) struct rt_buf line = RT_BUF_INIT;
		const char *at = lines->at.at[i], *hit;

		if (!is_header(at))
			continue;
		for (; (hit = strstr(at, from)); at = hit + strlen(from)) {
			rt_buf_add(&line, at, (size_t)(hit - at));
			rt_buf_adds(&line, to);
		}
		rt_buf_adds(&line, at);
		replace(lines, i, rt_buf_steal(&line));
	}
}

static void
damage_header(struct lines *lines)
{
	size_t i = pick_line(lines, true);

	if (i == lines->at.n)
		return;
	switch (pick(7)) {
	case 0:
		drop(lines, i);
		break;
	case 1:
		change_digit(lines, i);
		break;
	case 2:
		insert(lines, i + 1, extras[pick(RT_COUNT(extras))]);
		break;
	case 3:
	case 4:
		rename_in(lines, i);
		break;
	case 5:
		insert(lines, i, lines->at.at[i]);
		break;
	case 6:
		rename_all(lines);
		break;
	}
}

static void
damage_bytes(struct rt_buf *patch)
{
	static const char bytes[] = "\r\n\t \"\\/0a+-@\x80\xff\x1b";
	size_t at = pick(patch->len), i;

	if (!patch->len)
		return;
	switch (pick(5)) {
	case 0:
		rt_buf_cut(patch, at);
		break;
	case 1:
		rt_buf_cut(patch, patch->len - 1);
		break;
	case 2:
		patch->data[at] = bytes[pick(sizeof(bytes))]; /* NUL among them */
		break;
	case 3:
		for (i = 1 + pick(4); i > 0; i--)
			patch->data[pick(patch->len)] = bytes[pick(sizeof(bytes) - 1)];
		break;
	case 4: {
		rt_auto(buf) struct rt_buf changed = RT_BUF_INIT;

		for (i = 0; i < patch->len; i++) {
			if (patch->data[i] == '\n' && i > at)
				rt_buf_addc(&changed, '\r');
			rt_buf_addc(&changed, patch->data[i]);
		}
		rt_buf_cut(patch, 0);
		rt_buf_add(patch, changed.data, changed.len);
		break;
	}
	}
}

/* The parts of two patches, one for each file, in a new order, some twice. */
static void
shuffle(const char *one, const char *two, struct rt_buf *out)
{
	rt_auto(strs) struct rt_strs parts = {0};
	const char *const texts[] = {one, two};
	size_t i, n;

	for (i = 0; i < 2; i++) {
		const char *at = texts[i], *next;

		for (; *at; at = next) {
			next = strstr(at + 1, "\ndiff --git ");
			next = next ? next + 1 : at + strlen(at);
			rt_strs_addn(&parts, at, (size_t)(next - at));
		}
	}
	n = parts.n + pick(2);
	for (i = 0; i < n; i++)
		rt_buf_adds(out, parts.at[pick(parts.n)]);
}

/* ---- the comparison ---- */

static void
expect_as(int ours, const struct rt_oid *tree, const char *why, int theirs, const struct rt_buf *patch, unsigned round)
{
	rt_auto(free) char *want = NULL;
	size_t len;
	int shown = patch->len < SHOWN ? (int)patch->len : SHOWN;

	cr_assert_geq(ours, 0, "round %u: %s", round, err.text);
	cr_expect_eq(ours == 1, theirs == 0, "round %u: ours %d (%s), git's exit code %d, for\n%.*s", round, ours, why,
		     theirs, shown, patch->data);
	if (ours != 1 || theirs)
		return;
	want = read_file("tree", &len);
	cr_expect_eq(strncmp(want, tree->hex, RT_OID_HEX), 0, "round %u: tree %s, git's %s, for\n%.*s", round,
		     tree->hex, want, shown, patch->data);
}

static void
compare(const struct rt_buf *patch, unsigned round)
{
	struct rt_apply_limits limits = RT_APPLY_LIMITS;
	rt_auto(buf) struct rt_buf why = RT_BUF_INIT;
	struct rt_oid tree = {""};
	int ours = rt_apply(quarantine, &base, patch->data, patch->len, &limits, &tree, &why, &err), theirs;

	write_file("p", patch->data, patch->len);
	theirs = sh_status("export GIT_INDEX_FILE=../index; rm -f ../index.lock; git read-tree HEAD && "
			   "git apply --cached --3way ../p 2>/dev/null && git write-tree >../tree");
	expect_as(ours, &tree, why.data, theirs, patch, round);
}

static void
copy_patch(size_t i, struct rt_buf *out)
{
	rt_buf_cut(out, 0);
	rt_buf_adds(out, patches.at[i]);
}

Test(apply_mutants, sound_patches_give_the_tree_of_git)
{
	rt_auto(buf) struct rt_buf patch = RT_BUF_INIT;
	unsigned i;

	for (i = 0; i < patches.n; i++) {
		copy_patch(i, &patch);
		compare(&patch, i);
	}
}

static void
try_lines(void (*damage)(struct lines *))
{
	rt_auto(buf) struct rt_buf patch = RT_BUF_INIT;
	unsigned round;
	size_t times;

	for (round = 0; round < rounds(); round++) {
		struct lines lines = {{0}};

		cut(patches.at[pick(patches.n)], &lines);
		for (times = 1 + pick(3); times > 0; times--)
			damage(&lines);
		join(&lines, &patch);
		rt_strs_release(&lines.at);
		compare(&patch, round);
	}
}

Test(apply_mutants, damaged_hunks_are_taken_or_refused_as_by_git)
{
	try_lines(damage_hunk);
}

Test(apply_mutants, damaged_headers_are_taken_or_refused_as_by_git)
{
	try_lines(damage_header);
}

Test(apply_mutants, damaged_bytes_are_taken_or_refused_as_by_git)
{
	rt_auto(buf) struct rt_buf patch = RT_BUF_INIT;
	unsigned round;

	for (round = 0; round < rounds(); round++) {
		copy_patch(pick(patches.n), &patch);
		damage_bytes(&patch);
		compare(&patch, round);
	}
}

Test(apply_mutants, parts_of_patches_in_any_order_are_taken_or_refused_as_by_git)
{
	unsigned round;

	for (round = 0; round < rounds(); round++) {
		rt_auto(buf) struct rt_buf patch = RT_BUF_INIT;

		shuffle(patches.at[pick(patches.n)], patches.at[pick(patches.n)], &patch);
		compare(&patch, round);
	}
}

/* A merge of `git am` that says CONFLICT of an empty file and goes on all the same counts as a refusal. */
static void
compare_mail(const struct rt_buf *mail, unsigned round)
{
	struct rt_apply_limits limits = RT_APPLY_LIMITS;
	rt_auto(mails) struct rt_mails mails = {0};
	rt_auto(buf) struct rt_buf why = RT_BUF_INIT;
	struct rt_oid tree = {""};
	int ours = rt_mail_split(quarantine, mail->data, mail->len, &mails, &why, &err), theirs;

	if (ours == 1 && mails.n == 1)
		ours = rt_apply_mail(quarantine, &base, mails.at[0].patch, mails.at[0].patch_len, &limits, &tree, &why,
				     &err);
	write_file("m", mail->data, mail->len);
	theirs = sh_status("git am -3 ../m >../said 2>&1 && ! grep -q ^CONFLICT ../said && git rev-parse 'HEAD^{tree}' "
			   ">../tree; s=$?; "
			   "rm -f .git/index.lock; git am --abort >/dev/null 2>&1; git reset -q --hard base; "
			   "git clean -qfdx; exit $s");
	expect_as(ours, &tree, why.data, theirs, mail, round);
}

Test(apply_mutants, damaged_mails_are_taken_or_refused_as_by_git_am)
{
	static const char head[] = "From 1111111111111111111111111111111111111111 Mon Sep 17 00:00:00 2001\n"
				   "From: Jo Example <jo@example.org>\nDate: Tue, 14 Nov 2023 23:13:20 +0100\n"
				   "Subject: [PATCH] one\n\nWhy.\n---\n x | 1 +\n\n";
	rt_auto(buf) struct rt_buf mail = RT_BUF_INIT, text = RT_BUF_INIT;
	unsigned round;
	size_t times;

	sh("git branch base");
	for (round = 0; round < rounds(); round++) {
		struct lines lines = {{0}};

		cut(patches.at[pick(patches.n)], &lines);
		for (times = pick(3); times > 0; times--)
			(pick(2) ? damage_hunk : damage_header)(&lines);
		join(&lines, &text);
		rt_strs_release(&lines.at);
		rt_buf_cut(&mail, 0);
		rt_buf_addf(&mail, "%s%s-- \n2.39.5\n\n", head, text.data);
		compare_mail(&mail, round);
	}
}
