#!/bin/bash
# What a cell's command finds: how it is told where its report goes.
. "$(dirname "$0")/lib.sh"

# project NAME REPORT: one check whose script prints what the environment asks of a test runner, and writes a report.
project() {
	new_repo "$1"
	cat >run <<-'END'
		#!/bin/sh
		mkdir out
		case ${CRITERION_OUTPUTS-unset} in
		unset) name=not-asked ;;
		*) name=asked file=${CRITERION_OUTPUTS#xml:} ;;
		esac
		echo "<testsuites name='Criterion Tests' tests='1' failures='0' errors='0' skipped='0'><testsuite name='s' tests='1' failures='0' errors='0' skipped='0'><testcase name='$name' status='PASSED' assertions='1'/></testsuite></testsuites>" >"${file:-out/report.xml}"
	END
	chmod +x run
	printf '%s\n' 'version: 1' 'checks:' '  - name: unit' '    run: ./run' "    report: $2" >ratchet.yml
	must commit first
}
project preset criterion
exits 0 'a preset asks the runner for a report at {{report}}' "$RATCHET" check --json
check 'the case came from {{report}}' "$RATCHET" baseline record
check 'the runner was asked' grep -q '^unit/s::asked	pass' .ratchet/baseline/unit.tsv
project own '{criterion: "out/*.xml"}'
exits 0 'a check that names the place of its report is believed' "$RATCHET" check
check 'its cases are recorded' "$RATCHET" baseline record
check 'the preset asks for no second report' grep -q '^unit/s::not-asked	pass' .ratchet/baseline/unit.tsv

# ---- several at once ----
new_repo at-once
{
	printf '%s\n' 'version: 1' 'jobs: 4' 'checks:'
	for n in 1 2 3 4 5 6 7 8; do
		printf '  - name: c%s\n    run: sleep 0.1; echo 1..1; echo ok 1 - case\n    report: {tap: stdout}\n    inputs: [ratchet.yml]\n' "$n"
	done
} >ratchet.yml
must commit first
exits 0 'cells that print their report at the same time keep it apart' "$RATCHET" check

# ---- with and without overlays ----
new_repo copies
mkdir -p gone/deep src
echo x >gone/deep/file && echo x >src/removed && echo x >src/kept && echo x >src/changed
cat >ratchet.yml <<-'END'
	version: 1
	target: main
	checks:
	  - name: build
	    run: rm -r gone && rm src/removed && echo y >src/changed && echo new >src/new && ln -s kept src/link
	  - name: unit
	    needs: [build]
	    run: find gone src | LC_ALL=C sort >list; cat src/changed; sed 's/^/ok - /' list; echo "1..$(wc -l <list)"
	    report: {tap: stdout}
END
must commit first
seen() { # LEVEL: the ids of unit's cases, on one line
	RATCHET_TEST_ISOLATION=$1 "$RATCHET" check --json 2>/dev/null | grep -o '"id":"unit/[^"]*"' | sort | sed 's/.*unit.//; s/"//' | tr '\n' ' '
}
check 'what is needed of another cell is what it left, in an overlay' test "$(seen namespaces)" = 'src src/changed src/kept src/link src/new '
check 'and the same in a copy' test "$(seen landlock)" = 'src src/changed src/kept src/link src/new '

finish
