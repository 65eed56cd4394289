#!/usr/bin/python3
"""Two hundred cells of `true`, isolated, on two processors, beside ninja running the same commands without isolation."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import Bench, make_repo, one_line_patch, ratio  # noqa: E402


def main():
    with Bench('cells', __doc__) as bench:
        cells = bench.size(200, 10)
        names = ', '.join('n%03d' % i for i in range(cells))
        make_repo(bench, bench.path('origin.git'), 400,
                  'version: 1\ntarget: main\njobs: 2\naxes: {n: [%s]}\nchecks:\n  - name: unit\n    axes: [n]\n'
                  '    run: "true"\n' % names)
        repo = bench.path('repo')
        bench.run(['git', 'clone', '-q', '--no-local', bench.path('origin.git'), repo])
        bench.run([bench.ratchet, '-C', repo, 'baseline', 'record'])
        ninja = bench.path('ninja')
        os.mkdir(ninja)
        with open(os.path.join(ninja, 'build.ninja'), 'w') as out:
            out.write('rule true\n  command = true\n')
            out.writelines('build n%03d: true\n' % i for i in range(cells))

        def ours(i):
            patch = one_line_patch(bench.path('patch'), i + 1)
            taken = bench.run([bench.ratchet, '-C', repo, 'propose', '--dry-run', patch])
            if '%d passed' % cells not in taken.output:
                raise SystemExit('not all cells passed: ' + taken.output)
            return taken

        sides = {'ratchet': ours, 'ninja': lambda i: bench.run(['ninja', '-j2'], cwd=ninja)}
        bench.interleave(1, sides)
        taken = bench.interleave(bench.rounds(7), sides)
        ratio('%d isolated cells of true / ninja -j2' % cells, taken['ratchet'], taken['ninja'], 2.5)


main()
