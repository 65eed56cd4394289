#!/bin/bash
# Isolation levels: what a cell can reach, what the level is called, and what happens where it can't be had.
. "$(dirname "$0")/lib.sh"

level() { # the best level that this machine (or the cell that this runs in) offers
	SAID=$("$RATCHET" doctor 2>/dev/null)
	printf '%s\n' "$SAID" | sed -n 's/^[a-z]* *isolation: \([a-z]*\).*/\1/p' | head -n 1
}

# A project whose one check tries what a cell must not be able to do; each attempt is a case that passes when it failed.
reach_project() {
	new_repo "$1"
	echo secret >"$BOX/secret"
	cat >reach.sh <<-'END'
		#!/bin/sh
		n=0 code=0
		try() { # NAME COMMAND...: passes when the command fails
			name=$1
			shift
			n=$((n + 1))
			if "$@" >/dev/null 2>&1; then code=1 && echo "not ok $n - $name"; else echo "ok $n - $name"; fi
		}
		must() {
			name=$1
			shift
			n=$((n + 1))
			if "$@" >/dev/null 2>&1; then echo "ok $n - $name"; else code=1 && echo "not ok $n - $name"; fi
		}
		try 'the repository cannot be read' cat BOX/NAME/.git/HEAD
		try 'a file of the operator cannot be read' cat BOX/secret
		try 'nothing can be written beside the workspace' sh -c 'echo x >BOX/evil'
		try 'nothing can be written to the system' sh -c 'echo x >/usr/evil'
		try 'the environment does not name ratchet, but for its own folders' sh -c 'env | grep -Ev "^(HOME|TMPDIR|PWD)=" | grep -i ratchet'
		try 'its own folders do not either, nor a git directory' sh -c 'env | grep -E "^(HOME|TMPDIR|PWD)=" | grep -E "ratchet|\.git"'
		try 'no repository lies around the workspace' env GIT_CONFIG_NOSYSTEM=1 git rev-parse --git-dir
		try 'a secret of the environment is not inherited' sh -c 'test -n "$TOKEN"'
		try 'no user namespace can be made' unshare -Ur true
		try 'nothing can be mounted' mount -t tmpfs none /tmp
		must 'HOME is empty and can be written' sh -c 'test -z "$(ls -A ~)" && echo x >~/x'
		must 'TMPDIR can be written' sh -c 'echo x >"$TMPDIR/x"'
		must 'the workspace can be written' sh -c 'echo x >new'
		must 'the search path finds a compiler or a shell' sh -c 'command -v sh'
		must 'core files are off' sh -c 'test "$(ulimit -c)" = 0'
		must '/dev/null is there' sh -c 'echo x >/dev/null'
		if [ "$PWD" = /src ]; then # in namespaces
			try 'the environment does not name ratchet at all' sh -c 'env | grep -i ratchet'
			try 'the repository is not there' ls BOX/NAME
			must 'it is another user than root' test "$(id -u)" -ne 0
			must '/dev has pts, shm and fd' test -d /dev/pts -a -d /dev/shm -a -e /dev/fd/0
			must '/proc shows only its own processes' sh -c 'test "$(ls /proc | grep -c "^[0-9]")" -lt 20'
			must 'loopback can be used' sh -c 'grep -q "lo:" /proc/net/dev'
			must 'there is no other interface' sh -c '! grep ":" /proc/net/dev | grep -v "lo:"'
			must '/tmp is its own' sh -c 'test -z "$(ls -A /tmp | grep -v "^x$")"'
		fi
		echo "1..$n"
		exit $code
	END
	sed -i "s|BOX/NAME|$BOX/$1|g; s|BOX|$BOX|g" reach.sh
	chmod +x reach.sh
	printf '%s\n' 'version: 1' 'target: main' "${2-isolation: auto}" 'checks:' '  - name: reach' '    run: ./reach.sh' \
		'    report: {tap: stdout}' >ratchet.yml
	must commit first
}

best=$(level)
note "the best level here is ${best:-unknown}"

for want in namespaces landlock; do
	if [ "$want" = namespaces ] && [ "$best" != namespaces ]; then
		skip 'at namespaces a cell reaches nothing but its own' 'no namespaces here'
		continue
	elif [ "$best" = none ] || [ -z "$best" ]; then
		skip 'at landlock a cell reaches nothing but its own' 'no Landlock here'
		continue
	fi
	export RATCHET_TEST_ISOLATION=$want TOKEN=secret
	reach_project "$want"
	exits 0 "at $want a cell reaches nothing but its own" "$RATCHET" check
	says "the output names $want" "isolation: $want"
	check "no attempt at $want succeeded" sh -c "! printf '%s' \"\$1\" | grep -q 'fails'" - "$SAID"
	check "the ledger entry names $want" entry 1 "\"isolation\":\"$want\""
done
unset RATCHET_TEST_ISOLATION TOKEN

# ---- inside a cell ----
if [ "$best" = namespaces ]; then
	new_repo outer
	cp "$RATCHET" ratchet-inside
	cat >inside.sh <<-'END'
		#!/bin/sh
		export HOME=/tmp/home ASAN_OPTIONS=detect_leaks=0
		mkdir -p /tmp/home && git init -q -b main /tmp/inner && cd /tmp/inner || exit 1
		git config user.name inner && git config user.email inner@example.com
		printf 'version: 1\ntarget: main\nisolation: strict\nchecks:\n  - name: unit\n    run: test "$(id -u)" = 1000\n' >ratchet.yml
		git add -A && git commit -q -m first
		n=0 code=0
		try() { # NAME COMMAND...
			name=$1
			shift
			n=$((n + 1))
			if "$@" 2>&1; then echo "ok $n - $name"; else code=1 && echo "not ok $n - $name"; fi
		}
		never() { ! "$@" 2>/dev/null; }
		try 'ratchet isolates its own cells by namespaces' /src/ratchet-inside check
		key=/proc/sys/kernel/printk value=$(cat /proc/sys/kernel/printk)
		for proc in /proc /run/proc; do
			try "no setting of the kernel can be written below $proc" never sh -c "echo '$value' >$proc/sys/kernel/printk"
			try "nor when $proc is mounted again" never unshare -Urm sh -c \
				"mount -o remount,rw,bind $proc; echo '$value' >$proc/sys/kernel/printk"
		done
		try 'nor in a new one' never unshare -Urmpf sh -c "mount -t proc proc /proc && echo '$value' >$key"
		try 'nor when its cover is taken off' never unshare -Urm sh -c "umount /proc/sys; echo '$value' >$key"
		echo "1..$n"
		exit $code
	END
	chmod +x inside.sh
	printf 'version: 1\ntarget: main\nchecks:\n  - name: unit\n    run: ./inside.sh\n    report: {tap: stdout}\n    nested: true\n' >ratchet.yml
	must commit first
	exits 0 'inside a cell with nested: true ratchet isolates by namespaces' "$RATCHET" check
	says 'and what the cell must not write stays closed' ': 7 passed'
else
	skip 'inside a cell with nested: true ratchet isolates by namespaces' 'no namespaces here'
fi

# ---- the folders of cells without namespaces ----
if [ "$best" = none ] || [ -z "$best" ]; then
	skip 'a killed run leaves its folders to the next command' 'no Landlock here'
else
	new_repo killed
	printf 'version: 1\ntarget: main\nchecks:\n  - name: unit\n    run: sleep 60\n' >ratchet.yml
	must commit first
	mkdir "$BOX/places"
	TMPDIR=$BOX/places RATCHET_TEST_ISOLATION=landlock "$RATCHET" check >/dev/null 2>&1 &
	until ls "$BOX"/places/cells-*/candidate/0.1 >/dev/null 2>&1 || ! kill -0 $! 2>/dev/null; do sleep 0.05; done
	check 'without namespaces cells work in a folder of their own' test -n "$(ls -A "$BOX/places")"
	kill -9 $!
	wait $! 2>/dev/null
	TMPDIR=$BOX/places check 'a killed run leaves its folders to the next command' "$RATCHET" recover
	check 'which removes them' test -z "$(ls -A "$BOX/places")"
fi

# patch_of NAME: a good case more, as a patch.
patch_of() {
	echo good >"cases/$1" && git add -A && git diff --cached >"$BOX/$1.patch" && git reset -q --hard
}

# ---- less than what is asked for ----
if [ "$best" = namespaces ]; then
	new_project strict 'isolation: strict'
	patch_of c
	exits 3 'isolation: strict without namespaces is inconclusive' env RATCHET_TEST_ISOLATION=landlock "$RATCHET" propose "$BOX/c.patch"
	says 'it says why' 'isolation: strict needs namespaces'
	check 'nothing ran' sh -c "! printf '%s' \"\$1\" | grep -q 'passed   unit'" - "$SAID"
	exits 0 'with namespaces it lands' "$RATCHET" propose "$BOX/c.patch"
else
	skip 'isolation: strict without namespaces is inconclusive' 'no namespaces here'
fi
new_project nothing
patch_of c
exits 3 'without any isolation auto is inconclusive' env RATCHET_TEST_ISOLATION=none "$RATCHET" propose "$BOX/c.patch"
says 'it names the only way' 'only .isolation: none. in ratchet.yml does without'
check 'the entry is in the ledger' entry 1 '"verdict":"inconclusive"'
if [ "$best" = namespaces ]; then
	mkdir -p .ratchet/policies
	echo 'min_isolation: namespaces' >.ratchet/policies/isolation.yml
	must commit 'policy'
	exits 3 'a lower level than min_isolation is inconclusive' env RATCHET_TEST_ISOLATION=landlock "$RATCHET" propose "$BOX/c.patch"
	says 'it names both levels' 'demands isolation namespaces .*and landlock is in force'
else
	skip 'a lower level than min_isolation is inconclusive' 'no namespaces here'
fi

# ---- red at a lower level than its recorded pass ----
if [ "$best" = namespaces ]; then
	new_project lower
	echo bad >cases/a && git diff >"$BOX/bad.patch" && git checkout -q .
	exits 3 'red at a lower level than the recorded pass is inconclusive' env RATCHET_TEST_ISOLATION=landlock "$RATCHET" propose "$BOX/bad.patch"
	says 'it names both levels' 'red at isolation landlock, and recorded at namespaces'
	exits 1 'red at the same level is a regression' "$RATCHET" propose "$BOX/bad.patch"
	patch_of c
	exits 0 'green at a lower level lands' env RATCHET_TEST_ISOLATION=landlock "$RATCHET" propose "$BOX/c.patch"
	check 'the entry names the lower level' entry 1 '"isolation":"landlock"'
	exits 1 'then red at that level is a regression' env RATCHET_TEST_ISOLATION=landlock "$RATCHET" propose "$BOX/bad.patch"
else
	skip 'red at a lower level than the recorded pass is inconclusive' 'no namespaces here'
fi

# ---- as somebody else ----
# as NAME COMMAND...: the project lands a patch when ratchet runs under the command.
as() {
	local name=$1
	shift
	new_project "as-$name"
	patch_of c
	chmod 755 "$BOX"
	[ "$name" != user ] || chown -R 65534:65534 "$BOX/as-user" "$HOME"
	exits 0 "as $name a patch lands" "$@" "$RATCHET" propose "$BOX/c.patch"
	says "as $name there is isolation" 'isolation: (namespaces|landlock)'
	note "as $name: $(printf '%s\n' "$SAID" | grep -o 'isolation: [a-z]*')"
}
if [ "$(id -u)" -eq 0 ] && [ "$best" = namespaces ] && setpriv --reuid=65534 --regid=65534 --clear-groups test -x "$RATCHET" 2>/dev/null; then
	as user setpriv --reuid=65534 --regid=65534 --clear-groups
	chown -R 0:0 "$HOME"
else
	skip 'as user a patch lands' 'not root, or that user cannot reach the program'
fi
if unshare -Ur true 2>/dev/null; then
	as unshared unshare -Ur
else
	skip 'as unshared a patch lands' 'no user namespaces here'
fi
# user namespaces off: the limit holds for a user namespace of our own and all below it
if unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces' 2>/dev/null; then
	new_project off
	patch_of c
	exits 0 'with user namespaces off a patch lands at landlock' unshare -Ur sh -c "echo 0 >/proc/sys/user/max_user_namespaces && exec \"\$0\" propose \"\$1\"" "$RATCHET" "$BOX/c.patch"
	says 'the level is named' 'isolation: landlock'
	check 'the entry names it' entry 1 '"isolation":"landlock"'
	exits 0 'doctor says what to enable' unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && "$0" doctor; [ $? -le 1 ]' "$RATCHET"
	says 'it names the setting' 'isolation: .*user.max_user_namespaces'
else
	skip 'with user namespaces off a patch lands at landlock' 'the limit cannot be set here'
fi

finish
