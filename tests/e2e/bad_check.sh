#!/bin/bash
# Checks that hang, die, print gigabytes or leave no report; places that can't be written; a full disk. Never green, never
# waited for without a deadline, and the repository is as it was.
. "$(dirname "$0")/lib.sh"

# hostile NAME SCRIPT [KEYS [REPORT]]: a repository with the baseline "t passes", where the patch makes the check that script.
hostile() {
	new_repo "$1"
	printf 'version: 1\ntarget: main\nchecks:\n  - name: t\n    run: ./t\n%s' "${3-}" >ratchet.yml
	printf '%s\n' '#!/bin/sh' "${4:-:}" >t
	chmod +x t
	must commit first
	must "$RATCHET" check
	must "$RATCHET" baseline record
	printf '%s\n' '#!/bin/sh' "$2" >t
	git diff >"$BOX/t.patch"
	git checkout -q .
	before=$(git rev-parse main)
}
# verdict CODE NAME WORDS: of the patch; afterwards all is as it was.
verdict() {
	exits "$1" "$2" timeout 300 "$RATCHET" propose "$BOX/t.patch"
	says "$2: the message" "$3"
	check "$2: the target and the work tree stayed" test "$(git rev-parse main) $(git status --porcelain)" = "$before "
	check "$2: there is an entry" entry 1 '"op":"(rejected|judged)"'
	check "$2: no workspace is left" test -z "$(find .git/ratchet/quarantine -mindepth 1 2>/dev/null)"
}
hostile hang 'sleep 271828' '    timeout: 1s
'
verdict 1 'a check that hangs is killed at its timeout' 't/.*timeout|deadline|regressed: t'
check 'nothing of it runs on' sh -c "! pgrep -x -f 'sleep 271828'"
hostile silent 'sleep 271829' '    silence_timeout: 1s
'
verdict 1 'a check that falls silent is killed' 'regressed: t'
hostile deaf 'trap "" TERM INT HUP; setsid sleep 271828 & sleep 271828' '    timeout: 1s
'
verdict 1 'a check that ignores signals is killed with its daemons' 'regressed: t'
check 'none of its daemons runs on' sh -c "! pgrep -x -f 'sleep 271828'"
hostile dies 'kill -KILL $$'
verdict 1 'a check that is killed twice, and not on the base, is a regression' 'regressed: t'
hostile segv 'kill -SEGV $$'
verdict 1 'a check that crashes is a regression' 'regressed: t'
hostile daemon 'setsid sleep 271828 >/dev/null 2>&1 & exit 0'
verdict 3 'a check that leaves a process behind proves nothing' 'inconclusive'
check 'the process that was left behind is killed' sh -c "! pgrep -x -f 'sleep 271828'"
hostile flood 'head -c 3000000000 /dev/zero; exit 1'
# what one process may hold is told by the kernel: 600 MB, sanitizers included, are far below three gigabytes
cat >"$BOX/peak" <<-'END'
	import resource, subprocess, sys
	code = subprocess.call(sys.argv[1:])
	print("peak", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, "MiB")
	sys.exit(code if resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 600 << 10 else 99)
END
exits 1 'a check that prints gigabytes is judged in bounded memory' python3 "$BOX/peak" "$RATCHET" propose "$BOX/t.patch"
check 'of gigabytes printed little is kept' test "$(du -sm .git | cut -f1)" -lt 20
report_keys='    report: {junit: report.xml}
'
good='echo "<testsuite name=\"s\" tests=\"1\"><testcase name=\"c\"/></testsuite>" >report.xml'
hostile missing ':' "$report_keys" "$good"
verdict 3 'a check that leaves no report proves nothing' 'report.xml'
hostile cut 'printf "<testsuite name=\"s\" tests=\"1\"><testcase na" >report.xml' "$report_keys" "$good"
verdict 3 'a report that is cut short proves nothing' 'report.xml|inconclusive'
hostile link 'ln -s /proc/self/status report.xml' "$report_keys" "$good"
verdict 3 'a report that is a link proves nothing' 'inconclusive'
hostile fifo 'mkfifo report.xml' "$report_keys" "$good"
verdict 3 'a report that is a pipe proves nothing' 'inconclusive'
hostile huge 'echo "<testsuite>" >report.xml; truncate -s 3G report.xml' "$report_keys" "$good"
verdict 3 'a report of three gigabytes proves nothing' 'report.xml has 3221225472 bytes'

# ---- places that can't be written ----
hostile closed 'exit 0 # harmless'
if [ "$(id -u)" -eq 0 ] && touch /proc/self/probe 2>/dev/null || ! command -v setpriv >/dev/null || ! setpriv --reuid 65534 --clear-groups true 2>/dev/null; then
	skip 'a git directory that may not be written is an error with its path' 'no other uid can be had here'
else
	chmod 755 "$BOX" "$HOME"
	mkdir "$BOX/other"
	must git config --file "$BOX/other/.gitconfig" safe.directory '*'
	chown -R 65534 "$BOX/other"
	exits 74 'a git directory that may not be written is an error with its path' setpriv --reuid 65534 --clear-groups env HOME="$BOX/other" "$RATCHET" propose "$BOX/t.patch"
	says 'the error names the place' '/closed/.git'
fi
mkdir "$BOX/small"
if mount -t tmpfs -o size=3m tmpfs "$BOX/small" 2>/dev/null; then
	must git clone -q "$PWD" "$BOX/small/repo"
	cd "$BOX/small/repo" || exit 1
	git -C "$BOX/closed" log --format=%H -1 >/dev/null
	before=$(git rev-parse main)
	dd if=/dev/zero of="$BOX/small/fill" bs=1k count=100000 2>/dev/null
	exits 74 'a full disk is an error' "$RATCHET" propose "$BOX/t.patch"
	says 'the message says that the disk is full' 'No space left'
	check 'on a full disk the target stays' test "$(git rev-parse main)" = "$before"
	rm "$BOX/small/fill"
	exits 0 'with space again it lands' "$RATCHET" propose "$BOX/t.patch"
	check 'git finds nothing wrong after it' git fsck --strict --no-dangling
	cd "$BOX" && umount "$BOX/small"
else
	skip 'a full disk is an error' 'nothing can be mounted here'
fi
finish
