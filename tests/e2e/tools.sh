#!/bin/bash
# What real tools write, read and gated: each is run here, so that a reader is held against the version that is installed.
. "$(dirname "$0")/lib.sh"

# read FORMAT FILE WANT: the reader takes all of it as evidence, and shows what was expected.
read_as() {
	exits 0 "$1: what the tool writes is complete evidence" "$RATCHET" read "$2" --format "$1"
	says "$1: what it found is read" "$3"
}
without() { # TOOL PACKAGE
	skip "$1: what the tool writes is complete evidence" "$2 is not here"
	skip "$1: what it found is read" "$2 is not here"
}

new_repo tools
cat >l.c <<'END'
int twice(int x);
int
twice(int x)
{
	if (x > 100)
		return 0;
	return 2 * x;
}
int
main(void)
{
	int unused;
	return twice(1) == 2 ? 0 : 1;
}
END

# ---- tests ----
if [ -e /usr/include/gtest/gtest.h ]; then
	printf '%s\n' '#include <gtest/gtest.h>' 'TEST(Sum, Adds) { EXPECT_EQ(2, 1 + 1); }' \
		'TEST(Sum, Breaks) { EXPECT_EQ(3, 1 + 1); }' 'TEST(Sum, DISABLED_Later) {}' >t.cc
	must g++ t.cc -lgtest -lgtest_main -lpthread -o t
	./t --gtest_output=json:t.json >/dev/null 2>&1
	./t --gtest_output=xml:t.xml >/dev/null 2>&1
	read_as gtest t.json 'gtest: 1 passed, 1 failed, 0 errors, 1 skipped'
	read_as junit t.xml 'junit: 1 passed, 1 failed, 0 errors, 1 skipped'
else
	without gtest libgtest-dev
	without junit libgtest-dev
fi

# ---- numbers ----
if [ -e /usr/include/benchmark/benchmark.h ]; then
	printf '%s\n' '#include <benchmark/benchmark.h>' \
		'static void BM_sum(benchmark::State &s) { int x = 0; for (auto _ : s) benchmark::DoNotOptimize(x += 1); }' \
		'BENCHMARK(BM_sum);' 'BENCHMARK_MAIN();' >b.cc
	must g++ b.cc -lbenchmark -lpthread -o b
	./b --benchmark_format=json --benchmark_min_time=0.001 --benchmark_repetitions=3 >b.json 2>/dev/null
	read_as google-benchmark b.json 'cell/BM_sum'
	check 'google-benchmark: each repetition is a sample, and no mean is' \
		test "$("$RATCHET" read b.json --format google-benchmark | grep -c 'cell/BM_sum$')" = 3
else
	without google-benchmark libbenchmark-dev
	skip 'google-benchmark: each repetition is a sample, and no mean is' 'libbenchmark-dev is not here'
fi
if command -v hyperfine >/dev/null; then
	must hyperfine -N --runs 3 --export-json h.json true
	read_as hyperfine h.json 'cell/true'
else
	without hyperfine hyperfine
fi
if command -v /usr/bin/time >/dev/null; then
	must /usr/bin/time -v -o time.txt true
	read_as time time.txt 'cell/'
else
	without time time
fi

# the counters of the kernel: those of the processor are not to be had in every machine
if perf stat -x, -e task-clock -o p.csv true 2>/dev/null; then
	read_as perf p.csv 'cell/task-clock'
else
	without perf linux-perf
fi
printf 'def add(a, b):\n    if a > 100:\n        return 0\n    return a + b\n' >add.py
printf 'from add import add\n\n\ndef test_add(benchmark):\n    assert benchmark(add, 1, 2) == 3\n' >test_add.py
if /usr/bin/python3 -c 'import pytest_benchmark, pytest_cov' 2>/dev/null; then
	/usr/bin/python3 -m pytest -q --benchmark-json=pb.json --benchmark-max-time=0.01 --benchmark-min-rounds=2 --cov=. \
		--cov-report=xml:pc.xml >pytest.out 2>&1
	read_as pytest-benchmark pb.json 'cell/test_add.py::test_add'
	exits 0 'coverage.py: what it writes is complete evidence' "$RATCHET" read pc.xml
	says 'coverage.py: the line that never ran is found' 'cell/uncovered::add.py::line 3'
else
	without pytest-benchmark python3-pytest-benchmark
	skip 'coverage.py: what it writes is complete evidence' 'python3-pytest-cov is not here'
	skip 'coverage.py: the line that never ran is found' 'python3-pytest-cov is not here'
fi

# criterion.rs is a library: Debian has it and all that it needs as sources
registry=/usr/share/cargo/registry
if ls -d $registry/criterion-0.* >/dev/null 2>&1 && command -v cargo >/dev/null; then
	mkdir -p rs/src rs/benches rs/.cargo
	printf '[source.crates-io]\nreplace-with = "debian"\n[source.debian]\ndirectory = "%s"\n' $registry >rs/.cargo/config.toml
	cat >rs/Cargo.toml <<-'END'
		[package]
		name = "sum"
		version = "0.1.0"
		edition = "2018"
		[dev-dependencies]
		criterion = { version = "0.3", default-features = false }
		[[bench]]
		name = "sum"
		harness = false
		[profile.bench]
		opt-level = 0
		debug = false
	END
	echo 'pub fn sum(n: u64) -> u64 { (0..n).sum() }' >rs/src/lib.rs
	cat >rs/benches/sum.rs <<-'END'
		use criterion::{black_box, criterion_group, criterion_main, Criterion};
		use std::time::Duration;

		fn sums(c: &mut Criterion) {
		    c.bench_function("alone", |b| b.iter(|| sum::sum(black_box(100))));
		    let mut group = c.benchmark_group("two of them");
		    group.bench_with_input("by/input", &1000, |b, n| b.iter(|| sum::sum(black_box(*n))));
		}
		criterion_group! {
		    name = benches;
		    config = Criterion::default()
		        .sample_size(10)
		        .warm_up_time(Duration::from_millis(10))
		        .measurement_time(Duration::from_millis(50));
		    targets = sums
		}
		criterion_main!(benches);
	END
	# where cargo was installed for a user, it lies in that user's home
	must sh -c 'cd rs && HOME=$1 cargo bench --offline --bench sum' sh "$(getent passwd "$(id -u)" | cut -d: -f6)"
	read_as criterion-rs rs/target/criterion/alone/new/estimates.json 'cell/alone$'
	exits 0 'criterion-rs: one of a group is complete evidence' "$RATCHET" read \
		'rs/target/criterion/two of them/by_input/new/estimates.json' --format criterion-rs
	says 'criterion-rs: it has the name of its folders' 'cell/two of them/by_input$'
else
	without criterion-rs librust-criterion-dev
	skip 'criterion-rs: one of a group is complete evidence' 'librust-criterion-dev is not here'
	skip 'criterion-rs: it has the name of its folders' 'librust-criterion-dev is not here'
fi

# ---- findings ----
gcc -Wall --coverage l.c -o l 2>gcc.txt
read_as gcc gcc.txt 'known  cell/-Wunused-variable::l.c::unused variable'
if command -v clang >/dev/null; then
	clang -Wall -c l.c -o /dev/null 2>clang.txt
	exits 0 'clang: its warnings are complete evidence' "$RATCHET" read clang.txt --format gcc
	says 'clang: its warnings are read' 'known  cell/-Wunused-variable::l.c::unused variable'
else
	skip 'clang: its warnings are complete evidence' 'clang is not here'
	skip 'clang: its warnings are read' 'clang is not here'
fi
# shellcheck disable=SC2016
printf '#!/bin/sh\necho $1\n' >s.sh
shellcheck --format json1 s.sh >s.json
read_as shellcheck s.json 'known  cell/2086::s.sh::Double quote'
if command -v cppcheck >/dev/null; then
	cppcheck -q --xml --enable=all l.c 2>c.xml
	read_as cppcheck c.xml 'known  cell/unusedVariable::l.c::Unused variable: unused'
else
	without cppcheck cppcheck
fi
if command -v lcov >/dev/null; then
	./l
	lcov -q -c -d . -o l.info >/dev/null 2>&1
	read_as lcov l.info 'l.c:6'
else
	without lcov lcov
fi
if command -v gcovr >/dev/null; then
	./l
	gcovr --xml g.xml >/dev/null 2>&1
	read_as cobertura g.xml 'l.c:6'
else
	without cobertura gcovr
fi
# from npm where that can be reached: Debian's is years old and needs a hundred packages
mkdir npm
printf 'export default [{files: ["lib/*.js"], rules: {"no-unused-vars": "error", eqeqeq: "warn"}}];\n' >npm/eslint.config.mjs
mkdir npm/lib
printf 'let b = 2;\nif (1 == 2) console.log(1);\n' >npm/lib/a.js
if command -v npm >/dev/null && npm install --prefix npm --silent --no-fund --no-audit --ignore-scripts --fetch-retries=0 \
	--fetch-timeout=20000 eslint@10 >/dev/null 2>&1; then
	(cd npm && npx eslint -f json lib >../e.json)
	read_as eslint e.json 'npm/lib/a.js:1:5: .b. is assigned a value but never used. \[no-unused-vars\]'
	says 'eslint: its warnings are findings too' 'cell/eqeqeq::.*npm/lib/a.js::Expected'
else
	without eslint eslint
	skip 'eslint: its warnings are findings too' 'eslint is not here'
fi

# ---- a linter as a gate ----
new_repo lint
cat >ratchet.yml <<'END'
version: 1
target: main
checks:
  - name: lint
    kind: findings
    run: shellcheck --format json1 *.sh
    report: {shellcheck: stdout}
END
# shellcheck disable=SC2016
printf '#!/bin/sh\necho $1\ncat $2\n' >a.sh
must commit first
exits 0 'lint: what is there already is adopted' "$RATCHET" check
must "$RATCHET" baseline record
offered() {
	git add -A && git diff --cached -M >"$BOX/patch" && git reset -q --hard
}
# shellcheck disable=SC2016
printf '#!/bin/sh\n\n\necho $1\ntrue\ncat $2\n' >a.sh && offered
exits 0 'lint: findings that moved by lines are the same' "$RATCHET" propose "$BOX/patch"
git mv a.sh b.sh && offered
exits 0 'lint: findings that moved with their file are the same' "$RATCHET" propose "$BOX/patch"
# shellcheck disable=SC2016
printf '#!/bin/sh\necho "$1"\ncat $2\nls *\n' >b.sh && offered
exits 1 'lint: one fixed and one added in a file is a regression' "$RATCHET" propose "$BOX/patch"
says 'lint: the added one is named with its place' 'b.sh:4:'
# shellcheck disable=SC2016
printf '#!/bin/sh\necho "$1"\ncat $2\nls $3\n' >b.sh && offered
exits 1 'lint: so it is when the linter says the same of both' "$RATCHET" propose "$BOX/patch"
# shellcheck disable=SC2016
printf '#!/bin/sh\necho "$1"\ncat $2\n' >b.sh && offered
exits 0 'lint: one fixed lands' "$RATCHET" propose "$BOX/patch"
# shellcheck disable=SC2016
printf '#!/bin/sh\necho $1\ncat $2\n' >b.sh && offered
exits 1 'lint: and does not come back' "$RATCHET" propose "$BOX/patch"

# ---- a compiler as a gate: it warns on standard error ----
new_repo warnings
cat >ratchet.yml <<'END'
version: 1
target: main
checks:
  - {name: warnings, kind: findings, run: make -s -B, report: {gcc: stdout}}
  - {name: time, kind: metric, run: 'echo 12,,cycles,1,100.00,, >&2', report: {perf: stderr}, better: lower}
END
printf 'l: l.c\n\tgcc -Wall l.c -o /dev/null\n' >Makefile
printf 'int main(void)\n{\n\tint old;\n\treturn 0;\n}\n' >l.c
must commit first
must "$RATCHET" check
must "$RATCHET" baseline record
check 'a warning on standard error is known' "$RATCHET" baseline show 'warnings/-Wunused-variable::l.c::*old*'
says 'so it is' 'known'
exits 0 'a number on standard error is known' "$RATCHET" baseline show 'time/cycles'
sed -i 's/old;/old;\n\tint new;/' l.c && offered
exits 1 'a new warning is a regression' "$RATCHET" propose "$BOX/patch"
says 'the new warning is named' 'regressed: warnings/-Wunused-variable::l.c::unused variable .*new'
sed -i -e 's/int old;/extern int f(void);/' -e 's/return 0/return f()/' l.c && offered
exits 1 'a program that no longer links has not fixed its warnings' "$RATCHET" propose "$BOX/patch"
says 'what the linker said is named' 'regressed: warnings/ld returned 1 exit status'
printf 'l: l.c\n\tgcc -Wall l.c -o /dev/null\n\tfalse\n' >Makefile && offered
exits 3 'a build that fails beside its warnings proves nothing' "$RATCHET" propose "$BOX/patch"
says 'why is said' 'exit code 2, and no error among the diagnostics'
finish
