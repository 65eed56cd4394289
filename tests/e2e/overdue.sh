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
exits 0 'status tells the age of each kind of evidence' "$RATCHET" status
says 'what is overdue is marked' '^  hook +.*, overdue: '
says 'what is there has its age' '^  pre-commit +[0-9]+ min ago$'
says 'what never was says so' '^  recovery +never$'
exits 0 'the ages are JSON too' "$RATCHET" status --json
says 'with how much is overdue of each' '"newest":[0-9]+,"operation":"check","overdue":0'
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

# the lane, held by a process that is there
exec 8>>.git/ratchet/lane
python3 -c 'import fcntl, struct, sys, time; fcntl.fcntl(8, 37, struct.pack("hhqqi4x", 1, 0, 0, 0, 0)); print("held", flush=True); time.sleep(60)' >"$BOX/held" &
holder=$!
exec 8>&-
for _ in $(seq 100); do
	grep -q held "$BOX/held" && break
	sleep 0.1
done
touch -d '2 hours ago' .git/ratchet/lane
exits 1 'a lane that is held for hours is named' "$RATCHET" overdue
says 'the lane is named with its file' 'the lock .*/ratchet/lane is held, since '
kill $holder
wait $holder 2>/dev/null
exits 0 'a lane that nobody holds is no alarm, however old its file' "$RATCHET" overdue

# ---- checks ----
here=$PWD
new_hooked_project late
exits 0 'a check that was just run is there' "$RATCHET" overdue
later=$(($(date +%s) + 10 * 86400))
echo good >cases/later && git add -A
RATCHET_TEST_NOW=$later must git commit -q -m 'ten days later, by the fast checks alone'
export RATCHET_TEST_NOW=$((later + 2 * 86400))
exits 1 'a check that has shown nothing for days is overdue evidence' "$RATCHET" overdue
says 'the check and the date are named' 'the check slow has shown nothing in any accepting entry, since 20'
says 'fast checks that stay alone are overdue evidence' 'only the fast checks of 1 commits ran, since '
exits 0 'the full checks are run' "$RATCHET" check
exits 0 'full checks end the alarm' "$RATCHET" overdue
unset RATCHET_TEST_NOW
cd "$here" || exit 1

# ---- what is declared ----
exits 0 'each operation declares its evidence' "$RATCHET" overdue --kinds
says 'a proposal declares when its landing is closed' '^proposal +within an hour: '
says 'recovery declares that no lock stays' '^recovery +within an hour: '
exits 0 'the declarations are JSON too' "$RATCHET" overdue --kinds --json

exits 2 'a number of days that is none is a usage error' "$RATCHET" overdue --within soon

# ---- use ----
# lacks REGEX: what was said last has no such line
lacks() {
	! printf '%s\n' "$SAID" | grep -Eq -- "$1"
}
mkdir -p .ratchet/policies && printf '%s\n' 'forbidden: [vendor]' 'max_file: 4KiB' 'max_files: 50' 'attributes: allow' >.ratchet/policies/sizes.yml
git add .ratchet && must git commit -q -m 'policies'
exits 0 'status tells of rules that never acted' "$RATCHET" status --use
says 'a rule of the policies that never refused is listed' 'rule +max_files +ran .*, changed a verdict never'
check 'a key that only permits is no rule' lacks 'rule +attributes'
head -c 5000 /dev/zero | tr '\0' x >large && git add -N large && git diff >"$BOX/large.patch" && git rm -q --cached large && rm large
exits 4 'a file over the limit is refused' "$RATCHET" propose "$BOX/large.patch"
exits 0 'status tells of the rule that refused' "$RATCHET" status --use
says 'the rule is named by the key that asked for it' 'rule +max_file +ran 20[^,]*, changed a verdict 20'
says 'its neighbours ran and changed nothing' 'rule +forbidden +ran 20[^,]*, changed a verdict never'
check 'no rule stands beside its key' lacks 'rule +too-large'
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
