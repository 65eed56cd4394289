#!/bin/bash
# Single system calls that fail or are the last one, each of which once left something behind: what is left is removed, or
# the exit code says that the operation is not complete.
. "$(dirname "$0")/lib.sh"

# A process that is traced can't look for leaks.
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1
TRACE=$BOX/trace

# find_place CALL PATTERN COMMAND...: PLACE is the how-manieth CALL of the command has the PATTERN, after a rename that has
# the pattern AFTER, if that is set; of the calls on the path ON, if that is set: where an object's folder is new, and that
# goes by ids, there are more calls. The repository is put back.
AFTER='' ON=''
find_place() {
	local call=$1 pattern=$2 here=$PWD
	shift 2
	cp -a "$here" "$BOX/saved"
	strace -qq -y -o "$TRACE" -e trace="$call,rename" "$@" >/dev/null 2>&1 </dev/null
	PLACE=$(awk -v call="$call(" -v pattern="$pattern" -v after="$AFTER" -v on="$ON" '
		index($0, call) == 1 && (on == "" || index($0, "<" on ">")) { n++ }
		after == "" || (index($0, "rename(") == 1 && $0 ~ after) { seen = 1 }
		index($0, call) == 1 && seen && $0 ~ pattern { print n; exit }' "$TRACE")
	cd "$BOX" && rm -rf "$here" && mv "$BOX/saved" "$here" && cd "$here" || exit 1
	[ -n "$PLACE" ] || echo "Bail out! no $call with $pattern"
	[ ! -e .git/index ] || git update-index -q --refresh
}
# struck CALL FAULT COMMAND...: the command, with that fault at PLACE. FAULT is strace's: error=EIO, signal=KILL.
struck() {
	local call=$1 fault=$2
	shift 2
	strace -qq -o "$TRACE" ${ON:+-P "$ON"} -e trace="$call" -e "inject=$call:$fault:when=$PLACE" "$@"
}
left_over() {
	find . -name '.ratchet-*' -o -name '*.lock' ! -path './.git/ratchet/*'
}

if ! strace -qq -o /dev/null true 2>/dev/null; then
	skip 'faults at single system calls' 'strace can not trace here'
	finish
fi

new_project faults
git pack-refs --all
echo '# changed' >>run-cases
git add -A && git diff --cached >"$BOX/fix.patch" && git reset -q --hard
before=$(tip)

find_place unlinkat '\.ratchet-[^"]*-[0-9]+"' "$RATCHET" propose "$BOX/fix.patch"
exits 74 'an old file that can not be removed fails the landing' \
	struck unlinkat error=EIO "$RATCHET" propose "$BOX/fix.patch"
says 'the file that can not be removed is named' 'cannot remove \.ratchet-[^ ]*, which holds the old content of '
check 'the index stays locked until that is mended' test -e .git/index.lock
exits 0 'recovery completes such a landing' "$RATCHET" recover
says 'recovery says that it completed it' 'completed the interrupted landing'
check 'recovery removes the old file and the lock' test -z "$(left_over)"
refuse 'the landing is on the target' test "$(tip)" = "$before"
check 'the work tree is that of the target' git diff --quiet HEAD
exits 0 'the ledger verifies afterwards' "$RATCHET" verify --all

git pack-refs --all
echo '# changed again' >>run-cases
git add -A && git diff --cached >"$BOX/again.patch" && git reset -q --hard
find_place unlink 'refs/heads/main\.lock' "$RATCHET" propose "$BOX/again.patch"
exits 0 'a lock on the target that can not be removed at once is removed at the second attempt' \
	struck unlink error=EIO "$RATCHET" propose "$BOX/again.patch"
check 'no lock on the target is left' test -z "$(left_over)"
exits 0 'git moves the target afterwards' git -c core.hooksPath=/dev/null commit -q --allow-empty -m 'by hand'

echo good >cases/new && git add -A
AFTER='/\.git/index"' ON=$PWD/.git
find_place fsync '/faults/\.git>' "$RATCHET" propose --staged -m 'a new case'
exits 74 'an index that can not be synced once it is in place fails the landing' \
	struck fsync error=EIO "$RATCHET" propose --staged -m 'a new case'
says 'what could not be synced is named' "sync the directory .*/\.git: Input/output error"
exits 0 'recovery completes a landing whose index was in place' "$RATCHET" recover
says 'recovery says that it completed such a landing' 'completed the interrupted landing'
check 'index and work tree are those of the target' test -z "$(git status --porcelain)"
check 'nothing is left over of such a landing' test -z "$(left_over)"

AFTER='' ON=''
new_repo beginning
write_project
must commit first
find_place rename 'config\.lock"' "$RATCHET" init --check unit=./run-cases
exits 137 'init is killed while it locks the configuration' \
	struck rename signal=KILL "$RATCHET" init --check unit=./run-cases
check 'a killed init leaves a lock on the configuration' test -e .git/config.lock
exits 0 'recovery runs after a killed init' "$RATCHET" recover
says 'recovery names the lock on the configuration' 'removed the stale lock .*/config\.lock'
check 'no lock is left after recovery' test -z "$(left_over)"
check 'the configuration can be written again' git config some.key value
exits 0 'init can be done again' "$RATCHET" init --check unit=./run-cases

finish
