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
	printf 'version: 1\ntarget: main\nsupport: ["t/**"]\nwatch: [.proverc]\nchecks:\n  - name: unit\n    run: %s\n    report: prove\n' "$1" >ratchet.yml
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
check 'no control is in the baseline' test "$(cut -f 1 .ratchet/baseline/unit.tsv)" = unit/large
sed -i 's/tests => 1/tests => 2/' t/calc.t && echo 'is(Calc::add(1, 2), 3, "small");' >>t/calc.t && patch_of more
exits 0 'an honest change of a test lands' "$RATCHET" propose "$BOX/more.patch"
says 'a control is not counted' ': 2 passed, 1 gained'
echo '# more' >>lib/Calc.pm && patch_of code
exits 0 'without a change of support or watched files nothing more runs' "$RATCHET" propose --json "$BOX/code.patch"

new_repo listed
project 'prove t/calc.t'
echo '--timer' >.proverc && patch_of timer
exits 0 'a runner that lists its files has no controls, and honest work lands' "$RATCHET" propose "$BOX/timer.patch"
says 'that there are none is said' 'unproven: unit has no controls'
finish
