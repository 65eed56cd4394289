#!/bin/bash
# `git: true`: a cell has a repository of its own, with the tested commit, its tags, and nothing else.
. "$(dirname "$0")/lib.sh"

# What a cell finds out about its repository goes into its report: each line is a case.
asking() {
	cat >ask <<-'END'
		#!/bin/bash
		n=0 code=0
		ask() { # name, command...
			local name=$1
			shift
			n=$((n + 1))
			if said=$("$@" 2>&1); then echo "ok $n - $name"; else
				echo "not ok $n - $name"
				echo "# $said"
				code=1
			fi
		}
		is() { test "$(eval "$1" 2>&1)" = "$2" || { eval "$1"; return 1; }; }
		git=$(realpath .git)
		ask 'describe finds the tag' is 'git describe --tags --dirty | sed "s/-[0-9]*-g[0-9a-f]*$//"' v1.0
		ask 'HEAD is a commit of the tested tree' is 'git diff-index --name-only HEAD; git status --porcelain -uno' ''
		ask 'plumbing without a refresh sees no change' is 'git diff-files --name-only' ''
		ask 'there is no branch, no remote, no other tag' is 'git for-each-ref --format="%(refname)"' refs/tags/v1.0
		ask 'objects of other branches are not there' is 'git cat-file -t $(cat secret-id)' "fatal: git cat-file: could not get object info"
		ask 'no alternate leads out' test ! -e .git/objects/info/alternates
		ask 'every object within the depth is there' git fsck --no-dangling
		ask 'history is cut at the depth' is 'git rev-list --count HEAD' "$(cat depth)"
		ask 'the objects of the parent are there' git diff --quiet HEAD~1 HEAD -- ask
		ask 'a change shows' is 'echo more >>kept && git diff --name-only; git checkout -q kept; git status --porcelain -uno' kept
		ask 'it may be written to' git -c user.name=u -c user.email=u commit -q --allow-empty -m mine
		echo "1..$n"
		exit $code
	END
	chmod +x ask
}

new_repo project
asking
echo kept >kept
echo 12 >depth
must commit 'root'
git checkout -q -b other
echo 'the answer' >answer
must commit 'other'
git rev-parse HEAD:answer >"$BOX/secret-id"
git checkout -q main
cp "$BOX/secret-id" secret-id
for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
	echo "$n" >"f$n"
	must commit "step $n"
	[ "$n" != 1 ] || git tag too-old
done
git tag -a -m 'one' v1.0
git tag elsewhere other
cat >ratchet.yml <<-'END'
	version: 1
	target: main
	checks:
	  - name: unit
	    run: ./ask
	    report: {tap: stdout}
	    git: 12
END
must commit 'ratchet'
check 'an adoption finds all as it must be' "$RATCHET" check
says 'eleven questions are answered' '11 passed'
must "$RATCHET" baseline record

echo new >kept
git add -A && git diff --cached >"$BOX/kept.patch" && git reset -q --hard
check 'a proposal is described by its own commit' "$RATCHET" propose "$BOX/kept.patch"
says 'all cases pass' '11 passed'
check 'the objects of the target are stored once for many runs' test "$(find .git/ratchet/spare -name '*.pack' | wc -l)" -ge 1
stores=$(ls .git/ratchet/spare)
echo newer >kept
git add -A && git diff --cached >"$BOX/kept.patch" && git reset -q --hard
check 'the next one uses the same store' "$RATCHET" propose "$BOX/kept.patch"
check 'no second store was made' test "$stores" = "$(ls .git/ratchet/spare)"
echo newest >kept
git add -A
check 'a staged tree has a commit too' "$RATCHET" check --staged
git reset -q --hard

# what the run on the target's own files sees
mkdir tests && echo 1 >tests/t
sed -i '/^target/a support: ["tests/**"]' ratchet.yml
must commit 'support'
must "$RATCHET" baseline record
echo 2 >tests/t
echo other >kept
git add -A && git diff --cached >"$BOX/support.patch" && git reset -q --hard
check 'the target'"'"'s own support files are tried with a commit of that tree' "$RATCHET" propose "$BOX/support.patch"
says 'which finds all as it must be' 'the candidate.s code passes 11 cases'

for level in landlock none; do
	[ "$level" != none ] || sed -i '/^version/a isolation: none' ratchet.yml
	[ "$level" != none ] || must commit 'no isolation'
	export RATCHET_TEST_ISOLATION=$level
	echo "$level" >kept
	git add -A && git diff --cached >"$BOX/level.patch" && git reset -q --hard
	"$RATCHET" check >/dev/null 2>&1
	SAID=$("$RATCHET" propose --dry-run "$BOX/level.patch" 2>&1)
	case $SAID in
	*"isolation: $level"* | *"isolation: landlock"*) says "with isolation $level the repository is the same" '11 passed' ;;
	*) skip "with isolation $level the repository is the same" "${SAID%%$'\n'*}" ;;
	esac
done
unset RATCHET_TEST_ISOLATION

# another message is another input: nothing is answered from an earlier attempt on the same tree
new_repo message
# shellcheck disable=SC2016 # for the other shell
printf '#!/bin/sh\ncase $(git log -1 --format=%%s) in *red*) echo "not ok 1 - message"; echo 1..1; exit 1 ;; *) echo "ok 1 - message" ;; esac\necho 1..1\n' >ask
chmod +x ask
cat >ratchet.yml <<-'END'
	version: 1
	target: main
	checks:
	  - name: unit
	    run: ./ask
	    report: {tap: stdout}
	    git: true
END
must commit first
must "$RATCHET" check
must "$RATCHET" baseline record
git checkout -q -b work
echo 1 >file
must commit 'this is red'
red=$(tip)
git reset -q --soft main
must commit 'this is green'
green=$(tip)
git checkout -q main
exits 1 'a case that reads the message can fail' "$RATCHET" propose "$red"
check 'and passes for the same tree with another message' "$RATCHET" propose "$green"

sed -i '/git: true/a\    inputs: ["ask"]' ratchet.yml
git init -q "$BOX/mistaken" && cp ratchet.yml "$BOX/mistaken/" && cd "$BOX/mistaken" && must commit first
exits 2 '`git` and `inputs` exclude each other' "$RATCHET" check
says 'and it says which to leave out' 'leave out `git` or `inputs`'
sed -i '/inputs:/s/.*/    workspace: warm/' ratchet.yml
must commit second
exits 2 '`git` and a warm workspace exclude each other' "$RATCHET" check
finish
