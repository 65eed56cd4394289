#!/bin/bash
# Weakened tests are seen: the target's own support files run the candidate's code too.
. "$(dirname "$0")/lib.sh"

# The code is a shell function; each file of tests/ is a case that sources it.
write_code() {
	mkdir -p src tests
	echo 'add() { echo $(($1 + $2)); }' >src/add.sh
	printf '%s\n' '. src/add.sh' 'test "$(add 1 2)" = 3' >tests/small
	printf '%s\n' '. src/add.sh' 'test "$(add 20 22)" = 42' >tests/large
	cat >run-tests <<-'END'
		#!/bin/sh
		n=0 code=0
		for f in tests/*; do
			n=$((n + 1)) word=ok
			sh -e "$f" || { word='not ok' code=1; }
			echo "$word $n - ${f#tests/}"
		done
		echo "1..$n"
		exit $code
	END
	chmod +x run-tests
	cat >ratchet.yml <<-END
		version: 1
		target: main
		support: ["tests/**"]
		checks:
		  - name: lint
		    run: sh -n src/add.sh
		    inputs: ["src/**"]
		  - name: unit
		    run: ./run-tests
		    report: {tap: stdout}
	END
}
adopt() {
	must commit first
	must "$RATCHET" check
	must "$RATCHET" baseline record
}
# The work tree's changes become a patch and are taken back.
patch_of() {
	must git add -A
	git diff --cached >"$BOX/$1.patch"
	must git reset -q --hard
}

new_repo code
write_code
adopt
start=$(tip)

echo 'add() { echo 3; }' >src/add.sh
printf '%s\n' '. src/add.sh' 'test "$(add 20 22)" = 3' >tests/large
patch_of weaker
exits 4 'a test weakened together with the code it tests is refused' "$RATCHET" propose "$BOX/weaker.patch"
says 'the refusal names the case' 'refused by rule support: unit/large fails when the target.s own support files'
says 'the refusal names the file that changed' '\(tests/large\)'
says 'the output lists the changed support files' 'support files changed: tests/large$'
says 'the output says what the old ones say' 'passes 1 cases of the baseline, fails 1, and all of them run'
check 'the target did not move for a weakened test' test "$(tip)" = "$start"

echo 'add() { echo 3; }' >src/add.sh
rm tests/large && echo true >tests/large
patch_of gutted
exits 4 'a test emptied together with the code it tests is refused' "$RATCHET" propose "$BOX/gutted.patch"

printf '#!/bin/sh\necho 1..2\necho ok 1 - large\necho ok 2 - small\n' >run-tests
patch_of forged
exits 0 'what is not under support: is not part of the support run' "$RATCHET" propose --dry-run "$BOX/forged.patch"

printf '%s\n' '. src/add.sh' 'test "$(add 2 2)" = 4' >tests/more
printf '%s\n' '. src/add.sh' 'test "$(add 1 2)" = 3' 'test "$(add 0 0)" = 0' >tests/small
patch_of stronger
exits 0 'honest work on tests lands' "$RATCHET" propose --dry-run "$BOX/stronger.patch"
says 'honest work is told which support files changed' 'support files changed: tests/more, tests/small'
says 'nothing more is asked where both hold' 'passes 2 cases of the baseline, fails 0, and all of them run'
says 'where nothing else changed it is said' 'nothing else changed: '
refuse 'where nothing else changed the target is not run in place of the candidate' grep -q "passed .*with the target's" <(printf '%s' "$SAID")
echo 'add() { echo $(($2 + $1)); }' >src/add.sh
echo 'test "$(. src/add.sh && add 3 4)" = 7' >tests/other
patch_of both
exits 0 'honest work on code and tests lands' "$RATCHET" propose --dry-run "$BOX/both.patch"
says 'where code changed too the old tests run it' "passed .*unit, with the target's support files"

echo 'sum() { echo $(($1 + $2)); }' >src/add.sh
sed -i 's/add 1/sum 1/; s/add 20/sum 20/' tests/small tests/large
patch_of renamed
exits 4 'a behaviour that only the old tests know is not given up silently' "$RATCHET" propose "$BOX/renamed.patch"

# ---- what no longer runs ----
cat >run-tests <<-'END'
	#!/bin/sh
	n=0
	[ "$(cat tests/api)" = "$(cat src/api)" ] || exit 2
	for f in tests/t.*; do
		n=$((n + 1))
		echo "ok $n - ${f#tests/t.}"
	done
	echo "1..$n"
END
echo 1 >src/api && echo 1 >tests/api
git mv tests/small tests/t.small && git mv tests/large tests/t.large
must commit 'a runner that needs its tests to fit'
must "$RATCHET" baseline record
echo 2 >src/api && echo 2 >tests/api
patch_of unbuilt
exits 0 'old tests that no longer run are reported' "$RATCHET" propose --dry-run "$BOX/unbuilt.patch"
says 'what no longer runs is named' "unproven: unit .* with the target's own support files"
sed -i '/^support:/a support_changes: strict' ratchet.yml
must commit 'strict'
exits 4 'old tests that no longer run are refused where support changes are strict' "$RATCHET" propose "$BOX/unbuilt.patch"
says 'the refusal names the key' 'support_changes: strict'

# ---- renames ----
must git mv tests/t.small tests/t.tiny
must git commit -q -m 'rename small

Ratchet-Rename: unit/small -> unit/tiny'
must git branch -f renamed && must git reset -q --hard HEAD^
exits 0 'a declared rename of a test that still passes lands' "$RATCHET" propose renamed
check 'the old name is a tombstone' git grep -q 'unit/small	gone' HEAD -- .ratchet/baseline/unit.tsv
check 'the new name is in the baseline' git grep -q 'unit/tiny	pass' HEAD -- .ratchet/baseline/unit.tsv
must git mv tests/t.tiny tests/t.wee
must commit 'rename without a word'
must git branch -f undeclared && must git reset -q --hard HEAD^
exits 1 'a rename that nobody declares is a lost test' "$RATCHET" propose undeclared
must git mv tests/t.tiny tests/t.wee
echo 2 >src/api && echo 2 >tests/api
git add -A
must git commit -q -m 'rename and break

Ratchet-Rename: unit/tiny -> unit/wee'
must git branch -f broken && must git reset -q --hard HEAD^
refuse 'a declared rename does not land where the old test does not pass' "$RATCHET" propose broken
says 'the claim that was not borne out is named' 'unit/tiny is not taken as renamed'

# ---- a claim where nothing can bear it out ----
new_repo bare-claim
mkdir cases && touch cases/old
cat >ratchet.yml <<'END'
version: 1
target: main
checks:
  - {name: unit, run: 'for f in cases/*; do echo "ok 1 - ${f##*/}"; done; echo 1..1', report: {tap: stdout}}
END
must commit first
must "$RATCHET" check
must "$RATCHET" baseline record
git mv cases/old cases/fresh && git diff --cached >"$BOX/claim.patch" && git reset -q --hard
exits 1 'a claim of a rename without support files is not taken' "$RATCHET" propose -m 'rename

Ratchet-Rename: unit/old -> unit/fresh' "$BOX/claim.patch"
says 'what is missing is said' 'unit/old is not taken as renamed: no file under .support:. changed'
finish
