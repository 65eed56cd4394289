#!/bin/bash
# The guard: what git itself does to the target, and what it does elsewhere, with `guard: report` and `guard: refuse`.
. "$(dirname "$0")/lib.sh"

# branch NAME FILE WORD [FROM]: a branch with one commit, past the hooks; what was checked out is so again.
branch() {
	must git checkout -q -b "$1" "${4:-main}"
	mkdir -p "$(dirname "$2")" && echo "$3" >"$2"
	commit "$1"
	must git checkout -q -
}
# The ledger's newest entry tells of this move, by their full ids; "null" is a deletion.
ungated() { # OLD NEW
	entry 1 "\"extra\":\{\"kind\":\"ungated\",\"new\":\"?$2\"?,\"old\":\"$1\",\"ref\":\"refs/heads/main\"(,\"via\":\"[^\"]*\")?\}.*\"op\":\"open\""
}
nothing_open() {
	! "$RATCHET" status | grep '^open: '
}
told=
# The command that the guard's message gives, in the work tree that it was said for.
follow() {
	local command
	command=$(printf '%s\n' "$told" | sed -n 's/^    \(git read-tree -m -u [0-9a-f]* HEAD\)$/\1/p')
	[ -n "$command" ] && $command
}

# ---- guard: report ----
new_hooked_project report
must git config ratchet.target main
before=$(tip)
echo good >cases/c && git add -A
exits 0 'a commit past pre-commit is let through' git commit -q --no-verify -m 'unjudged'
says 'that it was not judged is said' 'without having been judged; the ledger says so'
check 'it is in the ledger' ungated "$before" "$(tip)"
check 'status shows it' sh -c "'$RATCHET' status | grep -q '^open: refs/heads/main was moved from'"
exits 1 'verify names the commit' "$RATCHET" verify
says 'it is called ungated' 'ungated: [0-9a-f]{12} unjudged'
exits 0 'a judgement settles it' "$RATCHET" check
check 'status shows nothing open after it' nothing_open
exits 0 'verify is content after it' "$RATCHET" verify

before=$(tip)
exits 0 'reset --hard is let through' git reset -q --hard HEAD^
check 'the move back is in the ledger' ungated "$before" "$(tip)"
check 'status shows a move back' sh -c "'$RATCHET' status | grep -q '^open: refs/heads/main was moved from'"
exits 0 'a judgement of what it holds settles that too' "$RATCHET" check
check 'after that nothing is open' nothing_open

branch picked cases/d good
before=$(tip)
exits 0 'a cherry-pick on the target is let through' git cherry-pick picked
check 'the cherry-pick is judged or written down' sh -c "'$RATCHET' log --json -n 1 | grep -Eq '\"(candidate\":\"$(git rev-parse picked)|base\":\"$before)'"
before=$(tip)
exits 0 'a revert on the target is let through' git revert --no-edit HEAD
check 'the revert is judged or written down' sh -c "'$RATCHET' log --json -n 1 | grep -q '\"base\":\"$before\"'"
branch onto cases/e good "$(git rev-list --max-parents=0 HEAD)"
before=$(tip)
exits 0 'a rebase of the target is let through' git rebase -q onto
check 'the rebase is in the ledger' ungated "$before" "$(tip)"
before=$(tip)
git checkout -q -b work
exits 0 'branch -f is let through' git branch -f main onto
check 'branch -f is in the ledger' ungated "$before" "$(tip onto)"
exits 0 'update-ref is let through' git update-ref refs/heads/main "$before"
check 'update-ref is in the ledger' ungated "$(tip onto)" "$before"
exits 0 'a transaction of several refs is looked at line by line' sh -c "printf '%s\n' \
	'create refs/heads/t1 $before' 'update refs/heads/main $(tip onto)' 'create refs/tags/t2 $before' | git update-ref --stdin"
check 'the target in the midst of others is in the ledger' ungated "$before" "$(tip onto)"
exits 0 'a deletion is let through' git branch -q -D main
check 'the deletion is in the ledger' ungated "$(tip onto)" null
must git branch main "$before"
must git checkout -q main
must "$RATCHET" check
check 'a judgement settles a deletion' nothing_open

# ---- what is not the target's ----
n=$(entries)
exits 0 'other branches are made, moved, renamed and deleted' sh -c "git branch x && git branch -f x HEAD^ && git branch -m x y && git branch -D y && git branch -d t1"
exits 0 'another branch is rebased' git rebase -q main work
must git checkout -q main
exits 0 'reset without a move is nothing' git reset -q --hard HEAD
must git init -q "$BOX/many"
(cd "$BOX/many" && commit=$(git commit-tree -m many "$(git mktree </dev/null)") &&
	seq -f "create refs/heads/b%g $commit" 300 | git update-ref --stdin) || exit 1
git remote add many "$BOX/many"
exits 0 'many branches are fetched' git fetch -q many
check 'they are there' test "$(git for-each-ref refs/remotes/many | wc -l)" = 300
exits 0 'they are pruned' git remote prune many
git remote remove many
exits 0 'refs are packed' git pack-refs --all
check 'the target is packed, its loose ref pruned' sh -c "grep -q ' refs/heads/main$' .git/packed-refs && test ! -e .git/refs/heads/main"
echo good >cases/p && git add -A && must git commit -q -m 'on a packed ref'
exits 0 'refs are packed again over an older packed value' git pack-refs --all
exits 0 'the repository is collected' git gc -q --prune=now
exits 0 'and is whole' git fsck --no-dangling
check 'nothing of that was the guard'"'"'s business' test "$(entries)" = $((n + 1))

# ---- who can be believed ----
branch forged cases/f good
exits 0 'what git says that the present value is, is not believed' sh -c \
	"echo '$(tip forged) $(tip forged) refs/heads/main' | '$RATCHET' hook reference-transaction prepared"
check 'the true move is written down' ungated "$(tip main)" "$(tip forged)"
n=$(entries)
exits 0 'the other states of a transaction are passed over' sh -c \
	"for s in committed aborted; do echo '$(tip) $(tip forged) refs/heads/main' | '$RATCHET' hook reference-transaction \$s || exit; done"
check 'they leave no entry' test "$(entries)" = "$n"
refuse 'what is no line of git is not let through' sh -c "echo 'x refs/heads/main' | '$RATCHET' hook reference-transaction prepared"

# ---- a ratchet.yml that can't be read ----
sed -i 's/run:/runn:/' ratchet.yml && git add -A
exits 0 'breaking ratchet.yml past the hooks is let through' git commit -q --no-verify -m 'break'
sed -i 's/runn:/run:/' ratchet.yml && git add -A
before=$(tip)
exits 0 'the commit that mends it is let through' git commit -q --no-verify -m 'mend'
check 'and is in the ledger' ungated "$before" "$(tip)"

# ---- what the guard does not see, verify does ----
exits 4 'what was changed and changed back unsigned is governance all the same' "$RATCHET" check
must git reset -q --hard HEAD~2
must "$RATCHET" check
branch renamed cases/g good
git checkout -q --detach
n=$(entries)
exits 0 'git does not tell the guard of branch -C' git branch -C renamed main
check 'no entry tells of it' test "$(entries)" = "$n"
exits 1 'verify does' "$RATCHET" verify
says 'it names the commit' 'ungated: [0-9a-f]{12} renamed'
must git update-ref refs/heads/main "$(tip)"
exits 0 'of branch -M git tells the half' git branch -M renamed main
check 'the target is what was renamed' test "$(git log -1 --format=%s main)" = renamed
exits 1 'verify names that commit too' "$RATCHET" verify
says 'by its subject' 'ungated: [0-9a-f]{12} renamed'

# ---- guard: refuse ----
new_hooked_project refuse 'guard: refuse'
echo good >cases/c && git add -A
exits 0 'a commit that pre-commit accepted passes' git commit -q -m 'c'
exits 0 'its amended message passes' git commit -q --amend -m 'c, reworded'
tree=$(git rev-parse 'HEAD^{tree}')
echo good >cases/d && git add -A
before=$(tip) was=$(state)
exits 128 'a commit past pre-commit is refused' git commit -q --no-verify -m 'unjudged'
says 'the way to land it is said' 'ratchet propose [0-9a-f]{12}'
check 'the branch did not move' test "$(tip)" = "$before"
check 'all is still staged' test "$(state)" = "$was"
check 'the refusal is in the ledger' entry 1 "\"base\":\"$before\".*\"op\":\"judged\".*\"verdict\":\"refused\""
exits 0 'the same commit passes with pre-commit' git commit -q -m 'd'
echo changed >cases/d && git add -A
exits 128 'amending the content of the target is refused' git commit -q --amend --no-edit
git reset -q --hard
check 'the commit to amend is still there' test "$(git log -1 --format=%s)" = d
before=$(tip)
exits 128 'an accepted tree on another parent is refused' git update-ref refs/heads/main "$(git commit-tree -p HEAD^^ -m x "$tree")"
exits 128 'update-ref is refused' git update-ref refs/heads/main HEAD^
exits 128 'update-ref --no-deref of HEAD is refused' git update-ref HEAD HEAD^
check 'the target is where it was' test "$(tip)" = "$before"

branch side cases/side good
echo staged >>cases/a && git add cases/a && echo unstaged >>cases/b && echo loose >loose
was=$(state)
refuse 'a fast-forward merge that nothing judged is refused' git merge -q --ff-only side
told=$SAID
says 'the message gives the command that restores' "^    git read-tree -m -u $(tip side) HEAD$"
check 'the branch did not move with it' test "$(tip)" = "$before"
check 'git has written the work tree all the same' test -f cases/side
exits 0 'the command that the message gives works' follow
check 'it restores the work tree, and keeps staged, unstaged and untracked work' test "$(state)" = "$was"
git reset -q --hard && rm loose

was=$(state)
refuse 'reset --hard is refused' git reset -q --hard HEAD^
told=$SAID
check 'the branch did not move with reset' test "$(tip)" = "$before"
check 'git has reset the work tree all the same' test ! -e cases/d
exits 0 'the command of that message works too' follow
check 'it restores what was reset' test "$(state)" = "$was"

refuse 'a cherry-pick is refused' git cherry-pick side
told=$SAID
exits 0 'its message restores the work tree' follow
check 'after a refused cherry-pick all is as before' test "$(tip):$(state)" = "$before:$was"
git cherry-pick --quit

exits 0 'a true merge that pre-merge-commit accepted passes' git merge -q --no-ff --no-edit side
check 'and was judged as a whole' entry 1 "\"candidate\":\"$(tip)\".*\"fast\":false.*\"verdict\":\"would-land\""
before=$(tip)
git checkout -q -b work
exits 128 'branch -f is refused' git branch -f main side
check 'from another branch no command is given' sh -c "! printf '%s' '$SAID' | grep -q read-tree"
refuse 'branch -D of the target is refused' git branch -q -D main
refuse 'update-ref -d of the target is refused' git update-ref -d refs/heads/main
says 'a refused deletion says so' 'is guarded and is not deleted'
exits 128 'one refused line refuses the transaction' sh -c "printf '%s\n' 'create refs/heads/t1 $before' 'update refs/heads/main $(tip side)' | git update-ref --stdin"
check 'no ref of a refused transaction moved' test "$(tip main):$(tip refs/heads/t1)" = "$before:"
echo good >cases/w && git add -A && must git commit -q --no-verify -m 'w'
echo good >cases/x && git add -A && must git commit -q --no-verify -m 'x'
exits 0 'another branch is rebased and reset freely' sh -c "git rebase -q HEAD~2 --onto side && git reset -q --hard HEAD^"
git checkout -q main
exits 0 'packing the target is not a deletion' git pack-refs --all
check 'its loose ref is gone' test ! -e .git/refs/heads/main
exits 0 'collecting garbage is not either' git gc -q --prune=now
refuse 'the packed target is not deleted either' git update-ref -d refs/heads/main
check 'the target is still there' test "$(tip refs/heads/main)" = "$before"
exits 0 'a proposal lands' "$RATCHET" propose work
exits 0 'verify is content' "$RATCHET" verify

# what the message says is done, word by word
said_commands() {
	printf '%s\n' "$told" | grep -q '`ratchet check ' || return
	printf '%s\n' "$told" | grep -o '`[^`]*`' | tr -d '`' | while read -r command; do
		case $command in
		ratchet\ check\ *) "$RATCHET" ${command#ratchet } </dev/null || return ;;
		git\ *) $command </dev/null || return ;;
		*) return 1 ;;
		esac
	done
}
echo more >>cases/side && git add -A && staged=$(git write-tree)
refuse 'amending is refused again' git commit -q --amend --no-edit
told=$SAID
exits 0 'the commands of the message for what is no fast-forward work' said_commands
check 'the target is the amended commit' test "$(git rev-parse 'main^{tree}'):$(git status --porcelain)" = "$staged:"
must git branch -f onto "$(git commit-tree -p main^ -m onto "$(git rev-parse 'main^^{tree}')")"
tick
refuse 'a rebase of the target is refused' git rebase -q onto
told=$SAID
says 'how the rebase goes on is said' 'and after it `git rebase --continue` goes through'
exits 0 'its commands finish the rebase' said_commands
check 'the target is rebased' git merge-base --is-ancestor onto main
check 'no rebase is left under way' test "$(git symbolic-ref HEAD)" = refs/heads/main

# ---- upstream ----
must git init -q --bare "$BOX/up.git"
must git remote add origin "$BOX/up.git"
must git push -q -u origin main
must git clone -q "$BOX/up.git" "$BOX/peer"
(cd "$BOX/peer" && echo good >cases/u && commit 'upstream' && git push -q origin main) || exit 1
before=$(tip)
exits 0 'fetching is free' git fetch -q
exits 0 'a fast-forward to upstream passes' git update-ref refs/heads/main origin/main
must git read-tree -m -u "$before" HEAD
check 'an open entry is written for it' entry 1 "\"kind\":\"upstream\",\"new\":\"$(tip origin/main)\".*\"op\":\"open\""
check 'status shows that it is open' sh -c "'$RATCHET' status | grep -q '^open: .*has not been judged'"
echo good >cases/v && git add -A
exits 3 'pre-commit says inconclusive while it is open' "$RATCHET" hook pre-commit
exits 1 'a commit is blocked while it is open' git commit -q -m 'v'
git diff --cached >"$BOX/v.patch" && git reset -q --hard
exits 3 'a proposal is inconclusive while it is open' "$RATCHET" propose "$BOX/v.patch"
must git init -q --bare "$BOX/other.git"
exits 3 'pre-push says inconclusive while it is open' sh -c \
	"echo 'refs/heads/main $(tip) refs/heads/main $before' | '$RATCHET' hook pre-push other '$BOX/other.git'"
exits 1 'a push is blocked while it is open' git push -q "$BOX/other.git" main
exits 0 'a judgement that accepts closes it' "$RATCHET" check
exits 0 'after it the proposal lands' "$RATCHET" propose "$BOX/v.patch"
(cd "$BOX/peer" && git fetch -q ../refuse main && git reset -q --hard FETCH_HEAD && echo bad >cases/a && commit 'upstream, bad' && git push -q origin main) || exit 1
before=$(tip)
must git fetch -q
exits 0 'a fast-forward to an upstream that regresses passes the guard' git update-ref refs/heads/main origin/main
must git read-tree -m -u "$before" HEAD
exits 1 'it is judged' "$RATCHET" check
exits 3 'it stays open' "$RATCHET" propose "$BOX/v.patch"
refuse 'going back further than to what was before it is refused' git update-ref refs/heads/main "$before^"
exits 0 'going back to what was before it passes' git reset -q --keep "$before"
check 'that too has its entry' entry 1 "\"new\":\"$before\",\"old\":\"$(tip origin/main)\".*\"op\":\"rejected\".*\"verdict\":\"inconclusive\""
exits 5 'that settles it' "$RATCHET" propose "$BOX/v.patch"
exits 128 'a fast-forward to a commit that no remote holds is refused' git update-ref refs/heads/main "$(git commit-tree -p HEAD -m x "$(git rev-parse 'side^{tree}')")"
exits 0 'verify is content in the end' "$RATCHET" verify
finish
