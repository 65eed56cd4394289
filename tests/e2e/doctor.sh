#!/bin/bash
# ratchet doctor: what is wrong is named with its mend, and mended where that takes no choice.
. "$(dirname "$0")/lib.sh"

new_project main
exits 1 'without hooks there is a finding' "$RATCHET" doctor
says 'it says how to install them' '^finding  hooks: the hooks are not installed; .ratchet hook --install'
says 'git has a line' '^ok       git: git version 2'
says 'the libraries have a line' 'libraries: libgit2 1'
says 'the isolation has a line' 'isolation: '
says 'the limits have a line' '^ok       limits: '
says 'the clock has a line' '^ok       clock: 20'
says 'the free space has a line' 'space: [0-9]+ MiB are free'
says 'configuration and baseline are sound' '^ok       configuration: 1 checks, 2 baseline lines'
says 'the ledger is sound' '^ok       ledger: sound, '

must "$RATCHET" hook --install
exits 0 'with hooks there is none' "$RATCHET" doctor
says 'the hooks are as expected' '^ok       hooks: present, executable and the ones expected'
exits 0 'in a subfolder too' "$RATCHET" -C cases doctor

hooks=$(git config core.hooksPath)
chmod -x "$hooks/pre-commit"
echo 'exit 0' >>"$hooks/pre-push"
rm "$hooks/post-merge"
exits 1 'hooks that were tampered with are findings' "$RATCHET" doctor
says 'one that cannot be run is named' '^finding  hooks: .*pre-commit'
says 'one that was changed is named' '^finding  hooks: .*pre-push'
says 'one that is missing is named' '^finding  hooks: .*post-merge'
exits 0 'with --fix they are mended' "$RATCHET" doctor --fix
says 'and it says so' '^mended   hooks: '
check 'the hook can be run again' test -x "$hooks/pre-commit"
exits 0 'then all is well' "$RATCHET" doctor

git config core.hooksPath /nowhere
exits 1 'a redirected core.hooksPath is a finding' "$RATCHET" doctor
says 'it names the path' '^finding  hooks: core.hooksPath is /nowhere'
exits 0 'with --fix it is put back' "$RATCHET" doctor --fix
check 'to the same folder' test "$(git config core.hooksPath)" = "$hooks"

git config merge.ratchet.driver 'nowhere/ratchet merge-driver %O %A %B'
exits 1 'a merge driver of another program is a finding' "$RATCHET" doctor
says 'it names the setting' '^finding  merges: merge.ratchet.driver is .nowhere'
says 'a baseline that no attribute gives to it has a note' '^note .*merges: .*-text merge=ratchet. in .ratchet/.gitattributes'
exits 0 'with --fix the driver is set anew' "$RATCHET" doctor --fix
exits 0 'then git joins baselines by this program' test "$(git config merge.ratchet.driver)" = "'$RATCHET' merge-driver %O %A %B"

# ---- what is not mended by itself ----
exits 1 'a clock before the newest entry is a finding' env RATCHET_TEST_NOW=1704070000 "$RATCHET" doctor
says 'it says by how much' '^finding  clock: .* was written [0-9]+ s later'
exits 1 'a clock that was never set is a finding' env RATCHET_TEST_NOW=1000 "$RATCHET" doctor
exits 0 'as JSON it says the same' "$RATCHET" doctor --json
says 'JSON has a count and one object a line' '^\{"diagnoses":\[\{"health":"ok","mended":false,"text":"git version .*"findings":0\}$'

before=$(tip)
echo 'checks: 1' >ratchet.yml
must commit 'broken'
exits 1 'a configuration that does not parse is a finding' "$RATCHET" doctor
says 'it names the file' '^finding  configuration: .*ratchet.yml'
must git reset -q --hard "$before"
printf 'unit/a\tpass\t\t0\nunit/a\tpass\t\t0\n' >.ratchet/baseline/unit.tsv
must commit 'a line twice'
exits 1 'a baseline that is damaged is a finding' "$RATCHET" doctor
says 'it names the baseline' '^finding  configuration: .*unit.tsv'
git reset -q --hard "$before"
printf 'version: 1\ntarget: main\nisolation: strict\nchecks:\n  - name: unit\n    run: ./run-cases\n    report: {tap: stdout}\n' >ratchet.yml
must commit 'strict'
exits 1 'isolation below what the configuration asks for is a finding' env RATCHET_TEST_ISOLATION=landlock "$RATCHET" doctor
says 'it says what is asked for' '^finding  isolation: (landlock|none), and no cell runs with less than namespaces'
git reset -q --hard "$before"
ref=$(git for-each-ref --format='%(refname)' refs/ratchet/ledger)
must git update-ref "$ref" "$ref^"
exits 1 'a ledger that was cut short is a finding' "$RATCHET" doctor
says 'it is named' '^finding  ledger: '

mkdir "$BOX/nothing"
exits 1 'outside of a repository there is a finding' env GIT_CEILING_DIRECTORIES="$BOX" "$RATCHET" -C "$BOX/nothing" doctor
says 'it says so' '^finding  repository: '
says 'and the machine is looked at all the same' 'isolation: '

finish
