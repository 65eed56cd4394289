# shellcheck shell=bash
# The projects that are cheated: each adds two numbers, and has the cases `small` (1 + 2) and `large` (20 + 22) in the words
# of its runner. project_NAME writes one into the current folder; $TOOLS holds toolchains that live in a home directory.

# configure RUN REPORT [MORE LINES OF THE CHECK...]: a ratchet.yml of one check named unit.
configure() {
	local run=$1 report=$2 line
	shift 2
	{
		printf 'version: 1\ntarget: main\n'
		[ -z "$TOOLS" ] || printf 'tools: [%s]\n' "$TOOLS"
		printf 'support: [%s]\n' "$SUPPORT"
		printf 'checks:\n  - name: unit\n    run: %s\n    report: %s\n    timeout: 60s\n' "$run" "$report"
		for line in "$@"; do
			printf '    %s\n' "$line"
		done
	} >ratchet.yml
}

# Shell functions; each file of tests/ is a case. The TAP goes to standard output.
project_tap() {
	mkdir -p src tests
	echo 'add() { echo $(($1 + $2)); }' >src/add.sh
	printf '%s\n' '. src/add.sh' '[ "$(add 1 2)" = 3 ]' >tests/small
	printf '%s\n' '. src/add.sh' '[ "$(add 20 22)" = 42 ]' >tests/large
	cat >run-tests <<-'END'
		#!/bin/sh
		n=0 code=0
		for f in tests/*; do
			n=$((n + 1)) word=ok
			sh -e "$f" || { word='not ok' code=1; }
			echo "$word $n - ${f#tests/}"
		done
		echo "1..$n"
		exit $code
	END
	chmod +x run-tests
	SUPPORT='"tests/**", run-tests' configure ./run-tests '{tap: stdout}'
}

# The same with JUnit XML in the file that the engine asks for.
project_junit() {
	project_tap
	cat >run-tests <<-'END'
		#!/bin/sh
		cases='' n=0 bad=0
		for f in tests/*; do
			n=$((n + 1))
			if said=$(sh -e "$f"); then
				cases="$cases<testcase name=\"${f#tests/}\"/>"
			else
				bad=$((bad + 1))
				cases="$cases<testcase name=\"${f#tests/}\"><failure>$said</failure></testcase>"
			fi
		done
		echo "<testsuite name=\"t\" tests=\"$n\" failures=\"$bad\">$cases</testsuite>" >"$1"
		[ "$bad" = 0 ]
	END
	SUPPORT='"tests/**", run-tests' configure './run-tests {{report}}' junit
}

# Exit code alone, by make.
project_make() {
	project_tap
	rm run-tests
	printf 'check:\n\t@for f in tests/*; do sh -e $$f || exit 1; done\n' >Makefile
	SUPPORT='"tests/**", Makefile, GNUmakefile, makefile' configure 'make -s check' exit
}

project_pytest() {
	printf 'def add(a, b):\n    return a + b\n' >calc.py
	printf 'from calc import add\n\n\ndef test_small():\n    assert add(1, 2) == 3\n\n\ndef test_large():\n    assert add(20, 22) == 42\n' >test_calc.py
	SUPPORT='"**/test_*.py", "**/conftest.py"' configure 'python3 -m pytest -q' pytest 'env: {PYTHONDONTWRITEBYTECODE: "1"}'
}

project_node() {
	printf "exports.add = (a, b) => a + b;\n" >calc.js
	cat >calc.test.js <<-'END'
		const test = require('node:test');
		const assert = require('node:assert');
		const { add } = require('./calc.js');
		test('small', () => assert.strictEqual(add(1, 2), 3));
		test('large', () => assert.strictEqual(add(20, 22), 42));
	END
	SUPPORT='"**/*.test.js"' configure 'node --test' node
}

project_go() {
	printf 'module calc\n\ngo 1.19\n' >go.mod
	printf 'package calc\n\nfunc Add(a, b int) int { return a + b }\n' >calc.go
	cat >calc_test.go <<-'END'
		package calc

		import "testing"

		func TestSmall(t *testing.T) {
			if Add(1, 2) != 3 {
				t.Fail()
			}
		}

		func TestLarge(t *testing.T) {
			if Add(20, 22) != 42 {
				t.Fail()
			}
		}
	END
	SUPPORT='"**/*_test.go"' configure 'go test ./...' go
}

project_cargo() {
	mkdir -p src tests
	printf '[package]\nname = "calc"\nversion = "0.1.0"\nedition = "2021"\n' >Cargo.toml
	printf 'version = 3\n\n[[package]]\nname = "calc"\nversion = "0.1.0"\n' >Cargo.lock
	printf 'pub fn add(a: i32, b: i32) -> i32 {\n    a + b\n}\n' >src/lib.rs
	printf 'use calc::add;\n\n#[test]\nfn small() {\n    assert_eq!(add(1, 2), 3);\n}\n\n#[test]\nfn large() {\n    assert_eq!(add(20, 22), 42);\n}\n' >tests/calc.rs
	SUPPORT='"tests/**"' configure 'cargo test --offline --tests --no-fail-fast -- -Z unstable-options --format json' cargo
}

c_code() {
	mkdir -p src tests
	printf 'int add(int a, int b)\n{\n\treturn a + b;\n}\n' >src/add.c
}

project_ctest() {
	c_code
	printf '#include <stdlib.h>\nint add(int, int);\nint main(int n, char **v)\n{\n\t(void)n;\n\tif (atoi(v[1]))\n\t\treturn add(20, 22) != 42;\n\treturn add(1, 2) != 3;\n}\n' >tests/calc.c
	cat >CMakeLists.txt <<-'END'
		cmake_minimum_required(VERSION 3.18)
		project(calc C)
		enable_testing()
		add_executable(calc tests/calc.c src/add.c)
		add_test(NAME small COMMAND calc 0)
		add_test(NAME large COMMAND calc 1)
	END
	SUPPORT='"tests/**", CMakeLists.txt' configure \
		'cmake -S . -B build >/dev/null && cmake --build build >/dev/null && ctest --test-dir build --no-tests=error --output-junit {{report}}' ctest
}

project_criterion() {
	c_code
	cat >tests/calc.c <<-'END'
		#include <criterion/criterion.h>
		int add(int, int);
		Test(calc, small)
		{
			cr_assert_eq(add(1, 2), 3);
		}
		Test(calc, large)
		{
			cr_assert_eq(add(20, 22), 42);
		}
	END
	printf 'check:\n\t@$(CC) -o calc tests/calc.c src/*.c -lcriterion && ./calc --quiet\n' >Makefile
	SUPPORT='"tests/**", Makefile, GNUmakefile, makefile' configure 'make -s check' criterion
}

project_prove() {
	mkdir -p lib t
	printf 'package Calc;\nsub add { my ($a, $b) = @_; return $a + $b; }\n1;\n' >lib/Calc.pm
	printf 'use lib "lib";\nuse Calc;\nuse Test::More tests => 2;\nis(Calc::add(1, 2), 3, "small");\nis(Calc::add(20, 22), 42, "large");\n' >t/calc.t
	SUPPORT='"t/**"' configure 'prove -r' prove
}

# The runner is not a support file, and its results come from it alone.
project_runner() {
	project_tap
	SUPPORT='"tests/**"' configure ./run-tests '{tap: stdout}'
}

# The report is a file of the workspace.
project_committed() {
	project_junit
	sed -i '1a mkdir -p out' run-tests
	SUPPORT='"tests/**", run-tests' configure './run-tests out/report.xml' '{junit: out/report.xml}'
}

# The expected outputs are files of their own.
project_golden() {
	project_tap
	rm tests/*
	echo 3 >tests/small.golden && echo 42 >tests/large.golden
	cat >run-tests <<-'END'
		#!/bin/sh
		. src/add.sh
		echo 1..2
		code=0
		[ "$(add 1 2)" = "$(cat tests/small.golden)" ] || { code=1 && printf 'not '; }
		echo 'ok 1 - small'
		[ "$(add 20 22)" = "$(cat tests/large.golden)" ] || { code=1 && printf 'not '; }
		echo 'ok 2 - large'
		exit $code
	END
	SUPPORT='"tests/**", run-tests' configure ./run-tests '{tap: stdout}'
}

# As `ratchet init --agents` sets it.
project_strict() {
	project_criterion
	sed -i '/^support:/a support_changes: strict' ratchet.yml
}

# A short deadline.
project_hang() {
	project_tap
	sed -i 's/timeout:.*/timeout: 2s/' ratchet.yml
}

# The runner's own configuration is watched.
project_watched() {
	project_pytest
	sed -i '/^support:/a watch: [pytest.ini]' ratchet.yml
}

# A new case must pass in each of two runs.
project_probation() {
	project_tap
	sed -i '/^support:/a probation: 2' ratchet.yml
}

# The same of JUnit XML.
project_reporter() {
	project_junit
	SUPPORT='"tests/**"' configure './run-tests {{report}}' junit
}

# Cells have a repository of their own; another branch holds the code that the next change should find by itself.
project_gitted() {
	project_tap
	mv ratchet.yml .. && git add -A && git commit -q -m base
	git checkout -q -b future && echo 'add() { expr "$1" + "$2"; }' >src/answer.sh
	git add -A && git commit -q -m answer && git tag answered && git checkout -q main
	mv ../ratchet.yml . && echo '    git: true' >>ratchet.yml
}
