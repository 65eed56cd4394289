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

echo another >another && git add -N another && git diff >"$BOX/more.patch" && git reset -q && rm another

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
# a linked worktree has them in its own git directory
must git clone -q . "$BOX/main-tree"
must git -C "$BOX/main-tree" worktree add -q "$BOX/linked" -b linked
exits 3 'a linked worktree without the submodule is not judged' "$RATCHET" -C "$BOX/linked" check
must git -C "$BOX/linked" submodule -q update --init
exits 0 'a linked worktree has clones of submodules of its own' "$RATCHET" -C "$BOX/linked" check
# `git submodule add` of a repository that is there already leaves it in the work tree
must git clone -q . "$BOX/embedded" && cd "$BOX/embedded" || exit 1
must git clone -q "$BOX/library" module
exits 0 'a repository in the work tree is the clone of the submodule there' "$RATCHET" check
must git clone -q --bare . "$BOX/bare.git" && cd "$BOX/bare.git" || exit 1
exits 3 'a bare repository without the submodule judges nothing' "$RATCHET" propose "$BOX/more.patch"
says 'a bare repository is told which clone it needs' 'git clone --bare URL [^ ]*/modules/module'
must git clone -q --bare "$BOX/library" modules/module
exits 0 'a bare repository has clones of submodules beside its objects' "$RATCHET" propose "$BOX/more.patch"

# what a check sees of submodules is its inputs' matter
new_repo inputs
must git submodule -q add "$BOX/library" vendor/module
mkdir src && echo 1 >src/a
{
	printf 'version: 1\ntarget: main\nchecks:\n'
	for inputs in 'vendor/**' 'vendor/module/**' vendor/module/value vendor/module; do
		printf '  - {name: %s, inputs: ["%s"], run: test -e vendor/module/value}\n' "$(echo "$inputs" | tr '/*' '._')" "$inputs"
	done
	printf '  - {name: src, inputs: [src], run: test ! -e vendor && test ! -e .gitmodules}\n'
} >ratchet.yml
commit inputs
exits 0 'a check whose inputs name a submodule, or something in it, sees it' "$RATCHET" check
says 'no check went without' '5 passed'

new_repo unneeded
must git submodule -q add "$BOX/library" module
printf 'version: 1\ntarget: main\nchecks:\n  - {name: src, inputs: [src], run: test -e src/a}\n' >ratchet.yml
mkdir src && echo 1 >src/a && commit first && git clone -q . "$BOX/without" && cd "$BOX/without" || exit 1
must "$RATCHET" check
must "$RATCHET" baseline record
echo 2 >src/a && git diff >"$BOX/a.patch" && git checkout -q .
exits 0 'a submodule that no check sees is not asked for' "$RATCHET" propose "$BOX/a.patch"
exits 0 'a landing without it is complete' "$RATCHET" verify
# `submodules: none`: the operator's word that no check needs them
new_repo no-need
must git submodule -q add "$BOX/library" module
printf 'version: 1\ntarget: main\nsubmodules: none\nchecks:\n  - {name: all, run: test -d module && ! test -e module/value}\n' >ratchet.yml
mkdir src && echo 1 >src/a && commit first && git clone -q . "$BOX/none" && cd "$BOX/none" || exit 1
must "$RATCHET" check
must "$RATCHET" baseline record
exits 0 'with submodules: none a clone without them is judged' "$RATCHET" propose "$BOX/a.patch"
must git submodule -q update --init
git -C module checkout -q HEAD~ && git diff >"$BOX/back.patch" && git submodule -q update && git reset -q --hard
exits 4 'a submodule that moves is a matter of policy with submodules: none too' "$RATCHET" propose "$BOX/back.patch"
says 'the rule is named' 'rule submodule'
finish
