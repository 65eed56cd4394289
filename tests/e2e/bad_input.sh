#!/bin/bash
# Bad places, bad configuration, bad baselines, bad patches, work trees in the way: a clear error with the mend, and nothing
# lost. propose.sh has the common ones.
. "$(dirname "$0")/lib.sh"

# A repository whose one check passes, with a patch for it in f.patch.
small() {
	new_repo "$1"
	printf 'version: 1\ntarget: main\nchecks:\n  - name: t\n    run: ./t\n' >ratchet.yml
	printf '#!/bin/sh\n' >t
	chmod +x t
	echo 1 >f
	must commit first
	must "$RATCHET" check
	must "$RATCHET" baseline record
	echo 2 >f
	git diff >"$BOX/f.patch"
	git checkout -q .
}
propose() {
	"$RATCHET" propose "$@" "$BOX/f.patch"
}
# wrong CODE NAME EXPRESSION COMMAND...: the exit code, what is said, and that the target and the user's files did not change.
wrong() {
	local code=$1 name=$2 words=$3 before after
	shift 3
	before=$(git rev-parse -q --verify main; git status --porcelain 2>&1; git diff HEAD 2>&1)
	exits "$code" "$name" "$@"
	says "$name: the message" "$words"
	after=$(git rev-parse -q --verify main; git status --porcelain 2>&1; git diff HEAD 2>&1)
	check "$name: nothing changed" test "$before" = "$after"
}

# ---- places ----
cd "$BOX" || exit 1
for command in propose check status log verify recover 'baseline show' 'baseline record' 'waive a --reason b --until 2030-01-01' init; do
	# shellcheck disable=SC2086
	exits 2 "outside a repository: ${command%% --*}" "$RATCHET" $command ${command/#propose*/x}
	says "outside a repository: ${command%% --*} says what to do" 'git init|ratchet [a-z]+ --help'
done
must git init -q unborn
for command in 'propose x' check 'check --staged' 'baseline record' 'init --check t=true'; do
	# shellcheck disable=SC2086
	exits 2 "on an unborn branch: $command" "$RATCHET" -C unborn $command
	says "on an unborn branch: $command asks for a first commit" 'make a first'
done
must git init -q --object-format=sha256 sha256
for command in check status init; do
	exits 2 "in a SHA-256 repository: $command" "$RATCHET" -C sha256 $command
	says "in a SHA-256 repository: $command says which kind is supported" 'only SHA-1 repositories'
done
small places
git clone -q --bare . "$BOX/bare.git"
exits 2 'a bare repository has no staged index' "$RATCHET" -C "$BOX/bare.git" propose --staged
says 'a bare repository names what can be proposed' 'propose a file'
exits 0 'a bare repository takes a patch' "$RATCHET" -C "$BOX/bare.git" propose "$BOX/f.patch"
check 'the bare target moved' test "$(git -C "$BOX/bare.git" show main:f)" = 2
git clone -q --depth 1 "file://$PWD" "$BOX/shallow"
exits 0 'a shallow clone takes a patch' "$RATCHET" -C "$BOX/shallow" propose "$BOX/f.patch"
exits 0 'a shallow clone judges its head' "$RATCHET" -C "$BOX/shallow" check
exits 2 'a range beyond the shallow boundary is no range' "$RATCHET" -C "$BOX/shallow" propose HEAD~9..HEAD
git checkout -q --detach
exits 0 'a detached HEAD is no obstacle where ratchet.yml names the target' propose
check 'the target moved without HEAD' test "$(git show main:f)" = 2
check 'HEAD and work tree stayed' test "$(cat f)" = 1
git checkout -q main && sed -i '/^target/d' ratchet.yml && commit 'no target' && git checkout -q --detach
echo 3 >f && git diff >"$BOX/f.patch" && git checkout -q .
wrong 2 'a detached HEAD and no target' '--target BRANCH' propose
exits 0 'a detached HEAD and a given target' propose --target main
new_repo super && echo a >a && commit a
must git submodule -q add "$BOX/places" module && commit module
cd module || exit 1
git checkout -q -B main && echo 4 >f && git diff >"$BOX/f.patch" && git checkout -q .
exits 0 'a submodule is a repository of its own' propose --target main
check 'the submodule moved and its super-project did not' test "$(git show main:f)" = 4
check 'the super-project sees a new commit of the submodule' test "$(git -C .. status --porcelain)" = ' M module'

# ---- names ----
small names
wrong 2 'a letter that names nothing' 'neither a file nor a commit' "$RATCHET" propose d
wrong 2 'an empty name' 'give either X' "$RATCHET" propose ''
wrong 2 'a range of names that are nothing' 'neither a file nor a commit' "$RATCHET" propose a..b
wrong 2 'three dots' 'give A..B' "$RATCHET" propose HEAD...main
wrong 2 'a blob is no commit' 'is not a commit' "$RATCHET" propose HEAD:f
wrong 2 'a file that is not there, above' '\.\./missing\.patch: there is no such file' "$RATCHET" propose ../missing.patch
mkdir folder
wrong 2 'a folder is no patch' 'neither a file' "$RATCHET" propose folder
wrong 2 'a target that is a tag' 'the target is a branch' propose --target refs/x
wrong 2 'a target that git forbids' 'not a name for a branch' propose --target a..b
wrong 2 'a time that is none' '--wait takes a time' propose --wait soon

# ---- ratchet.yml ----
small configuration
# config NAME TEXT WORDS: that ratchet.yml on the target.
config() {
	printf "$2" >ratchet.yml
	must commit "$1"
	wrong 2 "ratchet.yml with $1" "$3" propose
	must git reset -q --hard HEAD~
}
config 'a tab' 'version: 1\nchecks:\n\t- name: a\n' 'ratchet.yml:3:1: '
config 'an unknown key' 'version: 1\ncheks: []\n' 'ratchet.yml:2:1: .*did you mean `checks`'
config 'one value for a list' 'version: 1\nchecks: yes\n' 'ratchet.yml:2:9: .*write \[ \]'
config 'a mapping for a name' 'version: 1\nchecks:\n  - name: {a: b}\n    run: x\n' 'ratchet.yml:3:11: name is a single value'
config 'a wrong duration' 'version: 1\nchecks:\n  - {name: a, run: x, timeout: soon}\n' 'ratchet.yml:3:32: timeout: `soon`'
config 'a wrong number' 'version: 1\njobs: many\nchecks:\n  - {name: a, run: x}\n' 'ratchet.yml:2:7: jobs: `many`'
config 'nothing in it' '' 'begin with `version: 1`'
config 'no checks' 'version: 1\n' '`checks` is missing'
config 'a newer version' 'version: 2\n' 'ratchet.yml:1:10: version `2`'
config 'a key twice' 'version: 1\nversion: 1\n' 'ratchet.yml:2:1: .*twice'
config 'a check twice' 'version: 1\nchecks:\n  - {name: a, run: x}\n  - {name: a, run: x}\n' 'ratchet.yml:4:12: .*twice'
config 'a need that is none' 'version: 1\nchecks:\n  - {name: a, run: x, needs: [b]}\n' 'needs `b`, which does not exist'
config 'needs in a circle' 'version: 1\nchecks:\n  - {name: a, run: x, needs: [b]}\n  - {name: b, run: x, needs: [a]}\n' 'a -> b -> a'
config 'a bare star' 'version: 1\nsupport: [*.c]\n' 'quote a pattern that begins with \*'
config 'an alias bomb' 'a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b]\n' 'ratchet.yml:1:4: an anchor'
config 'a tag of another language' 'version: 1\nchecks:\n  - name: !!python/object a\n' 'ratchet.yml:3:11: a tag'
config 'a NUL byte' 'version: 1\nchecks: [a\0b]\n' 'ratchet.yml:2:1.: control characters'
config 'two documents' 'version: 1\nchecks:\n  - {name: a, run: x}\n---\nversion: 1\n' 'a second document'
config 'bytes that are no UTF-8' 'version: 1\nchecks:\n  - {name: "a\377", run: x}\n' 'UTF-8'
config 'brackets that stay open' 'version: 1\nchecks: [\n' 'ratchet.yml:3:1'
config 'a thousand brackets' "version: 1\nchecks: $(printf '[%.0s' $(seq 1000))\n" 'more than 64 levels'
config 'five megabytes' "# $(printf 'x%.0s' $(seq 1000))\n%5000000s\n" 'ratchet.yml: has [0-9]+ bytes'
rm ratchet.yml && ln -s t ratchet.yml && must commit link
wrong 2 'ratchet.yml that is a link' 'ratchet.yml: is a symbolic link' propose
must git reset -q --hard HEAD~
rm ratchet.yml && mkdir ratchet.yml && echo 1 >ratchet.yml/x && must commit folder
wrong 2 'ratchet.yml that is a folder' 'ratchet.yml: is a folder' propose
must git reset -q --hard HEAD~
git rm -q ratchet.yml && must commit none
wrong 4 'no ratchet.yml' 'ratchet propose --adopt' propose
wrong 2 'no ratchet.yml to be adopted' 'ratchet init' propose --adopt
must git reset -q --hard HEAD~
mkdir -p .ratchet/policies && echo 'forbiden: [x]' >.ratchet/policies/a.yml && must commit policy
wrong 2 'an unknown key in a policy' 'policies/a.yml:1:1: .*did you mean `forbidden`' propose
must git reset -q --hard HEAD~

new_repo mended
printf 'version: 1\ntarget: main\nchecks:\n  - {name: u, run: ./t, report: tap}\n' >ratchet.yml
printf '#!/bin/sh\necho 1..1\necho ok 1 - t\nexit 3\n' >t && chmod +x t && commit 'a broken one'
sed -i 's/report: tap/report: {tap: stdout}/' ratchet.yml && sed -i '$d' t && commit 'mended'
exits 2 'a configuration that was mended is judged against the broken one' "$RATCHET" check
says 'the commit that holds the broken one is named' "reading commit $(git rev-parse --short=12 HEAD~), which this is judged against .--base"
must "$RATCHET" baseline record
echo 'exit 3' >>t && git diff >"$BOX/three.patch" && git checkout -q .
exits 1 'an exit code that no case bears out is a regression' "$RATCHET" propose "$BOX/three.patch"
says 'it is told with the code' 'ended with exit code 3, and no case of its report failed'

# ---- the baseline ----
# baseline NAME TEXT WORDS
baseline() {
	printf "$2" >.ratchet/baseline/t.tsv
	must commit "$1"
	wrong 2 "a baseline with $1" "baseline/t.tsv:$3" propose
	must git reset -q --hard HEAD~
}
baseline 'conflict markers' '<<<<<<< a\nt/t\tpass\t\t0\n=======\n>>>>>>> b\n' '1:1: a conflict marker.*merge-driver'
baseline 'an id twice' 't/t\tpass\t\t0\nt/t\tpass\t\t0\n' '2:1: the same id twice'
baseline 'ids out of order' 't/t\tpass\t\t0\nt/a\tpass\t\t0\n' '2:1: .*sort the file'
baseline 'a level that is none' 't/t\tpasst\t\t0\n' '1:5: the level is one of'
baseline 'no tabs' 't/t pass\n' '1:1: a line is id'
baseline 'its end cut off' 't/t\tpass\t\t0' '1:1: .*restore it from git'
baseline 'carriage returns' 't/t\tpass\t\t0\r\n' '1:12: a carriage return'
baseline 'the lines of another check' 'u/t\tpass\t\t0\n' '1:1: the id'
baseline 'a negative epoch' 't/t\tpass\t\t-1\n' '1:11: the epoch'

# ---- patches ----
small patches
# patch CODE NAME WORDS, the patch on standard input
patch() {
	cat >"$BOX/p"
	wrong "$1" "$2" "$3" "$RATCHET" propose "$BOX/p"
}
printf '' | patch 5 'an empty patch is a noop' '^noop '
printf 'Dear all, please change f.\n' | patch 5 'prose' 'no changes found'
head -c 3000 "$RATCHET" | patch 5 'a program' 'no changes found'
printf 'From: a <a@b>\nSubject: x\nDate: 1700000000 +0000\n\nHello.\n' | patch 5 'a mail without a patch' 'has no patch'
head -n 5 "$BOX/f.patch" | patch 4 'a patch that is cut short' 'corrupt patch'
sed 's/^-1/-9/' "$BOX/f.patch" | patch 5 'a patch of another content' 'f: patch does not apply|conflict'
printf 'diff --git a/../x b/../x\nnew file mode 100644\n--- /dev/null\n+++ b/../x\n@@ -0,0 +1 @@\n+x\n' | patch 5 'a path out of the tree' 'invalid path'
printf 'diff --git a/.git/x b/.git/x\nnew file mode 100644\n--- /dev/null\n+++ b/.git/x\n@@ -0,0 +1 @@\n+x\n' | patch 5 'a path into the git directory' 'invalid path'
printf 'diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc/passwd\n\\ No newline at end of file\n' | patch 4 'a link out of the tree' 'rule symlink-target: l'
printf 'diff --git a/s b/s\nnew file mode 160000\n--- /dev/null\n+++ b/s\n@@ -0,0 +1 @@\n+Subproject commit 1111111111111111111111111111111111111111\n' | patch 4 'a submodule' 'rule submodule: s'
printf 'diff --git a/F b/F\nnew file mode 100644\n--- /dev/null\n+++ b/F\n@@ -0,0 +1 @@\n+x\n' | patch 4 'a name that differs from another in its case' 'rule path-collision: F'
printf 'diff --git a/con b/con\nnew file mode 100644\n--- /dev/null\n+++ b/con\n@@ -0,0 +1 @@\n+x\n' | patch 4 'a name that Windows keeps for itself' 'rule path-name: con'
printf 'diff --git a/z b/z\nnew file mode 100644\nindex 0000000..1111111\nGIT binary patch\nliteral 9999999999\nzcmZ\n\n' | patch 4 'a binary hunk that declares ten gigabytes' 'the limit is'
{
	cat "$BOX/f.patch"
	printf 'diff --git a/nowhere b/nowhere\n--- a/nowhere\n+++ b/nowhere\n@@ -1 +1 @@\n-a\n+b\n'
} | patch 5 'one file of two that does not fit' 'nowhere: does not exist'
"$RATCHET" propose "$BOX/p" >"$BOX/said" 2>&1
check 'a patch of other content is told how to mend it' grep -q 'rebase it on the target' "$BOX/said"
printf 'Dear all\n' >"$BOX/p"
exits 5 'what is no patch at all is a conflict' "$RATCHET" propose "$BOX/p"
says 'it is told what can be proposed' 'git diff --binary.*git format-patch'
{
	git format-patch --stdout --root HEAD | sed '/^diff/,$d'
	head -n 5 "$BOX/f.patch"
} >"$BOX/p"
exits 4 'a mail that is cut short is refused' "$RATCHET" propose "$BOX/p"
says 'the refusal says which mail, and what is wrong with it' 'rule limits: message 1 of 1 .*corrupt patch'
says 'a damaged patch is to be made anew' 'make it anew'

# ---- work trees in the way ----
small work-tree
echo dirty >f
wrong 5 'a touched file with changes' 'f has changes that are not committed' propose
git checkout -q . && echo staged >f && git add f
wrong 5 'a touched file with staged changes' 'f has staged changes' propose
git reset -q --hard && git rm -q --cached f
wrong 5 'a touched file that is gone from the index' 'f is removed from the index' propose
git reset -q --hard && git checkout -q -b side && echo side >other && commit side && git checkout -q main
git merge -q --no-commit --no-ff side >/dev/null
wrong 5 'a merge under way' 'a merge is under way; finish or abort it' propose
git reset -q --hard && blob=$(git rev-parse HEAD:f)
printf '0 %040d\tf\n100644 %s 1\tf\n100644 %s 2\tf\n100644 %s 3\tf\n' 0 "$blob" "$blob" "$blob" | git update-index --index-info
wrong 5 'a staged conflict' 'conflict at f; resolve it' "$RATCHET" propose --staged
git reset -q --hard
touch .git/index.lock
wrong 130 'an interrupted wait for index.lock' 'index.lock is held for [0-9]+ s' timeout -s INT --preserve-status -k 60 5 "$RATCHET" propose "$BOX/f.patch"
check 'the landing that waited for index.lock is closed' entry 1 '"op":"aborted"'
rm .git/index.lock
exits 0 'afterwards nothing is open' "$RATCHET" recover
says 'afterwards recovery has nothing to do' 'nothing was interrupted'
exits 0 'without the lock it lands' propose
check 'it is landed in the work tree' test "$(cat f)" = 2
exits 0 'the ledger verifies' "$RATCHET" verify

# ---- an adoption that is not believed all ----
new_repo adopted
mkdir "$BOX/tool"
printf 'version: 1\ncaches: [%s]\nchecks:\n  - {name: t, run: test -d %s}\n' "$BOX/tool" "$BOX/tool" >ratchet.yml
must commit first
exits 0 'what an adopted configuration says of the machine is left out' "$RATCHET" check
says 'that is said, and what believes it' 'caches was left out; --adopt believes it'
exits 0 'with --adopt it is believed' "$RATCHET" check --adopt
refuse 'then nothing is left out' grep -q 'left out' <<<"$SAID"
finish
