#!/bin/bash
# Real npm packages with dependencies and a lock file, from a clone to the first verdicts: jest, vitest, mocha.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/runners.bash"

# Minutes that hang on a network: not among what every change waits for.
if [ -z "${RATCHET_TEST_REGISTRY-}" ]; then
	why='RATCHET_TEST_REGISTRY=1 asks for it'
elif ! command -v npm >/dev/null; then
	why='npm is not here'
elif ! npm view is-number@7.0.0 name --fetch-retries=0 --fetch-timeout=20000 >/dev/null 2>&1; then
	why='the registry is out of reach'
fi
if [ -n "${why-}" ]; then
	for runner in jest vitest mocha; do
		skip "npm.$runner: a package with dependencies goes from clone to first verdicts" "$why"
	done
	finish
fi

# package RUNNER SCRIPTS DEPENDENCIES...: code that needs a package, and a lock file for all that is installed.
package() {
	local runner=$1 scripts=$2
	shift 2
	project "npm.$runner"
	mkdir test
	printf '{"name": "adder", "version": "1.0.0", "scripts": {%s}}\n' "$scripts" >package.json
	printf 'node_modules\n' >.gitignore
	must npm install --package-lock-only --ignore-scripts --no-audit --no-fund --save is-number@7.0.0
	must npm install --package-lock-only --ignore-scripts --no-audit --no-fund --save-dev "$@"
	cat >add.js <<-'END'
		const isNumber = require('is-number');

		module.exports = (a, b) => {
		  if (!isNumber(a) || !isNumber(b)) throw new TypeError('not a number');
		  return a + b;
		};
	END
}
good() {
	sed -i "s/^});/  test('zero', () => assert.strictEqual(add(0, 0), 0));\n&/" test/add.test.*
}
gone() {
	sed -i "/'positive'/d" test/add.test.*
}
broken() {
	sed -i 's/a + b;/a < 0 ? a + b : a - b;/' add.js
}
cases() { # the lines before them
	printf '%s\n' "$@" "describe('add', () => {" "  test('positive', () => assert.strictEqual(add(2, 3), 5));" \
		"  test('negative', () => assert.strictEqual(add(-2, -3), -5));" '});'
}
# that init found out what must be fetched, and does so in a check of its own
fetched() {
	check "$RUNNER: what is fetched is a check that prepares" grep -q 'kind: prepare' ratchet.yml
	check "$RUNNER: it installs what the lock file names" grep -q 'run: npm ci --ignore-scripts' ratchet.yml
}

# controlled: every run carries a test that must pass, and a change that makes every test succeed is refused by one that
# must fail. The change: files of the work tree as they are now.
controlled() {
	check "$RUNNER: the runner is known to take a dropped test up" grep -q '^works ' .git/ratchet/controls/*
	sed -i 's/return a + b;/return 5;/' add.js
	must git add -A
	git diff --cached >"$BOX/always.patch"
	must git reset -q --hard
	exits 4 "$RUNNER: a change that makes every test succeed is refused" "$RATCHET" propose "$BOX/always.patch"
	says "$RUNNER: the control that it fooled is named" 'rule control: unit: a test that must fail came back as passed'
}

package mocha '"lint": "node --check add.js", "spec": "mocha --reporter dot", "test": "npm run lint && npm run spec"' mocha@10.8.2
cases "const assert = require('node:assert');" "const add = require('../add');" 'const test = it;' >test/add.test.js
gated unit/add::positive unit/add::zero
fetched
check 'npm.mocha: the command beside the runner is a check of its own' grep -q '^lint/lint	pass' .ratchet/baseline/lint.tsv

package vitest '"test": "vitest"' vitest@1.6.1
cases "import { describe, test, assert } from 'vitest';" "import add from '../add.js';" >test/add.test.mjs
gated 'unit/test/add.test.mjs::add > positive' 'unit/test/add.test.mjs::add > zero'
fetched
printf '%s\n' "import { VitestTestRunner } from 'vitest/runners';" \
	'export default class extends VitestTestRunner { runTask() {} }' >always.mjs
echo "export default { test: { runner: './always.mjs' } };" >vitest.config.mjs
controlled

package jest '"test": "jest"' jest@29.7.0
cases "const assert = require('node:assert');" "const add = require('../add');" >test/add.test.js
printf '\ntest.todo("more");\n' >>test/add.test.js
gated 'unit/test/add.test.js::add::positive' 'unit/test/add.test.js::add::zero'
echo 'const real = global.test; global.test = global.it = Object.assign((name) => real(name, () => {}), real);' >always.js
echo "module.exports = { setupFilesAfterEnv: ['./always.js'] };" >jest.config.js
controlled
check 'npm.jest: what writes the report is fetched too' grep -q jest-junit ratchet.yml
finish
