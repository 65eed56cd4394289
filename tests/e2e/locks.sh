#!/bin/bash
# git's own lock files, made by another program: one that a landing needs is waited for, one that it does not need is let be,
# and none is removed.
. "$(dirname "$0")/lib.sh"

new_project locks
git pack-refs --all
n=0
write_patch() { # a new case that is good
	n=$((n + 1))
	printf '%s\n' "diff --git a/cases/l$n b/cases/l$n" 'new file mode 100644' '--- /dev/null' "+++ b/cases/l$n" '@@ -0,0 +1 @@' +good >"$BOX/l.patch"
}
# propose_under LOCK SECONDS: with git's lock held for so long; says how long it took.
propose_under() {
	local lock=.git/$1 began=$SECONDS code=0
	: >"$lock"
	(sleep "$2" && rm -f "$lock") &
	"$RATCHET" propose "$BOX/l.patch" || code=$?
	echo "after $((SECONDS - began)) s"
	wait
	return $code
}

for lock in index.lock refs/heads/main.lock; do
	write_patch
	exits 0 "a landing waits for $lock of another program" propose_under $lock 4
	says "it lands when $lock is gone" '^landed '
	says "it did not go past $lock" '^after ([4-9]|[1-9][0-9]) s'
	check "index and work tree are those of the target after $lock" git diff --quiet HEAD
done

for lock in HEAD.lock packed-refs.lock; do
	write_patch
	: >.git/$lock
	exits 0 "a landing needs no $lock" "$RATCHET" propose "$BOX/l.patch"
	check "$lock of another program is left alone" test -e .git/$lock
	exits 0 "recovery leaves $lock of another program alone" "$RATCHET" recover
	check "$lock is still there after recovery" test -e .git/$lock
	rm .git/$lock
done

# A lock that is not ours is in the way of recovery as well, and stays.
: >.git/index.lock
exits 0 'recovery has nothing to do with index.lock of another program' "$RATCHET" recover
check 'index.lock of another program is left alone' test -e .git/index.lock
rm .git/index.lock

# On packed refs, with somebody repacking them all the while.
(for _ in $(seq 40); do
	git pack-refs --all --prune
	sleep 0.05
done) >/dev/null 2>&1 &
packer=$!
for try in 1 2 3; do
	write_patch
	exits 0 "a proposal lands beside git pack-refs, try $try" "$RATCHET" propose "$BOX/l.patch"
done
wait $packer
exits 0 'the ledger verifies after all that' "$RATCHET" verify --all
check 'git fsck is content after all that' git fsck --no-dangling

finish
