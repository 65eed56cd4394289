#!/bin/bash
# Real projects of the scripted kind, from a clone to the first verdicts: pytest, prove, bats, node --test without packages.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/runners.bash"

# ---- pytest ----
if python3 -c 'import pytest' 2>/dev/null || /usr/bin/python3 -c 'import pytest' 2>/dev/null; then
	project pytest
	mkdir -p src/adder tests
	printf '[project]\nname = "adder"\nversion = "1"\n\n[tool.pytest.ini_options]\ntestpaths = ["tests"]\n' >pyproject.toml
	printf 'def add(a, b):\n    return a + b\n' >src/adder/__init__.py
	cat >tests/test_add.py <<-'END'
		import pytest
		from adder import add


		@pytest.mark.parametrize("a, b, c", [(2, 3, 5), (-2, -3, -5)])
		def test_sums(a, b, c):
		    assert add(a, b) == c


		def test_positive():
		    assert add(2, 3) == 5
	END
	good() {
		printf '\n\ndef test_zero():\n    assert add(0, 0) == 0\n' >>tests/test_add.py
	}
	gone() {
		sed -i '/def test_positive/,$d' tests/test_add.py
	}
	broken() {
		sed -i 's/return a + b/return a + b if a < 0 else a - b/' src/adder/__init__.py
	}
	gated unit/tests.test_add::test_positive unit/tests.test_add::test_zero
	check 'pytest: every row of a parameterised test is a case' grep -qF 'unit/tests.test_add::test_sums[-2--3--5]	pass' .ratchet/baseline/unit.tsv
else
	skip 'pytest: a project goes from clone to first verdicts' 'pytest is not here'
fi

# ---- prove ----
project prove
mkdir -p lib t
printf 'requires "perl";\n' >cpanfile
printf 'package Adder;\n\nsub add {\n    my ($a, $b) = @_;\n    return $a + $b;\n}\n\n1;\n' >lib/Adder.pm
cat >t/add.t <<'END'
use Test::More;
use Adder;

is(Adder::add(2, 3), 5, 'positive');
is(Adder::add(-2, -3), -5, 'negative');
done_testing;
END
good() {
	sed -i "s/^done/is(Adder::add(0, 0), 0, 'zero');\n&/" t/add.t
}
gone() {
	sed -i "/'positive'/d" t/add.t
}
broken() {
	sed -i 's/\$a + \$b/$a < 0 ? $a + $b : $a - $b/' lib/Adder.pm
}
gated unit/positive unit/zero

project prove.dying
mkdir -p lib t
printf 'package Adder;\n\nsub add { return $_[0] + $_[1] }\n\n1;\n' >lib/Adder.pm
printf 'use Test::More tests => 2;\nuse Adder;\n\nis(Adder::add(2, 3), 5, "positive");\nis(Adder::add(-2, -3), -5, "negative");\n' >t/add.t
printf 'use Test::More tests => 3;\nuse Nowhere::To::Be::Found;\n\nok 1, "lost";\n' >t/dead.t
printf 'use Nowhere::To::Be::Found;\n' >t/mute.t
must commit first
exits 0 'prove: scripts that die do not keep the others from being adopted' "$RATCHET" init --runs 2
says 'prove: a script that dies is named' 'unit/t/dead.t::\(ran\) fails, and is not recorded'
check 'prove: it is not in the baseline' test "$(cut -f 1 .ratchet/baseline/unit.tsv | tr '\n' ' ')" = 'unit/negative unit/positive unit/t/add.t::(ran) '
printf 'sub add {\n' >>lib/Adder.pm
git commit -qam more --no-verify >/dev/null 2>&1 && git diff HEAD^ HEAD >"$BOX/patch" && must git reset -q --hard HEAD^
exits 1 'prove: a change that makes a script die is a regression' "$RATCHET" propose "$BOX/patch"
says 'prove: the script that dies now is named' 'regressed: unit/t/add.t::\(ran\)'

# ---- bats ----
if command -v bats >/dev/null; then
	project bats
	mkdir tests
	printf '#!/bin/sh\necho $(($1 + $2))\n' >add.sh
	chmod +x add.sh
	printf '@test "%s" {\n\t[ "$(./add.sh %s %s)" = %s ]\n}\n' positive 2 3 5 negative -2 -3 -5 >tests/add.bats
	good() {
		printf '@test "%s" {\n\t[ "$(./add.sh %s %s)" = %s ]\n}\n' zero 0 0 0 >>tests/add.bats
	}
	gone() {
		sed -i '/"positive"/,/^}/d' tests/add.bats
	}
	broken() {
		sed -i 's/^echo/[ "$1" -lt 0 ] || set -- "$1" "-$2"\n&/' add.sh
	}
	gated unit/positive unit/zero
else
	skip 'bats: scripts go from clone to first verdicts' 'bats is not here'
fi

# ---- node --test, no packages ----
if command -v npm >/dev/null && node --test-reporter=tap --version >/dev/null 2>&1; then
	project npm.node
	mkdir test
	printf '{"name": "adder", "version": "1.0.0", "scripts": {"test": "node --test test/"}}\n' >package.json
	printf 'module.exports = (a, b) => a + b;\n' >add.js
	cat >test/add.test.js <<-'END'
		const test = require('node:test');
		const assert = require('node:assert');
		const add = require('../add');

		test('positive', () => assert.strictEqual(add(2, 3), 5));
		test('negative', () => assert.strictEqual(add(-2, -3), -5));
	END
	good() {
		echo "test('zero', () => assert.strictEqual(add(0, 0), 0));" >>test/add.test.js
	}
	gone() {
		sed -i "/'positive'/d" test/add.test.js
	}
	broken() {
		sed -i 's/a + b;/(a < 0 ? a + b : a - b);/' add.js
	}
	gated unit/positive unit/zero
else
	skip 'npm.node: a package goes from clone to first verdicts' 'there is no node with test reporters, or no npm'
fi
finish
