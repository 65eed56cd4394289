/*
 * Generated states of old tree, new tree, index and work tree, given to `git read-tree -m -u OLD NEW` and to
 * rt_worktree_move. Where both go through, index and files must be equal. Where git refuses, nothing may be lost. Only
 * where git loses something, or looks through a link that stands where the index has a folder, ratchet may refuse alone
 * or come to another end.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box.h"
#include "git/worktree.h"
#include "support/clock.h"
#include "support/file.h"

static struct rt_err err = RT_ERR_INIT;
static struct rt_buf why = RT_BUF_INIT;
static char gitdir[160], root[128];

static void
setup(void)
{
	box_setup();
	(void)snprintf(root, sizeof(root), "%s/repo", box_root);
	(void)snprintf(gitdir, sizeof(gitdir), "%s/.git", root);
	sh("git commit -q --allow-empty -m one && git config core.untrackedCache false && git config "
	   "advice.updateSparsePath false");
}

static void
teardown(void)
{
	rt_buf_release(&why);
	box_teardown();
}
TestSuite(twotree, .init = setup, .fini = teardown);

/* ---- a configuration: "path=content path=content"; content of "x..." is executable, of "@..." a link ---- */

struct item {
	char path[32], content[16];
};
struct config {
	struct item at[8];
	size_t n;
};

static struct config
parse(const char *text)
{
	struct config out = {0};

	while (*text != '\0') {
		struct item *item = &out.at[out.n++];
		int used = 0;

		cr_assert_eq(sscanf(text, " %31[^=]=%15[^ ]%n", item->path, item->content, &used), 2, "%s", text);
		text += used;
		text += strspn(text, " ");
	}
	return out;
}

static const char *
content_of(const struct config *config, const char *path)
{
	for (size_t i = 0; i < config->n; i++)
		if (strcmp(config->at[i].path, path) == 0)
			return config->at[i].content;
	return "";
}

static const char *
mode_of(const char *content)
{
	return content[0] == 'x' ? "100755" : content[0] == '@' ? "120000" : "100644";
}

static struct rt_oid
tree_of(const char *text)
{
	struct config config = parse(text);
	struct rt_update updates[8];
	struct rt_oid out, none = {""};

	for (size_t i = 0; i < config.n; i++) {
		updates[i].path = config.at[i].path;
		updates[i].entry.mode = (uint32_t)strtoul(mode_of(config.at[i].content), NULL, 8);
		must(rt_blob_write(box_repo, config.at[i].content, strlen(config.at[i].content), &updates[i].entry.id,
				   &err) == 0);
	}
	must(rt_tree_update(box_repo, &none, updates, config.n, &out, &err) == 0);
	return out;
}

static int
remove_entry(void *data, const char *name, struct rt_err *e)
{
	(void)data;
	if (strcmp(name, ".git") == 0)
		return 0;
	rt_auto(free) char *path = rt_format("%s/%s", root, name);
	return rt_remove_tree(AT_FDCWD, path, e);
}

static void
write_files(const char *text)
{
	struct config config = parse(text);

	must(rt_list_dir(AT_FDCWD, root, remove_entry, NULL, &err) == 0);
	for (size_t i = 0; i < config.n; i++) {
		rt_auto(free) char *path = rt_format("%s/%s", root, config.at[i].path);
		rt_auto(free) char *folder = rt_strdup(path);
		const char *content = config.at[i].content;
		int fd;

		*strrchr(folder, '/') = '\0';
		must(rt_mkdirs(AT_FDCWD, folder, 0755, &err) == 0);
		if (content[0] == '@') {
			cr_assert_eq(symlink(content, path), 0);
			continue;
		}
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, content[0] == 'x' ? 0755 : 0644);
		cr_assert(fd >= 0 && rt_write_all(fd, content, strlen(content)) == 0, "%s", path);
		close(fd);
	}
}

/* ---- what is there ---- */

static int list(void *data, const char *name, struct rt_err *e);

struct listing {
	struct rt_buf *out;
	const char *folder; /* below the root, "" or ending in a slash */
};

static void
list_folder(struct rt_buf *out, const char *folder)
{
	struct listing listing = {.out = out, .folder = folder};
	rt_auto(free) char *path = rt_format("%s/%s", root, folder);

	must(rt_list_dir(AT_FDCWD, path, list, &listing, &err) == 0);
}

static int
list(void *data, const char *name, struct rt_err *e)
{
	struct listing *listing = data;
	rt_auto(free) char *inside = rt_format("%s%s", listing->folder, name);
	rt_auto(free) char *path = rt_format("%s/%s", root, inside);
	struct stat st;
	char content[64] = "";
	ssize_t n = 0;
	int fd;

	(void)e;
	if (strcmp(inside, ".git") == 0)
		return 0;
	cr_assert_eq(lstat(path, &st), 0);
	if (S_ISDIR(st.st_mode)) {
		rt_auto(free) char *below = rt_format("%s/", inside);

		rt_buf_addf(listing->out, "%s ", below);
		list_folder(listing->out, below);
		return 0;
	}
	if (S_ISLNK(st.st_mode)) {
		n = readlink(path, content, sizeof(content) - 1);
	} else {
		fd = open(path, O_RDONLY);
		n = read(fd, content, sizeof(content) - 1);
		close(fd);
	}
	content[n > 0 ? n : 0] = '\0';
	rt_buf_addf(listing->out, "%s%s=%s ", S_ISREG(st.st_mode) && (st.st_mode & 0100) ? "+" : "", inside, content);
	return 0;
}

static char *
files(void)
{
	struct rt_buf out = RT_BUF_INIT;

	list_folder(&out, "");
	return rt_buf_steal(&out);
}

static char *
index_entries(void)
{
	return sh_out("git ls-files -s | tr '\\n' ';'");
}

/* ---- one case ---- */

struct kase {
	const char *old, *new, *index, *work;
};

static unsigned both, git_only, ratchet_only, neither;

static void
put_in_state(const struct kase *k, const struct rt_oid *index)
{
	write_files(k->work);
	sh("git read-tree %s && { git update-index -q --refresh >/dev/null; test $? -le 1; }", index->hex);
}

/* A file that is gone or different now was committed: it equalled the old tree, and so did its index entry. */
static bool
is_file_lost(const struct kase *k, const char *after)
{
	struct config work = parse(k->work), old = parse(k->old), index = parse(k->index);

	for (size_t i = 0; i < work.n; i++) {
		const char *path = work.at[i].path, *was = content_of(&old, path);
		rt_auto(free) char *still = rt_format("%s=%s ", path, work.at[i].content);

		if (strstr(after, still) == NULL &&
		    (strcmp(work.at[i].content, was) != 0 || strcmp(content_of(&index, path), was) != 0))
			return true;
	}
	return false;
}

/* An entry that is gone or different now was as in the old tree. */
static bool
is_entry_lost(const struct kase *k)
{
	struct config old = parse(k->old), index = parse(k->index);

	for (size_t i = 0; i < index.n; i++) {
		const char *path = index.at[i].path, *staged = index.at[i].content;

		if (strcmp(staged, content_of(&old, path)) != 0 &&
		    sh_status("test \"$(git cat-file -p :%s 2>/dev/null)\" = '%s'", path, staged) != 0)
			return true;
	}
	return false;
}

/* Does a link stand where the index has a folder? git looks through it. */
static bool
is_link_for_folder(const struct kase *k)
{
	return strstr(k->work, "d=@") != NULL && strstr(k->index, "d/") != NULL;
}

static void
compare(const struct kase *k)
{
	struct rt_oid old = tree_of(k->old), new = tree_of(k->new), index = tree_of(k->index);
	rt_auto(free) char *git_files = NULL;
	rt_auto(free) char *git_index = NULL;
	rt_auto(free) char *before = NULL;
	rt_auto(free) char *before_index = NULL;
	rt_auto(free) char *my_files = NULL;
	rt_auto(free) char *my_index = NULL;
	bool git_went, git_lost, went;
	int rc, checked;

	put_in_state(k, &index);
	git_went = sh_status("git read-tree -m -u %s %s 2>/dev/null", old.hex, new.hex) == 0;
	git_files = files();
	git_index = index_entries();
	git_lost = git_went && (is_file_lost(k, git_files) || is_entry_lost(k));
	put_in_state(k, &index);
	before = files();
	before_index = index_entries();
	rt_buf_cut(&why, 0);
	checked = rt_worktree_check(gitdir, &old, &new, NULL, NULL, &why, &err);
	rt_buf_cut(&why, 0);
	rc = rt_worktree_move(gitdir, &old, &new, NULL, 0, &why, &err);
	cr_assert_eq(rc, checked, "%s %s", err.text, why.data);
	went = rc == 1;
	my_files = files();
	my_index = index_entries();
	cr_assert(rc >= 0, "%s: old {%s} new {%s} index {%s} work {%s}", err.text, k->old, k->new, k->index, k->work);
	if (!went) {
		cr_expect_str_eq(my_files, before);
		cr_expect_str_eq(my_index, before_index);
	}
	cr_expect(!went || (!is_file_lost(k, my_files) && !is_entry_lost(k)),
		  "lost: old {%s} new {%s} index {%s} work {%s}: {%s} {%s}", k->old, k->new, k->index, k->work,
		  my_files, my_index);
	if (went && git_went && git_lost) {
		git_only++;
	} else if (went && git_went) {
		cr_expect_str_eq(my_files, git_files, "old {%s} new {%s} index {%s} work {%s}: {%s} git {%s}", k->old,
				 k->new, k->index, k->work, my_files, git_files);
		cr_expect_str_eq(my_index, git_index, "old {%s} new {%s} index {%s} work {%s}: {%s} git {%s}", k->old,
				 k->new, k->index, k->work, my_index, git_index);
		both++;
	} else if (git_went) {
		cr_expect(git_lost || is_link_for_folder(k),
			  "only git moves: old {%s} new {%s} index {%s} work {%s}: %s", k->old, k->new, k->index,
			  k->work, why.data);
		git_only++;
	} else if (went) {
		ratchet_only++;
	} else {
		neither++;
	}
}

/* ---- one path: every combination ---- */

static void
compare_all(const char *const *contents, size_t n, const char *old)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			for (size_t w = 0; w < n; w++) {
				struct kase k = {old, contents[i], contents[j], contents[w]};

				if (strcmp(old, contents[i]) != 0)
					compare(&k);
			}
}

static const char *const one_path[] = {"", "f=1", "f=2", "f=3"};

Test(twotree, a_new_path_is_treated_as_git_does)
{
	compare_all(one_path, RT_COUNT(one_path), "");
	cr_expect_gt(both, 0);
	cr_expect_gt(neither, 0);
}

Test(twotree, a_path_of_the_old_tree_is_treated_as_git_does)
{
	compare_all(one_path, RT_COUNT(one_path), "f=1");
	cr_expect_gt(both, 0);
	cr_expect_gt(neither, 0);
}

/* ---- kinds, folders and files in each other's place: a fixed sample ---- */

static unsigned
next_random(unsigned *state)
{
	*state = *state * 1103515245u + 12345u;
	return (*state >> 16) & 0x7fff;
}

static const char *const shapes[] = {
    "",		 "d=1",	      "d=2",	     "d=x1",	      "d=@t",
    "d/x=1",	 "d/x=2",     "d/x=1 d/y=1", "d/y=1 d/z/q=1", "d/z=1 d/x=1",
    "d/x=1 e=1", "e=1 d.c=1", "d/x=@e e=1",  "d/x/y=1",
};

static const char *
pick(unsigned *state, unsigned likely, const char *usual)
{
	return next_random(state) % 100 < likely ? usual : shapes[next_random(state) % RT_COUNT(shapes)];
}

static void
compare_sample(unsigned seed, int rounds)
{
	unsigned state = seed;

	for (int i = 0; i < rounds; i++) {
		struct kase k;

		k.old = shapes[next_random(&state) % RT_COUNT(shapes)];
		k.new = shapes[next_random(&state) % RT_COUNT(shapes)];
		k.index = pick(&state, 75, k.old);
		k.work = pick(&state, 65, k.index);
		if (strcmp(k.old, k.new) != 0)
			compare(&k);
	}
	cr_log_info("both %u, neither %u, ratchet alone %u, git alone %u", both, neither, ratchet_only, git_only);
	cr_expect_gt(both, 0);
	cr_expect_gt(neither, 0);
}

Test(twotree, kinds_and_folders_are_treated_as_git_does)
{
	compare_sample(3, 30);
}

Test(twotree, kinds_and_folders_are_treated_as_git_does_in_another_sample)
{
	compare_sample(11, 30);
}
