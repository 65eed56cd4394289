#!/bin/bash
# Missing evidence is the alarm: `overdue`, and `status --use`.
. "$(dirname "$0")/lib.sh"

new_project overdue
must "$RATCHET" hook --install
exits 0 'where all evidence is there nothing is overdue' "$RATCHET" overdue
says 'it says how much it looked at' 'nothing is overdue: [0-9]+ kinds'

# ---- hooks ----
git config core.hooksPath /nowhere
exits 1 'a hook path that was redirected is overdue evidence' "$RATCHET" overdue
says 'the mend is named' 'ratchet hook --install'
must "$RATCHET" hook --install
chmod -x .git/ratchet/hooks/pre-commit
exits 1 'a hook that git ignores is overdue evidence' "$RATCHET" overdue
says 'the hook is named' 'pre-commit is not executable'
must "$RATCHET" hook --install
exits 0 'mended hooks end the alarm' "$RATCHET" overdue

# ---- the target ----
before=$(tip)
echo good >cases/ungated && commit 'past every hook'
exits 1 'a target that moved without an entry is overdue evidence' "$RATCHET" overdue
says 'the commit is named' "$(tip | cut -c1-12)"
exits 1 'the JSON has it too' "$RATCHET" overdue --json
says 'as a list of sentences' '"missing"'
git reset -q --hard "$before"

# ---- locks ----
touch -d '2 hours ago' .git/refs/heads/main.lock
exits 1 'a lock of git that is hours old is named' "$RATCHET" overdue
says 'with what to do' 'main.lock is held, since .*if no git process runs'
rm .git/refs/heads/main.lock

# ---- checks ----
exits 2 'a number of days that is none is a usage error' "$RATCHET" overdue --within soon

# ---- use ----
echo bad >cases/a && git diff >"$BOX/bad.patch" && git checkout -q .
exits 1 'a change that breaks a case is rolled back' "$RATCHET" propose "$BOX/bad.patch"
exits 0 'status tells what is used' "$RATCHET" status --use
says 'a check that changed a verdict says when' 'check +unit +ran 20[^,]*, changed a verdict 20'
says 'a command that changed one too' 'command +propose +ran 20[^,]*, changed a verdict 20'
says 'what never ran is asked about' 'hook +post-merge +ran never, changed a verdict never: is it needed\?'
exits 0 'the same as JSON' "$RATCHET" status --use --json
says 'with the kind of each' '"kind": ?"hook"'
check 'an entry says what wrote it' entry 1 '"via":"command propose"'
echo good >cases/new && git add cases/new
must git commit -q -m 'through the hook'
check 'an entry of a hook says which' entry 3 '"via":"hook pre-commit"'
finish
