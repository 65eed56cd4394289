#!/bin/bash
# A cell sees the files of submodules, from the clones that are there, at the recorded commits; nothing is fetched.
. "$(dirname "$0")/lib.sh"
export GIT_ALLOW_PROTOCOL=file

new_repo library && echo 1 >value && must commit one && one=$(git rev-parse HEAD)
echo 2 >value && must commit two
new_repo super
must git submodule -q add "$BOX/library" module
must git -C module checkout -q "$one"
printf 'version: 1\ntarget: main\nchecks:\n  - name: unit\n    run: test "$(cat module/value)" = "$(cat want)"\n' >ratchet.yml
mkdir -p .ratchet/policies && printf 'modes: ["100644", "100755", "120000", "160000"]\n' >.ratchet/policies/main.yml
echo 1 >want && must commit first
must "$RATCHET" baseline record

echo text >text && git add -N text && git diff >"$BOX/text.patch" && git reset -q && rm text
exits 0 'a check sees the files of a submodule' "$RATCHET" propose "$BOX/text.patch"

must git -C module checkout -q main && echo 2 >want
git diff >"$BOX/up.patch" && git checkout -q want && git -C module checkout -q "$one"
exits 0 'a proposal that moves a submodule is tested with its files' "$RATCHET" propose "$BOX/up.patch"
check 'the submodule moved' test "$(git rev-parse main:module)" = "$(git -C "$BOX/library" rev-parse main)"

git diff main~1 main -- module | sed "s/^+Subproject commit .*/+Subproject commit 1111111111111111111111111111111111111111/" >"$BOX/gone.patch"
must git -C module checkout -q main
sed -i "s/^-Subproject commit .*/-Subproject commit $(git rev-parse main:module)/;/^index/d" "$BOX/gone.patch"
exits 3 'a submodule whose commit is not here is not judged' "$RATCHET" propose "$BOX/gone.patch"
says 'the submodule and the mend are named' 'module .*git submodule update'

must git clone -q . "$BOX/bare-of-modules" && cd "$BOX/bare-of-modules" || exit 1
exits 3 'a clone without the submodule is not judged' "$RATCHET" check
says 'the missing clone and the mend are named' 'module is not cloned here.*git submodule update'
must git submodule -q update --init
exits 0 'with the submodule it is' "$RATCHET" check
finish
