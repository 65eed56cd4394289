# shellcheck shell=bash
# Shared by the end-to-end scripts. Sourced, never run: bash, git, and the built binary in $RATCHET.
#
#   . "$(dirname "$0")/lib.sh"
#   check 'says what must be true' command arguments...     # passes when the command exits 0
#   refuse 'says what must be true' command arguments...    # passes when it does not
#   finish                                                  # the plan, and the exit code
#
# Output is TAP. A name states a behaviour, is stable and unique. What a command printed is shown only when its test failed;
# it is in $SAID afterwards. Author, committer, dates, home directory, locale and git's configuration are fixed.

set -u
: "${RATCHET:?the path of the built ratchet}"
RATCHET=$(realpath "$RATCHET") || exit 1
BOX=$(mktemp -d "${TMPDIR:-/tmp}/ratchet-e2e.XXXXXX") || exit 1
cleanup() {
	chmod -R u+rwX "$BOX" 2>/dev/null
	rm -rf "$BOX"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

for name in $(env | sed -n 's/^\(GIT_[A-Z0-9_]*\)=.*/\1/p'); do unset "$name"; done
unset XDG_CONFIG_HOME XDG_STATE_HOME EDITOR VISUAL NO_COLOR
export HOME=$BOX/home LC_ALL=C TZ=UTC GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0 GIT_EDITOR=true GIT_PAGER=cat
export GIT_AUTHOR_NAME='A U Thor' GIT_AUTHOR_EMAIL=author@example.com
export GIT_COMMITTER_NAME='C O Mitter' GIT_COMMITTER_EMAIL=committer@example.com
export RATCHET_ACTOR=e2e
LSAN_OPTIONS=suppressions=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/lsan.supp:print_suppressions=0
export LSAN_OPTIONS
mkdir "$HOME"
git config --global init.defaultBranch main
git config --global user.name "$GIT_COMMITTER_NAME"
git config --global user.email "$GIT_COMMITTER_EMAIL"
git config --global advice.detachedHead false
git config --global gc.auto 0
git config --global protocol.file.allow always

# Every commit gets a minute of its own, from a fixed one on.
CLOCK=1700000000
tick() {
	CLOCK=$((CLOCK + 60))
	export GIT_AUTHOR_DATE="$CLOCK +0000" GIT_COMMITTER_DATE="$CLOCK +0000"
}
tick

TESTS=0
FAILED=0
SAID=
report() { # $1: 0 passed; $2: the name
	TESTS=$((TESTS + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $TESTS - $2"
	else
		FAILED=$((FAILED + 1))
		echo "not ok $TESTS - $2"
		printf '%s\n' "${3-}" "$SAID" | sed 's/^/# /'
	fi
}
check() {
	local name=$1 code
	shift
	SAID=$("$@" 2>&1 </dev/null)
	code=$?
	report "$code" "$name" "exit code $code: $*"
	return 0
}
refuse() {
	local name=$1 code
	shift
	SAID=$("$@" 2>&1 </dev/null)
	code=$?
	report "$((code == 0))" "$name" "exit code 0, and a failure was wanted: $*"
	return 0
}
# The exit code itself is what the test is about.
exits() {
	local want=$1 name=$2 code
	shift 2
	SAID=$("$@" 2>&1 </dev/null)
	code=$?
	report "$((code != want))" "$name" "exit code $code, not $want: $*"
	return 0
}
# Does what the last command printed match an extended regular expression?
says() {
	printf '%s\n' "$SAID" | grep -Eq -- "$2"
	report $? "$1" "not said: $2"
}
skip() {
	TESTS=$((TESTS + 1))
	echo "ok $TESTS - $1 # SKIP $2"
}
note() {
	printf '# %s\n' "$*"
}
# For what must work for the tests to mean anything.
must() {
	local said
	if ! said=$("$@" 2>&1 </dev/null); then
		printf '%s\n' "$said" | sed 's/^/# /'
		echo "Bail out! $* in $PWD"
		exit 1
	fi
}
finish() {
	echo "1..$TESTS"
	[ "$FAILED" -eq 0 ]
	exit
}

# ---- repositories ----

# commit MESSAGE: all that is in the work tree, past every hook.
commit() {
	tick
	git add -A && git -c core.hooksPath=/dev/null commit -q -m "$1"
}

# An empty repository $BOX/NAME, entered.
new_repo() {
	must git init -q "$BOX/$1"
	cd "$BOX/$1" || exit 1
}

# Each file of cases/ is one test case, which passes while it says "good". $1: more lines for the top level of ratchet.yml.
write_project() {
	mkdir -p cases
	echo good >cases/a
	echo good >cases/b
	cat >run-cases <<-'END'
		#!/bin/sh
		n=0 code=0
		for f in cases/*; do
			n=$((n + 1)) word=ok
			[ "$(cat "$f")" = good ] || { word='not ok' code=1; }
			echo "$word $n - ${f#cases/}"
		done
		echo "1..$n"
		exit $code
	END
	chmod +x run-cases
	cat >ratchet.yml <<-END
		version: 1
		target: main
		${1-}
		checks:
		  - name: unit
		    run: ./run-cases
		    report: {tap: stdout}
		    fast: true
	END
}

# A repository whose main has adopted ratchet and has a baseline.
new_project() {
	new_repo "$1"
	write_project "${2-}"
	must commit 'first'
	must "$RATCHET" check
	must "$RATCHET" baseline record
}

tip() {
	git rev-parse --verify -q "${1-HEAD}"
}
# The ledger's entries, newest first, one JSON line each.
ledger() {
	local ref
	ref=$(git for-each-ref --format='%(refname)' refs/ratchet/ledger/ | grep "/$(cat "$(git rev-parse --git-common-dir)/ratchet/writer")\$") || return 0
	git log --format=%B "$ref" | grep '^{'
}
# Does an entry, among the newest $1, match the expression?
entry() {
	ledger | head -n "$1" | grep -Eq -- "$2"
}

# With hooks: check `unit` is fast and runs cases/, check `slow` is not and runs slow/; a case passes while no line of its
# file says "bad". $2: more lines for the top level of ratchet.yml.
new_hooked_project() {
	new_repo "$1"
	write_project "${2-}"
	mkdir slow
	echo good >slow/s
	# shellcheck disable=SC2016 # for the other shell
	sed -i -e 's|for f in cases/\*|for f in "${1:-cases}"/*|' -e 's/\[ "$(cat "$f")" = good \]/! grep -q bad "$f"/' \
		-e 's|\${f#cases/}|${f#*/}|' run-cases
	cat >>ratchet.yml <<-'END'
		  - name: slow
		    run: ./run-cases slow
		    report: {tap: stdout}
	END
	must commit 'first'
	must "$RATCHET" check
	must "$RATCHET" baseline record
	must "$RATCHET" hook --install
}
# All that a hook must not touch: index, work tree, stash.
state() {
	git ls-files -s
	git status --porcelain
	git stash list
	git ls-files -co -z | sort -z | xargs -0 sha256sum
}
entries() {
	ledger | wc -l
}
