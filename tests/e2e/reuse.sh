#!/bin/bash
# A recorded green result stands for a run with the same key, and for no other.
. "$(dirname "$0")/lib.sh"

# project NAME: counts what runs in a file of the host that cells see read-only, so it counts by what they print.
project() {
	new_repo "$1"
	mkdir -p src docs t
	echo 'int f(void);' >src/f.h
	echo docs >docs/a.md
	echo one >t/one
	printf '%s\n' '#!/bin/sh' 'mkdir -p out && cat dep src/* >out/built' >build.sh
	printf '%s\n' '#!/bin/sh' 'echo fetched >dep' >fetch.sh
	cat >unit.sh <<-'END'
		#!/bin/sh
		test -s out/built || exit 1
		n=0
		for f in t/*; do n=$((n + 1)); echo "ok $n - ${f#t/}"; done
		echo "1..$n"
	END
	chmod +x ./*.sh
	cat >ratchet.yml <<-'END'
		version: 1
		target: main
		checks:
		  - name: deps
		    kind: prepare
		    run: ./fetch.sh
		    inputs: [fetch.sh]
		  - name: build
		    needs: [deps]
		    run: ./build.sh
		    inputs: ["src/**", build.sh]
		  - name: unit
		    needs: [build]
		    run: ./unit.sh
		    report: {tap: stdout}
		    inputs: ["t/**", unit.sh]
		  - name: docs
		    run: test -s docs/a.md
		    inputs: ["docs/**"]
		  - name: size
		    kind: metric
		    run: wc -c src/f.h
		    report: {regex: '^(\d+)'}
		    better: higher
		    margin: 99%
		    samples: 2
		    inputs: ["src/**"]
		  - name: whole
		    run: 'true'
	END
	must commit first
	must "$RATCHET" check
	must "$RATCHET" baseline record
}
# cached true|false: the names of the last report's cells, on one line.
cached() {
	grep -o '"attempts":[0-9]*,"cached":[a-z]*,"duration_ms":[0-9]*,"executed":[0-9]*,"name":"[^"]*"' "$BOX/last" |
		grep "\"cached\":$1" | sed 's/.*"name":"\(.*\)"/\1/' | sort | tr '\n' ' '
}
propose() { # MESSAGE: the work tree's changes, as a patch
	git add -A && git diff --cached >"$BOX/p.patch" && git reset -q --hard
	"$RATCHET" propose --json "$BOX/p.patch" >"$BOX/last" 2>"$BOX/err"
	local code=$?
	cat "$BOX/last" "$BOX/err"
	return $code
}

project main
echo more >>docs/a.md
exits 0 'a change of documentation lands' propose
check 'only what sees the documentation runs, and what is never reused' test "$(cached false)" = 'docs size whole '
check 'the others stand as recorded' test "$(cached true)" = 'build deps unit '
check 'a cell that did not run has no attempt' grep -q '"attempts":0,"cached":true' "$BOX/last"
check 'the ledger entry says which results stood' entry 2 '"unit reused [0-9a-f]{64} [0-9a-f]{64}"'
check 'the ledger entry says which are recorded' entry 2 '"docs recorded [0-9a-f]{64} [0-9a-f]{64}"'
check 'the baseline is as before' git grep -q 'unit/one	pass' HEAD -- .ratchet/baseline/unit.tsv
exits 0 'the ledger verifies' "$RATCHET" verify

echo two >t/two
exits 0 'a new test lands' propose
check 'what sees it runs, upon what is recorded of the build' test "$(cached true)" = 'build deps docs '
check 'its case entered the baseline' git grep -q 'unit/two	pass' HEAD -- .ratchet/baseline/unit.tsv

echo 'int g(void);' >>src/f.h
exits 0 'a change of the source lands' propose
check 'all that sees the source runs, upon what is recorded of the preparation' test "$(cached true)" = 'deps docs '

git rm -q t/two
exits 1 'a removed test is a regression' propose
exits 1 'and stays one' "$RATCHET" propose --again "$BOX/p.patch"
says 'the second look takes what was built of the target as it is recorded' 'reused  *build, on the base'
says 'and runs its tests' 'passed  *unit, on the base'
check 'the ledger entry says what stood on the base, once' test "$(ledger | head -n 1 | grep -o '"build reused [0-9a-f]* [0-9a-f]*"' | sort | uniq -c | awk '{print NR ":" $1}' | tr '\n' ' ')" = '1:1 '
echo more >>docs/a.md
exits 0 'after it, a change of documentation lands' propose
check 'what a rejected proposal showed stands for nothing' test "$(cached true)" = 'build deps unit '

# ---- red, tampered, another machine ----
sed -i 's/^test -s out/test ! -s out/' unit.sh
exits 3 'a proposal without evidence is rejected' propose
sed -i 's/^test -s out/test ! -s out/' unit.sh
exits 3 'and once more' propose
check 'what gave no evidence stands for nothing' sh -c "! printf '%s' '$(cached true)' | grep -q unit"

store=$(git rev-parse --git-common-dir)/ratchet/results
for f in "$store"/*; do [ -f "$f" ] && [ ${#f} -eq $((${#store} + 65)) ] && sed -i 's/"one"/"ONE"/; s/unit\/one/unit\/ONE/' "$f"; done
echo again >>docs/a.md
exits 0 'with a store that was tampered with a proposal lands' propose
check 'a result that is not what the ledger says runs again' sh -c "! printf '%s' '$(cached true)' | grep -q unit"
rm -rf "$store"
echo again >>docs/a.md
exits 0 'without a store a proposal lands' propose
check 'and everything runs' test -z "$(cached true)"
echo again >>docs/a.md
exits 0 'and is recorded anew' propose
check 'so that it stands again' test "$(cached true)" = 'build deps unit '
git update-ref -d "$(git for-each-ref --format='%(refname)' refs/ratchet/ledger)"
echo again >>docs/a.md
propose >/dev/null
check 'without its entry in the own chain a result stands for nothing' test -z "$(cached true)"

# ---- recording runs ----
exits 0 'recording the baseline finds nothing new' "$RATCHET" baseline record
refuse 'and stands on no recorded result' sh -c "printf '%s' \"\$1\" | grep -q reused" - "$SAID"

finish
