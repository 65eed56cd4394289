# shellcheck shell=bash
# Sourced after lib.sh by the scripts that take a real project of some runner from a clone to its first verdicts.

# project RUNNER: an empty repository to make the project in, entered.
project() {
	RUNNER=$1
	new_repo "$1.origin"
}

# offered CHANGE: the change, a function that edits the work tree, as $BOX/patch; the work tree is as before.
offered() {
	"$1" && git add -A && git diff --cached --binary >"$BOX/patch" && git reset -q --hard
}

# names NAME TEXT: did the last command print the text, as it is?
names() {
	printf '%s\n' "$SAID" | grep -qF -- "$2"
	report $? "$1" "not said: $2"
}

# gated OLD NEW: ids of a case. The project in the current folder is committed and cloned; init adopts the clone. Then the
# functions good, broken and gone are changes: one adds the case NEW, one makes the case OLD fail, one deletes it.
gated() {
	must commit 'first'
	must git clone -q . "$BOX/$RUNNER"
	cd "$BOX/$RUNNER" || exit 1
	exits 0 "$RUNNER: init adopts a clone" "$RATCHET" init --runs 1
	names "$RUNNER: init says what it recognised" "recognised ${RUNNER%%.*}"
	check "$RUNNER: the first baseline has the case" grep -qF "$1	pass" .ratchet/baseline/unit.tsv
	check "$RUNNER: what init made is valid and the work tree is clean" test -z "$(git status --porcelain)"
	exits 0 "$RUNNER: HEAD passes its own gate" "$RATCHET" check
	offered good
	exits 0 "$RUNNER: a new test lands" "$RATCHET" propose "$BOX/patch"
	names "$RUNNER: the new test is gained" ' 1 gained'
	check "$RUNNER: the new test is in the baseline" grep -qF "$2	pass" .ratchet/baseline/unit.tsv
	offered broken
	exits 1 "$RUNNER: a change that breaks a test is rolled back" "$RATCHET" propose "$BOX/patch"
	names "$RUNNER: the broken test is named" "regressed: $1"
	offered gone
	exits 1 "$RUNNER: a deleted test is a regression" "$RATCHET" propose "$BOX/patch"
	names "$RUNNER: the deleted test is named" "regressed: $1"
	says "$RUNNER: a deleted test is absent" 'was pass, is now absent'
	exits 0 "$RUNNER: ledger and history verify" "$RATCHET" verify
}
