#include <criterion/criterion.h>
#include <string.h>
#include <sys/stat.h>

#include "box.h"
#include "git/export.h"

static struct rt_err err = RT_ERR_INIT;

static void
setup(void)
{
	box_setup();
	sh("mkdir ../out");
}
TestSuite(export, .init = setup, .fini = box_teardown);

static struct rt_oid
tree_of_files(void)
{
	return sh_oid("git add -A . && git write-tree");
}

/* "mode path" of everything below, sorted. */
static void
expect_listing(const char *want)
{
	rt_auto(free) char *seen =
	    sh_out("cd ../out && find . -mindepth 1 -printf '%%M %%P\\n' | sort -k2 | tr '\\n' ';'");

	cr_expect_str_eq(seen, want);
}

Test(export, a_tree_is_written_byte_for_byte_with_its_modes)
{
	struct rt_oid tree;

	sh("echo '* text eol=crlf ident' >.gitattributes && mkdir -p a/b && printf 'x\\n$Id$\\0\\n' >a/b/f && : >empty "
	   "&& ln -s a/b/f l && "
	   "echo 1 >run && chmod +x run");
	tree = tree_of_files();
	umask(077);
	must(rt_export_tree(box_repo, &tree, "out", NULL, NULL, &err) == 0);
	expect_listing(
	    "-rw-r--r-- .gitattributes;drwxr-xr-x a;drwxr-xr-x a/b;-rw-r--r-- a/b/f;-rw-r--r-- empty;lrwxrwxrwx l;"
	    "-rwxr-xr-x run;");
	cr_expect_eq(sh_status("printf 'x\\n$Id$\\0\\n' | cmp - ../out/a/b/f && test \"$(readlink ../out/l)\" = a/b/f"),
		     0);
}

static bool
keep_c(void *data, const char *path)
{
	rt_buf_addf(data, "%s ", path);
	return rt_ends_with(path, ".c");
}

Test(export, a_selection_has_its_files_and_their_folders_alone)
{
	struct rt_buf asked = RT_BUF_INIT;
	struct rt_oid tree;

	sh("mkdir -p a/b d/e && echo 1 >a/b/x.c && echo 1 >a/y.h && echo 1 >d/e/z.h && echo 1 >t.c");
	tree = tree_of_files();
	must(rt_export_tree(box_repo, &tree, "out", keep_c, &asked, &err) == 0);
	expect_listing("drwxr-xr-x a;drwxr-xr-x a/b;-rw-r--r-- a/b/x.c;-rw-r--r-- t.c;");
	cr_expect_str_eq(asked.data, "a/b/x.c a/y.h d/e/z.h t.c ");
	rt_buf_release(&asked);
}

Test(export, a_link_in_the_tree_does_not_lead_out)
{
	struct rt_oid tree, target;

	/* A link and a folder of one name can't be in a sound tree; and what follows a link is not written through it.
	 */
	sh("mkdir ../target && ln -s ../target a && echo 1 >b");
	tree = tree_of_files();
	must(rt_export_tree(box_repo, &tree, "out", NULL, NULL, &err) == 0);
	target = sh_oid("git rev-parse %s:b", tree.hex);
	cr_expect_eq(rt_export_tree(box_repo, &tree, "out", NULL, NULL, &err), -1,
		     "not into a folder that is not empty");
	cr_expect_eq(sh_status("test -z \"$(ls ../target)\" && git cat-file -e %s", target.hex), 0);
}

Test(export, a_missing_object_is_an_error_that_names_it)
{
	struct rt_oid tree, blob;

	sh("echo 1 >f");
	tree = tree_of_files();
	blob = sh_oid("git rev-parse %s:f", tree.hex);
	sh("rm -f .git/objects/$(echo %s | sed 's,..,&/,')", blob.hex);
	box_reopen();
	cr_expect_eq(rt_export_tree(box_repo, &tree, "out", NULL, NULL, &err), -1);
	cr_expect_not_null(strstr(err.text, blob.hex), "%s", err.text);
}

/* ---- deltas ---- */

Test(export, a_delta_holds_what_changed_and_whiteouts_for_what_went)
{
	struct rt_oid old, new;

	sh("mkdir -p d/e gone/deep k && echo 1 >d/e/x && echo 1 >d/y && echo 1 >gone/deep/z && echo 1 >k/same && echo "
	   "1 >run");
	old = tree_of_files();
	sh("echo 2 >d/e/x && rm d/y && rm -r gone && mkdir n && echo 2 >n/m && chmod +x run");
	new = tree_of_files();
	if (rt_export_delta(box_repo, &old, &new, "out", &err) < 0)
		cr_skip_test("no whiteouts here: %s", err.text);
	expect_listing(
	    "drwxr-xr-x d;drwxr-xr-x d/e;-rw-r--r-- d/e/x;c--------- d/y;c--------- gone;drwxr-xr-x n;-rw-r--r-- n/m;"
	    "-rwxr-xr-x run;");
	cr_expect_eq(sh_status("test \"$(stat -c '%%t:%%T' ../out/d/y ../out/gone | tr '\\n' ' ')\" = '0:0 0:0 '"), 0);
}

Test(export, a_delta_between_file_and_folder_needs_no_whiteout)
{
	struct rt_oid old, new;

	sh("mkdir d && echo 1 >d/x && echo 1 >f && echo 1 >f.c");
	old = tree_of_files();
	sh("rm -r d f && echo 2 >d && mkdir f && echo 2 >f/x");
	new = tree_of_files();
	must(rt_export_delta(box_repo, &old, &new, "out", &err) == 0);
	expect_listing("-rw-r--r-- d;drwxr-xr-x f;-rw-r--r-- f/x;");
}

Test(export, a_stack_of_deltas_is_the_newest_tree)
{
	struct rt_oid trees[4];

	sh("mkdir -p a/b c && echo 1 >a/b/x && echo 1 >a/y && echo 1 >c/z && echo 1 >f");
	trees[0] = tree_of_files();
	sh("rm -r a && echo 2 >a && echo 2 >c/w && rm f");
	trees[1] = tree_of_files();
	sh("rm a && mkdir -p a/b && echo 3 >a/b/new && rm -r c && mkdir f && echo 3 >f/g");
	trees[2] = tree_of_files();
	sh("mkdir c && echo 4 >c/z && rm -r f && echo 4 >a/b/x");
	trees[3] = tree_of_files();
	sh("mkdir ../0 ../1 ../2 ../3 ../up ../work ../merged");
	must(rt_export_tree(box_repo, &trees[0], "0", NULL, NULL, &err) == 0);
	for (int i = 1; i < 4; i++) {
		char dir[2] = {(char)('0' + i), 0};

		must(rt_export_delta(box_repo, &trees[i - 1], &trees[i], dir, &err) == 0);
	}
	if (sh_status("cd .. && unshare -Urm sh -c 'mount -t overlay overlay -o "
		      "lowerdir=3:2:1:0,upperdir=up,workdir=work merged 2>/dev/null'") != 0)
		cr_skip_test("no overlayfs here");
	cr_expect_eq(
	    sh_status("cd .. && unshare -Urm sh -c 'mount -t overlay overlay -o "
		      "lowerdir=3:2:1:0,upperdir=up,workdir=work merged && diff -r --exclude=.git repo merged'"),
	    0);
}

/* ---- submodules ---- */

Test(export, submodules_come_from_the_local_clones_at_the_recorded_commit)
{
	struct rt_oid tree;

	sh("git config --global protocol.file.allow always && git init -q ../inner && cd ../inner && echo i >in && git "
	   "add in && "
	   "git commit -q -m i && git init -q ../outer && cd ../outer && echo o >on && git add on && "
	   "git submodule --quiet add ../inner deep && git commit -q -m o");
	sh("git submodule --quiet add --name 'odd name' ../outer lib/sub && git submodule --quiet update --init "
	   "--recursive");
	sh("echo later >>../outer/on && git -C ../outer commit -q -a -m later");
	tree = tree_of_files();
	must(rt_export_tree(box_repo, &tree, "out", NULL, NULL, &err) == 0);
	cr_expect_eq(sh_status("test -z \"$(ls ../out/lib/sub)\""), 0);
	must(rt_export_submodules(box_repo, box_repo, &tree, "out", NULL, NULL, &err) == 0);
	cr_expect_eq(sh_status("test $(cat ../out/lib/sub/on) = o && test $(cat ../out/lib/sub/deep/in) = i"), 0);
}

Test(export, a_submodule_that_is_not_at_hand_is_named_with_the_mend)
{
	struct rt_oid tree;

	sh("printf '[submodule \"s\"]\\n\\tpath = s\\n' >.gitmodules && git add .gitmodules && "
	   "git update-index --add --cacheinfo 160000,1111111111111111111111111111111111111111,s");
	tree = sh_oid("git write-tree");
	must(rt_export_tree(box_repo, &tree, "out", NULL, NULL, &err) == 0);
	cr_expect_eq(rt_export_submodules(box_repo, box_repo, &tree, "out", NULL, NULL, &err), -1);
	cr_expect_eq(err.code, RT_EUNKNOWN);
	cr_expect_not_null(strstr(err.text, "the submodule s is not cloned here; run `git submodule update"), "%s",
			   err.text);
}

Test(export, a_submodules_name_does_not_lead_out_of_the_repository)
{
	struct rt_oid tree;

	sh("git init -q --bare ../evil && printf '[submodule \"../../../evil\"]\\n\\tpath = s\\n' >.gitmodules && git "
	   "add .gitmodules && "
	   "git update-index --add --cacheinfo 160000,1111111111111111111111111111111111111111,s");
	tree = sh_oid("git write-tree");
	must(rt_export_tree(box_repo, &tree, "out", NULL, NULL, &err) == 0);
	cr_expect_eq(rt_export_submodules(box_repo, box_repo, &tree, "out", NULL, NULL, &err), -1);
	cr_expect_not_null(strstr(err.text, "no usable entry"), "%s", err.text);
}
