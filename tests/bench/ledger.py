#!/usr/bin/python3
"""
The ledger: what an append costs at 1,000, 10,000 and 100,000 entries; verifying all of them beside `git fsck` of the same
objects; verifying what is new; and a whole `check`, whose cost must not follow the ledger's length.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import Bench, Taken, make_repo, median, ratio, row, seconds  # noqa: E402

APPENDS = 20


def main():
    with Bench('ledger', __doc__) as bench:
        lengths = bench.size([1000, 10000, 100000], [20, 40, 80])
        tool = os.path.join(bench.helpers, 'bench_ledger')
        make_repo(bench, bench.path('origin.git'), 10,
                  'version: 1\ntarget: main\nchecks:\n  - name: unit\n    run: "true"\n')

        def grow(repo, length):
            writer, seq, digest, *commit = bench.run([tool, 'head', repo]).output.split()
            stream = bench.path('stream')
            with open(stream, 'w') as out:
                out.write(bench.run([tool, 'stream', writer, str(int(seq) + 1), str(length - int(seq)),
                                     commit[0] if commit else '', digest]).output)
            bench.run(['git', '-C', repo, 'fast-import', '--quiet'], stdin=stream)
            os.unlink(stream)

        repos = []
        for length in lengths:
            repo = bench.path('of-%d' % length)
            bench.run(['git', 'clone', '-q', '--no-local', bench.path('origin.git'), repo])
            bench.run([bench.ratchet, '-C', repo, 'check'])
            grow(repo, length)
            repos.append(repo)

        def append(repo):
            def once(_):
                taken = bench.run([tool, 'append', repo, str(APPENDS // 2)])
                return Taken(taken.wall / APPENDS, taken.cpu / APPENDS, taken.peak, taken.output)
            return once

        sides = {length: append(repo) for length, repo in zip(lengths, repos)}
        taken = bench.interleave(bench.rounds(9), sides)
        for length in lengths[1:]:
            ratio('an append at %d entries / at %d' % (length, lengths[0]), taken[length], taken[lengths[0]], 1.2)

        def check(repo):
            return lambda _: bench.run([bench.ratchet, '-C', repo, 'check'])

        ends = {lengths[0]: check(repos[0]), lengths[-1]: check(repos[-1])}
        for once in ends.values():
            once(0)  # what the ledger accepts is read and noted
        taken = bench.interleave(bench.rounds(9), ends)
        ratio('a check at %d entries / at %d' % (lengths[-1], lengths[0]), taken[lengths[-1]], taken[lengths[0]], 1.2)

        repo = repos[-1]

        def verify_all(_):
            return bench.run([bench.ratchet, '-C', repo, 'verify', '--all'])

        def fsck(_):
            return bench.run(['git', '-C', repo, 'fsck', '--no-dangling'])

        taken = bench.interleave(bench.rounds(5), {'verify': verify_all, 'fsck': fsck})
        if not taken['verify'][0].output.startswith('sound: '):
            raise SystemExit('not sound: ' + taken['verify'][0].output)
        ratio('verify --all of %d entries / git fsck' % lengths[-1], taken['verify'], taken['fsck'], 1)

        def verify_new(_):
            append(repo)(0)
            return bench.run([bench.ratchet, '-C', repo, 'verify'])

        new = [verify_new(i) for i in range(bench.rounds(15))]
        wall = median(new)
        row('verify of %d new entries of %d' % (APPENDS, lengths[-1]), seconds(wall), '', '', '< 20 ms', wall < 0.02)
        row('    processor time', seconds(median(new, 'cpu')), '', '', '', True)


main()
