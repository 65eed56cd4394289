#!/bin/bash
# Real projects in C, from a clone to the first verdicts: meson, cmake, autotools, make.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/runners.bash"

# A small library in C, and two programs that test it: what broken() changes is the code that both need.
c_sources() {
	mkdir -p tests
	printf 'int add(int a, int b);\n' >add.h
	printf '#include "add.h"\n\nint\nadd(int a, int b)\n{\n\treturn a + b;\n}\n' >add.c
	c_test positive 2 3 5
	c_test negative -2 -3 -5
}
c_test() { # name, a, b, sum
	printf '#include "../add.h"\n\nint\nmain(void)\n{\n\treturn add(%s, %s) != %s;\n}\n' "$2" "$3" "$4" >"tests/$1.c"
}
broken() {
	sed -i 's/a + b/a < 0 ? a + b : a - b/' add.c
}

# ---- meson ----
project meson
c_sources
cat >meson.build <<'END'
project('adder', 'c')
foreach name : ['positive', 'negative']
  test(name, executable(name, 'tests' / name + '.c', 'add.c'))
endforeach
END
good() {
	c_test zero 0 0 0
	sed -i "s/'negative'/'negative', 'zero'/" meson.build
}
gone() {
	sed -i "s/'positive', //" meson.build
}
gated unit/positive unit/zero
check 'meson: the build is a case of its own' grep -q '^build/build	pass' .ratchet/baseline/build.tsv
sed -i 's/return/retrun/' add.c && git diff >"$BOX/patch" && git checkout -q .
exits 1 'meson: a change that does not compile is rolled back' "$RATCHET" propose "$BOX/patch"
names 'meson: the build is named' 'regressed: build/build'

# ---- cmake ----
project cmake
c_sources
cat >CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.20)
project(adder C)
enable_testing()
foreach(name positive negative)
  add_executable(${name} tests/${name}.c add.c)
  add_test(NAME ${name} COMMAND ${name})
endforeach()
END
good() {
	c_test zero 0 0 0
	sed -i 's/positive negative/positive negative zero/' CMakeLists.txt
}
gone() {
	sed -i 's/positive //' CMakeLists.txt
}
gated unit/positive::positive unit/zero::zero

# ---- autotools ----
if command -v automake >/dev/null; then
	project autotools
	c_sources
	printf '%s\n' 'AC_INIT([adder], [1])' 'AM_INIT_AUTOMAKE([foreign subdir-objects])' AC_PROG_CC \
		'AC_CONFIG_FILES([Makefile])' AC_OUTPUT >configure.ac
	cat >Makefile.am <<-'END'
		check_PROGRAMS = positive negative
		TESTS = $(check_PROGRAMS)
		positive_SOURCES = tests/positive.c add.c add.h
		negative_SOURCES = tests/negative.c add.c add.h
	END
	good() {
		c_test zero 0 0 0
		sed -i 's/^check_PROGRAMS = .*/& zero/' Makefile.am
		echo 'zero_SOURCES = tests/zero.c add.c add.h' >>Makefile.am
	}
	gone() {
		sed -i '/^check_PROGRAMS/s/positive //; /^positive/d' Makefile.am
	}
	gated unit/positive unit/zero
else
	skip 'autotools: a project goes from clone to first verdicts' 'automake is not here'
fi

# ---- make: one case, by exit code ----
project make
c_sources
printf '%s\n' 'all: positive negative' 'positive negative: %: tests/%.c add.c' '	$(CC) -o $@ $^' \
	'check: all' '	./positive' '	./negative' 'clean:' '	rm -f positive negative' >Makefile
must commit 'first'
must git clone -q . "$BOX/make"
cd "$BOX/make" || exit 1
exits 0 'make: init adopts a clone' "$RATCHET" init --runs 1
names 'make: init says what it recognised' 'recognised make'
check 'make: the exit code is the case' grep -q '^unit/unit	pass' .ratchet/baseline/unit.tsv
echo '/* the sum */' >>add.h && git diff >"$BOX/patch" && git checkout -q .
exits 0 'make: a change that breaks nothing lands' "$RATCHET" propose "$BOX/patch"
offered broken
exits 1 'make: a change that breaks a test is rolled back' "$RATCHET" propose "$BOX/patch"
names 'make: the case is named' 'regressed: unit/unit'
finish
