#!/bin/bash
# Warm workspaces: the same verdicts and the same binaries as clean ones, from incremental builds.
. "$(dirname "$0")/lib.sh"

# sources: a program of many files, each with a header of its own.
sources() {
	mkdir -p src
	local n
	: >src/all.h
	for n in 1 2 3 4 5 6; do
		printf 'int f%s(void);\n' $n >>src/all.h
		printf '#include "all.h"\nint f%s(void) { return %s; }\n' $n $n >src/f$n.c
	done
	printf '#include <stdio.h>\n#include "all.h"\nint main(void) { printf("%%d\\n", f1() + f2() + f3() + f4() + f5() + f6()); return 0; }\n' >src/main.c
	cat >Makefile <<-'END'
		.RECIPEPREFIX = >
		CFLAGS = -O1
		OBJS = $(patsubst %.c,%.o,$(wildcard src/*.c))
		app: $(OBJS)
		>gcc -o $@ $(OBJS)
		%.o: %.c src/all.h
		>gcc $(CFLAGS) -c -o $@ $<
	END
	{
		printf 'rule cc\n  command = gcc -MMD -MF $out.d -O1 -c -o $out $in\n  depfile = $out.d\n  deps = gcc\n'
		printf 'rule ld\n  command = gcc -o $out $in\n'
		for n in f1 f2 f3 f4 f5 f6 main; do printf 'build b/%s.o: cc src/%s.c\n' $n $n; done
		printf 'build b/app: ld b/f1.o b/f2.o b/f3.o b/f4.o b/f5.o b/f6.o b/main.o\n'
	} >build.ninja
}

# project NAME TOOL WORKSPACE [MORE]
project() {
	local app=app
	[ "$2" = make ] || app=b/app
	new_repo "$1"
	sources
	cat >check.sh <<-END
		#!/bin/sh
		sum=\$(./$app)
		if [ "\$sum" -ge 21 ]; then echo "ok 1 - sum"; else echo "not ok 1 - sum"; fi
		echo 1..1
		echo "# \$(sha256sum <$app)"
		[ "\$sum" -ge 21 ]
	END
	chmod +x check.sh
	cat >ratchet.yml <<-END
		version: 1
		target: main
		checks:
		  - name: build
		    run: $2 $([ "$2" = make ] || echo -v)
		    workspace: $3
		    inputs: ["src/**", Makefile, build.ninja]
		    ${4-}
		  - name: unit
		    needs: [build]
		    run: ./check.sh
		    report: {tap: stdout}
		    inputs: [check.sh]
	END
	must commit first
	must "$RATCHET" check
	must "$RATCHET" baseline record
}
propose() { # of the repository $1, the patch $2
	"$RATCHET" -C "$BOX/$1" propose "${@:3}" "$2"
}
# What the newest entry says of the report of the check $2: it holds the digest of the program.
digest() {
	cd "$BOX/$1" && ledger | grep -o "\"$2 candidate [0-9a-f]*\"" | head -n 1
}
# same NAME PATCH EXIT: both repositories give the same verdict and the same program.
same() {
	exits "$3" "$tool, warm: $1" propose "warm-$tool" "$2"
	exits "$3" "$tool, clean: $1" propose "clean-$tool" "$2"
	check "$tool: the programs are the same: $1" test "$(digest "warm-$tool" unit)" = "$(digest "clean-$tool" unit)"
}
patch() { # NAME: the changes of the present work tree
	git add -A && git diff --cached >"$BOX/$1.patch" && git reset -q --hard
}
for tool in make ninja; do
	command -v $tool >/dev/null || {
		skip "$tool" "$tool is not here"
		continue
	}
	project "clean-$tool" $tool clean
	project "warm-$tool" $tool warm
	cd "$BOX/clean-$tool" || exit 1
	sed -i 's/return 1;/return 10;/' src/f1.c && patch one-file
	sed -i 's/return 2;/return -99;/' src/f2.c && patch wrong
	sed -i 's/return 3;/return 30/' src/f3.c && patch broken
	printf '#include "all.h"\nint f7(void) { return 7; }\n' >src/f7.c && patch new-file
	sed -i 's/int f6(void);/int f6(void);\n#define X 1/' src/all.h && patch header
	git rm -q src/f6.c && sed -i 's/ + f6()/ + 6/' src/main.c && sed -i '/^build b\/f6/d; s/ b\/f6.o//' build.ninja && patch removed
	sed -i 's/-O1/-O2/' Makefile build.ninja && patch flags

	same 'a changed file lands' "$BOX/one-file.patch" 0
	store=$BOX/warm-$tool/.git/ratchet/warm
	check "$tool: the target was built for warm workspaces" test -n "$(find "$store" -name 'main.o')"
	built=$(find "$store" -type f -exec sha256sum {} + | sort | sha256sum)
	same 'a wrong change regresses' "$BOX/wrong.patch" 1
	check "$tool: nothing of it is left in the store" test "$built" = "$(find "$store" -type f -exec sha256sum {} + | sort | sha256sum)"
	same 'after it, a changed header lands' "$BOX/header.patch" 0
	exits 1 "$tool, warm: what does not compile regresses" propose "warm-$tool" "$BOX/broken.patch"
	[ $tool = make ] || continue
	same 'a new file lands' "$BOX/new-file.patch" 0
	same 'a removed file lands' "$BOX/removed.patch" 0
	same 'changed flags land' "$BOX/flags.patch" 0
done

# ---- how much is built ----
new_repo count
sources
cat >ratchet.yml <<-'END'
	version: 1
	target: main
	checks:
	  - name: compiled
	    kind: metric
	    run: make >log; echo compiled $(grep -c -- '-c -o' log)
	    report: {regex: '(?m)^compiled (\d+)'}
	    better: lower
	    workspace: warm
	    inputs: ["src/**", Makefile]
	  - name: confirmed
	    run: make | grep -q 'src/f5.c'
	    workspace: warm
	    confirm: clean
	    inputs: ["src/**", Makefile]
END
must commit first
must "$RATCHET" check
must "$RATCHET" baseline record
cd "$BOX/count" || exit 1
sed -i 's/return 1;/return 10;/' src/f1.c && patch one-file
sed -i 's/return 5;/return 50;/' src/f5.c && patch confirmed
exits 0 'a warm build of one changed file is accepted' "$RATCHET" propose --dry-run --json "$BOX/confirmed.patch"
says 'it compiles just that file' '"id":"compiled/compiled","now":"1","was":"7"'
says 'what nothing is landed on is not confirmed' '"attempts":1,[^}]*"name":"confirmed"'
exits 0 'red in a warm workspace and green in a clean one is green' "$RATCHET" propose --dry-run --json "$BOX/one-file.patch"
says 'what is red in a warm workspace runs again in a clean one' '"attempts":2,[^}]*"name":"confirmed"'
says 'and so does all that was warm' '"attempts":2,[^}]*"name":"compiled"'
exits 0 'with confirm: clean a landing is accepted' "$RATCHET" propose --json "$BOX/confirmed.patch"
says 'it ran again in a clean workspace' '"attempts":2,[^}]*"name":"confirmed"'

built() {
	find .git/ratchet/warm -name '*.o' | grep -q .
}
check 'what was built on the target is kept for the next' built
exits 0 'a gc with room enough succeeds' "$RATCHET" gc --size 1000
check 'a gc keeps a warm build while there is room' built
exits 0 'a gc without room succeeds' "$RATCHET" gc --size 0
refuse 'a gc drops a warm build that has no room' built

# ---- where going by time is not enough ----
new_repo tracked
sources
printf 'generated\n' >gen.h
printf '%s\n' 'version: 1' 'target: main' 'checks:' '  - name: build' '    run: date +%N >gen.h && make' '    workspace: warm' >ratchet.yml
must commit first
must "$RATCHET" check
must "$RATCHET" baseline record
sed -i 's/return 1;/return 10;/' src/f1.c && patch one-file
exits 0 'a build that writes a tracked file has a clean workspace' "$RATCHET" propose "$BOX/one-file.patch"
check 'nothing of it is kept' test -z "$(find .git/ratchet/warm -name '*.o')"

finish
