#!/bin/bash
# Controls: a test that must pass and one that must fail are dropped in where support or watched files changed.
. "$(dirname "$0")/lib.sh"
if ! command -v prove >/dev/null; then
	skip 'controls of prove' 'prove is not here'
	finish
fi
project() { # $1: the command
	mkdir -p lib t
	printf 'package Calc;\nsub add { my ($a, $b) = @_; return $a + $b; }\n1;\n' >lib/Calc.pm
	printf 'use lib "lib";\nuse Calc;\nuse Test::More tests => 1;\nis(Calc::add(20, 22), 42, "large");\n' >t/calc.t
	printf 'version: 1\ntarget: main\nsupport: ["**/*.t"]\nwatch: [.proverc]\nchecks:\n  - name: unit\n    run: %s\n    report: prove\n' "$1" >ratchet.yml
	must commit first
	must "$RATCHET" check
	must "$RATCHET" baseline record
}
patch_of() {
	must git add -A
	git diff --cached >"$BOX/$1.patch"
	must git reset -q --hard
}
# A wrapper of the code's own, through which every test succeeds.
always() {
	printf 'open(my $f, "-|", $^X, @ARGV); while (<$f>) { s/^not ok/ok/; print } close $f; exit 0;\n' >lib/always.pl
	echo '--exec "perl lib/always.pl"' >.proverc
	sed -i 's/return .*/return 3; }/' lib/Calc.pm
}

new_repo all
project 'prove -r'
before=$(tip)
always && patch_of always
exits 4 'a runner that is made to succeed always is refused' "$RATCHET" propose "$BOX/always.patch"
says 'the refusal says which control was wrong' 'refused by rule control: unit: a test that must fail came back as passed'
check 'the target did not move for it' test "$(tip)" = "$before"
echo '--timer' >.proverc && patch_of timer
exits 0 'an honest change of a watched file lands' "$RATCHET" propose "$BOX/timer.patch"
says 'a run that is red when all is well is not called failed' '^checked  unit, with tests made to pass and to fail \('
check 'no control is in the baseline' test "$(cut -f 1 .ratchet/baseline/unit.tsv | tr '\n' ' ')" = 'unit/large unit/t/calc.t::(ran) '
sed -i 's/tests => 1/tests => 2/' t/calc.t && echo 'is(Calc::add(1, 2), 3, "small");' >>t/calc.t && patch_of more
exits 0 'an honest change of a test lands' "$RATCHET" propose "$BOX/more.patch"
says 'a control is not counted' ': 3 passed, 1 gained'
echo '# more' >>lib/Calc.pm && patch_of code
exits 0 'without a change of support or watched files nothing more runs' "$RATCHET" propose --json "$BOX/code.patch"

new_repo carried
mkdir t
# passes only in a run that carries a control
echo 'use Test::More tests => 1; ok(scalar(my @f = grep { /^t.c[0-9a-f]{12}\.t$/ } glob "t/*.t") == 1, "carried");' >t/carried.t
echo 'use Test::More tests => 1; ok(! -e "sub", "plain");' >t/plain.t
printf 'version: 1\ntarget: main\nsupport: ["t/**"]\nchecks:\n  - name: unit\n    run: prove -r\n    report: prove\n' >ratchet.yml
must commit first
check 'an adoption carries none, and lists what failed' "$RATCHET" check
must "$RATCHET" baseline record
check 'the ordinary run of the target carries a control' grep -q '^unit/carried	pass' .ratchet/baseline/unit.tsv
check 'that the runner takes it up is known' grep -q '^works [0-9]* t/' .git/ratchet/controls/*
echo more >file && patch_of file
exits 0 'the ordinary run of a proposal carries one' "$RATCHET" propose "$BOX/file.patch"
says 'and it is not counted' ': 4 passed \('
check 'the work tree has no control' test "$(git ls-files t | wc -l)" = 2
sed -i 's/^works [0-9]*/works 1700000000/' .git/ratchet/controls/*
echo again >file && patch_of again
exits 0 'after a week a proposal lands too' "$RATCHET" propose "$BOX/again.patch"
check 'the one that must fail was run' sh -c '! grep -q " 1700000000 " .git/ratchet/controls/*'
git rm -q t/carried.t && patch_of none
exits 1 'a proposal without the sample is judged' "$RATCHET" propose "$BOX/none.patch"
says 'what it removed is named' 'regressed: unit/carried'

new_repo moved
project 'prove -r'
echo '--timer' >.proverc && patch_of timer
exits 0 'a change of a watched file lands' "$RATCHET" propose "$BOX/timer.patch"
git mv t tt && patch_of moved
exits 0 'tests move to another folder' "$RATCHET" propose "$BOX/moved.patch"
git reset -q --hard && git clean -fdq
always && patch_of always
exits 4 'where they went the controls are in force' "$RATCHET" propose "$BOX/always.patch"
says 'by the test that must fail' 'refused by rule control: unit: a test that must fail came back as passed'
git mv tt t && patch_of back && git mv tt t && echo 'in the way' >tt && patch_of way
exits 4 'a file where the target has its tests leaves no place for a control' "$RATCHET" propose "$BOX/way.patch"
says 'the mend is named' 'refused by rule control: unit: .*no place .*move them in one change'
exits 0 'the first of two steps lands' "$RATCHET" propose "$BOX/back.patch"
git reset -q --hard && git clean -fdq
echo 'in the way' >tt && patch_of way
exits 0 'and so does the second' "$RATCHET" propose "$BOX/way.patch"

new_repo listed
project 'prove t/calc.t'
echo '--timer' >.proverc && patch_of timer
exits 0 'a runner that lists its files has no controls, and honest work lands' "$RATCHET" propose "$BOX/timer.patch"
says 'that there are none is said' 'unproven: unit has no controls'
finish
