#!/usr/bin/python3
"""`pre-commit` with one trivial fast check on 400 files, beside lefthook from npm doing the same."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import Bench, file_lines, file_name, make_repo, ratio  # noqa: E402

CONFIG = 'version: 1\ntarget: main\nchecks:\n  - name: unit\n    run: "true"\n    fast: true\n'
LEFTHOOK = 'pre-commit:\n  commands:\n    unit:\n      run: "true"\n'


def clone(bench, name):
    repo = bench.path(name)
    bench.run(['git', 'clone', '-q', '--no-local', bench.path('origin.git'), repo])
    return repo


def stage(bench, repo, i):
    with open(os.path.join(repo, file_name(7)), 'w') as out:
        out.write('\n'.join(file_lines(7, i + 1)) + '\n')
    bench.git(repo, 'add', file_name(7))


def main():
    with Bench('hook', __doc__) as bench:
        make_repo(bench, bench.path('origin.git'), 400, CONFIG)
        ours, theirs = clone(bench, 'ours'), clone(bench, 'theirs')
        bench.run([bench.ratchet, '-C', ours, 'baseline', 'record'])
        bench.run([bench.ratchet, '-C', ours, 'hook', '--install'])
        # The registry's address comes from the caller's npm configuration.
        home = {'HOME': os.environ.get('HOME', bench.path('home'))}
        with open(os.path.join(theirs, '.git', 'info', 'exclude'), 'a') as out:
            out.write('node_modules\npackage*.json\nlefthook.yml\n')
        with open(os.path.join(theirs, 'lefthook.yml'), 'w') as out:
            out.write(LEFTHOOK)
        bench.run(['npm', 'install', '--silent', '--no-fund', '--no-audit', '--ignore-scripts', 'lefthook'], cwd=theirs,
                  env=home, exits=range(256))
        if not os.path.exists(os.path.join(theirs, 'node_modules', '.bin', 'lefthook')):
            print('pre-commit: not measured, because npm could not install lefthook here')
            return
        bench.run(['node_modules/.bin/lefthook', 'install'], cwd=theirs)

        def side(repo):
            def once(i):
                stage(bench, repo, i)
                return bench.run(['git', 'hook', 'run', 'pre-commit'], cwd=repo)
            return once

        sides = {'ratchet': side(ours), 'lefthook': side(theirs)}
        warm = bench.interleave(1, sides)
        if 'unit' not in warm['lefthook'][0].output:
            raise SystemExit('lefthook ran nothing: ' + warm['lefthook'][0].output)
        if 'would-land' not in warm['ratchet'][0].output:
            raise SystemExit('ratchet judged nothing: ' + warm['ratchet'][0].output)
        taken = bench.interleave(bench.rounds(20), {name: lambda i, run=run: run(i + 1) for name, run in sides.items()})
        ratio('pre-commit, 400 files / lefthook', taken['ratchet'], taken['lefthook'], 1)


main()
