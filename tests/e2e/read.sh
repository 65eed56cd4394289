#!/bin/bash
# What `ratchet read` makes of reports: each format recognised, and input that puzzles.
SCRIPT=$(realpath "$0")
. "$(dirname "$0")/lib.sh"
top=$(cd "$(dirname "$SCRIPT")/../.." && pwd)

cd "$BOX" || exit 1
golden=$top/tests/readers/golden
mkdir said
for format in criterion gojson junit libtest meson sarif tap; do
	for file in "$golden/$format"/*; do
		case $format/$(basename "$file") in
		gojson/build-failed.json) continue ;; # one line of text: nothing in it says what it is
		junit/criterion.xml) continue ;;      # the same file as one of criterion's
		esac
		"$RATCHET" read --json "$file" >"said/$format.$(basename "$file")" 2>/dev/null
		echo $? >"said/$format.$(basename "$file").code"
	done
done
cat >reads.py <<'END'
import glob, json, sys

for name in glob.glob("said/" + sys.argv[1] + ".*"):
    if name.endswith(".code"):
        continue
    code = open(name + ".code").read().strip()
    said = json.load(open(name))
    print(name, code, said.get("problems"))
    assert said["format"] == sys.argv[1], said["format"]
    assert said["complete"] == (not said["problems"]) == (code == "0")
    assert code in ("0", "3")
    assert set(said["counts"]) == {"pass", "fail", "error", "skip"}
    for case in said["cases"]:
        assert set(case) == {"id", "status", "assertions", "duration_ms"}, case
        assert case["status"] in said["counts"], case
        assert case["id"].startswith("cell/"), case
    assert sum(said["counts"].values()) == len(said["cases"])
END
for format in criterion gojson junit libtest meson sarif tap; do
	check "a report of $format is recognised and read" python3 reads.py $format
done
: >empty
exits 2 'an empty file is recognised as nothing' "$RATCHET" read empty
says 'it says what to give' '--format'
exits 3 'an empty file of a known format is incomplete' "$RATCHET" read --format junit empty
exits 3 'an empty TAP stream is incomplete' "$RATCHET" read --format tap empty
exits 2 'a file that is not there is an error' "$RATCHET" read no-such-file
exits 2 'a folder is an error' "$RATCHET" read /
exits 2 'a format that is none is an error' "$RATCHET" read --format nonsense empty
echo 'hello, world' >prose
exits 2 'prose is no report' "$RATCHET" read prose
exits 3 'prose read as XML is incomplete' "$RATCHET" read --format junit prose
says 'the problem says where' 'prose'
printf '<?xml version="1.0"?>\n<testsuite name="s" tests="2"><testcase classname="c" name="a"/><testcase class' >cut.xml
exits 3 'a truncated report is incomplete' "$RATCHET" read cut.xml
says 'what was read before the end is shown' '^pass +cell/c::a'
printf 'TAP version 13\n1..3\nok 1 - a\n' >cut.tap
exits 3 'a TAP stream that ends early is incomplete' "$RATCHET" read cut.tap
printf '1..0 # SKIP nothing here\n' >skipped.tap
exits 3 'a report in which nothing ran is incomplete' "$RATCHET" read skipped.tap
printf 'ok 1 - a\nnot ok 2 - b # TODO later\nok 3 # SKIP no\n1..3\n' >whole.tap
exits 0 'a whole report is complete' "$RATCHET" read whole.tap
says 'its cases are counted' '1 passed, 0 failed, 0 errors, 2 skipped: complete evidence'
exits 0 'a preset names its format' "$RATCHET" read --format prove whole.tap
printf 'text 42 bytes\n' >size
exits 0 'a metric is read by an expression' "$RATCHET" read --format regex --pattern 'text (\d+)' size
says 'the number is shown' '^42 '
exits 2 'an expression must be given' "$RATCHET" read --format regex size
exits 3 'an expression that finds nothing is incomplete' "$RATCHET" read --format regex --pattern 'data (\d+)' size
echo '{"a": {"b": [1, 2.5]}}' >numbers
exits 0 'a metric is read by a pointer' "$RATCHET" read --format json --pattern /a/b/1 numbers
says 'the number of the pointer is shown' '^2.5 '
printf 'a.c:1: bad\nb.c:2: worse\n' >lines
exits 0 'matches of an expression are read as findings' "$RATCHET" read --format regex --findings --pattern '^(?<file>[^:]+):(?<line>\d+): (?<message>.*)$' lines
says 'each of them is shown' 'known +cell/b.c::worse'
says 'and counted' 'regex: 2 findings: complete evidence'
printf 'a.c:4:6: warning: m [-Wx]\n' >warnings
exits 0 'findings are read as JSON' "$RATCHET" read --json --format gcc warnings
says 'each has its id and its text' '"findings":\[\{"id":"cell/-Wx::a.c::m","text":"a.c:4:6: m \[-Wx\]"\}\]'
echo '{"results": [{"command": "x", "times": [0.5, 0.25]}]}' >samples
exits 0 'numbers are read as JSON' "$RATCHET" read --json --format hyperfine samples
says 'each sample is one' '"metrics":\[\{"id":"cell/x","value":0.5\},\{"id":"cell/x","value":0.25\}\]'
printf '1234567,,instructions:u,1000,100.00,,\n' >counts
exits 0 'large numbers are read' "$RATCHET" read --format perf counts
says 'they are shown whole' '^1234567  cell/instructions:u'
finish
