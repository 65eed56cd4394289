#!/bin/bash
# Merges, pulls and what else moves branches, on real git with the hooks installed.
. "$(dirname "$0")/lib.sh"

new_hooked_project merges
must git init -q --bare "$BOX/up.git"
must git remote add origin "$BOX/up.git"
must git push -q -u origin main
must git clone -q "$BOX/up.git" "$BOX/peer"

# branch NAME FILE WORD [FROM]: a branch with one commit, past the hooks; main is checked out again.
branch() {
	must git checkout -q -b "$1" "${4:-main}"
	mkdir -p "$(dirname "$2")" && echo "$3" >"$2"
	commit "$1"
	must git checkout -q main
}
# upstream FILE WORD: a commit on the remote's main, by somebody without hooks.
upstream() {
	(cd "$BOX/peer" && git pull -q && echo "$2" >"$1" && commit "upstream: $1 is $2" && git push -q origin main) || exit 1
}
open_refs() {
	git for-each-ref --format='%(refname)' refs/ratchet/open/
}
full() { # of this commit, among the newest $2 entries
	entry "$2" "\"candidate\":\"$1\".*\"fast\":false.*\"op\":\"judged\".*\"verdict\":\"$3\""
}

# ---- fast-forward ----
branch ff cases/c good
exits 0 'a fast-forward that passes stays' git merge -q ff
check 'the branch is where the merge put it' test "$(tip)" = "$(tip ff)"
check 'the whole matrix judged what came in' full "$(tip)" 1 would-land
check 'nothing is open after an accepted merge' test -z "$(open_refs)"
check 'the move that the guard saw is settled by the judgement' sh -c "! '$RATCHET' status | grep '^open'"
n=$(entries)
exits 0 'a merge of nothing new runs nothing' git merge -q ff
check 'nothing was judged then' test "$(entries)" = "$n"

branch ff-bad slow/s bad
before=$(tip)
echo staged >>cases/b && git add cases/b && echo unstaged >>cases/c && echo loose >loose
was=$(state)
exits 0 'git itself takes a fast-forward that regresses' git merge ff-bad
says 'the regression is said' 'regressed: slow/s$'
says 'that the branch was moved back is said' 'refs/heads/main is back at'
id=$(printf '%s\n' "$SAID" | sed -n 's/.*ratchet explain \([0-9a-f]*\).*/\1/p')
check 'the branch is back at the commit before' test "$(tip)" = "$before"
check 'staged, unstaged and untracked work is as it was' test "$(state)" = "$was"
check 'what came in is kept' test "$(tip "refs/ratchet/rejected/$id")" = "$(tip ff-bad)"
check 'the move back has its entry' entry 1 "\"new\":\"$before\",\"old\":\"$(tip ff-bad)\".*\"op\":\"rejected\""
check 'nothing is open after moving back' test -z "$(open_refs)"
git reset -q --hard && rm loose

# ---- true merges ----
branch side cases/d good
echo good >cases/e && git add -A && must git commit -q -m 'e'
exits 0 'a true merge that passes is made' git merge -q --no-edit side
check 'it has two parents' test "$(git rev-list --parents -n 1 HEAD | wc -w)" = 3
check 'its tree was judged before it was made' entry 3 "\"fast\":true.*\"op\":\"judged\".*\"tree\":\"$(git rev-parse 'HEAD^{tree}')\""
check 'and the whole matrix after' full "$(tip)" 1 would-land

branch side-bad cases/a bad
echo good >cases/f && git add -A && must git commit -q -m 'f'
before=$(tip)
exits 1 'a true merge whose tree fails a fast check is blocked' git merge -q --no-edit side-bad
check 'HEAD did not move' test "$(tip)" = "$before"
check 'the merge is still under way' test -f .git/MERGE_HEAD
must git merge --abort
check 'aborting leaves nothing' test -z "$(git status --porcelain)"

branch side-slow slow/s bad HEAD^
before=$(tip)
echo unstaged >>cases/b
was=$(state)
exits 0 'git makes a merge that fails a slow check only' git merge -q --no-edit side-slow
check 'the branch is back at the first parent' test "$(tip)" = "$before"
check 'the work tree is as before the merge' test "$(state)" = "$was"
check 'no merge is left under way' test ! -e .git/MERGE_HEAD
git checkout -q .

# ---- octopus ----
branch o1 cases/o1 good && branch o2 cases/o2 good
exits 0 'an octopus that passes is made' git merge -q --no-edit o1 o2
check 'it was judged as a whole' full "$(tip)" 1 would-land
branch o3 cases/o3 good && branch o4 slow/s bad
echo good >cases/o5 && git add -A && must git commit -q -m 'o5'
before=$(tip)
exits 0 'git makes an octopus that regresses' git merge -q --no-edit o3 o4
check 'an octopus is moved back' test "$(tip)" = "$before"
check 'its work tree is clean' test -z "$(git status --porcelain)"

# ---- conflicts, --no-commit, --squash ----
branch conflict cases/o5 'good theirs'
echo 'good ours' >cases/o5 && git add -A && must git commit -q -m 'ours'
exits 1 'a conflict is a conflict' git merge conflict
exits 128 'a conflict that is not resolved is not committed' git commit -q -m 'unresolved'
echo bad >cases/o5 && git add -A
exits 1 'a bad resolution is blocked' git commit -q --no-edit
echo 'good both' >cases/o5 && git add -A
exits 0 'a good resolution is committed' git commit -q --no-edit
check 'the resolution was judged' entry 1 "\"op\":\"judged\".*\"tree\":\"$(git rev-parse 'HEAD^{tree}')\".*\"verdict\":\"would-land\""
branch later cases/g good
exits 0 'merge --no-commit judges nothing yet' git merge -q --no-ff --no-commit later
n=$(entries)
exits 0 'its commit is judged' git commit -q --no-edit
check 'by one entry, and the guard is content with that' test "$(entries)" = $((n + 1))
branch squash cases/h good
exits 0 'merge --squash judges nothing yet' git merge -q --squash squash
exits 0 'a squashed commit is judged as any other' git commit -q -m 'squashed'

# ---- not the target ----
git checkout -q -b feature
branch elsewhere slow/s bad && git checkout -q feature
n=$(entries)
exits 0 'on another branch a merge is not judged' git merge -q elsewhere
check 'it stays, and there is no entry' test "$(tip):$(entries)" = "$(tip elsewhere):$n"
git checkout -q main

# ---- pulls ----
must "$RATCHET" check
must git push -q origin main
upstream cases/u good
exits 0 'a pull that passes stays' git pull -q
check 'the guard wrote down that it came from upstream' entry 3 '"kind":"upstream"'
check 'the judgement closed that' test -z "$(open_refs)"
check 'the pulled commit was judged as a whole' full "$(tip)" 1 would-land
upstream slow/s bad
before=$(tip)
exits 0 'git takes a pull that regresses' git pull -q
check 'the pull is moved back' test "$(tip)" = "$before"
check 'nothing is open after a pull was moved back' test -z "$(open_refs)"
exits 0 'the next commit is free' sh -c "echo good >cases/v && git add -A && git commit -q -m v"
must git reset -q --hard "$before"
must "$RATCHET" check
upstream slow/s 'good again'
exits 0 'what upstream mended is pulled' git pull -q
check 'it is judged as a whole and stays' test "$(tip)" = "$(tip origin/main)"

echo good >cases/mine && git add -A && must git commit -q -m 'mine'
upstream cases/theirs good
exits 0 'a pull that merges and passes is made' git pull -q --no-rebase --no-edit
check 'it is a merge' test "$(git rev-list --parents -n 1 HEAD | wc -w)" = 3
check 'the merged pull was judged as a whole' full "$(tip)" 1 would-land
echo good >cases/mine2 && git add -A && must git commit -q -m 'mine 2'
upstream slow/s bad
before=$(tip)
exits 0 'git takes a pull that merges and regresses' git pull -q --no-rebase --no-edit
check 'a merging pull is moved back' test "$(tip):$(git status --porcelain)" = "$before:"
exits 0 'a pull with --rebase is let through' git pull -q --rebase
check 'what a rebase brought is written down' sh -c "'$RATCHET' log --json -n 2 | grep -q '\"kind\":\"ungated\"'"
check 'status shows it' sh -c "'$RATCHET' status | grep -q '^open: refs/heads/main was moved'"
exits 1 'pre-push judges it' git push -q origin main
finish
