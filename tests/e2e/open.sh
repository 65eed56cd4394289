#!/bin/bash
# What came into the target and could not be judged, or not be taken back: an open entry stands until it is settled.
. "$(dirname "$0")/lib.sh"

new_hooked_project open
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
# A hook that dirties a touched path between git's merge and the judgement.
cat >.git/hooks/reference-transaction <<-END
	#!/bin/sh
	if [ "\$1" = committed ] && [ -f "$BOX/dirty" ]; then
		while read -r old new ref; do
			case \$ref in refs/heads/main) rm "$BOX/dirty" && echo mine >>slow/s ;; esac
		done
	fi
	exit 0
END
chmod +x .git/hooks/reference-transaction
upstream slow/s bad
before=$(tip)
: >"$BOX/dirty"
exits 0 'git takes a pull while a touched path is dirtied' git pull
says 'that it could not be moved back is said, with the way' "git reset --keep $before"
check 'the branch holds it still' test "$(tip)" = "$(tip origin/main)"
check 'the user'"'"'s line is still there' grep -q mine slow/s
check 'the open entry is in the ledger' entry 1 '"kind":"regressed".*"op":"open"'
echo good >cases/w && git add cases/w
exits 1 'a commit is blocked while it is open' git commit -q -m 'w'
says 'the open regression is named' 'holds a regression that came in'
exits 1 'the hook itself says regressed' "$RATCHET" hook pre-commit
must git init -q --bare "$BOX/other.git"
exits 1 'a push is blocked while it is open' git push -q "$BOX/other.git" main
git diff --cached >"$BOX/w.patch"
exits 1 'a proposal is blocked while it is open' "$RATCHET" propose "$BOX/w.patch"
says 'the proposal says why' 'holds a regression that came in'
check 'status shows it' sh -c "'$RATCHET' status | grep -q '^open: refs/heads/main holds a regression'"
exits 1 'a judgement that regresses does not close it' "$RATCHET" check
refuse 'a commit is blocked after that as before' git commit -q -m 'w'
git checkout -q slow/s
exits 0 'the way that was given works' git reset -q --keep "$before"
git add cases/w
exits 0 'after that a commit is free' git commit -q -m 'w'
check 'the open entry is gone' test -z "$(open_refs)"
check 'status shows nothing open' sh -c "! '$RATCHET' status | grep '^open'"
must git reset -q --keep "$before"
rm .git/hooks/reference-transaction
upstream slow/s 'good once more'
exits 0 'a pull that brings the regression and its mend stays' git pull -q
check 'it stays, and nothing is open' test "$(tip):$(open_refs)" = "$(tip origin/main):"
before=$(tip)

# A check that can't say: the merge stays, open, until a judgement.
upstream run-cases "$(printf '#!/bin/sh\nexit 127')"
exits 0 'git takes a pull that can'"'"'t be judged' git pull -q
check 'it stays' test "$(tip)" = "$(tip origin/main)"
echo good >cases/w && git add cases/w
exits 1 'a commit is blocked until it is judged' git commit -q -m 'w'
says 'the hook says what has not been judged' 'came in from elsewhere and has not been judged'
exits 3 'the hook itself says inconclusive' "$RATCHET" hook pre-commit
git reset -q --hard
exits 3 'a proposal is blocked until it is judged' "$RATCHET" propose "$BOX/w.patch"
git reset -q --hard "$before"
exits 0 'going back settles it' "$RATCHET" propose "$BOX/w.patch"

# ---- killed while it judges ----
before=$(tip)
git checkout -q -b hangs
printf '#!/bin/sh\nsleep 60\n' >run-cases && commit 'hangs'
git checkout -q main
# A merge whose judgement is killed, with all that runs for it, once it has begun.
killed_merge() {
	local group begun=1
	must "$RATCHET" recover
	[ -z "$(ls .git/ratchet/quarantine)" ] || return 1
	setsid git merge -q --ff-only hangs >"$BOX/out" 2>&1 </dev/null &
	group=$!
	for _ in $(seq 600); do
		[ -z "$(ls .git/ratchet/quarantine)" ] || { begun=0 && break; }
		sleep 0.1
	done
	kill -KILL -- "-$group"
	wait "$group" 2>/dev/null
	return $begun
}
echo staged >>cases/b && git add cases/b && echo unstaged >>cases/a
content=$(cat cases/a cases/b)
check 'a judgement is killed while it runs' killed_merge
check 'the open entry was written before it began' test -n "$(open_refs)"
check 'the branch holds what nobody judged to the end' test "$(tip)" = "$(tip hangs)"
exits 3 'a killed judgement leaves it open' "$RATCHET" hook pre-commit
check 'status shows what was interrupted' sh -c "'$RATCHET' status | grep -q '^open: .*has not been judged'"
exits 0 'it can be taken back' git reset -q --keep "$before"
check 'after that nothing of the user is lost' test "$(tip):$(cat cases/a cases/b)" = "$before:$content"
git add cases/b
exits 0 'and nothing is open' "$RATCHET" hook pre-commit
git reset -q --hard

check 'a second merge is killed the same way' killed_merge
must git read-tree -m -u hangs "$before" # as if killed between work tree and branch
exits 0 'a move back that was cut in two is completed the same way' git reset -q --keep "$before"
check 'branch, index and work tree agree' test "$(tip):$(git status --porcelain)" = "$before:"
exits 0 'and nothing is open after it' "$RATCHET" hook pre-commit

# ---- a work tree that only the command line knows of ----
git config core.bare true
export GIT_DIR=$PWD/.git GIT_WORK_TREE=$PWD
git checkout -q -b bare-bad && echo bad >slow/s && commit 'bad' && git checkout -q main
before=$(tip)
exits 0 'git takes a merge in a work tree that only it was told of' git merge bare-bad
says 'that it can'"'"'t be moved back is said' 'is not a work tree that the repository knows of'
check 'branch and work tree still agree' test "$(tip):$(git status --porcelain)" = "$(tip bare-bad):"
exits 1 'it stays open' "$RATCHET" hook pre-commit
exits 0 'the way that is given works there too' git reset -q --keep "$before"
unset GIT_DIR GIT_WORK_TREE
git config core.bare false
exits 0 'and nothing is open then' "$RATCHET" hook pre-commit
finish
