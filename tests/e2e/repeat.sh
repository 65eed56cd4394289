#!/bin/bash
# A tree that fell is answered from the ledger, and an actor that keeps failing the same way is told so.
. "$(dirname "$0")/lib.sh"

new_project repeat
entries() {
	ledger | wc -l
}
id_said() {
	printf '%s\n' "$SAID" | sed -nE 's/^[a-z]+ ([0-9a-f]{12}) .*/\1/p'
}
echo bad >cases/a && git diff >"$BOX/bad.patch" && git checkout -q .
exits 1 'a first attempt is run' "$RATCHET" propose "$BOX/bad.patch"
first=$(id_said)
exits 1 'the same tree on the same base has the same verdict' "$RATCHET" propose "$BOX/bad.patch"
says 'the answer names the earlier attempt' "judged on this base before, as $first"
says 'the answer repeats what regressed' 'regressed: unit/a$'
says 'nothing was run for it' 'isolation: nothing ran'
says 'the actor is told of the earlier attempt' "the same actor failed the same way before: $first;"
second=$(id_said)
exits 1 'an answer that was answered names the attempt that was run' "$RATCHET" propose "$BOX/bad.patch"
says 'the third attempt names the first' "judged on this base before, as $first"
says 'the third attempt counts both' "failed the same way before: $second, $first;"
before=$(entries)
exits 1 'every answer leaves an entry' "$RATCHET" propose --dry-run "$BOX/bad.patch"
check 'the entry is there' test "$(entries)" -eq $((before + 1))
exits 1 'it is run when that is asked for' "$RATCHET" propose --again "$BOX/bad.patch"
says 'then a cell ran' 'isolation: (namespaces|landlock)'

echo worse >cases/a && git diff >"$BOX/worse.patch" && git checkout -q .
exits 1 'another tree is run' "$RATCHET" propose "$BOX/worse.patch"
says 'another tree that fails the same way is told of the earlier ones' 'failed the same way before: '
RATCHET_ACTOR=other
export RATCHET_ACTOR
echo worst >cases/a && git diff >"$BOX/worst.patch" && git checkout -q .
exits 1 'another actor is judged' "$RATCHET" propose "$BOX/worst.patch"
refuse 'another actor is not told of what it did not do' sh -c "printf '%s' \"\$1\" | grep -q 'same actor'" sh "$SAID"
RATCHET_ACTOR=e2e
echo bad >cases/b && git diff >"$BOX/b.patch" && git checkout -q .
exits 1 'another case falls' "$RATCHET" propose "$BOX/b.patch"
refuse 'who fails in another way is not told' sh -c "printf '%s' \"\$1\" | grep -q 'same actor'" sh "$SAID"

echo good >cases/c && git add -A && git diff --cached >"$BOX/good.patch" && git reset -q --hard
exits 0 'what lands is no repeat' "$RATCHET" propose "$BOX/good.patch"
exits 1 'on a new base the same change is run again' "$RATCHET" propose "$BOX/bad.patch"
says 'on a new base a cell ran' 'isolation: (namespaces|landlock)'
sed -i 's/run-cases/true/' ratchet.yml && git diff >"$BOX/config.patch" && git checkout -q .
exits 4 'a refusal by policy is judged each time' "$RATCHET" propose "$BOX/config.patch"
exits 4 'and refused each time' "$RATCHET" propose "$BOX/config.patch"
says 'a refusal that was not run is not answered from the ledger' 'refused by rule governance'
says 'a rule that is broken again is told' 'failed the same way before: '
finish
