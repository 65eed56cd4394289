#!/bin/bash
# Waivers: what may fall, for how long, and who says so.
. "$(dirname "$0")/lib.sh"

new_project project
echo good >cases/c
git add -A
git diff --cached >"$BOX/good.patch"
git reset -q --hard
must "$RATCHET" propose "$BOX/good.patch"
git rm -q cases/c && git diff --cached >"$BOX/remove-c.patch" && git reset -q --hard
git rm -q cases/b && git diff --cached >"$BOX/remove-b.patch" && git reset -q --hard
exits 1 'without a waiver a case cannot go' "$RATCHET" propose "$BOX/remove-c.patch"
exits 2 'a waiver needs a reason and a day' "$RATCHET" waive unit/c
exits 2 'a day is a day' "$RATCHET" waive unit/c --reason x --until tomorrow
exits 2 'a day in the past permits nothing' "$RATCHET" waive unit/c --reason x --until 2020-01-01
exits 2 'a level is a level' "$RATCHET" waive unit/c --reason x --until 2030-01-01 --to somewhere
exits 4 'without a signer a waiver needs a person' "$RATCHET" waive unit/c --reason x --until 2030-01-01
says 'it says what to do' 'ratchet init --signer KEY'
exits 4 'no pipe answers for the person' sh -c "echo govern | setsid '$RATCHET' waive unit/c --governance --reason x --until 2030-01-01"
export RATCHET_TEST_NOW=1900000000 # 2030-03-17
person() { # ANSWER COMMAND...: a person at a terminal
	local answer=$1
	shift
	(sleep 1 && echo "$answer" && sleep 1) | script -qec "$*" /dev/null
}
exits 4 'a person who does not agree stops it' person no "'$RATCHET' waive unit/c --governance --reason x --until 2030-03-20"
exits 0 'a person on a terminal lets it through unsigned' person govern \
	"'$RATCHET' waive 'unit/c*' --governance --reason 'it is \"old\" now' --until 2030-03-20"
check 'the waiver is in the policies' git grep -qF 'unit/c*' HEAD -- .ratchet/policies/waivers.yml
exits 0 'status knows the waiver' "$RATCHET" status
says 'status says how long it holds, and why' '^waiver unit/c\*: 4 days left: it is "old" now$'
exits 0 'with the waiver the case may go' "$RATCHET" propose "$BOX/remove-c.patch"
says 'the verdict names what was let fall' 'let fall by a waiver: unit/c'
check 'the line is looser in a new epoch' git grep -q 'unit/c	gone		1' HEAD -- .ratchet/baseline
exits 1 'the waiver lets nothing else fall' "$RATCHET" propose "$BOX/remove-b.patch"
must ssh-keygen -q -t ed25519 -N '' -C op -f "$BOX/key"
printf 'op@example.com %s\n' "$(cut -d' ' -f1,2 "$BOX/key.pub")" >.ratchet/policies/allowed_signers
git add -A && git diff --cached >"$BOX/signers.patch" && git reset -q --hard
exits 0 'a person names the first signer' person govern "'$RATCHET' propose --governance '$BOX/signers.patch'"
exits 2 'a signed waiver needs a key' "$RATCHET" waive 'unit/b' --reason 'b goes' --until 2030-03-18
says 'it says where the key is looked for' 'user.signingKey'
echo 'max_files: 10' >.ratchet/policies/limits.yml
git add -A && git diff --cached >"$BOX/limits.patch" && git reset -q --hard
exits 4 'once there is a signer the word of a person is no signature' person govern \
	"'$RATCHET' propose --governance '$BOX/limits.patch'"
exits 0 'a waiver is signed with the key that is given' "$RATCHET" waive 'unit/b' --reason 'b goes' --until 2030-03-18 --key "$BOX/key"
check 'the waiver is a commit of its own with a signature' git log -1 --format=%B%n HEAD
check 'git itself sees the signature' sh -c "git cat-file commit \"\$(git log --format=%H -1 -- .ratchet/policies/waivers.yml)\" | grep -q '^gpgsig -----BEGIN SSH SIGNATURE'"
export RATCHET_TEST_NOW=1900100000 # 2030-03-18, the last day, in the evening
exits 0 'on its last day a waiver holds' "$RATCHET" propose --dry-run "$BOX/remove-b.patch"
export RATCHET_TEST_NOW=1900202400 # 2030-03-19
exits 1 'after its last day a waiver permits nothing' "$RATCHET" propose "$BOX/remove-b.patch"
"$RATCHET" status >"$BOX/said"
check 'status reports the waiver that has expired' grep -q '^waiver unit/b: expired' "$BOX/said"
exits 0 'lines already written stay' "$RATCHET" baseline verify
unset RATCHET_TEST_NOW

# what is red on the target itself: the waiver is the way out, and its own commit must not wait for what it permits
new_project rotten
git rm -q cases/b && echo bad >cases/a && commit 'past the gate'
echo text >text && git add text && git diff --cached >"$BOX/text.patch" && git reset -q --hard
exits 3 'what fails on the target holds others back' "$RATCHET" propose "$BOX/text.patch"
says 'a case that the target lacks is absent, and the way out is named' 'unit/b is absent, and so it is on the target itself: .*ratchet waive'
exits 3 'a waiver of one does not stand for the other' person govern \
	"'$RATCHET' waive unit/b --governance --reason 'b went' --until 2099-01-01"
exits 0 'a waiver of what fails on the target lands' person govern \
	"'$RATCHET' waive 'unit/?' --governance --reason 'both went' --until 2099-01-01"
says 'it lets nothing fall before it has landed' 'unit/a fails here and on the target, and the waiver that comes names it'
check 'the lines are as they were' test "$(git grep -hc 'pass' HEAD -- .ratchet/baseline)" = 2
exits 0 'with that waiver others are not held back' "$RATCHET" propose "$BOX/text.patch"
says 'both lines fell by it' 'let fall by a waiver: unit/b'
finish
