/*
 * Index files that git wrote, in every version and with every flag and extension, changed by rt_gitindex_write and by
 * `git update-index`: what git lists afterwards, and the tree it would commit, must be the same.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <git2.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "box.h"
#include "git/gitindex.h"
#include "support/file.h"

#define INDEX BOX_REPO "/.git/index"
#define OURS "ours"

static struct rt_err err = RT_ERR_INIT;
static struct rt_buf why = RT_BUF_INIT;
static struct rt_gitindex gi = RT_GITINDEX_INIT;
static uint32_t seed = 1;

static void
setup(void)
{
	box_setup();
	sh("git commit -q --allow-empty -m one && git config core.untrackedCache false && git config core.splitIndex "
	   "false");
}

static void
teardown(void)
{
	rt_gitindex_release(&gi);
	rt_buf_release(&why);
	box_teardown();
}
TestSuite(gitindex, .init = setup, .fini = teardown);

static uint32_t
below(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

static int
read_index(const char *path)
{
	rt_gitindex_release(&gi);
	rt_buf_cut(&why, 0);
	return rt_gitindex_read(&gi, path, &why, &err);
}

static int
write_ours(const struct rt_gitindex_change *changes, size_t n)
{
	rt_auto(fd) int fd = open(OURS, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	cr_assert_geq(fd, 0);
	return rt_gitindex_write(&gi, changes, n, fd, &err);
}

/* ---- random indexes and changes ---- */

static void
random_path(struct rt_buf *out)
{
	static const char *const parts[] = {"a", "b", "a.b", "a-b", "ab", "a0", "abc", "\303\251", "longer-name", "Z"};
	uint32_t depth = 1 + below(4);

	for (uint32_t i = 0; i < depth; i++)
		rt_buf_addf(out, "%s%s", i > 0 ? "/" : "", parts[below(RT_COUNT(parts))]);
}

static void
random_entry(struct rt_entry *entry)
{
	static const uint32_t modes[] = {0100644, 0100644, 0100755, 0120000, 0160000};

	entry->mode = modes[below(RT_COUNT(modes))];
	(void)snprintf(entry->id.hex, sizeof(entry->id.hex), "%08x%032x", 1 + below(1000), 7);
}

/* A line for `git update-index -z --index-info`. */
static void
add_line(struct rt_buf *out, const char *path, const struct rt_entry *entry)
{
	static const char nobody[] = "0000000000000000000000000000000000000000";

	rt_buf_addf(out, "%o %s\t%s", entry->mode, entry->mode != 0 ? entry->id.hex : nobody, path);
	rt_buf_add(out, "", 1);
}

static void
write_file(const char *path, const struct rt_buf *bytes)
{
	must(rt_file_write_durable(AT_FDCWD, path, bytes->data, bytes->len, 0644, &err) == 0);
}

static void
make_index(uint32_t entries)
{
	rt_auto(buf) struct rt_buf lines = RT_BUF_INIT;
	rt_auto(buf) struct rt_buf path = RT_BUF_INIT;

	for (uint32_t i = 0; i < entries; i++) {
		struct rt_entry entry;

		rt_buf_cut(&path, 0);
		random_path(&path);
		random_entry(&entry);
		add_line(&lines, path.data, &entry);
	}
	write_file("lines", &lines);
	sh("rm -f .git/index; git update-index --replace -z --index-info <../lines");
	/* TREE, of all or of what came before a few more entries */
	if (below(3) > 0)
		sh("git write-tree --missing-ok >/dev/null");
	if (below(3) == 0)
		sh("printf '100644 %%040d\\tb/new/er\\n' 7 | git update-index --replace --index-info");
}

/* Flags of every kind on some entries; intents to add, which need a file. */
static void
add_flags(void)
{
	sh("git ls-files -z | awk 'BEGIN { RS = \"\\0\"; ORS = \"\\0\" } NR %% 5 == %u' >../some; git update-index -z "
	   "--assume-unchanged --stdin <../some",
	   below(5));
	if (below(2) == 0)
		sh("git ls-files -sz | awk 'BEGIN { RS = \"\\0\"; ORS = \"\\0\" } !/^16/ && NR %% 7 == %u { "
		   "sub(/^[^\\t]*\\t/, "
		   "\"\"); print }' >../some; git update-index -z --skip-worktree --stdin <../some",
		   below(7));
	if (below(2) == 0)
		sh("echo i >intent && git add -N intent && rm intent");
}

/* Some that are there, some near them, some new; sorted, each once. */
static size_t
random_changes(struct rt_gitindex_change *changes, struct rt_strs *paths, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		rt_auto(buf) struct rt_buf path = RT_BUF_INIT;

		if (gi.n > 0 && below(2) == 0)
			rt_buf_adds(&path, rt_gitindex_name(&gi, below((uint32_t)gi.n)));
		else
			random_path(&path);
		rt_strs_add(paths, path.data);
	}
	rt_strs_sort(paths);
	rt_strs_unique(paths);
	for (size_t i = 0; i < paths->n; i++) {
		changes[i] = (struct rt_gitindex_change){.path = paths->at[i]};
		if (below(3) > 0)
			random_entry(&changes[i].new);
	}
	return paths->n;
}

/* A tree holds a path either as a file or as a folder, so no change is below another that comes. */
static size_t
drop_contradictions(struct rt_gitindex_change *changes, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		bool is_below = false;

		for (size_t k = 0; k < kept; k++)
			is_below |= changes[k].new.mode != 0 && changes[i].new.mode != 0 &&
				    rt_starts_with(changes[i].path, changes[k].path) &&
				    changes[i].path[strlen(changes[k].path)] == '/';
		if (!is_below)
			changes[kept++] = changes[i];
	}
	return kept;
}

/* Removals first, as a move does: git would otherwise see a file and a folder of one name. */
static void
write_lines(const struct rt_gitindex_change *changes, size_t n)
{
	rt_auto(buf) struct rt_buf lines = RT_BUF_INIT;

	for (int adding = 0; adding < 2; adding++)
		for (size_t i = 0; i < n; i++)
			if ((changes[i].new.mode != 0) == adding)
				add_line(&lines, changes[i].path, &changes[i].new);
	write_file("lines", &lines);
}

static void
expect_libgit2_reads(const char *path)
{
	git_index *index = NULL;

	cr_expect_eq(git_index_open(&index, path), 0, "%s", git_error_last() ? git_error_last()->message : "");
	git_index_free(index);
}

static void
expect_as_git_writes(unsigned version, uint32_t round)
{
	struct rt_gitindex_change changes[12];
	rt_auto(strs) struct rt_strs paths = {0};
	size_t n;

	must(read_index(INDEX) == 1);
	n = random_changes(changes, &paths, below(RT_COUNT(changes)));
	n = drop_contradictions(changes, n);
	must(write_ours(changes, n) == 0);
	write_lines(changes, n);
	sh("cp .git/index ../theirs && GIT_INDEX_FILE=../theirs git update-index --replace -z --index-info <../lines");
	cr_expect_eq(
	    sh_status("for i in ours theirs; do GIT_INDEX_FILE=../$i git ls-files -s -v --debug >../$i.list && "
		      "GIT_INDEX_FILE=../$i git write-tree --missing-ok >>../$i.list || exit 1; done; "
		      "cmp ../ours.list ../theirs.list"),
	    0, "version %u, round %u", version, round);
	expect_libgit2_reads(OURS);
	must(read_index(OURS) == 1);
}

static void
compare_with_git(unsigned version)
{
	sh("git config index.version %u", version);
	for (uint32_t round = 0; round < 25; round++) {
		/* with offsets for threads in every other one */
		sh("git config index.threads %d", round % 2 == 0 ? 1 : 4);
		make_index(below(60));
		add_flags();
		expect_as_git_writes(version, round);
	}
}

Test(gitindex, changes_of_version_2_are_as_git_makes_them, .timeout = 120)
{
	seed = 2;
	compare_with_git(2);
}

Test(gitindex, changes_of_version_4_are_as_git_makes_them, .timeout = 120)
{
	seed = 4;
	compare_with_git(4);
}

/* ---- what is kept, and what is not ---- */

Test(gitindex, the_entries_are_those_that_git_lists)
{
	rt_auto(buf) struct rt_buf list = RT_BUF_INIT;
	rt_auto(free) char *gits = NULL;

	sh("mkdir -p d && echo 1 >d/x && echo 22 >run && chmod +x run && ln -s d l && git add -A");
	gits = sh_out("for f in d/x l run; do stat -c '%%i %%s %%Y %%u' $f; done; git ls-files -s");
	must(read_index(INDEX) == 1);
	for (size_t i = 0; i < gi.n; i++) {
		struct rt_gitindex_entry e = rt_gitindex_entry(&gi, i);

		rt_buf_addf(&list, "%u %u %u %u\n", e.ino, e.size, e.mtime, e.uid);
	}
	for (size_t i = 0; i < gi.n; i++) {
		struct rt_gitindex_entry e = rt_gitindex_entry(&gi, i);

		rt_buf_addf(&list, "%s%o %s 0\t%s", i > 0 ? "\n" : "", e.what.mode, e.what.id.hex, e.name);
	}
	cr_expect_str_eq(list.data, gits);
	cr_expect_eq(rt_gitindex_find(&gi, "l"), 1);
	cr_expect_eq(rt_gitindex_find(&gi, "d"), gi.n);
	cr_expect_eq(rt_gitindex_lower(&gi, "d/"), 0);
}

Test(gitindex, the_stat_data_of_a_clean_file_spare_git_a_look_at_it)
{
	struct rt_gitindex_change change = {.path = "f", .new = {.mode = 0100644}, .clean = true};

	sh("echo 1 >f && git add f && echo 2 >f && touch -d '1 hour ago' f");
	change.new.id = sh_oid("git hash-object -w f");
	must(lstat(BOX_REPO "/f", &change.st) == 0);
	must(read_index(INDEX) == 1);
	must(write_ours(&change, 1) == 0);
	sh("touch ../ours");
	cr_expect_eq(sh_status("GIT_INDEX_FILE=../ours git diff-files --quiet"), 0);
	change.clean = false;
	must(write_ours(&change, 1) == 0);
	cr_expect_neq(sh_status("GIT_INDEX_FILE=../ours git diff-files --quiet"), 0);
}

Test(gitindex, an_index_that_is_not_there_is_empty)
{
	struct rt_gitindex_change change = {.path = "d/f", .new = {.mode = 0100644}};

	change.new.id = sh_oid("echo 1 | git hash-object -w --stdin");
	must(read_index("nothing") == 1);
	cr_expect_eq(gi.n, 0);
	must(write_ours(&change, 1) == 0);
	cr_expect_eq(sh_status("test \"$(GIT_INDEX_FILE=../ours git ls-files)\" = d/f"), 0);
}

Test(gitindex, a_name_longer_than_its_field_is_kept)
{
	for (unsigned version = 2; version <= 4; version += 2) {
		struct rt_gitindex_change change = {.path = "y", .new = {.mode = 0100644}};

		change.new.id = sh_oid("echo 1 | git hash-object -w --stdin");
		sh("rm -f .git/index; git config index.version %u; n=$(printf '%%05000d' 1); printf "
		   "'100644 %s\\tx%%s\\n100644 %s\\tz\\n' $n | git update-index --index-info",
		   version, change.new.id.hex, change.new.id.hex);
		must(read_index(INDEX) == 1);
		must(write_ours(&change, 1) == 0);
		cr_expect_eq(
		    sh_status("git update-index --add --cacheinfo 100644,%s,y && GIT_INDEX_FILE=../ours git ls-files "
			      "-s >../list && git ls-files -s | cmp - ../list",
			      change.new.id.hex),
		    0);
	}
}

Test(gitindex, what_git_remembers_of_resolved_conflicts_is_kept)
{
	struct rt_gitindex_change change = {.path = "g", .new = {.mode = 0100644}};

	sh("echo 1 >f && git add f && git commit -q -m f && git checkout -q -b side && echo 2 >f && git commit -q -a "
	   "-m "
	   "side && git checkout -q main && echo 3 >f && git commit -q -a -m main");
	cr_expect_neq(sh_status("git merge -q side >/dev/null"), 0);
	sh("echo 4 >f && git add f");
	change.new.id = sh_oid("git rev-parse :f");
	must(read_index(INDEX) == 1);
	must(write_ours(&change, 1) == 0);
	cr_expect_eq(sh_status("GIT_INDEX_FILE=../ours git ls-files --resolve-undo >../list && test -s ../list && git "
			       "ls-files --resolve-undo | cmp - ../list"),
		     0);
}

Test(gitindex, the_untracked_cache_is_left_for_git_to_make_again)
{
	struct rt_gitindex_change change = {.path = "u/x", .new = {.mode = 0100644}};

	sh("git config --unset core.untrackedCache; mkdir u && echo 1 >u/x && echo 1 >f && git add f && git "
	   "update-index --force-untracked-cache && git status "
	   ">/dev/null && grep -q UNTR .git/index");
	change.new.id = sh_oid("git hash-object -w u/x");
	must(read_index(INDEX) == 1);
	must(write_ours(&change, 1) == 0);
	cr_expect_neq(sh_status("grep -q UNTR ../ours"), 0);
}

/* ---- what can't be read ---- */

static void
expect_unreadable(const char *part)
{
	cr_expect_eq(read_index(INDEX), -1);
	cr_expect_not_null(strstr(err.text, part), "%s", err.text);
}

Test(gitindex, a_wrong_checksum_and_a_cut_file_are_errors)
{
	sh("echo 1 >f && git add f && cp .git/index ../good && printf x | dd of=.git/index bs=1 seek=80 conv=notrunc "
	   "status=none");
	expect_unreadable("its checksum is wrong");
	sh("head -c 20 ../good >.git/index");
	expect_unreadable("it is no index");
	sh("echo hello there, this is no index at all >.git/index");
	expect_unreadable("it is no index");
}

/* An index whose checksum git did not make (index.skipHash), so that what is damaged on purpose gets past it. */
static void
without_sum(struct rt_buf *bytes)
{
	must(rt_file_read(AT_FDCWD, INDEX, 1 << 20, bytes, &err) == 0);
	memset(bytes->data + bytes->len - 20, 0, 20);
}

Test(gitindex, an_index_without_checksum_is_read_and_written_with_one)
{
	rt_auto(buf) struct rt_buf bytes = RT_BUF_INIT;

	sh("echo 1 >f && git add f");
	without_sum(&bytes);
	write_file(INDEX, &bytes);
	must(read_index(INDEX) == 1);
	must(write_ours(NULL, 0) == 0);
	expect_libgit2_reads(OURS);
}

Test(gitindex, entries_out_of_order_are_an_error)
{
	rt_auto(buf) struct rt_buf bytes = RT_BUF_INIT;

	sh("echo 1 >f; echo 1 >g; git add f g");
	without_sum(&bytes);
	/* entries of 72 bytes whose names begin at 62 */
	bytes.data[12 + 62] = 'h';
	write_file(INDEX, &bytes);
	expect_unreadable("out of order");
}

Test(gitindex, an_extension_that_must_be_understood_and_is_not_is_an_error)
{
	rt_auto(buf) struct rt_buf bytes = RT_BUF_INIT;
	char *tree;

	sh("echo 1 >f && git add f && git commit -q -m f");
	without_sum(&bytes);
	tree = memmem(bytes.data, bytes.len, "TREE", 4);
	cr_assert_not_null(tree);
	memcpy(tree, "abcd", 4);
	write_file(INDEX, &bytes);
	expect_unreadable("must be understood");
}

/* Nothing but an answer may come of it; what is read can be written. */
Test(gitindex, no_damaged_byte_leads_astray, .timeout = 120)
{
	for (unsigned version = 2; version <= 4; version += 2) {
		rt_auto(buf) struct rt_buf bytes = RT_BUF_INIT;
		struct rt_gitindex_change change = {.path = "b/x", .new = {.mode = 0100644}};

		sh("git config index.version %u", version);
		make_index(12);
		change.new.id = sh_oid("echo 1 | git hash-object -w --stdin");
		without_sum(&bytes);
		for (size_t i = 0; i < bytes.len - 20; i++) {
			static const unsigned char bits[] = {0x01, 0x80, 0xff};
			rt_auto(fd) int fd = open("damaged", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
			unsigned char bit = bits[i % RT_COUNT(bits)];
			int rc;

			bytes.data[i] = (char)(bytes.data[i] ^ bit);
			must(rt_write_all(fd, bytes.data, bytes.len) == 0);
			rc = read_index("damaged");
			cr_expect(rc >= -1 && rc <= 1);
			if (rc == 1 && !gi.unmerged)
				must(write_ours(&change, 1) == 0);
			bytes.data[i] = (char)(bytes.data[i] ^ bit);
		}
	}
}
