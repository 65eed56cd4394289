#!/bin/bash
# Coverage: lines of code that exists and did not run, of files that are measured.
. "$(dirname "$0")/lib.sh"

# A tracefile for each file below `traces`, one line for each of its own; those that say `dead` did not run.
new_repo lines
mkdir src traces
printf 'int a(void) { return 1; }\nint b(void) { return 2; } // dead\n' >src/a.c
printf 'int c(void) { return 3; }\n' >src/b.c
cat >measure <<'END'
#!/bin/sh
for trace in traces/*; do
	file=$(cat "$trace") n=0
	echo "SF:$file"
	while read -r line; do
		n=$((n + 1)) hits=1
		case $line in *dead*) hits=0 ;; esac
		echo "DA:$n,$hits"
	done <"$file"
	echo end_of_record
done >"$1"
END
echo src/a.c >traces/a
echo src/b.c >traces/b
cat >ratchet.yml <<'END'
version: 1
target: main
checks:
  - {name: lines, kind: findings, run: 'sh ./measure {{report}}', report: lcov}
END
must commit first
must "$RATCHET" check --adopt
must "$RATCHET" baseline record

proposed() {
	git add -A && git diff --cached >"$BOX/patch" && git reset -q --hard
}

rm traces/b
proposed
exits 1 'a file that is fully covered and leaves the report regresses' "$RATCHET" propose --dry-run "$BOX/patch"
says 'the reason names it' 'src/b.c is in the tree, and not in the report'

git rm -q src/b.c traces/b
proposed
exits 0 'a file that leaves the tree too may' "$RATCHET" propose --dry-run "$BOX/patch"

git mv src/b.c src/c.c
echo src/c.c >traces/b
proposed
exits 0 'so may one that moved' "$RATCHET" propose "$BOX/patch"
git reset -q --hard main
rm traces/b
proposed
exits 1 'its new name has to stay in the report from then on' "$RATCHET" propose --dry-run "$BOX/patch"

sed -i 1d src/a.c
proposed
exits 0 'covered code may be deleted' "$RATCHET" propose --dry-run "$BOX/patch"

finish
