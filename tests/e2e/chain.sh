#!/bin/bash
# Installing the hooks beside those that were there: they go on running as git would run them, and undo gives all back.
. "$(dirname "$0")/lib.sh"

LOG=$BOX/log
# earlier DIR NAME [CODE]: a hook that notes how it was called: its folder, name, arguments, standard input, where, on which
# index; then ends with CODE.
earlier() {
	mkdir -p "$1"
	cat >"$1/$2" <<-END
		#!/bin/sh
		{
			printf '%s' "$2 (\$#)"
			for arg; do printf ' <%s>' "\$arg"; done
			case $2 in pre-push | pre-receive | post-receive | post-rewrite | reference-transaction) printf ' in <%s>' "\$(cat | tr '\n' ';')" ;; esac
			printf ' at %s index %s\n' "\$(pwd)" "\${GIT_INDEX_FILE-none}"
		} >>"$LOG"
		exit ${3-0}
	END
	chmod +x "$1/$2"
}
# Is the log, the guard's calls left out, this? The log is then begun anew.
logged() {
	local said
	said=$(grep -v '^reference-transaction' "$LOG" 2>/dev/null | sed -e "s|$(pwd -P)|HERE|g" -e "s|$BOX|BOX|g")
	: >"$LOG"
	[ "$said" = "$1" ] || { printf 'logged:\n%s\nwanted:\n%s\n' "$said" "$1"; return 1; }
}
# Every byte of configuration and hooks, modes included.
bytes() {
	cat .git/config
	find .git/config .git/hooks "$@" \( -type f -o -type l \) ! -name '*.sample' -printf '%p %m %l\n' -exec sha256sum {} + | sort
}
project() {
	new_repo "$1"
	write_project
	must commit 'first'
	must "$RATCHET" check
	must "$RATCHET" baseline record
	HERE=$(pwd -P)
}

# ---- .git/hooks ----
project default
for name in applypatch-msg pre-applypatch post-applypatch pre-commit pre-merge-commit prepare-commit-msg commit-msg post-commit \
	pre-rebase post-checkout post-merge pre-push post-rewrite reference-transaction; do
	earlier .git/hooks "$name"
done
was=$(bytes)
exits 0 'the hooks are installed' "$RATCHET" hook --install
check 'no hook that was there was touched' test "$(bytes | grep hooks/)" = "$(printf '%s\n' "$was" | grep hooks/)"
missing=
for name in applypatch-msg pre-applypatch post-applypatch pre-commit pre-merge-commit prepare-commit-msg commit-msg post-commit \
	pre-rebase post-checkout post-merge pre-push pre-receive update post-receive post-update reference-transaction pre-auto-gc \
	post-rewrite sendemail-validate p4-changelist p4-prepare-changelist p4-post-changelist p4-pre-submit post-index-change; do
	[ -x ".git/ratchet/hooks/$name" ] || missing="$missing $name"
done
check 'there is a shim for every hook of git' test -z "$missing"
check 'but for those whose mere presence changes what git does' sh -c \
	'cd .git/ratchet/hooks && test ! -e push-to-checkout && test ! -e proc-receive && test ! -e fsmonitor-watchman'
n=$(entries)
echo good >cases/c && git add -A
exits 0 'a commit passes the earlier hooks and ratchet' git commit -q -m 'c'
check 'each earlier hook got what git gives it' logged "pre-commit (0) at HERE index .git/index
prepare-commit-msg (2) <.git/COMMIT_EDITMSG> <message> at HERE index .git/index
commit-msg (1) <.git/COMMIT_EDITMSG> at HERE index .git/index
post-commit (0) at HERE index .git/index"
check 'ratchet judged too' test "$(entries)" = $((n + 1))
git checkout -q -b side
echo good >cases/d && git add -A && must git commit -q -m 'd'
: >"$LOG"
must git commit -q --amend -m 'd, reworded'
check 'post-rewrite got its lines' sh -c "grep -q '^post-rewrite (1) <amend> in <[0-9a-f]* [0-9a-f]*;>' '$LOG'"
check 'the transactions came with their lines and states' sh -c \
	"grep -q '^reference-transaction (1) <prepared> in <.* refs/heads/side;' '$LOG' && grep -q '^reference-transaction (1) <committed> in' '$LOG'"
: >"$LOG"
must git checkout -q main
check 'post-checkout got its three words' sh -c "grep -q '^post-checkout (3) <[0-9a-f]*> <[0-9a-f]*> <1>' '$LOG'"
: >"$LOG"
must git merge -q --no-ff --no-edit side
check 'a merge ran its hooks' sh -c "grep -q '^pre-merge-commit (0)' '$LOG' && grep -q '^post-merge (1) <0>' '$LOG'"
must git init -q --bare "$BOX/remote.git"
must git remote add origin "$BOX/remote.git"
: >"$LOG"
must git push -q origin main
check 'pre-push got its words and its lines' logged "pre-push (2) <origin> <BOX/remote.git> in <refs/heads/main $(tip) refs/heads/main 0000000000000000000000000000000000000000;> at HERE index none"

# exit codes
earlier .git/hooks pre-commit 7
n=$(entries)
echo good >cases/e && git add -A
exits 1 'an earlier hook that refuses refuses' git commit -q -m 'e'
exits 7 'its exit code is handed on' .git/ratchet/hooks/pre-commit
check 'ratchet does not judge what was refused' test "$(entries)" = "$n"
earlier .git/hooks pre-commit
earlier .git/hooks commit-msg 3
exits 1 'so does one that ratchet has no part in' git commit -q -m 'e'
exits 3 'with its exit code' .git/ratchet/hooks/commit-msg "$BOX/message"
rm .git/hooks/commit-msg
earlier .git/hooks reference-transaction 5
exits 128 'an earlier guard refuses too' git update-ref refs/heads/x HEAD
exits 5 'with its exit code, the lines read or not' sh -c "echo 'a b refs/heads/x' | .git/ratchet/hooks/reference-transaction prepared"
rm .git/hooks/reference-transaction
printf '#!/bin/sh\necho good >cases/staged-by-hook && git add cases/staged-by-hook\n' >.git/hooks/pre-commit
exits 0 'an earlier hook may stage' git commit -q -m 'e'
check 'what it staged was judged' entry 1 "\"tree\":\"$(git rev-parse 'HEAD^{tree}')\""
check 'and is in the commit' git cat-file -e HEAD:cases/staged-by-hook
printf '#!/bin/sh\necho bad >cases/a && git add cases/a\n' >.git/hooks/pre-commit
echo good >cases/f && git add -A
exits 1 'what it staged and regresses is blocked' git commit -q -m 'f'
git reset -q --hard
rm .git/hooks/pre-commit
printf '#!/bin/sh\nexit 0\n' >.git/hooks/pre-push && chmod +x .git/hooks/pre-push
exits 0 'an earlier hook that does not read its lines is no harm' git push -q origin main
seq -f "refs/tags/t%g $(tip) refs/tags/t $(tip)" 20000 >"$BOX/lines"
exits 0 'nor are many lines' sh -c "'.git/ratchet/hooks/pre-push' origin x <'$BOX/lines'"

# undo
exits 0 'undo takes the hooks away' "$RATCHET" init --undo
check 'core.hooksPath is not set any more' sh -c '! git config core.hooksPath'
check 'no shim is left' test ! -e .git/ratchet/hooks

# ---- byte for byte ----
project bytes
earlier .git/hooks pre-commit
must git remote add origin "$BOX/remote.git"
was=$(bytes)
must "$RATCHET" init
refuse 'init changes the configuration' test "$(bytes)" = "$was"
exits 0 'installing again is nothing new' "$RATCHET" hook --install
must "$RATCHET" init --undo
check 'undo gives back every byte of configuration and hooks' test "$(bytes)" = "$was"
must "$RATCHET" init --undo
check 'undo of nothing changes nothing' test "$(bytes)" = "$was"

# ---- a former core.hooksPath ----
for kind in absolute relative home; do
	project "former-$kind"
	# shellcheck disable=SC2088 # git is to expand it
	case $kind in
	absolute) dir=$HERE/tools/hooks path=$dir ;;
	relative) dir=tools/hooks path=tools/hooks ;;
	home) dir=$HOME/my-hooks path='~/my-hooks' ;;
	esac
	earlier "$dir" pre-commit
	earlier .git/hooks pre-commit 9 # not where git looked
	must git config core.hooksPath "$path"
	was=$(bytes "$dir")
	: >"$LOG"
	must "$RATCHET" hook --install
	mkdir -p deep/er && echo good >cases/c && git add -A
	exits 0 "a commit passes where core.hooksPath was $kind" sh -c 'cd deep/er && git commit -q -m c'
	check "hooks of a core.hooksPath that was $kind run" logged "pre-commit (0) at HERE index .git/index"
	git worktree add -q "$BOX/linked-$kind" -b linked
	: >"$LOG"
	exits 0 "a commit in a linked work tree passes where it was $kind" sh -c "cd '$BOX/linked-$kind' && echo good >cases/d && git add -A && git commit -q -m d"
	ran=1
	[ "$kind" = relative ] && ran=0 # git looks in the work tree, and there it is not
	[ -e "$BOX/linked-$kind/tools/hooks/pre-commit" ] && ran=1
	check "in a linked work tree hooks are found as git found them where it was $kind" test "$(grep -c '^pre-commit' "$LOG")" = "$ran"
	must "$RATCHET" hook --remove
	check "undo gives core.hooksPath back where it was $kind" test "$(bytes "$dir")" = "$was"
done

# ---- husky's way: a folder of shims in the work tree, which call scripts beside them ----
project husky
mkdir -p .husky/_
printf '#!/usr/bin/env sh\n. "$(dirname "$0")/h"\n' >.husky/_/pre-commit && chmod +x .husky/_/pre-commit
cat >.husky/_/h <<-'END'
	n=$(basename "$0")
	s=$(dirname "$(dirname "$0")")/$n
	[ ! -f "$s" ] && exit 0
	sh -e "$s" "$@"
	exit $?
END
printf 'echo husky ran >>"%s"\nexit ${HUSKY_CODE-0}\n' "$LOG" >.husky/pre-commit
must git config core.hooksPath .husky/_
must "$RATCHET" hook --install
: >"$LOG"
echo good >cases/c && git add -A
exits 0 'a commit passes husky'"'"'s hook and ratchet' git commit -q -m 'c'
check 'husky'"'"'s script ran' logged 'husky ran'
echo good >cases/d && git add -A
exits 1 'husky'"'"'s script blocks' env HUSKY_CODE=1 git commit -q -m 'd'
must git config core.hooksPath .husky/_ # what its installer does on every npm install
exits 0 'installing again takes it in again' "$RATCHET" hook --install
: >"$LOG"
exits 0 'both run again' git commit -q -m 'd'
check 'its script ran once' logged 'husky ran'
check 'and ratchet judged' entry 1 "\"tree\":\"$(git rev-parse 'HEAD^{tree}')\""
must "$RATCHET" hook --remove
check 'undo gives husky'"'"'s path back' test "$(git config core.hooksPath)" = .husky/_

# ---- an installer that writes into ratchet's folder ----
project other
must "$RATCHET" hook --install
: >"$LOG"
rm .git/ratchet/hooks/pre-commit && earlier .git/ratchet/hooks pre-commit
exits 0 'installing over what another wrote there keeps both' "$RATCHET" hook --install
n=$(entries)
echo good >cases/c && git add -A
exits 0 'a commit passes both' git commit -q -m 'c'
check 'the other'"'"'s hook ran' logged "pre-commit (0) at HERE index .git/index"
check 'ratchet judged' test "$(entries)" = $((n + 1))
echo '# edited' >>.git/ratchet/hooks/pre-commit
must "$RATCHET" hook --install
check 'a shim that was edited is written anew' sh -c '! grep -q "^# edited" .git/ratchet/hooks/pre-commit'

# ---- a missing binary ----
project missing
cp "$RATCHET" "$BOX/ratchet" && must "$BOX/ratchet" hook --install
echo good >cases/c && git add -A
exits 0 'the binary that installed is the one that runs' git commit -q -m 'c'
must git branch side
rm "$BOX/ratchet"
before=$(tip)
echo good >cases/d && git add -A
exits 1 'without the binary a commit is blocked' git commit -q -m 'd'
says 'what is missing is said' "$BOX/ratchet is missing, so nothing can be judged"
says 'how to do without is said' 'git config --unset core.hooksPath'
refuse 'so it is past pre-commit' git commit -q --no-verify -m 'd'
exits 128 'the guard lets no branch move' git update-ref refs/heads/other HEAD
says 'the guard says what is missing' "$BOX/ratchet is missing, so no branch can be guarded"
refuse 'so is any move of a branch' git branch other
check 'nothing moved' test "$(tip):$(tip other)" = "$before:"
must git init -q --bare "$BOX/missing.git"
refuse 'so is a push' git push -q "$BOX/missing.git" main
exits 0 'reading is not' git log -1
cp "$RATCHET" "$BOX/ratchet"
exits 0 'with the binary back all goes on' git commit -q -m 'd'

# ---- a hook that came later ----
back=$PWD
new_project later
must "$RATCHET" hook --install
printf '#!/bin/sh\necho later\n' >"$BOX/later-hook" && chmod +x "$BOX/later-hook"
cp "$BOX/later-hook" .git/ratchet/hooks/pre-commit && cp "$BOX/later-hook" .git/ratchet/hooks/commit-msg
printf '#!/bin/sh\necho own\n' >.git/hooks/commit-msg && chmod +x .git/hooks/commit-msg
must "$RATCHET" hook --install
must "$RATCHET" hook --remove
check 'undo gives a hook that came later to git' cmp .git/hooks/pre-commit "$BOX/later-hook"
check 'but not in the place of one that is there' grep -q own .git/hooks/commit-msg
check 'that one is kept where it was' cmp .git/ratchet/hooks/kept/commit-msg "$BOX/later-hook"
cd "$back" || exit 1

# ---- a hook that could not run ----
mv .git/ratchet/writer "$BOX/writer" && echo damaged >.git/ratchet/writer
echo good >cases/e && git add -A
exits 1 'a commit whose entry can'"'"'t be written is blocked' git commit -q -m 'e'
says 'why is said' 'does not hold a writer id'
mv "$BOX/writer" .git/ratchet/writer
exits 0 'mended, it is made' git commit -q -m 'e'

# ---- a server ----
must git init -q --bare "$BOX/server.git"
for name in pre-receive update post-receive post-update; do earlier "$BOX/server.git/hooks" "$name"; done
printf '#!/bin/sh\nexit 1\n' >"$BOX/server.git/hooks/push-to-checkout" && chmod +x "$BOX/server.git/hooks/push-to-checkout"
cp "$RATCHET" "$BOX/server-ratchet" && must "$BOX/server-ratchet" -C "$BOX/server.git" init
must git -C "$BOX/server.git" config ratchet.adopt true
: >"$LOG"
cd "$BOX/default" || exit 1
exits 0 'a push passes earlier hooks of a server and ratchet' git -c core.hooksPath=/dev/null push -q "$BOX/server.git" main
line="0000000000000000000000000000000000000000 $(tip) refs/heads/main;"
check 'each of them got its words and lines' logged "pre-receive (0) in <$line> at BOX/server.git index none
update (3) <refs/heads/main> <0000000000000000000000000000000000000000> <$(tip)> at BOX/server.git index none
post-receive (0) in <$line> at BOX/server.git index none
post-update (1) <refs/heads/main> at BOX/server.git index none"
check 'a hook that replaces what git does runs by a link, since it was there' test -L "$BOX/server.git/ratchet/hooks/push-to-checkout"
rm "$BOX/server-ratchet"
echo good >cases/x && commit 'x'
exits 1 'a server without its binary takes nothing' git -c core.hooksPath=/dev/null push -q "$BOX/server.git" main
says 'and says so to who pushes' 'remote: ratchet: .*server-ratchet is missing'
finish
