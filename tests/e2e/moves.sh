#!/bin/bash
# Findings and cases follow the file that they are in, where git sees that it moved.
. "$(dirname "$0")/lib.sh"

new_repo moves
mkdir tests src
# Each line of a test file is a case: its name and a command. The module's name is in the case's, as pytest has it.
cat >run-tests <<'END'
#!/bin/sh
code=0
echo '<testsuite name="all">'
for f in tests/*.py; do
	module=$(echo "${f%.py}" | tr / .)
	while read -r name command; do
		case $name in test_*) ;; *) continue ;; esac
		echo "<testcase classname=\"$module\" name=\"$name\">"
		sh -c "$command" || { code=1; echo '<failure message="no"/>'; }
		echo '</testcase>'
	done <"$f"
done
echo '</testsuite>'
exit $code
END
chmod +x run-tests
cat >ratchet.yml <<'END'
version: 1
target: main
support: ["tests/**"]
checks:
  - name: unit
    run: ./run-tests >report.xml
    report: {junit: report.xml}
    fast: true
  - name: todo
    kind: findings
    run: grep -rn TODO src || true
    report: {regex: '^(?<file>[^:]+):(?<line>\d+):(?<message>.*)$'}
END
text() { # lines that make a file known again
	seq -f "$1 line %g of this file" 1 20
}
{
	text code
	echo 'TODO: speed'
	echo 'TODO: words'
} >src/old.c
echo good >src/value
{
	text '#'
	echo 'test_value grep -q good src/value'
	echo 'test_size test -s src/old.c -o -s src/new.c -o -s src/newer.c'
} >tests/test_a.py
must commit first
must "$RATCHET" check
must "$RATCHET" baseline record
line() { # ID LEVEL EPOCH
	git show "main:.ratchet/baseline/${1%%/*}.tsv" | grep -Fxq -- "$(printf '%s\t%s\t%s\t%s' "$1" "$2" "" "$3")"
}
patch_of() {
	must git add -A
	git diff --cached -M >"$BOX/$1.patch"
	must git reset -q --hard
}
check 'a finding is known by its file' line 'todo/src/old.c::TODO: speed' known 0

# ---- findings ----
git mv src/old.c src/new.c && echo 'TODO: colour' >>src/new.c
patch_of more
exits 1 'a new finding in a moved file is a regression' "$RATCHET" propose "$BOX/more.patch"
says 'it is the new one alone' 'regressed: todo/src/new.c::TODO: colour'
refuse 'those that moved are not named' grep -q 'new.c::TODO: speed' <<<"$SAID"
git mv src/old.c src/new.c && sed -i -e '1s/^/changed /' -e '/words/d' src/new.c
patch_of move
exits 0 'findings survive the move of their file' "$RATCHET" propose "$BOX/move.patch"
check 'the finding is known at the new path' line 'todo/src/new.c::TODO: speed' known 0
check 'it is gone at the old one' line 'todo/src/old.c::TODO: speed' gone 0
check 'one that was fixed on the way is gone' line 'todo/src/old.c::TODO: words' gone 0
git rm -q src/new.c && printf 'all is new\nTODO: speed\n' >src/newer.c
patch_of other
exits 1 'a file of other content is no move' "$RATCHET" propose "$BOX/other.patch"

# ---- cases ----
git mv tests/test_a.py tests/test_b.py && sed -i '/test_size/d' tests/test_b.py
patch_of dropped
exits 1 'a case that is not in the moved file is absent' "$RATCHET" propose "$BOX/dropped.patch"
says 'that case is named' 'unit/tests.test_a::test_size'
git mv tests/test_a.py tests/test_b.py && sed -i 's/grep -q good/grep -q ./' tests/test_b.py && echo bad >src/value
patch_of weaker
refuse 'a case that was weakened with the move does not land' "$RATCHET" propose "$BOX/weaker.patch"
says 'the case at the old path is named' 'unit/tests.test_a::test_value'
git mv tests/test_a.py tests/test_b.py
exits 0 'a staged move passes the fast checks' "$RATCHET" check --staged --fast
patch_of tests
exits 0 'cases survive the move of their file' "$RATCHET" propose "$BOX/tests.patch"
check 'the case passes at the new path' line 'unit/tests.test_b::test_value' pass 0
check 'it is gone at the old one, in a new epoch' line 'unit/tests.test_a::test_value' gone 1

# ---- a tool that writes absolute paths, in workspaces that lie elsewhere each time ----
new_repo absolute
cat >ratchet.yml <<'END'
version: 1
target: main
isolation: none
checks:
  - name: lint
    kind: findings
    run: 'echo "$PWD/a.c:1: warning: see $PWD/b.c"'
    report: {gcc: stdout}
END
echo 1 >a.c
must commit first
must "$RATCHET" check --adopt
must "$RATCHET" baseline record
check 'without namespaces a finding is known by its path in the repository' line 'lint/a.c::see /src/b.c' known 0
echo 2 >a.c && patch_of other
exits 0 'it is the same in another workspace' "$RATCHET" propose "$BOX/other.patch"

# ---- classes of Java and packages of Go: the name stays, the path in the id is another ----
new_repo packages
cat >run-tests <<'END'
#!/usr/bin/python3
# What surefire and `go test -json` write for files whose lines `case NAME FILE` pass where FILE is there.
import json, os, re, sys
found, code = [], 0
for top, _, names in os.walk('.'):
    for name in names:
        path = os.path.join(top, name)[2:]
        if re.search(r'Test\.java$|_test\.go$', name):
            for line in open(path):
                if line.startswith('case '):
                    found.append((path, line.split()[1], os.path.exists(line.split()[2])))
code = not all(ok for _, _, ok in found)
if sys.argv[1] == 'go':
    for path, case, ok in found:
        if path.endswith('.go'):
            package = os.path.join('example.com/m', os.path.dirname(path))
            for action, extra in (('run', {}), ('pass' if ok else 'fail', {'Elapsed': 0})):
                print(json.dumps({'Action': action, 'Package': package, 'Test': case, **extra}))
    for package in sorted({os.path.join('example.com/m', os.path.dirname(p)) for p, _, _ in found if p.endswith('.go')}):
        bad = any(not ok for p, _, ok in found if os.path.join('example.com/m', os.path.dirname(p)) == package)
        print(json.dumps({'Action': 'fail' if bad else 'pass', 'Package': package, 'Elapsed': 0}))
else:
    print('<testsuites>')
    for path, case, ok in found:
        if path.endswith('.java'):
            name = path[len('src/test/java/'):-len('.java')].replace('/', '.')
            print('<testcase classname="%s" name="%s">%s</testcase>' % (name, case, '' if ok else '<failure/>'))
    print('</testsuites>')
sys.exit(code)
END
chmod +x run-tests
cat >ratchet.yml <<'END'
version: 1
target: main
support: ["src/test/**", "**/*_test.go"]
checks:
  - {name: java, run: './run-tests java >r.xml', report: {junit: r.xml}}
  - {name: go, run: ./run-tests go, report: {gojson: stdout}}
END
mkdir -p src/test/java/org/old a b
{ text '//' && echo 'case adds run-tests' && echo 'case drops run-tests'; } >src/test/java/org/old/SumTest.java
{ text '//' && echo 'case TestX run-tests'; } >a/x_test.go
{ text '// of y' && echo 'case TestY run-tests'; } >a/y_test.go
{ text '// of z' && echo 'case TestZ run-tests'; } >b/z_test.go
must commit first
must "$RATCHET" check
must "$RATCHET" baseline record
mkdir -p src/test/java/org/fresh c
git mv src/test/java/org/old/SumTest.java src/test/java/org/fresh/SumTest.java && sed -i '/drops/d' src/test/java/org/fresh/SumTest.java
patch_of dropped
exits 1 'a case that was dropped with the move of its class is absent' "$RATCHET" propose "$BOX/dropped.patch"
says 'only that one is named' '^  regressed: java/org.old.SumTest::drops'
refuse 'and not what moved' grep -q 'regressed: .*adds' <<<"$SAID"
mkdir -p src/test/java/org/fresh c
git mv src/test/java/org/old/SumTest.java src/test/java/org/fresh/SumTest.java
git mv a/x_test.go b/x_test.go && git mv a/y_test.go c/y_test.go
patch_of packages
exits 0 'cases of Java and Go survive the move of their file to another package' "$RATCHET" propose "$BOX/packages.patch"
check 'a class is known by its new package' line 'java/org.fresh.SumTest::adds' pass 0
check 'it is gone in the old one' line 'java/org.old.SumTest::adds' gone 1
check 'a test of Go is known by its new package' line 'go/example.com/m/b::TestX' pass 0
check 'one of the same package that went elsewhere is known there' line 'go/example.com/m/c::TestY' pass 0
check 'both are gone in the old one' test "$("$RATCHET" baseline show 'go/example.com/m/a::*' | grep -c gone)" = 2
exits 0 'all of it verifies' "$RATCHET" verify
finish
