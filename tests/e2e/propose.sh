#!/bin/bash
# The main job, end to end: propose a patch, and it lands or rolls back by itself.
. "$(dirname "$0")/lib.sh"

new_project main-job
base=$(tip)

# ---- landing ----
echo good >cases/c && git add -A && git diff --cached >"$BOX/good.patch" && git reset -q --hard
exits 0 'a patch that breaks nothing lands' "$RATCHET" propose "$BOX/good.patch"
says 'the verdict names the target and what was gained' '^landed [0-9a-f]{12} as [0-9a-f]{12} on main: 3 passed, 1 gained'
check 'the target is one commit further' test "$(git rev-parse HEAD^)" = "$base"
check 'the checked-out work tree has the landed content' test "$(cat cases/c)" = good
check 'the work tree and index are clean after landing' test -z "$(git status --porcelain)"
check 'the baseline rose in the landed commit' git grep -q 'unit/c	pass' HEAD -- .ratchet/baseline/unit.tsv
check 'the ledger has intent and outcome' entry 2 '"op":"outcome"'
check 'no pending ref is left' test -z "$(git for-each-ref refs/ratchet/pending)"
exits 0 'the ledger and every commit verify' "$RATCHET" verify

# ---- rolling back ----
before=$(tip)
echo bad >cases/a && git diff >"$BOX/bad.patch" && git checkout -q .
exits 1 'a patch that breaks a case is rolled back' "$RATCHET" propose "$BOX/bad.patch"
says 'the output names the case' 'regressed: unit/a$'
says 'the output says what it was and what it is' 'was pass, is now fail'
id=$(printf '%s\n' "$SAID" | sed -n 's/^regressed \([0-9a-f]*\).*/\1/p')
check 'the target did not move' test "$(tip)" = "$before"
check 'the work tree is untouched' test -z "$(git status --porcelain)"
check 'the attempt is archived' git cat-file -e "refs/ratchet/rejected/$id:cases/a"
exits 0 'explain shows the attempt' "$RATCHET" explain "$id"
says 'explain gives the command that reproduces it' 'git worktree add'
check 'the rejected entry is in the ledger' entry 1 '"op":"rejected"'

# ---- cheating ----
sed -i '/unit\/a	/d' .ratchet/baseline/unit.tsv && git diff >"$BOX/lower.patch" && git checkout -q .
exits 4 'a patch that lowers the baseline is refused' "$RATCHET" propose "$BOX/lower.patch"
printf 'unit/z\tpass\t\t0\n' >>.ratchet/baseline/unit.tsv && git diff >"$BOX/claim.patch" && git checkout -q .
exits 4 'a patch that claims a case that did not run is refused' "$RATCHET" propose "$BOX/claim.patch"
sed -i 's/run-cases/true/' ratchet.yml && git diff >"$BOX/config.patch" && git checkout -q .
exits 4 'a patch that changes ratchet.yml without a signature is refused' "$RATCHET" propose "$BOX/config.patch"
git rm -q cases/b && git diff --cached >"$BOX/delete.patch" && git reset -q --hard
exits 1 'a patch that deletes a case is a regression' "$RATCHET" propose "$BOX/delete.patch"
says 'a deleted case is absent' 'was pass, is now absent'
printf '#!/bin/sh\nexit 0\n' >run-cases && git diff >"$BOX/empty.patch" && git checkout -q .
exits 3 'a runner that runs nothing proves nothing' "$RATCHET" propose "$BOX/empty.patch"
printf '#!/bin/sh\nexit 127\n' >run-cases && git diff >"$BOX/127.patch" && git checkout -q .
exits 3 'exit code 127 is inconclusive' "$RATCHET" propose "$BOX/127.patch"
printf '#!/bin/sh\necho 1..2\necho ok 1 - a\necho ok 2 - b\necho ok 3 - c\n' >run-cases && git diff >"$BOX/plan.patch" && git checkout -q .
exits 3 'more cases than the plan declares are never green' "$RATCHET" propose "$BOX/plan.patch"
key="AKIA$(printf 'Q%.0s' 1 2 3 4 5 6 7 8)ABCDEFGH"
printf '%s\n' 'diff --git a/leak b/leak' 'new file mode 100644' '--- /dev/null' '+++ b/leak' '@@ -0,0 +1 @@' "+$key" >"$BOX/secret.patch"
exits 4 'a patch with a secret is refused' "$RATCHET" propose "$BOX/secret.patch"
refuse 'the secret is nowhere in the repository' sh -c "git cat-file --batch-all-objects --batch | grep -aq '$key'"

# ---- forms of a proposal ----
exits 5 'a proposal with the tip'"'"'s own tree is a noop' "$RATCHET" propose HEAD
git checkout -q -b feature
echo good >cases/d && commit 'feature: d'
echo good >cases/e && commit 'feature: e'
git checkout -q main
exits 0 'a branch that descends from the tip lands' "$RATCHET" propose feature
check 'its commits keep their ids' git merge-base --is-ancestor feature main
git checkout -q -b old HEAD~3
echo good >cases/f && commit 'old: f

With a body.'
author=$(git log -1 --format='%an <%ae> %ad')
git format-patch -q -1 --stdout >"$BOX/f.mbox"
git checkout -q main
check 'a bare diff is by who proposes it, as git names that one' test "$(git log -1 --format='%an|%cn' "$(git log --format=%H -1 --grep='^Apply ')")" = 'A U Thor|C O Mitter'
exits 0 'a mail lands' "$RATCHET" propose "$BOX/f.mbox"
check 'author and date of a mail are kept' test "$(git log -1 --format='%an <%ae> %ad')" = "$author"
check 'subject and body of a mail are kept' test "$(git log -1 --format=%B | head -n 3)" = "$(printf 'old: f\n\nWith a body.')"
printf 'one\r\ntwo\r\n' >cases/dos && commit 'dos'
git checkout -q -b dos
printf 'one\r\nthree\r\n' >cases/dos && commit 'dos: three'
git format-patch -q -1 --stdout >"$BOX/dos.mbox"
git checkout -q main
exits 5 'a mail that lost the line ends of its file does not apply, as with git am' "$RATCHET" propose "$BOX/dos.mbox"
says 'why a mail with CRLF does not apply is said, and the way out' 'cases/dos has lines that end in CRLF.*propose the commit'
check 'what does not apply is said once' test "$(printf '%s\n' "$SAID" | grep -c 'patch does not apply')" = 1
exits 0 'the commit itself, with CRLF, lands' "$RATCHET" propose dos
git checkout -q -b old2 HEAD~2
echo good >cases/g && commit 'old2: g'
git checkout -q main
exits 0 'a commit that does not descend is replayed' "$RATCHET" propose old2
check 'the replayed commit has its subject' test "$(git log -1 --format=%s)" = 'old2: g'
echo good >cases/h && git add cases/h
exits 0 'the staged index lands' "$RATCHET" propose --staged -m 'staged: h'
check 'after a staged landing nothing is staged' test -z "$(git status --porcelain)"
echo good >cases/i && git add -A && git diff --cached >"$BOX/i.patch" && git reset -q --hard
exits 0 'a patch comes from standard input' sh -c "'$RATCHET' propose - <'$BOX/i.patch'"
echo good >cases/j && git add -A && git diff --cached >"$BOX/j.patch" && git reset -q --hard
before=$(tip)
exits 0 'a dry run judges' "$RATCHET" propose --dry-run "$BOX/j.patch"
says 'a dry run says that it would land' '^would-land'
check 'a dry run moves nothing' test "$(tip)" = "$before"

# ---- in the way ----
echo dirt >cases/j
exits 5 'an untracked file in the way is a conflict' "$RATCHET" propose "$BOX/j.patch"
check 'the untracked file is untouched' test "$(cat cases/j)" = dirt
rm cases/j
echo dirt >>cases/a
exits 0 'a dirty file that the patch does not touch is no obstacle' "$RATCHET" propose "$BOX/j.patch"
check 'the dirty file keeps its content' grep -q dirt cases/a
git checkout -q .
printf '%s\n' 'diff --git a/cases/a b/cases/a' '--- a/cases/a' '+++ b/cases/a' '@@ -1 +1 @@' '-other' '+good' >"$BOX/conflict.patch"
exits 5 'a patch that does not apply is a conflict' "$RATCHET" propose "$BOX/conflict.patch"
says 'a conflict gives the words of git' 'cases/a'
echo 'just prose' >"$BOX/prose.patch"
exits 5 'prose is no patch' "$RATCHET" propose "$BOX/prose.patch"
exits 2 'a name that is nothing is a usage error' "$RATCHET" propose no-such-thing
: >"$BOX/empty"
exits 5 'an empty patch is nothing' "$RATCHET" propose "$BOX/empty"
head -n 6 "$BOX/j.patch" >"$BOX/cut.patch"
refuse 'a truncated patch does not land' "$RATCHET" propose "$BOX/cut.patch"

# ---- bad places ----
mkdir "$BOX/nowhere"
exits 2 'outside a repository the mend is named' "$RATCHET" -C "$BOX/nowhere" propose "$BOX/i.patch"
must git init -q "$BOX/unborn"
exits 2 'an unborn branch is a clear error' "$RATCHET" -C "$BOX/unborn" propose "$BOX/i.patch"
must git init -q --object-format=sha256 "$BOX/sha256"
exits 2 'a SHA-256 repository is a clear error' "$RATCHET" -C "$BOX/sha256" propose "$BOX/i.patch"
git worktree add -q "$BOX/linked" -b linked
echo good >cases/k && git add -A && git diff --cached >"$BOX/k.patch" && git reset -q --hard
exits 0 'from a linked worktree the target lands where it is checked out' "$RATCHET" -C "$BOX/linked" propose --target main "$BOX/k.patch"
check 'the main work tree followed' test "$(cat cases/k)" = good
printf 'version: 1\nchecks:\n  - name: a\n    runn: x\n' >ratchet.yml && commit 'break the configuration'
exits 2 'an unknown key is an error with line and column' "$RATCHET" propose "$BOX/i.patch"
says 'the position is printed' 'ratchet.yml:4:5'
finish
