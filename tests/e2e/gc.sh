#!/bin/bash
# Retention: gc drops old attempts, evidence, exported trees and results, never an entry, and says what it did.
. "$(dirname "$0")/lib.sh"

new_project gc
patch() { # name, content: a case, as a patch
	printf '%s\n' "diff --git a/cases/$1 b/cases/$1" 'new file mode 100644' '--- /dev/null' "+++ b/cases/$1" '@@ -0,0 +1 @@' "+$2" >"$BOX/$1.patch"
}
break_a() {
	printf '%s\n' 'diff --git a/cases/a b/cases/a' '--- a/cases/a' '+++ b/cases/a' '@@ -1 +1 @@' -good "+$1" >"$BOX/break.patch"
}
refs() {
	git for-each-ref --format='%(refname)' "refs/ratchet/$1" | wc -l
}
writer=$(cat .git/ratchet/writer)
chain=refs/ratchet/ledger/$writer

# Two attempts and a landing of long ago, and the same of today.
export RATCHET_TEST_NOW=1700000000
break_a bad
exits 1 'an attempt of long ago is rejected' "$RATCHET" propose "$BOX/break.patch"
patch c good
exits 0 'a proposal of long ago lands' "$RATCHET" propose "$BOX/c.patch"
unset RATCHET_TEST_NOW
break_a worse
exits 1 'an attempt of today is rejected' "$RATCHET" propose "$BOX/break.patch"
new=$(printf '%s\n' "$SAID" | sed -n 's/^regressed \([0-9a-f]*\).*/\1/p')
patch d good
exits 0 'a proposal of today lands' "$RATCHET" propose "$BOX/d.patch"
entries=$(git rev-list --count "$chain")
evidence=$(refs evidence)
head=$(git rev-parse "$chain")

exits 0 'a dry run succeeds' "$RATCHET" gc --dry-run
says 'a dry run says what would go' '^would drop 1 attempts, 2 pieces of evidence'
check 'a dry run changes nothing' test "$(refs rejected) $(refs evidence) $(git rev-parse "$chain")" = "2 $evidence $head"

before=$(git status --porcelain | sha256sum)$(tip)
echo mine >untracked
exits 0 'gc succeeds' "$RATCHET" gc
says 'gc says what it dropped' '^dropped 1 attempts, 2 pieces of evidence .* packed [0-9]+ entries'
check 'an attempt older than the age is gone' test "$(refs rejected)" = 1
check 'an attempt of today is kept' git rev-parse -q --verify "refs/ratchet/rejected/$new"
check 'old evidence is gone and new evidence is kept' test "$(refs evidence)" = $((evidence - 2))
check 'no entry is dropped, and one says what went' test "$(git rev-list --count "$chain")" = $((entries + 1))
check 'the entry of a gc counts what was removed' entry 1 '"attempts":1.*"evidence":2.*"op":"gc"'
check 'the chain before the gc is the chain after it' git merge-base --is-ancestor "$head" "$chain"
exits 0 'the ledger verifies after a gc' "$RATCHET" verify --all
check 'git fsck is content after a gc' git fsck --no-dangling
rm untracked
check 'target, index and work tree are as they were' test "$(git status --porcelain | sha256sum)$(tip)" = "$before"
exits 0 'an attempt whose evidence is kept is explained' "$RATCHET" explain "$new"

# ---- the ledger is packed ----
loose=$(git rev-list "$head" | while read -r id; do [ ! -e ".git/objects/${id:0:2}/${id:2}" ] || echo "$id"; done)
check 'entries are packed and their loose files are gone' test -z "$loose"
exits 0 'a second gc finds nothing but its own entry' "$RATCHET" gc
says 'a second gc drops nothing' '^dropped 0 attempts, 0 pieces of evidence'
count=$(git rev-list --count "$chain")
exits 0 'a gc without anything to do succeeds' "$RATCHET" gc
check 'a gc that removed nothing writes no entry' test "$(git rev-list --count "$chain")" = "$count"
patch e good
exits 0 'a proposal lands on a packed ledger' "$RATCHET" propose "$BOX/e.patch"

# ---- size, trees, time ----
exits 0 'evidence beyond its size goes' "$RATCHET" gc --evidence 0
check 'no evidence is left where none may be kept' test "$(refs evidence)" = 0
check 'exported trees are there before they are dropped' sh -c 'ls -d .git/ratchet/layers/*/'
exits 0 'exported trees beyond their number go' "$RATCHET" gc --layers 0
refuse 'no exported tree is left where none may be kept' sh -c 'ls -d .git/ratchet/layers/*/'
patch k good
exits 0 'a proposal exports its tree again' "$RATCHET" propose "$BOX/k.patch"
exits 0 'trees within their size stay' "$RATCHET" gc --size 1000
check 'an exported tree is kept while there is room' sh -c 'ls -d .git/ratchet/layers/*/'
exits 0 'trees beyond their size go' "$RATCHET" gc --size 0
refuse 'no exported tree is left where there is no room' sh -c 'ls -d .git/ratchet/layers/*/'
patch f good
exits 0 'a proposal lands after its trees were dropped' "$RATCHET" propose "$BOX/f.patch"
break_a worst
exits 1 'another attempt is rejected' "$RATCHET" propose "$BOX/break.patch"
exits 0 'a gc whose time is over succeeds' "$RATCHET" gc --age 0s --time 0s
says 'a gc whose time is over says that the next goes on' 'the next run goes on'
check 'what a gc did not get to is still there' test "$(refs rejected)" != 0
exits 2 'an age that is none is a usage error' "$RATCHET" gc --age soon
says 'an age that is none is named' '--age takes a duration'

# ---- beside proposals ----
for name in g h i j; do patch $name good; done
(for name in g h i j; do "$RATCHET" propose "$BOX/$name.patch" || exit 1; done) >"$BOX/said" 2>&1 &
runner=$!
failed=0
for _ in 1 2 3 4 5 6; do
	"$RATCHET" gc --age 0s --evidence 0 --layers 0 --results 0 >>"$BOX/gc-said" 2>&1 || failed=1
done
wait $runner
landed=$?
check 'proposals beside a gc that takes all it may take land' test "$landed" = 0
check 'a gc beside proposals succeeds' test "$failed" = 0
exits 0 'the ledger verifies after a gc beside proposals' "$RATCHET" verify --all
check 'git fsck is content after a gc beside proposals' git fsck --no-dangling
check 'nothing is left over of a gc beside proposals' test -z "$(git for-each-ref refs/ratchet/pending; ls .git/ratchet/quarantine)"

finish
