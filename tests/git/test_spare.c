#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "box.h"
#include "git/export.h"
#include "git/spare.h"

static struct rt_err err = RT_ERR_INIT;

TestSuite(spare, .init = box_setup, .fini = box_teardown);

/* The repository of HEAD in ../cell, beside an export of its tree; without: a revision that a store in ../store holds.
 */
static void
make(unsigned depth, const char *without)
{
	rt_auto(span) struct rt_generations *span = NULL, *stored = NULL;
	rt_auto(strs) struct rt_strs layers = {0};
	rt_auto(free) char *cell = rt_format("%s/cell", box_root), *store = rt_format("%s/store", box_root);
	struct rt_oid head = sh_oid("git rev-parse HEAD"), tree = sh_oid("git rev-parse HEAD^{tree}"), old;

	box_reopen();
	sh("mkdir ../cell ../layer ../store");
	must(rt_export_tree(box_repo, &tree, "layer", NULL, NULL, &err) == 0);
	must(rt_span_new(&span, box_repo, &head, depth, &err) == 0);
	if (without) {
		old = sh_oid("git rev-parse %s", without);
		must(rt_span_new(&stored, box_repo, &old, depth, &err) == 0);
		must(rt_spare_pack(box_repo, stored, NULL, NULL, store, &err) == 0);
	}
	rt_strs_add(&layers, "layer");
	must(rt_spare_write(box_repo, box_repo, span, stored, &layers, cell, &err) == 0);
	if (without)
		sh("cp ../store/.git/objects/pack/* ../cell/.git/objects/pack/");
	sh("cp -a ../layer/. ../cell/");
}

static void
commits(int n)
{
	for (int i = 0; i < n; i++)
		sh("mkdir -p d && echo %d >>f && echo %d >d/g%d && git add -A && git commit -q -m %d", i, i, i, i);
}

static void
is_sound(void)
{
	cr_expect_eq(sh_status("cd ../cell && git fsck --strict --no-dangling 2>&1"), 0);
	cr_expect_eq(sh_status("cd ../cell && test -z \"$(git status --porcelain)\""), 0);
	cr_expect_eq(sh_status("cd ../cell && git diff-files --quiet && git diff-index --quiet HEAD"), 0);
}

Test(spare, history_ends_at_the_depth)
{
	commits(6);
	make(4, NULL);
	is_sound();
	cr_expect_eq(sh_status("cd ../cell && test $(git rev-list --count HEAD) = 4"), 0);
	cr_expect_eq(sh_status("cd ../cell && test $(git rev-parse HEAD) = $(git -C ../repo rev-parse HEAD)"), 0);
}

Test(spare, tags_within_the_depth_are_there_and_no_other_ref)
{
	commits(2);
	sh("git tag old && git tag -a -m x elsewhere $(git commit-tree -m x HEAD^{tree})");
	commits(3);
	sh("git tag -a -m one v1 && git tag -a -m two v1-again v1 && git branch other");
	commits(1);
	make(4, NULL);
	is_sound();
	cr_expect_eq(sh_status("cd ../cell && test \"$(git for-each-ref --format='%%(refname)' | tr '\\n' ' ')\" = "
			       "'refs/tags/v1 refs/tags/v1-again '"),
		     0);
	cr_expect_eq(sh_status("cd ../cell && git describe | grep -q '^v1-1-g'"), 0);
}

Test(spare, what_a_store_holds_is_not_written_again)
{
	commits(5);
	sh("echo big >big && git add -A && git commit -q -m new");
	make(4, "HEAD~1");
	is_sound();
	cr_expect_eq(sh_status("cd ../cell && test $(git rev-list --count HEAD) = 4"), 0);
	cr_expect_eq(sh_status("cd ../cell && rm .git/objects/pack/* && cp ../store/.git/objects/pack/* "
			       ".git/objects/pack/ && ! git cat-file -e HEAD 2>&1 && git cat-file -e $(git -C ../repo "
			       "rev-parse HEAD~1)"),
		     0);
}

Test(spare, a_side_branch_that_left_before_the_depth_is_whole)
{
	commits(2);
	sh("git checkout -q -b side && echo s >s && git add -A && git commit -q -m side && git checkout -q main");
	commits(7);
	sh("git merge -q --no-edit side");
	make(4, "HEAD^1");
	is_sound();
	cr_expect_eq(sh_status("cd ../cell && git cat-file -e HEAD^2:s"), 0);
}

Test(spare, a_clone_that_is_shallow_itself_ends_where_it_ends)
{
	commits(5);
	sh("git clone -q --depth 2 \"file://$PWD\" ../shallow && rm -rf .git && mv ../shallow/.git .git");
	make(50, NULL);
	is_sound();
	cr_expect_eq(sh_status("cd ../cell && test $(git rev-list --count HEAD) = 2"), 0);
}

Test(spare, executables_links_and_odd_names_are_unchanged)
{
	sh("echo x >x && chmod +x x && ln -s nowhere link && mkdir 'a b' && echo n >'a b/\"q' && git add -A && git "
	   "commit "
	   "-q -m odd");
	make(1, NULL);
	is_sound();
}
