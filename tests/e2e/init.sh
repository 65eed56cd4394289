#!/bin/bash
# ratchet init: what it recognises, asks, commits, leaves alone, and takes back.
. "$(dirname "$0")/lib.sh"

# All of a repository that init may change, as text. The lane is a lock: who held it last is no state.
state() {
	git for-each-ref
	git rev-parse HEAD
	git ls-files -s
	git status --porcelain
	(cd "$(git rev-parse --git-common-dir)" && cat config &&
		find . -type f \( -path './hooks/*' -o -path './ratchet/*' \) ! -name lane -exec sha256sum {} + | LC_ALL=C sort)
	find . -path ./.git -prune -o -type f -exec sha256sum {} + | LC_ALL=C sort
}
# A project that init recognises at once: make with a target `check`. Case by exit code.
make_project() {
	new_repo "$1"
	printf 'check:\n\tgrep -q good a\n\tgrep -q good b\n' >Makefile
	echo good >a
	echo good >b
	must commit 'first'
}

# ---- adopting ----
make_project adopt
printf '#!/bin/sh\necho mine >>"%s/hook-ran"\n' "$BOX" >.git/hooks/pre-commit
chmod +x .git/hooks/pre-commit
sha256sum .git/hooks/* >"$BOX/hooks.before"
cp .git/config "$BOX/config.before"
first=$(tip)
exits 0 'init adopts a project' "$RATCHET" init
says 'init says what it recognised' '^recognised make$'
says 'init names the commit and the baseline' '^committed as [0-9a-f]{12} with a baseline of [0-9]+ lines'
check 'the matrix ran three times' test "$(printf '%s\n' "$SAID" | grep -c '^passed *unit')" = 3
check 'the adoption is one commit on top' test "$(git rev-parse HEAD^)" = "$first"
check 'it adds its own files and nothing else' test "$(git diff --name-only HEAD^ | tr '\n' ' ')" = '.ratchet/.gitattributes .ratchet/baseline/unit.tsv .ratchet/policies/allowed_signers .ratchet/policies/policy.yml ratchet.yml '
check 'ratchet.yml says what its parts are for' grep -q '^ *#' ratchet.yml
check 'the ledger has the adoption' entry 1 '"op":"adopted"'
check 'core.hooksPath is an absolute path in the git directory' test "$(git config core.hooksPath)" = "$(realpath .git)/ratchet/hooks"
check 'the hooks that were there are as they were' sha256sum -c --quiet "$BOX/hooks.before"
exits 0 'status tells of the adoption' "$RATCHET" status
says 'status names the target' main
echo good >c && git add c
check 'a commit passes the hooks' git commit -q -m 'c'
check 'the hook that was there before ran' test -s "$BOX/hook-ran"

# ---- again ----
state >"$BOX/before"
exits 0 'init runs again' "$RATCHET" init
says 'init says that everything is in place' 'everything is in place'
state >"$BOX/after"
check 'running it again changes nothing' cmp "$BOX/before" "$BOX/after"
rm "$(git config core.hooksPath)/pre-commit"
exits 0 'init after a hook was removed' "$RATCHET" init
state >"$BOX/after"
check 'a missing hook is put back, and nothing else changes' cmp "$BOX/before" "$BOX/after"
exits 2 'a later --signer is governance' "$RATCHET" init --signer "ssh-ed25519 $(printf 'A%.0s' $(seq 68))"
says 'the mend is named' '--governance'

# ---- undo ----
exits 0 'init --undo' "$RATCHET" init --undo
check 'core.hooksPath is not set any more' test -z "$(git config core.hooksPath)"
check 'no key of ratchet is left in the configuration' cmp "$BOX/config.before" .git/config
: >"$BOX/hook-ran"
git commit -q --allow-empty -m 'after the undo'
check 'the hook from before runs again by itself' test -s "$BOX/hook-ran"
check 'what was committed stays' test -e ratchet.yml
exits 2 '--undo stands alone' "$RATCHET" init --undo --no-commit

# ---- hooks by another manager ----
make_project managed
mkdir .husky
printf '#!/bin/sh\necho managed >>"%s/managed-ran"\n' "$BOX" >.husky/pre-commit
chmod +x .husky/pre-commit
must commit 'hooks'
git config core.hooksPath .husky
exits 0 'init where core.hooksPath is set already' "$RATCHET" init --runs 1
echo good >c && git add c && git commit -q -m 'c' 2>/dev/null
check 'the hooks of another manager go on running' test -s "$BOX/managed-ran"
exits 0 'undo there' "$RATCHET" init --undo
check 'core.hooksPath is what it was' test "$(git config core.hooksPath)" = .husky

# ---- staged and dirty work ----
make_project staged
echo staged >>a && git add a
echo unstaged >>b
echo untracked >c
git diff --cached >"$BOX/staged.before"
git diff >"$BOX/unstaged.before"
exits 0 'init with staged and unstaged work' "$RATCHET" init --runs 1
check 'staged work is not committed' test "$(git show HEAD:a)" = good
git diff --cached >"$BOX/staged.after"
git diff >"$BOX/unstaged.after"
check 'staged work is staged still' cmp "$BOX/staged.before" "$BOX/staged.after"
check 'unstaged work is there still' cmp "$BOX/unstaged.before" "$BOX/unstaged.after"
check 'an untracked file is untouched' test "$(cat c)" = untracked

# ---- --no-commit ----
make_project no-commit
before=$(tip)
exits 0 'init --no-commit' "$RATCHET" init --no-commit
check 'HEAD did not move' test "$(tip)" = "$before"
check 'the files are in the work tree, not staged' test "$(git status --porcelain | sort | tr '\n' ' ')" = '?? .ratchet/ ?? ratchet.yml '
sed -i 's/^checks:/jobs: 1\n&/' ratchet.yml
exits 0 'init takes the edited file as it is' "$RATCHET" init
says 'and says so' 'taken as it is'
check 'the edit is committed' git grep -q 'jobs: 1' HEAD -- ratchet.yml
check 'nothing is left over' test -z "$(git status --porcelain)"

# ---- a file of the user's own ----
make_project own-file
printf 'version: 1\nchecks:\n  - name: mine\n    run: make -s check\n' >ratchet.yml
exits 2 'a ratchet.yml and --check do not go together' "$RATCHET" init --check 'unit=true'
exits 0 'a ratchet.yml that is there is adopted' "$RATCHET" init --runs 1
check 'it is committed byte for byte' test "$(git show HEAD:ratchet.yml)" = "$(printf 'version: 1\nchecks:\n  - name: mine\n    run: make -s check\n')"
make_project broken-file
printf 'version: 1\nchekcs: []\n' >ratchet.yml
exits 2 'a broken ratchet.yml is an error' "$RATCHET" init
says 'with its line and column' 'ratchet.yml:2:1'

# ---- --check, and asking ----
new_repo unknown
echo text >a
must commit 'first'
cp .git/config "$BOX/config.before"
exits 2 'a project that is not recognised is an error without a terminal' "$RATCHET" init
says 'the option that helps is named' "--check 'unit=COMMAND'"
check 'its work tree is as it was' test -z "$(git status --porcelain)"
check 'its configuration is as it was' cmp "$BOX/config.before" .git/config
exits 2 'a check without a command is refused' "$RATCHET" init --check unit
exits 2 'a name with blanks is refused' "$RATCHET" init --check 'my unit=true'
exits 2 'two checks of one name are refused' "$RATCHET" init --check 'a=true' --check 'a=true'
exits 0 'checks may be given' "$RATCHET" init --runs 1 --check 'text=grep -q text a' --check "odd=test \"\$(cat a)\" = 'text' # not: 'other'"
check 'each is a check of its own' test "$(ls .ratchet/baseline | tr '\n' ' ')" = 'odd.tsv text.tsv '
new_repo asked
echo text >a
must commit 'first'
if command -v script >/dev/null; then
	terminal() { # keys, command
		printf '%s\n' "$1" | script -qec "$2" /dev/null
	}
	exits 0 'on a terminal init asks for one command' terminal 'grep -q text a' "'$RATCHET' init --runs 1"
	says 'the question is short' 'Which command runs the tests\?'
	check 'the answer is what the check runs' grep -qF 'run: grep -q text a' ratchet.yml
else
	skip 'on a terminal init asks for one command' 'there is no script(1)'
fi

# ---- signer and agents ----
make_project signer
must ssh-keygen -q -t ed25519 -N '' -C me -f "$BOX/key"
exits 2 '--agents needs --signer' "$RATCHET" init --agents
says 'and says why' 'an agent could change the rules'
exits 2 'a private key is not taken' "$RATCHET" init --signer "$BOX/key"
says 'the public one is named' 'key\.pub'
exits 2 'what is no key is not taken' "$RATCHET" init --signer "$BOX/config.before"
exits 0 '--agents with --signer' "$RATCHET" init --runs 1 --agents --signer "$BOX/key.pub"
check 'the key is committed with the address of the committer' grep -q "^$GIT_COMMITTER_EMAIL namespaces=\"git\" ssh-ed25519 " .ratchet/policies/allowed_signers
check 'changes of tests are judged strictly' grep -q '^support_changes: strict' ratchet.yml
sed -i 's/^version: 1/&\njobs: 1/' ratchet.yml && git diff >"$BOX/rule.patch" && git checkout -q .
exits 4 'from then on a change of the rules takes a signature' "$RATCHET" propose "$BOX/rule.patch"

# ---- cases that do not pass every time ----
new_repo mixed
printf '%s\n' '#!/bin/sh' 'echo 1..4' 'echo ok 1 - steady' 'echo not ok 2 - failing' 'echo ok 4 - elsewhere \# SKIP not here' \
	'n=$(od -An -N1 -tu1 /dev/urandom)' '[ $((n % 2)) = 0 ] && echo ok 3 - coin || echo not ok 3 - coin' 'exit 1' >run
chmod +x run
printf 'version: 1\nchecks:\n  - name: unit\n    run: ./run\n    report: {tap: stdout}\n' >ratchet.yml
must commit 'first'
git rm -q --cached ratchet.yml && git commit -q --amend -m first
exits 0 'a project with failing cases is adopted' "$RATCHET" init --runs 12
says 'the failing case is listed' 'unit/failing'
says 'the flaky case is listed' 'unit/coin'
says 'the skipped case is listed' 'unit/elsewhere is skipped, and is not recorded'
check 'only the steady case is recorded' test "$(cut -f1,2 .ratchet/baseline/unit.tsv)" = 'unit/steady	pass'
new_repo unprepared
printf 'version: 1\nchecks:\n  - name: deps\n    kind: prepare\n    run: echo the registry is away; exit 9\n  - name: unit\n    needs: [deps]\n    run: "true"\n' >ratchet.yml
echo text >a && git add a && git commit -qm first
exits 3 'a project whose dependencies cannot be fetched is not adopted' "$RATCHET" init --runs 1
says 'which command failed is said' 'deps failed with exit code 9'
says 'and what it printed' 'the registry is away'
make_project failing
echo bad >a
must commit 'break it'
exits 3 'a project whose only case fails is not adopted' "$RATCHET" init --runs 1
says 'what to do is said' 'run `ratchet init` again'
check 'nothing was committed' test "$(git log -1 --format=%s)" = 'break it'
check 'no hook was installed' test -z "$(git config core.hooksPath)"
echo good >a
must commit 'mend it, with the file that init left'
exits 0 'mended, it is adopted' "$RATCHET" init --runs 1

# ---- places ----
new_repo folders
mkdir one two
printf 'check:\n\ttrue\n' | tee one/Makefile >two/Makefile
must commit 'first'
exits 0 'projects in folders are adopted' "$RATCHET" init --runs 1
check 'each folder has a check of its own' test "$(ls .ratchet/baseline | tr '\n' ' ')" = 'one-unit.tsv two-unit.tsv '
make_project below
mkdir deep
exits 0 'init runs from a folder below the root' sh -c "cd deep && '$RATCHET' init --runs 1"
check 'the files are at the root' test -e ratchet.yml
make_project side
git checkout -q -b dev
exits 0 'another branch may be the target' "$RATCHET" init --runs 1 --target main
check 'the target is written down' grep -q '^target: main' ratchet.yml
make_project linked.main
must git worktree add -q "$BOX/linked.tree" -b linked
cd "$BOX/linked.tree" || exit 1
exits 0 'init runs in a linked worktree' "$RATCHET" init --runs 1
check 'its branch has the adoption' test -e ratchet.yml
check 'the other worktree is untouched' test ! -e "$BOX/linked.main/ratchet.yml"
make_project detached
git checkout -q --detach
exits 2 'a detached HEAD is a clear error' "$RATCHET" init
says 'the mend is to check out a branch' 'check out the branch'
must git init -q "$BOX/unborn"
exits 2 'an unborn branch is a clear error' "$RATCHET" -C "$BOX/unborn" init
says 'the mend is a first commit' 'no commit yet'
mkdir "$BOX/nowhere"
exits 2 'outside of a repository it is a clear error' "$RATCHET" -C "$BOX/nowhere" init
must git init -q --bare "$BOX/bare.git"
cd "$BOX/bare.git" || exit 1
exits 2 'a bare repository takes no check' "$RATCHET" init --check 'unit=true'
exits 0 'a bare repository gets hooks' "$RATCHET" init --server-governance
check 'the hooks are its own' test -x "$(git config core.hooksPath)/pre-receive"
check 'unsigned governance is allowed there' test "$(git config ratchet.unsignedGovernance)" = true
exits 0 'undo in a bare repository' "$RATCHET" init --undo
check 'its configuration is as before' test -z "$(git config --get-regexp '^(ratchet|receive)\.|hookspath')"
make_project taken
echo file >.ratchet
must commit 'a file of that name'
exits 2 'a file called .ratchet is in the way' "$RATCHET" init
make_project untracked
mkdir .ratchet
echo mine >.ratchet/notes
exits 0 'an untracked file in the folder is no obstacle' "$RATCHET" init --runs 1
check 'and stays' test "$(cat .ratchet/notes)" = mine
finish
