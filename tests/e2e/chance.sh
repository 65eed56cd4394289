#!/bin/bash
# Chance and noise: flaky cases and numbers that vary, end to end.
. "$(dirname "$0")/lib.sh"

# A runner whose case `maybe` fails as the file `how` says: in every run, in those whose random byte is below a bound, never.
# Cells share nothing, so that chance has to come from the machine.
new_repo chance
mkdir -p cases
cat >run-cases <<'END2'
#!/bin/sh
byte=$(od -An -N1 -tu1 /dev/urandom | tr -d ' ')
if [ "$byte" -lt "$(cat how)" ]; then echo 'not ok 1 - maybe'; code=1; else echo 'ok 1 - maybe'; code=0; fi
echo 'ok 2 - steady'
echo 1..2
exit $code
END2
chmod +x run-cases
echo 0 >how
echo 100 >size
cat >ratchet.yml <<'END2'
version: 1
target: main
checks:
  - name: unit
    run: ./run-cases
    report: {tap: stdout}
  - name: time
    kind: metric
    run: 'echo "took $(($(cat size) * 100 + $(od -An -N1 -tu1 /dev/urandom) % 60))"'
    report: {regex: 'took (\d+)'}
    better: lower
    margin: 2%
    samples: 10
END2
must commit first
must "$RATCHET" check
must "$RATCHET" baseline record
check 'a noisy number gets a bar' git grep -q 'time/time	lower	' HEAD -- .ratchet/baseline/time.tsv

patch() { # NAME: of the work tree's changes, which are taken back
	git add -A && git diff --cached >"$BOX/$1.patch" && git reset -q --hard
}
echo 256 >how && patch broken
echo 230 >how && patch flaky
echo 104 >size && patch slower
echo 90 >size && patch faster
echo x >note && patch nothing

exits 1 'a case that fails in every run regresses' "$RATCHET" propose "$BOX/broken.patch"
says 'the case is named with what it was' 'regressed: unit/maybe'
# nine of ten runs fail; where chance lets the first one pass, nothing is seen
for _ in 1 2 3 4 5 6 7 8; do
	SAID=$("$RATCHET" propose --dry-run "$BOX/flaky.patch" 2>&1)
	code=$?
	[ "$code" -eq 0 ] || break
done
report "$((code != 1))" 'a case that begins to fail at times regresses as soon as it is seen' "exit code $code"
says 'it is called what it is' 'was pass, is now (flaky|fail)'
id=$(printf '%s\n' "$SAID" | sed -n 's/^regressed \([0-9a-f]*\).*/\1/p')
exits 0 'explain shows the runs behind the decision' "$RATCHET" explain "$id"
says 'how often it failed on either side' 'failed in [0-9]+ of [0-9]+ runs here and in 0 of [0-9]+ on the target'
says 'between which rates that leaves it' 'its rate: 0\.[0-9]+ to [01]'
says 'and what would change it' 'what would change it: [0-9]+ more passes here would call it calm'
says 'its cell is not called passed' 'cell unit: failed'
exits 0 'explain gives the same as JSON' "$RATCHET" explain --json "$id"
says 'with the score and its bounds' '"broken_at"'

bar=$(git show HEAD:.ratchet/baseline/time.tsv | grep time/time)
exits 0 'a change that touches no number lands' "$RATCHET" propose "$BOX/nothing.patch"
check 'and moves no bar' test "$(git show HEAD:.ratchet/baseline/time.tsv | grep time/time)" = "$bar"
exits 1 'a number that is worse by twice the margin regresses' "$RATCHET" propose "$BOX/slower.patch"
says 'the message gives pairs, factor and margin' 'in [0-9]+ pairs it is worse by a factor of 1\.0[0-9]+, at least 1\.0[0-9]+, and the margin allows 1\.02'
exits 0 'a number that is better lands' "$RATCHET" propose "$BOX/faster.patch"
check 'and its bar moves' test "$(git show HEAD:.ratchet/baseline/time.tsv | grep time/time)" != "$bar"
exits 0 'the ledger and every commit verify' "$RATCHET" verify

# ---- a slow slide ----
new_repo slide
echo 200 >size
cat >ratchet.yml <<'END2'
version: 1
target: main
checks:
  - name: time
    kind: metric
    run: 'echo "took $(($(cat size) * 50 + $(od -An -N1 -tu1 /dev/urandom) % 30))"'
    report: {regex: 'took (\d+)'}
    better: lower
    margin: 2%
    budget: 4% since v1
    samples: 10
END2
must commit first
must "$RATCHET" check
must "$RATCHET" baseline record
echo 203 >size && patch step
exits 3 'a budget since a commit that is not here is inconclusive' "$RATCHET" propose "$BOX/step.patch"
says 'with the mend' 'v1, since which it counts, is no commit of this clone; fetch it'
must git tag v1
exits 0 'a small loss within the margin lands' "$RATCHET" propose "$BOX/step.patch"
echo 206 >size && patch step
exits 0 'and another within the budget' "$RATCHET" propose "$BOX/step.patch"
echo 209 >size && patch step
exits 1 'the one that exhausts the budget regresses, within the margin as it is' "$RATCHET" propose "$BOX/step.patch"
says 'what it was held against is named' 'the budget allows 1\.04 since v1'
id=$(printf '%s\n' "$SAID" | sed -n 's/^regressed \([0-9a-f]*\).*/\1/p')
exits 0 'explain shows that decision' "$RATCHET" explain "$id"
says 'with what was measured' 'measured \(target/here\): [0-9]+/[0-9]+, '
exits 0 'and all of it as JSON' "$RATCHET" explain --json "$id"
says 'each pair' '"samples":\[\[1[0-9]{4}(\.[0-9]+)?,1[0-9]{4}'
# ---- a target that is broken itself ----
new_repo target
cp ../chance/run-cases .
echo 0 >how
cat >ratchet.yml <<'END2'
version: 1
target: main
checks:
  - {name: unit, run: ./run-cases, report: {tap: stdout}}
END2
must commit first
must "$RATCHET" check
must "$RATCHET" baseline record
echo 256 >how && commit 'broken past the gate'
echo x >note && patch other
exits 3 'a case that fails on the target itself is nobody else'"'"'s doing' "$RATCHET" propose "$BOX/other.patch"
says 'and the target is named' 'mend the target first'
says_of() { # ID COMMAND...: what explain says of the newest decision
	"$RATCHET" explain "$(sed -n 's/^[a-z]* \([0-9a-f]\{12\}\) .*/\1/p' <<<"$SAID")" "$@"
}
exits 0 'explain shows that the target fails' says_of
says 'only the target can change that' 'what would change it: a pass on the target'
refuse 'and no number of failures' grep -q 'more failures' <<<"$SAID"

# ---- numbers without noise, findings ----
new_repo plain
echo 100 >size && echo good >words
cat >ratchet.yml <<'END2'
version: 1
target: main
checks:
  - {name: size, kind: metric, run: 'echo size $(cat size)', report: {regex: 'size (\d+)'}, better: lower, margin: 5%}
  - {name: lint, kind: findings, run: 'awk "/bad/ {print NR \":\" \$0}" words', report: {regex: '^(?<line>\d+):(?<message>.*)$'}}
END2
must commit first
must "$RATCHET" check
must "$RATCHET" baseline record
echo 110 >size && echo bad >>words && patch worse
exits 1 'a number without noise and a finding regress' "$RATCHET" propose "$BOX/worse.patch"
exits 0 'explain shows both' says_of
says 'what was measured on either side, and the bar' 'measured here: 110, 110; on the target: 100; the bar is 100, and the margin 5 %'
says 'which number would pass' 'what would change it: at most 105, or a waiver'
says 'in which runs the finding was seen' 'seen in 2 of 2 runs here and in 0 of 1 on the target'
exits 0 'both are in the JSON' "$RATCHET" explain --json "$("$RATCHET" log | awk 'NR == 1 { print $5 }')"
says 'the numbers of the runs' '"values":\[110.0,110.0\]'
says 'and what would change it' '"would":"to be without it'
finish
