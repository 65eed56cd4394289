#!/bin/sh
# Reads the #include lines of engine/ and fails on a call upward, on a third-party header outside its adapter, and on a
# header that does not compile alone. TAP on standard output.
set -eu
cd "$(dirname "$0")/.."
n=0
failed=0

report() { # name, offending lines
	n=$((n + 1))
	if [ -z "$2" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		printf '%s\n' "$2" | sed 's/^/# /'
		failed=1
	fi
}

# folder: the folders that it may include
allowed() {
	case $1 in
	support) echo support ;;
	model) echo 'support model' ;;
	readers) echo 'support model readers' ;;
	git) echo 'support model git' ;;
	run) echo 'support model run' ;;
	cycle) echo 'support model readers git run cycle' ;;
	cli) echo 'support model readers git run cycle cli' ;;
	esac
}

for folder in support model readers git run cycle cli; do
	pattern=$(allowed "$folder" | tr ' ' '|')
	bad=$(grep -nE '^#include "[a-z]+/' engine/$folder/*.[ch] | grep -vE "\"($pattern)/" | grep -E '"(support|model|readers|git|run|cycle|cli)/' || [ $? -eq 1 ])
	report "engine/$folder includes only what lies below it" "$bad"
done

adapter() { # header, the files that may include it
	bad=$(grep -rnlE "^#include <$1" engine | grep -vE "^engine/$2" || [ $? -eq 1 ])
	report "only engine/$2 includes <$1" "$bad"
}
adapter 'yaml\.h' 'support/yaml\.c'
adapter 'jansson\.h' 'support/json\.c'
adapter 'pcre2\.h' 'support/regex\.c'
adapter 'sodium' 'support/digest\.c'
adapter 'openssl' 'support/sha1\.c'
adapter 'expat\.h' 'readers/xml\.c'
adapter 'seccomp\.h' 'run/seccomp\.c'
adapter 'git2' 'git/'

bad=$(grep -rnE '\b(printf|puts|fputs|putchar|perror|fwrite)\(' engine/support engine/model engine/readers engine/git engine/cycle --include='*.c' |
	grep -vE '^engine/support/err\.c|vasprintf|snprintf' || [ $? -eq 1 ])
report 'nothing below the command layer prints' "$bad"

bad=$(grep -rnE '\b(strcpy|strcat|sprintf|vsprintf|strtok|gmtime|localtime|gets|strncpy)\(' engine --include='*.[ch]' || [ $? -eq 1 ])
report 'no banned function is called' "$bad"

# each is a translation unit of its own
bad=$(${CC:-cc} -std=gnu11 -D_GNU_SOURCE -DRATCHET_VERSION='"0"' -Iengine -fsyntax-only -x c engine/*/*.h 2>&1) ||
	bad="${bad:-the compiler failed}"
report 'every header compiles alone' "$bad"

echo "1..$n"
exit $failed
