#!/bin/bash
# What the README tells a stranger to type exists, and does what it says.
SCRIPT=$(realpath "$0")
. "$(dirname "$0")/lib.sh"
top=$(cd "$(dirname "$SCRIPT")/../.." && pwd)
readme=$top/README.md

# uses FILE: "COMMAND OPTION" of each `ratchet COMMAND ... --option` in it; a command in backticks may run over two lines
uses() {
	{
		sed -n '/^```/,/^```/{s/#.*//;p;}' "$1"
		sed '/^```/,/^```/d' "$1" | tr '\n' ' ' | grep -oE '`[^`]*`' | tr -d '`'
	} | grep -oE 'ratchet [a-z-]+( [^#|;&]*)?' | while read -r _ command rest; do
		echo "$command"
		echo "$rest" | grep -oE -- '(^| )--[a-z-]+' | sed "s/^ */$command /"
	done | sort -u
}
"$RATCHET" --help >"$BOX/commands"
unknown() {
	uses "$readme" | while read -r command option; do
		grep -qE "^  $command( |$)" "$BOX/commands" || {
			echo "$command"
			continue
		}
		[ -z "$option" ] || "$RATCHET" "$command" --help | grep -qE -- "^  (-., )?$option( |$)" || echo "$command $option"
	done
}
check 'the README names commands and options' test "$(uses "$readme" | wc -l)" -gt 15
SAID=$(unknown)
report "$(test -z "$SAID" && echo 0 || echo 1)" 'every command and option in the README exists'
links() {
	grep -oE '\]\(docs/[^)]*\)' "$readme" | tr -d ']()' | while read -r file; do
		[ -f "$top/$file" ] || echo "$file"
	done
}
check 'every page that the README links to exists' test -z "$(links)"

# cheats COLUMN: of each line of the table of threats: what becomes of it (3), or the cheats that try it (5)
cheats() {
	awk -F ' *[|] *' -v column="$1" '/^## / {on = $0 == "## Threats"} on && /^[|] / && !/tried by/ {print $column}' "$readme"
}
named() {
	# shellcheck disable=SC2046 # the words may be patterns
	(cd "$top/tests/cheats" && printf '%s\n' $(cheats 5 | tr ',' ' ')) | sort -u
}
have() {
	for cheat in "$top"/tests/cheats/*/expect; do basename "$(dirname "$cheat")"; done | sort -u
}
untried() {
	paste <(cheats 3) <(cheats 5) | grep -v '^not covered' | grep -c '	$'
}
check 'the table of threats has its lines' test "$(cheats 3 | wc -l)" -gt 30
SAID=$(diff <(named) <(have))
report $? 'each cheat of the corpus stands in the table of threats, and each that stands there exists'
check 'whatever the table calls prevented, detected or bounded is tried' test "$(untried)" = 0

# block WORD: the YAML example in which it stands
block() {
	awk -v word="$1" '/^```yaml/ {text = ""; on = 1; next} /^```/ {if (on && index(text, word)) printf "%s", text; on = 0} on {text = text $0 "\n"}' "$readme"
}
new_project project
git checkout -q -b examples
block 'report: {junit' >ratchet.yml
check 'the smallest configuration is there' grep -q '^version: 1' ratchet.yml
must commit 'the smallest configuration'
exits 0 'the smallest configuration is one' "$RATCHET" status --target examples
git checkout -q -b policies main
mkdir -p .ratchet/policies "$HOME/.config/ratchet"
block 'forbidden: ' >.ratchet/policies/example.yml
echo 'a value that is secret' >"$HOME/.config/ratchet/secrets"
must commit 'the policy'
exits 0 'the example of a policy is one' "$RATCHET" status --target policies
echo good >cases/d
git add -A && git diff --cached >"$BOX/d.patch" && git reset -q --hard
exits 4 'it is in force' "$RATCHET" propose --target policies "$BOX/d.patch"
says 'it refuses as it says' 'lacks the trailer `Signed-off-by:`'
git checkout -q main
exits 0 'plain git shows the ledger' git log --format=%s --glob=refs/ratchet/ledger
says 'in words that people read' '^adopted|^judged|recorded|landed'
check 'that is what the README says' grep -q 'git log --glob=refs/ratchet/ledger' "$readme"
echo good >cases/e && git add -A && git diff --cached >"$BOX/e.patch" && git reset -q --hard
exits 0 'what a landing prints' "$RATCHET" propose "$BOX/e.patch"
says 'is as the README shows it' '^landed [0-9a-f]{12} as [0-9a-f]{12} on main: [0-9]+ passed, [0-9]+ gained \([0-9.]+ s, isolation: [a-z]+\)$'
check 'the README shows it' grep -qE '^landed [0-9a-f]{12} as [0-9a-f]{12} on main: [0-9]+ passed, [0-9]+ gained \([0-9.]+ s, isolation: [a-z]+\)$' "$readme"
finish
