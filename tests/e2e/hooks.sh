#!/bin/bash
# Commits and pushes on real git with the hooks installed: what is judged is what will be committed, and nothing else moves.
. "$(dirname "$0")/lib.sh"

new_hooked_project commits
check 'the hooks directory is set to an absolute path in the git directory' \
	test "$(git config core.hooksPath)" = "$(pwd -P)/.git/ratchet/hooks"

# make FILE WORD: an edit in the work tree.
make() {
	echo "$2" >"$1"
}

# ---- commit ----
make cases/c good && git add -A && make cases/a bad
exits 0 'a commit whose staged tree passes is made' git commit -m 'c'
says 'the verdict of the fast checks is said' 'ratchet: would-land .* 3 passed'
check 'the entry is of the staged tree on HEAD and marked fast' \
	entry 1 "\"base\":\"$(tip HEAD^)\".*\"fast\":true.*\"op\":\"judged\".*\"tree\":\"$(git rev-parse 'HEAD^{tree}')\".*\"verdict\":\"would-land\""
check 'what is bad in the work tree only stays there' grep -q bad cases/a
git checkout -q cases/a

make cases/a bad && make cases/new good && git add -A && make cases/a good && make cases/b worse && make loose untracked
before=$(tip) was=$(state)
exits 1 'a commit whose staged tree regresses is blocked' git commit -m 'bad'
says 'the case is named' 'regressed: unit/a$'
check 'a blocked commit leaves HEAD' test "$(tip)" = "$before"
check 'a blocked commit leaves index, work tree and stash as they were' test "$(state)" = "$was"
check 'a blocked commit leaves its entry' entry 1 '"op":"judged".*"verdict":"regressed"'
sum=$(sha256sum .git/index)
refuse 'the hook alone judges the same' "$RATCHET" hook pre-commit
check 'the hook writes no byte of the index' test "$(sha256sum .git/index)" = "$sum"
git reset -q --hard && rm loose

# ---- an index that names what is not there ----
make cases/lost 'good, lost' && git add cases/lost && lost=$(git rev-parse :cases/lost) && before=$(tip)
rm -f ".git/objects/${lost:0:2}/${lost:2}"
exits 3 'a staged file whose object is missing is not judged' git hook run pre-commit
says 'the missing object is named' "cannot read object $lost"
check 'nothing was committed' test "$(tip)" = "$before"
must git rm -q -f --cached cases/lost && rm cases/lost

# ---- partial commits ----
make cases/a bad && make cases/b better && make cases/c fine && git add cases/a cases/c
exits 0 'a partial commit is judged without what else is staged' git commit -m 'b alone' -- cases/b
check 'a partial commit holds its path alone' test "$(git diff --name-only HEAD^ HEAD)" = cases/b
check 'what else was staged stays staged' test "$(git diff --cached --name-only | tr '\n' ' ')" = 'cases/a cases/c '
was=$(state)
exits 1 'a partial commit that regresses is blocked' git commit -m 'a alone' -- cases/a
check 'a blocked partial commit leaves everything' test "$(state)" = "$was"
exits 1 'with --include what is staged counts' git commit -i -m 'both' -- cases/b
check 'a blocked commit with --include leaves everything' test "$(state)" = "$was"
git reset -q --hard

# ---- -a ----
make cases/a bad
was=$(state)
exits 1 'commit -a is judged by what it would commit' git commit -a -m 'all'
check 'a blocked commit -a stages nothing' test "$(state)" = "$was"
make cases/a gooder
exits 0 'commit -a that passes is made' git commit -a -m 'all'
check 'after commit -a nothing is left' test -z "$(git status --porcelain)"

# ---- -p ----
seq 1 20 >cases/long && git add -A && must git commit -q -m 'long'
sed -i -e 's/^1$/one/' -e 's/^20$/bad/' cases/long
exits 0 'commit -p of a good hunk beside a bad one is made' sh -c "printf 'y\nn\n' | git commit -p -m 'a hunk'"
check 'the bad hunk is not in the commit and still in the file' sh -c '! git grep -q bad HEAD -- cases && grep -q bad cases/long'
exits 1 'commit -p of the bad hunk is blocked' sh -c "printf 'y\n' | git commit -p -m 'the other'"
git checkout -q . && git reset -q --hard

# ---- --amend ----
git checkout -q -b feature
make cases/d good && git add -A && must git commit -q -m 'd'
n=$(entries)
exits 0 'an amended message passes' git commit --amend -m 'd, reworded'
make cases/d bad && git add -A
exits 1 'amending with a regression is blocked' git commit --amend --no-edit
make cases/d fine && git add -A
exits 0 'amending with what passes is done' git commit --amend --no-edit
check 'amending replaces the commit' test "$(git rev-list --count main..)" = 1
check 'other branches than the target move without an entry of the guard' \
	test "$(ledger | head -n $(($(entries) - n)) | grep -c '"op":"open"')" = 0
git checkout -q main
n=$(entries)
exits 0 'an amended message passes on the target' git commit --amend -m 'a hunk, reworded'
check 'the guard has nothing to say of an amended message' test "$(ledger | head -n $(($(entries) - n)) | grep -c '"op":"open"')" = 0

n=$(entries)
exits 0 'an empty commit is made' git commit -q --allow-empty -m 'empty'
exits 0 'verify knows an empty commit' "$RATCHET" verify
echo good >cases/meant && git add -N cases/meant && echo good >cases/meant2 && git add cases/meant2
exits 0 'what is only meant to be added is not committed' git commit -q -m 'meant'
check 'nor was it judged' entry 1 "\"op\":\"judged\".*\"tree\":\"$(git rev-parse 'HEAD^{tree}')\""
git add -A && must git commit -q -m 'now added'
git update-index --split-index
echo good >cases/split && git add -A
exits 1 'a commit from a split index is blocked' git commit -q -m 'split'
says 'the mend is said' 'git update-index --no-split-index'
git update-index --no-split-index
exits 0 'after the mend it is made' git commit -q -m 'split'
check 'the guard had nothing to say to all that' test "$(ledger | head -n $(($(entries) - n)) | grep -c '"op":"open"')" = 0

# ---- places ----
(cd cases && make e good) && git add -A
exits 0 'a commit from a folder below is judged' sh -c 'cd cases && git commit -m "e"'
check 'the entry of a commit from below is of its tree' entry 1 "\"tree\":\"$(git rev-parse 'HEAD^{tree}')\""
git checkout -q --detach
make cases/f good && git add -A
exits 0 'a commit on a detached HEAD that passes is made' git commit -m 'detached'
make cases/f bad && git add -A
exits 1 'a commit on a detached HEAD that regresses is blocked' git commit -m 'detached'
git reset -q --hard && git checkout -q main

git worktree add -q "$BOX/linked" -b linked
make cases/a bad && git add -A # in the main work tree: not what counts over there
was=$(state)
cd "$BOX/linked" || exit 1
make cases/g good && git add -A
exits 0 'a commit in a linked work tree is judged by its own index' git commit -m 'g'
make cases/g bad && git add -A
exits 1 'a regressing commit in a linked work tree is blocked' git commit -m 'g'
cd "$BOX/commits" || exit 1
check 'the main work tree is untouched by commits in a linked one' test "$(state)" = "$was"
git reset -q --hard

git checkout -q --orphan fresh
exits 0 'the first commit of an orphan branch is made' git commit -m 'root'
says 'that there is nothing to compare with is said' 'no commit yet'
git checkout -q main

# ---- a configuration that can't be read ----
git checkout -q -b broken
sed -i 's/run:/runn:/' ratchet.yml && must commit 'broken'
make cases/h good && git add -A
exits 1 'on a commit with a broken ratchet.yml a commit is blocked' git commit -m 'h'
says 'the position is said' 'ratchet.yml:[0-9]+:[0-9]+: '
says 'the way out is said' 'no-verify'
exits 0 'the way out works where the branch is not the target' git commit --no-verify -m 'h'
git checkout -q main

# ---- no fast check ----
git checkout -q -b slow-only
sed -i '/fast: true/d' ratchet.yml && must commit 'nothing is fast'
echo bad >cases/a && git add -A
exits 0 'without fast checks a commit is made' git commit -m 'unjudged'
says 'what is owed is said' 'unproven: no check is marked `fast: true`, so none ran'
check 'the entry says fast' entry 1 '"fast":true.*"op":"judged"'
git checkout -q main

# ---- pre-push ----
must git init -q --bare "$BOX/remote.git"
must git init -q --bare "$BOX/other.git"
git remote add origin "$BOX/remote.git" && git remote add other "$BOX/other.git"
n=$(entries)
exits 0 'a first push of the target is judged and goes' git push -q origin main
check 'the whole matrix was judged, not the fast part' entry 1 "\"candidate\":\"$(tip)\".*\"fast\":false.*\"op\":\"judged\".*\"verdict\":\"would-land\""
n=$(entries)
exits 0 'a commit with a full judgement is pushed' git push -q other main
check 'nothing runs for a commit with a full judgement' test "$(entries)" = "$n"
make slow/s bad && git add -A
exits 0 'pre-commit runs the fast checks alone' git commit -m 'slow is bad'
exits 1 'a push is blocked by what pre-commit owed' git push -q origin main
says 'the case of the slow check is named' 'regressed: slow/s$'
check 'the remote did not move' test "$(git ls-remote origin refs/heads/main | cut -f1)" = "$(tip HEAD^)"
check 'the blocked push left its entry' entry 1 '"fast":false.*"op":"judged".*"verdict":"regressed"'
make slow/s good && git add -A && must git commit -q -m 'slow is good'
exits 0 'what is good again as a whole is pushed' git push -q origin main
n=$(entries)
exits 0 'another branch is pushed without a judgement' git push -q origin feature
git tag v1 && git tag -a -m 'annotated' v2 feature
exits 0 'tags are pushed, annotated ones too' git push -q origin v1 v2
exits 0 'a branch is deleted on the remote' git push -q origin :feature
check 'none of those was judged' test "$(entries)" = "$n"
exits 0 'several refs in one push are each looked at' git push -q origin main linked broken
git checkout -q --detach && make slow/t bad && git add -A && must git commit -q -m 'detached'
exits 0 'a case that is new and fails is no regression' git push -q origin HEAD:main
make slow/s bad && git add -A && must git commit -q -m 'detached, bad'
exits 1 'a push from a detached HEAD to the target is judged' git push -q origin HEAD:main
exits 0 'a push from a detached HEAD to another branch is not' git push -q origin HEAD:refs/heads/elsewhere
finish
