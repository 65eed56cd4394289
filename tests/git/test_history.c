#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "box.h"

static struct rt_err err = RT_ERR_INIT;

TestSuite(history, .init = box_setup, .fini = box_teardown);

static int
is_ancestor(const char *a, const char *b)
{
	struct rt_oid x = sh_oid("git rev-parse %s", a), y = sh_oid("git rev-parse %s", b);

	return rt_is_ancestor(box_repo, &x, &y, &err);
}

/* A line of commits c0..cN on main, each tagged, a minute apart. */
static void
line_of(int n)
{
	sh("for i in $(seq 0 %d); do GIT_COMMITTER_DATE=\"$((1700000000 + i * 60)) +0000\" "
	   "git commit -q --allow-empty -m c$i && git tag c$i || exit 1; done",
	   n - 1);
}

Test(history, a_commit_is_an_ancestor_of_what_follows_and_of_itself)
{
	line_of(4);
	cr_expect_eq(is_ancestor("c0", "c3"), 1);
	cr_expect_eq(is_ancestor("c2", "c2"), 1);
	cr_expect_eq(is_ancestor("c3", "c0"), 0);
}

Test(history, ancestry_goes_through_the_second_parent)
{
	line_of(3);
	sh("git checkout -q -b side c0 && git commit -q --allow-empty -m s && git tag s");
	sh("git checkout -q main && git merge -q --no-ff -m m side && git tag m");
	cr_expect_eq(is_ancestor("s", "m"), 1);
	cr_expect_eq(is_ancestor("s", "c2"), 0);
	cr_expect_eq(is_ancestor("c2", "s"), 0);
}

Test(history, ancestry_of_near_commits_does_not_read_the_rest)
{
	line_of(6);
	/* An unreadable root: a walk that goes there fails. */
	sh("rm -f .git/objects/$(git rev-parse c0 | sed 's,..,&/,')");
	cr_expect_eq(is_ancestor("c4", "c5"), 1, "%s", err.text);
	cr_expect_eq(is_ancestor("c5", "c4"), 0, "%s", err.text);
}

static struct rt_repo *
shallow_clone(int depth)
{
	struct rt_repo *repo = NULL;

	sh("git clone -q --depth=%d file://$PWD ../thin", depth);
	must(rt_repo_open(&repo, "thin", &err) == 0);
	return repo;
}

Test(history, in_a_shallow_clone_ancestry_is_told_where_it_is_known)
{
	struct rt_repo *thin;
	struct rt_oid c[5];

	line_of(5);
	for (int i = 0; i < 5; i++)
		c[i] = sh_oid("git rev-parse c%d", i);
	thin = shallow_clone(2);
	cr_expect_eq(rt_is_ancestor(thin, &c[3], &c[4], &err), 1);
	/* What lies below the boundary c3 lies below c4 as well, so c4 is not there. */
	cr_expect_eq(rt_is_ancestor(thin, &c[4], &c[3], &err), 0);
	cr_expect_eq(rt_is_ancestor(thin, &c[0], &c[4], &err), -1);
	cr_expect_eq(err.code, RT_EUNKNOWN);
	cr_expect_not_null(strstr(err.text, "--unshallow"), "%s", err.text);
	rt_repo_free(thin);
}

Test(history, in_a_depth_1_clone_lists_and_bases_end_at_the_boundary)
{
	struct rt_repo *thin;
	struct rt_oid c4, base, *list;
	size_t n;

	line_of(5);
	c4 = sh_oid("git rev-parse c4");
	thin = shallow_clone(1);
	must(rt_rev_list(thin, &c4, NULL, 0, &list, &n, &err) == 0);
	cr_expect_eq(n, 1);
	free(list);
	sh("git -C ../thin commit -q --allow-empty -m new");
	c4 = sh_oid("git -C ../thin rev-parse HEAD");
	struct rt_oid old = sh_oid("git -C ../thin rev-parse HEAD^");
	cr_expect_eq(rt_merge_base(thin, &c4, &old, &base, &err), 1);
	cr_expect_str_eq(base.hex, old.hex);
	rt_repo_free(thin);
}

Test(history, commits_without_common_history_have_no_base)
{
	struct rt_oid a, b, base;

	line_of(2);
	sh("git checkout -q --orphan lone && git commit -q --allow-empty -m lone");
	a = sh_oid("git rev-parse main");
	b = sh_oid("git rev-parse lone");
	cr_expect_eq(rt_merge_base(box_repo, &a, &b, &base, &err), 0);
	cr_expect_eq(rt_is_ancestor(box_repo, &a, &b, &err), 0);
}

Test(history, a_list_is_oldest_first_and_without_what_is_hidden)
{
	struct rt_oid tip, hidden, *list;
	size_t n;

	line_of(5);
	tip = sh_oid("git rev-parse c4");
	hidden = sh_oid("git rev-parse c1");
	must(rt_rev_list(box_repo, &tip, &hidden, 0, &list, &n, &err) == 0);
	cr_assert_eq(n, 3);
	for (size_t i = 0; i < 3; i++) {
		struct rt_oid want = sh_oid("git rev-parse c%zu", i + 2);

		cr_expect_str_eq(list[i].hex, want.hex);
	}
	free(list);
	must(rt_rev_list(box_repo, &hidden, &tip, 0, &list, &n, &err) == 0);
	cr_expect_eq(n, 0);
	cr_expect_null(list);
}

Test(history, a_list_over_the_limit_is_an_error)
{
	struct rt_oid tip, *list;
	size_t n;

	line_of(4);
	tip = sh_oid("git rev-parse c3");
	must(rt_rev_list(box_repo, &tip, NULL, 4, &list, &n, &err) == 0);
	free(list);
	cr_expect_eq(rt_rev_list(box_repo, &tip, NULL, 3, &list, &n, &err), -1);
}

/* ---- random histories, compared with git ---- */

#define COMMITS 24

static unsigned
next_random(unsigned *state)
{
	*state = *state * 1103515245u + 12345u;
	return (*state >> 16) & 0x7fff;
}

/* Commits r0..r23 with up to two parents each; skewed: dates in no order. */
static void
random_history(unsigned seed, bool skewed, struct rt_oid *out)
{
	unsigned state = seed;
	struct rt_oid tree = sh_oid("git hash-object -t tree -w /dev/null");

	for (int i = 0; i < COMMITS; i++) {
		char parents[128] = "";
		int date = 1700000000 + (skewed ? (int)(next_random(&state) % 900000) : i * 60);

		for (int p = 0; p < 2 && i > 0; p++) {
			int near = i - 1 - (int)(next_random(&state) % 5);

			if (near >= 0 && (p == 0 || next_random(&state) % 2 == 0))
				(void)snprintf(parents + strlen(parents), sizeof(parents) - strlen(parents), " -p %s",
					       out[near].hex);
		}
		out[i] = sh_oid("echo r%d | GIT_COMMITTER_DATE='%d +0000' git commit-tree %s %s 2>/dev/null", i, date,
				tree.hex, parents);
	}
}

static void
compare_pair(const struct rt_oid *a, const struct rt_oid *b)
{
	struct rt_oid base = {""};
	rt_auto(free) char *bases = sh_out("git merge-base --all %s %s || test $? = 1", a->hex, b->hex);
	int found = rt_merge_base(box_repo, a, b, &base, &err);

	cr_expect_eq(rt_is_ancestor(box_repo, a, b, &err),
		     sh_status("git merge-base --is-ancestor %s %s", a->hex, b->hex) == 0);
	cr_expect_eq(found, bases[0] != '\0');
	cr_expect(found == 0 || strstr(bases, base.hex) != NULL, "%s not in %s", base.hex, bases);
}

static void
compare_list(const struct rt_oid *tip, const struct rt_oid *hidden)
{
	struct rt_buf mine = RT_BUF_INIT;
	struct rt_oid *list;
	size_t n;
	/* The difference of two whole lists: `git rev-list A ^B` itself errs when clocks are skewed. */
	rt_auto(free) char *want = sh_out(
	    "git rev-list %s | sort >../a; git rev-list %s | sort >../b; comm -23 ../a ../b", tip->hex, hidden->hex);

	must(rt_rev_list(box_repo, tip, hidden, 0, &list, &n, &err) == 0);
	for (size_t i = 0; i < n; i++) {
		struct rt_commit commit = {0};

		/* Parents stand before. */
		must(rt_commit_read(box_repo, &list[i], &commit, &err) == 0);
		for (size_t p = 0; p < commit.n_parents; p++)
			for (size_t j = i; j < n; j++)
				cr_expect_str_neq(list[j].hex, commit.parents[p].hex);
		rt_commit_release(&commit);
	}
	struct rt_strs sorted = {0};
	for (size_t i = 0; i < n; i++)
		rt_strs_add(&sorted, list[i].hex);
	rt_strs_sort(&sorted);
	for (size_t i = 0; i < sorted.n; i++)
		rt_buf_addf(&mine, "%s%s", i > 0 ? "\n" : "", sorted.at[i]);
	cr_expect_str_eq(mine.data, want);
	rt_strs_release(&sorted);
	rt_buf_release(&mine);
	free(list);
}

static void
compare_history(unsigned seed, bool skewed)
{
	struct rt_oid r[COMMITS];
	unsigned state = seed * 31;

	random_history(seed, skewed, r);
	for (int round = 0; round < 16; round++) {
		const struct rt_oid *a = &r[next_random(&state) % COMMITS], *b = &r[next_random(&state) % COMMITS];

		compare_pair(a, b);
		compare_list(a, b);
	}
}

Test(history, answers_equal_gits_in_a_random_history)
{
	compare_history(1, false);
}

Test(history, answers_equal_gits_when_clocks_are_skewed)
{
	compare_history(2, true);
}

/* ---- merging trees ---- */

static struct rt_oid
tree_of(const char *branch)
{
	return sh_oid("git rev-parse '%s^{tree}'", branch);
}

static int
merge(struct rt_oid *out, struct rt_strs *conflicts)
{
	struct rt_oid base = tree_of("base"), ours = tree_of("ours"), theirs = tree_of("theirs");

	return rt_merge_trees(box_repo, &base, &ours, &theirs, out, conflicts, &err);
}

static void
branches(const char *base, const char *ours, const char *theirs)
{
	sh("git checkout -q -b base && %s\ngit add -A && git commit -q -m base --allow-empty", base);
	sh("git checkout -q -b ours base && %s\ngit add -A && git commit -q -m ours --allow-empty", ours);
	sh("git checkout -q -b theirs base && %s\ngit add -A && git commit -q -m theirs --allow-empty", theirs);
}

Test(history, trees_merge_as_gits_merge_does)
{
	struct rt_strs conflicts = {0};
	struct rt_oid out, want;

	branches("seq 1 40 >f; echo d >d", "sed -i s/^3$/three/ f; git rm -q d",
		 "sed -i s/^38$/x/ f; mkdir n; echo n >n/n");
	sh("git checkout -q --detach ours && git merge -q -m m theirs 2>/dev/null >&2");
	want = tree_of("HEAD");
	cr_expect_eq(merge(&out, &conflicts), 1, "%s", err.text);
	cr_expect_str_eq(out.hex, want.hex);
	rt_strs_release(&conflicts);
}

Test(history, a_change_follows_the_rename_of_the_other_side)
{
	struct rt_strs conflicts = {0};
	struct rt_oid out;

	branches("seq 1 40 >f", "git mv f g", "sed -i s/^38$/x/ f");
	cr_expect_eq(merge(&out, &conflicts), 1);
	cr_expect_eq(sh_status("test \"$(git ls-tree --name-only %s)\" = g && git cat-file -p %s:g | grep -q x",
			       out.hex, out.hex),
		     0);
	rt_strs_release(&conflicts);
}

Test(history, a_conflict_names_its_paths)
{
	struct rt_strs conflicts = {0};
	struct rt_oid out;

	branches("echo 1 >f; echo 1 >g", "echo 2 >f; echo 2 >g", "echo 3 >f; git rm -q g");
	cr_expect_eq(merge(&out, &conflicts), 0);
	cr_assert_eq(conflicts.n, 2);
	cr_expect_str_eq(conflicts.at[0], "f");
	cr_expect_str_eq(conflicts.at[1], "g");
	rt_strs_release(&conflicts);
}

static bool
wants_tsv(void *data, const char *path)
{
	(void)data;
	return rt_ends_with(path, ".tsv");
}

/* Ours and theirs one after the other; nothing to join where data says so. */
static int
concat(void *data, const char *path, const struct rt_buf *base, const struct rt_buf *ours, const struct rt_buf *theirs,
       struct rt_buf *out, struct rt_err *e)
{
	(void)path;
	(void)e;
	rt_buf_addf(out, "%s|%s|%s", base->data, ours->data, theirs->data);
	return *(int *)data;
}

Test(history, the_drivers_join_decides_for_what_both_sides_changed)
{
	struct rt_strs conflicts = {0};
	int answer = 1;
	struct rt_merge_driver driver = {.wants = wants_tsv, .join = concat, .data = &answer};
	struct rt_oid out;
	rt_auto(free) char *a = NULL;
	rt_auto(free) char *b = NULL;

	rt_merge_driver_set(box_repo, &driver);
	branches("mkdir d; printf 1 >d/a.tsv; printf 1 >d/one.tsv", "printf 2 >d/a.tsv; printf 2 >d/b.tsv",
		 "printf 3 >d/a.tsv; printf 3 >d/b.tsv; printf 3 >d/one.tsv");
	cr_expect_eq(merge(&out, &conflicts), 1, "%s", err.text);
	a = sh_out("git cat-file -p %s:d/a.tsv; echo; git cat-file -p %s:d/b.tsv; echo", out.hex, out.hex);
	cr_expect_str_eq(a, "1|2|3\n|2|3");
	b = sh_out("git cat-file -p %s:d/one.tsv", out.hex);
	cr_expect_str_eq(b, "3");
	answer = 0;
	cr_expect_eq(merge(&out, &conflicts), 0);
	cr_expect(rt_strs_has(&conflicts, "d/a.tsv"));
	rt_strs_release(&conflicts);
}
