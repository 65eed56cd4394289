#!/bin/bash
# Baselines that two branches raised: git's merges and rebases, and the engine's own, join them.
. "$(dirname "$0")/lib.sh"

# Past the hooks: what is tested here is the merge alone.
plain() {
	git -c core.hooksPath=/dev/null "$@"
}
# numbered PREFIX FROM TO
numbered() {
	seq -f "$1%03g" "$2" "$3"
}
# A base with two good cases and 200 bad ones; sides fix 100 of them each, and add 100.
new_repo driver
write_project
# shellcheck disable=SC2016 # for the other shell
sed -i 's/\[ "$(cat "$f")" = good \]/{ read -r said <"$f" \&\& [ "$said" = good ]; }/' run-cases
for name in $(numbered old 1 200); do echo bad >"cases/$name"; done
git add cases run-cases && must plain commit -q -m 'first'
exits 0 'init adopts' "$RATCHET" init
says 'init says that git merges baselines with it' '^merge.ratchet.driver is '
check 'the attributes are committed' git cat-file -e HEAD:.ratchet/.gitattributes
check 'git gives the baseline to the driver' test "$(git check-attr merge .ratchet/baseline/unit.tsv)" = '.ratchet/baseline/unit.tsv: merge: ratchet'
check 'git converts nothing in it' test "$(git check-attr text .ratchet/baseline/unit.tsv)" = '.ratchet/baseline/unit.tsv: text: unset'
file=.ratchet/baseline/unit.tsv
must git tag base

# side NAME FIRST LAST: a branch that fixes old cases, adds as many, and has the baseline that this would give.
side() {
	must plain checkout -q -b "$1" base
	for name in $(numbered old "$2" "$3") $(numbered "new-$1-" 1 100); do
		echo good >"cases/$name"
		printf 'unit/%s\tpass\t\t0\n' "$name" >>$file
	done
	LC_ALL=C sort -o $file $file
	commit "$1: fixes 100, adds 100"
}
side ours 1 100
side theirs 101 200
cat <(git show ours:$file) <(git show theirs:$file) | LC_ALL=C sort -u >"$BOX/all"
must test "$(wc -l <"$BOX/all")" -ge 402

# ---- git ----
must plain checkout -q --detach ours
exits 0 'git merges two branches that each add and fix one hundred ids' plain merge -q -m merged theirs
check 'no entry of either is lost in the merge' cmp $file "$BOX/all"
check 'nothing conflicts' test -z "$(git ls-files -u)"
must git tag merged
must plain checkout -q --detach theirs
exits 0 'git rebases one on the other' plain rebase -q ours
check 'no entry is lost in the rebase' cmp $file "$BOX/all"
must plain checkout -q --detach theirs
exits 0 'git cherry-picks one on the other' plain cherry-pick ours
check 'no entry is lost in the cherry-pick' cmp $file "$BOX/all"
must plain checkout -q --detach ours
git config merge.ratchet.driver >"$BOX/command"
must git config --unset merge.ratchet.driver
refuse 'without the driver git conflicts on them' plain merge -q -m merged theirs

# ---- conflict markers ----
must git add -f $file
must plain commit -q -m 'with markers'
must git branch -f marked
exits 2 'check does not judge a baseline with conflict markers' "$RATCHET" check
says 'the file and line are named' "$file:[0-9]+"
says 'the commands that resolve them are named' 'ratchet hook --install.*git checkout -m'
exits 4 'a proposal with conflict markers in a baseline is refused' "$RATCHET" propose marked
says 'the refusal names them' 'a conflict marker'
must plain reset -q --hard ours
plain merge -q -m merged theirs >/dev/null 2>&1
must "$RATCHET" hook --install
check 'hook --install puts the driver back' test "$(git config merge.ratchet.driver)" = "$(cat "$BOX/command")"
must git checkout -q -m -- $file
check 'the command that is named joins them' cmp $file "$BOX/all"
must plain merge --abort

# ---- in the process ----
exits 0 'the first side lands' "$RATCHET" propose ours
must plain checkout -q theirs
exits 0 'check joins the baselines of HEAD and of the tip' "$RATCHET" check
exits 0 'the second side lands on top of the first' "$RATCHET" propose theirs
check 'no entry is lost in the landing' cmp <(git show main:$file) "$BOX/all"

# ---- a join is a promise ----
# Each side's new case passes while the other side's is not there.
must plain checkout -q -B left main

# shellcheck disable=SC2016 # for the other shell
sed -i 's|^for f in cases/\*; do|[ -e cases/zr ] \&\& [ -e cases/zl ] \&\& echo bad >cases/zl\n&|' run-cases
commit 'zl and zr do not go together'
must "$RATCHET" propose left
must plain checkout -q -B left main
echo good >cases/zl
printf 'unit/zl\tpass\t\t0\n' >>$file
commit 'left'
must plain checkout -q -B right main
echo good >cases/zr
printf 'unit/zr\tpass\t\t0\n' >>$file
commit 'right'
must "$RATCHET" propose right
must plain checkout -q --detach left
exits 0 'git joins what each side promises' plain merge -q -m both main
check 'the join claims both' test "$(grep -c '^unit/z[lr]' $file)" = 2
refuse 'the merged tree is run, and what fails in it does not land' "$RATCHET" check
must plain checkout -q --detach left
exits 4 'so it is where the engine merged' "$RATCHET" check
says 'the claim is named' 'unit/zl: .*more than this run showed'

# ---- the command itself ----
cd "$BOX" || exit 1
printf 'unit/a\tpass\t1\t0\n' >o
printf 'unit/a\tpass\t2\t0\nunit/b\tgone\t\t1\n' >a
printf 'unit/a\tpass\t1\t0\nunit/b\tpass\t\t0\n' >b
exits 0 'the files of both sides join' "$RATCHET" merge-driver o a b
check 'ours holds the join, tombstones and epochs kept' cmp a <(printf 'unit/a\tpass\t2\t0\nunit/b\tgone\t\t1\n')
printf 'unit/a\tpass\t1\t0\nunit/a\tpass\t1\t0\n' >b
exits 1 'a file with a duplicate is merged as text' "$RATCHET" merge-driver o a b
says 'why is said' 'theirs:2:1: the same id twice'
printf 'format two\n' >o
printf 'format two\nx\n' >a
printf 'format two\ny\n' >b
exits 1 'another format is merged as text' "$RATCHET" merge-driver o a b
check 'the text merge has git'\''s markers' grep -q '^<<<<<<< ' a
exits 74 'a file that is not there is an error' "$RATCHET" merge-driver o a nowhere

# ---- undo ----
cd "$BOX/driver" || exit 1
must "$RATCHET" init --undo
refuse 'undo takes the driver out of the configuration' git config --get-regexp '^merge\.ratchet\.'
finish
