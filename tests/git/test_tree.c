#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "box.h"

static struct rt_err err = RT_ERR_INIT;
static const struct rt_oid nothing = {""};

TestSuite(tree, .init = box_setup, .fini = box_teardown);

static struct rt_oid
blob(const char *text)
{
	struct rt_oid id;

	must(rt_blob_write(box_repo, text, strlen(text), &id, &err) == 0);
	return id;
}

/* Puts everything of the work tree into a tree. */
static struct rt_oid
tree_of_files(void)
{
	return sh_oid("git add -A . && git write-tree");
}

static int
print_change(void *data, const struct rt_change_of *change, struct rt_err *e)
{
	(void)e;
	rt_buf_addf(data, "%s %o>%o;", change->path, change->old.mode, change->new.mode);
	return strcmp(change->path, "stop") == 0 ? 5 : 0;
}

static char *
differences(const struct rt_oid *old, const struct rt_oid *new, bool whole)
{
	struct rt_buf out = RT_BUF_INIT;

	must(rt_tree_diff(box_repo, old, new, whole, print_change, &out, &err) == 0);
	return rt_buf_steal(&out);
}

/* ---- reading ---- */

Test(tree, an_entry_is_found_by_its_path)
{
	struct rt_entry entry;
	struct rt_oid root, want;

	sh("mkdir -p a/b && echo x >a/b/c && ln -s t a/l && echo y >e && chmod +x e");
	root = tree_of_files();
	want = sh_oid("git rev-parse :a/b/c");
	must(rt_tree_entry(box_repo, &root, "a/b/c", &entry, &err) == 0);
	cr_expect_eq(entry.mode, 0100644);
	cr_expect_str_eq(entry.id.hex, want.hex);
	must(rt_tree_entry(box_repo, &root, "a/l", &entry, &err) == 0);
	cr_expect_eq(entry.mode, 0120000);
	must(rt_tree_entry(box_repo, &root, "e", &entry, &err) == 0);
	cr_expect_eq(entry.mode, 0100755);
	must(rt_tree_entry(box_repo, &root, "a", &entry, &err) == 0);
	cr_expect_eq(entry.mode, 040000);
	must(rt_tree_entry(box_repo, &root, "", &entry, &err) == 0);
	cr_expect_str_eq(entry.id.hex, root.hex);
	must(rt_tree_entry(box_repo, &root, "e/x", &entry, &err) == 0);
	cr_expect_eq(entry.mode, 0);
	must(rt_tree_entry(box_repo, &root, "no", &entry, &err) == 0);
	cr_expect_eq(entry.mode, 0);
	must(rt_tree_entry(box_repo, &nothing, "no", &entry, &err) == 0);
	cr_expect_eq(entry.mode, 0);
}

Test(tree, a_commit_stands_for_its_tree)
{
	struct rt_entry entry;
	struct rt_oid commit;

	sh("echo x >f && git add f && git commit -q -m one");
	commit = sh_oid("git rev-parse HEAD");
	must(rt_tree_entry(box_repo, &commit, "f", &entry, &err) == 0);
	cr_expect_eq(entry.mode, 0100644);
}

Test(tree, a_blob_is_read_by_its_path_up_to_a_limit)
{
	struct rt_buf out = RT_BUF_INIT;
	struct rt_oid root;

	sh("mkdir a && printf hello >a/f");
	root = tree_of_files();
	cr_expect_eq(rt_tree_blob(box_repo, &root, "a/f", 5, &out, &err), 1);
	cr_expect_str_eq(out.data, "hello");
	cr_expect_eq(rt_tree_blob(box_repo, &root, "a/f", 4, &out, &err), -1);
	cr_expect_eq(rt_tree_blob(box_repo, &root, "a", 9, &out, &err), 0);
	cr_expect_eq(rt_tree_blob(box_repo, &root, "b", 9, &out, &err), 0);
	rt_buf_release(&out);
}

static int
print_name(void *data, const char *name, const struct rt_entry *entry, struct rt_err *e)
{
	(void)e;
	rt_buf_addf(data, "%s:%o ", name, entry->mode);
	return 0;
}

Test(tree, names_are_listed_in_gits_order)
{
	struct rt_buf out = RT_BUF_INIT;
	struct rt_oid root;

	sh("mkdir -p d/a && touch d/a/x d/a.b d/a0 d/Z");
	root = tree_of_files();
	must(rt_tree_list(box_repo, &root, "d", print_name, &out, &err) == 0);
	cr_expect_str_eq(out.data, "Z:100644 a.b:100644 a:40000 a0:100644 ");
	rt_buf_cut(&out, 0);
	must(rt_tree_list(box_repo, &root, "none", print_name, &out, &err) == 0);
	must(rt_tree_list(box_repo, &root, "d/Z", print_name, &out, &err) == 0);
	cr_expect_str_eq(out.data, "");
	rt_buf_release(&out);
}

/* Raw bytes, since git mktree would sort them: "mode name" for each line. */
static struct rt_oid
raw_tree(const char *const *lines)
{
	struct rt_oid text = blob("x");
	FILE *file = fopen("raw", "w");

	cr_assert_not_null(file);
	for (; *lines != NULL; lines++) {
		(void)fprintf(file, "%s%c", *lines, 0);
		for (size_t i = 0; i < RT_OID_HEX; i += 2) {
			char pair[3] = {text.hex[i], text.hex[i + 1], 0};

			(void)fputc((int)strtol(pair, NULL, 16), file);
		}
	}
	cr_assert_eq(fclose(file), 0);
	return sh_oid("git hash-object -t tree -w --literally ../raw");
}

Test(tree, a_malformed_tree_is_refused)
{
	static const char *const bad[][4] = {
	    {"100644 b", "100644 a"},
	    {"100644 a", "100644 a-b", "40000 a"},
	    {"100644 a", "100644 a"},
	    {"100644 .GIT"},
	    {"100644 .."},
	    {"100644 a/b"},
	};
	static const char *const good[] = {"100644 a", "100644 a-b", "40000 a.b", NULL};
	struct rt_entry entry;
	struct rt_oid id;

	for (size_t i = 0; i < RT_COUNT(bad); i++) {
		id = raw_tree(bad[i]);
		cr_expect_eq(rt_tree_entry(box_repo, &id, "zz", &entry, &err), -1, "%s", bad[i][0]);
		cr_expect_eq(err.code, RT_EREFUSED, "%s", err.text);
	}
	id = raw_tree(good);
	must(rt_tree_entry(box_repo, &id, "a", &entry, &err) == 0);
}

/* ---- differences ---- */

Test(tree, differences_come_by_path_with_both_sides)
{
	struct rt_oid old, new;
	rt_auto(free) char *seen = NULL;

	sh("mkdir -p d/e same && echo 1 >d/e/x && echo 1 >d/y && echo 1 >z && echo s >same/s && echo 1 >gone");
	old = tree_of_files();
	sh("echo 2 >d/e/x && chmod +x z && rm gone && mkdir new && echo n >new/n && rm d/y && ln -s q d/y");
	new = tree_of_files();
	seen = differences(&old, &new, false);
	cr_expect_str_eq(seen, "d/e/x 100644>100644;d/y 100644>120000;gone 100644>0;new/n 0>100644;z 100644>100755;");
}

Test(tree, a_file_that_becomes_a_folder_is_two_changes_in_order_of_path)
{
	struct rt_oid old, new;
	rt_auto(free) char *there = NULL;
	rt_auto(free) char *back = NULL;

	sh("echo 1 >a && echo 1 >a.b");
	old = tree_of_files();
	sh("rm a && mkdir a && echo 1 >a/x && echo 2 >a.b");
	new = tree_of_files();
	there = differences(&old, &new, false);
	cr_expect_str_eq(there, "a 100644>0;a.b 100644>100644;a/x 0>100644;");
	back = differences(&new, &old, true);
	cr_expect_str_eq(back, "a 0>100644;a.b 100644>100644;a 40000>0;");
}

Test(tree, whole_trees_gives_one_call_for_an_added_or_removed_folder)
{
	struct rt_oid old, new;
	rt_auto(free) char *seen = NULL;

	sh("mkdir -p a/b keep && echo 1 >a/b/c && echo 1 >keep/k");
	old = tree_of_files();
	sh("rm -r a && mkdir -p n/m && echo 1 >n/m/o && echo 2 >keep/k");
	new = tree_of_files();
	seen = differences(&old, &new, true);
	cr_expect_str_eq(seen, "a 40000>0;keep/k 100644>100644;n 0>40000;");
}

Test(tree, the_empty_tree_differs_by_everything)
{
	struct rt_oid new;
	rt_auto(free) char *seen = NULL;
	rt_auto(free) char *none = NULL;

	sh("mkdir a && echo 1 >a/b && echo 1 >c");
	new = tree_of_files();
	seen = differences(&nothing, &new, false);
	cr_expect_str_eq(seen, "a/b 0>100644;c 0>100644;");
	none = differences(&new, &new, false);
	cr_expect_str_eq(none, "");
}

Test(tree, a_walk_of_differences_stops_when_told)
{
	struct rt_buf out = RT_BUF_INIT;
	struct rt_oid new;

	sh("touch a stop z");
	new = tree_of_files();
	cr_expect_eq(rt_tree_diff(box_repo, &nothing, &new, false, print_change, &out, &err), 5);
	cr_expect_str_eq(out.data, "a 0>100644;stop 0>100644;");
	rt_buf_release(&out);
}

Test(tree, subtrees_with_equal_ids_are_not_read)
{
	struct rt_oid old, new;
	rt_auto(free) char *seen = NULL;

	sh("mkdir same && echo s >same/s && echo 1 >f");
	old = tree_of_files();
	sh("echo 2 >f");
	new = tree_of_files();
	sh("rm -f .git/objects/$(git rev-parse %s:same | sed 's,..,&/,')", old.hex);
	seen = differences(&old, &new, false);
	cr_expect_str_eq(seen, "f 100644>100644;");
}

/* ---- updates ---- */

static struct rt_oid
updated(const struct rt_oid *tree, const struct rt_update *updates, size_t n)
{
	struct rt_oid out;

	must(rt_tree_update(box_repo, tree, updates, n, &out, &err) == 0);
	cr_expect_eq(
	    sh_status("git fsck --strict --no-dangling >/dev/null 2>&1 && git ls-tree -r %s >/dev/null", out.hex), 0);
	return out;
}

Test(tree, updating_equals_what_git_writes)
{
	struct rt_oid old, new, out;

	sh("mkdir -p a/b c && echo 1 >a/b/x && echo 1 >a/y && echo 1 >c/z && echo 1 >top");
	old = tree_of_files();
	struct rt_update updates[] = {
	    {"top", {0100755, blob("2\n")}},   {"a/b/x", {0, {""}}},
	    {"n/e/w", {0100644, blob("3\n")}}, {"a/y", {0120000, blob("t")}},
	    {"c/a.c", {0100644, blob("4\n")}},
	};
	out = updated(&old, updates, RT_COUNT(updates));
	sh("rm -r a/b a/y && ln -s t a/y && mkdir -p n/e && echo 3 >n/e/w && echo 4 >c/a.c && echo 2 >top && chmod +x "
	   "top");
	new = tree_of_files();
	cr_expect_str_eq(out.hex, new.hex);
}

Test(tree, a_file_gives_way_to_a_folder_and_a_folder_to_a_file)
{
	struct rt_oid old, new, out;

	sh("mkdir d && echo 1 >d/x && echo 1 >d/y && echo 1 >f && echo 1 >d.c");
	old = tree_of_files();
	struct rt_update spelled[] = {
	    {"d", {0100644, blob("2\n")}},     {"d/x", {0, {""}}}, {"d/y", {0, {""}}}, {"f", {0, {""}}},
	    {"f/g/h", {0100644, blob("2\n")}},
	};
	struct rt_update implied[] = {{"f/g/h", {0100644, blob("2\n")}}, {"d", {0100644, blob("2\n")}}};
	sh("rm -r d f && echo 2 >d && mkdir -p f/g && echo 2 >f/g/h");
	new = tree_of_files();
	out = updated(&old, spelled, RT_COUNT(spelled));
	cr_expect_str_eq(out.hex, new.hex);
	out = updated(&old, implied, RT_COUNT(implied));
	cr_expect_str_eq(out.hex, new.hex);
}

Test(tree, folders_that_become_empty_vanish)
{
	struct rt_oid old, out, empty;

	sh("mkdir -p a/b/c && echo 1 >a/b/c/x && echo 1 >f");
	old = tree_of_files();
	struct rt_update one[] = {{"a/b/c/x", {0, {""}}}};
	out = updated(&old, one, 1);
	cr_expect_eq(sh_status("test \"$(git ls-tree -r -t --name-only %s)\" = f", out.hex), 0);
	struct rt_update all[] = {{"a/b/c/x", {0, {""}}}, {"f", {0, {""}}}};
	out = updated(&old, all, 2);
	empty = sh_oid("git hash-object -t tree /dev/null");
	cr_expect_str_eq(out.hex, empty.hex);
}

Test(tree, removing_what_is_not_there_changes_nothing)
{
	struct rt_oid old, out;

	sh("echo 1 >f && mkdir d && echo 1 >d/x");
	old = tree_of_files();
	struct rt_update updates[] = {{"no", {0, {""}}}, {"f/below", {0, {""}}}, {"d/y/z", {0, {""}}}};
	out = updated(&old, updates, RT_COUNT(updates));
	cr_expect_str_eq(out.hex, old.hex);
	out = updated(&old, NULL, 0);
	cr_expect_str_eq(out.hex, old.hex);
}

Test(tree, a_whole_subtree_can_be_put_in_place)
{
	struct rt_oid old, sub, out;

	sh("echo 1 >f && mkdir d && echo 1 >d/x && echo 2 >d/y");
	old = tree_of_files();
	sub = sh_oid("git rev-parse %s:d", old.hex);
	struct rt_update updates[] = {{"e", {040000, sub}}, {"e/x", {0, {""}}}};
	out = updated(&old, updates, RT_COUNT(updates));
	cr_expect_eq(sh_status("test \"$(git ls-tree -r --name-only %s | tr '\\n' ' ')\" = 'd/x d/y e/y f '", out.hex),
		     0);
}

Test(tree, contradicting_or_impossible_updates_are_errors)
{
	struct rt_oid out;
	struct rt_entry file = {0100644, blob("x")};
	struct rt_update twice[] = {{"a", file}, {"a", file}};
	struct rt_update below[] = {{"a", file}, {"a/b", file}};
	const char *const names[] = {"", "/a", "a/", "a//b", "a/../b", ".git/x", "d/.GiT", "."};

	cr_expect_eq(rt_tree_update(box_repo, &nothing, twice, 2, &out, &err), -1);
	cr_expect_eq(rt_tree_update(box_repo, &nothing, below, 2, &out, &err), -1);
	for (size_t i = 0; i < RT_COUNT(names); i++) {
		struct rt_update one[] = {{names[i], file}};

		cr_expect_eq(rt_tree_update(box_repo, &nothing, one, 1, &out, &err), -1, "\"%s\"", names[i]);
	}
}

/* A small generator: the same sequence every time. */
static unsigned
next_random(unsigned *state)
{
	*state = *state * 1103515245u + 12345u;
	return (*state >> 16) & 0x7fff;
}

Test(tree, random_updates_and_differences_are_inverse)
{
	static const char *const names[] = {"a", "a/x", "a/x/p", "a-b", "a.c", "b", "b/y", "b/y/q", "b/z", "c"};
	unsigned state = 7;
	struct rt_oid present = nothing, text[3] = {blob("1"), blob("2"), blob("3")};

	for (int round = 0; round < 60; round++) {
		struct rt_update updates[6];
		struct rt_oid next;
		size_t n = 1 + next_random(&state) % 5;
		rt_auto(free) char *seen = NULL;
		rt_auto(free) char *want = NULL;

		for (size_t i = 0; i < n; i++) {
			updates[i].path = names[next_random(&state) % RT_COUNT(names)];
			updates[i].entry.mode = next_random(&state) % 3 == 0 ? 0 : 0100644;
			updates[i].entry.id = text[next_random(&state) % 3];
		}
		/* Contradictions are refused, and then nothing changes. */
		if (rt_tree_update(box_repo, &present, updates, n, &next, &err) < 0)
			continue;
		if (present.hex[0] != '\0') {
			seen = differences(&present, &next, false);
			want = sh_out(
			    "git diff-tree -r --raw %s %s | awk -F'[: \\t]' "
			    "'{printf \"%%s %%s>%%s;\", $7, ($2==\"000000\"?\"0\":$2), ($3==\"000000\"?\"0\":$3)}'",
			    present.hex, next.hex);
			cr_expect_str_eq(seen, want);
		}
		present = next;
	}
	cr_expect_eq(sh_status("git fsck --strict --no-dangling >/dev/null 2>&1"), 0);
}

static void
moves_are(const char *change, const char *want)
{
	rt_auto(strs) struct rt_strs from = {0}, to = {0};
	rt_auto(buf) struct rt_buf have = RT_BUF_INIT;
	struct rt_oid old, new;

	sh("seq 1 50 >a; seq 100 150 >b; mkdir -p d; seq 200 250 >d/c; git add -A; git commit -q -m old");
	sh("%s; git add -A; git commit -q -m new", change);
	old = sh_oid("git rev-parse 'HEAD^^{tree}'");
	new = sh_oid("git rev-parse 'HEAD^{tree}'");
	cr_assert_eq(rt_tree_moves(box_repo, &old, &new, &from, &to, &err), 0, "%s", err.text);
	for (size_t i = 0; i < from.n; i++)
		rt_buf_addf(&have, "%s>%s ", from.at[i], to.at[i]);
	cr_assert_str_eq(have.data, want);
}

Test(tree, a_move_is_found_by_similar_content)
{
	moves_are("git mv d/c e; git mv a d/a; echo more >>d/a; seq 300 350 >b", "a>d/a d/c>e ");
}

Test(tree, other_content_or_a_copy_is_no_move)
{
	moves_are("git rm -q a; seq 500 550 >f; cp b g", "");
}

Test(tree, many_files_are_moves_only_where_they_did_not_change)
{
	moves_are("for i in $(seq 250); do echo $i >n$i; done; git mv a f; git mv b g; echo more >>g", "a>f ");
}
