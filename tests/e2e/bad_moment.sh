#!/bin/bash
# Two proposers at once, signals at many moments, a target that moves meanwhile: the target is old or new, the next command
# says what was interrupted, and nothing stays behind.
. "$(dirname "$0")/lib.sh"

# small NAME [SCRIPT]: a repository whose one check is that script, which came in after the first baseline.
small() {
	new_repo "$1"
	printf 'version: 1\ntarget: main\nchecks:\n  - name: t\n    run: ./t\n' >ratchet.yml
	printf '#!/bin/sh\n' >t
	chmod +x t
	echo 1 >f
	must commit first
	must "$RATCHET" check
	must "$RATCHET" baseline record
	if [ $# -gt 1 ]; then
		printf '#!/bin/sh\n%s\n' "$2" >t
		must commit 'a slow check'
	fi
}
# patch NAME FILE TEXT: $BOX/NAME.patch puts the text into the file.
patch() {
	echo "$3" >"$2"
	git add -A && git diff --cached >"$BOX/$1.patch" && git reset -q --hard
}
# await COMMAND...: until it holds; 60 s are for ever.
await() {
	local i
	for i in $(seq 600); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.1
	done
	note "never true: $*"
	return 1
}
holds_lane() {
	[ "$(grep -c "process $1," .git/ratchet/lane)" -eq 1 ]
}
workspaces() {
	find .git/ratchet -maxdepth 2 -path '*quarantine*' -mindepth 2
}

# ---- two at once ----
small two 'sleep 1'
must "$RATCHET" check
patch a fa 1
patch b fb 2
"$RATCHET" propose "$BOX/a.patch" >"$BOX/a.out" 2>&1 &
first=$!
await holds_lane $first
exits 5 'a second proposer that does not wait is told who is there' "$RATCHET" propose --no-wait "$BOX/b.patch"
says 'the holder is named by its process' "another proposal is under way: ratchet propose, process $first, since 20"
exits 5 'a second proposer that waits a moment gives up' "$RATCHET" propose --wait 100ms "$BOX/b.patch"
exits 0 'a dry run does not queue' timeout 60 "$RATCHET" propose --dry-run "$BOX/b.patch"
exits 0 'a second proposer that waits lands after the first' "$RATCHET" propose --wait 5m "$BOX/b.patch"
wait $first
report $? 'the first proposer landed'
check 'both are landed, one after the other' test "$(git log --format=%s -2 | tr '\n' '|')" = 'Apply b.patch|Apply a.patch|'
check 'the work tree has both' test "$(cat fa fb | tr -d '\n')" = 12
patch c fc 3
patch d fa 4
"$RATCHET" propose "$BOX/d.patch" >"$BOX/d.out" 2>&1 &
first=$!
"$RATCHET" propose "$BOX/c.patch" >"$BOX/c.out" 2>&1 &
second=$!
wait $first
report $? 'of two that start together the one lands'
wait $second
report $? 'of two that start together the other lands as well'
exits 0 'two at once leave a ledger that verifies' "$RATCHET" verify

# ---- signals ----
# stopped NAME WORDS SIGNAL SECONDS COMMAND...: the signal after that time; the code is 128 + its number and the words are
# said, or, where there are none, the command may be faster, and land.
stopped() {
	local name=$1 words=$2 signal=$3 after=$4 code before now
	shift 4
	before=$(git rev-parse main)
	# shellcheck disable=SC2034
	SAID=$(timeout -s "$signal" --preserve-status -k 60 "$after" "$@" 2>&1 </dev/null)
	code=$?
	report $((code != 128 + $(kill -l "$signal") && (code != 0 || ${#words}))) "$name: dies of the signal" "exit code $code"
	[ -z "$words" ] || says "$name: it says so" "$words"
	now=$(git rev-parse main)
	check "$name: the target is old or new" sh -c "[ '$now' = '$before' ] || [ '$(git rev-parse main~)' = '$before' ]"
	check "$name: the work tree follows the target" test -z "$(git status --porcelain)"
	check "$name: no process is left" sh -c "! pgrep -f '$BOX/sign[a]l.patch' && ! pgrep -x -f 'sleep 314159'"
	check "$name: the next command is sound" "$RATCHET" recover
	check "$name: no workspace is left" test -z "$(workspaces)"
	check "$name: no pending ref is left" test -z "$(git for-each-ref refs/ratchet/pending)"
}
small signals 'sleep 314159'
patch signal f 2
for signal in INT TERM HUP; do
	stopped "SIG$signal while a check runs" 'interrupted' $signal 3 "$RATCHET" propose "$BOX/signal.patch"
done
mkfifo "$BOX/fifo"
sleep 60 >"$BOX/fifo" &
writer=$!
# shellcheck disable=SC2094
stopped 'SIGINT while a patch is read from a pipe' 'interrupted while reading' INT 3 sh -c "exec '$RATCHET' propose - <'$BOX/fifo'"
kill $writer
"$RATCHET" propose "$BOX/signal.patch" >/dev/null 2>&1 &
first=$!
await holds_lane $first
exits 130 'SIGINT ends the wait for another proposal' timeout -s INT --preserve-status -k 60 3 "$RATCHET" propose "$BOX/signal.patch"
says 'a wait that SIGINT ended says so' 'interrupted while waiting'
kill -TERM $first
wait $first
report $(($? != 143)) 'a proposer in the background dies of SIGTERM'
exits 0 'the interrupted one is not under way any more' "$RATCHET" recover
(
	trap '' HUP
	exec "$RATCHET" propose "$BOX/signal.patch"
) >/dev/null 2>&1 &
first=$!
await holds_lane $first
kill -HUP $first
sleep 0.5
check 'a signal that the caller ignores (nohup) stays ignored' kill -0 $first
kill -TERM $first
wait $first

small moments
for i in 1 2 3 4 5 6 7 8 9 10; do
	git reset -q --hard
	patch signal f "$i$i"
	stopped "SIGINT after $i times 20 ms" "" INT "0.$((i * 2 / 10))$((i * 2 % 10))" "$RATCHET" propose "$BOX/signal.patch"
done
patch signal f last
exits 0 'after all these signals a proposal lands' "$RATCHET" propose "$BOX/signal.patch"
exits 0 'after all these signals the ledger verifies' "$RATCHET" verify
check 'after all these signals git finds nothing wrong' git fsck --strict --no-dangling

# ---- a target that moves ----
small moves 'sleep 1'
patch a fa 1
git checkout -q -b aside
"$RATCHET" propose "$BOX/a.patch" >"$BOX/moved.out" 2>&1 &
first=$!
await holds_lane $first
sleep 0.5
tree=$(git rev-parse 'main^{tree}')
elsewhere=$(git commit-tree "$tree" -p main -m elsewhere)
git update-ref refs/heads/main "$elsewhere"
wait $first
report $? 'a proposal whose target moved is gated again' "$(cat "$BOX/moved.out")"
check 'it landed on top of what came in' test "$(git rev-parse main~)" = "$elsewhere"
# a target that moves in every round: at last it is told
patch b fb 1
"$RATCHET" propose "$BOX/b.patch" >"$BOX/moving.out" 2>&1 &
first=$!
while kill -0 $first 2>/dev/null; do
	elsewhere=$(git commit-tree "$tree" -p main -m moving)
	git update-ref refs/heads/main "$elsewhere" || break
	sleep 0.5
done
wait $first
report $(($? != 5)) 'a target that moves in every round is a conflict in the end' "$(cat "$BOX/moving.out")"
check 'the message says that the target moved' grep -q 'the target moved meanwhile' "$BOX/moving.out"
check 'the target is where the others put it' test "$(git rev-parse main)" = "$elsewhere"
check 'every landing that was given up is closed' test -z "$(git for-each-ref refs/ratchet/pending)"
"$RATCHET" propose "$BOX/b.patch" >"$BOX/deleted.out" 2>&1 &
first=$!
await holds_lane $first
sleep 0.3
git update-ref -d refs/heads/main
wait $first
report $(($? != 5)) 'a target that is deleted meanwhile is a conflict' "$(cat "$BOX/deleted.out")"
refuse 'a deleted target is not made again' git rev-parse -q --verify main
finish
