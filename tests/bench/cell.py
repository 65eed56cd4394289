#!/usr/bin/python3
"""One cell with everything on, workspace included, beside a bare `bwrap --unshare-all` with the same mounts."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import Bench, median, ratio, Taken  # noqa: E402

# What is mounted in a cell, the same for bwrap: system paths read-only, a workspace, private /proc, /dev, /tmp and home.
def bwrap(bench, cell, workspace):
    argv = ['bwrap', '--unshare-all', '--die-with-parent', '--clearenv', '--setenv', 'PATH', '/usr/bin:/bin']
    for name in ('bin', 'sbin', 'lib', 'lib64', 'lib32', 'libx32'):
        if os.path.islink('/' + name):
            argv += ['--symlink', os.readlink('/' + name), '/' + name]
    for line in bench.run(cell + ['cat', '/proc/self/mountinfo']).output.splitlines():
        target = line.split()[4]
        if target.startswith(('/usr', '/etc', '/lib', '/bin', '/sbin')):
            argv += ['--ro-bind', target, target]
    return argv + ['--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--tmpfs', '/home/user',
                   '--bind', workspace, '/src', '--bind', workspace, '/out', '--chdir', '/src', 'true']


def main():
    with Bench('cell', __doc__) as bench:
        count = bench.size(40, 3)
        tool = os.path.join(bench.helpers, 'bench_cell')
        cell = [tool, str(count), '1', 'namespaces', 'true']
        workspace = bench.path('workspace')
        os.mkdir(workspace)
        other = ' '.join(bwrap(bench, [tool, '1', '1', 'namespaces'], workspace))
        loop = 'i=0; while [ $i -lt %d ]; do %s || exit; i=$((i+1)); done' % (count, other)

        def ours(_):
            taken = bench.run(cell)
            per = float(re.search(r'([0-9.]+) ms a cell', taken.output).group(1)) / 1e3
            return Taken(per, taken.cpu / count, taken.peak, taken.output)

        def theirs(_):
            taken = bench.run(['sh', '-c', loop])
            return Taken(taken.wall / count, taken.cpu / count, taken.peak, taken.output)

        taken = bench.interleave(bench.rounds(9), {'cell': ours, 'bwrap': theirs})
        ratio('an isolated cell / bwrap --unshare-all', taken['cell'], taken['bwrap'], 0.6)


main()
