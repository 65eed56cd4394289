#!/bin/bash
# Reports that are cut off, doubled, contradictory, huge, of another encoding or hostile, of every format, in a check:
# inconclusive, with the file and the place, and never a pass. tests/fuzz has the rest.
. "$(dirname "$0")/lib.sh"

# FORMAT KIND: a good report of each is in good/FORMAT
FORMATS='junit tap meson gojson libtest criterion ctrf gtest ratchet.v1 hyperfine google-benchmark pytest-benchmark
criterion-rs perf time sarif gcc eslint ruff shellcheck cppcheck lcov cobertura regex json'
kind_of() {
	case $1 in
	hyperfine | google-benchmark | pytest-benchmark | criterion-rs | perf | time | regex | json) echo 'metric, better: lower' ;;
	sarif | gcc | eslint | ruff | shellcheck | cppcheck | lcov | cobertura) echo findings ;;
	*) echo cases ;;
	esac
}
new_repo reports
mkdir good
cd good || exit 1
echo '<testsuite name="s" tests="2"><testcase name="a"/><testcase name="b"/></testsuite>' >junit
printf '1..2\nok 1 - a\nok 2 - b\n' >tap
echo '{"name": "p:s / a", "stdout": "", "result": "OK", "starttime": 1.0, "duration": 0.1, "returncode": 0, "env": {}, "command": ["a"]}' >meson
printf '%s\n' '{"Action":"run","Package":"m","Test":"A"}' '{"Action":"pass","Package":"m","Test":"A"}' \
	'{"Action":"pass","Package":"m"}' >gojson
printf '%s\n' '{"type":"suite","event":"started","test_count":1}' '{"type":"test","event":"started","name":"a"}' \
	'{"type":"test","name":"a","event":"ok"}' \
	'{"type":"suite","event":"ok","passed":1,"failed":0,"ignored":0,"measured":0,"filtered_out":0,"exec_time":0.1}' >libtest
echo '<testsuites name="Criterion Tests" tests="1" failures="0" errors="0" disabled="0"><testsuite name="s" tests="1" failures="0" errors="0" disabled="0" skipped="0" time="0"><testcase name="a" assertions="1" status="PASSED" time="0"></testcase></testsuite></testsuites>' >criterion
echo '{"reportFormat": "CTRF", "results": {"tool": {"name": "t"}, "summary": {"tests": 1, "passed": 1}, "tests": [{"name": "a", "status": "passed"}]}}' >ctrf
echo '{"tests": 1, "failures": 0, "testsuites": [{"name": "S", "tests": 1, "failures": 0, "testsuite": [{"name": "a", "status": "RUN", "result": "COMPLETED"}]}]}' >gtest
printf '%s\n' '{"type": "case", "id": "a", "status": "pass"}' '{"type": "end", "cases": 1}' >ratchet.v1
echo '{"results": [{"command": "x", "times": [1, 1], "exit_codes": [0, 0]}]}' >hyperfine
echo '{"benchmarks": [{"name": "B", "run_type": "iteration", "real_time": 1, "time_unit": "s"}]}' >google-benchmark
echo '{"machine_info": {}, "benchmarks": [{"fullname": "a", "stats": {"median": 1}}]}' >pytest-benchmark
echo '{"median": {"point_estimate": 1.0}}' >criterion-rs
printf '12,,cycles,1,100.00,,\n13,,branches,1,100.00,,\n' >perf
printf '\tUser time (seconds): 0.25\n\tExit status: 0\n' >./time
echo '{"version": "2.1.0", "runs": [{"results": [{"ruleId": "r", "message": {"text": "m"}}]}]}' >sarif
printf 'a.c:1:1: warning: m [-Wx]\nb.c:1:1: warning: m [-Wx]\n' >gcc
echo '[{"filePath": "a.js", "messages": [{"ruleId": "r", "message": "m", "line": 1}], "errorCount": 1, "warningCount": 0}]' >eslint
echo '[{"code": "F401", "message": "m", "filename": "a.py", "location": {"row": 1, "column": 1}}]' >ruff
echo '{"comments": [{"file": "a.sh", "line": 1, "column": 1, "code": 1, "message": "m"}]}' >shellcheck
echo '<results version="2"><errors><error id="e" msg="m"><location file="a.c" line="1"/></error></errors></results>' >cppcheck
printf 'SF:good/tap\nDA:1,1\nDA:2,0\nend_of_record\n' >lcov
echo '<coverage><packages><package><classes><class filename="good/tap"><lines><line number="1" hits="1"/><line number="2" hits="0"/></lines></class></classes></package></packages></coverage>' >cobertura
printf 'took 12 s\n' >regex
echo '{"n": 12}' >json
cd .. || exit 1
{
	printf 'version: 1\ntarget: main\nchecks:\n'
	for format in $FORMATS; do
		case $format in
		regex) place="{regex: 'took (\\d+)'}" ;;
		json) place='{json: /n}' ;;
		criterion-rs) place='{criterion-rs: out/b/new/estimates.json}' ;;
		*) place="{$format: stdout}" ;;
		esac
		run="cat reports/$format"
		[ $format != criterion-rs ] || run='mkdir -p out/b/new && cat reports/criterion-rs >out/b/new/estimates.json'
		printf "  - {name: %s, kind: %s, run: '%s', report: %s}\n" "$format" "$(kind_of $format)" "$run" "$place"
	done
} >ratchet.yml
cp -r good reports
must commit first
exits 0 'the good reports are complete' "$RATCHET" check
must "$RATCHET" baseline record

# bad NAME FORMAT[=WORDS]... : the work tree's reports are offered. The cell of each format is inconclusive, and the problem
# that is shown begins with the file, a colon, and what matches the words.
bad() {
	local name=$1 format words missing=
	shift
	git add -A && git diff --cached --binary >"$BOX/patch" && git reset -q --hard
	SAID=$("$RATCHET" propose "$BOX/patch" 2>&1)
	local code=$?
	report "$((code != 3))" "$name: the verdict is inconclusive" "exit code $code"
	for format in "$@"; do
		words=
		[ "${format#*=}" = "$format" ] || words=${format#*=}
		grep -Eq "^  cell ${format%%=*}: inconclusive: [^:]+:$words" <<<"$SAID" || missing="$missing $format"
	done
	report "$((${#missing} > 0))" "$name: each format says where it is bad" "not said:$missing"
}
ONE_JSON='ctrf gtest hyperfine google-benchmark pytest-benchmark criterion-rs sarif eslint ruff shellcheck json'
ONE_XML='junit criterion cppcheck cobertura'
at_line() { # LINE FORMATS...: each with its line
	local line=$1
	shift
	printf "%s=$line " "$@"
}

for file in reports/*; do head -c -9 "good/${file##*/}" >"$file"; done
printf 'took ' >reports/regex # what is not there can't be missed
# shellcheck disable=SC2046,SC2086
bad 'cut off' $(at_line 1: $ONE_JSON $ONE_XML tap meson) $(at_line 2: ratchet.v1 perf time gcc) gojson=3: libtest=4: \
	lcov=4: 'regex= the.expression.matches.nothing'
for file in reports/*; do iconv -f UTF-8 -t UTF-16 "good/${file##*/}" >"$file"; done
# XML may be in UTF-16, and is read
# shellcheck disable=SC2046,SC2086
bad 'in UTF-16' $(at_line 1: $ONE_JSON meson ratchet.v1 perf gcc lcov) tap gojson libtest time regex
for file in reports/*; do cat "good/${file##*/}" "good/${file##*/}" >"$file"; done
printf 'took 12 s\ntook 13 s\n' >reports/regex
# elsewhere the same case twice takes the worst, a warning twice is one, and a tracefile may have a file twice
# shellcheck disable=SC2046,SC2086
bad 'doubled' $(at_line 2: $ONE_JSON $ONE_XML) $(at_line 3: ratchet.v1 perf time) tap=4: 'regex=.*different.numbers'
for file in reports/*; do sed -e 's/:/,/g' -e 's/[0-9]/-/g' "good/${file##*/}" >"$file"; done
echo 'took -- s' >reports/regex
# shellcheck disable=SC2046,SC2086
bad 'garbled' $(at_line 1: $ONE_JSON meson ratchet.v1) junit=1: tap libtest gojson perf time lcov cobertura regex

for format in sarif junit tap gcc lcov perf ratchet.v1; do
	head -c 70000000 /dev/zero | tr '\0' "$(head -c 1 good/$format)" >reports/$format
	"$RATCHET" read --format $format reports/$format >said 2>&1
	[ $? -eq 3 ] && grep -Eq "^problem: reports/$format:" said || echo "$format: $(tail -n 1 said)" >>wrong
done
check 'seventy megabytes without an end are incomplete' test ! -s wrong
finish
