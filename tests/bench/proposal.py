#!/usr/bin/python3
"""
A proposal with one trivial check, everything on (isolation, ledger, fsync, export warm), on a generated repository of
78,000 files, beside the warm-worktree git script that does the same, and beside ratchet on 400 files.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import Bench, file_name, make_repo, one_line_patch, peak, ratio  # noqa: E402

CONFIG = 'version: 1\ntarget: main\nchecks:\n  - name: unit\n    run: "true"\n'

# The warm worktree: its files and its index are there from the run before.
SCRIPT = r'''
set -e
old=$(git rev-parse main)
git checkout -q --detach "$old"
git apply --index "$1"
git commit -q -m "proposal"
true
git update-ref refs/heads/main HEAD "$old"
'''


def clone(bench, origin, name, checked_out):
    repo = bench.path(name)
    bench.run(['git', 'clone', '-q', '--no-local', '-n', origin, repo])
    bench.git(repo, 'config', 'core.fsync', 'all')
    if checked_out:
        bench.git(repo, 'checkout', '-q', 'main')
    else:
        tree = bench.git(repo, 'hash-object', '-w', '-t', 'tree', '/dev/null')
        bench.git(repo, 'update-ref', 'refs/heads/side', bench.git(repo, 'commit-tree', '-m', 'side', tree))
        bench.git(repo, 'symbolic-ref', 'HEAD', 'refs/heads/side')
    return repo


def adopted(bench, origin, name, checked_out):
    repo = clone(bench, origin, name, checked_out)
    bench.run([bench.ratchet, '-C', repo, 'baseline', 'record', '--target', 'main'])
    return repo


def main():
    with Bench('proposal', __doc__) as bench:
        many, few = bench.size(78000, 3000), 400
        make_repo(bench, bench.path('many.git'), many, CONFIG)
        make_repo(bench, bench.path('few.git'), few, CONFIG)
        script = clone(bench, bench.path('many.git'), 'script', False)
        worktree = bench.path('worktree')
        bench.git(script, 'worktree', 'add', '-q', '--detach', worktree, 'main')
        repos = {'apart': adopted(bench, bench.path('many.git'), 'apart', False),
                 'few': adopted(bench, bench.path('few.git'), 'few', False),
                 'checked out': adopted(bench, bench.path('many.git'), 'out', True)}

        def propose(name, files, **more):
            def once(i):
                patch = one_line_patch(bench.path('patch'), (i + 1) * 37 % files)
                return bench.run([bench.ratchet, '-C', repos[name], 'propose', '--target', 'main', patch], **more)
            return once

        def by_script(i):
            patch = one_line_patch(bench.path('patch'), (i + 1) * 37 % many)
            return bench.run(['sh', '-c', SCRIPT, 'script', patch], cwd=worktree)

        sides = {'script': by_script, 'apart': propose('apart', many), 'few': propose('few', few),
                 'checked out': propose('checked out', many)}
        bench.interleave(1, sides)  # everything warm, not counted: a cold first run says nothing of the hundredth
        rounds = bench.rounds(20)
        taken = bench.interleave(rounds, {name: lambda i, side=side: side(i + 1) for name, side in sides.items()})
        for name, repo in repos.items():
            for i in range(rounds):
                path = file_name((i + 2) * 37 % (few if name == 'few' else many))
                if 'version 1' not in bench.git(repo, 'show', 'main:' + path):
                    raise SystemExit('%s: a landed change of %s is missing' % (name, path))
        if bench.git(repos['checked out'], 'status', '--porcelain'):
            raise SystemExit('the checked-out target is not clean')
        ratio('proposal, %d files / git script' % many, taken['apart'], taken['script'], 0.1)
        ratio('proposal, %d files / 400 files' % many, taken['apart'], taken['few'], 1.3)
        ratio('the same, target checked out / git script', taken['checked out'], taken['script'], 0.25)
        held = [propose(name, many, peak=True)(rounds + 1) for name in ('apart', 'checked out')]
        peak('proposal, %d files: peak memory' % many, held, 64)


main()
