#!/bin/bash
# A case that fails at times is run again alone where its runner can select it, with real runners.
home=${HOME-}
. "$(dirname "$0")/lib.sh"

# Two cases that each note that they ran. `maybe` fails in the candidate's runs but the second, by a count kept outside:
# without isolation, so that what ran can be seen from here.
cat >"$BOX/case" <<END
#!/bin/sh
echo "\$1" >>"$BOX/ran"
[ "\$1" = maybe ] && [ -e "\$2/sick" ] || exit 0
echo x >>"$BOX/count"
[ "\$(wc -l <"$BOX/count")" -eq 2 ]
END
chmod +x "$BOX/case"

# runner NAME RUN [REPORT [CHECK]]: the project in the current folder, with one check.
runner() {
	cat >ratchet.yml <<-END
		version: 1
		target: main
		isolation: none
		tools: [${TOOLS-}]
		checks:
		  - name: unit
		    run: $2
		    report: ${3:-$1}
		    ${4-}
	END
	touch healthy
	must commit first
	must "$RATCHET" check --adopt
	must "$RATCHET" baseline record
	git mv healthy sick && git diff --cached >"$BOX/patch" && git reset -q --hard
	rm -f "$BOX/count" "$BOX/ran"
	touch "$BOX/ran"
}
ran() { # CASE: how often
	grep -cx "$1" "$BOX/ran"
}
recorded() { # ID: how many runs of it alone the newest entry names
	git for-each-ref --format='%(refname)' refs/ratchet/ledger | xargs git log -1 --format=%B |
		python3 -c 'import json, sys
runs = json.loads(sys.stdin.read().strip().split("\n")[-1])["evidence"]["runs"]
print(sum(run.endswith(" only " + sys.argv[1]) for run in runs))' "$1"
}
# alone NAME ID: three runs on the candidate and two on the base, the last on each side of the one case.
alone() {
	exits 1 "$1: a case that begins to fail at times regresses" "$RATCHET" propose "$BOX/patch"
	printf '%s\n' "$SAID" | grep -qF "regressed: $2"
	report $? "$1: it is named as it is"
	check "$1: the last runs are of that case alone" test "$(ran maybe) $(ran steady)" = '5 3'
	check "$1: each of them is in the ledger" test "$(recorded "$2")" = 2
}

# ---- what the check says itself, with a name that a shell would take apart ----
new_repo own
cat >run-cases <<END
#!/bin/sh
want='\$(touch "$BOX/pwned"); a "b" {{report}}'"'"'s'
n=0 code=0
for name in maybe steady; do
	title=\$name
	[ \$name = steady ] || title="\$want"
	[ \$# -eq 0 ] || [ "\$1" = "\$title" ] || continue
	n=\$((n + 1)) word=ok
	"$BOX/case" \$name . || { word='not ok' code=1; }
	printf '%s %s - %s\n' "\$word" \$n "\$title"
done
echo 1..\$n
exit \$code
END
chmod +x run-cases
runner own './run-cases' '{tap: stdout}' 'rerun: ./run-cases {{case}}'
exits 1 'own: a case that begins to fail at times regresses' "$RATCHET" propose "$BOX/patch"
check 'own: the last runs are of that case alone' test "$(ran maybe) $(ran steady)" = '5 3'
refuse 'own: no shell takes the name apart' test -e "$BOX/pwned"

# ---- what selects nothing shows nothing ----
new_repo nothing
cat >run-cases <<END
#!/bin/sh
[ \$# -eq 0 ] || { echo 'ok 1 - another'; echo 1..1; exit 0; }
code=0
"$BOX/case" maybe . && echo 'ok 1 - maybe' || { echo 'not ok 1 - maybe'; code=1; }
"$BOX/case" steady . && echo 'ok 2 - steady'
echo 1..2
exit \$code
END
chmod +x run-cases
runner nothing './run-cases' '{tap: stdout}' 'rerun: ./run-cases {{case}}'
exits 1 'a selection without the case decides nothing, and the check decides' "$RATCHET" propose "$BOX/patch"
check 'the whole check ran instead' test "$(ran maybe)" = "$(ran steady)"

new_repo quoted
# shellcheck disable=SC2016
printf 'version: 1\nchecks:\n  - {name: unit, run: x, report: {tap: stdout}, rerun: '\''./x "{{case}}"'\''}\n' >ratchet.yml
must commit first
exits 2 'a name within quotes of its own is refused' "$RATCHET" check
says 'with the mend' 'outside of quotes'

# ---- pytest ----
new_repo pytest
mkdir tests
cat >tests/test_a.py <<END
import subprocess


class TestIt:
    def test_maybe(self):
        assert subprocess.call(['$BOX/case', 'maybe', '.']) == 0


def test_steady():
    assert subprocess.call(['$BOX/case', 'steady', '.']) == 0
END
runner pytest '/usr/bin/python3 -m pytest -q'
alone pytest 'unit/tests.test_a.TestIt::test_maybe'

# ---- node ----
if node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; then
	new_repo node
	cat >a.test.js <<-END
		const {test} = require('node:test');
		const {execFileSync} = require('node:child_process');
		test('maybe "so" (a)', () => { execFileSync('$BOX/case', ['maybe', '.']); });
		test('steady', () => { execFileSync('$BOX/case', ['steady', '.']); });
	END
	runner node 'node --test'
	alone node 'unit/maybe "so" (a)'
else
	skip 'node: the last runs are of that case alone' 'node is older than 20'
fi

# ---- bats ----
new_repo bats
mkdir tests
printf '@test "maybe (a) [b]" { "%s" maybe .; }\n@test "steady" { "%s" steady .; }\n' "$BOX/case" "$BOX/case" >tests/a.bats
runner bats 'bats tests'
alone bats 'unit/maybe (a) [b]'

# ---- ctest ----
new_repo ctest
printf '%s\n' 'cmake_minimum_required(VERSION 3.20)' 'project(x NONE)' 'enable_testing()' >CMakeLists.txt
for name in maybe steady; do
	echo "add_test(NAME \"$name (a)\" COMMAND \"$BOX/case\" $name \${CMAKE_SOURCE_DIR})" >>CMakeLists.txt
done
runner ctest 'cmake -B b . >/dev/null && ctest --test-dir b --no-tests=error --output-junit {{report}}'
alone ctest 'unit/maybe (a)::maybe (a)'

# ---- meson ----
new_repo meson
cat >meson.build <<END
project('x')
foreach name : ['maybe', 'steady']
  test(name, find_program('$BOX/case'), args: [name, meson.project_source_root()], suite: 's')
endforeach
END
runner meson 'meson setup b >/dev/null && meson test -C b'
alone meson unit/maybe

# ---- criterion ----
new_repo criterion
cat >t.c <<END
#include <criterion/criterion.h>
#include <stdlib.h>
Test(it, maybe) { cr_assert_eq(system("$BOX/case maybe ."), 0); }
Test(it, steady) { cr_assert_eq(system("$BOX/case steady ."), 0); }
END
runner criterion 'cc t.c -lcriterion -o t && ./t'
alone criterion 'unit/it::maybe'

# ---- go ----
new_repo go
printf 'module example.org/m\n\ngo 1.19\n' >go.mod
cat >a_test.go <<END
package m

import (
	"os/exec"
	"testing"
)

func one(t *testing.T, name string) {
	if exec.Command("$BOX/case", name, ".").Run() != nil {
		t.Fail()
	}
}

func TestMaybe(t *testing.T)  { one(t, "maybe") }
func TestMaybe2(t *testing.T) {}
func TestSteady(t *testing.T) { one(t, "steady") }
END
runner go 'go test ./...' go "env: {GOCACHE: $BOX/cache}"
alone go unit/example.org/m::TestMaybe

# ---- cargo ----
new_repo cargo
[ "$(command -v cargo)" = /usr/bin/cargo ] || [ ! -d "$home/.rustup" ] || as_home="env HOME=$home XDG_STATE_HOME=$BOX/state"
if ${as_home-} cargo --version >/dev/null 2>&1; then
	mkdir src
	printf '%s\n' '[package]' 'name = "m"' 'version = "0.1.0"' 'edition = "2021"' >Cargo.toml
	cat >src/lib.rs <<-END
		#[cfg(test)]
		fn one(name: &str) {
		    assert!(std::process::Command::new("$BOX/case").arg(name).arg(".").status().unwrap().success());
		}
		#[test]
		fn maybe() { one("maybe"); }
		#[test]
		fn steady() { one("steady"); }
	END
	ratchet_of_box=$RATCHET
	if [ -n "${as_home-}" ]; then
		# shellcheck disable=SC2088 # ratchet expands it
		TOOLS='~/.cargo/bin, ~/.rustup'
		printf '#!/bin/sh\nexec %s %s "$@"\n' "$as_home" "$RATCHET" >"$BOX/ratchet"
		chmod +x "$BOX/ratchet"
		RATCHET=$BOX/ratchet
	fi
	runner cargo 'cargo test --no-fail-fast -- -Z unstable-options --format json'
	alone cargo unit/maybe
	RATCHET=$ratchet_of_box
else
	skip 'cargo: the last runs are of that case alone' 'cargo is not here'
fi
finish
