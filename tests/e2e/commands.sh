#!/bin/bash
# Every command: help, JSON, completions and manual pages; what explain, log, status, baseline, waive and read show.
SCRIPT=$(realpath "$0")
. "$(dirname "$0")/lib.sh"
top=$(cd "$(dirname "$SCRIPT")/../.." && pwd)
valid() { # SCHEMA FILE...
	python3 "$top/tests/e2e/valid.py" "$top/docs/$1.schema.json" "${@:2}"
}
json() {
	python3 -c 'import json, sys; json.load(sys.stdin)'
}

# ---- one table: help, completions, manual pages ----
cd "$BOX" || exit 1
commands=$("$RATCHET" --help | sed -n '/^commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p')
check 'the help lists commands' test "$(echo "$commands" | wc -l)" -gt 10
all_commands() { # a function of one command, for each
	local command code=0
	for command in $commands; do
		"$1" "$command" || {
			echo "$1: $command"
			code=1
		}
	done
	return $code
}
helps() {
	"$RATCHET" "$1" --help | grep -q "^usage: ratchet $1 " && "$RATCHET" help "$1" | grep -q '  --json '
}
narrow() {
	! "$RATCHET" "$1" --help | grep -vE '^usage: ' | grep -E '^.{81}'
}
refuses_options() {
	"$RATCHET" "$1" --no-such-option x y z >said 2>&1
	[ $? -eq 2 ] && grep -q "there is no option --no-such-option; see .ratchet $1 --help" said
}
refuses_arguments() {
	"$RATCHET" "$1" a b c d e f >said 2>&1
	[ $? -eq 2 ] || [ "$1" = hook ]
}
check 'every command has --help' all_commands helps
check 'a help fits on a terminal of 80 columns' all_commands narrow
check 'every command refuses an unknown option and names its help' all_commands refuses_options
check 'every command refuses arguments that it has no use for' all_commands refuses_arguments
exits 2 'an unknown command is a usage error' "$RATCHET" no-such-command
says 'it says where the commands are listed' 'ratchet --help'
exits 2 'no command at all is a usage error' "$RATCHET"
exits 2 'a missing value is a usage error' "$RATCHET" propose --target
says 'the option without its value is named' 'a value is missing after --target'
exits 2 'a missing argument is a usage error' "$RATCHET" explain
exits 0 'the version is printed' "$RATCHET" --version

lint() { # a manual page on standard input
	groff -man -Tutf8 -ww -z 2>&1 | { ! grep .; }
}
man_page() {
	"$RATCHET" completion man "$1" | lint && "$RATCHET" completion man "$1" | grep -q '^\.SH "\?EXIT STATUS'
}
plain_options() { # an option is written with \-, which every troff shows as what is typed
	! "$RATCHET" completion man "$1" | grep -E '^\\fB\\-.*[a-z]-[a-z]'
}
check 'an option in a manual page can be copied and found' all_commands plain_options
if command -v groff >/dev/null; then
	check 'every manual page renders without a warning' all_commands man_page
	check 'ratchet(1) renders without a warning' sh -c "'$RATCHET' completion man | groff -man -Tutf8 -ww -z 2>&1 | { ! grep .; }"
	same_words() { # the manual page has every option of the help
		"$RATCHET" completion man "$1" | groff -man -Tascii -P-c 2>/dev/null | sed 's/.\x08//g' >page
		"$RATCHET" "$1" --help | grep -oE '^  (-., )?--[a-z-]+' | grep -oE -- '--[a-z-]+' | while read -r option; do
			grep -q -- "$option" page || exit 1
		done
	}
	check 'a manual page has every option of the help' all_commands same_words
else
	skip 'every manual page renders without a warning' 'groff is not installed'
	skip 'ratchet(1) renders without a warning' 'groff is not installed'
	skip 'a manual page has every option of the help' 'groff is not installed'
fi

"$RATCHET" completion bash >ratchet.bash
completes() { # WORDS...: what bash offers after them
	bash -c '. ./ratchet.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ratchet; printf "%s\n" "${COMPREPLY[@]}"' _ "$@"
}
check 'bash completes commands' sh -c "[ \"\$1\" = 'propose' ]" _ "$(completes ratchet prop)"
completes_options() {
	"$RATCHET" "$1" --help | grep -oE '^  (-., )?--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort -u >want
	completes ratchet "$1" -- | sort -u >have
	diff want have
}
check 'bash completes every option of every command' all_commands completes_options
for shell in zsh fish; do
	"$RATCHET" completion $shell >"completion.$shell"
	if command -v $shell >/dev/null; then
		check "the completion loads in $shell" $shell -n "completion.$shell"
	else
		skip "the completion loads in $shell" "$shell is not installed"
	fi
done
if command -v zsh >/dev/null; then
	check 'zsh offers the commands' zsh -fc "_describe() { print -l \$subcommands }; CURRENT=2; _files() {}; . ./completion.zsh | grep -q '^propose:'"
else
	skip 'zsh offers the commands' 'zsh is not installed'
fi
if command -v fish >/dev/null; then
	check 'fish offers the commands' fish -c "source completion.fish; complete -C 'ratchet prop' | grep -q '^propose'"
else
	skip 'fish offers the commands' 'fish is not installed'
fi
exits 2 'a shell that is not known is an error' "$RATCHET" completion tcsh

build=$(dirname "$RATCHET")
if [ -f "$build/build.ninja" ] && [ -f "$build/ratchet.1" ] && command -v meson >/dev/null; then
	must meson install -C "$build" --no-rebuild --destdir "$BOX/installed"
	installed() { # PATTERN of a path
		find "$BOX/installed" -type f -path "$1" | grep -q .
	}
	has_page() {
		installed "*/man/man1/ratchet-$1.1"
	}
	check 'meson install brings a manual page of every command' all_commands has_page
	check 'meson install brings the program' installed '*/bin/ratchet'
	for file in '*/man/man1/ratchet.1' '*/bash-completion/completions/ratchet*' '*/zsh/site-functions/_ratchet' \
		'*/fish/vendor_completions.d/ratchet.fish' '*/ratchet/ratchet.schema.json' '*/ratchet/policy.schema.json' \
		'*/ratchet/report.schema.json' '*/ratchet/output.schema.json'; do
		check "meson install brings $(basename "$file")" installed "$file"
	done
else
	note 'not a build folder of meson with everything built: nothing to install'
	for name in 'a manual page of every command' 'the program' ratchet.1 'ratchet*' _ratchet ratchet.fish \
		ratchet.schema.json policy.schema.json report.schema.json output.schema.json; do
		skip "meson install brings $name" 'not a whole build folder'
	done
fi

# ---- a project with a history ----
new_project project
cat >run-cases <<'END'
#!/bin/sh
# the same, and says why a case fails
n=0 code=0
for f in cases/*; do
	n=$((n + 1))
	if [ "$(cat "$f")" = "${WANT:-good}" ]; then echo "ok $n - ${f#cases/}"; else
		echo "not ok $n - ${f#cases/}"
		printf '  ---\n  message: "%s says %s"\n  ...\n' "$f" "$(cat "$f")"
		code=1
	fi
done
echo "1..$n"
exit $code
END
git diff >"$BOX/runner.patch"
git checkout -q .
must "$RATCHET" propose "$BOX/runner.patch"
echo bad >cases/a
git diff >"$BOX/bad.patch"
git checkout -q .
echo good >cases/c
git add -A
git diff --cached >"$BOX/good.patch"
git reset -q --hard
echo nonsense >"$BOX/nonsense"

# ---- JSON ----
mkdir "$BOX/json"
as_json() { # NAME COMMAND...: what it prints is in json/NAME
	"$RATCHET" "${@:2}" --json >"$BOX/json/$1" 2>/dev/null
}
as_json regressed propose "$BOX/bad.patch"
id=$(sed -n 's/.*"id":"\([0-9a-f]\{12\}\)".*"isolation".*/\1/p' "$BOX/json/regressed")
as_json would-land propose --dry-run "$BOX/good.patch"
as_json landed propose "$BOX/good.patch"
as_json noop propose HEAD
as_json conflict propose "$BOX/nonsense"
sed -i '/unit\/a	/d' .ratchet/baseline/unit.tsv
git diff >"$BOX/refused.patch"
git checkout -q .
as_json refused propose "$BOX/refused.patch"
as_json check check
as_json usage propose no-such-thing
as_json ci ci
check 'the JSON of propose, check and ci is valid by its schema' valid report "$BOX"/json/*
check 'an error is in the JSON, with no verdict' python3 -c "
import json, sys
said = json.load(open(sys.argv[1]))
assert said['verdict'] is None and 'no-such-thing' in said['error']['message']" "$BOX/json/usage"
check 'the JSON names the regression' python3 -c "
import json, sys
said = json.load(open(sys.argv[1]))
assert said['verdict'] == 'regressed'
(one,) = said['regressions']
assert one['id'] == 'unit/a' and one['was'] == 'pass' and one['now'] == 'fail', one
assert 'cases/a says bad' in one['excerpt'] and 'run-cases' in one['reproduce'], one" "$BOX/json/regressed"
says_json() {
	"$RATCHET" "$@" --json >"$BOX/said.json" 2>/dev/null
	json <"$BOX/said.json"
}
for command in 'log' 'status' 'verify' 'recover' 'baseline show' 'baseline diff' 'baseline verify' 'baseline record' "explain $id"; do
	# shellcheck disable=SC2086
	check "${command% "$id"} prints JSON" says_json $command
done
check 'the JSON of explain is valid by its schema' sh -c \
	"'$RATCHET' explain $id --json >'$BOX/explained' && python3 '$top/tests/e2e/valid.py' '$top/docs/report.schema.json' '$BOX/explained'"
# The output of each other command, by the definition of its name.
valid_output() { # DEFINITION COMMAND...
	"$RATCHET" "${@:2}" --json >"$BOX/output.json" 2>/dev/null
	python3 -c "
import json, sys
schema = json.load(open(sys.argv[1]))
json.dump({'\$ref': '#/\$defs/' + sys.argv[2], '\$defs': schema['\$defs']}, open(sys.argv[3], 'w'))" \
		"$top/docs/output.schema.json" "$1" "$BOX/one.schema.json" &&
		python3 "$top/tests/e2e/valid.py" "$BOX/one.schema.json" "$BOX/output.json"
}
printf '1..3\nok 1 - x\nnot ok 2 - y\nok 3 - z # SKIP\n' >"$BOX/x.tap"
for command in status 'status --use' 'log -n 1000' verify overdue 'overdue --kinds' recover gc doctor 'baseline show' \
	'baseline diff HEAD^' 'baseline verify' "read $BOX/x.tap" 'init --no-commit'; do
	name=${command%% [-H/0-9]*}
	[ "$command" != 'status --use' ] || name=use
	[ "$command" != 'overdue --kinds' ] || name=overdue-kinds
	# shellcheck disable=SC2086
	check "the JSON of ${command%" $BOX"*} is valid by its schema" valid_output "${name// /-}" $command
done
refuse 'and a broken one is not' sh -c "sed 's/^{/{\"bogus\":1,/' '$BOX/output.json' >'$BOX/broken.json' && python3 '$top/tests/e2e/valid.py' '$BOX/one.schema.json' '$BOX/broken.json'"
"$RATCHET" init --undo >"$BOX/said" 2>&1
check '--json stands before the command too' sh -c "'$RATCHET' --json status | grep -q '^{'"
valid_config() {
	python3 - <<-'END'
		import json
		json.dump({"version": 1, "checks": [{"name": "unit", "run": "./run-cases", "report": {"tap": "stdout"}, "fast": True}]}, open("config.json", "w"))
	END
	valid ratchet config.json
}
check 'the configuration of these tests is valid by its schema' valid_config
rm -f config.json

# ---- -C, colours ----
cd / || exit 1
exits 0 '-C works in another folder' "$RATCHET" status -C "$BOX/project"
exits 0 '-C stands before the command too' "$RATCHET" -C "$BOX/project" status
exits 2 '-C of a folder that is not there is an error' "$RATCHET" -C "$BOX/no-such-folder" status
says 'the folder is named' 'no-such-folder'
cd "$BOX/project" || exit 1
mkdir sub && cd sub || exit 1
exits 0 'a command works in a folder below the top' "$RATCHET" status
cd .. && rmdir sub
on_terminal() { # COMMAND...: what it prints on a terminal of its own
	script -qec "$*" /dev/null </dev/null
}
coloured() {
	on_terminal "$@" | grep -q "$(printf '\033\\[3[0-9]m')"
}
check 'a verdict is coloured on a terminal' coloured "env TERM=xterm '$RATCHET' propose --dry-run '$BOX/bad.patch'"
refuse 'NO_COLOR is honoured' coloured "env NO_COLOR=1 TERM=xterm '$RATCHET' propose --dry-run '$BOX/bad.patch'"
check 'an empty NO_COLOR says nothing' coloured "env NO_COLOR= TERM=xterm '$RATCHET' propose --dry-run '$BOX/bad.patch'"
refuse 'what goes into a pipe is not coloured' sh -c "'$RATCHET' propose --dry-run '$BOX/bad.patch' | grep -q '$(printf '\033')'"

# ---- explain ----
exits 0 'explain shows a verdict' "$RATCHET" explain "$id"
says 'explain names the case' '^regressed: unit/a$'
says 'explain says what it was and is' 'was pass, is now fail'
says 'explain shows the relevant output' 'cases/a says bad'
exits 0 'the beginning of an id is enough' "$RATCHET" explain "${id:0:6}"
exits 0 'explain --log shows the output of what was not green' "$RATCHET" explain --log "$id"
says 'the log is that of the cell' '\| not ok 1 - a'
exits 2 'an id that is none is an error' "$RATCHET" explain zzzz
says 'it says where ids are listed' 'ratchet log'
reproduce() { # ID: runs the command that explain gives
	"$RATCHET" explain "$1" | sed -n '/^  reproduce:/{n;s/^    //;p;q}' >"$BOX/reproduce.sh"
	test -s "$BOX/reproduce.sh" && TMPDIR=$BOX sh "$BOX/reproduce.sh"
}
exits 1 'the command that explain gives reproduces the failure' reproduce "$id"
says 'the case fails there as it failed in the cell' '^not ok 1 - a$'
check 'the shell stays where it was' test "$PWD" = "$BOX/project"
# variables, axes, needs, a list and words that the shell would take apart
new_repo quoted
cat >ratchet.yml <<'END'
version: 1
axes: {word: [one, two]}
checks:
  - name: build
    run: printf '%s' "$GREETING" >made   # a comment that ends the line
    env: {GREETING: "it's {{x}} $HOME; a # b"}
    inputs: [value]
  - name: list
    needs: [build]
    axes: [word]
    run: [sh, -c, 'test "$(cat value)" = "$1" && test -f made && test "$WORD" = "$2 "', sh, "it's $fine", "{{word}}"]
    env: {WORD: "{{word}} "}
END
sed -i 's/{{x}} //' ratchet.yml
printf "it's \$fine" >value
must commit 'first'
must "$RATCHET" check
must "$RATCHET" baseline record
printf "it's not" >value
git diff >"$BOX/quoted.patch"
git checkout -q .
exits 1 'a cell with variables and a list of words regresses' "$RATCHET" propose "$BOX/quoted.patch"
quoted=$(printf '%s\n' "$SAID" | sed -n 's/^regressed \([0-9a-f]*\).*/\1/p')
exits 1 'its command reproduces the failure' reproduce "$quoted"
sed "s/git worktree add --detach \"\$t\" [0-9a-f]*/git worktree add --detach \"\$t\" main/" "$BOX/reproduce.sh" >"$BOX/main.sh"
exits 0 'the same command passes on the target' env TMPDIR="$BOX" sh "$BOX/main.sh"
cd "$BOX/project" || exit 1

# ---- log, status ----
exits 0 'log shows the ledger' "$RATCHET" log
says 'a line of the log has number, time, who and verdict' '^ +[0-9]+  [0-9-]+T[0-9:]+Z  e2e  .*regressed'
check 'log -n limits' test "$("$RATCHET" log -n 2 | wc -l)" = 2
exits 2 'log -n of no number is an error' "$RATCHET" log -n many
check 'log and plain git show the same subjects' test "$("$RATCHET" log -n 1 | sed 's/.*  //')" = \
	"$(git log -1 --format=%s "refs/ratchet/ledger/$(cat .git/ratchet/writer)" | sed 's/.*  //')"
exits 0 'status shows where things stand' "$RATCHET" status
says 'status names the target' '^target refs/heads/main at [0-9a-f]{12}$'
says 'status names the baseline' '^baseline of 3 lines, 1 checks, isolation '
says 'status says that governance is unsigned' '^governance is unsigned'
echo past >past
must commit 'past the gate'
"$RATCHET" status >"$BOX/said" 2>&1
check 'status names an ungated commit' grep -q '^finding: .*ungated' "$BOX/said"
exits 1 'verify finds it' "$RATCHET" verify
git reset -q --hard HEAD^
exits 2 'a target that is none is an error' "$RATCHET" status --target no-such-branch

# ---- baseline ----
exits 0 'baseline show prints the lines' "$RATCHET" baseline show
says 'a line has id and level' "^unit/a	pass"
check 'baseline show takes a glob' test "$("$RATCHET" baseline show '*/[abc]*' | wc -l) $("$RATCHET" baseline show 'un*/?' | wc -l)" = '0 3'
check 'baseline show --rev shows an earlier one' test "$("$RATCHET" baseline show --rev HEAD^ | wc -l)" = 2
exits 2 'baseline show of a commit that is none is an error' "$RATCHET" baseline show --rev no-such-commit
exits 0 'baseline diff compares the tip and its parent' "$RATCHET" baseline diff
says 'a difference says what was and is' '^unit/c	absent -> pass'
exits 0 'baseline diff compares two commits' "$RATCHET" baseline diff HEAD HEAD^
says 'the other way round it is a fall' '^unit/c	pass.* -> absent'
exits 0 'baseline verify finds it sound' "$RATCHET" baseline verify
exits 2 'baseline verify of a commit that is none is an error' "$RATCHET" baseline verify --rev no-such-commit
git checkout -q -b fallen
sed -i '/unit\/b	/d' .ratchet/baseline/unit.tsv && commit 'remove a line'
exits 1 'baseline verify finds a line that fell' "$RATCHET" baseline verify --rev fallen
says 'the line that fell is named' 'unit/b fell against the commit before'
printf '<<<<<<< ours\n' >>.ratchet/baseline/unit.tsv && commit 'a conflict'
exits 1 'baseline verify finds a broken file' "$RATCHET" baseline verify --rev fallen
says 'a broken file is named with its line' '^.ratchet/baseline/unit.tsv:[0-9]+: '
git checkout -q main
exits 2 'baseline takes no other verb' "$RATCHET" baseline lower
exits 0 'recording what is recorded is no change' "$RATCHET" baseline record
says 'it says so' '^noop'
finish
